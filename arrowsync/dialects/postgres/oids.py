"""`type_oids`: the oids that COPY BINARY needs of a server, for types that every database numbers anew.

An array names the type of its elements by oid, a composite those of its members: see `wire.pgcopy.encode`. Before a load its
session asks once, where the table has such a type at all; the answer isn't kept, since a type may be dropped and made anew.
An array of a domain names what the domain is made of, which the server takes: it compares only oids of built-in types
(array_recv in src/backend/utils/adt/arrayfuncs.c) [PostgreSQL 15 and 18, 2026-11-21].
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from arrowsync.catalog import Column, SqlType
from arrowsync.dialects.contract import FindUnstorable, Server, Session
from arrowsync.errors import DatabaseError
from arrowsync.sql import SQL, Literal, join, sql
from arrowsync.wire.pgcopy.encode import OIDS, OidKey, compile_pgcopy


def value_check(server: Server, columns: Sequence[Column], schema: pa.Schema) -> FindUnstorable:
    """Compile the search for values that COPY can't carry, since they have no form in their column's type."""
    oids: dict[OidKey, int] = {}
    for live in (found for column in columns for found in _needed(column.type)):
        oids[live] = 0  # nothing is sent
        oids.update({(live, name): 0 for name, _ in live.members})
    return compile_pgcopy(schema, [column.type for column in columns], oids=oids).refused


async def type_oids(session: Session, types: Iterable[SqlType]) -> dict[OidKey, int]:
    """The `oids` that `compile_pgcopy` takes for a table of these types: empty, without a query, if none are needed.

    Raises `DatabaseError` if a struct type has other members on the server than here: their order is that of the bytes.
    """
    needed = tuple(dict.fromkeys(found for live in types for found in _needed(live)))
    if not needed:
        return {}
    rows = (await session.fetch(_oids_query(needed))).to_pylist()
    oids: dict[OidKey, int] = {}
    for at, live in enumerate(needed):
        found = [row for row in rows if row["at"] == at]
        if found:
            oids[live] = found[0]["oid"]
        if live.members:
            _check_members(live, found)
            oids.update({(live, row["member"]): row["member_oid"] for row in found})
    return oids


def _needed(live: SqlType) -> Iterator[SqlType]:
    """The structs in a type, and the elements of its arrays that are not built in."""
    if live.element is not None:
        inner = live.element
        if not inner.members and inner.element is None and (inner.labels or inner.namespace or inner.name not in OIDS):
            yield inner
        yield from _needed(inner)
    if live.members:
        yield live
        for _, member in live.members:
            yield from _needed(member)


def _oids_query(types: Iterable[SqlType]) -> SQL:
    """One row a type, and for a struct type one a member; none for a type that isn't there."""
    asked = [
        sql(
            "({at}, {namespace}, {name})",
            at=Literal(at),
            namespace=sql("current_schema()") if live.namespace is None else Literal(live.namespace),
            name=Literal(live.name),
        )
        for at, live in enumerate(types)
    ]
    return sql(
        """WITH asked (at, namespace, name) AS (VALUES {asked})
SELECT asked.at, t.oid::bigint AS oid, a.attname::text AS member, a.atttypid::bigint AS member_oid
FROM asked
JOIN pg_catalog.pg_namespace AS n ON n.nspname = asked.namespace
JOIN pg_catalog.pg_type AS t ON t.typnamespace = n.oid AND t.typname = asked.name
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY asked.at, a.attnum""",
        asked=join(", ", asked),
    )


def _check_members(live: SqlType, rows: list[dict[str, Any]]) -> None:
    expected, found = [name for name, _ in live.members], [row["member"] for row in rows]
    if found != expected:
        raise DatabaseError(
            f"the type {live} has the members {', '.join(map(str, found)) or 'of no type'}, not {', '.join(expected)}",
            hint="was it altered meanwhile? try again",
            transient=True,
        )
