"""The test kit itself: a private server is private, and is gone when its run is gone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil
import pymysql
import pytest

from servers import ServerUnavailable
from servers.databases import ConnectionsLeft, DatabasePool
from servers.mariadb import MARIADB, start_mariadb
from servers.mysqlkind import MySqlServer, connect
from servers.postgres import PostgresServer

START = {
    "postgres": ("from servers.postgres import start_postgres as start", "data/postmaster.pid"),
    "mariadb": ("from servers.mariadb import start_mariadb as start", "server.pid"),
    "mysql": ("from servers.mysql import start_mysql as start", "server.pid"),
}


@pytest.fixture(params=["postgres", "postgres18", "mariadb", "mysql"])
def server(request: pytest.FixtureRequest) -> PostgresServer | MySqlServer:
    server: PostgresServer | MySqlServer = request.getfixturevalue(f"{request.param}_server")
    return server


@pytest.fixture(params=["mariadb", "mysql"])
def mysql_kind(request: pytest.FixtureRequest) -> MySqlServer:
    server: MySqlServer = request.getfixturevalue(f"{request.param}_server")
    return server


def test_the_superuser_needs_its_password(postgres_server: PostgresServer) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(asyncpg.connect(_with_password(postgres_server.url, "wrong")))


def test_mysql_lets_in_no_one_without_the_password(mysql_kind: MySqlServer) -> None:
    for user, password in (("arrowsync", "wrong"), ("arrowsync", ""), ("root", ""), ("nobody", "")):
        url = _with_password(mysql_kind.url, password, user)
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            connect(url)


def test_a_restart_cuts_connections_and_keeps_the_url(private_postgres: PostgresServer) -> None:
    async def lose_connection() -> None:
        connection = await asyncpg.connect(private_postgres.url)
        try:
            await asyncio.to_thread(private_postgres.restart)
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
                await connection.fetch("SELECT 1")
        finally:
            connection.terminate()

    asyncio.run(lose_connection())
    assert private_postgres.query("SELECT 1")[0][0] == 1


@pytest.mark.parametrize("product", ["mariadb", "mysql"])
def test_a_killed_mysql_keeps_what_was_committed(product: str, request: pytest.FixtureRequest) -> None:
    server: MySqlServer = request.getfixturevalue(f"private_{product}")
    url = server.create_database("kept")
    connection = connect(url)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (n int) ENGINE InnoDB")
        cursor.execute("INSERT INTO t VALUES (1)")
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO t VALUES (2)")
    server.restart()
    with pytest.raises(pymysql.err.OperationalError):
        connection.ping(reconnect=False)
    assert server.query("SELECT n FROM kept.t") == [{"n": 1}]
    assert not server.backends(url)
    server.stop()  # and the end of the test finds it stopped


def test_versions(postgres18_server: PostgresServer, mariadb_server: MySqlServer, mysql_server: MySqlServer) -> None:
    assert int(postgres18_server.query("SHOW server_version_num")[0][0]) >= 180000
    assert "MariaDB" in mariadb_server.query("SELECT version() AS v")[0]["v"]
    assert int(mysql_server.query("SELECT version() AS v")[0]["v"].split(".")[0]) >= 9


def test_mysql_is_set_up_as_awkwardly_as_users_servers_are(mysql_kind: MySqlServer) -> None:
    (row,) = mysql_kind.query(
        "SELECT @@global.time_zone AS zone, @@global.character_set_server AS charset, @@global.sql_mode AS mode,"
        " @@global.local_infile AS local_infile, @@version AS version"
    )
    assert row["zone"] == "+05:30"
    assert row["charset"] == ("latin1" if "MariaDB" in row["version"] else "utf8mb4")
    assert "STRICT_TRANS_TABLES" in row["mode"]
    assert row["local_infile"] == 1


def test_a_server_can_refuse_load_data_local() -> None:
    with start_mariadb(local_infile=False) as server:
        assert server.query("SELECT @@global.local_infile AS allowed") == [{"allowed": 0}]


def test_a_database_is_lent_empty_and_given_back_without_connections(server: PostgresServer | MySqlServer) -> None:
    pool = DatabasePool(server)
    try:
        with pool.lend() as first:
            _run(first, "CREATE TABLE left_behind (n int)")
        with pool.lend() as second:
            assert second == first
            _run(second, "CREATE TABLE left_behind (n int)")
    finally:
        pool.close()


def test_a_connection_that_was_left_open_is_named_and_cut(server: PostgresServer | MySqlServer) -> None:
    async def leave_open(url: str) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute("BEGIN; CREATE TABLE locked (n int)")
        with pytest.raises(ConnectionsLeft, match="CREATE TABLE locked"):
            await asyncio.to_thread(lent.__exit__, None, None, None)
        connection.terminate()

    lent = DatabasePool(server, grace=0.2).lend()
    url = lent.__enter__()
    if isinstance(server, PostgresServer):
        asyncio.run(leave_open(url))
    else:
        connection = connect(url)
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE locked (n int)")
            cursor.execute("BEGIN")
            cursor.execute("SELECT * FROM locked")
        with pytest.raises(ConnectionsLeft, match=str(connection.thread_id())):
            lent.__exit__(None, None, None)
        with pytest.raises(pymysql.err.OperationalError):
            connection.ping(reconnect=False)
    assert server.backends(url) == []


def test_a_missing_server_says_what_was_looked_for_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ARROWSYNC_TEST_MARIADB_BIN", str(tmp_path))
    with pytest.raises(ServerUnavailable, match=r"(?s)mariadbd.*ARROWSYNC_TEST_MARIADB_URL") as caught:
        MARIADB.find_programs()
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("product", START)
def test_a_killed_run_leaves_no_server_and_no_folder(product: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(f"{product}_server")  # skips, or fails, where there is none
    statement, pid_file = START[product]
    code = f"""if True:
        import time
        {statement}
        with start(private=True) as server:
            print(server.folder.path, flush=True)
            time.sleep(600)
    """
    path = {"PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, **path}
    ) as run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip())
        pid = int((folder / pid_file).read_text().split()[0])
        run.kill()
    end = time.monotonic() + 20
    while folder.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not folder.exists()
    assert not _runs(pid)


def _with_password(url: str, password: str, user: str | None = None) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{user or parts.username}:{password}@{parts.hostname}:{parts.port}").geturl()


def _run(url: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    if url.startswith("postgresql:"):
        asyncio.run(run())
        return
    connection = connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def _runs(pid: int) -> bool:
    """Whether the process runs: one that ended and that nobody waited for (in a container without init) doesn't."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
