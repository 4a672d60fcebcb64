"""The forms in which values come back: the expression selected for a column, and the decoder of its text to the Arrow type.

Each form depends on no setting of the session. Numbers, booleans and text come as CSV has them; what has a fixed width in
the server's binary form, as the hexadecimal digits of that; arrays and composites, whose binary form has all that is in
them, likewise (`decode_nested`). To add a type, add a line to `COLUMN_DECODERS`, and one to `FIXED` or to
`decode_binary.DECODERS` for values inside of another type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, LiteralString, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

Array: TypeAlias = "pa.Array[Any]"
Numbers: TypeAlias = "npt.NDArray[Any]"
Mask: TypeAlias = "npt.NDArray[np.bool_]"
Finish: TypeAlias = "Callable[[Array, pa.DataType], Array]"
# The stubs have each of these by the exact classes of its arguments, which are not known here.
compute: Any = pyarrow.compute
dictionary_array: Any = pa.DictionaryArray
extension_array: Any = pa.ExtensionArray

DAY = 86_400_000_000
EPOCH_DAYS = 10_957
"""Days from 1970-01-01, where Arrow counts from, to 2000-01-01, where PostgreSQL does."""
HEX = np.zeros(256, np.uint8)
"""The value of each hexadecimal digit."""
HEX[np.frombuffer(b"0123456789abcdef", np.uint8)] = range(16)


@dataclass(frozen=True, slots=True)
class ColumnDecoder:
    """The decoder of a type: the expression that is selected for a column, and the function from its text to the Arrow type.

    Without `finish`, the CSV reader makes the type itself.
    """

    ask: LiteralString = "{column}"
    finish: Finish | None = None


class Unreadable(Exception):
    """Values that the Arrow type doesn't have, and why."""


# ---- fixed width --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fixed:
    """The binary form of a type of fixed width: its layout, and the function that makes Arrow values of it."""

    layout: np.dtype[Any]
    convert: Callable[[Numbers, pa.DataType], Numbers]

    def array(self, values: Numbers, valid: Mask | None, arrow: pa.DataType) -> Array:
        """The values as an array; where they are not valid they are 0."""
        converted = self.convert(values, arrow)
        if arrow == pa.bool_():
            return pa.array(converted, mask=None if valid is None else ~valid)
        if isinstance(arrow, pa.UuidType):
            stored = pa.Array.from_buffers(pa.binary(16), len(values), [bits(valid), buffer(converted)])
            uuids: Array = extension_array.from_storage(arrow, stored)
            return uuids
        return pa.Array.from_buffers(arrow, len(values), [bits(valid), buffer(converted)])

    def of_digits(self, digits: Array, arrow: pa.DataType) -> Array:
        """The array of values that come as hexadecimal digits."""
        _, text = text_of(compute.fill_null(digits, "0" * (2 * self.layout.itemsize)))
        return self.array(from_hex(text).view(self.layout), valid_of(digits), arrow)


def _native(values: Numbers, arrow: pa.DataType) -> Numbers:
    return values.astype(values.dtype.newbyteorder("="))


def _booleans(values: Numbers, arrow: pa.DataType) -> Numbers:
    return values.astype(np.bool_)


def _as_they_are(values: Numbers, arrow: pa.DataType) -> Numbers:
    return values


def _dates(values: Numbers, arrow: pa.DataType) -> Numbers:
    _refuse_infinite(values, np.iinfo(np.int32))
    return values.astype(np.int32) + np.int32(EPOCH_DAYS)


def _timestamps(values: Numbers, arrow: Any) -> Numbers:
    _refuse_infinite(values, np.iinfo(np.int64))
    microseconds = values.astype(np.int64)
    if (microseconds > np.iinfo(np.int64).max - EPOCH_DAYS * DAY).any():
        raise Unreadable("a timestamp after the year 294246")
    unit = {"us": 1, "ms": 1_000, "s": 1_000_000}[arrow.unit]
    counts: Numbers = (microseconds + EPOCH_DAYS * DAY) // unit
    return counts


def _times(values: Numbers, arrow: pa.DataType) -> Numbers:
    if (values >= DAY).any():
        raise Unreadable("the time 24:00:00")
    return values.astype(np.int64)


