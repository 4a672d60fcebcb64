"""Declarations made from data: they fit all of its rows, and lose nothing of what the text says."""

from __future__ import annotations

import importlib
import json
import os
import random
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import arrowsync
from arrowsync.convert.infer import Guess, Profile
from arrowsync.declare.spec import TableSpec
from arrowsync.errors import SourceError
from arrowsync.load.infer import infer
from arrowsync.sources.files.jsonl import BLOCK_BYTES, MAX_KEYS


def written(folder: Path, text: str, name: str = "events.tsv") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def declared(source: str) -> list[str]:
    """The lines of the class."""
    text = source[source.index("@dataclass\n") : source.index("\n# ")]
    return [line.strip() for line in text.splitlines()[2:] if line.strip()]


@pytest.mark.parametrize(
    ("values", "annotation"),
    [
        (["1", "-20"], "int"),
        (["1", "18446744073709551615"], "uint64"),
        (["1", "\\N"], "int | None"),
        (["01234", "99999"], "str"),
        (["+1", "2"], "str"),
        (["1.50", "-22.125", "7"], "Annotated[Decimal, Precision(5, 3)]"),
        (["1.50", "99999999999999999999999999999999999999999"], "float"),
        (["1e5", "nan"], "float"),
        (["0.1234567890123"], "float"),
        (["true", "False"], "bool"),
        (["t", "f"], "str"),
        (["2024-02-29", "0001-01-01"], "date"),
        (["2024-02-30"], "str"),
        (["12:30:00", "00:00:00.000001"], "time"),
        (["2024-01-02T03:04:05", "2024-01-02T00:00:00"], "datetime"),
        (["2024-01-02T03:04:05Z", "2024-01-02T03:04:05+02:00"], 'Annotated[datetime, TimeZone("UTC")]'),
        (["2024-01-02T03:04:05Z", "2024-01-02T03:04:05"], "str"),
        (["0b6f1c52-6f0f-4d0e-9c4b-2a9d2d5f0a11"], "UUID"),
        (["192.168.0.1", "10.0.0.255"], "IPv4Address"),
        (["::1", "2001:db8::ff"], "IPv6Address"),
        (["one", "1"], "str"),
        ([""], "str"),
        (["\\N", "\\N"], "str | None"),
    ],
)
def test_the_type_is_that_of_all_values(values: list[str], annotation: str, tmp_path: Path) -> None:
    rows = "".join(f"k\t{value}\n" for value in [*values, values[0]])
    path = written(tmp_path, "k\tc\n" + rows)
    assert declared(infer(path).source())[1] == f"c: {annotation}"


def test_one_row_at_the_end_decides(tmp_path: Path) -> None:
    path = written(tmp_path, "n\n" + "1\n" * 200_000 + "x\n")
    assert declared(infer(path).source()) == ["n: str"]


@pytest.mark.parametrize(
    ("last", "annotation"),
    [
        ("1", "int"),
        ("2.5", "float"),
        ("9007199254740993", "int"),
        ("true", "JsonType"),
        ('"x"', "JsonType"),
        ("[1]", "JsonType"),
        ("null", "int | None"),
    ],
)
def test_one_line_of_json_at_the_end_decides(last: str, annotation: str, tmp_path: Path) -> None:
    lines = "".join(f'{{"id":{n},"n":1,"at":"2024-01-01"}}\n' for n in range(150_000))
    path = written(tmp_path, f'{lines}{{"id":150000,"n":{last},"late":"192.168.0.1"}}\n', "visits.jsonl")
    assert len(lines) > 1.2 * BLOCK_BYTES
    assert declared(infer(path).source()) == [
        "id: PrimaryKey[int]",
        f"n: {annotation}",
        "at: date | None",
        "late: IPv4Address | None",
    ]


def test_a_line_of_json_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, '{"id":1}\n{"id":2}\n{"id":3,"id":4}\n', "visits.jsonl")
    with pytest.raises(SourceError, match=r"line 3: the key 'id' is there twice"):
        infer(path)


