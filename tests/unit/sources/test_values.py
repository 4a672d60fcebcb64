"""Python objects become Arrow exactly, or the value at fault is named: what `pa.array` would change without a word."""

from __future__ import annotations

import datetime as dt
import enum
import ipaddress
import uuid
import warnings
from collections import namedtuple
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

import dateutil.tz
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrowsync.sources.objects.kinds import Misfit
from arrowsync.sources.objects.to_arrow import to_array, type_of

US = pa.timestamp("us")
UTC = pa.timestamp("us", "UTC")
LABELS = pa.dictionary(pa.int32(), pa.string())
BERLIN = ZoneInfo("Europe/Berlin")


def timedelta_without_unit() -> np.timedelta64:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy is to refuse it
        return np.timedelta64(5)


class Color(enum.Enum):
    RED = "red"


class Wrapped(enum.Enum):
    FINE = pd.Timestamp(1)
    NOON = pd.Timestamp(2024, 2, 29, 12, 30, 1, 5)
    HOST = ipaddress.ip_address("10.0.0.1")
    DAY = np.datetime64("2024-02-29")


class Level(enum.IntEnum):
    HIGH = 3


class Size(enum.StrEnum):
    BIG = "big"


@dataclass
class Point:
    x: int
    y: int


Pair = namedtuple("Pair", "x y")


def build(values, declared=None) -> pa.Array:
    array = to_array(values, type_of(values, declared))
    array.validate(full=True)
    return array


def misfit(values, declared=None) -> tuple[int, str]:
    with pytest.raises(Misfit) as caught:
        build(values, declared)
    return caught.value.index, caught.value.reason


NOON = dt.datetime(2024, 2, 29, 12, 30, 1, 5)
U = uuid.UUID(int=7)


