"""Every type that DuckDB lists: its column is read, synced back without a change, and copied exactly.

The types are asked of DuckDB, so that those of the next version are tested too: a type that isn't in `VALUES` fails the test.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from contract import left_out
from contract.left_out import described

import arrowsync
from arrowsync import Connection

VALUES = {
    "ARRAY": ("FLOAT[3]", ["[0.1, 2, 3]", "[NULL, '-0.0', 'NaN']"]),
    "BIGINT": ("BIGINT", ["-9223372036854775808"]),
    "BIGNUM": ("BIGNUM", ["'-123456789012345678901234567890123456789012345678901234567890'"]),
    "BIT": ("BIT", ["'0101'", "'1'"]),
    "BLOB": ("BLOB", ["'\\x00\\xFF'"]),
    "BOOLEAN": ("BOOLEAN", ["true"]),
    "DATE": ("DATE", ["'2026-11-30'"]),
    "DECIMAL": ("DECIMAL(38,4)", ["1.50"]),
    "DOUBLE": ("DOUBLE", ["0.1", "'-0.0'", "'NaN'"]),
    "ENUM": ("ENUM('a', 'it''s')", ["'it''s'"]),
    "FLOAT": ("FLOAT", ["0.1", "'-0.0'"]),
    "GEOMETRY": ("GEOMETRY", ["'POINT (0.1 2)'"]),
    "HUGEINT": ("HUGEINT", ["-170141183460469231731687303715884105728"]),
    "INTEGER": ("INTEGER", ["1"]),
    "INTERVAL": ("INTERVAL", ["INTERVAL '49:00:00.5'", "INTERVAL '2 days'"]),
    "LIST": ("INTEGER[][]", ["[[1, NULL], NULL, []]"]),
    "MAP": ("MAP(VARCHAR, INTEGER[])", ["map {'a=b': [1], 'c, ''d''}': NULL, '': []}", "map {}"]),
    "SMALLINT": ("SMALLINT", ["1"]),
    "STRUCT": ("STRUCT(a BIT, b FLOAT[2], c MAP(INTEGER, BIT))", ["{'a': '01', 'b': [1, 2], 'c': map {1: '01'::BIT}}"]),
    "TIME": ("TIME", ["'23:59:59.999999'"]),
    "TIME WITH TIME ZONE": ("TIMETZ", ["'10:00:00.5+02:30'"]),
    "TIMESTAMP": ("TIMESTAMP", ["'2026-11-30 10:00:00.123456'"]),
    "TIMESTAMP WITH TIME ZONE": ("TIMESTAMPTZ", ["'2026-11-30 10:00:00.123456+02'"]),
    "TIMESTAMPTZ_NS": ("TIMESTAMPTZ_NS", ["'2026-11-30 10:00:00.123456789+02'"]),
    "TIMESTAMP_MS": ("TIMESTAMP_MS", ["'2026-11-30 10:00:00.123'"]),
    "TIMESTAMP_NS": ("TIMESTAMP_NS", ["'2026-11-30 10:00:00.123456789'"]),
    "TIMESTAMP_S": ("TIMESTAMP_S", ["'2026-11-30 10:00:00'"]),
    "TIME_NS": ("TIME_NS", ["'10:00:00.123456789'"]),
    "TINYINT": ("TINYINT", ["1"]),
    "UBIGINT": ("UBIGINT", ["18446744073709551615"]),
    "UHUGEINT": ("UHUGEINT", ["340282366920938463463374607431768211455"]),
    "UINTEGER": ("UINTEGER", ["1"]),
    "USMALLINT": ("USMALLINT", ["1"]),
    "UTINYINT": ("UTINYINT", ["1"]),
    "UUID": ("UUID", ["'01234567-89ab-cdef-0123-456789abcdef'"]),
    "VARCHAR": ("VARCHAR", ["''", "'a'"]),
}
"""What duckdb_types() lists -> a type, and values of it."""
READ_ONLY = {
    "UNION": ("UNION(i INTEGER, s VARCHAR)", ["union_value(i := 1)", "union_value(s := '1')"]),
    "VARIANT": ("VARIANT", ["1::VARIANT"]),
}
NO_COLUMNS = {"NULL", "TUPLE", "TYPE"}
"""Types that no column can have."""


def table_of_every_type(conn: Connection) -> list[str]:
    listed = "SELECT DISTINCT logical_type AS name FROM duckdb_types() WHERE database_name = 'system'"
    names = {row["name"] for row in conn.fetch(listed).to_pylist()}
    assert names == {*VALUES, *READ_ONLY, *NO_COLUMNS}
    columns: list[tuple[str, str, str]] = []
    for name, (kind, given) in {**VALUES, **READ_ONLY}.items():
        columns += [(f"{name} {at}", kind, f"CAST({value} AS {kind})") for at, value in enumerate(given)]
        columns.append((f"{name} list", f"{kind}[]", f"[CAST({given[0]} AS {kind}), NULL]"))
    defined = ", ".join(f'"{name}" {kind}' for name, kind, _ in columns)
    inserted = ", ".join(value for *_, value in columns)
    conn.execute(f"CREATE TABLE here (id INTEGER PRIMARY KEY, {defined})")
    conn.execute(f"INSERT INTO here VALUES (1, {inserted}); INSERT INTO here (id) VALUES (2)")
    return [name for name, *_ in columns]


def test_every_type_is_read_and_written_back_as_it_is(duckdb_url: str) -> None:
    with arrowsync.connect(duckdb_url) as conn:
        columns = table_of_every_type(conn)
        data = arrowsync.read_table("here", conn)
        loaded = [name for name in columns if name.split()[0] not in READ_ONLY]
        back = data.select(["id", *loaded])
        texts = "SELECT " + ", ".join(f'CAST("{name}" AS VARCHAR) AS "{name}"' for name in loaded)
        before = conn.fetch(f"{texts} FROM here ORDER BY id").to_pylist()
        report = arrowsync.sync_table(back, "here", conn)
        assert (report.outcomes(), report.changes) == ({"inserted": 0, "updated": 0, "unchanged": 2}, ())
        assert conn.fetch(f"{texts} FROM here ORDER BY id").to_pylist() == before
        conn.execute("CREATE TABLE there AS FROM here LIMIT 0")
        assert arrowsync.sync_table(back, "there", conn).inserted == 2
        same = " AND ".join(f'h."{name}" IS NOT DISTINCT FROM t."{name}"' for name in loaded)
        assert conn.fetch(f"SELECT count(*) AS n FROM here h JOIN there t USING (id) WHERE {same}").to_pylist() == [
            {"n": 2}
        ]
        assert described(conn, "here") == data.column_names


@pytest.mark.parametrize("name", READ_ONLY)
def test_a_type_whose_text_says_too_little_is_only_read(duckdb_url: str, name: str) -> None:
    kind, values = READ_ONLY[name]
    with arrowsync.connect(duckdb_url) as conn:
        conn.execute(
            f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {kind}, s VARCHAR); INSERT INTO t VALUES (1, {values[0]}, 'a')"
        )
        assert arrowsync.read_table("t", conn).column("v").to_pylist() == ["1"]
        left_out.check(conn)


def test_lists_of_a_fixed_length_go_everywhere(database_url: str) -> None:
    relation = duckdb.sql("SELECT 1 AS id, [1, 2, 3]::FLOAT[3] AS e")
    for data in (relation, pa.table({"id": [1], "e": pa.array([[1, 2, 3]], pa.list_(pa.float32(), 3))})):
        with arrowsync.connect(database_url) as conn:
            if database_url.startswith("duckdb"):
                conn.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, e FLOAT[3])")
            arrowsync.sync_table(data, "t", conn, key="id")
            assert arrowsync.sync_table(data, "t", conn, key="id").unchanged == 1
            if database_url.startswith("duckdb"):
                assert arrowsync.read_table("t", conn).to_pylist() == [{"id": 1, "e": [1.0, 2.0, 3.0]}]
                with pytest.raises(arrowsync.ArrowSyncError):
                    arrowsync.sync_table([{"id": 2, "e": [1.0]}], "t", conn)
                assert conn.fetch("SELECT count(*) AS n FROM t").to_pylist() == [{"n": 1}]
