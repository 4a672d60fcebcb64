"""Lists, structs and maps that go into a JSON column: the text is read by Python's `json`, an oracle of its own."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrowsync.convert import compile_converter
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import ConversionError

runs_array: Any = pa.RunEndEncodedArray
list_view_array: Any = pa.ListViewArray
SPEC = TableSpec("t", (ColumnSpec("doc", pa.json_(), nullable=True),))


def texts(values: Any) -> list[str | None]:
    convert = compile_converter(pa.schema({"doc": values.type}), SPEC)
    converted: Any = convert(pa.record_batch([values], names=["doc"])).column(0)
    assert converted.type == pa.json_()
    found: list[str | None] = converted.to_pylist()
    return found


def documents(values: Any) -> list[Any]:
    return [None if text is None else json.loads(text) for text in texts(values)]


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
INNER = pa.struct([("n", pa.int64()), ("t", pa.string()), ("b", pa.bool_())])
OUTER = pa.struct([('q"\\', pa.list_(INNER)), ("m", pa.list_(pa.list_(pa.float64()))), ("s", INNER)])
INNERS = st.none() | st.fixed_dictionaries(
    {"n": st.none() | st.integers(-(2**63), 2**63 - 1), "t": st.none() | TEXT, "b": st.none() | st.booleans()}
)
FLOATS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
OUTERS = st.none() | st.fixed_dictionaries(
    {
        'q"\\': st.none() | st.lists(INNERS, max_size=3),
        "m": st.none() | st.lists(st.none() | st.lists(FLOATS, max_size=3), max_size=3),
        "s": INNERS,
    }
)


@given(values=st.lists(OUTERS, max_size=6), start=st.integers(0, 6))
def test_what_json_reads_back_is_what_was_there(values: list[Any], start: int) -> None:
    assert documents(pa.array(values, OUTER)[start:]) == values[start:]


def test_each_type_stands_as_its_text() -> None:
    uuid: Any = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([UUID(int=1).bytes], pa.binary(16)))
    doc: Any = pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1}']))
    members = {
        "int": pa.array([-1], pa.int8()),
        "decimal": pa.array([Decimal("1.50")]),
        "float": pa.array([0.1], pa.float32()),
        "date": pa.array([date(2024, 2, 29)]),
        "enum": pa.array(["red"]).dictionary_encode(),
        "view": pa.array(["x"], pa.string_view()),
        "uuid": uuid,
        "json": doc,
        "null": pa.nulls(1),
        "runs": runs_array.from_arrays([1], pa.array([True])),
    }
    expected = (
        '{"int":-1,"decimal":1.50,"float":0.1,"date":"2024-02-29","enum":"red","view":"x",'
        '"uuid":"00000000-0000-0000-0000-000000000001","json":{"a": 1},"null":null,"runs":true}'
    )
    assert texts(pa.StructArray.from_arrays(list(members.values()), list(members))) == [expected]


def test_a_zero_below_zero_is_no_integer() -> None:
    for kind in (pa.float32(), pa.float64()):
        assert texts(pa.array([[-0.0, 0.0, None, -1.5]], pa.list_(kind))) == ["[-0.0,0,null,-1.5]"]


def test_lists_of_any_layout_and_maps() -> None:
    views = list_view_array.from_arrays([2, 0], [1, 2], pa.array([1, None, 3]))
    assert texts(views) == ["[3]", "[1,null]"]
    assert texts(pa.array([[1, 2], None], pa.list_(pa.int8(), 2))) == ["[1,2]", None]
    maps = pa.array([[("a", 1)], None, [], [('b"', None), ("c", 2)]], pa.map_(pa.string(), pa.int64()))
    assert texts(maps[1:]) == [None, "{}", '{"b\\"":null,"c":2}']
    assert texts(pa.array([[(date(2024, 1, 1), [1])]], pa.map_(pa.date32(), pa.list_(pa.int8())))) == [
        '{"2024-01-01":[1]}'
    ]
    assert texts(pa.DictionaryArray.from_arrays(pa.array([1, 0, None]), maps)) == [None, '{"a":1}', None]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([{"a": 1.0}, {"a": float("nan")}], "contains a member 'a' that is NaN or infinity"),
        ([{"a": "ok"}, {"a": "x\0"}], "contains a member 'a' that contains a NUL character"),
    ],
)
def test_values_that_json_has_not_are_refused_by_row(values: list[Any], reason: str) -> None:
    with pytest.raises(ConversionError) as caught:
        texts(pa.array(values))
    assert reason in str(caught.value)
    assert caught.value.rows == (1,)


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.binary()),
        pa.map_(pa.binary(), pa.int8()),
        pa.struct([pa.field("a", pa.int8()), pa.field("a", pa.int8())]),
    ],
)
def test_types_without_a_text_are_refused_before_any_value_is_seen(kind: pa.DataType) -> None:
    with pytest.raises(ConversionError, match="never becomes"):
        compile_converter(pa.schema({"doc": kind}), SPEC)
