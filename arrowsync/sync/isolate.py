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

from arrowsync.catalog import Column, ObjectName
from arrowsync.dialects.dialect import Dialect, MergeJob, MergeStep, Refusal, Session
from arrowsync.errors import ArrowSyncError, ConstraintViolated, ConversionError, DatabaseError
from arrowsync.options import Mode, OnConflict
from arrowsync.sql import SQL, Identifier, Literal, join, sql
from arrowsync.sync.intake import Intake
from arrowsync.sync.load import Counts, merge_all, refuse_duplicates, run_step
from arrowsync.sync.marks import Marks, refers_to_itself, single_column
from arrowsync.sync.refused import Refused, refused_rows

_WAYS = 8
"""Into how many parts rows are parted. With more, fewer rows are copied, and more statements sent."""
_MANY = 1_000
"""So many row numbers are written into one statement."""


async def merge(
    dialect: Dialect, session: Session, job: MergeJob, counts: Counts, intake: Intake, made: list[ObjectName]
) -> None:
    """The staged rows into the table; where they have marks, without those that it refuses, which `intake` sets aside.

    Adds what became of them to `counts`, and drops the staging table.
    """
    if intake.marks is None:
        await merge_all(dialect, session, job, counts)
        return
    if job.key and job.dedup == "error":
        await refuse_duplicates(dialect, session, job)
    first, deletions, rest = _divided(dialect.merge_steps(job))
    for step in first:
        await run_step(session, step, counts)
    isolation = Isolation(dialect, session, job, intake.marks, counts, intake, made)
    if dialect.refusals is not None:
        await isolation.ask(deletions, rest)
    else:
        isolation.deferred = await dialect.deferred(session, job.target)
        await isolation.try_parts(deletions, rest)
    counts.refused = intake.refused
    for name in [job.staging, *isolation.parts]:
        await session.execute(dialect.drop_staging(name))


def _divided(steps: Sequence[MergeStep]) -> tuple[list[MergeStep], list[MergeStep], list[MergeStep]]:
    """What is done to the staged rows alone, the deletions, and what brings rows."""
    writes = [at for at, step in enumerate(steps) if step.outcome in ("deleted", "updated", "inserted")]
    brings = next(at for at, step in enumerate(steps) if step.outcome in ("updated", "inserted"))
    return list(steps[: writes[0]]), list(steps[writes[0] : brings]), list(steps[brings:])


