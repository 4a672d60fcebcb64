"""The objects of a live database: `discover` queries DuckDB, `catalog_from_rows` is the pure rest.

DuckDB ignores the case of names, so a table is called as it was asked for. A name without a namespace is looked for in the
current schema of the current database, and before that among the temporary tables, as DuckDB does when it runs a statement.
Attached databases are not looked at. Constraints are called as DuckDB calls them: it drops the names that they are given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arrowsync.catalog import Catalog, Check, Column, DefaultExpression, ForeignKey, Index, ObjectName, Table, UniqueKey
from arrowsync.dialects.contract import Session
from arrowsync.dialects.duckdb.types import fold, parse_type
from arrowsync.sql import SQL, Literal, join, sql, trusted

Row = Mapping[str, Any]
Place = tuple[bool, str, str]
"""The place of a table: True if temporary, its schema and its name, as DuckDB spells them."""

_PLAIN_NAME = re.compile(r'"(?P<quoted>(?:[^"]|"")+)"|(?P<bare>[A-Za-z_]\w*)')
_MAIN = "main"


@dataclass(frozen=True, slots=True)
class CatalogRows:
    """The rows of the queries, as DuckDB gives them."""

    tables: Sequence[Row]
    columns: Sequence[Row]
    constraints: Sequence[Row]
    indexes: Sequence[Row]
    namespaces: Sequence[Row]


async def discover(session: Session, names: Sequence[ObjectName]) -> Catalog:
    """The tables and views of those names that exist, and those of their namespaces."""
    if not names:
        return Catalog()
    rows = await fetch_rows(session, names)
    return catalog_from_rows(names, rows)


async def list_tables(session: Session, namespace: str | None) -> list[ObjectName]:
    """The names of the tables of a namespace of the current database, in order: no views, and none that is temporary."""
    schema = sql("current_schema()") if namespace is None else sql("{name}", name=Literal(namespace))
    rows = await session.fetch(
        sql(
            """SELECT table_name AS name FROM duckdb_tables()
WHERE database_name = current_database() AND lower(schema_name) = lower({schema}) AND NOT internal AND NOT temporary
ORDER BY name""",
            schema=schema,
        )
    )
    return [ObjectName(namespace, row["name"]) for row in rows.to_pylist()]


async def fetch_rows(session: Session, names: Sequence[ObjectName]) -> CatalogRows:
    """Query the rows that describe tables of those names, in any schema."""
    wanted = join(", ", [sql("lower({name})", name=Literal(name)) for name in sorted({n.name for n in names})])

    async def rows(query: SQL) -> list[dict[str, Any]]:
        return (await session.fetch(query)).to_pylist()

    return CatalogRows(
        tables=await rows(_tables_query(wanted)),
        columns=await rows(_columns_query(wanted)),
        constraints=await rows(_constraints_query(wanted)),
        indexes=await rows(_indexes_query(wanted)),
        namespaces=await rows(
            sql(
                "SELECT schema_name AS name, schema_name = current_schema() AS is_current "
                "FROM duckdb_schemas() WHERE database_name = current_database()"
            )
        ),
    )


def catalog_from_rows(names: Sequence[ObjectName], rows: CatalogRows) -> Catalog:
    """The catalog that the rows describe, with every table and namespace called as it is in `names`."""
    current = next((row["name"] for row in rows.namespaces if row["is_current"]), _MAIN)
    places = {_folded(_place(row)): row for row in rows.tables}
    tables: list[Table] = []
    for name in dict.fromkeys(names):
        schema, table = fold(name.namespace or current), fold(name.name)
        temporary = places.get((True, _MAIN, table)) if name.namespace is None or schema == _MAIN else None
        row = temporary or places.get((False, schema, table))
        if row is not None:
            tables.append(_table(name, row, rows, names))
    existing = {fold(row["name"]) for row in rows.namespaces}
    asked = sorted({n.namespace for n in names if n.namespace is not None and fold(n.namespace) in existing})
    return Catalog(tables=tuple(tables), namespaces=tuple(asked))


def _table(name: ObjectName, row: Row, rows: CatalogRows, names: Sequence[ObjectName]) -> Table:
    place = _place(row)
    constraints = [c for c in rows.constraints if _place(c) == place]
    indexes = tuple(_index(i) for i in rows.indexes if _place(i) == place)
    unique = [UniqueKey(tuple(c["columns"]), c["name"]) for c in constraints if c["kind"] == "UNIQUE"]
    # A unique index of plain columns is as good as a key.
    unique += [UniqueKey(key, i.name) for i in indexes if i.unique and (key := _plain(i.parts))]
    return Table(
        name=name,
        columns=tuple(_column(c) for c in rows.columns if _place(c) == place),
        key=next((tuple(c["columns"]) for c in constraints if c["kind"] == "PRIMARY KEY"), ()),
        unique=tuple(dict.fromkeys(unique)),
        comment=row["comment"],
        kind="view" if row["is_view"] else "table",
        foreign_keys=tuple(_foreign_key(c, name, names) for c in constraints if c["kind"] == "FOREIGN KEY"),
        checks=tuple(Check(trusted(c["expression"]), c["name"]) for c in constraints if c["kind"] == "CHECK"),
        indexes=indexes,
    )


def _foreign_key(row: Row, table: ObjectName, names: Sequence[ObjectName]) -> ForeignKey:
    found = row["referenced_table"]
    # DuckDB refers to tables of the same schema only.
    asked = (n.name for n in names if n.namespace == table.namespace and fold(n.name) == fold(found))
    target = ObjectName(table.namespace, next(asked, found))
    return ForeignKey(tuple(row["columns"]), target, tuple(row["referenced"]), name=row["name"])


def _index(row: Row) -> Index:
    return Index(tuple(_part(text) for text in row["expressions"]), row["name"], row["is_unique"])


def _part(text: str) -> str | SQL:
    """A part of an index, from its expression: a column (`a`, `"b c"`), or what stands in parentheses."""
    if name := _PLAIN_NAME.fullmatch(text):
        return name["bare"] or name["quoted"].replace('""', '"')
    return trusted(text.removeprefix("(").removesuffix(")"))


def _plain(parts: Sequence[str | SQL]) -> tuple[str, ...]:
    """The columns of an index; none where one of its parts isn't just a column."""
    columns = tuple(part for part in parts if isinstance(part, str))
    return columns if len(columns) == len(parts) else ()


