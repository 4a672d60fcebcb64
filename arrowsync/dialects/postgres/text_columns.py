"""Columns of types that Arrow lacks, on their way in: text in the staging table, which the server itself makes values of.

`arriving` says which columns these are, `settle` gives them their types when the rows are there, and `misfits` finds the rows
for which that fails: a text that isn't one of the type, or that its modifier (`bit(3)`, `time(0) with time zone`) would cut or
round, as casts do.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from arrowsync.catalog import Column, ObjectName, SqlType
from arrowsync.dialects.contract import Misfits
from arrowsync.dialects.postgres.quoting import QUOTING
from arrowsync.dialects.postgres.types import is_said_as_text, type_sql
from arrowsync.sql import SQL, Identifier, Literal, join, sql

TEXT = SqlType("text")
CLOSED = frozenset(
    {
        "pg_node_tree",
        "pg_ndistinct",
        "pg_dependencies",
        "pg_mcv_list",
        "pg_brin_bloom_summary",
        "pg_brin_minmax_multi_summary",
        "pg_ddl_command",
        "gtsvector",
        "ghstore",
        "gtrgm",
        "ltree_gist",
    }
)
"""Types whose input function refuses every text: only the server itself makes their values."""
_FINER: Mapping[str, SQL] = {
    **dict.fromkeys(
        ("time with time zone", "tsrange", "tstzrange", "tsmultirange", "tstzmultirange"),
        sql("'[.]' || repeat('[0-9]', 6) || '[0-9]*[1-9]'"),
    ),
    # How many digits stand after which sign depends on lc_monetary.
    "money": sql(
        "(SELECT concat('[', coalesce(substring(z FROM '[0-9]([^0-9])[0-9]'), '.'), ']', "
        "repeat('[0-9]', coalesce(length(substring(z FROM '[0-9][^0-9]([0-9]+)')), 0)), '[0-9]*[1-9]') "
        "FROM (SELECT 0::money::text) AS m (z))"
    ),
}
"""Types whose input function rounds -> a regular expression for texts with more digits than the type keeps."""
_MODIFIER = re.compile(r"\([^()]*\)")


def unloadable(column: Column) -> str | None:
    """The reason why no load can write values of the column; None if a load can."""
    return f"only the server itself makes values of {column.type}" if _is_closed(column.type) else None


def _is_closed(live: SqlType) -> bool:
    if live.element is not None:
        return _is_closed(live.element)
    return live.name in CLOSED or any(_is_closed(member) for _, member in live.members)


def arriving(column: Column, brought: pa.DataType, rejecting: bool) -> Column:
    """The column of a staging table into which values of that Arrow type go.

    Where bad rows are to be rejected, JSON is text too: PostgreSQL refuses some that is valid (a number beyond its numeric, a NUL
    in jsonb), and a COPY that meets it fails as a whole.
    """
    if rejecting and _holds_json(column.type):
        element = column.type.element
        return replace(column, type=TEXT if element is None else replace(column.type, element=TEXT))
    if pa.types.is_string(brought) and column.type.element is None and is_said_as_text(column.type):
        return replace(column, type=TEXT)
    if column.type.element is not None and is_said_as_text(column.type.element):
        inner = brought
        while pa.types.is_list(inner):
            inner = inner.value_type
        if pa.types.is_string(inner):
            return replace(column, type=replace(column.type, element=TEXT))
    return column


def _holds_json(live: SqlType) -> bool:
    return (live if live.element is None else live.element).name in ("json", "jsonb")


def settle(staging: ObjectName, columns: Sequence[Column]) -> SQL:
    """The statement that gives the columns of a staging table these types."""
    altered = [
        sql("ALTER COLUMN {c} TYPE {t} USING {c}::{t}", c=Identifier(column.name), t=type_sql(column.type))
        for column in columns
    ]
    return sql("ALTER TABLE {staging} {altered}", staging=staging.identifier, altered=join(", ", altered))


def changed(staging: ObjectName, columns: Sequence[Column]) -> SQL | None:
    """A query that has a row if a value would be cut or rounded by its type; None where no type does that."""
    found = [_is_changed(SQL((Identifier(c.name),)), c.type) for c in columns]
    if not any(found):
        return None
    return sql(
        "SELECT 1 AS found FROM {staging} WHERE {changed} LIMIT 1",
        staging=staging.identifier,
        changed=join(" OR ", [condition for condition in found if condition is not None]),
    )


def misfits(staging: ObjectName, column: Column, order: str | None) -> Misfits:
    """The search for rows whose text isn't a value of the type of `column`, with the server's reason for each."""
    function = ObjectName("pg_temp", f"arrowsync_{secrets.token_hex(8)}")
    text = replace(column.type, element=TEXT) if column.type.element is not None else TEXT
    body = sql(
        """BEGIN
  IF {changed} THEN RETURN {reason}; END IF;
  PERFORM given::{type};
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN RETURN SQLERRM;
END""",
        changed=_is_changed(sql("given"), column.type) or sql("false"),
        reason=Literal(f"longer or finer than {column.type} stores"),
        type=type_sql(column.type),
    )
    return Misfits(
        create=sql(
            "CREATE FUNCTION {function}(given {text}) RETURNS text LANGUAGE plpgsql AS {body}",
            function=function.identifier,
            text=type_sql(text),
            body=Literal(body.text(QUOTING)),
        ),
        query=sql(
            "SELECT q.row, q.value, q.reason FROM (SELECT {row} AS row, {c}::text AS value, {function}({c}) AS reason "
            "FROM {staging} AS s WHERE {c} IS NOT NULL) AS q WHERE q.reason IS NOT NULL ORDER BY q.row",
            row=sql("row_number() OVER (ORDER BY s.ctid) - 1") if order is None else Identifier(order),
            c=Identifier(column.name),
            function=function.identifier,
            staging=staging.identifier,
        ),
        drop=sql("DROP FUNCTION {function}({text})", function=function.identifier, text=type_sql(text)),
    )


def _is_changed(value: SQL, live: SqlType) -> SQL | None:
    """The condition for a text of which the type keeps less than is there; None where it keeps everything."""
    plain = _plain(live)
    finer = _FINER.get((plain.element or plain).name)
    conditions = [sql("{value}::text ~ ({finer})", value=value, finer=finer)] if finer is not None else []
    if plain != live:
        conditions.append(_is_cut(value, live))
    return join(" OR ", conditions) if conditions else None


def _is_cut(value: SQL, live: SqlType) -> SQL:
    return sql(
        "({value}::{plain})::text IS DISTINCT FROM ({value}::{type})::text",
        value=value,
        plain=type_sql(_plain(live)),
        type=type_sql(live),
    )


def _plain(live: SqlType) -> SqlType:
    """The type without its modifier."""
    if live.element is not None:
        return replace(live, element=_plain(live.element))
    if live.labels or live.members:
        return live
    name = _MODIFIER.sub("", live.name)
    if name.startswith("interval "):
        name = "interval"
    return SqlType('"bit"' if name == "bit" else name)  # plain bit is bit(1)
