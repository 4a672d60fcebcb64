"""Kernels between text and date, time, timestamp (RFC 3339) and duration (PostgreSQL's forms and ISO 8601)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import numpy as np
import pyarrow as pa

from arrowsync.convert.arrays import (
    Column,
    Complaint,
    Converted,
    Mask,
    Numbers,
    build,
    compute,
    is_valid,
    mask_of,
    numbers,
    refuse,
    text_bytes,
    text_offsets,
    try_cast,
)
from arrowsync.convert.kernels.temporal import (
    FINER,
    FIRST_MICRO,
    LAST_MICRO,
    MICROS_PER_DAY,
    OUT_OF_RANGE,
    TOO_LONG,
    counts,
    in_calendar,
    in_day,
    per_second,
    timestamp_to_timestamp,
)
from arrowsync.declare.spec import ColumnSpec

_DATE = r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
_OFFSET = r"(?P<zone>Z|(?P<zone_sign>[+-])(?P<zone_hour>[0-9]{2})(?::?(?P<zone_minute>[0-9]{2})(?::(?P<zone_second>[0-9]{2}))?)?)"
DATE_TEXT = f"^{_DATE}$"
TIME_TEXT = f"^{_TIME}Z?$"
TIMESTAMP_TEXT = f"^{_DATE}(?:[T ]{_TIME}{_OFFSET}?)?$"

NOT_A_DATE = Complaint("not a date like 2020-01-31", "write dates as year-month-day (ISO 8601)")
NOT_A_TIME = Complaint("not a time like 10:00:00", "write times as hh:mm:ss or hh:mm:ss.ffffff")
NOT_A_TIMESTAMP = Complaint(
    "not a date and time like 2020-01-31T10:00:00", "write timestamps as in RFC 3339, with seconds"
)
NO_SUCH_DAY = Complaint("not a day of the calendar", "months have 28 to 31 days, years 12 months")
NO_SUCH_TIME = Complaint("not a time of day", "hours end at 23, minutes and seconds at 59, offsets at 23:59")
NO_OFFSET = Complaint(
    "without an offset from UTC",
    "add Z or an offset like +01:00 to the text, or declare datetime without TimeZone",
)


def text_to_date(values: Column, column: ColumnSpec) -> Converted:
    """The day that `2020-01-31` names."""
    parsed = try_cast(values, pa.date32())
    if parsed is not None:
        return in_calendar(parsed)
    parts = _Digits(values, DATE_TEXT)
    days, impossible = parts.days()
    return refuse(
        build(days.astype(np.int32), values, pa.date32()),
        NOT_A_DATE.at(parts.mismatch),
        NO_SUCH_DAY.at(impossible),
    ).then(in_calendar)


def text_to_time(values: Column, column: ColumnSpec) -> Converted:
    """The time of day that `10:00:00.5` names."""
    # pyarrow has no parser for times, but one for timestamps. It takes "10" and "10:00" too, this doesn't.
    stamps = compute.binary_join_element_wise("1970-01-01T", values, "")
    for kind, shortest in ((pa.timestamp("us"), 8), (pa.timestamp("us", "UTC"), 9)):
        parsed = try_cast(stamps, kind)
        if parsed is None or _lengths(values)[is_valid(values)].min(initial=shortest) < shortest:
            continue
        if shortest == 8 or mask_of(compute.ends_with(values, "Z"))[is_valid(values)].all():
            return Converted(parsed.view(pa.int64()).view(pa.time64("us")))
    parts = _Digits(values, TIME_TEXT)
    micros, impossible, fine = parts.micros()
    return refuse(
        build(micros, values, pa.time64("us")),
        NOT_A_TIME.at(parts.mismatch),
        NO_SUCH_TIME.at(impossible),
        FINER.at(fine),
    )


def text_to_naive(values: Column, column: ColumnSpec) -> Converted:
    """The wall clock that the text says, in UTC where it says an offset."""
    parsed = _cast_timestamps(values, pa.timestamp("us"))
    if parsed is None:
        parsed = _cast_timestamps(values, pa.timestamp("us", "UTC"))
    if parsed is None:
        return _parse_timestamps(values, column, offset_needed=False)
    return timestamp_to_timestamp(parsed, column)


def text_to_zoned(values: Column, column: ColumnSpec) -> Converted:
    """The instant that the text says with its offset."""
    parsed = _cast_timestamps(values, pa.timestamp("us", "UTC"))
    if parsed is None:
        return _parse_timestamps(values, column, offset_needed=True)
    return timestamp_to_timestamp(parsed, column)


def _cast_timestamps(values: Column, kind: pa.DataType) -> Column | None:
    """Cast the text with pyarrow; None if pyarrow refuses a value, or would accept one without seconds."""
    parsed = try_cast(values, kind)
    if parsed is None:
        return None
    lengths = _lengths(values)
    timed = lengths > 10
    if not timed.any():
        return parsed
    if lengths[timed].min() < 19:
        return None
    # pyarrow has checked each field; what it took for minutes must be followed by ":" and not by an offset.
    starts = text_offsets(values)[:-1] - text_offsets(values)[0]
    return parsed if bool((text_bytes(values)[starts[timed] + 16] == ord(":")).all()) else None


def _lengths(values: Column) -> Numbers:
    """The number of bytes of each value, zero where it is NULL."""
    lengths = np.diff(text_offsets(values))
    return np.where(is_valid(values), lengths, 0) if values.null_count else lengths


def _parse_timestamps(values: Column, column: ColumnSpec, *, offset_needed: bool) -> Converted:
    parts = _Digits(values, TIMESTAMP_TEXT)
    days, no_day = parts.days()
    micros, no_time, fine = parts.micros()
    offset, no_offset = parts.offset()
    total = days * MICROS_PER_DAY + micros - offset
    known = ~parts.mismatch & ~no_day & ~no_time & ~no_offset
    beyond = known & is_valid(values) & ((total < FIRST_MICRO) | (total > LAST_MICRO))
    naive = (
        ~parts.mismatch & is_valid(values) & ~parts.has("zone") if offset_needed else np.zeros(len(values), np.bool_)
    )
    return refuse(
        build(total, values, column.type),
        NOT_A_TIMESTAMP.at(parts.mismatch),
        NO_OFFSET.at(naive),
        NO_SUCH_DAY.at(no_day),
        NO_SUCH_TIME.at(no_time | no_offset),
        FINER.at(fine),
        OUT_OF_RANGE.at(beyond),
    )


class _Digits:
    """The fields of date and time text, taken apart by a pattern with named groups; zero where one isn't there.

    `mismatch` is True where the text isn't NULL and doesn't have the form of the pattern.
    """

    def __init__(self, values: Column, pattern: str) -> None:
        found: Any = compute.extract_regex(values, pattern)
        self.mismatch: Mask = is_valid(values) & ~is_valid(found)
        self._fields: dict[str, Column] = {
            field.name: found.field(index).fill_null("") for index, field in enumerate(found.type)
        }
        self.matched: Mask = is_valid(found)

    def has(self, name: str) -> Mask:
        return mask_of(compute.not_equal(self._fields[name], ""))

    def number(self, name: str) -> Numbers:
        text = self._fields[name]
        return numbers(compute.if_else(compute.equal(text, ""), "0", text).cast(pa.int64()))

    def days(self) -> tuple[Numbers, Mask]:
        """Days since 1970-01-01, and where there is no such day."""
        year, month, day = self.number("year"), self.number("month"), self.number("day")
        possible = self.matched & (month >= 1) & (month <= 12)
        months = np.where(possible, (year - 1970) * 12 + month - 1, 0).astype("M8[M]")
        next_months = months + np.timedelta64(1, "M")
        first, after = months.astype("M8[D]").astype(np.int64), next_months.astype("M8[D]").astype(np.int64)
        possible &= (day >= 1) & (day <= after - first)
        return np.where(possible, first + day - 1, 0), self.matched & ~possible

    def micros(self) -> tuple[Numbers, Mask, Mask]:
        """Microseconds since midnight, where there is no such time, and where the fraction has too many digits."""
        hour, minute, second = self.number("hour"), self.number("minute"), self.number("second")
        impossible = (hour > 23) | (minute > 59) | (second > 59)
        digits = compute.utf8_rtrim(self._fields["fraction"], characters="0")
        fine = numbers(compute.binary_length(digits)) > 6
        fraction = numbers(compute.utf8_slice_codeunits(compute.utf8_rpad(digits, 6, "0"), 0, 6).cast(pa.int64()))
        return (hour * 3600 + minute * 60 + second) * 1_000_000 + fraction, impossible, fine

    def offset(self) -> tuple[Numbers, Mask]:
        """Microseconds east of UTC, and where there is no such offset."""
        hour, minute, second = (self.number(f"zone_{unit}") for unit in ("hour", "minute", "second"))
        sign = np.where(mask_of(compute.equal(self._fields["zone_sign"], "-")), -1, 1)
        impossible = (hour > 23) | (minute > 59) | (second > 59)
        return sign * (hour * 3600 + minute * 60 + second) * 1_000_000, impossible


def date_to_text(values: Column, column: ColumnSpec) -> Converted:
    """`2020-01-31`."""
    return in_calendar(values).then(lambda v: Converted(v.cast(pa.string())))


def time_to_text(values: Column, column: ColumnSpec) -> Converted:
    """`10:00:00`, with the fraction where it isn't zero."""
    return in_day(values).then(lambda v: Converted(compute.replace_substring_regex(v.cast(pa.string()), r"\.0+$", "")))


def timestamp_to_text(values: Column, column: ColumnSpec) -> Converted:
    """`2020-01-31T10:00:00` for a naive timestamp, the same in UTC with a `Z` for an aware one."""
    kind: Any = values.type
    utc: Column = values if kind.tz is None else values.cast(pa.timestamp(kind.unit, "UTC"))
    return in_calendar(utc).then(
        lambda v: Converted(
            compute.replace_substring_regex(
                v.cast(pa.string()),
                # pyarrow writes a blank, and the fraction in full.
                r"^(\S+) ([0-9:]+(?:\.[0-9]*[1-9][0-9]*)?)(?:\.0+)?(Z?)$",
                r"\1T\2\3",
            )
        )
    )


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
