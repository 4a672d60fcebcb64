"""One Python type, with its annotations, becomes a column, as far as the type tells.

`fields` calls `read_type` for each field, and types that hold others call it again. To add a type: a line in `_ARROW_TYPES`,
or a case in `_from_annotation` where it has parameters; its default values are checked in `defaults`. Enums are read in
`enums`, lists and structs in `nested`, other tables in `references`, unions in `unions`.
"""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Literal, TypeGuard, cast, get_args, get_origin
from uuid import UUID

import pyarrow as pa

from arrowsync.declare import markers as m
from arrowsync.declare.annotations import UNIONS, type_name, unwrap
from arrowsync.declare.enums import enum_type, extensible_enum, is_literal, literal_type
from arrowsync.declare.nested import list_type, object_type
from arrowsync.declare.place import Place
from arrowsync.declare.ranges import foreign_range, with_bounds
from arrowsync.declare.reading import FieldType, Marks, Reading
from arrowsync.declare.references import discriminated_type, with_foreign_key
from arrowsync.declare.spec import ColumnSpec, IpVersion
from arrowsync.declare.unions import joined_union

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

_IP_VERSIONS: dict[Any, IpVersion] = {IPv4Address: "4", IPv6Address: "6"}

_TIMESTAMP_UNITS: dict[int, Literal["s", "ms", "us"]] = {0: "s", 3: "ms", 6: "us"}

_APPLIES_TO: dict[type[m.Marker], tuple[type, ...]] = {
    m.MaxLength: (str, bytes, bytearray),
    m.Precision: (Decimal, float),
    m.TimePrecision: (datetime,),
    m.TimeZone: (datetime,),
    m.Range: (int, float, Decimal, date, datetime),
}

_REPEATABLE = (m.Index, m.Check, m.Range)

_KNOWN_HINT = (
    "remove it, or ignore its class with skip_annotations; known are PrimaryKey, Unique, Identity, MaxLength, Precision, "
    "TimePrecision, TimeZone, Range, Check, Index, ForeignKey, RenamedFrom, ColumnName, and Ge, Gt, Le, Lt, Interval of "
    "annotated_types"
)

_TYPES_HINT = (
    "a column is bool, int (int8 ... uint64), float (float32), Decimal, str, bytes, datetime, date, time, timedelta, UUID, "
    "an Enum, a Literal, an IP address, dict or JsonType, a list or set, a dataclass, or the Optional of one of them"
)


def read_type(annotation: object, reading: Reading) -> FieldType:
    """What `annotation` says of the column at the place of `reading`: its type, and what our markers add to it.

    A type that no column can have, and a marker that doesn't fit its type, is a DeclarationError.
    """
    place = reading.place
    bare, metadata, nullable = unwrap(annotation, reading.skip)
    if not any(isinstance(mark, m.ArrowType) for mark in metadata):  # JsonType is written as a union too
        joined = joined_union(bare, metadata, reading.skip, place)
        if joined is not None:
            bare, metadata, nullable = joined.bare, [*metadata, *joined.metadata], nullable or joined.nullable
    marks = _read_markers(metadata, bare, place)
    for kind, allowed in _APPLIES_TO.items():
        if kind in marks and bare not in allowed:
            raise place.error(
                f"{kind.__name__} doesn't apply to {type_name(bare)}",
                hint=f"it applies to {', '.join(cls.__name__ for cls in allowed if cls is not bytearray)}: remove it",
            )
    found = _with_markers(_from_annotation(bare, marks, reading), marks, nullable, reading)
    _check_keys(found, place)
    return found


