"""A DuckDB session: transactions, connections of the user, cancellation, and what a failure leaves behind (nothing)."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, LiteralString

import duckdb
import pyarrow as pa
import pytest

import arrowsync
from arrowsync.catalog import Column, ObjectName, SqlType
from arrowsync.dialects import open_session
from arrowsync.dialects.contract import LoadTarget, Session
from arrowsync.dialects.duckdb import DIALECT
from arrowsync.dialects.duckdb.session import MEMORY, Address, address_of
from arrowsync.errors import ConstraintViolated, DatabaseError, DeclarationError
from arrowsync.sql import SQL, sql, trusted

T = ObjectName(None, "t")
SCHEMA = pa.schema([("id", pa.int64())])
TARGET = LoadTarget(T, (Column("id", SqlType("bigint")),), SCHEMA)


def batches(
    count: int, rows: int = 20_000, *, raises: BaseException | None = None, at: int = 5, pause: float = 0.0
) -> Iterator[pa.RecordBatch]:
    for number in range(count):
        if raises is not None and number == at:
            raise raises
        time.sleep(pause)
        yield pa.record_batch({"id": pa.array(range(number * rows, (number + 1) * rows), pa.int64())})


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Session]:
    session = await open_session(url)
    try:
        yield session
    finally:
        await session.close()


@asynccontextmanager
async def adopted(connection: duckdb.DuckDBPyConnection) -> AsyncIterator[Session]:
    session = await open_session(connection)
    try:
        yield session
    finally:
        await session.close()


async def value(session: Session, query: LiteralString) -> Any:
    return (await session.fetch(sql(query))).column(0)[0].as_py()


async def read_all(session: Session, query: SQL) -> None:
    async with session.stream(query, TARGET.columns) as rows:
        async for _ in rows.batches:
            pass


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"duckdb:///{tmp_path / 'session.duckdb'}" if request.param == "file" else "duckdb://"


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(tmp_path / "user.duckdb") as connection:
        connection.execute("CREATE TABLE t (id BIGINT)")
        yield connection


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("duckdb://", Address(MEMORY)),
        ("duckdb:///", Address(MEMORY)),
        ("duckdb:///:memory:", Address(MEMORY)),
        ("duckdb:///a/b.duckdb", Address("a/b.duckdb")),
        ("duckdb:////srv/b.duckdb", Address("/srv/b.duckdb")),
        ("duckdb:///a%20b%3Fc%23%25.db?read_only=true", Address("a b?c#%.db", read_only=True)),
        ("duckdb:///a#b.db?threads=2&memory_limit=1GB", Address("a#b.db", options=(("threads", "2"), ("memory_limit", "1GB")))),
    ],
)  # fmt: skip
def test_urls(url: str, address: Address) -> None:
    assert address_of(url) == address


@pytest.mark.parametrize(
    "url", ["duckdb://file.db", "duckdb://host/file.db", "duckdb:file.db", "duckdb:///x?read_only=maybe"]
)
def test_a_url_that_is_none_is_told_how_one_looks(url: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        address_of(url)
    assert "duckdb:///file.duckdb" in str(caught.value.hint)


def test_relative_and_awkward_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def act() -> None:
        for url in ("duckdb:///plain.db", "duckdb:///it's%20%C3%A4%3F%23%25.db"):
            async with opened(url) as session:
                await session.execute(sql("CREATE TABLE t (id BIGINT)"))
                assert session.server.product == "duckdb"
                assert session.server.version >= (2, 0)

    asyncio.run(act())
    assert {"plain.db", "it's ä?#%.db"} <= set(os.listdir(tmp_path))


def test_the_options_of_a_url_are_set() -> None:
    async def act() -> None:
        async with opened("duckdb://?threads=3&memory_limit=300MB") as session:
            assert await value(session, "SELECT current_setting('threads')") == 3
            await session.execute(sql("CREATE TABLE t (id BIGINT)"))
            await session.load(TARGET, batches(3))
            assert await value(session, "SELECT current_setting('memory_limit')") == "286.1 MiB"

    asyncio.run(act())


def test_execute_counts_the_rows_of_the_last_statement(url: str) -> None:
    async def act() -> None:
        async with opened(url) as session:
            assert (
                await session.execute(sql("CREATE TABLE t (id BIGINT); INSERT INTO t SELECT range FROM range(10)"))
                == 10
            )
            assert await session.execute(sql("UPDATE t SET id = id + 1 WHERE id > 6")) == 3
            assert await session.execute(sql("DELETE FROM t WHERE id < 2; SELECT 1")) == 0
            assert await session.execute(sql("DELETE FROM t")) == 8
            assert await session.execute(sql("SELECT * FROM range(100000)")) == 0
            assert (await session.fetch(sql("CREATE TABLE u (id BIGINT)"))).num_rows == 0
            assert await value(session, "SELECT count(*) FROM u") == 0

    asyncio.run(act())


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("340282366920938463463374607431768211455::UHUGEINT", Decimal(2**128 - 1)),
        ("'01:02:03+05'::TIMETZ", "01:02:03+05"),
        ("'0101'::BIT", "0101"),
        ("{'a': '0101'::BIT}", {"a": "0101"}),
    ],
)
def test_what_arrow_would_not_get_as_it_is_can_be_streamed_or_cast(value: str, said: object) -> None:
    with arrowsync.connect("duckdb://") as conn:
        with pytest.raises(DeclarationError, match=r"column 'x' is .* on the way to Arrow") as caught:
            conn.fetch(f"SELECT {value} AS x")
        assert "or use stream" in str(caught.value.hint)
        assert [batch.to_pylist() for batch in conn.stream(f"SELECT {value} AS x")] == [[{"x": said}]]
        assert conn.fetch(f"SELECT ({value})::VARCHAR AS x").to_pylist() == [{"x": str(said).replace("'0101'", "0101")}]


def test_a_transaction_commits_or_rolls_back(url: str) -> None:
    async def act() -> None:
        async with opened(url) as session:
            async with session.transaction():
                await session.execute(sql("CREATE TABLE t (id BIGINT)"))
                await session.load(TARGET, batches(1))

            async def fail() -> None:
                async with session.transaction():
                    await session.execute(sql("DELETE FROM t"))
                    await session.execute(sql("CREATE TABLE u (id BIGINT)"))
                    raise KeyError

            with pytest.raises(KeyError):
                await fail()
            assert await value(session, "SELECT count(id) FROM t") == 20_000
            assert await value(session, "SELECT count(*) FROM duckdb_tables()") == 1

    asyncio.run(act())


def test_a_failed_inner_transaction_that_wrote_takes_the_outer_one_with_it(url: str) -> None:
    async def inner(session: Session) -> None:
        async with session.transaction():
            await session.execute(sql("INSERT INTO t VALUES (2)"))
            raise KeyError

    async def outer(session: Session) -> None:
        async with session.transaction():
            await session.execute(sql("INSERT INTO t VALUES (1)"))
            with pytest.raises(KeyError) as caught:
                await inner(session)
            assert "no savepoints" in caught.value.__notes__[0]
            with pytest.raises(DatabaseError, match="failed before"):
                await session.execute(sql("INSERT INTO t VALUES (3)"))

    async def act() -> None:
        async with opened(url) as session:
            await session.execute(sql("CREATE TABLE t (id BIGINT)"))
            with pytest.raises(DatabaseError, match="nothing was committed"):
                await outer(session)
            assert await value(session, "SELECT count(*) FROM t") == 0
            await session.execute(sql("INSERT INTO t VALUES (4)"))
            assert await value(session, "SELECT max(id) FROM t") == 4

    asyncio.run(act())


def test_a_failed_inner_transaction_that_only_read_leaves_the_outer_one(url: str) -> None:
    async def inner(session: Session) -> None:
        async with session.transaction():
            await session.fetch(sql("FROM t"))
            raise KeyError

    async def act() -> None:
        async with opened(url) as session:
            await session.execute(sql("CREATE TABLE t (id BIGINT)"))
            async with session.transaction():
                await session.execute(sql("INSERT INTO t VALUES (4)"))
                with pytest.raises(KeyError):
                    await inner(session)
            assert await value(session, "SELECT max(id) FROM t") == 4

    asyncio.run(act())


def test_a_statement_that_failed_is_not_committed_silently(url: str) -> None:
    async def outer(session: Session) -> None:
        async with session.transaction():
            await session.execute(sql("INSERT INTO t VALUES (1)"))
            with pytest.raises(ConstraintViolated):
                await session.execute(sql("INSERT INTO t VALUES (1)"))

    async def act() -> None:
        async with opened(url) as session:
            await session.execute(sql("CREATE TABLE t (id BIGINT PRIMARY KEY)"))
            with pytest.raises(DatabaseError, match="nothing was committed"):
                await outer(session)
            assert await value(session, "SELECT count(*) FROM t") == 0

    asyncio.run(act())


class Unreadable(Exception):
    pass


@pytest.mark.parametrize("at", [0, 1, 5])
def test_a_source_that_raises_leaves_the_old_rows_and_its_own_exception(at: int, url: str) -> None:
    error = Unreadable("batch 5 is broken")

    async def act() -> None:
        async with opened(url) as session:
            await session.execute(sql("CREATE TABLE t (id BIGINT); INSERT INTO t VALUES (-1)"))
            source = batches(10, raises=error, at=at)

            async def replace() -> None:
                async with session.transaction():
                    await session.execute(sql("DELETE FROM t"))
                    await session.load(TARGET, source)

            with pytest.raises(Unreadable) as caught:
                await replace()
            assert caught.value is error
            assert next(source, None) is None  # it was closed
            assert await value(session, "SELECT max(id) FROM t") == -1
            assert await value(session, "SELECT count(*) FROM duckdb_views() WHERE NOT internal") == 0
            async with session.transaction():
                assert (await session.load(TARGET, batches(2))).rows == 40_000
            assert await value(session, "SELECT count(id) FROM t") == 40_001

    asyncio.run(act())


@pytest.mark.parametrize("owner", ["ours", "theirs"])
def test_a_load_that_is_cancelled_stops_soon_and_leaves_nothing(
    owner: str, connection: duckdb.DuckDBPyConnection, url: str
) -> None:
    async def act() -> None:
        async with opened(url) if owner == "ours" else adopted(connection) as session:
            await session.execute(sql("CREATE TABLE IF NOT EXISTS t (id BIGINT)"))

            async def load() -> None:
                async with session.transaction():
                    await session.execute(sql("INSERT INTO t VALUES (-1)"))
                    await session.load(TARGET, batches(10_000, pause=0.01))

            task = asyncio.create_task(load())
            await asyncio.sleep(0.3)
            started = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - started < 5
            assert await value(session, "SELECT count(*) FROM t") == 0
            await session.load(TARGET, batches(1))

    asyncio.run(act())


def test_a_statement_and_a_stream_that_are_cancelled_stop_soon(url: str) -> None:
    endless = sql("SELECT sum(hash(a.range + b.range)) AS n FROM range(1000000) AS a, range(1000000) AS b")
    many = sql("SELECT range AS id FROM range(1000000000000)")

    async def act() -> None:
        async with opened(url) as session:

            async def cancelled() -> None:
                await session.execute(endless)

            for job in (session.execute(endless), session.fetch(endless), read_all(session, many)):
                task = asyncio.ensure_future(job)
                await asyncio.sleep(0.3)
                started = time.monotonic()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert time.monotonic() - started < 5
                assert await value(session, "SELECT 1") == 1
            task = asyncio.ensure_future(cancelled())
            await asyncio.sleep(0.3)
            await session.cancel()
            with pytest.raises(DatabaseError, match=r"(?i)interrupted"):
                await task

    asyncio.run(act())


def test_a_cancelled_begin_leaves_no_transaction_open() -> None:
    async def act() -> None:
        async with opened("duckdb://") as session:

            async def enter() -> None:
                async with session.transaction():
                    await asyncio.sleep(10)

            for steps in range(6):
                task = asyncio.create_task(enter())
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                before = await value(session, "SELECT txid_current()")
                assert await value(session, "SELECT txid_current()") != before

    asyncio.run(act())


def test_a_stream_that_is_left_early_frees_the_connection(url: str) -> None:
    async def act() -> None:
        async with opened(url) as session:
            await session.execute(sql("CREATE TABLE t (id BIGINT); INSERT INTO t SELECT range FROM range(500000)"))
            async with session.stream(sql("SELECT id FROM t"), TARGET.columns) as rows:
                first = await anext(rows.batches)
                with pytest.raises(DatabaseError, match="open result") as caught:
                    await session.execute(sql("DELETE FROM t"))
                assert caught.value.hint
            assert 0 < first.num_rows < 500_000
            assert await session.execute(sql("DELETE FROM t")) == 500_000

    asyncio.run(act())


def test_an_error_in_the_middle_of_a_stream_is_translated(url: str) -> None:
    query = sql("SELECT CASE WHEN range = 900000 THEN error('broken') ELSE range END AS id FROM range(1000000)")

    async def act() -> None:
        async with opened(url) as session:
            with pytest.raises(DatabaseError, match="broken"):
                await read_all(session, query)
            assert await value(session, "SELECT 1") == 1

    asyncio.run(act())


def snapshot(connection: duckdb.DuckDBPyConnection) -> list[Any]:
    """Everything that a session could leave behind on a connection."""
    queries = (
        "SELECT name, value FROM duckdb_settings() ORDER BY name",
        "SELECT database_name, schema_name, table_name FROM duckdb_tables() ORDER BY ALL",
        "SELECT view_name FROM duckdb_views() WHERE NOT internal",
        "SELECT database_name FROM duckdb_databases() ORDER BY ALL",
        "SELECT count(*) FROM duckdb_functions()",
    )
    return [connection.execute(query).fetchall() for query in queries]


def test_a_connection_of_the_user_is_left_open_and_as_it_was(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("SET TimeZone = 'America/New_York'; SET preserve_insertion_order = false; SET threads = 1")
    connection.execute("CREATE TEMP TABLE mine (x INTEGER)")
    connection.register("seen", pa.table({"x": [1]}))
    before = snapshot(connection)

    async def act() -> None:
        async with adopted(connection) as session:
            for raises in (None, Unreadable()):
                try:
                    async with session.transaction():
                        target = (await DIALECT.catalog.discover(session, [T])).tables[0]
                        name, statement = DIALECT.merge.create_staging(target, ["id"])
                        await session.execute(statement)
                        await session.load(LoadTarget(name, target.columns, SCHEMA), batches(7, raises=raises))
                        await session.execute(sql("DROP TABLE {name}", name=name.identifier))
                except Unreadable:
                    pass

    asyncio.run(act())
    assert snapshot(connection) == before
    assert connection.sql("SELECT x FROM seen").fetchall() == [(1,)]


def test_the_user_s_transaction_is_neither_committed_nor_rolled_back(connection: duckdb.DuckDBPyConnection) -> None:
    async def load(raises: BaseException | None = None) -> None:
        async with adopted(connection) as session, session.transaction():
            await session.execute(sql("INSERT INTO t VALUES (1)"))
            await session.load(TARGET, batches(2, rows=10, raises=raises, at=1))

    with connection.cursor() as other:
        connection.execute("BEGIN; INSERT INTO t VALUES (0)")
        asyncio.run(load())
        assert connection.execute("SELECT count(*) FROM t").fetchall() == [(22,)]
        assert other.execute("SELECT count(*) FROM t").fetchall() == [(0,)]
        connection.execute("ROLLBACK")
        assert connection.execute("SELECT count(*) FROM t").fetchall() == [(0,)]

        connection.execute("BEGIN; INSERT INTO t VALUES (0)")
        asyncio.run(load())
        connection.execute("COMMIT")
        assert other.execute("SELECT count(*) FROM t").fetchall() == [(22,)]


def test_a_failure_in_the_user_s_transaction_aborts_it_and_says_so(connection: duckdb.DuckDBPyConnection) -> None:
    async def fail(*, write: bool) -> None:
        async with adopted(connection) as session, session.transaction():
            await session.fetch(sql("FROM t"))
            if write:
                await session.execute(sql("INSERT INTO t VALUES (1)"))
            raise Unreadable

    connection.execute("BEGIN; INSERT INTO t VALUES (0)")
    with pytest.raises(Unreadable):
        asyncio.run(fail(write=False))
    assert connection.execute("SELECT count(*) FROM t").fetchall() == [(1,)]

    with pytest.raises(Unreadable) as caught:
        asyncio.run(fail(write=True))
    assert "ROLLBACK" in caught.value.__notes__[0]
    with pytest.raises(duckdb.TransactionException, match="aborted"):
        connection.execute("INSERT INTO t VALUES (2)")

    with pytest.raises(DatabaseError, match="failed before") as refused:
        asyncio.run(fail(write=True))
    assert "ROLLBACK" in str(refused.value.hint)

    connection.execute("ROLLBACK")
    assert connection.execute("SELECT count(*) FROM t").fetchall() == [(0,)]
    asyncio.run(asyncio.wait_for(_count(connection), 10))


async def _count(connection: duckdb.DuckDBPyConnection) -> None:
    async with adopted(connection) as session:
        async with session.transaction():
            await session.load(TARGET, batches(1))
        assert await value(session, "SELECT count(id) FROM t") == 20_000


def test_what_the_user_left_unread_is_not_in_the_way(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("SELECT * FROM range(10000000)").fetchone()
    asyncio.run(_count(connection))


def test_a_result_that_the_user_is_reading_is_named(connection: duckdb.DuckDBPyConnection) -> None:
    reader = connection.sql("SELECT * FROM range(10000000)").to_arrow_reader(1000)
    reader.read_next_batch()
    with pytest.raises(DatabaseError, match="open result") as caught:
        asyncio.run(_count(connection))
    assert "cursor()" in str(caught.value.hint)
    assert reader.read_next_batch().num_rows == 1000
    reader.close()


def test_a_source_that_reads_from_the_same_connection_fails_instead_of_waiting_for_itself(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    relation = connection.sql("SELECT range AS id FROM range(10000000)")

    def lazily() -> Iterator[pa.RecordBatch]:
        yield from relation.to_arrow_reader(1000)

    async def act(source: Iterator[pa.RecordBatch]) -> int:
        async with adopted(connection) as session, session.transaction():
            return (await session.load(TARGET, source)).rows

    with pytest.raises(DatabaseError) as caught:
        asyncio.run(asyncio.wait_for(act(lazily()), 20))
    assert "cursor()" in str(caught.value.hint)
    assert connection.execute("SELECT count(*) FROM t").fetchall() == [(0,)]
    own = connection.cursor().sql("SELECT range AS id FROM range(1000000)").to_arrow_reader(1000)
    assert asyncio.run(act(iter(own))) == 1_000_000


def test_what_is_no_connection_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    async def adopt(something: object) -> None:
        await open_session(something)

    with pytest.raises(DeclarationError, match="not a DuckDB connection"):
        asyncio.run(adopt(connection.sql("SELECT 1")))
    connection.close()
    with pytest.raises(DatabaseError, match="closed"):
        asyncio.run(adopt(connection))


def test_a_connection_is_recognised_without_a_url(connection: duckdb.DuckDBPyConnection) -> None:
    async def act() -> str:
        session = await open_session(connection)
        await session.close()
        await session.close()
        return session.dialect.language.name

    assert asyncio.run(act()) == "duckdb"
    assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_the_memory_limit_is_back_after_a_load(tmp_path: Path) -> None:
    path = tmp_path / "limit.duckdb"

    async def limit(session: Session) -> str:
        return await value(session, "SELECT current_setting('memory_limit')")

    async def act() -> None:
        async with opened(f"duckdb:///{path}") as session:
            await session.execute(sql("CREATE TABLE t (id BIGINT)"))
            usual = await limit(session)
            limits: set[str] = set()

            def watched(raises: BaseException | None = None) -> Iterator[pa.RecordBatch]:
                with duckdb.connect(path) as other:
                    for batch in batches(6, raises=raises):
                        limits.update(
                            row[0] for row in other.execute("SELECT current_setting('memory_limit')").fetchall()
                        )
                        yield batch

            def unwatched(raises: BaseException | None = None) -> Iterator[pa.RecordBatch]:
                for number, batch in enumerate(batches(6, raises=raises)):
                    if number == 3:
                        with duckdb.connect(path) as other:
                            limits.update(
                                row[0] for row in other.execute("SELECT current_setting('memory_limit')").fetchall()
                            )
                    yield batch

            await session.load(TARGET, watched())
            assert limits == {usual}  # another connection may need the memory
            limits.clear()
            await session.load(TARGET, unwatched())
            assert limits == {"122.0 MiB"}
            with pytest.raises(Unreadable):
                async with session.transaction():
                    await session.load(TARGET, unwatched(Unreadable()))
            assert await limit(session) == usual
            await session.execute(sql("SET memory_limit = '2GB'"))
            chosen = await limit(session)
            await session.load(TARGET, unwatched())
            assert await limit(session) == chosen

    asyncio.run(act())


def test_two_connections_to_one_file_conflict_transiently(tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path / 'shared.duckdb'}"

    async def act() -> None:
        async with opened(url) as one, opened(url) as two:
            await one.execute(sql("CREATE TABLE t (id BIGINT, v INTEGER); INSERT INTO t VALUES (1, 1)"))

            async def both() -> None:
                async with one.transaction(), two.transaction():
                    await one.execute(sql("UPDATE t SET v = 2"))
                    await two.execute(sql("UPDATE t SET v = 3"))

            with pytest.raises(DatabaseError) as caught:
                await both()
            assert caught.value.transient
            assert await value(one, "SELECT v FROM t") == 1
            await two.execute(sql("UPDATE t SET v = 4"))
            assert await value(one, "SELECT v FROM t") == 4

    asyncio.run(act())


LOADER = """
import asyncio, sys, time
import pyarrow as pa
from arrowsync.catalog import Column, ObjectName, SqlType
from arrowsync.dialects.contract import LoadTarget
from arrowsync.dialects import open_session
from arrowsync.sql import sql

