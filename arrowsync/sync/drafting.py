"""All or nothing on a server whose DDL commits: a new table is a draft until its rows are in it, and `tidied` leaves no trace.

No rollback takes back what such a server has created. So a table that isn't there is created under another name, filled, and
given its own name by one statement. Existing tables are altered when the rows are already on the server, in a staging table.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from arrowsync.catalog import ObjectName, Table
from arrowsync.dialects.dialect import Dialect, Drafts, MergeJob, Session
from arrowsync.errors import DatabaseError
from arrowsync.migrate.changes import AddForeignKey, Change, CreateIndex, CreateTable
from arrowsync.migrate.plan import Step
from arrowsync.sync.intake import Intake
from arrowsync.sync.load import Counts, check_arrived, load_straight, merge, stage


@dataclass(slots=True)
class Traces:
    """What a load leaves on the server until it is `tidied`: staging tables, drafts, and the lock of its target."""

    target: ObjectName | None = None
    made: list[ObjectName] = field(default_factory=list[ObjectName])


@asynccontextmanager
async def tidied(dialect: Dialect, session: Session) -> AsyncGenerator[Traces]:
    """Traces that are gone at the end, however it comes; around the transaction, which has then ended."""
    traces = Traces()
    try:
        yield traces
    finally:
        if dialect.tidy is not None and traces.target is not None:
            await _to_the_end(_tidy(dialect, session, traces))


async def _tidy(dialect: Dialect, session: Session, traces: Traces) -> None:
    assert dialect.tidy is not None, "it was asked for"
    assert traces.target is not None, "it was set"
    with suppress(
        DatabaseError
    ):  # where the connection is gone, all is gone with it, but a draft, which the next one finds
        await dialect.tidy(session, traces.target, traces.made)


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
    made: list[ObjectName],
) -> Counts:
    """The rows into a table that is created here and shows itself only when they are in it.

    Where there is a key, they are staged first, and repeated keys are resolved there.
    """
    draft = drafts.of(job.target)
    staged = None
    if job.key and job.mode != "insert":
        staged = await stage(dialect, session, job.target, intake, made)
    await drafts.claim(session, draft.name)
    made.append(draft.name)
    mine, others = _divided(steps, job.target.name)
    for step in others:
        await _make(dialect, session, [step.change])
    await _make(dialect, session, [_renamed(change, draft) for change in mine if not isinstance(change, CreateIndex)])
    if staged is None:
        counts = await load_straight(session, draft, intake, replace=False)
    else:
        staging, counts = staged
        await merge(dialect, session, replace(job, target=draft, staging=staging.name, fresh=True), counts)
    check_arrived(counts, intake, job.target.name)
    await _make(dialect, session, [_renamed(change, draft) for change in mine if isinstance(change, CreateIndex)])
    await session.execute(drafts.publish(draft.name, job.target.name))
    return counts


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