def _column(row: Row) -> Column:
    default = None if row["is_generated"] or row["column_default"] in (None, "NULL") else row["column_default"]
    return Column(
        name=row["name"],
        type=parse_type(row["data_type"]),
        nullable=row["is_nullable"],
        default=None if default is None else DefaultExpression(trusted(default)),
        identity=default is not None and default.startswith("nextval("),
        generated=row["is_generated"],
        comment=row["comment"],
    )


def _place(row: Row) -> Place:
    return row["is_temporary"], row["schema_name"], row["table_name"]


def _folded(place: Place) -> Place:
    return place[0], fold(place[1]), fold(place[2])


_HERE = sql("(database_name = current_database() OR database_name = 'temp') AND NOT internal")


def _tables_query(wanted: SQL) -> SQL:
    return sql(
        """SELECT database_name = 'temp' AS is_temporary, schema_name, table_name, comment, false AS is_view
FROM duckdb_tables() WHERE {here} AND lower(table_name) IN ({wanted})
UNION ALL
SELECT database_name = 'temp', schema_name, view_name, comment, true
FROM duckdb_views() WHERE {here} AND lower(view_name) IN ({wanted})""",
        here=_HERE,
        wanted=wanted,
    )


def _columns_query(wanted: SQL) -> SQL:
    return sql(
        """SELECT database_name = 'temp' AS is_temporary, schema_name, table_name, column_name AS name, data_type, is_nullable,
  column_default, is_generated, comment
FROM duckdb_columns() WHERE {here} AND lower(table_name) IN ({wanted})
ORDER BY schema_name, table_name, column_index""",
        here=_HERE,
        wanted=wanted,
    )


def _constraints_query(wanted: SQL) -> SQL:
    return sql(
        """SELECT database_name = 'temp' AS is_temporary, schema_name, table_name, constraint_type AS kind,
  constraint_name AS name, constraint_column_names AS columns, referenced_table, referenced_column_names AS referenced, expression
FROM duckdb_constraints()
WHERE database_name IN (current_database(), 'temp') AND constraint_type <> 'NOT NULL'
  AND lower(table_name) IN ({wanted})
ORDER BY constraint_index""",
        wanted=wanted,
    )


def _indexes_query(wanted: SQL) -> SQL:
    return sql(
        """SELECT database_name = 'temp' AS is_temporary, schema_name, table_name,
  index_name AS name, is_unique, CAST(expressions AS VARCHAR[]) AS expressions
FROM duckdb_indexes()
WHERE database_name IN (current_database(), 'temp') AND lower(table_name) IN ({wanted})
ORDER BY index_name""",
        wanted=wanted,
    )
