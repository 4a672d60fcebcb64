"""A MySQL or MariaDB session: opening it, the user's own connection, transactions, queries, and errors without secrets."""

from __future__ import annotations

import asyncio
import socket
import traceback
from collections.abc import Awaitable, Callable
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import aiomysql
import pyarrow as pa
import pytest
from contract.mysql.mysql_live import their_own
from servers.mysqlkind import MySqlServer, connect

import arrowsync
from arrowsync.catalog import Column, ObjectName, SqlType
from arrowsync.dialects.contract import LoadTarget
from arrowsync.dialects.mysql.session import AiomysqlSession, adopt_session, open_session
from arrowsync.errors import ConnectionLost, ConstraintViolated, ConversionError, DatabaseError, DeclarationError
from arrowsync.sql import SQL, Literal, sql, trusted

SECRET = "hunter2-s3cret"
# A new user's first login takes the password itself, which goes to no server that hasn't proved who it is.
FIRST_LOGIN = "ssl-mode=disable&get-server-public-key=true"
SCHEMA = pa.schema([("x", pa.int64())])
TARGET = LoadTarget(ObjectName(None, "t"), (Column("x", SqlType("bigint")),), SCHEMA)


@pytest.fixture(params=["mysql", "mariadb"])
def product(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def url(request: pytest.FixtureRequest, product: str) -> str:
    found: str = request.getfixturevalue(f"{product}_url")
    return found


@pytest.fixture
def server(request: pytest.FixtureRequest, product: str) -> MySqlServer:
    found: MySqlServer = request.getfixturevalue(f"{product}_server")
    return found


def using(url: str, act: Callable[[AiomysqlSession], Awaitable[Any]]) -> Any:
    """What `act` gives with a session on the URL."""

    async def run() -> Any:
        session = await open_session(url)
        try:
            return await act(session)
        finally:
            await session.close()

    return asyncio.run(run())


def fails_to_open(url: str) -> Any:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is what the tests look at
        using(url, lambda session: session.fetch(trusted("SELECT 1")))
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(vars(caught.value))
    for part in (SECRET, quote(SECRET), SECRET[:7], SECRET[8:]):
        assert part not in shown
    return caught.value


def replaced(url: str, **parts: Any) -> str:
    """The URL with another user, password, host, port or path."""
    split = urlsplit(url)
    user, password = parts.get("user", split.username), parts.get("password", split.password)
    host, port = parts.get("host", split.hostname), parts.get("port", split.port)
    return split._replace(netloc=f"{user}:{password}@{host}:{port}", path=parts.get("path", split.path)).geturl()


async def insert_and_fail(session: AiomysqlSession, *numbers: int) -> None:
    """In a transaction of its own, which is left by an exception."""
    async with session.transaction():
        for number in numbers:
            await session.execute(sql("INSERT INTO t VALUES ({x})", x=Literal(number)))
        raise ZeroDivisionError


async def streamed(session: AiomysqlSession, query: SQL, columns: list[Column]) -> pa.Table:
    async with session.stream(query, columns) as batches:
        return pa.Table.from_batches([batch async for batch in batches.batches])


async def rows(session: AiomysqlSession, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await session.fetch(trusted(query))).to_pylist()
    return found


# ---- opening


def test_wrong_password_is_not_shown(url: str) -> None:
    error = fails_to_open(f"{replaced(url, password=SECRET)}?{FIRST_LOGIN}")
    assert isinstance(error, DatabaseError)
    assert (error.code, error.transient) == ("1045", False)
    assert "Access denied" in error.message


def test_missing_database(url: str) -> None:
    error = fails_to_open(replaced(url, path="/nowhere"))
    assert (type(error), error.code) == (DatabaseError, "1049")
    assert "nowhere" in error.message
    assert isinstance(fails_to_open(replaced(url, path="")), DeclarationError)


@pytest.mark.parametrize("host", ["127.0.0.1", "does-not-exist.invalid"])
def test_unreachable_host_is_named(host: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    error = fails_to_open(f"mysql://me:{SECRET}@{host}:{port}/db")
    assert isinstance(error, ConnectionLost)
    assert error.transient
    assert f"{host}:{port}" in error.message


def test_a_server_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        error = fails_to_open(f"mysql://me:{SECRET}@127.0.0.1:{port}/db?connect_timeout=0.2")
    assert isinstance(error, ConnectionLost)
    assert "0.2 s" in error.message


@pytest.mark.parametrize(
    "rest",
    [
        f"me:{SECRET}/x@localhost/db",
        f"me:{SECRET}#x@localhost/db",
        f"me:{SECRET}?x@localhost/db",
        f"me:{SECRET}@localhost:port/db",
        f"me:{SECRET}@[::1/db",
        f"me:{SECRET}@localhost/db?ssl-mode=nonsense",
        f"me:{SECRET}@localhost/db?nonsense=1",
        f"me:{SECRET}@localhost/db?connect_timeout=soon",
        f"me:{SECRET}@localhost/db?ssl-mode=verify-ca&ssl-ca=/nowhere.pem",
        f"me:{SECRET}@localhost/db?ssl-mode=require&ssl-ca=/nowhere.pem",
    ],
)
def test_a_url_that_cant_be_used_is_not_shown(rest: str) -> None:
    error = fails_to_open(f"mysql://{rest}")
    assert isinstance(error, DeclarationError)
    assert error.hint


@pytest.mark.parametrize("password", ["p@ss/w#rd?:%&+ '\"\\", "pässwörd", "пароль", "密码€", " "])
def test_passwords_of_any_characters(url: str, password: str) -> None:
    name = f"u{abs(hash(password)) % 10**8}"
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE USER {name}@'%%' IDENTIFIED BY %s", (password,))
        cursor.execute(f"GRANT ALL ON *.* TO {name}@'%'")
        try:
            for parameters in (FIRST_LOGIN, "ssl-mode=disable", "ssl-mode=prefer"):
                signed_in = f"{replaced(url, user=name, password=quote(password, safe=''))}?{parameters}"
                (row,) = using(signed_in, lambda session: rows(session, "SELECT current_user() AS me"))
                assert row["me"].startswith(name)
        finally:
            cursor.execute(f"DROP USER {name}@'%'")


def test_password_from_the_environment(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    split = urlsplit(url)
    monkeypatch.setenv("MYSQL_PWD", unquote(split.password or ""))
    without = split._replace(netloc=f"{split.username}@{split.hostname}:{split.port}").geturl()
    assert using(without, lambda session: rows(session, "SELECT 1 AS x")) == [{"x": 1}]


def test_unix_socket(server: MySqlServer, url: str) -> None:
    if server.daemon is None:
        return  # a server of somebody else's: who knows where its socket is
    split = urlsplit(url)
    there = f"mysql://{split.username}:{split.password}@{split.path}?unix_socket={server.socket}"
    assert using(there, lambda session: rows(session, "SELECT 1 AS x")) == [{"x": 1}]
    missing = fails_to_open(f"mysql://me:{SECRET}@/db?unix_socket={server.socket}.nowhere")
    assert isinstance(missing, ConnectionLost)
    assert f"{server.socket}.nowhere" in missing.message


def cipher(url: str) -> str:
    (row,) = using(url, lambda session: rows(session, "SHOW STATUS LIKE 'Ssl_cipher'"))
    found: str = row["Value"]
    return found


def test_a_user_with_few_privileges(server: MySqlServer, url: str) -> None:
    """It inserts where it may, and is told what it may not."""
    database = urlsplit(url).path[1:]
    user = f"few_{database[-12:]}"
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE few (id int PRIMARY KEY, note varchar(9))")
        cursor.execute(f"CREATE USER {user} IDENTIFIED BY %s", (SECRET,))
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE ON {database}.* TO {user}")
        try:
            theirs = f"{replaced(url, user=user, password=SECRET)}?{FIRST_LOGIN}"
            assert arrowsync.sync_table([{"id": 1}], "few", theirs, mode="insert").inserted == 1
            with pytest.raises(DatabaseError) as caught:
                arrowsync.sync_table([{"id": 1}], "few", theirs, mode="upsert")
            assert "CREATE TEMPORARY TABLES" in str(caught.value.hint)
            with pytest.raises(DatabaseError, match="CREATE command denied") as caught:
                arrowsync.sync_table([{"id": 1}], "more", theirs)
            assert (caught.value.code, "GRANT" in str(caught.value.hint)) == ("1142", True)
            cursor.execute(f"GRANT CREATE TEMPORARY TABLES ON {database}.* TO {user}")
            report = arrowsync.sync_table(
                [{"id": 1, "note": "a"}, {"id": 2, "note": None}], "few", theirs, mode="upsert"
            )
            assert (report.inserted, report.updated) == (1, 1)
        finally:
            cursor.execute(f"DROP USER {user}")


def test_tls(mysql_server: MySqlServer, mysql_url: str) -> None:
    assert cipher(f"{mysql_url}?ssl-mode=disable") == ""
    for mode in ("prefer", "require", "REQUIRED"):
        assert cipher(f"{mysql_url}?ssl-mode={mode}") != ""
    unverified = fails_to_open(f"{mysql_url}?ssl-mode=verify-full")
    assert isinstance(unverified, DatabaseError)
    assert "certificate" in unverified.message
    if mysql_server.daemon is not None:
        ca = mysql_server.folder.path / "data" / "ca.pem"
        assert cipher(f"{mysql_url}?ssl-mode=verify-ca&ssl-ca={ca}") != ""
        other_host = fails_to_open(f"{mysql_url}?ssl-mode=verify-full&ssl-ca={ca}")
        assert "certificate" in other_host.message


def test_a_server_without_tls(mariadb_url: str) -> None:
    assert cipher(f"{mariadb_url}?ssl-mode=prefer") == ""
    error = fails_to_open(f"{replaced(mariadb_url, password=SECRET)}?ssl-mode=require")
    assert isinstance(error, DatabaseError)
    assert "no TLS" in error.message


def test_program_name(mysql_url: str) -> None:
    query = (
        "SELECT attr_value AS name FROM performance_schema.session_connect_attrs "
        "WHERE processlist_id = connection_id() AND attr_name = 'program_name'"
    )
    assert using(mysql_url, lambda session: rows(session, query)) == [{"name": "arrowsync"}]
    assert using(f"{mysql_url}?program_name=nightly", lambda session: rows(session, query)) == [{"name": "nightly"}]


def test_server(url: str, product: str) -> None:
    async def look(session: AiomysqlSession) -> None:
        (row,) = await rows(session, "SELECT version() AS v, database() AS d")
        assert row["v"].startswith(".".join(map(str, session.server.version)))
        assert (session.server.product, session.server.namespace) == (product, row["d"])
        assert session.via == "LOAD DATA LOCAL"

    using(url, look)
    using(url.replace("mysql://", "mariadb://"), look)


# ---- statements


def test_execute_counts_rows(url: str) -> None:
    async def run(session: AiomysqlSession) -> list[int]:
        statements = [
            "CREATE TABLE t (x int)",
            "INSERT INTO t VALUES (1), (2), (3), (4), (5)",
            "UPDATE t SET x = x + 1 WHERE x > 3",
            "DELETE FROM t; INSERT INTO t VALUES (1), (2), (3)",
            "SELECT * FROM t",
        ]
        return [await session.execute(trusted(statement)) for statement in statements]

    assert using(url, run) == [0, 5, 2, 3, 3]


def test_fetch_gives_arrow_types_and_exact_values(url: str) -> None:
    setup = """CREATE TABLE t (i1 tinyint, u1 tinyint unsigned, i2 smallint, i4 int, u4 int unsigned, i8 bigint,
      u8 bigint unsigned, f8 double, n decimal(20, 2), m decimal(60, 10), c char(4), v varchar(9), y varbinary(9), d date,
      ti time(1), ts datetime(6), st timestamp(6) NULL, ye year, nothing int, long_text mediumtext) CHARACTER SET utf8mb4"""
    values = """INSERT INTO t VALUES (-128, 255, -32768, -5, 4294967295, -9223372036854775808, 18446744073709551615, 0.1,
      12.50, -1e40, 'y ', 'é😀', x'00ff', '9999-12-31', '23:59:59.5', '1969-12-31 23:59:59.999999',
      '2024-01-01 00:00:00.5', 2024, NULL, repeat('ab', 40000))"""

    async def run(session: AiomysqlSession) -> pa.Table:
        await session.execute(trusted(setup))
        await session.execute(trusted(values))
        return await session.fetch(trusted("SELECT * FROM t"))

    fetched = using(url, run)
    assert fetched.schema.types == [
        *(pa.int8(), pa.uint8(), pa.int16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64(), pa.float64()),
        *(pa.decimal128(20, 2), pa.decimal256(60, 10), pa.string(), pa.string(), pa.binary(), pa.date32()),
        *(pa.time64("us"), pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.uint16(), pa.int32(), pa.string()),
    ]
    (row,) = fetched.to_pylist()
    assert list(row.values()) == [
        *(
            -128,
            255,
            -32768,
            -5,
            4294967295,
            -(2**63),
            2**64 - 1,
            0.1,
            Decimal("12.50"),
            Decimal(-(10**40)),
            "y",
            "é😀",
        ),
        *(b"\x00\xff", date(9999, 12, 31), time(23, 59, 59, 500_000), datetime(1969, 12, 31, 23, 59, 59, 999_999)),
        *(pa.scalar(1_704_067_200_500_000, pa.timestamp("us", "UTC")).as_py(), 2024, None, "ab" * 40_000),
    ]


def test_fetch_of_nothing_keeps_names_and_types(url: str) -> None:
    fetched = using(
        url, lambda session: session.fetch(trusted("SELECT 1 AS a, now() AS a, 1.5 AS n FROM dual WHERE 1 = 0"))
    )
    assert fetched.schema.names == ["a", "a", "n"]
    assert fetched.schema.types[1:] == [pa.timestamp("us"), pa.decimal128(2, 1)]
    assert fetched.num_rows == 0


def test_many_rows_are_streamed(url: str) -> None:
    """Of all lengths that the protocol writes in its own ways, with NULLs between."""
    query = (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) "
        "SELECT a.i * 1000 + b.i AS i, IF(b.i % 7 = 0, NULL, repeat('é', b.i % 300)) AS t FROM n a, n b WHERE a.i <= 50"
    )
    columns = [Column("i", SqlType("bigint")), Column("t", SqlType("mediumtext"))]

    async def run(session: AiomysqlSession) -> None:
        sizes = []
        async with session.stream(trusted(query), columns) as batches:
            async for batch in batches.batches:
                sizes.append(batch.num_rows)
                for row in batch.slice(0, 500).to_pylist():
                    number = row["i"] % 1000
                    assert row["t"] == (None if number % 7 == 0 else "é" * (number % 300))
        assert sum(sizes) == 45_000
        assert len(sizes) > 5
        async with session.stream(trusted(query), columns) as batches:
            async for _ in batches.batches:
                break  # and the rest is never read
        assert await rows(session, "SELECT 1 AS x") == [{"x": 1}]

    using(url, run)


def test_floats_are_streamed_exactly(url: str) -> None:
    columns = [Column("f", SqlType("float")), Column("d", SqlType("double"))]

    async def run(session: AiomysqlSession) -> None:
        await session.execute(trusted("CREATE TABLE t (f float, d double)"))
        await session.execute(
            trusted("INSERT INTO t VALUES (16777216, 0.1), (0.1, 5e-324), (-0e0, -1.7976931348623157e308)")
        )
        async with session.stream(trusted("SELECT f, d FROM t"), columns) as batches:
            found = pa.Table.from_batches([batch async for batch in batches.batches])
        assert found.column("f").to_pylist() == [16777216.0, pa.scalar(0.1, pa.float32()).as_py(), 0.0]
        assert found.column("d").to_pylist() == [0.1, 5e-324, -1.7976931348623157e308]

    using(url, run)


def test_a_value_that_the_type_doesnt_have(url: str) -> None:
    async def run(session: AiomysqlSession) -> None:
        await session.execute(trusted("CREATE TABLE t (b tinyint(1), ti time)"))
        await session.execute(trusted("INSERT INTO t VALUES (5, '-01:00:00')"))
        for name, live in (("b", SqlType("boolean")), ("ti", SqlType("time", (0,)))):
            query = sql("SELECT {name} FROM t", name=trusted(name))
            with pytest.raises(ConversionError) as caught:
                await streamed(session, query, [Column(name, live)])
            assert caught.value.column == name

    using(url, run)


def test_one_result_at_a_time(url: str) -> None:
    async def run(session: AiomysqlSession) -> None:
        async with session.stream(trusted("SELECT 1 AS x"), [Column("x", SqlType("bigint"))]) as batches:
            with pytest.raises(DeclarationError, match="still being read"):
                await session.execute(trusted("DO 1"))
            assert [batch.to_pylist() async for batch in batches.batches] == [[{"x": 1}]]

    using(url, run)


def test_errors_show_no_constants(url: str) -> None:
    async def run(session: AiomysqlSession) -> None:
        with pytest.raises(DatabaseError) as caught:
            await session.execute(trusted(f"CREATE USER x IDENTIFIED BY '{SECRET}' nonsense"))
        shown = "".join(traceback.format_exception(caught.value, chain=False)) + repr(vars(caught.value))
        assert SECRET not in shown
        assert caught.value.code == "1064"
        assert str(caught.value.statement).startswith("CREATE USER x")

    using(url, run)


def test_a_statement_that_is_refused_shows_no_constants(url: str) -> None:
    async def run(session: AiomysqlSession) -> None:
        async with session.transaction(), session.transaction():
            await session.execute(trusted("CREATE TEMPORARY TABLE t (x int)"))
            await session.execute(trusted("INSERT INTO t VALUES (1)"))
            with pytest.raises(DatabaseError, match="would commit") as caught:
                await session.execute(trusted(f"CREATE USER x IDENTIFIED BY '{SECRET}'"))
        assert caught.value.statement == "CREATE USER x IDENTIFIED BY '...'"
        assert SECRET not in repr(vars(caught.value))

    using(url, run)


@pytest.mark.parametrize(
    ("statement", "kind", "column", "constraint"),
    [
        ("INSERT INTO c VALUES (1, 1, 1)", "unique", None, "PRIMARY"),
        ("INSERT INTO c VALUES (2, NULL, 1)", "not null", "n", None),
        ("INSERT INTO c (id) VALUES (2)", "not null", "n", None),
        ("INSERT INTO c VALUES (2, 11, 1)", "check", None, "small"),
        ("INSERT INTO c VALUES (2, 1, 9)", "foreign key", "p", "up"),
        ("DELETE FROM p", "foreign key", "p", "up"),
    ],
)
def test_constraints(url: str, statement: str, kind: str, column: str | None, constraint: str | None) -> None:
    async def run(session: AiomysqlSession) -> None:
        await session.execute(
            trusted(
                "CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1); "
                "CREATE TABLE c (id int PRIMARY KEY, n int NOT NULL, p int, CONSTRAINT small CHECK (n < 10), "
                "CONSTRAINT up FOREIGN KEY (p) REFERENCES p (id)); INSERT INTO c VALUES (1, 1, 1)"
            )
        )
        with pytest.raises(ConstraintViolated) as caught:
            await session.execute(trusted(statement))
        error = caught.value
        assert (error.kind, error.column, error.constraint) == (kind, column, constraint)

    using(url, run)


LONG = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) "
    "SELECT count(*) FROM n a, n b, n c, n d WHERE a.i + b.i + c.i + d.i < 0"
)


