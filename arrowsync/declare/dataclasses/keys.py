"""References to other tables' keys, and the constraints of several columns at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, assert_never, cast

from arrowsync.declare import markers as m
from arrowsync.declare.dataclasses.annotations import (
    FieldType,
    Reading,
    own_dataclass,
    owner_of,
    resolve_name,
    type_name,
)
from arrowsync.declare.dataclasses.fields import Declared, namespace_of, table_name
from arrowsync.declare.site import Site, is_storable
from arrowsync.declare.spec import NO_DEFAULT, CheckSpec, ColumnSpec, ForeignKeySpec, IndexSpec, OnDelete, Reference
from arrowsync.errors import DeclarationError


def check_dataclass(cls: type, site: Site) -> None:
    """Refuse a class that is a dataclass only by one of its bases: its own fields wouldn't be columns."""
    if not own_dataclass(cls):
        parent = next((base.__name__ for base in cls.__mro__ if own_dataclass(base)), None)
        problem = "is not a dataclass" if parent is None else f"is not a dataclass itself, only its base {parent} is"
        raise site.error(
            problem if site.table == cls.__name__ and site.field is None else f"{cls.__name__} {problem}",
            hint="put @dataclass above the class",
        )


def key_of(cls: type, reading: Reading) -> tuple[ColumnSpec, ...]:
    """The columns of the primary key of a dataclass."""
    check_dataclass(cls, reading.site)
    if cls in reading.inside:
        path = " -> ".join(each.__name__ for each in (*reading.inside[reading.inside.index(cls) :], cls))
        raise reading.site.error(
            f"the key of {cls.__name__} is made of itself: {path}", hint="give one of the tables a key of its own"
        )
    inner = reading.within(cls)
    columns: list[ColumnSpec] = []
    for name in reading.key_fields(cls):
        found = inner.at(Site(cls.__name__, name), owner_of(cls, name)).type_of(reading.hints_of(cls)[name])
        columns += found.parts or (found.column,)
    if not columns:
        raise reading.site.error(
            f"{cls.__name__} has no primary key to refer to", hint=f"declare one in {cls.__name__}: id: PrimaryKey[int]"
        )
    return tuple(columns)


def reference(cls: type, key: Sequence[ColumnSpec], on_delete: OnDelete | None = None) -> Reference:
    """Make the reference to the table of a dataclass, by its primary key."""
    return Reference(table_name(cls), tuple(column.name for column in key), namespace_of(cls), on_delete, cls)


def reference_type(cls: type, reading: Reading) -> FieldType:
    """The type of a field whose values are rows of the table of `cls`: that of its key."""
    key = key_of(cls, reading)
    target, name = reference(cls, key), reading.site.field or ""
    column = _as_reference(key[0], name, (target,))
    if len(key) == 1:
        return FieldType(column, (cls,), refers=True)
    parts = tuple(_as_reference(part, f"{name}_{part.name}", ()) for part in key)
    foreign_key = ForeignKeySpec(tuple(part.name for part in parts), target)
    return FieldType(column, (cls,), refers=True, parts=parts, foreign_key=foreign_key)


def _as_reference(key: ColumnSpec, name: str, references: tuple[Reference, ...]) -> ColumnSpec:
    """Make a column with the type of a key column, without its role in its table."""
    return replace(
        key,
        name=name,
        nullable=False,
        default=NO_DEFAULT,
        comment=None,
        identity=False,
        renamed_from=None,
        # What the key must be, the foreign key demands already.
        choices=(),
        minimum=None,
        maximum=None,
        references=references,
    )


def discriminated_type(classes: Sequence[type], reading: Reading) -> FieldType:
    """The type of a field whose values are rows of any of several tables, which have keys of one type."""
    site = reading.site
    found = [reference_type(cls, reading) for cls in classes]
    for cls, other in zip(classes, found, strict=True):
        if other.parts:
            raise site.error(
                f"{cls.__name__} has a key of several columns, and a union needs keys of one",
                hint="declare a field for each of the tables",
            )
        if not _same_values(found[0].column, other.column):
            raise site.error(
                f"the keys of {classes[0].__name__} and {cls.__name__} are of different types, {found[0].column.type} "
                f"and {other.column.type}",
                hint="give them keys of one type, or declare a field for each of the tables",
            )
    lengths = [each.column.max_length for each in found]
    column = replace(
        found[0].column,
        max_length=None if None in lengths else max(length for length in lengths if length is not None),
        references=tuple(target for each in found for target in each.column.references),
    )
    return FieldType(column, tuple(classes), refers=True)


def _same_values(one: ColumnSpec, other: ColumnSpec) -> bool:
    return (one.type, one.labels, one.enum_name, one.lookup, one.ip) == (
        other.type,
        other.labels,
        other.enum_name,
        other.lookup,
        other.ip,
    )


