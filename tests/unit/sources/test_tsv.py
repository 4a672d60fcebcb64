"""TSV files: what is read from them, what is refused and where, at any size of the blocks."""

from __future__ import annotations

import codecs
import contextlib
import io
import re
from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import SourceError
from arrowsync.sources.files import text as tsv_lines
from arrowsync.sources.files.tsv import open_tsv
from arrowsync.sources.stream import BatchStream

BOM = codecs.BOM_UTF8


def read(
    data: bytes,
    *,
    field_names: Sequence[str | None] | None = None,
    has_header: bool = True,
    block_bytes: int = 1 << 20,
    batch_rows: int = 65_536,
    spec: TableSpec | None = None,
) -> pa.Table:
    with opened(
        data, field_names=field_names, has_header=has_header, block_bytes=block_bytes, batch_rows=batch_rows, spec=spec
    ) as stream:
        table = stream.read_all()
    table.validate(full=True)
    return table


def opened(data: bytes, **options: object) -> BatchStream:
    return open_tsv(io.BytesIO(data), name="people.tsv", **options)  # type: ignore[arg-type]


# ---- the format, slow and obvious ---------------------------------------------------------------------------------------

Rows = list[list[str | None]]
MEANINGS = {b"0": 0, b"b": 8, b"f": 12, b"n": 10, b"r": 13, b"t": 9, b"v": 11, b"\\": 92}


class Bad(Exception):
    """The line that the reference finds at fault."""


def reference(data: bytes) -> tuple[list[str], Rows]:
    """The names and the rows of a file with a header, read byte by byte."""
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or data[:4] == codecs.BOM_UTF32_BE or data in (b"", BOM):
        raise Bad(1)
    if data[:3] == BOM:
        data = data[3:]
    lines = data.split(b"\n")
    crlf = len(lines) > 1 and lines[0].endswith(b"\r")
    unended = lines.pop()
    ended = [True] * len(lines)
    if unended:
        lines.append(unended)
        ended.append(False)
    parsed = [
        reference_line(line, number, crlf and end)
        for number, (line, end) in enumerate(zip(lines, ended, strict=True), 1)
    ]
    header = parsed[0]
    if isinstance(header, Bad):
        raise header
    if any(name in (None, "") for name in header) or len(set(header)) < len(header):
        raise Bad(1)
    rows: Rows = []
    for number, row in enumerate(parsed[1:], 2):
        if isinstance(row, Bad):
            raise row
        if len(row) != len(header):
            raise Bad(number)
        rows.append(row)
    return [name for name in header if name is not None], rows


def reference_line(line: bytes, number: int, crlf: bool) -> list[str | None] | Bad:
    if crlf:
        if not line.endswith(b"\r"):
            return Bad(number)
        line = line[:-1]
    if b"\r" in line or b"\0" in line:
        return Bad(number)
    fields: list[str | None] = []
    for field in line.split(b"\t"):
        if field == b"\\N":
            fields.append(None)
            continue
        text, position = bytearray(), 0
        while position < len(field):
            byte = field[position]
            if byte == 92:
                position += 1
                letter = field[position : position + 1]
                if letter not in MEANINGS:
                    return Bad(number)
                byte = MEANINGS[letter]
            text.append(byte)
            position += 1
        try:
            line.decode()
            fields.append(bytes(text).decode())
        except UnicodeDecodeError:
            return Bad(number)
    return fields


def assert_agrees(data: bytes, block_bytes: int) -> None:
    try:
        names, rows = reference(data)
    except Bad as bad:
        with pytest.raises(SourceError, match=rf"line {bad.args[0]}\b|is empty"):
            read(data, block_bytes=block_bytes)
        return
    table = read(data, block_bytes=block_bytes)
    assert table.schema.names == names
    assert [list(row.values()) for row in table.to_pylist()] == rows


PIECES = [b"a", b"b", b"\t", b"\n", b"\r\n", b"\r", b"\\", b"\\N", b"\\t", b"\\\\", b"\\n", b"\\x", b"\\0"]
PIECES += ["ü".encode(), "😀".encode(), b"\xc3", b"\xff", b"\0", b'"', b"'", b" ", b"\v", b"\x1c", b"\xc2\x85", BOM]
sizes = st.integers(1, 12) | st.just(1 << 20)


