"""`target_catalog`: TableSpecs -> the Catalog that they ask for, in the SQL space of one dialect.

Each declared column becomes a column or a join table, each enum in mode RELATION a lookup table. The dialect maps a single column
(`to_column`); `modes` decides the form of enums, structs and arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from arrowsync.catalog import (
    Catalog,
    Column,
    DefaultValue,
    EnumType,
    ForeignKey,
    ObjectName,
    SqlType,
    StructMember,
    StructType,
    Table,
    UniqueKey,
)
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, Reference, TableSpec
from arrowsync.errors import DeclarationError
from arrowsync.generate.constraints import column_checks, declared_indexes, default_of_type, table_checks
from arrowsync.generate.modes import (
    Limits,
    Modes,
    NameMaker,
    as_stored,
    choose_modes,
    is_joined,
    is_lookup,
    label_length,
)
from arrowsync.options import ArrayMode, GeneratorOptions

ColumnOf = Callable[[ColumnSpec, TableSpec], Column]


def target_catalog(
    specs: Iterable[TableSpec],
    to_column: ColumnOf,
    limits: Limits | None = None,
    options: GeneratorOptions | None = None,
) -> Catalog:
    """Make the catalog that `specs` ask for: namespaces, enum and struct types, tables, lookup and join tables.

    Raises DeclarationError for a declaration that the dialect or the mode can't hold.
    """
    limits, options = limits or Limits(), options or GeneratorOptions()
    formation = Formation(to_column, limits, options, choose_modes(limits, options))
    specs = list(specs)
    for spec in specs:
        formation.take_name(spec)
    tables: dict[ObjectName, Table] = {}
    for spec in specs:
        for table in formation.form(spec):
            if tables.setdefault(table.name, table) != table:
                raise _twice(spec, f"two tables are called {table.name}, with different columns")
    types = [(spec, column) for spec in specs for column in _types_of(spec, formation)]
    enums, structs = _named_types(types, formation)
    for spec, (column, _) in types:
        for name in (*enums, *structs):
            if name in formation.lookups and name.name == (column.element or column).enum_name:
                raise DeclarationError(
                    f"{spec.name}.{column.name}: the enum {name} is both a type and a lookup table",
                    table=spec.name,
                    field=column.name,
                    hint="form it with enum_mode=EnumMode.RELATION, so that all its columns refer to the table",
                )
            if name in tables and (name not in formation.lookups or name in structs):
                raise _twice(spec, f"a table and a type are both called {name}")
    if not limits.comments:
        tables = {name: replace(table, comment=None) for name, table in tables.items()}
    for table in tables.values():
        limits.check_table(table)
    limits.check_tables(tuple(tables.values()))
    namespaces = sorted({n.namespace for n in (*tables, *enums, *structs) if n.namespace})
    return Catalog(tuple(tables.values()), tuple(enums.values()), tuple(namespaces), tuple(structs.values()))


@dataclass(frozen=True, slots=True)
class Formation:
    """The state of making one catalog: its modes, limits and names, and the lookup and join tables made so far."""

    to_column: ColumnOf
    limits: Limits
    options: GeneratorOptions
    modes: Modes
    makers: dict[str | None, NameMaker] = field(default_factory=dict[str | None, NameMaker])
    lookups: dict[ObjectName, tuple[tuple[str, ...], int | None, UniqueKey]] = field(default_factory=dict[Any, Any])
    """Lookup table -> its labels and its unique key, for those made so far."""
    joined: dict[tuple[ObjectName, str], TableSpec] = field(default_factory=dict[Any, Any])
    """Join tables, by (table, list column)."""

    def names(self, namespace: str | None) -> NameMaker:
        """Return the NameMaker of a namespace."""
        maker = NameMaker(self.limits.max_name, self.limits.name_size, self.limits.fold)
        return self.makers.setdefault(namespace, maker)

    def name(self, namespace: str | None, name: str) -> ObjectName:
        """Return the name of a table or type on this server; on one without namespaces the namespace is a prefix."""
        if self.limits.namespaces or namespace is None:
            return ObjectName(namespace, name)
        return ObjectName(None, f"{namespace}__{name}")

    def form(self, spec: TableSpec) -> Iterator[Table]:
        """Make the lookup tables that a table needs, the table itself, and its join tables."""
        flat = self.flat(spec)
        name = ObjectName(flat.namespace, flat.name)
        self._check_name(name.name, spec, None)
        names = self.names(flat.namespace)
        columns = [column for column in spec.columns if not is_joined(column, self.modes)]
        if not columns:
            raise DeclarationError(
                f"{spec.name}: all its fields are join tables, so that the table has no columns",
                table=spec.name,
                hint="declare a key",
            )
        for column, owner in self.tables_of(spec):
            # The numbers of an array refer to the table too, though no database checks it.
            inner = column.element if column.element is not None and self.modes.array is ArrayMode.ARRAY else column
            if is_lookup(inner, self.modes):
                yield self._lookup(inner, owner)
        yield Table(
            name=name,
            columns=tuple(self._column(column, spec, flat) for column in columns),
            key=spec.key,
            unique=tuple(UniqueKey(group, names.make("uq", flat.name, *group)) for group in spec.unique),
            comment=spec.comment,
            foreign_keys=tuple(self._foreign_keys(columns, spec, flat, names)),
            checks=(
                *(c for column in columns for c in column_checks(column, flat.name, self.limits, self.modes, names)),
                *table_checks(spec, flat.name, names),
            ),
            indexes=declared_indexes(spec, flat.name, names),
        )
        for column in spec.columns:
            if is_joined(column, self.modes):
                yield self._join_table(column, spec)

    def tables_of(self, spec: TableSpec) -> Iterator[tuple[ColumnSpec, TableSpec]]:
        """Yield each column with the table that holds its values: `spec`, or for a list the `value` column of its join table."""
        for column in spec.columns:
            if is_joined(column, self.modes):
                joined = self._joined(column, spec)
                yield self.named(joined.by_name["value"], joined), joined
            else:
                yield self.named(column, spec), spec

    def named(self, spec: ColumnSpec, table: TableSpec) -> ColumnSpec:
        """Name the labels of a `Literal` column after the table and the column."""
        if spec.element is not None:
            inner = self.named(replace(spec.element, name=spec.name), table)
            return replace(spec, element=replace(inner, name=spec.element.name))
        if not spec.labels or spec.enum_name:
            return spec
        maker = NameMaker(self.limits.max_name, self.limits.name_size, self.limits.fold)
        return replace(spec, enum_name=maker.make(table.name, spec.name))

    def take_name(self, spec: TableSpec) -> None:
        """Reserve the name of a declared table, so that no index or join table gets it."""
        flat = self.flat(spec)
        self.names(flat.namespace).take(flat.name)

    def _column(self, spec: ColumnSpec, table: TableSpec, flat: TableSpec) -> Column:
        self._check_name(spec.name, table, spec.name)
        column = self.to_column(as_stored(self.named(spec, table), self.modes), flat)
        if is_lookup(spec, self.modes) and spec.has_default and spec.default is not None:
            if not self.options.initialize_tables or spec.default not in spec.labels:
                raise DeclarationError(
                    f"{table.name}.{spec.name}: the default {spec.default!r} is a row of a lookup table, which starts empty",
                    table=table.name,
                    field=spec.name,
                    hint="form it with initialize_tables=True, or remove the default",
                )
            column = replace(column, default=DefaultValue(spec.labels.index(spec.default) + 1))
        if self.options.auto_default and not table_gives_value(spec, table):
            zero = NO_DEFAULT if is_lookup(spec, self.modes) else default_of_type(spec)
            if zero is not NO_DEFAULT:
                filled = replace(as_stored(self.named(spec, table), self.modes), default=zero)
                column = replace(column, default=self.to_column(filled, flat).default)
        return column

    def _foreign_keys(
        self, columns: Iterable[ColumnSpec], spec: TableSpec, flat: TableSpec, names: NameMaker
    ) -> Iterator[ForeignKey]:
        for column in columns:
            if is_lookup(column, self.modes):
                target = self.name(spec.namespace, enum_name(self.named(column, spec)))
                yield ForeignKey((column.name,), target, ("id",), None, names.make("fk", flat.name, column.name))
            elif len(column.references) == 1 and self.options.foreign_constraints:
                yield self._foreign_key((column.name,), column.references[0], flat, names)
        if self.options.foreign_constraints:
            for key in spec.foreign_keys:
                yield self._foreign_key(key.columns, key.target, flat, names)

    def _foreign_key(
        self, columns: tuple[str, ...], target: Reference, flat: TableSpec, names: NameMaker
    ) -> ForeignKey:
        made = names.make("fk", flat.name, *columns)
        return ForeignKey(columns, self.name(target.namespace, target.table), target.columns, target.on_delete, made)

    def _lookup(self, spec: ColumnSpec, table: TableSpec) -> Table:
        """Make the lookup table of an enum: `id`, `value`, and a column for each field of its members."""
        name = self.name(table.namespace, enum_name(spec))
        self._check_name(name.name, table, spec.name)
        more = spec.lookup.columns if spec.lookup else ()
        values = spec.lookup.rows if spec.lookup and spec.lookup.rows else tuple(() for _ in spec.labels)
        declared = spec.lookup.max_length if spec.lookup else None
        length = declared or label_length(spec.labels, self.modes)
        specs = (
            ColumnSpec("id", pa.int32(), identity=True),
            ColumnSpec("value", pa.string(), max_length=length),
            *more,
        )
        owner = TableSpec(name.name, specs, key=("id",), namespace=name.namespace)
        rows = tuple((label, *row) for label, row in zip(spec.labels, values, strict=True))
        if name not in self.lookups:
            key = UniqueKey(("value",), self.names(name.namespace).make("uq", name.name, "value"))
            self.lookups[name] = (spec.labels, length, key)
        labels, known, key = self.lookups[name]
        if labels != spec.labels:
            raise _twice(table, f"two enums are called {name}, with different labels")
        if length != known:
            raise _twice(table, f"the enum {name} is declared with labels of different lengths")
        return Table(
            name=name,
            columns=tuple(self.to_column(as_stored(column, self.modes), owner) for column in specs),
            key=("id",),
            unique=(key,),
            comment=spec.enum_comment,
            rows=rows if self.options.initialize_tables else (),
        )

    def _joined(self, spec: ColumnSpec, table: TableSpec) -> TableSpec:
        """Make the join table of a list or set, a row for each element: owner's key, position in a list (from 0), `value`."""
        at = ObjectName(table.namespace, table.name), spec.name
        if at in self.joined:
            return self.joined[at]
        assert spec.element is not None, "a list has elements"
        if not table.key:
            raise _no_join(table, spec, "rows of a table without a key can't be joined", "declare a PrimaryKey")
        if spec.element.element is not None:
            raise _no_join(table, spec, "a list of lists has no join table", "form it with another array_mode")
        if spec.element.nullable:
            raise _no_join(
                table, spec, "the elements may be NULL, and those of a join table may not", "remove Optional"
            )
        made = NameMaker(self.limits.max_name, self.limits.name_size, self.limits.fold)
        owners = [
            replace(
                self.named(table.by_name[key], table),
                name=made.make(table.name, key),
                identity=False,
                default=NO_DEFAULT,
                comment=None,
            )
            for key in table.key
        ]
        position = () if spec.unordered else (ColumnSpec("position", pa.int32()),)
        name = self.names(self.flat(table).namespace).make(table.name, spec.name)
        key = (*(owner.name for owner in owners), "value" if spec.unordered else "position")
        columns = (*owners, *position, replace(spec.element, name="value"))
        self.joined[at] = TableSpec(name, columns, key=key, namespace=table.namespace, comment=spec.comment)
        return self.joined[at]

    def _join_table(self, spec: ColumnSpec, table: TableSpec) -> Table:
        joined = self._joined(spec, table)
        flat, value = self.flat(joined), joined.by_name["value"]
        names = self.names(flat.namespace)
        parent = Reference(table.name, table.key, table.namespace, "cascade" if self.limits.cascades else None)
        owner_key = self._foreign_key(tuple(c.name for c in joined.columns[: len(table.key)]), parent, flat, names)
        # Columns of the owner's key may refer to other tables themselves; the owner's row does that already.
        rest = self._foreign_keys([value], joined, flat, names)
        return Table(
            name=ObjectName(flat.namespace, flat.name),
            columns=tuple(self._column(column, joined, flat) for column in joined.columns),
            key=joined.key,
            comment=joined.comment,
            foreign_keys=(*((owner_key,) if self.options.foreign_constraints else ()), *rest),
            checks=tuple(column_checks(value, flat.name, self.limits, self.modes, names)),
        )

    def flat(self, spec: TableSpec) -> TableSpec:
        """Return the spec under the table's name on this server."""
        name = self.name(spec.namespace, spec.name)
        return replace(spec, name=name.name, namespace=name.namespace)

    def _check_name(self, name: str, table: TableSpec, field: str | None) -> None:
        size = self.limits.name_size(name)
        if size > self.limits.max_name:
            raise DeclarationError(
                f"{table.name}{'.' + field if field else ''}: the name {name!r} is {size} long, and {self.limits.dialect} "
                f"keeps {self.limits.max_name} of a name",
                table=table.name,
                field=field,
                hint="choose a shorter one",
            )


