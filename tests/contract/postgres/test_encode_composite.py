"""Composite types on a server: of members that only a server has, and from a declared struct to the table."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Annotated, Any

import pyarrow as pa
import pytest
from contract.postgres.pg_by_text import LAYOUTS, ByText, in_runs

import arrowsync
from arrowsync import JsonType, MaxLength, PrimaryKey
from arrowsync.catalog import Column, ObjectName, SqlType
from arrowsync.dialects.contract import LoadTarget
from arrowsync.errors import ConversionError, DatabaseError

TABLE = ObjectName("public", "t")
month_day_nano: Any = pa.MonthDayNano


@pytest.fixture(params=["postgres_url", "postgres18_url"])
def server(request: pytest.FixtureRequest) -> Iterator[ByText]:
    server = ByText(request.getfixturevalue(request.param))
    yield server
    server.close()


TYPES = """
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('sad', 'it''s');
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN tag AS varchar(3);
CREATE DOMAIN tags AS text[];
CREATE TYPE inner_one AS (n positive, mood mood, moods mood[]);
CREATE DOMAIN checked AS inner_one CHECK ((VALUE).n < 100);
CREATE TYPE outer_one AS (
  p positive, t tag, dropped bigint, ts tags, c citext, cs citext[], ch char(5), name name, j json, b bytea, i interval,
  f time(3), net cidr, n numeric, grid integer[], inner_one inner_one, inners inner_one[], checked checked);
