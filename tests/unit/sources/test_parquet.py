"""Parquet by path: files, lists, folders, globs, partitions; files of several schemas; and each way in which a path is wrong."""

from __future__ import annotations

import datetime as dt
import gc
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import SourceError
from arrowsync.sources.open import open_batches

TABLE = pa.table(
    {
        "id": [1, 2, 3],
        "name": ["a", None, "c"],
        "at": pa.array([dt.datetime(2024, 1, 1, tzinfo=dt.UTC)] * 3, pa.timestamp("us", "UTC")),
        "price": pa.array([Decimal("1.5"), None, Decimal("2.25")], pa.decimal128(9, 2)),
        "tags": [["x"], [], None],
    }
)


def write(path: Path, table: pa.Table | None = None, **columns) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns) if table is None else table, path)
    return path


def read(data: object, spec: TableSpec | None = None, **options) -> pa.Table:
    with open_batches(data, spec, **options) as stream:
        table = stream.read_all()
        assert stream.row_count == table.num_rows
    return table


def refusal(data: object, **options) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(data, **options)
    assert caught.value.source is not None
    return caught.value


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def ids(data: object) -> list[int | None]:
    return read(data).column("id").to_pylist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """b.parquet and sub/c.parquet and z.parquet, in the order in which they are to be read; and what is no data."""
    folder = tmp_path / "data"
    write(folder / "z.parquet", id=[4])
    write(folder / "b.PARQUET", id=[1, 2])
    write(folder / "sub" / "c.pq", id=[3])
    write(folder / "_temporary" / "old.parquet", id=[99])
    write(folder / ".hidden.parquet", id=[99])
    (folder / "_SUCCESS").touch()
    (folder / "README.md").write_text("no data")
    return folder


# ---- what is read -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_path", [str, Path], ids=["str", "Path"])
def test_a_file(tmp_path: Path, as_path) -> None:
    path = write(tmp_path / "t.parquet", TABLE)
    table = read(as_path(path))
    assert table.equals(TABLE)
    assert table.schema.metadata is None


def test_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "t.parquet", id=[1])
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ids("~/t.parquet") == [1]


def test_a_relative_path_and_a_name_of_glob_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "t[1].parquet", id=[1])
    write(tmp_path / "t1.parquet", id=[2])
    monkeypatch.chdir(tmp_path)
    assert ids("t[1].parquet") == [1]
    assert ids("t*.parquet") == [2, 1]


def test_a_folder_is_read_in_the_order_of_its_names(folder: Path) -> None:
    assert ids(folder) == [1, 2, 4, 3]


def test_a_linked_folder_is_read_once(folder: Path) -> None:
    write(folder.parent / "elsewhere" / "d.parquet", id=[5])
    (folder / "link").symlink_to(folder.parent / "elsewhere")
    (folder / "loop").symlink_to(folder)
    assert ids(folder) == [1, 2, 4, 5, 3]


def test_a_glob(folder: Path) -> None:
    assert ids(f"{folder}/*.parquet") == [4]
    assert ids(f"{folder}/**/*.p*q") == [3]
    assert ids(f"{folder}/*/") == [99, 3]  # a glob means what it says


def test_a_list_keeps_its_order(folder: Path) -> None:
    assert ids([folder / "z.parquet", f"{folder}/b.*", folder / "sub"]) == [4, 1, 2, 3]


