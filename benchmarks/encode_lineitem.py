"""CPU time of encoding TPC-H lineitem as COPY BINARY, against pgpq and ADBC where they are installed.

    python benchmarks/encode_lineitem.py [--scale 0.2] [--rounds 7] [--nulls 0.1] [--url postgresql://...] [--json]

All encode the same batches of 8,000 rows, zero-copy slices of larger ones, in turns; the medians of user and system time are
printed, per million rows. ADBC's encoder can't be had alone: its figure is the client's CPU time of `adbc_ingest` into
PostgreSQL, at `--url` or on a private server. On two shared cores (2026-11-21): arrowsync 0.15 s, pgpq 0.12.0 0.25 s, ADBC
1.13.0 1.49 s; with a tenth of the values NULL 0.26 s, 0.24 s and 1.32 s.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from arrowsync.catalog import SqlType  # noqa: E402
from arrowsync.wire.pgcopy.encode import compile_pgcopy  # noqa: E402

BATCH_ROWS = 8_000
TYPES = {
    pa.int64(): SqlType("bigint"),
    pa.int32(): SqlType("integer"),
    pa.decimal128(15, 2): SqlType("numeric", (15, 2)),
    pa.string(): SqlType("text"),
    pa.date32(): SqlType("date"),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scale", type=float, default=0.2, help="1 is 6 million rows")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--nulls", type=float, default=0, help="the part of the values that is made NULL")
    parser.add_argument("--url", help="a PostgreSQL for ADBC, instead of a private one")
    parser.add_argument("--json", action="store_true", help="print only the seconds of CPU per million rows, by name")
    options = parser.parse_args()
    table = with_nulls(lineitem(options.scale), options.nulls)
    batches = [
        batch.slice(first, BATCH_ROWS)
        for batch in table.combine_chunks().to_batches()
        for first in range(0, batch.num_rows, BATCH_ROWS)
    ]
    with contenders(table.schema, batches, options.url) as runs:
        seconds = measure(runs, options.rounds)
    if options.json:
        print(json.dumps({name: statistics.median(times) / table.num_rows * 1e6 for name, times in seconds.items()}))
        return
    ours = statistics.median(seconds["arrowsync"])
    print(f"{table.num_rows:,} rows, {table.nbytes / 1e6:.0f} MB of Arrow, medians of {options.rounds} rounds")
    for name, times in seconds.items():
        median = statistics.median(times)
        per_million = median / table.num_rows * 1e6
        print(f"{name:10} {per_million:6.3f} s of CPU per million rows   arrowsync takes {ours / median:.2f}x of it")


def lineitem(scale: float) -> pa.Table:
    """The table, in the types that a declaration of it has."""
    with tempfile.TemporaryDirectory() as folder:
        generator = str(Path(sys.executable).parent / "tpchgen-cli")
        command = [generator, "parquet", "-s", str(scale), "--tables=lineitem", f"--output-dir={folder}"]
        subprocess.run(command, check=True, capture_output=True)
        table = pyarrow.parquet.read_table(Path(folder, "lineitem.parquet"))
    fields = [pa.field(f.name, pa.string() if f.type == pa.string_view() else f.type) for f in table.schema]
    return table.cast(pa.schema([field.with_nullable(True) for field in fields]))


def with_nulls(table: pa.Table, part: float) -> pa.Table:
    """The table with so much of every column NULL."""
    if not part:
        return table
    random = np.random.default_rng(7)
    rows = np.arange(table.num_rows)
    columns: Any = table.combine_chunks().columns
    nullable = [column.take(pa.array(rows, mask=random.random(len(rows)) < part)) for column in columns]
    return pa.table(nullable, schema=table.schema)


Run = Callable[[], object]


@contextmanager
def contenders(schema: pa.Schema, batches: list[pa.RecordBatch], url: str | None) -> Iterator[dict[str, Run]]:
    """What is measured, by name."""
    encode = compile_pgcopy(schema, [TYPES[kind] for kind in schema.types])
    runs: dict[str, Run] = {"arrowsync": lambda: sum(encode(batch).size for batch in batches)}
    if importlib.util.find_spec("pgpq"):
        runs["pgpq"] = pgpq_run(schema, batches)
    if not importlib.util.find_spec("adbc_driver_postgresql"):
        yield runs
        return
    with postgres(url) as server, adbc_run(server, schema, batches) as run:
        yield {**runs, "adbc": run}


def pgpq_run(schema: pa.Schema, batches: list[pa.RecordBatch]) -> Run:
    """Encode the batches with pgpq."""
    import pgpq  # type: ignore[import-not-found]

    def run() -> int:
        encoder = pgpq.ArrowToPostgresBinaryEncoder(schema)
        encoder.write_header()
        return sum(len(encoder.write_batch(batch)) for batch in batches)

    return run


@contextmanager
def adbc_run(url: str, schema: pa.Schema, batches: list[pa.RecordBatch]) -> Iterator[Run]:
    """Load the batches with ADBC into a temporary table."""
    import adbc_driver_postgresql.dbapi  # type: ignore[import-not-found]

    columns = ", ".join(f"{f.name} {TYPES[f.type]}" for f in schema)
    with adbc_driver_postgresql.dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE lineitem ({columns})")

        def run() -> None:
            cursor.execute("TRUNCATE lineitem")
            cursor.adbc_ingest(
                "lineitem", pa.RecordBatchReader.from_batches(schema, batches), mode="append", temporary=True
            )

        yield run


@contextmanager
def postgres(url: str | None) -> Iterator[str]:
    """The URL of a database: that one, or of a private server."""
    if url:
        yield url
        return
    sys.path.insert(0, str(ROOT / "tests"))
    from servers.postgres import start_postgres

    with start_postgres() as server:
        yield server.create_database()


def measure(runs: dict[str, Run], rounds: int) -> dict[str, list[float]]:
    """Seconds of CPU time of every run, by name; a first round is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for round_ in range(rounds + 1):
        for name, run in runs.items():
            start = time.process_time()
            run()
            if round_:
                seconds[name].append(time.process_time() - start)
    return seconds


if __name__ == "__main__":
    main()
