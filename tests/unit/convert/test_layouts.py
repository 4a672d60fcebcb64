"""Every Arrow layout of the same values gives the same result, and the same complaints, as the plain one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pytest

from arrowsync.convert import compile_converter
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import ConversionError

ENUM = pa.dictionary(pa.int32(), pa.string())
UUID_TEXT = "0123abcd-4567-89ef-0123-456789abcdef"

# A plain array whose values repeat, with NULLs and with values that fail, and the column that it is for.
PLAIN: dict[str, tuple[pa.Array[Any], ColumnSpec]] = {
    "int to int8": (pa.array([1, None, 300, 1, 1, None, -5, 300, 7, 7]), ColumnSpec("c", pa.int8())),
    "int to text": (pa.array([1, None, 300, 1, 1]), ColumnSpec("c", pa.string(), max_length=2)),
    "float to decimal": (pa.array([1.5, None, 1.005, 1.5, 1e9, 0.0]), ColumnSpec("c", pa.decimal128(6, 2))),
    "float to int": (pa.array([1.0, None, 1.5, float("nan"), 2.0]), ColumnSpec("c", pa.int32())),
    "decimal": (pa.array([1, None, 250, 1], pa.decimal128(10, 2)), ColumnSpec("c", pa.decimal128(4, 2))),
    "bool": (pa.array([True, None, False, False, True, True, None, True, False]), ColumnSpec("c", pa.int8())),
    "text": (
        pa.array(["a", None, "äöü", "long text, " * 5, "", "a\0", "a"]),
        ColumnSpec("c", pa.string(), max_length=9),
    ),
    "text to int": (pa.array(["7", None, "x", "7", "+8", "99999999999"]), ColumnSpec("c", pa.int32())),
    "text to timestamp": (
        pa.array(["2020-01-31T10:00:00Z", None, "x", "2020-01-31 10:00:00"]),
        ColumnSpec("c", pa.timestamp("us")),
    ),
    "text to uuid": (
        pa.array([UUID_TEXT, None, "x", UUID_TEXT.replace("-", ""), UUID_TEXT]),
        ColumnSpec("c", pa.uuid()),
    ),
    "text to json": (pa.array(['{"a": [1]}', None, "[", "1", '"x"', "1"]), ColumnSpec("c", pa.json_())),
    "text to enum": (
        pa.array(["b", None, "a", "c", "b"]),
        ColumnSpec("c", ENUM, labels=("a", "b", "d"), enum_name="E"),
    ),
    "binary": (
        pa.array([b"a", None, b"\0\xff", b"x" * 40, b"a"], pa.binary()),
        ColumnSpec("c", pa.binary(), max_length=5),
    ),
    "binary to text": (
        pa.array([b"a", None, b"\xff", "日本".encode(), b"a"], pa.binary()),
        ColumnSpec("c", pa.string()),
    ),
    "timestamp": (
        pa.array([0, None, 1, 1000, 10**18], pa.timestamp("ns", "UTC")),
        ColumnSpec("c", pa.timestamp("us", "UTC")),
    ),
    "date to timestamp": (
        pa.array([0, None, 2**30, 5], pa.int32()).view(pa.date32()),
        ColumnSpec("c", pa.timestamp("us")),
    ),
    "time": (pa.array([0, None, 86_399, 5], pa.int32()).view(pa.time32("s")), ColumnSpec("c", pa.time64("us"))),
    "duration": (pa.array([0, None, 2**60, 5], pa.duration("s")), ColumnSpec("c", pa.duration("us"))),
    "uuid to text": (
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16, None, b"1" * 16], pa.binary(16))),
        ColumnSpec("c", pa.string()),
    ),
}

Layout: TypeAlias = "Callable[[pa.Array[Any]], pa.Array[Any]]"


class Wrapped(pa.ExtensionType):
    """An extension type that arrowsync doesn't know."""

    def __init__(self, storage: pa.DataType) -> None:
        super().__init__(storage, "test.wrapped")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type: pa.DataType, serialized: bytes) -> Wrapped:
        return cls(storage_type)


