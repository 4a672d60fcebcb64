"""Counts of the staged rows by outcome, read from the table itself.

The numbers of rows that statements affect don't say it where a table has triggers, rules or policies: a row may be dropped, kept
as it was, changed, or be written although it counts for nothing. There the rows that the merge may change are copied before it
(`begin`), and compared afterwards with those that were sent and those that are there (`Audit.settle`). Where a table has nothing
of that, every staged row that no statement has written is there already, as it is (`settle_quiet`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

from arrowsync.catalog import ObjectName
from arrowsync.dialects.contract import Interference, MergeJob, Outcome, RowAudit, Session
from arrowsync.dialects.merge_sql import brings_all, same
from arrowsync.errors import DatabaseError
from arrowsync.load.counts import RowCounts
from arrowsync.load.rejects import RowNumbers
from arrowsync.load.stream import ConvertedStream
from arrowsync.sql import SQL, Identifier, Literal, join, sql

_MANY = 1_000
_THERE = sql("_arrowsync_there")
_NEVER = sql("1 = 0")


@dataclass(frozen=True, slots=True)
class Audit:
    """One merge that is audited. `before` names the copy of the rows that it may change, where it needs one."""

    audit: RowAudit
    session: Session
    job: MergeJob
    interference: Interference
    before: ObjectName | None
    written: int | None

    async def settle(
        self, counts: RowCounts, converted: ConvertedStream, row_numbers: RowNumbers | None, *, tried: bool
    ) -> Mapping[Outcome, int]:
        """Count the outcomes in the table itself. `tried` says that rows were written that are taken back again.

        `counts` are the rows that statements have affected.
        """
        if by_key(self.job) and self.job.mode != "upsert":
            await self._check_removed()
        if row_numbers is not None and converted.refused:
            await self._forget_refused(converted, row_numbers)
        staged = await self._count(self.job.staging)
        if by_key(self.job):
            return await self._read_outcomes()
        if self.job.mode == "replace":
            return await self._check_refilled(counts, staged)
        if self.job.on_conflict == "skip":
            return await self._read_skipped(counts, staged)
        await self._check_inserted(counts, staged, tried=tried)
        return {}

    async def _read_outcomes(self) -> Mapping[Outcome, int]:
        assert self.before is not None, "it was copied"
        was = sql("b.{there} IS NOT NULL", there=_THERE)
        found = sql("{key} IS NOT NULL", key=Identifier("t", self.job.key[0]))
        changed, unlike = self._differs("b", "t"), self._differs("s", "t")
        kept = sql("{was} AND {found} AND NOT {changed}", was=was, found=found, changed=changed)
        outcomes: dict[Outcome, SQL] = {
            "inserted": sql("NOT {was} AND {found}", was=was, found=found),
            "updated": sql("{was} AND {found} AND {changed}", was=was, found=found, changed=changed),
            "unchanged": sql("{kept} AND NOT {unlike}", kept=kept, unlike=unlike),
            "suppressed": sql("NOT {found} OR {kept} AND {unlike}", found=found, kept=kept, unlike=unlike),
        }
        query = sql(
            "SELECT {counts} FROM {staging} AS s LEFT JOIN {before} AS b ON {sb} LEFT JOIN {target} AS t ON {st}",
            counts=join(", ", [_count_of(name, condition) for name, condition in outcomes.items()]),
            staging=self.job.staging.identifier,
            before=self.before.identifier,
            target=self.job.target.name.identifier,
            sb=same("s", "b", self.job.key),
            st=same("s", "t", self.job.key),
        )
        row = (await self.session.fetch(query)).to_pylist()[0]
        found_rows: dict[Outcome, int] = {outcome: int(row[outcome]) for outcome in outcomes}
        if self.job.mode != "upsert":
            found_rows["deleted"] = await self._count_without(self.before, "b", self.job.target.name, "t")
        return found_rows

    async def _check_removed(self) -> None:
        """Refuse a mirror or replace that leaves rows which the data doesn't have."""
        stayed = await self._count_without(self.job.target.name, "t", self.job.staging, "s")
        if stayed:
            raise self._broken(f"{_rows(stayed)} that the data doesn't have would stay in {self.job.target.name}")

    async def _check_refilled(self, counts: RowCounts, staged: int) -> Mapping[Outcome, int]:
        """After all rows were deleted, those are there that were inserted, or fewer."""
        there = await self._count(self.job.target.name)
        if there > counts["inserted"]:
            more = _rows(there - counts["inserted"])
            raise self._broken(f"{more} that the data doesn't have would stay in {self.job.target.name}")
        return {"inserted": there, "suppressed": staged - there}

    async def _read_skipped(self, counts: RowCounts, staged: int) -> Mapping[Outcome, int]:
        keys = unique_keys(self.job)
        if not keys:
            return {"suppressed": staged - counts["inserted"]}
        assert self.before is not None, "it was copied"
        was = sql(
            "EXISTS (SELECT 1 FROM {before} AS b WHERE {same})",
            before=self.before.identifier,
            same=same("s", "b", keys[0]),
        )
        found = [_exists(self.job.target.name, key) for key in keys]
        outcomes: dict[Outcome, SQL] = {
            "inserted": sql("NOT {was} AND {there}", was=was, there=found[0]),
            "skipped": sql("{was} OR NOT {there} AND ({any})", was=was, there=found[0], any=join(" OR ", found)),
            "suppressed": sql("NOT {was} AND NOT ({any})", was=was, any=join(" OR ", found)),
        }
        query = sql(
            "SELECT {counts} FROM {staging} AS s",
            counts=join(", ", [_count_of(name, condition) for name, condition in outcomes.items()]),
            staging=self.job.staging.identifier,
        )
        row = (await self.session.fetch(query)).to_pylist()[0]
        return {outcome: int(row[outcome]) for outcome in outcomes}

    async def _check_inserted(self, counts: RowCounts, staged: int, *, tried: bool) -> None:
        arrived = counts["inserted"]
        if self.written is not None and not tried:
            arrived = min(arrived, (await self.audit.written(self.session, self.job.target) or 0) - self.written)
        check_inserted(staged, arrived, self.job.target.name, self.interference)

    async def _forget_refused(self, converted: ConvertedStream, row_numbers: RowNumbers) -> None:
        numbers = converted.refused_numbers()
        for at in range(0, len(numbers), _MANY):
            await self.session.execute(
                sql(
                    "DELETE FROM {staging} WHERE {row} IN ({numbers})",
                    staging=self.job.staging.identifier,
                    row=Identifier(row_numbers.row),
                    numbers=join(", ", [Literal(number) for number in numbers[at : at + _MANY]]),
                )
            )

    async def _count(self, name: ObjectName) -> int:
        return await _number(self.session, sql("SELECT count(*) AS n FROM {name}", name=name.identifier))

    async def _count_without(self, left: ObjectName, a: LiteralString, right: ObjectName, b: LiteralString) -> int:
        """Query the number of rows of `left` whose key no row of `right` has."""
        query = sql(
            "SELECT count(*) AS n FROM {left} AS {a} WHERE NOT EXISTS (SELECT 1 FROM {right} AS {b} WHERE {same})",
            left=left.identifier,
            a=SQL((a,)),
            right=right.identifier,
            b=SQL((b,)),
            same=same(a, b, self.job.key),
        )
        return await _number(self.session, query)

    def _differs(self, left: LiteralString, right: LiteralString) -> SQL:
        return self.audit.differs(self.job, left, right) if self.job.values else _NEVER

    def _broken(self, what: str) -> DatabaseError:
        return DatabaseError(
            f"{what}, and mode={self.job.mode!r} is to leave no such row; the table has {self.interference}",
            hint='nothing was changed; let it delete them, or use mode="upsert", which deletes none',
        )


