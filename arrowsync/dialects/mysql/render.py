"""Changes as MySQL and MariaDB statements: `render`. Each commits by itself: there are no transactions of them.

All text is utf8mb4 and compared byte by byte. A table says so once, for all its columns; a column that is added to a live table,
whose character set may be another, says it itself. What changes a column names the whole of it, as MODIFY forgets the rest.
"""

from __future__ import annotations

import re
from typing import Literal as Literals
from typing import assert_never

from arrowsync.catalog import Column, DefaultExpression, DefaultValue, ObjectName, SqlType, Table
from arrowsync.dialects import merge_sql
from arrowsync.dialects.mysql.types import INTEGERS, TEXTS, has_characters, type_sql
from arrowsync.errors import UnsupportedChange
from arrowsync.migration import changes as ch
from arrowsync.sql import SQL, Composable, Identifier, Literal, join, sql, trusted

Collation = Literals["utf8mb4_0900_bin", "utf8mb4_nopad_bin"]
"""Collations by which only identical texts are equal: to `utf8mb4_bin` 'a' and 'a ' are one key."""
_NOW = re.compile(r"CURRENT_TIMESTAMP(\(\d*\))?", re.IGNORECASE)
_BY_HAND = "alter the column by hand, then sync again"


def render(change: ch.Change, collation: Collation) -> tuple[SQL, ...]:
    """The statements that make the change."""
    match change:
        case ch.CreateNamespace() | ch.CreateEnum() | ch.AddEnumLabels() | ch.CreateStruct():
            raise _unsupported(change, "MySQL has no namespaces, enum types or struct types", "see GeneratorOptions")
        case ch.CreateTable(table):
            return (_create_table(table, collation),)
        case ch.CreateIndex(table, index):
            return (merge_sql.create_index(table, index),)
        case ch.InsertRows():
            return (merge_sql.insert_rows(change),)
        case ch.AddForeignKey(table, key):
            return (merge_sql.add_constraint(table, key.name, merge_sql.foreign_key(key)),)
        case ch.AddUnique(table, key):
            return (merge_sql.add_constraint(table, key.name, merge_sql.unique_key(key)),)
        case ch.AlterType(_, column, old) if column.type.labels and old.name in INTEGERS:
            raise _unsupported(change, "MySQL would take the numbers for positions of labels", "convert it by hand")
        case ch.AlterType(_, column, old) if old.name == "timestamp" and column.type.name == "datetime":
            problem = (
                f"to sessions that aren't in UTC, {change.table}.{column.name} would hold other moments than before"
            )
            raise _unsupported(change, problem, f'{_BY_HAND}; declared with TimeZone("UTC") it stays a timestamp')
        case ch.SetKey(_, _, old) if old:
            hint = "drop the old primary key by hand (other tables may refer to it), then sync again"
            raise _unsupported(change, "the primary key can't be replaced", hint)
        case ch.SetComment(_, column, _) if column is not None and change.definition is None:
            raise _unsupported(change, "MySQL needs the whole column to change its comment", "set it by hand")
        case (
            ch.RenameColumn()
            | ch.AddColumn()
            | ch.AlterType()
            | ch.DropNotNull()
            | ch.SetNotNull()
            | ch.SetKey()
            | ch.SetComment()
            | ch.DropColumn()
        ):
            return (_alter(change.table, _action(change, collation)),)
        case _:
            assert_never(change)


