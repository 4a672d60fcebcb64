"""Kernels that round to the decimal places of the column, for those who ask for it (`round=True`).

Halves go away from zero, as SQL's numeric has it. A number that is too large, perhaps only once it is rounded, is refused as
ever: rounding gives up digits after the point, never the number. What is rounded has at most as many decimal places as a
decimal256 has room for beside the digits of the column before the point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa

from arrowsync.convert.arrays import Column, Converted, compute, decimal_type, scatter, take
from arrowsync.convert.decimals import decimal_to_decimal, float_to_decimal
from arrowsync.convert.numbertext import text_to_decimal, too_fine
from arrowsync.declare.spec import ColumnSpec

Rule: TypeAlias = Callable[[Column, ColumnSpec], Converted]

WIDEST = 76


def round_decimal(values: Column, column: ColumnSpec) -> Converted:
    """The decimals with as many decimal places as the column has."""
    return _round(values, column, decimal_to_decimal)


def round_text(values: Column, column: ColumnSpec) -> Converted:
    """The numbers that the text says, rounded."""
    return _round(values, column, text_to_decimal)


def round_float(values: Column, column: ColumnSpec) -> Converted:
    """The numbers that the floats print as, rounded."""
    return _round(values, column, _float_to_decimal)


def _float_to_decimal(values: Column, column: ColumnSpec) -> Converted:
    """As without rounding, but what is far less than the last place of any column is 0."""
    return float_to_decimal(compute.if_else(compute.less(compute.abs(values), 1e-40), 0.0, values), column)


def _round(values: Column, column: ColumnSpec, rule: Rule) -> Converted:
    """What `rule` gives, and where it complains only of decimal places, the number without those."""
    target = decimal_type(column.type)
    outcome = rule(values, column)
    wanted = too_fine(np.zeros(0, np.bool_), target).reason
    fine = next((failure for failure in outcome.failures if failure.reason == wanted), None)
    if fine is None or not fine.mask.any():
        return outcome
    rows = np.flatnonzero(fine.mask)
    rounded = rule(take(values, rows), finer(column)).then(
        lambda v: decimal_to_decimal(_rounded(v, target.scale), column)
    )
    failures = [replace(failure, mask=scatter(rows, failure.mask, len(values))) for failure in rounded.failures]
    kept = [failure for failure in outcome.failures if failure is not fine]
    return Converted(compute.replace_with_mask(outcome.values, pa.array(fine.mask), rounded.values), (*kept, *failures))


def finer(column: ColumnSpec) -> ColumnSpec:
    """A column whose decimals, in lists and structs too, have all the decimal places that there is room for."""
    return replace(column, type=_finer(column.type))


def _finer(kind: Any) -> pa.DataType:
    if pa.types.is_decimal(kind):
        return pa.decimal256(WIDEST, max(WIDEST - 1 - (kind.precision - kind.scale), kind.scale))
    if pa.types.is_list(kind):
        return pa.list_(_finer(kind.value_type))
    if pa.types.is_struct(kind):
        members: list[Any] = [cast("Any", kind).field(number) for number in range(kind.num_fields)]
        return pa.struct([member.with_type(_finer(member.type)) for member in members])
    return cast("pa.DataType", kind)


def _rounded(values: Column, places: int) -> Column:
    rounded: Column = compute.round(values, ndigits=places, round_mode="half_towards_infinity")
    return rounded
