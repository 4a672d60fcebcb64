"""The blocking calls of the driver, with its errors translated, and the exact exchange of values between SQLite and Arrow.

SQLite hands over values of five classes, whatever a column declares, so each is looked at before it becomes Arrow's.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.compute

from arrowsync.convert.rejects import Checked, conversion_error
from arrowsync.convert.rules import kernel_for
from arrowsync.declare.spec import ColumnSpec
from arrowsync.dialects.contract import Server
from arrowsync.dialects.defaults import no_result
from arrowsync.dialects.sqlite.errors import translate
from arrowsync.dialects.sqlite.quoting import QUOTING
from arrowsync.dialects.sqlite.types import ARROW_TYPES, live_type
from arrowsync.errors import ConversionError, DatabaseError, DeclarationError
from arrowsync.sql import Identifier, Literal, sql, trusted

if TYPE_CHECKING:
    from sqlite3 import Connection, Cursor

compute: Any = pyarrow.compute  # pyarrow-stubs has each function by the exact classes of its arguments

ROWS_PER_BATCH = 10_000
OLDEST = (3, 37, 0)
"""The first version with STRICT tables."""
_EXACT_IN_DOUBLE = 1 << 53
_CLASSES: dict[type, pa.DataType] = {int: pa.int64(), float: pa.float64(), str: pa.string(), bytes: pa.binary()}
_BLANK = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?(?:\*/|$))*", re.DOTALL)


def server_of(version: str) -> Server:
    """The version of the library; a DeclarationError where it is too old."""
    numbers = tuple(int(part) for part in version.split("."))
    if numbers < OLDEST:
        raise DeclarationError(
            f"SQLite {version} has no STRICT tables, without which it stores other values than it is given",
            hint=f"use a Python whose sqlite3.sqlite_version is {'.'.join(map(str, OLDEST))} or newer",
        )
    return Server("sqlite", numbers, "main")


@contextmanager
def usual_texts(connection: Connection) -> Generator[None]:
    """Text as `str`, and no transactions that the driver begins by itself; then as the connection had it."""
    texts, level = connection.text_factory, connection.isolation_level
    # In a transaction the driver begins none, and the end of the setting would commit.
    changes = level is not None and not connection.in_transaction
    if texts is not str:
        connection.text_factory = str
    if changes:
        connection.isolation_level = None
    try:
        yield
    finally:
        if texts is not str:
            connection.text_factory = texts
        if changes:
            connection.isolation_level = level


@contextmanager
def translated(statement: str | None) -> Generator[None]:
    """Raise the driver's errors as arrowsync's."""
    import sqlite3

    try:
        yield
    except (sqlite3.Error, sqlite3.Warning, UnicodeError) as error:
        raise translate(error, statement) from error
    except OverflowError as error:
        raise DatabaseError(f"a number is out of SQLite's 64 bits: {error}", statement=statement) from error


def cursor_of(connection: Connection) -> Cursor:
    """A cursor whose rows are tuples."""
    cursor = connection.cursor()
    cursor.row_factory = None
    return cursor


def statements_of(text: str) -> list[str]:
    """The statements of a text, apart; the driver runs one at a time."""
    from sqlite3 import complete_statement

    found: list[str] = []
    start = 0
    for at, letter in enumerate(text):
        if letter == ";" and complete_statement(text[start : at + 1]):
            found.append(text[start : at + 1])
            start = at + 1
    found.append(text[start:])
    return [each for each in found if _BLANK.fullmatch(each.rstrip("; \n\t\r")) is None]


def run_statement(connection: Connection, text: str) -> int:
    """Run the statements to their end; the rows that the last one affected."""
    rows = 0
    with translated(text), usual_texts(connection):
        for statement in statements_of(text):
            with translated(statement):
                cursor = cursor_of(connection)
                try:
                    rows = cursor.execute(statement).rowcount
                    while cursor.fetchmany(ROWS_PER_BATCH):
                        pass
                    rows = max(rows, cursor.rowcount)
                finally:
                    cursor.close()
    return max(rows, 0)


def fetch_table(connection: Connection, text: str) -> pa.Table:
    """The whole result, with types by all its values."""
    with translated(text), usual_texts(connection):
        cursor = cursor_of(connection)
        try:
            *before, last = statements_of(text) or [text]
            for statement in before:
                cursor.execute(statement)
            rows = cursor.execute(last).fetchall()
            if cursor.description is None:
                return pa.table({})
            names = [column[0] for column in cursor.description]
        finally:
            cursor.close()
        kinds = _kinds(connection, last, rows, len(names))
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    arrays = [to_array(values, kind, name) for values, kind, name in zip(columns, kinds, names, strict=True)]
    table: pa.Table = cast(Any, pa.Table).from_arrays(arrays, names=names)
    return table


def open_result(connection: Connection, text: str, schema: pa.Schema | None) -> OpenResult:
    """A result that is read batch by batch, in the types of `schema`, or in those of its first rows."""
    with translated(text), usual_texts(connection):
        cursor = cursor_of(connection)
        try:
            *before, last = statements_of(text) or [text]
            for statement in before:
                cursor.execute(statement)
            cursor.execute(last)
            if cursor.description is None:
                raise no_result()
            rows = cursor.fetchmany(ROWS_PER_BATCH)
        except BaseException:
            cursor.close()
            raise
        if schema is None:
            names = [column[0] for column in cursor.description]
            schema = pa.schema(list(zip(names, _kinds(connection, last, rows, len(names)), strict=True)))
    return OpenResult(connection, cursor, schema, rows)


class OpenResult:
    """A cursor with rows to come."""

    def __init__(self, connection: Connection, cursor: Cursor, schema: pa.Schema, rows: list[Any]) -> None:
        self.schema = schema
        self._connection = connection
        self._cursor = cursor
        self._rows = rows
        self._read = 0

    def next_batch(self) -> pa.RecordBatch | None:
        """The next rows; None at the end."""
        if not self._rows:
            return None
        rows, first = self._rows, self._read
        with translated(None), usual_texts(self._connection):
            self._rows = self._cursor.fetchmany(ROWS_PER_BATCH)
        self._read += len(rows)
        columns = zip(zip(*rows, strict=True), self.schema.types, self.schema.names, strict=True)
        arrays = [to_array(values, kind, name, first) for values, kind, name in columns]
        batch: pa.RecordBatch = cast(Any, pa.RecordBatch).from_arrays(arrays, schema=self.schema)
        return batch

    def close(self) -> None:
        """End the statement, which holds locks until then."""
        self._rows = []
        self._cursor.close()


def _kinds(connection: Connection, query: str, rows: Sequence[Sequence[Any]], width: int) -> list[pa.DataType]:
    """The types of a result's columns: those of their values; where there is none, what the columns of tables declare."""
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * width
    classes = [set(map(type, values)) - {type(None)} for values in columns]
    declared = [] if all(classes) else _declared(connection, query)
    declared = declared if len(declared) == width else [pa.string()] * width
    return [
        _CLASSES.get(next(iter(each)), pa.string()) if len(each) == 1 else pa.string() if each else told
        for each, told in zip(classes, declared, strict=True)
    ]


