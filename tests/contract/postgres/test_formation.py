"""What declarations become on PostgreSQL, as the server's own catalog has it, and what it then takes and refuses."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterator
from dataclasses import dataclass, field, make_dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Literal, Optional
from uuid import UUID

import asyncpg
import pytest
from formation.features import FEATURES

import arrowsync
from arrowsync.catalog import Catalog, ObjectName, Table
from arrowsync.declare.markers import (
    Check,
    ForeignKey,
    Identity,
    Index,
    JsonType,
    MaxLength,
    Precision,
    PrimaryKey,
    Range,
    TimePrecision,
    TimeZone,
    Unique,
    UniqueKey,
    float32,
    int8,
    int16,
    int32,
    uint8,
    uint16,
    uint32,
    uint64,
)
from arrowsync.dialects import open_session
from arrowsync.dialects.postgres import LANGUAGE
from arrowsync.errors import DeclarationError
from arrowsync.migration.diff import diff
from arrowsync.options import ArrayMode, EnumMode, GeneratorOptions, StructMode
from arrowsync.sync.ddl import create_sql, form_catalog, script_of

NASTY = "a\"b'c\\d\n; DROP TABLE t; -- {x} %s $1 😀"

COLUMNS = """
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity <> '' AS identity,
  pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)
FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
CONSTRAINTS = """
SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = to_regclass($1) AND contype <> 'n' ORDER BY contype <> 'p', oid"""
INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index AS i
WHERE indrelid = to_regclass($1) AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid)
ORDER BY indexrelid"""
LABELS = """
SELECT array_agg(enumlabel::text ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = to_regtype($1)"""
# Everything that a script creates, in the words of the server: what two databases with the same objects have alike.
EVERYTHING = """
SELECT c.relkind::text, n.nspname::text, c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
  a.attidentity::text, pg_get_expr(d.adbin, d.adrelid), obj_description(c.oid, 'pg_class'), col_description(c.oid, a.attnum)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'c') AND a.attnum > 0 AND n.nspname !~ '^pg_|^information'
UNION ALL
SELECT 'constraint', n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid), NULL, NULL, NULL, NULL, NULL
FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.contype <> 'n' AND n.nspname !~ '^pg_|^information'
UNION ALL
SELECT 'index', schemaname, tablename, indexname, indexdef, NULL, NULL, NULL, NULL, NULL
FROM pg_indexes WHERE schemaname !~ '^pg_|^information'
UNION ALL
SELECT t.typtype::text, n.nspname, t.typname, array_to_string(ARRAY(
    SELECT quote_literal(enumlabel) FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder), ','),
  NULL, NULL, NULL, NULL, obj_description(t.oid, 'pg_type'), NULL
FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
WHERE t.typtype IN ('e', 'c') AND n.nspname !~ '^pg_|^information'
ORDER BY 1, 2, 3, 4"""


class Live:
    """A connection of asyncpg's own, to run scripts and to ask the server's catalog."""

    def __init__(self, url: str, runner: asyncio.Runner) -> None:
        self.url = url
        self._runner = runner
        self._connection = runner.run(asyncpg.connect(url))

    def close(self) -> None:
        self._runner.run(self._connection.close())

    def execute(self, script: str) -> None:
        self._runner.run(self._connection.execute(script))

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._runner.run(self._connection.fetch(query, *parameters))]

    def value(self, query: str, *parameters: Any) -> Any:
        return self._runner.run(self._connection.fetchval(query, *parameters))

    def refuses(self, statement: str) -> str:
        """The SQLSTATE with which the server refuses it."""
        with pytest.raises(asyncpg.PostgresError) as caught:
            self.execute(statement)
        return str(caught.value.sqlstate)

    def form(self, *tables: Any, **options: Any) -> str:
        """Run the script that creates the tables, and see that there is nothing left to do after it."""
        chosen = GeneratorOptions(**options)
        script = create_sql(list(tables), "postgresql", chosen)
        self.execute(script)
        target = form_catalog(list(tables), LANGUAGE, chosen)
        assert diff(self.discovered([table.name for table in target.tables]), target) == []
        return script

    def discovered(self, names: list[ObjectName]) -> Catalog:
        async def discover() -> Catalog:
            session = await open_session(self._connection)
            dialect = session.dialect
            return await dialect.catalog.discover(session, names)

        return self._runner.run(discover())

    def columns(self, table: str) -> dict[str, tuple[Any, ...]]:
        """Name -> type, whether it is required, identity, default, comment."""
        return {name: tuple(rest) for name, *rest in self.rows(COLUMNS, table)}

    def types(self, table: str) -> dict[str, str]:
        return {name: found[0] for name, found in self.columns(table).items()}

    def constraints(self, table: str) -> dict[str, str]:
        return dict(self.rows(CONSTRAINTS, table))

    def indexes(self, table: str) -> dict[str, str]:
        return dict(self.rows(INDEXES, table))

    def labels(self, name: str) -> list[str] | None:
        found: list[str] | None = self.value(LABELS, name)
        return found


@pytest.fixture(params=["postgres_url", "postgres18_url"])
def live(request: pytest.FixtureRequest) -> Iterator[Live]:
    with asyncio.Runner() as runner:
        live = Live(request.getfixturevalue(request.param), runner)
        yield live
        live.close()


# ---- every feature, on every server

FORMED = {name: feature for name, feature in FEATURES.items() if "postgresql" not in feature.not_in}


@pytest.mark.parametrize("name", FORMED)
def test_a_feature_is_in_the_catalog_of_the_server_and_comes_back_from_it(live: Live, name: str) -> None:
    feature = FORMED[name]
    live.execute(create_sql(feature.tables, "postgresql", feature.options))
    target = form_catalog(feature.tables, LANGUAGE, feature.options)
    found = live.discovered([table.name for table in target.tables])
    assert diff(found, target) == []
    for wanted in target.tables:
        there = found.table(wanted.name)
        assert there is not None
        same_table(live, there, wanted)
    assert set(target.enums) <= set(found.enums)
    assert set(target.structs) <= set(found.structs)
    if feature.options == GeneratorOptions():
        assert not arrowsync.plan(list(feature.tables), live.url)
    # What was discovered is all that there is to create: its own script makes the same objects.
    before = live.rows(EVERYTHING)
    assert before
    again = script_of(replace(found, tables=tuple(map(without_keys_of_indexes, found.tables))), LANGUAGE)
    schemas = ", ".join(f'"{schema}"' for schema in {"public", *target.namespaces})
    live.execute(f"DROP SCHEMA {schemas} CASCADE; CREATE SCHEMA public; {again}")
    assert live.rows(EVERYTHING) == before


def same_table(live: Live, there: Table, wanted: Table) -> None:
    """What discovery says is what was declared, and its names are those of the server's catalog."""
    assert (there.columns, there.key, there.comment, there.foreign_keys) == (
        tuple(
            column if (at := there.column(column.name)) is None else replaced_default(column, at)
            for column in wanted.columns
        ),
        wanted.key,
        wanted.comment,
        wanted.foreign_keys,
    )
    name = ".".join('"' + part.replace('"', '""') + '"' for part in (wanted.name.namespace, wanted.name.name) if part)
    made = {key.name for key in wanted.unique} | {key.name for key in wanted.foreign_keys}
    made |= {check.name for check in wanted.checks}
    assert {k for k, text in live.constraints(name).items() if not text.startswith("PRIMARY")} == made
    assert [(check.name) for check in there.checks] == [check.name for check in wanted.checks]
    assert [(i.name, i.unique, len(i.parts)) for i in there.indexes] == [
        (i.name, i.unique, len(i.parts)) for i in wanted.indexes
    ]
    rows = live.value(f"SELECT count(*) FROM {name}")
    assert rows == len(wanted.rows)


