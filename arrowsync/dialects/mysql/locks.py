"""Locks: short waits with retries, the error that names the blocker, and named locks for those who create the same objects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Hashable, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256

from arrowsync.bridge import uninterrupted
from arrowsync.catalog import ObjectName
from arrowsync.dialects.contract import LockPurpose, Session
from arrowsync.dialects.mysql.discover import stored_name
from arrowsync.dialects.mysql.hidden_tables import (
    HIDDEN,
    abandoned_query,
    drop_hidden,
    exists_query,
    identity_query,
    name_query,
    rename,
)
from arrowsync.dialects.mysql.merge import STAGED, drop_staging
from arrowsync.dialects.scopes import PATIENCE, Patience
from arrowsync.errors import DatabaseError
from arrowsync.sql import SQL, Literal, sql

_LOCK_TIMEOUT = "1205"
_DEADLOCK = "1213"
_WAITED = frozenset({_LOCK_TIMEOUT, _DEADLOCK})
_MOST_SHOWN = 5
_ENDING_CHECKS, _ENDING_PAUSE = 100, 0.1
"""The number of looks for killed sessions, and the seconds before each look."""


_FOR_WHAT_IS_LEFT = Patience(total=8)
"""The patience with a hidden table whose connection is lost: the server may be slow to notice; the next load finds the rest."""


async def lock(session: Session, table: ObjectName, purpose: LockPurpose, *, patience: Patience = PATIENCE) -> None:
    """Hold off other merges into the table until `clean_up`; raises a transient DatabaseError that names who holds it."""
    if purpose == "alter":
        return  # `alter` waits for the table itself
    held = _lock_name(session, table)
    found = await session.fetch(
        sql("SELECT GET_LOCK({name}, {seconds}) AS got", name=Literal(held), seconds=Literal(int(patience.total)))
    )
    if found.column("got")[0].as_py() == 1:
        return
    holder = sql("p.id = IS_USED_LOCK({name})", name=Literal(held))
    raise await _blocked(session, table, holder, patience, None)


async def alter(session: Session, table: ObjectName, statement: SQL, *, patience: Patience = PATIENCE) -> None:
    """Run a statement that alters the table; raises a transient DatabaseError that names who uses it all the time."""
    before = (await session.fetch(sql("SELECT @@SESSION.lock_wait_timeout AS seconds"))).column("seconds")[0].as_py()
    await session.execute(_wait(int(patience.attempt)))
    try:
        blocked = await patience.keep_trying(
            lambda: session.execute(statement), lambda error: error.code == _LOCK_TIMEOUT
        )
        if blocked is not None:
            in_transaction = sql("p.id IN (SELECT trx_mysql_thread_id FROM information_schema.innodb_trx)")
            raise await _blocked(session, table, in_transaction, patience, blocked) from blocked.__cause__
    finally:
        with suppress(DatabaseError):
            await session.execute(_wait(before))


def _wait(seconds: int) -> SQL:
    return sql("SET SESSION lock_wait_timeout = {seconds}", seconds=Literal(seconds))


async def claim(session: Session, hidden: ObjectName) -> None:
    """Mark the hidden table as ours for as long as this session lives, and drop hidden tables whose makers have died."""
    for row in (await session.fetch(abandoned_query())).to_pylist():
        await session.execute(drop_hidden(ObjectName(None, row["name"])))
    await session.fetch(sql("SELECT GET_LOCK({name}, 0) AS got", name=Literal(hidden.name)))


async def identity(session: Session, hidden: ObjectName) -> int | None:
    """Ask for the number of the hidden table, which it keeps under any name; None if this user may not see it."""
    with suppress(DatabaseError):
        found = await session.fetch(identity_query(session.server, hidden))
        return found.column("number")[0].as_py() if found.num_rows else None
    return None


async def publish(session: Session, hidden: ObjectName, target: ObjectName) -> None:
    """Give the hidden table its name; raises a transient DatabaseError if somebody uses that name all the time."""
    await alter(session, target, rename(hidden, target))


async def published(session: Session, hidden: ObjectName, identity: int | None) -> bool | None:
    """End the sessions that may be renaming the hidden table, and say if it has got its name; None if nobody can tell.

    A hidden table that is gone may have been dropped by another load, since nobody claims it when its connection is lost.
    """
    for _ in range(_ENDING_CHECKS):
        if not await _end_makers(session, hidden):
            break
        await asyncio.sleep(_ENDING_PAUSE)
    else:
        return None
    if (await session.fetch(exists_query(hidden))).num_rows:
        return False
    if identity is None:
        return None
    return bool((await session.fetch(name_query(session.server, identity))).num_rows)


async def clean_up(session: Session, target: ObjectName, temporary: Sequence[ObjectName]) -> None:
    """Undo what a rollback doesn't: drop staging tables and unpublished hidden tables, and release locks."""
    for name in temporary:
        if name.name.startswith(STAGED):
            await session.execute(drop_staging(name))
        elif name.name.startswith(HIDDEN):
            await _end_makers(session, name)
            # One that never came to be isn't dropped: the statement would commit what the user has begun.
            if (await session.fetch(exists_query(name))).num_rows:
                await alter(session, name, drop_hidden(name), patience=_FOR_WHAT_IS_LEFT)
            await session.execute(release(name.name))
    await session.execute(release(_lock_name(session, target)))


