"""How types are spelled: the server's `pg_type` names and modifiers -> the canonical `SqlType`, and that -> SQL text.

To add a type, add a line to `CANONICAL` to recognise it, and one to `TYPES` to write it.
"""

from __future__ import annotations

from collections.abc import Mapping

from arrowsync.catalog import SqlType
from arrowsync.dialects.postgres.quoting import check_name
from arrowsync.errors import DeclarationError
from arrowsync.sql import SQL, Identifier, Literal, join, sql

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
    name = TYPES.get(live.name)
    if name is None:
        raise DeclarationError(f"a column of type {live} can't be created", hint="create the column by hand")
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
