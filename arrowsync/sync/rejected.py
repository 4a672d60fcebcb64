"""What is set aside with `on_error="reject"`: rows that don't fit the table, and rows of text files that can't be read."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pyarrow as pa

from arrowsync.convert.compile import Converter
from arrowsync.convert.rejects import REJECTS_SCHEMA
from arrowsync.sources.stream import columns_of, to_batch

PLACED_REJECTS = pa.schema({**columns_of(REJECTS_SCHEMA), "file": pa.string(), "line": pa.int64()})
"""`file` and `line` (from 1) say where the row begins, if the source is text; `row` is its number in the whole input, from 0."""


def split(convert: Converter, batch: pa.RecordBatch, first_row: int) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The rows that fit, converted, and the rejects."""
    good, bad = convert.split(batch, first_row)
    return good, _with(bad, pa.nulls(bad.num_rows, pa.string()), pa.nulls(bad.num_rows, pa.int64()))


def split_placed(convert: Converter, batch: pa.RecordBatch, first_row: int) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The same of a batch whose last column says where its rows stand, and which of them can't be read."""
    columns: list[Any] = cast("Any", batch).columns
    place = columns.pop()
    rows: Any = to_batch(columns, batch.schema.remove(len(columns)))
    unread = np.asarray(place.field("reason").is_valid())
    readable = np.flatnonzero(~unread)
    if len(readable) < len(unread):
        rows = rows.take(_array(readable))
    good, bad = convert.split(rows, 0)
    bad_columns: list[Any] = cast("Any", bad).columns
    positions = np.concatenate([readable[np.asarray(bad_columns[0])], np.flatnonzero(unread)])
    order = np.argsort(positions, kind="stable")
    fields = [_array(positions[order] + first_row)]
    for name, known in zip(bad.schema.names[1:], bad_columns[1:], strict=True):
        told = place.field(name).filter(_array(unread))
        fields.append(pa.concat_arrays([known, told]).take(_array(order)))
    rejects = to_batch(fields, REJECTS_SCHEMA)
    at = _array(positions[order])
    return good, _with(rejects, place.field("file").take(at), place.field("line").take(at))


_array: Any = pa.array


def _with(rejects: pa.RecordBatch, files: Any, lines: Any) -> pa.RecordBatch:
    return to_batch([*cast("Any", rejects).columns, files, lines], PLACED_REJECTS)
