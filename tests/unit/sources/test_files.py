"""Files of every format, however they are given and compressed: one source, `open_source`, and `sync_table` of them."""

from __future__ import annotations

import gzip
import io
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, make_dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import arrowsync
from arrowsync import CsvOptions, PrimaryKey
from arrowsync.errors import ConversionError, DeclarationError, SourceError
from arrowsync.sources.open import Source


@dataclass
class Person:
    id: PrimaryKey[int]
    name: str | None
    born: date | None = None


ROWS: list[dict[str, Any]] = [
    {"id": 1, "name": "Ada", "born": date(1815, 12, 10)},
    {"id": 2, "name": None, "born": None},
]
TEXTS = {
    "csv": b"id,name,born\n1,Ada,1815-12-10\n2,,\n",
    "tsv": b"id\tname\tborn\n1\tAda\t1815-12-10\n2\t\\N\t\\N\n",
    "jsonl": b'{"id": 1, "name": "Ada", "born": "1815-12-10"}\n{"id": 2, "born": null}\n',
}


def arrow_bytes(kind: str) -> bytes:
    sink = io.BytesIO()
    table = pa.Table.from_pylist(ROWS)
    if kind == "parquet":
        pq.write_table(table, sink)
    else:
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    return sink.getvalue()


CONTENT = {**TEXTS, "parquet": arrow_bytes("parquet"), "arrow": arrow_bytes("arrow")}


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


COMPRESSED = {"": lambda data: data, ".gz": gzip.compress, ".zst": zstd}


def read(data: object, table: type | pa.Schema | None = Person, **options: Any) -> list[dict[str, object]]:
    with arrowsync.open_source(data, table, **options) as stream:
        return stream.read_all().to_pylist()


