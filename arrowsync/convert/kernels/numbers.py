"""Kernels among bool, int, float and text: a number arrives as the same number, or it is refused."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa

from arrowsync.convert.arrays import (
    Column,
    Converted,
    DecimalType,
    Failure,
    Mask,
    bounds,
    build,
    compute,
    decimal_type,
    is_valid,
    mask_of,
    numbers,
    numpy_type,
    refuse,
    scatter,
    take,
    text_bytes,
    text_offsets,
    try_cast,
    with_scale,
)
from arrowsync.declare.spec import ColumnSpec

NAN_HINT = (
    "NaN is a number, not NULL: make it NULL first (polars: fill_nan(None); pandas: load the frame itself, or the records of "
    "df.astype(object).where(df.notna(), None))"
)
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
    """Narrow floats only if no bit is lost; NaN and infinity are kept."""
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


INT_TEXT = r"^[+-]?[0-9]+$"
NUMBER_TEXT = r"^(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?(?:[eE](?P<exponent>[+-]?[0-9]+))?$"
FLOAT_TEXT = r"^[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:nan|inf|infinity))$"

INT_HINT = "integers are written like -12, without a point, exponent, blanks or separators of thousands"
NUMBER_HINT = "numbers are written like -12.5 or 1e6, without blanks or separators of thousands"


def _spellings(*words: str) -> list[str]:
    """Each word in every mixture of upper and lower case."""
    spelled: list[str] = []
    for word in words:
        found = [""]
        for letter in word:
            found = [start + form for start in found for form in (letter, letter.upper())]
        spelled += found
    return spelled


_TRUE, _FALSE = _spellings("true", "t"), _spellings("false", "f")


def text_to_bool(values: Column, column: ColumnSpec) -> Converted:
    """True for `true` and `t`, False for `false` and `f`, in any case."""
    spelled = compute.index_in(values, value_set=pa.array(_TRUE + _FALSE))
    bad = is_valid(values) & ~is_valid(spelled)
    result = compute.less(spelled, pa.scalar(len(_TRUE), pa.int32()))
    # Unknown text has no index, so it is NULL in the result already.
    return refuse(result, Failure(bad, "neither true nor false", "write true or false (or t or f)"))


def text_to_int(values: Column, column: ColumnSpec) -> Converted:
    """The integer that the text says."""
    data = text_bytes(values)
    # pyarrow also reads hexadecimal: no byte above "9" means no "x".
    if not len(data) or data.max() <= ord("9"):
        parsed = try_cast(values, column.type)
        if parsed is not None:
            return Converted(parsed)
    return refuse(values, _mismatch(values, INT_TEXT, "an integer", INT_HINT)).then(lambda v: _digits_to_int(v, column))


def _digits_to_int(values: Column, column: ColumnSpec) -> Converted:
    low, high = int_range(column.type)
    digits = compute.replace_substring_regex(values, r"^\+?(-?)0*([0-9]+)$", r"\1\2")
    digits = compute.if_else(compute.equal(digits, "-0"), "0", digits)
    # More than 21 digits are outside of any type already, and not all of them fit into the decimal.
    number = compute.utf8_slice_codeunits(digits, 0, 22).cast(pa.decimal128(38, 0))
    below = mask_of(compute.less(number, pa.scalar(Decimal(low), number.type)))
    above = mask_of(compute.greater(number, pa.scalar(Decimal(high), number.type)))
    return refuse(digits, out_of_range(below | above, column.type)).then(lambda v: Converted(v.cast(column.type)))


def _mismatch(values: Column, pattern: str, what: str, hint: str) -> Failure:
    bad = is_valid(values) & ~mask_of(compute.match_substring_regex(values, pattern))
    return Failure(bad, f"not {what}", hint)


def text_to_float(values: Column, column: ColumnSpec) -> Converted:
    """The float nearest to the number that the text says, as any language reads it."""
    parsed = try_cast(values, column.type)
    if parsed is not None:
        return _within_float(values, parsed)
    checked = refuse(values, _mismatch(values, FLOAT_TEXT, "a number", NUMBER_HINT))
    return checked.then(lambda v: _within_float(v, v.cast(column.type)))


def _within_float(values: Column, parsed: Column) -> Converted:
    """Refuse text that became inf, nan or 0 without saying so: too large, too small, or `nan(...)`."""
    view = numbers(parsed)
    odd = (~np.isfinite(view) | (view == 0)) & is_valid(parsed)
    rows = np.flatnonzero(odd)
    if not len(rows):
        return Converted(parsed)
    text = take(values, rows)
    plain = mask_of(compute.match_substring_regex(text, r"^[+-]?(?i:nan|inf|infinity|[0.]+(?:e[+-]?[0-9]+)?)$"))
    lax = mask_of(compute.match_substring(text, "("))
    return refuse(
        parsed,
        Failure(scatter(rows, lax, len(values)), "not a number", NUMBER_HINT),
        out_of_range(scatter(rows, ~plain & ~lax, len(values)), parsed.type),
    )


def too_large(mask: Mask, target: DecimalType) -> Failure:
    """The failure of numbers with too many digits before the point."""
    return Failure(mask, f"out of range for decimal({target.precision}, {target.scale})", WIDER_HINT)


def too_fine(mask: Mask, target: DecimalType) -> Failure:
    """The failure of numbers with too many digits after the point."""
    reason = f"not exact with {target.scale} decimal places"
    return Failure(mask, reason, "declare a larger scale with Precision(p, s), or round the values")


def text_to_decimal(values: Column, column: ColumnSpec) -> Converted:
    """The number that the text says, if the column has room for all its digits."""
    data = text_bytes(values)
    longest = np.diff(text_offsets(values)).max(initial=0)
    target = decimal_type(column.type)
    # pyarrow wraps around where a text times the scale exceeds 128 or 256 bits, and reads past its table of powers for more
    # decimal places than it has entries: 553266 as decimal(37, 37) is 0.8996..., 1e-308 may be 0.000 (seen in 26.0.1). No
    # byte above "9" means no exponent, and so no more digits than bytes.
    room = 38 if target.byte_width == 16 else 76
    if not len(data) or (longest + target.scale <= room and data.max() <= ord("9")):
        parsed = try_cast(values, column.type)
        if parsed is not None:
            return Converted(parsed)
    return _parse_decimals(values, column)


def _parse_decimals(values: Column, column: ColumnSpec) -> Converted:
    """The slow and complete parser: each number as its significant digits times a power of ten."""
    target = decimal_type(column.type)
    parts = compute.extract_regex(values, NUMBER_TEXT)
    sign, whole, fraction, power = (
        parts.field(name).fill_null("") for name in ("sign", "whole", "fraction", "exponent")
    )
    written = compute.binary_join_element_wise(whole, fraction, "")
    syntax = is_valid(values) & (_lengths(written) == 0)
    from_first = compute.utf8_ltrim(written, characters="0")
    digits = compute.utf8_rtrim(from_first, characters="0")
    exponent = _exponents(power) - _lengths(fraction) + _lengths(from_first) - _lengths(digits)
    zero = _lengths(digits) == 0
    zeros = exponent + target.scale
    large = ~zero & (_lengths(digits) + exponent > target.precision - target.scale)
    fine = ~zero & ~large & (-exponent > target.scale)
    # The bits of the decimal as text: its digits without the point, filled up with zeros to the scale of the column.
    filled = compute.binary_repeat("0", pa.array(np.where(zero | large | fine, 0, zeros)))
    unscaled = compute.if_else(pa.array(zero), "0", compute.binary_join_element_wise(sign, digits, filled, ""))
    unscaled = compute.if_else(values.is_valid(), unscaled, pa.scalar(None, pa.string()))
    return refuse(
        unscaled,
        Failure(syntax, "not a number", NUMBER_HINT),
        too_large(large, target),
        too_fine(fine, target),
    ).then(lambda v: Converted(v.cast(with_scale(target, 0)).view(target)))


def _lengths(values: Column) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return numbers(compute.binary_length(values)).astype(np.int64)


def _exponents(power: Column) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The exponents as int64; one of more than 11 digits, which no length of text could make up for, is cut to 11."""
    plain = compute.replace_substring_regex(power, r"^\+?(-?)0*([0-9]{1,11})[0-9]*$", r"\1\2")
    return numbers(compute.if_else(compute.equal(plain, ""), "0", plain).cast(pa.int64()))


def number_to_text(values: Column, column: ColumnSpec) -> Converted:
    """The canonical text of a bool, int or float: `true`, `-12`, the shortest text that reads back as the same float."""
    return Converted(values.cast(pa.string()))


def float_to_text(values: Column, column: ColumnSpec) -> Converted:
    """The canonical text of floats that are finite: NaN in a column of text mostly stands for a text that is missing."""
    failure = Failure(~np.isfinite(numbers(values)), "not a finite number", NAN_HINT)
    return refuse(values, failure).then(lambda v: number_to_text(v, column))
