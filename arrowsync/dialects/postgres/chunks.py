"""`Chunks`: batches as the pieces of a COPY BINARY stream, of about 1 MiB each whatever the size of the batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from arrowsync.encode.pgcopy import HEADER, TRAILER, PgCopyEncoder

WIRE_BYTES = 1 << 20
"""What is handed to the socket at once."""
ROWS_AT_ONCE = 8_192
"""Rows encoded at once, so that they and their bytes stay in the processor's cache; fewer where rows are wide."""


@dataclass(slots=True)
class Chunks:
    """What goes over the wire, made from batches as it is iterated (once, in a worker thread).

    `bytes` counts it; `error` is what the batches raised.
    """

    encode: PgCopyEncoder
    batches: Iterator[pa.RecordBatch]
    bytes: int = 0
    error: BaseException | None = None

    def __iter__(self) -> Iterator[memoryview]:
        try:
            pieces: list[Any] = [HEADER]
            size = len(HEADER)
            for piece in self._encoded():
                pieces.append(piece)
                size += len(piece)
                if size >= WIRE_BYTES:
                    yield from self._cut(pieces)
                    pieces, size = [], 0
            yield from self._cut([*pieces, TRAILER])
        except BaseException as error:
            self.error = error
            raise
        finally:
            close = getattr(self.batches, "close", None)
            if close is not None:
                close()

    def _encoded(self) -> Iterator[memoryview]:
        row = 0
        for batch in self.batches:
            rows = rows_at_once(batch)
            for start in range(0, batch.num_rows, rows):
                yield memoryview(self.encode(batch.slice(start, rows), first_row=row + start))
            row += batch.num_rows

    def _cut(self, pieces: list[Any]) -> Iterator[memoryview]:
        """All the pieces as one, cut where it is too long."""
        whole = memoryview(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        self.bytes += len(whole)
        for start in range(0, len(whole), WIRE_BYTES):
            yield whole[start : start + WIRE_BYTES]


def rows_at_once(batch: pa.RecordBatch) -> int:
    """As many rows as have about 4 MiB, but at least one."""
    if batch.nbytes * ROWS_AT_ONCE <= 4 * WIRE_BYTES * batch.num_rows:
        return ROWS_AT_ONCE
    return max(1, 4 * WIRE_BYTES * batch.num_rows // batch.nbytes)
