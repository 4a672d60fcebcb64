"""Names and constants as MySQL and MariaDB write them, and the beginning of a script: `prologue`.

Names stand in backticks and strings in single quotes, which every sql_mode reads alike. Only backslashes are read in two ways.
A date or time is a plain string: a typed one (`DATE '2024-02-29'`) is no default to MySQL. To add a Python type, add a case to
`quote_literal`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache, partial
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

from arrowsync.dialects.contract import Server
from arrowsync.dialects.mysql.server import NATIVE_UUID, NO_BACKSLASH_ESCAPES
from arrowsync.errors import DeclarationError
from arrowsync.sql import Quoting

MAX_NAME = 64
"""Characters of a name."""
_SPACES = " \t\n\v\f\r"
_TOKENS = re.compile(r"`(?:[^`]|``)*`|'(?:[^'\\]|''|\\.)*'", re.DOTALL)
"""Names and strings, as a session reads them in which backslashes escape."""


def check_name(name: str, *, table: str | None = None, field: str | None = None) -> None:
    """Refuse a name that the servers can't store as it is; `table` and `field` say in the error where it stands."""
    check_text(name, f"the name {name!r}", table=table, field=field)
    problem, way_out = None, "choose another one"
    if not name:
        problem, way_out = "a name is empty", "give it at least one character"
    elif len(name) > MAX_NAME:
        problem, way_out = f"the name {name!r} has {len(name)} characters, and {MAX_NAME} are allowed", "shorten it"
    elif name != name.rstrip(_SPACES):
        problem = f"the name {name!r} ends in a space"
    elif (letter := beyond_names(name)) is not None:
        problem = f"the name {name!r} holds {letter!r}, and MySQL would store a question mark instead"
    if problem is not None:
        raise DeclarationError(_at(problem, table, field), table=table, field=field, hint=way_out)


def check_text(text: str, what: str, *, table: str | None = None, field: str | None = None) -> None:
    """Refuse text that the servers take nowhere; `what` names the text in the error."""
    if "\0" in text:
        problem = _at(f"{what} holds a NUL character", table, field)
        raise DeclarationError(problem, table=table, field=field, hint="remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        problem = _at(f"{what} holds a lone surrogate, which is not text", table, field)
        raise DeclarationError(problem, table=table, field=field, hint="remove it") from None


def beyond_names(text: str) -> str | None:
    """The first character that the server's own tables, which hold names and comments, would lose: they are in utf8mb3."""
    return next((letter for letter in text if letter > "\uffff"), None)


def _at(problem: str, table: str | None, field: str | None) -> str:
    place = ".".join(part for part in (table, field) if part)
    return f"{place}: {problem}" if place else problem


def quote_identifier(name: str) -> str:
    """The name in backticks."""
    check_name(name)
    return "`" + name.replace("`", "``") + "`"


def quote_literal(value: Any, *, backslash_escapes: bool = True, native_uuid: bool = False) -> str:
    """The text of a constant of the type that the server has for this Python type.

    `backslash_escapes` is how the session reads backslashes, `native_uuid` whether a UUID is more than 16 bytes.
    """
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case float():
            return _float(value)
        case Decimal() if value.is_finite():
            return format(value, "f")
        case str():
            return _string(value, backslash_escapes)
        case bytes() | bytearray():
            return f"x'{bytes(value).hex()}'"
        case datetime():
            return f"'{(value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat(sep=' ')}'"
        case date():
            return f"'{value.isoformat()}'"
        case time() if value.tzinfo is None:
            return f"'{value.isoformat()}'"
        case timedelta():
            return str(value // timedelta(microseconds=1))
        case UUID():
            return f"'{value}'" if native_uuid else f"x'{value.hex}'"
        case IPv4Address() | IPv6Address():
            return f"x'{value.packed.hex()}'"
        case dict() | list() | tuple():
            return _string(_json(value), backslash_escapes)
        case _:
            raise DeclarationError(
                f"a value of type {type(value).__qualname__} can't be written as a MySQL constant: {value!r}"
            )


@cache
def quoting(server: Server) -> Quoting:
    """The quoting of names and constants on this server."""
    literal = partial(
        quote_literal,
        backslash_escapes=NO_BACKSLASH_ESCAPES not in server.features,
        native_uuid=NATIVE_UUID in server.features,
    )
    return Quoting(quote_identifier, literal)


def prologue(statements: Sequence[str]) -> tuple[str, ...]:
    """Statements at the start of a script: its character set, and backslashes that escape."""
    needed: list[str] = []
    if not all(statement.isascii() for statement in statements):
        needed.append("SET NAMES utf8mb4")
    if any("\\" in _TOKENS.sub(_without_names, statement) for statement in statements):
        needed.append("SET SESSION sql_mode = REPLACE(@@sql_mode, 'NO_BACKSLASH_ESCAPES', '')")
    return tuple(needed)


def _without_names(token: re.Match[str]) -> str:
    """Strings as they are, and nothing for a name: a backslash in it is only a backslash."""
    return "" if token[0].startswith("`") else token[0]


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise DeclarationError(f"MySQL has no {value}", hint="use NULL, or a number")
    if value == 0 and math.copysign(1, value) < 0:
        raise DeclarationError("-0.0 loses its sign in a MySQL constant", hint="write 0.0")
    return repr(float(value))


def _string(text: str, backslash_escapes: bool) -> str:
    check_text(text, "a text constant")
    quoted = "'" + text.replace("'", "''") + "'"
    return quoted.replace("\\", "\\\\") if backslash_escapes else quoted


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DeclarationError(f"{value!r} has no form in JSON: {error}", hint="use what JSON has") from None
