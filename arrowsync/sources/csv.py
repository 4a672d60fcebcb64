"""Comma-separated values -> `BatchStream` of text columns: RFC 4180, with a delimiter, a quote and an encoding of choice.

A field that stands in quotes may hold delimiters, line ends and, doubled, quotes. An empty field is NULL, and `""` is the empty
text. Blank lines are skipped, but where there is one column: there they are NULL. The first record names the columns, unless
names are given. Lines end with LF or with CRLF, all of them.

What is read is text; `convert` makes the declared types of it. A block of whole records (`csv_records`) is split by pyarrow's
CSV reader. What that would let pass is looked for before: quotes within a field, which it takes as characters or drops,
carriage returns, which it takes for line ends, NUL, and a byte order mark at the start of any block, which it would drop.
"""

from __future__ import annotations

import codecs
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from arrowsync.declare.spec import TableSpec
from arrowsync.errors import SourceError
from arrowsync.options import CsvOptions
from arrowsync.sources.csv_records import (
    Fault,
    Notation,
    first_end,
    first_fault,
    is_sound,
    judged,
    read_blocks,
    record_lines,
    scan_record,
)
from arrowsync.sources.encodings import read_as_utf8
from arrowsync.sources.places import Unread, column_at, with_places
from arrowsync.sources.stream import BatchStream, empty_batch, to_batch
from arrowsync.sources.tsv_lines import BinaryFile

BLOCK_BYTES = 4 << 20


def open_csv(
    file: BinaryFile,
    *,
    name: str,
    options: CsvOptions | None = None,
    spec: TableSpec | None = None,
    field_names: Sequence[str | None] | None = None,
    has_header: bool = True,
    batch_rows: int = 65_536,
    block_bytes: int = BLOCK_BYTES,
) -> BatchStream:
    """A stream of what an open binary file holds, each column a string column; the file is closed with the stream.

    `field_names` name the columns (instead of the header, where there is one), None or "" one that is left out. Without
    a header and without names the columns are those of the `spec`, in order.

    Raises `SourceError`, now or as the batches come, for the first record that isn't as the format says.
    """
    options = options or CsvOptions()
    notation = Notation(options.delimiter.encode(), (options.quote or "").encode())
    try:
        blocks = read_blocks(read_as_utf8(file, name, options.encoding), name, notation, block_bytes)
        first = next(blocks, b"")
        end = first_end(first, notation.quote)
        notation = replace(notation, crlf=first[:end].endswith(b"\r\n"))
        line = 1
        header: list[str] | None = None
        if has_header:
            header = _header(first[:end], name, notation)
            first, line = first[end:], 1 + first.count(b"\n", 0, end)
        names = _names(header, field_names, spec, name)
    except BaseException:
        file.close()
        raise
    reader = _Reader(name, tuple(names), notation, options.nulls, batch_rows)
    return BatchStream(
        reader.schema,
        reader.read(first, blocks, line),
        name=name,
        close=file.close,
        placed=lambda: reader.read_placed(first, blocks, line),
        valid_text=True,
    )


# ---- the names ----------------------------------------------------------------------------------------------------------


def _header(record: bytes, name: str, notation: Notation) -> list[str]:
    if not record:
        raise SourceError(
            f"{name} is empty", source=name, hint="the first line names the columns: was the file written to its end?"
        )
    try:
        fields, _, _, fault = scan_record(record, 0, 1, notation)
        if fault is not None:
            raise fault
    except Fault as fault:
        raise fault.error(name, (), None) from None
    names = [field.decode() for field in fields]
    for index, column in enumerate(names):
        if not column:
            hint = "name it, or give field_names: None for a column to leave out"
            raise Fault(1, index, "the column has no name", hint).error(name, (), None)
        if column in names[:index]:
            hint = "rename one: columns are matched by name"
            raise Fault(1, index, f"a second column is named {column!r}", hint).error(name, (), None)
    return names


def _names(
    header: list[str] | None, field_names: Sequence[str | None] | None, spec: TableSpec | None, name: str
) -> Sequence[str | None]:
    if field_names is not None and header is not None and len(field_names) != len(header):
        raise SourceError(
            f"{name} has {len(header)} columns in its header, but {len(field_names)} field_names were given",
            source=name,
            hint="give a name for each, None for one to leave out; or none, and the header names them",
        )
    if field_names is not None:
        return field_names
    if header is not None:
        return header
    if spec is not None:
        return [column.name for column in spec.columns]
    raise SourceError(f"{name} has no header, and nothing else names its columns", source=name, hint="give field_names")


