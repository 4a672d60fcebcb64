"""The errors that arrowsync raises on purpose, in one tree.

    ArrowSyncError
    ├── DeclarationError        the table declaration, or what was asked for, can't work    -> change your code
    ├── SourceError             the data can't be read                                      -> check the input
    ├── ConversionError         a value doesn't fit its declared column                     -> fix the value or the declaration
    ├── MigrationError          the live table can't become the declared one
    │   ├── UnsupportedChange       no dialect statement makes this change                  -> migrate by hand
    │   └── RefusedChange           it would lose something, or needs to be allowed         -> pass schema_changes=
    ├── DatabaseError           the server refused a statement
    │   ├── ConnectionLost          it can't be reached, or the connection broke            -> try again
    │   └── ConstraintViolated      a key, foreign key, check or NOT NULL                   -> fix the data
    └── MissingDriver           an optional package isn't installed                         -> the pip line in the hint

Each error has a `message` (the event, the object, the value), a `hint` (the way out, or None), the same facts as typed fields,
and can be pickled. A driver's own exception is its `__cause__`. No message, field or repr ever holds a password. Message and
hint are one line each, without control characters, and show at most 160 characters of a value.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from arrowsync.shown import legible


class ArrowSyncError(Exception):
    """The base class: `except arrowsync.ArrowSyncError` catches every error that arrowsync raises on purpose.

    >>> str(ArrowSyncError("no such table", hint="create it first"))
    'no such table\\nHint: create it first'
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(legible(message))
        self.hint = None if hint is None else legible(hint)

    @property
    def message(self) -> str:
        """The text of the error without the hint."""
        return str(self.args[0])

    @message.setter
    def message(self, message: str) -> None:
        self.args = (legible(message),)

    def __str__(self) -> str:
        return f"{self.message}\nHint: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.__dict__.copy())


def _rebuild(kind: type[ArrowSyncError], message: str, fields: dict[str, Any]) -> ArrowSyncError:
    """Unpickle an error without calling its constructor, whose keyword-only arguments `Exception` doesn't keep."""
    error = kind.__new__(kind, message)
    error.__dict__.update(fields)
    return error


