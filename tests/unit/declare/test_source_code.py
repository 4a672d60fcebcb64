"""The text of a module of dataclasses declares the same tables again, whatever they and their columns are called."""

from __future__ import annotations

import importlib.util
import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, make_dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.markers import ColumnName, PrimaryKey
from arrowsync.declare.python_source.write import to_source
from arrowsync.declare.spec import (
    NO_DEFAULT,
    CheckSpec,
    ColumnSpec,
    ForeignKeySpec,
    IndexSpec,
    LookupSpec,
    Reference,
    StructSpec,
    TableSpec,
)
from arrowsync.declare.tables import declared_tables
from arrowsync.errors import DeclarationError

LABELS = pa.dictionary(pa.int32(), pa.string())
NUMBERS = itertools.count()

Load = Callable[[str], ModuleType]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    """Imports a text as a module of its own."""
    folder = tmp_path_factory.mktemp("declared")
    names: list[str] = []

    def imported(text: str) -> ModuleType:
        name = f"declared_{next(NUMBERS)}"
        names.append(name)
        path = folder / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        found = importlib.util.spec_from_file_location(name, path)
        assert found is not None
        assert found.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
        return module

    yield imported
    for name in names:
        del sys.modules[name]


def ordered(spec: TableSpec) -> TableSpec:
    """The spec with its unique and foreign keys, which are in no order, in one."""
    return replace(
        spec, unique=tuple(sorted(spec.unique)), foreign_keys=tuple(sorted(spec.foreign_keys, key=lambda k: k.columns))
    )


def check_again(specs: Sequence[TableSpec], load: Load) -> str:
    """The text of `specs`, after a check that it declares them again, and that the order of them makes no difference to that."""
    for given_specs in (specs, specs[::-1]):
        text = to_source(given_specs)
        found = {(spec.namespace, spec.name): ordered(spec) for spec in declared_tables(load(text))}
        assert found == {(spec.namespace, spec.name): ordered(spec) for spec in specs}, text
    return to_source(specs)


def ruff(*arguments: str, text: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "ruff", *arguments, "-"],
        cwd=Path(sys.prefix),  # from here, arrowsync is no package of the project itself
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr + text


def check_clean(text: str) -> None:
    ruff("format", "--isolated", "--target-version=py311", "--check", "--diff", text=text)
    ruff("check", "--isolated", "--target-version=py311", text=text)


def table(*columns: ColumnSpec, name: str = "thing", **more: Any) -> TableSpec:
    return TableSpec(name, columns, **more)


def enum(name: str, *labels: str, enum_name: str | None = "Color", **more: Any) -> ColumnSpec:
    return ColumnSpec(name, LABELS, labels=labels, enum_name=enum_name, **more)


def many(name: str, element: ColumnSpec, **more: Any) -> ColumnSpec:
    element = replace(element, name="item")
    field = pa.field("item", element.type, nullable=element.nullable)
    return ColumnSpec(name, pa.list_(field), element=element, **more)


def struct(name: str, spec: StructSpec, **more: Any) -> ColumnSpec:
    return ColumnSpec(name, pa.struct([member.arrow_field for member in spec.members]), struct=spec, **more)


def refers(name: str, target: str, *columns: str, kind: pa.DataType | None = None, **more: Any) -> ColumnSpec:
    reference = Reference(target, columns or ("id",), more.pop("namespace", None), more.pop("on_delete", None))
    return ColumnSpec(name, kind or pa.int64(), references=(reference,), **more)


ID = ColumnSpec("id", pa.int64())

