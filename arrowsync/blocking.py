"""The public functions, blocking: each call runs its async twin of `arrowsync.aio` in one background event loop.

Blocking calls work in a script, in a notebook with its own running loop, and in any thread; Ctrl-C cancels the call and waits
for its rollback.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from types import ModuleType, TracebackType
from typing import Any, NoReturn, TypeVar, cast

import pyarrow as pa

from arrowsync import aio
from arrowsync.bridge import Portal
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
        """Run SQL statements as they are, and return the number of rows that the last one affected.

        Outside of `transaction()` the server commits them. Raises DatabaseError, with the SQL in `statement`, if the server
        rejects one.

        >>> import arrowsync
        >>> with arrowsync.connect("duckdb://") as conn:
        ...     _ = conn.execute("CREATE TABLE t (x BIGINT)")
        ...     conn.execute("INSERT INTO t VALUES (1), (2)")
        2
        """
        return _portal.run(lambda: self._async.execute(statement))

    def fetch(self, query: str) -> pa.Table:
        """Return the whole result of a query as an Arrow table; the types are those of `stream`.

        Raises DatabaseError if the server rejects the query.

        >>> import arrowsync
        >>> with arrowsync.connect("duckdb://") as conn:
        ...     conn.fetch("SELECT 42 AS answer").to_pylist()
        [{'answer': 42}]
        """
        return _portal.run(lambda: self._async.fetch(query))

    def stream(self, query: str) -> Generator[pa.RecordBatch]:
        """Stream the result of a query as record batches; `sync_table` into another database takes the stream as data.

        The query runs when the first batch is read, and memory holds a few batches only. A result without rows is one batch
        without rows. Close the stream if you stop early: the connection is busy until then.

        Values are exact. Columns have the types that the server describes, and are text if its description isn't exact enough:
        a numeric of PostgreSQL is text, and becomes a decimal in a table that declares one. MySQL sends six digits of a FLOAT,
        so such a column is refused: select `x * 1e0`. Raises DatabaseError if the server rejects the query.

        >>> import arrowsync
        >>> with arrowsync.connect("duckdb://") as conn:
        ...     [batch.to_pylist() for batch in conn.stream("SELECT 42 AS answer")]
        [[{'answer': 42}]]
        """
        return _streamed(self._async.stream(query), self)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Make one transaction of all calls inside: commit at the end, roll back after an exception; nested, a savepoint.

        Calls of other threads wait until it is over. An error of the commit says in `committed` what came of it: see
        `sync_table`.

        >>> import arrowsync
        >>> with arrowsync.connect("duckdb://") as conn, conn.transaction():
        ...     _ = conn.execute("CREATE TABLE t (x BIGINT)")
        ...     conn.execute("INSERT INTO t VALUES (1)")
        1
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
        """Close the connection, and roll back a transaction that is open. Closing twice does nothing."""
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
    """Connect to the database at `url`. Close the connection, or use it as a context manager.

    `url` is `postgresql://user:password@host:port/database`, `duckdb:///file.duckdb` (relative), `duckdb:////path/file.duckdb`
    (absolute), `duckdb://` (in memory), `mysql://` or `mariadb://`, which mean the same.

    Raises DeclarationError for a URL that can't be read, MissingDriver if the driver isn't installed, ConnectionLost if the
    server can't be reached, DatabaseError if it rejects the login.

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
    """Load the data into the table, exactly, or change nothing: create or migrate the table, convert, load, merge.

    Everything happens in one transaction; inside a transaction of your own, in a savepoint. The same sync again changes nothing.

    data            anything with rows: a path, glob, folder or URL of Parquet, CSV, TSV, JSON Lines or Arrow files (for options
                    of their format, give an `open_source`); a Polars, pandas or Arrow frame; a DuckDB relation or ADBC cursor;
                    the `stream` or `read_batches` of another connection; an iterable, also an async one, of frames, tuples,
                    dicts or dataclass objects
    table           a dataclass; a `pa.Schema` with the table's name in its metadata; or a name, `"users"` or `"sales.users"`,
                    with the columns of the live table, or of the data if the table is new
    conn            a connection, a URL, or a connection of duckdb or adbc_driver_postgresql (`dbapi`). In a transaction that you
                    have begun nothing is committed; otherwise the load is
    mode            "upsert" (the default for a table with a key): insert new keys, update rows that differ;
                    "insert" (the default for one without); "replace": the table has the new rows only;
                    "mirror": upsert, and delete rows whose key the data lacks
    key             the key columns, if the declaration has none
    on_conflict     for insert: "error", or "skip" rows whose key the table has already
    dedup           the row that wins among incoming rows with one key: "last", "first", or "error"; not for plain insert
    on_error        "raise" a ConversionError at the first batch with a bad value, or "reject" bad rows into the report: values
                    that don't fit, malformed rows of text files, rows that a check, key or trigger of the table rejects
    max_rejects     the number of rejected rows above which the load fails
    schema_changes  "safe": create, add, widen, relax; "none": use the live table as it is; "all": also changes that may lose data
    parallel        the number of connections that load at once, all in one transaction: PostgreSQL, MySQL or MariaDB, opened
                    from a URL, outside of a transaction of yours
    progress        None: a bar on a terminal and in a notebook; True, False; or a function of (rows, total)
    dry_run         plan only: nothing is read or written, and the report has the statements

    Raises DeclarationError, SourceError, ConversionError, MigrationError or DatabaseError, with the table as it was. Only if the
    answer to the commit is lost and can't be found out, the error says so, and its `committed` is None. Ctrl-C during the commit
    waits for its answer: `committed` of the KeyboardInterrupt, and a note, say that the load is committed.

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
    """Plan what `migrate` would do, without changing anything: `print(plan)`, `plan.steps`, `plan.statements`.

    An empty (falsy) plan means that the live tables match. Raises DeclarationError, DatabaseError, or RefusedChange for a change
    that `schema_changes` doesn't allow.

    >>> import arrowsync, pyarrow as pa
    >>> city = pa.schema({"id": pa.int64()}).with_metadata({"name": "city"})
    >>> with arrowsync.connect("duckdb://") as conn:
    ...     print(arrowsync.plan(city, conn))
    -- create table city (1 columns)
    CREATE TABLE "city" (
      "id" BIGINT
    );
    """
    declared, connection = _described(tables), _unwrapped(conn)
    return _portal.run(lambda: aio.plan(declared, connection, schema_changes=schema_changes))


def migrate(
    tables: type | pa.Schema | Sequence[type | pa.Schema] | ModuleType,
    conn: object,
    *,
    schema_changes: SchemaChanges = "safe",
) -> MigrationPlan:
    """Create or alter the live tables to match their declarations, in one transaction, and return the plan that was carried out.

    `tables` is a dataclass or `pa.Schema`, several, or a module of dataclasses. `schema_changes` is that of `sync_table`.
    Raises DeclarationError, DatabaseError, or RefusedChange, before anything is changed, for a change that `schema_changes`
    doesn't allow.

    >>> import arrowsync, pyarrow as pa
    >>> city = pa.schema({"id": pa.int64()}).with_metadata({"name": "city"})
    >>> with arrowsync.connect("duckdb://") as conn:
    ...     bool(arrowsync.migrate(city, conn)), bool(arrowsync.plan(city, conn))
    (True, False)
    """
    declared, connection = _described(tables), _unwrapped(conn)
    return _portal.run(
        lambda: aio.migrate(declared, connection, schema_changes=schema_changes), lambda plan: "the migration"
    )


def discover(conn: object, namespace: str | None = None) -> Catalog:
    """Return the tables of the live database as objects, with columns, keys, constraints, indexes, and the types they need.

    The catalog has the tables, without views, of one namespace (a schema, in PostgreSQL's words). None is the connection's
    default namespace, whose tables are named without one. `str()` of the catalog, or of a table in it, is standard SQL, and
    `to_source` prints the tables as dataclasses. Raises MigrationError if there is no such namespace.

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
    """Read all rows of the table, in the declared types; of a table given by name, in the types of its columns.

    Raises MigrationError if the table doesn't exist or lacks a declared column.

    >>> import arrowsync
    >>> with arrowsync.connect("duckdb://") as conn:
    ...     _ = arrowsync.sync_table([{"id": 1}, {"id": 2}], "numbers", conn)
    ...     arrowsync.read_table("numbers", conn).to_pydict()
    {'id': [1, 2]}
    """
    declared, connection = _described(table), _unwrapped(conn)
    return _portal.run(lambda: aio.read_table(declared, connection))


def read_batches(table: type | pa.Schema | str, conn: object) -> Generator[pa.RecordBatch]:
    """Stream the rows of the table as record batches, in the types of `read_table`; memory holds a few batches only.

    Close the stream if you stop early: the connection is busy until then.

    >>> import arrowsync
    >>> with arrowsync.connect("duckdb://") as conn:
    ...     _ = arrowsync.sync_table([{"id": 1}, {"id": 2}], "numbers", conn)
    ...     [batch.num_rows for batch in arrowsync.read_batches("numbers", conn)]
    [2]
    """
    reader = conn._async if isinstance(conn, Connection) else conn  # pyright: ignore[reportPrivateUsage]
    return _streamed(aio.read_batches(_described(table), reader), conn)


def _streamed(batches: AsyncGenerator[pa.RecordBatch, None], conn: object) -> Generator[pa.RecordBatch]:
    """Yield the batches of an async generator that reads from the connection."""
    _unwrapped(conn)  # refuses a connection of arrowsync.aio
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
    """Open the data as a one-shot stream of record batches; with a `table`, converted to the declared types.

    No database is needed. `sync_table` takes the stream as data, so these options of a file hold for loading it too.

    data            a path or URL of Parquet, CSV, TSV, JSON Lines or Arrow files (plain, gzip, Zstandard; a file, folder,
                    glob or list; `https://`, `s3://`, `gs://` and what fsspec knows), "-" for standard input, the bytes of
                    a file, a file that is open as binary; or any other data that `sync_table` takes
    format          "parquet", "csv", "tsv", "jsonl" or "arrow": the format of a file, in place of the one of its suffix
    field_names     the columns of tuples, CSV and TSV, in order; None for a column to leave out
    has_header      True if the first line of CSV and TSV names the columns. If False, and without `field_names`, the columns
                    are those of the table
    csv             the format of CSV: `CsvOptions(delimiter=";", encoding="cp1252")`
    columns         the columns of files to read, "declared" for those of the table; other columns of Parquet aren't read at all
    filters         conditions on the rows to read of Parquet and Arrow files: `[("day", ">=", date(2026, 1, 1))]`; files and
                    row groups without such rows are skipped
    field_types     the types of the fields in `field_names`, as in a dataclass, in place of a `table`
    round           True rounds decimals with more decimal places than their column, halves away from zero; False refuses them

    Raises DeclarationError for options that can't work, SourceError, now or while batches are read, for data that can't be read
    (with file, line and column of malformed text), and ConversionError for a value that doesn't fit its declared type.

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
    r"""Write the data to a path or an open binary file as tab-separated values, and return the number of rows.

    `data`, `table`, `format` and `field_names` are those of `open_source`, whose stream is data too. Both `open_source` and
    PostgreSQL's `COPY ... FROM` (with `HEADER`, unless `header` is False) read the file: UTF-8, `\N` for NULL, a backslash
    before a tab, line end or backslash in a text. A path that ends with `.gz` or `.zst` is compressed; the file appears under
    its name when it is complete. Raises the errors of `open_source`, and OSError if the file can't be written.

    >>> import arrowsync, io
    >>> file = io.BytesIO()
    >>> arrowsync.write_tsv([{"number": 1, "words": "one\ttwo"}, {"number": 2, "words": None}], file)
    2
    >>> file.getvalue()
    b'number\twords\n1\tone\\ttwo\n2\t\\N\n'
    """
    return export.write_tsv(data, target, table, format=format, field_names=field_names, header=header)


def _described(tables: T) -> T:
    """Return `tables`, and read each class among them in the caller's thread, where the local names of its code can be seen."""
    several = cast(Sequence[object], tables) if isinstance(tables, (list, tuple)) else (tables,)
    for table in several:
        if isinstance(table, type):
            read_dataclass(table)
    return tables  # pyright: ignore[reportUnknownVariableType]


def _unwrapped(conn: object) -> object:
    if isinstance(conn, Connection):
        return conn._async  # pyright: ignore[reportPrivateUsage]
    if isinstance(conn, aio.Connection):
        raise DeclarationError(
            "this is an async connection", hint="await arrowsync.aio.sync_table, or use arrowsync.connect"
        )
    return conn
