"""What a class demands of several columns: `__constraints__`, and the indexes and checks of its fields."""

# ruff: noqa: UP045  (users write the older spellings too)

from __future__ import annotations

from dataclasses import dataclass, make_dataclass
from typing import Annotated, Any, ClassVar, Optional

import pytest

from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.markers import Check, ForeignKey, Index, MaxLength, PrimaryKey, Range, Unique, UniqueKey
from arrowsync.declare.spec import CheckSpec, ForeignKeySpec, IndexSpec, Reference
from arrowsync.errors import DeclarationError


@dataclass
class Team:
    id: PrimaryKey[int]


@dataclass
class Order:
    number: PrimaryKey[int]
    line: PrimaryKey[Annotated[str, MaxLength(3)]]


@dataclass
class Sale:
    id: PrimaryKey[int]
    low: Annotated[int, Check("{low} > 0"), Index()]
    high: Annotated[int, Index(unique=True, name="by_high"), Index("lower({name})", "low")]
    name: Unique[str]
    number: int | None
    line: str | None
    team: int
    order: Order

    __constraints__: ClassVar[Any] = (
        UniqueKey("low", "high"),
        UniqueKey("order", "low"),
        Index("low", "high", unique=True),
        Check("{low} <= {high} AND '{{}}' <> ''", name="in_order"),
        ForeignKey(Order, columns=("number", "line"), on_delete="set null"),
        ForeignKey("Team", columns=("team",), on_delete="cascade"),
        Index("order"),
    )


def test_all_kinds_of_constraints() -> None:
    spec = read_dataclass(Sale)
    assert spec.unique == (("name",), ("low", "high"), ("order_number", "order_line", "low"))
    assert spec.indexes == (
        IndexSpec(("low",)),
        IndexSpec(("high",), unique=True, name="by_high"),
        IndexSpec(("lower({name})", "low")),
        IndexSpec(("low", "high"), unique=True),
        IndexSpec(("order_number", "order_line")),
    )
    assert spec.checks == (CheckSpec("{low} > 0"), CheckSpec("{low} <= {high} AND '{{}}' <> ''", "in_order"))
    order = Reference("Order", ("number", "line"))
    assert set(spec.foreign_keys) == {
        ForeignKeySpec(("order_number", "order_line"), order),
        ForeignKeySpec(("number", "line"), Reference("Order", ("number", "line"), on_delete="set null")),
    }
    assert spec.by_name["team"].references == (Reference("Team", ("id",), on_delete="cascade"),)
    assert spec.by_name["team"].references[0].source is Team


@dataclass
class Base:
    a: int
    b: int

    __constraints__ = (UniqueKey("a", "b"), Check("{a} > 0"))


@dataclass
class Derived(Base):
    c: int

    __constraints__ = (*Base.__constraints__, Index("c"))


@dataclass
class Silent(Base):
    pass


def test_constraints_are_inherited_once() -> None:
    spec = read_dataclass(Derived)
    assert (spec.unique, spec.checks, spec.indexes) == (
        (("a", "b"),),
        (CheckSpec("{a} > 0"),),
        (IndexSpec(("c",)),),
    )
    assert read_dataclass(Silent).unique == (("a", "b"),)


def test_a_unique_key_that_is_the_primary_key_needs_no_second_index() -> None:
    assert read_dataclass(make_table(UniqueKey("b", "a"), a=PrimaryKey[int], b=PrimaryKey[int])).unique == ()


def test_a_foreign_key_that_is_declared_twice_is_one() -> None:
    table = make_table(ForeignKey(Team, columns=("a",)), a=Team)
    assert read_dataclass(table).columns[0].references == (Reference("Team", ("id",)),)


