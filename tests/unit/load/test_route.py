"""How rows get into a table: the route is a function of the plan, and is decided before the first row."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pytest

import arrowsync
from arrowsync import PrimaryKey
from arrowsync.catalog import Catalog, Column, ObjectName, SqlType, Table, UniqueKey
from arrowsync.dialects.contract import Interference
from arrowsync.load.plan import LoadPlan, LoadRoute
from arrowsync.load.rejects import RowNumbers
from arrowsync.migration.changes import AddColumn, CreateTable
from arrowsync.migration.plan import MigrationPlan, Step
from arrowsync.options import SyncOptions

NAME = ObjectName(None, "t")
ID, TEXT = Column("id", SqlType("bigint"), nullable=False), Column("s", SqlType("text"))
KEYED = Table(NAME, (ID, TEXT), key=("id",))
HEAP = replace(KEYED, key=())


def plan(mode: Any, table: Table = KEYED, *, exists: bool = False, commits: bool = False, **given: Any) -> LoadPlan:
    """A plan with the facts that the route depends on."""
    options = {name: given.pop(name) for name in ("on_conflict", "dedup", "parallel") if name in given}
    change = AddColumn(NAME, TEXT) if given.pop("alters", False) else CreateTable(table)
    nothing: Any = None
    return LoadPlan(
        options=SyncOptions(**options),
        names=(NAME,),
        current=Catalog((table,) if exists else ()),
        table=table,
        key=table.key,
        mode=mode,
        migration=MigrationPlan((Step(change, ()),) if not exists or isinstance(change, AddColumn) else ()),
        convert=nothing,
        to_live=None,
        interference=given.pop("interference", Interference()),
        row_numbers=given.pop("row_numbers", None),
        texts=given.pop("texts", ()),
        commits=commits,
        keys_wait=given.pop("keys_wait", True),
    )


NUMBERS = RowNumbers("n")
UNIQUE = replace(KEYED, unique=(UniqueKey(("s",)),))
RULE = Interference(("the rule 'r'",), forbids_copy=True)
TRIGGER = Interference(("the trigger 'g'",))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # DDL that rolls back: new tables
        (plan("upsert"), LoadRoute("new table", False, "last", "by statement")),
        (plan("upsert", keys_wait=False), LoadRoute("target", True, "first", "by statement")),
        (plan("upsert", dedup="error"), LoadRoute("new table", False, "last", "refuse")),
        (plan("insert"), LoadRoute("target", False, "first", "refuse")),
        (plan("insert", HEAP), LoadRoute("target", False, "none", "none")),
        (plan("insert", on_conflict="skip"), LoadRoute("target", True, "first", "by statement")),
        (plan("upsert", UNIQUE), LoadRoute("target", True, "first", "by statement")),
        (plan("upsert", row_numbers=NUMBERS), LoadRoute("target", True, "first", "by statement", numbered=True)),
        (plan("replace", HEAP), LoadRoute("target", False, "none", "none")),
        # existing tables
        (plan("insert", exists=True), LoadRoute("target", False, "none", "refuse")),
        (plan("upsert", exists=True), LoadRoute("target", True, "none", "by statement")),
        (plan("mirror", exists=True), LoadRoute("target", True, "none", "by statement")),
        (plan("replace", exists=True), LoadRoute("target", True, "none", "by statement")),
        (plan("replace", HEAP, exists=True), LoadRoute("target", False, "none", "none")),
        (plan("replace", HEAP, exists=True, interference=TRIGGER), LoadRoute("target", True, "none", "none")),
        (plan("insert", exists=True, interference=TRIGGER), LoadRoute("target", False, "none", "refuse")),
        (plan("insert", exists=True, interference=RULE), LoadRoute("target", True, "none", "refuse")),
        (plan("insert", exists=True, alters=True), LoadRoute("target", True, "none", "refuse")),
        (plan("insert", exists=True, texts=(TEXT,)), LoadRoute("target", True, "none", "refuse")),
        # over several connections
        (plan("upsert", parallel=3), LoadRoute("hidden table", False, "last", "by statement", connections=3)),
        (plan("insert", HEAP, parallel=3), LoadRoute("hidden table", False, "none", "none", connections=3)),
        (plan("upsert", exists=True, parallel=3), LoadRoute("target", True, "none", "by statement", connections=3)),
        (
            plan("upsert", parallel=3, row_numbers=NUMBERS),
            LoadRoute("target", True, "first", "by statement", numbered=True, connections=3),
        ),
        # DDL that commits: new tables are hidden
        (plan("upsert", commits=True), LoadRoute("hidden table", False, "first", "by key")),
        (plan("upsert", commits=True, parallel=3), LoadRoute("hidden table", False, "first", "by key")),
        (plan("upsert", commits=True, dedup="first"), LoadRoute("hidden table", True, "first", "by statement")),
        (plan("upsert", UNIQUE, commits=True), LoadRoute("hidden table", True, "first", "by statement")),
        (plan("insert", commits=True), LoadRoute("hidden table", False, "first", "refuse")),
        (plan("insert", commits=True, parallel=2), LoadRoute("hidden table", False, "first", "refuse", connections=2)),
        (plan("insert", commits=True, on_conflict="skip"), LoadRoute("hidden table", True, "first", "by statement")),
        (plan("replace", HEAP, commits=True), LoadRoute("hidden table", False, "none", "none")),
        (plan("upsert", exists=True, commits=True), LoadRoute("target", True, "none", "by statement")),
        (plan("insert", exists=True, commits=True), LoadRoute("target", False, "none", "refuse")),
    ],
    ids=lambda value: "" if isinstance(value, LoadRoute) else None,
)
def test_the_route_follows_from_the_plan(given: LoadPlan, expected: LoadRoute) -> None:
    assert given.route == expected
    assert pickle.loads(pickle.dumps(given.route)) == expected


@dataclass
class Row:
    id: PrimaryKey[int]
    s: str | None


def test_a_dry_run_shows_the_route() -> None:
    with arrowsync.connect("duckdb://") as conn:
        data = pa.table({"id": [1], "s": ["a"]})
        dry = arrowsync.sync_table(data, Row, conn, dry_run=True)
        assert dry.route == "straight into the new table"
        assert arrowsync.sync_table(data, Row, conn).route == dry.route
        again = arrowsync.sync_table(data, Row, conn, dry_run=True)
        assert again.route == again.to_dict()["route"] == "through a staging table into the target"
        assert "rows would go through a staging table into the target" in str(again)
