"""The diff and the plan, without a server: `apply*(diff(a, b), a)` has all of b, and nothing is lost unasked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrowsync.catalog import Catalog, Column, DefaultValue, EnumType, ObjectName, SqlType, Table
from arrowsync.errors import RefusedChange
from arrowsync.migration.changes import AddColumn, AlterType, CreateTable, DropColumn, RenameColumn, apply, describe
from arrowsync.migration.diff import diff
from arrowsync.migration.plan import MigrationPlan, plan_migration
from arrowsync.options import SchemaChanges

NAME = ObjectName(None, "t")
COLOUR = EnumType(ObjectName(None, "colour"), ("red", "green"))
TYPES = [
    SqlType("integer"),
    SqlType("bigint"),
    SqlType("varchar", (10,)),
    SqlType("text"),
    SqlType("colour", labels=COLOUR.labels),
]
WIDENINGS = {("integer", "bigint"), ("varchar", "text")}

columns = st.builds(
    Column,
    name=st.sampled_from("abcd"),
    type=st.sampled_from(TYPES),
    nullable=st.booleans(),
    default=st.sampled_from([None, DefaultValue(1)]),
    comment=st.sampled_from([None, "a comment"]),
)


@st.composite
def catalogs(draw: st.DrawFn) -> Catalog:
    found = tuple(draw(st.lists(columns, min_size=1, max_size=4, unique_by=lambda column: column.name)))
    names = [column.name for column in found]
    key = tuple(draw(st.lists(st.sampled_from(names), max_size=2, unique=True)))
    found = tuple(replace(c, nullable=c.nullable and c.name not in key) for c in found)
    table = Table(NAME, found, key, comment=draw(st.sampled_from([None, "about t"])))
    enums = (COLOUR,) if any(c.type.labels for c in found) else ()
    return Catalog((table,), enums) if draw(st.booleans()) else Catalog((), enums)


def is_widening(old: SqlType, new: SqlType) -> bool:
    return old == new or (old.name, new.name) in WIDENINGS


def make_plan(
    current: Catalog, target: Catalog, schema_changes: SchemaChanges = "safe", **renames: str
) -> MigrationPlan:
    return plan_migration(
        current,
        target,
        schema_changes=schema_changes,
        is_widening=is_widening,
        statements=lambda change: (describe(change).upper(),),
        renames={(NAME, new): old for new, old in renames.items()},
    )


def table_of(*found: Column, key: tuple[str, ...] = ()) -> Catalog:
    return Catalog((Table(NAME, found, key),))


@given(catalogs(), catalogs())
def test_the_changes_of_a_diff_lead_to_the_target(current: Catalog, target: Catalog) -> None:
    after = current
    for change in diff(current, target):
        after = apply(change, after)
    assert diff(after, target) == []
    for table in target.tables:
        made = after.table(table.name)
        assert made is not None
        assert {c.name: (c.type, c.nullable) for c in made.columns} == {
            c.name: (c.type, c.nullable) for c in table.columns
        }
        assert not table.key or set(made.key) == set(table.key)


@given(catalogs())
def test_nothing_differs_from_itself(catalog: Catalog) -> None:
    assert diff(catalog, catalog) == []
    assert not make_plan(catalog, catalog)


@given(catalogs(), catalogs())
def test_a_safe_plan_only_adds_widens_and_relaxes(current: Catalog, target: Catalog) -> None:
    try:
        plan = make_plan(current, target)
    except RefusedChange:
        return
    live = current.table(NAME)
    after = plan.catalog.table(NAME)
    if live is None or after is None:
        return
    for column in live.columns:
        now = after.column(column.name)
        assert now is not None, "a column was dropped"
        assert is_widening(column.type, now.type)
        assert now.nullable >= column.nullable


def test_a_missing_table_is_created_and_a_nullable_column_added() -> None:
    wanted = table_of(Column("a", SqlType("integer"), nullable=False), Column("b", SqlType("text")))
    assert [type(step.change) for step in make_plan(Catalog(), wanted).steps] == [CreateTable]
    plan = make_plan(table_of(Column("a", SqlType("integer"), nullable=False)), wanted)
    assert [step.change for step in plan.steps] == [AddColumn(NAME, Column("b", SqlType("text")))]
    assert plan.alters == (NAME,)
    assert plan.statements == ("ADD COLUMN T.B TEXT",)
    assert str(plan) == "-- add column t.b text\nADD COLUMN T.B TEXT;"


def test_a_required_column_without_default_cannot_be_added() -> None:
    wanted = table_of(Column("a", SqlType("integer")), Column("b", SqlType("text"), nullable=False))
    for level in ("none", "safe", "all"):
        with pytest.raises(RefusedChange, match=r"add column t\.b text not null") as caught:
            make_plan(table_of(Column("a", SqlType("integer"))), wanted, level)
        assert "Optional" in (caught.value.hint or "")
    with_default = table_of(
        Column("a", SqlType("integer")), Column("b", SqlType("text"), nullable=False, default=DefaultValue("x"))
    )
    assert make_plan(table_of(Column("a", SqlType("integer"))), with_default)


def test_what_is_wider_or_more_than_declared_stays() -> None:
    live = table_of(Column("a", SqlType("bigint")), Column("extra", SqlType("text")))
    wanted = table_of(Column("a", SqlType("integer"), nullable=False))
    plan = make_plan(live, wanted)
    assert not plan
    assert {describe(change) for change in plan.left} == {
        "change type of t.a from bigint to integer",
        "forbid NULL in t.a",
        "drop column t.extra",
    }
    assert plan.catalog == live


def test_a_narrower_column_is_widened_and_a_different_one_refused() -> None:
    plan = make_plan(table_of(Column("a", SqlType("integer"))), table_of(Column("a", SqlType("bigint"))))
    assert [step.change for step in plan.steps] == [AlterType(NAME, Column("a", SqlType("bigint")), SqlType("integer"))]
    with pytest.raises(RefusedChange, match=r"change type of t\.a from text to integer"):
        make_plan(table_of(Column("a", SqlType("text"))), table_of(Column("a", SqlType("integer"))))


def test_schema_changes_none_means_that_the_table_must_do() -> None:
    with pytest.raises(RefusedChange, match="create table t"):
        make_plan(Catalog(), table_of(Column("a", SqlType("integer"))), "none")
    live = table_of(Column("a", SqlType("bigint")))
    assert not make_plan(live, table_of(Column("a", SqlType("integer"))), "none")


def test_a_live_column_that_every_row_needs_is_named() -> None:
    live = table_of(Column("a", SqlType("integer")), Column("must", SqlType("text"), nullable=False))
    with pytest.raises(RefusedChange, match=r"drop column t\.must") as caught:
        make_plan(live, table_of(Column("a", SqlType("integer"))))
    assert "'must' is required" in (caught.value.hint or "")


def test_a_rename_needs_its_hint() -> None:
    live, wanted = table_of(Column("v", SqlType("text"))), table_of(Column("renamed", SqlType("text")))
    with pytest.raises(RefusedChange, match="looks like a rename") as caught:
        make_plan(live, wanted, "all")
    assert "RenamedFrom('v')" in (caught.value.hint or "")
    plan = make_plan(live, wanted, "safe", renamed="v")
    assert [step.change for step in plan.steps] == [RenameColumn(NAME, "v", "renamed")]
    assert not make_plan(plan.catalog, wanted, "safe", renamed="v"), "the second time there is nothing to rename"


def test_only_all_drops() -> None:
    live = table_of(Column("a", SqlType("integer")), Column("gone", SqlType("text")))
    wanted = table_of(Column("a", SqlType("integer")))
    assert not make_plan(live, wanted, "safe")
    assert [type(step.change) for step in make_plan(live, wanted, "all").steps] == [DropColumn]


def test_another_key_is_refused() -> None:
    live = table_of(Column("a", SqlType("integer"), nullable=False), key=("a",))
    wanted = table_of(Column("a", SqlType("integer"), nullable=False), Column("b", SqlType("text")), key=("a", "b"))
    with pytest.raises(RefusedChange, match=r"set primary key of t to \(a, b\), now \(a\)"):
        make_plan(live, wanted)


def test_an_enum_grows() -> None:
    bigger = EnumType(COLOUR.name, ("green", "red", "blue"))
    live = Catalog((Table(NAME, (Column("c", SqlType("colour", labels=COLOUR.labels)),)),), (COLOUR,))
    wanted = Catalog((Table(NAME, (Column("c", SqlType("colour", labels=bigger.labels)),)),), (bigger,))
    plan = make_plan(live, wanted)
    assert plan.statements == ("ADD TO ENUM COLOUR: BLUE",)
    assert not make_plan(plan.catalog, wanted), "the order of labels is no difference"


def test_a_wider_live_type_stays_where_the_column_becomes_nullable() -> None:
    live = table_of(Column("c", SqlType("bigint"), nullable=False))
    plan = make_plan(live, table_of(Column("c", SqlType("integer"))))
    assert [type(step.change).__name__ for step in plan.steps] == ["DropNotNull"]
    assert plan.catalog == table_of(Column("c", SqlType("bigint")))
