"""The default of a field becomes the plain value that the database is told, or an error if no row could have it.

Plain means of exactly the class that stands in `_PLAIN`, and: the label of an enum member, the text of an IP address, JSON
text, UTC for a point in time. A new type needs its line there. The bounds of a `Range` (`ranges`) and the rows of a lookup table
(`enums`) are made plain here too.
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

from arrowsync.declare.dataclasses.annotations import FieldType, type_name
from arrowsync.declare.site import Site, is_storable
from arrowsync.declare.spec import ColumnSpec

S = TypeVar("S", str, bytes)

_TICKS = {"s": 1_000_000, "ms": 1_000, "us": 1}
"""Microseconds in one unit of a timestamp."""


def plain_default(value: object, field_type: FieldType, site: Site) -> object:
    """The default `value` of a field, plain. A value that the column can't hold is a DeclarationError."""
    column = field_type.column
    if value is None:
        if column.nullable:
            return None
        raise site.error(
            "the default is None, but the type isn't Optional", hint="write `... | None`, or remove the default"
        )
    if column.identity:
        raise site.error(
            f"an Identity column has no default, but {value!r} is given",
            hint="remove it: the database numbers the rows",
        )
    if kind := _without_default(field_type):
        raise site.error(
            f"{kind} has no default but None, and one of type {type_name(type(value))} is given",
            hint="remove it, or write field(default_factory=...), which is a default in Python only",
        )
    try:
        return plain_value(value, field_type)
    except Unfit as error:
        raise site.error(f"the default {value!r} {error}", hint="give a default that the column can hold") from None


def plain_value(value: object, field_type: FieldType) -> Any:
    """`value`, which isn't None, as the plain value of a column. `Unfit` says why the column can't hold it."""
    _check_class(value, field_type)
    column = field_type.column
    if column.labels:
        return _label(value, column)
    plain: Any = _PLAIN[_kind(field_type)](value, column)
    if column.choices and plain not in column.choices:
        raise Unfit(f"is none of {', '.join(map(str, column.choices))}")
    # Told this way around, NaN isn't in any range.
    if column.minimum is not None and not column.minimum <= plain:
        raise Unfit(f"is less than {column.minimum}, the least value")
    if column.maximum is not None and not plain <= column.maximum:
        raise Unfit(f"is more than {column.maximum}, the greatest value")
    return plain


class Unfit(Exception):
    """A value doesn't fit a column; the message is the end of the sentence `the default x ...`."""


def enum_label(member: enum.Enum, column: ColumnSpec) -> str:
    """The text that stands for a member of an enum in the database: that of its value, or its name where that is an object."""
    return member.name if column.lookup is not None and column.lookup.columns else str(member.value)


def _without_default(field_type: FieldType) -> str | None:
    """Return the kind of a column that can't have a default, in words; None if it can."""
    if field_type.column.element is not None:
        return "a list or set"
    if field_type.column.struct is not None:
        return "a struct"
    return "a reference to another table" if field_type.refers else None


def _kind(field_type: FieldType) -> type:
    return field_type.classes[0] if field_type.classes else dict  # none for JsonType, whose values are of several


def _check_class(value: object, field_type: FieldType) -> None:
    classes = field_type.classes
    if not classes or (type(value) is int and classes == (float,)):
        return  # any JSON value; an int where a float is declared, as type checkers allow
    # A bool is an int to isinstance, and a datetime a date; a subclass of datetime may have nanoseconds.
    exact = isinstance(value, (bool, date, time))
    if type(value) not in classes and (exact or not isinstance(value, classes)):
        raise Unfit(f"is of type {type_name(type(value))}, not {' or '.join(map(type_name, classes))}")


def _label(value: object, column: ColumnSpec) -> str:
    label = enum_label(value, column) if isinstance(value, enum.Enum) else str(value)
    if label not in column.labels:
        raise Unfit(f"is none of {', '.join(map(repr, column.labels))}")
    return label


def _same(value: Any, column: ColumnSpec) -> Any:
    return value


def _int(value: Any, column: ColumnSpec) -> int:
    try:
        pa.scalar(int(value), column.type)
    except (pa.ArrowInvalid, OverflowError):
        raise Unfit(f"is out of the range of {column.type}") from None
    return int(value)


def _float(value: Any, column: ColumnSpec) -> float:
    plain = float(value)
    if math.isfinite(plain) and not math.isfinite(pa.scalar(plain, column.type).as_py()):
        raise Unfit("is out of the range of float32")
    if type(value) is int and int(plain) != value:
        raise Unfit("is an integer that a float can't hold exactly")
    return plain


def _decimal(value: Any, column: ColumnSpec) -> Decimal:
    try:
        pa.scalar(value, column.type)
    except pa.ArrowInvalid:
        raise Unfit(f"doesn't fit {column.type}") from None
    return Decimal(value)


def _str(value: Any, column: ColumnSpec) -> str:
    plain = str.__str__(value)
    if not is_storable(plain):
        raise Unfit("holds a NUL or a lone surrogate")
    return _not_longer(plain, "characters", column)


def _bytes(value: Any, column: ColumnSpec) -> bytes:
    return _not_longer(bytes(value), "bytes", column)


def _not_longer(value: S, unit: str, column: ColumnSpec) -> S:
    if column.max_length is not None and len(value) > column.max_length:
        raise Unfit(f"has {len(value)} {unit}, more than MaxLength({column.max_length})")
    return value


def _datetime(value: datetime, column: ColumnSpec) -> datetime:
    declared = cast("pa.TimestampType[Any, Any]", column.type)
    if declared.tz is not None and value.tzinfo is None:
        raise Unfit("has no time zone, and the column has: give it tzinfo=timezone.utc")
    if value.microsecond % _TICKS[declared.unit]:
        raise Unfit(f"is finer than {declared}, as TimePrecision declares it")
    try:
        moment = value if value.tzinfo is None else value.astimezone(UTC)
        # As a value is stored: in a column without a zone as the wall clock of UTC.
        return moment if declared.tz is not None else moment.replace(tzinfo=None)
    except OverflowError:
        raise Unfit("is beyond the years 1 to 9999 in UTC") from None


def _time(value: time, column: ColumnSpec) -> time:
    if value.tzinfo is not None:
        raise Unfit("has a time zone, and a column of type time has none")
    return value


def _timedelta(value: timedelta, column: ColumnSpec) -> timedelta:
    try:
        pa.scalar(value, column.type)
    except pa.ArrowInvalid:
        raise Unfit("is longer than 64 bits of microseconds") from None
    return value


def _text(value: Any, column: ColumnSpec) -> str:
    return str(value)


def _json(value: Any, column: ColumnSpec) -> str:
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise Unfit(f"is no JSON value: {error}") from None
    if not is_storable(text):
        raise Unfit("holds a lone surrogate")
    return text


_PLAIN: dict[type, Callable[[Any, ColumnSpec], object]] = {
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
