"""Batches into a table: `insert_batches`, an INSERT that pulls them from an Arrow stream. Runs in a session's worker thread."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from typing import Any

import pyarrow as pa

from arrowsync.bridge import guarded_reader
from arrowsync.dialects.contract import LoadResult, LoadTarget
from arrowsync.dialects.duckdb.driver import Connection, run_statement, translated
from arrowsync.dialects.duckdb.merge import check_rows_kept
from arrowsync.dialects.duckdb.quoting import QUOTING
from arrowsync.dialects.merge_sql import names
from arrowsync.errors import DatabaseError
from arrowsync.sql import SQL, Literal, sql, trusted

STREAMING_MEMORY = "128MB"
"""The memory limit while rows stream in. With its default, 80 % of the machine, DuckDB keeps all that it has written: 6 million
rows of TPC-H lineitem took 690 MB without a limit and 320 MB with it, in the same time (2.0.0)."""


def insert_batches(
    connection: Connection,
    target: LoadTarget,
    schema: pa.Schema,
    batches: Iterator[pa.RecordBatch],
    usual_memory: str | None = None,
) -> LoadResult:
    """Insert the batches, in their order, and say how many rows arrived. What `batches` raises is raised as it is.

    Where the database has the `default_memory`, it is limited meanwhile, unless that could make it fail.
    """
    # The first batch before the INSERT: a source that needs this very connection fails here instead of inside of it. And an
    # INSERT without rows must not happen: see `merge.check_arrival`.
    first = next((batch for batch in batches if batch.num_rows), None)
    if first is None:
        return LoadResult(0, 0)
    guard = guarded_reader(schema, chain([first], batches))
    try:
        with _in_order(connection), _limited(connection, target, usual_memory):
            rows = _insert(connection, target, guard.reader)
    except DatabaseError:
        if guard.error is None:
            raise
    else:
        return LoadResult(rows, guard.bytes)
    raise guard.error  # and not what DuckDB made of it


def _insert(connection: Connection, target: LoadTarget, reader: pa.RecordBatchReader) -> int:
    # Unlike register(), from_arrow() puts nothing into the catalog, which a failed transaction would not let us take out.
    source = connection.from_arrow(reader)
    statement = sql(
        "INSERT INTO {target} ({columns}) SELECT {columns} FROM ({batches})",
        target=target.name.identifier,
        columns=names([column.name for column in target.columns]),
        batches=trusted(source.sql_query()),
    )
    rows = run_statement(connection, statement.text(QUOTING))
    run_statement(connection, check_rows_kept(target.name).text(QUOTING))
    return rows


@contextmanager
def _in_order(connection: Connection) -> Generator[None]:
    """Rows are stored in the order in which they arrive, which decides which one with a key is the last."""
    if _answer(connection, sql("SELECT current_setting('preserve_insertion_order')")):
        yield
        return
    # The setting belongs to the whole database, and a failed transaction refuses SET: so another connection changes it.
    with connection.cursor() as other:
        run_statement(other, "SET preserve_insertion_order = true")
        try:
            yield
        finally:
            other.execute("SET preserve_insertion_order = false")


def default_memory(connection: Connection) -> str | None:
    """The memory limit of a database that was just opened, if `insert_batches` may lower it: nobody else has it open."""
    usual: str = _answer(connection, sql("SELECT current_setting('memory_limit')"))
    alone = not _answer(connection, _OTHER_CONNECTIONS)
    return usual if alone and usual.endswith(("GiB", "TiB")) else None


@contextmanager
def _limited(connection: Connection, target: LoadTarget, usual: str | None) -> Generator[None]:
    """Limit DuckDB's memory, so that it writes to disk the rows that it would otherwise keep.

    Only where it is these rows alone that need memory: neither an index nor what other connections do need fit into it.
    """
    if usual is None or not _may_limit(connection, target, usual):
        yield
        return
    with connection.cursor() as other:
        # It fails where more is in use that can't be written to disk: then there is nothing to gain.
        with suppress(Exception):
            other.execute(_SET_MEMORY.text(QUOTING))
        try:
            yield
        finally:
            other.execute("RESET memory_limit")


def _may_limit(connection: Connection, target: LoadTarget, usual: str) -> bool:
    now = _answer(connection, sql("SELECT current_setting('memory_limit')"))
    return now == usual and not _answer(connection, _OTHER_CONNECTIONS) and not _answer(connection, _has_index(target))


_SET_MEMORY = sql("SET memory_limit = {memory}", memory=Literal(STREAMING_MEMORY))
_OTHER_CONNECTIONS = sql("SELECT COLUMNS(*) > 1 FROM duckdb_connection_count()")


def _has_index(target: LoadTarget) -> SQL:
    """A query that gives True if a table of this name has an index."""
    return sql(
        "SELECT count(*) > 0 FROM duckdb_tables() "
        "WHERE lower(table_name) = lower({name}) AND (has_primary_key OR index_count > 0)",
        name=Literal(target.name.name),
    )


def _answer(connection: Connection, query: SQL) -> Any:
    """The one value that the query gives."""
    text = query.text(QUOTING)
    try:
        return connection.execute(text).fetchall()[0][0]
    except Exception as error:
        raise translated(error, text) from error
