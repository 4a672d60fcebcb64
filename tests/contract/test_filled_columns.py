"""Columns of a live table that the database fills itself, from a sequence, a default or an expression."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
from contract.postgres.over_adbc import connected

import arrowsync
from arrowsync import PrimaryKey
from arrowsync.errors import DeclarationError

POSTGRES = [
    "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v varchar(9))",
    "CREATE TABLE t (id bigserial PRIMARY KEY, v varchar(9))",
]
MYSQL = ["CREATE TABLE t (id bigint AUTO_INCREMENT PRIMARY KEY, v varchar(9))"]
NUMBERED = {
    "duckdb": ["CREATE SEQUENCE s; CREATE TABLE t (id bigint DEFAULT nextval('s') PRIMARY KEY, v varchar)"],
    "sqlite": [
        "CREATE TABLE t (id integer PRIMARY KEY, v varchar(9))",
        "CREATE TABLE t (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, v text) STRICT",
    ],
    "postgresql": POSTGRES,
    "mysql": MYSQL,
    "mariadb": MYSQL,
}
VALUES = pa.table({"v": ["a", "b", None]})


@pytest.fixture
def numbered(database_url: str) -> Iterator[tuple[arrowsync.Connection, list[str]]]:
    with arrowsync.connect(database_url) as conn:
        yield conn, NUMBERED[database_url.partition(":")[0]]


def rows(conn: arrowsync.Connection) -> list[dict[str, Any]]:
    return conn.fetch("SELECT id, v FROM t ORDER BY id").to_pylist()


@pytest.mark.parametrize("on_conflict", ["error", "skip"])
def test_rows_without_the_key_that_the_database_makes(
    numbered: tuple[arrowsync.Connection, list[str]], on_conflict: Any
) -> None:
    conn, statements = numbered
    for statement in statements:
        conn.execute(statement)
        for count in (3, 6):
            report = arrowsync.sync_table(VALUES, "t", conn, on_conflict=on_conflict)
            assert (report.mode, report.inserted, report.skipped) == ("insert", 3, 0)
            assert [row["v"] for row in rows(conn)] == ["a", "b", None] * (count // 3)
            assert len({row["id"] for row in rows(conn)}) == count
        with pytest.raises(DeclarationError, match="needs a key"):
            arrowsync.sync_table(VALUES, "t", conn, mode="upsert")
        with pytest.raises(DeclarationError, match="no column 'id' for its key"):
            arrowsync.sync_table(VALUES, "t", conn, key="id")
        conn.execute("DROP TABLE t")


@pytest.mark.parametrize("statement", POSTGRES)
@pytest.mark.parametrize("way", ["parallel", "adbc"])
@pytest.mark.parametrize("on_conflict", ["error", "skip"])
def test_the_same_over_several_connections_and_over_adbc(
    postgres_url: str, statement: str, way: str, on_conflict: Any
) -> None:
    with arrowsync.connect(postgres_url) if way == "parallel" else connected(postgres_url) as conn:
        conn.execute(statement)
        parallel = 2 if way == "parallel" else None
        assert arrowsync.sync_table(VALUES, "t", conn, on_conflict=on_conflict, parallel=parallel).inserted == 3
        assert sorted(row["id"] for row in rows(conn)) == [1, 2, 3]


@dataclass
class T:
    id: PrimaryKey[int]
    v: str | None
    g: str | None


def test_a_generated_column_is_left_to_the_database(database_url: str) -> None:
    """It comes with what is read, and is refused by its name where it is to be loaded."""
    with arrowsync.connect(database_url) as conn:
        quote = "`" if database_url.startswith(("mysql", "mariadb")) else '"'
        kind = "VIRTUAL" if database_url.startswith("duckdb") else "STORED"
        generated = f"g varchar(9) GENERATED ALWAYS AS (upper(v)) {kind}"
        conn.execute(f"CREATE TABLE {quote}T{quote} (id bigint PRIMARY KEY, v varchar(9), {generated})")
        assert arrowsync.sync_table(pa.table({"id": [1], "v": ["x"]}), "T", conn).inserted == 1
        found = arrowsync.read_table("T", conn)
        assert found.to_pylist() == [{"id": 1, "v": "x", "g": "X"}]
        for table in ("T", T):
            with pytest.raises(DeclarationError, match="generates the column 'g' of") as caught:
                arrowsync.sync_table(found, table, conn)
            assert caught.value.field == "g"
        assert arrowsync.sync_table(found.drop_columns(["g"]), "T", conn).unchanged == 1
