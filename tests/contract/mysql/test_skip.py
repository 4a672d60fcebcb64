"""Rows that are skipped on MySQL and MariaDB change nothing, and are counted; what the merge's own tables need to exist."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import make_dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from contract.mysql.mysql_live import Live, connected, left_behind, their_own
from pymysql.constants import CLIENT

import arrowsync
from arrowsync import ConstraintViolated, DatabaseError, PrimaryKey, SyncReport

URLS = {"mysql": "mysql_url", "mariadb": "mariadb_url"}
STAMP = "CREATE TRIGGER stamp BEFORE UPDATE ON t FOR EACH ROW SET new.touched = 1"


@pytest.fixture(params=URLS)
def live(request: pytest.FixtureRequest) -> Iterator[tuple[Live, str]]:
    url = request.getfixturevalue(URLS[request.param])
    with connected(request.param, url) as live:
        yield live, url


def skipping(rows: list[dict[str, Any]], url: Any) -> SyncReport:
    """The report of an insert that skips, whose counts say what became of every row."""
    report = arrowsync.sync_table(rows, "t", url, mode="insert", on_conflict="skip")
    counts = (report.inserted, report.skipped, report.duplicates)
    assert min(counts) >= 0
    assert sum(counts) == len(rows)
    return report


def rows_of(server: Live, columns: str = "*") -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in server.query(f"SELECT {columns} FROM t ORDER BY id")]


def test_a_trigger_on_updates_never_runs_for_rows_that_are_skipped(live: tuple[Live, str]) -> None:
    server, url = live
    server.script(
        f"""CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE, touched int);
        INSERT INTO t VALUES (10, 70, NULL); {STAMP}"""
    )
    rows = [{"id": 1, "u": 7}, {"id": 2, "u": 7}, {"id": 3, "u": 8}, {"id": 10, "u": 9}, {"id": 4, "u": 70}]
    report = skipping(rows, url)
    assert (report.inserted, report.skipped) == (2, 3)
    assert rows_of(server) == [(1, 7, None), (3, 8, None), (10, 70, None)]


def test_a_row_is_skipped_only_for_one_that_is_there(live: tuple[Live, str]) -> None:
    """The second row isn't stored, because of the first one's b, and so its a is free for the third."""
    server, url = live
    server.query("CREATE TABLE t (id int PRIMARY KEY, a int UNIQUE, b varchar(9) COLLATE utf8mb4_general_ci UNIQUE)")
    rows: list[dict[str, Any]] = [
        {"id": 1, "a": 1, "b": "x"},
        {"id": 2, "a": 2, "b": "X"},
        {"id": 3, "a": 2, "b": "y"},
        {"id": 4, "a": None, "b": None},
        {"id": 5, "a": None, "b": None},
    ]
    report = skipping(rows, url)
    assert (report.inserted, report.skipped) == (4, 1)
    assert [row[0] for row in rows_of(server)] == [1, 3, 4, 5]


ODD = [("s varchar(9), UNIQUE KEY odd (s(3))", "s", "abc1", "abc2"), ("v int, g int AS (v % 10) UNIQUE", "v", 1, 11)]
"""Columns with a unique index that the merge can't compare rows by, and two values that are the same to it."""


@pytest.mark.parametrize(("columns", "name", "there", "brought"), ODD)
def test_an_index_that_only_the_server_can_compare_by(
    live: tuple[Live, str], columns: str, name: str, there: Any, brought: Any
) -> None:
    """It skips where no trigger can run; where one can, the load fails and nothing has changed."""
    server, url = live
    server.query(f"CREATE TABLE t (id int PRIMARY KEY, touched int, {columns})")
    assert skipping([{"id": 1, name: there}, {"id": 2, name: brought}], url).skipped == 1
    assert skipping([{"id": 3, name: brought}, {"id": 1, name: there}], url).skipped == 2
    server.query(STAMP)
    with pytest.raises(ConstraintViolated) as caught:
        skipping([{"id": 3, name: brought}], url)
    assert "trigger" in (caught.value.hint or "")
    assert rows_of(server, f"id, touched, {name}") == [(1, None, there)]
    assert skipping([{"id": 3, name: None}, {"id": 1, name: there}], url).inserted == 1
    assert left_behind(server) == []


def test_an_index_of_an_expression(mysql_url: str) -> None:
    with connected("mysql", mysql_url) as server:
        server.query("CREATE TABLE t (id int PRIMARY KEY, v int, touched int, UNIQUE KEY odd ((v + 1)))")
        assert skipping([{"id": 1, "v": 5}, {"id": 2, "v": 5}], mysql_url).skipped == 1
        server.query(STAMP)
        with pytest.raises(ConstraintViolated):
            skipping([{"id": 2, "v": 5}], mysql_url)
        assert rows_of(server) == [(1, 5, None)]


