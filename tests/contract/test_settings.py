"""Settings of a session change no value and no count: every one that matters, on every engine, whichever way it got there.

The settings come from the tables of the dialects; a new one there needs a value here that would do harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import quote

import aiomysql
import asyncpg
import duckdb
import pyarrow as pa
import pytest
from adbc_driver_postgresql import dbapi
from servers.mysqlkind import connect

import arrowsync
from arrowsync import MaxLength, PrimaryKey, TimeZone, aio
from arrowsync.dialects.duckdb import settings as duckdb_settings
from arrowsync.dialects.mysql import settings as mysql_settings
from arrowsync.dialects.mysql.connect import address_of
from arrowsync.dialects.postgres import settings as postgres_settings
from arrowsync.errors import ConstraintViolated, DeclarationError

POSTGRES: Mapping[str, str] = {
    "client_encoding": "LATIN1",
    "standard_conforming_strings": "off",
    "bytea_output": "escape",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "extra_float_digits": "-15",
    "quote_all_identifiers": "on",
    "array_nulls": "off",
    "xmloption": "document",
    "session_replication_role": "replica",
    "transform_null_equals": "on",
    "default_transaction_isolation": "repeatable read",
}
"""Name -> a value under which statements of ours would mean something else."""

MYSQL: Mapping[str, Any] = {
    "time_zone": "-03:00",
    "sql_mode": "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,NO_UNSIGNED_SUBTRACTION,HIGH_NOT_PRECEDENCE",
    "character_set_client": "latin1",
    "character_set_results": "latin1",
    "collation_connection": "latin1_swedish_ci",
    "net_read_timeout": 30,
    "net_write_timeout": 60,
    "wait_timeout": 600,
    "sql_select_limit": 1,
    "sql_notes": 0,
    "sql_safe_updates": 1,
    "sql_big_selects": 0,
    "sql_auto_is_null": 1,
    "foreign_key_checks": 0,
    "unique_checks": 0,
    "completion_type": "CHAIN",
    "lc_messages": "de_DE",
}
"""The same for both servers of the kind."""
ONLY_MYSQL: Mapping[str, Any] = {"transaction_isolation": "READ-UNCOMMITTED"}
ONLY_MARIADB: Mapping[str, Any] = {
    "tx_isolation": "READ-UNCOMMITTED",
    "check_constraint_checks": 0,
    "max_error_count": 0,
    "sql_if_exists": 1,
    "system_versioning_asof": "2001-01-01 00:00:00.000000",
    "note_verbosity": "explain",
}
DUCKDB: Mapping[str, str] = {"default_collation": "nocase", "default_order": "desc", "errors_as_json": "true"}


@dataclass
class Parent:
    """What items refer to."""

    __table_name__ = "parent"

    id: PrimaryKey[int]


@dataclass
class Item:
    """Of everything that a setting may change: what is sent, what is read, and the defaults that the catalogue shows."""

    __table_name__ = "item"

    id: PrimaryKey[int]
    text: Annotated[str, MaxLength(40)]
    parent: Parent | None = None
    word: Annotated[str, MaxLength(40)] = 'a\\b"é'
    data: bytes = b"\x00\\\xff"
    naive: datetime = datetime(2026, 3, 4, 5, 6, 7)
    aware: Annotated[datetime, TimeZone("UTC")] = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    span: timedelta = timedelta(hours=50, minutes=3)
    number: float = 0.1
    price: Decimal = Decimal("1.5")


AWARE = datetime(1999, 7, 1, 12, tzinfo=UTC)
ROWS = [
    {"id": 0, "text": "é€漢\\n'\"", "parent": 1, "data": b"", "aware": AWARE, "number": 1e-7},
    {"id": 1, "text": "NULL", "parent": None, "data": b"\\x00", "aware": AWARE, "number": 2.0**0.5},
    {"id": 2, "text": "a ", "parent": 1, "data": b"\xe9'\\", "aware": AWARE, "number": 1 / 3},
]


async def check_a_load(conn: object, observer: arrowsync.Connection, expected: pa.Table, catalog: object) -> None:
    """Load, load again, read, compare and discover; and a row that breaks a foreign key is refused."""
    observer.execute("DELETE FROM item")
    report = await aio.sync_table(ROWS, Item, conn)
    assert (report.inserted, report.changes) == (3, ())
    again = await aio.sync_table(ROWS, Item, conn)
    assert (again.unchanged, again.updated, again.inserted) == (3, 0, 0)
    assert (await aio.read_table(Item, conn)).sort_by("id").equals(expected)
    assert not (await aio.plan([Parent, Item], conn)).steps
    assert await aio.discover(conn) == catalog
    with pytest.raises(ConstraintViolated):
        await aio.sync_table([{**ROWS[0], "id": 9, "parent": 99}], Item, conn)


@dataclass(frozen=True)
class Baseline:
    """What a connection without any settings makes of the rows."""

    observer: arrowsync.Connection
    expected: pa.Table
    catalog: object

    async def check(self, conn: object) -> None:
        await check_a_load(conn, self.observer, self.expected, self.catalog)


@asynccontextmanager
async def baseline(url: str, *prepare: str) -> AsyncGenerator[Baseline]:
    """The tables, with one row that the others refer to; `prepare` adds a trigger that notes the settings of each load."""
    conn = await asyncio.to_thread(arrowsync.connect, url)
    try:
        arrowsync.migrate([Parent, Item], conn)
        arrowsync.sync_table([{"id": 1}], Parent, conn)
        catalog = arrowsync.discover(conn)
        arrowsync.sync_table(ROWS, Item, conn)
        expected = arrowsync.read_table(Item, conn).sort_by("id")
        assert expected["text"].to_pylist() == [row["text"] for row in ROWS]
        for statement in prepare:
            conn.execute(statement)
        yield Baseline(conn, expected, catalog)
    finally:
        conn.close()


# ---- PostgreSQL

SEEN = (
    "CREATE SCHEMA noted",
    "CREATE TABLE noted.seen (name text, value text)",
    """CREATE FUNCTION noted.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO noted.seen SELECT n, current_setting(n) FROM unnest(array['{names}']) AS n; RETURN new; END $$""".format(
        names="', '".join(POSTGRES)
    ),
    "CREATE TRIGGER note BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION noted.note()",
)


def check_seen(observer: arrowsync.Connection) -> None:
    """Each row of the load was inserted with settings that do."""
    seen = observer.fetch("SELECT DISTINCT name, value FROM noted.seen").to_pylist()
    assert {row["name"] for row in seen} == set(POSTGRES)
    assert [row for row in seen if row["value"] not in postgres_settings.PINNED[row["name"]]] == []
    observer.execute("TRUNCATE noted.seen")


def test_each_setting_that_is_pinned_is_tried() -> None:
    assert POSTGRES.keys() == postgres_settings.PINNED.keys()
    assert MYSQL.keys() | ONLY_MYSQL.keys() == mysql_settings.PINNED.keys() | mysql_settings.MYSQL.keys()
    mariadb = mysql_settings.PINNED.keys() | mysql_settings.MARIADB.keys() | mysql_settings.NOTES.keys()
    assert MYSQL.keys() | ONLY_MARIADB.keys() == mariadb
    assert DUCKDB.keys() == duckdb_settings.REFUSED.keys()


SET_ALL = "; ".join(f"SET {name} = '{value}'" for name, value in POSTGRES.items())
SHOWN = "SELECT " + ", ".join(f"current_setting('{name}') AS \"{name}\"" for name in POSTGRES)


async def by_set(url: str, base: Baseline) -> None:
    """By a SET of the user's on a connection of ours."""
    async with aio.connect(url) as conn:
        await conn.execute(SET_ALL)
        await base.check(conn)
        found = (await conn.fetch(SHOWN)).to_pylist()[0]
        assert found == {**POSTGRES, "client_encoding": "UTF8"}  # which is the driver's