def _with_markers(found: FieldType, marks: Marks, nullable: bool, reading: Reading) -> FieldType:
    length, renamed = marks.get(m.MaxLength), marks.get(m.RenamedFrom)
    former = None if renamed is None else renamed.name
    nullable = nullable or found.column.nullable
    named = marks.get(m.ColumnName)
    if named is not None and found.parts:
        raise reading.place.error(
            f"ColumnName names one column, and the field becomes {', '.join(part.name for part in found.parts)}",
            hint="remove ColumnName, or declare the columns, with a ForeignKey in __constraints__",
        )
    column = replace(
        found.column,
        name=found.column.name if named is None else named.name,
        nullable=nullable,
        max_length=found.column.max_length if length is None else length.n,
        identity=m.IdentityMarker in marks,
        renamed_from=former,
    )
    # A field of several columns was called `old` before, its columns `old_a` and `old_b`.
    tails = [part.name.removeprefix(column.name) for part in found.parts]
    found = replace(
        found,
        column=column,
        parts=tuple(
            replace(part, nullable=nullable, renamed_from=None if former is None else former + tail)
            for part, tail in zip(found.parts, tails, strict=True)
        ),
        primary_key=m.PrimaryKeyMarker in marks,
        unique=m.UniqueMarker in marks,
        indexes=marks.all(m.Index),
        checks=marks.all(m.Check),
    )
    if ranges := marks.all(m.Range):
        found = with_bounds(found, ranges, reading.place)
    if foreign_key := marks.get(m.ForeignKey):
        found = with_foreign_key(found, foreign_key, reading)
    return found


def _read_markers(metadata: Collection[object], bare: object, place: Place) -> Marks:
    marks: list[m.Marker] = []
    for given in metadata:
        mark = foreign_range(given, bare, place) or given
        if isinstance(mark, type) and issubclass(mark, m.Marker):
            raise place.error(
                f"the annotation {mark.__name__} has no argument", hint=f"write {mark.__name__}(...), not just its name"
            )
        if isinstance(mark, m.UniqueKey):
            raise place.error(
                "UniqueKey stands in an annotation",
                hint="write Unique[...], or for several columns __constraints__ = (UniqueKey(...),)",
            )
        if not isinstance(mark, m.Marker):
            raise place.error(f"unknown annotation {mark!r}", hint=_KNOWN_HINT)
        same = [before for before in marks if type(before) is type(mark)]
        if mark not in same:
            if same and not isinstance(mark, _REPEATABLE):
                raise place.error(f"is declared both {same[0]!r} and {mark!r}", hint="keep one of them")
            marks.append(mark)
    return Marks(tuple(marks))


def _check_keys(field_type: FieldType, place: Place) -> None:
    column = field_type.column
    if field_type.primary_key and (column.struct is not None or column.element is not None):
        kind = "a struct" if column.struct is not None else "a list or set"
        raise place.error(f"a primary key can't be {kind}", hint="declare a key of plain columns")
    if column.nullable and field_type.primary_key:
        raise place.error("a primary key is never NULL, but its type is Optional", hint="remove Optional, or `| None`")
    if column.identity and (column.references or field_type.parts):
        raise place.error(
            "an Identity column is numbered by the database, and this one refers to a row", hint="remove Identity"
        )
    if column.identity and (column.choices or not pa.types.is_integer(column.type)):
        raise place.error(f"an Identity column is an integer, not {_kind(column)}", hint="write Identity[int]")
    if column.nullable and column.identity:
        raise place.error(
            "an Identity column is never NULL, but its type is Optional", hint="remove Optional, or `| None`"
        )
    if column.renamed_from is not None:
        place.checked_name(column.renamed_from, "former name of a column")
        if column.renamed_from == column.name:
            raise place.error(
                "RenamedFrom gives the name that the column has now", hint="give its former name, or remove it"
            )


def _kind(column: ColumnSpec) -> str:
    return "a Literal" if column.choices else str(column.type)


def _from_annotation(bare: Any, marks: Marks, reading: Reading) -> FieldType:
    """The type and Python classes of a bare type, with what is inside of it."""
    place = reading.place
    name, classes = place.field or "", _classes(bare)
    given, precision = marks.get(m.ArrowType), marks.get(m.Precision)
    if given is not None and precision is None:
        return FieldType(ColumnSpec(name, given.type), classes)
    if precision is not None:
        return FieldType(ColumnSpec(name, _of_precision(bare, precision, given, place)), classes)
    if bare is datetime:
        return FieldType(ColumnSpec(name, _timestamp(marks, place)), classes)
    if classes and bare in _ARROW_TYPES:
        return FieldType(ColumnSpec(name, _ARROW_TYPES[bare], ip=_IP_VERSIONS.get(bare)), classes)
    if classes and issubclass(classes[0], enum.Enum):
        return enum_type(classes[0], reading)
    if _is_dataclass(bare):
        return object_type(bare, reading)
    if is_literal(bare):
        return literal_type(get_args(bare), place)
    if get_origin(bare) is dict and get_args(bare)[:1] in ((), (str,)):
        return FieldType(ColumnSpec(name, pa.json_()), (dict,))
    found = _union(bare, reading) if get_origin(bare) in UNIONS else list_type(bare, reading)
    if found is None:
        raise place.error(f"a column can't be of type {type_name(cast(object, bare))}", hint=_way_out(bare))
    return found


