"""Kernels among bool, int and float: a number arrives as the same number, or it is refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from arrowsync.convert.arrays import (
    Column,
    Converted,
    Failure,
    Mask,
    bounds,
    build,
    is_valid,
    numbers,
    numpy_type,
    refuse,
)
from arrowsync.declare.spec import ColumnSpec

NAN_HINT = "NaN is a number, not NULL: make it NULL first (polars: fill_nan(None); pandas: convert_dtypes())"
WIDER_HINT = "declare a wider type, or fix the values"


def keep(values: Column, column: ColumnSpec) -> Converted:
    """The kernel of two families whose values are the same bits."""
    return Converted(values)


def widen(values: Column, column: ColumnSpec) -> Converted:
    """The kernel where every value of the source type has a place in the target type."""
    return Converted(values.cast(column.type))


def int_range(kind: pa.DataType) -> tuple[int, int]:
    """The least and the greatest value of an integer type."""
    if pa.types.is_signed_integer(kind):
        return -(1 << (kind.bit_width - 1)), (1 << (kind.bit_width - 1)) - 1
    return 0, (1 << kind.bit_width) - 1


def out_of_range(mask: Mask, kind: pa.DataType) -> Failure:
    """The failure of numbers that are too large, or too small, for a type."""
    return Failure(mask, f"out of range for {kind}", WIDER_HINT)


def int_to_int(values: Column, column: ColumnSpec) -> Converted:
    """Ints that are in the range of the type."""
    if values.type == column.type:
        return Converted(values)
    low, high = int_range(column.type)
    own_low, own_high = int_range(values.type)
    if low <= own_low and own_high <= high:
        return Converted(values.cast(column.type))
    least, greatest = bounds(values)
    if low <= least and greatest <= high:
        return Converted(values.cast(column.type))
    return refuse(values, out_of_range(outside(values, low, high), column.type)).then(lambda v: widen(v, column))


def outside(values: Column, low: int, high: int) -> Mask:
    """True where an int is below `low` or above `high`, which may lie outside of its own type."""
    own_low, own_high = int_range(values.type)
    view = numbers(values)
    # Zero stands under a NULL, and may itself be outside.
    return ((view < max(low, own_low)) | (view > min(high, own_high))) & is_valid(values)


def int_to_float(values: Column, column: ColumnSpec) -> Converted:
    """Floats that are exactly the ints."""
    limit = 1 << (24 if column.type == pa.float32() else 53)
    least, greatest = bounds(values)
    if -limit <= least and greatest <= limit:
        return Converted(values.cast(column.type, safe=False))
    exact = numbers(values)
    near = exact.astype(np.float64)
    # 2**63 and 2**64 are what the greatest ints round up to, and don't go back: replaced before the way back.
    above = near >= float(int_range(values.type)[1] + 1)
    bad = above | (np.where(above, 0.0, near).astype(exact.dtype) != exact)
    if column.type == pa.float32():
        bad |= near.astype(np.float32) != near
    failure = Failure(bad, f"not exactly representable as {column.type}", "declare a decimal or an integer type")
    return refuse(values, failure).then(lambda v: Converted(v.cast(column.type, safe=False)))


def int_to_bool(values: Column, column: ColumnSpec) -> Converted:
    """False for 0 and True for 1."""
    least, greatest = bounds(values)
    if least >= 0 and greatest <= 1:
        return Converted(values.cast(pa.bool_()))
    failure = Failure(outside(values, 0, 1), "neither 0 nor 1", "compare it with something, or declare int")
    return refuse(values, failure).then(lambda v: Converted(v.cast(pa.bool_())))


def float_to_int(values: Column, column: ColumnSpec) -> Converted:
    """The ints that the floats are."""
    low, high = int_range(column.type)
    given = numbers(values)
    # The bounds as floats are powers of two, thus exact; high itself may not be.
    inside = (given >= float(low)) & (given < float(high + 1))
    whole = np.where(inside, given, 0).astype(numpy_type(column.type))
    if inside.all() and bool((whole == given).all()):
        return Converted(build(whole, values, column.type))
    finite = np.isfinite(given)
    integral = finite & (given == np.trunc(given))
    return refuse(
        build(whole, values, column.type),
        Failure(~finite, "not a finite number", NAN_HINT),
        Failure(finite & ~integral, "not a whole number", "declare float or Decimal, or round the values"),
        out_of_range(integral & ~inside, column.type),
    )


def float_to_float(values: Column, column: ColumnSpec) -> Converted:
    """The same floats, narrowed only where no bit is lost; NaN and infinity stay what they are."""
    if column.type == values.type:
        return Converted(values)
    if column.type == pa.float64():
        return Converted(values.cast(column.type))
    given = numbers(values)
    with np.errstate(over="ignore", under="ignore"):
        near = given.astype(np.float32)
    bad = (near != given) & ~np.isnan(given)
    failure = Failure(bad, "not exactly representable as float", "declare float64, or round the values to float32")
    return refuse(build(near, values, column.type), failure)