def storage(array: pa.Array[Any]) -> pa.Array[Any]:
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def like(array: pa.Array[Any], values: pa.Array[Any]) -> pa.Array[Any]:
    return pa.ExtensionArray.from_storage(array.type, values) if isinstance(array, pa.ExtensionArray) else values


def sliced(array: pa.Array[Any]) -> pa.Array[Any]:
    """In the middle of a longer one, at an offset that isn't a whole byte of the bitmap."""
    plain = storage(array)
    around = plain.take(pa.array([0] * 11))
    return like(array, pa.concat_arrays([around, plain, around]).slice(11, len(array)))


def dictionary(array: pa.Array[Any]) -> Any:
    """NULL stands in the dictionary."""
    encoded = storage(array).dictionary_encode(null_encoding="encode")
    return pa.DictionaryArray.from_arrays(encoded.indices.cast(pa.int16()), like(array, encoded.dictionary))


def dictionary_with_null_indices(array: pa.Array[Any]) -> pa.Array[Any]:
    encoded = storage(array).dictionary_encode(null_encoding="mask")
    return pa.DictionaryArray.from_arrays(encoded.indices.cast(pa.uint8()), like(array, encoded.dictionary))


def dictionary_larger_than_the_batch(array: pa.Array[Any]) -> pa.Array[Any]:
    """The values that fail, and others, stand in the dictionary unused many times over."""
    copies = pa.concat_arrays([storage(array)] * 3)
    return pa.DictionaryArray.from_arrays(pa.array(range(len(array), 2 * len(array))), like(array, copies))


def sliced_dictionary(array: pa.Array[Any]) -> pa.Array[Any]:
    whole = dictionary(array)
    around = whole.indices.slice(0, 3)
    indices = pa.concat_arrays([around, whole.indices, around])
    return pa.DictionaryArray.from_arrays(indices, whole.dictionary).slice(3, len(array))


def runs(array: pa.Array[Any]) -> pa.Array[Any]:
    return pa.RunEndEncodedArray.from_arrays(pa.array(range(1, len(array) + 1), pa.int16()), array)


def sliced_runs(array: pa.Array[Any]) -> pa.Array[Any]:
    """Runs of two rows: the slice begins and ends in the middle of one."""
    plain = storage(array)
    first, last = plain.slice(0, 1), plain.slice(len(plain) - 1)
    pairs = plain.slice(1, len(plain) - 2)
    values = like(array, pa.concat_arrays([first, first, pairs, last, last]))
    ends = np.concatenate([[2, 4], np.arange(5, 5 + len(pairs)), [4 + len(pairs) + 2, 4 + len(pairs) + 4]])
    return pa.RunEndEncodedArray.from_arrays(pa.array(ends, pa.int32()), values).slice(3, len(array))


def wrapped(array: pa.Array[Any]) -> pa.Array[Any]:
    return pa.ExtensionArray.from_storage(Wrapped(array.type), array)


def cast_to(kind: pa.DataType) -> Layout:
    return lambda array: array.cast(kind)


