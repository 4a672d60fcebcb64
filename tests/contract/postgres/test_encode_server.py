"""The encoder against the server: what it writes is what the server itself makes of the same values given as text.

Every batch goes into one table as our COPY BINARY and into another as text, read by the server's own input functions; then
both tables are copied out as binary. For types that the server has one spelling of, our bytes are compared as well.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import ipaddress
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import asyncpg
import pyarrow as pa
import pyarrow.compute
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arrowsync.catalog import SqlType
from arrowsync.wire.pgcopy.encode import HEADER, TRAILER, compile_pgcopy

pc: Any = pyarrow.compute
month_day_nano: Any = pa.MonthDayNano
LABELS = ("happy", "it's", "日本", " ", '"{},\\')


@dataclass(frozen=True, slots=True)
class Kind:
    """A type: in Arrow, as the encoder is told of it, in SQL; its values, and each as the server's input function takes it."""

    arrow: pa.DataType
    type: SqlType
    values: st.SearchStrategy[Any]
    text: Callable[[Any], str] = str
    sql: str = ""
    one_spelling: bool = True

    @property
    def declaration(self) -> str:
        return self.sql or str(self.type)


class Server:
    """An open connection with the types and extensions that the tests use."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._connection = self._runner.run(asyncpg.connect(url))
        self.execute("CREATE EXTENSION citext")
        labels = ", ".join("'" + label.replace("'", "''") + "'" for label in LABELS)
        self.execute(f"CREATE TYPE mood AS ENUM ({labels})")
        rows = self._runner.run(
            self._connection.fetch("SELECT typname, oid FROM pg_type WHERE typname IN ('mood', 'citext')")
        )
        oids = {row["typname"]: row["oid"] for row in rows}
        self.oids = {MOOD: oids["mood"], SqlType("citext"): oids["citext"]}

    def execute(self, statement: str) -> None:
        self._runner.run(self._connection.execute(statement))

    def fetch(self, query: str) -> list[Any]:
        return [tuple(row) for row in self._runner.run(self._connection.fetch(query))]

    def create(self, table: str, declarations: Sequence[str]) -> None:
        columns = ", ".join(f"c{number} {declaration}" for number, declaration in enumerate(declarations))
        self.execute(f"DROP TABLE IF EXISTS {table}; CREATE TABLE {table} ({columns})")

    def copy_in(self, table: str, data: bytes | AsyncIterator[Any], form: Literal["binary", "text"]) -> None:
        source = io.BytesIO(data) if isinstance(data, bytes) else data
        self._runner.run(self._connection.copy_to_table(table, source=source, format=form))

    def copy_out(self, table: str) -> bytes:
        out = io.BytesIO()
        self._runner.run(self._connection.copy_from_table(table, output=out, format="binary"))
        return out.getvalue()

    def close(self) -> None:
        self._runner.run(self._connection.close())
        self._runner.close()


@pytest.fixture
def server(postgres_url: str) -> Iterator[Server]:
    server = Server(postgres_url)
    yield server
    server.close()


def encode(server: Server, columns: Sequence[pa.Array[Any]], types: Sequence[SqlType]) -> bytes:
    batch = pa.record_batch(list(columns), names=[f"c{number}" for number in range(len(columns))])
    return HEADER + bytes(compile_pgcopy(batch.schema, types, oids=server.oids)(batch)) + TRAILER


def copy_text(texts: Sequence[str | None]) -> str:
    escapes = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
    return "\t".join("\\N" if text is None else text.translate(escapes) for text in texts) + "\n"


# --- the table of types


def decimal_text(scale: int) -> Callable[[Decimal], str]:
    """Decimal's own formatting, with no more digits than the context allows, would round long ones."""

    def text(value: Decimal) -> str:
        sign, digits, exponent = value.as_tuple()
        number = "".join(map(str, digits)) + "0" * (int(exponent) + max(scale, 0))
        padded = number.rjust(max(scale, 0) + 1, "0")
        point = len(padded) - max(scale, 0)
        return "-" * sign + padded[:point] + ("." + padded[point:] if scale > 0 else "")

    return text


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    limit = 10**precision - 1
    unscaled = st.one_of(st.integers(-limit, limit), st.integers(-20_000, 20_000), st.sampled_from([0, limit, -limit]))
    return unscaled.map(lambda number: Decimal((number < 0, tuple(map(int, str(abs(number)))), -scale)))


