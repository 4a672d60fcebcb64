"""Numerics against Python's integers: whatever digits a batch is written with, they are the value."""

from __future__ import annotations

import struct
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrowsync.catalog import SqlType
from arrowsync.errors import ConversionError
from arrowsync.wire.pgcopy.encode import compile_pgcopy

NUMERIC = SqlType("numeric")


def encode(values: Any, type_: SqlType = NUMERIC) -> bytes:
    batch = pa.record_batch([values], names=["x"])
    return bytes(compile_pgcopy(batch.schema, [type_])(batch))


def decode(data: bytes) -> list[tuple[Fraction, int] | None]:
    """The value and display scale of each row's numeric, read digit by digit as numeric_recv does."""
    numbers: list[tuple[Fraction, int] | None] = []
    position = 0
    while position < len(data):
        _, length = struct.unpack_from(">hi", data, position)
        position += 6
        if length < 0:
            numbers.append(None)
            continue
        count, weight, sign, scale = struct.unpack_from(">hhHH", data, position)
        digits = struct.unpack_from(f">{count}H", data, position + 8)
        assert length == 8 + 2 * count
        assert sign in (0, 0x4000)
        assert all(digit < 10_000 for digit in digits)
        value = sum((digit * Fraction(10_000) ** (weight - place) for place, digit in enumerate(digits)), Fraction())
        numbers.append((-value if sign else value, scale))
        position += length
    return numbers


TYPES: list[Any] = [
    pa.decimal32(9, 4),
    pa.decimal64(18, 1),
    pa.decimal128(1, 0),
    pa.decimal128(15, 2),
    pa.decimal128(38, 0),
    pa.decimal128(38, 19),
    pa.decimal128(38, 38),
    pa.decimal128(20, -5),
    pa.decimal128(5, 12),
    pa.decimal256(50, 3),
    pa.decimal256(76, 0),
    pa.decimal256(76, 74),
    pa.decimal256(76, -8),
]


@st.composite
def unscaled(draw: st.DrawFn) -> tuple[Any, list[int | None]]:
    """A type and unscaled values: all small, or all sizes mixed, or at the limits of 32, 64 and 128 bits."""
    arrow = draw(st.sampled_from(TYPES))
    limit = 10**arrow.precision - 1
    sizes = st.sampled_from([1, 9_999, 2**31, 2**32, 2**63, 2**64, 2**96, 2**127, 2**128, limit])
    near = st.builds(lambda size, step: min(size + step, limit), sizes, st.integers(-1, 1))
    number = st.one_of(st.integers(0, min(limit, 100_000)), st.integers(0, limit), near)
    signed = st.builds(
        lambda value, negative: -value if negative else value,
        number,
        draw(st.sampled_from([st.booleans(), st.just(False)])),
    )
    return arrow, draw(
        st.lists(st.one_of(signed, st.none()) if draw(st.booleans()) else signed, min_size=1, max_size=10)
    )


@given(case=unscaled())
def test_decimals_of_any_width_and_scale_keep_every_digit(case: tuple[Any, list[int | None]]) -> None:
    arrow, numbers = case
    width = arrow.bit_width // 8
    data = b"".join((number or 0).to_bytes(width, "little", signed=True) for number in numbers)
    validity = pa.array([number is not None for number in numbers], pa.bool_()).buffers()[1]
    values = pa.Array.from_buffers(arrow, len(numbers), [validity, pa.py_buffer(data)])
    values.validate(full=True)
    assert decode(encode(values)) == [
        None if number is None else (number * Fraction(10) ** -arrow.scale, max(arrow.scale, 0)) for number in numbers
    ]


@pytest.mark.parametrize("arrow", [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint32(), pa.uint64()])
def test_integers_of_any_width_are_numerics_without_fraction(arrow: Any) -> None:
    bits = arrow.bit_width
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if pa.types.is_signed_integer(arrow) else (0, 2**bits - 1)
    numbers = [low, high, 0, 1, None]
    values = pa.array(numbers, arrow)
    assert decode(encode(values)) == [None if number is None else (Fraction(number), 0) for number in numbers]


def test_a_batch_is_written_with_as_many_digits_as_its_largest_value_needs() -> None:
    """That makes the fields of a batch equally wide: a header of 8 bytes and 2 for each group of 4 digits."""
    money = pa.decimal128(15, 2)
    assert len(encode(pa.array([Decimal("0.05"), Decimal("0.99")], money))) == 2 * (6 + 8 + 2)
    assert len(encode(pa.array([Decimal("0.05"), Decimal("12345.67")], money))) == 2 * (6 + 8 + 6)
    assert len(encode(pa.array([Decimal(0), Decimal(0)], money))) == 2 * (6 + 8)


@pytest.mark.parametrize(
    ("arrow", "type_", "good", "bad"),
    [
        (pa.decimal128(15, 2), SqlType("numeric", (5, 2)), ["999.99", "-999.99"], "1000.00"),
        (pa.decimal128(38, 2), SqlType("numeric", (30, 4)), ["9" * 26, "0.01"], "1" + "0" * 26),
        (pa.decimal256(76, 2), SqlType("numeric", (40, 2)), ["9" * 38 + ".99"], "-1" + "0" * 38),
        (pa.decimal128(20, -5), SqlType("numeric", (10, 0)), ["9999900000"], "10000000000"),
        (pa.decimal128(20, -5), SqlType("numeric", (4, -3)), ["9900000"], "10000000"),
        (pa.decimal128(10, 4), SqlType("numeric", (2, 4)), ["0.0099"], "0.0100"),
        (pa.int64(), SqlType("numeric", (3,)), ["999", "-999"], "1000"),
        (pa.uint64(), SqlType("numeric", (19, 0)), ["9999999999999999999"], "10000000000000000000"),
    ],
)
def test_what_the_column_has_too_few_digits_for_is_refused(
    arrow: Any, type_: SqlType, good: list[str], bad: str
) -> None:
    def values(texts: list[str]) -> Any:
        return pa.array([int(text) if pa.types.is_integer(arrow) else Decimal(text) for text in texts], arrow)

    assert [number and number[0] for number in decode(encode(values(good), type_))] == [Fraction(text) for text in good]
    with pytest.raises(ConversionError) as caught:
        encode(values([*good, bad]), type_)
    assert caught.value.rows == (len(good),)
    assert Decimal(caught.value.sample[0]) == Decimal(bad)
