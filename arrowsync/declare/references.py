"""A field whose type is another table's dataclass becomes a column of the type of that table's key, which refers to it.

Only the key fields of the other class are read, so that classes may refer to each other, and to themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from arrowsync.declare import markers as m
from arrowsync.declare.annotations import own_dataclass, owner_of, resolve_name, type_name
from arrowsync.declare.fields import namespace_of, table_name
from arrowsync.declare.place import Place
from arrowsync.declare.reading import FieldType, Reading
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, ForeignKeySpec, OnDelete, Reference


def check_dataclass(cls: type, place: Place) -> None:
    """Refuse a class that is a dataclass only by one of its bases: its own fields wouldn't be columns."""
    if not own_dataclass(cls):
        parent = next((base.__name__ for base in cls.__mro__ if own_dataclass(base)), None)
        problem = "is not a dataclass" if parent is None else f"is not a dataclass itself, only its base {parent} is"
        raise place.error(
            problem if place.table == cls.__name__ and place.field is None else f"{cls.__name__} {problem}",
            hint="put @dataclass above the class",
        )


def key_of(cls: type, reading: Reading) -> tuple[ColumnSpec, ...]:
    """The columns of the primary key of a dataclass."""
    check_dataclass(cls, reading.place)
    if cls in reading.inside:
        path = " -> ".join(each.__name__ for each in (*reading.inside[reading.inside.index(cls) :], cls))
        raise reading.place.error(
            f"the key of {cls.__name__} is made of itself: {path}", hint="give one of the tables a key of its own"
        )
    inner = reading.within(cls)
    columns: list[ColumnSpec] = []
    for name in reading.key_fields(cls):
        found = inner.at(Place(cls.__name__, name), owner_of(cls, name)).type_of(reading.hints_of(cls)[name])
        columns += found.parts or (found.column,)
    if not columns:
        raise reading.place.error(
            f"{cls.__name__} has no primary key to refer to", hint=f"declare one in {cls.__name__}: id: PrimaryKey[int]"
        )
    return tuple(columns)


def reference(cls: type, key: Sequence[ColumnSpec], on_delete: OnDelete | None = None) -> Reference:
    """What refers to the table of a dataclass by its primary key."""
    return Reference(table_name(cls), tuple(column.name for column in key), namespace_of(cls), on_delete, cls)


def reference_type(cls: type, reading: Reading) -> FieldType:
    """The type of a field whose values are rows of the table of `cls`: that of its key."""
    key = key_of(cls, reading)
    target, name = reference(cls, key), reading.place.field or ""
    column = _as_reference(key[0], name, (target,))
    if len(key) == 1:
        return FieldType(column, (cls,), refers=True)
    parts = tuple(_as_reference(part, f"{name}_{part.name}", ()) for part in key)
    foreign_key = ForeignKeySpec(tuple(part.name for part in parts), target)
    return FieldType(column, (cls,), refers=True, parts=parts, foreign_key=foreign_key)


def _as_reference(key: ColumnSpec, name: str, references: tuple[Reference, ...]) -> ColumnSpec:
    """A column with values like those of the key column: all that is said of its type, and nothing of its role."""
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
    place = reading.place
    found = [reference_type(cls, reading) for cls in classes]
    for cls, other in zip(classes, found, strict=True):
        if other.parts:
            raise place.error(
                f"{cls.__name__} has a key of several columns, and a union needs keys of one",
                hint="declare a field for each of the tables",
            )
        if not _same_values(found[0].column, other.column):
            raise place.error(
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
    """The type with what a `ForeignKey` annotation says: whom it refers to, or what happens when that row is deleted."""
    place = reading.place
    if mark.columns:
        raise place.error(
            f"ForeignKey names the columns {', '.join(mark.columns)} in an annotation",
            hint="several columns refer to a table in __constraints__; in an annotation leave them out",
        )
    if field_type.refers:
        return _with_on_delete(field_type, mark, reading)
    if mark.target is None:
        on_element = field_type.column.element is not None and field_type.column.element.references
        raise place.error(
            "ForeignKey doesn't say whom the column refers to",
            hint="annotate the element: list[Annotated[Team, ForeignKey(...)]]"
            if on_element
            else "write ForeignKey(Team), with the class of the other table",
        )
    cls = target_class(mark.target, reading)
    key = key_of(cls, reading)
    if len(key) != 1:
        raise place.error(
            f"the key of {cls.__name__} has the columns {', '.join(column.name for column in key)}, and this is one",
            hint=f"write ForeignKey({cls.__name__}, columns=(...)) in __constraints__, or declare the field as {cls.__name__}",
        )
    check_same_type(field_type.column, key[0], cls, place)
    target = reference(cls, key, mark.on_delete)
    return replace(field_type, column=replace(field_type.column, references=(target,)))


def _with_on_delete(field_type: FieldType, mark: m.ForeignKey, reading: Reading) -> FieldType:
    place, classes = reading.place, field_type.classes
    named = classes[0] if mark.target is None else target_class(mark.target, reading)
    if named is not classes[0] or (mark.target is not None and len(classes) > 1):
        raise place.error(
            f"the field is of type {' | '.join(map(type_name, classes))}, and its ForeignKey says {mark.target!r}",
            hint="leave the target out: ForeignKey(on_delete=...)",
        )
    if len(classes) > 1 and mark.on_delete is not None:
        raise place.error(
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
    found = resolve_name(target, reading.owner, reading.place) if isinstance(target, str) else target
    if not isinstance(found, type):
        raise reading.place.error(f"ForeignKey({target!r}) names no class", hint="name the dataclass of a table")
    return found


def check_same_type(column: ColumnSpec, key: ColumnSpec, cls: type, place: Place) -> None:
    """Refuse a column that refers to a key whose values are of another type."""
    if not _same_values(column, key):
        difference = f"{column.type}, and {cls.__name__}.{key.name}, which it refers to, is {key.type}"
        if column.type == key.type:
            difference = f"of other values than {cls.__name__}.{key.name}, which it refers to"
        raise place.error(
            f"the column is {difference}",
            hint=f"declare it with the type of {cls.__name__}.{key.name}, or as {cls.__name__}",
        )


def check_on_delete(target: Reference, columns: Sequence[ColumnSpec], place: Place) -> None:
    """Refuse an `on_delete` that could only fail: NULL, or a default, for columns that can't have it."""
    for column in columns:
        if target.on_delete == "set null" and not column.nullable:
            raise place.error(
                f'on_delete="set null", but {column.name} is never NULL',
                hint='write `... | None`, or on_delete="cascade" or "restrict"',
            )
        if target.on_delete == "set default" and not column.nullable and not column.has_default:
            raise place.error(
                f'on_delete="set default", but {column.name} has no default',
                hint='give it one, or write on_delete="cascade" or "restrict"',
            )
