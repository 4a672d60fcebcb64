"""Declarations, one for each feature of the formation: what golden files, live servers and generated code are tested with.

A new feature is its classes and a line in `FEATURES`; then write its golden files (as
`tests/unit/generate/test_golden.py` says).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Literal
from uuid import UUID

from arrowsync.declare.markers import (
    Check,
    ForeignKey,
    Identity,
    Index,
    JsonType,
    MaxLength,
    Precision,
    PrimaryKey,
    Range,
    TimePrecision,
    TimeZone,
    Unique,
    UniqueKey,
    float32,
    int8,
    int16,
    int32,
    uint8,
    uint16,
    uint32,
    uint64,
)
from arrowsync.options import ArrayMode, EnumMode, GeneratorOptions, StructMode


@dataclass(frozen=True)
class Feature:
    """Tables that show one feature, the options that they are formed with, and why some databases refuse them."""

    tables: tuple[type, ...]
    options: GeneratorOptions = field(default_factory=GeneratorOptions)
    not_in: Mapping[str, str] = field(default_factory=dict[str, str])


NOBODY = UUID("00000000-0000-4000-8000-000000000001")
HOME = IPv4Address("127.0.0.1")

# ---- types


@dataclass
class Measurement:
    """One row of each plain type."""

    id: PrimaryKey[int]
    valid: bool
    tiny: int8
    small: int16
    medium: int32
    level: uint8
    port: uint16
    counter: uint32
    serial: uint64
    ratio: float
    coarse: float32
    amount: Decimal
    note: str
    raw: bytes
    taken_at: datetime
    received_at: Annotated[datetime, TimeZone()]
    day: date
    clock: time
    lasted: timedelta
    sensor: UUID
    payload: dict[str, object]
    extra: JsonType
    source: IPv4Address
    gateway: IPv6Address
    peer: IPv4Address | IPv6Address


class Plan(enum.Enum):
    """What a customer pays for."""

    FREE = "free"
    TEAM = "team"


@dataclass
class Subscription:
    id: PrimaryKey[int]
    plan: Plan = Plan.FREE
    renewal: Literal["monthly", "yearly"] = "yearly"
    active: bool = True
    seats: int = 1
    balance: int = -5
    discount: float = 0.25
    price: Annotated[Decimal, Precision(10, 2)] = Decimal("9.90")
    currency: Annotated[str, MaxLength(3)] = "EUR"
    title: str = "untitled"
    seal: Annotated[bytes, MaxLength(4)] = b"\x00\xff'\\"
    begins: date = date(2024, 2, 29)
    signed: datetime = datetime(2024, 2, 29, 12, 30, 0, 250_000)
    counted_from: Annotated[datetime, TimeZone()] = datetime(2024, 1, 1, tzinfo=UTC)
    reminder: time = time(8, 15)
    notice: timedelta = timedelta(days=30, hours=6)
    owner: UUID = NOBODY
    server: IPv4Address = HOME
    settings: JsonType = "none"
    ends: date | None = None
    comment: str | None = None
    rating: int | None = 3


@dataclass
class Document:
    id: PrimaryKey[Annotated[str, MaxLength(40)]]
    language: Annotated[str, MaxLength(2)]
    title: Annotated[str, MaxLength(255)]
    body: str
    digest: Annotated[bytes, MaxLength(32)]
    scan: bytes | None


@dataclass
class Essay:
    slug: PrimaryKey[str]
    body: str


@dataclass
class Invoice:
    number: PrimaryKey[int]
    total: Annotated[Decimal, Precision(12, 2)]
    pieces: Annotated[Decimal, Precision(9)]
    rate: Annotated[Decimal, Precision(18, 10)]
    printed: Annotated[datetime, TimePrecision(0)]
    sent: Annotated[datetime, TimePrecision(3)]
    paid: Annotated[datetime, TimePrecision(6)] | None
    booked: Annotated[datetime, TimePrecision(3), TimeZone("UTC")]


@dataclass
class Ledger:
    id: PrimaryKey[int]
    wei: Annotated[Decimal, Precision(76, 18)]


# ---- enums


class Color(enum.Enum):
    """The colors that we print in."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"


