"""Changes as DuckDB statements: `render`. All of them run in a transaction.

What DuckDB can't alter (a primary key, a column that a key or index is on, almost anything of a table that a foreign key
refers to) it refuses by itself, and the transaction with it; `errors` has the hints. Constraints have no names, as DuckDB
drops them. A new change is a case in `render`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import assert_never

from arrowsync.catalog import Column, DefaultExpression, DefaultValue, ObjectName, SqlType, Table
from arrowsync.dialects import merge_sql
from arrowsync.dialects.duckdb.quoting import quote_identifier
from arrowsync.dialects.duckdb.types import type_sql
from arrowsync.errors import UnsupportedChange
from arrowsync.migration import changes as ch
from arrowsync.sql import SQL, Identifier, Literal, join, sql

_ZONED = "timestamp with time zone"


def render(change: ch.Change) -> tuple[SQL, ...]:
    """The statements that make the change."""
    match change:
        case ch.CreateNamespace(name):
            return (sql("CREATE SCHEMA IF NOT EXISTS {name}", name=Identifier(name)),)
        case ch.CreateEnum() | ch.AddEnumLabels() | ch.CreateStruct():
            raise UnsupportedChange(
                f"DuckDB's enum and struct types belong to their columns: {ch.describe(change)}",
                changes=(ch.describe(change),),
            )
        case ch.CreateTable(table):
            return tuple(_create_table(table))
        case ch.CreateIndex(name, index):
            return (merge_sql.create_index(name, index),)
        case ch.InsertRows():
            return (merge_sql.insert_rows(change),)
        case ch.AddForeignKey():
            raise UnsupportedChange(
                f"DuckDB can't add a foreign key to a table that exists: {ch.describe(change)}",
                changes=(ch.describe(change),),
            )
        case ch.AddColumn(name, column):
            sequences = [_create_sequence(name, column)] if column.identity else []
            # Rows that are there get numbers, and in the same transaction DuckDB takes no NOT NULL after that.
            made = replace(column, nullable=column.nullable or column.identity)
            added = _alter(name, sql("ADD COLUMN {column}", column=column_sql(name, made)))
            comments = [ch.SetComment(name, column.name, column.comment)] if column.comment else []
            return (*sequences, added, *(_comment(comment) for comment in comments))
        case ch.SetComment():
            return (_comment(change),)
        case ch.SetKey(_, _, old) if old:
            raise UnsupportedChange(
                f"DuckDB can't replace a primary key: {ch.describe(change)}",
                changes=(ch.describe(change),),
                hint="make a new table with CREATE TABLE and INSERT ... SELECT, drop the old one and rename the new one",
            )
        case (
            ch.RenameColumn()
            | ch.AlterType()
            | ch.DropNotNull()
            | ch.SetNotNull()
            | ch.SetKey()
            | ch.AddUnique()
            | ch.DropColumn()
        ):
            return (_alter(change.table, _action(change)),)
        case _:
            assert_never(change)


def _action(
    change: ch.RenameColumn | ch.AlterType | ch.DropNotNull | ch.SetNotNull | ch.SetKey | ch.AddUnique | ch.DropColumn,
) -> SQL:
    """The clause after ALTER TABLE and the table's name."""
    match change:
        case ch.RenameColumn(_, old, new):
            return sql("RENAME COLUMN {old} TO {new}", old=Identifier(old), new=Identifier(new))
        case ch.AlterType(_, column, old):
            if (old.element or old.members) and _shifts(old, column.type):
                raise UnsupportedChange(
                    f"DuckDB would go by the session's time zone: {ch.describe(change)}",
                    changes=(ch.describe(change),),
                    hint="make a new column, and fill it with UPDATE",
                )
            return _alter_type(Identifier(column.name), old, column.type)
        case ch.DropNotNull(_, column):
            return sql("ALTER COLUMN {column} DROP NOT NULL", column=Identifier(column.name))
        case ch.SetNotNull(_, column):
            return sql("ALTER COLUMN {column} SET NOT NULL", column=Identifier(column.name))
        case ch.SetKey(_, key, _):
            return sql("ADD PRIMARY KEY ({key})", key=merge_sql.names(key))
        case ch.AddUnique(_, key):
            # Not a unique index: DuckDB alters hardly anything of a table that has one.
            return sql("ADD {key}", key=merge_sql.unique_key(key))
        case ch.DropColumn(_, column):
            return sql("DROP COLUMN {column}", column=Identifier(column.name))
        case _:
            assert_never(change)


