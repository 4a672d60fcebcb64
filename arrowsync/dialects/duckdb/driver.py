"""The blocking calls of the driver, with its errors translated, and the exact exchange of values between DuckDB and Arrow."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, cast

import pyarrow as pa
import pyarrow.compute

from arrowsync.catalog import Column, SqlType
from arrowsync.dialects.contract import Server
from arrowsync.dialects.defaults import no_result
from arrowsync.dialects.duckdb.errors import translate
from arrowsync.dialects.duckdb.quoting import QUOTING
from arrowsync.dialects.duckdb.settings import ASKED, check_settings
from arrowsync.dialects.duckdb.types import is_said_as_text, parse_type, to_spec, type_sql
from arrowsync.errors import ArrowSyncError, DatabaseError, DeclarationError, doubt
from arrowsync.sources.frames import CAST_HINT, lost_column
from arrowsync.sql import SQL, Identifier, Literal, join, sql

# pyarrow-stubs has each compute function by the exact classes of its arguments, which are not known here.
compute: Any = pyarrow.compute


def read_query(query: SQL, columns: Sequence[Column]) -> SQL:
    """The query for the `columns` of `query`, with a cast of each column whose values DuckDB doesn't hand over exactly."""
    values = [(SQL((Identifier(column.name),)), column) for column in columns]
    exact = [_exact(value, column.type, column.name) for value, column in values]
    if not any(exact):
        return query
    selected = [
        sql("{value} AS {name}", value=rewritten or value, name=Identifier(column.name))
        for rewritten, (value, column) in zip(exact, values, strict=True)
    ]
    return sql("SELECT {selected} FROM ({query})", selected=join(", ", selected), query=query)


def read_result(columns: Sequence[Column]) -> tuple[SQL | None, pa.Schema]:
    """The select list for a result with the `columns` (None: all, as it is) and its schema; unknown types become text."""
    fields: list[pa.Field[Any]] = []
    exact: list[SQL | None] = []
    for column in columns:
        value = SQL((Identifier(column.name),))
        fields.append(to_spec(column).arrow_field.with_nullable(True))
        exact.append(_exact(value, column.type, column.name))
    selected = [
        sql("{value} AS {name}", value=rewritten or SQL((Identifier(column.name),)), name=Identifier(column.name))
        for rewritten, column in zip(exact, columns, strict=True)
    ]
    return join(", ", selected) if any(exact) else None, pa.schema(fields)


def read_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The columns of `batch` in the types of `schema`, which are those of `to_spec`."""
    columns: list[Any] = cast(Any, batch).columns
    return _batch([_typed(array, kind) for array, kind in zip(columns, schema.types, strict=True)], schema)


def sendable_schema(schema: pa.Schema) -> pa.Schema:
    """The schema of the batches that `sendable` makes from batches of this schema."""
    fields: list[pa.Field[Any]] = list(schema)
    return pa.schema([field.with_type(_sendable_type(field.type)) for field in fields])


def sendable(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with decimals of 256 bits, which DuckDB doesn't take, as the text that it makes numbers of."""
    return batch if batch.schema == schema else read_batch(batch, schema)


def _batch(columns: list[Any], schema: pa.Schema) -> pa.RecordBatch:
    made: pa.RecordBatch = cast(Any, pa.RecordBatch).from_arrays(columns, schema=schema)
    return made


def _sendable_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_decimal256(kind):
        return pa.string()
    nested: Any = kind
    if pa.types.is_list(kind):
        return pa.list_(nested.value_field.with_type(_sendable_type(nested.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_sendable_type(field.type)) for field in nested.fields])
    return kind


def _typed(array: Any, kind: pa.DataType) -> Any:
    if array.type == kind:
        return array
    if isinstance(kind, pa.BaseExtensionType):
        storage = getattr(array, "storage", array)
        return cast(Any, pa.ExtensionArray).from_storage(kind, storage.cast(kind.storage_type))
    nested: Any = kind
    if pa.types.is_list(kind):
        return _typed_list(array, nested)
    if pa.types.is_struct(kind):
        members = [_typed(array.field(at), field.type) for at, field in enumerate(nested.fields)]
        return cast(Any, pa.StructArray).from_arrays(members, fields=nested.fields, mask=array.is_null())
    return array.cast(kind)


def _typed_list(array: Any, kind: Any) -> Any:
    # Counted anew: those of a slice don't begin with 0.
    lengths = compute.fill_null(compute.list_value_length(array), 0)
    ends = compute.cumulative_sum(lengths.cast(pa.int32()))
    offsets: Any = pa.concat_arrays([cast(Any, pa.array([0], pa.int32())), ends])
    elements = _typed(compute.list_flatten(array), kind.value_type)
    return cast(Any, pa.ListArray).from_arrays(offsets, elements, type=kind, mask=array.is_null())