def without_keys_of_indexes(table: Table) -> Table:
    """The table with each unique index once: discovery has it among the keys as well."""
    names = {index.name for index in table.indexes}
    return replace(table, unique=tuple(key for key in table.unique if key.name not in names))


def replaced_default(wanted: Any, there: Any) -> Any:
    assert (wanted.default is None) == (there.default is None)
    return replace(wanted, default=there.default)


# ---- types

NOON = datetime(2024, 2, 29, 12, 30, 0, 250_000)
# annotation, the server's type, a default, the value that a row gets from it where it isn't the same
TYPES: list[tuple[Any, ...]] = [
    (bool, "boolean", True),
    (int8, "smallint", -128),
    (int16, "smallint", -5),
    (int32, "integer", 2**31 - 1),
    (int, "bigint", -(2**63)),
    (uint8, "smallint", 255),
    (uint16, "integer", 65_535),
    (uint32, "bigint", 2**32 - 1),
    (uint64, "numeric(20,0)", 2**64 - 1),
    (float32, "real", 0.5),
    (float, "double precision", 0.1),
    (float, "double precision", 5e-324),
    (float, "double precision", -1.7976931348623157e308),
    (float, "double precision", float("-inf")),
    (Decimal, "numeric(38,9)", Decimal("-0.000000001")),
    (Annotated[Decimal, Precision(60, 20)], "numeric(60,20)", Decimal("1e39")),
    (str, "text", NASTY),
    (str, "text", ""),
    (Annotated[str, MaxLength(60)], "character varying(60)", NASTY),
    (bytes, "bytea", b"\x00'\\\xff"),
    (date, "date", date(1, 1, 1)),
    (time, "time without time zone", time(23, 59, 59, 999_999)),
    (datetime, "timestamp without time zone", NOON),
    (Annotated[datetime, TimePrecision(0)], "timestamp(0) without time zone", datetime(9999, 1, 1)),
    (Annotated[datetime, TimeZone("UTC")], "timestamp with time zone", NOON.replace(tzinfo=UTC)),
    (timedelta, "interval", timedelta(days=-40, microseconds=1)),
    (timedelta, "interval", timedelta(days=106_751_991)),
    (UUID, "uuid", UUID(int=7)),
    (JsonType, "jsonb", "it's \\ ", '"it\'s \\\\ "'),
    (IPv4Address, "inet", IPv4Address("10.0.0.1")),
    (IPv6Address, "inet", IPv6Address("::1")),
    (IPv4Address | IPv6Address, "inet", IPv6Address("fe80::1")),
    (Literal["a", "b'c"], '"T_{name}"', "b'c"),
    (Literal[1, 22], "bigint", 22),
]