COLUMNS: list[tuple[ColumnSpec, str]] = [
    (ColumnSpec("x", pa.bool_(), default=True), "x: bool = True"),
    (ColumnSpec("x", pa.int64(), default=-1), "x: int = -1"),
    (ColumnSpec("x", pa.int8()), "x: int8"),
    (ColumnSpec("x", pa.uint64(), nullable=True, default=2**64 - 1), f"x: uint64 | None = {2**64 - 1}"),
    (ColumnSpec("x", pa.float64(), default=float("-inf")), 'x: float = float("-inf")'),
    (ColumnSpec("x", pa.float64(), default=1e300), "x: float = 1e300"),
    (ColumnSpec("x", pa.float32(), default=0.5), "x: float32 = 0.5"),
    (ColumnSpec("x", pa.float16()), "x: Annotated[float, ArrowType(pa.float16())]"),
    (ColumnSpec("x", pa.decimal128(38, 9), default=Decimal("1.50")), 'x: Decimal = Decimal("1.50")'),
    (ColumnSpec("x", pa.decimal128(10, 2)), "x: Annotated[Decimal, Precision(10, 2)]"),
    (ColumnSpec("x", pa.decimal256(76, 0)), "x: Annotated[Decimal, Precision(76)]"),
    (ColumnSpec("x", pa.decimal256(10, 0)), "x: Annotated[Decimal, ArrowType(pa.decimal256(10, 0))]"),
    (ColumnSpec("x", pa.decimal128(10, -3)), "x: Annotated[Decimal, ArrowType(pa.decimal128(10, -3))]"),
    (ColumnSpec("x", pa.string(), default='it\'s "a" \\ \n\x7f🎉'), "x: str = 'it\\'s \"a\" \\\\ \\n\\x7f🎉'"),
    (ColumnSpec("x", pa.string(), max_length=9), "x: Annotated[str, MaxLength(9)]"),
    (ColumnSpec("x", pa.large_string(), max_length=9), "x: Annotated[str, ArrowType(pa.large_string()), MaxLength(9)]"),
    (
        ColumnSpec("x", pa.binary(), default=b"\x00'\"\xff", max_length=9),
        'x: Annotated[bytes, MaxLength(9)] = b"\\x00\'\\"\\xff"',
    ),
    (ColumnSpec("x", pa.binary(16)), "x: Annotated[bytes, ArrowType(pa.binary(16))]"),
    (ColumnSpec("x", pa.date32(), default=date(1, 2, 3)), "x: date = date(1, 2, 3)"),
    (ColumnSpec("x", pa.date64()), "x: Annotated[date, ArrowType(pa.date64())]"),
    (ColumnSpec("x", pa.timestamp("us"), default=datetime(2024, 2, 29)), "x: datetime = datetime(2024, 2, 29)"),
    (ColumnSpec("x", pa.timestamp("ms")), "x: Annotated[datetime, TimePrecision(3)]"),
    (
        ColumnSpec("x", pa.timestamp("s", tz="UTC"), default=datetime(2024, 2, 29, 0, 5, tzinfo=UTC)),
        'x: Annotated[datetime, TimePrecision(0), TimeZone("UTC")] = datetime(2024, 2, 29, 0, 5, tzinfo=UTC)',
    ),
    (ColumnSpec("x", pa.timestamp("ns")), 'x: Annotated[datetime, ArrowType(pa.timestamp("ns"))]'),
    (
        ColumnSpec("x", pa.timestamp("us", tz="Europe/Berlin")),
        'x: Annotated[datetime, ArrowType(pa.timestamp("us", tz="Europe/Berlin"))]',
    ),
    (ColumnSpec("x", pa.time64("us"), default=time(0)), "x: time = time(0)"),
    (ColumnSpec("x", pa.time64("ns")), 'x: Annotated[time, ArrowType(pa.time64("ns"))]'),
    (ColumnSpec("x", pa.duration("us"), default=timedelta(seconds=-1)), "x: timedelta = timedelta(seconds=-1)"),
    (ColumnSpec("x", pa.duration("us"), default=timedelta(0)), "x: timedelta = timedelta(0)"),
    (ColumnSpec("x", pa.duration("s")), 'x: Annotated[timedelta, ArrowType(pa.duration("s"))]'),
    (
        ColumnSpec("x", pa.uuid(), default=UUID(int=7)),
        'x: UUID = field(default=UUID("00000000-0000-0000-0000-000000000007"))',
    ),
    (
        ColumnSpec("x", pa.string(), ip="4", default="10.0.0.1"),
        'x: IPv4Address = field(default=IPv4Address("10.0.0.1"))',
    ),
    (
        ColumnSpec("x", pa.string(), ip="any", nullable=True, default="::1"),
        'x: IPv4Address | IPv6Address | None = field(default=IPv6Address("::1"))',
    ),
    (ColumnSpec("x", pa.json_(), default='"a"'), 'x: JsonType = "a"'),
    (ColumnSpec("x", pa.json_(), default="1.5"), "x: JsonType = 1.5"),
    (ColumnSpec("x", pa.json_(), default="true"), "x: JsonType = True"),
    (ColumnSpec("x", pa.json_(), nullable=True, default=None), "x: JsonType | None = None"),
    (ColumnSpec("x", pa.int64(), choices=(1, -2)), "x: Literal[1, -2]"),
    (ColumnSpec("x", pa.int64(), nullable=True, choices=(1,), default=1), "x: Literal[1] | None = 1"),
    (ColumnSpec("x", pa.int16(), minimum=0, maximum=9), "x: Annotated[int16, Range(0, 9)]"),
    (ColumnSpec("x", pa.int64(), maximum=9), "x: Annotated[int, Range(maximum=9)]"),
    (
        ColumnSpec("x", pa.decimal128(5, 2), minimum=Decimal("0.5")),
        'x: Annotated[Decimal, Precision(5, 2), Range(Decimal("0.5"))]',
    ),
    (ColumnSpec("x", pa.date32(), minimum=date(2000, 1, 1)), "x: Annotated[date, Range(date(2000, 1, 1))]"),
    (ColumnSpec("x", pa.int64(), identity=True), "x: Identity[int]"),
    (
        ColumnSpec("x", pa.string(), nullable=True, max_length=3, renamed_from="y z"),
        'x: Annotated[str | None, MaxLength(3), RenamedFrom("y z")]',
    ),
    (ColumnSpec("x y", pa.int64()), 'x_y: Annotated[int, ColumnName("x y")]'),
    (ColumnSpec("class", pa.int32()), 'class_: Annotated[int32, ColumnName("class")]'),
    (ColumnSpec("__x", pa.int32()), 'x: Annotated[int32, ColumnName("__x")]'),
    (ColumnSpec("1", pa.int32()), 'column_1: Annotated[int32, ColumnName("1")]'),
    (ColumnSpec("date", pa.date32(), nullable=True), "date: date_ | None"),
    (ColumnSpec("int", pa.int64(), default=1), "int: int_ = 1"),
    (ColumnSpec("match", pa.string()), "match: str"),
    (enum("x", "red", "light green", "+", "++", "1", default="1"), "x: Color = Color.MEMBER_1"),
    (enum("x", "a b", 'c"', enum_name=None, default="a b"), 'x: Literal["a b", \'c"\'] = "a b"'),
    (enum("x", "a", lookup=LookupSpec(extensible=True), default="a"), "x: Color | str = Color.A"),
    (enum("x", "a", enum_name="x", nullable=True), "x: X | None"),
    (enum("x", "x", enum_name="x", default="x"), "x: X = X.X"),
    (
        many("x", ColumnSpec("", pa.string(), nullable=True, max_length=3)),
        "x: list[Annotated[str | None, MaxLength(3)]]",
    ),
    (many("x", enum("", "a"), unordered=True, nullable=True), "x: set[Color] | None"),
    (many("x", many("", ColumnSpec("", pa.int8()))), "x: list[list[int8]]"),
]


