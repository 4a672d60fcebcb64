"""How ANSI SQL writes names and constants: `ANSI`. To add a Python type, add a case to `quote_literal`."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from arrowsync.sql import Quoting


def quote_identifier(name: str) -> str:
    """The name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(value: Any) -> str:
    """The constant as the standard writes it. What it has no literal for is the text of it, or a cast of that."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(int(value))
        case float() if not math.isfinite(value):
            return f"CAST({_string(str(value))} AS double precision)"
        case float():
            return repr(float(value)).upper()
        case Decimal() if value.is_finite():
            return format(value, "f")
        case bytes() | bytearray():
            return f"X{_string(bytes(value).hex())}"
        case datetime() if value.tzinfo is not None:
            return f"TIMESTAMP {_string(value.astimezone(UTC).isoformat(sep=' '))}"
        case datetime():
            return f"TIMESTAMP {_string(value.isoformat(sep=' '))}"
        case date():
            return f"DATE {_string(value.isoformat())}"
        case time():
            return f"TIME {_string(value.isoformat())}"
        case timedelta():
            return _interval(value)
        case dict() | list() | tuple():
            return _string(json.dumps(value, ensure_ascii=False))
        case _:
            return _string(str(value))


def _interval(value: timedelta) -> str:
    """INTERVAL, whose sign stands before its text."""
    size = abs(value)
    seconds, micros = size.seconds, size.microseconds
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{f'.{micros:06}' if micros else ''}"
    sign = "-" if value < timedelta(0) else ""
    return f"INTERVAL {sign}{_string(f'{size.days} {clock}')} DAY(9) TO SECOND(6)"


def _string(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


ANSI = Quoting(quote_identifier, quote_literal)
"""How the standard writes names and constants."""
