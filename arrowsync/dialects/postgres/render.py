"""Changes as PostgreSQL statements: `render`. All of them run in a transaction.

`ALTER TYPE ... ADD VALUE` is among them, but the server refuses to use the new label before that transaction has committed:
see `faults` for what a user is told who adds a label and loads rows with it in one go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from arrowsync.catalog import Column, DefaultExpression, DefaultValue, ObjectName, SqlType
from arrowsync.dialects import shared
from arrowsync.errors import DeclarationError, UnsupportedChange
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
    describe,
)
from arrowsync.sql import SQL, Identifier, Literal, join, sql

TYPES: Mapping[str, SQL] = {
    "boolean": sql("boolean"),
    "smallint": sql("smallint"),
    "integer": sql("integer"),
    "bigint": sql("bigint"),
    "real": sql("real"),
    "double precision": sql("double precision"),
    "numeric": sql("numeric"),
    "text": sql("text"),
    "varchar": sql("varchar"),
    "char": sql("char"),
    "citext": sql("citext"),
    "name": sql("name"),
    "bytea": sql("bytea"),
    "date": sql("date"),
    "time": sql("time"),
    "timestamp": sql("timestamp"),
    "timestamptz": sql("timestamptz"),
    "interval": sql("interval"),
    "uuid": sql("uuid"),
    "json": sql("json"),
    "jsonb": sql("jsonb"),
    "inet": sql("inet"),
    "cidr": sql("cidr"),
}

_CHECKED_CASTS: Mapping[str, tuple[str, ...]] = {
    "text": (
        *(
            "boolean",
            "smallint",
            "integer",
            "bigint",
            "real",
            "double precision",
            "numeric",
            "date",
            "time",
            "interval",
        ),
        *("uuid", "json", "jsonb", "inet", "cidr", "enum"),
    ),
    "enum": ("enum",),
    "boolean": ("integer",),
}
"""From one type to others that the server casts to only if told to, and then refuses each value that doesn't fit."""

_ZONED = {
    ("timestamp", "timestamptz"): sql("AT TIME ZONE 'UTC'"),
    ("timestamptz", "timestamp"): sql("AT TIME ZONE 'UTC'"),
    ("date", "timestamptz"): sql("::timestamp AT TIME ZONE 'UTC'"),
    ("timestamptz", "date"): sql("AT TIME ZONE 'UTC'"),
    ("timestamptz", "time"): sql("AT TIME ZONE 'UTC'"),
}
"""Casts that would go by the session's time zone, said for UTC."""


def render(change: Change) -> tuple[SQL, ...]:
    """The statements that make the change."""
    match change:
        case CreateNamespace(name):
            return (sql("CREATE SCHEMA IF NOT EXISTS {name}", name=Identifier(name)),)
        case CreateEnum(enum):
            labels = join(", ", [Literal(label) for label in enum.labels])
            return (sql("CREATE TYPE {name} AS ENUM ({labels})", name=enum.name.identifier, labels=labels),)
        case AddEnumLabels(name, labels):
            add = sql("ALTER TYPE {name} ADD VALUE IF NOT EXISTS ", name=name.identifier)
            return tuple(sql("{add}{label}", add=add, label=Literal(label)) for label in labels)
        case CreateTable(table):
            comments = [SetComment(table.name, None, table.comment)] if table.comment else []
            comments += [SetComment(table.name, c.name, c.comment) for c in table.columns if c.comment]
            return (shared.create_table(table, column_sql), *(_comment(comment) for comment in comments))
        case AddColumn(table, column):
            added = (_alter(table, sql("ADD COLUMN {column}", column=column_sql(column))),)
            return (*added, _comment(SetComment(table, column.name, column.comment))) if column.comment else added
        case AlterType(table, column, old):
            return (_alter_type(table, column, old),)
        case SetComment():
            return (_comment(change),)
        case SetKey(_, _, old) if old:
            raise UnsupportedChange(
                f"the primary key can't be replaced: {describe(change)}",
                changes=(describe(change),),
                hint="drop the old primary key by hand (other tables may refer to it), then sync again",
            )
        case RenameColumn() | DropNotNull() | SetNotNull() | SetKey() | AddUnique() | DropColumn():
            return (_alter(change.table, _action(change)),)
        case _:
            assert_never(change)