def test_cancelled_statements_leave_a_working_connection(url: str) -> None:
    async def run(session: AiomysqlSession) -> None:
        for act in (session.execute, session.fetch):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await act(trusted("SELECT SLEEP(30)"))
            assert await rows(session, "SELECT 1 AS x") == [{"x": 1}]
        task = asyncio.create_task(session.execute(trusted(LONG)))
        await asyncio.sleep(0.3)
        await session.cancel()
        async with asyncio.timeout(5):
            with pytest.raises(DatabaseError) as caught:
                await task
        assert caught.value.code == "1317"
        assert await rows(session, "SELECT 1 AS x") == [{"x": 1}]

    using(url, run)


# ---- transactions


def test_transactions_and_savepoints(url: str) -> None:
    async def run(session: AiomysqlSession) -> None:
        await session.execute(trusted("CREATE TABLE t (x int)"))
        with pytest.raises(ZeroDivisionError):
            await insert_and_fail(session, 1)
        async with session.transaction():
            await session.execute(trusted("INSERT INTO t VALUES (2)"))
            with pytest.raises(ZeroDivisionError):
                await insert_and_fail(session, 3)
            async with session.transaction():
                await session.execute(trusted("INSERT INTO t VALUES (4)"))
        assert await rows(session, "SELECT x FROM t ORDER BY x") == [{"x": 2}, {"x": 4}]
        assert await rows(session, "SELECT @@autocommit AS a") == [{"a": 1}]

    using(url, run)