def test_files_without_rows(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", TABLE.slice(0, 0))
    assert read(tmp_path / "a.parquet").schema.equals(TABLE.schema)
    write(tmp_path / "b.parquet", TABLE)
    assert read(tmp_path).equals(TABLE)


def test_extension_types_of_parquet(tmp_path: Path) -> None:
    table = pa.table({"u": pa.array([b"0" * 16], pa.uuid()), "j": pa.array(["{}"], pa.json_())})
    assert read(write(tmp_path / "t.parquet", table)).schema.equals(table.schema)


def test_format_says_what_the_name_does_not(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", id=[1])
    assert refusal(path).message == f"'{path}' looks like Parquet; by its name it is CSV"
    assert read(path, format="parquet").num_rows == 1
    assert read(write(tmp_path / "extensionless", id=[1])).num_rows == 1


@pytest.mark.parametrize("same", [False, True], ids=["all different", "all the same, so small in the file"])
def test_wide_rows_come_in_batches_of_few(tmp_path: Path, same: bool) -> None:
    value = os.urandom(100_000)
    path = write(tmp_path / "t.parquet", x=[value if same else os.urandom(100_000) for _ in range(400)])
    with open_batches(path) as stream:
        assert [batch.num_rows for batch in stream] == [167, 167, 66]


def test_rows_that_are_wide_only_later_come_in_batches_of_few(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", x=[b""] * 100 + [os.urandom(100_000) for _ in range(400)])
    with open_batches(path) as stream:
        assert max(batch.nbytes for batch in stream) < 25 << 20


# ---- partitions ---------------------------------------------------------------------------------------------------------


def partitioned(folder: Path) -> Path:
    write(folder / "year=2023" / "country=de" / "a.parquet", id=[1])
    write(folder / "year=2024" / "country=a%2Fb" / "b.parquet", id=[2])
    write(folder / "year=2024" / "country=__HIVE_DEFAULT_PARTITION__" / "c.parquet", id=[3])
    return folder


def test_hive_partitions_are_columns(tmp_path: Path) -> None:
    table = read(partitioned(tmp_path / "events"))
    assert table.schema.field("year").type == pa.int64()
    assert sorted(zip(*table.to_pydict().values(), strict=True)) == [
        (1, 2023, "de"), (2, 2024, "a/b"), (3, 2024, None),
    ]  # fmt: skip


def test_partitions_below_the_fixed_part_of_a_glob(tmp_path: Path) -> None:
    events = partitioned(tmp_path / "events")
    assert set(read(f"{events}/*/*/*.parquet").column_names) == {"id", "year", "country"}
    assert set(read(f"{events}/year=2024/*/*.parquet").column_names) == {"id", "country"}
    assert set(read(f"{events}/year=2024/*").column_names) == {"id", "country"}
    assert read(events / "year=2023" / "country=de").column_names == ["id"]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [(None, ["01", "02"]), (pa.int8(), [1, 2]), (pa.string(), ["01", "02"])],
    ids=["undeclared", "int", "str"],
)
def test_a_partition_key_with_a_leading_zero_is_a_number_only_if_declared(tmp_path: Path, declared, expected) -> None:
    for month in ("01", "02"):
        write(tmp_path / f"month={month}" / "a.parquet", id=[1])
    spec = declared and TableSpec("t", (ColumnSpec("month", declared),))
    assert read(tmp_path, spec).column("month").to_pylist() == expected


def test_a_declared_text_key_of_digits_stays_text(tmp_path: Path) -> None:
    write(tmp_path / "zip=10115" / "a.parquet", id=[1])
    assert read(tmp_path).column("zip").to_pylist() == [10115]
    assert read(tmp_path, TableSpec("t", (ColumnSpec("zip", pa.string()),))).column("zip").to_pylist() == ["10115"]


def test_a_column_in_the_files_counts_more_than_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "year=2024" / "a.parquet", year=[2023])
    assert read(tmp_path).to_pydict() == {"year": [2023]}


# ---- files of several schemas -------------------------------------------------------------------------------------------


def test_columns_that_only_some_files_have(tmp_path: Path) -> None:
    write(tmp_path / "1.parquet", id=[1], a=["x"])
    write(tmp_path / "2.parquet", b=[1.5], id=[2])
    assert read(tmp_path).to_pydict() == {"id": [1, 2], "a": ["x", None], "b": [None, 1.5]}


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (pa.array([1], pa.int32()), pa.array([2**40], pa.int64()), pa.int64()),
        (pa.array([1], pa.int64()), pa.array([0.5], pa.float64()), pa.float64()),
        (pa.nulls(1), pa.array(["x"]), pa.string()),
        (pa.array([dt.datetime(2024, 1, 1)], pa.timestamp("ms")), pa.array([1], pa.timestamp("us")), pa.timestamp("us")),
        (pa.array([Decimal("1.5")], pa.decimal128(5, 1)), pa.array([Decimal("1.25")], pa.decimal128(5, 2)), pa.decimal128(6, 2)),
        (pa.array([[1]], pa.list_(pa.int32())), pa.array([[2]], pa.list_(pa.int64())), pa.list_(pa.int64())),
    ],
)  # fmt: skip
def test_types_that_have_one_that_holds_both(tmp_path: Path, one, other, kind) -> None:
    write(tmp_path / "1.parquet", x=one)
    write(tmp_path / "2.parquet", x=other)
    table = read(tmp_path)
    assert table.schema.field("x").type == kind
    assert table.column("x").to_pylist() == one.to_pylist() + other.to_pylist()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.array([1]), pa.array(["x"])),
        (pa.array([0.5]), pa.array([Decimal("1.5")])),
        (pa.array([dt.datetime(2024, 1, 1)], pa.timestamp("us")), pa.array([1], pa.timestamp("us", "UTC"))),
    ],
)
def test_types_that_do_not_fit_are_found_before_the_first_row(tmp_path: Path, one, other) -> None:
    write(tmp_path / "1.parquet", x=one)
    second = write(tmp_path / "2.parquet", x=other)
    with pytest.raises(SourceError, match="has column 'x' as") as caught:
        open_batches(tmp_path)
    assert str(second) in caught.value.message
    assert str(one.type) in caught.value.message


def test_a_value_that_promotion_would_change(tmp_path: Path) -> None:
    first = write(tmp_path / "1.parquet", x=[2**53 + 1])
    write(tmp_path / "2.parquet", x=[0.5])
    error = refusal(tmp_path)
    assert str(first) in error.message
    assert str(2**53 + 1) in error.message
    assert "column 'x' as int64, and with other files it is double" in error.message
    assert "damaged" not in str(error.hint)


