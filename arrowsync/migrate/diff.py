"""`diff(current, target)`: the changes that make the live catalog into the declared one. Pure and dialect-free.

It tells the whole truth; which of the changes are made, left or refused is `plan`'s decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from arrowsync.catalog import Catalog, Column, EnumType, ObjectName, SqlType, Table
from arrowsync.migrate.changes import (
    AddColumn,
    AddEnumLabels,
    AddUnique,
    AlterType,
    Change,
    CreateEnum,
    CreateNamespace,
    CreateTable,
    DropColumn,
    DropNotNull,
    RenameColumn,
    SetComment,
    SetKey,
    SetNotNull,
    apply,
)

Renames = Mapping[tuple[ObjectName, str], str]
"""(table, new column name) -> the name that the column had."""


def diff(current: Catalog, target: Catalog, renames: Renames | None = None) -> list[Change]:
    """What has to change in `current` so that all of `target` exists as it is declared.

    Objects of `current` that `target` doesn't name are left alone; columns that a declared table lacks are `DropColumn`s.
    """
    changes: list[Change] = [CreateNamespace(n) for n in target.namespaces if n not in current.namespaces]
    for enum in target.enums:
        changes.extend(_diff_enum(current.enum(enum.name), enum))
    # Enum labels live in the columns' types too: compare columns as they are after those changes.
    after = current
    for change in changes:
        after = apply(change, after)
    for table in target.tables:
        live = after.table(table.name)
        changes.extend([CreateTable(table)] if live is None else _diff_table(live, table, renames or {}))
    return changes


def _diff_enum(live: EnumType | None, wanted: EnumType) -> Iterator[Change]:
    if live is None:
        yield CreateEnum(wanted)
    elif added := tuple(label for label in wanted.labels if label not in live.labels):
        yield AddEnumLabels(wanted.name, added)


def _diff_table(live: Table, wanted: Table, renames: Renames) -> Iterator[Change]:
    name = wanted.name
    for column in wanted.columns:
        old = renames.get((name, column.name))
        if old and live.column(column.name) is None and live.column(old) is not None:
            change = RenameColumn(name, old, column.name)
            yield change
            live = apply(change, Catalog((live,))).tables[0]
    for column in wanted.columns:
        existing = live.column(column.name)
        if existing is None:
            yield AddColumn(name, column)
        else:
            yield from _diff_column(name, existing, column)
    if wanted.key and set(wanted.key) != set(live.key):
        yield SetKey(name, wanted.key, live.key)
    known = {frozenset(group) for group in live.unique}
    for group in wanted.unique:
        if frozenset(group) not in known:
            yield AddUnique(name, group)
    if wanted.comment and wanted.comment != live.comment:
        yield SetComment(name, None, wanted.comment)
    for column in live.columns:
        if wanted.column(column.name) is None and not column.generated:
            yield DropColumn(name, column)


def _diff_column(table: ObjectName, live: Column, wanted: Column) -> Iterator[Change]:
    """The changes of one column; each carries the column as it is after that change alone."""
    if not _same_type(live.type, wanted.type):
        live, old = replace(live, type=wanted.type), live.type
        yield AlterType(table, live, old)
    if live.nullable != wanted.nullable:
        live = replace(live, nullable=wanted.nullable)
        yield DropNotNull(table, live) if wanted.nullable else SetNotNull(table, live)
    if wanted.comment and wanted.comment != live.comment:
        yield SetComment(table, wanted.name, wanted.comment)


def _same_type(live: SqlType, wanted: SqlType) -> bool:
    """Equal types; a named enum is the same type whatever the order of its labels (`_diff_enum` looks after those)."""
    if wanted.labels and wanted.name != "enum":
        return (live.namespace, live.name) == (wanted.namespace, wanted.name)
    return live == wanted