def test_what_follows_a_created_table_is_all_or_nothing_too(url: str) -> None:
    async def run(session: AiomysqlSession) -> None:
        async def create_load_and_fail() -> None:
            async with session.transaction():
                async with session.transaction():
                    await session.execute(trusted("CREATE TABLE t (x bigint)"))
                    await session.load(TARGET, iter([pa.record_batch([pa.array([1, 2])], schema=SCHEMA)]))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await create_load_and_fail()
        assert await rows(session, "SELECT count(*) AS n FROM t") == [{"n": 0}]

    using(url, run)


def test_a_lost_connection_is_told(url: str) -> None:
    async def run(session: AiomysqlSession) -> None:
        (row,) = await rows(session, "SELECT connection_id() AS id")
        with connect(url) as connection, connection.cursor() as cursor:
            cursor.execute(f"KILL {row['id']}")
        with pytest.raises(ConnectionLost) as caught:
            await session.execute(trusted("DO 1"))
        assert caught.value.transient
        with pytest.raises(ConnectionLost):
            await session.fetch(trusted("SELECT 1"))

    using(url, run)


# ---- the user's own connection


async def said(connection: Any, query: str) -> list[tuple[Any, ...]]:
    async with connection.cursor() as cursor:
        await cursor.execute(query)
        return list(await cursor.fetchall())


