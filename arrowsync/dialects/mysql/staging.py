"""The staging table: a temporary one, whose DDL commits nothing, with a column that numbers the rows as they arrive.

MySQL can't refer to one twice in a statement ("Can't reopen table"), so keys are collected in a second one, where they are
compared with each other.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from arrowsync.catalog import Column, ObjectName, Table
from arrowsync.dialects import shared
from arrowsync.dialects.dialect import MergeJob
from arrowsync.dialects.mysql.drafts import DRAFT
from arrowsync.dialects.mysql.types import has_characters, type_sql
from arrowsync.sql import SQL, Identifier, join, sql, trusted

STAGED = "arrowsync_staged_"


def order_of(target: Table) -> str:
    """The column of a staging table that grows in the order of arrival: a name that no column of the target has, in any case."""
    taken = {column.name.casefold() for column in target.columns}
    name = "arrowsync_order"
    while name in taken:
        name += "_"
    return name


def create_staging(target: Table, columns: Sequence[str], collation: str) -> tuple[ObjectName, SQL]:
    """A temporary table with those columns of the target, of their types and collations, without constraints and defaults.

    It has an index on the columns of the target's key, which the merge looks rows up by.
    """
    name = ObjectName(None, f"{STAGED}{secrets.token_hex(8)}")
    return name, _staging(sql("CREATE TEMPORARY TABLE"), name, sql("AUTO_INCREMENT"), target, columns, collation)


def create_shared_staging(target: Table, columns: Sequence[str], collation: str) -> tuple[ObjectName, SQL]:
    """Such a table, but one that other sessions see: its name is that of a draft, and its rows bring their order."""
    name = ObjectName(None, f"{DRAFT}{secrets.token_hex(8)}")
    return name, _staging(sql("CREATE TABLE"), name, sql("NOT NULL"), target, columns, collation)


def _staging(
    create: SQL, name: ObjectName, numbered: SQL, target: Table, columns: Sequence[str], collation: str
) -> SQL:
    by_name = {column.name: column for column in target.columns}
    lines = [_column(by_name[column], collation) for column in columns]
    keys = [target.key, *(unique.columns for unique in target.unique)]
    key = next((key for key in keys if key and set(key) <= set(columns)), ())
    if key:
        lines.append(sql("KEY ({key})", key=shared.names(key)))
    return sql(
        "{create} {staging} ({order} bigint unsigned {numbered} PRIMARY KEY, {lines}) ENGINE=InnoDB",
        create=create,
        staging=name.identifier,
        numbered=numbered,
        order=Identifier(order_of(target)),
        lines=join(", ", lines),
    )


def drop_staging(name: ObjectName) -> SQL:
    """What drops a staging table, and what a merge may have left of it, without a commit."""
    return sql(
        "DROP TEMPORARY TABLE IF EXISTS {staging}, {repeated}",
        staging=name.identifier,
        repeated=repeated_keys(name),
    )


def repeated_keys(staging: ObjectName) -> Identifier:
    """The second table, for keys of that staging table."""
    return Identifier(f"{staging.name}_keys")


def insert_staged(job: MergeJob, condition: SQL | None = None) -> SQL:
    """What brings the staged rows that meet the condition, as `s`, in the order of arrival."""
    return sql(
        "INSERT INTO {target} ({columns}) SELECT {staged} FROM {staging} AS s{where} ORDER BY s.{order}",
        target=job.target.name.identifier,
        columns=shared.names(job.columns),
        staged=shared.qualified("s", job.columns),
        staging=job.staging.identifier,
        where=SQL(()) if condition is None else sql(" WHERE {condition}", condition=condition),
        order=Identifier(order_of(job.target)),
    )


def _column(column: Column, collation: str) -> SQL:
    parts: list[SQL | Identifier] = [Identifier(column.name), type_sql(column.type)]
    if has_characters(column.type):
        # The same as the target's, so that rows are found by its index; the character set comes with it.
        parts.append(sql("COLLATE {collation}", collation=trusted(column.collation or collation)))
    if column.type.name == "timestamp":
        parts.append(sql("NULL"))  # else it is NOT NULL, and has a default
    return join(" ", parts)
