"""Those who create or alter the same objects take turns: what a plan needs is taken, and planned for anew.

Nothing has been read of the data by then, so a call can begin again, and finds what the one before it has made.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field

from arrowsync.catalog import ObjectName
from arrowsync.dialects.contract import Session
from arrowsync.errors import DatabaseError
from arrowsync.migration.plan import MigrationPlan, object_of


class BeginAgain(Exception):
    """What ends a transaction that is begun once more."""


@dataclass(slots=True)
class TurnTaking:
    """The names that a call has to take, from one attempt to the next; `lasting` where it has several transactions."""

    session: Session
    names: set[ObjectName]
    lasting: bool = False
    collided: bool = False
    taken: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def take(self, names: set[ObjectName]) -> None:
        """Wait for the names, in a transaction that has just begun; they are given back with `taken`."""
        if names:
            locks = self.session.dialect.locks
            await self.taken.enter_async_context(locks.take_turns(self.session, sorted(names, key=str), self.lasting))

    async def take_for(self, plan: MigrationPlan, *, own: bool) -> bool:
        """Take what the plan needs; whether there was something, so that it has to be made anew.

        BeginAgain where the transaction is one of our own, which might not see what others have committed meanwhile.
        """
        missing = {object_of(step.change) for step in plan.steps} - self.names
        if not missing:
            return False
        self.names |= missing
        if own:
            raise BeginAgain
        await self.take(missing)
        return True

    @contextmanager
    def creating(self, *, own: bool, begun: Callable[[], bool] = bool) -> Generator[None]:
        """Where somebody else has just created the same, the call begins again, once, unless its data has `begun` to be read."""
        try:
            yield
        except DatabaseError as error:
            if begun() or not self.session.dialect.locks.collides(error):
                raise
            if not own:
                raise DatabaseError(
                    f"somebody else has created the same at the same time: {error.message}",
                    statement=error.statement,
                    code=error.code,
                    transient=True,
                    hint="roll your transaction back and repeat it: what was created is there by then",
                ) from error
            if self.collided:
                raise
            self.collided = True
            raise BeginAgain from error
