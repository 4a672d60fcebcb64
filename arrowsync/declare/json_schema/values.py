"""Plain values of columns as JSON values, and back: defaults and bounds in a JSON Schema.

`to_json` is what `to_json_schema` writes; the `parse_...` functions read it, and raise a ValueError that says why a JSON value is
none of their type. A new type needs a case in `to_json` and a function here.
"""

from __future__ import annotations

import base64
import json
import math
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, cast
from uuid import UUID

import pyarrow as pa

_DURATION = re.compile(
    r"(?P<sign>[+-]?)P(?=.)(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)(?:\.(?P<fraction>\d{1,6}))?S)?)?",
    re.ASCII,
)
_TOO_FINE = re.compile(r"[.,]\d{7}")


def to_json(value: Any, column_type: pa.DataType) -> Any:
    """The JSON value that stands for a plain value of a column, as its schema says; a ValueError where there is none."""
    match value:
        case str() if isinstance(column_type, pa.JsonType):
            return json.loads(value)
        case None | bool() | int() | str():
            return value
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{value} is no JSON number")
            return value
        case Decimal():
            return f"{value:f}"
        case timedelta():
            return duration_text(value)
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
        case date() | time():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case UUID() | IPv4Address() | IPv6Address():
            return str(value)
        case _:
            return _nested_to_json(value, column_type)


def _nested_to_json(value: Any, column_type: pa.DataType) -> Any:
    types = pa.types
    if types.is_struct(column_type):
        return {name: to_json(inner, cast(Any, column_type).field(name).type) for name, inner in value.items()}
    if types.is_list(column_type):
        return [to_json(inner, cast(Any, column_type).value_type) for inner in value]
    raise ValueError(f"{value!r} is no value of a column of type {column_type}")


def duration_text(value: timedelta) -> str:
    """A duration in ISO 8601, exact to the microsecond: `P1DT2H0.5S`, `-PT1S`."""
    sign, span = ("-", -value) if value < timedelta() else ("", value)
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{span.microseconds:06d}".rstrip("0") if span.microseconds else ""
    days = f"{span.days}D" if span.days else ""
    clock = f"{hours}H" * (hours > 0) + f"{minutes}M" * (minutes > 0)
    clock += f"{seconds}{fraction}S" if seconds or fraction or not (days or clock) else ""
    return f"{sign}P{days}T{clock}" if clock else f"{sign}P{days}"


def parse_bool(value: Any) -> bool:
    """A truth value."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def parse_int(value: Any) -> int:
    """An integer; to JSON Schema, 1.0 is one."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole:
        raise ValueError(f"{value!r} is no integer")
    return int(value)


def parse_float(value: Any) -> float:
    """A number."""
    # An int stays one: the column refuses it where no float is equal to it.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{value!r} is no number")
    return value


def parse_decimal(value: Any) -> Decimal:
    """A decimal from its text, or from a number as it prints."""
    try:
        found = Decimal(str(value)) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite():
        raise ValueError(f"{value!r} is no decimal")
    return found


def parse_text(value: Any) -> str:
    """Text."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no string")
    return value


def parse_bytes(value: Any) -> bytes:
    """Bytes from their base64 text."""
    try:
        return base64.b64decode(parse_text(value), validate=True)
    except ValueError:
        raise ValueError(f"{value!r} is no base64 text") from None


def parse_instant(value: Any) -> datetime:
    """A point in time from its text, which has an offset from UTC."""
    found = datetime.fromisoformat(_iso(value))
    if found.tzinfo is None:
        raise ValueError(f"{value!r} has no offset from UTC")
    return found


def parse_local(value: Any) -> datetime:
    """A date with a time of day from its text, which has no offset."""
    found = datetime.fromisoformat(_iso(value))
    if found.tzinfo is not None:
        raise ValueError(f"{value!r} has an offset from UTC, and local times have none")
    return found


def parse_date(value: Any) -> date:
    """A date from its text."""
    return date.fromisoformat(parse_text(value))


def parse_time(value: Any) -> time:
    """A time of day from its text."""
    return time.fromisoformat(_iso(value))


def _iso(value: Any) -> str:
    """Text of a time that Python reads whole: it would cut off what is finer than a microsecond."""
    text = parse_text(value)
    if _TOO_FINE.search(text):
        raise ValueError(f"{value!r} is finer than microseconds")
    return text.upper()


def parse_duration(value: Any) -> timedelta:
    """A duration from its ISO 8601 text; months and years have no fixed length."""
    found = _DURATION.fullmatch(parse_text(value))
    if found is None:
        raise ValueError(f"{value!r} is no duration of days, hours, minutes and seconds, like P1DT2H")
    numbers = {unit: int(found[unit] or 0) for unit in ("weeks", "days", "hours", "minutes", "seconds")}
    micros = int((found["fraction"] or "").ljust(6, "0"))
    try:
        span = timedelta(**numbers, microseconds=micros)
    except OverflowError:
        raise ValueError(f"{value!r} is too long") from None
    return -span if found["sign"] == "-" else span


def parse_uuid(value: Any) -> UUID:
    """A UUID from its text."""
    return UUID(parse_text(value))


def parse_ipv4(value: Any) -> IPv4Address:
    """An IPv4 address from its text."""
    return IPv4Address(parse_text(value))


def parse_ipv6(value: Any) -> IPv6Address:
    """An IPv6 address from its text."""
    return IPv6Address(parse_text(value))


def parse_ip(value: Any) -> IPv4Address | IPv6Address:
    """An IP address of either version from its text."""
    return ip_address(parse_text(value))


def parse_any(value: Any) -> Any:
    """Any JSON value."""
    return cast(object, value)
