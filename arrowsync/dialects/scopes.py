"""Machinery that sessions share: the scope of a transaction, and patience with locks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from arrowsync.bridge import uninterrupted
from arrowsync.errors import DatabaseError

Act: TypeAlias = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Scope:
    """A transaction or savepoint: how it begins, ends and is rolled back.

    `end` rolls back itself if it fails. `rollback` raises nothing: an error is on its way already.
    """

    begin: Act
    end: Act
    rollback: Callable[[], Awaitable[None]]

    @asynccontextmanager
    async def entered(self) -> AsyncGenerator[None]:
        """End on leaving, roll back on any exception. A cancellation while it begins or is rolled back waits for that."""
        try:
            await uninterrupted(self.begin())
        except asyncio.CancelledError:
            await self.rollback()  # it has begun all the same
            raise
        try:
            yield
        except BaseException:
            await self.rollback()
            raise
        await self.end()


@dataclass(frozen=True, slots=True)
class Patience:
    """The times to wait for a lock, in seconds.

    Whoever wants the table while we wait for it queues behind us, readers too: so each attempt is short, and others get
    their turn in the pauses between.
    """

    attempt: float = 2
    total: float = 30
    first_pause: float = 0.1
    longest_pause: float = 2.0

    async def keep_trying(
        self, attempt: Callable[[], Awaitable[object]], is_blocked: Callable[[DatabaseError], bool]
    ) -> DatabaseError | None:
        """Repeat the attempt, with pauses, while an error says that the lock isn't free; the last error if time is up."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.total
        pause = self.first_pause
        while True:
            try:
                await attempt()
            except DatabaseError as error:
                if not is_blocked(error):
                    raise
                if loop.time() + pause >= end:
                    return error
            else:
                return None
            await asyncio.sleep(pause)
            pause = min(2 * pause, self.longest_pause)


PATIENCE = Patience()
