"""The plan of a load, made before the first row is read: the target table, the migration, the converters, and the route.

`plan_load` looks at the live table and decides; `choose_route` says how the rows get into the table.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Literal, ParamSpec, TypeVar

import pyarrow as pa

from arrowsync.bridge import Worker
from arrowsync.catalog import Catalog, Column, ObjectName, Table
from arrowsync.convert.compile import Converter, compile_converter
from arrowsync.declare.spec import TableSpec
from arrowsync.dialects.contract import CommittingDdl, Interference, Language, MergeJob, Session, TransactionalDdl
from arrowsync.errors import DeclarationError
from arrowsync.load.apply import make_plan
from arrowsync.load.infer import infer_spec
from arrowsync.load.rejects import RowNumbers, may_reject, row_numbers_for
from arrowsync.load.target import TargetTable, named_spec, names_of, resolve_target
from arrowsync.load.text_columns import settling
from arrowsync.migration.changes import CreateTable
from arrowsync.migration.plan import MigrationPlan, Step
from arrowsync.options import Mode, SyncOptions
from arrowsync.sources.stream import BatchStream


@dataclass(frozen=True, slots=True)
class LoadRoute:
    """The way of the rows into the table: a value, decided before the first row is read.

    into         the table that the rows end in: the target as it is, a new table, or a new table that is hidden until its
                 rows are in it
    staged       the rows go through a staging table, from which they are merged
    key          when a new table gets its key: before its rows, or after them, in one go
    duplicates   how rows that repeat a key are resolved: an error of the server; the key, by which a row takes the place of
                 an earlier one; statements; or not at all, where there is no key
    numbered     each row brings its number, by which it is found if the server rejects it
    connections  how many load the rows
    """

    into: Literal["target", "new table", "hidden table"]
    staged: bool
    key: Literal["first", "last", "none"]
    duplicates: Literal["refuse", "by key", "by statement", "none"]
    numbered: bool = False
    connections: int = 1

    def __str__(self) -> str:
        way = f"through a staging table into the {self.into}" if self.staged else f"straight into the {self.into}"
        return way if self.connections == 1 else f"{way}, over {self.connections} connections"


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """All that is decided before the first row is read.

    `current` has the live objects of `names`; `to_live` converts declared types to those of a wider live table; `interference`
    are the triggers, rules and policies that may drop, keep or change rows. `texts` are the columns whose values arrive as text;
    `commits` says that DDL commits on this server, `keys_wait` that a table can get its key last. `inferred` are the types of
    the columns of a new table that only has a name, found in the text of the data.
    """

    options: SyncOptions
    names: tuple[ObjectName, ...]
    current: Catalog
    table: Table
    key: tuple[str, ...]
    mode: Mode
    migration: MigrationPlan
    convert: Converter
    to_live: Converter | None
    interference: Interference
    row_numbers: RowNumbers | None
    texts: tuple[Column, ...]
    commits: bool
    keys_wait: bool = True
    inferred: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def creates(self) -> bool:
        """True if the table doesn't exist yet."""
        return self.current.table(self.table.name) is None

    @property
    def schema(self) -> pa.Schema:
        """The columns of the table that the data brings."""
        return (self.to_live or self.convert).schema

    @property
    def route(self) -> LoadRoute:
        """The load route, chosen from the plan."""
        return choose_route(self)

    def merge_job(self, staging: ObjectName) -> MergeJob:
        """The job that brings the rows of `staging` into the table; a new table that was loaded directly is its own staging."""
        columns = tuple(self.schema.names)
        options = self.options
        return MergeJob(self.table, staging, columns, self.key, self.mode, options.on_conflict, options.dedup)


