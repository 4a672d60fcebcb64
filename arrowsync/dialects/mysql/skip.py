"""`insert_skipping`: the staged rows into the table, but those whose keys are taken."""

from __future__ import annotations

from arrowsync.catalog import Index
from arrowsync.dialects import shared
from arrowsync.dialects.dialect import MergeJob, MergeStep
from arrowsync.dialects.mysql.queries import updates_are_quiet
from arrowsync.dialects.mysql.staging import insert_staged, order_of, repeated_keys
from arrowsync.sql import Identifier, join, sql


def insert_skipping(job: MergeJob) -> list[MergeStep]:
    """Bring the rows whose keys nobody has, and of those that share one the first.

    What can't be seen here, an index on a part of a text, say, only the server compares by: ON DUPLICATE KEY UPDATE would run
    triggers on rows that are skipped, so where there may be any, such rows are an error. So are they where the client has told
    the server to count rows that were found, which would be taken for new ones. Not IGNORE: it ignores values that don't fit.
    """
    target, column = job.target.name, Identifier(job.target.name.name, job.columns[0])
    order = Identifier(order_of(job.target))
    look = sql(
        "UPDATE {staging} SET {order} = {order} ORDER BY {order} LIMIT 1", staging=job.staging.identifier, order=order
    )
    decide = sql("SET @arrowsync_skips = (ROW_COUNT() = 0 AND {quiet})", quiet=updates_are_quiet(target))
    skip = sql(
        "{insert} ON DUPLICATE KEY UPDATE {column} = {column}",
        insert=insert_staged(job, sql("@arrowsync_skips")),
        column=column,
    )
    return [
        *_drop_present(job),
        MergeStep(look),
        MergeStep(decide),
        MergeStep(skip, "inserted"),
        *_drop_repeated(job),
        MergeStep(insert_staged(job, sql("NOT @arrowsync_skips")), "inserted"),
        MergeStep(sql("SET @arrowsync_skips = NULL")),
    ]


def _unique_keys(job: MergeJob) -> list[tuple[str, ...]]:
    """The columns of each unique key of the target that the data brings."""
    target = job.target
    keys = [target.key, *(unique.columns for unique in target.unique)]
    keys += [plain for index in target.indexes if index.unique and (plain := _plain(index))]
    return [key for key in keys if key and set(key) <= set(job.columns)]


def _plain(index: Index) -> tuple[str, ...]:
    """The columns of an index; nothing where it has something else."""
    names = tuple(part for part in index.parts if isinstance(part, str))
    return names if len(names) == len(index.parts) else ()


def _drop_present(job: MergeJob) -> list[MergeStep]:
    """Take the rows away whose keys the target has."""
    return [
        MergeStep(
            sql(
                "DELETE s FROM {staging} AS s JOIN {target} AS t ON {same}",
                staging=job.staging.identifier,
                target=job.target.name.identifier,
                same=shared.same("s", "t", key),
            )
        )
        for key in _unique_keys(job)
    ]


def _drop_repeated(job: MergeJob) -> list[MergeStep]:
    """Take the rows away that share a key with an earlier row that stays, if the server doesn't skip them.

    The merge key isn't repeated any more. In a table of the keys alone, which has no triggers, the server itself finds which
    rows these are, one after the other.
    """
    keys = [key for key in _unique_keys(job) if set(key) != set(job.key)]
    if not keys:
        return []
    order, kept = Identifier(order_of(job.target)), repeated_keys(job.staging)
    columns = tuple(dict.fromkeys(name for key in keys for name in key))
    chosen = sql(
        "SELECT s.{order}, {columns} FROM {staging} AS s",
        order=order,
        columns=shared.qualified("s", columns),
        staging=job.staging.identifier,
    )
    create = sql(
        "CREATE TEMPORARY TABLE {kept} (PRIMARY KEY ({order}), {keys}) ENGINE=InnoDB {chosen} LIMIT 0",
        kept=kept,
        order=order,
        keys=join(", ", [sql("UNIQUE KEY ({key})", key=shared.names(key)) for key in keys]),
        chosen=chosen,
    )
    fill = sql(
        "INSERT INTO {kept} ({order}, {columns}) {chosen} WHERE NOT @arrowsync_skips ORDER BY s.{order} "
        "ON DUPLICATE KEY UPDATE {kept}.{order} = {kept}.{order}",
        kept=kept,
        order=order,
        columns=shared.names(columns),
        chosen=chosen,
    )
    delete = sql(
        "DELETE s FROM {staging} AS s LEFT JOIN {kept} AS d ON s.{order} = d.{order} "
        "WHERE d.{order} IS NULL AND NOT @arrowsync_skips",
        staging=job.staging.identifier,
        kept=kept,
        order=order,
    )
    drop = sql("DROP TEMPORARY TABLE {kept}", kept=kept)
    return [MergeStep(create), MergeStep(fill), MergeStep(delete), MergeStep(drop)]
