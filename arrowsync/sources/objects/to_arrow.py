"""Python objects -> Arrow arrays, exactly: `type_of` decides on an Arrow type, `to_array` builds it or names the bad value.

`pa.array(values, type)` alone would store wrong values without a word: it cuts `1.5` to `1` in an integer column and the
time off a datetime in a date column, takes naive datetimes for UTC and `5` for a date, makes bytes of a str, drops unknown
members of a struct (pyarrow 26). So the families of the values are looked at first, one pass at C speed, and pyarrow only
gets those that it takes exactly. A column all of another family (text for a number, say) keeps its own Arrow type: turning
that into the declared one is the converter's task, for all sources alike.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from decimal import Decimal
from itertools import repeat
from operator import attrgetter
from typing import Any, TypeAlias, cast
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from arrowsync.shown import shown
from arrowsync.sources.objects.kinds import (
    JSON,
    NOTHING,
    Family,
    Looked,
    Misfit,
    Rule,
    Values,
    family_of,
    first_outside,
    is_list,
    kind_of,
    looked_at,
    members_of,
    rule_of,
    target_of,
    with_article,
)

Column: TypeAlias = "pa.Array[Any]"

compute: Any = pc


def type_of(values: Values, declared: pa.DataType | None = None) -> pa.DataType:
    """The Arrow type in which such values travel: near the `declared` one if they are of its kind, else their own.

    Raises `Misfit` where one column can't hold them all.
    """
    looked = looked_at(values, labelled=declared is not None and pa.types.is_dictionary(declared))
    values, found = looked.values, looked.families
    target = None if declared is None else target_of(declared)
    rule = NOTHING if target is None else rule_of(target)
    if found == {"list"} and not isinstance(target, pa.JsonType):
        return _list_type(values, declared)
    if found == {"record"} and not isinstance(target, pa.JsonType):
        return _struct_type(values, declared)
    if target is not None and found <= rule.plain:
        return target
    if len(found) > 1 or rule is JSON:
        if target is not None and found <= rule.plain | rule.adapt.keys():
            return target
        if found == {"int", "float"}:
            return pa.float64()
        if found == {"int", "decimal"}:
            return _decimal_type(values)
    return _own_type(values, found)


def _own_type(values: Values, found: set[Family]) -> pa.DataType:
    if not found:
        return pa.null()
    first = next(value for value in values if value is not None)
    if len(found) > 1:
        index, odd = first_outside(values, {family_of(first)})
        raise Misfit(index, odd, f"{kind_of(odd)}, where earlier rows hold {kind_of(first)}")
    match found.pop():
        case "int":
            return _integer_type(values)
        case "decimal":
            return _decimal_type(values)
        case "bool" | "float" | "text" | "bytes" | "naive" | "aware" | "date" | "time" | "delta" | "uuid" as family:
            return _OWN[family]
        case "list" | "record" | "other":
            index, odd = first_outside(values, set())
            raise Misfit(index, odd, f"{kind_of(odd)}, which is no type of a column")


_OWN: Mapping[Family, pa.DataType] = {
    "bool": pa.bool_(),
    "float": pa.float64(),
    "text": pa.string(),
    "bytes": pa.binary(),
    "naive": pa.timestamp("us"),
    "aware": pa.timestamp("us", "UTC"),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "delta": pa.duration("us"),
    "uuid": pa.uuid(),
}


def _integer_type(values: Values) -> pa.DataType:
    numbers = [int(value) for value in values if value is not None]
    low, high = min(numbers), max(numbers)
    if low >= -(2**63) and high < 2**63:
        return pa.int64()
    return pa.uint64() if low >= 0 and high < 2**64 else pa.decimal128(38, 0)


def _decimal_type(values: Values) -> pa.DataType:
    """Room for the decimal places of these values, and as many digits before the point as there can be."""
    places = whole = 0
    for value in values:
        if value is not None and (number := Decimal(value if isinstance(value, Decimal) else int(value))).is_finite():
            places = max(places, -cast("int", number.as_tuple().exponent))
            whole = max(whole, number.adjusted() + 1)
    return pa.decimal128(38, places) if places + whole <= 38 and places <= 38 else pa.decimal256(76, min(places, 76))


def _list_type(values: Values, declared: Any) -> pa.DataType:
    offsets, elements = _flattened(values)
    with _blaming_parents(offsets):
        return pa.list_(type_of(elements, declared.value_type if declared is not None and is_list(declared) else None))


def _struct_type(values: Values, declared: Any) -> pa.DataType:
    rows = [None if value is None else _members(value) for value in values]
    kinds: Mapping[str, pa.DataType] = {}
    if declared is not None and pa.types.is_struct(declared):
        kinds = members_of(declared)
    names: dict[Any, None] = dict.fromkeys([*kinds, *(name for row in rows if row is not None for name in row)])
    _check_names(values, rows, names)
    return pa.struct([(name, type_of(_member_values(rows, name), kinds.get(name))) for name in names])


def _check_names(values: Values, rows: Sequence[Mapping[Any, Any] | None], names: Mapping[Any, None]) -> None:
    for name in names:
        if not isinstance(name, str):
            index = next(index for index, row in enumerate(rows) if row is not None and name in row)
            raise Misfit(index, values[index], f"a record with a member named {shown(name)}, which is no text")


# ---- values -> an array -------------------------------------------------------------------------------------------------


def to_array(values: Values, kind: pa.DataType) -> Column:
    """The values as an array of exactly this type, one that `type_of` gave. Raises `Misfit` for one that doesn't fit."""
    looked = looked_at(values, labelled=pa.types.is_dictionary(kind))
    values, found, rule = looked.values, looked.families, rule_of(kind)
    if not found <= rule.plain:
        values = _adapted(values, found, rule, kind)
    if pa.types.is_timestamp(kind):
        return _moments(values, looked, kind)
    if found == {"uuid"} and looked.complete and kind == pa.uuid():
        return _uuids(values, kind)
    if pa.types.is_list(kind):
        return _list_array(values, kind)
    if pa.types.is_struct(kind):
        return _struct_array(values, kind)
    try:
        return pa.array(values, kind)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise _culprit(values, kind, error) from error


