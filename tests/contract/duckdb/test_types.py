"""DuckDB's types: values of every declared type, and of live ones, are stored and read back exactly."""

from __future__ import annotations

import asyncio
import itertools
import math
import struct
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrowsync.catalog import Column, DefaultValue, ObjectName, SqlType, Table
from arrowsync.declare.spec import ColumnSpec, StructSpec, TableSpec
from arrowsync.dialects import open_session
from arrowsync.dialects.contract import LoadTarget, Server, Session
from arrowsync.dialects.duckdb import DIALECT
from arrowsync.dialects.duckdb.types import READ_ONLY, fold, parse_type, type_sql
from arrowsync.errors import DatabaseError, DeclarationError
from arrowsync.generate.catalog import target_catalog
from arrowsync.migration.changes import CreateTable
from arrowsync.migration.diff import diff
from arrowsync.sql import Identifier, join, sql, trusted

ENUM = pa.dictionary(pa.int32(), pa.string())
LABELS = ("red", "it's", 'say "no"', "back\\slash", "äöü 😀", "a,b", " blank ", "", "ENUM('x')", "l1\nl2")
TEXTS = ["", "NULL", "\\N", 'a"b', "it's", "l1\nl2\r\n", "\t", " x ", "😀" * 9, "\u0301e", "x" * 1_000_000]
NAN = struct.unpack("d", struct.pack("Q", 0xFFF8000000000001))[0]  # negative, with a payload
NINES = Decimal("9" * 29 + "." + "9" * 9)
MIDNIGHTS = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(2024, 3, 10, 2, 30, tzinfo=UTC),
    datetime(9999, 12, 31, tzinfo=UTC),
]
MOMENTS = [datetime.min, datetime.max, datetime(1969, 12, 31, 23, 59, 59, 999_999), datetime(2024, 3, 10, 2, 30)]
UUIDS = [
    UUID(int=0),
    UUID(int=2**128 - 1),
    UUID(int=2**127),
    UUID(int=2**127 - 1),
    UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
]
SPANS = [
    timedelta(0),
    timedelta(microseconds=-1),
    timedelta(days=-106_751_991),
    timedelta(days=106_751_991),
    timedelta(days=31),
]

