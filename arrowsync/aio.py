"""The public functions, async. `arrowsync` has blocking ones of the same names; functions without a connection are shared.

    async with arrowsync.aio.connect("postgresql://localhost/warehouse") as conn:
        report = await arrowsync.aio.sync_table(df, UserTable, conn)

Parameters, results and errors are those of the blocking twins, whose docstrings describe them in full.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType, TracebackType
from typing import Any, NoReturn, cast

import pyarrow as pa

from arrowsync.bridge import OwnedScope, OwnedStream, Owner, Worker, blocking_iterator
from arrowsync.catalog import Catalog
from arrowsync.declare.json_schema.read import from_json_schema
from arrowsync.declare.json_schema.write import to_json_schema
from arrowsync.dialects import open_session
from arrowsync.dialects.contract import CommittingDdl, Result, Session
from arrowsync.errors import ConnectionLost, DatabaseError, DeclarationError, doubt
from arrowsync.load.outcome import Outcome
from arrowsync.load.stream import SourceStopped
from arrowsync.migration.plan import MigrationPlan
from arrowsync.options import CsvOptions, Dedup, Mode, OnConflict, OnError, SchemaChanges, SyncOptions
from arrowsync.progress import Progress, shown_progress
from arrowsync.report import SyncReport
from arrowsync.sources.files.selection import Columns, Filter
from arrowsync.sources.stream import BatchStream
from arrowsync.sql import trusted
from arrowsync.sync import migrate as migration
from arrowsync.sync import open_source as export
from arrowsync.sync import open_source as source
from arrowsync.sync import read
from arrowsync.sync import sync_table as run
from arrowsync.sync.ddl import create_sql, to_source
from arrowsync.sync.discover import discover_namespace
from arrowsync.sync.open_source import Target

__all__ = [
    "Connection",
    "connect",
    "create_sql",
    "discover",
    "from_json_schema",
    "migrate",
    "open_source",
    "plan",
    "read_batches",
    "read_table",
    "sync_table",
    "to_json_schema",
    "to_source",
    "write_tsv",
]


inside: ContextVar[frozenset[Connection]] = ContextVar("inside", default=frozenset())
"""The connections whose `transaction()` the running code is inside of."""

_READS = re.compile(r"\s*(?:SELECT|VALUES|TABLE|FROM|SHOW|DESC|DESCRIBE|EXPLAIN|PRAGMA)\b", re.I)
"""The first words of statements that change nothing, so that a lost answer leaves no doubt."""

_CHANGES_ROWS = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|REPLACE|SET)\b", re.I)
"""The first words of statements that commit nothing by themselves on a server where DDL does (MySQL)."""


@dataclass(slots=True)
class _Load:
    """A load over a connection; None once it has ended, when what its source has started may still run."""

    conn: object


_loads: ContextVar[tuple[_Load, ...]] = ContextVar("loads", default=())
"""The loads that wait for rows of the running code, which is a source."""


def busy_error(what: str, hint: str) -> DatabaseError:
    """Return the error of a call that would wait for ever: the connection is busy with `what`, which waits for the caller."""
    return DatabaseError(f"the connection is busy with {what}", hint=hint)


def _check_not_loaded(conn: object) -> None:
    """Refuse a call by a source that is being loaded over this very connection: load and call would wait for each other."""
    if any(load.conn is conn for load in _loads.get()):
        raise busy_error("loading this very source", "read from a second connection")


@contextmanager
def _loaded(conn: object) -> Generator[None]:
    """Mark the block as a load over the connection; the source runs in this context, whatever thread reads it."""
    load = _Load(conn)
    token = _loads.set((*_loads.get(), load))
    try:
        yield
    finally:
        _loads.reset(token)
        load.conn = None


def unsendable() -> DeclarationError:
    """Return the error of pickling a connection, for a spawned process or a queue."""
    return DeclarationError(
        "a connection can't be copied, or sent to another process",
        hint="send the URL, and open a connection there: arrowsync.connect(url)",
    )


class Connection:
    """One open connection, made by `connect`. Close it, or use it as a context manager.

    It belongs to the process and the event loop that opened it: anywhere else every call raises a DeclarationError, before a
    byte is sent. Child processes open connections of their own.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._owner = Owner()
        self._lock = asyncio.Lock()
        self._transaction_lock = asyncio.Lock()
        self._reading: str | None = None
        self._closed = False

    async def execute(self, statement: str) -> int:
        """Run SQL statements: see `arrowsync.Connection.execute`.

        >>> import arrowsync, asyncio
        >>> async def example():
        ...     async with arrowsync.aio.connect("duckdb://") as conn:
        ...         await conn.execute("CREATE TABLE t (x BIGINT)")
        ...         return await conn.execute("INSERT INTO t VALUES (1), (2)")
        >>> asyncio.run(example())
        2
        """
        async with self._turn() as session:
            session.distrust()
            commits = isinstance(session.dialect.new_tables, CommittingDdl) and not _CHANGES_ROWS.match(statement)
            with self._carried_out(commits=commits):
                return await session.execute(trusted(statement))

    async def fetch(self, query: str) -> pa.Table:
        """Return the whole result of a query as an Arrow table: see `arrowsync.Connection.fetch`.

        >>> import arrowsync, asyncio
        >>> async def example():
        ...     async with arrowsync.aio.connect("duckdb://") as conn:
        ...         return await conn.fetch("SELECT 42 AS answer")
        >>> asyncio.run(example()).to_pylist()
        [{'answer': 42}]
        """
        async with self._turn() as session:
            session.distrust()
            with self._carried_out() if not _READS.match(query) else nullcontext():
                return await session.fetch(trusted(query))

    def stream(self, query: str) -> AsyncGenerator[pa.RecordBatch, None]:
        """Return the result of a query as an async stream of record batches: see `arrowsync.Connection.stream`.

        >>> import arrowsync, asyncio
        >>> async def example():
        ...     async with arrowsync.aio.connect("duckdb://") as conn:
        ...         return [batch.num_rows async for batch in conn.stream("SELECT * FROM range(3)")]
        >>> asyncio.run(example())
        [3]
        """
        return OwnedStream(self._streamed(query, inside.get()), self._owner)

    async def _streamed(self, query: str, within: frozenset[Connection]) -> AsyncGenerator[pa.RecordBatch, None]:
        """Yield the batches of a query, inside the transactions in which the stream was made, whichever task reads it."""
        turn = self._turn(reading="stream", within=within)
        async with turn as session, self._results(session, query) as result:
            empty = True
            async for batch in result.batches:
                empty = False
                yield batch
            if empty:
                yield pa.RecordBatch.from_pylist([], schema=result.schema)

    def _results(self, session: Session, query: str) -> AbstractAsyncContextManager[Result]:
        session.distrust()
        return session.stream(trusted(query))

    def transaction(self) -> AbstractAsyncContextManager[None]:
        """Make one transaction of all calls inside: commit at the end, roll back after an exception; nested, a savepoint.

        Calls of other tasks, unless they were started inside, wait until it is over. An error of the commit says in `committed`
        what came of it: see `arrowsync.sync_table`.

        >>> import arrowsync, asyncio
        >>> async def example():
        ...     async with arrowsync.aio.connect("duckdb://") as conn:
        ...         async with conn.transaction():
        ...             await conn.execute("CREATE TABLE t (x BIGINT)")
        ...             await conn.execute("INSERT INTO t VALUES (1)")
        ...         return await conn.fetch("SELECT * FROM t")
        >>> asyncio.run(example()).to_pylist()
        [{'x': 1}]
        """
        return OwnedScope(self._transaction(), self._owner)

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[None]:
        self._check_usable()
        if self in inside.get():
            async with self._own_transaction():
                yield
            return
        outcome = Outcome("the transaction")
        with outcome.reported():
            async with self._transaction_lock, self._own_transaction(outcome):
                before = inside.get()
                inside.set(before | {self})
                try:
                    yield
                finally:
                    inside.set(before)

    @contextmanager
    def _carried_out(self, *, commits: bool = False) -> Generator[None]:
        """Run a user's statement inside. If it may commit by itself, an interruption leaves its outcome unknown, and says so."""
        alone = commits or self not in inside.get()
        try:
            yield
        except ConnectionLost as lost:
            if alone and lost.transient:
                doubt(lost, "the statement")
            raise
        except asyncio.CancelledError as cancelled:
            if alone:
                doubt(cancelled)
                cancelled.add_note("arrowsync: the statement may or may not have been carried out")
            raise

    @asynccontextmanager
    async def _own_transaction(self, outcome: Outcome | None = None) -> AsyncGenerator[None]:
        """Open a transaction of the session. A rollback also takes back settings made inside, so they are read again after it."""
        try:
            async with self._session.transaction() if outcome is None else outcome.transaction(self._session):
                yield
        except BaseException:
            self._session.distrust()
            raise

    async def close(self) -> None:
        """Close the connection, and roll back a transaction that is open. Closing twice does nothing.

        In a forked child nothing is sent: the connection of the parent goes on.
        """
        if self._owner.is_gone:
            self._closed = True
            if not self._owner.is_forked:  # there it was abandoned by the fork
                self._session.abandon()
            return
        self._owner.check()
        self._closed = True
        await self._session.close()

    @asynccontextmanager
    async def _turn(
        self, *, reading: str | None = None, within: frozenset[Connection] = frozenset()
    ) -> AsyncGenerator[Session]:
        """Reserve the session for one call; calls of other tasks wait for it.

        `reading` names the generator (`read_batches`, `stream`) that makes the call. While a generator is open a second call is
        an error, since it may come from the code that reads the generator, which would then wait for itself.
        """
        self._check_usable()
        if self._reading:
            raise busy_error(self._reading, "read to the end or close it first, or use a second connection")
        async with AsyncExitStack() as stack:
            if self not in within | inside.get():
                await stack.enter_async_context(self._transaction_lock)
            await stack.enter_async_context(self._lock)
            self._reading = reading
            try:
                yield self._session
            finally:
                self._reading = None

    def _check_usable(self) -> None:
        """Refuse a call in another process or event loop, after `close`, or by a load's source. All calls run this first."""
        self._owner.check()
        if self._closed:
            raise ConnectionLost("the connection is closed", hint="open a new one with connect")
        _check_not_loaded(self)

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __reduce__(self) -> NoReturn:
        raise unsendable()

    def __repr__(self) -> str:
        return f"<arrowsync connection to {self._session.dialect.language.name}>"


