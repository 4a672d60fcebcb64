"""Merging on MySQL and MariaDB: what counts as a change, what is left behind, who waits for whom, tables made out of sight."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, make_dataclass
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pytest
from contract.items import Item, item
from contract.mysql.mysql_live import Live, connected, left_behind, their_own
from pymysql.constants import CLIENT

import arrowsync
from arrowsync import ConstraintViolated, DatabaseError, Index, MaxLength, PrimaryKey, Unique
from arrowsync.catalog import ObjectName
from arrowsync.dialects import open_session
from arrowsync.dialects.contract import Dialect, MergeJob, Session
from arrowsync.dialects.mysql.locks import alter, clean_up, lock
from arrowsync.dialects.scopes import Patience
from arrowsync.sql import join, sql, trusted

URLS = {"mysql": "mysql_url", "mariadb": "mariadb_url"}
NAME = ObjectName(None, "t")
IMPATIENT = Patience(attempt=1, total=1)


@pytest.fixture(params=URLS)
def live(request: pytest.FixtureRequest) -> Iterator[tuple[Live, str]]:
    url = request.getfixturevalue(URLS[request.param])
    with connected(request.param, url) as live:
        yield live, url


def using(url: str, act: Callable[[Dialect, Session], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        session = await open_session(url)
        try:
            return await act(session.dialect, session)
        finally:
            await session.close()

    return asyncio.run(run())


async def merge(
    dialect: Dialect, session: Session, rows: Sequence[str], columns: Sequence[str], mode: Any = "upsert"
) -> dict[str, int]:
    """Stage the rows as they are written in SQL, and merge them; rows by outcome."""
    target = (await dialect.catalog.discover(session, [NAME])).tables[0]
    counts: dict[str, int] = {}
    async with session.transaction():
        staging, create = dialect.merge.create_staging(target, columns)
        await session.execute(create)
        await session.execute(
            sql(
                "INSERT INTO {s} ({c}) VALUES {v}",
                s=staging.identifier,
                c=trusted(", ".join(columns)),
                v=join(", ", [sql("({row})", row=trusted(row)) for row in rows]),
            )
        )
        job = MergeJob(target, staging, tuple(columns), target.key, mode, "error", "last")
        for step in dialect.merge.steps(job):
            affected = await session.execute(step.statement)
            if step.outcome is not None:
                counts[step.outcome] = counts.get(step.outcome, 0) + affected
        await session.execute(dialect.merge.drop_staging(staging))
    return counts


TRIGGERS = """CREATE TABLE log (operation varchar(10));
CREATE TRIGGER inserted AFTER INSERT ON t FOR EACH ROW INSERT INTO log VALUES ('insert');
CREATE TRIGGER updated AFTER UPDATE ON t FOR EACH ROW INSERT INTO log VALUES ('update');
CREATE TRIGGER deleted AFTER DELETE ON t FOR EACH ROW INSERT INTO log VALUES ('delete')"""

CHANGES = [
    ("json", """'{"a":1}'""", """'{"a":2}'"""),
    ("json", """'"a"'""", """'"A"'"""),
    ("varchar(9) COLLATE utf8mb4_general_ci", "'a'", "'A'"),
    ("varchar(9) COLLATE utf8mb4_general_ci", "'a'", "'a '"),
    ("varchar(9) COLLATE utf8mb4_general_ci", "'e'", "'é'"),
    ("varchar(9) CHARACTER SET latin1", "'e'", "'é'"),
    ("enum('a', 'b')", "'a'", "'b'"),
    ("mediumtext", "''", "NULL"),
    ("mediumtext", "NULL", "''"),
    ("mediumtext", "repeat('x', 100000)", "concat(repeat('x', 100000), 'y')"),
    ("double", "1", "1.0000000000000002"),
    ("float", "1", "1.0000001"),
    ("decimal(65,30)", "1", "1.000000000000000000000000000001"),
    ("datetime(6)", "'2024-01-01'", "'2024-01-01 00:00:00.000001'"),
    ("longblob", "x'00'", "x'0000'"),
    ("binary(2)", "x'0041'", "x'0061'"),
    ("boolean", "true", "false"),
]


@pytest.mark.parametrize(("kind", "before", "after"), CHANGES)
def test_a_row_is_written_only_if_it_differs(live: tuple[Live, str], kind: str, before: str, after: str) -> None:
    server, url = live

    async def run(dialect: Dialect, session: Session) -> None:
        columns = ["id", "x"]
        assert await merge(dialect, session, [f"1, {before}", "2, NULL"], columns) == {
            "duplicates": 0,
            "updated": 0,
            "inserted": 2,
        }
        server.script(TRIGGERS)
        for mode in ("upsert", "mirror", "replace"):
            counts = await merge(dialect, session, ["2, NULL", f"1, {before}"], columns, mode)
            assert set(counts.values()) == {0}
        assert server.query("SELECT * FROM log") == []
        counts = await merge(dialect, session, [f"1, {after}", "2, NULL"], columns)
        assert (counts["updated"], counts["inserted"]) == (1, 0)
        assert server.query("SELECT * FROM log") == [{"operation": "update"}]

    server.script(f"CREATE TABLE t (id int PRIMARY KEY, x {kind}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    using(url, run)


def test_the_sign_of_zero(live: tuple[Live, str]) -> None:
    server, url = live
    table = make_dataclass("t", [("id", PrimaryKey[int]), ("x", float)])
    arrowsync.sync_table([(1, 0.0)], table, url)
    # MariaDB stores no negative zero, so to it there is nothing to change.
    assert arrowsync.sync_table([(1, -0.0)], table, url).updated == (1 if server.is_mysql else 0)
    assert arrowsync.sync_table([(1, -0.0)], table, url).updated == 0


@pytest.mark.parametrize("mode", ["upsert", "mirror", "replace"])
def test_rows_that_are_referred_to_stay(live: tuple[Live, str], mode: Any) -> None:
    server, url = live
    server.script(
        """CREATE TABLE t (id bigint PRIMARY KEY, x int);
        CREATE TABLE child (parent bigint, FOREIGN KEY (parent) REFERENCES t (id) ON DELETE CASCADE);
        INSERT INTO t VALUES (1, 1), (2, 2); INSERT INTO child VALUES (1), (2)"""
    )
    arrowsync.sync_table([{"id": 1, "x": 10}, {"id": 2, "x": 2}], "t", url, mode=mode)
    assert len(server.query("SELECT * FROM child")) == 2


def test_numbers_go_on_after_those_that_were_brought(live: tuple[Live, str]) -> None:
    server, url = live
    numbered = make_dataclass("t", [("id", PrimaryKey[arrowsync.Identity[int]]), ("x", int)])
    arrowsync.sync_table([{"id": 0, "x": 0}, {"id": 41, "x": 1}], numbered, url)
    arrowsync.sync_table([{"x": 2}, {"x": 3}], numbered, url)
    assert [row["id"] for row in server.query("SELECT id FROM t ORDER BY id")] == [0, 41, 42, 43]


def test_a_merge_waits_its_turn_and_says_for_whom(live: tuple[Live, str]) -> None:
    server, url = live
    server.query("CREATE TABLE t (id int PRIMARY KEY)")

    async def run(dialect: Dialect, session: Session) -> None:
        await lock(session, NAME, "merge")
        second = await open_session(url)
        try:
            with pytest.raises(
                DatabaseError, match=r"table t was not free within 1 s.*connection \d+ \(user"
            ) as caught:
                await lock(second, NAME, "merge", patience=IMPATIENT)
            assert caught.value.transient
            assert caught.value.hint
            await clean_up(session, NAME, ())
            await lock(second, NAME, "merge", patience=IMPATIENT)
        finally:
            await second.close()
        await lock(session, NAME, "merge", patience=IMPATIENT)  # which the end of that connection has freed

    using(url, run)


def test_altering_waits_shortly_and_says_for_whom(live: tuple[Live, str]) -> None:
    server, url = live
    server.query("CREATE TABLE t (id int PRIMARY KEY)")
    statement = trusted("ALTER TABLE t ADD COLUMN x int")

    async def run(dialect: Dialect, session: Session) -> None:
        before = await session.fetch(trusted("SELECT @@lock_wait_timeout AS s"))
        server.query("BEGIN")
        server.query("SELECT * FROM t")
        with pytest.raises(
            DatabaseError, match=rf"not free within 1 s.*connection {server.connection.thread_id()} "
        ) as caught:
            await alter(session, NAME, statement, patience=IMPATIENT)
        assert caught.value.transient
        server.query("COMMIT")
        await alter(session, NAME, statement, patience=IMPATIENT)
        assert await session.fetch(trusted("SELECT @@lock_wait_timeout AS s")) == before

    using(url, run)


@pytest.mark.parametrize("mode", ["insert", "upsert", "replace", "mirror"])
def test_a_failed_load_leaves_nothing_on_the_server(live: tuple[Live, str], mode: Any) -> None:
    server, url = live
    bad: list[tuple[list[Any], type[Exception]]] = [
        ([item(1), (2, None, None)], arrowsync.ConversionError),
        ([item(1), item(1)] if mode == "insert" else [item(1), (2, "x" * 99, None)], arrowsync.ArrowSyncError),
    ]
    with arrowsync.connect(url) as conn:
        for rows, error in bad:
            with pytest.raises(error):
                arrowsync.sync_table(rows, Item, conn, mode=mode)
            assert server.query("SHOW TABLES") == []
            assert left_behind(server) == []
        arrowsync.sync_table([item(1), item(2)], Item, conn, mode=mode)
        assert left_behind(server) == []
        for rows, error in bad:
            with pytest.raises(error):
                arrowsync.sync_table(rows, Item, conn, mode=mode)
            assert len(server.query("SELECT * FROM Item")) == 2
            assert left_behind(server) == []


@pytest.mark.parametrize("mode", ["insert", "upsert"])
def test_a_new_table_shows_itself_when_its_rows_are_in_it(live: tuple[Live, str], mode: Any) -> None:
    server, url = live
    seen: list[int] = []

    def rows() -> Iterator[Any]:
        for n in range(50_000):
            if n % 10_000 == 0:
                seen.append(len(server.query("SHOW TABLES LIKE 'Item'")))
            yield item(n)

    arrowsync.sync_table(rows(), Item, url, mode=mode)
    assert seen == [0] * 5
    assert server.query("SELECT COUNT(*) AS n FROM Item") == [{"n": 50_000}]


def test_a_new_table_has_all_that_was_declared(live: tuple[Live, str]) -> None:
    server, url = live

    @dataclass
    class Person:
        """People."""

        id: PrimaryKey[int]
        name: Unique[Annotated[str, MaxLength(20)]]
        boss: Annotated[int | None, Index()] = None

    report = arrowsync.sync_table([(1, "a", None), (2, "b", 1)], Person, url)
    assert report.inserted == 2
    assert not arrowsync.plan(Person, url)
    assert {row["key_name"] for row in server.query("SHOW INDEX FROM Person")} == {
        "PRIMARY",
        "uq_Person_name",
        "ix_Person_boss",
    }


def test_a_table_that_somebody_else_creates_meanwhile(live: tuple[Live, str]) -> None:
    server, url = live

    def rows() -> Iterator[Any]:
        for n in range(30_000):
            yield item(n)
        with arrowsync.connect(url) as theirs:  # without sync_table, which would wait for the other loader of the table
            version = theirs.fetch("SELECT version() AS v").to_pylist()[0]["v"]
            theirs.execute(arrowsync.create_sql(Item, "mariadb" if "MariaDB" in version else "mysql"))
            theirs.execute("INSERT INTO Item (id, name) VALUES (2, 'theirs')")
        yield item(30_000)

    with arrowsync.connect(url) as conn:
        with pytest.raises(DatabaseError, match="Item was created by somebody else") as caught:
            arrowsync.sync_table(rows(), Item, conn)
        assert caught.value.transient
        assert [row["name"] for row in server.query("SELECT name FROM Item")] == ["theirs"]
        assert left_behind(server) == []
        assert arrowsync.sync_table([item(1)], Item, conn).inserted == 1


def test_a_database_with_a_long_name(live: tuple[Live, str]) -> None:
    """The name of a lock has 64 characters, and so has that of a database."""
    server, url = live
    name = f"{'x' * 50}_{url.rpartition('_')[2]}"
    server.query(f"CREATE DATABASE {name}")
    try:
        there = f"{url.rpartition('/')[0]}/{name}"
        assert arrowsync.sync_table([item(1)], Item, there).inserted == 1
        assert arrowsync.sync_table([item(1), item(2)], Item, there).inserted == 1
    finally:
        server.query(f"DROP DATABASE {name}")


def test_bad_data_stops_a_migration_before_it_begins(live: tuple[Live, str]) -> None:
    server, url = live
    server.query("CREATE TABLE Item (id bigint PRIMARY KEY, name varchar(20) NOT NULL)")
    server.query("INSERT INTO Item VALUES (1, 'a')")
    before = server.query("SHOW CREATE TABLE Item")
    wider = make_dataclass(
        "Item", [("id", PrimaryKey[int]), ("name", Annotated[str, MaxLength(20)]), ("note", str | None)]
    )
    with pytest.raises(arrowsync.ConversionError):
        arrowsync.sync_table([(2, "b", "x"), (3, "c" * 21, None)], wider, url)
    assert server.query("SHOW CREATE TABLE Item") == before
    assert left_behind(server) == []
    arrowsync.sync_table([(2, "b", "x")], wider, url)
    assert server.query("SELECT * FROM Item ORDER BY id") == [
        {"id": 1, "name": "a", "note": None},
        {"id": 2, "name": "b", "note": "x"},
    ]


def test_a_merge_that_fails_after_a_migration_leaves_the_rows(live: tuple[Live, str]) -> None:
    server, url = live
    server.query("CREATE TABLE Item (id bigint PRIMARY KEY, name varchar(20) NOT NULL UNIQUE)")
    server.query("INSERT INTO Item VALUES (1, 'a')")
    wider = make_dataclass(
        "Item", [("id", PrimaryKey[int]), ("name", Annotated[str, MaxLength(20)]), ("note", str | None)]
    )
    with pytest.raises(ConstraintViolated):
        arrowsync.sync_table([(2, "b", "x"), (3, "a", None)], wider, url)
    assert server.query("SELECT id, name FROM Item") == [{"id": 1, "name": "a"}]
    assert left_behind(server) == []


def test_nothing_is_committed_for_a_user_in_a_transaction(live: tuple[Live, str]) -> None:
    server, url = live
    server.query("CREATE TABLE t (id int PRIMARY KEY)")

    def fails(conn: arrowsync.Connection) -> None:
        with conn.transaction():
            conn.execute("INSERT INTO t VALUES (1)")
            arrowsync.sync_table([item(1)], Item, conn)

    with arrowsync.connect(url) as conn:
        with pytest.raises(DatabaseError, match="commit"):
            fails(conn)
        assert server.query("SELECT * FROM t") == []
        assert server.query("SHOW TABLES LIKE 'Item'") == []
        assert arrowsync.sync_table([item(1)], Item, conn).inserted == 1
    assert left_behind(server) == []


LOADER = """
import sys
sys.path.insert(0, {tests!r})
import arrowsync
from contract.items import Item
def rows():
    n = 0
    while True:
        if n == 100_000:
            print("loading", flush=True)
        yield n, "x", None
        n += 1
