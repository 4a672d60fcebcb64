"""Staged rows into the table: the staging table, the statements of the merge, and the insert that skips keys that are taken."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import LiteralString

from arrowsync.catalog import Column, Index, ObjectName, Table
from arrowsync.dialects import merge_sql
from arrowsync.dialects.contract import MergeJob, MergeStep
from arrowsync.dialects.mysql.discover import updates_are_quiet
from arrowsync.dialects.mysql.hidden_tables import HIDDEN
from arrowsync.dialects.mysql.types import has_characters, type_sql
from arrowsync.sql import SQL, Identifier, join, sql, trusted
from arrowsync.wire.mysqltext.live import labels_of_set

STAGED = "arrowsync_staged_"


def row_number_column(target: Table) -> str:
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
    """A staging table that other sessions see: it has a hidden name, and its rows bring their row number."""
    name = ObjectName(None, f"{HIDDEN}{secrets.token_hex(8)}")
    return name, _staging(sql("CREATE TABLE"), name, sql("NOT NULL"), target, columns, collation)


def _staging(
    create: SQL, name: ObjectName, numbered: SQL, target: Table, columns: Sequence[str], collation: str
) -> SQL:
    by_name = {column.name: column for column in target.columns}
    lines = [_column(by_name[column], collation) for column in columns]
    keys = [target.key, *(unique.columns for unique in target.unique)]
    key = next((key for key in keys if key and set(key) <= set(columns)), ())
    if key:
        lines.append(sql("KEY ({key})", key=merge_sql.names(key)))
    return sql(
        "{create} {staging} ({order} bigint unsigned {numbered} PRIMARY KEY, {lines}) ENGINE=InnoDB",
        create=create,
        staging=name.identifier,
        numbered=numbered,
        order=Identifier(row_number_column(target)),
        lines=join(", ", lines),
    )


def drop_staging(name: ObjectName) -> SQL:
    """Statements that drop a staging table, and a second one that a merge may have left, without a commit."""
    return sql(
        "DROP TEMPORARY TABLE IF EXISTS {staging}, {repeated}",
        staging=name.identifier,
        repeated=repeated_keys(name),
    )


def repeated_keys(staging: ObjectName) -> Identifier:
    """The name of the second staging table, which holds keys of the first."""
    return Identifier(f"{staging.name}_keys")


def insert_staged(job: MergeJob, condition: SQL | None = None) -> SQL:
    """The statement that inserts the staged rows (`s`) that meet the condition, in the order of arrival."""
    return sql(
        "INSERT INTO {target} ({columns}) SELECT {staged} FROM {staging} AS s{where} ORDER BY s.{order}",
        target=job.target.name.identifier,
        columns=merge_sql.names(job.columns),
        staged=merge_sql.qualified("s", job.columns),
        staging=job.staging.identifier,
        where=SQL(()) if condition is None else sql(" WHERE {condition}", condition=condition),
        order=Identifier(row_number_column(job.target)),
    )


def _column(column: Column, collation: str) -> SQL:
    parts: list[SQL | Identifier] = [Identifier(column.name), type_sql(column.type)]
    if has_characters(column.type):
        # The same as the target's, so that rows are found by its index; the character set comes with it.
        parts.append(sql("COLLATE {collation}", collation=trusted(column.collation or collation)))
    if column.type.name == "timestamp":
        parts.append(sql("NULL"))  # else it is NOT NULL, and has a default
    return join(" ", parts)


def insert_skipping(job: MergeJob) -> list[MergeStep]:
    """Insert the rows whose keys the target lacks; of rows that share a key, the first.

    What can't be seen here, an index on a part of a text, say, only the server compares by: ON DUPLICATE KEY UPDATE would run
    triggers on rows that are skipped, so where there may be any, such rows are an error. So are they where the client has told
    the server to count rows that were found, which would be taken for new ones. Not IGNORE: it ignores values that don't fit.
    """
    target, column = job.target.name, Identifier(job.target.name.name, job.columns[0])
    order = Identifier(row_number_column(job.target))
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
                same=merge_sql.same("s", "t", key),
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
    order, kept = Identifier(row_number_column(job.target)), repeated_keys(job.staging)
    columns = tuple(dict.fromkeys(name for key in keys for name in key))
    chosen = sql(
        "SELECT s.{order}, {columns} FROM {staging} AS s",
        order=order,
        columns=merge_sql.qualified("s", columns),
        staging=job.staging.identifier,
    )
    create = sql(
        "CREATE TEMPORARY TABLE {kept} (PRIMARY KEY ({order}), {keys}) ENGINE=InnoDB {chosen} LIMIT 0",
        kept=kept,
        order=order,
        keys=join(", ", [sql("UNIQUE KEY ({key})", key=merge_sql.names(key)) for key in keys]),
        chosen=chosen,
    )
    fill = sql(
        "INSERT INTO {kept} ({order}, {columns}) {chosen} WHERE NOT @arrowsync_skips ORDER BY s.{order} "
        "ON DUPLICATE KEY UPDATE {kept}.{order} = {kept}.{order}",
        kept=kept,
        order=order,
        columns=merge_sql.names(columns),
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


EXACT = frozenset({None, "utf8mb4_0900_bin", "utf8mb4_nopad_bin"})
"""Collations to which texts are equal only if their bytes are; None is that of a column that is added here."""


def steps(job: MergeJob) -> tuple[MergeStep, ...]:
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
        case "replace" if job.key and merge_sql.brings_all(job):
            steps += [_delete_missing(job), *_update(job), MergeStep(_insert_missing(job), "inserted")]
        case "replace":
            steps += [
                MergeStep(sql("DELETE FROM {target}", target=job.target.name.identifier), "deleted"),
                MergeStep(insert_staged(job), "inserted"),
            ]
    return tuple(steps)


def _drop_duplicates(job: MergeJob) -> list[MergeStep]:
    order = Identifier(row_number_column(job.target))
    repeated = repeated_keys(job.staging)
    collect = sql(
        "CREATE TEMPORARY TABLE {repeated} (PRIMARY KEY ({order}), KEY ({key})) ENGINE=InnoDB SELECT {key}, {keep} AS {order} "
        "FROM {staging} GROUP BY {key} HAVING count(*) > 1",
        repeated=repeated,
        key=merge_sql.names(job.key),
        keep=sql("max({order})" if job.dedup == "last" else "min({order})", order=order),
        order=order,
        staging=job.staging.identifier,
    )
    delete = sql(
        "DELETE s FROM {staging} AS s JOIN {repeated} AS d ON {same} WHERE s.{order} <> d.{order}",
        staging=job.staging.identifier,
        repeated=repeated,
        same=merge_sql.same("s", "d", job.key),
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
    statement = sql(
        "UPDATE {target} AS t JOIN {staging} AS s ON {same} SET {assignments} WHERE {differs}",
        target=job.target.name.identifier,
        staging=job.staging.identifier,
        same=merge_sql.same("t", "s", job.key),
        assignments=join(", ", [sql("t.{c} = s.{c}", c=Identifier(name)) for name in job.values]),
        differs=differs(job, "t", "s"),
    )
    return [MergeStep(statement, "updated")]


def differs(job: MergeJob, left: LiteralString, right: LiteralString) -> SQL:
    """The condition that two aliases aren't the same in a column that the data brings beside the key."""
    columns = {column.name: column for column in job.target.columns}
    return sql("({any})", any=join(" OR ", [_differs(columns[name], left, right) for name in job.values]))


