"""Whatever happens during a sync to MySQL or MariaDB: others see the old rows, nothing is left behind, the next sync works."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from contract.items import Item, item
from contract.mysql.mysql_live import Live, Row, connected, left_behind
from servers.mysqlkind import MySqlServer

import arrowsync
from arrowsync import ConnectionLost, DatabaseError, aio

URLS = {"mysql": "mysql_url", "mariadb": "mariadb_url"}
OLD = [item(n, "old") for n in range(100)]
NEW = [item(n, "new") for n in range(50, 150)]
MERGING = "info LIKE 'UPDATE%' OR info LIKE 'DELETE%' OR info LIKE 'INSERT INTO%SELECT%'"


@dataclass(frozen=True)
class Bench:
    """A database in which the table has old rows or isn't there, and a connection that looks on."""

    url: str
    server: Live
    exists: bool

    def rows(self) -> list[Row]:
        """What others see."""
        if not self.server.query("SHOW TABLES LIKE 'Item'"):
            return []
        return self.server.query("SELECT id, name FROM Item ORDER BY id")

    def others(self, condition: str = "TRUE") -> list[Row]:
        """The other connections to this database that meet a condition."""
        return self.server.query(
            "SELECT id, command, info FROM information_schema.processlist "
            f"WHERE id <> connection_id() AND db = database() AND ({condition})"
        )

    def kill(self, how: str, number: int) -> None:
        self.server.query(f"KILL {how} {number}")

    def unchanged(self) -> None:
        """The old rows, and nothing of ours: no tables, no locks, nothing that runs."""
        expected = [{"id": n, "name": "old"} for n in range(100)] if self.exists else []
        assert self.rows() == expected
        until(lambda: not self.others("command <> 'Sleep'"))
        until(lambda: not self.open_transactions())
        tables = [{"Item"}] if self.exists else []
        assert [set(row.values()) for row in self.server.query("SHOW TABLES")] == tables
        assert left_behind(self.server) == []

    def open_transactions(self) -> list[Row]:
        return self.server.query("SELECT * FROM information_schema.innodb_trx WHERE trx_rows_modified > 0")

    def next_sync_works(self, conn: Any = None) -> None:
        report = arrowsync.sync_table(NEW, Item, conn or self.url)
        assert (report.inserted, report.updated) == ((50, 50) if self.exists else (100, 0))
        assert left_behind(self.server) == []


@pytest.fixture(params=URLS)
def product(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=["exists", "is created"])
def bench(request: pytest.FixtureRequest, product: str) -> Iterator[Bench]:
    url = request.getfixturevalue(URLS[product])
    with connected(product, url) as server:
        exists = request.param == "exists"
        if exists:
            arrowsync.sync_table(OLD, Item, url)
        yield Bench(url, server, exists)


@pytest.fixture
def filled(product: str, request: pytest.FixtureRequest) -> Iterator[Bench]:
    url = request.getfixturevalue(URLS[product])
    with connected(product, url) as server:
        arrowsync.sync_table(OLD, Item, url)
        yield Bench(url, server, exists=True)


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


def number_of(conn: arrowsync.Connection) -> int:
    found: int = conn.fetch("SELECT connection_id() AS id").column("id")[0].as_py()
    return found


def new_rows(at: int, act: Callable[[], object], count: int = 60_000) -> Iterator[Any]:
    """Rows, and something that happens when so many of them are on their way."""
    for n in range(50, count):
        if n == at:
            act()
        yield item(n, "new")


@contextmanager
def row_locked(bench: Bench, product: str) -> Iterator[None]:
    """Somebody else holds a row that the merge has to write."""
    with connected(product, bench.url) as other:
        other.query("BEGIN")
        other.query("SELECT * FROM Item WHERE id = 75 FOR UPDATE")
        yield
        other.query("ROLLBACK")


# ---- during the load


@pytest.mark.parametrize("how", ["CONNECTION", "QUERY"])
def test_killed_during_the_load(bench: Bench, how: str) -> None:
    with arrowsync.connect(bench.url) as conn:
        number = number_of(conn)
        with pytest.raises(DatabaseError) as caught:
            arrowsync.sync_table(new_rows(40_000, lambda: bench.kill(how, number)), Item, conn)
        if how == "CONNECTION":
            assert isinstance(caught.value, ConnectionLost)
            assert caught.value.transient
            until(lambda: not bench.others())
        else:
            assert caught.value.code == "1317"
        bench.unchanged()
        bench.next_sync_works(conn if how == "QUERY" else None)


