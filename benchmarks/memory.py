"""Peak memory of loading a large Parquet file, above what importing the libraries takes.

    python benchmarks/memory.py [--scale 1]

Makes TPC-H lineitem (6 million rows at scale 1) and loads it into DuckDB and PostgreSQL, each in a process of its own;
with its key and without; prints one line for each, and fails where one needs more than 400 MB. The keyed loads into DuckDB
do (2026-11-21): it keeps the index of a primary key in memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT_MB = 400
MODES = ("insert", "insert keyed", "upsert keyed")
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
mode, _, key = sys.argv[4].partition(" ")
report = arrowsync.sync_table(sys.argv[1], LineItem if key else keyless, sys.argv[2], mode=mode)
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
        grown = [measure(source, f"duckdb:///{folder}/{n}.duckdb", mode) for n, mode in enumerate(MODES)]
        sys.path.insert(0, str(ROOT / "tests"))
        from servers.postgres import start_postgres

        with start_postgres() as server:
            grown += [measure(source, server.create_database(), mode) for mode in MODES]
    return 0 if max(grown) <= LIMIT_MB else 1


def measure(source: str, url: str, mode: str) -> float:
    """Load in a fresh process; the megabytes that it took above its baseline."""
    command = [sys.executable, "-c", LOADER, source, url, str(ROOT / "docs"), mode]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    grown = result["peak"] - result["baseline"]
    product = url.partition(":")[0]
    print(
        f"{product:10} {mode:12} {result['rows']:>9,} rows {result['seconds']:6.1f} s "
        f"{result['rows'] / result['seconds']:>9,.0f} rows/s  +{grown:.0f} MB (limit {LIMIT_MB})",
        flush=True,
    )
    return grown


if __name__ == "__main__":
    sys.exit(main())
