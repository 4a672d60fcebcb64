"""Each Python type becomes its Arrow type, and a type or default that can't work is refused by name."""

# ruff: noqa: UP006, UP007, UP045  (users write the older spellings too)

from __future__ import annotations

import enum
import typing
from collections.abc import Collection, Mapping
from dataclasses import field, make_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Literal, NewType, Optional, Union
from uuid import UUID

import pyarrow as pa
import pytest

from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.markers import (
    Identity,
    JsonType,
    MaxLength,
    Precision,
    PrimaryKey,
    Range,
    RenamedFrom,
    TimePrecision,
    TimeZone,
    Unique,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec
from arrowsync.errors import DeclarationError

NO_TYPE: Any = object()


class Color(enum.Enum):
    RED = "red"
    GREEN = "green"
    ROUGE = "red"  # noqa: PIE796  (an alias is no member)


class Size(enum.StrEnum):
    SMALL = "S"
    LARGE = "L"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 10


UserId = NewType("UserId", int)


def to_column(annotation: Any, default: Any = NO_TYPE) -> ColumnSpec:
    definition: Any = ("x", annotation) if default is NO_TYPE else ("x", annotation, field(default=default))
    return read_dataclass(make_dataclass("Thing", [definition])).columns[0]


def refused(annotation: Any, default: Any = NO_TYPE) -> DeclarationError:
    with pytest.raises(DeclarationError) as caught:
        to_column(annotation, default)
    error = caught.value
    assert (error.table, error.field) == ("Thing", "x")
    assert error.message.startswith("Thing.x: ")
    assert error.hint
    return error


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (bool, pa.bool_()),
        (int, pa.int64()),
        (int8, pa.int8()),
        (int16, pa.int16()),
        (int32, pa.int32()),
        (int64, pa.int64()),
        (uint8, pa.uint8()),
        (uint16, pa.uint16()),
        (uint32, pa.uint32()),
        (uint64, pa.uint64()),
        (float, pa.float64()),
        (float32, pa.float32()),
        (float64, pa.float64()),
        (Decimal, pa.decimal128(38, 9)),
        (Annotated[Decimal, Precision(12, 2)], pa.decimal128(12, 2)),
        (Annotated[Decimal, Precision(38)], pa.decimal128(38, 0)),
        (Annotated[Decimal, Precision(39, 4)], pa.decimal256(39, 4)),
        (Annotated[Decimal, Precision(76, 76)], pa.decimal256(76, 76)),
        (str, pa.string()),
        (bytes, pa.binary()),
        (bytearray, pa.binary()),
        (datetime, pa.timestamp("us")),
        (Annotated[datetime, TimeZone("UTC")], pa.timestamp("us", tz="UTC")),
        (Annotated[datetime, TimePrecision(0)], pa.timestamp("s")),
        (Annotated[datetime, TimePrecision(3), TimeZone("UTC")], pa.timestamp("ms", tz="UTC")),
        (Annotated[datetime, TimePrecision(6)], pa.timestamp("us")),
        (date, pa.date32()),
        (time, pa.time64("us")),
        (timedelta, pa.duration("us")),
        (UUID, pa.uuid()),
        (dict, pa.json_()),
        (typing.Dict, pa.json_()),
        (dict[str, int], pa.json_()),
        (JsonType, pa.json_()),
        (UserId, pa.int64()),
    ],
    ids=str,
)
def test_each_type_has_its_arrow_type(annotation: Any, expected: pa.DataType) -> None:
    assert to_column(annotation) == ColumnSpec("x", expected)
    assert to_column(Optional[annotation]) == ColumnSpec("x", expected, nullable=True)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (Annotated[float, Precision(24)], pa.float32()),
        (Annotated[float, Precision(25)], pa.float64()),
        (Annotated[float, Precision(53)], pa.float64()),
        (Annotated[float32, Precision(10)], pa.float32()),
        (int16 | int32, pa.int32()),
        (Union[int8, int], pa.int64()),
        (uint8 | int16, pa.int16()),
        (uint8 | int8, pa.int16()),
        (uint32 | int8, pa.int64()),
        (uint16 | uint32, pa.uint32()),
        (float32 | float, pa.float64()),
    ],
    ids=str,
)
def test_the_smallest_type_that_holds_all_values(annotation: Any, expected: pa.DataType) -> None:
    assert to_column(annotation) == ColumnSpec("x", expected)
    assert to_column(annotation | None) == ColumnSpec("x", expected, nullable=True)


