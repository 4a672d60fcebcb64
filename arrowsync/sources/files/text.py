"""Files of text: blocks of whole lines, any encoding as UTF-8, and the file and line of each row."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
import pyarrow as pa

from arrowsync.errors import SourceError
from arrowsync.sources.stream import ROW_ORIGIN, columns_of, to_batch

ROW_ORIGIN_NAME = "\0place"  # which no column of text is called
_SHOWN_BYTES = 1_000


def column_at(names: Sequence[str | None], field: int | None) -> str | None:
    """The name of the column of a field, None where it has none."""
    return names[field] or None if field is not None and field < len(names) else None


def placed_schema(schema: pa.Schema) -> pa.Schema:
    """The schema with the column of places."""
    return pa.schema({**columns_of(schema), ROW_ORIGIN_NAME: ROW_ORIGIN})


@dataclass(frozen=True, slots=True)
class Unread:
    """A row that can't be read: the column if one is at fault, the bytes there, and the reason."""

    column: str | None
    value: bytes
    reason: str

    @property
    def text(self) -> str:
        """The bytes as text, the rest escaped."""
        return self.value[:_SHOWN_BYTES].decode("utf-8", "backslashreplace")


def with_places(
    batch: pa.RecordBatch, file: str, lines: Sequence[int] | np.ndarray[Any, Any], unread: Mapping[int, Unread]
) -> pa.RecordBatch:
    """The batch with the places of all its rows, and with the rows that can't be read, by their positions among all.

    `lines` are those on which the rows begin, the unread ones included.
    """
    count, text = len(lines), pa.string()
    given: Any = batch
    nulls: Any = pa.nulls(count, text)
    faults: list[Any] = [nulls, nulls, nulls]
    if unread:
        missing = np.zeros(count, np.bool_)
        missing[list(unread)] = True
        given = given.take(_array(np.cumsum(~missing) - 1, pa.int64(), mask=missing))
        told = [unread.get(position) for position in range(count)]
        faults[0] = _array([each and each.column for each in told], text)
        faults[1] = _array([each and each.text for each in told], text)
        faults[2] = _array([each and each.reason for each in told], text)
    structs, files = cast("Any", pa.StructArray), cast("Any", pa.repeat)(file, count)
    places = structs.from_arrays([files, _array(lines, pa.int64()), *faults], type=ROW_ORIGIN)
    return to_batch([*given.columns, places], placed_schema(batch.schema))


_array: Any = pa.array


MAX_RECORD_BYTES = 256 << 20
"""The most bytes of a line of TSV or JSON Lines, or of a record of CSV, to within a block; so that a file without line ends,
or with a quote that is never closed, isn't read into memory whole."""
LARGE_HINT = "larger values can be loaded from a Parquet or an Arrow file"

_OTHER_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_UTF8_HINT = "write the file in UTF-8"


class BinaryFile(Protocol):
    """A stream of bytes, already decompressed."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


def read_blocks(file: BinaryFile, name: str, block_bytes: int) -> Iterator[bytes]:
    """The file in blocks of about `block_bytes` that end where a line does. A byte order mark is left out."""
    pieces: list[bytes] = []
    held = 0
    chunk = _first_chunk(file, name, block_bytes)
    while chunk:
        end = chunk.rfind(b"\n") + 1
        if end:
            block = b"".join([*pieces, memoryview(chunk)[:end]]) if pieces or end < len(chunk) else chunk
            pieces, held = [], 0
            yield block
            del block
        if end < len(chunk):
            pieces.append(chunk[end:])
            held += len(chunk) - end
            if held > MAX_RECORD_BYTES:
                raise SourceError(
                    f"{name} has a line of more than {MAX_RECORD_BYTES >> 20} MiB",
                    source=name,
                    hint=f"is it a text file, with line ends? {LARGE_HINT}",
                )
        chunk = file.read(block_bytes)
    if pieces:
        block = b"".join(pieces)
        del pieces
        yield block


def _first_chunk(file: BinaryFile, name: str, block_bytes: int) -> bytes:
    chunk = file.read(block_bytes)
    while chunk and len(chunk) < 4 and (more := file.read(block_bytes)):
        chunk += more
    for mark, encoding in _OTHER_ENCODINGS:
        if chunk.startswith(mark):
            raise SourceError(f"{name}, line 1: the text is {encoding}, not UTF-8", source=name, hint=_UTF8_HINT)
    return chunk.removeprefix(codecs.BOM_UTF8) or file.read(block_bytes)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a line: the number of the line from 1, of the field (from 0) if it is in one, and the reason."""

    line: int
    field: int | None
    reason: str
    hint: str | None

    def error(self, name: str, names: Sequence[str | None], first_line: int) -> SourceError:
        """Make an error that names the file, the line and the column; `first_line` is the line of row 0."""
        where = f"{name}, line {self.line}"
        if self.field is not None:
            column = column_at(names, self.field)
            where += f", column {column!r}" if column else f", column {self.field + 1}"
        row = self.line - first_line
        return SourceError(f"{where}: {self.reason}", source=name, row=row if row >= 0 else None, hint=self.hint)


def first_fault(block: bytes, line: int, fields: int | None, *, crlf: bool) -> Fault | None:
    """The first thing wrong in a block whose first line has the number `line`. With `fields` None, any number of them will do."""
    faults = (fault for _, fault in judged(block, line, fields, crlf=crlf))
    return next((fault for fault in faults if fault is not None), None)


