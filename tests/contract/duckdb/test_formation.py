"""What DuckDB makes of declarations: the script is run, and its own catalog has what was declared, and enforces it."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field, make_dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal
from uuid import UUID

import duckdb
import pytest
from contract.duckdb.duckdb_formed import AWKWARD, columns, constraints, make, refuses, tables

from arrowsync import (
    ArrayMode,
    EnumMode,
    JsonType,
    MaxLength,
    Precision,
    PrimaryKey,
    StructMode,
    TimePrecision,
    TimeZone,
    float32,
    int8,
    int16,
    int32,
    uint8,
    uint16,
    uint32,
    uint64,
)


@pytest.fixture
def conn() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


class Color(enum.Enum):
    """What it is painted in."""

    RED = "red"
    GREEN = AWKWARD
    SMALL = "a"


TYPES: dict[str, tuple[Any, str, Any]] = {
    "bool": (bool, "BOOLEAN", True),
    "int": (int, "BIGINT", -(2**63)),
    "int32": (int32, "INTEGER", 2**31 - 1),
    "int16": (int16, "SMALLINT", -1),
    "int8": (int8, "TINYINT", -128),
    "uint8": (uint8, "UTINYINT", 255),
    "uint16": (uint16, "USMALLINT", 65535),
    "uint32": (uint32, "UINTEGER", 2**32 - 1),
    "uint64": (uint64, "UBIGINT", 2**64 - 1),
    "float": (float, "DOUBLE", 0.1),
    "float_small": (float, "DOUBLE", 5e-324),
    "float_infinite": (float, "DOUBLE", float("-inf")),
    "float32": (float32, "FLOAT", 0.5),
    "decimal": (Decimal, "DECIMAL(38,9)", Decimal("-0.000000001")),
    "precision": (Annotated[Decimal, Precision(5, 2)], "DECIMAL(5,2)", Decimal("999.99")),
    "str": (str, "VARCHAR", AWKWARD),
    "max_length": (Annotated[str, MaxLength(3)], "VARCHAR", ""),
    "bytes": (bytes, "BLOB", bytes(range(256))),
    "datetime": (datetime, "TIMESTAMP", datetime.max),
    "seconds": (Annotated[datetime, TimePrecision(0)], "TIMESTAMP_S", datetime(1, 1, 1, 2, 3, 4)),
    "milliseconds": (Annotated[datetime, TimePrecision(3)], "TIMESTAMP_MS", datetime(2024, 2, 29, 1, 2, 3, 4000)),
    "aware": (Annotated[datetime, TimeZone()], "TIMESTAMP WITH TIME ZONE", datetime(2024, 2, 29, 23, 30, tzinfo=UTC)),
    "date": (date, "DATE", date.min),
    "time": (time, "TIME", time(23, 59, 59, 999_999)),
    "timedelta": (timedelta, "INTERVAL", timedelta(days=-400, microseconds=1)),
    "uuid": (UUID, "UUID", UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")),
    "address": (IPv4Address, "VARCHAR", IPv4Address("127.0.0.1")),
    "json": (JsonType, "JSON", AWKWARD),
    "enum": (Color, "ENUM('red', '{}', 'a')".format(AWKWARD.replace("'", "''")), Color.GREEN),
    "literal": (Literal["a'b", "c"], "ENUM('a''b', 'c')", "a'b"),
    "choices": (Literal[1, 2, 3], "BIGINT", 2),
}


@pytest.mark.parametrize("name", TYPES)
def test_each_type_may_be_null_and_have_a_default(name: str, conn: duckdb.DuckDBPyConnection) -> None:
    annotation, kind, value = TYPES[name]
    fields: list[Any] = [
        ("plain", annotation),
        ("maybe", annotation | None),
        ("given", annotation, field(default=value)),
        ("two", annotation | None, field(default=value)),
        ("none", annotation | None, field(default=None)),
    ]
    make(conn, make_dataclass("T", fields))
    assert columns(conn, "T") == {
        "plain": f"{kind} NOT NULL",
        "maybe": kind,
        "given": f"{kind} NOT NULL",
        "two": kind,
        "none": kind,
    }
    stored = str(value) if name == "address" else value.value if name == "enum" else value
    stored = f'"{AWKWARD}"'.replace('"a"', '\\"a\\"').replace("\\ ", "\\\\ ") if name == "json" else stored
    conn.execute("SET TimeZone = 'Asia/Tokyo'")
    if name == "json":
        conn.execute("INSERT INTO T (plain) VALUES ('1')")
        assert conn.execute("SELECT given ->> '$', two ->> '$', none FROM T").fetchall() == [(AWKWARD, AWKWARD, None)]
        return
    conn.execute("INSERT INTO T (plain) VALUES (?)", [stored])
    same = conn.execute("SELECT plain = given, plain = two, maybe IS NULL, none IS NULL FROM T").fetchall()
    assert same == [(True, True, True, True)]
    same = conn.execute(f"SELECT given IS NOT DISTINCT FROM CAST(? AS {kind}) FROM T", [stored]).fetchall()
    assert same == [(True,)]
    refuses(conn, "INSERT INTO T (maybe) VALUES (NULL)", "NOT NULL constraint failed")


def test_a_negative_zero_keeps_its_sign(conn: duckdb.DuckDBPyConnection) -> None:
    make(conn, make_dataclass("T", [("id", PrimaryKey[int]), ("x", float, field(default=-0.0))]))
    conn.execute("INSERT INTO T (id) VALUES (1)")
    assert conn.execute("SELECT signbit(x) FROM T").fetchall() == [(True,)]


def test_an_automatic_default_is_the_zero_of_each_type(conn: duckdb.DuckDBPyConnection) -> None:
    kinds = [(name, annotation) for name, (annotation, _, _) in TYPES.items() if name not in ("address", "json")]
    make(conn, make_dataclass("T", [("id", PrimaryKey[int]), *kinds]), auto_default=True)
    conn.execute("INSERT INTO T (id) VALUES (1)")
    row = conn.execute("SELECT * EXCLUDE aware FROM T").fetchall()[0]
    assert not any(
        value for value in row[1:] if not isinstance(value, (date, UUID, str, timedelta, time)) and value != 1
    )
    assert (row[-3], row[-2], row[-1]) == ("red", "a'b", 1)


# ---- enums


class Size(enum.Enum):
    S = 1
    L = 10


@dataclass(frozen=True)
class Body:
    mass: float
    moons: int16
    note: str


class Planet(enum.Enum):
    """Where one lives."""

    EARTH = Body(5.97e24, 1, AWKWARD)
    MARS = Body(6.4e23, 2, "")


@dataclass
class Painted:
    id: PrimaryKey[int]
    color: Color
    size: Size
    other: Color | None
    usual: Color = Color.GREEN
    listed: list[Color] = field(default_factory=list)
    hues: set[Color] | None = None


COLORS = "ENUM('red', '{}', 'a')".format(AWKWARD.replace("'", "''"))


def test_enums_are_inline(conn: duckdb.DuckDBPyConnection) -> None:
    make(conn, Painted)
    assert columns(conn, "Painted") == {
        "id": "BIGINT NOT NULL",
        "color": f"{COLORS} NOT NULL",
        "size": "ENUM('1', '10') NOT NULL",
        "other": COLORS,
        "usual": f"{COLORS} NOT NULL",
        "listed": f"{COLORS}[] NOT NULL",
        "hues": f"{COLORS}[]",
    }
    conn.execute("INSERT INTO Painted (id, color, size, listed) VALUES (1, 'red', '10', ['a', 'red'])")
    assert conn.execute("SELECT usual, other, listed FROM Painted").fetchall() == [(AWKWARD, None, ["a", "red"])]
    refuses(conn, "INSERT INTO Painted (id, color, size, listed) VALUES (2, 'blue', '10', [])", "blue")
    refuses(conn, "INSERT INTO Painted (id, color, size, listed) VALUES (2, 'red', '2', [])", "'2'")
    refuses(conn, "INSERT INTO Painted (id, color, size, listed) VALUES (2, 'red', '10', ['blue'])", "blue")


@pytest.mark.parametrize("array", [ArrayMode.ARRAY, ArrayMode.JSON])
def test_enums_are_text_with_checks(array: ArrayMode, conn: duckdb.DuckDBPyConnection) -> None:
    make(conn, Painted, enum_mode=EnumMode.CHECK, array_mode=array)
    kind, one, wrong = ("JSON", """'["red"]'""", """'["blue"]'""")
    if array is ArrayMode.ARRAY:
        kind, one, wrong = ("VARCHAR[]", "['red', NULL]", "['blue']")
    found = columns(conn, "Painted")
    assert (found["color"], found["other"], found["hues"]) == ("VARCHAR NOT NULL", "VARCHAR", kind)
    assert len(constraints(conn, "Painted", "CHECK")) == 6
    conn.execute(f"INSERT INTO Painted (id, color, size, listed) VALUES (1, 'red', '1', {one})")
    assert conn.execute("SELECT usual, hues FROM Painted").fetchall() == [(AWKWARD, None)]
    for values in (
        f"'blue', '1', {one}, NULL, NULL",
        f"'red', '2', {one}, NULL, NULL",
        f"'red', '1', {wrong}, NULL, NULL",
        f"'red', '1', {one}, 'blue', NULL",
        f"'red', '1', {one}, NULL, {wrong}",
    ):
        refuses(conn, f"INSERT INTO Painted (id, color, size, listed, other, hues) VALUES (2, {values})", "CHECK")


@pytest.mark.parametrize("rows", [True, False])
def test_enums_are_lookup_tables(rows: bool, conn: duckdb.DuckDBPyConnection) -> None:
    fields = [("id", PrimaryKey[int]), ("color", Color), ("maybe", Color | None), ("listed", list[Color])]
    tint = ("usual", Color, field(default=Color.GREEN))
    options = {"enum_mode": EnumMode.RELATION, "array_mode": ArrayMode.RELATION, "initialize_tables": rows}
    # A table that was dropped leaves its sequence: the rows count from 1 all the same.
    conn.execute('CREATE SEQUENCE "Color_id_seq"; SELECT nextval(\'"Color_id_seq"\')')
    make(conn, make_dataclass("T", [*fields, tint] if rows else fields), **options)
    assert tables(conn) == {"T", "Color", "T_listed"}
    assert columns(conn, "Color") == {"id": "INTEGER NOT NULL", "value": "VARCHAR NOT NULL"}
    assert constraints(conn, "Color") == ["PRIMARY KEY(id)", 'UNIQUE("value")']
    assert columns(conn, "T_listed") == {
        "T_id": "BIGINT NOT NULL",
        "position": "INTEGER NOT NULL",
        "value": "INTEGER NOT NULL",
    }
    assert constraints(conn, "T", "FOREIGN KEY")[0] == "FOREIGN KEY (color) REFERENCES Color(id)"
    assert conn.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'Color'").fetchall() == [
        ("What it is painted in.",)
    ]
    labels = [(1, "red"), (2, AWKWARD), (3, "a")] if rows else []
    assert conn.execute('SELECT id, "value" FROM "Color" ORDER BY id').fetchall() == labels
    if rows:
        conn.execute("INSERT INTO T (id, color) VALUES (1, 1)")
        conn.execute("INSERT INTO T_listed VALUES (1, 0, 3), (1, 1, 3)")
        assert conn.execute("SELECT usual FROM T").fetchall() == [(2,)]
        refuses(conn, "INSERT INTO T_listed VALUES (1, 2, 9)", "foreign key")
    refuses(conn, "INSERT INTO T (id, color) VALUES (2, 9)", "foreign key")


def test_enums_that_are_more_than_labels_are_lookup_tables_in_every_mode(conn: duckdb.DuckDBPyConnection) -> None:
    fields = [("id", PrimaryKey[int]), ("planet", Planet), ("color", Color | str), ("then", Planet | None)]
    make(conn, make_dataclass("T", fields), initialize_tables=True)
    assert tables(conn) == {"T", "Planet", "Color"}
    assert columns(conn, "Planet") == {
        "id": "INTEGER NOT NULL",
        "value": "VARCHAR NOT NULL",
        "mass": "DOUBLE NOT NULL",
        "moons": "SMALLINT NOT NULL",
        "note": "VARCHAR NOT NULL",
    }
    assert conn.execute("SELECT * FROM Planet ORDER BY id").fetchall() == [
        (1, "EARTH", 5.97e24, 1, AWKWARD),
        (2, "MARS", 6.4e23, 2, ""),
    ]
    conn.execute("INSERT INTO Color (value) VALUES ('new')")
    conn.execute("INSERT INTO T VALUES (1, 2, 4, NULL)")
    refuses(conn, "INSERT INTO T VALUES (2, 3, 1, NULL)", "foreign key")
    refuses(conn, "INSERT INTO Color (value) VALUES ('red')", "Duplicate key")


# ---- structs and arrays


@dataclass
class Point:
    x: float
    y: float | None
    color: Color


@dataclass
class Line:
    """From one to the other."""

    start: Point
    ends: list[Point]
    names: list[Annotated[str, MaxLength(9)]]
    select: UUID | None


@dataclass
class Drawing:
    id: PrimaryKey[int]
    at: Point
    line: Line | None
    lines: list[Line]
    grid: list[list[int32]] | None


POINT = f"STRUCT(x DOUBLE, y DOUBLE, color {COLORS})"
LINE = f'STRUCT("start" {POINT}, ends {POINT}[], "names" VARCHAR[], "select" UUID)'
DOCS = ["JSON", "JSON", "JSON", "JSON"]


def test_structs_and_lists_are_types(conn: duckdb.DuckDBPyConnection) -> None:
    make(conn, Drawing)
    assert columns(conn, "Drawing") == {
        "id": "BIGINT NOT NULL",
        "at": f"{POINT} NOT NULL",
        "line": LINE,
        "lines": f"{LINE}[] NOT NULL",
        "grid": "INTEGER[][]",
    }
    point = "{'x': 1.5, 'y': NULL, 'color': 'red'}"
    line = f"{{'start': {point}, 'ends': [{point}], 'names': ['a'], 'select': NULL}}"
    conn.execute(f"INSERT INTO Drawing VALUES (1, {point}, NULL, [{line}], [[1], NULL])")
    assert conn.execute("SELECT lines[1].ends[1].x, grid FROM Drawing").fetchall() == [(1.5, [[1], None])]
    refuses(conn, f"INSERT INTO Drawing VALUES (2, {point.replace('red', 'blue')}, NULL, [], NULL)", "blue")


@pytest.mark.parametrize(
    ("struct", "array", "expected"),
    [
        (StructMode.TYPE, ArrayMode.JSON, [POINT, LINE.replace(f"{POINT}[]", "JSON").replace("VARCHAR[]", "JSON"), *DOCS[:2]]),
        (StructMode.JSON, ArrayMode.ARRAY, ["JSON", "JSON", "JSON[]", "INTEGER[][]"]),
        (StructMode.JSON, ArrayMode.JSON, DOCS),
        (StructMode.TEXT, ArrayMode.ARRAY, ["VARCHAR", "VARCHAR", "VARCHAR[]", "INTEGER[][]"]),
        (StructMode.TEXT, ArrayMode.TEXT, ["VARCHAR", "VARCHAR", "VARCHAR", "VARCHAR"]),
    ],
)  # fmt: skip
def test_structs_and_lists_are_documents(
    struct: StructMode, array: ArrayMode, expected: list[str], conn: duckdb.DuckDBPyConnection
) -> None:
    make(conn, Drawing, struct_mode=struct, array_mode=array)
    found = [kind.removesuffix(" NOT NULL") for kind in columns(conn, "Drawing").values()]
    assert found[1:] == expected


@dataclass
class Tag:
    """A word."""

    name: PrimaryKey[Annotated[str, MaxLength(20)]]


@dataclass
class Post:
    blog: PrimaryKey[int]
    number: PrimaryKey[int16]
    steps: list[int32]
    words: set[Annotated[str, MaxLength(5)]]
    colors: list[Color]
    points: list[Point]
    tags: list[Tag]
    fans: set[Tag]


def test_lists_are_join_tables(conn: duckdb.DuckDBPyConnection) -> None:
    make(conn, Post, array_mode=ArrayMode.RELATION)
    values = {
        "steps": "INTEGER",
        "words": "VARCHAR",
        "colors": COLORS,
        "points": POINT,
        "tags": "VARCHAR",
        "fans": "VARCHAR",
    }
    assert tables(conn) == {"Post", "Tag", *(f"Post_{name}" for name in values)}
    for name, kind in values.items():
        ordered = name not in ("words", "fans")
        table = f"Post_{name}"
        assert columns(conn, table) == {
            "Post_blog": "BIGINT NOT NULL",
            "Post_number": "SMALLINT NOT NULL",
            **({"position": "INTEGER NOT NULL"} if ordered else {}),
            "value": f"{kind} NOT NULL",
        }
        last = '"position"' if ordered else '"value"'
        expected = [
            f"PRIMARY KEY(Post_blog, Post_number, {last})",
            "FOREIGN KEY (Post_blog, Post_number) REFERENCES Post(blog, number)",
        ]
        expected += ['FOREIGN KEY ("value") REFERENCES Tag("name")'] if name in ("tags", "fans") else []
        assert constraints(conn, table) == expected
    conn.execute("INSERT INTO Post VALUES (1, 1); INSERT INTO Tag VALUES ('a')")
    conn.execute(
        "INSERT INTO Post_tags VALUES (1, 1, 0, 'a'), (1, 1, 1, 'a'); INSERT INTO Post_fans VALUES (1, 1, 'a')"
    )
    refuses(conn, "INSERT INTO Post_tags VALUES (1, 1, 2, 'b')", "foreign key")
    refuses(conn, "INSERT INTO Post_tags VALUES (1, 2, 0, 'a')", "foreign key")
    refuses(conn, "INSERT INTO Post_fans VALUES (1, 1, 'a')", "Duplicate key")
    refuses(conn, "DELETE FROM Post", "foreign key")


def test_lists_of_rows_are_join_tables_in_every_mode(conn: duckdb.DuckDBPyConnection) -> None:
    make(conn, Post)
    assert tables(conn) == {"Post", "Tag", "Post_tags", "Post_fans"}
    assert columns(conn, "Post")["words"] == "VARCHAR[] NOT NULL"
