"""What kernels stand on: Arrow columns read as numpy arrays without copying, and the two ways of refusing.

Kernels read with the `*_of` functions and nothing else: they know where a sliced array begins, and put 0 where a value is
NULL (what Arrow holds there is arbitrary), so that range checks and digit counts need not think of NULLs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from arrowsync.encode.blocks import Elements, Field, Integers, Lookup, Mask

Kernel = Callable[[pa.Array[Any]], Field | Lookup]
"""A column of at least one row to its bytes; raises `Unencodable`."""


class NoEncoding(Exception):
    """A pair of Arrow type and column type whose values have no exact form on the wire, found before any value is seen."""


class Unencodable(Exception):
    """Rows of a column (positions in the array at hand) that have no exact form on the wire, and why."""

    def __init__(self, rows: Integers, reason: str) -> None:
        super().__init__(reason)
        self.rows = rows
        self.reason = reason


def null_mask(array: pa.Array[Any]) -> Mask | None:
    """Which values are NULL, or None where none is."""
    if array.null_count == 0:
        return None
    if array.null_count == len(array):
        return np.ones(len(array), np.bool_)
    return ~_bits(array, 0)


def values_of(array: pa.Array[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """The values of a fixed-width array, NULL as 0."""
    dtype = np.dtype(dtype)
    data = array.buffers()[1]
    if data is None:
        return np.zeros(len(array), dtype)
    values = np.frombuffer(data, dtype, len(array), array.offset * dtype.itemsize)
    nulls = null_mask(array)
    return values if nulls is None else np.where(nulls, np.zeros(1, dtype), values)


def bits_of(array: pa.Array[Any]) -> npt.NDArray[np.uint8]:
    """The values of a boolean array as 0 and 1; arbitrary where NULL."""
    return np.zeros(len(array), np.uint8) if array.buffers()[1] is None else _bits(array, 1).view(np.uint8)


def strings_of(array: pa.Array[Any]) -> Elements:
    """The bytes of a (large) string or binary array, NULL as no byte."""
    large = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
    dtype = np.dtype(np.int64 if large else np.int32)
    _, offsets, data = array.buffers()
    if offsets is None or data is None:
        return Elements(np.zeros(len(array) + 1, dtype), np.zeros(0, np.uint8))
    strings = Elements(
        np.frombuffer(offsets, dtype, len(array) + 1, array.offset * dtype.itemsize), np.frombuffer(data, np.uint8)
    )
    nulls = null_mask(array)
    if nulls is not None and np.diff(strings.offsets)[nulls].any():
        return strings_of(pc.fill_null(array, b""))
    return strings


def refuse(bad: Mask, reason: str) -> None:
    """Raise `Unencodable` for the rows under the mask, if there is one."""
    if bad.any():
        raise Unencodable(np.flatnonzero(bad), reason)


def check_range(values: npt.NDArray[Any], low: int, high: int, reason: str) -> None:
    """Refuse values outside low..high (inclusive). NULLs were read as 0, which every range holds."""
    if values.min() < low or values.max() > high:
        refuse((values < low) | (values > high), reason)


def _bits(array: pa.Array[Any], buffer: int) -> Mask:
    first, shift = divmod(array.offset, 8)
    packed = np.frombuffer(array.buffers()[buffer], np.uint8, (shift + len(array) + 7) // 8, first)
    return np.unpackbits(packed, bitorder="little", count=shift + len(array))[shift:].view(np.bool_)
