"""Kernels around kernels: what makes a kernel for plain arrays of a type fit for every Arrow layout of it.

Where values repeat (dictionaries, runs), each distinct value is encoded once, as a whole field, and the rows look theirs up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from arrowsync.encode.blocks import Field, Integers, Lookup, encode_rows
from arrowsync.encode.columns import Kernel, Unencodable, null_mask, values_of


def all_null(array: pa.Array[Any]) -> Field:
    """The kernel of `pa.null()`, for a column of any type."""
    return Field(-1)


def storage(kernel: Kernel) -> Kernel:
    """For an extension type, such as arrow.uuid: `kernel` takes what it is stored as."""
    return lambda array: kernel(array.storage)


def converted(kernel: Kernel, plain: pa.DataType) -> Kernel:
    """For a layout without buffers of its own kind here, such as string views: Arrow copies it to `plain`."""
    return lambda array: kernel(array.cast(plain))


def dictionary(kernel: Kernel) -> Kernel:
    """For a dictionary of values that `kernel` takes; NULL may stand in the indices, in the values, or in both."""

    def encode(array: pa.Array[Any]) -> Field | Lookup:
        values = array.dictionary
        if 0 < len(values) <= len(array):
            indices = array.indices
            pick = values_of(indices, indices.type.to_pandas_dtype()).astype(np.int64)
            nulls = null_mask(indices)
            try:
                return _lookup(kernel, values, pick if nulls is None else np.where(nulls, -1, pick))
            except Unencodable:
                pass  # Perhaps for a value that no row has: the decoded array can tell, and knows the rows.
        return kernel(array.dictionary_decode())

    return encode


def run_ends(kernel: Kernel) -> Kernel:
    """For run-end-encoded values that `kernel` takes."""

    def encode(array: pa.Array[Any]) -> Field | Lookup:
        ends = values_of(array.run_ends, array.run_ends.type.to_pandas_dtype())
        pick = np.searchsorted(ends, np.arange(array.offset, array.offset + len(array)), side="right")
        first, last = int(pick[0]), int(pick[-1])
        pick -= first
        try:
            return _lookup(kernel, array.values.slice(first, last - first + 1), pick)
        except Unencodable as refusal:
            raise Unencodable(np.flatnonzero(np.isin(pick, refusal.rows)), refusal.reason) from None

    return encode


def without_nulls(kernel: Kernel) -> Kernel:
    """For a kernel that wants no NULL in its array: it gets the others, and the rows look theirs up."""

    def encode(array: pa.Array[Any]) -> Field | Lookup:
        nulls = null_mask(array)
        if nulls is None:
            return kernel(array)
        if nulls.all():
            return Field(-1)
        try:
            return _lookup(kernel, array.drop_null(), np.where(nulls, -1, np.cumsum(~nulls) - 1))
        except Unencodable as refusal:
            raise Unencodable(np.flatnonzero(~nulls)[refusal.rows], refusal.reason) from None

    return encode


def _lookup(kernel: Kernel, values: pa.Array[Any], pick: Integers) -> Lookup:
    return Lookup(encode_rows([kernel(values)], len(values)), pick)
