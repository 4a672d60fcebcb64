"""What a path of this machine means: the files of a file, folder or glob in a fixed order, and the partition columns of
`key=value` folders."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias, cast
from urllib.parse import unquote

import pyarrow as pa

from arrowsync.declare.spec import TableSpec
from arrowsync.errors import SourceError
from arrowsync.sources.formats import FORMATS, SUFFIXES, Format, Said, is_data, said_by

Path: TypeAlias = "str | os.PathLike[str]"

_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to read: what to call it, and how to open it; each call of `open` gives it from its beginning.

    `said` is what its name says; `keys` are the `key=value` folders between it and the path that was given. What `open` gives
    has `read` and `close`, and can seek unless the file is `streamed`; one that is there `once` opens only once. `path` is
    that of a file of this machine.
    """

    name: str
    open: Callable[[], Any]
    said: Said = field(default_factory=Said)
    keys: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])
    streamed: bool = False
    once: bool = False
    path: str | None = None


def local_files(path: str, file_format: Format | None) -> list[SourceFile]:
    """The files that a path names: itself, all data in a folder (and below), or all that match a glob."""
    try:
        if os.path.isdir(path):
            return _in_folder(path, file_format)
        if not os.path.lexists(path) and glob.has_magic(path):
            return _matching(path, file_format)
        return [_file(path, file_format)]
    except SourceError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise unreadable(path, error) from error


def _file(path: str, file_format: Format | None, base: str | None = None) -> SourceFile:
    mode, said = os.stat(path).st_mode, said_by(path)
    keys = {} if base is None else partition_keys(os.path.relpath(path, base or "."))
    if stat.S_ISREG(mode):
        return SourceFile(path, partial(_open, path), said, keys, path=path)
    if stat.S_ISFIFO(mode) and (file_format or said.format) not in (None, "parquet"):
        return SourceFile(path, partial(open, path, "rb", 0), said, keys, streamed=True, once=True)
    raise SourceError(f"{path!r} is no regular file", source=path, hint="give the path of a file or a folder")


def _open(path: str) -> Any:
    files = cast("Any", pa.OSFile)
    return files(path, "rb")


def _in_folder(folder: str, file_format: Format | None) -> list[SourceFile]:
    files = [_file(path, file_format, folder) for path in _walk(folder)]
    return data_files(files, folder, file_format, is_empty=not os.listdir(folder))


def data_files(
    files: list[SourceFile], folder: str, file_format: Format | None, *, is_empty: bool = False
) -> list[SourceFile]:
    """Those of a folder's files that are of the format asked for, or of the one that they all have."""
    files = [file for file in files if file_format in (None, file.said.format)]
    if files:
        return files
    if file_format is None:
        what, named = "no data file", list(SUFFIXES)
    else:
        what = f"no {FORMATS[file_format]} file"
        named = [suffix for suffix, kind in SUFFIXES.items() if kind == file_format]
    raise SourceError(
        f"the folder {folder!r} {'is empty' if is_empty else f'holds {what}'}",
        source=folder,
        hint=f"files named *{', *'.join(named)} are looked for",
    )


def is_hidden(name: str) -> bool:
    """Whether a file or folder is of the tool that wrote the folder, not data."""
    return name.startswith(("_", "."))


def _walk(folder: str) -> Iterator[str]:
    """All files below that are data by their names, sorted."""
    seen: set[str] = set()

    def fail(error: OSError) -> None:  # os.walk would leave out what it can't list
        raise error

    for place, folders, files in os.walk(folder, followlinks=True, onerror=fail):
        real = os.path.realpath(place)
        folders[:] = [] if real in seen else sorted(name for name in folders if not is_hidden(name))
        if real not in seen:
            names = sorted(name for name in files if not is_hidden(name) and is_data(name))
            yield from (os.path.join(place, name) for name in names)
        seen.add(real)


