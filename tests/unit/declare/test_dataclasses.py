"""Each way to write a dataclass becomes the same kind of table. The annotations in this file are strings."""

# ruff: noqa: UP045  (users write the older spellings too)

from __future__ import annotations

import dataclasses
import enum
import gc
import sys
import weakref
from dataclasses import KW_ONLY, InitVar, dataclass, field, make_dataclass
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Optional, TypeVar

import pyarrow as pa
import pytest

from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.markers import MaxLength, PrimaryKey, RenamedFrom, TimeZone, Unique
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import DeclarationError

if TYPE_CHECKING:
    from decimal import Decimal

T = TypeVar("T")


class Status(enum.Enum):
    ACTIVE = "active"
    LEFT = "left"


@dataclass
class User:
    id: PrimaryKey[int]
    name: Unique[Annotated[str, MaxLength(20)]]
    born: Optional[datetime] = None
    status: Status = Status.ACTIVE


USER_COLUMNS = (
    ColumnSpec("id", pa.int64()),
    ColumnSpec("name", pa.string(), max_length=20),
    ColumnSpec("born", pa.timestamp("us"), nullable=True, default=None),
    ColumnSpec(
        "status",
        pa.dictionary(pa.int32(), pa.string()),
        default="active",
        labels=("active", "left"),
        enum_name="Status",
    ),
)


def refused(table: Any) -> DeclarationError:
    with pytest.raises(DeclarationError) as caught:
        read_dataclass(table)
    assert caught.value.hint
    return caught.value


def test_a_dataclass_becomes_a_table() -> None:
    spec = read_dataclass(User)
    assert spec == TableSpec("User", USER_COLUMNS, key=("id",), unique=(("name",),))
    assert spec.source is User
    assert spec.namespace is None


@pytest.mark.parametrize("option", ["slots", "frozen", "kw_only", "order", "weakref_slot"])
def test_the_options_of_dataclass_change_nothing(option: str) -> None:
    options: dict[str, Any] = {"slots": True, option: True}
    table = make_dataclass("User", [("id", PrimaryKey[int]), ("name", Optional[str], None)], **options)
    assert read_dataclass(table) == TableSpec(
        "User",
        (ColumnSpec("id", pa.int64()), ColumnSpec("name", pa.string(), nullable=True, default=None)),
        key=("id",),
    )


@dataclass(slots=True, frozen=True, kw_only=True)
class Slotted:
    born: Optional[datetime] = None
    id: PrimaryKey[int]
    """Without a default after one with a default: `kw_only` allows it."""


def test_slots_frozen_and_keyword_only() -> None:
    spec = read_dataclass(Slotted)
    assert spec.columns == (
        ColumnSpec("born", pa.timestamp("us"), nullable=True, default=None),
        ColumnSpec("id", pa.int64()),
    )
    assert spec.key == ("id",)
    assert read_dataclass(Slotted) is spec


def test_make_dataclass() -> None:
    table = make_dataclass(
        "Made", [("id", PrimaryKey[int]), ("name", "Optional[str]", None)], namespace={"__module__": __name__}
    )
    spec = read_dataclass(table)
    assert spec.columns == (ColumnSpec("id", pa.int64()), ColumnSpec("name", pa.string(), nullable=True, default=None))
    assert (spec.key, spec.comment) == (("id",), None)


def test_make_dataclass_with_a_field_of_no_type() -> None:
    assert "Made.x: a column can't be of type Any" in refused(make_dataclass("Made", ["x"])).message


@dataclass
class Parts:
    kept: int
    shared: ClassVar[Undefined] = 1  # type: ignore[name-defined]  # noqa: F821
    given: InitVar[Undefined] = 2  # type: ignore[name-defined]  # noqa: F821
    _: KW_ONLY
    computed: int = field(init=False, default=3)


def test_class_variables_and_init_variables_are_no_columns() -> None:
    assert [column.name for column in read_dataclass(Parts).columns] == ["kept", "computed"]


