"""The target table: the table that the rows go to, resolved from declaration, data and live table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, cast

import pyarrow as pa

from arrowsync.catalog import Catalog, Column, ObjectName, Table
from arrowsync.convert.rules import kernel_for
from arrowsync.declare.arrow import spec_from_schema
from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.declare.tables import declared_tables
from arrowsync.dialects.contract import Language, Server
from arrowsync.errors import ConversionError, DeclarationError, MigrationError
from arrowsync.generate.catalog import target_catalog
from arrowsync.options import GeneratorOptions


@dataclass(frozen=True, slots=True)
class TargetTable:
    """The table that the rows go to: the declared columns, the catalog that has to exist, and the name of its table."""

    spec: TableSpec
    target: Catalog
    name: ObjectName


def declared_spec(table: object, key: Sequence[str] | None = None) -> TableSpec | ObjectName:
    """The spec of a dataclass or schema, or the parsed name of a table whose columns the data will tell.

    A `pa.Schema` carries the table's name in its metadata, under the key `name`.
    """
    if isinstance(table, str):
        return parse_name(table)
    if isinstance(table, pa.Schema):
        name = (table.metadata or {}).get(b"name", b"").decode()
        if not name:
            raise DeclarationError(
                "the schema has no name for its table",
                hint='add one with schema.with_metadata({"name": "users"}), or pass the table as a name',
            )
        at = parse_name(name)
        return spec_from_schema(table, at.name, key=tuple(key or ()), namespace=at.namespace)
    spec = table if isinstance(table, TableSpec) else read_dataclass(cast(type, table))
    return spec if key is None else _keyed(spec, tuple(key))


def parse_name(text: str) -> ObjectName:
    """`"users"`, or `"sales.users"` with a namespace."""
    *namespace, name = text.split(".")
    if len(namespace) > 1 or not name or "" in namespace:
        raise DeclarationError(
            f"{text!r} is not the name of a table",
            hint='a name is "table" or "namespace.table"; declare others as a class',
        )
    return ObjectName(namespace[0] if namespace else None, name)


def resolve_target(
    declared: TableSpec | ObjectName,
    schema: pa.Schema,
    current: Catalog,
    language: Language,
    server: Server,
    key: Sequence[str] | None,
) -> TargetTable:
    """Resolve the target table from the declaration, the columns of the data, and the live table."""
    name = flat_name(declared, language, server)
    live = current.table(name)
    if live is not None and live.kind == "table without transactions":
        raise MigrationError(
            f"{name} is a table of an engine without transactions, where a failed load would leave rows behind",
            hint="ALTER TABLE ... ENGINE=InnoDB, or load into another table",
        )
    if live is not None and live.kind not in ("table", "partitioned table"):
        raise MigrationError(f"{name} is a {live.kind}, not a table", hint="rows can be loaded into tables only")
    names = frozenset(schema.names)
    generated = [c.name for c in live.columns if c.generated and c.name in names] if live is not None else []
    if generated:
        raise DeclarationError(
            f"the database itself generates the column {generated[0]!r} of {name}, so it can't be loaded",
            table=str(name),
            field=generated[0],
            hint="drop it from the data",
        )
    if live is not None:
        _check_writable(live, schema, language)
    if isinstance(declared, TableSpec):
        target = target_of([declared], language, server)
        _check_loadable(declared, target, current, name)
        return TargetTable(declared, target, name)
    if live is None:
        spec = named_spec(name, schema, key)
        return TargetTable(spec, target_of([spec], language, server), name)
    return _resolve_live(live, schema, language, server, key)


def named_spec(name: ObjectName, schema: pa.Schema, key: Sequence[str] | None) -> TableSpec:
    """The declaration of a new table of that name, made from the schema of the data."""
    return spec_from_schema(schema, name.name, key=tuple(key or ()), namespace=name.namespace)


def flat_name(declared: TableSpec | ObjectName, language: Language, server: Server) -> ObjectName:
    """The name of the table on this server: without namespaces, the namespace is a prefix."""
    name = declared if isinstance(declared, ObjectName) else ObjectName(declared.namespace, declared.name)
    if name.namespace is None or language.limits(server).namespaces:
        return name
    return ObjectName(None, f"{name.namespace}__{name.name}")


def declared_specs(tables: object, options: GeneratorOptions | None = None) -> list[TableSpec]:
    """The specs of one table, of several, or of all that a module declares; and of the tables that these refer to."""
    options = options or GeneratorOptions()
    given: list[object] = list(cast(Sequence[object], tables)) if isinstance(tables, (list, tuple, set)) else [tables]
    specs: list[TableSpec] = []
    for table in given:
        if isinstance(table, (type, ModuleType)):
            namespaces = cast("Mapping[str, str | None]", options.namespaces)
            found = declared_tables(table, skip_annotations=options.skip_annotations, namespaces=namespaces)
            specs.extend(found)
            continue
        spec = declared_spec(table)
        if not isinstance(spec, TableSpec):
            raise DeclarationError(
                f"the name {str(spec)!r} declares no columns", hint="pass a dataclass, or a pa.Schema with a name"
            )
        specs.append(spec)
    if not specs:
        raise DeclarationError("there is no table declared", hint="pass dataclasses, or a module that defines some")
    return list({(spec.namespace, spec.name, spec.source): spec for spec in specs}.values())


def target_of(specs: Iterable[TableSpec], language: Language, server: Server) -> Catalog:
    """The objects that have to exist on `server` for `specs`."""
    return target_catalog(
        specs, lambda column, table: language.to_column(column, table, server), language.limits(server)
    )


def _check_writable(live: Table, schema: pa.Schema, language: Language) -> None:
    """Refuse data with a column whose type is only read, and a table where each row needs a value of such a type."""
    for column in live.columns:
        reason = language.unloadable(column)
        if reason is None or column.generated:
            continue
        if column.name in schema.names:
            raise ConversionError(
                f"column {column.name!r} of {live.name} can't be loaded: {reason}",
                column=column.name,
                reason=reason,
                hint="drop it from the data: the other columns are loaded without it",
            )
        if column.required:
            raise ConversionError(
                f"no row can be loaded into {live.name}: its column {column.name!r} requires a value, and {reason}",
                column=column.name,
                reason=reason,
                hint="let the column be NULL, or give it a default, in the database",
            )


def _check_loadable(spec: TableSpec, target: Catalog, current: Catalog, name: ObjectName) -> None:
    """Refuse rows that would need other tables: lookup and join tables are created, but not filled."""
    table = target.table(name)
    assert table is not None, "the target has the table"
    for column in spec.columns:
        if table.column(column.name) is None or column.lookup is not None:
            kind = "a lookup table" if column.lookup is not None else "a join table"
            raise DeclarationError(
                f"{spec.name}.{column.name} is held in {kind}, which rows can't be loaded into together with {spec.name}",
                table=spec.name,
                field=column.name,
                hint="create the tables with migrate, and declare and load each of them on its own",
            )
    if current.table(name) is not None:
        return
    for key in table.foreign_keys:
        if key.target != name and current.table(key.target) is None:
            raise MigrationError(
                f"{name} refers to {key.target}, which doesn't exist", hint=f"create or load {key.target} first"
            )


def names_of(declared: TableSpec | ObjectName, language: Language, server: Server) -> list[ObjectName]:
    """The tables to discover for a plan of `declared`: the table itself, and those that it needs."""
    if isinstance(declared, ObjectName):
        return [flat_name(declared, language, server)]
    tables = target_of([declared], language, server).tables
    needed = [table.name for table in tables] + [key.target for table in tables for key in table.foreign_keys]
    return list(dict.fromkeys(needed))


def _resolve_live(
    live: Table, schema: pa.Schema, language: Language, server: Server, key: Sequence[str] | None
) -> TargetTable:
    """A table that is there and loaded by its name: it is its own declaration, and takes new columns of the data."""
    fields: list[pa.Field[Any]] = list(schema)
    new_columns = [field for field in fields if live.column(field.name) is None]
    brought = {field.name: field for field in fields}
    known = [c for c in live.columns if not c.generated and (c.required or c.name in brought)]
    columns = tuple(_spec_of_live(column, brought.get(column.name), live, language, server) for column in known)
    if new_columns:
        added = spec_from_schema(pa.schema([f.with_nullable(True) for f in new_columns]), live.name.name)
        columns += added.columns
    merge_key = live.key if key is None else tuple(key)
    if key is None and not {spec.name for spec in columns}.issuperset(live.key):
        merge_key = ()  # the database makes it, of a sequence or a default: rows can only be inserted
    spec = TableSpec(live.name.name, columns, key=merge_key, namespace=live.name.namespace)
    if (
        merge_key
        and set(merge_key) != set(live.key)
        and frozenset(merge_key) not in {frozenset(unique.columns) for unique in live.unique}
    ):
        has = f"its primary key is ({', '.join(live.key)})" if live.key else "it has no primary key"
        raise DeclarationError(
            f"({', '.join(merge_key)}) is not a key of the live table {live.name}", table=str(live.name), hint=has
        )
    target = live
    for column in spec.columns[len(known) :]:
        target = target.with_column(language.to_column(column, spec, server))
    return TargetTable(spec, Catalog((target,)), live.name)


def _spec_of_live(
    column: Column, brought: pa.Field[Any] | None, live: Table, language: Language, server: Server
) -> ColumnSpec:
    """The declaration of a live column, for the data that is brought.

    Data that never converts to the column's own type may be what such columns are created for: durations, in microseconds.
    """
    if brought is None:
        return language.to_spec(column)
    spec = language.to_spec(language.as_declared(column, brought.type))
    if kernel_for(brought.type, spec) is not None:
        return spec
    try:
        table = spec_from_schema(pa.schema([brought]), live.name.name)
        made = language.to_column(table.columns[0], table, server)
    except DeclarationError:
        return spec
    return replace(table.columns[0], nullable=column.nullable) if made.type == column.type else spec


def _keyed(spec: TableSpec, key: tuple[str, ...]) -> TableSpec:
    """The spec with `key` as its primary key, where it declares none."""
    if set(key) == set(spec.key):
        return spec
    if spec.key:
        raise DeclarationError(
            f"key=({', '.join(key)}) differs from the primary key ({', '.join(spec.key)}) of {spec.name!r}",
            table=spec.name,
            hint="leave key= out: the declared key is used",
        )
    columns = tuple(replace(c, nullable=False) if c.name in key else c for c in spec.columns)
    unique = tuple(group for group in spec.unique if set(group) != set(key))  # which the key is
    return replace(spec, columns=columns, key=key, unique=unique)
