"""Enums and literals become labels and choices, and some enums a table of their own; bounds become plain values."""

# ruff: noqa: UP007, UP045  (users write the older spellings too)

from __future__ import annotations

import enum
from dataclasses import dataclass, field, make_dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional, Union
from uuid import UUID

import annotated_types as at
import pyarrow as pa
import pytest

import arrowsync
from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.markers import (
    Identity,
    MaxLength,
    Precision,
    PrimaryKey,
    Range,
    TimeZone,
    Unique,
    int8,
    int16,
    int32,
    uint8,
)
from arrowsync.declare.spec import ColumnSpec, LookupSpec
from arrowsync.errors import DeclarationError

NO_TYPE: Any = object()
ENUM = pa.dictionary(pa.int32(), pa.string())


class Color(enum.Enum):
    """What we print in.

    Two for now.
    """

    RED = "red"
    GREEN = "green"


class Size(enum.StrEnum):
    SMALL = "S"


@dataclass(frozen=True)
class Body:
    """:param mass: In kilograms."""

    name: Annotated[str, MaxLength(20)]
    mass: float
    color: Color
    found: Optional[date] = None


class Planets(enum.Enum):
    """The planets."""

    MARS = Body("Mars", 6, Color.RED)
    TERRA = Body("Earth", 5.9, Color.GREEN, date(1, 1, 1))
    EARTH = Body("Earth", 5.9, Color.GREEN, date(1, 1, 1))  # noqa: PIE796  (an alias is no member)


@dataclass
class Weight:
    grams: int


class Inherited(Weight, enum.Enum):
    LIGHT = 5


def column_of(annotation: Any, default: Any = NO_TYPE) -> ColumnSpec:
    definition: Any = ("x", annotation) if default is NO_TYPE else ("x", annotation, field(default=default))
    return read_dataclass(make_dataclass("Thing", [definition])).columns[0]


def refused(annotation: Any, default: Any = NO_TYPE) -> DeclarationError:
    with pytest.raises(DeclarationError) as caught:
        column_of(annotation, default)
    assert caught.value.table
    assert caught.value.field
    assert caught.value.hint
    return caught.value


def test_the_docstring_of_an_enum_is_its_comment() -> None:
    assert column_of(Color).enum_comment == "What we print in.\n\nTwo for now."
    assert column_of(Size).enum_comment is None
    assert column_of(enum.Enum("Made", "a b")).enum_comment is None


@pytest.mark.parametrize(
    ("annotation", "nullable"),
    [
        (Color | str, False),
        (Union[str, Color], False),
        (Unique[str | Color], False),
        (Optional[Color | str], True),
        (Color | None | str, True),
    ],
    ids=str,
)
def test_an_enum_or_any_string_takes_new_labels(annotation: Any, nullable: bool) -> None:
    column = column_of(annotation)
    assert column.lookup == LookupSpec(extensible=True)
    assert (column.type, column.labels, column.enum_name) == (ENUM, ("red", "green"), "Color")
    assert column.nullable == nullable


LONG = Annotated[str, MaxLength(16)]


@pytest.mark.parametrize("annotation", [Color | LONG, Union[LONG, Color], Optional[Color | LONG]], ids=str)
def test_the_labels_of_an_enum_that_grows_may_have_a_length(annotation: Any) -> None:
    table = make_dataclass("Thing", [("id", PrimaryKey[int]), ("x", annotation)])
    assert read_dataclass(table).columns[1].lookup == LookupSpec(extensible=True, max_length=16)
    for dialect in ("postgresql", "mysql"):
        assert "varchar(16)" in arrowsync.create_sql(table, dialect)
    code = arrowsync.to_source(table)
    assert "x: Color | Annotated[str, MaxLength(16)]" in code
    back = arrowsync.from_json_schema(arrowsync.to_json_schema(table))
    assert arrowsync.to_source(back) == code


def test_a_label_that_is_too_long_for_an_enum_that_grows() -> None:
    error = refused(Color | Annotated[str, MaxLength(4)])
    assert error.message == "Thing.x: the label 'green' of Color has 5 characters, more than MaxLength(4)"


