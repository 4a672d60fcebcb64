"""A label that rows have is never dropped by an alteration, and the error says which label it is and how many rows have it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import make_dataclass
from itertools import product
from typing import Annotated, Any, Literal

import pytest

import arrowsync
from arrowsync import PrimaryKey, RenamedFrom

THREE = Literal["red", "green", "it's blue"]
ROWS = [(1, "red"), (2, "it's blue"), (3, "it's blue"), (4, "green")]
ENGINES = ["duckdb_url", "mysql_url", "mariadb_url"]
"""Those whose columns spell their labels out."""
RENAMED = Annotated[Literal["red", "green"], RenamedFrom("color")]
# The column and the labels that take the place of the three -> what the error says of the labels that rows have.
NARROWED: list[tuple[str, Any, list[str]]] = [
    ("color", Literal["red", "green"], ['"it\'s blue" (2 rows)']),
    ("color", Literal["red"], ["'green' (1 row)", '"it\'s blue" (2 rows)']),
    ("color", Literal["black", "red", "green"], ['"it\'s blue" (2 rows)']),
    ("color", Literal["black"], ["'green' (1 row)", "'red' (1 row)", '"it\'s blue" (2 rows)']),
    ("colour", RENAMED, ['"it\'s blue" (2 rows)']),
]
CALLS: list[Callable[[type, arrowsync.Connection], Any]] = [
    lambda table, conn: arrowsync.sync_table([], table, conn, schema_changes="all"),
    lambda table, conn: arrowsync.migrate(table, conn, schema_changes="all"),
]


def paints(labels: Any, column: str = "color") -> type:
    return make_dataclass("paints", [("id", PrimaryKey[int]), (column, labels)])


@pytest.mark.parametrize("fixture", ENGINES)
def test_a_label_in_use_is_named_with_its_rows(request: pytest.FixtureRequest, fixture: str) -> None:
    with arrowsync.connect(request.getfixturevalue(fixture)) as conn:
        arrowsync.sync_table(ROWS, paints(THREE), conn)
        for (column, labels, named), call in product(NARROWED, CALLS):
            with pytest.raises(arrowsync.UnsupportedChange) as caught:
                call(paints(labels, column), conn)
            assert "'color' of 'paints'" in caught.value.message
            assert all(text in caught.value.message for text in named), caught.value.message
        assert sorted(arrowsync.read_table(paints(THREE), conn).to_pylist(), key=lambda row: row["id"]) == [
            {"id": number, "color": label} for number, label in ROWS
        ]
        conn.execute("UPDATE paints SET color = 'red' WHERE color NOT IN ('red', 'green')")  # as the hint says
        assert arrowsync.migrate(paints(Literal["red", "green"]), conn, schema_changes="all").steps


@pytest.mark.parametrize("fixture", ENGINES)
def test_a_label_that_no_row_has_is_dropped(request: pytest.FixtureRequest, fixture: str) -> None:
    with arrowsync.connect(request.getfixturevalue(fixture)) as conn:
        arrowsync.sync_table([(1, "red")], paints(THREE), conn)
        arrowsync.sync_table([(2, "green")], paints(Literal["green", "red"]), conn, schema_changes="all")
        with pytest.raises(arrowsync.ConversionError):
            arrowsync.sync_table([(3, "it's blue")], paints(Literal["green", "red"]), conn)


def test_the_enum_type_of_postgresql_keeps_its_labels(postgres_url: str) -> None:
    with arrowsync.connect(postgres_url) as conn:
        arrowsync.sync_table(ROWS, paints(THREE), conn)
        report = arrowsync.sync_table([(1, "green")], paints(Literal["red", "green"]), conn, schema_changes="all")
        assert (report.updated, report.changes) == (1, ())
        assert arrowsync.read_table("paints", conn).num_rows == 4
