"""A field whose type is another table's dataclass becomes a foreign key to it."""

# ruff: noqa: UP045  (users write the older spellings too)

from __future__ import annotations

import enum
import sys
from dataclasses import dataclass, field, make_dataclass
from ipaddress import IPv4Address
from types import ModuleType
from typing import Annotated, Any, Optional
from uuid import UUID

import pyarrow as pa
import pytest

from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.markers import (
    ForeignKey,
    Identity,
    Index,
    MaxLength,
    PrimaryKey,
    Range,
    RenamedFrom,
    Unique,
    int16,
)
from arrowsync.declare.spec import ColumnSpec, ForeignKeySpec, IndexSpec, LookupSpec, Reference
from arrowsync.errors import DeclarationError

NO_TYPE: Any = object()
ENUM = pa.dictionary(pa.int32(), pa.string())


class Code(enum.Enum):
    A = "a"


@dataclass
class Team:
    __table_name__ = "teams"
    __namespace__ = "sport"
    id: PrimaryKey[Identity[Annotated[int, Range(1)]]]
    name: str


@dataclass
class Captain:
    """Its key is that of another table."""

    team: PrimaryKey[Team]


@dataclass
class Order:
    """:param number: Counted from 1."""

    number: PrimaryKey[int]
    line: PrimaryKey[Annotated[str, MaxLength(3)]]


@dataclass
class Refund:
    order: PrimaryKey[Order]
    attempt: PrimaryKey[int16]


@dataclass
class Employee:
    id: PrimaryKey[int]
    boss: Optional[Employee]
    unit: Unit


@dataclass
class Unit:
    id: PrimaryKey[Annotated[str, MaxLength(5)]]
    head: Employee | None = None


@dataclass
class Person:
    id: PrimaryKey[Annotated[str, MaxLength(10)]]


@dataclass
class Company:
    id: PrimaryKey[Annotated[str, MaxLength(20)]]


@dataclass
class Egg:
    hen: PrimaryKey[Hen]


@dataclass
class Hen:
    egg: PrimaryKey[Egg]


@dataclass
class Point:
    x: int


TEAM = Reference("teams", ("id",), "sport")


def spec_of(annotation: Any, default: Any = NO_TYPE) -> Any:
    definition: Any = ("x", annotation) if default is NO_TYPE else ("x", annotation, field(default=default))
    return read_dataclass(make_dataclass("Thing", [definition]))


def refused(annotation: Any, default: Any = NO_TYPE) -> DeclarationError:
    with pytest.raises(DeclarationError) as caught:
        spec_of(annotation, default)
    assert caught.value.table
    assert caught.value.field
    assert caught.value.hint
    return caught.value


def test_a_reference_has_the_type_of_the_key_and_nothing_else_of_it() -> None:
    column = spec_of(Team).columns[0]
    assert column == ColumnSpec("x", pa.int64(), references=(TEAM,))
    assert column.references[0].source is Team
    assert spec_of(Optional[Team], None).columns[0] == ColumnSpec(
        "x", pa.int64(), nullable=True, default=None, references=(TEAM,)
    )


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (UUID, ColumnSpec("x", pa.uuid())),
        (Annotated[str, MaxLength(7)], ColumnSpec("x", pa.string(), max_length=7)),
        (Code, ColumnSpec("x", ENUM, labels=("a",), enum_name="Code")),
        (Code | str, ColumnSpec("x", ENUM, labels=("a",), enum_name="Code", lookup=LookupSpec(True))),
        (IPv4Address, ColumnSpec("x", pa.string(), ip="4")),
    ],
    ids=str,
)
def test_keys_of_each_type(key: Any, expected: ColumnSpec) -> None:
    other = make_dataclass("Other", [("id", PrimaryKey[key])])
    column = spec_of(other).columns[0]
    assert column.references == (Reference("Other", ("id",)),)
    assert (column.type, column.max_length, column.labels, column.enum_name, column.lookup, column.ip) == (
        expected.type,
        expected.max_length,
        expected.labels,
        expected.enum_name,
        expected.lookup,
        expected.ip,
    )


def test_a_key_that_is_a_reference_itself() -> None:
    assert spec_of(Captain).columns[0] == ColumnSpec("x", pa.int64(), references=(Reference("Captain", ("team",)),))
    assert read_dataclass(Captain).columns[0].references == (TEAM,)
    assert read_dataclass(Captain).key == ("team",)


