"""What it takes to find the rows that PostgreSQL refuses: an emptied staging table, and constraints that are checked now."""

from __future__ import annotations

from arrowsync.catalog import ObjectName, Table
from arrowsync.dialects.dialect import Session
from arrowsync.sql import SQL, Identifier, Literal, join, sql


def clear_staging(name: ObjectName) -> SQL:
    """TRUNCATE, which leaves no dead rows to be read by what follows; nobody else sees the table."""
    return sql("TRUNCATE {name}", name=name.identifier)


async def deferred(session: Session, table: Table) -> tuple[SQL, ...]:
    """Statements that check the deferred constraints of the table, and its deferred triggers, and defer them again."""
    found = await session.fetch(
        sql(
            """SELECT n.nspname::text AS namespace, c.conname::text AS name
FROM pg_catalog.pg_constraint AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.connamespace
WHERE c.conrelid = to_regclass({table}) AND c.condeferred ORDER BY 1, 2""",
            table=Literal(table.name.qualified),
        )
    )
    if not found.num_rows:
        return ()
    names = join(", ", [Identifier(row["namespace"], row["name"]) for row in found.to_pylist()])
    return (
        sql("SET CONSTRAINTS {names} IMMEDIATE", names=names),
        sql("SET CONSTRAINTS {names} DEFERRED", names=names),
    )
