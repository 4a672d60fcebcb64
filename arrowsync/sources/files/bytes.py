"""Open files from paths, URLs, bytes, open files and standard input; their format; decompression.

Files are closed by whoever opened them: an open file that the user gave stays open.
"""

from __future__ import annotations

import inspect
import io
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, cast

import pyarrow as pa

from arrowsync.errors import SourceError
from arrowsync.sources.files.formats import (
    FORMATS,
    HEAD_BYTES,
    Compression,
    Format,
    compression_of,
    format_of,
    looks_like,
    said_by,
    way_to_read,
)
from arrowsync.sources.files.locate import SourceFile, file_errors, is_url, local_files, remote_files

STDIN = "standard input"
_CHUNK = 1 << 20


_LOGIN = re.compile(r":.*@|@.*:", re.DOTALL)
"""Matches a user, a password and a host."""


def find_files(data: Any, file_format: Format | None) -> list[SourceFile]:
    """The files that are meant by a path or URL, by a list of them, by bytes, or by an open file."""
    if isinstance(data, bytes | bytearray | memoryview):
        return [_given_bytes(cast("Any", data))]
    if hasattr(data, "read"):
        return [_given_file(data, None)]
    if isinstance(data, list | tuple):
        files = [file for path in cast("list[object]", data) for file in find_files(path, file_format)]
        for file in files:
            if file.once and len(files) > 1:
                raise SourceError(
                    f"{file.name!r} can't be one of several files", source=file.name, hint="give it alone"
                )
        return files
    text = os.fspath(cast("str | os.PathLike[str]", data))
    if not text:
        raise SourceError("the path of the data is empty", source="", hint="give the path of a file or folder")
    if isinstance(data, str) and text == "-":
        return [_standard_input()]
    if is_url(text):
        return remote_files(text, file_format)
    if _LOGIN.search(text) and not os.path.lexists(text):
        raise SourceError(
            "the data is neither a file nor a URL (and isn't shown, as a password may be in it)",
            source="***",
            hint="a URL begins with its scheme, as https://",
        )
    return local_files(os.path.expanduser(text), file_format)


# ---- bytes and open files -----------------------------------------------------------------------------------------------


class Borrowed:
    """An open file of someone else, or one that is opened several times: closing it leaves that open."""

    def __init__(self, file: Any, start: int | None) -> None:
        self._file = file
        self.closed = False
        if start is not None:
            file.seek(start)

    def read(self, size: int = -1) -> bytes:
        return cast("bytes", self._file.read(size))

    def seek(self, offset: int, whence: int = 0) -> int:
        return cast("int", self._file.seek(offset, whence))

    def tell(self) -> int:
        return cast("int", self._file.tell())

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Borrowed:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _given_bytes(data: bytes | bytearray | memoryview) -> SourceFile:
    contiguous = data if not isinstance(data, memoryview) or data.contiguous else bytes(data)
    return SourceFile(type(data).__name__, lambda: pa.BufferReader(contiguous))


def _given_file(file: Any, called: str | None) -> SourceFile:
    path = getattr(file, "name", None)
    name: str = called or (path if isinstance(path, str) else type(file).__name__)
    if inspect.iscoroutinefunction(file.read):
        raise SourceError(
            f"{name!r} is read asynchronously", source=name, hint="give its path, or an ordinary open file"
        )
    with file_errors(name):
        is_text = isinstance(file, io.TextIOBase) or isinstance(file.read(0), str)
        # The least that a file can be has `read` alone.
        can_seek = all(hasattr(file, method) for method in ("seekable", "seek", "tell"))
        start: int | None = file.tell() if not is_text and can_seek and file.seekable() else None
    if is_text:
        raise SourceError(f"{name!r} is open as text", source=name, hint='open it as binary: open(path, "rb")')
    said = said_by(path) if isinstance(path, str) and called is None else said_by("")
    if start is None:
        return SourceFile(name, lambda: Borrowed(file, None), said, streamed=True, once=True)
    return SourceFile(name, lambda: Borrowed(file, start), said)


def _standard_input() -> SourceFile:
    binary = getattr(sys.stdin, "buffer", None)
    if binary is None or sys.stdin.isatty():
        raise SourceError(
            "nothing is piped into standard input", source=STDIN, hint="arrowsync load - ... < FILE, or give a path"
        )
    return _given_file(binary, STDIN)


# ---- the format ---------------------------------------------------------------------------------------------------------


def settle_format(
    files: Sequence[SourceFile], asked: Format | None, opened: ExitStack
) -> tuple[Format, list[SourceFile]]:
    """The one format of all files: as asked, by their names, or by how they begin; and the files, unread still.

    What had to be opened for that and can't be opened again is closed by `opened`.
    """
    if asked is not None:
        return asked, list(files)
    found: list[tuple[Format, SourceFile]] = []
    for file in files:
        if file.said.other is not None:
            kind, hint = file.said.other
            raise SourceError(
                f"{file.name!r} is a {kind} file by its name, and {kind} can't be read",
                source=file.name,
                hint=f"{hint}; or format= says what it is, if it isn't",
            )
        found.append((file.said.format, file) if file.said.format is not None else _recognised(file, opened))
    first, file = found[0]
    for kind, other in found[1:]:
        if kind != first:
            raise SourceError(
                f"{file.name!r} is {FORMATS[first]}, and {other.name!r} is {FORMATS[kind]}",
                source=other.name,
                hint="all files of a source have one format: give a glob such as *.csv, or format= to take only some",
            )
    return first, [file for _, file in found]


