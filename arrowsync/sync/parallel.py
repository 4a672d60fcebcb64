"""The way over several connections: rows into a hidden table that all of them see, then one transaction for the rest.

The stream is read and converted by one thread, and its batches are dealt to the connections as each gets free. Nobody sees
any of it before that last transaction commits: it finds the database as it was when the sync was planned, or fails. What a
database has to do for it is `ParallelForms`, and how a hidden table becomes the real one is in `hidden`.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import pyarrow as pa

from arrowsync.bridge import Deal, DealStopped, dealt, finish
from arrowsync.catalog import ObjectName
from arrowsync.dialects.dialect import Dialect, LoadResult, MergeJob, Opener, ParallelForms, Session
from arrowsync.errors import ConstraintViolated, ConversionError, DatabaseError, DeclarationError
from arrowsync.migrate.changes import CreateNamespace, DropColumn
from arrowsync.options import SyncOptions
from arrowsync.sync.apply import apply_steps
from arrowsync.sync.hidden import Hidden, apply_creating, design, make, resolving
from arrowsync.sync.intake import Intake
from arrowsync.sync.job import Clock, Job, goes_straight, merge_job
from arrowsync.sync.load import Counts, check_arrived, merge, resolve_duplicates

RECONNECTING = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Pauses, in seconds, before each attempt to connect again, where only a lost connection could drop what it made."""

_ROW_OF_LOAD = re.compile(r"\(row (\d+) of the load\)")

Piece = tuple[int, pa.RecordBatch]
"""A batch, and the number of its first row."""


def check_parallel(dialect: Dialect, session: Session) -> ParallelForms:
    """What loading over several connections takes here; DeclarationError, before anything happens, where it can't be."""
    forms = dialect.parallel
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
            hidden = design(self.job, self.intake.schema, name, self.options)
            with self.clock.phase("load"):
                async with _sessions(self.session, opener, self.options.parallel) as sessions:
                    await make(hidden, self.job, self.dialect, self.forms, self.session)
                    counts = await _load(hidden, sessions, self.intake)
            check_arrived(counts, self.intake, self.job.table.name)
            async with self.session.transaction():
                await self._check_unchanged()
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

    async def _check_unchanged(self) -> None:
        """The plan is for the tables as they were before the load. (Types that are there by now can't be created.)"""
        found = await self.dialect.discover(self.session, self.job.names)
        if any(found.table(name) != self.job.current.table(name) for name in self.job.names):
            raise DatabaseError(
                f"the table {self.job.table.name} was created or altered by somebody else while its rows were loaded",
                transient=True,
                hint="nothing was changed; repeat the sync",
            )

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
            if not goes_straight(self.job, self.options):
                await self.dialect.lock(self.session, self.job.table.name, "merge")
            await merge(self.dialect, self.session, job, counts)


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


@asynccontextmanager
async def _sessions(session: Session, opener: Opener, number: int) -> AsyncGenerator[list[Session]]:
    """The session, and as many more as make up the number; these are closed at the end."""
    sessions = [session]

    async def add_one() -> None:
        sessions.append(await opener())

    try:
        while len(sessions) < number:
            await finish(add_one())  # a driver may leave something behind where its connecting is cancelled
        yield sessions
    finally:
        await finish(asyncio.gather(*(another.close() for another in sessions[1:])))


@dataclass(slots=True)
class _Share:
    """What one connection loads: the batches that it takes, as it gets free, with the number of each row if asked for."""

    deal: Deal[Piece]
    ordinal: str | None
    starts: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """For each batch, the number of its first row among those of this connection, and among all."""

    def __iter__(self) -> Generator[pa.RecordBatch]:
        taken = 0
        with closing(self.deal.hand()) as hand:
            for first, batch in hand:
                self.starts.append((taken, first))
                taken += batch.num_rows
                yield batch if self.ordinal is None else _numbered(batch, self.ordinal, first)

    def correct(self, error: Exception) -> None:
        """Bring the row numbers of an error, counted on this connection, to those of the whole load."""
        match error:
            case ConversionError(rows=(row, *_)):
                error.message = error.message.replace(f"row {row}", f"row {self._number(row)}", 1)
                error.rows = tuple(map(self._number, error.rows))
            case DatabaseError():
                error.message = _ROW_OF_LOAD.sub(
                    lambda found: f"(row {self._number(int(found[1]))} of the load)", error.message
                )
            case _:
                pass

    def _number(self, row: int) -> int:
        offset = next((first - start for start, first in reversed(self.starts) if start <= row), 0)
        return row + offset


async def _load(hidden: Hidden, sessions: Sequence[Session], intake: Intake) -> Counts:
    """Deal the rows out to the sessions; the first error of any of them ends all."""
    failed: list[Exception] = []

    async def load(session: Session) -> LoadResult | None:
        share = _Share(deal, hidden.ordinal)
        try:
            return await session.load(hidden.target, iter(share))
        except DealStopped:
            return None  # another one has failed, or is about to
        except Exception as error:
            if error is not deal.failure:
                share.correct(error)
            failed.append(error)
            deal.stop()
            for task in tasks:
                if task is not asyncio.current_task():
                    task.cancel()
            return None

    async with dealt(_pieces(intake)) as deal, asyncio.TaskGroup() as group:
        tasks = [group.create_task(load(session)) for session in sessions]
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:
            deal.stop()  # or else the threads would go on waiting for items, and the tasks for them
            raise
    if failed:
        raise failed[0]
    results = [result for task in tasks if (result := task.result()) is not None]
    assert len(results) == len(tasks), "a load that stops early has failed"
    return Counts(sum(result.rows for result in results), sum(result.bytes for result in results))


def _pieces(intake: Intake) -> Iterator[Piece]:
    first = 0
    for batch in intake:
        yield first, batch
        first += batch.num_rows


def _numbered(batch: pa.RecordBatch, ordinal: str, first: int) -> pa.RecordBatch:
    """The batch with the number of each row in a column of its own."""
    numbers = pa.array(np.arange(first, first + batch.num_rows, dtype=np.int64))
    return batch.append_column(pa.field(ordinal, pa.int64(), nullable=False), numbers)
