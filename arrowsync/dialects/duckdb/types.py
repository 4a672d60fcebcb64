"""The types of DuckDB, in both directions: declared column -> live column, and back.

A type is canonical (`SqlType("decimal", (18, 3))`); `typetext` has its text, `widening` which type holds another's values,
`reading` how values travel. A list is an array of its element's type, a struct is written out in its column, as an enum is.
Comments of either's members are lost, as DuckDB has comments on tables and columns only.

To add a type: a line in `EXACT` to create it, or one in `READ_ONLY` to read and load it; where it has parameters, a case in
`_type_of`, in `_spec_of`, and in `typetext`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

import pyarrow as pa

from arrowsync.catalog import Column, DefaultValue, SqlType
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, StructSpec, TableSpec
from arrowsync.dialects.dialect import Server
from arrowsync.errors import DeclarationError

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

ARROW_TYPES: Mapping[str, pa.DataType] = {**{name: arrow for arrow, name in EXACT.items()}, **READ_ONLY}
"""The Arrow type that holds all values of a live type that has no parameters."""

_INTEGERS = frozenset(EXACT[arrow] for arrow in EXACT if pa.types.is_integer(arrow))


def column_of(spec: ColumnSpec, table: TableSpec, server: Server) -> Column:
    """The column that is created for a declared one; a DeclarationError where DuckDB has no type for it."""
    _check_name(spec, table)
    _check_texts(spec, table)
    live = _type_of(spec, spec, table)
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
    return replace(
        _spec_of(column.name, column.type, column),
        nullable=column.nullable,
        default=column.default.value if isinstance(column.default, DefaultValue) else NO_DEFAULT,
        comment=column.comment,
        identity=column.identity,
    )


def fold(name: str) -> str:
    """What DuckDB compares names by: it ignores the case of ASCII letters (`É` and `é` are two names)."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def text_problem(text: str) -> str | None:
    """Why DuckDB can't hold the text, as the end of a sentence."""
    if "\0" in text:
        return "holds a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds a lone surrogate, which is not text"
    return None


def _check_name(spec: ColumnSpec, table: TableSpec) -> None:
    folded = fold(spec.name)
    twin = next((c.name for c in table.columns if c.name != spec.name and fold(c.name) == folded), None)
    if twin is not None:
        _refuse(spec, table, f"DuckDB takes {spec.name!r} and {twin!r} for one name", "rename one of the two")
    if folded == "rowid":
        _refuse(spec, table, "a column of this name hides DuckDB's own rowid, which arrowsync needs", "rename it")


def _check_texts(spec: ColumnSpec, table: TableSpec) -> None:
    """Refuse what no statement can say: names, comments, labels and defaults become text of a statement."""
    texts = {"the name": spec.name, "the comment": spec.comment, "the default": spec.default}
    for what, text in texts.items():
        if isinstance(text, str) and (problem := text_problem(text)):
            _refuse(spec, table, f"{what} {text!r} {problem}", "remove it")


def _type_of(spec: ColumnSpec, column: ColumnSpec, table: TableSpec) -> SqlType:
    """The type for `spec`, which is the declared `column`, or somewhere in it."""
    arrow: Any = spec.type
    if spec.element is not None:
        return SqlType("array", element=_type_of(spec.element, column, table))
    if spec.struct is not None:
        return _struct_type(spec.struct, column, table)
    if spec.labels:
        for label in spec.labels:
            if problem := text_problem(label):
                _refuse(column, table, f"the label {label!r} {problem}", "remove it")
        return SqlType("enum", labels=spec.labels)
    if pa.types.is_decimal(arrow):
        if arrow.precision > MAX_PRECISION:
            way_out = f"declare at most Precision({MAX_PRECISION}, {min(arrow.scale, MAX_PRECISION)}), or a str"
            _refuse(column, table, f"DuckDB's DECIMAL has {MAX_PRECISION} digits, not {arrow.precision}", way_out)
        return SqlType("decimal", (arrow.precision, arrow.scale))
    name = EXACT.get(arrow) or WIDENED.get(arrow)
    if name is None:
        _refuse(column, table, f"DuckDB has no type for Arrow's {arrow}", "declare another type, or JsonType")
    return SqlType(name)


def _struct_type(struct: StructSpec, column: ColumnSpec, table: TableSpec) -> SqlType:
    seen: dict[str, str] = {}
    for member in struct.members:
        if problem := "is empty" if not member.name else text_problem(member.name):
            _refuse(column, table, f"the name {member.name!r} of a member of {struct.name} {problem}", "rename it")
        twin = seen.setdefault(fold(member.name), member.name)
        if twin != member.name:
            problem = f"DuckDB takes the members {twin!r} and {member.name!r} of {struct.name} for one name"
            _refuse(column, table, problem, "rename one of the two, or form structs as StructMode.JSON")
    return SqlType("struct", members=tuple((m.name, _type_of(m, column, table)) for m in struct.members))


def _refuse(spec: ColumnSpec, table: TableSpec, problem: str, way_out: str) -> NoReturn:
    raise DeclarationError(f"{table.name}.{spec.name}: {problem}", table=table.name, field=spec.name, hint=way_out)


def _spec_of(name: str, live: SqlType, column: Column) -> ColumnSpec:
    """What holds the values of the type, which is that of the live `column`, or somewhere in it."""
    if live.element is not None:
        element = _spec_of("item", live.element, column)
        return ColumnSpec(name, pa.list_(element.arrow_field), nullable=True, element=element)
    if live.members:
        members = tuple(_spec_of(member, kind, column) for member, kind in live.members)
        struct = StructSpec(name, members)
        return ColumnSpec(name, pa.struct([m.arrow_field for m in members]), nullable=True, struct=struct)
    return ColumnSpec(name, _arrow_type(live, column), nullable=True, labels=live.labels)


def _arrow_type(live: SqlType, column: Column) -> pa.DataType:
    if live.labels:
        return ENUM
    if live.name == "decimal":
        precision, scale = live.args
        return pa.decimal128(precision, scale)
    arrow = ARROW_TYPES.get(live.name)
    if arrow is None:
        raise DeclarationError(
            f"column {column.name!r} has the type {column.type}, which arrowsync doesn't read or write yet",
            field=column.name,
            hint="leave the column out of the declaration, or change its type",
        )
    return arrow
