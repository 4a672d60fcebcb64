"""PostgreSQL COPY BINARY from Arrow record batches: `compile_pgcopy`, and its fields as Arrow binary for drivers."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa

from arrowsync.catalog.objects import SqlType
from arrowsync.errors import ConversionError
from arrowsync.wire import arrays
from arrowsync.wire.arrays import (
    EXTENSIONS,
    Column,
    Kernel,
    NoEncoding,
    dtype_of,
    encoding,
    family_of,
    pick,
    unencodable,
    values_of,
)
from arrowsync.wire.inet import inet
from arrowsync.wire.pgcopy import numeric, scalars, text
from arrowsync.wire.pgcopy.nested import Member, array_of, composite_of
from arrowsync.wire.rows import Elements, Field, Integers, Lookup, Mask, arrow_buffer, compute, encode_rows, payloads

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

KERNELS: Mapping[tuple[str, str], Callable[[Any, SqlType], Kernel]] = {
    ("bool", "boolean"): scalars.boolean,
    ("integer", "smallint"): scalars.integer,
    ("integer", "integer"): scalars.integer,
    ("integer", "bigint"): scalars.integer,
    ("integer", "numeric"): numeric.integer,
    ("integer", "real"): scalars.float_from_integer,
    ("integer", "double precision"): scalars.float_from_integer,
    ("decimal", "numeric"): numeric.decimal,
    ("float", "real"): scalars.floating,
    ("float", "double precision"): scalars.floating,
    ("string", "text"): text.text,
    ("string", "varchar"): text.text,
    ("string", "char"): text.text,
    ("string", "citext"): text.text,
    ("string", "name"): text.name,
    ("string", "enum"): text.enum,
    ("string", "json"): text.json,
    ("string", "jsonb"): text.json,
    ("string", "inet"): inet,
    ("string", "cidr"): inet,
    ("json", "text"): text.text,
    ("json", "json"): text.json,
    ("json", "jsonb"): text.json,
    ("binary", "bytea"): text.bytea,
    ("date", "date"): scalars.date,
    ("time", "time"): scalars.time,
    ("timestamp", "timestamp"): scalars.timestamp,
    ("timestamptz", "timestamptz"): scalars.timestamp,
    ("duration", "interval"): scalars.duration,
    ("interval", "interval"): scalars.interval,
    ("uuid", "uuid"): scalars.uuid,
    ("binary", "uuid"): scalars.uuid,
}
"""Kernel compilers by (family of Arrow types, name of the column type); "enum" stands for any enum type."""

LISTS: Sequence[Callable[[Any], bool]] = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)
MAX_DIMENSIONS = 6

OIDS: Mapping[str, int] = {
    "boolean": 16,
    "bytea": 17,
    "name": 19,
    "bigint": 20,
    "smallint": 21,
    "integer": 23,
    "text": 25,
    "json": 114,
    "cidr": 650,
    "real": 700,
    "double precision": 701,
    "inet": 869,
    "char": 1042,
    "varchar": 1043,
    "date": 1082,
    "time": 1083,
    "timestamp": 1114,
    "timestamptz": 1184,
    "interval": 1186,
    "numeric": 1700,
    "uuid": 2950,
    "jsonb": 3802,
}
"""The oids of built-in types, which arrays name their element type by (pg_type.dat)."""

OidKey: TypeAlias = SqlType | tuple[SqlType, str]
"""A type with an oid of the server's own: that of an array's elements, or of a struct type's member of that name.

