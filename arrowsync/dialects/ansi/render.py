"""Changes as statements of standard SQL: `render`. Its words are those of `catalog.ansi`.

RENAME COLUMN, COMMENT ON and CREATE INDEX aren't in the standard: they are written as nearly all databases have them.
"""

from __future__ import annotations

from typing import assert_never

from arrowsync.catalog import ansi
from arrowsync.errors import UnsupportedChange
from arrowsync.migrate.changes import (
    AddColumn,
    AddEnumLabels,
    AddForeignKey,
    AddUnique,
    AlterType,
    Change,
    CreateEnum,
    CreateIndex,
    CreateNamespace,
    CreateStruct,
    CreateTable,
    DropColumn,
    DropNotNull,
    InsertRows,
    RenameColumn,
    SetComment,
    SetKey,
    SetNotNull,
    describe,
)
from arrowsync.sql import SQL, Identifier, sql


def render(change: Change) -> tuple[SQL, ...]:
    """The statements that make the change."""
    match change:
        case CreateNamespace(name):
            return (sql("CREATE SCHEMA {name}", name=Identifier(name)),)
        case CreateEnum(enum):
            return tuple(ansi.create_type(enum))
        case CreateStruct(struct):
            return tuple(ansi.create_type(struct))
        case CreateTable(table):
            return (ansi.create_table(table, ansi.column_sql), *ansi.comments(table))
        case CreateIndex(table, index):
            return (ansi.create_index(table, index),)
        case InsertRows(table, columns, rows):
            return (ansi.insert_rows(table, columns, rows),)
        case AddForeignKey(table, key):
            return (ansi.add_constraint(table, key.name, ansi.foreign_key(key)),)
        case AddUnique(table, key):
            return (ansi.add_constraint(table, key.name, ansi.unique_key(key)),)
        case SetComment(table, column, comment):
            return (ansi.comment_on(table, column, comment),)
        case AddColumn(table, column):
            added = sql("ADD COLUMN {column}", column=ansi.column_sql(column))
            comments = [ansi.comment_on(table, column.name, column.comment)] if column.comment else []
            return (_alter(change, added), *comments)
        case AddEnumLabels():
            raise _unsupported(change, "the labels of a domain can't be changed", "create another one")
        case SetKey(_, _, old) if old:
            raise _unsupported(
                change, "a primary key can't be replaced", "drop the old one by hand: other tables may refer to it"
            )
        case RenameColumn() | AlterType() | DropNotNull() | SetNotNull() | SetKey() | DropColumn():
            return (_alter(change, _action(change)),)
        case _:
            assert_never(change)


def _action(change: RenameColumn | AlterType | DropNotNull | SetNotNull | SetKey | DropColumn) -> SQL:
    """What follows ALTER TABLE and its name."""
    match change:
        case RenameColumn(_, old, new):
            return sql("RENAME COLUMN {old} TO {new}", old=Identifier(old), new=Identifier(new))
        case AlterType(_, column, _):
            name = Identifier(column.name)
            return sql("ALTER COLUMN {name} SET DATA TYPE {type}", name=name, type=ansi.type_sql(column.type))
        case DropNotNull(_, column):
            return sql("ALTER COLUMN {column} DROP NOT NULL", column=Identifier(column.name))
        case SetNotNull(_, column):
            return sql("ALTER COLUMN {column} SET NOT NULL", column=Identifier(column.name))
        case SetKey(_, key, _):
            return sql("ADD PRIMARY KEY ({key})", key=ansi.names(key))
        case DropColumn(_, column):
            return sql("DROP COLUMN {column}", column=Identifier(column.name))
        case _:
            assert_never(change)


def _alter(
    change: AddColumn | RenameColumn | AlterType | DropNotNull | SetNotNull | SetKey | DropColumn, action: SQL
) -> SQL:
    return sql("ALTER TABLE {table} {action}", table=change.table.identifier, action=action)


def _unsupported(change: Change, problem: str, hint: str) -> UnsupportedChange:
    return UnsupportedChange(f"{problem}: {describe(change)}", changes=(describe(change),), hint=hint)
