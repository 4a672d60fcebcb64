"""Catalog objects as ANSI SQL: the text of `str(object)`, and the statements that the dialects' `render` share.

`ANSI` writes names and constants. A new Python type of a constant is a case of `quote_literal`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias, assert_never

from arrowsync.catalog.objects import (
    Catalog,
    Check,
    Column,
    DefaultExpression,
    DefaultValue,
    EnumType,
    ForeignKey,
    Index,
    Namespace,
    ObjectName,
    OnDelete,
    SqlType,
    StructMember,
    StructType,
    Table,
    UniqueKey,
)
from arrowsync.sql import SQL, Identifier, Literal, Quoting, join, sql, trusted


def quote_identifier(name: str) -> str:
    """Write a name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(value: Any) -> str:
    """Write a constant as standard SQL; a type without a literal becomes text, or a cast of text."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(int(value))
        case float() if not math.isfinite(value):
            return f"CAST({_string(str(value))} AS double precision)"
        case float():
            return repr(float(value)).upper()
        case Decimal() if value.is_finite():
            return format(value, "f")
        case bytes() | bytearray():
            return f"X{_string(bytes(value).hex())}"
        case datetime() if value.tzinfo is not None:
            return f"TIMESTAMP {_string(value.astimezone(UTC).isoformat(sep=' '))}"
        case datetime():
            return f"TIMESTAMP {_string(value.isoformat(sep=' '))}"
        case date():
            return f"DATE {_string(value.isoformat())}"
        case time():
            return f"TIME {_string(value.isoformat())}"
        case timedelta():
            return _interval(value)
        case dict() | list() | tuple():
            return _string(json.dumps(value, ensure_ascii=False))
        case _:
            return _string(str(value))


def _interval(value: timedelta) -> str:
    """Write an INTERVAL literal; its sign stands before the text."""
    size = abs(value)
    seconds, micros = size.seconds, size.microseconds
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{f'.{micros:06}' if micros else ''}"
    sign = "-" if value < timedelta(0) else ""
    return f"INTERVAL {sign}{_string(f'{size.days} {clock}')} DAY(9) TO SECOND(6)"


def _string(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


ANSI = Quoting(quote_identifier, quote_literal)
"""The quoting rules of standard SQL."""


CatalogObject: TypeAlias = (
    Catalog
    | Namespace
    | Table
    | Column
    | EnumType
    | StructType
    | StructMember
    | UniqueKey
    | ForeignKey
    | Check
    | Index
    | Identifier
)
ColumnSql = Callable[[Column], SQL]


def to_sql(thing: CatalogObject) -> str:
    """Write a catalog object as ANSI SQL: CREATE statements for whole objects, a clause for a part of a table or type."""
    match thing:
        case Catalog() | Namespace():
            return _script(_create_all(thing))
        case Table():
            return _script([list(_create(thing))])
        case EnumType() | StructType():
            return _script([list(create_type(thing))])
        case Column():
            return column_sql(thing).text(ANSI)
        case StructMember(name, live):
            return _member(name, live).text(ANSI)
        case UniqueKey():
            return constraint(thing.name, unique_key(thing)).text(ANSI)
        case ForeignKey():
            return constraint(thing.name, foreign_key(thing)).text(ANSI)
        case Check():
            return constraint(thing.name, check(thing)).text(ANSI)
        case Index(parts, name, unique):
            kind = sql("UNIQUE INDEX" if unique else "INDEX")
            return sql("{kind} {name} ({parts})", kind=kind, name=Identifier(name), parts=_parts(parts)).text(ANSI)
        case Identifier():
            return SQL((thing,)).text(ANSI)
        case _:
            assert_never(thing)


# ---- statements


def create_table(table: Table, column_sql: ColumnSql, *, named: bool = True) -> SQL:
    """Write CREATE TABLE with keys and checks; `column_sql` writes one column. `named` gives the keys and checks their names."""
    lines: list[SQL] = [column_sql(column) for column in table.columns]
    if table.key:
        lines.append(sql("PRIMARY KEY ({columns})", columns=names(table.key)))
    parts: list[tuple[str | None, SQL]] = [(unique.name, unique_key(unique)) for unique in table.unique]
    parts += [(key.name, foreign_key(key)) for key in table.foreign_keys]
    parts += [(condition.name, check(condition)) for condition in table.checks]
    lines += [constraint(name if named else None, part) for name, part in parts]
    return sql("CREATE TABLE {table} (\n  {lines}\n)", table=table.name.identifier, lines=join(",\n  ", lines))


def create_type(named: EnumType | StructType) -> Iterator[SQL]:
    """Write CREATE statements for a named type, and its comments. Standard SQL has no enums, so an enum is a domain of text."""
    match named:
        case EnumType(name, labels, comment):
            yield sql(
                "CREATE DOMAIN {name} AS varchar({length}) CHECK (VALUE IN ({labels}))",
                name=name.identifier,
                length=Literal(max(map(len, labels), default=1)),
                labels=join(", ", [Literal(label) for label in labels]),
            )
            if comment:
                yield sql("COMMENT ON DOMAIN {name} IS {text}", name=name.identifier, text=Literal(comment))
        case StructType(name, members, comment):
            lines = join(",\n  ", [_member(member.name, member.type) for member in members])
            yield sql("CREATE TYPE {name} AS (\n  {members}\n)", name=name.identifier, members=lines)
            if comment:
                yield sql("COMMENT ON TYPE {name} IS {text}", name=name.identifier, text=Literal(comment))
            for member in members:
                if member.comment:
                    yield comment_on(name, member.name, member.comment)
        case _:
            assert_never(named)


def comments(table: Table) -> Iterator[SQL]:
    """Write COMMENT ON for the comments of the table and its columns."""
    if table.comment:
        yield comment_on(table.name, None, table.comment)
    for column in table.columns:
        if column.comment:
            yield comment_on(table.name, column.name, column.comment)


def comment_on(name: ObjectName, column: str | None, text: str) -> SQL:
    """Write COMMENT ON a table, or on the column (or member of a struct type) that is named."""
    if column is None:
        return sql("COMMENT ON TABLE {name} IS {text}", name=name.identifier, text=Literal(text))
    at = Identifier(name.namespace, name.name, column)
    return sql("COMMENT ON COLUMN {name} IS {text}", name=at, text=Literal(text))


def add_constraint(table: ObjectName, name: str | None, part: SQL) -> SQL:
    """Write ALTER TABLE ... ADD of a constraint."""
    return sql("ALTER TABLE {table} ADD {part}", table=table.identifier, part=constraint(name, part))


def create_index(table: ObjectName, index: Index) -> SQL:
    """Write CREATE INDEX; an expression stands in parentheses."""
    return sql(
        "CREATE {unique}INDEX {name} ON {table} ({parts})",
        unique=sql("UNIQUE ") if index.unique else SQL(()),
        name=Identifier(index.name),
        table=table.identifier,
        parts=_parts(index.parts),
    )


def insert_rows(table: ObjectName, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> SQL:
    """Write INSERT ... VALUES, a line for each row."""
    lines = [sql("({values})", values=join(", ", [Literal(value) for value in row])) for row in rows]
    return sql(
        "INSERT INTO {table} ({columns}) VALUES\n  {rows}",
        table=table.identifier,
        columns=names(columns),
        rows=join(",\n  ", lines),
    )


# ---- parts of statements


def column_sql(column: Column) -> SQL:
    """Write one column of CREATE TABLE. The standard wants DEFAULT before NOT NULL; an identity column is NOT NULL anyway."""
    parts: list[SQL | Identifier] = [Identifier(column.name), type_sql(column.type)]
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
    elif not column.nullable:
        parts.append(sql("NOT NULL"))
    return join(" ", parts)


def type_sql(live: SqlType) -> SQL:
    """Write a type by its canonical name; a type that has a name in the database (an enum, a struct) as an identifier."""
    if live.element is not None:
        return sql("{element} ARRAY", element=type_sql(live.element))
    if live.namespace or (live.labels and live.name != "enum") or (live.members and live.name != "struct"):
        return SQL((Identifier(live.namespace, live.name),))
    if live.members:
        return sql("ROW({members})", members=join(", ", [_member(name, member) for name, member in live.members]))
    if live.labels:
        return sql("enum({labels})", labels=join(", ", [Literal(label) for label in live.labels]))
    if not live.args:
        return trusted(live.name)
    args = join(", ", [Literal(arg) for arg in live.args])
    word, _, zone = live.name.partition(" with")
    after = sql("{rest}", rest=trusted(" with" + zone)) if zone else SQL(())
    return sql("{name}({args}){after}", name=trusted(word), args=args, after=after)


def unique_key(key: UniqueKey) -> SQL:
    """Write UNIQUE, without the name of the constraint."""
    return sql("UNIQUE ({columns})", columns=names(key.columns))


def foreign_key(key: ForeignKey) -> SQL:
    """Write FOREIGN KEY ... REFERENCES, without the name of the constraint."""
    return sql(
        "FOREIGN KEY ({columns}) REFERENCES {target} ({referenced}){action}",
        columns=names(key.columns),
        target=key.target.identifier,
        referenced=names(key.referenced),
        action=_ON_DELETE[key.on_delete] if key.on_delete else SQL(()),
    )


def check(condition: Check) -> SQL:
    """Write CHECK, without the name of the constraint."""
    return sql("CHECK ({condition})", condition=condition.condition)


def constraint(name: str | None, part: SQL) -> SQL:
    """Write CONSTRAINT with the name, if there is one, before the constraint."""
    return part if name is None else sql("CONSTRAINT {name} {part}", name=Identifier(name), part=part)


def names(columns: Sequence[str]) -> SQL:
    """Write names, separated by commas."""
    return join(", ", [Identifier(name) for name in columns])


_ON_DELETE: Mapping[OnDelete, SQL] = {
    "cascade": sql(" ON DELETE CASCADE"),
    "restrict": sql(" ON DELETE RESTRICT"),
    "set null": sql(" ON DELETE SET NULL"),
    "set default": sql(" ON DELETE SET DEFAULT"),
}


def _member(name: str, live: SqlType) -> SQL:
    return join(" ", [Identifier(name), type_sql(live)])


def _parts(parts: Sequence[str | SQL]) -> SQL:
    return join(", ", [Identifier(part) if isinstance(part, str) else sql("({part})", part=part) for part in parts])


# ---- whole objects


def _create(table: Table) -> Iterator[SQL]:
    """Write the statements of a table: CREATE TABLE, foreign keys, indexes, comments, rows."""
    yield create_table(table, column_sql)
    yield from comments(table)
    yield from (create_index(table.name, index) for index in table.indexes)
    if table.rows:
        yield insert_rows(table.name, [c.name for c in table.columns if not c.identity], table.rows)


def _create_all(objects: Catalog | Namespace) -> Iterator[list[SQL]]:
    """Write namespaces, types and tables; at the end foreign keys to tables that are created after the referring one."""
    spaces = objects.namespaces if isinstance(objects, Catalog) else [objects.name] if objects.name else []
    yield from ([sql("CREATE SCHEMA {name}", name=Identifier(name))] for name in spaces)
    yield from (list(create_type(enum)) for enum in objects.enums)
    yield from (list(create_type(struct)) for struct in objects.structs)
    waiting = {table.name for table in objects.tables}
    late: list[SQL] = []
    for table in objects.tables:
        waiting.remove(table.name)
        later = [key for key in table.foreign_keys if key.target in waiting]
        late += [add_constraint(table.name, key.name, foreign_key(key)) for key in later]
        yield list(_create(table.without_foreign_keys(later)))
    yield late


def _script(groups: Iterable[Sequence[SQL]]) -> str:
    """Join statements to a script: a semicolon after each, a blank line between objects, none inside of one."""
    return "\n\n".join("\n".join(f"{statement.text(ANSI)};" for statement in group) for group in groups if group)
