"""COPY BINARY without a server: exact bytes, layouts, and what is refused. `contract/test_encode_server.py` asks the server."""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pytest

from arrowsync.catalog import SqlType
from arrowsync.errors import ConversionError
from arrowsync.wire import rows as blocks
from arrowsync.wire.pgcopy.encode import HEADER, TRAILER, compile_pgcopy

pc: Any = pyarrow.compute
MOOD = SqlType("mood", labels=("sad", "happy"))


def column(values: Any, name: str = "x") -> pa.RecordBatch:
    return pa.record_batch([values], names=[name])


def encode(values: Any, type_: SqlType | str, **options: Any) -> bytes:
    batch = column(values)
    target = SqlType(type_) if isinstance(type_, str) else type_
    return bytes(compile_pgcopy(batch.schema, [target], **options)(batch))


def rows(*fields: bytes | None) -> bytes:
    """Rows of one field each, NULL for None."""
    return b"".join(
        struct.pack(">h", 1) + (struct.pack(">i", -1) if field is None else struct.pack(">i", len(field)) + field)
        for field in fields
    )


def refusal(values: Any, type_: SqlType | str, **options: Any) -> ConversionError:
    with pytest.raises(ConversionError) as caught:
        encode(values, type_, **options)
    return caught.value


def test_header_and_trailer_are_those_of_the_manual() -> None:
    assert bytes(HEADER) == b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
    assert bytes(TRAILER) == struct.pack(">h", -1)


def test_a_row_is_its_field_count_and_each_field_with_its_length() -> None:
    batch = pa.record_batch({"a": [1, None], "b": ["xy", "é"], "c": [True, False], "d": [None, "z"]})
    types = [SqlType("bigint"), SqlType("text"), SqlType("boolean"), SqlType("text")]
    assert bytes(compile_pgcopy(batch.schema, types)(batch)) == (
        b"\0\4" + b"\0\0\0\x08" + struct.pack(">q", 1) + b"\0\0\0\2xy" + b"\0\0\0\1\1" + b"\xff\xff\xff\xff"
        b"\0\4" + b"\xff\xff\xff\xff" + b"\0\0\0\2\xc3\xa9" + b"\0\0\0\1\0" + b"\0\0\0\1z"
    )


def test_no_rows_are_no_bytes() -> None:
    batch = pa.record_batch({"a": pa.array([], pa.int64()), "b": pa.array([], pa.list_(pa.string()))})
    encoder = compile_pgcopy(batch.schema, [SqlType("bigint"), SqlType("array", element=SqlType("text"))])
    assert bytes(encoder(batch)) == b""


def test_a_table_without_columns_has_rows_of_no_fields() -> None:
    batch = pa.record_batch([pa.array([1, 2])], names=["a"]).select([])
    assert bytes(compile_pgcopy(batch.schema, [])(batch)) == b"\0\0" * batch.num_rows


def test_nan_payload_infinity_and_negative_zero_keep_every_bit() -> None:
    bits = np.array(
        [0x7FF8_0000_0000_0001, 0xFFF8_0000_0000_0000, 0x7FF0_0000_0000_0001, 0x8000_0000_0000_0000], np.uint64
    )
    values = pa.array(bits.view(np.float64))
    assert encode(values, "double precision") == rows(*(struct.pack(">Q", number) for number in bits.tolist()))


def test_a_signalling_nan_is_a_nan_of_the_wider_float() -> None:
    values = pa.array(np.array([0x7F80_0001], np.uint32).view(np.float32))
    (number,) = struct.unpack(">6xd", encode(values, "double precision"))
    assert math.isnan(number)


def test_the_far_end_of_more_than_2_gib_of_text_is_read() -> None:
    far = 2**31 + 5
    memory = mmap.mmap(-1, far + 5)  # of which only the pages that are written to take memory
    memory[far:] = b"hello"
    offsets: Any = np.array([0, far, far + 5], np.int64)
    values = pa.Array.from_buffers(pa.large_string(), 2, [None, pa.py_buffer(offsets), pa.py_buffer(memory)])
    assert encode(values.slice(1), "text") == rows(b"hello")


