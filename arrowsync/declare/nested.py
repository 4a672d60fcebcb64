"""A list or set becomes a column with an element, and a dataclass without a key one with members."""

from __future__ import annotations

import collections.abc
import dataclasses
from typing import Any, get_args, get_origin

import pyarrow as pa

from arrowsync.declare.annotations import type_name
from arrowsync.declare.fields import check_inside, declared_columns, name_of_type, table_comment
from arrowsync.declare.reading import FieldType, Reading
from arrowsync.declare.references import check_dataclass, reference_type
from arrowsync.declare.spec import ColumnSpec, StructSpec

_LISTS: tuple[Any, ...] = (list, collections.abc.Sequence, collections.abc.MutableSequence)
_SETS: tuple[Any, ...] = (set, frozenset, collections.abc.Set, collections.abc.MutableSet)


def list_type(bare: object, reading: Reading) -> FieldType | None:
    """The type of a list or set; None for any other."""
    kind: Any = get_origin(bare) or bare
    if kind not in _LISTS and kind not in _SETS:
        return None
    arguments = get_args(bare)
    if len(arguments) != 1:
        raise reading.place.error(
            f"{type_name(bare)} doesn't say what its elements are", hint=f"write {type_name(kind)}[int], for example"
        )
    found = reading.type_of(arguments[0])
    check_inside(found, "an element of a set" if kind in _SETS else "an element of a list", reading.place)
    element = dataclasses.replace(found.column, name="item")
    arrow = pa.list_(pa.field("item", element.type, nullable=element.nullable))
    column = ColumnSpec(reading.place.field or "", arrow, element=element, unordered=kind in _SETS)
    return FieldType(column, (kind,))


def object_type(cls: type, reading: Reading) -> FieldType:
    """The type of objects of a dataclass: a reference to its table where it has a key, else a struct."""
    check_dataclass(cls, reading.place)
    return reference_type(cls, reading) if reading.key_fields(cls) else _struct_type(cls, reading)


def _struct_type(cls: type, reading: Reading) -> FieldType:
    place, name = reading.place, name_of_type(cls)
    if cls in reading.inside:
        path = " -> ".join(each.__name__ for each in (*reading.inside[reading.inside.index(cls) :], cls))
        raise place.error(
            f"the struct {name} contains itself: {path}",
            hint=f"give {name} a PrimaryKey, which makes it a table of its own, or declare this field as JsonType",
        )
    if getattr(cls, "__constraints__", ()):
        raise place.error(
            f"{name} has no PrimaryKey, so that it is a struct here, and a struct has no __constraints__",
            hint=f"give {name} a PrimaryKey, or remove its __constraints__",
        )
    members = tuple(
        column
        for _, _, columns in declared_columns(cls, reading.within(cls), f"a member of the struct {name}")
        for column in columns
    )
    if not members:
        raise place.error(f"the struct {name} has no fields", hint="declare at least one")
    struct = StructSpec(name, members, table_comment(cls), cls)
    arrow = pa.struct([member.arrow_field for member in members])
    return FieldType(ColumnSpec(place.field or "", arrow, struct=struct), (cls,))
