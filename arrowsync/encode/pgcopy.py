"""PostgreSQL COPY BINARY from Arrow record batches: `compile_pgcopy` gives the encoder of a table.

A COPY is `HEADER`, the bytes of each batch, `TRAILER`. The pair of Arrow type and column type decides how a column is
written: `KERNELS` is the list of pairs, and adding one is a line there and a kernel in the `pg*` modules. Kernels are written
for plain arrays; `layouts` fits them to dictionaries, runs, views and extension types, `pgarrays` to lists.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import pyarrow as pa

from arrowsync.catalog.types import SqlType
from arrowsync.encode import layouts, pgnumeric, pgscalars, pgtext
from arrowsync.encode.blocks import Field, Lookup, arrow_buffer, encode_rows
from arrowsync.encode.columns import Column, Kernel, NoEncoding, Unencodable
from arrowsync.encode.families import EXTENSIONS, conversion_error, family_of
from arrowsync.encode.pgarrays import array_of
from arrowsync.encode.pgcomposite import Member, composite_of
from arrowsync.encode.pginet import inet
from arrowsync.errors import ConversionError

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

KERNELS: Mapping[tuple[str, str], Callable[[Any, SqlType], Kernel]] = {
    ("bool", "boolean"): pgscalars.boolean,
    ("integer", "smallint"): pgscalars.integer,
    ("integer", "integer"): pgscalars.integer,
    ("integer", "bigint"): pgscalars.integer,
    ("integer", "numeric"): pgnumeric.integer,
    ("integer", "real"): pgscalars.float_from_integer,
    ("integer", "double precision"): pgscalars.float_from_integer,
    ("decimal", "numeric"): pgnumeric.decimal,
    ("float", "real"): pgscalars.floating,
    ("float", "double precision"): pgscalars.floating,
    ("string", "text"): pgtext.text,
    ("string", "varchar"): pgtext.text,
    ("string", "char"): pgtext.text,
    ("string", "citext"): pgtext.text,
    ("string", "name"): pgtext.name,
    ("string", "enum"): pgtext.enum,
    ("string", "json"): pgtext.json,
    ("string", "jsonb"): pgtext.json,
    ("string", "inet"): inet,
    ("string", "cidr"): inet,
    ("json", "text"): pgtext.text,
    ("json", "json"): pgtext.json,
    ("json", "jsonb"): pgtext.json,
    ("binary", "bytea"): pgtext.bytea,
    ("date", "date"): pgscalars.date,
    ("time", "time"): pgscalars.time,
    ("timestamp", "timestamp"): pgscalars.timestamp,
    ("timestamptz", "timestamptz"): pgscalars.timestamp,
    ("duration", "interval"): pgscalars.duration,
    ("interval", "interval"): pgscalars.interval,
    ("uuid", "uuid"): pgscalars.uuid,
    ("binary", "uuid"): pgscalars.uuid,
}
"""(family of Arrow types, name of the column type; "enum" for any enum type) -> what compiles the kernel."""

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
"""What has an oid of the server's own: the type of an array's elements, or a struct type's member of that name.

A member has its own since it may be of a domain, which a `SqlType` doesn't tell from the type that it is made of.
"""


@dataclass(frozen=True, slots=True)
class PgCopyEncoder:
    """What turns a record batch of `schema` into the COPY BINARY bytes of its rows, without header and trailer.

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
        """What the columns of `batch`, of at least one row, are on the wire; refused like by a call."""
        if not batch.schema.equals(self.schema):
            raise ValueError(f"the encoder was compiled for another schema:\n{self.schema}\nnot\n{batch.schema}")
        columns = cast("Any", batch)  # pyarrow-stubs: an array of unknown values
        fields: list[Field | Lookup] = []
        for number, (name, kernel) in enumerate(zip(self.schema.names, self.kernels, strict=True)):
            array: Column = columns[number]
            try:
                fields.append(kernel(array))
            except Unencodable as refusal:
                raise conversion_error(name, array, refusal, first_row) from None
        return fields


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
        return layouts.all_null
    if pa.types.is_dictionary(source):
        return layouts.dictionary(_compile(source.value_type, target, oids))
    if pa.types.is_run_end_encoded(source):
        return layouts.run_ends(_compile(source.value_type, target, oids))
    if isinstance(source, pa.BaseExtensionType):
        return layouts.storage(_compile(source.storage_type, target, oids, EXTENSIONS.get(source.extension_name)))
    if pa.types.is_string_view(source):
        return layouts.views(_compile(pa.large_string(), target, oids, family))
    if pa.types.is_binary_view(source):
        return layouts.views(_compile(pa.large_binary(), target, oids, family))
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
            members.append(Member(name, oid, None, layouts.all_null))
            continue
        index = given.index(name)
        inner = struct_type.field(index).type
        try:
            members.append(Member(name, oid, index, _compile(inner, live, oids)))
        except NoEncoding as refusal:
            raise NoEncoding(f"its member {name!r}, {inner}, not as {live}: {refusal}") from None
    return composite_of(members)
