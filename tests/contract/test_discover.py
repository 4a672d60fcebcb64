"""`discover`: the tables of a live database as objects, which become dataclasses again."""

from __future__ import annotations

import asyncio
import enum
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any
from uuid import UUID

import pyarrow as pa
import pytest

import arrowsync
from arrowsync import Index, MaxLength, Precision, PrimaryKey, Unique, aio
from arrowsync.catalog import Catalog, ObjectName
from arrowsync.errors import MigrationError


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "it's large"


@dataclass
class Place:
    """Where it is.

    :param town: Or a village.
    """

    town: str | None
    spot: list[float | None] | None


@dataclass
class Maker:
    """Who makes things."""

    code: PrimaryKey[Annotated[str, MaxLength(8)]]
    name: Unique[Annotated[str, MaxLength(20)]]
    place: Place | None
    sizes: list[Size | None] | None


@dataclass
class Thing:
    id: PrimaryKey[UUID]
    maker: Maker
    price: Annotated[Decimal, Precision(9, 2)]
    size: Size | None
    grid: list[list[int | None] | None] | None
    made: Annotated[datetime | None, Index()]


def dialect_of(url: str) -> str:
    return url.partition(":")[0]


def has_prefixes(url: str) -> bool:
    """Whether namespaces are the beginnings of names there."""
    return dialect_of(url) in ("mysql", "mariadb", "sqlite")


@pytest.fixture
def module_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """What makes text into a module."""

    def run(source: str) -> Any:
        module = ModuleType("discovered")
        monkeypatch.setitem(sys.modules, "discovered", module)
        exec(compile(source, "discovered.py", "exec"), module.__dict__)
        return module

    return run


def test_what_was_formed_is_discovered_and_declared_again(database_url: str, module_of: Callable[[str], Any]) -> None:
    with arrowsync.connect(database_url) as conn:
        arrowsync.migrate([Thing, Maker], conn)
        catalog = arrowsync.discover(conn)
        assert [str(table.name) for table in catalog.tables] == ["Maker", "Thing"]
        maker, thing = catalog.tables
        assert (maker.key, maker.unique[0].columns) == (("code",), ("name",))
        assert [(key.columns, str(key.target)) for key in thing.foreign_keys] == [(("maker",), "Maker")]
        assert 'CREATE TABLE "Thing"' in str(catalog)
        again = module_of(arrowsync.to_source(catalog, dialect_of(database_url)))
        tables: list[Any] = [again.Maker, again.Thing]
        assert arrowsync.plan(tables, conn).steps == ()
        if dialect_of(database_url) == "sqlite":  # which has four types, and finds those of a declaration in no table
            return
        lists: Any = pa.json_() if has_prefixes(database_url) else None  # MySQL and MariaDB have JSON
        expected = arrowsync.read_table(Thing, conn).schema
        grid: Any = expected.field("grid").with_type(lists or expected.field("grid").type)
        assert arrowsync.read_table(again.Thing, conn).schema == expected.set(4, grid)
        sizes = arrowsync.read_table("Maker", conn).schema.field("sizes").type
        assert sizes == (lists or pa.list_(pa.dictionary(pa.int32(), pa.string())))


def test_a_namespace_is_discovered_by_its_name(database_url: str) -> None:
    prefixes = has_prefixes(database_url)
    with arrowsync.connect(database_url) as conn:
        if prefixes:
            conn.execute("CREATE TABLE `my shop__b` (x int); CREATE TABLE `my shop__a` (y int)")  # SQLite takes ` too
            conn.execute("CREATE TABLE b (z int); CREATE TABLE `my shopping__c` (x int)")
        else:
            conn.execute('CREATE SCHEMA "my shop"; CREATE TABLE "my shop".b (x int); CREATE TABLE "my shop".a (y int)')
            conn.execute("CREATE TABLE b (z int); CREATE SCHEMA bare")
        found = arrowsync.discover(conn, "my shop")
        names = [ObjectName(None, f"my shop__{n}") if prefixes else ObjectName("my shop", n) for n in ("a", "b")]
        assert [table.name for table in found.tables] == names
        assert [column.name for column in found.tables[1].columns] == ["x"]
        with pytest.raises(MigrationError, match="there is no namespace 'elsewhere'"):
            arrowsync.discover(conn, "elsewhere")
        with pytest.raises(MigrationError, match="there is no namespace 'm_ shop'"):
            arrowsync.discover(conn, "m_ shop")
        if prefixes:  # a namespace is no more than the beginning of the names
            assert (found.namespaces, len(arrowsync.discover(conn).tables)) == ((), 4)
            return
        assert found.namespaces == ("my shop",)
        assert [table.name for table in arrowsync.discover(conn).tables] == [ObjectName(None, "b")]
        assert arrowsync.discover(conn, "bare") == Catalog(namespaces=("bare",))


