"""Which row it is that MySQL or MariaDB refuses: neither says it of a key, a check, a reference or a trigger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any, Literal

import pyarrow as pa
import pytest
from contract.mysql.mysql_live import Live, connected, left_behind, their_own

import arrowsync
from arrowsync import ArrowSyncError, ConstraintViolated, ConversionError, DatabaseError

URLS = {"mysql": "mysql_url", "mariadb": "mariadb_url"}
WIDE = "x" * 8_000
ROWS, BAD = 300, 251
MANY, LATE = 2_600, 2_501  # rows for more than one statement, and one of the second

TABLE = """CREATE TABLE picky (
  id int NOT NULL PRIMARY KEY, one int, checked int, parent int, note mediumtext,
  UNIQUE KEY one (one), CONSTRAINT at_most CHECK (checked < 10),
  CONSTRAINT up FOREIGN KEY (parent) REFERENCES picky (id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"""

Mode = Literal["insert", "upsert", "replace", "mirror"]


@pytest.fixture(params=URLS)
def live(request: pytest.FixtureRequest) -> Iterator[tuple[Live, str]]:
    url = request.getfixturevalue(URLS[request.param])
    with connected(request.param, url) as live:
        live.query(TABLE)
        live.query("INSERT INTO picky (id, one) VALUES (-1, -1), (-2, -2)")
        yield live, url


def rows_with(column: str, value: int, *, rows: int = ROWS, bad: int = BAD) -> pa.Table:
    """Rows of which one is refused for a value in one column."""
    columns: dict[str, list[int | None]] = {name: [None] * rows for name in ("one", "checked", "parent")}
    columns["id"] = list(range(rows))
    columns[column][bad] = value
    columns["one"][1] = 1
    return pa.table({name: pa.array(values, pa.int32()) for name, values in columns.items()} | {"note": [WIDE] * rows})


def there(live: Live) -> list[dict[str, Any]]:
    return live.query("SELECT id, one FROM picky ORDER BY id")


BEFORE = [{"id": -2, "one": -2}, {"id": -1, "one": -1}]
BREACHES = {
    "check": ("checked", 10),
    "foreign key": ("parent", 10**6),
    "unique": ("one", 1),  # as an earlier row of the data has it
}


@pytest.mark.parametrize("mode", ["insert", "upsert"])
@pytest.mark.parametrize("kind", BREACHES)
def test_the_row_that_breaks_a_constraint_is_named(live: tuple[Live, str], mode: Mode, kind: str) -> None:
    server, url = live
    with pytest.raises(ConstraintViolated) as caught:
        arrowsync.sync_table(rows_with(*BREACHES[kind]), "picky", url, mode=mode)
    assert (caught.value.kind, caught.value.row) == (kind, BAD)
    assert f"row {BAD} of the load" in str(caught.value)
    assert there(server) == BEFORE
    assert left_behind(server) == []


@pytest.mark.parametrize("mode", ["insert", "upsert"])
def test_the_row_is_named_in_a_load_of_several_statements(live: tuple[Live, str], mode: Mode) -> None:
    server, url = live
    with pytest.raises(ConstraintViolated) as caught:
        arrowsync.sync_table(rows_with("one", 1, rows=MANY, bad=LATE), "picky", url, mode=mode)
    assert (caught.value.kind, caught.value.row) == ("unique", LATE)
    assert there(server) == BEFORE


@pytest.mark.parametrize("mode", ["replace", "mirror"])
def test_the_row_is_named_where_others_are_deleted(live: tuple[Live, str], mode: Mode) -> None:
    server, url = live
    with pytest.raises(ConstraintViolated) as caught:
        arrowsync.sync_table(rows_with("checked", 10, rows=1_000, bad=999), "picky", url, mode=mode)
    assert (caught.value.kind, caught.value.row) == ("check", 999)
    assert there(server) == BEFORE


@pytest.mark.parametrize("key", [-1, 5], ids=["of the table", "of the data"])
def test_the_row_that_repeats_a_key_is_named(live: tuple[Live, str], key: int) -> None:
    server, url = live
    with pytest.raises(ConstraintViolated) as caught:
        arrowsync.sync_table(rows_with("id", key), "picky", url, mode="insert")
    assert (caught.value.constraint, caught.value.row) == ("PRIMARY", BAD)
    assert f"'{key}'" in caught.value.message
    assert there(server) == BEFORE


def test_rows_are_counted_with_the_duplicates_that_went_before(live: tuple[Live, str]) -> None:
    server, url = live
    rows = [{"id": n % 10, "checked": 1} for n in range(100)] + [{"id": 100, "checked": 10}, {"id": 0, "checked": None}]
    with pytest.raises(ConstraintViolated) as caught:
        arrowsync.sync_table(rows, "picky", url)
    assert (caught.value.kind, caught.value.row) == ("check", 100)
    assert there(server) == BEFORE


@pytest.mark.parametrize("mode", ["insert", "upsert"])
def test_the_first_of_many_bad_rows_is_named(live: tuple[Live, str], mode: Mode) -> None:
    _, url = live
    rows = [{"id": n, "checked": 10 if n >= 37 and n % 2 else 1} for n in range(1_000)]
    with pytest.raises(ConstraintViolated) as caught:
        arrowsync.sync_table(rows, "picky", url, mode=mode)
    assert caught.value.row == 37


@pytest.mark.parametrize("mode", ["insert", "upsert"])
def test_the_row_that_a_trigger_refuses_is_named(live: tuple[Live, str], mode: Mode) -> None:
    server, url = live
    server.query(
        "CREATE TRIGGER refuse BEFORE INSERT ON picky FOR EACH ROW "
        "IF NEW.checked = 7 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not seven'; END IF"
    )
    with pytest.raises(DatabaseError, match="not seven") as caught:
        arrowsync.sync_table(rows_with("checked", 7), "picky", url, mode=mode)
    assert caught.value.row == BAD
    assert there(server) == BEFORE


def test_words_in_values_and_triggers_are_no_row_numbers(live: tuple[Live, str]) -> None:
    server, url = live
    server.script(
        """ALTER TABLE picky ADD seat varchar(20) UNIQUE;
        CREATE TRIGGER refuse BEFORE INSERT ON picky FOR EACH ROW
        IF NEW.checked = 7 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no seat at row 3 please'; END IF"""
    )
    seats = [{"id": n, "seat": "at row 7 " if n in (4, 9) else str(n)} for n in range(12)]
    for mode in ("insert", "upsert"):
        with pytest.raises(ConstraintViolated, match="Duplicate entry 'at row 7 '") as caught:
            arrowsync.sync_table(seats, "picky", url, mode=mode)
        assert caught.value.row == 9
        with pytest.raises(DatabaseError, match=r"no seat at row 3 please \(row 8 of the load\)"):
            arrowsync.sync_table(rows_with("checked", 7, bad=8), "picky", url, mode=mode)


@pytest.mark.parametrize("mode", ["insert", "upsert"])
def test_a_value_that_a_trigger_makes_too_long_is_named_with_its_row(live: tuple[Live, str], mode: Mode) -> None:
    server, url = live
    server.script(
        """ALTER TABLE picky ADD short varchar(3);
        CREATE TRIGGER fill BEFORE INSERT ON picky FOR EACH ROW
        SET NEW.short = IF(NEW.id = 13, 'abcdef', 'abc')"""
    )
    with pytest.raises(ConversionError, match=r"'short' \(row 13 of the load\)") as caught:
        arrowsync.sync_table([{"id": n} for n in range(20)], "picky", url, mode=mode)
    assert (caught.value.column, caught.value.rows) == ("short", (13,))
    assert " at row " not in caught.value.reason
    assert there(server) == BEFORE


REFUSALS = {
    "a signal with a number of its own": "CREATE TRIGGER refuse BEFORE INSERT ON odd FOR EACH ROW IF NEW.n = 7 THEN "
    "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no seven', MYSQL_ERRNO = 32000; END IF",
    "no partition": "ALTER TABLE odd PARTITION BY LIST (n) (PARTITION p VALUES IN (1))",
    "a generated column": "ALTER TABLE odd ADD big bigint AS (n * 9000000000000000000) STORED",
}


@pytest.mark.parametrize("statement", REFUSALS.values(), ids=REFUSALS)
def test_whatever_refuses_a_row_its_row_is_named_and_can_be_rejected(live: tuple[Live, str], statement: str) -> None:
    server, url = live
    server.query("CREATE TABLE odd (n int)")
    server.query(statement)
    rows = [{"n": 7 if n == 7 else 1} for n in range(10)]
    for conflict in ("error", "skip"):
        with pytest.raises(ArrowSyncError) as caught:
            arrowsync.sync_table(rows, "odd", url, on_conflict=conflict)
        assert str(caught.value.message).endswith("(row 7 of the load)")
    report = arrowsync.sync_table(rows, "odd", url, on_error="reject")
    assert report.rejects is not None
    assert (report.rejects["row"].to_pylist(), report.inserted) == ([7], 9)
    assert server.query("SELECT DISTINCT n FROM odd") == [{"n": 1}]


def test_of_different_breaches_the_first_is_raised(live: tuple[Live, str]) -> None:
    server, url = live
    server.query(
        "CREATE TRIGGER refuse BEFORE INSERT ON picky FOR EACH ROW "
        "IF NEW.checked < 0 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'negative'; END IF"
    )
    rows = [{"id": -1 if n == 2 else n, "checked": -1 if n == 8 else 1} for n in range(12)]
    with pytest.raises(ConstraintViolated, match="'-1'") as caught:
        arrowsync.sync_table(rows, "picky", url, mode="insert")
    assert (caught.value.constraint, caught.value.row) == ("PRIMARY", 2)
    assert there(server) == BEFORE


@pytest.mark.parametrize("mode", ["upsert", "mirror"])
def test_a_row_that_makes_room_later_is_not_taken_for_the_bad_one(live: tuple[Live, str], mode: Mode) -> None:
    """Rows that are there are updated before others are inserted: row 1 frees what row 0 takes."""
    _, url = live
    rows = [{"id": 0, "one": -1, "checked": 1}, {"id": -1, "one": 7, "checked": 1}, {"id": 1, "one": 8, "checked": 10}]
    with pytest.raises(ConstraintViolated) as caught:
        arrowsync.sync_table(rows, "picky", url, mode=mode)
    assert (caught.value.kind, caught.value.row) == ("check", 2)
    assert arrowsync.sync_table(rows[:2], "picky", url, mode=mode).inserted == 1


def test_the_row_is_that_of_the_step_that_failed(live: tuple[Live, str]) -> None:
    """Row 2 can't be inserted, but what fails first is to update row 18."""
    _, url = live
    rows = [{"id": n, "one": 100 + n, "checked": 10 if n == 2 else 1} for n in range(18)]
    rows += [{"id": -1, "one": -2, "checked": 1}]
    with pytest.raises(ConstraintViolated, match="'-2'") as caught:
        arrowsync.sync_table(rows, "picky", url)
    assert (caught.value.kind, caught.value.row) == ("unique", 18)


def test_the_row_is_named_among_rows_of_many_sizes(live: tuple[Live, str]) -> None:
    """A statement of a few long rows and tens of thousands of short ones is looked through to its end."""
    _, url = live
    notes = ["x" * 66_000] * 100 + [None] * 50_000
    checked = [1] * len(notes)
    checked[500] = checked[5_000] = 10
    rows = pa.table({"id": range(len(notes)), "checked": checked, "note": notes})
    with pytest.raises(ConstraintViolated) as caught:
        arrowsync.sync_table(rows, "picky", url, mode="insert")
    assert caught.value.row == 500


@pytest.mark.parametrize("bad", [0, 299])
def test_the_first_and_the_last_row_are_named(live: tuple[Live, str], bad: int) -> None:
    _, url = live
    for mode in ("insert", "upsert"):
        with pytest.raises(ConstraintViolated) as caught:
            arrowsync.sync_table(rows_with("checked", 10, bad=bad), "picky", url, mode=mode)
        assert caught.value.row == bad


def test_the_row_is_named_where_others_are_skipped(live: tuple[Live, str]) -> None:
    server, url = live
    rows = [{"id": n - 2, "one": n - 2, "checked": 10 if n == 5 else 1} for n in range(8)]
    with pytest.raises(ConstraintViolated) as caught:
        arrowsync.sync_table(rows, "picky", url, mode="insert", on_conflict="skip")
    assert (caught.value.kind, caught.value.row) == ("check", 5)
    assert there(server) == BEFORE


def test_the_row_of_a_file_is_counted_without_its_header(live: tuple[Live, str], tmp_path: Path) -> None:
    _, url = live
    path = tmp_path / "rows.csv"
    path.write_text("id,checked\n0,1\n1,1\n2,10\n")
    with pytest.raises(ConstraintViolated) as caught:
        arrowsync.sync_table(path, "picky", url, mode="insert")
    assert caught.value.row == 2


def test_the_row_is_named_where_rows_are_inserted_by_statements(live: tuple[Live, str]) -> None:
    """As on a connection that may send no files."""
    server, url = live

    async def load() -> None:
        async with their_own(url) as connection:
            rows = rows_with("checked", 10, rows=MANY, bad=LATE)
            await arrowsync.aio.sync_table(rows, "picky", connection, mode="insert")

    with pytest.raises(ConstraintViolated) as caught:
        asyncio.run(load())
    assert (caught.value.kind, caught.value.row) == ("check", LATE)
    assert there(server) == BEFORE


def test_the_row_is_named_over_several_connections(live: tuple[Live, str]) -> None:
    server, url = live
    for mode in ("insert", "upsert"):
        with pytest.raises(ConstraintViolated) as caught:
            arrowsync.sync_table(rows_with("checked", 10), "picky", url, mode=mode, parallel=2)
        assert (caught.value.kind, caught.value.row) == ("check", BAD), mode
        assert f"row {BAD} of the load" in str(caught.value)
        assert there(server) == BEFORE


def test_over_several_connections_values_stay_as_they_are(live: tuple[Live, str]) -> None:
    server, url = live
    server.query("ALTER TABLE picky ADD seat varchar(20) UNIQUE")
    seats = [f"row {n % 40}" if n in (5, 30_045) else None for n in range(40_000)]
    rows = pa.table({"id": range(40_000), "seat": seats, "note": ["x" * 100] * 40_000})
    with pytest.raises(ConstraintViolated) as caught:
        arrowsync.sync_table(rows, "picky", url, mode="insert", parallel=2)
    assert caught.value.message.startswith("Duplicate entry 'row 5' for key ")
    assert caught.value.message.endswith("(row 30045 of the load)")
    assert caught.value.row == 30_045


def test_a_new_table_names_the_row_that_repeats_its_key(live: tuple[Live, str]) -> None:
    server, url = live
    for parallel in (1, 2):
        with pytest.raises(ConstraintViolated) as caught:
            arrowsync.sync_table(rows_with("id", BAD - 1), "fresh", url, mode="insert", key=["id"], parallel=parallel)
        assert (caught.value.kind, caught.value.table, caught.value.row) == ("unique", "fresh", BAD)
        assert server.query("SHOW TABLES LIKE 'fresh'") == []


def test_after_the_error_the_connection_loads_on(live: tuple[Live, str]) -> None:
    _, url = live
    with arrowsync.connect(url) as connection:
        for mode in ("insert", "upsert"):
            with pytest.raises(ConstraintViolated):
                arrowsync.sync_table(rows_with("checked", 10, rows=100, bad=50), "picky", connection, mode=mode)
        report = arrowsync.sync_table(rows_with("checked", 9), "picky", connection, mode="insert")
        assert report.inserted == ROWS


def test_a_deadlock_while_the_row_is_looked_for_is_raised(live: tuple[Live, str]) -> None:
    """It rolls back the transaction of the user's, who has to know: the error of the row alone would say nothing of it."""
    server, url = live
    server.script(
        """CREATE TABLE other (a int PRIMARY KEY, b int); INSERT INTO other VALUES (1, 1);
        CREATE TABLE heavy (a int PRIMARY KEY);
        CREATE TRIGGER gate BEFORE INSERT ON picky FOR EACH ROW IF NEW.id = 20 THEN DO GET_LOCK('gate', 20); END IF"""
    )
    server.query("SELECT GET_LOCK('gate', 0)")
    rows = [{"id": n, "checked": 10 if n == 25 else 1} for n in range(30)]
    with connected(server.language.name, url) as rival, arrowsync.connect(url) as connection:
        rival.query("BEGIN")
        rival.query(
            f"INSERT INTO heavy VALUES {', '.join(f'({n})' for n in range(5_000))}"
        )  # so that it isn't the victim

        def meet() -> None:
            rival.query("INSERT INTO picky (id) VALUES (5)")  # waits until the first attempt is undone
            rival.query("UPDATE other SET b = 2")

        def contend() -> None:
            wait_for(server, "state = 'User lock'")
            thread = Thread(target=meet)
            thread.start()
            wait_for(server, "info LIKE 'INSERT INTO picky (id) VALUES (5)%'")
            server.query("SELECT RELEASE_LOCK('gate')")
            thread.join()

        rivals = Thread(target=contend)
        with connection.transaction():
            connection.execute("UPDATE other SET b = 100")
            rivals.start()
            with pytest.raises(DatabaseError) as caught:
                arrowsync.sync_table(rows, "picky", connection, mode="insert")
        rivals.join()
        rival.query("ROLLBACK")
    assert (caught.value.code, caught.value.transient) == ("1213", True)
    assert isinstance(caught.value.__cause__, ConstraintViolated)
    assert server.query("SELECT b FROM other") == [{"b": 1}]


def wait_for(server: Live, condition: str) -> None:
    """Until a statement of another connection meets it."""
    for _ in range(400):
        if server.query(f"SELECT id FROM information_schema.processlist WHERE {condition} AND id <> CONNECTION_ID()"):
            return
        sleep(0.05)
    raise AssertionError(f"no statement where {condition}")
