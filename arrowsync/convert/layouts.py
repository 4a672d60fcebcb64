"""Every Arrow layout of a value, reduced to one plain layout, so that the kernels know only one of each.

Plain are: bool, (u)int8..64, float32/64, decimal128/256 (with no negative scale), string, binary, fixed_size_binary(16) for
a UUID, date32/64, time32/64, timestamp, duration. To take in another layout, add it to `plain_type` and to `to_plain`. An
extension type that isn't known stays as it is, and converts to nothing.

Dictionary and run-end-encoded columns are not unpacked when that can be helped: `through` runs the kernel on the few
distinct values and spreads the result over the rows. An entry that no row uses can't fail.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pyarrow as pa
from pyarrow import types

from arrowsync.convert.arrays import (
    Column,
    Converted,
    DecimalType,
    Failure,
    Kernel,
    buffer_of,
    compute,
    decimal_type,
    is_valid,
    large_offsets,
    numbers,
    validity,
    with_scale,
)
from arrowsync.declare.extensions import is_known

UUID_STORAGE = pa.binary(16)


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type of `to_plain` of an array of this type. `arrow.uuid` and `arrow.json` stay: they are types of their own."""
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        encoded: Any = kind
        return plain_type(encoded.value_type)
    if isinstance(kind, pa.UuidType | pa.JsonType):
        return kind
    if isinstance(kind, pa.Bool8Type):
        return pa.bool_()
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type) if is_known(kind) else kind
    if types.is_large_string(kind) or types.is_string_view(kind):
        return pa.string()
    if types.is_large_binary(kind) or types.is_binary_view(kind) or types.is_fixed_size_binary(kind):
        return pa.binary()
    if types.is_float16(kind):
        return pa.float32()
    if types.is_decimal(kind):
        number = cast(Any, kind)
        if number.scale < 0 and number.precision - number.scale <= 76:
            digits = number.precision - number.scale
            return pa.decimal128(digits, 0) if digits <= 38 and kind.bit_width <= 128 else pa.decimal256(digits, 0)
        return pa.decimal128(number.precision, number.scale) if kind.bit_width < 128 else kind
    return kind


def to_plain(values: Column) -> Column:
    """`values` in the plain layout of its type; `arrow.uuid` and `arrow.json` as their storage. Copies only if it must."""
    kind = values.type
    parts = encoded_parts(values)
    if parts is not None:
        distinct, positions = parts
        return to_plain(distinct).take(positions)
    if isinstance(kind, pa.BaseExtensionType) and is_known(kind):
        storage: Column = cast(Any, values).storage
        if isinstance(kind, pa.Bool8Type):
            truth: Column = compute.not_equal(storage, pa.scalar(0, pa.int8()))
            return truth
        return storage if isinstance(kind, pa.UuidType) else to_plain(storage)
    plain = plain_type(kind)
    return values if plain == kind else _recast(values, plain)


def _recast(values: Column, plain: pa.DataType) -> Column:
    if types.is_decimal(plain) and values.type.scale < 0:
        return _without_negative_scale(values, decimal_type(plain))
    try:
        return values.cast(plain)
    except pa.ArrowInvalid:
        # pyarrow refuses any offset beyond 2 GiB, also where a slice deep inside of such data is small itself.
        if not (types.is_large_string(values.type) or types.is_large_binary(values.type)):
            raise
        offsets = large_offsets(values)
        if offsets[-1] - offsets[0] >= 1 << 31:
            raise
        own = (offsets - offsets[0]).astype(np.int32)
        data: Any = values.buffers()[2]
        data = data.slice(int(offsets[0]), int(own[-1]))
        return pa.Array.from_buffers(plain, len(values), [validity(values), buffer_of(own), data])


def _without_negative_scale(values: Column, plain: DecimalType) -> Column:
    """Few of pyarrow's functions take a negative scale, so that 12E+2 becomes 12, then 12.00, then by its bits 1200."""
    own: Any = values.type
    if own.bit_width < 128:
        values, own = values.cast(pa.decimal128(own.precision, own.scale)), pa.decimal128(own.precision, own.scale)
    return values.view(with_scale(own, 0)).cast(with_scale(plain, -own.scale)).view(plain)


def encoded_parts(values: Column) -> tuple[Column, Column] | None:
    """The distinct values of a dictionary or run-end-encoded array, and for each row which of them it is; else None."""
    encoded: Any = values
    if types.is_dictionary(values.type):
        return encoded.dictionary, encoded.indices
    if types.is_run_end_encoded(values.type):
        rows = np.arange(values.offset, values.offset + len(values))
        runs = np.searchsorted(numbers(encoded.run_ends), rows, side="right")
        first = int(runs[0]) if len(runs) else 0
        last = int(runs[-1]) + 1 if len(runs) else 0
        return encoded.values.slice(first, last - first), pa.array(runs - first)
    return None


def through(kernel: Kernel, values: Column) -> Converted:
    """The outcome of a kernel on an array of any layout."""
    parts = encoded_parts(values)
    if parts is None:
        return kernel(to_plain(values))
    distinct, positions = parts
    plain = to_plain(distinct)
    if len(distinct) > len(values):
        return kernel(plain.take(positions))
    return _spread(kernel(plain), positions)


def _spread(outcome: Converted, positions: Column) -> Converted:
    """The outcome for distinct values, as the outcome for rows that point at them."""
    rows = numbers(positions)
    valid = is_valid(positions)
    failures: list[Failure] = []
    for failure in outcome.failures:
        mask = failure.mask[rows] & valid
        if mask.any():
            failures.append(Failure(mask, failure.reason, failure.hint))
    return Converted(outcome.values.take(positions), tuple(failures))