@pytest.fixture
def standard_input(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A function that puts bytes into standard input, through a pipe."""
    ends: list[io.BufferedReader] = []

    def put(data: bytes) -> None:
        reading, writing = os.pipe()
        ends.append(os.fdopen(reading, "rb"))

        def write() -> None:
            with os.fdopen(writing, "wb") as file:
                file.write(data)

        threading.Thread(target=write, daemon=True).start()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(ends[0]))

    yield put
    for end in ends:
        end.close()


@pytest.mark.parametrize("kind", list(CONTENT))
@pytest.mark.parametrize("way", ["path", "bytes", "memoryview", "file", "spooled file", "stdin", "one of several"])
@pytest.mark.parametrize("suffix", list(COMPRESSED))
def test_every_format_in_every_way(tmp_path: Path, kind: str, way: str, suffix: str, standard_input) -> None:
    if suffix and kind not in TEXTS:
        return  # they compress themselves
    data = COMPRESSED[suffix](CONTENT[kind])
    path = tmp_path / f"people.{kind}{suffix}"
    path.write_bytes(data)
    match way:
        case "path":
            assert read(path) == ROWS
        case "bytes":
            assert read(data, format=kind) == ROWS
        case "memoryview":
            assert read(memoryview(bytearray(data)), format=kind) == ROWS
        case "file":
            with path.open("rb") as file:
                assert read(file) == ROWS
                assert not file.closed
        case "spooled file":
            with tempfile.SpooledTemporaryFile() as file:
                file.write(data)
                file.seek(0)
                assert read(file, format=kind) == ROWS
        case "stdin":
            standard_input(data)
            assert read("-", format=kind) == ROWS
        case _:
            assert read([path, str(path)]) == ROWS * 2
            assert read(tmp_path) == ROWS
            assert read(f"{tmp_path}/*") == ROWS


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_formats_with_a_beginning_of_their_own_need_not_be_said(kind: str, standard_input) -> None:
    assert read(CONTENT[kind]) == ROWS
    standard_input(CONTENT[kind])
    assert read("-") == ROWS


def test_python_s_own_compressed_files() -> None:
    with gzip.open(io.BytesIO(gzip.compress(TEXTS["csv"]))) as file:
        assert read(file, format="csv") == ROWS


def test_a_file_is_read_from_where_it_stands() -> None:
    file = io.BytesIO(b"# made on Monday\n" + TEXTS["csv"])
    file.readline()
    assert read(file, format="csv") == ROWS


def test_gzip_in_several_members() -> None:
    data = TEXTS["csv"]
    assert read(gzip.compress(data[:20]) + gzip.compress(data[20:]), format="csv") == ROWS


@pytest.mark.parametrize("data", ["-", [Path("-"), "-"]])
def test_standard_input_with_nothing_in_it(data: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError):
        read(data, format="csv")


def test_text_and_closed_files(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match='"rb"'):
        read(io.StringIO("id,name\n"), format="csv")
    file = io.BytesIO(b"")
    file.close()
    with pytest.raises(SourceError, match="closed"):
        read(file, format="csv")


# ---- several files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(TEXTS))
def test_partitions_of_text(tmp_path: Path, kind: str) -> None:
    for year in (2025, 2026):
        (tmp_path / f"year={year}").mkdir()
        (tmp_path / f"year={year}" / f"p.{kind}").write_bytes(TEXTS[kind])
    rows = read(tmp_path, None)
    assert [(row["id"], row["year"]) for row in rows] in (
        [("1", 2025), ("2", 2025), ("1", 2026), ("2", 2026)],
        [(1, 2025), (2, 2025), (1, 2026), (2, 2026)],
    )


def test_columns_in_another_order_and_missing_ones(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,name\n1,x\n")
    (tmp_path / "b.csv").write_bytes(b"name,id,born\ny,2,2020-01-01\n")
    assert [(row["id"], row["name"], row["born"]) for row in read(tmp_path)] == [
        (1, "x", None),
        (2, "y", date(2020, 1, 1)),
    ]


def test_several_formats_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(TEXTS["csv"])
    (tmp_path / "b.tsv").write_bytes(TEXTS["tsv"])
    with pytest.raises(SourceError, match=r"a.csv' is CSV, and .*b.tsv' is TSV"):
        read(tmp_path)
    assert read(tmp_path, format="tsv") == ROWS


# ---- options ------------------------------------------------------------------------------------------------------------


def test_options_of_text() -> None:
    data = b"1;Ada;1815-12-10\n2;-;-\n"
    dialect = CsvOptions(delimiter=";", nulls=("-",))
    assert read(data, format="csv", csv=dialect, has_header=False) == ROWS
    assert read(data, None, format="csv", csv=dialect, has_header=False, field_names=["n", None, ""]) == [
        {"n": "1"},
        {"n": "2"},
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "csv", "filters": [("id", "==", 1)]}, "filters is said of 'bytes', which is CSV"),
        ({"format": "jsonl", "csv": CsvOptions()}, "csv is said of 'bytes', which is JSON Lines"),
        ({"format": "jsonl", "has_header": False}, "has_header is said of"),
        ({"format": "jsonl", "field_names": ["a"]}, "field_names is said of"),
        ({"format": "csv", "columns": "id"}, "columns='id'"),
        ({"format": "csv", "filters": ["id > 1"]}, "filters has 'id > 1'"),
        ({"format": "csv", "filters": [("id", "~", 1)]}, r"filters has \('id', '~', 1\)"),
    ],
)
def test_options_that_do_not_go_with_the_format(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        read(b"id\n1\n", **options)


@pytest.mark.parametrize("option", [{"csv": CsvOptions()}, {"columns": ["id"]}, {"filters": [("id", "==", 1)]}])
def test_options_of_files_are_not_for_frames(option: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match="is said of pyarrow Table"):
        read(pa.table({"id": [1]}), None, **option)


def test_columns_of_text_and_several_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x,id,y\n1,2,3\n")
    assert read(tmp_path / "a.csv", None, columns=["id"]) == [{"id": "2"}]
    (tmp_path / "b.csv").write_bytes(b"id,z\n5,6\n")
    assert read(tmp_path, None, columns=["id", "z"]) == [{"id": "2", "z": None}, {"id": "5", "z": "6"}]
    with pytest.raises(SourceError, match="columns has 'q', which"):
        read(tmp_path, None, columns=["q"])
    with pytest.raises(ConversionError, match="doesn't declare"):
        read(tmp_path / "a.csv", pa.schema({"id": pa.int64()}))
    assert read(tmp_path / "a.csv", pa.schema({"id": pa.int64()}), columns="declared") == [{"id": 2}]


# ---- Parquet: what isn't wanted isn't read -------------------------------------------------------------------------------


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """A file of 10 row groups, and a column that can't be read."""
    table = pa.table(
        {"id": list(range(1000)), "day": [date(2026, 1, 1 + n // 100) for n in range(1000)], "x": ["v"] * 1000}
    )
    path = tmp_path / "t.parquet"
    pq.write_table(table, path, row_group_size=100, compression="none", use_dictionary=False)
    return path


def spoil(path: Path, column: str, groups: range) -> None:
    """Make the pages of a column unreadable."""
    data = bytearray(path.read_bytes())
    metadata = pq.read_metadata(path)
    at = metadata.schema.names.index(column)
    for group in groups:
        start = metadata.row_group(group).column(at).data_page_offset
        data[start : start + 8] = b"\xff" * 8
    path.write_bytes(data)


def test_columns_that_are_not_declared_are_not_read(wide: Path) -> None:
    spoil(wide, "x", range(10))
    schema = pa.schema({"id": pa.int64()})
    with pytest.raises(SourceError):
        read(wide, None)
    assert len(read(wide, schema, columns="declared")) == 1000
    assert len(read(wide, None, columns=["id", "day"])) == 1000


def test_row_groups_without_wanted_rows_are_not_read(wide: Path) -> None:
    spoil(wide, "id", range(5))
    spoil(wide, "id", range(7, 10))
    rows = read(wide, None, columns=["id"], filters=[("day", ">=", date(2026, 1, 6)), ("id", "<", 650)])
    assert rows == [{"id": number} for number in range(500, 650)]


FILTERS = [
    [("id", "==", 500)],
    [("id", "!=", 500)],
    [("id", "in", [1, 999, 5000])],
    [("id", "not in", [1, 999])],
    [("day", "<=", date(2026, 1, 3)), ("id", ">", 7)],
    [("id", ">", 100_000)],
]


@pytest.mark.parametrize("filters", FILTERS)
def test_filters_keep_what_pyarrow_s_own_keep(wide: Path, filters: Any) -> None:
    assert read(wide, None, filters=filters) == pq.read_table(wide, filters=filters).to_pylist()


def test_partitions_that_are_not_wanted_are_not_opened(tmp_path: Path) -> None:
    for year in (2025, 2026):
        (tmp_path / f"year={year}").mkdir()
        pq.write_table(pa.table({"id": [year]}), tmp_path / f"year={year}" / "t.parquet")
    spoil(tmp_path / "year=2025" / "t.parquet", "id", range(1))
    assert read(tmp_path, None, filters=[("year", "==", 2026)]) == [{"id": 2026, "year": 2026}]
    assert read(tmp_path, None, columns=["id"], filters=[("year", ">", 2025)]) == [{"id": 2026}]


def test_filters_on_types_that_differ_from_file_to_file(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": pa.array([1, 2], pa.int32())}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"id": pa.array([1 << 40, 2], pa.int64())}), tmp_path / "b.parquet")
    assert read(tmp_path, None, filters=[("id", ">", 1)]) == [{"id": 2}, {"id": 1 << 40}, {"id": 2}]


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (("x", "==", None), r"filters has \('x', '==', None\), which holds for no row"),
        (("x", "!=", None), "holds for no row"),
        (("x", "not in", None), "holds for no row"),
        (("x", "in", "v"), "each of its letters"),
        (("x", "not in", b"v"), "each of its letters"),
    ],
)
def test_filters_that_would_hold_for_other_rows_than_they_say(wide: Path, one: Any, message: str) -> None:
    with pytest.raises(DeclarationError, match=message) as caught:
        read(wide, None, filters=[one])
    assert caught.value.hint
    assert len(read(wide, None, filters=[("x", "in", ["v"])])) == 1000


@pytest.mark.parametrize("folder", ["k=%FF", "%C3=1"])
def test_partitions_that_are_no_text_are_refused(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "x.csv").write_bytes(b"id\n1\n")
    with pytest.raises(SourceError, match=f"{folder}/x.csv.*not UTF-8"):
        read(tmp_path, None)


def test_filters_that_cannot_be(wide: Path) -> None:
    with pytest.raises(SourceError, match="filters has 'q', which"):
        read(wide, None, filters=[("q", "==", 1)])
    with pytest.raises(DeclarationError, match="can't compare 'x', which is string, with 5"):
        read(wide, None, filters=[("x", ">", 5)])


# ---- loading ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(CONTENT))
def test_files_are_loaded(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"p.{kind}"
    path.write_bytes(CONTENT[kind])
    with arrowsync.connect("duckdb://") as conn:
        assert arrowsync.sync_table(str(path), Person, conn).inserted == 2
        assert (
            arrowsync.sync_table(CONTENT[kind], Person, conn).unchanged == 2 if kind in ("parquet", "arrow") else True
        )
        assert arrowsync.read_table(Person, conn).sort_by("id").to_pylist() == ROWS


BAD = {
    "csv": b"id,name\n1,a\n2\nx,b\n4,d\n",
    "tsv": b"id\tname\n1\ta\n2\nx\tb\n4\td\n",
    "jsonl": b'{"id": 1, "name": "a"}\n{"id": 2\n{"id": "x", "name": "b"}\n{"id": 4, "name": "d"}\n',
}


@pytest.mark.parametrize("kind", list(BAD))
@pytest.mark.parametrize("several", [False, True])
def test_rejects_say_file_and_line(tmp_path: Path, kind: str, several: bool) -> None:
    paths = [tmp_path / f"{name}.{kind}" for name in ("one", "two")[: 1 + several]]
    for number, path in enumerate(paths):
        data = BAD[kind]
        path.write_bytes(data if not number else data.replace(b"1", b"11").replace(b"4", b"14"))
    before = 0 if kind == "jsonl" else 1
    with arrowsync.connect("duckdb://") as conn:
        report = arrowsync.sync_table([str(path) for path in paths], Person, conn, on_error="reject")
        assert (report.rows_read, report.inserted, report.rejected) == (4 * len(paths), 2 * len(paths), 2 * len(paths))
        assert report.rejects is not None
        rejects = report.rejects.to_pylist()
        assert [(each["file"], each["line"], each["row"]) for each in rejects] == [
            (str(path), line + before, line - 1 + 4 * number) for number, path in enumerate(paths) for line in (2, 3)
        ]
        assert [each["value"] for each in rejects][:2] == [BAD[kind].splitlines()[1 + before].decode(), "x"]
        assert [each["column"] for each in rejects][:2] == [None, "id"]
        ids = arrowsync.read_table(Person, conn).sort_by("id")["id"].to_pylist()
        assert ids == ([1, 4, 11, 14] if several else [1, 4])


def test_too_many_rejects_tell_the_first_place() -> None:
    data = Source(BAD["csv"], format="csv")
    with (
        arrowsync.connect("duckdb://") as conn,
        pytest.raises(ConversionError, match=r"row 1 \(bytes, line 3\): it has 1 field"),
    ):
        arrowsync.sync_table(data, Person, conn, on_error="reject", max_rejects=1)


def test_a_stream_that_was_opened_can_be_rejected_from() -> None:
    stream = arrowsync.open_source(BAD["csv"].replace(b",", b";"), format="csv", csv=CsvOptions(delimiter=";"))
    with arrowsync.connect("duckdb://") as conn:
        report = arrowsync.sync_table(stream, Person, conn, on_error="reject")
    assert report.rejects is not None
    assert report.rejects["line"].to_pylist() == [3, 4]


def test_rejects_of_other_data_have_no_line() -> None:
    with arrowsync.connect("duckdb://") as conn:
        report = arrowsync.sync_table(pa.table({"id": ["1", "x"], "name": ["a", "b"]}), Person, conn, on_error="reject")
    assert report.rejects is not None
    assert report.rejects.select(["row", "file", "line"]).to_pylist() == [{"row": 1, "file": None, "line": None}]


# ---- size ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "csv.zst", "parquet", "arrow"])
def test_memory_is_flat_in_the_size_of_the_file(tmp_path: Path, kind: str) -> None:
    """Whoever drops each batch never holds more than some of them, however long the file is."""

    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.{kind}"
        con = duckdb.connect()
        query = f"SELECT i AS id, md5(i::VARCHAR) AS name FROM range({rows}) r(i)"
        if kind == "arrow":
            reader = con.sql(query).to_arrow_reader(10_000)
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, reader.schema) as writer:
                for batch in reader:
                    writer.write_batch(batch)
        else:
            how = {
                "csv": "HEADER",
                "csv.zst": "HEADER, COMPRESSION zstd",
                "tsv": "FORMAT csv, HEADER, DELIMITER '\t'",
                "jsonl": "FORMAT json",
                "parquet": "FORMAT parquet, ROW_GROUP_SIZE 20000",
            }[kind]
            con.sql(f"COPY ({query}) TO '{path}' ({how})")
        con.close()
        most, count, total = 0, 0, 0
        before = pa.total_allocated_bytes()
        with arrowsync.open_source(path) as stream:
            for batch in stream:
                most = max(most, pa.total_allocated_bytes() - before)
                count += batch.num_rows
                total += pc.sum(batch.column("id").cast(pa.int64())).as_py()
                del batch
        assert (count, total) == (rows, rows * (rows - 1) // 2)
        return most

    assert peak(800_000) < 1.3 * peak(200_000) + (4 << 20)


# ---- filters on partitions of declared types ----------------------------------------------------------------------------

# A declared type, three folders in their order, and the value that the second of them has.
PARTITIONS: dict[str, tuple[Any, list[str], Any]] = {
    "date": (date, ["2025-11-05", "2026-01-01", "2026-11-05"], date(2026, 1, 1)),
    "datetime": (datetime, ["2025-01-01 00:00:00", "2025-01-01 12:00:00", "2026-01-01"], datetime(2025, 1, 1, 12)),
    "Decimal": (Decimal, ["-2.5", "9.25", "10.00"], Decimal("9.25")),
    "float": (float, ["-2.5", "9.25", "10"], 9.25),
    "int": (int, ["-2", "9", "10"], 9),
    "text": (str, ["a", "b", "c"], "b"),
}


@pytest.mark.parametrize("case", PARTITIONS)
def test_a_filter_on_a_partition_compares_in_the_declared_type(case: str, tmp_path: Path) -> None:
    kind, folders, middle = PARTITIONS[case]
    Row = make_dataclass("Row", [("id", int), ("day", kind)])  # noqa: N806 - a class
    for number, folder in enumerate([*folders, "__HIVE_DEFAULT_PARTITION__"]):
        place = tmp_path / f"day={folder}"
        place.mkdir()
        pq.write_table(pa.table({"id": [number]}), place / "x.parquet")

    def ids(*filters: Any) -> list[int]:
        with arrowsync.open_source(str(tmp_path), Row, filters=filters) as stream:
            return sorted(row["id"] for row in stream.read_all().to_pylist())

    assert ids(("day", "<", middle)) == [0]
    assert ids(("day", "==", middle)) == [1]
    assert ids(("day", ">=", middle)) == [1, 2]
    assert ids(("day", ">=", middle), ("id", ">", 1)) == [2]
    assert ids(("day", "in", [middle])) == [1]
    assert ids(("day", "!=", middle)) == [0, 2]
    if kind is date:
        (tmp_path / "day=soon").mkdir()
        pq.write_table(pa.table({"id": [9]}), tmp_path / "day=soon" / "x.parquet")
        with pytest.raises(SourceError, match="in a folder of day=soon, which is no date32"):
            ids(("day", "<", middle))
