"""The objects of a live database: `fetch_rows` queries `information_schema`, `catalog_from_rows` is the pure rest."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from arrowsync.catalog import (
    Catalog,
    Check,
    Column,
    DefaultExpression,
    ForeignKey,
    Index,
    ObjectName,
    OnDelete,
    SqlType,
    Table,
    UniqueKey,
)
from arrowsync.catalog.objects import TableKind
from arrowsync.dialects.contract import Server, Session
from arrowsync.dialects.mysql.hidden_tables import IS_HIDDEN
from arrowsync.dialects.mysql.server import EXPRESSION_INDEXES, NATIVE_JSON
from arrowsync.dialects.mysql.types import LOST, from_text, unescape
from arrowsync.sql import SQL, Identifier, Literal, join, sql, trusted


def tables_query(names: Sequence[str]) -> SQL:
    """One row a table or view; `folds` is True if the server ignores the case of their names."""
    return sql(
        """SELECT t.table_name AS `table`, t.table_type AS kind, t.engine AS engine, t.table_comment AS comment,
  t.create_options AS options, @@lower_case_table_names <> 0 AS folds,
  (SELECT e.transactions FROM information_schema.engines AS e WHERE e.engine = t.engine) AS transactions
FROM information_schema.tables AS t
WHERE t.table_schema = DATABASE() AND t.table_name IN ({names})""",
        names=_listed(names),
    )


def columns_query(names: Sequence[str]) -> SQL:
    """One row a column."""
    return sql(
        """SELECT c.table_name AS `table`, c.column_name AS name, c.column_type AS type, c.is_nullable AS nullable,
  c.column_default AS `default`, c.extra AS extra, c.column_comment AS comment, c.collation_name AS collation
FROM information_schema.columns AS c
WHERE c.table_schema = DATABASE() AND c.table_name IN ({names})
ORDER BY c.table_name, c.ordinal_position""",
        names=_listed(names),
    )


def indexes_query(names: Sequence[str], *, expressions: bool) -> SQL:
    """One row a part of an index; `plain` is True if the part is just a column or expression, ascending."""
    return sql(
        """SELECT s.table_name AS `table`, s.index_name AS name, s.non_unique AS shared, s.column_name AS part,
  {expression} AS expression, s.index_type = 'BTREE' AND s.sub_part IS NULL AND COALESCE(s.collation, 'A') = 'A' AS plain
FROM information_schema.statistics AS s
WHERE s.table_schema = DATABASE() AND s.table_name IN ({names})
ORDER BY s.table_name, s.index_name, s.seq_in_index""",
        expression=sql("s.expression") if expressions else sql("NULL"),
        names=_listed(names),
    )


def foreign_keys_query(names: Sequence[str]) -> SQL:
    """One row a column of a foreign key."""
    return sql(
        """SELECT k.table_name AS `table`, k.constraint_name AS name, k.column_name AS part,
  NULLIF(k.referenced_table_schema, DATABASE()) AS target_namespace, k.referenced_table_name AS target,
  k.referenced_column_name AS referenced, r.delete_rule AS on_delete
FROM information_schema.key_column_usage AS k
JOIN information_schema.referential_constraints AS r
  ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name
WHERE k.table_schema = DATABASE() AND k.table_name IN ({names}) AND k.referenced_table_name IS NOT NULL
ORDER BY k.table_name, k.constraint_name, k.ordinal_position""",
        names=_listed(names),
    )


def checks_query(names: Sequence[str], *, of_columns: bool) -> SQL:
    """One row a check; `of_columns` is True if the server marks the checks of a column, which have the column's name."""
    return sql(
        """SELECT t.table_name AS `table`, t.constraint_name AS name, c.check_clause AS `condition`,
  {of_column} AS of_column
FROM information_schema.table_constraints AS t
JOIN information_schema.check_constraints AS c
  ON c.constraint_schema = t.constraint_schema AND c.constraint_name = t.constraint_name {same_table}
WHERE t.table_schema = DATABASE() AND t.table_name IN ({names}) AND t.constraint_type = 'CHECK'
ORDER BY t.table_name, t.constraint_name""",
        of_column=sql("c.level = 'Column'") if of_columns else sql("false"),
        same_table=sql("AND c.table_name = t.table_name") if of_columns else SQL(()),
        names=_listed(names),
    )


def tables_of_query() -> SQL:
    """Query the names of all tables but views and the hidden tables of loads."""
    return sql(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() "
        "AND table_type = 'BASE TABLE' AND NOT {hidden} ORDER BY table_name",
        hidden=IS_HIDDEN,
    )


