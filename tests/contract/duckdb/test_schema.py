"""DuckDB's schema: what is created is discovered as it was declared, and each change does what its model says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, LiteralString

import pytest

from arrowsync.catalog import (
    Catalog,
    Column,
    DefaultValue,
    EnumType,
    ForeignKey,
    Index,
    ObjectName,
    SqlType,
    StructType,
    Table,
    UniqueKey,
)
from arrowsync.dialects import open_session
from arrowsync.dialects.contract import Session
from arrowsync.dialects.duckdb import DIALECT
from arrowsync.dialects.duckdb.discover import CatalogRows, catalog_from_rows
from arrowsync.errors import DatabaseError, UnsupportedChange
from arrowsync.migration.changes import (
    AddColumn,
    AddEnumLabels,
    AddForeignKey,
    AddUnique,
    AlterType,
    Change,
    CreateEnum,
    CreateNamespace,
    CreateStruct,
    CreateTable,
    DropColumn,
    DropNotNull,
    RenameColumn,
    SetComment,
    SetKey,
    SetNotNull,
    apply,
)
from arrowsync.migration.diff import diff
from arrowsync.sql import sql, trusted

AWKWARD = 'it\'s "a" name; DROP TABLE t; -- 😀\n\\'
BIGINT, INTEGER, VARCHAR = SqlType("bigint"), SqlType("integer"), SqlType("varchar")
ZONED = SqlType("timestamp with time zone")
T = ObjectName(None, "t")


def using(url: str, act: Callable[[Session], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        session = await open_session(url)
        try:
            return await act(session)
        finally:
            await session.close()

    return asyncio.run(run())


def found_after(statements: Sequence[LiteralString], *names: ObjectName, url: str = "duckdb://") -> Catalog:
    async def act(session: Session) -> Catalog:
        for statement in statements:
            await session.execute(sql(statement))
        return await DIALECT.catalog.discover(session, names or [T])

    return using(url, act)


async def make(session: Session, *changes: Change) -> None:
    for change in changes:
        for statement in DIALECT.language.render(change):
            await session.execute(statement)


def test_an_awkward_table_is_discovered_as_it_was_created(tmp_path: Path) -> None:
    name = ObjectName(AWKWARD, AWKWARD + "t")
    table = Table(
        name,
        (
            Column(AWKWARD, BIGINT, nullable=False, comment=AWKWARD),
            Column("second key", VARCHAR, nullable=False),
            Column("e", SqlType("enum", labels=(AWKWARD, "", "b")), default=DefaultValue(AWKWARD)),
            Column("select", SqlType("decimal", (38, 38)), comment="a column\nof two lines"),
            Column("u1", INTEGER),
            Column("u2", INTEGER),
            Column("n" * 300, INTEGER, nullable=False, default=DefaultValue(5)),
        ),
        key=("second key", AWKWARD),
        unique=(UniqueKey(("u2", "u1")), UniqueKey(("u1",))),
        comment=AWKWARD,
    )
    target = Catalog((table,), namespaces=(AWKWARD,))
    url = f"duckdb:///{tmp_path / 'schema.duckdb'}"

    async def create(session: Session) -> None:
        assert await DIALECT.catalog.discover(session, [name]) == Catalog()
        async with session.transaction():
            await make(session, *diff(Catalog(), target))

    async def find(session: Session) -> Catalog:
        return await DIALECT.catalog.discover(session, [name])

    using(url, create)
    found = using(url, find)  # from the file
    assert diff(found, target) == []
    live = found.tables[0]
    assert live.key == table.key
    assert set(live.unique) == set(table.unique)
    assert [c.name for c in live.columns] == [c.name for c in table.columns]
    assert [c.required for c in live.columns] == [c.required for c in table.columns]


def test_names_come_back_as_they_were_asked_for() -> None:
    found = found_after(
        ["CREATE SCHEMA Sales", "CREATE TABLE Sales.Orders (ID INTEGER)"],
        ObjectName("SALES", "orders"),
        ObjectName("sales", "nothing"),
        ObjectName("other", "orders"),
        ObjectName(None, "Orders"),
    )
    assert [table.name for table in found.tables] == [ObjectName("SALES", "orders")]
    assert found.namespaces == ("SALES", "sales")
    assert found.tables[0].columns[0].name == "ID"


def test_unique_constraints_and_plain_unique_indexes_are_unique_keys() -> None:
    table = found_after(
        [
            'CREATE TABLE t (id INT PRIMARY KEY, "a b" INT, "d""q" VARCHAR, "it\'s" INT, c INT UNIQUE, "x,y" INT)',
            'CREATE UNIQUE INDEX i1 ON t ("a b")',
            'CREATE UNIQUE INDEX i2 ON t (c, "d""q", "it\'s")',
            "CREATE UNIQUE INDEX i3 ON t ((c + 1))",
            'CREATE UNIQUE INDEX i4 ON t ("x,y", (lower("d""q")))',
            'CREATE UNIQUE INDEX i5 ON t ("x,y", "a b")',
            "CREATE INDEX i6 ON t (id, c)",
        ]
    ).tables[0]
    assert table.key == ("id",)
    assert set(table.unique) == {
        UniqueKey(columns) for columns in [("c",), ("a b",), ("c", 'd"q', "it's"), ("x,y", "a b")]
    }


def test_defaults_generated_columns_and_required_ones() -> None:
    columns = (
        found_after(
            ["CREATE TABLE t (a INT NOT NULL, b INT DEFAULT NULL, c INT NOT NULL DEFAULT 5, d INT AS (a + 1), e INT)"]
        )
        .tables[0]
        .columns
    )
    assert [column.required for column in columns] == [True, False, False, False, False]
    assert [column.generated for column in columns] == [False, False, False, True, False]
    assert [column.default is None for column in columns] == [True, True, False, True, True]


def test_views_are_found_and_attached_databases_are_not() -> None:
    found = found_after(
        [
            "ATTACH ':memory:' AS other",
            "CREATE TABLE other.t (x INTEGER)",
            "CREATE TABLE base (a INTEGER, b VARCHAR)",
            "CREATE VIEW v AS SELECT * FROM base",
        ],
        T,
        ObjectName(None, "v"),
    )
    assert [(table.name.name, table.kind, len(table.columns)) for table in found.tables] == [("v", "view", 2)]


def test_a_name_without_namespace_is_found_where_duckdb_finds_it() -> None:
    found = found_after(
        ["CREATE SCHEMA s", "CREATE TABLE t (main INTEGER)", "CREATE TABLE s.t (s INTEGER)", "USE s"],
        T,
        ObjectName("main", "t"),
    )
    assert [table.columns[0].name for table in found.tables] == ["s", "main"]
    shadowed = found_after(["CREATE TABLE t (main INTEGER)", "CREATE TEMP TABLE t (temp INTEGER)"])
    assert [table.columns[0].name for table in shadowed.tables] == ["temp"]


def test_the_catalog_is_made_of_rows_alone() -> None:
    at = {"is_temporary": False, "schema_name": "main", "table_name": "T"}
    rows = CatalogRows(
        tables=[{**at, "comment": None, "is_view": False}],
        columns=[
            {**at, "name": "id", "data_type": "BIGINT", "is_nullable": False, "column_default": "nextval('s')",
             "is_generated": False, "comment": "key"}
        ],
        constraints=[
            {**at, "kind": "PRIMARY KEY", "name": "T_id_pkey", "columns": ["id"]},
            {**at, "kind": "FOREIGN KEY", "name": "f", "columns": ["id"], "referenced_table": "t", "referenced": ["ID"]},
            {**at, "kind": "CHECK", "name": "T_id_check", "columns": ["id"], "expression": "(id > 0)"},
        ],
        indexes=[{**at, "name": "i", "is_unique": False, "expressions": ["id", '"a ""b"', "(lower(id))"]}],
        namespaces=[{"name": "main", "is_current": True}],
    )  # fmt: skip
    found = catalog_from_rows([T, T], rows)
    assert [table.name for table in found.tables] == [T]
    column = found.tables[0].columns[0]
    assert (column.identity, column.nullable, column.comment) == (True, False, "key")
    assert found.tables[0].foreign_keys == (ForeignKey(("id",), T, ("ID",)),)
    assert [check.condition for check in found.tables[0].checks] == [trusted("(id > 0)")]
    assert found.tables[0].indexes == (Index(("id", 'a "b', trusted("lower(id)")), "i"),)
    assert found.tables[0].unique == ()


def struct(*members: tuple[str, SqlType]) -> SqlType:
    return SqlType("struct", members=members)


BASE = Table(
    T,
    (
        Column("id", BIGINT, nullable=False),
        Column("n", INTEGER),
        Column("v", VARCHAR, nullable=False),
        Column("e", SqlType("enum", labels=("a", "b"))),
        Column("d", SqlType("decimal", (10, 2))),
        Column("at", SqlType("timestamp")),
        Column("l", SqlType("array", element=INTEGER)),
        Column("s", struct(("b", INTEGER), (AWKWARD, SqlType("enum", labels=("x",))))),
    ),
)


def column(name: str, live: SqlType, *, nullable: bool = True, comment: str | None = None) -> Column:
    return Column(name, live, nullable=nullable, comment=comment)


UNIQUE_N = UniqueKey(("n",))
CHANGES: list[tuple[Change, ...]] = [
    (CreateNamespace(AWKWARD),),
    (RenameColumn(T, "n", AWKWARD),),
    (RenameColumn(T, "n", "N"),),
    (AddColumn(T, column("x", VARCHAR, comment=AWKWARD)),),
    (AddColumn(T, Column("x", INTEGER, nullable=False, default=DefaultValue(7))),),
    (AddColumn(T, Column("x", VARCHAR, default=DefaultValue(AWKWARD))),),
    (AlterType(T, column("n", BIGINT), INTEGER),),
    (AlterType(T, column("n", SqlType("double")), INTEGER),),
    (AlterType(T, column("e", SqlType("enum", labels=("z", "b", "a"))), BASE.columns[3].type),),
    (AlterType(T, column("e", VARCHAR), BASE.columns[3].type),),
    (AlterType(T, column("d", SqlType("decimal", (12, 4))), BASE.columns[4].type),),
    (AlterType(T, column("l", SqlType("array", element=BIGINT)), BASE.columns[6].type),),
    (AlterType(T, column("s", struct(("new", INTEGER), (AWKWARD, VARCHAR), ("b", BIGINT))), BASE.columns[7].type),),
    (AddColumn(T, column("x", SqlType("array", element=struct((AWKWARD, SqlType("enum", labels=(AWKWARD,))))))),),
    (DropNotNull(T, column("v", VARCHAR)),),
    (SetNotNull(T, column("n", INTEGER, nullable=False)),),
    (SetKey(T, ("id",), ()),),
    (SetKey(T, ("v", "id"), ()),),
    (AddUnique(T, UniqueKey(("n", "v"))),),
    (SetComment(T, None, AWKWARD),),
    (SetComment(T, "n", AWKWARD),),
    (DropColumn(T, BASE.columns[4]),),
    (AddColumn(T, column("x", INTEGER)), SetNotNull(T, column("n", INTEGER, nullable=False)), DropColumn(T, BASE.columns[5])),
    (AlterType(T, column("n", BIGINT), INTEGER), SetNotNull(T, column("n", BIGINT, nullable=False)), AddUnique(T, UNIQUE_N)),
]  # fmt: skip


@pytest.mark.parametrize("changes", CHANGES, ids=[f"{at}-{type(c[0]).__name__}" for at, c in enumerate(CHANGES)])
def test_a_change_makes_what_its_model_says_and_keeps_the_rows(changes: tuple[Change, ...], tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path / 'changes.duckdb'}"
    expected = Catalog((BASE,))
    for change in changes:
        expected = apply(change, expected)
    names = [T, ObjectName(AWKWARD, "t")]

    async def act(session: Session) -> int:
        await make(session, CreateTable(BASE))
        await session.execute(
            sql("INSERT INTO t SELECT i, i, 'v' || i, 'a', i, '2020-01-01', [i], row(i, 'x') FROM range(10) AS r (i)")
        )
        before = await DIALECT.catalog.discover(session, names)
        async with session.transaction():
            await make(session, *changes)
            # What is loaded afterwards, in the same transaction, is merged into the altered table.
            await session.execute(sql("DELETE FROM t WHERE id = 3"))
            await session.execute(sql("UPDATE t SET id = id + 100 WHERE id = 4"))
        assert before != expected
        return (await session.fetch(sql("SELECT count(id) AS n FROM t"))).column("n")[0].as_py()

    async def find(session: Session) -> Catalog:
        return await DIALECT.catalog.discover(session, names)

    assert using(url, act) == 9
    found = using(url, find)
    assert diff(found, expected) == []
    assert [c.name for c in found.tables[0].columns] == [c.name for c in expected.tables[0].columns]


@pytest.mark.parametrize("zone", ["Etc/UTC", "America/New_York"])
@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        ("TIMESTAMP", "timestamp with time zone", "2020-01-01 00:30:00", "2020-01-01 00:30:00+00"),
        ("TIMESTAMPTZ", "timestamp", "2020-01-01 00:30:00+02", "2019-12-31 22:30:00"),
        ("TIMESTAMPTZ", "date", "2020-01-01 00:30:00+02", "2019-12-31"),
        ("DATE", "timestamp with time zone", "2020-01-01", "2020-01-01 00:00:00+00"),
    ],
)
def test_zones_are_utc_whatever_the_connection_says(zone: str, old: str, new: str, before: str, after: str) -> None:
    change = AlterType(
        T, Column("v", SqlType(new)), SqlType("timestamp with time zone" if "TZ" in old else old.lower())
    )

    async def act(session: Session) -> str:
        await session.execute(sql("CREATE TABLE t (v {old})", old=trusted(old)))
        await session.execute(sql("INSERT INTO t VALUES ({before})", before=trusted(f"'{before}'")))
        await session.execute(sql("SET TimeZone = {zone}", zone=trusted(f"'{zone}'")))
        await make(session, change)
        await session.execute(sql("SET TimeZone = 'Etc/UTC'"))
        return (await session.fetch(sql("SELECT CAST(v AS VARCHAR) AS v FROM t"))).column("v")[0].as_py()

    assert using("duckdb://", act) == after


@pytest.mark.parametrize(
    "change",
    [
        CreateEnum(EnumType(T, ("a",))),
        AddEnumLabels(T, ("b",)),
        CreateStruct(StructType(T, ())),
        SetKey(T, ("a",), ("id",)),
        AddForeignKey(T, ForeignKey(("a",), T, ("b",))),
        AlterType(T, column("l", SqlType("array", element=SqlType("date"))), SqlType("array", element=ZONED)),
        AlterType(T, column("s", struct(("a", VARCHAR), ("at", ZONED))), struct(("at", SqlType("timestamp")))),
    ],
)
def test_what_no_statement_makes_is_refused_before_anything_runs(change: Change) -> None:
    with pytest.raises(UnsupportedChange) as caught:
        DIALECT.language.render(change)
    assert caught.value.changes


@pytest.mark.parametrize(
    ("setup", "change"),
    [
        ("CREATE INDEX i ON t (n)", AlterType(T, column("d", SqlType("decimal", (12, 2))), BASE.columns[4].type)),
        ("CREATE INDEX i ON t (n)", RenameColumn(T, "v", "w")),
        ("ALTER TABLE t ADD PRIMARY KEY (n)", AlterType(T, column("n", BIGINT), INTEGER)),
        ("SELECT 1", SetNotNull(T, column("n", INTEGER, nullable=False))),
        ("SELECT 1", AddUnique(T, UniqueKey(("v",)))),
    ],
)
def test_a_change_that_duckdb_refuses_leaves_everything_as_it_was(setup: LiteralString, change: Change) -> None:
    async def act(session: Session) -> None:
        await make(session, CreateTable(BASE))
        await session.execute(sql("INSERT INTO t SELECT i, i, 'same', 'a', i, NULL, NULL, NULL FROM range(3) AS r (i)"))
        await session.execute(sql(setup))
        if isinstance(change, SetNotNull):
            await session.execute(sql("INSERT INTO t (id, v) VALUES (9, 'x')"))
        before = await DIALECT.catalog.discover(session, [T])
        with pytest.raises(DatabaseError):
            async with session.transaction():
                await make(session, AddColumn(T, column("x", INTEGER)), change)
        assert await DIALECT.catalog.discover(session, [T]) == before

    using("duckdb://", act)


def test_altering_a_table_that_was_updated_in_the_same_transaction_says_what_to_do() -> None:
    async def act(session: Session) -> None:
        await make(session, CreateTable(BASE))
        await session.execute(sql("INSERT INTO t SELECT i, i, 'v', 'a', i, NULL, NULL, NULL FROM range(3) AS r (i)"))
        async with session.transaction():
            await session.execute(sql("UPDATE t SET n = 1"))
            await make(session, SetNotNull(T, column("n", INTEGER, nullable=False)))

    with pytest.raises(DatabaseError, match="outstanding updates") as caught:
        using("duckdb://", act)
    assert "commit first" in str(caught.value.hint)


def test_a_live_column_that_differs_only_in_case_is_named() -> None:
    async def act(session: Session) -> None:
        await session.execute(sql("CREATE TABLE t (ID INTEGER)"))
        await make(session, AddColumn(T, column("id", INTEGER)))

    with pytest.raises(DatabaseError, match='column with name "id" already exists'):
        using("duckdb://", act)
