"""Bytes of a CSV file in blocks of whole records, and the fault of a record, in words.

A line end is the end of a record if it isn't in quotes, that is if the number of quotes before it is even: that holds where
quotes stand around whole fields only, and doubled in them, which is looked at in each block (`is_sound`). `first_fault` is for
a block in which something is wrong: it goes field by field in plain Python, which is slow and only has to find one.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from arrowsync.errors import SourceError
from arrowsync.sources.files.header import TOO_MANY, TOO_MANY_HINT
from arrowsync.sources.files.text import LARGE_HINT, MAX_RECORD_BYTES, BinaryFile, column_at

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"
_LF, _CR = ord("\n"), ord("\r")
_CR_HINT = r"""one in a field is quoted; where all lines end with CR alone, csv=CsvOptions(line_end="\r")"""
_SWAPPED_HINT = 'one in a field is quoted; leave line_end="\\r" out where lines end with LF or CRLF'
_ENCODING_HINT = 'say the encoding, such as csv=CsvOptions(encoding="cp1252")'


@dataclass(frozen=True, slots=True)
class Notation:
    """The characters between fields and lines; `quote` is empty if quotes are ordinary characters. `crlf` ends lines.

    Of a file whose lines end with CR alone all is `swapped`: CR for LF, and LF for CR.
    """

    delimiter: bytes
    quote: bytes
    crlf: bool = False
    swapped: bool = False


# ---- blocks -------------------------------------------------------------------------------------------------------------


def read_blocks(
    file: BinaryFile, name: str, notation: Notation, block_bytes: int
) -> Generator[bytes, bytes | None, None]:
    """The file in blocks of about `block_bytes` that end where a record does, but for the last, and where quotes are unsound.

    Whoever finds that a block doesn't end there sends its last record back: the next block begins with it. At the end of the
    file it comes back alone.
    """
    pieces: list[bytes] = []
    held, odd, checked = 0, 0, block_bytes

    def hold(rest: bytes | None) -> None:
        nonlocal pieces, held, odd, checked
        pieces = [rest] if rest else []
        held = len(rest or b"")
        odd, checked = _count(rest or b"", notation.quote), max(block_bytes, 2 * held)

    def taken(last: bytes | memoryview = b"") -> bytes:
        nonlocal pieces
        whole, pieces = b"".join([*pieces, last]), []
        return whole

    while chunk := file.read(block_bytes):
        end = _last_end(chunk, odd, notation.quote)
        if end:
            hold((yield taken(memoryview(chunk)[:end])))
        rest = chunk[end:]
        pieces.append(rest)
        held += len(rest)
        odd ^= _count(rest, notation.quote)
        if held > min(checked, MAX_RECORD_BYTES):  # a long record; more likely, a quote that is none
            pieces = [taken()]
            if not _quotes_fit(np.frombuffer(pieces[0], np.uint8), notation, whole=False):
                hold((yield taken()))
            if held > MAX_RECORD_BYTES:
                raise SourceError(
                    f"{name} has a record of more than {MAX_RECORD_BYTES >> 20} MiB that begins with {pieces[0][:60]!r}",
                    source=name,
                    hint=f"is a quote never closed? {LARGE_HINT}",
                )
            checked = max(checked, 2 * held)
    while any(pieces):
        hold((yield taken()))


def _count(data: bytes, quote: bytes) -> int:
    return data.count(quote) & 1 if quote else 0


def _last_end(chunk: bytes, odd: int, quote: bytes) -> int:
    """The end of the last record of a chunk, 0 if none ends. `odd` says that the chunk begins in quotes."""
    end = chunk.rfind(b"\n")
    if not quote or end < 0:
        return end + 1
    odd ^= chunk.count(quote, 0, end) & 1
    while end >= 0 and odd:
        at = chunk.rfind(quote, 0, end)  # what is between them is in quotes too
        before = chunk.rfind(b"\n", 0, max(at, 0))
        odd ^= chunk.count(quote, max(before, 0), end) & 1
        end = before
    return end + 1


def first_end(block: bytes, quote: bytes) -> int:
    """The end of the first record of a block."""
    end, odd, start = block.find(b"\n"), 0, 0
    while end >= 0:
        odd ^= block.count(quote, start, end) & 1 if quote else 0
        if not odd:
            return end + 1
        start, end = end, block.find(b"\n", end + 1)
    return len(block)


def is_sound(block: bytes, notation: Notation) -> bool:
    """True if quotes are where they may be, and all lines end alike."""
    if not notation.quote or notation.quote not in block:
        ends = block.count(b"\n")
        return b"\r" not in block if not notation.crlf else block.count(b"\r\n") == ends == block.count(b"\r")
    data = np.frombuffer(block, np.uint8)
    return _quotes_fit(data, notation, whole=True) and _ends_fit(data, notation)


def record_lines(block: bytes, line: int, notation: Notation, *, skip_blank: bool) -> Numbers:
    """The lines on which the records of a sound block begin, the first of them on this one."""
    data = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(data == _LF)
    numbers = np.arange(1, len(ends) + 1)
    if notation.quote:
        outside = np.searchsorted(np.flatnonzero(data == ord(notation.quote)), ends) % 2 == 0
        ends, numbers = ends[outside], numbers[outside]
    starts, numbers = np.concatenate([[0], ends + 1]), np.concatenate([[0], numbers])
    ends = np.concatenate([ends, [len(block)]])
    if starts[-1] == len(block):
        starts, ends, numbers = starts[:-1], ends[:-1], numbers[:-1]
    if skip_blank:
        blank = (ends == starts) | ((ends - starts == 1) & (data[starts] == _CR))
        numbers = numbers[~blank]
    return numbers + line


def _quotes_fit(data: np.ndarray[Any, np.dtype[np.uint8]], notation: Notation, *, whole: bool) -> bool:
    """Quotes open at the start of a field and close at its end, or come in pairs within."""
    if not notation.quote:
        return True
    quotes = np.flatnonzero(data == ord(notation.quote))
    if not len(quotes) or (whole and len(quotes) % 2):
        return not len(quotes)
    opening, closing = quotes[::2], quotes[1::2]
    delimiter = ord(notation.delimiter)
    before = data[opening - 1]
    opens = (before == delimiter) | (before == _LF) | (opening == 0)
    opens[1:] |= opening[1:] == closing[: len(opening) - 1] + 1
    after = data[np.minimum(closing + 1, len(data) - 1)]
    closes = (after == delimiter) | (after == _LF) | (after == _CR) | (closing == len(data) - 1)
    paired = closing[: len(opening) - 1] + 1 == opening[1:]
    closes[: len(paired)] |= paired
    return bool(opens.all() and closes.all())


def _ends_fit(data: np.ndarray[Any, np.dtype[np.uint8]], notation: Notation) -> bool:
    quotes = np.flatnonzero(data == ord(notation.quote))

    def outside(positions: Any) -> Any:
        return positions[np.searchsorted(quotes, positions) % 2 == 0]

    returns = outside(np.flatnonzero(data == _CR))
    if not notation.crlf:
        return not len(returns)
    ends = outside(np.flatnonzero(data == _LF))
    return len(ends) == len(returns) and bool((returns + 1 == ends).all())


# ---- faults -------------------------------------------------------------------------------------------------------------


class Fault(Exception):
    """A fault of a record: its line, its field if the fault is in one, and the reason.

    `record` is which record of the block it is, from 0. One is `lost` where it can't be told where it ends.
    """

    def __init__(self, line: int, field: int | None, reason: str, hint: str, *, lost: bool = False) -> None:
        super().__init__(reason)
        self.line, self.field, self.reason, self.hint, self.lost = line, field, reason, hint, lost
        self.record = 0

    def error(self, name: str, names: Sequence[str | None], first_row: int | None) -> SourceError:
        """Make an error that names the file, the line and the column; `first_row` is the row that the block begins with."""
        where = f"{name}, line {self.line}"
        if self.field is not None:
            column = column_at(names, self.field)
            where += f", column {column!r}" if column else f", column {self.field + 1}"
        row = None if first_row is None else first_row + self.record
        return SourceError(f"{where}: {self.reason}", source=name, row=row, hint=self.hint)


@dataclass(frozen=True, slots=True)
class Record:
    """The place of a record in its block, the line that it begins on, and its fault."""

    start: int
    end: int
    line: int
    fault: Fault | None


def first_fault(block: bytes, line: int, fields: int, notation: Notation) -> Fault | None:
    """The first thing wrong in a block that begins on this line."""
    faults = (record.fault for record in judged(block, line, fields, notation))
    return next((fault for fault in faults if fault is not None), None)


def judged(block: bytes, line: int, fields: int, notation: Notation) -> Iterator[Record]:
    """Each record of such a block but blank lines; the last is one that is lost."""
    number, start = 0, 0
    while start < len(block):
        try:
            found, end, after, fault = scan_record(block, start, line, notation)
        except Fault as lost:
            lost.record = number
            yield Record(start, len(block), line, lost)
            return
        is_blank = found == [b""] and block[start] in b"\r\n" and fields > 1
        if not is_blank or fault is not None:
            if fault is None and len(found) != fields:
                count = f"{len(found)} {'field' if len(found) == 1 else 'fields'}"
                hint = "each record has a field for each column; fields that contain a delimiter are quoted"
                if len(found) == fields + 1 and not found[-1]:
                    hint += "; where all records end with a delimiter, give field_names, with None after the last"
                fault = Fault(line, None, f"it has {count}, not {fields}", hint)
            if fault is not None:
                fault.record = number
            yield Record(start, end, line, fault)
            number += 1
        start, line = end, after


def scan_record(
    block: bytes, start: int, line: int, notation: Notation, most: int | None = None
) -> tuple[list[bytes], int, int, Fault | None]:
    """The fields of a record, where the next begins, on which line, and what is wrong first. Raises a `Fault` that is lost.

    A header has at most `most` fields: it raises for one more.
    """
    fields: list[bytes] = []
    fault: Fault | None = None
    in_quotes, end_of_plain, end_of_unsound = _patterns(notation)
    while True:
        opens = bool(notation.quote) and block.startswith(notation.quote, start)
        closed = _closing(block, start + 1, notation.quote, in_quotes) if opens else None
        end = closed or _end(end_of_plain.search(block, start), block)
        value, start, quoted = block[start:end], end, closed is not None
        ending = _ending(block, start)
        following = block[start : start + 1]
        if ending is None and following != notation.delimiter:
            misplaced = _misplaced(following, line + value.count(b"\n"), len(fields), value, notation, quoted=quoted)
            if misplaced.lost:
                first = fault or misplaced
                first.lost = True
                raise first
            # A field that isn't in quotes ends where it would, whatever quotes and carriage returns are in it.
            end = _end(end_of_unsound.search(block, start), block)
            value, start = value + block[start:end], end
            ending, fault = _ending(block, start), fault or misplaced
        fault = fault or _text_fault(value, line, len(fields))
        line += value.count(b"\n")
        if len(fields) == most:
            raise Fault(line, None, TOO_MANY, TOO_MANY_HINT, lost=True)
        fields.append(value[1:-1].replace(notation.quote * 2, notation.quote) if quoted else value)
        if ending is None:
            start += 1
            continue
        if ending and (ending == b"\r\n") != notation.crlf:
            mine, others = ("LF", "CRLF") if notation.crlf else ("CRLF", "LF")
            if notation.swapped:
                mine, others = "LF and CR", "CR"
            reason = f"it ends with {mine}, earlier lines with {others}"
            fault = fault or Fault(line, None, reason, "use one kind of line ends")
        return fields, start + len(ending), line + bool(ending), fault


def _ending(block: bytes, at: int) -> bytes | None:
    """The line end that is there, empty at the end of the block; None where the record goes on."""
    if block.startswith(b"\r\n", at):
        return b"\r\n"
    following = block[at : at + 1]
    return following if following in (b"", b"\n") else None


def _closing(block: bytes, at: int, quote: bytes, quoted: re.Pattern[bytes]) -> int | None:
    """The end of a field in quotes whose text begins here; None if it is never closed."""
    while (match := quoted.match(block, at)) is not None:
        at = match.end()
        if not block.startswith(quote * 2, at):
            return at + 1 if block.startswith(quote, at) else None
    return None


def _end(found: re.Match[bytes] | None, block: bytes) -> int:
    return len(block) if found is None else found.start()


@lru_cache
def _patterns(notation: Notation) -> tuple[re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes]]:
    """The text in a field in quotes, or as much of it as 500 pairs; the end of another field, and of one that is unsound.

    A possessive group matches too much in Python before 3.11.5. One that isn't remembers each round, so they are counted.
    """
    delimiter, quote = re.escape(notation.delimiter), re.escape(notation.quote)
    quoted = re.compile(b"[^%b]*(?:%b%b[^%b]*){0,500}" % (quote, quote, quote, quote) if quote else b"")
    return quoted, re.compile(b"[%b%b\r\n]" % (quote, delimiter)), re.compile(b"%b|\r?\n" % delimiter)


def _text_fault(value: bytes, line: int, field: int) -> Fault | None:
    if (at := value.find(b"\0")) >= 0:
        hint = 'is it text, and no compressed or binary file? For UTF-16, csv=CsvOptions(encoding="utf-16-le")'
        return Fault(line + value.count(b"\n", 0, at), field, "a NUL byte", hint)
    try:
        value.decode()
    except UnicodeDecodeError as error:
        line += value.count(b"\n", 0, error.start)
        return Fault(line, field, f"not UTF-8: 0x{value[error.start]:02x}, {error.reason}", _ENCODING_HINT)
    return None


def _misplaced(following: bytes, line: int, field: int, value: bytes, notation: Notation, *, quoted: bool) -> Fault:
    hint = (
        "a field with quotes in it is quoted, and they are doubled; csv=CsvOptions(quote=None) takes them as they are"
    )
    if following == b"\r":
        reason = "a bare line feed" if notation.swapped else "a bare carriage return"
        hint = _SWAPPED_HINT if notation.swapped else _CR_HINT
        return Fault(line, field, reason, hint, lost=quoted)
    if quoted:
        return Fault(line, field, "text after the quote that ends the field", hint, lost=True)
    if value:
        return Fault(line, field, "a quote in a field that doesn't begin with one", hint)
    return Fault(line, field, "a quote that is never closed", "was the file written to its end?", lost=True)
