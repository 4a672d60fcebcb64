"""Peak memory of loading a large Parquet file, above what importing the libraries takes.

    python benchmarks/memory.py [--scale 1]

Makes TPC-H lineitem (6 million rows at scale 1) and loads it into DuckDB and PostgreSQL, each in a process of its own;
prints one line for each, and fails where streaming needs more than 400 MB. An upsert into DuckDB is measured too, without a
limit: DuckDB keeps the index of a primary key in memory, and that grows with the table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT_MB = 400
ROOT = Path(__file__).parents[1]

LOADER = """
import json, resource, sys, threading, time
sys.path.insert(0, sys.argv[3])
import asyncpg, duckdb, polars, pyarrow.dataset, pyarrow.parquet
import arrowsync
from examples.tpch import LineItem

def resident():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS:")) / 1024

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

baseline = resident()
keyless = arrowsync.open_source([], LineItem).schema.with_metadata({"name": "LineItem"})
table = keyless if sys.argv[4] == "insert" else LineItem
report = arrowsync.sync_table(sys.argv[1], table, sys.argv[2], mode=sys.argv[4])
print(json.dumps({"rows": report.rows_read, "seconds": report.seconds, "baseline": baseline, "peak": peak()}))
"""


def main() -> int:
    """Measure, print, and say whether all is within the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scale", type=float, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        generator = str(Path(sys.executable).parent / "tpchgen-cli")
        command = [generator, "parquet", "-s", str(options.scale), "--tables=lineitem", f"--output-dir={folder}"]
        subprocess.run(command, check=True, capture_output=True)
        source = str(Path(folder, "lineitem.parquet"))
        measure(source, f"duckdb:///{folder}/upsert.duckdb", "upsert", limited=False)
        grown = [measure(source, f"duckdb:///{folder}/insert.duckdb", "insert")]
        sys.path.insert(0, str(ROOT / "tests"))
        from servers.postgres import start_postgres

        with start_postgres() as server:
            grown += [measure(source, server.create_database(), mode) for mode in ("insert", "upsert")]
    return 0 if max(grown) <= LIMIT_MB else 1


def measure(source: str, url: str, mode: str, *, limited: bool = True) -> float:
    """Load in a fresh process; the megabytes that it took above its baseline."""
    command = [sys.executable, "-c", LOADER, source, url, str(ROOT / "docs"), mode]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    grown = result["peak"] - result["baseline"]
    product = url.partition(":")[0]
    print(
        f"{product:10} {mode:6} {result['rows']:>9,} rows {result['seconds']:6.1f} s "
        f"{result['rows'] / result['seconds']:>9,.0f} rows/s  +{grown:.0f} MB{f' (limit {LIMIT_MB})' if limited else ''}",
        flush=True,
    )
    return grown


if __name__ == "__main__":
    sys.exit(main())
