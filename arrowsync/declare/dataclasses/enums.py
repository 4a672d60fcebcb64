"""An enum or a `Literal` becomes labels; a `Literal` of integers becomes choices.

An enum that takes new labels (`E | str`), or whose members are objects of a dataclass, is a table of its own: `LookupSpec`.
"""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections import Counter
from datetime import date, time
from decimal import Decimal
from typing import Any, cast, get_args, get_origin
from uuid import UUID

import pyarrow as pa

from arrowsync.declare.dataclasses.annotations import UNIONS, FieldType, Reading, own_dataclass, type_name, unwrap
from arrowsync.declare.dataclasses.defaults import Unfit, enum_label, plain_value
from arrowsync.declare.dataclasses.fields import declared_columns, name_of_type, parse_docstring
from arrowsync.declare.markers import MaxLength
from arrowsync.declare.site import Site, is_storable
from arrowsync.declare.spec import ColumnSpec, LookupSpec

ENUM_TYPE = pa.dictionary(pa.int32(), pa.string())
"""The type of each enum column; its labels stand in the spec, since an Arrow type can't hold them."""

# Their text is the same wherever and whenever the program runs, unlike the text of an object or of a set.
_LABEL_VALUES = (str, int, float, Decimal, date, time, UUID)

_GENERATED = "An enumeration."
"""The docstring that Python up to 3.11 gives an enum that has none."""


def enum_type(
    cls: type[enum.Enum], reading: Reading, *, extensible: bool = False, max_length: int | None = None
) -> FieldType:
    """The labels of an enum: the text of each value, or the names of the members where their values are objects."""
    site = reading.site
    if issubclass(cls, enum.Flag):
        raise site.error(f"a column can't be of type {cls.__qualname__}: flags combine", hint="declare it as an int")
    lookup = LookupSpec(extensible=True, max_length=max_length) if extensible else None
    kinds: set[type] = {type(cast(object, member.value)) for member in cls}
    if any(dataclasses.is_dataclass(kind) for kind in kinds):
        lookup = _lookup(cls, kinds, reading, extensible=extensible)
    else:
        for member in cls:
            if not isinstance(member.value, _LABEL_VALUES):
                raise site.error(
                    f"the value {member.value!r} of {cls.__qualname__}.{member.name} has no lasting text",
                    hint="give the members of the enum strings as values",
                )
    comment = vars(cls).get("__doc__") or ""
    column = ColumnSpec(
        name=site.field or "",
        type=ENUM_TYPE,
        enum_name=name_of_type(cls),
        enum_comment=site.checked_comment("" if comment == _GENERATED else parse_docstring(comment).text),
        lookup=lookup,
    )
    labels = [enum_label(member, column) for member in cls]
    for label in labels:
        if max_length is not None and len(label) > max_length:
            raise site.error(
                f"the label {label!r} of {cls.__qualname__} has {len(label)} characters, more than MaxLength({max_length})",
                hint="raise MaxLength, or shorten the label",
            )
    column = dataclasses.replace(column, labels=_checked_labels(labels, f"the enum {cls.__qualname__}", site))
    return FieldType(column, (cls, str) if extensible else (cls,))


def extensible_enum(bare: object, skip: tuple[type, ...]) -> tuple[type[enum.Enum], int | None] | None:
    """The enum `E` where `bare` is `E | str`, and the length of its labels where it is `E | Annotated[str, MaxLength(n)]`."""
    if get_origin(bare) not in UNIONS or len(get_args(bare)) != 2:
        return None
    parts = [unwrap(part, skip) for part in get_args(bare)]
    enums = [
        inner for inner, marks, _ in parts if isinstance(inner, type) and issubclass(inner, enum.Enum) and not marks
    ]
    marks = [mark for inner, metadata, _ in parts if inner is str for mark in metadata]
    if not enums or str not in [inner for inner, _, _ in parts] or not all(isinstance(m, MaxLength) for m in marks):
        return None
    return enums[0], min((mark.n for mark in marks if isinstance(mark, MaxLength)), default=None)


