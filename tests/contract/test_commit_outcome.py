"""What makes rows visible loses its answer, or is interrupted: what is said of it then is what the table holds.

A new statement that commits, on whatever engine, is one more `Commit` in COMMITS; a new way to lose or interrupt it is one more
function in WAYS.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from adbc_driver_postgresql import dbapi
from contract.relay import Relay, relayed, when_reached

import arrowsync
from arrowsync import ArrowSyncError, ConnectionLost, DatabaseError, PrimaryKey, aio

DATA = pa.table({"x": [1, 2, 3]})
POSTGRES = ("postgres", "postgres18")
MYSQL = ("mysql", "mariadb")
Call = Callable[[Any], Awaitable[Any]]


@dataclass
class Thing:
    __table_name__ = "thing"
    x: PrimaryKey[int]


async def insert(conn: Any) -> Any:
    return await aio.sync_table(DATA, "thing", conn, mode="insert")


async def insert_over_two(conn: Any) -> Any:
    return await aio.sync_table(DATA, "thing", conn, mode="insert", parallel=2)


async def upsert(conn: Any) -> Any:
    return await aio.sync_table(DATA, "thing", conn, key="x")


async def in_a_transaction(conn: Any) -> None:
    async with aio.connect(conn) as opened, opened.transaction():
        await aio.sync_table(DATA, "thing", opened, mode="insert")


async def by_a_statement(conn: Any) -> Any:
    async with aio.connect(conn) as opened:
        return await opened.execute("INSERT INTO thing VALUES (1), (2), (3)")


async def by_a_query(conn: Any) -> Any:
    async with aio.connect(conn) as opened:
        return await opened.fetch(
            "WITH made AS (INSERT INTO thing VALUES (1), (2), (3) RETURNING x) SELECT * FROM made"
        )


async def over_adbc(url: Any) -> Any:
    with dbapi.connect(url) as conn:
        return await aio.sync_table(DATA, "thing", conn, mode="insert")


@dataclass(frozen=True)
class Commit:
    """A statement that commits: the call that sends it, on which engines, and how it is known among all that is sent.

    `known` says whether its outcome can be found out where its answer is lost.
    """

    name: str
    call: Call
    engines: tuple[str, ...]
    at: bytes
    after: bytes = b""
    exists: bool = True
    known: bool = True


COMMITS = (
    Commit("insert", insert, POSTGRES, b"COMMIT"),
    Commit("insert", insert, MYSQL, b"COMMIT", after=b"LOAD DATA", known=False),
    Commit("upsert", upsert, POSTGRES[:1], b"COMMIT", exists=False),
    Commit("new table", insert, POSTGRES[:1], b"COMMIT", exists=False),
    Commit("over ADBC", over_adbc, POSTGRES[:1], b"COMMIT"),
    Commit("new table", insert, MYSQL, b"RENAME TABLE", exists=False),
    Commit("new table with a key", upsert, MYSQL, b"RENAME TABLE", exists=False),
    Commit("parallel", insert_over_two, POSTGRES[:1], b"COMMIT", after=b"STDIN"),
    Commit("parallel, new table", insert_over_two, POSTGRES[:1], b"COMMIT", after=b"STDIN", exists=False),
    Commit("parallel, new table", insert_over_two, MYSQL, b"RENAME TABLE", exists=False),
    Commit("parallel", insert_over_two, MYSQL, b"COMMIT", after=b"INSERT INTO `thing`", known=False),
    Commit("transaction", in_a_transaction, POSTGRES[:1], b"COMMIT"),
    Commit("transaction", in_a_transaction, MYSQL, b"COMMIT", after=b"LOAD DATA", known=False),
    Commit("statement", by_a_statement, ("postgres", *MYSQL), b"INSERT INTO thing", known=False),
    Commit("query", by_a_query, POSTGRES[:1], b"INSERT INTO thing", after=b"INSERT INTO thing", known=False),
)
CASES = [pytest.param(commit, engine, id=f"{commit.name}, {engine}") for commit in COMMITS for engine in commit.engines]


def rows(url: str) -> int:
    """How many rows are in the table; none, where it isn't there."""
    with arrowsync.connect(url) as conn:
        if not any(table.name.name == "thing" for table in arrowsync.discover(conn).tables):
            return 0
        count: int = conn.fetch("SELECT count(*) AS n FROM thing").to_pylist()[0]["n"]
        return count


