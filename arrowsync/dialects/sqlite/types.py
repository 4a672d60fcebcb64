"""The types of SQLite, in both directions: declared column -> live column, and back.

A column of a STRICT table holds one of four storage classes, and what Arrow has besides is held in one of them, in a single
spelling. `read_table` makes the declared values of them again, by the rules of `convert`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NoReturn, cast

import pyarrow as pa

from arrowsync.catalog import Column, DefaultValue, SqlType
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, TableSpec
from arrowsync.dialects.contract import Server, StoredKernel
from arrowsync.dialects.sqlite.quoting import stored_value, text_problem
from arrowsync.errors import DeclarationError
from arrowsync.sql import SQL, Identifier, sql

EXACT: Mapping[pa.DataType, str] = {
    pa.int64(): "integer",
    pa.float64(): "real",
    pa.string(): "text",
    pa.binary(): "blob",
}
"""The storage classes, and the Arrow types of their values."""

BOOLEAN = "boolean"
"""An integer whose CHECK, which is written for it and looked for in a live table, lets it be 0 or 1 alone."""

WIDENED: Mapping[pa.DataType, str] = {
    pa.bool_(): BOOLEAN,
    **dict.fromkeys((pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint16(), pa.uint32()), "integer"),
    pa.uint64(): "text",  # an integer has 63 bits and a sign
    pa.float32(): "real",
    pa.date32(): "text",
    pa.time64("us"): "text",
    pa.duration("us"): "integer",  # microseconds
    pa.uuid(): "blob",
    pa.json_(): "text",
}
"""Declared types that SQLite doesn't have, and what holds their values."""

