"""Declared conditions on values, as SQL: checks of columns and tables, indexes, and the zero defaults of `auto_default`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from string import Formatter
from typing import Any, cast
from uuid import UUID

import pyarrow as pa

from arrowsync.catalog import Check, Index
from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec, TableSpec
from arrowsync.generate.modes import Limits, Modes, NameMaker, is_joined
from arrowsync.options import ArrayMode, EnumMode
from arrowsync.sql import SQL, Composable, Identifier, Literal, join, sql, trusted

_ZEROS: Mapping[pa.DataType, Any] = {
    pa.bool_(): False,
    pa.float32(): 0.0,
    pa.float64(): 0.0,
    pa.string(): "",
    pa.binary(): b"",
    pa.date32(): date(1, 1, 1),
    pa.time64("us"): time(0),
    pa.duration("us"): timedelta(0),
    pa.uuid(): UUID(int=0),
}


def default_of_type(spec: ColumnSpec) -> Any:
    """Return the default that `auto_default` gives a column: 0, the empty text, the first label; NO_DEFAULT if its type has none.

    If 0 is out of the declared range, the least value is taken.
    """
    if spec.labels:
        return spec.labels[0]
    if spec.choices:
        return 0 if 0 in spec.choices else spec.choices[0]
    if spec.ip is not None:
        return NO_DEFAULT
    zero = _zero(spec.type)
    if zero is NO_DEFAULT or (spec.minimum is None and spec.maximum is None):
        return zero
    below = spec.minimum is not None and zero < spec.minimum
    above = spec.maximum is not None and zero > spec.maximum
    return spec.minimum if below else spec.maximum if above else zero


def _zero(arrow: pa.DataType) -> Any:
    if pa.types.is_integer(arrow):
        return 0
    if pa.types.is_decimal(arrow):
        return Decimal(0)
    if pa.types.is_timestamp(arrow):
        zone: str | None = cast(Any, arrow).tz
        return datetime(1, 1, 1, tzinfo=UTC) if zone else datetime(1, 1, 1)
    return _ZEROS.get(arrow, NO_DEFAULT)


def expression(text: str) -> SQL:
    """Replace each `{name}` in a user's SQL by the quoted column; `{{` is a brace."""
    parts: list[Composable] = []
    for plain, name, _, _ in Formatter().parse(text):
        parts.append(trusted(plain))
        if name is not None:
            parts.append(Identifier(name))
    return join("", parts)


def column_checks(spec: ColumnSpec, table: str, limits: Limits, modes: Modes, names: NameMaker) -> Iterator[Check]:
    """Make the CHECK constraints for the parts of a column's declaration that its type doesn't enforce."""
    conditions = [condition for condition in (_bounds(spec), _choices(spec), _labels(spec, limits, modes)) if condition]
    if conditions:
        yield Check(join(" AND ", conditions), names.make("ch", table, spec.name))


def table_checks(spec: TableSpec, table: str, names: NameMaker) -> Iterator[Check]:
    """Make the CHECK constraints that are declared with `Check`."""
    for number, check in enumerate(spec.checks, start=1):
        name = check.name or names.make("ch", table, str(number))
        if check.name:
            names.take(check.name)
        yield Check(expression(check.condition), name)


def declared_indexes(spec: TableSpec, table: str, names: NameMaker) -> tuple[Index, ...]:
    """Make the declared indexes of a table; a part with braces is an expression, any other a column."""
    found: list[Index] = []
    for number, index in enumerate(spec.indexes, start=1):
        parts = tuple(expression(p) if "{" in p and p not in spec.by_name else p for p in index.parts)
        said = [part if isinstance(part, str) else f"{number}" for part in parts]
        name = index.name or names.make("ix", table, *said)
        found.append(Index(parts, name, index.unique))
    return tuple(found)


def _bounds(spec: ColumnSpec) -> SQL | None:
    column = Identifier(spec.name)
    match spec.minimum, spec.maximum:
        case None, None:
            return None
        case low, None:
            return sql("{column} >= {low}", column=column, low=Literal(low))
        case None, high:
            return sql("{column} <= {high}", column=column, high=Literal(high))
        case low, high:
            return sql("{column} BETWEEN {low} AND {high}", column=column, low=Literal(low), high=Literal(high))


def _choices(spec: ColumnSpec) -> SQL | None:
    return _one_of(spec.name, spec.choices) if spec.choices else None


def _labels(spec: ColumnSpec, limits: Limits, modes: Modes) -> SQL | None:
    if spec.element is None:
        checked = spec.labels and modes.of_enum(spec) is EnumMode.CHECK
        return _one_of(spec.name, spec.labels) if checked else None
    element = spec.element
    if not element.labels or modes.of_enum(element) is not EnumMode.CHECK or is_joined(spec, modes):
        return None
    if limits.only_labels is None or modes.array is ArrayMode.TEXT:
        return None
    labels = (*element.labels, None) if element.nullable else element.labels
    return limits.only_labels(Identifier(spec.name), labels, modes.array)


def _one_of(name: str, values: tuple[object, ...]) -> SQL:
    return sql(
        "{column} IN ({values})", column=Identifier(name), values=join(", ", [Literal(value) for value in values])
    )
