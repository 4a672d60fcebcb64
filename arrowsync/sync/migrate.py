"""Planning and migrating declared tables without any data."""

from __future__ import annotations

from contextlib import suppress

from arrowsync.dialects.contract import Session
from arrowsync.load.apply import apply_steps, make_plan
from arrowsync.load.locks import BeginAgain, TurnTaking
from arrowsync.load.outcome import Outcome
from arrowsync.load.target import declared_specs, target_of
from arrowsync.migration.plan import MigrationPlan
from arrowsync.options import SchemaChanges, SyncOptions


async def plan_tables(tables: object, session: Session, schema_changes: SchemaChanges) -> MigrationPlan:
    """Plan the changes of the live database after which all tables exist as they are declared."""
    options = SyncOptions(schema_changes=schema_changes)
    specs = declared_specs(tables)
    target = target_of(specs, session.dialect.language, session.server)
    current = await session.dialect.catalog.discover(session, [table.name for table in target.tables])
    return make_plan(session, current, target, specs, options.schema_changes)


async def migrate_tables(
    tables: object, session: Session, schema_changes: SchemaChanges, outcome: Outcome
) -> MigrationPlan:
    """Plan, and carry the plan out in one transaction."""
    turns = TurnTaking(session, set())
    while True:
        with suppress(BeginAgain):
            async with turns.taken, outcome.transaction(session) as own:
                await turns.take(turns.names)
                plan = await plan_tables(tables, session, schema_changes)
                if await turns.take_for(plan, own=own):
                    plan = await plan_tables(tables, session, schema_changes)
                with turns.creating(own=own):
                    await apply_steps(session, plan.steps, outcome)
            return plan