@pytest.mark.parametrize(
    ("annotation", "length"),
    [
        (Literal["unknown"] | Annotated[str, MaxLength(255)], 255),
        (Literal["a"] | str, None),
        (Annotated[str, MaxLength(3)] | Annotated[str, MaxLength(5)], 5),  # pyright: ignore[reportOperatorIssue]
        (Annotated[str, MaxLength(3)] | str, None),  # pyright: ignore[reportOperatorIssue]
    ],
    ids=str,
)
def test_a_literal_or_any_string_is_that_string(annotation: Any, length: int | None) -> None:
    assert to_column(annotation) == ColumnSpec("x", pa.string(), max_length=length)
    assert to_column(annotation, "something" if length != 5 else "some").has_default


@pytest.mark.parametrize(
    ("annotation", "version"),
    [
        (IPv4Address, "4"),
        (IPv6Address, "6"),
        (IPv4Address | IPv6Address, "any"),
        (Union[IPv6Address, IPv4Address], "any"),
    ],
    ids=str,
)
def test_an_ip_address_is_text_of_its_version(annotation: Any, version: Any) -> None:
    assert to_column(annotation) == ColumnSpec("x", pa.string(), ip=version)
    assert to_column(Optional[annotation]) == ColumnSpec("x", pa.string(), nullable=True, ip=version)


@pytest.mark.parametrize(
    ("annotation", "labels", "enum_name"),
    [
        (Color, ("red", "green"), "Color"),
        (Size, ("S", "L"), "Size"),
        (Level, ("1", "10"), "Level"),
        (Literal["b", "a", "b"], ("b", "a"), None),
    ],
    ids=str,
)
def test_an_enum_is_a_dictionary_with_labels(annotation: Any, labels: tuple[str, ...], enum_name: str | None) -> None:
    expected = ColumnSpec("x", pa.dictionary(pa.int32(), pa.string()), labels=labels, enum_name=enum_name)
    assert to_column(annotation) == expected
    assert to_column(Optional[annotation]).nullable


def test_a_literal_with_none_is_optional() -> None:
    assert to_column(Literal["a", None]) == to_column(Optional[Literal["a"]])


@pytest.mark.parametrize(
    ("annotation", "nullable", "length"),
    [
        (Annotated[str, MaxLength(5)], False, 5),
        (Annotated[bytes, MaxLength(16)], False, 16),
        (Optional[Annotated[str, MaxLength(5)]], True, 5),
        (Annotated[Optional[str], MaxLength(5)], True, 5),
        (Annotated[str | None, MaxLength(5)], True, 5),
        (Annotated[str, MaxLength(5)] | None, True, 5),  # pyright: ignore[reportOperatorIssue]
        (Unique[Optional[Annotated[str, MaxLength(5)]]], True, 5),
        (Unique[Annotated[Optional[str], MaxLength(5)]], True, 5),
        (str | None, True, None),
        (None | str, True, None),
    ],
    ids=str,
)
def test_optional_and_annotations_nest_in_any_order(annotation: Any, nullable: bool, length: int | None) -> None:
    column = to_column(annotation)
    assert (column.nullable, column.max_length) == (nullable, length)


def test_markers_nest_in_any_order() -> None:
    table = make_dataclass(
        "Thing",
        [
            ("code", PrimaryKey[Annotated[str, MaxLength(10)]]),
            ("number", PrimaryKey[Identity[int32]]),
            ("mail", Annotated[Unique[Optional[str]], RenamedFrom("email")]),
            ("tag", Unique[PrimaryKey[int]]),
        ],
    )
    spec = read_dataclass(table)
    assert spec.key == ("code", "number", "tag")
    assert spec.unique == (("mail",), ("tag",))
    assert spec.columns == (
        ColumnSpec("code", pa.string(), max_length=10),
        ColumnSpec("number", pa.int32(), identity=True),
        ColumnSpec("mail", pa.string(), nullable=True, renamed_from="email"),
        ColumnSpec("tag", pa.int64()),
    )


def test_a_unique_column_that_is_the_whole_key_needs_no_second_index() -> None:
    spec = read_dataclass(make_dataclass("Thing", [("id", PrimaryKey[Unique[int]])]))
    assert (spec.key, spec.unique) == (("id",), ())


