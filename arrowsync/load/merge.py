"""Staged rows into the target table: `merge`, and the reject search, which narrows a merge that fails to the rows at fault."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pyarrow as pa

from arrowsync.catalog import Column, ObjectName
from arrowsync.dialects.contract import ByQuery, BySavepoint, MergeJob, MergeStep, Session, ViolationQuery
from arrowsync.dialects.row_errors import (
    WAYS,
    RefusedRow,
    agree,
    first_refused,
    name_row,
    names_row,
    refuses_row,
    searched,
)
from arrowsync.errors import ArrowSyncError, ConstraintViolated, ConversionError, DatabaseError
from arrowsync.load.audit import begin, settle_quiet
from arrowsync.load.counts import RowCounts
from arrowsync.load.direct import refuse_duplicates, run_step
from arrowsync.load.rejects import RejectedRow, RowNumbers, refers_to_itself, rejects_of, single_column, with_real_name
from arrowsync.load.stream import ConvertedStream
from arrowsync.load.task import LoadTask
from arrowsync.options import Mode, OnConflict
from arrowsync.sql import SQL, Identifier, Literal, join, sql

ALL = sql("1 = 1")


def steps_by_kind(steps: Sequence[MergeStep]) -> tuple[list[MergeStep], list[MergeStep], list[MergeStep]]:
    """Sort the steps: those on the staged rows alone, deletions, and updates and inserts."""
    writes = [at for at, step in enumerate(steps) if step.outcome in ("deleted", "updated", "inserted")]
    brings = next(at for at, step in enumerate(steps) if step.outcome in ("updated", "inserted"))
    return list(steps[: writes[0]]), list(steps[writes[0] : brings]), list(steps[brings:])


@dataclass(slots=True)
class TrialTables:
    """Tables for a part of the rows that `job` has staged, for a part of that, and so on.

    `row_numbers` names the columns that tell rows apart. Tables are added to `made`; `deferred` checks what waits for a commit.
    """

    session: Session
    job: MergeJob
    row_numbers: RowNumbers
    temporary: list[ObjectName]
    deferred: tuple[SQL, ...] = ()
    tables: list[ObjectName] = field(default_factory=list[ObjectName])

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the staging table."""
        by_name = {column.name: column for column in self.job.target.columns}
        return (*(by_name[name] for name in self.job.columns), *self.row_numbers.columns)

    @property
    def row(self) -> Identifier:
        """The column with the number of each row."""
        return Identifier(self.row_numbers.row)

    def between(self, low: int, high: int) -> SQL:
        """The condition for rows from `low` on and below `high`."""
        return sql("{row} >= {low} AND {row} < {high}", row=self.row, low=Literal(low), high=Literal(high))

    def steps(self, part: ObjectName) -> list[MergeStep]:
        """The steps that merge the rows of a part, after duplicates were resolved and deletions done."""
        mode: Mode = "insert" if self.job.mode == "insert" or not self.job.key else "upsert"
        on_conflict: OnConflict = self.job.on_conflict if self.job.mode == "insert" else "error"
        job = replace(self.job, staging=part, mode=mode, on_conflict=on_conflict, dedup="error")
        return list(self.session.dialect.merge.steps(replace(job, in_order=True, row_number=None)))

    async def try_steps(self, steps: Sequence[MergeStep]) -> RowCounts | ArrowSyncError:
        """Run the steps in a savepoint, and count the rows; the error, if the table doesn't take a row."""
        try:
            async with self.session.transaction():
                counts = await _run(self.session, steps, [])
                for statement in self.deferred:
                    await self.session.execute(statement)
        except (DatabaseError, ConversionError) as error:
            if not refuses_row(error):
                raise
            return error
        return counts

    async def fresh_table(self, depth: int) -> ObjectName:
        """The table for parts of that depth, without any rows."""
        merge, errors = self.session.dialect.merge, self.session.dialect.row_errors
        assert isinstance(errors, BySavepoint), "rows are tried in savepoints"
        if depth < len(self.tables):
            if errors.clear_staging != "create anew":
                await self.session.execute(errors.clear_staging(self.tables[depth]))
                return self.tables[depth]
            await self.session.execute(merge.drop_staging(self.tables[depth]))
            self.temporary.remove(self.tables[depth])
        table = self.row_numbers.beside(self.job.target)
        name, statement = merge.create_staging(table, [column.name for column in self.columns])
        self.temporary.append(name)
        await self.session.execute(statement)
        self.tables[depth : depth + 1] = [name]
        return name

    async def copy(self, source: ObjectName, part: ObjectName, which: SQL) -> int:
        """Some of the rows of `source` into `part`; how many."""
        return await self.session.execute(
            sql(
                "INSERT INTO {part} ({columns}) SELECT {columns} FROM {source} WHERE {which} ORDER BY {row}",
                part=part.identifier,
                columns=join(", ", [Identifier(column.name) for column in self.columns]),
                source=source.identifier,
                which=which,
                row=self.row,
            )
        )

    async def count(self, name: ObjectName, which: SQL = ALL) -> int:
        """Count the rows that meet the condition."""
        counted = await self.session.fetch(
            sql("SELECT count(*) AS n FROM {name} WHERE {which}", name=name.identifier, which=which)
        )
        return int(counted.column(0)[0].as_py())

    async def fetch(self, source: ObjectName, which: SQL = ALL) -> pa.Table:
        """The rows, in their order."""
        query = sql(
            "SELECT {columns} FROM {source} WHERE {which} ORDER BY {row}",
            columns=join(", ", [Identifier(column.name) for column in self.columns]),
            source=source.identifier,
            which=which,
            row=self.row,
        )
        async with self.session.stream(query, self.columns) as result:
            batches = [batch async for batch in result.batches]
        return pa.Table.from_batches(batches) if batches else pa.table({})


