"""The objects of a live database: `fetch_rows` runs the catalog queries, `catalog_from_rows` is the pure rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from arrowsync.catalog import (
    Catalog,
    Check,
    Column,
    DefaultExpression,
    EnumType,
    ForeignKey,
    Index,
    ObjectName,
    OnDelete,
    SqlType,
    StructMember,
    StructType,
    Table,
    UniqueKey,
)
from arrowsync.catalog.objects import TableKind
from arrowsync.dialects.contract import Session
from arrowsync.dialects.postgres.types import from_catalog
from arrowsync.sql import SQL, Literal, join, sql, trusted

Found = tuple[str, str]
"""The namespace and the name of a type, as the server has them."""

BASES = sql(
    """bases (oid, number, type, modifier, required, levels, dimensions) AS (
  SELECT a.attrelid, a.attnum, a.atttypid, a.atttypmod, a.attnotnull, 0, a.attndims::int
  FROM pg_catalog.pg_attribute AS a
  WHERE a.attrelid IN (SELECT oid FROM relations) AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT b.oid, b.number, i.type, CASE WHEN i.is_domain THEN t.typtypmod ELSE b.modifier END,
    b.required OR i.is_domain AND b.levels = 0 AND t.typnotnull,
    CASE WHEN i.is_domain THEN b.levels ELSE b.levels + 1 END,
    CASE WHEN b.levels = 0 THEN greatest(b.dimensions, t.typndims) ELSE b.dimensions END
  FROM bases AS b
  JOIN pg_catalog.pg_type AS t ON t.oid = b.type
  CROSS JOIN LATERAL (VALUES (
    CASE WHEN t.typtype = 'd' THEN t.typbasetype WHEN t.typcategory = 'A' AND t.oid NOT IN (22, 30) THEN t.typelem ELSE 0 END,
    t.typtype = 'd'
  )) AS i (type, is_domain)
  WHERE i.type <> 0
)"""
)
TYPE = sql(
    """a.attname::text AS name, col_description(a.attrelid, a.attnum) AS comment, b.modifier, b.levels, b.dimensions,
  tn.nspname::text AS type_namespace, t.typname::text AS type_name,
  CASE WHEN tc.relkind <> 'c' THEN 'r' ELSE t.typtype::text END AS type_kind,
  format_type(t.oid, b.modifier) AS type_display"""
)
"""The type of a column `a`, in so many `levels` of arrays; `kind` is "e" for an enum, "c" for a struct, and "r" for the row of a
table. `dimensions` are those that were declared, which the server doesn't hold values to."""
TYPE_OF_BASE = sql(
    """LEFT JOIN (
  bases AS b
  JOIN pg_catalog.pg_type AS t
    ON t.oid = b.type AND t.typtype <> 'd' AND (t.typcategory <> 'A' OR t.typelem = 0 OR t.oid IN (22, 30))
) ON b.oid = r.oid
LEFT JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class AS tc ON tc.oid = t.typrelid
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = b.oid AND a.attnum = b.number"""
)


def relations_of(names: Sequence[ObjectName], default: str) -> SQL:
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


def tables_query(namespace: str) -> SQL:
    """One row a table of the namespace; partitions are part of theirs, and arrowsync's own are there only for a moment."""
    return sql(
        """SELECT c.relname::text AS name
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = {namespace} AND c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition
  AND c.relname !~ '^_arrowsync_[0-9a-f]{16}$' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e'
  )
ORDER BY c.relname COLLATE "C" ASC""",
        namespace=Literal(namespace),
    )


def columns_query(relations: SQL) -> SQL:
    """One row a column; a relation without columns has one row."""
    return sql(
        """WITH RECURSIVE {relations},
{bases}
SELECT
  r.at, r.kind, r.comment AS table_comment, {type},
  b.required, a.attidentity <> '' AS identity, a.attgenerated <> '' AS generated,
  CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default
FROM relations AS r
{type_of_base}
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = b.oid AND d.adnum = b.number
ORDER BY r.at, b.number""",
        relations=relations,
        bases=BASES,
        type=TYPE,
        type_of_base=TYPE_OF_BASE,
    )


