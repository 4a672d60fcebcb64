"""The closed set of changes that a migration consists of, and `apply`, the effect of each on a catalog.

A new kind of change is a class here, a member of `Change`, a case in `apply`, in `describe`, in `plan.hazard` and in each
dialect's `render`; the type checker names every place that lacks it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from arrowsync.catalog import (
    Catalog,
    Column,
    EnumType,
    ForeignKey,
    Index,
    ObjectName,
    SqlType,
    StructType,
    Table,
    UniqueKey,
)
from arrowsync.shown import printable, shown


@dataclass(frozen=True, slots=True)
class CreateNamespace:
    """Create a namespace (a schema of PostgreSQL)."""

    name: str


@dataclass(frozen=True, slots=True)
class CreateEnum:
    """Create a named enum type."""

    enum: EnumType


@dataclass(frozen=True, slots=True)
class AddEnumLabels:
    """Add labels at the end of a named enum type."""

    name: ObjectName
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CreateStruct:
    """Create a named struct type."""

    struct: StructType


@dataclass(frozen=True, slots=True)
class CreateTable:
    """Create a table with its columns, keys, checks and comments; its indexes and rows are changes of their own."""

    table: Table


@dataclass(frozen=True, slots=True)
class CreateIndex:
    """Create an index of a table."""

    table: ObjectName
    index: Index


@dataclass(frozen=True, slots=True)
class InsertRows:
    """Insert the first rows of a table: the values of `columns`."""

    table: ObjectName
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class AddForeignKey:
    """Add a foreign key to a table that is created after this one."""

    table: ObjectName
    key: ForeignKey


@dataclass(frozen=True, slots=True)
class RenameColumn:
    """Rename a column; its values stay."""

    table: ObjectName
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class AddColumn:
    """Add a column at the end of the table."""

    table: ObjectName
    column: Column


@dataclass(frozen=True, slots=True)
class AlterType:
    """Change the type of a column: the column with its new type, and its old type."""

    table: ObjectName
    column: Column
    old: SqlType


@dataclass(frozen=True, slots=True)
class DropNotNull:
    """Allow NULL in a column."""

    table: ObjectName
    column: Column


@dataclass(frozen=True, slots=True)
class SetNotNull:
    """Forbid NULL in a column; the server rejects the statement if the column has one."""

    table: ObjectName
    column: Column


@dataclass(frozen=True, slots=True)
class SetKey:
    """Set the primary key of a table that has another one, or none (`old` is empty)."""

    table: ObjectName
    key: tuple[str, ...]
    old: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddUnique:
    """Add a unique key."""

    table: ObjectName
    key: UniqueKey


@dataclass(frozen=True, slots=True)
class SetComment:
    """Set the comment of a table, or of the column that is named: `definition` is that column with the new comment."""

    table: ObjectName
    column: str | None
    comment: str
    definition: Column | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DropColumn:
    """Drop a column with its values."""

    table: ObjectName
    column: Column


Change = (
    CreateNamespace
    | CreateEnum
    | AddEnumLabels
    | CreateStruct
    | CreateTable
    | CreateIndex
    | InsertRows
    | AddForeignKey
    | RenameColumn
    | AddColumn
    | AlterType
    | DropNotNull
    | SetNotNull
    | SetKey
    | AddUnique
    | SetComment
    | DropColumn
)


def describe(change: Change) -> str:
    """Describe a change in words, on one line, with control characters of names escaped."""
    return printable(_words(change))


def _words(change: Change) -> str:
    match change:
        case CreateNamespace(name):
            return f"create namespace {name}"
        case CreateEnum(enum):
            return f"create enum {enum.name} ({', '.join(enum.labels)})"
        case AddEnumLabels(name, labels):
            return f"add to enum {name}: {', '.join(labels)}"
        case CreateTable(table):
            return f"create table {table.name} ({len(table.columns)} columns)"
        case CreateStruct(struct):
            return f"create struct {struct.name} ({', '.join(member.name for member in struct.members)})"
        case CreateIndex(table, index):
            return f"create index {index.name} on {table}"
        case InsertRows(table, _, rows):
            return f"insert {len(rows)} rows into {table}"
        case AddForeignKey(table, key):
            return f"add foreign key ({', '.join(key.columns)}) from {table} to {key.target}"
        case RenameColumn(table, old, new):
            return f"rename column {table}.{old} to {new}"
        case AddColumn(table, column):
            return f"add column {table}.{column.name} {column.type}{'' if column.nullable else ' not null'}"
        case AlterType(table, column, old):
            return f"change type of {table}.{column.name} from {_type_words(old)} to {_type_words(column.type)}"
        case DropNotNull(table, column):
            return f"allow NULL in {table}.{column.name}"
        case SetNotNull(table, column):
            return f"forbid NULL in {table}.{column.name}"
        case SetKey(table, key, old):
            was = f", now ({', '.join(old)})" if old else ""
            return f"set primary key of {table} to ({', '.join(key)}){was}"
        case AddUnique(table, key):
            return f"add unique key ({', '.join(key.columns)}) to {table}"
        case SetComment(table, column, _):
            return f"set comment on {table}{'.' + column if column else ''}"
        case DropColumn(table, column):
            return f"drop column {table}.{column.name}"
        case _:
            assert_never(change)


def _type_words(type_: SqlType) -> str:
    """Return the name of a type, with its labels if it is an enum."""
    return f"{type_} ({', '.join(map(shown, type_.labels))})" if type_.labels else str(type_)


def apply(change: Change, catalog: Catalog) -> Catalog:
    """Return the catalog after the change. Each dialect's `render` has to have the same effect on a database."""
    match change:
        case CreateNamespace(name):
            return replace(catalog, namespaces=(*catalog.namespaces, name))
        case CreateEnum(enum):
            return catalog.with_enum(enum)
        case AddEnumLabels(name, labels):
            return _with_labels(catalog, name, labels)
        case CreateStruct(struct):
            return catalog.with_struct(struct)
        case CreateTable(table):
            return catalog.with_table(replace(table, indexes=(), rows=()))
        case CreateIndex(name, index):
            table = _table(catalog, name)
            return catalog.with_table(replace(table, indexes=(*table.indexes, index)))
        case InsertRows(name, _, rows):
            table = _table(catalog, name)
            return catalog.with_table(replace(table, rows=(*table.rows, *rows)))
        case AddForeignKey(name, key):
            table = _table(catalog, name)
            return catalog.with_table(replace(table, foreign_keys=(*table.foreign_keys, key)))
        case RenameColumn(name, old, new):
            return catalog.with_table(_renamed(_table(catalog, name), old, new))
        case AddColumn(name, column):
            return catalog.with_table(_table(catalog, name).with_column(column))
        # Another change of the same column may have been left out: each does its own and nothing else.
        case AlterType(name, column, _):
            return catalog.with_table(_altered(_table(catalog, name), column.name, type=column.type))
        case DropNotNull(name, column) | SetNotNull(name, column):
            return catalog.with_table(_altered(_table(catalog, name), column.name, nullable=column.nullable))
        case SetKey(name, key, _):
            return catalog.with_table(replace(_table(catalog, name), key=key))
        case AddUnique(name, key):
            table = _table(catalog, name)
            return catalog.with_table(replace(table, unique=(*table.unique, key)))
        case SetComment():
            return catalog.with_table(_commented(_table(catalog, change.table), change))
        case DropColumn(name, column):
            table = _table(catalog, name)
            return catalog.with_table(replace(table, columns=tuple(c for c in table.columns if c.name != column.name)))
        case _:
            assert_never(change)


