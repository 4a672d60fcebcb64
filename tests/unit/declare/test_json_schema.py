"""A JSON Schema becomes tables, tables become a JSON Schema, and nothing is lost on the way there and back."""

# ruff: noqa: UP007, UP045  (types that are made while a test runs)

from __future__ import annotations

import dataclasses
import enum
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, make_dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType, ModuleType
from typing import Annotated, Any, Literal, Optional, Union
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from arrowsync.declare import markers as m
from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.json_schema.read import from_json_schema
from arrowsync.declare.json_schema.values import duration_text, parse_duration, to_json
from arrowsync.declare.json_schema.write import to_json_schema
from arrowsync.declare.markers import ForeignKey, MaxLength, PrimaryKey
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import DeclarationError, MissingDriver


class Color(enum.Enum):
    """Colours, with "quotes"."""

    RED = "red"
    ODD = 'a "b"\n\\ 😀'


class Size(enum.Enum):
    S = 1
    M = 2


@dataclass
class Address:
    """Where somebody lives.

    :param city: Not the district.
    """

    street: Annotated[str, MaxLength(40)]
    city: str | None = None
    color: Color | None = None


@dataclass
class Person:
    """Somebody."""

    id: PrimaryKey[Annotated[str, MaxLength(7)]]
    parent: Person | None
    home: Address
    kind: Color = Color.RED


@dataclass
class Pair:
    a: PrimaryKey[int]
    b: PrimaryKey[m.int32]


@dataclass
class Company:
    id: PrimaryKey[Annotated[str, MaxLength(9)]]


@dataclass
class Item:
    """Items of
    the shop.

    :param id: Number.
    :param name: Says "it's" \\ 😀; DROP TABLE

        and a second paragraph.
    """

    __namespace__ = "shop"
    __constraints__ = (
        m.UniqueKey("name", "weight"),
        m.Check("{weight} > 0", "positive"),
        m.Index("weight", "lower({name})", unique=True, name="ix"),
    )
    id: PrimaryKey[m.Identity[int]]
    name: m.Unique[Annotated[str, MaxLength(30), m.RenamedFrom("title")]]
    weight: Annotated[float, m.Range(0.5)]
    height: Annotated[m.float32, m.Check("{height} <> 1"), m.Index()]
    owner: Person
    maker: Person | Company | None
    seller: Annotated[Annotated[str, MaxLength(7)] | None, ForeignKey(Person, on_delete="set null")]
    pair: Pair | None
    readers: list[Person]
    sent_to: list[Address]
    tags: set[Annotated[str, MaxLength(3)]] | None
    grid: list[list[int | None]]
    color: Color | str
    size: Size
    buyer: Annotated[Person | None, ForeignKey(on_delete="cascade")] = None


SCALARS: Mapping[Any, tuple[Any, ...]] = {
    bool: (True,),
    int: (0, -(2**63)),
    m.int8: (-128,),
    m.int16: (1,),
    m.int32: (2**31 - 1,),
    m.uint8: (255,),
    m.uint16: (1,),
    m.uint32: (1,),
    m.uint64: (2**64 - 1,),
    Annotated[int, m.Range(0, 255)]: (7,),
    Annotated[m.int32, m.Range(5)]: (5,),
    float: (0.1, -0.0, 1e300),
    m.float32: (0.5,),
    Annotated[float, m.Range(-1, 1.5)]: (1,),
    Decimal: (Decimal("1.50"),),
    Annotated[Decimal, m.Precision(10, 2), m.Range(Decimal("0.01"), Decimal("99999999.99"))]: (Decimal("0.01"),),
    Annotated[Decimal, m.Precision(60, 60)]: (Decimal("1e-60"),),
    Annotated[Decimal, m.Precision(5, 0)]: (Decimal(12345),),
    str: ("", 'it"s\n\\ 😀 é'),
    Annotated[str, MaxLength(5)]: ("abcde",),
    bytes: (b"", b"\x00\xff"),
    Annotated[bytes, MaxLength(5)]: (b"12345",),
    datetime: (datetime(2020, 2, 29, 3, 4, 5, 6), datetime(1, 1, 1)),
    Annotated[datetime, m.TimePrecision(0)]: (datetime(2020, 1, 2, 3, 4, 5),),
    Annotated[datetime, m.TimePrecision(3), m.TimeZone()]: (datetime(2020, 1, 2, 3, 4, 5, 6000, tzinfo=UTC),),
    Annotated[datetime, m.TimeZone()]: (datetime(2020, 1, 2, 3, tzinfo=timezone(timedelta(hours=5))),),
    Annotated[datetime, m.Range(datetime(2000, 1, 1))]: (datetime(2000, 1, 1),),
    date: (date(9999, 12, 31),),
    Annotated[date, m.Range(date(2000, 1, 1), date(2001, 1, 1))]: (date(2000, 6, 1),),
    time: (time(23, 59, 59, 999_999), time(0)),
    timedelta: (timedelta(days=-1, microseconds=1), timedelta(0), timedelta(days=9, hours=1)),
    UUID: (UUID(int=5),),
    Color: (Color.ODD,),
    Size: (Size.M,),
    Literal["x y", "é"]: ("é",),
    Literal[1, -5]: (-5,),
    Color | str: (Color.RED,),
    IPv4Address: (IPv4Address("10.0.0.1"),),
    IPv6Address: (IPv6Address("::1"),),
    IPv4Address | IPv6Address: (IPv6Address("fe80::1"),),
    dict: (),
    m.JsonType: ("text", 5, True),
}
"""An annotation for each type that a column has, and some defaults of it."""

