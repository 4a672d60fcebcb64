"""Plain values, the defaults and bounds of columns, as Python expressions for `source_code`: the way back of `defaults`.

To add a type: a line in `_SPELLED`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import ip_address
from typing import Any, cast
from uuid import UUID

import pyarrow as pa

from arrowsync.declare.place import Place
from arrowsync.declare.source_layout import Code, call, quoted, quoted_bytes
from arrowsync.declare.source_names import Imports, Names, enum_of
from arrowsync.declare.spec import ColumnSpec


def value_code(value: Any, column: ColumnSpec, place: Place, names: Names) -> Code:
    """The expression that makes the plain value of a column in Python."""
    if value is None:
        return "None"
    imports = names.imports
    if column.labels:
        enum = enum_of(column)
        if value not in column.labels:
            raise place.error(f"the default {value!r} is none of its labels", hint="remove it, or add that label")
        if enum is None:
            return quoted(value)
        return f"{names.enums[enum]}.{enum.members[value]}"
    if column.ip is not None:
        return _address(value, place, imports)
    if column.type == pa.json_():
        return _json(value, place)
    kind = cast("type[object]", type(value))
    spell = _SPELLED.get(kind)
    if spell is None:
        raise place.error(
            f"the value {value!r} of type {kind.__name__} can't be written in a declaration", hint="remove it"
        )
    return spell(value, imports)


def _address(value: str, place: Place, imports: Imports) -> Code:
    try:
        address = ip_address(value)
    except ValueError:
        raise place.error(
            f"the value {value!r} is no IP address", hint="remove it, or declare the column as text"
        ) from None
    return call(imports.name("ipaddress", type(address).__name__), quoted(str(address)))


def _json(value: str, place: Place) -> Code:
    parsed: object = json.loads(value)
    if parsed is None or isinstance(parsed, dict | list):
        raise place.error(
            f"the JSON value {value} can't be the default of a field",
            hint="remove it: only a string, a number, true and false can be",
        )
    return quoted(parsed) if isinstance(parsed, str) else _number(parsed)


def _decimal(value: Decimal, imports: Imports) -> Code:
    text = str(value)
    whole = text == str(int(value))  # not so "1.0", "1E+2" and "-0"
    return call(imports.name("decimal", "Decimal"), text if whole else quoted(text))


def _float(value: float, imports: Imports) -> Code:
    text = _number(value)
    return call(imports.name("builtins", "float"), quoted(text)) if text.lstrip("-") in ("inf", "nan") else text


def _number(value: object) -> str:
    return repr(value).replace("e+", "e")  # as formatters write it


def _datetime(value: datetime, imports: Imports) -> Code:
    value = value if value.tzinfo is None else value.astimezone(UTC)
    parts = [value.hour, value.minute, value.second, value.microsecond]
    said = [*map(str, (value.year, value.month, value.day)), *_without_last_zeros(parts)]
    if value.tzinfo is not None:
        said.append(f"tzinfo={imports.name('datetime', 'UTC')}")
    return call(imports.name("datetime", "datetime"), *said)


def _date(value: date, imports: Imports) -> Code:
    return call(imports.name("datetime", "date"), str(value.year), str(value.month), str(value.day))


def _time(value: time, imports: Imports) -> Code:
    parts = [value.hour, value.minute, value.second, value.microsecond]
    return call(imports.name("datetime", "time"), *(_without_last_zeros(parts) or ["0"]))


def _timedelta(value: timedelta, imports: Imports) -> Code:
    sign, size = (-1 if value < timedelta(0) else 1), abs(value)  # -1 second, rather than -1 day and 86399 seconds
    parts = {"days": size.days, "seconds": size.seconds, "microseconds": size.microseconds}
    said = [f"{name}={sign * number}" for name, number in parts.items() if number]
    return call(imports.name("datetime", "timedelta"), *(said or ["0"]))


def _uuid(value: UUID, imports: Imports) -> Code:
    return call(imports.name("uuid", "UUID"), quoted(str(value)))


def _repr(value: object, imports: Imports) -> Code:
    return repr(value)


def _str(value: str, imports: Imports) -> Code:
    return quoted(value)


def _bytes(value: bytes, imports: Imports) -> Code:
    return quoted_bytes(value)


def _without_last_zeros(numbers: Sequence[int]) -> list[str]:
    used = max((place for place, number in enumerate(numbers, start=1) if number), default=0)
    # One number is fine for a time, and for a datetime: midnight has none.
    return [str(number) for number in numbers[:used]]


_SPELLED: dict[type, Callable[[Any, Imports], Code]] = {
    bool: _repr,
    int: _repr,
    float: _float,
    Decimal: _decimal,
    str: _str,
    bytes: _bytes,
    datetime: _datetime,
    date: _date,
    time: _time,
    timedelta: _timedelta,
    UUID: _uuid,
}
