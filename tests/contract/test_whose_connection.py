"""A connection belongs to the process and the event loop that opened it: elsewhere it is refused before a byte is sent."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contract.forking import METHODS, VERBS, opened

import arrowsync
from arrowsync import DeclarationError

WAYS = [
    ("duckdb", "arrowsync"),
    ("duckdb", "arrowsync.aio"),
    ("duckdb", "duckdb"),
    ("postgres", "arrowsync"),
    ("postgres", "arrowsync.aio"),
    ("postgres", "adbc"),
    ("postgres", "asyncpg"),
    ("mysql", "arrowsync"),
    ("mysql", "arrowsync.aio"),
    ("mysql", "aiomysql"),
    ("mariadb", "arrowsync"),
    ("mariadb", "aiomysql"),
]
"""Every engine, and every kind of connection that is one to it."""
LOOP_BOUND = [way for way in WAYS if way[1] in ("arrowsync.aio", "asyncpg", "aiomysql")]


@pytest.fixture
def url_of(request: pytest.FixtureRequest) -> Callable[[str], str]:
    def url(product: str) -> str:
        found: str = request.getfixturevalue(f"{product}_url")
        with arrowsync.connect(found) as conn:
            conn.execute("CREATE TABLE there (n integer)")
        return found

    return url


def ran(url: str, way: str, start: str, folder: Path) -> dict[str, Any]:
    """What the program says of its child and itself."""
    given = {"url": url, "way": way, "start": start, "report": str(folder / "report.json")}
    tests = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-m", "contract.forking", json.dumps(given)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": tests},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def rows(url: str) -> list[dict[str, Any]]:
    with arrowsync.connect(url) as conn:
        found: list[dict[str, Any]] = conn.fetch("SELECT n FROM there").to_pylist()
        return found


def test_each_public_name_that_takes_a_connection_is_tried() -> None:
    takers = {
        name
        for name in arrowsync.__all__
        if inspect.isfunction(value := getattr(arrowsync, name)) and "conn" in inspect.signature(value).parameters
    }
    assert takers == set(VERBS)
    methods = {name for name, _ in inspect.getmembers(arrowsync.Connection, inspect.isfunction) if name[0] != "_"}
    assert methods == {*METHODS, "close"}


@pytest.mark.parametrize(
    ("product", "way", "start"),
    [(*way, "exit") for way in WAYS] + [("mysql", "arrowsync", "_exit"), ("postgres", "arrowsync", "process")],
)
def test_a_forked_child(product: str, way: str, start: str, url_of: Callable[[str], str], tmp_path: Path) -> None:
    """It is refused whatever it does, opens a connection of its own, and ends; the parent's connection goes on."""
    url = url_of(product)
    found = ran(url, way, start, tmp_path)
    said = found["child"]
    refused = {*VERBS, *METHODS} if way.startswith("arrowsync") else set(VERBS)
    for name in refused:
        assert said[name].startswith("DeclarationError"), (name, said[name])
        assert "arrowsync.connect(url)" in said[name] or "event loop" in said[name]
    assert said.get("close", "None") == "None"
    assert said["own"] == "[{'id': 5}]"
    assert "in use by another process" in said.get("own file", "in use by another process")
    assert (found["status"], found["before"], found["after"]) == (0, [{"n": 1}], [{"n": 3}])
    assert rows(url) == []


@pytest.mark.parametrize(
    ("product", "start"), [("postgres", "fork"), ("mysql", "fork"), ("mariadb", "spawn"), ("duckdb", "forkserver")]
)
def test_processes_that_open_their_own(product: str, start: str, url_of: Callable[[str], str], tmp_path: Path) -> None:
    """A pool of processes works beside a connection of the parent, which can't be sent to a process that is spawned."""
    found = ran(url_of(product), "arrowsync", start, tmp_path)
    assert found["pool"] == [7, 8, 9]
    assert found["after"] == [{"n": 3}]
    if start != "fork":  # where nothing is sent
        assert found["sent"].startswith("DeclarationError: a connection can't be copied, or sent to another process")


@pytest.mark.parametrize("way", ["arrowsync", "arrowsync.aio"])
def test_a_connection_is_neither_pickled_nor_copied(way: str) -> None:
    parent = opened("duckdb://", way)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(DeclarationError, match="sent to another process"):
            attempt(parent.conn)
    parent.end()


@pytest.mark.parametrize(("product", "way"), LOOP_BOUND)
def test_another_event_loop(product: str, way: str, url_of: Callable[[str], str]) -> None:
    """Each call is refused there, and the connection is none the worse in its own."""
    url = url_of(product)
    parent = opened(url, way)
    ours = way.startswith("arrowsync")
    calls: dict[str, Callable[[], Any]] = {
        name: lambda verb=verb: verb(parent.api, parent.conn) for name, verb in VERBS.items()
    }
    if ours:
        calls |= {name: lambda method=method: method(parent.conn) for name, method in METHODS.items()}
        calls["close"] = parent.conn.close
    parent.fetched(1)
    for name, call in calls.items():

        async def elsewhere(call: Callable[[], Any] = call) -> None:
            await call()

        with pytest.raises(DeclarationError, match="another event loop") as refused:
            asyncio.run(elsewhere())
        assert refused.value.hint, name
        assert "open a connection in this event loop" in refused.value.hint
    assert parent.fetched(2) == [{"n": 2}]
    parent.end()
    assert rows(url) == []


@pytest.mark.parametrize("product", ["duckdb", "postgres", "mysql", "mariadb"])
def test_what_was_begun_in_one_loop_goes_on_in_no_other(product: str, url_of: Callable[[str], str]) -> None:
    parent = opened(url_of(product), "arrowsync.aio")
    stream = parent.conn.stream("SELECT 1 AS n")
    assert parent.run(anext(stream)).num_rows == 1
    for call in (lambda: anext(stream), stream.aclose):
        with pytest.raises(DeclarationError, match="another event loop"):
            asyncio.run(awaited(call))
    parent.run(stream.aclose())
    scope = parent.conn.transaction()
    parent.run(scope.__aenter__())
    with pytest.raises(DeclarationError, match="another event loop"):
        asyncio.run(awaited(lambda: scope.__aexit__(None, None, None)))
    parent.run(scope.__aexit__(None, None, None))
    assert parent.fetched(2) == [{"n": 2}]
    parent.end()


async def awaited(call: Callable[[], Any]) -> Any:
    return await call()


IN_TWO_LOOPS = """
import asyncio, sys
from arrowsync import aio

async def connected():
    return await aio.connect(sys.argv[1])

async def used():
    return await conn.fetch("SELECT 1 AS n")

async def closed():
    await conn.close()

conn = asyncio.run(connected())
for call in (used, closed, closed, used):
    try:
        asyncio.run(call())
        print("done")
    except Exception as error:
        print(type(error).__name__, str(error))
"""


@pytest.mark.parametrize("product", ["duckdb", "postgres", "mysql"])
def test_a_connection_whose_loop_is_closed_can_be_closed(product: str, url_of: Callable[[str], str]) -> None:
    """The usual mistake: opened in one asyncio.run, used in the next."""
    command = [sys.executable, "-c", IN_TWO_LOOPS, url_of(product)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    first, second, third, last = [line for line in done.stdout.splitlines() if not line.startswith("Hint")]
    assert first.startswith("DeclarationError the connection belongs to another event loop")
    assert (second, third, last) == ("done", "done", first)
