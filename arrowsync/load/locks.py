"""Turns of calls that create or alter the same objects: take the locks that a plan needs, then plan again.

No data has been read by then, so a call can begin again, and finds the objects that an earlier call has made.

A source that loads or alters the table that it is loaded into would wait for itself, so such a call is refused: `fed` has the
calls that the running code is the source of.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Hashable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from arrowsync.catalog import ObjectName
from arrowsync.dialects.contract import Session
from arrowsync.errors import DatabaseError, DeclarationError
from arrowsync.migration.plan import MigrationPlan, object_of


class BeginAgain(Exception):
    """Ends a transaction that begins once more."""


fed: ContextVar[tuple[TurnTaking, ...]] = ContextVar("fed", default=())
"""The calls that wait for rows of the running code, which is a source."""


@dataclass(slots=True)
class TurnTaking:
    """The names that a call has to take, from one attempt to the next; `lasting` where it has several transactions.

    `held` are the keys of the objects that belong to the call as long as it runs.
    """

    session: Session
    names: set[ObjectName]
    lasting: bool = False
    collided: bool = False
    taken: AsyncExitStack = field(default_factory=AsyncExitStack)
    held: set[Hashable] = field(default_factory=set[Hashable])

    @asynccontextmanager
    async def feeding(self, target: ObjectName | None) -> AsyncGenerator[None]:
        """Mark the block, and all that its source runs, as a load into `target`; None is a load that is only planned."""
        self._hold([] if target is None else [target])
        token = fed.set((*fed.get(), self))
        try:
            yield
        finally:
            fed.reset(token)
            self.held.clear()  # what the source has started, and is still running, isn't its source any more

    def _hold(self, names: Iterable[ObjectName]) -> None:
        """Mark the names as this call's; refuse the call if it is made by the source of another call that has one of them."""
        for name in names:
            key = self.session.dialect.locks.turn_key(self.session, name)
            if key is None:
                continue
            if any(key in call.held for call in fed.get() if call is not self):
                shown = name if name.name else f"the namespace {name.namespace}"
                raise DeclarationError(
                    f"{shown} can't be loaded or altered by the source of a load into it, which waits for this source",
                    table=name.name or None,
                    hint="load or migrate it before this call or after it, or let the source give these rows too",
                )
            self.held.add(key)

    async def take(self, names: set[ObjectName]) -> None:
        """Wait for the names, in a transaction that has just begun; they are given back with `taken`."""
        if names:
            locks = self.session.dialect.locks
            await self.taken.enter_async_context(locks.take_turns(self.session, sorted(names, key=str), self.lasting))

    async def take_for(self, plan: MigrationPlan, *, own: bool) -> bool:
        """Take the locks that the plan needs; True if any was missing, so that the plan must be made anew.

        BeginAgain where the transaction is one of our own, which might not see what others have committed meanwhile.
        """
        missing = {object_of(step.change) for step in plan.steps} - self.names
        if not missing:
            return False
        self._hold(missing)
        self.names |= missing
        if own:
            raise BeginAgain
        await self.take(missing)
        return True

    @contextmanager
    def creating(self, *, own: bool, begun: Callable[[], bool] = bool) -> Generator[None]:
        """Begin the call again, once, if another has just created the same object, unless its data has `begun` to be read."""
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
