"""Every error of a text file names the file and the line, whichever way its rows go."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest

import arrowsync
from arrowsync import ArrowSyncError, ConversionError, MaxLength, PrimaryKey


@dataclass
class Person:
    id: PrimaryKey[int]
    name: Annotated[str, MaxLength(4)] | None = None


def csv(rows: list[tuple[str, str]], names: tuple[str, str]) -> str:
    return "".join(f"{','.join(row)}\r\n" for row in [names, *rows])


def tsv(rows: list[tuple[str, str]], names: tuple[str, str]) -> str:
    return "".join("\t".join(row) + "\n" for row in [names, *rows])


def jsonl(rows: list[tuple[str, str]], names: tuple[str, str]) -> str:
    return "\n" + "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows)


FORMATS = {"csv": csv, "tsv": tsv, "jsonl": jsonl}  # in all of them the first row is on line 2
GOOD = [("1", "ann"), ("2", "bob")]
# The rows of the second of three files, its names, and the line of what is wrong.
FAULTS: dict[str, tuple[list[tuple[str, str]], tuple[str, str], int]] = {
    "a value that doesn't convert": ([("3", "cy"), ("xx", "dee")], ("id", "name"), 3),
    "a value that doesn't fit": ([("3", "cy"), ("4", "dee"), ("5", "a name that is too long")], ("id", "name"), 4),
    "a value of any length": ([("3", "x" * 100_000)], ("id", "name"), 2),
    "a column that isn't declared": ([("3", "cy")], ("id", "nam"), 1),
}


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> tuple[Path, str, int]:
    kind, fault = request.param
    rows, names, line = FAULTS[fault]
    write = FORMATS[kind]
    (tmp_path / f"a.{kind}").write_bytes(write(GOOD, ("id", "name")).encode())
    (tmp_path / f"b.{kind}").write_bytes(write(rows, names).encode())
    (tmp_path / f"c.{kind}.gz").write_bytes(gzip.compress(write(GOOD, ("id", "name")).encode()))
    return tmp_path, f"b.{kind}", 2 if kind == "jsonl" and line == 1 else line


EACH = pytest.mark.parametrize(
    "folder", [(kind, fault) for kind in FORMATS for fault in FAULTS], indirect=True, ids="-".join
)


def check(error: ArrowSyncError, folder: tuple[Path, str, int]) -> None:
    assert isinstance(error, ConversionError)
    place, name, line = folder
    assert error.file == str(place / name)
    assert f"{name}" in error.message
    if error.rows or error.line is not None:
        assert error.line == line
        assert f"{name}, line {line}: " in error.message
    else:
        assert "'nam'" in error.message  # of several files, the one whose column it is
    assert error.message.count(name) == 1
    assert len(error.message) < 400


def as_batches(data: Any) -> None:
    with arrowsync.open_source(data, Person) as stream:
        list(stream)


def as_table(data: Any) -> None:
    with arrowsync.open_source(data, Person) as stream:
        stream.read_all()


def as_rows_of_an_open_source(data: Any) -> None:
    arrowsync.sync_table(arrowsync.open_source(data, Person), Person, "duckdb://")


def as_rows_of_a_raw_source(data: Any) -> None:
    arrowsync.sync_table(arrowsync.open_source(data), Person, "duckdb://")


@pytest.mark.parametrize("way", [as_batches, as_table, as_rows_of_an_open_source, as_rows_of_a_raw_source])
@EACH
def test_without_a_server(folder: tuple[Path, str, int], way: Any) -> None:
    for data in (str(folder[0]), str(folder[0] / folder[1])):
        with pytest.raises(ConversionError) as caught:
            way(data)
        if data == str(folder[0]):
            check(caught.value, folder)
        else:
            assert caught.value.file == data
            assert caught.value.line == folder[2]


@EACH
def test_into_every_database(folder: tuple[Path, str, int], database_url: str) -> None:
    with pytest.raises(ConversionError) as caught:
        arrowsync.sync_table(str(folder[0]), Person, database_url)
    check(caught.value, folder)


@pytest.mark.parametrize("folder", [(kind, "a value that doesn't fit") for kind in FORMATS], indirect=True)
def test_a_value_that_the_live_column_has_no_room_for(folder: tuple[Path, str, int], database_url: str) -> None:
    if database_url.startswith(("duckdb", "sqlite")):
        pytest.skip("never: their text has no length")
    arrowsync.sync_table([(9, "old")], Person, database_url)
    with pytest.raises(ConversionError) as caught:
        arrowsync.sync_table(str(folder[0]), "Person", database_url)
    check(caught.value, folder)


@pytest.mark.parametrize("rows", [3, 9_000, 70_000])
@pytest.mark.parametrize("kind", FORMATS)
def test_the_line_is_right_in_large_files_and_after_many_small_ones(kind: str, rows: int, tmp_path: Path) -> None:
    write = FORMATS[kind]
    for number in range(12):
        (tmp_path / f"{number:02d}.{kind}").write_bytes(write(GOOD, ("id", "name")).encode())
    many = [(str(number), "x") for number in range(rows)]
    many[-1] = ("xx", "x")
    (tmp_path / f"x.{kind}").write_bytes(write([*many, *GOOD], ("id", "name")).encode())
    with pytest.raises(ConversionError) as caught:
        as_table(str(tmp_path))
    assert (caught.value.file, caught.value.line) == (str(tmp_path / f"x.{kind}"), rows + 1)
    assert caught.value.rows[0] == 24 + rows - 1