@dataclass
class Base:
    """Everything that has a number.

    :param id: The number.
    :param at: When it was made.
    """

    id: PrimaryKey[int]
    at: Annotated[datetime, TimeZone("UTC")]


@dataclass
class Derived(Base):
    """:param at: When it was derived."""

    id: PrimaryKey[str]  # type: ignore[assignment]
    note: str = ""


@dataclass
class Silent(Base):
    pass


def test_inherited_fields_come_first_and_an_overridden_one_keeps_its_place() -> None:
    assert read_dataclass(Derived).columns == (
        ColumnSpec("id", pa.string(), comment="The number."),
        ColumnSpec("at", pa.timestamp("us", tz="UTC"), comment="When it was derived."),
        ColumnSpec("note", pa.string(), default=""),
    )


def test_a_subclass_inherits_column_comments_but_not_the_table_comment() -> None:
    assert read_dataclass(Base).comment == "Everything that has a number."
    assert read_dataclass(Derived).comment is None
    assert read_dataclass(Silent).comment is None
    assert [column.comment for column in read_dataclass(Silent).columns] == ["The number.", "When it was made."]


def test_describing_a_base_first_does_not_describe_its_subclass() -> None:
    assert read_dataclass(Base).name == "Base"
    assert read_dataclass(Silent).name == "Silent"


def test_names_of_an_inherited_field_are_those_of_its_own_module(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("somewhere_else")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\nfrom fractions import Fraction as Hidden\nfrom uuid import UUID as Hidden\n"
        "@dataclass\nclass Parent:\n    key: Hidden\n",
        vars(module),
    )
    child = dataclass(type("Child", (module.Parent,), {"__annotations__": {"own": "Status"}, "__module__": __name__}))
    assert [column.type for column in read_dataclass(child).columns] == [
        pa.uuid(),
        pa.dictionary(pa.int32(), pa.string()),
    ]


def test_names_of_the_function_that_a_class_is_defined_in() -> None:
    class Local(enum.Enum):
        A = "a"

    def inner() -> TableSpec:
        length = MaxLength(3)

        @dataclass
        class Table:
            x: Local
            y: Annotated[str, length]  # type: ignore[valid-type]

        return read_dataclass(Table)

    assert [column.labels for column in inner().columns] == [("a",), ()]
    assert inner().columns[1].max_length == 3


def make_local_table() -> type:
    class Local(enum.Enum):
        A = "a"

    @dataclass
    class Table:
        x: Local

    return Table


def test_a_name_that_is_gone_is_named() -> None:
    error = refused(make_local_table())
    assert (error.table, error.field) == ("Table", "x")
    assert "'Local'" in error.message


@dataclass
class Checked:
    price: Decimal


def test_names_of_a_document_that_is_executed() -> None:
    code = """
from __future__ import annotations
from dataclasses import dataclass
from uuid import UUID as Number
@dataclass
class Order:
    id: Number
spec = describe(Order)
"""
    names: dict[str, Any] = {"describe": read_dataclass, "__name__": __name__}
    exec(code, names)
    assert names["spec"].columns == (ColumnSpec("id", pa.uuid()),)


def test_a_name_that_only_type_checkers_import_is_named() -> None:
    error = refused(Checked)
    assert (error.table, error.field) == ("Checked", "price")
    assert "'Decimal'" in error.message
    assert "TYPE_CHECKING" in (error.hint or "")


@pytest.mark.parametrize("annotation", ["list[", "datetime.nonsense", "1 / 0", ""])
def test_an_annotation_that_is_nonsense_is_named(annotation: str) -> None:
    error = refused(make_dataclass("Made", [("x", annotation)], namespace={"__module__": __name__}))
    assert error.message.startswith(f"Made.x: the annotation {annotation!r}")


@dataclass
class Shadowed:
    """The default of `datetime` hides the type inside the class, but not for a string annotation."""

    datetime: datetime | None = None
    other: datetime | None = None


def test_a_field_with_the_name_of_its_type() -> None:
    assert [column.type for column in read_dataclass(Shadowed).columns] == [pa.timestamp("us")] * 2


