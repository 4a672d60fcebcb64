"""Kernels for PostgreSQL's fixed-width types: booleans, integers, floats, dates, times, intervals, uuid.

Each `compile` function takes the Arrow type and the column type and gives a kernel: an array to a `Field`. Wire forms are
those of the server's `*_send` functions (src/backend/utils/adt): big-endian, dates and timestamps counted from 2000-01-01.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from arrowsync.catalog.types import SqlType
from arrowsync.encode.blocks import Field, Integers, Values, fixed
from arrowsync.encode.columns import Kernel, NoEncoding, bits_of, check_range, null_mask, refuse, values_of

MICROSECONDS = {"s": 1_000_000, "ms": 1_000, "us": 1}
"""Per unit of Arrow's times; nanoseconds have to be converted first, by whoever may say what happens to the rest."""
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
    return lambda array: fixed(1, (Values("u1", bits_of(array)),), null_mask(array))


def integer(source: pa.DataType, target: SqlType) -> Kernel:
    """Any Arrow integer as smallint, integer or bigint; where it might not fit, the values are checked."""
    width = {"smallint": 2, "integer": 4, "bigint": 8}[target.name]
    wire = np.dtype(f">i{width}")
    dtype = np.dtype(source.to_pandas_dtype())
    fits = np.can_cast(dtype, wire)
    limits = np.iinfo(wire)

    def encode(array: pa.Array[Any]) -> Field:
        values = values_of(array, dtype)
        if not fits:
            check_range(values, limits.min, limits.max, f"outside the range of {target}")
        return fixed(width, (Values(wire.str, values),), null_mask(array))

    return encode


def floating(source: pa.DataType, target: SqlType) -> Kernel:
    """A float as real or double precision. One of the same width is copied as bits: NaN payloads and -0.0 stay."""
    width = {"real": 4, "double precision": 8}[target.name]
    dtype = np.dtype(source.to_pandas_dtype())
    if dtype.itemsize == width:
        return lambda array: fixed(width, (Values(f">u{width}", values_of(array, f"u{width}")),), null_mask(array))
    return lambda array: fixed(width, (Values(f">f{width}", values_of(array, dtype)),), null_mask(array))


def date(source: pa.DataType, target: SqlType) -> Kernel:
    low, high = (limit + EPOCH_DAYS for limit in DATES)

    def encode(array: pa.Array[Any]) -> Field:
        days = values_of(array, np.int32)
        check_range(days, low, high, "outside the range of date, 4714-11-24 BC to 5874897-12-31")
        return fixed(4, (Values(">i4", days - EPOCH_DAYS),), null_mask(array))

    return encode


def timestamp(source: pa.TimestampType[Any, Any], target: SqlType) -> Kernel:
    """A timestamp, naive or in UTC: Arrow's count of units since 1970 as microseconds since 2000."""
    factor = _factor(source)
    epoch = EPOCH // factor
    # In Arrow's own unit and epoch, so that shifting and multiplying what has passed can't overflow.
    low = -(-TIMESTAMPS[0] // factor) + epoch
    high = min(TIMESTAMPS[1] // factor + epoch, INT64[1])
    step = _step(target)

    def encode(array: pa.Array[Any]) -> Field:
        values = values_of(array, np.int64)
        check_range(values, low, high, f"outside the range of {target.name}, 4714-11-24 BC to 294276-12-31")
        microseconds = (values - epoch) * factor
        _check_step(microseconds, step, target)
        return fixed(8, (Values(">i8", microseconds),), null_mask(array))

    return encode


def time(source: pa.Time32Type[Any] | pa.Time64Type[Any], target: SqlType) -> Kernel:
    factor = _factor(source)
    dtype = np.dtype(f"i{source.bit_width // 8}")
    step = _step(target)

    def encode(array: pa.Array[Any]) -> Field:
        values = values_of(array, dtype)
        check_range(values, 0, DAY // factor - 1, "not a time of day")
        microseconds = values.astype(np.int64) * factor
        _check_step(microseconds, step, target)
        return fixed(8, (Values(">i8", microseconds),), null_mask(array))

    return encode


def duration(source: pa.DurationType[Any], target: SqlType) -> Kernel:
    """A duration as an interval of microseconds, 0 days and 0 months."""
    factor = _factor(source)
    low, high = -(-INT64[0] // factor), INT64[1] // factor
    step = _step(target)

    def encode(array: pa.Array[Any]) -> Field:
        values = values_of(array, np.int64)
        check_range(values, low, high, "outside the range of interval")
        microseconds = values * factor
        _check_step(microseconds, step, target)
        return fixed(16, (Values(">i8", microseconds), bytes(8)), null_mask(array))

    return encode


def interval(source: pa.DataType, target: SqlType) -> Kernel:
    """Arrow's months, days and nanoseconds as the server's microseconds, days and months."""
    layout = np.dtype([("months", np.int32), ("days", np.int32), ("nanoseconds", np.int64)])
    step = _step(target)

    def encode(array: pa.Array[Any]) -> Field:
        values = values_of(array, layout)
        microseconds = values["nanoseconds"] // 1_000
        refuse(microseconds * 1_000 != values["nanoseconds"], "finer than a microsecond")
        _check_step(microseconds, step, target)
        head = Values(">i8", microseconds), Values(">i4", values["days"]), Values(">i4", values["months"])
        return fixed(16, head, null_mask(array))

    return encode


def uuid(source: pa.DataType, target: SqlType) -> Kernel:
    if not isinstance(source, pa.FixedSizeBinaryType) or source.byte_width != 16:
        raise NoEncoding("a uuid has 16 bytes")
    return lambda array: fixed(16, (Values("V16", values_of(array, "V16")),), null_mask(array))


def _factor(source: Any) -> int:
    if source.unit not in MICROSECONDS:
        raise NoEncoding(f"it counts in {source.unit}, the column in microseconds")
    return MICROSECONDS[source.unit]


def _step(target: SqlType) -> int:
    """The resolution in microseconds of `timestamp(3)` and its like."""
    return 10 ** (6 - target.args[0]) if target.args else 1


def _check_step(microseconds: Integers, step: int, target: SqlType) -> None:
    """The server would round to the column's precision without a word."""
    if step > 1:
        refuse(microseconds % step != 0, f"finer than {target} stores")
