"""Changes as SQLite statements: `render`. All of them run in a transaction, and what ALTER TABLE can't do is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from arrowsync.catalog import Column, DefaultExpression, DefaultValue, Table
from arrowsync.dialects import merge_sql
from arrowsync.dialects.sqlite.types import BOOLEAN, is_boolean, storage_class
from arrowsync.errors import UnsupportedChange
from arrowsync.migration.changes import (
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
from arrowsync.sql import SQL, Identifier, Literal, join, sql, trusted

_ANEW = "make a new table with CREATE TABLE and INSERT ... SELECT, drop the old one and rename the new one"


def render(change: Change) -> tuple[SQL, ...]:
    """The statements that make the change."""
    match change:
        case CreateTable(table):
            return (_create_table(table),)
        case CreateIndex(table, index):
            return (merge_sql.create_index(table, index),)
        case InsertRows():
            return (merge_sql.insert_rows(change),)
        case AddColumn(_, column) if column.identity or not (column.nullable or column.default):
            hint = "make it Optional, or give it a default"
            raise _unsupported(change, "SQLite adds a column that may be NULL, or that has a default", hint)
        case AddColumn(table, column):
            return (_alter(change, sql("ADD COLUMN {column}", column=column_sql(column))),)
        case RenameColumn(_, old, new):
            return (_alter(change, sql("RENAME COLUMN {old} TO {new}", old=Identifier(old), new=Identifier(new))),)
        case DropColumn(_, column):
            return (_alter(change, sql("DROP COLUMN {column}", column=Identifier(column.name))),)
        case AddUnique(table, key):
            return (
                sql(
                    "CREATE UNIQUE INDEX {name} ON {table} ({columns})",
                    name=Identifier(key.name or f"uq_{table.name}_{'_'.join(key.columns)}"),
                    table=table.identifier,
                    columns=merge_sql.names(key.columns),
                ),
            )
        case AlterType() | DropNotNull() | SetNotNull() | SetKey():
            raise _unsupported(change, "SQLite doesn't alter a column or a primary key", _ANEW)
        case AddForeignKey():
            hint = "form the tables with foreign_constraints=False"
            raise _unsupported(change, "SQLite can't add a foreign key to a table that exists", hint)
        case SetComment() | CreateNamespace() | CreateEnum() | AddEnumLabels() | CreateStruct():
            raise _unsupported(change, "SQLite has no comments, namespaces and types of its own", None)
        case _:
            assert_never(change)


def column_sql(column: Column) -> SQL:
    """One column of CREATE TABLE or ADD COLUMN."""
    parts: list[SQL | Identifier] = [Identifier(column.name), trusted(storage_class(column.type))]
    if column.identity:
        parts.append(sql("PRIMARY KEY AUTOINCREMENT"))
    elif not column.nullable:
        parts.append(sql("NOT NULL"))
    match column.default:
        case None:
            pass
        case DefaultValue(value):
            parts.append(sql("DEFAULT {value}", value=Literal(value)))
        case DefaultExpression(text):
            parts.append(sql("DEFAULT ({text})", text=text))
        case _:
            assert_never(column.default)
    if column.type.name == BOOLEAN:
        parts.append(sql("CHECK ({condition})", condition=is_boolean(column.name)))
    return join(" ", parts)


def _create_table(table: Table) -> SQL:
    numbered = any(column.identity for column in table.columns)
    made = replace(table, key=() if numbered else table.key)  # an identity column is the key, and says so itself
    return sql("{create} STRICT", create=merge_sql.create_table(made, column_sql))


def _alter(change: AddColumn | RenameColumn | DropColumn, action: SQL) -> SQL:
    return sql("ALTER TABLE {table} {action}", table=change.table.identifier, action=action)


def _unsupported(change: Change, problem: str, hint: str | None) -> UnsupportedChange:
    return UnsupportedChange(f"{problem}: {describe(change)}", changes=(describe(change),), hint=hint)