def with_foreign_key(field_type: FieldType, mark: m.ForeignKey, reading: Reading) -> FieldType:
    """Add a `ForeignKey` annotation to a type: the table that it refers to, or its `on_delete`."""
    site = reading.site
    if mark.columns:
        raise site.error(
            f"ForeignKey names the columns {', '.join(mark.columns)} in an annotation",
            hint="several columns refer to a table in __constraints__; in an annotation leave them out",
        )
    if field_type.refers:
        return _with_on_delete(field_type, mark, reading)
    if mark.target is None:
        on_element = field_type.column.element is not None and field_type.column.element.references
        raise site.error(
            "ForeignKey doesn't say whom the column refers to",
            hint="annotate the element: list[Annotated[Team, ForeignKey(...)]]"
            if on_element
            else "write ForeignKey(Team), with the class of the other table",
        )
    cls = target_class(mark.target, reading)
    key = key_of(cls, reading)
    if len(key) != 1:
        raise site.error(
            f"the key of {cls.__name__} has the columns {', '.join(column.name for column in key)}, and this is one",
            hint=f"write ForeignKey({cls.__name__}, columns=(...)) in __constraints__, or declare the field as {cls.__name__}",
        )
    check_same_type(field_type.column, key[0], cls, site)
    target = reference(cls, key, mark.on_delete)
    return replace(field_type, column=replace(field_type.column, references=(target,)))


def _with_on_delete(field_type: FieldType, mark: m.ForeignKey, reading: Reading) -> FieldType:
    site, classes = reading.site, field_type.classes
    named = classes[0] if mark.target is None else target_class(mark.target, reading)
    if named is not classes[0] or (mark.target is not None and len(classes) > 1):
        raise site.error(
            f"the field is of type {' | '.join(map(type_name, classes))}, and its ForeignKey says {mark.target!r}",
            hint="leave the target out: ForeignKey(on_delete=...)",
        )
    if len(classes) > 1 and mark.on_delete is not None:
        raise site.error(
            "a reference to any of several tables has no foreign key, so that on_delete means nothing",
            hint="remove on_delete, or declare a field for each of the tables",
        )
    if field_type.foreign_key is not None:
        foreign_key = field_type.foreign_key
        target = replace(foreign_key.target, on_delete=mark.on_delete)
        return replace(field_type, foreign_key=replace(foreign_key, target=target))
    column = field_type.column
    references = tuple(replace(target, on_delete=mark.on_delete) for target in column.references)
    return replace(field_type, column=replace(column, references=references))


def target_class(target: type | str, reading: Reading) -> type:
    """The dataclass that a `ForeignKey` names."""
    found = resolve_name(target, reading.owner, reading.site) if isinstance(target, str) else target
    if not isinstance(found, type):
        raise reading.site.error(f"ForeignKey({target!r}) names no class", hint="name the dataclass of a table")
    return found


def check_same_type(column: ColumnSpec, key: ColumnSpec, cls: type, site: Site) -> None:
    """Refuse a column that refers to a key whose values are of another type."""
    if not _same_values(column, key):
        difference = f"{column.type}, and {cls.__name__}.{key.name}, which it refers to, is {key.type}"
        if column.type == key.type:
            difference = f"of other values than {cls.__name__}.{key.name}, which it refers to"
        raise site.error(
            f"the column is {difference}",
            hint=f"declare it with the type of {cls.__name__}.{key.name}, or as {cls.__name__}",
        )


def check_on_delete(target: Reference, columns: Sequence[ColumnSpec], site: Site) -> None:
    """Refuse an `on_delete` that could only fail: NULL, or a default, for columns that can't have it."""
    for column in columns:
        if target.on_delete == "set null" and not column.nullable:
            raise site.error(
                f'on_delete="set null", but {column.name} is never NULL',
                hint='write `... | None`, or on_delete="cascade" or "restrict"',
            )
        if target.on_delete == "set default" and not column.nullable and not column.has_default:
            raise site.error(
                f'on_delete="set default", but {column.name} has no default',
                hint='give it one, or write on_delete="cascade" or "restrict"',
            )


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
    for site, given in _given(table, declared):
        known = _Known(site, names, columns)
        match given:
            case m.UniqueKey():
                unique.append(known.named(given.columns, "UniqueKey"))
            case m.Index():
                indexes.append(IndexSpec(known.parts(given), given.unique, given.name))
            case m.Check():
                checks.append(CheckSpec(known.expression(given.condition, "Check"), given.name))
            case m.ForeignKey():
                foreign.append(_foreign_key(given, known, replace(reading, site=site, owner=table)))
            case _:
                assert_never(given)
    site = Site(table.__name__)
    for _, field_type, _ in declared:
        if field_type.foreign_key is not None:
            foreign.append(field_type.foreign_key)
    _check_names((each.name for each in _once(checks)), "check", site)
    _check_names((each.name for each in _once(indexes)), "index", site)
    for foreign_key in _once(foreign):
        first = Site(table.__name__, foreign_key.columns[0])
        check_on_delete(foreign_key.target, [columns[name] for name in foreign_key.columns], first)
        if len(foreign_key.columns) == 1:
            column = columns[foreign_key.columns[0]]
            columns[column.name] = _with_reference(column, foreign_key, first)
    for column in columns.values():
        _check_references(column, Site(table.__name__, column.name))
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


