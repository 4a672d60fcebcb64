"""What is SQLite's own: values that it would change, connections of the user's, locks between connections, triggers."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, make_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pyarrow as pa
import pytest
from contract.items import Item, item

import arrowsync
from arrowsync import ConversionError, DatabaseError, DeclarationError, PrimaryKey, TimeZone, aio


@pytest.fixture
def own(sqlite_url: str) -> Iterator[sqlite3.Connection]:
    """A connection of the user's own, with the settings that could change what is read."""
    path = sqlite_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        connection.row_factory = sqlite3.Row
        connection.text_factory = bytes
        yield connection


def test_a_connection_of_the_users_stays_as_it_was(own: sqlite3.Connection) -> None:
    assert arrowsync.sync_table([item(1, "é", "2.50")], Item, own).inserted == 1
    assert arrowsync.read_table(Item, own).to_pylist() == [{"id": 1, "name": "é", "price": Decimal("2.50")}]
    assert (own.row_factory, own.text_factory, own.isolation_level) == (sqlite3.Row, bytes, "")
    assert own.in_transaction is False
    assert own.execute("SELECT name FROM Item").fetchone()["name"] == "é".encode()


def test_what_the_user_has_begun_is_theirs(own: sqlite3.Connection, sqlite_url: str) -> None:
    arrowsync.sync_table([item(1)], Item, own)
    own.execute("INSERT INTO Item (id, name) VALUES (2, 'theirs')")
    arrowsync.sync_table([item(3)], Item, own)
    with pytest.raises(ConversionError):
        arrowsync.sync_table([item(4, "x" * 30)], Item, own)
    assert own.in_transaction
    assert arrowsync.read_table(Item, sqlite_url).num_rows == 1
    own.rollback()
    assert arrowsync.read_table(Item, sqlite_url).num_rows == 1
    arrowsync.sync_table([item(3)], Item, own)
    assert arrowsync.read_table(Item, sqlite_url).num_rows == 2


@pytest.mark.parametrize(("value", "reason"), [(float("nan"), "NULL"), (-0.0, r"0\.0")], ids=["NaN", "-0.0"])
def test_floats_that_sqlite_would_change_are_refused_or_rejected(sqlite_url: str, value: float, reason: str) -> None:
    reading = make_dataclass("Reading", [("id", PrimaryKey[int]), ("value", float | None)])
    rows = [(1, 0.5), (2, value), (3, None), (4, float("inf"))]
    with arrowsync.connect(sqlite_url) as conn:
        with pytest.raises(ConversionError, match=reason) as caught:
            arrowsync.sync_table(rows, reading, conn)
        assert (caught.value.column, caught.value.rows) == ("value", (1,))
        assert arrowsync.sync_table(rows, reading, conn, on_error="reject").rejected == 1
        assert [row["value"] for row in arrowsync.read_table(reading, conn).to_pylist()] == [0.5, None, float("inf")]


@dataclass
class Stored:
    id: PrimaryKey[UUID]
    big: arrowsync.uint64
    exact: Decimal
    moment: Annotated[datetime, TimeZone("UTC")]
    span: timedelta
    flag: bool
    tags: list[str]


def test_each_type_is_stored_in_its_one_spelling(sqlite_url: str) -> None:
    moment = datetime(2026, 11, 30, 10, 0, 0, 5, tzinfo=UTC)
    row = (UUID(int=7), 2**64 - 1, Decimal("1.5"), moment, timedelta(days=-1), True, ["é", "a"])
    with arrowsync.connect(sqlite_url) as conn:
        arrowsync.sync_table([row], Stored, conn)
        assert tuple(conn.fetch("SELECT * FROM Stored").to_pylist()[0].values()) == (
            UUID(int=7).bytes,
            "18446744073709551615",
            "1.500000000",
            "2026-11-30T10:00:00.000005Z",
            -86_400_000_000,
            1,
            '["é","a"]',
        )
        assert tuple(arrowsync.read_table(Stored, conn).to_pylist()[0].values()) == row
        with pytest.raises(arrowsync.ConstraintViolated, match="CHECK"):
            conn.execute("UPDATE Stored SET flag = 2")
        assert arrowsync.sync_table([row], Stored, conn).unchanged == 1


def test_a_value_of_another_class_is_an_error_and_no_other_value(sqlite_url: str) -> None:
    with arrowsync.connect(sqlite_url) as conn:
        conn.execute("CREATE TABLE loose (a integer, b text, c, d decimal(9, 2))")
        conn.execute("INSERT INTO loose VALUES ('x', x'ff', 1, 1.5)")
        with pytest.raises(ConversionError, match=r"'a'.*text"):
            arrowsync.read_table("loose", conn)
        conn.execute("UPDATE loose SET a = 1")
        with pytest.raises(ConversionError, match=r"'b'.*blob"):
            arrowsync.read_table("loose", conn)
        conn.execute("UPDATE loose SET b = 'y'")
        assert arrowsync.read_table("loose", conn).to_pylist() == [{"a": 1, "b": "y", "c": "1", "d": "1.5"}]
        with pytest.raises(ConversionError, match="makes numbers of texts"):
            arrowsync.sync_table(pa.table({"d": ["1.50"]}), "loose", conn)
        assert [b.to_pylist() for b in conn.stream("SELECT a, NULL AS n FROM loose")] == [[{"a": 1, "n": None}]]