TYPES = list(SCALARS)
NESTED = [list[int], set[UUID], list[Annotated[Decimal, m.Precision(4, 1)] | None], Address, list[Address], Person]


def read_one(schema: Any) -> TableSpec:
    return read_dataclass(from_json_schema(schema)[0])


def back(tables: Any) -> dict[tuple[str | None, str], TableSpec]:
    """The tables of the JSON Schema of tables, by name; by way of its text, as it would be kept in a file."""
    schema = to_json_schema(tables)
    Draft202012Validator.check_schema(schema)
    return {(spec.namespace, spec.name): spec for spec in map(read_dataclass, from_json_schema(json.dumps(schema)))}


def column(schema: Any, *, required: bool = True, defs: Mapping[str, Any] | None = None) -> ColumnSpec:
    """The column that one property becomes."""
    table = {"title": "T", "type": "object", "properties": {"x": schema}, "required": ["x"] * required}
    return read_one({**table, "$defs": defs or {}}).columns[0]


# There and back


@pytest.mark.parametrize("annotation", [*TYPES, *NESTED], ids=str)
def test_each_type_comes_back_as_it_was(annotation: Any) -> None:
    fields: list[Any] = [("a", annotation), ("b", Optional[annotation]), ("c", Optional[annotation], None)]
    table = make_dataclass("T", fields)
    assert back(table)[None, "T"] == read_dataclass(table)


@pytest.mark.parametrize("annotation", TYPES, ids=str)
def test_each_default_comes_back_as_it_was(annotation: Any) -> None:
    defaults = SCALARS[annotation]
    fields: list[Any] = [(f"c{n}", annotation, default) for n, default in enumerate(defaults)]
    table = make_dataclass("T", [("id", int), *fields, ("n", Optional[annotation], defaults[0] if defaults else None)])
    assert back(table)[None, "T"] == read_dataclass(table)


@given(st.data())
def test_any_mix_of_columns_comes_back_as_it_was(data: st.DataObject) -> None:
    fields: list[Any] = []
    for n in range(data.draw(st.integers(1, 5))):
        annotation: Any = data.draw(st.sampled_from(TYPES))
        defaults = data.draw(st.sampled_from([(), SCALARS[annotation][:1], (None,)]))
        if data.draw(st.booleans()) or None in defaults:
            annotation = Optional[annotation]
        fields.append((f"c{n}", annotation, *(dataclasses.field(default=each, kw_only=True) for each in defaults)))
    table = make_dataclass("T", [("id", PrimaryKey[int]), *fields])
    assert back(table)[None, "T"] == read_dataclass(table)


def test_all_that_is_said_of_a_table_comes_back() -> None:
    found = back(Item)
    assert found["shop", "Item"] == read_dataclass(Item)
    assert found[None, "Person"] == read_dataclass(Person)
    assert found[None, "Pair"] == read_dataclass(Pair)
    assert found[None, "Company"] == read_dataclass(Company)
    assert len(found) == 4  # Address is no table


def test_several_tables_and_modules_come_back() -> None:
    module = ModuleType("things")
    for cls in (dataclasses.replace, Item, Address, Person, Pair):  # what isn't declared there doesn't count
        setattr(module, cls.__name__, cls)
    local = make_dataclass("Local", [("id", PrimaryKey[int]), ("owner", Person), ("at", Address)])
    local.__module__ = "things"
    module.__dict__["Local"] = local
    for tables in ([local, Item], module):
        schema = to_json_schema(tables)
        assert set(schema) == {"$schema", "$defs"}
        found = back(tables)
        assert found[None, "Local"] == read_dataclass(local)
        assert found[None, "Person"] == read_dataclass(Person)
    assert ("shop", "Item") in back([local, Item])


