"""The way back: rows of the text protocol as record batches, exactly.

The bytes of each column are found with numpy, in all rows at once, and Arrow makes them what they are. A query for the
columns of a table has them in the Arrow types of `to_spec`; any other is told by what the server says of its columns.
To add a type, add a line to `_FINISH` (for a table's) or to `_KINDS` (for any result's).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from arrowsync.catalog import Column
from arrowsync.dialects.defaults import no_result
from arrowsync.dialects.mysql.protocol import Field, Rows
from arrowsync.dialects.mysql.types import to_spec
from arrowsync.errors import ConversionError, DeclarationError
from arrowsync.sql import SQL, Identifier, join, sql

Array: TypeAlias = "pa.Array[Any]"
Finish: TypeAlias = "Callable[[Array, pa.DataType], Array]"
# The stubs have each of these by the exact classes of its arguments, which are not known here.
compute: Any = pyarrow.compute
dictionary_array: Any = pa.DictionaryArray
extension_array: Any = pa.ExtensionArray

BYTES = 63
"""The number of the character set `binary`, of values that aren't text."""
_UNSIGNED = 0x20
_HEX = np.zeros(256, np.uint8)
"""The value of each hexadecimal digit."""
_HEX[np.frombuffer(b"0123456789abcdef", np.uint8)] = range(16)
_NULL = 0xFB


class Unreadable(Exception):
    """Values that the Arrow type doesn't have, and why."""


@dataclass(frozen=True, slots=True)
class RowReader:
    """Turns rows of the text protocol into a batch. Keeps no state between calls."""

    schema: pa.Schema
    finishes: tuple[Finish, ...]
    labels: tuple[tuple[str, ...], ...]

    def __call__(self, rows: Rows) -> pa.RecordBatch:
        columns = split(rows, len(self.schema))
        return pa.record_batch([self._finished(at, column) for at, column in enumerate(columns)], schema=self.schema)

    def _finished(self, at: int, column: Array) -> Array:
        name, arrow = self.schema.names[at], self.schema.types[at]
        try:
            if self.labels[at]:
                return _labelled(column, self.labels[at])
            return self.finishes[at](column, arrow)
        except (Unreadable, pa.ArrowInvalid) as error:
            raise ConversionError(
                f"column {name!r} holds a value that {arrow} doesn't have: {error}",
                column=name,
                reason=str(error),
                hint="mend it on the server, or select the column as text",
            ) from None


def compile_reader(columns: Sequence[Column]) -> RowReader:
    """The reader of the result of `asked`."""
    specs = [to_spec(column) for column in columns]
    return RowReader(
        schema=pa.schema([pa.field(spec.name, spec.type, nullable=True) for spec in specs]),
        finishes=tuple(
            partial(_bits, count=column.type.args[0]) if column.type.name == "bit" else _finish_of(spec.type)
            for spec, column in zip(specs, columns, strict=True)
        ),
        labels=tuple(column.type.labels for column in columns),
    )


def compile_result_reader(fields: Sequence[Field]) -> RowReader:
    """The reader of any result; an unknown type comes as bytes, or as text if it has a character set."""
    types = [_type_of(field) for field in fields]
    names = [field.name for field in fields]
    return RowReader(
        schema=pa.schema(list(zip(names, types, strict=True))),
        finishes=tuple(_finish_of(arrow) for arrow in types),
        labels=((),) * len(types),
    )


def check_exact(reader: RowReader) -> None:
    """Refuse a statement without a result, and a result whose values the server doesn't send exactly."""
    if not reader.schema.names:
        raise no_result()
    fields: list[pa.Field[Any]] = list(reader.schema)
    for field in fields:
        if field.type == pa.float32():
            raise DeclarationError(
                f"column {field.name!r} of the result is a FLOAT, of which the server shows six digits only",
                field=field.name,
                hint=f"select it as a double, which it shows exactly: {field.name} * 1e0 AS {field.name}",
            )


def asked(query: SQL, columns: Sequence[Column]) -> SQL:
    """The query, with its floats as doubles: of a float the server shows six digits only, of a double as many as it has."""
    floats = [column.type.name.startswith("float") for column in columns]
    if not any(floats):
        return query
    names = [Identifier(f"c{at}") for at in range(len(columns))]
    asked = [
        sql("{column} * 1e0", column=name) if is_float else name for name, is_float in zip(names, floats, strict=True)
    ]
    return sql(
        "WITH q ({names}) AS (\n{query}\n) SELECT {asked} FROM q",
        names=join(", ", names),
        query=query,
        asked=join(", ", asked),
    )


