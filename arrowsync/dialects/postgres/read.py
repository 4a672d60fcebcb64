"""Rows of COPY TO as record batches, exactly: of a table's columns, and of any query, whose columns nobody has declared."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from arrowsync.catalog import Column, SqlType
from arrowsync.dialects.postgres.types import ARROW_TYPES, from_catalog, is_said_as_text, to_spec
from arrowsync.errors import ConversionError
from arrowsync.sql import SQL, Identifier, join, sql
from arrowsync.wire.pgcopy.decode import (
    BLANKS,
    COLUMN_DECODERS,
    PLAIN,
    TEXT,
    Array,
    ColumnDecoder,
    Unreadable,
    compute,
    enum_form,
)
from arrowsync.wire.pgcopy.decode_nested import ARRAY_DIGITS, nested_form, text_list_form


@dataclass(frozen=True, slots=True)
class BlockReader:
    """Turns a block of CSV with whole rows into a batch. Keeps no state between blocks."""

    schema: pa.Schema
    decoders: tuple[ColumnDecoder, ...]

    def __call__(self, block: bytes) -> pa.RecordBatch:
        from pyarrow import csv

        names = [str(at) for at in range(len(self.schema))]
        fields: list[pa.Field[Any]] = list(self.schema)
        plain = [pa.string() if form.finish else field.type for field, form in zip(fields, self.decoders, strict=True)]
        table = csv.read_csv(
            io.BytesIO(block),
            read_options=csv.ReadOptions(column_names=names, use_threads=False, block_size=len(block) + 1),
            parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types=dict(zip(names, plain, strict=True)),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
            ),
        )
        columns: list[Any] = table.columns
        whole = [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in columns]
        return pa.record_batch([self.finished(at, array) for at, array in enumerate(whole)], schema=self.schema)

    def finished(self, at: int, array: Array) -> Array:
        """Column number `at` in its Arrow type, decoded from its form."""
        name, arrow, finish = self.schema.names[at], self.schema.types[at], self.decoders[at].finish
        try:
            return array if finish is None else finish(array, arrow)
        except (Unreadable, pa.ArrowInvalid) as error:
            raise ConversionError(
                f"column {name!r} holds a value that {arrow} doesn't have: {error}",
                column=name,
                reason=str(error),
                hint="declare the column with a wider type, or select it as text",
            ) from None


def compile_reader(columns: Sequence[Column]) -> BlockReader:
    """The reader of blocks that `copied` asks for."""
    specs = [to_spec(column) for column in columns]
    return BlockReader(
        schema=pa.schema([pa.field(spec.name, spec.type, nullable=True) for spec in specs]),
        decoders=tuple(decoder_of(column.type) for column in columns),
    )


def decoder_of(live: SqlType) -> ColumnDecoder:
    """The decoder for values of a type that `to_spec` knows."""
    if live.element is not None:
        return text_list_form(live) if is_said_as_text(live.element) else nested_form(live)
    if is_said_as_text(live):
        return TEXT
    if live.members:
        return nested_form(live)
    if live == SqlType("char"):
        return BLANKS
    return enum_form(live.labels) if live.labels else COLUMN_DECODERS[live.name]


def copied(query: SQL, decoders: Sequence[ColumnDecoder]) -> SQL:
    """The query with its columns in their forms, as the inside of a COPY."""
    names = [Identifier(f"c{at}") for at in range(len(decoders))]
    asked = [_ask(form, name) for form, name in zip(decoders, names, strict=True)]
    return sql(
        "SELECT {asked} FROM (\n{query}\n) AS q ({names})",
        asked=join(", ", asked),
        query=query,
        names=join(", ", names),
    )


def _ask(form: ColumnDecoder, column: Identifier) -> SQL:
    before, _, after = form.ask.partition("{column}")
    return SQL((before, column, after))


chunked_array: Any = pa.chunked_array  # the stubs have it by the exact type of its values, which isn't known here

_KNOWN: Mapping[str, pa.DataType] = {
    **ARROW_TYPES,
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}
"""Canonical name of a type -> Arrow's, for those that are known before the values are."""

