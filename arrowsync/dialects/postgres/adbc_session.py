"""`AdbcSession`: the user's own ADBC connection to PostgreSQL, driven from a worker thread.

Rows go in through the driver's COPY BINARY, as fields that our own encoder has made (`encode.pgfields`), and come out through it
as text in the forms of `readforms`.

Whose transaction it is, is decided by what is open on the server when the session begins. Nothing is open on a connection with
autocommit on, nor on one with autocommit off before its first statement and after each commit() and rollback(), since the
driver begins when it has to: then each `transaction()` is our own, and committed. Where the user has begun, by any statement
with autocommit off or by a BEGIN with autocommit on, we work in savepoints, and committing is theirs. With autocommit off the
driver lets nothing but the user's rollback() end a transaction in which a statement has failed, so there a savepoint saves
nothing from an error of the server.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TypeVar

import pyarrow as pa

from arrowsync.bridge import Worker
from arrowsync.catalog import Column
from arrowsync.dialects.dialect import LoadResult, LoadTarget, Result, Server
from arrowsync.dialects.postgres import adbc_calls as calls
from arrowsync.dialects.postgres.adbc_feed import Feed
from arrowsync.dialects.postgres.adbc_read import (
    ResultReader,
    compile_reader,
    compile_result_reader,
    compile_stream_reader,
)
from arrowsync.dialects.postgres.oids import type_oids
from arrowsync.dialects.postgres.quoting import QUOTING
from arrowsync.dialects.postgres.readresult import is_subquery
from arrowsync.dialects.results import batches_of, no_result
from arrowsync.encode.pgfields import compile_pgfields
from arrowsync.errors import ArrowSyncError, ConnectionLost, DatabaseError, DeclarationError
from arrowsync.sql import SQL, Identifier, sql, trusted

R = TypeVar("R")

OLDEST = 1, 13
"""The first version whose decimals all arrive as they are."""
_ROLL_BACK = "the transaction has failed, and the driver lets nothing but conn.rollback() end it"


async def adopt_session(connection: object) -> AdbcSession:
    """A session on the user's connection, which is never closed, and left as it was found."""
    from adbc_driver_manager import _reader  # its errors have codes, which those of pyarrow's reader have not

    if not hasattr(connection, "adbc_connection"):
        raise DeclarationError(
            f"{type(connection).__module__}.{type(connection).__qualname__} is not an ADBC connection",
            hint="pass what adbc_driver_postgresql.dbapi.connect() gives",
        )
    _check_version()
    imported = _reader.AdbcRecordBatchReader._import_from_c
    link = calls.Link(connection, lambda stream: imported(stream.address))
    worker = Worker("adbc")
    try:
        return AdbcSession(link, worker, await worker.run(calls.take_over, link))
    except BaseException:
        await worker.run(calls.give_back, link)
        worker.close()
        raise


def _check_version() -> None:
    try:
        installed = version("adbc-driver-postgresql")
    except PackageNotFoundError:  # a driver from elsewhere
        return
    if tuple(int(part) for part in installed.split(".")[:2]) < OLDEST:
        raise DeclarationError(
            f"adbc-driver-postgresql {installed} stores some numerics wrong, and can't say whether a transaction is open",
            hint=f'pip install --upgrade "adbc-driver-postgresql>={".".join(map(str, OLDEST))}"',
        )


