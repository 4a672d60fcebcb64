"""The declared table: `TableSpec` and its `ColumnSpec`s, from which every other room of the library works.

A spec is an Arrow schema plus all that Arrow can't say (keys, lengths, defaults, comments). `read_dataclass` makes it of a
dataclass, `spec_from_schema` of a `pa.Schema`; nothing here knows a database.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
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
    """The lookup table of an enum that is always one: it takes new labels (`E | str`), or its members have fields.

    `rows` are the values of `columns`, a row for each label; both are empty where members are plain. `max_length` counts the
    characters that a label may have (`E | Annotated[str, MaxLength(n)]`), None where that isn't declared.
    """

    extensible: bool = False
    max_length: int | None = None
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
    `struct`. `default_factory` makes the default of a field that has one in Python only. A column that refers to a table has
    `references`: several where it is a key of any of them (`A | B`), which no database can enforce. `attribute` is the name of
    the field that objects of the class have it in, where it is called otherwise.
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
    default_factory: Callable[[], Any] | None = field(default=None, compare=False)
    attribute: str | None = field(default=None, compare=False)

    @property
    def has_default(self) -> bool:
        return self.default is not NO_DEFAULT

    def filled(self) -> Any:
        """The value of a record that lacks the column: the default of its field, else None, which is NULL."""
        if self.default_factory is not None:
            return self.default_factory()
        return self.default if self.has_default else None

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