# Arrow type, its type in DuckDB, awkward values
SCALARS: list[tuple[pa.DataType, str, list[Any]]] = [
    (pa.bool_(), "boolean", [True, False]),
    (pa.int8(), "tinyint", [-128, 127, 0]),
    (pa.int16(), "smallint", [-(2**15), 2**15 - 1]),
    (pa.int32(), "integer", [-(2**31), 2**31 - 1]),
    (pa.int64(), "bigint", [-(2**63), 2**63 - 1]),
    (pa.uint8(), "utinyint", [0, 255]),
    (pa.uint16(), "usmallint", [0, 2**16 - 1]),
    (pa.uint32(), "uinteger", [0, 2**32 - 1]),
    (pa.uint64(), "ubigint", [0, 2**64 - 1, 2**63]),
    (pa.float32(), "float", [0.0, -0.0, math.inf, -math.inf, math.nan, 1.17549435e-38, 0.1]),
    (pa.float64(), "double", [0.0, -0.0, math.inf, -math.inf, NAN, 5e-324, 0.1 + 0.2, 1.7976931348623157e308]),
    (pa.decimal128(38, 9), "decimal(38, 9)", [Decimal("1E-9"), NINES, NINES.copy_negate()]),
    (pa.decimal128(38, 38), "decimal(38, 38)", [Decimal("1E-38"), Decimal("-0." + "9" * 38)]),
    (pa.decimal128(38, 0), "decimal(38, 0)", [Decimal("9" * 38), Decimal("-" + "9" * 38)]),
    (pa.decimal128(18, 2), "decimal(18, 2)", [Decimal("9" * 16 + ".99"), Decimal("-0.01")]),
    (pa.decimal128(9, 2), "decimal(9, 2)", [Decimal("9999999.99"), Decimal(0)]),
    (pa.decimal128(4, 1), "decimal(4, 1)", [Decimal("-999.9")]),
    (pa.string(), "varchar", TEXTS),
    (pa.binary(), "blob", [b"", b"\x00\xff", bytes(range(256)), b"\\x00", b"\x00" * 1_000_000]),
    (pa.date32(), "date", [date.min, date.max, date(1970, 1, 1), date(1969, 12, 31)]),
    (pa.time64("us"), "time", [time(0), time(23, 59, 59, 999_999)]),
    (pa.timestamp("us"), "timestamp", MOMENTS),
    (pa.timestamp("ms"), "timestamp_ms", [datetime(1960, 1, 1, 0, 0, 0, 1000), datetime(9999, 12, 31, 23, 59, 59)]),
    (pa.timestamp("s"), "timestamp_s", [datetime.min, datetime(1960, 1, 1, 0, 0, 1)]),
    (pa.timestamp("us", "UTC"), "timestamp with time zone", [*MIDNIGHTS, datetime.max.replace(tzinfo=UTC)]),
    (pa.timestamp("s", "UTC"), "timestamp with time zone", MIDNIGHTS),
    (pa.duration("us"), "interval", SPANS),
    (pa.uuid(), "uuid", UUIDS),
    (pa.json_(), "json", ['"x"', "null", "[]", '{"a": [1,  2.50, null], "a": "😀"}', "123456789012345678901234567890"]),
]
CASES = [
    *((ColumnSpec(str(arrow), arrow), live, values) for arrow, live, values in SCALARS),
    (ColumnSpec("short", pa.string(), max_length=5), "varchar", ["", "äöü😀x", "a  "]),
    (ColumnSpec("enum", ENUM, labels=LABELS, enum_name="Colour"), "enum", list(LABELS)),
]
IDS = [spec.name for spec, _, _ in CASES]
SERVER = Server("duckdb", (2, 0, 0), "main")


