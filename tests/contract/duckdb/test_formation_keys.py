"""Keys, indexes, checks and text of declarations in DuckDB, as its own catalog has them; and what it refuses."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, make_dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

import duckdb
import pyarrow as pa
import pytest
from contract.duckdb.duckdb_formed import AWKWARD, HERE, constraints, make, refuses, tables

from arrowsync import (
    ArrayMode,
    Check,
    EnumMode,
    ForeignKey,
    GeneratorOptions,
    Identity,
    Index,
    MaxLength,
    Precision,
    PrimaryKey,
    Range,
    StructMode,
    Unique,
    UniqueKey,
    create_sql,
    int16,
)
from arrowsync.declare.spec import CheckSpec, ColumnSpec, ForeignKeySpec, IndexSpec, Reference, StructSpec, TableSpec
from arrowsync.errors import DeclarationError


@pytest.fixture
def conn() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


ENUM = pa.dictionary(pa.int32(), pa.string())


class Color(enum.Enum):
    """What it is painted in."""

    RED = "red"
    GREEN = AWKWARD
    SMALL = "a"


@dataclass
class Point:
    x: float
    y: float | None
    color: Color


@dataclass
class Player:
    id: PrimaryKey[int]


# ---- keys


@dataclass
class Team:
    id: PrimaryKey[Identity[int]]
    name: Unique[Annotated[str, MaxLength(30)]]
    city: str
    street: str
    chief: Team | None
    extra: Unique[int] | None = None

    __constraints__ = (UniqueKey("city", "street"),)


@dataclass
class Match:
    home: PrimaryKey[int]
    round: PrimaryKey[int16]
    score: int
    guest: Team


@dataclass
class Goal:
    id: PrimaryKey[int]
    home: int
    round: int16
    by: Team | Player

    __constraints__ = (ForeignKey(Match, ("home", "round")),)


def test_keys_are_made_and_enforced(conn: duckdb.DuckDBPyConnection) -> None:
    make(conn, [Goal, Team])
    assert tables(conn) == {"Goal", "Team", "Match", "Player"}
    assert constraints(conn, "Team") == [
        "PRIMARY KEY(id)",
        'UNIQUE("name")',
        "UNIQUE(extra)",
        "UNIQUE(city, street)",
        "FOREIGN KEY (chief) REFERENCES Team(id)",
    ]
    assert constraints(conn, "Match") == ["PRIMARY KEY(home, round)", "FOREIGN KEY (guest) REFERENCES Team(id)"]
    assert constraints(conn, "Goal") == ["PRIMARY KEY(id)", 'FOREIGN KEY (home, round) REFERENCES "Match"(home, round)']
    conn.execute("INSERT INTO Team (name, city, street) VALUES ('a', 'x', 'y'), ('b', 'x', 'z')")
    conn.execute("INSERT INTO Team (name, city, street, chief) VALUES ('c', 'y', 'y', 1)")
    assert conn.execute("SELECT id FROM Team ORDER BY name").fetchall() == [(1,), (2,), (3,)]
    refuses(conn, "INSERT INTO Team (name, city, street) VALUES ('a', 'q', 'q')", "Duplicate key")
    refuses(conn, "INSERT INTO Team (name, city, street) VALUES ('d', 'x', 'y')", "Duplicate key")
    refuses(conn, "INSERT INTO Team (name, city, street, chief) VALUES ('d', 'q', 'q', 99)", "foreign key")
    conn.execute("INSERT INTO Match VALUES (1, 1, 0, 1)")
    conn.execute("INSERT INTO Goal VALUES (1, 1, 1, 7)")
    refuses(conn, "INSERT INTO Goal VALUES (2, 1, 2, 7)", "foreign key")
    refuses(conn, "INSERT INTO Match VALUES (1, 1, 3, 2)", "Duplicate key")
    refuses(conn, "DELETE FROM Match", "foreign key")


def test_no_foreign_keys_where_none_are_wanted(conn: duckdb.DuckDBPyConnection) -> None:
    make(conn, [Goal, Team], foreign_constraints=False)
    assert conn.execute("FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY'").fetchall() == []


@dataclass
class Hall:
    id: PrimaryKey[int]
    color: Color
    tags: set[int]
    __namespace__ = "a'b"


@dataclass
class Stand:
    id: PrimaryKey[int]
    hall: Hall
    __namespace__ = "a'b"


@dataclass
class Fair:
    id: PrimaryKey[Identity[int]]
    color: Color
    __namespace__ = AWKWARD


def test_namespaces_are_schemas(conn: duckdb.DuckDBPyConnection) -> None:
    make(conn, [Stand, Fair])
    found = conn.execute(f"SELECT schema_name, table_name FROM duckdb_tables() WHERE {HERE}").fetchall()
    assert set(found) == {("a'b", "Hall"), ("a'b", "Stand"), (AWKWARD, "Fair")}
    assert conn.execute("SELECT schema_name FROM duckdb_sequences()").fetchall() == [(AWKWARD,)]
    refuses(conn, """INSERT INTO "a'b"."Stand" VALUES (1, 1)""", "foreign key")


def test_lookup_and_join_tables_live_in_the_namespace(conn: duckdb.DuckDBPyConnection) -> None:
    options = {"enum_mode": EnumMode.RELATION, "array_mode": ArrayMode.RELATION, "initialize_tables": True}
    make(conn, [Stand, Fair], **options)
    found = set(conn.execute(f"SELECT schema_name, table_name FROM duckdb_tables() WHERE {HERE}").fetchall())
    assert found == {
        *(("a'b", name) for name in ("Hall", "Stand", "Color", "Hall_tags")),
        *((AWKWARD, name) for name in ("Fair", "Color")),
    }


# ---- indexes, checks, text


@dataclass
class Account:
    id: PrimaryKey[int]
    mail: Annotated[str, Index(unique=True)]
    name: Annotated[str, Index()]
    city: str
    percent: Annotated[int16, Range(0, 100)]
    day: Annotated[date, Range(minimum=date(2000, 1, 1))] | None
    price: Annotated[Decimal, Precision(8, 2), Range(maximum=Decimal("9.99"))]
    stars: Literal[1, 2, 3]
    high: Annotated[int, Check("{high} < 1000")]

    __constraints__ = (
        Index("city", "name", name="by city"),
        Index("lower({name})", "city", unique=True),
        Check("{percent} <= {high} AND {city} <> '}}{{'", name="low"),
    )


def test_indexes_and_checks_are_made_and_enforced(conn: duckdb.DuckDBPyConnection) -> None:
    make(conn, Account)
    found = conn.execute("SELECT index_name, is_unique, expressions FROM duckdb_indexes() ORDER BY ALL").fetchall()
    assert [(unique, parts) for _, unique, parts in found] == [
        (False, "[city, '\"name\"']"),
        (True, "['(lower(\"name\"))', city]"),
        (True, "[mail]"),
        (False, "['\"name\"']"),
    ]
    assert found[0][0] == "by city"
    assert len(constraints(conn, "Account", "CHECK")) == 6
    good = {
        "id": "1", "mail": "'m'", "name": "'n'", "city": "'c'", "percent": "0", "day": "NULL", "price": "9.99", "stars": "3",
        "high": "0",
    }  # fmt: skip
    conn.execute(f"INSERT INTO Account VALUES ({', '.join(good.values())})")
    other = {**good, "id": "2", "mail": "'o'", "name": "'p'"}
    bad = [
        ("percent", "101"), ("percent", "-1"), ("day", "DATE '1999-12-31'"), ("price", "10"), ("stars", "4"), ("high", "1000"),
        ("percent", "1"), ("city", "'}{'"), ("mail", "'m'"), ("name", "'N'"),
    ]  # fmt: skip
    for name, value in bad:
        refuses(conn, f"INSERT INTO Account VALUES ({', '.join({**other, name: value}.values())})")
    conn.execute(f"INSERT INTO Account VALUES ({', '.join(other.values())})")


def adversary() -> TableSpec:
    """A table in which every name, comment, label and default is the adversary's."""
    labels = (AWKWARD, "b")
    enum_column = ColumnSpec(
        "label", ENUM, labels=labels, enum_name=AWKWARD, enum_comment=AWKWARD, default=AWKWARD, nullable=True
    )
    members = (ColumnSpec(AWKWARD, pa.int64(), comment=AWKWARD), replace(enum_column, name="select"))
    struct = StructSpec(AWKWARD, members, AWKWARD)
    struct_type = pa.struct([member.arrow_field for member in members])
    element = ColumnSpec("item", struct_type, struct=struct)
    return TableSpec(
        AWKWARD,
        (
            ColumnSpec(AWKWARD, pa.int64(), identity=True, comment=AWKWARD),
            enum_column,
            ColumnSpec("text", pa.string(), default=AWKWARD),
            ColumnSpec("json", pa.json_(), default=json.dumps(AWKWARD)),
            ColumnSpec("structs", pa.list_(element.arrow_field), element=element, nullable=True),
        ),
        key=(AWKWARD,),
        unique=((AWKWARD, "text"),),
        namespace=AWKWARD,
        comment=AWKWARD,
        indexes=(IndexSpec(("text",), name=AWKWARD), IndexSpec(("lower({text})", AWKWARD))),
        checks=(CheckSpec("{text} <> 'it''s'", AWKWARD),),
    )