def numeric(arrow: pa.DataType, type_: SqlType) -> Kind:
    decimal: Any = arrow
    values = decimals(decimal.precision, decimal.scale)
    return Kind(arrow, type_, values, decimal_text(decimal.scale), one_spelling=False)


def integers(arrow: pa.DataType, bits: int, type_: SqlType, *, signed: bool = True) -> Kind:
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return Kind(arrow, type_, st.integers(low, high), one_spelling=type_.name != "numeric")


def array_text(element: Kind, depth: int) -> Callable[[Any], str]:
    def text(value: Any) -> str:
        def item(inner: Any, level: int) -> str:
            if level:
                return "{" + ",".join(item(each, level - 1) for each in inner) + "}"
            if inner is None:
                return "NULL"
            return '"' + element.text(inner).replace("\\", "\\\\").replace('"', '\\"') + '"'

        return item(value, depth)

    return text


@st.composite
def rectangles(draw: st.DrawFn, values: st.SearchStrategy[Any], depth: int) -> Any:
    sizes = draw(st.lists(st.integers(1, 3), min_size=depth, max_size=depth))

    def fill(level: int) -> Any:
        if level == depth:
            return draw(st.one_of(st.none(), values))
        return [fill(level + 1) for _ in range(sizes[level])]

    return fill(0) if draw(st.integers(0, 4)) else []


def array(element: Kind, depth: int = 1) -> Kind:
    arrow = element.arrow
    for _ in range(depth):
        arrow = pa.list_(arrow)
    return Kind(
        arrow,
        SqlType("array", element=element.type),
        rectangles(element.values, depth),
        array_text(element, depth),
        sql=element.declaration + "[]",
        one_spelling=element.one_spelling,
    )


@st.composite
def addresses(draw: st.DrawFn) -> str:
    address = draw(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
    spelled = draw(st.sampled_from([str(address), address.exploded, address.compressed.upper()]))
    bits = draw(st.one_of(st.none(), st.integers(0, address.max_prefixlen)))
    return spelled if bits is None else f"{spelled}/{bits}"


@st.composite
def networks(draw: st.DrawFn) -> str:
    return str(ipaddress.ip_network(draw(addresses()), strict=False))


def utc(value: dt.datetime) -> str:
    return value.isoformat(" ")


def interval_text(value: Any) -> str:
    months, days, nanoseconds = value
    return f"{months} mons {days} days {nanoseconds // 1_000} us"


def duration_text(value: dt.timedelta) -> str:
    return f"{value // dt.timedelta(microseconds=1)} us"


def json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


MOOD = SqlType("mood", labels=LABELS, namespace="public")
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXT = st.text(CHARACTERS, max_size=40)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
).map(json_text)
DATETIMES = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999))
DURATIONS = st.timedeltas(-dt.timedelta(10_000), dt.timedelta(10_000))
FLOATS = st.one_of(st.floats(allow_nan=False), st.just(float("nan")))
FLOATS32 = st.one_of(st.floats(width=32, allow_nan=False), st.just(float("nan")))
INT32 = st.integers(-(2**31), 2**31 - 1)
INTERVALS = st.tuples(
    st.integers(-100_000, 100_000), INT32, st.integers(-(10**14), 10**14).map(lambda number: number * 1_000)
).map(month_day_nano)

