"""`open_batches`: what is no data says so, options go with their kind of data, and batches have a bounded size."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest

import arrowsync
from arrowsync.errors import DeclarationError, SourceError
from arrowsync.sources.open import BATCH_BYTES, BATCH_ROWS, SMALL_ROWS, open_batches


@dataclass
class Row:
    a: int


async def rows():
    yield (1,)


async def coroutine() -> list[tuple[int]]:
    return [(1,)]


@pytest.mark.parametrize(
    ("data", "message", "hint"),
    [
        (None, "None was given", "can"),
        (5, r"5 \(int\) is no data", "paths and URLs of files"),
        (object(), "is no data", "paths and URLs of files"),
        (b"id,name", "the format of 'bytes' can't be told", "csv"),
        (io.BytesIO(b"id,name"), "the format of 'BytesIO' can't be told", "csv"),
        ({"a": [1]}, "a single dict is no table", r"pa.table\(columns\)"),
        (Row(1), "a single Row object is no table", r"\[row\]"),
        (Row, "the class Row is no data", "the data comes first"),
        (rows(), "is asynchronous", "async for"),
        (np.array([[1, 2]]), "no tuple, list, dict or dataclass object", "arrays and frames are passed as such"),
    ],
)
def test_what_is_no_data(data, message: str, hint: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        open_batches(data)
    assert re.search(hint, str(caught.value.hint))


def test_a_coroutine_that_was_not_awaited() -> None:
    forgotten = coroutine()
    with pytest.raises(SourceError, match="is no data"):
        open_batches(forgotten)
    assert asyncio.run(forgotten) == [(1,)]


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (pa.table({"a": [1]}), {"format": "parquet"}, "format='parquet' is said of pyarrow Table"),
        (pa.table({"a": [1]}), {"field_names": ["a"]}, "field_names is said of pyarrow Table"),
        (b"PAR1\0", {"field_names": ["a"]}, "field_names is said of 'bytes', which is Parquet"),
        (iter([pa.table({"a": [1]})]), {"field_names": ["a"]}, "field_names is said of list_iterator of Table"),
        ([(1,)], {"batch_rows": 0}, "batch_rows=0"),
    ],
)
def test_options_that_do_not_go_with_the_data(data, options, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        open_batches(data, **options)


def test_columns_that_are_none_or_the_same() -> None:
    with pytest.raises(SourceError, match="has no columns"):
        open_batches(pa.table({}))
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(SourceError, match="more than one column named 'a'"):
        open_batches(twice)
    with pytest.raises(SourceError, match="more than one column named 'a'"):
        open_batches([(1, 2)], field_names=["a", "a"])


def test_metadata_of_the_source_is_left_out() -> None:
    table = pa.table({"a": [1]}).replace_schema_metadata({"pandas": "..."})
    with open_batches(table) as stream:
        assert stream.schema.metadata is None
        assert [batch.schema.metadata for batch in stream] == [None]


# ---- batches of a bounded size ------------------------------------------------------------------------------------------


def sizes(batches: list[pa.RecordBatch], **options) -> list[int]:
    source = pa.RecordBatchReader.from_batches(batches[0].schema, batches)
    with open_batches(source, **options) as stream:
        result = list(stream)
    assert pa.Table.from_batches(result).equals(pa.Table.from_batches(batches))
    return [batch.num_rows for batch in result]


def batch_of(rows: int, start: int = 0) -> pa.RecordBatch:
    return pa.record_batch({"a": pa.array(np.arange(start, start + rows))})


def test_a_big_batch_is_sliced_by_rows() -> None:
    assert sizes([batch_of(2 * BATCH_ROWS + 5)]) == [BATCH_ROWS, BATCH_ROWS, 5]
    assert sizes([batch_of(25)], batch_rows=10) == [10, 10, 5]


def test_a_big_batch_is_sliced_by_bytes() -> None:
    wide = pa.record_batch({"a": pa.array(["x" * 1_000_000] * 100)})
    rows = sizes([wide])
    assert max(rows) * 1_000_000 <= BATCH_BYTES
    assert len(rows) < 6


def test_a_row_bigger_than_a_batch_is_a_batch() -> None:
    assert sizes([pa.record_batch({"a": ["x" * 40_000_000] * 2})]) == [1, 1]


def test_runs_of_tiny_batches_are_joined() -> None:
    tiny = [batch_of(1, start) for start in range(10_000)]
    assert sizes(tiny) == [SMALL_ROWS, 10_000 - SMALL_ROWS]
    assert sizes(tiny[:25], batch_rows=10) == [10, 10, 5]


def test_a_tiny_batch_beside_a_big_one_is_not_joined_with_it() -> None:
    assert sizes([batch_of(3), batch_of(50_000), batch_of(4), batch_of(5)]) == [3, 50_000, 9]


def test_empty_batches_are_left_out() -> None:
    assert sizes([batch_of(0), batch_of(20_000), batch_of(0)]) == [20_000]


@pytest.mark.parametrize("labels", [3, 300], ids=["that fit one", "beyond the index type of one"])
def test_batches_of_different_dictionaries(labels: int) -> None:
    """Joined where one dictionary can hold all labels, left alone where it can't."""
    values = [f"label {number}" for number in range(labels)]
    index = pa.array([0, 1], pa.int8())
    batches = [
        pa.record_batch({"d": pa.DictionaryArray.from_arrays(index, pa.array([value, "same"]))}) for value in values
    ]
    with open_batches(pa.Table.from_batches(batches)) as stream:
        result = list(stream)
    assert [text for batch in result for text in batch.column("d").to_pylist()] == [
        text for value in values for text in (value, "same")
    ]
    assert len(result) == (1 if labels == 3 else 300)