def column_sql(column: Column, alone: Collation | None = None) -> SQL:
    """One column of CREATE TABLE; or, with its collation, `alone` in an ALTER TABLE."""
    parts: list[SQL | Identifier] = [Identifier(column.name), type_sql(column.type)]
    if column.collation is not None and has_characters(column.type):
        parts.append(
            sql("COLLATE {collation}", collation=trusted(column.collation))
        )  # of a live column, which keeps it
    elif alone is not None and has_characters(column.type):
        parts.append(sql("CHARACTER SET utf8mb4 COLLATE {collation}", collation=SQL((alone,))))
    if not column.nullable:
        parts.append(sql("NOT NULL"))
    elif column.type.name == "timestamp":
        parts.append(sql("NULL"))  # which to some servers isn't what it is without a word
    match column.default:
        case None:
            pass
        case DefaultValue(value):
            # MySQL takes a default of such a type as an expression only.
            default = sql("DEFAULT ({value})" if column.type.name in TEXTS else "DEFAULT {value}", value=Literal(value))
            parts.append(default)
        case DefaultExpression(text):
            parts.append(sql("DEFAULT {text}", text=_with_digits(text, column.type)))
        case _:
            assert_never(column.default)
    if column.identity:
        parts.append(sql("AUTO_INCREMENT"))
    if column.comment:
        parts.append(sql("COMMENT {text}", text=Literal(column.comment)))
    return join(" ", [*parts, *(_with_digits(part, column.type) for part in column.attributes)])


def _with_digits(part: SQL, live: SqlType) -> SQL:
    """The present time with as many digits as its column, as MySQL wants it; anything else as it is."""
    if live.name not in ("datetime", "timestamp"):
        return part
    now = sql("CURRENT_TIMESTAMP({digits})", digits=Literal(live.args[0]))
    return SQL(tuple(_put_in(piece, now) for piece in part.parts))


def _put_in(piece: str | Composable, now: SQL) -> str | Composable:
    match piece:
        case str():
            return now if _NOW.fullmatch(piece) else piece
        case SQL(parts):
            return SQL(tuple(_put_in(part, now) for part in parts))
        case _:
            return piece


def _create_table(table: Table, collation: Collation) -> SQL:
    created = sql(
        "{table} ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE={collation}",
        table=merge_sql.create_table(table, column_sql),
        collation=SQL((collation,)),
    )
    if not table.comment:
        return created
    return sql("{created} COMMENT={text}", created=created, text=Literal(table.comment))


def _action(
    change: ch.RenameColumn
    | ch.AddColumn
    | ch.AlterType
    | ch.DropNotNull
    | ch.SetNotNull
    | ch.SetKey
    | ch.SetComment
    | ch.DropColumn,
    collation: Collation,
) -> SQL:
    """The clause after ALTER TABLE and the table's name."""
    match change:
        case ch.RenameColumn(_, old, new):
            return sql("RENAME COLUMN {old} TO {new}", old=Identifier(old), new=Identifier(new))
        case ch.AddColumn(_, column):
            # A column that is numbered has to be a key.
            return sql(
                "ADD COLUMN {column} UNIQUE" if column.identity else "ADD COLUMN {column}",
                column=column_sql(column, collation),
            )
        case ch.AlterType(_, column, _) | ch.DropNotNull(_, column) | ch.SetNotNull(_, column):
            return _modify(change, column, collation)
        case ch.SetComment(_, _, comment):
            if change.definition is not None:
                return _modify(change, change.definition, collation)
            return sql("COMMENT={text}", text=Literal(comment))
        case ch.SetKey(_, key, _):
            return sql("ADD PRIMARY KEY ({key})", key=merge_sql.names(key))
        case ch.DropColumn(_, column):
            return sql("DROP COLUMN {column}", column=Identifier(column.name))
        case _:
            assert_never(change)


def _modify(
    change: ch.AlterType | ch.DropNotNull | ch.SetNotNull | ch.SetComment, column: Column, collation: Collation
) -> SQL:
    if column.unknown_attributes:
        problem = f"the column {change.table}.{column.name} has {column.unknown_attributes}, which it would lose"
        leave = isinstance(change, ch.SetComment | ch.SetNotNull)
        raise _unsupported(
            change, problem, f'{_BY_HAND}, or leave it with schema_changes="none"' if leave else _BY_HAND
        )
    return sql("MODIFY COLUMN {column}", column=column_sql(column, collation))


def _alter(table: ObjectName, action: SQL) -> SQL:
    return sql("ALTER TABLE {table} {action}", table=table.identifier, action=action)


def _unsupported(change: ch.Change, problem: str, hint: str) -> UnsupportedChange:
    words = ch.describe(change)
    return UnsupportedChange(f"{problem}: {words}", changes=(words,), hint=hint)
