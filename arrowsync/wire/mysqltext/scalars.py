"""Kernels of LOAD DATA text for values of limited length: booleans, numbers, dates and times.

Each function takes the Arrow type and the column's type and gives the kernel, which gives text that both servers read back as
the very value. A float is written with the fewest digits that do that; one of 32 bits as the double that it is, so that
the server rounds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arrowsync.catalog.objects import SqlType
from arrowsync.wire.arrays import (
    Column,
    NoEncoding,
    bits_of,
    check_range,
    dtype_of,
    present_mask,
    refuse,
    strings_of,
    values_of,
)
from arrowsync.wire.rows import Integers, Mask, compute

INTEGER_RANGES: Mapping[str, tuple[int, int]] = {
    f"{name}{sign}": (0, 2**bits - 1) if sign else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    for name, bits in (("tinyint", 8), ("smallint", 16), ("mediumint", 24), ("int", 32), ("bigint", 64))
    for sign in ("", " unsigned")
}
"""The least and the greatest value of each integer type."""
MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}
"""Per unit of Arrow's times; nanoseconds have to be converted first, by whoever may say what becomes of the rest."""
FRACTION = {"s": 0, "ms": 3, "us": 6}
"""Digits of a second that Arrow writes of each unit."""
DAY = 86_400_000_000
DATES = -719_162, 2_932_896
"""0001-01-01 and 9999-12-31, in days from 1970-01-01."""
DATETIMES = DATES[0] * DAY, (DATES[1] + 1) * DAY - 1
TIMESTAMPS = 1_000_000, (2**31) * 1_000_000 - 1
"""The type `timestamp`: from 1970-01-01 00:00:01 to 2038-01-19 03:14:07.999999, in UTC."""
YEARS = 1901, 2155
PLAIN_SCALE = 6
"""Up to so many digits after the point, Arrow writes no decimal with an exponent."""
INT64 = -(2**63), 2**63 - 1

TextKernel = Callable[[Column], Column]


def boolean(source: pa.DataType, target: SqlType) -> TextKernel:
    """A boolean as 1 or 0: LOAD DATA would take `true` for 0."""
    return lambda array: compute.if_else(array, "1", "0")


def integer(source: pa.DataType, target: SqlType) -> TextKernel:
    """Any integer; where it might not fit, the values are checked."""
    return _checked_integer(source, target, *INTEGER_RANGES[target.name])


def decimal_from_integer(source: pa.DataType, target: SqlType) -> TextKernel:
    """An integer with as many digits as the decimal has before its point."""
    most = 10 ** (target.args[0] - target.args[1]) - 1
    return _checked_integer(source, target, -most, most)


def float_from_integer(source: pa.DataType, target: SqlType) -> TextKernel:
    """An integer as a float, up to where the floats begin to leave integers out."""
    limit = 2**24 if target.name == "float" else 2**53
    return _checked_integer(source, target, -limit, limit)


def year(source: pa.DataType, target: SqlType) -> TextKernel:
    """An integer as a year of four digits: fewer would stand for one of this century or the last."""
    dtype = dtype_of(source)

    def encode(array: Column) -> Column:
        values, present = values_of(array, dtype), present_mask(array)
        refuse((values != 0) & ((values < YEARS[0]) | (values > YEARS[1])), present, f"out of range for {target}")
        text: Column = compute.if_else(compute.equal(array, 0), "0000", array.cast(pa.string()))
        return text

    return encode


def _checked_integer(source: pa.DataType, target: SqlType, low: int, high: int) -> TextKernel:
    dtype = dtype_of(source)
    limits = np.iinfo(dtype)
    fits = low <= limits.min and limits.max <= high
    low, high = max(low, int(limits.min)), min(high, int(limits.max))

    def encode(array: Column) -> Column:
        if not fits:
            check_range(values_of(array, dtype), low, high, present_mask(array), target)
        return array.cast(pa.string())

    return encode


def floating(source: Any, target: SqlType) -> TextKernel:
    """A float of the same width, or a wider column."""
    if target.name == "float" and source.bit_width > 32:
        raise NoEncoding("it has more digits than the column")

    def encode(array: Column) -> Column:
        finite = bits_of(compute.fill_null(compute.is_finite(array), True))
        refuse(~finite, None, f"not a finite number, and {target} holds no others")
        return array.cast(pa.float64()).cast(pa.string())

    return encode


