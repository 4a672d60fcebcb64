"""Planning and migrating declared tables without any data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import is_dataclass
from types import ModuleType
from typing import Any, cast

from arrowsync.catalog import ObjectName
from arrowsync.declare.spec import TableSpec
from arrowsync.dialects.dialect import Dialect, Session
from arrowsync.errors import DeclarationError
from arrowsync.migrate.plan import MigrationPlan
from arrowsync.migrate.target import target_catalog
from arrowsync.options import SchemaChanges, SyncOptions
from arrowsync.sync.apply import apply_steps, make_plan
from arrowsync.sync.tables import declared_spec


async def plan_tables(
    tables: object, dialect: Dialect, session: Session, schema_changes: SchemaChanges
) -> MigrationPlan:
    """What has to change in the live database so that all the tables exist as they are declared."""
    options = SyncOptions(schema_changes=schema_changes)
    specs = declared_specs(tables)
    names = [ObjectName(spec.namespace, spec.name) for spec in specs]
    current = await dialect.discover(session, names)
    target = target_catalog(specs, lambda column, spec: dialect.column_of(column, spec, session.server))
    return make_plan(dialect, session, current, target, specs, options.schema_changes)


async def migrate_tables(
    tables: object, dialect: Dialect, session: Session, schema_changes: SchemaChanges
) -> MigrationPlan:
    """Plan, and carry the plan out in one transaction."""
    async with session.transaction():
        plan = await plan_tables(tables, dialect, session, schema_changes)
        await apply_steps(dialect, session, plan.steps)
    return plan


def declared_specs(tables: object) -> list[TableSpec]:
    """The specs of one table, several, or all the dataclasses that a module defines."""
    if isinstance(tables, ModuleType):
        found: list[Any] = [
            value
            for value in vars(tables).values()
            if isinstance(value, type) and is_dataclass(value) and value.__module__ == tables.__name__
        ]
    else:
        found = list(cast(Sequence[Any], tables)) if isinstance(tables, (list, tuple, set)) else [tables]
    if not found:
        raise DeclarationError("there is no table to plan for", hint="pass dataclasses, or a module that defines some")
    specs = [declared_spec(table) for table in found]
    for spec in specs:
        if not isinstance(spec, TableSpec):
            raise DeclarationError(
                f"the name {str(spec)!r} declares no columns", hint="pass a dataclass, or a pa.Schema with a name"
            )
    return [spec for spec in specs if isinstance(spec, TableSpec)]