async def _end_makers(session: Session, hidden: ObjectName) -> int:
    """End the other sessions that have claimed the hidden table or load it: their connections are lost, and they hold the table.

    How many there were.
    """
    query = sql(
        "SELECT id FROM information_schema.processlist "
        "WHERE id <> CONNECTION_ID() AND (id = IS_USED_LOCK({name}) OR LOCATE({name}, info))",
        name=Literal(hidden.name),
    )
    found = (await session.fetch(query)).to_pylist()
    for row in found:
        with suppress(DatabaseError):  # it has gone meanwhile
            await session.execute(sql("KILL {id}", id=Literal(row["id"])))
    return len(found)


def release(name: str) -> SQL:
    """The statement that releases a named lock, if it is held."""
    return sql("DO RELEASE_LOCK({name})", name=Literal(name))


def _lock_name(session: Session, name: ObjectName) -> str:
    """The name of the lock of merges into the table."""
    return shortened("arrowsync_", session, name)


def shortened(prefix: str, session: Session, name: ObjectName) -> str:
    """The name of a lock that belongs to a table; the server takes 64 characters."""
    whole = f"{session.server.namespace}.{stored_name(name)}".lower()
    return f"{prefix}{sha256(whole.encode()).hexdigest()[:40]}"


async def _blocked(
    session: Session, name: ObjectName, condition: SQL, patience: Patience, error: DatabaseError | None
) -> DatabaseError:
    """The error that names the blocking sessions that this user sees, without their statements, which may hold values."""
    query = sql(
        "SELECT p.id, p.user, p.host, p.command, p.time FROM information_schema.processlist AS p "
        "WHERE {condition} AND p.id <> CONNECTION_ID() ORDER BY p.time DESC LIMIT {most}",
        condition=condition,
        most=Literal(_MOST_SHOWN),
    )
    holders: list[str] = []
    with suppress(DatabaseError):  # it takes a privilege
        holders = [
            f"connection {row['id']} (user {row['user']}, from {row['host']}, {row['command']} for {row['time']} s)"
            for row in (await session.fetch(query)).to_pylist()
        ]
    return DatabaseError(
        f"the table {name} was not free within {patience.total:g} s, perhaps held by "
        f"{'; '.join(holders) or 'a transaction that this user may not see'}",
        statement=error.statement if error else None,
        code=error.code if error else _LOCK_TIMEOUT,
        transient=True,
        hint="try again later; KILL ends a connection that was left in a transaction",
    )


WAIT_SECONDS = 86_400
EXISTING = frozenset(
    {
        "1007",  # Can't create database 'x'; database exists
        "1050",  # Table 'x' already exists
        "1060",  # Duplicate column name 'x'
        "1061",  # Duplicate key name 'x'
        "1826",  # Duplicate foreign key constraint name 'x'
    }
)


@asynccontextmanager
async def take_turns(session: Session, names: Sequence[ObjectName], lasting: bool) -> AsyncGenerator[None]:
    """Wait for the names in their order, so that two sessions that want several never wait for each other."""
    locks = sorted(shortened("arrowsync_new_", session, name) for name in names)
    try:
        for lock in locks:
            query = sql("SELECT GET_LOCK({name}, {seconds}) AS got", name=Literal(lock), seconds=Literal(WAIT_SECONDS))
            await session.fetch(query)
        yield
    finally:
        await uninterrupted(_let_go(session, locks))


async def _let_go(session: Session, locks: Sequence[str]) -> None:
    for lock in locks:
        with suppress(DatabaseError):  # a session that is lost holds nothing any more
            await session.execute(release(lock))


def is_repeated_key(error: DatabaseError) -> bool:
    """True for a deadlock: only sessions of this load know the hidden table, so they wait for a key that both have."""
    return error.code in _WAITED


def collides(error: DatabaseError) -> bool:
    """True if a statement failed because another session has created the object by now."""
    return error.code in EXISTING


def turn_key(session: Session, name: ObjectName) -> Hashable:
    """Tell the object apart from those of the same name in other databases, and on other servers."""
    return session.server.instance, shortened("", session, name)
