"""Queries as sources: `Connection.stream` of every database, alone and into another one."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
import pytest

import arrowsync
from arrowsync import Precision, PrimaryKey, aio


@dataclass
class Sale:
    id: PrimaryKey[int]
    text: str | None
    amount: Annotated[Decimal, Precision(12, 2)]


COUNT = 30_000
ROWS = [(number, None if number % 7 == 0 else f'the "{number}"\nth', Decimal(number) / 100) for number in range(COUNT)]


def quoted(url: str, text: str) -> str:
    """The text of a query, written with the quotes of standard SQL, for the database at `url`."""
    return text.replace('"', "`") if url.startswith(("mysql", "mariadb")) else text


@pytest.fixture
def conn(database_url: str) -> Iterator[arrowsync.Connection]:
    with arrowsync.connect(database_url) as conn:
        arrowsync.sync_table(ROWS, Sale, conn)
        yield conn


def stored(conn: arrowsync.Connection) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in arrowsync.read_table(Sale, conn).sort_by("id").to_pylist()]


def test_a_query_is_streamed_into_another_database(conn: arrowsync.Connection, database_url: str) -> None:
    query = quoted(database_url, 'SELECT "id" * 2 AS "id", "text", "amount" FROM "Sale" WHERE "id" >= 10;\n')
    with arrowsync.connect("duckdb://") as other:
        assert arrowsync.sync_table(conn.stream(query), Sale, other).inserted == COUNT - 10
        assert stored(other) == [(number * 2, text, amount) for number, text, amount in ROWS[10:]]
        assert arrowsync.sync_table(conn.stream(query), Sale, other).unchanged == COUNT - 10


def test_the_async_flavour_streams_it_too(conn: arrowsync.Connection, database_url: str) -> None:
    query = quoted(database_url, 'SELECT * FROM "Sale"')

    async def copy() -> tuple[int, int]:
        async with aio.connect(database_url) as source, aio.connect("duckdb://") as other:
            first = await aio.sync_table(source.stream(query), Sale, other)
            async with aclosing(source.stream(query)) as batches:
                assert (await anext(batches)).num_rows > 0
            return first.inserted, (await aio.sync_table(source.stream(query), Sale, other)).unchanged

    assert asyncio.run(copy()) == (COUNT, COUNT)


def test_it_can_be_left_early_and_keeps_the_connection_busy_until_then(conn: arrowsync.Connection) -> None:
    query = "SELECT 1 AS a UNION ALL SELECT 2"
    batches = conn.stream(query)
    assert next(batches).num_rows > 0
    with pytest.raises(arrowsync.DatabaseError, match="busy with stream"):
        conn.execute("SELECT 1")
    batches.close()
    assert {a for batch in conn.stream(query) for a in batch["a"].to_pylist()} == {1, 2}
    conn.stream("never asked for a batch").close()
    assert conn.fetch("SELECT 1 AS a").num_rows == 1


def test_a_result_without_rows_has_its_columns(conn: arrowsync.Connection, database_url: str) -> None:
    query = quoted(database_url, 'SELECT "id", "text" FROM "Sale" WHERE "id" < 0')
    (batch,) = conn.stream(query)
    assert (batch.num_rows, batch.schema.names) == (0, ["id", "text"])
    assert batch.schema.field("id").type == pa.int64()
    with arrowsync.connect("duckdb://") as other, pytest.raises(arrowsync.ArrowSyncError, match="amount"):
        arrowsync.sync_table(conn.stream(query), Sale, other)


def test_an_error_of_the_query_is_one_of_the_database(conn: arrowsync.Connection, database_url: str) -> None:
    with arrowsync.connect("duckdb://") as other:
        with pytest.raises(arrowsync.DatabaseError, match="nix"):
            arrowsync.sync_table(conn.stream("SELECT nix"), Sale, other)
        assert other.fetch("SHOW TABLES").num_rows == 0
    assert conn.fetch("SELECT 1 AS a").num_rows == 1
    # One that comes behind hundreds of thousands of good rows.
    late = {
        "duckdb": "SELECT CASE WHEN range < 900000 THEN 1 ELSE error('late') END AS a FROM range(1000000)",
        "postgresql": "SELECT 1 / (900000 - n) AS a FROM generate_series(1, 1000000) AS n",
    }.get(database_url.partition(":")[0])
    if late is not None:
        with pytest.raises(arrowsync.DatabaseError, match=r"late|zero"):
            list(conn.stream(late))
        assert conn.fetch("SELECT 1 AS a").num_rows == 1


def test_a_large_result_comes_piece_by_piece(conn: arrowsync.Connection, database_url: str) -> None:
    million = {
        "duckdb": "SELECT range AS n FROM range(1000000)",
        "postgresql": "SELECT n FROM generate_series(1, 1000000) AS n",
    }.get(database_url.partition(":")[0], "SELECT a.id AS n FROM Sale AS a CROSS JOIN Sale AS b WHERE b.id < 34")
    batches = conn.stream(million)
    first = next(batches)
    assert 0 < first.num_rows <= 300_000
    assert first.num_rows + sum(batch.num_rows for batch in batches) >= 1_000_000


def test_a_statement_without_a_result_is_refused(conn: arrowsync.Connection, database_url: str) -> None:
    with pytest.raises(arrowsync.DeclarationError, match="no result"):
        list(conn.stream("CREATE TABLE made (a integer)"))
    assert conn.fetch("SELECT 1 AS a").num_rows == 1


def test_what_is_no_query_but_has_a_result_is_streamed(conn: arrowsync.Connection, database_url: str) -> None:
    if database_url.startswith("mysql"):
        (batch,) = conn.stream("SHOW TABLES")
        assert batch.num_rows == 1
        return
    (batch,) = conn.stream('DELETE FROM "Sale" WHERE "id" < 3 RETURNING "id"')
    assert set(batch["id"].to_pylist()) == {0, 1, 2}
    assert len(stored(conn)) == COUNT - 3


def test_it_sees_its_own_transaction(conn: arrowsync.Connection, database_url: str) -> None:
    with conn.transaction():
        conn.execute(quoted(database_url, 'DELETE FROM "Sale" WHERE "id" > 0'))
        (batch,) = conn.stream(quoted(database_url, 'SELECT * FROM "Sale"'))
        assert batch.num_rows == 1
        with arrowsync.connect("duckdb://") as other:
            stream = conn.stream(quoted(database_url, 'SELECT * FROM "Sale"'))
            assert arrowsync.sync_table(stream, Sale, other).inserted == 1
            assert arrowsync.sync_table(arrowsync.read_batches(Sale, conn), Sale, other).unchanged == 1
    assert len(stored(conn)) == 1


def test_so_does_the_async_flavour(conn: arrowsync.Connection, database_url: str) -> None:
    async def copy() -> int:
        async with aio.connect(database_url) as its, aio.connect("duckdb://") as other, its.transaction():
            await its.execute(quoted(database_url, 'DELETE FROM "Sale" WHERE "id" > 0'))
            stream = its.stream(quoted(database_url, 'SELECT * FROM "Sale"'))
            inserted = (await aio.sync_table(stream, Sale, other)).inserted
            assert (await aio.sync_table(aio.read_batches(Sale, its), Sale, other)).unchanged == 1
            return inserted

    assert asyncio.run(asyncio.wait_for(copy(), 20)) == 1


def test_a_stream_that_outlives_its_connection_is_whole_or_fails(
    database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    numbers = "(SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5)"
    many = "SELECT a.n FROM " + ", ".join(f"{numbers} AS {name}" for name in "abcdefgh")
    with arrowsync.connect(database_url) as its:
        stream = its.stream(many)
        rows = next(stream).num_rows
    try:
        rows += sum(batch.num_rows for batch in stream)
    except arrowsync.DatabaseError:
        rows = 5**8
    assert rows == 5**8
    with arrowsync.connect(database_url) as its:
        left = its.stream(many)
        next(left)
    del left
    gc.collect()
    assert "Traceback" not in capfd.readouterr().err


def test_the_connection_that_is_loaded_cannot_be_the_source(conn: arrowsync.Connection, database_url: str) -> None:
    query = quoted(database_url, 'SELECT * FROM "Sale"')
    with pytest.raises(arrowsync.DatabaseError, match="busy with loading this very source"):
        arrowsync.sync_table(conn.stream(query), Sale, conn)
    assert len(stored(conn)) == COUNT


def test_nor_in_the_async_flavour(conn: arrowsync.Connection, database_url: str) -> None:
    query = quoted(database_url, 'SELECT * FROM "Sale"')

    async def load() -> int:
        async with aio.connect(database_url) as its:
            with pytest.raises(arrowsync.DatabaseError, match="busy with loading this very source"):
                async with asyncio.timeout(20):
                    await aio.sync_table(its.stream(query), Sale, its)
            return (await its.fetch("SELECT 1 AS a")).num_rows

    assert asyncio.run(load()) == 1


def test_postgres_to_mysql(postgres_url: str, mysql_url: str) -> None:
    query = """SELECT n AS id, CASE WHEN n % 7 <> 0 THEN format(E'the "%s"\\nth', n) END AS text, n / 100.0 AS amount