def test_each_type_required_nullable_and_with_its_default(live: Live) -> None:
    fields: list[Any] = [("id", PrimaryKey[Identity[int]])]
    for at, (annotation, _, default, *_) in enumerate(TYPES):
        fields += [
            (f"plain{at}", annotation),
            (f"maybe{at}", Optional[annotation]),  # noqa: UP045 - the annotation is a value here
            (f"given{at}", annotation, field(default=default)),
        ]
    live.form(make_dataclass("T", fields, kw_only=True))
    columns = live.columns('"T"')
    for at, (_, expected, *_) in enumerate(TYPES):
        for kind, required in (("plain", True), ("maybe", False), ("given", True)):
            name = f"{kind}{at}"
            assert columns[name][:3] == (expected.format(name=name), required, False)
            assert (columns[name][3] is None) == (kind != "given")
    dropped = ", ".join(f'DROP COLUMN "plain{at}"' for at in range(len(TYPES)))
    live.execute(f'ALTER TABLE "T" {dropped}; INSERT INTO "T" DEFAULT VALUES')
    for at, (_, _, default, *value) in enumerate(TYPES):
        assert live.rows(f'SELECT "maybe{at}", "given{at}" FROM "T"') == [(None, *(value or [default]))]


def test_defaults_and_zeros_mean_the_same_in_any_session(live: Live) -> None:
    """The session that runs the script may have any settings for text and times."""

    @dataclass
    class T:
        id: PrimaryKey[int]
        given: Annotated[datetime, TimeZone()] = datetime(2024, 3, 4, tzinfo=UTC)
        lasted: timedelta = timedelta(hours=-1, minutes=-30)
        day: date = date(2024, 3, 4)
        text: str = "\\' or 1=1 --"
        raw: bytes = b"\\'"

    live.execute(
        "SET standard_conforming_strings = off; SET backslash_quote = off; SET escape_string_warning = off;"
        "SET timezone = 'America/New_York'; SET datestyle = 'SQL, DMY'; SET intervalstyle = 'sql_standard'"
    )
    live.form(T)
    live.execute('INSERT INTO "T" VALUES (1)')
    assert live.rows('SELECT * FROM "T"') == [(1, T.given, T.lasted, T.day, T.text, T.raw)]


def test_auto_default(live: Live) -> None:
    @dataclass
    class T:
        id: PrimaryKey[int]
        number: int
        text: str
        when: datetime
        token: UUID
        color: Color

    live.form(T, auto_default=True)
    live.execute('INSERT INTO "T" VALUES (1)')
    assert live.rows('SELECT * FROM "T"') == [(1, 0, "", datetime(1, 1, 1), UUID(int=0), "red")]


# ---- enums


class Color(enum.Enum):
    """Of paint; it's "red"."""

    RED = "red"
    GREEN = "gr'een"


class Level(enum.Enum):
    LOW = 1
    HIGH = 10


@dataclass(frozen=True)
class Coin:
    """:param cents: What it is worth."""

    cents: int16
    minted: date


class Coins(enum.Enum):
    PENNY = Coin(1, date(1900, 1, 1))
    DIME = Coin(10, date(1910, 12, 31))


@dataclass
class Painted:
    id: PrimaryKey[int]
    one: Color
    maybe: Color | None
    level: Level
    many: list[Color]
    few: set[Color]
    given: Color = Color.GREEN


def test_enums_as_types(live: Live) -> None:
    live.form(Painted, enum_mode=EnumMode.TYPE)
    assert (live.labels('"Color"'), live.labels('"Level"')) == (["red", "gr'een"], ["1", "10"])
    assert live.value("SELECT obj_description(to_regtype('\"Color\"'), 'pg_type')") == 'Of paint; it\'s "red".'
    assert live.types('"Painted"') == {
        "id": "bigint",
        "one": '"Color"',
        "maybe": '"Color"',
        "level": '"Level"',
        "many": '"Color"[]',
        "few": '"Color"[]',
        "given": '"Color"',
    }
    live.execute("""INSERT INTO "Painted" VALUES (1, 'red', NULL, '10', '{red,"gr''een"}', '{}')""")
    assert live.value('SELECT "given" FROM "Painted"') == "gr'een"
    assert live.refuses("""INSERT INTO "Painted" VALUES (2, 'blue', NULL, '10', '{}', '{}')""") == "22P02"
    assert live.refuses("""INSERT INTO "Painted" VALUES (2, 'red', NULL, '10', '{blue}', '{}')""") == "22P02"
    assert not arrowsync.plan(Painted, live.url)


def test_enums_with_checks(live: Live) -> None:
    live.form(Painted, enum_mode=EnumMode.CHECK)
    types = live.types('"Painted"')
    assert {types[name] for name in ("one", "maybe", "level", "given")} == {"text"}
    assert types["many"] == "text[]"
    checks = [name for name, text in live.constraints('"Painted"').items() if text.startswith("CHECK")]
    assert checks == [f"ch_Painted_{name}" for name in ("one", "maybe", "level", "many", "few", "given")]
    live.execute("""INSERT INTO "Painted" VALUES (1, 'red', NULL, '10', '{red,"gr''een",red}', '{}')""")
    for row in (
        "'blue', NULL, '10', '{}', '{}'",
        "'red', '', '1', '{}', '{}'",
        "'red', NULL, '1', '{red,blue}', '{}'",
        "'red', NULL, '1', '{red,NULL}', '{}'",
    ):
        assert live.refuses(f'INSERT INTO "Painted" VALUES (2, {row})') == "23514"


