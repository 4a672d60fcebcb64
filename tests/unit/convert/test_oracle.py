"""The kernels against plain Python that is slow and obvious, on random and on nearly right values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrowsync.convert import compile_converter
from arrowsync.declare.spec import ColumnSpec, TableSpec

FLOAT_TYPES: dict[Any, pa.DataType] = {np.float32: pa.float32(), np.float64: pa.float64()}
INT_TYPES = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]


class Refused(Exception):
    """The oracle's way to say that a value can't be stored."""


def check(source: pa.DataType, target: pa.DataType, values: Sequence[Any], oracle: Callable[[Any], Any]) -> None:
    """Each value becomes what the oracle says, or is refused where it says so."""
    batch = pa.record_batch([pa.array(values, source)], names=["c"])
    convert = compile_converter(batch.schema, TableSpec("t", (ColumnSpec("c", target, nullable=True),)))
    good, rejects = convert.split(batch)
    good.validate(full=True)
    bad = set(rejects.column("row").to_pylist())
    assert len(bad) + good.num_rows == len(values)
    found = iter(good.column(0).to_pylist())
    for row, value in enumerate(values):
        try:
            expected = oracle(value)
        except Refused:
            assert row in bad, f"{value!r} became {next(found)!r}"
        else:
            assert row not in bad, f"{value!r} was refused: {rejects.to_pylist()}"
            assert repr(next(found)) == repr(expected), value


def int_range(kind: pa.DataType) -> tuple[int, int]:
    bits = kind.bit_width
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if pa.types.is_signed_integer(kind) else (0, 2**bits - 1)


def fit_int(number: Fraction | int, kind: pa.DataType) -> int:
    low, high = int_range(kind)
    if number != int(number) or not low <= number <= high:
        raise Refused
    return int(number)


def fit_decimal(number: Decimal, precision: int, scale: int) -> Decimal:
    """With exactly `scale` places after the point, as pyarrow gives it back; no rounding anywhere."""
    exact = Fraction(number) * 10**scale
    if exact.denominator != 1 or abs(exact.numerator) >= 10**precision:
        raise Refused
    digits = tuple(int(digit) for digit in str(abs(exact.numerator)))
    return Decimal((int(exact < 0), digits, -scale))


def near(kind: pa.DataType) -> st.SearchStrategy[int]:
    """Ints of a type, often close to where other types end."""
    low, high = int_range(kind)
    edges = [
        sign * 2**power + step
        for power in (0, 7, 8, 15, 16, 24, 31, 32, 53, 63, 64)
        for sign in (-1, 1)
        for step in (-1, 0, 1)
    ]
    return st.one_of(st.integers(low, high), st.sampled_from([edge for edge in edges if low <= edge <= high]))


def lists(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=1, max_size=12)


decimal_types = st.builds(
    lambda precision, scale: (pa.decimal256 if precision > 38 else pa.decimal128)(precision, min(scale, precision)),
    st.integers(1, 76),
    st.one_of(st.integers(0, 6), st.integers(0, 76)),
)


@st.composite
def decimals_of(draw: st.DrawFn, kind: Any) -> Decimal:
    digits = draw(st.one_of(st.integers(0, 10**kind.precision - 1), st.integers(0, min(10**kind.precision - 1, 10**6))))
    zeros = draw(st.integers(0, kind.precision))
    digits = digits // 10**zeros * 10**zeros
    return Decimal((draw(st.integers(0, 1)), tuple(map(int, str(digits))), -kind.scale))


@given(st.data(), st.sampled_from(INT_TYPES), st.sampled_from(INT_TYPES))
def test_int_to_int(data: st.DataObject, source: pa.DataType, target: pa.DataType) -> None:
    check(source, target, data.draw(lists(near(source))), lambda n: fit_int(n, target))


@given(st.data(), st.sampled_from(INT_TYPES), st.sampled_from([np.float32, np.float64]))
def test_int_to_float(data: st.DataObject, source: pa.DataType, target: type[np.floating[Any]]) -> None:
    def oracle(number: int) -> float:
        nearest = float(target(number))
        if int(nearest) != number:
            raise Refused
        return nearest

    check(source, FLOAT_TYPES[target], data.draw(lists(near(source))), oracle)


@given(st.data(), st.sampled_from(INT_TYPES), decimal_types)
def test_int_to_decimal(data: st.DataObject, source: pa.DataType, target: Any) -> None:
    check(
        source,
        target,
        data.draw(lists(near(source))),
        lambda n: fit_decimal(Decimal(n), target.precision, target.scale),
    )


@given(
    lists(st.one_of(st.floats(), near(pa.int64()).map(float), st.floats(-300, 300).map(round).map(float))),
    st.sampled_from(INT_TYPES),
)
def test_float_to_int(values: list[float], target: pa.DataType) -> None:
    def oracle(number: float) -> int:
        if not math.isfinite(number):
            raise Refused
        return fit_int(Fraction(number), target)

    check(pa.float64(), target, values, oracle)


@given(lists(st.one_of(st.floats(), st.floats(width=32), st.floats(width=16))))
def test_float_to_float32(values: list[float]) -> None:
    def oracle(number: float) -> float:
        with np.errstate(over="ignore", under="ignore"):
            nearest = float(np.float32(number))
        if nearest != number and not math.isnan(number):
            raise Refused
        return nearest

    check(pa.float64(), pa.float32(), values, oracle)


money = st.builds(lambda digits, scale: digits / 10**scale, st.integers(-(10**17), 10**17), st.integers(0, 22))
floats = st.one_of(
    st.floats(),
    money,
    money.map(lambda x: math.nextafter(x, math.inf)),
    st.floats(-1e6, 1e6).map(lambda x: round(x, 2)),
)


@given(lists(floats), decimal_types, st.sampled_from([np.float32, np.float64]))
def test_float_to_decimal(values: list[float], target: Any, width: type[np.floating[Any]]) -> None:
    with np.errstate(over="ignore", under="ignore"):
        narrow = [width(x) for x in values]

    def oracle(number: np.floating[Any]) -> Decimal:
        if not np.isfinite(number):
            raise Refused
        return fit_decimal(
            Decimal(np.format_float_positional(number, unique=True, trim="-")), target.precision, target.scale
        )

    check(FLOAT_TYPES[width], target, narrow, oracle)


@given(st.data(), decimal_types, st.sampled_from([np.float32, np.float64]))
def test_decimal_to_float(data: st.DataObject, source: Any, target: type[np.floating[Any]]) -> None:
    def oracle(number: Decimal) -> float:
        with np.errstate(over="ignore"):
            nearest = target(str(number))
        if not np.isfinite(nearest) or Decimal(np.format_float_positional(nearest, unique=True, trim="-")) != number:
            raise Refused
        # A decimal has no negative zero.
        return abs(float(nearest)) if nearest == 0 else float(nearest)

    check(source, FLOAT_TYPES[target], data.draw(lists(decimals_of(source))), oracle)


@given(st.data(), decimal_types, decimal_types)
def test_decimal_to_decimal(data: st.DataObject, source: Any, target: Any) -> None:
    values = data.draw(lists(decimals_of(source)))
    check(source, target, values, lambda d: fit_decimal(d, target.precision, target.scale))


@given(st.data(), decimal_types, st.sampled_from(INT_TYPES))
def test_decimal_to_int(data: st.DataObject, source: Any, target: pa.DataType) -> None:
    check(source, target, data.draw(lists(decimals_of(source))), lambda d: fit_int(Fraction(d), target))


@given(st.data(), decimal_types)
def test_decimal_to_text(data: st.DataObject, source: Any) -> None:
    def oracle(number: Decimal) -> str:
        return f"{number if number else abs(number):f}"

    check(source, pa.string(), data.draw(lists(decimals_of(source))), oracle)


def mutated(texts: st.SearchStrategy[str], alphabet: str) -> st.SearchStrategy[str]:
    """Text as it should be, most of the time; else with one character more, less or changed."""

    def mutate(text: str, place: float, character: str, how: str) -> str:
        at = int(place * len(text))
        match how:
            case "insert":
                return text[:at] + character + text[at:]
            case "delete":
                return text[:at] + text[at + 1 :]
            case "change":
                return text[:at] + character + text[at + 1 :]
            case _:
                return text

    how = st.sampled_from(["none", "none", "insert", "delete", "change"])
    return st.builds(mutate, texts, st.floats(0, 1, exclude_max=True), st.sampled_from(alphabet), how)


NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
number_texts = mutated(
    st.one_of(
        st.integers().map(str),
        st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=3).map(str),
        st.floats().map(repr),
        st.from_regex(r"\A[+-]?[0-9]{0,40}\.?[0-9]{0,40}([eE][+-]?[0-9]{1,2})?\Z", fullmatch=True),
        st.sampled_from(["nan", "-inf", "INFINITY", "NaN", "1e400", "1e-400", "0e-400", "-0", "+0.0"]),
    ),
    "0123456789+-.eExX_, naif\n\0",
)


@given(lists(number_texts), st.sampled_from(INT_TYPES))
def test_text_to_int(texts: list[str], target: pa.DataType) -> None:
    def oracle(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]+", text):
            raise Refused
        return fit_int(int(text), target)

    check(pa.string(), target, texts, oracle)


@given(lists(number_texts), decimal_types)
def test_text_to_decimal(texts: list[str], target: Any) -> None:
    def oracle(text: str) -> Decimal:
        if not NUMBER.fullmatch(text) or len(text.lower().partition("e")[2]) > 4:
            raise Refused
        return fit_decimal(Decimal(text), target.precision, target.scale)

    check(pa.string(), target, [text for text in texts if not re.search(r"[eE][+-]?0*[0-9]{4}", text)], oracle)


@given(lists(number_texts), st.sampled_from([np.float32, np.float64]))
def test_text_to_float(texts: list[str], target: type[np.floating[Any]]) -> None:
    def oracle(text: str) -> float:
        if re.fullmatch(r"[+-]?(nan|inf|infinity)", text, re.IGNORECASE):
            return float(text)
        if not NUMBER.fullmatch(text):
            raise Refused
        with np.errstate(over="ignore"):
            number = float(target(text))
        if math.isinf(number) or (number == 0 and re.search("[1-9]", text.lower().partition("e")[0])):
            raise Refused
        return number

    check(pa.string(), FLOAT_TYPES[target], texts, oracle)


TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|([+-])(\d\d)(?::?(\d\d))?)?)?", re.ASCII
)
MONTH_ENDS = [datetime(y, m, 1) - timedelta(days=1) for y in (4, 1900, 2000, 2023, 2024, 9999) for m in range(2, 13)]
stamps = st.one_of(st.datetimes(), st.sampled_from([datetime.min, datetime.max, *MONTH_ENDS]))
timestamp_texts = mutated(
    st.builds(
        lambda stamp, separator, fraction, zone: stamp.replace(microsecond=0).isoformat(separator) + fraction + zone,
        stamps,
        st.sampled_from("T "),
        st.sampled_from(["", "", ".5", ".000001", ".123456", ".1234560", ".1234567", ".", ".000000"]),
        st.sampled_from(["", "", "Z", "+00:00", "-05:30", "+0530", "+14", "-23:59", "+24:00", "+01:60", "z"]),
    ),
    "0123456789-+:TZ. tz",
)


def read_timestamp(text: str) -> tuple[datetime, bool]:
    """The text in UTC, and whether it said an offset."""
    found = TIMESTAMP.fullmatch(text)
    if not found:
        raise Refused
    year, month, day, hour, minute, second, fraction, zone, sign, east, minutes = found.groups()
    digits = (fraction or "").rstrip("0")
    if len(digits) > 6 or int(east or 0) > 23 or int(minutes or 0) > 59:
        raise Refused
    try:
        day_part, micros = (int(year), int(month), int(day)), int(digits.ljust(6, "0"))
        local = datetime(*day_part, int(hour or 0), int(minute or 0), int(second or 0), micros)
        offset = timedelta(hours=int(east or 0), minutes=int(minutes or 0))
        return (local + offset if sign == "-" else local - offset), bool(zone)
    except (ValueError, OverflowError):
        raise Refused from None


@given(lists(timestamp_texts))
def test_text_to_timestamp(texts: list[str]) -> None:
    check(pa.string(), pa.timestamp("us"), texts, lambda text: read_timestamp(text)[0])

    def aware(text: str) -> datetime:
        stamp, zoned = read_timestamp(text)
        if not zoned:
            raise Refused
        return stamp.replace(tzinfo=UTC)

    check(pa.string(), pa.timestamp("us", "UTC"), texts, lambda text: aware(text).replace(tzinfo=ZoneInfo("UTC")))


@given(lists(mutated(stamps.map(lambda stamp: stamp.date().isoformat()), "0123456789-T ")))
def test_text_to_date(texts: list[str]) -> None:
    def oracle(text: str) -> date:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise Refused
        return read_timestamp(text)[0].date()

    check(pa.string(), pa.date32(), texts, oracle)


@given(
    lists(
        mutated(
            st.one_of(
                st.times().map(str), st.sampled_from(["24:00:00", "10:00:00.1234560", "10:00", "10:00Z", "10:00:00.5Z"])
            ),
            "0123456789:.Z ",
        )
    )
)
def test_text_to_time(texts: list[str]) -> None:
    def oracle(text: str) -> time:
        if not re.fullmatch(r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z?", text):
            raise Refused
        return read_timestamp(f"2000-01-01T{text}")[0].time()

    check(pa.string(), pa.time64("us"), texts, oracle)


PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
EPOCH = datetime(1970, 1, 1)


@given(st.data(), st.sampled_from(["s", "ms", "us", "ns"]))
def test_timestamp_units(data: st.DataObject, unit: Any) -> None:
    edges = [-62135596800, 253402300800, 0]
    limit = 2**63 - 1
    counts = st.one_of(
        st.integers(-limit, limit),
        st.builds(
            lambda edge, step: max(-limit, min(limit, edge * PER_SECOND[unit] + step)),
            st.sampled_from(edges),
            st.integers(-2000, 2000),
        ),
    )
    values = data.draw(lists(counts))

    def oracle(count: int) -> datetime:
        micros = Fraction(count * 10**6, PER_SECOND[unit])
        try:
            return EPOCH + timedelta(microseconds=fit_int(micros, pa.int64()))
        except OverflowError:
            raise Refused from None

    def days(count: int) -> date:
        stamp = oracle(count)
        if stamp.time() != time(0):
            raise Refused
        return stamp.date()

    # pa.array can't make timestamps out of every count, a view of ints is all of them.
    for target, expected in ((pa.timestamp("us"), oracle), (pa.date32(), days)):
        batch = pa.record_batch([pa.array(values, pa.int64()).view(pa.timestamp(unit))], names=["c"])
        convert = compile_converter(batch.schema, TableSpec("t", (ColumnSpec("c", target),)))
        good, rejects = convert.split(batch)
        wanted: list[Any] = []
        refused: list[int] = []
        for row, count in enumerate(values):
            try:
                wanted.append(expected(count))
            except Refused:
                refused.append(row)
        assert (good.column(0).to_pylist(), rejects.column("row").to_pylist()) == (wanted, refused)


@given(
    lists(
        mutated(
            st.uuids().flatmap(lambda u: st.sampled_from([str(u), u.hex, str(u).upper(), f"{{{u}}}", u.urn])), "0aFg-{ "
        )
    )
)
def test_text_to_uuid(texts: list[str]) -> None:
    def oracle(text: str) -> UUID:
        if not re.fullmatch(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text):
            raise Refused
        return UUID(text)

    check(pa.string(), pa.uuid(), texts, oracle)


@given(
    lists(
        st.one_of(
            st.binary(max_size=8), st.text().map(str.encode), st.text().map(lambda text: text.encode("utf-16-be"))
        )
    )
)
def test_binary_to_text(values: list[bytes]) -> None:
    def oracle(value: bytes) -> str:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            raise Refused from None
        if "\0" in text:
            raise Refused
        return text

    check(pa.binary(), pa.string(), values, oracle)


def is_json(text: str) -> bool:
    def no_constant(name: str) -> None:
        raise ValueError(name)

    def check_strings(value: Any) -> None:
        match value:
            case str():
                value.encode()  # fails for an unpaired surrogate
                if "\0" in value:
                    raise ValueError("NUL")
            case list() | tuple():
                for each in value:
                    check_strings(each)

    try:
        check_strings(json.loads(text, parse_constant=no_constant, object_pairs_hook=list))
    except ValueError:
        return False
    return True


json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.sampled_from(["\ud83d\ude00", "\\u0000", '"', "[{:,"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=4)),
    max_leaves=10,
)
json_texts = st.one_of(
    mutated(
        st.builds(
            lambda value, escaped, indent: json.dumps(value, ensure_ascii=escaped, indent=indent),
            json_values,
            st.booleans(),
            st.sampled_from([None, 1]),
        ),
        '{}[]:,"\\ud8c0019.eE+-tfn \t\n\x01\x02\0é/',
    ),
    st.text('{}[]:,"\\ud8C0019.eE+- \n\x01\x02', max_size=12),
    st.lists(
        st.sampled_from(['"', "\\", "u", "\\u00e9", "\\ud83d", "\\ude00", "\\u0000", "\\\\", "a", "0"]), max_size=8
    ).map("".join),
)


@given(lists(json_texts), st.booleans())
def test_text_to_json(texts: list[str], many: bool) -> None:
    def encodable(text: str) -> bool:
        return not re.search("[\ud800-\udfff]", text)

    def oracle(text: str) -> str:
        if not is_json(text):
            raise Refused
        return text

    # Few documents and many take different ways.
    more = ["[1]"] * 1000 if many else []
    check(pa.string(), pa.json_(), [*filter(encodable, texts), *more], oracle)


@pytest.mark.parametrize(
    "text", ['"\\ud83d\\ude00"', "[]", '{"a": {"b": [1, 2, {"c": null}]}}', "-0.0e-0", "[[[[[[[[1]]]]]]]]"]
)
def test_the_oracle_knows_json(text: str) -> None:
    assert is_json(text)
