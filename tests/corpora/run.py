"""Reads other projects' collections of hard files: each file is read exactly, or refused with a SourceError.

    python tests/corpora/run.py FOLDER

FOLDER holds clones of https://github.com/apache/parquet-testing, https://github.com/max-mapper/csv-spectrum and
https://github.com/nst/JSONTestSuite, those of them that are to be read. A worker process reads the files, so that a crash or a
hang is told of the file that it is of. Exact is what another reader says too: DuckDB for Parquet, or pyarrow where DuckDB doesn't
read it or has other types; csv-spectrum's own JSON; Python's `json`. Ends with 1 where a file is neither.
"""

from __future__ import annotations

import argparse
import json
import math
import select
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SECONDS = 60
FINE = ("exact", "refused")


# ---- the readers, in the worker -----------------------------------------------------------------------------------------


def read_parquet(path: str) -> str:
    import duckdb
    import pyarrow.parquet as pq

    import arrowsync

    ours = arrowsync.open_source(path, format="parquet").read_all()
    try:
        with duckdb.connect() as con:
            theirs = con.read_parquet(path).to_arrow_table()
        same_types = theirs.schema.types == ours.schema.types
    except Exception as error:  # whatever DuckDB raises
        same_types, theirs = False, error
    if same_types:
        found = difference_of_tables(ours, theirs)
        return f"differs from DuckDB: {found}" if found else "exact, as DuckDB reads it"
    with pq.ParquetFile(path) as file:
        whole = file.read()
    found = difference_of_tables(ours, whole)
    return f"differs from pyarrow: {found}" if found else "exact, as pyarrow reads it whole"


def read_csv(path: str) -> str:
    import arrowsync

    # A field that is empty is NULL here, and the empty text there.
    rows = [
        {name: value or "" for name, value in row.items()} for row in arrowsync.open_source(path).read_all().to_pylist()
    ]
    said = json.loads(Path(path).parents[1].joinpath("json", f"{Path(path).stem}.json").read_bytes())
    return "exact, as its JSON says" if rows == said else f"differs from its JSON: {difference(rows, said)}"


def read_json(path: str) -> str:
    """The file as it is, and its value as that of a key."""
    data = Path(path).read_bytes()
    whole = read_lines(data)
    value = read_lines(b'{"value": ' + data.strip() + b"}\n")
    for outcome in (whole, value):
        if not outcome.startswith(FINE):
            return outcome
    return value if value.startswith("exact") else whole


def read_lines(data: bytes) -> str:
    import arrowsync

    try:
        rows = arrowsync.open_source(data, format="jsonl").read_all()
    except arrowsync.SourceError as error:
        return f"refused: {error.message}"
    texts = [line for line in data.decode().split("\n") if line.strip(" \t\r")]
    said = [json.loads(text, parse_float=Digits, parse_constant=refuse) for text in texts]
    columns = {name: str(kind) for name, kind in zip(rows.schema.names, rows.schema.types, strict=True)}
    for row, expected in zip(rows.to_pylist(), said, strict=True):
        for name in columns:
            found = row[name]
            if "json" in columns[name] and found is not None:
                found = json.loads(found, parse_float=Digits)
            if not alike_json(found, expected.get(name)):
                return f"differs from Python's json: {name!r} is {found!r}, not {expected.get(name)!r}"
        if not expected.keys() <= columns.keys():
            return "differs from Python's json: a key is missing"
    return "exact, as Python's json reads it"


class Digits(str):
    """A number that is no integer, as it stands in JSON."""


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def alike_json(one: Any, other: Any) -> bool:
    """Equal; numbers as a float has them, where they came as a float."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike_json(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike_json, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, float) and isinstance(other, Digits | int):
        return one == float(other)
    return type(one) is type(other) and one == other


def alike(one: Any, other: Any) -> bool:
    """Equal, and NaN is NaN."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    return type(one) is type(other) and one == other


