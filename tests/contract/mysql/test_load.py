"""Rows into MySQL and MariaDB, when all goes well and when it doesn't: whatever happens, nothing of a failed load is there."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import psutil
import pyarrow as pa
import pytest
from servers.mariadb import start_mariadb
from servers.mysql import start_mysql
from servers.mysqlkind import connect

from arrowsync.catalog import Column, ObjectName, SqlType
from arrowsync.dialects.contract import LoadTarget
from arrowsync.dialects.mysql.session import AiomysqlSession, open_session
from arrowsync.errors import ConnectionLost, ConstraintViolated, ConversionError, DatabaseError
from arrowsync.sql import trusted

SCHEMA = pa.schema([("id", pa.int64()), ("note", pa.string())])
COLUMNS = (Column("id", SqlType("bigint"), nullable=False), Column("note", SqlType("mediumtext")))
TARGET = LoadTarget(ObjectName(None, "t"), COLUMNS, SCHEMA)
ROWS = 10_000


@pytest.fixture(params=["mysql_url", "mariadb_url"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["LOAD DATA LOCAL", "INSERT"])
def via(request: pytest.FixtureRequest) -> str:
    way: str = request.param
    return way


def batch(number: int, rows: int = ROWS) -> pa.RecordBatch:
    ids = pa.array(range(number * rows, (number + 1) * rows), pa.int64())
    return pa.record_batch([ids, pa.array(["some text that takes room on the wire"] * rows)], schema=SCHEMA)


class Source:
    """Batches, and what became of them: how many were taken, and whether it was closed."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self.batches = batches
        self.taken = 0
        self.closed = False

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self

    def __next__(self) -> pa.RecordBatch:
        taken = next(self.batches)
        self.taken += 1
        return taken

    def close(self) -> None:
        self.closed = True


class Observer:
    """A connection of its own that looks on."""

    def __init__(self, url: str) -> None:
        self.connection = connect(url)

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def count(self, table: str = "t") -> int:
        (row,) = self.rows(f"SELECT count(*) AS n FROM {table}")
        n: int = row["n"]
        return n

    def threads(self) -> list[dict[str, Any]]:
        """What other connections to this database do."""
        own = "id <> connection_id() AND db = database()"
        return self.rows(f"SELECT id, command, info FROM information_schema.processlist WHERE {own}")

    def locks(self) -> int:
        (row,) = self.rows("SELECT count(*) AS n FROM information_schema.innodb_trx WHERE trx_rows_modified > 0")
        n: int = row["n"]
        return n


@asynccontextmanager
async def opened(
    url: str, via: str = "LOAD DATA LOCAL", table: str = "id bigint PRIMARY KEY, note mediumtext"
) -> AsyncGenerator[tuple[AiomysqlSession, Observer]]:
    """A session with an empty table `t`, and a second connection to look on."""
    observer = Observer(url)
    observer.rows(f"CREATE TABLE t ({table}) CHARACTER SET utf8mb4")
    session = await open_session(url)
    session.via = via
    try:
        yield session, observer
    finally:
        await session.close()
        observer.connection.close()


async def load(session: AiomysqlSession, batches: Iterator[pa.RecordBatch]) -> None:
    async with session.transaction():
        await session.load(TARGET, batches)


async def nothing_left(session: AiomysqlSession, observer: Observer, rows: int = 0) -> None:
    """The old rows, no lock, nothing running; and the next load on the same session works."""
    assert observer.count() == rows
    assert observer.locks() == 0
    assert [thread["command"] for thread in observer.threads()] == ["Sleep"]
    async with asyncio.timeout(20), session.transaction():
        assert (await session.load(TARGET, iter([batch(9, 10)]))).rows == 10
    assert observer.count() == rows + 10


