"""LOAD DATA text: every field against a slow writer in plain Python, and what is refused, by column and row."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrowsync.catalog import SqlType
from arrowsync.dialects import language_for
from arrowsync.errors import ConversionError
from arrowsync.sql import SQL, join
from arrowsync.wire.mysqltext.encode import MySqlTextEncoder, compile_mysqltext

Arrow: Any = pa
compute: Any = pyarrow.compute
QUOTING = language_for("mysql").quoting(language_for("mysql").server)


def encoder(source: Any, target: SqlType, **options: Any) -> MySqlTextEncoder:
    return compile_mysqltext(pa.schema([("c", source)]), [target], **options)


def encode(array: Any, target: SqlType, first_row: int = 0, **options: Any) -> bytes:
    batch = pa.record_batch([array], names=["c"])
    return encoder(array.type, target, **options)(batch, first_row=first_row).to_pybytes()


def fields(array: Any, target: SqlType, **options: Any) -> list[str]:
    text = encode(array, target, **options).decode()
    assert text.endswith("\n")
    return split_lines(text)


def split_lines(text: str) -> list[str]:
    """The lines, where a line feed after a backslash ends none."""
    lines, line, at = [], "", 0
    while at < len(text):
        if text[at] == "\\":
            line += text[at : at + 2]
            at += 2
            continue
        if text[at] == "\n":
            lines.append(line)
            line = ""
        else:
            line += text[at]
        at += 1
    assert line == ""
    return lines


def written(value: Any) -> str:
    """A field, as the simplest program would write it."""
    match value:
        case None:
            return "\\N"
        case bool():
            return str(int(value))
        case bytes():
            return value.hex()
        case UUID():
            return value.hex
        case datetime():
            return value.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
        case time():
            return value.isoformat(timespec="microseconds")
        case timedelta():
            return str(value // timedelta(microseconds=1))
        case str():
            return "".join("\\" + letter if letter in "\t\n\\" else letter for letter in value)
        case _:
            return str(value)


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.text("\\\t\n\rN'\" 0é😀", max_size=12)
TYPES: dict[str, tuple[Any, SqlType, Any]] = {
    "bool": (pa.bool_(), SqlType("boolean"), st.booleans()),
    "int8": (pa.int8(), SqlType("tinyint"), st.integers(-128, 127)),
    "mediumint": (pa.int32(), SqlType("mediumint"), st.integers(-(2**23), 2**23 - 1)),
    "int64": (pa.int64(), SqlType("bigint"), st.integers(-(2**63), 2**63 - 1)),
    "uint64": (pa.uint64(), SqlType("bigint unsigned"), st.integers(0, 2**64 - 1)),
    "text": (pa.string(), SqlType("mediumtext"), TEXTS),
    "varchar": (pa.large_string(), SqlType("varchar", (20,)), TEXTS),
    "view": (Arrow.string_view(), SqlType("longtext"), TEXTS),
    "bytes": (pa.binary(), SqlType("longblob"), st.binary(max_size=20)),
    "byte view": (Arrow.binary_view(), SqlType("varbinary", (20,)), st.binary(max_size=20)),
    "fixed": (pa.binary(4), SqlType("binary", (4,)), st.binary(min_size=4, max_size=4)),
    "date": (pa.date32(), SqlType("date"), st.dates()),
    "naive": (pa.timestamp("us"), SqlType("datetime", (6,)), st.datetimes()),
    "zoned": (pa.timestamp("us", "UTC"), SqlType("datetime", (6,)), st.datetimes(timezones=st.just(UTC))),
    "time": (pa.time64("us"), SqlType("time", (6,)), st.times()),
    "duration": (
        pa.duration("us"),
        SqlType("bigint"),
        st.timedeltas(timedelta(microseconds=-(2**63)), timedelta(microseconds=2**63 - 1)),
    ),
    "uuid": (Arrow.uuid(), SqlType("binary", (16,)), st.uuids()),
    "json": (Arrow.json_(), SqlType("json"), st.recursive(TEXTS, st.lists, max_leaves=3).map(json.dumps)),
}


@pytest.mark.parametrize("name", TYPES)
@given(data=st.data())
def test_each_field_is_what_the_simplest_program_writes(name: str, data: st.DataObject) -> None:
    source, target, values = TYPES[name]
    given_values = data.draw(st.lists(st.none() | values, max_size=8))
    array = make(given_values, source)
    if not len(array):
        assert encode(array, target) == b""
        return
    assert fields(array, target) == list(map(written, given_values))
    cut = data.draw(st.integers(0, len(array) - 1))
    assert fields(array.slice(cut), target) == list(map(written, given_values[cut:]))


def make(values: list[Any], source: Any) -> Any:
    if isinstance(source, pa.UuidType):
        storage = pa.array([value and value.bytes for value in values], pa.binary(16))
        return pa.ExtensionArray.from_storage(source, storage)
    if isinstance(source, pa.JsonType):
        return pa.ExtensionArray.from_storage(source, pa.array(values, pa.string()))
    return pa.array(values, source)


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_a_float_is_written_with_all_its_digits(values: list[float | None]) -> None:
    read = [
        None if text == "\\N" else float(text) for text in fields(pa.array(values, pa.float64()), SqlType("double"))
    ]
    assert list(map(repr, read)) == list(map(repr, values))


@given(st.lists(st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_a_float32_is_written_as_the_double_that_it_is(values: list[float | None]) -> None:
    for target in (SqlType("float"), SqlType("double")):
        texts = fields(pa.array(values, pa.float32()), target)
        assert [None if text == "\\N" else float(text) for text in texts] == values


@st.composite
def decimals(draw: st.DrawFn) -> tuple[list[Decimal | None], int, int]:
    precision = draw(st.integers(1, 65))
    scale = draw(st.integers(0, min(precision, 38)))
    whole = st.none() | st.integers(-(10**precision) + 1, 10**precision - 1)
    return (
        [n if n is None else exact(n, scale) for n in draw(st.lists(whole, min_size=1, max_size=6))],
        precision,
        scale,
    )


def exact(number: int, scale: int) -> Decimal:
    """The decimal of all its digits, however many the context has."""
    sign, digits = (1, -number) if number < 0 else (0, number)
    return Decimal((sign, tuple(map(int, str(digits))), -scale))


@given(decimals())
def test_a_decimal_is_written_exactly(drawn: tuple[list[Decimal | None], int, int]) -> None:
    values, precision, scale = drawn
    sources = [Arrow.decimal256(precision, scale)] + ([pa.decimal128(precision, scale)] if precision <= 38 else [])
    for source in sources:
        texts = fields(pa.array(values, source), SqlType("decimal", (precision, scale)))
        assert [None if text == "\\N" else Decimal(text) for text in texts] == values


def test_a_decimal_of_more_digits_than_the_column_has_to_lack_them() -> None:
    source = pa.decimal128(20, 8)
    target = SqlType("decimal", (10, 2))
    fitting = [Decimal("99999999.99"), Decimal("-0.01"), Decimal(0), Decimal("-99999999.99"), None]
    texts = fields(pa.array(fitting, source), target)
    assert [None if text == "\\N" else Decimal(text) for text in texts] == fitting
    for value, reason in (
        ("100000000", "out of range"),
        ("-100000000.00", "out of range"),
        ("0.001", "finer"),
        ("1.00000001", "finer"),
    ):
        assert reason in refusal(pa.array([Decimal(0), Decimal(value)], source), target).reason


@given(st.lists(st.none() | st.ip_addresses(), min_size=1, max_size=8))
def test_an_address_is_its_bytes(values: list[Any]) -> None:
    array = pa.array([None if value is None else str(value) for value in values])
    expected = ["\\N" if value is None else value.packed.hex() for value in values]
    assert fields(array, SqlType("varbinary", (16,))) == expected


def test_no_address_is_refused() -> None:
    error = refusal(pa.array([str(ip_address("::1")), "localhost"]), SqlType("varbinary", (16,)))
    assert error.rows == (1,)


@given(st.lists(st.none() | st.sampled_from(["a\tb", "\\", "é", ""]), min_size=1, max_size=20), st.data())
def test_every_layout_is_written_alike(values: list[str | None], data: st.DataObject) -> None:
    target = SqlType("enum", labels=("a\tb", "\\", "é", ""))
    plain = pa.array(values, pa.string())
    expected = fields(plain, target)
    first = data.draw(st.integers(0, len(values) - 1))
    encoded: Any = plain.dictionary_encode()
    with_null: Any = pa.DictionaryArray.from_arrays(
        encoded.indices, pa.concat_arrays([encoded.dictionary, pa.array(["x"])])
    )
    runs: Any = compute.run_end_encode(plain)
    for array in (encoded, with_null, runs, plain.cast(pa.large_string()), plain.cast(Arrow.string_view())):
        assert fields(array.slice(first), target) == expected[first:]


def test_several_columns_are_one_line() -> None:
    batch = pa.record_batch({"a": pa.array([1, None]), "b": pa.array(["x\ty", None]), "c": pa.array([None, b"\x01"])})
    types = [SqlType("bigint"), SqlType("text"), SqlType("blob")]
    made = compile_mysqltext(batch.schema, types)
    assert made(batch).to_pybytes() == b"1\tx\\\ty\t\\N\n\\N\t\\N\t01\n"
    listed = ["@arrowsync_2" if isinstance(field, SQL) else field.parts for field in made.fields]
    assert listed == [("a",), ("b",), "@arrowsync_2"]
    assert join(", ", made.fields).text(QUOTING) == "`a`, `b`, @arrowsync_2"
    assert [part.text(QUOTING) for part in made.assignments] == ["`c` = UNHEX(@arrowsync_2)"]


def test_all_null_of_no_type() -> None:
    assert fields(pa.nulls(2), SqlType("longblob")) == ["\\N", "\\N"]


def test_digits_of_a_second_are_those_of_the_column() -> None:
    at = datetime(2024, 2, 29, 12, 30, 0, 250_000)
    for digits, expected in ((6, "00.250000"), (3, "00.250"), (2, "00.25")):
        assert fields(pa.array([at], pa.timestamp("us")), SqlType("datetime", (digits,))) == [
            f"2024-02-29 12:30:{expected}"
        ]
        assert fields(pa.array([at.time()], pa.time64("us")), SqlType("time", (digits,))) == [f"12:30:{expected}"]
    whole = pa.array([at.replace(microsecond=0)], pa.timestamp("us"))
    assert fields(whole, SqlType("datetime", (0,))) == ["2024-02-29 12:30:00"]
    assert fields(pa.array([at], pa.timestamp("ms", "UTC")), SqlType("timestamp", (3,))) == ["2024-02-29 12:30:00.250"]


def test_years_have_four_digits() -> None:
    assert fields(pa.array([0, 1901, 2155, None], pa.uint16()), SqlType("year")) == ["0000", "1901", "2155", "\\N"]


def refusal(array: Any, target: SqlType, first_row: int = 0, **options: Any) -> ConversionError:
    with pytest.raises(ConversionError) as caught:
        encode(array, target, first_row, **options)
    return caught.value


def us(text: str) -> datetime:
    return datetime.fromisoformat(text)


REFUSED: dict[str, tuple[Any, SqlType, str]] = {
    "too great": (pa.array([0, 2**31]), SqlType("int"), "out of range for int"),
    "below zero": (pa.array([0, -1]), SqlType("bigint unsigned"), "out of range for bigint unsigned"),
    "too great for a signed one": (pa.array([0, 2**63], pa.uint64()), SqlType("bigint"), "out of range for bigint"),
    "an integer that no float is": (pa.array([0, 2**53 + 1]), SqlType("double"), "out of range for double"),
    "digits of an integer": (pa.array([0, 1000]), SqlType("decimal", (5, 2)), "out of range for decimal(5, 2)"),
    "a year": (pa.array([0, 1900], pa.uint16()), SqlType("year"), "out of range for year"),
    "NaN": (pa.array([0.0, math.nan]), SqlType("double"), "not a finite number, and double holds no others"),
    "infinity": (
        pa.array([0.0, -math.inf], pa.float32()),
        SqlType("float"),
        "not a finite number, and float holds no others",
    ),
    "text too long": (pa.array(["é" * 3, "é" * 4]), SqlType("varchar", (3,)), "longer than 3 characters"),
    "bytes too many": (pa.array([b"", b"1234"]), SqlType("varbinary", (3,)), "longer than 3 bytes"),
    "text of too many bytes": (pa.array(["", "é" * 128]), SqlType("tinytext"), "longer than 255 bytes"),
    "a space at the end": (pa.array(["a", "a "]), SqlType("char", (3,)), "ends in a space, which char(3) doesn't keep"),
    "bytes too few": (pa.array([b"123", b"12"]), SqlType("binary", (3,)), "not 3 bytes long"),
    "no label": (pa.array(["a", "A"]), SqlType("enum", labels=("a",)), "not a label of enum"),
    "before timestamps": (
        pa.array([us("2000-01-01"), us("1970-01-01")], pa.timestamp("us", "UTC")),
        SqlType("timestamp", (6,)),
        "out of range for timestamp(6)",
    ),
    "after timestamps": (
        pa.array([us("2000-01-01"), us("2038-01-19 03:14:08")], pa.timestamp("s", "UTC")),
        SqlType("timestamp", (0,)),
        "out of range for timestamp(0)",
    ),
    "a year before 1": (
        pa.array([0, -719_163], pa.int32()).cast(pa.date32()),
        SqlType("date"),
        "out of range for date",
    ),
    "a year after 9999": (
        pa.array([0, 253_402_300_800]).cast(pa.timestamp("s")),
        SqlType("datetime", (0,)),
        "out of range for datetime(0)",
    ),
    "a part of a second": (
        pa.array([us("2000-01-01"), us("2000-01-01 00:00:00.000001")], pa.timestamp("us")),
        SqlType("datetime", (3,)),
        "finer than datetime(3) stores",
    ),
    "a time after midnight": (
        pa.array([0, 86_400_000_000]).cast(pa.time64("us")),
        SqlType("time", (6,)),
        "out of range for time(6)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_server_would_change_is_refused_by_column_and_row(case: str) -> None:
    array, target, reason = REFUSED[case]
    error = refusal(array, target, first_row=1000)
    assert (error.column, error.rows, error.reason) == ("c", (1001,), reason)
    assert "'c', row 1001" in error.message
    assert error.hint
    mask = pa.array([False, True])
    nulled = compute.if_else(mask, pa.scalar(None, array.type), array)
    assert fields(nulled, target)[1] == "\\N", "what stands under a NULL is no value"
    encode(array.slice(0, 1), target)


def test_a_null_in_a_required_column_is_refused() -> None:
    for array in (pa.array([1, None]), pa.array(["a", None]).dictionary_encode()):
        target = SqlType("bigint") if pa.types.is_integer(array.type) else SqlType("text")
        error = refusal(array, target, required=[True])
        assert (error.rows, error.sample, error.reason) == ((1,), (None,), "NULL in a required column")
        assert fields(array, target)[1] == "\\N"


@pytest.mark.parametrize(
    ("collation", "good", "bad"),
    [
        ("latin1_swedish_ci", "é", "😀"),
        ("latin1_swedish_ci", "é", "\u20ac"),
        ("utf8mb3_general_ci", "\u20ac", "😀"),
        ("ascii_bin", "e", "é"),
        ("cp1251_general_ci", "e", "é"),
    ],
)
def test_what_a_character_set_lacks_is_refused(collation: str, good: str, bad: str) -> None:
    array = pa.array([good, bad, None])
    error = refusal(array, SqlType("text"), collations=[collation])
    assert (error.rows, error.sample) == ((1,), (bad,))
    for complete in (None, "utf8mb4_general_ci", "utf16_bin"):
        assert len(fields(array, SqlType("text"), collations=[complete])) == 3


def test_json_numbers_that_a_double_loses_are_refused() -> None:
    target = SqlType("json")
    exact_ones = pa.array(
        [
            "[1.5, 0.12345678901234566, 1e300, 9223372036854775807,-999999999999999999]",
            '{"12345678901234567890123": "9.99999999999999999999"}',
        ]
    )
    assert fields(exact_ones, target, exact_json=False) == exact_ones.to_pylist()
    array = pa.array(["1", '{"a": 12345678901234567890123}'])
    assert refusal(array, target, exact_json=False).rows == (1,)
    assert fields(array, target) == array.to_pylist()


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (pa.timestamp("ns"), SqlType("datetime", (6,))),
        (pa.timestamp("us"), SqlType("timestamp", (6,))),
        (pa.float64(), SqlType("float")),
        (pa.string(), SqlType("varbinary", (20,))),
        (pa.string(), SqlType("bigint")),
        (pa.int64(), SqlType("geometry")),
        (pa.binary(15), SqlType("uuid")),
    ],
)
def test_types_without_an_exact_form_are_refused_before_any_value(source: Any, target: SqlType) -> None:
    with pytest.raises(ConversionError, match="'c': Arrow"):
        encoder(source, target)


def test_batches_of_another_schema_are_refused() -> None:
    with pytest.raises(ValueError, match="another schema"):
        encoder(pa.int64(), SqlType("bigint"))(pa.record_batch({"d": pa.array([1])}))


def test_text_of_more_than_two_gigabytes_of_offsets_is_laid_out_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    from arrowsync.wire.mysqltext import encode as mysqltext
    from arrowsync.wire.mysqltext import text as mysqlstrings

    batch = pa.record_batch({"a": pa.array(["x\ty"] * 5), "b": pa.array([b"\x01"] * 5)})
    types = [SqlType("mediumtext"), SqlType("longblob")]
    narrow = compile_mysqltext(batch.schema, types)(batch).to_pybytes()
    monkeypatch.setattr(mysqltext, "NARROW_LIMIT", 8)
    monkeypatch.setattr(mysqlstrings, "NARROW_LIMIT", 8)
    assert compile_mysqltext(batch.schema, types)(batch).to_pybytes() == narrow == b"x\\\ty\t01\n" * 5
    assert np.frombuffer(narrow, np.uint8).size == 8 * 5
