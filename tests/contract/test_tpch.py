"""TPC-H at scale 0.1, all eight tables: what is stored equals what DuckDB computes from the Parquet files themselves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from examples.tpch import TABLES

import arrowsync

QUERIES = {
    "Q1": """
        SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, sum(l_extendedprice) AS sum_base_price,
            sum(l_extendedprice * (1 - l_discount)) AS sum_disc_price,
            sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge,
            CAST(avg(l_quantity) AS decimal(38, 6)) AS avg_qty, count(*) AS count_order
        FROM {lineitem} WHERE l_shipdate <= DATE '1998-09-02'
        GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus""",
    "Q3": """
        SELECT l_orderkey, sum(l_extendedprice * (1 - l_discount)) AS revenue, o_orderdate, o_shippriority
        FROM {customer}, {orders}, {lineitem}
        WHERE c_mktsegment = 'BUILDING' AND c_custkey = o_custkey AND l_orderkey = o_orderkey
            AND o_orderdate < DATE '1995-03-15' AND l_shipdate > DATE '1995-03-15'
        GROUP BY l_orderkey, o_orderdate, o_shippriority ORDER BY revenue DESC, o_orderdate LIMIT 10""",
    "Q6": """
        SELECT sum(l_extendedprice * l_discount) AS revenue FROM {lineitem}
        WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01'
            AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24""",
}


@pytest.fixture(scope="module")
def tpch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the eight Parquet files."""
    folder = tmp_path_factory.mktemp("tpch")
    generator = Path(sys.executable).parent / "tpchgen-cli"
    subprocess.run([generator, "parquet", "-s", "0.1", f"--output-dir={folder}"], check=True, capture_output=True)
    return folder


@pytest.fixture
def loaded(tpch: Path, database_url: str) -> Iterator[arrowsync.Connection]:
    """A database with all the tables loaded."""
    if database_url.startswith("sqlite"):
        pytest.skip("never: SQLite holds decimals as text, and its own sums are floats")
    with arrowsync.connect(database_url) as conn:
        for name, table in TABLES.items():
            path = tpch / f"{name}.parquet"
            report = arrowsync.sync_table(path, table, conn)
            assert report.inserted == report.rows_read == pq.read_metadata(path).num_rows
        yield conn


def facts(schema: pa.Schema, relation: str, collate: str = "") -> str:
    """A query for the count, the sum of every number column, and the ends of every date and text column."""
    wanted = ["count(*)"]
    for field in schema:
        if pa.types.is_decimal(field.type):
            wanted.append(f"sum({field.name})")
        elif pa.types.is_integer(field.type):
            wanted.append(f"CAST(sum({field.name}) AS decimal(38,0))")
        elif pa.types.is_date(field.type):
            wanted += [f"min({field.name})", f"max({field.name})"]
        else:
            wanted += [f"min({field.name}{collate})", f"max({field.name}{collate})"]
    columns = ", ".join(f"{expression} AS f{n}" for n, expression in enumerate(wanted))
    return f"SELECT {columns} FROM {relation}"


def values(table: Any) -> list[tuple[Any, ...]]:
    """The rows as plain values; numbers compare by value, whatever scale they came with."""
    return [tuple(row.values()) for row in table.to_pylist()]


def from_files(query: str) -> list[tuple[Any, ...]]:
    """What DuckDB computes from the Parquet files."""
    with duckdb.connect() as connection:
        return values(connection.sql(query).to_arrow_table())


def test_the_tables_hold_what_the_files_hold_and_queries_give_the_same_answers(
    loaded: arrowsync.Connection, tpch: Path
) -> None:
    # DuckDB compares text by its bytes; PostgreSQL by the collation of the database, unless told.
    collate = ' COLLATE "C"' if "postgresql" in repr(loaded) else ""
    quote = "`" if any(name in repr(loaded) for name in ("mysql", "mariadb")) else '"'
    for name, table in TABLES.items():
        path = tpch / f"{name}.parquet"
        schema = pq.read_schema(path)
        stored = loaded.fetch(facts(schema, f"{quote}{table.__name__}{quote}", collate))
        assert values(stored) == from_files(facts(schema, f"'{path}'")), name

    for name, query in QUERIES.items():
        on_tables = query.format(**{name: f"{quote}{table.__name__}{quote}" for name, table in TABLES.items()})
        on_files = query.format(**{name: f"'{tpch / name}.parquet'" for name in TABLES})
        assert values(loaded.fetch(on_tables)) == from_files(on_files), name
