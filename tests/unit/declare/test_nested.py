"""Lists, sets and dataclasses without a key become columns with elements and members."""

# ruff: noqa: UP006, UP045  (users write the older spellings too)

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import typing
from dataclasses import dataclass, field, make_dataclass
from typing import Annotated, Any, Optional

import pyarrow as pa
import pytest

from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.markers import (
    Check,
    ForeignKey,
    Identity,
    Index,
    JsonType,
    MaxLength,
    PrimaryKey,
    Range,
    RenamedFrom,
    Unique,
    UniqueKey,
    int16,
    int32,
)
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, Reference, StructSpec
from arrowsync.errors import DeclarationError

NO_TYPE: Any = object()


class Color(enum.Enum):
    RED = "red"
    GREEN = "green"


@dataclass(frozen=True)
class Point:
    """A place on the map.

    :param lat: Degrees north.
    """

    lat: float
    lon: float | None = 0.5


@dataclass
class Leg:
    start: Point
    via: list[Point]
    color: Color
    code: Annotated[str, MaxLength(3)] | None


@dataclass
class Team:
    id: PrimaryKey[Annotated[str, MaxLength(8)]]


@dataclass
class Order:
    number: PrimaryKey[int]
    line: PrimaryKey[int16]


@dataclass
class Node:
    value: int
    children: list[Node]


@dataclass
class Ping:
    pong: Optional[Pong]


@dataclass
class Pong:
    ping: Ping


def to_column(annotation: Any, default: Any = NO_TYPE) -> ColumnSpec:
    definition: Any = ("x", annotation) if default is NO_TYPE else ("x", annotation, field(default=default))
    return read_dataclass(make_dataclass("Thing", [definition])).columns[0]


def refused(annotation: Any, default: Any = NO_TYPE) -> DeclarationError:
    with pytest.raises(DeclarationError) as caught:
        to_column(annotation, default)
    assert caught.value.table
    assert caught.value.field
    assert caught.value.hint
    return caught.value


def list_of(element: pa.DataType, *, nullable: bool = False) -> pa.DataType:
    return pa.list_(pa.field("item", element, nullable=nullable))


@pytest.mark.parametrize(
    "annotation",
    [
        list[int32],
        typing.List[int32],
        typing.Sequence[int32],
        collections.abc.Sequence[int32],
        collections.abc.MutableSequence[int32],
    ],
    ids=str,
)
def test_each_way_to_write_a_list(annotation: Any) -> None:
    expected = ColumnSpec("x", list_of(pa.int32()), element=ColumnSpec("item", pa.int32()))
    assert to_column(annotation) == expected
    assert to_column(annotation | None) == dataclasses.replace(expected, nullable=True)


@pytest.mark.parametrize(
    "annotation",
    [
        set[str],
        frozenset[str],
        typing.Set[str],
        typing.FrozenSet[str],
        typing.AbstractSet[str],
        collections.abc.Set[str],
        collections.abc.MutableSet[str],
    ],
    ids=str,
)
def test_each_way_to_write_a_set(annotation: Any) -> None:
    expected = ColumnSpec("x", list_of(pa.string()), element=ColumnSpec("item", pa.string()), unordered=True)
    assert to_column(annotation) == expected


