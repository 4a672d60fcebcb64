"""What kernels stand on: Arrow columns read as numpy arrays without copying, and the two ways of refusing.

Kernels read with the `*_of` functions and nothing else: they know where a sliced array begins, and put 0 where a value is
NULL (what Arrow holds there is arbitrary), so that range checks and digit counts need not think of NULLs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from arrowsync.catalog.types import SqlType
from arrowsync.encode.blocks import Elements, Field, Integers, Lookup, Mask

Column: TypeAlias = "pa.Array[Any]"

# pyarrow-stubs has each compute function by the exact classes of its arguments, which are not known here.
compute: Any = pyarrow.compute

Kernel: TypeAlias = "Callable[[Column], Field | Lookup]"
"""A column of at least one row to its bytes; raises `Unencodable`."""


class NoEncoding(Exception):
    """A pair of Arrow type and column type whose values have no exact form on the wire, found before any value is seen."""


class Unencodable(Exception):
    """Rows of a column (positions in the array at hand) whose values have no exact form on the wire, and why.

    `reason` is a short phrase that follows "is" ("out of range for smallint"), or starts with "contains".
    """

    def __init__(self, rows: Integers, reason: str) -> None:
        super().__init__(reason)
        self.rows = rows
        self.reason = reason


def null_mask(array: Column) -> Mask | None:
    """Which values are NULL, or None where none is."""
    return ~_bits(array, array.buffers()[0]) if array.null_count else None


def values_of(array: Column, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """The values of a fixed-width array as numpy's type of the same layout, NULL as 0."""
    dtype = np.dtype(dtype)
    values = _read(array.buffers()[1], dtype, array.offset, len(array))
    nulls = null_mask(array)
    return values if nulls is None else np.where(nulls, np.zeros(1, dtype), values)


def bits_of(array: Column) -> Mask:
    """The values of a boolean array; arbitrary where NULL."""
    return _bits(array, array.buffers()[1])


def strings_of(array: Column) -> Elements:
    """The bytes of a (large) string or binary array, NULL as no byte."""
    large = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
    _, offsets, data = array.buffers()
    strings = Elements(
        _read(offsets, np.dtype(np.int64 if large else np.int32), array.offset, len(array) + 1),
        np.zeros(0, np.uint8) if data is None else np.frombuffer(memoryview(data), np.uint8),
    )
    nulls = null_mask(array)
    if nulls is not None and np.diff(strings.offsets)[nulls].any():
        return strings_of(compute.fill_null(array, b""))
    return strings


def without_views(array: Column) -> Column:
    """String and binary views in the large layout, which holds them however long they are together."""
    if pa.types.is_string_view(array.type):
        return array.cast(pa.large_string())
    if pa.types.is_binary_view(array.type):
        return array.cast(pa.large_binary())
    return array


def pick(array: Column, rows: Any) -> Column:
    """The values at `rows`; where that is NULL, NULL. (Arrow can't take from views [pyarrow 26].)"""
    picked: Column = compute.take(without_views(array), pa.array(rows))
    return picked


def dtype_of(source: pa.DataType) -> np.dtype[Any]:
    """Numpy's type for the values of an Arrow number."""
    dtype: np.dtype[Any] = np.dtype(cast("Any", source.to_pandas_dtype()))
    return dtype


def refuse(bad: Mask, reason: str) -> None:
    """Raise `Unencodable` for the rows under the mask, if there is one."""
    if bad.any():
        raise Unencodable(np.flatnonzero(bad), reason)


def check_range(values: npt.NDArray[Any], low: int, high: int, target: SqlType) -> None:
    """Refuse values outside low..high (inclusive). NULLs were read as 0, which every range holds."""
    if values.min() < low or values.max() > high:
        refuse((values < low) | (values > high), f"out of range for {target}")


def _read(buffer: pa.Buffer | None, dtype: np.dtype[Any], first: int, count: int) -> npt.NDArray[Any]:
    if buffer is None:  # which Arrow allows where there is nothing to read
        return np.zeros(count, dtype)
    return np.frombuffer(memoryview(buffer), dtype, count, first * dtype.itemsize)


def _bits(array: Column, buffer: pa.Buffer | None) -> Mask:
    first, shift = divmod(array.offset, 8)
    count = shift + len(array)
    packed = _read(buffer, np.dtype(np.uint8), first, (count + 7) // 8)
    return np.unpackbits(packed, bitorder="little", count=count)[shift:].view(np.bool_)