@pytest.mark.parametrize("mode", ["insert", "upsert", "replace", "mirror"])
def test_a_source_that_raises_in_batch_5(bench: Bench, mode: Any) -> None:
    taken = 0
    rows = arrowsync.open_source([item(n) for n in range(1000)], Item).read_all()

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal taken
        for _ in range(10):
            taken += 1
            if taken == 5:
                raise KeyError("the source is broken")
            yield from rows.to_batches()

    with arrowsync.connect(bench.url) as conn:
        with pytest.raises(KeyError, match="broken"):
            arrowsync.sync_table(pa.RecordBatchReader.from_batches(rows.schema, batches()), Item, conn, mode=mode)
        assert taken == 5
        bench.unchanged()
        bench.next_sync_works(conn)


def test_the_server_restarts_during_the_load(product: str, request: pytest.FixtureRequest) -> None:
    private: MySqlServer = request.getfixturevalue(f"private_{product}")
    url = private.create_database()
    arrowsync.sync_table(OLD, Item, url)
    with arrowsync.connect(url) as conn, pytest.raises(ConnectionLost):
        arrowsync.sync_table(new_rows(40_000, private.restart), Item, conn)
    with connected(product, url) as server:
        bench = Bench(url, server, exists=True)
        bench.unchanged()
        bench.next_sync_works()


# ---- during the merge


@pytest.mark.parametrize("how", ["CONNECTION", "QUERY"])
@pytest.mark.parametrize("mode", ["upsert", "mirror"])
def test_killed_during_the_merge(filled: Bench, product: str, how: str, mode: Any) -> None:
    with arrowsync.connect(filled.url) as conn, ThreadPoolExecutor(1) as pool:
        number = number_of(conn)
        with row_locked(filled, product):
            sync = pool.submit(arrowsync.sync_table, NEW, Item, conn, mode=mode)
            until(lambda: filled.others(f"id = {number} AND ({MERGING})"))
            filled.kill(how, number)
            with pytest.raises(DatabaseError) as caught:
                sync.result(timeout=20)
        assert isinstance(caught.value, ConnectionLost) == (how == "CONNECTION")
        if how == "CONNECTION":
            until(lambda: not filled.others())
        filled.unchanged()
        if how == "QUERY":
            filled.next_sync_works(conn)
    if how == "CONNECTION":
        filled.next_sync_works()


def test_a_lock_that_is_waited_for_in_vain(filled: Bench, product: str) -> None:
    """The server rolls back one statement only: the rest is ours to roll back."""
    with arrowsync.connect(filled.url) as conn:
        conn.execute("SET SESSION innodb_lock_wait_timeout = 1")
        with row_locked(filled, product), pytest.raises(DatabaseError) as caught:
            arrowsync.sync_table(NEW, Item, conn, mode="mirror")
        assert (caught.value.code, caught.value.transient) == ("1205", True)
        filled.unchanged()
        filled.next_sync_works(conn)


def test_a_statement_timeout(mariadb_url: str) -> None:
    """MySQL has none for what isn't a SELECT."""
    with connected("mariadb", mariadb_url) as server, arrowsync.connect(mariadb_url) as conn:
        bench = Bench(mariadb_url, server, exists=False)
        conn.execute("SET SESSION max_statement_time = 0.3")
        with pytest.raises(DatabaseError, match="max_statement_time") as caught:
            arrowsync.sync_table(new_rows(40_000, lambda: time.sleep(0.6)), Item, conn)
        assert caught.value.code == "1969"
        bench.unchanged()
        conn.execute("SET SESSION max_statement_time = 0")
        bench.next_sync_works(conn)


MERGER = """
import sys
sys.path.insert(0, {tests!r})
import arrowsync
from contract.mysql.test_faults import NEW, Item
arrowsync.sync_table(NEW, Item, {url!r}, mode="mirror")
"""