async def begin(session: Session, job: MergeJob, temporary: list[ObjectName]) -> Audit | None:
    """Begin the audit of a merge; None if the rows that its statements affect tell the outcomes."""
    audit = session.dialect.audit
    if job.fresh:
        return None
    interference = await audit.interference(session, job.target)
    if by_key(job) and job.mode != "upsert":
        interference = interference.joined(_cascades(job))
    if not interference or not (by_key(job) or audit.drops_rows):
        return None
    before = None
    query = _to_remember(job)
    if query is not None:
        before, statement = audit.copy(job, query)
        temporary.append(before)
        await session.execute(statement)
    return Audit(audit, session, job, interference, before, await audit.written(session, job.target))


def settle_quiet(job: MergeJob, counts: RowCounts, staged: int) -> Mapping[Outcome, int]:
    """Count the rows of `staged` that no statement has written: if nothing but keys decides, the table has them already."""
    rest = staged - counts["duplicates"] - counts["inserted"] - counts["updated"]
    if job.mode == "insert" and job.on_conflict == "error":
        check_inserted(staged - counts["duplicates"], counts["inserted"], job.target.name)
    return {"skipped" if job.mode == "insert" else "unchanged": rest}


def check_inserted(sent: int, arrived: int, name: ObjectName, interference: Interference | None = None) -> None:
    """Refuse an insert of which rows have got lost."""
    if sent != arrived:
        known = f"; the table has {interference}" if interference else ""
        raise DatabaseError(
            f"{sent:,} rows were sent to {name}, and {arrived:,} arrived{known}",
            hint="nothing was changed; a trigger or rule on the table may drop rows",
        )


