"""Which types hold all the values of another: the changes of a live column that lose nothing."""

from __future__ import annotations

from collections.abc import Mapping

from arrowsync.catalog import SqlType
from arrowsync.encode.mysqlscalars import INTEGERS
from arrowsync.encode.mysqlstrings import BINARY_BYTES, TEXT_BYTES

_CHARACTER = 4
"""Bytes that a character of utf8mb4 may take."""
_EXACT: Mapping[str, int] = {"float": 2**24, "double": 2**53}
"""Up to where the floats leave out no integer."""
_SIZED = {"char": TEXT_BYTES, "varchar": TEXT_BYTES, "varbinary": BINARY_BYTES}


def widens(old: SqlType, new: SqlType) -> bool:
    """Whether every value of `old` is one of `new`, unchanged, or is refused by name when it is loaded.

    Of two types that hold the same values, only that of a declaration widens to the other: a live column that takes all that
    is declared stays as its owner made it.
    """
    if old == new:
        return True
    if old.labels and new.labels:
        return new.labels[: len(old.labels)] == old.labels
    if new.labels:
        return False
    if old.labels:
        longest = max(map(len, old.labels))
        return new.name in TEXT_BYTES if new.name != "varchar" else longest <= new.args[0]
    if old.name in INTEGERS or old.name in ("boolean", "year"):
        return _holds_integers(old.name, new)
    match old.name, new.name:
        case "float", "double":
            return True
        case "decimal", "decimal":
            whole = new.args[0] - new.args[1]
            return whole >= old.args[0] - old.args[1] and new.args[1] >= old.args[1]
        case ("datetime", "datetime") | ("time", "time") | ("timestamp", "timestamp"):
            return old.args <= new.args
        case "datetime", "timestamp":
            # A live timestamp stays one: as a datetime its moments would be others to whoever isn't in UTC. What is loaded
            # into it has a time zone and fits, or is refused.
            return True
        case "json", text:
            return text == "longtext"
        case ("varchar" | "char", "varchar") | ("varbinary", "varbinary"):
            return old.args <= new.args
        case "varbinary", "binary":
            return False
        case "binary", "varbinary":
            return old.args <= new.args
        case name, wider if name in _SIZED and wider in _SIZED[name]:
            return old.args[0] * (1 if name == "varbinary" else _CHARACTER) <= _SIZED[name][wider]
        case name, wider:
            return any(
                name in sizes and wider in sizes and sizes[name] <= sizes[wider] for sizes in (TEXT_BYTES, BINARY_BYTES)
            )


def _holds_integers(name: str, new: SqlType) -> bool:
    low, high = INTEGERS.get(name, (0, 1) if name == "boolean" else (0, 2155))
    if name == "boolean":
        low, high = INTEGERS["tinyint"]  # which it is, whatever it should hold
    if new.name in INTEGERS:
        return INTEGERS[new.name][0] <= low and high <= INTEGERS[new.name][1]
    if new.name in _EXACT:
        return max(-low, high) <= _EXACT[new.name]
    if new.name == "decimal":
        limit: int = 10 ** (new.args[0] - new.args[1])
        return limit > max(-low, high)
    return False
