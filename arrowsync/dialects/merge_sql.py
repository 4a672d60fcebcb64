"""SQL that dialects share: tables as `catalog.ansi` writes them, and the merge of staged rows that PostgreSQL and DuckDB have,
with UPDATE ... FROM and DELETE ... USING.

What differs is passed in: how a type and a default are written, the hidden column that holds the order of arrival
(`ctid`, `rowid`), and how "this row differs" is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import LiteralString

from arrowsync.catalog import ansi
from arrowsync.catalog.ansi import add_constraint, create_index, create_table, foreign_key, names, unique_key
from arrowsync.dialects.contract import MergeJob, MergeStep
from arrowsync.migration.changes import InsertRows
from arrowsync.sql import SQL, Identifier, join, sql

__all__ = [
    "MergeStyle",
    "add_constraint",
    "brings_all",
    "create_index",
    "create_table",
    "foreign_key",
    "insert_rows",
    "merge_steps",
    "names",
    "qualified",
    "repeated_keys",
    "same",
    "unique_key",
]


def insert_rows(change: InsertRows) -> SQL:
    """INSERT ... VALUES, a line for each row."""
    return ansi.insert_rows(change.table, change.columns, change.rows)


def qualified(alias: LiteralString, columns: Sequence[str]) -> SQL:
    """The columns of one alias, separated by commas."""
    return join(", ", [_of(alias, name) for name in columns])


@dataclass(frozen=True, slots=True)
class MergeStyle:
    """The differences between the engines that share this merge.

    `order` is the hidden column of a staging table that grows in the order of arrival; `differs(columns)` is the condition
    that the rows `t` and `s` aren't the same in `columns`; `overriding` goes between the columns and the rows of an INSERT.
    `apart` are columns that are set by a statement of their own, and only in rows where they change. `assigned(column)` is what
    a column is set to in a row where some column differs; without it, the staged value.
    """

    order: LiteralString
    differs: Callable[[Sequence[str]], SQL]
    overriding: LiteralString = ""
    apart: frozenset[str] = frozenset()
    assigned: Callable[[str], SQL] | None = None


def merge_steps(job: MergeJob, style: MergeStyle) -> tuple[MergeStep, ...]:
    """The statements that bring staged rows into the target, for every mode; unchanged rows are never written.

    Rows go before rows come, so that a value of a unique column can move from a row that is deleted to one that is new.
    """
    steps: list[MergeStep] = []
    if job.key and job.dedup != "error" and (job.mode != "insert" or job.on_conflict == "skip"):
        steps.append(MergeStep(_drop_duplicates(job, style), "duplicates"))
    match job.mode:
        case "insert":
            steps.append(MergeStep(_insert(job, style), "inserted"))
        case "upsert":
            steps += [*_update(job, style), MergeStep(_insert(job, style), "inserted")]
        case "mirror":
            steps += [_delete_missing(job), *_update(job, style), MergeStep(_insert(job, style), "inserted")]
        case "replace" if job.key and brings_all(job):
            # The same rows as DELETE and INSERT leave, without touching those that stay: a second sync writes nothing.
            steps += [_delete_missing(job), *_update(job, style), MergeStep(_insert(job, style), "inserted")]
        case "replace":
            steps += [
                MergeStep(sql("DELETE FROM {target}", target=job.target.name.identifier), "deleted"),
                MergeStep(_insert(job, style), "inserted"),
            ]
    return tuple(steps)


def repeated_keys(job: MergeJob) -> SQL:
    """Up to five keys that the staged rows repeat, with the number of `copies`."""
    return sql(
        "SELECT {key}, count(*) AS copies FROM {staging} GROUP BY {key} HAVING count(*) > 1 ORDER BY {key} LIMIT 5",
        key=names(job.key),
        staging=job.staging.identifier,
    )


def brings_all(job: MergeJob) -> bool:
    """True if the data brings every column that isn't generated."""
    return all(column.generated or column.name in job.columns for column in job.target.columns)


def _drop_duplicates(job: MergeJob, style: MergeStyle) -> SQL:
    order = _order(job, style)
    keep = sql("max({order})" if job.dedup == "last" else "min({order})", order=order)
    return sql(
        "DELETE FROM {staging} AS s USING ("
        "SELECT {key}, {keep} AS kept FROM {staging} GROUP BY {key} HAVING count(*) > 1) AS d "
        "WHERE {same} AND s.{order} <> d.kept",
        staging=job.staging.identifier,
        key=names(job.key),
        keep=keep,
        same=same("s", "d", job.key),
        order=order,
    )


def _order(job: MergeJob, style: MergeStyle) -> SQL:
    """The column of the staging table that grows in the order of arrival."""
    return SQL((style.order if job.row_number is None else Identifier(job.row_number),))


def _update(job: MergeJob, style: MergeStyle) -> list[MergeStep]:
    """Set all columns of the rows where one differs; every such row is counted once, by the first statement."""
    together = [name for name in job.values if name not in style.apart]
    apart = [name for name in job.values if name in style.apart]
    steps: list[MergeStep] = []
    if together:
        steps.append(MergeStep(_set(job, together, style.differs(job.values), style), "updated"))
    if apart:
        steps.append(MergeStep(_set(job, apart, style.differs(apart), style), None if together else "updated"))
    return steps


def _set(job: MergeJob, columns: Sequence[str], differs: SQL, style: MergeStyle) -> SQL:
    values = [style.assigned(c) if style.assigned is not None else _of("s", c) for c in columns]
    return sql(
        "UPDATE {target} AS t SET {assignments} FROM {staging} AS s WHERE {same} AND {differs}",
        target=job.target.name.identifier,
        assignments=join(", ", [sql("{c} = {s}", c=Identifier(c), s=s) for c, s in zip(columns, values, strict=True)]),
        staging=job.staging.identifier,
        same=same("t", "s", job.key),
        differs=differs,
    )


def _insert(job: MergeJob, style: MergeStyle) -> SQL:
    into = sql(
        "INSERT INTO {target} ({columns}){overriding} SELECT {staged} FROM {staging} AS s",
        target=job.target.name.identifier,
        columns=names(job.columns),
        overriding=SQL((style.overriding,)),
        staged=qualified("s", job.columns),
        staging=job.staging.identifier,
    )
    if job.mode == "insert":
        skip = sql(" ON CONFLICT DO NOTHING") if job.on_conflict == "skip" else SQL(())
        if job.in_order or job.row_number is not None:
            into = sql("{into} ORDER BY s.{order}", into=into, order=_order(job, style))
        return sql("{into}{skip}", into=into, skip=skip)
    if not job.key or (job.mode == "replace" and not brings_all(job)):
        return into
    return sql(
        "{into} WHERE NOT EXISTS (SELECT 1 FROM {target} AS t WHERE {same})",
        into=into,
        target=job.target.name.identifier,
        same=same("t", "s", job.key),
    )


def _delete_missing(job: MergeJob) -> MergeStep:
    statement = sql(
        "DELETE FROM {target} AS t WHERE NOT EXISTS (SELECT 1 FROM {staging} AS s WHERE {same})",
        target=job.target.name.identifier,
        staging=job.staging.identifier,
        same=same("t", "s", job.key),
    )
    return MergeStep(statement, "deleted")


def same(left: LiteralString, right: LiteralString, columns: Sequence[str]) -> SQL:
    """The condition that two aliases have the same key."""
    return join(" AND ", [sql("{a} = {b}", a=_of(left, c), b=_of(right, c)) for c in columns])


def _of(alias: LiteralString, column: str) -> SQL:
    return sql("{alias}.{column}", alias=SQL((alias,)), column=Identifier(column))
