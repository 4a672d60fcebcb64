"""CSV files: what is read from them in any dialect and encoding, at any size of the blocks."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import DeclarationError, SourceError
from arrowsync.options import CsvOptions
from arrowsync.sources.files.csv import open_csv
from arrowsync.sources.stream import BatchStream

Rows = list[list[str | None]]


def opened(data: bytes, **options: Any) -> BatchStream:
    return open_csv(io.BytesIO(data), name="people.csv", **options)


def read(data: bytes, **options: Any) -> dict[str, list[str | None]]:
    with opened(data, **options) as stream:
        table = stream.read_all()
    table.validate(full=True)
    return table.to_pydict()


def written(rows: Sequence[Sequence[str | None]], *, end: str = "\n", delimiter: str = ",", quote: str = '"') -> str:
    """CSV by the book: NULL is nothing, all else that needs quotes, and the empty text, has them."""

    def field(value: str | None) -> str:
        if value is None:
            return ""
        if value == "" or set(value) & {delimiter, quote, "\n", "\r"}:
            return quote + value.replace(quote, quote * 2) + quote
        return value

    return "".join(delimiter.join(map(field, row)) + end for row in rows)


ROWS: Rows = [
    ["1", "Ada, Countess"],
    ["2", 'say "hi"'],
    ["3", "two\nlines"],
    ["4", None],
    ["5", ""],
    ["6", "a\r\nb\n\nc"],
]
COLUMNS = {"id": [row[0] for row in ROWS], "name": [row[1] for row in ROWS]}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("block_bytes", [1, 2, 3, 5, 7, 11, 16, 17, 29, 1 << 20])
def test_quotes_commas_line_ends_and_nulls(end: str, block_bytes: int) -> None:
    data = written([["id", "name"], *ROWS], end=end).encode()
    assert read(data, block_bytes=block_bytes) == COLUMNS
    assert read(data.removesuffix(end.encode()), block_bytes=block_bytes) == COLUMNS


@pytest.mark.parametrize("padding", range(34))
def test_a_quoted_line_end_may_be_anywhere_around_the_end_of_a_block(padding: int) -> None:
    rows: Rows = [["x" * padding, "a\nb"], ['"\n"', "\n"], ["y", '\n""\n,']]
    data = written([["p", "q"], *rows]).encode()
    assert read(data, block_bytes=16) == {"p": [row[0] for row in rows], "q": [row[1] for row in rows]}


TEXT = st.none() | st.text(st.sampled_from('ab,;"\n\r\t é😀\ufeff|'), max_size=6)


@given(
    rows=st.lists(st.tuples(TEXT, TEXT), max_size=8),
    end=st.sampled_from(["\n", "\r\n"]),
    delimiter=st.sampled_from(",;\t|"),
    block_bytes=st.integers(1, 40),
)
def test_what_is_written_is_read(rows: list[tuple[str | None, str | None]], end, delimiter, block_bytes) -> None:
    # Unquoted, a carriage return or a line of nothing but the end would say something else.
    data = written([["a", "b"], *rows], end=end, delimiter=delimiter).encode()
    table = read(data, options=CsvOptions(delimiter=delimiter), block_bytes=block_bytes)
    assert table == {"a": [row[0] for row in rows], "b": [row[1] for row in rows]}


@given(
    data=st.lists(st.sampled_from([b"a", b",", b'"', b"\n", b"\r\n", b"bc", b'""', b'"x"']), max_size=14).map(b"".join)
)
def test_random_bytes_are_read_as_python_reads_them_or_refused(data: bytes) -> None:
    """Python's reader is laxer: whatever is accepted here it reads the same."""
    whole = b"p,q\n" + data
    outcomes = set()
    for block_bytes in (1, 3, 1 << 20):
        try:
            outcomes.add(str(read(whole, block_bytes=block_bytes)))
        except SourceError as error:
            outcomes.add(error.message)
    assert len(outcomes) == 1
    outcome = outcomes.pop()
    if outcome.startswith("people.csv"):
        return
    rows = list(csv.reader(io.StringIO(whole.decode(), newline=""), strict=True))[1:]
    theirs = {name: [row[at] or None for row in rows if row] for at, name in enumerate("pq")}
    assert outcome.replace("''", "None") == str(theirs)


