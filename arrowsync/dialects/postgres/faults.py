"""PostgreSQL's errors as arrowsync's: `translate`, from SQLSTATEs and whatever a driver raises when a connection breaks.

Drivers are not imported: an error of the server is recognised by its `sqlstate`, as asyncpg and psycopg call it. To treat a
code specially, add it to one of the dictionaries; the class of a code is its first two characters
(https://www.postgresql.org/docs/current/errcodes-appendix.html).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arrowsync.errors import ArrowSyncError, ConnectionLost, ConstraintViolated, ConversionError, DatabaseError

CONSTRAINTS: Mapping[str, str] = {
    "23502": "not null",
    "23503": "foreign key",
    "23505": "unique",
    "23514": "check",
    "23P01": "exclusion",
}
LOST_CLASSES = ("08",)
LOST_CODES = {
    "57P01",  # terminated by an administrator
    "57P02",  # a crash of another backend
    "57P03",  # starting up or shutting down
    "57P04",  # the database was dropped
    "57P05",  # idle for too long
    "25P03",  # idle in a transaction for too long
    "25P04",  # a transaction for too long
}
TRANSIENT = {
    "40001",  # serialization failure
    "40P01",  # deadlock
    "53300",  # too many connections
    "55006",  # object in use
    "55P03",  # lock timeout
}
HINTS: Mapping[str, str] = {
    "22021": "PostgreSQL stores text without NUL characters: remove them from the data",
    "25006": "this server or transaction is read-only: connect to the primary",
    "28000": "pg_hba.conf on the server has to let this user in from here",
    "28P01": "check the user and password in the URL; special characters in a password have to be percent-encoded",
    "3D000": "create the database, or correct its name at the end of the URL",
    "42501": "ask the owner for the privilege, with GRANT, or connect as another user",
    "53100": "the server's disk is full: nothing was changed",
    "55P04": "a label that was added in this transaction can't be used before it is committed: "
    "call migrate for this table first, on its own, and then load",
    "57014": "it was cancelled, or took longer than the session's statement_timeout",
}
_COPY_PLACE = re.compile(
    r"^COPY .*?, line (?P<line>\d+)(?:, column (?P<column>.*?))?(?:: .*)?$", re.MULTILINE | re.DOTALL
)
_CONSTANTS = re.compile(r"(?<!\w)[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a COPY the server found fault: the row, counted from 0, and the column where it is known."""

    row: int
    column: str | None


def translate(
    error: BaseException, statement: str | None = None, *, where: str = "the server"
) -> ArrowSyncError | None:
    """The error that the user gets in place of a driver's; None for what isn't the database's doing.

    `statement` is the SQL text, whose constants are left out; `where` says which server, for errors of the connection.
    """
    code = getattr(error, "sqlstate", None)
    text = None if statement is None else masked(statement)
    if isinstance(code, str) and hasattr(error, "severity"):
        return _from_server(error, code, text, where)
    if isinstance(error, (OSError, EOFError, TimeoutError)) or isinstance(code, str):
        return ConnectionLost(
            f"the connection to {where} was lost: {_reason(error)}",
            statement=text,
            code=code,
            transient=True,
            hint="what was not committed has been rolled back; connect again and repeat it",
        )
    return None


def masked(statement: str) -> str:
    """The statement without the text of its constants, which may be anybody's secrets."""
    return _CONSTANTS.sub("'...'", statement)


def _from_server(error: Any, code: str, statement: str | None, where: str) -> ArrowSyncError:
    if code in LOST_CODES or code.startswith(LOST_CLASSES):
        return ConnectionLost(
            f"the connection to {where} was lost: {_reason(error)}",
            statement=statement,
            code=code,
            transient=True,
            hint="what was not committed has been rolled back; connect again and repeat it",
        )
    place = copy_place(error)
    message = _reason(error) + (f" (row {place.row} of the load)" if place else "")
    hint = HINTS.get(code) or error.hint
    if code in CONSTRAINTS:
        return ConstraintViolated(
            message,
            kind=CONSTRAINTS[code],
            table=error.table_name,
            constraint=error.constraint_name,
            column=error.column_name,
            statement=statement,
            code=code,
            hint=hint,
        )
    if code.startswith("22") and place is not None and place.column is not None:
        reason = _reason(error)
        return ConversionError(
            f"the server refused a value of column {place.column!r} in row {place.row}: {reason}",
            column=place.column,
            reason=reason,
            rows=(place.row,),
            hint=hint,
        )
    return DatabaseError(message, statement=statement, code=code, transient=code in TRANSIENT, hint=hint)


def copy_place(error: BaseException) -> Place | None:
    """Where a COPY failed, read from the error's context (`COPY t, line 5, column x`; a line is a row, in binary too)."""
    found = _COPY_PLACE.search(getattr(error, "context", None) or "")
    return Place(int(found["line"]) - 1, found["column"]) if found else None


def _reason(error: BaseException) -> str:
    """What the driver says, with the server's detail (`Key (id)=(5) already exists.`) on the same line."""
    message = str(error.args[-1]) if error.args else type(error).__name__
    if isinstance(error, OSError):
        message = str(error)
    detail = getattr(error, "detail", None)
    return f"{message}: {detail}" if detail else message or type(error).__name__