@pytest.mark.parametrize(("column", "field"), COLUMNS, ids=[field for _, field in COLUMNS])
def test_each_column_has_its_field(column: ColumnSpec, field: str, load: Load) -> None:
    text = check_again([table(column)], load)
    assert field in " ".join(text.split()).replace("[ ", "[").replace(", ]", "]")


def test_all_columns_together_are_clean(load: Load) -> None:
    columns = [replace(column, name=f"{column.name}{number}") for number, (column, _) in enumerate(COLUMNS)]
    check_clean(check_again([table(*columns)], load))


def test_the_text_is_as_one_would_write_it(load: Load) -> None:
    position = StructSpec(
        "Position", (ColumnSpec("lat", pa.float64(), comment="North."), ColumnSpec("long", pa.float64()))
    )
    team = table(
        ColumnSpec("id", pa.int64(), identity=True),
        ColumnSpec("name", pa.string(), max_length=20, comment="Its name."),
        refers("captain", "player", nullable=True, default=None, on_delete="set null"),
        name="team",
        key=("id",),
        unique=(("name",),),
        comment="A team.",
    )
    player = table(
        ID,
        refers("plays_for", "team", nullable=True),
        enum("color", "red", "light blue", default="red", enum_comment="Of the shirt."),
        ColumnSpec("born", pa.date32()),
        struct("position", position, nullable=True),
        name="player",
        key=("id",),
        indexes=(IndexSpec(("born",)), IndexSpec(("born", "lower({color})"), unique=True, name="by_birth")),
    )
    text = check_again([team, player], load)
    check_clean(text)
    assert (
        text
        == '''"""Tables, declared as dataclasses."""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated

from arrowsync import ForeignKey, Identity, Index, MaxLength, PrimaryKey, Unique


class Color(Enum):
    """Of the shirt."""

    RED = "red"
    LIGHT_BLUE = "light blue"


@dataclass
class Position:
    """:param lat: North."""

    lat: float
    long: float


@dataclass(kw_only=True)
class player:
    id: PrimaryKey[int]
    plays_for: "team | None"
    color: Color = Color.RED
    born: Annotated[date, Index()]
    position: Position | None

    __constraints__ = (Index("born", "lower({color})", unique=True, name="by_birth"),)


@dataclass
class team:
    """A team.

    :param name: Its name.
    """

    id: PrimaryKey[Identity[int]]
    name: Unique[Annotated[str, MaxLength(20)]]
    captain: Annotated[player | None, ForeignKey(on_delete="set null")] = None
'''
    )


