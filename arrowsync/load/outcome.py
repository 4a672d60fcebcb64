"""`Outcome`: the part of a call that has been committed so far, for the error that ends the call.

A load commits once. A migration where DDL commits does so with each step, and so does altering before a load there.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from arrowsync.dialects.contract import Session
from arrowsync.errors import ArrowSyncError, ConnectionLost, DatabaseError, committed_of, doubt, mark_committed

_MOST_SHOWN = 5


@dataclass(slots=True)
class Outcome:
    """The committed part of a call: of `what` in all, and the schema changes that `stay` whatever becomes of the rest.

    `committed` is None where nobody knows; `doing` is the schema change that is being made.
    """

    what: str
    committed: bool | None = False
    stay: list[str] = field(default_factory=list[str])
    doing: str | None = None

    @asynccontextmanager
    async def transaction(self, session: Session) -> AsyncGenerator[bool]:
        """The transaction that commits the call, or a savepoint in the user's own: then False is yielded, and nothing is."""
        own = left = False
        try:
            async with session.transaction() as own:
                yield own
                left = True
        except BaseException as error:
            if self.committed is True and left and isinstance(error, ConnectionLost):
                return  # a COMMIT of nothing: a RENAME has made the rows visible before
            if self.committed is False and own and left:
                self.committed = committed_of(error)
            raise
        if own:
            self.committed = True

    @contextmanager
    def step(self, change: str) -> Generator[None]:
        """A schema change that commits by itself."""
        self.doing = change
        try:
            yield
        except DatabaseError as error:
            if not isinstance(error, ConnectionLost):
                self.doing = None
            raise
        self.stay.append(change)
        self.doing = None

    @contextmanager
    def reported(self) -> Generator[None]:
        """Have any exception that ends the call say what has been committed."""
        try:
            yield
        except BaseException as error:
            self._tell(error)
            raise

    def _tell(self, error: BaseException) -> None:
        notes: list[str] = []
        if self.committed:
            mark_committed(error, True)
            notes.append(f"{self.what} was committed")
        elif self.committed is None:
            doubt(error, self.what)
            if not isinstance(error, DatabaseError):  # whose hint says it
                notes.append(f"{self.what} may or may not have been committed: look before you repeat it")
        else:
            if self.stay:
                notes.append(f"these schema changes were made, and stay: {_listed(self.stay)}")
            if self.doing is not None:
                notes.append(f"this schema change may or may not have been made: {self.doing}")
        if not notes:
            return
        if isinstance(error, ArrowSyncError):
            error.hint = "; ".join([error.hint, *notes] if error.hint else notes)
        else:
            for note in notes:
                error.add_note(f"arrowsync: {note}")


def _listed(changes: Sequence[str]) -> str:
    more = len(changes) - _MOST_SHOWN
    return "; ".join([*changes[:_MOST_SHOWN], *([f"and {more} more"] if more > 0 else [])])
