"""`AdbcSession`: the user's own ADBC connection to PostgreSQL, driven from a worker thread."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, LiteralString, TypeVar

import pyarrow as pa

from arrowsync.bridge import Worker, commit
from arrowsync.catalog import Column, SqlType
from arrowsync.dialects.contract import Dialect, LoadResult, LoadTarget, Opener, Result, Server
from arrowsync.dialects.defaults import batches_of, no_result, not_shared
from arrowsync.dialects.postgres import DIALECT, read
from arrowsync.dialects.postgres import adbc_driver as calls
from arrowsync.dialects.postgres.adbc_driver import Feed
from arrowsync.dialects.postgres.commit import FAILED_TRANSACTION, NOTE, Noted, failed_before, look_for
from arrowsync.dialects.postgres.oids import type_oids
from arrowsync.dialects.postgres.quoting import QUOTING
from arrowsync.dialects.postgres.read import is_subquery
from arrowsync.errors import ArrowSyncError, ConnectionLost, DatabaseError, DeclarationError
from arrowsync.sql import SQL, Identifier, sql, trusted
from arrowsync.wire.pgcopy.decode import ColumnDecoder
from arrowsync.wire.pgcopy.encode import compile_pgfields

TYPE_NAME = b"POSTGRESQL:type"
"""The key of a field's metadata under which the driver gives the server's name of the type."""
NATIVE = frozenset({pa.bool_(), pa.int16(), pa.int32(), pa.int64()})
"""Types whose values the driver gives unchanged; all others come as text."""
AS_TEXT: Mapping[str, LiteralString] = {"inet": "textin(inet_out({column}))"}
"""Type -> expression for its text, where a cast gives another text than COPY: a cast writes `/32` behind each address."""


@dataclass(frozen=True, slots=True)
class ResultReader:
    """Turns a batch of the result of `query` into one of `schema`. Keeps no state between batches."""

    reader: read.BlockReader
    types: tuple[SqlType, ...]

    def query(self, query: SQL) -> SQL:
        """The query with its columns in their forms."""
        fields: list[pa.Field[Any]] = list(self.reader.schema)
        asked = [
            form
            if form.finish is None and field.type in NATIVE
            else ColumnDecoder(AS_TEXT.get(live.name, f"({form.ask})::text"))
            for form, field, live in zip(self.reader.decoders, fields, self.types, strict=True)
        ]
        return read.copied(query, asked)

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        given: Any = batch  # pyarrow-stubs: arrays of unknown values
        arrays = [self.reader.finished(at, array) for at, array in enumerate(given.columns)]
        return pa.record_batch(arrays, schema=self.reader.schema)

    def table(self, batches: Sequence[pa.RecordBatch]) -> pa.Table:
        """All the batches of a query whose types were not known before."""
        return read.finish_result(pa.Table.from_batches(batches, schema=self.reader.schema), self.types)


def compile_reader(columns: Sequence[Column]) -> ResultReader:
    """The reader of a table's columns: see `read.compile_reader`."""
    return ResultReader(read.compile_reader(columns), tuple(column.type for column in columns))


def compile_result_reader(described: pa.Schema) -> ResultReader:
    """The reader of any query's result, whose columns the driver has described."""
    fields: list[pa.Field[Any]] = list(described)
    types = tuple(map(_result_type, fields))
    return ResultReader(read.compile_result_reader(described.names, types), types)


def compile_stream_reader(described: pa.Schema) -> ResultReader:
    """The reader of a result whose batches are final: see `read.compile_stream_reader`."""
    fields: list[pa.Field[Any]] = list(described)
    types = tuple(map(_result_type, fields))
    return ResultReader(read.compile_stream_reader(described.names, types), types)


def _result_type(field: pa.Field[Any]) -> SqlType:
    name = (field.metadata or {}).get(TYPE_NAME, b"").decode()
    is_array = pa.types.is_list(field.type) and name.startswith("_")  # unlike int2vector
    return read.result_type(name[1:] if is_array else name, array=is_array)


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
        self.owned = False

    @property
    def dialect(self) -> Dialect:
        return DIALECT

    @property
    def server(self) -> Server:
        return self._server

    async def opener(self) -> Opener:
        raise not_shared(
            "the connection is one of yours, and others can't be opened like it; pass a URL, or arrowsync.connect(url)"
        )

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
    async def stream(self, query: SQL, columns: Sequence[Column] | None = None) -> AsyncGenerator[Result]:
        """Stream the result; of any query, numerics, whose digits nobody knows before the end, and unknown types are text.

        The result of a statement that isn't a query (SHOW, ... RETURNING) comes at once, in the driver's own types.
        """
        if columns is not None:
            reader = compile_reader(columns)
            async with self._read(query, reader) as batches:
                yield Result(reader.reader.schema, batches)
            return
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
    async def transaction(self) -> AsyncGenerator[bool]:
        own = await self._worker.run(calls.status, self._link) == "idle"
        async with self._own_transaction() if own else self._savepoint():
            yield own

    @asynccontextmanager
    async def _own_transaction(self) -> AsyncGenerator[None]:
        try:
            await self.execute(sql("BEGIN"))
            yield
            if await self._worker.run(calls.status, self._link) == "inerror":
                raise failed_before()
            row = (await self._run(calls.fetch_native, self._link, NOTE.text(QUOTING))).to_pylist()[0]
            await commit(
                lambda: self._worker.run(calls.run_statement, self._link, "COMMIT"),
                lambda: self._look(Noted(**row)),
                self._link.connection.adbc_cancel,
            )
        except BaseException:
            await self._roll_back(sql("ROLLBACK"))
            raise

    async def _look(self, noted: Noted) -> bool | None:
        """True if the transaction has committed, asked over another connection of the same ADBC database."""

        async def opened() -> AdbcSession:
            try:
                another = await self._worker.run(self._link.connection.adbc_clone)
            except Exception as error:
                raise ConnectionLost(f"another connection can't be opened: {error}") from error
            session = await adopt_session(another)
            session.owned = True
            return session

        return await look_for(noted, opened)

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
        """Roll back if a transaction is open. No error is raised: the one that made it necessary is on its way."""

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

    @asynccontextmanager
    async def pinned(self) -> AsyncGenerator[None]:
        """Settings are pinned from `take_over` to `give_back`."""
        yield

    def distrust(self) -> None:
        """Do nothing: the session lasts for one call."""

    async def cancel(self) -> None:
        self._link.connection.adbc_cancel()

    async def close(self) -> None:
        if not self._open:
            return
        self._open = False
        try:
            await self._worker.run(calls.give_back, self._link)
            if self.owned:
                await self._worker.run(self._link.connection.close)
        finally:
            self._worker.close()

    def abandon(self) -> None:
        """Do nothing: the connection is the user's."""

    async def _run(self, call: Callable[..., R], *args: object, interrupt: Callable[[], None] | None = None) -> R:
        """The result of `call` in the worker's thread; a cancellation stops the server, and waits until it has stopped."""
        if self._failure is not None:
            raise DatabaseError(
                f"the transaction has failed: {self._failure.message}", code=FAILED_TRANSACTION, hint=_ROLL_BACK
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
