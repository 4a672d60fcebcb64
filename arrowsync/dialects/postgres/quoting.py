"""How PostgreSQL writes names and constants.

Constants carry their type (`'2020-02-29'::date`), so that they mean the same whatever they stand next to, and none depends
on a setting of the session. To add a Python type, add a case to `quote_literal`.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

from arrowsync.dialects.dialect import Server
from arrowsync.errors import DeclarationError
from arrowsync.sql import Quoting

MAX_NAME_BYTES = 63
"""The server cuts longer names, with no more than a notice (NAMEDATALEN - 1)."""


def check_name(name: str, *, table: str | None = None, field: str | None = None) -> None:
    """Refuse a name that PostgreSQL can't store as it is; `table` and `field` say in the error where it stands."""
    if not name:
        raise DeclarationError("a name is empty", table=table, field=field, hint="give it at least one character")
    size = len(_encoded(name, f"the name {name!r}", table, field))
    if size > MAX_NAME_BYTES:
        raise DeclarationError(
            f"the name {name!r} has {size} bytes, and PostgreSQL keeps {MAX_NAME_BYTES} of a name",
            table=table,
            field=field,
            hint="choose a shorter one: the server would cut it without an error",
        )


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
        case float():
            return _typed(_float(value), "double precision")
        case Decimal():
            return format(value, "f") if value.is_finite() else _typed(str(value), "numeric")
        case str():
            return _string(value)
        case bytes() | bytearray():
            return _typed("\\x" + bytes(value).hex(), "bytea")
        case datetime() if value.tzinfo is not None:
            return _typed(value.astimezone(UTC).isoformat(sep=" "), "timestamptz")
        case datetime():
            return _typed(value.isoformat(sep=" "), "timestamp")
        case date():
            return _typed(value.isoformat(), "date")
        case time() if value.tzinfo is None:
            return _typed(value.isoformat(), "time")
        case timedelta():
            return _typed(f"{value // timedelta(microseconds=1)} microseconds", "interval")
        case UUID():
            return _typed(str(value), "uuid")
        case IPv4Address() | IPv6Address():
            return _typed(str(value), "inet")
        case dict() | list() | tuple():
            return _typed(json.dumps(value, ensure_ascii=False, allow_nan=False), "jsonb")
        case _:
            raise DeclarationError(
                f"a value of type {type(value).__qualname__} can't be written as a PostgreSQL constant: {value!r}"
            )


QUOTING = Quoting(quote_identifier, quote_literal)


def quoting(server: Server) -> Quoting:
    """How this server's names and constants are written: the same on all."""
    return QUOTING


def _typed(text: str, type_name: str) -> str:
    return f"{_string(text)}::{type_name}"


def _string(text: str) -> str:
    """A string constant that reads the same whatever standard_conforming_strings is, as libpq writes it."""
    _encoded(text, "a text constant", None, None)
    quoted = "'" + text.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in text else quoted


def _float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(float(value))


def _encoded(text: str, what: str, table: str | None, field: str | None) -> bytes:
    if "\0" in text:
        raise DeclarationError(
            f"{what} holds a NUL character",
            table=table,
            field=field,
            hint="remove it: PostgreSQL stores text without NUL",
        )
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise DeclarationError(
            f"{what} holds a lone surrogate, which is not text", table=table, field=field, hint="mend the text"
        ) from None
