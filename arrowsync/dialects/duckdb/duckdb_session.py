"""`DuckDBSession`: one DuckDB connection, driven from a worker thread.

DuckDB runs in this process, so loading is an INSERT that pulls the batches itself, through an Arrow stream.

It has no savepoints, and a failed statement aborts the whole transaction. So `transaction()` inside another one, of the
session or of the user, undoes nothing by itself: when it fails after it has written something, it aborts the transaction
around it, and DuckDB then refuses everything but ROLLBACK. A COMMIT of an aborted transaction would succeed and roll back
silently, which is why `_commit` asks first.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import pyarrow as pa

from arrowsync.bridge import GuardedReader, Worker, guarded_reader
from arrowsync.catalog import Column
from arrowsync.dialects.dialect import LoadResult, LoadTarget, Server
from arrowsync.dialects.duckdb.address import address_of
from arrowsync.dialects.duckdb.faults import is_driver_error, translate
from arrowsync.dialects.duckdb.quoting import QUOTING
from arrowsync.dialects.duckdb.reading import read_batch, read_query, sendable, sendable_schema
from arrowsync.dialects.duckdb.types import spec_of
from arrowsync.dialects.shared import names
from arrowsync.errors import DatabaseError, DeclarationError, MissingDriver
from arrowsync.sql import SQL, sql, trusted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

P = ParamSpec("P")
R = TypeVar("R")

ROWS_PER_BATCH = 65_536
_NO_SAVEPOINTS = (
    "DuckDB has no savepoints: the transaction that was open has been aborted, and nothing of it can be committed. "
    "ROLLBACK it."
)


async def open_session(url: str) -> DuckDBSession:
    """A session with a connection of its own to the database that the URL names; its file is created where it is missing."""
    address = address_of(url)
    worker = Worker("duckdb")
    try:
        connection = await worker.run(_connect, address.path, address.read_only, dict(address.options))
        return DuckDBSession(connection, worker, await worker.run(_server, connection), owned=True)
    except BaseException:
        worker.close()
        raise


async def adopt_session(connection: object) -> DuckDBSession:
    """A session around a connection that the user has opened, which stays theirs: it is never closed or reconfigured."""
    adopted: Any = connection
    if not hasattr(adopted, "interrupt"):
        raise DeclarationError(
            f"{type(connection).__module__}.{type(connection).__qualname__} is not a DuckDB connection",
            hint="pass what duckdb.connect() gives",
        )
    worker = Worker("duckdb")
    try:
        return DuckDBSession(adopted, worker, await worker.run(_server, adopted), owned=False)
    except BaseException:
        worker.close()
        raise


class DuckDBSession:
    """One DuckDB connection; see `Session`."""

    def __init__(self, connection: DuckDBPyConnection, worker: Worker, server: Server, *, owned: bool) -> None:
        self._connection = connection
        self._worker = worker
        self._server = server
        self._owned = owned
        self._open = True
        self._scopes = 0
        self._writes = 0

    @property
    def server(self) -> Server:
        return self._server

    async def execute(self, statement: SQL) -> int:
        self._writes += 1
        return await self._run(_execute, self._connection, statement.text(QUOTING))

    async def fetch(self, query: SQL) -> pa.Table:
        return await self._run(_fetch, self._connection, query.text(QUOTING))

    @asynccontextmanager
    async def stream(self, query: SQL, columns: Sequence[Column]) -> AsyncGenerator[AsyncIterator[pa.RecordBatch]]:
        schema = pa.schema([spec_of(column).arrow_field.with_nullable(True) for column in columns])
        text = read_query(query, columns).text(QUOTING)
        readers: list[pa.RecordBatchReader] = []
        try:
            await self._run(_open_reader, self._connection, text, readers)
            async with aclosing(self._drain(readers[0], schema)) as batches:
                yield batches
        finally:
            # An open result would keep the connection from doing anything else.
            await self._worker.run(_close_all, readers)

    async def _drain(self, reader: pa.RecordBatchReader, schema: pa.Schema) -> AsyncGenerator[pa.RecordBatch]:
        while (batch := await self._run(_next_batch, reader, schema)) is not None:
            yield batch

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[None]:
        inside = self._scopes > 0 or await self._run(_in_transaction, self._connection)
        scope = self._inner_scope() if inside else self._own_transaction()
        self._scopes += 1
        try:
            async with scope:
                yield
        finally:
            self._scopes -= 1

    @asynccontextmanager
    async def _own_transaction(self) -> AsyncGenerator[None]:
        try:
            await self._run(_execute, self._connection, "BEGIN TRANSACTION")
            yield
            await self._worker.run(_commit, self._connection)
        except BaseException:
            await self._worker.run(_rollback, self._connection)
            raise

    @asynccontextmanager
    async def _inner_scope(self) -> AsyncGenerator[None]:
        before = self._writes
        try:
            yield
        except BaseException as error:
            if self._writes > before:
                await self._worker.run(_abort, self._connection)
                error.add_note(_NO_SAVEPOINTS)
            raise

    async def load(self, target: LoadTarget, batches: Iterator[pa.RecordBatch]) -> LoadResult:
        self._writes += 1
        schema = sendable_schema(target.schema)
        going = True

        def prepared() -> Iterator[pa.RecordBatch]:
            for batch in batches:
                if not going:
                    raise InterruptedError("the load was cancelled")
                yield sendable(batch, schema)

        def stop() -> None:
            nonlocal going
            going = False
            self._connection.interrupt()

        guard = guarded_reader(schema, prepared())
        return await self._worker.run_interruptible(stop, _insert, self._connection, target, guard, batches)

    async def cancel(self) -> None:
        self._connection.interrupt()

    async def close(self) -> None:
        if not self._open:
            return
        self._open = False
        try:
            if self._owned:
                await self._worker.run(self._connection.close)
        finally:
            self._worker.close()

    async def _run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The result of `call` in the worker's thread; a cancellation interrupts DuckDB, and waits until it has stopped."""
        return await self._worker.run_interruptible(self._connection.interrupt, call, *args, **kwargs)


