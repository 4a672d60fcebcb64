"""Discovery on MySQL and MariaDB: what is created is found again as it was declared, and what others have made as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from contract.mysql.mysql_live import Live, collation_of, connected
from formation.features import FEATURES

import arrowsync
from arrowsync.catalog import Catalog, Column, ForeignKey, Index, ObjectName, SqlType, Table, UniqueKey
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.dialects import language_for, open_session
from arrowsync.dialects.contract import Session
from arrowsync.dialects.mysql.discover import list_tables as table_names
from arrowsync.errors import MigrationError
from arrowsync.migration.changes import AlterType, SetComment
from arrowsync.migration.diff import diff
from arrowsync.sync.ddl import form_catalog, script_of

URLS = {"mysql": "mysql_url", "mariadb": "mariadb_url"}


@pytest.fixture(params=URLS)
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(URLS[request.param])
    return found


@pytest.fixture
def live(request: pytest.FixtureRequest, url: str) -> Iterator[Live]:
    with connected(request.node.callspec.params["url"], url) as live:
        yield live


def with_session(url: str, use: Callable[[Any, Session], Awaitable[Any]]) -> Any:
    async def story() -> Any:
        session = await open_session(url)
        try:
            return await use(session.dialect, session)
        finally:
            await session.close()

    return asyncio.run(story())


def discovered(url: str, names: Sequence[ObjectName]) -> Catalog:
    return with_session(url, lambda dialect, session: dialect.catalog.discover(session, names))


def found(url: str, name: str) -> Table:
    table = discovered(url, [ObjectName(None, name)]).table(ObjectName(None, name))
    assert table is not None
    return table


@pytest.mark.parametrize(
    ("dialect", "name"),
    [(dialect, name) for dialect in URLS for name, feature in FEATURES.items() if dialect not in feature.not_in],
)
def test_every_feature_is_found_as_it_was_declared(dialect: str, name: str, request: pytest.FixtureRequest) -> None:
    feature, language = FEATURES[name], language_for(dialect)
    target = form_catalog(feature.tables, language, feature.options)
    url = request.getfixturevalue(URLS[dialect])
    with connected(dialect, url) as live:
        live.script(script_of(target, language))
    current = discovered(url, [table.name for table in target.tables])
    assert diff(current, target) == []
    for wanted in target.tables:
        there = current.table(wanted.name)
        assert there is not None
        assert [without_default(c) for c in there.columns] == [without_default(c) for c in wanted.columns]
        assert [c.default is None for c in there.columns] == [c.default is None for c in wanted.columns]
        assert (there.key, there.comment, there.kind) == (wanted.key, wanted.comment, "table")
        assert {(key.name, key.columns) for key in there.unique} == {
            *((key.name, key.columns) for key in wanted.unique),
            *((index.name, index.parts) for index in wanted.indexes if index.unique and _on_columns(index)),
        }
        # RESTRICT is what happens without a word, and not shown apart from it.
        plain = {
            replace(key, on_delete=None if key.on_delete == "restrict" else key.on_delete)
            for key in wanted.foreign_keys
        }
        assert set(there.foreign_keys) == plain
        assert {key.name for key in there.foreign_keys} == {key.name for key in wanted.foreign_keys}
        assert {check.name for check in there.checks} == {check.name for check in wanted.checks}
        assert {index.name for index in there.indexes} == {
            index.name for index in wanted.indexes if not (index.unique and _on_columns(index))
        }


def without_default(column: Column) -> Column:
    return replace(column, default=None)


def _on_columns(index: Index) -> bool:
    return all(isinstance(part, str) for part in index.parts)


def test_types_that_others_have_chosen(live: Live, url: str) -> None:
    live.script(
        """CREATE TABLE types (a int(5) unsigned zerofill, b mediumint, c bigint unsigned, d tinyint(1), e tinyint(4),
        f year, g datetime, h timestamp(3) NULL, i time(2), j decimal(7), k float, l double, m char(3), n binary(5),
        o tinytext, p longblob, q set('a', 'b'), r float(7, 3), s bit(5), t enum('a', 'it''s', 'b\\\\c', 'x,y', '😀?'))
        CHARACTER SET utf8mb4"""
    )
    expected = [
        *(
            SqlType("int unsigned"),
            SqlType("mediumint"),
            SqlType("bigint unsigned"),
            SqlType("boolean"),
            SqlType("tinyint"),
        ),
        *(SqlType("year"), SqlType("datetime", (0,)), SqlType("timestamp", (3,)), SqlType("time", (2,))),
        *(
            SqlType("decimal", (7, 0)),
            SqlType("float"),
            SqlType("double"),
            SqlType("char", (3,)),
            SqlType("binary", (5,)),
        ),
        *(
            SqlType("tinytext"),
            SqlType("longblob"),
            SqlType("set('a','b')"),
            SqlType("float(7,3)"),
            SqlType("bit", (5,)),
        ),
        SqlType("enum", labels=("a", "it's", "b\\c", "x,y", "😀?")),
    ]
    assert [column.type for column in found(url, "types").columns] == expected


def test_what_columns_and_keys_are(live: Live, url: str) -> None:
    live.script(
        """CREATE TABLE parent (x int, y int, UNIQUE KEY (y, x));
        CREATE TABLE things (
          id bigint NOT NULL AUTO_INCREMENT, x int DEFAULT 5, y int NOT NULL, z varchar(10) CHARACTER SET latin1,
          double_x int AS (x * 2), note text COMMENT 'it''s',
          changed datetime DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
          PRIMARY KEY (y, id), KEY (id), UNIQUE KEY two (z, x), UNIQUE KEY part (z(3)), KEY back (x DESC),
          FULLTEXT KEY words (note), CONSTRAINT up FOREIGN KEY (y, x) REFERENCES parent (y, x) ON DELETE CASCADE,
          CONSTRAINT positive CHECK (x > 0 AND z <> 'it''s')
        ) CHARACTER SET utf8mb4 COMMENT 'of all kinds'"""
    )
    table = found(url, "things")
    assert (table.key, table.comment, table.kind) == (("y", "id"), "of all kinds", "table")
    assert table.unique == (UniqueKey(("z", "x"), "two"),)
    assert [index.name for index in table.indexes if index.name != "back"] == ["id"]
    assert table.foreign_keys == (ForeignKey(("y", "x"), ObjectName(None, "parent"), ("y", "x"), "cascade", "up"),)
    assert [check.name for check in table.checks] == ["positive"]
    columns = {column.name: column for column in table.columns}
    assert [c.name for c in table.columns if c.identity] == ["id"]
    assert [c.name for c in table.columns if c.generated] == ["double_x"]
    assert [c.name for c in table.columns if not c.nullable] == ["id", "y"]
    assert [c.name for c in table.columns if c.required] == ["y"]
    assert [c.name for c in table.columns if c.default] == ["x", "changed"]
    assert columns["note"].comment == "it's"
    assert columns["z"].collation == "latin1_swedish_ci"


def test_a_column_that_is_changed_keeps_what_it_was(live: Live, url: str) -> None:
    live.script(
        """CREATE TABLE kept (
          id int PRIMARY KEY, a varchar(5) CHARACTER SET latin1 DEFAULT 'it''s', b mediumtext DEFAULT ('x'),
          c datetime(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), d varbinary(4) DEFAULT 'ab', e int DEFAULT 5
        ) CHARACTER SET utf8mb4"""
    )
    before = {row["column_name"]: row for row in live.about("columns", "kept")}
    for column in found(url, "kept").columns[1:]:
        live.make(SetComment(ObjectName(None, "kept"), column.name, "new", replace(column, comment="new")))
    after = {row["column_name"]: row for row in live.about("columns", "kept")}
    for name in "abcde":
        assert after[name]["column_comment"] == "new"
        for part in ("column_type", "column_default", "extra", "collation_name", "is_nullable"):
            assert after[name][part] == before[name][part], (name, part)


def test_namespaces_are_the_beginning_of_a_name(live: Live, url: str) -> None:
    live.script("CREATE TABLE sales__orders (id int PRIMARY KEY)")
    name = ObjectName("sales", "orders")
    catalog = discovered(url, [name, ObjectName(None, "nothing")])
    assert [table.name for table in catalog.tables] == [name]

    async def listed(dialect: Any, session: Session) -> list[ObjectName]:
        return [*await table_names(session, "sales"), *await table_names(session, "other")]

    assert with_session(url, listed) == [ObjectName(None, "sales__orders")]


def test_kinds_of_tables(live: Live, url: str) -> None:
    live.script(
        """CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2;
        CREATE VIEW seen AS SELECT * FROM parts;
        CREATE TABLE old (id int PRIMARY KEY) ENGINE=MyISAM"""
    )
    assert [found(url, name).kind for name in ("parts", "seen", "old")] == [
        "partitioned table",
        "view",
        "table without transactions",
    ]
    with pytest.raises(MigrationError, match="without transactions") as caught:
        arrowsync.sync_table(pa.table({"id": [1]}), "old", url)
    assert "InnoDB" in (caught.value.hint or "")
    assert arrowsync.sync_table(pa.table({"id": [1]}), "parts", url).inserted == 1
    assert live.query("SELECT COUNT(*) AS n FROM old") == [{"n": 0}]


def test_json_of_mariadb_is_json(live: Live, url: str) -> None:
    live.script("CREATE TABLE docs (id int, doc json, text longtext, CONSTRAINT c CHECK (json_valid(text)))")
    table = found(url, "docs")
    assert [column.type.name for column in table.columns] == ["int", "json", "longtext"]
    assert [check.name for check in table.checks] == ["c"]


def test_what_changes_a_live_column_keeps_its_rows(live: Live, url: str) -> None:
    spec = TableSpec("wide", (ColumnSpec("id", pa.int64()), ColumnSpec("x", pa.int16(), nullable=True)), key=("id",))
    live.create(spec)
    live.query("INSERT INTO wide VALUES (1, 5)")
    there = found(url, "wide")
    column = there.columns[1]
    live.make(AlterType(there.name, replace(column, type=SqlType("bigint")), column.type))
    assert found(url, "wide").columns[1].type == SqlType("bigint")
    assert live.query("SELECT x FROM wide") == [{"x": 5}]
    assert collation_of(live)


PAIRS = [
    ("int", "bigint", True),
    ("bigint", "int", False),
    ("int unsigned", "bigint", True),
    ("int unsigned", "int", False),
    ("boolean", "tinyint", True),
    ("tinyint", "boolean", False),
    ("smallint", "float", True),
    ("int", "float", False),
    ("int", "double", True),
    ("bigint", "double", False),
    ("bigint", "decimal(19,0)", True),
    ("bigint", "decimal(19,1)", False),
    ("float", "double", True),
    ("decimal(10,2)", "decimal(12,3)", True),
    ("decimal(10,2)", "decimal(10,3)", False),
    ("datetime(3)", "datetime(6)", True),
    ("datetime(6)", "datetime(3)", False),
    ("varchar(10)", "varchar(20)", True),
    ("varchar(20)", "varchar(10)", False),
    ("varchar(10)", "mediumtext", True),
    ("varchar(100)", "tinytext", False),
    ("text", "mediumtext", True),
    ("mediumtext", "text", False),
    ("mediumtext", "varchar(100)", False),
    ("varbinary(4)", "longblob", True),
    ("blob", "mediumtext", False),
    ("enum('a')", "enum('a','b')", True),
    ("enum('a','b')", "enum('b','a')", False),
    ("enum('a','bc')", "varchar(2)", True),
    ("enum('a','bc')", "varchar(1)", False),
    ("varchar(2)", "enum('a')", False),
    ("uuid", "varchar(36)", False),
    ("date", "datetime(6)", False),
]


@pytest.mark.parametrize(("old", "new", "holds"), PAIRS)
def test_which_types_hold_all_values_of_another(old: str, new: str, holds: bool) -> None:
    from arrowsync.dialects.mysql.types import from_text, is_widening

    def typed(text: str) -> SqlType:
        return SqlType("boolean") if text == "boolean" else from_text(text)

    assert is_widening(typed(old), typed(new)) is holds
    assert is_widening(typed(old), typed(old))