def test_dialects() -> None:
    semicolons = CsvOptions(delimiter=";", quote="'")
    assert read(b"a;b\n'x;y';\"\n", options=semicolons) == {"a": ["x;y"], "b": ['"']}
    assert read(b'a,b\n"x,"y"\n', options=CsvOptions(quote=None)) == {"a": ['"x'], "b": ['"y"']}
    assert read(b'a,b\nNA,"NA"\n,""\n', options=CsvOptions(nulls=("NA",))) == {"a": [None, ""], "b": ["NA", ""]}
    assert read(b"a|b\n1|2\n", options=CsvOptions(delimiter="|")) == {"a": ["1"], "b": ["2"]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"delimiter": ""},
        {"delimiter": "ab"},
        {"delimiter": "\n"},
        {"delimiter": "é"},
        {"quote": ","},
        {"quote": ""},
        {"encoding": "no-such"},
        {"encoding": "hex"},
        {"nulls": "NA"},
    ],
)
def test_dialects_that_cannot_be(wrong: dict[str, str]) -> None:
    with pytest.raises(DeclarationError):
        CsvOptions(**wrong)  # type: ignore[arg-type]


def test_blank_lines_are_skipped_but_of_one_column() -> None:
    assert read(b"a,b\n\n1,2\n\n\n3,4\n\n") == {"a": ["1", "3"], "b": ["2", "4"]}
    assert read(b"a\n1\n\n2\n") == {"a": ["1", None, "2"]}


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-32-be", codecs.BOM_UTF32_BE),
    ],
)
@pytest.mark.parametrize("block_bytes", [1, 7, 1 << 20])
def test_encodings(encoding: str, mark: bytes, block_bytes: int) -> None:
    data = mark + "naïve,b\n😀,é\n".encode(encoding)
    options = None if mark else CsvOptions(encoding=encoding)  # a mark says it
    assert read(data, options=options, block_bytes=block_bytes) == {"naïve": ["😀"], "b": ["é"]}


def test_a_code_page() -> None:
    assert read("a\n€uro\n".encode("cp1252"), options=CsvOptions(encoding="cp1252")) == {"a": ["€uro"]}
    with pytest.raises(SourceError, match=r"people.csv, line 3: not cp1252: 81"):
        read(b"a\nb\n\x81\n", options=CsvOptions(encoding="cp1252"))


def test_a_byte_order_mark_within_the_data_is_data() -> None:
    assert read("a\nx\n\ufeffb\n".encode(), block_bytes=4) == {"a": ["x", "\ufeffb"]}


def test_names() -> None:
    spec = TableSpec("t", (ColumnSpec("a", pa.int64()), ColumnSpec("b", pa.int64())))
    assert read(b"1,2\n", has_header=False, spec=spec) == {"a": ["1"], "b": ["2"]}
    assert read(b"1,2\n", has_header=False, field_names=["x", None]) == {"x": ["1"]}
    assert read(b"a,b\n1,2\n", field_names=["x", "y"]) == {"x": ["1"], "y": ["2"]}
    with pytest.raises(SourceError, match="has 2 columns in its header, but 1 field_names"):
        read(b"a,b\n1,2\n", field_names=["x"])
    with pytest.raises(SourceError, match="no header, and nothing else names"):
        read(b"1,2\n", has_header=False)


def test_a_header_alone_is_a_table_of_no_rows() -> None:
    for data in (b"a,b\n", b"a,b", b"a,b\r\n"):
        assert read(data) == {"a": [], "b": []}


# ---- rejecting ----------------------------------------------------------------------------------------------------------


def placed(data: bytes, **options: Any) -> tuple[Rows, list[dict[str, object]]]:
    """The rows that can be read, each with its line; and what is said of the others."""
    with opened(data, **options) as stream:
        batches = list(stream.iter_with_origin())
    good: Rows = []
    bad: list[dict[str, object]] = []
    for batch in batches:
        *fields, place = (column.to_pylist() for column in batch.columns)
        for at, (*row, where) in enumerate(zip(*fields, place, strict=True)):
            if where["reason"] is None:
                good.append([*row, where["line"]])
            else:
                assert row == [None] * len(row), at
                bad.append(where)
    return good, bad


BAD = b'id,name\n1,a\n2\n\n3,b,c\n"4","d\nd"\n5,5" pipe\n6,\xff\n7,"z\n\nz"\n8,\0\n9,x\r\n10,y\ry\n11,"end"'


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 4, 5, 8, 13, 21, 34, 1 << 20])
def test_bad_records_are_set_aside_with_their_lines(block_bytes: int) -> None:
    good, bad = placed(BAD, block_bytes=block_bytes)
    assert good == [["1", "a", 2], ["4", "d\nd", 6], ["7", "z\n\nz", 10], ["11", "end", 16]]
    assert [(each["line"], each["column"]) for each in bad] == [
        (3, None),
        (5, None),
        (8, "name"),
        (9, "name"),
        (13, "name"),
        (14, None),
        (15, "name"),
    ]
    assert [each["value"] for each in bad][:4] == ["2", "3,b,c", '5,5" pipe', "6,\\xff"]
    assert {each["file"] for each in bad} == {"people.csv"}


