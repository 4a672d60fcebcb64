"""What an Arrow type takes of Python values: its `Rule`, and the type in which values of a declared column travel.

To add an Arrow type: its line in `_RULES`, and in `_TARGETS` if it can be declared.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import pyarrow as pa

from arrowsync.sources.families import Family


def _whole(value: Any) -> int:
    try:
        whole = int(value)
    except (ValueError, OverflowError) as error:  # NaN and infinity
        raise ValueError("not a whole number") from error
    if whole != value:
        raise ValueError("not a whole number")
    return whole


def _at_midnight(value: dt.date) -> dt.datetime:
    return dt.datetime(value.year, value.month, value.day)


def _without_time(value: dt.datetime) -> dt.date:
    if value != _at_midnight(value):
        raise ValueError("a date with a time of day")
    return value.date()


def _json_text(value: object) -> str:
    try:
        text = _ENCODER.encode(value)
        _check_keys(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({error})") from error
    return text


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_NESTED = (dict, list, tuple)


def _check_keys(value: Any) -> None:
    """All keys are text, or a TypeError: the encoder makes text of the others, by which the keys 1 and "1" would be the same."""
    nested: list[Any] = [value] if isinstance(value, _NESTED) else []
    while nested:
        members: Any = nested.pop()
        if isinstance(members, dict):
            try:
                "".join(cast("Any", members))  # no faster way was found to ask for all keys at once
            except TypeError:
                raise TypeError("a key is no text") from None
            members = cast("Any", members).values()
        nested += [member for member in members if isinstance(member, _NESTED)]


@dataclass(frozen=True, slots=True)
class Rule:
    """What an Arrow type takes: `plain` as `pa.array` does it, `adapt` by a step that is exact or a ValueError."""

    plain: frozenset[Family]
    adapt: Mapping[Family, Callable[[Any], Any]]


def _rule(*plain: Family, **adapt: Callable[[Any], Any]) -> Rule:
    return Rule(frozenset(plain), cast("Mapping[Family, Callable[[Any], Any]]", adapt))


_INTEGER = _rule("int", float=_whole, decimal=_whole)
_FLOAT = _rule("float", "int")  # pa.array refuses the integers that have no exact float
_DECIMAL = _rule("decimal", "int")
_NAIVE = _rule("naive", date=_at_midnight)
# A str in a JSON column is JSON text, as it is in a frame's string column; everything else is dumped.
JSON = _rule("text", **dict.fromkeys(["bool", "int", "float", "list", "record"], _json_text))
NOTHING = _rule()

_RULES: tuple[tuple[Callable[[Any], bool], Rule], ...] = (
    (pa.types.is_integer, _INTEGER),
    (pa.types.is_floating, _FLOAT),
    (pa.types.is_boolean, _rule("bool")),
    (pa.types.is_decimal, _DECIMAL),
    (pa.types.is_string, _rule("text")),
    (pa.types.is_dictionary, _rule("text")),
    (pa.types.is_binary, _rule("bytes")),
    (pa.types.is_date, _rule("date", naive=_without_time)),
    (pa.types.is_time, _rule("time")),
    (pa.types.is_duration, _rule("delta")),
    (pa.types.is_list, _rule("list")),
    (pa.types.is_struct, _rule("record")),
    (lambda kind: pa.types.is_timestamp(kind) and kind.tz is None, _NAIVE),
    (pa.types.is_timestamp, _rule("aware")),
    (lambda kind: isinstance(kind, pa.JsonType), JSON),
    (lambda kind: isinstance(kind, pa.UuidType), _rule("uuid")),
)


@lru_cache(maxsize=256)
def rule_of(kind: pa.DataType) -> Rule:
    """What a type takes."""
    return next((rule for fits, rule in _RULES if fits(kind)), NOTHING)


def target_of(declared: Any) -> pa.DataType | None:
    """The type in which values of a declared column travel, for the converter to narrow; None for an unusual type."""
    kinds = pa.types
    if kinds.is_uint64(declared) or kinds.is_boolean(declared) or kinds.is_decimal(declared):
        return cast("pa.DataType", declared)
    if isinstance(declared, pa.JsonType | pa.UuidType):
        return declared
    if kinds.is_timestamp(declared):
        return pa.timestamp("us", declared.tz and "UTC")
    if kinds.is_dictionary(declared) and target_of(declared.value_type) == pa.string():
        return pa.dictionary(pa.int32(), pa.string())
    for fits, target in _TARGETS:
        if fits(declared):
            return target
    if is_list(declared):
        element = target_of(declared.value_type)
        return pa.list_(element) if element is not None else None
    if kinds.is_struct(declared):
        targets = {name: target_of(kind) for name, kind in members_of(declared).items()}
        return pa.struct([(name, kind) for name, kind in targets.items() if kind is not None])
    return None


_TARGETS: tuple[tuple[Callable[[Any], bool], pa.DataType], ...] = (
    (pa.types.is_integer, pa.int64()),
    (pa.types.is_floating, pa.float64()),
    (pa.types.is_string, pa.string()),
    (pa.types.is_large_string, pa.string()),
    (pa.types.is_string_view, pa.string()),
    (pa.types.is_binary, pa.binary()),
    (pa.types.is_large_binary, pa.binary()),
    (pa.types.is_binary_view, pa.binary()),
    (pa.types.is_fixed_size_binary, pa.binary()),
    (pa.types.is_date, pa.date32()),
    (pa.types.is_time, pa.time64("us")),
    (pa.types.is_duration, pa.duration("us")),
)


def is_list(kind: Any) -> bool:
    """Whether it is a list, in any layout."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def members_of(struct: Any) -> Mapping[str, pa.DataType]:
    """The members of a struct type by name."""
    return {struct.field(index).name: struct.field(index).type for index in range(struct.num_fields)}