@pytest.mark.parametrize(
    ("annotation", "element"),
    [
        (list[Optional[int]], ColumnSpec("item", pa.int64(), nullable=True)),
        (list[Annotated[str, MaxLength(5)]], ColumnSpec("item", pa.string(), max_length=5)),
        (list[Annotated[int, Range(0, 9)]], ColumnSpec("item", pa.int64(), minimum=0, maximum=9)),
        (list[JsonType], ColumnSpec("item", pa.json_())),
        (list[int16 | int32], ColumnSpec("item", pa.int32())),
        (
            set[Color],
            ColumnSpec("item", pa.dictionary(pa.int32(), pa.string()), labels=("red", "green"), enum_name="Color"),
        ),
        (
            list[Team],
            ColumnSpec("item", pa.string(), max_length=8, references=(Reference("Team", ("id",)),)),
        ),
        (
            set[Annotated[Team, ForeignKey(on_delete="cascade")]],
            ColumnSpec(
                "item", pa.string(), max_length=8, references=(Reference("Team", ("id",), on_delete="cascade"),)
            ),
        ),
        (
            list[Annotated[str, ForeignKey(Team)]],
            ColumnSpec("item", pa.string(), references=(Reference("Team", ("id",)),)),
        ),
    ],
    ids=str,
)
def test_what_elements_are(annotation: Any, element: ColumnSpec) -> None:
    column = to_column(annotation)
    assert column.element == element
    assert column.type == list_of(element.type, nullable=element.nullable)
    arrow: Any = column.type
    assert arrow.value_field.nullable == element.nullable


def test_lists_of_lists() -> None:
    column = to_column(list[Optional[list[Annotated[str, MaxLength(2)]]]])
    assert column.type == list_of(list_of(pa.string()), nullable=True)
    assert column.element is not None
    assert column.element.nullable
    assert column.element.element == ColumnSpec("item", pa.string(), max_length=2)


POINT = StructSpec(
    "Point",
    (
        ColumnSpec("lat", pa.float64(), comment="Degrees north."),
        ColumnSpec("lon", pa.float64(), nullable=True, default=0.5),
    ),
    "A place on the map.",
)
POINT_TYPE = pa.struct([pa.field("lat", pa.float64(), nullable=False), pa.field("lon", pa.float64())])


def test_a_dataclass_without_a_key_is_a_struct() -> None:
    assert to_column(Point) == ColumnSpec("x", POINT_TYPE, struct=POINT)
    assert to_column(Optional[Point]) == ColumnSpec("x", POINT_TYPE, nullable=True, struct=POINT)
    struct = to_column(Point).struct
    assert struct is not None
    assert struct.source is Point
    arrow: Any = to_column(Point).type
    assert [member.nullable for member in arrow] == [False, True]


def test_structs_nest() -> None:
    column = to_column(list[Leg])
    assert column.element is not None
    leg = column.element.struct
    assert leg is not None
    start, via, color, code = leg.members
    assert (leg.name, start.struct, start.name) == ("Leg", POINT, "start")
    assert via.element == ColumnSpec("item", POINT_TYPE, struct=POINT)
    assert color.labels == ("red", "green")
    assert (code.max_length, code.nullable) == (3, True)
    assert column.type == list_of(pa.struct([member.arrow_field for member in leg.members]))


def test_a_struct_may_hold_keys_of_tables() -> None:
    card = make_dataclass("Card", [("team", Team), ("others", list[Team])])
    struct = to_column(card).struct
    assert struct is not None
    team, others = struct.members
    assert team.references == (Reference("Team", ("id",)),)
    assert others.element is not None
    assert others.element.references == team.references


