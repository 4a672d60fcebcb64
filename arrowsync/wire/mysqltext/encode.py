"""The text of LOAD DATA from Arrow record batches: `compile_mysqltext` gives the encoder of a table of MySQL or MariaDB.

A row is a line: `FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n'`, in utf8mb4, with NULL as `\\N`. LOAD
DATA LOCAL is never strict, whatever the sql_mode: it clamps, cuts, and puts a zero for what it can't read. So every value
that has no exact form in its column is refused here. The pair of Arrow type and column type decides how a column is
written: `KERNELS` is the list of pairs, and adding one is a line there and a kernel in `scalars` or `text`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa

from arrowsync.catalog.objects import SqlType
from arrowsync.errors import ConversionError
from arrowsync.sql import SQL, Identifier, Literal, sql
from arrowsync.wire.arrays import (
    EXTENSIONS,
    Column,
    NoEncoding,
    Unencodable,
    encoding,
    family_of,
    pick,
    unencodable,
    without_views,
)
from arrowsync.wire.mysqltext import live, scalars
from arrowsync.wire.mysqltext import text as strings
from arrowsync.wire.rows import NARROW_LIMIT, compute

TextKernel: TypeAlias = "Callable[[Column], Column]"
"""A column to its fields: an array of escaped text, NULL where the column is; raises `Unencodable`."""

KERNELS: Mapping[tuple[str, str], Callable[[Any, SqlType], TextKernel]] = {
    ("bool", "boolean"): scalars.boolean,
    **{("integer", name): scalars.integer for name in scalars.INTEGER_RANGES},
    ("integer", "year"): scalars.year,
    ("integer", "decimal"): scalars.decimal_from_integer,
    ("integer", "float"): scalars.float_from_integer,
    ("integer", "double"): scalars.float_from_integer,
    ("decimal", "decimal"): scalars.decimal,
    ("float", "float"): scalars.floating,
    ("float", "double"): scalars.floating,
    ("date", "date"): scalars.date,
    ("time", "time"): scalars.time,
    ("timestamp", "datetime"): scalars.timestamp,
    ("timestamptz", "datetime"): scalars.timestamp,
    ("timestamptz", "timestamp"): scalars.timestamp,
    ("duration", "bigint"): scalars.duration,
    **{("string", name): strings.text for name in strings.TEXT_BYTES},
    **{("json", name): strings.text for name in strings.TEXT_BYTES},
    ("string", "varchar"): strings.text,
    ("string", "char"): strings.text,
    ("string", "enum"): strings.enum,
    ("string", "json"): strings.json,
    ("json", "json"): strings.json,
    ("string", "varbinary"): strings.address,
    **{("binary", name): strings.binary for name in strings.BINARY_BYTES},
    ("binary", "varbinary"): strings.binary,
    ("binary", "binary"): strings.binary,
    ("uuid", "binary"): strings.uuid,
    ("uuid", "uuid"): strings.uuid,
    ("binary", "uuid"): strings.uuid,
}
"""Kernel compilers by (family of Arrow types, name of the column type); "enum" stands for any enum type."""

HEXADECIMAL = frozenset({*strings.BINARY_BYTES, "varbinary", "binary", "bit"})
"""Types whose bytes are sent as digits, which the statement reads with UNHEX: a text with a character set loses others."""
NULL = b"\\N"


@dataclass(frozen=True, slots=True)
class MySqlTextEncoder:
    """An encoder of record batches of `schema` into the lines of their rows.

    `fields` are what the list of columns in the statement says of each field, `assignments` what its SET says, if there are
    any. It keeps nothing between calls: batches may come in any order, from any thread. A batch is best about 1 MiB.
    """

    schema: pa.Schema
    fields: tuple[SQL | Identifier, ...]
    assignments: tuple[SQL, ...]
    kernels: tuple[TextKernel, ...]
    required: tuple[bool, ...]

    def __call__(self, batch: pa.RecordBatch, *, first_row: int = 0) -> pa.Buffer:
        """The lines of the rows of `batch`.

        Raises `ConversionError` if a value has no exact form in its column; its `rows` count from `first_row`, the position
        of the batch in the whole input.
        """
        if not batch.schema.equals(self.schema):
            raise ValueError(f"the encoder was compiled for another schema:\n{self.schema}\nnot\n{batch.schema}")
        if batch.num_rows == 0:
            return pa.py_buffer(b"")
        columns = cast("Any", batch)  # pyarrow-stubs: an array of unknown values
        texts: list[Column] = []
        for number, (name, kernel) in enumerate(zip(self.schema.names, self.kernels, strict=True)):
            array: Column = columns[number]
            with encoding(name, array, first_row):
                if self.required[number]:
                    _refuse_nulls(array)
                texts.append(kernel(array))
        return _lines(texts)

    def refused(self, batch: pa.RecordBatch) -> tuple[str, list[int], str] | None:
        """Find a column with values that it can't hold, their rows and the reason; None if all can be written."""
        required = zip(self.kernels, self.required, strict=True)
        return unencodable(batch, [partial(_present, kernel) if needed else kernel for kernel, needed in required])


def _present(kernel: TextKernel, array: Column) -> Column:
    """Write an array that must not have a NULL."""
    _refuse_nulls(array)
    return kernel(array)


