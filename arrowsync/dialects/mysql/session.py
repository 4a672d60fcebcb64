"""`AiomysqlSession`: a connection of aiomysql, opened from a URL or the user's own."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa

from arrowsync.bridge import Owner, Worker, abandon_in_children, commit, uninterrupted
from arrowsync.catalog import Column
from arrowsync.dialects.contract import Dialect, LoadResult, LoadTarget, Opener, Result, Server
from arrowsync.dialects.defaults import not_shared
from arrowsync.dialects.mysql import DIALECTS
from arrowsync.dialects.mysql.connect import address_of, another, can_send_files, connect, driver, hang_up
from arrowsync.dialects.mysql.errors import masked, translate
from arrowsync.dialects.mysql.load import INSERT, LOAD_DATA, Chunks, StatementLoad, check_target, encoder
from arrowsync.dialects.mysql.protocol import (
    AUTOCOMMIT,
    IN_TRANSACTION,
    FileAsked,
    Reply,
    ServerError,
    Wire,
    variables,
)
from arrowsync.dialects.mysql.quoting import quoting
from arrowsync.dialects.mysql.read import RowReader, asked, check_exact, compile_reader, compile_result_reader
from arrowsync.dialects.mysql.server import FACTS, UNKNOWN, facts_of
from arrowsync.dialects.mysql.settings import ENCODING, misfits, read_settings, set_role, set_settings, settings
from arrowsync.dialects.nonsense import not_understood
from arrowsync.dialects.scopes import Act, Scope
from arrowsync.dialects.silence import SilenceWatch, keep_alive
from arrowsync.errors import ArrowSyncError, ConnectionLost, DatabaseError, DeclarationError, doubt
from arrowsync.sql import SQL, Identifier, Literal, Quoting, sql

ROLLBACK_SECONDS = 60.0
_NO_SAVEPOINT = "1305"
_UNDECIDED = frozenset({"1180", "1317"})
"""Errors of a COMMIT that may come after it: of the engine, and of a KILL QUERY."""


async def _nobody_knows() -> bool | None:
    """None: a server of this kind keeps no record of its transactions that could be queried."""
    return None


class Transactions:
    """The transactions on one connection; `run` runs a statement on it."""

    def __init__(self, wire: Wire, run: Callable[[SQL], Awaitable[object]]) -> None:
        self._wire = wire
        self._run = run
        self._scopes = 0
        self._savepoints = 0
        self._users = False

    @property
    def within_users(self) -> bool:
        """True inside a transaction of the user's: a COMMIT here would commit their work."""
        return (self._users or self._scopes > 1) and bool(self._wire.status & IN_TRANSACTION)

    @property
    def open(self) -> bool:
        """True in a transaction, and if autocommit is off, so that the next statement begins one."""
        return bool(self._wire.status & IN_TRANSACTION) or not self._wire.status & AUTOCOMMIT

    @asynccontextmanager
    async def scope(self) -> AsyncGenerator[bool]:
        """Commits on leaving, rolls back on any exception; a savepoint where a transaction is open."""
        if not self._scopes:
            # With autocommit off, what is done is the user's to commit, also where nothing has been done yet.
            self._users = self.open
        own = not (self._scopes or self._users)
        scope = self._transaction() if own else self._savepoint()
        self._scopes += 1
        try:
            async with scope.entered():
                yield own
        finally:
            self._scopes -= 1
            self._users = self._users and self._scopes > 0

    def _transaction(self) -> Scope:
        rollback = partial(self._run, sql("ROLLBACK; SET autocommit = 1"))

        async def run() -> None:
            try:
                await self._run(sql("COMMIT; SET autocommit = 1"))
            except ConnectionLost:
                raise
            except DatabaseError as error:
                if error.code in _UNDECIDED:
                    doubt(error)
                await self._roll_back(rollback)
                raise
            except BaseException:
                await self._roll_back(rollback)
                raise

        async def end() -> None:
            if self._wire.closed:
                # It isn't sent, and the error says that nothing is committed.
                await uninterrupted(self._run(sql("COMMIT")))
            await commit(run, _nobody_knows, self._wire.abort)

        return Scope(partial(self._run, sql("SET autocommit = 0")), end, partial(self._roll_back, rollback))

    def _savepoint(self) -> Scope:
        self._savepoints += 1
        name = Identifier(f"arrowsync_{self._savepoints}")

        async def end(statement: SQL) -> None:
            try:
                await self._run(statement)
            except DatabaseError as error:
                if error.code != _NO_SAVEPOINT:  # committed with a table, or rolled back to end a deadlock
                    raise

        rollback = partial(end, sql("ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}", name=name))
        return Scope(
            partial(self._run, sql("SAVEPOINT {name}", name=name)),
            lambda: uninterrupted(end(sql("RELEASE SAVEPOINT {name}", name=name))),
            partial(self._roll_back, rollback),
        )

    async def _roll_back(self, rollback: Act) -> None:
        """Roll back, and let nothing interrupt it; what can't be rolled back is dropped with its connection.

        No error is raised: the one that made it necessary is on its way.
        """
        if self._wire.closed:
            return
        try:
            await uninterrupted(self._wire.watch.cleaned_up(rollback(), ROLLBACK_SECONDS))
        except Exception:
            self._wire.abort()