def test_a_batch_of_more_than_2_gib_has_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = pa.record_batch({"a": ["x", None, "yz"], "b": pa.array(["one", "two", "one"]).dictionary_encode()})
    encoder = compile_pgcopy(batch.schema, [SqlType("text"), SqlType("text")])
    expected = bytes(encoder(batch))
    monkeypatch.setattr(blocks, "NARROW_LIMIT", 10)
    assert bytes(encoder(batch)) == expected


# --- layouts


def sliced(values: pa.Array[Any]) -> pa.Array[Any]:
    """The same values, in the middle of an array in which others stand where a slice would begin that was not heeded."""
    joined: Any = pa.concat_arrays([values[1:], values, values])
    return joined.slice(len(values) - 1, len(values))


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "sliced": sliced,
    "large": lambda values: values.cast(pa.large_string()),
    "view": lambda values: values.cast(pa.string_view()),
    "sliced view": lambda values: sliced(values.cast(pa.string_view())),
    "dictionary": lambda values: values.dictionary_encode(),
    "sliced dictionary": lambda values: sliced(values.dictionary_encode()),
    "dictionary of views": lambda values: pa.DictionaryArray.from_arrays(
        values.dictionary_encode().indices, values.dictionary_encode().dictionary.cast(pa.string_view())
    ),
    "NULL in the dictionary": lambda values: pc.dictionary_encode(values, null_encoding="encode"),
    "dictionary with more values than rows": lambda values: pa.DictionaryArray.from_arrays(
        pc.add(values.dictionary_encode().indices, pa.scalar(50, pa.int32())),
        pa.array(["?"] * 50 + values.dictionary_encode().dictionary.to_pylist() + ["?"] * 50),
    ),
    "runs": pc.run_end_encode,
    "sliced runs": lambda values: sliced(pc.run_end_encode(values)),
    "runs cut at both ends": lambda values: pc.run_end_encode(
        pa.concat_arrays([values[:1], values, values[-1:]])
    ).slice(1, len(values)),
}
TEXTS = [
    ["a", "a", None, "longer", "", "a"],
    ["aa", "bb", "aa"],
    ["aa", None, "bb"],
    ["", ""],
    [None, None],
    ["x" * 100],
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("texts", TEXTS)
@pytest.mark.parametrize("type_", ["text", "jsonb"])
def test_the_bytes_are_the_same_from_every_layout(layout: str, texts: list[str | None], type_: str) -> None:
    start = b"\1" if type_ == "jsonb" else b""
    expected = rows(*(None if text is None else start + text.encode() for text in texts))
    plain = pa.array(texts, pa.string())
    assert encode(plain, type_) == expected
    assert encode(LAYOUTS[layout](plain), type_) == expected


def test_a_column_of_pa_null_is_null_in_any_type() -> None:
    for type_ in ["bigint", "text", MOOD, SqlType("array", element=SqlType("text"))]:
        assert encode(pa.nulls(2), type_) == rows(None, None)


def test_what_stands_in_memory_under_a_null_is_never_looked_at() -> None:
    nulls = pa.array([True, False]).buffers()[1]

    def under_null(values: Any, plain: pa.DataType) -> Any:
        return pa.Array.from_buffers(plain, 2, [nulls, *pa.array(values).buffers()[1:]])

    far = 2**62
    assert encode(under_null([1, far], pa.int64()), "smallint") == rows(struct.pack(">h", 1), None)
    assert encode(under_null([0, far], pa.timestamp("s")), "timestamp") == rows(
        struct.pack(">q", -946_684_800 * 10**6), None
    )
    assert encode(under_null([0, far], pa.time64("us")), "time") == rows(bytes(8), None)
    assert encode(under_null(["a", "too long"], pa.string()), SqlType("varchar", (1,))) == rows(b"a", None)
    assert encode(under_null(["sad", "angry"], pa.string()), MOOD) == rows(b"sad", None)
    assert encode(under_null(["1.2.3.4", "junk"], pa.string()), "inet") == rows(b"\2\x20\0\4\1\2\3\4", None)
    lists = pa.ListArray.from_arrays([0, 1, 2], pa.array([1, far]), mask=pa.array([False, True]))
    smallints = SqlType("array", element=SqlType("smallint"))
    assert encode(lists, smallints) == encode(pa.array([[1], None], pa.list_(pa.int16())), smallints)


def test_encoding_changes_nothing_and_remembers_nothing() -> None:
    batch = column(pa.array(["a", None, "bcd"]))
    encoder = compile_pgcopy(batch.schema, [SqlType("text")])
    first = bytes(encoder(batch))
    encoder(column(pa.array([None, "x" * 1_000])))
    assert bytes(encoder(batch)) == first
    assert batch.to_pydict() == {"x": ["a", None, "bcd"]}


def test_one_encoder_serves_many_threads() -> None:
    batches = [
        column(pa.array([f"{n}" * (n % 7) if n % 5 else None for n in range(k)], pa.string())) for k in range(200)
    ]
    encoder = compile_pgcopy(batches[0].schema, [SqlType("text")])
    expected = [bytes(encoder(batch)) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        assert [bytes(data) for data in pool.map(encoder, batches * 3)] == expected * 3


# --- arrays


def array_bytes(oid: int, sizes: list[int], *elements: bytes | None) -> bytes:
    start = struct.pack(">iiI", len(sizes), any(element is None for element in elements), oid)
    dimensions = b"".join(struct.pack(">ii", size, 1) for size in sizes)
    fields = b"".join(b"\xff" * 4 if each is None else struct.pack(">i", len(each)) + each for each in elements)
    return start + dimensions + fields


LISTS = {
    "list": lambda values: values,
    "sliced list": sliced,
    "large list": lambda values: values.cast(pa.large_list(pa.int16())),
    "sliced large list": lambda values: sliced(values.cast(pa.large_list(pa.int16()))),
    "dictionary elements": lambda values: pa.ListArray.from_arrays(
        values.offsets, values.values.dictionary_encode(), mask=values.is_null()
    ),
}


@pytest.mark.parametrize("layout", LISTS)
def test_arrays_with_nulls_and_empty_ones_are_the_same_from_every_layout(layout: str) -> None:
    values = pa.array([[1, None], [], None, [2]], pa.list_(pa.int16()))
    one, two = struct.pack(">h", 1), struct.pack(">h", 2)
    expected = rows(array_bytes(21, [2], one, None), array_bytes(21, []), None, array_bytes(21, [1], two))
    assert encode(LISTS[layout](values), SqlType("array", element=SqlType("smallint"))) == expected


def test_fixed_size_lists_are_arrays_too() -> None:
    values = sliced(pa.array([[1, 2], None, [3, None]], pa.list_(pa.int16(), 2)))
    number = [struct.pack(">h", value) for value in range(4)]
    expected = rows(array_bytes(21, [2], number[1], number[2]), None, array_bytes(21, [2], number[3], None))
    assert encode(values, SqlType("array", element=SqlType("smallint"))) == expected


def test_nested_lists_are_dimensions() -> None:
    values = pa.array([[["a", "b", "c"], ["d", None, "f"]], [], [["g"]]], pa.list_(pa.list_(pa.string())))
    expected = rows(
        array_bytes(25, [2, 3], b"a", b"b", b"c", b"d", None, b"f"), array_bytes(25, []), array_bytes(25, [1, 1], b"g")
    )
    for nested in (
        SqlType("array", element=SqlType("text")),
        SqlType("array", element=SqlType("array", element=SqlType("text"))),
    ):
        assert encode(values, nested) == expected


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([[[1, 2], [3]]], "contains inner lists of different lengths"),
        ([[[1], None]], "contains NULL in place of an inner list"),
        ([[[], []]], "contains an empty list within a list"),
    ],
)
def test_lists_that_are_no_array_of_postgresql_are_refused(values: Any, reason: str) -> None:
    nested = pa.array([[[0]], [], None, *values, [[9]]], pa.list_(pa.list_(pa.int64())))
    error = refusal(nested, SqlType("array", element=SqlType("bigint")))
    assert error.rows == (3,)
    assert error.sample == (values[0],)
    assert error.reason.startswith(reason)


