"""`write_tsv`: what it writes is read back as the same batch, whatever its types and layouts."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrowsync import MaxLength, Precision, TimeZone, float32, int8, int16, int32, uint8, uint16, uint32, uint64
from arrowsync.convert import compile_converter
from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import ConversionError, DeclarationError, SourceError
from arrowsync.sources.files.tsv import open_tsv
from arrowsync.sync.open_source import write_tsv
from arrowsync.testing import random_batches

pc: Any = pyarrow.compute


class Mood(Enum):
    HAPPY = "happy"
    TABBED = "a\tb\\"
    QUOTED = 'it\'s "so" ,{}[]'
    NOTHING = "\\N"


@dataclass
class Point:
    x: float | None
    label: str | None
    mood: Mood
    seen: list[datetime]


@dataclass
class Everything:
    bool_: bool | None
    int8_: int8 | None
    int16_: int16 | None
    int32_: int32 | None
    int64_: int | None
    uint8_: uint8 | None
    uint16_: uint16 | None
    uint32_: uint32 | None
    uint64_: uint64 | None
    float32_: float32 | None
    float64_: float | None
    decimal_: Decimal | None
    cents: Annotated[Decimal, Precision(12, 2)] | None
    huge: Annotated[Decimal, Precision(60, 30)] | None
    str_: str | None
    code: Annotated[str, MaxLength(5)] | None
    bytes_: bytes | None
    datetime_: datetime | None
    aware: Annotated[datetime, TimeZone("UTC")] | None
    date_: date | None
    time_: time | None
    timedelta_: timedelta | None
    uuid_: UUID | None
    mood: Mood | None
    ip4: IPv4Address | None
    ip6: IPv6Address | None
    json: dict[str, Any] | None
    ints: list[int | None] | None
    texts: list[str | None] | None
    floats: list[float] | None
    decimals: set[Decimal] | None
    blobs: list[bytes] | None
    times: list[time] | None
    spans: list[timedelta] | None
    flags: list[list[bool]] | None
    ids: list[UUID] | None
    documents: list[dict[str, Any]] | None
    point: Point | None
    points: list[Point | None] | None


SPEC = read_dataclass(Everything)


def read(data: bytes, spec: TableSpec, block_bytes: int = 1 << 20) -> pa.Table:
    stream = open_tsv(io.BytesIO(data), name="t.tsv", block_bytes=block_bytes)
    convert = compile_converter(stream.schema, spec)
    table = pa.Table.from_batches([convert(batch) for batch in stream], schema=convert.schema)
    table.validate(full=True)
    return table


def written(data: object, **options: Any) -> bytes:
    file = io.BytesIO()
    write_tsv(data, file, **options)
    return file.getvalue()


def assert_same(found: pa.Table, expected: pa.Table) -> None:
    """Equal, with NaN equal to NaN and 0.0 different from -0.0."""
    assert found.schema.equals(expected.schema)
    for name in expected.schema.names:
        assert repr(found[name].to_pylist()) == repr(expected[name].to_pylist())


@pytest.mark.parametrize("column", SPEC.columns, ids=lambda column: column.name)
@settings(max_examples=8)
@given(seed=st.integers(0, 2**32), block_bytes=st.integers(1, 5000))
def test_every_type_is_read_back_the_same(column: ColumnSpec, seed: int, block_bytes: int) -> None:
    spec = TableSpec("t", (column,))
    table = random_batches(spec, 60, seed, nan=True).read_all()
    assert_same(read(written(table), spec, block_bytes), table)


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_whole_tables_are_read_back_the_same(seed: int) -> None:
    table = random_batches(SPEC, 200, seed, nan=True).read_all()
    assert_same(read(written(table), SPEC), table)


texts = st.text(st.characters(codec="utf-8"), max_size=12) | st.text('\\N\t\n\r\0"', max_size=6)


@given(st.lists(st.tuples(st.none() | texts, st.none() | texts), max_size=20), st.integers(1, 50))
def test_any_text_is_read_back_the_same(rows: list[tuple[str | None, str | None]], block_bytes: int) -> None:
    table = pa.table(
        {"a": pa.array([a for a, _ in rows], pa.string()), "b": pa.array([b for _, b in rows], pa.string())}
    )
    stream = open_tsv(io.BytesIO(written(table)), name="t.tsv", block_bytes=block_bytes)
    assert stream.read_all().to_pylist() == table.to_pylist()


@given(st.lists(texts.filter(lambda text: text != "" and "\0" not in text), min_size=1, max_size=6, unique=True))
def test_any_names_are_read_back_the_same(names: list[str]) -> None:
    table = pa.table({name: ["x"] for name in names})
    assert open_tsv(io.BytesIO(written(table)), name="t.tsv").schema.names == names


@given(st.lists(st.lists(st.none() | texts) | st.none(), max_size=8))
def test_any_text_in_lists_is_read_back_the_same(lists: list[list[str | None] | None]) -> None:
    element = ColumnSpec("item", pa.string(), nullable=True)
    spec = TableSpec("t", (ColumnSpec("c", pa.list_(pa.string()), nullable=True, element=element),))
    table = pa.table({"c": pa.array(lists, pa.list_(pa.string()))})
    data = written(table)
    if any("\0" in text for texts in lists if texts for text in texts if text):
        with pytest.raises(ConversionError, match="NUL"):
            read(data, spec)
    else:
        assert_same(read(data, spec), table)


def layouts(array: pa.Array[Any]) -> Iterator[pa.Array[Any]]:
    """The same values in other layouts."""
    yield array.dictionary_encode()
    yield pc.run_end_encode(array)
    padded = pa.concat_arrays([array, array, array])
    yield padded.slice(len(array), len(array))
    others = {
        pa.string(): [pa.large_string(), pa.string_view()],
        pa.binary(): [pa.large_binary(), pa.binary_view()],
        pa.int8(): [pa.decimal128(5, 0), pa.int64()],
        pa.bool_(): [pa.int8()],
    }
    for kind in others.get(array.type, []):
        yield array.cast(kind)


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["a\tb", None, "", "\\N"]),
        pa.array([b"\x00\xff", None, b"", b"\\"]),
        pa.array([datetime(2020, 1, 1), None], pa.timestamp("us")),
        pa.array([1, None, -128], pa.int8()),
        pa.array([True, None, False]),
        pa.array([1.5, None, -0.0]),
        pa.array([Decimal("0.50"), None, Decimal("-3")], pa.decimal128(9, 2)),
    ],
    ids=lambda values: str(values.type),
)
def test_every_layout_is_written_the_same(values: pa.Array[Any]) -> None:
    expected = written(pa.table({"c": values}))
    for array in layouts(values):
        data = written(pa.table({"c": array}))
        if pa.types.is_boolean(values.type) and array.type == pa.int8():
            assert data == b"c\n1\n\\N\n0\n"
        else:
            assert data == expected, array.type


@pytest.mark.parametrize(
    "layout",
    [pa.large_list(pa.int64()), pa.list_view(pa.int64()), pa.large_list_view(pa.int64()), pa.list_(pa.int64(), 2)],
)
def test_every_layout_of_a_list_is_written_the_same(layout: pa.DataType) -> None:
    array = pa.array([[9, 9], [1, None], None, [2, 3]], layout).slice(1)
    assert written(pa.table({"c": array})) == b"c\n[1,null]\n\\N\n[2,3]\n"


def test_the_text_of_each_type() -> None:
    """What stands in a file is a promise to whoever reads it with something else."""
    cases: list[tuple[Any, pa.DataType, str]] = [
        (True, pa.bool_(), "true"),
        (-128, pa.int8(), "-128"),
        (2**64 - 1, pa.uint64(), "18446744073709551615"),
        (0.1, pa.float64(), "0.1"),
        (float("nan"), pa.float64(), "nan"),
        (float("-inf"), pa.float64(), "-inf"),
        (Decimal("0"), pa.decimal128(38, 9), "0.000000000"),
        (Decimal("-1E-20"), pa.decimal256(60, 20), "-0.00000000000000000001"),
        ("ü\t\\N\b\f\n\r\v\0", pa.string(), r"ü\t\\N\b\f\n\r\v\0"),
        ("", pa.string(), ""),
        (b"hi\x00\xff", pa.binary(), r"\\x686900ff"),
        (datetime(2020, 1, 31, 10), pa.timestamp("us"), "2020-01-31T10:00:00"),
        (datetime(1, 1, 1, 0, 0, 0, 500000), pa.timestamp("us"), "0001-01-01T00:00:00.500000"),
        (datetime(2020, 1, 31, 10, tzinfo=UTC), pa.timestamp("s", "+05:30"), "2020-01-31T10:00:00Z"),
        (date(9999, 12, 31), pa.date32(), "9999-12-31"),
        (time(10, 0, 0, 1), pa.time64("us"), "10:00:00.000001"),
        (timedelta(days=-1, microseconds=500_000), pa.duration("us"), "-23:59:59.5"),
        (UUID(int=1).bytes, pa.uuid(), "00000000-0000-0000-0000-000000000001"),
        ('{"a":\n"\\n"}', pa.json_(), r'{"a":\n"\\n"}'),
        (["a", None, '"\\\x01'], pa.list_(pa.string()), r'["a",null,"\\"\\\\\\u0001"]'),
        ([1.5, float("inf")], pa.list_(pa.float64()), '[1.5,"inf"]'),
        (
            {"a": 1, 'b"': [b"x"]},
            pa.struct([("a", pa.int8()), ('b"', pa.list_(pa.binary()))]),
            r'{"a":1,"b\\"":["\\\\x78"]}',
        ),
        ([[], None], pa.list_(pa.list_(pa.int8())), "[[],null]"),
        ({}, pa.struct([]), "{}"),
        (None, pa.null(), r"\N"),
    ]
    for value, kind, text in cases:
        array = pa.array([value, None], kind)
        assert written(pa.table({"c": array})).decode() == f"c\n{text}\n\\N\n", kind


def test_extreme_counts_are_read_back_the_same() -> None:
    counts = pa.array([-(2**63), 2**63 - 1, 0, -1])
    spec = TableSpec("t", (ColumnSpec("c", pa.duration("us")),))
    assert (
        read(written(pa.table({"c": counts.view(pa.duration("us"))})), spec)["c"]
        .combine_chunks()
        .view(pa.int64())
        .equals(counts)
    )


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (pa.array([3_000_000], pa.date32()), "1 value is out of range for a date or timestamp"),
        (pa.array([-1], pa.int64()).view(pa.time64("us")), "1 value is out of range for a time of day"),
        (
            pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), pa.array([b"\xff"]).view(pa.string())),
            "1 value contains an element that is not valid UTF-8",
        ),
        (pa.array([b"\xff"]).view(pa.string()), "1 value is not valid UTF-8"),
    ],
)
def test_values_without_text_are_refused(array: pa.Array[Any], reason: str) -> None:
    with pytest.raises(ConversionError, match=reason) as caught:
        written(pa.table({"c": array}))
    assert (caught.value.column, caught.value.rows) == ("c", (0,))


def test_types_without_text_are_refused() -> None:
    table = pa.table({"c": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8()))})
    with pytest.raises(ConversionError, match=r"map<string, int8> has no form as text"):
        written(table)


def test_a_table_brings_the_data_to_its_types_first() -> None:
    @dataclass
    class Row:
        a: int
        b: Annotated[Decimal, Precision(5, 2)]

    assert written([("1", "2.5")], table=Row, field_names=["a", "b"]) == b"a\tb\n1\t2.50\n"


def test_the_header_can_be_left_out() -> None:
    assert written(pa.table({"a": [1]}), header=False) == b"1\n"
    assert written(pa.table({"a": pa.array([], pa.int8())})) == b"a\n"


def test_text_that_begins_like_a_byte_order_mark_is_read_back_the_same() -> None:
    table = pa.table({"\ufeffa": ["\ufeffx"]})
    assert open_tsv(io.BytesIO(written(table)), name="t.tsv").read_all().equals(table)
    with open_tsv(io.BytesIO(written(table, header=False)), name="t.tsv", field_names=["c"], has_header=False) as rows:
        assert rows.read_all().to_pydict() == {"c": ["\ufeffx"]}


def test_a_batch_of_any_size_is_written() -> None:
    table = pa.table({"a": pa.array(["x\t" * 100] * 300_000), "b": range(300_000)})
    data = written(table)
    assert len(data) == len("a\tb\n") + 300_000 * (300 + 2) + sum(len(str(n)) for n in range(300_000))


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_file_is_written_whole_and_compressed_by_its_suffix(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t.tsv{suffix}"
    assert write_tsv(pa.table({"a": [1, 2]}), path) == 2
    content = path.read_bytes()
    if suffix == ".gz":
        content = gzip.decompress(content)
    elif suffix == ".zst":
        content = pa.input_stream(path, compression="zstd").read()
    assert content == b"a\n1\n2\n"
    assert list(tmp_path.iterdir()) == [path]


def test_after_an_error_the_old_file_is_still_there(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text("old")

    def rows() -> Iterator[tuple[int]]:
        for number in range(100_000):
            yield (number,)
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        write_tsv(rows(), path, field_names=["n"])
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(SourceError):
        write_tsv(None, path)
    assert path.read_text() == "old"


def test_a_path_that_cannot_be_written_is_the_one_in_the_error(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "t.tsv"
    with pytest.raises(FileNotFoundError) as caught:
        write_tsv(pa.table({"a": [1]}), path)
    assert caught.value.filename == str(path)


def test_a_file_opened_for_text_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "t.tsv").open("w") as file, pytest.raises(DeclarationError, match="opened for text"):
        write_tsv(pa.table({"a": [1]}), file)  # type: ignore[arg-type]
