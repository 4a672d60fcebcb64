"""The blocking calls of the driver, with its errors translated: what a session runs in its worker's thread."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, Protocol

import pyarrow as pa

from arrowsync.catalog import Column
from arrowsync.dialects.dialect import Server
from arrowsync.dialects.duckdb.faults import is_driver_error, translate
from arrowsync.dialects.duckdb.quoting import QUOTING
from arrowsync.dialects.duckdb.reading import read_batch, read_result
from arrowsync.dialects.duckdb.typetext import parse_type
from arrowsync.dialects.results import no_result
from arrowsync.errors import DatabaseError, DeclarationError
from arrowsync.sources.duckdb import CAST_HINT, lost_column

ROWS_PER_BATCH = 65_536


class Connection(Protocol):
    """What is used of a `duckdb.DuckDBPyConnection`."""

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
    found = fetch_table(connection, "SELECT version() AS version, current_schema() AS namespace").to_pylist()[0]
    version = tuple(int(part) for part in re.findall(r"\d+", found["version"])[:3])
    return Server("duckdb", version, found["namespace"])


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
    """Whether a transaction is open. BEGIN would tell too, but abort it; outside of one, each statement has its own number."""
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
    run_statement(connection, "COMMIT")


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
    """What to raise in place of an error of the driver, or of Arrow reading from it; other errors as they are."""
    return translate(error, statement) if is_driver_error(error) or isinstance(error, OSError) else error


def _settle(connection: Connection) -> None:
    """End what the user's last execute() left unread, as their own next execute() would: DuckDB runs no `sql()` before."""
    connection.execute("SELECT 1").fetchall()