def members_query(namespaces: Sequence[str], used: Iterable[Found]) -> SQL:
    """One row a member of the struct types in the namespaces, and of those that are used; one for a type without members."""
    return sql(
        """WITH RECURSIVE relations AS (
  SELECT c.oid, n.nspname::text AS namespace, c.relname::text AS struct, obj_description(c.reltype, 'pg_type') AS comment
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind = 'c' AND {asked}
),
{bases}
SELECT r.namespace, r.struct, r.comment AS struct_comment, {type}
FROM relations AS r
{type_of_base}
ORDER BY r.namespace, r.struct, b.number""",
        asked=_asked_types(namespaces, used, sql("c.relname")),
        bases=BASES,
        type=TYPE,
        type_of_base=TYPE_OF_BASE,
    )


def labels_query(namespaces: Sequence[str], used: Iterable[Found]) -> SQL:
    """One row a label: of the enum types of the namespaces, and of those that are used; NULL for a type without labels."""
    return sql(
        """SELECT n.nspname::text AS namespace, t.typname::text AS name, e.enumlabel::text AS label,
  obj_description(t.oid, 'pg_type') AS comment
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_enum AS e ON e.enumtypid = t.oid
WHERE t.typtype = 'e' AND {asked}
ORDER BY 1, 2, e.enumsortorder""",
        asked=_asked_types(namespaces, used, sql("t.typname")),
    )


def indexes_query(relations: SQL) -> SQL:
    """One row a part of an index that is complete and holds for all rows; a part without a name is an expression.

    `plain` are those that their parts say everything of: in ascending order, by the default operators and the collation of
    the column (of an expression: the database's), with nothing included.
    """
    return sql(
        """WITH {relations}
SELECT r.at, i.indexrelid::bigint AS index, c.relname::text AS index_name, i.indisprimary AS is_primary,
  i.indisunique AS is_unique, bool_and(k.number <> 0) OVER same AS on_columns, a.attname::text AS name,
  CASE WHEN k.number = 0 THEN pg_get_indexdef(i.indexrelid, k.position::int, false) END AS expression,
  EXISTS (
    SELECT FROM pg_catalog.pg_constraint AS u WHERE u.conindid = i.indexrelid AND u.contype IN ('p', 'u', 'x')
  ) AS constrains,
  m.amname = 'btree' AND i.indnkeyatts = i.indnatts AND bool_and(
    o.opcdefault AND i.indoption[k.position - 1] = 0
    AND i.indcollation[k.position - 1] IN (0, coalesce(a.attcollation, 'pg_catalog."default"'::regcollation))
  ) OVER same AS plain
FROM relations AS r
JOIN pg_catalog.pg_index AS i ON i.indrelid = r.oid
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, position)
JOIN pg_catalog.pg_opclass AS o ON o.oid = i.indclass[k.position - 1]
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum = k.number AND k.number <> 0
WHERE i.indisvalid AND i.indpred IS NULL AND k.position <= i.indnkeyatts
WINDOW same AS (PARTITION BY r.at, i.indexrelid)
ORDER BY r.at, i.indexrelid, k.position""",
        relations=relations,
    )