def test_classes_refer_to_themselves_and_to_each_other() -> None:
    spec = read_dataclass(Employee)
    assert [column.references for column in spec.columns[1:]] == [
        (Reference("Employee", ("id",)),),
        (Reference("Unit", ("id",)),),
    ]
    assert spec.columns[2].max_length == 5
    assert read_dataclass(Unit).columns[1].references == (Reference("Employee", ("id",)),)


def make_local() -> type:
    @dataclass
    class Local:
        id: PrimaryKey[int]
        parent: Optional[Local]

    return Local


def test_a_local_class_knows_itself_even_when_its_function_is_over() -> None:
    assert read_dataclass(make_local()).columns[1].references == (Reference("Local", ("id",)),)


def test_a_class_that_is_renamed_refers_to_itself_by_its_new_name() -> None:
    spec = read_dataclass(Employee, "staff")
    assert [column.references[0].table for column in spec.columns[1:]] == ["staff", "Unit"]


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, ModuleType]:
    """Two modules that need each other, `shop_orders` and `shop_people`."""
    made = ModuleType("shop_orders"), ModuleType("shop_people")
    for module in made:
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return made


HEADER = """
# ruff: noqa: UP045  (users write the older spellings too)

from __future__ import annotations
from dataclasses import dataclass
from typing import TYPE_CHECKING
from arrowsync.declare.markers import PrimaryKey
"""


def test_modules_that_import_each_other_whole(modules: tuple[ModuleType, ModuleType]) -> None:
    orders, people = modules
    exec(
        f"{HEADER}import shop_people\n@dataclass\nclass Sale:\n  id: PrimaryKey[int]\n  by: shop_people.Buyer",
        vars(orders),
    )
    exec(
        f"{HEADER}import shop_orders\n@dataclass\nclass Buyer:\n  id: PrimaryKey[str]\n  last: shop_orders.Sale | None",
        vars(people),
    )
    assert read_dataclass(orders.Sale).columns[1].references == (Reference("Buyer", ("id",)),)
    assert read_dataclass(people.Buyer).columns[1].references == (Reference("Sale", ("id",)),)


def test_modules_that_import_each_other_only_for_type_checkers(modules: tuple[ModuleType, ModuleType]) -> None:
    orders, _ = modules
    imports = "if TYPE_CHECKING:\n  from shop_people import Buyer"
    exec(f"{HEADER}{imports}\n@dataclass\nclass Sale:\n  id: PrimaryKey[int]\n  by: Buyer", vars(orders))
    with pytest.raises(DeclarationError) as caught:
        read_dataclass(orders.Sale)
    assert (caught.value.table, caught.value.field) == ("Sale", "by")
    assert "TYPE_CHECKING" in str(caught.value.hint)
    assert '"module.Buyer"' in str(caught.value.hint)


def test_a_key_of_several_columns_becomes_several() -> None:
    @dataclass
    class Thing:
        """:param order: What is sent."""

        order: Optional[Order] = None
        other: Unique[Annotated[Order, RenamedFrom("old"), Index(), ForeignKey(on_delete="cascade")]] = field(
            default_factory=lambda: Order(1, "")
        )

    spec = read_dataclass(Thing)
    assert spec.columns == (
        ColumnSpec("order_number", pa.int64(), nullable=True, default=None, comment="What is sent."),
        ColumnSpec("order_line", pa.string(), nullable=True, max_length=3, default=None, comment="What is sent."),
        ColumnSpec("other_number", pa.int64(), renamed_from="old_number"),
        ColumnSpec("other_line", pa.string(), max_length=3, renamed_from="old_line"),
    )
    assert spec.foreign_keys == (
        ForeignKeySpec(("order_number", "order_line"), Reference("Order", ("number", "line"))),
        ForeignKeySpec(("other_number", "other_line"), Reference("Order", ("number", "line"), on_delete="cascade")),
    )
    assert spec.foreign_keys[0].target.source is Order
    assert spec.unique == (("other_number", "other_line"),)
    assert spec.indexes == (IndexSpec(("other_number", "other_line")),)


def test_the_columns_of_a_reference_are_not_numbered_as_those_of_the_key() -> None:
    other = make_dataclass("Other", [("a", PrimaryKey[Identity[int]]), ("b", PrimaryKey[Annotated[int, Range(1)]])])
    assert spec_of(other).columns == (ColumnSpec("x_a", pa.int64()), ColumnSpec("x_b", pa.int64()))


def test_a_key_of_several_columns_in_a_key() -> None:
    assert read_dataclass(Refund).key == ("order_number", "order_line", "attempt")
    spec = spec_of(Refund)
    assert [column.name for column in spec.columns] == ["x_order_number", "x_order_line", "x_attempt"]
    assert spec.foreign_keys[0].target.columns == ("order_number", "order_line", "attempt")


