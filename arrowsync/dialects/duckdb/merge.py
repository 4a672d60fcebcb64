"""The merge of staged rows into the table, with its staging table and sequences.

The statements are those shared with PostgreSQL. What is DuckDB's own: the order of arrival is `rowid`, and rows are compared
column by column with IS DISTINCT FROM (half the time of comparing tuples, 2.0.0). That takes some different values for equal:
see `_tell_apart`.

An UPDATE of a column that a key or an index is on is a DELETE and an INSERT of the row to DuckDB, which it refuses
for a row that a foreign key refers to, also when the value stays the same. So those columns are set by a second UPDATE,
of the rows where they differ. Duplicates are gone before: UPDATE ... FROM would take any of them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence

from arrowsync.catalog import Column, DefaultExpression, ObjectName, Table
from arrowsync.dialects import merge_sql
from arrowsync.dialects.contract import MergeJob, MergeStep
from arrowsync.dialects.duckdb.render import name_literal, sequence_of
from arrowsync.dialects.duckdb.types import fold, type_sql
from arrowsync.sql import SQL, Identifier, Literal, join, sql

_NEXTVAL = re.compile(r"nextval\('((?:[^']|'')*)'\)")
_NAME_PART = re.compile(r'"(?P<quoted>(?:[^"]|"")+)"|(?P<bare>[^."]+)')


def create_staging(target: Table, columns: Sequence[str]) -> tuple[ObjectName, SQL]:
    """A temporary table with those columns of the target, exactly of their types, without constraints and defaults."""
    name = ObjectName(None, f"arrowsync_{secrets.token_hex(8)}")
    found = [column for column in target.columns if column.name in columns]
    lines = [sql("{name} {type}", name=Identifier(c.name), type=type_sql(c.type)) for c in found]
    return name, sql("CREATE TEMPORARY TABLE {staging} ({columns})", staging=name.identifier, columns=join(", ", lines))


def steps(job: MergeJob) -> tuple[MergeStep, ...]:
    """The statements that bring staged rows into the target."""
    types = {column.name: column.type.name for column in job.target.columns}
    indexed = {fold(name) for group in _indexed(job.target) for name in group}
    style = merge_sql.MergeStyle(
        order="rowid",
        differs=lambda columns: sql("({any})", any=join(" OR ", [_differs(name, types[name]) for name in columns])),
        apart=frozenset(name for name in job.columns if fold(name) in indexed),
    )
    steps = merge_sql.merge_steps(job, style)
    update = next((at for at, step in enumerate(steps) if step.outcome == "updated"), None)
    if update is not None:
        steps = (*steps[:update], *_tell_apart(job, types, style.apart), *steps[update:])
    return (*steps, MergeStep(check_rows_kept(job.target.name, job.staging)))


def check_rows_kept(target: ObjectName, staging: ObjectName | None = None) -> SQL:
    """A statement that fails if the table is empty, although rows were inserted (or are in `staging`).

    DuckDB 2.0.0 loses rows and counts them as inserted, if the table was created in this transaction, and an INSERT of no rows
    is followed by one of more than a row group. Nothing shows it but reading the table.
    """
    sent = sql("EXISTS (SELECT 1 FROM {staging}) AND", staging=staging.identifier) if staging else SQL(())
    return sql(
        "SELECT error({message}) WHERE {sent} NOT EXISTS (SELECT 1 FROM {target})",
        message=Literal(
            f"DuckDB lost the rows that were inserted into {target}, which was created in this transaction "
            "(a bug of DuckDB 2.0.0): commit between creating the table and loading it"
        ),
        sent=sent,
        target=target.identifier,
    )


def after_load(table: Table, columns: Sequence[str]) -> tuple[SQL, ...]:
    """Statements that move the sequences of identity columns past the values that were loaded into them."""
    return tuple(_advance(table.name, c) for c in table.columns if c.identity and c.name in columns)


def _indexed(table: Table) -> Iterator[tuple[str, ...]]:
    """The columns of each key and index. Those in an expression of an index aren't known."""
    yield table.key
    yield from (key.columns for key in table.unique)
    yield from (key.columns for key in table.foreign_keys)
    for index in table.indexes:
        yield tuple(part for part in index.parts if isinstance(part, str))


