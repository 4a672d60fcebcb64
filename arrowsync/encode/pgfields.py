"""PostgreSQL's fields as Arrow binary, for a driver that makes rows of COPY BINARY out of columns: `compile_pgfields`.

Such a driver (ADBC) writes a binary column into the fields of any type as it is, and the server takes it for what the column
says. So all values go through our own kernels, which refuse what isn't exact, and the driver only lays their bytes side by
side. Two kinds of columns go as they are: those whose Arrow layout is what the server wants but for the byte order
(`AS_THEY_ARE`), and those for `numeric`, which ADBC 1.13 takes from nothing but decimals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa

from arrowsync.catalog.types import SqlType
from arrowsync.encode.blocks import Elements, Field, Integers, Lookup, Mask, arrow_buffer, compute, payloads
from arrowsync.encode.columns import Column, dtype_of, pick, values_of
from arrowsync.encode.pgcopy import PgCopyEncoder, compile_pgcopy

Send: TypeAlias = "Callable[[Column, Field | Lookup], Column]"
"""A column and its field to what the driver gets."""

AS_THEY_ARE: Mapping[str, tuple[Callable[[Any], bool], ...]] = {
    "boolean": (pa.types.is_boolean,),
    "smallint": (pa.types.is_int16,),
    "integer": (pa.types.is_int32,),
    "bigint": (pa.types.is_int64,),
    "real": (pa.types.is_float32,),
    "double precision": (pa.types.is_float64,),
    "text": (pa.types.is_string, pa.types.is_large_string),
    "bytea": (pa.types.is_binary, pa.types.is_large_binary),
}
"""Column type -> the Arrow types that the driver can't get wrong."""

PREFIX = 4
"""The bytes of a length prefix."""


@dataclass(frozen=True, slots=True)
class PgFields:
    """What turns a record batch into one of `schema`, whose values are those of the fields; it keeps nothing between calls."""

    schema: pa.Schema
    encoder: PgCopyEncoder
    sends: tuple[Send, ...]

    def __call__(self, batch: pa.RecordBatch, *, first_row: int = 0) -> tuple[pa.RecordBatch, int]:
        """A batch of at least one row as the driver gets it, and how many bytes that is on the wire (of a numeric, at most).

        Raises `ConversionError` if a value has no exact form in its column; its `rows` count from `first_row`.
        """
        rows = batch.num_rows
        fields = self.encoder.fields(batch, first_row=first_row)
        columns = cast("Any", batch)  # pyarrow-stubs: an array of unknown values
        arrays = [send(columns[at], field) for at, (send, field) in enumerate(zip(self.sends, fields, strict=True))]
        size = 2 * rows + sum(_wire_size(field, rows) for field in fields)
        return pa.record_batch(arrays, schema=self.schema), size


def compile_pgfields(schema: pa.Schema, types: Sequence[SqlType], *, oids: Mapping[Any, int] | None = None) -> PgFields:
    """What turns batches of `schema` into the fields of a table whose columns have `types`: see `compile_pgcopy`."""
    encoder = compile_pgcopy(schema, types, oids=oids)
    sends: list[Send] = []
    sent: list[pa.Field[Any]] = []
    for name, source, target in zip(schema.names, schema.types, types, strict=True):
        send: Send
        if any(is_same(source) for is_same in AS_THEY_ARE.get(target.name, ())) and target == SqlType(target.name):
            send, arrow = _as_it_is, source
        elif target.name == "numeric" and target.element is None:
            arrow = _decimal_for(source)
            send = _as_decimal(arrow)
        else:
            send, arrow = _as_bytes, pa.large_binary()
        sends.append(send)
        sent.append(pa.field(name, arrow))
    return PgFields(pa.schema(sent), encoder, tuple(sends))


def _as_it_is(array: Column, field: Field | Lookup) -> Column:
    return array


def _as_bytes(array: Column, field: Field | Lookup) -> Column:
    """The values of the field, as binary."""
    if isinstance(field, Field):
        return _binary(payloads(field, len(array)), _present(field, len(array)))
    looked_up: Column = compute.take(_without_prefix(field.fields), pa.array(field.pick))
    return looked_up


def _as_decimal(arrow: pa.DataType) -> Send:
    """The values themselves, which the field's kernel has checked."""

    def send(array: Column, field: Field | Lookup) -> Column:
        decimals: Column = compute.cast(_plain(array), arrow)
        return decimals

    return send


def _decimal_for(source: Any) -> pa.DataType:
    """The decimal that holds all values of an integer or decimal type, of any layout."""
    if pa.types.is_dictionary(source) or pa.types.is_run_end_encoded(source):
        return _decimal_for(source.value_type)
    if isinstance(source, pa.BaseExtensionType):
        return _decimal_for(source.storage_type)
    if pa.types.is_null(source):
        return pa.decimal128(1, 0)
    if pa.types.is_integer(source):
        return pa.decimal128(len(str(np.iinfo(dtype_of(source)).max)), 0)
    wide = source.precision > pa.decimal128(38, 0).precision
    return (pa.decimal256 if wide else pa.decimal128)(source.precision, source.scale)


def _plain(array: Any) -> Column:
    """The same values without dictionary, runs and extension type."""
    same: Column = array
    if isinstance(array.type, pa.BaseExtensionType):
        return _plain(array.storage)
    if pa.types.is_dictionary(array.type):
        return _plain(pick(array.dictionary, array.indices))
    if pa.types.is_run_end_encoded(array.type):
        ends = values_of(array.run_ends, dtype_of(array.run_ends.type))
        runs: Any = pa.array(np.searchsorted(ends, np.arange(len(array)) + int(array.offset), side="right"))
        return _plain(pick(array.values, runs))
    return same


def _binary(elements: Elements, present: Mask | None) -> Column:
    offsets = arrow_buffer(np.ascontiguousarray(elements.offsets, np.int64))
    valid = None if present is None else arrow_buffer(np.packbits(present, bitorder="little"))
    return pa.Array.from_buffers(pa.large_binary(), len(elements), [valid, offsets, arrow_buffer(elements.data)])


def _present(field: Field, rows: int) -> Mask | None:
    """Which rows aren't NULL, or None where all are."""
    if isinstance(field.length, int):
        return None if field.length >= 0 else np.zeros(rows, np.bool_)
    present: Mask = field.length >= 0
    return None if present.all() else present


def _without_prefix(fields: Elements) -> Column:
    """Whole fields as binary, without their length prefixes; one whose prefix is -1 is NULL."""
    starts, first = fields.offsets[:-1], int(fields.offsets[0])
    data = fields.data[first : int(fields.offsets[-1])]
    keep = np.ones(len(data), np.bool_)
    keep[(starts - first)[:, None] + np.arange(PREFIX)] = False
    offsets: Integers = fields.offsets - first - PREFIX * np.arange(len(fields.offsets))
    return _binary(Elements(offsets, data[keep]), fields.data[starts] != 0xFF)


def _wire_size(field: Field | Lookup, rows: int) -> int:
    if isinstance(field, Lookup):
        return int(np.diff(field.fields.offsets)[field.pick].sum())
    if isinstance(field.length, int):
        return rows * (PREFIX + max(field.length, 0))
    return rows * PREFIX + int(np.maximum(field.length, 0).sum())
