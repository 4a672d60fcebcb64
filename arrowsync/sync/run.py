"""The main job from end to end: `sync_table`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter

import pyarrow as pa

from arrowsync.bridge import Worker
from arrowsync.catalog import ObjectName, Table
from arrowsync.convert.compile import Converter, compile_converter
from arrowsync.declare.spec import TableSpec
from arrowsync.dialects.dialect import Dialect, MergeJob, Session
from arrowsync.errors import DeclarationError
from arrowsync.migrate.changes import CreateTable, describe
from arrowsync.migrate.plan import MigrationPlan
from arrowsync.options import Mode, SyncOptions
from arrowsync.report import SyncReport
from arrowsync.sources.open import open_batches
from arrowsync.sync.apply import apply_steps, make_plan
from arrowsync.sync.drafting import Traces, load_draft, tidied
from arrowsync.sync.intake import Intake, Progress
from arrowsync.sync.load import Counts, check_arrived, load_new, load_straight, merge, stage
from arrowsync.sync.tables import Aim, aim_at, declared_spec, names_of


async def sync_table(
    data: object,
    table: object,
    dialect: Dialect,
    session: Session,
    options: SyncOptions,
    progress: Progress | None = None,
) -> SyncReport:
    """Create or migrate, convert, load, merge: in one transaction."""
    clock = Clock()
    declared = declared_spec(table, options.key)
    hint = declared if isinstance(declared, TableSpec) else None
    opener = Worker("open")
    try:
        stream = await opener.run(open_batches, data, hint)
    finally:
        opener.close()
    with stream:
        async with tidied(dialect, session) as traces, session.transaction():
            with clock.phase("plan"):
                current = await dialect.discover(session, names_of(declared, dialect, session.server))
                aim = aim_at(declared, stream.schema, current, dialect, session.server, options.key)
                plan = make_plan(dialect, session, current, aim.target, [aim.spec], options.schema_changes)
                job = _prepare(stream.schema, stream.name, aim, plan, dialect, options)
            if options.dry_run:
                return job.report(clock)
            intake = Intake(stream, job.convert, job.fit, options.on_error, options.max_rejects, progress)
            counts = await _carry_out(job, intake, dialect, session, options, clock, traces)
            committing = perf_counter()
        clock.phases["commit"] = perf_counter() - committing
    return job.report(clock, intake, counts)


@dataclass(frozen=True, slots=True)
class Job:
    """All that is decided before the first row is read. `fit` widens declared types to those of a wider live table."""

    table: Table
    key: tuple[str, ...]
    mode: Mode
    plan: MigrationPlan
    convert: Converter
    fit: Converter | None
    dry_run: bool

    @property
    def creates(self) -> bool:
        """Whether the table is created here."""
        return any(
            isinstance(s.change, CreateTable) and s.change.table.name == self.table.name for s in self.plan.steps
        )

    def report(self, clock: Clock, intake: Intake | None = None, counts: Counts | None = None) -> SyncReport:
        report = SyncReport(
            table=str(self.table.name),
            mode=self.mode,
            changes=tuple(describe(step.change) for step in self.plan.steps),
            plan=self.plan,
            seconds=clock.total(),
            phases=clock.phases,
            dry_run=self.dry_run,
        )
        if intake is None or counts is None:
            return report
        here = counts.loaded - counts["duplicates"] - counts["inserted"] - counts["updated"]
        return replace(
            report,
            rows_read=intake.rows_read,
            inserted=counts["inserted"],
            updated=counts["updated"],
            unchanged=0 if self.mode == "insert" else here,
            skipped=here if self.mode == "insert" else 0,
            duplicates=counts["duplicates"],
            deleted=counts["deleted"],
            rejected=intake.rejected,
            rejects=intake.rejects,
            bytes_sent=counts.bytes_sent,
        )


def _prepare(
    schema: pa.Schema, source: str, aim: Aim, plan: MigrationPlan, dialect: Dialect, options: SyncOptions
) -> Job:
    table = plan.catalog.table(aim.name)
    assert table is not None, "the plan makes the table"
    convert = compile_converter(schema, aim.spec, source=source)
    return Job(
        table=table,
        key=aim.spec.key,
        mode=_choose_mode(aim.spec, convert.schema.names, options),
        plan=plan,
        convert=convert,
        fit=_compile_fit(convert, table, aim, dialect),
        dry_run=options.dry_run,
    )


def _compile_fit(convert: Converter, live: Table, aim: Aim, dialect: Dialect) -> Converter | None:
    """Declared types -> those of the live columns, where the table is wider than its declaration; else None."""
    wanted = aim.target.table(aim.name)
    assert wanted is not None, "the target has the table"
    columns = list(convert.columns)
    wider = False
    for at, column in enumerate(columns):
        here, there = wanted.column(column.name), live.column(column.name)
        assert here is not None, "every declared column is in the target"
        assert there is not None, "the plan adds every declared column"
        if here.type != there.type and (held := dialect.language.spec_of(there)).type != column.type:
            columns[at] = replace(held, nullable=column.nullable)
            wider = True
    if not wider:
        return None
    return compile_converter(convert.schema, replace(aim.spec, columns=tuple(columns), key=(), unique=()))


def _choose_mode(spec: TableSpec, brought: list[str], options: SyncOptions) -> Mode:
    missing = [name for name in spec.key if name not in brought]
    mode = options.mode
    if mode is None:
        mode = "insert" if missing or not spec.key or options.on_conflict == "skip" else "upsert"
    if mode in ("upsert", "mirror") and not spec.key:
        raise DeclarationError(
            f"mode={mode!r} needs a key, and {spec.name!r} has none",
            table=spec.name,
            hint="declare a PrimaryKey field, or pass key=",
        )
    if mode != "insert" and missing:
        raise DeclarationError(
            f"mode={mode!r} needs the key column {missing[0]!r}, which the data doesn't have",
            table=spec.name,
            field=missing[0],
            hint='bring the key, or use mode="insert"',
        )
    return mode


async def _carry_out(
    job: Job, intake: Intake, dialect: Dialect, session: Session, options: SyncOptions, clock: Clock, traces: Traces
) -> Counts:
    traces.target = job.table.name
    if dialect.drafts is not None and job.creates:
        with clock.phase("load"):
            merge_job = _merge_job(job, job.table.name, intake, options)
            return await load_draft(dialect, dialect.drafts, session, merge_job, job.plan.steps, intake, traces.made)
    new = _is_new(job)
    with clock.phase("migrate"):
        steps = job.plan.creating
        await apply_steps(dialect, session, [s for s in steps if not (new and isinstance(s.change, CreateTable))])
    if new:
        with clock.phase("load"):
            counts = await load_new(dialect, session, _merge_job(job, job.table.name, intake, options), intake)
    elif _goes_straight(job, options):
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
            await merge(dialect, session, _merge_job(job, staging.name, intake, options), counts)
    check_arrived(counts, intake, job.table.name)
    for statement in dialect.after_load(job.table, intake.schema.names):
        await session.execute(statement)
    return counts


def _merge_job(job: Job, staging: ObjectName, intake: Intake, options: SyncOptions) -> MergeJob:
    columns = tuple(intake.schema.names)
    return MergeJob(job.table, staging, columns, job.key, job.mode, options.on_conflict, options.dedup)


def _is_new(job: Job) -> bool:
    """Whether the table is created here, and can get its key when the rows are in it.

    Not where rows are only inserted, which is to fail at the first repeated key, nor where other keys are checked
    meanwhile, nor where the table may refer to itself.
    """
    return job.creates and job.mode != "insert" and bool(job.key) and not (job.table.unique or job.table.foreign_keys)


def _goes_straight(job: Job, options: SyncOptions) -> bool:
    """Whether rows can go into the table itself: there is nothing to merge with, and the table isn't altered."""
    if job.plan.alters or options.on_conflict == "skip":
        return False
    return job.mode == "insert" or (job.mode == "replace" and not job.key)


class Clock:
    """Wall clock time, in all and by phase."""

    def __init__(self) -> None:
        self.phases: dict[str, float] = {}
        self._started = perf_counter()

    @contextmanager
    def phase(self, name: str) -> Generator[None]:
        started = perf_counter()
        try:
            yield
        finally:
            self.phases[name] = self.phases.get(name, 0.0) + perf_counter() - started

    def total(self) -> float:
        return perf_counter() - self._started
