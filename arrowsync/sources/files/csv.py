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
import re
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import pyarrow as pa

from arrowsync.declare.spec import TableSpec
from arrowsync.errors import SourceError
from arrowsync.options import CsvOptions
from arrowsync.sources.files.csv_records import (
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
from arrowsync.sources.files.formats import HEAD_BYTES, way_to_read
from arrowsync.sources.files.header import MAX_NAMES, SEPARATOR_BYTES, Header, column_names, separator_of
from arrowsync.sources.files.text import (
    BinaryFile,
    Prepended,
    Swapped,
    Unread,
    column_at,
    read_as_utf8,
    swapped,
    with_places,
)
from arrowsync.sources.files.trail import Trail
from arrowsync.sources.stream import BatchStream, empty_batch, to_batch

BLOCK_BYTES = 4 << 20
_BLANK_LINES = re.compile(rb"(?:\r?\n)*")


def open_csv(
    file: BinaryFile,
    *,
    name: str,
    options: CsvOptions | None = None,
    spec: TableSpec | None = None,
    field_names: Sequence[str | None] | None = None,
    has_header: bool = True,
    wanted: Collection[str] | None = None,
    batch_rows: int = 65_536,
    block_bytes: int = BLOCK_BYTES,
    trail: Trail | None = None,
) -> BatchStream:
    """A stream of the rows of an open binary file, all columns strings; the file is closed with the stream.

    `field_names` name the columns (instead of the header, where there is one), None or "" one that is left out. Without
    a header and without names the columns are those of the `spec`, in order. Columns that aren't `wanted` are left out.

    Raises `SourceError`, now or as the batches come, for the first record that isn't as the format says.
    """
    options = options or CsvOptions()
    quote = (options.quote or "").encode()
    notation = Notation(options.delimiter.encode(), quote, swapped=options.line_end == "\r")
    try:
        text = read_as_utf8(file, name, options.encoding)
        text, said = _without_separator(Swapped(text) if notation.swapped else text, options, name)
        notation, line = (replace(notation, delimiter=said), 2) if said else (notation, 1)
        blocks = read_blocks(text, name, notation, block_bytes)
        first = next(blocks, b"")
        if has_header:
            first, line = _without_blank_lines(first, blocks, line, name)
        end = first_end(first, notation.quote)
        notation = replace(notation, crlf=not notation.swapped and first[:end].endswith(b"\r\n"))
        header: Header | None = None
        if has_header:
            header, first, line = _header(first, line, name, notation)
        names = column_names(header, field_names, wanted, spec, name)
    except BaseException:
        file.close()
        raise
    reader = _Reader(name, names, notation, options.nulls, batch_rows, trail)
    if trail is not None:
        for column in reader.schema.names:
            trail.columns.setdefault(column, lambda: (name, None if header is None else header.line))
    return BatchStream(
        reader.schema,
        reader.read(first, blocks, line),
        name=name,
        close=file.close,
        with_origin=lambda: reader.read_placed(first, blocks, line),
        valid_text=True,
        trail=trail,
    )


# ---- the header ---------------------------------------------------------------------------------------------------------


def _without_separator(file: BinaryFile, options: CsvOptions, name: str) -> tuple[BinaryFile, bytes | None]:
    """The file after a line `sep=;`, with which Excel begins it, and the delimiter that this says."""
    head = b""
    while len(head) < SEPARATOR_BYTES and (more := file.read(SEPARATOR_BYTES - len(head))):
        head += more
    said = separator_of(head)
    if said is None:
        return Prepended(file, head), None
    delimiter, end = said
    if options.delimiter not in (CsvOptions().delimiter, delimiter.decode()):
        raise SourceError(
            f"{name}, line 1: it says that the delimiter is {delimiter.decode()!r}, not {options.delimiter!r}",
            source=name,
            hint="leave the delimiter out: the line that says it is understood",
        )
    return Prepended(file, head[end:]), delimiter


def _without_blank_lines(first: bytes, blocks: Iterator[bytes], line: int, name: str) -> tuple[bytes, int]:
    """Skip blank lines at the beginning; the rest of the block, and the number of its first line."""
    is_empty = not first
    while True:
        match = _BLANK_LINES.match(first)
        end = match.end() if match else 0
        line += first.count(b"\n", 0, end)
        if end < len(first):
            return first[end:], line
        first = next(blocks, b"")
        if not first:
            raise SourceError(
                f"{name} is empty{'' if is_empty else ' but for blank lines'}",
                source=name,
                hint="the first line names the columns: was the file written to its end?",
            )


def _header(block: bytes, line: int, name: str, notation: Notation) -> tuple[Header, bytes, int]:
    """The names, the rest of the block, and the line that it begins on."""
    try:
        fields, end, after, fault = scan_record(block, 0, line, notation, MAX_NAMES)
        if fault is not None:
            raise fault
    except Fault as fault:
        error = fault.error(name, (), None)
        if block.startswith(b"{"):
            error.hint = way_to_read(block[:HEAD_BYTES])
        raise error from None
    names = (swapped(field) if notation.swapped else field for field in fields)
    return Header(tuple(field.decode() for field in names), line), block[end:], after


# ---- the rows -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reader:
    """The properties of a file that are known before its rows are read."""

    name: str
    names: tuple[str | None, ...]
    notation: Notation
    nulls: tuple[str, ...]
    batch_rows: int
    trail: Trail | None

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(column, pa.string()) for column in self.names if column])

    def read(self, first: bytes, blocks: Iterator[bytes], line: int) -> Iterator[pa.RecordBatch]:
        """The rows of the blocks, the first of which begins on this line."""
        row = 0
        block: bytes | None = first
        while block is not None:
            batch = self._parse(block, line, row)
            if self.trail is not None:
                self.trail.note(self.name, batch.num_rows, partial(self._lines, block, line), len(block))
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
        """The rows of a block, and the incomplete record at its end, empty in the `final` block."""
        batch = self._rows(block)
        if batch is not None:
            return with_places(batch, self.name, self._lines(block, line), {}), b""
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
                value = text.rstrip(b"\r\n")
                value = swapped(value) if self.notation.swapped else value
                unread[len(begins)] = Unread(column_at(self.names, fault.field), value, fault.reason)
            begins.append(record.line)
        batch = self._parse(b"".join(good), line, row) if good else None
        return with_places(batch or empty_batch(self.schema), self.name, begins, unread), rest

    def _lines(self, block: bytes, line: int) -> Any:
        """The lines that the records of a sound block begin on."""
        return record_lines(block, line, self.notation, skip_blank=len(self.names) > 1)

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
        kept = [values for column, values in zip(self.names, columns, strict=True) if column]
        return to_batch([_swapped_back(values) for values in kept] if self.notation.swapped else kept, self.schema)


def _swapped_back(values: pa.Array[Any]) -> pa.Array[Any]:
    """The values with LF for CR and CR for LF."""
    validity, offsets, text = cast("list[Any]", values.buffers())
    data = b"" if text is None else bytes(text)
    if b"\n" not in data and b"\r" not in data:
        return values
    arrays: Any = pa.Array
    buffers = [validity, offsets, pa.py_buffer(swapped(data))]
    return cast("pa.Array[Any]", arrays.from_buffers(values.type, len(values), buffers, offset=values.offset))


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