BLOCK_BYTES = 1 << 20
"""Bytes of a result that are parsed at once."""
INLINE_BYTES = 1 << 14
"""Bytes that are parsed in the event loop, in less time than it takes to start a thread."""
STOP_SECONDS = 30.0
CLOSE_SECONDS = 5.0


_COMMITS = re.compile(
    r"[\s(]*(?:ALTER|CREATE|DROP|RENAME|TRUNCATE|GRANT|REVOKE|LOCK|ANALYZE|OPTIMIZE)\b(?!\s+TEMPORARY\b)", re.I
)


async def open_session(url: str) -> AiomysqlSession:
    """A session on a new connection to a `mysql://` or `mariadb://` URL. No error shows the password.

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
    Owner(its.loop).check("the aiomysql connection")
    if its._result is not None and (its._result.unbuffered_active or its._result.has_next):
        raise DeclarationError(
            "a cursor of the aiomysql connection has a result that is not read to its end",
            hint="fetch all of it, or close the cursor",
        )
    return await _session(its, its.unix_socket or f"{its.host}:{its.port}")


async def _session(connection: Any, where: str, *, url: str | None = None) -> AiomysqlSession:
    session = AiomysqlSession(connection, where, owned=url is not None)
    session.url = url
    if url is not None and (transport := session.transport()) is not None:
        keep_alive(transport)
    abandon_in_children(session)
    try:
        await session.begin()
    except BaseException as error:
        if url is None:
            await session.close()  # a user's connection gets its settings back
        if not isinstance(error, Exception) or isinstance(error, ArrowSyncError):
            raise
        raise not_understood(error, where) from error
    return session


class AiomysqlSession:
    """A `Session` on a connection of aiomysql; `owned` if it was opened here. `where` names the server in errors."""

    def __init__(self, connection: Any, where: str, *, owned: bool) -> None:
        self.where = where
        self.via = INSERT
        """How rows go in: `LOAD DATA LOCAL` or `INSERT`."""
        self.url: str | None = None
        """The URL that it was opened with, if it isn't the user's own connection."""
        self._connection = connection
        self._owned = owned
        self._watch = SilenceWatch(self.transport, self._is_idle, lambda: self._wire.abort())
        self._wire = Wire(connection, self._watch)
        self._transactions = Transactions(self._wire, self._run)
        self._facts = UNKNOWN
        self._former: Mapping[str, Any] = {}
        self._variables: set[SQL] = set()
        self._trusted = True

    @property
    def dialect(self) -> Dialect:
        return DIALECTS[self.server.product]

    @property
    def server(self) -> Server:
        return self._facts.server

    async def begin(self) -> None:
        """Query the server's properties, and pin settings; the former values of a user's connection are remembered."""
        self._facts = facts_of((await self.fetch(FACTS)).to_pylist()[0], self.where)
        if not self.server.namespace:
            raise DeclarationError("the connection has no database", hint="USE one, or name it when connecting")
        if self._facts.takes_files and can_send_files(self._connection):
            self.via = LOAD_DATA
        wanted = settings(self.server)
        if not self._owned:
            self._former = misfits((await self.fetch(read_settings(wanted))).to_pylist()[0], wanted)
            wanted = {name: wanted[name] for name in self._former}
        if wanted:
            await self._run(set_settings(wanted))

    async def opener(self) -> Opener:
        """Open sessions on the same URL, with the database and role that this one has now."""
        url = self.url
        if url is None:
            raise not_shared(
                "the connection is one of yours, and others can't be opened like it; pass a URL, or arrowsync.connect(url)"
            )
        if self._transactions.open:
            raise not_shared("you have begun a transaction, and other connections are not in it")
        found = (await self.fetch(sql("SELECT DATABASE() AS name, CURRENT_ROLE() AS role"))).to_pylist()[0]
        settings = [sql("USE {name}", name=Identifier(found["name"])), *set_role(self.server.product, found["role"])]

        async def another() -> AiomysqlSession:
            opened = await open_session(url)
            try:
                for statement in settings:
                    await opened.execute(statement)
            except BaseException:
                await opened.close()
                raise
            return opened

        return another

    def distrust(self) -> None:
        self._trusted = False

    @asynccontextmanager
    async def pinned(self) -> AsyncGenerator[None]:
        if self._trusted:
            yield
            return
        wanted = settings(self.server)
        row = (await self.fetch(read_settings(wanted))).to_pylist()[0]
        namespace = (row["namespace"] or b"").decode()
        self._facts = replace(self._facts, server=replace(self.server, namespace=namespace))
        former = misfits(row, wanted)
        if not former:
            self._trusted = True
            yield
            return
        await self._run(set_settings({name: wanted[name] for name in former}))
        try:
            yield
        finally:
            if not self._wire.closed:
                with suppress(DatabaseError):
                    await uninterrupted(self._run(set_settings(former)))

    async def _keep_encoding(self) -> None:
        """Undo a SET NAMES on a connection of ours: bytes are still sent and read as UTF-8."""
        if self._wire.recoded and self._owned:
            wanted = settings(self.server)
            text = self._text(set_settings({name: wanted[name] for name in ENCODING}))
            await self._wire.send(text)
            await self._wire.discard()
            self._wire.recoded = False

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
        await self._keep_encoding()
        return table

    @asynccontextmanager
    async def stream(self, query: SQL, columns: Sequence[Column] | None = None) -> AsyncGenerator[Result]:
        """Stream the result; of any query, a DeclarationError for a FLOAT, of which the server shows six digits only."""
        if columns is not None:
            async with self._results(asked(query, columns), compile_reader(columns)) as (reader, batches):
                yield Result(reader.schema, batches)
            return
        async with self._results(query) as (reader, batches):
            check_exact(reader)
            async with aclosing(self._until_read(batches)) as batches:
                yield Result(reader.schema, batches)

    async def _until_read(self, batches: AsyncIterator[pa.RecordBatch]) -> AsyncGenerator[pa.RecordBatch]:
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
                async with self._answered(query):
                    batch = reader(rows) if len(rows.data) <= INLINE_BYTES else await worker.run(reader, rows)
                yield batch

        try:
            async with self._answered(query):
                await self._wire.send(text)
                fields = await self._wire.reply()
            if isinstance(fields, Reply):
                yield compile_result_reader([]), _nothing()
                if not self._wire.pending:
                    await self._keep_encoding()
                return
            reader = reader or compile_result_reader(fields)
            async with aclosing(parsed(reader)) as batches:
                yield reader, batches
        finally:
            worker.close()
            if self._wire.pending:
                await uninterrupted(self._stop())

    def transaction(self) -> AbstractAsyncContextManager[bool]:
        return self._transactions.scope()

    # ---- loading

    async def load(self, target: LoadTarget, batches: Iterator[pa.RecordBatch]) -> LoadResult:
        encode = encoder(self.server, target.columns, target.schema, await check_target(self.fetch, target))
        self._variables.update(variables(encode))
        loading = StatementLoad(
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
        """The most bytes of a statement, with room for the overhead that the server counts."""
        most = self._facts.max_packet
        return max(most - 1024, most // 2)

    # ---- the end

    async def cancel(self) -> None:
        """Stop the running statement, which fails on the server with error 1317."""
        await self._kill()

    async def close(self) -> None:
        await self._watch.close()
        if self._owned:
            await uninterrupted(hang_up(self._connection, CLOSE_SECONDS))
        elif (self._former or self._variables) and not self._wire.closed:
            former, self._former = self._former, {}
            with suppress(DatabaseError):
                await uninterrupted(self._run(set_settings(former, self._variables)))

    def abandon(self) -> None:
        if self._owned:
            self._wire.abandon()

    async def _kill(self) -> None:
        """KILL QUERY, from a second connection, if it gets to the same server."""
        async with self._beside() as session:
            if session is not None:
                with suppress(DatabaseError):  # it is gone
                    await session.execute(sql("KILL QUERY {id}", id=Literal(self._facts.id)))

    @asynccontextmanager
    async def _beside(self) -> AsyncGenerator[AiomysqlSession | None]:
        """A session on a second connection; None where it gets to another server."""
        second = await another(self._connection, self.where)
        try:
            session = AiomysqlSession(second, self.where, owned=True)
            there = facts_of((await session.fetch(FACTS)).to_pylist()[0], self.where)
            yield session if there.machine == self._facts.machine else None
        except BaseException:
            second.close()
            raise
        await hang_up(second, CLOSE_SECONDS)

    async def _is_idle(self) -> bool:
        """True if the server says, over another connection, that it is not at work for this one."""
        query = sql("SELECT command FROM information_schema.processlist WHERE id = {id}", id=Literal(self._facts.id))
        async with self._beside() as session:
            if session is None:
                return False
            found = (await session.fetch(query)).to_pylist()
            return not found or found[0]["command"] == "Sleep"

    def transport(self) -> Any:
        writer = self._connection._writer
        return None if writer is None else writer.transport

    async def _stop(self) -> None:
        """End the statement whose answer is under way, and read the rest of the answer; or cut the connection."""

        async def stop() -> None:
            with suppress(ArrowSyncError):
                await self._kill()
            await self._wire.discard()
            with suppress(ServerError):  # where the statement had ended before, it is this one that is killed
                await self._wire.send(b"DO 0")
                await self._wire.reply()

        try:
            await self._watch.cleaned_up(stop(), STOP_SECONDS)
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
            await self._keep_encoding()
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
        except Exception as error:
            found = self._translated(error, statement, chunks, target)
            if self._wire.pending:
                await uninterrupted(self._stop())
            if found is error:
                raise
            raise found from error
        except BaseException:
            if self._wire.pending:
                await uninterrupted(self._stop())
            raise

    def _translated(
        self, error: Exception, statement: SQL, chunks: Chunks | None, target: LoadTarget | None
    ) -> Exception:
        """The error to raise in place of one of the driver or the protocol; ours, and those of the source, are the same."""
        if isinstance(error, (ArrowSyncError, MemoryError)) or (chunks is not None and error is chunks.error):
            return error
        table = None if target is None else target.name.name
        found = translate(error, self._shown(statement), where=self.where, table=table)
        if found is not None:
            return found
        found = not_understood(error, self.where, self._shown(statement))
        if isinstance(found, ConnectionLost):
            self._wire.abort()
        return found

    def _shown(self, statement: SQL) -> str:
        """The statement as errors show it: without its constants, those of a user's own statement too."""
        return masked(statement.text(Quoting(self._quoting.identifier, lambda value: "'...'")))

    def __repr__(self) -> str:
        return f"<AiomysqlSession to {self.where}>"


async def _nothing() -> AsyncGenerator[pa.RecordBatch]:
    return
    yield