def test_the_schema_reads_as_one_would_write_it() -> None:
    schema = to_json_schema(Person)
    assert schema == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Person",
        "description": "Somebody.",
        "type": "object",
        "properties": {
            "id": {"type": "string", "maxLength": 7, "x-primary-key": True},
            "parent": {"type": ["string", "null"], "maxLength": 7, "x-references": "#"},
            "home": {"$ref": "#/$defs/Address"},
            "kind": {"$ref": "#/$defs/Color", "default": "red"},
        },
        "required": ["id", "parent", "home"],
        "additionalProperties": False,
        "$defs": {
            "Color": {"description": 'Colours, with "quotes".', "type": "string", "enum": ["red", 'a "b"\n\\ 😀']},
            "Address": {
                "description": "Where somebody lives.",
                "type": "object",
                "properties": {
                    "street": {"type": "string", "maxLength": 40},
                    "city": {"type": ["string", "null"], "description": "Not the district."},
                    "color": {"anyOf": [{"$ref": "#/$defs/Color"}, {"type": "null"}]},
                },
                "required": ["street"],
                "additionalProperties": False,
            },
        },
    }
    assert list(schema["$defs"]) == ["Address", "Color"]


def test_two_structs_or_tables_of_one_name_stay_two() -> None:
    one, two = make_dataclass("Part", [("a", int)]), make_dataclass("Part", [("b", str)])
    table = make_dataclass("T", [("x", one), ("y", two), ("z", list[one])])
    assert back(table)[None, "T"] == read_dataclass(table)

    old = make_dataclass("User", [("id", PrimaryKey[int])], namespace={"__namespace__": "old"})
    new = make_dataclass("User", [("id", PrimaryKey[int]), ("was", old)], namespace={"__namespace__": "new"})
    assert back([old, new]) == {("old", "User"): read_dataclass(old), ("new", "User"): read_dataclass(new)}


NAMES = ["a \"b\" 'c'", "x\ny", "; DROP TABLE x", "😀", "class", "a/b~c%41#", "Ünï", "ﬁ", "a\\", "{x}", "$ref", "T"]


@pytest.mark.parametrize("name", NAMES)
def test_names_and_texts_of_any_kind_come_back(name: str) -> None:
    key = make_dataclass("Key", [("id", PrimaryKey[int])], namespace={"__table_name__": name, "__namespace__": name})
    struct = make_dataclass("Struct", [("a", Optional[int])])
    struct.__name__ = name
    labels = enum.Enum(name, {"x": name, "y": f"{name}2", "mro_": "mro", "_": "_x_"})  # type: ignore[misc]
    labels.__doc__ = name
    table = make_dataclass(
        "T",
        [("x", struct), ("k", key), ("e", labels, labels["x"]), ("s", str, name), ("l", Literal[name, "o"], name)],  # type: ignore[valid-type]
        namespace={"__table_name__": f"{name}!", "__doc__": f"T {name}"},
    )
    found = back(table)
    assert found[None, f"{name}!"] == read_dataclass(table)
    assert found[name, name] == read_dataclass(key)


@pytest.mark.parametrize(
    "text", ['It\'s "so" \\n 😀', "; DROP TABLE x --", "User(id: int)", "  ", ":param", "a: b", "{x}"]
)
def test_descriptions_of_any_kind_are_the_comments(text: str) -> None:
    schema = {"title": "User", "description": text, "type": "object", "properties": {"id": {"type": "integer"}}}
    schema["properties"] = {"id": {"type": "integer", "description": text}}
    spec = read_one(schema)
    assert (spec.comment or "", spec.columns[0].comment or "") == (text.strip(), text.strip())


def test_a_description_of_several_lines_keeps_them_and_says_nothing_of_others() -> None:
    schema = {
        "title": "User",
        "description": "One.\n\n  * two\n:param a: not of a",
        "type": "object",
        "properties": {
            "a": {"type": "integer", "description": "first\n:param b: second\n\n  third"},
            "b": {"type": "integer"},
        },
    }
    spec = read_one(schema)
    assert spec.comment == "One.\n\n  * two\n :param a: not of a"
    assert [each.comment for each in spec.columns] == ["first\n:param b: second\nthird", None]


# Rows as JSON objects


