"""Plans: made from the live catalog, and carried out."""

from __future__ import annotations

from collections.abc import Sequence

from arrowsync.catalog import Catalog, ObjectName
from arrowsync.declare.spec import TableSpec
from arrowsync.dialects.contract import CommittingDdl, HiddenTables, Session
from arrowsync.load.labels import refuse_lost_labels
from arrowsync.load.outcome import Outcome
from arrowsync.migration.changes import Change
from arrowsync.migration.plan import MigrationPlan, Step, altered_table, plan_migration
from arrowsync.options import SchemaChanges
from arrowsync.sql import trusted


def make_plan(
    session: Session,
    current: Catalog,
    target: Catalog,
    specs: Sequence[TableSpec],
    schema_changes: SchemaChanges,
) -> MigrationPlan:
    """The plan that brings the live `current` to `target`, with statements as this server gets them."""
    language = session.dialect.language
    quoting = language.quoting(session.server)

    def statements(change: Change) -> tuple[str, ...]:
        return tuple(statement.text(quoting) for statement in language.render(change))

    renames = {
        (ObjectName(spec.namespace, spec.name), column.name): column.renamed_from
        for spec in specs
        for column in spec.columns
        if column.renamed_from is not None
    }
    return plan_migration(
        current,
        target,
        schema_changes=schema_changes,
        is_widening=language.is_widening,
        statements=statements,
        renames=renames,
    )


async def apply_steps(session: Session, steps: Sequence[Step], outcome: Outcome) -> None:
    """Run the steps in the session's transaction, with the tables that they alter locked first."""
    await refuse_lost_labels(session, steps)
    ddl = session.dialect.new_tables
    if isinstance(ddl, CommittingDdl):
        await _alter(ddl.hidden, session, steps, outcome)
        return
    altered = dict.fromkeys(name for step in steps if (name := altered_table(step.change)) is not None)
    for name in altered:
        await session.dialect.locks.lock(session, name, "alter")
    for step in steps:
        for statement in step.statements:
            await session.execute(trusted(statement))


async def _alter(
    hidden: HiddenTables,
    session: Session,
    steps: Sequence[Step],
    outcome: Outcome,
) -> None:
    """Run the steps, of which each commits."""
    for step in steps:
        name = altered_table(step.change)
        with outcome.step(str(step)):
            for statement in step.statements:
                if name is None:
                    await session.execute(trusted(statement))
                else:
                    await hidden.alter(session, name, trusted(statement))
