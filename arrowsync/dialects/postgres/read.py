"""The way back: rows of COPY TO as record batches, exactly.

Each column is asked for in a form that depends on no setting of the session (`readforms`), as text that pyarrow's CSV reader
and a few vectorised steps bring back to Arrow. A session puts `copied(query, reader.forms)` into a COPY as CSV and gives
blocks of whole rows to the reader.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from arrowsync.catalog import Column, SqlType
from arrowsync.dialects.postgres.readforms import FORMS, Array, Form, Unreadable, enum_form
from arrowsync.dialects.postgres.readnested import nested_form
from arrowsync.dialects.postgres.types import spec_of
from arrowsync.errors import ConversionError
from arrowsync.sql import SQL, Identifier, join, sql


@dataclass(frozen=True, slots=True)
class BlockReader:
    """Makes a block of CSV, of whole rows, into a batch. It keeps nothing between blocks."""

    schema: pa.Schema
    forms: tuple[Form, ...]

    def __call__(self, block: bytes) -> pa.RecordBatch:
        from pyarrow import csv

        names = [str(at) for at in range(len(self.schema))]
        fields: list[pa.Field[Any]] = list(self.schema)
        plain = [pa.string() if form.finish else field.type for field, form in zip(fields, self.forms, strict=True)]
        table = csv.read_csv(
            io.BytesIO(block),
            read_options=csv.ReadOptions(column_names=names, use_threads=False, block_size=len(block) + 1),
            parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types=dict(zip(names, plain, strict=True)),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
            ),
        )
        columns: list[Any] = table.columns
        whole = [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in columns]
        return pa.record_batch([self.finished(at, array) for at, array in enumerate(whole)], schema=self.schema)

    def finished(self, at: int, array: Array) -> Array:
        """Column number `at` in its Arrow type, of how it comes in its form."""
        name, arrow, finish = self.schema.names[at], self.schema.types[at], self.forms[at].finish
        try:
            return array if finish is None else finish(array, arrow)
        except (Unreadable, pa.ArrowInvalid) as error:
            raise ConversionError(
                f"column {name!r} holds a value that {arrow} doesn't have: {error}",
                column=name,
                reason=str(error),
                hint="declare the column with a wider type, or select it as text",
            ) from None


def compile_reader(columns: Sequence[Column]) -> BlockReader:
    """The reader of blocks that `copied` asks for; a DeclarationError names a column of a type that can't be read."""
    specs = [spec_of(column) for column in columns]
    return BlockReader(
        schema=pa.schema([pa.field(spec.name, spec.type, nullable=True) for spec in specs]),
        forms=tuple(form_of(column.type) for column in columns),
    )


def form_of(live: SqlType) -> Form:
    """How values of a type that `spec_of` knows come."""
    if live.element is not None or live.members:
        return nested_form(live)
    return enum_form(live.labels) if live.labels else FORMS[live.name]


def copied(query: SQL, forms: Sequence[Form]) -> SQL:
    """The query with its columns in their forms, as the inside of a COPY."""
    names = [Identifier(f"c{at}") for at in range(len(forms))]
    asked = [_ask(form, name) for form, name in zip(forms, names, strict=True)]
    return sql(
        "SELECT {asked} FROM (\n{query}\n) AS q ({names})",
        asked=join(", ", asked),
        query=query,
        names=join(", ", names),
    )


def _ask(form: Form, column: Identifier) -> SQL:
    before, _, after = form.ask.partition("{column}")
    return SQL((before, column, after))
