"""The `Family` of a Python value, regardless of its exact class, and the `Rule` by which an Arrow type takes such values."""

from __future__ import annotations

import datetime as dt
import enum
import ipaddress
import json
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
    """Return the family of an unwrapped value."""
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
    """The function that unwraps values of a wrapping class; None for plain classes."""
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
    """The position of the first value that is of none of the families, and the value."""
    return next((i, v) for i, v in enumerate(values) if v is not None and family_of(v) not in families)


def is_nan(value: Any) -> bool:
    """True if it is the float or the decimal that is no number."""
    if isinstance(value, Decimal):
        return value.is_nan()
    return isinstance(value, float | np.floating) and bool(value != value)


def kind_of(value: object) -> str:
    """The kind of a value, in words for a message: "an int", "a datetime with a time zone"."""
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
    """The values that an Arrow type takes: `plain` as `pa.array` does, `adapt` by a step that is exact or a ValueError."""

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
    """Return the rule of an Arrow type."""
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
    """True if it is a list, in any layout."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def members_of(struct: Any) -> Mapping[str, pa.DataType]:
    """The members of a struct type by name."""
    return {struct.field(index).name: struct.field(index).type for index in range(struct.num_fields)}