@given(st.lists(st.sampled_from(PIECES), max_size=25).map(b"".join), sizes)
@example(b"\n", 1)
@example(b"a\n" + BOM + b"b\n" + BOM + b"\n", 3)
@example(b"a\tb\n\n", 1)
@example(b"a\tb\r\n\t\r\n\r\n", 1)
@example(b"a\r\nb\r", 1 << 20)
@example(b"a\n\\\\\\\\\\\\N\n\\\\N\n", 2)
@example(b'a\tb\n"x\ty"\n', 5)
def test_any_bytes_are_read_as_the_reference_reads_them(data: bytes, block_bytes: int) -> None:
    assert_agrees(data, block_bytes)


values = st.sampled_from([b"", b"\\N", b"x", b"\\\\", b"a\\tb", b"\\\\N", "äöü".encode(), b'"', b"\\0", BOM, b"12345"])


@given(
    rows=st.lists(st.tuples(values, values, values), min_size=1, max_size=12),
    end=st.sampled_from([b"\n", b"\r\n"]),
    last=st.booleans(),
    block_bytes=sizes,
    where=st.none() | st.integers(0, 400),
    what=st.sampled_from([b"", *PIECES]),
)
def test_mutated_files_are_read_as_the_reference_reads_them(
    rows: list[tuple[bytes, ...]], end: bytes, last: bool, block_bytes: int, where: int | None, what: bytes
) -> None:
    data = end.join([b"a\tb\tc", *map(b"\t".join, rows)]) + end * last
    if where is not None:
        where %= len(data) + 1
        data = data[:where] + what + data[where + (what == b"") :]
    assert_agrees(data, block_bytes)


FILE = (
    'id\tname\tnote\r\n1\tÄnne\t\\N\r\n2\t\ttwo\\r\\nlines\r\n\\N\t😀\ta\\tb\\\\c\\0\r\n3\t"quoted"\t\\\\N\r\n'
).encode()
FILE_ROWS = [
    ("1", "Änne", None),
    ("2", "", "two\r\nlines"),
    (None, "😀", "a\tb\\c\0"),
    ("3", '"quoted"', "\\N"),
]


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_a_block_may_end_anywhere(end: bytes) -> None:
    data = FILE.replace(b"\r\n", end)
    for block_bytes in range(1, len(data) + 2):
        for text in (data, BOM + data, data.removesuffix(end)):
            table = read(text, block_bytes=block_bytes)
            assert [tuple(row.values()) for row in table.to_pylist()] == FILE_ROWS


