"""The values of lists, sets and structs, made of those of their elements and members, which have row numbers of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from arrowsync.declare.spec import ColumnSpec
from arrowsync.testing.draws import Numbering, Numbers, mix, numbered, one_in
from arrowsync.testing.values import Column, Make, Values, blank

MOST = 5
"""The elements that a list has at most."""

_SLOTS = 8


def element_of(column: ColumnSpec) -> ColumnSpec:
    """The element of a list; from its type alone, where it isn't declared."""
    if column.element is not None:
        return column.element
    kind: Any = column.type
    return ColumnSpec("item", kind.value_type, nullable=kind.value_field.nullable)


def members_of(column: ColumnSpec) -> tuple[ColumnSpec, ...]:
    """The members of a struct; from its type alone, where they aren't declared."""
    if column.struct is not None:
        return column.struct.members
    kind: Any = column.type
    return tuple(ColumnSpec(field.name, field.type, nullable=field.nullable) for field in kind)


def list_values(kind: pa.DataType, element: Make, key: int, most: int = MOST) -> Values:
    """Lists of up to `most` elements, some of them empty."""

    def make(rows: Numbers) -> Column:
        lengths, row, position = _elements(rows, key, most)
        return _lists(kind, lengths, element(rows[row] * np.uint64(_SLOTS) + position))

    return Values(make, 0, random=make)


def set_values(kind: pa.DataType, element: Values, pick: Numbering, key: int, null_key: int | None) -> Values:
    """Lists of different elements. With a `null_key` one of them is NULL at times.

    The numbers of all elements fall into equal parts; a set has one at the same place of some neighbouring parts.
    """
    parts = min(_SLOTS, element.size)
    width = np.uint64(element.size // parts)

    def make(rows: Numbers) -> Column:
        lengths, row, position = _elements(rows, key, min(MOST, parts))
        first = pick(rows)
        part = np.where(first // width < np.uint64(parts), first // width, 0)[row]
        items = element.nth(first[row] % width + (part + position) % np.uint64(parts) * width)
        if null_key is not None:
            items = blank(items, one_in(10, null_key, rows)[row] & (position == 0))
        return _lists(kind, lengths, items)

    return Values(make, 0, random=make)


def struct_values(kind: pa.DataType, makes: Sequence[Make], values: Sequence[Values]) -> Values:
    """Structs of the values that `makes` makes. The member with the most `values` makes them distinct."""
    fields: Any = kind
    struct: Any = pa.StructArray
    lead = max(range(len(values)), key=lambda member: values[member].size)

    def make(rows: Numbers) -> Column:
        built: Column = struct.from_arrays([each(rows) for each in makes], fields=list(fields))
        return built

    def nth(numbers: Numbers) -> Column:
        members = [values[lead].nth(numbers) if at == lead else each(numbers) for at, each in enumerate(makes)]
        built: Column = struct.from_arrays(members, fields=list(fields))
        return built

    return Values(nth, values[lead].size, values[lead].awkward, random=make)


def _elements(rows: Numbers, key: int, most: int) -> tuple[Numbers, Numbers, Numbers]:
    """The length of the list of each row; for each element the place of its row, and its position in the list."""
    lengths = mix(key, rows) % np.uint64(most + 1)
    row = np.repeat(numbered(len(rows)), lengths.astype(np.int64))
    ends = np.cumsum(lengths)
    return lengths, row, numbered(len(row)) - (ends - lengths)[row]


def _lists(kind: pa.DataType, lengths: Numbers, items: Column) -> Column:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    lists: Any = pa.ListArray
    built: Column = lists.from_arrays(pa.array(offsets), items, type=kind)
    return built