def _declared(connection: Connection, query: str) -> list[pa.DataType]:
    """What a view of the query would declare: the driver doesn't tell it of a result. Empty for a statement that is no query."""
    import sqlite3

    name = Identifier("temp", f"arrowsync_{secrets.token_hex(8)}")
    view = sql("CREATE VIEW {name} AS {query}", name=name, query=trusted(query.rstrip().removesuffix(";")))
    asked = sql("SELECT type FROM pragma_table_info({name}, 'temp') ORDER BY cid", name=Literal(name.parts[1]))
    cursor = cursor_of(connection)
    try:
        cursor.execute(view.text(QUOTING))
        try:
            types = [live_type(row[0], strict=True) for row in cursor.execute(asked.text(QUOTING)).fetchall()]
        finally:
            cursor.execute(sql("DROP VIEW {name}", name=name).text(QUOTING))
    except sqlite3.Error:
        return []
    finally:
        cursor.close()
    return [ARROW_TYPES.get(each.name, pa.string()) for each in types]


def to_array(values: Sequence[Any], kind: pa.DataType, name: str, first_row: int = 0) -> Any:
    """The values as Arrow's, each exact; text takes all of them but bytes as they are written."""
    if isinstance(kind, pa.BaseExtensionType):
        return cast(Any, pa.ExtensionArray).from_storage(kind, to_array(values, kind.storage_type, name, first_row))
    classes = set(map(type, values)) - {type(None)}
    if foreign := classes - _CLASSES.keys():
        raise DeclarationError(
            f"the connection gives {foreign.pop().__name__} objects for values of column {name!r}: it has detect_types",
            hint="open the connection without detect_types, or pass the URL",
        )
    if pa.types.is_temporal(kind):
        return _times(to_array(values, pa.string(), name, first_row), kind, name, first_row)
    if pa.types.is_boolean(kind):
        return compute.equal(to_array(values, pa.int64(), name, first_row), 1)
    wanted = next((each for each, arrow in _CLASSES.items() if arrow == kind), str)
    if classes <= {wanted}:
        return cast(Any, pa.array)(values, kind)
    if wanted is str and bytes not in classes:
        return cast(Any, pa.array)([v if v is None or type(v) is str else _text(v) for v in values], kind)
    if wanted is float and classes <= {int, float} and all(_is_exact(value) for value in values):
        return cast(Any, pa.array)([None if v is None else float(v) for v in values], kind)
    row = next(at for at, v in enumerate(values) if v is not None and type(v) is not wanted)
    value = values[row]
    raise ConversionError(
        f"column {name!r}, row {first_row + row}: {value!r} is {_WORDS[type(value)]}, and the column's other values are {kind}",
        column=name,
        reason=f"{_WORDS[type(value)]} among values of {kind}",
        rows=(first_row + row,),
        sample=(value,),
        hint="CAST the column to one type in a query, and stream that",
    )