@pytest.mark.parametrize("number", ["9007199254740993.0", "1e-400", "1e400"])
def test_a_number_that_no_float_holds_is_json_and_loads(number: str, tmp_path: Path) -> None:
    path = written(tmp_path, f'{{"a":0.5}}\n{{"a":{number}}}\n', "numbers.jsonl")
    inferred = infer(path)
    assert declared(inferred.source()) == ["a: JsonType"]
    with arrowsync.connect("duckdb://") as conn:
        arrowsync.sync_table(path, cast("Any", inferred.spec), conn)
        assert {row["a"] for row in conn.fetch("SELECT a FROM numbers").to_pylist()} == {"0.5", number}


def test_json_is_no_key(tmp_path: Path) -> None:
    path = written(tmp_path, '{"a":{"x":1},"n":1}\n{"a":{"x": 1},"n":2}\n{"a":"z","n":3}\n', "k.jsonl")
    inferred = infer(path)
    assert inferred.keys == ("n",)
    assert declared(inferred.source()) == ["a: JsonType", "n: PrimaryKey[int]"]


def test_keys_of_json_that_are_data_are_refused(tmp_path: Path) -> None:
    half = [{f"{name}{number}": 1 for number in range(MAX_KEYS // 2 + 1)} for name in "ab"]
    path = written(tmp_path, "".join(json.dumps(row) + "\n" for row in half), "k.jsonl")
    with pytest.raises(SourceError, match="more than 10,000 different keys"):
        infer(path)


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl"])
def test_what_can_be_read_once_is_refused_unopened(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    # Opened for writing too, the fifo wouldn't let the first reader wait; and nothing is taken from it.
    fifo = os.open(tmp_path / name, os.O_RDWR)
    try:
        os.write(fifo, b'{"a": 1}\n')
        with pytest.raises(SourceError, match="can't be read twice"):
            infer(str(tmp_path / name))
        assert os.read(fifo, 100) == b'{"a": 1}\n'
    finally:
        os.close(fifo)


def test_keys_nulls_and_bounds_are_told(tmp_path: Path) -> None:
    path = written(tmp_path, "name\tid\tday\nann\t3\t2024-01-01\nbob\t1\t\\N\nann\t2\t2023-05-06\n")
    source = infer(path).source()
    assert "# 3 rows; could be the key: id" in source
    assert "# id: 1 to 3, all different" in source
    assert "# day: 2023-05-06 to 2024-01-01, 1 NULL" in source
    assert "# name: at most 3 characters\n" in source
    assert "id: PrimaryKey[int]" in source


def test_text_that_is_the_key_gets_a_length(tmp_path: Path) -> None:
    source = infer(written(tmp_path, "code\tn\nabc\t1\nde\t1\n")).source()
    assert declared(source)[0] == "code: PrimaryKey[Annotated[str, MaxLength(3)]]"


def test_what_is_printed_loads_the_very_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{n}\t{n / 8}\t2024-01-0{n % 9 + 1}T00:00:00Z\tname {n}" for n in range(1000)]
    path = written(tmp_path, "id\tamount\tat\tname\n" + "\n".join(lines) + "\n")
    (tmp_path / "inferred_events.py").write_text(infer(path).source(), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    events = importlib.import_module("inferred_events").events
    with arrowsync.connect("duckdb://") as conn:
        report = arrowsync.sync_table(path, events, conn)
        assert report.inserted == 1000
        found = conn.fetch("SELECT sum(amount) AS amount, count(DISTINCT id) AS ids FROM events").to_pylist()
    assert found == [{"amount": Decimal(999 * 1000 // 2) / 8, "ids": 1000}]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    path = tmp_path / "city visits.parquet"
    table = pa.table({"id": pa.array([1, 2], pa.int16()), "code": ["1", "2"], "at": [datetime(2024, 1, 1), None]})
    pq.write_table(table, path)
    inferred = infer(str(path))
    assert inferred.spec.name == "city_visits"
    assert declared(inferred.source()) == ["id: PrimaryKey[int16]", "code: str", "at: datetime | None"]


def test_parquet_of_nothing_but_text_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "codes.parquet"
    pq.write_table(pa.table({"code": ["12345", "2"], "day": ["2024-01-01", None]}), path)
    assert declared(infer(str(path)).source()) == ["code: PrimaryKey[Annotated[str, MaxLength(5)]]", "day: str | None"]


def test_text_beside_columns_that_have_a_type_becomes_what_it_says(tmp_path: Path) -> None:
    for year in (2024, 2025):
        (tmp_path / "visits" / f"year={year}").mkdir(parents=True)
        (tmp_path / "visits" / f"year={year}" / "part.csv").write_text(f"id,day\n{year},{year}-01-31\n")
    assert declared(infer(str(tmp_path / "visits")).source()) == ["id: PrimaryKey[int]", "day: date", "year: int"]
    lines = written(tmp_path, '{"id":1,"day":"2024-01-31"}\n{"id":2,"day":null}\n', "visits.jsonl")
    assert declared(infer(lines).source()) == ["id: PrimaryKey[int]", "day: date | None"]


def test_a_column_of_parquet_without_values_and_without_a_type_is_text(tmp_path: Path) -> None:
    path = tmp_path / "visits.parquet"
    pq.write_table(pa.table({"id": [1, 2], "note": pa.nulls(2)}), path)
    inferred = infer(str(path))
    assert declared(inferred.source()) == ["id: PrimaryKey[int]", "note: str | None"]
    assert "# note: no values" in inferred.source()


def test_empty_and_missing_files_say_so(tmp_path: Path) -> None:
    assert "# 0 rows; no single column could be the key" in infer(written(tmp_path, "a\tb\n")).source()
    with pytest.raises(SourceError, match="nowhere"):
        infer(str(tmp_path / "nowhere.tsv"))
    with pytest.raises(SourceError, match="can't be read twice"):
        infer("-")


@given(st.lists(st.text(), min_size=1), st.integers(1, 5))
def test_repeats_are_found_wherever_they_are(values: list[str], size: int) -> None:
    profile = Profile()
    for start in range(0, len(values), size):
        profile.add(pa.array(values[start : start + size], pa.string()))
    assert profile.is_key() == (len(set(values)) == len(values))


@pytest.mark.parametrize("kind", ["int", "text", "date"])
def test_a_repeat_far_away_is_found(kind: str) -> None:
    numbers = random.Random(7).sample(range(1 << 20), 100_000)

    def made(part: list[int]) -> Any:
        match kind:
            case "int":
                return pa.array(part)
            case "text":
                return pa.array([f"row {n}" for n in part])
            case _:
                return pa.array(part, pa.int32()).cast(pa.date32())

    for extra, key in (([numbers[0]], False), ([1 << 21], True)):
        profile = Profile()
        for start in range(0, len(numbers), 10_000):
            profile.add(made(numbers[start : start + 10_000]))
        profile.add(made(extra))
        assert profile.is_key() == key


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.lists(st.one_of(st.integers().map(str), st.decimals().map(str), st.dates().map(str), TEXT), min_size=1))
def test_whatever_is_inferred_takes_the_values_and_writes_them_back(values: list[str]) -> None:
    from arrowsync.convert import compile_converter

    text = pa.array(values, pa.string())
    guess = Guess().after(text)
    spec = TableSpec("t", (guess.column("c"),))
    batch = pa.record_batch([text], names=["c"])
    converted = compile_converter(batch.schema, spec)(batch)
    if pa.types.is_integer(spec.columns[0].type):
        assert [str(value) for value in converted.column(0).to_pylist()] == values
    if spec.columns[0].type == pa.date32():
        assert converted.column(0).to_pylist() == [date.fromisoformat(value) for value in values]
