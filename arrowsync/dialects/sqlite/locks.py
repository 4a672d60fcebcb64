"""Waiting for others: a transaction of ours begins with the only lock that there is for writing, so all is locked then."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from arrowsync.catalog import ObjectName
from arrowsync.dialects.contract import LockPurpose, Session
from arrowsync.errors import DatabaseError


async def lock(session: Session, table: ObjectName, purpose: LockPurpose) -> None:
    """Nothing: BEGIN IMMEDIATE holds off all writers of the file."""


@asynccontextmanager
async def take_turns(session: Session, names: Sequence[ObjectName], lasting: bool) -> AsyncGenerator[None]:
    """Nothing, for the same reason."""
    yield


def turn_key(session: Session, name: ObjectName) -> str | None:
    """The file: whoever loads a table of it holds off all other loads into it; None in memory, where there are no others."""
    from arrowsync.dialects.sqlite.session import SqliteSession

    assert isinstance(session, SqliteSession), "sessions of this dialect are"
    return session.path or None


def collides(error: DatabaseError) -> bool:
    """True if the object exists by now: in a transaction of the user's, which began without the lock."""
    return "already exists" in error.message