def using(url: str, act: Callable[[Session], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        session = await open_session(url)
        try:
            return await act(session)
        finally:
            await session.close()

    return asyncio.run(run())


@pytest.fixture(params=["file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"duckdb:///{tmp_path / 'types.duckdb'}" if request.param == "file" else "duckdb://"


def to_column(spec: ColumnSpec, table: TableSpec | None = None) -> Column:
    return DIALECT.language.to_column(spec, table or TableSpec("t", (spec,)), SERVER)


def awkward(spec: ColumnSpec, values: list[Any]) -> pa.Array[Any]:
    """The values and a NULL, many times over, as the declared type has them."""
    storage = pa.string() if spec.labels else spec.type
    if isinstance(spec.type, pa.UuidType):
        plain = pa.array([None if v is None else v.bytes for v in [*values, None]], pa.binary(16))
        return pa.ExtensionArray.from_storage(spec.type, plain)
    if isinstance(spec.type, pa.JsonType):
        return pa.ExtensionArray.from_storage(spec.type, pa.array([*values, None], pa.string()))
    plain = pa.array([*values, None], storage)
    return plain.dictionary_encode().cast(ENUM) if spec.labels else plain


def bits(column: pa.ChunkedArray[Any] | pa.Array[Any]) -> list[Any]:
    """The values so that those that differ at all compare unequal: -0.0, and each NaN as NaN."""
    values = column.to_pylist()
    if pa.types.is_floating(column.type):
        return [None if v is None else "NaN" if math.isnan(v) else struct.pack("d", v) for v in values]
    return values


async def create(session: Session, specs: list[ColumnSpec], name: str = "t") -> Table:
    spec = TableSpec(name, tuple(replace(s, nullable=True) for s in specs), comment="it's a table")
    target = target_catalog([spec], lambda column, table: to_column(column, table))
    for statement in DIALECT.language.render(CreateTable(target.tables[0])):
        await session.execute(statement)
    found = await DIALECT.catalog.discover(session, [target.tables[0].name])
    assert diff(found, target) == []
    return found.tables[0]


async def load(session: Session, table: Table, *batches: pa.RecordBatch) -> int:
    result = await session.load(LoadTarget(table.name, table.columns, batches[0].schema), iter(batches))
    return result.rows


async def read(session: Session, table: Table) -> pa.Table:
    columns = join(", ", [Identifier(column.name) for column in table.columns])
    query = sql("SELECT {columns} FROM {table}", columns=columns, table=table.name.identifier)
    async with session.stream(query, table.columns) as batches:
        return pa.Table.from_batches([batch async for batch in batches.batches])


@pytest.mark.parametrize(("spec", "live", "values"), CASES, ids=IDS)
def test_a_column_of_each_type_holds_its_awkward_values(
    spec: ColumnSpec, live: str, values: list[Any], url: str
) -> None:
    given = awkward(spec, values)
    batch = pa.record_batch({spec.name: given})

    async def act(session: Session) -> pa.Table:
        table = await create(session, [spec])
        assert str(table.columns[0].type) == live
        assert await load(session, table, batch, batch.slice(1), batch.slice(0, 0)) == 2 * len(given) - 1
        return await read(session, table)

    found = using(url, act).column(0)
    declared = DIALECT.language.to_spec(to_column(spec)).type
    assert found.type == declared
    assert bits(found) == bits(given) + bits(given[1:])


def nested_specs(spec: ColumnSpec) -> list[ColumnSpec]:
    """A list, a struct, and a list of structs with lists in them, of values of `spec`."""
    element = replace(spec, name="item")
    listed = ColumnSpec("list", pa.list_(element.arrow_field), element=element)
    members = (replace(spec, name='it\'s a "name"'), replace(listed, name="List"))
    struct_type = pa.struct([member.arrow_field for member in members])
    item = ColumnSpec("item", struct_type, nullable=True, struct=StructSpec("S", members))
    return [listed, replace(item, name="struct"), ColumnSpec("structs", pa.list_(item.arrow_field), element=item)]


@pytest.mark.parametrize(("spec", "live", "values"), CASES, ids=IDS)
def test_lists_and_structs_hold_the_awkward_values_of_each_type(
    spec: ColumnSpec, live: str, values: list[Any], url: str
) -> None:
    spec = replace(spec, nullable=True)
    list_spec, struct_spec, structs_spec = nested_specs(spec)
    flat = awkward(spec, values).slice(0, 4)
    count = len(flat)
    ends = pa.array([0, count, None, count, count], pa.int32())  # all, NULL, none, none
    lists = pa.ListArray.from_arrays(ends, flat, type=list_spec.type)
    struct_fields = [struct_spec.type.field(at) for at in range(2)]
    members = [flat.take(pa.array([0, None, count - 1, 0])), lists]
    structs = pa.StructArray.from_arrays(members, fields=struct_fields, mask=pa.array([False, False, False, True]))
    listed = pa.ListArray.from_arrays(pa.array([0, 1, None, 4, 4], pa.int32()), structs, type=structs_spec.type)
    batch = pa.record_batch({"list": lists, "struct": structs, "structs": listed})

    async def act(session: Session) -> pa.Table:
        table = await create(session, [list_spec, struct_spec, structs_spec])
        assert str(table.columns[0].type) == f"{live}[]"
        assert await load(session, table, batch, batch.slice(1)) == 7
        return await read(session, table)

    found = using(url, act)
    assert [repr(row) for row in found.to_pylist()] == [
        repr(row) for row in [*batch.to_pylist(), *batch.slice(1).to_pylist()]
    ]


def test_all_types_in_one_table_and_one_batch_of_many(url: str) -> None:
    specs = [spec for spec, _, _ in CASES if spec.name not in ("string", "binary")]
    rows = 30_000
    columns = {}
    for spec, _, values in CASES:
        if spec in specs:
            given = awkward(spec, values)
            columns[spec.name] = given.take(pa.array([at % len(given) for at in range(rows)]))
    batch = pa.record_batch(columns)

    async def act(session: Session) -> pa.Table:
        table = await create(session, specs)
        async with session.transaction():
            await load(session, table, batch.slice(0, 10_001), batch.slice(10_001))
        return await read(session, table)

    found = using(url, act)
    for spec in specs:
        assert bits(found.column(spec.name)) == bits(batch.column(spec.name)), spec.name


def test_a_different_dictionary_in_each_batch() -> None:
    spec = ColumnSpec("e", ENUM, labels=("a", "b", "c"))
    first = pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.int32()), pa.array(["c", "a"]))
    second = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int32()), pa.array(["a", None, "b"]))

    async def act(session: Session) -> pa.Table:
        table = await create(session, [spec])
        await load(session, table, pa.record_batch({"e": first}), pa.record_batch({"e": second}))
        return await read(session, table)

    assert using("duckdb://", act).column(0).to_pylist() == ["c", "a", None, "a", None, "b"]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_instants_do_not_depend_on_the_time_zone_of_the_connection(zone: str) -> None:
    specs = [ColumnSpec("utc", pa.timestamp("us", "UTC")), ColumnSpec("naive", pa.timestamp("us"))]
    rows = pa.record_batch({"utc": pa.array(MIDNIGHTS, specs[0].type), "naive": pa.array(MOMENTS[:3], specs[1].type)})

    async def act(session: Session) -> tuple[pa.Table, pa.Table]:
        await session.execute(sql("SET TimeZone = {zone}", zone=trusted(f"'{zone}'")))
        table = await create(session, specs)
        await load(session, table, rows)
        stored = await session.fetch(sql("SELECT epoch_us(utc) AS utc, epoch_us(naive) AS naive FROM t"))
        return await read(session, table), stored

    found, stored = using("duckdb://", act)
    assert found.schema.field("utc").type == pa.timestamp("us", "UTC")
    assert found.to_pydict() == rows.to_pydict()
    assert stored.column("utc").to_pylist() == rows.column("utc").view(pa.int64()).to_pylist()
    assert stored.column("naive").to_pylist() == rows.column("naive").view(pa.int64()).to_pylist()


