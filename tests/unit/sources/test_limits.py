"""Limits of text files, met before a file is in memory, and work that grows with the number of columns, not with its square."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import arrowsync
from arrowsync.errors import ArrowSyncError, SourceError
from arrowsync.sources.files import csv_records, header
from arrowsync.sources.files import text as tsv_lines

MANY = header.MAX_NAMES


class Endless(io.RawIOBase):
    """A file that begins so, and goes on without an end; `given` counts the bytes that were read of it."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.head, self.body, self.given = head, body, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        head, self.head = self.head[:size], self.head[size:]
        data = head + self.body * ((size - len(head)) // len(self.body) + 1)
        self.given += len(data[:size])
        return data[:size]


LONG: dict[str, tuple[str, bytes, bytes]] = {
    "a field of CSV": ("csv", b"a,b\n1,", b"x"),
    "a quoted field of CSV": ("csv", b'a,b\n1,"', b"x\n"),
    "fields of CSV": ("csv", b"a,b\n", b"1,"),
    "a name of CSV": ("csv", b"a,", b"b"),
    "a field of TSV": ("tsv", b"a\tb\n1\t", b"x"),
    "fields of TSV": ("tsv", b"a\tb\n", b"1\t"),
    "a name of TSV": ("tsv", b"a\t", b"b"),
    "a string of JSON": ("jsonl", b'{"a": "', b"x"),
    "an array of JSON": ("jsonl", b'{"a": [', b"1,"),
    "keys of JSON": ("jsonl", b"{", b'"a":1,'),
}


@pytest.mark.parametrize("case", LONG)
@pytest.mark.parametrize("on_error", ["raise", "reject"])
def test_a_record_has_a_limit_that_is_met_early(case: str, on_error: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = 12 << 20
    monkeypatch.setattr(tsv_lines, "MAX_RECORD_BYTES", limit)
    monkeypatch.setattr(csv_records, "MAX_RECORD_BYTES", limit)
    kind, head, body = LONG[case]
    file = Endless(head, body)

    def read() -> None:
        with arrowsync.open_source(file, format=kind) as stream:
            list(stream.iter_with_origin() if on_error == "reject" else stream)

    with pytest.raises(SourceError, match=r"a (line|record) of more than 12 MiB") as caught:
        read()
    assert "Parquet" in str(caught.value.hint)
    assert file.given < limit + (12 << 20)


@pytest.mark.parametrize(("kind", "delimiter"), [("csv", b","), ("tsv", b"\t")])
def test_a_header_has_a_limit_of_names(kind: str, delimiter: bytes) -> None:
    for names, more in ((b"a" + delimiter, b""), (b"", b"\n")):
        data = names * MANY + b"".join(b"c%d" % n + delimiter for n in range(MANY)) + b"z" + more
        with pytest.raises(SourceError, match="line 1: it has more than 100,000 names") as caught:
            arrowsync.open_source(data, format=kind)
        assert "a row for each value" in str(caught.value.hint)


# ---- many columns -------------------------------------------------------------------------------------------------------


def text(count: int, delimiter: bytes) -> bytes:
    return delimiter.join(b"c%d" % n for n in range(count)) + b"\n" + (b"1" + delimiter) * (count - 1) + b"1\n"


def table(count: int) -> pa.Table:
    return pa.table({f"c{n}": [1] for n in range(count)})


def parquet(count: int, folder: Path) -> list[str]:
    paths = [str(folder / f"{number}.parquet") for number in range(2)]
    for path in paths:
        pq.write_table(table(count), path)
    return paths


def csv_files(count: int, folder: Path) -> list[str]:
    paths = [str(folder / f"{number}.csv") for number in range(2)]
    for path in paths:
        Path(path).write_bytes(text(count, b","))
    return paths


def names(count: int) -> list[str]:
    return [f"c{n}" for n in range(count)]


def json(count: int) -> bytes:
    return b"{" + b",".join(b'"c%d":1' % n for n in range(count)) + b"}\n"


WAYS: dict[str, Callable[[int, Path], Any]] = {
    "csv": lambda n, _: arrowsync.open_source(text(n, b","), format="csv"),
    "csv, columns": lambda n, _: arrowsync.open_source(text(n, b","), format="csv", columns=names(n)),
    "csv, field_names": lambda n, _: arrowsync.open_source(text(n, b","), format="csv", field_names=names(n)),
    "csv, declared": lambda n, _: arrowsync.open_source(
        text(n, b","), pa.schema({name: pa.int64() for name in names(n)}), format="csv"
    ),
    "tsv": lambda n, _: arrowsync.open_source(text(n, b"\t"), format="tsv"),
    "jsonl": lambda n, _: arrowsync.open_source(json(n), format="jsonl"),
    "csv files": lambda n, folder: arrowsync.open_source(csv_files(n, folder)),
    "parquet files": lambda n, folder: arrowsync.open_source(parquet(n, folder)),
    "parquet files, columns": lambda n, folder: arrowsync.open_source(parquet(n, folder), columns=names(n)),
    "table": lambda n, _: arrowsync.open_source(table(n)),
    "table, declared": lambda n, _: arrowsync.open_source(
        table(n), pa.schema({name: pa.string() for name in names(n)})
    ),
    "dicts": lambda n, _: arrowsync.open_source([dict.fromkeys(names(n), 1)]),
    "tuples": lambda n, _: arrowsync.open_source([(1,) * n], field_names=names(n)),
}


def steps(call: Callable[[], object]) -> int:
    """How many lines of Python a call runs through: a measure of its work that doesn't depend on the machine."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += 1
        return trace

    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(None)
    return count


@pytest.mark.parametrize("way", WAYS)
def test_the_work_is_linear_in_the_number_of_columns(way: str, tmp_path: Path) -> None:
    def work(count: int) -> int:
        return steps(lambda: WAYS[way](count, tmp_path).read_all())

    work(20)
    small, large = work(100), work(400)
    assert large < 5 * small


@pytest.mark.soak
@pytest.mark.parametrize("way", WAYS)
def test_the_time_is_linear_in_the_number_of_columns(way: str, tmp_path: Path) -> None:
    def seconds(count: int) -> float:
        started = time.process_time()
        WAYS[way](count, tmp_path).read_all()
        return time.process_time() - started

    seconds(100)
    small, large = seconds(2_000), seconds(10_000)
    assert large < 12 * small + 1


def test_40_000_names() -> None:
    with arrowsync.open_source(text(40_000, b","), format="csv", columns=["c7", "c39999"]) as stream:
        assert stream.read_all().to_pylist() == [{"c7": "1", "c39999": "1"}]


def test_many_names_that_are_wrong_are_refused_in_linear_time() -> None:
    data = b"a," * 40_000 + b"a\n"
    with pytest.raises(ArrowSyncError, match="column 2: a second column is named 'a'"):
        arrowsync.open_source(data, format="csv")
    declared = pa.schema({f"d{n}": pa.int64() for n in range(2_000)})
    with pytest.raises(ArrowSyncError, match="doesn't declare"):
        arrowsync.open_source(text(10_000, b","), declared, format="csv")