@pytest.mark.parametrize("block_bytes", [1, 5, 1 << 20])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'a,b\n1,2\n3,"4\n5,6\n', "line 3, column 'b': a quote that is never closed"),
        (b'a,b\n1,2\n3,"4"x\n5,6\n', "line 3, column 'b': text after the quote"),
    ],
)
def test_where_a_record_ends_nowhere_nothing_is_guessed(data: bytes, message: str, block_bytes: int) -> None:
    with pytest.raises(SourceError, match=message):
        placed(data, block_bytes=block_bytes)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 9),
            st.sampled_from(["x", '"y\ny"', '"a,b"', '"c""\r\n""c"', 'q"q', 'q""', "r\rr", 'r\rr"', "p,p", "\xff", ""]),
        )
    ),
    block_bytes=st.integers(1, 30),
)
def test_good_rows_among_bad_ones_keep_their_values_and_lines(
    end: str, rows: list[tuple[int, str]], block_bytes: int
) -> None:
    line, lines, expected = 2, [b"n,t"], []
    for number, text in rows:
        lines.append(f"{number},{text}".encode("latin-1"))
        if text not in ('q"q', 'q""', "r\rr", 'r\rr"', "p,p", "\xff"):
            value = text[1:-1].replace('""', '"') if text.startswith('"') else text or None
            expected.append([str(number), value, line])
        line += 1 + text.count("\n")
    good, bad = placed(b"".join(line + end.encode() for line in lines), block_bytes=block_bytes)
    assert good == expected
    assert len(bad) == len(rows) - len(good)


@pytest.mark.parametrize("pairs", [0, 1, 499, 500, 501, 1000, 2000, 100_000])
def test_a_field_of_many_pairs_of_quotes_ends_where_it_ends(pairs: int) -> None:
    field = 'x""' * pairs
    good, bad = placed(f'a,b\n1,"{field}"\n2,q"q\n3,"{field}y"\n'.encode())
    assert good == [["1", 'x"' * pairs, 2], ["3", 'x"' * pairs + "y", 4]]
    assert [each["line"] for each in bad] == [3]
    with pytest.raises(SourceError, match="line 2, column 'b': a quote that is never closed"):
        placed(f'a,b\n1,"{field}\n'.encode())


# ---- size ---------------------------------------------------------------------------------------------------------------


class Endless:
    """A file of a billion rows, of which the most that is read ahead is counted."""

    def __init__(self) -> None:
        self.given = 0

    def read(self, size: int, /) -> bytes:
        start, self.given = self.given, self.given + size
        if start < 4:
            return (b"a,b\n" + b"12,34\n" * size)[start : start + size]
        return (b"12,34\n" * (size // 6 + 2))[(start - 4) % 6 :][:size]

    def close(self) -> None:
        pass


def test_no_more_is_read_than_a_block_ahead() -> None:
    file = Endless()
    before = pa.total_allocated_bytes()
    with open_csv(file, name="endless", block_bytes=6_000) as stream:
        batches = iter(stream)
        for count in range(1, 200):
            assert next(batches).num_rows > 0
            assert file.given <= 6_000 * (count + 2)
            assert pa.total_allocated_bytes() - before < 1 << 20


def test_batches_have_no_more_rows_than_asked_for() -> None:
    with opened(b"a\n" + b"1\n" * 1000, batch_rows=64) as stream:
        assert max(batch.num_rows for batch in stream) == 64


def test_a_record_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from arrowsync.sources.files import csv_records

    monkeypatch.setattr(csv_records, "MAX_RECORD_BYTES", 1000)
    with pytest.raises(SourceError, match="has a record of more than"):
        read(b'a\n"' + b"x\n" * 2000, block_bytes=100)


def test_lines_of_records_as_counting_tells_them() -> None:
    rng = np.random.default_rng(0)
    texts = ["x", '"a\nb"', '"\n\n"', ""]
    rows = [texts[at] for at in rng.integers(0, 4, 500)]
    data = b"k,t\n" + b"".join(f"{number},{text}\n".encode() for number, text in enumerate(rows))
    good, bad = placed(data, block_bytes=100)
    assert not bad
    line = 2
    for number, (row, text) in enumerate(zip(good, rows, strict=True)):
        assert (row[0], row[2]) == (str(number), line)
        line += 1 + text.count("\n")
