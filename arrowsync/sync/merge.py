"""`merge`: the staged rows into the table, all of them, or those that it takes.

Where an error doesn't say which row was refused, but the staging table knows in which order rows came, the first such row is
looked for: the step that failed is repeated for some of the rows at a time. Those before it are copied and merged once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from arrowsync.catalog import ObjectName
from arrowsync.dialects.dialect import Dialect, MergeJob, MergeStep, Session
from arrowsync.dialects.refused_row import RefusedRow, agree, first_refused, name_row, names_row, searched
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
    steps = dialect.merge_steps(job)
    if dialect.arrival is None:
        await _run(session, steps, counts, [])
    else:
        done: list[MergeStep] = []
        try:
            async with session.transaction():
                await _run(session, steps, counts, done)
        except ArrowSyncError as error:
            if dialect.refuses_row(error) and not names_row(error):
                parts = Parts(dialect, session, job, Marks(dialect.arrival(job.target)), made)
                row = await _place_of_refused(parts, steps, len(done), error)
                if row is not None:
                    name_row(error, row)
            raise
    await session.execute(dialect.drop_staging(job.staging))


async def _run(session: Session, steps: Sequence[MergeStep], counts: Counts, done: list[MergeStep]) -> None:
    for step in steps:
        await run_step(session, step, counts)
        done.append(step)


class _Undone(Exception):
    """What ends a transaction that was only to try something."""


async def _place_of_refused(parts: Parts, steps: Sequence[MergeStep], failed: int, error: ArrowSyncError) -> int | None:
    """How many rows were staged before the one for which step number `failed` raised the error; None where it isn't found.

    What is tried is undone. A row that is refused for something else, with fewer rows at a time, isn't the one.
    """
    outcome = steps[failed].outcome
    skips = parts.job.on_conflict == "skip"
    if outcome not in ("updated", "inserted"):
        return None
    staging = parts.job.staging
    found: RefusedRow | None = None

    async def bring(low: int, high: int) -> ArrowSyncError | None:
        part = await parts.empty(0)
        if not await parts.copy(staging, part, parts.between(low, high)):
            return None
        # Steps that skip rows belong together.
        return await parts.attempt([s for s in parts.steps(part) if skips or s.outcome == outcome], Counts())

    async def search() -> RefusedRow | None:
        before = sum(map(len, divided(steps)[:2])) if skips else failed
        for step in steps[:before]:
            await run_step(parts.session, step, Counts())
        query = sql("SELECT min({row}), max({row}) FROM {staging}", row=parts.row, staging=staging.identifier)
        low, high = (column[0].as_py() for column in (await parts.session.fetch(query)).columns)
        return None if low is None else await first_refused(low, high + 1, bring)

    with suppress(_Undone):
        async with parts.session.transaction():
            found = await searched(search(), error)
            raise _Undone
    if found is None or not agree(error, found.error):
        return None
    # Counted where duplicates are still there.
    return await parts.count(staging, sql("{row} < {number}", row=parts.row, number=Literal(found.row)))