LAYOUTS: dict[str, Layout] = {
    "sliced": sliced,
    "dictionary": dictionary,
    "dictionary with null indices": dictionary_with_null_indices,
    "dictionary larger than the batch": dictionary_larger_than_the_batch,
    "sliced dictionary": sliced_dictionary,
    "runs": runs,
    "sliced runs": sliced_runs,
    "dictionary of slices": lambda array: dictionary(sliced(array)),
    "runs of a dictionary": lambda array: runs(dictionary(array)),
}
OTHERS: dict[pa.DataType, dict[str, Layout]] = {
    pa.string(): {
        "large": cast_to(pa.large_string()),
        "view": cast_to(pa.string_view()),
        "dictionary of large": lambda array: dictionary(array).cast(pa.dictionary(pa.int64(), pa.large_string())),
        "dictionary of views": lambda array: pa.DictionaryArray.from_arrays(
            dictionary(array).indices, dictionary(array).dictionary.cast(pa.string_view())
        ),
        "runs of views": lambda array: runs(array.cast(pa.string_view())),
        "sliced large": lambda array: sliced(array.cast(pa.large_string())),
        "view of a slice": lambda array: sliced(array).cast(pa.string_view()),
    },
    pa.binary(): {
        "large": cast_to(pa.large_binary()),
        "view": cast_to(pa.binary_view()),
        "sliced large": lambda array: sliced(array.cast(pa.large_binary())),
    },
    pa.bool_(): {"bool8": lambda array: pa.ExtensionArray.from_storage(pa.bool8(), array.cast(pa.int8()))},
    pa.decimal128(10, 2): {
        "decimal64": cast_to(pa.decimal64(10, 2)),
        "decimal256": cast_to(pa.decimal256(10, 2)),
        "dictionary of decimal256": lambda array: dictionary(array.cast(pa.decimal256(10, 2))),
    },
}
PAIRS = [
    *((name, layout, make) for name in PLAIN for layout, make in LAYOUTS.items()),
    *((name, layout, make) for name in PLAIN for layout, make in OTHERS.get(PLAIN[name][0].type, {}).items()),
]


def outcome(array: pa.Array[Any], column: ColumnSpec) -> tuple[list[Any], list[Any], str]:
    """The good values, the rejects, and the message of the error."""
    batch = pa.record_batch([array], names=["c"])
    convert = compile_converter(batch.schema, TableSpec("t", (column,)))
    good, rejects = convert.split(batch)
    good.validate(full=True)
    assert good.schema == convert.schema
    message = ""
    try:
        convert(batch)
    except ConversionError as error:
        message = error.message
    return good.column(0).to_pylist(), rejects.to_pylist(), message


@pytest.mark.parametrize("nullable", [True, False], ids=["nullable", "required"])
@pytest.mark.parametrize(("name", "layout", "make"), PAIRS, ids=lambda part: part if isinstance(part, str) else "")
def test_every_layout(name: str, layout: str, make: Layout, nullable: bool) -> None:
    plain, column = PLAIN[name]
    column = replace(column, nullable=nullable)
    array = make(plain)
    assert len(array) == len(plain)
    assert outcome(array, column) == outcome(plain, column)


@pytest.mark.parametrize(
    "make", [wrapped, lambda array: dictionary(wrapped(array)), lambda array: runs(wrapped(array))]
)
@pytest.mark.parametrize("name", [name for name in PLAIN if not isinstance(PLAIN[name][0], pa.ExtensionArray)])
def test_an_extension_type_that_is_not_known_never_converts(name: str, make: Layout) -> None:
    plain, column = PLAIN[name]
    with pytest.raises(ConversionError, match="never becomes"):
        outcome(make(plain), column)


def test_what_no_row_uses_cannot_fail() -> None:
    values = pa.DictionaryArray.from_arrays(pa.array([0, 2, 0, 0]), pa.array(["1", "bad", "3"]))
    assert outcome(values, ColumnSpec("c", pa.int8())) == ([1, 3, 1, 1], [], "")
    enum = ColumnSpec("c", ENUM, labels=("3", "1"))
    assert outcome(values, enum) == (["1", "3", "1", "1"], [], "")


def test_what_stands_under_a_null_cannot_fail() -> None:
    for kind, raw, column in (
        (pa.int64(), np.array([1, 10**15]), ColumnSpec("c", pa.int8(), nullable=True)),
        (pa.float64(), np.array([1.0, np.nan]), ColumnSpec("c", pa.int8(), nullable=True)),
        (pa.float64(), np.array([1.0, np.inf]), ColumnSpec("c", pa.decimal128(5, 2), nullable=True)),
        (pa.date32(), np.array([1, 2**31 - 1], np.int32), ColumnSpec("c", pa.date32(), nullable=True)),
        (pa.timestamp("ns"), np.array([1000, 1]), ColumnSpec("c", pa.timestamp("us"), nullable=True)),
        (pa.decimal128(10, 2), np.array([100, 0, 2**62, 2**62]), ColumnSpec("c", pa.decimal128(3, 0), nullable=True)),
    ):
        array = pa.Array.from_buffers(kind, 2, [pa.py_buffer(b"\x01"), pa.py_buffer(raw.tobytes())])
        good, rejects, message = outcome(array, column)
        assert (len(good), good[1], rejects, message) == (2, None, [], "")


