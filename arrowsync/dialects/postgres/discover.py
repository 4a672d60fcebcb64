"""What the live database contains, of what is asked for: `fetch_rows` asks the server, `catalog_from_rows` is pure.

Types come as pg_type's names and modifiers, which `types.from_catalog` decodes; a domain counts as the type that it is made
of. All names are compared exactly as given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from arrowsync.catalog import Catalog, Column, DefaultExpression, EnumType, ObjectName, SqlType, Table
from arrowsync.catalog.objects import TableKind
from arrowsync.dialects.dialect import Session
from arrowsync.dialects.postgres.types import from_catalog
from arrowsync.sql import SQL, Literal, join, sql, trusted

Row = dict[str, Any]

KINDS: dict[str, TableKind] = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "view",
    "f": "foreign table",
}
"""pg_class.relkind -> kind. A materialized view is read like a view."""


@dataclass(frozen=True, slots=True)
class CatalogRows:
    """The rows of the four queries, as the server gives them."""

    columns: list[Row]
    keys: list[Row]
    labels: list[Row]
    namespaces: list[Row]


async def discover(session: Session, names: Sequence[ObjectName]) -> Catalog:
    """The tables of those names that exist, and all enum types and namespaces that they may need."""
    if not names:
        return Catalog()
    return catalog_from_rows(names, await fetch_rows(session, names), session.server.namespace)


async def fetch_rows(session: Session, names: Sequence[ObjectName]) -> CatalogRows:
    """The rows that describe the named tables; `at` in them is the position of the name."""
    default = session.server.namespace
    relations = _relations(names, default)
    columns = await _rows(session, _columns_query(relations))
    used = {
        (row[f"{prefix}_namespace"], row[f"{prefix}_name"])
        for row in columns
        for prefix in ("type", "element")
        if row[f"{prefix}_kind"] == "e"
    }
    namespaces = join(", ", [Literal(namespace) for namespace in sorted({n.namespace or default for n in names})])
    return CatalogRows(
        columns,
        await _rows(session, _keys_query(relations)),
        await _rows(session, _labels_query(namespaces, used)),
        await _rows(session, _namespaces_query(namespaces)),
    )


def catalog_from_rows(names: Sequence[ObjectName], rows: CatalogRows, default: str) -> Catalog:
    """The catalog that the rows describe, with every table called as it is in `names`.

    `default` is the namespace that a name without one stands for. A type in that namespace goes without one too, where the
    table does.
    """
    labels = {
        name: tuple(row["label"] for row in group if row["label"] is not None)
        for name, group in groupby(rows.labels, lambda row: (row["namespace"], row["name"]))
    }
    keys: dict[int, list[tuple[bool, tuple[str, ...]]]] = {}
    for (at, _), group in groupby(rows.keys, lambda row: (row["at"], row["index"])):
        parts = list(group)
        keys.setdefault(at, []).append((parts[0]["is_primary"], tuple(part["name"] for part in parts)))
    columns: dict[int, list[Row]] = {}
    for row in rows.columns:
        columns.setdefault(row["at"], []).append(row)
    tables = [_table(names[at], found, keys.get(at, []), labels, default) for at, found in columns.items()]
    enums = {name: EnumType(name, labels[found]) for found in labels for name in _called(found, names, tables, default)}
    existing = {row["name"] for row in rows.namespaces}
    asked = sorted({n.namespace for n in names if n.namespace is not None and n.namespace in existing})
    return Catalog(tuple(tables), tuple(enums.values()), tuple(asked))


def _table(
    name: ObjectName,
    rows: list[Row],
    keys: list[tuple[bool, tuple[str, ...]]],
    labels: dict[tuple[str, str], tuple[str, ...]],
    default: str,
) -> Table:
    return Table(
        name=name,
        columns=tuple(_column(row, name, labels, default) for row in rows if row["name"] is not None),
        key=next((columns for primary, columns in keys if primary), ()),
        unique=tuple(columns for primary, columns in keys if not primary),
        comment=rows[0]["table_comment"],
        kind=KINDS[rows[0]["kind"]],
    )


def _column(row: Row, table: ObjectName, labels: dict[tuple[str, str], tuple[str, ...]], default: str) -> Column:
    live = _type(row, "type", labels, table, default)
    if row["element_name"] is not None:
        live = SqlType("array", element=_type(row, "element", labels, table, default))
    return Column(
        name=row["name"],
        type=live,
        nullable=not row["required"],
        default=DefaultExpression(trusted(row["default"])) if row["default"] is not None else None,
        identity=row["identity"],
        generated=row["generated"],
        comment=row["comment"],
    )


def _type(
    row: Row, prefix: str, labels: dict[tuple[str, str], tuple[str, ...]], table: ObjectName, default: str
) -> SqlType:
    namespace, name = row[f"{prefix}_namespace"], row[f"{prefix}_name"]
    if row[f"{prefix}_kind"] == "e":
        return SqlType(name, labels=labels.get((namespace, name), ()), namespace=_relative(namespace, table, default))
    if namespace != "pg_catalog" and name == "citext":
        return SqlType(name, namespace=_relative(namespace, table, default))
    return from_catalog(name if namespace == "pg_catalog" else "", row["modifier"], row[f"{prefix}_display"])


def _relative(namespace: str, table: ObjectName, default: str) -> str | None:
    return None if table.namespace is None and namespace == default else namespace


def _called(
    found: tuple[str, str], names: Sequence[ObjectName], tables: Iterable[Table], default: str
) -> set[ObjectName]:
    """The names by which declarations and tables know an enum type: with its namespace, without, or both."""
    namespace, name = found
    asked = {n.namespace for n in names if (n.namespace or default) == namespace}
    used = {
        column.type.namespace
        for table in tables
        for column in table.columns
        if column.type.labels and (column.type.namespace or default, column.type.name) == found
    }
    return {ObjectName(one, name) for one in asked | used}


async def _rows(session: Session, query: SQL) -> list[Row]:
    return (await session.fetch(query)).to_pylist()


def _relations(names: Sequence[ObjectName], default: str) -> SQL:
    """The common table expression of the relations that have the names."""
    asked = [
        sql(
            "({at}, {namespace}, {name})",
            at=Literal(at),
            namespace=Literal(n.namespace or default),
            name=Literal(n.name),
        )
        for at, n in enumerate(names)
    ]
    return sql(
        """asked (at, namespace, name) AS (VALUES {asked}),
