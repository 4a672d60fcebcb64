"""One Python type, with its annotations, becomes a column: scalars, unions, bounds, lists, sets and structs."""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import math
import typing
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Literal, TypeGuard, cast, get_args, get_origin
from uuid import UUID

import pyarrow as pa

from arrowsync.declare import markers as m
from arrowsync.declare.dataclasses.annotations import UNIONS, FieldType, Marks, Reading, type_name, unwrap
from arrowsync.declare.dataclasses.defaults import Unfit, plain_value
from arrowsync.declare.dataclasses.enums import enum_type, extensible_enum, is_literal, literal_type
from arrowsync.declare.dataclasses.fields import check_inside, declared_columns, name_of_type, table_comment
from arrowsync.declare.dataclasses.keys import check_dataclass, discriminated_type, reference_type, with_foreign_key
from arrowsync.declare.site import Site, is_storable
from arrowsync.declare.spec import ColumnSpec, IpVersion, StructSpec

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
    """Read an annotation: the type of the column, with everything that markers add to it.

    A type that no column can have, and a marker that doesn't fit its type, is a DeclarationError.
    """
    site = reading.site
    bare, metadata, nullable = unwrap(annotation, reading.skip)
    if not any(isinstance(mark, m.ArrowType) for mark in metadata):  # JsonType is written as a union too
        joined = joined_union(bare, metadata, reading.skip, site)
        if joined is not None:
            bare, metadata, nullable = joined.bare, [*metadata, *joined.metadata], nullable or joined.nullable
    marks = _read_markers(metadata, bare, site)
    for kind, allowed in _APPLIES_TO.items():
        if kind in marks and bare not in allowed:
            raise site.error(
                f"{kind.__name__} doesn't apply to {type_name(bare)}",
                hint=f"it applies to {', '.join(cls.__name__ for cls in allowed if cls is not bytearray)}: remove it",
            )
    found = _with_markers(_from_annotation(bare, marks, reading), marks, nullable, reading)
    _check_keys(found, site)
    return found


