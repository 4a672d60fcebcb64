"""Discovery and DDL on PostgreSQL: what is created is found again as it was declared, and every change does what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from arrowsync.catalog import (
    Catalog,
    Column,
    EnumType,
    ForeignKey,
    Index,
    ObjectName,
    SqlType,
    StructMember,
    StructType,
    Table,
)
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.dialects import open_session
from arrowsync.dialects.contract import Session
from arrowsync.dialects.postgres import DIALECT
from arrowsync.errors import DatabaseError, DeclarationError, UnsupportedChange
from arrowsync.generate.catalog import target_catalog
from arrowsync.migration.changes import AddEnumLabels, AlterType, Change, SetKey, apply
from arrowsync.migration.diff import diff
from arrowsync.sql import Identifier, Literal, sql, trusted

ENUM = pa.dictionary(pa.int32(), pa.string())
NASTY = "a\"b'c\\d\n; DROP TABLE t; -- {x} %s $1 😀"

EVERYTHING = TableSpec(
    name=NASTY,
    namespace=NASTY + " ns",
    key=("id", NASTY),
    unique=(("u",), ("u", "c")),
    comment=NASTY,
    columns=(
        ColumnSpec("id", pa.int64(), identity=True),
        ColumnSpec(NASTY, pa.string(), max_length=9, comment=NASTY),
        ColumnSpec("u", pa.uuid(), default=UUID(int=7)),
        ColumnSpec("c", ENUM, labels=(NASTY, "b"), enum_name='it\'s an "enum"', default=NASTY),
        ColumnSpec("lit", ENUM, nullable=True, labels=("x", "y")),
        ColumnSpec("b", pa.bool_(), default=True),
        ColumnSpec("i", pa.int32(), default=-5),
        ColumnSpec("f", pa.float64(), default=float("-inf")),
        ColumnSpec("n", pa.decimal128(12, 3), default=Decimal("-1.500")),
        ColumnSpec("s", pa.string(), default=NASTY),
        ColumnSpec("y", pa.binary(), default=b"\x00'\\\xff"),
        ColumnSpec("d", pa.date32(), default=date(1, 2, 3)),
        ColumnSpec("t", pa.time64("us"), default=time(1, 2, 3, 4)),
        ColumnSpec("ts", pa.timestamp("us"), default=datetime(2024, 2, 29, 1, 2, 3, 4)),
        ColumnSpec("tz", pa.timestamp("ms", "UTC"), default=datetime(2024, 2, 29, tzinfo=UTC)),
        ColumnSpec("td", pa.duration("us"), default=timedelta(days=-3, microseconds=1)),
        ColumnSpec("j", pa.json_(), default='{"a": "it\'s \\\\"}'),
        ColumnSpec("nothing", pa.string(), nullable=True, default=None),
        *(ColumnSpec(str(t), t, nullable=True) for t in (pa.int8(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())),
    ),
)


def using(url: str, act: Callable[[Session], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        session = await open_session(url)
        try:
            return await act(session)
        finally:
            await session.close()

    return asyncio.run(run())


async def target_of(session: Session, *specs: TableSpec) -> Catalog:
    return target_catalog(specs, lambda column, table: DIALECT.language.to_column(column, table, session.server))


async def make(session: Session, changes: Sequence[Change]) -> None:
    async with session.transaction():
        for change in changes:
            for statement in DIALECT.language.render(change):
                await session.execute(statement)


@pytest.mark.parametrize("namespace", [None, "public", EVERYTHING.namespace])
def test_what_is_created_is_found_again(postgres_url: str, namespace: str | None) -> None:
    async def run(session: Session) -> None:
        spec = replace(EVERYTHING, namespace=namespace)
        target = await target_of(session, spec)
        names = [target.tables[0].name, ObjectName(namespace, "no such table")]
        empty = await DIALECT.catalog.discover(session, names)
        assert (empty.tables, empty.enums) == ((), ())
        assert empty.namespaces == (("public",) if namespace == "public" else ())
        await make(session, diff(empty, target))
        found = await DIALECT.catalog.discover(session, names)
        assert diff(found, target) == []
        (live,), (wanted,) = found.tables, target.tables
        assert [replace(c, default=None) for c in live.columns] == [replace(c, default=None) for c in wanted.columns]
        assert replace(live, columns=()) == replace(wanted, columns=())
        assert set(found.enums) == set(target.enums)
        await session.execute(
            sql("INSERT INTO {t} ({n}) VALUES ({v})", t=live.name.identifier, n=Identifier(NASTY), v=Literal("'\\\"😀"))
        )
        columns = [column for column in live.columns if column.default is not None]
        select = sql("SELECT {c} FROM {t}", c=_names(columns), t=live.name.identifier)
        async with session.stream(select, columns) as batches:
            (row,) = [row for batch in [b async for b in batches.batches] for row in batch.to_pylist()]
        declared = {c.name: c.default for c in spec.columns if c.has_default and c.default is not None}
        assert row == declared

    using(postgres_url, run)


def _names(columns: Sequence[Column]) -> Any:
    from arrowsync.dialects.merge_sql import names

    return names([column.name for column in columns])


LIVE = """
CREATE EXTENSION IF NOT EXISTS citext;
CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('sad', 'ok');
ALTER TYPE app.mood ADD VALUE 'meh' BEFORE 'ok';
CREATE TYPE lonely AS ENUM ('x');
CREATE TYPE empty AS ENUM ();
CREATE DOMAIN app.price AS numeric(10, 2) NOT NULL CHECK (value >= 0);
CREATE DOMAIN app.cost AS app.price;
CREATE TYPE pair AS (x int, y int);
CREATE TABLE live (
  gone int, a int2, b integer NOT NULL, c bigserial, d float4, e float8, f numeric, g numeric(5), h numeric(5, 2),
  i numeric(5, -2), j text, k varchar, l varchar(7), m char, n char(3), o bpchar, p citext, q name, r bytea, s date,
  t time, u time(3), v timestamp, w timestamp(0), x timestamptz(6), y timestamptz, z interval, aa interval(2),
  ab interval day to second, ac uuid, ad json, ae jsonb, af inet, ag cidr, ah boolean, ai app.mood, aj app.mood[],
  ak int[][], al varchar(5)[], am app.cost, an pair, ao money, ap bit(3), aq xml, ar timetz, as_ "char",
  at_ int GENERATED ALWAYS AS (b * 2) STORED, au int GENERATED ALWAYS AS IDENTITY, av int DEFAULT -1,
  aw text COLLATE "C" DEFAULT 'it''s',
  PRIMARY KEY (c, b), UNIQUE (j), UNIQUE (l, a)
);
ALTER TABLE live DROP COLUMN gone;
CREATE UNIQUE INDEX ON live (a) INCLUDE (b);
CREATE UNIQUE INDEX ON live (d) WHERE d > 0;
CREATE UNIQUE INDEX ON live (lower(j));
CREATE INDEX ON live (e);
COMMENT ON TABLE live IS 'lives';
COMMENT ON COLUMN live.b IS 'bee';
COMMENT ON TYPE pair IS 'two';
COMMENT ON COLUMN pair.x IS 'ex';
CREATE VIEW a_view AS SELECT b, ai FROM live;
CREATE MATERIALIZED VIEW mat AS SELECT 1 AS x;
CREATE TABLE parts (x int PRIMARY KEY) PARTITION BY RANGE (x);
CREATE TABLE no_columns ();
CREATE SEQUENCE seq;
"""


def test_live_types_are_canonical(postgres_url: str) -> None:
    async def run(session: Session) -> Catalog:
        await session.execute(trusted(LIVE))
        names = ["live", "a_view", "mat", "parts", "no_columns", "seq", "live_pkey", "mood"]
        return await DIALECT.catalog.discover(session, [ObjectName(None, name) for name in names])

    found = using(postgres_url, run)
    live = found.table(ObjectName(None, "live"))
    assert live is not None
    mood = SqlType("mood", labels=("sad", "meh", "ok"), namespace="app")
    expected = {
        "a": "smallint", "b": "integer", "c": "bigint", "d": "real", "e": "double precision", "f": "numeric",
        "g": "numeric(5, 0)", "h": "numeric(5, 2)", "i": "numeric(5, -2)", "j": "text", "k": "text", "l": "varchar(7)",
        "m": "char(1)", "n": "char(3)", "o": "char", "p": "citext", "q": "name", "r": "bytea", "s": "date", "t": "time",
        "u": "time(3)", "v": "timestamp", "w": "timestamp(0)", "x": "timestamptz", "y": "timestamptz", "z": "interval",
        "aa": "interval(2)", "ab": "interval day to second", "ac": "uuid", "ad": "json", "ae": "jsonb", "af": "inet",
        "ag": "cidr", "ah": "boolean", "ai": "mood", "aj": "mood[]", "ak": "integer[]", "al": "varchar(5)[]",
        "am": "numeric(10, 2)", "an": "pair", "ao": "money", "ap": "bit(3)", "aq": "xml", "ar": "time with time zone",
        "as_": '"char"', "at_": "integer", "au": "integer", "av": "integer", "aw": "text",
    }  # fmt: skip
    assert {column.name: str(column.type) for column in live.columns} == expected
    by_name = {column.name: column for column in live.columns}
    assert by_name["ai"].type == mood
    assert [c.name for c in live.columns if not c.nullable] == ["b", "c", "am", "au"]
    assert [c.name for c in live.columns if c.identity] == ["au"]
    assert [c.name for c in live.columns if c.generated] == ["at_"]
    assert [c.name for c in live.columns if c.default is not None] == ["c", "av", "aw"]
    assert (live.key, [(key.columns, key.name) for key in live.unique]) == (
        ("c", "b"),
        [(("j",), "live_j_key"), (("l", "a"), "live_l_a_key"), (("a",), "live_a_b_idx")],
    )
    assert live.indexes == (Index((trusted("lower(j)"),), "live_lower_idx", unique=True), Index(("e",), "live_e_idx"))
    assert (live.comment, by_name["b"].comment, by_name["a"].comment) == ("lives", "bee", None)
    kinds = {table.name.name: (table.kind, len(table.columns)) for table in found.tables if table != live}
    assert kinds == {
        "a_view": ("view", 2),
        "mat": ("view", 1),
        "parts": ("partitioned table", 1),
        "no_columns": ("table", 0),
    }
    assert set(found.enums) == {
        EnumType(ObjectName("app", "mood"), ("sad", "meh", "ok")),
        EnumType(ObjectName(None, "lonely"), ("x",)),
        EnumType(ObjectName(None, "empty"), ()),
    }
    x, y = SqlType("integer"), SqlType("integer")
    assert by_name["an"].type == SqlType("pair", members=(("x", x), ("y", y)))
    assert found.structs == (
        StructType(ObjectName(None, "pair"), (StructMember("x", x, "ex"), StructMember("y", y)), "two"),
    )


def test_live_columns_have_declared_types_or_are_text(postgres_url: str) -> None:
    async def run(session: Session) -> Table:
        await session.execute(trusted(LIVE))
        return (await DIALECT.catalog.discover(session, [ObjectName(None, "live")])).tables[0]

    columns = using(postgres_url, run).columns
    specs = {column.name: DIALECT.language.to_spec(column) for column in columns}
    as_text = [specs[name].type for name in ("f", "i", "ab", "ao", "ap", "aq", "ar", "as_")]
    assert {str(kind.value_type if pa.types.is_list(kind) else kind) for kind in as_text} == {"string"}
    assert (specs["l"].type, specs["l"].max_length, specs["n"].max_length, specs["k"].max_length) == (
        pa.string(),
        7,
        3,
        None,
    )
    assert (specs["w"].type, specs["x"].type) == (pa.timestamp("s"), pa.timestamp("us", "UTC"))
    assert (specs["ai"].type, specs["ai"].labels) == (ENUM, ("sad", "meh", "ok"))
    assert specs["am"].type == pa.decimal128(10, 2)
    assert [specs[name].type for name in ("aj", "ak", "al")] == [
        pa.list_(t) for t in (ENUM, pa.list_(pa.int32()), pa.string())
    ]
    moods, short = specs["aj"].element, specs["al"].element
    assert moods is not None
    assert short is not None
    assert (moods.labels, moods.enum_name, short.max_length) == (("sad", "meh", "ok"), "mood", 5)
    assert specs["an"].type == pa.struct([("x", pa.int32()), ("y", pa.int32())])
    assert specs["an"].struct is not None
    assert specs["an"].struct.name == "pair"
    assert [name for name, spec in specs.items() if not spec.nullable] == ["b", "c", "am", "au"]


CONSTRAINED = """
CREATE SCHEMA other;
CREATE TYPE other.mood AS ENUM ('ok');
COMMENT ON TYPE other.mood IS 'how';
CREATE TYPE other.deep AS (m other.mood, d numeric(5, 2)[]);
CREATE DOMAIN deeper AS other.deep;
CREATE TYPE zz AS (deep deeper, more other.deep[]);
CREATE TYPE aa AS (z zz);
CREATE TABLE other.target (a int, b int, "c c" text, PRIMARY KEY (b, a), UNIQUE ("c c"));
CREATE TABLE source (
  id int PRIMARY KEY, x int CONSTRAINT positive CHECK (x > 0), y int, z text REFERENCES other.target ("c c") ON DELETE SET NULL,
  self int REFERENCES source ON DELETE CASCADE, aa aa, a_row other.target, a_domain_array deeper[],
  CONSTRAINT "both" FOREIGN KEY (x, y) REFERENCES other.target (a, b) ON DELETE SET DEFAULT,
  CHECK (x < y AND z <> 'it''s {x}'), EXCLUDE (x WITH =)
);
CREATE INDEX plain ON source (y, x);
CREATE INDEX mixed ON source (lower(z), x, (x + y));
CREATE INDEX collated ON source (z COLLATE "C");
CREATE INDEX collated_too ON source (lower(z) COLLATE "C");
CREATE UNIQUE INDEX partial ON source (x) WHERE x > 0;
CREATE INDEX backwards ON source (x DESC);
CREATE INDEX hashed ON source USING hash (x);
CREATE INDEX patterns ON source (z text_pattern_ops);
CREATE INDEX "includes" ON source (x) INCLUDE (y);
CREATE TABLE parted (x int REFERENCES source, y int) PARTITION BY RANGE (y);
CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (9);
CREATE TABLE ref (x int, y int, PRIMARY KEY (x, y)) PARTITION BY RANGE (y);
CREATE TABLE ref_part PARTITION OF ref FOR VALUES FROM (0) TO (9);
CREATE TABLE refers (x int, y int, FOREIGN KEY (x, y) REFERENCES ref);
"""


@pytest.mark.parametrize("server", ["postgres_url", "postgres18_url"])
def test_constraints_indexes_and_structs_are_found(request: pytest.FixtureRequest, server: str) -> None:
    async def run(session: Session) -> Catalog:
        await session.execute(trusted(CONSTRAINED))
        names = [ObjectName(None, name) for name in ("source", "parted", "part", "refers")]
        return await DIALECT.catalog.discover(session, names)

    found = using(request.getfixturevalue(server), run)
    source, parted, part, refers = found.tables
    target = ObjectName("other", "target")
    assert [(key, key.name) for key in source.foreign_keys] == [
        (ForeignKey(("z",), target, ("c c",), "set null"), "source_z_fkey"),
        (ForeignKey(("self",), source.name, ("id",), "cascade"), "source_self_fkey"),
        (ForeignKey(("x", "y"), target, ("a", "b"), "set default"), "both"),
    ]
    assert [(check.name, check.condition.parts[0]) for check in source.checks] == [
        ("positive", "(x > 0)"),
        ("source_check", "((x < y) AND (z <> 'it''s {x}'::text))"),
    ]
    assert source.indexes == (
        Index(("y", "x"), "plain"),
        Index((trusted("lower(z)"), "x", trusted("(x + y)")), "mixed"),
    )
    assert source.unique == ()
    assert [key.target.name for key in (*parted.foreign_keys, *part.foreign_keys)] == ["source", "source"]
    assert [key.columns for key in refers.foreign_keys] == [("x", "y")]
    mood = SqlType("mood", labels=("ok",), namespace="other")
    numbers = SqlType("array", element=SqlType("numeric", (5, 2)))
    deep = SqlType("deep", namespace="other", members=(("m", mood), ("d", numbers)))
    zz = SqlType("zz", members=(("deep", deep), ("more", SqlType("array", element=deep))))
    by_name = {column.name: column.type for column in source.columns}
    assert by_name["aa"] == SqlType("aa", members=(("z", zz),))
    assert str(by_name["a_row"]) == "other.target"
    assert by_name["a_domain_array"] == SqlType("array", element=deep)
    # Those that others are made of come first, so that they can be created in this order.
    assert [(struct.name.namespace, struct.name.name) for struct in found.structs] == [
        ("other", "deep"),
        (None, "zz"),
        (None, "aa"),
    ]
    assert found.enums == (EnumType(ObjectName("other", "mood"), ("ok",), "how"),)


ROWS = "INSERT INTO t (id, old) VALUES (1, {value}), (2, NULL)"


@pytest.mark.parametrize(
    ("old", "value", "new", "after"),
    [
        ("integer", "7", SqlType("bigint"), "7"),
        ("integer", "7", SqlType("numeric", (12, 2)), "7.00"),
        ("integer", "7", SqlType("double precision"), "7"),
        ("numeric(5,2)", "1.25", SqlType("numeric", (9, 3)), "1.250"),
        ("varchar(3)", "'abc'", SqlType("text"), "abc"),
        ("varchar(3)", "'abc'", SqlType("varchar", (9,)), "abc"),
        ("char(5)", "'ab'", SqlType("varchar", (9,)), "ab"),
        ("text", "'abc'", SqlType("varchar", (3,)), "abc"),
        ("text", "'7'", SqlType("integer"), "7"),
        ("text", "'b'", SqlType("colour", labels=("a", "b")), "b"),
        ("colour", "'b'", SqlType("text"), "b"),
        ("colour", "'b'", SqlType("other", labels=("b", "c")), "b"),
        ("text", "'2024-02-29'", SqlType("date"), "2024-02-29"),
        ("timestamp", "'2024-01-01 10:00'", SqlType("timestamptz"), "2024-01-01 10:00:00+00"),
        ("timestamptz", "'2024-01-01 10:00+00'", SqlType("timestamp"), "2024-01-01 10:00:00"),
        ("date", "'2024-01-01'", SqlType("timestamptz"), "2024-01-01 00:00:00+00"),
        ("timestamptz", "'2024-01-01 23:00+00'", SqlType("date"), "2024-01-01"),
        ("boolean", "true", SqlType("integer"), "1"),
        ("jsonb", "'[1]'", SqlType("json"), "[1]"),
        ("integer[]", "'{1,NULL}'", SqlType("array", element=SqlType("bigint")), "{1,NULL}"),
        ("text[]", "'{a,b}'", SqlType("array", element=SqlType("colour", labels=("a", "b"))), "{a,b}"),
        ("colour[]", "'{b}'", SqlType("array", element=SqlType("other", labels=("b", "c"))), "{b}"),
        ("colour[]", "'{b}'", SqlType("array", element=SqlType("text")), "{b}"),
        ("varchar(3)[]", "'{abc}'", SqlType("array", element=SqlType("varchar", (4,))), "{abc}"),
    ],
)
def test_types_are_changed_with_the_values_kept(
    postgres_url: str, old: str, value: str, new: SqlType, after: str
) -> None:
    """In whatever time zone the session is: the test server is in India."""

    async def run(session: Session) -> None:
        await session.execute(trusted("CREATE TYPE colour AS ENUM ('a', 'b'); CREATE TYPE other AS ENUM ('b', 'c')"))
        await session.execute(trusted(f"CREATE TABLE t (id int PRIMARY KEY, old {old} NOT NULL DEFAULT {value})"))
        await session.execute(trusted("INSERT INTO t VALUES (1)"))
        await session.execute(
            trusted("ALTER TABLE t ALTER old DROP DEFAULT, ALTER old DROP NOT NULL; INSERT INTO t VALUES (2)")
        )
        name = ObjectName(None, "t")
        before = await DIALECT.catalog.discover(session, [name])
        column = before.tables[0].columns[1]
        change = AlterType(name, replace(column, type=new), column.type)
        await make(session, [change])
        found = await DIALECT.catalog.discover(session, [name])
        assert found.tables == apply(change, before).tables
        await session.execute(trusted("SET timezone = 'UTC'"))
        rows = (await session.fetch(trusted("SELECT old::text AS x FROM t ORDER BY id"))).to_pylist()
        assert [row["x"] for row in rows] == [after, None]

    using(postgres_url, run)


@pytest.mark.parametrize(
    ("old", "value", "new"),
    [
        ("text", "'abcd'", SqlType("varchar", (3,))),
        ("integer", "12345", SqlType("varchar", (2,))),
        ("bigint", "5000000000", SqlType("integer")),
        ("numeric(10,2)", "12345.67", SqlType("numeric", (4, 2))),
        ("text", "'x'", SqlType("integer")),
        ("text", "'q'", SqlType("colour", labels=("a", "b"))),
        ("integer", "7", SqlType("boolean")),
        ("text", "'2020-02-29 10:00:00+02'", SqlType("timestamp")),
        ("text[]", "'{abcd}'", SqlType("array", element=SqlType("varchar", (3,)))),
        ("text[]", "'{q}'", SqlType("array", element=SqlType("colour", labels=("a", "b")))),
        ("pair", "'(1,2)'::pair", SqlType("triple", members=(("x", SqlType("integer")),))),
    ],
)
def test_a_change_that_would_lose_values_is_refused_by_the_server(
    postgres_url: str, old: str, value: str, new: SqlType
) -> None:
    async def run(session: Session) -> None:
        await session.execute(
            trusted(
                "CREATE TYPE colour AS ENUM ('a', 'b'); CREATE TYPE pair AS (x int, y int); CREATE TYPE triple AS (x int)"
            )
        )
        await session.execute(trusted(f"CREATE TABLE t (old {old}); INSERT INTO t VALUES ({value})"))
        name = ObjectName(None, "t")
        before = await DIALECT.catalog.discover(session, [name])
        column = before.tables[0].columns[0]
        with pytest.raises(DatabaseError):
            await make(session, [AlterType(name, replace(column, type=new), column.type)])
        assert (await DIALECT.catalog.discover(session, [name])) == before
        (row,) = (await session.fetch(trusted(f"SELECT old = {value} AS same FROM t"))).to_pylist()
        assert row["same"]

    using(postgres_url, run)


def test_times_in_an_array_are_not_moved_to_another_zone() -> None:
    """The server would go by the session's time zone, and takes no words on it for the elements of an array."""
    old, new = (SqlType("array", element=SqlType(name)) for name in ("timestamp", "timestamptz"))
    with pytest.raises(UnsupportedChange, match="time zone"):
        DIALECT.language.render(AlterType(ObjectName(None, "t"), Column("c", new), old))


