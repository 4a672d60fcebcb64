"""Bytes of a TSV file in blocks of whole lines, and what is wrong with a line, in words.

Blocks are cut by bytes, never by looking at rows, so a file of any size passes in constant memory. `first_fault` is for a block
in which something is wrong: it goes line by line in plain Python, which is slow and only has to find one line.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from arrowsync.errors import SourceError
from arrowsync.sources.places import column_at

MAX_LINE_BYTES = 1 << 30
"""What a line may have at most: as many as PostgreSQL takes. A file without line ends is not read into memory whole."""

_OTHER_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_UTF8_HINT = "write the file in UTF-8"


class BinaryFile(Protocol):
    """What is read from: bytes, already decompressed."""

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
            yield b"".join([*pieces, memoryview(chunk)[:end]]) if pieces or end < len(chunk) else chunk
            pieces, held = [], 0
        if end < len(chunk):
            pieces.append(chunk[end:])
            held += len(chunk) - end
            if held > MAX_LINE_BYTES:
                raise SourceError(
                    f"{name} has a line of more than {MAX_LINE_BYTES >> 30} GiB",
                    source=name,
                    hint="is it a text file, with line ends?",
                )
        chunk = file.read(block_bytes)
    if pieces:
        yield b"".join(pieces)


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
    """What is wrong with a line: its number from 1, in which field (from 0) if in one, and why."""

    line: int
    field: int | None
    reason: str
    hint: str | None

    def error(self, name: str, names: Sequence[str | None], first_line: int) -> SourceError:
        """As an error that names the file, the line and the column; `first_line` is that of row 0."""
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
    """Each line of such a block, without its line feed, and what is wrong with it."""
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
        return Fault(line, None, f"it has {found} {'field' if found == 1 else 'fields'}, not {fields}", hint)
    for field, value in enumerate(text.split(b"\t")):
        if b"\\" in value and value != rb"\N" and (fault := _escape_fault(value, line, field)) is not None:
            return fault
    return None


# Whatever isn't a whole escape begins a match at its backslash.
_BAD_ESCAPE = re.compile(rb"\A(?:[^\\]|\\[0bfnrtv\\])*+(\\.?)", re.DOTALL)


def _escape_fault(value: bytes, line: int, field: int) -> Fault | None:
    match = _BAD_ESCAPE.match(value)
    if match is None:
        return None
    rest = value[match.start(1) :].decode()
    reason = f"an unknown escape {rest[:2]}" if len(rest) > 1 else "a backslash at the end of the field"
    return Fault(line, field, reason, r"the escapes are \0 \b \f \n \r \t \v \\, and \N alone, which is NULL")
