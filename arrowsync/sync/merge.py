"""`merge`: the staged rows into the table, all of them, or those that it takes.

An error names the row, also where the server doesn't: the staging table knows in which order the rows came, so the first one
that is refused is looked for. That takes about as long as to stage and merge those before it once more.
"""

from __future__ import annotations

from contextlib import suppress

from arrowsync.catalog import ObjectName
from arrowsync.dialects.dialect import Dialect, MergeJob, Session
from arrowsync.dialects.refused_row import first_refused, name_row, names_row
from arrowsync.errors import ArrowSyncError
from arrowsync.sql import Literal, sql
from arrowsync.sync.intake import Intake
from arrowsync.sync.isolate import Isolation
from arrowsync.sync.load import Counts, refuse_duplicates, run_step
from arrowsync.sync.marks import Marks
from arrowsync.sync.parts import Parts, divided


async def merge(
    dialect: Dialect, session: Session, job: MergeJob, counts: Counts, intake: Intake, made: list[ObjectName]
) -> None:
    """The staged rows into the table; where they have marks, without those that it refuses, which `intake` sets aside.

    Adds what became of them to `counts`, and drops the staging table.
    """
    if job.key and job.dedup == "error":
        await refuse_duplicates(dialect, session, job)
    if intake.marks is not None:
        parts = Parts(dialect, session, job, intake.marks, made)
        await Isolation(parts, counts, intake).merge()
        return
    if dialect.drafts is None:
        await _merge_all(dialect, session, job, counts)
        return
    try:
        async with session.transaction():
            await _merge_all(dialect, session, job, counts)
    except ArrowSyncError as error:
        if dialect.refuses_row(error) and not names_row(error):
            parts = Parts(dialect, session, job, Marks(dialect.drafts.order(job.target)), made)
            with suppress(ArrowSyncError):  # the connection is lost, say: what came first is what is raised
                row = await _place_of_refused(parts)
                if row is not None:
                    name_row(error, row)
        raise


async def _merge_all(dialect: Dialect, session: Session, job: MergeJob, counts: Counts) -> None:
    for step in dialect.merge_steps(job):
        await run_step(session, step, counts)
    await session.execute(dialect.drop_staging(job.staging))


class _Undone(Exception):
    """What ends a transaction that was only to try something."""


async def _place_of_refused(parts: Parts) -> int | None:
    """How many rows were staged before the first that the table doesn't take; what is tried is undone."""
    staging = parts.job.staging
    found: int | None = None

    async def is_taken(low: int, high: int) -> bool:
        part = await parts.empty(0)
        if not await parts.copy(staging, part, parts.between(low, high)):
            return True
        return await parts.attempt(parts.steps(part), Counts()) is None

    with suppress(_Undone):
        async with parts.session.transaction():
            first, deletions, _ = divided(parts.dialect.merge_steps(parts.job))
            for step in (*first, *deletions):
                await run_step(parts.session, step, Counts())
            query = sql("SELECT min({row}), max({row}) FROM {staging}", row=parts.row, staging=staging.identifier)
            low, high = (column[0].as_py() for column in (await parts.session.fetch(query)).columns)
            if low is not None:
                found = await first_refused(low, high + 1, is_taken)
            raise _Undone
    # Counted where duplicates are still there.
    return None if found is None else await parts.count(staging, sql("{row} < {n}", row=parts.row, n=Literal(found)))