def _with_markers(found: FieldType, marks: Marks, nullable: bool, reading: Reading) -> FieldType:
    length, renamed = marks.get(m.MaxLength), marks.get(m.RenamedFrom)
    former = None if renamed is None else renamed.name
    nullable = nullable or found.column.nullable
    named = marks.get(m.ColumnName)
    if named is not None and found.parts:
        raise reading.site.error(
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
        found = with_bounds(found, ranges, reading.site)
    if foreign_key := marks.get(m.ForeignKey):
        found = with_foreign_key(found, foreign_key, reading)
    return found


def _read_markers(metadata: Collection[object], bare: object, site: Site) -> Marks:
    marks: list[m.Marker] = []
    for given in metadata:
        mark = foreign_range(given, bare, site) or given
        if isinstance(mark, type) and issubclass(mark, m.Marker):
            raise site.error(
                f"the annotation {mark.__name__} has no argument", hint=f"write {mark.__name__}(...), not just its name"
            )
        if isinstance(mark, m.UniqueKey):
            raise site.error(
                "UniqueKey stands in an annotation",
                hint="write Unique[...], or for several columns __constraints__ = (UniqueKey(...),)",
            )
        if not isinstance(mark, m.Marker):
            raise site.error(f"unknown annotation {mark!r}", hint=_KNOWN_HINT)
        same = [before for before in marks if type(before) is type(mark)]
        if mark not in same:
            if same and not isinstance(mark, _REPEATABLE):
                raise site.error(f"is declared both {same[0]!r} and {mark!r}", hint="keep one of them")
            marks.append(mark)
    return Marks(tuple(marks))


def _check_keys(field_type: FieldType, site: Site) -> None:
    column = field_type.column
    if field_type.primary_key and (column.struct is not None or column.element is not None):
        kind = "a struct" if column.struct is not None else "a list or set"
        raise site.error(f"a primary key can't be {kind}", hint="declare a key of plain columns")
    if column.nullable and field_type.primary_key:
        raise site.error("a primary key is never NULL, but its type is Optional", hint="remove Optional, or `| None`")
    if column.identity and (column.references or field_type.parts):
        raise site.error(
            "an Identity column is numbered by the database, and this one refers to a row", hint="remove Identity"
        )
    if column.identity and (column.choices or not pa.types.is_integer(column.type)):
        raise site.error(f"an Identity column is an integer, not {_kind(column)}", hint="write Identity[int]")
    if column.nullable and column.identity:
        raise site.error(
            "an Identity column is never NULL, but its type is Optional", hint="remove Optional, or `| None`"
        )
    if column.renamed_from is not None:
        site.checked_name(column.renamed_from, "former name of a column")
        if column.renamed_from == column.name:
            raise site.error(
                "RenamedFrom gives the name that the column has now", hint="give its former name, or remove it"
            )


def _kind(column: ColumnSpec) -> str:
    return "a Literal" if column.choices else str(column.type)


def _from_annotation(bare: Any, marks: Marks, reading: Reading) -> FieldType:
    """The type and Python classes of a bare type, with what is inside of it."""
    site = reading.site
    name, classes = site.field or "", _classes(bare)
    given, precision = marks.get(m.ArrowType), marks.get(m.Precision)
    if given is not None and precision is None:
        return FieldType(ColumnSpec(name, given.type), classes)
    if precision is not None:
        return FieldType(ColumnSpec(name, _of_precision(bare, precision, given, site)), classes)
    if bare is datetime:
        return FieldType(ColumnSpec(name, _timestamp(marks, site)), classes)
    if classes and bare in _ARROW_TYPES:
        return FieldType(ColumnSpec(name, _ARROW_TYPES[bare], ip=_IP_VERSIONS.get(bare)), classes)
    if classes and issubclass(classes[0], enum.Enum):
        return enum_type(classes[0], reading)
    if _is_dataclass(bare):
        return object_type(bare, reading)
    if is_literal(bare):
        return literal_type(get_args(bare), site)
    if get_origin(bare) is dict and get_args(bare)[:1] in ((), (str,)):
        return FieldType(ColumnSpec(name, pa.json_()), (dict,))
    found = _union(bare, reading) if get_origin(bare) in UNIONS else list_type(bare, reading)
    if found is None:
        raise site.error(f"a column can't be of type {type_name(cast(object, bare))}", hint=_way_out(bare))
    return found


def _union(bare: Any, reading: Reading) -> FieldType | None:
    """The type of a union that means more than one of its types; None where a column can't have it."""
    if set(get_args(bare)) == {IPv4Address, IPv6Address}:
        return FieldType(ColumnSpec(reading.site.field or "", pa.string(), ip="any"), (IPv4Address, IPv6Address))
    extensible = extensible_enum(bare, reading.skip)
    if extensible is not None:
        return enum_type(extensible[0], reading, extensible=True, max_length=extensible[1])
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


def _of_precision(bare: Any, precision: m.Precision, given: m.ArrowType | None, site: Site) -> pa.DataType:
    """A decimal of so many digits, or the smaller of the floats that has so many bits."""
    if bare is Decimal:
        return decimal_type(precision.p, precision.s)
    if precision.s:
        raise site.error(
            f"Precision doesn't apply to float with digits after the decimal point: Precision({precision.p}, {precision.s})",
            hint="of a float it counts the binary digits in all, 24 or 53; declare a Decimal for decimal digits",
        )
    if precision.p > 53:
        raise site.error(
            f"Precision({precision.p}) is more than a float has",
            hint="give at most 53 binary digits, or declare a Decimal",
        )
    found = pa.float32() if precision.p <= 24 else pa.float64()
    if given is not None and given.type != found:
        raise site.error(f"is declared both {given.type} and Precision({precision.p})", hint="keep one of them")
    return found


def _timestamp(marks: Marks, site: Site) -> pa.DataType:
    precision = marks.get(m.TimePrecision)
    digits = 6 if precision is None else precision.n
    if digits not in _TIMESTAMP_UNITS:
        raise site.error(
            f"TimePrecision({digits}) is no unit of time", hint="0 gives seconds, 3 milliseconds, 6 microseconds"
        )
    unit = _TIMESTAMP_UNITS[digits]
    return pa.timestamp(unit, tz="UTC") if m.TimeZone in marks else pa.timestamp(unit)


def _way_out(bare: Any) -> str:
    """Return the hint for a type that no column can have."""
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


_INTEGERS: tuple[pa.DataType, ...] = (
    pa.int8(),
    pa.uint8(),
    pa.int16(),
    pa.uint16(),
    pa.int32(),
    pa.uint32(),
    pa.int64(),
    pa.uint64(),
)
"""Integer types; each comes before the types that hold all its values."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The type that a union is read as, what annotates it, and whether a part of it is Optional."""

    bare: Any
    metadata: tuple[object, ...]
    nullable: bool = False


def joined_union(bare: object, metadata: Sequence[object], skip: tuple[type, ...], site: Site) -> Joined | None:
    """The one type that holds all values of the union `bare`; None where it is no union, or of other types.

    `metadata` is what annotates the union as a whole.
    """
    if get_origin(bare) not in UNIONS:
        return None
    parts = [unwrap(part, skip) for part in get_args(bare)]
    nullable = any(optional for _, _, optional in parts)
    kinds = [str if is_literal(inner) else inner for inner, _, _ in parts]
    if all(kind is int for kind in kinds) and _only(m.ArrowType, parts):
        return Joined(int, (m.ArrowType(_widest_integer(_arrow_types(parts, pa.int64()), bare, site)),), nullable)
    if all(kind is float for kind in kinds) and _only(m.ArrowType, parts):
        widest = max(_arrow_types(parts, pa.float64()), key=lambda given: given.bit_width)
        return Joined(float, (m.ArrowType(widest),), nullable)
    if all(kind is str for kind in kinds) and _only(m.MaxLength, parts):
        return _joined_text(parts, metadata, nullable, site)
    return None


def _only(kind: type, parts: Iterable[tuple[Any, list[object], bool]]) -> bool:
    return all(isinstance(mark, kind) for _, metadata, _ in parts for mark in metadata)


def _arrow_types(parts: Iterable[tuple[Any, list[object], bool]], plain: pa.DataType) -> list[pa.DataType]:
    return [next((mark.type for mark in metadata if isinstance(mark, m.ArrowType)), plain) for _, metadata, _ in parts]


def _widest_integer(types: Sequence[pa.DataType], bare: object, site: Site) -> pa.DataType:
    for candidate in _INTEGERS:
        if all(_holds(candidate, given) for given in types):
            return candidate
    raise site.error(
        f"no integer type holds all values of {' and '.join(map(str, types))}",
        hint="declare Annotated[Decimal, Precision(20)], or one of the types",
    )


def _holds(wide: pa.DataType, narrow: pa.DataType) -> bool:
    unsigned = pa.types.is_unsigned_integer
    if unsigned(wide) == unsigned(narrow):
        return wide.bit_width >= narrow.bit_width
    return unsigned(narrow) and wide.bit_width > narrow.bit_width


def _joined_text(
    parts: Sequence[tuple[Any, list[object], bool]], outer: Sequence[object], nullable: bool, site: Site
) -> Joined:
    """Strings, of the greatest of their lengths; or one `Literal`, where all parts are."""
    words = [word for inner, _, _ in parts if is_literal(inner) for word in get_args(inner)]
    strings = [metadata for inner, metadata, _ in parts if inner is str]
    if not strings:
        return Joined(Literal[tuple(words)], (), nullable)
    lengths = [mark.n for metadata in strings for mark in metadata if isinstance(mark, m.MaxLength)]
    longest = max(lengths) if len(lengths) == len(strings) else None
    limits = [mark.n for mark in outer if isinstance(mark, m.MaxLength)] or ([] if longest is None else [longest])
    for word in words:
        if word is None:
            nullable = True
        elif not isinstance(word, str):
            raise site.error(f"{word!r} is no string, but the rest of the union is", hint="quote it, or remove it")
        elif not is_storable(word):
            raise site.error(f"{word!r} holds a NUL or a lone surrogate", hint="remove that character")
        elif limits and len(word) > limits[0]:
            raise site.error(
                f"the Literal {word!r} has {len(word)} characters, more than MaxLength({limits[0]})",
                hint="raise MaxLength, or remove the Literal",
            )
    return Joined(str, () if longest is None else (m.MaxLength(longest),), nullable)


def foreign_range(mark: Any, bare: object, site: Site) -> m.Range | None:
    """The `Range` that an annotation of `annotated_types` means for the type `bare`; None for any other annotation."""
    if type(mark).__module__.partition(".")[0] != "annotated_types":
        return None
    match type(mark).__name__:
        case "Ge" | "Gt" | "Le" | "Lt" | "Interval":
            pass
        case _:
            return None
    least, more = getattr(mark, "ge", None), getattr(mark, "gt", None)
    most, less = getattr(mark, "le", None), getattr(mark, "lt", None)
    for bound in (more, less):
        if bound is not None and (bare is not int or type(bound) is not int):
            raise site.error(
                f"{mark!r} leaves the bound itself out, which needs integers",
                hint=f'write Range(...) with the least and the greatest value, or Check("{{{site.field}}} > ...")',
            )
    lows = [bound for bound in (least, None if more is None else more + 1) if bound is not None]
    highs = [bound for bound in (most, None if less is None else less - 1) if bound is not None]
    return m.Range(max(lows, default=None), min(highs, default=None)) if lows or highs else None


def with_bounds(field_type: FieldType, ranges: tuple[m.Range, ...], site: Site) -> FieldType:
    """The type with all of `ranges` as its bounds, checked to be values that the column can hold."""
    lows = [_bound(given.minimum, field_type, given, site) for given in ranges if given.minimum is not None]
    highs = [_bound(given.maximum, field_type, given, site) for given in ranges if given.maximum is not None]
    low, high = max(lows, default=None), min(highs, default=None)
    if low is not None and high is not None and low > high:
        raise site.error(
            f"no value is both {low} or more, and {high} or less", hint="change one of the ranges, or remove it"
        )
    return dataclasses.replace(field_type, column=dataclasses.replace(field_type.column, minimum=low, maximum=high))


def _bound(value: Any, field_type: FieldType, given: m.Range, site: Site) -> Any:
    if field_type.classes == (Decimal,) and type(value) is int:
        value = Decimal(value)
    try:
        plain = plain_value(value, field_type)
        if isinstance(plain, float) and not math.isfinite(plain):
            raise Unfit("is no number")
    except Unfit as error:
        raise site.error(
            f"the bound {value!r} of {given!r} {error}",
            hint=f"give bounds that a column of type {' or '.join(map(type_name, field_type.classes))} can hold",
        ) from None
    return plain


_LISTS: tuple[Any, ...] = (list, collections.abc.Sequence, collections.abc.MutableSequence)
_SETS: tuple[Any, ...] = (set, frozenset, collections.abc.Set, collections.abc.MutableSet)


def list_type(bare: object, reading: Reading) -> FieldType | None:
    """The type of a list or set; None for any other."""
    kind: Any = get_origin(bare) or bare
    if kind not in _LISTS and kind not in _SETS:
        return None
    arguments = get_args(bare)
    if len(arguments) != 1:
        raise reading.site.error(
            f"{type_name(bare)} doesn't say what its elements are", hint=f"write {type_name(kind)}[int], for example"
        )
    found = reading.type_of(arguments[0])
    check_inside(found, "an element of a set" if kind in _SETS else "an element of a list", reading.site)
    element = dataclasses.replace(found.column, name="item")
    arrow = pa.list_(pa.field("item", element.type, nullable=element.nullable))
    column = ColumnSpec(reading.site.field or "", arrow, element=element, unordered=kind in _SETS)
    return FieldType(column, (kind,))


def object_type(cls: type, reading: Reading) -> FieldType:
    """The type of objects of a dataclass: a reference to its table where it has a key, else a struct."""
    check_dataclass(cls, reading.site)
    return reference_type(cls, reading) if reading.key_fields(cls) else _struct_type(cls, reading)


def _struct_type(cls: type, reading: Reading) -> FieldType:
    site, name = reading.site, name_of_type(cls)
    if cls in reading.inside:
        path = " -> ".join(each.__name__ for each in (*reading.inside[reading.inside.index(cls) :], cls))
        raise site.error(
            f"the struct {name} contains itself: {path}",
            hint=f"give {name} a PrimaryKey, which makes it a table of its own, or declare this field as JsonType",
        )
    if getattr(cls, "__constraints__", ()):
        raise site.error(
            f"{name} has no PrimaryKey, so that it is a struct here, and a struct has no __constraints__",
            hint=f"give {name} a PrimaryKey, or remove its __constraints__",
        )
    members = tuple(
        column
        for _, _, columns in declared_columns(cls, reading.within(cls), f"a member of the struct {name}")
        for column in columns
    )
    if not members:
        raise site.error(f"the struct {name} has no fields", hint="declare at least one")
    struct = StructSpec(name, members, table_comment(cls), cls)
    arrow = pa.struct([member.arrow_field for member in members])
    return FieldType(ColumnSpec(site.field or "", arrow, struct=struct), (cls,))
