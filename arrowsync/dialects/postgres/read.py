"""The way back: rows of COPY TO as record batches, exactly.

Each type is asked for in a form that depends on no setting of the session, as text that pyarrow's CSV reader and a few
vectorised steps bring back to Arrow: fixed-width values as the hexadecimal digits of their binary form. To add a type, add a
line to `FORMS`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from arrowsync.catalog import Column, SqlType
from arrowsync.dialects.postgres.types import ARROW_TYPES, spec_of
from arrowsync.errors import ConversionError, DeclarationError
from arrowsync.sql import SQL, Identifier, join, sql

Array: TypeAlias = "pa.Array[Any]"
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
class Form:
    """How a type comes: the expression that is selected for a column, and what makes its text into the Arrow type.

    Without `finish`, the CSV reader makes the type itself.
    """

    ask: LiteralString = "{column}"
    finish: Finish | None = None


class Unreadable(Exception):
    """Values that the Arrow type doesn't have, and why."""


@dataclass(frozen=True, slots=True)
class BlockReader:
    """Makes a block of CSV, of whole rows, into a batch. It keeps nothing between blocks."""

    schema: pa.Schema
    forms: tuple[Form, ...]
    labels: tuple[tuple[str, ...], ...]

    def __call__(self, block: bytes) -> pa.RecordBatch:
        from pyarrow import csv

        names = [str(at) for at in range(len(self.schema))]
        fields: list[pa.Field[Any]] = list(self.schema)
        plain = [pa.string() if form.finish else field.type for field, form in zip(fields, self.forms, strict=True)]
        table = csv.read_csv(
            io.BytesIO(block),
            read_options=csv.ReadOptions(column_names=names, use_threads=False, block_size=len(block) + 1),
            parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types=dict(zip(names, plain, strict=True)),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
            ),
        )
        arrays = [self._finished(at, column) for at, column in enumerate(table.columns)]
        return pa.record_batch(arrays, schema=self.schema)

    def _finished(self, at: int, column: pa.ChunkedArray[Any]) -> Array:
        array: Any = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        name, arrow, finish = self.schema.names[at], self.schema.types[at], self.forms[at].finish
        try:
            if self.labels[at]:
                return _labelled(array, self.labels[at])
            return array if finish is None else finish(array, arrow)
        except (Unreadable, pa.ArrowInvalid) as error:
            raise ConversionError(
                f"column {name!r} holds a value that {arrow} doesn't have: {error}",
                column=name,
                reason=str(error),
                hint="declare the column with a wider type, or select it as text",
            ) from None


def compile_reader(columns: Sequence[Column]) -> BlockReader:
    """The reader of blocks that `copied` asks for; a DeclarationError names a column of a type that can't be read."""
    specs = [spec_of(column) for column in columns]
    return BlockReader(
        schema=pa.schema([pa.field(spec.name, spec.type, nullable=True) for spec in specs]),
        forms=tuple(form_of(column.type) for column in columns),
        labels=tuple(column.type.labels for column in columns),
    )


def compile_result_reader(names: Sequence[str], types: Sequence[SqlType]) -> BlockReader:
    """The reader of any query's result: numerics come as text, for `with_decimals`, and so do types that aren't known."""
    forms = tuple(FORMS.get(live.name, TEXT) for live in types)
    forms = tuple(PLAIN if live.name == "numeric" else form for form, live in zip(forms, types, strict=True))
    arrow = [ARROW_TYPES.get(live.name, _TIMES.get(live.name, pa.string())) for live in types]
    return BlockReader(pa.schema(list(zip(names, arrow, strict=True))), forms, ((),) * len(forms))


def with_decimals(table: pa.Table, types: Sequence[SqlType]) -> pa.Table:
    """The table with its numerics as decimals, each column with as many digits as its values have."""
    for at, live in enumerate(types):
        if live.name == "numeric":
            name = table.schema.names[at]
            try:
                decimals = _decimals(table.column(at))
            except pa.ArrowInvalid as error:
                raise ConversionError(
                    f"column {name!r} holds a number that no decimal holds: {error}",
                    column=name,
                    reason=str(error),
                    hint="select it as double precision or as text",
                ) from None
            table = table.set_column(at, pa.field(name, decimals.type), decimals)
    return table