@dataclass
class Poster:
    id: PrimaryKey[int]
    background: Color
    frame: Color | None
    ink: Color = Color.BLUE


@dataclass
class Swatch:
    id: PrimaryKey[int]
    color: Color | str
    other: Color | str | None = None


class Priority(enum.Enum):
    LOW = 1
    HIGH = 10


@dataclass
class Ticket:
    id: PrimaryKey[int]
    priority: Priority = Priority.LOW


@dataclass(frozen=True)
class Planet:
    """What is known of a planet.

    :param moons: Confirmed ones.
    """

    name: Annotated[str, MaxLength(20)]
    mass: float
    moons: int16


class Planets(enum.Enum):
    """Where a probe can be sent."""

    MARS = Planet("Mars", 6.4171e23, 2)
    VENUS = Planet("Venus", 4.8675e24, 0)


@dataclass
class Probe:
    id: PrimaryKey[int]
    target: Planets
    then: Planets | None


@dataclass
class Shirt:
    id: PrimaryKey[int]
    size: Literal["S", "M", "L"]
    fit: Literal["slim", "wide"] | None = None


@dataclass
class Palette:
    id: PrimaryKey[int]
    colors: list[Color]
    avoided: set[Color]
    accents: list[Color] | None = None


# ---- structs and arrays


@dataclass
class Point:
    """A place on the map.

    :param lat: Degrees north.
    :param lon: Degrees east.
    """

    lat: float
    lon: float


@dataclass
class Leg:
    """From one place to the next."""

    start: Point
    end: Point
    color: Color
    names: list[str]
    minutes: int32 | None


@dataclass
class Journey:
    """A journey, leg by leg.

    :param home: Where it begins and ends.
    """

    id: PrimaryKey[int]
    home: Point
    longest: Leg | None
    legs: list[Leg]


@dataclass
class Recipe:
    id: PrimaryKey[int]
    steps: list[Annotated[str, MaxLength(200)]]
    minutes: list[int32]
    weights: list[Annotated[Decimal, Precision(8, 3)]]
    tags: set[Annotated[str, MaxLength(30)]]
    cooked_on: list[date] | None = None


@dataclass
class Singer:
    id: PrimaryKey[int]
    name: Annotated[str, MaxLength(80)]


@dataclass
class Song:
    """A song and who sings it."""

    album: PrimaryKey[int]
    track: PrimaryKey[int16]
    singers: list[Singer]
    fans: set[Singer]
    moods: set[Color]
    verses: list[Annotated[str, MaxLength(200)]]


# ---- keys


@dataclass
class Seat:
    hall: PrimaryKey[Annotated[str, MaxLength(10)]]
    row: PrimaryKey[int16]
    number: PrimaryKey[int16]
    barcode: Unique[Annotated[str, MaxLength(13)]]
    inventory: Unique[int] | None
    floor: int16
    desk: int16

    __constraints__ = (UniqueKey("floor", "desk"), UniqueKey("hall", "desk"))


@dataclass
class Visit:
    id: PrimaryKey[Identity[int]]
    page: Annotated[str, MaxLength(100)]


@dataclass
class Department:
    id: PrimaryKey[int32]
    name: Unique[Annotated[str, MaxLength(50)]]


@dataclass
class Employee:
    id: PrimaryKey[int]
    department: Department
    boss: Employee | None
    deputy: Annotated[int | None, ForeignKey("Employee")] = None


@dataclass
class Album:
    id: PrimaryKey[int]
    title: Annotated[str, MaxLength(100)]


@dataclass
class Photo:
    id: PrimaryKey[int]
    album: Annotated[Album, ForeignKey(on_delete="cascade")]
    cover_of: Annotated[Album | None, ForeignKey(on_delete="set null")]
    archive: Annotated[Album | None, ForeignKey(on_delete="restrict")]