class Pair(typing.NamedTuple):
    x: int
    y: int


class Shape(typing.TypedDict):
    x: int


class Empty(enum.Enum):
    pass


class Blank(enum.Enum):
    NOTHING = ""


class Nul(enum.Enum):
    ZERO = "a\0b"


class Twice(enum.Enum):
    NUMBER = 1
    TEXT = "1"


class Objects(enum.Enum):
    ONE = object()


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (complex, "complex"),
        (object, "object"),
        (Any, "Any"),
        (None, "None"),
        (5, "5"),
        ([int], "int"),
        (PrimaryKey, "brackets"),
        (tuple, "tuple"),
        (tuple[int, ...], "list[...]"),
        (Pair, "a dataclass"),
        (Shape, "a dataclass"),
        (Collection[int], "list[...], set[...]"),
        (Mapping[str, int], "dict"),
        (dict[int, str], "keys of a JSON object are strings"),
        (int | str, "int | str"),
        (Union[int, str, None], "one type"),
        (int | float, "one type"),
        (Annotated[int, Range(0, 5)] | int32, "one type"),
        (Literal["a", ""], "''"),
        (Empty, "Empty has no members"),
        (Blank, "Blank has the label ''"),
        (Nul, r"'a\x00b'"),
        (Twice, "'1'"),
        (Objects, "Objects.ONE"),
        (Rights, "Rights"),
        (Annotated[int, MaxLength(3)], "MaxLength doesn't apply to int"),
        (Annotated[Color, MaxLength(3)], "MaxLength doesn't apply to Color"),
        (Annotated[float, Precision(3, 1)], "Precision doesn't apply to float"),
        (Annotated[float, Precision(54)], "more than a float has"),
        (Annotated[float32, Precision(53)], "both float and Precision(53)"),
        (uint64 | int8, "uint64 and int8"),
        (Literal["abcd"] | Annotated[str, MaxLength(3)], "'abcd' has 4 characters"),
        (Annotated[Literal["abcd"] | str, MaxLength(3)], "'abcd' has 4 characters"),
        (Literal[1] | str, "1 is no string"),
        (Annotated[date, TimeZone("UTC")], "TimeZone doesn't apply to date"),
        (Annotated[time, TimePrecision(3)], "TimePrecision doesn't apply to time"),
        (Annotated[datetime, TimePrecision(2)], "TimePrecision(2)"),
        (Annotated[str, MaxLength], "MaxLength(...)"),
        (Annotated[str, "a comment"], "'a comment'"),
        (Annotated[str, MaxLength(3), MaxLength(4)], "MaxLength(n=4)"),
        (Annotated[int, RenamedFrom("x")], "the name that the column has now"),
        (Annotated[int, RenamedFrom("a\0")], "former name"),
        (PrimaryKey[Optional[int]], "primary key is never NULL"),
        (Optional[PrimaryKey[int]], "primary key is never NULL"),
        (Identity[str], "Identity"),
        (Identity[float], "Identity"),
        (Identity[int | None], "never NULL"),
    ],
    ids=str,
)
def test_a_type_that_cannot_work_is_refused_by_class_field_and_way_out(annotation: Any, words: str) -> None:
    assert words in str(refused(annotation))


def test_repeating_the_same_marker_is_harmless() -> None:
    assert to_column(Annotated[str, MaxLength(3), MaxLength(3)]).max_length == 3
    assert read_dataclass(make_dataclass("Thing", [("id", PrimaryKey[PrimaryKey[int]])])).key == ("id",)