def split(rows: Rows, width: int) -> list[Array]:
    """The columns as binary arrays."""
    data = np.frombuffer(rows.data, np.uint8)
    padded = np.concatenate([data, np.zeros(9, np.uint8)])  # so that a length can be looked for behind the last byte
    at, limits = np.array(rows.starts, np.int64), np.array(rows.ends, np.int64)
    columns: list[Array] = []
    for _ in range(width):
        if (at >= limits).any():
            raise ValueError("a row has fewer fields than the result has columns")
        begins, ends, present = _fields_at(padded, at)
        if (ends < begins).any() or (ends > limits).any():
            raise ValueError("a field is longer than its row")
        columns.append(_cut(rows.data, begins, ends, present))
        at = ends
    return columns


def _fields_at(
    data: npt.NDArray[np.uint8], at: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_] | None]:
    """The bounds of the fields that begin with their length at these places, and a mask of those that aren't NULL."""
    first = data[at]
    lengths = first.astype(np.int64)
    begins = at + 1
    present = None
    if (first >= _NULL).any():
        present = first != _NULL
        lengths[~present] = 0
        for mark, size in ((0xFC, 2), (0xFD, 3), (0xFE, 8)):
            rows = np.flatnonzero(first == mark)
            if len(rows):
                digits = data[begins[rows, None] + np.arange(size)].astype(np.int64)
                lengths[rows] = (digits << (8 * np.arange(size))).sum(axis=1)
                begins[rows] += size
    return begins, begins + lengths, present


def _cut(
    data: bytes,
    begins: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    present: npt.NDArray[np.bool_] | None,
) -> Array:
    """The pieces of the data that begin and end there, as binary."""
    count = len(begins)
    bounds = np.empty(2 * count, np.int32)
    bounds[0::2] = begins
    bounds[1::2] = ends
    # Every other one of these is a value; those between are what lies between two values.
    pieces: Any = pa.Array.from_buffers(pa.binary(), max(2 * count - 1, 0), [None, _buffer(bounds), pa.py_buffer(data)])
    indices = np.arange(0, 2 * count, 2, dtype=np.int32)
    nulls = None if present is None else ~present
    column: Array = pieces.take(pa.array(indices, pa.int32(), mask=nulls))
    return column


def _buffer(values: npt.NDArray[Any]) -> pa.Buffer:
    return pa.py_buffer(values.data)


# ---- bytes -> types


def _text(column: Array, arrow: pa.DataType) -> Array:
    text: Array = compute.cast(column, pa.string())
    return text


def _bytes(column: Array, arrow: pa.DataType) -> Array:
    return column