def test_references_are_fields_of_the_class_where_they_can_be(load: Load) -> None:
    code = ColumnSpec("code", pa.string(), max_length=3)
    country = table(code, name="country", key=("code",))
    order = table(ColumnSpec("a", pa.int64()), replace(code, name="b"), name="order", key=("a", "b"))
    target = Reference("order", ("a", "b"))
    line = table(
        ColumnSpec("order_a", pa.int64(), comment="Whose line."),
        replace(code, name="order_b", comment="Whose line."),
        ColumnSpec("number", pa.int64()),
        ColumnSpec("former_a", pa.int64(), nullable=True, default=None),
        replace(code, name="former_b", nullable=True, default=None),
        replace(code, name="next_b"),
        ColumnSpec("next_a", pa.int64()),
        refers("country", "country", "code", kind=pa.string(), max_length=3),
        refers("long", "country", "code", kind=pa.string(), max_length=4, on_delete="cascade"),
        refers("given", "country", "code", kind=pa.string(), max_length=3, default="nz"),
        name="line",
        key=("order_a", "order_b", "number"),
        foreign_keys=(
            ForeignKeySpec(("order_a", "order_b"), replace(target, on_delete="cascade")),
            ForeignKeySpec(("former_a", "former_b"), replace(target, on_delete="set null")),
            ForeignKeySpec(("next_a", "next_b"), target),
        ),
    )
    text = check_again([line, order, country], load)
    check_clean(text)
    assert text.endswith('''
@dataclass(kw_only=True)
class line:
    """:param order: Whose line."""

    order: PrimaryKey[Annotated[Order, ForeignKey(on_delete="cascade")]]
    number: PrimaryKey[int]
    former: Annotated[Order | None, ForeignKey(on_delete="set null")] = None
    next_b: Annotated[str, MaxLength(3)]
    next_a: int
    country: Country
    long: Annotated[str, MaxLength(4), ForeignKey(Country, on_delete="cascade")]
    given: Annotated[str, MaxLength(3), ForeignKey(Country)] = "nz"

    __constraints__ = (ForeignKey(Order, columns=("next_a", "next_b")),)
''')
    assert 'class Order:\n    __table_name__ = "order"\n' in text


def test_tables_that_need_each_other_are_named_in_quotes(load: Load) -> None:
    one = table(
        ID,
        refers("other", "two", nullable=True),
        refers("own", "one", nullable=True),
        many("others", refers("", "two"), unordered=True),
        many("maybe", refers("", "two", nullable=True)),
        refers("kind", "two", default=3),
        ColumnSpec("any", pa.int64(), references=(Reference("one", ("id",)), Reference("two", ("id",)))),
        name="one",
        key=("id",),
    )
    two = table(
        ID,
        refers("back", "one"),
        ColumnSpec("x_k", pa.int64()),
        ColumnSpec("x_l", pa.int64()),
        name="two",
        key=("id",),
        foreign_keys=(ForeignKeySpec(("x_l", "x_k"), Reference("three", ("k", "l"))),),
    )
    three = table(
        ColumnSpec("k", pa.int64()), ColumnSpec("l", pa.int64()), refers("one", "one"), name="three", key=("k", "l")
    )
    text = check_again([one, two, three], load)
    check_clean(text)
    assert 'ForeignKey("three", columns=("x_l", "x_k"))' in to_source([three, two, one]) or '"three"' in text


def test_tables_of_one_name_in_two_namespaces(load: Load) -> None:
    a = table(ID, name="user", key=("id",), namespace="sales")
    b = table(ID, refers("boss", "user", namespace="sales"), name="user", key=("id",), namespace="my hr")
    c = table(ID, name="user", key=("id",))
    d = table(ID, refers("user", "user", namespace="my hr"), name="users", key=("id",))
    text = check_again([a, b, c, d], load)
    check_clean(text)
    assert "class user:\n    __namespace__" not in text  # a field is called user
    for line in (
        "class User:",
        "class User_2:",
        "class MyHrUser:",
        '__table_name__ = "user"',
        '__namespace__ = "my hr"',
    ):
        assert line in text, text