def test_arrays_and_structs_are_wider_where_what_is_in_them_is() -> None:
    def array(name: str, *args: int) -> SqlType:
        return SqlType("array", element=SqlType(name, args))

    struct = SqlType("s", members=(("x", SqlType("integer")),))
    assert DIALECT.language.is_widening(array("integer"), array("bigint"))
    assert DIALECT.language.is_widening(array("varchar", 3), array("varchar", 4))
    assert not DIALECT.language.is_widening(array("bigint"), array("integer"))
    assert not DIALECT.language.is_widening(array("integer"), SqlType("bigint"))
    assert not DIALECT.language.is_widening(SqlType("text"), array("text"))
    assert DIALECT.language.is_widening(struct, struct)
    assert not DIALECT.language.is_widening(struct, replace(struct, name="other"))


def test_the_other_changes(postgres_url: str) -> None:
    """A live table becomes the declared one, and then there is nothing left to change."""
    before = TableSpec(
        "T",
        (
            ColumnSpec("id", pa.int32()),
            ColumnSpec("was", pa.string(), nullable=True),
            ColumnSpec("kind", ENUM, labels=("a",), enum_name="Kind"),
            ColumnSpec("need", pa.int64()),
            ColumnSpec("drop", pa.int64(), nullable=True),
        ),
        namespace="app",
    )
    after = TableSpec(
        "T",
        (
            ColumnSpec("id", pa.int32()),
            ColumnSpec("now", pa.string(), comment="renamed"),
            ColumnSpec("kind", ENUM, labels=("a", "b", "it's"), enum_name="Kind"),
            ColumnSpec("need", pa.int64(), nullable=True),
            ColumnSpec("new", pa.bool_(), default=False, comment="added"),
            ColumnSpec("also", ENUM, nullable=True, labels=("x",)),
        ),
        key=("id",),
        unique=(("now", "need"),),
        namespace="app",
        comment="of table",
    )

    async def run(session: Session) -> None:
        start = await target_of(session, before)
        names = [table.name for table in start.tables]
        await make(session, diff(await DIALECT.catalog.discover(session, names), start))
        await session.execute(trusted("""INSERT INTO app."T" VALUES (1, 'x', 'a', 2, 3)"""))
        target = await target_of(session, after)
        changes = diff(await DIALECT.catalog.discover(session, names), target, {(names[0], "now"): "was"})
        assert len(changes) == 12
        await make(session, changes)
        assert diff(await DIALECT.catalog.discover(session, names), target) == []
        rows = (await session.fetch(trusted("""SELECT * FROM app."T" """))).to_pylist()
        assert rows == [{"id": 1, "now": "x", "kind": "a", "need": 2, "new": False, "also": None}]

    using(postgres_url, run)


