"""The way back through ADBC: results as record batches, exactly.

The driver would give a numeric as text, an inet as bytes, an enum without its labels. So all but what it can't get wrong is
asked for as text, in the same forms as through COPY (`readforms`), which bring it back to Arrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import pyarrow as pa

from arrowsync.catalog import Column, SqlType
from arrowsync.dialects.postgres import read, readresult
from arrowsync.dialects.postgres.readforms import Form
from arrowsync.sql import SQL

TYPE_NAME = b"POSTGRESQL:type"
"""The key of a field's metadata under which the driver says what its type is called on the server."""
NATIVE = frozenset({pa.bool_(), pa.int16(), pa.int32(), pa.int64()})
"""What the driver gives as it is; all other types come as text."""
AS_TEXT: Mapping[str, LiteralString] = {"inet": "textin(inet_out({column}))"}
"""How values are asked for as text where a cast gives another text than COPY: it writes `/32` behind each address."""


@dataclass(frozen=True, slots=True)
class ResultReader:
    """Makes a batch of what `query` asks for into one of `schema`. It keeps nothing between batches."""

    reader: read.BlockReader
    types: tuple[SqlType, ...]

    def query(self, query: SQL) -> SQL:
        """The query with its columns in their forms."""
        fields: list[pa.Field[Any]] = list(self.reader.schema)
        asked = [
            form
            if form.finish is None and field.type in NATIVE
            else Form(AS_TEXT.get(live.name, f"({form.ask})::text"))
            for form, field, live in zip(self.reader.forms, fields, self.types, strict=True)
        ]
        return read.copied(query, asked)

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        given: Any = batch  # pyarrow-stubs: arrays of unknown values
        arrays = [self.reader.finished(at, array) for at, array in enumerate(given.columns)]
        return pa.record_batch(arrays, schema=self.reader.schema)

    def table(self, batches: Sequence[pa.RecordBatch]) -> pa.Table:
        """All the batches of a query whose types were not known before."""
        return readresult.finish_result(pa.Table.from_batches(batches, schema=self.reader.schema), self.types)


def compile_reader(columns: Sequence[Column]) -> ResultReader:
    """The reader of a table's columns: see `read.compile_reader`."""
    return ResultReader(read.compile_reader(columns), tuple(column.type for column in columns))


def compile_result_reader(described: pa.Schema) -> ResultReader:
    """The reader of any query's result, whose columns the driver has described."""
    fields: list[pa.Field[Any]] = list(described)
    types = tuple(map(_result_type, fields))
    return ResultReader(readresult.compile_result_reader(described.names, types), types)


def compile_stream_reader(described: pa.Schema) -> ResultReader:
    """The same, of a result whose batches are final: see `readresult.compile_stream_reader`."""
    fields: list[pa.Field[Any]] = list(described)
    types = tuple(map(_result_type, fields))
    return ResultReader(readresult.compile_stream_reader(described.names, types), types)


def _result_type(field: pa.Field[Any]) -> SqlType:
    name = (field.metadata or {}).get(TYPE_NAME, b"").decode()
    is_array = pa.types.is_list(field.type) and name.startswith("_")  # unlike int2vector
    return readresult.result_type(name[1:] if is_array else name, array=is_array)
