"""A source that uses what it is loaded into would wait for itself: it is refused at once, and what doesn't wait works.

WAYS are the ways in which a source runs; each is read in another thread or task. A new one is a line there.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import copy_context
from typing import Any

import pyarrow as pa
import pytest

import arrowsync
from arrowsync import DatabaseError, DeclarationError, aio

ROWS = 12_000
AT = (0, 10_000)
"""The rows before which the source acts: as it is opened, and while its rows are sent."""

pytestmark = pytest.mark.timeout(60)
Act = Callable[[], object]


def rows(act: Act, at: int) -> Iterator[dict[str, int]]:
    for n in range(ROWS):
        if n == at:
            act()
        yield {"id": n}


def batches(act: Act, at: int) -> Iterator[pa.RecordBatch]:
    for n in range(0, ROWS, 5_000):
        if n == at:
            act()
        yield pa.record_batch({"id": range(n, n + 5_000)})


def act_in_its_context(act: Act) -> Callable[[], object]:
    context = copy_context()
    return lambda: context.run(act)


def read(act: Act, at: int) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(pa.schema({"id": pa.int64()}), batches(act, at))


WAYS: dict[str, Callable[[Act, int], Any]] = {
    "rows": rows,
    "frames": batches,
    "a reader": read,
    "an open stream": lambda act, at: arrowsync.open_source(rows(act, at)) if at else rows(act, at),
}


def load(data: Any, table: str, conn: Any, **options: Any) -> Any:
    return arrowsync.sync_table(data, table, conn, **{"key": "id", **options})


def wider(url: str, table: str) -> Any:
    return arrowsync.migrate(pa.schema({"id": pa.int64(), "x": pa.int64()}).with_metadata({"name": table}), url)


@pytest.fixture(params=["duckdb", "postgres", "mysql"])
def url(request: pytest.FixtureRequest) -> str:
    """Of each engine one: what is told apart is the same on all versions."""
    its: str = request.getfixturevalue(f"{request.param}_url")
    return its


def test_what_loads_its_own_table_is_refused(url: str) -> None:
    """Over a connection of its own, whether the table is created or there already, and whatever makes rows of the source."""
    acts: list[Act] = [
        lambda: load([{"id": -1}], "looped", url),
        lambda: load([{"id": -1, "x": 1}], "looped", url, mode="insert"),
        lambda: wider(url, "looped"),
        # by way of another load
        lambda: load(rows(lambda: load([{"id": -1}], "looped", url), 0), "between", url),
    ]
    for existing in (False, True):
        for (way, source), act in zip(WAYS.items(), acts, strict=True):
            for at in AT:
                with pytest.raises(DeclarationError, match=r"looped.* by the source of a load into it") as raised:
                    load(source(act, at), "looped", url)
                assert raised.value.table == "looped", way
        with arrowsync.connect(url) as conn:
            names = [table.name.name for table in arrowsync.discover(conn).tables]
            assert names == (["looped"] if existing else [])
            if not existing:
                load([{"id": -2}], "looped", conn)
    assert arrowsync.read_table("looped", url).to_pylist() == [{"id": -2}]


def test_an_async_source_too(url: str) -> None:
    async def twice(at: int) -> None:
        async def its() -> AsyncIterator[dict[str, int]]:
            for row in rows(lambda: None, -1):
                if row["id"] == at:
                    await asyncio.create_task(aio.sync_table([{"id": -1}], "looped", url, key="id"))
                yield row

        with pytest.raises(DeclarationError, match="looped"):
            await aio.sync_table(its(), "looped", url, key="id")

    for at in AT:
        asyncio.run(twice(at))


def test_also_over_several_connections(postgres_url: str, mysql_url: str) -> None:
    for url in (postgres_url, mysql_url):
        source = rows(lambda url=url: load([{"id": -1}], "looped", url), AT[1])
        with pytest.raises(DeclarationError, match="looped"):
            load(source, "looped", url, parallel=2)


def test_other_tables_and_other_databases_can_be_loaded(url: str, tmp_path: Any) -> None:
    """Also what the source only plans, and the same table when the load has ended."""
    later: list[Callable[[], object]] = []

    def act() -> None:
        load([{"id": 1}], "other", url)
        load([{"id": 1}], "looped", f"duckdb:///{tmp_path / 'another.duckdb'}")
        load([{"id": 1}], "looped", url, dry_run=True)
        later.append(act_in_its_context(lambda: load([{"id": -1}], "looped", url)))

    assert load(rows(act, AT[1]), "looped", url).inserted == ROWS
    later[0]()
    assert arrowsync.read_table("looped", url).num_rows == ROWS + 1


def test_a_load_by_somebody_else_is_waited_for(url: str) -> None:
    """Of two loads of one table that don't come from each other, the later one waits."""
    begun, go_on = threading.Event(), threading.Event()

    def act() -> None:
        begun.set()
        assert go_on.wait(30)

    first = threading.Thread(target=lambda: load(rows(act, AT[1]), "looped", url))
    second = threading.Thread(target=lambda: load([{"id": -1}], "looped", url))
    first.start()
    assert begun.wait(30)
    second.start()
    second.join(0.5)
    assert second.is_alive()
    go_on.set()
    first.join()
    second.join()
    assert arrowsync.read_table("looped", url).num_rows == ROWS + 1