def _create_table(table: Table) -> Iterator[SQL]:
    for column in table.columns:
        if column.identity:
            # The rows of a lookup table count from 1, whatever a table of this name that was dropped has left.
            yield _create_sequence(table.name, column, anew=bool(table.rows))
    yield merge_sql.create_table(table, partial(column_sql, table.name), named=False)
    if table.comment:
        yield _comment(ch.SetComment(table.name, None, table.comment))
    for column in table.columns:
        if column.comment:
            yield _comment(ch.SetComment(table.name, column.name, column.comment))


def column_sql(table: ObjectName, column: Column) -> SQL:
    """One column of CREATE TABLE or ADD COLUMN."""
    parts: list[SQL | Identifier] = [Identifier(column.name), type_sql(column.type)]
    if not column.nullable:
        parts.append(sql("NOT NULL"))
    match column.default:
        case _ if column.identity:
            parts.append(sql("DEFAULT nextval({sequence})", sequence=name_literal(sequence_of(table, column))))
        case None:
            pass
        case DefaultValue(value):
            parts.append(sql("DEFAULT {value}", value=Literal(value)))
        case DefaultExpression(text):
            parts.append(sql("DEFAULT {text}", text=text))
        case _:
            assert_never(column.default)
    return join(" ", parts)


def sequence_of(table: ObjectName, column: Column) -> ObjectName:
    """The sequence behind an identity column that is created here: DuckDB knows no GENERATED AS IDENTITY."""
    return ObjectName(table.namespace, f"{table.name}_{column.name}_seq")


def name_literal(name: ObjectName) -> Literal:
    """The quoted name as a value, for `nextval` and `setval`."""
    return Literal(".".join(quote_identifier(part) for part in name.identifier.parts))


def _create_sequence(table: ObjectName, column: Column, *, anew: bool = False) -> SQL:
    # Dropping a table leaves its sequence behind. One that a table uses is never replaced: DuckDB refuses.
    name = sequence_of(table, column).identifier
    if anew:
        return sql("CREATE OR REPLACE SEQUENCE {name}", name=name)
    return sql("CREATE SEQUENCE IF NOT EXISTS {name}", name=name)


def _alter(table: ObjectName, action: SQL) -> SQL:
    return sql("ALTER TABLE {table} {action}", table=table.identifier, action=action)


def _alter_type(name: Identifier, old: SqlType, new: SqlType) -> SQL:
    action = sql("ALTER COLUMN {name} TYPE {type}", name=name, type=type_sql(new))
    if (old.name == _ZONED) == (new.name == _ZONED):
        return action
    # A plain cast would go by the session's time zone.
    if new.name == _ZONED:
        using = sql("CAST({name} AS TIMESTAMP) AT TIME ZONE 'UTC'", name=name)
    else:
        using = sql("CAST({name} AT TIME ZONE 'UTC' AS {type})", name=name, type=type_sql(new))
    return sql("{action} USING {using}", action=action, using=using)


def _shifts(old: SqlType, new: SqlType) -> bool:
    """True if a time in the list or struct gets a time zone, or loses it."""
    if old.element is not None and new.element is not None:
        return _shifts(old.element, new.element)
    if old.members and new.members:
        wanted = dict(new.members)
        return any(_shifts(kind, wanted.get(name, kind)) for name, kind in old.members)
    return (old.name == _ZONED) != (new.name == _ZONED)


def _comment(change: ch.SetComment) -> SQL:
    comment = Literal(change.comment or None)
    if change.column is None:
        return sql("COMMENT ON TABLE {table} IS {comment}", table=change.table.identifier, comment=comment)
    column = Identifier(change.table.namespace, change.table.name, change.column)
    return sql("COMMENT ON COLUMN {column} IS {comment}", column=column, comment=comment)
