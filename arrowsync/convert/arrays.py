"""The parts of every conversion kernel: `Converted`, `Failure`, and typed access to Arrow arrays.

A kernel maps a plain array to a `Converted`: the array of the target type, with NULL wherever a value can't be stored
exactly, and one `Failure` for each reason, whose mask says where. Nothing is raised for a bad value; the errors and the
rejects are both made from the failures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute

if TYPE_CHECKING:
    import numpy.typing as npt

Column: TypeAlias = "pa.Array[Any]"
DecimalType: TypeAlias = "pa.Decimal128Type[Any, Any] | pa.Decimal256Type[Any, Any]"
Numbers: TypeAlias = "npt.NDArray[Any]"
Mask: TypeAlias = "npt.NDArray[np.bool_]"

# pyarrow-stubs has each compute function by the exact classes of its arguments, which are not known here.
compute: Any = pyarrow.compute

TIME_UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@dataclass(frozen=True, slots=True, eq=False)
class Failure:
    """The rows whose values can't be stored (`mask`, True is bad; never True for a NULL), and the reason.

    `reason` is a short phrase that follows "is" ("out of range for int16"), or starts with "contains".
    """

    mask: Mask
    reason: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Complaint:
    """The words of a failure, without its rows."""

    reason: str
    hint: str

    def at(self, mask: Mask) -> Failure:
        return Failure(mask, self.reason, self.hint)


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """The outcome of a kernel: `values` of the target type, NULL wherever one of the `failures` hits."""

    values: Column
    failures: tuple[Failure, ...] = ()

    def then(self, kernel: Kernel) -> Converted:
        """Run another kernel on the values that are left."""
        after = kernel(self.values)
        return Converted(after.values, self.failures + after.failures)


Kernel: TypeAlias = Callable[["Column"], Converted]


def refuse(values: Column, *failures: Failure) -> Converted:
    """`values` with NULL wherever a failure hits; failures that hit nothing are dropped."""
    hits = tuple(failure for failure in failures if failure.mask.any())
    if not hits:
        return Converted(values)
    return Converted(blank(values, any_of(hits, len(values))), hits)


def any_of(failures: tuple[Failure, ...], length: int) -> Mask:
    """One mask: True where any of the failures hits."""
    bad = np.zeros(length, np.bool_)
    for failure in failures:
        bad |= failure.mask
    return bad


def scatter(rows: Numbers, flags: Mask, length: int) -> Mask:
    """A mask of `length` with `flags` at `rows`, False elsewhere."""
    mask = np.zeros(length, np.bool_)
    mask[rows] = flags
    return mask


def blank(values: Column, bad: Mask) -> Column:
    """`values` with NULL where `bad` is True."""
    if pa.types.is_nested(values.type):  # which may hold an extension type, of which pyarrow makes no NULL
        positions: Any = pa.array(np.arange(len(values)), mask=bad)
        return values.take(positions)
    result: Column = compute.if_else(pa.array(bad), pa.scalar(None, values.type), values)
    return result


def record_batch(arrays: Sequence[Column], schema: pa.Schema) -> pa.RecordBatch:
    """A batch of these columns."""
    batch: pa.RecordBatch = cast(Any, pa.RecordBatch).from_arrays(arrays, schema=schema)
    return batch


def mask_array(mask: Mask) -> pa.BooleanArray:
    """A numpy mask as an Arrow array."""
    return pa.array(mask)


def take(values: Column, rows: Numbers) -> Column:
    """The values at some rows."""
    positions: Any = pa.array(rows)
    return values.take(positions)


def mask_of(flags: Column) -> Mask:
    """A boolean Arrow array as a numpy mask; NULL is False."""
    if flags.null_count:
        flags = flags.fill_null(False)
    return np.asarray(flags.to_numpy(zero_copy_only=False), np.bool_)


def is_valid(values: Column) -> Mask:
    """True where `values` isn't NULL."""
    return mask_of(values.is_valid())


def try_cast(text: Column, kind: pa.DataType) -> Column | None:
    """Cast text with pyarrow; None if it refuses a value."""
    try:
        # A cast that fails goes on to the end, at ten times the cost: where all values are alike, a few tell it before.
        text.slice(0, 16).cast(kind)
        return text.cast(kind)
    except pa.ArrowInvalid:
        return None