def _decimals(text: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    digits: Any = compute.replace_substring(text, "-", "")
    point: Any = compute.find_substring(digits, ".")
    length: Any = compute.binary_length(digits)
    whole = compute.if_else(compute.equal(point, pa.scalar(-1)), length, point)
    scale = max((compute.max(compute.subtract(length, whole)).as_py() or 0) - 1, 0)
    precision = max((compute.max(whole).as_py() or 0) + scale, 1)
    return text.cast(pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale))


def form_of(live: SqlType) -> Form:
    """How values of the type come; a DeclarationError for one that can't be read."""
    if live.element is not None or live.members:
        raise DeclarationError(
            f"values of type {live} can't be read yet", hint="select the column as text, or as jsonb"
        )
    return TEXT if live.labels else FORMS[live.name]


def copied(query: SQL, forms: Sequence[Form]) -> SQL:
    """The query with its columns in their forms, as the inside of a COPY."""
    names = [Identifier(f"c{at}") for at in range(len(forms))]
    asked = [_ask(form, name) for form, name in zip(forms, names, strict=True)]
    return sql(
        "SELECT {asked} FROM (\n{query}\n) AS q ({names})",
        asked=join(", ", asked),
        query=query,
        names=join(", ", names),
    )


def _ask(form: Form, column: Identifier) -> SQL:
    before, _, after = form.ask.partition("{column}")
    return SQL((before, column, after))


def _labelled(text: Array, labels: Sequence[str]) -> Array:
    indices = compute.index_in(text, value_set=pa.array(labels, pa.string()))
    if indices.null_count > text.null_count:
        raise Unreadable("the enum type has got a new label since it was discovered")
    labelled: Array = dictionary_array.from_arrays(indices, pa.array(labels, pa.string()))
    return labelled


def _cast(text: Array, arrow: pa.DataType) -> Array:
    numbers: Array = compute.cast(text, arrow)
    return numbers


def _json(text: Array, arrow: pa.DataType) -> Array:
    json: Array = extension_array.from_storage(pa.json_(), text)
    return json