ALTER TYPE outer_one DROP ATTRIBUTE dropped;
CREATE TABLE t (one outer_one, many outer_one[]);
"""
INNER = pa.struct(
    [("moods", pa.list_(pa.string())), ("n", pa.int64()), ("mood", pa.dictionary(pa.int8(), pa.string()))]
)
OUTER = pa.struct(
    [
        pa.field("p", pa.int32()),
        pa.field("t", pa.string()),
        pa.field("ts", pa.list_(pa.string())),
        pa.field("c", pa.string()),
        pa.field("cs", pa.list_(pa.string())),
        pa.field("ch", pa.string()),
        pa.field("name", pa.string()),
        pa.field("j", pa.string()),
        pa.field("b", pa.binary(2)),
        pa.field("i", pa.month_day_nano_interval()),
        pa.field("f", pa.time32("ms")),
        pa.field("net", pa.string()),
        pa.field("n", pa.decimal256(60, 30)),
        pa.field("grid", pa.list_(pa.list_(pa.int16()))),
        pa.field("inner_one", INNER),
        pa.field("inners", pa.list_(INNER)),
        pa.field("checked", INNER),
    ]
)
INNERS: list[Any] = [
    None,
    {"n": None, "mood": None, "moods": None},
    {"n": 7, "mood": "it's", "moods": ["sad", None]},
    {"n": 99, "mood": "sad", "moods": []},
]
OUTERS: list[Any] = [
    None,
    {field.name: None for field in OUTER},
    {
        "p": 2**31 - 1,
        "t": "äöü",
        "ts": ["", None, 'q"\\'],
        "c": "Ab",
        "cs": ["Ab", None],
        "ch": "x",
        "name": "n" * 63,
        "j": '{"a": 1}',
        "b": b"\0\xff",
        "i": month_day_nano([-14, 3, 1_000]),
        "f": time(1, 2, 3, 4_000),
        "net": "10.0.0.0/8",
        "n": Decimal("-12345678901234567890.000000000000000000000000000001"),
        "grid": [[1, 2], [3, None]],
        "inner_one": INNERS[2],
        "inners": INNERS,
        "checked": INNERS[3],
    },
    {"p": 1, "inners": [], "inner_one": INNERS[1], "checked": INNERS[1], "grid": []},
]


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_members_of_types_that_only_the_server_has(server: ByText, layout: str) -> None:
    """Domains, which are members by their own oid and not by that of their base, citext, char(n), name, a dropped member."""
    server.execute(TYPES)
    one = pa.array(OUTERS * 3, OUTER)
    many = pa.array([OUTERS, None, [], OUTERS[2:], [None], OUTERS[1:2]] * 2, pa.list_(OUTER))
    server.check(TABLE, pa.record_batch([LAYOUTS[layout](one), LAYOUTS[layout](many)], names=["one", "many"]))


def test_a_domain_refuses_what_its_check_says(server: ByText) -> None:
    server.execute(TYPES)
    kind = pa.struct([("p", pa.int32())])
    columns = server.columns(TABLE)[:1]
    with pytest.raises(DatabaseError, match="positive"):
        server.load(TABLE, columns, [pa.record_batch([pa.array([{"p": 0}], kind)], names=["one"])])
    assert server.load(TABLE, columns, [pa.record_batch([pa.array([{"p": 1}], kind)], names=["one"])]) == 1
    assert server.rows("SELECT (one).p, one IS DISTINCT FROM NULL FROM t") == [(1, True)]


def test_a_null_struct_is_told_from_one_of_nulls(server: ByText) -> None:
    server.execute("CREATE TYPE pair AS (a integer, b text); CREATE TABLE t (c pair, cs pair[])")
    kind = pa.struct([("a", pa.int32()), ("b", pa.string())])
    values: list[Any] = [None, {"a": None, "b": None}, {"a": 1, "b": ""}]
    batch = pa.record_batch([pa.array(values, kind), pa.array([values, [], None], pa.list_(kind))], names=["c", "cs"])
    assert server.load(TABLE, server.columns(TABLE), [batch.slice(0, 1), batch.slice(1), batch.slice(3)]) == 3
    query = "SELECT num_nulls(c), (c).a, (c).b, cs[1] IS NOT DISTINCT FROM NULL, cs[2] IS DISTINCT FROM NULL FROM t"
    assert server.rows(query) == [
        (1, None, None, True, True),
        (0, None, None, True, False),
        (0, 1, "", True, False),
    ]


def test_batches_may_differ_in_their_nulls_and_dictionaries(server: ByText) -> None:
    server.execute("CREATE TYPE pair AS (a integer, b text); CREATE TABLE t (c pair)")
    kind = pa.struct([("a", pa.int32()), ("b", pa.string())])
    parts = [[{"a": 1, "b": "x"}], [None, None], [None, {"a": 2, "b": None}, {"a": 3, "b": "long" * 20}]]
    batches = [pa.record_batch([in_runs(pa.array(part, kind))], names=["c"]) for part in parts]
    assert server.load(TABLE, server.columns(TABLE), batches) == 6
    assert server.rows("SELECT (c).a FROM t WHERE c IS DISTINCT FROM NULL ORDER BY 1") == [(1,), (2,), (2,)]


def test_a_type_that_was_made_anew_has_another_oid(server: ByText) -> None:
    """The session's second load asks again."""
    kind = pa.list_(pa.struct([("a", pa.int32()), ("color", pa.string())]))
    batch = pa.record_batch([pa.array([[{"a": 1, "color": "red"}]], kind)], names=["c"])
    for _ in range(2):
        server.execute(
            "CREATE TYPE color AS ENUM ('red'); CREATE TYPE pair AS (a integer, color color); CREATE TABLE t (c pair[])"
        )
        assert server.load(TABLE, server.columns(TABLE), [batch]) == 1
        server.execute("DROP TABLE t; DROP TYPE pair; DROP TYPE color")


def test_a_type_that_was_altered_after_it_was_found_is_an_error(server: ByText) -> None:
    """Its members would come in another order."""
    server.execute("CREATE TYPE pair AS (a integer, b integer); CREATE TABLE t (c pair)")
    columns = server.columns(TABLE)
    server.execute("DROP TABLE t; DROP TYPE pair; CREATE TYPE pair AS (b integer, a integer); CREATE TABLE t (c pair)")
    batch = pa.record_batch([pa.array([{"a": 1, "b": 2}])], names=["c"])
    with pytest.raises(DatabaseError, match="pair has the members b, a, not a, b"):
        server.load(TABLE, columns, [batch])


def test_columns_of_domains_and_of_nothing_but_null(server: ByText) -> None:
    server.execute(TYPES)
    server.execute("CREATE TABLE d (p positive, ts tags, c checked, n outer_one, ns mood[], x integer)")
    table = ObjectName("public", "d")
    columns = server.columns(table)
    given = {
        "p": pa.array([1, None], pa.int64()),
        "ts": pa.array([["a", None], []]),
        "c": pa.array([INNERS[2], None], INNER),
        "n": pa.nulls(2),
        "ns": pa.nulls(2),
        "x": pa.nulls(2),
    }
    batch = pa.record_batch(list(given.values()), names=list(given))
    server.check(table, batch)
    assert server.load(table, columns, [batch.slice(0, 0), batch.slice(2)]) == 0
    server.run(server.session.load(LoadTarget(table, columns, batch.schema), iter([])))
    assert server.rows("SELECT count(*) FROM d") == [(0,)]


