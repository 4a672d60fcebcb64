"""The public names, blocking: each call runs its async twin in one background event loop.

So they work in a script, in a notebook with its own running loop, and in any thread; Ctrl-C cancels and waits for the
rollback.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from types import ModuleType, TracebackType
from typing import Any, NoReturn, TypeVar, cast

import pyarrow as pa

from arrowsync import aio
from arrowsync.bridge import Portal, in_worker
from arrowsync.catalog import Catalog
from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.errors import DeclarationError
from arrowsync.migration.plan import MigrationPlan
from arrowsync.options import CsvOptions, Dedup, Mode, OnConflict, OnError, SchemaChanges
from arrowsync.progress import Progress
from arrowsync.report import SyncReport
from arrowsync.sources.files.selection import Columns, Filter
from arrowsync.sources.stream import BatchStream
from arrowsync.sync import open_source as export
from arrowsync.sync import open_source as source
from arrowsync.sync.open_source import Target

T = TypeVar("T")
_portal = Portal()


class Connection:
    """One open connection, made by `connect`. Close it, or use it as a context manager.

    Any thread may use it, and calls take turns. It belongs to the process that opened it: in a forked child every call raises
    a DeclarationError, before a byte is sent. Child processes open connections of their own.
    """

    _arrowsync_blocking = True

    def __init__(self, connection: aio.Connection) -> None:
        self._async = connection

    def execute(self, statement: str) -> int:
        """Run SQL statements of yours; the number of rows that the last one affected."""
        return _portal.run(lambda: self._async.execute(statement))

    def fetch(self, query: str) -> pa.Table:
        """The whole result of a query of yours, as an Arrow table."""
        return _portal.run(lambda: self._async.fetch(query))

    def stream(self, query: str) -> Generator[pa.RecordBatch]:
        """The result of a query of yours as a stream of record batches, which `sync_table` into another database takes too.

        The query runs when the first batch is asked for, and memory holds a few batches only. A result without rows is one
        batch without rows. Close the stream if you stop early: the connection is busy until then.

        Values are exact, in the types that the database tells, and text where it tells too little: so are PostgreSQL's
        numerics, which become decimals in a table that is declared with them. MySQL shows six digits of a FLOAT, which is
        refused: select it `* 1e0`.

        >>> import arrowsync
        >>> with arrowsync.connect("duckdb://") as conn:
        ...     [batch.to_pylist() for batch in conn.stream("SELECT 42 AS answer")]
        [[{'answer': 42}]]
        """
        return _streamed(self._async.stream(query), self)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """A transaction of your own, around as many calls as you like: all or nothing of them.

        What is raised while it commits says in `committed` what came of it: see `sync_table`.
        """
        transaction: AbstractAsyncContextManager[None] = self._async.transaction()
        _portal.run(transaction.__aenter__)
        before = aio.inside.get()
        aio.inside.set(before | {self._async})  # the call above ran in a context of its own
        try:
            yield
        finally:
            aio.inside.set(before)
            raised = sys.exc_info()
            committed = raised[0] is None and self._async not in before
            _portal.run(lambda: transaction.__aexit__(*raised), lambda _: "the transaction" if committed else None)

    def close(self) -> None:
        """Close the connection; what is uncommitted is rolled back. Closing twice does nothing."""
        _portal.run(self._async.close)

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise aio.unsendable()

    def __repr__(self) -> str:
        return repr(self._async)


def connect(url: str) -> Connection:
    """A connection to the database at `url`; close it, or use it as a context manager.

    `url` is `postgresql://user:password@host:port/database`, `duckdb:///file.duckdb` (relative), `duckdb:////path/file.duckdb`
    (absolute), `duckdb://` (in memory), `mysql://` or `mariadb://`, which mean the same. Raises ConnectionLost where the
    server can't be reached, DatabaseError where it refuses.

    >>> import arrowsync
    >>> with arrowsync.connect("duckdb://") as conn:
    ...     conn.fetch("SELECT 42 AS answer").to_pylist()
    [{'answer': 42}]
    """

    async def opened() -> aio.Connection:
        return await aio.connect(url)

    return Connection(_portal.run(opened))


def sync_table(
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
    """The data is in the table, exactly, or nothing has changed: create or migrate, convert, load, merge.

    Everything happens in one transaction (a savepoint, inside one of your own). Doing the same sync twice changes nothing
    the second time.

    data            anything with rows: a path, glob, folder or URL of Parquet, CSV, TSV, JSON Lines or Arrow files (what
                    their names don't say, `open_source` does); a Polars, pandas or Arrow frame; a DuckDB relation or ADBC
                    cursor; the `stream` or `read_batches` of another connection; an iterable, also an async one, of frames,
                    tuples, dicts or dataclass objects
    table           a dataclass; a `pa.Schema` with the table's name in its metadata; or a name, `"users"` or
                    `"sales.users"`, whose columns are those of the live table, or of the data where there is none yet
    conn            a connection, a URL, or a connection of duckdb or adbc_driver_postgresql (`dbapi`). What you have begun on
                    yours is yours to commit; where nothing is open on the server, this commits
    mode            "upsert" (the default where there is a key): new keys are inserted, others updated where they differ;
                    "insert" (the default where there is none); "replace": the table has the new rows only;
                    "mirror": upsert, and rows whose key the data lacks are deleted
    key             the key columns, where the declaration has none
    on_conflict     for insert: "error", or "skip" rows whose key is there already
    dedup           which of several incoming rows with one key wins: "last", "first", or "error"; not for plain insert
    on_error        "raise" a ConversionError at the first batch with a bad value, or "reject" those rows into the report,
                    with malformed ones of text files, and those that a check, key or trigger of the table refuses
    max_rejects     more rejected rows than this fail the load
    schema_changes  "safe": create, add, widen, relax; "none": the live table must do; "all": also what may lose data
    parallel        load over so many connections at once, the rest in one transaction: PostgreSQL, MySQL or MariaDB, opened
                    from a URL, outside of a transaction of yours
    progress        None: a bar on a terminal and in a notebook; True, False; or a function of (rows, total)
    dry_run         plan only: nothing is read or written, and the report has the statements

    Raises DeclarationError, SourceError, ConversionError, MigrationError or DatabaseError, with the table as it was. Only where
    the answer to the commit is lost, and nobody can tell what came of it, the error says so, and its `committed` is None. Ctrl-C
    during the commit waits for its answer: `committed` of the KeyboardInterrupt, and a note, say that the load is there.

    >>> from dataclasses import dataclass
    >>> import arrowsync
    >>> from arrowsync import PrimaryKey
    >>> @dataclass
    ... class City:
    ...     name: PrimaryKey[str]
    ...     people: int
    >>> with arrowsync.connect("duckdb://") as conn:
    ...     _ = arrowsync.sync_table([("Oslo", 717_710)], City, conn)
    ...     report = arrowsync.sync_table([("Oslo", 724_290), ("Bergen", 291_940)], City, conn)
    >>> report.inserted, report.updated, report.unchanged
    (1, 1, 0)
    """
    declared, connection = _described(table), _unwrapped(conn)
    return _portal.run(
        lambda: aio.sync_table(
            data,
            declared,
            connection,
            mode=mode,
            key=key,
            on_conflict=on_conflict,
            dedup=dedup,
            on_error=on_error,
            max_rejects=max_rejects,
            schema_changes=schema_changes,
            parallel=parallel,
            progress=progress,
            dry_run=dry_run,
        ),
        lambda report: None if report.dry_run else "the load",
    )


def plan(
    tables: type | pa.Schema | Sequence[type | pa.Schema] | ModuleType,
    conn: object,
    *,
    schema_changes: SchemaChanges = "safe",
) -> MigrationPlan:
    """What `migrate` would do, as readable steps: `print(plan)`, `plan.steps`, `plan.statements`; empty if nothing."""
    declared, connection = _described(tables), _unwrapped(conn)
    return _portal.run(lambda: aio.plan(declared, connection, schema_changes=schema_changes))


def migrate(
    tables: type | pa.Schema | Sequence[type | pa.Schema] | ModuleType,
    conn: object,
    *,
    schema_changes: SchemaChanges = "safe",
) -> MigrationPlan:
    """Create or alter the live tables to match their declarations, in one transaction; what was done is returned."""
    declared, connection = _described(tables), _unwrapped(conn)
    return _portal.run(
        lambda: aio.migrate(declared, connection, schema_changes=schema_changes), lambda plan: "the migration"
    )


def discover(conn: object, namespace: str | None = None) -> Catalog:
    """The tables of the live database as objects, with their columns, keys, constraints and indexes, and the types they need.

    They are those of one namespace (a schema, in the database's words), without views; None is the connection's default one,
    whose tables are called without a namespace. `str()` of the catalog, or of a table in it, is standard SQL, and `to_source`
    prints its tables as dataclasses. A MigrationError says that there is no such namespace.

    >>> import arrowsync
    >>> with arrowsync.connect("duckdb://") as conn:
    ...     _ = conn.execute("CREATE TABLE city (name VARCHAR PRIMARY KEY, people BIGINT)")
    ...     catalog = arrowsync.discover(conn)
    >>> [(str(table.name), table.key, [column.name for column in table.columns]) for table in catalog.tables]
    [('city', ('name',), ['name', 'people'])]
    """
    connection = _unwrapped(conn)
    return _portal.run(lambda: aio.discover(connection, namespace))


def read_table(table: type | pa.Schema | str, conn: object) -> pa.Table:
    """All rows of the table, in its declared types; of a table given by name, in the types that it has."""
    declared, connection = _described(table), _unwrapped(conn)
    return _portal.run(lambda: aio.read_table(declared, connection))


def read_batches(table: type | pa.Schema | str, conn: object) -> Generator[pa.RecordBatch]:
    """The rows of the table as a stream of record batches. Close it if you stop early: the connection is busy until then."""
    reader = conn._async if isinstance(conn, Connection) else conn  # pyright: ignore[reportPrivateUsage]
    return _streamed(aio.read_batches(_described(table), reader), conn)


def _streamed(batches: AsyncGenerator[pa.RecordBatch, None], conn: object) -> Generator[pa.RecordBatch]:
    """The batches of an async generator over the connection."""
    _unwrapped(conn)  # refuses a source that reads what it is loaded into
    try:
        while True:
            batch = _portal.run(lambda: anext(batches, None))
            if batch is None:
                return
            yield batch
    finally:
        _portal.run(batches.aclose)


def open_source(
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
    """The data as a one-shot stream of record batches; with a `table`, converted to the types that it declares.

    No database is needed. The stream can be given to `sync_table`, so what is said here of a file holds for loading it too.

    data            a path or URL of Parquet, CSV, TSV, JSON Lines or Arrow files (plain, gzip, Zstandard; a file, folder,
                    glob or list; `https://`, `s3://`, `gs://` and what fsspec knows), "-" for standard input, the bytes of
                    a file, a file that is open as binary; or what else `sync_table` takes
    format          "parquet", "csv", "tsv", "jsonl" or "arrow": what a file is, whatever its suffix says
    field_names     the columns of tuples, CSV and TSV; None for one that is left out
    has_header      whether the first line of CSV and TSV names the columns; without, and without `field_names`, they are
                    those of the table
    csv             how CSV is written: `CsvOptions(delimiter=";", encoding="cp1252")`
    columns         the columns of files to read, "declared" for those of the table; others of Parquet aren't read at all
    filters         what holds for all rows that are read of Parquet and Arrow files: `[("day", ">=", date(2026, 1, 1))]`;
                    files and row groups that can't have such rows are skipped
    field_types     the types of the fields that `field_names` names, as a dataclass would have them, in place of a `table`
    round           decimals with more decimal places than their column has are rounded, halves away from zero; else an error

    Raises SourceError, now or as the batches come, with file, line and column where text is malformed.

    >>> import arrowsync
    >>> arrowsync.open_source([(1, "a")], field_names=["id", "name"]).read_all().to_pylist()
    [{'id': 1, 'name': 'a'}]
    """
    return source.open_source(
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


def write_tsv(
    data: object,
    target: Target,
    table: type | pa.Schema | None = None,
    *,
    format: str | None = None,  # noqa: A002 - the word that users look for
    field_names: Sequence[str | None] | None = None,
    header: bool = True,
) -> int:
    r"""The number of rows written to a path or to an open binary file, as tab-separated values that `open_source` reads.

    `data`, `table`, `format` and `field_names` are those of `open_source`, whose stream can be given too. The file is what
    PostgreSQL's `COPY ... FROM` reads (with `HEADER`, unless `header` is False): UTF-8, `\N` for NULL, a backslash before
    what would end a field. A path that ends with `.gz` or `.zst` is compressed; the file appears when it is complete.

    >>> import arrowsync, io
    >>> file = io.BytesIO()
    >>> arrowsync.write_tsv([{"number": 1, "words": "one\ttwo"}, {"number": 2, "words": None}], file)
    2
    >>> file.getvalue()
    b'number\twords\n1\tone\\ttwo\n2\t\\N\n'
    """
    return export.write_tsv(data, target, table, format=format, field_names=field_names, header=header)


def _described(tables: T) -> T:
    """The same; each class among them is read here, in the thread of its author, where its local names can be seen."""
    several = cast(Sequence[object], tables) if isinstance(tables, (list, tuple)) else (tables,)
    for table in several:
        if isinstance(table, type):
            read_dataclass(table)
    return tables  # pyright: ignore[reportUnknownVariableType]


def _unwrapped(conn: object) -> object:
    if isinstance(conn, Connection):
        connection = conn._async  # pyright: ignore[reportPrivateUsage]
        if connection.busy and in_worker():
            raise aio.busy_error("loading this very source", "read from a second connection")
        return connection
    if isinstance(conn, aio.Connection):
        raise DeclarationError(
            "this is an async connection", hint="await arrowsync.aio.sync_table, or use arrowsync.connect"
        )
    return conn
