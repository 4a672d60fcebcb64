"""Loads over the user's own ADBC connection, when things go wrong: nothing is left behind, and the connection works on."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from adbc_driver_postgresql import dbapi
from servers.postgres import PostgresServer

import arrowsync
from arrowsync import ConnectionLost, ConstraintViolated, ConversionError, DatabaseError, aio

ROWS = 20_000
SCHEMA = pa.schema([("id", pa.int64()), ("note", pa.string())])
MODES = ["insert", "upsert", "replace", "mirror"]
BARE_COPY = "state = 'active' AND query LIKE 'COPY%' AND pid <> pg_backend_pid()"
LOCKS = "SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND pid <> pg_backend_pid()"


def batch(number: int, rows: int = ROWS, text: str = "some text that takes room on the wire") -> pa.RecordBatch:
    ids = pa.array(range(number * rows, (number + 1) * rows), pa.int64())
    return pa.record_batch([ids, pa.array([text] * rows)], schema=SCHEMA)


def source(at_fifth: Callable[[], object], batches: int = 8) -> pa.RecordBatchReader:
    """Batches of new rows, and something that happens before the fifth."""

    def made() -> Iterator[pa.RecordBatch]:
        for number in range(1, 1 + batches):
            if number == 5:
                at_fifth()
            yield batch(number)

    return pa.RecordBatchReader.from_batches(SCHEMA, made())


def raises(error: BaseException) -> Callable[[], object]:
    def act() -> object:
        raise error

    return act


class Bench:
    """A table `t` with ten old rows, the user's connection, and a second one to look on."""

    def __init__(self, url: str, autocommit: bool) -> None:
        self.url = url
        self.conn = dbapi.connect(url, autocommit=autocommit)
        self.observer = dbapi.connect(url, autocommit=True)
        self.run("CREATE TABLE t (id bigint PRIMARY KEY CHECK (id <> 110000), note text)")
        self.run("INSERT INTO t SELECT n, 'old' FROM generate_series(1, 10) AS n")
        self.pid = self.ask("SELECT pg_backend_pid()", self.conn)
        if not autocommit:
            self.conn.commit()

    def run(self, text: str) -> None:
        with self.observer.cursor() as cursor:
            cursor.execute(text)

    def ask(self, query: str, conn: dbapi.Connection | None = None) -> Any:
        with (conn or self.observer).cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()[0][0]

    def lock(self, mode: str) -> None:
        """Hold the table, until a ROLLBACK."""
        self.run("BEGIN")
        self.run(f"LOCK TABLE t IN {mode} MODE")

    def sync(self, data: Any, **options: Any) -> arrowsync.SyncReport:
        return arrowsync.sync_table(data, "t", self.conn, **options)

    def nothing_is_left(self, *, alive: bool = True) -> None:
        """The old rows, no table or type of ours, no lock, no open COPY; and the next sync works."""
        # A backend that was terminated takes a moment, and so does autovacuum, which locks the table too.
        for query in (f"SELECT count(*) FROM pg_stat_activity WHERE {BARE_COPY}", LOCKS):
            deadline = time.monotonic() + 60
            while (left := self.ask(query)) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert left == 0
        assert self.ask("SELECT string_agg(id || note, ' ' ORDER BY id) FROM t").startswith("1old 2old 3old")
        assert self.ask("SELECT count(*) FROM t") == 10
        assert self.ask("SELECT count(*) FROM pg_class WHERE relname LIKE 'arrowsync%'") == 0
        if alive:
            assert self.ask(f"SELECT state FROM pg_stat_activity WHERE pid = {self.pid}") == "idle"
            assert self.sync(batch(50, 10)).inserted == 10
        else:
            with dbapi.connect(self.url) as another:
                assert arrowsync.sync_table(batch(50, 10), "t", another).inserted == 10
        assert self.ask("SELECT count(*) FROM t") == 20

    def close(self) -> None:
        self.conn.close()
        self.observer.close()


BENCHES = {"autocommit off": ("postgres_url", False), "autocommit on, PostgreSQL 18": ("postgres18_url", True)}


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    server, autocommit = BENCHES[request.param]
    made = Bench(request.getfixturevalue(server), autocommit)
    yield made
    made.close()


