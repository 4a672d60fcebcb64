"""Reading from PostgreSQL: arrays, composites, enums and domains come back as lists, structs and dictionaries, exactly.

The values that go in are written by the server itself: as literals, or of the columns that scalars were loaded into.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any
from uuid import UUID

import pyarrow as pa
import pytest
from contract.postgres.pg_by_text import ByText, copy_row, texts_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import arrowsync
from arrowsync import (
    Connection,
    JsonType,
    MaxLength,
    Precision,
    PrimaryKey,
    TimePrecision,
    TimeZone,
    float32,
    int8,
    int16,
    int32,
    uint64,
)
from arrowsync.catalog import ObjectName
from arrowsync.errors import ConversionError
from arrowsync.testing import random_batches

SERVERS = ("postgres_url", "postgres18_url")


class Mood(enum.Enum):
    SAD = "sad"
    QUOTED = 'it\'s "ok", {really}\\'
    NULL = "NULL"


@dataclass
class Scalars:
    id: PrimaryKey[int]
    truth: bool | None
    i16: int16 | None
    i32: int32 | None
    i64: int | None
    f32: float32 | None
    f64: float | None
    decimal: Decimal | None
    small: Annotated[Decimal, Precision(5, 2)] | None
    whole: Annotated[Decimal, Precision(38, 0)] | None
    fraction: Annotated[Decimal, Precision(7, 7)] | None
    wide: Annotated[Decimal, Precision(76, 37)] | None
    text: str | None
    short: Annotated[str, MaxLength(5)] | None
    data: bytes | None
    mood: Mood | None
    day: date | None
    moment: datetime | None
    second: Annotated[datetime, TimePrecision(0)] | None
    aware: Annotated[datetime, TimeZone("UTC")] | None
    clock: time | None
    span: timedelta | None
    key: UUID | None
    v4: IPv4Address | None
    v6: IPv6Address | None
    document: JsonType | None


# Types that only a live table has, and awkward values.
PRICE = "CREATE DOMAIN price AS numeric(10, 2) CHECK (value <> 0)"
LIVE_ONLY = {
    "numeric(76, 38)": ["0", "-0.5", "9" * 38 + "." + "9" * 38, "1e-38", "-1e37", "10000", "0.0001", "100000000"],
    "numeric(3, 5)": ["0.00999", "-0.00001"],
    "char(4)": ["", "ab  ", "  ab", "äöü😀", "a\nb"],
    "varchar(3)": ["a  ", "😀😀😀", ""],
    "citext": ["Ab", ""],
    "name": ["x", "it's"],
    "json": ['{"a" :  1, "a": [ ]}', "null", '""'],
    "cidr": ["10.0.0.0/8", "1.2.3.4/32", "::/0", "2001:db8::/32", "::1/128"],
    "inet": [
        *("0.0.0.0", "255.255.255.255/0", "10.9.100.1/8", "1.2.3.4/32", "::", "::/0", "::1", "1::", "fe80::1/64"),
        *("1:0:0:2:0:0:0:3", "1:0:0:2:0:0:3:4", "::ffff:1.2.3.4", "::1.2.3.4", "::ffff:0:1.2.3.4", "::1:0:0", "0:1::/3"),
        *("::2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:8", "abcd:ef01::a00:0", "::ffff:0:0", "::0:ffff:0"),
    ],
    "price": ["1.25", "-99999999.99"],
}  # fmt: skip


@pytest.fixture(params=SERVERS)
def conn(request: pytest.FixtureRequest) -> Iterator[Connection]:
    with arrowsync.connect(request.getfixturevalue(request.param)) as connection:
        yield connection


def read_view(conn: Connection, query: str) -> pa.Table:
    """The result of a query, read as a table."""
    conn.execute(f"CREATE OR REPLACE VIEW a_view AS {query}")
    try:
        return arrowsync.read_table("a_view", conn)
    finally:
        conn.execute("DROP VIEW a_view")


def reprs(values: Iterable[Any]) -> list[str]:
    """Of each value what only itself prints like: -0.0 is not 0.0."""
    return list(map(repr, values))


def check_inside(conn: Connection, table: str, name: str, live: str) -> None:
    """That a column's values are the same inside arrays and composites, of which one array has all of them."""
    conn.execute(f"CREATE TYPE a_box AS (before text, x {live}, xs {live}[]); CREATE DOMAIN boxes AS a_box[]")
    x = f"SELECT id, {name} AS x FROM {table}"
    nested = f"SELECT id, x, ARRAY[x, NULL, x]::{live}[] AS three, ROW(id, x, ARRAY[x])::a_box AS box FROM ({x}) AS s"
    rows = read_view(
        conn, f"SELECT x, three, box, ARRAY[box, NULL, box]::boxes AS boxes FROM ({nested}) AS s ORDER BY id"
    )
    long = read_view(
        conn,
        f"SELECT array_agg(x ORDER BY id)::{live}[] AS xs, array_agg(box ORDER BY id)::boxes AS boxes FROM ({nested}) AS s",
    )
    conn.execute("DROP DOMAIN boxes; DROP TYPE a_box")
    for result in (rows, long):
        result.validate(full=True)
        for column in result.columns:
            assert column.type in expected_types(rows.schema.field("x").type)
    values = rows.column("x").to_pylist()
    boxes: list[Any] = rows.column("box").to_pylist()
    assert reprs(rows.column("three").to_pylist()) == reprs([x, None, x] for x in values)
    assert reprs(box["x"] for box in boxes) == reprs(values)
    assert reprs(box["xs"] for box in boxes) == reprs([x] for x in values)
    assert reprs(rows.column("boxes").to_pylist()) == reprs([box, None, box] for box in boxes)
    assert reprs(long.column("xs")[0].as_py()) == reprs(values)
    assert reprs(long.column("boxes")[0].as_py()) == reprs(boxes)


