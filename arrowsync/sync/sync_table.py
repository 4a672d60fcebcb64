"""The main job from end to end: `sync_table`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from time import perf_counter

from arrowsync.bridge import Worker
from arrowsync.catalog import ObjectName
from arrowsync.declare.spec import TableSpec
from arrowsync.dialects.contract import Opener, Session
from arrowsync.load.cleanup import cleaned_up
from arrowsync.load.counts import RowCounts
from arrowsync.load.locks import BeginAgain, TurnTaking
from arrowsync.load.outcome import Outcome
from arrowsync.load.parallel import opener_of
from arrowsync.load.plan import Clock, LoadPlan, plan_load
from arrowsync.load.run import run
from arrowsync.load.stream import ConvertedStream, Progress
from arrowsync.load.target import declared_spec, flat_name
from arrowsync.load.task import LoadTask
from arrowsync.load.value_check import value_check
from arrowsync.migration.changes import describe
from arrowsync.options import SyncOptions
from arrowsync.report import SyncReport
from arrowsync.sources.files.trail import located
from arrowsync.sources.open import open_batches
from arrowsync.sources.stream import BatchStream


async def sync_table(
    data: object,
    table: object,
    session: Session,
    options: SyncOptions,
    outcome: Outcome,
    progress: Progress | None = None,
) -> SyncReport:
    """Open the data; plan; create or migrate the table, load and merge in one transaction; report.

    Where several connections load, the first transaction only plans, and another one commits.
    """
    clock = Clock()
    opener = await opener_of(session) if options.parallel > 1 else None
    declared = declared_spec(table, options.key)
    hint = declared if isinstance(declared, TableSpec) else None
    turns = TurnTaking(session, _names_of_every_load(declared, session, options), lasting=opener is not None)
    target = None if options.dry_run else flat_name(declared, session.dialect.language, session.server)
    async with turns.feeding(target), _opened(data, hint) as stream:
        while True:
            with suppress(BeginAgain):
                async with turns.taken:
                    return await _plan_and_run(
                        stream, declared, session, options, outcome, progress, clock, turns, opener
                    )


async def _plan_and_run(
    stream: BatchStream,
    declared: TableSpec | ObjectName,
    session: Session,
    options: SyncOptions,
    outcome: Outcome,
    progress: Progress | None,
    clock: Clock,
    turns: TurnTaking,
    opener: Opener | None,
) -> SyncReport:
    """Do all of it; BeginAgain if the plan needs a turn that has to be waited for outside of the transaction."""
    plans_only = opener is not None or options.dry_run
    counts = None
    async with cleaned_up(session, opener) as cleanup:
        async with session.transaction() if plans_only else outcome.transaction(session) as own:
            await turns.take(turns.names)
            with clock.phase("plan"):
                plan = await plan_load(stream, declared, session, options)
                if options.dry_run:
                    return _report(plan, clock)
                if await turns.take_for(plan.migration, own=own):
                    plan = await plan_load(stream, declared, session, options)
            cleanup.target = plan.table.name
            rows = ConvertedStream(
                stream,
                plan.convert,
                plan.to_live,
                options.on_error,
                options.max_rejects,
                progress,
                plan.row_numbers,
                value_check(plan, session),
                plan.key,
                plan.table.name.name,
            )
            task = LoadTask(session, plan, rows, clock, cleanup, outcome)
            if opener is None:
                with turns.creating(own=own, begun=lambda: rows.begun):
                    counts = await run(task)
            committing = perf_counter()
        clock.phases["commit"] = perf_counter() - committing
        if counts is None:
            counts = await run(task)
    return _report(plan, clock, rows, counts)


def _names_of_every_load(declared: TableSpec | ObjectName, session: Session, options: SyncOptions) -> set[ObjectName]:
    """The names that a load takes whatever its plan is."""
    takes = session.dialect.locks.every_load and not options.dry_run
    return {flat_name(declared, session.dialect.language, session.server)} if takes else set()


@asynccontextmanager
async def _opened(data: object, hint: TableSpec | None) -> AsyncGenerator[BatchStream]:
    """Open the data as a stream, and close it, in a worker thread: it may be one that waits for this very loop."""
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


def _report(
    plan: LoadPlan, clock: Clock, rows: ConvertedStream | None = None, counts: RowCounts | None = None
) -> SyncReport:
    """Say what was done; without `counts`, what a dry run would do."""
    report = SyncReport(
        table=str(plan.table.name),
        mode=plan.mode,
        route=str(plan.route),
        changes=tuple(describe(step.change) for step in plan.migration.steps),
        plan=plan.migration,
        seconds=clock.total(),
        phases=clock.phases,
        dry_run=plan.options.dry_run,
        inferred=plan.inferred,
    )
    if rows is None or counts is None:
        return report
    return replace(
        report,
        rows_read=rows.rows_read,
        inserted=counts["inserted"],
        updated=counts["updated"],
        unchanged=counts["unchanged"],
        skipped=counts["skipped"],
        suppressed=counts["suppressed"],
        duplicates=counts["duplicates"],
        deleted=counts["deleted"],
        rejected=rows.rejected,
        rejects=rows.rejects,
        bytes_sent=counts.bytes_sent,
        via=counts.via,
    )