def test_a_null_index_is_not_the_entry_that_it_happens_to_hold() -> None:
    indices = pa.Array.from_buffers(pa.int8(), 3, [pa.py_buffer(b"\x05"), pa.py_buffer(b"\x00\x00\x01")])
    array = pa.DictionaryArray.from_arrays(indices, pa.array(["bad", "1"]))
    good, rejects, _ = outcome(array, ColumnSpec("c", pa.int8(), nullable=True))
    assert (good, [reject["row"] for reject in rejects]) == ([None, 1], [0])


def test_decimals_with_more_digits_than_their_type_allows() -> None:
    """Nothing checks the bytes of an array that comes from elsewhere."""
    words = np.array([12345, 0, 10**15, 0], np.int64)
    array = pa.Array.from_buffers(pa.decimal128(6, 2), 2, [None, pa.py_buffer(words.tobytes())])
    for precision, scale in ((6, 2), (8, 2), (8, 4)):
        good, rejects, _ = outcome(array, ColumnSpec("c", pa.decimal128(precision, scale)))
        assert good == [Decimal("123.45").quantize(Decimal(10) ** -scale)]
        assert [(reject["row"], reject["reason"]) for reject in rejects] == [
            (1, f"out of range for decimal({precision}, {scale})")
        ]


def test_text_under_a_null_cannot_fail() -> None:
    offsets = pa.py_buffer(np.array([0, 1, 4], np.int32).tobytes())
    array = pa.Array.from_buffers(pa.string(), 2, [pa.py_buffer(b"\x01"), offsets, pa.py_buffer(b"7\xff\x00x")])
    for kind, expected in ((pa.string(), "7"), (pa.int8(), 7), (pa.float64(), 7.0), (pa.json_(), "7")):
        column = ColumnSpec("c", kind, nullable=True, max_length=2 if kind == pa.string() else None)
        assert outcome(array, column) == ([expected, None], [], "")


def test_pa_null_becomes_null_of_any_type() -> None:
    for kind in (pa.int8(), pa.string(), pa.uuid(), pa.json_(), pa.decimal256(40, 3), ENUM, pa.list_(pa.int8())):
        column = ColumnSpec("c", kind, nullable=True, labels=("a",) if kind == ENUM else ())
        assert outcome(pa.nulls(3), column) == ([None] * 3, [], "")
        required = replace(column, nullable=False)
        assert [reject["reason"] for reject in outcome(pa.nulls(2), required)[1]] == ["NULL in a required column"] * 2


def test_equal_types_are_not_copied() -> None:
    columns = {
        "i": pa.array([1, 2, 3]),
        "f": pa.array([1.0, 2.0, 3.0]),
        "d": pa.array([1, 2, 3], pa.decimal128(10, 2)),
        "s": pa.array(["a", "b", "ä"]),
        "t": pa.array([1, 2, 3], pa.timestamp("us", "UTC")),
        "e": pa.array(["a", "b", "a"]).dictionary_encode(),
    }
    batch = pa.record_batch(columns)
    spec = TableSpec(
        "t", tuple(ColumnSpec(n, a.type, labels=("a", "b") if n == "e" else ()) for n, a in columns.items())
    )
    converted = compile_converter(batch.schema, spec)(batch)
    for name, array in columns.items():
        addresses = [buffer.address for buffer in array.buffers() if buffer]
        assert [buffer.address for buffer in converted.column(name).buffers() if buffer] == addresses, name


def test_a_type_without_rules_passes_as_it_is() -> None:
    array = pa.array([[1, 2], None, []])
    column = ColumnSpec("c", array.type, nullable=True)
    assert outcome(array, column) == ([[1, 2], None, []], [], "")
    assert outcome(array, replace(column, nullable=False))[1] == [
        {"row": 1, "column": "c", "value": None, "reason": "NULL in a required column"}
    ]