def test_load_streams_any_batch_sizes(url: str, via: str) -> None:
    batches = [batch(0, 3), batch(0, 0), batch(1, 100_000), batch(300, 1_000).slice(300, 400)]

    async def run() -> None:
        async with opened(url, via) as (session, observer):
            result = await session.load(TARGET, iter(batches))
            assert (result.rows, result.via) == (100_403, via)
            assert result.bytes > 100_403 * 40
            (row,) = observer.rows("SELECT count(*) AS n, min(id) AS first, max(id) AS last FROM t")
            assert tuple(row.values()) == (100_403, 0, 300_699)
            assert (await session.load(TARGET, iter([]))).rows == 0

    asyncio.run(run())


TYPES: dict[str, tuple[SqlType, str, list[Any], pa.DataType]] = {
    "bo": (SqlType("boolean"), "boolean", [True, False], pa.bool_()),
    "u8": (SqlType("bigint unsigned"), "bigint unsigned", [2**64 - 1, 0], pa.uint64()),
    "f4": (SqlType("float"), "float", [0.1, 16777217.0], pa.float32()),
    "f8": (SqlType("double"), "double", [0.1, -5e-324], pa.float64()),
    "de": (SqlType("decimal", (40, 9)), "decimal(40, 9)", [Decimal("-1.5"), Decimal(10) ** 30], pa.decimal256(40, 9)),
    "da": (SqlType("date"), "date", [date(1, 1, 1), date(9999, 12, 31)], pa.date32()),
    "ti": (SqlType("time", (6,)), "time(6)", [86_399_999_999, 0], pa.time64("us")),
    "ts": (
        SqlType("datetime", (6,)),
        "datetime(6)",
        [datetime(1969, 12, 31, 23, 59, 59, 999_999)] * 2,
        pa.timestamp("us"),
    ),
    "s": (SqlType("mediumtext"), "mediumtext", ["", "tab\t nl\n \\ 'quote' \\N \r\n é 😀 \\"], pa.string()),
    "b": (SqlType("longblob"), "longblob", [b"", bytes(range(256))], pa.binary()),
    "e": (SqlType("enum", labels=("a", "b'c\\")), "enum('a', 'b''c\\\\')", ["b'c\\", "a"], pa.string()),
    "j": (SqlType("json"), "json", ['{"a": "\\n\'"}', "[]"], pa.json_()),
}


def test_every_type_comes_back_as_it_went_in(url: str, via: str) -> None:
    types = dict(TYPES)
    native = "mariadb" in url_product(url)
    uuids = [UUID(int=1).bytes, UUID(int=2**128 - 1).bytes]
    kind = SqlType("uuid") if native else SqlType("binary", (16,))
    types["uu"] = (kind, "uuid" if native else "binary(16)", uuids, pa.uuid())
    arrays = [pa.array([*values, None], arrow) for _, _, values, arrow in types.values()]
    rows = pa.record_batch(arrays, names=list(types))
    columns = tuple(Column(name, live) for name, (live, *_) in types.items())
    table = ", ".join(f"{name} {text}" for name, (_, text, *_) in types.items())
    names = ", ".join(types)

    async def run() -> None:
        async with opened(url, via, table) as (session, _):
            await session.load(LoadTarget(ObjectName(None, "t"), columns, rows.schema), iter([rows, rows]))
            async with session.stream(trusted(f"SELECT {names} FROM t"), columns) as batches:
                found = pa.Table.from_batches([part async for part in batches.batches])
            for name, column in zip(types, rows.columns, strict=True):
                expected = column.cast(pa.string()) if name == "e" else column
                got = found.column(name)
                got = got.cast(pa.string()) if name == "e" else got
                assert got.to_pylist() == [*expected.to_pylist()] * 2, name

    asyncio.run(run())


def url_product(url: str) -> str:
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT version() AS v")
        row = cursor.fetchone()
        assert row is not None
        return str(row["v"]).lower()