def create(url: str, commit: Commit) -> None:
    if commit.exists:
        with arrowsync.connect(url) as conn:
            conn.execute("CREATE TABLE thing (x bigint)")


def check(url: str, commit: Commit, error: BaseException | None) -> None:
    """What is said is true; and who repeats what is called transient has the rows once."""
    there = rows(url)
    assert there in (0, 3)
    if error is None:
        assert there == 3
        return
    said: bool | None = getattr(error, "committed", False)
    if said is None:
        assert not commit.known
        assert not getattr(error, "transient", False)
        assert "may or may not" in " ".join([str(error), *getattr(error, "__notes__", [])])
        return
    assert there == (3 if said else 0)
    if said:
        assert any("was committed" in note for note in getattr(error, "__notes__", []))
    if getattr(error, "transient", False):
        asyncio.run(_awaited(commit.call, url))
        assert rows(url) == 3


async def _awaited(call: Call, conn: Any) -> Any:
    return await call(conn)


def outcome(run: Callable[[], Any]) -> BaseException | None:
    try:
        run()
    except (ArrowSyncError, asyncio.CancelledError, KeyboardInterrupt) as error:
        return error
    return None


def lose_the_statement(url: str, commit: Commit) -> BaseException | None:
    with relayed(url, "the statement is lost", commit.at, commit.after) as (relay, through):
        error = outcome(lambda: asyncio.run(_awaited(commit.call, through)))
        assert relay.reached.is_set()
    assert isinstance(error, ConnectionLost)
    return error


def lose_the_answer(url: str, commit: Commit) -> BaseException | None:
    with relayed(url, "the answer is lost", commit.at, commit.after) as (relay, through):
        error = outcome(lambda: asyncio.run(_awaited(commit.call, through)))
        assert relay.reached.is_set()
    assert (error is None) == commit.known
    return error


def cancel(url: str, commit: Commit) -> BaseException | None:
    async def main(relay: Relay, through: str) -> None:
        task = asyncio.create_task(_awaited(commit.call, through))
        await asyncio.to_thread(relay.reached.wait, 60)
        task.cancel()
        await asyncio.sleep(0)
        relay.release()
        await task

    with relayed(url, "the answer waits", commit.at, commit.after) as (relay, through):
        error = outcome(lambda: asyncio.run(main(relay, through)))
    assert isinstance(error, asyncio.CancelledError)
    return error


def cancel_and_lose(url: str, commit: Commit) -> BaseException | None:
    async def main(relay: Relay, through: str) -> None:
        task = asyncio.create_task(_awaited(commit.call, through))
        await asyncio.to_thread(relay.reached.wait, 60)
        task.cancel()
        await asyncio.sleep(0)
        relay.cut()
        await task

    with relayed(url, "the answer waits", commit.at, commit.after) as (relay, through):
        error = outcome(lambda: asyncio.run(main(relay, through)))
    assert isinstance(error, asyncio.CancelledError)
    return error


WAYS = (lose_the_statement, lose_the_answer, cancel, cancel_and_lose)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("commit", "engine"), CASES)
def test_what_is_said_of_a_commit_is_true(
    commit: Commit, engine: str, way: Callable[[str, Commit], BaseException | None], request: pytest.FixtureRequest
) -> None:
    url: str = request.getfixturevalue(f"{engine}_url")
    create(url, commit)
    check(url, commit, way(url, commit))


