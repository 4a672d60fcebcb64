"""Locks: short waits with retries, the error that names the blocker, and advisory locks for creators of the same objects.

PostgreSQL itself lets the later one wait, and then fail in its catalogue. The locks are those of the transaction, which ends
them however it ends; over several connections they are those of the session.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256

from arrowsync.bridge import uninterrupted
from arrowsync.catalog import ObjectName
from arrowsync.dialects.contract import LockPurpose, Session
from arrowsync.dialects.postgres.discover import default_namespace
from arrowsync.dialects.postgres.errors import OWNERS_HINT
from arrowsync.dialects.postgres.merge import regclass
from arrowsync.dialects.postgres.shared_tables import unlock
from arrowsync.dialects.scopes import PATIENCE, Patience
from arrowsync.errors import ConstraintViolated, DatabaseError
from arrowsync.sql import SQL, Literal, join, sql

EXISTING = frozenset(
    {
        "42P06",  # schema "x" already exists
        "42P07",  # relation "x" already exists
        "42701",  # column "x" of relation "y" already exists
        "42710",  # type, or constraint, "x" already exists
    }
)
_CONCURRENT = "tuple concurrently"

LOCK_MODES: dict[LockPurpose, SQL] = {
    "alter": sql("ACCESS EXCLUSIVE"),
    "merge": sql("SHARE ROW EXCLUSIVE"),  # no other writer and no other merge; readers go on
}
_LOCK_TIMEOUT = "55P03"
_DENIED = "42501"


async def lock(session: Session, table: ObjectName, purpose: LockPurpose, *, patience: Patience = PATIENCE) -> None:
    """Hold off other writers ("merge") or everybody ("alter") until the transaction ends.

    Raises a transient DatabaseError that names who holds the table, when it isn't free within `patience`. The session's own
    lock_timeout is as it was afterwards; inside a user's transaction, nothing but the lock is added to it.
    """
    try:
        blocked = await patience.keep_trying(
            lambda: _try_lock(session, table, purpose, patience.attempt), lambda error: error.code == _LOCK_TIMEOUT
        )
    except DatabaseError as error:
        if error.code == _DENIED:
            raise _denied(error, table, purpose) from error.__cause__
        raise
    if blocked is not None:
        raise await _blocked(session, table, purpose, blocked, patience) from blocked.__cause__


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
    """The error that names the blocking sessions, without their statements: they may hold values."""
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
            table=regclass(name),
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


_DENIED_HINTS: Mapping[LockPurpose, str] = {
    "alter": OWNERS_HINT,
    "merge": "other writers are held off while rows are merged: ask the owner to GRANT SELECT, INSERT, UPDATE and DELETE",
}


def _denied(error: DatabaseError, name: ObjectName, purpose: LockPurpose) -> DatabaseError:
    return DatabaseError(
        f"this user may not lock the table {name}: {error.message}",
        statement=error.statement,
        code=error.code,
        hint=_DENIED_HINTS[purpose],
    )


@asynccontextmanager
async def take_turns(session: Session, names: Sequence[ObjectName], lasting: bool) -> AsyncGenerator[None]:
    """Wait for the names in their order, so that two sessions that want several never wait for each other."""
    default = await default_namespace(session) if names else ""
    keys = [_key(name, default) for name in _sorted(names, default)]
    lock = sql("pg_advisory_lock") if lasting else sql("pg_advisory_xact_lock")
    try:
        for key in keys:
            await session.execute(sql("SELECT {lock}({key})", lock=lock, key=key))
        yield
    finally:
        if lasting:
            await uninterrupted(_let_go(session, keys))


async def _let_go(session: Session, keys: Sequence[Literal]) -> None:
    for key in keys:
        with suppress(DatabaseError):  # a session that is lost holds nothing any more
            await unlock(session, key)


def _sorted(names: Sequence[ObjectName], default: str) -> list[ObjectName]:
    return sorted(names, key=lambda name: (name.namespace or default, name.name))


def _key(name: ObjectName, default: str) -> Literal:
    """The number of the advisory lock, a signed bigint."""
    whole = f"arrowsync\0{name.namespace or default}\0{name.name}"
    return Literal(int.from_bytes(sha256(whole.encode()).digest()[:8], "big", signed=True))


def collides(error: DatabaseError) -> bool:
    """True if another session has just created the same object: the error names it, or an index or row of the catalogue."""
    if isinstance(error, ConstraintViolated):
        return (error.table or "").startswith("pg_") or (error.constraint or "").startswith("pg_")
    return error.code in EXISTING or _CONCURRENT in error.message


def turn_key(session: Session, name: ObjectName) -> Hashable:
    """Tell the object apart from those of the same name in other databases, and on other servers."""
    return session.server.instance, name.namespace or session.server.namespace, name.name
