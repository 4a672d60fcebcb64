"""The fields of a dataclass become columns, whether it is a table, a struct, or the members of an enum."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from arrowsync.declare.annotations import own_dataclass, owner_of
from arrowsync.declare.defaults import plain_default
from arrowsync.declare.docstrings import own_docstring, parse_docstring
from arrowsync.declare.place import Place
from arrowsync.declare.reading import FieldType, Reading
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec

Declared = tuple[dataclasses.Field[Any], FieldType, tuple[ColumnSpec, ...]]
"""A field, what its annotation says, and the columns that it becomes: one, or those of a key of several columns."""


def declared_columns(cls: type, reading: Reading, inside: str | None = None) -> Iterator[Declared]:
    """Each field of a dataclass with its columns.

    `inside` says, in words, what the columns are where they aren't those of a table: such can't be keys, for example.
    """
    comments = _column_comments(cls)
    hints = reading.hints_of(cls)
    for field in dataclasses.fields(cast(Any, cls)):
        place = Place(cls.__name__, field.name)
        field_type = reading.at(place, owner_of(cls, field.name)).type_of(hints[field.name])
        if inside is not None:
            check_inside(field_type, inside, place)
            check_unenforced(field_type.column, inside, place)
        yield field, field_type, tuple(_columns(field, field_type, comments.get(field.name, ""), place))


def check_inside(field_type: FieldType, what: str, place: Place) -> None:
    """Refuse what only a column of a table can be, where `what` is inside of one."""
    column = field_type.column
    wrong = {
        "the primary key": field_type.primary_key,
        "unique": field_type.unique,
        "an Identity": column.identity,
        "renamed": column.renamed_from is not None,
        "indexed": field_type.indexes,
        "checked": field_type.checks,
    }
    for words, found in wrong.items():
        if found:
            raise place.error(
                f"{what} can't be {words}", hint="remove that annotation, or move it to the field of the table"
            )
    if field_type.parts:
        target = field_type.classes[0].__name__
        raise place.error(
            f"{what} can't refer to {target}, whose key has several columns",
            hint=f"give {target} a key of one column, or declare a table of its own with a field of type {target}",
        )


def check_unenforced(column: ColumnSpec, what: str, place: Place) -> None:
    """Refuse an `on_delete` where no foreign key can be, as in a struct."""
    if any(reference.on_delete for reference in column.references):
        raise place.error(f"{what} has no foreign key, so that on_delete means nothing", hint="remove on_delete")
    if column.element is not None:
        check_unenforced(column.element, what, place)


def _columns(field: dataclasses.Field[Any], field_type: FieldType, comment: str, place: Place) -> Iterator[ColumnSpec]:
    has_default = field.default is not dataclasses.MISSING
    default = plain_default(field.default, field_type, place) if has_default else NO_DEFAULT
    for column in field_type.parts or (field_type.column,):
        name = place.checked_name(column.name, "name of a column")
        yield replace(column, name=name, default=default, comment=place.checked_comment(comment))


def _column_comments(table: type) -> Mapping[str, str]:
    """What the docstrings of a class and of its bases say of the fields by name; the nearest class wins."""
    comments: dict[str, str] = {}
    for owner in reversed(table.__mro__):
        if own_dataclass(owner):
            comments.update(parse_docstring(own_docstring(owner)).params)
    return comments


def table_name(table: type) -> str:
    """The name of the table that a dataclass declares."""
    return Place(table.__name__).checked_name(vars(table).get("__table_name__", table.__name__), "name of a table")


def name_of_type(cls: type) -> str:
    """The name of the type that an enum or a struct is in the database: that of the class, or its `__type_name__`."""
    return Place(cls.__name__).checked_name(vars(cls).get("__type_name__", cls.__name__), "name of a type")


def namespace_of(table: type) -> str | None:
    """The namespace that a dataclass, or a base of it, says that its table lives in."""
    namespace = getattr(table, "__namespace__", None)
    return None if namespace is None else Place(table.__name__).checked_name(namespace, "namespace")


def table_comment(table: type) -> str | None:
    """The text of the docstring of a dataclass."""
    return Place(table.__name__).checked_comment(parse_docstring(own_docstring(table)).text)