def decimal(source: Any, target: SqlType) -> TextKernel:
    """A decimal: checked digit by digit where the column has fewer of them, before the point or after it."""
    whole, scale = source.precision - source.scale, source.scale
    if scale < 0:
        raise NoEncoding("a scale below 0 has to be converted first")
    room = target.args[0] - target.args[1]

    def encode(array: Column) -> Column:
        # Of scale 0, Arrow writes all digits and no exponent. Its own casts between decimals may wrap [pyarrow 26].
        if whole <= room and scale <= min(target.args[1], PLAIN_SCALE):
            return array.cast(pa.string())
        digits = _unscaled(array, source).cast(pa.string())
        if whole > room:
            text = compute.ascii_ltrim(digits, "-")
            present = present_mask(array)
            refuse(strings_of(text).lengths > room + scale, present, f"out of range for {target}")
        if scale > target.args[1]:
            _refuse_digits(digits, scale - target.args[1], present_mask(array), target)
        return compute.binary_join_element_wise(digits, f"e-{scale}", "") if scale else digits

    return encode


def _refuse_digits(digits: Column, more: int, present: Mask | None, target: SqlType) -> None:
    """Refuse those whose last `more` digits aren't zeros."""
    exact = compute.match_substring_regex(digits, rf"(^-?0*$)|(0{{{more}}}$)")
    refuse(~bits_of(compute.fill_null(exact, True)), present, f"finer than {target} stores")


def _unscaled(array: Any, source: Any) -> Column:
    """The digits of decimals as whole numbers."""
    wide: Any = pa.decimal128 if source.bit_width <= 128 else pa.decimal256
    most = 38 if source.bit_width <= 128 else 76
    if source.bit_width < 128:
        array = array.cast(wide(source.precision, source.scale))
    whole: Column = pa.Array.from_buffers(wide(most, 0), len(array), array.buffers(), array.null_count, array.offset)
    return whole


def date(source: pa.DataType, target: SqlType) -> TextKernel:
    """A date32."""

    def encode(array: Column) -> Column:
        check_range(values_of(array, np.int32), *DATES, present_mask(array), target)
        return array.cast(pa.string())

    return encode


def timestamp(source: Any, target: SqlType) -> TextKernel:
    """A timestamp, naive or in UTC, which the session's time zone is too."""
    factor = _factor(source)
    first, last = DATETIMES if target.name == "datetime" else TIMESTAMPS
    low, high = -(-first // factor), last // factor
    write = _with_fraction(source.unit, target)

    def encode(array: Column) -> Column:
        values, present = values_of(array, np.int64), present_mask(array)
        check_range(values, low, high, present, target)
        _check_step(values, factor, present, target)
        return write(_plain(array, pa.timestamp(source.unit)))

    return encode


def time(source: Any, target: SqlType) -> TextKernel:
    """A time of day."""
    factor = _factor(source)
    dtype = np.dtype(f"i{source.bit_width // 8}")
    write = _with_fraction(source.unit, target)

    def encode(array: Column) -> Column:
        values, present = values_of(array, dtype), present_mask(array)
        check_range(values, 0, DAY // factor - 1, present, target)
        _check_step(values, factor, present, target)
        return write(array)

    return encode


def duration(source: Any, target: SqlType) -> TextKernel:
    """A duration as its number of microseconds."""
    factor = _factor(source)
    low, high = -(-INT64[0] // factor), INT64[1] // factor

    def encode(array: Column) -> Column:
        check_range(values_of(array, np.int64), low, high, present_mask(array), target)
        numbers = _plain(array, pa.int64())
        return (compute.multiply(numbers, factor) if factor > 1 else numbers).cast(pa.string())

    return encode


def _factor(source: Any) -> int:
    if source.unit not in MICROSECONDS:
        raise NoEncoding(f"it counts {source.unit}, the column microseconds")
    return MICROSECONDS[source.unit]


def _check_step(values: npt.NDArray[Any], factor: int, present: Mask | None, target: SqlType) -> None:
    """The server would round to the column's digits without a word."""
    step = 10 ** (6 - _digits(target))
    if factor % step:
        off: Integers = values.astype(np.int64) % (step // factor)
        refuse(off != 0, present, f"finer than {target} stores")


def _with_fraction(unit: str, target: SqlType) -> TextKernel:
    """Writes as many digits of a second as the column has: a server may warn of more, though they be zeros."""
    surplus = FRACTION[unit] - _digits(target)
    if surplus <= 0:
        return lambda array: array.cast(pa.string())
    cut = surplus + 1 if _digits(target) == 0 else surplus  # the point too
    return lambda array: compute.utf8_slice_codeunits(array.cast(pa.string()), 0, -cut)


def _digits(target: SqlType) -> int:
    return target.args[0] if target.args else 0


def _plain(array: Any, kind: pa.DataType) -> Column:
    """Reinterpret the memory as another type of the same width."""
    plain: Column = pa.Array.from_buffers(kind, len(array), array.buffers(), array.null_count, array.offset)
    return plain
