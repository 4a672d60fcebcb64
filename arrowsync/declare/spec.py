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


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One declared column.

    `type` is the exact Arrow type that batches have after conversion: see the table in the README. `max_length` counts
    characters for strings and bytes for binary. `default` is a plain Python value of the declared type (for an enum its
    label). `labels` are the members of an enum, in declaration order, where `type` is a dictionary of strings; `enum_name`
    is the name of its class (None for a `Literal`). `ip` says that text is an IP address, and of which version.
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

    @property
    def has_default(self) -> bool:
        return self.default is not NO_DEFAULT

    @property
    def arrow_field(self) -> pa.Field[Any]:
        return pa.field(self.name, self.type, nullable=self.nullable)


@dataclass(frozen=True)
class TableSpec:
    """One declared table: its columns in order, its primary key (empty where there is none) and unique keys.

    `namespace` is the schema that the table lives in; None is the connection's default one.
    """

    name: str
    columns: tuple[ColumnSpec, ...]
    key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    namespace: str | None = None
    comment: str | None = None
    source: type | None = field(default=None, compare=False)

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
        for name in [*self.key, *(name for group in self.unique for name in group)]:
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