def difference_of_tables(ours: Any, theirs: Any) -> str:
    if ours.replace_schema_metadata(None).equals(theirs.replace_schema_metadata(None)):
        return ""
    for name in ours.schema.names:  # NaN isn't equal to itself, and Python has no dates after 9999
        one, other = ours[name].combine_chunks(), theirs[name].combine_chunks()
        if one.type != other.type:
            return f"column {name!r} is {one.type}, not {other.type}"
        if not one.equals(other) and (found := difference(one.to_pylist(), other.to_pylist())):
            return f"column {name!r}, {found}"
    return "" if ours.schema.names == theirs.schema.names else "other columns"


def difference(ours: list[Any], theirs: list[Any]) -> str:
    if len(ours) != len(theirs):
        return f"{len(ours)} rows, not {len(theirs)}"
    return next(
        (
            f"row {at}: {a!r}, not {b!r}"[:300]
            for at, (a, b) in enumerate(zip(ours, theirs, strict=True))
            if not alike(a, b)
        ),
        "",
    )


READERS: dict[str, Callable[[str], str]] = {"parquet": read_parquet, "csv": read_csv, "json": read_json}


def work() -> None:
    """Read what standard input names, a kind and a path on each line, and say the outcome on a line."""
    import arrowsync

    sys.setrecursionlimit(10_000)  # JSON is nested deeply in some
    for line in sys.stdin:
        kind, path = line.rstrip("\n").split("\t")
        try:
            outcome = READERS[kind](path)
        except arrowsync.SourceError as error:
            outcome = f"refused: {error.message}"
        except BaseException as error:
            outcome = f"{type(error).__name__}: {error}"
        print(json.dumps(outcome[:400]), flush=True)


# ---- the run ------------------------------------------------------------------------------------------------------------


def files_of(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """The collection, the kind and the path of each file."""
    for path in sorted(folder.glob("parquet-testing/**/*.parquet*")):
        if path.suffix in (".parquet", ".encrypted"):
            yield "parquet-testing", "parquet", path
    for path in sorted(folder.glob("csv-spectrum/csvs/*.csv")):
        yield "csv-spectrum", "csv", path
    for path in sorted(folder.glob("JSONTestSuite/test_*/*.json")):
        yield "JSONTestSuite", "json", path


class Reader:
    """A worker process, started again when it has ended or hung."""

    def __init__(self) -> None:
        self._worker: subprocess.Popen[str] | None = None

    def read(self, kind: str, path: Path) -> str:
        if self._worker is None:
            self._worker = subprocess.Popen(
                [sys.executable, __file__, "--work"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        worker = self._worker
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(f"{kind}\t{path}\n")
        worker.stdin.flush()
        ready, _, _ = select.select([worker.stdout], [], [], SECONDS)
        line = worker.stdout.readline() if ready else ""
        if line:
            return json.loads(line)
        self.close()
        return f"crashed: exit status {worker.returncode}" if ready else f"hung for {SECONDS} s"

    def close(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker.communicate()
            self._worker = None


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--verbose", action="store_true", help="say the outcome of each file")
    options = parser.parse_args()
    if options.work:
        work()
        return 0
    if options.folder is None:
        parser.error("give the folder of the clones")
    reader, bad = Reader(), 0
    counts: dict[str, Counter[str]] = {}
    for collection, kind, path in files_of(options.folder):
        outcome = reader.read(kind, path)
        fine = outcome.startswith(FINE)
        bad += not fine
        counts.setdefault(collection, Counter())[
            "refused" if outcome.startswith("refused") else outcome if fine else "BAD"
        ] += 1
        if options.verbose or not fine:
            print(f"{path.relative_to(options.folder)}: {outcome}")
    reader.close()
    for collection, outcomes in counts.items():
        print(
            f"{collection}: {sum(outcomes.values())} files; {', '.join(f'{n} {what}' for what, n in outcomes.items())}"
        )
    if not counts:
        parser.error(f"{options.folder} has none of the clones")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
