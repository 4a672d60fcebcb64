"""Lists, structs and maps of a frame go into a table that is only named, and come back as they were."""

from __future__ import annotations

import pyarrow as pa

import arrowsync


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
    assert [row["tags"] for row in rows] == [["a", None], [], None]
    assert [row["place"] for row in rows] == [{"x": 1.5, "at": [1, 2]}, None, {"x": None, "at": None}]
    assert [row["counts"] and row["counts"].replace(" ", "") for row in rows] == ['{"a":1}', "{}", None]
