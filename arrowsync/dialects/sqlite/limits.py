"""What SQLite forms of declarations, and what it can't hold: `limits`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from arrowsync.catalog import ForeignKey, ObjectName, Table
from arrowsync.dialects.contract import Server
from arrowsync.dialects.sqlite.quoting import text_problem
from arrowsync.dialects.sqlite.types import fold
from arrowsync.errors import DeclarationError
from arrowsync.generate.modes import Limits
from arrowsync.options import ArrayMode, EnumMode, StructMode

MAX_COLUMNS = 2000
_WITHOUT = "form the tables with foreign_constraints=False"


def limits(server: Server) -> Limits:
    """SQLite's modes and limits: lists and structs are JSON, enums checked text; there are no namespaces and no comments."""
    return Limits(
        dialect="SQLite",
        enum_modes=(EnumMode.CHECK, EnumMode.RELATION),
        struct_modes=(StructMode.JSON, StructMode.TEXT),
        array_modes=(ArrayMode.JSON, ArrayMode.TEXT, ArrayMode.RELATION),
        namespaces=False,
        comments=False,
        fold=fold,
        check_table=check_table,
        check_tables=check_tables,
    )


def check_table(table: Table) -> None:
    """Refuse a table that SQLite can't hold as it is."""
    name = table.name.name
    if problem := text_problem(name):
        _refuse(table, None, f"the name {name!r} {problem}", "remove it")
    if fold(name).startswith("sqlite_"):
        _refuse(table, None, "SQLite keeps names that begin with sqlite_ for itself", "rename it")
    if len(table.columns) > MAX_COLUMNS:
        _refuse(table, None, f"it has {len(table.columns)} columns, and SQLite takes {MAX_COLUMNS}", "split the table")
    for column in table.columns:
        if column.identity and table.key != (column.name,):
            problem = "SQLite numbers the rows of a primary key of one column only"
            _refuse(table, column.name, problem, "make it the primary key, or declare int")


def check_tables(tables: Sequence[Table]) -> None:
    """Refuse tables whose names SQLite takes for one, and foreign keys that it can't create: to no key, or in a circle."""
    found = {fold(table.name.name): table for table in tables}
    if len(found) < len(tables):
        names = [table.name.name for table in tables]
        one, other = next((a, b) for a in names for b in names if a != b and fold(a) == fold(b))
        raise DeclarationError(
            f"SQLite takes the tables {one!r} and {other!r} for one", table=one, hint="rename one of the two"
        )
    for table in tables:
        for key in table.foreign_keys:
            target = found.get(fold(key.target.name))
            if target is not None and key.referenced not in (target.key, *(unique.columns for unique in target.unique)):
                problem = f"({', '.join(key.referenced)}) is no key of {target.name}, in that order"
                _refuse(table, key.columns[0], problem, f"refer to a primary or unique key, or {_WITHOUT}")
    _check_circles({table.name: table for table in tables})


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
                name = needs[name][0].target
            key = needs[name][0]
            problem = f"SQLite can't add a foreign key to {key.target}, which itself waits for {name}"
            _refuse(rest[name], key.columns[0], problem, f"{_WITHOUT}, or leave one of the references out")
        for name in free:
            del rest[name]


def _waits(table: ObjectName, key: ForeignKey, rest: Mapping[ObjectName, Table]) -> bool:
    """Whether the key's table has to be created first."""
    return key.target != table and key.target in rest


def _refuse(table: Table, field: str | None, problem: str, way_out: str) -> NoReturn:
    raise DeclarationError(
        f"{table.name}{'.' + field if field else ''}: {problem}", table=table.name.name, field=field, hint=way_out
    )