@pytest.mark.parametrize(
    ("mode", "texts"), [(ArrayMode.ARRAY, ("{red,NULL}", "{blue,NULL}")), (ArrayMode.JSON, ("[null]", "[1]"))]
)
def test_lists_of_optional_enums_take_null(live: Live, mode: ArrayMode, texts: tuple[str, str]) -> None:
    @dataclass
    class T:
        id: PrimaryKey[int]
        many: list[Color | None]

    live.form(T, enum_mode=EnumMode.CHECK, array_mode=mode)
    good, bad = texts
    live.execute(f"INSERT INTO \"T\" VALUES (1, '{good}')")
    assert live.refuses(f"INSERT INTO \"T\" VALUES (2, '{bad}')") == "23514"


def test_enum_lists_in_json_with_checks(live: Live) -> None:
    live.form(Painted, enum_mode=EnumMode.CHECK, array_mode=ArrayMode.JSON)
    assert live.types('"Painted"')["many"] == "jsonb"
    live.execute("""INSERT INTO "Painted" VALUES (1, 'red', NULL, '10', '["red", "gr''een", "red"]', '[]')""")
    for many in ('["red", "blue"]', "[[]]", "{}", '[["red"]]', "[1]", "[null]"):
        assert live.refuses(f"""INSERT INTO "Painted" VALUES (2, 'red', NULL, '1', '{many}', '[]')""") == "23514"


@dataclass
class Bought:
    id: PrimaryKey[int]
    one: Color | str
    coin: Coins
    level: Level = Level.HIGH


def test_enums_in_lookup_tables(live: Live) -> None:
    live.form(Bought, enum_mode=EnumMode.RELATION, initialize_tables=True)
    assert live.columns('"Color"') == {
        "id": ("integer", True, True, None, None),
        "value": ("text", True, False, None, None),
    }
    assert live.rows('SELECT * FROM "Color" ORDER BY 1') == [(1, "red"), (2, "gr'een")]
    assert live.rows('SELECT * FROM "Level" ORDER BY 1') == [(1, "1"), (2, "10")]
    assert live.rows('SELECT * FROM "Coins" ORDER BY 1') == [
        (1, "PENNY", 1, date(1900, 1, 1)),
        (2, "DIME", 10, date(1910, 12, 31)),
    ]
    assert live.columns('"Coins"')["cents"][-1] == "What it is worth."
    assert live.constraints('"Bought"') == {
        "Bought_pkey": "PRIMARY KEY (id)",
        "fk_Bought_one": 'FOREIGN KEY (one) REFERENCES "Color"(id)',
        "fk_Bought_coin": 'FOREIGN KEY (coin) REFERENCES "Coins"(id)',
        "fk_Bought_level": 'FOREIGN KEY (level) REFERENCES "Level"(id)',
    }
    live.execute('INSERT INTO "Bought" VALUES (1, 2, 1)')
    assert live.value('SELECT "level" FROM "Bought"') == 2
    assert live.refuses('INSERT INTO "Bought" VALUES (2, 3, 1)') == "23503"
    assert live.refuses("""INSERT INTO "Color" ("value") VALUES ('red')""") == "23505"
    live.execute(
        """INSERT INTO "Color" ("value") VALUES ('blue'); INSERT INTO "Bought" SELECT 2, max(id), 1 FROM "Color" """
    )


def test_a_lookup_table_starts_empty_unless_told_otherwise(live: Live) -> None:
    @dataclass
    class T:
        id: PrimaryKey[int]
        one: Color | str

    live.form(T)
    assert live.value('SELECT count(*) FROM "Color"') == 0
    assert not arrowsync.plan(T, live.url)


def test_lists_of_enums_joined_to_their_lookup_tables(live: Live) -> None:
    @dataclass
    class T:
        id: PrimaryKey[int]
        many: list[Color]
        few: set[Literal["x", "y"]]
        new: list[Color | str]

    live.form(T, enum_mode=EnumMode.RELATION, array_mode=ArrayMode.RELATION, initialize_tables=True)
    assert live.types('"T_many"') == {"T_id": "bigint", "position": "integer", "value": "integer"}
    assert live.constraints('"T_few"') == {
        "T_few_pkey": 'PRIMARY KEY ("T_id", value)',
        "fk_T_few_T_id": 'FOREIGN KEY ("T_id") REFERENCES "T"(id) ON DELETE CASCADE',
        "fk_T_few_value": 'FOREIGN KEY (value) REFERENCES "T_few_value"(id)',
    }
    assert live.rows('SELECT "value" FROM "T_few_value" ORDER BY id') == [("x",), ("y",)]
    assert live.constraints('"T_new"')["fk_T_new_value"] == 'FOREIGN KEY (value) REFERENCES "Color"(id)'


def test_numbers_of_labels_in_an_array_have_their_lookup_table(live: Live) -> None:
    @dataclass
    class T:
        id: PrimaryKey[int]
        many: list[Color]

    live.form(T, enum_mode=EnumMode.RELATION, initialize_tables=True)
    assert live.types('"T"')["many"] == "integer[]"
    assert live.rows('SELECT "value" FROM "Color" ORDER BY id') == [("red",), ("gr'een",)]


# ---- structs and arrays


@dataclass
class Spot:
    """Somewhere.

    :param lat: Degrees; it's "north".
    """

    lat: float
    name: Annotated[str, MaxLength(9)] | None