def test_what_was_declared_in_a_namespace_is_discovered_there(
    database_url: str, module_of: Callable[[str], Any]
) -> None:
    schema = pa.schema({"id": pa.int64(), "name": pa.string()}).with_metadata({"name": "canvas.accounts"})
    with arrowsync.connect(database_url) as conn:
        arrowsync.sync_table(pa.table({"id": [1], "name": ["a"]}), schema, conn)
        catalog = arrowsync.discover(conn, "canvas")
        (found,) = catalog.tables
        assert str(found.name) == ("canvas__accounts" if has_prefixes(database_url) else "canvas.accounts")
        assert arrowsync.plan(schema, conn).steps == ()
        again = module_of(arrowsync.to_source(catalog, dialect_of(database_url)))
        assert arrowsync.plan(again, conn).steps == ()


def test_an_empty_database_is_an_empty_catalog(database_url: str) -> None:
    assert arrowsync.discover(database_url) == Catalog()
    assert asyncio.run(aio.discover(database_url)) == Catalog()


def test_views_and_temporary_tables_are_left_out(database_url: str) -> None:
    with arrowsync.connect(database_url) as conn:
        conn.execute("CREATE TABLE t (x int); CREATE VIEW v AS SELECT x FROM t; CREATE TEMPORARY TABLE passing (x int)")
        assert [str(table.name) for table in arrowsync.discover(conn).tables] == ["t"]


@pytest.mark.parametrize("server", ["postgres_url", "postgres18_url"])
def test_of_postgresql_no_partitions_and_nothing_of_extensions(server: str, request: pytest.FixtureRequest) -> None:
    with arrowsync.connect(request.getfixturevalue(server)) as conn:
        conn.execute("""
            CREATE TABLE parts (x int PRIMARY KEY) PARTITION BY RANGE (x);
            CREATE TABLE part PARTITION OF parts FOR VALUES FROM (1) TO (9);
            CREATE TABLE of_citext (x int); CREATE EXTENSION citext; ALTER EXTENSION citext ADD TABLE of_citext;
            CREATE SCHEMA types; CREATE TYPE types.mood AS ENUM ('ok'); CREATE TYPE types.pair AS (a int, m types.mood)
        """)
        assert [(str(t.name), t.kind) for t in arrowsync.discover(conn).tables] == [("parts", "partitioned table")]
        types = arrowsync.discover(conn, "types")
        assert (types.tables, [str(e.name) for e in types.enums]) == ((), ["types.mood"])
        assert [(str(s.name), [m.name for m in s.members]) for s in types.structs] == [("types.pair", ["a", "m"])]


LIVE = """
CREATE DOMAIN price AS numeric(10, 2); CREATE DOMAIN matrix AS int[][]; CREATE TYPE mood AS ENUM ('ok');
CREATE TYPE pair AS (a int, words text[][]);
CREATE TABLE live (id int PRIMARY KEY, grid text[][], prices price[], m matrix, p pair, ps pair[], moods mood[])
"""


@pytest.mark.parametrize("server", ["postgres_url", "postgres18_url"])
def test_arrays_composites_and_domains_of_a_live_table(
    server: str, request: pytest.FixtureRequest, module_of: Callable[[str], Any]
) -> None:
    with arrowsync.connect(request.getfixturevalue(server)) as conn:
        conn.execute(LIVE)
        source = arrowsync.to_source(arrowsync.discover(conn), "postgresql")
        assert arrowsync.plan(module_of(source).live, conn).steps == ()
    for line in ("grid: list[list[str | None] | None] | None", "m: list[list[int32 | None] | None] | None"):
        assert line in source
    assert "prices: list[Annotated[Decimal | None, Precision(10, 2)]] | None" in source
    assert "ps: list[pair | None] | None" in source
    assert "words: list[list[str | None] | None] | None" in source


def test_a_type_that_no_declaration_has_is_text_beneath_a_comment(postgres_url: str) -> None:
    with arrowsync.connect(postgres_url) as conn:
        conn.execute("CREATE TYPE mood AS ENUM ('', 'it'); CREATE TABLE t (id int, paid money, m mood)")
        catalog = arrowsync.discover(conn)
    assert [str(column.type) for column in catalog.tables[0].columns] == ["integer", "money", "mood"]
    assert arrowsync.to_source(catalog).endswith(
        """    id: int32 | None
    # money in the database; this declares text
    paid: str | None
    # mood in the database; this declares text
    m: str | None
"""
    )


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, "-m", "arrowsync.cli", "discover", *arguments]
    return subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)


def test_the_command_prints_dataclasses(database_url: str, tmp_path: Path) -> None:
    with arrowsync.connect(database_url) as conn:
        arrowsync.migrate([Maker, Thing], conn)
        if has_prefixes(database_url):
            conn.execute("CREATE TABLE side__t (x int)")
        else:
            conn.execute("CREATE SCHEMA side; CREATE TABLE side.t (x int)")
        expected = arrowsync.to_source(arrowsync.discover(conn))
    done = command(tmp_path, database_url)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", expected)
    side = command(tmp_path, database_url, "--namespace", "side")
    assert "x: int" in side.stdout
    assert "Maker" not in side.stdout
    missing = command(tmp_path, database_url, "--namespace", "nowhere")
    assert (missing.returncode, missing.stdout) == (5, "")
    assert "there is no namespace 'nowhere'" in missing.stderr