def constraints_query(relations: SQL) -> SQL:
    """One row a check, and one a column of a foreign key; of a partitioned table its own, not those of each partition."""
    return sql(
        """WITH {relations}
SELECT r.at, k.oid::bigint AS constraint, k.conname::text AS name,
  CASE WHEN k.contype = 'c' THEN pg_get_expr(k.conbin, k.conrelid) END AS condition,
  n.nspname::text AS target_namespace, c.relname::text AS target, k.confdeltype::text AS on_delete,
  a.attname::text AS column, b.attname::text AS referenced
FROM relations AS r
JOIN pg_catalog.pg_constraint AS k ON k.conrelid = r.oid
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = k.confrelid
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS u (number, referenced, position) ON k.contype = 'f'
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number
LEFT JOIN pg_catalog.pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = u.referenced
WHERE k.contype IN ('c', 'f') AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_constraint AS p WHERE p.oid = k.conparentid AND p.conrelid = k.conrelid
)
ORDER BY r.at, k.oid, u.position""",
        relations=relations,
    )


def namespaces_query(namespaces: Sequence[str]) -> SQL:
    """One row a namespace that exists."""
    return sql(
        "SELECT nspname::text AS name FROM pg_catalog.pg_namespace WHERE nspname IN ({namespaces})",
        namespaces=_listed(namespaces),
    )


def _asked_types(namespaces: Sequence[str], used: Iterable[Found], name: SQL) -> SQL:
    types = [sql("({n}, {t})", n=Literal(namespace), t=Literal(name)) for namespace, name in sorted(used)]
    return sql(
        "(n.nspname IN ({namespaces}) OR (n.nspname, {name}) IN ({types}))",
        namespaces=_listed(namespaces),
        name=name,
        types=join(", ", types or [sql("('', '')")]),
    )


def _listed(namespaces: Sequence[str]) -> SQL:
    return join(", ", [Literal(namespace) for namespace in namespaces])


Row = dict[str, Any]

KINDS: Mapping[str, TableKind] = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "view",
    "f": "foreign table",
}
"""pg_class.relkind -> kind. A materialized view is read like a view."""

