"""The outcome of a COMMIT whose answer was lost: the server knows the status of a transaction by its number.

The number is noted before the COMMIT, and looked up over another connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from arrowsync.dialects.contract import Session
from arrowsync.errors import DatabaseError
from arrowsync.sql import Literal, sql

FAILED_TRANSACTION = "25P02"
LOOK_SECONDS = 30.0
"""Seconds to look for the outcome: the COMMIT may still be running, and a crashed server has to come up."""
_PAUSES = (0.0, 0.1, 0.3, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Noted:
    """A transaction: its number, None where it has written nothing, and when its server was started."""

    number: int | None
    started: str


NOTE = sql("SELECT txid_current_if_assigned() AS number, pg_postmaster_start_time()::text AS started")
"""The query whose row is a `Noted`."""


def failed_before() -> DatabaseError:
    """The error of a transaction in which a statement has failed: its COMMIT would be a ROLLBACK that says nothing."""
    return DatabaseError(
        "nothing was committed: a statement of the transaction had failed",
        code=FAILED_TRANSACTION,
        hint="let the error of that statement leave the transaction, or don't run it inside",
    )


async def look_for(noted: Noted, opener: Callable[[], Awaitable[Session]]) -> bool | None:
    """True if the transaction has committed; None where no session that is opened can tell."""
    if noted.number is None:
        return False  # nothing was written: there is nothing to be committed
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_SECONDS):
            attempt = 0
            while True:
                await asyncio.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
                attempt += 1
                with suppress(DatabaseError):
                    session = await opener()
                    try:
                        return await _status(session, noted, noted.number)
                    finally:
                        await session.close()
    return None


async def _status(session: Session, noted: Noted, number: int) -> bool | None:
    query = sql(
        "SELECT txid_status({number}) AS status, pg_postmaster_start_time()::text AS started", number=Literal(number)
    )
    while True:
        row = (await session.fetch(query)).to_pylist()[0]
        if row["started"] != noted.started:
            return None  # one that took its place may have used the number for another transaction
        if row["status"] != "in progress":
            return None if row["status"] is None else bool(row["status"] == "committed")
        await asyncio.sleep(_PAUSES[1])
