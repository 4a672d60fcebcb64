"""Several loaders create the same objects at the same time: all succeed, and nobody meets an error of the server's catalogue.

What can be created is a `Made` in OBJECTS; a new kind of object, or way to load, is one more there or in LOADS.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import duckdb
import pyarrow as pa
import pytest

import arrowsync
from arrowsync import DatabaseError, PrimaryKey

LOADERS = 8
EACH = 30


class Mood(Enum):
    sad = "sad"
    happy = "happy"


@dataclass
class Point:
    x: int
    y: int


@dataclass
class Everything:
    """A table in a namespace of its own, with an enum and a struct."""

    __table_name__ = "everything"
    __namespace__ = "together"
    id: PrimaryKey[int]
    mood: Mood
    point: Point


@dataclass
class Before:
    __table_name__ = "altered"
    id: PrimaryKey[int]


@dataclass
class After:
    __table_name__ = "altered"
    id: PrimaryKey[int]
    note: str | None = None


def together(work: Callable[[int], Any], loaders: int = LOADERS) -> list[Any]:
    """What comes of it in so many threads that begin at once; the first error is raised."""
    results: list[Any] = []
    errors: list[BaseException] = []
    start = threading.Barrier(loaders)

    def run(number: int) -> None:
        start.wait()
        try:
            results.append(work(number))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(loaders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def count(url: str, table: str) -> int:
    with arrowsync.connect(url) as conn:
        rows: int = conn.fetch(f"SELECT count(*) AS n FROM {table}").to_pylist()[0]["n"]
        return rows


LOADS: list[tuple[str, dict[str, Any], int]] = [
    ("upsert", {"mode": "upsert"}, LOADERS * EACH),
    ("insert", {"mode": "insert"}, LOADERS * EACH),
    ("replace", {"mode": "replace"}, EACH),
    ("mirror", {"mode": "mirror"}, EACH),
    ("replace without a key", {"mode": "replace", "key": None}, EACH),
    ("rejecting", {"mode": "upsert", "on_error": "reject"}, LOADERS * EACH),
    ("skipping", {"mode": "insert", "on_conflict": "skip"}, LOADERS * EACH),
]


@pytest.mark.parametrize(("options", "expected"), [load[1:] for load in LOADS], ids=[load[0] for load in LOADS])
def test_one_table(database_url: str, options: dict[str, Any], expected: int) -> None:
    def load(number: int) -> Any:
        rows = pa.table({"id": range(number * EACH, (number + 1) * EACH)})
        source = (batch for batch in rows.to_batches())  # which can't be read twice
        return arrowsync.sync_table(source, "made", database_url, **{"key": "id", **options})

    reports = together(load)
    assert count(database_url, "made") == expected
    assert sum(report.inserted for report in reports) == LOADERS * EACH
    assert sum(1 for report in reports if report.changes) == 1  # one has made it


@pytest.mark.parametrize("engine", ["postgres", "mysql", "mariadb"])
@pytest.mark.parametrize("mode", ["upsert", "insert"])
def test_one_table_over_several_connections_each(engine: str, mode: Any, request: pytest.FixtureRequest) -> None:
    url: str = request.getfixturevalue(f"{engine}_url")

    def load(number: int) -> Any:
        rows = pa.table({"id": range(number * EACH, (number + 1) * EACH)})
        return arrowsync.sync_table(rows, "made", url, key="id", mode=mode, parallel=2)

    together(load, 4)
    assert count(url, "made") == 4 * EACH


def test_a_namespace_its_types_and_its_table(database_url: str) -> None:
    def load(number: int) -> Any:
        rows = [(number * EACH + at, Mood.happy, Point(at, number)) for at in range(EACH)]
        return arrowsync.sync_table(rows, Everything, database_url)

    together(load)
    assert arrowsync.read_table(Everything, database_url).num_rows == LOADERS * EACH


def test_migrate(database_url: str) -> None:
    plans = together(lambda _: arrowsync.migrate(Everything, database_url))
    assert sum(1 for plan in plans if plan.steps) == 1
    assert not arrowsync.plan(Everything, database_url).steps


@pytest.mark.parametrize("verb", ["migrate", "sync_table"])
def test_the_same_column(database_url: str, verb: str) -> None:
    arrowsync.sync_table([(1,)], Before, database_url)
    if verb == "migrate":
        together(lambda _: arrowsync.migrate(After, database_url))
    else:
        together(lambda number: arrowsync.sync_table([(number + 10, "a")], After, database_url))
        assert count(database_url, "altered") == LOADERS + 1
    assert not arrowsync.plan(After, database_url).steps


def test_other_tables_do_not_wait(postgres_url: str) -> None:
    """A load that creates a table keeps nobody from creating another one."""
    inside, go_on = threading.Event(), threading.Event()

    def slow() -> Any:
        yield {"id": 1}
        inside.set()
        assert go_on.wait(60)

    loading = threading.Thread(target=lambda: arrowsync.sync_table(slow(), "slow", postgres_url, key="id"))
    loading.start()
    assert inside.wait(60)
    arrowsync.sync_table([{"id": 1}], "quick", postgres_url, key="id")
    go_on.set()
    loading.join()
    assert count(postgres_url, "slow") == count(postgres_url, "quick") == 1


def _in_a_process(url: str, number: int, start: Any, said: Any) -> None:
    start.wait()
    try:
        arrowsync.sync_table(pa.table({"id": range(number * EACH, (number + 1) * EACH)}), "made", url, key="id")
    except BaseException as error:
        said.put(repr(error))
    else:
        said.put(None)


@pytest.mark.parametrize("engine", ["postgres", "mysql"])
def test_processes(engine: str, request: pytest.FixtureRequest) -> None:
    url: str = request.getfixturevalue(f"{engine}_url")
    context = multiprocessing.get_context("spawn")
    start, said = context.Barrier(3), context.SimpleQueue()
    processes = [context.Process(target=_in_a_process, args=(url, number, start, said)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [said.get() for _ in processes] == [None, None, None]
    assert count(url, "made") == 3 * EACH


def test_a_transaction_of_ones_own_says_who_was_first(postgres_url: str) -> None:
    """Its snapshot is older than the table that somebody else has made, so it can't begin again by itself."""
    with arrowsync.connect(postgres_url) as conn:
        conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        conn.fetch("SELECT count(*) AS n FROM pg_class")
        arrowsync.sync_table([{"id": 1}], "made", postgres_url, key="id")
        with pytest.raises(DatabaseError, match="somebody else") as raised:
            arrowsync.sync_table([{"id": 2}], "made", conn, key="id")
        assert raised.value.transient
        conn.execute("ROLLBACK")
        arrowsync.sync_table([{"id": 2}], "made", conn, key="id")
    assert count(postgres_url, "made") == 2


def test_a_native_duckdb_connection_and_a_url(duckdb_url: str) -> None:
    """They wait for each other too: it is the same file of the same process."""
    native = duckdb.connect(duckdb_url.removeprefix("duckdb:///"))
    try:

        def load(number: int) -> Any:
            target: Any = native.cursor() if number % 2 else duckdb_url
            return arrowsync.sync_table([{"id": number}], "made", target, key="id")

        together(load)
    finally:
        native.close()
    assert count(duckdb_url, "made") == LOADERS
