"""`Transactions`: all or nothing, nested with savepoints, and inside a transaction of the user's.

A statement that creates or alters a table commits the transaction it stands in, and the savepoints with it. So autocommit is
off as long as a transaction of ours lasts: what follows such a statement is again all or nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeAlias

from arrowsync.dialects.mysql.wire import AUTOCOMMIT, IN_TRANSACTION, Wire, finish
from arrowsync.errors import ConnectionLost, DatabaseError
from arrowsync.sql import SQL, Identifier, sql

Act: TypeAlias = "Callable[[], Awaitable[object]]"

ROLLBACK_SECONDS = 60.0
_NO_SAVEPOINT = "1305"


class Transactions:
    """The transactions on one connection; `run` runs a statement on it."""

    def __init__(self, wire: Wire, run: Callable[[SQL], Awaitable[object]]) -> None:
        self._wire = wire
        self._run = run
        self._scopes = 0
        self._savepoints = 0
        self._users = False

    @property
    def within_users(self) -> bool:
        """Whether something is open that a COMMIT would end, and that the user has begun, on the connection or with us."""
        return (self._users or self._scopes > 1) and bool(self._wire.status & IN_TRANSACTION)

    @asynccontextmanager
    async def scope(self) -> AsyncGenerator[None]:
        """Commits on leaving, rolls back on any exception; a savepoint where a transaction is open."""
        if not self._scopes:
            # With autocommit off, what is done is the user's to commit, also where nothing has been done yet.
            self._users = bool(self._wire.status & IN_TRANSACTION) or not self._wire.status & AUTOCOMMIT
        begin, commit, rollback = self._savepoint() if self._scopes or self._users else self._transaction()
        self._scopes += 1
        try:
            try:
                await finish(begin())
            except asyncio.CancelledError:
                await self._roll_back(rollback)  # it has begun all the same
                raise
            try:
                yield
            except BaseException:
                await self._roll_back(rollback)
                raise
            await finish(commit())
        finally:
            self._scopes -= 1
            self._users = self._users and self._scopes > 0

    def _transaction(self) -> tuple[Act, Act, Act]:
        rollback = partial(self._run, sql("ROLLBACK; SET autocommit = 1"))

        async def commit() -> None:
            try:
                await self._run(sql("COMMIT; SET autocommit = 1"))
            except ConnectionLost as lost:
                lost.hint = "the commit may or may not have happened: look before you repeat it"
                raise
            except BaseException:
                await self._roll_back(rollback)
                raise

        return partial(self._run, sql("SET autocommit = 0")), commit, rollback

    def _savepoint(self) -> tuple[Act, Act, Act]:
        self._savepoints += 1
        name = Identifier(f"arrowsync_{self._savepoints}")

        async def end(statement: SQL) -> None:
            try:
                await self._run(statement)
            except DatabaseError as error:
                if error.code != _NO_SAVEPOINT:  # committed with a table, or rolled back to end a deadlock
                    raise

        return (
            partial(self._run, sql("SAVEPOINT {name}", name=name)),
            partial(end, sql("RELEASE SAVEPOINT {name}", name=name)),
            partial(end, sql("ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}", name=name)),
        )

    async def _roll_back(self, rollback: Act) -> None:
        """Roll back, and let nothing interrupt it; what can't be rolled back is dropped with its connection.

        No error is raised: the one that made it necessary is on its way.
        """
        if self._wire.closed:
            return
        try:
            await finish(asyncio.wait_for(rollback(), ROLLBACK_SECONDS))
        except Exception:
            self._wire.abort()
