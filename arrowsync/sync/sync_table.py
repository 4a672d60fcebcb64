"""The main job from end to end: `sync_table`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from time import perf_counter

from arrowsync.bridge import Worker
from arrowsync.catalog import ObjectName
from arrowsync.declare.spec import TableSpec
from arrowsync.dialects.contract import Dialect, HiddenTables, Session, SharedTables
from arrowsync.errors import ArrowSyncError
from arrowsync.load.apply import apply_steps
from arrowsync.load.audit import check_inserted
from arrowsync.load.direct import RowCounts, check_arrived, load_directly, load_new, stage
from arrowsync.load.hidden_table import Cleanup, cleaned_up, load_hidden
from arrowsync.load.locks import BeginAgain, TurnTaking
from arrowsync.load.merge import merge
from arrowsync.load.outcome import Outcome
from arrowsync.load.parallel import check_parallel, over_several
from arrowsync.load.plan import (
    Clock,
    LoadPlan,
    creating_around,
    declared_spec,
    flat_name,
    goes_straight,
    is_new,
    locks,
    merge_job,
    plan_load,
    row_numbers_of,
)
from arrowsync.load.rejects import name_table
from arrowsync.load.stream import ConvertedStream, Progress
from arrowsync.load.text_columns import settle, settling
from arrowsync.load.value_check import value_check
from arrowsync.options import SyncOptions
from arrowsync.report import SyncReport
from arrowsync.sources.files.trail import located
from arrowsync.sources.open import open_batches
from arrowsync.sources.stream import BatchStream


async def sync_table(
    data: object,
    table: object,
    dialect: Dialect,
    session: Session,
    options: SyncOptions,
    outcome: Outcome,
    progress: Progress | None = None,
) -> SyncReport:
    """Create or migrate, convert, load, merge: in one transaction, which only plans where several connections load."""
    clock = Clock()
    shared = check_parallel(dialect, session) if options.parallel > 1 else None
    declared = declared_spec(table, options.key)
    hint = declared if isinstance(declared, TableSpec) else None
    turns = TurnTaking(dialect, session, _loaded(declared, dialect, session, options), lasting=shared is not None)
    told: list[str] = []
    async with _opened(data, hint) as stream, _real_name(told):
        while True:
            with suppress(BeginAgain):
                async with turns.taken:
                    return await _attempt(
                        stream, declared, dialect, session, options, outcome, progress, clock, turns, shared, told
                    )


def _loaded(
    declared: TableSpec | ObjectName, dialect: Dialect, session: Session, options: SyncOptions
) -> set[ObjectName]:
    """The names that a load takes whatever its plan is."""
    takes = dialect.turns is not None and dialect.turns.loads and not options.dry_run
    return {flat_name(declared, dialect, session.server)} if takes else set()


async def _attempt(
    stream: BatchStream,
    declared: TableSpec | ObjectName,
    dialect: Dialect,
    session: Session,
    options: SyncOptions,
    outcome: Outcome,
    progress: Progress | None,
    clock: Clock,
    turns: TurnTaking,
    shared: SharedTables | HiddenTables | None,
    told: list[str],
) -> SyncReport:
    """All of it; BeginAgain where the plan needs a turn that has to be waited for outside of the transaction."""
    # Where several connections load, this one only plans, and another transaction commits.
    transaction = outcome.transaction(session) if shared is None and not options.dry_run else session.transaction()
    async with cleaned_up(dialect, session) as cleanup, transaction as own:
        await turns.take(turns.names)
        with clock.phase("plan"):
            job = await plan_load(stream, declared, dialect, session, options)
            told[:] = [job.table.name.name]
            if options.dry_run:
                return job.report(clock)
            if await turns.take_for(job.plan, own=own):
                job = await plan_load(stream, declared, dialect, session, options)
        row_numbers = row_numbers_of(job, stream, dialect, options)
        converted = ConvertedStream(
            stream, job.convert, job.fit, options.on_error, options.max_rejects, progress, row_numbers
        )
        converted.key, converted.table = job.key, job.table.name.name
        converted.storable = value_check(job, converted.schema, dialect, session, options)
        counts = None
        if shared is None:
            with turns.creating(own=own, begun=lambda: converted.begun):
                counts = await _carry_out(job, converted, dialect, session, options, clock, cleanup, outcome)
        committing = perf_counter()
    clock.phases["commit"] = perf_counter() - committing
    if shared is not None:
        counts = await over_several(shared, job, converted, dialect, session, options, clock, outcome)
    return job.report(clock, converted, counts)


@asynccontextmanager
async def _real_name(told: list[str]) -> AsyncGenerator[None]:
    """Errors name the table, once it is told, and not the hidden one that its rows are in."""
    try:
        yield
    except ArrowSyncError as error:
        for table in told:
            name_table(error, table)
        raise


@asynccontextmanager
async def _opened(data: object, hint: TableSpec | None) -> AsyncGenerator[BatchStream]:
    """The data as a stream, opened and closed in a worker thread: it may be one that waits for this very loop."""
    opener = Worker("open")
    try:
        stream = await opener.run(open_batches, data, hint)
        try:
            with located(stream):
                yield stream
        finally:
            await opener.run(stream.close)
    finally:
        opener.close()


async def _carry_out(
    job: LoadPlan,
    converted: ConvertedStream,
    dialect: Dialect,
    session: Session,
    options: SyncOptions,
    clock: Clock,
    cleanup: Cleanup,
    outcome: Outcome,
) -> RowCounts:
    cleanup.target = job.table.name
    if dialect.hidden_tables is not None and job.creates:
        with clock.phase("load"):
            what = merge_job(job, job.table.name, converted, options)
            return await load_hidden(
                dialect, dialect.hidden_tables, session, what, job.plan.steps, converted, cleanup, outcome
            )
    texts = settling(dialect, job.table, converted.schema, rejecting=converted.row_numbers is not None)
    new = is_new(job) and converted.row_numbers is None
    before, after = creating_around(job) if new else (job.plan.creating, ())
    with clock.phase("migrate"):
        await apply_steps(dialect, session, before, outcome)
    if new:
        with clock.phase("load"):
            counts = await load_new(dialect, session, merge_job(job, job.table.name, converted, options), converted)
        with clock.phase("migrate"):
            await apply_steps(dialect, session, after, outcome)
    elif goes_straight(job, options) and converted.row_numbers is None and not texts:
        with clock.phase("load"):
            if job.mode == "replace":  # else rows of another replacement that isn't committed yet stay beside these
                await dialect.lock(session, job.table.name, "merge")
            counts = await _load_straight(job, converted, dialect, session)
    else:
        # Altering locks the table for readers too, so the rows are on the server before it happens.
        with clock.phase("load"):
            staging, counts = await stage(dialect, session, job.table, converted, cleanup.made)
            await settle(dialect, session, staging.name, texts, converted)
            counts.refused = converted.refused
        with clock.phase("migrate"):
            await apply_steps(dialect, session, job.plan.altering, outcome)
        with clock.phase("merge"):
            if locks(job, options):
                await dialect.lock(session, job.table.name, "merge")
            await merge(
                dialect, session, merge_job(job, staging.name, converted, options), counts, converted, cleanup.made
            )
    check_arrived(counts, converted, job.table.name)
    for statement in dialect.after_load(job.table, converted.schema.names):
        await session.execute(statement)
    return counts


async def _load_straight(job: LoadPlan, converted: ConvertedStream, dialect: Dialect, session: Session) -> RowCounts:
    """The rows straight into the table; where triggers might take them away again, it is counted how many have stayed."""
    watched = dialect.audit is not None and bool(job.interference)
    before = await dialect.audit.written(session, job.table) if dialect.audit is not None and watched else None
    counts = await load_directly(session, job.table, converted, replace=job.mode == "replace")
    if dialect.audit is not None and before is not None:
        stayed = (await dialect.audit.written(session, job.table) or 0) - before
        check_inserted(counts.loaded, stayed, job.table.name, job.interference)
    return counts
