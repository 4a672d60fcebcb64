"""Staged rows into the table, and what goes with it: the staging table, the lock, sequences.

The statements are those shared with DuckDB. What is PostgreSQL's own: the order of arrival is `ctid`, and rows are compared as
they are stored (`*<>`), so that `json` can be compared at all and a changed -0.0 or letter case in `citext` is a change; but by
their values where a type has several forms of one value.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from arrowsync.catalog import Column, DefaultExpression, ObjectName, SqlType, Table
from arrowsync.dialects import merge_sql
from arrowsync.dialects.contract import LockPurpose, MergeJob, MergeStep, Session
from arrowsync.dialects.postgres.quoting import QUOTING
from arrowsync.dialects.postgres.types import type_sql
from arrowsync.errors import DatabaseError
from arrowsync.sql import SQL, Identifier, Literal, join, sql

LOCK_MODES: dict[LockPurpose, SQL] = {
    "alter": sql("ACCESS EXCLUSIVE"),
    "merge": sql("SHARE ROW EXCLUSIVE"),  # no other writer and no other merge; readers go on
}
_LOCK_TIMEOUT = "55P03"
_DENIED = "42501"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a lock is waited for, in seconds.

    Whoever wants the table while we wait for it queues behind us, readers too: so each attempt is short, and others get
    their turn in the pauses between.
    """

    attempt: float = 2.0
    total: float = 30.0
    first_pause: float = 0.1
    longest_pause: float = 2.0


PATIENCE = Patience()


def create_staging(target: Table, columns: Sequence[str]) -> tuple[ObjectName, SQL]:
    """A temporary table with those columns of the target, of their types, without constraints and defaults.

    It has them as they will be: the target itself may have yet to be altered. Of the two collations that meet in a
    comparison, that of the target counts, because this one's is the default.
    """
    name = ObjectName("pg_temp", f"arrowsync_{secrets.token_hex(8)}")
    by_name = {column.name: column for column in target.columns}
    lines = [sql("{c} {t}", c=Identifier(column), t=type_sql(by_name[column].type)) for column in columns]
    return name, sql(
        "CREATE TEMPORARY TABLE {staging} ({lines}) ON COMMIT DROP",
        staging=name.identifier,
        lines=join(", ", lines),
    )


def merge_steps(job: MergeJob) -> tuple[MergeStep, ...]:
    """The statements that bring staged rows into the target; statistics first, which autovacuum has none of temporary tables."""
    types = {column.name: column.type for column in job.target.columns}

    def assigned(column: str) -> SQL:
        t, s = Identifier("t", column), Identifier("s", column)
        if not _has_forms(types[column]):
            return SQL((s,))
        other = _other_value(column, types[column], "t", "s")
        return sql("CASE WHEN {other} THEN {s} ELSE {t} END", other=other, s=s, t=t)

    style = merge_sql.MergeStyle(
        order="ctid",
        differs=lambda columns: _differ(job, columns, "t", "s"),
        overriding=" OVERRIDING SYSTEM VALUE",
        assigned=assigned,
    )
    steps = merge_sql.merge_steps(job, style)
    analyze = MergeStep(_analyze(job))
    if not job.key or job.staging == job.target.name or not any(step.outcome == "duplicates" for step in steps):
        return (analyze, *steps)
    index = MergeStep(_index_keys(job))
    duplicates, *others = steps
    return (index, _unless_indexed(duplicates, job), index, analyze, *others)


def differs(job: MergeJob, left: LiteralString, right: LiteralString) -> SQL:
    """The condition that two aliases aren't the same in a column that the data brings beside the key."""
    return _differ(job, job.values, left, right)


def _differ(job: MergeJob, columns: Sequence[str], left: LiteralString, right: LiteralString) -> SQL:
    types = {column.name: column.type for column in job.target.columns}
    found = [_other_value(column, types[column], left, right) for column in columns if _has_forms(types[column])]
    stored = [column for column in columns if not _has_forms(types[column])]

    def of(alias: LiteralString) -> SQL:
        # Cast, because rows are only compared if their types are the same, and the target may have a domain or a varchar.
        cast = [sql("{c}::{t}", c=Identifier(alias, column), t=type_sql(types[column])) for column in stored]
        return join(", ", cast)

    if stored:
        found.insert(0, sql("ROW({left})::record *<> ROW({right})::record", left=of(left), right=of(right)))
    return sql("({any})", any=join(" OR ", found))


