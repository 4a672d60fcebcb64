"""Parquet and Arrow IPC (`.arrow`, Feather V2, streams) -> record batches, decoded a few thousand rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import pyarrow as pa

from arrowsync.declare.extensions import unknown_extensions
from arrowsync.errors import SourceError
from arrowsync.sources.files.bytes import ByteStream
from arrowsync.sources.files.combine import Part, check_names
from arrowsync.sources.files.formats import HEAD_BYTES, looks_like, way_to_read
from arrowsync.sources.files.locate import SourceFile, file_errors
from arrowsync.sources.files.selection import Selection
from arrowsync.sources.stream import columns_of

BATCH_BYTES = 16 << 20
_PROBE_ROWS = 64
_MAGIC = b"PAR1"


def parquet_parts(files: Sequence[SourceFile], batch_rows: int) -> list[Part]:
    """Read the footers of all files at once, so that a misfit is found before the first row."""
    return [_read_footer(file, batch_rows) for file in files]


def _open_parquet(source: Any) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetFile(source, pre_buffer=False, buffer_size=1 << 20, page_checksum_verification=True)


def _read_footer(file: SourceFile, batch_rows: int) -> Part:
    with file_errors(file.name), file.open() as source:
        _check_parquet_magic(file.name, source)
        with _open_parquet(source) as parquet:
            metadata = parquet.metadata
            groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
            width = max((group.total_byte_size / group.num_rows for group in groups if group.num_rows), default=1.0)
            rows = max(_PROBE_ROWS, min(batch_rows, int(BATCH_BYTES / max(width, 1.0))))
            schema = parquet.schema_arrow
            check_names(schema, file.name)
            return Part(
                file,
                columns_of(schema),
                metadata.num_rows,
                lambda selection: _read(file, rows, selection),
                foreign=unknown_extensions(schema),
            )


def _check_parquet_magic(name: str, file: Any) -> None:
    """pyarrow says the same of a file that isn't Parquet and of one that is cut short; a user wants to know which."""
    file.seek(0)
    beginning = file.read(HEAD_BYTES)
    head = beginning[:4]
    size = file.seek(0, 2)
    file.seek(max(0, size - 4))
    tail = file.read(4)
    file.seek(0)
    if head == _MAGIC and tail == _MAGIC and size >= 12:
        return
    if not size:
        raise SourceError(f"{name!r} is empty, so no Parquet file", source=name, hint="was it written to its end?")
    if b"PARE" in (head, tail):
        raise SourceError(f"{name!r} is an encrypted Parquet file", source=name, hint="decrypt it first")
    if head == _MAGIC:
        raise SourceError(
            f"{name!r} is a Parquet file that was cut short: its end is missing",
            source=name,
            hint="copy or download it again, or wait until it is written",
        )
    raise SourceError(
        f"{name!r} is no Parquet file: it begins with {head!r}, not {_MAGIC!r}",
        source=name,
        hint=way_to_read(beginning) or "what does it really hold? format= says what the name doesn't",
    )


def _read(file: SourceFile, batch_rows: int, selection: Selection) -> Generator[pa.RecordBatch]:
    groups = None if not selection.filters else _groups(file, selection)
    with file.open() as source, _open_parquet(source) as parquet:
        wanted: dict[str, Any] = {"columns": selection.columns, "row_groups": groups}
        yield from parquet.iter_batches(_fitting(parquet, batch_rows, wanted), use_threads=True, **wanted)


def _groups(file: SourceFile, selection: Selection) -> list[int]:
    """The row groups in which, by their statistics, there may be rows that are wanted."""
    from pyarrow import dataset

    datasets: Any = dataset
    with file.open() as source:
        fragments = datasets.ParquetFileFormat().make_fragment(source).split_by_row_group(selection.expression)
        return [group.id for fragment in fragments for group in fragment.row_groups]


def _fitting(parquet: Any, batch_rows: int, wanted: dict[str, Any]) -> int:
    """Choose the rows of a batch: fewer than the footer's sizes suggest if decoding expands repeated values."""
    if parquet.metadata.num_rows <= _PROBE_ROWS:
        return batch_rows
    probe = next(parquet.iter_batches(_PROBE_ROWS, **wanted), None)
    width: int = 1 if probe is None else probe.nbytes // _PROBE_ROWS
    return max(_PROBE_ROWS, min(batch_rows, BATCH_BYTES // max(width, 1)))


_FILE, _FEATHER_1 = b"ARROW1", b"FEA1"
_NEXT_MESSAGE = b"\xff\xff\xff\xff"


def ipc_part(file: SourceFile, spool: Callable[[SourceFile], SourceFile], opened: ExitStack) -> Part:
    """Read the schema of a file or stream; `spool` makes a streamed file one that can seek.

    A streamed file stays open, to be read; `opened` closes it.
    """
    stream = ByteStream(file)
    with ExitStack() as done:
        done.callback(stream.close)
        head = stream.peek()
        _check_ipc_magic(file.name, head)
        if head.startswith(_FILE):
            return _file_part(spool(replace(file, open=lambda: stream)) if file.streamed else file)
        reader = _reader(stream)
        check_names(reader.schema, file.name)
        if not file.streamed:
            return _part(file, reader.schema, lambda _: _read_again(file))
        opened.push(done.pop_all())
        return _part(file, reader.schema, lambda _: _read_stream(stream, reader))


def _part(file: SourceFile, schema: pa.Schema, read: Callable[[Selection], Generator[pa.RecordBatch]]) -> Part:
    return Part(file, columns_of(schema), None, read, foreign=unknown_extensions(schema))


def _check_ipc_magic(name: str, head: bytes) -> None:
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
        raise SourceError(
            f"{name!r} is no Arrow IPC: it begins with {head[:6]!r}",
            source=name,
            hint=way_to_read(head) or "what does it really hold? format= says what the name doesn't",
        )


# ---- files --------------------------------------------------------------------------------------------------------------


def _open_ipc(file: SourceFile) -> Any:
    return file.open() if file.path is None else pa.memory_map(file.path)


def _file_part(file: SourceFile) -> Part:
    with file_errors(file.name), _open_ipc(file) as source:
        _check_end(file.name, source)
        reader: Any = pa.ipc.open_file(source)
        check_names(reader.schema, file.name)
        return _part(file, reader.schema, lambda _: _read_file(file))


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
    with _open_ipc(file) as source:
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
    ipc: Any = pa.ipc
    with file_errors(stream.name):
        return ipc.open_stream(stream)


def _next(reader: Any) -> Any:
    try:
        return reader.read_next_batch()
    except StopIteration:
        return None
