"""Which types hold all the values of another: the changes of a live column that lose nothing."""

from __future__ import annotations

import math

from arrowsync.catalog import SqlType
from arrowsync.dialects.postgres.quoting import MAX_NAME_BYTES

_INTEGERS = {"smallint": 5, "integer": 10, "bigint": 19}
"""Decimal digits that the values of an integer type may need."""
_WIDER_FLOATS = {
    ("smallint", "real"),
    ("smallint", "double precision"),
    ("integer", "double precision"),
    ("real", "double precision"),
}
_TIMES = ("timestamp", "timestamptz", "time", "interval")


def widens(old: SqlType, new: SqlType) -> bool:
    """Whether every value of `old` is one of `new`, unchanged.

    Of two types that hold the same values (text and citext), only that of a declaration widens to the other: a live column
    that takes all that is declared stays as its owner made it.
    """
    if old == new:
        return True
    if old.element is not None and new.element is not None:
        return widens(old.element, new.element)
    if new.labels or new.members:
        return False
    if old.labels:
        return new.name == "text" or (new.name == "varchar" and max(map(len, old.labels)) <= new.args[0])
    match old.name, new.name:
        case ("varchar" | "char" | "name", "text" | "citext") | ("text", "citext") | ("jsonb", "json"):
            return True
        case "text", "inet":
            return True  # an address is declared as text; the encoder takes nothing else for this type
        case ("varchar", "varchar" | "char") | ("char", "char"):
            return _length(old) <= _length(new)
        case "char", "varchar":
            return _length(old) < _length(new)
        case "name", "varchar":
            return _length(new) >= MAX_NAME_BYTES
        case "numeric", "numeric":
            return _holds_digits(new, *old.args) if old.args else False
        case ("smallint" | "integer" | "bigint") as name, "numeric":
            return _holds_digits(new, _INTEGERS[name], 0)
        case ("smallint" | "integer" | "bigint") as name, ("smallint" | "integer" | "bigint") as wider:
            return _INTEGERS[name] < _INTEGERS[wider]
        case name, same if name == same and name in _TIMES:
            return (old.args or (6,))[0] <= (new.args or (6,))[0]
        case pair:
            return pair in _WIDER_FLOATS


def _length(live: SqlType) -> float:
    return live.args[0] if live.args else math.inf


def _holds_digits(new: SqlType, precision: int, scale: int) -> bool:
    """Whether the numeric type has as many digits before and after the point."""
    if not new.args:
        return True
    return new.args[1] >= scale and new.args[0] - new.args[1] >= precision - scale
