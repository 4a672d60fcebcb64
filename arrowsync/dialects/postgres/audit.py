"""Triggers, rules and policies of a PostgreSQL table, and the count of rows that a transaction has written."""

from __future__ import annotations

import secrets

from arrowsync.catalog import ObjectName, Table
from arrowsync.dialects.contract import Interference, MergeJob, Session
from arrowsync.sql import SQL, Literal, sql


async def interference(session: Session, table: Table) -> Interference:
    """The triggers and rules of the table and its partitions, its policies where they count for this role, foreign partitions."""
    found = await session.fetch(
        sql(
            """WITH RECURSIVE part AS (
  SELECT to_regclass({table})::oid AS oid
  UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i JOIN part ON i.inhparent = part.oid
)
SELECT 1 AS kind, g.tgname::text AS name FROM pg_catalog.pg_trigger AS g JOIN part ON part.oid = g.tgrelid
WHERE NOT g.tgisinternal AND g.tgenabled <> 'D'
UNION SELECT 2, r.rulename::text FROM pg_catalog.pg_rewrite AS r
WHERE r.ev_class = to_regclass({table}) AND r.ev_type <> '1' AND r.ev_enabled <> 'D'
UNION SELECT 3, c.relname::text FROM pg_catalog.pg_class AS c
WHERE c.oid = to_regclass({table}) AND row_security_active(c.oid)
UNION SELECT 4, c.relname::text FROM pg_catalog.pg_class AS c JOIN part USING (oid) WHERE c.relkind = 'f'
ORDER BY 1, 2""",
            table=Literal(table.name.qualified),
        )
    )
    kinds = {1: "the trigger {}", 2: "the rule {}", 3: "row-level security", 4: "the foreign table {}"}
    rows = found.to_pylist()
    by = tuple(kinds[row["kind"]].format(repr(row["name"])) for row in rows)
    return Interference(by, forbids_copy=any(row["kind"] in (2, 3) for row in rows))


def copy(job: MergeJob, query: SQL) -> tuple[ObjectName, SQL]:
    """A temporary table of the rows of the query."""
    name = ObjectName("pg_temp", f"arrowsync_{secrets.token_hex(8)}")
    return name, sql("CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS {query}", name=name.identifier, query=query)


async def written(session: Session, table: Table) -> int | None:
    """Rows inserted less rows deleted by this transaction, triggers included; None if the server doesn't count."""
    found = await session.fetch(
        sql(
            """SELECT CASE WHEN current_setting('track_counts')::bool THEN (
  SELECT sum(pg_stat_get_xact_tuples_inserted(oid) - pg_stat_get_xact_tuples_deleted(oid))::bigint
  FROM (SELECT to_regclass({table})::oid AS oid
    UNION SELECT relid::oid FROM pg_partition_tree(to_regclass({table}))) AS parts
) END AS n""",
            table=Literal(table.name.qualified),
        )
    )
    value: int | None = found.column("n")[0].as_py()
    return value