def _has_forms(live: SqlType) -> bool:
    """Whether a value has several forms, of which a row keeps the one that it has: 1.5 and 1.50, a day and 24 hours."""
    if live.element is not None:
        return _has_forms(live.element)
    return live.name == "interval" or live == SqlType("numeric")


def _other_value(column: str, live: SqlType, left: LiteralString, right: LiteralString) -> SQL:
    t, s = Identifier(left, column), Identifier(right, column)
    differs = sql("{t} IS DISTINCT FROM {s}", t=t, s=s)
    if live.name != "interval":
        return differs
    # A month is 30 days where intervals are compared.
    return sql(
        "({differs} OR date_trunc('month', {t}) IS DISTINCT FROM date_trunc('month', {s}))", differs=differs, t=t, s=s
    )


def _analyze(job: MergeJob) -> SQL:
    """How many rows there are, and how their keys are spread: all that the plans of the merge depend on."""
    columns = sql(" ({key})", key=merge_sql.names(job.key)) if job.key else SQL(())
    return sql("ANALYZE {staging}{columns}", staging=job.staging.identifier, columns=columns)


def _index_keys(job: MergeJob) -> SQL:
    """Make an index of the staged keys, unless one is there twice.

    That tells at once that there are no duplicates (0.2 to 0.6 s for a million rows, where finding none took 0.9 to 1.2 s), and
    lets the merge go through both tables in the order of the key: bringing a million rows into as many, a tenth of them
    changed, took 3.3 s, and 8.4 s without (in random order 8.5 s and 10.1 s; PostgreSQL 15, TPC-H lineitem, 2026-11-21).
    """
    attempt = sql(
        "BEGIN CREATE UNIQUE INDEX IF NOT EXISTS {index} ON {staging} ({key}); "
        "EXCEPTION WHEN unique_violation OR program_limit_exceeded THEN NULL; END",
        index=Identifier(_index_of(job.staging).name),
        staging=job.staging.identifier,
        key=merge_sql.names(job.key),
    )
    return sql("DO {attempt}", attempt=Literal(attempt.text(QUOTING)))


def _index_of(staging: ObjectName) -> ObjectName:
    return ObjectName(staging.namespace, f"{staging.name}_key")


def _unless_indexed(step: MergeStep, job: MergeJob) -> MergeStep:
    """The step that drops duplicates, doing nothing where the index of the keys says that there are none."""
    condition = sql(
        "{step} AND to_regclass({index}) IS NULL", step=step.statement, index=_regclass(_index_of(job.staging))
    )
    return MergeStep(condition, step.outcome)


def duplicates(job: MergeJob) -> SQL:
    """Up to five keys that the staged rows repeat, with the number of `copies`."""
    return merge_sql.duplicates(job)


def after_load(table: Table, columns: Sequence[str]) -> tuple[SQL, ...]:
    """What moves the sequences of the loaded columns past the values that were brought."""
    return tuple(
        _advance(table.name, column) for column in table.columns if column.name in columns and _has_sequence(column)
    )


def _has_sequence(column: Column) -> bool:
    default = column.default
    serial = isinstance(default, DefaultExpression) and str(default.text.parts[0]).startswith("nextval(")
    return column.identity or serial


def _advance(table: ObjectName, column: Column) -> SQL:
    """Set the sequence to the highest value of its column, unless it is there or past it."""
    return sql(
        """SELECT setval(s.oid, m.highest)
FROM (SELECT pg_get_serial_sequence({table_text}, {column_text})::regclass AS oid) AS s
JOIN pg_catalog.pg_sequence AS q ON q.seqrelid = s.oid
CROSS JOIN (SELECT max({column}) AS highest FROM {table}) AS m
WHERE q.seqincrement > 0 AND m.highest > coalesce(pg_sequence_last_value(s.oid), q.seqstart - 1)""",
        table_text=_regclass(table),
        column_text=Literal(column.name),
        column=Identifier(column.name),
        table=table.identifier,
    )