SCALARS = {
    "bool": Kind(pa.bool_(), SqlType("boolean"), st.booleans()),
    "int8": integers(pa.int8(), 8, SqlType("smallint")),
    "int16": integers(pa.int16(), 16, SqlType("smallint")),
    "int32": integers(pa.int32(), 32, SqlType("integer")),
    "int64": integers(pa.int64(), 64, SqlType("bigint")),
    "uint8": integers(pa.uint8(), 8, SqlType("smallint"), signed=False),
    "uint16": integers(pa.uint16(), 16, SqlType("integer"), signed=False),
    "uint32": integers(pa.uint32(), 32, SqlType("bigint"), signed=False),
    "uint64": integers(pa.uint64(), 64, SqlType("numeric", (20, 0)), signed=False),
    "int16 as bigint": integers(pa.int16(), 16, SqlType("bigint")),
    "int64 as smallint": Kind(pa.int64(), SqlType("smallint"), st.integers(-(2**15), 2**15 - 1)),
    "int64 as numeric": integers(pa.int64(), 64, SqlType("numeric")),
    "int16 as real": integers(pa.int16(), 16, SqlType("real")),
    "int32 as double": integers(pa.int32(), 32, SqlType("double precision")),
    "float32": Kind(pa.float32(), SqlType("real"), FLOATS32, repr),
    "float64": Kind(pa.float64(), SqlType("double precision"), FLOATS, repr),
    "float32 as double": Kind(pa.float32(), SqlType("double precision"), FLOATS32, repr),
    "decimal32": numeric(pa.decimal32(7, 3), SqlType("numeric", (7, 3))),
    "decimal64": numeric(pa.decimal64(18, 18), SqlType("numeric", (18, 18))),
    "decimal128(5, 2)": numeric(pa.decimal128(5, 2), SqlType("numeric", (5, 2))),
    "decimal128(15, 2)": numeric(pa.decimal128(15, 2), SqlType("numeric", (15, 2))),
    "decimal128(38, 9)": numeric(pa.decimal128(38, 9), SqlType("numeric", (38, 9))),
    "decimal128(38, 0)": numeric(pa.decimal128(38, 0), SqlType("numeric")),
    "decimal128(38, 38)": numeric(pa.decimal128(38, 38), SqlType("numeric", (40, 38))),
    "decimal128(9, -3)": numeric(pa.decimal128(9, -3), SqlType("numeric")),
    "decimal128(9, -6)": numeric(pa.decimal128(9, -6), SqlType("numeric", (15, 0))),
    "decimal256(76, 37)": numeric(pa.decimal256(76, 37), SqlType("numeric")),
    "decimal256(76, 75)": numeric(pa.decimal256(76, 75), SqlType("numeric", (76, 75))),
    "string": Kind(pa.string(), SqlType("text"), TEXT),
    "code": Kind(pa.string(), SqlType("text"), st.text("AB", min_size=2, max_size=2)),
    "varchar": Kind(pa.string(), SqlType("varchar", (40,)), TEXT),
    "char": Kind(pa.string(), SqlType("char", (40,)), TEXT, one_spelling=False),
    "citext": Kind(pa.string(), SqlType("citext"), TEXT),
    "name": Kind(pa.string(), SqlType("name"), st.text(CHARACTERS, max_size=15)),
    "enum": Kind(pa.dictionary(pa.int32(), pa.string()), MOOD, st.sampled_from(LABELS)),
    "labels as text": Kind(pa.dictionary(pa.int32(), pa.string()), SqlType("text"), st.sampled_from(LABELS)),
    "binary": Kind(pa.binary(), SqlType("bytea"), st.binary(max_size=40), lambda value: "\\x" + value.hex()),
    "binary(3)": Kind(
        pa.binary(3), SqlType("bytea"), st.binary(min_size=3, max_size=3), lambda value: "\\x" + value.hex()
    ),
    "date": Kind(pa.date32(), SqlType("date"), st.dates()),
    "time": Kind(pa.time64("us"), SqlType("time"), st.times()),
    "time32": Kind(
        pa.time32("ms"), SqlType("time", (3,)), st.times().map(lambda time: time.replace(microsecond=7_000))
    ),
    "timestamp": Kind(pa.timestamp("us"), SqlType("timestamp"), DATETIMES),
    "timestamp[ms]": Kind(
        pa.timestamp("ms"), SqlType("timestamp", (3,)), DATETIMES.map(lambda time: time.replace(microsecond=7_000))
    ),
    "timestamp[s]": Kind(
        pa.timestamp("s"), SqlType("timestamp"), DATETIMES.map(lambda time: time.replace(microsecond=0))
    ),
    "timestamptz": Kind(
        pa.timestamp("us", "UTC"), SqlType("timestamptz"), DATETIMES.map(lambda time: time.replace(tzinfo=dt.UTC))
    ),
    "timestamp[us, Tokyo]": Kind(
        pa.timestamp("us", "Asia/Tokyo"),
        SqlType("timestamptz"),
        DATETIMES.map(lambda time: time.replace(tzinfo=dt.UTC)),
    ),
    "duration": Kind(pa.duration("us"), SqlType("interval"), DURATIONS, duration_text),
    "duration[s]": Kind(
        pa.duration("s"),
        SqlType("interval"),
        st.integers(-(10**9), 10**9).map(lambda s: dt.timedelta(seconds=s)),
        duration_text,
    ),
    "interval": Kind(pa.month_day_nano_interval(), SqlType("interval"), INTERVALS, interval_text),
    "uuid": Kind(pa.uuid(), SqlType("uuid"), st.uuids()),
    "uuid bytes": Kind(
        pa.binary(16), SqlType("uuid"), st.binary(min_size=16, max_size=16), lambda value: str(uuid.UUID(bytes=value))
    ),
    "jsonb": Kind(pa.json_(), SqlType("jsonb"), JSON, one_spelling=False),
    "json": Kind(pa.json_(), SqlType("json"), JSON),
    "json in a string": Kind(pa.string(), SqlType("jsonb"), JSON, one_spelling=False),
    "inet": Kind(pa.string(), SqlType("inet"), addresses()),
    "cidr": Kind(pa.string(), SqlType("cidr"), networks()),
}
KINDS = {
    **SCALARS,
    **{f"{name}[]": array(kind) for name, kind in SCALARS.items()},
    **{
        f"{name}[][]": array(SCALARS[name], 2)
        for name in ("int32", "string", "decimal128(15, 2)", "uuid", "jsonb", "inet")
    },
    "bool[][][]": array(SCALARS["bool"], 3),
}