def _table(catalog: Catalog, name: ObjectName) -> Table:
    table = catalog.table(name)
    assert table is not None, f"a change to the table {name}, which is not in the catalog"
    return table


def _altered(table: Table, name: str, **parts: Any) -> Table:
    column = table.column(name)
    assert column is not None, f"a change to the column {name}, which {table.name} doesn't have"
    return table.with_column(replace(column, **parts))


def _commented(table: Table, change: SetComment) -> Table:
    if change.column is None:
        return replace(table, comment=change.comment)
    columns = tuple(replace(c, comment=change.comment) if c.name == change.column else c for c in table.columns)
    return replace(table, columns=columns)


def _renamed(table: Table, old: str, new: str) -> Table:
    def renamed(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if name == old else name for name in names)

    return replace(
        table,
        columns=tuple(_called(c, new) if c.name == old else c for c in table.columns),
        key=renamed(table.key),
        unique=tuple(replace(key, columns=renamed(key.columns)) for key in table.unique),
        foreign_keys=tuple(replace(key, columns=renamed(key.columns)) for key in table.foreign_keys),
    )


def _called(column: Column, name: str) -> Column:
    """Rename a column object; repeated attributes, whose SQL may have the old name, become one that can't be written back."""
    lost = "words that may name it as it was called" if column.attributes else None
    return replace(column, name=name, unknown_attributes=column.unknown_attributes or lost)


def _with_labels(catalog: Catalog, name: ObjectName, labels: tuple[str, ...]) -> Catalog:
    enum = catalog.enum(name)
    assert enum is not None, f"a change to the enum {name}, which is not in the catalog"
    new = replace(enum, labels=(*enum.labels, *labels))

    def relabelled(column: Column) -> Column:
        if (column.type.namespace, column.type.name) != (name.namespace, name.name) or not column.type.labels:
            return column
        return replace(column, type=replace(column.type, labels=new.labels))

    tables = tuple(replace(t, columns=tuple(map(relabelled, t.columns))) for t in catalog.tables)
    return replace(catalog.with_enum(new), tables=tables)
