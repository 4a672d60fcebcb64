"""The declared table: `TableSpec` and its `ColumnSpec`s, what every other room of the library works from.

A spec is an Arrow schema plus what Arrow can't say (keys, lengths, defaults, comments). It is made by `describe` from a
dataclass, or by `spec_from_schema` from a `pa.Schema`; nothing here knows a database.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import pyarrow as pa

from arrowsync.errors import DeclarationError


class NoDefault(enum.Enum):
    """The type of `NO_DEFAULT`, which tells "no default" from a default of None."""

    NO_DEFAULT = enum.auto()


NO_DEFAULT = NoDefault.NO_DEFAULT

IpVersion = Literal["4", "6", "any"]
OnDelete = Literal["cascade", "restrict", "set null", "set default"]


@dataclass(frozen=True, slots=True)
class Reference:
    """The columns of another declared table (its primary key, unless others are named) that a column's value is one of.

    `source` is the class that declares that table.
    """

    table: str
    columns: tuple[str, ...]
    namespace: str | None = None
    on_delete: OnDelete | None = None
    source: type | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ForeignKeySpec:
    """Several columns whose values together are a key of another table."""

    columns: tuple[str, ...]
    target: Reference


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """A condition that holds for each row: SQL, in which `{name}` stands for a column."""

    condition: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """An index: its parts are columns, or (one with braces in it) SQL expressions in which `{name}` stands for a column."""

    parts: tuple[str, ...]
    unique: bool = False
    name: str | None = None


@dataclass(frozen=True, slots=True)
class StructSpec:
    """A dataclass without a key, as the type of a column: its members are like the columns of a table."""

    name: str
    members: tuple[ColumnSpec, ...]
    comment: str | None = None
    source: type | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class LookupSpec:
    """What makes an enum a table of its own, always: it takes new labels (`E | str`), or its members have fields.

    `rows` are the values of `columns`, a row for each label; both are empty where members are plain.
    """

    extensible: bool = False
    columns: tuple[ColumnSpec, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One declared column.

    `type` is the exact Arrow type that batches have after conversion: see the table in the README. `max_length` counts
    characters for strings and bytes for binary. `default` is a plain Python value of the declared type (for an enum its
    label). `labels` are the members of an enum, in declaration order, where `type` is a dictionary of strings; `enum_name`
    is the name of its class (None for a `Literal`), `enum_comment` its docstring. `ip` says that text is an IP address, and
    of which version. `choices` are the integers of a `Literal`, and `minimum` and `maximum` bound the values, both included.

    A list or set has `element`, which is like a column called "item"; of a set (`unordered`) no order is kept. A struct has
    `struct`. A column that refers to a table has `references`: several where it is a key of any of them (`A | B`), which no
    database can enforce.
    """

    name: str
    type: pa.DataType
    nullable: bool = False
    max_length: int | None = None
    default: Any = NO_DEFAULT
    comment: str | None = None
    labels: tuple[str, ...] = ()
    enum_name: str | None = None
    ip: IpVersion | None = None
    identity: bool = False
    renamed_from: str | None = None
    enum_comment: str | None = None
    lookup: LookupSpec | None = None
    choices: tuple[int, ...] = ()
    minimum: Any = None
    maximum: Any = None
    element: ColumnSpec | None = None
    unordered: bool = False
    struct: StructSpec | None = None
    references: tuple[Reference, ...] = ()

    @property
    def has_default(self) -> bool:
        return self.default is not NO_DEFAULT

    @property
    def arrow_field(self) -> pa.Field[Any]:
        return pa.field(self.name, self.type, nullable=self.nullable)


@dataclass(frozen=True)
class TableSpec:
    """One declared table: its columns in order, its primary key (empty where there is none), unique keys, and what else it has.

    `foreign_keys` are those of several columns; that of a single one stands on its column. `checks` and `indexes` are those
    of the whole table and those of its columns. `namespace` is the schema that the table lives in; None is the connection's
    default one.
    """

    name: str
    columns: tuple[ColumnSpec, ...]
    key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    namespace: str | None = None
    comment: str | None = None
    source: type | None = field(default=None, compare=False)
    foreign_keys: tuple[ForeignKeySpec, ...] = ()
    checks: tuple[CheckSpec, ...] = ()
    indexes: tuple[IndexSpec, ...] = ()

    def __post_init__(self) -> None:
        if not self.columns:
            raise DeclarationError(
                f"table {self.name!r} has no columns", table=self.name, hint="declare at least one field"
            )
        seen: set[str] = set()
        for column in self.columns:
            if column.name in seen:
                raise DeclarationError(
                    f"table {self.name!r} has two columns named {column.name!r}", table=self.name, field=column.name
                )
            seen.add(column.name)
        foreign = (name for key in self.foreign_keys for name in key.columns)
        for name in [*self.key, *(name for group in self.unique for name in group), *foreign]:
            if name not in seen:
                raise DeclarationError(
                    f"table {self.name!r} has no column {name!r} for its key",
                    table=self.name,
                    field=name,
                    hint=f"its columns are {', '.join(sorted(seen))}",
                )

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of a batch of this table."""
        return pa.schema([column.arrow_field for column in self.columns])

    @cached_property
    def by_name(self) -> Mapping[str, ColumnSpec]:
        return {column.name: column for column in self.columns}