# --- layouts: the same values, differently in memory


def build(values: Sequence[Any], arrow: pa.DataType) -> pa.Array[Any]:
    """`pa.array`, also of lists of extension types."""
    if pa.types.is_list(arrow):
        nested: Any = arrow
        bounds = [0, *itertools.accumulate(map(len, values))]
        return pa.ListArray.from_arrays(bounds, build([item for value in values for item in value], nested.value_type))
    return pa.array([value.bytes if isinstance(value, uuid.UUID) else value for value in values], arrow)


def masked(values: pa.Array[Any], nulls: Sequence[bool]) -> pa.Array[Any]:
    """The array with NULLs put over values, which stay underneath."""
    if isinstance(values.type, pa.BaseExtensionType):
        extension: Any = values
        return pa.ExtensionArray.from_storage(values.type, masked(extension.storage, nulls))
    if isinstance(values.type, pa.DictionaryType):
        dictionary: Any = values
        return pa.DictionaryArray.from_arrays(masked(dictionary.indices, nulls), dictionary.dictionary)
    validity = pa.array([not null for null in nulls], pa.bool_()).buffers()[1]
    nested: Any = values
    children = [nested.values] if pa.types.is_nested(values.type) else None
    buffers = values.buffers()[: 3 if pa.types.is_string(values.type) or pa.types.is_binary(values.type) else 2]
    return pa.Array.from_buffers(values.type, len(values), [validity, *buffers[1:]], children=children)


def sliced(values: pa.Array[Any]) -> pa.Array[Any]:
    """The same values, in the middle of an array in which others stand where a slice would begin that was not heeded."""
    joined: Any = pa.concat_arrays([values[1:], values, values])
    return joined.slice(len(values) - 1, len(values))


def in_views(values: pa.Array[Any]) -> pa.Array[Any]:
    match values.type:
        case plain if plain == pa.string():
            return values.cast(pa.string_view())
        case plain if plain == pa.binary():
            return values.cast(pa.binary_view())
        case plain if pa.types.is_list(plain):
            nested: Any = values  # backwards: views may overlap and come in any order
            offsets, mask = nested.offsets, values.is_null()
            views: Any = pa.ListViewArray
            backwards = views.from_arrays(
                offsets[:-1][::-1], pc.subtract(offsets[1:], offsets[:-1])[::-1], nested.values, mask=mask[::-1]
            )
            return backwards[::-1]
        case _:
            return values


def large(values: pa.Array[Any]) -> pa.Array[Any]:
    match values.type:
        case plain if plain == pa.string():
            return values.cast(pa.large_string())
        case plain if plain == pa.binary():
            return values.cast(pa.large_binary())
        case plain if pa.types.is_list(plain):
            nested: Any = plain
            return values.cast(pa.large_list(nested.value_type))
        case _:
            return values


