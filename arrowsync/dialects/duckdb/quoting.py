"""Names and constants as DuckDB writes them.

Constants carry their type (`DATE '2024-02-29'`) where their text alone would be read as another: `0.1` is a DECIMAL to DuckDB,
and `-0.0` has lost its sign then. To add a Python type, add a case to `quote_literal`.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from arrowsync.dialects.contract import Server
from arrowsync.errors import DeclarationError
from arrowsync.sql import Quoting


def quote_identifier(name: str) -> str:
    """The name in double quotes; names may be of any length."""
    if not name:
        raise DeclarationError("a name is empty")
    return '"' + _checked(name, f"the name {name!r}").replace('"', '""') + '"'


def quote_literal(value: Any) -> str:
    """The text of a constant of the type that DuckDB has for this Python type."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case float():
            return _typed(repr(float(value)), "DOUBLE")
        case Decimal() if value.is_finite():
            return format(value, "f")
        case str():
            return _string(value)
        case bytes() | bytearray():
            return _typed("".join(f"\\x{byte:02X}" for byte in value), "BLOB")
        case datetime() if value.tzinfo is not None:
            return _typed(value.astimezone(UTC).isoformat(sep=" "), "TIMESTAMP WITH TIME ZONE")
        case datetime():
            return _typed(value.isoformat(sep=" "), "TIMESTAMP")
        case date():
            return _typed(value.isoformat(), "DATE")
        case time() if value.tzinfo is None:
            return _typed(value.isoformat(), "TIME")
        case timedelta():
            return f"to_microseconds({value // timedelta(microseconds=1)})"
        case UUID():
            return _typed(str(value), "UUID")
        case dict() | list():
            return _typed(json.dumps(value, ensure_ascii=False, allow_nan=False), "JSON")
        case _:
            raise DeclarationError(
                f"a value of type {type(value).__qualname__} can't be written as a DuckDB constant: {value!r}"
            )


QUOTING = Quoting(quote_identifier, quote_literal)


def quoting(server: Server) -> Quoting:
    """The quoting of names and constants, the same in every version."""
    return QUOTING


def _typed(text: str, type_name: str) -> str:
    return f"{type_name} {_string(text)}"


def _string(text: str) -> str:
    # DuckDB knows no backslash escapes in a plain string.
    return "'" + _checked(text, "a text constant").replace("'", "''") + "'"


def _checked(text: str, what: str) -> str:
    if "\0" in text:
        raise DeclarationError(f"{what} holds a NUL character", hint="remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DeclarationError(f"{what} holds a lone surrogate, which is not text", hint="remove it") from None
    return text