def expected_types(x: pa.DataType) -> list[pa.DataType]:
    box = pa.struct([("before", pa.string()), ("x", x), ("xs", pa.list_(x))])
    return [x, pa.list_(x), box, pa.list_(box)]


@pytest.mark.parametrize("server", SERVERS)
def test_scalars_are_the_same_inside_of_arrays_and_composites(server: str, request: pytest.FixtureRequest) -> None:
    with arrowsync.connect(request.getfixturevalue(server)) as conn:
        rows = random_batches(Scalars, 150, nan=True)
        arrowsync.sync_table(rows, Scalars, conn)
        types = conn.fetch(
            "SELECT attname::text AS name, format_type(atttypid, atttypmod) AS live FROM pg_attribute "
            "WHERE attrelid = '\"Scalars\"'::regclass AND attnum > 0 ORDER BY attnum"
        )
        for column in types.to_pylist():
            check_inside(conn, '"Scalars"', column["name"], column["live"])


@pytest.mark.parametrize("live", LIVE_ONLY)
def test_live_types_are_the_same_inside_of_arrays_and_composites(conn: Connection, live: str) -> None:
    conn.execute(f"CREATE EXTENSION IF NOT EXISTS citext; {PRICE}; CREATE TABLE t (id serial, x {live})")
    for value in LIVE_ONLY[live]:
        conn.execute(f"INSERT INTO t (x) VALUES ($${value}$$)")
    conn.execute("INSERT INTO t (x) VALUES (NULL)")
    check_inside(conn, "t", "x", live)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.lists(st.integers(0, 0xFFFF) | st.just(0), min_size=8, max_size=8), min_size=1, max_size=30))
def test_addresses_in_arrays_are_printed_as_the_server_does(postgres_url: str, words: list[list[int]]) -> None:
    addresses = [":".join(f"{word:x}" for word in each) for each in words]
    listed = ", ".join(f"'{address}'::inet" for address in addresses)
    with arrowsync.connect(postgres_url) as conn:
        rows = read_view(conn, f"SELECT x, ARRAY[x] AS xs FROM unnest(ARRAY[{listed}]) AS x")
    assert rows.column("xs").to_pylist() == [[x] for x in rows.column("x").to_pylist()]


@dataclass
class Leaf:
    n: int | None
    text: str | None
    mood: Mood | None
    moments: list[datetime | None] | None


