"""What every test gets: private servers, an empty database of its own, and a check that it left nothing behind."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from servers import ServerUnavailable
from servers.databases import ConnectionsLeft, DatabasePool, wait_until_none
from servers.mariadb import start_mariadb
from servers.mysql import start_mysql
from servers.mysqlkind import MySqlServer
from servers.postgres import POSTGRES18, PostgresServer, start_postgres

# The databases that the contract suite runs on: name -> the fixture that gives the URL of a fresh, empty one.
DATABASES = {
    "duckdb": "duckdb_url",
    "sqlite": "sqlite_url",
    "postgres": "postgres_url",
    "postgres18": "postgres18_url",
    "mysql": "mysql_url",
    "mariadb": "mariadb_url",
}

# Threads that live as long as the process, by design, by how their names start.
LASTING_THREADS = (
    "arrowsync-loop",  # the blocking flavour's event loop, started on first use
    "asyncio_",  # and its executor, which looks up the names of hosts
    "IPythonHistory",
)

# Two shared cores make single examples slow now and then, which is no failure.
settings.register_profile("arrowsync", settings.get_profile("ci" if os.environ.get("CI") else "default"), deadline=None)
settings.register_profile("quick", max_examples=20, deadline=None)
settings.register_profile("soak", max_examples=5_000, deadline=None)
settings.load_profile("arrowsync")

# A shell that runs the tests in the background has them ignore Ctrl-C, and with them every process that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_unavailable: dict[str, str] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _unavailable:
        terminalreporter.section("SERVERS THAT WERE NOT TESTED", red=True, bold=True)
        for reason in _unavailable.values():
            terminalreporter.line(reason, red=True)


@contextmanager
def _needs_server(product: str) -> Iterator[None]:
    """A server that can't be had fails CI, and is a loud skip elsewhere."""
    try:
        yield
    except ServerUnavailable as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        _unavailable[product] = str(error)
        pytest.skip(str(error))


@pytest.fixture
def duckdb_url(tmp_path: Path) -> str:
    """The URL of a DuckDB file that doesn't exist yet."""
    return f"duckdb:///{tmp_path / 'test.duckdb'}"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite file that doesn't exist yet."""
    return f"sqlite:///{tmp_path / 'test.db'}"


def _lend(pool: DatabasePool) -> Iterator[str]:
    try:
        with pool.lend() as url:
            yield url
    except ConnectionsLeft as error:
        pytest.fail(f"the test left connections to its database open:\n{error}", pytrace=False)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The PostgreSQL server of this run: for all tests, so none may stop or restart it."""
    with _needs_server("PostgreSQL"), start_postgres() as server:
        yield server


@pytest.fixture
def private_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of the test's own, to stop, restart or kill."""
    with _needs_server("PostgreSQL"), start_postgres(private=True) as server:
        yield server


@pytest.fixture(scope="session")
def _postgres_databases(postgres_server: PostgresServer) -> Iterator[DatabasePool]:
    with closing(DatabasePool(postgres_server)) as pool:
        yield pool


@pytest.fixture
def postgres_url(_postgres_databases: DatabasePool) -> Iterator[str]:
    """The URL of an empty PostgreSQL database. The test fails if it left a connection to it open."""
    yield from _lend(_postgres_databases)


@pytest.fixture(scope="session")
def postgres18_server() -> Iterator[PostgresServer]:
    """The PostgreSQL 18 server of this run: for all tests, so none may stop or restart it."""
    with _needs_server("PostgreSQL 18"), start_postgres(POSTGRES18) as server:
        yield server


@pytest.fixture
def private_postgres18() -> Iterator[PostgresServer]:
    """A PostgreSQL 18 server of the test's own, to stop, restart or kill."""
    with _needs_server("PostgreSQL 18"), start_postgres(POSTGRES18, private=True) as server:
        yield server


@pytest.fixture(scope="session")
def _postgres18_databases(postgres18_server: PostgresServer) -> Iterator[DatabasePool]:
    with closing(DatabasePool(postgres18_server)) as pool:
        yield pool


@pytest.fixture
def postgres18_url(_postgres18_databases: DatabasePool) -> Iterator[str]:
    """The URL of an empty PostgreSQL 18 database. The test fails if it left a connection to it open."""
    yield from _lend(_postgres18_databases)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MySqlServer]:
    """The MariaDB server of this run: for all tests, so none may stop or restart it."""
    with _needs_server("MariaDB"), start_mariadb() as server:
        yield server


@pytest.fixture
def private_mariadb() -> Iterator[MySqlServer]:
    """A MariaDB server of the test's own, to stop, restart or kill."""
    with _needs_server("MariaDB"), start_mariadb(private=True) as server:
        yield server


@pytest.fixture(scope="session")
def _mariadb_databases(mariadb_server: MySqlServer) -> Iterator[DatabasePool]:
    with closing(DatabasePool(mariadb_server)) as pool:
        yield pool


@pytest.fixture
def mariadb_url(_mariadb_databases: DatabasePool) -> Iterator[str]:
    """The URL of an empty MariaDB database. The test fails if it left a connection to it open."""
    yield from _lend(_mariadb_databases)


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[MySqlServer]:
    """The MySQL server of this run: for all tests, so none may stop or restart it."""
    with _needs_server("MySQL"), start_mysql() as server:
        yield server


@pytest.fixture
def private_mysql() -> Iterator[MySqlServer]:
    """A MySQL server of the test's own, to stop, restart or kill."""
    with _needs_server("MySQL"), start_mysql(private=True) as server:
        yield server


@pytest.fixture(scope="session")
def _mysql_databases(mysql_server: MySqlServer) -> Iterator[DatabasePool]:
    with closing(DatabasePool(mysql_server)) as pool:
        yield pool


@pytest.fixture
def mysql_url(_mysql_databases: DatabasePool) -> Iterator[str]:
    """The URL of an empty MySQL database. The test fails if it left a connection to it open."""
    yield from _lend(_mysql_databases)


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, once for each kind of database."""
    url: str = request.getfixturevalue(DATABASES[request.param])
    return url


@pytest.fixture(autouse=True)
def leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail the test that leaves a thread running, or an exception in an event loop that nobody saw."""
    before = set(threading.enumerate())

    def new_threads() -> list[str]:
        new = set(threading.enumerate()) - before
        return [repr(thread) for thread in new if not thread.name.startswith(LASTING_THREADS)]

    yield
    if threads := wait_until_none(new_threads, every=0.01):
        pytest.fail("the test left threads running:\n" + "\n".join(threads), pytrace=False)
    errors = [r for r in caplog.get_records("call") if r.name == "asyncio" and r.levelno >= logging.ERROR]
    if errors:
        pytest.fail("an event loop reported:\n" + "\n".join(r.getMessage() for r in errors), pytrace=False)
