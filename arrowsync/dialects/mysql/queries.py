"""The questions that discovery asks `information_schema`: each function gives one query about the tables of some names.

Every column has a name of its own in lower case, as MySQL says its own in capitals. Rows have `table`, the name as the server
has it.
"""

from __future__ import annotations

from collections.abc import Sequence

from arrowsync.catalog import ObjectName, SqlType
from arrowsync.sql import SQL, Identifier, Literal, join, sql


def tables_query(names: Sequence[str]) -> SQL:
    """One row a table or view; `folds` is whether the server ignores the case of their names."""
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
    """One row a part of an index; `plain` says that nothing is to be known of the part but what it is on, ascending."""
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
    """One row a check; `of_columns` is whether the server tells those of a column, which are called like it."""
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
    """The names of all tables that are somebody's: no views, and no drafts of tables that are being created."""
    return sql(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() "
        "AND table_type = 'BASE TABLE' AND LEFT(table_name, 16) <> 'arrowsync_draft_' ORDER BY table_name"
    )


def updates_are_quiet(table: ObjectName) -> SQL:
    """The condition that surely no trigger runs where rows of the table are updated.

    Triggers show themselves only to those who may create them. A privilege that comes with a role isn't looked for.
    """
    return sql(
        """NOT EXISTS (SELECT 1 FROM information_schema.triggers AS g
  WHERE g.event_object_schema = DATABASE() AND g.event_object_table = {name} AND g.event_manipulation = 'UPDATE')
AND (EXISTS (SELECT 1 FROM information_schema.user_privileges AS p WHERE {mine})
  OR EXISTS (SELECT 1 FROM information_schema.schema_privileges AS p WHERE {mine} AND DATABASE() LIKE p.table_schema)
  OR EXISTS (SELECT 1 FROM information_schema.table_privileges AS p
    WHERE {mine} AND p.table_schema = DATABASE() AND p.table_name = {name}))""",
        name=Literal(table.name),
        mine=sql(
            "p.privilege_type = 'TRIGGER' AND p.grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')"
        ),
    )


def label_statements(scratch: Identifier, table: Identifier, column: str, live: SqlType) -> tuple[SQL, SQL, SQL, SQL]:
    """What asks for the labels of an enum as they really are, row by row: create, fill, select, drop.

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
