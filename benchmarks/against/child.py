"""One run, in a process of its own: `python -m against.child`, with a request as JSON on standard input.

The contender first loads a thousand rows into another table, which isn't measured: imports and first calls. Then it prepares,
and is measured. Prints one line of JSON: seconds, CPU seconds of this process and its children, the memory that the run took
at its peak, and that of the data in the form that the contender needs.
"""

from __future__ import annotations

import gc
import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

Run = Callable[[], object]
"""What is measured; where it returns a dictionary, that is kept with the figures."""
WARM_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Job:
    """What a contender is to load: `data` into `table`, which is there already unless `mode` is "create".

    With mode "upsert" the table holds `before`; `key` is its primary key. `columns` are the types of the table's columns.
    """

    url: str
    table: str
    mode: str
    data: pa.Table
    before: pa.Table | None
    columns: dict[str, str]
    key: str | None
    create: str
    arguments: dict[str, Any]


def main() -> None:
    """Run what standard input asks for, and print what was measured, or what the contender refused it with."""
    request = json.load(sys.stdin)
    try:
        print(json.dumps(measured(request)))
    except Exception as error:
        print(json.dumps({"refused": said(error)}))


def said(error: BaseException) -> str:
    """An error in a line: of several, each raised from the next, the last; but of arrowsync's the first, which is ours."""
    while error.__cause__ is not None and not type(error).__module__.startswith("arrowsync"):
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"


def measured(request: dict[str, Any]) -> dict[str, Any]:
    """One run: warm up, prepare, load."""
    module, _, function = request["contender"].partition(":")
    contender: Callable[[Job], AbstractContextManager[Run]] = getattr(
        importlib.import_module(f"against.{module}"), function
    )
    job = read_job(request)
    warm = replace(
        job,
        table=request["warm_table"],
        create=request["warm_create"],
        data=job.data.slice(0, WARM_ROWS),
        before=None if job.before is None else job.before.slice(0, WARM_ROWS),
    )
    with contender(warm) as run:
        run()
    tidy()
    loaded = status("VmRSS:") - job.data.nbytes / 1e6
    with contender(job) as run:
        tidy()
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        held = status("VmRSS:")
        cpu, started = cpu_seconds(), time.perf_counter()
        more = run()
        seconds, cpu = time.perf_counter() - started, cpu_seconds() - cpu
        peak = status("VmHWM:")
    figures = {"seconds": seconds, "cpu": cpu, "peak_mb": peak - held, "data_mb": held - loaded, "rows": len(job.data)}
    return {**figures, "more": more if isinstance(more, dict) else {}}


def read_job(request: dict[str, Any]) -> Job:
    """The job of a request, with its data in memory."""

    def read(path: str | None) -> pa.Table | None:
        if path is None:
            return None
        table = pyarrow.parquet.read_table(path)
        return table.slice(0, request["rows"]) if request["rows"] else table

    data = read(request["data"])
    assert data is not None
    before = read(request["before"])
    names = ("url", "table", "mode", "columns", "key", "create", "arguments")
    return Job(data=data, before=before, **{name: request[name] for name in names})


def tidy() -> None:
    """Give back what is free, so that the growth from here on is that of the run."""
    gc.collect()
    pa.default_memory_pool().release_unused()


def status(name: str) -> float:
    """A figure of the kernel's about this process, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024 / 1e6


def cpu_seconds() -> float:
    """User and system time of this process, its threads, and its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


if __name__ == "__main__":
    main()
