"""All or nothing on a server whose DDL commits: a new table is hidden until its rows are in it.

No rollback takes back what such a server has created. So a table that doesn't exist is created under another name, filled, and
given its own name by one statement. Existing tables are altered when the rows are already on the server, in a staging table.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace

from arrowsync.bridge import commit
from arrowsync.catalog import ObjectName, Table
from arrowsync.dialects.contract import CommittingDdl, HiddenTables, MergeJob
from arrowsync.errors import ConnectionLost, ConstraintViolated, DatabaseError, committed_of, doubt
from arrowsync.load.cleanup import RECONNECTING
from arrowsync.load.counts import RowCounts
from arrowsync.load.direct import check_arrived, load_directly, load_replacing, make, stage
from arrowsync.load.merge import merge
from arrowsync.load.task import LoadTask
from arrowsync.migration.changes import AddForeignKey, Change, CreateIndex, CreateTable
from arrowsync.migration.plan import Step


@dataclass(frozen=True, slots=True)
class HiddenLoad:
    """The load of a new table, which is `table` until it is published."""

    task: LoadTask
    hidden: HiddenTables
    table: Table

    def merge_job(self, staging: ObjectName) -> MergeJob:
        """The job that brings the rows of `staging` into the hidden table."""
        job = self.task.plan.merge_job(staging)
        return replace(job, target=self.table, fresh=job.on_conflict != "skip")

    async def create(self) -> list[Change]:
        """Create the hidden table, and other objects of the plan; the indexes that it gets when its rows are in it."""
        task, session = self.task, self.task.session
        task.cleanup.lasting = True
        # Before it is claimed: a claim that is cancelled may have been made.
        task.cleanup.temporary.append(self.table.name)
        await self.hidden.claim(session, self.table.name)
        mine, others = _partition(task.plan.migration.steps, task.plan.table.name)
        for step in others:
            with task.outcome.step(str(step)):
                await make(session, step.change)
        changes = [_renamed(change, self.table) for change in mine]
        await make(session, *(change for change in changes if not isinstance(change, CreateIndex)))
        return [change for change in changes if isinstance(change, CreateIndex)]

    async def publish(self, indexes: Sequence[Change]) -> None:
        """Make the hidden table the target. This commits: nothing takes it back."""
        session, target, outcome = self.task.session, self.task.plan.table.name, self.task.outcome
        name = self.table.name
        await make(session, *indexes)
        identity = await self.hidden.identity(session, name)

        async def rename() -> None:
            try:
                await self.hidden.publish(session, name, target)
            except DatabaseError as error:
                if isinstance(error, ConnectionLost):
                    raise
                published = await self.hidden.published(session, name, identity)
                if published:
                    return  # it was killed after it was done
                if published is None:
                    doubt(error)
                    raise
                if (await session.dialect.catalog.discover(session, [target])).table(target) is None:
                    raise
                raise DatabaseError(
                    f"the table {target} was created by somebody else while its rows were loaded here",
                    statement=error.statement,
                    code=error.code,
                    transient=True,
                    hint="try again: the table is there now, and the rows are merged with those that it has",
                ) from error

        async def look() -> bool | None:
            opener = self.task.cleanup.opener
            if opener is None:
                return None
            for pause in RECONNECTING:
                await asyncio.sleep(pause)
                with suppress(Exception):
                    another = await opener()
                    try:
                        return await self.hidden.published(another, name, identity)
                    finally:
                        await another.close()
            return None

        try:
            await commit(rename, look)
        except BaseException as error:
            outcome.committed = committed_of(error)
            raise
        outcome.committed = True


@asynccontextmanager
async def hidden_load(task: LoadTask) -> AsyncGenerator[HiddenLoad]:
    """Name the hidden table; errors within name the target in its place."""
    ddl = task.dialect.new_tables
    assert isinstance(ddl, CommittingDdl), "the route was chosen for it"
    table = ddl.hidden.of(task.plan.table)
    with _reporting_as(table.name, task.plan.table.name):
        yield HiddenLoad(task, ddl.hidden, table)


async def load_hidden(task: LoadTask) -> RowCounts:
    """Load the rows into a table that is created here and shows itself only when they are in it.

    It has its key from the beginning, which costs next to nothing: to add it to a table of rows took as long again as loading
    them (2026-11-21). Rows are staged if the server may reject some, or if repeated keys aren't resolved by the key alone.
    """
    async with hidden_load(task) as load:
        with task.clock.phase("load"):
            route = task.plan.route
            if route.staged:
                staging, counts = await stage(task)
                indexes = await load.create()
                counts += await merge(task, load.merge_job(staging), counts.loaded)
            else:
                indexes = await load.create()
                fill = load_replacing if route.duplicates == "by key" else load_directly
                counts = await fill(task.session, load.table, task.rows)
            check_arrived(counts, task)
            await load.publish(indexes)
    return counts


@contextmanager
def _reporting_as(hidden: ObjectName, target: ObjectName) -> Generator[None]:
    """Have errors name the table that the hidden one is to be."""
    try:
        yield
    except DatabaseError as error:
        error.message = error.message.replace(hidden.name, target.name)
        if isinstance(error, ConstraintViolated) and error.table == hidden.name:
            error.table = target.name
        raise


def _partition(steps: Sequence[Step], name: ObjectName) -> tuple[list[Change], list[Step]]:
    """The changes of that table, and the other steps."""
    mine = [step.change for step in steps if _table_of(step.change) == name]
    return mine, [step for step in steps if _table_of(step.change) != name]


def _table_of(change: Change) -> ObjectName | None:
    match change:
        case CreateTable(table):
            return table.name
        case CreateIndex(name, _) | AddForeignKey(name, _):
            return name
        case _:
            return None


def _renamed(change: Change, hidden: Table) -> Change:
    match change:
        case CreateTable(table):
            made = {key.name for key in table.foreign_keys}
            keys = tuple(key for key in hidden.foreign_keys if key.name in made)
            return CreateTable(replace(hidden, foreign_keys=keys))
        case CreateIndex(_, index):
            return CreateIndex(hidden.name, index)
        case AddForeignKey(_, key):
            return AddForeignKey(hidden.name, key)
        case _:
            return change