def _moments(values: Values, looked: Looked, kind: Any) -> Column:
    """Datetimes, all naive or all aware, as timestamps of microseconds.

    pyarrow asks each for its offset, of which it leaves out parts of a second; Python's difference of two in one zone asks
    none. For a million of them in UTC, 0.18 and 0.05 s (2026-11-21).
    """
    zone = None if kind.tz is None else next(iter(looked.zones)) if len(looked.zones) == 1 else dt.UTC
    fixed = zone is None or isinstance(zone, dt.timezone) or (isinstance(zone, ZoneInfo) and zone.key == "UTC")
    origin: Any = dt.datetime(1970, 1, 1, tzinfo=zone if fixed else dt.UTC)
    since = origin.__rsub__
    arrow: Any = pa
    try:
        spans = [*map(since, values)] if looked.complete else [None if v is None else since(v) for v in values]
    except TypeError as error:
        index = next(i for i, value in enumerate(values) if value is not None and value.utcoffset() is None)
        raise Misfit(index, values[index], "a datetime whose time zone has no offset") from error
    moments = arrow.array(spans, pa.duration("us"))
    if offset := origin.utcoffset():
        moments = compute.subtract(moments, arrow.scalar(offset, pa.duration("us")))
    return cast("Column", moments.view(kind))


def _uuids(values: Values, kind: pa.DataType) -> Column:
    """UUIDs by the number that each of them holds; for a million, 0.13 s by pyarrow, which asks for bytes, and 0.06 s."""
    data = b"".join(map(int.to_bytes, map(attrgetter("int"), values), repeat(16)))
    fixed: Any = pa.FixedSizeBinaryArray
    extension: Any = pa.ExtensionArray
    storage = fixed.from_buffers(pa.binary(16), len(values), [None, pa.py_buffer(data)])
    return cast("Column", extension.from_storage(kind, storage))


