"""`sync_table(..., parallel=N)`: the same table and counts as over one connection, and nothing left behind by any failure."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, make_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import asyncpg
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from servers.postgres import PostgresServer

import arrowsync
from arrowsync import (
    Check,
    ConnectionLost,
    ConstraintViolated,
    ConversionError,
    DatabaseError,
    DeclarationError,
    Identity,
    Index,
    PrimaryKey,
    Unique,
    aio,
)
from arrowsync.cli.main import main

BATCH = 2_000


class Color(Enum):
    RED = "red"
    GREEN = "green"


@dataclass
class Point:
    """A place."""

    x: int
    color: Color


@dataclass
class Thing:
    """What is loaded.

    :param color: Of which it is.
    """

    id: PrimaryKey[int]
    name: str
    color: Color = Color.RED


@dataclass
class Formed:
    """A table with all that a table can have."""

    number: Identity[int]
    id: PrimaryKey[int]
    code: Unique[str]
    point: Point
    other: Color = Color.GREEN
    parent: Formed | None = None

    __constraints__ = (Index("code", "id"), Check("{id} >= 0"))


@dataclass
class Line:
    """A table without a key."""

    day: int
    text: str


def batch(start: int, rows: int = BATCH, *, keys: int = 1 << 40, word: str = "name") -> pa.RecordBatch:
    """Rows of `Thing`, whose keys repeat after `keys`, and whose names tell the row."""
    numbers = range(start, start + rows)
    columns: dict[str, pa.Array[Any]] = {
        "id": pa.array([n % keys for n in numbers], pa.int64()),
        "name": pa.array([f"{word} {n}" for n in numbers]),
        "color": pa.array([("red", "green")[n % 2] for n in numbers]),
    }
    return pa.record_batch(columns)


def reader(batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(batch(0, 1).schema, batches)


def things(number: int = 8, **options: Any) -> pa.RecordBatchReader:
    return reader(batch(n * BATCH, **options) for n in range(number))


def slow_things(number: int = 1_000) -> pa.RecordBatchReader:
    def batches() -> Iterator[pa.RecordBatch]:
        for n in range(number):
            yield batch(n * BATCH)
            time.sleep(0.01)

    return reader(batches())


@pytest.fixture(params=["postgres_url", "postgres18_url"])
def url(request: pytest.FixtureRequest) -> str:
    value: str = request.getfixturevalue(request.param)
    return value


@pytest.fixture
def conn(url: str) -> Iterator[arrowsync.Connection]:
    with arrowsync.connect(url) as connection:
        yield connection


def rows_of(table: str, conn: arrowsync.Connection) -> list[dict[str, Any]]:
    return sorted(conn.fetch(f'SELECT * FROM "{table}"').to_pylist(), key=str)


LEFT = """
SELECT relname::text AS name FROM pg_class WHERE relname LIKE '%arrowsync%'
UNION ALL SELECT typname::text FROM pg_type WHERE typname LIKE '%arrowsync%'
UNION ALL SELECT conname::text FROM pg_constraint WHERE conname LIKE '%arrowsync%'
UNION ALL SELECT locktype || ' ' || mode FROM pg_locks
  WHERE pid <> pg_backend_pid() AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  OR locktype = 'advisory'
UNION ALL SELECT state || ' ' || query FROM pg_stat_activity
  WHERE application_name = 'arrowsync' AND datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()
