"""Rows that only the server can refuse, for `on_error="reject"`: they are found, set aside, and the others merged.

The staged rows are merged at once, in a savepoint. Where that fails they are parted in eight, and each part is merged in a
savepoint of its own, down to single rows: of n rows with k bad ones that takes at most 8 k * log8(n) attempts. Each part is
copied from the one that it is part of, so no attempt reads more rows than it has to. Where an engine has no savepoints, it is
asked which rows it would refuse (`Dialect.refusals`).

What is deleted is deleted once, and before: a row that is refused leaves its old version where it was, except under `replace`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from arrowsync.catalog import ObjectName
from arrowsync.dialects.dialect import Dialect, MergeJob, MergeStep, Refusal, Session
from arrowsync.dialects.refused_row import WAYS
from arrowsync.errors import ArrowSyncError, ConstraintViolated, ConversionError
from arrowsync.sql import Identifier, Literal, join, sql
from arrowsync.sync.intake import Intake
from arrowsync.sync.load import Counts, run_step
from arrowsync.sync.marks import Marks, refers_to_itself, single_column
from arrowsync.sync.parts import Parts, divided
from arrowsync.sync.refused import Refused, refused_rows

_MANY = 1_000
"""So many row numbers are written into one statement."""


@dataclass(slots=True)
class Isolation:
    """One merge that sets refused rows aside."""

    parts: Parts
    counts: Counts
    intake: Intake
    undecided: list[Refused] = field(default_factory=list[Refused])
    backwards: bool = False

    @property
    def dialect(self) -> Dialect:
        return self.parts.dialect

    @property
    def session(self) -> Session:
        return self.parts.session

    @property
    def job(self) -> MergeJob:
        return self.parts.job

    @property
    def marks(self) -> Marks:
        return self.parts.marks

    async def merge(self) -> None:
        """The staged rows into the table, without those that it refuses; drops the staging table."""
        first, deletions, rest = divided(self.dialect.merge_steps(self.job))
        for step in first:
            await run_step(self.session, step, self.counts)
        if self.dialect.refusals is not None:
            await self._ask_which(deletions, rest)
        else:
            self.parts.deferred = await self.dialect.deferred(self.session, self.job.target)
            await self._try_parts(deletions, rest)
        self.counts.refused = self.intake.refused
        for name in [self.job.staging, *self.parts.tables]:
            await self.session.execute(self.dialect.drop_staging(name))

    async def _try_parts(self, deletions: Sequence[MergeStep], rest: Sequence[MergeStep]) -> None:
        """All at once, or where that fails by parts."""
        error = await self.parts.attempt([*deletions, *rest], self.counts)
        if error is None:
            return
        for step in deletions:
            await run_step(self.session, step, self.counts)
        without_rows = await self.parts.attempt(self.parts.steps(await self.parts.empty(0)), self.counts)
        if without_rows is not None:
            raise without_rows  # no row's fault: a trigger for each statement, what the user's transaction owes
        rows = await self.parts.count(self.job.staging)
        if not rows:
            raise error
        await self._part_up(self.job.staging, 0, self.intake.rows_read, rows, error, 0)
        await self._try_again()
        await self._delete_refused()

    async def _ask_which(self, deletions: Sequence[MergeStep], rest: Sequence[MergeStep]) -> None:
        """Set aside which rows the engine says it would refuse, and merge the others."""
        assert self.dialect.refusals is not None, "it was asked for"
        # Under `replace` what is refused isn't there afterwards, as if it were not in the data.
        before, after = ((), deletions) if self.job.mode == "replace" and self.job.key else (deletions, ())
        for step in before:
            await run_step(self.session, step, self.counts)
        questions = self.dialect.refusals(replace(self.job, ordinal=self.marks.row))
        while await self._ask(questions):
            pass  # a row may refer to one that has been refused
        for step in (*after, *rest):
            await run_step(self.session, step, self.counts)

    async def _ask(self, questions: Sequence[Refusal]) -> bool:
        """Whether rows were refused."""
        before = self.intake.refused
        staging = self.job.staging.identifier
        for question in questions:
            matching = sql("{row} IN ({query})", row=self.parts.row, query=question.query)
            found = await self.parts.fetch(self.job.staging, matching)
            if found.num_rows:
                self.intake.refuse(self._rejects(found, question.column, question.reason))
                await self.session.execute(sql("DELETE FROM {staging} WHERE {which}", staging=staging, which=matching))
        return self.intake.refused > before

    async def _part_up(
        self, source: ObjectName, start: int, end: int, rows: int, error: ArrowSyncError, depth: int
    ) -> None:
        """The rows of `source`, whose numbers are in a range and which fail together."""
        if rows == 1:
            await self._refuse(source, error)
            return
        width = -(-(end - start) // WAYS)
        ranges = [(low, min(low + width, end)) for low in range(start, end, width)]
        for low, high in reversed(ranges) if self.backwards else ranges:
            part = await self.parts.empty(depth)
            count = await self.parts.copy(source, part, self.parts.between(low, high))
            # Where the others are empty it is known already that this one fails.
            failure = (
                error
                if count == rows
                else await self.parts.attempt(self.parts.steps(part), self.counts)
                if count
                else None
            )
            if failure is not None:
                await self._part_up(part, low, high, count, failure, depth + 1)

    async def _try_again(self) -> None:
        """Refused rows once more, as long as some get in: one may have come before what it needs."""
        while self.undecided:
            waiting, self.undecided = self.undecided, []
            # To and fro, because rows in either order may each need the one before.
            self.backwards = not self.backwards
            part = await self.parts.empty(0)
            numbers = [Literal(each.row) for each in waiting]
            for at in range(0, len(numbers), _MANY):
                which = sql("{row} IN ({numbers})", row=self.parts.row, numbers=join(", ", numbers[at : at + _MANY]))
                await self.parts.copy(self.job.staging, part, which)
            error = await self.parts.attempt(self.parts.steps(part), self.counts)
            if error is not None:
                await self._part_up(part, 0, self.intake.rows_read, len(waiting), error, 1)
            if len(self.undecided) == len(waiting):
                for each in self.undecided:
                    self.intake.refuse(each.record)
                return

    async def _refuse(self, source: ObjectName, error: ArrowSyncError) -> None:
        """Set aside the only row of `source`."""
        found = await self.parts.fetch(source)
        column = getattr(error, "column", None)
        if isinstance(error, ConstraintViolated) and column is None:
            column = single_column(self.job.target, error.constraint)
        record = self._rejects(found, column, error.reason if isinstance(error, ConversionError) else error.message)
        if self._may_yet_fit(error):
            self.undecided.append(Refused(found.column(self.marks.row)[0].as_py(), record))
        else:
            self.intake.refuse(record)

    def _may_yet_fit(self, error: ArrowSyncError) -> bool:
        """Whether another row, which comes later, may make room for this one, or be what it refers to."""
        if not isinstance(error, ConstraintViolated):
            return False
        if error.kind == "foreign key":
            return refers_to_itself(self.job.target)
        return error.kind in ("unique", "exclusion") and self.job.mode != "insert"

    def _rejects(self, found: pa.Table, column: str | None, reason: str) -> pa.RecordBatch:
        named = column if column in self.job.columns else None
        return refused_rows(found, self.marks, self.intake.files, named, reason)

    async def _delete_refused(self) -> None:
        """Under `replace`, the old versions of refused rows: the table has what was loaded, and nothing else."""
        if self.job.mode != "replace" or not self.job.key or not self.intake.refused:
            return
        numbers = self.intake.refused_numbers()
        key = join(", ", [Identifier(name) for name in self.job.key])
        for at in range(0, len(numbers), _MANY):
            statement = sql(
                "DELETE FROM {target} WHERE ({key}) IN (SELECT {key} FROM {staging} WHERE {row} IN ({numbers}))",
                target=self.job.target.name.identifier,
                key=key,
                staging=self.job.staging.identifier,
                row=self.parts.row,
                numbers=join(", ", [Literal(number) for number in numbers[at : at + _MANY]]),
            )
            await run_step(self.session, MergeStep(statement, "deleted"), self.counts)
