"""Tab-separated values -> `BatchStream` of text columns: the format of PostgreSQL's COPY and of tsv2py.

A line for each row, fields separated by tabs; `\\N` is NULL and `\\0 \\b \\f \\n \\r \\t \\v \\\\` are characters, so
that no field holds a raw tab, line end or NUL. Lines end with LF or with CRLF, all of them; the last may have no end. The text
is UTF-8. The first line names the columns, unless names are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    import numpy.typing as npt
import codecs
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from arrowsync.declare.spec import TableSpec
from arrowsync.errors import SourceError
from arrowsync.sources.files.header import MAX_NAMES, TOO_MANY, TOO_MANY_HINT, Header, column_names, separator_of
from arrowsync.sources.files.text import (
    BinaryFile,
    Fault,
    Unread,
    column_at,
    first_fault,
    judged,
    read_blocks,
    with_places,
)
from arrowsync.sources.files.trail import Trail
from arrowsync.sources.stream import BatchStream, empty_batch, to_batch

Column: TypeAlias = "pa.Array[Any]"
Numbers: TypeAlias = "npt.NDArray[Any]"
Mask: TypeAlias = "npt.NDArray[np.bool_]"

ESCAPES: Mapping[str, str] = {
    "0": "\0",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
}
"""Letter after a backslash -> the character that the escape means."""

_BACKSLASH = ord("\\")
_UNKNOWN = 0xFF  # a byte that no text in UTF-8 has


def _meanings() -> Numbers:
    table = np.full(256, _UNKNOWN, np.uint8)
    for letter, meaning in ESCAPES.items():
        table[ord(letter)] = ord(meaning)
    return table


_MEANINGS = _meanings()


def unescape(values: Column) -> Column | None:
    """A string array, not a slice, with the escapes replaced; None where one of them is unknown.

    A column without a backslash is returned as it is, after one look at its bytes.
    """
    validity, ends, text = values.buffers()
    if text is None:
        return values
    data: Numbers = np.frombuffer(memoryview(text), np.uint8)
    marks = np.flatnonzero(data == _BACKSLASH)
    if not len(marks):
        return values
    offsets: Numbers = np.frombuffer(memoryview(cast("Any", ends)), np.int32, len(values) + 1)
    leads = marks[_leads(marks)]
    lead_ends = offsets[np.searchsorted(offsets, leads, side="right")]
    if (leads + 1 >= lead_ends).any():
        return None
    meaning = _MEANINGS[data[leads + 1]]
    if (meaning == _UNKNOWN).any():
        return None
    plain = data.copy()
    plain[leads + 1] = meaning
    keep = np.ones(len(plain), np.bool_)
    keep[leads] = False
    # Arrow's filter copies runs of bytes, seven times as fast as numpy's boolean index.
    kept: Any = pa.array(plain).filter(pa.array(keep))
    shorter = offsets - np.searchsorted(leads, offsets).astype(np.int32)
    begins: Any = shorter
    return pa.Array.from_buffers(pa.string(), len(values), [validity, pa.py_buffer(begins), kept.buffers()[1]])


def _leads(marks: Numbers) -> Mask:
    """A mask of the backslashes that begin an escape: the first, third and so on of a run.

    Where a row goes on from one value into the next, either the first part is of an even number, or its last one begins an
    escape that has no end in its value, and is found at fault.
    """
    begins = np.ones(len(marks), np.bool_)
    begins[1:] = np.diff(marks) != 1
    position = np.arange(len(marks))
    first = np.maximum.accumulate(np.where(begins, position, 0))
    leads: Mask = (position - first) % 2 == 0
    return leads


BLOCK_BYTES = 4 << 20
NULL = r"\N"


def open_tsv(
    file: BinaryFile,
    *,
    name: str,
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

    Raises `SourceError`, now or as the batches come, for the first line that isn't as the format says.
    """
    try:
        blocks = read_blocks(file, name, block_bytes)
        first = next(blocks, b"")
        crlf = first.partition(b"\n")[0].endswith(b"\r") and b"\n" in first
        header: Header | None = None
        if has_header:
            header, first = _split_header(first, name, crlf=crlf)
        names = column_names(header, field_names, wanted, spec, name)
    except BaseException:
        file.close()
        raise
    reader = _Reader(name, names, 2 if has_header else 1, crlf, batch_rows, trail)
    if trail is not None:
        for column in reader.schema.names:
            trail.columns.setdefault(column, lambda: (name, 1 if has_header else None))
    return BatchStream(
        reader.schema,
        reader.read(first, blocks, with_origin=False),
        name=name,
        close=file.close,
        with_origin=lambda: reader.read(first, blocks, with_origin=True),
        valid_text=True,
        trail=trail,
    )


# ---- the header ---------------------------------------------------------------------------------------------------------


def _split_header(block: bytes, name: str, *, crlf: bool) -> tuple[Header, bytes]:
    """The names that the first line gives, and the rest of the block."""
    if not block:
        raise SourceError(
            f"{name} is empty", source=name, hint="the first line names the columns: was the file written to its end?"
        )
    if separator_of(block) is not None:
        reason = "it says the delimiter of a CSV file, as Excel writes it"
        raise Fault(1, None, reason, 'format="csv" reads it').error(name, (), 2)
    line, end, rest = block.partition(b"\n")
    if not line.strip(b"\r"):
        raise Fault(1, None, "it is empty", "the first line names the columns: remove empty lines").error(name, (), 2)
    if line.count(b"\t") >= MAX_NAMES:
        raise Fault(1, None, TOO_MANY, TOO_MANY_HINT).error(name, (), 2)
    fault = first_fault(line + end, 1, None, crlf=crlf)
    if fault is not None:
        raise fault.error(name, (), 2)
    texts = line.decode().removesuffix("\r").split("\t")
    plain = cast("Any", unescape(pa.array([None if text == NULL else text for text in texts], pa.string())))
    return Header(tuple(text or "" for text in plain.to_pylist()), 1), rest