def test_settings_of_the_connection_do_not_change_what_is_read() -> None:
    settings = ("arrow_lossless_conversion", "arrow_large_buffer_size", "produce_arrow_string_view")
    specs = [spec for spec, _, values in CASES if spec.name not in ("string", "binary")]
    rows = pa.record_batch({s.name: awkward(s, v).slice(0, 2) for s, _, v in CASES if s in specs})

    async def act(session: Session) -> list[pa.Table]:
        table = await create(session, specs)
        await load(session, table, rows)
        found = [await read(session, table)]
        for setting in settings:
            await session.execute(sql("SET {setting} = true", setting=Identifier(setting)))
        return [*found, await read(session, table)]

    plain, changed = using("duckdb://", act)
    assert changed.schema == plain.schema
    for name in plain.schema.names:
        assert bits(changed.column(name)) == bits(plain.column(name))


LIVE = {
    "HUGEINT": (
        pa.decimal256(39, 0),
        ["170141183460469231731687303715884105727", "-170141183460469231731687303715884105728"],
    ),
    "UHUGEINT": (pa.decimal256(39, 0), ["340282366920938463463374607431768211455", "0"]),
    "TIMESTAMP_NS": (pa.timestamp("ns"), ["2262-04-11 23:47:16.854775806", "1677-09-22 00:00:00.000000001"]),
    "TIMESTAMPTZ_NS": (pa.timestamp("ns", "UTC"), ["2020-01-01 00:00:00.000000001+02"]),
    "TIME_NS": (pa.time64("ns"), ["23:59:59.999999999"]),
    "INTERVAL": (pa.duration("us"), ["9223372036854775807 microseconds", "2 days 01:00:00"]),
}