def test_a_new_label_that_is_used_before_its_commit_says_what_to_do(postgres_url: str) -> None:
    async def add_and_use(session: Session, add: Change) -> None:
        async with session.transaction():
            await session.execute(DIALECT.language.render(add)[0])
            await session.execute(trusted("INSERT INTO t VALUES ('b')"))

    async def run(session: Session) -> None:
        await session.execute(trusted("CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (x e)"))
        add = AddEnumLabels(ObjectName(None, "e"), ("b",))
        with pytest.raises(DatabaseError, match="unsafe use of new value") as caught:
            await add_and_use(session, add)
        assert "call migrate" in (caught.value.hint or "")
        await make(session, [add])
        assert await session.execute(trusted("INSERT INTO t VALUES ('b')")) == 1

    using(postgres_url, run)


def test_replacing_a_primary_key_is_left_to_people() -> None:
    with pytest.raises(UnsupportedChange, match="primary key"):
        DIALECT.language.render(SetKey(ObjectName(None, "t"), ("b",), ("a",)))


WIDER = [
    ("smallint", "integer"), ("integer", "bigint"), ("integer", "double precision"), ("smallint", "real"),
    ("real", "double precision"), ("bigint", "numeric(19, 0)"), ("bigint", "numeric"), ("integer", "numeric(12, 2)"),
    ("numeric(10, 2)", "numeric(12, 2)"), ("numeric(10, 2)", "numeric(12, 4)"), ("numeric(10, 2)", "numeric"),
    ("varchar(3)", "varchar(4)"), ("varchar(3)", "text"), ("char(3)", "varchar(4)"), ("char(3)", "text"), ("name", "text"),
    ("text", "citext"), ("varchar(3)", "char(3)"), ("timestamp(3)", "timestamp"), ("time(0)", "time(3)"), ("jsonb", "json"),
]  # fmt: skip
NOT_WIDER = [
    ("integer", "smallint"), ("bigint", "double precision"), ("integer", "real"), ("double precision", "real"),
    ("bigint", "numeric(18, 0)"), ("integer", "numeric(11, 2)"), ("numeric", "numeric(38, 9)"),
    ("numeric(10, 2)", "numeric(10, 3)"), ("numeric(10, 2)", "numeric(11, 1)"), ("numeric(18, 0)", "bigint"),
    ("text", "varchar(9)"), ("varchar(4)", "varchar(3)"), ("citext", "text"), ("char(3)", "varchar(3)"), ("text", "name"),
    ("date", "timestamp"), ("timestamp", "timestamptz"), ("timestamp", "timestamp(3)"), ("json", "jsonb"), ("uuid", "text"),
    ("boolean", "integer"), ("interval", "interval(2)"),
]  # fmt: skip


