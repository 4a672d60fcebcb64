"""What `open_source` is told of rows: their types, and whether to round."""

from __future__ import annotations

from dataclasses import dataclass, make_dataclass
from decimal import Decimal
from typing import Annotated

import pytest

import arrowsync
from arrowsync import Precision
from arrowsync.errors import ConversionError, DeclarationError


def test_tuples_get_the_types_that_are_given() -> None:
    stream = arrowsync.open_source(
        [("7", None, "1.5"), ("8", "b", "2")],
        field_names=["id", "name", "price"],
        field_types=[int, str | None, Decimal],
    )
    assert stream.read_all().to_pylist() == [
        {"id": 7, "name": None, "price": Decimal("1.5")},
        {"id": 8, "name": "b", "price": Decimal(2)},
    ]


def test_a_field_without_a_name_is_left_out_with_its_type() -> None:
    stream = arrowsync.open_source([(1, 2, 3)], field_names=["a", None, "b"], field_types=[int, str, int])
    assert stream.read_all().to_pylist() == [{"a": 1, "b": 3}]


def test_columns_called_as_no_field_can_be_get_their_types_too() -> None:
    names = ["class", "a b", "__namespace__", "é", "1"]
    types = [str | None, Annotated[Decimal, Precision(6, 2)], "int", "str | None", list[int]]
    table = arrowsync.open_source([(None, "1.5", "7", "x", [1])], field_names=names, field_types=types).read_all()
    assert table.to_pylist() == [dict(zip(names, [None, Decimal("1.50"), 7, "x", [1]], strict=True))]
    assert [table.schema.field(name).nullable for name in names] == [True, False, False, True, False]
    with pytest.raises(ConversionError, match="'a b'"):
        arrowsync.open_source([(None,)], field_names=["a b"], field_types=[int]).read_all()


def test_types_that_do_not_go_with_the_names_are_refused() -> None:
    with pytest.raises(DeclarationError, match="'a' more than once"):
        arrowsync.open_source([(1, 2)], field_names=["a", "a"], field_types=[int, str])
    with pytest.raises(DeclarationError, match="1 field_types for 2 field_names"):
        arrowsync.open_source([(1, 2)], field_names=["a", "b"], field_types=[int])
    with pytest.raises(DeclarationError, match="beside a table"):
        arrowsync.open_source([(1,)], type("T", (), {}), field_names=["a"], field_types=[int])


def test_decimals_are_rounded_where_it_is_asked_for() -> None:
    types = [Annotated[Decimal, Precision(6, 2)]]
    rows = [("1.005",), (2.675,), (Decimal("-0.125"),)]
    for row, wanted in zip(rows, ["1.01", "2.68", "-0.13"], strict=True):
        stream = arrowsync.open_source([row], field_names=["n"], field_types=types, round=True)
        assert stream.read_all().to_pylist() == [{"n": Decimal(wanted)}]
        with pytest.raises(ConversionError, match="not exact"):
            arrowsync.open_source([row], field_names=["n"], field_types=types).read_all()


def test_decimals_in_lists_and_structs_of_objects_are_rounded_too() -> None:
    @dataclass
    class Item:
        price: Annotated[Decimal, Precision(5, 2)]

    rows = [{"prices": [Decimal("1.005"), Decimal(2)], "item": Item(Decimal("0.125")), "items": [Item(Decimal(1))]}]
    types = [list[Annotated[Decimal, Precision(5, 2)]], Item, list[Item]]
    table = make_dataclass("Order", list(zip(["prices", "item", "items"], types, strict=True)))
    assert arrowsync.open_source(rows, table, round=True).read_all().to_pylist() == [
        {
            "prices": [Decimal("1.01"), Decimal("2.00")],
            "item": {"price": Decimal("0.13")},
            "items": [{"price": Decimal("1.00")}],
        }
    ]
    with pytest.raises(ConversionError, match="not exact"):
        arrowsync.open_source(rows, table).read_all()
