"""Kernels between text and bool, int, float and decimal.

Strict: an optional sign, digits, for float and decimal a point and an exponent, `nan` and `inf` for float; no blanks, no
separators of thousands, no hexadecimal. pyarrow's parser goes first, being fast; only a column that it refuses, or where it
is laxer than this, is looked at with regular expressions.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from arrowsync.convert.arrays import Column, Converted, Failure, Mask, is_valid, mask_of, numbers, refuse, text_bytes
from arrowsync.convert.numbers import WIDER_HINT, int_range, out_of_range
from arrowsync.declare.spec import ColumnSpec

INT_TEXT = r"^[+-]?[0-9]+$"
NUMBER_TEXT = r"^(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?(?:[eE](?P<exponent>[+-]?[0-9]+))?$"
FLOAT_TEXT = r"^[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:nan|inf|infinity))$"

NUMBER_HINT = "numbers are written like -12.5 or 1e6, without blanks or separators of thousands"


def _spellings(*words: str) -> list[str]:
    """Each word in every mixture of upper and lower case."""
    found = [""]
    spelled: list[str] = []
    for word in words:
        found = [""]
        for letter in word:
            found = [start + form for start in found for form in (letter, letter.upper())]
        spelled += found
    return spelled


_TRUE = _spellings("true", "t")
_BOOL_TEXT = pa.array(_TRUE + _spellings("false", "f"))


def text_to_bool(values: Column, column: ColumnSpec) -> Converted:
    spelled = pc.index_in(values, value_set=_BOOL_TEXT)
    bad = is_valid(values) & ~is_valid(spelled)
    result = pc.less(spelled, pa.scalar(len(_TRUE), pa.int32()))
    # Unknown text has no index, so it is NULL in the result already.
    return refuse(result, Failure(bad, "neither true nor false", "write true or false (or t or f)"))


def text_to_int(values: Column, column: ColumnSpec) -> Converted:
    try:
        parsed = values.cast(column.type)
    except pa.ArrowInvalid:
        pass
    else:
        data = text_bytes(values)
        # pyarrow also reads hexadecimal: no byte above "9" means no "x".
        if not len(data) or data.max() <= ord("9"):
            return Converted(parsed)
    return refuse(values, _mismatch(values, INT_TEXT, "an integer")).then(lambda v: _digits_to_int(v, column))


def _digits_to_int(values: Column, column: ColumnSpec) -> Converted:
    low, high = int_range(column.type)
    digits = pc.replace_substring_regex(values, r"^\+?(-?)0*([0-9]+)$", r"\1\2")
    long = mask_of(pc.greater(pc.binary_length(digits), pa.scalar(21)))
    checked = refuse(digits, out_of_range(long, column.type))
    wide = checked.values.cast(pa.decimal128(38, 0))
    outside = mask_of(pc.less(wide, pa.scalar(low).cast(pa.decimal128(20, 0)))) | mask_of(
        pc.greater(wide, pa.scalar(high, pa.uint64()).cast(pa.decimal128(20, 0)))
    )
    if (long | outside).any():
        checked = refuse(digits, out_of_range(long | outside, column.type))
    return Converted(checked.values.cast(column.type), checked.failures)


def _mismatch(values: Column, pattern: str, what: str) -> Failure:
    bad = is_valid(values) & ~mask_of(pc.match_substring_regex(values, pattern))
    return Failure(bad, f"not {what}", NUMBER_HINT)


def text_to_float(values: Column, column: ColumnSpec) -> Converted:
    try:
        parsed = values.cast(column.type)
    except pa.ArrowInvalid:
        checked = refuse(values, _mismatch(values, FLOAT_TEXT, "a number"))
        return checked.then(lambda v: _within_float(v, v.cast(column.type)))
    return _within_float(values, parsed)


def _within_float(values: Column, parsed: Column) -> Converted:
    """Refuse text that became inf, nan or 0 without saying so: too large, too small, or `nan(...)`."""
    view = numbers(parsed)
    odd = (~np.isfinite(view) | (view == 0)) & is_valid(parsed)
    rows = np.flatnonzero(odd)
    if not len(rows):
        return Converted(parsed)
    text = values.take(pa.array(rows))
    plain = mask_of(pc.match_substring_regex(text, r"^[+-]?(?i:nan|inf|infinity|[0.]+(?:e[+-]?[0-9]+)?)$"))
    lax = mask_of(pc.match_substring(text, "("))
    return refuse(
        parsed,
        Failure(_scatter(rows, lax, len(values)), "not a number", NUMBER_HINT),
        out_of_range(_scatter(rows, ~plain & ~lax, len(values)), parsed.type),
    )


def _scatter(rows: np.ndarray[tuple[int], np.dtype[np.intp]], flags: Mask, length: int) -> Mask:
    mask = np.zeros(length, np.bool_)
    mask[rows[flags]] = True
    return mask


def too_large(mask: Mask, target: pa.Decimal128Type | pa.Decimal256Type) -> Failure:
    return Failure(mask, f"out of range for decimal({target.precision}, {target.scale})", WIDER_HINT)


def too_fine(mask: Mask, target: pa.Decimal128Type | pa.Decimal256Type) -> Failure:
    reason = f"not exact with {target.scale} decimal places"
    return Failure(mask, reason, "declare a larger scale with Precision(p, s), or round the values")


def text_to_decimal(values: Column, column: ColumnSpec) -> Converted:
    try:
        return Converted(values.cast(column.type))
    except pa.ArrowInvalid:
        return _parse_decimals(values, column)


def _parse_decimals(values: Column, column: ColumnSpec) -> Converted:
    """The slow and complete parser: each number as its significant digits times a power of ten."""
    target = column.type
    assert isinstance(target, pa.Decimal128Type | pa.Decimal256Type)
    parts = pc.extract_regex(values, NUMBER_TEXT)
    sign, whole, fraction, power = (parts.field(name).fill_null("") for name in ("sign", "whole", "fraction", "exponent"))
    written = pc.binary_join_element_wise(whole, fraction, "")
    syntax = is_valid(values) & (_lengths(written) == 0)
    from_first = pc.utf8_ltrim(written, characters="0")
    digits = pc.utf8_rtrim(from_first, characters="0")
    exponent = _exponents(power) - _lengths(fraction) + _lengths(from_first) - _lengths(digits)
    zero = _lengths(digits) == 0
    large = ~zero & (_lengths(digits) + exponent > target.precision - target.scale)
    fine = ~zero & ~large & (-exponent > target.scale)
    # Any zero is "0", whatever its exponent: pyarrow refuses "0e50".
    canonical = pc.if_else(
        pa.array(zero),
        pa.scalar("0"),
        pc.binary_join_element_wise(sign, digits, "e", pa.array(exponent).cast(pa.string()), ""),
    )
    canonical = pc.if_else(values.is_valid(), canonical, pa.scalar(None, pa.string()))
    return refuse(
        canonical,
        Failure(syntax, "not a number", NUMBER_HINT),
        too_large(large, target),
        too_fine(fine, target),
    ).then(lambda v: Converted(v.cast(target)))


def _lengths(values: Column) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return numbers(pc.binary_length(values)).astype(np.int64)


def _exponents(power: Column) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The exponents as int64; one of more than 11 digits, which no length of text could make up for, is cut to 11."""
    plain = pc.replace_substring_regex(power, r"^\+?(-?)0*([0-9]{1,11})[0-9]*$", r"\1\2")
    return numbers(pc.if_else(pc.equal(plain, ""), "0", plain).cast(pa.int64()))


