"""Several connections where DDL commits: they load a draft, or a staging table that all of them see, under a hidden name.

A new table whose rows are only inserted is loaded at once, and then given its name. Existing ones are merged from staging, by
one connection and in one transaction. Where the key of a new table resolves repeated keys, in the order of arrival, one
connection loads it: that takes half the time of staging over two (2026-11-21).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter

from arrowsync.catalog import ObjectName, Table
from arrowsync.dialects.dialect import Dialect, Drafts, LoadTarget, MergeJob, Opener, ParallelForms, Session
from arrowsync.errors import ConstraintViolated, DatabaseError
from arrowsync.options import SyncOptions
from arrowsync.sync.apply import apply_steps
from arrowsync.sync.dealing import load_dealt, several
from arrowsync.sync.drafting import Traces, called, is_plain, last_wins, load_draft, make_draft, publish, tidied
from arrowsync.sync.intake import Intake
from arrowsync.sync.job import Clock, Job, merge_job
from arrowsync.sync.load import Counts, check_arrived
from arrowsync.sync.marks import Marks
from arrowsync.sync.merge import merge
from arrowsync.sync.parallel import Loading, check_unchanged


async def over_several(
    forms: ParallelForms | Drafts,
    job: Job,
    intake: Intake,
    dialect: Dialect,
    session: Session,
    options: SyncOptions,
    clock: Clock,
) -> Counts:
    """Load and merge what is planned, over as many connections as the options say."""
    if isinstance(forms, ParallelForms):
        return await Loading(job, intake, dialect, forms, session, options, clock).carry_out()
    return await Drafting(job, intake, dialect, forms, session, options, clock).carry_out()


@dataclass(frozen=True, slots=True)
class Drafting:
    """One load over several connections: what is to be done, and with what."""

    job: Job
    intake: Intake
    dialect: Dialect
    drafts: Drafts
    session: Session
    options: SyncOptions
    clock: Clock

    async def carry_out(self) -> Counts:
        """Load and merge what is planned. The session is in no transaction, but those that are begun here."""
        opener = await self.drafts.opener(self.session)
        async with tidied(self.dialect, self.session) as traces:
            traces.target, traces.opener = self.job.table.name, opener
            if self.job.creates:
                draft = self.drafts.of(self.job.table)
                with called(draft.name, self.job.table.name):
                    return await self._create(draft, opener, traces)
            return await self._merge(opener, traces.made)

    async def _create(self, draft: Table, opener: Opener, traces: Traces) -> Counts:
        made = traces.made
        what = merge_job(self.job, self.job.table.name, self.intake, self.options)
        name, steps = self.job.table.name, self.job.plan.steps
        if last_wins(what) and self.intake.marks is None:
            with self.clock.phase("load"):
                async with self.session.transaction():
                    return await load_draft(self.dialect, self.drafts, self.session, what, steps, self.intake, traces)
        if is_plain(what) and self.intake.marks is None:
            with self.clock.phase("load"):
                async with several(self.session, opener, self.options.parallel) as sessions:
                    indexes = await make_draft(self.dialect, self.drafts, self.session, draft, name, steps, made)
                    columns = {column.name: column for column in draft.columns}
                    schema = self.intake.schema
                    target = LoadTarget(draft.name, tuple(columns[column] for column in schema.names), schema)
                    try:
                        counts = await load_dealt(target, None, sessions, self.intake)
                    except DatabaseError as error:
                        if draft.key and self.drafts.repeated(error):
                            raise _repeated(what) from error
                        raise
            counts.rows["inserted"] = counts.loaded
            check_arrived(counts, self.intake, name)
        else:
            staging, counts = await self._stage(opener, made)
            with self.clock.phase("migrate"):
                indexes = await make_draft(self.dialect, self.drafts, self.session, draft, name, steps, made)
            fresh = what.on_conflict != "skip"
            with self.clock.phase("merge"):
                async with self.session.transaction():
                    job = replace(what, target=draft, staging=staging, fresh=fresh)
                    await merge(self.dialect, self.session, job, counts, self.intake, made)
        with self.clock.phase("migrate"):
            await publish(self.dialect, self.drafts, self.session, draft, name, indexes)
        return counts

    async def _merge(self, opener: Opener, made: list[ObjectName]) -> Counts:
        staging, counts = await self._stage(opener, made)
        async with self.session.transaction():
            await check_unchanged(self.job, self.dialect, self.session)
            with self.clock.phase("migrate"):
                await apply_steps(self.dialect, self.session, self.job.plan.steps)
            with self.clock.phase("merge"):
                await self.dialect.lock(self.session, self.job.table.name, "merge")
                job = merge_job(self.job, staging, self.intake, self.options)
                await merge(self.dialect, self.session, job, counts, self.intake, made)
            committing = perf_counter()
        self.clock.phases["commit"] = perf_counter() - committing
        return counts

    async def _stage(self, opener: Opener, made: list[ObjectName]) -> tuple[ObjectName, Counts]:
        """The rows in a staging table that others see, with the order in which they came."""
        table, sent = self.job.table, self.intake.sent
        if self.intake.marks is not None:
            table = self.intake.marks.beside(table)
        name, statement = self.drafts.staging(table, sent.names)
        columns = {column.name: column for column in table.columns}
        assert self.dialect.arrival is not None, "drafts are staged in the order of arrival"
        order = Marks(self.dialect.arrival(table))
        brought = (*(columns[column] for column in sent.names), *order.columns)
        target = LoadTarget(name, brought, order.added_to(sent))
        with self.clock.phase("load"):
            async with several(self.session, opener, self.options.parallel) as sessions:
                made.append(name)
                await self.drafts.claim(self.session, name)
                await self.session.execute(statement)
                counts = await load_dealt(target, order.row, sessions, self.intake)
        check_arrived(counts, self.intake, self.job.table.name)
        return name, counts


def _repeated(job: MergeJob) -> ConstraintViolated:
    return ConstraintViolated(
        f"the data has several rows with one key ({', '.join(job.key)})",
        kind="unique",
        table=str(job.target.name),
        column=job.key[0] if len(job.key) == 1 else None,
        hint="a key can be there once: upsert brings rows to keys that exist",
    )