def bounds(values: Column) -> tuple[int, int]:
    """The least and the greatest of some ints, a NULL being zero. Two passes at memory speed."""
    view = numbers(values)
    return (int(view.min()), int(view.max())) if len(view) else (0, 0)


_NUMPY: dict[pa.DataType, type[np.number[Any]]] = {
    pa.int8(): np.int8,
    pa.int16(): np.int16,
    pa.int32(): np.int32,
    pa.int64(): np.int64,
    pa.uint8(): np.uint8,
    pa.uint16(): np.uint16,
    pa.uint32(): np.uint32,
    pa.uint64(): np.uint64,
    pa.float32(): np.float32,
    pa.float64(): np.float64,
}


def numpy_type(kind: pa.DataType) -> np.dtype[Any]:
    """The numpy type of an Arrow int or float type."""
    return np.dtype(_NUMPY[kind])


def numbers(values: Column) -> Numbers:
    """An int or float array as a numpy view, zero where it is NULL."""
    if values.null_count:
        values = values.fill_null(0)
    return _slice_of(values, 1, numpy_type(values.type))


def decimal_type(kind: pa.DataType) -> DecimalType:
    """The type, known to be decimal128 or decimal256."""
    assert pa.types.is_decimal128(kind) or pa.types.is_decimal256(kind)
    return kind


def with_scale(kind: DecimalType, scale: int) -> DecimalType:
    """The type of the same width and precision with another scale: of the same bits, for a view."""
    make = pa.decimal128 if kind.byte_width == 16 else pa.decimal256
    return make(kind.precision, scale)


def decimal_words(values: Column) -> Numbers:
    """A decimal128 or decimal256 array as rows of 2 or 4 int64 words, least significant first; zero where it is NULL."""
    if values.null_count:
        values = values.fill_null(pa.scalar(Decimal(0), values.type))
    words = values.type.byte_width // 8
    return _slice_of(values, words, np.dtype(np.int64)).reshape(-1, words)


def fixed_bytes(values: Column) -> Numbers:
    """A fixed_size_binary array as rows of bytes. What stands under a NULL is whatever was there."""
    width: int = values.type.byte_width
    return _slice_of(values, width, np.dtype(np.uint8)).reshape(-1, width)


def _slice_of(values: Column, width: int, dtype: np.dtype[Any]) -> Numbers:
    buffer = values.buffers()[1]
    if buffer is None or not len(values):
        return np.empty(0, dtype)
    return _view(buffer, dtype, values.offset * width, len(values) * width)


def _view(buffer: pa.Buffer, dtype: np.dtype[Any], start: int, length: int) -> Numbers:
    data: Any = buffer
    view: Numbers = np.frombuffer(data, dtype, count=length, offset=start * dtype.itemsize)
    return view


def text_offsets(values: Column) -> Numbers:
    """The n + 1 offsets of a string or binary array into its data."""
    buffer = values.buffers()[1]
    if buffer is None or not len(values):
        return np.zeros(1, np.int32)
    return _view(buffer, np.dtype(np.int32), values.offset, len(values) + 1)


def large_offsets(values: Column) -> Numbers:
    """The n + 1 offsets of a large_string or large_binary array into its data."""
    buffer: Any = values.buffers()[1]
    return _view(buffer, np.dtype(np.int64), values.offset, len(values) + 1)


def text_bytes(values: Column) -> Numbers:
    """The bytes that a string or binary array covers, with those under NULLs."""
    offsets = text_offsets(values)
    buffer = values.buffers()[2]
    if buffer is None or offsets[0] == offsets[-1]:
        return np.empty(0, np.uint8)
    return _view(buffer, np.dtype(np.uint8), int(offsets[0]), int(offsets[-1] - offsets[0]))


def build(data: Numbers, like: Column, kind: pa.DataType) -> Column:
    """An Arrow array of fixed-width `kind` from its numpy data, NULL where `like` is."""
    return pa.Array.from_buffers(kind, len(like), [validity(like), buffer_of(data)])


def buffer_of(data: Numbers) -> pa.Buffer:
    """The bytes of a numpy array as an Arrow buffer."""
    contiguous: Any = np.ascontiguousarray(data)
    return pa.py_buffer(contiguous)


def validity(values: Column) -> pa.Buffer | None:
    """The validity bitmap of `values`, starting at bit 0, or None where nothing is NULL."""
    if not values.null_count:
        return None
    return buffer_of(np.packbits(is_valid(values), bitorder="little"))
