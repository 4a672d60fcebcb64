"""Staged rows into the table: the statements of the merge.

Texts are compared by their bytes and floats with the sign of their zeros, so that every change is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from arrowsync.catalog import Column, Table
from arrowsync.dialects import shared
from arrowsync.dialects.dialect import MergeJob, MergeStep
from arrowsync.dialects.mysql.skip import insert_skipping
from arrowsync.dialects.mysql.staging import insert_staged, order_of, repeated_keys
from arrowsync.dialects.mysql.types import has_characters
from arrowsync.sql import SQL, Identifier, join, sql

EXACT = frozenset({None, "utf8mb4_0900_bin", "utf8mb4_nopad_bin"})
"""Collations to which texts are equal only if their bytes are; None is that of a column that is added here."""


def merge_steps(job: MergeJob) -> tuple[MergeStep, ...]:
    """The statements that bring staged rows into the target, for every mode; unchanged rows are never written.

    Rows go before rows come, so that a value of a unique column can move from a row that is deleted to one that is new.
    """
    steps: list[MergeStep] = []
    if job.key and job.dedup != "error" and (job.fresh or job.mode != "insert" or job.on_conflict == "skip"):
        steps += _drop_duplicates(job)
    if job.fresh:
        return (*steps, MergeStep(insert_staged(job), "inserted"))
    match job.mode:
        case "insert":
            steps += insert_skipping(job) if job.on_conflict == "skip" else [MergeStep(insert_staged(job), "inserted")]
        case "upsert":
            steps += [*_update(job), MergeStep(_insert_missing(job), "inserted")]
        case "mirror":
            steps += [_delete_missing(job), *_update(job), MergeStep(_insert_missing(job), "inserted")]
        case "replace" if job.key and _brings_all(job):
            steps += [_delete_missing(job), *_update(job), MergeStep(_insert_missing(job), "inserted")]
        case "replace":
            steps += [
                MergeStep(sql("DELETE FROM {target}", target=job.target.name.identifier), "deleted"),
                MergeStep(insert_staged(job), "inserted"),
            ]
    return tuple(steps)


def _brings_all(job: MergeJob) -> bool:
    return all(column.generated or column.name in job.columns for column in job.target.columns)


def _drop_duplicates(job: MergeJob) -> list[MergeStep]:
    order = Identifier(order_of(job.target))
    repeated = repeated_keys(job.staging)
    collect = sql(
        "CREATE TEMPORARY TABLE {repeated} (PRIMARY KEY ({order}), KEY ({key})) ENGINE=InnoDB SELECT {key}, {keep} AS {order} "
        "FROM {staging} GROUP BY {key} HAVING count(*) > 1",
        repeated=repeated,
        key=shared.names(job.key),
        keep=sql("max({order})" if job.dedup == "last" else "min({order})", order=order),
        order=order,
        staging=job.staging.identifier,
    )
    delete = sql(
        "DELETE s FROM {staging} AS s JOIN {repeated} AS d ON {same} WHERE s.{order} <> d.{order}",
        staging=job.staging.identifier,
        repeated=repeated,
        same=shared.same("s", "d", job.key),
        order=order,
    )
    drop = sql("DROP TEMPORARY TABLE {repeated}", repeated=repeated)
    return [MergeStep(collect), MergeStep(delete, "duplicates"), MergeStep(drop)]


def _update(job: MergeJob) -> list[MergeStep]:
    """Set all columns of the rows where one differs.

    A key stays as it is spelled there, where its collation takes it for the same: others may refer to it.
    """
    if not job.values:
        return []
    columns = {column.name: column for column in job.target.columns}
    statement = sql(
        "UPDATE {target} AS t JOIN {staging} AS s ON {same} SET {assignments} WHERE {differs}",
        target=job.target.name.identifier,
        staging=job.staging.identifier,
        same=shared.same("t", "s", job.key),
        assignments=join(", ", [sql("t.{c} = s.{c}", c=Identifier(name)) for name in job.values]),
        differs=join(" OR ", [_differs(columns[name]) for name in job.values]),
    )
    return [MergeStep(statement, "updated")]


def _differs(column: Column) -> SQL:
    """The condition that `t` and `s` aren't the same in the column."""
    there, here = sql("t.{c}", c=Identifier(column.name)), sql("s.{c}", c=Identifier(column.name))
    plain = sql("NOT {there} <=> {here}", there=there, here=here)
    if column.type.name == "json":
        return _distinct(there, here, lambda value: sql("CAST(CAST({v} AS CHAR) AS BINARY)", v=value))
    if has_characters(column.type) and column.collation not in EXACT:
        return _distinct(there, here, lambda value: sql("CAST({v} AS BINARY)", v=value))
    if column.type.name in ("float", "double"):
        signs = _distinct(there, here, lambda value: sql("CAST({v} AS CHAR)", v=value))
        return sql("({plain} OR {there} = 0 AND {signs})", plain=plain, there=there, signs=signs)
    return plain


def _distinct(there: SQL, here: SQL, form: Callable[[SQL], SQL]) -> SQL:
    return sql("NOT {there} <=> {here}", there=form(there), here=form(here))


def _insert_missing(job: MergeJob) -> SQL:
    return sql(
        "INSERT INTO {target} ({columns}) SELECT {staged} FROM {staging} AS s "
        "WHERE NOT EXISTS (SELECT 1 FROM {target} AS t WHERE {same})",
        target=job.target.name.identifier,
        columns=shared.names(job.columns),
        staged=shared.qualified("s", job.columns),
        staging=job.staging.identifier,
        same=shared.same("t", "s", job.key),
    )


def _delete_missing(job: MergeJob) -> MergeStep:
    statement = sql(
        "DELETE t FROM {target} AS t LEFT JOIN {staging} AS s ON {same} WHERE s.{order} IS NULL",
        target=job.target.name.identifier,
        staging=job.staging.identifier,
        same=shared.same("t", "s", job.key),
        order=Identifier(order_of(job.target)),
    )
    return MergeStep(statement, "deleted")


def after_load(table: Table, columns: Sequence[str]) -> tuple[SQL, ...]:
    """Nothing: a numbered column goes on behind the greatest number that was brought."""
    return ()