def test_more_than_a_packet_in_one_value_and_one_row(url: str) -> None:
    big = "x" * (5 << 20) + "\n\t"
    rows = pa.record_batch([pa.array([1, 2], pa.int64()), pa.array([big, None])], schema=SCHEMA)

    async def run() -> None:
        async with opened(url) as (session, _):
            await session.load(TARGET, iter([rows]))
            query, columns = (
                trusted("SELECT id, note, note, note, note FROM t ORDER BY id"),
                [COLUMNS[0], *[COLUMNS[1]] * 4],
            )
            async with session.stream(query, columns) as batches:  # a row of more than 16 MiB
                found = pa.Table.from_batches([part async for part in batches.batches])
            assert [column.to_pylist() for column in found.columns] == [[1, 2], *[[big, None]] * 4]

    asyncio.run(run())


@pytest.mark.parametrize("transaction", [True, False])
def test_a_source_that_raises_in_batch_5(url: str, via: str, transaction: bool) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        for number in range(4):
            yield batch(number)
        raise KeyError("the source is broken")

    async def run() -> None:
        async with opened(url, via) as (session, observer):
            source = Source(broken())
            with pytest.raises(KeyError, match="the source is broken"):
                await (load(session, source) if transaction else session.load(TARGET, source))
            assert source.closed
            await nothing_left(session, observer)

    asyncio.run(run())


def test_a_value_that_the_encoder_refuses_in_batch_5(url: str, via: str) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        for number in range(4):
            yield batch(number)
        yield pa.record_batch([pa.array([None], pa.int64()), pa.array(["x"])], schema=SCHEMA)

    async def run() -> None:
        async with opened(url, via) as (session, observer):
            with pytest.raises(ConversionError) as caught:
                await session.load(TARGET, broken())
            assert (caught.value.column, caught.value.rows) == ("id", (4 * ROWS,))
            await nothing_left(session, observer)

    asyncio.run(run())


# ---- what LOAD DATA LOCAL would do silently


def test_a_repeated_key(url: str, via: str) -> None:
    async def run() -> None:
        async with opened(url, via) as (session, observer):
            with pytest.raises(ConstraintViolated) as caught:
                await session.load(TARGET, iter([batch(0), batch(1), batch(0, 5)]))
            error = caught.value
            assert (error.kind, error.table, error.constraint, error.code) == ("unique", "t", "PRIMARY", "1062")
            assert "Duplicate entry '0'" in error.message
            await nothing_left(session, observer)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("table", "kind", "constraint"),
    [
        ("id bigint PRIMARY KEY, note mediumtext, CONSTRAINT small CHECK (id < 10)", "check", "small"),
        ("id bigint PRIMARY KEY, note mediumtext, p bigint NOT NULL", "not null", None),
        (
            "id bigint PRIMARY KEY, note mediumtext, CONSTRAINT up FOREIGN KEY (id) REFERENCES p (id)",
            "foreign key",
            "up",
        ),
    ],
)
def test_a_broken_constraint(url: str, via: str, table: str, kind: str, constraint: str | None) -> None:
    async def run() -> None:
        with connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE p (id bigint PRIMARY KEY)")
        async with opened(url, via, table) as (session, observer):
            with pytest.raises(ConstraintViolated) as caught:
                await session.load(TARGET, iter([batch(0, 20)]))
            error = caught.value
            assert (error.kind, error.constraint, error.table) == (kind, constraint, "t")
            assert observer.count() == 0

    asyncio.run(run())


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("tinyint", "300"),
        ("int", "abc"),
        ("int unsigned", "-1"),
        ("varchar(3)", "abcdef"),
        ("decimal(5, 2)", "99999.9"),
        ("decimal(5, 2)", "1.239"),
        ("date", "2024-02-30"),
        ("datetime", "not a time"),
        ("enum('a')", "b"),
        ("double", "nan"),
        ("varchar(9) CHARACTER SET latin1", "😀"),
    ],
)
def test_a_value_that_only_the_server_refuses(url: str, via: str, column: str, text: str) -> None:
    """What is said of the column here is not what it is: as if it had been altered after it was looked at."""
    rows = pa.record_batch([pa.array([1, 2], pa.int64()), pa.array([None, text])], schema=SCHEMA)

    async def run() -> None:
        async with opened(url, via, f"id bigint, note {column}") as (session, observer):
            with pytest.raises((ConversionError, DatabaseError)) as caught:
                await session.load(TARGET, iter([rows]))
            if isinstance(caught.value, ConversionError):
                assert (caught.value.column, caught.value.rows) == ("note", (1,))
            else:
                assert caught.value.code is not None
            assert observer.count() == 0

    asyncio.run(run())