def test_what_is_read_so_far_is_not_all_when_the_source_fails() -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield batch_of(5)
        raise KeyError("lost")

    with pytest.raises(KeyError), open_batches(batches()) as stream:
        list(stream)


def test_the_source_is_closed_when_its_columns_are_refused() -> None:
    closed = False

    def twins() -> Iterator[tuple[int, int]]:
        nonlocal closed
        try:
            while True:
                yield 1, 2
        finally:
            closed = True

    generator = twins()
    with pytest.raises(SourceError):
        open_batches(generator, field_names=["a", "a"])
    assert closed


# ---- other databases ----------------------------------------------------------------------------------------------------


class Cursor:
    """As much of ADBC's cursor as is asked for."""

    def __init__(self, table: pa.Table | None) -> None:
        self._table = table

    def fetch_record_batch(self) -> pa.RecordBatchReader:
        if self._table is None:
            raise RuntimeError("Cannot fetch_record_batch() before execute()")
        return self._table.to_reader(max_chunksize=10)

    def __iter__(self) -> Iterator[object]:
        raise AssertionError("rows aren't fetched one by one")


def test_the_result_of_a_cursor_is_streamed() -> None:
    table = pa.table({"id": list(range(100))})
    with open_batches(Cursor(table)) as stream:
        assert stream.read_all().equals(table)
    with pytest.raises(SourceError, match=r"has no result to read: Cannot fetch_record_batch\(\) before execute"):
        open_batches(Cursor(None))


def test_a_table_of_another_connection_is_streamed() -> None:
    rows = [Row(number) for number in range(100_000)]
    with arrowsync.connect("duckdb://") as one, arrowsync.connect("duckdb://") as other:
        arrowsync.sync_table(rows, Row, one)
        assert arrowsync.sync_table(arrowsync.read_batches(Row, one), Row, other).inserted == 100_000
        with pytest.raises(arrowsync.DatabaseError, match="busy with loading this very source"):
            arrowsync.sync_table(arrowsync.read_batches(Row, one), Row, one)
        assert one.fetch('SELECT count(*) AS n FROM "Row"').to_pylist() == [{"n": 100_000}]
