"""A load over several connections: into a table that all of them see, then one transaction for the rest.

`load_parallel` serves databases whose DDL rolls back, `load_several_drafting` those whose DDL commits.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from time import perf_counter

from arrowsync.bridge import uninterrupted
from arrowsync.catalog import ObjectName, Table
from arrowsync.dialects.contract import Dialect, HiddenTables, LoadTarget, MergeJob, Opener, Session, SharedTables
from arrowsync.errors import ConstraintViolated, DatabaseError, DeclarationError
from arrowsync.load.apply import apply_steps
from arrowsync.load.direct import RowCounts, check_arrived, resolve_duplicates
from arrowsync.load.fan_out import RECONNECTING, connections, load_fanned_out, reopened
from arrowsync.load.hidden_table import (
    Cleanup,
    cleaned_up,
    create_hidden,
    is_plain,
    last_wins,
    load_hidden,
    publish,
    reporting_as,
)
from arrowsync.load.merge import merge
from arrowsync.load.outcome import Outcome
from arrowsync.load.plan import Clock, LoadPlan, locks, merge_job
from arrowsync.load.rejects import RowNumbers
from arrowsync.load.shared_table import HiddenTable, apply_creating, design, make, resolving
from arrowsync.load.stream import ConvertedStream
from arrowsync.load.text_columns import UNKNOWN, settle, settling
from arrowsync.migration.changes import CreateNamespace, DropColumn
from arrowsync.options import SyncOptions

DISCARD_SECONDS = 30.0
"""How long an error may be held back for that: a server that is gone may let each attempt wait."""


def check_parallel(dialect: Dialect, session: Session) -> SharedTables | HiddenTables:
    """What loading over several connections takes here; DeclarationError, before anything happens, where it can't be."""
    shared = dialect.parallel or dialect.hidden_tables
    reason = f"{dialect.language.name} is loaded over one connection" if shared is None else shared.refusal(session)
    if shared is None or reason is not None:
        raise DeclarationError(f"parallel can't be used here: {reason}", hint="leave parallel out")
    return shared


@dataclass(frozen=True, slots=True)
class ParallelLoad:
    """One load over several connections: what is to be done, and with what."""

    job: LoadPlan
    converted: ConvertedStream
    dialect: Dialect
    shared: SharedTables
    session: Session
    options: SyncOptions
    clock: Clock
    outcome: Outcome

    async def carry_out(self) -> RowCounts:
        """Load and merge what is planned. The session is in no transaction, but those that are begun here."""
        opener = await self.shared.opener(self.session)
        async with _claimed(await self._namespace(), self.shared, self.session, opener) as name:
            hidden = design(
                self.job, self.converted.schema, name, self.options, self.dialect, self.converted.row_numbers
            )
            with self.clock.phase("load"):
                async with connections(self.session, opener, self.options.parallel) as sessions:
                    await make(hidden, self.job, self.dialect, self.shared, self.session)
                    ordinal = hidden.ordinal if self.converted.row_numbers is None else None
                    counts = await load_fanned_out(hidden.target, ordinal, sessions, self.converted)
            check_arrived(counts, self.converted, self.job.table.name)
            async with self.outcome.transaction(self.session):
                await check_unchanged(self.job, self.dialect, self.session)
                job = resolving(hidden, merge_job(self.job, name, self.converted, self.options))
                await (self._move(hidden, job, counts) if hidden.becomes else self._merge(hidden, job, counts))
                for statement in self.dialect.after_load(self.job.table, self.converted.schema.names):
                    await self.session.execute(statement)
                committing = perf_counter()
            self.clock.phases["commit"] = perf_counter() - committing
        return counts

    async def _namespace(self) -> str:
        """Where the hidden table is to be: beside the target, unless that namespace has yet to be created."""
        wanted = self.job.table.name.namespace
        made = {step.change.name for step in self.job.plan.steps if isinstance(step.change, CreateNamespace)}
        return await self.shared.place(self.session, None if wanted in made else wanted)

    async def _move(self, hidden: HiddenTable, job: MergeJob, counts: RowCounts) -> None:
        """The hidden table is the target from now on. Duplicates are looked for only where the key can't be made."""
        moved = False
        with self.clock.phase("migrate"):
            try:
                async with self.session.transaction():
                    await apply_creating(hidden, self.job, self.dialect, self.shared, self.session)
                moved = True
            except ConstraintViolated as error:
                if error.kind != "unique" or not job.key or job.mode == "insert":
                    raise
        if not moved:
            with self.clock.phase("merge"):
                await resolve_duplicates(self.dialect, self.session, job, counts)
            with self.clock.phase("migrate"):
                await apply_creating(hidden, self.job, self.dialect, self.shared, self.session)
        counts.rows["inserted"] = counts.loaded - counts["duplicates"]
        if hidden.ordinal is not None:
            for statement in self.dialect.language.render(DropColumn(job.target.name, hidden.target.columns[-1])):
                await self.session.execute(statement)

    async def _merge(self, hidden: HiddenTable, job: MergeJob, counts: RowCounts) -> None:
        """The staged rows into the target."""
        with self.clock.phase("migrate"):
            await apply_creating(hidden, self.job, self.dialect, self.shared, self.session)
            await apply_steps(self.dialect, self.session, self.job.plan.altering, self.outcome)
        with self.clock.phase("merge"):
            if locks(self.job, self.options):
                await self.dialect.lock(self.session, self.job.table.name, "merge")
            texts = settling(
                self.dialect, self.job.table, self.converted.schema, rejecting=self.converted.row_numbers is not None
            )
            await settle(
                self.dialect, self.session, hidden.name, texts, self.converted, order=hidden.ordinal or UNKNOWN
            )
            counts.refused = self.converted.refused
            await merge(self.dialect, self.session, job, counts, self.converted, [])


