"""`Chunks`: batches as the lines of a LOAD DATA, in pieces of about 1 MiB whatever the size of the batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from arrowsync.encode.mysqltext import MySqlTextEncoder

WIRE_BYTES = 1 << 20
"""What is handed to the socket at once: a packet, shorter where the server takes none of that length."""
ROWS_AT_ONCE = 8_192
"""Rows encoded at once; fewer where rows are wide."""


@dataclass(slots=True)
class Chunks:
    """What goes over the wire, made from batches as it is iterated (once, in a worker thread).

    No piece is longer than `most`. `rows` and `bytes` count it; `error` is what the batches raised.
    """

    encode: MySqlTextEncoder
    batches: Iterator[pa.RecordBatch]
    most: int = WIRE_BYTES
    rows: int = 0
    bytes: int = 0
    error: BaseException | None = None

    def __iter__(self) -> Iterator[memoryview]:
        """The lines, cut anywhere."""
        pieces: list[memoryview] = []
        size = 0
        for lines, _ in self.blocks():
            pieces.append(lines)
            size += len(lines)
            if size >= self.most:
                yield from _cut(pieces, self.most)
                pieces, size = [], 0
        if size:
            yield from _cut(pieces, self.most)

    def blocks(self) -> Iterator[tuple[memoryview, int]]:
        """The lines of some rows, and how many they are."""
        try:
            for batch in self.batches:
                rows = _rows_at_once(batch)
                for start in range(0, batch.num_rows, rows):
                    part = batch.slice(start, rows)
                    lines = memoryview(self.encode(part, first_row=self.rows))
                    self.rows += part.num_rows
                    self.bytes += len(lines)
                    yield lines, part.num_rows
        except BaseException as error:
            self.error = error
            raise
        finally:
            close = getattr(self.batches, "close", None)
            if close is not None:
                close()


def _cut(pieces: list[memoryview], most: int) -> Iterator[memoryview]:
    """All the pieces as one, cut where it is too long."""
    whole = pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))
    for start in range(0, len(whole), most):
        yield whole[start : start + most]


def _rows_at_once(batch: pa.RecordBatch) -> int:
    """As many rows as have about 1 MiB, but at least one."""
    if batch.nbytes * ROWS_AT_ONCE <= WIRE_BYTES * batch.num_rows:
        return ROWS_AT_ONCE
    return max(1, WIRE_BYTES * batch.num_rows // batch.nbytes)