async def lock(session: Session, name: ObjectName, purpose: LockPurpose, *, patience: Patience = PATIENCE) -> None:
    """Hold off other writers ("merge") or everybody ("alter") until the transaction ends.

    Raises a transient DatabaseError that names who holds the table, when it isn't free within `patience`. The session's own
    lock_timeout is as it was afterwards; inside a user's transaction, nothing but the lock is added to it.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + patience.total
    pause = patience.first_pause
    while True:
        try:
            await _try_lock(session, name, purpose, patience.attempt)
        except DatabaseError as error:
            if error.code == _DENIED:
                raise _denied(error, name, purpose) from error.__cause__
            if error.code != _LOCK_TIMEOUT:
                raise
            if loop.time() + pause >= end:
                raise await _blocked(session, name, purpose, error, patience) from error.__cause__
        else:
            return
        await asyncio.sleep(pause)
        pause = min(2 * pause, patience.longest_pause)


async def _try_lock(session: Session, name: ObjectName, purpose: LockPurpose, seconds: float) -> None:
    before = await session.fetch(sql("SELECT current_setting('lock_timeout') AS value"))
    async with session.transaction():
        await session.execute(_set_lock_timeout(f"{round(1000 * seconds)}ms"))
        await session.execute(sql("LOCK TABLE {table} IN {mode} MODE", table=name.identifier, mode=LOCK_MODES[purpose]))
        await session.execute(_set_lock_timeout(before.column("value")[0].as_py()))


def _set_lock_timeout(value: str) -> SQL:
    return sql("SET LOCAL lock_timeout = {value}", value=Literal(value))


async def _blocked(
    session: Session, name: ObjectName, purpose: LockPurpose, error: DatabaseError, patience: Patience
) -> DatabaseError:
    """The error that says who is in the way. What they run isn't shown: it may hold values."""
    readers = [] if purpose == "alter" else [Literal("AccessShareLock"), Literal("RowShareLock")]
    found = await session.fetch(
        sql(
            """SELECT l.pid, a.usename::text AS user, a.application_name AS application, a.state,
  to_char(a.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS since
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.relation = to_regclass({table}) AND l.granted AND l.pid <> pg_backend_pid()
  AND l.mode NOT IN ({harmless}) AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
GROUP BY 1, 2, 3, 4, 5
ORDER BY min(a.xact_start) LIMIT 5""",
            table=_regclass(name),
            harmless=join(", ", [*readers, Literal("")]),
        )
    )
    holders = [
        f"pid {row['pid']} (user {row['user']}, application {row['application'] or 'unknown'!r}, {row['state']}, "
        f"in a transaction since {row['since']} UTC)"
        for row in found.to_pylist()
    ]
    return DatabaseError(
        f"the table {name} was not free within {patience.total:g} s, held by {'; '.join(holders) or 'nobody any more'}",
        statement=error.statement,
        code=error.code,
        transient=True,
        hint="try again later; SELECT pg_terminate_backend(pid) ends a session that was left in a transaction",
    )


def _denied(error: DatabaseError, name: ObjectName, purpose: LockPurpose) -> DatabaseError:
    hints: dict[LockPurpose, str] = {
        "alter": "only its owner can alter it: connect as the owner, or let them migrate it",
        "merge": "other writers are held off while rows are merged: ask the owner to GRANT SELECT, INSERT, UPDATE and DELETE",
    }
    return DatabaseError(
        f"this user may not lock the table {name}: {error.message}",
        statement=error.statement,
        code=error.code,
        hint=hints[purpose],
    )


def _regclass(name: ObjectName) -> SQL:
    """The quoted name as a value, for functions that take the name of a table as text."""
    parts = [sql("quote_ident({part})", part=Literal(part)) for part in (name.namespace, name.name) if part is not None]
    return join(" || '.' || ", parts)