async def check_unchanged(job: LoadPlan, dialect: Dialect, session: Session) -> None:
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
    namespace: str, shared: SharedTables, session: Session, opener: Opener
) -> AsyncGenerator[ObjectName]:
    """A name for a hidden table. What has it is dropped when the block fails; what others left behind, at once."""
    await shared.sweep(session, namespace)
    name = ObjectName(namespace, f"_arrowsync_{secrets.token_hex(8)}")
    try:
        await shared.claim(session, name)
        yield name
    except BaseException:
        await uninterrupted(_discard(name, shared, session, opener))
        raise
    finally:
        await uninterrupted(_release(name, shared, session))


async def _discard(name: ObjectName, shared: SharedTables, session: Session, opener: Opener) -> None:
    """Drop it, over a new connection where this one is lost. No error is raised: one is on its way, and the next sync sweeps."""
    with suppress(Exception):
        await shared.discard(session, name)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            for pause in RECONNECTING:
                await asyncio.sleep(pause)
                with suppress(Exception):
                    another = await reopened(opener)
                    if another is None:
                        return
                    try:
                        await shared.discard(another, name)
                    finally:
                        await another.close()
                    return


async def _release(name: ObjectName, shared: SharedTables, session: Session) -> None:
    with suppress(Exception):  # a session that is lost claims nothing any more
        await shared.release(session, name)


async def over_several(
    shared: SharedTables | HiddenTables,
    job: LoadPlan,
    converted: ConvertedStream,
    dialect: Dialect,
    session: Session,
    options: SyncOptions,
    clock: Clock,
    outcome: Outcome,
) -> RowCounts:
    """Load and merge what is planned, over as many connections as the options say."""
    if isinstance(shared, SharedTables):
        return await ParallelLoad(job, converted, dialect, shared, session, options, clock, outcome).carry_out()
    return await ParallelHiddenLoad(job, converted, dialect, shared, session, options, clock, outcome).carry_out()