# ---- the rows -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reader:
    """What is known of a file before its rows are read."""

    name: str
    names: tuple[str | None, ...]
    notation: Notation
    nulls: tuple[str, ...]
    batch_rows: int

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(column, pa.string()) for column in self.names if column])

    def read(self, first: bytes, blocks: Iterator[bytes], line: int) -> Iterator[pa.RecordBatch]:
        """The rows of the blocks, the first of which begins on this line."""
        row = 0
        block: bytes | None = first
        while block is not None:
            batch = self._parse(block, line, row)
            line += block.count(b"\n")
            row += batch.num_rows
            for start in range(0, batch.num_rows, self.batch_rows):
                yield batch.slice(start, self.batch_rows)
            del batch
            block = next(blocks, None)

    def read_placed(
        self, first: bytes, blocks: Generator[bytes, bytes | None, None], line: int
    ) -> Iterator[pa.RecordBatch]:
        """All rows of the blocks with the lines that they begin on, also those that can't be read."""
        row, rest = 0, b""
        block: bytes | None = first
        while block is not None:
            batch, rest = self._parse_placed(block, line, row, final=block == rest)
            line += block.count(b"\n") - rest.count(b"\n")
            row += batch.num_rows
            for start in range(0, batch.num_rows, self.batch_rows):
                yield batch.slice(start, self.batch_rows)
            del batch
            try:
                block = blocks.send(rest)
            except StopIteration:
                block = None

    def _parse_placed(self, block: bytes, line: int, row: int, *, final: bool) -> tuple[pa.RecordBatch, bytes]:
        """The rows of a block, and what of it is the beginning of a record; nothing is in the `final` one."""
        batch = self._rows(block)
        if batch is not None:
            lines = record_lines(block, line, self.notation, skip_blank=len(self.names) > 1)
            return with_places(batch, self.name, lines, {}), b""
        begins: list[int] = []
        good: list[bytes] = []
        unread: dict[int, Unread] = {}
        rest = b""
        for record in judged(block, line, len(self.names), self.notation):
            fault, text = record.fault, block[record.start : record.end]
            if not final and record.end == len(block) and not (text.endswith(b"\n") and not (fault and fault.lost)):
                rest = text
                break
            if fault is None:
                good.append(text)
            elif fault.lost:
                raise fault.error(self.name, self.names, row)
            else:
                unread[len(begins)] = Unread(column_at(self.names, fault.field), text.rstrip(b"\r\n"), fault.reason)
            begins.append(record.line)
        batch = self._parse(b"".join(good), line, row) if good else None
        return with_places(batch or empty_batch(self.schema), self.name, begins, unread), rest

    def _parse(self, block: bytes, line: int, row: int) -> pa.RecordBatch:
        batch = self._rows(block)
        if batch is not None:
            return batch
        fault = first_fault(block, line, len(self.names), self.notation)
        if fault is None:
            raise SourceError(f"{self.name} can't be read", source=self.name, row=row, hint="please report this")
        raise fault.error(self.name, self.names, row)

    def _rows(self, block: bytes) -> pa.RecordBatch | None:
        """The rows of a block, None where anything is wrong in it."""
        if b"\0" in block or not is_sound(block, self.notation):
            return None
        if not block or (len(self.names) > 1 and not block.strip(b"\r\n")):
            return empty_batch(self.schema)
        columns = _split(block, len(self.names), self.notation, self.nulls)
        if columns is None:
            return None
        pairs = zip(self.names, columns, strict=True)
        return to_batch([values for column, values in pairs if column], self.schema)


def _split(block: bytes, fields: int, notation: Notation, nulls: tuple[str, ...]) -> list[pa.Array[Any]] | None:
    """The fields of each column; None where they don't fit or aren't UTF-8."""
    import pyarrow.csv as csv

    names = [str(index) for index in range(fields)]
    # The reader drops a byte order mark, at the start of the file as it thinks; given two it leaves the one that is data.
    text = codecs.BOM_UTF8 + block if block.startswith(codecs.BOM_UTF8) else block
    if not text.endswith(b"\n"):  # without it, an empty field at the end counts as quoted where the one before is
        text += b"\n"
    quotes = bool(notation.quote) and notation.quote in block
    try:
        source: Any = pa.BufferReader(text)
        table = csv.read_csv(
            source,
            read_options=csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=names),
            parse_options=csv.ParseOptions(
                delimiter=notation.delimiter.decode(),
                quote_char=notation.quote.decode() if quotes else False,
                double_quote=quotes,
                escape_char=False,
                newlines_in_values=quotes,
                ignore_empty_lines=fields > 1,
            ),
            convert_options=csv.ConvertOptions(
                check_utf8=not block.isascii(),
                column_types=dict.fromkeys(names, pa.string()),
                null_values=list(nulls),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):  # the second where the message quotes a line that isn't UTF-8
        return None
    columns: Any = table.columns
    return [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in columns]
