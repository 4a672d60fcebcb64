"""`Feed`: what a session sends through ADBC, cut to pieces of about a megabyte, from a source that may fail.

The driver encodes a batch whole before it sends anything of it, so what it gets is small. And libpq hears what the server
says only when a COPY is over, so that one that the server refused early would be fed to its end: hence a COPY takes no more than
`COPY_BYTES`, and a load is as many of them as it needs.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pyarrow as pa

from arrowsync.dialects.postgres.chunks import rows_at_once
from arrowsync.encode.pgfields import PgFields

COPY_BYTES = 1 << 26


class Feed:
    """Batches as the driver gets them. What they fail with is not raised but kept in `error`, and ends the feed.

    `bytes` counts what goes over the wire. `stop` may be called from another thread: it says whether the source is at work, and
    will be left alone after the batch that it is at.
    """

    def __init__(self, encode: PgFields, batches: Iterator[pa.RecordBatch]) -> None:
        self.schema = encode.schema
        self.bytes = 0
        self.error: BaseException | None = None
        self._encode = encode
        self._batches = batches
        self._pieces = self._cut()
        self._pulling = False
        self._stopped = False

    def take(self) -> pa.RecordBatch | None:
        """The next piece; None at the end, whatever it was."""
        piece: pa.RecordBatch | None = None
        if not self._ended:
            self._pulling = True
            try:
                piece = next(self._pieces, None)
            except BaseException as error:
                self.error = error
            finally:
                self._pulling = False
        return None if self._ended else piece

    @property
    def _ended(self) -> bool:
        return self._stopped or self.error is not None

    def one_copy(self, first: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """The pieces of one COPY, from the `first` on."""
        end = self.bytes + COPY_BYTES
        piece: pa.RecordBatch | None = first
        while piece is not None:
            yield piece
            piece = self.take() if self.bytes < end else None

    def stop(self) -> bool:
        """End the feed; whether it was the source that was at work, rather than the server."""
        self._stopped = True
        return self._pulling

    def close(self) -> None:
        """Close the source."""
        self._pieces.close()
        close = getattr(self._batches, "close", None)
        if close is not None:
            close()

    def _cut(self) -> Generator[pa.RecordBatch]:
        row = 0
        for batch in self._batches:
            rows = rows_at_once(batch)
            for start in range(0, batch.num_rows, rows):
                piece, size = self._encode(batch.slice(start, rows), first_row=row + start)
                self.bytes += size
                yield piece
            row += batch.num_rows