def judged(block: bytes, line: int, fields: int | None, *, crlf: bool) -> Iterator[tuple[bytes, Fault | None]]:
    """Each line of such a block, without its line feed, and its fault."""
    lines = block.split(b"\n")
    last = lines.pop()
    for number, text in enumerate(lines, line):
        yield text, _line_fault(text, number, fields, crlf=crlf, ended=True)
    if last:
        yield last, _line_fault(last, line + len(lines), fields, crlf=crlf, ended=False)


def _line_fault(text: bytes, line: int, fields: int | None, *, crlf: bool, ended: bool) -> Fault | None:
    if ended and crlf != text.endswith(b"\r"):
        mine, others = ("LF", "CRLF") if crlf else ("CRLF", "LF")
        return Fault(line, None, f"it ends with {mine}, earlier lines with {others}", "use one kind of line ends")
    if crlf and ended:
        text = text[:-1]

    def at(position: int) -> int:
        return text.count(b"\t", 0, position)

    if (position := text.find(b"\r")) >= 0:
        hint = r"write it as \r; line ends are LF or CRLF"
        return Fault(line, at(position), f"a bare carriage return (byte {position + 1} of the line)", hint)
    if (position := text.find(b"\0")) >= 0:
        hint = r"is it text in UTF-8, not in UTF-16, and no compressed or binary file? (a NUL character is written \0)"
        return Fault(line, at(position), f"a NUL byte (byte {position + 1} of the line)", hint)
    try:
        text.decode()
    except UnicodeDecodeError as error:
        reason = f"not UTF-8: 0x{text[error.start]:02x} (byte {error.start + 1} of the line), {error.reason}"
        return Fault(line, at(error.start), reason, _UTF8_HINT)
    found = text.count(b"\t") + 1
    if fields is not None and found != fields:
        hint = r"each line has a field for each column, also where it is empty or \N; tabs in text are written \t"
        if found - 1 == fields and text.endswith(b"\t"):
            hint += "; where all lines end with a tab, give field_names, with None after the last"
        return Fault(line, None, f"it has {found} {'field' if found == 1 else 'fields'}, not {fields}", hint)
    for field, value in enumerate(text.split(b"\t")):
        if b"\\" in value and value != rb"\N" and (fault := _escape_fault(value, line, field)) is not None:
            return fault
    return None


# The group is of a backslash that begins no escape.
_ESCAPE = re.compile(rb"\\[0bfnrtv\\]|(\\.?)", re.DOTALL)


def _escape_fault(value: bytes, line: int, field: int) -> Fault | None:
    match = next((found for found in _ESCAPE.finditer(value) if found[1] is not None), None)
    if match is None:
        return None
    rest = value[match.start(1) :].decode()
    reason = f"an unknown escape {rest[:2]}" if len(rest) > 1 else "a backslash at the end of the field"
    return Fault(line, field, reason, r"the escapes are \0 \b \f \n \r \t \v \\, and \N alone, which is NULL")


_CHUNK = 1 << 20
# The longer ones first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
)


def read_as_utf8(file: BinaryFile, name: str, encoding: str) -> BinaryFile:
    """Transcode the text to UTF-8; text that is said to be UTF-8 isn't checked."""
    head = b""
    while len(head) < 4 and (more := file.read(4 - len(head))):
        head += more
    for mark, marked in _MARKS:
        if head.startswith(mark):
            head, encoding = head[len(mark) :], marked
            break
    if codecs.lookup(encoding).name == "utf-8":
        return Prepended(file, head)
    return _Transcoded(Prepended(file, head), name, encoding)


class Prepended:
    """A file after whose beginning, which was read already, comes the rest."""

    def __init__(self, file: BinaryFile, head: bytes) -> None:
        self._file = file
        self._head = head

    def read(self, size: int, /) -> bytes:
        head, self._head = self._head[:size], self._head[size:]
        return head + self._file.read(size - len(head)) if len(head) < size else head

    def close(self) -> None:
        self._file.close()


_SWAP = bytes.maketrans(b"\r\n", b"\n\r")


class Swapped:
    """A file with CR for LF and LF for CR. What is in its values is brought back by `swapped`."""

    def __init__(self, file: BinaryFile) -> None:
        self._file = file

    def read(self, size: int, /) -> bytes:
        return swapped(self._file.read(size))

    def close(self) -> None:
        self._file.close()


def swapped(data: bytes) -> bytes:
    """Swap CR and LF."""
    return data.translate(_SWAP)


class _Transcoded:
    """A file in UTF-8; `read` gives as much as it gets for a chunk of the original."""

    def __init__(self, file: BinaryFile, name: str, encoding: str) -> None:
        self._file = file
        self._name = name
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._line = 1

    def read(self, size: int, /) -> bytes:
        while True:
            chunk = self._file.read(max(size // 4, _CHUNK))
            try:
                text = self._decoder.decode(chunk, not chunk)
                result = text.encode()
            except UnicodeError as error:
                raise self._fault(error) from error
            self._line += text.count("\n")
            if result or not chunk:
                return result

    def _fault(self, error: UnicodeError) -> SourceError:
        line, what = self._line, str(error)
        if isinstance(error, UnicodeDecodeError):
            good = error.object[: error.start].decode(self._encoding, "replace")
            line += good.count("\n")
            what = f"{error.object[error.start : error.end].hex(' ')} is {error.reason}"
        return SourceError(
            f"{self._name}, line {line}: not {self._encoding}: {what}",
            source=self._name,
            hint="check the encoding that was given, and whether the file is whole",
        )

    def close(self) -> None:
        self._file.close()
