"""A PostgreSQL session: opening it, the user's own connection, transactions, queries, and errors without secrets."""

from __future__ import annotations

import asyncio
import socket
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import asyncpg
import pyarrow as pa
import pytest
from servers.postgres import PostgresServer

import arrowsync
from arrowsync.catalog import Column, ObjectName, SqlType
from arrowsync.dialects import open_session
from arrowsync.dialects.contract import LoadTarget, Session
from arrowsync.errors import ConnectionLost, ConstraintViolated, ConversionError, DatabaseError, DeclarationError
from arrowsync.sql import Literal, sql, trusted

SECRET = "hunter2-s3cret"


def using(url: str, act: Callable[[Session], Awaitable[Any]]) -> Any:
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


def test_wrong_password_is_not_shown(postgres_url: str) -> None:
    error = fails_to_open(replaced(postgres_url, password=SECRET))
    assert isinstance(error, DatabaseError)
    assert (error.code, error.transient) == ("28P01", False)
    assert "password authentication failed" in error.message


def test_missing_database(postgres_url: str) -> None:
    error = fails_to_open(replaced(postgres_url, path="/nowhere"))
    assert isinstance(error, DatabaseError)
    assert error.code == "3D000"
    assert "nowhere" in error.message


@pytest.mark.parametrize("host", ["127.0.0.1", "does-not-exist.invalid"])
def test_unreachable_host_is_named(host: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    error = fails_to_open(f"postgresql://me:{SECRET}@{host}:{port}/db")
    assert isinstance(error, ConnectionLost)
    assert error.transient
    assert f"{host}:{port}" in error.message


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{SECRET}/x@localhost/db",
        f"postgresql://me:{SECRET}#x@localhost/db",
        f"postgresql://me:{SECRET}?x@localhost/db",
        f"postgresql://me:{SECRET}@localhost:port/db",
        f"postgresql://me:{SECRET}@[::1/db",
        f"postgresql://me:{SECRET}@localhost/db?x=nonsense",
    ],
)
def test_a_url_that_cant_be_read_is_not_shown(url: str) -> None:
    error = fails_to_open(url)
    assert isinstance(error, DeclarationError)
    assert error.hint
    assert "percent-encoded" in error.hint


def test_a_certificate_that_isnt_there(postgres_url: str) -> None:
    error = fails_to_open(f"{postgres_url}?sslmode=verify-ca&sslrootcert=/nowhere.crt")
    assert isinstance(error, DeclarationError)
    assert "sslrootcert" in str(error)


def test_unix_socket(postgres_server: PostgresServer, postgres_url: str) -> None:
    if postgres_server.folder is None:
        return  # a server of somebody else's: who knows where its socket is
    split = urlsplit(postgres_url)
    folder = postgres_server.folder.path
    url = f"postgresql://{split.username}:{split.password}@{split.path}?host={folder}&port={split.port}"
    assert using(url, lambda session: session.fetch(trusted("SELECT 1 AS x"))).to_pylist() == [{"x": 1}]
    missing = fails_to_open(f"postgresql://me:{SECRET}@/db?host={folder}/nowhere&port={split.port}")
    assert isinstance(missing, ConnectionLost)
    assert f"{folder}/nowhere" in missing.message


def test_password_from_a_file(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    split = urlsplit(postgres_url)
    passfile = tmp_path / "pgpass"
    passfile.write_text(f"*:*:*:{split.username}:{split.password}\n")
    passfile.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passfile))
    url = split._replace(netloc=f"{split.username}@{split.hostname}:{split.port}").geturl()
    assert using(url, lambda session: session.fetch(trusted("SELECT 1 AS x"))).to_pylist() == [{"x": 1}]


def test_application_name(postgres_url: str) -> None:
    show = trusted("SELECT current_setting('application_name') AS name")
    assert using(postgres_url, lambda session: session.fetch(show)).to_pylist() == [{"name": "arrowsync"}]
    named = f"{postgres_url}?application_name=nightly"
    assert using(named, lambda session: session.fetch(show)).to_pylist() == [{"name": "nightly"}]


def test_server(postgres_url: str) -> None:
    async def look(session: Session) -> None:
        version = (await session.fetch(trusted("SHOW server_version"))).to_pylist()[0]["server_version"]
        assert ".".join(map(str, session.server.version)) == version.split(" ")[0]
        assert (session.server.product, session.server.namespace) == ("postgresql", "public")

    using(postgres_url, look)
    with pytest.raises(DeclarationError, match="search_path"):
        using(f"{postgres_url}?search_path=nowhere", look)


