"""The types of PostgreSQL, in both directions: declared column -> live column, and back.

A type is canonical (`SqlType("timestamp", (3,))`), so that equal types compare equal however they were spelled: see
`typenames`. To the server `bigint[][]` is `bigint[]`, whose arrays have any number of dimensions: what was declared is kept,
and no part of the type. To add a type: a line in `EXACT` or a case in `_type_of` to create it, a line in `ARROW_TYPES` or a
case in `_arrow_type` to read it, its names in `typenames`, a form in `readforms`, and a kernel in `encode/pgcopy.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn, cast

import pyarrow as pa

from arrowsync.catalog import Column, DefaultValue, SqlType
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, StructSpec, TableSpec
from arrowsync.dialects.dialect import Server
from arrowsync.dialects.postgres.quoting import MAX_NAME_BYTES, check_json, check_name, check_text
from arrowsync.dialects.postgres.typenames import check_type_name
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

ENUM = pa.dictionary(pa.int32(), pa.string())
MAX_VARCHAR = 10_485_760
MAX_DIMENSIONS = 6
MAX_MEMBERS = 1600
_INTEGERS = ("smallint", "integer", "bigint")
_UNITS: Mapping[str, int] = {"s": 0, "ms": 3, "us": 6}


def column_of(spec: ColumnSpec, table: TableSpec, server: Server) -> Column:
    """The column that is created for a declared one; a DeclarationError where PostgreSQL has no type for it."""
    for name in (table.name, spec.name, *([table.namespace] if table.namespace else [])):
        check_name(name, table=table.name, field=spec.name)
    place = _Place(table.name, spec.name, table.namespace, f"{table.name}_{spec.name}")
    sql_type = _type_of(spec, place)
    if spec.identity and sql_type.name not in _INTEGERS:
        place.refuse(f"an identity column can't be {sql_type}", "declare it as Identity[int]")
    has_default = spec.has_default and spec.default is not None
    if has_default and isinstance(spec.default, str):
        check_text(spec.default, "the default", table=table.name, field=spec.name)
        if spec.type == pa.json_():
            check_json(spec.default, table=table.name, field=spec.name)
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
    return replace(
        _spec_of(column.name, column.type, column.name),
        nullable=column.nullable,
        default=column.default.value if isinstance(column.default, DefaultValue) else NO_DEFAULT,
        comment=column.comment,
        identity=column.identity,
    )


def as_declared(column: Column, declared: pa.DataType) -> Column:
    """The live column, its arrays with as many dimensions as the declared lists: the server's own type doesn't say."""
    return replace(column, type=_with_dimensions(column.type, declared))


def _with_dimensions(live: SqlType, declared: Any) -> SqlType:
    if live.element is not None and pa.types.is_list(declared):
        inner, depth = declared.value_type, 1
        while live.element.element is None and pa.types.is_list(inner):
            inner, depth = inner.value_type, depth + 1
        return replace(live, dimensions=depth, element=_with_dimensions(live.element, inner))
    if live.members and pa.types.is_struct(declared):
        types: dict[str, Any] = {field.name: field.type for field in cast("Iterable[pa.Field[Any]]", declared)}
        members = tuple((name, _with_dimensions(member, types.get(name, pa.null()))) for name, member in live.members)
        return replace(live, members=members)
    return live


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a declared type stands: its table and field, the namespace of the types that it needs, and what an enum is
    called that has no name of its own."""

    table: str
    field: str
    namespace: str | None
    unnamed: str

    def refuse(self, problem: str, way_out: str) -> NoReturn:
        message = f"{self.table}.{self.field}: {problem}"
        raise DeclarationError(message, table=self.table, field=self.field, hint=way_out)


def _type_of(spec: ColumnSpec, place: _Place) -> SqlType:
    arrow: Any = spec.type
    if spec.labels:
        return _enum_type(spec, place)
    if spec.ip is not None:
        return SqlType("inet")
    if spec.element is not None or pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        return _array_type(spec, place)
    if spec.struct is not None:
        return _struct_type(spec.struct, place)
    if arrow == pa.string() and spec.max_length is not None:
        if spec.max_length > MAX_VARCHAR:
            way_out = f"remove it, or declare at most MaxLength({MAX_VARCHAR})"
            place.refuse(f"MaxLength({spec.max_length}) is more than a varchar holds", way_out)
        return SqlType("varchar", (spec.max_length,))
    if pa.types.is_decimal128(arrow) or pa.types.is_decimal256(arrow):
        return SqlType("numeric", (arrow.precision, arrow.scale))
    if pa.types.is_timestamp(spec.type) and arrow.unit in _UNITS:
        digits = _UNITS[arrow.unit]
        return SqlType("timestamptz" if arrow.tz else "timestamp", () if digits == 6 else (digits,))
    found = EXACT.get(arrow) or WIDENED.get(arrow)
    if found is None:
        way_out = (
            "declare the struct as a dataclass" if pa.types.is_struct(arrow) else "declare another type, or JsonType"
        )
        place.refuse(f"PostgreSQL has no type for Arrow's {arrow}", way_out)
    return found


