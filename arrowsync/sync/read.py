"""The way out: a table of the database as batches of its declared types."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import pyarrow as pa

from arrowsync.catalog import Table
from arrowsync.convert.compile import Converter, compile_converter
from arrowsync.declare.spec import TableSpec
from arrowsync.dialects.contract import Language, Session, StoredKernel
from arrowsync.errors import MigrationError
from arrowsync.load.target import declared_spec, flat_name
from arrowsync.sql import SQL, Identifier, join, sql


@dataclass(frozen=True, slots=True)
class TableReader:
    """The schema of the rows that are read, and the batches."""

    schema: pa.Schema
    batches: AsyncIterator[pa.RecordBatch]


@asynccontextmanager
async def open_table(table: object, session: Session) -> AsyncGenerator[TableReader]:
    """The rows of `table` as batches of its declared types; of a table given by name, in the types that it has."""
    declared = declared_spec(table)
    language = session.dialect.language
    name = flat_name(declared, language, session.server)
    live = (await session.dialect.catalog.discover(session, [name])).table(name)
    if live is None:
        raise MigrationError(f"there is no table {name}", hint="create it with sync_table or migrate")
    spec = declared if isinstance(declared, TableSpec) else _spec_of(live, language)
    missing = [c.name for c in spec.columns if live.column(c.name) is None]
    if missing:
        raise MigrationError(
            f"the live table {name} has no column {missing[0]!r}", hint="migrate it, or take it out of the declaration"
        )
    columns = [language.as_declared(column, c.type) for c in spec.columns if (column := live.column(c.name))]
    stored = [replace(language.to_spec(c), nullable=True) for c in columns]
    kernels = [language.from_stored(found, wanted) for found, wanted in zip(stored, spec.columns, strict=True)]
    types = [(w if k else s).type for s, w, k in zip(stored, spec.columns, kernels, strict=True)]
    schema = pa.schema([pa.field(column.name, kind) for column, kind in zip(spec.columns, types, strict=True)])
    convert = compile_converter(schema, spec, source=f"the table {name}")
    async with session.stream(_select(live, columns_of=spec), columns) as result:
        yield TableReader(convert.schema, _converted(result.batches, convert, kernels))


async def _converted(
    batches: AsyncIterator[pa.RecordBatch], convert: Converter, kernels: Sequence[StoredKernel | None]
) -> AsyncIterator[pa.RecordBatch]:
    row = 0
    async for batch in batches:
        if any(kernels):
            columns = cast("Any", batch).columns  # pyarrow-stubs: arrays of unknown values
            arrays = [k(array) if k else array for k, array in zip(kernels, columns, strict=True)]
            batch = pa.record_batch(arrays, names=batch.schema.names)
        yield convert(batch, row)
        row += batch.num_rows


def _spec_of(live: Table, language: Language) -> TableSpec:
    return TableSpec(
        live.name.name,
        tuple(language.to_spec(c) for c in live.columns),
        key=live.key,
        namespace=live.name.namespace,
    )


def _select(live: Table, columns_of: TableSpec) -> SQL:
    return sql(
        "SELECT {columns} FROM {table}",
        columns=join(", ", [Identifier(column.name) for column in columns_of.columns]),
        table=live.name.identifier,
    )
