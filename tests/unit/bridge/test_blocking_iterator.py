"""Async iterables as data: read as they are wanted, closed, and given up when the load is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pyarrow as pa
import pytest

import arrowsync
from arrowsync import PrimaryKey
from arrowsync.bridge.blocking_iterator import ITEMS


@dataclass
class Event:
    id: PrimaryKey[int]
    text: str


class Feed:
    """An async generator of rows that says how far it was read and whether it was closed."""

    def __init__(self, count: int, *, fails_at: int = -1, stops_at: int = -1) -> None:
        self.count, self.fails_at, self.stops_at = count, fails_at, stops_at
        self.given, self.closed = 0, False

    async def rows(self) -> AsyncGenerator[tuple[int, str]]:
        try:
            for number in range(self.count):
                if number == self.fails_at:
                    raise LookupError("the feed broke")
                if number == self.stops_at:
                    await asyncio.Event().wait()
                if number % 1000 == 0:
                    await asyncio.sleep(0)
                self.given += 1
                yield number, f"event {number}"
        finally:
            self.closed = True


@pytest.mark.parametrize("count", [0, 1, ITEMS - 1, ITEMS, ITEMS + 1, 30_000])
def test_rows_of_an_async_generator_are_loaded(count: int) -> None:
    feed = Feed(count)

    async def load() -> int:
        async with arrowsync.aio.connect("duckdb://") as conn:
            report = await arrowsync.aio.sync_table(feed.rows(), Event, conn)
            table = await arrowsync.aio.read_table(Event, conn)
            assert table.sort_by("id")["id"].to_pylist() == list(range(count))
            return report.inserted

    assert asyncio.run(load()) == count
    assert feed.closed


def test_the_blocking_flavour_takes_them_too() -> None:
    with arrowsync.connect("duckdb://") as conn:
        assert arrowsync.sync_table(Feed(1000).rows(), Event, conn).inserted == 1000


def test_what_it_raises_comes_through_and_nothing_is_loaded() -> None:
    feed = Feed(20_000, fails_at=15_000)
    with arrowsync.connect("duckdb://") as conn:
        with pytest.raises(LookupError, match="the feed broke"):
            arrowsync.sync_table(feed.rows(), Event, conn)
        assert conn.fetch("SELECT count(*) AS n FROM duckdb_tables()").to_pylist() == [{"n": 0}]
        assert arrowsync.sync_table(Feed(10).rows(), Event, conn).inserted == 10
    assert feed.closed


def test_a_bad_row_ends_the_feed() -> None:
    feed = Feed(100_000)

    async def rows() -> AsyncGenerator[tuple[object, str]]:
        async for number, text in feed.rows():
            yield ("no number" if number == 9_000 else number), text

    with arrowsync.connect("duckdb://") as conn, pytest.raises(arrowsync.ConversionError):
        arrowsync.sync_table(rows(), Event, conn)
    assert feed.given < 40_000


@pytest.mark.parametrize("stops_at", [0, 100, 20_000])
def test_a_load_that_waits_for_the_feed_can_be_cancelled(stops_at: int) -> None:
    feed = Feed(100_000, stops_at=stops_at)

    async def load() -> None:
        async with arrowsync.aio.connect("duckdb://") as conn:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await arrowsync.aio.sync_table(feed.rows(), Event, conn)
            assert feed.closed
            tables = await conn.fetch("SELECT count(*) AS n FROM duckdb_tables()")
            assert tables.to_pylist() == [{"n": 0}]
            assert (await arrowsync.aio.sync_table(Feed(10).rows(), Event, conn)).inserted == 10

    asyncio.run(asyncio.wait_for(load(), 30))
    assert feed.given == stops_at


def test_batches_are_large_and_so_read_only_when_they_are_wanted() -> None:
    given = 0

    async def batches() -> AsyncGenerator[pa.RecordBatch]:
        nonlocal given
        for _ in range(100):
            given += 1
            yield pa.record_batch([pa.array(range(70_000)), pa.nulls(70_000, pa.string())], names=["id", "text"])

    with arrowsync.connect("duckdb://") as conn, pytest.raises(arrowsync.ConversionError, match="text"):
        arrowsync.sync_table(batches(), Event, conn)
    assert 1 <= given < 20
