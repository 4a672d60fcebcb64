"""What other libraries raise while a source is read comes out as a SourceError; what the user's own iterator raises, as it is."""

from __future__ import annotations

import gzip
import io
import random
from collections.abc import Callable, Iterator

import duckdb
import fsspec
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polars.exceptions import PanicException

import arrowsync
from arrowsync.errors import ArrowSyncError, ConversionError, SourceError

RAISED: tuple[BaseException, ...] = (
    pa.ArrowInvalid("x"),
    pa.ArrowIndexError("x"),
    pa.ArrowKeyError("x"),
    pa.ArrowMemoryError("x"),
    pa.ArrowNotImplementedError("x"),
    pa.ArrowCapacityError("x"),
    pa.ArrowTypeError("x"),
    OSError("x"),
    EOFError("x"),
    ValueError("x"),
    OverflowError("x"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
    RecursionError("x"),
    AttributeError("x"),
    KeyError("x"),
    RuntimeError("x"),
    PanicException("x"),  # of Polars, and no Exception
)
TABLE = pa.table({"id": list(range(500)), "name": [f"n{n}" * 3 for n in range(500)]})


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(TABLE, sink, compression="zstd")
    return sink.getvalue()


def arrow() -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, TABLE.schema) as writer:
        writer.write_table(TABLE)
    return sink.getvalue()


def arrow_stream() -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, TABLE.schema) as writer:
        writer.write_table(TABLE)
    return sink.getvalue()


CSV = b"id,name\n" + b"".join(b"%d,n%d\n" % (n, n) for n in range(500))
JSON = b"".join(b'{"id": %d, "name": {"n": [%d]}}\n' % (n, n) for n in range(500))
FILES: dict[str, tuple[str, bytes]] = {
    "parquet": ("parquet", parquet()),
    "arrow": ("arrow", arrow()),
    "arrow stream": ("arrow", arrow_stream()),
    "csv": ("csv", CSV),
    "csv.gz": ("csv", gzip.compress(CSV)),
    "csv.zst": ("csv", pa.compress(CSV, codec="zstd", asbytes=True)),
    "jsonl": ("jsonl", JSON),
}


class Failing(io.BytesIO):
    """An open file whose library raises after so many reads."""

    def __init__(self, data: bytes, error: BaseException, after: int) -> None:
        super().__init__(data)
        self.error, self.after = error, after

    def read(self, size: int | None = -1, /) -> bytes:
        if self.after == 0:
            raise self.error
        self.after -= 1
        return super().read(size)


def error_of(data: object, kind: str) -> SourceError | None:
    """What reading the data raises, None where it is read; any other exception fails the test."""
    try:
        with arrowsync.open_source(data, format=kind) as stream:
            stream.read_all().validate(full=True)
    except SourceError as error:
        return error
    return None


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_what_a_file_raises_is_a_source_error(file: str, error: BaseException) -> None:
    kind, data = FILES[file]
    for after in (0, 1, 3):
        caught = error_of(Failing(data, error, after), kind)
        assert after or caught is not None
        assert caught is None or caught.__cause__ is not None


