"""The flights of 2013, a pandas frame as it comes: NaN, missing text, whole numbers as floats, times as text."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from examples.flights import Flight, flights_frame

import arrowsync

flights = flights_frame()


def frame_for(url: str) -> pd.DataFrame:
    """All flights; where they take longer, some."""
    return flights.iloc[::8] if url.startswith(("mysql", "mariadb", "sqlite")) else flights


def expected(frame: pd.DataFrame) -> pl.DataFrame:
    """What is declared, made from the frame by another library."""
    types = {f.name: f.type for f in arrowsync.open_source([], Flight).schema}
    made = pl.from_pandas(frame, nan_to_null=True).with_columns(
        pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")
    )
    whole = [name for name, kind in types.items() if pa.types.is_integer(kind)]
    return made.with_columns(pl.col(whole).cast(pl.Int64)).select(*types)


def test_the_flights_are_all_there_and_incomplete() -> None:
    made = expected(flights)
    assert (len(made), made["dep_time"].null_count(), made["tailnum"].null_count()) == (336_776, 8_255, 2_512)


def test_the_frame_round_trips(database_url: str) -> None:
    frame = frame_for(database_url)
    report = arrowsync.sync_table(frame, Flight, database_url)
    assert (report.rows_read, report.inserted) == (len(frame), len(frame))
    stored = arrowsync.read_table(Flight, database_url)
    assert stored.schema == arrowsync.open_source([], Flight).schema
    key = ["time_hour", "carrier", "flight", "origin"]
    whole = pl.from_arrow(stored)
    assert isinstance(whole, pl.DataFrame)
    same_width = whole.with_columns(pl.col(pl.Int8, pl.Int16).cast(pl.Int64)).sort(key)
    assert same_width.equals(expected(frame).sort(key), null_equal=True)
    assert stored["dep_time"].null_count == frame["dep_time"].isna().sum() > 0
    assert stored["tailnum"].null_count == frame["tailnum"].isna().sum() > 0

    again = arrowsync.sync_table(frame, Flight, database_url)
    assert again.outcomes() == {"inserted": 0, "updated": 0, "unchanged": len(frame)}
    assert again.changes == ()


def test_one_per_cent_changed_is_one_per_cent_written(database_url: str) -> None:
    frame = frame_for(database_url)
    arrowsync.sync_table(frame, Flight, database_url)
    later = frame.reset_index(drop=True)
    changed = later.index % 100 == 0
    later.loc[changed, "distance"] += 1
    report = arrowsync.sync_table(later, Flight, database_url)
    unchanged = len(frame) - changed.sum()
    assert report.outcomes() == {"inserted": 0, "updated": changed.sum(), "unchanged": unchanged}


def test_a_float_that_is_no_whole_number_is_refused(database_url: str) -> None:
    broken = flights.copy()
    broken.loc[1234, "dep_time"] = 517.5
    with pytest.raises(arrowsync.ConversionError) as caught:
        arrowsync.sync_table(broken, Flight, database_url)
    assert (caught.value.column, caught.value.rows, caught.value.sample) == ("dep_time", (1234,), (517.5,))


def test_an_index_never_slips_in(database_url: str) -> None:
    indexed = pd.DataFrame({"id": [1, 2], "x": ["a", "b"]}).iloc[::-1]
    arrowsync.sync_table(indexed, "plain", database_url, key="id")
    assert arrowsync.read_table("plain", database_url).column_names == ["id", "x"]
