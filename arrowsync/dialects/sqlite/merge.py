"""Staged rows into the table: the statements shared with PostgreSQL and DuckDB, and what is SQLite's own.

The order of arrival is `rowid`. SQLite has no DELETE ... USING, and makes no index by itself for what a subquery looks up, so
staged rows get one on their key where the rows of the table are looked up among them.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import LiteralString

from arrowsync.catalog import ObjectName, Table
from arrowsync.dialects import merge_sql
from arrowsync.dialects.contract import MergeJob, MergeStep
from arrowsync.dialects.sqlite.types import storage_class
from arrowsync.sql import SQL, Identifier, join, sql, trusted

_TEMPORARY = "temp"
"""The schema of temporary tables: named, so that no table of the database is taken for one."""


def create_staging(target: Table, columns: Sequence[str]) -> tuple[ObjectName, SQL]:
    """A temporary table with those columns of the target, of their types, without constraints and defaults."""
    name = ObjectName(_TEMPORARY, f"arrowsync_{secrets.token_hex(8)}")
    found = [column for column in target.columns if column.name in columns]
    lines = [sql("{name} {type}", name=Identifier(c.name), type=trusted(storage_class(c.type))) for c in found]
    return name, sql("CREATE TABLE {staging} ({lines}) STRICT", staging=name.identifier, lines=join(", ", lines))


def steps(job: MergeJob) -> tuple[MergeStep, ...]:
    """The statements that bring staged rows into the target."""
    style = merge_sql.MergeStyle(order="rowid", differs=lambda columns: _any_differs(job, columns, "t", "s"))
    steps = merge_sql.merge_steps(job, style)
    if steps[0].outcome == "duplicates":
        steps = (MergeStep(_drop_duplicates(job), "duplicates"), *steps[1:])
    deletes = next((at for at, step in enumerate(steps) if step.outcome == "deleted"), None)
    if job.key and deletes is not None:
        steps = (*steps[:deletes], MergeStep(_index_key(job)), *steps[deletes:])
    return steps


def differs(job: MergeJob, left: LiteralString, right: LiteralString) -> SQL:
    """The condition that two aliases differ in a column that the data brings beside the key."""
    return _any_differs(job, job.values, left, right) if job.values else sql("0")


def _any_differs(job: MergeJob, columns: Sequence[str], left: LiteralString, right: LiteralString) -> SQL:
    types = {column.name: column.type.name for column in job.target.columns}
    return sql("({any})", any=join(" OR ", [_differs(name, types[name], left, right) for name in columns]))


def _differs(name: str, type_name: str, left: LiteralString, right: LiteralString) -> SQL:
    one, other = Identifier(left, name), Identifier(right, name)
    if type_name == "any":  # 1 and 1.0 are equal
        return sql("(typeof({t}) IS NOT typeof({s}) OR {t} COLLATE BINARY IS NOT {s})", t=one, s=other)
    # Whatever the collation of the column says.
    return sql("{t} COLLATE BINARY IS NOT {s}", t=one, s=other)


def _drop_duplicates(job: MergeJob) -> SQL:
    order = SQL(("rowid",)) if job.row_number is None else SQL((Identifier(job.row_number),))
    return sql(
        "DELETE FROM {staging} WHERE {order} NOT IN (SELECT {kept} FROM {staging} GROUP BY {key})",
        staging=job.staging.identifier,
        order=order,
        kept=sql("max({order})" if job.dedup == "last" else "min({order})", order=order),
        key=merge_sql.names(job.key),
    )


def _index_key(job: MergeJob) -> SQL:
    # An index is in the schema of its table, whose name it is given with, and the table is named without.
    return sql(
        "CREATE INDEX IF NOT EXISTS {index} ON {staging} ({key})",
        index=Identifier(job.staging.namespace, f"{job.staging.name}_key"),
        staging=Identifier(job.staging.name),
        key=merge_sql.names(job.key),
    )