async def by_url(url: str, base: Baseline) -> None:
    """By the `options` of the URL, for connections that last for one call."""
    options = " ".join("-c " + f"{name}={value}".replace(" ", "\\ ") for name, value in POSTGRES.items())
    await base.check(f"{url}?options={quote(options)}")


async def by_database(url: str, base: Baseline) -> None:
    """By defaults of the database's."""
    database = url.rpartition("/")[2]
    for name, value in POSTGRES.items():
        base.observer.execute(f"ALTER DATABASE \"{database}\" SET {name} = '{value}'")
    try:
        await base.check(url)
    finally:
        base.observer.execute(f'ALTER DATABASE "{database}" RESET ALL')


async def by_asyncpg(url: str, base: Baseline) -> None:
    """By the user, on a connection of asyncpg's."""
    conn = await asyncpg.connect(url)
    try:
        await conn.execute(SET_ALL)
        await base.check(conn)
        assert [dict(row) for row in await conn.fetch(SHOWN)] == [POSTGRES]
    finally:
        await conn.close()


async def by_asyncpg_in_a_transaction(url: str, base: Baseline) -> None:
    """The same, inside a transaction that fails a call, and that the user rolls back."""
    base.observer.execute("DELETE FROM item")
    conn = await asyncpg.connect(url)
    try:
        await conn.execute(f"BEGIN; {SET_ALL}")
        assert (await aio.sync_table(ROWS, Item, conn)).inserted == 3
        with pytest.raises(ConstraintViolated):
            await aio.sync_table([{**ROWS[0], "id": 9, "parent": 99}], Item, conn)
        assert (await aio.read_table(Item, conn)).sort_by("id").equals(base.expected)
        assert [dict(row) for row in await conn.fetch(SHOWN)] == [POSTGRES]
        assert {row["name"] for row in await conn.fetch("SELECT name FROM noted.seen")} == set(POSTGRES)
        await conn.execute("ROLLBACK")
        assert await conn.fetchval("SHOW client_encoding") == "UTF8"
        await base.check(conn)
    finally:
        await conn.close()


