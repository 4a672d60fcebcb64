"""Every type in the catalog of a live PostgreSQL server: its column is read, synced back without a change, and copied exactly.

The types are asked of the server, so that those of the next version are tested too. A type that takes none of `TEXTS` fails the
test, until it gets a text there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from adbc_driver_postgresql import dbapi
from contract import left_out
from contract.left_out import described
from contract.postgres import over_adbc

import arrowsync
from arrowsync import Connection, ConversionError

DRIVERS = ("asyncpg", "adbc")

TEXTS = {
    "bool": ("t", "f"),
    "bytea": (r"\x00ff", r"\x"),
    "bpchar": ("a ", "b"),
    "char": ("x",),
    "name": ("a name",),
    "numeric": ("1.50", "2", "NaN", "1e300"),
    "interval": ("2 days 01:00:00.5", "-1 day"),
    "date": ("0001-01-01", "2026-11-30"),
    "time": ("23:59:59.999999",),
    "timetz": ("10:00:00.5+02", "00:00:00-15:59:59"),
    "timestamp": ("2026-11-30 10:00:00.123456",),
    "timestamptz": ("2026-11-30 10:00:00.123456+02",),
    "uuid": ("01234567-89ab-cdef-0123-456789abcdef",),
    "json": ('{"a" : 1.50, "a": 2}',),
    "jsonb": ('{"a": 1.50}',),
    "xml": ("<a>1</a>", "text"),
    "inet": ("10.0.0.1/8", "::1"),
    "cidr": ("10.0.0.0/8",),
    "macaddr": ("08:00:2b:01:02:03",),
    "macaddr8": ("08:00:2b:01:02:03:04:05",),
    "money": ("$5.00", "-$0.10"),
    "bit": ("1",),
    "varbit": ("10101", ""),
    "float4": ("0.1", "-0", "NaN"),
    "float8": ("0.1", "-0", "Infinity"),
    "point": ("(0.1,1e+300)",),
    "line": ("{1,-1,0.5}",),
    "lseg": ("[(0,0),(1,1)]",),
    "box": ("(1,1),(0,0)",),
    "path": ("((0,0),(1,1))", "[(0,0),(1,1)]"),
    "polygon": ("((0,0),(1,1),(1,0))",),
    "circle": ("<(0,0),1.5>",),
    "tsvector": ("'a':1A,2 'b c'",),
    "tsquery": ("'a' & !'b':*",),
    "jsonpath": ('$."a"[*]',),
    "pg_lsn": ("16/B374D848",),
    "tid": ("(0,1)",),
    "txid_snapshot": ("10:20:10,14",),
    "pg_snapshot": ("10:20:10,14",),
    "aclitem": ("=r/{user}",),
    "refcursor": ("a cursor",),
    "hstore": ('"a"=>"1", "b"=>NULL',),
    "regclass": ("pg_class",),
    "regproc": ("now",),
    "regprocedure": ("abs(integer)",),
    "regoper": ("pg_catalog.||/",),
    "regoperator": ("+(integer,integer)",),
    "regtype": ("integer",),
    "regrole": ("{user}",),
    "regnamespace": ("pg_catalog",),
    "regconfig": ("english",),
    "regdictionary": ("simple",),
    "regcollation": ('"C"',),
    "regdatabase": ("postgres",),
    "int2vector": ("1 2",),
    "oidvector": ("1 2",),
    "daterange": ("[2026-01-01,2026-02-01)", "empty"),
    "tsrange": ('["2026-01-01 00:00:00","2026-01-01 10:00:00.5")',),
    "tstzrange": ('["2026-01-01 00:00:00+00",)',),
    "datemultirange": ("{[2026-01-01,2026-02-01)}",),
    "tsmultirange": ('{["2026-01-01 00:00:00","2026-01-01 10:00:00")}',),
    "tstzmultirange": ('{["2026-01-01 00:00:00+00","2026-01-01 10:00:00+00")}',),
    "state": ("new", "it's"),
    "pair": ('(1,"a b")',),
    "odd": ('(01,"[1,5)",1.50)',),
    "float_range": ("[0.1,1.5]",),
}
"""Texts that a type takes; the others take one of `COMMON`, or are `CLOSED`."""
COMMON = ("1", "a", "[1,5)", "{[1,5)}")
CLOSED = {"pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list", "gtsvector", "pg_brin_bloom_summary"} | {
    "pg_brin_minmax_multi_summary",
    "ghstore",
    "pg_ddl_command",
}
"""Types that take no text at all: only the server itself makes their values."""

DURATIONS = {"interval 0", "interval 1", "interval domain", "interval array"}

ASKED = """SELECT t.typname::text AS name, format_type(t.oid, -1) AS type, t.typarray <> 0 AS has_array
FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typtype IN ('b', 'e', 'r', 'm', 'c') AND coalesce(c.relkind = 'c', true) AND t.typisdefined
  AND t.typname !~ '^_' AND t.typcategory <> 'Z' OR t.typname = 'char' ORDER BY 1"""

OWN = """CREATE TYPE state AS ENUM ('new', 'it''s'); CREATE TYPE pair AS (a int, b text);
CREATE TYPE odd AS (a bit(2), b int4range, c numeric); CREATE TYPE float_range AS RANGE (subtype = float8);"""


def literal(value: Any) -> str:
    return f"ARRAY[{', '.join(map(quoted, value))}]" if isinstance(value, list) else quoted(value)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def connected(url: str, driver: str) -> Iterator[Connection]:
    with over_adbc.connected(url) if driver == "adbc" else arrowsync.connect(url) as conn:
        yield conn


def sample(conn: Connection, name: str, kind: str) -> list[str]:
    """Literals of a type, each of which it takes."""
    user = conn.fetch("SELECT current_user::text AS name").to_pylist()[0]["name"]
    if name in TEXTS:
        return [f"{quoted(text.replace('{user}', user) if '{user}' in text else text)}::{kind}" for text in TEXTS[name]]
    for text in COMMON:
        try:
            conn.execute(f"SELECT {quoted(text)}::{kind}")
        except arrowsync.ArrowSyncError:
            continue
        return [f"{quoted(text)}::{kind}"]
    return []


def every_type(conn: Connection) -> tuple[list[tuple[str, str, str]], set[str]]:
    """Columns of every type, of arrays of it, and of domains over it: name, type, value; and the types without a value."""
    columns: list[tuple[str, str, str]] = []
    without: set[str] = set()
    for row in conn.fetch(ASKED).to_pylist():
        values = sample(conn, row["name"], row["type"])
        if not values:
            without.add(row["name"])
            continue
        base = row["name"]
        columns += [(f"{base} {at}", row["type"], value) for at, value in enumerate(values)]
        conn.execute(f'CREATE DOMAIN "d {base}" AS {row["type"]}')
        columns.append((f"{base} domain", f'"d {base}"', values[0]))
        if row["has_array"]:
            columns.append((f"{base} array", f"{row['type']}[]", f"ARRAY[{values[0]}, NULL]"))
    return columns, without


def texts_of(conn: Connection, table: str) -> dict[str, str | None]:
    """The server's own text of each value of the first row."""
    names = arrowsync.read_table(table, conn).column_names
    listed = ", ".join(f'"{name}"::text' for name in names)
    return conn.fetch(f"SELECT {listed} FROM {table} WHERE id = 1").to_pylist()[0]


