"""`BatchStream`: read once, closed by whoever ends it."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pyarrow as pa
import pytest

from arrowsync.errors import SourceError
from arrowsync.sources.stream import BatchStream

SCHEMA = pa.schema([("x", pa.int64())])


def batch_of(*values: int) -> pa.RecordBatch:
    return pa.record_batch({"x": list(values)}, schema=SCHEMA)


class Source:
    """Three batches, and a note of what became of them."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.given = 0
        self.ended = False
        self.closed = 0
        self.fail_at = fail_at

    def batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for number in range(3):
                if number == self.fail_at:
                    raise KeyError("lost")
                self.given += 1
                yield batch_of(number)
        finally:
            self.ended = True

    def close(self) -> None:
        self.closed += 1

    def stream(self) -> BatchStream:
        return BatchStream(SCHEMA, self.batches(), name="a test", close=self.close)


def test_exhausting_closes_the_source_once() -> None:
    source = Source()
    stream = source.stream()
    assert stream.read_all().to_pydict() == {"x": [0, 1, 2]}
    stream.close()
    assert source.ended
    assert source.closed == 1


def test_it_is_read_as_it_is_consumed() -> None:
    source = Source()
    batches = iter(source.stream())
    assert source.given == 0
    next(batches)
    assert source.given == 1


def test_closing_early_ends_the_source() -> None:
    source = Source()
    with source.stream() as stream:
        next(iter(stream))
    assert source.ended
    assert source.closed == 1


def test_closing_before_the_first_batch_calls_close() -> None:
    source = Source()
    source.stream().close()
    assert source.closed == 1


def test_an_error_of_the_source_comes_through_and_closes_it() -> None:
    source = Source(fail_at=1)
    with pytest.raises(KeyError, match="lost"):
        source.stream().read_all()
    assert source.closed == 1


@pytest.mark.parametrize("end", [BatchStream.read_all, BatchStream.close])
def test_a_second_reading_is_an_error(end) -> None:
    stream = Source().stream()
    end(stream)
    with pytest.raises(SourceError, match="already"):
        iter(stream)


def test_closed_while_it_is_read_is_no_end_of_the_data() -> None:
    stream = Source().stream()
    batches = iter(stream)
    next(batches)
    stream.close()
    with pytest.raises(SourceError, match="closed while it was read"):
        next(batches)


def test_it_is_an_arrow_stream() -> None:
    assert pl.DataFrame(Source().stream()).to_dict(as_series=False) == {"x": [0, 1, 2]}
    assert pa.table(Source().stream()).num_rows == 3
    assert Source().stream().reader().read_all().num_rows == 3