# All that follows runs in the worker's thread.


def _connect(path: str, read_only: bool, options: dict[str, Any]) -> DuckDBPyConnection:
    try:
        import duckdb
    except ImportError as error:
        raise MissingDriver("duckdb", needed_for="a duckdb:// URL") from error
    try:
        connection = duckdb.connect(path, read_only=read_only, config=options)
        # In a notebook DuckDB draws a progress bar of its own.
        connection.execute("SET enable_progress_bar = false")
    except duckdb.Error as error:
        raise translate(error, path=path) from error
    return connection


def _server(connection: DuckDBPyConnection) -> Server:
    found = _fetch(connection, "SELECT version() AS version, current_schema() AS namespace").to_pylist()[0]
    version = tuple(int(part) for part in re.findall(r"\d+", found["version"])[:3])
    return Server("duckdb", version, found["namespace"])


def _execute(connection: DuckDBPyConnection, text: str) -> int:
    try:
        connection.execute(text)
        rows = connection.rowcount
        connection.complete()
    except Exception as error:
        raise _translated(error, text) from error
    return max(rows, 0)


def _settle(connection: DuckDBPyConnection) -> None:
    """End what the user's last execute() left unread, as their own next execute() would: DuckDB runs no `sql()` before."""
    connection.execute("SELECT 1").fetchall()


def _fetch(connection: DuckDBPyConnection, text: str) -> pa.Table:
    try:
        _settle(connection)
        relation: Any = connection.sql(text)
        table: pa.Table = pa.table({}) if relation is None else relation.to_arrow_table()
    except Exception as error:
        raise _translated(error, text) from error
    return table