"""
SESSIONS = (
    "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'arrowsync' AND datname = current_database()"
)


def nothing_left(conn: arrowsync.Connection) -> None:
    """No hidden or staging table, type or lock, no open COPY, no other session; and the connection loads again."""
    deadline = time.monotonic() + 60
    while True:  # a backend needs a moment to end
        left = conn.fetch(LEFT).to_pylist()
        sessions = conn.fetch(SESSIONS).to_pylist()[0]["n"]
        if (not left and sessions == 1) or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    assert left == []
    assert sessions == 1
    report = arrowsync.sync_table([(1, "a"), (2, "b")], Line, conn, parallel=2)
    assert report.inserted == 2


# ---- the same as over one connection


@pytest.mark.parametrize("mode", ["insert", "upsert", "replace", "mirror"])
@pytest.mark.parametrize("exists", [False, True])
def test_every_mode_gives_the_same_table_and_counts(conn: arrowsync.Connection, mode: Any, exists: bool) -> None:
    outcomes, tables = [], []
    for parallel in (None, 2, 3):
        conn.execute('DROP TABLE IF EXISTS "Thing"; DROP TYPE IF EXISTS "Color"')
        if exists:
            start = -BATCH if mode == "insert" else BATCH
            old = [batch(start), batch(start + BATCH, word="old" if mode != "insert" else "name")]
            arrowsync.sync_table(reader(iter(old[: 1 if mode == "insert" else 2])), Thing, conn)
        report = arrowsync.sync_table(things(5), Thing, conn, mode=mode, parallel=parallel)
        outcomes.append((report.rows_read, report.deleted, report.outcomes(), report.changes))
        tables.append(rows_of("Thing", conn))
    assert outcomes[1] == outcomes[0]
    assert outcomes[2] == outcomes[0]
    assert tables[1] == tables[0]
    assert tables[2] == tables[0]
    nothing_left(conn)


@pytest.mark.parametrize("dedup", ["last", "first"])
@pytest.mark.parametrize("exists", [False, True])
def test_the_same_one_of_many_duplicates_wins(conn: arrowsync.Connection, dedup: Any, exists: bool) -> None:
    outcomes, tables = [], []
    for parallel in (None, 3):
        conn.execute('DROP TABLE IF EXISTS "Thing"; DROP TYPE IF EXISTS "Color"')
        if exists:
            arrowsync.sync_table(things(1, keys=500), Thing, conn)
        report = arrowsync.sync_table(things(20, keys=1_700), Thing, conn, dedup=dedup, parallel=parallel)
        outcomes.append((report.duplicates, report.outcomes()))
        tables.append(rows_of("Thing", conn))
    assert outcomes[1] == outcomes[0]
    assert outcomes[0][0] == 20 * BATCH - 1_700
    assert tables[1] == tables[0]
    assert arrowsync.read_table("Thing", conn).column_names == ["id", "name", "color"]


@pytest.mark.parametrize("exists", [False, True])
def test_dedup_error_names_the_keys(conn: arrowsync.Connection, exists: bool) -> None:
    if exists:
        arrowsync.sync_table(things(1), Thing, conn)
    with pytest.raises(ConstraintViolated, match=r"several rows with one key \(id\): \(0\), \(1\)"):
        arrowsync.sync_table(things(3, keys=BATCH), Thing, conn, dedup="error", parallel=2)
    nothing_left(conn)
    assert arrowsync.sync_table(things(3), Thing, conn, dedup="error", parallel=2).duplicates == 0


def test_an_insert_refuses_repeated_keys_or_skips_them(conn: arrowsync.Connection) -> None:
    with pytest.raises(ConstraintViolated) as caught:
        arrowsync.sync_table(things(3, keys=BATCH), Thing, conn, mode="insert", parallel=2)
    assert caught.value.kind == "unique"
    nothing_left(conn)
    for expected in ((BATCH, 0, 2 * BATCH), (0, BATCH, 2 * BATCH)):
        report = arrowsync.sync_table(things(3, keys=BATCH), Thing, conn, on_conflict="skip", parallel=2)
        assert (report.inserted, report.skipped, report.duplicates) == expected
    nothing_left(conn)


@pytest.mark.parametrize("batches", [0, 1, 2])
@pytest.mark.parametrize("exists", [False, True])
def test_more_connections_than_batches(conn: arrowsync.Connection, batches: int, exists: bool) -> None:
    if exists:
        arrowsync.sync_table(things(1), Thing, conn)
    report = arrowsync.sync_table(things(batches), Thing, conn, mode="mirror", parallel=4)
    assert report.rows_read == batches * BATCH
    assert report.deleted == (BATCH if exists and not batches else 0)
    assert len(rows_of("Thing", conn)) == batches * BATCH
    nothing_left(conn)


def test_a_table_without_a_key_is_appended_to_and_replaced(conn: arrowsync.Connection) -> None:
    lines = [(n, f"line {n}") for n in range(10_000)]
    for expected in (10_000, 20_000):
        assert arrowsync.sync_table(lines, Line, conn, parallel=3).inserted == 10_000
        assert len(rows_of("Line", conn)) == expected
    report = arrowsync.sync_table(lines[:10], Line, conn, mode="replace", parallel=3)
    assert (report.inserted, report.deleted) == (10, 20_000)


FORM = """
SELECT 'relation' AS kind, concat_ws(' ', relname, relkind, relpersistence) AS what FROM pg_class
  WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'type', typname || coalesce(' ' || obj_description(oid, 'pg_type'), '') FROM pg_type
  WHERE typnamespace = 'public'::regnamespace
