"""Where rows stand in a file of text, for the reports of those that are rejected: what the readers of all such formats share.

A reader makes a batch of the rows that it can read. With their places it becomes one of all rows: those that can't be read are
in it as NULLs, with the reason in the last column, of the type `PLACE`. So rows are counted as they stand in the file, and
whatever slices and joins batches keeps everything together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa

from arrowsync.sources.stream import PLACE, columns_of, to_batch

PLACE_NAME = "\0place"  # which no column of text is called
_SHOWN_BYTES = 1_000


def column_at(names: Sequence[str | None], field: int | None) -> str | None:
    """The name of the column of a field, None where it has none."""
    return names[field] or None if field is not None and field < len(names) else None


def placed_schema(schema: pa.Schema) -> pa.Schema:
    """The schema with the column of places."""
    return pa.schema({**columns_of(schema), PLACE_NAME: PLACE})


@dataclass(frozen=True, slots=True)
class Unread:
    """A row that can't be read: in which column if in one, what stands there instead, and what is wrong with it."""

    column: str | None
    value: bytes
    reason: str

    @property
    def text(self) -> str:
        """What stands there, as far as it is text."""
        return self.value[:_SHOWN_BYTES].decode("utf-8", "backslashreplace")


def with_places(
    batch: pa.RecordBatch, file: str, lines: Sequence[int] | np.ndarray[Any, Any], unread: Mapping[int, Unread]
) -> pa.RecordBatch:
    """The batch with the places of all its rows, and with the rows that can't be read, by their positions among all.

    `lines` are those on which the rows begin, the unread ones included.
    """
    count, text = len(lines), pa.string()
    given: Any = batch
    nulls: Any = pa.nulls(count, text)
    faults: list[Any] = [nulls, nulls, nulls]
    if unread:
        missing = np.zeros(count, np.bool_)
        missing[list(unread)] = True
        given = given.take(_array(np.cumsum(~missing) - 1, pa.int64(), mask=missing))
        told = [unread.get(position) for position in range(count)]
        faults[0] = _array([each and each.column for each in told], text)
        faults[1] = _array([each and each.text for each in told], text)
        faults[2] = _array([each and each.reason for each in told], text)
    structs, files = cast("Any", pa.StructArray), cast("Any", pa.repeat)(file, count)
    places = structs.from_arrays([files, _array(lines, pa.int64()), *faults], type=PLACE)
    return to_batch([*given.columns, places], placed_schema(batch.schema))


_array: Any = pa.array
