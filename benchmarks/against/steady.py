"""Peak memory of loading a stream of any length, above what importing takes: `python -m against.steady URL ROWS`."""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module

import numpy as np  # noqa: F401  what is imported is not what loading takes
import pyarrow as pa

import arrowsync
from against.child import status
from against.ours import streamed


def main(url: str, rows: int) -> None:
    """Load, and print the figures as JSON."""
    import_module("asyncpg" if url.startswith("postgres") else "aiomysql")
    baseline = status("VmRSS:")
    stream = streamed(rows)
    schema: pa.Schema = stream.schema.with_metadata({"name": f"steady_{rows}"})
    started = time.perf_counter()
    with arrowsync.connect(url) as connection:
        report = arrowsync.sync_table(stream, schema, connection)
        seconds = time.perf_counter() - started
        peak = status("VmHWM:")
        loaded = connection.fetch(f"SELECT count(*) AS n FROM steady_{rows}").to_pylist()[0]["n"]
        assert report.inserted == loaded == rows, f"{loaded} rows of {rows} are in the table"
        connection.execute(f"DROP TABLE steady_{rows}")
    print(json.dumps({"rows": rows, "seconds": seconds, "peak_mb": peak - baseline}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