@dataclass
class Club:
    id: PrimaryKey[int]
    captain: Player | None


@dataclass
class Player:
    id: PrimaryKey[int]
    club: Club


@dataclass
class OrderLine:
    order: PrimaryKey[int]
    line: PrimaryKey[int16]
    article: Annotated[str, MaxLength(20)]


@dataclass
class Shipment:
    id: PrimaryKey[int]
    order: int
    line: int16

    __constraints__ = (ForeignKey(OrderLine, ("order", "line"), on_delete="cascade"),)


@dataclass
class Return:
    id: PrimaryKey[int]
    order: int
    line: int16

    __constraints__ = (ForeignKey(OrderLine, ("order", "line")),)


@dataclass
class Person:
    id: PrimaryKey[int]
    name: str


@dataclass
class Company:
    id: PrimaryKey[int]
    name: str


@dataclass
class Contract:
    id: PrimaryKey[int]
    party: Person | Company
    guarantor: Person | Company | None = None


# ---- indexes and checks


@dataclass
class Account:
    id: PrimaryKey[int]
    email: Annotated[str, MaxLength(200), Index(unique=True)]
    name: Annotated[str, MaxLength(80), Index()]
    city: Annotated[str, MaxLength(80)]
    created: datetime

    __constraints__ = (Index("city", "created"), Index("created", name="newest"))


@dataclass
class Nickname:
    id: PrimaryKey[int]
    name: Annotated[str, MaxLength(80)]

    __constraints__ = (Index("lower({name})", unique=True),)


@dataclass
class Reading:
    id: PrimaryKey[int]
    percent: Annotated[int16, Range(0, 100)]
    kelvin: Annotated[float, Range(minimum=0.0)]
    price: Annotated[Decimal, Precision(8, 2), Range(maximum=Decimal("999999.99"))] | None
    since: Annotated[date, Range(date(2000, 1, 1), date(2099, 12, 31))]
    stars: Literal[1, 2, 3]
    low: int
    high: Annotated[int, Check("{high} < 1000")]

    __constraints__ = (Check("{low} <= {high}", name="low_first"), Check("{low} <> 13"))


# ---- names and text


@dataclass
class Customer:
    """Who buys from us."""

    id: PrimaryKey[int]
    favorite: Color

    __namespace__ = "crm"


@dataclass
class Complaint:
    id: PrimaryKey[int]
    customer: Customer

    __namespace__ = "crm"


@dataclass
class Parcel:
    id: PrimaryKey[int]
    size: Point
    wrapping: Color

    __namespace__ = "sales"


@dataclass
class Order:
    id: PrimaryKey[int]
    customer: Customer

    __namespace__ = "sales"


@dataclass
class Book:
    """A book that can be lent.

    It stands on a shelf when it is not.

    :param isbn: The number on its back.
    :param pages: Without the cover,
        and without the index.
    """

    isbn: PrimaryKey[Annotated[str, MaxLength(13)]]
    pages: int32
    color: Color | None = None


@dataclass
class Reserved:
    """Columns whose names are words of SQL."""

    select: PrimaryKey[int]
    order: int
    group: Annotated[str, MaxLength(10)] | None
    table: Unique[int]
    user: str
    größe: float
    CamelCase: int
    value: Annotated[int, Range(0, 9)]

    __table_name__ = "where"


@dataclass
class Quoted:
    id: PrimaryKey[int]
    parent: Quoted | None
    size: Annotated[int, Range(1, 3), Index()]

    __table_name__ = """Robert'); DROP TABLE "Students"; -- `x` \\n % {y} ü"""


class Remark(enum.Enum):
    """Its labels: 'quoted', "doubly", back\\slashed, and 🙂."""

    APOSTROPHE = "it's"
    QUOTE = 'say "hi"'
    BACKSLASH = "C:\\new\\'x"
    LINES = "one\ntwo\ttabbed"
    ATTACK = "'; DROP TABLE x; --"
    SNOWMAN = "☃ and 🙂"
    PERCENT = "100% {of} it :all $1 ?"


