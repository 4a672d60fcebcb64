"""SQLite's errors as arrowsync's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from arrowsync.errors import ConnectionLost, ConstraintViolated, DatabaseError, DeclarationError

_STRING = re.compile(r"[xX]?'(?:[^']|'')*'")
_CONSTRAINT = re.compile(r"(?P<kind>UNIQUE|NOT NULL|CHECK|FOREIGN KEY) constraint failed(?:: (?P<what>.*))?", re.DOTALL)
_DATATYPE = re.compile(r"cannot store \w+ value in \w+ column (?P<table>.*)\.(?P<column>[^.]*)", re.DOTALL)
_INDEX = re.compile(r"index '(?P<index>.*)'", re.DOTALL)
_HINTS: Mapping[str, str] = {
    "unique": "a key can be there once: upsert brings rows to keys that exist",
    "not null": "every row needs a value there",
    "check": "the rows have to meet the condition",
    "foreign key": "bring the referenced rows first",
}
_BUSY = "another connection is writing to the SQLite file, or reading what is to be changed: try again when it is done"
_TRANSIENT = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"})
_OTHERS: Mapping[str, str] = {
    "SQLITE_READONLY": "open the file without mode=ro, and check its permissions and those of its folder",
    "SQLITE_NOTADB": "give the path of a SQLite file, or of one that doesn't exist yet",
    "SQLITE_CANTOPEN": "create the folder first; sqlite:////path with four slashes is absolute",
    "SQLITE_CORRUPT": "the file is damaged: restore it from a copy",
    "SQLITE_FULL": "make room on the disk",
    "SQLITE_INTERRUPT": "the statement was cancelled",
}
_ALTERING = re.compile(r"error in (?:table|index|view|trigger) |cannot drop ", re.DOTALL)


def translate(error: BaseException, statement: str | None = None, *, path: str | None = None) -> Exception:
    """The error that the user gets in place of SQLite's; `path` is the file, where one was being opened."""
    text = str(error)
    if type(error).__name__ == "ProgrammingError" and "created in a thread" in text:
        return DeclarationError(
            "the SQLite connection can be used in the thread that opened it alone",
            hint="open it with sqlite3.connect(path, check_same_thread=False), or pass the URL",
        )
    if type(error).__name__ == "ProgrammingError" and "closed database" in text:
        return ConnectionLost("the connection is closed", hint="open a new one with connect")
    code: str | None = getattr(error, "sqlite_errorname", None)
    made = _made(text, code)
    if path is not None:
        made.message = f"the SQLite file {path!r} can't be opened: {text}"
    made.statement = None if statement is None else _STRING.sub("'...'", statement)
    made.code = code
    return made


def is_busy(error: BaseException) -> bool:
    """Whether a statement has done nothing, because somebody else has the file locked."""
    return isinstance(error, DatabaseError) and (error.code or "").startswith("SQLITE_BUSY")


def _made(text: str, code: str | None) -> DatabaseError:
    primary = "_".join((code or "").split("_")[:2])
    if primary == "SQLITE_CONSTRAINT":
        return _constraint(text)
    if primary in _TRANSIENT:
        return DatabaseError(text, transient=True, hint=_BUSY)
    hint = _OTHERS.get(primary)
    if hint is None and _ALTERING.match(text):
        hint = "drop the index, trigger, view or constraint that needs it first"
    return DatabaseError(text, hint=hint)


def _constraint(text: str) -> DatabaseError:
    found = _CONSTRAINT.fullmatch(text)
    if found is None:
        typed = _DATATYPE.fullmatch(text)
        if typed is not None:
            return ConstraintViolated(
                text, kind="check", table=typed["table"], column=typed["column"], hint=_HINTS["check"]
            )
        return DatabaseError(text, row_refused=True)  # what a trigger has raised
    kind, what = found["kind"].lower(), found["what"] or ""
    table = column = constraint = None
    if (index := _INDEX.fullmatch(what)) is not None:
        constraint = index["index"]
    elif kind in ("unique", "not null"):
        # Several columns are separated by commas, each with its table.
        table, _, first = what.partition(".")
        column = first if f", {table}." not in first else None
    elif kind == "check":
        constraint = what
    return ConstraintViolated(text, kind=kind, table=table, constraint=constraint, column=column, hint=_HINTS[kind])