@dataclass
class Trip:
    begin: Spot
    stops: list[Spot]
    color: Color
    kind: Literal["on foot", "by bike"]
    grid: list[list[int32]]
    price: Annotated[Decimal, Precision(8, 2)]


@dataclass
class Traveller:
    """:param trips: All of them."""

    id: PrimaryKey[int]
    home: Spot
    last: Trip | None
    trips: list[Trip]


MEMBERS = """
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), col_description(a.attrelid, a.attnum)
FROM pg_attribute AS a WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 ORDER BY a.attnum"""


def test_structs_as_types(live: Live) -> None:
    live.form(Traveller)
    assert live.types('"Traveller"') == {"id": "bigint", "home": '"Spot"', "last": '"Trip"', "trips": '"Trip"[]'}
    assert live.rows(MEMBERS, '"Spot"') == [
        ("lat", "double precision", 'Degrees; it\'s "north".'),
        ("name", "character varying(9)", None),
    ]
    assert live.rows(MEMBERS, '"Trip"') == [
        ("begin", '"Spot"', None),
        ("stops", '"Spot"[]', None),
        ("color", '"Color"', None),
        ("kind", '"Trip_kind"', None),
        ("grid", "integer[]", None),
        ("price", "numeric(8,2)", None),
    ]
    assert live.value("SELECT obj_description(to_regtype('\"Spot\"'), 'pg_type')") == "Somewhere."
    assert live.columns('"Traveller"')["trips"][-1] == "All of them."
    live.execute(
        """INSERT INTO "Traveller" VALUES (1, ROW(1.5, 'a'), NULL,
          ARRAY[ROW(ROW(0, NULL), '{}', 'red', 'on foot', '{{1,2},{3,4}}', 9.99)::"Trip"])"""
    )
    assert live.rows('SELECT ("home")."lat", ("trips")[1]."grid"[2][1] FROM "Traveller"') == [(1.5, 3)]
    assert live.refuses("""INSERT INTO "Traveller" VALUES (2, ROW(1.5, 'more than 9'), NULL, '{}')""") == "22001"
    assert not arrowsync.plan(Traveller, live.url)


@pytest.mark.parametrize(("mode", "expected"), [(StructMode.JSON, "jsonb"), (StructMode.TEXT, "text")])
def test_structs_in_documents(live: Live, mode: StructMode, expected: str) -> None:
    live.form(Traveller, struct_mode=mode)
    assert set(live.types('"Traveller"').values()) == {"bigint", expected, f"{expected}[]"}
    assert live.value("SELECT count(*) FROM pg_type WHERE typtype = 'e' OR typname IN ('Spot', 'Trip')") == 0


@dataclass
class Friend:
    name: PrimaryKey[Annotated[str, MaxLength(20)]]


@dataclass
class Owner:
    a: PrimaryKey[int]
    b: PrimaryKey[Literal["x", "y"]]
    numbers: list[int16]
    words: set[Annotated[str, MaxLength(5)]]
    colors: list[Color]
    spots: list[Spot]
    friends: set[Friend]


ARRAYS = {
    ArrayMode.ARRAY: ("smallint[]", "character varying(5)[]", '"Color"[]', '"Spot"[]'),
    ArrayMode.JSON: ("jsonb",) * 4,
    ArrayMode.TEXT: ("text",) * 4,
}


@pytest.mark.parametrize("mode", ARRAYS)
def test_arrays_in_a_column(live: Live, mode: ArrayMode) -> None:
    live.form(Owner, array_mode=mode)
    assert live.types('"Owner"') == dict(
        zip(("a", "b", "numbers", "words", "colors", "spots"), ("bigint", '"Owner_b"', *ARRAYS[mode]), strict=True)
    )
    assert live.types('"Owner_friends"') == {
        "Owner_a": "bigint",
        "Owner_b": '"Owner_b"',
        "value": "character varying(20)",
    }


def test_arrays_in_join_tables(live: Live) -> None:
    live.form(Owner, array_mode=ArrayMode.RELATION)
    assert live.types('"Owner"') == {"a": "bigint", "b": '"Owner_b"'}
    values = {"numbers": "smallint", "words": "character varying(5)", "colors": '"Color"', "spots": '"Spot"'}
    owner = {"Owner_a": "bigint", "Owner_b": '"Owner_b"'}
    for name, expected in values.items():
        position = {} if name == "words" else {"position": "integer"}
        assert live.types(f'"Owner_{name}"') == {**owner, **position, "value": expected}
        found = live.constraints(f'"Owner_{name}"')
        last = '"position"' if position else "value"
        assert found[f"Owner_{name}_pkey"] == f'PRIMARY KEY ("Owner_a", "Owner_b", {last})'
        assert found[f"fk_Owner_{name}_Owner_a_Owner_b"] == (
            'FOREIGN KEY ("Owner_a", "Owner_b") REFERENCES "Owner"(a, b) ON DELETE CASCADE'
        )
    assert live.constraints('"Owner_friends"')["fk_Owner_friends_value"] == (
        'FOREIGN KEY (value) REFERENCES "Friend"(name)'
    )
    live.execute("""INSERT INTO "Owner" VALUES (1, 'x'), (2, 'x'); INSERT INTO "Friend" VALUES ('f')""")
    live.execute("""INSERT INTO "Owner_friends" VALUES (1, 'x', 'f'), (2, 'x', 'f')""")  # two may share a friend
    assert live.refuses("""INSERT INTO "Owner_friends" VALUES (1, 'x', 'f')""") == "23505"
    live.execute("""INSERT INTO "Owner_numbers" VALUES (1, 'x', 0, 7), (1, 'x', 1, 7)""")
    assert live.refuses("""INSERT INTO "Owner_numbers" VALUES (1, 'x', 1, 8)""") == "23505"
    assert live.refuses("""INSERT INTO "Owner_numbers" VALUES (1, 'y', 0, 8)""") == "23503"
    live.execute('DELETE FROM "Owner" WHERE a = 1')
    assert live.value('SELECT count(*) FROM "Owner_numbers"') == 0