def parsed(text: str) -> SqlType:
    name, _, args = text.partition("(")
    return SqlType(name, tuple(int(arg) for arg in args.rstrip(")").split(",") if arg))


@pytest.mark.parametrize(("old", "new", "wider"), [*((*p, True) for p in WIDER), *((*p, False) for p in NOT_WIDER)])
def test_widens(old: str, new: str, wider: bool) -> None:
    assert DIALECT.language.is_widening(parsed(old), parsed(new)) is wider


def test_widens_of_enums() -> None:
    enum = SqlType("e", labels=("abc", "d"))
    assert DIALECT.language.is_widening(enum, SqlType("text"))
    assert DIALECT.language.is_widening(enum, SqlType("varchar", (3,)))
    assert not DIALECT.language.is_widening(enum, SqlType("varchar", (2,)))
    assert not DIALECT.language.is_widening(SqlType("text"), enum)
    assert not DIALECT.language.is_widening(enum, SqlType("text", labels=("abc", "d")))  # an enum type called text


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        (ColumnSpec("x" * 64, pa.int64()), "64 bytes"),
        (ColumnSpec("ü" * 32, pa.int64()), "64 bytes"),
        (ColumnSpec("a\0b", pa.int64()), "NUL"),
        (ColumnSpec("c", ENUM, labels=("x" * 64,), enum_name="e"), "label"),
        (ColumnSpec("c", ENUM, labels=("x",), enum_name="e" * 64), "64 bytes"),
        (ColumnSpec("c" * 62, ENUM, labels=("x",)), "64 bytes"),
        (ColumnSpec("c", pa.string(), max_length=10_485_761), "MaxLength"),
        (ColumnSpec("c", pa.uint64(), identity=True), "identity"),
        (ColumnSpec("c", pa.list_(pa.month_day_nano_interval())), "interval"),
        (ColumnSpec("c", pa.struct([("x", pa.int8())])), "struct"),
        (ColumnSpec("c", pa.timestamp("ns")), "timestamp"),
    ],
)
def test_what_postgres_has_no_home_for_is_refused_at_declaration(spec: ColumnSpec, match: str) -> None:
    from arrowsync.dialects.contract import Server

    table = TableSpec("t", (spec,))
    with pytest.raises(DeclarationError, match=match) as caught:
        DIALECT.language.to_column(spec, table, Server("postgresql", (15, 0), "public"))
    assert (caught.value.table, caught.value.field) == ("t", spec.name)
    assert caught.value.hint