def _recognised(file: SourceFile, opened: ExitStack) -> tuple[Format, SourceFile]:
    """The format that a file of no telling name has by its first bytes."""
    stream = ByteStream(file)
    with ExitStack() as done:
        done.callback(stream.close)
        head = stream.peek()
        found = format_of(head)
        if file.streamed:
            opened.push(done.pop_all())
            file = replace(file, open=lambda: stream)
    if found is not None:
        return found, file
    what = looks_like(head)
    raise SourceError(
        f"{file.name!r} looks like {what}" if what else f"the format of {file.name!r} can't be told",
        source=file.name,
        hint=f"say it with format=, which may be {', '.join(map(repr, FORMATS))}",
    )


# ---- bytes --------------------------------------------------------------------------------------------------------------


class ByteStream:
    """An open file as bytes; what goes wrong as they are read is a `SourceError` that names it."""

    def __init__(self, file: SourceFile, raw: Any = None) -> None:
        self.name = file.name
        self.closed = False
        self.ended = False
        self._held = b""
        with file_errors(self.name):
            self._raw: Any = file.open() if raw is None else raw

    def peek(self) -> bytes:
        """Return the first bytes, without consuming them."""
        while len(self._held) < HEAD_BYTES and (more := self._read(HEAD_BYTES - len(self._held))):
            self._held += more
        return self._held[:HEAD_BYTES]

    def read(self, size: int) -> bytes:
        """The next bytes, fewer than asked for only at the end: readers of formats take fewer bytes for the end."""
        piece, self._held = self._held[:size], self._held[size:]
        if len(piece) == size:
            return piece
        pieces, missing = [piece], size - len(piece)
        while missing and (more := self._read(missing)):
            pieces.append(more)
            missing -= len(more)
        return b"".join(pieces)

    def _read(self, size: int) -> bytes:
        with file_errors(self.name):
            data: object = self._raw.read(size)
        if not isinstance(data, bytes):
            raise SourceError(f"{self.name!r} gives {type(data).__name__}, not bytes", source=self.name)
        self.ended = not data and size != 0
        return data

    def close(self) -> None:
        self.closed = True
        with file_errors(self.name):
            self._raw.close()


def open_text(file: SourceFile, kind: Format, *, asked: bool) -> ByteStream:
    """The bytes of a file of text, decompressed. `asked` says that its format was said, not told by its name.

    Raises `SourceError` where the file surely is something else.
    """
    stream = ByteStream(file)
    try:
        compression = _compression(file, stream.peek(), asked=asked)
        if compression is not None:
            stream = _decompressed(file, stream, compression)
        head = stream.peek()
        if (what := looks_like(head)) is not None:
            raise _not_text(file, kind, what, head, asked=asked)
    except BaseException:
        stream.close()
        raise
    return stream


def _compression(file: SourceFile, head: bytes, *, asked: bool) -> Compression | None:
    """Return the compression of a file by its first bytes; refuse a file that isn't compressed as its name says."""
    found, said = compression_of(head), file.said.compression
    if asked or (said is None and file.said.format is None):
        return found
    if said is None or said == found:
        return said
    if not head:
        raise SourceError(
            f"{file.name!r} is empty, so no {said} file", source=file.name, hint="was it written to its end?"
        )
    raise SourceError(
        f"{file.name!r} is a {said} file by its name, but begins with {head[:4]!r}",
        source=file.name,
        hint=f"it looks like {looks_like(head) or 'text'}; with format= it is taken for what it is",
    )


def _not_text(file: SourceFile, kind: Format, what: str, head: bytes, *, asked: bool) -> SourceError:
    is_compressed = compression_of(head) is not None and not asked
    hint = f"format={kind!r} decompresses it" if is_compressed else way_to_read(head)
    by = "it was said to be" if asked else "by its name it is"
    return SourceError(f"{file.name!r} looks like {what}; {by} {FORMATS[kind]}", source=file.name, hint=hint)


def _decompressed(file: SourceFile, stream: ByteStream, compression: Compression) -> ByteStream:
    streams = cast("Any", pa.CompressedInputStream)
    return ByteStream(file, streams(stream, compression))


def spooled(file: SourceFile) -> tuple[SourceFile, Any]:
    """A streamed file as one that can seek, copied to a temporary file, which is to be closed (and then is gone)."""
    copy = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the stream)
    try:
        stream = ByteStream(file)
        try:
            while chunk := stream.read(_CHUNK):
                copy.write(chunk)
        finally:
            stream.close()
    except BaseException:
        copy.close()
        raise
    return replace(file, open=lambda: Borrowed(copy, 0), streamed=False), copy