# ---- keys, indexes and checks


@dataclass
class Line:
    order: PrimaryKey[int]
    at: PrimaryKey[int16]
    code: Unique[str]
    left: int
    right: int | None

    __constraints__ = (UniqueKey("left", "right"),)


@dataclass
class Node:
    id: PrimaryKey[Identity[int]]
    line: Line
    parent: Optional[Node]  # noqa: UP045
    heir: Annotated[Optional[Node], ForeignKey(on_delete="set null")] = None  # noqa: UP045
    spare: Annotated[int | None, ForeignKey("Node", on_delete="cascade")] = None
    kept: Annotated[int | None, ForeignKey("Node", on_delete="restrict")] = None
    usual: Annotated[int | None, ForeignKey("Node", on_delete="set default")] = 1


def test_keys_and_references(live: Live) -> None:
    live.form(Node, Line)
    assert live.constraints('"Line"') == {
        "Line_pkey": 'PRIMARY KEY ("order", at)',
        "uq_Line_code": "UNIQUE (code)",
        "uq_Line_left_right": 'UNIQUE ("left", "right")',
    }
    assert live.constraints('"Node"') == {
        "Node_pkey": "PRIMARY KEY (id)",
        "fk_Node_parent": 'FOREIGN KEY (parent) REFERENCES "Node"(id)',
        "fk_Node_heir": 'FOREIGN KEY (heir) REFERENCES "Node"(id) ON DELETE SET NULL',
        "fk_Node_spare": 'FOREIGN KEY (spare) REFERENCES "Node"(id) ON DELETE CASCADE',
        "fk_Node_kept": 'FOREIGN KEY (kept) REFERENCES "Node"(id) ON DELETE RESTRICT',
        "fk_Node_usual": 'FOREIGN KEY (usual) REFERENCES "Node"(id) ON DELETE SET DEFAULT',
        "fk_Node_line_order_line_at": 'FOREIGN KEY (line_order, line_at) REFERENCES "Line"("order", at)',
    }
    assert live.columns('"Node"')["id"][:3] == ("bigint", True, True)
    live.execute("""INSERT INTO "Line" VALUES (1, 1, 'a', 1, NULL), (1, 2, 'b', 1, NULL)""")
    live.execute('INSERT INTO "Node" (line_order, line_at, usual) VALUES (1, 2, NULL), (1, 1, 1)')
    live.execute('UPDATE "Node" SET parent = 1, kept = 1 WHERE id = 2')
    assert live.refuses("""INSERT INTO "Line" VALUES (1, 1, 'c', 2, 2)""") == "23505"
    assert live.refuses("""INSERT INTO "Line" VALUES (1, 3, 'a', 2, 2)""") == "23505"
    assert live.refuses('INSERT INTO "Node" (line_order, line_at) VALUES (2, 1)') == "23503"
    assert live.refuses('DELETE FROM "Node" WHERE id = 1') in ("23503", "23001")
    assert not arrowsync.plan([Node, Line], live.url)


@dataclass
class Chicken:
    id: PrimaryKey[int]
    egg: Egg

    __namespace__ = "farm"


@dataclass
class Egg:
    id: PrimaryKey[int]
    chicken: Chicken | None
    color: Color
    spot: Spot

    __namespace__ = "nest; DROP TABLE x"


def test_a_cycle_of_two_schemas(live: Live) -> None:
    script = live.form(Chicken, Egg)
    assert script.count("ALTER TABLE") == 1
    assert live.constraints('farm."Chicken"') == {
        "Chicken_pkey": "PRIMARY KEY (id)",
        "fk_Chicken_egg": 'FOREIGN KEY (egg) REFERENCES "nest; DROP TABLE x"."Egg"(id)',
    }
    assert live.constraints('"nest; DROP TABLE x"."Egg"')["fk_Egg_chicken"] == (
        'FOREIGN KEY (chicken) REFERENCES farm."Chicken"(id)'
    )
    types = live.types('"nest; DROP TABLE x"."Egg"')
    assert (types["color"], types["spot"]) == ('"nest; DROP TABLE x"."Color"', '"nest; DROP TABLE x"."Spot"')
    assert not arrowsync.plan([Chicken, Egg], live.url)


def test_what_no_foreign_key_is_made_for(live: Live) -> None:
    @dataclass
    class Other:
        id: PrimaryKey[int]

    @dataclass
    class T:
        id: PrimaryKey[int]
        either: Other | Friendless
        one: Friendless
        lines: list[Friendless]

    live.form(T, Other, foreign_constraints=False)
    keys = live.rows("SELECT conname FROM pg_constraint WHERE contype = 'f'")
    assert keys == []
    assert live.types('"T"') == {"id": "bigint", "either": "bigint", "one": "bigint"}


