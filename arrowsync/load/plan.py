"""The plan of a load, made before the first row is read: the target table, the migration, the converter.

`resolve_target` combines declaration, data and live table; `plan_job` gives the `Job`, and `Clock` measures it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from types import ModuleType
from typing import Any, ParamSpec, TypeVar, cast

import pyarrow as pa

from arrowsync.bridge import Worker
from arrowsync.catalog import Catalog, Column, ObjectName, Table
from arrowsync.convert.compile import Converter, compile_converter
from arrowsync.convert.rules import kernel_for
from arrowsync.declare.arrow import spec_from_schema
from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.declare.tables import declared_tables
from arrowsync.dialects.contract import Dialect, Interference, MergeJob, Server, Session
from arrowsync.errors import ConversionError, DeclarationError, MigrationError
from arrowsync.generate.catalog import target_catalog
from arrowsync.load.apply import make_plan
from arrowsync.load.direct import RowCounts
from arrowsync.load.infer import infer_spec
from arrowsync.load.rejects import RowNumbers, may_reject, row_numbers_for
from arrowsync.load.stream import ConvertedStream
from arrowsync.load.text_columns import settling
from arrowsync.migration.changes import CreateTable, describe
from arrowsync.migration.plan import MigrationPlan, Step
from arrowsync.options import GeneratorOptions, Mode, SyncOptions
from arrowsync.report import SyncReport
from arrowsync.sources.stream import BatchStream


@dataclass(frozen=True, slots=True)
class TargetTable:
    """What is to be loaded: the declared columns, the catalog that has to exist, and the name of its table."""

    spec: TableSpec
    target: Catalog
    name: ObjectName


def declared_spec(table: object, key: Sequence[str] | None = None) -> TableSpec | ObjectName:
    """The spec of a dataclass or schema, or the parsed name of a table whose columns the data will tell.

    A `pa.Schema` carries the table's name in its metadata, under the key `name`.
    """
    if isinstance(table, str):
        return parse_name(table)
    if isinstance(table, pa.Schema):
        name = (table.metadata or {}).get(b"name", b"").decode()
        if not name:
            raise DeclarationError(
                "the schema has no name for its table",
                hint='add one with schema.with_metadata({"name": "users"}), or pass the table as a name',
            )
        at = parse_name(name)
        return spec_from_schema(table, at.name, key=tuple(key or ()), namespace=at.namespace)
    spec = table if isinstance(table, TableSpec) else read_dataclass(cast(type, table))
    return spec if key is None else _keyed(spec, tuple(key))


def parse_name(text: str) -> ObjectName:
    """`"users"`, or `"sales.users"` with a namespace."""
    *namespace, name = text.split(".")
    if len(namespace) > 1 or not name or "" in namespace:
        raise DeclarationError(
            f"{text!r} is not the name of a table",
            hint='a name is "table" or "namespace.table"; declare others as a class',
        )
    return ObjectName(namespace[0] if namespace else None, name)


def resolve_target(
    declared: TableSpec | ObjectName,
    schema: pa.Schema,
    current: Catalog,
    dialect: Dialect,
    server: Server,
    key: Sequence[str] | None,
) -> TargetTable:
    """What is to be loaded, given what the data brings and what the database has."""
    name = flat_name(declared, dialect, server)
    live = current.table(name)
    if live is not None and live.kind == "table without transactions":
        raise MigrationError(
            f"{name} is a table of an engine without transactions, where a failed load would leave rows behind",
            hint="ALTER TABLE ... ENGINE=InnoDB, or load into another table",
        )
    if live is not None and live.kind not in ("table", "partitioned table"):
        raise MigrationError(f"{name} is a {live.kind}, not a table", hint="rows can be loaded into tables only")
    names = frozenset(schema.names)
    generated = [c.name for c in live.columns if c.generated and c.name in names] if live is not None else []
    if generated:
        raise DeclarationError(
            f"the database itself generates the column {generated[0]!r} of {name}, so it can't be loaded",
            table=str(name),
            field=generated[0],
            hint="drop it from the data",
        )
    if live is not None:
        _check_writable(live, schema, dialect)
    if isinstance(declared, TableSpec):
        target = target_of([declared], dialect, server)
        _check_loadable(declared, target, current, name)
        return TargetTable(declared, target, name)
    if live is None:
        spec = named_spec(name, schema, key)
        return TargetTable(spec, target_of([spec], dialect, server), name)
    return _resolve_live(live, schema, dialect, server, key)


def named_spec(name: ObjectName, schema: pa.Schema, key: Sequence[str] | None) -> TableSpec:
    """The declaration of a new table of that name, made of what the data brings."""
    return spec_from_schema(schema, name.name, key=tuple(key or ()), namespace=name.namespace)


def flat_name(declared: TableSpec | ObjectName, dialect: Dialect, server: Server) -> ObjectName:
    """What the table is called on this server: one without namespaces has them as a prefix."""
    name = declared if isinstance(declared, ObjectName) else ObjectName(declared.namespace, declared.name)
    if name.namespace is None or dialect.language.limits(server).namespaces:
        return name
    return ObjectName(None, f"{name.namespace}__{name.name}")


def declared_specs(tables: object, options: GeneratorOptions | None = None) -> list[TableSpec]:
    """The specs of one table, of several, or of all that a module declares; and of the tables that these refer to."""
    options = options or GeneratorOptions()
    given: list[object] = list(cast(Sequence[object], tables)) if isinstance(tables, (list, tuple, set)) else [tables]
    specs: list[TableSpec] = []
    for table in given:
        if isinstance(table, (type, ModuleType)):
            namespaces = cast("Mapping[str, str | None]", options.namespaces)
            found = declared_tables(table, skip_annotations=options.skip_annotations, namespaces=namespaces)
            specs.extend(found)
            continue
        spec = declared_spec(table)
        if not isinstance(spec, TableSpec):
            raise DeclarationError(
                f"the name {str(spec)!r} declares no columns", hint="pass a dataclass, or a pa.Schema with a name"
            )
        specs.append(spec)
    if not specs:
        raise DeclarationError("there is no table declared", hint="pass dataclasses, or a module that defines some")
    return list({(spec.namespace, spec.name, spec.source): spec for spec in specs}.values())


def target_of(specs: Iterable[TableSpec], dialect: Dialect, server: Server) -> Catalog:
    """The objects that have to exist on `server` for `specs`."""
    language = dialect.language
    return target_catalog(
        specs, lambda column, table: language.column_of(column, table, server), language.limits(server)
    )


def _check_writable(live: Table, schema: pa.Schema, dialect: Dialect) -> None:
    """Refuse data with a column whose type is only read, and a table where each row needs a value of such a type."""
    for column in live.columns:
        reason = dialect.unloadable(column)
        if reason is None or column.generated:
            continue
        if column.name in schema.names:
            raise ConversionError(
                f"column {column.name!r} of {live.name} can't be loaded: {reason}",
                column=column.name,
                reason=reason,
                hint="drop it from the data: the other columns are loaded without it",
            )
        if column.required:
            raise ConversionError(
                f"no row can be loaded into {live.name}: its column {column.name!r} requires a value, and {reason}",
                column=column.name,
                reason=reason,
                hint="let the column be NULL, or give it a default, in the database",
            )


def _check_loadable(spec: TableSpec, target: Catalog, current: Catalog, name: ObjectName) -> None:
    """Refuse rows that would need other tables: lookup and join tables are created, but not filled."""
    table = target.table(name)
    assert table is not None, "the target has the table"
    for column in spec.columns:
        if table.column(column.name) is None or column.lookup is not None:
            kind = "a lookup table" if column.lookup is not None else "a join table"
            raise DeclarationError(
                f"{spec.name}.{column.name} is held in {kind}, which rows can't be loaded into together with {spec.name}",
                table=spec.name,
                field=column.name,
                hint="create the tables with migrate, and declare and load each of them on its own",
            )
    if current.table(name) is not None:
        return
    for key in table.foreign_keys:
        if key.target != name and current.table(key.target) is None:
            raise MigrationError(
                f"{name} refers to {key.target}, which doesn't exist", hint=f"create or load {key.target} first"
            )


def names_of(declared: TableSpec | ObjectName, dialect: Dialect, server: Server) -> list[ObjectName]:
    """The tables that have to be discovered to plan for `declared`: it, and those that it needs."""
    if isinstance(declared, ObjectName):
        return [flat_name(declared, dialect, server)]
    tables = target_of([declared], dialect, server).tables
    needed = [table.name for table in tables] + [key.target for table in tables for key in table.foreign_keys]
    return list(dict.fromkeys(needed))


def _resolve_live(
    live: Table, schema: pa.Schema, dialect: Dialect, server: Server, key: Sequence[str] | None
) -> TargetTable:
    """A table that is there and loaded by its name: it is its own declaration, and takes new columns of the data."""
    fields: list[pa.Field[Any]] = list(schema)
    new_columns = [field for field in fields if live.column(field.name) is None]
    brought = {field.name: field for field in fields}
    known = [c for c in live.columns if not c.generated and (c.required or c.name in brought)]
    columns = tuple(_spec_of_live(column, brought.get(column.name), live, dialect, server) for column in known)
    if new_columns:
        added = spec_from_schema(pa.schema([f.with_nullable(True) for f in new_columns]), live.name.name)
        columns += added.columns
    merge_key = live.key if key is None else tuple(key)
    if key is None and not {spec.name for spec in columns}.issuperset(live.key):
        merge_key = ()  # the database makes it, of a sequence or a default: rows can only be inserted
    spec = TableSpec(live.name.name, columns, key=merge_key, namespace=live.name.namespace)
    if (
        merge_key
        and set(merge_key) != set(live.key)
        and frozenset(merge_key) not in {frozenset(unique.columns) for unique in live.unique}
    ):
        has = f"its primary key is ({', '.join(live.key)})" if live.key else "it has no primary key"
        raise DeclarationError(
            f"({', '.join(merge_key)}) is not a key of the live table {live.name}", table=str(live.name), hint=has
        )
    target = live
    for column in spec.columns[len(known) :]:
        target = target.with_column(dialect.language.column_of(column, spec, server))
    return TargetTable(spec, Catalog((target,)), live.name)


def _spec_of_live(
    column: Column, brought: pa.Field[Any] | None, live: Table, dialect: Dialect, server: Server
) -> ColumnSpec:
    """The declaration of a live column, for the data that is brought.

    Data that never converts to the column's own type may be what such columns are created for: durations, in microseconds.
    """
    language = dialect.language
    if brought is None:
        return language.spec_of(column)
    spec = language.spec_of(dialect.as_declared(column, brought.type))
    if kernel_for(brought.type, spec) is not None:
        return spec
    try:
        table = spec_from_schema(pa.schema([brought]), live.name.name)
        made = language.column_of(table.columns[0], table, server)
    except DeclarationError:
        return spec
    return replace(table.columns[0], nullable=column.nullable) if made.type == column.type else spec


def _keyed(spec: TableSpec, key: tuple[str, ...]) -> TableSpec:
    """The spec with `key` as its primary key, where it declares none."""
    if set(key) == set(spec.key):
        return spec
    if spec.key:
        raise DeclarationError(
            f"key=({', '.join(key)}) differs from the primary key ({', '.join(spec.key)}) of {spec.name!r}",
            table=spec.name,
            hint="leave key= out: the declared key is used",
        )
    columns = tuple(replace(c, nullable=False) if c.name in key else c for c in spec.columns)
    unique = tuple(group for group in spec.unique if set(group) != set(key))  # which the key is
    return replace(spec, columns=columns, key=key, unique=unique)


P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """All that is decided before the first row is read.

    `current` has the live objects of `names`; `fit` converts declared types to those of a wider live table; `interference` are
    the triggers, rules and policies that may drop, keep or change rows. `inferred` are the types of the columns of a new table
    that only has a name, found in the text of the data.
    """

    names: tuple[ObjectName, ...]
    current: Catalog
    table: Table
    key: tuple[str, ...]
    mode: Mode
    plan: MigrationPlan
    convert: Converter
    fit: Converter | None
    interference: Interference
    dry_run: bool
    inferred: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def creates(self) -> bool:
        """Whether the table isn't there yet."""
        return self.current.table(self.table.name) is None

    def report(
        self, clock: Clock, converted: ConvertedStream | None = None, counts: RowCounts | None = None
    ) -> SyncReport:
        report = SyncReport(
            table=str(self.table.name),
            mode=self.mode,
            changes=tuple(describe(step.change) for step in self.plan.steps),
            plan=self.plan,
            seconds=clock.total(),
            phases=clock.phases,
            dry_run=self.dry_run,
            inferred=self.inferred,
        )
        if converted is None or counts is None:
            return report
        return replace(
            report,
            rows_read=converted.rows_read,
            inserted=counts["inserted"],
            updated=counts["updated"],
            unchanged=counts["unchanged"],
            skipped=counts["skipped"],
            suppressed=counts["suppressed"],
            duplicates=counts["duplicates"],
            deleted=counts["deleted"],
            rejected=converted.rejected,
            rejects=converted.rejects,
            bytes_sent=counts.bytes_sent,
            via=counts.via,
        )