class AdbcSession:
    """One ADBC connection; see `Session`."""

    def __init__(self, link: calls.Link, worker: Worker, server: Server) -> None:
        self._link = link
        self._worker = worker
        self._server = server
        self._savepoints = 0
        self._open = True
        self._failure: ArrowSyncError | None = None

    @property
    def server(self) -> Server:
        return self._server

    async def execute(self, statement: SQL) -> int:
        return await self._run(calls.run_statement, self._link, statement.text(QUOTING))

    async def fetch(self, query: SQL) -> pa.Table:
        """The whole result of a query. Types that arrowsync doesn't know come as text, and so do arrays of numeric."""
        text = query.text(QUOTING).rstrip("; \t\r\n")
        if not is_subquery(text):
            return await self._run(calls.fetch_native, self._link, text)
        reader = compile_result_reader(await self._run(calls.result_schema, self._link, text))
        async with self._read(trusted(text), reader) as batches:
            return reader.table([batch async for batch in batches])

    @asynccontextmanager
    async def stream(self, query: SQL, columns: Sequence[Column]) -> AsyncGenerator[AsyncIterator[pa.RecordBatch]]:
        async with self._read(query, compile_reader(columns)) as batches:
            yield batches

    @asynccontextmanager
    async def results(self, query: SQL) -> AsyncGenerator[Result]:
        """The result of a query as it comes: numerics, whose digits nobody knows before the end, and unknown types as text.

        What isn't a query but has a result (SHOW, ... RETURNING) comes at once, in the driver's own types.
        """
        text = query.text(QUOTING).rstrip("; \t\r\n")
        if is_subquery(text):
            reader = compile_stream_reader(await self._run(calls.result_schema, self._link, text))
            async with self._read(trusted(text), reader) as batches:
                yield Result(reader.reader.schema, batches)
            return
        table = await self._run(calls.fetch_native, self._link, text)
        if not table.schema.names:
            raise no_result()
        async with aclosing(batches_of(table)) as batches:
            yield Result(table.schema, batches)

    @asynccontextmanager
    async def _read(self, query: SQL, reader: ResultReader) -> AsyncGenerator[AsyncGenerator[pa.RecordBatch]]:
        result = calls.Result(self._link, reader.query(query).text(QUOTING))

        def next_batch() -> pa.RecordBatch | None:
            batch = result.next_batch()
            return None if batch is None else reader(batch)

        async def drain() -> AsyncGenerator[pa.RecordBatch]:
            while (batch := await self._run(next_batch)) is not None:
                yield batch

        try:
            await self._run(result.open)
            async with aclosing(drain()) as batches:
                yield batches
        finally:
            await self._worker.run(result.close)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[None]:
        inside = await self._worker.run(calls.status, self._link) != "idle"
        async with self._savepoint() if inside else self._own_transaction():
            yield

    @asynccontextmanager
    async def _own_transaction(self) -> AsyncGenerator[None]:
        try:
            await self.execute(sql("BEGIN"))
            yield
            if await self._worker.run(calls.status, self._link) == "inerror":
                raise DatabaseError(
                    "nothing was committed: a statement of the transaction had failed",
                    code=calls.FAILED_TRANSACTION,
                    hint="let the error of that statement leave the transaction, or don't run it inside",
                )
            # Not interrupted: whether it has happened must be known.
            await self._worker.run(calls.run_statement, self._link, "COMMIT")
        except BaseException as error:
            if isinstance(error, ConnectionLost) and error.statement == "COMMIT":
                error.hint = "the commit may or may not have happened: look before you repeat it"
            await self._roll_back(sql("ROLLBACK"))
            raise

    @asynccontextmanager
    async def _savepoint(self) -> AsyncGenerator[None]:
        self._savepoints += 1
        name = Identifier(f"arrowsync_{self._savepoints}")
        try:
            await self.execute(sql("SAVEPOINT {name}", name=name))
            yield
            await self.execute(sql("RELEASE SAVEPOINT {name}", name=name))
        except BaseException:
            await self._roll_back(sql("ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}", name=name))
            raise

    async def _roll_back(self, statement: SQL) -> None:
        """Roll back, where there is what to roll back. No error is raised: the one that made it necessary is on its way."""

        def roll_back() -> None:
            calls.settle_copy(self._link)
            found = calls.status(self._link)
            if found == "intrans" or (found == "inerror" and not self._link.stuck):
                calls.run_statement(self._link, statement.text(QUOTING))

        with suppress(Exception):
            try:
                await self._worker.run(roll_back)
            except DatabaseError:  # a cancellation of what went before may have met it
                await self._worker.run(roll_back)

    async def load(self, target: LoadTarget, batches: Iterator[pa.RecordBatch]) -> LoadResult:
        types = [column.type for column in target.columns]
        feed = Feed(compile_pgfields(target.schema, types, oids=await type_oids(self, types)), batches)

        def stop() -> None:
            if not feed.stop():
                self._link.connection.adbc_cancel()

        try:
            async with self.transaction():
                rows = await self._run(calls.load, self._link, target, feed, interrupt=stop)
        finally:
            await self._worker.run(feed.close)
        return LoadResult(rows, feed.bytes)

    async def cancel(self) -> None:
        self._link.connection.adbc_cancel()

    async def close(self) -> None:
        if not self._open:
            return
        self._open = False
        try:
            await self._worker.run(calls.give_back, self._link)
        finally:
            self._worker.close()

    async def _run(self, call: Callable[..., R], *args: object, interrupt: Callable[[], None] | None = None) -> R:
        """The result of `call` in the worker's thread; a cancellation stops the server, and waits until it has stopped."""
        if self._failure is not None:
            raise DatabaseError(
                f"the transaction has failed: {self._failure.message}", code=calls.FAILED_TRANSACTION, hint=_ROLL_BACK
            )
        try:
            return await self._worker.run_interruptible(interrupt or self._link.connection.adbc_cancel, call, *args)
        except ArrowSyncError as error:
            if self._link.stuck and await self._worker.run(calls.status, self._link) == "inerror":
                self._failure = error
                error.hint = f"{error.hint}; {_ROLL_BACK}" if error.hint else _ROLL_BACK
            raise

    def __repr__(self) -> str:
        return "<AdbcSession>"
