"""`AsyncpgSession`: a connection of asyncpg, opened from a URL or the user's own.

Rows go in as COPY BINARY, encoded in a worker thread a little ahead of the socket, and come out as COPY of text. What is
sent is cut to about 1 MiB, whatever the size of the batches.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from traceback import walk_tb
from typing import Any, cast

import pyarrow as pa

from arrowsync.bridge import Owner, Worker, abandon_in_children, close_silently, commit, prefetch
from arrowsync.catalog import Column, SqlType
from arrowsync.dialects.contract import Dialect, LoadResult, LoadTarget, Opener, Result, Server
from arrowsync.dialects.defaults import batches_of, no_result, not_shared
from arrowsync.dialects.nonsense import not_understood
from arrowsync.dialects.postgres import DIALECT
from arrowsync.dialects.postgres.asyncpg_copy import WIRE_BYTES, Chunks, Wire, feed, run_copy, uninterrupted, until_done
from arrowsync.dialects.postgres.commit import FAILED_TRANSACTION, NOTE, Noted, failed_before, look_for
from arrowsync.dialects.postgres.connect import URL_HINT, address_of, address_text, connect, connect_like
from arrowsync.dialects.postgres.errors import masked, translate
from arrowsync.dialects.postgres.oids import type_oids
from arrowsync.dialects.postgres.quoting import QUOTING
from arrowsync.dialects.postgres.read import (
    BlockReader,
    compile_reader,
    compile_result_reader,
    compile_stream_reader,
    copied,
    finish_result,
    is_subquery,
    result_type,
)
from arrowsync.dialects.postgres.settings import (
    ASKED,
    PINNED,
    SESSION_SETTINGS,
    misfits,
    server_from,
    set_setting,
    set_settings,
)
from arrowsync.dialects.scopes import Act, Scope
from arrowsync.dialects.silence import SilenceWatch
from arrowsync.errors import ArrowSyncError, ConnectionLost, DatabaseError, DeclarationError, MissingDriver
from arrowsync.sql import SQL, Identifier, Literal, Quoting, sql, trusted
from arrowsync.wire.pgcopy.encode import compile_pgcopy

INLINE_BYTES = 1 << 14
"""Bytes that are parsed in the event loop, in less time than it takes to start a thread."""
ROLLBACK_SECONDS = 30.0
CLOSE_SECONDS = 5.0

_NOT_AT_WORK = re.compile(r"idle\b|active Client(Read|Write)$")
"""Descriptions of a backend whose answer has been sent, or which waits for the client."""

_WITHOUT_VALUES = Quoting(QUOTING.identifier, lambda value: "'...'")


async def open_session(url: str) -> AsyncpgSession:
    """A session on a new connection.

    The URL has libpq's parameters (`connect.PARAMETERS`); passwords come from the URL, PGPASSWORD or PGPASSFILE. No error
    shows the password.
    """
    try:
        import asyncpg
    except ImportError:
        raise MissingDriver("asyncpg", needed_for="PostgreSQL") from None
    address = address_of(url)
    where = address.where
    try:
        connection: Any = await connect(address)
    except ArrowSyncError:
        raise
    except (asyncpg.PostgresError, OSError, TimeoutError) as error:
        raise _unreachable(error, where, address.timeout) from error
    except (asyncpg.InterfaceError, ValueError) as error:
        if not _is_about_url(error):
            raise not_understood(error, where) from error
        said = str(error) if isinstance(error, asyncpg.InterfaceError) else "its parts can't be told apart"
        raise DeclarationError(f"the connection URL to {where} can't be used: {said}", hint=URL_HINT) from None
    except Exception as error:
        raise not_understood(error, where) from error
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
    Owner(its._loop).check("the asyncpg connection")
    return await _session(its, address_text(its._addr), None)


async def _session(connection: Any, where: str, url: str | None) -> AsyncpgSession:
    session = AsyncpgSession(connection, Server("postgresql", (), ""), where, owned=url is not None, url=url)
    abandon_in_children(session)
    try:
        await session.ask()
    except (IndexError, KeyError, TypeError) as error:
        raise not_understood(error, where) from error
    return session


@dataclass(slots=True, weakref_slot=True, eq=False)
class AsyncpgSession:
    """A `Session` on a connection of asyncpg (or a pool's proxy of one); `owned` if it was opened here.

    `where` names the server in errors, `url` is where it was opened, for more like it.
    """

    connection: Any
    server: Server
    where: str
    owned: bool
    url: str | None = field(default=None, repr=False)
    started: str | None = None
    _savepoints: int = field(default=0, repr=False)
    _settings: Mapping[str, str] | None = field(default=None, repr=False)
    _watch: SilenceWatch = field(init=False, repr=False)

    def __post_init__(self) -> None:
        transport = self.connection._transport
        self._watch = SilenceWatch(lambda: transport, self._is_idle, lambda: transport.abort())

    async def ask(self) -> Mapping[str, str]:
        """Ask for the server's version, the schema of names that have none, and the settings that are pinned."""
        row = (await self.fetch(ASKED)).to_pylist()[0]
        self.server = server_from(row)
        # Behind a pooler that isn't the backend that the connection was given at its start.
        here = row["backend"] == self.connection.get_server_pid()
        self.started = row["started"] if here else None
        self._settings = row
        return row

    @property
    def dialect(self) -> Dialect:
        return DIALECT

    def distrust(self) -> None:
        self._settings = None

    async def pin(self) -> Mapping[str, str]:
        """Set the session as our statements need it; the settings that were changed, as they were."""
        former = misfits(self._settings or await self.ask())
        if former:
            await self.execute(set_settings((name, PINNED[name][0]) for name in former))
        return former

    @asynccontextmanager
    async def pinned(self) -> AsyncGenerator[None]:
        former = await self.pin()
        try:
            yield
        finally:
            if former and not self._is_closed():
                self._settings = None
                # In a transaction that has failed nothing can be set, and its ROLLBACK undoes what was set within.
                with suppress(DatabaseError):
                    await uninterrupted(self.execute(set_settings(former.items())))

    async def execute(self, statement: SQL) -> int:
        with self._translated(statement):
            status: str = await self.connection.execute(statement.text(QUOTING))
            await self._keep_encoding()
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    async def fetch(self, query: SQL) -> pa.Table:
        """The whole result of a query. Types that arrowsync doesn't know come as text, and so do arrays of numeric."""
        query, prepared, names, types = await self._described(query)
        if not names or not is_subquery(query.text(QUOTING)):
            with self._translated(query):
                table = _from_records(names, await prepared.fetch())
                await self._keep_encoding()
            return table
        reader = compile_result_reader(names, types)
        async with self._copied(query, reader) as batches:
            table = pa.Table.from_batches([batch async for batch in batches], schema=reader.schema)
        await self._keep_encoding()
        return finish_result(table, types)

    async def _keep_encoding(self) -> None:
        """Undo a SET client_encoding on a connection of ours: asyncpg sends statements as UTF-8 all the same."""
        if self.owned and self.connection.get_settings().client_encoding != "UTF8":
            await self.connection.execute("SET client_encoding TO 'UTF8'")

    async def _described(self, query: SQL) -> tuple[SQL, Any, list[str], list[SqlType]]:
        """The query as it can stand inside another, prepared, and the names and types of its columns."""
        text = query.text(QUOTING).rstrip("; \t\r\n")
        query = trusted(text)
        with self._translated(query):
            prepared = await self.connection.prepare(text, name="")
            attributes = prepared.get_attributes()
        return query, prepared, [a.name for a in attributes], [_result_type(a.type) for a in attributes]

    @asynccontextmanager
    async def stream(self, query: SQL, columns: Sequence[Column] | None = None) -> AsyncGenerator[Result]:
        """Stream the result; of any query, numerics, whose digits nobody knows before the end, and unknown types are text.

        The result of a statement that isn't a query (SHOW, ... RETURNING) comes at once.
        """
        if columns is not None:
            reader = compile_reader(columns)
            async with self._copied(query, reader) as batches:
                yield Result(reader.schema, batches)
            return
        query, prepared, names, types = await self._described(query)
        if not names:
            raise no_result()
        if is_subquery(query.text(QUOTING)):
            reader = compile_stream_reader(names, types)
            async with self._copied(query, reader) as batches:
                yield Result(reader.schema, batches)
            await self._keep_encoding()
            return
        with self._translated(query):
            table = _from_records(names, await prepared.fetch())
            await self._keep_encoding()
        async with aclosing(batches_of(table)) as batches:
            yield Result(table.schema, batches)

    @property
    def in_transaction(self) -> bool:
        """True if a transaction is open; ConnectionLost where the connection isn't."""
        if self._is_closed():
            raise ConnectionLost(f"the connection to {self.where} is closed", hint="open a new one")
        inside: bool = self.connection.is_in_transaction()
        return inside

    async def opener(self) -> Opener:
        """Open sessions on the same URL, with the role and settings that this one has now."""
        url = self.url
        if url is None:
            raise not_shared(
                "the connection is one of yours, and others can't be opened like it; pass a URL, or arrowsync.connect(url)"
            )
        if self.in_transaction:
            raise not_shared("you have begun a transaction, and other connections are not in it")
        found = (await self.fetch(SESSION_SETTINGS)).to_pylist()

        async def another() -> AsyncpgSession:
            opened = await open_session(url)
            try:
                for row in found:
                    await opened.execute(set_setting(row["name"], row["setting"]))
                await opened.ask()
                await opened.pin()
            except BaseException:
                await opened.close()
                raise
            return opened

        return another

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[bool]:
        own = not self.in_transaction
        async with (self._transaction() if own else self._savepoint()).entered():
            yield own

    def _transaction(self) -> Scope:
        transaction = self.connection.transaction()

        async def begin() -> None:
            with self._translated(sql("BEGIN")):
                await transaction.start()

        async def run() -> None:
            with self._translated(sql("COMMIT")):
                await transaction.commit()

        async def end() -> None:
            try:
                noted = await uninterrupted(self._note())
                await commit(run, lambda: self._look(noted), self.connection.terminate)
            except BaseException:
                await self._roll_back(rollback)
                raise

        async def rollback() -> None:
            if self.connection.is_in_transaction():  # a COMMIT that failed has ended it
                await transaction.rollback()

        return Scope(begin, end, partial(self._roll_back, rollback))

    async def _note(self) -> Noted:
        """Note the number by which the open transaction's outcome is found; a DatabaseError if it has failed already."""
        try:
            with self._translated(NOTE):
                prepared = await self.connection.prepare(NOTE.text(QUOTING), name="")
                return Noted(**await prepared.fetchrow())
        except DatabaseError as error:
            raise failed_before() if error.code == FAILED_TRANSACTION else error from error.__cause__

    async def _look(self, noted: Noted) -> bool | None:
        """True if the transaction has committed, asked over another connection; None where none can be opened like this one."""
        url = self.url
        return None if url is None else await look_for(noted, lambda: open_session(url))

    def _savepoint(self) -> Scope:
        """A savepoint of our own, since asyncpg makes none in a transaction that the user began with a plain BEGIN."""
        self._savepoints += 1
        name = Identifier(f"arrowsync_{self._savepoints}")

        async def end() -> None:
            try:
                await uninterrupted(self.execute(sql("RELEASE SAVEPOINT {name}", name=name)))
            except DatabaseError:  # after a cancellation it is released all the same
                await self._roll_back(rollback)
                raise

        async def rollback() -> None:
            if self.connection.is_in_transaction():
                await self.execute(sql("ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}", name=name))

        begin = partial(self.execute, sql("SAVEPOINT {name}", name=name))
        return Scope(begin, end, partial(self._roll_back, rollback))

    async def _roll_back(self, rollback: Act) -> None:
        """Roll back, and let nothing interrupt it; what can't be rolled back is dropped with its connection.

        No error is raised: the one that made it necessary is on its way.
        """
        if self._is_closed():
            return
        try:
            await uninterrupted(self._watch.cleaned_up(rollback(), ROLLBACK_SECONDS))
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

        with self._translated(statement, chunks, waiting=False):
            async with prefetch(iter(chunks)) as source:
                with self._watch.waiting():
                    given = self._watch.between(source)
                    status = await run_copy(self.connection, lambda wire: copy(wire, given), self._watch)
        return LoadResult(rows=int(status.rpartition(" ")[2]), bytes=chunks.bytes)

    @asynccontextmanager
    async def _copied(self, query: SQL, reader: BlockReader) -> AsyncGenerator[AsyncIterator[pa.RecordBatch]]:
        """The result of a query as batches, parsed in a worker thread; the server waits while nobody takes them."""
        statement = copied(query, reader.decoders)
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
                        with self._watch.paused():
                            await slots.acquire()

            with self._watch.waiting():
                await self.connection.copy_from_query(
                    statement.text(QUOTING), output=take, format="csv", encoding="UTF8", timeout=_no_timeout()
                )
            if block:
                blocks.put_nowait(bytes(block))

        async def parsed() -> AsyncGenerator[pa.RecordBatch]:
            while (block := await blocks.get()) is not None:
                slots.release()
                with self._translated(query, waiting=False):
                    batch = reader(block) if len(block) <= INLINE_BYTES else await worker.run(reader, block)
                yield batch
            with self._translated(query, waiting=False):
                await task

        worker = Worker("read")
        task = asyncio.create_task(run_copy(self.connection, copy, self._watch))
        task.add_done_callback(lambda _: blocks.put_nowait(None))
        try:
            async with aclosing(parsed()) as batches:
                yield batches
        finally:
            worker.close()
            task.cancel()
            await until_done(task)

    async def cancel(self) -> None:
        """Stop the running statement, which fails on the server with SQLSTATE 57014."""
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self.connection._cancel(sent)

    async def close(self) -> None:
        await self._watch.close()
        if not self.owned or self._is_closed():
            return
        try:
            await self.connection.close(timeout=CLOSE_SECONDS)
        except Exception:
            self.connection.terminate()

    async def _is_idle(self) -> bool:
        """True if the server says, over another connection, that it is not at work for this one."""
        its = self.connection
        another = await connect_like(its)
        try:
            row = await another.fetchrow(_doing(its.get_server_pid()).text(QUOTING))
        finally:
            another.terminate()
        if self.started is None or row["started"] != self.started:
            return False  # behind a pooler, or on another server: nobody knows
        return row["doing"] is None or _NOT_AT_WORK.match(row["doing"]) is not None

    def abandon(self) -> None:
        if self.owned and not self._is_closed():
            close_silently(self.connection._transport)
            self.connection._aborted = True  # nothing more is to be said, by its destructor either

    @contextmanager
    def _translated(self, statement: SQL, chunks: Chunks | None = None, *, waiting: bool = True) -> Generator[None]:
        """Raise the driver's errors as ours; those of the source of `chunks` stay as they are.

        The server is watched, unless it isn't the only thing that is waited for.
        """
        try:
            if not waiting:
                yield
                return
            with self._watch.waiting():
                yield
        except (ArrowSyncError, MemoryError):
            raise
        except Exception as error:
            if chunks is not None and error is chunks.error:
                raise
            text = statement.text(_WITHOUT_VALUES)
            silent = self._watch.reason
            found = translate(error if silent is None else ConnectionError(silent), text, where=self.where)
            if found is None and self._is_closed():
                found = ConnectionLost(f"the connection to {self.where} is closed", hint="open a new one")
            if found is None and isinstance(error, _interface_error()):
                found = DatabaseError(f"{error}", statement=masked(text))
            if found is None:
                found = not_understood(error, self.where, masked(text))
                if isinstance(found, ConnectionLost):
                    self.connection.terminate()
            raise found from error

    def _is_closed(self) -> bool:
        try:
            closed: bool = self.connection.is_closed()
        except Exception:  # a pool's proxy that was released
            return True
        return closed

    def __repr__(self) -> str:
        return f"<AsyncpgSession to {self.where}>"


def _is_about_url(error: Exception) -> bool:
    """True if asyncpg failed before it had connected to anything."""
    return any(frame.f_code.co_name == "_parse_connect_arguments" for frame, _ in walk_tb(error.__traceback__))


def _interface_error() -> type[Exception]:
    """The error for a call that asyncpg can't make."""
    from asyncpg import InterfaceError

    return InterfaceError


def _doing(backend: int) -> SQL:
    """The query for the activity of a backend, NULL if it is gone, and for the server that answers."""
    return sql(
        """SELECT extract(epoch FROM pg_catalog.pg_postmaster_start_time())::text AS started, (
SELECT coalesce(state, 'unknown') || ' ' || coalesce(wait_event, '') FROM pg_catalog.pg_stat_activity
WHERE pid = {backend}) AS doing""",
        backend=Literal(backend),
    )


def _unreachable(error: Exception, where: str, timeout: float | None = None) -> ArrowSyncError:
    """The error for a connection that couldn't be opened."""
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
    if isinstance(error, ssl.SSLError):
        return DatabaseError(
            f"no encrypted connection to {where} could be made: {error}",
            hint="check sslrootcert, sslcert and sslkey in the URL",
        )
    if isinstance(error, ConnectionError) and "rejected SSL upgrade" in str(error):
        return DatabaseError(
            f"the server at {where} has no TLS, and the URL requires it",
            hint="set up certificates on the server, or use ssl-mode=prefer if the network is safe",
        )
    if isinstance(error, OSError):  # TimeoutError is one
        reason = str(error) or f"no answer within {timeout or 0:g} s"
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