def _exact(value: SQL, live: SqlType, column: str, depth: int = 0) -> SQL | None:
    """The expression for a value of the type that DuckDB hands over exactly; None where the value itself is one."""
    if live.element is not None:
        item = Identifier(f"item{depth}")
        inner = _exact(SQL((item,)), live.element, column, depth + 1)
        return inner and sql("list_transform({list}, lambda {item}: {inner})", list=value, item=item, inner=inner)
    if not live.members:
        if is_said_as_text(live):
            return _as_exact_text(value, live, column)
        expression = _EXPRESSIONS.get(live.name)
        return expression and expression(value, column)
    found = [
        (name, sql("struct_extract({value}, {name})", value=value, name=Literal(name))) for name, _ in live.members
    ]
    exact = [_exact(member, kind, column, depth) for (_, member), (_, kind) in zip(found, live.members, strict=True)]
    if not any(exact):
        return None
    packed = [
        sql("{name} := {value}", name=Identifier(name), value=rewritten or member)
        for rewritten, (name, member) in zip(exact, found, strict=True)
    ]
    return sql("CASE WHEN {value} IS NOT NULL THEN struct_pack({packed}) END", value=value, packed=join(", ", packed))


def _as_text(value: SQL, column: str) -> SQL:
    return sql("CAST({value} AS VARCHAR)", value=value)


def _as_exact_text(value: SQL, live: SqlType, column: str) -> SQL:
    """The text of a value, from which the same value comes back; an error where another does."""
    text = _as_text(value, column)
    if loses_by_text(live):
        return text
    return sql(
        "CASE WHEN TRY_CAST({text} AS {type}) IS NOT DISTINCT FROM {value} THEN {text} "
        "ELSE error(concat('the value ', {text}, ' in column ', {column}, ' is not the one that its text says')) END",
        text=text,
        type=type_sql(live),
        value=value,
        column=Literal(column),
    )


def loses_by_text(live: SqlType) -> bool:
    """True if text doesn't say which value of the type it is: of which member of a union, for one."""
    if live.element is not None:
        return loses_by_text(live.element)
    if live.members:
        return any(loses_by_text(member) for _, member in live.members)
    return _LOSING.search(live.name) is not None


def unloadable(column: Column) -> str | None:
    """The reason why no load can write values of the column; None if a load can."""
    return f"text doesn't say which value of {column.type} it is" if loses_by_text(column.type) else None


def _as_bytes(value: SQL, column: str) -> SQL:
    return sql("CAST({value} AS BLOB)", value=value)


def _as_microseconds(value: SQL, column: str) -> SQL:
    """A day is 24 hours in a duration; a month has no length, so a value with months is an error."""
    return sql(
        "CASE WHEN date_part('year', {value}) <> 0 OR date_part('month', {value}) <> 0 "
        "THEN error(concat('the interval ', {value}, ' in column ', {column}, ' has months, which are no duration')) "
        "ELSE epoch_us({value}) END",
        value=value,
        column=Literal(column),
    )


_LOSING = re.compile(r"\b(UNION|VARIANT|TUPLE|TYPE|LAMBDA)\b")
"""Matches the name of a type whose text doesn't give its values exactly."""
_EXPRESSIONS: Mapping[str, Callable[[SQL, str], SQL]] = {
    "uuid": _as_bytes,
    "json": _as_text,
    "hugeint": _as_text,
    "uhugeint": _as_text,
    "interval": _as_microseconds,
}


ROWS_PER_BATCH = 65_536
_UNDECIDED = frozenset({"FatalException", "InternalException", "IOException"})
"""Errors of a COMMIT in the midst of which the log may have been written."""


class Connection(Protocol):
    """The methods of a `duckdb.DuckDBPyConnection` that are called here."""

    @property
    def rowcount(self) -> int: ...
    def execute(self, query: str) -> Any: ...
    def complete(self) -> None: ...
    def sql(self, query: str) -> Any: ...
    def extract_statements(self, query: str) -> Any: ...
    def from_arrow(self, arrow_object: object) -> Any: ...
    def cursor(self) -> Any: ...
    def interrupt(self) -> None: ...
    def close(self) -> None: ...


def server_of(connection: Connection) -> Server:
    """The version, and the schema that names without one are in."""
    return server_from(fetch_table(connection, ASKED.text(QUOTING)).to_pylist()[0])


def checked_server(connection: Connection) -> Server:
    """The server of `server_of`; a DeclarationError if a setting would change the meaning of our statements."""
    found = fetch_table(connection, ASKED.text(QUOTING)).to_pylist()[0]
    check_settings(found)
    return server_from(found)


