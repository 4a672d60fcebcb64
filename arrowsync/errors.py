"""Every error that arrowsync raises on purpose, in one tree.

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

Each says what happened, to which object and with which value (`message`) and what to do about it (`hint`), carries the
same facts as typed fields, and pickles. A driver's own exception is the `__cause__`. No message, field or repr ever holds
a password.
"""

from __future__ import annotations

from typing import Any


class ArrowSyncError(Exception):
    """The root: `except arrowsync.ArrowSyncError` catches all that arrowsync raises on purpose."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def message(self) -> str:
        """What happened, without the hint."""
        return str(self.args[0])

    @message.setter
    def message(self, message: str) -> None:
        self.args = (message,)

    def __str__(self) -> str:
        return f"{self.message}\nHint: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.__dict__.copy())


def _rebuild(kind: type[ArrowSyncError], message: str, fields: dict[str, Any]) -> ArrowSyncError:
    """Unpickle without calling subclass constructors, whose keyword-only fields `Exception` doesn't keep."""
    error = kind.__new__(kind, message)
    error.__dict__.update(fields)
    return error


class DeclarationError(ArrowSyncError):
    """The declaration of a table, or a combination of options, can't work.

    `table` and `field` name the class and field, where one is at fault.
    """

    def __init__(
        self, message: str, *, table: str | None = None, field: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.table = table
        self.field = field


class SourceError(ArrowSyncError):
    """The data can't be read: no such file, not the format that it claims, cut short, rows of another shape.

    `source` says which input; `row` (0-based, of the whole input) where it is known.
    """

    def __init__(
        self, message: str, *, source: str | None = None, row: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.source = source
        self.row = row


class ConversionError(ArrowSyncError):
    """Values can't be stored exactly in the declared column, or the columns of the data aren't those declared.

    `column` is the declared column, `rows` the first few offending rows (0-based positions in the whole input), `sample`
    the values found there, `reason` a short phrase. For a column that is missing or unknown, `rows` and `sample` are empty.
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


class MigrationError(ArrowSyncError):
    """The live table can't be made into the declared one. `changes` describes the differences, one line each."""

    def __init__(self, message: str, *, changes: tuple[str, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.changes = changes


class UnsupportedChange(MigrationError):
    """The change is known, but there is no safe way to make it on this database."""


class RefusedChange(MigrationError):
    """The change would lose or rewrite something that the caller has not allowed with `schema_changes`."""


class DatabaseError(ArrowSyncError):
    """The database refused a statement.

    `statement` is the SQL text without any value, `code` the SQLSTATE or the driver's error number, `transient` whether the
    same call may succeed later (deadlock, lock timeout, connection lost), `row` which row of a load it refused (0-based), where
    that is known.
    """

    def __init__(
        self,
        message: str,
        *,
        statement: str | None = None,
        code: str | None = None,
        transient: bool = False,
        row: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.statement = statement
        self.code = code
        self.transient = transient
        self.row = row


class ConnectionLost(DatabaseError):
    """The database can't be reached, or the connection broke. What was in progress has been rolled back by the server."""


class ConstraintViolated(DatabaseError):
    """A key, foreign key, check or NOT NULL constraint of the table refused a row.

    `table`, `constraint` and `column` are what the server names of them; `kind` is `"unique"`, `"foreign key"`, `"check"`,
    `"not null"` or `"exclusion"`.
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
        super().__init__(message, statement=statement, code=code, row=row, hint=hint)
        self.kind = kind
        self.table = table
        self.constraint = constraint
        self.column = column


class MissingDriver(ArrowSyncError):
    """An optional package is needed and not installed. `package` is its name on PyPI; the hint is the pip line."""

    def __init__(self, package: str, *, needed_for: str) -> None:
        super().__init__(
            f"{needed_for} needs the package {package!r}, which is not installed", hint=f"pip install {package}"
        )
        self.package = package