def _bytes(digits: Array, arrow: pa.DataType) -> Array:
    """Hexadecimal digits of any number as binary."""
    bounds, text = _text_of(digits)
    buffers = [_validity(digits), _buffer((bounds - bounds[0]) // 2), _buffer(_from_hex(text))]
    return pa.Array.from_buffers(pa.binary(), len(digits), buffers)


def _fixed(digits: Array, dtype: Any) -> npt.NDArray[Any]:
    """Hexadecimal digits of fixed width as numbers, 0 where they are NULL."""
    dtype = np.dtype(dtype)
    _, text = _text_of(compute.fill_null(digits, "0" * (2 * dtype.itemsize)))
    values: npt.NDArray[Any] = _from_hex(text).view(dtype)
    return values


def _text_of(text: Any) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Where each string begins and ends, and the bytes of all of them."""
    _, offsets, data = text.buffers()
    bounds = np.frombuffer(offsets, np.int32, len(text) + 1, 4 * text.offset)
    if data is None:  # all of them are empty
        return bounds, np.zeros(0, np.uint8)
    return bounds, np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]]


def _from_hex(text: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    nibbles = HEX[text]
    return np.left_shift(nibbles[0::2], np.uint8(4)) | nibbles[1::2]


def _plain(values: npt.NDArray[Any], digits: Array, arrow: pa.DataType) -> Array:
    """The values, NULL where the digits are, as the type that stores them so."""
    return pa.Array.from_buffers(arrow, len(values), [_validity(digits), _buffer(values)])


def _validity(array: Array) -> pa.Buffer | None:
    if not array.null_count:
        return None
    return _buffer(np.packbits(compute.is_valid(array).to_numpy(zero_copy_only=False), bitorder="little"))


def _buffer(values: npt.NDArray[Any]) -> pa.Buffer:
    return pa.py_buffer(values.data)


def _floats(digits: Array, arrow: pa.DataType) -> Array:
    values = _fixed(digits, ">f4" if arrow == pa.float32() else ">f8")
    return _plain(values.astype(values.dtype.newbyteorder("=")), digits, arrow)


def _dates(digits: Array, arrow: pa.DataType) -> Array:
    days = _fixed(digits, ">i4")
    _refuse_infinite(days, np.iinfo(np.int32))
    return _plain(days.astype(np.int32) + np.int32(EPOCH_DAYS), digits, arrow)


def _timestamps(digits: Array, arrow: Any) -> Array:
    values = _fixed(digits, ">i8")
    _refuse_infinite(values, np.iinfo(np.int64))
    microseconds = values.astype(np.int64)
    if (microseconds > np.iinfo(np.int64).max - EPOCH_DAYS * DAY).any():
        raise Unreadable("a timestamp after the year 294246")
    unit = {"us": 1, "ms": 1_000, "s": 1_000_000}[arrow.unit]
    counts = (microseconds + EPOCH_DAYS * DAY) // unit
    return _plain(counts, digits, arrow)


def _times(digits: Array, arrow: pa.DataType) -> Array:
    values = _fixed(digits, ">i8")
    if (values >= DAY).any():
        raise Unreadable("the time 24:00:00")
    return _plain(values.astype(np.int64), digits, arrow)


def _durations(digits: Array, arrow: pa.DataType) -> Array:
    """Intervals as microseconds; a day has 24 hours, as the server compares them, and a month has no length."""
    values = _fixed(digits, np.dtype([("microseconds", ">i8"), ("days", ">i4"), ("months", ">i4")]))
    if values["months"].any():
        raise Unreadable("an interval of months or years, which have no fixed length")
    days = values["days"].astype(np.int64)
    microseconds = values["microseconds"].astype(np.int64)
    total = days * DAY + microseconds
    if (np.abs(days) > np.iinfo(np.int64).max // DAY).any() or ((total < days * DAY) != (microseconds < 0)).any():
        raise Unreadable("an interval of more than 292,271 years")
    return _plain(total, digits, arrow)


def _uuids(digits: Array, arrow: pa.DataType) -> Array:
    values = _fixed(digits, "V16")
    uuids: Array = extension_array.from_storage(pa.uuid(), _plain(values, digits, pa.binary(16)))
    return uuids


def _refuse_infinite(values: npt.NDArray[Any], limits: np.iinfo[Any]) -> None:
    if ((values == limits.min) | (values == limits.max)).any():
        raise Unreadable("infinity")


_TIMES: Mapping[str, pa.DataType] = {"timestamp": pa.timestamp("us"), "timestamptz": pa.timestamp("us", tz="UTC")}

PLAIN = Form()
TEXT = Form("{column}::text")

FORMS: Mapping[str, Form] = {
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
    "numeric": Form(finish=_cast),
    "json": Form(finish=_json),
    "jsonb": Form(finish=_json),
    "real": Form("encode(float4send({column}), 'hex')", _floats),
    "double precision": Form("encode(float8send({column}), 'hex')", _floats),
    "bytea": Form("encode({column}, 'hex')", _bytes),
    "date": Form("encode(date_send({column}), 'hex')", _dates),
    "time": Form("encode(time_send({column}), 'hex')", _times),
    "timestamp": Form("encode(timestamp_send({column}), 'hex')", _timestamps),
    "timestamptz": Form("encode(timestamptz_send({column}), 'hex')", _timestamps),
    "interval": Form("encode(interval_send({column}), 'hex')", _durations),
    "uuid": Form("encode(uuid_send({column}), 'hex')", _uuids),
}
"""Canonical name of a type -> how its values come."""