def make_table(*constraints: Any, **fields: Any) -> type:
    fields = fields or {"a": int, "b": Optional[str], "order": Order}
    return make_dataclass(
        "Thing", list(fields.items()), namespace={"__constraints__": constraints, "__module__": __name__}
    )


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        (UniqueKey("a", "z"), "UniqueKey names 'z', which is no column"),
        (UniqueKey("a", "z"), "the columns are a, b, order_number, order_line"),
        (UniqueKey("a", "a"), "'a' twice"),
        (UniqueKey("order", "order_line"), "'order_line' twice"),
        (Index("z"), "Index names 'z'"),
        (Index("lower(b)"), "Index names 'lower(b)'"),
        (Index("lower({z})"), "Index('lower({z})') names 'z'"),
        (Index("lower({b)"), "has a '{' too many"),
        (Index("a", "a"), "a part twice"),
        (Index(), "names no columns"),
        (Check("{z} > 0"), "names 'z'"),
        (Check("{order} > 0"), "it becomes the columns order_number, order_line"),
        (Check("{} > 0"), "names ''"),
        (Check("{a!r} > 0"), "names 'a!r'"),
        (Check("{a} > 0}"), "has a '}' too many"),
        (Check("{{a} > 0"), "has a '}' too many"),
        (Check("{a{b}} > 0"), "has a '{' too many"),
        (Check("{a} > '\0'"), "NUL"),
        (ForeignKey(Team), "says both"),
        (ForeignKey(columns=("a",)), "says both"),
        (ForeignKey(Order, columns=("a",)), "the key of Order is number, line"),
        (ForeignKey(Order, columns=("a", "z")), "ForeignKey names 'z'"),
        (ForeignKey(Team, columns=("b",)), "Thing.b: the column is string, and Team.id"),
        (ForeignKey("Nobody", columns=("a",)), "'Nobody'"),
        (ForeignKey(Team, columns=("a",), on_delete="set null"), "a is never NULL"),
        (ForeignKey(Order, columns=("a", "b"), on_delete="set null"), "a is never NULL"),
        (ForeignKey(Order, columns=("a", "b"), on_delete="set default"), "a has no default"),
        (Range(0), "has Range("),
        ("a", "has 'a'"),
    ],
    ids=str,
)
def test_a_constraint_that_cannot_work_is_refused(constraint: Any, words: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        read_dataclass(make_table(constraint))
    assert words in str(caught.value)
    assert caught.value.table == "Thing"
    assert caught.value.hint


def test_constraints_that_contradict_each_other_are_refused() -> None:
    same = [Index("a", name="i"), Index("b", name="i")], [Check("{a} > 0", name="i"), Check("{a} > 1", name="i")]
    for pair in same:
        with pytest.raises(DeclarationError, match="is called 'i'"):
            read_dataclass(make_table(*pair))
    with pytest.raises(DeclarationError, match="refers to Team already, and a ForeignKey says Thing"):
        read_dataclass(make_table(ForeignKey("Other", columns=("a",)), a=Team))


@dataclass
class Other:
    __table_name__ = "Thing"
    id: PrimaryKey[int]


@pytest.mark.parametrize("constraints", [UniqueKey("a"), "a", None], ids=str)
def test_constraints_that_are_no_tuple_are_refused(constraints: Any) -> None:
    with pytest.raises(DeclarationError, match="is no tuple"):
        read_dataclass(make_dataclass("Thing", [("a", int)], namespace={"__constraints__": constraints}))


def test_constraints_that_became_a_field_are_refused() -> None:
    with pytest.raises(DeclarationError, match="declared as a field") as caught:
        read_dataclass(make_dataclass("Thing", [("a", int), ("__constraints__", tuple, ())]))
    assert "ClassVar" in str(caught.value.hint)


def test_a_check_of_a_field_may_name_any_column() -> None:
    table = make_dataclass("Thing", [("a", Annotated[int, Check("{a} < {b}"), Check("{b} > 1")]), ("b", int)])
    assert read_dataclass(table).checks == (CheckSpec("{a} < {b}"), CheckSpec("{b} > 1"))
    with pytest.raises(DeclarationError, match=r"Thing.a: .*names 'z'"):
        read_dataclass(make_dataclass("Thing", [("a", Annotated[int, Check("{z} > 0")])]))
    with pytest.raises(DeclarationError, match="UniqueKey stands in an annotation"):
        read_dataclass(make_dataclass("Thing", [("a", Annotated[int, UniqueKey("a")])]))
