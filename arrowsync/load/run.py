"""The load: rows into the table, by the route of the plan. One match, and one function for each way."""

from __future__ import annotations

from arrowsync.load.apply import apply_steps
from arrowsync.load.counts import RowCounts
from arrowsync.load.direct import check_arrived, load_new, load_watched, stage
from arrowsync.load.hidden_table import load_hidden
from arrowsync.load.merge import merge
from arrowsync.load.parallel import load_over_connections
from arrowsync.load.plan import LoadRoute, creating_around, holds_off_writers
from arrowsync.load.task import LoadTask
from arrowsync.load.text_columns import settle


async def run(task: LoadTask) -> RowCounts:
    """Create or alter the table, and bring the rows into it.

    A load over one connection runs in the transaction that its plan was made in. Several connections load outside of one, and
    then begin the transaction that shows the rows.
    """
    match task.plan.route:
        case LoadRoute(connections=several) if several > 1:
            return await load_over_connections(task)
        case LoadRoute(into="hidden table"):
            if task.plan.options.parallel == 1:
                return await load_hidden(task)
            async with task.outcome.transaction(task.session):  # the plan was made in another one
                return await load_hidden(task)
        case LoadRoute(into="new table"):
            return await _finished(task, await _create(task))
        case LoadRoute(staged=False):
            return await _finished(task, await _add(task))
        case _:
            return await _finished(task, await _merge(task))


async def _create(task: LoadTask) -> RowCounts:
    """Load a new table that gets its key last."""
    before, after = creating_around(task.plan)
    with task.clock.phase("migrate"):
        await apply_steps(task.session, before, task.outcome)
    with task.clock.phase("load"):
        counts = await load_new(task)
    with task.clock.phase("migrate"):
        await apply_steps(task.session, after, task.outcome)
    return counts


async def _add(task: LoadTask) -> RowCounts:
    """Load the target itself."""
    with task.clock.phase("migrate"):
        await apply_steps(task.session, task.plan.migration.creating, task.outcome)
    with task.clock.phase("load"):
        return await load_watched(task)


async def _merge(task: LoadTask) -> RowCounts:
    """Stage the rows, alter the target, and merge. Altering locks the table for readers too, so the rows are staged before it."""
    session, plan = task.session, task.plan
    with task.clock.phase("migrate"):
        await apply_steps(session, plan.migration.creating, task.outcome)
    with task.clock.phase("load"):
        staging, counts = await stage(task)
        await settle(session, staging, plan.texts, task.rows)
    with task.clock.phase("migrate"):
        await apply_steps(session, plan.migration.altering, task.outcome)
    with task.clock.phase("merge"):
        if holds_off_writers(plan):
            await session.dialect.locks.lock(session, plan.table.name, "merge")
        return counts + await merge(task, plan.merge_job(staging), counts.loaded)


async def _finished(task: LoadTask, counts: RowCounts) -> RowCounts:
    check_arrived(counts, task)
    for statement in task.dialect.merge.after_load(task.plan.table, task.rows.schema.names):
        await task.session.execute(statement)
    return counts
