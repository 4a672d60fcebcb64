"""Which row it is that MySQL or MariaDB refuses: neither says it of a key, a check, a reference or a trigger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import urlsplit

import aiomysql
import pyarrow as pa
import pytest
from contract.mysql_live import Live, connected, left_behind

import arrowsync
from arrowsync import ConstraintViolated, DatabaseError

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
    rows = [{"id": n % 10, "checked": 1} for n in range(100)] + [{"id": 100, "checked": 10}, {"id": 0}]
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


def test_the_row_is_named_where_rows_are_inserted_by_statements(live: tuple[Live, str]) -> None:
    """As on a connection that may send no files."""
    server, url = live
    parts = urlsplit(url)

    async def load() -> None:
        connection = await aiomysql.connect(
            host=parts.hostname or "",
            port=parts.port or 3306,
            user=parts.username,
            password=parts.password or "",
            db=parts.path[1:],
        )
        try:
            rows = rows_with("checked", 10, rows=MANY, bad=LATE)
            await arrowsync.aio.sync_table(rows, "picky", connection, mode="insert")
        finally:
            connection.close()

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