ROW = {
    "id": "a",
    "parent": None,
    "home": {"street": "x", "city": None, "color": "red"},
    "kind": "red",
}
BAD = [
    {"id": "12345678"},
    {"id": None},
    {"parent": 5},
    {"home": None},
    {"home": {"street": "x", "floor": 1}},
    {"home": {"street": "x", "color": "blue"}},
    {"kind": "green"},
    {"unknown": 1},
]


def test_rows_are_valid_under_the_schema_and_wrong_ones_are_not() -> None:
    validator = Draft202012Validator(to_json_schema(Person))
    assert validator.is_valid(ROW)
    assert [validator.is_valid({**ROW, **change}) for change in BAD] == [False] * len(BAD)
    assert not validator.is_valid({"id": "a", "parent": None})


@pytest.mark.parametrize("annotation", [each for each in TYPES if SCALARS[each]], ids=str)
def test_values_of_each_type_are_valid_under_its_schema(annotation: Any) -> None:
    table = make_dataclass("T", [("x", annotation), ("n", Optional[annotation])])
    validator = Draft202012Validator(to_json_schema(table), format_checker=FormatChecker())
    spec = read_dataclass(
        make_dataclass("D", [(f"d{n}", annotation, value) for n, value in enumerate(SCALARS[annotation])])
    )
    for each in spec.columns:
        row = {"x": to_json(each.default, each.type), "n": None}
        validator.validate(json.loads(json.dumps(row)))
        assert not validator.is_valid({**row, "x": None})


@pytest.mark.parametrize(
    ("annotation", "wrong"),
    [
        (m.int8, 128),
        (m.uint64, -1),
        (int, 1.5),
        (Annotated[int, m.Range(0, 10)], 11),
        (Annotated[Decimal, m.Precision(4, 2)], "123.00"),
        (Annotated[Decimal, m.Precision(4, 2)], "1.005"),
        (Annotated[str, MaxLength(2)], "abc"),
        (Annotated[bytes, MaxLength(2)], "QUJDRA=="),
        (date, "2020-02-30"),
        (UUID, "no"),
        (IPv4Address, "::1"),
        (IPv4Address | IPv6Address, "x"),
        (set[int], [1, 1]),
        (Literal["a"], "b"),
        (m.JsonType, None),
    ],
    ids=str,
)
def test_values_that_the_table_refuses_are_not_valid(annotation: Any, wrong: Any) -> None:
    validator = Draft202012Validator(
        to_json_schema(make_dataclass("T", [("x", annotation)])), format_checker=FormatChecker()
    )
    assert not validator.is_valid({"x": wrong})


@given(st.timedeltas())
def test_durations_are_exact(value: timedelta) -> None:
    assert parse_duration(duration_text(value)) == value


# Schemas that others wrote


ORDER = """{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$id": "https://example.com/order.schema.json",
  "title": "Order",
  "description": "What a customer bought.",
  "type": "object",
  "required": ["number", "placed_at", "status", "lines", "shipping", "customer"],
  "additionalProperties": false,
  "properties": {
    "number": {"type": "integer", "minimum": 1, "x-primary-key": true, "description": "As printed on the invoice."},
    "placed_at": {"type": "string", "format": "date-time"},
    "status": {"$ref": "#/$defs/Status", "default": "new", "description": "Where it is."},
    "customer": {"$ref": "#/$defs/Customer"},
    "lines": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Line"}},
    "shipping": {
      "description": "Where it goes.",
      "type": "object",
      "required": ["street", "country"],
      "properties": {
        "street": {"type": "string", "maxLength": 80},
        "country": {"type": "string", "pattern": "^[A-Z]{2}$", "maxLength": 2},
        "location": {"type": "object", "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}}}
      }
    },
    "coupons": {"type": "array", "items": {"type": "string"}, "uniqueItems": true},
    "discount": {"type": "number", "multipleOf": 0.01, "minimum": 0, "maximum": 999.99, "default": 0},
    "weight": {"type": "number", "exclusiveMinimum": 0},
    "gift": {"type": "boolean", "default": false},
    "note": {"anyOf": [{"type": "string", "maxLength": 500}, {"type": "null"}]},
    "priority": {"enum": [1, 2, 3, null]},
    "source": {"const": "web"},
    "extra": {"type": "object", "additionalProperties": true}
  },
  "$defs": {
    "Status": {"description": "The states.", "type": "string", "enum": ["new", "in transit", "class"]},
    "Line": {
      "type": "object",
      "required": ["sku", "quantity"],
      "properties": {
        "sku": {"$ref": "#/$defs/Sku"},
        "quantity": {"type": "integer", "minimum": 0, "maximum": 65535},
        "price": {"type": "string", "format": "decimal"}
      }
    },
    "Sku": {"type": "string", "format": "uuid", "description": "Of the catalogue."},
    "Customer": {
      "type": "object",
      "required": ["id", "email"],
      "properties": {
        "id": {"type": "integer", "format": "int32", "x-primary-key": true, "x-identity": true},
        "email": {"type": "string", "format": "email", "maxLength": 254, "x-unique": true},
        "introduced_by": {"anyOf": [{"$ref": "#/$defs/Customer"}, {"type": "null"}]}
      }
    },
    "Unused": {"type": "object", "properties": {"x": {"not": {}}}}
  }
}"""