def server_from(found: dict[str, Any]) -> Server:
    """Read the row of `ASKED`."""
    version = tuple(int(part) for part in re.findall(r"\d+", found["version"])[:3])
    return Server("duckdb", version, found["namespace"])


def path_of(connection: Connection) -> str:
    """The file of the database that is used; empty where it is in memory."""
    query = "SELECT coalesce(path, '') AS path FROM duckdb_databases() WHERE database_name = current_database()"
    path: str = fetch_table(connection, query).to_pylist()[0]["path"]
    return path


def run_statement(connection: Connection, text: str) -> int:
    """Run the statements to their end; the rows that the last one affected."""
    try:
        connection.execute(text)
        rows = connection.rowcount
        connection.complete()
    except Exception as error:
        raise translated(error, text) from error
    return max(rows, 0)


def fetch_table(connection: Connection, text: str) -> pa.Table:
    """The whole result, refused where Arrow would get other values."""
    try:
        _settle(connection)
        relation = connection.sql(text)
        if relation is None:
            return pa.table({})
        if (lost := lost_column(relation.columns, relation.types)) is not None:
            raise DeclarationError(lost, hint=f"{CAST_HINT}; or use stream, which does")
        table: pa.Table = relation.to_arrow_table()
    except Exception as error:
        raise translated(error, text) from error
    return table


def open_reader(connection: Connection, text: str, readers: list[pa.RecordBatchReader]) -> None:
    """Add to `readers` one over the result; the connection can do nothing else until it is closed."""
    try:
        _settle(connection)
        readers.append(connection.sql(text).to_arrow_reader(ROWS_PER_BATCH))
    except Exception as error:
        raise translated(error, text) from error


def open_result(connection: Connection, text: str, readers: list[pa.RecordBatchReader]) -> pa.Schema:
    """The schema of any query's result, over which one more reader is in `readers`: see `open_reader`."""
    try:
        _settle(connection)
        statements = connection.extract_statements(text)
        # All that has some result is a relation, if only of how many rows there are; what needs none may have none.
        if not statements or any(kind.name == "NOTHING" for kind in statements[-1].expected_result_type):
            raise no_result()
        relation = connection.sql(text)
        described = zip(relation.columns, relation.types, strict=True)
        selected, schema = read_result([Column(name, parse_type(str(kind))) for name, kind in described])
        if selected is not None:
            relation = relation.project(selected.text(QUOTING))
        readers.append(relation.to_arrow_reader(ROWS_PER_BATCH))
    except Exception as error:
        raise translated(error, text) from error
    return schema


def next_batch(reader: pa.RecordBatchReader, schema: pa.Schema) -> pa.RecordBatch | None:
    """The next batch in the types of `schema`, None at the end."""
    try:
        batch = reader.read_next_batch()
    except StopIteration:
        return None
    except Exception as error:
        raise translated(error, None) from error
    return read_batch(batch, schema)


def close_all(readers: list[pa.RecordBatchReader]) -> None:
    """Close the readers, whose connection is free then."""
    while readers:
        readers.pop().close()


def in_transaction(connection: Connection) -> bool:
    """True if a transaction is open. BEGIN would tell too, but abort it; outside of one, each statement has its own number."""
    try:
        numbers = {connection.execute("SELECT txid_current()").fetchall()[0] for _ in range(2)}
    except Exception as error:
        raise translated(error, None) from error
    return len(numbers) == 1


def commit(connection: Connection) -> None:
    """Commit, or say that there is nothing to commit: DuckDB's own COMMIT rolls a failed transaction back silently."""
    try:
        connection.execute("SELECT 1").fetchall()
    except Exception as error:
        raise DatabaseError(
            "nothing was committed: a statement of the transaction had failed",
            hint="let the error of that statement leave the transaction, or don't run it inside",
        ) from error
    try:
        run_statement(connection, "COMMIT")
    except DatabaseError as error:
        if error.code in _UNDECIDED:
            doubt(error)
        raise


def rollback(connection: Connection) -> None:
    """Roll back, where a transaction is open."""
    try:
        connection.execute("ROLLBACK")
    except Exception as error:
        if "no transaction is active" not in str(error):
            raise translated(error, "ROLLBACK") from error


def abort(connection: Connection) -> None:
    """Make the open transaction one that can't be committed: any error does."""
    with suppress(Exception):
        connection.execute("SELECT error('the transaction is to be rolled back')").fetchall()


def translated(error: Exception, statement: str | None) -> Exception:
    """The error to raise in place of one of the driver, or of Arrow reading from it; our own are kept."""
    if isinstance(error, (ArrowSyncError, MemoryError)):
        return error
    return translate(error, statement)


def _settle(connection: Connection) -> None:
    """Discard the unread result of the user's last execute(), as their next execute() would: DuckDB runs no `sql()` before."""
    connection.execute("SELECT 1").fetchall()