def updates_are_quiet(table: ObjectName) -> SQL:
    """The condition that surely no trigger runs where rows of the table are updated.

    Triggers show themselves only to those who may create them.
    """
    return sql(
        "NOT EXISTS ({triggers} AND g.event_manipulation = 'UPDATE') AND {seen}",
        triggers=triggers_of(table),
        seen=sees_triggers(table),
    )


def triggers_of(table: ObjectName) -> SQL:
    """The names of the triggers of the table, `g`."""
    return sql(
        "SELECT g.trigger_name FROM information_schema.triggers AS g "
        "WHERE g.event_object_schema = DATABASE() AND g.event_object_table = {name}",
        name=Literal(table.name),
    )


def sees_triggers(table: ObjectName) -> SQL:
    """The condition that this user sees all triggers of the table. A privilege that comes with a role isn't looked for."""
    return sql(
        """(EXISTS (SELECT 1 FROM information_schema.user_privileges AS p WHERE {mine})
  OR EXISTS (SELECT 1 FROM information_schema.schema_privileges AS p WHERE {mine} AND DATABASE() LIKE p.table_schema)
  OR EXISTS (SELECT 1 FROM information_schema.table_privileges AS p
    WHERE {mine} AND p.table_schema = DATABASE() AND p.table_name = {name}))""",
        name=Literal(table.name),
        mine=sql(
            "p.privilege_type = 'TRIGGER' AND p.grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')"
        ),
    )


def label_statements(scratch: Identifier, table: Identifier, column: str, live: SqlType) -> tuple[SQL, SQL, SQL, SQL]:
    """Statements that query the labels of an enum unaltered, row by row: create, fill, select, drop.

    The server shows question marks for characters beyond U+FFFF everywhere but in a value.
    """
    numbers = [sql("({number})", number=Literal(at + 1)) for at in range(len(live.labels))]
    name, key = Identifier(column), Identifier("at" if column.lower() != "at" else "at_")
    return (
        sql(
            "CREATE TEMPORARY TABLE {scratch} ({key} int AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB "
            "SELECT {name} FROM {table} LIMIT 0",
            scratch=scratch,
            key=key,
            name=name,
            table=table,
        ),
        sql("INSERT INTO {scratch} ({name}) VALUES {numbers}", scratch=scratch, name=name, numbers=join(", ", numbers)),
        sql("SELECT CAST({name} AS CHAR) AS label FROM {scratch} ORDER BY {name} + 0", name=name, scratch=scratch),
        sql("DROP TEMPORARY TABLE {scratch}", scratch=scratch),
    )


def _listed(names: Sequence[str]) -> SQL:
    return join(", ", [Literal(name) for name in names])


Row = dict[str, Any]

ON_DELETE: Mapping[str, OnDelete] = {"CASCADE": "cascade", "SET NULL": "set null", "SET DEFAULT": "set default"}
"""ON DELETE rule -> action; RESTRICT and NO ACTION are one, as they are the same to MySQL and MariaDB."""
_GENERATED = re.compile(r"\b(VIRTUAL|STORED|PERSISTENT)( GENERATED)?\b", re.IGNORECASE)
_NOW = re.compile(r"CURRENT_TIMESTAMP(\(\d*\))?")
"""The present time as MySQL shows it; in an expression it is called `now()`."""
_ON_UPDATE = re.compile(r"\bon update ([a-z_]+(\(\d*\))?)", re.IGNORECASE)
_INVISIBLE = re.compile(r"\bINVISIBLE\b", re.IGNORECASE)
_SAID_ELSEWHERE = re.compile(r"\b(auto_increment|DEFAULT_GENERATED)\b", re.IGNORECASE)
_ZERO_DAY = re.compile("'?0000-00-00")
"""A default that a session which refuses such a day can't give again."""
_OF_THE_TYPE = re.compile(r"\b(ZEROFILL|COMPRESSED)(?=(\*/)?$)", re.IGNORECASE)
_HEXADECIMAL = re.compile(r"0x[0-9A-F]*|b'[01]*'", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CatalogRows:
    """The rows of the queries, as the server gives them; `labels` are those of enums that it can't show."""

    tables: list[Row]
    columns: list[Row]
    indexes: list[Row]
    foreign_keys: list[Row]
    checks: list[Row]
    labels: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict[tuple[str, str], tuple[str, ...]])


async def discover(session: Session, names: Sequence[ObjectName]) -> Catalog:
    """The tables of those names that exist."""
    if not names:
        return Catalog()
    return catalog_from_rows(names, await fetch_rows(session, names), session.server)


