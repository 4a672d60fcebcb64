"""TSV into Arrow in declared types, beside tsv2py: an event log of 100,000 rows with 14 columns.

    python benchmarks/tsv_to_arrow.py [--rows 100000] [--runs 9] [--megabytes 300]

The two read the same file in turns, each run to the end of the file: tsv2py to Python objects of the same types (a date is
a date, a UUID a UUID, JSON is parsed), arrowsync to record batches of the types that a dataclass declares, all values checked.
Then a large file is read in a process of its own, to see that memory doesn't grow with the file. Fails below 6 times the
rows a second of tsv2py, or above 150 MB. `pip install tsv2py` first.
"""

from __future__ import annotations

import argparse
import datetime as dt
import ipaddress
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import arrowsync
from arrowsync.convert import compile_converter
from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.sources.files.tsv import open_tsv

RATIO = 6
LIMIT_MB = 150
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    "curl/8.4.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)",
    "python-requests/2.31",
)


@dataclass
class Event:
    id: int
    created: Annotated[dt.datetime, arrowsync.TimeZone("UTC")]
    day: dt.date
    user: uuid.UUID
    event: str
    path: str
    status: arrowsync.int16
    duration: float
    amount: Annotated[Decimal, arrowsync.Precision(12, 2)]
    admin: bool
    ip: ipaddress.IPv4Address
    agent: str
    referrer: str | None
    payload: dict[str, object]


PEER_TYPES = (
    *(int, dt.datetime, dt.date, uuid.UUID, str, str, int),
    *(float, Decimal, bool, ipaddress.IPv4Address, str, str, dict),
)
PEAK = """
import sys
sys.path.insert(0, sys.argv[1])
import tsv_to_arrow
def status(name):  # getrusage would tell the peak of the parent process, where that was higher
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name)) / 1024
before = status("VmRSS:")
rows = tsv_to_arrow.read_with_arrowsync(sys.argv[2])
print(rows, status("VmHWM:") - before)
"""


def write_events(path: Path, rows: int) -> None:
    """A log as a web server writes it: each 20th referrer has escapes, a third of them is NULL."""
    pick = random.Random(7)
    start = dt.datetime(2024, 1, 1)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("\t".join(Event.__dataclass_fields__) + "\n")
        for number in range(rows):
            at = start + dt.timedelta(seconds=number * 3, microseconds=pick.randrange(10**6))
            words = [pick.choice(("a", "products", "cart", "über", "search")) for _ in range(pick.randrange(1, 5))]
            referrer = pick.choice((r"\N", "https://example.com/?q=1", "https://example.org/some/longer/path"))
            fields = (
                *(str(10**9 + number), f"{at.isoformat()}Z", at.date().isoformat()),
                *(str(uuid.UUID(int=pick.getrandbits(128), version=4)), pick.choice(("view", "click", "purchase"))),
                *("/" + "/".join(words), str(pick.choice((200, 200, 200, 301, 404, 500)))),
                *(f"{pick.random() * 1000:.6f}", f"{pick.randrange(10**7) / 100:.2f}", pick.choice(("true", "false"))),
                ".".join(str(pick.randrange(1, 255)) for _ in range(4)),
                pick.choice(AGENTS),
                r"two\nlines and\ta tab" if number % 20 == 0 else referrer,
                json.dumps({"session": pick.randrange(10**6), "tags": ["a", "b"], "ok": True}),
            )
            file.write("\t".join(fields) + "\n")


def read_with_arrowsync(path: str) -> int:
    """All batches in declared types; each is dropped when the next one comes."""
    rows = 0
    with open_tsv(open(path, "rb"), name=path) as stream:
        convert = compile_converter(stream.schema, read_dataclass(Event))
        for batch in stream:
            rows += convert(batch, rows).num_rows
    return rows


def read_with_tsv2py(path: str) -> int:
    """All rows as tuples of Python objects, in a list."""
    from tsv.helper import Parser

    with open(path, "rb") as file:
        file.readline()
        return len(Parser(PEER_TYPES).parse_file(file))


READERS: dict[str, Callable[[str], int]] = {"arrowsync": read_with_arrowsync, "tsv2py": read_with_tsv2py}


def main() -> int:
    """Measure, print, and say whether both aims are reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--megabytes", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "events.tsv")
        write_events(path, options.rows)
        fast = compare(str(path), options.rows, options.runs)
        flat = measure_memory(path, Path(folder, "large.tsv"), options.megabytes)
    return 0 if fast and flat else 1


def compare(path: str, rows: int, runs: int) -> bool:
    """The medians of alternating runs, and whether their ratio is as it should be."""
    seconds: dict[str, list[float]] = {name: [] for name in READERS}
    for _ in range(runs):
        for name, read in READERS.items():
            started = time.perf_counter()
            found = read(path)
            seconds[name].append(time.perf_counter() - started)
            assert found == rows, f"{name} read {found} rows of {rows}"
    for name, each in seconds.items():
        median = statistics.median(each)
        print(
            f"{name:10} {rows:,} rows {median * 1000:7.0f} ms {rows / median:>11,.0f} rows/s (best {min(each) * 1000:.0f} ms)"
        )
    ratio = statistics.median(seconds["tsv2py"]) / statistics.median(seconds["arrowsync"])
    print(f"ratio      {ratio:.1f} (aim: {RATIO})")
    return ratio >= RATIO


def measure_memory(path: Path, large: Path, megabytes: int) -> bool:
    """The peak above what importing takes, of a file of about that size, and whether it is within the limit."""
    header, _, body = path.read_bytes().partition(b"\n")
    with large.open("wb") as file:
        file.write(header + b"\n")
        while file.tell() < megabytes << 20:
            file.write(body)
    peaks: list[float] = []
    for each in (path, large):
        command = [sys.executable, "-c", PEAK, str(Path(__file__).parent), str(each)]
        rows, peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        peaks.append(float(peak))
        print(
            f"memory     {int(rows):>9,} rows {each.stat().st_size >> 20:>5} MB file  +{peaks[-1]:.0f} MB (limit {LIMIT_MB})"
        )
    return peaks[-1] <= LIMIT_MB


if __name__ == "__main__":
    sys.exit(main())