def test_a_session_that_is_ended_in_its_commit(postgres_url: str) -> None:
    """It is ended while a deferred trigger runs: nothing was committed, and whoever repeats it has the rows once."""
    with arrowsync.connect(postgres_url) as conn:
        conn.execute("CREATE TABLE thing (x bigint)")
        conn.execute(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NULL; END$$"
        )
        conn.execute(
            "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON thing DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION wait()"
        )
        conn.execute("SELECT pg_advisory_lock(7)")

        def end() -> None:
            waiting = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
            while not conn.fetch(f"SELECT pid {waiting}").num_rows:
                time.sleep(0.05)
            conn.execute(f"SELECT pg_terminate_backend(pid) {waiting}")
            conn.execute("SELECT pg_advisory_unlock(7)")

        ending = threading.Thread(target=end)
        ending.start()
        with pytest.raises(ConnectionLost) as raised:
            arrowsync.sync_table(DATA, "thing", postgres_url, mode="insert")
        ending.join()
    assert raised.value.transient
    assert raised.value.committed is False
    assert rows(postgres_url) == 0
    arrowsync.sync_table(DATA, "thing", postgres_url, mode="insert")
    assert rows(postgres_url) == 3


def test_a_transaction_in_which_a_statement_has_failed_says_that_nothing_was_committed(postgres_url: str) -> None:
    with arrowsync.connect(postgres_url) as conn:
        conn.execute("CREATE TABLE thing (x bigint)")

        def fail_and_go_on() -> None:
            with conn.transaction():
                conn.execute("INSERT INTO thing VALUES (1)")
                with suppress(DatabaseError):
                    conn.execute("SELECT 1 / 0")

        with pytest.raises(DatabaseError, match="nothing was committed"):
            fail_and_go_on()
        assert conn.fetch("SELECT * FROM thing").num_rows == 0


# ---- cancelled at every moment


class Cancelled:
    """A coroutine that is cancelled where it waits for the time number `at`; `waits` counts them."""

    def __init__(self, call: Awaitable[Any], at: int | None = None) -> None:
        self._call, self._at, self.waits = call, at, 0

    def __await__(self) -> Generator[Any, Any, Any]:
        waiting: Any = self._call.__await__()
        go_on: Callable[[], Any] = partial(waiting.send, None)
        while True:
            try:
                future = go_on()
            except StopIteration as end:
                return end.value
            self.waits += 1
            if self.waits == self._at:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                yield future
            except BaseException as error:
                go_on = partial(waiting.throw, error)
            else:
                go_on = partial(waiting.send, None)


LAST_MOMENTS = 16


@pytest.mark.parametrize("exists", [True, False], ids=["there", "new"])
def test_a_cancellation_at_any_of_the_last_moments_says_what_was_committed(database_url: str, exists: bool) -> None:
    """The moments around the commit: in the sweep some cancellations come before it, and some after."""

    async def moments(at: int | None) -> tuple[int, BaseException | None]:
        call = Cancelled(insert(database_url), at)
        try:
            await asyncio.ensure_future(_task(call))
        except asyncio.CancelledError as error:
            return call.waits, error
        return call.waits, None

    def attempt(at: int | None) -> tuple[int, BaseException | None, int]:
        with arrowsync.connect(database_url) as conn:
            conn.execute("DROP TABLE IF EXISTS thing")
            if exists:
                conn.execute("CREATE TABLE thing (x bigint)")
        waits, error = asyncio.run(moments(at))
        return waits, error, rows(database_url)

    whole, error, there = attempt(None)
    assert error is None
    assert there == 3
    said: set[bool] = set()
    for at in range(max(1, whole - LAST_MOMENTS), whole + 1):
        _, error, there = attempt(at)
        committed = getattr(error, "committed", False) if error is not None else True
        assert committed is (there == 3), f"cancelled at {at} of {whole}"
        if error is not None:
            said.add(committed)
            assert any("was committed" in note for note in getattr(error, "__notes__", [])) == committed
    assert True in said


async def _task(call: Cancelled) -> Any:
    return await call


# ---- Ctrl-C and SIGTERM


def _in_a_transaction(url: str) -> None:
    with arrowsync.connect(url) as conn, conn.transaction():
        arrowsync.sync_table(DATA, "thing", conn, mode="insert")


