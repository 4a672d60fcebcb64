"""How values travel between DuckDB and Arrow: exactly, also where the engine's own exchange isn't.

DuckDB gives UUIDs as text, wraps large INTERVALs around and UHUGEINTs into negative numbers (2.0.0), and its Arrow types
depend on settings of the connection. So `read_query` has it cast what needs that, and `read_batch` brings the columns to
the types of `spec_of`. What it can't take, `sendable` rewrites. A type that needs either gets a line in `_EXPRESSIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pyarrow as pa

from arrowsync.catalog import Column
from arrowsync.sql import SQL, Identifier, Literal, join, sql


def read_query(query: SQL, columns: Sequence[Column]) -> SQL:
    """`query`, whose result has the `columns`, with those cast whose values DuckDB doesn't hand over exactly."""
    if not any(column.type.name in _EXPRESSIONS for column in columns):
        return query
    selected = [
        sql("{value} AS {name}", value=_EXPRESSIONS.get(c.type.name, _as_it_is)(c), name=Identifier(c.name))
        for c in columns
    ]
    return sql("SELECT {selected} FROM ({query})", selected=join(", ", selected), query=query)


def read_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The columns of `batch` in the types of `schema`, which are those of `spec_of`."""
    columns: list[Any] = cast(Any, batch).columns
    return _batch([_typed(array, kind) for array, kind in zip(columns, schema.types, strict=True)], schema)


def sendable_schema(schema: pa.Schema) -> pa.Schema:
    """The schema of what `sendable` gives for batches of this schema."""
    fields: list[pa.Field[Any]] = list(schema)
    return pa.schema([field.with_type(pa.string()) if _is_wide(field.type) else field for field in fields])


def sendable(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with decimals of 256 bits, which DuckDB doesn't take, as the text that it makes numbers of."""
    if batch.schema == schema:
        return batch
    columns: list[Any] = cast(Any, batch).columns
    return _batch([array.cast(pa.string()) if _is_wide(array.type) else array for array in columns], schema)


def _batch(columns: list[Any], schema: pa.Schema) -> pa.RecordBatch:
    made: pa.RecordBatch = cast(Any, pa.RecordBatch).from_arrays(columns, schema=schema)
    return made


def _is_wide(kind: pa.DataType) -> bool:
    return pa.types.is_decimal256(kind)


def _typed(array: Any, kind: pa.DataType) -> Any:
    if array.type == kind:
        return array
    if isinstance(kind, pa.BaseExtensionType):
        storage = getattr(array, "storage", array)
        return cast(Any, pa.ExtensionArray).from_storage(kind, storage.cast(kind.storage_type))
    return array.cast(kind)


def _as_it_is(column: Column) -> SQL:
    return SQL((Identifier(column.name),))


def _as_text(column: Column) -> SQL:
    return sql("CAST({name} AS VARCHAR)", name=Identifier(column.name))


def _as_bytes(column: Column) -> SQL:
    return sql("CAST({name} AS BLOB)", name=Identifier(column.name))


def _as_microseconds(column: Column) -> SQL:
    """A day is 24 hours in a duration; a month has no length, so a value with months is an error."""
    return sql(
        "CASE WHEN date_part('year', {name}) <> 0 OR date_part('month', {name}) <> 0 "
        "THEN error(concat('the interval ', {name}, ' in column ', {text}, ' has months, which are no duration')) "
        "ELSE epoch_us({name}) END",
        name=Identifier(column.name),
        text=Literal(column.name),
    )


_EXPRESSIONS: Mapping[str, Callable[[Column], SQL]] = {
    "uuid": _as_bytes,
    "json": _as_text,
    "hugeint": _as_text,
    "uhugeint": _as_text,
    "interval": _as_microseconds,
}
