"""Changes as PostgreSQL statements: `render`. All of them run in a transaction.

`ALTER TYPE ... ADD VALUE` is among them, but the server refuses to use the new label before that transaction has committed:
see `errors` for the hint to a user who adds a label and loads rows with it in one go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from arrowsync.catalog import Column, DefaultExpression, DefaultValue, EnumType, ObjectName, SqlType, StructType, Table
from arrowsync.dialects import merge_sql
from arrowsync.dialects.postgres.quoting import untyped
from arrowsync.dialects.postgres.types import type_sql
from arrowsync.errors import UnsupportedChange
from arrowsync.migration import changes as ch
from arrowsync.sql import SQL, Identifier, Literal, join, sql

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


def render(change: ch.Change) -> tuple[SQL, ...]:
    """The statements that make the change."""
    match change:
        case ch.CreateNamespace(name):
            return (sql("CREATE SCHEMA IF NOT EXISTS {name}", name=Identifier(name)),)
        case ch.CreateEnum(enum):
            return tuple(_create_enum(enum))
        case ch.CreateStruct(struct):
            return tuple(_create_struct(struct))
        case ch.AddEnumLabels(name, labels):
            add = sql("ALTER TYPE {name} ADD VALUE IF NOT EXISTS ", name=name.identifier)
            return tuple(sql("{add}{label}", add=add, label=Literal(label)) for label in labels)
        case ch.CreateTable(table):
            return tuple(_create_table(table))
        case ch.CreateIndex(table, index):
            return (merge_sql.create_index(table, index),)
        case ch.InsertRows():
            return (merge_sql.insert_rows(change),)
        case ch.AddForeignKey(table, key):
            return (merge_sql.add_constraint(table, key.name, merge_sql.foreign_key(key)),)
        case ch.AddUnique(table, key):
            return (merge_sql.add_constraint(table, key.name, merge_sql.unique_key(key)),)
        case ch.AddColumn(table, column):
            added = _alter(table, sql("ADD COLUMN {column}", column=column_sql(column)))
            return (added, _comment_of(table, column.name, column.comment)) if column.comment else (added,)
        case ch.AlterType(table, column, old):
            return (_alter_type(table, column, old),)
        case ch.SetComment():
            return (_comment_of(change.table, change.column, change.comment),)
        case ch.SetKey(_, _, old) if old:
            raise UnsupportedChange(
                f"the primary key can't be replaced: {ch.describe(change)}",
                changes=(ch.describe(change),),
                hint="drop the old primary key by hand (other tables may refer to it), then sync again",
            )
        case ch.RenameColumn() | ch.DropNotNull() | ch.SetNotNull() | ch.SetKey() | ch.DropColumn():
            return (_alter(change.table, _action(change)),)
        case _:
            assert_never(change)


def _action(change: ch.RenameColumn | ch.DropNotNull | ch.SetNotNull | ch.SetKey | ch.DropColumn) -> SQL:
    """The clause after ALTER TABLE and the table's name."""
    match change:
        case ch.RenameColumn(_, old, new):
            return sql("RENAME COLUMN {old} TO {new}", old=Identifier(old), new=Identifier(new))
        case ch.DropNotNull(_, column):
            return sql("ALTER COLUMN {column} DROP NOT NULL", column=Identifier(column.name))
        case ch.SetNotNull(_, column):
            return sql("ALTER COLUMN {column} SET NOT NULL", column=Identifier(column.name))
        case ch.SetKey(_, key, _):
            return sql("ADD PRIMARY KEY ({key})", key=merge_sql.names(key))
        case ch.DropColumn(_, column):
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
            parts.append(sql("DEFAULT {value}", value=Literal(untyped(value))))
        case DefaultExpression(text):
            parts.append(sql("DEFAULT {text}", text=text))
        case _:
            assert_never(column.default)
    if column.identity:
        parts.append(sql("GENERATED BY DEFAULT AS IDENTITY"))
    return join(" ", parts)


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
    brackets = SQL(())
    if old.element is not None and new.element is not None:
        # A cast of an array is that of its elements.
        old, new, brackets = old.element, new.element, sql("[]")
    pair = _family(old), _family(new)
    if (zoned := _ZONED.get(pair)) is not None:
        if brackets.parts:
            raise UnsupportedChange(
                f"the elements of the array {'.'.join(name.parts)} can't be changed from {old} to {new}: the server would go "
                "by the session's time zone",
                hint="add a column of the new type, and fill it by hand",
            )
        return sql("{name} {zoned}", name=name, zoned=zoned)
    if pair[1] not in _CHECKED_CASTS.get(pair[0], ()):
        return None
    plain = SqlType(new.name, labels=new.labels, namespace=new.namespace)
    as_text = sql("::text{brackets}", brackets=brackets) if old.labels else SQL(())
    return sql("{name}{as_text}::{type}{brackets}", name=name, as_text=as_text, type=type_sql(plain), brackets=brackets)


def _family(live: SqlType) -> str:
    return "enum" if live.labels else "text" if live.name in ("varchar", "char", "citext", "name") else live.name


def _create_enum(enum: EnumType) -> Iterator[SQL]:
    labels = join(", ", [Literal(label) for label in enum.labels])
    yield sql("CREATE TYPE {name} AS ENUM ({labels})", name=enum.name.identifier, labels=labels)
    if enum.comment:
        yield _comment(sql("TYPE"), enum.name.identifier, enum.comment)


def _create_struct(struct: StructType) -> Iterator[SQL]:
    members = [sql("{name} {type}", name=Identifier(m.name), type=type_sql(m.type)) for m in struct.members]
    lines = join(",\n  ", members)
    yield sql("CREATE TYPE {name} AS (\n  {lines}\n)", name=struct.name.identifier, lines=lines)
    if struct.comment:
        yield _comment(sql("TYPE"), struct.name.identifier, struct.comment)
    yield from (_comment_of(struct.name, member.name, member.comment) for member in struct.members if member.comment)


def _create_table(table: Table) -> Iterator[SQL]:
    yield merge_sql.create_table(table, column_sql)
    if table.comment:
        yield _comment_of(table.name, None, table.comment)
    yield from (_comment_of(table.name, column.name, column.comment) for column in table.columns if column.comment)


def _comment_of(owner: ObjectName, column: str | None, comment: str) -> SQL:
    """The comment of a table, or of a column of a table or struct."""
    if column is None:
        return _comment(sql("TABLE"), owner.identifier, comment)
    return _comment(sql("COLUMN"), Identifier(owner.namespace, owner.name, column), comment)


def _comment(kind: SQL, name: Identifier, comment: str) -> SQL:
    return sql("COMMENT ON {kind} {name} IS {comment}", kind=kind, name=name, comment=Literal(comment))
