"""Structs as composite types, without a server: exact bytes, and what is refused."""

from __future__ import annotations

import struct
from typing import Any

import pyarrow as pa
import pytest

from arrowsync.catalog import SqlType
from arrowsync.errors import ConversionError
from arrowsync.wire.pgcopy.encode import OidKey, compile_pgcopy

runs_array: Any = pa.RunEndEncodedArray
POINT = SqlType("point", members=(("x", SqlType("smallint")), ("y", SqlType("text"))))
LINE = SqlType("line", members=(("from", POINT), ("to", POINT)))
OIDS: dict[OidKey, int] = {
    (POINT, "x"): 21,
    (POINT, "y"): 25,
    POINT: 9_001,
    LINE: 9_002,
    (LINE, "from"): 9_001,
    (LINE, "to"): 9_001,
}
POINTS = pa.struct([("x", pa.int16()), ("y", pa.string())])


def encode(values: Any, target: SqlType) -> bytes:
    batch = pa.record_batch([values], names=["c"])
    return bytes(compile_pgcopy(batch.schema, [target], oids=OIDS)(batch))


def refusal(values: Any, target: SqlType = POINT) -> ConversionError:
    with pytest.raises(ConversionError) as caught:
        encode(values, target)
    return caught.value


def field(data: bytes | None) -> bytes:
    return b"\xff" * 4 if data is None else struct.pack(">i", len(data)) + data


def row(data: bytes | None) -> bytes:
    return b"\0\1" + field(data)


def point(x: int | None, y: str | None) -> bytes:
    members = [(21, None if x is None else struct.pack(">h", x)), (25, None if y is None else y.encode())]
    return struct.pack(">i", 2) + b"".join(struct.pack(">I", oid) + field(data) for oid, data in members)


def test_a_struct_is_its_count_of_members_and_each_with_its_oid() -> None:
    values = pa.array([{"x": 1, "y": "ab"}, {"x": -2, "y": ""}], POINTS)
    assert encode(values, POINT) == row(point(1, "ab")) + row(point(-2, ""))


def test_a_null_struct_is_not_a_struct_of_nulls() -> None:
    values = pa.array([None, {"x": None, "y": None}, None, {"x": 3, "y": None}], POINTS)
    assert encode(values, POINT) == row(None) + row(point(None, None)) + row(None) + row(point(3, None))
    assert encode(pa.nulls(2, POINTS), POINT) == row(None) * 2


def test_members_are_found_by_name_and_those_that_lack_are_null() -> None:
    values = pa.array([{"y": "a", "x": 1}], pa.struct([("y", pa.string()), ("x", pa.int64())]))
    assert encode(values, POINT) == row(point(1, "a"))
    assert encode(pa.array([{"y": "a"}], pa.struct([("y", pa.string())])), POINT) == row(point(None, "a"))


def test_a_slice_of_structs_in_structs_is_read_where_it_begins() -> None:
    kind = pa.struct([("from", POINTS), ("to", POINTS)])
    ends = [None, {"x": 1, "y": "a"}, {"x": 2, "y": "bb"}]
    values = pa.array([{"from": ends[n % 3], "to": ends[(n + 1) % 3]} if n != 4 else None for n in range(9)], kind)
    encoded = {None: None, 1: point(1, "a"), 2: point(2, "bb")}

    def line(n: int) -> bytes | None:
        if n == 4:
            return None
        members = [encoded[(n + step) % 3 or None] for step in (0, 1)]
        return struct.pack(">i", 2) + b"".join(struct.pack(">I", 9_001) + field(data) for data in members)

    assert encode(values[2:7], LINE) == b"".join(row(line(n)) for n in range(2, 7))


def test_lists_of_structs_are_arrays_of_the_types_oid() -> None:
    values = pa.array([[{"x": 1, "y": "a"}, None], []], pa.list_(POINTS))
    elements = field(point(1, "a")) + field(None)
    full = struct.pack(">iiIii", 1, 1, 9_001, 2, 1) + elements
    empty = struct.pack(">iiI", 0, 1, 9_001)
    found = encode(values, SqlType("array", element=POINT))
    assert found[: len(row(full))] == row(full)
    assert found[len(row(full)) + 6 :][:4] == empty[:4]
    assert len(found) == len(row(full)) + len(row(empty))


