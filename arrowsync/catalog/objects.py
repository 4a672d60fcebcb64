"""The objects of a database as frozen values: `Catalog`, `Table`, `Column`, `SqlType`, keys, `EnumType`, `StructType`.

`SqlType` is the canonical type of a column in the SQL space of one dialect.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from arrowsync.sql import SQL, Identifier

if TYPE_CHECKING:
    from arrowsync.catalog.ansi import CatalogObject


@dataclass(frozen=True, slots=True)
class SqlType:
    """A column type, spelled canonically, so that two equal types compare equal.

    `name` is the dialect's canonical lower-case name without arguments (`"bigint"`, `"varchar"`, `"numeric"`); `args` are
    its integer arguments (length, or precision and scale). An enum has its `labels`, and is called `name` in `namespace`
    where the dialect has named enum types (`name` is `"enum"` where they are inline). An array is `SqlType("array",
    element=...)`; its number of `dimensions` is what was declared and no part of the type, for a dialect in which an array
    of two dimensions isn't one of arrays. A struct has `members`, names and types, and a name and `namespace` of its own
    where the dialect has named struct types (else it is called `"struct"`).
    """

    name: str
    args: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    namespace: str | None = None
    element: SqlType | None = None
    members: tuple[tuple[str, SqlType], ...] = ()
    dimensions: int = field(default=1, compare=False)

    def __str__(self) -> str:
        if self.element is not None:
            return f"{self.element}[{self.args[0] if self.args else ''}]"
        if self.members and self.name == "struct":
            return f"struct({', '.join(f'{name} {member}' for name, member in self.members)})"
        if self.args:
            return f"{self.name}({', '.join(map(str, self.args))})"
        return self.name


OnDelete = Literal["cascade", "restrict", "set null", "set default"]
TableKind = Literal["table", "view", "foreign table", "partitioned table", "table without transactions"]


@dataclass(frozen=True, slots=True, order=True)
class ObjectName:
    """The qualified name of an object; a namespace of None is the connection's default one."""

    namespace: str | None
    name: str

    @property
    def identifier(self) -> Identifier:
        return Identifier(self.namespace, self.name)

    @property
    def local(self) -> str:
        """Return the name in quotes, without the namespace: `"orders"`."""
        return _ansi(Identifier(self.name))

    @property
    def qualified(self) -> str:
        """Return the whole name in quotes: `"sales"."orders"`."""
        return _ansi(self.identifier)

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
    collation: str | None = field(default=None, compare=False)
    """The collation of a live text column, for a server on which it implies the character set (MySQL)."""
    attributes: tuple[SQL, ...] = field(default=(), compare=False)
    """Attributes that MySQL drops unless MODIFY COLUMN repeats them (ON UPDATE, ..), as SQL."""
    unknown_attributes: str | None = field(default=None, compare=False)
    """An attribute that can't be written back, in words; such a column is never modified."""

    @property
    def required(self) -> bool:
        """True if each inserted row has to bring a value: NOT NULL, and neither a default nor a number of the server's."""
        return not (self.nullable or self.identity or self.generated or self.default is not None)

    def __str__(self) -> str:
        return _ansi(self)


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """A unique key: no two rows have the same values in these columns. With a name of None the server names it."""

    columns: tuple[str, ...]
    name: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return _ansi(self)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key: `columns` refer to the columns `referenced` of the table `target`."""

    columns: tuple[str, ...]
    target: ObjectName
    referenced: tuple[str, ...]
    on_delete: OnDelete | None = None
    name: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return _ansi(self)


@dataclass(frozen=True, slots=True)
class Check:
    """A CHECK constraint: a condition that holds for each row."""

    condition: SQL
    name: str

    def __str__(self) -> str:
        return _ansi(self)


@dataclass(frozen=True, slots=True)
class Index:
    """An index; its parts are columns, or expressions."""

    parts: tuple[str | SQL, ...]
    name: str
    unique: bool = False

    def __str__(self) -> str:
        return _ansi(self)


@dataclass(frozen=True, slots=True)
class Table:
    """One table: columns in order, primary key by column names, constraints and indexes.

    `rows` are the first rows of a lookup table: the values of all columns except identity columns.
    """

    name: ObjectName
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    unique: tuple[UniqueKey, ...] = ()
    comment: str | None = None
    kind: TableKind = "table"
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    indexes: tuple[Index, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = field(default=(), compare=False)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def with_column(self, column: Column) -> Table:
        """Return the table with `column` in place of the one of the same name, or at the end."""
        if self.column(column.name) is None:
            return replace(self, columns=(*self.columns, column))
        return replace(self, columns=tuple(column if c.name == column.name else c for c in self.columns))

    def without_foreign_keys(self, keys: Collection[ForeignKey]) -> Table:
        """Return the table without these foreign keys, which are added after all tables are created."""
        return replace(self, foreign_keys=tuple(key for key in self.foreign_keys if key not in keys))

    def __str__(self) -> str:
        return _ansi(self)


@dataclass(frozen=True, slots=True)
class EnumType:
    """A named enum type (PostgreSQL, DuckDB)."""

    name: ObjectName
    labels: tuple[str, ...]
    comment: str | None = None

    def __str__(self) -> str:
        return _ansi(self)


@dataclass(frozen=True, slots=True)
class StructMember:
    """One member of a struct type; each may be NULL."""

    name: str
    type: SqlType
    comment: str | None = None

    def __str__(self) -> str:
        return _ansi(self)


@dataclass(frozen=True, slots=True)
class StructType:
    """A named struct type (a composite type of PostgreSQL)."""

    name: ObjectName
    members: tuple[StructMember, ...]
    comment: str | None = None

    def __str__(self) -> str:
        return _ansi(self)


@dataclass(frozen=True, slots=True)
class Namespace:
    """The objects of a catalog in one namespace; `name` is None for the connection's default namespace."""

    name: str | None
    tables: tuple[Table, ...] = ()
    enums: tuple[EnumType, ...] = ()
    structs: tuple[StructType, ...] = ()

    def __str__(self) -> str:
        return _ansi(self)