def repeated(encode_values: Callable[[Any], Any]) -> Callable[[pa.Array[Any]], pa.Array[Any]]:
    def layout(values: pa.Array[Any]) -> pa.Array[Any]:
        try:
            return encode_values(values)
        except pa.ArrowNotImplementedError:
            return values  # Arrow has no such layout for this type

    return layout


LAYOUTS: dict[str, Callable[[pa.Array[Any]], pa.Array[Any]]] = {
    "plain": lambda values: values,
    "sliced": sliced,
    "views": in_views,
    "large": large,
    "sliced views": lambda values: sliced(in_views(values)),
    "dictionary": repeated(lambda values: sliced(pc.dictionary_encode(values))),
    "dictionary with NULL in it": repeated(lambda values: pc.dictionary_encode(values, null_encoding="encode")),
    "runs": repeated(lambda values: sliced(pc.run_end_encode(values))),
}


@st.composite
def columns(draw: st.DrawFn, rows: int) -> tuple[Kind, pa.Array[Any], list[str | None]]:
    kind = KINDS[draw(st.sampled_from(sorted(KINDS)))]
    values = draw(st.lists(kind.values, min_size=rows, max_size=rows))
    nulls = draw(st.one_of(st.just([False] * rows), st.lists(st.booleans(), min_size=rows, max_size=rows)))
    plain = masked(build(values, kind.arrow), nulls)
    texts = [None if null else kind.text(value) for value, null in zip(values, nulls, strict=True)]
    return kind, LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))](plain), texts


@st.composite
def tables(draw: st.DrawFn) -> list[tuple[Kind, pa.Array[Any], list[str | None]]]:
    rows = draw(st.integers(1, 8))
    return draw(st.lists(columns(rows), min_size=1, max_size=5))


def check(server: Server, table: Sequence[tuple[Kind, pa.Array[Any], Sequence[str | None]]]) -> None:
    kinds = [kind for kind, _, _ in table]
    ours = encode(server, [values for _, values, _ in table], [kind.type for kind in kinds])
    for name in ("ours", "by_text"):
        server.create(name, [kind.declaration for kind in kinds])
    server.copy_in("ours", ours, "binary")
    rows = zip(*(texts for _, _, texts in table), strict=True)
    server.copy_in("by_text", "".join(map(copy_text, rows)).encode(), "text")
    stored = server.copy_out("by_text")
    assert server.copy_out("ours") == stored
    if all(kind.one_spelling for kind in kinds):
        assert ours == stored


@given(table=tables())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_values_of_any_types_side_by_side_arrive_as_the_server_reads_them(server: Server, table: Any) -> None:
    check(server, table)


def check_every_layout(server: Server, kind: Kind) -> None:
    @given(values=st.lists(kind.values, min_size=5, max_size=5))
    @settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow])
    def check_values(values: list[Any]) -> None:
        nulls = [False, True, False, True, False]
        plain = masked(build(values, kind.arrow), nulls)
        texts = [None if null else kind.text(value) for value, null in zip(values, nulls, strict=True)]
        check(server, [(kind, layout(plain), texts) for layout in LAYOUTS.values()])

    check_values()


def test_values_of_every_type_arrive_from_every_layout(server: Server) -> None:
    for kind in KINDS.values():
        check_every_layout(server, kind)


def days(*values: int) -> pa.Array[Any]:
    return pa.array(values, pa.int32()).cast(pa.date32())


def at(unit: str, *values: int) -> pa.Array[Any]:
    timestamp_type: Any = pa.timestamp(unit)  # type: ignore[call-overload]
    return pa.array(values, pa.int64()).cast(timestamp_type)