def test_a_client_that_is_killed_during_the_merge(filled: Bench, product: str, tmp_path: Path) -> None:
    script = tmp_path / "merger.py"
    script.write_text(MERGER.format(tests=str(Path(__file__).parents[2]), url=filled.url))
    with row_locked(filled, product):
        client = subprocess.Popen([sys.executable, script], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: filled.others(MERGING))
        client.kill()
        client.wait()
    until(lambda: not filled.others())
    filled.unchanged()
    filled.next_sync_works()


# ---- cancelled


def cancelled_at_every_await(bench: Bench) -> None:
    """After so many turns of the event loop, until a sync gets through; a commit that has begun is waited for."""

    async def run() -> int:
        turns = attempts = 0
        async with await aio.connect(bench.url) as conn:
            while True:
                task = asyncio.create_task(aio.sync_table(NEW, Item, conn))
                for _ in range(turns):
                    if task.done():
                        break
                    await asyncio.sleep(0)
                if task.done():
                    await task
                    return attempts
                task.cancel()
                try:
                    await task
                except asyncio.CancelledError:
                    attempts += 1
                if any(row["name"] == "new" for row in bench.rows()):
                    return attempts  # it was committing
                bench.unchanged()
                turns += 1 + turns // 6

    assert asyncio.run(run()) > 15
    assert {row["name"] for row in bench.rows() if row["id"] >= 50} == {"new"}
    assert left_behind(bench.server) == []
    assert arrowsync.sync_table(NEW, Item, bench.url).unchanged == 100


def test_cancelled_at_every_await(bench: Bench) -> None:
    cancelled_at_every_await(bench)


def test_cancelled_at_every_await_while_the_table_is_altered(filled: Bench) -> None:
    filled.server.query("ALTER TABLE Item MODIFY name varchar(10) NOT NULL")
    cancelled_at_every_await(filled)


def test_cancelled_during_the_merge(filled: Bench, product: str) -> None:
    async def run() -> None:
        async with await aio.connect(filled.url) as conn:
            with row_locked(filled, product):
                task = asyncio.create_task(aio.sync_table(NEW, Item, conn))
                while not filled.others(MERGING):  # noqa: ASYNC110 - it is the server's to change
                    await asyncio.sleep(0.01)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    async with asyncio.timeout(20):
                        await task
                filled.unchanged()
            assert (await aio.sync_table(NEW, Item, conn)).updated == 50

    asyncio.run(run())


# ---- who reads meanwhile


@pytest.mark.parametrize("mode", ["upsert", "replace", "mirror"])
def test_readers_see_the_old_rows_or_the_new_ones(filled: Bench, product: str, mode: Any) -> None:
    seen: set[tuple[int, str, str]] = set()
    stop = threading.Event()
    names = ["old", "new 1", "new 2", "new 3"]

    def read() -> None:
        with connected(product, filled.url) as reader:
            while not stop.is_set():
                (row,) = reader.query("SELECT count(*) AS n, min(name) AS a, max(name) AS b FROM Item")
                seen.add((row["n"], row["a"], row["b"]))

    with ThreadPoolExecutor(1) as pool, arrowsync.connect(filled.url) as conn:
        reading = pool.submit(read)
        try:
            for name in names[1:]:
                arrowsync.sync_table([item(n, name) for n in range(100)], Item, conn, mode=mode)
                until(partial(lambda row: row in seen or reading.done(), (100, name, name)))
        finally:
            stop.set()
        reading.result()
    assert seen == {(100, name, name) for name in names}


def test_readers_of_a_table_without_key_see_the_old_rows_or_the_new_ones(product: str, request: Any) -> None:
    url = request.getfixturevalue(URLS[product])
    stop = threading.Event()
    with connected(product, url) as server:
        server.query("CREATE TABLE plain (x int)")
        arrowsync.sync_table([{"x": 1}] * 1000, "plain", url)
        seen: set[tuple[Any, ...]] = set()

        def read() -> None:
            while not stop.is_set():
                seen.update(tuple(row.values()) for row in server.query("SELECT count(*), min(x), max(x) FROM plain"))

        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(read)
            try:
                for x in range(2, 6):
                    arrowsync.sync_table([{"x": x}] * (1000 * x), "plain", url, mode="replace")
            finally:
                stop.set()
            reading.result()
    assert seen <= {(1000 * x, x, x) for x in range(1, 6)}
