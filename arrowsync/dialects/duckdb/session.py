"""`DuckDBSession`: one DuckDB connection, driven from a worker thread."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.parse import parse_qsl, unquote

import pyarrow as pa

from arrowsync.bridge import Worker, commit, keep_in_children
from arrowsync.catalog import Column
from arrowsync.dialects.contract import Dialect, LoadResult, LoadTarget, Opener, Result, Server
from arrowsync.dialects.defaults import not_shared
from arrowsync.dialects.duckdb import DIALECT, driver
from arrowsync.dialects.duckdb.driver import read_query, sendable, sendable_schema
from arrowsync.dialects.duckdb.errors import in_use, translate
from arrowsync.dialects.duckdb.load import default_memory, insert_batches
from arrowsync.dialects.duckdb.quoting import QUOTING
from arrowsync.dialects.duckdb.types import to_spec
from arrowsync.dialects.inherited import is_open_in_parent
from arrowsync.errors import ArrowSyncError, ConnectionLost, DeclarationError, MissingDriver
from arrowsync.sql import SQL

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = ":memory:"
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Address:
    """The file (or `:memory:`), its access, and settings for the engine."""

    path: str
    read_only: bool = False
    options: tuple[tuple[str, str], ...] = ()

    @property
    def uses_default_memory(self) -> bool:
        """True if there is a file to write to, and no limit that the user has chosen."""
        return self.path != MEMORY and not {"memory_limit", "max_memory"} & dict(self.options).keys()


def address_of(url: str) -> Address:
    """The parts of a `duckdb:` URL; a DeclarationError where it isn't one."""
    _, _, rest = url.partition(":")
    place, _, query = rest.partition("?")
    if not place.startswith("//"):
        raise _wrong("a DuckDB URL begins with duckdb://")
    host, slash, path = place[2:].partition("/")
    if host:  # not shown, as a password may stand before it
        raise _wrong("a DuckDB URL names no host: something stands between its second and its third slash")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if "password" in options:  # refused here: what follows an & that isn't encoded would be shown as a setting's name
        raise _wrong("a DuckDB URL has no password")
    read_only = options.pop("read_only", "false").lower()
    if read_only not in _BOOLEANS:
        raise _wrong("read_only has to be true or false")
    return Address(unquote(path) if slash and path else MEMORY, _BOOLEANS[read_only], tuple(options.items()))


def _wrong(problem: str) -> DeclarationError:
    return DeclarationError(
        problem,
        hint="write duckdb:///file.duckdb for a file here, duckdb:////folder/file.duckdb for an absolute path, "
        "or duckdb:// for a database in memory",
    )


P = ParamSpec("P")
R = TypeVar("R")

_NO_SAVEPOINTS = (
    "DuckDB has no savepoints: the transaction that was open has been aborted, and nothing of it can be committed. "
    "ROLLBACK it."
)


async def open_session(url: str) -> DuckDBSession:
    """A session with a connection of its own to the database that the URL names; its file is created where it is missing."""
    address = address_of(url)
    worker = Worker("duckdb")
    try:
        connection = await worker.run(_connect, address)
        try:
            server = await worker.run(driver.server_of, connection)
            memory = await worker.run(default_memory, connection) if address.uses_default_memory else None
        except BaseException:
            connection.close()
            raise
        path = await worker.run(driver.path_of, connection)
        session = DuckDBSession(connection, worker, server, owned=True, usual_memory=memory, path=path)
    except BaseException:
        worker.close()
        raise
    keep_in_children(session)
    return session


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
        server = await worker.run(driver.server_of, adopted)
        path = await worker.run(driver.path_of, adopted)
        return DuckDBSession(adopted, worker, server, owned=False, path=path)
    except BaseException:
        worker.close()
        raise