def _matching(pattern: str, file_format: Format | None) -> list[SourceFile]:
    fixed = pattern
    while glob.has_magic(fixed):
        fixed = os.path.dirname(fixed)
    matches = sorted(glob.glob(pattern, recursive=True))
    if not matches:
        os.listdir(fixed or ".")  # glob takes what it may not read for empty
        raise SourceError(f"nothing matches {pattern!r}", source=pattern, hint=_where(pattern))
    # With `**` a folder matches beside the files in it.
    files = [_file(match, file_format, fixed) for match in matches if not os.path.isdir(match)]
    if not files:
        inside = [_file(path, file_format, fixed) for match in matches for path in _walk(match)]
        files = [file for file in inside if file_format in (None, file.said.format)]
    if not files:
        kind = "data" if file_format is None else FORMATS[file_format]
        raise SourceError(f"no {kind} file is in the folders that match {pattern!r}", source=pattern)
    return files


def partition_keys(path: str) -> dict[str, str | None]:
    """The keys of the `key=value` folders in a relative path of a file."""
    keys: dict[str, str | None] = {}
    for part in path.replace(os.sep, "/").split("/")[:-1]:
        key, equals, value = part.partition("=")
        if key and equals:
            try:
                said = unquote(value, errors="strict")
                keys[unquote(key, errors="strict")] = None if value == _NULL_PARTITION else said
                part.encode()  # what isn't UTF-8 in the name itself is no text either
            except UnicodeError as error:
                raise SourceError(
                    f"{path!r}: the folder {part!r} is a partition whose key or value is not UTF-8",
                    source=path,
                    hint="write its name in UTF-8, with %XX for each byte of what can't be in a name",
                ) from error
    return keys


def partition_types(files: Sequence[SourceFile], spec: TableSpec | None) -> dict[str, pa.DataType]:
    """The partition columns: integers where all values are, else text. `007` is an integer only where one is declared."""
    types: dict[str, pa.DataType] = {}
    for key in dict.fromkeys(key for file in files for key in file.keys):
        values = [value for file in files if (value := file.keys.get(key)) is not None]
        column = None if spec is None else spec.by_name.get(key)
        if column is not None and not pa.types.is_integer(column.type):
            types[key] = pa.string()
            continue
        pattern = r"0|-?[1-9][0-9]{0,17}" if column is None else r"-?[0-9]{1,18}"
        types[key] = pa.int64() if all(re.fullmatch(pattern, value) for value in values) else pa.string()
    return types


def without_partitions(spec: TableSpec | None, keys: Mapping[str, object]) -> TableSpec | None:
    """The columns that are expected in the file itself, where others are in its path."""
    if spec is None or not any(column.name in keys for column in spec.columns):
        return spec
    columns = tuple(column for column in spec.columns if column.name not in keys)
    return replace(spec, columns=columns, key=(), unique=(), foreign_keys=()) if columns else None


def _where(path: str) -> str:
    """Where a path that leads nowhere was looked for, as far as it leads somewhere."""
    if re.match(r"\s*(select|with|from)\s", path, re.IGNORECASE):
        return "a str is the path of a file, never a query; for a query give duckdb.sql(...)"
    folder = os.path.dirname(os.path.abspath(path))
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return f"looked in {folder}"


def unreadable(name: str, error: Exception) -> SourceError:
    """An error of the operating system, or of pyarrow about the file, naming the file."""
    if isinstance(error, FileNotFoundError):
        return SourceError(f"there is no file or folder {name!r}", source=name, hint=_where(name))
    if isinstance(error, PermissionError):
        return SourceError(
            f"no permission to read {name!r}", source=name, hint="check who may read the file and its folders (ls -l)"
        )
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    if "Truncated compressed stream" in text:
        return SourceError(
            f"{name!r} was cut short: its compressed data has no end",
            source=name,
            hint="copy or download it again, or wait until it is written",
        )
    return SourceError(
        f"{name!r} can't be read: {text}",
        source=name,
        hint="is it damaged? compare it with the original, or copy it again",
    )