BLOCKING: dict[str, Callable[[str], Any]] = {
    "sync_table": lambda url: arrowsync.sync_table(DATA, "thing", url, mode="insert"),
    "transaction": _in_a_transaction,
}


@pytest.mark.parametrize("engine", ["postgres", "mysql"])
@pytest.mark.parametrize("what", BLOCKING)
def test_ctrl_c_in_a_commit(what: str, engine: str, request: pytest.FixtureRequest) -> None:
    url: str = request.getfixturevalue(f"{engine}_url")
    create(url, COMMITS[0])
    with relayed(url, "the answer waits", b"COMMIT", b"" if engine == "postgres" else b"LOAD DATA") as (relay, through):

        def interrupt() -> None:
            os.kill(os.getpid(), signal.SIGINT)
            relay.release()

        thread = when_reached(relay, interrupt)
        with pytest.raises(KeyboardInterrupt) as raised:
            BLOCKING[what](through)
        thread.join()
    assert rows(url) == 3
    assert getattr(raised.value, "committed", None) is True
    assert any("was committed" in note for note in raised.value.__notes__)


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


def _command(url: str, source: str, **more: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "arrowsync.cli", "load", source, url, "--table", "thing", "--mode", "insert"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **more)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_the_command_line_is_interrupted_in_a_commit(postgres_url: str, number: int, code: int, tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("x\n1\n2\n3\n")
    with relayed(postgres_url, "the answer waits", b"COMMIT") as (relay, through):
        process = _command(through, str(source))
        assert relay.reached.wait(60)
        process.send_signal(number)
        relay.release()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert rows(postgres_url) == 3
    assert "nothing was changed" not in said


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_the_command_line_is_interrupted_in_a_commit_that_is_lost(
    mysql_url: str, number: int, code: int, tmp_path: Path
) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("x\n1\n2\n3\n")
    create(mysql_url, COMMITS[0])
    with relayed(mysql_url, "the answer waits", b"COMMIT", b"LOAD DATA") as (relay, through):
        process = _command(through, str(source))
        assert relay.reached.wait(60)
        process.send_signal(number)
        relay.cut()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 6, said
    assert "may or may not" in said


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_the_command_line_is_interrupted_before_a_commit(postgres_url: str, number: int, code: int) -> None:
    with relayed(postgres_url, "the answer waits", b"SELECT") as (relay, through):
        process = _command(through, "-", stdin=subprocess.PIPE)
        assert process.stdin is not None
        process.stdin.write("x\n1\n")
        process.stdin.close()
        assert relay.reached.wait(60)
        process.send_signal(number)
        relay.release()
        process.wait(60)
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stderr.read()
        process.stdout.close()
        process.stderr.close()
    assert process.returncode == code, said
    assert "nothing was changed" in said
    assert rows(postgres_url) == 0


# ---- steps that commit one by one


@dataclass
class Widened:
    __table_name__ = "thing"
    x: PrimaryKey[int]
    y: str | None = None


@pytest.mark.parametrize("engine", MYSQL)
@pytest.mark.parametrize("verb", ["migrate", "sync_table"])
def test_an_alteration_that_commits_by_itself_is_told(engine: str, verb: str, request: pytest.FixtureRequest) -> None:
    """What is done when the call fails afterwards, and what may have been done where its answer is lost."""
    url: str = request.getfixturevalue(f"{engine}_url")
    arrowsync.migrate(Thing, url)
    call = (
        (lambda to: arrowsync.migrate(Widened, to))
        if verb == "migrate"
        else (lambda to: arrowsync.sync_table([(1, "a")], Widened, to))
    )
    with relayed(url, "the answer is lost", b"ALTER TABLE") as (_, through), pytest.raises(ConnectionLost) as raised:
        call(through)
    assert "may or may not have been made: add column thing.y" in str(raised.value)
    assert raised.value.transient
    call(url)
    with arrowsync.connect(url) as conn:
        assert conn.fetch("SELECT y FROM thing").num_rows == (0 if verb == "migrate" else 1)