def test_an_element_that_does_not_fit_is_reported_with_its_row() -> None:
    values = pa.array([[1], None, [], [2, 40_000, 50_000], [-40_000]], pa.list_(pa.int32()))
    error = refusal(values, SqlType("array", element=SqlType("smallint")))
    assert error.rows == (3, 4)
    assert error.sample == ([2, 40_000, 50_000], [-40_000])


def test_element_types_without_a_fixed_oid_need_one() -> None:
    moods = SqlType("array", element=MOOD)
    values = pa.array([["sad"]])
    assert "the oid of mood is not known" in str(refusal(values, moods))
    assert encode(values, moods, oids={MOOD: 4711}) == rows(array_bytes(4711, [1], b"sad"))


# --- what is refused

BIG = 2**40
REFUSED = {
    "smallint": (pa.array([1, 32_768, -32_769], pa.int32()), "smallint", (1, 2), "out of range for smallint"),
    "integer": (pa.array([2**31, 1], pa.uint32()), "integer", (0,), "out of range for integer"),
    "bigint": (pa.array([0, 2**63], pa.uint64()), "bigint", (1,), "out of range for bigint"),
    "real": (pa.array([2**24, 2**24 + 1], pa.int32()), "real", (1,), "out of range for real"),
    "numeric": (
        pa.array([999, -1_000], pa.int64()),
        SqlType("numeric", (5, 2)),
        (1,),
        "out of range for numeric(5, 2)",
    ),
    "date": (pa.array([0, 2**31 - 1], pa.int32()).cast(pa.date32()), "date", (1,), "out of range for date"),
    "dates": (
        pa.array([2_145_042_905, 2_145_042_906, -2_440_588, -2_440_589], pa.int32()).cast(pa.date32()),
        "date",
        (1, 3),
        "out of range for date",
    ),
    "timestamps": (
        pa.array([-210_866_803_200_000_000, -210_866_803_200_000_001], pa.int64()).cast(pa.timestamp("us")),
        "timestamp",
        (1,),
        "out of range for timestamp",
    ),
    "time": (pa.array([86_400 * 10**6], pa.int64()).cast(pa.time64("us")), "time", (0,), "out of range for time"),
    "timestamp[us]": (
        pa.array([-(2**63)], pa.int64()).cast(pa.timestamp("us")),
        "timestamp",
        (0,),
        "out of range for timestamp",
    ),
    "timestamp[ms]": (
        pa.array([0, 2**63 - 1], pa.int64()).cast(pa.timestamp("ms")),
        "timestamp",
        (1,),
        "out of range for timestamp",
    ),
    "timestamp[s]": (
        pa.array([9_224_318_016_000], pa.int64()).cast(pa.timestamp("s")),
        "timestamp",
        (0,),
        "out of range for timestamp",
    ),
    "timestamptz": (
        pa.array([2**62], pa.int64()).cast(pa.timestamp("s", "UTC")),
        "timestamptz",
        (0,),
        "out of range for timestamptz",
    ),
    "timestamp(3)": (
        pa.array([1_000, 1_001], pa.int64()).cast(pa.timestamp("us")),
        SqlType("timestamp", (3,)),
        (1,),
        "finer than timestamp(3) stores",
    ),
    "time(0)": (
        pa.array([1], pa.int64()).cast(pa.time64("us")),
        SqlType("time", (0,)),
        (0,),
        "finer than time(0) stores",
    ),
    "interval(3)": (pa.array([1], pa.duration("us")), SqlType("interval", (3,)), (0,), "finer than interval(3) stores"),
    "duration[s]": (
        pa.array([2**62], pa.int64()).cast(pa.duration("s")),
        "interval",
        (0,),
        "out of range for interval",
    ),
    "interval": (
        pa.array([(0, 0, 1_000), (0, 0, -1)], pa.month_day_nano_interval()),
        "interval",
        (1,),
        "finer than a microsecond",
    ),
    "varchar": (pa.array(["éé", "ééé", "a  "]), SqlType("varchar", (2,)), (1, 2), "longer than 2 characters"),
    "char": (pa.array(["abc", "ab"]), SqlType("char", (2,)), (0,), "longer than 2 characters"),
    "name": (pa.array(["é" * 31, "é" * 32]), "name", (1,), "longer than 63 bytes"),
    "enum": (pa.array(["sad", None, "angry"]), MOOD, (2,), "not a label of mood"),
    "enum in a dictionary": (pa.array(["angry", "sad", "sad"]).dictionary_encode(), MOOD, (0,), "not a label of mood"),
    "inet": (pa.array(["::1", "1.2.3"]), "inet", (1,), "not an IP address"),
    "cidr": (
        pa.array(["10.0.0.0/8", "10.0.0.1/8"]),
        "cidr",
        (1,),
        "not a network, it has bits set to the right of the mask",
    ),
    "in runs": (pc.run_end_encode(pa.array([1, 70_000, 70_000, 2])), "smallint", (1, 2), "out of range for smallint"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_values_without_an_exact_form_are_refused_with_their_rows(name: str) -> None:
    values, type_, bad, reason = REFUSED[name]
    error = refusal(values, type_)
    assert (error.column, error.rows, error.reason) == ("x", bad, reason)
    assert len(error.sample) == len(bad)
    assert None not in error.sample
    assert reason in str(error)
    assert f"row {bad[0]}" in str(error)


def test_an_unused_value_of_a_dictionary_may_be_anything() -> None:
    values = pa.DictionaryArray.from_arrays(pa.array([0, 0, None]), pa.array(["sad", "angry"]))
    assert encode(values, MOOD) == rows(b"sad", b"sad", None)


def test_rows_are_counted_from_the_start_of_the_input() -> None:
    batch = column(pa.array([1, 70_000, 80_000, 2]), "age")
    with pytest.raises(ConversionError) as caught:
        compile_pgcopy(batch.schema, [SqlType("smallint")])(batch.slice(1), first_row=5_001)
    assert caught.value.rows == (5_001, 5_002)
    assert caught.value.sample == (70_000, 80_000)
    assert caught.value.message == "column 'age', row 5001: 70000 is out of range for smallint, the first of several"


PAIRS = [
    (pa.int32(), "uuid", "no such pair"),
    (pa.string(), "bytea", "no such pair"),
    (pa.binary(), "text", "no such pair"),
    (pa.timestamp("us"), "timestamptz", "no such pair"),
    (pa.timestamp("us", "UTC"), "timestamp", "no such pair"),
    (pa.float64(), "real", "more digits"),
    (pa.float64(), "numeric", "no such pair"),
    (pa.timestamp("ns"), "timestamp", "it counts ns"),
    (pa.time64("ns"), "time", "it counts ns"),
    (pa.duration("ns"), "interval", "it counts ns"),
    (pa.decimal128(10, 4), SqlType("numeric", (10, 2)), "its scale 4 is finer than the column's 2"),
    (pa.decimal128(10, 2), "bigint", "no such pair"),
    (pa.binary(8), "uuid", "16 bytes"),
    (pa.struct([("a", pa.int32())]), "text", "no such pair"),
    (pa.list_(pa.int32()), "integer", "no such pair"),
    (pa.int32(), SqlType("array", element=SqlType("integer")), "not 0"),
    (pa.string(), "money", "no such pair"),
]


@pytest.mark.parametrize(("arrow", "type_", "reason"), PAIRS)
def test_a_pair_of_types_without_an_exact_form_is_refused_before_any_data(arrow: Any, type_: Any, reason: str) -> None:
    target = SqlType(type_) if isinstance(type_, str) else type_
    with pytest.raises(ConversionError, match=f"Arrow .* can't be stored exactly as .*{reason}") as caught:
        compile_pgcopy(pa.schema({"ok": pa.int64(), "bad": arrow}), [SqlType("bigint"), target])
    assert caught.value.column == "bad"
    assert caught.value.hint


def test_batches_of_another_schema_are_a_mistake_of_the_caller() -> None:
    encoder = compile_pgcopy(pa.schema({"x": pa.int64()}), [SqlType("bigint")])
    with pytest.raises(ValueError, match="another schema"):
        encoder(column(pa.array([1], pa.int32())))
    with pytest.raises(ValueError, match="1 fields for 2 columns"):
        compile_pgcopy(pa.schema({"x": pa.int64()}), [SqlType("bigint")] * 2)