def test_execute_counts_rows(postgres_url: str) -> None:
    async def run(session: Session) -> list[int]:
        statements = [
            "CREATE TABLE t (x int)",
            "INSERT INTO t SELECT generate_series(1, 5)",
            "UPDATE t SET x = x + 1 WHERE x > 3",
            "DELETE FROM t; INSERT INTO t VALUES (1), (2), (3)",
        ]
        return [await session.execute(trusted(statement)) for statement in statements]

    assert using(postgres_url, run) == [0, 5, 2, 3]


def test_fetch_gives_arrow_types_and_exact_values(postgres_url: str) -> None:
    query = """SELECT true AS b, 1::int2 AS i2, 2 AS i4, 3::int8 AS i8, 0.1::float4 AS f4, 'NaN'::float8 AS f8,
      12.50 AS n, '' AS t, 'x'::varchar(3) AS v, 'y '::char(4) AS c, '\\x00ff'::bytea AS y, DATE '9999-12-31' AS d,
      TIME '23:59:59.5' AS ti, TIMESTAMP '1969-12-31 23:59:59.999999' AS ts, TIMESTAMPTZ '2024-01-01 00:00+05:30' AS tz,
      INTERVAL '1 day 1 microsecond' AS iv, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS u, '{"a": 1}'::jsonb AS j,
      '10.0.0.1'::inet AS ip, ARRAY[1, NULL] AS a, NULL AS nothing; -- the end"""
    fetched = using(postgres_url, lambda session: session.fetch(trusted(query.replace("; -- the end", " ; "))))
    types = [
        *(pa.bool_(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.decimal128(4, 2), pa.string()),
        *(
            pa.string(),
            pa.string(),
            pa.binary(),
            pa.date32(),
            pa.time64("us"),
            pa.timestamp("us"),
            pa.timestamp("us", "UTC"),
        ),
        *(pa.duration("us"), pa.uuid(), pa.json_(), pa.string(), pa.list_(pa.int32()), pa.string()),
    ]
    assert fetched.schema.types == types
    (row,) = fetched.drop_columns(["f4", "f8"]).to_pylist()
    assert list(row.values()) == [
        *(True, 1, 2, 3, Decimal("12.50"), "", "x", "y", b"\x00\xff", date(9999, 12, 31), time(23, 59, 59, 500_000)),
        *(datetime(1969, 12, 31, 23, 59, 59, 999_999), datetime(2023, 12, 31, 18, 30, tzinfo=UTC)),
        *(timedelta(days=1, microseconds=1), UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), '{"a": 1}', "10.0.0.1"),
        *([1, None], None),
    ]


def test_fetch_of_nothing_keeps_names_and_types(postgres_url: str) -> None:
    fetched = using(
        postgres_url, lambda session: session.fetch(trusted("SELECT 1 AS a, now() AS a, 1.5 AS n WHERE false"))
    )
    assert fetched.schema.names == ["a", "a", "n"]
    assert fetched.schema.types[:2] == [pa.int32(), pa.timestamp("us", "UTC")]
    assert fetched.num_rows == 0


@pytest.mark.parametrize(
    "value", ["'infinity'::date", "'-infinity'::timestamptz", "'1 month'::interval", "'NaN'::numeric"]
)
def test_a_value_that_arrow_doesnt_have_is_an_error(postgres_url: str, value: str) -> None:
    with pytest.raises(ConversionError) as caught:
        using(postgres_url, lambda session: session.fetch(trusted(f"SELECT {value} AS it")))
    assert caught.value.column == "it"


def test_fetch_of_what_is_no_query(postgres_url: str) -> None:
    async def run(session: Session) -> list[Any]:
        await session.execute(trusted("CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, x text)"))
        return [
            (await session.fetch(trusted(statement))).to_pylist()
            for statement in [
                "INSERT INTO t (x) VALUES ('a'), (NULL) RETURNING id, x",
                "WITH gone AS (DELETE FROM t WHERE id = 1 RETURNING x) SELECT x FROM gone",
                "SHOW timezone",
                "ANALYZE t",
            ]
        ]

    inserted, gone, shown, nothing = using(postgres_url, run)
    assert inserted == [{"id": 1, "x": "a"}, {"id": 2, "x": None}]
    assert gone == [{"x": "a"}]
    assert list(shown[0]) == ["TimeZone"]
    assert nothing == []


