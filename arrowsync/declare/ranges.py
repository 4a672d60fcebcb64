"""The bounds of a column: `Range`, and the words for it of the `annotated_types` package, become plain values.

`annotated_types` (which pydantic uses too) isn't imported: its annotations are recognised by name. To read another of them,
add a case to `foreign_range`.
"""

from __future__ import annotations

import dataclasses
import math
from decimal import Decimal
from typing import Any

from arrowsync.declare import markers as m
from arrowsync.declare.annotations import type_name
from arrowsync.declare.defaults import Unfit, plain_value
from arrowsync.declare.place import Place
from arrowsync.declare.reading import FieldType


def foreign_range(mark: Any, bare: object, place: Place) -> m.Range | None:
    """The `Range` that an annotation of `annotated_types` means for the type `bare`; None for any other annotation."""
    if type(mark).__module__.partition(".")[0] != "annotated_types":
        return None
    match type(mark).__name__:
        case "Ge" | "Gt" | "Le" | "Lt" | "Interval":
            pass
        case _:
            return None
    least, more = getattr(mark, "ge", None), getattr(mark, "gt", None)
    most, less = getattr(mark, "le", None), getattr(mark, "lt", None)
    for bound in (more, less):
        if bound is not None and (bare is not int or type(bound) is not int):
            raise place.error(
                f"{mark!r} leaves the bound itself out, which needs integers",
                hint=f'write Range(...) with the least and the greatest value, or Check("{{{place.field}}} > ...")',
            )
    lows = [bound for bound in (least, None if more is None else more + 1) if bound is not None]
    highs = [bound for bound in (most, None if less is None else less - 1) if bound is not None]
    return m.Range(max(lows, default=None), min(highs, default=None)) if lows or highs else None


def with_bounds(field_type: FieldType, ranges: tuple[m.Range, ...], place: Place) -> FieldType:
    """The type with all of `ranges` as its bounds, checked to be values that the column can hold."""
    lows = [_bound(given.minimum, field_type, given, place) for given in ranges if given.minimum is not None]
    highs = [_bound(given.maximum, field_type, given, place) for given in ranges if given.maximum is not None]
    low, high = max(lows, default=None), min(highs, default=None)
    if low is not None and high is not None and low > high:
        raise place.error(
            f"no value is both {low} or more, and {high} or less", hint="change one of the ranges, or remove it"
        )
    return dataclasses.replace(field_type, column=dataclasses.replace(field_type.column, minimum=low, maximum=high))


def _bound(value: Any, field_type: FieldType, given: m.Range, place: Place) -> Any:
    if field_type.classes == (Decimal,) and type(value) is int:
        value = Decimal(value)
    try:
        plain = plain_value(value, field_type)
        if isinstance(plain, float) and not math.isfinite(plain):
            raise Unfit("is no number")
    except Unfit as error:
        raise place.error(
            f"the bound {value!r} of {given!r} {error}",
            hint=f"give bounds that a column of type {' or '.join(map(type_name, field_type.classes))} can hold",
        ) from None
    return plain
