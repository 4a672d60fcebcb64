"""The types of DuckDB, in both directions: declared column -> live column, and back.

A type is canonical (`SqlType("decimal", (18, 3))`): `parse_type` makes it from the text in `duckdb_columns()`, which DuckDB
has already brought to one spelling. To add one: a line in `EXACT` to create it, or one in `READ_ONLY` to read and load it;
where it has parameters, a case in `_type_of`, `_arrow_type` and `parse_type`. How values travel is in `reading`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

import pyarrow as pa

from arrowsync.catalog import Column, DefaultValue, SqlType
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, TableSpec
from arrowsync.dialects.dialect import Server
from arrowsync.errors import DeclarationError
from arrowsync.sql import SQL, Literal, join, sql, trusted

EXACT: Mapping[pa.DataType, str] = {
    pa.bool_(): "boolean",
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.uint8(): "utinyint",
    pa.uint16(): "usmallint",
    pa.uint32(): "uinteger",
    pa.uint64(): "ubigint",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.string(): "varchar",
    pa.binary(): "blob",
    pa.timestamp("s"): "timestamp_s",
    pa.timestamp("ms"): "timestamp_ms",
    pa.timestamp("us"): "timestamp",
    pa.timestamp("us", "UTC"): "timestamp with time zone",
    pa.date32(): "date",
    pa.time64("us"): "time",
    pa.duration("us"): "interval",
    pa.uuid(): "uuid",
    pa.json_(): "json",
}
"""Declared types that DuckDB has. A MaxLength isn't stored: what is loaded is checked before."""

WIDENED: Mapping[pa.DataType, str] = {
    pa.timestamp("s", "UTC"): "timestamp with time zone",
    pa.timestamp("ms", "UTC"): "timestamp with time zone",
}
"""Declared types that DuckDB doesn't have, and the smallest type that holds their values."""

READ_ONLY: Mapping[str, pa.DataType] = {
    "timestamp_ns": pa.timestamp("ns"),
    "timestamptz_ns": pa.timestamp("ns", "UTC"),
    "time_ns": pa.time64("ns"),
    "hugeint": pa.decimal256(39, 0),
    "uhugeint": pa.decimal256(39, 0),
}
"""Live types that no declared column gets, and the Arrow type that holds all their values."""

MAX_PRECISION = 38
ENUM = pa.dictionary(pa.int32(), pa.string())

_ARROW_TYPES: Mapping[str, pa.DataType] = {**{name: arrow for arrow, name in EXACT.items()}, **READ_ONLY}
_INTEGERS: Mapping[str, tuple[int, int]] = {
    **{
        name: (-(1 << bits - 1), (1 << bits - 1) - 1)
        for name, bits in {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64, "hugeint": 128}.items()
    },
    **{
        name: (0, (1 << bits) - 1)
        for name, bits in {"utinyint": 8, "usmallint": 16, "uinteger": 32, "ubigint": 64, "uhugeint": 128}.items()
    },
}
_WHOLE_NUMBERS = {"float": 1 << 24, "double": 1 << 53}
"""Up to where a floating-point type has every whole number."""