def _durations(values: Numbers, arrow: pa.DataType) -> Numbers:
    """Intervals as microseconds; a day has 24 hours, as the server compares them, and a month has no length."""
    if values["months"].any():
        raise Unreadable("an interval of months or years, which have no fixed length")
    days = values["days"].astype(np.int64)
    microseconds = values["microseconds"].astype(np.int64)
    total: Numbers = days * DAY + microseconds
    if (np.abs(days) > np.iinfo(np.int64).max // DAY).any() or ((total < days * DAY) != (microseconds < 0)).any():
        raise Unreadable("an interval of more than 292,271 years")
    return total


def _refuse_infinite(values: Numbers, limits: np.iinfo[Any]) -> None:
    if ((values == limits.min) | (values == limits.max)).any():
        raise Unreadable("infinity")


_INTERVAL = np.dtype([("microseconds", ">i8"), ("days", ">i4"), ("months", ">i4")])

FIXED: Mapping[str, Fixed] = {
    "boolean": Fixed(np.dtype(np.uint8), _booleans),
    "smallint": Fixed(np.dtype(">i2"), _native),
    "integer": Fixed(np.dtype(">i4"), _native),
    "bigint": Fixed(np.dtype(">i8"), _native),
    "real": Fixed(np.dtype(">f4"), _native),
    "double precision": Fixed(np.dtype(">f8"), _native),
    "date": Fixed(np.dtype(">i4"), _dates),
    "time": Fixed(np.dtype(">i8"), _times),
    "timestamp": Fixed(np.dtype(">i8"), _timestamps),
    "timestamptz": Fixed(np.dtype(">i8"), _timestamps),
    "interval": Fixed(_INTERVAL, _durations),
    "uuid": Fixed(np.dtype("V16"), _as_they_are),
}
"""Canonical name of a type of fixed width -> its binary form."""


# ---- text ---------------------------------------------------------------------------------------------------------------


def json_of(text: Array, arrow: pa.DataType) -> Array:
    """JSON, of its text."""
    json: Array = extension_array.from_storage(pa.json_(), text)
    return json


def labelled(text: Array, arrow: pa.DataType, labels: tuple[str, ...]) -> Array:
    """The dictionary of an enum, of the labels of its values."""
    indices = compute.index_in(text, value_set=pa.array(labels, pa.string()))
    if indices.null_count > text.null_count:
        raise Unreadable("the enum type has got a new label since it was discovered")
    values: Array = dictionary_array.from_arrays(indices, pa.array(labels, pa.string()))
    return values


def enum_form(labels: tuple[str, ...]) -> ColumnDecoder:
    """Return the decoder of an enum."""
    return ColumnDecoder("{column}::text", partial(labelled, labels=labels))


def _cast(text: Array, arrow: pa.DataType) -> Array:
    numbers: Array = compute.cast(text, arrow)
    return numbers


def _bytes(digits: Array, arrow: pa.DataType) -> Array:
    bounds, data = bytes_of(digits)
    return pa.Array.from_buffers(pa.binary(), len(digits), [bits(valid_of(digits)), buffer(bounds), buffer(data)])


# ---- hexadecimal digits -------------------------------------------------------------------------------------------------


def bytes_of(digits: Array) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """The bounds of each value, and the bytes of all values, decoded from hexadecimal digits."""
    bounds, text = text_of(digits)
    return (bounds - bounds[0]) // 2, from_hex(text)


def text_of(text: Any) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """The bounds of each string, and the bytes of all strings."""
    _, offsets, data = text.buffers()
    bounds = np.frombuffer(offsets, np.int32, len(text) + 1, 4 * text.offset)
    if data is None:  # all of them are empty
        return bounds, np.zeros(0, np.uint8)
    return bounds, np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]]


def from_hex(text: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Decode hexadecimal digits."""
    nibbles = HEX[text]
    return np.left_shift(nibbles[0::2], np.uint8(4)) | nibbles[1::2]


def valid_of(array: Array) -> Mask | None:
    """A mask of the values that aren't NULL; None if there are no NULLs."""
    if not array.null_count:
        return None
    valid: Mask = compute.is_valid(array).to_numpy(zero_copy_only=False)
    return valid


def bits(valid: Mask | None) -> pa.Buffer | None:
    """A validity bitmap."""
    return None if valid is None else buffer(np.packbits(valid, bitorder="little"))


def buffer(values: Numbers) -> pa.Buffer:
    """The memory of the numbers."""
    return pa.py_buffer(np.ascontiguousarray(values).data)


PLAIN = ColumnDecoder()
TEXT = ColumnDecoder("{column}::text")
BLANKS = ColumnDecoder("textin(bpcharout({column}))")
"""The text of a bpchar of no fixed length, with the blanks at its end: they are part of the value."""

COLUMN_DECODERS: Mapping[str, ColumnDecoder] = {
    "boolean": PLAIN,
    "smallint": PLAIN,
    "integer": PLAIN,
    "bigint": PLAIN,
    "text": PLAIN,
    "varchar": PLAIN,
    "char": TEXT,  # without the blanks that fill it up
    "citext": TEXT,
    "name": TEXT,
    "inet": PLAIN,
    "cidr": PLAIN,
    "numeric": ColumnDecoder(finish=_cast),
    "json": ColumnDecoder(finish=json_of),
    "jsonb": ColumnDecoder(finish=json_of),
    "real": ColumnDecoder("encode(float4send({column}), 'hex')", FIXED["real"].of_digits),
    "double precision": ColumnDecoder("encode(float8send({column}), 'hex')", FIXED["double precision"].of_digits),
    "bytea": ColumnDecoder("encode({column}, 'hex')", _bytes),
    "date": ColumnDecoder("encode(date_send({column}), 'hex')", FIXED["date"].of_digits),
    "time": ColumnDecoder("encode(time_send({column}), 'hex')", FIXED["time"].of_digits),
    "timestamp": ColumnDecoder("encode(timestamp_send({column}), 'hex')", FIXED["timestamp"].of_digits),
    "timestamptz": ColumnDecoder("encode(timestamptz_send({column}), 'hex')", FIXED["timestamptz"].of_digits),
    "interval": ColumnDecoder("encode(interval_send({column}), 'hex')", FIXED["interval"].of_digits),
    "uuid": ColumnDecoder("encode(uuid_send({column}), 'hex')", FIXED["uuid"].of_digits),
}
"""Canonical name of a type -> how its values come."""
