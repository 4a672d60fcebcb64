"""The main job from end to end: `sync_table`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import perf_counter

from arrowsync.bridge import Worker
from arrowsync.declare.spec import TableSpec
from arrowsync.dialects.dialect import Dialect, Session
from arrowsync.options import SyncOptions
from arrowsync.report import SyncReport
from arrowsync.sources.open import open_batches
from arrowsync.sources.stream import BatchStream
from arrowsync.sync.apply import apply_steps
from arrowsync.sync.drafting import Traces, load_draft, tidied
from arrowsync.sync.intake import Intake, Progress
from arrowsync.sync.job import Clock, Job, creating_around, goes_straight, is_new, marks_of, merge_job, plan_job
from arrowsync.sync.load import Counts, check_arrived, load_new, load_straight, stage
from arrowsync.sync.merge import merge
from arrowsync.sync.parallel import check_parallel
from arrowsync.sync.several_drafting import over_several
from arrowsync.sync.tables import declared_spec
from arrowsync.sync.unstorable import storable


async def sync_table(
    data: object,
    table: object,
    dialect: Dialect,
    session: Session,
    options: SyncOptions,
    progress: Progress | None = None,
) -> SyncReport:
    """Create or migrate, convert, load, merge: in one transaction, which only plans where several connections load."""
    clock = Clock()
    forms = check_parallel(dialect, session) if options.parallel > 1 else None
    declared = declared_spec(table, options.key)
    hint = declared if isinstance(declared, TableSpec) else None
    async with _opened(data, hint) as stream:
        async with tidied(dialect, session) as traces, session.transaction():
            with clock.phase("plan"):
                job = await plan_job(stream, declared, dialect, session, options)
            if options.dry_run:
                return job.report(clock)
            marks = marks_of(job, stream, options)
            intake = Intake(stream, job.convert, job.fit, options.on_error, options.max_rejects, progress, marks)
            intake.storable = storable(job, intake.schema, dialect, session, options)
            counts = await _carry_out(job, intake, dialect, session, options, clock, traces) if forms is None else None
            committing = perf_counter()
        clock.phases["commit"] = perf_counter() - committing
        if forms is not None:
            counts = await over_several(forms, job, intake, dialect, session, options, clock)
    return job.report(clock, intake, counts)


@asynccontextmanager
async def _opened(data: object, hint: TableSpec | None) -> AsyncGenerator[BatchStream]:
    """The data as a stream, opened and closed in a worker thread: it may be one that waits for this very loop."""
    opener = Worker("open")
    try:
        stream = await opener.run(open_batches, data, hint)
        try:
            yield stream
        finally:
            await opener.run(stream.close)
    finally:
        opener.close()


async def _carry_out(
    job: Job, intake: Intake, dialect: Dialect, session: Session, options: SyncOptions, clock: Clock, traces: Traces
) -> Counts:
    traces.target = job.table.name
    if dialect.drafts is not None and job.creates:
        with clock.phase("load"):
            what = merge_job(job, job.table.name, intake, options)
            return await load_draft(dialect, dialect.drafts, session, what, job.plan.steps, intake, traces)
    new = is_new(job) and intake.marks is None
    before, after = creating_around(job) if new else (job.plan.creating, ())
    with clock.phase("migrate"):
        await apply_steps(dialect, session, before)
    if new:
        with clock.phase("load"):
            counts = await load_new(dialect, session, merge_job(job, job.table.name, intake, options), intake)
        with clock.phase("migrate"):
            await apply_steps(dialect, session, after)
    elif goes_straight(job, options) and intake.marks is None:
        with clock.phase("load"):
            counts = await load_straight(session, job.table, intake, replace=job.mode == "replace")
    else:
        # Altering locks the table for readers too, so the rows are on the server before it happens.
        with clock.phase("load"):
            staging, counts = await stage(dialect, session, job.table, intake, traces.made)
        with clock.phase("migrate"):
            await apply_steps(dialect, session, job.plan.altering)
        with clock.phase("merge"):
            await dialect.lock(session, job.table.name, "merge")
            await merge(dialect, session, merge_job(job, staging.name, intake, options), counts, intake, traces.made)
    check_arrived(counts, intake, job.table.name)
    for statement in dialect.after_load(job.table, intake.schema.names):
        await session.execute(statement)
    return counts