@dataclass
class Proverb:
    """It's a "table" \\ with 'quotes',
    two lines, a ☃; and '; DROP TABLE x; --

    :param text: Can't be \\' escaped; "really" /* not */ -- at all ☃
    """

    id: PrimaryKey[int]
    remark: Remark
    text: Annotated[str, MaxLength(200)] = "it's \\ \"quoted\"\n'; DROP TABLE x; -- 🙂"
    long_text: str = "\\'"
    choice: Literal["a'b", "c\\d"] = "a'b"
    usual: Remark = Remark.BACKSLASH


@dataclass
class Postcard:
    """Wish you were here 🙂."""

    id: PrimaryKey[int]


@dataclass
class Telegram:
    id: PrimaryKey[int]
    done: bool
    words: int32
    costs: Annotated[Decimal, Precision(10, 2)]
    weight: float
    text: str
    code: Annotated[str, MaxLength(5)]
    raw: Annotated[bytes, MaxLength(8)]
    day: date
    sent: datetime
    clock: time
    lasted: timedelta
    token: UUID
    plan: Plan
    stars: Annotated[int, Range(1, 5)]
    office: Department
    title: str = "STOP"
    memo: str | None = None


@dataclass
class MeasurementsOfTheNorthernWeatherStations:
    temperature_two_meters_above_the_ground: PrimaryKey[int]
    temperature_five_meters_above_the_ground: Unique[int]
    temperature_nine_meters_above_the_ground: Annotated[int, Range(-90, 60)]
    temperature_of_the_sea_near_the_station: Annotated[int, Index()]
    station_that_measured_the_temperature: Department
    readings_per_minute_of_the_station: list[int]


def _options(
    *,
    enum_mode: EnumMode | None = None,
    struct_mode: StructMode | None = None,
    array_mode: ArrayMode | None = None,
    rows: bool = False,
) -> GeneratorOptions:
    return GeneratorOptions(enum_mode=enum_mode, struct_mode=struct_mode, array_mode=array_mode, initialize_tables=rows)


_NO_ENUM_TYPES = {
    "ansi": "standard SQL has no enum types",
    "mysql": "enums are no types of their own",
    "mariadb": "enums are no types of their own",
    "duckdb": "enums are spelled out by their columns",
    "sqlite": "there are no enums",
}
_NO_STRUCTS: Mapping[str, str] = dict.fromkeys(("mysql", "mariadb", "sqlite"), "there are no structs")
_NO_ARRAYS: Mapping[str, str] = dict.fromkeys(("mysql", "mariadb", "sqlite"), "there are no arrays")

