"""The fields of a class for `write`: one for each column, or one for the columns that are the key of another table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from arrowsync.declare.python_source.names import field_names, is_usable
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, ForeignKeySpec, TableSpec

Tables = Mapping[tuple[str | None, str], TableSpec]
"""The tables of a module, by namespace and name."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in Python, and the columns that it becomes: several if it has a `foreign_key`."""

    name: str
    columns: tuple[ColumnSpec, ...]
    foreign_key: ForeignKeySpec | None = None

    @property
    def column(self) -> ColumnSpec:
        return self.columns[0]

    @property
    def has_default(self) -> bool:
        return self.column.has_default


def plain_fields(columns: Sequence[ColumnSpec]) -> tuple[Field, ...]:
    """A field for each column."""
    names = field_names([column.name for column in columns])
    return tuple(Field(names[column.name], (column,)) for column in columns)


def table_fields(spec: TableSpec, tables: Tables) -> tuple[Field, ...]:
    """The fields of a table, in the order of its columns."""
    folded: dict[str, Field] = {}
    gone: set[str] = set()
    for key in spec.foreign_keys:
        field = _folded(key, spec, tables)
        if (
            field is not None
            and not gone.intersection(key.columns)
            and field.name not in {f.name for f in folded.values()}
        ):
            folded[key.columns[0]] = field
            gone.update(key.columns)
    fields: list[Field] = []
    # Names for all columns, folded ones too, so that no field is called like a column that it isn't.
    for plain in plain_fields(spec.columns):
        if plain.column.name in folded:
            fields.append(folded[plain.column.name])
        elif plain.column.name not in gone:
            fields.append(plain)
    return tuple(fields)


def as_reference(key: ColumnSpec, column: ColumnSpec) -> ColumnSpec:
    """Return `column` as it is if its field has the type of the table whose key is the column `key`."""
    return replace(
        key,
        name=column.name,
        nullable=column.nullable,
        default=column.default,
        comment=column.comment,
        identity=False,
        renamed_from=column.renamed_from,
        choices=(),
        minimum=None,
        maximum=None,
        references=column.references,
    )


def _folded(key: ForeignKeySpec, spec: TableSpec, tables: Tables) -> Field | None:
    """The field of the type of the other table that becomes the columns of `key`; None where no field would."""
    target = tables.get((key.target.namespace, key.target.table))
    if target is None or target.key != key.target.columns:
        return None
    name = key.columns[0].removesuffix(f"_{target.key[0]}")
    others = [column.name for column in spec.columns]
    start = others.index(key.columns[0])
    fits = (
        key.columns == tuple(f"{name}_{part}" for part in target.key)
        and tuple(others[start : start + len(key.columns)]) == key.columns
        and is_usable(name)
        and name not in field_names(others).values()
        and len({column in spec.key for column in key.columns}) == 1
    )
    columns = tuple(spec.by_name[column] for column in key.columns)
    if not fits or any(_has_role(column, spec) for column in columns):
        return None
    for column, part in zip(columns, target.key, strict=True):
        if as_reference(target.by_name[part], column) != column or column.references:
            return None
        if (column.nullable, column.default, column.comment) != (
            columns[0].nullable,
            columns[0].default,
            columns[0].comment,
        ):
            return None
    return Field(name, columns, key) if columns[0].default in (NO_DEFAULT, None) else None


def _has_role(column: ColumnSpec, spec: TableSpec) -> bool:
    """True if a column has a property that a field of several columns can't give to one of them."""
    return (
        column.identity or column.renamed_from is not None or bool(column.references) or (column.name,) in spec.unique
    )
