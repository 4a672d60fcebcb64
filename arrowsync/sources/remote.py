"""What a URL means: the files of `https://`, of what pyarrow knows (`s3://`, `gs://`, ...), and of what fsspec knows.

HTTP is read with the standard library: one request, streamed, and a body that ends early is noticed. A URL may hold a secret,
in its user part or its query, so messages show it `masked`, and what a library says of it is searched for the secret.
"""

from __future__ import annotations

import base64
import posixpath
import re
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, TypeVar, cast
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import pyarrow as pa

from arrowsync.errors import MissingDriver, SourceError
from arrowsync.sources.formats import Format, is_data, said_by
from arrowsync.sources.paths import SourceFile, data_files, is_hidden, local_files, partition_keys

TIMEOUT_SECONDS = 60
_ARROW_SCHEMES = frozenset({"s3", "gs", "gcs", "hdfs", "viewfs", "abfs", "abfss"})
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
T = TypeVar("T")


def is_url(text: str) -> bool:
    """Whether a text is a URL, not a path."""
    return _SCHEME.match(text) is not None


def masked(url: str) -> str:
    """The URL without what may be secret: the user and password, and the query."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    netloc = f"***@{host}" if user or at else host
    return urlunsplit((parts.scheme, netloc, parts.path, "***" if parts.query else "", ""))


def remote_files(url: str, file_format: Format | None) -> list[SourceFile]:
    """The files that a URL names: itself, or where there are folders all data below one, or all that match a glob."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise SourceError(f"the URL can't be read: {error}", source=url.partition(":")[0]) from None
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
    """The outcome of an action; what goes wrong is an error that names the URL without its secrets."""
    try:
        return action()
    except (SourceError, MissingDriver):
        raise
    except FileNotFoundError as error:
        raise SourceError(f"there is no file or folder {masked(url)!r}", source=masked(url)) from _shown(error, url)
    except (OSError, pa.ArrowException, ValueError, ImportError) as error:
        text = _scrubbed(str(error).strip().partition("\n")[0] or type(error).__name__, url)
        raise SourceError(f"{masked(url)!r} can't be read: {text}", source=masked(url)) from _shown(error, url)


def _secrets(url: str) -> list[str]:
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    found = [parts.query, *parts.query.split("&"), user, *user.split(":")]
    found += [value for pair in parts.query.split("&") for value in pair.split("=")[1:]]
    return sorted({text for part in found for text in (part, unquote(part)) if len(text) > 2}, key=len, reverse=True)


def _scrubbed(text: str, url: str) -> str:
    for secret in _secrets(url):
        text = text.replace(secret, "***")
    return text


def _shown(error: Exception, url: str) -> Exception | None:
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
    from http.client import HTTPException
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
    except (OSError, HTTPException, ValueError) as error:
        text = _scrubbed(str(getattr(error, "reason", "") or error) or type(error).__name__, url)
        raise SourceError(
            f"{masked(url)!r} can't be read: {text}", source=masked(url), hint="check the URL and the network"
        ) from _shown(error, url)


# ---- file systems -------------------------------------------------------------------------------------------------------


def _filesystem(url: str, scheme: str) -> tuple[Any, str]:
    from pyarrow import fs

    if scheme in _ARROW_SCHEMES:
        return cast("tuple[Any, str]", fs.FileSystem.from_uri(url))
    try:
        core: Any = import_module("fsspec.core")
    except ImportError as error:
        raise MissingDriver("fsspec", needed_for=f"a {scheme}:// URL") from error
    found: tuple[Any, str] = core.url_to_fs(url)
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