async def list_tables(session: Session, namespace: str | None = None) -> list[ObjectName]:
    """The names of all tables; of a namespace, those that begin with it."""
    found = [ObjectName(None, row["name"]) for row in await _rows(session, tables_of_query())]
    return [name for name in found if namespace is None or name.name.startswith(f"{namespace}__")]


async def fetch_rows(session: Session, names: Sequence[ObjectName]) -> CatalogRows:
    """The rows that describe the named tables."""
    asked = sorted({stored_name(name) for name in names})
    features = session.server.features
    rows = CatalogRows(
        await _rows(session, tables_query(asked)),
        await _rows(session, columns_query(asked)),
        await _rows(session, indexes_query(asked, expressions=EXPRESSION_INDEXES in features)),
        await _rows(session, foreign_keys_query(asked)),
        await _rows(session, checks_query(asked, of_columns=NATIVE_JSON not in features)),
    )
    labels: dict[tuple[str, str], tuple[str, ...]] = {}
    for row in rows.columns:
        live = from_text(row["type"])
        if any(LOST in label for label in live.labels):
            labels[row["table"], row["name"]] = await _labels(session, row, live)
    return replace(rows, labels=labels)


def catalog_from_rows(names: Sequence[ObjectName], rows: CatalogRows, server: Server) -> Catalog:
    """The catalog that the rows describe, with every table called as it is in `names`."""
    live = {row["table"]: row for row in rows.tables}
    folds = any(row["folds"] for row in rows.tables)
    folded = {name.lower(): row for name, row in live.items()} if folds else {}
    found: list[Table] = []
    for name in names:
        row = live.get(stored_name(name)) or folded.get(stored_name(name).lower())
        if row is not None:
            found.append(_table(name, row, _rows_of(rows, row["table"]), server))
    return Catalog(tuple(found))


def stored_name(name: ObjectName) -> str:
    """The name of the table on the server."""
    return name.name if name.namespace is None else f"{name.namespace}__{name.name}"


def _rows_of(rows: CatalogRows, table: str) -> CatalogRows:
    def of(every: Iterable[Row]) -> list[Row]:
        return [row for row in every if row["table"] == table]

    return CatalogRows([], of(rows.columns), of(rows.indexes), of(rows.foreign_keys), of(rows.checks), rows.labels)


def _table(name: ObjectName, row: Row, rows: CatalogRows, server: Server) -> Table:
    json = {found for check in rows.checks if (found := _column_of_json_check(check)) is not None}
    own = {
        check["name"]: sql("CHECK ({condition})", condition=trusted(_condition(check["condition"], server)))
        for check in rows.checks
        if check["of_column"] and _column_of_json_check(check) is None
    }
    parts = _grouped(rows.indexes, "name")
    keys = [_foreign_key(of) for of in _grouped(rows.foreign_keys, "name").values()]
    # An index that a foreign key has brought along isn't declared, and goes with it.
    brought = {(key.name, key.columns) for key in keys}
    plain = {index: of for index, of in parts.items() if all(part["plain"] for part in of)}
    is_view = "VIEW" in row["kind"]
    return Table(
        name=name,
        columns=tuple(_column(column, json, own, rows.labels, server) for column in rows.columns),
        key=_names(parts["PRIMARY"]) if "PRIMARY" in parts else (),
        unique=tuple(
            UniqueKey(_names(of), index)
            for index, of in plain.items()
            if index != "PRIMARY" and not of[0]["shared"] and None not in _names(of)
        ),
        comment=None if is_view else row["comment"] or None,
        kind=_kind(row),
        foreign_keys=tuple(keys),
        checks=tuple(
            Check(trusted(_condition(check["condition"], server)), check["name"])
            for check in rows.checks
            if _column_of_json_check(check) is None
        ),
        indexes=tuple(
            Index(tuple(_part(part, server) for part in of), index, unique=not of[0]["shared"])
            for index, of in plain.items()
            if (of[0]["shared"] or None in _names(of)) and (index, _names(of)) not in brought
        ),
    )


def _kind(row: Row) -> TableKind:
    if "VIEW" in row["kind"]:
        return "view"
    if row["transactions"] != "YES":
        return "table without transactions"
    return "partitioned table" if "partitioned" in (row["options"] or "") else "table"