@pytest.mark.parametrize("rows", [3_000, 65_536])
def test_more_warnings_than_the_server_keeps_or_counts(url: str, rows: int) -> None:
    """It keeps 64, and has 16 bits for their number."""
    columns = [pa.array(range(rows), pa.int64()), pa.array(["abc"] * rows)]

    async def run() -> None:
        async with opened(url, table="id bigint, note int") as (session, observer):
            with pytest.raises(ConversionError, match=r"row 0 of the load") as caught:
                await session.load(TARGET, iter([pa.record_batch(columns, schema=SCHEMA)]))
            assert (caught.value.column, caught.value.rows) == ("note", (0,))
            assert observer.count() == 0

    asyncio.run(run())


def test_warnings_that_the_server_does_not_keep(url: str) -> None:
    rows = pa.record_batch([pa.array([1], pa.int64()), pa.array(["abc"])], schema=SCHEMA)

    async def run() -> None:
        async with opened(url, table="id bigint, note int") as (session, observer):
            await session.execute(trusted("SET SESSION max_error_count = 0"))
            with pytest.raises(DatabaseError, match="1 warning about the rows for t") as caught:
                await session.load(TARGET, iter([rows]))
            assert "max_error_count" in str(caught.value.hint)
            assert observer.count() == 0

    asyncio.run(run())


def test_a_table_without_transactions_is_refused(url: str) -> None:
    async def run() -> None:
        async with opened(url) as (session, observer):
            observer.rows("ALTER TABLE t ENGINE = MyISAM")
            source = Source(iter([batch(0)]))
            with pytest.raises(DatabaseError, match="MyISAM") as caught:
                await session.load(TARGET, source)
            assert "InnoDB" in str(caught.value.hint)
            assert source.taken == 0

    asyncio.run(run())


def test_a_trigger_that_fails(url: str, via: str) -> None:
    async def run() -> None:
        async with opened(url, via) as (session, observer):
            observer.rows(
                "CREATE TRIGGER no BEFORE INSERT ON t FOR EACH ROW "
                "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not today'"
            )
            with pytest.raises(DatabaseError, match="not today"):
                await session.load(TARGET, iter([batch(0)]))
            assert observer.count() == 0

    asyncio.run(run())


# ---- the connection and the client


def endless(started: threading.Event, pause: float = 0.01) -> Iterator[pa.RecordBatch]:
    for number in range(100_000):
        yield batch(number, 5_000)
        if number == 3:
            started.set()
        time.sleep(pause)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - it is the server's to change
            await asyncio.sleep(0.01)


def test_the_connection_is_killed_during_the_load(url: str, via: str) -> None:
    async def run() -> None:
        async with opened(url, via) as (session, observer):
            started = threading.Event()
            task = asyncio.create_task(session.load(TARGET, endless(started)))
            await until(started.is_set)
            (thread,) = observer.threads()
            observer.rows(f"KILL CONNECTION {thread['id']}")
            with pytest.raises(ConnectionLost) as caught:
                async with asyncio.timeout(20):
                    await task
            assert caught.value.transient
            await until(lambda: observer.threads() == [] and observer.locks() == 0)
            assert observer.count() == 0
        again = await open_session(url)
        assert (await again.load(TARGET, iter([batch(0, 5)]))).rows == 5
        await again.close()

    asyncio.run(run())


