"""The default of a field becomes the plain value that the database is told, or an error if no row could have it.

Plain means of exactly the class that stands in `_PLAIN`, and: the label of an enum member, the text of an IP address, JSON
text, UTC for a point in time. A new type needs its line there.
"""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any, TypeVar, cast
from uuid import UUID

import pyarrow as pa

from arrowsync.declare.place import Place, is_storable
from arrowsync.declare.python_types import FieldType, enum_label, type_name

S = TypeVar("S", str, bytes)

_TICKS = {"s": 1_000_000, "ms": 1_000, "us": 1}
"""Microseconds in one unit of a timestamp."""


def plain_default(value: object, field_type: FieldType, place: Place) -> object:
    """The default `value` of a field, plain. A value that the column can't hold is a DeclarationError."""
    if value is None:
        if field_type.nullable:
            return None
        raise place.error(
            "the default is None, but the type isn't Optional", hint="write `... | None`, or remove the default"
        )
    if field_type.identity:
        raise place.error(
            f"an Identity column has no default, but {value!r} is given",
            hint="remove it: the database numbers the rows",
        )
    try:
        _check_class(value, field_type)
        return _label(value, field_type) if field_type.labels else _PLAIN[_kind(field_type)](value, field_type)
    except _Unfit as error:
        raise place.error(f"the default {value!r} {error}", hint="give a default that the column can hold") from None


class _Unfit(Exception):
    """Why a default doesn't fit, as the end of the sentence `the default x ...`."""


def _kind(field_type: FieldType) -> type:
    return field_type.classes[0] if field_type.classes else dict  # none for JsonType, whose values are of several


def _check_class(value: object, field_type: FieldType) -> None:
    classes = field_type.classes
    if not classes or (type(value) is int and classes == (float,)):
        return  # any JSON value; an int where a float is declared, as type checkers allow
    # A bool is an int to isinstance, and a datetime a date; a subclass of datetime may have nanoseconds.
    exact = isinstance(value, (bool, date, time))
    if type(value) not in classes and (exact or not isinstance(value, classes)):
        raise _Unfit(f"is of type {type_name(type(value))}, not {' or '.join(map(type_name, classes))}")


def _label(value: Any, field_type: FieldType) -> str:
    label = enum_label(value) if isinstance(value, enum.Enum) else str(value)
    if label not in field_type.labels:
        raise _Unfit(f"is none of {', '.join(map(repr, field_type.labels))}")
    return label


def _same(value: Any, field_type: FieldType) -> Any:
    return value


def _int(value: Any, field_type: FieldType) -> int:
    try:
        pa.scalar(int(value), field_type.arrow)
    except (pa.ArrowInvalid, OverflowError):
        raise _Unfit(f"is out of the range of {field_type.arrow}") from None
    return int(value)


def _float(value: Any, field_type: FieldType) -> float:
    plain = float(value)
    if math.isfinite(plain) and not math.isfinite(pa.scalar(plain, field_type.arrow).as_py()):
        raise _Unfit("is out of the range of float32")
    if type(value) is int and int(plain) != value:
        raise _Unfit("is an integer that a float can't hold exactly")
    return plain


def _decimal(value: Any, field_type: FieldType) -> Decimal:
    try:
        pa.scalar(value, field_type.arrow)
    except pa.ArrowInvalid:
        raise _Unfit(f"doesn't fit {field_type.arrow}") from None
    return Decimal(value)


def _str(value: Any, field_type: FieldType) -> str:
    plain = str.__str__(value)
    if not is_storable(plain):
        raise _Unfit("holds a NUL or a lone surrogate")
    return _not_longer(plain, "characters", field_type)


def _bytes(value: Any, field_type: FieldType) -> bytes:
    return _not_longer(bytes(value), "bytes", field_type)


def _not_longer(value: S, unit: str, field_type: FieldType) -> S:
    if field_type.max_length is not None and len(value) > field_type.max_length:
        raise _Unfit(f"has {len(value)} {unit}, more than MaxLength({field_type.max_length})")
    return value


def _datetime(value: datetime, field_type: FieldType) -> datetime:
    column = cast("pa.TimestampType[Any, Any]", field_type.arrow)
    if column.tz is None and value.tzinfo is not None:
        raise _Unfit('is aware of its time zone, and the column isn\'t: declare Annotated[datetime, TimeZone("UTC")]')
    if column.tz is not None and value.tzinfo is None:
        raise _Unfit("has no time zone, and the column has: give it tzinfo=timezone.utc")
    if value.microsecond % _TICKS[column.unit]:
        raise _Unfit(f"is finer than {column}, as TimePrecision declares it")
    try:
        return value if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise _Unfit("is beyond the years 1 to 9999 in UTC") from None


def _time(value: time, field_type: FieldType) -> time:
    if value.tzinfo is not None:
        raise _Unfit("has a time zone, and a column of type time has none")
    return value


def _timedelta(value: timedelta, field_type: FieldType) -> timedelta:
    try:
        pa.scalar(value, field_type.arrow)
    except pa.ArrowInvalid:
        raise _Unfit("is longer than 64 bits of microseconds") from None
    return value


def _text(value: Any, field_type: FieldType) -> str:
    return str(value)


def _json(value: Any, field_type: FieldType) -> str:
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise _Unfit(f"is no JSON value: {error}") from None
    if not is_storable(text):
        raise _Unfit("holds a lone surrogate")
    return text


_PLAIN: dict[type, Callable[[Any, FieldType], object]] = {
    bool: _same,
    int: _int,
    float: _float,
    Decimal: _decimal,
    str: _str,
    bytes: _bytes,
    bytearray: _bytes,
    datetime: _datetime,
    date: _same,
    time: _time,
    timedelta: _timedelta,
    UUID: _same,
    IPv4Address: _text,
    IPv6Address: _text,
    dict: _json,
}
