"""Rejects: rows set aside with `on_error="reject"`, and the row numbers by which they are found.

`Marks` are the columns of a staging table that hold the number of each row, and its line in a file.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from arrowsync.catalog import Column, ObjectName, SqlType, Table
from arrowsync.convert.rejects import REJECTS_SCHEMA, value_texts
from arrowsync.errors import ArrowSyncError, ConstraintViolated, ConversionError
from arrowsync.shown import shortened
from arrowsync.sources.stream import Divides, columns_of, to_batch


@dataclass(frozen=True, slots=True)
class RowNumbers:
    """Names of columns that the target doesn't have: for the number of a row, and for its line in a file of text."""

    row: str
    line: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.row,) if self.line is None else (self.row, self.line)

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(Column(name, SqlType("bigint"), nullable=name != self.row) for name in self.names)

    def added_to(self, schema: pa.Schema) -> pa.Schema:
        """The schema with these columns at the end."""
        fields = cast("Iterable[pa.Field[Any]]", schema)
        return pa.schema([*fields, *(pa.field(name, pa.int64(), nullable=name != self.row) for name in self.names)])

    def beside(self, table: Table) -> Table:
        """The table with these columns at the end."""
        return replace(table, columns=(*table.columns, *self.columns))


def row_numbers_for(table: Table, *, lines: bool = False) -> RowNumbers:
    """Marks whose names no column of the table has."""
    return RowNumbers(_free("_arrowsync_order", table), _free("_arrowsync_line", table) if lines else None)


def _free(name: str, table: Table) -> str:
    taken = {column.name.casefold() for column in table.columns}
    while name in taken:
        name += "_"
    return name


def may_reject(table: Table, *, creates: bool, inserts: bool) -> bool:
    """True if the table may refuse rows that fit its columns: one that is there has who knows what triggers and rules."""
    own: Sequence[object] = (*table.checks, *table.foreign_keys, *table.unique)
    unique_index = any(index.unique for index in table.indexes)
    return not creates or bool(own) or unique_index or (inserts and bool(table.key))


def single_column(table: Table, constraint: str | None) -> str | None:
    """The column of a key of that name, where it has one alone."""
    if constraint is None:
        return None
    columns = {key.name: key.columns for key in table.foreign_keys} | {key.name: key.columns for key in table.unique}
    named = columns.get(constraint, ())
    return named[0] if len(named) == 1 else None


def refers_to_itself(table: Table) -> bool:
    """True if rows of the table may need other rows of it."""
    here: ObjectName = table.name
    return any(key.target == here for key in table.foreign_keys)


REJECTS_WITH_ORIGIN = pa.schema({**columns_of(REJECTS_SCHEMA), "file": pa.string(), "line": pa.int64()})
"""`file` and `line` (from 1) say where the row begins, if the source is text; `row` is its number in the whole input, from 0."""
FULL_REJECTS = pa.schema({**columns_of(REJECTS_WITH_ORIGIN), "key": pa.string(), "record": pa.string()})
"""`key` and `record` are the values of the key's columns and of all columns, as a JSON object of texts each."""


def with_records(
    rejects: pa.RecordBatch, batch: pa.RecordBatch, first_row: int, key: Sequence[str], *, with_origin: bool
) -> pa.RecordBatch:
    """`rejects` (`REJECTS_WITH_ORIGIN`) of the `batch` as it came, as `FULL_REJECTS`."""
    names = batch.schema.names[:-1] if with_origin else batch.schema.names
    numbers = rejects.column(0).to_numpy() - first_row
    texts: dict[str, list[str | None]] = {}
    for name, column in zip(names, cast("Any", batch).columns, strict=False):
        texts[name] = value_texts(column, numbers).to_pylist()
    if with_origin:
        unread = cast("Any", batch).columns[-1].field("reason").is_valid().take(_array(numbers)).to_pylist()
    else:
        unread = [False] * len(numbers)
    return to_batch([*cast("Any", rejects).columns, *records(texts, key, unread)], FULL_REJECTS)


def records(texts: Mapping[str, Sequence[str | None]], key: Sequence[str], unread: Sequence[bool]) -> tuple[Any, Any]:
    """The columns `key` and `record`: NULL for rows that couldn't be read."""
    rows = [dict(zip(texts, row, strict=True)) for row in zip(*texts.values(), strict=True)]
    known = [name for name in key if name in texts]
    keys = [
        None if no or not known else as_json({name: row[name] for name in known})
        for row, no in zip(rows, unread, strict=True)
    ]
    whole = [None if no else as_json(row) for row, no in zip(rows, unread, strict=True)]
    return pa.array(keys, pa.string()), pa.array(whole, pa.string())


def as_json(row: Mapping[str, str | None]) -> str:
    """A row as a JSON object of texts."""
    return json.dumps(row, ensure_ascii=False)


