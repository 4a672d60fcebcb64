"""Kernels between decimal, int and float: rescaled only where no digit is lost.

A float is taken for the number that it prints as (1.1 is 1.1, not 1.100000000000000088817841970012523): its shortest text
that reads back as the same float. By the same rule a decimal becomes a float only if that float prints as the decimal.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from arrowsync.convert.arrays import (
    Column,
    Converted,
    Failure,
    Mask,
    Numbers,
    any_of,
    blank,
    bounds,
    build,
    decimal_words,
    is_valid,
    mask_of,
    numbers,
    refuse,
)
from arrowsync.convert.numbers import NAN_HINT, int_range, out_of_range
from arrowsync.convert.numbertext import text_to_decimal, too_fine, too_large
from arrowsync.declare.spec import ColumnSpec

DecimalType = pa.Decimal128Type | pa.Decimal256Type

# Up to 15 digits, each decimal is one float64 and no other decimal of 15 digits is: IEEE 754 double, DBL_DIG.
FLOAT_DIGITS = 15
# Powers of ten up to 10**22 are exact in a float64, so that one division by one is correctly rounded (Clinger 1990).
EXACT_POWER = 22


def decimal_type(kind: pa.DataType) -> DecimalType:
    assert isinstance(kind, DecimalType)
    return kind


def power_of_ten(exponent: int) -> Decimal:
    return Decimal((0, (1,), exponent))


def decimal_to_decimal(values: Column, column: ColumnSpec) -> Converted:
    own, target = decimal_type(values.type), decimal_type(column.type)
    if own == target:
        # Not even the own precision is sure: nothing checks the bytes that came through the C data interface.
        found = bounds(values)
        limit = power_of_ten(target.precision - target.scale)
        if found is None or (-limit < found[0] and found[1] < limit):
            return Converted(values)
    else:
        try:
            return Converted(values.cast(target))
        except pa.ArrowInvalid:
            pass
    wide = values.cast(pa.decimal256(76, own.scale))
    large = _at_least(pc.abs(wide), target.precision - target.scale)
    fine = np.zeros(len(values), np.bool_)
    if target.scale < own.scale:
        rounded = pc.round(wide, ndigits=target.scale, round_mode="towards_zero")
        fine = mask_of(pc.not_equal(rounded, wide)) & ~large
    return refuse(values, too_large(large, target), too_fine(fine, target)).then(lambda v: Converted(v.cast(target)))


def _at_least(magnitude: Column, exponent: int) -> Mask:
    """True where a decimal256(76, s) is 10**exponent or more."""
    scale = decimal_type(magnitude.type).scale
    if exponent + scale >= 76:
        return np.zeros(len(magnitude), np.bool_)
    if exponent + scale < 0:
        return mask_of(pc.not_equal(magnitude, pa.scalar(Decimal(0), magnitude.type)))
    return mask_of(pc.greater_equal(magnitude, pa.scalar(power_of_ten(exponent), magnitude.type)))


def int_to_decimal(values: Column, column: ColumnSpec) -> Converted:
    target = decimal_type(column.type)
    found = bounds(values)
    if found is None:
        return Converted(pa.nulls(len(values), target))
    greatest = max(abs(found[0]), abs(found[1]))
    if target.scale >= 0 and greatest < 10 ** max(target.precision - target.scale, 0):
        factor = 10**target.scale
        if factor < 1 << 63 and greatest * factor < 1 << 63:
            return Converted(_from_unscaled(numbers(values).astype(np.int64) * factor, values, target))
    return decimal_to_decimal(values.cast(pa.decimal128(20, 0)), column)


def _from_unscaled(unscaled: Numbers, like: Column, target: DecimalType) -> Column:
    """A decimal array from its int64 digits without the point, NULL where `like` is."""
    words = np.empty((len(unscaled), target.byte_width // 8), np.int64)
    words[:, 0] = unscaled
    words[:, 1:] = (unscaled >> 63)[:, None]
    return build(words, like, target)


def _unscaled(values: Column) -> Numbers | None:
    """A decimal array as its int64 digits without the point, or None where one doesn't fit."""
    words = decimal_words(values)
    low = words[:, 0]
    return low if bool((words[:, 1:] == (low >> 63)[:, None]).all()) else None


def decimal_to_int(values: Column, column: ColumnSpec) -> Converted:
    try:
        return Converted(values.cast(column.type))
    except pa.ArrowInvalid:
        own = decimal_type(values.type)
    wide = values.cast(pa.decimal256(76, own.scale))
    whole = pc.round(wide, ndigits=0, round_mode="towards_zero") if own.scale > 0 else wide
    fraction = mask_of(pc.not_equal(whole, wide))
    low, high = int_range(column.type)
    outside = np.zeros(len(values), np.bool_)
    for bound, beyond in ((low, pc.less), (high, pc.greater)):
        # A bound with more digits than decimal256 has room for can't be exceeded either.
        if len(str(abs(bound))) + own.scale <= 76:
            outside |= mask_of(beyond(wide, pa.scalar(Decimal(bound), wide.type)))
    return refuse(
        values,
        Failure(fraction, "not a whole number", "declare Decimal, or round the values"),
        out_of_range(outside & ~fraction, column.type),
    ).then(lambda v: Converted(v.cast(column.type)))


def float_to_decimal(values: Column, column: ColumnSpec) -> Converted:
    target = decimal_type(column.type)
    if values.type == pa.float64() and 0 <= target.scale <= EXACT_POWER:
        given = numbers(values)
        power = float(10**target.scale)
        digits = min(FLOAT_DIGITS, target.precision)
        with np.errstate(invalid="ignore", over="ignore"):
            unscaled = np.rint(given * power)
            # The float is the one nearest to these digits, and they are few enough to be what it prints as.
            exact = (unscaled / power == given) & (np.abs(unscaled) < 10**digits)
        if bool(exact.all()):
            return Converted(_from_unscaled(unscaled.astype(np.int64), values, target))
    finite = mask_of(pc.is_finite(values)) | ~is_valid(values)
    return refuse(values, Failure(~finite, "not a finite number", NAN_HINT)).then(
        lambda v: text_to_decimal(v.cast(pa.string()), column)
    )


def decimal_to_float(values: Column, column: ColumnSpec) -> Converted:
    own = decimal_type(values.type)
    if column.type == pa.float64() and 0 <= own.scale <= EXACT_POWER:
        unscaled = _unscaled(values)
        if unscaled is not None and (not len(unscaled) or _digits_fit(unscaled)):
            return Converted(build(unscaled / float(10**own.scale), values, column.type))
    near = values.cast(pa.string()).cast(column.type)
    # Overflow gives inf, which is not a decimal: the way back refuses it like any other that prints as something else.
    back = text_to_decimal(near.cast(pa.string()), replace(column, type=own))
    bad = any_of(back.failures, len(values)) | mask_of(pc.not_equal(back.values, values))
    failure = Failure(bad, f"not exactly representable as {column.type}", "declare Decimal")
    return Converted(blank(near, bad), (failure,)) if bad.any() else Converted(near)


def _digits_fit(unscaled: Numbers) -> bool:
    return -(10**FLOAT_DIGITS) < int(unscaled.min()) and int(unscaled.max()) < 10**FLOAT_DIGITS

