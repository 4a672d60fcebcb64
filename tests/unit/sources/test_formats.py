"""A file whose name says another format than it has: the hint says what it looks like, and `format=` as it says reads it."""

from __future__ import annotations

import gzip
import io
import re
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import arrowsync
from arrowsync.errors import ArrowSyncError

TABLE = pa.table({"id": [1, 2], "name": ["a", "b"]})


@dataclass
class Person:
    id: int
    name: str


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(TABLE, sink)
    return sink.getvalue()


def arrow() -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, TABLE.schema) as writer:
        writer.write_table(TABLE)
    return sink.getvalue()


CONTENT: dict[str, bytes] = {
    "parquet": parquet(),
    "arrow": arrow(),
    "csv": b"id,name\n1,a\n2,b\n",
    "tsv": b"id\tname\n1\ta\n2\tb\n",
    "jsonl": b'{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n',
}


def read(path: Path, **options: Any) -> list[dict[str, Any]]:
    with arrowsync.open_source(path, Person, **options) as stream:
        return stream.read_all().to_pylist()


def hint_of(path: Path, **options: Any) -> str:
    with pytest.raises(ArrowSyncError) as caught:
        read(path, **options)
    assert caught.value.hint is not None
    return caught.value.hint


@pytest.mark.parametrize(("content", "named"), list(permutations(CONTENT, 2)))
def test_a_file_of_one_format_that_is_named_as_another(content: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / f"people.{named}"
    path.write_bytes(CONTENT[content])
    for hint in (hint_of(path), hint_of(path, format=named)):
        found = re.search(r"format=['\"](\w+)['\"] reads it", hint)
        assert found, hint
        assert found[1] == content
    assert read(path, format=content) == TABLE.to_pylist()


@pytest.mark.parametrize("delimiter", [";", "|"])
@pytest.mark.parametrize("named", CONTENT)
def test_csv_with_another_delimiter(named: str, delimiter: str, tmp_path: Path) -> None:
    path = tmp_path / f"people.{named}"
    path.write_bytes(CONTENT["csv"].replace(b",", delimiter.encode()))
    hint = hint_of(path)
    assert re.search("format=['\"]csv['\"]", hint), hint
    if named in ("csv", "tsv"):
        assert f'csv=CsvOptions(delimiter="{delimiter}")' in hint
    if named != "csv":  # it is read as CSV then, and the next hint says the delimiter
        assert f'csv=CsvOptions(delimiter="{delimiter}")' in hint_of(path, format="csv")
    assert read(path, format="csv", csv=arrowsync.CsvOptions(delimiter=delimiter)) == TABLE.to_pylist()


@pytest.mark.parametrize("named", ["parquet", "arrow"])
def test_compressed_text_that_is_named_as_a_binary_format(named: str, tmp_path: Path) -> None:
    path = tmp_path / f"people.{named}"
    path.write_bytes(gzip.compress(CONTENT["csv"]))
    assert hint_of(path) == 'it looks like gzip: text in it is read: format="csv", "tsv" or "jsonl" says which'
    assert read(path, format="csv") == TABLE.to_pylist()


@pytest.mark.parametrize("named", CONTENT)
@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"PK\x03\x04" + bytes(60), "read it with Polars, pandas or pyarrow and give the frame, or unpack it"),
        (b"BZh9" + bytes(60), "unpack it first; gzip and Zstandard are read as they are"),
        (b"<!DOCTYPE html>\n<html>\n", "was it downloaded without its password, or by a wrong URL?"),
    ],
    ids=["zip", "bzip2", "html"],
)
def test_what_can_not_be_read_is_said_with_the_way_out(content: bytes, hint: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / f"people.{named}"
    path.write_bytes(content)
    assert hint_of(path).endswith(hint)
