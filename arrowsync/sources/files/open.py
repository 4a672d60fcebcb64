"""Files of any format -> one `BatchStream`: `open_files`, the dispatcher of everything that is read from bytes.

what is meant      -> files             opened.find_files: paths, folders, globs, URLs, bytes, open files, standard input
files              -> their one format  opened.settle_format
a file, its format -> a part            by the format: what its columns are, and how its rows are read
parts              -> a stream          several.join_parts
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import assert_never, cast

import pyarrow as pa

from arrowsync.declare.spec import TableSpec
from arrowsync.errors import DeclarationError, SourceError
from arrowsync.options import CsvOptions
from arrowsync.sources.files.bytes import find_files, open_text, settle_format, spooled
from arrowsync.sources.files.columnar import ipc_part, parquet_parts
from arrowsync.sources.files.combine import Part, join_parts
from arrowsync.sources.files.csv import open_csv
from arrowsync.sources.files.formats import FORMATS, TEXT_FORMATS, Format
from arrowsync.sources.files.jsonl import open_jsonlines
from arrowsync.sources.files.locate import SourceFile, file_errors, without_partitions
from arrowsync.sources.files.selection import Selection, select_columns
from arrowsync.sources.files.trail import Trail
from arrowsync.sources.files.tsv import open_tsv
from arrowsync.sources.stream import BatchStream, columns_of


@dataclass(frozen=True, slots=True)
class FileOptions:
    """The options of reading files; a `format` of None is found by the name or the first bytes of a file."""

    spec: TableSpec | None
    format: Format | None
    field_names: Sequence[str | None] | None
    has_header: bool
    csv: CsvOptions | None
    selection: Selection
    batch_rows: int


def to_format(word: str | None) -> Format | None:
    """The format of that name."""
    if word is None or word in FORMATS:
        return cast("Format | None", word)
    others = {
        "json": "jsonl",
        "ndjson": "jsonl",
        "jsonlines": "jsonl",
        "ipc": "arrow",
        "feather": "arrow",
        "pq": "parquet",
    }
    hint = f"format may be {', '.join(map(repr, FORMATS))}"
    raise SourceError(
        f"the format {word!r} can't be read",
        hint=f"did you mean {others[word]!r}? {hint}" if word in others else hint,
    )


def open_files(data: object, options: FileOptions) -> BatchStream:
    """The rows of all files that are meant, in the order of their names. All of them are of one format.

    What tells their columns (footers, headers, the first lines) is read at once, so that a file that doesn't fit the others is
    found before the first row.
    """
    # Rows that a filter drops aren't told from others by their numbers.
    trail = None if options.selection.filters else Trail()
    with ExitStack() as opened:
        kind, files = settle_format(find_files(data, options.format), options.format, opened)
        _check_options(kind, options, files)
        twice = kind in TEXT_FORMATS and not any(file.streamed or file.once for file in files)
        reopen = partial(open_files, data, options) if twice else None
        if kind in TEXT_FORMATS and len(files) == 1 and not files[0].keys:
            stream = select_columns(_open_text(kind, options, trail, files[0]), options.selection)
            stream.reopen = reopen
            return stream
        parts = _parts(kind, files, options, trail, opened)
        name = files[0].name if len(files) == 1 else f"{len(files)} {FORMATS[kind]} files"
        close = opened.pop_all().close
        try:
            stream = join_parts(parts, options.spec, options.selection, name=name, close=close, trail=trail)
            stream.reopen = reopen
            return stream
        except BaseException:
            close()
            raise


def _check_options(kind: Format, options: FileOptions, files: Sequence[SourceFile]) -> None:
    """Options go with the formats that they are of."""
    wrong = None
    if options.csv is not None and kind != "csv":
        wrong = "csv"
    if kind not in ("csv", "tsv"):
        wrong = "field_names" if options.field_names is not None else wrong if options.has_header else "has_header"
    elif options.selection.filters:
        raise DeclarationError(
            f"filters is said of {files[0].name!r}, which is {FORMATS[kind]}",
            hint="leave filters out: they are for Parquet and Arrow files, which have types",
        )
    if wrong is not None:
        raise DeclarationError(
            f"{wrong} is said of {files[0].name!r}, which is {FORMATS[kind]}",
            hint=f"leave {wrong} out: {'it is for CSV' if wrong == 'csv' else 'these files name their columns'}",
        )
    for file in files:
        if kind not in TEXT_FORMATS and options.format is None and file.said.compression is not None:
            raise SourceError(
                f"{file.name!r} is compressed {FORMATS[kind]} by its name, which can't be read",
                source=file.name,
                hint="decompress it: there is compression in the format itself",
            )


def _parts(
    kind: Format, files: Sequence[SourceFile], options: FileOptions, trail: Trail | None, opened: ExitStack
) -> list[Part]:
    def spool(file: SourceFile) -> SourceFile:
        whole, copy = spooled(file)
        opened.callback(copy.close)
        return whole

    match kind:
        case "parquet":
            return parquet_parts([spool(file) if file.streamed else file for file in files], options.batch_rows)
        case "arrow":
            return [ipc_part(file, spool, opened) for file in files]
        case "csv" | "tsv" | "jsonl":
            return [_text_part(file, partial(_open_text, kind, options, trail)) for file in files]
        case _:
            assert_never(kind)


def _text_part(file: SourceFile, opener: Callable[[SourceFile], BatchStream]) -> Part:
    with opener(file) as stream:
        columns: Mapping[str, pa.DataType] = columns_of(stream.schema)
        valid_text = stream.valid_text

    def read(_: Selection) -> Generator[pa.RecordBatch]:
        with opener(file) as stream:
            yield from stream

    def read_placed(_: Selection) -> Generator[pa.RecordBatch]:
        with opener(file) as stream:
            yield from stream.iter_with_origin()

    return Part(file, columns, None, read, read_placed, valid_text)


def _open_text(kind: Format, how: FileOptions, trail: Trail | None, file: SourceFile) -> BatchStream:
    with file_errors(file.name):
        stream = _open_rows(kind, how, trail, file)
    stream.guard = partial(file_errors, file.name)
    return stream


def _open_rows(kind: Format, options: FileOptions, trail: Trail | None, file: SourceFile) -> BatchStream:
    stream = open_text(file, kind, asked=options.format is not None)
    spec = without_partitions(options.spec, file.keys)
    if kind == "jsonl":
        return open_jsonlines(stream, name=file.name, spec=spec, batch_rows=options.batch_rows, trail=trail)
    if kind == "tsv":
        return open_tsv(
            stream,
            name=file.name,
            spec=spec,
            field_names=options.field_names,
            has_header=options.has_header,
            wanted=options.selection.columns,
            batch_rows=options.batch_rows,
            trail=trail,
        )
    return open_csv(
        stream,
        name=file.name,
        options=options.csv,
        spec=spec,
        field_names=options.field_names,
        has_header=options.has_header,
        wanted=options.selection.columns,
        batch_rows=options.batch_rows,
        trail=trail,
    )
