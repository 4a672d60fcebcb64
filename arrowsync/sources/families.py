"""What a Python value is: its `Family`, regardless of its exact class, and what it stands for where a class wraps it.

To add a Python type: its family in `_FAMILIES`, or what it stands for in `_unwrapper`.
"""

from __future__ import annotations

import datetime as dt
import enum
import ipaddress
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import pyarrow as pa

Values: TypeAlias = Sequence[Any]
Family: TypeAlias = (
    Literal["bool", "int", "float", "decimal", "text", "bytes", "uuid"]
    | Literal["naive", "aware", "date", "time", "delta", "list", "record", "other"]
)
"""`naive` and `aware` are datetimes without and with a time zone, `other` is what no column holds."""


class Misfit(Exception):
    """The value at `index` doesn't fit the type of its column; `reason` is a phrase that follows "is"."""

    def __init__(self, index: int, value: object, reason: str) -> None:
        super().__init__(reason)
        self.index = index
        self.value = value
        self.reason = reason


# The first that matches counts: subclasses stand before their bases.
_FAMILIES: tuple[tuple[tuple[type, ...], Family], ...] = (
    ((bool, np.bool_), "bool"),
    ((int, np.integer), "int"),
    ((np.longdouble,), "other"),  # more digits than a float64
    ((float, np.floating), "float"),
    ((Decimal,), "decimal"),
    ((str,), "text"),
    ((bytes, bytearray, memoryview), "bytes"),
    ((dt.datetime,), "naive"),
    ((dt.date,), "date"),
    ((dt.time,), "time"),
    ((dt.timedelta,), "delta"),
    ((uuid.UUID,), "uuid"),
    ((Mapping,), "record"),
    ((list, tuple, set, frozenset, np.ndarray), "list"),
)


# What they are when they have a time zone; a time of day with one is no column type.
_ZONED: Mapping[Family, Family] = {"naive": "aware", "time": "other"}


@lru_cache(maxsize=1024)
def _family(kind: Any) -> Family:
    if is_dataclass(kind) or hasattr(kind, "_fields"):  # a NamedTuple has _fields
        return "record"
    for kinds, family in _FAMILIES:
        if issubclass(kind, kinds):
            return family
    return "other"


def family_of(value: Any) -> Family:
    """What an unwrapped value is."""
    family = _family(cast("Any", type(value)))
    if family in _ZONED and getattr(value, "tzinfo", None) is not None:
        return _ZONED[family]
    return family


@dataclass(frozen=True, slots=True)
class Looked:
    """Values without what wrapped them: their families, whether all are there, and the time zones of datetimes or times."""

    values: Values
    families: set[Family]
    complete: bool
    zones: Collection[Any] = ()


def looked_at(values: Values, *, labelled: bool = False) -> Looked:
    """The values with whatever wraps them taken off (as `labelled`, enum members become their labels), and what they are."""
    kinds: set[Any] = set(map(type, values))
    unwrap = {kind: step for kind in kinds if (step := _unwrapper(kind, labelled)) is not None}
    if unwrap:
        values = _unwrapped(values, unwrap)
        kinds = set(map(type, values))
    complete = type(None) not in kinds
    found: set[Family] = {_family(kind) for kind in kinds if kind is not type(None)}
    if found in ({"naive"}, {"time"}):
        present: Any = values if complete else filter(None, values)
        zones: set[Any] = set(map(attrgetter("tzinfo"), present))
        found = {_ZONED[family] if zone is not None else family for family in found for zone in zones}
        return Looked(values, found, complete, zones)
    if not found.isdisjoint(_ZONED):
        found = {family_of(value) for value in values if value is not None}
    return Looked(values, found, complete)


def _unwrapped(values: Values, unwrap: Mapping[Any, Callable[[Any], Any]]) -> Values:
    plain: list[Any] = []
    for index, value in enumerate(values):
        step = unwrap.get(cast("Any", type(value)))
        try:
            plain.append(value if step is None else step(value))
        except ValueError as error:
            raise Misfit(index, value, str(error)) from error
    return plain


@lru_cache(maxsize=1024)
def _unwrapper(kind: type, labelled: bool) -> Callable[[Any], Any] | None:
    """What turns values of a wrapping class into what they stand for; None for the classes that are plain."""
    if issubclass(kind, enum.Enum):
        return (lambda member: str(member.value)) if labelled else (lambda member: member.value)
    if kind.__name__ in ("NAType", "NaTType"):  # of pandas
        return lambda _: None
    if issubclass(kind, np.datetime64 | np.timedelta64):
        return _from_numpy
    if issubclass(kind, dt.datetime) and hasattr(kind, "to_pydatetime"):
        return _from_timestamp
    if issubclass(kind, dt.timedelta) and hasattr(kind, "to_pytimedelta"):
        return _from_timedelta
    if issubclass(kind, ipaddress.IPv4Address | ipaddress.IPv6Address):
        return str
    if issubclass(kind, pa.Scalar):
        return lambda scalar: scalar.as_py()
    return None


_TOO_FINE = "finer than a microsecond"


def _from_numpy(value: Any) -> Any:
    plain = value.item()
    if not isinstance(plain, int):  # a date, datetime or timedelta, or None for NaT
        return plain
    micros = value.astype(f"{value.dtype.kind}8[us]")
    if micros != value:
        raise ValueError(_TOO_FINE)
    return micros.item()


def _from_timestamp(value: Any) -> dt.datetime:
    if value.nanosecond:
        raise ValueError(_TOO_FINE)
    return cast("dt.datetime", value.to_pydatetime())


def _from_timedelta(value: Any) -> dt.timedelta:
    if value.nanoseconds:
        raise ValueError(_TOO_FINE)
    return cast("dt.timedelta", value.to_pytimedelta())


# ---- for messages -----------------------------------------------------------------------------------------------------


def first_outside(values: Values, families: Collection[Family]) -> tuple[int, Any]:
    """Where the first value stands that is of none of the families, and the value."""
    return next((i, v) for i, v in enumerate(values) if v is not None and family_of(v) not in families)


def kind_of(value: object) -> str:
    """What to call a value in a message: "an int", "a datetime with a time zone"."""
    match family_of(value):
        case "naive":
            return "a datetime without a time zone"
        case "aware":
            return "a datetime with a time zone"
        case "other" if isinstance(value, dt.time):
            return "a time with a time zone"
        case _:
            return with_article(type(value).__name__)


def with_article(name: str) -> str:
    """The name of a type with "a" or "an" before it."""
    return f"an {name}" if name[0] in "aeioAEIO" else f"a {name}"
