"""What is set aside with `on_error="reject"`: rows that don't fit the table, or can't be read, or that the server refuses."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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


class Splits(Protocol):
    """What divides a batch: a converter, or what is like one."""

    def split(self, batch: pa.RecordBatch, first_row: int) -> tuple[pa.RecordBatch, pa.RecordBatch]: ...


def fitted(
    fit: Splits, good: pa.RecordBatch, bad: pa.RecordBatch, batch: pa.RecordBatch, first_row: int, *, placed: bool
) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The `good` rows of a `batch` that fit the live table too, and the rejects with those that don't."""
    fits, unfit = fit.split(good, 0)
    if not unfit.num_rows:
        return fits, bad
    number, *rest = cast("Any", unfit).columns
    at = _kept(bad, batch, first_row)[np.asarray(number)]
    place = cast("Any", batch).columns[-1].take(_array(at)) if placed else None
    files = place.field("file") if place else pa.nulls(len(at), pa.string())
    lines = place.field("line") if place else pa.nulls(len(at), pa.int64())
    rejects = _with(to_batch([_array(at + first_row), *rest], REJECTS_SCHEMA), files, lines)
    both = in_order(pa.Table.from_batches([bad, rejects])).combine_chunks().to_batches()
    return fits, both[0]


def marked(
    good: pa.RecordBatch, bad: pa.RecordBatch, batch: pa.RecordBatch, first_row: int, schema: pa.Schema
) -> pa.RecordBatch:
    """The `good` rows of a `batch` with their numbers, and with their lines where `schema` has a column more for them."""
    kept = _kept(bad, batch, first_row)
    columns: list[Any] = [*cast("Any", good).columns, _array(kept + first_row)]
    if len(columns) < len(schema.names):
        columns.append(cast("Any", batch).columns[-1].field("line").take(_array(kept)))
    return to_batch(columns, schema)


def _kept(bad: pa.RecordBatch, batch: pa.RecordBatch, first_row: int) -> Any:
    """Which rows of the batch aren't among the rejects."""
    bad_rows = np.asarray(cast("Any", bad).columns[0]) - first_row
    return np.delete(np.arange(batch.num_rows, dtype=np.int64), bad_rows)


def in_order(rejects: pa.Table) -> pa.Table:
    """The rejects in the order of their rows; several of one row as they are."""
    order = np.argsort(rejects.column(0).to_numpy(), kind="stable")
    return rejects.take(_array(order))


@dataclass(slots=True)
class FileRuns:
    """Which rows came from which file: where each begins."""

    _starts: list[int] = field(default_factory=list[int])
    _names: list[str | None] = field(default_factory=list["str | None"])

    def note(self, batch: pa.RecordBatch, first_row: int) -> None:
        """Remember the files of a batch with places."""
        runs: Any = cast("Any", pc).run_end_encode(cast("Any", batch).columns[-1].field("file"))
        start = 0
        for end, name in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
            if not self._names or self._names[-1] != name:
                self._starts.append(first_row + start)
                self._names.append(name)
            start = end

    def at(self, row: int) -> str | None:
        """The file of a row, where it is known."""
        position = bisect_right(self._starts, row) - 1
        return self._names[position] if position >= 0 else None


_array: Any = pa.array


def _with(rejects: pa.RecordBatch, files: Any, lines: Any) -> pa.RecordBatch:
    return to_batch([*cast("Any", rejects).columns, files, lines], PLACED_REJECTS)
