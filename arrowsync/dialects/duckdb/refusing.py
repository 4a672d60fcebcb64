"""Which staged rows DuckDB would refuse, as queries: it has no savepoints, so that a row can't be tried.

Each constraint of the table is asked of the staged rows in the state that the table has when they are merged. What can't be
asked so (a check of a generated column, a row that others refer to) fails the merge as ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from arrowsync.catalog import Check, Column, DefaultExpression, DefaultValue, ForeignKey
from arrowsync.dialects import shared
from arrowsync.dialects.dialect import MergeJob, Refusal
from arrowsync.dialects.duckdb.quoting import QUOTING
from arrowsync.dialects.duckdb.typetext import type_sql
from arrowsync.sql import SQL, Identifier, Literal, join, sql

_NULL = sql("NULL")


def refusals(job: MergeJob) -> tuple[Refusal, ...]:
    """The constraints that staged rows may violate, with queries for those that do; `job` has an `ordinal`."""
    checks = [_check(job, check) for check in job.target.checks]
    keys = [_foreign_key(job, key) for key in job.target.foreign_keys if set(key.columns) <= set(job.columns)]
    return (*checks, *keys, *_unique(job))


def _check(job: MergeJob, check: Check) -> Refusal:
    """Rows that don't meet the condition. What the data doesn't bring is as the row has it, or the default."""
    there = [
        c
        for c in job.target.columns
        if c.name not in job.columns and not c.generated and job.mode != "insert" and job.key
    ]
    lacking = [c for c in job.target.columns if c.name not in job.columns and not c.generated]
    columns = [sql("s.{c}", c=Identifier(name)) for name in job.columns]
    columns += [_lacking(job, column, may_exist=column in there) for column in lacking]
    joined = (
        sql(
            " LEFT JOIN {target} AS t ON {same}", target=job.target.name.identifier, same=shared.same("t", "s", job.key)
        )
        if there
        else SQL(())
    )
    query = sql(
        "SELECT {order} FROM (SELECT s.{order}, {columns} FROM {staging} AS s{joined}) AS {alias} WHERE NOT ({condition})",
        order=_order(job),
        columns=join(", ", columns),
        staging=job.staging.identifier,
        joined=joined,
        alias=Identifier(job.target.name.name),
        condition=check.condition,
    )
    return Refusal(f"violates the check {check.condition.text(QUOTING)}", None, query)


def _lacking(job: MergeJob, column: Column, *, may_exist: bool) -> SQL:
    """The value that a row will have in a column that the data doesn't bring."""
    default = _default(column)
    if may_exist:
        found, there = Identifier("t", job.key[0]), Identifier("t", column.name)
        default = sql("CASE WHEN {f} IS NULL THEN {d} ELSE {t} END", f=found, d=default, t=there)
    name = Identifier(column.name)
    return sql("CAST({value} AS {type}) AS {name}", value=default, type=type_sql(column.type), name=name)


def _default(column: Column) -> SQL | Literal:
    match column.default:
        case DefaultValue(value):
            return Literal(value)
        case DefaultExpression(text) if "nextval" not in "".join(map(str, text.parts)):
            return text
        case _:
            return _NULL


def _foreign_key(job: MergeJob, key: ForeignKey) -> Refusal:
    """Rows that refer to nothing. If it is the same table: to nothing that was there before, as DuckDB has it (2.0.0)."""
    pairs = list(zip(key.referenced, key.columns, strict=True))
    same = join(" AND ", [sql("r.{r} = s.{c}", r=Identifier(r), c=Identifier(c)) for r, c in pairs])
    query = sql(
        "SELECT s.{order} FROM {staging} AS s WHERE {given} AND NOT EXISTS (SELECT 1 FROM {referenced} AS r WHERE {same})",
        order=_order(job),
        staging=job.staging.identifier,
        given=_given("s", key.columns),
        referenced=key.target.identifier,
        same=same,
    )
    return Refusal(f"refers to no row of {key.target}", _only(key.columns), query)


def _unique(job: MergeJob) -> Iterator[Refusal]:
    if job.mode == "insert" and job.on_conflict == "skip":
        return
    groups = [group for group in (job.target.key, *(unique.columns for unique in job.target.unique)) if group]
    for group in dict.fromkeys(groups):
        merged_by = job.mode != "insert" and set(group) == set(job.key)
        if merged_by or not set(group) <= set(job.columns):
            continue
        reason = f"another row has the same ({', '.join(group)})"
        yield Refusal(reason, _only(group), _repeated(job, group))
        yield Refusal(reason, _only(group), _taken(job, group))


def _repeated(job: MergeJob, group: Sequence[str]) -> SQL:
    """Staged rows that have what an earlier one has."""
    return sql(
        "SELECT s.{order} FROM {staging} AS s JOIN (SELECT {group}, min({order}) AS kept FROM {staging} AS s WHERE {given} "
        "GROUP BY {group} HAVING count(*) > 1) AS d ON {same} WHERE s.{order} <> d.kept",
        order=_order(job),
        staging=job.staging.identifier,
        group=shared.names(group),
        given=_given("s", group),
        same=shared.same("s", "d", group),
    )


def _taken(job: MergeJob, group: Sequence[str]) -> SQL:
    """Staged rows that have what a row of the table has, which isn't the same row, nor one that is updated."""
    stays = SQL(())
    if job.mode != "insert" and job.key:
        same = shared.same("x", "t", job.key)
        stays = sql(
            " AND NOT EXISTS (SELECT 1 FROM {staging} AS x WHERE {same})", staging=job.staging.identifier, same=same
        )
    return sql(
        "SELECT s.{order} FROM {staging} AS s WHERE EXISTS (SELECT 1 FROM {target} AS t WHERE {same}{stays})",
        order=_order(job),
        staging=job.staging.identifier,
        target=job.target.name.identifier,
        same=shared.same("t", "s", group),
        stays=stays,
    )


def _given(alias: str, columns: Sequence[str]) -> SQL:
    return join(" AND ", [sql("{c} IS NOT NULL", c=Identifier(alias, column)) for column in columns])


def _order(job: MergeJob) -> Identifier:
    assert job.ordinal is not None, "rows are told apart by their numbers"
    return Identifier(job.ordinal)


def _only(columns: Sequence[str]) -> str | None:
    return columns[0] if len(columns) == 1 else None