def split(convert: Divides, batch: pa.RecordBatch, first_row: int) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The rows that fit, converted, and the rejects."""
    good, bad = convert.split(batch, first_row)
    return good, _with(bad, pa.nulls(bad.num_rows, pa.string()), pa.nulls(bad.num_rows, pa.int64()))


def split_with_origin(convert: Divides, batch: pa.RecordBatch, first_row: int) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Split a batch whose last column holds the origin of each row, and the reason if the row can't be read."""
    columns: list[Any] = cast("Any", batch).columns
    origin = columns.pop()
    rows: Any = to_batch(columns, batch.schema.remove(len(columns)))
    unread = np.asarray(origin.field("reason").is_valid())
    readable = np.flatnonzero(~unread)
    if len(readable) < len(unread):
        rows = rows.take(_array(readable))
    good, bad = convert.split(rows, 0)
    bad_columns: list[Any] = cast("Any", bad).columns
    positions = np.concatenate([readable[np.asarray(bad_columns[0])], np.flatnonzero(unread)])
    order = np.argsort(positions, kind="stable")
    fields = [_array(positions[order] + first_row)]
    for name, known in zip(bad.schema.names[1:], bad_columns[1:], strict=True):
        values = origin.field(name).filter(_array(unread))
        fields.append(pa.concat_arrays([known, values]).take(_array(order)))
    rejects = to_batch(fields, REJECTS_SCHEMA)
    at = _array(positions[order])
    return good, _with(rejects, origin.field("file").take(at), origin.field("line").take(at))


def split_further(
    further: Divides,
    good: pa.RecordBatch,
    bad: pa.RecordBatch,
    batch: pa.RecordBatch,
    first_row: int,
    *,
    with_origin: bool,
) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The `good` rows of a `batch` that fit the live table too, and the rejects with those that don't."""
    fits, unfit = further.split(good, 0)
    if not unfit.num_rows:
        return fits, bad
    number, *rest = cast("Any", unfit).columns
    at = _kept(bad, batch, first_row)[np.asarray(number)]
    origin = cast("Any", batch).columns[-1].take(_array(at)) if with_origin else None
    files = origin.field("file") if origin else pa.nulls(len(at), pa.string())
    lines = origin.field("line") if origin else pa.nulls(len(at), pa.int64())
    rejects = _with(to_batch([_array(at + first_row), *rest], REJECTS_SCHEMA), files, lines)
    both = in_order(pa.Table.from_batches([bad, rejects])).combine_chunks().to_batches()
    return fits, both[0]


def with_row_numbers(
    good: pa.RecordBatch, bad: pa.RecordBatch, batch: pa.RecordBatch, first_row: int, schema: pa.Schema
) -> pa.RecordBatch:
    """The `good` rows of a `batch` with their numbers, and with their lines where `schema` has a column more for them."""
    kept = _kept(bad, batch, first_row)
    columns: list[Any] = [*cast("Any", good).columns, _array(kept + first_row)]
    if len(columns) < len(schema.names):
        columns.append(cast("Any", batch).columns[-1].field("line").take(_array(kept)))
    return to_batch(columns, schema)


def _kept(bad: pa.RecordBatch, batch: pa.RecordBatch, first_row: int) -> Any:
    """The positions of the rows of the batch that aren't among the rejects."""
    bad_rows = np.asarray(cast("Any", bad).columns[0]) - first_row
    return np.delete(np.arange(batch.num_rows, dtype=np.int64), bad_rows)


def in_order(rejects: pa.Table) -> pa.Table:
    """The rejects in the order of their rows; several of one row as they are."""
    order = np.argsort(rejects.column(0).to_numpy(), kind="stable")
    return rejects.take(_array(order))


@dataclass(slots=True)
class FileRuns:
    """The files that the rows came from: the first row of each, and its name."""

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
    return to_batch([*cast("Any", rejects).columns, files, lines], REJECTS_WITH_ORIGIN)


_SHOWN_CHARACTERS = 300
_HIDDEN_NAME = re.compile(r"_?arrowsync_(?:draft_)?[0-9a-f]{16}")
"""The names under which tables are filled or staged before their rows are where they belong."""


def with_real_name(text: str, table: str) -> str:
    """The server's message with the target's name in place of the hidden table's."""
    return _HIDDEN_NAME.sub(lambda _: table, text)


def name_table(error: ArrowSyncError, table: str) -> None:
    """Have the error name the table in place of a hidden one."""
    error.message = with_real_name(error.message, table)
    match error:
        case ConstraintViolated():
            error.table = None if error.table is None else with_real_name(error.table, table)
            error.constraint = None if error.constraint is None else with_real_name(error.constraint, table)
        case ConversionError():
            error.reason = with_real_name(error.reason, table)
        case _:
            pass


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that is tried again, and its reject."""

    row: int
    record: pa.RecordBatch


def rejects_of(
    found: pa.Table, row_numbers: RowNumbers, files: FileRuns, column: str | None, reason: str, key: Sequence[str]
) -> pa.RecordBatch:
    """Rejects (`FULL_REJECTS`) for staged rows; with no column the value is the record."""
    rows: list[int] = cast("Any", found).column(row_numbers.row).to_pylist()
    texts = {name: _texts(found, name) for name in found.column_names if name not in row_numbers.names}
    keys, whole = records(texts, key, [False] * len(rows))
    with_origin = row_numbers.line is not None
    columns: list[Any] = [
        rows,
        [column] * len(rows),
        whole if column is None else texts[column],
        [shortened(reason, _SHOWN_CHARACTERS)] * len(rows),
        [files.at(row) if with_origin else None for row in rows],
        found.column(row_numbers.line).to_pylist() if row_numbers.line is not None else [None] * len(rows),
        keys,
        whole,
    ]
    types: list[pa.DataType] = FULL_REJECTS.types
    array: Any = pa.array
    return to_batch([array(each, kind) for each, kind in zip(columns, types, strict=True)], FULL_REJECTS)


def _texts(found: pa.Table, name: str) -> list[str | None]:
    texts: list[str | None] = []
    for chunk in cast("Any", found).column(name).chunks:
        texts += value_texts(chunk, np.arange(len(chunk))).to_pylist()
    return texts