def test_types_of_types(load: Load) -> None:
    inner = StructSpec("inner", (ColumnSpec("no way", pa.int64(), default=1), enum("color", "red", enum_name="color")))
    other = StructSpec("inner", (ColumnSpec("no way", pa.int8()),), comment="Another one.")
    outer = StructSpec("outer", (many("inners", struct("", inner)), refers("team", "thing")), comment="Outer.")
    text = check_again(
        [
            table(
                ID,
                struct("inner", inner),
                struct("x", outer, nullable=True),
                struct("y", other),
                enum("color", "red", enum_name="color"),
                many("z", struct("", other, nullable=True), nullable=True),
                key=("id",),
            )
        ],
        load,
    )
    check_clean(text)
    assert text.count("class ") == 5


def test_enums_with_rows(load: Load) -> None:
    columns = (
        ColumnSpec("rgb", pa.string(), max_length=6, comment="In hex."),
        ColumnSpec("class", pa.int8(), nullable=True, default=None),
        ColumnSpec("since", pa.date32()),
    )
    rows = (("ff0000", None, date(2024, 1, 1)), ("00ff00", 2, date(2024, 1, 2)))
    column = enum(
        "color", "RED", "Green", enum_comment="Colors.", lookup=LookupSpec(columns=columns, rows=rows), default="RED"
    )
    text = check_again(
        [table(column, enum("free", "a", enum_name="Free", lookup=LookupSpec(extensible=True), default="a"))], load
    )
    check_clean(text)
    assert "GREEN = " not in text
    assert 'Green = ColorRow(rgb="00ff00", class_=2, since=date(2024, 1, 2))' in text
    assert "free: Free | str = Free.A" in text


def test_constraints(load: Load) -> None:
    spec = table(
        ID,
        ColumnSpec("a", pa.int64()),
        ColumnSpec("b b", pa.int64()),
        ColumnSpec("c", pa.string()),
        key=("id",),
        unique=(("c",), ("a", "b b"), ("id",), ("a",)),
        checks=(
            CheckSpec("{a} > 0"),
            CheckSpec("{a} <> 7", "not_7"),
            CheckSpec("{c} <> '{{}}'"),
            CheckSpec("{a} < {b b}"),
            CheckSpec("{a} < 9"),
        ),
        indexes=(
            IndexSpec(("b b",), name="x"),
            IndexSpec(("a",)),
            IndexSpec(("c", "a"), True),
            IndexSpec(("lower({c})",)),
        ),
    )
    text = to_source([spec])
    check_clean(text)
    (found,) = declared_tables(load(text))
    assert (found.checks, found.indexes) == (spec.checks, spec.indexes)
    assert set(found.unique) == {("a",), ("c",), ("a", "b b")}  # that of the key says nothing
    assert 'b_b: Annotated[int, ColumnName("b b"), Index(name="x")]' in text
    assert 'UniqueKey("a", "b b"),' in text
    assert 'Index("lower({c})"),' in text
    assert 'Check("{a} < 9"),' in text


COMMENTS = [
    "Plain.",
    'It\'s "quoted"',
    '"Quoted"',
    '"""',
    'a """ b',
    "back\\slash \\",
    "ends with a backslash \\",
    "emoji 🎉 and \x7f and \u200b",
    "a\n\nb\n    indented\n- list",
    "a\n    b",
    ":returns: nothing",
    "one: :param x: two",
    "thing",
    "thing(x: int)",
    "An enumeration.",
    "word " * 60 + "end",
    "x" * 200,
    "a  b   c  " * 20 + "end",
    "; DROP TABLE thing; --",
    "{braces} %s",
]


@pytest.mark.parametrize("comment", COMMENTS)
def test_comments_come_back(comment: str, load: Load) -> None:
    member = StructSpec("thing2", (ColumnSpec("a", pa.int64(), comment=comment.replace("\n", " ")),), comment=comment)
    named = enum("z", "a", enum_comment=comment)
    for more in (None, "The last."):
        specs = [table(ColumnSpec("x", pa.int64(), comment=more), struct("y", member), named, comment=comment)]
        check_clean(check_again(specs, load))


