"""`AiomysqlSession`: a connection of aiomysql, opened from a URL or the user's own.

aiomysql opens the connection, `Wire` speaks on it. Rows go in as LOAD DATA LOCAL, encoded in a worker thread a little ahead
of the socket, or as INSERT statements where the server forbids it; they come out as the text protocol has them.

A statement that creates or alters a table commits the transaction it stands in. So `transaction()` switches autocommit
off, and what follows such a statement is again all or nothing; in a transaction of the user's it is refused.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from typing import Any

import pyarrow as pa

from arrowsync.bridge import Worker
from arrowsync.catalog import Column
from arrowsync.dialects.dialect import LoadResult, LoadTarget, Result, Server
from arrowsync.dialects.mysql.address import address_of
from arrowsync.dialects.mysql.chunks import Chunks
from arrowsync.dialects.mysql.connect_session import another, can_send_files, connect, driver, hang_up
from arrowsync.dialects.mysql.facts import FACTS, UNKNOWN, facts_of
from arrowsync.dialects.mysql.faults import masked, translate
from arrowsync.dialects.mysql.load_rows import Loading
from arrowsync.dialects.mysql.loading import INSERT, LOAD_DATA, check_target, encoder
from arrowsync.dialects.mysql.local_infile import variables
from arrowsync.dialects.mysql.quoting import quoting
from arrowsync.dialects.mysql.reading import RowReader, asked, check_exact, compile_reader, compile_result_reader
from arrowsync.dialects.mysql.settings import read_settings, set_settings, settings
from arrowsync.dialects.mysql.transactions import Transactions
from arrowsync.dialects.mysql.wire import AUTOCOMMIT, IN_TRANSACTION, FileAsked, Reply, ServerError, Wire, finish
from arrowsync.errors import ArrowSyncError, ConnectionLost, DatabaseError, DeclarationError
from arrowsync.sql import SQL, Literal, Quoting, sql

BLOCK_BYTES = 1 << 20
"""So much of a result is parsed at once."""
INLINE_BYTES = 1 << 14
"""So much is parsed in the event loop: in less time than it takes to start a thread."""
STOP_SECONDS = 30.0
CLOSE_SECONDS = 5.0


_COMMITS = re.compile(
    r"[\s(]*(?:ALTER|CREATE|DROP|RENAME|TRUNCATE|GRANT|REVOKE|LOCK|ANALYZE|OPTIMIZE)\b(?!\s+TEMPORARY\b)", re.I
)


async def open_session(url: str) -> AiomysqlSession:
    """A session on a new connection to what a `mysql://` or `mariadb://` URL names. No error shows the password.

    Its parameters are `unix_socket`, `ssl-mode` (disable, prefer, require, verify-ca, verify-full), `ssl-ca`, `ssl-cert`,
    `ssl-key`, `connect_timeout` (seconds) and `program_name`.
    """
    driver()
    address = address_of(url)
    if not address.database:
        raise DeclarationError(
            "the connection URL names no database", hint='add it at the end: "mysql://user@host:3306/database"'
        )
    connection = await connect(address)
    try:
        return await _session(connection, address.where, url=url)
    except BaseException:
        connection.close()
        raise


async def adopt_session(connection: object) -> AiomysqlSession:
    """A session on the user's connection, which is never closed, and left as it was found."""
    its: Any = connection
    if not isinstance(connection, driver().Connection):
        raise DeclarationError(
            f"{type(connection).__module__}.{type(connection).__qualname__} is not a connection",
            hint="acquire one from the pool: async with pool.acquire() as connection",
        )
    if its.closed:
        raise ConnectionLost("the aiomysql connection that was passed is closed", hint="open a new one")
    if its.loop is not asyncio.get_running_loop():
        raise DeclarationError(
            "the aiomysql connection belongs to another event loop",
            hint="await arrowsync.aio.sync_table(...) in its own loop, or pass a URL",
        )
    if its._result is not None and (its._result.unbuffered_active or its._result.has_next):
        raise DeclarationError(
            "a cursor of the aiomysql connection has a result that is not read to its end",
            hint="fetch all of it, or close the cursor",
        )
    return await _session(its, its.unix_socket or f"{its.host}:{its.port}")


async def _session(connection: Any, where: str, *, url: str | None = None) -> AiomysqlSession:
    session = AiomysqlSession(connection, where, owned=url is not None)
    session.url = url
    try:
        await session.begin()
    except BaseException:
        if url is None:
            await session.close()  # a user's connection gets its settings back
        raise
    return session


