"""The conversion rules, one table: what a value of one family becomes in a column of another, exactly or not at all.

A pair that isn't in `RULES` is refused when a converter is compiled, before any data moves, with the hint of `WAYS_OUT`
where there is one. To add a rule, write a kernel (see `arrays`) in the module of its families and give it a line here.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias, cast

import pyarrow as pa
from pyarrow import types

from arrowsync.convert.arrays import Column, Converted, Failure, Kernel, any_of, decimal_type, is_valid
from arrowsync.convert.kernels import decimals, identifiers, json, numbers, temporal, temporal_text, text
from arrowsync.convert.kernels.bounds import check_bounds
from arrowsync.convert.kernels.identifiers import check_addresses
from arrowsync.convert.kernels.nested import misfit, nested_kernel
from arrowsync.convert.kernels.nested_text import nested_from_text
from arrowsync.convert.kernels.to_json import nested_to_json
from arrowsync.convert.layouts import plain_type, through
from arrowsync.declare.spec import ColumnSpec

NULL_REASON = "NULL in a required column"
NULL_HINT = "declare the column Optional, or fill the values"
NULL_KEY_REASON = "NULL in a key column"
NULL_KEY_HINT = "rows are found by their key, and NULL finds none: fill the values, drop the rows, or take another key"


class Family(enum.Enum):
    """Types that convert by the same rules. The value is the word for them in messages."""

    BOOL = "a boolean"
    INT = "an integer"
    FLOAT = "a float"
    DECIMAL = "a decimal"
    STRING = "text"
    BINARY = "binary"
    DATE = "a date"
    TIME = "a time"
    NAIVE = "a timestamp without time zone"
    ZONED = "a timestamp with time zone"
    DURATION = "a duration"
    UUID = "a UUID"
    JSON = "JSON"
    ENUM = "an enum"


F = Family
Rule: TypeAlias = Callable[[Column, ColumnSpec], Converted]

RULES: dict[tuple[Family, Family], Rule] = {
    (F.BOOL, F.BOOL): numbers.keep,
    (F.BOOL, F.INT): numbers.widen,
    (F.BOOL, F.STRING): numbers.number_to_text,
    (F.INT, F.BOOL): numbers.int_to_bool,
    (F.INT, F.INT): numbers.int_to_int,
    (F.INT, F.FLOAT): numbers.int_to_float,
    (F.INT, F.DECIMAL): decimals.int_to_decimal,
    (F.INT, F.STRING): numbers.number_to_text,
    (F.FLOAT, F.INT): numbers.float_to_int,
    (F.FLOAT, F.FLOAT): numbers.float_to_float,
    (F.FLOAT, F.DECIMAL): decimals.float_to_decimal,
    (F.FLOAT, F.STRING): numbers.float_to_text,
    (F.DECIMAL, F.INT): decimals.decimal_to_int,
    (F.DECIMAL, F.FLOAT): decimals.decimal_to_float,
    (F.DECIMAL, F.DECIMAL): decimals.decimal_to_decimal,
    (F.DECIMAL, F.STRING): decimals.decimal_to_text,
    (F.STRING, F.BOOL): numbers.text_to_bool,
    (F.STRING, F.INT): numbers.text_to_int,
    (F.STRING, F.FLOAT): numbers.text_to_float,
    (F.STRING, F.DECIMAL): numbers.text_to_decimal,
    (F.STRING, F.STRING): text.text_to_text,
    (F.STRING, F.BINARY): identifiers.text_to_binary,
    (F.STRING, F.DATE): temporal_text.text_to_date,
    (F.STRING, F.TIME): temporal_text.text_to_time,
    (F.STRING, F.NAIVE): temporal_text.text_to_naive,
    (F.STRING, F.ZONED): temporal_text.text_to_zoned,
    (F.STRING, F.DURATION): temporal_text.text_to_duration,
    (F.STRING, F.UUID): identifiers.text_to_uuid,
    (F.STRING, F.JSON): json.text_to_json,
    (F.STRING, F.ENUM): text.text_to_enum,
    (F.BINARY, F.BINARY): numbers.keep,
    (F.BINARY, F.STRING): text.binary_to_text,
    (F.BINARY, F.UUID): identifiers.binary_to_uuid,
    (F.DATE, F.DATE): temporal.date_to_date,
    (F.DATE, F.NAIVE): temporal.date_to_timestamp,
    (F.DATE, F.STRING): temporal_text.date_to_text,
    (F.TIME, F.TIME): temporal.time_to_time,
    (F.TIME, F.STRING): temporal_text.time_to_text,
    (F.NAIVE, F.DATE): temporal.timestamp_to_date,
    (F.NAIVE, F.NAIVE): temporal.timestamp_to_timestamp,
    (F.NAIVE, F.STRING): temporal_text.timestamp_to_text,
    (F.ZONED, F.DATE): temporal.timestamp_to_date,
    (F.ZONED, F.NAIVE): temporal.timestamp_to_timestamp,
    (F.ZONED, F.ZONED): temporal.timestamp_to_timestamp,
    (F.ZONED, F.STRING): temporal_text.timestamp_to_text,
    (F.DURATION, F.DURATION): temporal.duration_to_duration,
    (F.DURATION, F.STRING): temporal_text.duration_to_text,
    (F.UUID, F.UUID): numbers.keep,
    (F.UUID, F.STRING): identifiers.uuid_to_text,
    (F.UUID, F.BINARY): identifiers.uuid_to_binary,
    (F.JSON, F.JSON): json.text_to_json,
    (F.JSON, F.STRING): text.text_to_text,
}

ROUNDED: dict[tuple[Family, Family], Rule] = {
    (F.FLOAT, F.DECIMAL): decimals.round_float,
    (F.DECIMAL, F.DECIMAL): decimals.round_decimal,
    (F.STRING, F.DECIMAL): decimals.round_text,
}
"""The rules that take the place of those in `RULES` where decimals may be rounded."""

WAYS_OUT: dict[tuple[Family, Family], str] = {
    (F.NAIVE, F.ZONED): "declare datetime without TimeZone, or say the zone of the data (polars: dt.replace_time_zone)",
    (F.DATE, F.ZONED): "declare date, or make the data timestamps with a zone",
    (F.INT, F.NAIVE): "say what the numbers count: cast them to a timestamp first, or declare int",
    (F.INT, F.ZONED): "say what the numbers count: cast them to a timestamp with a zone first, or declare int",
    (F.INT, F.DATE): "say what the numbers count: cast them to a date first, or declare int",
    (F.INT, F.DURATION): "say what the numbers count: cast them to a duration first, or declare int",
    (F.FLOAT, F.BOOL): "compare it with something first, or declare float",
    (F.NAIVE, F.TIME): "take the time of day first, or declare datetime",
}

_CHECKS: dict[Family, Rule] = {F.STRING: text.check_text, F.BINARY: text.check_binary}


def family_of(kind: pa.DataType) -> Family | None:
    """The family of a type in its plain layout, or None for one that converts to nothing but itself."""
    if isinstance(kind, pa.UuidType):
        return F.UUID
    if isinstance(kind, pa.JsonType):
        return F.JSON
    if types.is_timestamp(kind):
        stamp: Any = kind
        return F.NAIVE if stamp.tz is None else F.ZONED
    for test, family in _TESTS:
        if test(kind):
            return family
    return None


_TESTS: tuple[tuple[Callable[[pa.DataType], bool], Family], ...] = (
    (types.is_boolean, F.BOOL),
    (types.is_integer, F.INT),
    (types.is_floating, F.FLOAT),
    (lambda kind: types.is_decimal(kind) and decimal_type(kind).scale >= 0, F.DECIMAL),
    (types.is_string, F.STRING),
    (types.is_binary, F.BINARY),
    (types.is_date, F.DATE),
    (types.is_time, F.TIME),
    (types.is_duration, F.DURATION),
)


def target_family(column: ColumnSpec) -> Family | None:
    """The family of a declared type, or None for a type that only takes data of the very same type."""
    kind = column.type
    if types.is_dictionary(kind):
        return F.ENUM if column.labels else None
    if isinstance(kind, pa.JsonType) and kind.storage_type != pa.string():
        return None
    if types.is_timestamp(kind) and cast(Any, kind).unit in temporal.COARSER:
        return family_of(kind)
    if getattr(kind, "unit", "us") != "us" or types.is_date64(kind) or plain_type(kind) != kind:
        return None
    return family_of(kind)


def kernel_for(
    source: pa.DataType,
    column: ColumnSpec,
    *,
    round: bool = False,  # noqa: A002
    valid_text: bool = False,
    in_key: bool = False,
) -> Kernel | None:
    """The kernel from a type of the data to a declared column, or None where no value could ever be converted.

    It refuses NULLs that aren't allowed, text that is no address where one is declared, and what the bounds leave out. With
    `round`, decimals lose the decimal places that the column doesn't have. Text in a column of `valid_text` is not checked to be
    UTF-8: of a log with a third of its letters outside of ASCII, on its way from a TSV file, that took a quarter of the
    time (2026-11-21). A column `in_key` takes no NULL, nullable or not.
    """
    kernel = _value_kernel(source, column, round, valid_text)
    if kernel is None:
        return None

    def complete(values: Column) -> Converted:
        return check_bounds(check_addresses(_without_nulls(kernel(values), column, in_key), column), column)

    return complete


def _value_kernel(
    source: pa.DataType,
    column: ColumnSpec,
    round: bool,  # noqa: A002
    valid_text: bool = False,
) -> Kernel | None:
    if types.is_null(plain_type(source)):
        return lambda values: Converted(cast(Any, pa).nulls(len(values), column.type))
    if types.is_timestamp(column.type) and cast(Any, column.type).unit in temporal.COARSER:
        return _coarser_kernel(source, column, round)
    plain = plain_type(source)
    own = family_of(plain)
    if column.element is not None or column.struct is not None:
        inner = partial(kernel_for, round=round)
        if own not in (F.STRING, F.JSON):
            if not (types.is_dictionary(source) or types.is_run_end_encoded(source)):
                return nested_kernel(source, column, inner)
            build = nested_kernel(plain, column, inner)
            return build and partial(through, build)
        parse = nested_from_text(column, inner)
        return parse and partial(through, parse)
    target = target_family(column)
    if target is None:
        return Converted if source == column.type else None
    rule = RULES.get((own, target)) if own is not None else _nested_rule(source, target)
    if round and own is not None:
        rule = ROUNDED.get((own, target), rule)
    if valid_text and rule is text.text_to_text:
        rule = numbers.keep
    if rule is None:
        return None
    kernel = partial(_convert, rule=rule, check=_CHECKS.get(target, numbers.keep), column=column)
    if source == column.type and target is F.ENUM:
        return lambda values: Converted(values) if text.has_labels(values, column) else through(kernel, values)
    return kernel if plain == source and not isinstance(source, pa.BaseExtensionType) else partial(through, kernel)


def _nested_rule(source: pa.DataType, target: Family) -> Rule | None:
    return nested_to_json(source, kernel_for) if target is F.JSON else None


def _coarser_kernel(source: pa.DataType, column: ColumnSpec, round: bool) -> Kernel | None:  # noqa: A002
    """By way of microseconds, which all rules give."""
    kind: Any = column.type
    kernel = _value_kernel(source, replace(column, type=pa.timestamp("us", kind.tz)), round)
    if kernel is None:
        return None

    def complete(values: Column) -> Converted:
        return kernel(values).then(lambda fine: temporal.coarsened(fine, kind))

    return complete


def _without_nulls(outcome: Converted, column: ColumnSpec, in_key: bool) -> Converted:
    values = outcome.values
    if (column.nullable and not in_key) or not values.null_count:
        return outcome
    nulls = ~is_valid(values) & ~any_of(outcome.failures, len(values))
    if not nulls.any():
        return outcome
    reason, hint = (NULL_KEY_REASON, NULL_KEY_HINT) if in_key else (NULL_REASON, NULL_HINT)
    return Converted(values, (*outcome.failures, Failure(nulls, reason, hint)))


def _convert(values: Column, *, rule: Rule, check: Rule, column: ColumnSpec) -> Converted:
    """The outcome for a plain array."""
    outcome = rule(values, column).then(lambda v: check(v, column))
    if isinstance(column.type, pa.BaseExtensionType):
        wrapped = cast(Any, pa.ExtensionArray).from_storage(column.type, outcome.values)
        return Converted(wrapped, outcome.failures)
    return outcome


def refusal(source: pa.DataType, column: ColumnSpec) -> tuple[str, str]:
    """Return the reason why `kernel_for` gives None, as a short phrase, and the hint."""
    if (unlike := misfit(source, column)) is not None:
        return unlike, "name the members as they are declared, or declare those that the data has"
    plain = plain_type(source)
    own, target = family_of(plain), target_family(column)
    if own is None or target is None:
        return f"{source} never becomes {column.type}", "convert the data first, or declare the type that it has"
    hint = WAYS_OUT.get((own, target), "convert the data first, or declare the type that it has")
    return f"{own.value} ({source}) never becomes {target.value} ({column.type})", hint