def test_the_query_is_killed_during_the_load(url: str) -> None:
    async def run() -> None:
        async with opened(url) as (session, observer):
            started, stop = threading.Event(), threading.Event()

            def batches() -> Iterator[pa.RecordBatch]:
                for number, part in enumerate(endless(started)):
                    if stop.is_set() and number > 30:
                        return
                    yield part

            task = asyncio.create_task(session.load(TARGET, batches()))
            await until(started.is_set)
            await until(lambda: observer.threads()[0]["info"])
            try:
                await session.cancel()
            finally:
                stop.set()
            with pytest.raises(DatabaseError) as caught:
                async with asyncio.timeout(20):
                    await task
            assert caught.value.code == "1317"
            await nothing_left(session, observer)

    asyncio.run(run())


@pytest.mark.parametrize("after", [0.0, 0.003, 0.03, 0.3])
def test_cancelled_at_any_time(url: str, via: str, after: float) -> None:
    async def run() -> None:
        async with opened(url, via) as (session, observer):
            source = Source(endless(threading.Event()))
            task = asyncio.create_task(session.load(TARGET, source))
            await asyncio.sleep(after)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                async with asyncio.timeout(20):
                    await task
            await nothing_left(session, observer)

    asyncio.run(run())


def test_cancelled_at_every_await(url: str) -> None:
    """Step by step: after so many turns of the event loop, until a load gets through."""

    async def run() -> None:
        async with opened(url) as (session, observer):
            turns = 0
            while True:
                task = asyncio.create_task(session.load(TARGET, iter([batch(0, 2_000), batch(1, 2_000)])))
                for _ in range(turns):
                    if not task.done():
                        await asyncio.sleep(0)
                if task.done():
                    break
                task.cancel()
                try:
                    await task
                except asyncio.CancelledError:
                    assert observer.count() in (0, 4_000)  # all of them where it was already committing
                observer.rows("DELETE FROM t")
                turns += 1 + turns // 6
            assert (await task).rows == 4_000
            assert observer.count() == 4_000

    asyncio.run(run())


CLIENT = """
import asyncio, sys, time
from contract.mysql.test_load import TARGET, batch
from arrowsync.dialects.mysql.session import open_session

def batches():
    for number in range(1000):
        yield batch(number, 5_000)
        if number == 12:
            print("loading", flush=True)
        time.sleep(0.005)

async def main():
    session = await open_session(sys.argv[1])
    await session.load(TARGET, batches())

asyncio.run(main())
"""


