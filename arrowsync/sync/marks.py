"""`Marks`: columns of a staging table that tell which row of the source each of its rows was.

They say in which order rows came where the server doesn't, and which row it is that the server refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import pyarrow as pa

from arrowsync.catalog import Column, ObjectName, SqlType, Table


@dataclass(frozen=True, slots=True)
class Marks:
    """Names of columns that the target doesn't have: for the number of a row, and for its line in a file of text."""

    row: str
    line: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.row,) if self.line is None else (self.row, self.line)

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(Column(name, SqlType("bigint"), nullable=name != self.row) for name in self.names)

    def added_to(self, schema: pa.Schema) -> pa.Schema:
        """The schema with these columns at the end."""
        fields = cast("Iterable[pa.Field[Any]]", schema)
        return pa.schema([*fields, *(pa.field(name, pa.int64(), nullable=name != self.row) for name in self.names)])

    def beside(self, table: Table) -> Table:
        """The table with these columns at the end."""
        return replace(table, columns=(*table.columns, *self.columns))


def marks_for(table: Table, *, lines: bool = False) -> Marks:
    """Marks whose names no column of the table has."""
    return Marks(_free("_arrowsync_order", table), _free("_arrowsync_line", table) if lines else None)


def _free(name: str, table: Table) -> str:
    taken = {column.name.casefold() for column in table.columns}
    while name in taken:
        name += "_"
    return name


def refuses(table: Table, *, creates: bool, inserts: bool) -> bool:
    """Whether the table may refuse rows that fit its columns: one that is there has who knows what triggers and rules."""
    own: Sequence[object] = (*table.checks, *table.foreign_keys, *table.unique)
    unique_index = any(index.unique for index in table.indexes)
    return not creates or bool(own) or unique_index or (inserts and bool(table.key))


def single_column(table: Table, constraint: str | None) -> str | None:
    """The column of a key of that name, where it has one alone."""
    if constraint is None:
        return None
    columns = {key.name: key.columns for key in table.foreign_keys} | {key.name: key.columns for key in table.unique}
    named = columns.get(constraint, ())
    return named[0] if len(named) == 1 else None


def refers_to_itself(table: Table) -> bool:
    """Whether rows of the table may need other rows of it."""
    here: ObjectName = table.name
    return any(key.target == here for key in table.foreign_keys)
