"""The kernels of PostgreSQL's arrays, from Arrow lists of any layout and depth, and of its composite types, from structs."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from arrowsync.wire.arrays import Column, Kernel, Unencodable, bits_of, pick, present_mask, values_of
from arrowsync.wire.rows import (
    I4,
    Elements,
    Field,
    Integers,
    Lookup,
    Mask,
    Values,
    compute,
    encode_rows,
    length_or_null,
    sometimes,
)

LOWER_BOUND = struct.pack(">i", 1)


def array_of(element: Kernel, oid: int, depth: int) -> Kernel:
    """Lists nested `depth` deep, as arrays of so many dimensions, with elements that `element` encodes."""
    type_oid = struct.pack(">I", oid)

    def encode(array: Column) -> Field:
        present = bits_of(array.is_valid())
        sizes, bounds, values = _shape(array, depth)
        elements = _elements(element, values, bounds)
        ends = elements.offsets[bounds]
        filled = sizes[0] > 0
        dimensions = Values(I4, np.where(filled, depth, 0))
        extents = [part for size in sizes for part in (Values(I4, size), LOWER_BOUND)]
        length = np.diff(ends) + np.where(filled, 12 + 8 * depth, 12)
        head = sometimes(present, dimensions, _null_flag(elements, bounds), type_oid)
        return Field(
            length_or_null(length, present), (*head, *sometimes(filled, *extents)), Elements(ends, elements.data)
        )

    return encode


def _shape(array: Column, depth: int) -> tuple[list[Integers], Integers, Column]:
    """Per row the size in each dimension; the bounds of its elements; the elements of all rows."""
    counts, bounds, values = _unnest(array)
    sizes = [counts]
    for _ in range(depth - 1):
        if values.null_count:
            raise Unencodable(
                _rows(np.flatnonzero(~bits_of(values.is_valid())), bounds), "contains NULL in place of an inner list"
            )
        counts, inner_bounds, inner_values = _unnest(values)
        # A row's first inner list says how long all of them have to be; a row with none gets a size that nobody reads.
        size = counts[np.minimum(bounds[:-1], len(counts) - 1)] if len(counts) else sizes[0]
        ragged = counts != np.repeat(size, np.diff(bounds))
        if ragged.any():
            raise Unencodable(_rows(np.flatnonzero(ragged), bounds), "contains inner lists of different lengths")
        if not counts.all():
            reason = "contains an empty list within a list, which PostgreSQL can't tell from an empty list"
            raise Unencodable(_rows(np.flatnonzero(counts == 0), bounds), reason)
        sizes.append(size)
        bounds, values = inner_bounds[bounds], inner_values
    return sizes, bounds, values


def _unnest(array: Any) -> tuple[Integers, Integers, Column]:
    """The lengths of lists of any layout (a NULL's is 0), the bounds of each one's values, and the values in order."""
    counts = values_of(compute.fill_null(compute.list_value_length(array), 0).cast(pa.int64()), np.int64)
    bounds = np.concatenate([[0], np.cumsum(counts)])
    if pa.types.is_fixed_size_list(array.type):
        starts = (np.arange(len(array)) + array.offset) * array.type.list_size
    else:
        starts = values_of(array.offsets.cast(pa.int64()), np.int64)[: len(array)]
    first = int(starts[0]) if len(starts) else 0
    if (starts == first + bounds[:-1]).all():
        return counts, bounds, array.values.slice(first, int(bounds[-1]))
    # Under a NULL there may be values, and list views may overlap and come in any order.
    rows: Integers = np.repeat(np.asarray(starts - bounds[:-1]), counts) + np.arange(int(bounds[-1]))
    return counts, bounds, pick(array.values, pa.array(rows))


def _elements(element: Kernel, values: Column, bounds: Integers) -> Elements:
    if len(values) == 0:
        return Elements(np.zeros(1, np.int64), np.zeros(0, np.uint8))
    try:
        return encode_rows([element(values)], len(values))
    except Unencodable as refusal:
        raise Unencodable(_rows(refusal.rows, bounds), refusal.reason) from None


def _null_flag(elements: Elements, bounds: Integers) -> bytes | Values:
    """1 for the rows with a NULL element, one whose length prefix begins with a byte of -1."""
    is_null = elements.data[elements.offsets[:-1]] == 0xFF if len(elements) else np.zeros(0, np.bool_)
    if not is_null.any():
        return bytes(4)
    nulls_before = np.concatenate([[0], np.cumsum(is_null)])
    return Values(I4, np.diff(nulls_before[bounds]) > 0)


def _rows(elements: Integers, bounds: Integers) -> Integers:
    """The rows that elements belong to."""
    return np.unique(np.searchsorted(bounds, elements, side="right") - 1)


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the type: its name, the oid of its type, which of the Arrow struct's fields it is (None: it has none)."""

    name: str
    oid: int
    index: int | None
    kernel: Kernel


def composite_of(members: Sequence[Member]) -> Kernel:
    """Structs as composites that have these members."""
    start = struct.pack(">i", len(members))
    oids = [struct.pack(">I", member.oid) for member in members]

    def encode(array: Any) -> Field:
        present = present_mask(array)
        rows = None if present is None else np.flatnonzero(present)
        count = len(array) if rows is None else len(rows)
        if count == 0:
            return Field(-1)
        parts: list[bytes | Field | Lookup] = [start]
        for oid, member in zip(oids, members, strict=True):
            parts += [oid, _member(array, member, rows)]
        inside = encode_rows(parts, count)
        return _field(inside, present)

    return encode


def _member(array: Any, member: Member, rows: Integers | None) -> Field | Lookup:
    """The field of a member, of the structs at `rows`: what stands under a NULL struct is arbitrary, and not looked at."""
    if member.index is None:
        return Field(-1)
    values = array.field(member.index)
    try:
        return member.kernel(values if rows is None else pick(values, pa.array(rows)))
    except Unencodable as refusal:
        reason = refusal.reason.removeprefix("contains ")
        verb = "is" if reason == refusal.reason else "contains"
        at = refusal.rows if rows is None else rows[refusal.rows]
        raise Unencodable(at, f"contains a member {member.name!r} that {verb} {reason}") from None


def _field(inside: Elements, present: Mask | None) -> Field:
    """The field of structs that have these bytes, one for each that is present."""
    lengths = np.diff(inside.offsets)
    if present is None:
        return Field(lengths, (), inside)
    ends = inside.offsets[np.concatenate([[0], np.cumsum(present)])]
    return Field(length_or_null(np.diff(ends), present), (), Elements(ends, inside.data))
