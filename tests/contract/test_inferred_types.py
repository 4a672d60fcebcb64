"""Text that makes a new table which only has a name: its columns get the types that `discover` finds, in every database."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import arrowsync
from arrowsync.load.infer import infer

# A column of text, and what it is read as from a new table.
COLUMNS: dict[str, list[str]] = {
    "whole": ["1", "-7", "9000000000"],
    "price": ["1.5", "12.25", "-3"],
    "real": ["1e10", "2.5e-3", "7.0"],
    "day": ["2026-01-01", "1999-12-31", "2026-02-28"],
    "moment": ["2026-01-01 10:00:00", "2026-01-01T10:00:00.5", "1999-12-31 23:59:59"],
    "flag": ["true", "false", "true"],
    "code": ["007", "008", "009"],
    "mixed": ["1", "x", "2026-01-01"],
    "gaps": ["1", "", "3"],
    "nothing": ["", "", ""],
}


def written(kind: str) -> bytes:
    separator, null = {"csv": (",", ""), "tsv": ("\t", r"\N")}[kind]
    rows = [[str(number), *(values[number] or null for values in COLUMNS.values())] for number in range(3)]
    return "".join(f"{separator.join(row)}\n" for row in [["id", *COLUMNS], *rows]).encode()


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_a_new_table_has_the_types_that_discover_finds(kind: str, database_url: str, tmp_path: Path) -> None:
    path = tmp_path / f"data.{kind}"
    path.write_bytes(written(kind))
    report = arrowsync.sync_table(str(path), "data", database_url, key="id")
    found = {column.name: str(column.type) for column in infer(str(path)).spec.columns}
    assert report.inferred == found
    assert (found["whole"], found["day"], found["flag"]) == ("int64", "date32[day]", "bool")
    assert found["code"] == found["mixed"] == found["nothing"] == "string"
    assert "types inferred from the data: id int64" in str(report)
    assert report.to_dict()["inferred"] == found
    table = arrowsync.read_table("data", database_url)
    schema = pa.schema([column.arrow_field for column in infer(str(path)).spec.columns])
    inferred = arrowsync.open_source(str(path), schema).read_all()
    rows = sorted(table.to_pylist(), key=lambda row: row["id"])
    by_name = not database_url.startswith("sqlite")  # where a table by its name has texts and numbers
    if not database_url.startswith(("mysql", "mariadb")) and by_name:
        assert rows == inferred.to_pylist()
    assert [row["code"] for row in rows] == COLUMNS["code"]
    assert [row["day"] for row in rows] == [day if by_name else str(day) for day in inferred["day"].to_pylist()]
    again = arrowsync.sync_table(str(path), "data", database_url, key="id")
    # Texts are compared as they are spelled, where a column by its name is text.
    assert (again.unchanged + (0 if by_name else again.updated), again.inserted) == (3, 0)
    assert (again.changes, again.inferred) == ((), {})


def test_jsonl_tells_the_types_of_its_texts(duckdb_url: str) -> None:
    data = b'{"id": 1, "day": "2026-01-01", "n": 1.5}\n{"id": 2, "day": "2026-01-02", "n": 2}\n'
    report = arrowsync.sync_table(arrowsync.open_source(data, format="jsonl"), "t", duckdb_url, key="id")
    assert report.inferred == {"id": "int64", "day": "date32[day]", "n": "double"}


def test_rows_that_are_rejected_tell_nothing(duckdb_url: str) -> None:
    data = b'id,n\n1,2\n2,3"x\n3,4,5\n4,5\n'
    report = arrowsync.sync_table(
        arrowsync.open_source(data, format="csv"), "t", duckdb_url, key="id", on_error="reject"
    )
    assert report.inferred == {"id": "int64", "n": "int64"}
    assert (report.inserted, report.rejected) == (2, 2)


class Pipe(io.RawIOBase):
    """Bytes that can be read once."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._data.readinto(buffer)


def test_what_can_be_read_once_is_text(duckdb_url: str) -> None:
    data = arrowsync.open_source(Pipe(b"id,n\n1,2\n"), format="csv")
    report = arrowsync.sync_table(data, "t", duckdb_url)
    assert report.inferred == {}
    assert arrowsync.read_table("t", duckdb_url).to_pylist() == [{"id": "1", "n": "2"}]


def test_a_table_that_is_there_keeps_its_types(duckdb_url: str) -> None:
    with arrowsync.connect(duckdb_url) as conn:
        conn.execute("CREATE TABLE t (id BIGINT PRIMARY KEY, n VARCHAR)")
        report = arrowsync.sync_table(arrowsync.open_source(b"id,n\n1,2\n", format="csv"), "t", conn)
        assert report.inferred == {}
        assert arrowsync.read_table("t", conn).to_pylist() == [{"id": 1, "n": "2"}]


def test_the_command_line(tmp_path: Path, duckdb_url: str) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,n\n1,2.5\n")
    run = [sys.executable, "-m", "arrowsync.cli", "load", "a.csv", duckdb_url, "--table", "t", "--key", "id"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "types inferred from the data: id int64, n decimal128(2, 1)" in done.stdout
    done = subprocess.run(
        [*run[:-4], "--table", "u", "--json"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ast.literal_eval(done.stdout.split('"inferred": ')[1].split("}")[0] + "}") == {
        "id": "int64",
        "n": "decimal128(2, 1)",
    }
