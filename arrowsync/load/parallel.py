"""A load over several connections: into a table that all of them see, then one transaction for the rest.

`SharedLoad` serves databases whose DDL rolls back, `SharedHiddenLoad` those whose DDL commits.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import perf_counter

from arrowsync.bridge import uninterrupted
from arrowsync.catalog import ObjectName
from arrowsync.dialects.contract import (
    CommittingDdl,
    LoadTarget,
    MergeJob,
    OneConnection,
    Opener,
    Session,
    SharedTables,
    TransactionalDdl,
)
from arrowsync.errors import ConstraintViolated, DatabaseError, DeclarationError
from arrowsync.load.apply import apply_steps
from arrowsync.load.cleanup import RECONNECTING, reopened
from arrowsync.load.counts import RowCounts
from arrowsync.load.direct import check_arrived, columns_of, make, resolve_duplicates
from arrowsync.load.fan_out import connections, load_fanned_out
from arrowsync.load.hidden_table import HiddenLoad, hidden_load
from arrowsync.load.merge import merge
from arrowsync.load.plan import LoadPlan, holds_off_writers
from arrowsync.load.rejects import RowNumbers
from arrowsync.load.shared_table import SharedTable, apply_creating, create, design, resolving
from arrowsync.load.task import LoadTask
from arrowsync.load.text_columns import UNKNOWN, settle
from arrowsync.migration.changes import CreateNamespace, DropColumn

DISCARD_SECONDS = 30.0
"""The most seconds that discarding may hold an error back: a server that is gone may let each attempt wait."""


async def opener_of(session: Session) -> Opener:
    """Make the opener of further connections; DeclarationError, before anything happens, if there can't be any."""
    try:
        return await session.opener()
    except DeclarationError as error:
        raise DeclarationError(f"parallel can't be used here: {error.message}", hint="leave parallel out") from None


async def load_over_connections(task: LoadTask) -> RowCounts:
    """Load over as many connections as the route says. The session is in no transaction, but those that are begun here."""
    opener = task.cleanup.opener
    assert opener is not None, "it was made before the plan"
    match task.dialect.new_tables:
        case TransactionalDdl(shared):
            assert not isinstance(shared, OneConnection), "such a session has no opener"
            return await SharedLoad(task, shared, opener).run()
        case CommittingDdl():
            return await SharedHiddenLoad(task, opener).run()


@dataclass(frozen=True, slots=True)
class SharedLoad:
    """A load into a shared table, which becomes the target or is merged into it, in one transaction."""

    task: LoadTask
    shared: SharedTables
    opener: Opener

    async def run(self) -> RowCounts:
        """Load and merge."""
        task, session, plan = self.task, self.task.session, self.task.plan
        async with _claimed(await self._namespace(), self.shared, session, self.opener) as name:
            table = design(task, name)
            with task.clock.phase("load"):
                async with connections(session, self.opener, plan.route.connections) as sessions:
                    await create(table, plan, self.shared, session)
                    row_number = table.row_number if plan.row_numbers is None else None
                    counts = await load_fanned_out(table.target, row_number, sessions, task.rows)
            check_arrived(counts, task)
            async with task.outcome.transaction(session):
                await _check_unchanged(plan, session)
                job = resolving(table, plan.merge_job(name))
                counts = await (
                    self._move(table, job, counts) if table.becomes_target else self._merge(table, job, counts)
                )
                for statement in task.dialect.merge.after_load(plan.table, task.rows.schema.names):
                    await session.execute(statement)
                committing = perf_counter()
            task.clock.phases["commit"] = perf_counter() - committing
        return counts

    async def _namespace(self) -> str:
        """The namespace of the shared table: that of the target, unless that namespace has yet to be created."""
        wanted = self.task.plan.table.name.namespace
        steps = self.task.plan.migration.steps
        made = {step.change.name for step in steps if isinstance(step.change, CreateNamespace)}
        return await self.shared.namespace_for(self.task.session, None if wanted in made else wanted)

    async def _move(self, table: SharedTable, job: MergeJob, counts: RowCounts) -> RowCounts:
        """Make the shared table the target. Duplicates are looked for only if the key can't be made."""
        task, session = self.task, self.task.session
        moved = False
        with task.clock.phase("migrate"):
            try:
                async with session.transaction():
                    await apply_creating(table, task.plan, self.shared, session)
                moved = True
            except ConstraintViolated as error:
                if error.kind != "unique" or not job.key or job.mode == "insert":
                    raise
        if not moved:
            with task.clock.phase("merge"):
                counts += await resolve_duplicates(session, job)
            with task.clock.phase("migrate"):
                await apply_creating(table, task.plan, self.shared, session)
        if table.row_number is not None:
            await make(session, DropColumn(job.target.name, table.target.columns[-1]))
        return counts.having({"inserted": counts.loaded - counts["duplicates"]})

    async def _merge(self, table: SharedTable, job: MergeJob, counts: RowCounts) -> RowCounts:
        """Merge the rows of the shared table into the target."""
        task, session, plan = self.task, self.task.session, self.task.plan
        with task.clock.phase("migrate"):
            await apply_creating(table, plan, self.shared, session)
            await apply_steps(session, plan.migration.altering, task.outcome)
        with task.clock.phase("merge"):
            if holds_off_writers(plan):
                await session.dialect.locks.lock(session, plan.table.name, "merge")
            await settle(session, table.name, plan.texts, task.rows, order=table.row_number or UNKNOWN)
            return counts + await merge(task, job, counts.loaded)


