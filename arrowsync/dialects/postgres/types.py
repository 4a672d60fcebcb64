"""The types of PostgreSQL, in both directions: declared column -> live column, and back.

A type is canonical (`SqlType("timestamp", (3,))`), so that equal types compare equal however they were spelled: see
`from_catalog`. To add one: a line in `EXACT` or a case in `_type_of` to create it, a line in `ARROW_TYPES` or a case in
`_arrow_type` to read it, one in `render` for its text, and a kernel in `encode/pgcopy.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NoReturn

import pyarrow as pa

from arrowsync.catalog import Column, DefaultValue, SqlType
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, TableSpec
from arrowsync.dialects.dialect import Server
from arrowsync.dialects.postgres.quoting import MAX_NAME_BYTES, check_name
from arrowsync.errors import DeclarationError

EXACT: Mapping[pa.DataType, SqlType] = {
    pa.bool_(): SqlType("boolean"),
    pa.int16(): SqlType("smallint"),
    pa.int32(): SqlType("integer"),
    pa.int64(): SqlType("bigint"),
    pa.float32(): SqlType("real"),
    pa.float64(): SqlType("double precision"),
    pa.string(): SqlType("text"),
    pa.binary(): SqlType("bytea"),
    pa.date32(): SqlType("date"),
    pa.time64("us"): SqlType("time"),
    pa.duration("us"): SqlType("interval"),
    pa.uuid(): SqlType("uuid"),
    pa.json_(): SqlType("jsonb"),
}
"""Declared types that PostgreSQL has, without parameters."""

WIDENED: Mapping[pa.DataType, SqlType] = {
    pa.int8(): SqlType("smallint"),
    pa.uint8(): SqlType("smallint"),
    pa.uint16(): SqlType("integer"),
    pa.uint32(): SqlType("bigint"),
    pa.uint64(): SqlType("numeric", (20, 0)),
}
"""Declared types that PostgreSQL doesn't have, and the smallest type that holds their values."""

ARROW_TYPES: Mapping[str, pa.DataType] = {
    **{sql_type.name: arrow for arrow, sql_type in EXACT.items()},
    "varchar": pa.string(),
    "char": pa.string(),
    "citext": pa.string(),
    "name": pa.string(),
    "inet": pa.string(),
    "cidr": pa.string(),
    "json": pa.json_(),
}
"""The Arrow type that holds all values of a live type, for types whose parameters don't matter."""

CANONICAL: Mapping[str, str] = {
    "bool": "boolean",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bpchar": "char",
    **{
        same: same
        for same in "bytea cidr date inet interval json jsonb name numeric text time timestamp timestamptz uuid varchar".split()
    },
}
"""pg_type.typname of the built-in types that arrowsync knows -> the canonical name."""

ENUM = pa.dictionary(pa.int32(), pa.string())
MAX_VARCHAR = 10_485_760
_INTEGERS = {"smallint": 5, "integer": 10, "bigint": 19}
"""Decimal digits that the values of an integer type may need."""
_WIDER_FLOATS = {
    ("smallint", "real"),
    ("smallint", "double precision"),
    ("integer", "double precision"),
    ("real", "double precision"),
}
_TIMES = ("timestamp", "timestamptz", "time", "interval")
_UNITS: Mapping[str, int] = {"s": 0, "ms": 3, "us": 6}
_FULL_RANGE = 0x7FFF


def column_of(spec: ColumnSpec, table: TableSpec, server: Server) -> Column:
    """The column that is created for a declared one; a DeclarationError where PostgreSQL has no type for it."""
    for name in (table.name, spec.name, *([table.namespace] if table.namespace else [])):
        check_name(name, table=table.name, field=spec.name)
    sql_type = _type_of(spec, table)
    if spec.identity and sql_type.name not in _INTEGERS:
        _refuse(spec, table, f"an identity column can't be {sql_type}", "declare it as Identity[int]")
    has_default = spec.has_default and spec.default is not None
    return Column(
        name=spec.name,
        type=sql_type,
        nullable=spec.nullable,
        default=DefaultValue(spec.default) if has_default else None,
        identity=spec.identity,
        comment=spec.comment,
    )


def spec_of(column: Column) -> ColumnSpec:
    """The declared column whose Arrow type holds all values of the live one; a DeclarationError where there is none."""
    live = column.type
    return ColumnSpec(
        name=column.name,
        type=_arrow_type(column),
        nullable=column.nullable,
        max_length=live.args[0] if live.name in ("varchar", "char") and live.args else None,
        default=column.default.value if isinstance(column.default, DefaultValue) else NO_DEFAULT,
        comment=column.comment,
        labels=live.labels,
        enum_name=live.name if live.labels else None,
        identity=column.identity,
    )


def widens(old: SqlType, new: SqlType) -> bool:
    """Whether every value of `old` is one of `new`, unchanged.

    Of two types that hold the same values (text and citext), only that of a declaration widens to the other: a live column
    that takes all that is declared stays as its owner made it.
    """
    if old == new:
        return True
    if new.labels:
        return False
    if old.labels:
        return new.name == "text" or (new.name == "varchar" and max(map(len, old.labels)) <= new.args[0])
    match old.name, new.name:
        case ("varchar" | "char" | "name", "text" | "citext") | ("text", "citext") | ("jsonb", "json"):
            return True
        case "text", "inet":
            return True  # an address is declared as text; the encoder takes nothing else for this type
        case ("varchar", "varchar" | "char") | ("char", "char"):
            return _length(old) <= _length(new)
        case "char", "varchar":
            return _length(old) < _length(new)
        case "name", "varchar":
            return _length(new) >= MAX_NAME_BYTES
        case "numeric", "numeric":
            return _holds_digits(new, *old.args) if old.args else False
        case ("smallint" | "integer" | "bigint") as name, "numeric":
            return _holds_digits(new, _INTEGERS[name], 0)
        case ("smallint" | "integer" | "bigint") as name, ("smallint" | "integer" | "bigint") as wider:
            return _INTEGERS[name] < _INTEGERS[wider]
        case name, same if name == same and name in _TIMES:
            return (old.args or (6,))[0] <= (new.args or (6,))[0]
        case pair:
            return pair in _WIDER_FLOATS


