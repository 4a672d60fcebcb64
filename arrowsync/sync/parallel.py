"""The way over several connections: rows into a hidden table that all of them see, then one transaction for the rest.

The stream is read and converted by one thread, and its batches are dealt to the connections as each gets free. Nobody sees
any of it before that last transaction commits: it finds the database as it was when the sync was planned, or fails. What a
database has to do for it is `ParallelForms`, and how a hidden table becomes the real one is in `hidden`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import perf_counter

from arrowsync.bridge import finish
from arrowsync.catalog import ObjectName
from arrowsync.dialects.dialect import Dialect, Drafts, MergeJob, Opener, ParallelForms, Session
from arrowsync.errors import ConstraintViolated, DatabaseError, DeclarationError
from arrowsync.migrate.changes import CreateNamespace, DropColumn
from arrowsync.options import SyncOptions
from arrowsync.sync.apply import apply_steps
from arrowsync.sync.dealing import RECONNECTING, load_dealt, several
from arrowsync.sync.hidden import Hidden, apply_creating, design, make, resolving
from arrowsync.sync.intake import Intake
from arrowsync.sync.job import Clock, Job, goes_straight, merge_job
from arrowsync.sync.load import Counts, check_arrived, resolve_duplicates
from arrowsync.sync.merge import merge

DISCARD_SECONDS = 30.0
"""How long an error may be held back for that: a server that is gone may let each attempt wait."""


def check_parallel(dialect: Dialect, session: Session) -> ParallelForms | Drafts:
    """What loading over several connections takes here; DeclarationError, before anything happens, where it can't be."""
    forms = dialect.parallel or dialect.drafts
    reason = f"{dialect.language.name} is loaded over one connection" if forms is None else forms.refusal(session)
    if forms is None or reason is not None:
        raise DeclarationError(f"parallel can't be used here: {reason}", hint="leave parallel out")
    return forms


@dataclass(frozen=True, slots=True)
class Loading:
    """One load over several connections: what is to be done, and with what."""

    job: Job
    intake: Intake
    dialect: Dialect
    forms: ParallelForms
    session: Session
    options: SyncOptions
    clock: Clock

    async def carry_out(self) -> Counts:
        """Load and merge what is planned. The session is in no transaction, but those that are begun here."""
        opener = await self.forms.opener(self.session)
        async with _claimed(await self._namespace(), self.forms, self.session, opener) as name:
            hidden = design(self.job, self.intake.schema, name, self.options, self.intake.marks)
            with self.clock.phase("load"):
                async with several(self.session, opener, self.options.parallel) as sessions:
                    await make(hidden, self.job, self.dialect, self.forms, self.session)
                    ordinal = hidden.ordinal if self.intake.marks is None else None
                    counts = await load_dealt(hidden.target, ordinal, sessions, self.intake)
            check_arrived(counts, self.intake, self.job.table.name)
            async with self.session.transaction():
                await check_unchanged(self.job, self.dialect, self.session)
                job = resolving(hidden, merge_job(self.job, name, self.intake, self.options))
                await (self._move(hidden, job, counts) if hidden.becomes else self._merge(hidden, job, counts))
                for statement in self.dialect.after_load(self.job.table, self.intake.schema.names):
                    await self.session.execute(statement)
                committing = perf_counter()
            self.clock.phases["commit"] = perf_counter() - committing
        return counts

    async def _namespace(self) -> str:
        """Where the hidden table is to be: beside the target, unless that namespace has yet to be created."""
        wanted = self.job.table.name.namespace
        made = {step.change.name for step in self.job.plan.steps if isinstance(step.change, CreateNamespace)}
        return await self.forms.place(self.session, None if wanted in made else wanted)

    async def _move(self, hidden: Hidden, job: MergeJob, counts: Counts) -> None:
        """The hidden table is the target from now on. Duplicates are looked for only where the key can't be made."""
        moved = False
        with self.clock.phase("migrate"):
            try:
                async with self.session.transaction():
                    await apply_creating(hidden, self.job, self.dialect, self.forms, self.session)
                moved = True
            except ConstraintViolated as error:
                if error.kind != "unique" or not job.key or job.mode == "insert":
                    raise
        if not moved:
            with self.clock.phase("merge"):
                await resolve_duplicates(self.dialect, self.session, job, counts)
            with self.clock.phase("migrate"):
                await apply_creating(hidden, self.job, self.dialect, self.forms, self.session)
        counts.rows["inserted"] = counts.loaded - counts["duplicates"]
        if hidden.ordinal is not None:
            for statement in self.dialect.language.render(DropColumn(job.target.name, hidden.target.columns[-1])):
                await self.session.execute(statement)

    async def _merge(self, hidden: Hidden, job: MergeJob, counts: Counts) -> None:
        """The staged rows into the target."""
        with self.clock.phase("migrate"):
            await apply_creating(hidden, self.job, self.dialect, self.forms, self.session)
            await apply_steps(self.dialect, self.session, self.job.plan.altering)
        with self.clock.phase("merge"):
            if self.intake.marks is not None or not goes_straight(self.job, self.options):
                await self.dialect.lock(self.session, self.job.table.name, "merge")
            await merge(self.dialect, self.session, job, counts, self.intake, [])


async def check_unchanged(job: Job, dialect: Dialect, session: Session) -> None:
    """The plan is for the tables as they were before the load. (Types that are there by now can't be created.)"""
    found = await dialect.discover(session, job.names)
    if any(found.table(name) != job.current.table(name) for name in job.names):
        raise DatabaseError(
            f"the table {job.table.name} was created or altered by somebody else while its rows were loaded",
            transient=True,
            hint="nothing was changed; repeat the sync",
        )


@asynccontextmanager
async def _claimed(
    namespace: str, forms: ParallelForms, session: Session, opener: Opener
) -> AsyncGenerator[ObjectName]:
    """A name for a hidden table. What has it is dropped when the block fails; what others left behind, at once."""
    await forms.sweep(session, namespace)
    name = ObjectName(namespace, f"_arrowsync_{secrets.token_hex(8)}")
    try:
        await forms.claim(session, name)
        yield name
    except BaseException:
        await finish(_discard(name, forms, session, opener))
        raise
    finally:
        await finish(_release(name, forms, session))


async def _discard(name: ObjectName, forms: ParallelForms, session: Session, opener: Opener) -> None:
    """Drop it, over a new connection where this one is lost. No error is raised: one is on its way, and the next sync sweeps."""
    with suppress(Exception):
        await forms.discard(session, name)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            for pause in RECONNECTING:
                await asyncio.sleep(pause)
                with suppress(Exception):
                    another = await opener()
                    try:
                        await forms.discard(another, name)
                    finally:
                        await another.close()
                    return


async def _release(name: ObjectName, forms: ParallelForms, session: Session) -> None:
    with suppress(Exception):  # a session that is lost claims nothing any more
        await forms.release(session, name)
