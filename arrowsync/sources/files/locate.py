"""Paths and URLs -> files in a fixed order, and the partition columns in their folders' names."""

from __future__ import annotations

import base64
import glob
import os
import posixpath
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from typing import Any, TypeAlias, TypeVar, cast
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import pyarrow as pa

from arrowsync.declare.spec import TableSpec
from arrowsync.errors import ArrowSyncError, MissingDriver, SourceError, is_foreign, translated
from arrowsync.sources.files.formats import FORMATS, SUFFIXES, Format, Said, is_data, said_by

Path: TypeAlias = "str | os.PathLike[str]"

_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file to read: its name in messages, and `open`, each call of which gives the file from its beginning.

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
    with file_errors(path):
        if os.path.isdir(path):
            return _in_folder(path, file_format)
        if not os.path.lexists(path) and glob.has_magic(path):
            return _matching(path, file_format)
        return [_file(path, file_format)]


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
    """The files of a folder that have the format asked for, or the one that all of them have."""
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
    """True if a file or folder is of the tool that wrote the folder, not data."""
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
    """A hint for a path that doesn't exist: the part that does, or the mistake."""
    if re.match(r"\s*(select|with|from)\s", path, re.IGNORECASE):
        return "a str is the path of a file, never a query; for a query give duckdb.sql(...)"
    folder = os.path.dirname(os.path.abspath(path))
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return f"looked in {folder}"


def file_errors(name: str) -> AbstractContextManager[None]:
    """Turn errors of a library or pyarrow while the file `name` is read into a `SourceError`."""
    return translated(partial(unreadable, name))


def unreadable(name: str, error: BaseException) -> SourceError:
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


TIMEOUT_SECONDS = 60
_ENCODED = "special characters in a password or path (@ / # ? : %) have to be percent-encoded"
_ARROW_SCHEMES = frozenset({"s3", "gs", "gcs", "hdfs", "viewfs", "abfs", "abfss"})
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
T = TypeVar("T")


def is_url(text: str) -> bool:
    """True if a text is a URL, not a path."""
    return _SCHEME.match(text) is not None


def masked(url: str) -> str:
    """The URL without parts that may be secret: the user and password, and the query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"{url.partition(':')[0]}://***"
    user, at, host = parts.netloc.rpartition("@")
    netloc = f"***@{host}" if user or at else host
    return urlunsplit((parts.scheme, netloc, parts.path, "***" if parts.query else "", ""))


def remote_files(url: str, file_format: Format | None) -> list[SourceFile]:
    """The files that a URL names: itself, or where there are folders all data below one, or all that match a glob."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SourceError("the URL can't be read", source=url.partition(":")[0], hint=_ENCODED) from None
    # What comes before a / # or ? would be taken for host and port: here it is rather a user and the beginning of a password.
    late = "@" in parts.path + parts.query + parts.fragment
    if late and (port is not None or "@" in parts.netloc or parts.netloc.endswith(":")):
        raise SourceError("the URL has an @ after its host", source=f"{parts.scheme}://***", hint=_ENCODED)
    if not parts.netloc and parts.scheme not in ("file", "memory"):
        raise SourceError(
            f"the URL {masked(url)!r} names no host", source=masked(url), hint=f"{parts.scheme}://host/path"
        )
    if parts.scheme == "file":
        return local_files(_local_path(parts), file_format)
    if parts.scheme in ("http", "https"):
        return [SourceFile(masked(url), partial(_open_http, url), said_by(parts.path), streamed=True)]
    filesystem, path = _attempt(url, lambda: _filesystem(url, parts.scheme))
    return _attempt(url, lambda: files_of(filesystem, path, masked(url), file_format))


def _local_path(parts: SplitResult) -> str:
    if parts.netloc not in ("", "localhost"):
        raise SourceError(
            f"'file://{parts.netloc}{parts.path}' is a file of another machine",
            source=parts.path,
            hint="a path of this machine begins with file:///",
        )
    return unquote(parts.path)


def _attempt(url: str, action: Callable[[], T]) -> T:
    """Run an action; a failure is an error that names the URL without its secrets."""
    try:
        return action()
    except ArrowSyncError:
        raise
    except FileNotFoundError as error:
        raise SourceError(f"there is no file or folder {masked(url)!r}", source=masked(url)) from _shown(error, url)
    except BaseException as error:  # of any file system that fsspec knows
        if not is_foreign(error):
            raise
        text = _scrubbed(str(error).strip().partition("\n")[0] or type(error).__name__, url)
        raise SourceError(f"{masked(url)!r} can't be read: {text}", source=masked(url)) from _shown(error, url)


def _secrets(url: str) -> list[str]:
    parts = urlsplit(url)
    password = parts.netloc.rpartition("@")[0].partition(":")[2]
    found = [parts.query, password]
    found += [value for pair in parts.query.split("&") for value in pair.split("=")[1:]]
    return sorted({text for part in found for text in (part, unquote(part)) if len(text) > 3}, key=len, reverse=True)


def _scrubbed(text: str, url: str) -> str:
    for secret in _secrets(url):
        for written in (secret, repr(secret)[1:-1]):  # libraries quote the URL with repr
            text = text.replace(written, "***")
    return text


def _shown(error: BaseException, url: str) -> BaseException | None:
    """The cause that a traceback may show."""
    return None if _secrets(url) else error


# ---- HTTP ---------------------------------------------------------------------------------------------------------------


