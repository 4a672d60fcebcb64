"""What a sync is to do, decided before the first row is read: `plan_job` gives a `Job`, and `Clock` measures it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter

from arrowsync.catalog import Catalog, ObjectName, Table
from arrowsync.convert.compile import Converter, compile_converter
from arrowsync.declare.spec import TableSpec
from arrowsync.dialects.dialect import Dialect, MergeJob, Session
from arrowsync.errors import DeclarationError
from arrowsync.migrate.changes import CreateTable, describe
from arrowsync.migrate.plan import MigrationPlan, Step
from arrowsync.options import Mode, SyncOptions
from arrowsync.report import SyncReport
from arrowsync.sources.stream import BatchStream
from arrowsync.sync.apply import make_plan
from arrowsync.sync.intake import Intake
from arrowsync.sync.load import Counts
from arrowsync.sync.marks import Marks, marks_for, refuses
from arrowsync.sync.tables import Aim, aim_at, names_of


@dataclass(frozen=True, slots=True)
class Job:
    """All that is decided before the first row is read.

    `current` is what the database has of the objects `names`; `fit` brings declared types to those of a live table that holds
    them in others.
    """

    names: tuple[ObjectName, ...]
    current: Catalog
    table: Table
    key: tuple[str, ...]
    mode: Mode
    plan: MigrationPlan
    convert: Converter
    fit: Converter | None
    dry_run: bool

    @property
    def creates(self) -> bool:
        """Whether the table isn't there yet."""
        return self.current.table(self.table.name) is None

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
        here = counts.loaded - counts.refused - counts["duplicates"] - counts["inserted"] - counts["updated"]
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
            via=counts.via,
        )


async def plan_job(
    stream: BatchStream, declared: TableSpec | ObjectName, dialect: Dialect, session: Session, options: SyncOptions
) -> Job:
    """Look at the live table, and decide. Raises here, before anything has changed, where it can't be done."""
    names = names_of(declared, dialect, session.server)
    current = await dialect.discover(session, names)
    aim = aim_at(declared, stream.schema, current, dialect, session.server, options.key)
    plan = make_plan(dialect, session, current, aim.target, [aim.spec], options.schema_changes)
    return _prepare(stream, tuple(names), current, aim, plan, dialect, options)


def _prepare(
    stream: BatchStream,
    names: tuple[ObjectName, ...],
    current: Catalog,
    aim: Aim,
    plan: MigrationPlan,
    dialect: Dialect,
    options: SyncOptions,
) -> Job:
    table = plan.catalog.table(aim.name)
    assert table is not None, "the plan makes the table"
    convert = compile_converter(stream.schema, aim.spec, source=stream.name, valid_text=stream.valid_text)
    return Job(
        names=names,
        current=current,
        table=table,
        key=aim.spec.key
        if set(aim.spec.key) <= set(convert.schema.names)
        else (),  # by what isn't there, none are told apart
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
        # A list or struct is JSON where the database has neither; a live type may be wider than the declared one.
        as_json = (column.element or column.struct) and not (there.type.element or there.type.members)
        if (as_json or here.type != there.type) and (held := dialect.language.spec_of(there)).type != column.type:
            columns[at] = replace(held, nullable=column.nullable)
            wider = True
    if not wider:
        return None
    spec = replace(aim.spec, columns=tuple(columns), key=(), unique=())
    return compile_converter(convert.schema, spec, valid_text=True)


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


def merge_job(job: Job, staging: ObjectName, intake: Intake, options: SyncOptions) -> MergeJob:
    """Bring what is in `staging` into the table."""
    columns = tuple(intake.schema.names)
    return MergeJob(job.table, staging, columns, job.key, job.mode, options.on_conflict, options.dedup)


def marks_of(job: Job, stream: BatchStream, options: SyncOptions) -> Marks | None:
    """What rows bring along so that those can be found that the server refuses, where they are to be rejected."""
    if options.on_error == "raise" or not refuses(job.table, creates=job.creates, inserts=job.mode == "insert"):
        return None
    return marks_for(job.table, lines=stream.has_places)


def is_new(job: Job) -> bool:
    """Whether the table is created here, and can get its key when the rows are in it.

    Not where rows are only inserted, which is to fail at the first repeated key, nor where other keys are checked
    meanwhile, nor where the table may refer to itself.
    """
    return job.creates and job.mode != "insert" and bool(job.key) and not (job.table.unique or job.table.foreign_keys)


def creating_around(job: Job) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The steps that create what the new table needs, and those that need it: its indexes, and keys that refer to it."""
    steps = job.plan.creating
    at = [isinstance(step.change, CreateTable) for step in steps].index(True)
    return steps[:at], steps[at + 1 :]


def goes_straight(job: Job, options: SyncOptions) -> bool:
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
