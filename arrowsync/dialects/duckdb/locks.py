"""Locks for loads of the same table of one DuckDB file, within this process.

DuckDB lets nobody wait: of two transactions that create the same object, or change the same rows, the later one fails. No
other process can have the file open.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from arrowsync.bridge import locked
from arrowsync.catalog import ObjectName
from arrowsync.dialects.contract import LockPurpose, Session
from arrowsync.dialects.duckdb.types import fold
from arrowsync.errors import DatabaseError

PATIENCE_SECONDS = 60.0
"""Seconds to wait for a turn. A load that goes on without its turn fails where DuckDB makes it fail."""


async def lock(session: Session, table: ObjectName, purpose: LockPurpose) -> None:
    """Do nothing: no other process can open the file, and of two connections of this one, the later to write fails."""


@asynccontextmanager
async def take_turns(session: Session, names: Sequence[ObjectName], lasting: bool) -> AsyncGenerator[None]:
    """Wait for the names in their order, so that two sessions that want several never wait for each other."""
    keys = sorted(found for name in names if (found := turn_key(session, name)) is not None)
    async with AsyncExitStack() as taken:
        for each in keys:
            await taken.enter_async_context(locked(each, PATIENCE_SECONDS))
        yield


def turn_key(session: Session, name: ObjectName) -> tuple[str, str, str] | None:
    """Tell the object apart from those in other files; None in memory, where nobody else can open the database by its URL."""
    from arrowsync.dialects.duckdb.session import DuckDBSession

    assert isinstance(session, DuckDBSession), "sessions of this dialect are"
    if not session.path:
        return None
    return session.path, fold(name.namespace or session.server.namespace), fold(name.name)


def collides(error: DatabaseError) -> bool:
    """True if another connection has just created the same object."""
    return "write-write conflict" in error.message or "already exists" in error.message