def batches():
    for number in range(1_000_000):
        if number == {ready}:
            print("loading", flush=True)
        yield pa.record_batch({{"id": pa.array(range(number * 50_000, (number + 1) * 50_000), pa.int64())}})

async def main():
    session = await open_session(sys.argv[1])
    schema = pa.schema([("id", pa.int64())])
    async with session.transaction():
        await session.execute(sql("DELETE FROM t"))
        await session.load(LoadTarget(ObjectName(None, "t"), (Column("id", SqlType("bigint")),), schema), batches())

asyncio.run(main())
"""


@pytest.mark.parametrize("ready", [1, 40])
def test_a_process_killed_in_a_load_leaves_the_old_state(ready: int, tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path / 'killed.duckdb'}"

    async def prepare() -> None:
        async with opened(url) as session:
            await session.execute(sql("CREATE TABLE t (id BIGINT); INSERT INTO t SELECT range FROM range(1000)"))

    async def check() -> None:
        async with opened(url) as session:
            assert await value(session, "SELECT count(id) FROM t") == 1_000
            async with session.transaction():
                await session.execute(sql("DELETE FROM t"))
                await session.load(TARGET, batches(3))
            assert await value(session, "SELECT count(id) FROM t") == 60_000

    asyncio.run(prepare())
    script = tmp_path / "loader.py"
    script.write_text(LOADER.format(ready=ready))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, script, url], stdout=subprocess.PIPE, env=environment) as loader:
        assert loader.stdout is not None
        assert loader.stdout.readline() == b"loading\n"
        loader.send_signal(signal.SIGKILL)
    asyncio.run(check())
    asyncio.run(check_reopened(url))


async def check_reopened(url: str) -> None:
    async with opened(url) as session:
        assert await value(session, "SELECT count(id) FROM t") == 60_000
        assert (await session.fetch(trusted("FROM duckdb_tables()"))).num_rows == 1
