"""Arrow columns as numpy arrays without copying, and what encoders of every wire format share: type families and layouts."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arrowsync.catalog.objects import SqlType
from arrowsync.errors import ConversionError, batch_error, translated
from arrowsync.shown import shown
from arrowsync.wire.rows import Elements, Field, Integers, Lookup, Mask, compute, encode_rows

Column: TypeAlias = "pa.Array[Any]"

Kernel: TypeAlias = "Callable[[Column], Field | Lookup]"
"""A column of at least one row to its bytes; raises `Unencodable`."""


_LISTS: Sequence[tuple[Callable[[Any], bool], Any]] = (
    (pa.types.is_large_list, pa.large_list),
    (pa.types.is_list_view, pa.list_view),
    (pa.types.is_large_list_view, pa.large_list_view),
)


class Strings(NamedTuple):
    """A column of byte strings, none where NULL; their lengths; which are not NULL, or None where all are."""

    elements: Elements
    lengths: Integers
    present: Mask | None


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


def present_mask(array: Column) -> Mask | None:
    """A mask of the values that aren't NULL; None if there are no NULLs."""
    return _bits(array, array.buffers()[0]) if array.null_count else None


def values_of(array: Column, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """The values of a fixed-width array as numpy's type of the same layout."""
    return _read(array.buffers()[1], np.dtype(dtype), array.offset, len(array))


def bits_of(array: Column) -> Mask:
    """The values of a boolean array."""
    return _bits(array, array.buffers()[1])


def strings_of(array: Column) -> Strings:
    """The bytes of a (large) string or binary array."""
    large = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
    _, offsets, data = array.buffers()
    ends = _read(offsets, np.dtype(np.int64 if large else np.int32), array.offset, len(array) + 1)
    lengths = np.diff(ends)
    present = present_mask(array)
    if present is not None and (lengths * present).sum() != ends[-1] - ends[0]:  # there are bytes under a NULL
        return strings_of(compute.fill_null(array, b""))._replace(present=present)
    return Strings(Elements(ends, _read(data, np.dtype(np.uint8), 0, data.size if data else 0)), lengths, present)


def without_views(array: Column) -> Column:
    """String and binary views in the large layout, which holds them however long they are together."""
    if pa.types.is_string_view(array.type):
        return array.cast(pa.large_string())
    if pa.types.is_binary_view(array.type):
        return array.cast(pa.large_binary())
    return array


def pick(array: Column, rows: Column) -> Column:
    """The values at `rows`, NULL where that is NULL.

    Arrow can't take from views or runs, nor from what has them inside [pyarrow 26]: views come out in the large layout, runs as
    a dictionary, an extension type over them as what it stores.
    """
    picked: Column = compute.take(_takeable(array), rows)
    return picked


def _takeable(array: Any) -> Column:
    """The values in layouts that Arrow's `take` accepts."""
    same: Column = array
    made: Column
    if isinstance(array.type, pa.BaseExtensionType):
        stored: Any = _takeable(array.storage)
        return same if stored.type == array.storage.type else stored
    if pa.types.is_run_end_encoded(array.type):
        ends = values_of(array.run_ends, dtype_of(array.run_ends.type))
        codes: Any = pa.array(np.searchsorted(ends, np.arange(len(array)) + int(array.offset), side="right"))
        dictionary: Any = pa.DictionaryArray
        made = dictionary.from_arrays(codes, array.values)
        return made
    if pa.types.is_struct(array.type):
        given: list[Any] = [array.field(number) for number in range(array.type.num_fields)]
        members: list[Any] = list(map(_takeable, given))
        if [member.type for member in members] == [member.type for member in given]:
            return same
        struct: Any = pa.StructArray
        made = struct.from_arrays(members, array.type.names, mask=array.is_null())
        return made
    if pa.types.is_nested(array.type) and not pa.types.is_map(array.type):
        values = _takeable(array.values)
        return same if values.type == array.values.type else _with_values(array, values)
    return without_views(same)


def _with_values(array: Any, values: Column) -> Column:
    """Lists of the same lengths, with others in the place of all their values."""
    fixed = pa.types.is_fixed_size_list(array.type)
    make: Any = next((make for includes, make in _LISTS if includes(array.type)), pa.list_)
    layout: Any = make(values.type, array.type.list_size) if fixed else make(values.type)
    own: Any = array.buffers()[: layout.num_buffers]
    return pa.Array.from_buffers(layout, len(array), own, offset=array.offset, children=[values])


def dtype_of(source: Any) -> np.dtype[Any]:
    """Numpy's type for the values of an Arrow integer or float. (Arrow's own `to_pandas_dtype` needs pandas.)"""
    kind = "f" if pa.types.is_floating(source) else "i" if pa.types.is_signed_integer(source) else "u"
    return np.dtype(f"{kind}{source.bit_width // 8}")


def refuse(bad: Mask, present: Mask | None, reason: str) -> None:
    """Raise `Unencodable` for the rows under the mask that are not NULL, if there is one."""
    if bad.any():
        rows = np.flatnonzero(bad if present is None else bad & present)
        if len(rows):
            raise Unencodable(rows, reason)


def check_range(values: npt.NDArray[Any], low: int, high: int, present: Mask | None, target: SqlType) -> None:
    """Refuse values outside low..high (inclusive)."""
    if values.min() < low or values.max() > high:
        refuse((values < low) | (values > high), present, f"out of range for {target}")


def _read(buffer: pa.Buffer | None, dtype: np.dtype[Any], first: int, count: int) -> npt.NDArray[Any]:
    if buffer is None:  # which Arrow allows where there is nothing to read
        return np.zeros(count, dtype)
    return np.frombuffer(memoryview(buffer), dtype, count, first * dtype.itemsize)


def _bits(array: Column, buffer: pa.Buffer | None) -> Mask:
    first, shift = divmod(array.offset, 8)
    count = shift + len(array)
    packed = _read(buffer, np.dtype(np.uint8), first, (count + 7) // 8)
    return np.unpackbits(packed, bitorder="little", count=count)[shift:].view(np.bool_)


SAMPLE = 5

FAMILIES: Mapping[str, Callable[[Any], bool]] = {
    "bool": pa.types.is_boolean,
    "integer": pa.types.is_integer,
    "decimal": pa.types.is_decimal,
    "float": pa.types.is_floating,
    "string": lambda source: pa.types.is_string(source) or pa.types.is_large_string(source),
    "binary": lambda source: (
        pa.types.is_binary(source) or pa.types.is_large_binary(source) or pa.types.is_fixed_size_binary(source)
    ),
    "date": pa.types.is_date32,
    "time": pa.types.is_time,
    "timestamp": lambda source: pa.types.is_timestamp(source) and source.tz is None,
    "timestamptz": lambda source: pa.types.is_timestamp(source) and source.tz is not None,
    "duration": pa.types.is_duration,
    "interval": pa.types.is_interval,
}
EXTENSIONS: Mapping[str, str] = {"arrow.uuid": "uuid", "arrow.json": "json"}
"""Extension types that are families of their own; any other is written as its storage type."""


def family_of(source: Any) -> str:
    """The family of a plain Arrow type, or "" for one that no kernel takes."""
    return next((name for name, includes in FAMILIES.items() if includes(source)), "")


@contextmanager
def encoding(name: str, array: Column, first_row: int) -> Generator[None]:
    """Around the encoding of a column: values that it can't write, and whatever else goes wrong, are a `ConversionError`."""
    with translated(partial(batch_error, name, len(array), array.type, "what the server takes")):
        try:
            yield
        except Unencodable as refusal:
            raise conversion_error(name, array, refusal, first_row) from None


def unencodable(
    batch: pa.RecordBatch, kernels: Sequence[Callable[[Column], object]]
) -> tuple[str, list[int], str] | None:
    """Find a column of the batch with values that its kernel can't write, their rows and the reason; None if all can be."""
    if batch.num_rows == 0:
        return None
    columns = cast("Any", batch)  # pyarrow-stubs: an array of unknown values
    for number, (name, kernel) in enumerate(zip(batch.schema.names, kernels, strict=True)):
        array: Column = columns[number]
        with translated(partial(batch_error, name, len(array), array.type, "what the server takes")):
            try:
                kernel(array)
            except Unencodable as refusal:
                return name, refusal.rows.tolist(), refusal.reason
    return None


def conversion_error(name: str, array: Column, refusal: Unencodable, first_row: int) -> ConversionError:
    """The refusal as the error of a column; its rows count from `first_row`, the position of the batch."""
    rows = refusal.rows[:SAMPLE].tolist()
    sample = tuple(_sample(array[row]) for row in rows)
    verb = "" if refusal.reason.startswith(("contains ", "ends ")) else "is "
    others = ", the first of several" if len(refusal.rows) > 1 else ""
    return ConversionError(
        f"column {name!r}, row {first_row + rows[0]}: {shown(sample[0])} {verb}{refusal.reason}{others}",
        column=name,
        reason=refusal.reason,
        rows=tuple(first_row + row for row in rows),
        sample=sample,
        hint="mend the value, or declare a type that holds it",
    )


def _sample(value: pa.Scalar[Any]) -> Any:
    try:
        return value.as_py()
    except (ValueError, OverflowError):  # a date or time that Python can't hold: the number that Arrow does
        return getattr(value, "value", None)


NULL = np.full(4, 0xFF, np.uint8)
"""The field of a NULL: length -1."""


def all_null(array: Column) -> Field:
    """The kernel of `pa.null()`, for a column of any type."""
    return Field(-1)


def storage(kernel: Kernel) -> Kernel:
    """Make the kernel for an extension type, such as arrow.uuid, from the kernel of its storage type."""

    def encode(array: Any) -> Field | Lookup:
        return kernel(array.storage if isinstance(array, pa.ExtensionArray) else array)

    return encode


def views(kernel: Kernel) -> Kernel:
    """Make the kernel for string and binary views; `kernel` takes the large layout."""
    return lambda array: kernel(without_views(array))


def dictionary(kernel: Kernel) -> Kernel:
    """Make the kernel for a dictionary of values that `kernel` takes; indices, values or both may have NULLs."""

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
    """Make the kernel for run-end-encoded values that `kernel` takes; `pick` makes a dictionary of them."""
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