def _action(change: RenameColumn | DropNotNull | SetNotNull | SetKey | AddUnique | DropColumn) -> SQL:
    """What follows ALTER TABLE and its name."""
    match change:
        case RenameColumn(_, old, new):
            return sql("RENAME COLUMN {old} TO {new}", old=Identifier(old), new=Identifier(new))
        case DropNotNull(_, column):
            return sql("ALTER COLUMN {column} DROP NOT NULL", column=Identifier(column.name))
        case SetNotNull(_, column):
            return sql("ALTER COLUMN {column} SET NOT NULL", column=Identifier(column.name))
        case SetKey(_, key, _):
            return sql("ADD PRIMARY KEY ({key})", key=shared.names(key))
        case AddUnique(_, columns):
            return sql("ADD UNIQUE ({columns})", columns=shared.names(columns))
        case DropColumn(_, column):
            return sql("DROP COLUMN {column}", column=Identifier(column.name))
        case _:
            assert_never(change)


def column_sql(column: Column) -> SQL:
    """One column of CREATE TABLE or ADD COLUMN."""
    parts: list[SQL | Identifier] = [Identifier(column.name), type_sql(column.type)]
    if not column.nullable:
        parts.append(sql("NOT NULL"))
    match column.default:
        case None:
            pass
        case DefaultValue(value):
            parts.append(sql("DEFAULT {value}", value=Literal(value)))
        case DefaultExpression(text):
            parts.append(sql("DEFAULT {text}", text=text))
        case _:
            assert_never(column.default)
    if column.identity:
        parts.append(sql("GENERATED BY DEFAULT AS IDENTITY"))
    return join(" ", parts)


def type_sql(live: SqlType) -> SQL:
    """The type as statements spell it."""
    if live.labels or live.namespace:
        return SQL((Identifier(live.namespace, live.name),))
    if live.element is not None:
        return sql("{element}[]", element=type_sql(live.element))
    if live == SqlType("char"):
        return sql("bpchar")  # of any length; plain char is char(1)
    name = TYPES.get(live.name)
    if name is None:
        raise DeclarationError(f"a column of type {live} can't be created", hint="create the column by hand")
    if not live.args:
        return name
    return sql("{name}({args})", name=name, args=join(", ", [Literal(arg) for arg in live.args]))


def _alter(table: ObjectName, action: SQL) -> SQL:
    return sql("ALTER TABLE {table} {action}", table=table.identifier, action=action)


def _alter_type(table: ObjectName, column: Column, old: SqlType) -> SQL:
    """ALTER COLUMN TYPE, with USING only where the server asks for it.

    A cast in USING cuts and rounds without a word, so none names a length or precision: the server's own assignment to the
    new type, which refuses what is too long, comes after it.
    """
    name = Identifier(column.name)
    action = sql("ALTER COLUMN {column} TYPE {type}", column=name, type=type_sql(column.type))
    using = _using(name, old, column.type)
    return _alter(table, sql("{action} USING {using}", action=action, using=using) if using else action)


def _using(name: Identifier, old: SqlType, new: SqlType) -> SQL | None:
    pair = _family(old), _family(new)
    if (zoned := _ZONED.get(pair)) is not None:
        return sql("{name} {zoned}", name=name, zoned=zoned)
    if pair[1] not in _CHECKED_CASTS.get(pair[0], ()):
        return None
    plain = SqlType(new.name, labels=new.labels, namespace=new.namespace)
    as_text = sql("::text") if old.labels else SQL(())
    return sql("{name}{as_text}::{type}", name=name, as_text=as_text, type=type_sql(plain))


def _family(live: SqlType) -> str:
    return "enum" if live.labels else "text" if live.name in ("varchar", "char", "citext", "name") else live.name


def _comment(change: SetComment) -> SQL:
    comment = Literal(change.comment)
    if change.column is None:
        return sql("COMMENT ON TABLE {table} IS {comment}", table=change.table.identifier, comment=comment)
    column = Identifier(change.table.namespace, change.table.name, change.column)
    return sql("COMMENT ON COLUMN {column} IS {comment}", column=column, comment=comment)
