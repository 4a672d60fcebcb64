"""Objects that a load makes on the server and that must not outlive it, however it ends: `cleaned_up`.

A rollback takes them back where DDL rolls back. Where DDL commits they are dropped, over another connection if this one is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from arrowsync.bridge import uninterrupted
from arrowsync.catalog import ObjectName
from arrowsync.dialects.contract import CommittingDdl, HiddenTables, Opener, Session
from arrowsync.errors import ArrowSyncError, DatabaseError, DeclarationError
from arrowsync.load.rejects import name_table

RECONNECTING = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Pauses, in seconds, before each attempt to connect again, after a lost connection has left objects behind."""
REOPEN_SECONDS = 5.0
"""The timeout of an attempt to connect again."""


@dataclass(slots=True)
class Cleanup:
    """The `temporary` tables that a load has made, staging and hidden ones, and its `target`, whose locks are given back.

    `lasting` says that some of them outlive the connection, as hidden tables do. `opener` opens the connection
    over which they are dropped if the load's own is lost; None if there can be no other.
    """

    target: ObjectName | None = None
    temporary: list[ObjectName] = field(default_factory=list[ObjectName])
    lasting: bool = False
    opener: Opener | None = None


@asynccontextmanager
async def cleaned_up(session: Session, opener: Opener | None = None) -> AsyncGenerator[Cleanup]:
    """Yield a record of objects that are gone at the end, however it comes; entered around the load's transactions.

    The opener of more sessions is made here, before a transaction begins, if it isn't given and may be needed.

    Errors name the target, once it is known, in place of the table that its rows are in meanwhile.
    """
    ddl = session.dialect.new_tables
    cleanup = Cleanup(opener=opener)
    if isinstance(ddl, CommittingDdl) and opener is None:
        with suppress(DeclarationError):
            cleanup.opener = await session.opener()
    try:
        yield cleanup
    except ArrowSyncError as error:
        if cleanup.target is not None:
            name_table(error, cleanup.target.name)
        raise
    finally:
        if isinstance(ddl, CommittingDdl) and cleanup.target is not None:
            await uninterrupted(_clean_up(ddl.hidden, session, cleanup, cleanup.target))


async def _clean_up(hidden: HiddenTables, session: Session, cleanup: Cleanup, target: ObjectName) -> None:
    # With a lost connection all is gone but tables that others see.
    with suppress(DatabaseError):
        await hidden.clean_up(session, target, cleanup.temporary)
        return
    if cleanup.opener is None or not cleanup.lasting:
        return
    for pause in RECONNECTING:
        await asyncio.sleep(pause)
        with suppress(Exception):
            another = await reopened(cleanup.opener)
            if another is None:
                return
            try:
                await hidden.clean_up(another, target, cleanup.temporary)
            finally:
                await another.close()
            return


async def reopened(opener: Opener) -> Session | None:
    """Open one more session, to drop what a lost one has left; None if the server is silent: the next load drops it.

    A server that restarts refuses connections, which is an error at once.
    """
    try:
        async with asyncio.timeout(REOPEN_SECONDS):
            return await opener()
    except TimeoutError:
        return None