def _open_reader(connection: DuckDBPyConnection, text: str, readers: list[pa.RecordBatchReader]) -> None:
    try:
        _settle(connection)
        readers.append(connection.sql(text).to_arrow_reader(ROWS_PER_BATCH))
    except Exception as error:
        raise _translated(error, text) from error


def _next_batch(reader: pa.RecordBatchReader, schema: pa.Schema) -> pa.RecordBatch | None:
    try:
        batch = reader.read_next_batch()
    except StopIteration:
        return None
    except Exception as error:
        raise _translated(error, None) from error
    return read_batch(batch, schema)


def _close_all(readers: list[pa.RecordBatchReader]) -> None:
    while readers:
        readers.pop().close()


def _insert(
    connection: DuckDBPyConnection, target: LoadTarget, guard: GuardedReader, batches: Iterator[pa.RecordBatch]
) -> LoadResult:
    try:
        rows = _insert_from(connection, target, guard.reader)
    except DatabaseError:
        if guard.error is None:
            raise
        rows = 0
    finally:
        close = getattr(batches, "close", None)
        if close is not None:
            close()
    if guard.error is not None:
        raise guard.error  # and not what DuckDB makes of it
    return LoadResult(rows, guard.bytes)


def _insert_from(connection: DuckDBPyConnection, target: LoadTarget, reader: pa.RecordBatchReader) -> int:
    columns = names([column.name for column in target.columns])
    with _in_order(connection):
        # Unlike register(), this puts nothing into the catalog, which would have to be taken out of a failed transaction.
        source = connection.from_arrow(reader)
        statement = sql(
            "INSERT INTO {target} ({columns}) SELECT {columns} FROM ({batches})",
            target=target.name.identifier,
            columns=columns,
            batches=trusted(source.sql_query()),
        )
        return _execute(connection, statement.text(QUOTING))


@contextmanager
def _in_order(connection: DuckDBPyConnection) -> Generator[None]:
    """Rows are stored in the order in which they arrive, which decides what the last one with a key is."""
    try:
        in_order = connection.execute("SELECT current_setting('preserve_insertion_order')").fetchall()[0][0]
    except Exception as error:
        raise _translated(error, None) from error
    if in_order:
        yield
        return
    # The setting belongs to the whole process's database, and a failed transaction refuses SET: so another connection does it.
    with connection.cursor() as other:
        other.execute("SET preserve_insertion_order = true")
        try:
            yield
        finally:
            other.execute("SET preserve_insertion_order = false")


def _in_transaction(connection: DuckDBPyConnection) -> bool:
    """Whether a transaction is open. BEGIN would tell too, but abort it; outside of one, each statement has its own number."""
    try:
        numbers = {connection.execute("SELECT txid_current()").fetchall()[0] for _ in range(2)}
    except Exception as error:
        raise _translated(error, None) from error
    return len(numbers) == 1


def _commit(connection: DuckDBPyConnection) -> None:
    try:
        connection.execute("SELECT 1").fetchall()
    except Exception as error:
        raise DatabaseError(
            "nothing was committed: a statement of the transaction had failed",
            hint="let the error of that statement leave the transaction, or don't run it inside",
        ) from error
    _execute(connection, "COMMIT")


def _rollback(connection: DuckDBPyConnection) -> None:
    try:
        connection.execute("ROLLBACK")
    except Exception as error:
        if "no transaction is active" not in str(error):
            raise _translated(error, "ROLLBACK") from error


def _abort(connection: DuckDBPyConnection) -> None:
    """Make the open transaction one that can't be committed: any error does."""
    with suppress(Exception):
        connection.execute("SELECT error('the transaction is to be rolled back')").fetchall()


def _translated(error: Exception, statement: str | None) -> Exception:
    """What to raise in place of an error of the driver, or of Arrow reading from it."""
    return translate(error, statement) if is_driver_error(error) or isinstance(error, OSError) else error