def test_an_order_with_lines_and_an_address() -> None:
    classes = from_json_schema(ORDER)
    assert [cls.__name__ for cls in classes] == ["Order", "Customer"]
    order, customer = map(read_dataclass, classes)

    assert (order.comment, order.key, order.namespace) == ("What a customer bought.", ("number",), None)
    by_name = order.by_name
    assert by_name["number"].comment == "As printed on the invoice."
    assert (by_name["number"].type, by_name["number"].minimum) == (pa.int64(), 1)
    assert by_name["placed_at"].type == pa.timestamp("us", tz="UTC")
    status = by_name["status"]
    assert (status.labels, status.enum_name) == (("new", "in transit", "class"), "Status")
    assert (status.default, status.comment, status.enum_comment) == ("new", "Where it is.", "The states.")
    assert by_name["customer"].type == pa.int32()
    assert [reference.table for reference in by_name["customer"].references] == ["Customer"]
    line = by_name["lines"].element
    assert line is not None
    assert line.struct is not None
    assert [(each.name, each.type, each.nullable) for each in line.struct.members] == [
        ("sku", pa.uuid(), False),
        ("quantity", pa.uint16(), False),
        ("price", pa.decimal128(38, 9), True),
    ]
    assert line.struct.members[0].comment == "Of the catalogue."
    shipping = by_name["shipping"].struct
    assert shipping is not None
    assert (shipping.name, by_name["shipping"].comment) == ("Order_shipping", "Where it goes.")
    location = shipping.members[2].struct
    assert location is not None
    assert location.name == "Order_shipping_location"
    assert by_name["coupons"].unordered
    assert by_name["coupons"].nullable
    assert (by_name["discount"].type, by_name["discount"].default) == (pa.decimal128(5, 2), 0)
    assert by_name["discount"].maximum == Decimal("999.99")
    assert [check.condition for check in order.checks] == ["{weight} > 0"]
    assert (by_name["gift"].default, by_name["gift"].nullable) == (False, False)
    assert (by_name["note"].max_length, by_name["note"].nullable, by_name["note"].default) == (500, True, None)
    assert (by_name["priority"].choices, by_name["priority"].nullable) == ((1, 2, 3), True)
    assert by_name["source"].labels == ("web",)
    assert by_name["extra"].type == pa.json_()

    assert (customer.key, customer.unique) == (("id",), (("email",),))
    assert customer.by_name["id"].identity
    assert customer.by_name["introduced_by"].references[0].table == "Customer"
    assert back(list(classes)) == {(None, "Order"): order, (None, "Customer"): customer}


def test_objects_of_the_classes_can_be_made() -> None:
    customer = from_json_schema(ORDER, module="my.shop")[1]
    assert (customer.__module__, customer.__qualname__) == ("my.shop", "Customer")
    assert customer(id=1, email="a@b.c") == customer(1, "a@b.c", None)
    order = from_json_schema(ORDER)[0]
    with pytest.raises(TypeError, match="placed_at"):
        order(number=1)


def test_a_tree_refers_to_itself() -> None:
    node = {
        "title": "Node",
        "type": "object",
        "required": ["id", "children"],
        "properties": {
            "id": {"type": "integer", "x-primary-key": True},
            "parent": {"$ref": "#", "x-on-delete": "cascade"},
            "children": {"type": "array", "items": {"$ref": "#"}},
        },
    }
    spec = read_one(node)
    assert [(each.name, each.type, each.nullable) for each in spec.columns] == [
        ("id", pa.int64(), False),
        ("parent", pa.int64(), True),
        ("children", pa.list_(pa.field("item", pa.int64(), nullable=False)), False),
    ]
    assert spec.columns[1].references[0].on_delete == "cascade"
    del node["properties"]["id"]["x-primary-key"]
    with pytest.raises(DeclarationError, match="Node: the object contains itself: Node -> Node, at # ") as caught:
        from_json_schema(node)
    assert "x-primary-key" in str(caught.value.hint)


