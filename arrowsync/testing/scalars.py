"""The values of each scalar type, within what is declared and what every engine holds.

To add a type: a case in `scalar_values`, with `_counted` where its values are whole numbers inside, else with `composed`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa

from arrowsync.declare.site import Site
from arrowsync.declare.spec import ColumnSpec
from arrowsync.testing.draws import Numbers, mix
from arrowsync.testing.texts import address_values, binary_values, json_values, text_values
from arrowsync.testing.values import (
    Column,
    Make,
    Values,
    array_of,
    composed,
    from_data,
    of_pool,
    packed,
    whole,
    wrapped,
)

_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000}
_DAY = 24 * 60 * 60
_EPOCH = datetime(1970, 1, 1)
_FIRST, _LAST = datetime(1000, 1, 1), datetime(9999, 12, 31)  # MySQL's days
_DAYS = (
    datetime(1970, 1, 1),
    datetime(1969, 12, 31),
    datetime(2000, 2, 29),
    datetime(1900, 2, 28),
    datetime(1582, 10, 10),  # the Gregorian calendar skipped it
    datetime(2038, 1, 20),
)
_LONGEST = (1 << 63) - 1
_INTS = (0, 1, -1, 10, -10, 127, 255, 256, 32768, 65535, 2**31, -(2**31) - 1, 2**53 + 1, 2**63)
_FLOATS = (0.0, 1.0, -1.0, 0.1, -0.1, 1 / 3, 1e15, 123456789.125, 16777217.0, 2.0**53, 1e-5, 1e16, 1e22)


def scalar_values(column: ColumnSpec, site: Site, *, nan: bool) -> Values:
    """The values that a column of a scalar type may have; a DeclarationError where it has none, or no database has the type."""
    kind: Any = column.type
    types = pa.types
    if column.labels:
        return _labels(column)
    if column.choices:
        return of_pool(array_of(column.choices, kind))
    if types.is_boolean(kind):
        return of_pool(pa.array([False, True]))
    if types.is_integer(kind):
        bits = kind.bit_width
        limits = (-(1 << bits - 1), (1 << bits - 1) - 1) if types.is_signed_integer(kind) else (0, (1 << bits) - 1)
        return _counted(column, site, limits, Fraction(1), _INTS)
    if types.is_float32(kind) or types.is_float64(kind):
        return _floats(column, site, nan=nan)
    if types.is_decimal128(kind) or types.is_decimal256(kind):
        return _decimals(column, site)
    if types.is_string(kind):
        return text_values(column.max_length) if column.ip is None else address_values(column.ip)
    if types.is_binary(kind):
        return binary_values(column.max_length)
    if isinstance(kind, pa.UuidType):
        return wrapped(_uuids(), kind)
    if isinstance(kind, pa.JsonType) and kind.storage_type == pa.string():
        return wrapped(json_values(), kind)
    return _times(column, site)


def _labels(column: ColumnSpec) -> Values:
    labels = pa.array(column.labels, pa.string())
    kind: Any = column.type
    if not pa.types.is_dictionary(kind):
        return of_pool(labels.cast(kind))
    array: Any = pa.DictionaryArray
    return Values(
        lambda numbers: array.from_arrays(pa.array(numbers).cast(kind.index_type), labels, ordered=kind.ordered),
        len(labels),
    )


def _times(column: ColumnSpec, site: Site) -> Values:
    kind: Any = column.type
    types = pa.types
    if types.is_date32(kind):
        return _counted(column, site, (_days(_FIRST), _days(_LAST)), Fraction(1, _DAY), map(_days, _DAYS))
    unit = _PER_SECOND.get(getattr(kind, "unit", ""))
    if unit is not None and types.is_timestamp(kind) and kind.tz in (None, "UTC"):
        day = _DAY * unit
        awkward = [_days(each) * day + step for each in _DAYS for step in (0, -1, unit // 10)]
        return _counted(column, site, (_days(_FIRST) * day, _days(_LAST) * day + day - 1), Fraction(unit), awkward)
    if unit is not None and types.is_time(kind):
        awkward = [12 * 3600 * unit, 1, unit - 1, unit, 3599 * unit, 86399 * unit]
        return _counted(column, site, (0, _DAY * unit - 1), Fraction(unit), awkward)
    if unit is not None and types.is_duration(kind):
        steps = (0, 1, unit - 1, unit, _DAY * unit - 1, _DAY * unit, 31 * _DAY * unit + 1, 366 * _DAY * unit)
        awkward = [sign * step for step in steps for sign in (1, -1)]
        return _counted(column, site, (-_LONGEST, _LONGEST), Fraction(unit), awkward)
    raise site.error(f"there are no random values of type {kind}", hint="declare a type of the README's table")


def _days(moment: datetime) -> int:
    return (moment - _EPOCH).days


def _counted(column: ColumnSpec, site: Site, limits: tuple[int, int], unit: Fraction, awkward: Iterable[int]) -> Values:
    """The values of a type that counts: numbers, or times in units of `unit` a second."""
    low, high = _bounds(column, site, limits, unit)
    return whole(low, high, awkward, lambda numbers: packed(numbers, column.type))


def _bounds(column: ColumnSpec, site: Site, limits: tuple[int, int], unit: Fraction) -> tuple[int, int]:
    """The least and greatest number that stands for a value, within the limits of the type and what is declared."""
    least, greatest = (_exact(bound) for bound in (column.minimum, column.maximum))
    low = limits[0] if least is None else max(limits[0], math.ceil(least * unit))
    high = limits[1] if greatest is None else min(limits[1], math.floor(greatest * unit))
    _check_range(column, site, low, high)
    return low, high


def _check_range(column: ColumnSpec, site: Site, low: int, high: int) -> None:
    if low > high:
        raise site.error(
            f"no {column.type} lies between {column.minimum!r} and {column.maximum!r}",
            hint="widen the range; random dates and times lie in the years 1000 to 9999",
        )


def _exact(bound: Any) -> Fraction | None:
    """A declared bound as a number: of seconds, from the epoch or from midnight, where it is a time."""
    microsecond = timedelta(microseconds=1)
    match bound:
        case None:
            return None
        case datetime():
            naive = bound if bound.tzinfo is None else bound.astimezone(UTC).replace(tzinfo=None)
            return Fraction((naive - _EPOCH) // microsecond, 1_000_000)
        case date():
            return Fraction((bound - _EPOCH.date()).days * _DAY)
        case time():
            return Fraction((datetime.combine(_EPOCH, bound) - _EPOCH) // microsecond, 1_000_000)
        case timedelta():
            return Fraction(bound // microsecond, 1_000_000)
        case float() if math.isinf(bound):
            return None
        case _:
            return Fraction(bound)


def _floats(column: ColumnSpec, site: Site, *, nan: bool) -> Values:
    """Floats in the order of their bits, which is that of their values: each exponent is as likely."""
    kind = column.type
    dtype: Any = np.dtype(np.float32 if kind == pa.float32() else np.float64)
    bits, sign = np.dtype(f"<u{dtype.itemsize}"), 1 << dtype.itemsize * 8 - 1

    def place_of(value: float) -> int:
        with np.errstate(over="ignore"):
            number = int(np.array(value, dtype).view(bits))
        return number if number < sign else sign - number

    def build(places: Numbers) -> Column:
        signed = places.view(np.int64)
        return from_data(
            np.where(signed < 0, np.abs(signed).view(np.uint64) | np.uint64(sign), places).astype(bits), kind
        )

    greatest = place_of(float(np.finfo(dtype).max))
    low, high = -greatest, greatest
    bounds = [_exact(bound) for bound in (column.minimum, column.maximum)]
    # The float nearest to a bound may be on the wrong side of it.
    if bounds[0] is not None:
        low = max(low, place_of(float(bounds[0])))
        low += Fraction(build(np.array([low]).view(np.uint64))[0].as_py()) < bounds[0]
    if bounds[1] is not None:
        high = min(high, place_of(float(bounds[1])))
        high -= Fraction(build(np.array([high]).view(np.uint64))[0].as_py()) > bounds[1]
    _check_range(column, site, low, high)
    normal = place_of(float(np.finfo(dtype).smallest_normal))
    subnormal = (1, -1, normal - 1, 1 - normal, normal)
    twins = [-0.0] * (low <= 0 <= high)
    if nan:
        twins += (
            [math.nan] * (bounds == [None, None]) + [math.inf] * (bounds[1] is None) + [-math.inf] * (bounds[0] is None)
        )
    return whole(low, high, (*map(place_of, _FLOATS), *subnormal), build, array_of(twins, kind))


def _decimals(column: ColumnSpec, site: Site) -> Values:
    kind: Any = column.type
    scale: int = kind.scale
    limit = 10**kind.precision - 1
    one = 10**scale
    awkward = [0, *(sign * step for step in (1, one, one // 2, one - 1, 10**4, 10**8 - 1, 10**9) for sign in (1, -1))]
    low, high = _bounds(column, site, (-limit, limit), Fraction(one))
    if low >= -(1 << 63) and high < 1 << 63:
        return whole(low, high, awkward, lambda numbers: packed(numbers, kind))
    count = (1 << 32) - 2
    step = (high - low) // (count + 1)
    # None of those that `_multiples` makes.
    first = [low, *(number for number in (high, *awkward) if low < number <= high and (number - low) % step)]
    decimals = [
        Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -scale)) for number in dict.fromkeys(first)
    ]
    return composed(array_of(decimals, kind), _multiples(low + step, step, kind), count)


def _multiples(start: int, step: int, kind: pa.DataType) -> Make:
    """`start` and so many times `step`, in limbs of 32 bits as in long multiplication: numbers are below 2**32."""
    limbs = kind.byte_width // 4

    def parts(number: int) -> Sequence[np.uint64]:
        return [np.uint64(number >> 32 * limb & 0xFFFFFFFF) for limb in range(limbs)]

    def make(numbers: Numbers) -> Column:
        data = np.empty((len(numbers), limbs), np.uint32)
        carry = np.zeros(len(numbers), np.uint64)
        for limb, (offset, factor) in enumerate(zip(parts(start), parts(step), strict=True)):
            total = numbers * factor + offset + carry
            data[:, limb] = total.astype(np.uint32)
            carry = total >> np.uint64(32)
        return from_data(data, kind)

    return make


def _uuids() -> Values:
    kind = pa.binary(16)
    first = pa.array([bytes(16), b"\xff" * 16, bytes.fromhex("0123456789ab4def8123456789ABCDEF")], kind)

    def others(numbers: Numbers) -> Column:
        data = np.ascontiguousarray(np.stack([mix(5, numbers), mix(6, numbers)], axis=1)).view(np.uint8).reshape(-1, 16)
        data[:, 8] |= 0xC0  # MariaDB takes no UUID of a high version that has no variant
        return from_data(data, kind)

    return composed(first, others, 1 << 63)
