"""The modes and limits of DuckDB: `limits`.

A limit that DuckDB would answer with an error is refused here, before anything is created and with the names of class and field.
To add one, add a check to `check_table`, or to `check_tables` where it takes several tables to see it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from arrowsync.catalog import Column, ForeignKey, ObjectName, Table
from arrowsync.dialects.contract import Server
from arrowsync.dialects.duckdb.types import fold, text_problem
from arrowsync.errors import DeclarationError
from arrowsync.generate.modes import Limits
from arrowsync.options import ArrayMode, EnumMode, StructMode
from arrowsync.sql import SQL, Identifier, Literal, join, sql

SYSTEM_SCHEMAS = frozenset({"information_schema", "pg_catalog", "system", "temp"})
"""Names that no declared schema can have: DuckDB's own schemas and databases."""
NO_KEY = frozenset({"array", "struct", "interval"})
"""Types that no index can be on, and so no key."""
_MAIN = "main"
_WITHOUT = "form the tables with foreign_constraints=False"


def limits(server: Server) -> Limits:
    """DuckDB's modes and limits: names of any length, namespaces, enums and structs inside of column types."""
    return Limits(
        dialect="DuckDB",
        enum_modes=(EnumMode.INLINE, EnumMode.CHECK, EnumMode.RELATION),
        struct_modes=(StructMode.TYPE, StructMode.JSON, StructMode.TEXT),
        array_modes=(ArrayMode.ARRAY, ArrayMode.JSON, ArrayMode.TEXT, ArrayMode.RELATION),
        fold=fold,
        only_labels=only_labels,
        cascades=False,
        check_table=check_table,
        check_tables=check_tables,
    )


def only_labels(column: Identifier, labels: Sequence[str | None], mode: ArrayMode) -> SQL | None:
    """The condition that all elements are among the labels (or NULL); None where the list is held as text."""
    listed = join(", ", [Literal(label) for label in labels])
    match mode:
        case ArrayMode.ARRAY:
            return sql("list_has_all([{labels}], {column})", labels=listed, column=column)
        case ArrayMode.JSON:
            return sql("list_has_all([{labels}], CAST({column} AS VARCHAR[]))", labels=listed, column=column)
        case ArrayMode.TEXT | ArrayMode.RELATION:
            return None


def check_table(table: Table) -> None:
    """Refuse a table that DuckDB can't hold as it is."""
    name = table.name
    for what, text in {"the name": name.name, "the namespace": name.namespace, "the comment": table.comment}.items():
        if text and (problem := text_problem(text)):
            _refuse(table, None, f"{what} {text!r} {problem}", "remove it")
    if name.namespace is not None and fold(name.namespace) in SYSTEM_SCHEMAS:
        _refuse(table, None, f"DuckDB keeps the name {name.namespace!r} for itself", "choose another namespace")
    for kind, columns in _keys(table):
        for column in columns:
            if column.type.name in NO_KEY:
                problem = f"{kind} can't be on a column of type {column.type} in DuckDB"
                _refuse(table, column.name, problem, "take the field out of it, or declare another type")
    for key in table.foreign_keys:
        _check_foreign_key(table, key)


def check_tables(tables: Sequence[Table]) -> None:
    """Refuse foreign keys that DuckDB can't create: of another type than what they refer to, to no key, or in a circle."""
    found = {_folded(table.name): table for table in tables}
    if len(found) < len(tables):
        names = [table.name for table in tables]
        one, other = next((a, b) for a in names for b in names if a != b and _folded(a) == _folded(b))
        raise DeclarationError(
            f"DuckDB takes the tables {str(one)!r} and {str(other)!r} for one",
            table=str(one),
            hint="rename one of the two",
        )
    for table in tables:
        for key in table.foreign_keys:
            target = found.get(_folded(key.target))
            if target is not None:
                _check_referenced(table, key, target)
    _check_circles(found)


def _keys(table: Table) -> list[tuple[str, list[Column]]]:
    """Everything that DuckDB makes an index for, in words, with its columns."""
    keys = [("the primary key", table.key)]
    keys += [("a unique key", key.columns) for key in table.unique]
    keys += [("a foreign key", key.columns) for key in table.foreign_keys]
    keys += [("an index", tuple(part for part in index.parts if isinstance(part, str))) for index in table.indexes]
    return [(kind, [column for column in table.columns if column.name in names]) for kind, names in keys]


def _check_foreign_key(table: Table, key: ForeignKey) -> None:
    if key.on_delete not in (None, "restrict"):
        problem = f"DuckDB has no ON DELETE {key.on_delete.upper()}, which the reference to {key.target} asks for"
        _refuse(table, key.columns[0], problem, f"leave on_delete out, or {_WITHOUT}")
    if _schema(key.target) != _schema(table.name):
        problem = f"a foreign key of DuckDB can't refer to a table of another schema, {key.target}"
        _refuse(table, key.columns[0], problem, f"declare both in one namespace, or {_WITHOUT}")


def _check_referenced(table: Table, key: ForeignKey, target: Table) -> None:
    if key.referenced not in (target.key, *(unique.columns for unique in target.unique)):
        problem = f"({', '.join(key.referenced)}) is no key of {target.name}, in that order"
        _refuse(table, key.columns[0], problem, f"refer to a primary or unique key, or {_WITHOUT}")
    for name, referenced in zip(key.columns, key.referenced, strict=True):
        mine, other = table.column(name), target.column(referenced)
        if mine and other and mine.type != other.type:
            problem = (
                f"a foreign key of type {mine.type} can't refer to {target.name}.{referenced} of type {other.type}"
            )
            _refuse(table, name, problem, f"declare both of one type, or {_WITHOUT}")


def _check_circles(tables: Mapping[ObjectName, Table]) -> None:
    """Refuse tables that refer to each other: a foreign key has to be there when its table is created."""
    rest = dict(tables)
    while rest:
        needs = {name: [k for k in table.foreign_keys if _waits(name, k, rest)] for name, table in rest.items()}
        free = [name for name in rest if not needs[name]]
        if not free:
            name, passed = next(iter(rest)), set[ObjectName]()
            while name not in passed:
                passed.add(name)
                name = _folded(needs[name][0].target)
            key = needs[name][0]
            problem = f"DuckDB can't create a foreign key to {key.target}, which itself waits for {rest[name].name}"
            _refuse(rest[name], key.columns[0], problem, f"{_WITHOUT}, or leave one of the references out")
        for name in free:
            del rest[name]


def _waits(table: ObjectName, key: ForeignKey, rest: Mapping[ObjectName, Table]) -> bool:
    """True if the key's table has to be created first."""
    return _folded(key.target) != table and _folded(key.target) in rest


def _schema(name: ObjectName) -> str:
    return fold(name.namespace or _MAIN)


def _folded(name: ObjectName) -> ObjectName:
    return ObjectName(_schema(name), fold(name.name))


def _refuse(table: Table, field: str | None, problem: str, way_out: str) -> NoReturn:
    raise DeclarationError(
        f"{table.name}{'.' + field if field else ''}: {problem}", table=table.name.name, field=field, hint=way_out
    )