@dataclass
class Branch:
    leaf: Leaf | None
    leaves: list[Leaf | None] | None
    price: Annotated[Decimal, Precision(9, 4)] | None


@dataclass
class Tree:
    id: PrimaryKey[int]
    branch: Branch | None
    branches: list[Branch | None]
    numbers: list[float | None] | None
    small: list[int8 | None] | None
    big: list[uint64 | None] | None
    words: list[Annotated[str, MaxLength(9)] | None] | None
    data: list[bytes | None] | None
    moods: list[Mood | None] | None
    keys: set[UUID] | None
    clocks: list[time | None] | None
    spans: list[timedelta | None] | None
    flags: list[bool | None] | None


@pytest.mark.parametrize("server", SERVERS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), rows=st.sampled_from([0, 1, 2, 300]))
def test_what_the_server_reads_from_text_is_read_back(
    request: pytest.FixtureRequest, server: str, seed: int, rows: int
) -> None:
    url: str = request.getfixturevalue(server)
    sent = random_batches(Tree, rows, seed, nan=True).read_all()
    with arrowsync.connect(url) as conn:
        conn.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        arrowsync.migrate(Tree, conn)
    by_text = ByText(url)
    try:
        table = ObjectName(None, "Tree")
        live = {column.name: column.type for column in by_text.columns(table)}
        texts = zip(*(texts_of(sent.column(name), live[name]) for name in sent.column_names), strict=True)
        by_text.copy_text(table, "".join(map(copy_row, texts)))
    finally:
        by_text.close()
    found = arrowsync.read_table(Tree, url).sort_by("id")
    found.validate(full=True)
    assert found.schema == sent.schema
    for name in sent.column_names:
        assert reprs(found.column(name).to_pylist()) == reprs(sent.sort_by("id").column(name).to_pylist()), name
    by_name = arrowsync.read_table("Tree", url).sort_by("id")
    assert reprs(by_name.column("branches").to_pylist()) == reprs(found.column("branches").to_pylist())


def test_what_was_loaded_is_read_back(conn: Connection) -> None:
    sent = random_batches(Tree, 500, nan=True).read_all()
    arrowsync.sync_table(sent, Tree, conn)
    found = arrowsync.read_table(Tree, conn).sort_by("id")
    assert found.schema == sent.schema
    assert reprs(found.to_pylist()) == reprs(sent.sort_by("id").to_pylist())
    assert arrowsync.sync_table(found, Tree, conn).unchanged == 500


def test_null_is_not_a_composite_of_nulls(conn: Connection) -> None:
    conn.execute("""
        CREATE TYPE pair AS (a int, b text); CREATE TYPE two AS (p pair, q pair); CREATE DOMAIN pairs AS pair;
        CREATE TABLE t (id int, p pair, d pairs, t two, ps pair[]);
        INSERT INTO t VALUES (1, NULL, NULL, NULL, NULL), (2, (NULL, NULL), (NULL, NULL), (NULL, (NULL, NULL)), '{}'),
          (3, (1, ''), (2, 'x'), ((3, NULL), NULL), ARRAY[NULL, (NULL, NULL), (4, 'NULL')]::pair[])
    """)
    none = {"a": None, "b": None}
    assert arrowsync.read_table("t", conn).sort_by("id").to_pylist() == [
        {"id": 1, "p": None, "d": None, "t": None, "ps": None},
        {"id": 2, "p": none, "d": none, "t": {"p": None, "q": none}, "ps": []},
        {
            "id": 3,
            "p": {"a": 1, "b": ""},
            "d": {"a": 2, "b": "x"},
            "t": {"p": {"a": 3, "b": None}, "q": None},
            "ps": [None, none, {"a": 4, "b": "NULL"}],
        },
    ]


def test_a_composite_that_lost_and_got_members(conn: Connection) -> None:
    conn.execute("CREATE TYPE pair AS (a int, b text); CREATE TABLE t (id int, p pair)")
    conn.execute("INSERT INTO t VALUES (1, (1, 'x'))")
    conn.execute("ALTER TYPE pair DROP ATTRIBUTE a; ALTER TYPE pair ADD ATTRIBUTE c date[]")
    conn.execute("INSERT INTO t VALUES (2, ('y', '{2024-02-29}'))")
    assert arrowsync.read_table("t", conn).sort_by("id").column("p").to_pylist() == [
        {"b": "x", "c": None},
        {"b": "y", "c": [date(2024, 2, 29)]},
    ]


