"""`Parts`: some of the staged rows in a staging table of their own, to see whether the table takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from arrowsync.catalog import Column, ObjectName
from arrowsync.dialects.dialect import Dialect, MergeJob, MergeStep, Session
from arrowsync.errors import ArrowSyncError, ConversionError, DatabaseError
from arrowsync.options import Mode, OnConflict
from arrowsync.sql import SQL, Identifier, Literal, join, sql
from arrowsync.sync.load import Counts, run_step
from arrowsync.sync.marks import Marks

ALL = sql("1 = 1")


def divided(steps: Sequence[MergeStep]) -> tuple[list[MergeStep], list[MergeStep], list[MergeStep]]:
    """What is done to the staged rows alone, the deletions, and what brings rows."""
    writes = [at for at, step in enumerate(steps) if step.outcome in ("deleted", "updated", "inserted")]
    brings = next(at for at, step in enumerate(steps) if step.outcome in ("updated", "inserted"))
    return list(steps[: writes[0]]), list(steps[writes[0] : brings]), list(steps[brings:])


@dataclass(slots=True)
class Parts:
    """Tables for a part of the rows that `job` has staged, for a part of that, and so on.

    `marks` names the columns that tell rows apart. What is made is added to `made`; `deferred` checks what waits for a commit.
    """

    dialect: Dialect
    session: Session
    job: MergeJob
    marks: Marks
    made: list[ObjectName]
    deferred: tuple[SQL, ...] = ()
    tables: list[ObjectName] = field(default_factory=list[ObjectName])

    @property
    def columns(self) -> tuple[Column, ...]:
        """Those of the staging table."""
        by_name = {column.name: column for column in self.job.target.columns}
        return (*(by_name[name] for name in self.job.columns), *self.marks.columns)

    @property
    def row(self) -> Identifier:
        """The column with the number of each row."""
        return Identifier(self.marks.row)

    def between(self, low: int, high: int) -> SQL:
        """The condition for rows from `low` on and below `high`."""
        return sql("{row} >= {low} AND {row} < {high}", row=self.row, low=Literal(low), high=Literal(high))

    def steps(self, part: ObjectName) -> list[MergeStep]:
        """What brings the rows of a part, where duplicates have been resolved and deletions done before."""
        mode: Mode = "insert" if self.job.mode == "insert" or not self.job.key else "upsert"
        on_conflict: OnConflict = self.job.on_conflict if self.job.mode == "insert" else "error"
        job = replace(self.job, staging=part, mode=mode, on_conflict=on_conflict, dedup="error")
        return list(self.dialect.merge_steps(replace(job, ordered=True, ordinal=None)))

    async def attempt(self, steps: Sequence[MergeStep], counts: Counts) -> ArrowSyncError | None:
        """Run the steps in a savepoint, and count what they do; the error, where the table doesn't take a row."""
        done = Counts()
        try:
            async with self.session.transaction():
                for step in steps:
                    await run_step(self.session, step, done)
                for statement in self.deferred:
                    await self.session.execute(statement)
        except (DatabaseError, ConversionError) as error:
            if not self.dialect.refuses_row(error):
                raise
            return error
        for outcome, rows in done.rows.items():
            counts.rows[outcome] = counts[outcome] + rows
        return None

    async def empty(self, depth: int) -> ObjectName:
        """The table for parts of that depth, without any rows."""
        if depth < len(self.tables):
            if self.dialect.clear_staging is not None:
                await self.session.execute(self.dialect.clear_staging(self.tables[depth]))
                return self.tables[depth]
            await self.session.execute(self.dialect.drop_staging(self.tables[depth]))
            self.made.remove(self.tables[depth])
        table = self.marks.beside(self.job.target)
        name, statement = self.dialect.create_staging(table, [column.name for column in self.columns])
        self.made.append(name)
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
        """How many rows there are."""
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
        async with self.session.stream(query, self.columns) as stream:
            batches = [batch async for batch in stream]
        return pa.Table.from_batches(batches) if batches else pa.table({})