def literal_type(values: tuple[object, ...], site: Site) -> FieldType:
    """The strings of a `Literal` as labels, or its integers as choices."""
    given = [value for value in values if value is not None]
    nullable = len(given) < len(values)
    for value in given:
        if type(value) not in (str, int):
            raise site.error(
                f"a Literal column has strings or integers, and {value!r} is neither",
                hint="quote the values, or declare the type that they have: int, bool, the enum",
            )
    name = site.field or ""
    if given and all(type(value) is int for value in given):
        choices = cast("tuple[int, ...]", tuple(given))
        for choice in choices:
            if not -(2**63) <= choice < 2**63:
                raise site.error(f"{choice} is out of the range of int64", hint="remove it from the Literal")
        return FieldType(ColumnSpec(name, pa.int64(), nullable, choices=choices), (int,))
    for value in given:
        if type(value) is int:
            raise site.error(
                f"a Literal column has either strings or integers, and {value!r} is among strings",
                hint=f'quote it: "{value}"',
            )
    labels = _checked_labels([str(value) for value in given], "the Literal", site)
    return FieldType(ColumnSpec(name, ENUM_TYPE, nullable, labels=labels), (str,))


def _checked_labels(labels: list[str], owner: str, site: Site) -> tuple[str, ...]:
    if not labels:
        raise site.error(f"{owner} has no members", hint="give it at least one")
    counts = Counter(labels)
    for label in labels:
        if not label or not is_storable(label):
            raise site.error(
                f"{owner} has the label {label!r}, which not every database can store", hint="change that value"
            )
        if counts[label] > 1:
            raise site.error(
                f"two members of {owner} have the label {label!r}", hint="give each member a text of its own"
            )
    return tuple(labels)


def _lookup(cls: type[enum.Enum], kinds: set[type], reading: Reading, *, extensible: bool) -> LookupSpec:
    """The lookup table of an enum whose members are objects: their fields as columns, and a row for each."""
    site, name = reading.site, cls.__qualname__
    kind = next(iter(kinds))
    if len(kinds) > 1 or not own_dataclass(kind):
        found = ", ".join(sorted(map(type_name, kinds)))
        raise site.error(
            f"the members of the enum {name} are of the types {found}", hint="give all of them objects of one dataclass"
        )
    if extensible:
        raise site.error(
            f"the enum {name} takes no new labels, as its members are objects of {type_name(kind)}",
            hint=f"remove `| str`, or make {type_name(kind)} a table with a PrimaryKey",
        )
    columns: list[ColumnSpec] = []
    types: list[tuple[str, FieldType]] = []
    for field, field_type, made in declared_columns(kind, reading.within(kind), f"a member of the enum {name}"):
        inner = Site(kind.__name__, field.name)
        if made[0].name in ("id", "value"):
            raise inner.error(
                f"the lookup table of the enum {name} has a column {made[0].name!r} already", hint="rename the field"
            )
        if field_type.column.element or field_type.column.struct or field_type.refers or field_type.column.lookup:
            raise inner.error(
                f"the members of the enum {name} have plain values, and {type_name(field_type.classes[0])} is none",
                hint="declare the field as a type that one column holds, or as JsonType",
            )
        columns += made
        types.append((field.name, field_type))
    rows = tuple(
        tuple(
            _plain(member, name, column, field_type) for column, (name, field_type) in zip(columns, types, strict=True)
        )
        for member in cls
    )
    return LookupSpec(columns=tuple(columns), rows=rows)


def _plain(member: enum.Enum, name: str, column: ColumnSpec, field_type: FieldType) -> Any:
    value = getattr(member.value, name)
    site = Site(type(member).__name__, member.name)
    if value is None:
        if column.nullable:
            return None
        raise site.error(f"{column.name} is None, but its type isn't Optional", hint="write `... | None`")
    try:
        return plain_value(value, field_type)
    except Unfit as error:
        raise site.error(f"{column.name} = {value!r} {error}", hint="give a value that the column can hold") from None


def is_literal(bare: object) -> bool:
    """True if a type is `Literal[...]`."""
    return get_origin(bare) is typing.Literal