@pytest.mark.parametrize("mode", ["on", "off"])
def test_constants_are_stored_exactly_whatever_the_string_syntax(postgres_url: str, mode: str) -> None:
    values = [
        *(None, True, False, 0, -(2**63), 1.5, -0.0, float("inf"), Decimal("-0.10"), Decimal(100_000)),
        *("", "'", "\\", "\\'", NASTY, b"", b"\\x00", date(9999, 12, 31), time(23, 59, 59, 999999)),
        *(datetime.min, datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=-999, microseconds=7), timedelta.max / 10),
        *(UUID(int=5), {"a": [1, "\\ '"]}),
    ]

    async def run(session: Session) -> None:
        await session.execute(sql("SET standard_conforming_strings = {mode}", mode=Literal(mode)))
        await session.execute(trusted("SET escape_string_warning = off"))
        for value in values:
            (row,) = (await session.fetch(sql("SELECT {v} AS v", v=Literal(value)))).to_pylist()
            expected = '{"a": [1, "\\\\ \'"]}' if isinstance(value, dict) else value
            assert row["v"] == expected
            assert str(row["v"]) == str(expected)  # -0.0, and the scale of decimals

    using(postgres_url, run)


@pytest.mark.parametrize("value", ["a\0b", "\ud800", object(), time(1, tzinfo=UTC)])
def test_constants_that_cant_be_written_are_refused(value: object) -> None:
    with pytest.raises(DeclarationError):
        sql("{v}", v=Literal(value)).text(DIALECT.language.quoting(None))  # type: ignore[arg-type]