@pytest.mark.parametrize(
    "options", [{}, {"enum_mode": EnumMode.CHECK}, {"enum_mode": EnumMode.RELATION, "initialize_tables": True}]
)
def test_an_adversary_is_stored_exactly(options: dict[str, Any], conn: duckdb.DuckDBPyConnection) -> None:
    conn.execute("CREATE TABLE x (a INTEGER)")
    spec = adversary()
    if "initialize_tables" in options:  # the lookup table needs a name of its own
        spec = replace(
            spec, columns=(spec.columns[0], replace(spec.columns[1], enum_name=AWKWARD * 2), *spec.columns[2:])
        )
    make(conn, spec, **options)
    found = conn.execute(f"SELECT schema_name, table_name, comment FROM duckdb_tables() WHERE {HERE}").fetchall()
    lookup = [(AWKWARD, AWKWARD * 2, AWKWARD)] if "initialize_tables" in options else []
    assert sorted(found) == sorted([("main", "x", None), (AWKWARD, AWKWARD, AWKWARD), *lookup])
    query = "SELECT comment FROM duckdb_columns() WHERE table_name = ? AND column_name = ?"
    assert conn.execute(query, [AWKWARD, AWKWARD]).fetchall() == [(AWKWARD,)]
    assert (AWKWARD,) in conn.execute("SELECT index_name FROM duckdb_indexes()").fetchall()
    quoted = '"' + AWKWARD.replace('"', '""') + '"'
    name = f"{quoted}.{quoted}"
    conn.execute(f"INSERT INTO {name} (structs) VALUES ([row(1, ?)])", [AWKWARD])
    label = 1 if lookup else AWKWARD
    assert conn.execute(f"SELECT {quoted}, label, text, json ->> '$', structs FROM {name}").fetchall() == [
        (1, label, AWKWARD, AWKWARD, [{AWKWARD: 1, "select": AWKWARD}])
    ]
    if lookup:
        assert conn.execute(
            f'SELECT value FROM {quoted}."{(AWKWARD * 2).replace(chr(34), chr(34) * 2)}"'
        ).fetchall() == [
            (AWKWARD,),
            ("b",),
        ]
    refuses(conn, f"INSERT INTO {name} (text) VALUES ('it''s')", "CHECK constraint failed")


