"""COPY through asyncpg, when things go wrong: nothing is left behind, the original error comes out, the connection works."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pyarrow as pa
import pytest

from arrowsync.catalog import Column, ObjectName, SqlType
from arrowsync.dialects import open_session
from arrowsync.dialects.contract import LoadTarget, Session
from arrowsync.errors import ConnectionLost, ConstraintViolated, ConversionError, DatabaseError
from arrowsync.sql import trusted

SCHEMA = pa.schema([("id", pa.int64()), ("note", pa.string())])
COLUMNS = (Column("id", SqlType("bigint")), Column("note", SqlType("text")))
TARGET = LoadTarget(ObjectName(None, "t"), COLUMNS, SCHEMA)
ROWS = 50_000


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


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[tuple[Session, asyncpg.Connection[Any]]]:
    """A session with an empty table `t (id primary key, note)`, and a second connection to look on."""
    observer = await asyncpg.connect(url)
    session = await open_session(url)
    try:
        await session.execute(trusted("CREATE TABLE t (id bigint PRIMARY KEY, note text)"))
        yield session, observer
    finally:
        await session.close()
        await observer.close()


async def load(session: Session, batches: Iterator[pa.RecordBatch], target: LoadTarget = TARGET) -> None:
    async with session.transaction():
        await session.load(target, batches)


async def nothing_left(session: Session, observer: asyncpg.Connection[Any], rows: int = 0) -> None:
    """The old rows, no lock, no open COPY, no table of ours; and the next load on the same session works."""
    assert await observer.fetchval("SELECT count(*) FROM t") == rows
    # Autovacuum may have a lock for a moment.
    locks = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE relation = 't'::regclass"
    assert await observer.fetchval(f"{locks} AND backend_type = 'client backend'") == 0
    assert await observer.fetch("SELECT relname FROM pg_class WHERE relname LIKE 'arrowsync%'") == []
    states = await observer.fetch(
        "SELECT state FROM pg_stat_activity WHERE application_name = 'arrowsync' AND datname = current_database()"
    )
    assert [row["state"] for row in states] == ["idle"]
    async with asyncio.timeout(20), session.transaction():
        assert (await session.load(TARGET, iter([batch(9, 10)]))).rows == 10
    assert await observer.fetchval("SELECT count(*) FROM t") == rows + 10


def test_load_streams_any_batch_sizes(postgres_url: str) -> None:
    batches = [batch(0, 3), batch(0, 0), batch(1, 100_000), batch(300, 1_000).slice(300, 400)]

    async def run() -> None:
        async with opened(postgres_url) as (session, observer):
            result = await session.load(TARGET, iter(batches))
            assert result.rows == 100_403
            assert result.bytes > 100_403 * 50
            ids = await observer.fetchrow("SELECT count(*) AS n, min(id) AS first, max(id) AS last FROM t")
            assert ids is not None
            assert tuple(ids) == (100_403, 0, 300_699)
            assert (await session.load(TARGET, iter([]))).rows == 0

    asyncio.run(run())


@pytest.mark.parametrize("transaction", [True, False])
def test_a_source_that_raises_in_batch_5(postgres_url: str, transaction: bool) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        for number in range(4):
            yield batch(number)
        raise KeyError("the source is broken")

    async def run() -> None:
        async with opened(postgres_url) as (session, observer):
            source = Source(broken())
            with pytest.raises(KeyError, match="the source is broken"):
                await (load(session, source) if transaction else session.load(TARGET, source))
            assert source.closed
            await nothing_left(session, observer)

    asyncio.run(run())


def test_a_value_that_the_encoder_refuses_in_batch_5(postgres_url: str) -> None:
    schema = pa.schema([("id", pa.int64()), ("note", pa.int64())])
    target = LoadTarget(TARGET.name, (COLUMNS[0], Column("note", SqlType("smallint"))), schema)

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(5):
            note = pa.array([0] * 1_000 + [40_000 if number == 4 else 0])
            yield pa.record_batch([batch(number, 1_001).column(0), note], schema=schema)

    async def run() -> None:
        async with opened(postgres_url) as (session, observer):
            await session.execute(trusted("ALTER TABLE t ALTER note TYPE smallint USING 0"))
            with pytest.raises(ConversionError, match="smallint") as caught:
                await load(session, batches(), target)
            assert (caught.value.column, caught.value.rows) == ("note", (5_004,))
            await session.execute(trusted("ALTER TABLE t ALTER note TYPE text"))
            await nothing_left(session, observer)

    asyncio.run(run())


def test_a_row_that_the_server_refuses_ends_the_load_at_once(postgres_url: str) -> None:
    """The rest of the source, here an endless one, isn't read."""

    def endless() -> Iterator[pa.RecordBatch]:
        number = 0
        while True:
            yield batch(0 if number == 4 else number, 1_000)
            number += 1

    async def run() -> None:
        async with opened(postgres_url) as (session, observer):
            source = Source(endless())
            with pytest.raises(ConstraintViolated, match=r"Key \(id\)=\(0\) already exists") as caught:
                await asyncio.wait_for(load(session, source), 30)
            error = caught.value
            assert (error.kind, error.table, error.constraint, error.code) == ("unique", "t", "t_pkey", "23505")
            assert "row 4000 of the load" in error.message
            assert error.row == 4000
            assert error.statement == 'COPY "t" FROM STDIN'
            assert source.taken < 1_000
            assert source.closed
            await nothing_left(session, observer)

    asyncio.run(run())


