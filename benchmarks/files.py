"""Rows per second and peak memory of reading files of every format, a small one and one four times as large.

    python benchmarks/files.py [--rows 2000000]

Each file is read to its end by `open_source` in a process of its own, which drops the batches. Fails where the larger file
takes more than 48 MB more than the smaller: memory is to be flat in the size of the file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT_MB = 48
FORMATS = {
    "csv": "HEADER",
    "csv.gz": "HEADER, COMPRESSION gzip",
    "csv.zst": "HEADER, COMPRESSION zstd",
    "tsv": "FORMAT csv, HEADER, DELIMITER '\t', NULL '\\N', QUOTE ''",
    "jsonl": "FORMAT json",
    "parquet": "FORMAT parquet",
}
QUERY = """SELECT i AS id, md5(i::VARCHAR) AS name, i / 7 AS price, TIMESTAMP '2026-01-01' + i * INTERVAL 1 SECOND AS at,
'free text, number ' || i AS note FROM range({rows}) r(i)"""

READER = """
import json, sys, time
import pyarrow.csv, pyarrow.parquet
import arrowsync

def status(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name)) / 1024

before, started, rows = status("VmRSS:"), time.perf_counter(), 0
with arrowsync.open_source(sys.argv[1]) as stream:
    for batch in stream:
        rows += batch.num_rows
print(json.dumps({"rows": rows, "seconds": time.perf_counter() - started, "peak": status("VmHWM:") - before}))
"""


def main() -> int:
    """Write, read, print, and say whether memory is flat."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=2_000_000)
    options = parser.parse_args()
    flat = [measure(suffix, how, options.rows) for suffix, how in FORMATS.items()]
    return 0 if all(flat) else 1


def measure(suffix: str, how: str, rows: int) -> bool:
    """Whether reading the larger file takes no more memory."""
    import duckdb

    found: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for count in (rows // 4, rows):
            path = Path(folder, f"{count}.{suffix}")
            with duckdb.connect() as con:
                con.execute(f"COPY ({QUERY.format(rows=count)}) TO '{path}' ({how})")
            done = subprocess.run([sys.executable, "-c", READER, path], check=True, capture_output=True, text=True)
            found.append(json.loads(done.stdout))
            assert found[-1]["rows"] == count
            size = path.stat().st_size >> 20
            print(
                f"{suffix:8} {count:10,} rows {size:5,} MB  {count / found[-1]['seconds']:12,.0f} rows/s  "
                f"peak {found[-1]['peak']:5.0f} MB",
                flush=True,
            )
    return found[1]["peak"] <= found[0]["peak"] + LIMIT_MB


if __name__ == "__main__":
    sys.exit(main())