def compile_mysqltext(
    schema: pa.Schema,
    types: Sequence[SqlType],
    *,
    required: Sequence[bool] | None = None,
    collations: Sequence[str | None] | None = None,
    exact_json: bool = True,
) -> MySqlTextEncoder:
    """The encoder of batches of `schema` for a table whose columns have `types`, in the same order.

    `required` says which columns take no NULL, `collations` what each compares its text by, which tells its character set
    (None is utf8mb4's); `exact_json` is whether the server keeps JSON as it is written, and not its numbers as doubles.
    Raises `ConversionError` for a column whose Arrow type has no exact form in its column type.
    """
    if len(schema) != len(types):
        raise ValueError(f"{len(schema)} fields for {len(types)} columns")
    kernels: list[TextKernel] = []
    fields: list[SQL | Identifier] = []
    assignments: list[SQL] = []
    for number, (name, source, target) in enumerate(zip(schema.names, schema.types, types, strict=True)):
        collation = collations[number] if collations else None
        try:
            kernel = _compile(source, target)
            if target.name == "json" and not exact_json:
                kernel = strings.with_json_numbers(kernel)
            kernels.append(strings.in_character_set(kernel, collation))
        except NoEncoding as refusal:
            raise ConversionError(
                f"column {name!r}: Arrow {source} can't be stored exactly as {target}: {refusal}",
                column=name,
                reason=str(refusal),
                hint="declare the column with a type that holds the data, or convert the data first",
            ) from None
        if target.name in HEXADECIMAL or live.is_opaque(target):
            variable = sql("@arrowsync_{number}", number=Literal(number))
            fields.append(variable)
            assignments.append(sql("{column} = UNHEX({variable})", column=Identifier(name), variable=variable))
        else:
            fields.append(Identifier(name))
    return MySqlTextEncoder(
        schema, tuple(fields), tuple(assignments), tuple(kernels), tuple(required or [False] * len(types))
    )


def _compile(source: Any, target: SqlType, family: str | None = None) -> TextKernel:
    """The kernel of arrays of type `source`, of any layout; `family` is that of the extension type which it stores."""
    if pa.types.is_null(source):
        return lambda array: cast(Any, pa).nulls(len(array), pa.string())
    if pa.types.is_dictionary(source):
        return _dictionary(_compile(source.value_type, target, family))
    if pa.types.is_run_end_encoded(source):
        plain = _compile(source.value_type, target, family)
        return lambda array: plain(compute.run_end_decode(array))
    if isinstance(source, pa.BaseExtensionType):
        return _storage(_compile(source.storage_type, target, EXTENSIONS.get(source.extension_name)))
    if pa.types.is_string_view(source) or pa.types.is_binary_view(source):
        large = pa.large_string() if pa.types.is_string_view(source) else pa.large_binary()
        of_large = _compile(large, target, family)
        return lambda array: of_large(without_views(array))
    if family is None:
        family = family_of(source)
    kernel = _from_table(family, source, target)
    if kernel is not None:
        return kernel
    if family == "binary" and live.is_opaque(target):
        return strings.binary(source, SqlType("longblob"))
    return live.kernel_of(family, source, target, lambda plain: _from_table(family, source, plain))


def _from_table(family: str, source: Any, target: SqlType) -> TextKernel | None:
    compile_kernel = KERNELS.get((family, "enum" if target.labels else target.name))
    return None if compile_kernel is None else compile_kernel(source, target)


def _storage(kernel: TextKernel) -> TextKernel:
    def encode(array: Any) -> Column:
        return kernel(array.storage)

    return encode


def _dictionary(kernel: TextKernel) -> TextKernel:
    """Make the kernel for a dictionary of values that `kernel` takes: each value is written once, and rows look theirs up."""

    def encode(array: Any) -> Column:
        values, indices = array.dictionary, array.indices
        if 0 < len(values) <= len(array):
            try:
                return pick(kernel(values), indices)
            except Unencodable:
                pass  # Perhaps for a value that no row has: the plain array can tell, and knows the rows.
        return kernel(pick(values, indices))

    return encode


def _lines(texts: list[Column]) -> pa.Buffer:
    """One line a row. `binary_join_element_wise` writes 2.2 million rows of TPC-H lineitem a second, Polars' write_csv as
    many, with all that is needed before it can; the servers read a tenth of that (2026-11-21).
    """
    if sum(strings.size_of(text) + 3 * len(text) for text in texts) < NARROW_LIMIT:
        kind: Any = pa.binary()
    else:
        kind = pa.large_binary()
    parts = [text.cast(kind) for text in texts]
    nulls: Any = {"null_handling": "replace", "null_replacement": NULL}
    parts[-1] = compute.binary_join_element_wise(parts[-1], pa.scalar(b"", kind), pa.scalar(b"\n", kind), **nulls)
    rows = compute.binary_join_element_wise(*parts, pa.scalar(b"\t", kind), **nulls) if len(parts) > 1 else parts[0]
    return strings.data_of(rows)


def _refuse_nulls(array: Column) -> None:
    if array.null_count or pa.types.is_dictionary(array.type) or pa.types.is_run_end_encoded(array.type):
        nulls: Any = (
            array.is_null() if not isinstance(array.type, pa.BaseExtensionType) else cast(Any, array).storage.is_null()
        )
        if nulls.true_count:
            raise Unencodable(np.flatnonzero(np.asarray(nulls)), "NULL in a required column")
