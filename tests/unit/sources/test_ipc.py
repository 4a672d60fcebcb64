"""Arrow IPC files, streams and Feather, whole and damaged."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pytest

from arrowsync.errors import SourceError
from arrowsync.sources.open import open_batches

TABLE = pa.table({"id": list(range(1000)), "name": [f"row {number}" for number in range(1000)]})


def as_file(table: pa.Table = TABLE, **options: Any) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:  # type: ignore[arg-type]
        writer.write_table(table, max_chunksize=100)
    return sink.getvalue()


def as_stream(table: pa.Table = TABLE) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=100)
    return sink.getvalue()


def read(data: object, **options: Any) -> pa.Table:
    with open_batches(data, **options) as stream:
        return stream.read_all()


def refusal(data: object, **options: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(data, **options)
    return caught.value


class Pipe:
    """A file that can't seek."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(min(size, 1000))


@pytest.mark.parametrize("data", [as_file(), as_file(compression="zstd"), as_file(compression="lz4"), as_stream()])
@pytest.mark.parametrize("way", ["path", "bytes", "file", "pipe", "said"])
def test_files_and_streams_in_every_way(tmp_path: Path, data: bytes, way: str) -> None:
    path = tmp_path / ("t.bin" if way == "said" else "t.arrow")
    path.write_bytes(data)
    given = {"path": path, "bytes": data, "file": io.BytesIO(data), "pipe": Pipe(data), "said": path}[way]
    assert read(given, **({"format": "arrow"} if way == "said" else {})).equals(TABLE)


def test_feather(tmp_path: Path) -> None:
    feather.write_feather(TABLE, str(tmp_path / "t.feather"))
    assert read(tmp_path / "t.feather").equals(TABLE)


def test_several_files_are_one(tmp_path: Path) -> None:
    (tmp_path / "a.arrow").write_bytes(as_file(TABLE.slice(0, 10)))
    (tmp_path / "b.arrows").write_bytes(as_stream(TABLE.slice(10, 10)))
    assert read(tmp_path).equals(TABLE.slice(0, 20))


def test_columns_and_filters(tmp_path: Path) -> None:
    (tmp_path / "t.arrow").write_bytes(as_file())
    table = read(tmp_path / "t.arrow", columns=["name"], filters=[("id", "in", [3, 5])])
    assert table.to_pydict() == {"name": ["row 3", "row 5"]}


def test_a_stream_is_read_as_it_comes(tmp_path: Path) -> None:
    """From a pipe no more is read than the batches that were asked for."""
    data = as_stream(pa.table({"x": list(range(200_000))}))
    pipe = Pipe(data)
    with open_batches(pipe) as stream:
        next(iter(stream))
        assert pipe._file.tell() < len(data) / 5


@pytest.mark.parametrize("data", [as_file(), as_stream()], ids=["file", "stream"])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("way", ["path", "pipe"])
def test_cut_short(tmp_path: Path, data: bytes, part: float, way: str) -> None:
    short = data[: max(10, int(len(data) * part))]
    (tmp_path / "t.arrow").write_bytes(short)
    error = refusal(tmp_path / "t.arrow" if way == "path" else Pipe(short), format="arrow")
    assert error.source == (str(tmp_path / "t.arrow") if way == "path" else "Pipe")


def test_a_stream_without_its_end() -> None:
    assert "was cut short: its end is missing" in refusal(as_stream()[:-8]).message
    assert "goes on after the end" in refusal(as_stream() + b"more").message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"id,name\n1,x\n", "is no Arrow IPC: it begins with b'id,nam'"),
        (b"FEA1....", "is Feather V1"),
    ],
)
def test_what_is_no_arrow(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "t.arrow").write_bytes(content)
    error = refusal(tmp_path / "t.arrow")
    assert message in error.message
    assert error.hint


def test_damaged_inside(tmp_path: Path) -> None:
    data = as_file(pa.table({"name": ["abc", "defg"]}))
    offsets = struct.pack("<3i", 0, 3, 7)
    assert data.count(offsets) == 1
    (tmp_path / "t.arrow").write_bytes(data.replace(offsets, struct.pack("<3i", 0, 1 << 30, 7)))
    assert "can't be read" in refusal(tmp_path / "t.arrow").message


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    (tmp_path / "t.arrow").write_bytes(as_file(table))
    assert "two columns of one name" in refusal(tmp_path / "t.arrow").message
