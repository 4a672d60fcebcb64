"""`open_source`: any data as a stream of record batches in declared types, without a database; and `write_tsv`, the way back."""

from __future__ import annotations

import codecs
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import make_dataclass, replace
from keyword import iskeyword
from typing import Annotated, Any, Protocol, TypeAlias

import pyarrow as pa

from arrowsync.convert.compile import Converter, compile_converter
from arrowsync.convert.kernels.decimals import finer
from arrowsync.convert.to_text import compile_text
from arrowsync.declare.arrow import spec_from_schema
from arrowsync.declare.markers import ColumnName
from arrowsync.declare.spec import TableSpec
from arrowsync.errors import DeclarationError
from arrowsync.load.target import declared_spec
from arrowsync.options import CsvOptions
from arrowsync.sources.files.selection import Columns, Filter
from arrowsync.sources.files.trail import located
from arrowsync.sources.open import Source, open_batches
from arrowsync.sources.stream import BatchStream
from arrowsync.wire.tsv import encode_header, encode_tsv


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
        with located(raw):
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
        trail=raw.trail,
        raw=(raw, convert),
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
        with located(raw):
            converted = convert(batch, row)
        yield converted
        row += batch.num_rows


class BinaryWriter(Protocol):
    """An open binary file: `write` takes bytes."""

    def write(self, data: Any, /) -> Any: ...


Target: TypeAlias = "str | os.PathLike[str] | BinaryWriter"

_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}


def write_tsv(
    data: object,
    target: Target,
    table: object = None,
    *,
    format: str | None = None,  # noqa: A002 - the word that users look for
    field_names: Sequence[str | None] | None = None,
    header: bool = True,
) -> int:
    r"""The number of rows written to a path or to an open binary file, as tab-separated values.

    `data`, `table`, `format` and `field_names` are those of `open_source`. The file is what PostgreSQL's `COPY ... FROM`
    reads (with `HEADER`, unless `header` is False): UTF-8, `\N` for NULL, a backslash before what would end a field. Numbers,
    dates and times, UUIDs are written as `open_source` reads them, exactly; bytes as `\x` and hexadecimal digits,
    durations as `49:00:00.5`, lists and structs as JSON.

    A path that ends with `.gz` or `.zst` is compressed. The file appears under its name when it is complete: after an
    error whatever was there is still there. An open file stays open, and keeps the lines before an error.

    >>> import io
    >>> file = io.BytesIO()
    >>> write_tsv([(1, "one\ttwo"), (2, None)], file, field_names=["number", "words"])
    2
    >>> file.getvalue()
    b'number\twords\n1\tone\\ttwo\n2\t\\N\n'
    """
    with open_source(data, table, format=format, field_names=field_names) as stream:
        to_text = compile_text(stream.schema, source=stream.name)
        with _opened(target) as file:
            rows = 0
            if header:
                _write(file, encode_header(stream.schema.names), first=True)
            for batch in stream:
                _write(file, encode_tsv(to_text(batch, rows)), first=not header and not rows)
                rows += batch.num_rows
    return rows


def _write(file: BinaryWriter, lines: pa.Buffer, *, first: bool) -> None:
    if first and bytes(memoryview(lines)[:3]) == codecs.BOM_UTF8:
        file.write(codecs.BOM_UTF8)  # a reader takes one for the mark, and the other for text
    file.write(lines)


@contextmanager
def _opened(target: Target) -> Generator[BinaryWriter]:
    if not isinstance(target, str | os.PathLike):
        if hasattr(target, "encoding"):
            raise DeclarationError("the file was opened for text", hint='open it in binary mode: open(path, "wb")')
        yield target
        return
    path: str = os.path.expanduser(os.fspath(target))
    unfinished = f"{path}.{os.getpid()}.part"
    compression: Any = _COMPRESSIONS.get(os.path.splitext(path)[1].lower())
    try:
        try:
            stream = pa.output_stream(unfinished, compression=compression)
        except OSError as error:
            if error.errno is None:
                raise
            raise OSError(error.errno, os.strerror(error.errno), path) from error  # the name that the user gave
        with stream as file:
            yield file
        os.replace(unfinished, path)
    finally:
        if os.path.exists(unfinished):
            os.remove(unfinished)