SETTINGS = """SELECT @@sql_mode, @@time_zone, @@character_set_client, @@character_set_results, @@collation_connection,
  @@net_read_timeout, @@net_write_timeout, @@wait_timeout, @@sql_select_limit, @@sql_notes, @@foreign_key_checks, @@autocommit"""


def test_an_adopted_connection_is_left_as_it_was(url: str) -> None:
    async def run() -> None:
        async with their_own(url, autocommit=True, charset="latin1") as connection:
            await said(
                connection, "SET time_zone = '+03:00', sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES', sql_notes = 0"
            )
            await said(connection, "SET sql_select_limit = 7, foreign_key_checks = 0, net_read_timeout = 11")
            await said(connection, "CREATE TABLE t (x bigint)")
            before = await said(connection, SETTINGS)
            session = await adopt_session(connection)
            assert await rows(session, "SELECT 'é\\t😀' AS s, @@time_zone AS z") == [{"s": "é\t😀", "z": "+00:00"}]
            result = await session.load(TARGET, iter([pa.record_batch([pa.array(range(20))], schema=SCHEMA)]))
            assert (result.rows, result.via) == (20, "INSERT")  # it was not opened for LOAD DATA LOCAL
            assert len(await rows(session, "SELECT * FROM t")) == 20
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await session.execute(trusted("SELECT SLEEP(30)"))
            await session.close()
            assert not connection.closed
            assert await said(connection, SETTINGS) == before
            assert connection.get_autocommit()
            assert await said(connection, "SELECT 'é'") == [("é",)]

    asyncio.run(run())