def choose_route(plan: LoadPlan) -> LoadRoute:
    """Choose how the rows get into the table.

    | the table | DDL rolls back | DDL commits |
    |---|---|---|
    | is new, and its key can wait: no plain insert, and no other key is checked meanwhile | new table, key last | see below |
    | is new, and its key alone resolves repeated keys | | hidden table, key first, straight |
    | is new, and repeated keys are errors, or it has none | target, straight | hidden table, straight |
    | is new, otherwise, or the server may reject rows that are to be set aside | target, staged | hidden table, staged |
    | exists, and rows are only added to it or replace all of it | target, straight | target, straight |
    | exists, otherwise; or values arrive as text | target, staged | target, staged |

    Several connections load what one connection would, but into a table that all of them see. Where the key itself resolves
    repeated keys, one connection loads: a row has to take the place of an earlier one.
    """
    numbered = plan.row_numbers is not None
    connections = plan.options.parallel
    key: Literal["first", "last", "none"] = "first" if plan.creates and plan.table.key else "none"
    duplicates: Literal["refuse", "by statement", "none"] = (
        "none" if not plan.key else "refuse" if _repeats_fail(plan) else "by statement"
    )
    if plan.creates and plan.commits:
        if _key_resolves_repeats(plan) and not numbered:
            return LoadRoute("hidden table", staged=False, key="first", duplicates="by key")
        plain = plan.options.on_conflict != "skip" and (plan.mode == "insert" or not plan.key)
        return LoadRoute("hidden table", numbered or not plain, key, duplicates, numbered, connections)
    if connections > 1:
        if plan.creates and plan.options.on_conflict == "error" and not numbered:
            key = "last" if plan.table.key else "none"
            return LoadRoute("hidden table", staged=False, key=key, duplicates=duplicates, connections=connections)
        return LoadRoute("target", True, key, duplicates, numbered, connections)
    if _key_can_wait(plan) and not numbered:
        return LoadRoute("new table", staged=False, key="last", duplicates=duplicates)
    staged = numbered or bool(plan.texts) or not _needs_no_merge(plan)
    return LoadRoute("target", staged, key, duplicates, numbered)


def _repeats_fail(plan: LoadPlan) -> bool:
    """True if a repeated key is an error."""
    return plan.options.dedup == "error" or (plan.mode == "insert" and plan.options.on_conflict != "skip")


def _key_resolves_repeats(plan: LoadPlan) -> bool:
    """True if the key of a new table can resolve repeated keys while it is loaded: a row replaces the one before it.

    Not if that would replace rows for the sake of another key, or a row that others refer to.
    """
    table = plan.table
    if plan.mode == "insert" or plan.options.dedup != "last" or set(plan.key) != set(table.key):
        return False
    return bool(plan.key) and not (table.unique or table.foreign_keys)


def _key_can_wait(plan: LoadPlan) -> bool:
    """True if the table is created here, and can get its key when the rows are in it.

    Not if rows are only inserted, which is to fail at the first repeated key, nor if other keys are checked meanwhile, nor if
    the table may refer to itself.
    """
    return plan.keys_wait and (
        plan.creates and plan.mode != "insert" and bool(plan.key) and not (plan.table.unique or plan.table.foreign_keys)
    )


def _needs_no_merge(plan: LoadPlan) -> bool:
    """True if rows can go into the table itself: there is nothing to merge with, and the table isn't altered.

    A table that may keep rows which are to be deleted is merged into, which looks at the rows that are left.
    """
    if plan.migration.alters or plan.options.on_conflict == "skip" or plan.interference.forbids_copy:
        return False
    return plan.mode == "insert" or (plan.mode == "replace" and not plan.key and not plan.interference)


def holds_off_writers(plan: LoadPlan) -> bool:
    """True if other writers are held off while staged rows are merged: not if they are only inserted."""
    return plan.mode != "insert" or plan.options.on_conflict == "skip"