@pytest.mark.parametrize(
    ("comment", "on_table", "on_column"),
    [
        (" a ", "a", "a"),
        ("a\n\n\n\nb", "a\n\nb", "a\nb"),
        ("a\r\nb", "a\nb", "a\nb"),
        ("a\tb", "a    b", "a b"),
        ("a\n  b", "a\n  b", "a\nb"),
        ("a\n:param x: b", "a\n :param x: b", "a\n:param x: b"),
        (" \n", None, None),
    ],
)
def test_a_comment_that_no_docstring_can_carry_becomes_the_nearest(
    comment: str, on_table: str | None, on_column: str | None, load: Load
) -> None:
    text = to_source([table(ColumnSpec("x", pa.int64(), comment=comment), ID, comment=comment)])
    check_clean(text)
    (found,) = declared_tables(load(text))
    assert (found.comment, found.columns[0].comment, found.columns[1].comment) == (on_table, on_column, None)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (table(ColumnSpec("x", pa.list_(pa.int8()))), "thing.x: a declaration has no word for the Arrow type list"),
        (table(ColumnSpec("x", pa.null())), "thing.x: a declaration has no word for the Arrow type null"),
        (table(ColumnSpec("x", pa.json_(), default="{}")), "thing.x: the JSON value {} can't be the default"),
        (table(ColumnSpec("x", pa.string(), ip="4", default="10.0.0.0/8")), "thing.x: the value '10.0.0.0/8' is no IP"),
        (table(ColumnSpec("x", pa.int8(), choices=(1,))), "thing.x: a Literal of integers is of type int64, not int8"),
        (table(refers("x", "other")), "thing.x: it refers to the table other, which isn't among the given ones"),
        (
            table(ID, refers("x", "thing", "x"), key=("id",)),
            "thing.x: it refers to the columns x of thing, which aren't its primary",
        ),
        (
            table(ID, refers("x", "thing", on_delete="set null"), key=("id",)),
            'on_delete="set null", but x is never NULL',
        ),
        (table(ID, ColumnSpec("a", pa.int8()), key=("a", "id")), "thing: the columns of the primary key are a, id"),
        (
            table(ID, replace(refers("x", "thing"), identity=True), key=("id",)),
            "thing.x: an Identity column refers to a row",
        ),
    ],
)
def test_what_a_declaration_cannot_say_is_refused(spec: TableSpec, message: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        to_source([spec])
    assert message in caught.value.message
    assert caught.value.table == "thing"
    assert caught.value.hint


def test_long_lines_are_broken_as_formatters_do(load: Load) -> None:
    columns: list[ColumnSpec] = []
    for length in (5, 30, 60, 70, 76, 80, 90, 130):
        text, name = "d" * length, f"c{length}_"
        one = ColumnSpec("", pa.string(), default=text)
        long = "n" * length
        columns += [
            replace(one, name=f"{name}a"),
            replace(one, name=f"{name}b", nullable=True),
            replace(one, name=f"{name}c", max_length=200),
            replace(one, name=f"{name}d", max_length=200, nullable=True, renamed_from=long),
            replace(one, name=f"{name}e" + long),
            replace(one, name=f"{name}f" + long, default=None, nullable=True),
            replace(one, name=f"{name}g{long}?"),
            replace(one, name=f"{name}u", nullable=True),
            replace(one, name=f"{name}v"),
            ColumnSpec(f"{name}i", pa.decimal256(76, 30), default=Decimal("1" * min(length, 40) + ".5")),
            enum(f"{name}j", "a", text, enum_name=None, default=text),
            enum(f"{name}k", text, enum_name=None, default=text),
            enum(f"{name}l", "a", text, enum_name=f"E{long}", default=text),
            enum(f"{name}m", "a", enum_name=f"F{long}", nullable=True),
            many(f"{name}o", many("", ColumnSpec("", pa.string(), max_length=length))),
            many(f"{name}p", ColumnSpec("", pa.string(), max_length=length, nullable=True), nullable=True),
            many(f"{name}q" + long, enum("", text, enum_name=None)),
            ColumnSpec(f"{name}s ", pa.int64(), nullable=True, choices=tuple(range(length))),
            ColumnSpec(f"{name}t", pa.int64(), nullable=True, choices=tuple(range(length))),
            ColumnSpec(f"{name}r" + long, pa.uuid(), default=UUID(int=length)),
        ]
    unique = tuple((f"c{length}_{letter}",) for length in (70, 90) for letter in "uv")
    spec = table(
        *columns, unique=unique, name="t" * 90, namespace="s" * 78, checks=(CheckSpec("x" * 100), CheckSpec("y"))
    )
    check_clean(check_again([spec], load))


@dataclass
class Pair:
    __table_name__ = "pair of two"

    a: PrimaryKey[Annotated[int, ColumnName("the a")]]
    b: PrimaryKey[int]


def test_a_column_has_the_name_that_its_field_says() -> None:
    spec = read_dataclass(Pair)
    assert (spec.name, spec.key) == ("pair of two", ("the a", "b"))
    holder = make_dataclass("Holder", [("pair", Pair)])
    assert [column.name for column in read_dataclass(holder).columns] == ["pair_the a", "pair_b"]


def test_several_columns_have_no_one_name() -> None:
    with pytest.raises(DeclarationError, match="ColumnName names one column, and the field becomes x_the a, x_b"):
        read_dataclass(make_dataclass("Holder", [("x", Annotated[Pair, ColumnName("y")])]))
    with pytest.raises(DeclarationError, match="names no column"):
        ColumnName("")


def test_type_checkers_accept_everything(tmp_path: Path, load: Load) -> None:
    position = StructSpec("position", (ColumnSpec("class", pa.int64(), default=1), ColumnSpec("b", pa.json_())))
    colors = LookupSpec(columns=(ColumnSpec("rgb", pa.string(), default="0"),), rows=(("f00",), ("0f0",)))
    columns = [replace(column, name=f"{column.name}{number}") for number, (column, _) in enumerate(COLUMNS)]
    everything = table(
        ID,
        *columns,
        ColumnSpec("other_a", pa.int64(), nullable=True, default=None),
        ColumnSpec("other_b", pa.int64(), nullable=True, default=None),
        refers("everything", "thing", nullable=True, default=None),
        refers("given", "thing", default=1, on_delete="cascade"),
        ColumnSpec("any", pa.int64(), references=(Reference("thing", ("id",)), Reference("int", ("str",)))),
        many("things", refers("", "thing"), unordered=True),
        struct("position", position),
        enum("Enum", "RED", "GREEN", enum_name="colors", lookup=colors, default="RED"),
        *(
            ColumnSpec(word, pa.int64(), default=1)
            for word in ("str", "datetime", "dataclass", "Annotated", "UUID", "type")
        ),
        key=("id",),
        unique=(("str",), ("x1", "x2")),
        foreign_keys=(ForeignKeySpec(("other_a", "other_b"), Reference("other", ("a", "b"))),),
        checks=(CheckSpec("{str} > 0"), CheckSpec("{str} > {datetime}")),
        indexes=(IndexSpec(("x1",)), IndexSpec(("x1", "x2"))),
    )
    other = table(
        ColumnSpec("a", pa.int64()), ColumnSpec("b", pa.int64()), refers("back", "thing"), name="other", key=("a", "b")
    )
    hiding = table(ColumnSpec("str", pa.int64()), enum("int", "a", enum_name="Literal"), name="int", key=("str",))
    text = check_again([everything, other, hiding], load)
    check_clean(text)
    path = tmp_path / "everything.py"
    path.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={tmp_path}", path.name]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr + text


def test_two_tables_of_one_name_are_refused() -> None:
    with pytest.raises(DeclarationError, match="two tables have this name"):
        to_source([table(ID), table(ID)])


# Whatever can be a name, a label or a text in a database; more of what has a meaning in Python.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
AWKWARD = """
    class None match type _ __x __init__ __dict__ _x x x_ x_2 X int str date datetime Decimal UUID UTC Annotated Literal Enum
    dataclass field pa arrowsync PrimaryKey thing Thing ForeignKey Range value name mro self cls id order Order status Status
    ﬁ é ñ 名 ² ß İ a-b a.b a\"b a'b a\\b {a} %s $1 --
""".split()
NAMES = st.one_of(st.sampled_from(AWKWARD), TEXT)
LONG = st.one_of(NAMES, st.text("ab c", min_size=50, max_size=90).map(str.strip).filter(bool))


def scalars() -> st.SearchStrategy[ColumnSpec]:
    """A column of every scalar type, with a default or without."""

    def column(
        given: pa.DataType, values: st.SearchStrategy[Any] | None = None, **more: Any
    ) -> st.SearchStrategy[ColumnSpec]:
        plain = st.builds(ColumnSpec, st.just(""), st.just(given), nullable=st.booleans(), **more)
        return (
            plain
            if values is None
            else st.builds(lambda c, v: replace(c, default=v), plain, st.just(NO_DEFAULT) | values)
        )

    def integers(bits: int, *, signed: bool) -> st.SearchStrategy[int]:
        return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else st.integers(0, 2**bits - 1)

    zones = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)).map(lambda value: value.replace(tzinfo=UTC))
    lengths = st.none() | st.integers(200, 9999)
    return st.one_of(
        column(pa.bool_(), st.booleans()),
        *(column(getattr(pa, f"int{bits}")(), integers(bits, signed=True)) for bits in (8, 16, 32, 64)),
        *(column(getattr(pa, f"uint{bits}")(), integers(bits, signed=False)) for bits in (8, 16, 32, 64)),
        column(pa.float64(), st.floats(allow_nan=False)),
        column(pa.float32(), st.floats(allow_nan=False, width=32)),
        column(pa.decimal128(38, 9), st.decimals(places=9, min_value=-(10**20), max_value=10**20)),
        column(pa.decimal128(7, 0), st.integers(-999, 999).map(Decimal)),
        column(pa.decimal256(60, 30)),
        column(pa.string(), TEXT, max_length=lengths),
        column(pa.string(), st.text("a'\" ", min_size=60, max_size=90)),
        column(pa.binary(), st.binary(max_size=20), max_length=lengths),
        column(pa.timestamp("us"), st.datetimes()),
        column(pa.timestamp("s")),
        column(pa.timestamp("ns", tz="Asia/Kolkata")),
        column(pa.timestamp("us", tz="UTC"), zones),
        column(pa.date32(), st.dates()),
        column(pa.time64("us"), st.times()),
        column(pa.duration("us"), st.timedeltas(timedelta(days=-100_000_000), timedelta(days=100_000_000))),
        column(pa.uuid(), st.uuids()),
        column(pa.string(), st.ip_addresses(v=4).map(str), ip=st.just("4")),
        column(pa.string(), st.ip_addresses(v=6).map(str), ip=st.just("6")),
        column(pa.string(), st.ip_addresses().map(str), ip=st.just("any")),
        column(
            pa.json_(), st.one_of(st.booleans(), st.integers(), TEXT).map(lambda v: json.dumps(v, ensure_ascii=False))
        ),
        column(pa.int64(), choices=st.lists(integers(64, signed=True), min_size=1, unique=True).map(tuple)),
        column(pa.int32(), minimum=st.integers(-99, 0), maximum=st.none() | st.integers(0, 99)),
    )


