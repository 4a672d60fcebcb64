"""Sources of every kind, loaded into every database: the way through the sessions and their threads."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import adbc_driver_postgresql.dbapi as adbc
import pytest

import arrowsync
from arrowsync import Precision, PrimaryKey


@dataclass
class Sale:
    id: PrimaryKey[int]
    text: str | None
    amount: Annotated[Decimal, Precision(12, 2)]


COUNT = 30_000
ROWS = [(number, None if number % 7 == 0 else f'the "{number}"\nth', Decimal(number) / 100) for number in range(COUNT)]


async def feed(stops_at: int = -1) -> AsyncGenerator[tuple[int, str | None, Decimal]]:
    for row in ROWS:
        if row[0] == stops_at:
            await asyncio.Event().wait()
        yield row


def csv_bytes() -> bytes:
    lines = ("{},{},{}\n".format(n, "" if t is None else f'"{t.replace(chr(34), chr(34) * 2)}"', a) for n, t, a in ROWS)
    return ("id,text,amount\n" + "".join(lines)).encode()


def test_a_compressed_file_is_loaded_and_again_unchanged(tmp_path: Path, database_url: str) -> None:
    path = tmp_path / "sales.csv.gz"
    path.write_bytes(gzip.compress(csv_bytes()))
    with arrowsync.connect(database_url) as conn:
        assert arrowsync.sync_table(path, Sale, conn).inserted == COUNT
        assert arrowsync.sync_table(path, Sale, conn).unchanged == COUNT
        table = arrowsync.read_table(Sale, conn).sort_by("id")
    assert [tuple(row.values()) for row in table.to_pylist()] == ROWS


def test_malformed_rows_are_rejected_and_the_others_loaded(database_url: str) -> None:
    data = csv_bytes() + b"30000,x\n30001,x,1.234\n30002,y,1\n"
    stream = arrowsync.open_source(data, format="csv")
    with arrowsync.connect(database_url) as conn:
        report = arrowsync.sync_table(stream, Sale, conn, on_error="reject")
        assert (report.rows_read, report.inserted, report.rejected) == (COUNT + 3, COUNT + 1, 2)
    assert report.rejects is not None
    before = csv_bytes().count(b"\n")
    assert report.rejects.select(["row", "column", "line"]).to_pylist() == [
        {"row": COUNT, "column": None, "line": before + 1},
        {"row": COUNT + 1, "column": "amount", "line": before + 2},
    ]


def test_an_async_generator_is_loaded(database_url: str) -> None:
    async def load() -> int:
        async with arrowsync.aio.connect(database_url) as conn:
            return (await arrowsync.aio.sync_table(feed(), Sale, conn)).inserted

    assert asyncio.run(load()) == COUNT


@pytest.mark.parametrize("stops_at", [10, 25_000])
def test_a_load_that_waits_for_an_async_generator_can_be_cancelled(database_url: str, stops_at: int) -> None:
    async def load() -> int:
        async with arrowsync.aio.connect(database_url) as conn:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(2):
                    await arrowsync.aio.sync_table(feed(stops_at), Sale, conn)
            return (await arrowsync.aio.sync_table(feed(), Sale, conn)).inserted

    assert asyncio.run(asyncio.wait_for(load(), 60)) == COUNT


def test_a_table_of_one_database_is_streamed_into_another(postgres_url: str, database_url: str) -> None:
    with arrowsync.connect(postgres_url) as conn:
        arrowsync.sync_table(ROWS, Sale, conn)
        conn.execute('ALTER TABLE "Sale" RENAME TO "Sold"')
        with arrowsync.connect(database_url) as other:
            assert arrowsync.sync_table(arrowsync.read_batches("Sold", conn), Sale, other).inserted == COUNT
            assert arrowsync.sync_table(ROWS, Sale, other).unchanged == COUNT


def test_the_result_of_an_adbc_cursor_is_loaded(postgres_url: str) -> None:
    with arrowsync.connect(postgres_url) as conn:
        arrowsync.sync_table(ROWS, Sale, conn)
    with adbc.connect(postgres_url) as driver, driver.cursor() as cursor, arrowsync.connect("duckdb://") as other:
        cursor.execute('SELECT "id", "text", "amount"::text AS "amount" FROM "Sale"')
        assert arrowsync.sync_table(cursor, Sale, other).inserted == COUNT
        assert arrowsync.sync_table(ROWS, Sale, other).unchanged == COUNT