def rows_of(conn: Connection, table: str) -> list[dict[str, Any]]:
    """The server's own text of each row, and which version of it is where."""
    return conn.fetch(f"SELECT t::text AS row, xmin::text, ctid::text FROM {table} AS t ORDER BY id").to_pylist()


@pytest.mark.parametrize(
    ("server", "driver"), [("postgres_url", "asyncpg"), ("postgres_url", "adbc"), ("postgres18_url", "asyncpg")]
)
def test_every_type_is_read_and_written_back_as_it_is(request: pytest.FixtureRequest, server: str, driver: str) -> None:
    with connected(request.getfixturevalue(server), driver) as conn:
        conn.execute(f"CREATE EXTENSION IF NOT EXISTS hstore; {OWN}")
        columns, without = every_type(conn)
        assert len(columns) > 250
        assert without <= CLOSED
        listed = ", ".join(f'"{name}" {kind}' for name, kind, _ in columns)
        conn.execute(f"CREATE TABLE here (id int PRIMARY KEY, {listed})")
        conn.execute(
            f"INSERT INTO here VALUES (1, {', '.join(value for *_, value in columns)}); INSERT INTO here VALUES (2)"
        )
        conn.execute("CREATE TABLE there (LIKE here INCLUDING ALL)")
        before, texts = rows_of(conn, "here"), texts_of(conn, "here")
        data = arrowsync.read_table("here", conn)
        report = arrowsync.sync_table(data, "here", conn)
        assert texts_of(conn, "here") == texts
        assert (report.outcomes(), report.changes) == ({"inserted": 0, "updated": 0, "unchanged": 2}, ())
        assert rows_of(conn, "here") == before
        assert arrowsync.sync_table(data, "there", conn).inserted == 2
        copied = texts_of(conn, "there")
        # A duration is a number of microseconds: a day becomes 24 hours where nothing was before.
        assert {name: text for name, text in copied.items() if text != texts[name]}.keys() <= DURATIONS
        for name in without:
            conn.execute(f'ALTER TABLE here ADD "{name} closed" {name}')
        assert described(conn, "here") == arrowsync.read_table("here", conn).column_names


