"""Lists and structs of the data as declared ones: element by element, member by member, exactly or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrowsync.convert.compile import compile_converter
from arrowsync.declare.spec import ColumnSpec, StructSpec, TableSpec
from arrowsync.errors import ConversionError

ITEM = ColumnSpec("item", pa.int16())


def list_of(element: ColumnSpec, *, nullable: bool = True) -> ColumnSpec:
    return ColumnSpec("x", pa.list_(element.arrow_field), nullable=nullable, element=element)


def struct_of(*members: ColumnSpec, nullable: bool = True) -> ColumnSpec:
    kind = pa.struct([member.arrow_field for member in members])
    return ColumnSpec("x", kind, nullable=nullable, struct=StructSpec("S", members))


def convert(values: pa.Array[Any], column: ColumnSpec) -> list[Any]:
    batch = pa.record_batch({"x": values})
    converted = compile_converter(batch.schema, TableSpec("t", (column,)))(batch)
    converted.validate(full=True)
    assert converted.schema.field("x").type == column.type
    return converted.column("x").to_pylist()


LAYOUTS: list[Any] = [
    pa.list_(pa.int64()),
    pa.large_list(pa.int64()),
    pa.list_view(pa.int64()),
    pa.large_list_view(pa.int64()),
    pa.list_(pa.decimal128(20, 2)),
    pa.list_(pa.string()),
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@given(rows=st.lists(st.none() | st.lists(st.integers(-(1 << 15), (1 << 15) - 1))), start=st.integers(0, 3))
def test_every_layout_of_a_list_gives_the_same_list(layout: Any, rows: list[list[int] | None], start: int) -> None:
    text = pa.types.is_string(layout.value_type)
    given_rows = [r and [str(n) for n in r] for r in rows] if text else rows
    values = pa.array(given_rows, layout).slice(start)
    assert convert(values, list_of(ITEM)) == rows[start:]


def test_fixed_size_lists_become_lists() -> None:
    values = pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int64(), 2))
    assert convert(values, list_of(ITEM)) == [[1, 2], None, [3, 4]]


def test_lists_of_lists_and_of_structs() -> None:
    inner = struct_of(ColumnSpec("a", pa.int16()), ColumnSpec("b", pa.string(), nullable=True), nullable=False)
    deep = list_of(ColumnSpec("item", list_of(inner).type, element=inner))
    rows = [[[{"a": 1, "b": "x"}], []], [], None]
    assert (
        convert(pa.array(rows, pa.list_(pa.list_(pa.struct([("b", pa.large_string()), ("a", pa.int64())])))), deep)
        == rows
    )


def test_members_are_found_by_name_and_optional_ones_may_be_missing() -> None:
    column = struct_of(ColumnSpec("a", pa.int16()), ColumnSpec("b", pa.string(), nullable=True))
    values = pa.array([{"a": 5}, None, {"a": 6}], pa.struct([("a", pa.int64())]))
    assert convert(values.slice(1), column) == [None, {"a": 6, "b": None}]
    assert convert(values, column) == [{"a": 5, "b": None}, None, {"a": 6, "b": None}]


def test_a_null_struct_is_no_null_in_its_required_member() -> None:
    required = struct_of(ColumnSpec("a", pa.int16()))
    values = pa.StructArray.from_arrays([pa.array([1, None])], names=["a"], mask=pa.array([False, True]))
    assert convert(values, required) == [{"a": 1}, None]


@pytest.mark.parametrize(
    ("values", "column", "message", "rows"),
    [
        (pa.array([[1], [2, 70000]]), list_of(ITEM), "contains an element that is out of range for int16", (1,)),
        (pa.array([[1], None, [None]]), list_of(ITEM), "contains an element that is NULL in a required", (2,)),
        (pa.array([[1], None]), list_of(ITEM, nullable=False), "is NULL in a required column", (1,)),
        (
            pa.array([["ab"], ["a", "abc"]]),
            list_of(ColumnSpec("item", pa.string(), max_length=2)),
            "contains an element that is",
            (1,),
        ),
        (
            pa.array([{"a": 1}, {"a": 70000}, None]),
            struct_of(ColumnSpec("a", pa.int16())),
            "contains a member 'a' that is out of range",
            (1,),
        ),
        (
            pa.array([None, [{"a": 1}, {"a": None}]]),
            list_of(struct_of(ColumnSpec("a", pa.int16()), nullable=False)),
            "contains an element that contains a member 'a' that is NULL",
            (1,),
        ),
    ],
)
def test_a_bad_element_or_member_is_told_with_its_row(
    values: Any, column: ColumnSpec, message: str, rows: tuple[int, ...]
) -> None:
    with pytest.raises(ConversionError, match=message) as caught:
        convert(values, column)
    assert caught.value.rows == rows
    batch = pa.record_batch({"x": values})
    good, rejects = compile_converter(batch.schema, TableSpec("t", (column,))).split(batch)
    assert good.num_rows == len(values) - 1
    assert rejects.column("row").to_pylist() == list(rows)


@pytest.mark.parametrize(
    ("source", "column", "reason"),
    [
        (pa.struct([("a", pa.int64()), ("z", pa.int64())]), struct_of(ColumnSpec("a", pa.int16())), "member 'z'"),
        (
            pa.struct([("b", pa.int64())]),
            struct_of(ColumnSpec("b", pa.int16()), ColumnSpec("a", pa.int8())),
            "member 'a'",
        ),
        (pa.int64(), list_of(ITEM), "never becomes"),
        (pa.list_(pa.date32()), list_of(ITEM), "never becomes"),
        (pa.list_(pa.int64()), struct_of(ColumnSpec("a", pa.int16())), "never becomes"),
    ],
)
def test_what_never_fits_is_refused_before_any_data(source: pa.DataType, column: ColumnSpec, reason: str) -> None:
    with pytest.raises(ConversionError, match=reason):
        compile_converter(pa.schema({"x": source}), TableSpec("t", (column,)))


def test_labels_inside_of_lists_are_checked() -> None:
    element = ColumnSpec("item", pa.dictionary(pa.int32(), pa.string()), labels=("red", "green"), enum_name="Color")
    assert convert(pa.array([["red", "green"], []]), list_of(element)) == [["red", "green"], []]
    with pytest.raises(ConversionError, match="contains an element that is"):
        convert(pa.array([["blue"]]), list_of(element))


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        (ColumnSpec("x", pa.int64(), minimum=0, maximum=9), [0, 9, None, 10], "is more than 9"),
        (ColumnSpec("x", pa.int64(), minimum=0), [-1], "is less than 0"),
        (ColumnSpec("x", pa.int64(), choices=(1, 2)), [1, 2, 3], "is none of 1, 2"),
        (
            list_of(ColumnSpec("item", pa.int64(), maximum=9)),
            [[1], [], [9, 10]],
            "contains an element that is more than 9",
        ),
        (ColumnSpec("x", pa.date32(), minimum=date(2020, 1, 1)), [date(2019, 12, 31)], "is less than 2020-01-01"),
        (ColumnSpec("x", pa.decimal128(5, 2), maximum=Decimal("1.5")), [Decimal("1.51")], "is more than 1.5"),
    ],
)
def test_bounds_hold_for_every_value(column: ColumnSpec, values: list[Any], reason: str) -> None:
    column = replace(column, nullable=True)
    with pytest.raises(ConversionError, match=reason) as caught:
        convert(pa.array(values, column.type), column)
    assert caught.value.rows == (len(values) - 1,)
    assert convert(pa.array(values[:-1], column.type), column) == values[:-1]
