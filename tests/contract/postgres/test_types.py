"""PostgreSQL's types: values of every declared type, and of live ones, are stored and read back exactly."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from arrowsync.catalog import ObjectName, Table
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.dialects import open_session
from arrowsync.dialects.contract import LoadTarget, Session
from arrowsync.dialects.postgres import DIALECT
from arrowsync.errors import ConversionError
from arrowsync.generate.catalog import target_catalog
from arrowsync.migration.diff import diff
from arrowsync.sql import sql, trusted

ENUM = pa.dictionary(pa.int32(), pa.string())
LABELS = ("red", "it's", 'say "no"', "back\\slash", "äöü 😀", "a,b", " blank ")
TEXTS = ["", "NULL", "\\N", "\\.", 'a"b', '"', "a,b", "l1\nl2\r\nl3\r", "\n", "\t", " x ", "😀" * 9, "x" * 3_000_000]
NAN = struct.unpack("d", struct.pack("Q", 0x7FF8000000000001))[0]  # with a payload
NINES = Decimal("9" * 29 + "." + "9" * 9)
MIDNIGHTS = [datetime(1, 1, 2, tzinfo=UTC), datetime(2024, 3, 10, 2, 30, tzinfo=UTC)]
UUIDS = [UUID(int=0), UUID(int=2**128 - 1), UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")]

# Arrow type, its type in PostgreSQL, awkward values
SCALARS: list[tuple[pa.DataType, str, list[Any]]] = [
    (pa.bool_(), "boolean", [True, False]),
    (pa.int8(), "smallint", [-128, 127, 0]),
    (pa.int16(), "smallint", [-(2**15), 2**15 - 1]),
    (pa.int32(), "integer", [-(2**31), 2**31 - 1]),
    (pa.int64(), "bigint", [-(2**63), 2**63 - 1]),
    (pa.uint8(), "smallint", [0, 255]),
    (pa.uint16(), "integer", [0, 2**16 - 1]),
    (pa.uint32(), "bigint", [0, 2**32 - 1]),
    (pa.uint64(), "numeric(20, 0)", [0, 2**64 - 1, 10_000]),
    (pa.float32(), "real", [0.0, -0.0, math.inf, -math.inf, math.nan, 1.17549435e-38, 0.1]),
    (pa.float64(), "double precision", [-0.0, math.inf, -math.inf, NAN, 5e-324, 0.1 + 0.2]),
    (pa.decimal128(38, 9), "numeric(38, 9)", [Decimal("1E-9"), NINES, NINES.copy_negate()]),
    (pa.decimal128(10, 2), "numeric(10, 2)", [Decimal("10000.01"), Decimal("-0.10"), Decimal(0)]),
    (pa.decimal256(76, 30), "numeric(76, 30)", [Decimal("9" * 46 + "." + "1" * 30), Decimal("-1E-30")]),
    (pa.string(), "text", TEXTS),
    (pa.binary(), "bytea", [b"", b"\x00\xff", bytes(range(256)), b"\\x00", b"\x00" * 3_000_000]),
    (pa.date32(), "date", [date(1, 1, 1), date(9999, 12, 31), date(1970, 1, 1), date(1999, 12, 31)]),
    (pa.time64("us"), "time", [time(0), time(23, 59, 59, 999_999)]),
    (pa.timestamp("us"), "timestamp", [datetime.min, datetime.max, datetime(1969, 12, 31, 23, 59, 59, 999_999)]),
    (pa.timestamp("ms"), "timestamp(3)", [datetime(1960, 1, 1, 0, 0, 0, 1000), datetime(2024, 1, 1)]),
    (pa.timestamp("us", "UTC"), "timestamptz", MIDNIGHTS),
    (pa.timestamp("s", "UTC"), "timestamptz(0)", MIDNIGHTS),
    (pa.duration("us"), "interval", [timedelta(microseconds=-1), timedelta(days=106_751_991), timedelta(0)]),
    (pa.uuid(), "uuid", UUIDS),
    (pa.json_(), "jsonb", ['"x"', "null", "[]", '{"a": [1, 2.5, null]}']),
]
CASES = [
    *((ColumnSpec(str(arrow), arrow), live, values) for arrow, live, values in SCALARS),
    (ColumnSpec("short", pa.string(), max_length=5), "varchar(5)", ["", "äöü😀x", "a  "]),
    (ColumnSpec("enum", ENUM, labels=LABELS, enum_name="Colour it's"), "Colour it's", list(LABELS)),
    (ColumnSpec("literal", ENUM, labels=("a", "b")), "t_literal", ["b", "a"]),
]
WIDER = ("smallint", "integer", "bigint", "numeric(20, 0)")


def using(url: str, act: Callable[[Session], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        session = await open_session(url)
        try:
            return await act(session)
        finally:
            await session.close()

    return asyncio.run(run())


def array(arrow: Any, values: list[Any]) -> Any:
    if isinstance(arrow, pa.DictionaryType):
        return pa.array(values, pa.string()).dictionary_encode().cast(arrow)
    if isinstance(arrow, pa.BaseExtensionType):
        stored = [value.bytes if isinstance(value, UUID) else value for value in values]
        return pa.ExtensionArray.from_storage(arrow, pa.array(stored, arrow.storage_type))
    return pa.array(values, arrow, from_pandas=False)


def exact(values: Any) -> list[Any]:
    """The values, floats as their bits: -0.0 is not 0.0, and a NaN is itself."""
    if pa.types.is_floating(values.type):
        code = "f" if values.type == pa.float32() else "d"
        return [None if value is None else struct.pack(code, value) for value in values.to_pylist()]
    found: list[Any] = values.to_pylist()
    return found


async def create(session: Session, spec: TableSpec) -> Table:
    """The table of the spec, as it is found after it was created."""
    target = target_catalog([spec], lambda column, table: DIALECT.language.to_column(column, table, session.server))
    names = [table.name for table in target.tables]
    for change in diff(await DIALECT.catalog.discover(session, names), target):
        for statement in DIALECT.language.render(change):
            await session.execute(statement)
    return (await DIALECT.catalog.discover(session, names)).tables[0]


async def read(session: Session, table: Table) -> pa.Table:
    select = sql("SELECT * FROM {table}", table=table.name.identifier)
    async with session.stream(select, table.columns) as batches:
        return pa.Table.from_batches([batch async for batch in batches.batches])


@pytest.mark.parametrize(("spec", "live", "values"), CASES, ids=[case[0].name for case in CASES])
def test_round_trip(postgres_url: str, spec: ColumnSpec, live: str, values: list[Any]) -> None:
    table = TableSpec("t", (replace(spec, nullable=True),), namespace="a schema")
    sent = array(spec.type, [None, *values, None])

    async def run(session: Session) -> None:
        found = await create(session, table)
        assert str(found.columns[0].type) == live
        batch = pa.record_batch([sent], schema=table.schema)
        result = await session.load(LoadTarget(found.name, found.columns, table.schema), iter([batch]))
        assert result.rows == len(sent)
        column: Any = (await read(session, found)).column(0).combine_chunks()
        assert column.type == DIALECT.language.to_spec(found.columns[0]).type
        if live not in WIDER:  # PostgreSQL has no narrow and no unsigned integers
            assert column.type == spec.type
        assert exact(column.cast(spec.type)) == exact(sent)

    using(postgres_url, run)


def test_all_types_in_one_row_and_every_position_of_null(postgres_url: str) -> None:
    specs = [replace(spec, name=f"c{at}", nullable=True) for at, (spec, _, _) in enumerate(CASES)]
    table = TableSpec("t", tuple(specs))
    rows = len(CASES) + 1
    columns = [
        array(spec.type, [None if row == at else values[row % len(values)] for row in range(rows)])
        for at, (spec, (_, _, values)) in enumerate(zip(specs, CASES, strict=True))
    ]

    async def run(session: Session) -> None:
        found = await create(session, table)
        batch = pa.record_batch(columns, schema=table.schema)
        await session.load(LoadTarget(found.name, found.columns, table.schema), iter([batch]))
        # No setting of the session says how values come back.
        await session.execute(
            trusted(
                "SET datestyle = 'SQL, DMY'; SET intervalstyle = 'iso_8601'; SET timezone = 'America/New_York';"
                "SET extra_float_digits = -15; SET bytea_output = 'escape'"
            )
        )
        got = await read(session, found)
        for at, (sent, spec) in enumerate(zip(columns, specs, strict=True)):
            column: Any = got.column(at).combine_chunks()
            assert exact(column.cast(spec.type)) == exact(sent), spec

    using(postgres_url, run)


LIVE = [
    ("char(4)", pa.string(), ["a", "äöü ", ""], ["a", "äöü", ""]),
    ("bpchar", pa.string(), ["a"], ["a"]),
    ("citext", pa.string(), ["aB"], ["aB"]),
    ("name", pa.string(), ["x" * 63], ["x" * 63]),
    ("varchar", pa.string(), ["x"], ["x"]),
    ("inet", pa.string(), ["10.0.0.1", "10.1.0.0/16", "::1"], ["10.0.0.1", "10.1.0.0/16", "::1"]),
    ("json", pa.json_(), ['{"b":1,  "a":2}'], ['{"b":1,  "a":2}']),
    ("a_domain", pa.decimal128(10, 2), [Decimal("1.50")], [Decimal("1.50")]),
    ("time(2)", pa.time64("us"), [time(1, 2, 3, 40_000)], [time(1, 2, 3, 40_000)]),
    (
        "timestamp(1)",
        pa.timestamp("ms"),
        [datetime(2024, 1, 1, 0, 0, 0, 500_000)],
        [datetime(2024, 1, 1, 0, 0, 0, 500_000)],
    ),
]


@pytest.mark.parametrize(("live", "arrow", "values", "back"), LIVE, ids=[case[0] for case in LIVE])
def test_live_types_that_are_never_declared(
    postgres_url: str, live: str, arrow: pa.DataType, values: list[Any], back: list[Any]
) -> None:
    async def run(session: Session) -> None:
        await session.execute(
            trusted("CREATE EXTENSION IF NOT EXISTS citext; CREATE DOMAIN a_domain AS numeric(10, 2)")
        )
        await session.execute(trusted(f"CREATE TABLE t (x {live})"))
        (table,) = (await DIALECT.catalog.discover(session, [ObjectName(None, "t")])).tables
        assert DIALECT.language.to_spec(table.columns[0]).type == arrow
        schema = pa.schema([("x", arrow)])
        batch = pa.record_batch([array(arrow, [*values, None])], schema=schema)
        await session.load(LoadTarget(table.name, table.columns, schema), iter([batch]))
        got = await read(session, table)
        assert got.schema.types == [arrow]
        assert got.column(0).to_pylist() == [*back, None]

    using(postgres_url, run)


@pytest.mark.parametrize(
    ("live", "arrow", "value"),
    [
        ("timestamp(1)", pa.timestamp("us"), datetime(2024, 1, 1, 0, 0, 0, 123_456)),
        ("time(0)", pa.time64("us"), time(1, 2, 3, 1)),
        ("varchar(3)", pa.string(), "abc   "),
        ("smallint", pa.int64(), 2**15),
        ("inet", pa.string(), "10.0.0.256"),
        ("mood", pa.string(), "unknown"),
    ],
)
def test_what_the_server_would_change_silently_or_refuse_is_refused_before(
    postgres_url: str, live: str, arrow: pa.DataType, value: Any
) -> None:
    async def run(session: Session) -> None:
        await session.execute(trusted(f"CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE t (x {live})"))
        (table,) = (await DIALECT.catalog.discover(session, [ObjectName(None, "t")])).tables
        schema = pa.schema([("x", arrow)])
        batch = pa.record_batch([pa.array([None, value], arrow)], schema=schema)
        with pytest.raises(ConversionError) as caught:
            await session.load(LoadTarget(table.name, table.columns, schema), iter([batch]))
        assert (caught.value.column, caught.value.rows) == ("x", (1,))
        assert (await session.fetch(trusted("SELECT count(*) AS n FROM t"))).to_pylist() == [{"n": 0}]

    using(postgres_url, run)


LIMITS = [
    ("date", "'4714-11-24 BC'", pa.int32(), -2_440_588),
    ("date", "'5874897-12-31'", pa.int32(), 2_145_042_905),
    ("timestamp", "'4714-11-24 00:00 BC'", pa.int64(), -210_866_803_200_000_000),
    ("interval", "'-1 day 1 microsecond'", pa.int64(), -86_399_999_999),
    ("interval", "'106751991 days 04:00:54.775807'", pa.int64(), 2**63 - 1),
]


@pytest.mark.parametrize(("live", "text", "as_", "number"), LIMITS)
def test_limits_beyond_python_come_back(postgres_url: str, live: str, text: str, as_: pa.DataType, number: int) -> None:
    async def run(session: Session) -> None:
        await session.execute(trusted(f"CREATE TABLE t (x {live}); INSERT INTO t VALUES ({text}), (NULL)"))
        (table,) = (await DIALECT.catalog.discover(session, [ObjectName(None, "t")])).tables
        column: Any = (await read(session, table)).column(0).combine_chunks()
        assert column.view(as_).to_pylist() == [number, None]

    using(postgres_url, run)


@pytest.mark.parametrize(
    ("live", "text"),
    [
        ("date", "'infinity'"),
        ("timestamp", "'-infinity'"),
        ("timestamptz", "'infinity'"),
        ("timestamp", "'294276-12-31'"),
        ("time", "'24:00'"),
        ("interval", "'1 month'"),
        ("interval", "'106751992 days'"),
        ("numeric(10, 2)", "'NaN'"),
    ],
)
def test_a_value_that_arrow_doesnt_have_is_an_error_and_not_another_value(
    postgres_url: str, live: str, text: str
) -> None:
    async def run(session: Session) -> None:
        await session.execute(trusted(f"CREATE TABLE t (x {live}); INSERT INTO t VALUES (NULL), ({text})"))
        (table,) = (await DIALECT.catalog.discover(session, [ObjectName(None, "t")])).tables
        with pytest.raises(ConversionError) as caught:
            await read(session, table)
        assert caught.value.column == "x"
        assert (await session.fetch(trusted("SELECT 1 AS one"))).to_pylist() == [{"one": 1}]

    using(postgres_url, run)
