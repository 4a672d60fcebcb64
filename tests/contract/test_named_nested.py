"""Lists, structs and maps go into any database, and come back as they were: where it has none of them, as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pyarrow as pa
import pytest

import arrowsync
from arrowsync import Precision, PrimaryKey, TimeZone


def nested(value: Any) -> Any:
    """The value, which may have come as JSON: by its name, a table is read in the types that it has there."""
    return json.loads(value) if isinstance(value, str) else value


def test_nested_columns_of_a_frame(database_url: str) -> None:
    table = pa.table(
        {
            "id": [1, 2, 3],
            "tags": pa.array([["a", None], [], None], pa.large_list(pa.large_string())),
            "place": pa.array([{"x": 1.5, "at": [1, 2]}, None, {"x": None, "at": None}]),
            "counts": pa.array([[("a", 1)], [], None], pa.map_(pa.string(), pa.int64())),
        }
    )
    with arrowsync.connect(database_url) as conn:
        assert arrowsync.sync_table(table, "visits", conn, key="id").inserted == 3
        again = arrowsync.sync_table(table, "visits", conn, key="id")
        assert (again.unchanged, again.changes) == (3, ())
        found = arrowsync.read_table("visits", conn)
    rows = sorted(found.to_pylist(), key=lambda row: row["id"])
    assert [nested(row["tags"]) for row in rows] == [["a", None], [], None]
    assert [nested(row["place"]) for row in rows] == [{"x": 1.5, "at": [1, 2]}, None, {"x": None, "at": None}]
    assert [nested(row["counts"]) for row in rows] == [{"a": 1}, {}, None]


@dataclass
class Part:
    name: str
    weight: float | None
    price: Annotated[Decimal, Precision(30, 9)] | None


@dataclass
class Kit:
    id: PrimaryKey[int]
    names: list[str | None] | None
    numbers: list[float | None]
    days: list[date] | None
    moments: list[Annotated[datetime, TimeZone("UTC")]] | None
    codes: list[UUID] | None
    part: Part | None
    grid: list[list[int | None]] | None


KITS = [
    Kit(
        1,
        ["", "NULL", None, 'quote " \\ \n \t 😀', "é"],
        [0.1, -1e-300, 1.7976931348623157e308, None, 123456789.125],
        [date(1, 1, 1), date(9999, 12, 31)],
        [datetime(2024, 2, 29, 12, 30, 0, 1, tzinfo=UTC)],
        [UUID(int=2**128 - 1)],
        Part("wheel\\", 0.30000000000000004, Decimal("1234567.890000000")),
        [[1, None], [2**53 + 1, 2**63 - 1], [-(2**63), 0]],
    ),
    Kit(2, [], [], [], [], [], Part("", None, None), []),
    Kit(3, None, [1.0], None, None, None, None, None),
]


def test_declared_lists_and_structs_come_back_as_declared(database_url: str) -> None:
    with arrowsync.connect(database_url) as conn:
        assert arrowsync.sync_table(KITS, Kit, conn).inserted == 3
        again = arrowsync.sync_table(KITS, Kit, conn)
        assert (again.unchanged, again.changes) == (3, ())
        found = arrowsync.read_table(Kit, conn)
        sent = arrowsync.open_source(KITS, Kit).read_all()
        assert found.schema.types == sent.schema.types
        assert sorted(found.to_pylist(), key=lambda row: row["id"]) == sent.to_pylist()
        changed = [KITS[0], KITS[1], Kit(3, None, [1.5], None, None, None, None, None)]
        assert arrowsync.sync_table(changed, Kit, conn).updated == 1


@pytest.mark.parametrize("url", ["mysql_url", "mariadb_url"])
@pytest.mark.parametrize("on_error", ["raise", "reject"])
def test_a_list_that_json_has_no_form_for(url: str, on_error: Any, request: pytest.FixtureRequest) -> None:
    """A reject keeps the number of its row, whatever rows before it were rejected."""
    rows = [
        {"id": None, "numbers": [1.0]},
        {"id": 1, "numbers": [1.0]},
        {"id": 2, "numbers": [1.0, float("nan")]},
        {"id": 3, "numbers": [float("inf")]},
    ]
    data = pa.Table.from_pylist(rows[1:] if on_error == "raise" else rows)
    with arrowsync.connect(request.getfixturevalue(url)) as conn:
        if on_error == "raise":
            with pytest.raises(arrowsync.ConversionError, match="NaN or infinity") as caught:
                arrowsync.sync_table(data, "floats", conn, key="id")
            assert (caught.value.column, caught.value.rows) == ("numbers", (1, 2))
            return
        report = arrowsync.sync_table(data, "floats", conn, key="id", on_error="reject")
        assert (report.inserted, report.rejected) == (1, 3)
        assert report.rejects is not None
        assert [(row["row"], row["column"]) for row in report.rejects.to_pylist()] == [
            (0, "id"),
            (2, "numbers"),
            (3, "numbers"),
        ]