def test_a_source_that_raises_after_the_server_gave_up(postgres_url: str) -> None:
    """The server's error came first, so it is the one; asyncpg alone would never return from the next statement."""

    def late() -> Iterator[pa.RecordBatch]:
        yield batch(0, 10_000)
        yield batch(0, 20_000)
        time.sleep(1)
        raise KeyError("too late")

    async def run() -> None:
        async with opened(postgres_url) as (session, observer):
            with pytest.raises(ConstraintViolated):
                await load(session, late())
            await nothing_left(session, observer)

    asyncio.run(run())


def test_a_value_that_the_server_refuses_names_row_and_column(postgres_url: str) -> None:
    schema = pa.schema([("id", pa.int64()), ("note", pa.json_())])
    target = LoadTarget(TARGET.name, (COLUMNS[0], Column("note", SqlType("jsonb"))), schema)
    notes = pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1}', "{"]))

    async def run() -> None:
        async with opened(postgres_url) as (session, _):
            await session.execute(trusted("ALTER TABLE t ALTER note TYPE jsonb USING note::jsonb"))
            with pytest.raises(ConversionError, match="invalid input syntax for type json") as caught:
                await session.load(target, iter([pa.record_batch([pa.array([1, 2]), notes], schema=schema)]))
            assert (caught.value.column, caught.value.rows) == ("note", (1,))

    asyncio.run(run())


def slow_batches() -> Iterator[pa.RecordBatch]:
    number = 0
    while True:
        yield batch(number, 20_000)
        number += 1
        time.sleep(0.01)


@pytest.mark.parametrize("after", [0.0, 0.02, 0.2, 0.5])
def test_cancelled_in_the_middle(postgres_url: str, after: float) -> None:
    async def run() -> None:
        async with opened(postgres_url) as (session, observer):
            source = Source(slow_batches())

            task = asyncio.create_task(load(session, source))
            await asyncio.sleep(after)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 20)
            await nothing_left(session, observer)

    asyncio.run(run())


def test_cancelled_at_every_moment(postgres_url: str) -> None:
    """After any number of steps of the event loop, also when the server has just refused a row."""

    async def run() -> None:
        async with opened(postgres_url) as (session, observer):
            await session.load(TARGET, iter([batch(5, 1)]))
            for steps in range(0, 120, 3):
                task = asyncio.create_task(load(session, iter([batch(0, 30_000), batch(5, 1), batch(2, 30_000)])))
                for _ in range(steps):
                    await asyncio.sleep(0.0003)
                task.cancel()
                async with asyncio.timeout(20):
                    (outcome,) = await asyncio.gather(task, return_exceptions=True)
                assert isinstance(outcome, (asyncio.CancelledError, ConstraintViolated)), outcome
            await nothing_left(session, observer, rows=1)

    asyncio.run(run())


def test_the_backend_is_terminated_in_the_middle(postgres_url: str) -> None:
    """Also while asyncpg waits for the server to take more: alone, it would wait for ever."""

    async def run() -> None:
        async with opened(postgres_url) as (session, observer):
            await observer.execute(
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.2); RETURN new; END';"
                "CREATE TRIGGER slow BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION slow()"
            )

            task = asyncio.create_task(load(session, slow_batches()))
            await asyncio.sleep(1)
            await observer.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'arrowsync'"
            )
            with pytest.raises(ConnectionLost) as caught:
                await asyncio.wait_for(task, 10)
            assert caught.value.transient
            assert "127.0.0.1:" in caught.value.message
            assert await observer.fetchval("SELECT count(*) FROM t") == 0
            with pytest.raises(ConnectionLost):
                await session.execute(trusted("SELECT 1"))

    asyncio.run(run())


def test_statement_timeout_in_the_middle(postgres_url: str) -> None:
    async def run() -> None:
        async with opened(postgres_url) as (session, observer):
            await session.execute(trusted("SET statement_timeout = '300ms'"))
            with pytest.raises(DatabaseError, match="statement timeout") as caught:
                await load(session, slow_batches())
            assert caught.value.code == "57014"
            await session.execute(trusted("RESET statement_timeout"))
            await nothing_left(session, observer)

    asyncio.run(run())