@dataclass
class Nested:
    class Kind(enum.Enum):
        A = "a"

    kind: Kind


def test_a_type_that_is_defined_inside_the_class() -> None:
    assert read_dataclass(Nested).columns[0].labels == ("a",)


@dataclass
class Box(Generic[T]):
    content: T


def test_a_generic_field_is_refused() -> None:
    assert "Box.content" in refused(Box).message


class Plain:
    x: int


class HalfMade(Base):
    forgotten: int


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Plain, "put @dataclass above the class"),
        (HalfMade, "only its base Base is"),
        (User(1, "a"), "pass User itself"),
        (3, "int"),
        (None, "dataclass"),
        ("User", "dataclass"),
        (make_dataclass("Nothing", []), "no fields"),
    ],
    ids=repr,
)
def test_what_is_no_dataclass_is_refused(wrong: Any, words: str) -> None:
    assert words in str(refused(wrong))


def test_an_object_is_not_shown_in_the_message() -> None:
    assert "secret" not in str(refused(User(1, "secret")))


@dataclass
class Named:
    __table_name__ = "named things"
    __namespace__: ClassVar[str] = "shop"
    x: int


@dataclass
class NamedToo(Named):
    pass


def test_names_that_the_class_gives() -> None:
    assert (read_dataclass(Named).name, read_dataclass(Named).namespace) == ("named things", "shop")
    assert (read_dataclass(NamedToo).name, read_dataclass(NamedToo).namespace) == ("NamedToo", "shop")
    assert [column.name for column in read_dataclass(Named).columns] == ["x"]


def test_a_name_that_the_caller_gives_wins_and_is_not_remembered() -> None:
    spec = read_dataclass(Named, "other")
    assert (spec.name, spec.namespace, spec.source) == ("other", "shop", Named)
    assert read_dataclass(Named).name == "named things"


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800"])
def test_a_name_that_no_database_can_have(name: str) -> None:
    with pytest.raises(DeclarationError):
        read_dataclass(User, name)
    assert (
        "name of a table" in refused(make_dataclass("Made", [("x", int)], namespace={"__table_name__": name})).message
    )
    assert "namespace" in refused(make_dataclass("Made", [("x", int)], namespace={"__namespace__": name})).message


def test_a_namespace_that_became_a_field() -> None:
    assert "ClassVar" in str(refused(make_dataclass("Made", [("__namespace__", str, "shop"), ("x", int, 0)])))


def test_two_columns_of_one_former_name() -> None:
    old = Annotated[int, RenamedFrom("old")]
    error = refused(make_dataclass("Made", [("a", old), ("b", old)]))
    assert (error.field, "'old'" in error.message, "'a'" in error.message) == ("b", True, True)


def test_two_columns_may_swap_their_names() -> None:
    table = make_dataclass("Made", [("a", Annotated[int, RenamedFrom("b")]), ("b", Annotated[int, RenamedFrom("a")])])
    assert [column.renamed_from for column in read_dataclass(table).columns] == ["b", "a"]


def test_a_class_is_described_once_and_can_be_forgotten() -> None:
    table = make_dataclass("Made", [("x", int)])
    spec = read_dataclass(table)
    assert read_dataclass(table) is spec
    gone = weakref.ref(table)
    del table, spec
    gc.collect()
    assert gone() is None


def test_a_dataclass_that_is_made_again_is_described_again() -> None:
    read_dataclass(User)
    again = make_dataclass("User", [("x", int, 0)], bases=(User,))
    assert [column.name for column in read_dataclass(again).columns] == ["id", "name", "born", "status", "x"]


def test_a_class_of_many_fields() -> None:
    table = make_dataclass(
        "Wide", [(f"c{i}", "Optional[Status]", None) for i in range(200)], namespace={"__module__": __name__}
    )
    spec = read_dataclass(table)
    assert len(spec.columns) == 200
    assert all(column.nullable and column.labels == ("active", "left") for column in spec.columns)
    assert dataclasses.replace(spec, name="Narrow").schema.names == [f"c{i}" for i in range(200)]
