"""A DuckDB database that a declaration is formed in, and what its own catalog says of it."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

import arrowsync
from arrowsync import GeneratorOptions, create_sql

AWKWARD = "it's \"a\" \\ back\\'slash;\n'); DROP TABLE x; -- /* 😀 % {y} $1 ?"
HERE = "database_name = current_database() AND NOT internal"


def make(conn: duckdb.DuckDBPyConnection, tables: Any, **options: Any) -> None:
    """Run the script; where the modes are the default ones, a migration finds nothing left to do."""
    conn.execute(create_sql(tables, "duckdb", GeneratorOptions(**options)))
    if not options:
        assert str(arrowsync.plan(tables, conn)) == "-- nothing to change"


def columns(conn: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """The type of each column, and `NOT NULL`, as three views of DuckDB's catalog say it."""
    found = conn.execute(
        f"SELECT column_name, data_type, is_nullable FROM duckdb_columns() WHERE table_name = ? AND {HERE} "
        "ORDER BY column_index",
        [table],
    ).fetchall()
    standard = conn.execute(
        "SELECT column_name, data_type, is_nullable = 'YES' FROM information_schema.columns WHERE table_name = ? "
        "ORDER BY ordinal_position",
        [table],
    ).fetchall()
    quoted = table.replace('"', '""')
    described = [(row[0], row[1], row[2] == "YES") for row in conn.execute(f'DESCRIBE "{quoted}"').fetchall()]
    assert found == standard == described
    return {name: kind if nullable else f"{kind} NOT NULL" for name, kind, nullable in found}


def constraints(conn: duckdb.DuckDBPyConnection, table: str, kind: str | None = None) -> list[str]:
    query = (
        "SELECT constraint_text FROM duckdb_constraints() WHERE table_name = ? AND constraint_type <> 'NOT NULL' "
        "AND (CAST(? AS VARCHAR) IS NULL OR constraint_type = ?) ORDER BY constraint_index"
    )
    return [row[0] for row in conn.execute(query, [table, kind, kind]).fetchall()]


def tables(conn: duckdb.DuckDBPyConnection) -> set[str]:
    return {row[0] for row in conn.execute(f"SELECT table_name FROM duckdb_tables() WHERE {HERE}").fetchall()}


def refuses(conn: duckdb.DuckDBPyConnection, statement: str, *why: str) -> None:
    with pytest.raises((duckdb.ConstraintException, duckdb.ConversionException)) as caught:
        conn.execute(statement)
    assert all(word in str(caught.value) for word in why)
