"""Batches into a table: `insert_batches`, an INSERT for many rows at a time. Runs in a session's worker thread.

A column becomes Python values as a whole: what SQLite has no class for in the form that `types` says, in one spelling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute

from arrowsync.catalog import Column
from arrowsync.convert.to_text import compile_text
from arrowsync.dialects.contract import FindUnstorable, LoadResult, LoadTarget, Server
from arrowsync.dialects.merge_sql import names
from arrowsync.dialects.sqlite.driver import cursor_of, translated, usual_texts
from arrowsync.dialects.sqlite.quoting import QUOTING
from arrowsync.errors import DatabaseError
from arrowsync.sql import join, sql
from arrowsync.wire.arrays import Unencodable, conversion_error

if TYPE_CHECKING:
    from sqlite3 import Connection

compute: Any = pyarrow.compute  # pyarrow-stubs has each function by the exact classes of its arguments
Stored: TypeAlias = Callable[[Any], Any]
"""An array to one of int64, float64, text or bytes; raises `Unencodable`."""
_NAN = "NaN, which SQLite stores as NULL"
_NEGATIVE_ZERO = "-0.0, which SQLite stores as 0.0"


def insert_batches(connection: Connection, target: LoadTarget, batches: Iterator[pa.RecordBatch]) -> LoadResult:
    """Insert the batches, in their order, and say how many rows arrived. What `batches` raises is raised as it is."""
    kernels = [stored_form(kind) for kind in cast(Any, target.schema).types]
    columns = [column.name for column in target.columns]
    statement = sql(
        "INSERT INTO {target} ({columns}) VALUES ({values})",
        target=target.name.identifier,
        columns=names(columns),
        values=join(", ", [sql("?")] * len(columns)),
    ).text(QUOTING)
    sent = arrived = size = 0
    for batch in batches:
        values: list[Sequence[Any]] = []
        for name, array, kernel in zip(columns, cast(Any, batch).columns, kernels, strict=True):
            try:
                values.append(kernel(array).to_pylist())
            except Unencodable as refusal:
                raise conversion_error(name, array, refusal, sent) from None
        arrived += _insert(connection, statement, values, sent)
        sent += batch.num_rows
        size += batch.nbytes
    return LoadResult(arrived, size, "INSERT")


def _insert(connection: Connection, statement: str, columns: Sequence[Sequence[Any]], sent: int) -> int:
    """Insert the rows of one batch; an error says which row it is about."""
    taken = 0

    def rows() -> Iterator[tuple[Any, ...]]:
        nonlocal taken
        for row in zip(*columns, strict=True):
            taken += 1
            yield row

    with translated(statement), usual_texts(connection):
        try:
            with translated(statement):
                cursor = cursor_of(connection)
                try:
                    return max(cursor.executemany(statement, rows()).rowcount, 0)
                finally:
                    cursor.close()
        except DatabaseError as error:
            if error.row_refused:
                error.row = sent + taken - 1
            raise


def value_check(server: Server, columns: Sequence[Column], schema: pa.Schema) -> FindUnstorable | None:
    """Compile the search for floats that SQLite would store as something else."""
    kernels = [(name, stored_form(kind)) for name, kind in zip(schema.names, cast(Any, schema).types, strict=True)]

    def find(batch: pa.RecordBatch) -> tuple[str, list[int], str] | None:
        for name, kernel in kernels:
            try:
                kernel(cast(Any, batch).column(name))
            except Unencodable as refusal:
                return name, refusal.rows.tolist(), refusal.reason
        return None

    return find if any(pa.types.is_floating(kind) for kind in cast(Any, schema).types) else None


def stored_form(kind: Any) -> Stored:
    """What makes the values that SQLite stores of an Arrow type."""
    if isinstance(kind, pa.BaseExtensionType):
        inner = stored_form(kind.storage_type)
        return lambda array: inner(array.storage)
    if pa.types.is_fixed_size_binary(kind) or pa.types.is_binary(kind) or pa.types.is_string(kind):
        return lambda array: array
    if pa.types.is_floating(kind):
        return _floats
    if pa.types.is_duration(kind) or pa.types.is_boolean(kind):
        return lambda array: array.cast(pa.int64())
    if pa.types.is_integer(kind) and kind != pa.uint64():
        return lambda array: array
    text = compile_text(pa.schema([("value", kind)]))
    converted: Any = text

    def texts(array: Any) -> Any:
        return converted(cast(Any, pa.RecordBatch).from_arrays([array], names=["value"])).column(0)

    return texts


def _floats(array: Any) -> Any:
    doubles = array.cast(pa.float64())
    values = np.asarray(doubles.fill_null(0.0))
    for wrong, reason in ((np.isnan(values), _NAN), ((values == 0) & np.signbit(values), _NEGATIVE_ZERO)):
        if wrong.any():
            raise Unencodable(np.flatnonzero(wrong), reason)
    return doubles