def kill_a_client_that_loads(url: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", CLIENT, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "loading\n"
        client.send_signal(signal.SIGKILL)


def test_a_client_that_is_killed(url: str) -> None:
    async def run() -> None:
        async with opened(url) as (session, observer):
            kill_a_client_that_loads(url)
            await until(lambda: len(observer.threads()) == 1 and observer.locks() == 0)
            await nothing_left(session, observer)

    asyncio.run(run())


def test_a_load_that_waits_for_a_lock_is_cancelled(url: str, via: str) -> None:
    async def run() -> None:
        async with opened(url, via) as (session, observer):
            observer.rows("BEGIN")
            observer.rows("INSERT INTO t VALUES (5, 'mine')")
            started = time.monotonic()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await session.load(TARGET, iter([batch(0, 10)]))
            assert time.monotonic() - started < 10
            observer.rows("ROLLBACK")
            await nothing_left(session, observer)

    asyncio.run(run())


def test_a_slow_source_is_waited_for(url: str) -> None:
    """A server waits 30 seconds for a client by itself; here one, and the session asks for more."""

    def slow() -> Iterator[pa.RecordBatch]:
        for number in range(2):
            yield batch(number, 30_000)
            time.sleep(1.2)

    async def run() -> None:
        with connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("SET GLOBAL net_read_timeout = 1")
        try:
            async with opened(url) as (session, observer):
                assert (await session.load(TARGET, slow())).rows == 60_000
                assert observer.count() == 60_000
        finally:
            with connect(url) as connection, connection.cursor() as cursor:
                cursor.execute("SET GLOBAL net_read_timeout = DEFAULT")

    asyncio.run(run())


def test_memory_stays_flat(url: str) -> None:
    text = pa.array(["x" * 1_000] * 5_000)

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(16):  # 80 MB
            yield pa.record_batch(
                [pa.array(range(number * 5_000, number * 5_000 + 5_000), pa.int64()), text], schema=SCHEMA
            )

    async def run() -> None:
        async with opened(url) as (session, _):
            await session.load(TARGET, iter([batch(-1, 10)]))
            process = psutil.Process()
            before = process.memory_info().rss
            peak = 0

            def watched() -> Iterator[pa.RecordBatch]:
                nonlocal peak
                for part in batches():
                    peak = max(peak, process.memory_info().rss)
                    yield part

            assert (await session.load(TARGET, watched())).rows == 80_000
            assert peak - before < 40 << 20

    asyncio.run(run())


# ---- without LOAD DATA LOCAL


@pytest.mark.parametrize("start", [start_mysql, start_mariadb], ids=["mysql", "mariadb"])
def test_a_server_that_forbids_load_data_local(start: Any) -> None:
    with start(private=True, local_infile=False) as server:
        url = server.create_database()

        async def run() -> None:
            async with opened(url) as (session, observer):
                session.via = "LOAD DATA LOCAL"  # as if it had been allowed when the connection was opened
                assert (await session.load(TARGET, iter([batch(0, 100)]))).via == "INSERT"
                assert observer.count() == 100
            session = await open_session(url)
            assert session.via == "INSERT"
            result = await session.load(TARGET, iter([batch(1), batch(2)]))
            assert (result.rows, result.via) == (2 * ROWS, "INSERT")
            await session.close()

        asyncio.run(run())


def test_a_row_larger_than_a_statement_may_be(url: str) -> None:
    rows = pa.record_batch([pa.array([1], pa.int64()), pa.array(["x" * (3 << 20)])], schema=SCHEMA)

    async def run() -> None:
        with connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT @@global.max_allowed_packet AS n")
            row = cursor.fetchone()
            assert row is not None
            cursor.execute(f"SET GLOBAL max_allowed_packet = {2 << 20}")
        try:
            async with opened(url, "INSERT") as (session, observer):
                with pytest.raises(DatabaseError, match=r"takes .* \(row 10 of the load\)") as caught:
                    await session.load(TARGET, iter([batch(1, 10), rows]))
                assert "max_allowed_packet" in str(caught.value.hint)
                await nothing_left(session, observer)
        finally:
            with connect(url) as connection, connection.cursor() as cursor:
                cursor.execute(f"SET GLOBAL max_allowed_packet = {row['n']}")

    asyncio.run(run())


def test_utc_times(url: str, via: str) -> None:
    """The servers are at +05:30, and nothing is shifted."""
    schema = pa.schema([("id", pa.int64()), ("at", pa.timestamp("us", "UTC"))])
    columns = (COLUMNS[0], Column("at", SqlType("timestamp", (6,))))
    moment = datetime(2024, 1, 1, 12, tzinfo=UTC)

    async def run() -> None:
        async with opened(url, via, "id bigint, at timestamp(6) NULL") as (session, observer):
            rows = pa.record_batch([pa.array([1], pa.int64()), pa.array([moment], schema.types[1])], schema=schema)
            await session.load(LoadTarget(ObjectName(None, "t"), columns, schema), iter([rows]))
            async with session.stream(trusted("SELECT id, at FROM t"), columns) as batches:
                assert [part.to_pylist() async for part in batches.batches] == [[{"id": 1, "at": moment}]]
            (row,) = observer.rows("SELECT unix_timestamp(at) AS at FROM t")
            assert row["at"] == moment.timestamp()

    asyncio.run(run())