def creating_around(plan: LoadPlan) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The steps that create objects for a new table, and those that need it: its indexes, and keys that refer to it."""
    steps = plan.migration.creating
    at = [isinstance(step.change, CreateTable) for step in steps].index(True)
    return steps[:at], steps[at + 1 :]


async def plan_load(
    stream: BatchStream, declared: TableSpec | ObjectName, session: Session, options: SyncOptions
) -> LoadPlan:
    """Look at the live table, and decide. An error is raised here, before anything has changed."""
    dialect = session.dialect
    language, server = dialect.language, session.server
    names = names_of(declared, language, server)
    current = await dialect.catalog.discover(session, names)
    if isinstance(declared, ObjectName) and current.table(names[0]) is not None and stream.require_keys is not None:
        # A key that one record lacks is NULL, and a key that all lack isn't touched: that is no difference only in a new table.
        stream.require_keys()
    inferred = None
    if isinstance(declared, ObjectName) and stream.reopen is not None and current.table(names[0]) is None:
        inferred = await _in_thread(
            infer_spec, stream, named_spec(names[0], stream.schema, options.key), options.on_error
        )
    resolved = resolve_target(inferred or declared, stream.schema, current, language, server, options.key)
    migration = make_plan(session, current, resolved.target, [resolved.spec], options.schema_changes)
    live = current.table(resolved.name)
    interference = Interference() if live is None else await dialect.audit.interference(session, live)
    table = migration.catalog.table(resolved.name)
    assert table is not None, "the plan makes the table"
    convert = compile_converter(stream.schema, resolved.spec, source=stream.name, valid_text=stream.valid_text)
    to_live = _compile_to_live(convert, table, resolved, language)
    mode = _choose_mode(resolved.spec, convert.schema.names, options)
    schema = (to_live or convert).schema
    refuses_text = settling(dialect, table, schema, rejecting=True)
    rejecting = options.on_error != "raise" and bool(
        refuses_text or may_reject(table, creates=live is None, inserts=mode == "insert")
    )
    brings_key = set(resolved.spec.key) <= set(convert.schema.names)
    return LoadPlan(
        options=options,
        names=tuple(names),
        current=current,
        table=table,
        key=resolved.spec.key if brings_key else (),  # a key column that the data lacks identifies no row
        mode=mode,
        migration=migration,
        convert=convert,
        to_live=to_live,
        interference=interference,
        row_numbers=row_numbers_for(table, lines=stream.has_origins) if rejecting else None,
        texts=settling(dialect, table, schema, rejecting=rejecting),
        commits=isinstance(dialect.new_tables, CommittingDdl),
        keys_wait=not isinstance(dialect.new_tables, TransactionalDdl) or dialect.new_tables.keys_wait,
        inferred={column.name: str(column.type) for column in inferred.columns} if inferred else {},
    )


P = ParamSpec("P")
R = TypeVar("R")


async def _in_thread(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    worker = Worker("infer")
    try:
        return await worker.run(call, *args, **kwargs)
    finally:
        worker.close()


def _compile_to_live(convert: Converter, live: Table, resolved: TargetTable, language: Language) -> Converter | None:
    """Compile declared types to those of the live columns, if the table is wider than its declaration."""
    wanted = resolved.target.table(resolved.name)
    assert wanted is not None, "the target has the table"
    columns = list(convert.columns)
    wider = False
    for at, column in enumerate(columns):
        here, there = wanted.column(column.name), live.column(column.name)
        assert here is not None, "every declared column is in the target"
        assert there is not None, "the plan adds every declared column"
        # A list or struct is JSON in a database that has neither; a live type may be wider than the declared one.
        as_json = (column.element or column.struct) and not (there.type.element or there.type.members)
        stored = language.to_spec(language.as_declared(there, column.type))
        if (as_json or here.type != there.type) and stored.type != column.type:
            columns[at] = replace(stored, nullable=column.nullable)
            wider = True
    if not wider:
        return None
    spec = replace(resolved.spec, columns=tuple(columns), key=(), unique=())
    return compile_converter(convert.schema, spec, valid_text=True)


def _choose_mode(spec: TableSpec, brought: list[str], options: SyncOptions) -> Mode:
    missing = [name for name in spec.key if name not in brought]
    mode = options.mode
    if mode is None:
        mode = "insert" if missing or not spec.key or options.on_conflict == "skip" else "upsert"
    if mode in ("upsert", "mirror") and not spec.key:
        raise DeclarationError(
            f"mode={mode!r} needs a key, and {spec.name!r} has none",
            table=spec.name,
            hint="declare a PrimaryKey field, or pass key=",
        )
    if mode != "insert" and missing:
        raise DeclarationError(
            f"mode={mode!r} needs the key column {missing[0]!r}, which the data doesn't have",
            table=spec.name,
            field=missing[0],
            hint='bring the key, or use mode="insert"',
        )
    return mode


class Clock:
    """Wall clock time, in all and by phase."""

    def __init__(self) -> None:
        self.phases: dict[str, float] = {}
        self._started = perf_counter()

    @contextmanager
    def phase(self, name: str) -> Generator[None]:
        started = perf_counter()
        try:
            yield
        finally:
            self.phases[name] = self.phases.get(name, 0.0) + perf_counter() - started

    def total(self) -> float:
        return perf_counter() - self._started
