"""The types of PostgreSQL, in both directions: declared column -> live column, and back.

`parse_type` reads the server's spelling of a type; `is_widening` says which types hold all values of another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn, cast

import pyarrow as pa

from arrowsync.catalog import Column, DefaultValue, SqlType
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, StructSpec, TableSpec
from arrowsync.dialects.contract import Server
from arrowsync.dialects.postgres.quoting import MAX_NAME_BYTES, check_json, check_name, check_text
from arrowsync.errors import DeclarationError
from arrowsync.sql import SQL, Identifier, Literal, join, sql, trusted

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

TYPES: Mapping[str, SQL] = {
    "boolean": sql("boolean"),
    "smallint": sql("smallint"),
    "integer": sql("integer"),
    "bigint": sql("bigint"),
    "real": sql("real"),
    "double precision": sql("double precision"),
    "numeric": sql("numeric"),
    "text": sql("text"),
    "varchar": sql("varchar"),
    "char": sql("char"),
    "citext": sql("citext"),
    "name": sql("name"),
    "bytea": sql("bytea"),
    "date": sql("date"),
    "time": sql("time"),
    "timestamp": sql("timestamp"),
    "timestamptz": sql("timestamptz"),
    "interval": sql("interval"),
    "uuid": sql("uuid"),
    "json": sql("json"),
    "jsonb": sql("jsonb"),
    "inet": sql("inet"),
    "cidr": sql("cidr"),
}

BUILT_IN = frozenset(
    (
        "aclitem any anyarray anycompatible anycompatiblearray anycompatiblemultirange anycompatiblenonarray "
        "anycompatiblerange anyelement anyenum anymultirange anynonarray anyrange bit bool box bpchar bytea char cid cidr "
        "circle cstring date datemultirange daterange event_trigger fdw_handler float4 float8 gtsvector index_am_handler "
        "inet int2 int2vector int4 int4multirange int4range int8 int8multirange int8range internal interval json jsonb "
        "jsonpath language_handler line lseg macaddr macaddr8 money name numeric nummultirange numrange oid oidvector path "
        "point polygon record refcursor regclass regcollation regconfig regdictionary regnamespace regoper regoperator "
        "regproc regprocedure regrole regtype table_am_handler text tid time timestamp timestamptz timetz trigger "
        "tsm_handler tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector txid_snapshot unknown uuid varbit "
        "varchar void xid xid8 xml"
    ).split()
)
"""Names of the server's own types (PostgreSQL 18), which are found before any other schema's. Arrays have a `_` before."""

_FULL_RANGE = 0x7FFF
"""The fields of an interval that has all of them."""


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


def type_sql(live: SqlType) -> SQL:
    """The type as statements spell it."""
    if live.element is not None:
        spelled = type_sql(live.element)
        for _ in range(live.dimensions):
            spelled = sql("{spelled}[]", spelled=spelled)
        return spelled
    if live.labels or live.members or live.namespace:
        return SQL((Identifier(live.namespace, live.name),))
    if live == SqlType("char"):
        return sql("bpchar")  # of any length; plain char is char(1)
    # A type that arrowsync doesn't know is called as the server itself spells it.
    name = TYPES.get(live.name) or trusted(live.name)
    if not live.args:
        return name
    return sql("{name}({args})", name=name, args=join(", ", [Literal(arg) for arg in live.args]))


def check_type_name(name: str, namespace: str | None, *, table: str, field: str) -> None:
    """Refuse the name of an enum or struct type that PostgreSQL can't store, or takes for a type of its own."""
    check_name(name, table=table, field=field)
    if namespace is None and (name.removeprefix("_") in BUILT_IN or name.startswith("pg_")):
        raise DeclarationError(
            f"{table}.{field}: a type called {name!r} would be taken for PostgreSQL's own",
            table=table,
            field=field,
            hint="rename the class (in other case will do), or give the table a namespace",
        )


_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
"""Decimal digits that the values of an integer type may need."""
_WIDER_FLOATS = {
    ("smallint", "real"),
    ("smallint", "double precision"),
    ("integer", "double precision"),
    ("real", "double precision"),
}
_TIMES = ("timestamp", "timestamptz", "time", "interval")


def is_widening(old: SqlType, new: SqlType) -> bool:
    """True if every value of `old` is one of `new`, unchanged.

    Of two types that hold the same values (text and citext), only that of a declaration widens to the other: a live column
    that takes all that is declared stays as its owner made it.
    """
    if old == new:
        return True
    if old.element is not None and new.element is not None:
        return is_widening(old.element, new.element)
    if new.labels or new.members:
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
            return _holds_digits(new, _DIGITS[name], 0)
        case ("smallint" | "integer" | "bigint") as name, ("smallint" | "integer" | "bigint") as wider:
            return _DIGITS[name] < _DIGITS[wider]
        case name, same if name == same and name in _TIMES:
            return (old.args or (6,))[0] <= (new.args or (6,))[0]
        case pair:
            return pair in _WIDER_FLOATS


