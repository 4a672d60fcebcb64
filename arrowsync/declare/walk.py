"""What a spec refers to, and is made of: the other tables, and the structs, wherever they are nested."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from arrowsync.declare.spec import ColumnSpec, Reference, TableSpec


def nested_columns(column: ColumnSpec) -> Iterator[ColumnSpec]:
    """The column itself, then its element and its members, and theirs."""
    yield column
    if column.element is not None:
        yield from nested_columns(column.element)
    if column.struct is not None:
        for member in column.struct.members:
            yield from nested_columns(member)


def references_of(spec: TableSpec) -> Iterator[Reference]:
    """All references of a table, in the order of its columns."""
    for column in spec.columns:
        for each in nested_columns(column):
            yield from each.references
    for foreign_key in spec.foreign_keys:
        yield foreign_key.target


def structs_of(spec: TableSpec) -> Iterator[type]:
    """The classes whose objects are structs in a table."""
    for column in spec.columns:
        for each in nested_columns(column):
            if each.struct is not None and each.struct.source is not None:
                yield each.struct.source


def with_references(spec: TableSpec, change: Callable[[Reference], Reference]) -> TableSpec:
    """The table with each of its references changed."""
    return replace(
        spec,
        columns=tuple(_changed(column, change) for column in spec.columns),
        foreign_keys=tuple(replace(each, target=change(each.target)) for each in spec.foreign_keys),
    )


def _changed(column: ColumnSpec, change: Callable[[Reference], Reference]) -> ColumnSpec:
    struct = column.struct
    if struct is not None:
        struct = replace(struct, members=tuple(_changed(member, change) for member in struct.members))
    return replace(
        column,
        references=tuple(map(change, column.references)),
        element=None if column.element is None else _changed(column.element, change),
        struct=struct,
    )
