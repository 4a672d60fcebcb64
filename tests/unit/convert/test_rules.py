"""Every conversion rule: what arrives exactly, what is refused, and for which reason."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from arrowsync.convert import Converter, compile_converter
from arrowsync.convert.layouts import plain_type
from arrowsync.convert.rules import RULES, Family, family_of, target_family
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import ConversionError

D = Decimal
NAN, INF = float("nan"), float("inf")
US, UTC_US = pa.timestamp("us"), pa.timestamp("us", "UTC")
ENUM = pa.dictionary(pa.int32(), pa.string())
LABELS = ("red", "green", "dark blue")
ID = UUID("0123abcd-4567-89ef-0123-456789abcdef")
FIRST, LAST = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)
EAST = timezone(timedelta(hours=5, minutes=30))
MICROS_OF_YEAR_10000 = 253_402_300_800_000_000
DAYS_OF_YEAR_10000 = 2_932_897


@dataclass(frozen=True)
class Case:
    """`good` pairs a value of the `source` type with the value that it becomes; `bad` a value with the reason."""

    source: pa.DataType
    target: pa.DataType
    good: Sequence[tuple[Any, Any]]
    bad: Sequence[tuple[Any, str]] = ()
    max_length: int | None = None

    @property
    def column(self) -> ColumnSpec:
        labels = LABELS if self.target == ENUM else ()
        return ColumnSpec(
            "c",
            self.target,
            nullable=True,
            max_length=self.max_length,
            labels=labels,
            enum_name="Color" if labels else None,
        )

    @property
    def families(self) -> tuple[Family | None, Family | None]:
        return family_of(plain_type(self.source)), target_family(self.column)

    def __str__(self) -> str:
        return f"{self.source} to {self.target}"


def same(*values: Any) -> list[tuple[Any, Any]]:
    return [(value, value) for value in values]


def out_of(name: str, *values: Any) -> list[tuple[Any, str]]:
    return [(value, f"out of range for {name}") for value in values]


def refused(reason: str, *values: Any) -> list[tuple[Any, str]]:
    return [(value, reason) for value in values]


NOT_WHOLE, NOT_FINITE = "not a whole number", "not a finite number"
NOT_A_NUMBER, NOT_AN_INTEGER = "not a number", "not an integer"
BAD_NUMBERS = [
    "",
    " ",
    "-",
    "+",
    ".",
    "e5",
    "1e",
    "1e+",
    "1 ",
    " 1",
    "1_0",
    "1,5",
    "0x1",
    "--1",
    "1.2.3",
    "1\n",
    "٣",
    "1\0",
]
NUL = "contains a NUL character"
CALENDAR = "out of range for a date or timestamp"
FINER = "finer than a microsecond"
MIDNIGHT = "not at midnight"
NOT_A_TIMESTAMP = "not a date and time like 2020-01-31T10:00:00"
NO_DAY, NO_TIME = "not a day of the calendar", "not a time of day"
NOT_JSON = "not valid JSON"
BAD_TIMESTAMPS = [
    *refused(
        NOT_A_TIMESTAMP,
        *["", "now", "2020-01-31T10Z", "2020-01-31T10:00Z", "2020-01-31T10:00+01", "2020-01-31  10:00:00Z"],
        *[
            "2020-01-31t10:00:00Z",
            "2020-01-31T10:00:00z",
            "2020-01-31T10:00:00.Z",
            "2020-01-31T10:00:00,5Z",
            "20200131T100000Z",
        ],
        *[
            "2020-1-31T10:00:00Z",
            "2020-01-31T10:00:00 Z",
            "2020-01-31T10:00:00+1",
            "2020-01-31T10:00:00Z\n",
            "10000-01-01T00:00:00Z",
        ],
    ),
    *refused(NO_DAY, "2021-02-29T00:00:00Z", "2020-13-01T00:00:00Z", "2020-00-10T00:00:00Z", "2020-04-31T00:00:00Z"),
    *refused(
        NO_TIME, "2020-01-31T24:00:00Z", "2020-01-31T10:60:00Z", "2016-12-31T23:59:60Z", "2020-01-31T10:00:00+24:00"
    ),
    *refused(FINER, "2020-01-31T10:00:00.0000001Z"),
    *refused(CALENDAR, "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "0000-12-31T00:00:00Z"),
]

CASES = [
    Case(pa.bool_(), pa.bool_(), same(True, False)),
    Case(pa.bool8(), pa.bool_(), [(1, True), (0, False), (-7, True)]),
    Case(pa.bool_(), pa.int16(), [(True, 1), (False, 0)]),
    Case(pa.bool_(), pa.string(), [(True, "true"), (False, "false")]),
    Case(pa.int64(), pa.bool_(), [(1, True), (0, False)], refused("neither 0 nor 1", 2, -1)),
    Case(pa.uint8(), pa.bool_(), [(1, True), (0, False)], refused("neither 0 nor 1", 255)),
    Case(pa.int64(), pa.int64(), same(-(2**63), 0, 2**63 - 1)),
    Case(pa.int64(), pa.int16(), same(-32768, 0, 32767), out_of("int16", -32769, 32768, 2**63 - 1, -(2**63))),
    Case(pa.int64(), pa.uint32(), same(0, 2**32 - 1), out_of("uint32", -1, 2**32)),
    Case(pa.int64(), pa.uint64(), same(0, 2**63 - 1), out_of("uint64", -1)),
    Case(pa.int8(), pa.uint64(), same(0, 127), out_of("uint64", -1, -128)),
    Case(pa.uint64(), pa.int64(), same(0, 2**63 - 1), out_of("int64", 2**63, 2**64 - 1)),
    Case(pa.uint64(), pa.int8(), same(0, 127), out_of("int8", 128, 2**64 - 1)),
    Case(pa.uint8(), pa.int8(), same(0, 127), out_of("int8", 128, 255)),
    Case(pa.int32(), pa.int64(), same(-(2**31), 2**31 - 1)),
    Case(
        pa.int64(),
        pa.float64(),
        [(n, float(n)) for n in (0, -(2**53), 2**53, 2**53 + 2, 2**62, -(2**63))],
        refused("not exactly representable as double", 2**53 + 1, -(2**53) - 1, 2**63 - 1, 2**63 - 2**8),
    ),
    Case(
        pa.uint64(),
        pa.float64(),
        [(n, float(n)) for n in (0, 2**53, 2**63, 2**64 - 2**11)],
        refused("not exactly representable as double", 2**53 + 1, 2**64 - 1, 2**63 + 1),
    ),
    Case(
        pa.int64(),
        pa.float32(),
        [(n, float(n)) for n in (0, -(2**24), 2**24, 2**24 + 2, 2**40)],
        refused("not exactly representable as float", 2**24 + 1, 2**53 + 1, 2**63 - 1, -(2**24) - 1),
    ),
    Case(
        pa.int64(),
        pa.decimal128(10, 2),
        [(n, D(n)) for n in (0, -1, 99_999_999, -99_999_999)],
        out_of("decimal(10, 2)", 100_000_000, -100_000_000, 2**63 - 1, -(2**63)),
    ),
    Case(
        pa.int64(),
        pa.decimal128(38, 20),
        [(n, D(n)) for n in (0, 10**18 - 1)],
        out_of("decimal(38, 20)", 10**18, -(10**18)),
    ),
    Case(pa.int64(), pa.decimal256(70, 50), [(n, D(n)) for n in (0, 2**63 - 1, -(2**63))]),
    Case(pa.uint64(), pa.decimal128(20, 0), [(n, D(n)) for n in (0, 2**64 - 1)]),
    Case(
        pa.uint64(), pa.decimal128(19, 0), [(n, D(n)) for n in (0, 2**63)], out_of("decimal(19, 0)", 10**19, 2**64 - 1)
    ),
    Case(pa.int8(), pa.decimal128(2, 2), [(0, D("0.00"))], out_of("decimal(2, 2)", 1, -1)),
    Case(pa.int64(), pa.string(), [(-(2**63), str(-(2**63))), (0, "0")]),
    Case(pa.uint64(), pa.string(), [(2**64 - 1, str(2**64 - 1))]),
    Case(
        pa.float64(),
        pa.int32(),
        [(0.0, 0), (-0.0, 0), (-(2.0**31), -(2**31)), (2.0**31 - 1, 2**31 - 1)],
        [
            *refused(NOT_WHOLE, 0.5, -1e-300, 1e9 + 0.5),
            *refused(NOT_FINITE, NAN, INF, -INF),
            *out_of("int32", 2.0**31, -1e300),
        ],
    ),
    Case(
        pa.float64(),
        pa.int64(),
        [(-(2.0**63), -(2**63)), (2.0**53, 2**53)],
        out_of("int64", 2.0**63, -(2.0**63) - 2048),
    ),
    Case(pa.float64(), pa.uint64(), [(2.0**63, 2**63), (0.0, 0)], out_of("uint64", 2.0**64, -1.0)),
    Case(pa.float32(), pa.int64(), [(2.0**24, 2**24)], [*refused(NOT_WHOLE, 1.5), *out_of("int64", 2.0**63)]),
    Case(pa.float16(), pa.int8(), [(3.0, 3)], [*refused(NOT_WHOLE, 0.5), *out_of("int8", 128.0)]),
    Case(pa.float64(), pa.float64(), same(0.1, -0.0, INF, -INF, 5e-324)),
    Case(pa.float32(), pa.float64(), same(0.5, INF, 2.0**-149)),
    Case(pa.float16(), pa.float32(), same(0.5, -INF)),
    Case(
        pa.float64(),
        pa.float32(),
        same(0.5, 2.0**-149, INF, -INF, 16777216.0, -0.0),
        refused("not exactly representable as float", 0.1, 1e39, 1e-300, 16777217.0),
    ),
    Case(
        pa.float64(),
        pa.decimal128(10, 2),
        [(1.1, D("1.10")), (0.07, D("0.07")), (-99999999.99, D("-99999999.99")), (-0.0, D(0)), (1e7, D(10_000_000))],
        [
            *refused("not exact with 2 decimal places", 1.005, 0.1 + 0.2, 1e-300, 1.1000000000000003),
            *refused(NOT_FINITE, NAN, INF, -INF),
            *out_of("decimal(10, 2)", 1e8, -1e8, 1e300),
        ],
    ),
    Case(
        pa.float64(),
        pa.decimal128(38, 10),
        [(0.1, D("0.1")), (123456789012345.6, D("123456789012345.6")), (1e27, D(10) ** 27)],
        out_of("decimal(38, 10)", 1e28),
    ),
    Case(pa.float64(), pa.decimal256(60, 30), [(1e-30, D("1e-30")), (5e29, D(5) * D(10) ** 29)]),
    # Sixteen digits, where other digits lead to the same float.
    Case(pa.float64(), pa.decimal128(38, 13), [(6297.679855904571, D("6297.679855904571"))]),
    Case(pa.float64(), pa.decimal128(38, 0), [(9.750049419609978e16, D("97500494196099780"))]),
    Case(pa.float32(), pa.decimal128(37, 37), [(0.5, D("0.5"))], out_of("decimal(37, 37)", 553266.0, 1.0)),
    Case(
        pa.float32(),
        pa.decimal128(10, 2),
        [(1.1, D("1.10")), (0.25, D("0.25"))],
        refused("not exact with 2 decimal places", 1.005),
    ),
    Case(
        pa.float64(),
        pa.string(),
        [(0.1, "0.1"), (0.1 + 0.2, "0.30000000000000004"), (1.0, "1"), (-0.0, "-0")],
        refused(NOT_FINITE, NAN, INF, -INF),
    ),
    Case(pa.float32(), pa.string(), [(0.1, "0.1")]),
    Case(
        pa.decimal128(10, 2),
        pa.int8(),
        [(D("1.00"), 1), (D("-128"), -128), (D("127.00"), 127)],
        [
            *refused(NOT_WHOLE, D("1.50"), D("-0.01"), D("99999999.99")),
            *out_of("int8", D("128"), D("-129"), D("99999999.00")),
        ],
    ),
    Case(
        pa.decimal128(38, 0),
        pa.uint64(),
        [(D(2**64 - 1), 2**64 - 1), (D(0), 0)],
        out_of("uint64", D(2**64), D(-1), D("9" * 38)),
    ),
    Case(pa.decimal128(30, -20), pa.int64(), [(D(0), 0)], out_of("int64", D("1e20"), D("-1e38"))),
    Case(pa.decimal128(30, -20), pa.string(), [(D("-1e38"), "-1" + "0" * 38), (D("12e30"), "12" + "0" * 30)]),
    Case(
        pa.decimal256(76, 57), pa.int64(), [(D(-5), -5)], [*refused(NOT_WHOLE, D("1e-57")), *out_of("int64", D(2**63))]
    ),
    Case(pa.decimal128(5, -2), pa.int32(), [(D(100), 100), (D(9999900), 9999900)]),
    Case(
        pa.decimal128(20, 2),
        pa.float64(),
        [
            (D("1.10"), 1.1),
            (D("0.07"), 0.07),
            (D("-123456789012.34"), -123456789012.34),
            (D("9007199254740992"), 2.0**53),
        ],
        refused(
            "not exactly representable as double", D("9007199254740993"), D("123456789012345678.91"), D(-(2**63)) / 100
        ),
    ),
    Case(
        pa.decimal256(76, 0),
        pa.float64(),
        [(D(10) ** 70, 1e70)],
        refused("not exactly representable as double", D("9" * 70)),
    ),
    Case(
        pa.decimal128(10, 2),
        pa.float32(),
        [(D("1.10"), 1.1), (D("0.25"), 0.25)],
        refused("not exactly representable as float", D("12345678.91")),
    ),
    Case(pa.decimal128(10, 2), pa.decimal128(10, 2), same(D("-99999999.99"), D("0.01"))),
    Case(
        pa.decimal128(10, 4),
        pa.decimal128(6, 2),
        [(D("1.2300"), D("1.23")), (D("-9999.9900"), D("-9999.99")), (D(0), D(0))],
        [
            *refused("not exact with 2 decimal places", D("1.2345"), D("0.0001")),
            *out_of("decimal(6, 2)", D("10000"), D("-999999.9999")),
        ],
    ),
    Case(
        pa.decimal128(38, 0),
        pa.decimal128(38, 10),
        [(D("9" * 28), D("9" * 28))],
        out_of("decimal(38, 10)", D(10) ** 28, D("9" * 38)),
    ),
    Case(pa.decimal128(5, 2), pa.decimal256(60, 30), same(D("999.99"))),
    Case(
        pa.decimal256(76, 0),
        pa.decimal128(38, 0),
        same(D("9" * 38)),
        out_of("decimal(38, 0)", D(10) ** 38, D("-" + "9" * 76)),
    ),
    # Where a product of 128 or 256 bits wraps around.
    Case(pa.decimal128(20, 0), pa.decimal128(38, 27), same(D(0)), out_of("decimal(38, 27)", D("57558472880511192736"))),
    Case(pa.decimal128(20, 0), pa.decimal256(76, 76), same(D(0)), out_of("decimal(76, 76)", D(-128), D(1))),
    Case(pa.decimal32(5, 2), pa.decimal128(5, 2), same(D("999.99"), D("-0.01"))),
    Case(pa.decimal64(18, 2), pa.decimal128(5, 2), same(D("999.99")), out_of("decimal(5, 2)", D("1000"))),
    Case(pa.decimal128(5, -2), pa.decimal128(7, 0), same(D(9999900)), []),
    Case(
        pa.decimal128(38, 20),
        pa.string(),
        [
            (D("1.5"), "1.50000000000000000000"),
            (D("-1e-20"), "-0.00000000000000000001"),
            (D("-12345.6e-10"), "-0.00000123456000000000"),
            (D(0), "0.00000000000000000000"),
        ],
    ),
    Case(pa.decimal128(5, -2), pa.string(), [(D(9999900), "9999900"), (D(0), "0")]),
    Case(pa.decimal128(5, 0), pa.string(), [(D(-12345), "-12345")]),
    Case(
        pa.string(),
        pa.bool_(),
        [("true", True), ("TRUE", True), ("t", True), ("T", True), ("false", False), ("False", False), ("f", False)],
        refused("neither true nor false", "", "1", "0", "yes", " true", "tr", "true\n"),
    ),
    Case(
        pa.string(),
        pa.int16(),
        [("0", 0), ("-0", 0), ("+7", 7), ("007", 7), ("-32768", -32768), ("32767", 32767), ("0" * 60 + "1", 1)],
        [*refused(NOT_AN_INTEGER, *BAD_NUMBERS, "1.0", "1e3", "nan"), *out_of("int16", "32768", "-32769", "9" * 60)],
    ),
    Case(
        pa.string(),
        pa.uint64(),
        [(str(2**64 - 1), 2**64 - 1), ("-0", 0)],
        out_of("uint64", "-1", str(2**64), "1" + "0" * 21),
    ),
    Case(
        pa.string(),
        pa.int64(),
        [(str(-(2**63)), -(2**63)), (str(2**63 - 1), 2**63 - 1)],
        out_of("int64", str(2**63), str(-(2**63) - 1)),
    ),
    Case(
        pa.string(),
        pa.float64(),
        [
            ("0.1", 0.1),
            ("-1e3", -1000.0),
            ("+1.5E-3", 0.0015),
            (".5", 0.5),
            ("5.", 5.0),
            ("nan", NAN),
            ("-Inf", -INF),
            ("Infinity", INF),
            ("0e999", 0.0),
            ("-0.0", -0.0),
            ("5e-324", 5e-324),
            ("1.7976931348623157e308", 1.7976931348623157e308),
            ("1e23", 1e23),
        ],
        [
            *refused(NOT_A_NUMBER, *BAD_NUMBERS, "nan(1)", "infin", "1d5", "1f"),
            *out_of("double", "1e400", "-1e309", "1e-400", "0.0001e-330"),
        ],
    ),
    Case(pa.string(), pa.float32(), [("0.1", 0.1), ("1e38", 1e38)], out_of("float", "1e39", "1e-50")),
    Case(
        pa.string(),
        pa.decimal128(10, 2),
        [
            ("1.1", D("1.1")),
            ("-12.50", D("-12.5")),
            ("1e3", D(1000)),
            ("+1.5E-1", D("0.15")),
            (".5", D("0.5")),
            ("5.", D(5)),
            ("0e999", D(0)),
            ("1.2300000000000000000000000000000000000000000000000", D("1.23")),
            ("100e-2", D(1)),
            ("-0.00", D(0)),
            ("0" * 50 + "7", D(7)),
            ("99999999.99", D("99999999.99")),
            ("0.00000e-99999999999999", D(0)),
            ("1" + "0" * 60 + "e-60", D(1)),
        ],
        [
            *refused(NOT_A_NUMBER, *BAD_NUMBERS, "nan", "inf", "Infinity"),
            *refused(
                "not exact with 2 decimal places",
                "1.005",
                "1e-3",
                "0.001",
                "1.1125369292536007e-308",
                "-1e-99999999999999999999",
            ),
            *out_of(
                "decimal(10, 2)", "100000000", "1e308", "-1e8", "1e99999999999999999999", "9" * 60, "123456789.001"
            ),
        ],
    ),
    Case(
        pa.string(),
        pa.decimal128(3, 3),
        [("0.001", D("0.001"))],
        refused("not exact with 3 decimal places", "1.1125369292536007e-308", "1e-39", "1e-77"),
    ),
    Case(
        pa.string(),
        pa.decimal256(76, 10),
        [("9" * 66, D("9" * 66)), ("1e-10", D("1e-10"))],
        out_of("decimal(76, 10)", "1" + "0" * 66),
    ),
    Case(
        pa.string(),
        pa.string(),
        same("", "a", "äöü", "日本語", "😀" * 5, "tab\tnewline\n", "\x01"),
        [
            *refused("longer than 13 characters", "x" * 14, "ä" * 14, "😀" * 14),
            *refused(NUL, "\0", "a\0b"),
            *refused(
                "not valid UTF-8", b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"abc\xe2\x82", b"\xf4\x90\x80\x80", b"\x80"
            ),
        ],
        max_length=13,
    ),
    Case(
        pa.string(),
        pa.date32(),
        [("2020-02-29", date(2020, 2, 29)), ("0001-01-01", date(1, 1, 1)), ("9999-12-31", date(9999, 12, 31))],
        [
            *refused(
                "not a date like 2020-01-31",
                "",
                "2020-1-31",
                "20200131",
                "31.01.2020",
                "2020-01-31T00:00:00",
                "2020-01-31 ",
                "10000-01-01",
                "-001-01-01",
            ),
            *refused(NO_DAY, "2021-02-29", "2020-13-01", "2020-00-01", "2020-04-31", "2020-04-00", "1900-02-29"),
            *refused(CALENDAR, "0000-12-31"),
        ],
    ),
    Case(
        pa.string(),
        pa.time64("us"),
        [
            ("00:00:00", time(0)),
            ("23:59:59.999999", time(23, 59, 59, 999999)),
            ("10:00:00.5", time(10, 0, 0, 500000)),
            ("10:00:00.5Z", time(10, 0, 0, 500000)),
            ("10:00:00.1234560000", time(10, 0, 0, 123456)),
        ],
        [
            *refused(
                "not a time like 10:00:00",
                "",
                "10",
                "10:00",
                "1:00:00",
                "10:00:00z",
                "10:00:00ZZ",
                "10:00Z",
                "10:00:00.",
                "10:00:00+01:00",
                "T10:00:00",
                "10:00:00 ",
            ),
            *refused(NO_TIME, "24:00:00", "10:60:00", "23:59:60", "99:00:00"),
            *refused(FINER, "10:00:00.0000001"),
        ],
    ),
    Case(
        pa.string(),
        pa.duration("us"),
        [
            ("PT0S", timedelta(0)),
            ("PT-90.5S", timedelta(seconds=-90.5)),
            ("-PT90.5S", timedelta(seconds=-90.5)),
            ("P1W2DT3H4M5.000006S", timedelta(weeks=1, days=2, hours=3, minutes=4, seconds=5, microseconds=6)),
            ("P-1DT+1H", timedelta(hours=-23)),
            ("P3D", timedelta(days=3)),
            ("02:03:04.5", timedelta(hours=2, minutes=3, seconds=4.5)),
            ("-00:00:00.000001", timedelta(microseconds=-1)),
            ("1 day", timedelta(days=1)),
            ("-2 days +02:03:04", timedelta(days=-2, hours=2, minutes=3, seconds=4)),
            ("106751990 days 23:59:59.1000000", timedelta(days=106751990, hours=23, minutes=59, seconds=59.1)),
        ],
        [
            *refused(
                "not a duration like 49:00:00.5",
                *["", "P", "PT", "P1DT", "1", "1 month", "1 year 2 mons", "P1M", "P1Y", "1 day ", " 1 day", "1:2:3"],
                *["00:60:00", "00:00:60", "1 day02:03:04", "PT1.5H", "pt1s", "PT1S\n", "1 days 1", "day", "infinity"],
            ),
            *refused(FINER, "PT0.0000001S", "00:00:00.1234567"),
            *refused(
                "out of range for a duration in microseconds",
                "PT9223372036854.775808S",
                "P200000000D",
                "P1000000000000000W",
            ),
        ],
    ),
    Case(
        pa.string(),
        pa.binary(),
        [(r"\x", b""), (r"\x00fF", b"\x00\xff"), (r"\x" + bytes(range(256)).hex(), bytes(range(256)))],
        [
            *refused(
                r"not bytes like \x6869",
                "",
                "hi",
                "6869",
                r"\x6",
                r"\xzz",
                r"\X68",
                r"\x 68",
                "\\x68\n",
                r"\\x68",
                "aGk=",
            ),
        ],
    ),
    Case(
        pa.string(),
        US,
        [
            ("2020-01-31T10:00:00", datetime(2020, 1, 31, 10)),
            ("2020-01-31 10:00:00.5", datetime(2020, 1, 31, 10, 0, 0, 500000)),
            ("2020-01-31", datetime(2020, 1, 31)),
            ("2020-01-31T10:00:00Z", datetime(2020, 1, 31, 10)),
            ("2020-01-31T10:00:00+05:30", datetime(2020, 1, 31, 4, 30)),
            ("2020-01-31 10:00:00-03", datetime(2020, 1, 31, 13)),
            ("2020-01-31T10:00:00.1234560+0100", datetime(2020, 1, 31, 9, 0, 0, 123456)),
            ("0001-01-01T00:00:00", FIRST),
            ("9999-12-31T23:59:59.999999", LAST),
        ],
        [
            *BAD_TIMESTAMPS,
            *refused(NOT_A_TIMESTAMP, "2020-01-31T10", "2020-01-31T10:00", "2020-01-31Z"),
            *refused(CALENDAR, "0000-01-01"),
        ],
    ),
    Case(
        pa.string(),
        UTC_US,
        [
            ("2020-01-31T10:00:00Z", datetime(2020, 1, 31, 10, tzinfo=UTC)),
            ("2020-01-31 10:00:00.5+05:30", datetime(2020, 1, 31, 10, 0, 0, 500000, tzinfo=EAST)),
            ("2020-01-31T10:00:00-0330", datetime(2020, 1, 31, 13, 30, tzinfo=UTC)),
            ("2020-01-31T10:00:00+01", datetime(2020, 1, 31, 9, tzinfo=UTC)),
            ("1890-01-01 00:53:28.25+00:53:28", datetime(1890, 1, 1, 0, 0, 0, 250000, tzinfo=UTC)),
            ("0001-01-01T00:00:00Z", FIRST.replace(tzinfo=UTC)),
            ("9999-12-31T23:59:59.999999Z", LAST.replace(tzinfo=UTC)),
        ],
        [
            *BAD_TIMESTAMPS,
            *refused("without an offset from UTC", "2020-01-31T10:00:00", "2020-01-31", "2020-01-31 10:00:00.5"),
        ],
    ),
    Case(
        pa.string(),
        pa.uuid(),
        [(str(ID), ID.bytes), (ID.hex, ID.bytes), (str(ID).upper(), ID.bytes)],
        refused(
            "not a UUID",
            "",
            "x",
            f"{{{ID}}}",
            f"urn:uuid:{ID}",
            str(ID)[:-1],
            f"{ID}0",
            str(ID).replace("-", "_"),
            ID.hex[:-1] + "g",
            "0" * 30 + "é",
            "g" * 32,
            "0123abcd45-67-89ef-0123-456789abcdef",
            "0123abcd-4567-89ef-0123-456789abcde\n",
            " " + ID.hex[1:],
        ),
    ),
    Case(
        pa.string(),
        pa.json_(),
        same(
            "{}",
            "[]",
            "null",
            "1",
            '"x"',
            '{"a": [1, -0.5e+10, true, false, null, "\\u00e9\\ud83d\\ude00\\n\\"\\\\\\/"], "b": {"": {}}}',
            " [ 1 ,\t2\r\n] ",
            '"{[,:"',
            "[" * 100 + "]" * 100,
            '"ä日\x7f"',
            "123456789012345678901234567890.5",
            '{"a":1,"a":2}',
        ),
        [
            *refused(
                NOT_JSON,
                "",
                " ",
                "{",
                "}",
                "[1,]",
                "[,1]",
                "{a:1}",
                "{'a':1}",
                '{"a"}',
                '{"a":}',
                '{"a":1,}',
                "{1:2}",
                "01",
                "1.",
                ".5",
                "+1",
                "1e",
                "-",
                "--1",
                "NaN",
                "Infinity",
                "-Infinity",
                "nul",
                "True",
                "truefalse",
                "1 2",
                '"a" "b"',
                "[1 2]",
                "{} {}",
                '"',
                '"a',
                '"\\x"',
                '"\\u12"',
                '"\n"',
                '"\t"',
                '"\\ud800"',
                '"\\udc00\\ud800"',
                '"\\ud800x"',
                "[}",
                "{]",
                '{"a":1]',
                "// c\n1",
                "\ufeff1",
                "\x01",
                "\x02",
                "[\x02]",
                '{"a"\x02}',
                "1\x01",
                "\u00a01",
                "t r u e",
                "- 1",
            ),
            *refused(NUL, '"\\u0000"', '"\0"', "\0"),
            *refused("nested more than 100 levels deep", "[" * 101 + "]" * 101),
            *refused("not valid UTF-8", b'"\xff"'),
        ],
    ),
    Case(pa.string(), ENUM, same(*LABELS), refused("not a label of Color", "", "Red", "red ", "blue", "red\0")),
    Case(
        pa.binary(), pa.binary(), same(b"", b"\0\xff", b"x" * 8), refused("longer than 8 bytes", b"x" * 9), max_length=8
    ),
    Case(pa.binary(3), pa.binary(), same(b"abc", b"\0\0\0")),
    Case(
        pa.binary(),
        pa.string(),
        [(b"", ""), ("äöü日😀".encode(), "äöü日😀")],
        [
            *refused("not valid UTF-8", b"\xff", b"\xed\xa0\x80", b"a\xc3"),
            *refused(NUL, b"a\0"),
            *refused("longer than 9 characters", b"x" * 10),
        ],
        max_length=9,
    ),
    Case(pa.binary(), pa.uuid(), [(ID.bytes, ID.bytes)], refused("not 16 bytes long", b"", b"x" * 15, b"x" * 17)),
    Case(pa.binary(16), pa.uuid(), [(ID.bytes, ID.bytes)]),
    Case(
        pa.date32(),
        pa.date32(),
        same(date(1, 1, 1), date(9999, 12, 31), date(1970, 1, 1)),
        refused(CALENDAR, DAYS_OF_YEAR_10000, -719163, 2**31 - 1, -(2**31)),
    ),
    Case(
        pa.date64(),
        pa.date32(),
        same(date(1, 1, 1), date(9999, 12, 31)),
        [*refused(CALENDAR, DAYS_OF_YEAR_10000 * 86_400_000, 2**62), *refused(MIDNIGHT, 1, -1)],
    ),
    Case(
        pa.date32(),
        US,
        [(date(1, 1, 1), FIRST), (date(9999, 12, 31), datetime(9999, 12, 31))],
        refused(CALENDAR, DAYS_OF_YEAR_10000, 2**31 - 1),
    ),
    Case(
        pa.date64(),
        US,
        [(date(2020, 1, 31), datetime(2020, 1, 31))],
        [*refused(MIDNIGHT, 1), *refused(CALENDAR, 2**62)],
    ),
    Case(
        pa.date32(),
        pa.string(),
        [(date(1, 1, 1), "0001-01-01"), (date(2020, 1, 31), "2020-01-31")],
        refused(CALENDAR, DAYS_OF_YEAR_10000),
    ),
    Case(
        pa.time64("us"),
        pa.time64("us"),
        same(time(0), time(23, 59, 59, 999999)),
        refused("out of range for a time of day", -1, 86_400_000_000, 2**62),
    ),
    Case(
        pa.time32("s"),
        pa.time64("us"),
        same(time(0), time(23, 59, 59)),
        refused("out of range for a time of day", -1, 86_400, 2**31 - 1),
    ),
    Case(
        pa.time32("ms"),
        pa.time64("us"),
        same(time(0, 0, 0, 1000)),
        refused("out of range for a time of day", 86_400_000),
    ),
    Case(
        pa.time64("ns"),
        pa.time64("us"),
        [(1000, time(0, 0, 0, 1)), (86_399_999_999_000, time(23, 59, 59, 999999))],
        [*refused(FINER, 1, 1001), *refused("out of range for a time of day", -1000, 86_400_000_000_000)],
    ),
    Case(
        pa.time64("us"),
        pa.string(),
        [(time(10), "10:00:00"), (time(10, 0, 0, 50000), "10:00:00.050000")],
        refused("out of range for a time of day", 86_400_000_000),
    ),
    Case(
        US,
        US,
        same(FIRST, LAST, datetime(1969, 12, 31, 23, 59, 59, 999999)),
        refused(CALENDAR, MICROS_OF_YEAR_10000, 2**63 - 1, -(2**63), -62135596800000001),
    ),
    Case(
        US,
        pa.timestamp("s"),
        same(FIRST, datetime(9999, 12, 31, 23, 59, 59)),
        [
            *refused("finer than a second", datetime(2020, 1, 1, 0, 0, 0, 1), LAST),
            *refused(CALENDAR, MICROS_OF_YEAR_10000),
        ],
    ),
    Case(
        pa.timestamp("ns", "UTC"),
        pa.timestamp("ms", "UTC"),
        [
            (1_000_000, datetime(1970, 1, 1, 0, 0, 0, 1000, UTC)),
            (-1_000_000, datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)),
        ],
        [*refused("finer than a millisecond", 1_000), *refused(FINER, 1)],
    ),
    Case(
        pa.string(),
        pa.timestamp("s"),
        [("2020-01-31T10:00:00", datetime(2020, 1, 31, 10))],
        [*refused("finer than a second", "2020-01-31T10:00:00.5"), *refused(NOT_A_TIMESTAMP, "now")],
    ),
    Case(
        pa.timestamp("s"),
        US,
        same(FIRST, datetime(9999, 12, 31, 23, 59, 59)),
        refused(CALENDAR, MICROS_OF_YEAR_10000 // 10**6, 2**63 - 1, -(2**63)),
    ),
    Case(
        pa.timestamp("ms"),
        US,
        same(FIRST, datetime(2020, 1, 1, 0, 0, 0, 1000)),
        refused(CALENDAR, MICROS_OF_YEAR_10000 // 1000),
    ),
    Case(
        pa.timestamp("ns"),
        US,
        [(1000, datetime(1970, 1, 1, 0, 0, 0, 1)), (-1000, datetime(1969, 12, 31, 23, 59, 59, 999999))],
        refused(FINER, 1, 999, -1, 2**63 - 1),
    ),
    Case(
        US,
        pa.date32(),
        [(datetime(2020, 1, 31), date(2020, 1, 31)), (datetime(1900, 1, 1), date(1900, 1, 1))],
        [*refused(MIDNIGHT, datetime(2020, 1, 31, 0, 0, 0, 1), LAST), *refused(CALENDAR, MICROS_OF_YEAR_10000)],
    ),
    Case(pa.timestamp("ns"), pa.date32(), [(86_400_000_000_000, date(1970, 1, 2))], refused(MIDNIGHT, 1)),
    Case(
        US,
        pa.string(),
        [
            (datetime(2020, 1, 31, 10), "2020-01-31T10:00:00"),
            (datetime(1, 1, 1, 0, 0, 0, 50000), "0001-01-01T00:00:00.050000"),
        ],
        refused(CALENDAR, MICROS_OF_YEAR_10000),
    ),
    Case(pa.timestamp("ns"), pa.string(), [(1, "1970-01-01T00:00:00.000000001"), (0, "1970-01-01T00:00:00")]),
    Case(
        UTC_US,
        UTC_US,
        same(FIRST.replace(tzinfo=UTC), LAST.replace(tzinfo=UTC)),
        refused(CALENDAR, MICROS_OF_YEAR_10000),
    ),
    Case(
        pa.timestamp("ms", "Europe/Berlin"),
        UTC_US,
        same(datetime(2020, 7, 1, 12, tzinfo=EAST)),
        refused(CALENDAR, 2**62),
    ),
    Case(
        pa.timestamp("ns", "+05:30"),
        UTC_US,
        [(3_600_000_000_000, datetime(1970, 1, 1, 1, tzinfo=UTC))],
        refused(FINER, 1),
    ),
    Case(
        pa.timestamp("us", "Europe/Berlin"),
        US,
        [(datetime(2020, 7, 1, 12, tzinfo=EAST), datetime(2020, 7, 1, 6, 30))],
        refused(CALENDAR, MICROS_OF_YEAR_10000),
    ),
    Case(
        pa.timestamp("s", "UTC"),
        pa.date32(),
        [(datetime(2020, 1, 31, tzinfo=UTC), date(2020, 1, 31))],
        refused(MIDNIGHT, datetime(2020, 1, 31, tzinfo=EAST)),
    ),
    Case(
        pa.timestamp("us", "Europe/Berlin"),
        pa.string(),
        [(datetime(2020, 7, 1, 12, tzinfo=EAST), "2020-07-01T06:30:00Z"), (1, "1970-01-01T00:00:00.000001Z")],
        refused(CALENDAR, 2**62),
    ),
    Case(pa.duration("us"), pa.duration("us"), same(timedelta(days=-1, microseconds=1), timedelta(0))),
    Case(
        pa.duration("s"),
        pa.duration("us"),
        [(-5, timedelta(seconds=-5)), (9_223_372_036_854, timedelta(seconds=9_223_372_036_854))],
        refused("out of range for a duration in microseconds", 9_223_372_036_855, -(2**63)),
    ),
    Case(
        pa.duration("ms"),
        pa.duration("us"),
        [(7, timedelta(milliseconds=7))],
        refused("out of range for a duration in microseconds", 2**62),
    ),
    Case(pa.duration("ns"), pa.duration("us"), [(-2000, timedelta(microseconds=-2))], refused(FINER, 1, -1, 2**63 - 1)),
    Case(
        pa.duration("us"),
        pa.string(),
        [
            (timedelta(0), "00:00:00"),
            (timedelta(days=2, seconds=1, microseconds=500_000), "48:00:01.5"),
            (timedelta(microseconds=-1), "-00:00:00.000001"),
            (timedelta(microseconds=-(2**62)), "-1281023894:00:27.387904"),
        ],
    ),
    Case(pa.uuid(), pa.uuid(), [(ID.bytes, ID.bytes)]),
    Case(pa.uuid(), pa.string(), [(ID.bytes, str(ID)), (b"\xff" * 16, str(UUID(int=2**128 - 1)))]),
    Case(pa.uuid(), pa.binary(), [(ID.bytes, ID.bytes)]),
    Case(pa.json_(), pa.json_(), same('{"a": [1]}'), [*refused(NOT_JSON, "{", "NaN"), *refused(NUL, '"\\u0000"')]),
    Case(pa.json_(pa.large_string()), pa.json_(), same("[1]"), refused(NOT_JSON, "[")),
    Case(pa.json_(), pa.string(), same('{"a": [1]}')),
]


def make(values: Sequence[Any], kind: pa.DataType) -> pa.Array[Any]:
    """An array with any bits: an int stands for the count behind a temporal type, bytes for those of a string."""
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, make(values, kind.storage_type))
    if pa.types.is_temporal(kind):
        storage = pa.int32() if kind.bit_width == 32 else pa.int64()
        parts = [pa.array([v], storage).view(kind) if isinstance(v, int) else pa.array([v], kind) for v in values]
        return pa.concat_arrays(parts) if parts else pa.array([], kind)
    if pa.types.is_string(kind):
        raw = [v.encode() if isinstance(v, str) else v for v in values]
        return pa.array(raw, pa.binary()).view(pa.string())
    return pa.array(list(values), kind)


def compiled(case: Case) -> Converter:
    return compile_converter(pa.schema({"c": case.source}), TableSpec("t", (case.column,)))


def batch_of(array: pa.Array[Any]) -> pa.RecordBatch:
    return pa.record_batch([array], names=["c"])


def assert_equal(found: pa.Array[Any], expected: Sequence[Any], case: Case) -> None:
    assert found.type == case.target
    found.validate(full=True)
    assert repr(found.to_pylist()) == repr(make(expected, case.target).to_pylist())  # repr: NaN is NaN, -0.0 isn't 0.0


@pytest.mark.parametrize("case", CASES, ids=str)
def test_good_values_arrive_exactly(case: Case) -> None:
    given, expected = zip(*case.good, strict=True)
    convert = compiled(case)
    together = batch_of(make([None, *given, None], case.source))
    assert_equal(convert(together).column(0), [None, *expected, None], case)
    # Alone, so that nothing depends on what stands beside it.
    for one, wanted in case.good:
        assert_equal(convert(batch_of(make([one], case.source))).column(0), [wanted], case)
    assert_equal(convert(batch_of(make([], case.source))).column(0), [], case)


@pytest.mark.parametrize("case", [case for case in CASES if case.bad], ids=str)
def test_bad_values_are_refused_with_their_reason(case: Case) -> None:
    convert = compiled(case)
    for value, reason in case.bad:
        with pytest.raises(ConversionError) as caught:
            convert(batch_of(make([None, case.good[0][0], value], case.source)), 1000)
        assert (value, caught.value.reason) == (value, reason)
        assert (caught.value.column, caught.value.rows) == ("c", (1002,))
        assert caught.value.hint
        assert reason.split()[-1] in caught.value.message
        assert len(caught.value.sample) == 1


@pytest.mark.parametrize("case", [case for case in CASES if case.bad], ids=str)
def test_good_rows_survive_among_bad_ones(case: Case) -> None:
    """Good values, NULLs and bad values, interleaved: each lands where it belongs."""
    rounds = max(len(case.good), len(case.bad))
    given: list[Any] = []
    expected: list[Any] = []
    rejected: list[tuple[int, str]] = []
    for turn in range(rounds):
        value, wanted = case.good[turn % len(case.good)]
        bad, reason = case.bad[turn % len(case.bad)]
        rejected.append((len(given) + 2, reason))
        given += [value, None, bad]
        expected += [wanted, None]
    good, rejects = compiled(case).split(batch_of(make(given, case.source)))
    assert_equal(good.column(0), expected, case)
    assert list(zip(rejects.column("row").to_pylist(), rejects.column("reason").to_pylist(), strict=True)) == rejected


def test_every_rule_has_a_case() -> None:
    assert {case.families for case in CASES} == set(RULES)


@pytest.mark.parametrize("padding", [0, 5000])
def test_json_in_short_and_in_long_columns(padding: int) -> None:
    """Long columns are looked at in another way first."""
    case = next(case for case in CASES if (case.source, case.target) == (pa.string(), pa.json_()))
    given = [text for pair in zip(case.good, case.bad, strict=False) for text, _ in pair] + [
        text for text, _ in case.bad
    ]
    batch = batch_of(make([*given, *["[1, {}]"] * padding], case.source))
    good, rejects = compiled(case).split(batch)
    bad = {text for text, _ in case.bad}
    expected = [(row, dict(case.bad)[text]) for row, text in enumerate(given) if text in bad]
    found = zip(rejects.column("row").to_pylist(), rejects.column("reason").to_pylist(), strict=True)
    assert list(found) == expected
    assert good.num_rows == len(given) - len(expected) + padding


SOURCES: dict[Family | None, pa.DataType] = {
    Family.BOOL: pa.bool_(),
    Family.INT: pa.int64(),
    Family.FLOAT: pa.float64(),
    Family.DECIMAL: pa.decimal128(10, 2),
    Family.STRING: pa.string(),
    Family.BINARY: pa.binary(),
    Family.DATE: pa.date32(),
    Family.TIME: pa.time64("us"),
    Family.NAIVE: US,
    Family.ZONED: UTC_US,
    Family.DURATION: pa.duration("us"),
    Family.UUID: pa.uuid(),
    Family.JSON: pa.json_(),
    None: pa.list_(pa.int64()),
}


@pytest.mark.parametrize("source", SOURCES, ids=lambda family: family.name if isinstance(family, enum.Enum) else "list")
def test_pairs_without_a_rule_are_refused_before_any_data(source: Family | None) -> None:
    for target in Family:
        column = ColumnSpec("c", SOURCES.get(target, ENUM), labels=LABELS if target is Family.ENUM else ())
        if (source, target) in RULES or (source is None and target is Family.JSON):  # what is nested becomes JSON
            compile_converter(pa.schema({"c": SOURCES[source]}), TableSpec("t", (column,)))
            continue
        with pytest.raises(ConversionError, match="never becomes") as caught:
            compile_converter(pa.schema({"c": SOURCES[source]}), TableSpec("t", (column,)))
        assert caught.value.column == "c"
        assert caught.value.hint
        assert str(SOURCES[source]) in caught.value.message


def test_a_naive_timestamp_is_told_how_to_become_aware() -> None:
    with pytest.raises(ConversionError) as caught:
        compile_converter(pa.schema({"c": US}), TableSpec("t", (ColumnSpec("c", UTC_US),)))
    assert "TimeZone" in (caught.value.hint or "")