@dataclass
class Friendless:
    id: PrimaryKey[int]


@dataclass
class Measured:
    id: PrimaryKey[int]
    percent: Annotated[int16, Range(0, 100), Index()]
    factor: Annotated[float, Range(minimum=0.25)]
    price: Annotated[Decimal, Precision(8, 2), Range(maximum=Decimal("99.99"))] | None
    since: Annotated[date, Range(date(2000, 1, 1), date(2099, 12, 31))]
    when: Annotated[datetime, TimeZone(), Range(minimum=datetime(2000, 1, 1, tzinfo=UTC))]
    stars: Literal[1, 2, -3]
    name: Annotated[str, Check("{name} <> 'it''s' AND {name} NOT LIKE '%{{}}%'", name="no 'quotes\"")]

    __constraints__ = (
        Check("{percent} < {stars} * 100"),
        Index("name", "since", unique=True, name="by 'name\""),
        Index("lower({name})", "{percent} + 1"),
    )


def test_indexes_and_checks(live: Live) -> None:
    live.form(Measured)
    on = 'ON public."Measured" USING btree'
    assert live.indexes('"Measured"') == {
        '"ix_Measured_percent"': f'CREATE INDEX "ix_Measured_percent" {on} (percent)',
        '"by \'name"""': f'CREATE UNIQUE INDEX "by \'name""" {on} (name, since)',
        '"ix_Measured_3_3"': f'CREATE INDEX "ix_Measured_3_3" {on} (lower(name), ((percent + 1)))',
    }
    checks = {name: text for name, text in live.constraints('"Measured"').items() if text.startswith("CHECK")}
    assert list(checks) == [
        *(f"ch_Measured_{name}" for name in ("percent", "factor", "price", "since", "when", "stars")),
        "no 'quotes\"",
        "ch_Measured_2",
    ]
    assert checks["ch_Measured_percent"] == "CHECK (((percent >= 0) AND (percent <= 100)))"
    assert checks["ch_Measured_factor"] == "CHECK ((factor >= (0.25)::double precision))"
    good = {"percent": 7, "factor": 0.25, "price": 99.99, "since": "'2099-12-31'", "stars": 1, "name": "'x'"}
    good["when"] = "'2000-01-01 00:00:00+00'"
    bad: dict[str, list[Any]] = {
        "percent": [-1, 101],
        "factor": ["0.2499999999999999"],
        "price": ["100.00"],
        "since": ["'1999-12-31'", "'2100-01-01'"],
        "when": ["'1999-12-31 23:59:59.999999+00'"],
        "stars": [0, 3, -3],
        "name": ["'it''s'", "'a{}b'"],
    }

    def insert(number: int, **changed: Any) -> str:
        row = {**good, **changed}
        names = ", ".join(f'"{name}"' for name in row)
        return f'INSERT INTO "Measured" (id, {names}) VALUES ({number}, {", ".join(map(str, row.values()))})'

    live.execute(insert(1))
    live.execute(insert(2, price="NULL", percent=1, stars=2, name="'{'"))
    assert live.refuses(insert(3)) == "23505"  # the unique index
    for name, values in bad.items():
        for value in values:
            changed = {"since": "'2020-01-01'", "name": "'y'", name: value}
            assert live.refuses(insert(4, **changed)) == "23514", name


# ---- names and text of an adversary


class Odd(enum.Enum):
    A = NASTY
    B = "'; DROP TABLE x; --"
    C = " "


def odd_table() -> type:
    """Names are set from outside, as those of a table that was read from a file may be."""

    @dataclass
    class Inner:
        x: int

    Inner.__doc__ = NASTY + f"\n\n:param x: {NASTY!r}"

    table = make_dataclass(
        "T", [("id", PrimaryKey[int]), ("odd", Odd, Odd.A), ("inner", Inner | None, None), ("text", str, NASTY)]
    )
    table.__table_name__ = NASTY  # type: ignore[attr-defined]
    table.__namespace__ = "n'\"s\\"  # type: ignore[attr-defined]
    table.__doc__ = "$$ " + NASTY
    Odd.__doc__ = NASTY
    return table


@pytest.mark.parametrize("strings", ["on", "off"])
def test_awkward_text_is_stored_as_it_is(live: Live, strings: str) -> None:
    live.execute(f"CREATE TABLE t (); SET standard_conforming_strings = {strings}; SET escape_string_warning = off")
    live.form(odd_table())
    name = "'" + NASTY.replace("\\", "\\\\").replace("'", "''") + "'"
    live.execute(f"""DO $do$ BEGIN
      EXECUTE format('INSERT INTO %I.%I (id) VALUES (1)', E'n''"s\\\\', E{name}); END $do$""")
    relation = live.value("SELECT oid::regclass::text FROM pg_class WHERE relname = $1 AND relkind = 'r'", NASTY)
    assert live.rows(f"SELECT odd::text, text FROM {relation}") == [(NASTY, NASTY)]
    assert live.labels('"n\'""s\\"."Odd"') == [NASTY, "'; DROP TABLE x; --", " "]
    described = live.rows("SELECT description FROM pg_description WHERE objoid >= 16384 ORDER BY objsubid, 1")
    assert sorted(text for (text,) in described) == sorted([repr(NASTY), NASTY, NASTY, "$$ " + NASTY])
    assert live.value("SELECT count(*) FROM pg_class WHERE relname = 't'") == 1


