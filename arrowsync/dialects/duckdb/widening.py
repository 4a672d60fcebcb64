"""Which of DuckDB's types hold all values of which others: `widens`, for the planning of migrations.

A new type gets a line in `_INTEGERS` or in `_WIDER`, or a case in `widens`.
"""

from __future__ import annotations

from collections.abc import Mapping

from arrowsync.catalog import SqlType

_INTEGERS: Mapping[str, tuple[int, int]] = {
    **{
        name: (-(1 << bits - 1), (1 << bits - 1) - 1)
        for name, bits in {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64, "hugeint": 128}.items()
    },
    **{
        name: (0, (1 << bits) - 1)
        for name, bits in {"utinyint": 8, "usmallint": 16, "uinteger": 32, "ubigint": 64, "uhugeint": 128}.items()
    },
}
_WHOLE_NUMBERS = {"float": 1 << 24, "double": 1 << 53}
"""Up to where a floating-point type has every whole number."""

_WIDER: Mapping[str, frozenset[str]] = {
    "float": frozenset({"double"}),
    "timestamp_s": frozenset({"timestamp_ms", "timestamp"}),
    "timestamp_ms": frozenset({"timestamp"}),
    "time": frozenset({"time_ns"}),
    "json": frozenset({"varchar"}),
    "enum": frozenset({"varchar"}),
}


def widens(old: SqlType, new: SqlType) -> bool:
    """Whether every value of `old` is one of `new`, unchanged."""
    if old == new:
        return True
    if old.element is not None and new.element is not None:
        return widens(old.element, new.element)
    if old.members and new.members:
        # By their names: a member that is new is NULL in the rows that are there.
        wider = dict(new.members)
        return all(name in wider and widens(kind, wider[name]) for name, kind in old.members)
    if old.name == new.name == "enum":
        return set(old.labels) <= set(new.labels)
    if (held := _whole_range(old)) is not None:
        if (limits := _whole_range(new)) is not None:
            return limits[0] <= held[0] and held[1] <= limits[1]
        if (exact_to := _WHOLE_NUMBERS.get(new.name)) is not None:
            return -exact_to <= held[0] and held[1] <= exact_to
    if new.name == "decimal":
        digits, scale = new.args
        if old.name == "decimal":
            return old.args[1] <= scale and old.args[0] - old.args[1] <= digits - scale
        return held is not None and max(-held[0], held[1]) < 10 ** (digits - scale)
    return new.name in _WIDER.get(old.name, ())


def _whole_range(live: SqlType) -> tuple[int, int] | None:
    """The least and greatest value of a type of whole numbers."""
    if live.name == "decimal" and live.args[1] == 0:
        return 1 - 10 ** live.args[0], 10 ** live.args[0] - 1
    return _INTEGERS.get(live.name)
