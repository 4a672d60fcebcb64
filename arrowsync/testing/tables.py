"""A `TableSpec` becomes, for each of its columns, a function from row numbers to values.

Since that knows no other row, a foreign key finds the key of row 17 of another table by asking that table's column for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.site import Site
from arrowsync.declare.spec import ColumnSpec, Reference, TableSpec
from arrowsync.testing.draws import Numbering, Supply, mix, one_in, stream
from arrowsync.testing.nested import MOST, element_of, list_values, members_of, set_values, struct_values
from arrowsync.testing.parts import Part, distinct_parts, parts_of
from arrowsync.testing.scalars import scalar_values
from arrowsync.testing.values import Make, Values, blank, packed, with_nulls


@dataclass(frozen=True, slots=True)
class RandomTables:
    """The tables of one seed, each of `n` rows, thought about when they are first asked for."""

    n: int
    seed: int
    nan: bool
    _tables: dict[tuple[str | None, str], RandomTable] = field(default_factory=dict[Any, Any])

    def table(self, spec: TableSpec) -> RandomTable:
        name = (spec.namespace, spec.name)
        if name not in self._tables:
            self._tables[name] = RandomTable(spec, self)
        return self._tables[name]


class RandomTable:
    """One table: `maker(name)` is the function that makes a column for any of its rows."""

    def __init__(self, spec: TableSpec, tables: RandomTables) -> None:
        self.spec = spec
        self._n, self._seed, self._nan = tables.n, tables.seed, tables.nan
        self._tables = tables
        self._makers: dict[str, Make | None] = {}
        self._parts = parts_of(spec, self._target)
        self._distinct = distinct_parts(spec, self._parts, self._supply, self._n, self._seed)

    def maker(self, name: str) -> Make:
        """The values of a column, for row numbers."""
        if name in self._makers:
            made = self._makers[name]
            if made is None:
                raise Site(self.spec.name, name).error(
                    "the column refers to itself, by way of the keys that it refers to",
                    hint="make the rows of this table yourself",
                )
            return made
        self._makers[name] = None
        made = self._makers[name] = self._column(self.spec.by_name[name])
        return made

    def _column(self, column: ColumnSpec) -> Make:
        part = self._parts[column.name]
        if column.identity:
            return self._identity(column)
        numbering = self._distinct.get(part)
        own = False
        if part.target is not None:
            make = self._referred(column, part.target, part.target.columns[part.columns.index(column.name)])
            own = self._is_own(part.target)
            make = _renumbered(make, numbering or self._random_rows(part, earlier=own))
        else:
            values = self._values(column, (column.name,))
            make = (
                _renumbered(values.nth, numbering) if numbering else values.maker(self._seed, *self._path(column.name))
            )
        if not column.nullable or column.name in self.spec.key:
            return make
        # The columns of one foreign key are NULL together. Of a table that refers to itself the first row refers to nothing.
        key = stream(self._seed, *self._path(*part.columns), "null")
        return lambda rows: blank(make(rows), one_in(10, key, rows) | (rows == 0) & own)

    def _path(self, *names: str) -> tuple[str, ...]:
        return (self.spec.name, *names)

    def _identity(self, column: ColumnSpec) -> Make:
        site = Site(self.spec.name, column.name)
        if self._n >= 1 << column.type.bit_width - pa.types.is_signed_integer(column.type):
            raise site.error(f"{column.type} can't number {self._n} rows", hint="ask for fewer rows, or declare int64")
        return lambda rows: packed(rows + np.uint64(1), column.type)

    def _random_rows(self, part: Part, *, earlier: bool) -> Numbering:
        """The rows that a foreign key refers to: any, or those before, so that the rows of one table can be loaded in order."""
        key = stream(self._seed, *self._path(*part.columns), "row")
        if earlier:
            return lambda rows: mix(key, rows) % np.maximum(rows, 1)
        return lambda rows: mix(key, rows) % np.uint64(self._n)

    def _supply(self, part: Part) -> Supply:
        if part.target is not None:
            return Supply(self._n, 0)
        (name,) = part.columns
        return self._values(self.spec.by_name[name], (name,)).supply

    def _values(self, column: ColumnSpec, path: tuple[str, ...]) -> Values:
        """The values of a column, element or member, which is found at `path`."""
        kind: Any = column.type
        site = Site(self.spec.name, path[0])
        if column.references:
            if len(column.references[0].columns) != 1:
                raise site.error(f"one column can't hold the key {', '.join(column.references[0].columns)}")
            target = column.references[0]
            return Values(self._referred(column, target, target.columns[0]), self._n)
        if pa.types.is_list(kind):
            return self._lists(column, path)
        if pa.types.is_struct(kind):
            members = members_of(column)
            values = [self._values(member, (*path, member.name)) for member in members]
            makes = [
                self._with_nulls(member, each, (*path, member.name))
                for member, each in zip(members, values, strict=True)
            ]
            return struct_values(kind, makes, values)
        return scalar_values(column, site, nan=self._nan)

    def _lists(self, column: ColumnSpec, path: tuple[str, ...]) -> Values:
        element, path = element_of(column), (*path, "item")
        values = self._values(element, path)
        lengths = stream(self._seed, *self._path(*path), "length")
        if not column.unordered or not values.size:
            most = 1 if column.unordered else MOST
            return list_values(column.type, self._with_nulls(element, values, path), lengths, most)
        null_key = stream(self._seed, *self._path(*path), "null") if element.nullable else None
        return set_values(column.type, values, values.picker(self._seed, *self._path(*path)), lengths, null_key)

    def _with_nulls(self, column: ColumnSpec, values: Values, path: tuple[str, ...]) -> Make:
        make = values.maker(self._seed, *self._path(*path))
        return with_nulls(make, stream(self._seed, *self._path(*path), "null")) if column.nullable else make

    def _referred(self, column: ColumnSpec, reference: Reference, name: str) -> Make:
        """The values of the column `name` of another table, or of this one."""
        site = Site(self.spec.name, column.name)
        other = self._target(reference, site)
        found = other.by_name.get(name)
        if found is None:
            raise site.error(f"{other.name}, which it refers to, has no column {name!r}")
        if found.nullable and name not in other.key and not column.nullable:
            raise site.error(
                f"{other.name}.{name}, which it refers to, may be NULL, and this column may not",
                hint="declare this column Optional, or that one not",
            )
        make = (self if other is self.spec else self._tables.table(other)).maker(name)
        if found.type == column.type:
            return make
        return lambda rows: make(rows).cast(column.type)

    def _target(self, reference: Reference, site: Site) -> TableSpec:
        if self._is_own(reference):
            return self.spec
        if reference.source is None:
            raise site.error(
                f"it refers to the table {reference.table!r}, of which no class is known",
                hint="give the Reference its source, the dataclass that declares that table",
            )
        return read_dataclass(reference.source, reference.table)

    def _is_own(self, reference: Reference) -> bool:
        if reference.source is not None and self.spec.source is not None:
            return reference.source is self.spec.source
        return (reference.namespace, reference.table) == (self.spec.namespace, self.spec.name)


def _renumbered(make: Make, numbering: Numbering) -> Make:
    return lambda rows: make(numbering(rows))