# ---- the rows -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reader:
    """The properties of a file that are known before its rows are read. `first_line` is the number of row 0's line."""

    name: str
    names: tuple[str | None, ...]
    first_line: int
    crlf: bool
    batch_rows: int
    trail: Trail | None

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(column, pa.string()) for column in self.names if column])

    def read(self, first: bytes, blocks: Iterator[bytes], *, with_origin: bool) -> Iterator[pa.RecordBatch]:
        row = 0
        block: bytes | None = first
        while block is not None:
            if block:
                batch = self._parse_placed(block, row) if with_origin else self._parse(block, row)
                if self.trail is not None and not with_origin:
                    self.trail.note(self.name, batch.num_rows, partial(range, row + self.first_line, sys.maxsize))
                row += batch.num_rows
                for start in range(0, batch.num_rows, self.batch_rows):
                    yield batch.slice(start, self.batch_rows)
                del batch
            block = next(blocks, None)

    def _parse(self, block: bytes, row: int) -> pa.RecordBatch:
        """The rows of a block; the first of them is the row of this number."""
        batch = self._rows(block)
        if batch is not None:
            return batch
        fault = first_fault(block, row + self.first_line, len(self.names), crlf=self.crlf)
        if fault is None:
            raise SourceError(f"{self.name} can't be read", source=self.name, row=row, hint="please report this")
        raise fault.error(self.name, self.names, self.first_line)

    def _parse_placed(self, block: bytes, row: int) -> pa.RecordBatch:
        """All rows of a block with the lines that they stand on, also those that can't be read."""
        batch = self._rows(block)
        unread: dict[int, Unread] = {}
        if batch is None:
            lines = list(judged(block, row + self.first_line, len(self.names), crlf=self.crlf))
            for position, (line, fault) in enumerate(lines):
                if fault is not None:
                    unread[position] = Unread(column_at(self.names, fault.field), line, fault.reason)
            good = [line for line, fault in lines if fault is None]
            if good and (block.endswith(b"\n") or len(lines) - 1 in unread):
                good.append(b"")
            batch = self._parse(b"\n".join(good), row) if good else empty_batch(self.schema)
        numbers = np.arange(batch.num_rows + len(unread)) + row + self.first_line
        return with_places(batch, self.name, numbers, unread)

    def _rows(self, block: bytes) -> pa.RecordBatch | None:
        """The rows of a block, None where anything is wrong in it."""
        if b"\0" in block or (not self.crlf and b"\r" in block):
            return None
        columns = _split(block, len(self.names))
        if columns is None or (self.crlf and not _all_crlf(block, len(columns[0]))):
            return None
        if len(columns) > 1 and _any_empty(columns[0]) and _has_empty_line(block):
            return None
        plain: list[pa.Array[Any]] = []
        for column, values in zip(self.names, columns, strict=True):
            # A column that is left out is looked at too: what is wrong with a file doesn't depend on what is taken of it.
            text = unescape(values)
            if text is None:
                return None
            if column:
                plain.append(text)
        return to_batch(plain, self.schema)


def _split(block: bytes, fields: int) -> list[pa.Array[Any]] | None:
    """The fields of each column, NULL for `\\N`, otherwise as they stand there; None where they don't fit or aren't UTF-8."""
    import pyarrow.csv as csv

    names = [str(index) for index in range(fields)]
    # The reader drops a byte order mark, at the start of the file as it thinks; given two it leaves the one that is data.
    text = codecs.BOM_UTF8 + block if block.startswith(codecs.BOM_UTF8) else block
    try:
        source: Any = pa.BufferReader(text)
        table = csv.read_csv(
            source,
            read_options=csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=names),
            parse_options=csv.ParseOptions(
                delimiter="\t",
                quote_char=False,
                double_quote=False,
                escape_char=False,
                newlines_in_values=False,
                ignore_empty_lines=False,
            ),
            convert_options=csv.ConvertOptions(
                check_utf8=not block.isascii(),
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[NULL],
                strings_can_be_null=True,
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):  # the second where the message quotes a line that isn't UTF-8
        return None
    columns: Any = table.columns
    return [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in columns]


def _all_crlf(block: bytes, rows: int) -> bool:
    """True if all lines of a block end with CRLF and no carriage return stands elsewhere; `rows` is how many lines it has."""
    data = np.frombuffer(block, np.uint8)
    returns = np.flatnonzero(data == ord("\r"))
    ended = rows if block.endswith(b"\n") else rows - 1
    return len(returns) == ended and (
        not ended or bool((data[np.minimum(returns + 1, len(data) - 1)] == ord("\n")).all())
    )


def _any_empty(values: pa.Array[Any]) -> bool:
    """True if a field is empty, and not NULL."""
    ends = np.frombuffer(memoryview(cast("Any", values.buffers()[1])), np.int32, len(values) + 1)
    return int(np.count_nonzero(np.diff(ends) == 0)) > values.null_count


def _has_empty_line(block: bytes) -> bool:
    return block.startswith((b"\n", b"\r\n")) or b"\n\n" in block or b"\n\r\n" in block
