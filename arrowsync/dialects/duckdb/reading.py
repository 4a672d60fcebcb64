"""How values travel between DuckDB and Arrow: exactly, also where the engine's own exchange isn't.

DuckDB gives UUIDs as text, wraps large INTERVALs around and UHUGEINTs into negative numbers (2.0.0), and its Arrow types
depend on settings of the connection. So `read_query` has it cast what needs that, and `read_batch` brings the columns to
the types of `spec_of`; what is in a list or struct goes the same way. What DuckDB can't take, `sendable` rewrites. A type that
needs either gets a line in `_EXPRESSIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute

from arrowsync.catalog import Column, SqlType
from arrowsync.dialects.duckdb.types import spec_of
from arrowsync.errors import DeclarationError
from arrowsync.sql import SQL, Identifier, Literal, join, sql

# pyarrow-stubs has each compute function by the exact classes of its arguments, which are not known here.
compute: Any = pyarrow.compute


def read_query(query: SQL, columns: Sequence[Column]) -> SQL:
    """`query`, whose result has the `columns`, with those cast whose values DuckDB doesn't hand over exactly."""
    values = [(SQL((Identifier(column.name),)), column) for column in columns]
    exact = [_exact(value, column.type, column.name) for value, column in values]
    if not any(exact):
        return query
    selected = [
        sql("{value} AS {name}", value=rewritten or value, name=Identifier(column.name))
        for rewritten, (value, column) in zip(exact, values, strict=True)
    ]
    return sql("SELECT {selected} FROM ({query})", selected=join(", ", selected), query=query)


def read_result(columns: Sequence[Column]) -> tuple[SQL | None, pa.Schema]:
    """What to select of any result with the `columns`, None for all as it is, and the schema; unknown types become text."""
    fields: list[pa.Field[Any]] = []
    exact: list[SQL | None] = []
    for column in columns:
        value = SQL((Identifier(column.name),))
        try:
            fields.append(spec_of(column).arrow_field.with_nullable(True))
            exact.append(_exact(value, column.type, column.name))
        except DeclarationError:
            fields.append(pa.field(column.name, pa.string()))
            exact.append(_as_text(value, column.name))
    selected = [
        sql("{value} AS {name}", value=rewritten or SQL((Identifier(column.name),)), name=Identifier(column.name))
        for rewritten, column in zip(exact, columns, strict=True)
    ]
    return join(", ", selected) if any(exact) else None, pa.schema(fields)


def read_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The columns of `batch` in the types of `schema`, which are those of `spec_of`."""
    columns: list[Any] = cast(Any, batch).columns
    return _batch([_typed(array, kind) for array, kind in zip(columns, schema.types, strict=True)], schema)


def sendable_schema(schema: pa.Schema) -> pa.Schema:
    """The schema of what `sendable` gives for batches of this schema."""
    fields: list[pa.Field[Any]] = list(schema)
    return pa.schema([field.with_type(_sendable_type(field.type)) for field in fields])


def sendable(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with decimals of 256 bits, which DuckDB doesn't take, as the text that it makes numbers of."""
    return batch if batch.schema == schema else read_batch(batch, schema)


def _batch(columns: list[Any], schema: pa.Schema) -> pa.RecordBatch:
    made: pa.RecordBatch = cast(Any, pa.RecordBatch).from_arrays(columns, schema=schema)
    return made


def _sendable_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_decimal256(kind):
        return pa.string()
    nested: Any = kind
    if pa.types.is_list(kind):
        return pa.list_(nested.value_field.with_type(_sendable_type(nested.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_sendable_type(field.type)) for field in nested.fields])
    return kind


def _typed(array: Any, kind: pa.DataType) -> Any:
    if array.type == kind:
        return array
    if isinstance(kind, pa.BaseExtensionType):
        storage = getattr(array, "storage", array)
        return cast(Any, pa.ExtensionArray).from_storage(kind, storage.cast(kind.storage_type))
    nested: Any = kind
    if pa.types.is_list(kind):
        return _typed_list(array, nested)
    if pa.types.is_struct(kind):
        members = [_typed(array.field(at), field.type) for at, field in enumerate(nested.fields)]
        return cast(Any, pa.StructArray).from_arrays(members, fields=nested.fields, mask=array.is_null())
    return array.cast(kind)


def _typed_list(array: Any, kind: Any) -> Any:
    # Counted anew: those of a slice don't begin with 0.
    lengths = compute.fill_null(compute.list_value_length(array), 0)
    ends = compute.cumulative_sum(lengths.cast(pa.int32()))
    offsets: Any = pa.concat_arrays([cast(Any, pa.array([0], pa.int32())), ends])
    elements = _typed(compute.list_flatten(array), kind.value_type)
    return cast(Any, pa.ListArray).from_arrays(offsets, elements, type=kind, mask=array.is_null())


def _exact(value: SQL, live: SqlType, column: str, depth: int = 0) -> SQL | None:
    """The expression for a value of the type that DuckDB hands over exactly; None where the value itself is one."""
    if live.element is not None:
        item = Identifier(f"item{depth}")
        inner = _exact(SQL((item,)), live.element, column, depth + 1)
        return inner and sql("list_transform({list}, lambda {item}: {inner})", list=value, item=item, inner=inner)
    if not live.members:
        expression = _EXPRESSIONS.get(live.name)
        return expression and expression(value, column)
    found = [
        (name, sql("struct_extract({value}, {name})", value=value, name=Literal(name))) for name, _ in live.members
    ]
    exact = [_exact(member, kind, column, depth) for (_, member), (_, kind) in zip(found, live.members, strict=True)]
    if not any(exact):
        return None
    packed = [
        sql("{name} := {value}", name=Identifier(name), value=rewritten or member)
        for rewritten, (name, member) in zip(exact, found, strict=True)
    ]
    return sql("CASE WHEN {value} IS NOT NULL THEN struct_pack({packed}) END", value=value, packed=join(", ", packed))


def _as_text(value: SQL, column: str) -> SQL:
    return sql("CAST({value} AS VARCHAR)", value=value)


def _as_bytes(value: SQL, column: str) -> SQL:
    return sql("CAST({value} AS BLOB)", value=value)


def _as_microseconds(value: SQL, column: str) -> SQL:
    """A day is 24 hours in a duration; a month has no length, so a value with months is an error."""
    return sql(
        "CASE WHEN date_part('year', {value}) <> 0 OR date_part('month', {value}) <> 0 "
        "THEN error(concat('the interval ', {value}, ' in column ', {column}, ' has months, which are no duration')) "
        "ELSE epoch_us({value}) END",
        value=value,
        column=Literal(column),
    )


_EXPRESSIONS: Mapping[str, Callable[[SQL, str], SQL]] = {
    "uuid": _as_bytes,
    "json": _as_text,
    "hugeint": _as_text,
    "uhugeint": _as_text,
    "interval": _as_microseconds,
}
