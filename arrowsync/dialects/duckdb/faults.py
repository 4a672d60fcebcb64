r"""DuckDB's errors as arrowsync's: `translate`, by the word that every message of DuckDB begins with.

The word is used, and not the class of the exception, because an error that comes through an Arrow stream arrives as an
OSError with the same message. To treat a kind specially, add it to `_KINDS`, or its hint to `_HINTS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from arrowsync.errors import ConnectionLost, ConstraintViolated, DatabaseError

_CONTEXT = re.compile(r"\n\n(?:LINE \d+:|Stack Trace:|Possible solutions:).*", re.DOTALL)
"""What DuckDB adds to a message: the line of SQL, which may hold values, or its own call stack."""

_STRING = re.compile(r"'(?:[^']|'')*'")
_KIND = re.compile(r"([A-Z][A-Za-z ]*) Error: ")
_LOCKED = re.compile(r'Could not set lock on file "(?P<file>.*?)".*?(?:held in (?P<program>.*?) )?\(PID (?P<pid>\d+)\)')
_CAPITALIZED = re.compile(r"[A-Z][a-z']*[ :]")
_CONSTRAINTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), kind)
    for pattern, kind in (
        (r'NOT NULL constraint failed: (?P<table>"(?:[^"]|"")*"|[^.]*)\.(?P<column>.*)', "not null"),
        (r'CHECK constraint failed on table (?P<table>"(?:[^"]|"")*"|\S+) with expression (?P<constraint>.*)', "check"),
        (r'Violates foreign key constraint because key "(?P<column>[^:"]*): ', "foreign key"),
        (r'Duplicate key "(?P<column>[^:,"]*): (?!.*, \w+: ).*" violates', "unique"),
        (r"(?:Duplicate|.*duplicate) key ", "unique"),
    )
)
_HINTS: Mapping[str, str] = {
    "unique": "a key can be there once: upsert brings rows to keys that exist",
    "not null": "every row needs a value there",
    "check": "the rows have to meet the condition",
    "foreign key": "bring the referenced rows first. DuckDB also refuses to change an indexed column of a row that is "
    "referenced, and to delete it in the transaction that deletes the last reference",
    "Conversion": "a value isn't one of the column's type",
    "Dependency": "DuckDB doesn't alter a table that an index is on or a foreign key refers to, except to add a column that "
    "may be NULL: drop the index or the foreign key first",
    "Out of Memory": "raise memory_limit, or set temp_directory so that DuckDB can use the disk",
    "Resource In Use": "read the open result of this connection to its end or close it, or pass connection.cursor(): a "
    "relation of a connection can't be read while the same connection writes",
    "INTERRUPT": "the statement was cancelled",
    "Syntax": "check the statement",
    "FATAL": "open the database again",
    "INTERNAL": "open the database again; this is a bug of DuckDB",
}
_CONFLICTS = ("onflict", "another transaction has altered", "Failed to commit")


def translate(error: BaseException, statement: str | None = None, *, path: str | None = None) -> DatabaseError:
    """The error that the user gets in place of DuckDB's; `path` is the file, where one was being opened."""
    text = _CONTEXT.sub("", str(error)).strip().replace("\0", ".")  # it names catalog entries with NULs between
    found = _KIND.match(text)
    kind, detail = (found[1], text[found.end() :]) if found else ("", text)
    code = None if isinstance(error, OSError) else type(error).__name__
    make = _KINDS.get(kind)
    made = make(detail, path) if make is not None else DatabaseError(_sentence(detail), hint=_HINTS.get(kind))
    made.statement = None if statement is None else _STRING.sub("'...'", statement)
    made.code = code
    return made


def is_driver_error(error: BaseException) -> bool:
    """Whether the error is DuckDB's own."""
    return type(error).__module__.partition(".")[0] in ("duckdb", "_duckdb")


def _constraint(detail: str, path: str | None) -> DatabaseError:
    for pattern, kind in _CONSTRAINTS:
        if found := pattern.match(detail):
            named = found.groupdict()
            return ConstraintViolated(
                _sentence(detail),
                kind=kind,
                table=_unquoted(named.get("table")),
                constraint=named.get("constraint"),
                column=_unquoted(named.get("column")),
                hint=_HINTS[kind],
            )
    return ConstraintViolated(_sentence(detail), kind="check")


def _transaction(detail: str, path: str | None) -> DatabaseError:
    if "duplicate key" in detail.lower():
        return _constraint(detail, path)
    if re.search(r"could not allocate|failed to (?:pin|allocate)", detail):
        return DatabaseError(_sentence(detail), hint=_HINTS["Out of Memory"])
    if "transaction is aborted" in detail:
        return DatabaseError(
            "the transaction has failed before, and DuckDB runs nothing more in it",
            hint="ROLLBACK it: DuckDB has no savepoints, so all that was done in it is undone",
        )
    if "outstanding updates" in detail:
        return DatabaseError(
            _sentence(detail),
            hint="DuckDB doesn't alter a table like this in a transaction that has updated it: commit in between",
        )
    transient = any(word in detail for word in _CONFLICTS)
    hint = (
        "another connection of this process changed the same rows or table meanwhile: try again" if transient else None
    )
    return DatabaseError(_sentence(detail), transient=transient, hint=hint)


def _catalog(detail: str, path: str | None) -> DatabaseError:
    hint = None
    if "depends on" in detail or "depend on" in detail:
        hint = _HINTS["Dependency"]
    elif detail.startswith("Column with name"):
        hint = "DuckDB ignores the case of names: declare the column as the table has it"
    return DatabaseError(_sentence(detail), hint=hint)


def _io(detail: str, path: str | None) -> DatabaseError:
    if locked := _LOCKED.search(detail):
        return DatabaseError(
            f"the DuckDB file {locked['file']!r} is in use by another process, PID {locked['pid']}"
            + (f" ({locked['program']})" if locked["program"] else ""),
            transient=True,
            hint="one process at a time can open a DuckDB file: close it there (a notebook, a DBeaver, a CLI), then try again",
        )
    if "lock on file" in detail:
        return DatabaseError(_sentence(detail), transient=True, hint="another process has the DuckDB file open")
    if path is None:
        return DatabaseError(_sentence(detail))
    where = _sentence(detail) if path in detail else f"the DuckDB file {path!r} can't be opened: {detail}"
    if "not a valid DuckDB database" in detail:
        return DatabaseError(where, hint="give the path of a DuckDB file, or of one that doesn't exist yet")
    if "No such file" in detail or "does not exist" in detail:
        return DatabaseError(where, hint="create the folder first; duckdb:////path with four slashes is absolute")
    return DatabaseError(where, hint="check the path and its permissions")


def _connection(detail: str, path: str | None) -> DatabaseError:
    if "different configuration" in detail:
        hint = "this process has the file open with other settings: use the same options in the URL, or pass that connection"
        return DatabaseError(f"the DuckDB file {path!r} can't be opened: {detail}", hint=hint)
    return ConnectionLost(_sentence(detail), hint="open a new connection")


_KINDS: Mapping[str, Callable[[str, str | None], DatabaseError]] = {
    "Constraint": _constraint,
    "Catalog": _catalog,
    "TransactionContext": _transaction,
    "IO": _io,
    "Connection": _connection,
}


def _sentence(detail: str) -> str:
    """The message as a clause, as all of arrowsync's are."""
    return detail[:1].lower() + detail[1:] if _CAPITALIZED.match(detail) else detail


def _unquoted(name: str | None) -> str | None:
    if name is None or not name.startswith('"'):
        return name
    return name[1:-1].replace('""', '"')