UNION ALL SELECT 'constraint', conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
  WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = '"Formed"'::regclass
UNION ALL SELECT 'column', concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
    pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)) FROM pg_attribute AS a
  LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = '"Formed"'::regclass AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT 'comment', obj_description('"Formed"'::regclass)
"""


def formed(number: int) -> list[dict[str, Any]]:
    return [
        {"id": n, "code": f"c{n}", "point": {"x": n, "color": "red"}, "parent": n - 1 if n else None}
        for n in range(number)
    ]


def test_a_table_with_everything_is_formed_as_ever(conn: arrowsync.Connection) -> None:
    """Keys, foreign keys to itself, checks, indexes, defaults, identity, comments and types; and it is found unchanged."""
    forms = []
    for parallel in (None, 2):
        conn.execute('DROP TABLE IF EXISTS "Formed"; DROP TYPE IF EXISTS "Point"; DROP TYPE IF EXISTS "Color"')
        report = arrowsync.sync_table(formed(3_000), Formed, conn, parallel=parallel)
        assert report.inserted == 3_000
        forms.append(sorted(conn.fetch(FORM).to_pylist(), key=str))
        assert conn.fetch('SELECT count(DISTINCT number) AS n FROM "Formed"').to_pylist() == [{"n": 3_000}]
        again = arrowsync.sync_table(formed(3_000), Formed, conn, parallel=parallel)
        assert (again.changes, again.unchanged) == ((), 3_000)
        more = {"id": 3_000, "code": "new", "point": {"x": 1, "color": "red"}, "parent": 0}
        assert arrowsync.sync_table([more], Formed, conn).inserted == 1
    assert forms[1] == forms[0]


def test_a_namespace_is_created_with_its_table(conn: arrowsync.Connection) -> None:
    fields = [pa.field("id", pa.int64()), pa.field("name", pa.string())]
    spec = pa.schema(fields, metadata={"name": "sales.orders"})
    rows = [(n, "x") for n in range(100)]
    assert arrowsync.sync_table(rows, spec, conn, key="id", parallel=2).inserted == 100
    assert arrowsync.sync_table(rows, spec, conn, key="id", parallel=2).unchanged == 100
    assert conn.fetch("SELECT count(*) AS n FROM sales.orders").to_pylist() == [{"n": 100}]
    nothing_left(conn)


def test_unchanged_rows_are_not_written_and_grants_and_triggers_stay(conn: arrowsync.Connection) -> None:
    arrowsync.sync_table(things(4), Thing, conn)
    conn.execute(
        """CREATE TABLE fired (id bigint);
        CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO fired VALUES (new.id); RETURN new; END';
        CREATE TRIGGER fire AFTER INSERT OR UPDATE ON "Thing" FOR EACH ROW EXECUTE FUNCTION fire();
        GRANT SELECT ON "Thing" TO PUBLIC"""
    )
    versions = 'SELECT id, xmin::text AS x FROM "Thing" ORDER BY id'
    before = conn.fetch(versions)
    report = arrowsync.sync_table(things(4), Thing, conn, mode="replace", parallel=2)
    assert report.unchanged == 4 * BATCH
    assert conn.fetch(versions) == before
    changed = reader(iter([batch(0), batch(BATCH, 10, word="changed"), batch(BATCH + 10, 4 * BATCH)]))
    report = arrowsync.sync_table(changed, Thing, conn, mode="replace", parallel=2)
    assert (report.updated, report.inserted) == (10, BATCH + 10)
    assert conn.fetch("SELECT count(*) AS n FROM fired").to_pylist() == [{"n": BATCH + 20}]
    granted = conn.fetch("SELECT has_table_privilege('public', '\"Thing\"', 'SELECT') AS granted")
    assert granted.to_pylist() == [{"granted": True}]


def test_altering_and_loading_in_one_go(conn: arrowsync.Connection) -> None:
    conn.execute(
        'CREATE TABLE "Thing" (id bigint PRIMARY KEY, name varchar(3)); INSERT INTO "Thing" VALUES (0, \'old\')'
    )
    report = arrowsync.sync_table(things(3), Thing, conn, parallel=2)
    assert (report.inserted, report.updated) == (3 * BATCH - 1, 1)
    assert rows_of("Thing", conn)[0] == {"id": 0, "name": "name 0", "color": "red"}
    nothing_left(conn)


def test_bad_rows_are_set_aside_and_numbered_as_ever(conn: arrowsync.Connection) -> None:
    rows = [(n, None if n % 1_000 == 7 else f"line {n}") for n in range(5_000)]
    report = arrowsync.sync_table(rows, Line, conn, on_error="reject", parallel=2)
    assert (report.inserted, report.rejected) == (4_995, 5)
    assert report.rejects is not None
    assert report.rejects.column("row").to_pylist() == [7, 1_007, 2_007, 3_007, 4_007]


def test_the_settings_of_the_connection_hold_for_all_of_them(url: str) -> None:
    async def run() -> None:
        async with watched(url, exists=False) as (conn, observer):
            await conn.execute("SET application_name = 'nightly'")
            task = asyncio.create_task(aio.sync_table(slow_things(50), Thing, conn, parallel=3))
            for pid in await copying(observer, 3):
                name = await observer.fetchval("SELECT application_name FROM pg_stat_activity WHERE pid = $1", pid)
                assert name == "nightly"
            await task

    asyncio.run(run())


def test_the_role_of_the_connection_owns_the_table(conn: arrowsync.Connection) -> None:
    conn.execute(
        "DROP ROLE IF EXISTS loader; CREATE ROLE loader; GRANT CREATE ON SCHEMA public TO loader; SET ROLE loader"
    )
    try:
        for _ in range(2):
            arrowsync.sync_table(things(5), Thing, conn, parallel=3)
        found = conn.fetch("SELECT tableowner::text AS owner FROM pg_tables WHERE tablename = 'Thing'")
        assert found.to_pylist() == [{"owner": "loader"}]
    finally:
        conn.execute("RESET ROLE; DROP OWNED BY loader CASCADE; DROP ROLE loader")


def test_a_dry_run_changes_nothing(conn: arrowsync.Connection) -> None:
    report = arrowsync.sync_table(things(), Thing, conn, parallel=2, dry_run=True)
    assert report.changes[-1] == "create table Thing (3 columns)"
    assert conn.fetch("SELECT 1 AS x FROM pg_class WHERE relname = 'Thing'").num_rows == 0


# ---- where it is refused


@pytest.mark.parametrize("parallel", [0, -1, 2.5, "2", True])
def test_a_number_that_is_none_is_refused(parallel: Any) -> None:
    with pytest.raises(DeclarationError, match="parallel is"):
        arrowsync.sync_table([], Line, "duckdb://", parallel=parallel)


def test_it_is_refused_where_it_would_break_atomicity_or_gives_nothing(postgres_url: str) -> None:
    taken: list[int] = []

    def rows() -> Iterator[tuple[int, str]]:
        taken.append(1)
        yield (1, "a")

    def refused(conn: object, reason: str) -> None:
        with pytest.raises(DeclarationError, match=reason) as caught:
            arrowsync.sync_table(rows(), Line, conn, parallel=2)
        assert caught.value.hint

    refused("duckdb://", "duckdb is loaded over one connection")
    with duckdb.connect() as native:
        refused(native, "duckdb is loaded over one connection")
    with arrowsync.connect(postgres_url) as conn:
        with conn.transaction():
            refused(conn, "you have begun a transaction")
        conn.execute("BEGIN")
        refused(conn, "you have begun a transaction")
        conn.execute("ROLLBACK")

    async def with_native() -> None:
        connection = await asyncpg.connect(postgres_url)
        with pytest.raises(DeclarationError, match="the connection is one of yours"):
            await aio.sync_table(rows(), Line, connection, parallel=2)
        await connection.close()

    asyncio.run(with_native())
    assert taken == []


# ---- failures


def fails(conn: arrowsync.Connection, error: type[Exception], data: object, table: Any = Thing, **options: Any) -> Any:
    with pytest.raises(error) as caught:
        arrowsync.sync_table(data, table, conn, parallel=3, **options)
    return caught.value


@pytest.mark.parametrize("exists", [False, True])
def test_a_source_that_raises_in_batch_5(conn: arrowsync.Connection, exists: bool) -> None:
    def broken() -> Iterator[tuple[int, str, str]]:
        yield from ((n, "x", "red") for n in range(300_000))
        raise KeyError("the source is broken")

    if exists:
        arrowsync.sync_table(things(1), Thing, conn)
    before = rows_of("Thing", conn) if exists else []
    error = fails(conn, KeyError, broken())
    assert error.args == ("the source is broken",)
    assert conn.fetch("SELECT 1 AS x FROM pg_class WHERE relname = 'Thing'").num_rows == exists
    assert not exists or rows_of("Thing", conn) == before
    nothing_left(conn)


def test_a_value_that_can_not_be_converted_is_named_by_its_row_in_the_data(conn: arrowsync.Connection) -> None:
    bad = batch(5 * BATCH).set_column(1, "name", pa.array(["a\0b" if n == 77 else "x" for n in range(BATCH)]))
    error = fails(conn, ConversionError, reader(iter([*(batch(n * BATCH) for n in range(5)), bad, batch(6 * BATCH)])))
    assert (error.column, error.rows) == ("name", (5 * BATCH + 77,))
    nothing_left(conn)


@pytest.mark.parametrize("bad", [3, 205_123])
def test_a_row_that_the_server_refuses_is_named_by_its_place_in_the_data(conn: arrowsync.Connection, bad: int) -> None:
    condition = {"__constraints__": (Check(f"{{id}} <> {bad}"),)}
    checked = make_dataclass("Checked", [("id", PrimaryKey[int])], namespace=condition)

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, 240_000, 10_000):
            yield pa.record_batch({"id": pa.array(range(start, start + 10_000), pa.int64())})
            time.sleep(0.01)  # so that each connection gets some

    ids = pa.RecordBatchReader.from_batches(pa.schema({"id": pa.int64()}), batches())
    error = fails(conn, ConstraintViolated, ids, checked)
    assert error.kind == "check"
    assert f"(row {bad} of the load)" in error.message
    assert error.row == bad
    nothing_left(conn)


@pytest.mark.parametrize("whose", ["of the connection", "of another one"])
@pytest.mark.parametrize("exists", [False, True])
def test_a_backend_is_terminated_in_the_middle(url: str, whose: str, exists: bool) -> None:
    async def run() -> None:
        async with watched(url, exists=exists) as (conn, observer):
            pid = (await conn.fetch("SELECT pg_backend_pid() AS pid")).to_pylist()[0]["pid"]
            task = asyncio.create_task(aio.sync_table(slow_things(), Thing, conn, parallel=3))
            pids = await copying(observer, 3)
            victim = pid if whose == "of the connection" else next(each for each in pids if each != pid)
            assert await observer.fetchval("SELECT pg_terminate_backend($1)", victim)
            with pytest.raises(ConnectionLost):
                await asyncio.wait_for(task, 30)
            await unchanged(observer, exists=exists)
            if whose == "of another one":
                assert (await aio.sync_table(things(2), Thing, conn, parallel=2)).rows_read == 2 * BATCH

    asyncio.run(run())


@pytest.mark.parametrize("exists", [False, True])
def test_cancelled_at_every_moment(url: str, exists: bool) -> None:
    """After any number of steps of the event loop the table is the old one, or the new one."""

    async def run() -> None:
        async with watched(url, exists=exists) as (conn, observer):
            for steps in range(0, 200, 6):
                task = asyncio.create_task(aio.sync_table(things(3), Thing, conn, mode="mirror", parallel=3))
                for _ in range(steps):
                    await asyncio.sleep(0.0005)
                task.cancel()
                async with asyncio.timeout(30):
                    (outcome,) = await asyncio.gather(task, return_exceptions=True)
                assert isinstance(outcome, (asyncio.CancelledError, arrowsync.SyncReport)), outcome
                if await observer.fetchval("SELECT to_regclass('\"Thing\"') IS NOT NULL"):
                    rows = await observer.fetchval('SELECT count(*) FROM "Thing"')
                    assert rows in ((BATCH, 3 * BATCH) if exists else (3 * BATCH,))
                    if not exists:
                        await observer.execute('DROP TABLE "Thing"; DROP TYPE "Color"')
            await unchanged(observer, exists=exists, rows=None)
            assert (await aio.sync_table(things(1), Thing, conn, parallel=2)).rows_read == BATCH

    asyncio.run(run())


def test_a_statement_timeout(conn: arrowsync.Connection) -> None:
    """It holds for each of the connections; and for nothing that cleans up."""
    arrowsync.sync_table(things(1), Thing, conn)
    conn.execute("SET statement_timeout = '300ms'")
    error = fails(conn, DatabaseError, slow_things())
    assert error.code == "57014"
    assert len(rows_of("Thing", conn)) == BATCH
    nothing_left(conn)


@pytest.mark.parametrize("exists", [False, True])
def test_the_server_restarts(private_postgres: PostgresServer, exists: bool) -> None:
    with arrowsync.connect(private_postgres.url) as before:
        if exists:
            arrowsync.sync_table(things(1), Thing, before)
        timer = threading.Timer(0.7, private_postgres.restart)
        timer.start()
        error = fails(before, ConnectionLost, slow_things())
        timer.join()
        assert error.transient
    with arrowsync.connect(private_postgres.url) as conn:
        assert conn.fetch("SELECT 1 AS x FROM pg_class WHERE relname = 'Thing'").num_rows == exists
        assert not exists or len(rows_of("Thing", conn)) == BATCH
        nothing_left(conn)


def test_too_few_connections_are_an_error_before_anything_is_made(url: str) -> None:
    async def run() -> None:
        async with watched(url, exists=False) as (_, observer):
            await observer.execute(
                "DROP ROLE IF EXISTS few; CREATE ROLE few LOGIN PASSWORD 'few' CONNECTION LIMIT 2;"
                "GRANT CREATE ON SCHEMA public TO few"
            )
            split = url.split("@", 1)
            async with aio.connect(f"postgresql://few:few@{split[1]}") as few:
                with pytest.raises(DatabaseError, match="too many connections") as caught:
                    await aio.sync_table(things(2), Thing, few, parallel=4)
                assert caught.value.transient
            await unchanged(observer, exists=False)
            await observer.execute("DROP OWNED BY few; DROP ROLE few")

    asyncio.run(run())


def test_somebody_else_creates_or_alters_the_table_meanwhile(url: str) -> None:
    async def run() -> None:
        async with watched(url, exists=False) as (conn, observer):
            for statement in (
                'CREATE TABLE "Thing" (id bigint PRIMARY KEY, name text)',
                'ALTER TABLE "Thing" ADD z int',
            ):
                task = asyncio.create_task(aio.sync_table(slow_things(50), Thing, conn, parallel=2))
                await copying(observer, 2)
                await observer.execute(statement)
                with pytest.raises(DatabaseError, match="by somebody else") as caught:
                    await task
                assert caught.value.transient
                assert await observer.fetchval('SELECT count(*) FROM "Thing"') == 0
            await unchanged(observer, exists=True, rows=0)

    asyncio.run(run())


KILLED = """
import sys, time
sys.path[:0] = sys.argv[2:]
import arrowsync
from contract.test_parallel import Thing, slow_things
arrowsync.sync_table(slow_things(), Thing, sys.argv[1], parallel=2)
"""


@pytest.mark.parametrize("exists", [False, True])
def test_what_a_killed_process_left_is_dropped_by_the_next_sync(url: str, exists: bool) -> None:
    """And what belongs to one that is alive is not."""

    async def hidden(observer: asyncpg.Connection[Any]) -> int:
        query = "SELECT count(*) FROM pg_class WHERE relname LIKE '\\_arrowsync%' AND relkind = 'r'"
        return int(await observer.fetchval(query))

    async def run() -> None:
        async with watched(url, exists=exists) as (conn, observer):
            child = subprocess.Popen([sys.executable, "-c", KILLED, url, *sys.path])  # noqa: ASYNC220
            try:
                await copying(observer, 2)
                assert (await aio.sync_table([(1, "alive")], Line, conn, parallel=2)).inserted == 1
                assert await hidden(observer) == 1
                child.send_signal(signal.SIGKILL)
            finally:
                child.kill()
                child.wait()
            assert await hidden(observer) == 1
            await until(observer, "SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'")
            assert (await aio.sync_table([(2, "next")], Line, conn, parallel=2)).inserted == 1
            await unchanged(observer, exists=exists)

    asyncio.run(run())


def test_a_reader_sees_the_old_rows_or_the_new_ones(url: str) -> None:
    async def run() -> None:
        async with watched(url, exists=True) as (conn, observer):
            seen: set[tuple[int, int]] = set()
            task = asyncio.create_task(aio.sync_table(things(10, word="new"), Thing, conn, parallel=2))
            while not task.done():
                async with asyncio.timeout(5):
                    row = await observer.fetchrow(
                        "SELECT count(*), count(*) FILTER (WHERE name LIKE 'new%') FROM \"Thing\""
                    )
                assert row is not None
                seen.add(tuple(row))
            assert (await task).updated == BATCH
            assert seen <= {(BATCH, 0), (10 * BATCH, 10 * BATCH)}
            assert (BATCH, 0) in seen

    asyncio.run(run())


@asynccontextmanager
async def watched(url: str, *, exists: bool) -> AsyncGenerator[tuple[aio.Connection, asyncpg.Connection[Any]]]:
    """A connection, and one that looks on; the table `Thing` has one batch of rows, where it `exists`."""
    observer = await asyncpg.connect(url)
    try:
        async with aio.connect(url) as conn:
            if exists:
                await aio.sync_table(things(1), Thing, conn)
            yield conn, observer
    finally:
        await observer.close()


async def until(observer: asyncpg.Connection[Any], condition: str) -> None:
    async with asyncio.timeout(20):
        while not await observer.fetchval(condition):  # noqa: ASYNC110 - what is waited for happens in the server
            await asyncio.sleep(0.02)


async def copying(observer: asyncpg.Connection[Any], number: int) -> list[int]:
    """The process ids of the backends in a COPY, when there are so many."""
    running = "FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active' AND datname = current_database()"
    await until(observer, f"SELECT count(*) >= {number} {running}")
    return [row["pid"] for row in await observer.fetch(f"SELECT pid {running}")]


async def unchanged(observer: asyncpg.Connection[Any], *, exists: bool, rows: int | None = BATCH) -> None:
    """The old rows, or no table; and nothing else, as soon as backends have ended."""
    await until(observer, f"SELECT NOT EXISTS ({LEFT})")
    assert await observer.fetchval("SELECT to_regclass('\"Thing\"') IS NOT NULL") == exists
    if exists and rows is not None:
        assert await observer.fetchval('SELECT count(*) FROM "Thing"') == rows


def test_the_command_line(postgres_url: str, tmp_path: Path) -> None:
    path = tmp_path / "things.parquet"
    pq.write_table(pa.Table.from_batches([batch(0)]), path)
    command = ["load", str(path), postgres_url, "--table", "things", "--key", "id", "--parallel", "2", "--quiet"]
    assert main(command) == 0
    assert main([*command[:-2], "0", "--quiet"]) == 2
    with arrowsync.connect(postgres_url) as conn:
        assert len(rows_of("things", conn)) == BATCH


@pytest.mark.parametrize("parallel", [None, 2])
def test_a_new_table_gets_its_indexes_after_its_rows(conn: arrowsync.Connection, parallel: int | None) -> None:
    @dataclass
    class Indexed:
        id: PrimaryKey[int]
        day: int

        __constraints__ = (Index("day"),)

    assert arrowsync.sync_table([(1, 2)], Indexed, conn, parallel=parallel).inserted == 1
    assert conn.fetch("SELECT 1 AS x FROM pg_indexes WHERE tablename = 'Indexed'").num_rows == 2