def _adapted(values: Values, found: set[Family], rule: Rule, kind: pa.DataType) -> Values:
    known = rule.plain | rule.adapt.keys()
    if not found <= known:
        index, odd = first_outside(values, known)
        if pa.types.is_null(kind):
            raise Misfit(index, odd, "the first value of its column: the rows before, all None, tell no type")
        raise Misfit(index, odd, f"{kind_of(odd)}, where {with_article(str(kind))} is expected")
    adapted: list[Any] = []
    for index, value in enumerate(values):
        step = None if value is None else rule.adapt.get(family_of(value))
        try:
            adapted.append(value if step is None else step(value))
        except ValueError as error:
            raise Misfit(index, value, str(error)) from error
    return adapted


def _list_array(values: Values, kind: Any) -> Column:
    offsets, elements = _flattened(values)
    with _blaming_parents(offsets):
        array = to_array(elements, kind.value_type)
    lists: Any = pa.ListArray
    return cast("Column", lists.from_arrays(pa.array(offsets, pa.int32()), array, type=kind, mask=_nulls(values)))


def _struct_array(values: Values, kind: Any) -> Column:
    rows = [None if value is None else _members(value) for value in values]
    members = members_of(kind)
    for index, row in enumerate(rows):
        if row is not None and (unknown := row.keys() - members.keys()):
            raise Misfit(index, values[index], f"a record with the unknown member {min(map(shown, unknown))}")
    arrays = [to_array(_member_values(rows, name), member) for name, member in members.items()]
    structs: Any = pa.StructArray
    return cast("Column", structs.from_arrays(arrays, names=list(members), mask=_nulls(values)))


def _nulls(values: Values) -> pa.BooleanArray:
    return pa.array([value is None for value in values], pa.bool_())


def _flattened(values: Values) -> tuple[list[int], list[Any]]:
    """The elements of all lists in one, and where each list begins (and the last ends)."""
    offsets, elements = [0], list[Any]()
    for value in values:
        if value is not None:
            try:
                elements.extend(_elements(value))
            except ValueError as error:
                raise Misfit(len(offsets) - 1, value, str(error)) from error
        offsets.append(len(elements))
    return offsets, elements


def _elements(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        array: Any = cast("Any", value)
        if not array.ndim:
            raise ValueError("an array without dimensions, and so no list")
        if array.dtype.names is not None:
            raise ValueError("an array of records, which are no values of a list")
        # Datetimes and timedeltas of nanoseconds would become ints.
        return list(array) if array.dtype.kind in "mM" else array.tolist()
    if isinstance(value, set | frozenset):
        try:  # the order of a set changes from run to run, and the stored list would with it
            return sorted(cast("set[Any]", value))
        except TypeError:
            return cast("set[Any]", value)
    return value


@contextmanager
def _blaming_parents(offsets: list[int]) -> Generator[None]:
    """A misfit among the elements is one of the list that holds the element."""
    try:
        yield
    except Misfit as misfit:
        misfit.index = bisect_right(offsets, misfit.index) - 1
        raise


def _members(value: Any) -> Mapping[Any, Any]:
    if isinstance(value, Mapping):
        return cast("Any", value)  # type: ignore[no-any-return]
    if is_dataclass(value):
        return {member.name: getattr(value, member.name) for member in fields(value)}
    return cast("Mapping[Any, Any]", value._asdict())


def _member_values(rows: Sequence[Mapping[Any, Any] | None], name: object) -> list[Any]:
    return [None if row is None else row.get(name) for row in rows]


# ---- who is at fault ----------------------------------------------------------------------------------------------------


def _culprit(values: Values, kind: pa.DataType, error: Exception) -> Exception:
    """The misfit behind an error of `pa.array`, which names no row."""
    for index, value in enumerate(values):
        try:
            pa.array([value], kind)
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as refusal:
            if isinstance(refusal, UnicodeError):
                return Misfit(index, value, "no valid Unicode text")
            return Misfit(index, value, f"not exactly representable as {with_article(str(kind))}")
    return error
