"""All or nothing on a server whose DDL commits: a new table is hidden until its rows are in it, and `cleaned_up` drops leftovers.

No rollback takes back what such a server has created. So a table that isn't there is created under another name, filled, and
given its own name by one statement. Existing tables are altered when the rows are already on the server, in a staging table.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from arrowsync.bridge import commit
from arrowsync.catalog import ObjectName, Table
from arrowsync.dialects.contract import Dialect, HiddenTables, MergeJob, Opener, Session
from arrowsync.errors import ConnectionLost, ConstraintViolated, DatabaseError, committed_of, doubt
from arrowsync.load.direct import RowCounts, check_arrived, load_directly, load_replacing, stage
from arrowsync.load.fan_out import RECONNECTING, reopened
from arrowsync.load.merge import merge
from arrowsync.load.outcome import Outcome
from arrowsync.load.stream import ConvertedStream
from arrowsync.migration.changes import AddForeignKey, Change, CreateIndex, CreateTable
from arrowsync.migration.plan import Step


@dataclass(slots=True)
class Cleanup:
    """What a load leaves on the server until it is `cleaned_up`: staging tables, drafts, and the lock of its target.

    What a lost connection would leave of it is dropped over another one, if there is an `opener`; `reopens` says whether there
    can be.
    """

    reopens: bool = False
    target: ObjectName | None = None
    made: list[ObjectName] = field(default_factory=list[ObjectName])
    opener: Opener | None = None


@asynccontextmanager
async def cleaned_up(dialect: Dialect, session: Session) -> AsyncGenerator[Cleanup]:
    """Traces that are gone at the end, however it comes; around the transaction, which has then ended."""
    cleanup = Cleanup(reopens=dialect.hidden_tables is not None and dialect.hidden_tables.refusal(session) is None)
    try:
        yield cleanup
    finally:
        if dialect.tidy is not None and cleanup.target is not None:
            await _to_the_end(_clean_up(dialect, session, cleanup))


async def _clean_up(dialect: Dialect, session: Session, cleanup: Cleanup) -> None:
    assert dialect.tidy is not None, "it was asked for"
    assert cleanup.target is not None, "it was set"
    # Where the connection is gone, all is gone with it, but a draft.
    with suppress(DatabaseError):
        await dialect.tidy(session, cleanup.target, cleanup.made)
        return
    if cleanup.opener is None or not cleanup.made:
        return
    for pause in RECONNECTING:
        await asyncio.sleep(pause)
        with suppress(Exception):
            another = await reopened(cleanup.opener)
            if another is None:
                return
            try:
                await dialect.tidy(another, cleanup.target, cleanup.made)
            finally:
                await another.close()
            return


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Wait for it, however often the waiting is cancelled."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled


async def load_hidden(
    dialect: Dialect,
    hidden_tables: HiddenTables,
    session: Session,
    job: MergeJob,
    steps: Sequence[Step],
    converted: ConvertedStream,
    cleanup: Cleanup,
    outcome: Outcome,
) -> RowCounts:
    """The rows into a table that is created here and shows itself only when they are in it.

    It has its key from the beginning, which costs next to nothing: to add it to a table of rows took as long again as loading
    them (2026-11-21). Where the server may refuse rows, or repeated keys aren't resolved by the key alone, the rows are staged.
    """
    hidden = hidden_tables.of(job.target)
    if cleanup.reopens and cleanup.opener is None:
        cleanup.opener = await hidden_tables.opener(session)
    with reporting_as(hidden.name, job.target.name):
        return await _load_hidden(dialect, hidden_tables, session, hidden, job, steps, converted, cleanup, outcome)


async def _load_hidden(
    dialect: Dialect,
    hidden_tables: HiddenTables,
    session: Session,
    hidden: Table,
    job: MergeJob,
    steps: Sequence[Step],
    converted: ConvertedStream,
    cleanup: Cleanup,
    outcome: Outcome,
) -> RowCounts:
    made = cleanup.made
    replacing = last_wins(job)
    staged = None
    if converted.row_numbers is not None or not (replacing or is_plain(job)):
        staged = await stage(dialect, session, job.target, converted, made)
    indexes = await create_hidden(dialect, hidden_tables, session, hidden, job.target.name, steps, made, outcome)
    if staged is None:
        load = (
            load_replacing(session, hidden, converted)
            if replacing
            else load_directly(session, hidden, converted, replace=False)
        )
        counts = await load
    else:
        staging, counts = staged
        job_here = replace(job, target=hidden, staging=staging.name, fresh=job.on_conflict != "skip")
        await merge(dialect, session, job_here, counts, converted, made)
    check_arrived(counts, converted, job.target.name)
    await publish(dialect, hidden_tables, session, hidden, job.target.name, indexes, cleanup, outcome)
    return counts


@contextmanager
def reporting_as(hidden: ObjectName, target: ObjectName) -> Generator[None]:
    """Errors name the table that the draft is to be."""
    try:
        yield
    except DatabaseError as error:
        error.message = error.message.replace(hidden.name, target.name)
        if isinstance(error, ConstraintViolated) and error.table == hidden.name:
            error.table = target.name
        raise


async def create_hidden(
    dialect: Dialect,
    hidden_tables: HiddenTables,
    session: Session,
    hidden: Table,
    target: ObjectName,
    steps: Sequence[Step],
    made: list[ObjectName],
    outcome: Outcome,
) -> list[Change]:
    """Create it, and all else that the steps do; the indexes that it is to get when its rows are in it."""
    made.append(hidden.name)  # before it is claimed: a claim that is cancelled may have been made
    await hidden_tables.claim(session, hidden.name)
    mine, others = _partition(steps, target)
    for step in others:
        with outcome.step(str(step)):
            await _make(dialect, session, [step.change])
    changes = [_renamed(change, hidden) for change in mine]
    await _make(dialect, session, [change for change in changes if not isinstance(change, CreateIndex)])
    return [change for change in changes if isinstance(change, CreateIndex)]


async def publish(
    dialect: Dialect,
    hidden_tables: HiddenTables,
    session: Session,
    hidden: Table,
    target: ObjectName,
    indexes: Sequence[Change],
    cleanup: Cleanup,
    outcome: Outcome,
) -> None:
    """Make the draft the table that it was made for. This commits: nothing takes it back."""
    await _make(dialect, session, indexes)
    born = await hidden_tables.born(session, hidden.name)

    async def rename() -> None:
        try:
            await hidden_tables.publish(session, hidden.name, target)
        except DatabaseError as error:
            if isinstance(error, ConnectionLost):
                raise
            published = await hidden_tables.published(session, hidden.name, born)
            if published:
                return  # it was killed when it was done
            if published is None:
                doubt(error)
                raise
            if (await dialect.discover(session, [target])).table(target) is None:
                raise
            raise DatabaseError(
                f"the table {target} was created by somebody else while its rows were loaded here",
                statement=error.statement,
                code=error.code,
                transient=True,
                hint="try again: the table is there now, and the rows are merged with those that it has",
            ) from error

    async def look() -> bool | None:
        opener = cleanup.opener
        if opener is None:
            return None
        for pause in RECONNECTING:
            await asyncio.sleep(pause)
            with suppress(Exception):
                another = await opener()
                try:
                    return await hidden_tables.published(another, hidden.name, born)
                finally:
                    await another.close()
        return None

    try:
        await commit(rename, look)
    except BaseException as error:
        outcome.committed = committed_of(error)
        raise
    outcome.committed = True


def is_plain(job: MergeJob) -> bool:
    """Whether every row is to be in the new table, and a repeated key is an error."""
    return job.on_conflict != "skip" and (job.mode == "insert" or not job.key)


def last_wins(job: MergeJob) -> bool:
    """Whether the key of the new table can resolve repeated keys while it is loaded: a row replaces the one before it.

    Not where it would replace rows for the sake of another key, or a row that others refer to.
    """
    table = job.target
    if job.mode == "insert" or job.dedup != "last" or set(job.key) != set(table.key):
        return False
    return bool(job.key) and not (table.unique or table.foreign_keys)


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


async def _make(dialect: Dialect, session: Session, changes: Sequence[Change]) -> None:
    for change in changes:
        for statement in dialect.language.render(change):
            await session.execute(statement)
