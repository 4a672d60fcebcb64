"""A dataclass becomes a `TableSpec`.

`read_dataclass` is the first step of each sync. It is a straight line: evaluate the annotations (`annotations`), read the type of
each field (`python_types`) with its default and comment (`fields`), then what the class demands of several (`constraints`).

What a class may say besides its fields:

- its docstring is the comment of the table, and its `:param name:` lines are those of the columns, for subclasses too;
- `__table_name__ = "users"` names the table otherwise than the class (not its subclasses);
- `__namespace__ = "sales"` is the schema that the table lives in (of subclasses too);
- `__constraints__ = (UniqueKey("a", "b"), Check("{a} < {b}"))` are keys, checks and indexes (of subclasses too);
- `__type_name__ = "color"` names the type that an enum or a struct is otherwise than the class; a field whose column Python
  can't name says it with `ColumnName("order id")`.

A `default_factory` runs in Python, once for each object, so it is no default of the column: a row that comes without a value
is refused, as for a field with no default at all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, cast

from arrowsync.declare.dataclasses.annotations import Reading
from arrowsync.declare.dataclasses.fields import Declared, declared_columns, namespace_of, table_comment, table_name
from arrowsync.declare.dataclasses.keys import check_dataclass, read_constraints
from arrowsync.declare.dataclasses.python_types import read_type
from arrowsync.declare.site import Site
from arrowsync.declare.spec import Reference, TableSpec, with_references

# The spec of a class is kept on the class itself: it holds the class (`source`), so that a weak dictionary would never let
# go of it.
_CACHE = "__arrowsync_spec__"

_RESERVED = {
    "__namespace__": '__namespace__ = "..."',
    "__table_name__": '__table_name__ = "..."',
    "__constraints__": "__constraints__ = (...)",
}


def read_dataclass(table: type, name: str | None = None, *, skip_annotations: tuple[type, ...] = ()) -> TableSpec:
    """The table that a dataclass declares, called `name`, or else `__table_name__`, or else as the class.

    Annotations that are of a class in `skip_annotations`, or are one themselves, are ignored. A declaration that can't work
    is a DeclarationError that names class and field.

    >>> from dataclasses import dataclass
    >>> from arrowsync.declare.markers import PrimaryKey
    >>> @dataclass
    ... class User:
    ...     id: PrimaryKey[int]
    ...     name: str | None = None
    >>> spec = read_dataclass(User)
    >>> spec.name, spec.key, [str(column.type) for column in spec.columns]
    ('User', ('id',), ['int64', 'string'])
    """
    _check_class(table)
    spec = vars(table).get(_CACHE)
    if skip_annotations or not isinstance(spec, TableSpec):
        spec = _read_class(table, tuple(skip_annotations))
        if not skip_annotations:
            setattr(table, _CACHE, spec)
    if name is None or name == spec.name:
        return spec
    return _renamed(spec, Site(table.__name__).checked_name(name, "name of a table"))


def _renamed(spec: TableSpec, name: str) -> TableSpec:
    """The table under another name, which its references to itself have too."""

    def rename(target: Reference) -> Reference:
        return dataclasses.replace(target, table=name) if target.source is spec.source else target

    return dataclasses.replace(with_references(spec, rename), name=name)


def _check_class(table: object) -> None:
    if not isinstance(table, type):
        kind = type(table)
        site = Site(kind.__name__)  # the object itself isn't shown: it may hold anything
        if dataclasses.is_dataclass(kind):
            raise site.error("an object was given where its class is wanted", hint=f"pass {kind.__name__} itself")
        raise site.error(
            f"a table is a dataclass, and an object of type {kind.__name__} is none",
            hint="pass a class made with @dataclass",
        )
    check_dataclass(table, Site(table.__name__))


def _read_class(table: type, skip: tuple[type, ...]) -> TableSpec:
    site = Site(table.__name__)
    fields = dataclasses.fields(cast(Any, table))
    for reserved, example in _RESERVED.items():
        if any(field.name == reserved for field in fields):
            raise site.error(
                f"{reserved} is declared as a field", hint=f"write {example}, with no type, or as ClassVar[...]"
            )
    if not fields:
        raise site.error("the class has no fields", hint="declare at least one: `id: PrimaryKey[int]`")
    reading = Reading(site, table, read_type, skip)
    declared = tuple(declared_columns(table, reading))
    _check_names(declared, table)
    key = tuple(column.name for _, field_type, columns in declared if field_type.primary_key for column in columns)
    constraints = read_constraints(table, declared, key, reading)
    return TableSpec(
        name=table_name(table),
        columns=constraints.columns,
        key=key,
        unique=constraints.unique,
        namespace=namespace_of(table),
        comment=table_comment(table),
        source=table,
        foreign_keys=constraints.foreign_keys,
        checks=constraints.checks,
        indexes=constraints.indexes,
    )


def _check_names(declared: Sequence[Declared], table: type) -> None:
    """Refuse two columns of one name, or of one former name."""
    seen: dict[str, str] = {}
    former: dict[str, str] = {}
    for owner, _, columns in declared:
        site = Site(table.__name__, owner.name)
        for column in columns:
            if column.name in seen:
                raise site.error(
                    f"the table has two columns named {column.name!r}, of this field and of {seen[column.name]!r}",
                    hint="rename one of the fields",
                )
            seen[column.name] = owner.name
            old = column.renamed_from
            if old is not None and former.setdefault(old, column.name) != column.name:
                raise site.error(
                    f"two columns are renamed from {old!r}, this and {former[old]!r}",
                    hint="one of them is a new column",
                )