# ---- what is no Parquet -------------------------------------------------------------------------------------------------


def test_no_such_file(tmp_path: Path) -> None:
    error = refusal(tmp_path / "nix.parquet")
    assert error.message == f"there is no file or folder '{tmp_path}/nix.parquet'"
    assert error.hint == f"looked in {tmp_path}"
    assert refusal(tmp_path / "no" / "such" / "t.parquet").hint == f"looked in {tmp_path}"


def test_a_str_is_never_a_query() -> None:
    assert "duckdb.sql" in str(refusal("select * from t").hint)


@pytest.mark.parametrize("path", ["", Path("t\0.parquet"), "x" * 5_000])
def test_paths_that_cannot_be(path) -> None:
    refusal(path)


@pytest.mark.parametrize(
    "url", ["s3://bucket/k?secret=hidden", "https://u:hidden@localhost:1/t.parquet", "https://localhost:1/?k=hidden"]
)
def test_urls(url: str) -> None:
    error = refusal(url)
    assert "can't be" in error.message
    assert "hidden" not in str(error)


def test_an_empty_folder_and_one_without_parquet(tmp_path: Path) -> None:
    assert refusal(tmp_path).message == f"the folder {str(tmp_path)!r} is empty"
    (tmp_path / "t.txt").write_text("a,b")
    error = refusal(tmp_path)
    assert "holds no data file" in error.message
    assert "*.parquet" in str(error.hint)
    (tmp_path / "t.csv").write_text("a,b")
    assert "holds no Parquet file" in refusal(tmp_path, format="parquet").message


def test_a_glob_without_a_match(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    assert "nothing matches" in refusal(f"{tmp_path}/*.parquet").message
    assert "no data file is in the folders that match" in refusal(f"{tmp_path}/s*").message


@pytest.mark.parametrize("pattern", ["t.*", "t.orc"])
def test_other_formats_by_their_suffix(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "t.orc").write_text("ORC")
    assert "is a ORC file by its name" in refusal(tmp_path / pattern).message


@pytest.mark.parametrize("name", ["excel", "orc", "sql"])
def test_a_format_that_can_not_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match=f"the format '{name}' can't be read"):
        open_batches(write(tmp_path / "t.parquet", TABLE), format=name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,name\n1,one\n", r"is no Parquet file: it begins with b'id,n'"),
        (b"ARROW1\0\0" * 9, r"is no Parquet file: it begins with b'ARRO'"),
        (b"", "is empty"),
        (b"PAR1", "cut short|no Parquet"),
        (b"PAR1" + b"\0" * 50 + b"PARE", "encrypted"),
        (b"PAR1" + b"junk" * 9 + b"PAR1", "can't be read"),
    ],
)
def test_a_file_that_is_not_what_its_name_says(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=message) as caught:
        read(path)
    assert str(path) in caught.value.message


def test_a_file_cut_short(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", TABLE)
    path.write_bytes(path.read_bytes()[:-100])
    assert "cut short" in refusal(path).message


def test_a_file_damaged_inside(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", pa.table({"x": list(range(100_000))}))
    content = bytearray(path.read_bytes())
    content[1_000:3_000] = bytes(2_000)
    path.write_bytes(content)
    gc.collect()  # what other tests left open
    before = open_files()
    assert str(path) in refusal(path).message
    assert open_files() <= before


def test_a_checksum_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(
        pa.table({"x": list(range(10_000))}), path, write_page_checksum=True, compression="none", use_dictionary=False
    )
    content = bytearray(path.read_bytes())
    content[40_000] ^= 1
    path.write_bytes(content)
    assert "CRC" in refusal(path).message


def test_a_fifo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.parquet")
    assert "is no regular file" in refusal(tmp_path / "t.parquet").message


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize(
    ("locked", "given"),
    [("t.parquet", "t.parquet"), (".", "t.parquet"), (".", "."), ("sub", "."), ("sub", "sub/*.parquet")],
)
def test_permission_denied(locked: str, given: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        write(folder / "t.parquet", id=[1])
        write(folder / "sub" / "u.parquet", id=[2])
        (folder / locked).chmod(0)
        try:
            with unprivileged():
                error = refusal(folder / given)
        finally:
            (folder / locked).chmod(0o700)
    assert "no permission to read" in error.message
    assert str(folder) in error.message


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]))
    assert "two columns of one name" in refusal(path).message


# ---- files are closed ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["exhausted", "closed early", "never begun"])
def test_no_file_stays_open(tmp_path: Path, end: str) -> None:
    for number in range(3):
        write(tmp_path / f"{number}.parquet", x=list(range(20_000)))
    before = open_files()
    stream = open_batches(tmp_path, batch_rows=10_000)
    assert open_files() == before
    if end == "exhausted":
        assert sum(batch.num_rows for batch in stream) == 60_000
    elif end == "closed early":
        batches = iter(stream)
        next(batches)
        assert open_files() > before
    stream.close()
    assert open_files() == before
