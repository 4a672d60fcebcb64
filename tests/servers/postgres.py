"""A private PostgreSQL: `with start_postgres() as server: server.url`, and `start_postgres(POSTGRES18)` the newest."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg

from servers import ServerUnavailable, unstable
from servers.private import PrivateFolder, free_port, private_folder
from servers.products import Product

T = TypeVar("T")


def _installed() -> Iterator[Path]:
    """PATH's, then Debian's from the newest to the oldest."""
    if program := shutil.which("pg_config"):
        bindir = subprocess.run([program, "--bindir"], capture_output=True, text=True, check=False).stdout.strip()
        if bindir:
            yield Path(bindir)
    if program := shutil.which("initdb"):
        yield Path(program).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)


def _newest() -> Iterator[Path]:
    yield Path("/usr/lib/postgresql/18/bin")
    yield unstable.folder() / "usr/lib/postgresql/18/bin"


def _version(folder: Path) -> int:
    name = folder.parent.name
    return int(name) if name.isdigit() else 0


PROGRAMS = ("initdb", "pg_ctl", "postgres")
POSTGRES = Product("PostgreSQL", "ARROWSYNC_TEST_POSTGRES", PROGRAMS, _installed, ("postgresql",))
POSTGRES18 = Product("PostgreSQL 18", "ARROWSYNC_TEST_POSTGRES18", PROGRAMS, _newest)

# Durability is not what a throw-away server is for. A time zone that is no whole hour off UTC and differs from ours shows
# every place that relies on the server's.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "2GB",
    "max_connections": "50",
    "timezone": "'Asia/Kolkata'",
    "log_statement": "'ddl'",
}

# What belongs to a database and to none of its schemas.
WHAT_NO_SCHEMA_HOLDS = """
    SELECT (SELECT count(*) FROM pg_publication) + (SELECT count(*) FROM pg_subscription)
         + (SELECT count(*) FROM pg_event_trigger) + (SELECT count(*) FROM pg_largeobject_metadata)
         + (SELECT count(*) FROM pg_db_role_setting
            WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()))
         + (SELECT count(*) FROM pg_foreign_data_wrapper) + (SELECT count(*) FROM pg_extension WHERE extname <> 'plpgsql')
"""

USER_SCHEMAS = """
    SELECT string_agg(quote_ident(nspname), ', ') FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$)'
"""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server: `url` connects its superuser, with a password, to its database `postgres`.

    `folder` and `pg_ctl` are None for a server that isn't ours (`ARROWSYNC_TEST_POSTGRES_URL`), which is never restarted.
    """

    url: str
    folder: PrivateFolder | None = None
    pg_ctl: Path | None = None

    def create_database(self, name: str | None = None) -> str:
        """The URL of a new, empty database."""
        name = name or f"arrowsync_test_{secrets.token_hex(6)}"
        self.query(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def drop_database(self, url: str) -> None:
        self.query(f'DROP DATABASE "{database_name(url)}" WITH (FORCE)')

    def reset_database(self, url: str) -> bool:
        """Drop all that is in the database: far faster than a new one. False where only a new one will do."""

        async def reset(connection: asyncpg.Connection) -> bool:
            if await connection.fetchval(WHAT_NO_SCHEMA_HOLDS):
                return False
            schemas = await connection.fetchval(USER_SCHEMAS)
            await connection.execute(f"""
                {f"DROP SCHEMA {schemas} CASCADE;" if schemas else ""}
                CREATE SCHEMA public AUTHORIZATION pg_database_owner;
                GRANT USAGE ON SCHEMA public TO PUBLIC
            """)
            return True

        return asyncio.run(_connected(url, reset))

    def backends(self, url: str) -> list[str]:
        """A line for each client that is connected to the database of `url` now: state and last statement."""
        rows = self.query(
            "SELECT pid, application_name, state, query FROM pg_stat_activity"
            " WHERE datname = $1 AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
            database_name(url),
        )
        return [" ".join(str(value) for value in row) for row in rows]

    def query(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """The rows of one statement on a connection of its own. Not for use inside a running event loop."""
        return asyncio.run(_connected(self.url, lambda connection: connection.fetch(statement, *values)))

    def restart(self) -> None:
        """Stop at once, as a crash does, and start again on the same port: every connection is cut."""
        self._pg_ctl("restart", "-m", "immediate")

    def stop(self) -> None:
        self._pg_ctl("stop", "-m", "immediate")

    def start(self) -> None:
        self._pg_ctl("start")

    def _pg_ctl(self, *command: str) -> None:
        if self.folder is None or self.pg_ctl is None:
            raise ServerUnavailable("the server that the environment names is not ours to stop or restart")
        path = self.folder.path
        self.folder.run(self.pg_ctl, "-D", path / "data", "-l", path / "server.log", "-w", "-t", "60", *command)


async def _connected(url: str, use: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    connection = await asyncpg.connect(url)
    try:
        return await use(connection)
    finally:
        await connection.close()


def database_name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


@contextmanager
def start_postgres(product: Product = POSTGRES, *, private: bool = False) -> Iterator[PostgresServer]:
    """A server of our own, or that of `ARROWSYNC_TEST_POSTGRES_URL` unless it has to be `private`."""
    if not private and product.given_url:
        yield PostgresServer(product.given_url)
        return
    programs = product.find_programs()
    with private_folder("pg", pid_file="data/postmaster.pid", stop_signal="SIGQUIT") as folder:
        password = secrets.token_urlsafe(12)
        port = free_port()
        folder.run(
            programs["initdb"],
            *("--pgdata", folder.path / "data"),
            *("--username", "arrowsync", "--pwfile", folder.write("password", password)),
            *("--auth", "scram-sha-256"),
            *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"),
        )
        lines = {
            **SETTINGS,
            "port": port,
            "listen_addresses": "'127.0.0.1'",
            "unix_socket_directories": f"'{folder.path}'",
        }
        with (folder.path / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in lines.items())
        server = PostgresServer(
            f"postgresql://arrowsync:{password}@127.0.0.1:{port}/postgres", folder, programs["pg_ctl"]
        )
        try:
            server.start()
        except RuntimeError as error:
            log = folder.path / "server.log"
            raise RuntimeError(f"{error}\n{log.read_text() if log.exists() else ''}") from None
        try:
            yield server
        finally:
            if (folder.path / "data" / "postmaster.pid").exists():  # unless the test stopped it
                server.stop()
