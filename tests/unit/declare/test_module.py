"""The tables of a module: what counts as one, what they refer to, and the namespaces that they live in."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.spec import Reference
from arrowsync.declare.tables import declared_tables
from arrowsync.errors import DeclarationError

MakeModule = Callable[[str, str], Any]

PEOPLE = """
@dataclass
class Address:
    street: str

@dataclass
class Buyer:
    id: PrimaryKey[str]
    home: Address
    friends: list[Buyer]
    country: Country

@dataclass
class Country:
    __namespace__ = "world"
    code: PrimaryKey[str]
"""

ORDERS = """
import enum
from shop_people import Address, Buyer

@dataclass
class Sale:
    id: PrimaryKey[int]
    by: Buyer
    to: list[Address]
    parts: list[Part]

@dataclass
class Part:
    size: Size
    seller: Seller | Buyer

@dataclass
class Size:
    x: int

@dataclass
class Abstract:
    pass

@dataclass
class Seller(Abstract):
    id: PrimaryKey[str]

@dataclass
class Log:
    text: str

@dataclass(frozen=True)
class Weight:
    grams: int

class Weights(enum.Enum):
    LIGHT = Weight(5)

class Inherited(Weight, enum.Enum):
    HEAVY = 5

Alias = Sale
"""


@pytest.fixture
def make_module(monkeypatch: pytest.MonkeyPatch) -> MakeModule:
    def make(name: str, source: str) -> ModuleType:
        module = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        header = (
            "from __future__ import annotations\n"
            "from dataclasses import dataclass\n"
            "from typing import Annotated\n"
            "from arrowsync.declare.markers import ForeignKey, PrimaryKey\n"
        )
        exec(header + source, vars(module))
        return module

    return make


@pytest.fixture
def shop(make_module: MakeModule) -> tuple[Any, Any]:
    people = make_module("shop_people", PEOPLE)
    return make_module("shop_orders", ORDERS), people


def names(specs: Any) -> list[str]:
    return [spec.name for spec in specs]


def test_a_module_declares_its_tables_and_those_they_refer_to(shop: tuple[Any, Any]) -> None:
    orders, people = shop
    assert names(declared_tables(orders)) == ["Sale", "Seller", "Log", "Buyer", "Country"]
    assert names(declared_tables(people)) == ["Buyer", "Country"]
    assert names(declared_tables([people, orders])) == ["Buyer", "Country", "Sale", "Seller", "Log"]
    assert declared_tables(orders)[0] is read_dataclass(orders.Sale)


def test_one_class_or_several(shop: tuple[Any, Any]) -> None:
    orders, people = shop
    assert names(declared_tables(people.Country)) == ["Country"]
    assert names(declared_tables(people.Buyer)) == ["Buyer", "Country"]
    assert names(declared_tables((people.Country, people.Buyer, people.Country))) == ["Country", "Buyer"]
    assert names(declared_tables([people.Address, people.Buyer])) == ["Address", "Buyer", "Country"]
    assert names(declared_tables(orders.Sale)) == ["Sale", "Buyer", "Seller", "Country"]


def test_namespaces_of_modules_are_those_of_tables_and_references(shop: tuple[Any, Any]) -> None:
    orders, people = shop
    specs = {spec.name: spec for spec in declared_tables(orders, namespaces={"shop_orders": "o", "shop_people": "p"})}
    assert {name: spec.namespace for name, spec in specs.items()} == {
        "Sale": "o",
        "Seller": "o",
        "Log": "o",
        "Buyer": "p",
        "Country": "world",
    }
    by, parts = specs["Sale"].by_name["by"], specs["Sale"].by_name["parts"]
    assert by.references == (Reference("Buyer", ("id",), "p"),)
    assert parts.element is not None
    assert parts.element.struct is not None
    assert parts.element.struct.members[1].references == (
        Reference("Seller", ("id",), "o"),
        Reference("Buyer", ("id",), "p"),
    )
    friends = specs["Buyer"].by_name["friends"].element
    assert friends is not None
    assert friends.references == (Reference("Buyer", ("id",), "p"),)
    assert specs["Buyer"].by_name["country"].references == (Reference("Country", ("code",), "world"),)
    assert read_dataclass(people.Buyer).namespace is None
    assert {spec.namespace for spec in declared_tables(orders, namespaces={"other": "x"})} == {None, "world"}


def test_a_composite_key_is_reached_and_placed(make_module: MakeModule) -> None:
    module = make_module(
        "shop_lines",
        "@dataclass\nclass Line:\n    a: PrimaryKey[int]\n    b: PrimaryKey[int]\n"
        "@dataclass\nclass Use:\n    id: PrimaryKey[int]\n    line: Line\n",
    )
    use, line = declared_tables(module.Use, namespaces={"shop_lines": "s"})
    assert (use.name, line.name, use.foreign_keys[0].target) == ("Use", "Line", Reference("Line", ("a", "b"), "s"))


def test_a_plain_column_reaches_the_table_it_refers_to(make_module: MakeModule) -> None:
    module = make_module(
        "shop_plain",
        "@dataclass\nclass Use:\n    id: PrimaryKey[int]\n    to: Annotated[int, ForeignKey('Goal')]\n"
        "@dataclass\nclass Goal:\n    id: PrimaryKey[int]\n",
    )
    assert names(declared_tables(module.Use)) == ["Use", "Goal"]


def test_annotations_are_skipped_in_all_tables(make_module: MakeModule) -> None:
    module = make_module(
        "shop_skip",
        "class Note: pass\n"
        "@dataclass\nclass Goal:\n    id: PrimaryKey[Annotated[int, Note()]]\n"
        "@dataclass\nclass Use:\n    goal: Goal\n",
    )
    with pytest.raises(DeclarationError):
        declared_tables(module.Use)
    assert names(declared_tables(module.Use, skip_annotations=(module.Note,))) == ["Use", "Goal"]


def test_two_classes_of_one_table_are_refused(make_module: MakeModule) -> None:
    source = "@dataclass\nclass Same:\n    id: PrimaryKey[int]\n"
    one, other = make_module("shop_one", source), make_module("shop_other", source)
    with pytest.raises(
        DeclarationError, match=r"shop_one.Same and shop_other.Same both declare the table 'Same'"
    ) as caught:
        declared_tables([one, other])
    assert "__table_name__" in str(caught.value.hint)
    assert names(declared_tables([one, other], namespaces={"shop_one": "one"})) == ["Same", "Same"]


def test_a_module_without_tables_is_refused(make_module: MakeModule) -> None:
    for nothing in (make_module("shop_nothing", "x = 1"), []):
        with pytest.raises(DeclarationError, match="no table") as caught:
            declared_tables(nothing)
        assert caught.value.hint


def test_a_namespace_that_no_database_can_have(shop: tuple[Any, Any]) -> None:
    with pytest.raises(DeclarationError, match="namespace"):
        declared_tables(shop[1], namespaces={"shop_people": ""})


def test_what_is_no_dataclass_is_refused() -> None:
    with pytest.raises(DeclarationError, match="is not a dataclass"):
        declared_tables([int])
