"""Arrow IPC -> record batches: files (`.arrow`, Feather V2), which are read from their end, and streams of the same messages.

Batches of a file of this machine aren't read but mapped into memory, so that one big batch, as Polars writes, costs none. They
are looked at all the same: what a damaged file says of offsets would make pyarrow read anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import pyarrow as pa

from arrowsync.errors import SourceError
from arrowsync.sources.formats import looks_like
from arrowsync.sources.opened import ByteStream
from arrowsync.sources.paths import SourceFile, unreadable
from arrowsync.sources.several import Part, check_names
from arrowsync.sources.stream import columns_of

_FILE, _FEATHER_1 = b"ARROW1", b"FEA1"
_NEXT_MESSAGE = b"\xff\xff\xff\xff"


def ipc_part(file: SourceFile, spool: Callable[[SourceFile], SourceFile], opened: ExitStack) -> Part:
    """What the schema of a file or stream tells; `spool` makes a streamed file one that can seek.

    What was streamed stays open, to be read; `opened` closes it.
    """
    stream = ByteStream(file)
    with ExitStack() as done:
        done.callback(stream.close)
        head = stream.peek()
        _check_magic(file.name, head)
        if head.startswith(_FILE):
            return _file_part(spool(replace(file, open=lambda: stream)) if file.streamed else file)
        reader = _reader(stream)
        check_names(reader.schema, file.name)
        if not file.streamed:
            return Part(file, columns_of(reader.schema), None, lambda _: _read_again(file))
        opened.push(done.pop_all())
        return Part(file, columns_of(reader.schema), None, lambda _: _read_stream(stream, reader))


def _check_magic(name: str, head: bytes) -> None:
    if head.startswith(_FEATHER_1):
        raise SourceError(
            f"{name!r} is Feather V1, which can't be read",
            source=name,
            hint="give the table that pyarrow.feather.read_table makes of it, or write it again: Feather V2 is Arrow IPC",
        )
    if not head:
        raise SourceError(f"{name!r} is empty, so no Arrow IPC", source=name, hint="was it written to its end?")
    # Before 2019 a stream began with the length of its first message.
    if not head.startswith((_FILE, _NEXT_MESSAGE)) and (looks_like(head) or head[3:4] != b"\0"):
        what = looks_like(head)
        raise SourceError(
            f"{name!r} is no Arrow IPC: it begins with {head[:6]!r}",
            source=name,
            hint=f"it looks like {what}" if what else "what does it really hold? format= says what the name doesn't",
        )


# ---- files --------------------------------------------------------------------------------------------------------------


def _open(file: SourceFile) -> Any:
    return file.open() if file.path is None else pa.memory_map(file.path)


def _file_part(file: SourceFile) -> Part:
    try:
        with _open(file) as source:
            _check_end(file.name, source)
            reader: Any = pa.ipc.open_file(source)
            check_names(reader.schema, file.name)
            return Part(file, columns_of(reader.schema), None, lambda _: _read_file(file))
    except (pa.ArrowException, OSError, EOFError) as error:
        raise unreadable(file.name, error) from error


def _check_end(name: str, source: Any) -> None:
    size = source.seek(0, 2)
    source.seek(max(0, size - len(_FILE)))
    ending = source.read(len(_FILE))
    source.seek(0)
    if ending != _FILE or size < 2 * len(_FILE):
        raise SourceError(
            f"{name!r} is an Arrow IPC file that was cut short: its end is missing",
            source=name,
            hint="copy or download it again, or wait until it is written",
        )


def _read_file(file: SourceFile) -> Generator[pa.RecordBatch]:
    with _open(file) as source:
        reader: Any = pa.ipc.open_file(source)
        for index in range(reader.num_record_batches):
            batch = reader.get_batch(index)
            batch.validate(full=True)
            yield batch


# ---- streams ------------------------------------------------------------------------------------------------------------


def _read_again(file: SourceFile) -> Generator[pa.RecordBatch]:
    with closing(ByteStream(file)) as stream:
        yield from _read_stream(stream, _reader(stream))


def _read_stream(stream: ByteStream, reader: Any) -> Generator[pa.RecordBatch]:
    while (batch := _next(reader)) is not None:
        batch.validate(full=True)
        yield batch
    # Where a message ends the stream may have been cut: one that is whole says that it ends.
    if stream.ended:
        raise SourceError(
            f"{stream.name!r} is an Arrow IPC stream that was cut short: its end is missing",
            source=stream.name,
            hint="was its writer closed?",
        )
    if stream.read(1):
        raise SourceError(f"{stream.name!r} goes on after the end of its Arrow IPC stream", source=stream.name)


def _reader(stream: ByteStream) -> Any:
    try:
        ipc: Any = pa.ipc
        return ipc.open_stream(stream)
    except (pa.ArrowException, OSError, EOFError) as error:
        raise unreadable(stream.name, error) from error


def _next(reader: Any) -> Any:
    try:
        return reader.read_next_batch()
    except StopIteration:
        return None
