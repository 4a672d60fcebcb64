"""`HiddenTable`: the table that several connections load at once, what it is made of, and how it gets its real name.

A table that is created here is loaded under a hidden name, without keys, and then renamed; for one that exists, the hidden
table is one for staging. Types that the plan creates are hidden and renamed too: other connections must see them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa

from arrowsync.catalog import ObjectName, SqlType, Table
from arrowsync.dialects.contract import Dialect, LoadTarget, MergeJob, Session, SharedTables
from arrowsync.load.plan import LoadPlan
from arrowsync.load.rejects import RowNumbers, row_numbers_for
from arrowsync.load.text_columns import as_arriving
from arrowsync.migration.changes import AddForeignKey, AddUnique, Change, CreateEnum, CreateStruct, CreateTable, SetKey
from arrowsync.options import SyncOptions
from arrowsync.sql import trusted


@dataclass(frozen=True, slots=True)
class HiddenTable:
    """A hidden table: its `name`, whether it `becomes` the target, and where the rows go.

    `ordinal` is the name of a column more, for the number of each row in the order of arrival, where that matters. `types`
    maps the names of the types that are new to those that they have meanwhile.
    """

    name: ObjectName
    becomes: bool
    table: Table
    target: LoadTarget
    ordinal: str | None
    types: Mapping[ObjectName, ObjectName]


def design(
    job: LoadPlan,
    schema: pa.Schema,
    name: ObjectName,
    options: SyncOptions,
    dialect: Dialect,
    row_numbers: RowNumbers | None = None,
) -> HiddenTable:
    """The hidden table called `name`, for batches of `schema`, and the `row_numbers` that they bring already."""
    becomes = job.creates and options.on_conflict == "error" and row_numbers is None
    rejecting = row_numbers is not None
    if row_numbers is None and _order_matters(job, options):
        row_numbers = row_numbers_for(job.table)
    made = [step.change for step in job.plan.steps if isinstance(step.change, (CreateEnum, CreateStruct))]
    types = {
        (change.enum if isinstance(change, CreateEnum) else change.struct).name: ObjectName(
            name.namespace, f"{name.name}_{number}"
        )
        for number, change in enumerate(made)
    }
    staged = job.table if becomes else as_arriving(dialect, job.table, schema, rejecting=rejecting)
    names = frozenset(schema.names)
    brought = [column for column in staged.columns if becomes or column.name in names]
    columns = [replace(column, type=_with_hidden_types(column.type, types)) for column in brought]
    if row_numbers is not None:
        columns += row_numbers.columns
        schema = row_numbers.added_to(schema)
    by_name = {column.name: column for column in columns}
    return HiddenTable(
        name,
        becomes,
        replace(job.table, name=name, columns=tuple(columns), key=(), unique=(), foreign_keys=(), indexes=()),
        LoadTarget(name, tuple(by_name[column] for column in schema.names), schema),
        row_numbers.row if row_numbers is not None else None,
        types,
    )


async def make(hidden: HiddenTable, job: LoadPlan, dialect: Dialect, shared: SharedTables, session: Session) -> None:
    """Create it, and its types, so that other sessions see them."""
    async with session.transaction():
        for step in job.plan.steps:
            match step.change:
                case CreateEnum(enum):
                    await _change(dialect, session, CreateEnum(replace(enum, name=hidden.types[enum.name])))
                case CreateStruct(struct):
                    members = tuple(replace(m, type=_with_hidden_types(m.type, hidden.types)) for m in struct.members)
                    veiled = replace(struct, name=hidden.types[struct.name], members=members)
                    await _change(dialect, session, CreateStruct(veiled))
                case _:
                    pass
        if hidden.becomes:
            await _change(dialect, session, CreateTable(hidden.table))
        else:
            await session.execute(shared.create_staging(hidden.name, hidden.table.columns))


async def apply_creating(
    hidden: HiddenTable, job: LoadPlan, dialect: Dialect, shared: SharedTables, session: Session
) -> None:
    """The steps of the plan that create, with what is there under a hidden name in the place of what would be created."""
    for step in job.plan.creating:
        match step.change:
            case CreateEnum(enum):
                for statement in shared.move_type(hidden.types[enum.name], enum.name):
                    await session.execute(statement)
            case CreateStruct(struct):
                for statement in shared.move_type(hidden.types[struct.name], struct.name):
                    await session.execute(statement)
            case CreateTable(table) if hidden.becomes:
                await shared.move_table(session, hidden.name, table.name)
                for change in _keys(table):
                    await _change(dialect, session, change)
            case _:
                for text in step.statements:
                    await session.execute(trusted(text))


def resolving(hidden: HiddenTable, job: MergeJob) -> MergeJob:
    """The job for duplicates among the rows of a hidden table."""
    return replace(job, staging=hidden.name, ordered=False, ordinal=hidden.ordinal)


def _keys(table: Table) -> list[Change]:
    """What the table gets when its rows are in it."""
    keys: list[Change] = [SetKey(table.name, table.key, ())] if table.key else []
    keys += [AddUnique(table.name, unique) for unique in table.unique]
    keys += [AddForeignKey(table.name, key) for key in table.foreign_keys]
    return keys


async def _change(dialect: Dialect, session: Session, change: Change) -> None:
    for statement in dialect.language.render(change):
        await session.execute(statement)


def _order_matters(job: LoadPlan, options: SyncOptions) -> bool:
    """Whether one of several rows has to win, and which of them depends on the order of arrival."""
    if job.mode == "insert":
        return options.on_conflict == "skip"
    return bool(job.key) and options.dedup != "error"


def _with_hidden_types(live: SqlType, types: Mapping[ObjectName, ObjectName]) -> SqlType:
    """The type with the names that new types have meanwhile."""
    if live.element is not None:
        return replace(live, element=_with_hidden_types(live.element, types))
    members = tuple((name, _with_hidden_types(member, types)) for name, member in live.members)
    hidden = types.get(ObjectName(live.namespace, live.name)) if live.labels or live.members else None
    if hidden is None:
        return replace(live, members=members)
    return replace(live, namespace=hidden.namespace, name=hidden.name, members=members)
