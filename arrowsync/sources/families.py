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
    while unwrap := {kind: step for kind in kinds if (step := _unwrapper(kind, labelled)) is not None}:
        values = _unwrapped(values, unwrap)  # again and again: the value of an enum member may be a Timestamp
        kinds = set(map(type, values))
    complete = type(None) not in kinds
    found: set[Family] = {_family(kind) for kind in kinds if kind is not type(None)}
    if found in ({"naive"}, {"time"}):
        zones = _zones(values if complete else [value for value in values if value is not None])
        found = {_ZONED[family] if zone is not None else family for family in found for zone in zones}
        return Looked(values, found, complete, zones)
    if not found.isdisjoint(_ZONED):
        found = {family_of(value) for value in values if value is not None}
    return Looked(values, found, complete)


def _zones(values: Values) -> Collection[Any]:
    """The time zones of datetimes or times, each once; equal ones more often if they can't be hashed (of dateutil)."""
    try:
        return set(map(attrgetter("tzinfo"), values))
    except TypeError:
        return {id(zone): zone for zone in map(attrgetter("tzinfo"), values)}.values()


def _unwrapped(values: Values, unwrap: Mapping[Any, Callable[[Any], Any]]) -> Values:
    plain: list[Any] = []
    for index, value in enumerate(values):
        step = unwrap.get(cast("Any", type(value)))
        try:
            plain.append(value if step is None else step(value))
        except OverflowError as error:
            raise Misfit(index, value, "beyond what Python's dates and times can hold") from error
        except ValueError as error:
            raise Misfit(index, value, str(error)) from error
    return plain


@lru_cache(maxsize=1024)
def _unwrapper(kind: type, labelled: bool) -> Callable[[Any], Any] | None:
    """What turns values of a wrapping class into what they stand for; None for the classes that are plain."""
    if issubclass(kind, enum.Enum):
        return (lambda member: str(member.value)) if labelled else (lambda member: member.value)
    if kind.__name__ in ("NAType", "NaTType", "MaskedConstant"):  # of pandas and numpy
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
        return _from_arrow
    return None


_TOO_FINE = "finer than a microsecond"

# Of each unit of numpy that has one length, in attoseconds, the finest of them.
_LENGTHS: Mapping[str, int] = {
    "W": 604_800 * 10**18,
    "D": 86_400 * 10**18,
    "h": 3_600 * 10**18,
    "m": 60 * 10**18,
    "s": 10**18,
    "ms": 10**15,
    "us": 10**12,
    "ns": 10**9,
    "ps": 10**6,
    "fs": 10**3,
    "as": 1,
}


def _from_numpy(value: Any) -> Any:
    """A date, datetime or timedelta, or an OverflowError; in ints where numpy has none, as its 64 bits wrap by other units."""
    plain = value.item()
    moment = isinstance(value, np.datetime64)
    if plain is None or (moment and not isinstance(plain, int)):
        return plain
    unit, count = np.datetime_data(value.dtype)
    if moment and unit in ("Y", "M"):
        raise OverflowError
    if unit not in _LENGTHS:
        raise ValueError("without a unit that has a fixed length")
    micros, rest = divmod(int(value.view(np.int64)) * count * _LENGTHS[unit], 10**12)
    if rest:
        raise ValueError(_TOO_FINE)
    span = dt.timedelta(microseconds=micros)
    return dt.datetime(1970, 1, 1) + span if moment else span


def _from_arrow(scalar: Any) -> Any:
    """A scalar of pyarrow, whose `as_py` cuts times of day to microseconds (but tells of datetimes that are finer)."""
    kind: Any = scalar.type
    if "time64[ns]" not in str(kind) or not scalar.is_valid:
        return scalar.as_py()
    if isinstance(scalar, pa.DictionaryScalar | pa.ExtensionScalar):
        return _from_arrow(cast("Any", scalar).value)
    if isinstance(scalar, pa.StructScalar):
        members = cast("Mapping[str, Any]", scalar)
        return {name: _from_arrow(member) for name, member in members.items()}
    if isinstance(scalar, pa.MapScalar):
        return [tuple(_from_arrow(entry).values()) for entry in cast("Any", scalar).values]
    if pa.types.is_time(kind):
        if scalar.value % 1000:
            raise ValueError(_TOO_FINE)
        return scalar.as_py()
    return [_from_arrow(element) for element in scalar]


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


def shown(value: object) -> str:
    """A value in a message, cut where it is long."""
    text = repr_of(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def repr_of(value: object) -> str:
    """The repr, or what kind of value it is where that fails, as for ints of more than 4300 digits."""
    try:
        return repr(value)
    except Exception:  # a __repr__ may be anybody's
        if isinstance(value, int):
            return f"an int of {value.bit_length()} bits"
        return f"{with_article(type(value).__name__)} without a repr"


def with_article(name: str) -> str:
    """The name of a type with "a" or "an" before it."""
    return f"an {name}" if name[0] in "aeioAEIO" else f"a {name}"