def test_what_stands_under_a_null_struct_is_not_looked_at() -> None:
    members = pa.array([40_000, 1], pa.int64()), pa.array(["a", "b"])
    values = pa.StructArray.from_arrays(members, ["x", "y"], mask=pa.array([True, False]))
    assert encode(values, POINT) == row(None) + row(point(1, "b"))


def test_structs_in_dictionaries_and_runs() -> None:
    values = pa.array([{"x": 1, "y": "a"}, None], POINTS)
    indices = pa.array([1, 0, None, 0], pa.int8())
    dictionary = pa.DictionaryArray.from_arrays(indices, values)
    assert encode(dictionary, POINT) == row(None) + row(point(1, "a")) + row(None) + row(point(1, "a"))
    runs = runs_array.from_arrays([2, 3], values)
    assert encode(runs, POINT) == row(point(1, "a")) * 2 + row(None)


@pytest.mark.parametrize(
    "member",
    [
        runs_array.from_arrays([1, 3, 4], pa.array([7, 8, None], pa.int16())),
        pa.DictionaryArray.from_arrays(pa.array([0, 1, 1, None]), pa.array([7, 8], pa.int16())),
    ],
    ids=["runs", "dictionary"],
)
def test_members_of_any_layout_where_some_structs_are_null(member: Any) -> None:
    """Arrow can't take from runs and views, so that these are found by other means."""
    texts = pa.array(["a", "b", "longer than a view holds inside", None]).cast(pa.string_view())
    nulls = pa.array([False, True, False, False])
    values = pa.StructArray.from_arrays([member, texts], ["x", "y"], mask=nulls)
    expected = row(point(7, "a")) + row(None) + row(point(8, "longer than a view holds inside"))
    assert encode(values, POINT) == expected + row(point(None, None))


def test_errors_name_member_row_and_value() -> None:
    error = refusal(pa.array([None, {"x": 1}, None, {"x": 40_000}], pa.struct([("x", pa.int64())])))
    assert error.rows == (3,)
    assert error.column == "c"
    assert error.reason == "contains a member 'x' that is out of range for smallint"
    assert "row 3: {'x': 40000} contains a member 'x'" in str(error)


def test_errors_in_lists_of_structs_of_structs_name_the_outer_row() -> None:
    values = pa.array(
        [[], [{"from": None}, {"from": {"x": 40_000}}]], pa.list_(pa.struct([("from", pa.struct([("x", pa.int32())]))]))
    )
    error = refusal(values, SqlType("array", element=LINE))
    assert error.rows == (1,)
    assert error.reason == "contains a member 'from' that contains a member 'x' that is out of range for smallint"


@pytest.mark.parametrize(
    ("kind", "target", "reason"),
    [
        (pa.struct([("z", pa.int16())]), POINT, "point has no member 'z'"),
        (pa.struct([pa.field("x", pa.int16()), pa.field("x", pa.int16())]), POINT, "two members of one name"),
        (pa.struct([("x", pa.string())]), POINT, "its member 'x', string, not as smallint: there is no such pair"),
        (pa.int64(), POINT, "there is no such pair"),
        (POINTS, SqlType("text"), "there is no such pair"),
        (POINTS, SqlType("p", members=POINT.members), "the oid of the member 'x' of p is not known"),
        (
            pa.list_(pa.struct([("a", POINTS)])),
            SqlType("array", element=SqlType("q", members=(("a", POINT),))),
            "the oid of q",
        ),
    ],
)
def test_pairs_that_no_value_fits_are_refused_before_any_is_seen(kind: Any, target: SqlType, reason: str) -> None:
    with pytest.raises(ConversionError, match=reason):
        compile_pgcopy(pa.schema({"c": kind}), [target], oids=OIDS)
