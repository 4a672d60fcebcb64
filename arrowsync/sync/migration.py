"""Planning and migrating declared tables without any data."""

from __future__ import annotations

from arrowsync.dialects.dialect import Dialect, Session
from arrowsync.migrate.plan import MigrationPlan
from arrowsync.options import SchemaChanges, SyncOptions
from arrowsync.sync.apply import apply_steps, make_plan
from arrowsync.sync.tables import declared_specs, target_of


async def plan_tables(
    tables: object, dialect: Dialect, session: Session, schema_changes: SchemaChanges
) -> MigrationPlan:
    """What has to change in the live database so that all the tables exist as they are declared."""
    options = SyncOptions(schema_changes=schema_changes)
    specs = declared_specs(tables)
    target = target_of(specs, dialect, session.server)
    current = await dialect.discover(session, [table.name for table in target.tables])
    return make_plan(dialect, session, current, target, specs, options.schema_changes)


async def migrate_tables(
    tables: object, dialect: Dialect, session: Session, schema_changes: SchemaChanges
) -> MigrationPlan:
    """Plan, and carry the plan out in one transaction."""
    async with session.transaction():
        plan = await plan_tables(tables, dialect, session, schema_changes)
        await apply_steps(dialect, session, plan.steps)
    return plan