def enum_name(spec: ColumnSpec) -> str:
    """Return the name of the type or lookup table of an enum: that of its class, or for a Literal the one made by `named`."""
    assert spec.enum_name is not None, "an enum has got a name"
    return spec.enum_name


def table_gives_value(spec: ColumnSpec, table: TableSpec) -> bool:
    """True if `auto_default` adds no default: the column may be left out already, or is a key or reference, where 0 is wrong."""
    in_keys = {name for key in table.foreign_keys for name in key.columns} | set(table.key)
    return spec.nullable or spec.has_default or spec.identity or bool(spec.references) or spec.name in in_keys


def _no_join(table: TableSpec, spec: ColumnSpec, problem: str, hint: str) -> DeclarationError:
    return DeclarationError(f"{table.name}.{spec.name}: {problem}", table=table.name, field=spec.name, hint=hint)


def _twice(spec: TableSpec, problem: str) -> DeclarationError:
    return DeclarationError(f"{spec.name}: {problem}", table=spec.name, hint="rename one of the classes")


def _types_of(spec: TableSpec, formation: Formation) -> Iterator[tuple[ColumnSpec, SqlType]]:
    """Yield each declared column, in tables and join tables, with its type in the database."""
    for column, owner in formation.tables_of(spec):
        kept = as_stored(column, formation.modes)
        yield kept, formation.to_column(replace(kept, default=NO_DEFAULT), formation.flat(owner)).type


