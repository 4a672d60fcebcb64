"""Kernels between text and durations: `49:00:00.5`, what PostgreSQL prints, `1 day 02:03:04.5`, and ISO 8601, `P1DT2H`.

Years and months have no fixed length, so text with them is refused; a day has 24 hours, as it has in Python.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import numpy as np
import pyarrow as pa

from arrowsync.convert.arrays import (
    Column,
    Complaint,
    Converted,
    compute,
    is_valid,
    mask_of,
    numbers,
    refuse,
)
from arrowsync.convert.temporal import FINER, TOO_LONG, counts, per_second
from arrowsync.declare.spec import ColumnSpec

_COUNT = "[0-9]{1,18}"
_ISO = (
    rf"(?P<sign>-)?P(?:(?P<weeks>[+-]?{_COUNT})W)?(?:(?P<days>[+-]?{_COUNT})D)?(?:T(?:(?P<hours>[+-]?{_COUNT})H)?"
    rf"(?:(?P<minutes>[+-]?{_COUNT})M)?(?:(?P<second_sign>[+-])?(?P<seconds>{_COUNT})(?:\.(?P<fraction>[0-9]+))?S)?)?"
)
_CLOCK = (
    rf"(?:(?P<clock_days>[+-]?{_COUNT}) days?)?(?: |\b|^)(?:(?P<clock_sign>[+-])?(?P<clock_hours>{_COUNT})"
    r":(?P<clock_minutes>[0-5][0-9]):(?P<clock_seconds>[0-5][0-9])(?:\.(?P<clock_fraction>[0-9]+))?)?"
)
_PATTERN = f"^(?:{_ISO}|{_CLOCK})$"
_SAYS_SOMETHING = "[0-9](?:[WDHMS]?| days?)$"  # the pattern alone would take "P", "P1DT" and " "

# The fields that say how much, that with the sign which isn't a part of them, and how many microseconds one is.
_TERMS = (
    ("weeks", None, 604_800_000_000),
    ("days", None, 86_400_000_000),
    ("hours", None, 3_600_000_000),
    ("minutes", None, 60_000_000),
    ("seconds", "second_sign", 1_000_000),
    ("clock_days", None, 86_400_000_000),
    ("clock_hours", "clock_sign", 3_600_000_000),
    ("clock_minutes", "clock_sign", 60_000_000),
    ("clock_seconds", "clock_sign", 1_000_000),
)
_FRACTIONS = (("fraction", "second_sign"), ("clock_fraction", "clock_sign"))
_TOTAL = pa.decimal128(37, 0)  # a count of 18 digits times a unit of 13, nine times, with one digit to spare for a sum

NOT_A_DURATION = Complaint(
    "not a duration like 49:00:00.5", "write hours, minutes and seconds, or ISO 8601; months have no fixed length"
)


def text_to_duration(values: Column, column: ColumnSpec) -> Converted:
    """The span that the text says."""
    found: Any = compute.extract_regex(values, _PATTERN)
    matched = is_valid(found) & mask_of(compute.match_substring_regex(values, _SAYS_SOMETHING))
    fields: dict[str, Column] = {f.name: found.field(i).fill_null("") for i, f in enumerate(found.type)}
    total: Column = compute.if_else(values.is_valid(), pa.scalar(Decimal(0), _TOTAL), pa.scalar(None, _TOTAL))
    for name, sign, micros in _TERMS:
        unit = pa.scalar(Decimal(micros), pa.decimal128(13, 0))
        total = compute.add(total, compute.multiply(_signed(fields, name, sign), unit)).cast(_TOTAL)
    fine = np.zeros(len(values), np.bool_)
    for name, sign in _FRACTIONS:
        digits = compute.utf8_rtrim(fields[name], characters="0")
        fine |= numbers(compute.binary_length(digits)) > 6
        fields[name] = compute.utf8_slice_codeunits(compute.utf8_rpad(digits, 6, "0"), 0, 6)
        total = compute.add(total, _signed(fields, name, sign)).cast(_TOTAL)
    total = compute.if_else(compute.equal(fields["sign"], "-"), compute.negate(total), total)
    least, most = (pa.scalar(Decimal(limit), _TOTAL) for limit in (-(1 << 63), (1 << 63) - 1))
    beyond = mask_of(compute.less(total, least)) | mask_of(compute.greater(total, most))
    return refuse(
        total,
        NOT_A_DURATION.at(is_valid(values) & ~matched),
        FINER.at(matched & fine),
        TOO_LONG.at(matched & beyond),
    ).then(lambda v: Converted(v.cast(pa.int64()).view(column.type)))


def _signed(fields: dict[str, Column], name: str, sign: str | None) -> Column:
    """The number that a field says, zero where it is empty."""
    digits = compute.if_else(compute.equal(fields[name], ""), "0", fields[name])
    text = digits if sign is None else compute.binary_join_element_wise(fields[sign], digits, "")
    return cast("Column", text.cast(pa.decimal128(18, 0)))


def duration_to_text(values: Column, column: ColumnSpec) -> Converted:
    """`49:00:00.5`, hours, minutes and seconds: PostgreSQL and DuckDB read it exactly, of ISO 8601 they round long ones."""
    per = per_second(values)
    given = numbers(counts(values))
    # The absolute value of the least int64 is no int64, but it is a uint64.
    size = np.where(given < 0, ~given.view(np.uint64) + np.uint64(1), given.view(np.uint64))
    whole, part = np.divmod(size, np.uint64(per))
    sign = pa.array(np.where(given < 0, "-", ""), pa.string())
    fields = (whole // 3600, whole // 60 % 60, whole % 60)
    clock = [compute.utf8_lpad(pa.array(each).cast(pa.string()), 2, "0") for each in fields]
    text = compute.binary_join_element_wise(*clock, ":")
    if part.any():
        digits = compute.utf8_lpad(pa.array(part).cast(pa.string()), len(str(per)) - 1, "0")
        fraction = compute.binary_join_element_wise(".", compute.utf8_rtrim(digits, characters="0"), "")
        text = compute.binary_join_element_wise(text, compute.if_else(pa.array(part == 0), "", fraction), "")
    spelled = compute.binary_join_element_wise(sign, text, "")
    return Converted(compute.if_else(values.is_valid(), spelled, pa.scalar(None, pa.string())))