class _Connecting(Awaitable[Connection], AbstractAsyncContextManager[Connection]):
    """The result of `connect`: awaited it is a connection, as a context manager a connection that is closed at the end."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None

    def __await__(self) -> Generator[Any, None, Connection]:
        return self._open().__await__()

    async def _open(self) -> Connection:
        return Connection(await open_session(self._url))

    async def __aenter__(self) -> Connection:
        self._connection = await self._open()
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._connection is not None:
            await self._connection.close()


def connect(url: str) -> _Connecting:
    """Connect to the database at `url`: `await connect(url)`, or `async with connect(url) as conn`.

    See `arrowsync.connect` for the URLs. Raises DeclarationError for a URL that can't be read, MissingDriver if the driver isn't
    installed, ConnectionLost if the server can't be reached, DatabaseError if it rejects the login.

    >>> import arrowsync, asyncio
    >>> async def example():
    ...     async with arrowsync.aio.connect("duckdb://") as conn:
    ...         return await conn.fetch("SELECT 42 AS answer")
    >>> asyncio.run(example()).to_pylist()
    [{'answer': 42}]
    """
    return _Connecting(url)


@asynccontextmanager
async def _session(
    conn: object, *, reading: str | None = None, within: frozenset[Connection] = frozenset()
) -> AsyncGenerator[Session]:
    """Open a session for the user's `conn` argument: a Connection, a URL, or a driver's connection. Close it if it was opened."""
    if isinstance(conn, Connection):
        turn = conn._turn(reading=reading, within=within)  # pyright: ignore[reportPrivateUsage]
        async with turn as session, session.pinned():
            yield session
        return
    if hasattr(conn, "_arrowsync_blocking"):
        raise DeclarationError(
            "this is a blocking connection", hint="use arrowsync.sync_table, or arrowsync.aio.connect"
        )
    if not isinstance(conn, str):
        _check_not_loaded(conn)
    session = await open_session(conn)
    try:
        async with session.pinned():
            yield session
    finally:
        await session.close()


async def sync_table(
    data: object,
    table: type | pa.Schema | str,
    conn: object,
    *,
    mode: Mode | None = None,
    key: str | Sequence[str] | None = None,
    on_conflict: OnConflict = "error",
    dedup: Dedup = "last",
    on_error: OnError = "raise",
    max_rejects: int | None = None,
    schema_changes: SchemaChanges = "safe",
    parallel: int | None = None,
    progress: bool | Progress | None = None,
    dry_run: bool = False,
) -> SyncReport:
    """Load the data into the table, exactly, or change nothing: the async twin of `arrowsync.sync_table`.

    A cancellation during the commit waits for the answer of the server, a minute at most, and is raised then. The CancelledError
    has `committed` True, and a note, if the load was committed; None if that is unknown.

    >>> import arrowsync, asyncio
    >>> async def example():
    ...     async with arrowsync.aio.connect("duckdb://") as conn:
    ...         return await arrowsync.aio.sync_table([{"id": 1}, {"id": 2}], "numbers", conn)
    >>> asyncio.run(example()).inserted
    2
    """
    options = SyncOptions(
        mode=mode,
        key=(key,) if isinstance(key, str) else tuple(key) if key is not None else None,
        on_conflict=on_conflict,
        dedup=dedup,
        on_error=on_error,
        max_rejects=max_rejects,
        schema_changes=schema_changes,
        parallel=1 if parallel is None else parallel,
        dry_run=dry_run,
    )
    outcome = Outcome("the load")
    with (
        outcome.reported(),
        shown_progress(progress, table if isinstance(table, str) else getattr(table, "__name__", "rows")) as callback,
    ):
        async with _session(conn) as session, _readable(data) as data:
            try:
                with _loaded(conn):
                    return await run.sync_table(data, table, session, options, outcome, callback)
            except SourceStopped as stopped:
                raise stopped.error from None


@asynccontextmanager
async def _readable(data: object) -> AsyncGenerator[object]:
    """Yield the data in a form that worker threads can read: an async iterable is awaited in this event loop for them."""
    if hasattr(data, "__aiter__") and not hasattr(data, "__iter__") and not hasattr(data, "__arrow_c_stream__"):
        async with blocking_iterator(cast("AsyncIterable[object]", data)) as rows:
            yield rows
    else:
        yield data


async def plan(
    tables: type | pa.Schema | Sequence[type | pa.Schema] | ModuleType,
    conn: object,
    *,
    schema_changes: SchemaChanges = "safe",
) -> MigrationPlan:
    """Plan what `migrate` would do, without changing anything: the async twin of `arrowsync.plan`."""
    async with _session(conn) as session:
        return await migration.plan_tables(tables, session, schema_changes)


async def migrate(
    tables: type | pa.Schema | Sequence[type | pa.Schema] | ModuleType,
    conn: object,
    *,
    schema_changes: SchemaChanges = "safe",
) -> MigrationPlan:
    """Create or alter the live tables to match their declarations, and return the plan: the async twin of `arrowsync.migrate`."""
    outcome = Outcome("the migration")
    with outcome.reported():
        async with _session(conn) as session:
            return await migration.migrate_tables(tables, session, schema_changes, outcome)


async def discover(conn: object, namespace: str | None = None) -> Catalog:
    """Return the tables of the live database as objects: the async twin of `arrowsync.discover`."""
    async with _session(conn) as session:
        return await discover_namespace(session, namespace)


async def read_table(table: type | pa.Schema | str, conn: object) -> pa.Table:
    """Read all rows of the table: the async twin of `arrowsync.read_table`."""
    async with _session(conn) as session, read.open_table(table, session) as reader:
        return pa.Table.from_batches([batch async for batch in reader.batches], schema=reader.schema)


def read_batches(table: type | pa.Schema | str, conn: object) -> AsyncGenerator[pa.RecordBatch, None]:
    """Stream the rows of the table as record batches: `async for batch in read_batches(T, conn)`.

    The async twin of `arrowsync.read_batches`. Close the stream (`contextlib.aclosing`) if you stop early: the connection is busy
    until then.
    """
    owner = conn._owner if isinstance(conn, Connection) else None  # pyright: ignore[reportPrivateUsage]
    return OwnedStream(_read_batches(table, conn, inside.get()), owner)


async def _read_batches(
    table: type | pa.Schema | str, conn: object, within: frozenset[Connection]
) -> AsyncGenerator[pa.RecordBatch, None]:
    """Yield the batches, inside the transactions in which the stream was made, whichever task reads it."""
    opened = _session(conn, reading="read_batches", within=within)
    async with opened as session, read.open_table(table, session) as reader:
        async for batch in reader.batches:
            yield batch


async def open_source(
    data: object,
    table: type | pa.Schema | None = None,
    *,
    format: str | None = None,  # noqa: A002 - the word that users look for
    field_names: Sequence[str | None] | None = None,
    has_header: bool = True,
    csv: CsvOptions | None = None,
    columns: Columns | None = None,
    filters: Sequence[Filter] | None = None,
    field_types: Sequence[Any] | None = None,
    round: bool = False,  # noqa: A002 - the word that users look for
) -> BatchStream:
    """Open the data as a stream of record batches, in a worker thread: the async twin of `arrowsync.open_source`."""
    opener = Worker("open")
    try:
        return await opener.run(
            source.open_source,
            data,
            table,
            format=format,
            field_names=field_names,
            has_header=has_header,
            csv=csv,
            columns=columns,
            filters=filters,
            field_types=field_types,
            round=round,
        )
    finally:
        opener.close()


async def write_tsv(
    data: object,
    target: Target,
    table: type | pa.Schema | None = None,
    *,
    format: str | None = None,  # noqa: A002 - the word that users look for
    field_names: Sequence[str | None] | None = None,
    header: bool = True,
) -> int:
    """Write the data as tab-separated values, and return the number of rows: the async twin of `arrowsync.write_tsv`."""
    writer = Worker("write")
    try:
        return await writer.run(
            export.write_tsv, data, target, table, format=format, field_names=field_names, header=header
        )
    finally:
        writer.close()