@dataclass
class Grid:
    id: PrimaryKey[int]
    two: list[list[int32 | None]] | None
    three: list[list[list[str | None]]] | None
    moods: list[list[Mood]] | None


GRIDS: list[dict[str, Any]] = [
    {"id": 1, "two": [[1, None, 3], [4, 5, 6]], "three": [[["a", None], ["", "NULL"]]], "moods": [["sad"], ["NULL"]]},
    {"id": 2, "two": [], "three": [], "moods": []},
    {"id": 3, "two": None, "three": None, "moods": None},
    {"id": 4, "two": [[7]], "three": [[["x"]], [["y"]], [["z"]]], "moods": [["sad", "sad"]]},
]


def test_arrays_have_the_dimensions_of_the_declared_lists(conn: Connection) -> None:
    arrowsync.sync_table(GRIDS, Grid, conn)
    found = arrowsync.read_table(Grid, conn).sort_by("id")
    assert found.to_pylist() == GRIDS
    assert found.schema.field("three").type == pa.list_(
        pa.field("item", pa.list_(pa.field("item", pa.list_(pa.string()), nullable=False)), nullable=False)
    )
    # The server keeps how many were declared, so that the name of the table is enough.
    assert arrowsync.read_table("Grid", conn).sort_by("id").to_pylist() == GRIDS


def test_dimensions_of_members_and_domains(conn: Connection) -> None:
    conn.execute("""
        CREATE DOMAIN matrix AS int[][]; CREATE DOMAIN a_line AS int[];
        CREATE TYPE a_box AS (m int[][], n matrix, o a_line[]);
        CREATE TABLE t (m matrix, lines a_line[], boxes a_box[]);
        INSERT INTO t VALUES ('{{1,2},{3,4}}', ARRAY['{1,2}', '{}', NULL, '{3}']::a_line[],
          ARRAY[('{{1}}', '{{2,3}}', ARRAY['{4}', '{5,6}']::a_line[])]::a_box[])
    """)
    assert arrowsync.read_table("t", conn).to_pylist() == [
        {
            "m": [[1, 2], [3, 4]],
            "lines": [[1, 2], [], None, [3]],
            "boxes": [{"m": [[1]], "n": [[2, 3]], "o": [[4], [5, 6]]}],
        }
    ]


@pytest.mark.parametrize(("value", "dimensions"), [("{{1,2}}", "2"), ("{{{1}}}", "3"), ("[0:0][5:6]={{1,2}}", "2")])
def test_other_dimensions_than_declared_are_refused(conn: Connection, value: str, dimensions: str) -> None:
    conn.execute(f"CREATE TABLE t (x int[]); INSERT INTO t VALUES ('{{1}}'), ('{value}')")
    with pytest.raises(ConversionError, match=f"an array of {dimensions} dimensions") as caught:
        arrowsync.read_table("t", conn)
    assert caught.value.column == "x"


def test_an_array_that_begins_elsewhere_than_at_1_is_refused(conn: Connection) -> None:
    """A list can't say where it begins: written back, the array would be another one."""
    conn.execute("CREATE TABLE t (x text[], y int[][])")
    conn.execute("""INSERT INTO t VALUES ('[5:7]={a,NULL,"b c"}', '[-1:0][3:3]={{1},{2}}')""")
    for column, begins in (("x", 5), ("y", -1)):
        with pytest.raises(ConversionError, match=f"column '{column}' .* begins at {begins}"):
            arrowsync.read_table("t", conn)
        with pytest.raises(ConversionError, match=f"begins at {begins}"):
            conn.fetch(f"SELECT {column} FROM t")
        conn.execute(f"ALTER TABLE t DROP COLUMN {column}")


