"""The bounds and choices of a declaration hold for every value, also where no database checks them: inside lists and structs."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any

import pyarrow as pa

from arrowsync.convert.arrays import Converted, Failure, Mask, compute, is_valid, mask_of
from arrowsync.declare.spec import ColumnSpec

MAX_DIGITS = 76
_HINT = "mend the values, or declare other bounds"


def check_bounds(outcome: Converted, column: ColumnSpec) -> Converted:
    """The outcome, with a failure for values below the least or above the greatest one, or that are none of the choices."""
    if column.minimum is None and column.maximum is None and not column.choices:
        return outcome
    values: Any = outcome.values
    failures: list[Failure] = []
    valid = is_valid(values)

    def refuse(good: Any, reason: str) -> None:
        bad: Mask = valid & ~mask_of(good)
        if bad.any():
            failures.append(Failure(bad, reason, _HINT))

    # As a double a bound is what the database takes it for, too.
    compared = values.cast(pa.float64()) if pa.types.is_float32(column.type) else values
    if column.minimum is not None:
        least = _bound(column.minimum, compared.type, ROUND_CEILING)
        refuse(compute.greater_equal(compared, least), f"less than {column.minimum}")
    if column.maximum is not None:
        greatest = _bound(column.maximum, compared.type, ROUND_FLOOR)
        refuse(compute.less_equal(compared, greatest), f"more than {column.maximum}")
    if column.choices:
        allowed = pa.array(column.choices, column.type)
        refuse(compute.is_in(values, value_set=allowed), f"none of {', '.join(map(str, column.choices))}")
    return Converted(values, (*outcome.failures, *failures))


def _bound(bound: Any, kind: Any, rounding: str) -> Any:
    """The bound in a type that can be compared with `kind`: one that is finer than the type is the next value inside of it."""
    if pa.types.is_decimal(kind):
        exact = Decimal(bound).quantize(Decimal(1).scaleb(-kind.scale), rounding, Context(prec=MAX_DIGITS))
        return pa.scalar(exact, pa.decimal256(MAX_DIGITS, kind.scale))
    return pa.scalar(bound, pa.timestamp("us", kind.tz) if pa.types.is_timestamp(kind) else kind)