def from_catalog(name: str, modifier: int, display: str) -> SqlType:
    """The canonical type of a built-in one: `name` is pg_type.typname, `modifier` atttypmod, `display` format_type's text.

    The modifier is decoded as the types' own `*typmodout` functions do; -1 says that there is none. A type that arrowsync
    doesn't know keeps the server's spelling.
    """
    canonical = CANONICAL.get(name)
    if canonical is None:
        return SqlType(display)
    if modifier < 0:
        return SqlType("text") if canonical == "varchar" else SqlType(canonical)
    match canonical:
        case "varchar" | "char":
            return SqlType(canonical, (modifier - 4,))
        case "numeric":
            scale = (((modifier - 4) & 0x7FF) ^ 1024) - 1024
            return SqlType(canonical, (((modifier - 4) >> 16) & 0xFFFF, scale))
        case "time" | "timestamp" | "timestamptz":
            return SqlType(canonical, () if modifier == 6 else (modifier,))
        case "interval":
            digits = modifier & 0xFFFF
            if modifier >> 16 != _FULL_RANGE:
                return SqlType(display)  # `interval day to second`: it drops what its fields don't cover
            return SqlType(canonical, () if digits in (6, 0xFFFF) else (digits,))
        case _:
            return SqlType(canonical)


def _type_of(spec: ColumnSpec, table: TableSpec) -> SqlType:
    arrow: Any = spec.type
    if spec.labels:
        return _enum_type(spec, table)
    if spec.ip is not None:
        return SqlType("inet")
    if arrow == pa.string() and spec.max_length is not None:
        if spec.max_length > MAX_VARCHAR:
            way_out = f"remove it, or declare at most MaxLength({MAX_VARCHAR})"
            _refuse(spec, table, f"MaxLength({spec.max_length}) is more than a varchar holds", way_out)
        return SqlType("varchar", (spec.max_length,))
    if pa.types.is_decimal128(arrow) or pa.types.is_decimal256(arrow):
        return SqlType("numeric", (arrow.precision, arrow.scale))
    if pa.types.is_timestamp(spec.type) and arrow.unit in _UNITS:
        digits = _UNITS[arrow.unit]
        return SqlType("timestamptz" if arrow.tz else "timestamp", () if digits == 6 else (digits,))
    found = EXACT.get(arrow) or WIDENED.get(arrow)
    if found is None:
        _refuse(spec, table, f"PostgreSQL has no type for Arrow's {arrow}", "declare another type, or JsonType")
    return found


def _enum_type(spec: ColumnSpec, table: TableSpec) -> SqlType:
    name = spec.enum_name or f"{table.name}_{spec.name}"
    check_name(name, table=table.name, field=spec.name)
    for label in spec.labels:
        if len(label.encode()) > MAX_NAME_BYTES:
            _refuse(
                spec,
                table,
                f"the enum label {label!r} has {len(label.encode())} bytes, and PostgreSQL takes {MAX_NAME_BYTES}",
                "shorten it, or declare the field as a str",
            )
    return SqlType(name, labels=spec.labels, namespace=table.namespace)


def _refuse(spec: ColumnSpec, table: TableSpec, problem: str, way_out: str) -> NoReturn:
    raise DeclarationError(f"{table.name}.{spec.name}: {problem}", table=table.name, field=spec.name, hint=way_out)


def _arrow_type(column: Column) -> pa.DataType:
    live = column.type
    if live.labels:
        return ENUM
    exact = ARROW_TYPES.get(live.name)
    if exact is not None and live.element is None:
        return exact
    match live.name, live.args:
        case "numeric", (precision, scale) if scale >= 0 and max(precision, scale) <= 76:
            digits = max(precision, scale)  # numeric(3, 5) is below 0.01
            return pa.decimal128(digits, scale) if digits <= 38 else pa.decimal256(digits, scale)
        case "numeric", ():
            # Without precision it holds 131072 digits: this is the largest decimal of Arrow, split evenly. Reading a value
            # that needs more is an error.
            return pa.decimal256(76, 38)
        case ("timestamp" | "timestamptz") as name, args:
            zone: Any = "UTC" if name == "timestamptz" else None
            return pa.timestamp(_unit(args[0] if args else 6), tz=zone)
        case _:
            raise DeclarationError(
                f"column {column.name!r} has the type {live}, which arrowsync doesn't read or write yet",
                field=column.name,
                hint="leave the column out of the declaration, or change its type",
            )


def _unit(digits: int) -> Any:
    """The coarsest Arrow unit that has so many digits of the second; the encoder refuses finer values than the column's."""
    return "s" if digits == 0 else "ms" if digits <= 3 else "us"


def _length(live: SqlType) -> float:
    return live.args[0] if live.args else math.inf


def _holds_digits(new: SqlType, precision: int, scale: int) -> bool:
    """Whether the numeric type has as many digits before and after the point."""
    if not new.args:
        return True
    return new.args[1] >= scale and new.args[0] - new.args[1] >= precision - scale
