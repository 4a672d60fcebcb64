"""Kernels between decimal, int and float: rescaled only where no digit is lost, rounded only for `round=True`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa

from arrowsync.convert.arrays import (
    Column,
    Converted,
    DecimalType,
    Failure,
    Mask,
    Numbers,
    any_of,
    blank,
    bounds,
    build,
    compute,
    decimal_type,
    decimal_words,
    is_valid,
    mask_of,
    numbers,
    refuse,
    scatter,
    take,
    with_scale,
)
from arrowsync.convert.kernels.numbers import NAN_HINT, int_range, out_of_range, text_to_decimal, too_fine, too_large
from arrowsync.declare.spec import ColumnSpec

# Up to 15 digits, each decimal is one float64 and no other decimal of 15 digits is: IEEE 754 double, DBL_DIG.
FLOAT_DIGITS = 15
# Powers of ten up to 10**22 are exact in a float64, so that one division by one is correctly rounded (Clinger 1990).
EXACT_POWER = 22


def decimal_to_decimal(values: Column, column: ColumnSpec) -> Converted:
    """Rescale the number to the scale of the column."""
    own, target = decimal_type(values.type), decimal_type(column.type)
    # pyarrow's "safe" cast to a larger scale wraps around at 128 and 256 bits (seen in 26.0.1). It is left to itself only
    # where every number of the source type has room in the target.
    roomy = own.precision - own.scale <= target.precision - target.scale
    if (roomy or target.scale <= own.scale) and _within_precision(values):
        try:
            return Converted(values.cast(target))
        except pa.ArrowInvalid:
            pass
    wide = values.cast(pa.decimal256(76, own.scale))
    large = _at_least(compute.abs(wide), target.precision - target.scale)
    fine = np.zeros(len(values), np.bool_)
    if target.scale < own.scale:
        rounded = compute.round(wide, ndigits=target.scale, round_mode="towards_zero")
        fine = mask_of(compute.not_equal(rounded, wide)) & ~large
    return refuse(values, too_large(large, target), too_fine(fine, target)).then(lambda v: Converted(v.cast(target)))


def _within_precision(values: Column) -> bool:
    """True if the numbers have no more digits than their type: nothing checks what comes through the C data interface."""
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _at_least(magnitude: Column, exponent: int) -> Mask:
    """True where a decimal256(76, s) is 10**exponent or more."""
    scale = decimal_type(magnitude.type).scale
    if exponent + scale >= 76:
        return np.zeros(len(magnitude), np.bool_)
    if exponent + scale < 0:
        return mask_of(compute.not_equal(magnitude, pa.scalar(Decimal(0), magnitude.type)))
    return mask_of(compute.greater_equal(magnitude, pa.scalar(Decimal((0, (1,), exponent)), magnitude.type)))


def int_to_decimal(values: Column, column: ColumnSpec) -> Converted:
    """The ints, with zeros after the point."""
    target = decimal_type(column.type)
    greatest = max(map(abs, bounds(values)))
    if greatest < 10 ** max(target.precision - target.scale, 0):
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
    """The ints that the decimals are."""
    own = decimal_type(values.type)
    try:
        return Converted(values.cast(column.type))
    except pa.ArrowInvalid:
        pass
    wide = values.cast(pa.decimal256(76, own.scale))
    whole = compute.round(wide, ndigits=0, round_mode="towards_zero")
    fraction = mask_of(compute.not_equal(whole, wide))
    low, high = int_range(column.type)
    outside = np.zeros(len(values), np.bool_)
    for bound, beyond in ((low, compute.less), (high, compute.greater)):
        # A bound with more digits than decimal256 has room for can't be exceeded either.
        if len(str(abs(bound))) + own.scale <= 76:
            outside |= mask_of(beyond(wide, pa.scalar(Decimal(bound), wide.type)))
    return refuse(
        values,
        Failure(fraction, "not a whole number", "declare Decimal, or round the values"),
        out_of_range(outside & ~fraction, column.type),
    ).then(lambda v: Converted(v.cast(column.type)))


def float_to_decimal(values: Column, column: ColumnSpec) -> Converted:
    """The decimals that the floats print as."""
    target = decimal_type(column.type)
    if values.type == pa.float64() and target.scale <= EXACT_POWER:
        given = numbers(values)
        power = float(10**target.scale)
        digits = min(FLOAT_DIGITS, target.precision)
        with np.errstate(invalid="ignore", over="ignore"):
            unscaled = np.rint(given * power)
            # The float is the one nearest to these digits, and they are few enough to be what it prints as.
            exact = (unscaled / power == given) & (np.abs(unscaled) < 10**digits)
        if bool(exact.all()):
            return Converted(_from_unscaled(unscaled.astype(np.int64), values, target))
    finite = mask_of(compute.is_finite(values)) | ~is_valid(values)
    return refuse(values, Failure(~finite, "not a finite number", NAN_HINT)).then(
        lambda v: text_to_decimal(v.cast(pa.string()), column)
    )


def decimal_to_float(values: Column, column: ColumnSpec) -> Converted:
    """The floats that print as the decimals."""
    own = decimal_type(values.type)
    if column.type == pa.float64() and own.scale <= EXACT_POWER:
        unscaled = _unscaled(values)
        if unscaled is not None and bool(((unscaled < 10**FLOAT_DIGITS) & (unscaled > -(10**FLOAT_DIGITS))).all()):
            return Converted(build(unscaled / float(10**own.scale), values, column.type))
    near = values.cast(pa.string()).cast(column.type)
    # Overflow gives inf, which is not a decimal: the way back refuses it like any other that prints as something else.
    back = text_to_decimal(near.cast(pa.string()), replace(column, type=own))
    bad = any_of(back.failures, len(values)) | mask_of(compute.not_equal(back.values, values))
    failure = Failure(bad, f"not exactly representable as {column.type}", "declare Decimal")
    return Converted(blank(near, bad), (failure,)) if bad.any() else Converted(near)


def decimal_to_text(values: Column, column: ColumnSpec) -> Converted:
    """The decimal with all the digits of its scale, never with an exponent."""
    own = decimal_type(values.type)
    text = values.cast(pa.string())
    scientific = mask_of(compute.match_substring(text, "E"))
    if not scientific.any():
        return Converted(text)
    # pyarrow writes 0.0000001 as 1E-7. The same bits at scale 0 print as all the digits, which only lack the point.
    digits = compute.utf8_ltrim(values.view(with_scale(own, 0)).cast(pa.string()), characters="-")
    padded = compute.utf8_lpad(digits, own.scale + 1, "0")
    plain = compute.replace_substring_regex(padded, f"([0-9]{{{own.scale}}})$", r".\1")
    sign = compute.if_else(compute.less(values, pa.scalar(Decimal(0), own)), "-", "")
    return Converted(compute.if_else(pa.array(scientific), compute.binary_join_element_wise(sign, plain, ""), text))


Rule: TypeAlias = Callable[[Column, ColumnSpec], Converted]

WIDEST = 76


def round_decimal(values: Column, column: ColumnSpec) -> Converted:
    """The decimals with as many decimal places as the column has."""
    return _round(values, column, decimal_to_decimal)


def round_text(values: Column, column: ColumnSpec) -> Converted:
    """The numbers that the text says, rounded."""
    return _round(values, column, text_to_decimal)


def round_float(values: Column, column: ColumnSpec) -> Converted:
    """The numbers that the floats print as, rounded."""
    return _round(values, column, _float_to_decimal)


def _float_to_decimal(values: Column, column: ColumnSpec) -> Converted:
    """Convert without rounding, but a number far below the last place of any column is 0."""
    return float_to_decimal(compute.if_else(compute.less(compute.abs(values), 1e-40), 0.0, values), column)


def _round(values: Column, column: ColumnSpec, rule: Rule) -> Converted:
    """Convert by `rule`; a number that it refuses only for its decimal places is rounded."""
    target = decimal_type(column.type)
    outcome = rule(values, column)
    wanted = too_fine(np.zeros(0, np.bool_), target).reason
    fine = next((failure for failure in outcome.failures if failure.reason == wanted), None)
    if fine is None or not fine.mask.any():
        return outcome
    rows = np.flatnonzero(fine.mask)
    rounded = rule(take(values, rows), finer(column)).then(
        lambda v: decimal_to_decimal(_rounded(v, target.scale), column)
    )
    failures = [replace(failure, mask=scatter(rows, failure.mask, len(values))) for failure in rounded.failures]
    kept = [failure for failure in outcome.failures if failure is not fine]
    return Converted(compute.replace_with_mask(outcome.values, pa.array(fine.mask), rounded.values), (*kept, *failures))


def finer(column: ColumnSpec) -> ColumnSpec:
    """A column whose decimals, in lists and structs too, have all the decimal places that there is room for."""
    return replace(column, type=_finer(column.type))


def _finer(kind: Any) -> pa.DataType:
    if pa.types.is_decimal(kind):
        return pa.decimal256(WIDEST, max(WIDEST - 1 - (kind.precision - kind.scale), kind.scale))
    if pa.types.is_list(kind):
        return pa.list_(_finer(kind.value_type))
    if pa.types.is_struct(kind):
        members: list[Any] = [cast("Any", kind).field(number) for number in range(kind.num_fields)]
        return pa.struct([member.with_type(_finer(member.type)) for member in members])
    return cast("pa.DataType", kind)


def _rounded(values: Column, places: int) -> Column:
    rounded: Column = compute.round(values, ndigits=places, round_mode="half_towards_infinity")
    return rounded