def enums() -> st.SearchStrategy[ColumnSpec]:
    def column(
        labels: list[str], name: str | None, default: bool, lookup: LookupSpec | None, comment: str | None
    ) -> ColumnSpec:
        more: dict[str, Any] = {} if name is None else {"lookup": lookup, "enum_comment": comment}
        return enum("", *labels, enum_name=name, default=labels[-1] if default else NO_DEFAULT, **more)

    lookups = st.none() | st.just(LookupSpec(extensible=True))
    labels = st.lists(LONG, min_size=1, max_size=5, unique=True)
    return st.builds(column, labels, st.none() | NAMES, st.booleans(), lookups, st.none() | COMMENT)


def _carried(text: str) -> bool:
    """Whether it is a comment of a line that no docstring changes."""
    return text.strip() == text and len(text.splitlines()) == 1 and "\t" not in text and not text.startswith(":param")


COMMENT = LONG.filter(_carried)


MAYBE = st.none() | COMMENT
COLUMN = st.one_of(scalars(), enums())
COLUMN_NAMES = st.lists(NAMES, min_size=1, max_size=5, unique=True)
KEY_NAMES = st.lists(NAMES, max_size=2, unique=True)
TABLE_NAMES = st.lists(st.tuples(st.none() | NAMES, NAMES), min_size=1, max_size=3, unique=True)