def _union(bare: Any, reading: Reading) -> FieldType | None:
    """The type of a union that means more than one of its types; None where a column can't have it."""
    if set(get_args(bare)) == {IPv4Address, IPv6Address}:
        return FieldType(ColumnSpec(reading.place.field or "", pa.string(), ip="any"), (IPv4Address, IPv6Address))
    extensible = extensible_enum(bare, reading.skip)
    if extensible is not None:
        return enum_type(extensible, reading, extensible=True)
    classes = [part for part in get_args(bare) if _is_dataclass(part)]
    return discriminated_type(classes, reading) if len(classes) == len(get_args(bare)) else None


def _classes(bare: object) -> tuple[type, ...]:
    return (bare,) if isinstance(bare, type) else ()


def _is_dataclass(bare: object) -> TypeGuard[type]:
    # An enum may inherit from the dataclass that its members are objects of.
    return isinstance(bare, type) and dataclasses.is_dataclass(bare) and not issubclass(bare, enum.Enum)


def decimal_type(precision: int, scale: int) -> pa.DataType:
    """The smaller of the two declared decimal types that holds `precision` digits, `scale` of them after the point."""
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)


def _of_precision(bare: Any, precision: m.Precision, given: m.ArrowType | None, place: Place) -> pa.DataType:
    """A decimal of so many digits, or the smaller of the floats that has so many bits."""
    if bare is Decimal:
        return decimal_type(precision.p, precision.s)
    if precision.s:
        raise place.error(
            f"Precision doesn't apply to float with digits after the decimal point: Precision({precision.p}, {precision.s})",
            hint="of a float it counts the binary digits in all, 24 or 53; declare a Decimal for decimal digits",
        )
    if precision.p > 53:
        raise place.error(
            f"Precision({precision.p}) is more than a float has",
            hint="give at most 53 binary digits, or declare a Decimal",
        )
    found = pa.float32() if precision.p <= 24 else pa.float64()
    if given is not None and given.type != found:
        raise place.error(f"is declared both {given.type} and Precision({precision.p})", hint="keep one of them")
    return found


def _timestamp(marks: Marks, place: Place) -> pa.DataType:
    precision = marks.get(m.TimePrecision)
    digits = 6 if precision is None else precision.n
    if digits not in _TIMESTAMP_UNITS:
        raise place.error(
            f"TimePrecision({digits}) is no unit of time", hint="0 gives seconds, 3 milliseconds, 6 microseconds"
        )
    unit = _TIMESTAMP_UNITS[digits]
    return pa.timestamp(unit, tz="UTC") if m.TimeZone in marks else pa.timestamp(unit)


def _way_out(bare: Any) -> str:
    """What the user can write in place of a type that no column can have."""
    origin = get_origin(bare) or bare
    if isinstance(bare, typing.TypeVar):
        return "put the type in brackets: PrimaryKey[int]"
    if origin in UNIONS:
        return "a column has one type: choose one (or its Optional), or JsonType to store any of them as JSON"
    if origin is dict:
        return "the keys of a JSON object are strings: dict[str, ...]"
    if typing.is_typeddict(origin):
        return "declare a dataclass, which becomes a struct, or dict, which is stored as JSON"
    if isinstance(origin, type) and dataclasses.is_dataclass(origin):
        return "a generic dataclass can't be a column: declare one with the types that it has"
    if isinstance(origin, type) and issubclass(origin, tuple):
        return "declare list[...], or a dataclass with a field for each member, or JsonType to store it as JSON"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "declare it as dict, which is stored as JSON"
    if isinstance(origin, type) and issubclass(origin, Collection):
        return "declare list[...], set[...], or JsonType to store it as JSON"
    return _TYPES_HINT
