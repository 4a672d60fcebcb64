"""`guarded_reader`: an iterator of batches as a C stream for a driver, that keeps the exception the driver would garble.

A driver that pulls an Arrow C stream turns whatever the producer raises into an error text of its own. The guard keeps
the original, so that the session can raise it instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(slots=True)
class GuardedReader:
    """`reader` is the stream; `error` is what the producer raised, `rows` and `bytes` what went through."""

    reader: pa.RecordBatchReader
    error: BaseException | None = field(default=None)
    rows: int = 0
    bytes: int = 0


def guarded_reader(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> GuardedReader:
    """The batches as a `pa.RecordBatchReader` that counts what passes and remembers what was raised."""

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