async def plan_load(
    stream: BatchStream, declared: TableSpec | ObjectName, dialect: Dialect, session: Session, options: SyncOptions
) -> LoadPlan:
    """Look at the live table, and decide. Raises here, before anything has changed, where it can't be done."""
    names = names_of(declared, dialect, session.server)
    current = await dialect.discover(session, names)
    if isinstance(declared, ObjectName) and current.table(names[0]) is not None and stream.require_keys is not None:
        # What a record lacks is NULL, and what all of them lack isn't touched: that is no difference only in a new table.
        stream.require_keys()
    inferred = None
    if isinstance(declared, ObjectName) and stream.reopen is not None and current.table(names[0]) is None:
        inferred = await _in_thread(
            infer_spec, stream, named_spec(names[0], stream.schema, options.key), options.on_error
        )
    aim = resolve_target(inferred or declared, stream.schema, current, dialect, session.server, options.key)
    plan = make_plan(dialect, session, current, aim.target, [aim.spec], options.schema_changes)
    live = current.table(aim.name)
    interference = Interference()
    if dialect.audit is not None and live is not None:
        interference = await dialect.audit.interference(session, live)
    job = _prepare(stream, tuple(names), current, aim, plan, interference, dialect, options)
    return replace(job, inferred={column.name: str(column.type) for column in inferred.columns} if inferred else {})


