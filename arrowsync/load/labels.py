"""Labels of enums that rows have and that an alteration would drop: found before anything is altered."""

from __future__ import annotations

from collections.abc import Sequence

from arrowsync.dialects.contract import Session
from arrowsync.errors import UnsupportedChange
from arrowsync.migration.changes import AlterType, RenameColumn, describe
from arrowsync.migration.plan import Step
from arrowsync.shown import shown
from arrowsync.sql import Identifier, Literal, join, sql


async def refuse_lost_labels(session: Session, steps: Sequence[Step]) -> None:
    """Raise UnsupportedChange where rows have labels that the enum of their column is to lose."""
    changes = [step.change for step in steps]
    former = {(change.table, change.new): change.old for change in changes if isinstance(change, RenameColumn)}
    for change in changes:
        if isinstance(change, AlterType) and change.old.labels and change.column.type.labels:
            await _refuse(session, change, former.get((change.table, change.column.name), change.column.name))


async def _refuse(session: Session, change: AlterType, column: str) -> None:
    wanted = change.column.type.labels
    if set(change.old.labels) <= set(wanted):
        return
    name = Identifier(column)
    kept = [Literal(label) for label in change.old.labels if label in wanted]
    lost = (
        sql("{name} NOT IN ({kept})", name=name, kept=join(", ", kept))
        if kept
        else sql("{name} IS NOT NULL", name=name)
    )
    found = await session.fetch(
        sql(
            "SELECT {name} AS label, count(*) AS n FROM {table} WHERE {lost} GROUP BY {name}",
            name=name,
            table=change.table.identifier,
            lost=lost,
        )
    )
    rows = sorted((str(label), int(n)) for label, n in zip(*(c.to_pylist() for c in found.columns), strict=True))
    if not rows:
        return
    counts = ", ".join(f"{shown(label)} ({n:,} {'row' if n == 1 else 'rows'})" for label, n in rows)
    raise UnsupportedChange(
        f"the column {shown(column)} of {shown(str(change.table))} has labels that its enum is to lose: {counts}",
        changes=(describe(change),),
        hint="declare these labels too, or first give the rows another one, with an UPDATE",
    )