def _enum_type(spec: ColumnSpec, place: _Place) -> SqlType:
    name = spec.enum_name or place.unnamed
    check_type_name(name, place.namespace, table=place.table, field=place.field)
    check_text(spec.enum_comment or "", f"the comment of the enum {name!r}", table=place.table, field=place.field)
    for label in spec.labels:
        check_text(label, f"the enum label {label!r}", table=place.table, field=place.field)
        if len(label.encode()) > MAX_NAME_BYTES:
            place.refuse(
                f"the enum label {label!r} has {len(label.encode())} bytes, and PostgreSQL takes {MAX_NAME_BYTES}",
                "shorten it, declare the field as a str, or form it with another enum_mode",
            )
    return SqlType(name, labels=spec.labels, namespace=place.namespace)


def _array_type(spec: ColumnSpec, place: _Place) -> SqlType:
    """The array of the innermost elements: the server has one type for all numbers of dimensions."""
    inner, depth = spec, 0
    while inner.element is not None or pa.types.is_list(inner.type) or pa.types.is_large_list(inner.type):
        arrow: Any = inner.type
        inner = inner.element or ColumnSpec("item", arrow.value_type, nullable=True)
        depth += 1
    if depth > MAX_DIMENSIONS:
        place.refuse(
            f"lists are nested {depth} deep, and an array of PostgreSQL has {MAX_DIMENSIONS} dimensions",
            "declare it as JsonType, or form it with array_mode=ArrayMode.JSON",
        )
    return SqlType("array", element=_type_of(inner, place), dimensions=depth)


def _struct_type(struct: StructSpec, place: _Place) -> SqlType:
    check_type_name(struct.name, place.namespace, table=place.table, field=place.field)
    check_text(struct.comment or "", f"the comment of {struct.name!r}", table=place.table, field=place.field)
    if not 1 <= len(struct.members) <= MAX_MEMBERS:
        place.refuse(f"{struct.name} has {len(struct.members)} members", f"a struct has 1 to {MAX_MEMBERS}")
    members: list[tuple[str, SqlType]] = []
    for member in struct.members:
        inside = replace(place, field=f"{place.field}.{member.name}", unnamed=f"{struct.name}_{member.name}")
        check_name(member.name, table=place.table, field=inside.field)
        check_text(member.comment or "", "the comment", table=place.table, field=inside.field)
        members.append((member.name, _type_of(member, inside)))
    return SqlType(struct.name, namespace=place.namespace, members=tuple(members))


def _spec_of(name: str, live: SqlType, column: str) -> ColumnSpec:
    """The declared form of a type; whatever is in a list or a struct may be NULL. `column` is named in errors."""
    if live.element is not None:
        element = _spec_of("item", live.element, column)
        for _ in range(1, live.dimensions):
            element = ColumnSpec("item", pa.list_(element.arrow_field), nullable=True, element=element)
        return ColumnSpec(name, pa.list_(element.arrow_field), nullable=True, element=element)
    if live.members:
        members = tuple(_spec_of(member, inner, column) for member, inner in live.members)
        arrow = pa.struct([member.arrow_field for member in members])
        return ColumnSpec(name, arrow, nullable=True, struct=StructSpec(live.name, members))
    return ColumnSpec(
        name=name,
        type=_arrow_type(live, column),
        nullable=True,
        max_length=live.args[0] if live.name in ("varchar", "char") and live.args else None,
        labels=live.labels,
        enum_name=live.name if live.labels else None,
    )


def _arrow_type(live: SqlType, column: str) -> pa.DataType:
    if live.labels:
        return ENUM
    exact = ARROW_TYPES.get(live.name)
    if exact is not None:
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
                f"column {column!r} has the type {live}, which arrowsync doesn't read or write yet",
                field=column,
                hint="leave the column out of the declaration, or change its type",
            )


def _unit(digits: int) -> Any:
    """The coarsest Arrow unit that has so many digits of the second; the encoder refuses finer values than the column's."""
    return "s" if digits == 0 else "ms" if digits <= 3 else "us"