def _differs(name: str, type_name: str) -> SQL:
    t, s = Identifier("t", name), Identifier("s", name)
    if type_name == "varchar":  # whatever the collation of the column or the connection says
        return sql('{t} COLLATE "binary" IS DISTINCT FROM {s} COLLATE "binary"', t=t, s=s)
    return sql("{t} IS DISTINCT FROM {s}", t=t, s=s)


def _tell_apart(job: MergeJob, types: Mapping[str, str], indexed: frozenset[str]) -> Iterator[MergeStep]:
    """Put another value where the staged one is different and DuckDB takes the two for equal.

    Its UPDATE doesn't write a value that it takes for equal to the one that is there (2.0.0), so that -0.0 would never
    replace 0.0. These statements cost next to nothing where there is no such row.
    """
    for name in job.values:
        equal = _EQUAL.get(types[name])
        if equal is None or name in indexed:
            continue  # the other value could be a duplicate
        other, same_but_different = equal
        yield MergeStep(
            sql(
                "UPDATE {target} AS t SET {c} = {other} FROM {staging} AS s WHERE {same} AND {t} = {s} AND {different}",
                target=job.target.name.identifier,
                c=Identifier(name),
                other=other,
                staging=job.staging.identifier,
                same=merge_sql.same("t", "s", job.key),
                t=Identifier("t", name),
                s=Identifier("s", name),
                different=same_but_different(Identifier("t", name), Identifier("s", name)),
            )
        )


def _signs_differ(t: Identifier, s: Identifier) -> SQL:
    return sql("{t} = 0 AND {s} = 0 AND signbit({t}) <> signbit({s})", t=t, s=s)


def _has_months(t: Identifier, s: Identifier) -> SQL:
    """A month is 30 days where DuckDB compares. Durations arrive as microseconds, without months."""
    return sql("(date_part('year', {t}) <> 0 OR date_part('month', {t}) <> 0)", t=t)


_EQUAL: Mapping[str, tuple[SQL, Callable[[Identifier, Identifier], SQL]]] = {
    "float": (sql("1"), _signs_differ),
    "double": (sql("1"), _signs_differ),
    "interval": (sql("to_microseconds(0)"), _has_months),
}
"""Type -> a value that differs from both, and the expression that tells apart two values that DuckDB takes for equal."""


def _advance(table: ObjectName, column: Column) -> SQL:
    """Set the sequence to the highest value of its column, unless it is there or past it."""
    sequence = _sequence_behind(table, column)
    schema = Literal(sequence.namespace) if sequence.namespace else sql("current_schema()")
    return sql(
        """SELECT setval({sequence}, m.highest)
FROM (SELECT max({column}) AS highest FROM {table}) AS m, (
  SELECT coalesce(last_value, start_value - 1) AS reached FROM duckdb_sequences()
  WHERE database_name = current_database() AND lower(schema_name) = lower({schema}) AND lower(sequence_name) = lower({name})
    AND increment_by > 0
) AS q
WHERE m.highest > q.reached""",
        sequence=name_literal(sequence),
        column=Identifier(column.name),
        table=table.identifier,
        schema=schema,
        name=Literal(sequence.name),
    )


def _sequence_behind(table: ObjectName, column: Column) -> ObjectName:
    """The sequence of an identity column: of a live one, the one in its default."""
    made = sequence_of(table, column)
    match column.default:
        case DefaultExpression(SQL((str(text),))) if found := _NEXTVAL.fullmatch(text):
            parts = [
                part["bare"] or part["quoted"].replace('""', '"')
                for part in _NAME_PART.finditer(found[1].replace("''", "'"))
            ]
            return ObjectName(parts[-2] if len(parts) > 1 else made.namespace, parts[-1])
        case _:
            return made