def test_a_writer_is_waited_for_and_a_busy_file_says_so(sqlite_url: str) -> None:
    async def story() -> int:
        async with aio.connect(sqlite_url) as first, aio.connect(sqlite_url) as second:
            await aio.sync_table([item(1)], Item, first)
            async with first.transaction():
                await aio.sync_table([item(2)], Item, first)
                assert len((await second.fetch("SELECT * FROM Item")).to_pylist()) == 1, "readers go on"
                async with aio.connect(f"{sqlite_url}?timeout=0.1") as hasty:
                    with pytest.raises(DatabaseError, match="locked") as caught:
                        await aio.sync_table([item(3)], Item, hasty)
                    assert caught.value.transient
                waiting = asyncio.ensure_future(aio.sync_table([item(3)], Item, second))
                await asyncio.sleep(0.3)
                assert not waiting.done()
            return (await waiting).inserted

    assert asyncio.run(story()) == 1


def test_rows_that_a_trigger_drops_are_told(sqlite_url: str) -> None:
    with arrowsync.connect(sqlite_url) as conn:
        arrowsync.sync_table([item(1)], Item, conn)
        conn.execute(
            "CREATE TRIGGER odd BEFORE INSERT ON Item WHEN new.id = 3 BEGIN SELECT RAISE(IGNORE); END; "
            "CREATE TRIGGER bad BEFORE INSERT ON Item WHEN new.id = 5 BEGIN SELECT RAISE(ABORT, 'no five'); END"
        )
        report = arrowsync.sync_table([item(n) for n in range(1, 5)], Item, conn)
        assert (report.inserted, report.unchanged, report.suppressed) == (2, 1, 1)
        with pytest.raises(DatabaseError, match="no five"):
            arrowsync.sync_table([item(5)], Item, conn)
        with pytest.raises(DatabaseError, match="1 rows were sent"):
            arrowsync.sync_table([item(3)], Item, conn, mode="insert")
        assert arrowsync.read_table(Item, conn).num_rows == 3


def test_a_cancelled_statement_stops_and_the_connection_goes_on(sqlite_url: str) -> None:
    endless = "WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n) SELECT count(*) FROM n"

    async def story() -> Any:
        async with aio.connect(sqlite_url) as conn:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(conn.fetch(endless), 0.3)
            return (await conn.fetch("SELECT 1 AS a")).to_pylist()

    assert asyncio.run(story()) == [{"a": 1}]


def test_what_alter_table_can_not_do_is_refused(sqlite_url: str) -> None:
    with arrowsync.connect(sqlite_url) as conn:
        conn.execute("CREATE TABLE t (id text PRIMARY KEY, v integer) STRICT")
        other = make_dataclass("t", [("id", PrimaryKey[str]), ("v", str | None)])
        with pytest.raises(arrowsync.UnsupportedChange, match="alter"):
            arrowsync.migrate(other, conn, schema_changes="all")
        renamed = make_dataclass(
            "t", [("id", PrimaryKey[str]), ("w", Annotated[int | None, arrowsync.RenamedFrom("v")])]
        )
        assert arrowsync.migrate(renamed, conn).steps
        assert arrowsync.plan(renamed, conn).steps == ()


def test_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arrowsync.sync_table([item(1)], Item, "sqlite:///it is?.db".replace("?", "%3F"))
    assert (tmp_path / "it is?.db").exists()
    assert arrowsync.read_table(Item, f"sqlite:///{tmp_path}/it is%3F.db?mode=ro").num_rows == 1
    with pytest.raises(DatabaseError, match="readonly"):
        arrowsync.sync_table([item(2)], Item, "sqlite:///it is%3F.db?mode=ro")
    with pytest.raises(DatabaseError, match="can't be opened"):
        arrowsync.connect("sqlite:///nowhere/a.db")
    (tmp_path / "text.db").write_text("no database at all " * 100)
    with pytest.raises(DatabaseError, match="not a database"):
        arrowsync.connect("sqlite:///text.db")
    for wrong in (
        "sqlite://host/a.db",
        "sqlite:///a.db?password=x",
        "sqlite:///a.db?mode=x",
        "sqlite:///a.db?timeout=x",
    ):
        with pytest.raises(DeclarationError) as caught:
            arrowsync.connect(wrong)
        assert "password=x" not in str(caught.value)
