"""`make demo`: real data into a DuckDB file with the command line and with `sync_table`, changed, and synced again."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
from flights import Flight, flights_frame
from tpch import TABLES, LineItem

import arrowsync

HERE = Path(__file__).parent


def main() -> None:
    """Tell the story, in a temporary folder that goes away at the end."""
    with tempfile.TemporaryDirectory(prefix="arrowsync-demo-") as folder:
        data = Path(folder, "tpch")
        url = f"duckdb:///{folder}/warehouse.duckdb"
        title("TPC-H at scale 0.1, as Parquet, with the command line")
        run("tpchgen-cli", "parquet", "-s", "0.1", f"--output-dir={data}")
        for name, table in TABLES.items():
            run("arrowsync", "load", str(data / f"{name}.parquet"), url, "--table", f"tpch:{table.__name__}")
        with arrowsync.connect(url) as conn:
            change_and_sync_again(data, conn)
            load_flights(conn)
            query(conn)


def change_and_sync_again(data: Path, conn: arrowsync.Connection) -> None:
    """One row in a hundred gets another discount; only those are written."""
    title("1 % of the line items changed, all of them synced again")
    lines = pl.read_parquet(data / "lineitem.parquet").with_row_index("n")
    changed = pl.when(pl.col("n") % 100 == 0).then(pl.lit("changed")).otherwise(pl.col("l_comment"))
    print(arrowsync.sync_table(lines.with_columns(l_comment=changed).drop("n"), LineItem, conn))


def load_flights(conn: arrowsync.Connection) -> None:
    """A pandas frame: whole numbers that arrive as floats, NaN for what is missing, times as text."""
    title("336,776 flights from a pandas frame, and again with 1 % changed")
    flights = flights_frame()
    print(arrowsync.sync_table(flights, Flight, conn))
    later = flights.copy()
    later.loc[later.index % 100 == 0, "arr_delay"] = 0
    print(arrowsync.sync_table(later, Flight, conn))
    print(arrowsync.sync_table(later, Flight, conn))


def query(conn: arrowsync.Connection) -> None:
    """Revenue by nation and year, over five of the tables."""
    title("Who earned most in 1997?")
    result = conn.fetch(
        """
        SELECT n_name AS nation, sum(l_extendedprice * (1 - l_discount)) AS revenue, count(DISTINCT o_orderkey) AS orders
        FROM "LineItem" JOIN "Orders" ON l_orderkey = o_orderkey
        JOIN "Supplier" ON l_suppkey = s_suppkey JOIN "Nation" ON s_nationkey = n_nationkey
        WHERE o_orderdate >= DATE '1997-01-01' AND o_orderdate < DATE '1998-01-01'
        GROUP BY n_name ORDER BY revenue DESC LIMIT 5
        """
    )
    print(pl.from_arrow(result))


def title(text: str) -> None:
    """A heading."""
    print(f"\n== {text}", flush=True)


def run(command: str, *arguments: str) -> None:
    """One of the commands that are installed beside this Python, shown and run."""
    print(f"$ {command} {' '.join(arguments)}", flush=True)
    subprocess.run([str(Path(sys.executable).parent / command), *arguments], cwd=HERE, check=True)


if __name__ == "__main__":
    main()
