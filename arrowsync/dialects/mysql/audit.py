"""Triggers of a table of MySQL or MariaDB, which may keep or change rows. None drops a row without an error."""

from __future__ import annotations

import secrets

from arrowsync.catalog import ObjectName, Table
from arrowsync.dialects import merge_sql
from arrowsync.dialects.contract import Interference, MergeJob, Session
from arrowsync.dialects.mysql.discover import sees_triggers, triggers_of
from arrowsync.dialects.mysql.merge import STAGED
from arrowsync.sql import SQL, sql


async def interference(session: Session, table: Table) -> Interference:
    """The triggers of the table, or a note that it may have some: only users who may create triggers see them."""
    query = sql(
        "SELECT trigger_name AS name, {seen} AS seen FROM (SELECT 1 AS one) AS always LEFT JOIN ({triggers}) AS g ON true",
        seen=sees_triggers(table.name),
        triggers=triggers_of(table.name),
    )
    rows = (await session.fetch(query)).to_pylist()
    by = tuple(f"the trigger {row['name']!r}" for row in rows if row["name"] is not None)
    if not by and not rows[0]["seen"]:
        by = ("triggers, perhaps, which this user may not see",)
    return Interference(by)


def copy(job: MergeJob, query: SQL) -> tuple[ObjectName, SQL]:
    """A temporary table of the rows of the query, with an index on the key that they are found by."""
    name = ObjectName(None, f"{STAGED}{secrets.token_hex(8)}")
    return name, sql(
        "CREATE TEMPORARY TABLE {name} (KEY ({key})) ENGINE=InnoDB {query}",
        name=name.identifier,
        key=merge_sql.names(job.key),
        query=query,
    )


async def written(session: Session, table: Table) -> int | None:
    """None, as no count is needed: a trigger can't write to its own table."""
    return None
