"""`plan_migration`: decide which changes are made, left or refused, and render the statements.

The decision depends on the hazard of a change, its effect on existing data: see `hazard`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, assert_never

from arrowsync.catalog import Catalog, ObjectName, SqlType
from arrowsync.errors import RefusedChange
from arrowsync.migration import changes as ch
from arrowsync.migration.diff import Renames, diff
from arrowsync.options import SchemaChanges
from arrowsync.shown import printable_sql, to_html

Hazard = Literal["additive", "cosmetic", "tightening", "lossy", "impossible"]
"""The effect of a change on existing data.

additive    none: it creates, adds, widens or relaxes
cosmetic    none, and no data depends on it
tightening  the live table accepts all declared rows, and others: it may stay as it is
lossy       rows or values may be lost or rejected
impossible  the existing rows have no value for it
"""

Decision = Literal["make", "leave", "refuse"]

_DECISIONS: dict[Hazard, dict[SchemaChanges, Decision]] = {
    "additive": {"none": "refuse", "safe": "make", "all": "make"},
    "cosmetic": {"none": "leave", "safe": "make", "all": "make"},
    "tightening": {"none": "leave", "safe": "leave", "all": "make"},
    "lossy": {"none": "refuse", "safe": "refuse", "all": "make"},
    "impossible": {"none": "refuse", "safe": "refuse", "all": "refuse"},
}


@dataclass(frozen=True, slots=True)
class Step:
    """One change with its statements, exactly as they are sent."""

    change: ch.Change
    statements: tuple[str, ...]

    def __str__(self) -> str:
        return ch.describe(self.change)


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """The changes of a migration in order: a script as `str(plan)`, falsy if there are none.

    steps       the changes with their statements
    left        differences that are left as they are
    catalog     the database after the migration
    statements  all statements, exactly as they are sent; `str(plan)` escapes control characters of names and comments
    """

    steps: tuple[Step, ...]
    left: tuple[ch.Change, ...] = ()
    catalog: Catalog = field(default_factory=Catalog, repr=False)

    @property
    def statements(self) -> tuple[str, ...]:
        """All statements, in order."""
        return tuple(statement for step in self.steps for statement in step.statements)

    @property
    def creating(self) -> tuple[Step, ...]:
        """The steps that only create objects, and lock no existing table."""
        return tuple(step for step in self.steps if altered_table(step.change) is None)

    @property
    def altering(self) -> tuple[Step, ...]:
        """The steps that alter existing tables, and so lock them."""
        return tuple(step for step in self.steps if altered_table(step.change) is not None)

    @property
    def alters(self) -> tuple[ObjectName, ...]:
        """The existing tables that the plan alters, and so locks."""
        names = [altered_table(step.change) for step in self.steps]
        return tuple(dict.fromkeys(name for name in names if name is not None))

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __str__(self) -> str:
        lines = [line for step in self.steps for line in (f"-- {step}", *_shown(step))]
        lines += [f"-- left as it is: {ch.describe(change)}" for change in self.left]
        return "\n".join(lines) or "-- nothing to change"

    def _repr_html_(self) -> str:
        rows = [(to_html(str(step)), to_html("\n".join(_shown(step)), lines=True)) for step in self.steps]
        rows += [(to_html(f"left as it is: {ch.describe(change)}"), "") for change in self.left]
        body = "".join(f"<tr><td>{change}</td><td><pre>{text}</pre></td></tr>" for change, text in rows)
        return f"<table><thead><tr><th>change</th><th>statements</th></tr></thead><tbody>{body}</tbody></table>"


def _shown(step: Step) -> list[str]:
    return [f"{printable_sql(statement)};" for statement in step.statements]


def object_of(change: ch.Change) -> ObjectName:
    """Return the name of the object that a change creates or alters; of a namespace `ObjectName(namespace, "")`."""
    match change:
        case ch.CreateNamespace(name):
            return ObjectName(name, "")
        case ch.CreateEnum(enum):
            return enum.name
        case ch.CreateStruct(struct):
            return struct.name
        case ch.CreateTable(table):
            return table.name
        case ch.AddEnumLabels(name):
            return name
        case _:
            return change.table


def altered_table(change: ch.Change) -> ObjectName | None:
    """Return the existing table that a change alters; None for a change that only creates."""
    match change:
        case ch.CreateNamespace() | ch.CreateEnum() | ch.AddEnumLabels() | ch.CreateStruct() | ch.CreateTable():
            return None
        case ch.CreateIndex() | ch.InsertRows() | ch.AddForeignKey():
            return None  # of tables that this plan creates
        case _:
            return change.table


def plan_migration(
    current: Catalog,
    target: Catalog,
    *,
    schema_changes: SchemaChanges,
    is_widening: Callable[[SqlType, SqlType], bool],
    statements: Callable[[ch.Change], tuple[str, ...]],
    renames: Renames | None = None,
) -> MigrationPlan:
    """Plan the migration of `current` to `target`.

    `is_widening(old, new)` is True if each value of the old type is one of the new; `statements` renders a change. Raises
    RefusedChange if the live table can't take the declared rows without a change that `schema_changes` doesn't allow.
    """
    changes = diff(current, target, renames)
    make: list[ch.Change] = []
    left: list[ch.Change] = []
    refused: list[ch.Change] = []
    for change in changes:
        decision = _DECISIONS[hazard(change, is_widening)][schema_changes]
        {"make": make, "leave": left, "refuse": refused}[decision].append(change)
    if refused:
        raise _refusal(refused, schema_changes, is_widening, changes, renames or {})
    _refuse_unhinted_rename(make)
    catalog = current
    steps: list[Step] = []
    for change in make:
        catalog = ch.apply(change, catalog)
        made = _without_the_left(change, catalog)
        steps.append(Step(made, statements(made)))
    return MigrationPlan(tuple(steps), tuple(left), catalog)


def _without_the_left(change: ch.Change, after: Catalog) -> ch.Change:
    """Return the change with its column as it is after the whole plan: another change of the column may be left out."""
    match change:
        case ch.AlterType(name, column, _) | ch.DropNotNull(name, column) | ch.SetNotNull(name, column):
            table = after.table(name)
            there = table.column(column.name) if table is not None else None
            return change if there is None else replace(change, column=there)
        case ch.SetComment(name, str() as column, _, _):
            table = after.table(name)
            return change if table is None else replace(change, definition=table.column(column))
        case _:
            return change


def hazard(change: ch.Change, is_widening: Callable[[SqlType, SqlType], bool]) -> Hazard:
    """Return the hazard of a change: the table of decisions."""
    match change:
        case ch.CreateNamespace() | ch.CreateEnum() | ch.AddEnumLabels() | ch.CreateStruct() | ch.CreateTable():
            return "additive"
        case ch.CreateIndex() | ch.InsertRows() | ch.AddForeignKey() | ch.RenameColumn() | ch.DropNotNull():
            return "additive"
        case ch.AddColumn(_, column):
            return "impossible" if column.required else "additive"
        case ch.AlterType(_, column, old):
            if is_widening(old, column.type):
                return "additive"
            return "tightening" if is_widening(column.type, old) else "lossy"
        case ch.SetNotNull():
            return "tightening"
        case ch.DropColumn(_, column):
            return "lossy" if column.required else "tightening"
        case ch.SetKey() | ch.AddUnique():
            return "lossy"
        case ch.SetComment():
            return "cosmetic"
        case _:
            assert_never(change)


def _refusal(
    refused: list[ch.Change],
    allowed: SchemaChanges,
    is_widening: Callable[[SqlType, SqlType], bool],
    changes: list[ch.Change],
    renames: Renames,
) -> RefusedChange:
    lines = tuple(ch.describe(change) for change in refused)
    table = next((str(name) for name in map(altered_table, refused) if name), None)
    subject = f"the table {table} differs from its declaration" if table else "something declared doesn't exist yet"
    # What nothing allows comes first: whoever allows the rest would only meet it then.
    worst = next((change for change in refused if hazard(change, is_widening) == "impossible"), refused[0])
    match worst:
        case ch.AddColumn() if worst.column.required:
            hint = _hint_of_new(worst, changes, renames)
        case ch.DropColumn(_, column) if allowed != "all":
            hint = (
                f"the live column {column.name!r} is required and has no default, so rows without it can't be inserted: "
                'declare it, or drop it with schema_changes="all"'
            )
            if new := _of_type(ch.AddColumn, worst, changes):
                hint = (
                    f"{hint}; or declare {new!r} as Annotated[..., RenamedFrom({column.name!r})], if it is that column"
                )
        case change if hazard(change, is_widening) == "additive":
            hint = 'schema_changes="safe" makes changes that only add, widen or relax'
        case _:
            hint = 'change the declaration, or allow what may lose data with schema_changes="all"'
    return RefusedChange(f"{subject}: {'; '.join(lines)}", changes=lines, hint=hint)


def _hint_of_new(change: ch.AddColumn, changes: list[ch.Change], renames: Renames) -> str:
    """The hint for a required column that the live table lacks: the column may be there under another name."""
    name = change.column.name
    hint = f"the rows already there have no value for {name!r}: make it Optional, or give it a default"
    of_table = [each for each in changes if altered_table(each) == change.table]
    taken = next((each.new for each in of_table if isinstance(each, ch.RenameColumn) and each.old == name), None)
    dropped = [each.column.name for each in of_table if isinstance(each, ch.DropColumn)]
    former = renames.get((change.table, name))
    if taken is not None:
        hint = f"{taken!r} is RenamedFrom({name!r}) and takes its values: leave {name!r} out, or RenamedFrom"
    elif former is not None and dropped:
        hint = f"it is RenamedFrom({former!r}), which the table lacks; of its columns these aren't declared: {', '.join(dropped)}"
    elif old := _of_type(ch.DropColumn, change, changes):
        hint = f"{hint}; or declare it as Annotated[..., RenamedFrom({old!r})], if it is that column"
    return hint


def _of_type(
    kind: type[ch.AddColumn | ch.DropColumn], change: ch.AddColumn | ch.DropColumn, changes: list[ch.Change]
) -> str | None:
    """A column of the same table and type that is added or dropped, as `kind` says."""
    found = (c for c in changes if isinstance(c, kind) and c.table == change.table)
    return next((c.column.name for c in found if c.column.type == change.column.type), None)


def _refuse_unhinted_rename(changes: list[ch.Change]) -> None:
    added = {(c.table, c.column.type): c.column.name for c in changes if isinstance(c, ch.AddColumn)}
    for change in changes:
        if isinstance(change, ch.DropColumn) and (new := added.get((change.table, change.column.type))):
            old = change.column.name
            raise RefusedChange(
                f"dropping {change.table}.{old} and adding {change.table}.{new} of the same type looks like a rename",
                changes=(ch.describe(change),),
                hint=f"declare {new!r} as Annotated[..., RenamedFrom({old!r})], or make the two changes one after the other",
            )