def test_the_default_of_an_extensible_enum_is_a_label() -> None:
    assert column_of(Color | str, Color.RED).default == "red"
    assert column_of(Color | str, "red").default == "red"
    assert "none of 'red', 'green'" in str(refused(Color | str, "blue"))


def test_an_enum_of_objects_is_a_table_with_their_fields() -> None:
    column = column_of(Planets, Planets.EARTH)
    assert (column.type, column.labels, column.default) == (ENUM, ("MARS", "TERRA"), "TERRA")
    assert (column.enum_name, column.enum_comment) == ("Planets", "The planets.")
    assert column.lookup == LookupSpec(
        columns=(
            ColumnSpec("name", pa.string(), max_length=20),
            ColumnSpec("mass", pa.float64(), comment="In kilograms."),
            ColumnSpec(
                "color",
                ENUM,
                labels=("red", "green"),
                enum_name="Color",
                enum_comment="What we print in.\n\nTwo for now.",
            ),
            ColumnSpec("found", pa.date32(), nullable=True, default=None),
        ),
        rows=(("Mars", 6.0, "red", None), ("Earth", 5.9, "green", date(1, 1, 1))),
    )
    assert column.lookup is not None
    assert type(column.lookup.rows[0][1]) is float


def test_an_enum_that_inherits_from_the_dataclass_of_its_members() -> None:
    lookup = column_of(Inherited).lookup
    assert lookup is not None
    assert lookup.rows == ((5,),)


class Mixed(enum.Enum):
    BODY = Body("Mars", 6, Color.RED)
    TEXT = "text"


def enum_of(*fields: Any, values: tuple[Any, ...] = (1,)) -> type[enum.Enum]:
    member = make_dataclass("Member", fields, frozen=True)
    made: Any = enum.Enum("Made", {"A": member(*values)})
    return made


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Mixed, "are of the types Body, str"),
        (Planets | str, "takes no new labels"),
        (enum_of(("id", int)), "Member.id: the lookup table of the enum Made has a column 'id' already"),
        (enum_of(("value", int)), "'value' already"),
        (enum_of(("a", PrimaryKey[int])), "Member.a: a member of the enum Made can't be the primary key"),
        (enum_of(("a", list[int])), "plain values"),
        (enum_of(("a", Body)), "plain values"),
        (enum_of(("a", Color | str)), "plain values"),
        (enum_of(("a", int8), values=(1000,)), "Made.A: a = 1000 is out of the range of int8"),
        (enum_of(("a", int), values=(None,)), "a is None"),
        (Annotated[Color | str, MaxLength(3)], "MaxLength doesn't apply"),
        (Color | Size | str, "one type"),
        (Color | int, "one type"),
    ],
    ids=str,
)
def test_an_enum_that_cannot_work_is_refused(annotation: Any, words: str) -> None:
    assert words in str(refused(annotation))


@pytest.mark.parametrize(
    ("annotation", "choices"),
    [(Literal[1, 2], (1, 2)), (Literal[-5, 3, 3], (-5, 3)), (Literal[1] | Literal[7], (1, 7))],
    ids=str,
)
def test_a_literal_of_integers_has_choices(annotation: Any, choices: tuple[int, ...]) -> None:
    assert column_of(annotation) == ColumnSpec("x", pa.int64(), choices=choices)
    assert column_of(Optional[annotation]).nullable
    assert column_of(annotation, choices[1]).default == choices[1]
    assert f"none of {choices[0]}, {choices[1]}" in str(refused(annotation, 99))


def test_a_literal_of_integers_and_none() -> None:
    assert column_of(Literal[1, None]) == ColumnSpec("x", pa.int64(), nullable=True, choices=(1,))


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Literal["a", 1], 'quote it: "1"'),
        (Literal[True], "True is neither"),
        (Literal[b"a"], "neither"),
        (Literal[1] | Literal["a"], "either strings or integers"),
        (Literal[2**63], "out of the range of int64"),
        (Identity[Literal[1, 2]], "Identity column is an integer, not a Literal"),
        (Literal[None], "no members"),
    ],
    ids=str,
)
def test_a_literal_that_cannot_work_is_refused(annotation: Any, words: str) -> None:
    assert words in str(refused(annotation))


NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("annotation", "minimum", "maximum"),
    [
        (Annotated[int, Range(0, 100)], 0, 100),
        (Annotated[int16 | int32, Range(-1)], -1, None),
        (Annotated[uint8 | None, Range(maximum=9)], None, 9),
        (Annotated[float, Range(0, 0.5)], 0.0, 0.5),
        (Annotated[Decimal, Range(0, Decimal("9.5"))], Decimal(0), Decimal("9.5")),
        (Annotated[date, Range(date(2000, 1, 1))], date(2000, 1, 1), None),
        (Annotated[datetime, Range(datetime(2000, 1, 1))], datetime(2000, 1, 1), None),
        (
            Annotated[datetime, TimeZone("UTC"), Range(NOON.astimezone(timezone(timedelta(hours=2))))],
            NOON,
            None,
        ),
        # As a value is stored in a column without a zone: as the wall clock of UTC.
        (Annotated[datetime, Range(NOON.astimezone(timezone(timedelta(hours=2))))], NOON.replace(tzinfo=None), None),
        (Annotated[Annotated[int, Range(0, 50)], Range(10, 100)], 10, 50),
        (Annotated[int, at.Ge(1), at.Le(5)], 1, 5),
        (Annotated[int, at.Gt(1), at.Lt(5)], 2, 4),
        (Annotated[int, at.Interval(gt=0, le=8)], 1, 8),
        (Annotated[Decimal, at.Ge(Decimal(1))], Decimal(1), None),
        (Annotated[int, at.Ge(1), Range(0, 3)], 1, 3),
    ],
    ids=str,
)
def test_a_range_bounds_the_values(annotation: Any, minimum: Any, maximum: Any) -> None:
    column = column_of(annotation)
    assert (column.minimum, column.maximum) == (minimum, maximum)
    assert (type(column.minimum), type(column.maximum)) == (type(minimum), type(maximum))
    if isinstance(minimum, datetime):
        assert column.minimum.tzinfo == minimum.tzinfo


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Annotated[str, Range(0, 1)], "Range doesn't apply to str"),
        (Annotated[bool, Range(0, 1)], "Range doesn't apply to bool"),
        (Annotated[Color, Range(0, 1)], "Range doesn't apply to Color"),
        (Annotated[UUID, Range(0, 1)], "Range doesn't apply to UUID"),
        (Annotated[int8, Range(0, 128)], "128 of Range(minimum=0, maximum=128) is out of the range of int8"),
        (Annotated[uint8, Range(-1)], "out of the range"),
        (Annotated[int, Range(0.5)], "of type float, not int"),
        (Annotated[float, Range(float("nan"))], "no number"),
        (Annotated[float, Range(maximum=float("inf"))], "no number"),
        (Annotated[Decimal, Precision(4, 2), Range(Decimal("0.001"))], "doesn't fit"),
        (Annotated[date, Range(datetime(2000, 1, 1))], "not date"),
        (Annotated[int, Range(0, 1), Range(2, 3)], "2 or more, and 1 or less"),
        (Annotated[float, at.Gt(0)], "Range(...)"),
        (Annotated[int, at.Lt(1.5)], "Range(...)"),
        (Annotated[str, at.MinLen(3)], "unknown annotation"),
        (Annotated[str, at.Ge("a")], "Range doesn't apply to str"),
    ],
    ids=str,
)
def test_a_range_that_cannot_work_is_refused(annotation: Any, words: str) -> None:
    assert words in str(refused(annotation))


@pytest.mark.parametrize(
    ("annotation", "default", "words"),
    [
        (Annotated[int, Range(0, 100)], 101, "more than 100"),
        (Annotated[int, Range(0, 100)], -1, "less than 0"),
        (Annotated[float, Range(0.0)], float("nan"), "less than 0.0"),
        (Annotated[date, Range(date(2000, 1, 1))], date(1999, 12, 31), "less than 2000-01-01"),
    ],
    ids=str,
)
def test_a_default_outside_of_the_range_is_refused(annotation: Any, default: Any, words: str) -> None:
    assert words in str(refused(annotation, default))
    assert column_of(Optional[annotation], None).default is None


def test_a_default_at_the_bounds() -> None:
    assert column_of(Annotated[int, Range(0, 100)], 100).default == 100
    assert column_of(Annotated[int, Range(0, 100)], 0).default == 0
