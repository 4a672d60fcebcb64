"""One row has one outcome, whichever engine it is for and at whichever moment it is found that it can't be stored.

What no engine takes, or one of them alone doesn't, is a reject with its reason; a column that has no values yet is none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from contract.postgres import over_adbc

import arrowsync
from arrowsync import PrimaryKey

EMPTY: dict[str, Callable[[], Any]] = {
    "arrow": lambda: pa.table({"id": [1], "note": pa.nulls(1)}),
    "polars": lambda: pl.DataFrame({"id": [1], "note": [None]}),
    "pandas": lambda: pd.DataFrame({"id": [1], "note": [None]}),
    "dicts": lambda: [{"id": 1, "note": None}],
    "dictionary": lambda: pa.table({"id": [1], "note": pa.nulls(1).dictionary_encode()}),
}
NESTED: dict[str, pa.Array[Any]] = {
    "list": pa.array([[None]], pa.list_(pa.null())),
    "empty list": pa.array([[]], pa.list_(pa.null())),
    "member": pa.array([{"a": None, "b": 1}]),
    "list of structs": pa.array([[{"a": None}]]),
}


@dataclass
class Page:
    id: PrimaryKey[int]
    note: int | None


@pytest.mark.parametrize("kind", EMPTY)
def test_a_column_without_values_is_no_error(database_url: str, kind: str) -> None:
    with arrowsync.connect(database_url) as conn:
        arrowsync.sync_table(EMPTY[kind](), Page, conn)
        arrowsync.sync_table([Page(1, 7)], Page, conn)
        report = arrowsync.sync_table(EMPTY[kind](), "Page", conn)
        assert (report.updated, report.changes) == (1, ())
        assert arrowsync.read_table(Page, conn).to_pylist() == [{"id": 1, "note": None}]
        arrowsync.sync_table(EMPTY[kind](), "fresh", conn, key="id")
        again = arrowsync.sync_table(EMPTY[kind](), "fresh", conn, key="id")
        assert (again.unchanged, again.changes) == (1, ())
        assert pa.types.is_string(arrowsync.read_table("fresh", conn).schema.field("note").type)
        more = arrowsync.sync_table([{"id": 1, "note": None, "later": None}], "fresh", conn, key="id")
        assert (more.unchanged, len(more.changes)) == (1, 1)


@pytest.mark.parametrize("kind", NESTED)
def test_nested_values_without_a_type(database_url: str, kind: str) -> None:
    data = pa.table({"id": [1], "v": NESTED[kind]})
    with arrowsync.connect(database_url) as conn:
        assert arrowsync.sync_table(data, "t", conn, key="id").inserted == 1
        assert arrowsync.sync_table(data, "t", conn, key="id").unchanged == 1


@dataclass
class Badge:
    id: PrimaryKey[int]
    code: UUID


def test_a_uuid_that_only_one_server_refuses(database_url: str) -> None:
    """MariaDB stores the bytes of a UUID in another order, but those of some."""
    codes = ["01234567-89ab-cdef-0123-456789abcdef", "01234567-89ab-cdef-8100-000000000000", str(UUID(int=0))]
    codes += ["11223344-5566-8088-0199-aabbccddeeff", "11223344-5566-7f88-0199-aabbccddeeff", str(UUID(int=2**128 - 1))]
    rows = [Badge(number, UUID(code)) for number, code in enumerate(codes)]
    with arrowsync.connect(database_url) as conn:
        report = arrowsync.sync_table(rows, Badge, conn, on_error="reject")
        refused = [0, 3] if database_url.startswith("mysql") and is_mariadb(conn) else []
        assert [] if report.rejects is None else report.rejects.column("row").to_pylist() == refused
        stored = arrowsync.read_table(Badge, conn).to_pylist()
        assert stored == [{"id": row.id, "code": row.code} for row in rows if row.id not in refused]
        if refused:
            with pytest.raises(arrowsync.ConversionError, match="MariaDB"):
                arrowsync.sync_table(rows[:1], Badge, conn)


def is_mariadb(conn: arrowsync.Connection) -> bool:
    return "MariaDB" in str(conn.fetch("SELECT version() AS v").to_pylist())


CSV = b"id,note\n1,5\nxx,6\n3,seven\n,8\n5,9,9\n6,1\n"


@pytest.mark.parametrize("table", [Page, "Page", pa.schema([("id", pa.int32()), ("note", pa.int64())])], ids=str)
@pytest.mark.parametrize("form", ["csv", "rows"])
def test_rows_are_rejected_alike_by_a_stream_that_knows_its_class(duckdb_url: str, table: Any, form: str) -> None:
    """`open_source(data, T)` converts as it is read, and yet it's `sync_table` that says what a bad row means."""
    if isinstance(table, pa.Schema):
        table = table.with_metadata({"name": "Page"})
    reports: list[arrowsync.SyncReport] = []
    for declared in (Page, None):
        if form == "csv":
            data = arrowsync.open_source(CSV, declared, format="csv")
        else:
            text = pa.table({"id": ["1", "xx", "3"], "note": ["5", "6", "seven"]})
            data = arrowsync.open_source(text, declared)
        with arrowsync.connect(duckdb_url) as conn:
            arrowsync.migrate(Page, conn)
            reports.append(arrowsync.sync_table(data, table, conn, mode="replace", key="id", on_error="reject"))
    with_class, without = (report.rejects.to_pylist() for report in reports if report.rejects is not None)
    assert with_class == without
    assert reports[0].rejected == reports[1].rejected >= 2
    assert [report.rows_read for report in reports] == [6 if form == "csv" else 3] * 2


