"""PostgreSQL's errors as arrowsync's: `translate`, by SQLSTATE and by the exceptions of the drivers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arrowsync.catalog import ObjectName, Table
from arrowsync.dialects.contract import Session
from arrowsync.errors import ArrowSyncError, ConnectionLost, ConstraintViolated, ConversionError, DatabaseError
from arrowsync.sql import SQL, Identifier, Literal, join, sql

CONSTRAINTS: Mapping[str, str] = {
    "23502": "not null",
    "23503": "foreign key",
    "23505": "unique",
    "23514": "check",
    "23P01": "exclusion",
}
REFUSALS = ("22", "23", "44", "P0", "42501", "54000")
"""The first characters of codes for a rejected row: a value, a constraint, a view's check, a trigger's RAISE; a policy's check,
which has the code of a missing privilege, and text that is too long for an index."""
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
    "25006": "this server, transaction or user (default_transaction_read_only) is read-only: connect to the primary, "
    "or SET default_transaction_read_only = off",
    "28000": "pg_hba.conf on the server has to let this user in from here",
    "28P01": "check the user and password in the URL; special characters in a password have to be percent-encoded",
    "3D000": "create the database, or correct its name at the end of the URL",
    "42501": "ask the owner for the privilege, with GRANT, or connect as another user",
    "53100": "the server's disk is full: make room there, and repeat it",
    "55P04": "a label that was added in this transaction can't be used before it is committed: "
    "call migrate for this table first, on its own, and then load",
    "57014": "it was cancelled, or took longer than the session's statement_timeout",
}
OWNERS_HINT = "only its owner can alter it: connect as the owner, or let them migrate it"
_NUL = re.compile(r"^invalid byte sequence for encoding .*: 0x00$")
_NUL_HINT = "PostgreSQL stores text without NUL characters: remove them from the data"
ADBC_DETAILS: Mapping[str, str] = {
    "PG_DIAG_MESSAGE_PRIMARY": "message",
    "PG_DIAG_MESSAGE_DETAIL": "detail",
    "PG_DIAG_MESSAGE_HINT": "hint",
    "PG_DIAG_CONTEXT": "context",
    "PG_DIAG_TABLE_NAME": "table_name",
    "PG_DIAG_COLUMN_NAME": "column_name",
    "PG_DIAG_CONSTRAINT_NAME": "constraint_name",
}
"""ADBC's name of a field of the server's message (https://www.postgresql.org/docs/current/libpq-exec.html) -> `Reported`'s."""
_ADBC_SAYS = re.compile(r"(?:ERROR|FATAL|PANIC):\s+([^\n]*)|(server closed the connection[^\n]*)")
_COPY_PLACE = re.compile(
    r"^COPY .*?, line (?P<line>\d+)(?:, column (?P<column>.*?))?(?:: .*)?$", re.MULTILINE | re.DOTALL
)
_CONSTANTS = re.compile(r"(?<!\w)[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CopyPosition:
    """The position in a COPY that the server rejected: the row, counted from 0, and the column if known."""

    row: int
    column: str | None


@dataclass(frozen=True, slots=True)
class Reported:
    """The fields of the server's message, under asyncpg's names."""

    message: str
    detail: str | None = None
    hint: str | None = None
    context: str | None = None
    table_name: str | None = None
    column_name: str | None = None
    constraint_name: str | None = None

    @property
    def args(self) -> tuple[str]:
        return (self.message,)


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
        return _lost(_reason(error), code, text, where)
    return None


def translate_adbc(
    error: BaseException, statement: str | None = None, *, lost: bool = False, first_row: int = 0
) -> ArrowSyncError | None:
    """Translate ADBC's errors; `lost` says that the connection is, and `first_row` rows of the load came before a COPY."""
    if not hasattr(error, "status_code") and not lost:
        return None
    given: Any = error
    said = {_text(name): _text(value) for name, value in getattr(given, "details", None) or ()}
    fields = {field: said[name] for name, field in ADBC_DETAILS.items() if name in said}
    code = getattr(given, "sqlstate", None) or None
    text = None if statement is None else masked(statement)
    if code is not None and "message" in fields and not lost:
        return _from_server(Reported(**fields), code, text, "the server", first_row)
    found = _ADBC_SAYS.search(str(error))
    reason = fields.get("message") or (found and (found[1] or found[2])) or masked(str(error))
    if lost:
        return _lost(reason, code, text, "the server")
    return DatabaseError(reason, statement=text, code=code)


def _text(said: str | bytes) -> str:
    return said if isinstance(said, str) else said.decode(errors="replace")


def masked(statement: str) -> str:
    """The statement without the text of its constants, which may be anybody's secrets."""
    return _CONSTANTS.sub("'...'", statement)


def _lost(reason: str, code: str | None, statement: str | None, where: str) -> ConnectionLost:
    return ConnectionLost(
        f"the connection to {where} was lost: {reason}",
        statement=statement,
        code=code,
        transient=True,
        hint="what was not committed has been rolled back; connect again and repeat it",
    )


def _from_server(error: Any, code: str, statement: str | None, where: str, first_row: int = 0) -> ArrowSyncError:
    if code in LOST_CODES or code.startswith(LOST_CLASSES):
        return _lost(_reason(error), code, statement, where)
    place = copy_position(error, first_row)
    row = None if place is None else place.row
    message = _reason(error) + (f" (row {row} of the load)" if place else "")
    hint = HINTS.get(code) or error.hint
    if code == "22021" and _NUL.match(message):
        hint = _NUL_HINT
    if code == "42501" and message.startswith("must be owner"):
        hint = OWNERS_HINT
    if CONSTRAINTS.get(code) == "foreign key" and message.startswith("insert or update"):
        hint = "bring the referenced rows first"
    if code in CONSTRAINTS:
        return ConstraintViolated(
            message,
            kind=CONSTRAINTS[code],
            table=error.table_name,
            constraint=error.constraint_name,
            column=error.column_name,
            statement=statement,
            code=code,
            row=row,
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
    return DatabaseError(
        message,
        statement=statement,
        code=code,
        transient=code in TRANSIENT,
        row=row,
        row_refused=code.startswith(REFUSALS),
        hint=hint,
    )


def copy_position(error: object, first_row: int = 0) -> CopyPosition | None:
    """The position of a failed COPY, from the error's context (`COPY t, line 5, column x`; a line is a row, in binary too).

    Line 0 is none: the COPY was ended while it waited for the first.
    """
    found = _COPY_PLACE.search(getattr(error, "context", None) or "")
    if found is None or found["line"] == "0":
        return None
    return CopyPosition(first_row + int(found["line"]) - 1, found["column"])


def _reason(error: Any) -> str:
    """The driver's message, with the server's detail (`Key (id)=(5) already exists.`) on the same line."""
    message = str(error.args[-1]) if error.args else type(error).__name__
    if isinstance(error, OSError):
        message = str(error)
    detail = getattr(error, "detail", None)
    return f"{message}: {detail}" if detail else message or type(error).__name__


def clear_staging(name: ObjectName) -> SQL:
    """TRUNCATE, which leaves no dead rows to be read by what follows; nobody else sees the table."""
    return sql("TRUNCATE {name}", name=name.identifier)


async def deferred(session: Session, table: Table) -> tuple[SQL, ...]:
    """Statements that check the deferred constraints of the table, and its deferred triggers, and defer them again."""
    found = await session.fetch(
        sql(
            """SELECT n.nspname::text AS namespace, c.conname::text AS name
FROM pg_catalog.pg_constraint AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.connamespace
WHERE c.conrelid = to_regclass({table}) AND c.condeferred ORDER BY 1, 2""",
            table=Literal(table.name.qualified),
        )
    )
    if not found.num_rows:
        return ()
    names = join(", ", [Identifier(row["namespace"], row["name"]) for row in found.to_pylist()])
    return (
        sql("SET CONSTRAINTS {names} IMMEDIATE", names=names),
        sql("SET CONSTRAINTS {names} DEFERRED", names=names),
    )