def test_two_tables_refer_to_each_other_and_to_one_of_several() -> None:
    schema = {
        "$defs": {
            "A": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "x-primary-key": True},
                    "b": {"$ref": "#/$defs/B"},
                    "any": {"oneOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]},
                },
            },
            "B": {
                "type": "object",
                "properties": {"id": {"type": "string", "x-primary-key": True}, "a": {"$ref": "#/$defs/A"}},
            },
        }
    }
    found = {spec.name: spec for spec in map(read_dataclass, from_json_schema(MappingProxyType(schema)))}
    assert found["A"].by_name["b"].references[0].table == "B"
    assert found["B"].by_name["a"].references[0].table == "A"
    assert [each.table for each in found["A"].by_name["any"].references] == ["A", "B"]


def test_without_an_object_at_the_root_the_definitions_are_the_tables_but_not_the_structs() -> None:
    schema = {
        "$defs": {
            "Log": {"type": "object", "properties": {"at": {"$ref": "#/$defs/Point"}}},
            "Point": {"type": "object", "properties": {"x": {"type": "number"}}},
            "Name": {"type": "string"},
        }
    }
    assert [cls.__name__ for cls in from_json_schema(schema)] == ["Log"]


@pytest.mark.parametrize(
    "root",
    [
        {"type": "array", "items": {"title": "Row", "type": "object", "properties": {"x": {}}}},
        {"$ref": "#/$defs/Row", "$defs": {"Row": {"properties": {"x": {}}}}},
        {"$ref": "#row", "$defs": {"Row": {"$anchor": "row", "properties": {"x": {}}}}},
        {
            "type": "array",
            "items": {"$ref": "#/$defs/Row"},
            "$defs": {"Row": {"type": "object", "properties": {"x": True}}},
        },
    ],
)
def test_the_root_may_be_an_array_of_rows_or_a_reference(root: Any) -> None:
    assert read_one(root).name == "Row"


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, {"type": pa.int64()}),
        ({"type": "integer", "minimum": -128, "maximum": 127}, {"type": pa.int8(), "minimum": None, "maximum": None}),
        ({"type": "integer", "exclusiveMinimum": -1, "exclusiveMaximum": 256}, {"type": pa.uint8(), "minimum": None}),
        ({"type": "integer", "minimum": 0, "maximum": 2**64 - 2}, {"type": pa.uint64(), "maximum": 2**64 - 2}),
        ({"type": "integer", "format": "int16", "minimum": 0.5}, {"type": pa.int16(), "minimum": 1}),
        ({"type": "integer", "format": "int8", "maximum": 10**30}, {"type": pa.int8(), "maximum": None}),
        ({"type": "integer", "exclusiveMaximum": 10}, {"type": pa.int64(), "maximum": 9}),
        ({"type": "integer", "format": "decimal", "minimum": 0}, {"type": pa.decimal128(38, 0), "minimum": 0}),
        ({"type": ["number", "integer"]}, {"type": pa.float64()}),
        ({"type": "number", "format": "float"}, {"type": pa.float32()}),
        ({"type": "number", "minimum": 0.5}, {"type": pa.float64(), "minimum": 0.5}),
        ({"type": "number", "multipleOf": 0.25}, {"type": pa.float64()}),
        ({"type": "number", "multipleOf": 0.001}, {"type": pa.decimal128(38, 3)}),
        ({"type": "number", "multipleOf": 1}, {"type": pa.int64()}),
        ({"type": "number", "format": "decimal", "multipleOf": 0.1, "default": 0.1}, {"default": Decimal("0.1")}),
        ({"type": "string", "contentEncoding": "base64", "maxLength": 10}, {"type": pa.binary(), "max_length": 6}),
        ({"type": "string", "format": "uri"}, {"type": pa.string()}),
        ({"type": "string", "format": "time"}, {"type": pa.time64("us")}),
        ({"type": "string", "enum": ["a", "b"]}, {"labels": ("a", "b"), "enum_name": None}),
        ({"type": "string", "enum": ["a", "b"], "title": "My Kind"}, {"labels": ("a", "b"), "enum_name": "MyKind"}),
        ({"oneOf": [{"const": "a", "title": "An a"}, {"const": "b"}]}, {"labels": ("a", "b"), "nullable": False}),
        ({"type": ["string", "null"], "enum": ["a", None]}, {"labels": ("a",), "nullable": True}),
        ({"type": ["string", "null"], "enum": ["a"]}, {"labels": ("a",), "nullable": False}),
        ({"oneOf": [{"type": "null"}, {"type": "integer", "format": "int8"}]}, {"type": pa.int8(), "nullable": True}),
        ({"allOf": [{"type": "string", "description": "a"}], "description": "b"}, {"comment": "b"}),
        ({"$ref": "#/$defs/Short", "default": "x"}, {"max_length": 3, "default": "x", "comment": "No key."}),
        ({"$ref": "#/$defs/Short", "x-primary-key": False}, {"max_length": 3}),
        ({"$ref": "#/$defs/Short%20er"}, {"max_length": 2}),
        ({}, {"type": pa.json_(), "nullable": True}),
        (True, {"type": pa.json_(), "nullable": True}),
        ({"type": "array"}, {"type": pa.json_(), "nullable": False}),
        (
            {"type": "array", "items": {"type": "object", "properties": {"a": {}}}, "uniqueItems": True},
            {"unordered": False},
        ),
        ({"type": "array", "items": {"type": "string"}, "default": []}, {"nullable": False, "has_default": False}),
        ({"type": "object", "additionalProperties": {"type": "string"}}, {"type": pa.json_(), "nullable": False}),
    ],
    ids=str,
)
def test_what_a_property_becomes(schema: Any, expected: Mapping[str, Any]) -> None:
    short = {"type": "string", "maxLength": 3, "x-primary-key": True, "description": "No key."}
    found = column(schema, defs={"Short": short, "Short er": {"type": "string", "maxLength": 2}})
    assert {name: getattr(found, name) for name in expected} == expected


