"""How SQLite writes names and constants. A constant is written in the form in which a column stores its Python type."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from arrowsync.dialects.contract import Server
from arrowsync.errors import DeclarationError
from arrowsync.sql import Quoting


def quote_identifier(name: str) -> str:
    """The name in double quotes; names may be of any length."""
    return '"' + _checked(name, f"the name {name!r}").replace('"', '""') + '"'


def quote_literal(value: Any) -> str:
    """The text of a constant of the storage class that columns hold this Python type in."""
    match stored_value(value):
        case None:
            return "NULL"
        case int() as number:
            return str(int(number))
        case float() as number if math.isinf(number):
            return "9e999" if number > 0 else "-9e999"
        case float() as number if not math.isnan(number):
            return repr(float(number))
        case str() as text:
            return _string(text)
        case bytes() | bytearray() as data:
            return f"X'{bytes(data).hex()}'"
        case _:
            raise DeclarationError(
                f"a value of type {type(value).__qualname__} can't be written as a SQLite constant: {value!r}"
            )


def stored_value(value: Any) -> Any:
    """The number, text or bytes that columns hold for a Python value."""
    match value:
        case Decimal() if value.is_finite():
            return format(value, "f")
        case UUID():
            return value.bytes
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
        case date() | time():
            return value.isoformat()
        case timedelta():
            return value // timedelta(microseconds=1)
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, allow_nan=False)
        case _:
            return value


QUOTING = Quoting(quote_identifier, quote_literal)


def quoting(server: Server) -> Quoting:
    """How names and constants are written: the same in every version."""
    return QUOTING


def text_problem(text: str) -> str | None:
    """Why SQLite can't hold the text in a statement, as the end of a sentence."""
    if "\0" in text:
        return "holds a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds a lone surrogate, which is not text"
    return None


def _string(text: str) -> str:
    return "'" + _checked(text, "a text constant").replace("'", "''") + "'"


def _checked(text: str, what: str) -> str:
    if (problem := text_problem(text)) is not None:
        raise DeclarationError(f"{what} {problem}", hint="remove it")
    return text