ON_DELETE: Mapping[str, OnDelete] = {"r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}
"""pg_constraint.confdeltype -> action; none for a letter that isn't here."""


@dataclass(frozen=True, slots=True)
class CatalogRows:
    """The rows of the queries, as the server gives them."""

    columns: list[Row]
    indexes: list[Row]
    constraints: list[Row]
    members: list[Row]
    labels: list[Row]
    namespaces: list[Row]


async def discover(session: Session, names: Sequence[ObjectName]) -> Catalog:
    """The tables of those names that exist, and all enum and struct types and namespaces that they may need."""
    if not names:
        return Catalog()
    default = await default_namespace(session)
    return catalog_from_rows(names, await fetch_rows(session, names, default), default)


async def default_namespace(session: Session) -> str:
    """Query the present default namespace: the user may have set another search_path, or role."""
    found = await session.fetch(sql("SELECT current_schema()::text AS name"))
    name: str | None = found.column("name")[0].as_py()
    return name or session.server.namespace


async def list_tables(session: Session, namespace: str | None) -> list[ObjectName]:
    """The names of the tables of a namespace, in order: no views, no partitions, and none that an extension brought."""
    rows = await _rows(session, tables_query(namespace or await default_namespace(session)))
    return [ObjectName(namespace, row["name"]) for row in rows]


async def fetch_rows(session: Session, names: Sequence[ObjectName], default: str) -> CatalogRows:
    """The rows that describe the named tables; `at` in them is the position of the name."""
    relations = relations_of(names, default)
    namespaces = sorted({name.namespace or default for name in names})
    columns = await _rows(session, columns_query(relations))
    members = await _members(session, namespaces, _used(columns, "c"))
    return CatalogRows(
        columns,
        await _rows(session, indexes_query(relations)),
        await _rows(session, constraints_query(relations)),
        members,
        await _rows(session, labels_query(namespaces, _used([*columns, *members], "e"))),
        await _rows(session, namespaces_query(namespaces)),
    )


def catalog_from_rows(names: Sequence[ObjectName], rows: CatalogRows, default: str) -> Catalog:
    """The catalog that the rows describe, with every table called as it is in `names`.

    `default` is the namespace that a name without one stands for. A type in that namespace goes without one too, where the
    table does.
    """
    enums = _grouped(rows.labels, "namespace", "name")
    structs = _grouped(rows.members, "namespace", "struct")
    types = _Types(enums, structs, default)
    columns = _grouped(rows.columns, "at")
    indexes = _grouped(rows.indexes, "at")
    constraints = _grouped(rows.constraints, "at")
    tables = tuple(
        _table(names[int(key[0])], found, indexes.get(key, []), constraints.get(key, []), types)
        for key, found in columns.items()
    )
    called = _Called(names, tables, default)
    existing = {row["name"] for row in rows.namespaces}
    asked = sorted({n.namespace for n in names if n.namespace is not None and n.namespace in existing})
    return Catalog(
        tables,
        tuple(
            EnumType(name, types.labels(found), of[0]["comment"])
            for found, of in enums.items()
            for name in called.names_of(found)
        ),
        tuple(asked),
        tuple(_struct(name, structs[found], types) for found in types.by_need() for name in called.names_of(found)),
    )


@dataclass(frozen=True, slots=True)
class _Types:
    """Builds types from rows, with the labels of enums and the members of structs."""

    enums: Mapping[Found, list[Row]]
    structs: Mapping[Found, list[Row]]
    default: str

    def of(self, row: Row, user: ObjectName) -> SqlType:
        """The type of a column or member of `user`."""
        live = self._innermost(row, user)
        for level in range(row["levels"], 0, -1):
            live = SqlType("array", element=live, dimensions=max(row["dimensions"], 1) if level == 1 else 1)
        return live

    def labels(self, found: Found) -> tuple[str, ...]:
        return tuple(row["label"] for row in self.enums.get(found, []) if row["label"] is not None)

    def by_need(self) -> list[Found]:
        """The structs, each after those that it contains."""
        ordered: dict[Found, None] = {}

        def visit(found: Found) -> None:
            if found not in ordered:
                for inner in sorted(_used(self.structs[found], "c") & self.structs.keys()):
                    visit(inner)
                ordered[found] = None

        for found in self.structs:
            visit(found)
        return list(ordered)

    def relative(self, namespace: str, user: ObjectName) -> str | None:
        """The namespace of a type or table as `user` says it, which may go without one."""
        return None if user.namespace is None and namespace == self.default else namespace

    def _innermost(self, row: Row, user: ObjectName) -> SqlType:
        namespace, name = row["type_namespace"], row["type_name"]
        match row["type_kind"]:
            case "e":
                return SqlType(name, labels=self.labels((namespace, name)), namespace=self.relative(namespace, user))
            case "c":
                members = [m for m in self.structs.get((namespace, name), []) if m["name"] is not None]
                return SqlType(
                    name,
                    namespace=self.relative(namespace, user),
                    members=tuple((member["name"], self.of(member, user)) for member in members),
                )
            case _ if namespace != "pg_catalog" and name == "citext":
                return SqlType(name, namespace=self.relative(namespace, user))
            case _:
                return from_catalog(name if namespace == "pg_catalog" else "", row["modifier"], row["type_display"])


@dataclass(frozen=True, slots=True)
class _Called:
    """By which names declarations and tables know a type: with its namespace, without, or both."""

    names: Sequence[ObjectName]
    tables: Iterable[Table]
    default: str

    def names_of(self, found: Found) -> list[ObjectName]:
        namespace, name = found
        called = {n.namespace for n in self.names if (n.namespace or self.default) == namespace}
        for table in self.tables:
            for column in table.columns:
                for live in _inside(column.type):
                    if (live.labels or live.members) and (live.namespace or self.default, live.name) == found:
                        called.add(live.namespace)
        return [ObjectName(one, name) for one in sorted(called, key=lambda one: one or "")]


def _inside(live: SqlType) -> Iterator[SqlType]:
    """The type, and the types that it is made of."""
    yield live
    if live.element is not None:
        yield from _inside(live.element)
    for _, member in live.members:
        yield from _inside(member)


def _table(name: ObjectName, columns: list[Row], indexes: list[Row], constraints: list[Row], types: _Types) -> Table:
    parts = list(_grouped(indexes, "index").values())
    bound = list(_grouped(constraints, "constraint").values())
    return Table(
        name=name,
        columns=tuple(_column(row, name, types) for row in columns if row["name"] is not None),
        key=next((_names(of) for of in parts if of[0]["is_primary"]), ()),
        unique=tuple(
            UniqueKey(_names(of), of[0]["index_name"])
            for of in parts
            if of[0]["is_unique"] and of[0]["on_columns"] and not of[0]["is_primary"]
        ),
        comment=columns[0]["table_comment"],
        kind=KINDS[columns[0]["kind"]],
        foreign_keys=tuple(_foreign_key(of, name, types) for of in bound if of[0]["target"] is not None),
        checks=tuple(Check(trusted(of[0]["condition"]), of[0]["name"]) for of in bound if of[0]["target"] is None),
        indexes=tuple(_index(of) for of in parts if of[0]["plain"] and not of[0]["constrains"]),
    )


def _column(row: Row, table: ObjectName, types: _Types) -> Column:
    return Column(
        name=row["name"],
        type=types.of(row, table),
        nullable=not row["required"],
        default=DefaultExpression(trusted(row["default"])) if row["default"] is not None else None,
        identity=row["identity"],
        generated=row["generated"],
        comment=row["comment"],
    )


def _foreign_key(parts: list[Row], table: ObjectName, types: _Types) -> ForeignKey:
    first = parts[0]
    return ForeignKey(
        columns=tuple(part["column"] for part in parts),
        target=ObjectName(types.relative(first["target_namespace"], table), first["target"]),
        referenced=tuple(part["referenced"] for part in parts),
        on_delete=ON_DELETE.get(first["on_delete"]),
        name=first["name"],
    )


def _index(parts: list[Row]) -> Index:
    """An index. One that is unique and on columns alone is also among the table's unique keys, by the same name."""
    return Index(
        parts=tuple(part["name"] if part["expression"] is None else _expression(part["expression"]) for part in parts),
        name=parts[0]["index_name"],
        unique=parts[0]["is_unique"],
    )


def _expression(text: str) -> SQL:
    """An expression without the parentheses that stand around all of it, unless it is the call of a function."""
    return trusted(text[1:-1] if text.startswith("(") else text)


def _struct(name: ObjectName, rows: list[Row], types: _Types) -> StructType:
    members = [
        StructMember(row["name"], types.of(row, name), row["comment"]) for row in rows if row["name"] is not None
    ]
    return StructType(name, tuple(members), rows[0]["struct_comment"])


def _names(parts: list[Row]) -> tuple[str, ...]:
    return tuple(part["name"] for part in parts)


def _used(rows: Iterable[Row], kind: str) -> set[Found]:
    """The types of a kind that columns or members have."""
    return {(row["type_namespace"], row["type_name"]) for row in rows if row["type_kind"] == kind}


def _grouped(rows: Iterable[Row], *by: str) -> dict[Any, list[Row]]:
    """The rows, which come in that order, by the values of some of their columns."""
    return {key: list(group) for key, group in groupby(rows, lambda row: tuple(row[name] for name in by))}


async def _members(session: Session, namespaces: Sequence[str], used: set[Found]) -> list[Row]:
    """The rows of the struct types of the namespaces, and of those that are used, by columns or by one another."""
    asked = used
    while True:
        rows = await _rows(session, members_query(namespaces, asked))
        missing = _used(rows, "c") - {(row["namespace"], row["struct"]) for row in rows}
        if missing <= asked:
            return rows
        asked = asked | missing


async def _rows(session: Session, query: SQL) -> list[Row]:
    return (await session.fetch(query)).to_pylist()