def _named_types(
    found: Iterable[tuple[TableSpec, tuple[ColumnSpec, SqlType]]], formation: Formation
) -> tuple[dict[ObjectName, EnumType], dict[ObjectName, StructType]]:
    """Return the enum and struct types of the columns; a type comes before the types that contain it."""
    enums: dict[ObjectName, EnumType] = {}
    structs: dict[ObjectName, StructType] = {}

    def visit(spec: ColumnSpec, live: SqlType, table: TableSpec) -> None:
        if live.element is not None:
            visit(spec.element or spec, live.element, table)
        elif live.members:
            declared = {member.name: member for member in spec.struct.members} if spec.struct else {}
            for name, member in live.members:
                visit(declared.get(name, spec), member, table)
            if live.name != "struct":
                comments = {name: member.comment for name, member in declared.items()}
                members = tuple(StructMember(n, member, comments.get(n)) for n, member in live.members)
                struct = StructType(
                    ObjectName(live.namespace, live.name), members, spec.struct.comment if spec.struct else None
                )
                if structs.setdefault(struct.name, struct) != struct:
                    raise _twice(table, f"two structs are called {struct.name}, with different members")
        elif live.labels and live.name != "enum":
            enum = EnumType(ObjectName(live.namespace, live.name), live.labels, spec.enum_comment)
            if enums.setdefault(enum.name, enum) != enum:
                raise _twice(table, f"two enums are called {enum.name}, with different labels")

    for table, (spec, live) in found:
        visit(spec, live, table)
    if both := enums.keys() & structs.keys():
        raise DeclarationError(f"an enum and a struct are both called {min(both)}", hint="rename one of the classes")
    return enums, structs