@dataclass(frozen=True, slots=True)
class Catalog:
    """The tables and types of a database, or of a part of it.

    `dialect` is the name of the database that the catalog was discovered in (`"postgresql"`), or None.
    """

    tables: tuple[Table, ...] = ()
    enums: tuple[EnumType, ...] = ()
    namespaces: tuple[str, ...] = ()
    structs: tuple[StructType, ...] = ()
    dialect: str | None = field(default=None, compare=False, repr=False)

    def table(self, name: ObjectName) -> Table | None:
        return next((table for table in self.tables if table.name == name), None)

    def enum(self, name: ObjectName) -> EnumType | None:
        return next((enum for enum in self.enums if enum.name == name), None)

    def struct(self, name: ObjectName) -> StructType | None:
        return next((struct for struct in self.structs if struct.name == name), None)

    def namespace(self, name: str | None) -> Namespace | None:
        """Return the objects of one namespace (the default one: None), or None if there is no such namespace."""
        if name is not None and name not in self.namespaces:
            return None
        return Namespace(
            name,
            tuple(table for table in self.tables if table.name.namespace == name),
            tuple(enum for enum in self.enums if enum.name.namespace == name),
            tuple(struct for struct in self.structs if struct.name.namespace == name),
        )

    def with_table(self, table: Table) -> Catalog:
        """Return the catalog with `table` in place of the one of the same name, or added."""
        return replace(self, tables=_put(self.tables, table))

    def with_enum(self, enum: EnumType) -> Catalog:
        """Return the catalog with `enum` in place of the one of the same name, or added."""
        return replace(self, enums=_put(self.enums, enum))

    def with_struct(self, struct: StructType) -> Catalog:
        """Return the catalog with `struct` in place of the one of the same name, or added."""
        return replace(self, structs=_put(self.structs, struct))

    def __str__(self) -> str:
        return _ansi(self)


def _ansi(thing: CatalogObject) -> str:
    from arrowsync.catalog.ansi import to_sql  # which is made of these classes

    return to_sql(thing)


_Named = TypeVar("_Named", Table, EnumType, StructType)


def _put(objects: tuple[_Named, ...], new: _Named) -> tuple[_Named, ...]:
    if all(old.name != new.name for old in objects):
        return objects + (new,)  # noqa: RUF005 - mypy doesn't see the type through a star
    return tuple(new if old.name == new.name else old for old in objects)