@pytest.mark.parametrize("target", [Team, "Team"])
def test_a_plain_column_may_refer_to_a_table(target: Any) -> None:
    table = make_dataclass(
        "Thing",
        [("x", Annotated[int, ForeignKey(target, on_delete="restrict")], field(default=3))],
        namespace={"__module__": __name__},
    )
    expected = Reference("teams", ("id",), "sport", "restrict")
    assert read_dataclass(table).columns == (ColumnSpec("x", pa.int64(), default=3, references=(expected,)),)


def test_what_happens_when_the_row_is_deleted() -> None:
    column = spec_of(Annotated[Optional[Team], ForeignKey(on_delete="set null")]).columns[0]
    assert column.references == (Reference("teams", ("id",), "sport", "set null"),)
    assert spec_of(Annotated[Team, ForeignKey(Team)]).columns[0].references == (TEAM,)


def test_a_row_of_any_of_several_tables() -> None:
    column = spec_of(Person | Company | None).columns[0]
    references = (Reference("Person", ("id",)), Reference("Company", ("id",)))
    assert column == ColumnSpec("x", pa.string(), nullable=True, max_length=20, references=references)


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Team | Person, "the keys of Team and Person are of different types, int64 and string"),
        (Person | Order, "Order has a key of several columns"),
        (Person | Point, "Point has no primary key"),
        (Person | int, "one type"),
        (Annotated[Person | Company, ForeignKey(on_delete="cascade")], "on_delete means nothing"),
        (Annotated[Person | Company, ForeignKey(Person)], "leave the target out"),
        (Egg, "the key of Egg is made of itself: Egg -> Hen -> Egg"),
        (Annotated[int, ForeignKey()], "doesn't say whom"),
        (Annotated[int, ForeignKey(Person)], "int64, and Person.id, which it refers to, is string"),
        (Annotated[Code, ForeignKey(make_dataclass("E", [("id", PrimaryKey[enum.Enum("C", "b")])]))], "other values"),
        (Annotated[int, ForeignKey(Order)], "columns=(...)"),
        (Annotated[int, ForeignKey(Point)], "Point has no primary key"),
        (Annotated[int, ForeignKey("Nobody")], "'Nobody'"),
        (Annotated[int, ForeignKey(int)], "int is not a dataclass"),
        (Annotated[int, ForeignKey(Team, ("a",))], "__constraints__"),
        (Annotated[Team, ForeignKey(Person)], "leave the target out"),
        (Annotated[Team, ForeignKey(on_delete="set null")], "x is never NULL"),
        (Annotated[Order, ForeignKey(on_delete="set null")], "x_number is never NULL"),
        (Annotated[Team, ForeignKey(on_delete="set default")], "x has no default"),
        (Identity[Team], "refers to a row"),
        (Identity[Order], "refers to a row"),
        (PrimaryKey[Optional[Order]], "primary key is never NULL"),
        (Annotated[Team, MaxLength(3)], "MaxLength doesn't apply to Team"),
        (Annotated[Team, Range(1)], "Range doesn't apply to Team"),
    ],
    ids=str,
)
def test_a_reference_that_cannot_work_is_refused(annotation: Any, words: str) -> None:
    assert words in str(refused(annotation))


@pytest.mark.parametrize(("annotation", "default"), [(Team, 1), (Order, (1, "a")), (Person | Company, "a")], ids=str)
def test_a_reference_has_no_default_but_none(annotation: Any, default: Any) -> None:
    assert "a reference to another table has no default" in str(refused(annotation, default))
    assert "isn't Optional" in str(refused(annotation, None))
    assert all(column.default is None for column in spec_of(Optional[annotation], None).columns)


def test_two_fields_that_become_one_column() -> None:
    with pytest.raises(
        DeclarationError, match=r"Thing.order_line: .*two columns named 'order_line'.*of 'order'"
    ) as caught:
        read_dataclass(make_dataclass("Thing", [("order", Order), ("order_line", str)]))
    assert caught.value.hint


def test_two_tables_whose_keys_are_each_others() -> None:
    for table in (Egg, Hen):
        with pytest.raises(DeclarationError, match="made of itself"):
            read_dataclass(table)


def test_only_the_key_of_the_other_class_is_read() -> None:
    broken = make_dataclass("Broken", [("id", PrimaryKey[int]), ("rest", complex)])
    assert spec_of(broken).columns[0].references == (Reference("Broken", ("id",)),)
