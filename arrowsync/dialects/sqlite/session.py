"""`SqliteSession`: one connection of `sqlite3`, driven from a worker thread."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.parse import parse_qsl, quote, unquote

import pyarrow as pa

from arrowsync.bridge import Worker, commit, keep_in_children, uninterrupted
from arrowsync.catalog import Column
from arrowsync.dialects.contract import Dialect, LoadResult, LoadTarget, Opener, Result, Server
from arrowsync.dialects.defaults import not_shared
from arrowsync.dialects.scopes import Scope
from arrowsync.dialects.sqlite import DIALECT, driver
from arrowsync.dialects.sqlite.errors import is_busy, translate
from arrowsync.dialects.sqlite.load import insert_batches
from arrowsync.dialects.sqlite.quoting import QUOTING
from arrowsync.dialects.sqlite.types import to_spec
from arrowsync.errors import ArrowSyncError, ConnectionLost, DatabaseError, DeclarationError, MissingDriver
from arrowsync.sql import SQL, Identifier, sql

if TYPE_CHECKING:
    from sqlite3 import Connection

P = ParamSpec("P")
R = TypeVar("R")

MEMORY = ":memory:"
PATIENCE_SECONDS = 60.0
"""How long a file that others have locked is waited for, unless the URL says otherwise."""
_BUSY_SECONDS = 0.1
"""How long SQLite itself waits, in which nothing interrupts it."""
_PAUSE_SECONDS = 0.02
_MODES = ("ro", "rw", "rwc")
_ENDED = "the transaction has ended before: SQLite rolls back by itself after some errors"


@dataclass(frozen=True, slots=True)
class Address:
    """The file (or `:memory:`), SQLite's mode of opening it, and how long a lock of others is waited for."""

    path: str
    mode: str = "rwc"
    timeout: float = PATIENCE_SECONDS


def address_of(url: str) -> Address:
    """The parts of a `sqlite:` URL; a DeclarationError where it isn't one."""
    _, _, rest = url.partition(":")
    place, _, query = rest.partition("?")
    if not place.startswith("//"):
        raise _wrong("a SQLite URL begins with sqlite://")
    host, slash, path = place[2:].partition("/")
    if host:  # not shown, as a password may stand before it
        raise _wrong("a SQLite URL names no host: something stands between its second and its third slash")
    options = dict(parse_qsl(query, keep_blank_values=True))
    mode = options.pop("mode", "rwc")
    timeout = options.pop("timeout", str(PATIENCE_SECONDS))
    if options:  # not shown, as one may hold a secret
        raise _wrong("a SQLite URL has the parameters mode and timeout, and no other")
    if mode not in _MODES:
        raise _wrong(f"mode has to be one of {', '.join(_MODES)}")
    if not timeout.replace(".", "", 1).isdecimal():
        raise _wrong("timeout has to be a number of seconds")
    return Address(unquote(path) if slash and path else MEMORY, mode, float(timeout))


def _wrong(problem: str) -> DeclarationError:
    return DeclarationError(
        problem,
        hint="write sqlite:///file.db for a file here, sqlite:////folder/file.db for an absolute path, "
        "or sqlite:// for a database in memory",
    )


async def open_session(url: str) -> SqliteSession:
    """A session with a connection of its own to the file that the URL names, which is created where it is missing."""
    address = address_of(url)
    worker = Worker("sqlite")
    try:
        connection, server, path = await worker.run(_connect, address)
        session = SqliteSession(connection, worker, server, path, address)
    except BaseException:
        worker.close()
        raise
    keep_in_children(session)
    return session


async def adopt_session(connection: object) -> SqliteSession:
    """A session around a connection that the user has opened, which stays theirs: it is never closed or reconfigured."""
    adopted: Any = connection
    if not hasattr(adopted, "interrupt"):
        raise DeclarationError(
            f"{type(connection).__module__}.{type(connection).__qualname__} is not a SQLite connection",
            hint="pass what sqlite3.connect() gives",
        )
    worker = Worker("sqlite")
    try:
        server, path = await worker.run(_adopted, adopted)
        return SqliteSession(adopted, worker, server, path, None)
    except BaseException:
        worker.close()
        raise