# ---- what DuckDB can't hold


def bad(*fields: Any, **namespace: Any) -> type:
    return make_dataclass("Bad", [("id", PrimaryKey[int]), *fields], namespace=namespace)


@dataclass
class Ring:
    id: PrimaryKey[int]
    link: Link | None


@dataclass
class Link:
    id: PrimaryKey[int]
    ring: Ring


@dataclass
class Outside:
    id: PrimaryKey[int]
    ring: Annotated[int | None, ForeignKey("Ring")]


def referring(*columns: str) -> list[Any]:
    """A table whose `f` refers to columns of Match."""
    target = Reference("Match", columns)
    small = (ColumnSpec("f", pa.int32()), ColumnSpec("g", pa.int16()))
    key = ForeignKeySpec(tuple(c.name for c in small[: len(columns)]), target)
    return [Match, TableSpec("Bad", small, foreign_keys=(key,))]


WITHOUT = "foreign_constraints=False"


@pytest.mark.parametrize(
    ("table", "options", "told", "name", "way_out"),
    [
        (bad(("a", int), ("A", int)), {}, "'a' and 'A' for one name", "a", "rename"),
        (bad(("RowId", int)), {}, "rowid", "RowId", "rename"),
        (bad(("d", Annotated[Decimal, Precision(39, 1)])), {}, "38 digits, not 39", "d", "Precision(38, 1)"),
        (bad(("s", make_dataclass("S", [("x", int), ("X", int)]))), {}, "'x' and 'X' of S", "s", "StructMode.JSON"),
        (bad(("t", Annotated[Team, ForeignKey(on_delete="cascade")])), {}, "no ON DELETE CASCADE", "t", "on_delete"),
        (bad(("t", Annotated[Team | None, ForeignKey(on_delete="set null")])), {}, "no ON DELETE SET NULL", "t", WITHOUT),
        (bad(("f", Fair)), {}, "another schema", "f", "one namespace"),
        (referring("home", "round"), {}, "integer can't refer to Match.home of type bigint", "f", "one type"),
        (referring("round", "home"), {}, "(round, home) is no key of Match", "f", "unique key"),
        (referring("score"), {}, "(score) is no key of Match", "f", "unique key"),
        (bad(("u", Unique[timedelta])), {}, "can't be on a column of type interval", "u", "another type"),
        (bad(("u", Annotated[list[int], Index()])), {}, "an index can't be on a column of type bigint[]", "u", "another type"),
        (bad(__namespace__="information_schema"), {}, "for itself", None, "namespace"),
        (bad(("e", list[Point])), {"array_mode": ArrayMode.RELATION, "struct_mode": StructMode.TYPE, "enum_mode": EnumMode.TYPE},
         "no EnumMode.TYPE", None, "INLINE"),
        (bad(("w", set[Point])), {"array_mode": ArrayMode.RELATION}, "the primary key can't be", "value", "another type"),
        ([Ring, Outside], {}, "waits for", None, "foreign_constraints=False"),
    ],
)  # fmt: skip
def test_what_duckdb_can_not_hold_is_refused_at_once(
    table: Any, options: dict[str, Any], told: str, name: str | None, way_out: str
) -> None:
    with pytest.raises(DeclarationError) as caught:
        create_sql(table, "duckdb", GeneratorOptions(**options))
    assert told in caught.value.message
    assert way_out in str(caught.value.hint)
    assert name is None or caught.value.field == name


