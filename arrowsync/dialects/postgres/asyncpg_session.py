"""`AsyncpgSession`: a connection of asyncpg, opened from a URL or the user's own.

Rows go in as COPY BINARY, encoded in a worker thread a little ahead of the socket, and come out as COPY of text. What is
sent is cut to about 1 MiB, whatever the size of the batches.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias, cast

import pyarrow as pa

from arrowsync.bridge import Worker, prefetch
from arrowsync.catalog import Column, SqlType
from arrowsync.dialects.dialect import LoadResult, LoadTarget, Result, Server
from arrowsync.dialects.postgres.address import URL_HINT, address_text, read_url
from arrowsync.dialects.postgres.chunks import WIRE_BYTES, Chunks
from arrowsync.dialects.postgres.copy_guard import Wire, feed, finish, run_copy, settle
from arrowsync.dialects.postgres.faults import translate
from arrowsync.dialects.postgres.oids import type_oids
from arrowsync.dialects.postgres.quoting import QUOTING
from arrowsync.dialects.postgres.read import BlockReader, compile_reader, copied
from arrowsync.dialects.postgres.readresult import (
    compile_result_reader,
    compile_stream_reader,
    finish_result,
    is_subquery,
    result_type,
)
from arrowsync.dialects.results import batches_of, no_result
from arrowsync.encode.pgcopy import compile_pgcopy
from arrowsync.errors import ArrowSyncError, ConnectionLost, DatabaseError, DeclarationError, MissingDriver
from arrowsync.sql import SQL, Identifier, Quoting, sql, trusted

INLINE_BYTES = 1 << 14
"""So much of a result is parsed in the event loop: in less time than it takes to start a thread."""
CONNECT_SECONDS = 30.0
ROLLBACK_SECONDS = 30.0
CLOSE_SECONDS = 5.0

Act: TypeAlias = "Callable[[], Awaitable[object]]"

_WITHOUT_VALUES = Quoting(QUOTING.identifier, lambda value: "'...'")


async def open_session(url: str) -> AsyncpgSession:
    """A session on a new connection.

    The URL is what asyncpg takes, with all its parameters (`sslmode`, `host` for a Unix socket, ...); passwords come from it,
    from PGPASSWORD or from PGPASSFILE. No error shows it.
    """
    try:
        import asyncpg
    except ImportError:
        raise MissingDriver("asyncpg", needed_for="PostgreSQL") from None
    where, parameters = read_url(url)
    named = "application_name" in parameters
    try:
        connection = await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS,
            statement_cache_size=0,  # tables change under cached plans, and poolers don't know them
            server_settings=None if named else {"application_name": "arrowsync"},
        )
    except (asyncpg.PostgresError, OSError, TimeoutError) as error:
        raise _unreachable(error, where) from error
    except (asyncpg.InterfaceError, ValueError) as error:
        said = str(error) if isinstance(error, asyncpg.InterfaceError) else "its parts can't be told apart"
        raise DeclarationError(f"the connection URL to {where} can't be used: {said}", hint=URL_HINT) from None
    try:
        return await _session(connection, where, url)
    except BaseException:
        connection.terminate()
        raise


async def adopt_session(connection: object) -> AsyncpgSession:
    """A session on the user's connection, which is never closed, and left as it was found."""
    import asyncpg

    its = cast(Any, connection)
    if not isinstance(connection, asyncpg.Connection):  # nor a pool's proxy of one, which its metaclass knows
        raise DeclarationError(
            f"{type(connection).__module__}.{type(connection).__qualname__} is not a connection",
            hint="acquire one from the pool: async with pool.acquire() as connection",
        )
    if its.is_closed():
        raise ConnectionLost("the asyncpg connection that was passed is closed", hint="open a new one")
    if its._loop is not asyncio.get_running_loop():
        raise DeclarationError(
            "the asyncpg connection belongs to another event loop",
            hint="await arrowsync.aio.sync_table(...) in its own loop, or pass a URL",
        )
    return await _session(its, address_text(its._addr), None)


async def _session(connection: Any, where: str, url: str | None) -> AsyncpgSession:
    session = AsyncpgSession(connection, Server("postgresql", (), ""), where, owned=url is not None, url=url)
    found = await session.fetch(
        sql("SELECT current_schema()::text AS namespace, current_setting('server_version_num')::int AS version")
    )
    row = found.to_pylist()[0]
    if row["namespace"] is None:
        raise DeclarationError(
            "no schema of the connection's search_path exists, so tables without a namespace have no place",
            hint="SET search_path to a schema that exists, or ALTER ROLE ... SET search_path",
        )
    session.server = Server("postgresql", divmod(row["version"], 10_000), row["namespace"])
    return session


