"""`SharedTable`: the table that several connections load at once, its creation, and the change to its real name.

A table that is created here is loaded under a hidden name, without keys, and then renamed; for one that exists, the hidden
table is one for staging. Types that the plan creates are hidden and renamed too: other connections must see them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from arrowsync.catalog import ObjectName, SqlType, Table
from arrowsync.dialects.contract import LoadTarget, MergeJob, Session, SharedTables
from arrowsync.load.direct import make
from arrowsync.load.plan import LoadPlan
from arrowsync.load.rejects import row_numbers_for
from arrowsync.load.task import LoadTask
from arrowsync.load.text_columns import as_arriving
from arrowsync.migration.changes import AddForeignKey, AddUnique, Change, CreateEnum, CreateStruct, CreateTable, SetKey
from arrowsync.sql import trusted


@dataclass(frozen=True, slots=True)
class SharedTable:
    """A hidden table, with the `target` that its rows are loaded into; with `becomes_target` it gets the target's name.

    `row_number` names an extra column for the number of each row in the order of arrival, if that matters. `types`
    maps the names of the types that are new to those that they have meanwhile.
    """

    name: ObjectName
    becomes_target: bool
    table: Table
    target: LoadTarget
    row_number: str | None
    types: Mapping[ObjectName, ObjectName]


def design(task: LoadTask, name: ObjectName) -> SharedTable:
    """Design the shared table called `name`, for the rows of the task and the numbers that they bring already."""
    plan, schema, row_numbers = task.plan, task.rows.schema, task.plan.row_numbers
    becomes_target = plan.route.into == "hidden table"
    rejecting = row_numbers is not None
    if row_numbers is None and _order_matters(plan):
        row_numbers = row_numbers_for(plan.table)
    made = [step.change for step in plan.migration.steps if isinstance(step.change, (CreateEnum, CreateStruct))]
    types = {
        (change.enum if isinstance(change, CreateEnum) else change.struct).name: ObjectName(
            name.namespace, f"{name.name}_{number}"
        )
        for number, change in enumerate(made)
    }
    staged = plan.table if becomes_target else as_arriving(task.dialect, plan.table, schema, rejecting=rejecting)
    names = frozenset(schema.names)
    brought = [column for column in staged.columns if becomes_target or column.name in names]
    columns = [replace(column, type=_with_hidden_types(column.type, types)) for column in brought]
    if row_numbers is not None:
        columns += row_numbers.columns
        schema = row_numbers.added_to(schema)
    by_name = {column.name: column for column in columns}
    return SharedTable(
        name,
        becomes_target,
        replace(plan.table, name=name, columns=tuple(columns), key=(), unique=(), foreign_keys=(), indexes=()),
        LoadTarget(name, tuple(by_name[column] for column in schema.names), schema),
        row_numbers.row if row_numbers is not None else None,
        types,
    )


async def create(shared_table: SharedTable, plan: LoadPlan, shared: SharedTables, session: Session) -> None:
    """Create the table, and its types, so that other sessions see them."""
    types = shared_table.types
    async with session.transaction():
        for step in plan.migration.steps:
            match step.change:
                case CreateEnum(enum):
                    await make(session, CreateEnum(replace(enum, name=types[enum.name])))
                case CreateStruct(struct):
                    members = tuple(replace(m, type=_with_hidden_types(m.type, types)) for m in struct.members)
                    await make(session, CreateStruct(replace(struct, name=types[struct.name], members=members)))
                case _:
                    pass
        if shared_table.becomes_target:
            await make(session, CreateTable(shared_table.table))
        else:
            await session.execute(shared.create_staging(shared_table.name, shared_table.table.columns))


async def apply_creating(shared_table: SharedTable, plan: LoadPlan, shared: SharedTables, session: Session) -> None:
    """Run the steps of the plan that create, with objects that exist under a hidden name in place of new ones."""
    for step in plan.migration.creating:
        match step.change:
            case CreateEnum(enum):
                for statement in shared.move_type(shared_table.types[enum.name], enum.name):
                    await session.execute(statement)
            case CreateStruct(struct):
                for statement in shared.move_type(shared_table.types[struct.name], struct.name):
                    await session.execute(statement)
            case CreateTable(table) if shared_table.becomes_target:
                await shared.move_table(session, shared_table.name, table.name)
                await make(session, *_keys(table))
            case _:
                for text in step.statements:
                    await session.execute(trusted(text))


def resolving(table: SharedTable, job: MergeJob) -> MergeJob:
    """The job for rows of the shared table, which aren't in the order of arrival."""
    return replace(job, staging=table.name, in_order=False, row_number=table.row_number)


def _keys(table: Table) -> list[Change]:
    """The keys that the table gets after its rows."""
    keys: list[Change] = [SetKey(table.name, table.key, ())] if table.key else []
    keys += [AddUnique(table.name, unique) for unique in table.unique]
    keys += [AddForeignKey(table.name, key) for key in table.foreign_keys]
    return keys


def _order_matters(plan: LoadPlan) -> bool:
    """True if one of several rows has to win, and which of them depends on the order of arrival."""
    if plan.mode == "insert":
        return plan.options.on_conflict == "skip"
    return bool(plan.key) and plan.options.dedup != "error"


def _with_hidden_types(live: SqlType, types: Mapping[ObjectName, ObjectName]) -> SqlType:
    """The type with the names that new types have meanwhile."""
    if live.element is not None:
        return replace(live, element=_with_hidden_types(live.element, types))
    members = tuple((name, _with_hidden_types(member, types)) for name, member in live.members)
    hidden = types.get(ObjectName(live.namespace, live.name)) if live.labels or live.members else None
    if hidden is None:
        return replace(live, members=members)
    return replace(live, namespace=hidden.namespace, name=hidden.name, members=members)