def _times(texts: Any, kind: pa.DataType, name: str, first_row: int) -> Any:
    """The times that texts say, by the rule that reads them from files."""
    spec = ColumnSpec(name, kind, nullable=True)
    kernel = kernel_for(pa.string(), spec)
    assert kernel is not None, "text becomes a time"
    outcome = kernel(texts)
    if outcome.failures:
        raise conversion_error([Checked(spec, texts, outcome)], first_row)
    return outcome.values


_WORDS = {int: "an integer", float: "a float", str: "text", bytes: "a blob"}


def _text(value: Any) -> str:
    return repr(value)


def _is_exact(value: Any) -> bool:
    return type(value) is not int or -_EXACT_IN_DOUBLE <= value <= _EXACT_IN_DOUBLE


def rollback(connection: Connection) -> None:
    """Roll back, where a transaction is open: some errors have done it."""
    if connection.in_transaction:
        run_statement(connection, "ROLLBACK")


def commit(connection: Connection) -> None:
    """Commit; an error where an earlier one has rolled the transaction back."""
    if not connection.in_transaction:
        raise DatabaseError(
            "nothing was committed: the transaction has ended before",
            hint="SQLite rolls back by itself after some errors: let the error leave the transaction",
        )
    run_statement(connection, "COMMIT")


def roll_back_to(connection: Connection, undo: Sequence[str]) -> bool:
    """Run the statements that undo what was done since a savepoint; False where the whole transaction is rolled back already."""
    if not connection.in_transaction:
        return False
    for statement in undo:
        run_statement(connection, statement)
    return True