def _differs(column: Column, left: LiteralString, right: LiteralString) -> SQL:
    there, here = Identifier(left, column.name), Identifier(right, column.name)
    plain = sql("NOT {there} <=> {here}", there=there, here=here)
    if labels_of_set(column.type) is not None:
        return plain
    if column.type.name == "json":
        return _distinct(there, here, lambda value: sql("CAST(CAST({v} AS CHAR) AS BINARY)", v=value))
    if has_characters(column.type) and column.collation not in EXACT:
        return _distinct(there, here, lambda value: sql("CAST({v} AS BINARY)", v=value))
    if column.type.name.startswith(("float", "double")):
        signs = _distinct(there, here, lambda value: sql("CAST({v} AS CHAR)", v=value))
        return sql("({plain} OR {there} = 0 AND {signs})", plain=plain, there=there, signs=signs)
    return plain


def _distinct(there: Identifier, here: Identifier, form: Callable[[Identifier], SQL]) -> SQL:
    return sql("NOT {there} <=> {here}", there=form(there), here=form(here))


def _insert_missing(job: MergeJob) -> SQL:
    return sql(
        "INSERT INTO {target} ({columns}) SELECT {staged} FROM {staging} AS s "
        "WHERE NOT EXISTS (SELECT 1 FROM {target} AS t WHERE {same})",
        target=job.target.name.identifier,
        columns=merge_sql.names(job.columns),
        staged=merge_sql.qualified("s", job.columns),
        staging=job.staging.identifier,
        same=merge_sql.same("t", "s", job.key),
    )


def _delete_missing(job: MergeJob) -> MergeStep:
    statement = sql(
        "DELETE t FROM {target} AS t LEFT JOIN {staging} AS s ON {same} WHERE s.{order} IS NULL",
        target=job.target.name.identifier,
        staging=job.staging.identifier,
        same=merge_sql.same("t", "s", job.key),
        order=Identifier(row_number_column(job.target)),
    )
    return MergeStep(statement, "deleted")