def test_names_of_63_bytes_and_what_is_made_of_them(live: Live) -> None:
    fields: list[Any] = [
        ("id", PrimaryKey[int]),
        *((f"ü{'x' * 58}{at}ä", Annotated[int, Range(0, 1), Index()]) for at in range(2)),
        *((f"{'x' * 62}{at}", Unique[Literal["a", "b"]]) for at in range(2)),
        *((f"{'l' * 62}{at}", list[Friendless]) for at in range(2)),
    ]
    table = make_dataclass("Ä" + "t" * 61, fields)
    scripts = [create_sql([table], "postgresql") for _ in range(2)]
    assert scripts[0] == scripts[1]
    live.form(table)
    assert not arrowsync.plan(table, live.url)
    names = [
        name for (name,) in live.rows("SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace")
    ]
    assert max(len(name.encode()) for name in names) == 63
    assert len(live.constraints('"Ä' + "t" * 61 + '"')) == 5


def test_what_is_made_keeps_off_the_names_that_are_declared(live: Live) -> None:
    """A key or a join table would be called as a table that is declared."""
    one = make_dataclass("One", [("id", PrimaryKey[int]), ("a", Unique[int]), ("b", list[Friendless])])
    others = [make_dataclass(name, [("id", PrimaryKey[int])]) for name in ("uq_One_a", "One_b")]
    for tables in ([one, *others], [*others, one]):
        script = create_sql(tables, "postgresql")
        assert script.count('CREATE TABLE "One_b" (') == script.count('CREATE TABLE "uq_One_a" (') == 1
    live.form(one, *others)
    assert live.types('"One_b"') == live.types('"uq_One_a"') == {"id": "bigint"}
    made = [
        name
        for (name,) in live.rows("SELECT relname::text FROM pg_class WHERE relname ~ '^(One_b|uq_One_a)_[0-9a-f]{8}$'")
    ]
    assert len(made) == 2


@dataclass
class Fine:
    id: PrimaryKey[int]


def named(name: str) -> type:
    table = make_dataclass("T", [("id", PrimaryKey[int])])
    table.__table_name__ = name  # type: ignore[attr-defined]
    return table


def columned(name: str, annotation: Any = int, **more: Any) -> type:
    return make_dataclass("T", [("id", PrimaryKey[int]), (name, annotation)], namespace=more)


def labelled(label: str) -> Any:
    return enum.Enum("E", {"A": label})


UNFIT: list[tuple[Any, str, str | None]] = [
    (named("x" * 64), "64", None),
    (named("ü" * 32), "64", None),
    (named("pg_type"), "pg_", None),
    (columned("x" * 64), "64", "x" * 64),
    (columned("ctid"), "ctid", "ctid"),
    (columned("e", labelled("x" * 64)), "64 bytes", "e"),
    (columned("e", enum.Enum("text", {"A": "a"})), "'text'", "e"),
    (columned("e", enum.Enum("_int4", {"A": "a"})), "'_int4'", "e"),
    (columned("s", make_dataclass("point", [("x", int)])), "'point'", "s"),
    (columned("s", make_dataclass("S", [("x" * 64, int)])), "64", "s." + "x" * 64),
    (columned("l", list[list[list[list[list[list[list[int]]]]]]]), "7 deep", "l"),
    (columned("s", Annotated[str, MaxLength(10_485_761)]), "10485761", "s"),
    (make_dataclass("T", [("id", PrimaryKey[int]), *((f"c{at}", int) for at in range(1600))]), "1601 columns", None),
    (make_dataclass("T", [(f"c{at}", PrimaryKey[int]) for at in range(33)]), "33 columns", None),
    (columned("x", __constraints__=(Index(*(f"{{x}} + {at}" for at in range(33))),)), "33 columns", None),
    (columned("x", __constraints__=(Check("{x} > 0", name="y" * 64),)), "64", None),
    (named("a\0b"), "NUL", None),
    (named("\ud800"), "surrogate", None),
    (columned("e", labelled("a\0b")), "label", "e"),
    (columned("x", __doc__="a\0b"), "NUL", None),
    (columned("x", __doc__="A table.\n\n:param x: a\0b"), "NUL", "x"),
    (columned("x", __constraints__=(Check("{x} <> 'a\0b'"),)), "NUL", None),
    ([columned("x", __constraints__=(Index("x", name="Fine"),)), Fine], "'Fine'", None),
    ([columned("x", __constraints__=(Index("x", name="Fine_pkey"),)), Fine], "'Fine_pkey'", None),
]


@pytest.mark.parametrize(("tables", "problem", "where"), UNFIT, ids=[case[1] for case in UNFIT])
def test_what_postgres_cant_hold_is_refused_with_a_way_out(tables: Any, problem: str, where: str | None) -> None:
    with pytest.raises(DeclarationError) as caught:
        create_sql(tables, "postgresql")
    assert problem in str(caught.value)
    assert caught.value.table
    assert caught.value.field == where
    assert caught.value.hint


def test_names_of_the_server_are_taken_in_a_schema_of_ones_own(live: Live) -> None:
    """Where a name says its schema, the server takes it for nothing of its own."""
    table = columned("s", make_dataclass("point", [("x", int)]), __namespace__="own", __table_name__="pg_type")
    live.form(table)
    assert live.types("own.pg_type") == {"id": "bigint", "s": "own.point"}
