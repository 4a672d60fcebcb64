"""CSV, read by a slow and obvious parser too: both agree on any bytes, about the rows, and about which record is bad."""

from __future__ import annotations

import codecs
import io
import re
from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arrowsync.errors import SourceError
from arrowsync.sources.files.csv import open_csv

BOM = codecs.BOM_UTF8


@dataclass
class Record:
    """What stands in a record, from which line to which; None where it is bad. After one that is `lost` nothing is known."""

    fields: list[str | None] | None
    first: int
    last: int
    lost: bool = False


def reference(data: bytes) -> list[Record]:
    """All records of the bytes, read one by one; the first is the header."""
    data = data.removeprefix(BOM)
    records: list[Record] = []
    crlf: bool | None = None
    at, line = 0, 1
    while at < len(data):
        first, fields, good = line, list[str | None](), True
        text: bytes | None
        while True:
            if data[at : at + 1] == b'"':
                raw, at, closed = quoted(data, at + 1)
                line += raw.count(b"\n")
                if not closed:
                    return [*records, Record(None, first, data.count(b"\n") + 1, lost=True)]
                text = raw
            else:
                raw = data[at : unquoted_end(data, at)]
                at += len(raw)
                good = good and b'"' not in raw and b"\r" not in raw
                text = raw or None
            try:
                fields.append(None if text is None else text.decode())
            except UnicodeDecodeError:
                good = False
            good = good and b"\0" not in raw
            if data[at : at + 1] != b",":
                break
            at += 1
        end = b"\r\n" if data[at : at + 2] == b"\r\n" else data[at : at + 1]
        if not records and good and fields == [None]:
            line, at = line + 1, at + len(end)
            continue  # a blank line before the header
        if crlf is None:
            crlf = end == b"\r\n"
        good = good and (not end or (end == b"\r\n") == crlf)
        last, line, at = line, line + bool(end), at + len(end)
        width = len(records[0].fields or []) if records else None
        if good and width not in (None, 1) and fields == [None]:
            continue  # a blank line
        if good and width not in (None, len(fields)):
            good = False
        records.append(Record(fields if good else None, first, last))
        if len(records) == 1 and (not good or None in fields or "" in fields or len(set(fields)) < len(fields)):
            return [Record(None, first, last, lost=True)]
    return records


def quoted(data: bytes, at: int) -> tuple[bytes, int, bool]:
    """What is in quotes, where they end, and whether they do, before a comma or line end."""
    text = b""
    while at < len(data):
        if data[at : at + 2] == b'""':
            text, at = text + b'"', at + 2
        elif data[at : at + 1] == b'"':
            at += 1
            return text, at, data[at : at + 1] in (b"", b",", b"\n") or data[at : at + 2] == b"\r\n"
        else:
            text, at = text + data[at : at + 1], at + 1
    return text, at, False


def unquoted_end(data: bytes, at: int) -> int:
    while at < len(data) and data[at : at + 1] not in (b",", b"\n") and data[at : at + 2] != b"\r\n":
        at += 1
    return at


def read(data: bytes, block_bytes: int) -> list[list[str | None]]:
    """The header and the rows."""
    with open_csv(io.BytesIO(data), name="people.csv", block_bytes=block_bytes) as stream:
        table = stream.read_all()
    table.validate(full=True)
    header: list[str | None] = [*table.schema.names]
    return [header, *([*row.values()] for row in table.to_pylist())]


def read_placed(data: bytes, block_bytes: int) -> list[tuple[int, list[str | None] | None]]:
    """The line that each row begins on, and the row, None for one that can't be read."""
    rows: list[tuple[int, list[str | None] | None]] = []
    with open_csv(io.BytesIO(data), name="people.csv", block_bytes=block_bytes) as stream:
        for batch in stream.iter_with_origin():
            for *fields, place in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                rows.append((place["line"], fields if place["reason"] is None else None))
    return rows


def assert_agrees(data: bytes, block_bytes: int) -> None:
    records = reference(data)
    bad = next((record for record in records if record.fields is None), None)
    if bad is not None or not records:
        with pytest.raises(SourceError) as caught:
            read(data, block_bytes)
        found = re.search(r"line (\d+)", caught.value.message)
        if bad is None:
            assert "is empty" in caught.value.message
        else:
            assert found is not None, caught.value
            assert bad.first <= int(found[1]) <= bad.last, caught.value
    else:
        assert read(data, block_bytes) == [record.fields for record in records]
    if not records or records[-1].lost:
        with pytest.raises(SourceError):
            read_placed(data, block_bytes)
    else:
        assert read_placed(data, block_bytes) == [(record.first, record.fields) for record in records[1:]]


PIECES = [b"a", b"bc", b",", b"\n", b"\r\n", b"\r", b'"', b'""', b'"x"', b'"\n"', b'"\r\n"', b" ", b"\\N", b"\t"]
PIECES += ["ü".encode(), "😀".encode(), b"\xc3", b"\xff", b"\0", b"'", b"\v", b"\x1c", b"\xc2\x85", BOM]
sizes = st.integers(1, 12) | st.just(1 << 20)


@given(st.lists(st.sampled_from(PIECES), max_size=25).map(b"".join), sizes)
@example(b"", 1)
@example(BOM, 1)
@example(b"\n", 1)
@example(b'a,b\n"x\n', 3)
@example(b"a\n\n" + BOM + b"\n", 2)
@example(b'a\r\n"\r\n"\r\n', 4)
@example(b'a,b\n"x",\r\n\n\r\n', 5)
@example(b'a,b\n"",', 1 << 20)
@example(b'\n"x",', 1 << 20)
def test_any_bytes_are_read_as_the_reference_reads_them(data: bytes, block_bytes: int) -> None:
    assert_agrees(b"p,q\n" + data, block_bytes)
    assert_agrees(data, block_bytes)


values = st.sampled_from([b"", b'""', b"x", b'"a,b"', b'"\n"', b'"a""b"', b'"\r\n\n"', "äöü".encode(), BOM, b"12345"])


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
    """One piece more, or one byte less, anywhere in a file that is as it should be."""
    data = end.join([b"a,b,c", *map(b",".join, rows)]) + end * last
    if where is not None:
        where %= len(data) + 1
        data = data[:where] + what + data[where + (what == b"") :]
    assert_agrees(data, block_bytes)