HOSTILE = {
    "extra_float_digits": "-15",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "bytea_output": "escape",
    "xmloption": "document",
    "array_nulls": "off",
    "TimeZone": "Asia/Kolkata",
    "lc_monetary": "C",
}
OF_SETTINGS = {
    "p": ("point", "'(0.1234567890123456,1e-300)'"),
    "b": ("box[]", "array['((0.1,0.7),(1.1,3.3))'::box, NULL]"),
    "f": ("float_range", "'[0.1234567890123456,1.5]'"),
    "m": ("money", "'-1234.56'"),
    "z": ("timetz", "'10:00:00.123456+02:30'"),
    "d": ("daterange", "'[2026-02-01,2026-11-12)'"),
    "t": ("tstzrange", "'[2026-02-01 10:00:00.5+02,)'"),
    "x": ("xml", "'text<a/>'"),
    "c": (
        "mixed",
        "ROW('-1 mon 2 days -03:04:05.678', 0.1234567890123456, '\\x00ff5c', '101', '2026-02-01', '2026-02-01 10:00:00+02')",
    ),
}
"""Columns that are read as text, with values whose text depends on settings."""


@contextmanager
def native(url: str, driver: str) -> Iterator[Any]:
    """A connection whose session has the hostile settings: one of ours, or the user's own one of ADBC."""
    settings = [f"SET {name} = '{value}'" for name, value in HOSTILE.items()]
    if driver == "adbc":
        with dbapi.connect(url, autocommit=True) as conn, conn.cursor() as cursor:
            for setting in settings:
                cursor.execute(setting)
            yield conn
        return
    with arrowsync.connect(url) as conn:
        conn.execute("; ".join(settings))
        yield conn


