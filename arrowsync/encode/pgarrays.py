"""The kernel of PostgreSQL's arrays, from Arrow lists of any layout and depth.

On the wire an array is its number of dimensions, a flag for NULL elements, the element type's oid, each dimension's size and
lower bound, and then the elements, each a field of its own (array_send in src/backend/utils/adt/arrayfuncs.c). The elements
of all rows are encoded as one column; a row's share of them is the tail of its field.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from arrowsync.encode.blocks import Elements, Field, Integers, Lookup, Mask, Part, Values, encode_rows
from arrowsync.encode.columns import Kernel, Unencodable, values_of
from arrowsync.encode.layouts import without_nulls

LOWER_BOUND = struct.pack(">i", 1)


def array_of(element: Kernel, oid: int, depth: int) -> Kernel:
    """Lists nested `depth` deep, as arrays of so many dimensions, with elements that `element` encodes."""
    empty = struct.pack(">iiiI", 12, 0, 0, oid)

    def encode(array: pa.Array[Any]) -> Field | Lookup:
        sizes, bounds, values = _shape(array, depth)
        elements = _elements(element, values, bounds)
        head: list[Part] = [struct.pack(">i", depth), _null_flag(elements, bounds), struct.pack(">I", oid)]
        for size in sizes:
            head += (Values(">i4", size), LOWER_BOUND)
        ends = elements.offsets[bounds]
        is_empty = sizes[0] == 0
        return Field(
            np.diff(ends) + (12 + 8 * depth),
            tuple(head),
            Elements(ends, elements.data),
            instead=((is_empty, empty),) if is_empty.any() else (),
        )

    return without_nulls(encode)


def _shape(array: pa.Array[Any], depth: int) -> tuple[list[Integers], Integers, pa.Array[Any]]:
    """Per row the size in each dimension; the bounds of its elements; the elements of all rows."""
    counts, bounds, values = _unnest(array)
    sizes = [counts]
    for _ in range(depth - 1):
        if values.null_count:
            raise Unencodable(_rows(np.flatnonzero(values.is_null()), bounds), "NULL in place of an inner list")
        counts, inner_bounds, inner_values = _unnest(values)
        # A row's first inner list says how long all of them have to be; a row with none gets a size that nobody reads.
        size = counts[np.minimum(bounds[:-1], len(counts) - 1)] if len(counts) else sizes[0]
        ragged = counts != np.repeat(size, np.diff(bounds))
        if ragged.any():
            raise Unencodable(_rows(np.flatnonzero(ragged), bounds), "inner lists of different lengths")
        if not counts.all():
            reason = "an empty list within a list, which PostgreSQL can't tell from an empty list"
            raise Unencodable(_rows(np.flatnonzero(counts == 0), bounds), reason)
        sizes.append(size)
        bounds, values = inner_bounds[bounds], inner_values
    return sizes, bounds, values


def _unnest(array: pa.Array[Any]) -> tuple[Integers, Integers, pa.Array[Any]]:
    """The lengths of lists (none NULL, of any list layout), the bounds of each one's values, and the values in order."""
    counts = values_of(pc.list_value_length(array).cast(pa.int64()), np.int64)
    return counts, np.concatenate([[0], np.cumsum(counts)]), array.flatten()


def _elements(element: Kernel, values: pa.Array[Any], bounds: Integers) -> Elements:
    if len(values) == 0:
        return Elements(np.zeros(1, np.int64), np.zeros(0, np.uint8))
    try:
        return encode_rows([element(values)], len(values))
    except Unencodable as refusal:
        raise Unencodable(_rows(refusal.rows, bounds), refusal.reason) from None


def _null_flag(elements: Elements, bounds: Integers) -> Part:
    """1 for the rows with a NULL element, one whose length prefix begins with a byte of -1."""
    is_null = elements.data[elements.offsets[:-1]] == 0xFF if len(elements) else np.zeros(0, np.bool_)
    if not is_null.any():
        return bytes(4)
    nulls_before = np.concatenate([[0], np.cumsum(is_null)])
    return Values(">i4", np.diff(nulls_before[bounds]) > 0)


def _rows(elements: Integers, bounds: Integers) -> Integers:
    """The rows that elements belong to."""
    return np.unique(np.searchsorted(bounds, elements, side="right") - 1)