@pytest.mark.parametrize(
    ("annotation", "default", "plain"),
    [
        (bool, False, False),
        (int, 0, 0),
        (int, Level.HIGH, 10),
        (int8, -128, -128),
        (uint64, 2**64 - 1, 2**64 - 1),
        (float, 1, 1.0),
        (float32, 0.1, 0.1),
        (float, float("inf"), float("inf")),
        (Decimal, Decimal("1.5"), Decimal("1.5")),
        (Annotated[Decimal, Precision(5, 2)], Decimal("-999.99"), Decimal("-999.99")),
        (str, "", ""),
        (str, Size.SMALL, "S"),
        (Annotated[str, MaxLength(2)], "äö", "äö"),
        (bytes, b"\0", b"\0"),
        (datetime, datetime(2024, 2, 29, 1, 2, 3, 4), datetime(2024, 2, 29, 1, 2, 3, 4)),
        (
            Annotated[datetime, TimeZone("UTC")],
            datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            datetime(2023, 12, 31, 22, tzinfo=UTC),
        ),
        (
            Annotated[datetime, TimePrecision(3)],
            datetime(2024, 1, 1, 0, 0, 0, 5000),
            datetime(2024, 1, 1, 0, 0, 0, 5000),
        ),
        (date, date(1, 1, 1), date(1, 1, 1)),
        (time, time(23, 59, 59, 999999), time(23, 59, 59, 999999)),
        (timedelta, timedelta(days=-1), timedelta(days=-1)),
        (UUID, UUID(int=1), UUID(int=1)),
        (Color, Color.ROUGE, "red"),
        (Size, Size.LARGE, "L"),
        (Level, Level.HIGH, "10"),
        (Literal["a", "b"], "b", "b"),
        (IPv4Address, IPv4Address("10.0.0.1"), "10.0.0.1"),
        (IPv4Address | IPv6Address, IPv6Address("::1"), "::1"),
        (JsonType, "ä", '"ä"'),
        (JsonType, 1.5, "1.5"),
        (Optional[int], None, None),
        (Optional[int], 3, 3),
    ],
    ids=str,
)
def test_a_default_becomes_a_plain_value(annotation: Any, default: Any, plain: Any) -> None:
    found = to_column(annotation, default)
    assert found.default == plain
    assert type(found.default) is type(plain)
    assert found.has_default


@pytest.mark.parametrize(
    ("annotation", "default", "words"),
    [
        (int, None, "isn't Optional"),
        (int, "1", "'1' is of type str, not int"),
        (int, True, "bool"),
        (int, 1.0, "float"),
        (int8, 128, "128 is out of the range of int8"),
        (int, 2**63, "range"),
        (uint8, -1, "range"),
        (bool, 1, "not bool"),
        (float, "1", "str"),
        (float, 2**53 + 1, "exactly"),
        (float32, 1e39, "float32"),
        (Decimal, 1.5, "not Decimal"),
        (Decimal, Decimal("NaN"), "doesn't fit"),
        (Annotated[Decimal, Precision(5, 2)], Decimal("0.001"), "decimal128(5, 2)"),
        (Annotated[Decimal, Precision(5, 2)], Decimal("1000"), "decimal128(5, 2)"),
        (str, b"a", "bytes"),
        (str, "a\0", "NUL"),
        (str, "\ud800", "surrogate"),
        (Annotated[str, MaxLength(2)], "abc", "3 characters, more than MaxLength(2)"),
        (Annotated[bytes, MaxLength(2)], b"abc", "3 bytes"),
        (datetime, date(2024, 1, 1), "not datetime"),
        (Annotated[datetime, TimeZone("UTC")], datetime(2024, 1, 1), "no time zone"),
        (
            Annotated[datetime, TimeZone("UTC")],
            datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            "years 1 to 9999",
        ),
        (Annotated[datetime, TimePrecision(0)], datetime(2024, 1, 1, 0, 0, 0, 1), "finer"),
        (date, datetime(2024, 1, 1), "not date"),
        (time, time(1, tzinfo=UTC), "time zone"),
        (timedelta, timedelta.max, "64 bits"),
        (UUID, "00000000-0000-0000-0000-000000000000", "not UUID"),
        (Color, "red", "not Color"),
        (Color, Size.SMALL, "not Color"),
        (Literal["a", "b"], "c", "none of 'a', 'b'"),
        (IPv4Address, IPv6Address("::1"), "not IPv4Address"),
        (JsonType, float("nan"), "JSON"),
        (JsonType, Decimal(1), "JSON"),
        (Identity[int], 1, "Identity"),
    ],
    ids=str,
)
def test_a_default_that_no_row_could_have_is_refused(annotation: Any, default: Any, words: str) -> None:
    assert words in str(refused(annotation, default))


def test_a_factory_is_no_default_of_the_column() -> None:
    table = make_dataclass("Thing", [("x", dict, field(default_factory=dict)), ("y", int, field(default_factory=int))])
    assert [column.default for column in read_dataclass(table).columns] == [NO_DEFAULT, NO_DEFAULT]
