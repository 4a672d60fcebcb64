"""Every way in which a file can be malformed, in every format that can have it: what is said, and that nothing gets through."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import arrowsync
from arrowsync import CsvOptions
from arrowsync.errors import SourceError

GOOD = {
    "csv": b"id,name\n" + b"".join(b"%d,name %d\n" % (n, n) for n in range(5_000)),
    "tsv": b"id\tname\n" + b"".join(b"%d\tname %d\n" % (n, n) for n in range(5_000)),
    "jsonl": b"".join(b'{"id": %d, "name": "name %d"}\n' % (n, n) for n in range(5_000)),
}


def binary(kind: str) -> bytes:
    sink = io.BytesIO()
    table = pa.table({"id": list(range(5_000)), "name": [f"name {n}" for n in range(5_000)]})
    if kind == "parquet":
        pq.write_table(table, sink, row_group_size=1_000)
    else:
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=1_000)
    return sink.getvalue()


GOOD |= {"parquet": binary("parquet"), "arrow": binary("arrow")}


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


def refusal(folder: Path, name: str, data: bytes, **options: Any) -> SourceError:
    """The error of reading the file, which names it. The same with the bytes alone, where the format is said."""
    path = folder / name
    path.write_bytes(data)
    with pytest.raises(SourceError) as caught, arrowsync.open_source(path, **options) as stream:
        stream.read_all()
    error = caught.value
    assert error.source == str(path)
    assert str(path) in error.message
    assert error.hint
    return error


CASES = [
    pytest.param("csv", b"id,name\n1,a\n2\n", "line 3: it has 1 field, not 2", 1, id="csv: too few fields"),
    pytest.param("csv", b"id,name\n1,a\n2,b,c\n", "line 3: it has 3 fields, not 2", 1, id="csv: too many fields"),
    pytest.param("tsv", b"id\tname\n1\ta\n2\n", "line 3: it has 1 field, not 2", 1, id="tsv: too few fields"),
    pytest.param("tsv", b"id\tname\n1\ta\n2\tb\tc\n", "line 3: it has 3 fields, not 2", 1, id="tsv: too many fields"),
    pytest.param(
        "csv", b'id,name\n1,a\n2,"b\n', "line 3, column 'name': a quote that is never closed", 1, id="csv: quote"
    ),
    pytest.param(
        "csv", b'id,name\n1,"a\nb"\n2,b"\n', "line 4, column 'name': a quote in a field", 1, id="csv: stray quote"
    ),
    pytest.param("csv", b"id,name\n1,a\n2,b\xffc\n", "line 3, column 'name': not UTF-8: 0xff", 1, id="csv: UTF-8"),
    pytest.param("tsv", b"id\tname\n1\ta\n2\tb\xffc\n", "line 3, column 'name': not UTF-8: 0xff", 1, id="tsv: UTF-8"),
    pytest.param("jsonl", b'{"id": 1}\n{"id": "\xff"}\n', "line 2: not UTF-8: 0xff", 1, id="jsonl: UTF-8"),
    pytest.param("csv", b"id,n\xffme\n1,a\n", "line 1, column 2: not UTF-8: 0xff", None, id="csv: UTF-8 in the header"),
    pytest.param("csv", b"id,name\r\n1,a\n", "line 2: it ends with LF, earlier lines with CRLF", 0, id="csv: LF"),
    pytest.param("csv", b"id,name\n1,a\r\n", "line 2: it ends with CRLF, earlier lines with LF", 0, id="csv: CRLF"),
    pytest.param("csv", b"id,name\r1,a\r", "line 1, column 2: a bare carriage return", None, id="csv: CR"),
    pytest.param("tsv", b"id\tname\r\n1\ta\n", "line 2: it ends with LF, earlier lines with CRLF", 0, id="tsv: LF"),
    pytest.param("tsv", b"id\tname\n1\ta\r\n", "line 2: it ends with CRLF, earlier lines with LF", 0, id="tsv: CRLF"),
    pytest.param("csv", b"", "is empty", None, id="csv: empty"),
    pytest.param("tsv", b"", "is empty", None, id="tsv: empty"),
    pytest.param("jsonl", b"", "holds no rows", None, id="jsonl: empty"),
    pytest.param("parquet", b"", "is empty, so no Parquet file", None, id="parquet: empty"),
    pytest.param("arrow", b"", "is empty, so no Arrow IPC", None, id="arrow: empty"),
    pytest.param(
        "csv", b"id,name,id\n1,a,2\n", "line 1, column 3: a second column is named 'id'", None, id="csv: twice"
    ),
    pytest.param(
        "tsv", b"id\tname\tid\n1\ta\t2\n", "line 1, column 3: a second column is named 'id'", None, id="tsv: twice"
    ),
    pytest.param(
        "jsonl", b'{"id": 1}\n{"id": 1, "id": 2}\n', "line 2: the key 'id' is there twice", 1, id="jsonl: twice"
    ),
    pytest.param("csv", b"id,\n1,a\n", "line 1, column 2: the column has no name", None, id="csv: no name"),
    pytest.param("csv", b"id,name\n1,\0\n", "line 2, column 'name': a NUL byte", 0, id="csv: NUL"),
    pytest.param("tsv", b"id\tname\n1\t\0\n", "line 2, column 'name': a NUL byte", 0, id="tsv: NUL"),
    pytest.param("tsv", b"id\tname\n1\t\\x\n", "line 2, column 'name': an unknown escape", 0, id="tsv: escape"),
]


@pytest.mark.parametrize(("kind", "data", "message", "row"), CASES)
def test_malformed_text(tmp_path: Path, kind: str, data: bytes, message: str, row: int | None) -> None:
    for compress, suffix in ((bytes, ""), (gzip.compress, ".gz"), (zstd, ".zst")):
        if kind in ("parquet", "arrow") and suffix:
            continue
        error = refusal(tmp_path, f"t.{kind}{suffix}", compress(data))
        assert message in error.message
        assert error.row == row


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16(tmp_path: Path, kind: str, encoding: str) -> None:
    data = GOOD[kind].decode().encode(encoding)
    marked = encoding in ("utf-16", "utf-32")
    if kind == "csv":
        path = tmp_path / "t.csv"
        path.write_bytes(data)
        options: dict[str, Any] = {} if marked else {"csv": CsvOptions(encoding=encoding)}
        assert arrowsync.open_source(path, **options).read_all().num_rows == 5_000
    if kind != "csv" or not marked:
        refusal(tmp_path, f"t.{kind}", data)


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_a_header_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"t.{kind}"
    path.write_bytes(b"id\n")
    table = arrowsync.open_source(path).read_all()
    assert (table.column_names, table.num_rows) == (["id"], 0)


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("compress", [gzip.compress, zstd], ids=["gz", "zst"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_compressed_text_cut_short(tmp_path: Path, kind: str, compress, part: float) -> None:
    data = compress(GOOD[kind])
    suffix = "gz" if compress is gzip.compress else "zst"
    error = refusal(tmp_path, f"t.{kind}.{suffix}", data[: int(len(data) * part)])
    assert "was cut short" in error.message


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_compressed_text_damaged_inside(tmp_path: Path, kind: str) -> None:
    data = bytearray(gzip.compress(GOOD[kind]))
    data[len(data) // 2] ^= 0x55
    refusal(tmp_path, f"t.{kind}.gz", bytes(data))
    data = bytearray(gzip.compress(GOOD[kind]))
    data[-6] ^= 0x55  # of the checksum
    refusal(tmp_path, f"t.{kind}.gz", bytes(data))


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
@pytest.mark.parametrize("part", [0.001, 0.1, 0.5, 0.999])
def test_binary_files_cut_short(tmp_path: Path, kind: str, part: float) -> None:
    data = GOOD[kind]
    error = refusal(tmp_path, f"t.{kind}", data[: max(12, int(len(data) * part))])
    assert "was cut short" in error.message


@pytest.mark.parametrize("kind", list(GOOD))
@pytest.mark.parametrize("other", ["parquet", "arrow", "gzip", "zip", "html"])
def test_a_file_that_is_not_what_its_suffix_says(tmp_path: Path, kind: str, other: str) -> None:
    if kind == other:
        return
    data = {
        "gzip": gzip.compress(GOOD["csv"]),
        "zip": b"PK\x03\x04\x14\0\x06\0" * 10,
        "html": b"<!DOCTYPE html>\n<html><body>Log in</body></html>",
    }.get(other) or GOOD[other]
    error = refusal(tmp_path, f"t.{kind}", data)
    assert error.row is None
    what = {"parquet": "Parquet", "arrow": "Arrow IPC", "html": "an HTML page"}.get(other, other)
    assert what in str(error)


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_what_is_not_compressed(tmp_path: Path, kind: str, suffix: str) -> None:
    assert "by its name, but begins with" in refusal(tmp_path, f"t.{kind}{suffix}", GOOD[kind]).message
    assert "is empty" in refusal(tmp_path, f"u.{kind}{suffix}", b"").message


@pytest.mark.parametrize("kind", ["json", "txt", "xlsx", "orc", "zip"])
def test_formats_that_are_not_read(tmp_path: Path, kind: str) -> None:
    assert "can't be read" in refusal(tmp_path, f"t.{kind}", b"{}").message


def test_nothing_is_loaded_of_a_file_that_ends_badly(tmp_path: Path) -> None:
    """Neither with rejects: what follows a quote that isn't closed can't be told."""
    path = tmp_path / "t.csv"
    path.write_bytes(GOOD["csv"] + b'5000,"x\n')
    short = tmp_path / "t.csv.gz"
    short.write_bytes(gzip.compress(GOOD["csv"])[:-9])
    with arrowsync.connect("duckdb://") as conn:
        for source in (path, short):
            for on_error in ("raise", "reject"):
                with pytest.raises(SourceError):
                    arrowsync.sync_table(source, "t", conn, on_error=on_error)  # type: ignore[arg-type]
        assert conn.fetch("SELECT count(*) AS n FROM duckdb_tables()").to_pylist() == [{"n": 0}]
