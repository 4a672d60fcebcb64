"""What sessions share about the results of users' own queries."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pyarrow as pa

from arrowsync.errors import DeclarationError


def no_result() -> DeclarationError:
    """What a statement that gives no columns is refused with, where a result was asked for."""
    return DeclarationError("the statement has no result to stream", hint="use execute")


async def batches_of(table: pa.Table) -> AsyncGenerator[pa.RecordBatch]:
    """The batches of a result that is there already."""
    for batch in table.to_batches():
        yield batch
