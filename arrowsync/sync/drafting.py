"""All or nothing on a server whose DDL commits: a new table is a draft until its rows are in it, and `tidied` leaves no trace.

No rollback takes back what such a server has created. So a table that isn't there is created under another name, filled, and
given its own name by one statement. Existing tables are altered when the rows are already on the server, in a staging table.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from arrowsync.catalog import ObjectName, Table
from arrowsync.dialects.dialect import Dialect, Drafts, MergeJob, Opener, Session
from arrowsync.errors import ConstraintViolated, DatabaseError
from arrowsync.migrate.changes import AddForeignKey, Change, CreateIndex, CreateTable
from arrowsync.migrate.plan import Step
from arrowsync.sync.dealing import RECONNECTING
from arrowsync.sync.intake import Intake
from arrowsync.sync.load import Counts, check_arrived, load_replacing, load_straight, stage
from arrowsync.sync.merge import merge


@dataclass(slots=True)
class Traces:
    """What a load leaves on the server until it is `tidied`: staging tables, drafts, and the lock of its target.

    What a lost connection would leave of it is dropped over another one, if there is an `opener`; `reopens` says whether there
    can be.
    """

    reopens: bool = False
    target: ObjectName | None = None
    made: list[ObjectName] = field(default_factory=list[ObjectName])
    opener: Opener | None = None


@asynccontextmanager
async def tidied(dialect: Dialect, session: Session) -> AsyncGenerator[Traces]:
    """Traces that are gone at the end, however it comes; around the transaction, which has then ended."""
    traces = Traces(reopens=dialect.drafts is not None and dialect.drafts.refusal(session) is None)
    try:
        yield traces
    finally:
        if dialect.tidy is not None and traces.target is not None:
            await _to_the_end(_tidy(dialect, session, traces))


async def _tidy(dialect: Dialect, session: Session, traces: Traces) -> None:
    assert dialect.tidy is not None, "it was asked for"
    assert traces.target is not None, "it was set"
    # Where the connection is gone, all is gone with it, but a draft.
    with suppress(DatabaseError):
        await dialect.tidy(session, traces.target, traces.made)
        return
    if traces.opener is None or not traces.made:
        return
    for pause in RECONNECTING:
        await asyncio.sleep(pause)
        with suppress(Exception):
            another = await traces.opener()
            try:
                await dialect.tidy(another, traces.target, traces.made)
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


async def load_draft(
    dialect: Dialect,
    drafts: Drafts,
    session: Session,
    job: MergeJob,
    steps: Sequence[Step],
    intake: Intake,
    traces: Traces,
) -> Counts:
    """The rows into a table that is created here and shows itself only when they are in it.

    It has its key from the beginning, which costs next to nothing: to add it to a table of rows took as long again as loading
    them (2026-11-21). Where the server may refuse rows, or repeated keys aren't resolved by the key alone, the rows are staged.
    """
    draft = drafts.of(job.target)
    if traces.reopens and traces.opener is None:
        traces.opener = await drafts.opener(session)
    with called(draft.name, job.target.name):
        return await _load_draft(dialect, drafts, session, draft, job, steps, intake, traces.made)


async def _load_draft(
    dialect: Dialect,
    drafts: Drafts,
    session: Session,
    draft: Table,
    job: MergeJob,
    steps: Sequence[Step],
    intake: Intake,
    made: list[ObjectName],
) -> Counts:
    replacing = last_wins(job)
    staged = None
    if intake.marks is not None or not (replacing or is_plain(job)):
        staged = await stage(dialect, session, job.target, intake, made)
    indexes = await make_draft(dialect, drafts, session, draft, job.target.name, steps, made)
    if staged is None:
        load = (
            load_replacing(session, draft, intake)
            if replacing
            else load_straight(session, draft, intake, replace=False)
        )
        counts = await load
    else:
        staging, counts = staged
        job_here = replace(job, target=draft, staging=staging.name, fresh=job.on_conflict != "skip")
        await merge(dialect, session, job_here, counts, intake, made)
    check_arrived(counts, intake, job.target.name)
    await publish(dialect, drafts, session, draft, job.target.name, indexes)
    return counts


@contextmanager
def called(draft: ObjectName, target: ObjectName) -> Generator[None]:
    """Errors name the table that the draft is to be."""
    try:
        yield
    except DatabaseError as error:
        error.message = error.message.replace(draft.name, target.name)
        if isinstance(error, ConstraintViolated) and error.table == draft.name:
            error.table = target.name
        raise


async def make_draft(
    dialect: Dialect,
    drafts: Drafts,
    session: Session,
    draft: Table,
    target: ObjectName,
    steps: Sequence[Step],
    made: list[ObjectName],
) -> list[Change]:
    """Create it, and all else that the steps do; the indexes that it is to get when its rows are in it."""
    made.append(draft.name)  # before it is claimed: a claim that is cancelled may have been made
    await drafts.claim(session, draft.name)
    mine, others = _divided(steps, target)
    for step in others:
        await _make(dialect, session, [step.change])
    changes = [_renamed(change, draft) for change in mine]
    await _make(dialect, session, [change for change in changes if not isinstance(change, CreateIndex)])
    return [change for change in changes if isinstance(change, CreateIndex)]


async def publish(
    dialect: Dialect, drafts: Drafts, session: Session, draft: Table, target: ObjectName, indexes: Sequence[Change]
) -> None:
    """Make the draft the table that it was made for."""
    await _make(dialect, session, indexes)
    try:
        await session.execute(drafts.publish(draft.name, target))
    except DatabaseError as error:
        if (await dialect.discover(session, [target])).table(target) is None:
            raise
        raise DatabaseError(
            f"the table {target} was created by somebody else while its rows were loaded here",
            statement=error.statement,
            code=error.code,
            transient=True,
            hint="try again: the table is there now, and the rows are merged with those that it has",
        ) from error


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


def _divided(steps: Sequence[Step], name: ObjectName) -> tuple[list[Change], list[Step]]:
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


def _renamed(change: Change, draft: Table) -> Change:
    match change:
        case CreateTable(table):
            made = {key.name for key in table.foreign_keys}
            keys = tuple(key for key in draft.foreign_keys if key.name in made)
            return CreateTable(replace(draft, foreign_keys=keys))
        case CreateIndex(_, index):
            return CreateIndex(draft.name, index)
        case AddForeignKey(_, key):
            return AddForeignKey(draft.name, key)
        case _:
            return change


async def _make(dialect: Dialect, session: Session, changes: Sequence[Change]) -> None:
    for change in changes:
        for statement in dialect.language.render(change):
            await session.execute(statement)