async def by_set_that_is_rolled_back(url: str, base: Baseline) -> None:
    """A SET that a transaction takes along when it is rolled back leaves the settings as they were before it."""
    async with aio.connect(url) as conn:
        await conn.execute(SET_ALL)
        try:
            async with conn.transaction():
                await conn.execute("; ".join(f"RESET {name}" for name in POSTGRES))
                await aio.read_table(Item, conn)
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        await base.check(conn)


async def by_adbc(url: str, base: Baseline) -> None:
    """By the user, on a connection of ADBC's."""
    with dbapi.connect(url, autocommit=True) as conn, conn.cursor() as cursor:
        for name, value in POSTGRES.items():
            cursor.execute(f"SELECT set_config('{name}', '{value}', false)")
            cursor.fetchall()
        await base.check(conn)
        cursor.execute(SHOWN)
        assert cursor.fetch_arrow_table().to_pylist() == [POSTGRES]


WAYS = (by_set, by_set_that_is_rolled_back, by_url, by_database, by_asyncpg, by_asyncpg_in_a_transaction, by_adbc)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_settings_of_postgresql_change_nothing(
    postgres_url: str, way: Callable[[str, Baseline], Awaitable[None]]
) -> None:
    async def run() -> None:
        async with baseline(postgres_url, *SEEN) as base:
            await way(postgres_url, base)
            check_seen(base.observer)

    asyncio.run(run())


# ---- MySQL and MariaDB


@pytest.fixture(params=["mysql", "mariadb"])
def kind_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def wrong_settings(url: str) -> dict[str, Any]:
    """Those of the server, as far as its version has them."""
    with closing(connect(url)) as conn, conn.cursor() as cursor:
        cursor.execute("SHOW SESSION VARIABLES")
        there = {row["Variable_name"] for row in cursor.fetchall()}
        mariadb = "MariaDB" in conn.get_server_info()
    return {
        name: value for name, value in {**MYSQL, **(ONLY_MARIADB if mariadb else ONLY_MYSQL)}.items() if name in there
    }


def setting(name: str, value: Any, scope: str = "SESSION") -> str:
    return f"SET @@{scope}.{name} = {value if isinstance(value, int) else repr(value)}"


def same(found: Any, value: Any) -> bool:
    if isinstance(value, int):
        return {"ON": "1", "OFF": "0"}.get(str(found), str(found)) == str(value)
    return set(str(found).split(",")) == set(value.split(","))


def shown(names: Iterable[str]) -> str:
    return "SELECT " + ", ".join(f"CAST(@@SESSION.{name} AS CHAR) AS {name}" for name in names)


def assert_given_back(found: Mapping[str, Any], wrong: Mapping[str, Any], *, except_for: Sequence[str] = ()) -> None:
    assert [name for name, value in wrong.items() if name not in except_for and not same(found[name], value)] == []


def test_settings_of_mysql_set_by_the_user_change_nothing(kind_url: str) -> None:
    async def run() -> None:
        wrong = wrong_settings(kind_url)
        async with baseline(kind_url) as base, aio.connect(kind_url) as conn:
            for name, value in wrong.items():
                await conn.execute(setting(name, value))
            await base.check(conn)
            found = (await conn.fetch(shown(wrong))).to_pylist()[0]
            assert_given_back(found, wrong, except_for=mysql_settings.ENCODING)  # which are the driver's

    asyncio.run(run())