def test_an_error_tells_the_statement_without_its_values(postgres_url: str) -> None:
    statement = f"CREATE ROLE me PASSWORD '{SECRET}' NONSENSE E'it\\'s {SECRET}' $x${SECRET}$x$"
    with pytest.raises(DatabaseError) as caught:
        using(postgres_url, lambda session: session.execute(trusted(statement)))
    assert caught.value.code == "42601"
    assert caught.value.statement == "CREATE ROLE me PASSWORD '...' NONSENSE '...' '...'"
    assert SECRET not in str(caught.value)
    with pytest.raises(DatabaseError) as caught:
        using(postgres_url, lambda session: session.execute(sql("SELECT {x} FROM nowhere", x=Literal(SECRET))))
    assert caught.value.statement == "SELECT '...' FROM nowhere"


@pytest.mark.parametrize(
    ("statement", "kind", "column", "constraint"),
    [
        ("INSERT INTO t VALUES (1, 1, 1)", "unique", None, "t_pkey"),
        ("INSERT INTO t VALUES (2, NULL, 1)", "not null", "x", None),
        ("INSERT INTO t VALUES (2, -1, 1)", "check", None, "positive"),
        ("INSERT INTO t VALUES (2, 1, 9)", "foreign key", None, "t_other_fkey"),
    ],
)
def test_constraints_are_told_apart(
    postgres_url: str, statement: str, kind: str, column: str | None, constraint: str | None
) -> None:
    async def run(session: Session) -> None:
        await session.execute(
            trusted(
                "CREATE TABLE t (id int PRIMARY KEY, x int NOT NULL CONSTRAINT positive CHECK (x > 0), other int REFERENCES t);"
                "INSERT INTO t VALUES (1, 1, 1)"
            )
        )
        await session.execute(trusted(statement))

    with pytest.raises(ConstraintViolated) as caught:
        using(postgres_url, run)
    error = caught.value
    assert (error.kind, error.table, error.column, error.constraint) == (kind, "t", column, constraint)


def test_transactions_nest(postgres_url: str) -> None:
    async def count(session: Session) -> int:
        return int((await session.fetch(trusted("SELECT count(*) AS n FROM t"))).column("n")[0].as_py())

    insert = trusted("INSERT INTO t VALUES (1)")

    async def insert_and_fail(session: Session, failing: Callable[[], Awaitable[Any]]) -> None:
        async with session.transaction():
            await session.execute(insert)
            await failing()

    async def ours() -> None:
        raise KeyError("ours")

    async def run(session: Session) -> None:
        await session.execute(trusted("CREATE TABLE t (x int)"))
        async with session.transaction():
            await session.execute(insert)
            with pytest.raises(DatabaseError):
                await insert_and_fail(session, lambda: session.execute(trusted("SELECT 1 / 0")))
            assert await count(session) == 1  # the outer one goes on
            async with session.transaction():
                await session.execute(insert)
        assert await count(session) == 2
        with pytest.raises(KeyError, match="ours"):
            await insert_and_fail(session, ours)
        assert await count(session) == 2

    using(postgres_url, run)


def test_a_commit_that_fails_is_an_error(postgres_url: str) -> None:
    async def run(session: Session) -> None:
        await session.execute(
            trusted("CREATE TABLE t (x int PRIMARY KEY, y int REFERENCES t DEFERRABLE INITIALLY DEFERRED)")
        )
        with pytest.raises(ConstraintViolated):
            async with session.transaction():
                await session.execute(trusted("INSERT INTO t VALUES (1, 2)"))
        async with session.transaction():
            assert (await session.fetch(trusted("SELECT * FROM t"))).num_rows == 0

    using(postgres_url, run)


def test_the_original_error_comes_out_when_the_connection_is_lost(postgres_url: str) -> None:
    async def lose(session: Session) -> None:
        async with session.transaction():
            with pytest.raises(ConnectionLost):
                await session.execute(trusted("SELECT pg_terminate_backend(pg_backend_pid())"))
            raise KeyError("ours")

    async def begin(session: Session) -> None:
        async with session.transaction():
            pass

    async def run(session: Session) -> None:
        with pytest.raises(KeyError, match="ours"):
            await lose(session)
        with pytest.raises(ConnectionLost):
            await begin(session)

    using(postgres_url, run)


