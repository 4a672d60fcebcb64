"""`open_source`: any data as a stream of record batches, in declared types, without any database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from arrowsync.convert.compile import Converter, compile_converter
from arrowsync.declare.arrow import spec_from_schema
from arrowsync.declare.spec import TableSpec
from arrowsync.errors import DeclarationError
from arrowsync.options import CsvOptions
from arrowsync.sources.open import Source, open_batches
from arrowsync.sources.selection import Columns, Filter
from arrowsync.sources.stream import BatchStream
from arrowsync.sync.tables import declared_spec


def open_source(
    data: object,
    table: object = None,
    *,
    format: str | None = None,  # noqa: A002 - the word that users look for
    field_names: Sequence[str | None] | None = None,
    has_header: bool = True,
    csv: CsvOptions | None = None,
    columns: Columns | None = None,
    filters: Sequence[Filter] | None = None,
) -> BatchStream:
    """The data as a one-shot stream; with a `table` (a dataclass or schema) in the types that it declares."""
    how = Source(data, format, field_names, has_header, csv, columns, filters)
    if table is None:
        return open_batches(how)
    spec = spec_from_schema(table, "data") if isinstance(table, pa.Schema) else declared_spec(table)
    if not isinstance(spec, TableSpec):
        raise DeclarationError(
            f"open_source knows no database, so the name {table!r} tells it no types",
            hint="pass a dataclass or a pa.Schema",
        )
    raw = open_batches(how, spec)
    try:
        convert = compile_converter(raw.schema, spec, source=raw.name)
    except BaseException:
        raw.close()
        raise
    return BatchStream(
        convert.schema, _converted(raw, convert), name=raw.name, close=raw.close, row_count=raw.row_count
    )


def _converted(raw: BatchStream, convert: Converter) -> Iterator[pa.RecordBatch]:
    row = 0
    for batch in raw:
        yield convert(batch, row)
        row += batch.num_rows
