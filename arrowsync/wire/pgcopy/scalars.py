"""Kernels of PostgreSQL's fixed-width types: booleans, integers, floats, dates, times, intervals, uuid.

Each function takes the Arrow type and the column's type and gives the kernel. The wire forms are those of the server's
`*_send` functions (src/backend/utils/adt): big-endian, dates and timestamps counted from 2000-01-01.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from arrowsync.catalog.objects import SqlType
from arrowsync.wire.arrays import (
    Column,
    Kernel,
    NoEncoding,
    bits_of,
    check_range,
    dtype_of,
    present_mask,
    refuse,
    values_of,
)
from arrowsync.wire.rows import F4, F8, I2, I4, I8, U1, U4, U8, Field, Integers, Mask, Values, fixed, raw

MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}
"""Per unit of Arrow's times; nanoseconds have to be converted first, by whoever may say what becomes of the rest."""
DAY = 86_400_000_000
EPOCH_DAYS = 10_957
"""Days from 1970-01-01, where Arrow counts from, to 2000-01-01."""
EPOCH = EPOCH_DAYS * DAY
DATES = -2_451_545, 2_145_031_948
"""First and last date that the server takes, in days from 2000-01-01: 4714-11-24 BC and 5874897-12-31."""
TIMESTAMPS = -211_813_488_000_000_000, 9_223_371_331_199_999_999
"""First and last timestamp, in microseconds from 2000-01-01: 4714-11-24 BC and 294276-12-31 23:59:59.999999."""
INT64 = -(2**63), 2**63 - 1


def boolean(source: pa.DataType, target: SqlType) -> Kernel:
    """A boolean as one byte."""
    return lambda array: fixed(present_mask(array), Values(U1, bits_of(array)))


def integer(source: pa.DataType, target: SqlType) -> Kernel:
    """Any Arrow integer as smallint, integer or bigint; where it might not fit, the values are checked."""
    wire = {"smallint": I2, "integer": I4, "bigint": I8}[target.name]
    limits = np.iinfo(wire)
    dtype = dtype_of(source)
    fits = np.can_cast(dtype, wire)

    def encode(array: Column) -> Field:
        values, present = values_of(array, dtype), present_mask(array)
        if not fits:
            check_range(values, limits.min, limits.max, present, target)
        return fixed(present, Values(wire, values))

    return encode


def floating(source: pa.DataType, target: SqlType) -> Kernel:
    """A float as real or double precision, one of the same width bit by bit: NaN payloads and -0.0 stay."""
    wire, bits = {"real": (F4, U4), "double precision": (F8, U8)}[target.name]
    dtype = dtype_of(source)
    if dtype.itemsize > wire.itemsize:
        raise NoEncoding("it has more digits than the column")
    native = bits.newbyteorder("=")

    def encode(array: Column) -> Field:
        if dtype.itemsize == wire.itemsize:
            return fixed(present_mask(array), Values(bits, values_of(array, native)))
        with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
            return fixed(present_mask(array), Values(wire, values_of(array, dtype).astype(wire)))

    return encode


def float_from_integer(source: pa.DataType, target: SqlType) -> Kernel:
    """An integer as real or double precision, up to where the floats begin to leave integers out."""
    wire = {"real": F4, "double precision": F8}[target.name]
    dtype = dtype_of(source)
    limit = 2 ** (np.finfo(wire).nmant + 1)

    def encode(array: Column) -> Field:
        values, present = values_of(array, dtype), present_mask(array)
        check_range(values, -limit, limit, present, target)
        return fixed(present, Values(wire, values))

    return encode


def date(source: pa.DataType, target: SqlType) -> Kernel:
    """A date32 as days from 2000-01-01."""
    low, high = (limit + EPOCH_DAYS for limit in DATES)

    def encode(array: Column) -> Field:
        days, present = values_of(array, np.int32), present_mask(array)
        check_range(days, low, high, present, target)
        return fixed(present, Values(I4, days - EPOCH_DAYS))

    return encode


def timestamp(source: Any, target: SqlType) -> Kernel:
    """A timestamp, naive or in UTC, as microseconds from 2000-01-01."""
    factor = _factor(source)
    epoch = EPOCH // factor
    # The limits in Arrow's unit and epoch: what lies within them can be shifted and multiplied without overflow.
    low, high = -(-TIMESTAMPS[0] // factor) + epoch, TIMESTAMPS[1] // factor + epoch
    step = _step(target, factor)

    def encode(array: Column) -> Field:
        values, present = values_of(array, np.int64), present_mask(array)
        check_range(values, low, min(high, INT64[1]), present, target)
        microseconds = (values - epoch) * factor
        _check_step(microseconds, step, present, target)
        return fixed(present, Values(I8, microseconds))

    return encode


def time(source: Any, target: SqlType) -> Kernel:
    """A time of day as microseconds from midnight."""
    factor = _factor(source)
    dtype = np.dtype(f"i{source.bit_width // 8}")
    step = _step(target, factor)

    def encode(array: Column) -> Field:
        values, present = values_of(array, dtype), present_mask(array)
        check_range(values, 0, DAY // factor - 1, present, target)
        microseconds = values.astype(np.int64) * factor
        _check_step(microseconds, step, present, target)
        return fixed(present, Values(I8, microseconds))

    return encode


def duration(source: Any, target: SqlType) -> Kernel:
    """A duration as an interval of microseconds, 0 days and 0 months."""
    factor = _factor(source)
    low, high = -(-INT64[0] // factor), INT64[1] // factor
    step = _step(target, factor)

    def encode(array: Column) -> Field:
        values, present = values_of(array, np.int64), present_mask(array)
        check_range(values, low, high, present, target)
        microseconds = values * factor
        _check_step(microseconds, step, present, target)
        return fixed(present, Values(I8, microseconds), bytes(8))

    return encode


def interval(source: pa.DataType, target: SqlType) -> Kernel:
    """Arrow's months, days and nanoseconds as the server's microseconds, days and months."""
    layout = np.dtype([("months", np.int32), ("days", np.int32), ("nanoseconds", np.int64)])
    step = _step(target, 1)

    def encode(array: Column) -> Field:
        values, present = values_of(array, layout), present_mask(array)
        microseconds = values["nanoseconds"] // 1_000
        refuse(microseconds * 1_000 != values["nanoseconds"], present, "finer than a microsecond")
        _check_step(microseconds, step, present, target)
        days, months = Values(I4, values["days"]), Values(I4, values["months"])
        return fixed(present, Values(I8, microseconds), days, months)

    return encode


def uuid(source: pa.DataType, target: SqlType) -> Kernel:
    """16 bytes as they are."""
    if not isinstance(source, pa.FixedSizeBinaryType) or source.byte_width != 16:
        raise NoEncoding("a uuid has 16 bytes")
    wire = raw(16)
    return lambda array: fixed(present_mask(array), Values(wire, values_of(array, wire)))


def _factor(source: Any) -> int:
    if source.unit not in MICROSECONDS:
        raise NoEncoding(f"it counts {source.unit}, the column microseconds")
    return MICROSECONDS[source.unit]


def _step(target: SqlType, factor: int) -> int:
    """The resolution of `timestamp(3)` and its like in microseconds, 1 where every multiple of `factor` has it."""
    step = 10 ** (6 - target.args[0]) if target.args else 1
    return step if factor % step else 1


def _check_step(microseconds: Integers, step: int, present: Mask | None, target: SqlType) -> None:
    """The server would round to the column's precision without a word."""
    if step > 1:
        refuse(microseconds % step != 0, present, f"finer than {target} stores")
