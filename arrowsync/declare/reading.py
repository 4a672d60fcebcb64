"""What is passed around while a class is read: `FieldType`, what an annotation says, and `Reading`, where it stands.

`python_types.read_type` turns an annotation into a `FieldType`. Types hold other types (a list its element, a struct its
members, a reference the key of another table), so that the files that read them call back through `Reading.type_of`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from arrowsync.declare import markers as m
from arrowsync.declare.annotations import resolve_fields, unwrap
from arrowsync.declare.place import Place
from arrowsync.declare.spec import ColumnSpec, ForeignKeySpec

M = TypeVar("M", bound=m.Marker)


@dataclass(frozen=True, slots=True)
class FieldType:
    """What the annotation of one field says.

    `column` is the column as far as its type tells (it has no default and no comment yet), `classes` are those that its
    values are instances of in Python (empty for `JsonType`, whose values are of several). `refers` says that the values are
    objects of other tables, rather than their keys. Where the key of that table has several columns, `parts` are the columns
    that the field becomes, and `foreign_key` says what they refer to; `column` then only tells whether they are nullable.
    """

    column: ColumnSpec
    classes: tuple[type, ...] = ()
    primary_key: bool = False
    unique: bool = False
    indexes: tuple[m.Index, ...] = ()
    checks: tuple[m.Check, ...] = ()
    refers: bool = False
    parts: tuple[ColumnSpec, ...] = ()
    foreign_key: ForeignKeySpec | None = None


@dataclass(frozen=True, slots=True)
class Marks:
    """The markers that annotate one type."""

    given: tuple[m.Marker, ...]

    def get(self, kind: type[M]) -> M | None:
        return next((mark for mark in self.given if isinstance(mark, kind)), None)

    def all(self, kind: type[M]) -> tuple[M, ...]:
        return tuple(mark for mark in self.given if isinstance(mark, kind))

    def __contains__(self, kind: type[m.Marker]) -> bool:
        return any(isinstance(mark, kind) for mark in self.given)


@dataclass(frozen=True, slots=True)
class Reading:
    """The place of the annotation that is being read, and what it takes to read it.

    `owner` is the class in whose module names are looked up, `skip` are the annotation classes to ignore, and `inside` are
    the classes whose members or keys are being read: to meet one of them again would never end. `hints` keeps the evaluated
    annotations of each class, and `keys` the fields of its key, so that a class that many fields refer to is evaluated once.
    """

    place: Place
    owner: type
    read: Callable[[object, Reading], FieldType]
    skip: tuple[type, ...] = ()
    inside: tuple[type, ...] = ()
    hints: dict[type, Mapping[str, object]] = field(default_factory=dict[type, "Mapping[str, object]"])
    keys: dict[type, tuple[str, ...]] = field(default_factory=dict[type, "tuple[str, ...]"])

    def type_of(self, annotation: object) -> FieldType:
        return self.read(annotation, self)

    def at(self, place: Place, owner: type) -> Reading:
        return dataclasses.replace(self, place=place, owner=owner)

    def within(self, cls: type) -> Reading:
        return dataclasses.replace(self, inside=(*self.inside, cls))

    def hints_of(self, cls: type) -> Mapping[str, object]:
        """The annotations of the fields of a dataclass."""
        if cls not in self.hints:
            self.hints[cls] = resolve_fields(cls)
        return self.hints[cls]

    def key_fields(self, cls: type) -> tuple[str, ...]:
        """The fields of a dataclass that are its primary key; one that has none is a struct."""
        if cls not in self.keys:
            hints = self.hints_of(cls).items()
            self.keys[cls] = tuple(name for name, annotation in hints if self._is_key(annotation))
        return self.keys[cls]

    def _is_key(self, annotation: object) -> bool:
        return any(isinstance(mark, m.PrimaryKeyMarker) for mark in unwrap(annotation, self.skip)[1])
