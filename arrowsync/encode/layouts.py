"""Kernels around kernels: what makes a kernel for plain arrays of a type fit for every Arrow layout of it.

Where values repeat (dictionaries, runs), each distinct value is encoded once, as a whole field, and the rows look theirs up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from arrowsync.encode.blocks import Elements, Field, Integers, Lookup, Mask, encode_rows
from arrowsync.encode.columns import Column, Kernel, Unencodable, dtype_of, pick, present_mask, values_of, without_views

NULL = np.full(4, 0xFF, np.uint8)
"""The field of a NULL: length -1."""


def all_null(array: Column) -> Field:
    """The kernel of `pa.null()`, for a column of any type."""
    return Field(-1)


def storage(kernel: Kernel) -> Kernel:
    """For an extension type, such as arrow.uuid: `kernel` takes what it is stored as."""

    def encode(array: Any) -> Field | Lookup:
        return kernel(array.storage if isinstance(array, pa.ExtensionArray) else array)

    return encode


def views(kernel: Kernel) -> Kernel:
    """For string and binary views: `kernel` takes the large layout."""
    return lambda array: kernel(without_views(array))


def dictionary(kernel: Kernel) -> Kernel:
    """For a dictionary of values that `kernel` takes; NULL may stand in the indices, in the values, or in both."""

    def encode(array: Any) -> Field | Lookup:
        values, indices = array.dictionary, array.indices
        codes = values_of(indices, dtype_of(indices.type)).astype(np.int64)
        present = present_mask(indices)
        if 0 < len(values) <= len(array):
            try:
                return _lookup(kernel, values, codes, present)
            except Unencodable:
                pass  # Perhaps for a value that no row has: the plain array can tell, and knows the rows.
        return kernel(pick(values, indices))

    return encode


def run_ends(kernel: Kernel) -> Kernel:
    """For run-end-encoded values that `kernel` takes; what `pick` takes from them is a dictionary."""
    picked = dictionary(kernel)

    def encode(array: Any) -> Field | Lookup:
        if pa.types.is_dictionary(array.type):
            return picked(array)
        ends = values_of(array.run_ends, dtype_of(array.run_ends.type))
        rows = np.arange(len(array)) + int(array.offset)
        run: Integers = np.searchsorted(ends, rows, side="right")
        first, last = int(run[0]), int(run[-1])
        run -= first
        try:
            return _lookup(kernel, array.values.slice(first, last - first + 1), run, None)
        except Unencodable as refusal:
            raise Unencodable(np.flatnonzero(np.isin(run, refusal.rows)), refusal.reason) from None

    return encode


def _lookup(kernel: Kernel, values: Column, rows: Integers, present: Mask | None) -> Lookup:
    """Row i has the field of value `rows[i]`, or that of NULL, which is put behind the values'."""
    fields = encode_rows([kernel(values)], len(values))
    if present is None:
        return Lookup(fields, rows)
    end = fields.offsets[-1]
    with_null = Elements(np.append(fields.offsets, end + len(NULL)), np.append(fields.data[:end], NULL))
    return Lookup(with_null, np.where(present, rows, len(values)))
