"""Fields as columns: what a driver lays side by side is what the encoder of whole rows writes."""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from arrowsync import ConversionError
from arrowsync.catalog import SqlType
from arrowsync.wire.pgcopy.encode import compile_pgcopy, compile_pgfields

NATIVE = {
    pa.bool_(): ">?",
    pa.int16(): ">h",
    pa.int32(): ">i",
    pa.int64(): ">q",
    pa.float32(): ">f",
    pa.float64(): ">d",
}

ENUM = SqlType("mood", labels=("sad", "ok"))
COLUMNS: list[tuple[Any, SqlType]] = [
    (pa.array([True, None, False]), SqlType("boolean")),
    (pa.array([1, None, -3], pa.int16()), SqlType("smallint")),
    (pa.array([1, None, -3], pa.int32()), SqlType("integer")),
    (pa.array([1, None, -3], pa.int64()), SqlType("bigint")),
    (pa.array([1, None, -3], pa.int8()), SqlType("bigint")),
    (pa.array([1.5, None, float("nan")], pa.float32()), SqlType("real")),
    (pa.array([1.5, None, -0.0]), SqlType("double precision")),
    (pa.array(["", None, "häß"]), SqlType("text")),
    (pa.array(["", None, ""]), SqlType("varchar", (3,))),
    (pa.array(["aa", None, "bb"]), SqlType("varchar", (3,))),
    (pa.array(["a", None, "a long one"], pa.string_view()), SqlType("text")),
    (pa.array([b"", None, b"\0\1"]), SqlType("bytea")),
    (pa.array(['{"a": 1}', None, "[]"]), SqlType("jsonb")),
    (pa.array([UUID(int=1).bytes, None, UUID(int=2).bytes], pa.binary(16)), SqlType("uuid")),
    (pa.array([0, None, 1], pa.timestamp("us", "UTC")), SqlType("timestamptz")),
    (pa.array([0, 2, 1], pa.date32()), SqlType("date")),
    (pa.array(["ok", None, "sad"]), ENUM),
    (pa.array(["ok", None, "sad"]).dictionary_encode(), ENUM),
    (pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["ok", None])), ENUM),
    (pa.array([[1, None], None, []], pa.list_(pa.int32())), SqlType("integer", element=SqlType("integer"))),
    (pa.nulls(3), SqlType("text")),
    (pa.nulls(3), SqlType("interval")),
]


def fields_of(array: Any) -> list[bytes | None]:
    if pa.types.is_large_binary(array.type) or array.type not in NATIVE:
        found = [value.as_py() for value in array]
        return [value.encode() if isinstance(value, str) else value for value in found]
    return [None if not value.is_valid else struct.pack(NATIVE[array.type], value.as_py()) for value in array]


@pytest.mark.parametrize(("array", "target"), COLUMNS, ids=lambda value: str(getattr(value, "type", value)))
@pytest.mark.parametrize("part", [slice(0, 3), slice(1, 3), slice(1, 2), slice(2, 3)])
def test_the_fields_are_those_of_the_rows(array: Any, target: SqlType, part: slice) -> None:
    schema = pa.schema([("x", array.type)])
    batch = pa.record_batch([array], schema=schema).slice(part.start, part.stop - part.start)
    sent, size = compile_pgfields(schema, [target])(batch)
    rows = [
        struct.pack(">hi", 1, -1) if field is None else struct.pack(">hi", 1, len(field)) + field
        for field in fields_of(sent.column(0))
    ]
    expected = bytes(compile_pgcopy(schema, [target])(batch))
    assert b"".join(rows) == expected
    assert size == len(expected)


@pytest.mark.parametrize(
    ("array", "values"),
    [
        (pa.array([2**64 - 1, None], pa.uint64()), [2**64 - 1, None]),
        (pa.array([-(2**63), 0], pa.int64()), [-(2**63), 0]),
        (pa.array([-128, 127], pa.int8()), [-128, 127]),
        (pa.array([Decimal("1.50"), None], pa.decimal32(5, 2)), [Decimal("1.50"), None]),
        (pa.array([Decimal(10**75), None], pa.decimal256(76, 0)), [10**75, None]),
        (
            pa.array([Decimal("1.50"), None, Decimal("1.50")]).dictionary_encode(),
            [Decimal("1.50"), None, Decimal("1.50")],
        ),
        (pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array([7, None])), [7, 7, None]),
        (pa.nulls(2), [None, None]),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_a_numeric_is_sent_as_a_decimal(array: Any, values: list[Any]) -> None:
    schema = pa.schema([("x", array.type)])
    sent, _ = compile_pgfields(schema, [SqlType("numeric")])(pa.record_batch([array], schema=schema))
    assert pa.types.is_decimal128(sent.schema.types[0]) or pa.types.is_decimal256(sent.schema.types[0])
    assert sent.column(0).to_pylist() == values


def test_what_has_no_exact_form_is_refused() -> None:
    schema = pa.schema([("x", pa.decimal128(10, 2))])
    encode = compile_pgfields(schema, [SqlType("numeric", (4, 2))])
    with pytest.raises(ConversionError, match="out of range for numeric"):
        encode(pa.record_batch([pa.array([Decimal("1.00"), Decimal("100.00")], pa.decimal128(10, 2))], schema=schema))
    with pytest.raises(ConversionError, match="finer"):
        compile_pgfields(schema, [SqlType("numeric", (4, 1))])
    with pytest.raises(ConversionError, match="no such pair"):
        compile_pgfields(schema, [SqlType("uuid")])