@pytest.mark.parametrize("live", LIVE)
def test_live_types_that_no_declaration_has_are_read_and_loaded_exactly(live: str) -> None:
    arrow, texts = LIVE[live]

    async def act(session: Session) -> tuple[pa.Table, pa.Table, list[Any]]:
        await session.execute(sql("CREATE TABLE t (v {live})", live=trusted(live)))
        for text in texts:
            await session.execute(sql("INSERT INTO t VALUES ({text})", text=trusted(f"'{text}'")))
        table = (await DIALECT.catalog.discover(session, [ObjectName(None, "t")])).tables[0]
        before = await read(session, table)
        await session.execute(sql("DELETE FROM t"))
        await load(session, table, *before.to_batches())
        shown = await session.fetch(sql("SELECT CAST(v AS VARCHAR) AS v FROM t"))
        return before, await read(session, table), shown.column("v").to_pylist()

    before, after, shown = using("duckdb://", act)
    assert before.schema.field("v").type == arrow
    assert after.equals(before)
    if "INT" in live and live != "INTERVAL":
        assert shown == texts


def test_an_interval_with_months_is_no_duration() -> None:
    async def act(session: Session) -> None:
        await session.execute(sql("CREATE TABLE t (v INTERVAL)"))
        await session.execute(sql("INSERT INTO t VALUES (INTERVAL '1 day'), (INTERVAL '14 months')"))
        table = (await DIALECT.catalog.discover(session, [ObjectName(None, "t")])).tables[0]
        await read(session, table)

    with pytest.raises(DatabaseError, match="interval 1 year 2 months in column v has months"):
        using("duckdb://", act)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (ColumnSpec("d", pa.decimal256(39, 2)), "38 digits"),
        (ColumnSpec("l", pa.list_(pa.int64())), "list<"),
        (ColumnSpec("n", pa.null()), "null"),
        (ColumnSpec("rowid", pa.int64()), "rowid"),
        (ColumnSpec("RowID", pa.int64()), "rowid"),
        (ColumnSpec("i", pa.string(), identity=True), "identity"),
    ],
)
def test_what_duckdb_has_no_home_for_is_refused_with_the_way_out(spec: ColumnSpec, words: str) -> None:
    with pytest.raises(DeclarationError, match=words) as caught:
        to_column(spec)
    assert (caught.value.table, caught.value.field) == ("t", spec.name)
    assert caught.value.hint


def test_names_that_differ_only_in_case_are_refused_where_duckdb_takes_them_for_one() -> None:
    twins = TableSpec("t", (ColumnSpec("id", pa.int64()), ColumnSpec("ID", pa.int64())))
    with pytest.raises(DeclarationError, match="'ID' and 'id'"):
        to_column(twins.columns[1], twins)
    accents = TableSpec("t", (ColumnSpec("é", pa.int64()), ColumnSpec("É", pa.int64())))
    using("duckdb://", lambda session: create(session, list(accents.columns)))


DEFAULTS: list[tuple[pa.DataType, Any]] = [
    (pa.bool_(), False),
    (pa.int8(), -128),
    (pa.uint64(), 2**64 - 1),
    (pa.int64(), -(2**63)),
    (pa.float64(), -0.0),
    (pa.float64(), 0.30000000000000004),
    (pa.float64(), math.nan),
    (pa.float64(), -math.inf),
    (pa.float32(), 0.5),
    (pa.decimal128(38, 9), NINES),
    (pa.decimal128(38, 38), Decimal("-1E-38")),
    (pa.string(), "it's; DROP TABLE t; -- \\ \n😀"),
    (pa.string(), ""),
    (pa.binary(), bytes(range(256))),
    (pa.date32(), date.min),
    (pa.time64("us"), time(23, 59, 59, 999_999)),
    (pa.timestamp("us"), datetime.max),
    (pa.timestamp("s"), datetime(2020, 1, 1)),
    (pa.timestamp("us", "UTC"), datetime(1, 1, 1, tzinfo=UTC)),
    (pa.duration("us"), timedelta(days=-1, microseconds=1)),
    (pa.uuid(), UUIDS[1]),
    (pa.json_(), '{"a": "it\'s"}'),
]