def _length(live: SqlType) -> float:
    return live.args[0] if live.args else math.inf


def _holds_digits(new: SqlType, precision: int, scale: int) -> bool:
    """True if the numeric type has as many digits before and after the point."""
    if not new.args:
        return True
    return new.args[1] >= scale and new.args[0] - new.args[1] >= precision - scale


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
MAX_DIGITS = 76
"""The most digits that a decimal of Arrow has."""
LISTS: Sequence[Callable[[Any], bool]] = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)
_INTEGERS = ("smallint", "integer", "bigint")
_UNITS: Mapping[str, int] = {"s": 0, "ms": 3, "us": 6}


def to_column(spec: ColumnSpec, table: TableSpec, server: Server) -> Column:
    """The column that is created for a declared one; a DeclarationError where PostgreSQL has no type for it."""
    for name in (table.name, spec.name, *([table.namespace] if table.namespace else [])):
        check_name(name, table=table.name, field=spec.name)
    site = _Place(table.name, spec.name, table.namespace, f"{table.name}_{spec.name}")
    sql_type = _type_of(spec, site)
    if spec.identity and sql_type.name not in _INTEGERS:
        site.refuse(f"an identity column can't be {sql_type}", "declare it as Identity[int]")
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


def to_spec(column: Column) -> ColumnSpec:
    """The declared column whose Arrow type holds all values of the live one; text for a type that Arrow lacks."""
    return replace(
        _spec_of(column.name, column.type),
        nullable=column.nullable,
        default=column.default.value if isinstance(column.default, DefaultValue) else NO_DEFAULT,
        comment=column.comment,
        identity=column.identity,
    )


def as_declared(column: Column, declared: pa.DataType) -> Column:
    """Complete the live column with the parts of the declared type that the server's own type lacks.

    That is how deep an array is nested, and how many digits a numeric without precision has.
    """
    return replace(column, type=_told(column.type, declared))


def _told(live: SqlType, declared: Any) -> SqlType:
    if isinstance(declared, pa.DictionaryType | pa.RunEndEncodedType):
        return _told(live, cast(Any, declared).value_type)
    if live.element is not None and _is_list(declared):
        inner, depth = declared.value_type, 1
        while live.element.element is None and _is_list(inner):
            inner, depth = inner.value_type, depth + 1
        return replace(live, dimensions=depth, element=_told(live.element, inner))
    if live.members and pa.types.is_struct(declared):
        types: dict[str, Any] = {field.name: field.type for field in cast("Iterable[pa.Field[Any]]", declared)}
        members = tuple((name, _told(member, types.get(name, pa.null()))) for name, member in live.members)
        return replace(live, members=members)
    if live == SqlType("numeric"):
        if pa.types.is_integer(declared):
            return SqlType("numeric", (20, 0))
        if pa.types.is_decimal(declared):
            scale = max(declared.scale, 0)
            digits = max(declared.precision - min(declared.scale, 0), scale)
            return SqlType("numeric", (digits, scale)) if digits <= MAX_DIGITS else live
    return live


def _is_list(arrow: Any) -> bool:
    return any(test(arrow) for test in LISTS)


@dataclass(frozen=True, slots=True)
class _Place:
    """The place of a declared type: its table and field, the namespace of the types that it needs, and the name for an
    enum without one."""

    table: str
    field: str
    namespace: str | None
    unnamed: str

    def refuse(self, problem: str, way_out: str) -> NoReturn:
        message = f"{self.table}.{self.field}: {problem}"
        raise DeclarationError(message, table=self.table, field=self.field, hint=way_out)


def _type_of(spec: ColumnSpec, site: _Place) -> SqlType:
    arrow: Any = spec.type
    if spec.labels:
        return _enum_type(spec, site)
    if spec.ip is not None:
        return SqlType("inet")
    if spec.element is not None or pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        return _array_type(spec, site)
    if spec.struct is not None:
        return _struct_type(spec.struct, site)
    if arrow == pa.string() and spec.max_length is not None:
        if spec.max_length > MAX_VARCHAR:
            way_out = f"remove it, or declare at most MaxLength({MAX_VARCHAR})"
            site.refuse(f"MaxLength({spec.max_length}) is more than a varchar holds", way_out)
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
        site.refuse(f"PostgreSQL has no type for Arrow's {arrow}", way_out)
    return found


