"""The load of rows straight into a table, or into a staging table, and steps that count their rows."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from arrowsync.catalog import Column, ObjectName, Table
from arrowsync.dialects.contract import LoadTarget, MergeJob, MergeStep, Session
from arrowsync.errors import ConstraintViolated, DatabaseError
from arrowsync.load.audit import check_inserted
from arrowsync.load.counts import RowCounts, arrived
from arrowsync.load.stream import ConvertedStream
from arrowsync.load.task import LoadTask
from arrowsync.load.text_columns import as_arriving
from arrowsync.migration.changes import Change, CreateTable, SetKey
from arrowsync.sql import SQL, sql


async def load_directly(session: Session, table: Table, rows: ConvertedStream) -> RowCounts:
    """Load the rows straight into the table."""
    result = await session.load(LoadTarget(table.name, columns_of(table, rows.schema), rows.schema), iter(rows))
    return arrived(result).having({"inserted": result.rows})


async def load_watched(task: LoadTask) -> RowCounts:
    """Load the rows straight into the target, and count those that stay, if triggers might take them away again."""
    session, plan = task.session, task.plan
    if plan.mode == "replace":  # locked, or rows of another replacement that isn't committed yet stay beside these
        await session.dialect.locks.lock(session, plan.table.name, "merge")
    audit = session.dialect.audit
    before = await audit.written(session, plan.table) if plan.interference else None
    deleted = RowCounts()
    if plan.mode == "replace":
        deleted = await run_step(session, MergeStep(_delete_all(plan.table.name), "deleted"))
    counts = deleted + await load_directly(session, plan.table, task.rows)
    if before is not None:
        stayed = (await audit.written(session, plan.table) or 0) - before
        check_inserted(counts.loaded, stayed, plan.table.name, plan.interference)
    return counts


def _delete_all(name: ObjectName) -> SQL:
    return sql("DELETE FROM {table}", table=name.identifier)


async def load_replacing(session: Session, table: Table, rows: ConvertedStream) -> RowCounts:
    """Load the rows into an empty table that has its key, where of several with one key the last stays."""
    target = LoadTarget(table.name, columns_of(table, rows.schema), rows.schema, replacing=True)
    result = await session.load(target, iter(rows))
    counted = await session.fetch(sql("SELECT count(*) AS n FROM {table}", table=table.name.identifier))
    kept: int = counted.column("n")[0].as_py()
    return arrived(result).having({"inserted": kept, "duplicates": result.rows - kept})


async def load_new(task: LoadTask) -> RowCounts:
    """Load the rows into a table that is created here without its key, which comes last.

    The index is built over all the rows at once, and the rows are written once. With TPC-H lineitem at scale 1 that took 15 s in
    DuckDB, and staging and merging 27 s (2026-11-21).
    """
    session, table = task.session, task.plan.table
    job = task.plan.merge_job(table.name)
    await make(session, CreateTable(replace(table, key=())))
    counts = await load_directly(session, table, task.rows)
    counts = counts + await resolve_duplicates(session, job)
    await make(session, SetKey(table.name, job.key, ()))
    return counts.having({"inserted": counts.loaded - counts["duplicates"]})


async def stage(task: LoadTask) -> tuple[ObjectName, RowCounts]:
    """Load the rows into a new staging table, with the types of the target's columns and none of its constraints.

    Columns whose values arrive as text are text, until they are settled.
    """
    session, rows, table = task.session, task.rows, task.plan.table
    if rows.row_numbers is not None:
        table = rows.row_numbers.beside(table)
    table = as_arriving(session.dialect, table, rows.sent, rejecting=rows.row_numbers is not None)
    columns = columns_of(table, rows.sent)
    name, statement = session.dialect.merge.create_staging(table, [column.name for column in columns])
    task.cleanup.temporary.append(name)
    await session.execute(statement)
    return name, arrived(await session.load(LoadTarget(name, columns, rows.sent), iter(rows)))


def check_arrived(counts: RowCounts, task: LoadTask) -> None:
    """Refuse a load of which rows have got lost on their way to the table, or to the staging table."""
    if counts.loaded != task.rows.rows_passed:
        raise DatabaseError(
            f"{task.rows.rows_passed:,} rows were sent to {task.plan.table.name}, and {counts.loaded:,} arrived",
            hint="nothing was changed; a trigger or rule on the table may drop rows",
        )


def columns_of(table: Table, schema: pa.Schema) -> tuple[Column, ...]:
    """The columns of the table that batches of the schema bring, in their order."""
    by_name = {column.name: column for column in table.columns}
    return tuple(by_name[name] for name in schema.names)


async def make(session: Session, *changes: Change) -> None:
    """Run the statements of these changes."""
    for change in changes:
        for statement in session.dialect.language.render(change):
            await session.execute(statement)


async def resolve_duplicates(session: Session, job: MergeJob) -> RowCounts:
    """Leave one row for each key of the staging table, or fail, as `job.dedup` says."""
    if job.dedup == "error":
        await refuse_duplicates(session, job)
    counts = RowCounts()
    for step in session.dialect.merge.steps(job):
        if step.outcome == "duplicates":
            counts += await run_step(session, step)
    return counts


async def run_step(session: Session, step: MergeStep) -> RowCounts:
    """Run the statement, and count the rows that it affects as the step's outcome."""
    rows = await session.execute(step.statement)
    return RowCounts() if step.outcome is None else RowCounts(rows={step.outcome: rows})


async def refuse_duplicates(session: Session, job: MergeJob) -> None:
    """Fail if several of the staged rows have one key."""
    repeated = await session.fetch(session.dialect.merge.repeated_keys(job))
    if not repeated.num_rows:
        return
    keys = [tuple(row[name] for name in job.key) for row in repeated.to_pylist()]
    shown = ", ".join(f"({', '.join(map(repr, key))})" for key in keys)
    raise ConstraintViolated(
        f"the data has several rows with one key ({', '.join(job.key)}): {shown}{' ...' if len(keys) == 5 else ''}",
        kind="unique",
        table=str(job.target.name),
        column=job.key[0] if len(job.key) == 1 else None,
        hint='mend the data, or take the last or first of them with dedup="last" or "first"',
    )