class DuckDBSession:
    """One DuckDB connection; see `Session`."""

    def __init__(
        self,
        connection: DuckDBPyConnection,
        worker: Worker,
        server: Server,
        *,
        owned: bool,
        usual_memory: str | None = None,
        path: str = "",
    ) -> None:
        self.path = path
        """The file that it has open; empty for a database in memory."""
        self._connection = connection
        self._worker = worker
        self._server = server
        self._owned = owned
        self._usual_memory = usual_memory
        self._open = True
        self._results: list[list[pa.RecordBatchReader]] = []
        self._scopes = 0
        self._writes = 0

    @property
    def dialect(self) -> Dialect:
        return DIALECT

    @property
    def server(self) -> Server:
        return self._server

    async def execute(self, statement: SQL) -> int:
        self._writes += 1
        return await self._run(driver.run_statement, self._connection, statement.text(QUOTING))

    async def fetch(self, query: SQL) -> pa.Table:
        return await self._run(driver.fetch_table, self._connection, query.text(QUOTING))

    @asynccontextmanager
    async def stream(self, query: SQL, columns: Sequence[Column] | None = None) -> AsyncGenerator[Result]:
        readers = self._begin_results()
        try:
            if columns is None:
                self._writes += 1  # it may be a statement with RETURNING
                schema = await self._run(driver.open_result, self._connection, query.text(QUOTING), readers)
            else:
                schema = pa.schema([to_spec(column).arrow_field.with_nullable(True) for column in columns])
                text = read_query(query, columns).text(QUOTING)
                await self._run(driver.open_reader, self._connection, text, readers)
            async with aclosing(self._drain(readers[0], schema)) as batches:
                yield Result(schema, batches)
        finally:
            await self._close_all(readers)

    def _begin_results(self) -> list[pa.RecordBatchReader]:
        """The stack for the results of a query, which is closed with the session at the latest."""
        readers: list[pa.RecordBatchReader] = []
        self._results.append(readers)
        return readers

    async def _close_all(self, readers: list[pa.RecordBatchReader]) -> None:
        """Close the open results, any of which would keep the connection from doing anything else."""
        if self._open:  # else they were closed with it
            await self._worker.run(driver.close_all, readers)
            self._results = [others for others in self._results if others is not readers]

    async def _drain(self, reader: pa.RecordBatchReader, schema: pa.Schema) -> AsyncGenerator[pa.RecordBatch]:
        while (batch := await self._run(driver.next_batch, reader, schema)) is not None:
            yield batch

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[bool]:
        inside = self._scopes > 0 or await self._run(driver.in_transaction, self._connection)
        scope = self._inner_scope() if inside else self._own_transaction()
        self._scopes += 1
        try:
            async with scope:
                yield not inside
        finally:
            self._scopes -= 1

    @asynccontextmanager
    async def _own_transaction(self) -> AsyncGenerator[None]:
        try:
            await self._run(driver.run_statement, self._connection, "BEGIN TRANSACTION")
            yield
            await commit(lambda: self._worker.run(driver.commit, self._connection), _nobody_knows)
        except BaseException:
            await self._worker.run(driver.rollback, self._connection)
            raise

    @asynccontextmanager
    async def _inner_scope(self) -> AsyncGenerator[None]:
        before = self._writes
        try:
            yield
        except BaseException as error:
            if self._writes > before:
                await self._worker.run(driver.abort, self._connection)
                if _NO_SAVEPOINTS not in getattr(error, "__notes__", ()):
                    error.add_note(_NO_SAVEPOINTS)
                    if isinstance(error, ArrowSyncError):
                        error.hint = f"{error.hint}; {_NO_SAVEPOINTS}" if error.hint else _NO_SAVEPOINTS
            raise

    async def load(self, target: LoadTarget, batches: Iterator[pa.RecordBatch]) -> LoadResult:
        self._writes += 1
        schema = sendable_schema(target.schema)
        going = True

        def prepared() -> Generator[pa.RecordBatch]:
            try:
                for batch in batches:
                    if not going:
                        raise InterruptedError("the load was cancelled")
                    yield sendable(batch, schema)
            finally:
                close = getattr(batches, "close", None)
                if close is not None:
                    close()

        def stop() -> None:
            nonlocal going
            going = False
            self._connection.interrupt()

        def insert() -> LoadResult:
            with closing(prepared()) as ready:
                return insert_batches(self._connection, target, schema, ready, self._usual_memory)

        return await self._worker.run_interruptible(stop, insert)

    async def opener(self) -> Opener:
        raise not_shared("duckdb is loaded over one connection")

    def distrust(self) -> None:
        """Do nothing: settings are read for each call, as other connections can change them too."""

    @asynccontextmanager
    async def pinned(self) -> AsyncGenerator[None]:
        """Refuse unfit settings instead of changing them: they belong to the whole database."""
        self._server = await self._run(driver.checked_server, self._connection)
        yield

    async def cancel(self) -> None:
        self._connection.interrupt()

    async def close(self) -> None:
        if not self._open:
            return
        self._open = False
        try:
            # An open result keeps the file open, and whoever opens it next waiting.
            for readers in self._results:
                await self._worker.run(driver.close_all, readers)
            if self._owned:
                await self._worker.run(self._connection.close)
        finally:
            self._worker.close()

    def abandon(self) -> None:
        if self._open and self._owned:
            self._open = False
            self._connection.close()

    async def _run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The result of `call` in the worker's thread; a cancellation interrupts DuckDB, and waits until it has stopped."""
        if not self._open:
            raise ConnectionLost("the connection is closed", hint="open a new one with connect")
        return await self._worker.run_interruptible(self._connection.interrupt, call, *args, **kwargs)


async def _nobody_knows() -> bool | None:
    """None: a database that has failed in a COMMIT must be opened again before it can be queried."""
    return None


def _connect(address: Address) -> DuckDBPyConnection:
    try:
        import duckdb
    except ImportError as error:
        raise MissingDriver("duckdb", needed_for="a duckdb:// URL") from error
    if is_open_in_parent(address.path):  # the driver would give us the database of the parent, without its threads
        raise in_use(address.path, os.getppid(), "the parent process")
    try:
        connection = duckdb.connect(address.path, read_only=address.read_only, config=dict(address.options))
        # In a notebook DuckDB draws a progress bar of its own.
        connection.execute("SET enable_progress_bar = false")
    except duckdb.Error as error:
        raise translate(error, path=address.path) from error
    return connection