def test_a_load_that_ends_before_its_first_row_names_none(postgres_url: str) -> None:
    def late() -> Iterator[pa.RecordBatch]:
        time.sleep(0.6)
        yield batch(0, 10)

    async def run() -> None:
        async with opened(postgres_url) as (session, observer):
            await session.execute(trusted("SET statement_timeout = '200ms'"))
            with pytest.raises(DatabaseError, match="statement timeout") as caught:
                await load(session, late())
            assert "row" not in caught.value.message
            await session.execute(trusted("RESET statement_timeout"))
            await nothing_left(session, observer)

    asyncio.run(run())


def test_session_cancel_stops_a_load(postgres_url: str) -> None:
    async def run() -> None:
        async with opened(postgres_url) as (session, observer):
            task = asyncio.create_task(load(session, slow_batches()))
            await asyncio.sleep(0.3)
            await session.cancel()
            with pytest.raises(DatabaseError) as caught:
                await task
            assert caught.value.code == "57014"
            await nothing_left(session, observer)

    asyncio.run(run())


def test_a_load_right_after_a_statement_that_was_cancelled(postgres_url: str) -> None:
    """The end of that statement is not taken for the end of the COPY."""

    async def run() -> None:
        async with opened(postgres_url) as (session, observer):
            for _ in range(5):
                task = asyncio.create_task(session.execute(trusted("SELECT pg_sleep(60)")))
                await asyncio.sleep(0.05)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                assert (await session.load(TARGET, iter([batch(0, 100_000)]))).rows == 100_000
                await session.execute(trusted("DELETE FROM t"))
            await nothing_left(session, observer)

    asyncio.run(run())


@pytest.mark.parametrize("rows", [0, 1, 30, 300_000])
@pytest.mark.parametrize("way", ["break", "raise", "cancel"])
def test_a_stream_that_is_left_early(postgres_url: str, rows: int, way: str) -> None:
    async def run() -> None:
        async with opened(postgres_url) as (session, observer):
            if rows:
                await session.load(TARGET, iter([batch(0, rows)]))

            async def read() -> None:
                async with session.stream(trusted("SELECT id, note FROM t"), COLUMNS) as batches:
                    async for _ in batches.batches:
                        if way == "raise":
                            raise KeyError("enough")
                        if way == "cancel":
                            await asyncio.sleep(60)
                        break
                    if way == "cancel":
                        await asyncio.sleep(60)

            task = asyncio.create_task(read())
            if way == "cancel":
                await asyncio.sleep(0.1)
                task.cancel()
            async with asyncio.timeout(20):
                (outcome,) = await asyncio.gather(task, return_exceptions=True)
            expected = {
                "break": type(None),
                "raise": KeyError if rows else type(None),
                "cancel": asyncio.CancelledError,
            }
            assert isinstance(outcome, expected[way])
            async with asyncio.timeout(20):
                assert (await session.fetch(trusted("SELECT count(*) AS n FROM t"))).to_pylist() == [{"n": rows}]
            await session.execute(trusted("DELETE FROM t"))
            await nothing_left(session, observer)

    asyncio.run(run())


def test_a_stream_is_read_no_faster_than_it_is_taken(postgres_url: str) -> None:
    async def run() -> None:
        async with opened(postgres_url) as (session, observer):
            await session.load(TARGET, (batch(number) for number in range(10)))
            async with session.stream(trusted("SELECT id, note FROM t"), COLUMNS) as batches:
                first = await anext(batches.batches)
                await asyncio.sleep(0.5)
                state = await observer.fetchval(
                    "SELECT state FROM pg_stat_activity WHERE application_name = 'arrowsync'"
                )
                assert state == "active"  # the server still has most of it
                rows = first.num_rows + sum([batch.num_rows async for batch in batches.batches])
            assert rows == 10 * ROWS

    asyncio.run(run())


async def read_all(session: Session, query: str) -> int:
    async with session.stream(trusted(query), COLUMNS) as batches:
        return sum([batch.num_rows async for batch in batches.batches])


def test_a_query_that_fails_while_it_is_streamed(postgres_url: str) -> None:
    async def run() -> None:
        async with opened(postgres_url) as (session, observer):
            await session.load(TARGET, iter([batch(0, 200_000)]))
            with pytest.raises(DatabaseError, match="division by zero") as caught:
                await read_all(session, "SELECT 1 / (199999 - id), note FROM t")
            assert caught.value.code == "22012"
            await session.execute(trusted("DELETE FROM t"))
            await nothing_left(session, observer)

    asyncio.run(run())