def _given(table: type, declared: Sequence[Declared]) -> Iterator[tuple[Site, Constraint]]:
    """Yield the constraints of the annotations, field by field, then the `__constraints__` of the bases and of the class."""
    for field, field_type, made in declared:
        site, own = Site(table.__name__, field.name), tuple(column.name for column in made)
        if field_type.unique:
            yield site, m.UniqueKey(*own)
        for index in field_type.indexes:
            yield site, index if index.parts else m.Index(*own, unique=index.unique, name=index.name)
        for check in field_type.checks:
            yield site, check
    site = Site(table.__name__)
    for owner in reversed(table.__mro__):
        listed: object = vars(owner).get("__constraints__", ())
        if not isinstance(listed, (tuple, list)):
            raise site.error(
                f"__constraints__ of {owner.__name__} is no tuple",
                hint='write __constraints__ = (UniqueKey("a", "b"),)',
            )
        for given in cast("Sequence[object]", listed):
            if not isinstance(given, Constraint):
                raise site.error(
                    f"__constraints__ of {owner.__name__} has {given!r}",
                    hint="it takes UniqueKey(...), Index(...), Check(...) and ForeignKey(...)",
                )
            yield site, given


@dataclass(frozen=True, slots=True)
class _Known:
    """The columns that a constraint can name: by their own names, or by a field that becomes several."""

    site: Site
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
                    raise self.site.error(f"{what} names the column {column!r} twice", hint="name each column once")
                found.append(column)
        return tuple(found)

    def parts(self, index: m.Index) -> tuple[str, ...]:
        """The parts of an index: columns, and expressions as they are."""
        if not index.parts:
            raise self.site.error("Index() names no columns", hint='write Index("a", "b")')
        parts: list[str] = []
        for part in index.parts:
            if "{" in part or "}" in part:
                parts.append(self.expression(part, "Index"))
            else:
                parts += self.named((part,), "Index")
        if len(set(parts)) < len(parts):
            raise self.site.error(f"{index!r} has a part twice", hint="name each part once")
        return tuple(parts)

    def expression(self, text: str, what: str) -> str:
        """`text`, which is SQL, if each name in braces is that of a column."""
        if not is_storable(text):
            raise self.site.error(f"{what}({text!r}) holds a NUL or a lone surrogate", hint="remove that character")
        for found in _BRACES.finditer(text):
            if found[2]:
                raise self.site.error(
                    f"{what}({text!r}) has a {found[2]!r} too many",
                    hint="write {name} for a column, and {{ or }} for a brace",
                )
            if found[1] is not None and found[1] not in self.columns:
                raise self._unknown(found[1], f"{what}({text!r})")
        return text

    def _unknown(self, name: str, what: str) -> DeclarationError:
        several = self.names.get(name, ())
        return self.site.error(
            f"{what} names {name!r}, which is no column",
            hint=f"it becomes the columns {', '.join(several)}"
            if several
            else f"the columns are {', '.join(self.columns)}",
        )


def _foreign_key(given: m.ForeignKey, known: _Known, reading: Reading) -> ForeignKeySpec:
    site = reading.site
    if given.target is None or not given.columns:
        raise site.error(
            "a ForeignKey in __constraints__ says both whom it refers to and its columns",
            hint='write ForeignKey(Team, columns=("team_id",))',
        )
    cls = target_class(given.target, reading)
    key, names = key_of(cls, reading), known.named(given.columns, "ForeignKey")
    if len(names) != len(key):
        raise site.error(
            f"ForeignKey has the columns {', '.join(names)}, and the key of {cls.__name__} is "
            f"{', '.join(column.name for column in key)}",
            hint="name a column for each of the key's, in their order",
        )
    for name, target in zip(names, key, strict=True):
        check_same_type(known.columns[name], target, cls, Site(site.table, name))
    return ForeignKeySpec(names, reference(cls, key, given.on_delete))


def _with_reference(column: ColumnSpec, foreign_key: ForeignKeySpec, site: Site) -> ColumnSpec:
    if column.references not in ((), (foreign_key.target,)):
        raise site.error(
            f"the column refers to {column.references[0].table} already, and a ForeignKey says {foreign_key.target.table}",
            hint="remove one of them",
        )
    return replace(column, references=(foreign_key.target,))


def _check_references(column: ColumnSpec, site: Site) -> None:
    for target in column.references:
        check_on_delete(target, [column], site)
    if column.element is not None:
        _check_references(column.element, site)


def _check_names(given: Iterable[str | None], what: str, site: Site) -> None:
    names: list[str] = []
    for name in given:
        if name is None:
            continue
        site.checked_name(name, f"name of the {what}")
        if name in names:
            raise site.error(f"more than one {what} is called {name!r}", hint="give each a name of its own")
        names.append(name)