@pytest.mark.parametrize(
    ("live", "value", "reason"),
    [
        ("date[]", "{2024-01-01,infinity}", "infinity"),
        ("timestamptz[]", "{-infinity}", "infinity"),
        ("numeric(5, 2)[]", "{1,NaN}", "NaN"),
        ("interval[]", "{1 mon}", "months"),
        ("time[]", "{24:00}", "24:00:00"),
    ],
)
def test_what_arrow_lacks_is_refused_inside_too(conn: Connection, live: str, value: str, reason: str) -> None:
    conn.execute(f"CREATE TABLE t (id int, x {live}); INSERT INTO t VALUES (1, NULL), (2, '{value}')")
    with pytest.raises(ConversionError, match=reason) as caught:
        arrowsync.read_table("t", conn)
    assert caught.value.column == "x"
    assert conn.fetch("SELECT count(*) AS n FROM t").to_pylist() == [{"n": 2}]


@pytest.mark.parametrize(
    ("live", "value", "text"),
    [
        ("money[]", "'{5.00,NULL}'", ["$5.00", None]),
        ("int4range[]", "'{\"[1,5)\"}'", ["[1,5)"]),
        ("numeric[]", "'{1.50,1e39}'", ["1.50", "1" + 39 * "0"]),
        ("numeric", "1e-39", "0." + 38 * "0" + "1"),
        ("a_table", "ROW(1)", "(1)"),
        ("a_table[]", "ARRAY[ROW(1)::a_table]", ["(1)"]),
        ("odd", "ROW(5)", "($5.00)"),
    ],
)
def test_types_that_arrow_lacks_are_read_as_the_server_says_them(
    conn: Connection, live: str, value: str, text: Any
) -> None:
    conn.execute("CREATE TABLE a_table (a int); CREATE TYPE odd AS (m money)")
    conn.execute(f"CREATE TABLE t (id int, x {live}); INSERT INTO t VALUES (1, {value})")
    assert arrowsync.read_table("t", conn).column("x").to_pylist() == [text]


SETTINGS = {
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "TimeZone": "America/St_Johns",
    "array_nulls": "off",
    "quote_all_identifiers": "on",
    "search_path": "elsewhere, public",
}


def test_settings_of_the_session_change_no_value(conn: Connection) -> None:
    arrowsync.sync_table(random_batches(Scalars, 50), Scalars, conn)
    conn.execute("""
        CREATE SCHEMA elsewhere; CREATE TABLE t AS SELECT *, ARRAY[f64] AS fs, ARRAY[aware, NULL] AS times, ARRAY[span] AS spans,
        ARRAY[data] AS datas, ARRAY[day] AS days FROM "Scalars"
    """)
    before = arrowsync.read_table("public.t", conn).sort_by("id")
    for name, value in SETTINGS.items():
        conn.execute(f"SET {name} = {value if name == 'search_path' else repr(value)}")
    assert arrowsync.read_table("public.t", conn).sort_by("id").equals(before)


def test_long_and_many_arrays_come_in_batches(conn: Connection) -> None:
    conn.execute("""
        CREATE TABLE t AS SELECT i AS id, array_agg(CASE WHEN j % 7 > 0 THEN repeat('x', j % 5) || j END ORDER BY j) AS texts,
          array_agg(i + j ORDER BY j) AS numbers, array_agg(NULLIF(j % 3, 0) ORDER BY j) AS gaps
        FROM generate_series(1, 3000) AS i, generate_series(1, CASE WHEN i % 500 = 0 THEN 20000 ELSE i % 70 + 1 END) AS j
        GROUP BY i
    """)
    batches = list(arrowsync.read_batches("t", conn))
    assert len(batches) > 3
    rows = pa.Table.from_batches(batches).sort_by("id").to_pylist()
    for i, row in enumerate(rows, 1):
        length = 20_000 if i % 500 == 0 else i % 70 + 1
        counted = range(1, length + 1)
        assert row["texts"] == [None if j % 7 == 0 else "x" * (j % 5) + str(j) for j in counted]
        assert row["numbers"] == [i + j for j in counted]
        assert row["gaps"] == [j % 3 or None for j in counted]
    assert len(rows) == 3000