class Rows:
    """A stream of Arrow that raises, as a foreign library's does."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __arrow_c_stream__(self, schema: object = None) -> object:
        raise self.error


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_what_an_arrow_producer_raises_is_a_source_error(error: BaseException) -> None:
    with pytest.raises(SourceError):
        arrowsync.open_source(Rows(error))


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_what_the_users_own_generator_raises_comes_as_it_is(error: BaseException) -> None:
    def rows() -> Iterator[dict[str, int]]:
        yield {"id": 1}
        raise error

    with pytest.raises(type(error)) as caught:
        arrowsync.open_source(rows()).read_all()
    assert caught.value is error


class Panics:
    """The function of a column, in which Polars panics at the given row."""

    def __init__(self, row: int) -> None:
        self.row = row

    def __call__(self, value: int) -> int:
        if value == self.row:
            raise PanicException("x")
        return value


@pytest.mark.parametrize("row", [0, 250_000])
def test_a_lazyframe_that_panics_is_an_error_and_not_the_end_of_its_rows(row: int) -> None:
    column = pl.col("a").map_elements(Panics(row), return_dtype=pl.Int64)
    frame = pl.LazyFrame({"a": range(300_000)}).with_columns(column)
    with arrowsync.connect("duckdb://") as conn:
        arrowsync.sync_table([{"a": 5}], "t", conn)
        with pytest.raises(SourceError, match="was cut"):
            arrowsync.sync_table(frame, "t", conn, mode="replace")
        assert arrowsync.read_table("t", conn).to_pylist() == [{"a": 5}]
    with pytest.raises(PanicException):
        frame.collect()


@pytest.mark.parametrize("rows", [0, 1, 65_536, 70_000])
def test_a_lazyframe_has_all_its_rows_and_no_more(rows: int) -> None:
    frame = pl.LazyFrame({"end": range(rows), "b": [None] * rows}, schema={"end": pl.Int64, "b": pl.Categorical})
    read = arrowsync.open_source(frame).read_all()
    assert read.column_names == ["end", "b"]
    assert read["end"].to_pylist() == list(range(rows))


@pytest.mark.parametrize("error", [MemoryError, PanicException])
def test_what_a_conversion_raises_is_a_conversion_error(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error("x")

    monkeypatch.setattr("arrowsync.convert.compile.kernel_for", lambda *_, **__: fail)
    with pytest.raises(ConversionError) as caught:
        arrowsync.open_source(TABLE, pa.schema({"id": pa.int64(), "name": pa.string()})).read_all()
    assert isinstance(caught.value.__cause__, error)


# ---- file systems -------------------------------------------------------------------------------------------------------


class Broken(fsspec.AbstractFileSystem):  # type: ignore[misc]  # (it is untyped)
    """A file system whose library raises in one of its calls, or in a read of a file."""

    protocol = "broken"
    cachable = False
    data: bytes = b""
    error: BaseException = Exception()
    where = ""

    def info(self, path: str, **_: object) -> dict[str, object]:
        self._call("info")
        return {"name": path, "size": len(self.data), "type": "file"}

    def _open(self, path: str, mode: str = "rb", **_: object) -> io.BytesIO:
        self._call("open")
        return Failing(self.data, self.error, {"read": 0, "later": 2}[self.where])

    def _call(self, method: str) -> None:
        if method == self.where:
            raise self.error


@pytest.mark.parametrize("where", ["info", "open", "read", "later"])
@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_what_a_file_system_raises_is_a_source_error(where: str, error: BaseException) -> None:
    fsspec.register_implementation("broken", Broken, clobber=True)
    for kind, data in FILES.values():
        Broken.data, Broken.error, Broken.where = data, error, where
        caught = error_of("broken://host/file", kind)
        assert caught is not None or where == "later"
        assert caught is None or caught.__cause__ is not None


# ---- objects of libraries that don't work -------------------------------------------------------------------------------


def dropped() -> object:
    """A relation of a table that is gone."""
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    relation = connection.table("t")
    connection.execute("DROP TABLE t")
    return relation


def closed() -> object:
    """A relation of a connection that is closed."""
    with duckdb.connect() as connection:
        return connection.sql("SELECT 1 AS a")


class Cursor:
    def fetch_record_batch(self) -> int:
        return 5


class Pathless(io.BytesIO):
    @property
    def name(self) -> str:
        raise KeyError("name")


def of_another_schema() -> pa.RecordBatchReader:
    other = pa.record_batch({"b": ["x"]})
    return pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), iter([other]))


UNUSABLE: dict[str, Callable[[], object]] = {
    "a relation of a dropped table": dropped,
    "a relation of a closed connection": closed,
    "a relation that fails": lambda: duckdb.sql("SELECT error('x') AS a"),
    "a LazyFrame of a missing column": lambda: pl.LazyFrame({"a": [1]}).select("b"),
    "a LazyFrame of a missing file": lambda: pl.scan_parquet("/missing/file.parquet"),
    "a cursor of another kind": Cursor,
    "a reader of batches of another schema": of_another_schema,
    "a file whose name fails": lambda: Pathless(CSV),
    "a key that is no Unicode": lambda: [{"\ud800": 1}],
    "a label that is no Unicode": lambda: pd.DataFrame([[1]], columns=pd.Index(["\ud800"], dtype=object)),
    "text that is no Unicode": lambda: [{"a": "\ud800"}],
}


@pytest.mark.parametrize("made", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_object_that_does_not_work_is_an_error_of_ours(made: Callable[[], object]) -> None:
    data = made()
    with pytest.raises(ArrowSyncError):
        arrowsync.open_source(data).read_all()


# ---- damaged files ------------------------------------------------------------------------------------------------------


def damaged(data: bytes, seed: int) -> bytes:
    """The data with a few bytes changed, left out, doubled or cut off."""
    chance = random.Random(seed)
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(changed)) if changed else 0
        match chance.randrange(5):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del changed[at : at + chance.randrange(1, 9)]
            case 2:
                changed[at:at] = changed[at : at + chance.randrange(1, 40)]
            case 3:
                changed[at : at + 4] = chance.choice((b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff"))
            case _:
                del changed[at:]
    return bytes(changed)


def check(file: str, seeds: range) -> None:
    kind, data = FILES[file]
    for seed in seeds:
        error_of(damaged(data, seed), kind)


@pytest.mark.parametrize("file", FILES)
def test_a_damaged_file_is_read_or_a_source_error(file: str) -> None:
    check(file, range(15))


@pytest.mark.soak
@pytest.mark.parametrize("file", FILES)
def test_many_damaged_files_are_read_or_a_source_error(file: str) -> None:
    check(file, range(15, 5_000))


@pytest.mark.parametrize("depth", [10, 1_000, 100_000])
def test_json_of_any_depth_is_read_or_a_source_error(depth: int) -> None:
    nested = b'{"a": ' + b"[" * depth + b"]" * depth + b"}\n"
    assert error_of(nested, "jsonl") is None or depth > 10
