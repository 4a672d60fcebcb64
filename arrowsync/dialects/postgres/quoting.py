"""Names and constants as PostgreSQL writes them.

Constants carry their type (`'2020-02-29'::date`), so that they mean the same whatever they stand next to, and none depends
on a setting of the session; plain numbers and the defaults of columns need none. To add a Python type, add a case to `text_of`.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

from arrowsync.dialects.contract import Server
from arrowsync.errors import DeclarationError
from arrowsync.sql import Quoting

MAX_NAME_BYTES = 63
"""The server cuts longer names, with no more than a notice (NAMEDATALEN - 1)."""


def check_name(name: str, *, table: str | None = None, field: str | None = None) -> None:
    """Refuse a name that PostgreSQL can't store as it is; `table` and `field` say in the error where it stands."""
    if not name:
        raise DeclarationError("a name is empty", table=table, field=field)
    check_text(name, f"the name {name!r}", table=table, field=field)
    size = len(name.encode())
    if size > MAX_NAME_BYTES:
        raise DeclarationError(
            f"the name {name!r} has {size} bytes, and PostgreSQL keeps {MAX_NAME_BYTES} of a name",
            table=table,
            field=field,
            hint="choose a shorter one: the server would cut it without an error",
        )


def check_text(text: str, what: str, *, table: str | None = None, field: str | None = None) -> None:
    """Refuse text that PostgreSQL can't store; `what` names the text in the error."""
    where = f"{table}.{field}: " if table and field else f"{table}: " if table else ""
    if "\0" in text:
        raise DeclarationError(
            f"{where}{what} holds a NUL character",
            table=table,
            field=field,
            hint="remove it: PostgreSQL stores text without NUL",
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DeclarationError(
            f"{where}{what} holds a lone surrogate, which is not text", table=table, field=field, hint="remove it"
        ) from None


def check_json(text: str, *, table: str | None = None, field: str | None = None) -> None:
    """Refuse JSON with an escaped NUL in it, which jsonb doesn't take."""
    if "\\u0000" in text.replace("\\\\", ""):
        check_text("\0", "a JSON constant", table=table, field=field)


def quote_identifier(name: str) -> str:
    """The name in double quotes."""
    check_name(name)
    return '"' + name.replace('"', '""') + '"'


def quote_literal(value: Any) -> str:
    """The text of a constant of the type that PostgreSQL has for this Python type."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case str():
            return _string(value)
        case float() if _is_number(value):
            return repr(float(value))  # every type of numbers takes it as it would take the double
        case Decimal() if value.is_finite():
            return format(value, "f")
        case _:
            text, type_name = text_of(value)
            return f"{_string(text)}::{type_name}"


def untyped(value: Any) -> Any:
    """The value as a constant without a type, for a place where the column gives the type."""
    match value:
        case None | bool() | int() | str():
            return value
        case float() if _is_number(value):
            return value
        case Decimal() if value.is_finite():
            return value
        case _:
            return text_of(value)[0]


def text_of(value: Any) -> tuple[str, str]:
    """A value as text that is the same whatever the settings of the session, and the type that this is the text of."""
    match value:
        case float():
            return "NaN" if math.isnan(value) else _INFINITE.get(value, "-0"), "double precision"
        case Decimal():
            return str(value), "numeric"
        case bytes() | bytearray():
            return "\\x" + bytes(value).hex(), "bytea"
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat(sep=" "), "timestamptz"
        case datetime():
            return value.isoformat(sep=" "), "timestamp"
        case date():
            return value.isoformat(), "date"
        case time() if value.tzinfo is None:
            return value.isoformat(), "time"
        case timedelta():
            return _interval(value // timedelta(microseconds=1)), "interval"
        case UUID():
            return str(value), "uuid"
        case IPv4Address() | IPv6Address():
            return str(value), "inet"
        case dict() | list() | tuple():
            return _json(value), "jsonb"
        case _:
            raise DeclarationError(
                f"a value of type {type(value).__qualname__} can't be written as a PostgreSQL constant: {value!r}"
            )


_INFINITE = {math.inf: "Infinity", -math.inf: "-Infinity"}


QUOTING = Quoting(quote_identifier, quote_literal)


def quoting(server: Server) -> Quoting:
    """The quoting of names and constants, the same on all servers."""
    return QUOTING


def _is_number(value: float) -> bool:
    """True for a number that every numeric type has: no infinity, no NaN, no negative zero."""
    return math.isfinite(value) and (value != 0 or math.copysign(1, value) > 0)


def _interval(microseconds: int) -> str:
    """Hours, minutes and seconds: a day has no fixed length in an interval, and no sign but the first is read alike."""
    seconds, rest = divmod(abs(microseconds), 1_000_000)
    sign = "-" if microseconds < 0 else ""
    fraction = f".{rest:06}" if rest else ""
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{fraction}"


def _json(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DeclarationError(f"{value!r} has no form in JSON: {error}", hint="use what JSON has") from None
    check_json(text)
    return text


def _string(text: str) -> str:
    """A string constant that reads the same whatever standard_conforming_strings is, as libpq writes it."""
    check_text(text, "a text constant")
    quoted = "'" + text.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted
