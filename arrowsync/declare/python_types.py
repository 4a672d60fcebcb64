"""One Python type, with its annotations, becomes an Arrow type and what Arrow can't say of the column.

`dataclasses` calls `read_type` for each field. To add a type: a line in `_ARROW_TYPES`, or a case in `_from_annotation`
where it has parameters; its default values are checked in `defaults`.
"""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin
from uuid import UUID

import pyarrow as pa

from arrowsync.declare import markers as m
from arrowsync.declare.place import Place, is_storable

_ARROW_TYPES: dict[Any, pa.DataType] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    Decimal: pa.decimal128(38, 9),
    str: pa.string(),
    bytes: pa.binary(),
    bytearray: pa.binary(),
    datetime: pa.timestamp("us"),
    date: pa.date32(),
    time: pa.time64("us"),
    timedelta: pa.duration("us"),
    UUID: pa.uuid(),
    IPv4Address: pa.string(),
    IPv6Address: pa.string(),
    dict: pa.json_(),
}

ENUM_TYPE = pa.dictionary(pa.int32(), pa.string())
"""The type of each enum column; its labels stand in the spec, since an Arrow type can't hold them."""

_TIMESTAMP_UNITS: dict[int, Literal["s", "ms", "us"]] = {0: "s", 3: "ms", 6: "us"}

_APPLIES_TO: dict[type, tuple[type, ...]] = {
    m.MaxLength: (str, bytes, bytearray),
    m.Precision: (Decimal,),
    m.TimePrecision: (datetime,),
    m.TimeZone: (datetime,),
}

# Their text is the same wherever and whenever the program runs, unlike the text of an object or of a set.
_LABEL_VALUES = (str, int, float, Decimal, date, time, UUID)

_TYPES_HINT = (
    "a column is bool, int (int8 ... uint64), float (float32), Decimal, str, bytes, datetime, date, time, timedelta, UUID, "
    "an Enum, a Literal of strings, an IP address, dict or JsonType, or the Optional of one of them"
)


@dataclass(frozen=True, slots=True)
class FieldType:
    """What the annotation of one field says.

    `arrow` is the Arrow type of the column, `classes` are those that its values are instances of in Python (empty for
    `JsonType`, whose values are of several). The rest is as on `ColumnSpec`.
    """

    arrow: pa.DataType
    classes: tuple[type, ...]
    nullable: bool = False
    max_length: int | None = None
    labels: tuple[str, ...] = ()
    enum_name: str | None = None
    primary_key: bool = False
    unique: bool = False
    identity: bool = False
    renamed_from: str | None = None


def read_type(annotation: object, place: Place) -> FieldType:
    """What `annotation` says of the column at `place`: its type, and what our markers add to it.

    A type that no column can have, and a marker that doesn't fit its type, is a DeclarationError.
    """
    bare, metadata, nullable = _unwrap(annotation)
    marks = _read_markers(metadata, place)
    for kind, allowed in _APPLIES_TO.items():
        if kind in marks and bare not in allowed:
            raise place.error(
                f"{kind.__name__} doesn't apply to {type_name(bare)}",
                hint=f"it applies to {' and '.join(cls.__name__ for cls in allowed if cls is not bytearray)}: remove it",
            )
    found = _from_annotation(bare, marks, place)
    length, renamed = marks.get(m.MaxLength), marks.get(m.RenamedFrom)
    field_type = dataclasses.replace(
        found,
        nullable=nullable or found.nullable,
        max_length=length.n if isinstance(length, m.MaxLength) else None,
        primary_key=m.PrimaryKeyMarker in marks,
        unique=m.UniqueMarker in marks,
        identity=m.IdentityMarker in marks,
        renamed_from=renamed.name if isinstance(renamed, m.RenamedFrom) else None,
    )
    _check_keys(field_type, place)
    return field_type


def enum_label(member: enum.Enum) -> str:
    """The text that stands for a member of an enum in the database: that of its value."""
    return str(member.value)


def type_name(annotation: object) -> str:
    """An annotation as the user wrote it, without the names of modules where there is just a class."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__qualname__ if annotation is not NoneType else "None"
    return str(annotation).replace("typing.", "")


def _unwrap(annotation: object) -> tuple[Any, list[object], bool]:
    """The type inside `Annotated`, `Optional`, `NewType` and `type X = ...`; all that annotates it; is it Optional?"""
    metadata: list[object] = []
    nullable = False
    alias: Any = getattr(typing, "TypeAliasType", ())
    inner: Any = annotation
    while True:
        if get_origin(inner) is Annotated:
            metadata += inner.__metadata__
            inner = inner.__origin__
        elif isinstance(inner, typing.NewType):
            inner = inner.__supertype__
        elif isinstance(inner, alias):
            inner = inner.__value__
        elif get_origin(inner) in (Union, UnionType) and NoneType in get_args(inner):
            nullable = True
            inner = Union[tuple(part for part in get_args(inner) if part is not NoneType)]  # noqa: UP007
        else:
            return inner, metadata, nullable


def _read_markers(metadata: Collection[object], place: Place) -> Mapping[type, m.Marker]:
    marks: dict[type, m.Marker] = {}
    for mark in metadata:
        if isinstance(mark, type) and issubclass(mark, m.Marker):
            raise place.error(
                f"the annotation {mark.__name__} has no argument", hint=f"write {mark.__name__}(...), not just its name"
            )
        if not isinstance(mark, m.Marker):
            raise place.error(
                f"unknown annotation {mark!r}",
                hint="remove it; known are PrimaryKey, Unique, Identity, MaxLength, Precision, TimePrecision, TimeZone and "
                "RenamedFrom",
            )
        before = marks.setdefault(type(mark), mark)
        if before != mark:
            raise place.error(f"is declared both {before!r} and {mark!r}", hint="keep one of them")
    return marks


def _check_keys(field_type: FieldType, place: Place) -> None:
    if field_type.nullable and field_type.primary_key:
        raise place.error("a primary key is never NULL, but its type is Optional", hint="remove Optional, or `| None`")
    if field_type.identity and not pa.types.is_integer(field_type.arrow):
        raise place.error(f"an Identity column is an integer, not {field_type.arrow}", hint="write Identity[int]")
    if field_type.nullable and field_type.identity:
        raise place.error(
            "an Identity column is never NULL, but its type is Optional", hint="remove Optional, or `| None`"
        )
    if field_type.renamed_from is not None:
        place.checked_name(field_type.renamed_from, "former name of a column")
        if field_type.renamed_from == place.field:
            raise place.error(
                "RenamedFrom gives the name that the column has now", hint="give its former name, or remove it"
            )


def _from_annotation(bare: Any, marks: Mapping[type, m.Marker], place: Place) -> FieldType:
    """The type and Python classes of a bare type; labels too, where it is an enum."""
    given, precision = marks.get(m.ArrowType), marks.get(m.Precision)
    if isinstance(given, m.ArrowType):
        return FieldType(given.type, (bare,) if isinstance(bare, type) else ())
    if isinstance(precision, m.Precision):
        return FieldType(decimal_type(precision.p, precision.s), (bare,))
    if bare is datetime:
        return FieldType(_timestamp(marks, place), (bare,))
    if isinstance(bare, type) and bare in _ARROW_TYPES:
        return FieldType(_ARROW_TYPES[bare], (bare,))
    if isinstance(bare, type) and issubclass(bare, enum.Enum):
        return _enum(bare, place)
    match get_origin(bare):
        case typing.Literal:
            return _literal(get_args(bare), place)
        case kind if kind is dict and get_args(bare)[:1] in ((), (str,)):
            return FieldType(pa.json_(), (dict,))
        case kind if kind in (Union, UnionType) and set(get_args(bare)) == {IPv4Address, IPv6Address}:
            return FieldType(pa.string(), (IPv4Address, IPv6Address))
        case _:
            raise place.error(f"a column can't be of type {type_name(cast(object, bare))}", hint=_way_out(bare))


def decimal_type(precision: int, scale: int) -> pa.DataType:
    """The smaller of the two declared decimal types that holds `precision` digits, `scale` of them after the point."""
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)


def _timestamp(marks: Mapping[type, m.Marker], place: Place) -> pa.DataType:
    precision = marks.get(m.TimePrecision)
    digits = precision.n if isinstance(precision, m.TimePrecision) else 6
    if digits not in _TIMESTAMP_UNITS:
        raise place.error(
            f"TimePrecision({digits}) is no unit of time", hint="0 gives seconds, 3 milliseconds, 6 microseconds"
        )
    unit = _TIMESTAMP_UNITS[digits]
    return pa.timestamp(unit, tz="UTC") if m.TimeZone in marks else pa.timestamp(unit)


def _enum(cls: type[enum.Enum], place: Place) -> FieldType:
    if issubclass(cls, enum.Flag):
        raise place.error(f"a column can't be of type {cls.__qualname__}: flags combine", hint="declare it as an int")
    for member in cls:
        if not isinstance(member.value, _LABEL_VALUES):
            raise place.error(
                f"the value {member.value!r} of {cls.__qualname__}.{member.name} has no lasting text",
                hint="give the members of the enum strings as values",
            )
    labels = _checked_labels([enum_label(member) for member in cls], f"the enum {cls.__qualname__}", place)
    return FieldType(ENUM_TYPE, (cls,), labels=labels, enum_name=cls.__name__)


def _literal(values: tuple[object, ...], place: Place) -> FieldType:
    labels: list[str] = []
    for value in values:
        if type(value) is str:
            labels.append(value)
        elif value is not None:
            raise place.error(
                f"a Literal column has strings, and {value!r} is none",
                hint="quote the values, or declare the type that they have: int, bool, the enum",
            )
    return FieldType(ENUM_TYPE, (str,), None in values, labels=_checked_labels(labels, "the Literal", place))


def _checked_labels(labels: list[str], owner: str, place: Place) -> tuple[str, ...]:
    if not labels:
        raise place.error(f"{owner} has no members", hint="give it at least one")
    for label in labels:
        if not label or not is_storable(label):
            raise place.error(
                f"{owner} has the label {label!r}, which not every database can store", hint="change that value"
            )
        if labels.count(label) > 1:
            raise place.error(
                f"two members of {owner} have the label {label!r}", hint="give each member a text of its own"
            )
    return tuple(labels)


def _way_out(bare: Any) -> str:
    """What the user can write in place of a type that no column can have."""
    origin = get_origin(bare) or bare
    if isinstance(bare, typing.TypeVar):
        return "put the type in brackets: PrimaryKey[int]"
    if origin in (Union, UnionType):
        return "a column has one type: choose one (or its Optional), or JsonType to store any of them as JSON"
    if origin is dict:
        return "the keys of a JSON object are strings: dict[str, ...]"
    if dataclasses.is_dataclass(origin):
        return "dataclasses as columns aren't supported yet: declare the key of the other table, or JsonType to store it as JSON"
    if isinstance(origin, type) and issubclass(origin, Collection) and not issubclass(origin, Mapping):
        return "lists, sets and tuples aren't supported yet: declare JsonType to store them as JSON, or a table of their own"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "declare it as dict, which is stored as JSON"
    return _TYPES_HINT
