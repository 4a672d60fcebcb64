"""Who creates the same objects at the same time: `TURNS`, by advisory locks of their names.

PostgreSQL itself lets the later one wait, and then fail in its catalogue. The locks are those of the transaction, which ends
them however it ends; over several connections they are those of the session.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256

from arrowsync.bridge import uninterrupted
from arrowsync.catalog import ObjectName
from arrowsync.dialects.contract import Session, Turns
from arrowsync.dialects.postgres.discover import default_namespace
from arrowsync.dialects.postgres.shared_tables import unlock
from arrowsync.errors import ConstraintViolated, DatabaseError
from arrowsync.sql import Literal, sql

EXISTING = frozenset(
    {
        "42P06",  # schema "x" already exists
        "42P07",  # relation "x" already exists
        "42701",  # column "x" of relation "y" already exists
        "42710",  # type, or constraint, "x" already exists
    }
)
_CONCURRENT = "tuple concurrently"


@asynccontextmanager
async def take(session: Session, names: Sequence[ObjectName], lasting: bool) -> AsyncGenerator[None]:
    """Wait for the names in their order, which keeps two who want several of them from waiting for each other."""
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
    """Whether somebody else has just created it: the error of the name, or of the catalogue's own index or row."""
    if isinstance(error, ConstraintViolated):
        return (error.table or "").startswith("pg_") or (error.constraint or "").startswith("pg_")
    return error.code in EXISTING or _CONCURRENT in error.message


TURNS = Turns(take, collides)