def test_what_is_not_required_is_optional_unless_it_has_a_default() -> None:
    assert (column({"type": "integer"}, required=False).nullable, column({"type": "integer"}).nullable) == (True, False)
    assert column({"type": "integer"}, required=False).default is None
    assert not column({"type": "integer", "default": 5}, required=False).nullable
    assert not column({"type": "integer", "x-primary-key": True}, required=False).nullable


def test_fields_with_defaults_stand_where_the_schema_has_them() -> None:
    properties = {"a": {"type": "array", "items": {"type": "integer"}, "default": []}, "b": {"type": "string"}}
    (table,) = from_json_schema({"title": "T", "properties": properties, "required": ["a", "b"]})
    assert [field.name for field in dataclasses.fields(table)] == ["a", "b"]
    one, two = table(b="x"), table(b="x")
    one.a.append(1)
    assert two.a == []


# What can't be read


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": ["string", "integer"]}, "the values are of the types integer, string, at #/properties/x "),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "'anyOf' has 2 types, at #/properties/x "),
        ({"allOf": [{"type": "string"}, {"maxLength": 2}]}, "'allOf' has 2 schemas"),
        ({"enum": ["a", 1]}, "of the types integer, string"),
        ({"type": "null"}, "no value but null is valid"),
        ({"type": "object", "patternProperties": {"x": {}}}, "'patternProperties' isn't supported"),
        ({"type": "array", "prefixItems": [{}]}, "'prefixItems' isn't supported"),
        ({"type": "array", "items": {"not": {}}}, "'not' isn't supported, at #/properties/x/items "),
        ({"if": {}, "then": {}}, "'if' isn't supported"),
        (False, "the schema is `false`"),
        ({"format": "date"}, "'format' is given without a type"),
        ({"$ref": "https://example.com/x.json"}, "'https://example.com/x.json' refers to nothing in this schema"),
        ({"$ref": "#/$defs/Nobody"}, "'#/\\$defs/Nobody' refers to nothing"),
        ({"$ref": "#/properties/x"}, "refers to nothing but itself"),
        ({"type": "string", "maxLength": 0}, "MaxLength\\(0\\)"),
        (
            {"type": "integer", "maximum": 2**70},
            "no integer column holds the values from None to 1180591620717411303424",
        ),
        ({"type": "integer", "minimum": 2, "maximum": 1}, "holds no value"),
        ({"type": "integer", "default": "5"}, "'5' is no integer"),
        ({"type": "integer", "default": True}, "True is no integer"),
        ({"type": "string", "format": "date", "default": "2020-02-30"}, "day is out of range"),
        ({"type": "string", "format": "date-time", "default": "2020-01-01T00:00:00"}, "has no offset from UTC"),
        ({"type": "string", "format": "date-time", "default": "2020-01-01T00:00:00.0000001Z"}, "finer than microsec"),
        ({"type": "string", "format": "duration", "default": "P1M"}, "'P1M' is no duration"),
        ({"type": "string", "enum": ["a"], "default": "b"}, "'b' is none of 'a'"),
        ({"type": "string", "default": None}, "the default is null"),
        ({"type": "integer", "x-references": "#"}, "'#' isn't the schema of an object with a key"),
        (
            {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "string"}},
            "'properties' are given too",
        ),
    ],
    ids=str,
)
def test_a_property_that_no_column_can_be_is_refused_with_its_place(schema: Any, message: str) -> None:
    with pytest.raises(DeclarationError, match=message) as caught:
        column(schema)
    assert "#/properties/x" in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["a b", "", "class", "1st", "__doc__", "ﬁ", 'x"; DROP', "a-b"])
