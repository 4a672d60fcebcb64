"""Kernels among date, time, timestamp and duration: the same instant, day or span, or it is refused.

All of them are counts of a unit since some origin, so there is one mechanism: `rescale` multiplies or divides the
counts, and refuses what falls between two target units or outside of the target's range. Dates and timestamps range
from 0001-01-01 to 9999-12-31, which every engine can hold. An aware timestamp is UTC inside; a naive target takes its
UTC wall clock. A naive timestamp has no instant, so an aware column refuses it.
"""

from __future__ import annotations

from math import gcd
from typing import Any

import pyarrow as pa

from arrowsync.convert.arrays import (
    TIME_UNITS,
    Column,
    Complaint,
    Converted,
    Failure,
    bounds,
    compute,
    is_valid,
    numbers,
    refuse,
)
from arrowsync.declare.spec import ColumnSpec

MICROS_PER_DAY = 86_400_000_000
FIRST_DAY, LAST_DAY = -719_162, 2_932_896
FIRST_MICRO, LAST_MICRO = FIRST_DAY * MICROS_PER_DAY, (LAST_DAY + 1) * MICROS_PER_DAY - 1

RANGE_HINT = "dates and timestamps range from 0001-01-01 to 9999-12-31"


def counts(values: Column) -> Column:
    """The int64 counts behind a temporal array."""
    storage = pa.int32() if values.type.bit_width == 32 else pa.int64()
    return values.view(storage).cast(pa.int64())


def rescale(
    values: Column,
    kind: pa.DataType,
    ratio: tuple[int, int],
    limits: tuple[int, int],
    *,
    between: Complaint,
    beyond: Complaint,
) -> Converted:
    """Temporal `values` as `kind`: each count times `ratio`, which must be whole and within `limits` (of the target).

    `between` is the complaint about a count that isn't whole, `beyond` about one outside of the limits.
    """
    multiplier, divisor = ratio[0] // gcd(*ratio), ratio[1] // gcd(*ratio)
    given = counts(values)
    # The least and the greatest count that, rounded down, stays within the limits: exact, as Python integers.
    low, high = -((-limits[0] * divisor) // multiplier), ((limits[1] + 1) * divisor - 1) // multiplier
    least, greatest = bounds(given)
    failures: list[Failure] = []
    if least < low or greatest > high:
        view = numbers(given)
        outside = ((view < max(low, -(1 << 63))) | (view > min(high, (1 << 63) - 1))) & is_valid(given)
        failures.append(beyond.at(outside))
    if divisor > 1:
        failures.append(between.at(numbers(given) % divisor != 0))
    checked = refuse(given, *failures)
    result = checked.values
    if multiplier > 1:
        result = compute.multiply(result, pa.scalar(multiplier))
    if divisor > 1:
        result = compute.divide(result, pa.scalar(divisor))
    if result is given and kind == values.type:
        return Converted(values)
    storage = pa.int32() if kind.bit_width == 32 else pa.int64()
    return Converted(result.cast(storage).view(kind), checked.failures)


OUT_OF_RANGE = Complaint("out of range for a date or timestamp", RANGE_HINT)
FINER = Complaint("finer than a microsecond", "columns hold microseconds: truncate the values to them first")
COARSER = {
    unit: Complaint(f"finer than a {word}", f"the column holds {word}s: truncate the values to them first")
    for unit, word in (("s", "second"), ("ms", "millisecond"))
}
"""By the unit of a column that is coarser than microseconds."""
NOT_IN_DAY = Complaint("out of range for a time of day", "times range from 00:00:00 to 23:59:59.999999")
TOO_LONG = Complaint("out of range for a duration in microseconds", "durations reach about 292,000 years")
NOT_MIDNIGHT = Complaint("not at midnight", "declare datetime, or drop the time of day first")


def per_second(values: Column) -> int:
    """The units per second of a time, timestamp or duration array."""
    kind: Any = values.type
    return TIME_UNITS[kind.unit]


def timestamp_to_timestamp(values: Column, column: ColumnSpec) -> Converted:
    """Keep the instant or wall clock, in microseconds; an aware timestamp becomes its wall clock in UTC in a naive column."""
    ratio = (1_000_000, per_second(values))
    return rescale(values, column.type, ratio, (FIRST_MICRO, LAST_MICRO), between=FINER, beyond=OUT_OF_RANGE)


def coarsened(values: Column, kind: Any) -> Converted:
    """Timestamps in microseconds as those of a coarser unit, in which they are whole."""
    size = 1_000_000 // TIME_UNITS[kind.unit]
    limits = (FIRST_MICRO // size, LAST_MICRO // size)
    return rescale(values, kind, (1, size), limits, between=COARSER[kind.unit], beyond=OUT_OF_RANGE)


def timestamp_to_date(values: Column, column: ColumnSpec) -> Converted:
    """The day whose midnight (in UTC) the timestamp is."""
    ratio = (1, 86_400 * per_second(values))
    return rescale(values, column.type, ratio, (FIRST_DAY, LAST_DAY), between=NOT_MIDNIGHT, beyond=OUT_OF_RANGE)


def date_to_timestamp(values: Column, column: ColumnSpec) -> Converted:
    """Midnight of the day."""
    return in_calendar(values).then(lambda v: Converted(v.cast(column.type)))


def date_to_date(values: Column, column: ColumnSpec) -> Converted:
    """Keep the day."""
    return in_calendar(values)


def in_calendar(values: Column) -> Converted:
    """Dates as date32, and timestamps in their own unit, which lie between 0001-01-01 and 9999-12-31."""
    if pa.types.is_date(values.type):
        ratio = (1, 86_400_000) if values.type == pa.date64() else (1, 1)
        return rescale(values, pa.date32(), ratio, (FIRST_DAY, LAST_DAY), between=NOT_MIDNIGHT, beyond=OUT_OF_RANGE)
    day = 86_400 * per_second(values)
    limits = (FIRST_DAY * day, (LAST_DAY + 1) * day - 1)
    return rescale(values, values.type, (1, 1), limits, between=FINER, beyond=OUT_OF_RANGE)


def time_to_time(values: Column, column: ColumnSpec) -> Converted:
    """Keep the time of day, in microseconds."""
    ratio = (1_000_000, per_second(values))
    return rescale(values, column.type, ratio, (0, MICROS_PER_DAY - 1), between=FINER, beyond=NOT_IN_DAY)


def in_day(values: Column) -> Converted:
    """Times in their own unit, which are at least 00:00:00 and less than 24:00:00."""
    limits = (0, 86_400 * per_second(values) - 1)
    return rescale(values, values.type, (1, 1), limits, between=FINER, beyond=NOT_IN_DAY)


def duration_to_duration(values: Column, column: ColumnSpec) -> Converted:
    """Keep the span, in microseconds."""
    limits = (-(1 << 63), (1 << 63) - 1)
    ratio = (1_000_000, per_second(values))
    return rescale(values, column.type, ratio, limits, between=FINER, beyond=TOO_LONG)