async def _check_unchanged(plan: LoadPlan, session: Session) -> None:
    """Refuse tables that are not as they were planned for. (Types that were made meanwhile can't be created.)"""
    found = await session.dialect.catalog.discover(session, plan.names)
    if any(found.table(name) != plan.current.table(name) for name in plan.names):
        raise DatabaseError(
            f"the table {plan.table.name} was created or altered by somebody else while its rows were loaded",
            transient=True,
            hint="nothing was changed; repeat the sync",
        )


@asynccontextmanager
async def _claimed(
    namespace: str, shared: SharedTables, session: Session, opener: Opener
) -> AsyncGenerator[ObjectName]:
    """Claim a name for a shared table. The table is dropped if the block fails, and those that others left behind at once."""
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
    """Drop the table, over a new connection if this one is lost. No error: one is on its way, and the next sync sweeps."""
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


@dataclass(frozen=True, slots=True)
class SharedHiddenLoad:
    """A load into a hidden table, or into a staging table that the sessions share, where DDL commits."""

    task: LoadTask
    opener: Opener

    async def run(self) -> RowCounts:
        """Load and merge."""
        if not self.task.plan.creates:
            return await self._merge()
        async with hidden_load(self.task) as load:
            return await (self._create_staged(load) if self.task.plan.route.staged else self._create(load))

    async def _create(self, load: HiddenLoad) -> RowCounts:
        """Load the hidden table, and publish it."""
        task, session, schema = self.task, self.task.session, self.task.rows.schema
        with task.clock.phase("load"):
            async with connections(session, self.opener, task.plan.route.connections) as sessions:
                indexes = await load.create()
                target = LoadTarget(load.table.name, columns_of(load.table, schema), schema)
                try:
                    counts = await load_fanned_out(target, None, sessions, task.rows)
                except DatabaseError as error:
                    if load.table.key and load.hidden.is_repeated_key(error):
                        raise _repeated(task.plan) from error
                    raise
        check_arrived(counts, task)
        with task.clock.phase("migrate"):
            await load.publish(indexes)
        return counts.having({"inserted": counts.loaded})

    async def _create_staged(self, load: HiddenLoad) -> RowCounts:
        """Load a staging table, merge it into the hidden table, and publish that."""
        task = self.task
        staging, counts = await self._stage()
        with task.clock.phase("migrate"):
            indexes = await load.create()
        with task.clock.phase("merge"):
            async with task.session.transaction():
                counts += await merge(task, load.merge_job(staging), counts.loaded)
        with task.clock.phase("migrate"):
            await load.publish(indexes)
        return counts

    async def _merge(self) -> RowCounts:
        """Load a staging table, and merge it into the target."""
        task, session, plan = self.task, self.task.session, self.task.plan
        staging, counts = await self._stage()
        async with task.outcome.transaction(session):
            await _check_unchanged(plan, session)
            with task.clock.phase("migrate"):
                await apply_steps(session, plan.migration.steps, task.outcome)
            with task.clock.phase("merge"):
                if holds_off_writers(plan):
                    await session.dialect.locks.lock(session, plan.table.name, "merge")
                counts += await merge(task, plan.merge_job(staging), counts.loaded)
            committing = perf_counter()
        task.clock.phases["commit"] = perf_counter() - committing
        return counts

    async def _stage(self) -> tuple[ObjectName, RowCounts]:
        """Load the rows into a staging table that the other sessions see, with the order in which they came."""
        task, session, sent = self.task, self.task.session, self.task.rows.sent
        ddl, table = session.dialect.new_tables, task.plan.table
        assert isinstance(ddl, CommittingDdl), "the load is for it"
        if task.plan.row_numbers is not None:
            table = task.plan.row_numbers.beside(table)
        row_number = session.dialect.merge.row_number_column(table)
        assert row_number is not None, "such tables are staged in the order of arrival"
        order = RowNumbers(row_number)
        name, statement = ddl.hidden.create_staging(table, sent.names)
        target = LoadTarget(name, (*columns_of(table, sent), *order.columns), order.added_to(sent))
        with task.clock.phase("load"):
            async with connections(session, self.opener, task.plan.route.connections) as sessions:
                task.cleanup.lasting = True
                task.cleanup.temporary.append(name)
                await ddl.hidden.claim(session, name)
                await session.execute(statement)
                counts = await load_fanned_out(target, order.row, sessions, task.rows)
        check_arrived(counts, task)
        return name, counts


def _repeated(plan: LoadPlan) -> ConstraintViolated:
    return ConstraintViolated(
        f"the data has several rows with one key ({', '.join(plan.key)})",
        kind="unique",
        table=str(plan.table.name),
        column=plan.key[0] if len(plan.key) == 1 else None,
        hint="a key can be there once: upsert brings rows to keys that exist",
    )
