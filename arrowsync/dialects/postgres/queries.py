"""The questions that discovery asks the server's catalog: each function gives one query.

Rows of the queries on relations have `at`, the position of the asked name; those of types have `namespace` and `name`. All
that says what type a column or member has is selected by `TYPE` from `BASES`, which follows domains and arrays down to what they
are made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from arrowsync.catalog import ObjectName
from arrowsync.sql import SQL, Literal, join, sql

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
    CASE WHEN t.typtype = 'd' THEN t.typbasetype WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END, t.typtype = 'd'
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
  bases AS b JOIN pg_catalog.pg_type AS t ON t.oid = b.type AND t.typtype <> 'd' AND (t.typcategory <> 'A' OR t.typelem = 0)
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