@pytest.mark.parametrize("driver", DRIVERS)
def test_settings_of_the_session_change_no_text(postgres_url: str, driver: str) -> None:
    with arrowsync.connect(postgres_url) as plain:
        plain.execute(
            f"{OWN} CREATE TYPE mixed AS (i interval, f float8, y bytea, b bit(3), d date, t timestamptz);"
            f"CREATE TABLE here (id int PRIMARY KEY, {', '.join(f'{name} {kind}' for name, (kind, _) in OF_SETTINGS.items())});"
            "CREATE TABLE there (LIKE here INCLUDING ALL);"
            f"INSERT INTO here VALUES (1, {', '.join(value for _, value in OF_SETTINGS.values())})"
        )
        before = rows_of(plain, "here")
    with native(postgres_url, driver) as conn:
        data = arrowsync.read_table("here", conn)
        assert arrowsync.sync_table(data, "here", conn).unchanged == 1
        assert arrowsync.sync_table(data, "there", conn).inserted == 1
    with arrowsync.connect(postgres_url) as plain:
        assert rows_of(plain, "here") == before
        assert [row["row"] for row in rows_of(plain, "there")] == [row["row"] for row in before]
        assert arrowsync.sync_table(data, "there", plain).unchanged == 1


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    ("kind", "value"), [("int[]", "[0:1]={1,2}"), ("money[]", "[2:2]={1}"), ("int[]", "[1:1][3:3]={{1}}")]
)
def test_an_array_that_a_list_would_change_is_refused_where_it_is_read(
    postgres_url: str, kind: str, value: str, driver: str
) -> None:
    with connected(postgres_url, driver) as conn:
        conn.execute(f"CREATE TABLE t (id int PRIMARY KEY, v {kind}); INSERT INTO t VALUES (1, '{value}')")
        said = conn.fetch("SELECT v::text AS v FROM t").to_pylist()
        with pytest.raises(ConversionError) as caught:
            arrowsync.read_table("t", conn)
        assert caught.value.column == "v"
        assert "[" in said[0]["v"]


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_column_whose_values_only_the_server_makes_is_left_out(postgres_url: str, driver: str) -> None:
    with connected(postgres_url, driver) as conn:
        conn.execute(
            "CREATE TABLE u (id int DEFAULT 5); CREATE TABLE t (id int PRIMARY KEY, v pg_node_tree, s text);"
            "INSERT INTO t SELECT 1, adbin, 'a' FROM pg_attrdef LIMIT 1"
        )
        left_out.check(conn)


BAD: tuple[tuple[str, Any, Any], ...] = (
    ("bit(3)", "101", "1011"),
    ("bit(3)[]", ["101"], ["1011"]),
    ("timetz(0)", "10:00:00+02", "10:00:00.5+02"),
    ("timetz", "10:00:00.1234560+02", "10:00:00.1234567+02"),
    ("tsrange", '["2026-01-01 00:00:00.1234560",)', '["2026-01-01 00:00:00.0000004",)'),
    ("tstzmultirange[]", ["{[2026-01-01,)}"], ['{["2026-01-01 00:00:00.1234567",)}']),
    ("money", "$1.500", "$1.505"),
    ("money[]", ["$1,505.50"], ["1.001"]),
    ("interval hour", "01:00:00", "01:30:00"),
    ("numeric", "1.50", "one"),
    ("numeric(100,2)", "1.50", "1.505"),
    ("numeric(3,-2)", "12300", "12345"),
    ("macaddr", "08:00:2b:01:02:03", "08"),
    ("int4range", "[1,5)", "[5,1)"),
    ("xml", "<a/>", "<a>"),
)
"""Types, a text that they take, and one that they would refuse, cut or round."""


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_text_that_is_no_value_is_a_bad_value(postgres_url: str, driver: str) -> None:
    for kind, good, bad in BAD:
        rows = [{"id": 0, "v": good}, {"id": 1, "v": bad}, {"id": 2, "v": None}]
        every: tuple[dict[str, Any], ...] = ({}, {"parallel": 2}) if driver == "asyncpg" else ({},)
        with connected(postgres_url, driver) as conn:
            for options in every:
                conn.execute(f"DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, v {kind})")
                with pytest.raises(ConversionError) as caught:
                    arrowsync.sync_table(rows, "t", conn, **options)
                assert (caught.value.column, caught.value.rows) == ("v", (1,))
                assert conn.fetch("SELECT count(*) AS n FROM t").to_pylist() == [{"n": 0}]
                report = arrowsync.sync_table(rows, "t", conn, on_error="reject", **options)
                assert (report.rows_read, report.inserted, report.rejected) == (3, 2, 1)
                assert report.rejects is not None
                assert report.rejects.select(["row", "column"]).to_pylist() == [{"row": 1, "column": "v"}]
                same = f"SELECT count(*) AS n FROM t WHERE v IS NOT DISTINCT FROM {literal(good)}::{kind}"
                if kind != "xml":  # which has no operator for this
                    assert conn.fetch(same).to_pylist() == [{"n": 1}]
                assert arrowsync.read_table("t", conn).num_rows == 2
