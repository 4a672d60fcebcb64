"""`first_refused`: find the row that a server rejects without naming it; `name_row` names it in the error."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from arrowsync.errors import ArrowSyncError, ConversionError, DatabaseError

WAYS = 8
"""The number of parts that rows are parted into. With more, fewer rows are sent or copied, and more statements."""

ROW_OF_STATEMENT = re.compile(r" at row \d+$")
"""Matches the row number in MySQL's message on a bad value; wrong in a trigger, and when rows go in another order."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """The number of a row that isn't taken, and the error that says why."""

    row: int
    error: ArrowSyncError


async def first_refused(
    low: int, high: int, bring: Callable[[int, int], Awaitable[ArrowSyncError | None]]
) -> RefusedRow | None:
    """The first row from number `low` on and below `high` that isn't taken; None where all are, now.

    `bring(low, high)` brings the rows of a range, all or none: the error, where they aren't taken. Those before the one that
    is looked for stay, because it may be one of them that it is at odds with. They are brought once, and of the others one
    eighth at most, and an eighth of that, and so on.
    """
    while high - low > 1:
        width, end = -(-(high - low) // WAYS), high
        while low + width < end and await bring(low, low + width) is None:
            low += width
        high = min(low + width, end)
    error = await bring(low, high) if low < high else None
    return None if error is None else RefusedRow(low, error)


async def searched(search: Awaitable[RefusedRow | None], error: ArrowSyncError) -> RefusedRow | None:
    """The result of a search that an error has caused; None if the search can't be finished.

    What may have ended the transaction besides (a deadlock, say) is raised in place of the error: a user's own is in it.
    """
    try:
        return await search
    except ArrowSyncError as other:
        if isinstance(other, DatabaseError) and other.transient:
            raise other from error
        return None


def refuses_row(error: ArrowSyncError) -> bool:
    """True if the error says that the table doesn't take a row."""
    return isinstance(error, ConversionError) or (isinstance(error, DatabaseError) and error.row_refused)


def names_row(error: ArrowSyncError) -> bool:
    """True if the error says in which row it came up."""
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
    error.message = _said(error) + row_of_load(row)


def row_of_load(row: int) -> str:
    """The row number as the end of a message."""
    return f" (row {row} of the load)"


def agree(error: ArrowSyncError, other: ArrowSyncError) -> bool:
    """True if both errors have the same type, code and message, row number aside."""
    codes = [getattr(each, "code", None) for each in (error, other)]
    return type(error) is type(other) and codes[0] == codes[1] and _said(error) == _said(other)


def _said(error: ArrowSyncError) -> str:
    return ROW_OF_STATEMENT.sub("", error.message)