def _enum_type(spec: ColumnSpec, site: _Place) -> SqlType:
    name = spec.enum_name or site.unnamed
    check_type_name(name, site.namespace, table=site.table, field=site.field)
    check_text(spec.enum_comment or "", f"the comment of the enum {name!r}", table=site.table, field=site.field)
    for label in spec.labels:
        check_text(label, f"the enum label {label!r}", table=site.table, field=site.field)
        if len(label.encode()) > MAX_NAME_BYTES:
            site.refuse(
                f"the enum label {label!r} has {len(label.encode())} bytes, and PostgreSQL takes {MAX_NAME_BYTES}",
                "shorten it, declare the field as a str, or form it with another enum_mode",
            )
    return SqlType(name, labels=spec.labels, namespace=site.namespace)


def _array_type(spec: ColumnSpec, site: _Place) -> SqlType:
    """The array of the innermost elements: the server has one type for all numbers of dimensions."""
    inner, depth = spec, 0
    while inner.element is not None or pa.types.is_list(inner.type) or pa.types.is_large_list(inner.type):
        arrow: Any = inner.type
        inner = inner.element or ColumnSpec("item", arrow.value_type, nullable=True)
        depth += 1
    if depth > MAX_DIMENSIONS:
        site.refuse(
            f"lists are nested {depth} deep, and an array of PostgreSQL has {MAX_DIMENSIONS} dimensions",
            "declare it as JsonType, or form it with array_mode=ArrayMode.JSON",
        )
    return SqlType("array", element=_type_of(inner, site), dimensions=depth)


def _struct_type(struct: StructSpec, site: _Place) -> SqlType:
    check_type_name(struct.name, site.namespace, table=site.table, field=site.field)
    check_text(struct.comment or "", f"the comment of {struct.name!r}", table=site.table, field=site.field)
    if not 1 <= len(struct.members) <= MAX_MEMBERS:
        site.refuse(f"{struct.name} has {len(struct.members)} members", f"a struct has 1 to {MAX_MEMBERS}")
    members: list[tuple[str, SqlType]] = []
    for member in struct.members:
        inside = replace(site, field=f"{site.field}.{member.name}", unnamed=f"{struct.name}_{member.name}")
        check_name(member.name, table=site.table, field=inside.field)
        check_text(member.comment or "", "the comment", table=site.table, field=inside.field)
        members.append((member.name, _type_of(member, inside)))
    return SqlType(struct.name, namespace=site.namespace, members=tuple(members))


def is_said_as_text(live: SqlType) -> bool:
    """True if no Arrow type has all values of the type, or of one that is in it: the server says them as text."""
    if live.element is not None:
        return is_said_as_text(live.element)
    if live.members:
        return any(is_said_as_text(member) for _, member in live.members)
    return _arrow_type(live) is None


def _spec_of(name: str, live: SqlType) -> ColumnSpec:
    """The declared form of a type; whatever is in a list or a struct may be NULL."""
    if live.element is not None:
        element = _spec_of("item", live.element)
        for _ in range(1, live.dimensions):
            element = ColumnSpec("item", pa.list_(element.arrow_field), nullable=True, element=element)
        return ColumnSpec(name, pa.list_(element.arrow_field), nullable=True, element=element)
    if live.members:
        if any(is_said_as_text(inner) for _, inner in live.members):
            return ColumnSpec(name, pa.string(), nullable=True)
        members = tuple(_spec_of(member, inner) for member, inner in live.members)
        arrow = pa.struct([member.arrow_field for member in members])
        return ColumnSpec(name, arrow, nullable=True, struct=StructSpec(live.name, members))
    return ColumnSpec(
        name=name,
        type=_arrow_type(live) or pa.string(),
        nullable=True,
        max_length=live.args[0] if live.name in ("varchar", "char") and live.args else None,
        labels=live.labels,
        enum_name=live.name if live.labels else None,
    )


def _arrow_type(live: SqlType) -> pa.DataType | None:
    """The Arrow type that has all values of the type; None where there is none."""
    if live.labels:
        return ENUM
    exact = ARROW_TYPES.get(live.name)
    if exact is not None:
        return exact
    match live.name, live.args:
        case "numeric", (precision, scale) if scale >= 0 and max(precision, scale) <= MAX_DIGITS:
            digits = max(precision, scale)  # numeric(3, 5) is below 0.01
            return pa.decimal128(digits, scale) if digits <= 38 else pa.decimal256(digits, scale)
        case ("timestamp" | "timestamptz") as name, args:
            zone: Any = "UTC" if name == "timestamptz" else None
            return pa.timestamp(_unit(args[0] if args else 6), tz=zone)
        case _:
            return None


def _unit(digits: int) -> Any:
    """The coarsest Arrow unit that has so many digits of the second; the encoder refuses finer values than the column's."""
    return "s" if digits == 0 else "ms" if digits <= 3 else "us"
