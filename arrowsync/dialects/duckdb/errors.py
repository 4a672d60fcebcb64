"""DuckDB's errors as arrowsync's, and the queries for staged rows that it would reject: it has no savepoints to try a row in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from arrowsync.catalog import Check, Column, DefaultExpression, DefaultValue, ForeignKey
from arrowsync.dialects import merge_sql
from arrowsync.dialects.contract import MergeJob, ViolationQuery
from arrowsync.dialects.duckdb.quoting import QUOTING
from arrowsync.dialects.duckdb.types import type_sql
from arrowsync.errors import ConnectionLost, ConstraintViolated, DatabaseError
from arrowsync.sql import SQL, Identifier, Literal, join, sql

_CONTEXT = re.compile(r"\n\n(?:LINE \d+:|Stack Trace:|Possible solutions:).*", re.DOTALL)
"""The end of a message: the line of SQL, which may hold values, or DuckDB's own call stack."""

_STRING = re.compile(r"'(?:[^']|'')*'")
_KIND = re.compile(r"([A-Z][A-Za-z ]*) Error: ")
_LOCKED = re.compile(r'Could not set lock on file "(?P<file>.*?)".*?(?:held in (?P<program>.*?) )?\(PID (?P<pid>\d+)\)')
_CAPITALIZED = re.compile(r"[A-Z][a-z']*[ :]")
_CONSTRAINTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), kind)
    for pattern, kind in (
        (r'NOT NULL constraint failed: (?P<table>"(?:[^"]|"")*"|[^.]*)\.(?P<column>.*)', "not null"),
        (r'CHECK constraint failed on table (?P<table>"(?:[^"]|"")*"|\S+) with expression (?P<constraint>.*)', "check"),
        (r'Violates foreign key constraint because key "(?P<column>[^:"]*): ', "foreign key"),
        (r'Duplicate key "(?P<column>[^:,"]*): (?!.*, \w+: ).*" violates', "unique"),
        (r"(?:Duplicate|.*duplicate) key ", "unique"),
    )
)
_AGAIN = "open the database again; where that doesn't help, it is a bug of DuckDB"
_IN_USE = "one process at a time can open a DuckDB file: close it there (a notebook, a DBeaver, a CLI), then try again"
_HINTS: Mapping[str, str] = {
    "unique": "a key can be there once: upsert brings rows to keys that exist",
    "not null": "every row needs a value there",
    "check": "the rows have to meet the condition",
    "foreign key": "bring the referenced rows first. DuckDB also refuses to change an indexed column of a row that is "
    "referenced, and to delete it in the transaction that deletes the last reference",
    "Conversion": "mend the value; in a query TRY_CAST gives NULL in its place",
    "Dependency": "DuckDB doesn't alter a table that an index is on or a foreign key refers to, except to add a column that "
    "may be NULL: drop the index or the foreign key first",
    "Out of Memory": "raise memory_limit, or set temp_directory so that DuckDB can use the disk",
    "Resource In Use": "read the open result of this connection to its end or close it, or pass connection.cursor(): a "
    "relation of a connection can't be read while the same connection writes",
    "FATAL": _AGAIN,
    "INTERNAL": _AGAIN,
}
_CONFLICTS = ("onflict", "another transaction has altered", "Failed to commit")


def translate(error: BaseException, statement: str | None = None, *, path: str | None = None) -> DatabaseError:
    """The error that the user gets in place of DuckDB's; `path` is the file, where one was being opened."""
    text = _CONTEXT.sub("", str(error)).strip().replace("\0", ".")  # it names catalog entries with NULs between
    found = _KIND.match(text)
    kind, detail = (found[1], text[found.end() :]) if found else ("", text)
    code = None if isinstance(error, OSError) else type(error).__name__
    make = _KINDS.get(kind)
    made = make(detail, path) if make is not None else DatabaseError(_sentence(detail), hint=_HINTS.get(kind))
    made.statement = None if statement is None else _STRING.sub("'...'", statement)
    made.code = code
    return made


def _constraint(detail: str, path: str | None) -> DatabaseError:
    for pattern, kind in _CONSTRAINTS:
        if found := pattern.match(detail):
            named = found.groupdict()
            return ConstraintViolated(
                _sentence(detail),
                kind=kind,
                table=_unquoted(named.get("table")),
                constraint=named.get("constraint"),
                column=_unquoted(named.get("column")),
                hint=_HINTS[kind],
            )
    return ConstraintViolated(_sentence(detail), kind="check")


def _transaction(detail: str, path: str | None) -> DatabaseError:
    if "duplicate key" in detail.lower():
        return _constraint(detail, path)
    if re.search(r"could not allocate|failed to (?:pin|allocate)", detail):
        return DatabaseError(_sentence(detail), hint=_HINTS["Out of Memory"])
    if "transaction is aborted" in detail:
        return DatabaseError(
            "the transaction has failed before, and DuckDB runs nothing more in it",
            hint="ROLLBACK it: DuckDB has no savepoints, so all that was done in it is undone",
        )
    if "outstanding updates" in detail:
        return DatabaseError(
            _sentence(detail),
            hint="commit first: DuckDB makes no key, index or NOT NULL on a table that the open transaction has updated",
        )
    transient = any(word in detail for word in _CONFLICTS)
    hint = (
        "another connection of this process changed the same rows or table meanwhile: try again" if transient else None
    )
    return DatabaseError(_sentence(detail), transient=transient, hint=hint)


def in_use(file: str, pid: int, program: str | None) -> DatabaseError:
    """The error for a file that another process has open."""
    return DatabaseError(
        f"the DuckDB file {file!r} is in use by another process, PID {pid}" + (f" ({program})" if program else ""),
        transient=True,
        hint=_IN_USE,
    )