class AiomysqlSession:
    """A `Session` on a connection of aiomysql; `owned` if it was opened here. `where` names the server in errors."""

    def __init__(self, connection: Any, where: str, *, owned: bool) -> None:
        self.where = where
        self.via = INSERT
        """How rows go in: `LOAD DATA LOCAL` or `INSERT`."""
        self.url: str | None = None
        """What it was opened from, if it was not the user's own."""
        self._connection = connection
        self._owned = owned
        self._wire = Wire(connection)
        self._transactions = Transactions(self._wire, self._run)
        self._facts = UNKNOWN
        self._former: Mapping[str, Any] = {}
        self._variables: set[SQL] = set()

    @property
    def server(self) -> Server:
        return self._facts.server

    @property
    def in_transaction(self) -> bool:
        """Whether something is open that a COMMIT would end, or would be as soon as something is done."""
        return bool(self._wire.status & IN_TRANSACTION) or not self._wire.status & AUTOCOMMIT

    async def begin(self) -> None:
        """Ask what is connected, and set what statements rely on, remembering what it was on a user's connection."""
        self._facts = facts_of((await self.fetch(FACTS)).to_pylist()[0], self.where)
        if not self.server.namespace:
            raise DeclarationError("the connection has no database", hint="USE one, or name it when connecting")
        if self._facts.takes_files and can_send_files(self._connection):
            self.via = LOAD_DATA
        wanted = settings(self.server.product)
        if not self._owned:
            former = (await self.fetch(read_settings(wanted))).to_pylist()[0]
            self._former = dict(zip(wanted, former.values(), strict=True))
        await self._run(set_settings(wanted))

    async def execute(self, statement: SQL) -> int:
        if self._transactions.within_users and _COMMITS.match(statement.text(self._quoting)):
            raise DatabaseError(
                "the statement would commit the transaction that was open on this connection",
                statement=self._shown(statement),
                hint="MySQL commits when a table is created or altered: commit first, or migrate on another connection",
            )
        return await self._run(statement)

    async def fetch(self, query: SQL) -> pa.Table:
        """The whole result of a query. Types that Arrow doesn't have come as text or bytes, and floats with six digits."""
        async with self._results(query) as (reader, batches):
            table = pa.Table.from_batches([batch async for batch in batches], schema=reader.schema)
            await self._wire.discard()  # what other statements say
        return table

    @asynccontextmanager
    async def stream(self, query: SQL, columns: Sequence[Column]) -> AsyncGenerator[AsyncIterator[pa.RecordBatch]]:
        async with self._results(asked(query, columns), compile_reader(columns)) as (_, batches):
            yield batches

    @asynccontextmanager
    async def results(self, query: SQL) -> AsyncGenerator[Result]:
        """The result of a query as it comes; a DeclarationError for a FLOAT, of which the server shows six digits only."""
        async with self._results(query) as (reader, batches):
            check_exact(reader)
            async with aclosing(self._to_the_end(batches)) as batches:
                yield Result(reader.schema, batches)

    async def _to_the_end(self, batches: AsyncIterator[pa.RecordBatch]) -> AsyncGenerator[pa.RecordBatch]:
        async for batch in batches:
            yield batch
        await self._wire.discard()  # what other statements say

    @asynccontextmanager
    async def _results(
        self, query: SQL, reader: RowReader | None = None
    ) -> AsyncGenerator[tuple[RowReader, AsyncIterator[pa.RecordBatch]]]:
        """The result of a query as batches, parsed in a worker thread; the server waits while nobody takes them."""
        text = self._text(query)
        worker = Worker("read")

        async def parsed(reader: RowReader) -> AsyncGenerator[pa.RecordBatch]:
            while True:
                async with self._answered(query):
                    rows = await self._wire.rows(BLOCK_BYTES)
                if rows is None:
                    return
                yield reader(rows) if len(rows.data) <= INLINE_BYTES else await worker.run(reader, rows)

        try:
            async with self._answered(query):
                await self._wire.send(text)
                fields = await self._wire.reply()
            if isinstance(fields, Reply):
                yield compile_result_reader([]), _nothing()
                return
            reader = reader or compile_result_reader(fields)
            async with aclosing(parsed(reader)) as batches:
                yield reader, batches
        finally:
            worker.close()
            if self._wire.pending:
                await finish(self._stop())

    def transaction(self) -> AbstractAsyncContextManager[None]:
        return self._transactions.scope()

    # ---- loading

    async def load(self, target: LoadTarget, batches: Iterator[pa.RecordBatch]) -> LoadResult:
        encode = encoder(self.server, target.columns, target.schema, await check_target(self.fetch, target))
        self._variables.update(variables(encode))
        loading = Loading(
            target,
            encode,
            self._most_bytes,
            wire=self._wire,
            text=self._text,
            fetch=self.fetch,
            transaction=self.transaction,
            answered=self._answered,
        )
        chunks = loading.chunks(batches)
        async with self.transaction():
            if self.via == LOAD_DATA and not await loading.by_file(chunks):
                self.via = INSERT
            if self.via == INSERT:
                await loading.by_inserts(chunks)
        return LoadResult(rows=chunks.rows, bytes=chunks.bytes, via=self.via)

    @property
    def _most_bytes(self) -> int:
        """What the server takes at once, with room for what else it counts."""
        most = self._facts.max_packet
        return max(most - 1024, most // 2)

    # ---- the end

    async def cancel(self) -> None:
        """Stop what is running on the server: it fails there with error 1317."""
        await self._kill()

    async def close(self) -> None:
        if self._owned:
            await finish(hang_up(self._connection, CLOSE_SECONDS))
        elif self._former and not self._wire.closed:
            former, self._former = self._former, {}
            with suppress(DatabaseError):
                await finish(self._run(set_settings(former, self._variables)))

    async def _kill(self) -> None:
        """KILL QUERY, from a second connection, if it gets to the same server."""
        second = await another(self._connection, self.where)
        try:
            session = AiomysqlSession(second, self.where, owned=True)
            there = facts_of((await session.fetch(FACTS)).to_pylist()[0], self.where)
            if there.machine == self._facts.machine:
                with suppress(DatabaseError):  # it is gone
                    await session.execute(sql("KILL QUERY {id}", id=Literal(self._facts.id)))
        finally:
            await hang_up(second, CLOSE_SECONDS)

    async def _stop(self) -> None:
        """End the statement whose answer is under way, and take what is left of it; or cut the connection."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                with suppress(ArrowSyncError):
                    await self._kill()
                await self._wire.discard()
                with suppress(ServerError):  # where the statement had ended before, it is this one that is killed
                    await self._wire.send(b"DO 0")
                    await self._wire.reply()
        except Exception:
            self._wire.abort()

    # ---- statements

    @property
    def _quoting(self) -> Quoting:
        return quoting(self.server)

    def _text(self, statement: SQL) -> bytes:
        if self._wire.pending:
            raise DeclarationError(
                "a result of this connection is still being read", hint="read it to its end, or use another connection"
            )
        return statement.text(self._quoting).encode()

    async def _run(self, statement: SQL) -> int:
        text = self._text(statement)
        rows = 0
        async with self._answered(statement):
            await self._wire.send(text)
            while self._wire.pending:
                answer = await self._wire.reply()
                if isinstance(answer, Reply):
                    rows = answer.rows
                    continue
                rows = 0
                while (block := await self._wire.rows(BLOCK_BYTES)) is not None:
                    rows += len(block.starts)
        return rows

    @asynccontextmanager
    async def _answered(
        self,
        statement: SQL,
        chunks: Chunks | None = None,
        target: LoadTarget | None = None,
    ) -> AsyncGenerator[None]:
        """Leave no answer unread, and raise the server's errors as ours; those of the source of `chunks` stay as they are."""
        try:
            yield
        except FileAsked as asked:
            self._wire.abort()
            raise DatabaseError(
                f"the server at {self.where} asked for a file of this machine, and got nothing",
                statement=self._shown(statement),
                hint="only what arrowsync loads itself is ever sent; does the server belong to whom you think?",
            ) from asked
        except BaseException as error:
            if self._wire.pending:
                await finish(self._stop())
            if isinstance(error, ArrowSyncError) or not isinstance(error, Exception):
                raise
            if chunks is not None and error is chunks.error:
                raise
            found = translate(
                error,
                self._shown(statement),
                where=self.where,
                table=None if target is None else target.name.name,
            )
            if found is None:
                raise
            raise found from error

    def _shown(self, statement: SQL) -> str:
        """The statement as errors show it: without its constants, those of a user's own statement too."""
        return masked(statement.text(Quoting(self._quoting.identifier, lambda value: "'...'")))

    def __repr__(self) -> str:
        return f"<AiomysqlSession to {self.where}>"


async def _nothing() -> AsyncGenerator[pa.RecordBatch]:
    return
    yield