def test_adopting_can_be_cancelled_at_every_await(url: str) -> None:
    async def run() -> None:
        async with their_own(url, autocommit=True) as connection:
            await said(connection, "SET time_zone = '+03:00', sql_notes = 0")
            before = await said(connection, SETTINGS)
            turns = 0
            while True:
                task = asyncio.create_task(adopt_session(connection))
                for _ in range(turns):
                    await asyncio.sleep(0)
                if task.done():
                    break
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert await said(connection, SETTINGS) == before, turns
                turns += 1
            await (await task).close()
            assert turns > 5
            assert await said(connection, SETTINGS) == before

    asyncio.run(run())


def test_an_adopted_connection_may_load_data_locally(url: str) -> None:
    async def run() -> None:
        async with their_own(url, autocommit=True, local_infile=True) as connection:
            await said(connection, "CREATE TABLE t (x bigint)")
            session = await adopt_session(connection)
            result = await session.load(TARGET, iter([pa.record_batch([pa.array(range(20))], schema=SCHEMA)]))
            assert (result.rows, result.via) == (20, "LOAD DATA LOCAL")
            await session.close()
            assert await said(connection, "SELECT count(*) FROM t") == [(20,)]

    asyncio.run(run())


@pytest.mark.parametrize("autocommit", [True, False])
def test_the_users_transaction_is_theirs(url: str, autocommit: bool) -> None:
    async def run() -> None:
        async with their_own(url, autocommit=autocommit) as connection:
            await said(connection, "CREATE TABLE t (x bigint)")
            await connection.begin()
            await said(connection, "INSERT INTO t VALUES (-1)")
            session = await adopt_session(connection)
            await session.load(TARGET, iter([pa.record_batch([pa.array([1, 2])], schema=SCHEMA)]))
            with pytest.raises(ZeroDivisionError):
                await insert_and_fail(session, 3)
            with pytest.raises(DatabaseError, match="would commit"):
                async with session.transaction():
                    await session.execute(trusted("CREATE TABLE u (x int)"))
            await session.close()
            assert connection.get_transaction_status()
            assert await said(connection, "SELECT x FROM t ORDER BY x") == [(-1,), (1,), (2,)]
            await connection.rollback()
            assert await said(connection, "SELECT count(*) FROM t") == [(0,)]

    asyncio.run(run())


def test_what_cant_be_adopted(url: str) -> None:
    async def run() -> None:
        async with their_own(url) as connection:
            async with connection.cursor(aiomysql.SSCursor) as cursor:
                await cursor.execute("SELECT 1 UNION SELECT 2")
                with pytest.raises(DeclarationError, match="not read to its end"):
                    await adopt_session(connection)
            async with aiomysql.create_pool(0, host="127.0.0.1") as pool:
                with pytest.raises(DeclarationError, match="acquire"):
                    await adopt_session(pool)
        with pytest.raises(ConnectionLost):
            await adopt_session(connection)

    asyncio.run(run())


def test_no_password_in_representations(url: str, tmp_path: Path) -> None:
    async def look(session: AiomysqlSession) -> str:
        return repr(session)

    password = urlsplit(url).password
    assert password
    assert password not in using(url, look)