class _Body:
    """The body of a response; one that ends before all of it arrived raises."""

    def __init__(self, response: Any, url: str) -> None:
        self._response = response
        self._url = url

    def read(self, size: int) -> bytes:
        return _attempt_http(self._url, lambda: self._read(size))

    def _read(self, size: int) -> bytes:
        data = cast("bytes", self._response.read(size))
        if not data and size and self._response.length:
            raise SourceError(
                f"{masked(self._url)!r} was cut short: {self._response.length:,} bytes are missing",
                source=masked(self._url),
                hint="the connection broke; try again",
            )
        return data

    def close(self) -> None:
        self._response.close()


def _open_http(url: str) -> _Body:
    from urllib.request import Request, urlopen

    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    path = re.sub(r"[^!-~]", lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), parts.path)

    def connect() -> Any:
        request = Request(urlunsplit((parts.scheme, host, path, parts.query, "")))
        if at:  # not sent on to where the server redirects to
            token = base64.b64encode(unquote(user).encode()).decode()
            request.add_unredirected_header("Authorization", f"Basic {token}")
        return urlopen(request, timeout=TIMEOUT_SECONDS)

    return _Body(_attempt_http(url, connect), url)


_HTTP_HINTS = {
    401: "put user and password into the URL, https://user:password@host/..., or use a signed one",
    403: "check whether the URL is signed, and not too old",
    404: "check the URL",
}


def _attempt_http(url: str, action: Callable[[], T]) -> T:
    from urllib.error import HTTPError

    try:
        return action()
    except HTTPError as error:
        error.close()
        raise SourceError(
            f"{masked(url)!r} can't be read: HTTP {error.code} {_scrubbed(error.reason, url)}",
            source=masked(url),
            hint=_HTTP_HINTS.get(error.code),
        ) from None
    except ArrowSyncError:
        raise
    except Exception as error:
        text = _scrubbed(str(getattr(error, "reason", "") or error) or type(error).__name__, url)
        raise SourceError(
            f"{masked(url)!r} can't be read: {text}", source=masked(url), hint="check the URL and the network"
        ) from _shown(error, url)


# ---- file systems -------------------------------------------------------------------------------------------------------


PACKAGES: Mapping[str, str] = {
    "az": "adlfs",
    "adl": "adlfs",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "smb": "smbprotocol",
    "oci": "ocifs",
    "dropbox": "dropboxdrivefs",
    "webdav": "webdav4",
    "github": "requests",
}
"""Scheme -> the package that fsspec needs for it."""


def _filesystem(url: str, scheme: str) -> tuple[Any, str]:
    from pyarrow import fs

    if scheme in _ARROW_SCHEMES:
        return cast("tuple[Any, str]", fs.FileSystem.from_uri(url))
    try:
        core: Any = import_module("fsspec.core")
    except ImportError as error:
        raise MissingDriver("fsspec", needed_for=f"the scheme {scheme}://", extra="remote") from error
    try:
        found: tuple[Any, str] = core.url_to_fs(url)
    except ImportError as error:
        package = PACKAGES.get(scheme)
        if package is None:
            raise
        raise MissingDriver(package, needed_for=f"the scheme {scheme}://") from error
    filesystems: Any = fs
    return filesystems.PyFileSystem(filesystems.FSSpecHandler(found[0])), found[1]


def files_of(filesystem: Any, path: str, name: str, file_format: Format | None) -> list[SourceFile]:
    """The files that a path of a `pyarrow.fs` file system names, which messages call by URLs that begin as `name` does."""
    from pyarrow import fs

    root = (
        name[: len(name) - len(path.lstrip("/"))]
        if name.endswith(path.lstrip("/"))
        else f"{name.partition('://')[0]}://"
    )

    def file(found: str, base: str) -> SourceFile:
        keys = partition_keys(posixpath.relpath(found, base) if base else found)
        opener = partial(_open_remote, filesystem, found, f"{root}{found.lstrip('/')}")
        return SourceFile(f"{root}{found.lstrip('/')}", opener, said_by(found), keys)

    kind = filesystem.get_file_info(path).type
    if kind == fs.FileType.File:
        return [file(path, posixpath.dirname(path))]
    if kind == fs.FileType.Directory:
        inside = [found for found in _listed(filesystem, path) if is_data(found)]
        return data_files([file(found, path) for found in inside], name, file_format)
    if "*" not in path:
        raise FileNotFoundError(name)
    fixed = str(posixpath.dirname(path[: path.index("*")]))
    pattern = _glob_pattern(path)
    matches = [file(found, fixed) for found in _listed(filesystem, fixed) if pattern.fullmatch(found)]
    if not matches:
        raise SourceError(f"nothing matches {name!r}", source=name, hint=f"looked in {root}{fixed.lstrip('/')}")
    return matches


def _glob_pattern(path: str) -> re.Pattern[str]:
    """`*` is anything within a name, `**/` any folders, everything else itself."""
    parts = [
        "(?:[^/]+/)*" if part == "**" else re.escape(part).replace(r"\*", "[^/]*") + "/" for part in path.split("/")
    ]
    return re.compile("".join(parts).removesuffix("/"))


def _listed(filesystem: Any, folder: str) -> list[str]:
    """The paths of all files below, in the order of a walk: the files of a folder before those of the folders in it."""
    from pyarrow import fs

    selector = fs.FileSelector(folder, recursive=True)
    found = [info.path for info in filesystem.get_file_info(selector) if info.type == fs.FileType.File]
    inside = {path: posixpath.relpath(path, folder).split("/") for path in found}
    shown = [path for path, names in inside.items() if not any(map(is_hidden, names))]
    return sorted(
        shown, key=lambda path: [*((True, folder) for folder in inside[path][:-1]), (False, inside[path][-1])]
    )


def _open_remote(filesystem: Any, path: str, name: str) -> Any:
    return _attempt(name, lambda: filesystem.open_input_file(path))
