"""`open_source`: any data as a stream of record batches, in declared types, without any database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import make_dataclass, replace
from keyword import iskeyword
from typing import Annotated, Any

import pyarrow as pa

from arrowsync.convert.compile import Converter, compile_converter
from arrowsync.convert.rounding import finer
from arrowsync.declare.arrow import spec_from_schema
from arrowsync.declare.markers import ColumnName
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
    field_types: Sequence[Any] | None = None,
    round: bool = False,  # noqa: A002 - the word that users look for
) -> BatchStream:
    """The data as a one-shot stream; with a `table` (a dataclass or schema) in the types that it declares."""
    how = Source(data, format, field_names, has_header, csv, columns, filters)
    if field_types is not None:
        table = _declared(table, field_names, field_types)
    if table is None:
        if round:
            raise DeclarationError(
                "round=True needs a table, whose decimal places are rounded to", hint="pass the table"
            )
        return open_batches(how)
    spec = spec_from_schema(table, "data") if isinstance(table, pa.Schema) else declared_spec(table)
    if not isinstance(spec, TableSpec):
        raise DeclarationError(
            f"open_source knows no database, so the name {table!r} tells it no types",
            hint="pass a dataclass or a pa.Schema",
        )
    hint = replace(spec, columns=tuple(map(finer, spec.columns))) if round else spec
    raw = open_batches(how, hint)
    try:
        convert = compile_converter(raw.schema, spec, source=raw.name, round=round, valid_text=raw.valid_text)
    except BaseException:
        raw.close()
        raise
    return BatchStream(
        convert.schema,
        _converted(raw, convert),
        name=raw.name,
        close=raw.close,
        row_count=raw.row_count,
        valid_text=True,
    )


def _declared(table: object, names: Sequence[str | None] | None, types: Sequence[Any]) -> type:
    """A table made of names and types, for rows that come with these."""
    if table is not None:
        raise DeclarationError("field_types is said beside a table", hint="leave it out: the table declares the types")
    if names is None or len(names) != len(types):
        raise DeclarationError(
            f"{len(types)} field_types for {0 if names is None else len(names)} field_names",
            hint="give a type for each name; annotations such as int, str | None, Decimal will do",
        )
    fields: dict[str, tuple[str, Any]] = {}
    for index, (name, kind) in enumerate(zip(names, types, strict=True)):
        if name in fields:
            raise DeclarationError(
                f"field_names has {name!r} more than once", hint="rename one; None leaves a column out"
            )
        if name:
            fields[name] = _field(name, kind, index)
    return make_dataclass("data", list(fields.values()))


def _field(name: str, kind: Any, index: int) -> tuple[str, Any]:
    """A field for a column that may be called anything: by its own name if it can be one, for the messages that name it."""
    if name.isidentifier() and not iskeyword(name) and not name.startswith("__"):
        return name, kind
    return f"__{index}", Annotated[kind, ColumnName(name)]


def _converted(raw: BatchStream, convert: Converter) -> Iterator[pa.RecordBatch]:
    row = 0
    for batch in raw:
        yield convert(batch, row)
        row += batch.num_rows