@pytest.mark.parametrize(("arrow", "value"), DEFAULTS, ids=[f"{arrow}-{at}" for at, (arrow, _) in enumerate(DEFAULTS)])
def test_defaults_are_stored_exactly(arrow: pa.DataType, value: Any) -> None:
    specs = [ColumnSpec("id", pa.int64()), ColumnSpec("v", arrow, default=value)]

    async def act(session: Session) -> pa.Table:
        table = await create(session, specs)
        assert table.columns[1].default is not None
        await session.execute(sql("INSERT INTO t (id) VALUES (1)"))
        return await read(session, table)

    expected = awkward(specs[1], [value]).slice(0, 1)
    assert bits(using("duckdb://", act).column("v")) == bits(expected)


def test_a_default_of_an_enum_and_no_default() -> None:
    specs = [
        ColumnSpec("id", pa.int64()),
        ColumnSpec("e", ENUM, labels=LABELS, default="it's"),
        ColumnSpec("n", pa.string(), nullable=True, default=None),
    ]
    assert to_column(specs[2]).default is None
    assert to_column(specs[1]).default == DefaultValue("it's")

    async def act(session: Session) -> pa.Table:
        table = await create(session, specs)
        await session.execute(sql("INSERT INTO t (id) VALUES (1)"))
        return await read(session, table)

    assert using("duckdb://", act).to_pylist() == [{"id": 1, "e": "it's", "n": None}]


def test_types_are_canonical() -> None:
    for live in ("DECIMAL(18,3)", "ENUM('a', 'it''s', 'b, c')", "TIMESTAMP WITH TIME ZONE", "VARCHAR"):
        parsed = parse_type(live)
        text = type_sql(parsed).text(DIALECT.language.quoting(SERVER))
        assert parse_type(text) == parsed
    assert parse_type("ENUM('a', 'it''s', 'b, c', '')").labels == ("a", "it's", "b, c", "")
    bits = SqlType("array", element=SqlType("struct", members=(("a", SqlType("integer")), ("b", SqlType("BIT")))))
    assert parse_type("STRUCT(a INTEGER, b BIT)[]") == bits
    assert parse_type("INTEGER[3]") == SqlType("array", (3,), element=SqlType("integer"))
    for unknown in (
        "MAP(INTEGER, ENUM('),('))",
        "UNION(a INTEGER, b VARCHAR[])",
        "STRUCT(a",
        "ENUM('a",
        "]",
    ):
        assert parse_type(unknown) == SqlType(unknown)
        assert parse_type(f"{unknown}[]").element in (SqlType(unknown), None)


_CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
_MEMBER_NAMES = st.text(_CHARACTERS, min_size=1)
_LEAVES = st.one_of(
    st.sampled_from([SqlType(name) for name in ("integer", "varchar", "uuid", "timestamp with time zone", "json")]),
    st.builds(lambda p, s: SqlType("decimal", (p, min(p, s))), st.integers(1, 38), st.integers(0, 38)),
    st.lists(st.text(_CHARACTERS), min_size=1, max_size=4, unique=True).map(
        lambda labels: SqlType("enum", labels=tuple(labels))
    ),
)


def _struct(members: list[tuple[str, SqlType]]) -> SqlType:
    return SqlType("struct", members=tuple(members))


_NESTED = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda element: SqlType("array", element=element)),
        st.lists(st.tuples(_MEMBER_NAMES, inner), min_size=1, max_size=4, unique_by=lambda member: fold(member[0])).map(
            _struct
        ),
    ),
    max_leaves=8,
)


