"""What a user reads when data doesn't fit its table: names, rows, values, ways out; and the rejects."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from arrowsync.convert import REJECTS_SCHEMA, Converter, compile_converter
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import ConversionError

PEOPLE = TableSpec(
    "people",
    (
        ColumnSpec("id", pa.int64(), identity=True),
        ColumnSpec("name", pa.string(), max_length=10),
        ColumnSpec("age", pa.int16()),
        ColumnSpec("email", pa.string(), nullable=True),
        ColumnSpec("country", pa.string(), default="CH"),
    ),
)


def refusal(schema: pa.Schema, spec: TableSpec = PEOPLE, **options: Any) -> ConversionError:
    with pytest.raises(ConversionError) as caught:
        compile_converter(schema, spec, **options)
    return caught.value


def people(**columns: Any) -> pa.RecordBatch:
    return pa.record_batch(columns)


def convert(batch: pa.RecordBatch, first_row: int = 0) -> pa.RecordBatch:
    return compile_converter(batch.schema, PEOPLE)(batch, first_row)


def failure(batch: pa.RecordBatch, first_row: int = 0) -> ConversionError:
    with pytest.raises(ConversionError) as caught:
        convert(batch, first_row)
    return caught.value


def test_columns_are_matched_by_name_and_come_in_declared_order() -> None:
    batch = people(email=["a@b.c"], age=[7], name=["Ann"])
    converter = compile_converter(batch.schema, PEOPLE)
    assert converter.schema == pa.schema(
        [
            pa.field("name", pa.string(), nullable=False),
            pa.field("age", pa.int16(), nullable=False),
            pa.field("email", pa.string()),
        ]
    )
    assert [column.name for column in converter.columns] == ["name", "age", "email"]
    assert converter(batch).to_pylist() == [{"name": "Ann", "age": 7, "email": "a@b.c"}]
    assert converter(batch).schema == converter.schema


def test_unknown_columns_are_all_named_with_a_guess() -> None:
    error = refusal(pa.schema({"Name": pa.string(), "age": pa.int64(), "shoe": pa.int8()}), source="people.parquet")
    assert error.message == (
        "people.parquet has columns that table 'people' doesn't declare: 'Name', 'shoe'; and it lacks 'name'"
    )
    assert error.hint == "did you mean 'name' by 'Name'? declare them, or drop them from the data"
    assert (error.column, error.reason, error.rows) == ("Name", "not declared", ())


def test_missing_columns_are_all_named() -> None:
    error = refusal(pa.schema({"email": pa.string()}))
    assert error.message == "the data lacks columns that table 'people' requires: 'name', 'age'"
    assert (error.column, error.reason) == ("name", "missing")
    assert "Optional" in (error.hint or "")


def test_no_columns_at_all() -> None:
    spec = TableSpec("t", (ColumnSpec("a", pa.int8(), nullable=True),))
    assert refusal(pa.schema([]), spec).message == "the data has no columns"


def test_a_name_that_stands_twice() -> None:
    error = refusal(pa.schema([("age", pa.int64()), ("name", pa.string()), ("age", pa.int64())]))
    assert "more than one column named 'age'" in error.message
    assert error.column == "age"


def test_types_that_never_convert_are_named() -> None:
    error = refusal(pa.schema({"name": pa.string(), "age": pa.list_(pa.int64())}), source="orders.parquet")
    assert error.message == "column 'age' of orders.parquet: list<item: int64> never becomes int16"
    assert error.column == "age"


def test_an_enum_needs_its_labels() -> None:
    kind = pa.dictionary(pa.int32(), pa.string())
    assert "never becomes" in refusal(pa.schema({"c": pa.string()}), TableSpec("t", (ColumnSpec("c", kind),))).message


def test_values_out_of_range() -> None:
    ages = [1] * 6000
    for row, age in ((17, 40000), (904, 70000), (5512, -40000)):
        ages[row] = age
    error = failure(people(name=["x"] * 6000, age=ages), first_row=1_000_000)
    assert error.message == (
        "column 'age': 3 values are out of range for int16 (rows 1000017, 1000904, 1005512: 40000, 70000, -40000)"
    )
    assert (error.column, error.reason) == ("age", "out of range for int16")
    assert (error.rows, error.sample) == ((1000017, 1000904, 1005512), (40000, 70000, -40000))
    assert error.hint == "declare a wider type, or fix the values"


def test_many_values_show_the_first_five() -> None:
    error = failure(people(name=["x"] * 9, age=list(range(70000, 70009))))
    assert error.message == (
        "column 'age': 9 values are out of range for int16 "
        "(rows 0, 1, 2, 3, 4, ...: 70000, 70001, 70002, 70003, 70004, ...)"
    )


def test_null_in_a_required_column() -> None:
    error = failure(people(name=["x", None, "y", None], age=[1, 2, 3, 4]))
    assert error.message == "column 'name': 2 values are NULL in a required column (rows 1, 3)"
    assert (error.rows, error.sample) == ((1, 3), (None, None))
    assert failure(people(name=["x"], age=[7], country=[None])).column == "country"


def test_text_too_long() -> None:
    error = failure(people(name=["ten chars.", "ä" * 10, "eleven char"], age=[1, 2, 3]))
    assert error.message == "column 'name': 1 value is longer than 10 characters (row 2: 'eleven char')"
    assert error.hint == "raise MaxLength, or shorten the values"


def test_long_values_are_shortened() -> None:
    error = failure(people(name=["x" * 1000], age=[1]))
    assert error.message == f"column 'name': 1 value is longer than 10 characters (row 0: '{'x' * 155}...')"
    assert error.sample == ("x" * 1000,)


def test_a_nul_character() -> None:
    assert "1 value contains a NUL character (row 0: 'a\\x00')" in failure(people(name=["a\0"], age=[1])).message
    assert "2 values contain a NUL character" in failure(people(name=["a\0", "\0"], age=[1, 2])).message


def test_other_reasons_and_other_columns_are_counted() -> None:
    error = failure(people(name=["x", "far too long", "a\0", None], age=[1, 2, 99999, 3], email=["", "", "", "\0"]))
    assert error.message == (
        "column 'name': 1 value is longer than 10 characters (row 1: 'far too long'); 2 other values fail too; "
        "2 more columns fail: 'age', 'email'"
    )


def test_a_bad_value_is_not_counted_as_null() -> None:
    error = failure(people(name=[None, "far too long", "x"], age=[1, 2, 3]))
    assert error.message == "column 'name': 1 value is NULL in a required column (row 0); 1 other value fails too"


def test_samples_are_python_values_even_where_python_has_none() -> None:
    cases: list[tuple[pa.Array[Any], pa.DataType, Any]] = [
        (pa.array([Decimal("1.50")]), pa.int8(), Decimal("1.50")),
        (pa.array([1], pa.timestamp("ns")), pa.timestamp("us"), "1970-01-01T00:00:00.000000001"),
        (pa.array([2**62], pa.timestamp("us")), pa.timestamp("us"), str(2**62)),
        (pa.array([2**30], pa.int32()).view(pa.date32()), pa.date32(), str(2**30)),
        (pa.array([2**50]).view(pa.time64("us")), pa.time64("us"), str(2**50)),
        (pa.array([2**62], pa.timestamp("us", "Mars/Olympus")), pa.timestamp("us", "UTC"), str(2**62)),
        (pa.array([b"\xff"]).view(pa.string()), pa.string(), b"\xff"),
        (pa.array([b"\xff"]).view(pa.string()).dictionary_encode(), pa.string(), b"\xff"),
        (pa.array([b"x" * 15]), pa.uuid(), b"x" * 15),
        (pa.array([float("inf")], pa.float16()), pa.int8(), float("inf")),
    ]
    for array, kind, sample in cases:
        batch = pa.record_batch([array], names=["c"])
        with pytest.raises(ConversionError) as caught:
            compile_converter(batch.schema, TableSpec("t", (ColumnSpec("c", kind),)))(batch)
        assert caught.value.sample == (sample,)
        copy = pickle.loads(pickle.dumps(caught.value))
        assert (str(copy), copy.rows, copy.sample) == (str(caught.value), (0,), (sample,))


def test_rejects_are_one_record_for_each_row_and_column() -> None:
    batch = people(
        age=[1, 99999, 3, 4, 88888], name=["ok", "far too long", "a\0 and too long", "fine", None], email=[None] * 5
    )
    good, rejects = compile_converter(batch.schema, PEOPLE).split(batch, first_row=100)
    assert good.to_pylist() == [{"name": "ok", "age": 1, "email": None}, {"name": "fine", "age": 4, "email": None}]
    assert rejects.schema == REJECTS_SCHEMA
    assert [tuple(reject.values()) for reject in rejects.to_pylist()] == [
        (101, "name", "far too long", "longer than 10 characters"),
        (101, "age", "99999", "out of range for int16"),
        (102, "name", "a\0 and too long", "contains a NUL character"),
        (104, "name", None, "NULL in a required column"),
        (104, "age", "88888", "out of range for int16"),
    ]


def test_rejects_are_in_the_order_of_rows_then_columns() -> None:
    batch = people(age=[99999] * 100, name=["far too long"] * 100)
    _, rejects = compile_converter(batch.schema, PEOPLE).split(batch)
    found = list(zip(rejects.column("row").to_pylist(), rejects.column("column").to_pylist(), strict=True))
    assert found == [(row, name) for row in range(100) for name in ("name", "age")]


def test_no_rejects() -> None:
    batch = people(name=["a"], age=[1])
    good, rejects = compile_converter(batch.schema, PEOPLE).split(batch)
    assert (good.num_rows, rejects.num_rows, rejects.schema) == (1, 0, REJECTS_SCHEMA)


def test_rejects_have_the_source_value_as_text() -> None:
    micros = 253_402_300_800_000_000
    cases: list[tuple[pa.Array[Any], pa.DataType, list[str]]] = [
        (pa.array([1.5, float("nan"), 1e300]), pa.int8(), ["1.5", "nan", "1e+300"]),
        (pa.array([Decimal("1.50"), Decimal("-0.01")]), pa.int8(), ["1.50", "-0.01"]),
        (pa.array([date(2020, 1, 31)]).cast(pa.date64()).cast(pa.timestamp("ms")), pa.date32(), []),
        (pa.array([1, micros], pa.timestamp("us")), pa.date32(), ["1970-01-01T00:00:00.000001", str(micros)]),
        (pa.array([1], pa.timestamp("ns", "Europe/Berlin")), pa.timestamp("us"), ["1970-01-01T00:00:00.000000001Z"]),
        (pa.array([1], pa.duration("ns")), pa.duration("us"), ["1"]),
        (pa.array([b"\x00\xff", b""]), pa.uuid(), ["\\x00ff", "\\x"]),
        (pa.array(["x", b"\xe4\xff"], pa.binary()).view(pa.string()), pa.string(), ["\\xe4ff"]),
        (pa.array([7, 1]), pa.bool_(), ["7"]),
    ]
    for array, kind, texts in cases:
        batch = pa.record_batch([array], names=["c"])
        _, rejects = compile_converter(batch.schema, TableSpec("t", (ColumnSpec("c", kind),))).split(batch)
        assert rejects.column("value").to_pylist() == texts


def test_a_batch_of_another_schema_is_refused() -> None:
    converter = compile_converter(pa.schema({"name": pa.string(), "age": pa.int64()}), PEOPLE)
    with pytest.raises(ValueError, match="compiled for batches of"):
        converter(people(age=[1], name=["a"]))
    with pytest.raises(ValueError, match="compiled for batches of"):
        converter(people(name=["a"], age=pa.array([1], pa.int8())))
    required = pa.schema([pa.field("name", pa.string(), nullable=False), pa.field("age", pa.int64(), nullable=False)])
    assert converter(people(name=["a"], age=[1]).cast(required)).num_rows == 1


def test_more_than_two_gigabytes_of_text_in_a_batch() -> None:
    memory = np.zeros(2**31 + 10, np.uint8)  # pages that nobody touches cost nothing
    memory[-10:] = list(b"deep below")
    offsets = pa.array([0, 2**31, 2**31 + 4, 2**31 + 10], pa.int64()).buffers()[1]
    text = pa.Array.from_buffers(pa.large_string(), 3, [None, offsets, pa.py_buffer(memory.data)])
    error = failure(people(name=text, age=[1, 2, 3]))
    assert (error.column, error.reason) == ("name", "a batch that can't be converted")
    assert error.hint == "load fewer rows at a time to find the one that it is about, or leave the column out"
    # A slice of it that is small has nothing wrong.
    assert convert(people(name=text.slice(1), age=[1, 2])).column("name").to_pylist() == ["deep", " below"]


def test_threads_share_a_converter() -> None:
    converter: Converter = compile_converter(pa.schema({"name": pa.string(), "age": pa.string()}), PEOPLE)
    batches = [people(name=[str(n)] * 1000, age=[str(n)] * 1000) for n in range(64)]
    with ThreadPoolExecutor(4) as pool:
        for n, converted in enumerate(pool.map(converter, batches)):
            assert converted.column("age").unique().to_pylist() == [n]