FROM generate_series(0, 29999) AS n -- with a comment at its end"""
    with arrowsync.connect(postgres_url) as conn, arrowsync.connect(mysql_url) as other:
        assert arrowsync.sync_table(conn.stream(query), Sale, other).inserted == COUNT
        assert stored(other) == ROWS


def test_mysql_to_duckdb(mysql_url: str, tmp_path: Path) -> None:
    with (
        arrowsync.connect(mysql_url) as conn,
        arrowsync.connect(f"duckdb:///{tmp_path / 'other.duckdb'}") as other,
    ):
        arrowsync.sync_table(ROWS, Sale, conn)
        conn.execute("CREATE TABLE tag (sale bigint, tag enum('big', 'small'))")
        conn.execute("INSERT INTO tag VALUES (29999, 'big'), (1, 'small')")
        query = "SELECT id, tag, amount FROM Sale JOIN tag ON sale = id ORDER BY id"
        assert arrowsync.sync_table(conn.stream(query), "tagged", other).inserted == 2
        assert other.fetch("FROM tagged ORDER BY id").to_pylist() == [
            {"id": 1, "tag": "small", "amount": Decimal("0.01")},
            {"id": 29_999, "tag": "big", "amount": Decimal("299.99")},
        ]


def test_a_float_of_mysql_is_refused_and_exact_as_a_double(mysql_url: str) -> None:
    with arrowsync.connect(mysql_url) as conn:
        conn.execute("CREATE TABLE t (f float); INSERT INTO t VALUES (16777215)")
        with pytest.raises(arrowsync.DeclarationError, match="six digits") as refused:
            list(conn.stream("SELECT f FROM t"))
        assert refused.value.hint is not None
        assert "f * 1e0 AS f" in refused.value.hint
        (batch,) = conn.stream("SELECT f * 1e0 AS f FROM t")
        assert batch.to_pylist() == [{"f": 16_777_215.0}]


POSTGRES_TYPES = """SELECT 12345678901234567890.123::numeric AS n, ARRAY[1, NULL, 3] AS a, '{}'::text[] AS e,
'{"a": 1}'::jsonb AS j, interval '1 day' AS i, 'x'::name AS x, ARRAY[1.5] AS ns"""


@pytest.mark.parametrize("through", ["asyncpg", "adbc"])
def test_values_of_postgres_are_exact_and_of_one_type_in_all_batches(postgres_url: str, through: str) -> None:
    with arrowsync.connect(postgres_url) as conn:
        if through == "asyncpg":
            (batch,) = conn.stream(POSTGRES_TYPES)
        else:
            with adbc.connect(postgres_url) as native:
                (batch,) = asyncio.run(adbc_stream(native, POSTGRES_TYPES))
    row = batch.to_pylist()[0]
    assert (row["n"], row["a"], row["e"], row["x"], row["ns"]) == (
        "12345678901234567890.123",
        [1, None, 3],
        [],
        "x",
        "{1.5}",
    )
    assert batch.schema.field("a").type == pa.list_(pa.int32())
    assert batch.schema.field("j").type == pa.json_()


@pytest.mark.parametrize("query", ["SELECT 1 AS a WHERE false", "SHOW server_version", "SELECT * FROM nix"])
def test_adbc_streams_any_statement(postgres_url: str, query: str) -> None:
    with adbc.connect(postgres_url) as native:
        if query.endswith("nix"):
            with pytest.raises(arrowsync.DatabaseError, match="nix"):
                asyncio.run(adbc_stream(native, query))
        else:
            (batch,) = asyncio.run(adbc_stream(native, query))
            assert batch.num_rows == (0 if query.endswith("false") else 1)
        native.rollback()


async def adbc_stream(native: object, query: str) -> list[pa.RecordBatch]:
    """The result over the session of an ADBC connection, which `connect` doesn't make."""
    conn = aio.Connection(await arrowsync.dialects.open_session(native))
    try:
        return [batch async for batch in conn.stream(query)]
    finally:
        await conn.close()


def test_what_duckdb_hands_over_wrong_is_exact_and_the_unknown_is_text() -> None:
    with arrowsync.connect("duckdb://") as conn:
        (batch,) = conn.stream(
            "SELECT 340282366920938463463374607431768211455::UHUGEINT AS h, MAP {'a': 1} AS m, "
            "'00112233-4455-6677-8899-aabbccddeeff'::UUID AS u, 'b'::ENUM('a', 'b') AS e, NULL AS nothing"
        )
        assert batch.schema.field("u").type == pa.uuid()
        row = batch.to_pylist()[0]
        assert (row["h"], row["m"], row["e"], row["nothing"]) == (Decimal(2**128 - 1), "{a=1}", "b", None)