class Dribble(io.RawIOBase):
    """A file that gives fewer bytes than asked for, as a pipe does."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def read(self, size: int = -1) -> bytes:
        given, self.rest = self.rest[:1], self.rest[1:]
        return given


def test_a_pipe_may_give_byte_by_byte() -> None:
    file = Dribble(BOM + FILE)
    with open_tsv(file, name="pipe") as stream:
        assert [tuple(row.values()) for row in stream.read_all().to_pylist()] == FILE_ROWS
    assert file.closed


def test_columns_are_text_and_batches_bounded() -> None:
    data = b"a\tb\n" + b"".join(b"%d\tx\n" % n for n in range(1000))
    with opened(data, batch_rows=300) as stream:
        assert stream.schema == pa.schema({"a": pa.string(), "b": pa.string()})
        batches = list(stream)
    assert [batch.num_rows for batch in batches] == [300, 300, 300, 100]
    assert batches[-1].column(0)[-1].as_py() == "999"


def test_a_header_alone_is_a_table_without_rows() -> None:
    for data in (b"a\tb", b"a\tb\n", BOM + b"a\tb\r\n"):
        table = read(data)
        assert table.schema.names == ["a", "b"]
        assert table.num_rows == 0


def test_names_in_the_header_have_escapes_too() -> None:
    assert read(b"tab\\there\t\\\\N\n1\t2\n").to_pylist() == [{"tab\there": "1", "\\N": "2"}]


def test_field_names_name_what_has_no_header() -> None:
    data = b"1\tx\ttrue\n2\ty\tfalse\n"
    table = read(data, field_names=["id", None, "flag"], has_header=False)
    assert table.to_pylist() == [{"id": "1", "flag": "true"}, {"id": "2", "flag": "false"}]
    assert read(b"", field_names=["id"], has_header=False).num_rows == 0


def test_the_declared_columns_name_what_has_no_header() -> None:
    spec = TableSpec("t", (ColumnSpec("id", pa.int64()), ColumnSpec("word", pa.string())))
    assert read(b"1\tx\n", has_header=False, spec=spec).to_pylist() == [{"id": "1", "word": "x"}]
    with pytest.raises(SourceError, match="nothing else names its columns"):
        read(b"1\tx\n", has_header=False)


def test_field_names_replace_those_of_the_header() -> None:
    assert read(b"x\ty\n1\t2\n", field_names=["id", ""]).to_pylist() == [{"id": "1"}]
    with pytest.raises(SourceError, match="2 columns in its header, but 3 field_names"):
        read(b"x\ty\n1\t2\n", field_names=["a", "b", "c"])


def test_an_empty_field_is_empty_text_and_no_null() -> None:
    assert read(b"a\tb\n\t\n\\N\t\n").to_pylist() == [{"a": "", "b": ""}, {"a": None, "b": ""}]
    assert read(b"a\n\n\n").to_pylist() == [{"a": ""}, {"a": ""}]


def test_there_may_be_thousands_of_columns() -> None:
    names = [f"c{n}" for n in range(3000)]
    line = "\t".join(names).encode()
    table = read(line + b"\n" + line + b"\n" + b"\t" * 2999 + b"\n")
    assert table.to_pylist() == [{name: name for name in names}, dict.fromkeys(names, "")]


def test_a_row_may_be_longer_than_a_block() -> None:
    long = b"x" * 300_000
    table = read(b"a\tb\n1\t" + long + b"\n" + long + b"\t2\n", block_bytes=1000)
    assert table.to_pylist() == [{"a": "1", "b": long.decode()}, {"a": long.decode(), "b": "2"}]


def test_a_file_without_line_ends_is_not_read_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tsv_lines, "MAX_RECORD_BYTES", 10_000)
    file = io.BytesIO(b"x" * 1_000_000)
    with pytest.raises(SourceError, match="a line of more than"):
        open_tsv(file, name="people.tsv", block_bytes=1000)


# ---- what is refused ----------------------------------------------------------------------------------------------------

GOOD = b"".join(b"%d\tAnn\n" % n for n in range(1000))
BAD_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "people.tsv is empty"),
    "a BOM alone": (BOM, "people.tsv is empty"),
    "too few fields": (b"id\tname\n" + GOOD + b"7\n8\tx\n", "line 1002: it has 1 field, not 2"),
    "too many fields": (b"id\tname\n" + GOOD + b"7\tx\ty\n", "line 1002: it has 3 fields, not 2"),
    "an empty line": (b"id\tname\n" + GOOD + b"\n8\tx\n", "line 1002: it has 1 field, not 2"),
    "an empty line at the end": (b"id\tname\r\n1\tx\r\n\r\n", "line 3: it has 1 field, not 2"),
    "an empty line after the header": (b"id\tname\n\n", "line 2: it has 1 field, not 2"),
    "LF among CRLF": (b"id\tname\r\n1\tx\n2\ty\r\n", "line 2: it ends with LF, earlier lines with CRLF"),
    "CRLF among LF": (b"id\tname\n" + GOOD + b"2\ty\r\n", "line 1002: it ends with CRLF, earlier lines with LF"),
    "a bare CR": (b"id\tname\n1\ta\rb\n", "line 2, column 'name': a bare carriage return (byte 4 of the line)"),
    "CR as line ends": (b"id\tname\r1\tx\r", "line 1, column 2: a bare carriage return"),
    "NUL": (b"id\tname\n1\ta\0b\n", "line 2, column 'name': a NUL byte (byte 4 of the line)"),
    "bad UTF-8": (b"id\tname\n" + GOOD + b"1\tJos\xe9\n", "line 1002, column 'name': not UTF-8: 0xe9 (byte 6 of"),
    "bad UTF-8 in the header": (b"id\tn\xe4me\n1\tx\n", "line 1, column 2: not UTF-8: 0xe4"),
    "a surrogate": (b"id\tname\n\xed\xa0\x80\tx\n", "line 2, column 'id': not UTF-8: 0xed"),
    "half a character at the end": (b"id\tname\n1\t\xf0\x9f", "line 2, column 'name': not UTF-8"),
    "UTF-16": ("id\tname\n1\tx\n".encode("utf-16"), "line 1: the text is UTF-16, not UTF-8"),
    "UTF-16 without a mark": ("id\tname\n1\tx\n".encode("utf-16-le"), "line 1, column 1: a NUL byte"),
    "UTF-32": ("id\tname\n1\tx\n".encode("utf-32"), "line 1: the text is UTF-32, not UTF-8"),
    "an unknown escape": (b"id\tname\n" + GOOD + b"1\ta\\xb\n", r"line 1002, column 'name': an unknown escape \x"),
    r"\N within a field": (b"id\tname\n1\t\\N \n", r"line 2, column 'name': an unknown escape \N"),
    r"\.": (b"id\tname\n1\t\\.\n", r"line 2, column 'name': an unknown escape \."),
    "an escaped umlaut": ("id\tname\n1\t\\ü\n".encode(), r"line 2, column 'name': an unknown escape \ü"),
    "an escaped tab": (b"id\tname\n1\\\tx\n", "line 2, column 'id': a backslash at the end of the field"),
    "an escaped line end": (b"id\tname\n1\tx\\\n", "line 2, column 'name': a backslash at the end of the field"),
    "a name twice": (b"id\tid\n1\tx\n", "line 1, column 2: a second column is named 'id'"),
    "a name twice, escaped": (b"a\\tb\ta\\tb\n", r"line 1, column 2: a second column is named 'a\tb'"),
    "no name": (b"id\t\n1\tx\n", "line 1, column 2: the column has no name"),
    "NULL for a name": (b"\\N\tid\n", "line 1, column 1: the column has no name"),
    "an unknown escape in the header": (b"i\\d\tid\n", r"line 1, column 1: an unknown escape \d"),
    "the first of two": (b"id\tname\n1\tx\n2\t\\q\n3\n", r"line 3, column 'name': an unknown escape \q"),
    "gzip": (b"\x1f\x8b\x08\x00" + bytes(20), "line 1, column 1: a NUL byte"),
}


@pytest.mark.parametrize("block_bytes", [1, 7, 1 << 20])
@pytest.mark.parametrize("what", BAD_FILES)
def test_bad_files_are_refused_with_line_and_column(what: str, block_bytes: int) -> None:
    data, message = BAD_FILES[what]
    with pytest.raises(SourceError, match=re.escape(message)) as caught:
        read(data, block_bytes=block_bytes)
    assert caught.value.message.startswith("people.tsv")
    assert caught.value.source == "people.tsv"
    assert caught.value.hint
    line = re.search(r"line (\d+)", caught.value.message)
    number = int(line[1]) if line else 1
    assert caught.value.row == (number - 2 if number > 1 else None)


def test_rows_before_the_bad_one_are_given() -> None:
    with opened(b"id\tname\n" + GOOD + b"bad\n", block_bytes=500) as stream:
        batches = iter(stream)
        rows = sum(next(batches).num_rows for _ in range(10))
        with pytest.raises(SourceError, match="line 1002"):
            list(batches)
    assert rows > 500


def test_lines_are_counted_from_the_first_without_a_header() -> None:
    with pytest.raises(SourceError, match="line 2: it has 1 field, not 2") as caught:
        read(b"1\tx\n2\n", field_names=["a", "b"], has_header=False)
    assert caught.value.row == 1


def test_what_is_wrong_in_a_column_that_is_left_out_is_refused() -> None:
    with pytest.raises(SourceError, match=r"line 1, column 2: an unknown escape \\q"):
        read(b"1\t\\q\n", field_names=["a", None], has_header=False)


def test_the_file_is_closed_with_the_stream_and_after_an_error() -> None:
    for data in (b"a\n1\n", b""):
        file = io.BytesIO(data)
        with contextlib.suppress(SourceError):
            open_tsv(file, name="people.tsv").close()
        assert file.closed