def test_a_property_that_can_not_be_a_field_is_refused(name: str) -> None:
    with pytest.raises(DeclarationError, match="can't be the name of a field") as caught:
        from_json_schema({"title": "T", "type": "object", "properties": {"id": {}, name: {}}})
    assert (caught.value.table, caught.value.field) == ("T", name)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("{", "is no JSON"),
        ('{"title": "T", "properties": {"a": {}, "a": {}}}', "an object has 'a' twice"),
        ('{"title": "T", "properties": {"a": {"maximum": 1e999}}}', "1e999 is no number"),
        ({"x": ...}, "is no JSON"),
        ([], "isn't valid at #"),
        ({"properties": {"a": {"type": "text"}}}, "isn't valid at #/properties/a/type: 'text'"),
        (
            {"$defs": {"A": {"properties": {"b": {"x-primary-key": "yes"}}}}},
            "at #/\\$defs/A/properties/b/x-primary-key",
        ),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#", "title": "T"},
            "of the draft 'http://json-schema.org/draft-07",
        ),
        ({"type": "object"}, "declares no object with properties"),
        ({"type": "string"}, "declares no object with properties"),
        ({"$defs": {"A": {"type": "string"}}}, "declares no object with properties"),
        ({"properties": {"a": {}}}, "the object has no name"),
        ({"title": "T", "properties": {"a": {}}, "required": ["b"]}, "'b' is required, but it is no property"),
        ({"title": "T", "properties": {"a": {}}, "allOf": [{}]}, "'allOf' stands next to 'properties'"),
        ({"title": "T", "properties": {"a": {}}, "if": {}}, "'if' isn't supported"),
        (
            json.dumps({"title": "T", "properties": {"a": 0}}).replace("0", '{"items":' * 500 + "{}" + "}" * 500),
            "too deeply",
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_schema_that_declares_no_table_is_refused(schema: Any, message: str) -> None:
    with pytest.raises(DeclarationError, match=message) as caught:
        from_json_schema(schema)
    assert caught.value.hint


def test_what_narrows_a_class_where_it_is_used_is_refused() -> None:
    address = {"type": "object", "properties": {"city": {"type": "string"}}}
    schema = {"$ref": "#/$defs/Address", "required": ["city"]}
    with pytest.raises(DeclarationError, match=r"T\.x: 'required' stands next to '\$ref'"):
        column(schema, defs={"Address": address})
    with pytest.raises(DeclarationError, match=r"'maxLength' is 3 here and 2 at #/\$defs/Short"):
        column({"$ref": "#/$defs/Short", "maxLength": 3}, defs={"Short": {"type": "string", "maxLength": 2}})


def test_a_default_that_json_can_not_say_is_refused() -> None:
    table = make_dataclass("T", [("x", float, float("nan"))])
    with pytest.raises(DeclarationError, match=r"T\.x: the default can't be said in JSON: nan"):
        to_json_schema(table)


def test_a_reference_to_an_unknown_table_is_refused() -> None:
    spec = dataclasses.replace(read_dataclass(make_dataclass("T", [("p", Union[Company, Person])])))
    lone = dataclasses.replace(
        spec.columns[0], references=tuple(dataclasses.replace(each, source=None) for each in spec.columns[0].references)
    )
    with pytest.raises(
        DeclarationError, match=r"T\.p: the column refers to Company, which isn't among the given tables"
    ):
        to_json_schema(dataclasses.replace(spec, columns=(lone,)))


def test_the_package_that_it_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(MissingDriver, match="jsonschema") as caught:
        from_json_schema(ORDER)
    assert caught.value.hint == "pip install 'arrowsync[json-schema]'"
