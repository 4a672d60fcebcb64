"""`guarded_reader`: an iterator of batches as an Arrow C stream for a driver; keeps the exception that the driver would lose.

A driver that reads an Arrow C stream turns any exception of the producer into an error text of its own. The guard keeps the
original, so that the session can raise it instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(slots=True)
class GuardedReader:
    """The stream (`reader`), the exception of its producer (`error`), and the `rows` and `bytes` that were read so far."""

    reader: pa.RecordBatchReader
    error: BaseException | None = field(default=None)
    rows: int = 0
    bytes: int = 0


def guarded_reader(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> GuardedReader:
    """Make a `pa.RecordBatchReader` of the batches that counts rows and bytes and keeps an exception of `batches`."""

    def watch() -> Iterator[pa.RecordBatch]:
        try:
            for batch in batches:
                guarded.rows += batch.num_rows
                guarded.bytes += batch.nbytes
                yield batch
        except BaseException as error:
            guarded.error = error
            raise

    guarded = GuardedReader(pa.RecordBatchReader.from_batches(schema, watch()))
    return guarded