US = 1_000_000
IDES = -63_517_824_000  # 44-03-15 BC
NUMBERS = [0, 1, -1, 9_999, 10_000, 2**32 - 1, 2**32, -(2**63), 2**63 - 1]
ADDRESSES = ["::ffff:192.0.2.1/96", "::", "1::", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1.2.3.4/0"]
FIRST, LAST = -210_866_803_200, 9_224_318_015_999  # 4714-11-24 BC and 294276-12-31 23:59:59, in seconds from 1970
EDGES = [
    ("date", days(-2_440_588, 2_145_042_905, -1, 0), ["4714-11-24 BC", "5874897-12-31", "1969-12-31", "1970-01-01"]),
    (
        "timestamp",
        at("us", FIRST * US, IDES * US, -1),
        ["4714-11-24 BC", "0044-03-15 BC", "1969-12-31 23:59:59.999999"],
    ),
    ("timestamp", at("us", 2**63 - 1), ["294247-01-10 04:00:54.775807"]),
    ("timestamp", at("ms", FIRST * 1_000, LAST * 1_000 + 999), ["4714-11-24 BC", "294276-12-31 23:59:59.999"]),
    ("timestamp", at("s", FIRST, LAST), ["4714-11-24 BC", "294276-12-31 23:59:59"]),
    (
        "interval",
        pa.array([2**63 - 1, -(2**63)], pa.duration("us")),
        ["9223372036854775807 us", "-9223372036854775808 us"],
    ),
    ("time", pa.array([0, 86_399_999_999], pa.time64("us")), ["00:00", "23:59:59.999999"]),
    (
        "double precision",
        pa.array([-0.0, 5e-324, 1.7976931348623157e308, float("inf"), float("-inf"), float("nan")]),
        ["-0", "5e-324", "1.7976931348623157e308", "inf", "-inf", "nan"],
    ),
    ("numeric", pa.array(NUMBERS, pa.int64()), [str(number) for number in NUMBERS]),
    ("text", pa.array(["", "", ""]), ["", "", ""]),
    ("integer[]", pa.array([[], [1], [], [None, None], []], pa.list_(pa.int32())), "{} {1} {} {NULL,NULL} {}".split()),
    ("text[]", pa.array([[], []], pa.list_(pa.string())), ["{}", "{}"]),
    ("inet", pa.array(ADDRESSES), ADDRESSES),
]


def test_the_limits_of_types_arrive_as_the_server_reads_them(server: Server) -> None:
    for declaration, values, texts in EDGES:
        element = declaration.removesuffix("[]")
        type_ = SqlType(element) if element == declaration else SqlType("array", element=SqlType(element))
        check(server, [(Kind(values.type, type_, st.nothing(), one_spelling=type_.name != "numeric"), values, texts)])


def test_batches_of_one_copy_may_differ_in_everything_but_their_schema(server: Server) -> None:
    """Nulls, lengths, digits and dictionaries are each batch's own, and an empty batch is no row."""
    batches = [
        pa.record_batch(
            {
                "number": pa.array(numbers, pa.decimal128(38, 2)),
                "label": pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(labels, pa.string())),
                "code": pa.array(texts, pa.string()),
            }
        )
        for numbers, codes, labels, texts in [
            ([Decimal("1.00"), Decimal("2.00")], [0, 1], ["happy", "日本"], ["aa", "bb"]),
            ([], [], [], []),
            ([None, Decimal("-12345678901234567890.12")], [None, 0], ["日本"], [None, "a longer one"]),
            ([None, None], [0, 0], [" "], [None, None]),
        ]
    ]
    encode_batch = compile_pgcopy(batches[0].schema, [SqlType("numeric"), MOOD, SqlType("text")])
    server.create("t", ["numeric", "mood", "text"])
    server.copy_in("t", HEADER + b"".join(bytes(encode_batch(batch)) for batch in batches) + TRAILER, "binary")
    assert server.fetch("SELECT c0, c1::text, c2 FROM t") == [
        (Decimal("1.00"), "happy", "aa"),
        (Decimal("2.00"), "日本", "bb"),
        (None, None, None),
        (Decimal("-12345678901234567890.12"), "日本", "a longer one"),
        (None, " ", None),
        (None, " ", None),
    ]


def test_asyncpg_takes_the_buffers_as_they_are(server: Server) -> None:
    batch = pa.record_batch({"x": pa.array(range(100_000), pa.int64())})
    encode_batch = compile_pgcopy(batch.schema, [SqlType("bigint")])

    async def chunks() -> AsyncIterator[Any]:
        yield HEADER
        for first in range(0, batch.num_rows, 8_000):
            yield encode_batch(batch.slice(first, 8_000))
        yield TRAILER

    server.create("t", ["bigint"])
    server.copy_in("t", chunks(), "binary")
    assert server.fetch("SELECT count(*), count(DISTINCT c0), min(c0), max(c0) FROM t") == [
        (100_000, 100_000, 0, 99_999)
    ]