@pytest.mark.parametrize(
    ("values", "declared", "expected"),
    [
        # the declared kind: as it travels to the converter
        ([1, None], pa.int16(), pa.array([1, None], pa.int64())),
        ([2**64 - 1], pa.uint64(), pa.array([2**64 - 1], pa.uint64())),
        ([1.5, 2], pa.float32(), pa.array([1.5, 2.0], pa.float64())),
        ([1, 2.0, Decimal("3.0")], pa.int32(), pa.array([1, 2, 3], pa.int64())),
        ([Decimal("1.5"), 2], pa.decimal128(9, 3), pa.array([Decimal("1.5"), 2], pa.decimal128(9, 3))),
        (["a", None], pa.large_string(), pa.array(["a", None])),
        ([b"a", bytearray(b"b"), memoryview(b"cxc")[::2]], pa.binary(), pa.array([b"a", b"b", b"cc"])),
        ([NOON], pa.timestamp("ns"), pa.array([NOON], US)),
        ([NOON, NOON.date()], US, pa.array([NOON, dt.datetime(2024, 2, 29)], US)),
        ([NOON.date(), dt.datetime(2024, 3, 1)], pa.date32(), pa.array([NOON.date(), dt.date(2024, 3, 1)])),
        ([NOON.time()], pa.time64("ns"), pa.array([NOON.time()], pa.time64("us"))),
        ([dt.timedelta(days=-1, microseconds=1)], pa.duration("us"), pa.array([-86_399_999_999], pa.duration("us"))),
        ([U, None], pa.uuid(), pa.array([U, None], pa.uuid())),
        ([Color.RED, "red", None], LABELS, pa.array(["red", "red", None], LABELS)),
        ([Level.HIGH], LABELS, pa.array(["3"], LABELS)),
        ([Level.HIGH, 4], pa.int64(), pa.array([3, 4])),
        ([Size.BIG], pa.string(), pa.array(["big"])),
        ([None, None], pa.int8(), pa.array([None, None], pa.int64())),
        ([[1, None], None, (), {3}], pa.list_(pa.int16()), pa.array([[1, None], None, [], [3]], pa.list_(pa.int64()))),
        ([[Color.RED]], pa.list_(LABELS), pa.array([["red"]], pa.list_(LABELS))),
        # another kind: its own type, for the converter to judge
        (["1"], pa.int64(), pa.array(["1"])),
        ([1.5], pa.int64(), pa.array([1.5])),
        ([True], pa.int64(), pa.array([True])),
        ([1], pa.string(), pa.array([1])),
        ([NOON], UTC, pa.array([NOON], US)),
        ([NOON], pa.date32(), pa.array([NOON], US)),
        ([b"\x00" * 16], pa.uuid(), pa.array([b"\x00" * 16])),
        ([str(U)], pa.uuid(), pa.array([str(U)])),
        ([0.1], pa.decimal128(5, 2), pa.array([0.1])),
        ([["1"]], pa.list_(pa.int64()), pa.array([["1"]])),
        # undeclared
        ([1, 2.5], None, pa.array([1.0, 2.5])),
        ([2**63], None, pa.array([2**63], pa.uint64())),
        ([2**63, -1], None, pa.array([2**63, -1], pa.decimal128(38, 0))),
        ([Decimal("1.25"), 7], None, pa.array([Decimal("1.25"), 7], pa.decimal128(38, 2))),
        ([Decimal("1E+40")], None, pa.array([Decimal("1E+40")], pa.decimal256(76, 0))),
        ([None], None, pa.nulls(1)),
        ([ipaddress.ip_address("::1"), ipaddress.ip_address("10.0.0.1")], None, pa.array(["::1", "10.0.0.1"])),
        ([Point(1, 2), None], None, pa.array([{"x": 1, "y": 2}, None])),
        ([Pair(1, "a"), {"x": 2}], None, pa.array([{"x": 1, "y": "a"}, {"x": 2, "y": None}])),
        ([[[1], []], [None]], None, pa.array([[[1], []], [None]])),
        # of numpy, pandas, pyarrow
        ([np.int8(1), np.uint32(2), 3], None, pa.array([1, 2, 3])),
        ([np.float32(0.5), 1.5], None, pa.array([0.5, 1.5])),
        ([np.bool_(True), False], None, pa.array([True, False])),
        ([np.str_("a")], None, pa.array(["a"])),
        ([np.datetime64("2024-02-29T12:30:01.000005000", "ns"), np.datetime64("NaT", "ns")], None, pa.array([NOON, None], US)),
        ([np.datetime64("2024-02-29")], None, pa.array([NOON.date()])),
        ([np.timedelta64(5, "ms")], None, pa.array([5_000], pa.duration("us"))),
        ([pd.Timestamp(NOON), pd.NaT, pd.NA], None, pa.array([NOON, None, None], US)),
        ([pd.Timedelta(5, "ms")], None, pa.array([5_000], pa.duration("us"))),
        ([np.array([[1, 2], [3, 4]])], None, pa.array([[[1, 2], [3, 4]]])),
        ([pa.scalar(5), pa.scalar(None, pa.int64())], None, pa.array([5, None])),
        ([np.datetime64("9999-12-31T23:59:59.999999"), np.datetime64("0001-01-01", "s")], None,
         pa.array([dt.datetime.max, dt.datetime.min], US)),
        ([np.datetime64(3, (unit, 7)) for unit in ("h", "s", "us")], None,
         pa.array([21 * 3_600_000_000, 21_000_000, 21], US)),
        ([np.timedelta64(1, "W"), np.timedelta64(-(10**6), "ps")], None, pa.array([604_800_000_000, -1], pa.duration("us"))),
        ([np.array(["2024-02-29T12:30:01.000005", "NaT"], "M8[ns]")], None, pa.array([[NOON, None]])),
        ([np.array([[5_000], [6_000]], "m8[ns]")], None, pa.array([[[5], [6]]], pa.list_(pa.list_(pa.duration("us"))))),
        ([np.ma.masked, 1], None, pa.array([None, 1])),
        ([np.ma.array([1, 2], mask=[False, True]), [np.ma.masked]], None, pa.array([[1, None], [None]])),
        # wrapped more than once
        ([Wrapped.NOON, None], None, pa.array([NOON, None], US)),
        ([Wrapped.HOST], None, pa.array(["10.0.0.1"])),
        ([Wrapped.DAY], None, pa.array([NOON.date()])),
        ([pa.scalar(NOON, pa.timestamp("ns"))], None, pa.array([NOON], US)),
        ([pa.scalar(5_000, pa.duration("ns"))], None, pa.array([5], pa.duration("us"))),
        ([pa.scalar(5_000, pa.time64("ns")), pa.scalar(None, pa.time64("ns"))], None, pa.array([5, None], pa.time64("us"))),
        ([pa.scalar([{"a": 5_000}], pa.list_(pa.struct([("a", pa.time64("ns"))])))], None,
         pa.array([[{"a": dt.time(0, 0, 0, 5)}]])),
    ],
)  # fmt: skip
def test_exact(values, declared, expected) -> None:
    array = build(values, declared)
    assert array.type == expected.type
    assert array.equals(expected)