@dataclass(frozen=True, slots=True)
class ParallelHiddenLoad:
    """One load over several connections: what is to be done, and with what."""

    job: LoadPlan
    converted: ConvertedStream
    dialect: Dialect
    hidden_tables: HiddenTables
    session: Session
    options: SyncOptions
    clock: Clock
    outcome: Outcome

    async def carry_out(self) -> RowCounts:
        """Load and merge what is planned. The session is in no transaction, but those that are begun here."""
        opener = await self.hidden_tables.opener(self.session)
        async with cleaned_up(self.dialect, self.session) as cleanup:
            cleanup.target, cleanup.opener = self.job.table.name, opener
            if self.job.creates:
                hidden = self.hidden_tables.of(self.job.table)
                with reporting_as(hidden.name, self.job.table.name):
                    return await self._create(hidden, opener, cleanup)
            return await self._merge(opener, cleanup.made)

    async def _create(self, hidden: Table, opener: Opener, cleanup: Cleanup) -> RowCounts:
        made = cleanup.made
        what = merge_job(self.job, self.job.table.name, self.converted, self.options)
        name, steps = self.job.table.name, self.job.plan.steps
        if last_wins(what) and self.converted.row_numbers is None:
            with self.clock.phase("load"):
                async with self.outcome.transaction(self.session):
                    counts = await load_hidden(
                        self.dialect,
                        self.hidden_tables,
                        self.session,
                        what,
                        steps,
                        self.converted,
                        cleanup,
                        self.outcome,
                    )
            return counts
        if is_plain(what) and self.converted.row_numbers is None:
            with self.clock.phase("load"):
                async with connections(self.session, opener, self.options.parallel) as sessions:
                    indexes = await create_hidden(
                        self.dialect, self.hidden_tables, self.session, hidden, name, steps, made, self.outcome
                    )
                    columns = {column.name: column for column in hidden.columns}
                    schema = self.converted.schema
                    target = LoadTarget(hidden.name, tuple(columns[column] for column in schema.names), schema)
                    try:
                        counts = await load_fanned_out(target, None, sessions, self.converted)
                    except DatabaseError as error:
                        if hidden.key and self.hidden_tables.repeated(error):
                            raise _repeated(what) from error
                        raise
            counts.rows["inserted"] = counts.loaded
            check_arrived(counts, self.converted, name)
        else:
            staging, counts = await self._stage(opener, made)
            with self.clock.phase("migrate"):
                indexes = await create_hidden(
                    self.dialect, self.hidden_tables, self.session, hidden, name, steps, made, self.outcome
                )
            fresh = what.on_conflict != "skip"
            with self.clock.phase("merge"):
                async with self.session.transaction():
                    job = replace(what, target=hidden, staging=staging, fresh=fresh)
                    await merge(self.dialect, self.session, job, counts, self.converted, made)
        with self.clock.phase("migrate"):
            await publish(self.dialect, self.hidden_tables, self.session, hidden, name, indexes, cleanup, self.outcome)
        return counts

    async def _merge(self, opener: Opener, made: list[ObjectName]) -> RowCounts:
        staging, counts = await self._stage(opener, made)
        async with self.outcome.transaction(self.session):
            await check_unchanged(self.job, self.dialect, self.session)
            with self.clock.phase("migrate"):
                await apply_steps(self.dialect, self.session, self.job.plan.steps, self.outcome)
            with self.clock.phase("merge"):
                if locks(self.job, self.options):
                    await self.dialect.lock(self.session, self.job.table.name, "merge")
                job = merge_job(self.job, staging, self.converted, self.options)
                await merge(self.dialect, self.session, job, counts, self.converted, made)
            committing = perf_counter()
        self.clock.phases["commit"] = perf_counter() - committing
        return counts

    async def _stage(self, opener: Opener, made: list[ObjectName]) -> tuple[ObjectName, RowCounts]:
        """The rows in a staging table that others see, with the order in which they came."""
        table, sent = self.job.table, self.converted.sent
        if self.converted.row_numbers is not None:
            table = self.converted.row_numbers.beside(table)
        name, statement = self.hidden_tables.staging(table, sent.names)
        columns = {column.name: column for column in table.columns}
        assert self.dialect.arrival is not None, "drafts are staged in the order of arrival"
        order = RowNumbers(self.dialect.arrival(table))
        brought = (*(columns[column] for column in sent.names), *order.columns)
        target = LoadTarget(name, brought, order.added_to(sent))
        with self.clock.phase("load"):
            async with connections(self.session, opener, self.options.parallel) as sessions:
                made.append(name)
                await self.hidden_tables.claim(self.session, name)
                await self.session.execute(statement)
                counts = await load_fanned_out(target, order.row, sessions, self.converted)
        check_arrived(counts, self.converted, self.job.table.name)
        return name, counts


def _repeated(job: MergeJob) -> ConstraintViolated:
    return ConstraintViolated(
        f"the data has several rows with one key ({', '.join(job.key)})",
        kind="unique",
        table=str(job.target.name),
        column=job.key[0] if len(job.key) == 1 else None,
        hint="a key can be there once: upsert brings rows to keys that exist",
    )