def test_arrays_of_domains(server: ByText) -> None:
    """The server receives elements as what the column has, whatever oid of no built-in type stands in the array."""
    server.execute(TYPES)
    server.execute("CREATE TABLE d (ps positive[])")
    table, columns = ObjectName("public", "d"), [Column("ps", SqlType("array", element=SqlType("integer")))]
    good, bad = (pa.record_batch({"ps": pa.array([[1, number]], pa.list_(pa.int32()))}) for number in (None, 0))
    assert server.load(table, columns, [good]) == 1
    with pytest.raises(DatabaseError, match="positive"):
        server.load(table, columns, [bad])
    assert server.rows("SELECT ps FROM d") == [([1, None],)]


# --- from the declaration to the table


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Spot:
    lat: float
    name: Annotated[str, MaxLength(9)] | None


@dataclass
class Trip:
    begin: Spot | None
    stops: list[Spot]
    color: Color
    price: Decimal | None


@dataclass
class Traveller:
    id: PrimaryKey[int]
    home: Spot
    last: Trip | None
    trips: list[Trip]
    colors: list[Color]
    palette: set[Color]
    words: set[str] | None
    grid: list[list[int]]


SPOT = Spot(1.5, "it's, (x)")
TRIPS = [Trip(None, [SPOT, Spot(-0.0, None)], Color.BLUE, Decimal("9.99")), Trip(SPOT, [], Color.RED, None)]
TRAVELLERS = [
    Traveller(1, SPOT, None, [], [Color.RED, Color.RED], set(), None, []),
    Traveller(2, Spot(0.0, ""), TRIPS[0], TRIPS, [], {Color.BLUE}, {"a", 'b"'}, [[1, 2], [3, 4]]),
]


def test_a_declared_struct_goes_into_its_composite_type(server: ByText) -> None:
    report = arrowsync.sync_table(TRAVELLERS, Traveller, server.url)
    assert (report.inserted, report.unchanged) == (2, 0)
    rows = server.rows(
        """SELECT id, (home).name, last IS DISTINCT FROM NULL, (last).stops[2]::text, (trips[2]).begin::text, colors::text,
  palette::text, array_length(words, 1), grid::text, (last).color::text, (last).price::text FROM "Traveller" ORDER BY id"""
    )
    assert rows == [
        (1, "it's, (x)", False, None, None, "{red,red}", "{}", None, "{}", None, None),
        (2, "", True, "(-0,)", '(1.5,"it\'s, (x)")', "{}", "{blue}", 2, "{{1,2},{3,4}}", "blue", "9.990000000"),
    ]
    again = arrowsync.sync_table(TRAVELLERS, Traveller, server.url)
    assert (again.inserted, again.updated, again.unchanged, again.changes) == (0, 0, 2, ())


def test_a_member_that_is_too_long_is_refused_before_anything_is_there(server: ByText) -> None:
    wrong = [Traveller(1, Spot(0, "0123456789"), None, [], [], set(), None, [])]
    with pytest.raises(ConversionError, match="name"):
        arrowsync.sync_table(wrong, Traveller, server.url)
    assert server.rows("SELECT to_regclass('\"Traveller\"')") == [(None,)]


@dataclass
class Document:
    id: PrimaryKey[int]
    doc: JsonType | None


def test_lists_structs_and_maps_go_into_a_json_column(server: ByText) -> None:
    docs: list[Any] = [
        pa.array([None, {"a": 'q"', "b": [1, None]}], pa.struct([("a", pa.string()), ("b", pa.list_(pa.int8()))])),
        pa.array([[], [1.5]], pa.list_view(pa.float64())),
        pa.array([[("k", date(2024, 1, 1))], []], pa.map_(pa.string(), pa.date32())),
    ]
    for number, doc in enumerate(docs):
        data = pa.table({"id": [2 * number, 2 * number + 1], "doc": doc})
        assert arrowsync.sync_table(data, Document, server.url).inserted == 2
    texts = [None, '{"a": "q\\"", "b": [1, null]}', "[]", "[1.5]", '{"k": "2024-01-01"}', "{}"]
    assert server.rows('SELECT doc::text FROM "Document" ORDER BY id') == [(text,) for text in texts]
