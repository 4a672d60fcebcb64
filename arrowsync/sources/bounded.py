"""Batches of any size -> batches of a bounded size, so that whatever follows meets batches of one order of size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

from arrowsync.sources.stream import BatchStream

BATCH_BYTES = 32 << 20
SMALL_ROWS, SMALL_BYTES = 8_192, 4 << 20


def bounded(stream: BatchStream, batch_rows: int) -> BatchStream:
    """The stream without empty batches, big ones sliced, runs of tiny ones joined, and metadata of the source left out.

    So all that follows (kernels, encoders, queues) meets batches of one order of size, whatever the source does: a 400 MB
    batch costs no sink 400 MB more, 10,000 batches of one row aren't 10,000 times its overhead.
    """

    def pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return (_without_metadata(piece) for piece in _joined(_sliced(batches, batch_rows), batch_rows))

    def placed() -> Iterator[pa.RecordBatch]:
        return pieces(stream.iter_placed())

    return BatchStream(
        stream.schema.remove_metadata(),
        pieces(stream),
        name=stream.name,
        close=stream.close,
        row_count=stream.row_count,
        placed=placed if stream.has_places else None,
        valid_text=stream.valid_text,
    )


def _without_metadata(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.replace_schema_metadata(None) if batch.schema.metadata else batch


def _sliced(batches: Iterable[pa.RecordBatch], batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Zero-copy slices of all batches that have too many rows or bytes."""
    for batch in batches:
        rows = batch_rows
        if batch.num_rows > 1 and (size := batch.nbytes) > BATCH_BYTES:
            rows = max(1, min(rows, batch.num_rows * BATCH_BYTES // size))
        for start in range(0, batch.num_rows, rows):
            yield batch if rows >= batch.num_rows else batch.slice(start, rows)


def _joined(batches: Iterator[pa.RecordBatch], batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Runs of small batches as one, up to the size at which a batch isn't small; the others as they are."""
    small, run, rows, size = min(SMALL_ROWS, batch_rows), list[pa.RecordBatch](), 0, 0
    for batch in batches:
        is_small = batch.num_rows < small and batch.nbytes < SMALL_BYTES
        if run and (not is_small or rows + batch.num_rows > batch_rows):
            yield from _join(run)
            run, rows, size = [], 0, 0
        if not is_small:
            yield batch
            continue
        run.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= small or size >= SMALL_BYTES:
            yield from _join(run)
            run, rows, size = [], 0, 0
    if run:
        yield from _join(run)


_concat_batches: Callable[[list[pa.RecordBatch]], pa.RecordBatch] = vars(pa)["concat_batches"]  # not in the stubs


def _join(run: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    if len(run) == 1:
        return run
    try:
        return [_concat_batches(run)]
    except pa.ArrowException:  # a layout that pyarrow can't join, such as dictionaries in some nested types
        return run
