"""What a class demands of several columns at once: its `__constraints__`, and the `Index` and `Check` of its fields.

`__constraints__` is a tuple of `UniqueKey`, `Index`, `Check` and `ForeignKey`; those of the bases count too. To add one: its
marker in `markers`, a case in `read_constraints`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, assert_never, cast

from arrowsync.declare import markers as m
from arrowsync.declare.fields import Declared
from arrowsync.declare.place import Place, is_storable
from arrowsync.declare.reading import Reading
from arrowsync.declare.references import check_on_delete, check_same_type, key_of, reference, target_class
from arrowsync.declare.spec import CheckSpec, ColumnSpec, ForeignKeySpec, IndexSpec
from arrowsync.errors import DeclarationError

Constraint = m.UniqueKey | m.Index | m.Check | m.ForeignKey

# `{name}`; doubled braces stand for themselves; and a brace that is neither is one too many.
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|([{}])")


@dataclass(frozen=True, slots=True)
class Constraints:
    """The columns of a table, those that a foreign key was declared for included, and what is said of several of them."""

    columns: tuple[ColumnSpec, ...]
    unique: tuple[tuple[str, ...], ...]
    foreign_keys: tuple[ForeignKeySpec, ...]
    checks: tuple[CheckSpec, ...]
    indexes: tuple[IndexSpec, ...]


def read_constraints(table: type, declared: Sequence[Declared], key: tuple[str, ...], reading: Reading) -> Constraints:
    """All that `table` demands of its columns. A name that is none of them is a DeclarationError."""
    columns = {column.name: column for _, _, made in declared for column in made}
    names = {field.name: tuple(column.name for column in made) for field, _, made in declared}
    unique: list[tuple[str, ...]] = []
    foreign: list[ForeignKeySpec] = []
    checks: list[CheckSpec] = []
    indexes: list[IndexSpec] = []
    for place, given in _given(table, declared):
        known = _Known(place, names, columns)
        match given:
            case m.UniqueKey():
                unique.append(known.named(given.columns, "UniqueKey"))
            case m.Index():
                indexes.append(IndexSpec(known.parts(given), given.unique, given.name))
            case m.Check():
                checks.append(CheckSpec(known.expression(given.condition, "Check"), given.name))
            case m.ForeignKey():
                foreign.append(_foreign_key(given, known, replace(reading, place=place, owner=table)))
            case _:
                assert_never(given)
    place = Place(table.__name__)
    for _, field_type, _ in declared:
        if field_type.foreign_key is not None:
            foreign.append(field_type.foreign_key)
    _check_names((each.name for each in _once(checks)), "check", place)
    _check_names((each.name for each in _once(indexes)), "index", place)
    for foreign_key in _once(foreign):
        first = Place(table.__name__, foreign_key.columns[0])
        check_on_delete(foreign_key.target, [columns[name] for name in foreign_key.columns], first)
        if len(foreign_key.columns) == 1:
            column = columns[foreign_key.columns[0]]
            columns[column.name] = _with_reference(column, foreign_key, first)
    for column in columns.values():
        _check_references(column, Place(table.__name__, column.name))
    return Constraints(
        columns=tuple(columns.values()),
        # The key is unique already: a second index would cost and say nothing.
        unique=tuple(group for group in _once(unique) if set(group) != set(key)),
        foreign_keys=tuple(each for each in _once(foreign) if len(each.columns) > 1),
        checks=tuple(_once(checks)),
        indexes=tuple(_once(indexes)),
    )


T = TypeVar("T")


def _once(found: Iterable[T]) -> Iterable[T]:
    return dict.fromkeys(found)


def _given(table: type, declared: Sequence[Declared]) -> Iterator[tuple[Place, Constraint]]:
    """What the annotations say, field by field, then the `__constraints__` of the bases, then those of the class."""
    for field, field_type, made in declared:
        place, own = Place(table.__name__, field.name), tuple(column.name for column in made)
        if field_type.unique:
            yield place, m.UniqueKey(*own)
        for index in field_type.indexes:
            yield place, index if index.parts else m.Index(*own, unique=index.unique, name=index.name)
        for check in field_type.checks:
            yield place, check
    place = Place(table.__name__)
    for owner in reversed(table.__mro__):
        listed: object = vars(owner).get("__constraints__", ())
        if not isinstance(listed, (tuple, list)):
            raise place.error(
                f"__constraints__ of {owner.__name__} is no tuple",
                hint='write __constraints__ = (UniqueKey("a", "b"),)',
            )
        for given in cast("Sequence[object]", listed):
            if not isinstance(given, Constraint):
                raise place.error(
                    f"__constraints__ of {owner.__name__} has {given!r}",
                    hint="it takes UniqueKey(...), Index(...), Check(...) and ForeignKey(...)",
                )
            yield place, given


@dataclass(frozen=True, slots=True)
class _Known:
    """The columns that a constraint can name: by their own names, or by a field that becomes several."""

    place: Place
    names: Mapping[str, tuple[str, ...]]
    columns: Mapping[str, ColumnSpec]

    def named(self, given: Sequence[str], what: str) -> tuple[str, ...]:
        """The columns that `given` names, each once."""
        found: list[str] = []
        for name in given:
            if name not in self.names and name not in self.columns:
                raise self._unknown(name, what)
            for column in self.names.get(name, (name,)):
                if column in found:
                    raise self.place.error(f"{what} names the column {column!r} twice", hint="name each column once")
                found.append(column)
        return tuple(found)

    def parts(self, index: m.Index) -> tuple[str, ...]:
        """The parts of an index: columns, and expressions as they are."""
        if not index.parts:
            raise self.place.error("Index() names no columns", hint='write Index("a", "b")')
        parts: list[str] = []
        for part in index.parts:
            if "{" in part or "}" in part:
                parts.append(self.expression(part, "Index"))
            else:
                parts += self.named((part,), "Index")
        if len(set(parts)) < len(parts):
            raise self.place.error(f"{index!r} has a part twice", hint="name each part once")
        return tuple(parts)

    def expression(self, text: str, what: str) -> str:
        """`text`, which is SQL, if each name in braces is that of a column."""
        if not is_storable(text):
            raise self.place.error(f"{what}({text!r}) holds a NUL or a lone surrogate", hint="remove that character")
        for found in _BRACES.finditer(text):
            if found[2]:
                raise self.place.error(
                    f"{what}({text!r}) has a {found[2]!r} too many",
                    hint="write {name} for a column, and {{ or }} for a brace",
                )
            if found[1] is not None and found[1] not in self.columns:
                raise self._unknown(found[1], f"{what}({text!r})")
        return text

    def _unknown(self, name: str, what: str) -> DeclarationError:
        several = self.names.get(name, ())
        return self.place.error(
            f"{what} names {name!r}, which is no column",
            hint=f"it becomes the columns {', '.join(several)}"
            if several
            else f"the columns are {', '.join(self.columns)}",
        )


def _foreign_key(given: m.ForeignKey, known: _Known, reading: Reading) -> ForeignKeySpec:
    place = reading.place
    if given.target is None or not given.columns:
        raise place.error(
            "a ForeignKey in __constraints__ says both whom it refers to and its columns",
            hint='write ForeignKey(Team, columns=("team_id",))',
        )
    cls = target_class(given.target, reading)
    key, names = key_of(cls, reading), known.named(given.columns, "ForeignKey")
    if len(names) != len(key):
        raise place.error(
            f"ForeignKey has the columns {', '.join(names)}, and the key of {cls.__name__} is "
            f"{', '.join(column.name for column in key)}",
            hint="name a column for each of the key's, in their order",
        )
    for name, target in zip(names, key, strict=True):
        check_same_type(known.columns[name], target, cls, Place(place.table, name))
    return ForeignKeySpec(names, reference(cls, key, given.on_delete))


def _with_reference(column: ColumnSpec, foreign_key: ForeignKeySpec, place: Place) -> ColumnSpec:
    if column.references not in ((), (foreign_key.target,)):
        raise place.error(
            f"the column refers to {column.references[0].table} already, and a ForeignKey says {foreign_key.target.table}",
            hint="remove one of them",
        )
    return replace(column, references=(foreign_key.target,))


def _check_references(column: ColumnSpec, place: Place) -> None:
    for target in column.references:
        check_on_delete(target, [column], place)
    if column.element is not None:
        _check_references(column.element, place)


def _check_names(given: Iterable[str | None], what: str, place: Place) -> None:
    names: list[str] = []
    for name in given:
        if name is None:
            continue
        place.checked_name(name, f"name of the {what}")
        if name in names:
            raise place.error(f"more than one {what} is called {name!r}", hint="give each a name of its own")
        names.append(name)