def test_triggers_that_the_user_may_not_see(live: tuple[Live, str]) -> None:
    server, url = live
    server.script(
        f"""CREATE TABLE t (id int PRIMARY KEY, s varchar(9), touched int, UNIQUE KEY odd (s(3)));
        INSERT INTO t VALUES (1, 'abc1', NULL); {STAMP}"""
    )
    parts = urlsplit(url)
    database = parts.path[1:]
    user = f"u{database[-12:]}"
    server.query(f"CREATE USER {user}@'%' IDENTIFIED BY 'Secret-1'")
    try:
        rights = "SELECT, INSERT, UPDATE, DELETE, CREATE TEMPORARY TABLES"
        server.query(f"GRANT {rights} ON `{database}`.* TO {user}@'%'")
        theirs = url.replace(parts.netloc.rpartition("@")[0], f"{user}:Secret-1", 1)
        theirs += (
            "?ssl-mode=disable&get-server-public-key=true"  # MySQL asks a user who is new to it for the password itself
        )
        with pytest.raises(ConstraintViolated):
            skipping([{"id": 2, "s": "abc2"}], theirs)
        assert rows_of(server) == [(1, "abc1", None)]
        assert skipping([{"id": 2, "s": "xyz"}, {"id": 1, "s": "new"}], theirs).inserted == 1
        server.query("DROP TRIGGER stamp")
        with pytest.raises(ConstraintViolated):  # they can't know
            skipping([{"id": 3, "s": "abc2"}], theirs)
        server.query(f"GRANT TRIGGER ON `{database}`.* TO {user}@'%'")
        assert skipping([{"id": 3, "s": "abc2"}], theirs).skipped == 1
    finally:
        server.query(f"DROP USER {user}@'%'")


def test_a_connection_that_counts_rows_that_were_found(live: tuple[Live, str]) -> None:
    server, url = live
    server.query("CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE, s varchar(9), UNIQUE KEY odd (s(3)))")

    async def run(rows: list[dict[str, Any]]) -> SyncReport:
        async with their_own(url, client_flag=CLIENT.FOUND_ROWS, autocommit=True) as native:
            return await arrowsync.aio.sync_table(rows, "t", native, mode="insert", on_conflict="skip")

    report = asyncio.run(run([{"id": 1, "u": 7, "s": "a"}, {"id": 2, "u": 7, "s": "b"}, {"id": 3, "u": 8, "s": "c"}]))
    assert (report.inserted, report.skipped) == (2, 1)
    with pytest.raises(ConstraintViolated):  # it could be skipped, but the server would count it as a row
        asyncio.run(run([{"id": 4, "u": 9, "s": "abc1"}, {"id": 5, "u": 10, "s": "abc2"}]))
    assert [row[0] for row in rows_of(server)] == [1, 3]


@pytest.mark.parametrize("on_error", ["raise", "reject"])
def test_skipping_while_others_are_rejected(live: tuple[Live, str], on_error: Any) -> None:
    server, url = live
    server.script(
        f"""CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE, touched int, CHECK (id < 100));
        INSERT INTO t VALUES (10, 70, NULL); {STAMP}"""
    )
    rows = [{"id": n, "u": n} for n in (1, 2, 3)] + [{"id": 4, "u": 3}, {"id": 6, "u": 70}]
    rows += [{"id": 500, "u": 5}, {"id": 7, "u": 5}]  # what is rejected takes no key away from what comes later
    if on_error == "raise":
        with pytest.raises(ConstraintViolated):
            arrowsync.sync_table(rows, "t", url, mode="insert", on_conflict="skip")
        assert rows_of(server) == [(10, 70, None)]
    else:
        report = arrowsync.sync_table(rows, "t", url, mode="insert", on_conflict="skip", on_error="reject")
        assert (report.inserted, report.skipped, report.rejected) == (4, 2, 1)
        assert rows_of(server) == [(1, 1, None), (2, 2, None), (3, 3, None), (7, 5, None), (10, 70, None)]
    assert left_behind(server) == []


# ---- the tables of the merge


@pytest.mark.parametrize("parallel", [1, 2])
@pytest.mark.parametrize("name", ["arrowsync_order", "ArrowSync_Order"])
def test_a_column_that_is_called_like_one_of_ours(live: tuple[Live, str], name: str, parallel: int) -> None:
    server, url = live
    fields = [("id", PrimaryKey[int]), (name, int), (f"{name}_", int | None)]
    table = make_dataclass("t", fields)

    def sync(rows: list[tuple[int, int, int | None]], mode: Any = "upsert", **options: Any) -> SyncReport:
        return arrowsync.sync_table(rows, table, url, mode=mode, parallel=parallel, **options)

    assert sync([(1, 10, None), (2, 20, None)]).inserted == 2
    report = sync([(2, 21, 1), (3, 30, 1), (3, 31, 2)])
    assert (report.updated, report.inserted, report.duplicates) == (1, 1, 1)
    assert sync([(3, 0, 0), (4, 40, 3)], "insert", on_conflict="skip").inserted == 1
    assert sync([(1, 11, 4), (2, 21, 1), (4, 40, 3)], "mirror", on_error="reject").deleted == 1
    assert rows_of(server) == [(1, 11, 4), (2, 21, 1), (4, 40, 3)]


def test_a_server_that_wants_a_primary_key_in_every_table(live: tuple[Live, str]) -> None:
    server, url = live
    variable = "sql_require_primary_key" if server.is_mysql else "innodb_force_primary_key"
    server.script("CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE, e enum('a', '\U0001f600') COLLATE utf8mb4_bin)")
    server.query(f"SET GLOBAL {variable} = 1")
    try:
        rows = [{"id": 1, "u": 1}, {"id": 2, "u": 2}, {"id": 2, "u": 3}]
        for dedup in ("first", "last"):
            assert arrowsync.sync_table(rows, "t", url, dedup=dedup).duplicates == 1
        assert skipping([{"id": 3, "u": 1}, {"id": 4, "u": 4}, {"id": 5, "u": 4}], url).inserted == 1
        keyless = make_dataclass("Keyless", [("x", int)])
        with pytest.raises(DatabaseError) as caught:
            arrowsync.sync_table([(1,)], keyless, url, mode="insert")
        assert "PrimaryKey" in (caught.value.hint or "")
        assert rows_of(server, "id, u") == [(1, 1), (2, 3), (4, 4)]
    finally:
        server.query(f"SET GLOBAL {variable} = 0")
