"""An Arrow schema becomes a table of declared types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from arrowsync.declare.arrow import spec_from_schema
from arrowsync.declare.spec import ColumnSpec
from arrowsync.errors import DeclarationError

US = pa.timestamp("us")
UTC = pa.timestamp("us", tz="UTC")


def column_of(given: Any) -> ColumnSpec:
    return spec_from_schema(pa.schema([pa.field("x", given)]), "things").columns[0]


@pytest.mark.parametrize(
    "given",
    [
        pa.bool_(),
        *(getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)),
        pa.float32(),
        pa.float64(),
        pa.string(),
        pa.binary(),
        pa.date32(),
        pa.time64("us"),
        US,
        UTC,
        pa.duration("us"),
        pa.uuid(),
        pa.json_(),
        pa.decimal128(38, 9),
        pa.decimal256(39, 0),
    ],
    ids=str,
)
def test_declared_types_stay(given: pa.DataType) -> None:
    assert column_of(given) == ColumnSpec("x", given, nullable=True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (pa.large_string(), pa.string()),
        (pa.string_view(), pa.string()),
        (pa.large_binary(), pa.binary()),
        (pa.binary_view(), pa.binary()),
        (pa.date64(), pa.date32()),
        (pa.time32("s"), pa.time64("us")),
        (pa.time32("ms"), pa.time64("us")),
        (pa.time64("ns"), pa.time64("us")),
        (pa.timestamp("s"), US),
        (pa.timestamp("ms"), US),
        (pa.timestamp("ns"), US),
        (pa.timestamp("ns", tz="Europe/Berlin"), UTC),
        (pa.timestamp("s", tz="+02:00"), UTC),
        (pa.duration("s"), pa.duration("us")),
        (pa.duration("ns"), pa.duration("us")),
        (pa.float16(), pa.float32()),
        (pa.decimal32(9, 2), pa.decimal128(9, 2)),
        (pa.decimal64(18, 2), pa.decimal128(18, 2)),
        (pa.decimal256(20, 2), pa.decimal128(20, 2)),
        (pa.decimal128(5, -2), pa.decimal128(7, 0)),
        (pa.decimal128(2, 4), pa.decimal128(4, 4)),
        (pa.dictionary(pa.int8(), pa.large_string()), pa.string()),
        (pa.dictionary(pa.int32(), pa.string(), ordered=True), pa.string()),
        (pa.dictionary(pa.int8(), pa.timestamp("ns")), US),
        (pa.run_end_encoded(pa.int32(), pa.float16()), pa.float32()),
        (pa.bool8(), pa.bool_()),
        (pa.json_(pa.large_string()), pa.json_()),
    ],
    ids=str,
)
def test_other_types_become_the_declared_one_of_their_family(given: pa.DataType, expected: pa.DataType) -> None:
    assert column_of(given) == ColumnSpec("x", expected, nullable=True)
    assert column_of(expected).type == expected


@pytest.mark.parametrize("given", [pa.binary(16), pa.dictionary(pa.int8(), pa.binary(16))], ids=str)
def test_a_fixed_number_of_bytes_is_the_maximal_length(given: pa.DataType) -> None:
    assert column_of(given) == ColumnSpec("x", pa.binary(), nullable=True, max_length=16)


@pytest.mark.parametrize(
    ("given", "way_out"),
    [
        (pa.struct([]), "drop the column"),
        (pa.sparse_union([pa.field("a", pa.int8())]), "unions"),
        (pa.month_day_nano_interval(), "duration"),
        (pa.opaque(pa.binary(), "geometry", "postgis"), "such as text"),
        (pa.decimal256(76, -1), "fewer digits"),
    ],
    ids=str,
)
def test_a_type_that_no_column_can_have_is_refused_by_table_column_and_way_out(
    given: pa.DataType, way_out: str
) -> None:
    with pytest.raises(DeclarationError) as caught:
        column_of(given)
    assert (caught.value.table, caught.value.field) == ("things", "x")
    assert "things.x" in caught.value.message
    assert way_out in (caught.value.hint or "")


@pytest.mark.parametrize("made", [pa.list_, pa.large_list, pa.list_view, lambda item: pa.list_(item, 3)])
def test_a_list_of_any_layout_has_an_element(made: Callable[[pa.DataType], pa.DataType]) -> None:
    column = column_of(made(pa.large_string()))
    assert column.type == pa.list_(pa.field("item", pa.string()))
    assert column.element == ColumnSpec("item", pa.string(), nullable=True)
    assert column_of(made(pa.dictionary(pa.int8(), pa.string()))) == column


def test_a_struct_gets_a_type_that_is_called_after_its_column() -> None:
    inner = pa.struct([pa.field("n", pa.int16(), nullable=False)])
    column = column_of(pa.struct([("a", pa.timestamp("ns")), ("b", pa.list_(inner))]))
    assert column.struct is not None
    assert column.struct.name == "things_x"
    members = {member.name: member for member in column.struct.members}
    assert members["a"].type == pa.timestamp("us")
    element = members["b"].element
    assert element is not None
    assert element.struct is not None
    assert [(member.name, member.nullable) for member in element.struct.members] == [("n", False)]
    assert pa.types.is_struct(column.type)


def test_a_map_is_json() -> None:
    assert column_of(pa.map_(pa.string(), pa.int8())).type == pa.json_()


def test_key_columns_are_required_and_others_keep_their_nullability() -> None:
    schema = pa.schema(
        [pa.field("a", pa.int64()), pa.field("b", pa.string()), pa.field("c", pa.string(), nullable=False)]
    )
    spec = spec_from_schema(schema, "things", key=["b", "a"], namespace="shop")
    assert (spec.name, spec.namespace, spec.key) == ("things", "shop", ("b", "a"))
    assert [column.nullable for column in spec.columns] == [False, False, False]
    assert [column.nullable for column in spec_from_schema(schema, "things").columns] == [True, True, False]


def test_a_single_key_may_be_a_string() -> None:
    assert spec_from_schema(pa.schema([("id", pa.int64())]), "things", key="id").key == ("id",)


def test_comments_are_metadata() -> None:
    named = pa.field("a", pa.int8(), metadata={"comment": "größer", "PARQUET:field_id": "1"})
    spec = spec_from_schema(pa.schema([named, pa.field("b", pa.int8())], metadata={"comment": "all"}), "things")
    assert (spec.comment, [column.comment for column in spec.columns]) == ("all", ["größer", None])


@pytest.mark.parametrize(
    ("schema", "name", "options"),
    [
        (pa.schema([]), "things", {}),
        (pa.schema([("a", pa.int8())]), "", {}),
        (pa.schema([("a", pa.int8())]), "a\0b", {}),
        (pa.schema([("", pa.int8())]), "things", {}),
        (pa.schema([("a", pa.int8()), ("a", pa.int8())]), "things", {}),
        (pa.schema([("a", pa.int8())]), "things", {"key": ["b"]}),
        (pa.schema([("a", pa.int8())]), "things", {"key": ["a", "a"]}),
        (pa.schema([("a", pa.int8())]), "things", {"namespace": ""}),
    ],
    ids=str,
)
def test_a_table_that_cannot_work_is_refused(schema: pa.Schema, name: str, options: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError):
        spec_from_schema(schema, name, **options)