def test_any_nested_type_is_created_and_read_back_as_it_is() -> None:
    with duckdb.connect() as connection:

        @given(_NESTED)
        @settings(max_examples=200, deadline=None)
        def check(live: SqlType) -> None:
            text = type_sql(live).text(DIALECT.language.quoting(SERVER))
            connection.execute(f"CREATE OR REPLACE TABLE t (c {text})")
            found = connection.execute("SELECT data_type FROM duckdb_columns() WHERE table_name = 't'").fetchall()
            assert parse_type(found[0][0]) == live

        check()


def _types() -> list[SqlType]:
    names = [to_column(spec).type for spec, _, _ in CASES if not spec.labels]
    more = [SqlType(name) for name in READ_ONLY] + [
        SqlType("decimal", (p, s)) for p, s in ((2, 0), (3, 0), (20, 0), (19, 0), (12, 4))
    ]
    return [
        *dict.fromkeys([*names, *more]),
        SqlType("enum", labels=("a", "b")),
        SqlType("enum", labels=("b", "c", "a")),
    ]


def test_widens_is_true_only_where_duckdb_keeps_every_value() -> None:
    """What widens is cast there and back by DuckDB itself, with the extremes of the type."""
    extremes = {
        **{str(to_column(spec).type): (spec, values) for spec, _, values in CASES},
        "enum": (ColumnSpec("e", ENUM, labels=("a", "b")), ["a", "b"]),
        "time_ns": (None, ["TIME_NS '23:59:59.999999999'"]),
    }
    wide = [
        (old, new)
        for old, new in itertools.product(_types(), repeat=2)
        if old != new and DIALECT.language.is_widening(old, new)
    ]
    expected = {
        ("tinyint", "smallint"), ("utinyint", "smallint"), ("uinteger", "bigint"), ("ubigint", "hugeint"),
        ("ubigint", "decimal(20, 0)"), ("bigint", "decimal(38, 0)"), ("tinyint", "decimal(3, 0)"), ("smallint", "float"),
        ("integer", "double"), ("float", "double"), ("decimal(9, 2)", "decimal(12, 4)"), ("decimal(2, 0)", "tinyint"),
        ("timestamp_s", "timestamp"), ("json", "varchar"), ("enum", "enum"), ("enum", "varchar"),
        ("decimal(38, 0)", "hugeint"),
    }  # fmt: skip
    found = {(str(old), str(new)) for old, new in wide}
    assert expected <= found
    assert not found & {
        ("tinyint", "utinyint"), ("bigint", "ubigint"), ("bigint", "double"), ("integer", "float"), ("ubigint", "bigint"),
        ("tinyint", "decimal(2, 0)"), ("hugeint", "decimal(38, 0)"), ("decimal(12, 4)", "decimal(9, 2)"), ("varchar", "json"),
        ("timestamp", "timestamp_ns"), ("timestamp", "timestamp with time zone"), ("double", "float"), ("uuid", "varchar"),
    }  # fmt: skip

    async def act(session: Session) -> None:
        for old, new in wide:
            case = extremes.get(str(old))
            if case is None or case[0] is None:
                continue
            spec, values = replace(case[0], name="v", labels=old.labels), case[1]
            await session.execute(sql("CREATE OR REPLACE TABLE t (v {old})", old=type_sql(old)))
            table = Table(ObjectName(None, "t"), (Column("v", old),))
            await load(session, table, pa.record_batch({"v": awkward(spec, values)}))
            back = await session.fetch(
                sql(
                    "SELECT count(*) AS n FROM t WHERE CAST(CAST(v AS {new}) AS {old}) IS DISTINCT FROM v",
                    new=type_sql(new),
                    old=type_sql(old),
                )
            )
            assert back.column("n").to_pylist() == [0], (old, new)

    using("duckdb://", act)
