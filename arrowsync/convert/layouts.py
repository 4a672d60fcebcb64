"""Every Arrow layout of a value, reduced to one plain layout, so that the kernels know only one of each.

Plain are: bool, (u)int8..64, float32/64, decimal128/256, string, binary, fixed_size_binary(16) for a UUID, date32/64,
time32/64, timestamp, duration. To take in another layout, add it to `plain_type` and to `to_plain`.

Dictionary and run-end-encoded columns are not unpacked when that can be helped: `through` runs the kernel on the few
distinct values and spreads the result over the rows. An entry that no row uses can't fail.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from arrowsync.convert.arrays import Column, Converted, Failure, Kernel, is_valid, numbers

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
        return plain_type(kind.storage_type)
    if types.is_large_string(kind) or types.is_string_view(kind):
        return pa.string()
    if types.is_large_binary(kind) or types.is_binary_view(kind) or types.is_fixed_size_binary(kind):
        return pa.binary()
    if types.is_float16(kind):
        return pa.float32()
    if isinstance(kind, pa.Decimal32Type | pa.Decimal64Type):
        return pa.decimal128(kind.precision, kind.scale)
    return kind


def to_plain(values: Column) -> Column:
    """`values` in the plain layout of its type; `arrow.uuid` and `arrow.json` as their storage. Copies only if it must."""
    kind = values.type
    parts = encoded_parts(values)
    if parts is not None:
        distinct, positions = parts
        return to_plain(distinct).take(positions)
    if isinstance(values, pa.ExtensionArray):
        storage: Column = values.storage
        if isinstance(kind, pa.Bool8Type):
            return pc.not_equal(storage, pa.scalar(0, pa.int8()))
        return storage if isinstance(kind, pa.UuidType) else to_plain(storage)
    plain = plain_type(kind)
    return values if plain == kind else _recast(values, plain)


def _recast(values: Column, plain: pa.DataType) -> Column:
    try:
        return values.cast(plain)
    except pa.ArrowInvalid:
        # 32-bit offsets can't reach a slice deep inside more than 2 GiB of text: gather its own bytes first.
        if not (types.is_large_string(values.type) or types.is_large_binary(values.type)):
            raise
        return values.take(pa.array(np.arange(len(values)))).cast(plain)


def encoded_parts(values: Column) -> tuple[Column, Column] | None:
    """The distinct values of a dictionary or run-end-encoded array, and for each row which of them it is; else None."""
    if isinstance(values, pa.DictionaryArray):
        return values.dictionary, values.indices
    if isinstance(values, pa.RunEndEncodedArray):
        rows = np.arange(values.offset, values.offset + len(values))
        runs = np.searchsorted(numbers(values.run_ends), rows, side="right")
        first = int(runs[0]) if len(runs) else 0
        last = int(runs[-1]) + 1 if len(runs) else 0
        return values.values.slice(first, last - first), pa.array(runs - first)
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
