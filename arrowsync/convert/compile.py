"""`compile_converter`: a `Converter` from the schema of the data to the declared table.

A `Converter` is a pure function from a record batch of the data to a record batch of the declared types. Faults of the schemas
alone (unknown or missing columns, types that never convert) are refused here, before any data moves; bad values are refused by
the converter, as one error or as rejects.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, cast

import numpy as np
import pyarrow as pa

from arrowsync.convert.arrays import Column, Kernel, mask_array, record_batch
from arrowsync.convert.rejects import Checked, conversion_error, rejects_batch
from arrowsync.convert.rules import kernel_for, refusal
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import ConversionError, batch_error, translated

_GUESSED = 8


@dataclass(frozen=True, slots=True)
class _Step:
    """One declared column, where it is in the data, and how it is converted."""

    column: ColumnSpec
    index: int
    kernel: Kernel

    def run(self, batch: pa.RecordBatch) -> Checked:
        given: Column = cast(Any, batch).column(self.index)
        # The kernels refuse values, not batches. What is left is more than 2 GiB of text in one batch.
        with translated(partial(batch_error, self.column.name, len(given), given.type, self.column.type)):
            outcome = self.kernel(given)
        return Checked(self.column, given, outcome)


@dataclass(frozen=True, slots=True)
class Converter:
    """A reusable function from a batch of the data to a batch of the declared types; any thread, any order.

    `schema` has the declared columns that the data has, in the order of the declaration; `columns` are their specs.

    >>> spec = TableSpec("people", (ColumnSpec("age", pa.int16()),))
    >>> convert = compile_converter(pa.schema({"age": pa.int64()}), spec)
    >>> convert(pa.record_batch({"age": [30, 40]})).schema.field("age").type
    DataType(int16)
    """

    schema: pa.Schema
    columns: tuple[ColumnSpec, ...]
    _data: pa.Schema = field(repr=False)
    _steps: tuple[_Step, ...] = field(repr=False)

    def __call__(self, batch: pa.RecordBatch, first_row: int = 0) -> pa.RecordBatch:
        """`batch` in the declared types, every value the same or a `ConversionError`.

        `first_row` is the position of its first row in the whole input, for the row numbers of the error.
        """
        checked = self._run(batch)
        failed = [each for each in checked if each.outcome.failures]
        if failed:
            raise conversion_error(failed, first_row)
        return self._assemble(checked)

    def split(self, batch: pa.RecordBatch, first_row: int = 0) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        """The rows of `batch` that fit, in the declared types and in order, and the rejects (`REJECTS_SCHEMA`).

        A row that fails in several columns is one record for each of them; `value` is the source value as text.
        """
        checked = self._run(batch)
        converted = self._assemble(checked)
        failed = [each for each in checked if each.outcome.failures]
        if failed:
            bad = np.logical_or.reduce([each.bad for each in failed])
            converted = converted.filter(mask_array(~bad))
        return converted, rejects_batch(failed, first_row)

    def _assemble(self, checked: list[Checked]) -> pa.RecordBatch:
        return record_batch([each.outcome.values for each in checked], self.schema)

    def _run(self, batch: pa.RecordBatch) -> list[Checked]:
        if batch.schema.names != self._data.names or batch.schema.types != self._data.types:
            raise ValueError(f"compiled for batches of\n{self._data}\nbut this one has\n{batch.schema}")
        return [step.run(batch) for step in self._steps]


def compile_converter(
    schema: pa.Schema,
    spec: TableSpec,
    *,
    source: str = "the data",
    round: bool = False,  # noqa: A002 - the word that users look for
    valid_text: bool = False,
) -> Converter:
    """The converter from batches of `schema` to the columns of `spec`, which are matched by name.

    A declared column that the data lacks is left out if it is nullable, has a default or is an identity. Raises
    `ConversionError` for a column that is unknown, missing or there twice, and for a type that never becomes the declared
    one; NULL in a column of the key is refused by the rows that have it. `source` is what messages call the data. With `round`,
    decimals lose the decimal places that their column doesn't have.
    With `valid_text`, columns of text are taken for valid UTF-8, which they else are checked for.
    """
    _check_names(schema, spec, source)
    types: list[Any] = schema.types
    steps: list[_Step] = []
    for column in spec.columns:
        index = schema.get_field_index(column.name)
        if index < 0:
            continue
        kind: pa.DataType = types[index]
        kernel = kernel_for(kind, column, round=round, valid_text=valid_text, in_key=column.name in spec.key)
        if kernel is None:
            reason, hint = refusal(kind, column)
            raise ConversionError(
                f"column {column.name!r} of {source}: {reason}", column=column.name, reason=reason, hint=hint
            )
        steps.append(_Step(column, index, kernel))
    columns = tuple(step.column for step in steps)
    return Converter(pa.schema([column.arrow_field for column in columns]), columns, schema, tuple(steps))


def _check_names(schema: pa.Schema, spec: TableSpec, source: str) -> None:
    twice = [name for name, count in Counter(schema.names).items() if count > 1]
    if twice:
        raise ConversionError(
            f"{source} has more than one column named {_listed(twice)}",
            column=twice[0],
            reason="there twice",
            hint="rename one: columns are matched by name",
        )
    given = set(schema.names)
    unknown = [name for name in schema.names if name not in spec.by_name]
    missing = [column.name for column in spec.columns if column.name not in given and not _may_be_absent(column)]
    if unknown:
        message = f"{source} has columns that table {spec.name!r} doesn't declare: {_listed(unknown)}"
        if missing:
            message += f"; and it lacks {_listed(missing)}"
        absent = [column.name for column in spec.columns if column.name not in given]
        guess = _guesses(unknown, absent or list(spec.by_name))
        hint = _whole_line_hint(schema.names, spec) or f"{guess}declare them, or drop them from the data"
        raise ConversionError(message, column=unknown[0], reason="not declared", hint=hint)
    if missing:
        raise ConversionError(
            f"{source} lacks columns that table {spec.name!r} requires: {_listed(missing)}",
            column=missing[0],
            reason="missing",
            hint="add them to the data, or declare them Optional or with a default (not a default_factory, which is for records)",
        )
    if not given:
        raise ConversionError(
            f"{source} has no columns", column=spec.columns[0].name, reason="missing", hint="is it the right input?"
        )


def _may_be_absent(column: ColumnSpec) -> bool:
    return column.nullable or column.has_default or column.identity


_SEPARATORS = {
    ",": 'format="csv"',
    "\t": 'format="tsv"',
    ";": 'format="csv", csv=CsvOptions(delimiter=";")',
    "|": 'format="csv", csv=CsvOptions(delimiter="|")',
}


def _whole_line_hint(names: Sequence[str], spec: TableSpec) -> str | None:
    """The way to read text whose first line was taken for one name, None where it is one."""
    if len(names) != 1:
        return None
    if names[0].startswith("{") and names[0].endswith("}"):
        hint = 'format="jsonl" reads it: its first line is an object, not names'
        return hint
    for separator, way in _SEPARATORS.items():
        parts = [part.strip(' "') for part in names[0].split(separator)]
        if len(parts) > 1 and not spec.by_name.keys().isdisjoint(parts):
            hint = f"{way} reads it: its first line has {len(parts)} names, separated by {separator!r}"
            return hint
    return None


def _guesses(unknown: Iterable[str], declared: list[str]) -> str:
    """`did you mean 'age' by 'Age'? ` for the names that resemble a declared one, or nothing."""
    folded = {name.casefold(): name for name in declared}
    found: list[str] = []
    for name in islice(unknown, _GUESSED):
        close = difflib.get_close_matches(name.casefold(), folded, n=1)
        if close:
            found.append(f"{folded[close[0]]!r} by {name!r}")
    return f"did you mean {', '.join(found)}? " if found else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