_MANY = 1_000
"""The most row numbers in one statement."""


@dataclass(slots=True)
class RejectSearch:
    """One merge that sets refused rows aside."""

    parts: TrialTables
    converted: ConvertedStream
    counts: RowCounts = field(default_factory=RowCounts)
    retry: list[RejectedRow] = field(default_factory=list[RejectedRow])
    reverse: bool = False

    @property
    def session(self) -> Session:
        return self.parts.session

    @property
    def job(self) -> MergeJob:
        return self.parts.job

    @property
    def row_numbers(self) -> RowNumbers:
        return self.parts.row_numbers

    async def merge(self) -> RowCounts:
        """Merge the staged rows without those that the table rejects."""
        first, deletions, rest = steps_by_kind(self.session.dialect.merge.steps(self.job))
        await self._run(first)
        match self.session.dialect.row_errors:
            case ByQuery(violations):
                questions = violations(replace(self.job, row_number=self.row_numbers.row))
                await self._ask_which(questions, deletions, rest)
            case BySavepoint(deferred):
                self.parts.deferred = await deferred(self.session, self.job.target)
                await self._try_parts(deletions, rest)
        for name in self.parts.tables:
            await self.session.execute(self.session.dialect.merge.drop_staging(name))
        return self.counts

    async def _run(self, steps: Sequence[MergeStep]) -> None:
        self.counts += await _run(self.session, steps, [])

    async def _try_steps(self, steps: Sequence[MergeStep]) -> ArrowSyncError | None:
        """Run the steps in a savepoint; the error, if the table doesn't take a row."""
        done = await self.parts.try_steps(steps)
        if isinstance(done, ArrowSyncError):
            return done
        self.counts += done
        return None

    async def _try_parts(self, deletions: Sequence[MergeStep], rest: Sequence[MergeStep]) -> None:
        """Merge all rows at once, or if that fails by parts."""
        error = await self._try_steps([*deletions, *rest])
        if error is None:
            return
        await self._run(deletions)
        without_rows = await self._try_steps(self.parts.steps(await self.parts.fresh_table(0)))
        if without_rows is not None:
            raise without_rows  # no row's fault: a trigger for each statement, a deferred constraint of the user's transaction
        rows = await self.parts.count(self.job.staging)
        if not rows:
            raise error
        await self._split(self.job.staging, 0, self.converted.rows_read, rows, error, 0)
        await self._try_again()
        await self._delete_refused()

    async def _ask_which(
        self, questions: Sequence[ViolationQuery], deletions: Sequence[MergeStep], rest: Sequence[MergeStep]
    ) -> None:
        """Set aside the rows that queries find, and merge the others."""
        # Under `replace` a rejected row doesn't exist afterwards, as if it were not in the data.
        before, after = ((), deletions) if self.job.mode == "replace" and self.job.key else (deletions, ())
        await self._run(before)
        while await self._ask(questions):
            pass  # a row may refer to one that has been rejected
        await self._run([*after, *rest])

    async def _ask(self, questions: Sequence[ViolationQuery]) -> bool:
        """True if rows were refused."""
        before = self.converted.refused
        staging = self.job.staging.identifier
        for question in questions:
            matching = sql("{row} IN ({query})", row=self.parts.row, query=question.query)
            found = await self.parts.fetch(self.job.staging, matching)
            if found.num_rows:
                self.converted.refuse(self._rejects(found, question.column, question.reason))
                await self.session.execute(sql("DELETE FROM {staging} WHERE {which}", staging=staging, which=matching))
        return self.converted.refused > before

    async def _split(
        self, source: ObjectName, start: int, end: int, rows: int, error: ArrowSyncError, depth: int
    ) -> None:
        """The rows of `source`, whose numbers are in a range and which fail together."""
        if rows == 1:
            await self._refuse(source, error)
            return
        width = -(-(end - start) // WAYS)
        ranges = [(low, min(low + width, end)) for low in range(start, end, width)]
        for low, high in reversed(ranges) if self.reverse else ranges:
            part = await self.parts.fresh_table(depth)
            count = await self.parts.copy(source, part, self.parts.between(low, high))
            # Where the others are empty it is known already that this one fails.
            failure = error if count == rows else await self._try_steps(self.parts.steps(part)) if count else None
            if failure is not None:
                await self._split(part, low, high, count, failure, depth + 1)

    async def _try_again(self) -> None:
        """Try rejected rows again, as long as some get in: a row may have come before the one that it needs."""
        while self.retry:
            waiting, self.retry = self.retry, []
            # To and fro, because rows in either order may each need the one before.
            self.reverse = not self.reverse
            part = await self.parts.fresh_table(0)
            numbers = [Literal(each.row) for each in waiting]
            for at in range(0, len(numbers), _MANY):
                which = sql("{row} IN ({numbers})", row=self.parts.row, numbers=join(", ", numbers[at : at + _MANY]))
                await self.parts.copy(self.job.staging, part, which)
            error = await self._try_steps(self.parts.steps(part))
            if error is not None:
                await self._split(part, 0, self.converted.rows_read, len(waiting), error, 1)
            if len(self.retry) == len(waiting):
                for each in self.retry:
                    self.converted.refuse(each.record)
                return

    async def _refuse(self, source: ObjectName, error: ArrowSyncError) -> None:
        """Set aside the only row of `source`."""
        found = await self.parts.fetch(source)
        column = getattr(error, "column", None)
        if isinstance(error, ConstraintViolated) and column is None:
            column = single_column(self.job.target, error.constraint)
        record = self._rejects(found, column, error.reason if isinstance(error, ConversionError) else error.message)
        if self._may_yet_fit(error):
            self.retry.append(RejectedRow(found.column(self.row_numbers.row)[0].as_py(), record))
        else:
            self.converted.refuse(record)

    def _may_yet_fit(self, error: ArrowSyncError) -> bool:
        """True if another row, which comes later, may make room for this one, or be what it refers to."""
        if not isinstance(error, ConstraintViolated):
            return False
        if error.kind == "foreign key":
            return refers_to_itself(self.job.target)
        return error.kind in ("unique", "exclusion") and self.job.mode != "insert"

    def _rejects(self, found: pa.Table, column: str | None, reason: str) -> pa.RecordBatch:
        named = column if column in self.job.columns else None
        reason = with_real_name(reason, self.converted.table)
        return rejects_of(found, self.row_numbers, self.converted.files, named, reason, self.job.key)

    async def _delete_refused(self) -> None:
        """Under `replace`, the old versions of refused rows: the table has what was loaded, and nothing else."""
        if self.job.mode != "replace" or not self.job.key or not self.converted.refused:
            return
        numbers = self.converted.refused_numbers()
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
            await self._run([MergeStep(statement, "deleted")])


async def merge(task: LoadTask, job: MergeJob, loaded: int) -> RowCounts:
    """Bring the staged rows into the table, and drop the staging table; the rows by outcome, of `loaded` that were staged.

    Rows that bring their numbers, and that the server rejects, are set aside.
    """
    session, rows, temporary = task.session, task.rows, task.cleanup.temporary
    if job.key and job.dedup == "error":
        await refuse_duplicates(session, job)
    audit = await begin(session, job, temporary)
    tried = False
    if rows.row_numbers is not None:
        parts = TrialTables(session, job, rows.row_numbers, temporary)
        counts = await RejectSearch(parts, rows).merge()
        tried = bool(parts.tables)
    else:
        counts = await _merge_all(session, job, temporary)
    if audit is None:
        counts = counts.having(settle_quiet(job, counts, loaded - rows.refused))
    else:
        counts = counts.having(await audit.settle(counts, rows, rows.row_numbers, tried=tried))
        if audit.before is not None:
            await session.execute(session.dialect.merge.drop_staging(audit.before))
    await session.execute(session.dialect.merge.drop_staging(job.staging))
    return counts


async def _merge_all(session: Session, job: MergeJob, temporary: list[ObjectName]) -> RowCounts:
    """Merge all the staged rows; an error names the rejected row, if it can be found."""
    steps = session.dialect.merge.steps(job)
    row_number = session.dialect.merge.row_number_column(job.target)
    if row_number is None:
        return await _run(session, steps, [])
    done: list[MergeStep] = []
    try:
        async with session.transaction():
            return await _run(session, steps, done)
    except ArrowSyncError as error:
        if refuses_row(error) and not names_row(error):
            parts = TrialTables(session, job, RowNumbers(row_number), temporary)
            row = await _place_of_refused(parts, steps, len(done), error)
            if row is not None:
                name_row(error, row)
        raise


async def _run(session: Session, steps: Sequence[MergeStep], done: list[MergeStep]) -> RowCounts:
    """Run the steps; each is added to `done`, which says where an error came up."""
    counts = RowCounts()
    for step in steps:
        counts += await run_step(session, step)
        done.append(step)
    return counts


class _Undone(Exception):
    """Raised to roll back a transaction that was a trial."""


async def _place_of_refused(
    parts: TrialTables, steps: Sequence[MergeStep], failed: int, error: ArrowSyncError
) -> int | None:
    """Find how many rows were staged before the row that step number `failed` was rejected for; None if it isn't found.

    The trials are undone. A row that is rejected for another reason, with fewer rows at a time, isn't the one.
    """
    outcome = steps[failed].outcome
    skips = parts.job.on_conflict == "skip"
    if outcome not in ("updated", "inserted"):
        return None
    staging = parts.job.staging
    found: RefusedRow | None = None

    async def bring(low: int, high: int) -> ArrowSyncError | None:
        part = await parts.fresh_table(0)
        if not await parts.copy(staging, part, parts.between(low, high)):
            return None
        # Steps that skip rows belong together.
        done = await parts.try_steps([s for s in parts.steps(part) if skips or s.outcome == outcome])
        return done if isinstance(done, ArrowSyncError) else None

    async def search() -> RefusedRow | None:
        before = sum(map(len, steps_by_kind(steps)[:2])) if skips else failed
        for step in steps[:before]:
            await run_step(parts.session, step)
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
