"""A program that opens a connection and forks; it prints, as JSON, the outcome of each operation in the child and the parent.

python -m contract.forking '{"url": ..., "way": "arrowsync", "start": "exit"}'
"""

from __future__ import annotations

import asyncio
import inspect
import json
import multiprocessing
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import arrowsync
from arrowsync import PrimaryKey, aio


@dataclass
class Forked:
    id: PrimaryKey[int]


ROWS = [{"id": 1}]

VERBS: dict[str, Callable[[Any, Any], Any]] = {
    "sync_table": lambda api, conn: api.sync_table(ROWS, Forked, conn),
    "plan": lambda api, conn: api.plan(Forked, conn),
    "migrate": lambda api, conn: api.migrate(Forked, conn),
    "discover": lambda api, conn: api.discover(conn),
    "read_table": lambda api, conn: api.read_table(Forked, conn),
    "read_batches": lambda api, conn: all_of(api.read_batches(Forked, conn)),
}
"""Each public function that takes a connection."""

METHODS: dict[str, Callable[[Any], Any]] = {
    "execute": lambda conn: conn.execute("INSERT INTO there VALUES (111)"),
    "fetch": lambda conn: conn.fetch("SELECT 111 AS n"),
    "stream": lambda conn: all_of(conn.stream("SELECT 111 AS n")),
    "transaction": lambda conn: entered(conn.transaction()),
}
"""Each method of a connection but close."""


def all_of(batches: Any) -> Any:
    async def read() -> list[Any]:
        return [batch async for batch in batches]

    return read() if hasattr(batches, "__aiter__") else list(batches)


def entered(scope: Any) -> Any:
    return scope.__aenter__() if hasattr(scope, "__aenter__") else scope.__enter__()


def outcome(call: Callable[[], Any]) -> str:
    try:
        result = call()
        if inspect.isawaitable(result):
            result = asyncio.run(awaited(result))
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return str(result)


async def awaited(call: Any) -> Any:
    return await call


@dataclass
class Opened:
    """A connection, its owner's way to call, and the functions that take it."""

    conn: Any
    api: Any
    run: Callable[[Any], Any]
    loop: asyncio.AbstractEventLoop | None = None

    def fetched(self, number: int) -> Any:
        if hasattr(self.conn, "fetch") and self.conn.__class__.__module__.startswith("arrowsync"):
            return self.run(self.conn.fetch(f"SELECT {number} AS n")).to_pylist()
        self.run(self.api.sync_table([{"id": number}], Forked, self.conn, mode="replace"))
        return [{"n": row["id"]} for row in self.run(self.api.read_table(Forked, self.conn)).to_pylist()]

    def end(self) -> None:
        """Close what was opened."""
        if self.loop is None:
            self.conn.close()
            return
        self.run(self.conn.ensure_closed() if hasattr(self.conn, "ensure_closed") else self.conn.close())
        self.run(asyncio.sleep(0.01))  # the transport
        self.loop.close()


def opened(url: str, way: str) -> Opened:
    if way in ("arrowsync.aio", "asyncpg", "aiomysql"):
        loop = asyncio.new_event_loop()
        return Opened(loop.run_until_complete(opened_in_loop(url, way)), aio, loop.run_until_complete, loop)
    match way:
        case "arrowsync":
            return Opened(arrowsync.connect(url), arrowsync, lambda result: result)
        case "duckdb":
            import duckdb

            return Opened(duckdb.connect(url.removeprefix("duckdb:///")), arrowsync, lambda result: result)
        case "adbc":
            from adbc_driver_postgresql import dbapi

            return Opened(dbapi.connect(url), arrowsync, lambda result: result)
        case _:
            raise AssertionError(way)


async def opened_in_loop(url: str, way: str) -> Any:
    match way:
        case "asyncpg":
            import asyncpg

            return await asyncpg.connect(url)
        case "aiomysql":
            import aiomysql

            parts = urlsplit(url)
            return await aiomysql.connect(
                host=parts.hostname or "",
                port=parts.port or 3306,
                user=parts.username,
                password=parts.password or "",
                db=parts.path[1:],
                local_infile=True,
                autocommit=True,
            )
        case _:
            return await aio.connect(url)


def child(parent: Opened, url: str, way: str, report: Path) -> None:
    """Use what the parent has opened, then a connection of this process."""
    found = {name: outcome(lambda verb=verb: verb(parent.api, parent.conn)) for name, verb in VERBS.items()}
    if way.startswith("arrowsync"):
        found |= {name: outcome(lambda method=method: method(parent.conn)) for name, method in METHODS.items()}
        found["close"] = outcome(parent.conn.close)
    own = url
    if url.startswith("duckdb"):
        found["own file"] = outcome(lambda: arrowsync.connect(url))
        own = "duckdb://"
    with arrowsync.connect(own) as conn:
        arrowsync.sync_table([{"id": 5}], "of_child", conn, key="id")
        found["own"] = str(arrowsync.read_table("of_child", conn).to_pylist())
    report.write_text(json.dumps(found))


def in_pool(number: int) -> int:
    """The work of a pool whose processes open their connections themselves."""
    with arrowsync.connect(os.environ["FORKING_URL"]) as conn:
        return int(conn.fetch(f"SELECT {number} AS n").column(0)[0].as_py())


def main() -> None:
    given = json.loads(sys.argv[1])
    url, way, start, report = given["url"], given["way"], given["start"], Path(given["report"])
    parent = opened(url, way)
    before = parent.fetched(1)
    found: dict[str, Any] = {}
    if start in ("exit", "_exit"):
        if (pid := os.fork()) == 0:
            child(parent, url, way, report)
            sys.stdout.flush()
            if start == "_exit":
                os._exit(0)
            sys.exit()  # destructors and atexit run
        _, status = os.waitpid(pid, 0)
        found["status"] = status
    elif start == "process":
        process = multiprocessing.get_context("fork").Process(target=child, args=(parent, url, way, report))
        process.start()
        process.join()
        found["status"] = process.exitcode
    else:
        context: Any = multiprocessing.get_context(start)
        found["sent"] = outcome(lambda: context.Process(target=print, args=(parent.conn,)).start())
        os.environ["FORKING_URL"] = "duckdb://" if url.startswith("duckdb") else url
        with context.Pool(2) as pool:
            found["pool"] = pool.map(in_pool, [7, 8, 9])
    if report.exists():
        found["child"] = json.loads(report.read_text())
    found["before"], found["after"] = before, parent.fetched(3)
    if start != "exit":
        parent.end()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