@pytest.mark.parametrize("mode", MODES)
def test_a_source_that_raises_in_batch_five(bench: Bench, mode: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        bench.sync(source(raises(ZeroDivisionError())), mode=mode)
    bench.nothing_is_left()


@pytest.mark.parametrize("mode", MODES)
def test_a_value_that_the_server_refuses_in_batch_five(bench: Bench, mode: Any) -> None:
    """A CHECK of the table's; straight into it, the error names the row."""
    with pytest.raises(ConstraintViolated) as caught:
        bench.sync(source(lambda: None), mode=mode)
    assert (caught.value.kind, caught.value.table) == ("check", "t")
    if mode == "insert":
        assert "row 90000 of the load" in caught.value.message
        assert caught.value.row == 90_000
    bench.nothing_is_left()


def test_a_value_that_the_server_refuses_stops_a_long_load(bench: Bench) -> None:
    """The driver hears of it only when a COPY is over, so a load is several: the source isn't read to its end."""
    taken = 0

    def endless() -> Iterator[pa.RecordBatch]:
        nonlocal taken
        for number in range(5, 500):
            taken += 1
            yield batch(number, text="a long text " * 40)

    with pytest.raises(ConstraintViolated):
        bench.sync(pa.RecordBatchReader.from_batches(SCHEMA, endless()), mode="insert")
    assert taken < 20
    bench.nothing_is_left()


def test_rows_are_counted_over_several_copies(bench: Bench) -> None:
    wide = [batch(number, text="a long text " * 40) for number in (20, 21, 22, 23, 24, 25, 26, 27, 28)]
    report = bench.sync(pa.Table.from_batches(wide), mode="insert")
    assert report.inserted == 9 * ROWS
    assert report.bytes_sent > 64 << 20  # more than one COPY takes
    bench.run("DELETE FROM t WHERE id > 10")
    last = pa.table({"id": pa.array([30 * ROWS, 110_000], pa.int64()), "note": ["x", "y"]})
    with pytest.raises(ConstraintViolated, match=f"row {9 * ROWS + 1:d} of the load"):
        bench.sync(pa.concat_tables([pa.Table.from_batches(wide), last]), mode="insert")
    bench.nothing_is_left()


def test_a_value_that_can_not_be_converted_in_batch_five(bench: Bench) -> None:
    def rows() -> Iterator[tuple[Any, str]]:
        yield from ((n, "x") for n in range(100, 100_000))
        yield "many", "x"

    with pytest.raises(ConversionError, match="id"):
        arrowsync.sync_table(({"id": n, "note": text} for n, text in rows()), "t", bench.conn)
    bench.nothing_is_left()


@pytest.mark.parametrize("mode", ["insert", "upsert"])
def test_a_connection_that_is_cut_while_rows_are_sent(bench: Bench, mode: Any) -> None:
    with pytest.raises(ConnectionLost) as caught:
        bench.sync(source(lambda: bench.run(f"SELECT pg_terminate_backend({bench.pid})")), mode=mode)
    assert caught.value.transient
    with pytest.raises(ConnectionLost):
        bench.sync(batch(60, 10))
    bench.nothing_is_left(alive=False)


@pytest.mark.parametrize("when", ["in the source", "on the server"])
def test_ctrl_c(bench: Bench, when: str) -> None:
    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    def interrupt_and_go_on() -> None:
        interrupt()
        time.sleep(0.5)

    if when == "in the source":
        with pytest.raises(KeyboardInterrupt):
            bench.sync(source(interrupt_and_go_on))
    else:
        bench.lock("EXCLUSIVE")
        timer = threading.Timer(1.0, interrupt)
        timer.start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            bench.sync(batch(1, 10), mode="insert")
        assert time.monotonic() - began < 10
        timer.join()
        bench.run("ROLLBACK")
    bench.nothing_is_left()


@pytest.mark.parametrize("after", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4])
@pytest.mark.parametrize("mode", ["insert", "mirror"])
def test_a_cancelled_task(bench: Bench, after: float, mode: Any) -> None:
    async def main() -> None:
        slow = source(lambda: time.sleep(0.2), 20)
        task = asyncio.create_task(aio.sync_table(slow, "t", bench.conn, mode=mode))
        await asyncio.sleep(after)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    bench.run("ALTER TABLE t DROP CONSTRAINT t_id_check")
    asyncio.run(main())
    bench.nothing_is_left()


def test_statement_timeout_in_the_middle_of_a_copy(bench: Bench) -> None:
    with bench.conn.cursor() as cursor:
        cursor.execute("SET statement_timeout = '500ms'")
    if bench.conn.adbc_connection.get_option("adbc.connection.autocommit") == "false":
        bench.conn.commit()
    with pytest.raises(DatabaseError, match="statement timeout") as caught:
        bench.sync(source(lambda: time.sleep(1.0)))
    assert caught.value.code == "57014"
    bench.nothing_is_left()


def test_a_server_that_restarts(private_postgres: PostgresServer) -> None:
    url = private_postgres.create_database("restarted")
    bench = Bench(url, autocommit=False)
    bench.run("CHECKPOINT")  # the server commits before it has written
    with pytest.raises(ConnectionLost):
        bench.sync(source(private_postgres.restart))
    bench.observer.close()
    bench.observer = dbapi.connect(url, autocommit=True)
    bench.nothing_is_left(alive=False)
    bench.close()


def test_a_lock_timeout_is_transient(bench: Bench) -> None:
    bench.lock("ACCESS EXCLUSIVE")
    with bench.conn.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    if bench.conn.adbc_connection.get_option("adbc.connection.autocommit") == "false":
        bench.conn.commit()
    with pytest.raises(DatabaseError) as caught:
        bench.sync(batch(1, 10), mode="insert")
    assert (caught.value.code, caught.value.transient) == ("55P03", True)
    bench.run("ROLLBACK")
    bench.nothing_is_left()
