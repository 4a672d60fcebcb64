"""What a path means: the files of a file, folder or glob in a fixed order, and the partition columns of `key=value` folders."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote

import pyarrow as pa

from arrowsync.declare.spec import TableSpec
from arrowsync.errors import SourceError

Path: TypeAlias = "str | os.PathLike[str]"

PARQUET_SUFFIXES = (".parquet", ".pq", ".parq")
# What can't be read yet, by suffix, so that the message can say so.
OTHER_FORMATS = {
    ".csv": "CSV",
    ".tsv": "TSV",
    ".txt": "text",
    ".json": "JSON",
    ".jsonl": "JSON Lines",
    ".ndjson": "JSON Lines",
    ".arrow": "Arrow IPC",
    ".feather": "Feather",
    ".ipc": "Arrow IPC",
    ".orc": "ORC",
    ".avro": "Avro",
    ".xlsx": "Excel",
    ".gz": "gzip",
    ".zst": "Zstandard",
    ".zip": "zip",
}
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to read; `keys` are the `key=value` folders between it and the path that was given."""

    path: str
    keys: Mapping[str, str | None]


def to_path(path: Path) -> str:
    """The path as text, with `~` expanded; a URL is refused."""
    text = os.fspath(path)
    if not text:
        raise SourceError("the path of the data is empty", source="", hint="give the path of a file or folder")
    if match := re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", text):
        scheme = match[1].lower()
        # The rest of the URL may hold a secret.
        raise SourceError(
            f"a {scheme}:// URL can't be read yet, only paths of this machine",
            source=f"{scheme}://",
            hint="give the plain path"
            if scheme == "file"
            else "give what reads it: a Polars LazyFrame or a pyarrow Dataset",
        )
    return os.path.expanduser(text)


def find_files(path: str, file_format: str | None) -> list[SourceFile]:
    """The Parquet files that a path names: itself, all in a folder (and below), or all that match a glob."""
    try:
        if os.path.isdir(path):
            return _in_folder(path)
        if not os.path.lexists(path) and glob.has_magic(path):
            return _matching(path, file_format)
        _check_file(path, file_format)
    except SourceError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise unreadable(path, error) from error
    return [SourceFile(path, {})]


def _check_file(path: str, file_format: str | None) -> None:
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise SourceError(
            f"{path!r} is no regular file", source=path, hint="give the path of a Parquet file or a folder"
        )
    suffix = os.path.splitext(path)[1].lower()
    if file_format is None and suffix in OTHER_FORMATS:
        kind = OTHER_FORMATS[suffix]
        raise SourceError(
            f"{path!r} is a {kind} file by its name, and {kind} can't be read yet",
            source=path,
            hint="read it with Polars, pandas or pyarrow and give the frame; if it is Parquet all the same, format='parquet'",
        )


def _in_folder(folder: str) -> list[SourceFile]:
    files = [SourceFile(path, _partition_keys(folder, path)) for path in _walk(folder)]
    if not files:
        what = "holds no Parquet file" if os.listdir(folder) else "is empty"
        raise SourceError(
            f"the folder {folder!r} {what}",
            source=folder,
            hint=f"files named *{', *'.join(PARQUET_SUFFIXES)} are looked for",
        )
    return files


def _walk(folder: str) -> Iterator[str]:
    """All Parquet files below, sorted; what begins with `_` or `.` is of the tool that wrote the folder, not data."""
    seen: set[str] = set()

    def fail(error: OSError) -> None:  # os.walk would leave out what it can't list
        raise error

    for place, folders, files in os.walk(folder, followlinks=True, onerror=fail):
        real = os.path.realpath(place)
        folders[:] = [] if real in seen else sorted(name for name in folders if name[0] not in "_.")
        if real not in seen:
            names = sorted(name for name in files if name[0] not in "_." and name.lower().endswith(PARQUET_SUFFIXES))
            yield from (os.path.join(place, name) for name in names)
        seen.add(real)


def _matching(pattern: str, file_format: str | None) -> list[SourceFile]:
    fixed = pattern
    while glob.has_magic(fixed):
        fixed = os.path.dirname(fixed)
    matches = sorted(glob.glob(pattern, recursive=True))
    if not matches:
        os.listdir(fixed or ".")  # glob takes what it may not read for empty
        raise SourceError(f"nothing matches {pattern!r}", source=pattern, hint=_where(pattern))
    # With `**` a folder matches beside the files in it.
    files = [match for match in matches if not os.path.isdir(match)]
    if not files:
        files = [path for match in matches for path in _walk(match)]
    if not files:
        raise SourceError(f"no Parquet file is in the folders that match {pattern!r}", source=pattern)
    for path in files:
        _check_file(path, file_format)
    return [SourceFile(path, _partition_keys(fixed, path)) for path in files]


def _partition_keys(base: str, path: str) -> dict[str, str | None]:
    keys: dict[str, str | None] = {}
    for part in os.path.relpath(path, base or ".").split(os.sep)[:-1]:
        key, equals, value = part.partition("=")
        if key and equals:
            keys[unquote(key)] = None if value == _NULL_PARTITION else unquote(value)
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


def _where(path: str) -> str:
    """Where a path that leads nowhere was looked for, as far as it leads somewhere."""
    if re.match(r"\s*(select|with|from)\s", path, re.IGNORECASE):
        return "a str is the path of a file, never a query; for a query give duckdb.sql(...)"
    folder = os.path.dirname(os.path.abspath(path))
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return f"looked in {folder}"


def unreadable(path: str, error: Exception) -> SourceError:
    """An error of the operating system, or of pyarrow about the file, naming the file."""
    if isinstance(error, FileNotFoundError):
        return SourceError(f"there is no file or folder {path!r}", source=path, hint=_where(path))
    if isinstance(error, PermissionError):
        return SourceError(
            f"no permission to read {path!r}", source=path, hint="check who may read the file and its folders (ls -l)"
        )
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    return SourceError(f"{path!r} can't be read: {text}", source=path)