relations AS (
  SELECT asked.at, c.oid, c.relkind::text AS kind, obj_description(c.oid, 'pg_class') AS comment
  FROM asked
  JOIN pg_catalog.pg_namespace AS n ON n.nspname = asked.namespace
  JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = asked.name
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
)""",
        asked=join(", ", asked),
    )


def _columns_query(relations: SQL) -> SQL:
    """One row a column, domains followed down to their base type; a relation without columns has one row."""
    return sql(
        """WITH RECURSIVE {relations},
bases (oid, number, type, modifier, required) AS (
  SELECT a.attrelid, a.attnum, a.atttypid, a.atttypmod, a.attnotnull
  FROM pg_catalog.pg_attribute AS a
  WHERE a.attrelid IN (SELECT oid FROM relations) AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT b.oid, b.number, t.typbasetype, t.typtypmod, b.required OR t.typnotnull
  FROM bases AS b JOIN pg_catalog.pg_type AS t ON t.oid = b.type
  WHERE t.typtype = 'd'
)
SELECT
  r.at, r.kind, r.comment AS table_comment, a.attname::text AS name,
  tn.nspname::text AS type_namespace, t.typname::text AS type_name, t.typtype::text AS type_kind,
  en.nspname::text AS element_namespace, e.typname::text AS element_name, e.typtype::text AS element_kind,
  b.modifier, format_type(t.oid, b.modifier) AS type_display, format_type(e.oid, b.modifier) AS element_display,
  b.required, a.attidentity <> '' AS identity, a.attgenerated <> '' AS generated,
  CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default,
  col_description(a.attrelid, a.attnum) AS comment
FROM relations AS r
LEFT JOIN (bases AS b JOIN pg_catalog.pg_type AS t ON t.oid = b.type AND t.typtype <> 'd') ON b.oid = r.oid
LEFT JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_type AS e ON e.oid = t.typelem AND t.typcategory = 'A'
LEFT JOIN pg_catalog.pg_namespace AS en ON en.oid = e.typnamespace
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = b.oid AND a.attnum = b.number
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = b.oid AND d.adnum = b.number
ORDER BY r.at, b.number""",
        relations=relations,
    )


def _keys_query(relations: SQL) -> SQL:
    """One row a key column: of primary keys, and of unique indexes that hold for all rows and on plain columns."""
    return sql(
        """WITH {relations}
SELECT r.at, i.indexrelid::bigint AS index, i.indisprimary AS is_primary, a.attname::text AS name
FROM relations AS r
JOIN pg_catalog.pg_index AS i ON i.indrelid = r.oid
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, position)
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum = k.number
WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND k.position <= i.indnkeyatts
ORDER BY r.at, i.indexrelid, k.position""",
        relations=relations,
    )


def _labels_query(namespaces: SQL, used: Iterable[tuple[str, str]]) -> SQL:
    """One row a label: of the enum types of the namespaces, and of those that are used; NULL for a type without labels."""
    types = [sql("({n}, {t})", n=Literal(namespace), t=Literal(name)) for namespace, name in sorted(used)]
    return sql(
        """SELECT n.nspname::text AS namespace, t.typname::text AS name, e.enumlabel::text AS label
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_enum AS e ON e.enumtypid = t.oid
WHERE t.typtype = 'e' AND (n.nspname IN ({namespaces}) OR (n.nspname, t.typname) IN ({types}))
ORDER BY 1, 2, e.enumsortorder""",
        namespaces=namespaces,
        types=join(", ", types or [sql("('', '')")]),
    )


def _namespaces_query(namespaces: SQL) -> SQL:
    return sql(
        "SELECT nspname::text AS name FROM pg_catalog.pg_namespace WHERE nspname IN ({namespaces})",
        namespaces=namespaces,
    )