FEATURES: dict[str, Feature] = {
    "scalars": Feature((Measurement,)),
    "nullability_and_defaults": Feature((Subscription,)),
    "text_and_bytes": Feature((Document,)),
    "text_key": Feature(
        (Essay,), not_in={"mysql": "a key on text needs a length", "mariadb": "a key on text needs a length"}
    ),
    "decimals_and_times": Feature((Invoice,)),
    "decimal_of_76_digits": Feature(
        (Ledger,),
        not_in={
            "mysql": "decimals have at most 65 digits",
            "mariadb": "decimals have at most 65 digits",
            "duckdb": "decimals have at most 38 digits",
        },
    ),
    "enum": Feature((Poster,)),
    "enum_type": Feature((Poster,), _options(enum_mode=EnumMode.TYPE), _NO_ENUM_TYPES),
    "enum_inline": Feature(
        (Poster,),
        _options(enum_mode=EnumMode.INLINE),
        {
            "ansi": "standard SQL has no enums",
            "postgresql": "enums are types of their own",
            "sqlite": "there are no enums",
        },
    ),
    "enum_check": Feature((Poster,), _options(enum_mode=EnumMode.CHECK)),
    "enum_relation": Feature((Poster,), _options(enum_mode=EnumMode.RELATION, rows=True)),
    "enum_relation_empty": Feature((Shirt,), _options(enum_mode=EnumMode.RELATION)),
    "enum_extensible": Feature((Swatch,), _options(rows=True)),
    "enum_of_ints": Feature((Ticket,)),
    "enum_of_dataclasses": Feature((Probe,), _options(rows=True)),
    "literals": Feature((Shirt,)),
    "enum_lists": Feature((Palette,)),
    "enum_lists_check": Feature((Palette,), _options(enum_mode=EnumMode.CHECK)),
    "enum_lists_json": Feature((Palette,), _options(array_mode=ArrayMode.JSON, enum_mode=EnumMode.CHECK)),
    "enum_lists_text": Feature((Palette,), _options(array_mode=ArrayMode.TEXT)),
    "enum_lists_joined": Feature((Palette,), _options(array_mode=ArrayMode.RELATION)),
    "enum_lists_relation": Feature(
        (Palette,), _options(array_mode=ArrayMode.RELATION, enum_mode=EnumMode.RELATION, rows=True)
    ),
    "struct": Feature((Journey,)),
    "struct_type": Feature((Journey,), _options(struct_mode=StructMode.TYPE), _NO_STRUCTS),
    "struct_json": Feature((Journey,), _options(struct_mode=StructMode.JSON)),
    "struct_text": Feature((Journey,), _options(struct_mode=StructMode.TEXT)),
    "array": Feature((Recipe,)),
    "array_array": Feature((Recipe,), _options(array_mode=ArrayMode.ARRAY), _NO_ARRAYS),
    "array_json": Feature((Recipe,), _options(array_mode=ArrayMode.JSON)),
    "array_text": Feature((Recipe,), _options(array_mode=ArrayMode.TEXT)),
    "array_relation": Feature((Song,), _options(array_mode=ArrayMode.RELATION)),
    "keys": Feature((Seat, Visit)),
    "foreign_keys": Feature((Employee, Department)),
    "foreign_keys_off": Feature((Employee, Department), GeneratorOptions(foreign_constraints=False)),
    "foreign_key_on_delete": Feature(
        (Photo, Album), not_in={"duckdb": "foreign keys can't delete or change the rows that refer to them"}
    ),
    "foreign_key_cycle": Feature(
        (Club, Player),
        not_in=dict.fromkeys(
            ("duckdb", "sqlite"), "a foreign key is made with its table, so none can be part of a cycle"
        ),
    ),
    "foreign_key_composite": Feature((Return, OrderLine)),
    "foreign_key_composite_on_delete": Feature(
        (Shipment, OrderLine), not_in={"duckdb": "foreign keys can't delete or change the rows that refer to them"}
    ),
    "discriminated_union": Feature((Contract, Person, Company)),
    "indexes": Feature((Account,)),
    "index_expression": Feature((Nickname,), not_in={"mariadb": "indexes are of columns"}),
    "checks": Feature((Reading,), not_in={"sqlite": "decimals are texts, which have no bounds"}),
    "namespaces": Feature((Complaint, Customer, Parcel)),
    "namespaces_foreign_key": Feature((Order, Customer), not_in={"duckdb": "a foreign key stays in its namespace"}),
    "comments": Feature((Book,)),
    "awkward_names": Feature((Reserved, Quoted)),
    "awkward_text": Feature((Proverb,)),
    "emoji_in_comment": Feature(
        (Postcard,),
        not_in={
            "mysql": "a comment would hold a question mark instead",
            "mariadb": "a comment would hold a question mark instead",
        },
    ),
    "auto_default": Feature((Telegram, Department), GeneratorOptions(auto_default=True)),
    "long_names": Feature((MeasurementsOfTheNorthernWeatherStations,), _options(array_mode=ArrayMode.RELATION)),
}
"""Each by its name; a database in `not_in` refuses it with a DeclarationError, for that reason."""