def _column(
    row: Row,
    json: set[str],
    checks: Mapping[str, SQL],
    labels: Mapping[tuple[str, str], tuple[str, ...]],
    server: Server,
) -> Column:
    live = from_text(row["type"])
    if (row["table"], row["name"]) in labels:
        live = replace(live, labels=labels[row["table"], row["name"]])
    is_json = live.name == "longtext" and row["name"] in json
    generated = _GENERATED.search(row["extra"]) is not None
    return Column(
        name=row["name"],
        type=SqlType("json") if is_json else live,
        nullable=row["nullable"] == "YES",
        default=None if generated else _default(row, live, server),
        identity="auto_increment" in row["extra"].lower(),
        generated=generated,
        comment=row["comment"] or None,
        collation=None if is_json else row["collation"],
        attributes=_attributes(row, checks),
        unknown_attributes=_unknown_attributes(row),
    )


def _attributes(row: Row, checks: Mapping[str, SQL]) -> tuple[SQL, ...]:
    """The attributes that follow the default in a definition of the column: ON UPDATE and its own check."""
    updated = _ON_UPDATE.search(row["extra"])
    found = (
        sql("ON UPDATE {now}", now=trusted(updated[1])) if updated else None,
        sql("INVISIBLE") if _INVISIBLE.search(row["extra"]) else None,
        checks.get(row["name"]),
    )
    return tuple(part for part in found if part is not None)


def _unknown_attributes(row: Row) -> str | None:
    """Attributes of the column, as the server names them, that arrowsync can't write back."""
    rest: str = row["extra"]
    for known in (_ON_UPDATE, _INVISIBLE, _SAID_ELSEWHERE):
        rest = known.sub("", rest)
    words = [word[0].upper() for word in _OF_THE_TYPE.finditer(row["type"])]
    if row["type"].lower().startswith(("date", "timestamp")) and _ZERO_DAY.match(row["default"] or ""):
        words.append(f"DEFAULT {row['default']}")
    return " ".join([*words, *rest.replace(",", " ").split()]) or None


def _default(row: Row, live: SqlType, server: Server) -> DefaultExpression | None:
    """The default as a statement says it again."""
    text = row["default"]
    if text is None or (text == "NULL" and NATIVE_JSON not in server.features):
        return None
    made = trusted(text)
    if NATIVE_JSON in server.features:  # MySQL: the value, but of an expression its text with escapes
        if "DEFAULT_GENERATED" in row["extra"]:
            plain = unescape(text)
            made = trusted(plain) if _NOW.fullmatch(plain) else sql("({expression})", expression=trusted(plain))
        elif _HEXADECIMAL.fullmatch(text) and (live.name.startswith("bit") or "binary" in live.name):
            made = trusted(text)
        else:
            made = sql("{value}", value=Literal(text))
    return DefaultExpression(made)


def _foreign_key(parts: list[Row]) -> ForeignKey:
    first = parts[0]
    return ForeignKey(
        columns=_names(parts),
        target=ObjectName(first["target_namespace"], first["target"]),
        referenced=tuple(part["referenced"] for part in parts),
        on_delete=ON_DELETE.get(first["on_delete"]),
        name=first["name"],
    )


def _part(part: Row, server: Server) -> str | SQL:
    return part["part"] if part["part"] is not None else trusted(_condition(part["expression"], server))


def _condition(text: str, server: Server) -> str:
    """A condition as a statement says it: MySQL shows it with escapes, and with parentheses around all of it."""
    if NATIVE_JSON not in server.features:
        return text
    plain = unescape(text)
    return plain[1:-1] if plain.startswith("(") and plain.endswith(")") else plain


def _column_of_json_check(check: Row) -> str | None:
    """The column that MariaDB makes a json column with, which is text to it."""
    name = check["name"]
    clause = "json_valid(`" + name.replace("`", "``") + "`)"
    return name if check["of_column"] and check["condition"] == clause else None


def _names(parts: list[Row]) -> tuple[Any, ...]:
    """The columns; None for an expression."""
    return tuple(part["part"] for part in parts)


def _grouped(rows: Iterable[Row], by: str) -> dict[Any, list[Row]]:
    """The rows, which come in that order, by the value of one of their columns."""
    return {key: list(group) for key, group in groupby(rows, lambda row: row[by])}


async def _labels(session: Session, row: Row, live: SqlType) -> tuple[str, ...]:
    scratch = Identifier(f"arrowsync_{secrets.token_hex(8)}")
    create, fill, select, drop = label_statements(scratch, Identifier(row["table"]), row["name"], live)
    await session.execute(create)
    try:
        await session.execute(fill)
        return tuple(found["label"] for found in await _rows(session, select))
    finally:
        await session.execute(drop)


async def _rows(session: Session, query: SQL) -> list[Row]:
    return (await session.fetch(query)).to_pylist()
