"""What every test gets: private servers, an empty database of its own, and a check that it left nothing behind."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from servers import ServerUnavailable
from servers.postgres import PostgresServer, start_postgres

# The databases that the contract suite runs on: name -> the fixture that gives the URL of a fresh, empty one.
DATABASES = {
    "duckdb": "duckdb_url",
    "postgres": "postgres_url",
}

# Threads that live as long as the process, by design, by how their names start.
LASTING_THREADS = (
    "arrowsync-loop",  # the blocking flavour's event loop, started on first use
    "IPythonHistory",
)
GRACE_SECONDS = 3.0

# Two shared cores make single examples slow now and then, which is no failure.
settings.register_profile("arrowsync", settings.get_profile("ci" if os.environ.get("CI") else "default"), deadline=None)
settings.register_profile("soak", max_examples=5_000, deadline=None)
settings.load_profile("arrowsync")

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
def _empty_databases(postgres_server: PostgresServer) -> Iterator[list[str]]:
    """URLs of databases that a test has finished with and that are empty again."""
    urls: list[str] = []
    yield urls
    for url in urls:
        postgres_server.drop_database(url)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, _empty_databases: list[str]) -> Iterator[str]:
    """The URL of an empty PostgreSQL database. The test fails if it left a connection to it open."""
    url = _empty_databases.pop() if _empty_databases else postgres_server.create_database()
    yield url
    backends = _wait_until_none(lambda: postgres_server.backends(url), every=0.05)
    if not backends and postgres_server.reset_database(url):
        _empty_databases.append(url)
    else:
        postgres_server.drop_database(url)
    if backends:
        pytest.fail("the test left connections to its database open:\n" + "\n".join(backends), pytrace=False)


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
    if threads := _wait_until_none(new_threads, every=0.01):
        pytest.fail("the test left threads running:\n" + "\n".join(threads), pytrace=False)
    errors = [r for r in caplog.get_records("call") if r.name == "asyncio" and r.levelno >= logging.ERROR]
    if errors:
        pytest.fail("an event loop reported:\n" + "\n".join(r.getMessage() for r in errors), pytrace=False)


def _wait_until_none(left: Callable[[], list[str]], *, every: float) -> list[str]:
    """What is left of `left()` after a grace period: a server needs a moment to notice that a client is gone."""
    end = time.monotonic() + GRACE_SECONDS
    while (found := left()) and time.monotonic() < end:
        time.sleep(every)
    return found