NUL_STRUCT = StructSpec("S", (ColumnSpec("a\0b", pa.int64()),))
NUL_MEMBER = ColumnSpec("s", pa.struct([pa.field("a\0b", pa.int64())]), struct=NUL_STRUCT)


@pytest.mark.parametrize(
    "table",
    [
        TableSpec("t", (ColumnSpec("a\0b", pa.int64()),)),
        TableSpec("t", (NUL_MEMBER,)),
        bad(("a", Literal["x\0y"])),
        bad(("a", str, field(default="x\0y"))),
        bad(__table_name__="a\0b"),
        bad(__namespace__="a\0b"),
        bad(__doc__="a\0b"),
        bad(("a", int), __doc__="A table.\n\n:param a: x\0y"),
        bad(("a", Annotated[int, Index(name="a\0b")])),
        bad(("a", list[Literal["x\0y"]])),
        bad(("a", int), __constraints__=(Check("{a} <> 'x\0y'"),)),
    ],
)
def test_nul_is_refused_as_a_declaration(table: type | TableSpec) -> None:
    with pytest.raises(DeclarationError):
        create_sql(table, "duckdb")


def test_what_duckdb_can_not_hold_is_formed_without_foreign_keys(conn: duckdb.DuckDBPyConnection) -> None:
    make(conn, [Ring, Outside], foreign_constraints=False)
    assert tables(conn) == {"Ring", "Link", "Outside"}