@dataclass(slots=True)
class AsyncpgSession:
    """A `Session` on a connection of asyncpg (or a pool's proxy of one); `owned` if it was opened here.

    `where` names the server in errors, `url` is where it was opened, for more like it.
    """

    connection: Any
    server: Server
    where: str
    owned: bool
    url: str | None = field(default=None, repr=False)
    _savepoints: int = field(default=0, repr=False)

    async def execute(self, statement: SQL) -> int:
        with self._translated(statement):
            status: str = await self.connection.execute(statement.text(QUOTING))
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    async def fetch(self, query: SQL) -> pa.Table:
        """The whole result of a query. Types that arrowsync doesn't know come as text, and so do arrays of numeric."""
        query, prepared, names, types = await self._described(query)
        if not names or not is_subquery(query.text(QUOTING)):
            with self._translated(query):
                return _from_records(names, await prepared.fetch())
        reader = compile_result_reader(names, types)
        async with self._copied(query, reader) as batches:
            table = pa.Table.from_batches([batch async for batch in batches], schema=reader.schema)
        return finish_result(table, types)

    async def _described(self, query: SQL) -> tuple[SQL, Any, list[str], list[SqlType]]:
        """The query as it can stand inside another, prepared, and the names and types of its columns."""
        text = query.text(QUOTING).rstrip("; \t\r\n")
        query = trusted(text)
        with self._translated(query):
            prepared = await self.connection.prepare(text, name="")
            attributes = prepared.get_attributes()
        return query, prepared, [a.name for a in attributes], [_result_type(a.type) for a in attributes]

    @asynccontextmanager
    async def stream(self, query: SQL, columns: Sequence[Column]) -> AsyncGenerator[AsyncIterator[pa.RecordBatch]]:
        async with self._copied(query, compile_reader(columns)) as batches:
            yield batches

    @asynccontextmanager
    async def results(self, query: SQL) -> AsyncGenerator[Result]:
        """The result of a query as it comes: numerics, whose digits nobody knows before the end, and unknown types as text.

        What isn't a query but has a result (SHOW, ... RETURNING) comes at once.
        """
        query, prepared, names, types = await self._described(query)
        if not names:
            raise no_result()
        if is_subquery(query.text(QUOTING)):
            reader = compile_stream_reader(names, types)
            async with self._copied(query, reader) as batches:
                yield Result(reader.schema, batches)
            return
        with self._translated(query):
            table = _from_records(names, await prepared.fetch())
        async with aclosing(batches_of(table)) as batches:
            yield Result(table.schema, batches)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[None]:
        begin, commit, rollback = self._savepoint() if self.connection.is_in_transaction() else self._transaction()
        try:
            await finish(begin())
        except asyncio.CancelledError:
            await self._roll_back(rollback)  # it has begun all the same
            raise
        try:
            yield
        except BaseException:
            await self._roll_back(rollback)
            raise
        await finish(commit())

    def _transaction(self) -> tuple[Act, Act, Act]:
        transaction = self.connection.transaction()

        async def begin() -> None:
            with self._translated(sql("BEGIN")):
                await transaction.start()

        async def commit() -> None:
            try:
                with self._translated(sql("COMMIT")):
                    await transaction.commit()
            except ConnectionLost as lost:
                lost.hint = "the commit may or may not have happened: look before you repeat it"
                raise

        return begin, commit, transaction.rollback

    def _savepoint(self) -> tuple[Act, Act, Act]:
        """Our own, since asyncpg makes none in a transaction that the user began with a plain BEGIN."""
        self._savepoints += 1
        name = Identifier(f"arrowsync_{self._savepoints}")

        async def rollback() -> None:
            if self.connection.is_in_transaction():
                await self.execute(sql("ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}", name=name))

        return (
            partial(self.execute, sql("SAVEPOINT {name}", name=name)),
            partial(self.execute, sql("RELEASE SAVEPOINT {name}", name=name)),
            rollback,
        )

    async def _roll_back(self, rollback: Act) -> None:
        """Roll back, and let nothing interrupt it; what can't be rolled back is dropped with its connection.

        No error is raised: the one that made it necessary is on its way.
        """
        if self._is_closed():
            return
        try:
            await finish(asyncio.wait_for(rollback(), ROLLBACK_SECONDS))
        except Exception:
            self.connection.terminate()

    async def load(self, target: LoadTarget, batches: Iterator[pa.RecordBatch]) -> LoadResult:
        types = [column.type for column in target.columns]
        encode = compile_pgcopy(target.schema, types, oids=await type_oids(self, types))
        statement = sql("COPY {table} FROM STDIN", table=target.name.identifier)
        chunks = Chunks(encode, batches)

        async def copy(wire: Wire, source: AsyncIterator[memoryview]) -> str:
            async with aclosing(feed(source, wire)) as fed:
                status: str = await self.connection.copy_to_table(
                    target.name.name,
                    schema_name=target.name.namespace,
                    columns=[column.name for column in target.columns],
                    format="binary",
                    source=fed,
                    timeout=_no_timeout(),
                )
                return status

        with self._translated(statement, chunks):
            async with prefetch(iter(chunks)) as source:
                status = await run_copy(self.connection, lambda wire: copy(wire, source))
        return LoadResult(rows=int(status.rpartition(" ")[2]), bytes=chunks.bytes)

    @asynccontextmanager
    async def _copied(self, query: SQL, reader: BlockReader) -> AsyncGenerator[AsyncIterator[pa.RecordBatch]]:
        """The result of a query as batches, parsed in a worker thread; the server waits while nobody takes them."""
        statement = copied(query, reader.forms)
        blocks: asyncio.Queue[bytes | None] = asyncio.Queue()
        slots = asyncio.Semaphore(2)

        async def copy(wire: Wire) -> None:
            block = bytearray()

            async def take(rows: bytes) -> None:
                block.extend(rows)
                if len(block) >= WIRE_BYTES:
                    blocks.put_nowait(bytes(block))
                    block.clear()
                    if not wire.ended:  # the last one doesn't wait: perhaps nobody takes it
                        await slots.acquire()

            await self.connection.copy_from_query(
                statement.text(QUOTING), output=take, format="csv", timeout=_no_timeout()
            )
            if block:
                blocks.put_nowait(bytes(block))

        async def parsed() -> AsyncGenerator[pa.RecordBatch]:
            while (block := await blocks.get()) is not None:
                slots.release()
                yield reader(block) if len(block) <= INLINE_BYTES else await worker.run(reader, block)
            with self._translated(query):
                await task

        worker = Worker("read")
        task = asyncio.create_task(run_copy(self.connection, copy))
        task.add_done_callback(lambda _: blocks.put_nowait(None))
        try:
            async with aclosing(parsed()) as batches:
                yield batches
        finally:
            worker.close()
            task.cancel()
            await settle(task)

    async def cancel(self) -> None:
        """Stop what is running on the server: it fails there with SQLSTATE 57014."""
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self.connection._cancel(sent)

    async def close(self) -> None:
        if not self.owned or self._is_closed():
            return
        try:
            await self.connection.close(timeout=CLOSE_SECONDS)
        except Exception:
            self.connection.terminate()

    @contextmanager
    def _translated(self, statement: SQL, chunks: Chunks | None = None) -> Generator[None]:
        """Raise the driver's errors as ours; those of the source of `chunks` stay as they are."""
        try:
            yield
        except ArrowSyncError:
            raise
        except Exception as error:
            if chunks is not None and error is chunks.error:
                raise
            found = translate(error, statement.text(_WITHOUT_VALUES), where=self.where)
            if found is None and self._is_closed():
                found = ConnectionLost(f"the connection to {self.where} is closed", hint="open a new one")
            if found is None:
                raise
            raise found from error

    def _is_closed(self) -> bool:
        try:
            closed: bool = self.connection.is_closed()
        except Exception:  # a pool's proxy that was released
            return True
        return closed

    def __repr__(self) -> str:
        return f"<AsyncpgSession to {self.where}>"