async def _in_thread(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    worker = Worker("infer")
    try:
        return await worker.run(call, *args, **kwargs)
    finally:
        worker.close()


def _prepare(
    stream: BatchStream,
    names: tuple[ObjectName, ...],
    current: Catalog,
    aim: TargetTable,
    plan: MigrationPlan,
    interference: Interference,
    dialect: Dialect,
    options: SyncOptions,
) -> LoadPlan:
    table = plan.catalog.table(aim.name)
    assert table is not None, "the plan makes the table"
    convert = compile_converter(stream.schema, aim.spec, source=stream.name, valid_text=stream.valid_text)
    return LoadPlan(
        names=names,
        current=current,
        table=table,
        key=aim.spec.key
        if set(aim.spec.key) <= set(convert.schema.names)
        else (),  # by what isn't there, none are told apart
        mode=_choose_mode(aim.spec, convert.schema.names, options),
        plan=plan,
        convert=convert,
        fit=_compile_fit(convert, table, aim, dialect),
        interference=interference,
        dry_run=options.dry_run,
    )


def _compile_fit(convert: Converter, live: Table, aim: TargetTable, dialect: Dialect) -> Converter | None:
    """Declared types -> those of the live columns, where the table is wider than its declaration; else None."""
    wanted = aim.target.table(aim.name)
    assert wanted is not None, "the target has the table"
    columns = list(convert.columns)
    wider = False
    for at, column in enumerate(columns):
        here, there = wanted.column(column.name), live.column(column.name)
        assert here is not None, "every declared column is in the target"
        assert there is not None, "the plan adds every declared column"
        # A list or struct is JSON where the database has neither; a live type may be wider than the declared one.
        as_json = (column.element or column.struct) and not (there.type.element or there.type.members)
        held = dialect.language.spec_of(dialect.as_declared(there, column.type))
        if (as_json or here.type != there.type) and held.type != column.type:
            columns[at] = replace(held, nullable=column.nullable)
            wider = True
    if not wider:
        return None
    spec = replace(aim.spec, columns=tuple(columns), key=(), unique=())
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


def merge_job(job: LoadPlan, staging: ObjectName, converted: ConvertedStream, options: SyncOptions) -> MergeJob:
    """Bring what is in `staging` into the table."""
    columns = tuple(converted.schema.names)
    return MergeJob(job.table, staging, columns, job.key, job.mode, options.on_conflict, options.dedup)


def row_numbers_of(job: LoadPlan, stream: BatchStream, dialect: Dialect, options: SyncOptions) -> RowNumbers | None:
    """What rows bring along so that those can be found that the server refuses, where they are to be rejected."""
    if options.on_error == "raise":
        return None
    refuses_text = settling(dialect, job.table, (job.fit or job.convert).schema, rejecting=True)
    if not refuses_text and not may_reject(job.table, creates=job.creates, inserts=job.mode == "insert"):
        return None
    return row_numbers_for(job.table, lines=stream.has_origins)


def is_new(job: LoadPlan) -> bool:
    """Whether the table is created here, and can get its key when the rows are in it.

    Not where rows are only inserted, which is to fail at the first repeated key, nor where other keys are checked
    meanwhile, nor where the table may refer to itself.
    """
    return job.creates and job.mode != "insert" and bool(job.key) and not (job.table.unique or job.table.foreign_keys)


def creating_around(job: LoadPlan) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The steps that create what the new table needs, and those that need it: its indexes, and keys that refer to it."""
    steps = job.plan.creating
    at = [isinstance(step.change, CreateTable) for step in steps].index(True)
    return steps[:at], steps[at + 1 :]


def goes_straight(job: LoadPlan, options: SyncOptions) -> bool:
    """Whether rows can go into the table itself: there is nothing to merge with, and the table isn't altered.

    Where it may keep rows that are to be deleted, what is left is looked at, in a merge.
    """
    if job.plan.alters or options.on_conflict == "skip" or job.interference.forbids_copy:
        return False
    return job.mode == "insert" or (job.mode == "replace" and not job.key and not job.interference)


def locks(job: LoadPlan, options: SyncOptions) -> bool:
    """Whether other writers are held off while staged rows are merged: not where they are only inserted."""
    return job.mode != "insert" or options.on_conflict == "skip"


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