ARROW_TYPES: Mapping[str, pa.DataType] = {
    **{name: arrow for arrow, name in EXACT.items()},
    BOOLEAN: pa.bool_(),
    "any": pa.string(),
    "json": pa.json_(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "bigint": pa.int64(),
}
"""The Arrow type of the values of a live type. "json" and the times are text of which a declaration, or data, says so; staged
rows are numbered by a "bigint", whatever the dialect."""
_CLASS_OF = {"bigint": "integer", BOOLEAN: "integer"}


def to_column(spec: ColumnSpec, table: TableSpec, server: Server) -> Column:
    """The column that is created for a declared one; a DeclarationError where SQLite has no type for it."""
    _check_name(spec, table)
    for what, text in {"the name": spec.name, "the default": spec.default}.items():
        if isinstance(text, str) and (problem := text_problem(text)):
            _refuse(spec, table, f"{what} {text!r} {problem}", "remove it")
    live = _type_of(spec, table)
    bounded = spec.minimum is not None or spec.maximum is not None or spec.choices
    if bounded and live == "text" and (pa.types.is_decimal(spec.type) or pa.types.is_integer(spec.type)):
        problem = f"SQLite holds {spec.type} as text, which it doesn't compare as numbers"
        _refuse(spec, table, problem, "leave the bounds out, or declare int or float")
    if spec.identity and live != "integer":
        _refuse(spec, table, f"an identity column can't be {live}", "declare it as Identity[int]")
    return Column(
        name=spec.name,
        type=SqlType(live),
        nullable=spec.nullable,
        default=DefaultValue(_stored_default(spec)) if spec.has_default and spec.default is not None else None,
        identity=spec.identity,
    )


def to_spec(column: Column) -> ColumnSpec:
    """The declared column whose Arrow type holds all values of the live one; text for values of several types."""
    return ColumnSpec(
        name=column.name,
        type=ARROW_TYPES.get(column.type.name, pa.string()),
        nullable=column.nullable,
        default=column.default.value if isinstance(column.default, DefaultValue) else NO_DEFAULT,
        identity=column.identity,
    )


def as_declared(column: Column, declared: pa.DataType) -> Column:
    """The live column; a text holds JSON where the declaration (or the data) is nested, and times in one spelling."""
    if column.type.name != "text":
        return column
    while isinstance(declared, pa.DictionaryType | pa.RunEndEncodedType):
        declared = cast(Any, declared).value_type
    if pa.types.is_nested(declared) or isinstance(declared, pa.JsonType):
        return replace(column, type=SqlType("json"))
    if pa.types.is_time(declared):
        return replace(column, type=SqlType("time"))
    if pa.types.is_timestamp(declared):
        zoned = cast(Any, declared).tz is not None
        return replace(column, type=SqlType("timestamp with time zone" if zoned else "timestamp"))
    return column


def is_boolean(name: str) -> SQL:
    """The condition of the CHECK of a boolean column."""
    return sql("{name} IN (0, 1)", name=Identifier(name))


def storage_class(live: SqlType) -> str:
    """The type of a column of a STRICT table that takes the values of the live type; ANY where it has several classes."""
    name = _CLASS_OF.get(live.name, live.name)
    return name.upper() if name in EXACT.values() else "ANY"


def from_stored(stored: ColumnSpec, declared: ColumnSpec) -> StoredKernel | None:
    """What makes durations of their microseconds; None where the rules of `convert` do it, or nothing has to be done."""
    wanted = declared.type
    if pa.types.is_duration(wanted) and stored.type == pa.int64():
        return lambda array: array.cast(wanted)
    return None


def is_widening(old: SqlType, new: SqlType) -> bool:
    """Whether every value of `old` is one of `new`, unchanged: no class holds the values of another."""
    return old == new or (old.name, new.name) == (BOOLEAN, "integer")


def unloadable(column: Column) -> str | None:
    """Why values of the column are only read; None where they can be written too."""
    if column.type.name in ARROW_TYPES:
        return None
    return f"SQLite makes numbers of texts that look like them in a column of type {column.type}"


def live_type(declared: str, *, strict: bool) -> SqlType:
    """The type of a live column by what its table declares: of a table that isn't STRICT, what its affinity keeps unchanged."""
    plain = declared.strip().lower()
    if "int" in plain:
        return SqlType("integer")
    if re.search("char|clob|text", plain):
        return SqlType("text")
    if "blob" in plain:
        return SqlType("blob")
    if not plain or (strict and plain == "any"):
        return SqlType("any")
    if re.search("real|floa|doub", plain):
        return SqlType("real")
    return SqlType("numeric" if plain == "any" else plain)


def fold(name: str) -> str:
    """What SQLite compares names by: it ignores the case of ASCII letters."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def _check_name(spec: ColumnSpec, table: TableSpec) -> None:
    folded = fold(spec.name)
    twin = next((c.name for c in table.columns if c.name != spec.name and fold(c.name) == folded), None)
    if twin is not None:
        _refuse(spec, table, f"SQLite takes {spec.name!r} and {twin!r} for one name", "rename one of the two")
    if folded == "rowid":
        _refuse(spec, table, "a column of this name hides SQLite's own rowid, which arrowsync needs", "rename it")


def _type_of(spec: ColumnSpec, table: TableSpec) -> str:
    arrow: Any = spec.type
    found = EXACT.get(arrow) or WIDENED.get(arrow)
    if found is not None:
        return found
    if spec.labels or pa.types.is_decimal(arrow) or (pa.types.is_timestamp(arrow) and arrow.unit != "ns"):
        return "text"
    _refuse(spec, table, f"SQLite has no type for Arrow's {arrow}", "declare another type, or JsonType")


def _stored_default(spec: ColumnSpec) -> Any:
    """The default as rows store it: a decimal with all the digits of its scale, a number of 64 bits as text."""
    if pa.types.is_decimal(spec.type) and isinstance(spec.default, (Decimal, int)):
        arrow: Any = spec.type
        return stored_value(Decimal(spec.default).quantize(Decimal(1).scaleb(-arrow.scale), ROUND_HALF_EVEN))
    return str(spec.default) if spec.type == pa.uint64() else stored_value(spec.default)


def _refuse(spec: ColumnSpec, table: TableSpec, problem: str, way_out: str) -> NoReturn:
    raise DeclarationError(f"{table.name}.{spec.name}: {problem}", table=table.name, field=spec.name, hint=way_out)
