"""A value that a live column doesn't take is the reject of its row: every column, engine and mode, found wherever it is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from conftest import DATABASES

import arrowsync
from arrowsync.options import Mode

MODES: tuple[tuple[Mode, int | None], ...] = (("insert", None), ("upsert", None), ("mirror", None), ("replace", 2))
ALL = ("postgres", "postgres18", "mysql", "mariadb", "duckdb")
SERVERS = ALL[:4]
POSTGRES = ALL[:2]
MYSQL = ALL[2:4]


@dataclass(frozen=True)
class Case:
    """A column of a live table; rows 1 and 3 have the bad value, between rows with good ones."""

    ddl: str
    type: pa.DataType
    good: Any
    bad: Any
    engines: tuple[str, ...] = ALL
    before: str = ""


CASES: Mapping[str, Case] = {
    "smallint": Case("smallint", pa.int64(), 7, 40_000),
    "integer": Case("integer", pa.int64(), 7, 2**40),
    "numeric: digits": Case("numeric(3,1)", pa.decimal128(10, 3), Decimal("1.500"), Decimal("123.400")),
    "numeric: places": Case("numeric(3,1)", pa.decimal128(10, 3), Decimal("1.500"), Decimal("1.550")),
    "numeric of text": Case("numeric(3,1)", pa.string(), "1.5", "one"),
    "real": Case("real", pa.float64(), 0.5, 1e300, (*POSTGRES, "duckdb")),
    "varchar": Case("varchar(2)", pa.string(), "ab", "abc", SERVERS),
    "char": Case("char(2)", pa.string(), "ab", "abc", SERVERS),
    "date of text": Case("date", pa.string(), "2024-01-05", "05/01/2024"),
    "date: year": Case("date", pa.date32(), date(2024, 1, 5), 4_000_000, MYSQL),
    "timestamp: text": Case("timestamp", pa.string(), "2024-01-05 10:00:00", "noon", (*POSTGRES, "duckdb")),
    "timestamp: zone": Case("timestamp", pa.string(), "2024-01-05 10:00:00Z", "2024-01-05 10:00:00", MYSQL),
    "datetime: text": Case("datetime", pa.string(), "2024-01-05 10:00:00", "noon", MYSQL),
    "timestamp: places": Case(
        "timestamp(0)", pa.timestamp("us"), datetime(2024, 1, 5), datetime(2024, 1, 5, 0, 0, 0, 1), POSTGRES
    ),
    "datetime: places": Case(
        "datetime", pa.timestamp("us"), datetime(2024, 1, 5), datetime(2024, 1, 5, 0, 0, 0, 1), MYSQL
    ),
    "datetime: year": Case("datetime(6)", pa.timestamp("us"), datetime(2024, 1, 5), -(10**17), MYSQL),
    "uuid of text": Case(
        "uuid", pa.string(), "01234567-89ab-4def-8123-456789abcdef", "x", ("postgres", "mariadb", "duckdb")
    ),
    "not null": Case("integer NOT NULL", pa.int64(), 7, None),
    "check": Case("integer CHECK (v > 0)", pa.int64(), 7, -1),
    "enum": Case("enum('a', 'b')", pa.string(), "a", "c", MYSQL),
    "enum type": Case("mood", pa.string(), "a", "c", (*POSTGRES, "duckdb"), "CREATE TYPE mood AS ENUM ('a', 'b')"),
    "set": Case("set('a', 'b')", pa.string(), "a,b", "a,c", MYSQL),
    "year": Case("year", pa.int64(), 2024, 1800, MYSQL),
    "unsigned": Case("int unsigned", pa.int64(), 7, -1, MYSQL),
    "domain": Case("positive", pa.int64(), 7, -1, POSTGRES, "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)"),
    "domain of text": Case(
        "code", pa.string(), "AB", "ab", POSTGRES, "CREATE DOMAIN code AS varchar(2) CHECK (VALUE = upper(VALUE))"
    ),
    "bit": Case("bit(3)", pa.string(), "101", "10", POSTGRES),
    "inet": Case("inet", pa.string(), "10.0.0.1", "10.0.0.999", POSTGRES),
    "xml": Case("xml", pa.string(), "<a/>", "<a>", POSTGRES),
    "daterange": Case("daterange", pa.string(), "[2024-01-05,2024-01-06)", "[2024-01-06,2024-01-05)", POSTGRES),
    "json of text": Case("json", pa.string(), '{"a": 1}', "{", SERVERS),
    "array": Case("smallint[]", pa.list_(pa.int64()), [1], [40_000], (*POSTGRES, "duckdb")),
    "array of varchar": Case("varchar(2)[]", pa.list_(pa.string()), ["ab"], ["abc"], POSTGRES),
}


@pytest.mark.parametrize(
    ("database", "name"),
    [(database, name) for database in ALL for name, case in CASES.items() if database in case.engines],
)
def test_the_row_is_rejected(database: str, name: str, request: pytest.FixtureRequest) -> None:
    case = CASES[name]
    database_url: str = request.getfixturevalue(DATABASES[database])
    values = pa.array([case.good, case.bad, case.good, case.bad, case.good], case.type)
    data = pa.table({"id": range(5), "v": values})
    with arrowsync.connect(database_url) as conn:
        if case.before:
            conn.execute(case.before)
        for number, (mode, parallel) in enumerate(MODES):
            table = f"t{number}"
            conn.execute(f"CREATE TABLE {table} (id bigint PRIMARY KEY, v {case.ddl})")
            with pytest.raises(arrowsync.ArrowSyncError):
                arrowsync.sync_table(data, table, conn, mode=mode)
            assert conn.fetch(f"SELECT count(*) AS n FROM {table}").to_pylist() == [{"n": 0}]
            report = arrowsync.sync_table(
                data, table, conn, mode=mode, on_error="reject", parallel=None if database == "duckdb" else parallel
            )
            assert report.rejects is not None
            assert report.rejects.column("row").to_pylist() == [1, 3]
            assert all(report.rejects.column("reason").to_pylist())
            assert (report.inserted, report.rejected, report.rows_read) == (3, 2, 5)
            stored = arrowsync.read_table(table, conn)
            assert set(stored.column("id").to_pylist()) == {0, 2, 4}
            assert len({str(value) for value in stored.column("v").to_pylist()}) == 1


@pytest.mark.parametrize("database", SERVERS)
def test_all_rows_are_rejected(database: str, request: pytest.FixtureRequest) -> None:
    """Nothing is left of a batch to be looked at further."""
    with arrowsync.connect(request.getfixturevalue(DATABASES[database])) as conn:
        conn.execute("CREATE TABLE t (id bigint PRIMARY KEY, a smallint, b numeric(3,1))")
        data = pa.table({"id": [1, 2], "a": ["x", "y"], "b": ["1.5", "1.5"]})
        report = arrowsync.sync_table(data, "t", conn, on_error="reject")
        assert (report.rejected, report.inserted) == (2, 0)