_WIDER: Mapping[str, frozenset[str]] = {
    "float": frozenset({"double"}),
    "timestamp_s": frozenset({"timestamp_ms", "timestamp"}),
    "timestamp_ms": frozenset({"timestamp"}),
    "time": frozenset({"time_ns"}),
    "json": frozenset({"varchar"}),
    "enum": frozenset({"varchar"}),
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_ENUM = re.compile(r"ENUM\(.*\)", re.DOTALL)
_LABEL = re.compile(r"'((?:[^']|'')*)'")


def column_of(spec: ColumnSpec, table: TableSpec, server: Server) -> Column:
    """The column that is created for a declared one; a DeclarationError where DuckDB has no type for it."""
    _check_name(spec, table)
    live = _type_of(spec, table)
    if spec.identity and live.name not in _INTEGERS:
        _refuse(spec, table, f"an identity column can't be {live}", "declare it as Identity[int]")
    has_default = spec.has_default and spec.default is not None
    return Column(
        name=spec.name,
        type=live,
        nullable=spec.nullable,
        default=DefaultValue(spec.default) if has_default else None,
        identity=spec.identity,
        comment=spec.comment,
    )


def spec_of(column: Column) -> ColumnSpec:
    """The declared column whose Arrow type holds all values of the live one; a DeclarationError where there is none."""
    return ColumnSpec(
        name=column.name,
        type=_arrow_type(column),
        nullable=column.nullable,
        default=column.default.value if isinstance(column.default, DefaultValue) else NO_DEFAULT,
        comment=column.comment,
        labels=column.type.labels,
        identity=column.identity,
    )


def widens(old: SqlType, new: SqlType) -> bool:
    """Whether every value of `old` is one of `new`, unchanged."""
    if old == new:
        return True
    if old.name == new.name == "enum":
        return set(old.labels) <= set(new.labels)
    if (held := _whole_range(old)) is not None:
        if (limits := _whole_range(new)) is not None:
            return limits[0] <= held[0] and held[1] <= limits[1]
        if (exact_to := _WHOLE_NUMBERS.get(new.name)) is not None:
            return -exact_to <= held[0] and held[1] <= exact_to
    if new.name == "decimal":
        digits, scale = new.args
        if old.name == "decimal":
            return old.args[1] <= scale and old.args[0] - old.args[1] <= digits - scale
        return held is not None and max(-held[0], held[1]) < 10 ** (digits - scale)
    return new.name in _WIDER.get(old.name, ())


def parse_type(text: str) -> SqlType:
    """The canonical type of the text in `duckdb_columns()`. A type that arrowsync doesn't know keeps that text."""
    if decimal := _DECIMAL.fullmatch(text):
        return SqlType("decimal", (int(decimal[1]), int(decimal[2])))
    if _ENUM.fullmatch(text):
        return SqlType("enum", labels=tuple(label.replace("''", "'") for label in _LABEL.findall(text)))
    known = text.lower()
    return SqlType(known if known in _ARROW_TYPES else text)


def type_sql(live: SqlType) -> SQL:
    """The type as statements spell it."""
    if live.labels:
        return sql("ENUM({labels})", labels=join(", ", [Literal(label) for label in live.labels]))
    if live.name == "decimal":
        return sql("DECIMAL({digits}, {scale})", digits=Literal(live.args[0]), scale=Literal(live.args[1]))
    # One of the names above, or a type of a live table as DuckDB itself spells it.
    return trusted(live.name.upper() if live.name in _ARROW_TYPES else live.name)


def fold(name: str) -> str:
    """What DuckDB compares names by: it ignores the case of ASCII letters (`É` and `é` are two names)."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def _check_name(spec: ColumnSpec, table: TableSpec) -> None:
    folded = fold(spec.name)
    twin = next((c.name for c in table.columns if c.name != spec.name and fold(c.name) == folded), None)
    if twin is not None:
        _refuse(spec, table, f"DuckDB takes {spec.name!r} and {twin!r} for one name", "rename one of the two")
    if folded == "rowid":
        _refuse(spec, table, "a column of this name hides DuckDB's own rowid, which arrowsync needs", "rename it")


def _type_of(spec: ColumnSpec, table: TableSpec) -> SqlType:
    arrow: Any = spec.type
    if spec.labels:
        return SqlType("enum", labels=spec.labels)
    if pa.types.is_decimal(arrow):
        if arrow.precision > MAX_PRECISION:
            way_out = f"declare at most Precision({MAX_PRECISION}, {min(arrow.scale, MAX_PRECISION)}), or a str"
            _refuse(spec, table, f"DuckDB's DECIMAL has {MAX_PRECISION} digits, not {arrow.precision}", way_out)
        return SqlType("decimal", (arrow.precision, arrow.scale))
    name = EXACT.get(arrow) or WIDENED.get(arrow)
    if name is None:
        _refuse(spec, table, f"DuckDB has no type for Arrow's {arrow}", "declare another type, or JsonType")
    return SqlType(name)


def _refuse(spec: ColumnSpec, table: TableSpec, problem: str, way_out: str) -> NoReturn:
    raise DeclarationError(f"{table.name}.{spec.name}: {problem}", table=table.name, field=spec.name, hint=way_out)


def _arrow_type(column: Column) -> pa.DataType:
    live = column.type
    if live.labels:
        return ENUM
    if live.name == "decimal":
        precision, scale = live.args
        return pa.decimal128(precision, scale)
    arrow = _ARROW_TYPES.get(live.name)
    if arrow is None:
        raise DeclarationError(
            f"column {column.name!r} has the type {live}, which arrowsync doesn't read or write yet",
            field=column.name,
            hint="leave the column out of the declaration, or change its type",
        )
    return arrow


def _whole_range(live: SqlType) -> tuple[int, int] | None:
    """The least and greatest value of a type of whole numbers."""
    if live.name == "decimal" and live.args[1] == 0:
        return 1 - 10 ** live.args[0], 10 ** live.args[0] - 1
    return _INTEGERS.get(live.name)