def by_key(job: MergeJob) -> bool:
    """True if rows are compared with those of the table, and only differences are written."""
    return bool(job.key) and (job.mode in ("upsert", "mirror") or (job.mode == "replace" and brings_all(job)))


def unique_keys(job: MergeJob) -> list[tuple[str, ...]]:
    """The keys of the target by which a staged row may be there already, the merge key first."""
    keys = [job.key, job.target.key, *(unique.columns for unique in job.target.unique)]
    return [key for key in dict.fromkeys(keys) if key and set(key) <= set(job.columns)]


def _to_remember(job: MergeJob) -> SQL | None:
    """A query for the rows that the merge may change, or for those of the staged rows that are there already."""
    target, staging = job.target.name.identifier, job.staging.identifier
    if by_key(job):
        columns = join(", ", [Identifier("t", name) for name in (*job.key, *job.values)])
        query = sql("SELECT {columns}, 1 AS {there} FROM {target} AS t", columns=columns, there=_THERE, target=target)
        if job.mode != "upsert":
            return query
        meeting = sql(
            "EXISTS (SELECT 1 FROM {staging} AS s WHERE {same})", staging=staging, same=same("s", "t", job.key)
        )
        return sql("{query} WHERE {meeting}", query=query, meeting=meeting)
    keys = unique_keys(job)
    if job.mode != "insert" or job.on_conflict != "skip" or not keys:
        return None
    return sql(
        "SELECT {columns} FROM {staging} AS s WHERE {any}",
        columns=join(", ", [Identifier("s", name) for name in keys[0]]),
        staging=staging,
        any=join(" OR ", [_exists(job.target.name, key) for key in keys]),
    )


def _exists(target: ObjectName, key: Sequence[str]) -> SQL:
    return sql("EXISTS (SELECT 1 FROM {target} AS t WHERE {same})", target=target.identifier, same=same("s", "t", key))


def _cascades(job: MergeJob) -> tuple[str, ...]:
    """Foreign keys of the table by which the deletion of a row may delete or change others of it."""
    return tuple(
        f"a foreign key with ON DELETE {key.on_delete.upper()}"
        for key in job.target.foreign_keys
        if key.on_delete in ("cascade", "set null", "set default")
    )[:1]


def _count_of(name: str, condition: SQL) -> SQL:
    return sql("count(CASE WHEN {condition} THEN 1 END) AS {name}", condition=condition, name=Identifier(name))


async def _number(session: Session, query: SQL) -> int:
    return int((await session.fetch(query)).column(0)[0].as_py())


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