# A comment ends at its first end, so that none is taken for longer to find a SELECT behind it.
_BEFORE = r"(?:\s|\(|--[^\n]*\n|/\*(?:(?!\*/).)*\*/)*"
_SELECTS = re.compile(_BEFORE + r"(?:SELECT|WITH|VALUES|TABLE)\b", re.IGNORECASE | re.DOTALL)
_WRITES = re.compile(_BEFORE + r"WITH\b.*\b(?:INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE | re.DOTALL)


def is_subquery(text: str) -> bool:
    """True if the statement can stand in parentheses behind FROM."""
    return _SELECTS.match(text) is not None and _WRITES.match(text) is None


def result_type(name: str, *, array: bool = False) -> SqlType:
    """The type of a column of a result, or of the elements of one of arrays, by its name in pg_type.

    Arrays are known where their elements are, but for those of numeric, which would need digits too.
    """
    live = from_catalog(name, -1, "unknown")
    if not array:
        return live
    if live.name == "char":
        live = SqlType("char", (0,))  # of a length that isn't known: blanks at the end say nothing
    return SqlType("array", element=live) if live.name in _KNOWN else SqlType("unknown")


def compile_result_reader(names: Sequence[str], types: Sequence[SqlType]) -> BlockReader:
    """The reader of any query's result: types that aren't known, or not yet, come as text."""
    arrow = [_KNOWN.get(live.name, pa.string()) for live in types]
    return BlockReader(pa.schema(list(zip(names, arrow, strict=True))), tuple(map(_form, types)))


def compile_stream_reader(names: Sequence[str], types: Sequence[SqlType]) -> BlockReader:
    """The reader of any query's result whose batches are final: numerics are text, an array of arrays is an error."""
    arrow = [pa.list_(_KNOWN[e.name]) if (e := live.element) else _KNOWN.get(live.name, pa.string()) for live in types]
    decoders = [nested_form(live) if live.element else _form(live) for live in types]
    return BlockReader(pa.schema(list(zip(names, arrow, strict=True))), tuple(decoders))


def _form(live: SqlType) -> ColumnDecoder:
    if live.element is not None:
        return ARRAY_DIGITS
    return PLAIN if live.name == "numeric" else COLUMN_DECODERS.get(live.name, TEXT)


MAX_DIGITS = 76
"""The most digits of a decimal256."""
_AS_DOUBLE = "select it as double precision or as text"
_AS_TEXT = "select it as text"


def finish_result(table: pa.Table, types: Sequence[SqlType]) -> pa.Table:
    """The table with its numerics as decimals, with as many digits as the values have, and its arrays as lists."""
    for at, live in enumerate(types):
        if live.name == "numeric":
            table = _finished(table, at, _decimals, "a number that no decimal holds", _AS_DOUBLE)
        elif (element := live.element) is not None:
            lists = _lists_of(element)
            table = _finished(table, at, lists, f"a value that a list of {element} doesn't have", _AS_TEXT)
    return table


def _finished(table: pa.Table, at: int, finish: Callable[[Any], Any], what: str, hint: str) -> pa.Table:
    name = table.schema.names[at]
    try:
        column: Any = finish(table.column(at))
    except (Unreadable, pa.ArrowInvalid) as error:
        raise ConversionError(
            f"column {name!r} holds {what}: {error}", column=name, reason=str(error), hint=hint
        ) from None
    return table.set_column(at, pa.field(name, column.type), column)


def _decimals(text: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    digits: Any = compute.replace_substring(text, "-", "")
    point: Any = compute.find_substring(digits, ".")
    length: Any = compute.binary_length(digits)
    whole = compute.if_else(compute.equal(point, pa.scalar(-1)), length, point)
    scale = max((compute.max(compute.subtract(length, whole)).as_py() or 0) - 1, 0)
    precision = max((compute.max(whole).as_py() or 0) + scale, 1)
    if precision > MAX_DIGITS:
        raise Unreadable(f"it takes {precision} digits, and a decimal has {MAX_DIGITS}")
    return text.cast(pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale))


def _lists_of(element: SqlType) -> Callable[[Any], Any]:
    """The function that makes lists from arrays in hexadecimal digits, as deep as the arrays that are not empty."""

    def lists(digits: Any) -> Any:
        found: list[str] = compute.unique(compute.utf8_slice_codeunits(digits, 0, 8)).drop_null().to_pylist()
        dimensions = sorted({int(count, 16) for count in found} - {0})
        if len(dimensions) > 1:
            raise Unreadable(f"arrays of {dimensions[0]} and of {dimensions[-1]} dimensions")
        depth = dimensions[0] if dimensions else 1
        arrow: Any = _KNOWN[element.name]
        for _ in range(depth):
            arrow = pa.list_(arrow)
        finish = nested_form(SqlType("array", element=element, dimensions=depth)).finish
        assert finish is not None, "lists are made of digits"
        return chunked_array([finish(chunk, arrow) for chunk in digits.chunks], arrow)

    return lists