@dataclass(slots=True)
class Isolation:
    """One merge that sets refused rows aside. `parts` are tables for a part, a part of it, and so on."""

    dialect: Dialect
    session: Session
    job: MergeJob
    marks: Marks
    counts: Counts
    intake: Intake
    made: list[ObjectName]
    deferred: tuple[SQL, ...] = ()
    parts: list[ObjectName] = field(default_factory=list[ObjectName])
    undecided: list[Refused] = field(default_factory=list[Refused])
    backwards: bool = False

    @property
    def columns(self) -> tuple[Column, ...]:
        """Those of the staging table."""
        by_name = {column.name: column for column in self.job.target.columns}
        return (*(by_name[name] for name in self.job.columns), *self.marks.columns)

    async def try_parts(self, deletions: Sequence[MergeStep], rest: Sequence[MergeStep]) -> None:
        """All at once, or where that fails by parts."""
        error = await self._attempt([*deletions, *rest])
        if error is None:
            return
        for step in deletions:
            await run_step(self.session, step, self.counts)
        without_rows = await self._attempt(self._steps(await self._empty_part(0)))
        if without_rows is not None:
            raise without_rows  # no row's fault: a trigger for each statement, what the user's transaction owes
        rows = await self._count(self.job.staging)
        if not rows:
            raise error
        await self._part_up(self.job.staging, 0, self.intake.rows_read, rows, error, 0)
        await self._try_again()
        await self._delete_refused()

    async def ask(self, deletions: Sequence[MergeStep], rest: Sequence[MergeStep]) -> None:
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
            matching = sql("{row} IN ({query})", row=Identifier(self.marks.row), query=question.query)
            found = await self._fetch(self.job.staging, matching)
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
        width = -(-(end - start) // _WAYS)
        ranges = [(low, min(low + width, end)) for low in range(start, end, width)]
        for low, high in reversed(ranges) if self.backwards else ranges:
            row = Identifier(self.marks.row)
            which = sql("{row} >= {low} AND {row} < {high}", row=row, low=Literal(low), high=Literal(high))
            part = await self._empty_part(depth)
            count = await self._copy(source, part, which)
            # Where the others are empty it is known already that this one fails.
            failure = error if count == rows else await self._attempt(self._steps(part)) if count else None
            if failure is not None:
                await self._part_up(part, low, high, count, failure, depth + 1)

    async def _try_again(self) -> None:
        """Refused rows once more, as long as some get in: one may have come before what it needs."""
        while self.undecided:
            waiting, self.undecided = self.undecided, []
            # To and fro, because rows in either order may each need the one before.
            self.backwards = not self.backwards
            part = await self._empty_part(0)
            numbers = [Literal(each.row) for each in waiting]
            for at in range(0, len(numbers), _MANY):
                which = sql(
                    "{row} IN ({numbers})", row=Identifier(self.marks.row), numbers=join(", ", numbers[at : at + _MANY])
                )
                await self._copy(self.job.staging, part, which)
            error = await self._attempt(self._steps(part))
            if error is not None:
                await self._part_up(part, 0, self.intake.rows_read, len(waiting), error, 1)
            if len(self.undecided) == len(waiting):
                for each in self.undecided:
                    self.intake.refuse(each.record)
                return

    def _steps(self, part: ObjectName) -> list[MergeStep]:
        """What brings the rows of a part: duplicates are resolved, and deletions are done."""
        mode: Mode = "insert" if self.job.mode == "insert" or not self.job.key else "upsert"
        on_conflict: OnConflict = self.job.on_conflict if self.job.mode == "insert" else "error"
        job = replace(self.job, staging=part, mode=mode, on_conflict=on_conflict, dedup="error")
        return list(self.dialect.merge_steps(replace(job, ordered=True, ordinal=None)))

    async def _attempt(self, steps: Sequence[MergeStep]) -> ArrowSyncError | None:
        """Run the steps in a savepoint; the error, where the table doesn't take a row."""
        counts = Counts()
        try:
            async with self.session.transaction():
                for step in steps:
                    await run_step(self.session, step, counts)
                for statement in self.deferred:
                    await self.session.execute(statement)
        except (DatabaseError, ConversionError) as error:
            if not self.dialect.refuses_row(error):
                raise
            return error
        for outcome, rows in counts.rows.items():
            self.counts.rows[outcome] = self.counts[outcome] + rows
        return None

    async def _empty_part(self, depth: int) -> ObjectName:
        """The table for parts of that depth, without any rows."""
        if depth < len(self.parts):
            if self.dialect.clear_staging is not None:
                await self.session.execute(self.dialect.clear_staging(self.parts[depth]))
                return self.parts[depth]
            await self.session.execute(self.dialect.drop_staging(self.parts[depth]))
            self.made.remove(self.parts[depth])
        table = self.marks.beside(self.job.target)
        name, statement = self.dialect.create_staging(table, [column.name for column in self.columns])
        self.made.append(name)
        await self.session.execute(statement)
        self.parts[depth : depth + 1] = [name]
        return name

    async def _copy(self, source: ObjectName, part: ObjectName, which: SQL) -> int:
        """Some of the rows of `source` into `part`; how many."""
        return await self.session.execute(
            sql(
                "INSERT INTO {part} ({columns}) SELECT {columns} FROM {source} WHERE {which} ORDER BY {row}",
                part=part.identifier,
                columns=join(", ", [Identifier(column.name) for column in self.columns]),
                source=source.identifier,
                which=which,
                row=Identifier(self.marks.row),
            )
        )

    async def _count(self, name: ObjectName) -> int:
        counted = await self.session.fetch(sql("SELECT count(*) AS n FROM {name}", name=name.identifier))
        return int(counted.column(0)[0].as_py())

    async def _fetch(self, source: ObjectName, which: SQL) -> pa.Table:
        query = sql(
            "SELECT {columns} FROM {source} WHERE {which} ORDER BY {row}",
            columns=join(", ", [Identifier(column.name) for column in self.columns]),
            source=source.identifier,
            which=which,
            row=Identifier(self.marks.row),
        )
        async with self.session.stream(query, self.columns) as stream:
            batches = [batch async for batch in stream]
        return pa.Table.from_batches(batches) if batches else pa.table({})

    async def _refuse(self, source: ObjectName, error: ArrowSyncError) -> None:
        """Set aside the only row of `source`."""
        found = await self._fetch(source, sql("1 = 1"))
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
                row=Identifier(self.marks.row),
                numbers=join(", ", [Literal(number) for number in numbers[at : at + _MANY]]),
            )
            await run_step(self.session, MergeStep(statement, "deleted"), self.counts)