def _catalog(detail: str, path: str | None) -> DatabaseError:
    hint = None
    if "depends on" in detail or "depend on" in detail:
        hint = _HINTS["Dependency"]
    elif detail.startswith("Column with name"):
        hint = "DuckDB ignores the case of names: declare the column as the table has it"
    return DatabaseError(_sentence(detail), hint=hint)


def _io(detail: str, path: str | None) -> DatabaseError:
    if locked := _LOCKED.search(detail):
        return in_use(locked["file"], int(locked["pid"]), locked["program"])
    if "lock on file" in detail:
        return DatabaseError(_sentence(detail), transient=True, hint=_IN_USE)
    if path is None:
        return DatabaseError(_sentence(detail))
    where = _sentence(detail) if path in detail else f"the DuckDB file {path!r} can't be opened: {detail}"
    if "not a valid DuckDB database" in detail:
        return DatabaseError(where, hint="give the path of a DuckDB file, or of one that doesn't exist yet")
    if "No such file" in detail or "does not exist" in detail:
        return DatabaseError(where, hint="create the folder first; duckdb:////path with four slashes is absolute")
    return DatabaseError(where, hint="check the path and its permissions")


def _connection(detail: str, path: str | None) -> DatabaseError:
    if "different configuration" in detail:
        hint = "this process has the file open with other settings: use the same options in the URL, or pass that connection"
        return DatabaseError(f"the DuckDB file {path!r} can't be opened: {detail}", hint=hint)
    return ConnectionLost(_sentence(detail), hint="open a new connection")


_KINDS: Mapping[str, Callable[[str, str | None], DatabaseError]] = {
    "Constraint": _constraint,
    "Catalog": _catalog,
    "TransactionContext": _transaction,
    "IO": _io,
    "Connection": _connection,
}


def _sentence(detail: str) -> str:
    """The message as a clause, as all of arrowsync's are."""
    return detail[:1].lower() + detail[1:] if _CAPITALIZED.match(detail) else detail


def _unquoted(name: str | None) -> str | None:
    if name is None or not name.startswith('"'):
        return name
    return name[1:-1].replace('""', '"')


_NULL = sql("NULL")


def violations(job: MergeJob) -> tuple[ViolationQuery, ...]:
    """The constraints that staged rows may violate, with queries for those that do; `job` has a `row_number`."""
    checks = [_check(job, check) for check in job.target.checks]
    keys = [_foreign_key(job, key) for key in job.target.foreign_keys if set(key.columns) <= set(job.columns)]
    return (*checks, *keys, *_unique(job))


def _check(job: MergeJob, check: Check) -> ViolationQuery:
    """Rows that don't meet the condition. A column that the data lacks has the value of the live row, or the default."""
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
            " LEFT JOIN {target} AS t ON {same}",
            target=job.target.name.identifier,
            same=merge_sql.same("t", "s", job.key),
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
    return ViolationQuery(f"violates the check {check.condition.text(QUOTING)}", None, query)


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


def _foreign_key(job: MergeJob, key: ForeignKey) -> ViolationQuery:
    """Rows that refer to no row. In a self-reference: to no row that was there before, which DuckDB requires (2.0.0)."""
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
    return ViolationQuery(f"refers to no row of {key.target}", _only(key.columns), query)


def _unique(job: MergeJob) -> Iterator[ViolationQuery]:
    if job.mode == "insert" and job.on_conflict == "skip":
        return
    groups = [group for group in (job.target.key, *(unique.columns for unique in job.target.unique)) if group]
    for group in dict.fromkeys(groups):
        merged_by = job.mode != "insert" and set(group) == set(job.key)
        if merged_by or not set(group) <= set(job.columns):
            continue
        reason = f"another row has the same ({', '.join(group)})"
        yield ViolationQuery(reason, _only(group), _repeated(job, group))
        yield ViolationQuery(reason, _only(group), _taken(job, group))


def _repeated(job: MergeJob, group: Sequence[str]) -> SQL:
    """Staged rows that repeat the key of an earlier staged row."""
    return sql(
        "SELECT s.{order} FROM {staging} AS s JOIN (SELECT {group}, min({order}) AS kept FROM {staging} AS s WHERE {given} "
        "GROUP BY {group} HAVING count(*) > 1) AS d ON {same} WHERE s.{order} <> d.kept",
        order=_order(job),
        staging=job.staging.identifier,
        group=merge_sql.names(group),
        given=_given("s", group),
        same=merge_sql.same("s", "d", group),
    )


def _taken(job: MergeJob, group: Sequence[str]) -> SQL:
    """Staged rows whose key another row of the table has, unless that row is updated."""
    stays = SQL(())
    if job.mode != "insert" and job.key:
        same = merge_sql.same("x", "t", job.key)
        stays = sql(
            " AND NOT EXISTS (SELECT 1 FROM {staging} AS x WHERE {same})", staging=job.staging.identifier, same=same
        )
    return sql(
        "SELECT s.{order} FROM {staging} AS s WHERE EXISTS (SELECT 1 FROM {target} AS t WHERE {same}{stays})",
        order=_order(job),
        staging=job.staging.identifier,
        target=job.target.name.identifier,
        same=merge_sql.same("t", "s", group),
        stays=stays,
    )


def _given(alias: str, columns: Sequence[str]) -> SQL:
    return join(" AND ", [sql("{c} IS NOT NULL", c=Identifier(alias, column)) for column in columns])


def _order(job: MergeJob) -> Identifier:
    assert job.row_number is not None, "rows are told apart by their numbers"
    return Identifier(job.row_number)


def _only(columns: Sequence[str]) -> str | None:
    return columns[0] if len(columns) == 1 else None