def _begins(conn: arrowsync.Connection) -> None:
    with conn.transaction():
        pass


CALLS: dict[str, Callable[[arrowsync.Connection], object]] = {
    "fetch": lambda conn: conn.fetch("SELECT 1 AS a"),
    "execute": lambda conn: conn.execute("SELECT 1"),
    "stream": lambda conn: list(conn.stream("SELECT 1 AS a")),
    "transaction": _begins,
    "read_table": lambda conn: arrowsync.read_table("other", conn),
    "read_batches": lambda conn: list(arrowsync.read_batches("other", conn)),
    "sync_table": lambda conn: load([{"id": 1}], "other", conn),
    "migrate": lambda conn: arrowsync.migrate(pa.schema({"id": pa.int64()}).with_metadata({"name": "b"}), conn),
    "plan": lambda conn: arrowsync.plan(pa.schema({"id": pa.int64()}).with_metadata({"name": "b"}), conn),
    "discover": arrowsync.discover,
}


def test_the_connection_that_is_loaded_is_busy(url: str) -> None:
    with arrowsync.connect(url) as conn:
        load([{"id": -1}], "other", conn)
        load([{"id": -1}], "looped", conn)
        for call in CALLS.values():
            with pytest.raises(DatabaseError, match="busy with loading this very source"):
                load(rows(lambda call=call: call(conn), AT[1]), "looped", conn)
            with pytest.raises(DatabaseError, match="busy with loading this very source"), conn.transaction():
                load(rows(lambda call=call: call(conn), 0), "looped", conn)
        assert conn.fetch("SELECT count(*) AS n FROM looped").to_pylist() == [{"n": 1}]


def test_a_source_is_in_the_transaction_that_its_load_is_in(url: str) -> None:
    """So it reads the second connection, which would else wait for the end of that transaction."""
    with arrowsync.connect(url) as conn, arrowsync.connect(url) as second:
        found: list[Any] = []

        def act() -> None:
            found.append(second.fetch("SELECT 1 AS a").to_pylist())

        for at in AT:
            with second.transaction():
                load(rows(act, at), "looped", conn)
        assert found == [[{"a": 1}]] * 2


def test_a_progress_function_does_not_use_the_connection(duckdb_url: str) -> None:
    with (
        arrowsync.connect(duckdb_url) as conn,
        pytest.raises(DatabaseError, match="busy with loading this very source"),
    ):
        load(rows(lambda: None, -1), "looped", conn, progress=lambda rows, total: conn.fetch("SELECT 1 AS a"))