def test_json_is_text_of_its_own_or_dumped() -> None:
    array = build([{"a": [1, None]}, '{"b":2}', [1.5, "é"], True, 7, None], pa.json_())
    assert array.type == pa.json_()
    assert array.to_pylist() == ['{"a":[1,null]}', '{"b":2}', '[1.5,"é"]', "true", "7", None]


def test_aware_datetimes_keep_their_instant() -> None:
    fold = dt.datetime(2020, 10, 25, 2, 30, tzinfo=BERLIN, fold=1)
    odd = dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1, microseconds=7)))
    array = build([fold, odd, None], UTC)
    assert array.type == UTC
    assert array.to_pylist() == [fold.astimezone(dt.UTC), odd.astimezone(dt.UTC), None]


ZONES = [
    *(dt.UTC, ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")),
    *(dt.timezone(dt.timedelta(hours=-5)), dt.timezone(dt.timedelta(hours=1, microseconds=7))),
]


@given(st.data(), st.lists(st.sampled_from(ZONES), min_size=1, max_size=3))
def test_datetimes_of_any_zones_keep_their_instant(data: st.DataObject, zones: list[dt.tzinfo]) -> None:
    moments = st.datetimes(timezones=st.sampled_from(zones))
    values = data.draw(st.lists(moments, min_size=1))
    walls = [value.replace(tzinfo=None) - dt.datetime(1970, 1, 1) for value in values]
    instants = [wall - (value.utcoffset() or dt.timedelta()) for wall, value in zip(walls, values, strict=True)]
    wanted = [instant // dt.timedelta(microseconds=1) for instant in instants]
    assert to_array(values, UTC).cast(pa.int64()).to_pylist() == wanted
    assert to_array([None, *values], UTC).cast(pa.int64()).to_pylist() == [None, *wanted]


@pytest.mark.parametrize("complete", [True, False])
def test_zones_of_dateutil_which_have_no_hash(complete: bool) -> None:
    zones = [dateutil.tz.UTC, dateutil.tz.tzoffset(None, 3600), dateutil.tz.tzoffset("other", 3600)]
    berlin = [dateutil.tz.gettz.nocache("Europe/Berlin"), dateutil.tz.gettz.nocache("Europe/Berlin"), BERLIN]
    rest = [] if complete else [None]
    for several in (zones[:1], zones, berlin[:1], [*berlin, dt.UTC]):
        moments = [dt.datetime(2020, 10, 25, 2, 30, tzinfo=zone, fold=1) for zone in several]
        array = build([*moments, *rest])
        assert array.type == UTC
        assert array.to_pylist() == [*(moment.astimezone(dt.UTC) for moment in moments), *rest]
    with pytest.raises(Misfit, match="a time with a time zone"):
        build([*rest, dt.time(1, tzinfo=dateutil.tz.UTC)])


def test_instants_before_the_first_year_of_python() -> None:
    zone = dt.timezone(dt.timedelta(hours=1, microseconds=1))
    array = build([dt.datetime(1, 1, 1, tzinfo=zone), None])
    year_one = (dt.datetime(1, 1, 1) - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1)
    assert array.cast(pa.int64()).to_pylist() == [year_one - 3_600_000_001, None]


def test_a_zone_without_an_offset_is_named() -> None:
    class Nowhere(dt.tzinfo):
        def utcoffset(self, moment: dt.datetime | None) -> None:
            return None

    values = [None, dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 1, 1, tzinfo=Nowhere())]
    with pytest.raises(Misfit, match="whose time zone has no offset") as caught:
        to_array(values, UTC)
    assert caught.value.index == 2


def test_sets_are_stored_in_one_order() -> None:
    labels = [f"{number:02}" for number in range(50)]
    assert build([set(labels), frozenset(labels)]).to_pylist() == [labels, labels]
    assert build([{U, uuid.UUID(int=3)}]).to_pylist() == [[uuid.UUID(int=3), U]]


@pytest.mark.parametrize(
    ("values", "declared", "index", "reason"),
    [
        ([1, 1.5], pa.int64(), 1, "not a whole number"),
        ([1, float("nan")], pa.int64(), 1, "not a whole number"),
        ([1, Decimal("1.5")], pa.int64(), 1, "not a whole number"),
        ([1, None, True], pa.int64(), 2, "a bool, where earlier rows hold an int"),
        ([1, 2**63], pa.int64(), 1, "not exactly representable as an int64"),
        ([-1], pa.uint64(), 0, "not exactly representable as a uint64"),
        ([0.5, 2**53 + 1], pa.float64(), 1, "not exactly representable as a double"),
        ([0.5, True], pa.float64(), 1, "a bool"),
        ([np.longdouble("0.1")], pa.float64(), 0, "no type of a column"),
        ([Decimal("1.5"), Decimal("1.555")], pa.decimal128(5, 2), 1, "decimal128"),
        ([Decimal("NaN")], pa.decimal128(5, 2), 0, "decimal128"),
        ([Decimal("1.5"), 1.5], pa.decimal128(5, 2), 1, "a float"),
        (["a", b"a"], pa.string(), 1, "a bytes"),
        (["a", "\ud800"], pa.string(), 1, "no valid Unicode"),
        (["a", 1], pa.string(), 1, "an int"),
        ([b"a", "a"], pa.binary(), 1, "a str"),
        ([NOON.date(), NOON], pa.date32(), 1, "a date with a time of day"),
        ([NOON, NOON.replace(tzinfo=BERLIN)], UTC, 1, "a datetime with a time zone, where earlier rows hold a datetime without"),
        ([NOON.replace(tzinfo=BERLIN), NOON], None, 1, "a datetime without a time zone"),
        ([NOON, 5], US, 1, "an int"),
        ([NOON.time().replace(tzinfo=dt.UTC)], pa.time64("us"), 0, "a time with a time zone"),
        ([pd.Timestamp(1)], US, 0, "finer than a microsecond"),
        ([pd.Timedelta(1)], None, 0, "finer than a microsecond"),
        ([np.datetime64(1, "ns")], None, 0, "finer than a microsecond"),
        ([None, Wrapped.FINE], None, 1, "finer than a microsecond"),
        ([pa.scalar(1, pa.timestamp("ns"))], None, 0, "finer than a microsecond"),
        ([pa.scalar(1_001, pa.duration("ns"))], None, 0, "finer than a microsecond"),
        ([None, pa.scalar(1_001, pa.time64("ns"))], None, 1, "finer than a microsecond"),
        ([pa.scalar([1_001], pa.list_(pa.time64("ns")))], None, 0, "finer than a microsecond"),
        ([pa.scalar({"a": 1_001}, pa.struct([("a", pa.time64("ns"))]))], None, 0, "finer than a microsecond"),
        ([pa.scalar([("a", 1_001)], pa.map_(pa.string(), pa.time64("ns")))], None, 0, "finer than a microsecond"),
        ([pa.array([1_001], pa.time64("ns")).dictionary_encode()[0]], None, 0, "finer than a microsecond"),
        ([None, pa.scalar(2**62, pa.timestamp("s"))], None, 1, "beyond what Python"),
        ([pa.scalar(10**8, pa.date32())], None, 0, "beyond what Python"),
        ([[], np.array([1_000, 1], "M8[ns]")], None, 1, "finer than a microsecond"),
        ([np.array([1], "m8[ns]")], pa.list_(pa.duration("us")), 0, "finer than a microsecond"),
        ([np.datetime64(2**60, "s")], None, 0, "beyond what Python"),
        ([np.datetime64(10**15, "Y")], None, 0, "beyond what Python"),
        ([np.datetime64("10000-01-01")], pa.int64(), 0, "beyond what Python"),
        ([np.datetime64("10000-01-01", "us")], pa.int64(), 0, "beyond what Python"),
        ([np.datetime64("0000-12-31T23", "h")], None, 0, "beyond what Python"),
        ([np.timedelta64(2**58, "s")], None, 0, "beyond what Python"),
        ([None, np.timedelta64(10**12, "D")], None, 1, "beyond what Python"),
        ([np.timedelta64(2**62, (("us", 25)))], None, 0, "beyond what Python"),
        ([np.timedelta64(5, "Y")], None, 0, "without a unit that has a fixed length"),
        ([timedelta_without_unit()], None, 0, "without a unit that has a fixed length"),
        ([[1], np.array(5)], None, 1, "an array without dimensions"),
        ([1, 10**5000], pa.int64(), 1, "not exactly representable"),
        ([1, 10**5000], None, 1, "not exactly representable"),
        ([None, 10**5000], pa.json_(), 1, "not JSON"),
        ([{"x": 1}, {10**5000: 1}], None, 1, "a member named an int of 16610 bits"),
        ([{"x": 1}, {1: 1, "1": 2}], None, 1, "a member named 1, which is no text"),
        ([{"1": 2}, {1: 2, "1": 3}], pa.json_(), 1, "a key is no text"),
        ([[{"a": ({True: 1, "true": 2},)}]], pa.json_(), 0, "a key is no text"),
        ([dt.timedelta.max], pa.duration("us"), 0, "duration"),
        ([U, b"x"], pa.uuid(), 1, "a bytes"),
        ([{"a": 1}, {"a": {1, 2}}], pa.json_(), 1, "not JSON"),
        ([[1], float("inf")], pa.json_(), 1, "not JSON"),
        ([[1], [2, "x"]], pa.list_(pa.int64()), 1, "a str"),
        ([[1], None, [2], [3, 4.5]], pa.list_(pa.int64()), 3, "not a whole number"),
        (["ab", ["c"]], pa.list_(pa.string()), 1, "a list"),
        ([1, "x"], None, 1, "a str, where earlier rows hold an int"),
        ([None, object()], None, 1, "an object, which is no type of a column"),
        ([1 + 2j], pa.float64(), 0, "a complex"),
        ([Decimal("1E+40"), Decimal("1E-40")], None, 0, "decimal256"),
    ],
)  # fmt: skip
def test_misfits(values, declared, index, reason) -> None:
    at, why = misfit(values, declared)
    assert at == index
    assert reason in why


def test_a_later_chunk_keeps_to_the_type_of_the_first() -> None:
    assert to_array([1, 2.0], pa.int64()).to_pylist() == [1, 2]
    assert to_array([1], pa.float64()).to_pylist() == [1.0]
    for values, kind in [(["a"], pa.int64()), ([1], pa.null()), ([{"x": 1, "new": 2}], pa.struct([("x", pa.int64())]))]:
        with pytest.raises(Misfit):
            to_array(values, kind)


@given(
    st.one_of(
        st.tuples(st.just(pa.int64()), st.lists(st.none() | st.integers(-(2**63), 2**63 - 1))),
        st.tuples(st.just(pa.float64()), st.lists(st.none() | st.floats(allow_nan=False))),
        st.tuples(st.just(pa.decimal128(38, 9)), st.lists(st.none() | st.decimals(-(10**28), 10**28, places=9))),
        st.tuples(st.just(pa.string()), st.lists(st.none() | st.text())),
        st.tuples(st.just(pa.binary()), st.lists(st.none() | st.binary())),
        st.tuples(st.just(US), st.lists(st.none() | st.datetimes())),
        st.tuples(st.just(UTC), st.lists(st.none() | st.datetimes(timezones=st.just(dt.UTC)))),
        st.tuples(st.just(pa.date32()), st.lists(st.none() | st.dates())),
        st.tuples(st.just(pa.time64("us")), st.lists(st.none() | st.times())),
        st.tuples(st.just(pa.duration("us")), st.lists(st.none() | st.timedeltas(dt.timedelta(-(10**8)), dt.timedelta(10**8)))),
        st.tuples(st.just(pa.uuid()), st.lists(st.none() | st.uuids())),
        st.tuples(st.just(pa.list_(pa.string())), st.lists(st.none() | st.lists(st.none() | st.text()))),
    )
)  # fmt: skip
def test_values_of_the_declared_type_come_back_equal(column) -> None:
    kind, values = column
    array = build(values, kind)
    assert array.type == kind
    assert array.to_pylist() == values