A member has its own since it may be of a domain, which a `SqlType` doesn't tell from the type that it is made of.
"""


@dataclass(frozen=True, slots=True)
class PgCopyEncoder:
    """An encoder of record batches of `schema` into the COPY BINARY bytes of their rows, without header and trailer.

    It keeps nothing between calls: batches may come in any order, from any thread. About 8,000 rows or 1 MiB at a time is
    fastest, because a batch and its bytes then stay in the processor's cache; slices of larger batches are read in place.
    """

    schema: pa.Schema
    kernels: tuple[Kernel, ...]

    def __call__(self, batch: pa.RecordBatch, *, first_row: int = 0) -> pa.Buffer:
        """The bytes of the rows of `batch`.

        Raises `ConversionError` if a value has no exact form in its column; its `rows` count from `first_row`, the position
        of the batch in the whole input.
        """
        if batch.num_rows == 0:
            return pa.py_buffer(b"")
        fields = self.fields(batch, first_row=first_row)
        rows = encode_rows([struct.pack(">h", len(fields)), *fields], batch.num_rows)
        return arrow_buffer(rows.data[: rows.offsets[-1]])

    def fields(self, batch: pa.RecordBatch, *, first_row: int = 0) -> list[Field | Lookup]:
        """Encode the columns of `batch`, which has at least one row; bad values are refused as in a call."""
        if not batch.schema.equals(self.schema):
            raise ValueError(f"the encoder was compiled for another schema:\n{self.schema}\nnot\n{batch.schema}")
        columns = cast("Any", batch)  # pyarrow-stubs: an array of unknown values
        fields: list[Field | Lookup] = []
        for number, (name, kernel) in enumerate(zip(self.schema.names, self.kernels, strict=True)):
            array: Column = columns[number]
            with encoding(name, array, first_row):
                fields.append(kernel(array))
        return fields

    def refused(self, batch: pa.RecordBatch) -> tuple[str, list[int], str] | None:
        """Find a column with values that have no exact form, their rows and the reason; None if all can be written."""
        return unencodable(batch, self.kernels)


def compile_pgcopy(
    schema: pa.Schema, types: Sequence[SqlType], *, oids: Mapping[Any, int] | None = None
) -> PgCopyEncoder:
    """The encoder of batches of `schema` for a table whose columns have `types`, in the same order.

    `oids` gives the oids of types that are elements of an array and not built in (enums, citext, structs), and of all members
    of structs: an `OidKey` each. Raises `ConversionError` for a column whose Arrow type has no exact form in its column type.
    """
    if len(schema) != len(types):
        raise ValueError(f"{len(schema)} fields for {len(types)} columns")
    kernels: list[Kernel] = []
    for name, source, target in zip(schema.names, schema.types, types, strict=True):
        try:
            kernels.append(_compile(source, target, oids or {}))
        except NoEncoding as refusal:
            raise ConversionError(
                f"column {name!r}: Arrow {source} can't be stored exactly as {target}: {refusal}",
                column=name,
                reason=str(refusal),
                hint="declare the column with a type that holds the data, or convert the data first",
            ) from None
    return PgCopyEncoder(schema, tuple(kernels))


def _compile(source: Any, target: SqlType, oids: Mapping[Any, int], family: str | None = None) -> Kernel:
    """The kernel of arrays of type `source`, of any layout; `family` is that of the extension type which it stores."""
    if pa.types.is_null(source):
        return arrays.all_null
    if pa.types.is_dictionary(source):
        return arrays.dictionary(_compile(source.value_type, target, oids))
    if pa.types.is_run_end_encoded(source):
        return arrays.run_ends(_compile(source.value_type, target, oids))
    if isinstance(source, pa.BaseExtensionType):
        return arrays.storage(_compile(source.storage_type, target, oids, EXTENSIONS.get(source.extension_name)))
    if pa.types.is_string_view(source):
        return arrays.views(_compile(pa.large_string(), target, oids, family))
    if pa.types.is_binary_view(source):
        return arrays.views(_compile(pa.large_binary(), target, oids, family))
    if target.element is not None:
        return _compile_array(source, target, oids)
    if target.members:
        return _compile_composite(source, target, oids)
    if family is None:
        family = family_of(source)
    compile_kernel = KERNELS.get((family, "enum" if target.labels else target.name))
    if compile_kernel is None:
        raise NoEncoding("there is no such pair of types")
    return compile_kernel(source, target)


def _compile_array(source: Any, target: SqlType, oids: Mapping[Any, int]) -> Kernel:
    """The kernel of lists; PostgreSQL has one array type for any number of dimensions, so how `target` nests says nothing."""
    while target.element is not None:
        target = target.element
    depth = 0
    while any(is_list(source) for is_list in LISTS):
        source = source.value_type
        depth += 1
    if not 1 <= depth <= MAX_DIMENSIONS:
        raise NoEncoding(f"an array has 1 to {MAX_DIMENSIONS} dimensions, not {depth}")
    own = bool(target.labels or target.members or target.namespace)
    oid = oids.get(target, None if own else OIDS.get(target.name))
    if oid is None:
        raise NoEncoding(f"the oid of {target} is not known")
    return array_of(_compile(source, target, oids), oid, depth)


def _compile_composite(source: Any, target: SqlType, oids: Mapping[Any, int]) -> Kernel:
    """The kernel of structs, whose members are found by name; those that the data lacks are NULL."""
    if not pa.types.is_struct(source):
        raise NoEncoding("there is no such pair of types")
    struct_type: Any = source
    given = [field.name for field in struct_type]
    known = [name for name, _ in target.members]
    unknown = [name for name in given if name not in known]
    if unknown:
        raise NoEncoding(f"{target} has no member {unknown[0]!r}")
    if len(set(given)) < len(given):
        raise NoEncoding("it has two members of one name")
    members: list[Member] = []
    for name, live in target.members:
        oid = oids.get((target, name))
        if oid is None:
            raise NoEncoding(f"the oid of the member {name!r} of {target} is not known")
        if name not in given:
            members.append(Member(name, oid, None, arrays.all_null))
            continue
        index = given.index(name)
        inner = struct_type.field(index).type
        try:
            members.append(Member(name, oid, index, _compile(inner, live, oids)))
        except NoEncoding as refusal:
            raise NoEncoding(f"its member {name!r}, {inner}, not as {live}: {refusal}") from None
    return composite_of(members)


Send: TypeAlias = "Callable[[Column, Field | Lookup], Column]"
"""The function from a column and its field to the column that the driver gets."""

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
    """A stateless encoder of record batches into batches of `schema`, whose values are the encoded fields."""

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
    """Compile the encoder of batches of `schema` into fields of a table with columns of `types`: see `compile_pgcopy`."""
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
    """The values without dictionary, runs and extension type."""
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
    """A mask of the rows that aren't NULL; None if there are no NULLs."""
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