def _bits(column: Array, arrow: pa.DataType, *, count: int) -> Array:
    """The bits of a column of that many, as zeros and ones."""
    filled = compute.fill_null(column, bytes(-(-count // 8))).cast(pa.binary(-(-count // 8)))
    raw = (
        np.frombuffer(filled.buffers()[1], np.uint8).reshape(len(column), -1) if len(column) else np.zeros((0, 1), "u1")
    )
    digits = np.unpackbits(raw, axis=1)[:, raw.shape[1] * 8 - count :] + np.uint8(ord("0"))
    ends = np.arange(len(column) + 1, dtype=np.int32) * np.int32(count)
    valid: Any = compute.is_valid(column)
    texts = pa.Array.from_buffers(
        pa.string(), len(column), [valid.buffers()[1], _buffer(ends), _buffer(np.ascontiguousarray(digits).reshape(-1))]
    )
    return texts


def _cast(column: Array, arrow: pa.DataType) -> Array:
    values: Array = compute.cast(_text(column, arrow), arrow)
    return values


def _booleans(column: Array, arrow: pa.DataType) -> Array:
    numbers = _cast(column, pa.int8())
    if compute.any(compute.greater(compute.abs(numbers), pa.scalar(1, pa.int8()))).as_py():
        raise Unreadable("a number other than 0 and 1")
    truths: Array = compute.cast(numbers, pa.bool_())
    return truths


def _timestamps(column: Array, arrow: Any) -> Array:
    naive: Array = compute.cast(_text(column, arrow), pa.timestamp(arrow.unit))
    if arrow.tz is None:
        return naive
    zoned: Array = compute.cast(naive.cast(pa.int64()), arrow)
    return zoned


def _times(column: Array, arrow: pa.DataType) -> Array:
    """Times of day; the servers' are also spans of up to 838 hours, negative ones too."""
    text = _text(column, pa.string())
    moments = compute.binary_join_element_wise("1970-01-01", text, " ")
    times: Array = compute.cast(compute.cast(moments, pa.timestamp("us")), arrow)
    return times


def _floats(column: Array, arrow: pa.DataType) -> Array:
    doubles = _cast(column, pa.float64())
    floats: Array = compute.cast(doubles, pa.float32(), safe=False)
    return floats


def _uuids(column: Array, arrow: pa.DataType) -> Array:
    """From 16 bytes, or from MariaDB's 36 characters."""
    present = column.drop_null()
    if len(present) and compute.max(compute.binary_length(present)).as_py() == 36:
        digits = compute.replace_substring(_text(column, pa.string()), "-", "")
        nibbles = _HEX[np.frombuffer(b"".join([text.as_buffer() for text in digits.fill_null("0" * 32)]), np.uint8)]
        numbers = np.left_shift(nibbles[0::2], np.uint8(4)) | nibbles[1::2]
        valid: Any = compute.is_valid(column)
        column = pa.Array.from_buffers(pa.binary(16), len(column), [valid.buffers()[1], _buffer(numbers)])
    storage: Array = compute.cast(column, pa.binary(16))
    uuids: Array = extension_array.from_storage(pa.uuid(), storage)
    return uuids


def _json(column: Array, arrow: pa.DataType) -> Array:
    json: Array = extension_array.from_storage(pa.json_(), _text(column, arrow))
    return json


def _labelled(column: Array, labels: Sequence[str]) -> Array:
    indices = compute.index_in(_text(column, pa.string()), value_set=pa.array(labels, pa.string()))
    if indices.null_count > column.null_count:
        raise Unreadable("a label that the enum doesn't have, or none where a value wasn't one of them")
    labelled: Array = dictionary_array.from_arrays(indices, pa.array(labels, pa.string()))
    return labelled


_FINISH: Mapping[pa.DataType, Finish] = {
    pa.bool_(): _booleans,
    pa.float32(): _floats,
    pa.time64("us"): _times,
    pa.string(): _text,
    pa.binary(): _bytes,
    pa.uuid(): _uuids,
    pa.json_(): _json,
}
"""Arrow type -> how it is made of the server's text, where a cast of Arrow's isn't enough."""


def _finish_of(arrow: pa.DataType) -> Finish:
    if pa.types.is_timestamp(arrow):
        return _timestamps
    return _FINISH.get(arrow, _cast)


# ---- what the server says of a result -> types

_KINDS: Mapping[int, tuple[pa.DataType, pa.DataType]] = {
    1: (pa.int8(), pa.uint8()),
    2: (pa.int16(), pa.uint16()),
    3: (pa.int32(), pa.uint32()),
    9: (pa.int32(), pa.uint32()),
    8: (pa.int64(), pa.uint64()),
    13: (pa.uint16(), pa.uint16()),  # year
    4: (pa.float32(), pa.float32()),
    5: (pa.float64(), pa.float64()),
    7: (pa.timestamp("us", "UTC"), pa.timestamp("us", "UTC")),  # the session's zone is UTC
    12: (pa.timestamp("us"), pa.timestamp("us")),
    10: (pa.date32(), pa.date32()),
    11: (pa.time64("us"), pa.time64("us")),
    245: (pa.json_(), pa.json_()),
}
"""Number of a type in the protocol -> Arrow's, signed and unsigned."""
_DECIMALS = (0, 246)


def _type_of(field: Field) -> pa.DataType:
    unsigned = bool(field.flags & _UNSIGNED)
    if field.kind in _DECIMALS:
        digits = max(field.size - (field.decimals > 0) - (not unsigned), field.decimals, 1)
        return pa.decimal128(digits, field.decimals) if digits <= 38 else pa.decimal256(digits, field.decimals)
    if field.kind in _KINDS:
        return _KINDS[field.kind][unsigned]
    return pa.binary() if field.charset == BYTES and field.kind != 6 else pa.string()