DOCUMENTS = ['{"a": 1}', '{"a": 1e200000}', '{"a": 2}', '{"a": "\\u0000"}', '{"a": 3}', '["\\ud800"]', None, "[]"]
"""Valid JSON, of which PostgreSQL refuses some in `jsonb`: numbers beyond its numeric, NUL, half of a pair of surrogates."""
REFUSED = {1, 3, 5}


@pytest.mark.parametrize("way", ["asyncpg", "adbc", "parallel"])
@pytest.mark.parametrize("new", [False, True], ids=["live", "new"])
def test_documents_that_copy_refuses(postgres_url: str, way: str, new: bool) -> None:
    data = pa.table({"id": range(8), "j": pa.array(DOCUMENTS, pa.string()).cast(pa.json_(pa.string()))})
    connected = over_adbc.connected if way == "adbc" else arrowsync.connect
    with connected(postgres_url) as conn:
        for number, mode in enumerate(("insert", "upsert", "mirror", "replace")):
            if not new:
                conn.execute(f"CREATE TABLE t{number} (id bigint PRIMARY KEY, j jsonb)")
            parallel = 2 if way == "parallel" else None
            report = arrowsync.sync_table(
                data, f"t{number}", conn, mode=mode, key="id", on_error="reject", parallel=parallel
            )
            assert report.rejects is not None
            refused: list[Any] = report.rejects.column("row").to_pylist()
            assert REFUSED >= set(refused) >= {1, 3}
            assert report.rejects.column("column").to_pylist() == ["j"] * len(refused)
            assert (report.inserted, report.rejected) == (8 - len(refused), len(refused))
            stored = conn.fetch(f"SELECT id, j->>'a' AS a FROM t{number} ORDER BY id").to_pylist()
            assert [row["id"] for row in stored] == [row for row in range(8) if row not in refused]
            assert [row["a"] for row in stored[:3]] == ["1", "2", "3"]


def test_a_row_that_refers_to_nothing_has_a_hint(database_url: str) -> None:
    with arrowsync.connect(database_url) as conn:
        conn.execute("CREATE TABLE p (id bigint PRIMARY KEY)")
        conn.execute("CREATE TABLE c (id bigint PRIMARY KEY, p bigint, CONSTRAINT k FOREIGN KEY (p) REFERENCES p (id))")
        with pytest.raises(arrowsync.ConstraintViolated) as caught:
            arrowsync.sync_table(pa.table({"id": [1], "p": [9]}), "c", conn, key="id")
        assert caught.value.kind == "foreign key"
        assert "bring the referenced rows first" in str(caught.value.hint)
        arrowsync.sync_table(pa.table({"id": [9]}), "p", conn, key="id")
        assert arrowsync.sync_table(pa.table({"id": [1], "p": [9]}), "c", conn, key="id").inserted == 1