def test_settings_of_an_aiomysql_connection_change_nothing(kind_url: str) -> None:
    async def run() -> None:
        address = address_of(kind_url)
        wrong = wrong_settings(kind_url)
        async with baseline(kind_url) as base:
            where = {"host": address.host, "port": address.port, "db": address.database}
            conn = await aiomysql.connect(**where, user=address.user, password=address.password, autocommit=True)
            try:
                async with conn.cursor(aiomysql.DictCursor) as cursor:
                    for name, value in wrong.items():
                        await conn.query(setting(name, value))
                    await base.check(conn)
                    await cursor.execute(shown(wrong))
                    assert_given_back(await cursor.fetchone(), wrong)
            finally:
                conn.close()

    asyncio.run(run())


def test_global_settings_of_mysql_change_nothing(kind_url: str) -> None:
    """All of them at once: each session begins with them."""

    async def run() -> None:
        async with baseline(kind_url) as base:
            wrong = wrong_settings(kind_url)
            with closing(connect(kind_url)) as admin, admin.cursor() as cursor:
                cursor.execute("SHOW GLOBAL VARIABLES")
                before = {row["Variable_name"]: row["Value"] for row in cursor.fetchall()}
                there = [name for name in wrong if name in before and name != "completion_type"]
                try:
                    for name in there:
                        cursor.execute(setting(name, wrong[name], "GLOBAL"))
                    await base.check(kind_url)
                finally:
                    for name in there:
                        cursor.execute(f"SET @@GLOBAL.{name} = DEFAULT")
                    cursor.execute(setting("time_zone", before["time_zone"], "GLOBAL"))

    asyncio.run(run())


def test_text_of_the_users_own_statements_is_utf8(kind_url: str) -> None:
    with arrowsync.connect(kind_url) as conn:
        conn.execute("CREATE TABLE t (s varchar(9) CHARACTER SET utf8mb4); SET NAMES latin1")
        conn.execute("INSERT INTO t VALUES ('é€')")
        assert conn.fetch("SELECT s, HEX(s) AS h FROM t").to_pylist() == [{"s": "é€", "h": "C3A9E282AC"}]


def test_text_of_the_users_own_statements_is_utf8_on_postgresql(postgres_url: str) -> None:
    with arrowsync.connect(postgres_url) as conn:
        conn.execute("CREATE TABLE t (s text); SET client_encoding = 'LATIN1'")
        conn.execute("INSERT INTO t VALUES ('é€')")
        assert conn.fetch("SELECT s, length(s) AS n FROM t").to_pylist() == [{"s": "é€", "n": 2}]
        assert [row for batch in conn.stream("SELECT s FROM t") for row in batch.to_pylist()] == [{"s": "é€"}]


# ---- DuckDB


@pytest.mark.parametrize("name", DUCKDB)
@pytest.mark.parametrize("way", ["set", "adopted", "url"])
def test_settings_of_duckdb_that_change_rows_are_refused(tmp_path: Any, name: str, way: str) -> None:
    path = tmp_path / "x.duckdb"
    if way == "url":
        with arrowsync.connect(f"duckdb:///{path}?{name}={DUCKDB[name]}") as conn:
            refused(conn, name)
    elif way == "set":
        with arrowsync.connect(f"duckdb:///{path}") as conn:
            conn.execute(f"SET {name} = '{DUCKDB[name]}'")
            refused(conn, name)
            conn.execute(f"RESET {name}")
            assert arrowsync.sync_table([{"id": 1}], "t", conn, key="id").inserted == 1
    else:
        with duckdb.connect(str(path)) as native:
            native.execute(f"SET {name} = '{DUCKDB[name]}'")
            refused(native, name)


def refused(conn: Any, name: str) -> None:
    for call in (
        lambda: arrowsync.sync_table([{"id": 1}], "t", conn, key="id"),
        lambda: arrowsync.read_table("t", conn),
        lambda: arrowsync.discover(conn),
        lambda: arrowsync.plan(Parent, conn),
    ):
        with pytest.raises(DeclarationError, match=name) as caught:
            call()
        assert f"RESET {name}" in (caught.value.hint or "")
