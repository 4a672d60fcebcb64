"""Decimals that are rounded on request: the same as Python's ROUND_HALF_UP, and never a wrong number."""

from __future__ import annotations

import decimal
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrowsync.convert import compile_converter
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import ConversionError

CONTEXT = decimal.Context(prec=100)


def rounded(values: pa.Array[Any], kind: pa.DataType) -> list[Any]:
    spec = TableSpec("t", (ColumnSpec("c", kind, nullable=True),))
    batch = pa.record_batch([values], names=["c"])
    found: list[Any] = compile_converter(batch.schema, spec, round=True)(batch).column(0).to_pylist()
    return found


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (pa.array(["1.005", None, "-1.005", "2", "0.0049"]), ["1.01", None, "-1.01", "2.00", "0.00"]),
        (pa.array([1.005, None, -0.125, 1e-300]), ["1.01", None, "-0.13", "0.00"]),
        (pa.array([Decimal("1.0050"), None, Decimal("7.4449")]), ["1.01", None, "7.44"]),
    ],
)
def test_halves_are_rounded_away_from_zero(values: pa.Array[Any], wanted: list[str | None]) -> None:
    assert rounded(values, pa.decimal128(10, 2)) == [None if w is None else Decimal(w) for w in wanted]


@pytest.mark.parametrize("values", [["999.995"], [999.995], [Decimal("999.995")]])
def test_a_number_that_is_too_large_once_rounded_is_refused(values: list[Any]) -> None:
    with pytest.raises(ConversionError, match=r"out of range for decimal\(5, 2\) \(row 0: .*999\.995"):
        rounded(pa.array(values), pa.decimal128(5, 2))


def test_without_asking_nothing_is_rounded() -> None:
    spec = TableSpec("t", (ColumnSpec("c", pa.decimal128(5, 2)),))
    batch = pa.record_batch({"c": ["1.005"]})
    with pytest.raises(ConversionError, match="not exact with 2 decimal places"):
        compile_converter(batch.schema, spec)(batch)


def test_lists_and_what_is_no_number() -> None:
    spec = TableSpec("t", (ColumnSpec("c", pa.decimal128(5, 2), nullable=True),))
    batch = pa.record_batch({"c": ["1.005", "x", "1e9", "nan"]})
    good, bad = compile_converter(batch.schema, spec, round=True).split(batch)
    assert good.column(0).to_pylist() == [Decimal("1.01")]
    assert bad.column("value").to_pylist() == ["x", "1e9", "nan"]
    element = ColumnSpec("item", pa.decimal128(5, 2), nullable=True)
    spec = TableSpec("t", (ColumnSpec("c", pa.list_(element.type), element=element),))
    batch = pa.record_batch({"c": [["1.005", None], []]})
    converted = compile_converter(batch.schema, spec, round=True)(batch).column(0)
    assert converted.to_pylist() == [[Decimal("1.01"), None], []]


@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**8), max_value=10**8, places=12), min_size=1
    ),
    st.integers(0, 9),
    st.sampled_from(["text", "decimal"]),
)
def test_as_python_rounds(numbers: list[Decimal], places: int, kind: str) -> None:
    values: pa.Array[Any] = (
        pa.array([str(n) for n in numbers]) if kind == "text" else pa.array(numbers, pa.decimal128(38, 12))
    )
    step = Decimal(1).scaleb(-places)
    wanted = [n.quantize(step, ROUND_HALF_UP, CONTEXT) for n in numbers]
    assert rounded(values, pa.decimal128(38, places)) == wanted
