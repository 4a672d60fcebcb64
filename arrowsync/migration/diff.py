"""`diff(current, target)`: the changes that make the live catalog into the declared one. Pure and dialect-free.

It finds every difference; `plan` decides which changes are made, left or refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from arrowsync.catalog import Catalog, Column, EnumType, ObjectName, SqlType, Table
from arrowsync.migration import changes as ch

Renames = Mapping[tuple[ObjectName, str], str]
"""Former names of columns, by (table, new column name)."""


def diff(current: Catalog, target: Catalog, renames: Renames | None = None) -> list[ch.Change]:
    """Return the changes of `current` after which all objects of `target` exist as they are declared.

    Objects of `current` that `target` doesn't name are left alone; a live column that its declared table lacks is a
    `DropColumn`.
    """
    changes: list[ch.Change] = [ch.CreateNamespace(n) for n in target.namespaces if n not in current.namespaces]
    for enum in target.enums:
        changes.extend(_diff_enum(current.enum(enum.name), enum))
    # Enum labels live in the columns' types too: compare columns as they are after those changes.
    after = current
    for change in changes:
        after = ch.apply(change, after)
    changes.extend(ch.CreateStruct(struct) for struct in target.structs if current.struct(struct.name) is None)
    changes.extend(_create_tables([table for table in target.tables if after.table(table.name) is None], after))
    for table in target.tables:
        if (live := after.table(table.name)) is not None:
            changes.extend(_diff_table(live, table, renames or {}))
    return changes


def _create_tables(tables: Sequence[Table], current: Catalog) -> Iterator[ch.Change]:
    """Create the new tables, each after those that it refers to; foreign keys of a cycle are added after its tables.

    Checks, foreign keys and indexes are created with their table; those of a live table aren't compared.
    """
    waiting = {table.name: table for table in tables}
    late: list[ch.AddForeignKey] = []
    while waiting:
        table = _next_table(waiting)
        del waiting[table.name]
        # A table that is neither live nor declared is left to the server to complain about.
        cyclic = tuple(key for key in table.foreign_keys if key.target in waiting)
        late.extend(ch.AddForeignKey(table.name, key) for key in cyclic)
        yield ch.CreateTable(replace(table, foreign_keys=tuple(k for k in table.foreign_keys if k not in cyclic)))
        for index in table.indexes:
            yield ch.CreateIndex(table.name, index)
        if table.rows:
            yield ch.InsertRows(table.name, tuple(c.name for c in table.columns if not c.identity), table.rows)
    yield from late


def _next_table(waiting: Mapping[ObjectName, Table]) -> Table:
    """Return the first table that refers to none of the others; in a cycle the one that refers to nothing outside of it."""
    refers = {
        name: {key.target for key in table.foreign_keys if key.target in waiting and key.target != name}
        for name, table in waiting.items()
    }

    def reached(name: ObjectName) -> int:
        seen = {name}
        ahead = [name]
        while ahead:
            new = refers[ahead.pop()] - seen
            seen |= new
            ahead.extend(new)
        return len(seen)

    return waiting[min(waiting, key=lambda name: (reached(name), len(refers[name])))]


def _diff_enum(live: EnumType | None, wanted: EnumType) -> Iterator[ch.Change]:
    if live is None:
        yield ch.CreateEnum(wanted)
    elif added := tuple(label for label in wanted.labels if label not in live.labels):
        yield ch.AddEnumLabels(wanted.name, added)


def _diff_table(live: Table, wanted: Table, renames: Renames) -> Iterator[ch.Change]:
    name = wanted.name
    for column in wanted.columns:
        old = renames.get((name, column.name))
        if old and live.column(column.name) is None and live.column(old) is not None:
            change = ch.RenameColumn(name, old, column.name)
            yield change
            live = ch.apply(change, Catalog((live,))).tables[0]
    for column in wanted.columns:
        existing = live.column(column.name)
        if existing is None:
            yield ch.AddColumn(name, column)
        else:
            yield from _diff_column(name, existing, column)
    if wanted.key and set(wanted.key) != set(live.key):
        yield ch.SetKey(name, wanted.key, live.key)
    known = {frozenset(key.columns) for key in live.unique}
    for key in wanted.unique:
        if frozenset(key.columns) not in known:
            yield ch.AddUnique(name, key)
    if wanted.comment and wanted.comment != live.comment:
        yield ch.SetComment(name, None, wanted.comment)
    for column in live.columns:
        if wanted.column(column.name) is None and not column.generated:
            yield ch.DropColumn(name, column)


def _diff_column(table: ObjectName, live: Column, wanted: Column) -> Iterator[ch.Change]:
    """Return the changes of one column; each has the column as it is after that change alone."""
    if not _same_type(live.type, wanted.type):
        live, old = replace(live, type=wanted.type), live.type
        yield ch.AlterType(table, live, old)
    if live.nullable != wanted.nullable:
        live = replace(live, nullable=wanted.nullable)
        yield ch.DropNotNull(table, live) if wanted.nullable else ch.SetNotNull(table, live)
    if wanted.comment and wanted.comment != live.comment:
        yield ch.SetComment(table, wanted.name, wanted.comment, replace(live, comment=wanted.comment))


def _same_type(live: SqlType, wanted: SqlType) -> bool:
    """True for equal types; named types are compared by name alone, since `_diff_enum` compares labels."""
    if wanted.element is not None and live.element is not None:
        return _same_type(live.element, wanted.element)
    if (wanted.labels and wanted.name != "enum") or (wanted.members and wanted.name != "struct"):
        return (live.namespace, live.name) == (wanted.namespace, wanted.name)
    return live == wanted