@st.composite
def tables(draw: st.DrawFn) -> list[TableSpec]:
    """Some tables, of which each may refer to each that has a key."""
    names = draw(TABLE_NAMES)
    keys = {name: draw(KEY_NAMES) for name in names}
    specs: list[TableSpec] = []
    for namespace, name in names:
        key = keys[namespace, name]
        columns = [ColumnSpec(part, pa.int64(), comment=draw(MAYBE)) for part in key]
        foreign: list[ForeignKeySpec] = []
        for column in draw(COLUMN_NAMES):
            drawn = replace(draw(COLUMN), name=column, comment=draw(MAYBE))
            columns.append(drawn)
        for target in draw(st.lists(st.sampled_from(names), max_size=2, unique=True)):
            parts, field, optional = keys[target], draw(NAMES), draw(st.booleans())
            reference = Reference(target[1], tuple(parts), target[0])
            if len(parts) == 1:
                columns.append(ColumnSpec(field, pa.int64(), nullable=optional, references=(reference,)))
            elif parts:
                columns += [ColumnSpec(f"{field}_{part}", pa.int64(), nullable=optional) for part in parts]
                foreign.append(ForeignKeySpec(tuple(f"{field}_{part}" for part in parts), reference))
        seen = [column.name for column in columns]
        assume(len(set(seen)) == len(seen))
        comment = draw(MAYBE)
        specs.append(TableSpec(name, tuple(columns), tuple(key), (), namespace, comment, foreign_keys=tuple(foreign)))
    return specs


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(specs=tables())
def test_any_tables_come_back(specs: list[TableSpec], load: Load) -> None:
    check_again(specs, load)


@settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(specs=tables())
def test_the_text_of_any_tables_is_clean(specs: list[TableSpec]) -> None:
    check_clean(to_source(specs))
