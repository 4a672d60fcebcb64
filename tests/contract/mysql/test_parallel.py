"""`parallel=N` on MySQL and MariaDB: the same table and counts as over one connection, and nothing left behind by any failure."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, make_dataclass
from typing import Annotated, Any

import pyarrow as pa
import pytest
from contract.mysql.mysql_live import Live, connected, their_own

import arrowsync
from arrowsync import (
    Check,
    ConnectionLost,
    ConstraintViolated,
    ConversionError,
    DatabaseError,
    DeclarationError,
    MaxLength,
    PrimaryKey,
    Unique,
    aio,
)

URLS = {"mysql": "mysql_url", "mariadb": "mariadb_url"}
BATCH = 2_000


@dataclass
class Thing:
    id: PrimaryKey[int]
    name: str


@dataclass
class Line:
    """A table without a key."""

    day: int
    text: str


@pytest.fixture(params=URLS)
def live(request: pytest.FixtureRequest) -> Iterator[tuple[Live, str]]:
    url = request.getfixturevalue(URLS[request.param])
    with connected(request.param, url) as live:
        yield live, url


def things(number: int = 8, *, keys: int = 1 << 40, word: str = "name", pause: float = 0.0) -> pa.RecordBatchReader:
    """Batches of `Thing`, whose keys repeat after `keys`, and whose names tell the row."""

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, number * BATCH, BATCH):
            numbers = range(start, start + BATCH)
            columns: dict[str, pa.Array[Any]] = {
                "id": pa.array([n % keys for n in numbers], pa.int64()),
                "name": pa.array([f"{word} {n}" for n in numbers]),
            }
            yield pa.record_batch(columns)
            time.sleep(pause)

    schema = pa.schema([pa.field("id", pa.int64()), pa.field("name", pa.string())])
    return pa.RecordBatchReader.from_batches(schema, batches())


def rows_of(server: Live, table: str = "Thing") -> list[dict[str, Any]]:
    return server.query(f"SELECT * FROM {table} ORDER BY 1, 2")


def counts(report: arrowsync.SyncReport) -> dict[str, int]:
    return {"read": report.rows_read, **report.outcomes()}


def nothing_left(server: Live) -> None:
    """No draft and no staging table, no lock of one, and no connection but the one that looks."""
    deadline = time.monotonic() + 5
    others = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
    while server.query(others) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.query(others) == []
    assert tables(server, "arrowsync%") == []


def tables(server: Live, pattern: str) -> list[str]:
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE %s"
    return [row["table_name"] for row in server.query(query, pattern)]


# ---- the same as over one connection


@pytest.mark.parametrize("mode", ["insert", "upsert", "replace", "mirror"])
@pytest.mark.parametrize("exists", [False, True])
def test_every_mode_gives_the_same_table_and_counts(live: tuple[Live, str], mode: Any, exists: bool) -> None:
    server, url = live
    found: list[Any] = []
    for parallel in (None, 3):
        if exists:
            old = [(n, f"name {n}" if n % 2 else "old") for n in range(-50, -10 if mode == "insert" else 50)]
            arrowsync.sync_table(old, Thing, url)
        report = arrowsync.sync_table(things(), Thing, url, mode=mode, parallel=parallel)
        found.append((counts(report), rows_of(server), server.query("SHOW CREATE TABLE Thing")))
        assert report.via == "LOAD DATA LOCAL"
        server.script("DROP TABLE Thing")
    assert found[0] == found[1]
    nothing_left(server)


@pytest.mark.parametrize("options", [{"dedup": "last"}, {"dedup": "first"}, {"mode": "insert", "on_conflict": "skip"}])
@pytest.mark.parametrize("exists", [False, True])
def test_the_same_one_of_many_duplicates_wins(live: tuple[Live, str], options: Any, exists: bool) -> None:
    server, url = live
    found: list[Any] = []
    for parallel in (None, 3):
        if exists:
            arrowsync.sync_table([(1, "old")], Thing, url)
        report = arrowsync.sync_table(things(keys=700), Thing, url, parallel=parallel, **options)
        found.append((counts(report), rows_of(server)))
        assert report.duplicates == 8 * BATCH - 700
        server.script("DROP TABLE Thing")
    assert found[0] == found[1]
    nothing_left(server)


@pytest.mark.parametrize("exists", [False, True])
def test_a_repeated_key_is_an_error_where_it_is_asked_for(live: tuple[Live, str], exists: bool) -> None:
    server, url = live
    if exists:
        arrowsync.sync_table([(-1, "old")], Thing, url)
    refusing: list[dict[str, Any]] = [{"dedup": "error"}, {"mode": "insert"}]
    for options in refusing:
        with pytest.raises(ConstraintViolated) as caught:
            arrowsync.sync_table(things(keys=3 * BATCH), Thing, url, parallel=3, **options)
        assert caught.value.kind == "unique"
        assert tables(server, "Thing") == ["Thing"] * exists
        nothing_left(server)


def test_a_table_without_a_key_is_appended_to_and_replaced(live: tuple[Live, str]) -> None:
    server, url = live
    steps: list[tuple[Any, int]] = [("insert", 3_000), ("insert", 6_000), ("replace", 3_000)]
    for mode, rows in steps:
        data = [(n, f"text {n}") for n in range(3_000)]
        assert arrowsync.sync_table(data, Line, url, mode=mode, parallel=2).inserted == 3_000
        assert server.query("SELECT count(*) AS n FROM Line")[0]["n"] == rows
    nothing_left(server)


def test_a_table_with_unique_columns_is_formed_and_altered_as_ever(live: tuple[Live, str]) -> None:
    server, url = live
    former = make_dataclass("t", [("id", PrimaryKey[int]), ("code", Unique[Annotated[str, MaxLength(9)]])])
    later = make_dataclass(
        "t", [("id", PrimaryKey[int]), ("code", Unique[Annotated[str, MaxLength(20)]]), ("more", int | None)]
    )
    arrowsync.sync_table([(n, f"c{n}") for n in range(5_000)], former, url, parallel=2)
    report = arrowsync.sync_table([(n, f"c{n}", n) for n in range(6_000)], later, url, parallel=2)
    assert (report.updated, report.inserted) == (5_000, 1_000)
    assert report.changes
    assert server.query("SELECT count(DISTINCT code) AS n, sum(more) AS s FROM t") == [{"n": 6_000, "s": 17_997_000}]
    nothing_left(server)


def test_bad_rows_are_set_aside_and_numbered_as_ever(live: tuple[Live, str]) -> None:
    server, url = live
    data = [(n, "x" if n != 7_777 else "y" * 30) for n in range(10_000)]
    short = make_dataclass("t", [("id", PrimaryKey[int]), ("name", Annotated[str, MaxLength(9)])])
    report = arrowsync.sync_table(data, short, url, parallel=2, on_error="reject")
    assert report.rejects is not None
    assert (report.inserted, report.rejects.column("row").to_pylist()) == (9_999, [7_777])
    nothing_left(server)


def test_it_is_refused_where_other_connections_would_not_be_like_this_one(live: tuple[Live, str]) -> None:
    _, url = live
    with arrowsync.connect(url) as conn:
        with conn.transaction(), pytest.raises(DeclarationError, match="you have begun a transaction"):
            arrowsync.sync_table([(1, "a")], Line, conn, parallel=2)
        conn.execute("SET autocommit = 0")
        with pytest.raises(DeclarationError, match="you have begun a transaction"):
            arrowsync.sync_table([(1, "a")], Line, conn, parallel=2)

    async def with_native() -> None:
        async with their_own(url, local_infile=True) as native:
            with pytest.raises(DeclarationError, match="the connection is one of yours"):
                await aio.sync_table([(1, "a")], Line, native, parallel=2)

    asyncio.run(with_native())


def test_the_database_that_is_used_holds_for_all_connections(live: tuple[Live, str]) -> None:
    server, url = live
    other = f"{server.query('SELECT DATABASE() AS name')[0]['name']}_other"
    server.query(f"CREATE DATABASE {other}")
    try:
        with arrowsync.connect(url) as conn:
            conn.execute(f"USE {other}")
            assert arrowsync.sync_table(things(), Thing, conn, mode="insert", parallel=3).inserted == 8 * BATCH
            assert arrowsync.sync_table(things(), Thing, conn, parallel=3).unchanged == 8 * BATCH
        assert server.query(f"SELECT count(*) AS n FROM {other}.Thing")[0]["n"] == 8 * BATCH
        assert tables(server, "%") == []
    finally:
        server.query(f"DROP DATABASE {other}")


# ---- failures


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("mode", ["insert", "upsert"])
def test_a_source_that_raises(live: tuple[Live, str], exists: bool, mode: Any) -> None:
    server, url = live

    def broken() -> Iterator[tuple[int, str]]:
        yield from ((n, "x") for n in range(1, 200_000))
        raise KeyError("the source is broken")

    if exists:
        arrowsync.sync_table([(0, "old")], Thing, url)
    with pytest.raises(KeyError, match="the source is broken"):
        arrowsync.sync_table(broken(), Thing, url, mode=mode, parallel=3)
    assert (rows_of(server) if exists else tables(server, "Thing")) == ([{"id": 0, "name": "old"}] if exists else [])
    nothing_left(server)
    assert arrowsync.sync_table(things(), Thing, url, parallel=3).rows_read == 8 * BATCH


def test_a_value_that_fits_nowhere_is_named_by_its_row_in_the_data(live: tuple[Live, str]) -> None:
    server, url = live
    numbers = make_dataclass("t", [("x", float)])
    data = pa.table({"x": pa.array([float("nan") if n == 150_007 else 1.0 for n in range(200_000)])})
    with pytest.raises(ConversionError) as caught:
        arrowsync.sync_table(data, numbers, url, parallel=2)
    assert (caught.value.column, caught.value.rows) == ("x", (150_007,))
    nothing_left(server)


def test_a_row_that_breaks_a_check_changes_nothing(live: tuple[Live, str]) -> None:
    server, url = live
    condition = {"__constraints__": (Check("{id} <> 150123"),)}
    checked = make_dataclass("t", [("id", int)], namespace=condition)
    with pytest.raises(ConstraintViolated) as caught:
        arrowsync.sync_table(pa.table({"id": pa.array(range(200_000), pa.int64())}), checked, url, parallel=2)
    assert caught.value.kind == "check"
    assert tables(server, "%") == []
    nothing_left(server)


LOADING = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE 'LOAD DATA%%'"


async def loading(server: Live, number: int) -> list[int]:
    """The connections that load, when there are as many."""
    async with asyncio.timeout(20):
        while len(found := server.query(LOADING)) < number:  # noqa: ASYNC110 - it is the server's to change
            await asyncio.sleep(0.02)
    return [row["id"] for row in found]


@pytest.mark.parametrize("whose", ["of the connection", "of another one"])
@pytest.mark.parametrize("exists", [False, True])
def test_a_connection_is_killed_in_the_middle(live: tuple[Live, str], whose: str, exists: bool) -> None:
    server, url = live

    async def run() -> None:
        if exists:
            await aio.sync_table([(0, "old")], Thing, url)
        async with aio.connect(url) as conn:
            own = (await conn.fetch("SELECT CONNECTION_ID() AS id")).to_pylist()[0]["id"]
            data = things(1_000, pause=0.01)
            task = asyncio.create_task(aio.sync_table(data, Thing, conn, mode="insert", parallel=3))
            ids = await loading(server, 3)
            victim = own if whose == "of the connection" else next(each for each in ids if each != own)
            server.query(f"KILL CONNECTION {victim}")
            with pytest.raises(ConnectionLost):
                await asyncio.wait_for(task, 30)
        nothing_left(server)
        assert tables(server, "%") == ["Thing"] * exists
        assert not exists or rows_of(server) == [{"id": 0, "name": "old"}]

    asyncio.run(run())


@pytest.mark.parametrize("exists", [False, True])
def test_cancelled_in_the_middle(live: tuple[Live, str], exists: bool) -> None:
    server, url = live

    async def run() -> None:
        if exists:
            await aio.sync_table([(0, "old")], Thing, url)
        async with aio.connect(url) as conn:
            data = things(1_000, pause=0.01)
            task = asyncio.create_task(aio.sync_table(data, Thing, conn, mode="insert", parallel=3))
            await loading(server, 3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 30)
            assert tables(server, "%") == ["Thing"] * exists
            assert (await aio.sync_table(things(2), Thing, conn, parallel=2)).rows_read == 2 * BATCH
        nothing_left(server)

    asyncio.run(run())


KILLED = """
import sys
sys.path[:] = sys.argv[2:]
import arrowsync
from contract.mysql.test_parallel import Thing, things
arrowsync.sync_table(things(1_000, pause=0.01), Thing, sys.argv[1], mode="insert", parallel=2)
"""


@pytest.mark.parametrize("exists", [False, True])
def test_what_a_killed_process_left_is_dropped_by_the_next_sync(live: tuple[Live, str], exists: bool) -> None:
    """And what belongs to one that is alive is not."""
    server, url = live

    async def run() -> None:
        if exists:
            await aio.sync_table([(0, "old")], Thing, url)
        child = subprocess.Popen([sys.executable, "-c", KILLED, url, *sys.path])  # noqa: ASYNC220
        try:
            await loading(server, 2)
            assert (await aio.sync_table([(1, "alive")], Line, url, mode="insert", parallel=2)).inserted == 1
            assert len(tables(server, "arrowsync%")) == 1
            child.send_signal(signal.SIGKILL)
        finally:
            child.kill()
            child.wait()
        async with asyncio.timeout(20):
            while server.query(LOADING):  # noqa: ASYNC110 - it is the server's to change
                await asyncio.sleep(0.02)
        assert len(tables(server, "arrowsync%")) == 1
        assert (await aio.sync_table([(2, "next")], Line, url, mode="insert", parallel=2)).inserted == 1
        nothing_left(server)
        assert not exists or rows_of(server) == [{"id": 0, "name": "old"}]

    asyncio.run(run())


def test_somebody_else_creates_or_alters_the_table_meanwhile(live: tuple[Live, str]) -> None:
    server, url = live

    async def run(change: str) -> None:
        data = things(60, pause=0.03)
        task = asyncio.create_task(aio.sync_table(data, Thing, url, mode="insert", parallel=2))
        await loading(server, 2)
        server.script(change)
        with pytest.raises(DatabaseError):
            await asyncio.wait_for(task, 30)
        nothing_left(server)
        assert server.query("SELECT count(*) AS n FROM Thing")[0]["n"] == 0

    asyncio.run(run("CREATE TABLE Thing (id bigint PRIMARY KEY, name mediumtext NOT NULL)"))
    asyncio.run(run("ALTER TABLE Thing ADD more int"))