def _unreachable(error: Exception, where: str) -> ArrowSyncError:
    """What opening a connection failed with."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return DatabaseError(
            f"the certificate of the server at {where} can't be trusted: {error.verify_message}",
            hint="sslrootcert in the URL names the certificate of who signed it",
        )
    if isinstance(error, (FileNotFoundError, PermissionError)) and not where.startswith("/"):
        return DeclarationError(
            f"a file that the connection to {where} needs can't be read: {error}",
            hint="check sslrootcert, sslcert and sslkey in the URL",
        )
    if isinstance(error, OSError):  # TimeoutError is one
        reason = str(error) or f"no answer within {CONNECT_SECONDS:g} s"
        return ConnectionLost(
            f"can't reach PostgreSQL at {where}: {reason}",
            transient=True,
            hint="check host and port, and that the server runs and is reachable from here",
        )
    found = translate(error, where=where)
    assert found is not None, "a PostgresError has a code"
    return found


def _result_type(described: Any) -> SqlType:
    if described.schema != "pg_catalog":
        return SqlType("unknown")
    return result_type(described.name.removesuffix("[]"), array=described.kind == "array")


def _from_records(names: Sequence[str], records: Sequence[Any]) -> pa.Table:
    """The result of a statement that isn't a query (SHOW, EXPLAIN, ... RETURNING), its types told by its values."""
    arrays: list[pa.Array[Any]] = []
    for at in range(len(names)):
        values = [record[at] for record in records]
        try:
            arrays.append(pa.array(values))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            arrays.append(pa.array([None if value is None else str(value) for value in values], pa.string()))
    return pa.Table.from_arrays(arrays, names=list(names))


def _no_timeout() -> Any:
    """A user's command_timeout isn't meant for a COPY, which takes as long as its source does."""
    from asyncpg.protocol import NO_TIMEOUT

    return NO_TIMEOUT
