"""The objects of a database: `Catalog`, `Table`, `Column`, `EnumType`, as plain frozen values.

Both sides of a diff are made of these: what discovery found, and what the declarations ask for. Names are as the server
stores them; the order of columns is the table's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from arrowsync.catalog.types import SqlType
from arrowsync.sql import SQL, Identifier

TableKind = Literal["table", "view", "foreign table", "partitioned table"]


@dataclass(frozen=True, slots=True, order=True)
class ObjectName:
    """The qualified name of an object; a namespace of None is the connection's default one."""

    namespace: str | None
    name: str

    @property
    def identifier(self) -> Identifier:
        return Identifier(self.namespace, self.name)

    def __str__(self) -> str:
        return f"{self.namespace}.{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class DefaultValue:
    """A declared default: a Python value that the dialect writes as a literal of the column's type."""

    value: Any


@dataclass(frozen=True, slots=True)
class DefaultExpression:
    """A default as the server spells it."""

    text: SQL


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. `generated` columns are computed by the server and can't be written."""

    name: str
    type: SqlType
    nullable: bool = True
    default: DefaultValue | DefaultExpression | None = None
    identity: bool = False
    generated: bool = False
    comment: str | None = None

    @property
    def required(self) -> bool:
        """Whether every inserted row has to bring a value."""
        return not (self.nullable or self.identity or self.generated or self.default is not None)


@dataclass(frozen=True, slots=True)
class Table:
    """One table: columns in order, primary key and unique keys by column names."""

    name: ObjectName
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    comment: str | None = None
    kind: TableKind = "table"

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def with_column(self, column: Column) -> Table:
        """The table with `column` in the place of the one of its name, or at the end."""
        if self.column(column.name) is None:
            return replace(self, columns=(*self.columns, column))
        return replace(self, columns=tuple(column if c.name == column.name else c for c in self.columns))


@dataclass(frozen=True, slots=True)
class EnumType:
    """A named enum type, on the engines that have them."""

    name: ObjectName
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalog:
    """A database, or the part of it that was asked for."""

    tables: tuple[Table, ...] = ()
    enums: tuple[EnumType, ...] = ()
    namespaces: tuple[str, ...] = ()

    def table(self, name: ObjectName) -> Table | None:
        return next((table for table in self.tables if table.name == name), None)

    def enum(self, name: ObjectName) -> EnumType | None:
        return next((enum for enum in self.enums if enum.name == name), None)

    def with_table(self, table: Table) -> Catalog:
        """The catalog with `table` in the place of the one of its name, or added."""
        return replace(self, tables=_put(self.tables, table))

    def with_enum(self, enum: EnumType) -> Catalog:
        """The catalog with `enum` in the place of the one of its name, or added."""
        return replace(self, enums=_put(self.enums, enum))


_Named = TypeVar("_Named", Table, EnumType)


def _put(objects: tuple[_Named, ...], new: _Named) -> tuple[_Named, ...]:
    if all(old.name != new.name for old in objects):
        return objects + (new,)  # noqa: RUF005 - mypy doesn't see the type through a star
    return tuple(new if old.name == new.name else old for old in objects)
