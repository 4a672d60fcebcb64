"""Servers and connections that are set up narrowly, and what MySQL keeps of the numbers of JSON."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
from contract.mysql.mysql_live import their_own
from servers.mysqlkind import MySqlServer, connect

import arrowsync
from arrowsync import ConstraintViolated, ConversionError, PrimaryKey

ROWS = 200_000


@pytest.fixture(params=["mysql", "mariadb"])
def product(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def url(request: pytest.FixtureRequest, product: str) -> str:
    found: str = request.getfixturevalue(f"{product}_url")
    return found


async def said(connection: Any, query: str) -> list[Any]:
    async with connection.cursor() as cursor:
        await cursor.execute(query)
        return list(await cursor.fetchall())


def asked(url: str, query: str) -> list[dict[str, Any]]:
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


# ---- a server with small packets


def test_a_load_sends_no_more_than_the_server_takes_at_once(request: pytest.FixtureRequest, product: str) -> None:
    server: MySqlServer = request.getfixturevalue(f"private_{product}")
    url = server.create_database()
    asked(url, "CREATE TABLE t (id int PRIMARY KEY, n int)")
    data = pa.table({"id": pa.array(range(ROWS), pa.int32()), "n": pa.array(range(ROWS), pa.int32())})
    for most in (1 << 20, 1 << 19, 1 << 14):
        server.query(f"SET GLOBAL max_allowed_packet = {most}")
        asked(url, "TRUNCATE t")
        report = arrowsync.sync_table(data, "t", url, mode="insert")
        assert (report.inserted, report.via) == (ROWS, "LOAD DATA LOCAL")
        assert asked(url, "SELECT count(*) AS n, sum(n) AS total FROM t") == [
            {"n": ROWS, "total": ROWS * (ROWS - 1) // 2}
        ]


# ---- a connection with settings of its own


@pytest.mark.parametrize("mode", ["insert", "upsert", "mirror"])
def test_a_limit_on_joins_is_no_limit_on_loads(url: str, mode: Any) -> None:
    asked(url, "CREATE TABLE t (id int PRIMARY KEY, n int)")
    asked(url, "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)")

    async def run() -> None:
        async with their_own(
            url, "SET max_join_size = 1, sql_big_selects = 0", autocommit=True, local_infile=True
        ) as connection:
            await arrowsync.aio.sync_table([{"id": i, "n": 0} for i in (4, 5, 6)], "t", connection, mode=mode)
            assert await said(connection, "SELECT @@max_join_size, @@sql_big_selects") == [(1, 0)]

    asyncio.run(run())


@pytest.mark.parametrize(("rows", "kind"), [([{"id": 1}, {"id": 11}], "check"), ([{"id": 1}, {"id": 1}], "unique")])
def test_what_mariadb_says_is_kept_where_the_connection_keeps_nothing(
    mariadb_url: str, rows: list[dict[str, int]], kind: str
) -> None:
    url = mariadb_url
    asked(url, "CREATE TABLE t (id int PRIMARY KEY, CONSTRAINT small CHECK (id < 10))")

    async def run() -> None:
        async with their_own(url, "SET max_error_count = 0", autocommit=True, local_infile=True) as connection:
            with pytest.raises(ConstraintViolated) as caught:
                await arrowsync.aio.sync_table(rows, "t", connection, mode="insert")
            assert caught.value.kind == kind
            assert await said(connection, "SELECT @@max_error_count") == [(0,)]

    asyncio.run(run())


def test_no_value_stays_in_a_variable_of_the_users_session(url: str) -> None:
    asked(url, "CREATE TABLE t (id int PRIMARY KEY, b longblob)")

    async def run() -> None:
        async with their_own(url, autocommit=True, local_infile=True) as connection:
            report = await arrowsync.aio.sync_table([{"id": 1, "b": b"secret"}], "t", connection, mode="insert")
            assert report.via == "LOAD DATA LOCAL"
            with pytest.raises(ConstraintViolated):
                await arrowsync.aio.sync_table([{"id": 1, "b": b"another"}], "t", connection, mode="insert")
            assert await said(connection, "SELECT @arrowsync_0, @arrowsync_1") == [(None, None)]

    asyncio.run(run())


# ---- numbers of JSON


@dataclass
class Ratios:
    id: PrimaryKey[int]
    shares: list[float]


def test_the_sign_of_a_zero_in_a_list_is_kept(mysql_url: str) -> None:
    arrowsync.sync_table([Ratios(1, [-0.0, 1.0, 0.0])], Ratios, mysql_url)
    (row,) = asked(mysql_url, "SELECT shares AS v FROM Ratios")
    assert row["v"].startswith("[-0.0, 1")


KEPT = ["0.1", "0.30000000000000004", "-1.7976931348623157e308", "5e-324", "1.00000000000000000000", "1E+22"]
KEPT += [
    "9007199254740993",
    "18446744073709551615",
    "-9223372036854775808",
    "9007199254740992.0",
    "100000000000000000000000",
]
CHANGED = ["9007199254740993.0", "-9007199254740993e0", "0.12345678901234567", "4e-324", "1e-400", "1e400"]
CHANGED += ["18446744073709551617", "1234567890123456789.5"]


@pytest.mark.parametrize("mode", ["insert", "upsert"])
def test_a_number_of_json_that_no_double_is_is_refused(mysql_url: str, mode: Any) -> None:
    def rows(numbers: list[str]) -> list[dict[str, Any]]:
        return [{"id": n, "j": f'{{"1234567890123456789.5": [{text}]}}'} for n, text in enumerate(numbers)]

    asked(mysql_url, "CREATE TABLE t (id int PRIMARY KEY, j json)")
    arrowsync.sync_table(rows(KEPT), "t", mysql_url, mode=mode)
    assert len(asked(mysql_url, "SELECT id FROM t")) == len(KEPT)
    for text in CHANGED:
        with pytest.raises(ConversionError) as caught:
            arrowsync.sync_table(rows(["1.5", text, "2.5"]), "t", mysql_url, mode=mode)
        assert (text, caught.value.column, caught.value.rows) == (text, "j", (1,))
        assert "arrowsync_staged" not in str(caught.value)