def number_to_text(values: Column, column: ColumnSpec) -> Converted:
    """The canonical text of a bool, int or float: `true`, `-12`, the shortest text that reads back as the same float."""
    return Converted(values.cast(pa.string()))


def decimal_to_text(values: Column, column: ColumnSpec) -> Converted:
    """The decimal with all the digits of its scale, never with an exponent."""
    own = values.type
    assert isinstance(own, pa.Decimal128Type | pa.Decimal256Type)
    if own.scale < 0:
        wide = values.cast(pa.decimal256(76, own.scale)).cast(pa.decimal256(76, 0))
        return Converted(wide.cast(pa.string()))
    text = values.cast(pa.string())
    scientific = mask_of(pc.match_substring(text, "E"))
    if not scientific.any():
        return Converted(text)
    # pyarrow writes 0.0000001 as 1E-7. The same bits at scale 0 print as all the digits, which only lack the point.
    whole = pa.decimal128(own.precision, 0) if own.byte_width == 16 else pa.decimal256(own.precision, 0)
    digits = pc.utf8_ltrim(values.view(whole).cast(pa.string()), characters="-")
    padded = pc.utf8_lpad(digits, own.scale + 1, "0")
    plain = pc.replace_substring_regex(padded, f"([0-9]{{{own.scale}}})$", r".\1")
    sign = pc.if_else(pc.less(values, pa.scalar(0)), "-", "")
    return Converted(pc.if_else(pa.array(scientific), pc.binary_join_element_wise(sign, plain, ""), text))