class SqliteSession:
    """One SQLite connection; see `Session`. Without an `address` the connection is the user's own."""

    def __init__(
        self, connection: Connection, worker: Worker, server: Server, path: str, address: Address | None
    ) -> None:
        self._connection = connection
        self._worker = worker
        self._server = server
        self._address = address
        self.path = path
        """The file, by its real name; empty for a database in memory."""
        self._open = True
        self._results: list[driver.OpenResult] = []
        self._scopes = 0

    @property
    def dialect(self) -> Dialect:
        return DIALECT

    @property
    def server(self) -> Server:
        return self._server

    async def execute(self, statement: SQL) -> int:
        return await self._run(driver.run_statement, self._connection, statement.text(QUOTING))

    async def fetch(self, query: SQL) -> pa.Table:
        return await self._run(driver.fetch_table, self._connection, query.text(QUOTING))

    @asynccontextmanager
    async def stream(self, query: SQL, columns: Sequence[Column] | None = None) -> AsyncGenerator[Result]:
        schema = None
        if columns is not None:
            schema = pa.schema([to_spec(column).arrow_field.with_nullable(True) for column in columns])
        opened: list[driver.OpenResult] = []

        def open_result() -> driver.OpenResult:
            result = driver.open_result(self._connection, query.text(QUOTING), schema)
            opened.append(result)
            self._results.append(result)
            return result

        try:
            result = await self._run(open_result)
            async with aclosing(self._drain(result)) as batches:
                yield Result(result.schema, batches)
        finally:
            for each in opened if self._open else ():  # else they were closed with it
                await self._worker.run(each.close)
                self._results.remove(each)

    async def _drain(self, result: driver.OpenResult) -> AsyncGenerator[pa.RecordBatch]:
        while (batch := await self._run(result.next_batch)) is not None:
            yield batch

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[bool]:
        inside = self._scopes > 0 or await self._run(lambda: self._connection.in_transaction)
        scope = self._savepoint() if inside else self._transaction()
        async with scope.entered():
            self._scopes += 1
            try:
                yield not inside
            finally:
                self._scopes -= 1

    def _transaction(self) -> Scope:
        writes = self._address is None or self._address.mode != "ro"
        begin = sql("BEGIN IMMEDIATE") if writes else sql("BEGIN")  # with the lock that lets nobody else write

        async def run() -> None:
            await self._patiently(lambda: self._worker.run(driver.commit, self._connection))

        async def end() -> None:
            try:
                await commit(run, _nobody_knows)
            except BaseException:
                await rollback()
                raise

        async def rollback() -> None:
            with suppress(DatabaseError):  # the error that made it necessary is on its way
                await uninterrupted(self._worker.run(driver.rollback, self._connection))

        return Scope(lambda: self.execute(begin), end, rollback)

    def _savepoint(self) -> Scope:
        name = Identifier(f"arrowsync_{self._scopes}")
        release = sql("RELEASE {name}", name=name)
        undo = [each.text(QUOTING) for each in (sql("ROLLBACK TO {name}", name=name), release)]

        async def rollback() -> None:
            with suppress(DatabaseError):  # it may be rolled back already, with the whole transaction
                await uninterrupted(self._worker.run(driver.roll_back_to, self._connection, undo))

        return Scope(lambda: self.execute(sql("SAVEPOINT {name}", name=name)), lambda: self.execute(release), rollback)

    async def load(self, target: LoadTarget, batches: Iterator[pa.RecordBatch]) -> LoadResult:
        going = True

        def checked() -> Iterator[pa.RecordBatch]:
            for batch in batches:
                if not going:
                    raise InterruptedError("the load was cancelled")
                yield batch

        def insert() -> LoadResult:
            try:
                return insert_batches(self._connection, target, checked())
            finally:
                close = getattr(batches, "close", None)
                if close is not None:
                    close()

        def stop() -> None:
            nonlocal going
            going = False
            self._connection.interrupt()

        self._check()
        return await self._worker.run_interruptible(stop, insert)

    async def opener(self) -> Opener:
        raise not_shared("sqlite is loaded over one connection")

    def distrust(self) -> None:
        """Nothing: what our statements rely on is set around each call."""

    @asynccontextmanager
    async def pinned(self) -> AsyncGenerator[None]:
        """Nothing, for the same reason: `driver.usual_texts` does it."""
        yield

    async def cancel(self) -> None:
        self._connection.interrupt()

    async def close(self) -> None:
        if not self._open:
            return
        self._open = False
        try:
            for result in self._results:  # an open result holds a lock on the file
                await self._worker.run(result.close)
            if self._address is not None:
                await self._worker.run(self._connection.close)
        finally:
            self._worker.close()

    def abandon(self) -> None:
        if self._open and self._address is not None:
            self._open = False
            self._connection.close()

    async def _run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The result of `call` in the worker's thread; a cancellation interrupts SQLite, and waits until it has stopped."""
        self._check()

        async def once() -> R:
            return await self._worker.run_interruptible(self._connection.interrupt, call, *args, **kwargs)

        return await self._patiently(once) if self._scopes == 0 else await once()

    def _check(self) -> None:
        if not self._open:
            raise ConnectionLost("the connection is closed", hint="open a new one with connect")
        if self._scopes and not self._connection.in_transaction:
            raise DatabaseError(_ENDED, hint="let the error leave the transaction, and begin another")

    async def _patiently(self, once: Callable[[], Any]) -> Any:
        """The result of a call that does nothing while others have the file locked. A user's connection has its own patience."""
        end = monotonic() + (self._address.timeout if self._address is not None else 0.0)
        while True:
            try:
                return await once()
            except ArrowSyncError as error:
                if not is_busy(error) or monotonic() >= end:
                    raise
            await asyncio.sleep(_PAUSE_SECONDS)


async def _nobody_knows() -> bool | None:
    """A COMMIT that has failed isn't one that may have happened: nothing else is asked."""
    return False


def _adopted(connection: Connection) -> tuple[Server, str]:
    """The version, and the file; an error where the connection can't be used from this thread."""
    import sqlite3

    server = driver.server_of(sqlite3.sqlite_version)
    main = driver.fetch_table(connection, sql("SELECT file FROM pragma_database_list WHERE seq = 0").text(QUOTING))
    file: str = main.to_pylist()[0]["file"] or ""
    return server, file and os.path.realpath(file)


def _connect(address: Address) -> tuple[Connection, Server, str]:
    try:
        import sqlite3
    except ImportError as error:
        raise MissingDriver("pysqlite3", needed_for="a sqlite:// URL") from error
    server = driver.server_of(sqlite3.sqlite_version)
    name = MEMORY if address.path == MEMORY else f"file:{quote(address.path)}?mode={address.mode}"
    try:
        connection = sqlite3.connect(
            name, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=address.path != MEMORY
        )
    except sqlite3.Error as error:
        raise translate(error, path=address.path) from error
    try:
        connection.execute(sql("PRAGMA foreign_keys = ON").text(QUOTING))
        connection.execute(sql("SELECT count(*) FROM sqlite_schema").text(QUOTING)).fetchall()
    except sqlite3.Error as error:
        connection.close()
        made = translate(error, path=address.path)
        if not is_busy(made):
            raise made from error
    return connection, server, "" if address.path == MEMORY else os.path.realpath(address.path)
