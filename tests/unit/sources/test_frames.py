"""Frames and other Arrow data: every library's export of the same rows, and where it needs help."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import ConversionError, SourceError
from arrowsync.sources.open import open_batches
from arrowsync.sources.stream import BatchStream

TABLE = pa.table(
    {
        "id": [1, 2, 3],
        "name": ["a", None, "c"],
        "score": [0.5, None, float("inf")],
        "at": pa.array([dt.datetime(2024, 1, 1), None, dt.datetime(1700, 1, 1)], pa.timestamp("us")),
    }
)


class OnlyCapsule:
    """What a library of tomorrow looks like."""

    def __init__(self, data) -> None:
        self.data = data

    def __arrow_c_stream__(self, requested_schema=None):
        return self.data.__arrow_c_stream__(requested_schema)


def read(data: object, spec: TableSpec | None = None, **options) -> pa.Table:
    with open_batches(data, spec, **options) as stream:
        count = stream.row_count
        table = stream.read_all()
    assert table.schema.metadata is None
    assert count in (None, table.num_rows)
    return table


def refusal(data: object) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(data)
    assert caught.value.source
    return caught.value


def dataset(tmp_path: Path) -> ds.Dataset:
    pq.write_table(TABLE, tmp_path / "t.parquet", row_group_size=2)
    return ds.dataset(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda _: TABLE, id="pyarrow Table"),
        pytest.param(lambda _: TABLE.to_batches()[0], id="pyarrow RecordBatch"),
        pytest.param(lambda _: TABLE.to_reader(), id="pyarrow RecordBatchReader"),
        pytest.param(lambda _: TABLE.to_struct_array().combine_chunks(), id="pyarrow StructArray"),
        pytest.param(lambda _: OnlyCapsule(TABLE), id="capsule"),
        pytest.param(lambda _: pl.DataFrame(TABLE), id="polars DataFrame"),
        pytest.param(lambda _: pl.DataFrame(TABLE).lazy(), id="polars LazyFrame"),
        pytest.param(lambda _: TABLE.to_pandas(), id="pandas"),
        pytest.param(lambda _: TABLE.to_pandas(types_mapper=pd.ArrowDtype), id="pandas of Arrow"),
        pytest.param(lambda _: TABLE.to_pandas().astype(object), id="pandas of objects"),
        pytest.param(lambda _: open_batches(TABLE), id="BatchStream"),
        pytest.param(dataset, id="Dataset"),
        pytest.param(lambda path: dataset(path).scanner(), id="Scanner"),
        pytest.param(lambda _: (TABLE.slice(row, 1) for row in range(3)), id="generator of Tables"),
        pytest.param(lambda _: TABLE.to_batches(max_chunksize=2), id="list of RecordBatches"),
        pytest.param(lambda _: [pl.DataFrame(TABLE)], id="list of polars"),
        pytest.param(lambda _: TABLE.to_pylist(), id="dicts"),
    ],
)
def test_each_source_gives_the_same_rows(make, tmp_path: Path) -> None:
    assert read(make(tmp_path)).to_pydict() == TABLE.to_pydict()


def test_a_duckdb_relation() -> None:
    with duckdb.connect() as connection:
        connection.register("source", TABLE)
        assert read(connection.sql("FROM source")).to_pydict() == TABLE.to_pydict()
        with open_batches(connection.sql("SELECT range AS n FROM range(500_000)")) as stream:
            next(iter(stream))
        assert connection.execute("SELECT 1").fetchall() == [(1,)], "closing early frees the connection"


LOST = [
    ("340282366920938463463374607431768211455::UHUGEINT", "UHUGEINT wraps around"),
    ("'01:02:03+05'::TIMETZ", "TIME WITH TIME ZONE loses the zone"),
    ("'0101'::BIT", "BIT becomes"),
    ("['0101'::BIT]", "BIT becomes"),
    ("{'a': 1, 'b': {'c': '01:02:03+05'::TIMETZ}}", "TIME WITH TIME ZONE loses the zone"),
    ("MAP {'a': 5::UHUGEINT}", "UHUGEINT wraps around"),
]


@pytest.mark.parametrize(("value", "message"), LOST)
def test_what_duckdb_exports_as_something_else_is_refused(value: str, message: str) -> None:
    with duckdb.connect() as connection:
        error = refusal(connection.sql(f"SELECT 1 AS id, {value} AS x"))
        assert "column 'x' is " in error.message
        assert message in error.message
        assert "cast it" in str(error.hint)
        assert read(connection.sql(f"SELECT ({value})::VARCHAR AS x")).num_rows == 1


def test_names_and_labels_of_duckdb_that_sound_like_a_lost_type() -> None:
    with duckdb.connect() as connection:
        query = """SELECT {'BIT': 1, 'a BIT, b': 2, 'UHUGEINT': 'x'} AS s, 'BIT'::ENUM('BIT', ' BIT') AS e,
        TIMESTAMPTZ '2026-01-01 00:00:00+05' AS t, 170141183460469231731687303715884105727::HUGEINT AS "BIT" """
        row = read(connection.sql(query)).to_pylist()[0]
    assert row["s"] == {"BIT": 1, "a BIT, b": 2, "UHUGEINT": "x"}
    assert (row["e"], row["BIT"]) == ("BIT", Decimal(2**127 - 1))
    assert row["t"] == dt.datetime(2025, 12, 31, 19, tzinfo=dt.UTC)


def test_arrow_data_is_not_copied() -> None:
    table = pa.table({"x": pa.array(np.arange(200_000))})
    with open_batches(table) as stream:
        batches = list(stream)
    before = table.to_batches()[0].column(0).buffers()[1]
    assert before is not None
    assert {buffer.address for batch in batches if (buffer := batch.column(0).buffers()[1])} == {before.address}


def test_a_column_is_no_table() -> None:
    for column in (pl.Series([1]), pd.Series([1]), pa.chunked_array([[1]]), pa.array([1])):
        error = refusal(column)
        assert "one column, not a table" in error.message or "can't be read" in error.message


def test_rows_of_a_struct_array_that_are_null() -> None:
    array = pa.StructArray.from_arrays([pa.array([1, 2])], names=["a"], mask=pa.array([True, False]))
    assert "can't be read" in refusal(array).message


# ---- what a source raises -----------------------------------------------------------------------------------------------


def failing_reader() -> pa.RecordBatchReader:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from TABLE.to_batches()
        raise KeyError("lost")

    return pa.RecordBatchReader.from_batches(TABLE.schema, batches())


def test_the_exception_of_a_readers_generator_comes_through() -> None:
    with pytest.raises(KeyError, match="lost"):
        read(failing_reader())


def test_the_exception_behind_a_capsule_is_a_source_error_of_one_line() -> None:
    error = refusal(OnlyCapsule(failing_reader()))
    assert "lost" in error.message
    assert "Traceback" not in error.message
    assert isinstance(error.__cause__, pa.ArrowInvalid)


def test_what_the_library_raises_on_export_is_a_source_error() -> None:
    class Broken:
        def __arrow_c_stream__(self, requested_schema=None):
            raise RuntimeError("no more")

    error = refusal(Broken())
    assert "no more" in error.message
    assert isinstance(error.__cause__, RuntimeError)


def test_a_query_that_fails_half_way() -> None:
    with duckdb.connect() as connection:
        query = "SELECT CASE WHEN range = 400_000 THEN error('bad row') ELSE 1 END AS n FROM range(500_000)"
        assert "bad row" in refusal(connection.sql(query)).message
    lazy = pl.LazyFrame({"a": ["1", "x"]}).select(pl.col("a").cast(pl.Int64))
    assert "conversion from `str` to `i64` failed" in refusal(lazy).message
    assert "missing.parquet" in refusal(pl.scan_parquet("/nowhere/missing.parquet")).message


# ---- polars -------------------------------------------------------------------------------------------------------------


def test_a_lazyframe_runs_as_it_is_read() -> None:
    seen = 0

    def count(series: pl.Series) -> pl.Series:
        nonlocal seen
        seen += len(series)
        return series

    rows = 4_000_000
    frame = pl.LazyFrame({"a": range(rows)}).with_columns(
        pl.col("a").map_batches(count, return_dtype=pl.Int64, is_elementwise=True)
    )
    stream = open_batches(frame, batch_rows=1_000)
    assert seen == 0
    batches = iter(stream)
    assert next(batches).num_rows == 1_000
    stream.close()
    assert 0 < seen < rows


@pytest.mark.parametrize("kind", [pl.Object, pl.Int128])
@pytest.mark.parametrize("lazy", [False, True])
def test_polars_types_that_arrow_does_not_have(kind, lazy: bool) -> None:
    frame = pl.DataFrame({"a": [1], "b": pl.Series([7], dtype=kind)})
    error = refusal(frame.lazy() if lazy else frame)
    assert f"column 'b' of the polars {'Lazy' if lazy else 'Data'}Frame is of type {kind}" in error.message


# ---- pandas -------------------------------------------------------------------------------------------------------------


def test_what_pandas_takes_for_missing_is_null() -> None:
    frame = pd.DataFrame(
        {
            "float": [1.5, np.nan],
            "str": ["x", np.nan],
            "object": pd.Series(["x", np.nan], dtype=object),
            "date": [dt.date(2024, 1, 1), pd.NaT],
            "datetime": pd.Series([dt.datetime(2024, 1, 1), pd.NaT]),
            "aware": pd.Series([dt.datetime(2024, 1, 1, tzinfo=dt.UTC), pd.NaT]),
            "delta": pd.Series([dt.timedelta(seconds=1), pd.NaT]),
            "bool": pd.Series([True, None], dtype=object),
            "Int64": pd.array([1, None], dtype="Int64"),
            "boolean": pd.array([True, None], dtype="boolean"),
            "decimal": [Decimal("1.5"), np.nan],
            "uuid": [uuid.UUID(int=1), None],
            "category": pd.Categorical(["x", None]),
            "list": [[1, 2], None],
            "mixed na": pd.Series([1, pd.NA], dtype=object),
        }
    )
    table = read(frame)
    assert [column.null_count for column in table.columns] == [1] * frame.shape[1]
    assert [column[1].as_py() for column in table.columns] == [None] * frame.shape[1]
    assert table.schema.field("uuid").type == pa.uuid()
    assert table.schema.field("Int64").type == pa.int64()
    assert table.schema.field("date").type == pa.date32()


def test_pandas_rows_stay_in_order_over_many_slices() -> None:
    frame = pd.DataFrame(
        {"n": np.arange(10_000), "s": [f"row {n}" for n in range(10_000)], "c": pd.Categorical(["x", "y"] * 5_000)}
    )
    with open_batches(frame, batch_rows=777) as stream:
        batches = list(stream)
    assert max(batch.num_rows for batch in batches) == 777
    table = pa.Table.from_batches(batches)
    assert table.to_pydict() == frame.to_dict("list")


def test_a_frame_without_rows() -> None:
    table = read(pd.DataFrame({"a": pd.Series([], dtype="int64"), "o": pd.Series([], dtype=object)}))
    assert table.num_rows == 0
    assert table.schema.names == ["a", "o"]
    assert "has no columns" in refusal(pd.DataFrame()).message


FRAME = pd.DataFrame({"a": [3, 1, 2], "b": ["x", "y", "z"]})


@pytest.mark.parametrize(
    "frame",
    [FRAME[FRAME.a != 1], FRAME.sort_values("a"), pd.concat([FRAME, FRAME]), FRAME.iloc[::2], FRAME.iloc[:0]],
    ids=["filtered", "sorted", "concatenated", "sliced", "emptied"],
)
def test_row_numbers_that_an_operation_left_are_no_column(frame: pd.DataFrame) -> None:
    assert read(frame).to_pydict() == frame.to_dict("list")


@pytest.mark.parametrize(
    "frame",
    [
        FRAME.set_index("a"),
        FRAME.groupby("b").sum(),
        FRAME.set_index(["a", "b"]),
        FRAME.set_axis(["x", "y", "z"]),
        FRAME.set_axis(pd.date_range("2024-01-01", periods=3)),
        FRAME.set_axis(pd.RangeIndex(3, name="id")),
    ],
    ids=["named", "group keys", "several levels", "labels", "dates", "named range"],
)
def test_an_index_with_a_meaning_is_refused(frame: pd.DataFrame) -> None:
    error = refusal(frame)
    assert "an index is no column" in error.message
    assert "reset_index()" in str(error.hint)


def test_column_labels() -> None:
    assert read(pd.DataFrame([[1, 2]])).to_pydict() == {"0": [1], "1": [2]}
    assert "more than one column named 'a'" in refusal(pd.DataFrame([[1, 2]], columns=["a", "a"])).message
    assert "several levels" in refusal(pd.DataFrame({("a", "b"): [1]})).message


def test_a_column_of_mixed_objects() -> None:
    error = refusal(pd.DataFrame({"a": [1, 2], "b": [np.nan, "x"], "c": [1, "x"]}))
    assert error.message.startswith("column 'c' of the pandas DataFrame mixes types: row 1: 'x' is a str")
    assert error.row == 1


def test_a_column_of_objects_in_a_declared_type() -> None:
    spec = TableSpec("t", (ColumnSpec("p", pa.decimal128(9, 2)), ColumnSpec("j", pa.json_())))
    frame = pd.DataFrame({"p": [Decimal("1.5"), np.nan], "j": [{"a": 1}, None]})
    table = read(frame, spec)
    assert table.schema.types == [pa.decimal128(9, 2), pa.json_()]
    assert table.to_pydict() == {"p": [Decimal("1.50"), None], "j": ['{"a":1}', None]}
    with pytest.raises(ConversionError, match="column 'p', row 1: Decimal"):
        read(pd.DataFrame({"p": [Decimal("1.5"), Decimal("1.555")]}), spec)


@pytest.mark.parametrize("column", [[1 + 2j], pd.arrays.SparseArray([1.0])])
def test_a_column_without_an_arrow_type(column) -> None:
    assert "column 'a' of the pandas DataFrame has no Arrow type" in refusal(pd.DataFrame({"a": column})).message


# ---- pyarrow datasets ---------------------------------------------------------------------------------------------------


def test_the_filter_and_projection_of_a_dataset_hold(tmp_path: Path) -> None:
    data = dataset(tmp_path)
    assert read(data.filter(pc.field("id") > 1)).column("id").to_pylist() == [2, 3]
    assert read(data.scanner(columns=["name"])).column_names == ["name"]


def test_a_dataset_of_another_format(tmp_path: Path) -> None:
    ds.write_dataset(TABLE, tmp_path, format="arrow")
    assert read(ds.dataset(tmp_path, format="arrow")).to_pydict() == TABLE.to_pydict()
    assert read(ds.dataset(TABLE)).to_pydict() == TABLE.to_pydict()


def test_a_file_of_a_dataset_that_is_gone(tmp_path: Path) -> None:
    data = dataset(tmp_path)
    (tmp_path / "t.parquet").unlink()
    assert "t.parquet" in refusal(data).message


# ---- several frames -----------------------------------------------------------------------------------------------------


def test_frames_of_another_schema() -> None:
    error = refusal([TABLE, TABLE.drop_columns("name")])
    assert "item 1 of list of Table has other columns or types than the first: 'name' is missing" in error.message
    assert "'a' is string, not int64" in refusal(iter([pa.table({"a": [1]}), pa.table({"a": ["x"]})])).message
    assert "'b' is new" in refusal([pa.table({"a": [1]}), pa.table({"a": [1], "b": [1]})]).message


def test_a_generator_of_frames_is_lazy_and_closed() -> None:
    given, closed = 0, False

    def frames() -> Iterator[pa.Table]:
        nonlocal given, closed
        try:
            while True:
                given += 1
                yield pa.table({"a": pa.array(np.arange(100_000))})
        finally:
            closed = True

    with open_batches(frames()) as stream:
        assert given == 1
        batches = iter(stream)
        for _ in range(4):
            next(batches)
        assert given <= 3
        assert not closed
    assert closed


def test_pandas_read_in_chunks(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{n},x\n" for n in range(100)))
    with pd.read_csv(tmp_path / "t.csv", chunksize=30) as chunks:
        assert read(list(chunks)).column("a").to_pylist() == list(range(100))


def test_a_stream_of_ours_passes_as_it_is() -> None:
    stream = open_batches(TABLE)
    assert open_batches(stream) is stream
    assert isinstance(stream, BatchStream)