class DeclarationError(ArrowSyncError):
    """The declaration of a table, an argument, or a combination of options can't work; raised before anything is sent.

    `table` and `field` name the class and its field at fault, or are None.
    """

    def __init__(
        self, message: str, *, table: str | None = None, field: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.table = table
        self.field = field


class SourceError(ArrowSyncError):
    """The data can't be read: no such file, another format than its name says, cut short, rows of another shape.

    `source` names the input; `row` is the row number in the whole input, from 0, or None if it isn't known.
    """

    def __init__(
        self, message: str, *, source: str | None = None, row: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.source = source
        self.row = row


class ConversionError(ArrowSyncError):
    """Values can't be stored exactly in the declared column, or the columns of the data aren't those declared.

    `column` is the declared column, `rows` are the numbers of the first few offending rows in the whole input (from 0),
    `sample` their values, `reason` is a short phrase. For a column that is missing or unknown, `rows` and `sample` are empty.
    `file` and `line` (from 1) are the origin of the first offending row, if the source is text; else None.
    """

    def __init__(
        self,
        message: str,
        *,
        column: str,
        reason: str,
        rows: tuple[int, ...] = (),
        sample: tuple[Any, ...] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.column = column
        self.reason = reason
        self.rows = rows
        self.sample = sample
        self.file: str | None = None
        self.line: int | None = None


class MigrationError(ArrowSyncError):
    """The live table can't be made into the declared one. `changes` are the differences in words, one line each."""

    def __init__(self, message: str, *, changes: tuple[str, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.changes = changes


class UnsupportedChange(MigrationError):
    """The change is known, but this database has no safe statement for it: migrate by hand."""


class RefusedChange(MigrationError):
    """The change would lose or rewrite data, and `schema_changes` doesn't allow it."""


class DatabaseError(ArrowSyncError):
    """The database rejected a statement.

    statement    its SQL text, without any value, or None
    code         the SQLSTATE, or the driver's error number, or None
    transient    True if the same call may succeed later: deadlock, lock timeout, connection lost
    row          the number of the row of the load that was rejected, from 0, or None if it isn't known
    row_refused  True if the server rejected a row (its value, a constraint, a trigger), and the connection still works
    committed    False if nothing was committed; None if that is unknown, because the answer to a COMMIT was lost. Such an error
                 isn't `transient`: a repeated insert might bring the rows twice
    """

    def __init__(
        self,
        message: str,
        *,
        statement: str | None = None,
        code: str | None = None,
        transient: bool = False,
        row: int | None = None,
        row_refused: bool = False,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.statement = statement
        self.code = code
        self.transient = transient
        self.row = row
        self.row_refused = row_refused
        self.committed: bool | None = False


class ConnectionLost(DatabaseError):
    """The database can't be reached, or the connection broke.

    The server has rolled back the open transaction, unless `committed` is None: see `DatabaseError`.
    """


class ConstraintViolated(DatabaseError):
    """A row violates a key, foreign key, check or NOT NULL constraint of the table.

    `table`, `constraint` and `column` are names as the server gives them, None for those it doesn't give; `kind` is
    `"unique"`, `"foreign key"`, `"check"`, `"not null"` or `"exclusion"`.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        table: str | None = None,
        constraint: str | None = None,
        column: str | None = None,
        statement: str | None = None,
        code: str | None = None,
        row: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, statement=statement, code=code, row=row, row_refused=True, hint=hint)
        self.kind = kind
        self.table = table
        self.constraint = constraint
        self.column = column


class MissingDriver(ArrowSyncError):
    """An optional package is needed and not installed.

    `package` is its name on PyPI; the hint is the pip line, with arrowsync's extra where there is one.
    """

    def __init__(self, package: str, *, needed_for: str, extra: str | None = None) -> None:
        wanted = package if extra is None else f"'arrowsync[{extra}]'"
        super().__init__(
            f"{needed_for} needs the package {package!r}, which is not installed", hint=f"pip install {wanted}"
        )
        self.package = package


@contextmanager
def translated(to_error: Callable[[BaseException], ArrowSyncError]) -> Generator[None]:
    """Translate any exception raised in the `with` block into the error that `to_error` makes of it.

    Errors of arrowsync pass unchanged. For calls of libraries and of users' objects, which may raise exceptions of any class.
    """
    try:
        yield
    except ArrowSyncError:
        raise
    except BaseException as error:
        if not is_foreign(error):
            raise
        raise to_error(error) from error


def is_foreign(error: BaseException) -> bool:
    """Return True for an error that a library may have raised: any Exception, and a panic of Polars, which is none."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def batch_error(column: str, rows: int, given: object, wanted: object, error: BaseException) -> ConversionError:
    """Return the error of a column whose whole batch of `rows` rows can't be converted from the type `given` to `wanted`."""
    return ConversionError(
        f"column {column!r}: a batch of {rows} rows can't be converted from {given} to {wanted}: "
        f"{str(error) or type(error).__name__}",
        column=column,
        reason="a batch that can't be converted",
        hint="load fewer rows at a time to find the one that it is about, or leave the column out",
    )


def doubt(error: BaseException, what: str = "the commit") -> None:
    """Mark the error as one with an unknown outcome: `what` may or may not have happened."""
    mark_committed(error, None)
    if isinstance(error, DatabaseError):
        error.transient = False
        error.hint = f"{what} may or may not have happened: look before you repeat it"


def mark_committed(error: BaseException, committed: bool | None) -> None:
    """Set `error.committed`, on an exception of any class; None is an unknown outcome."""
    error.__dict__["committed"] = committed


def committed_of(error: BaseException) -> bool | None:
    """Return `error.committed`: True if the work was committed although the error ended the call, None if that is unknown."""
    committed: bool | None = error.__dict__.get("committed", False)
    return committed