arrowsync.sync_table(rows(), Item, {url!r}, mode="insert")
"""


def test_what_a_killed_loader_leaves_is_cleared_by_the_next(live: tuple[Live, str], tmp_path: Path) -> None:
    server, url = live
    script = tmp_path / "loader.py"
    script.write_text(LOADER.format(tests=str(Path(__file__).parents[2]), url=url))
    loader = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert loader.stdout is not None
    assert loader.stdout.readline() == "loading\n"
    drafts = server.query("SHOW TABLES LIKE 'arrowsync_draft_%'")
    assert len(drafts) == 1
    others = make_dataclass("Other", [("id", PrimaryKey[int])])
    arrowsync.sync_table([(1,)], others, url)
    assert server.query("SHOW TABLES LIKE 'arrowsync_draft_%'") == drafts, "that of a living loader stays"
    loader.kill()
    loader.communicate(timeout=30)
    assert server.query("SHOW TABLES LIKE 'Item'") == []
    (draft,) = drafts[0].values()
    for _ in range(200):  # the server needs a moment to notice, and to roll back
        if server.query("SELECT IS_FREE_LOCK(%s) AS free", draft)[0]["free"]:
            break
        time.sleep(0.1)
    assert arrowsync.sync_table([item(2)], Item, url, mode="insert").inserted == 1
    assert left_behind(server) == []


# ---- a first load, written once


@pytest.mark.parametrize("dedup", ["last", "first"])
def test_a_first_load_resolves_repeated_keys_as_a_merge_does(live: tuple[Live, str], dedup: Any) -> None:
    """Among them rows that are the same in all, which the server counts otherwise."""
    server, url = live
    table = make_dataclass("t", [("id", PrimaryKey[int]), ("x", str)])
    rows = [(1, "a"), (2, "a"), (1, "a"), (1, "b"), (3, "a"), (3, "a"), (2, "A")]
    report = arrowsync.sync_table(rows, table, url, dedup=dedup)
    assert (report.inserted, report.duplicates, report.unchanged) == (3, 4, 0)
    kept = {1: "b", 2: "A", 3: "a"} if dedup == "last" else {1: "a", 2: "a", 3: "a"}
    assert {row["id"]: row["x"] for row in server.query("SELECT * FROM t")} == kept
    assert arrowsync.sync_table(rows, table, url, dedup=dedup).unchanged == 3


def test_a_first_load_with_another_unique_column_replaces_nothing_for_it(live: tuple[Live, str]) -> None:
    server, url = live
    table = make_dataclass("t", [("id", PrimaryKey[int]), ("code", Unique[Annotated[str, MaxLength(9)]])])
    with pytest.raises(ConstraintViolated) as caught:
        arrowsync.sync_table([(1, "a"), (2, "b"), (3, "a")], table, url)
    assert caught.value.kind == "unique"
    assert server.query("SHOW TABLES") == []
    assert arrowsync.sync_table([(1, "a"), (2, "b"), (1, "c"), (3, "a")], table, url).inserted == 3


def test_a_first_load_that_skips_conflicts_skips_repeated_keys(live: tuple[Live, str]) -> None:
    server, url = live
    table = make_dataclass("t", [("id", PrimaryKey[int]), ("code", Unique[Annotated[str, MaxLength(9)]])])
    rows = [(1, "a"), (1, "b"), (2, "c"), (3, "c")]
    report = arrowsync.sync_table(rows, table, url, mode="insert", on_conflict="skip")
    assert (report.inserted, report.duplicates, report.skipped) == (2, 1, 1)
    assert len(server.query("SELECT * FROM t")) == 2


@pytest.mark.parametrize("found_rows", [False, True])
def test_rows_that_are_skipped_are_counted_whatever_the_client_has_told_the_server(
    live: tuple[Live, str], found_rows: bool
) -> None:
    server, url = live
    server.script(
        """CREATE TABLE t (id bigint PRIMARY KEY, code varchar(9) COLLATE utf8mb4_bin UNIQUE, x int);
        INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2), (3, NULL, 3)"""
    )

    async def run() -> arrowsync.SyncReport:
        data = pa.table({"id": [1, 4, 5, 6], "code": ["a", "b", "c", None], "x": [1, 1, 1, 1]})
        flags = CLIENT.FOUND_ROWS if found_rows else 0
        async with their_own(url, client_flag=flags, local_infile=True, autocommit=True) as native:
            return await arrowsync.aio.sync_table(data, "t", native, mode="insert", on_conflict="skip")

    report = asyncio.run(run())
    assert (report.inserted, report.skipped) == (2, 2)
    assert [row["id"] for row in server.query("SELECT id FROM t ORDER BY id")] == [1, 2, 3, 5, 6]


def test_the_report_names_the_way_that_the_rows_took(live: tuple[Live, str]) -> None:
    server, url = live
    table = make_dataclass("t", [("id", PrimaryKey[int]), ("x", str)])
    report = arrowsync.sync_table([(1, "a")], table, url)
    assert (report.via, report.to_dict()["via"]) == ("LOAD DATA LOCAL", "LOAD DATA LOCAL")
    assert "LOAD DATA LOCAL" in str(report)
    server.query("SET GLOBAL local_infile = 0")
    try:
        report = arrowsync.sync_table([(1, "b"), (2, "b"), (1, "c")], table, url)
        assert (report.via, report.updated, report.inserted, report.duplicates) == ("INSERT", 1, 1, 1)
        assert ", INSERT)" in str(report)
        server.query("DROP TABLE t")
        report = arrowsync.sync_table([(1, "b"), (2, "b"), (1, "c")], table, url)
        assert (report.via, report.inserted, report.duplicates) == ("INSERT", 2, 1)
        assert server.query("SELECT x FROM t ORDER BY id") == [{"x": "c"}, {"x": "b"}]
    finally:
        server.query("SET GLOBAL local_infile = 1")


def test_values_that_no_column_holds_are_rejects_like_others(live: tuple[Live, str]) -> None:
    server, url = live
    table = make_dataclass("t", [("id", PrimaryKey[int]), ("x", float), ("y", float)])
    nan = float("nan")
    rows = [(0, 0.5, 0.5), (1, nan, 1.5), ("two", 2.5, 2.5), (3, 3.5, float("inf")), (4, 4.5, 4.5), (5, nan, nan)]
    for _ in range(2):
        report = arrowsync.sync_table([tuple(map(str, row)) for row in rows], table, url, on_error="reject")
        assert report.rejects is not None
        assert report.rejects.column("row").to_pylist() == [1, 2, 3, 5]
        assert report.rejects.column("column").to_pylist() == ["x", "id", "y", "x"]
        assert report.rejects.column("value").to_pylist() == ["nan", "two", "inf", "nan"]
        assert report.rejected == 4
        assert [row["id"] for row in server.query("SELECT id FROM t ORDER BY id")] == [0, 4]
    with pytest.raises(arrowsync.ConversionError, match="more than max_rejects=3"):
        arrowsync.sync_table([tuple(map(str, row)) for row in rows], table, url, on_error="reject", max_rejects=3)
