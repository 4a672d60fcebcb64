"""Checks of a producer's Arrow buffers: `check_layout` of their offsets, `decoded_size` of their size when decoded.

Through Arrow's C interface come buffers without their sizes: pyarrow takes an offset, an index or a run for granted, and so would
every kernel that reads there. To take in another layout that refers to values elsewhere, add it to `decoded_size`.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pyarrow as pa

Array = Any
types = pa.types
_AS_BYTES: tuple[tuple[Any, pa.DataType], ...] = (
    (types.is_string, pa.binary()),
    (types.is_binary, pa.binary()),
    (types.is_large_string, pa.large_binary()),
    (types.is_large_binary, pa.large_binary()),
    (types.is_string_view, pa.binary_view()),
    (types.is_binary_view, pa.binary_view()),
)
# Of nothing in place of the elements: the type of the list, and how many buffers it has of its own.
_OF_NOTHING: tuple[tuple[Any, pa.DataType, int], ...] = (
    (types.is_list, pa.list_(pa.null()), 2),
    (types.is_map, pa.list_(pa.null()), 2),
    (types.is_large_list, pa.large_list(pa.null()), 2),
    (types.is_list_view, pa.list_view(pa.null()), 3),
    (types.is_large_list_view, pa.large_list_view(pa.null()), 3),
)


def check_layout(batch: pa.RecordBatch) -> None:
    """Raise a `pa.ArrowInvalid` where a column points outside of its own values; `convert` checks the values themselves."""
    columns: list[Array] = cast("Any", batch).columns
    for name, column in zip(batch.schema.names, columns, strict=True):
        try:
            column.validate()
            _check_pointers(column)
        except pa.ArrowInvalid as error:
            raise pa.ArrowInvalid(f"column {name!r}: {error}") from error


def _check_pointers(array: Array) -> None:
    """Each layer of an array is validated in full with nothing in the place of its values, and then they are."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        _check_pointers(array.storage)
    elif types.is_dictionary(kind):
        make: Any = pa.DictionaryArray
        make.from_arrays(array.indices, pa.nulls(len(array.dictionary)), safe=False).validate(full=True)
        _check_pointers(array.dictionary)
    elif types.is_run_end_encoded(kind):
        if bool((np.diff(array.run_ends.to_numpy(), prepend=0) <= 0).any()):
            raise pa.ArrowInvalid("the ends of runs don't rise")
        _check_pointers(array.values)
    elif types.is_struct(kind) or types.is_union(kind):
        if types.is_union(kind):
            array.validate(full=True)
        for index in range(kind.num_fields):
            _check_pointers(array.field(index))
    elif types.is_fixed_size_list(kind):
        _check_pointers(array.values)
    for is_text, plain in _AS_BYTES:
        if is_text(kind):
            pa.Array.from_buffers(plain, len(array), array.buffers(), offset=array.offset).validate(full=True)
    for is_list, plain, own in _OF_NOTHING:
        if is_list(kind):
            inside = [array.keys, array.items] if types.is_map(kind) else [array.values]
            nothing: Any = pa.nulls(len(inside[0]))
            buffers = array.buffers()[:own]
            made = pa.Array.from_buffers(plain, len(array), buffers, offset=array.offset, children=[nothing])
            made.validate(full=True)
            for values in inside:
                _check_pointers(values)


def decoded_size(array: Array, enough: int) -> int:
    """The bytes of an array once dictionaries, runs and views are the values that they stand for: at most these, up to `enough`.

    Beyond `enough` it is exact, but for values inside of lists, which count as if all were as large as the largest.
    """
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return decoded_size(array.storage, enough)
    if types.is_dictionary(kind):
        return _of_repeated(array.dictionary, array.indices, len(array), enough)
    if types.is_run_end_encoded(kind):
        return _of_repeated(array.values, None, len(array), enough)
    if types.is_string_view(kind) or types.is_binary_view(kind):
        views = np.frombuffer(array.buffers()[1], np.int32)[array.offset * 4 : (array.offset + len(array)) * 4 : 4]
        return 16 * len(array) + int(views.sum(dtype=np.int64))
    if types.is_struct(kind):
        return sum(decoded_size(array.field(index), enough) for index in range(kind.num_fields))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return 8 * len(array) + decoded_size(array.flatten(), enough)
    if types.is_list_view(kind) or types.is_large_list_view(kind):
        sizes = np.frombuffer(array.buffers()[2], np.int32 if types.is_list_view(kind) else np.int64)
        elements = int(sizes[array.offset : array.offset + len(array)].sum(dtype=np.int64))
        values = array.values
        return 8 * len(array) + elements * (int(_sizes(values).max(initial=0)) if len(values) else 0)
    return int(array.nbytes)


def _of_repeated(values: Array, indices: Array | None, rows: int, enough: int) -> int:
    sizes = _sizes(values)
    most = rows * int(sizes.max(initial=0))
    if most <= enough or indices is None:
        return most
    used = indices.drop_null().to_numpy(zero_copy_only=False)
    return int(sizes[used].sum())


def _sizes(values: Array) -> Any:
    """The bytes of each value; of types other than text and bytes, those of the largest."""
    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return _sizes(values.storage)
    if types.is_string(kind) or types.is_binary(kind) or types.is_large_string(kind) or types.is_large_binary(kind):
        size = np.int32 if types.is_string(kind) or types.is_binary(kind) else np.int64
        if not len(values) or values.buffers()[1] is None:
            return np.zeros(len(values), np.int64)
        offsets = np.frombuffer(values.buffers()[1], size)[values.offset : values.offset + len(values) + 1]
        return np.diff(offsets.astype(np.int64))
    if types.is_string_view(kind) or types.is_binary_view(kind):
        return np.frombuffer(values.buffers()[1], np.int32)[
            values.offset * 4 : (values.offset + len(values)) * 4 : 4
        ].astype(np.int64)
    if types.is_nested(kind) or types.is_dictionary(kind):
        each = max((decoded_size(values.slice(index, 1), 0) for index in range(len(values))), default=0)
        return np.full(len(values), each, np.int64)
    width = 8 if types.is_null(kind) else kind.bit_width
    return np.full(len(values), max(1, width // 8), np.int64)