@pytest.mark.parametrize("begun", ["not", "by asyncpg", "by hand", "from a pool"])
def test_a_users_connection_is_left_as_it_was(postgres_url: str, begun: str) -> None:
    """Nothing is committed for the user, and settings, codecs and prepared statements stay."""

    async def use(connection: Any) -> None:
        session = await open_session(connection)
        with pytest.raises(DatabaseError):
            async with session.transaction():
                await session.execute(trusted("SELECT 1 / 0"))
        async with session.transaction():
            await session.execute(trusted("INSERT INTO t VALUES (7, 'x')"))
            columns = (Column("x", SqlType("integer")), Column("j", SqlType("text")))
            schema = pa.schema([("x", pa.int32()), ("j", pa.string())])
            batch = pa.record_batch([pa.array([8], pa.int32()), pa.array(["y"])], schema=schema)
            await session.load(LoadTarget(ObjectName(None, "t"), columns, schema), iter([batch]))
            async with session.stream(trusted("SELECT x, j FROM t ORDER BY x"), columns) as batches:
                assert [row for b in [b async for b in batches.batches] for row in b.to_pylist()] == [
                    {"x": 7, "j": "x"},
                    {"x": 8, "j": "y"},
                ]
            json = (await session.fetch(trusted("SELECT '[1]'::json AS j"))).to_pylist()
            assert json == [{"j": "[1]"}]
        await session.close()
        assert not connection.is_closed()
        assert await connection.fetchval("SELECT '[1]'::json") == [1]  # the codec of the user
        assert await connection.fetchval("SHOW application_name") == "mine"

    async def prepare(connection: Any) -> None:
        import json

        await connection.set_type_codec("json", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
        await connection.execute("SET application_name = 'mine'; CREATE TABLE IF NOT EXISTS t (x int, j text)")

    async def run() -> None:
        observer = await asyncpg.connect(postgres_url)
        if begun == "from a pool":
            async with asyncpg.create_pool(postgres_url, min_size=1, max_size=1, init=prepare) as pool:
                with pytest.raises(DeclarationError, match="acquire one from the pool"):
                    await open_session(pool)
                async with pool.acquire() as connection:
                    await connection.execute("SET application_name = 'mine'")
                    await use(connection)
        else:
            connection = await asyncpg.connect(postgres_url, command_timeout=5)
            await prepare(connection)
            if begun == "by asyncpg":
                transaction = connection.transaction()
                await transaction.start()
                await use(connection)
                await transaction.rollback()
            elif begun == "by hand":
                await connection.execute("BEGIN")
                await use(connection)
                await connection.execute("ROLLBACK")
            else:
                await use(connection)
            await connection.close()
        kept = await observer.fetchval("SELECT count(*) FROM t")
        assert kept == (2 if begun in ("not", "from a pool") else 0)
        await observer.close()

    asyncio.run(run())


def test_a_connection_of_another_loop_or_closed_is_refused(postgres_url: str) -> None:
    async def connect() -> Any:
        return await asyncpg.connect(postgres_url)

    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(connect())
    with pytest.raises(DeclarationError, match="another event loop") as caught:
        asyncio.run(open_session(connection))  # type: ignore[arg-type]
    assert "arrowsync.aio" in (caught.value.hint or "")
    loop.run_until_complete(connection.close())
    with pytest.raises(ConnectionLost):
        loop.run_until_complete(open_session(connection))  # type: ignore[arg-type]
    loop.close()


def test_importing_the_dialect_imports_no_driver() -> None:
    import subprocess
    import sys

    code = "import sys, arrowsync.dialects.postgres; print('asyncpg' in sys.modules, 'pyarrow.csv' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("parallel", [None, 2])
def test_another_search_path_is_followed(postgres_url: str, parallel: int | None) -> None:
    """A name without a namespace is looked for where the server would, at the time."""
    rows = pa.table({"id": [1], "mood": pa.array(["ok"]).dictionary_encode(), "all": pa.array([[["x"]]])})
    with arrowsync.connect(postgres_url) as conn:
        conn.execute("CREATE SCHEMA other; CREATE TABLE there (id bigint PRIMARY KEY, extra int)")
        conn.execute("CREATE TABLE other.there (id bigint PRIMARY KEY); SET search_path TO other")
        assert arrowsync.read_table("there", conn).schema.names == ["id"]
        assert arrowsync.sync_table(rows, "t", conn, key="id", parallel=parallel).inserted == 1
        assert arrowsync.sync_table(rows, "t", conn, parallel=parallel).unchanged == 1
        assert [str(table.name) for table in arrowsync.discover(conn).tables] == ["t", "there"]
        with suppress(ZeroDivisionError), conn.transaction():
            conn.execute("SET search_path TO public")
            assert arrowsync.sync_table(rows, "t", conn, key="id").inserted == 1
            raise ZeroDivisionError
        assert arrowsync.sync_table(rows, "t", conn, parallel=parallel).unchanged == 1
        assert conn.fetch("SELECT schemaname::text AS s FROM pg_tables WHERE tablename = 't'").to_pylist() == [
            {"s": "other"}
        ]