@pytest.mark.parametrize(("table", "path"), [(Node, "Node -> Node"), (Ping, "Ping -> Pong -> Ping")])
def test_a_struct_that_contains_itself_is_refused(table: type, path: str) -> None:
    error = refused(table)
    assert f"contains itself: {path}" in error.message
    assert "PrimaryKey" in str(error.hint)
    with pytest.raises(DeclarationError, match="contains itself"):
        read_dataclass(table)


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (list, "doesn't say what its elements are"),
        (typing.Set, "doesn't say what its elements are"),
        (list[PrimaryKey[int]], "an element of a list can't be the primary key"),
        (set[Unique[int]], "an element of a set can't be unique"),
        (list[Identity[int]], "Identity"),
        (list[Annotated[int, RenamedFrom("y")]], "renamed"),
        (list[Annotated[int, Index()]], "indexed"),
        (list[Annotated[int, Check("{x} > 0")]], "checked"),
        (list[Annotated[str, ForeignKey(Team, ("id",))]], "__constraints__"),
        (list[Annotated[Team, ForeignKey(on_delete="set null")]], "item is never NULL"),
        (Annotated[list[Team], ForeignKey(on_delete="cascade")], "annotate the element"),
        (Annotated[list[str], ForeignKey(Team)], "Team.id"),
        (list[Order], "Order, whose key has several columns"),
        (list[complex], "complex"),
        (list[Any], "Any"),
        (list[int | str], "one type"),
        (Annotated[list[str], MaxLength(3)], "MaxLength doesn't apply to list[str]"),
        (Annotated[list[int], Range(0, 1)], "Range doesn't apply to list[int]"),
        (PrimaryKey[list[int]], "can't be a list or set"),
        (PrimaryKey[Point], "can't be a struct"),
        (Identity[Point], "Identity"),
        (make_dataclass("Nothing", []), "no fields"),
        (make_dataclass("Card", [("id", Unique[int])]), "Card.id: a member of the struct Card can't be unique"),
        (make_dataclass("Card", [("order", Order)]), "Card.order"),
        (make_dataclass("Card", [("n", Annotated[int, MaxLength(3)])]), "Card.n"),
        (make_dataclass("Card", [("t", Annotated[Team, ForeignKey(on_delete="cascade")])]), "no foreign key"),
        (make_dataclass("Card", [("t", list[Annotated[Team, ForeignKey(on_delete="cascade")]])]), "no foreign key"),
        (make_dataclass("Card", [("n", int)], namespace={"__constraints__": (UniqueKey("n"),)}), "__constraints__"),
        (type("Half", (Point,), {}), "only its base Point is"),
    ],
    ids=str,
)
def test_what_cannot_be_nested_is_refused(annotation: Any, words: str) -> None:
    assert words in str(refused(annotation))


@pytest.mark.parametrize(
    ("annotation", "default", "words"),
    [
        (frozenset[int], frozenset({1}), "a list or set has no default"),
        (Point, Point(1, 2), "a struct has no default"),
        (Team, "a", "a reference to another table has no default"),
        (Point, None, "isn't Optional"),
    ],
    ids=str,
)
def test_only_none_is_a_default_of_what_is_nested(annotation: Any, default: Any, words: str) -> None:
    assert words in str(refused(annotation, default))
    assert to_column(Optional[annotation], None).default is None


def test_a_factory_is_no_default_of_a_list() -> None:
    table = make_dataclass("Thing", [("x", list[int], field(default_factory=list))])
    assert read_dataclass(table).columns[0].default is NO_DEFAULT


class Unit:
    """An annotation of somebody else."""


@dataclass
class Weighed:
    grams: Annotated[int, Unit()]
    weights: list[Annotated[float, Unit]]
    either: Annotated[int16, Unit()] | int32 | None


@dataclass
class Parcel:
    content: Weighed
    sent: Annotated[Optional[Color], Unit()]


def test_annotations_that_are_skipped_are_ignored_wherever_they_stand() -> None:
    with pytest.raises(DeclarationError, match="unknown annotation") as caught:
        read_dataclass(Parcel)
    assert "skip_annotations" in str(caught.value.hint)
    content, sent = read_dataclass(Parcel, skip_annotations=(Unit,)).columns
    assert content.struct is not None
    assert [str(member.type) for member in content.struct.members] == [
        "int64",
        "list<item: double not null>",
        "int32",
    ]
    assert (sent.labels, sent.nullable) == (("red", "green"), True)
    with pytest.raises(DeclarationError):  # and that is not remembered
        read_dataclass(Parcel)


def test_our_own_markers_can_be_skipped() -> None:
    table = make_dataclass("Thing", [("x", Annotated[str, MaxLength(3)])])
    assert read_dataclass(table, skip_annotations=(MaxLength,)).columns[0].max_length is None
    assert read_dataclass(table).columns[0].max_length == 3
