"""Which row it is that a server refuses, where it doesn't say: `first_refused` looks for it, and `name_row` says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from arrowsync.errors import ArrowSyncError, ConversionError, DatabaseError

_WAYS = 8


async def first_refused(low: int, high: int, bring: Callable[[int, int], Awaitable[bool]]) -> int | None:
    """The first number from `low` on and below `high` whose row isn't taken; None where all are, now.

    `bring(low, high)` brings the rows of a range, all or none, and says whether they were taken. Those before the one that is
    looked for stay, because it may be one of them that it is at odds with. They are brought once, and of the others one eighth
    at most, and an eighth of that, and so on.
    """
    while high - low > 1:
        width, end = -(-(high - low) // _WAYS), high
        while low + width < end and await bring(low, low + width):
            low += width
        high = min(low + width, end)
    return None if low >= high or await bring(low, high) else low


def names_row(error: ArrowSyncError) -> bool:
    """Whether the error says in which row it came up."""
    if isinstance(error, ConversionError):
        return bool(error.rows)
    return isinstance(error, DatabaseError) and error.row is not None


def name_row(error: ArrowSyncError, row: int) -> None:
    """Have the error say which row of the load it is about."""
    match error:
        case ConversionError():
            error.rows = (row,)
        case DatabaseError():
            error.row = row
        case _:
            return
    error.message += f" (row {row} of the load)"
