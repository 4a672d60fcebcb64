"""The types of live tables of MySQL and MariaDB: each is read, synced back without a change, and copied exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from contract.left_out import described

import arrowsync
from arrowsync import Connection, ConversionError

TYPES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "boolean", "tinyint(4)"), ("1", "0")),
    **dict.fromkeys(("tinyint unsigned", "int unsigned zerofill", "mediumint unsigned"), ("1", "127")),
    "bigint unsigned": ("18446744073709551615",),
    "decimal(65,30)": ("-1.500000000000000000000000000001",),
    "decimal(8,2) unsigned": ("5.00", "0"),
    "decimal(8,2) unsigned zerofill": ("5.00",),
    "float": ("0.1", "-0.0"),
    "float unsigned": ("0.1",),
    "float(7,3)": ("1.234",),
    "double": ("0.1", "-0.0", "1.7976931348623157e308"),
    "double unsigned": ("0.1",),
    "double(8,2)": ("123456.78", "-0.01"),
    "bit(1)": ("b'1'", "b'0'"),
    "bit(9)": ("b'101010101'", "b'0'"),
    "bit(64)": ("18446744073709551615",),
    "year": ("2024", "0"),
    "date": ("'1000-01-01'",),
    "datetime": ("'2026-11-30 10:00:00'",),
    "datetime(3)": ("'2026-11-30 10:00:00.123'",),
    "datetime(6)": ("'2026-11-30 10:00:00.123456'",),
    "timestamp(6) null": ("'2026-11-30 10:00:00.123456'",),
    "time(6)": ("'23:59:59.999999'",),
    "char(4)": ("'a'", "''"),
    "varchar(9)": ("'a '", "''"),
    "varchar(9) character set latin1": ("'é'",),
    **dict.fromkeys(("tinytext", "text", "mediumtext", "longtext"), ("'a\\tb'", "''")),
    "binary(3)": (r"x'610000'",),
    "binary(16)": ("x'000102030405060708090a0b0c0d0e0f'",),
    "varbinary(9)": ("x'6100'", "''"),
    **dict.fromkeys(("tinyblob", "blob", "mediumblob", "longblob"), ("x'00ff'", "''")),
    "json": ('\'{"a": 1.5, "b": [1, null]}\'',),
    "enum('a','', 'It''s')": ("'a'", "''", "'It''s'"),
    "set('a','B c','it''s')": ("'it''s,a'", "''", "'B c'"),
    "geometry": ("st_geomfromtext('LINESTRING(0 0,1.1 2)', 4326)", "point(0.1, -0.0)"),
    "point": ("point(0.1, 2)",),
    "polygon": ("st_geomfromtext('POLYGON((0 0,0 1,1 1,0 0))')",),
    "geometrycollection": ("st_geomfromtext('GEOMETRYCOLLECTION(POINT(1 1))')",),
}
"""Types, and values as SQL spells them."""
OWN: dict[str, dict[str, tuple[str, ...]]] = {
    "mysql_url": {"vector(3)": ("string_to_vector('[0.1,2,3]')",)},
    "mariadb_url": {
        "uuid": ("'123e4567-e89b-12d3-a456-426614174000'",),
        "inet6": ("'::1'", "'fe80::1'"),
        "inet4": ("'10.0.0.1'",),
    },
}
BAD: dict[str, Any] = {
    "decimal(8,2) unsigned": Decimal("-1.00"),
    "float unsigned": -1.0,
    "float(7,3)": 0.5001220703125,
    "double(8,2)": 1.005,
    "double(5,2)": 1000.0,
    "double unsigned": -0.5,
    "bit(3)": "1011",
    "bit(1)": "x",
    "set('a','b')": "A",
    "set('a','b','c')": "a,x",
    "enum('a')": "A",
}
"""What a type would cut, round or take for another value."""


def table_of_every_type(conn: Connection, types: dict[str, tuple[str, ...]]) -> str:
    columns = [
        (f"{kind[:20]} {at} {n}", kind, v) for n, (kind, of) in enumerate(types.items()) for at, v in enumerate(of)
    ]
    defined = ", ".join(f"`{name}` {kind}" for name, kind, _ in columns)
    conn.execute(f"CREATE TABLE here (id int PRIMARY KEY, {defined})")
    conn.execute(f"INSERT INTO here VALUES (1, {', '.join(value for *_, value in columns)})")
    conn.execute("INSERT INTO here (id) VALUES (2)")
    return ", ".join(f"hex(`{name}`)" for name, *_ in columns)


@pytest.mark.parametrize("server", OWN)
def test_every_type_is_read_and_written_back_as_it_is(request: pytest.FixtureRequest, server: str) -> None:
    with arrowsync.connect(request.getfixturevalue(server)) as conn:
        bytes_of = table_of_every_type(conn, {**TYPES, **OWN[server]})
        before = conn.fetch(f"SELECT {bytes_of} FROM here ORDER BY id").to_pylist()
        data = arrowsync.read_table("here", conn)
        report = arrowsync.sync_table(data, "here", conn)
        assert (report.outcomes(), report.changes) == ({"inserted": 0, "updated": 0, "unchanged": 2}, ())
        conn.execute("CREATE TABLE there LIKE here")
        assert arrowsync.sync_table(data, "there", conn).inserted == 2
        assert conn.fetch(f"SELECT {bytes_of} FROM there ORDER BY id").to_pylist() == before
        assert arrowsync.read_table("there", conn).equals(data)
        assert described(conn, "here") == data.column_names


@pytest.mark.parametrize("server", OWN)
def test_what_a_type_would_change_is_refused(request: pytest.FixtureRequest, server: str) -> None:
    with arrowsync.connect(request.getfixturevalue(server)) as conn:
        for at, (kind, bad) in enumerate(BAD.items()):
            conn.execute(f"CREATE TABLE t{at} (id int PRIMARY KEY, v {kind})")
            rows = [{"id": 1, "v": None}, {"id": 2, "v": bad}]
            with pytest.raises(ConversionError) as caught:
                arrowsync.sync_table(rows, f"t{at}", conn)
            assert (kind, caught.value.column, caught.value.rows) == (kind, "v", (1,))
            report = arrowsync.sync_table(rows, f"t{at}", conn, on_error="reject")
            assert (kind, report.inserted, report.rejected) == (kind, 1, 1)
            assert conn.fetch(f"SELECT id FROM t{at}").to_pylist() == [{"id": 1}]


def test_other_columns_are_loaded_beside_them(mysql_url: str) -> None:
    with arrowsync.connect(mysql_url) as conn:
        conn.execute("CREATE TABLE t (id int PRIMARY KEY, p decimal(8,2) unsigned, b bit(1), s set('a','b'))")
        assert arrowsync.sync_table([{"id": 1, "p": Decimal("5.00")}], "t", conn).inserted == 1
        assert arrowsync.read_table("t", conn).to_pylist() == [{"id": 1, "p": Decimal("5.00"), "b": None, "s": None}]
