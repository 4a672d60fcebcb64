"""TSV and PostgreSQL: the server's COPY reads what `write_tsv` writes, and `open_tsv` reads what the server's COPY writes."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pyarrow as pa
import pyarrow.compute
import pytest

from arrowsync.convert import compile_converter
from arrowsync.declare.spec import ColumnSpec, StructSpec, TableSpec
from arrowsync.errors import ConversionError
from arrowsync.sources.files.tsv import open_tsv
from arrowsync.sync.open_source import write_tsv
from arrowsync.testing import random_batches

pc: Any = pyarrow.compute
TEXT = pa.string()


def nullable(name: str, kind: pa.DataType, **facts: Any) -> ColumnSpec:
    return ColumnSpec(name, kind, nullable=True, **facts)


ITEM = ColumnSpec("item", TEXT, nullable=True)
MEMBERS = (nullable("x", pa.float64()), nullable("label", TEXT))
COLUMNS: dict[str, ColumnSpec] = {
    "serial": ColumnSpec("id", pa.int64(), identity=True),
    "boolean": nullable("a", pa.bool_()),
    "smallint": nullable("b", pa.int16()),
    "integer": nullable("c", pa.int32()),
    "bigint": nullable("d", pa.int64()),
    "numeric(20, 0)": nullable("e", pa.uint64()),
    "real": nullable("f", pa.float32()),
    "double precision": nullable("g", pa.float64()),
    "numeric(38, 9)": nullable("h", pa.decimal128(38, 9)),
    "numeric": nullable("i", pa.decimal256(60, 30)),
    "text": nullable("j", TEXT),
    "varchar(5)": nullable("k", TEXT, max_length=5),
    "bytea": nullable("l", pa.binary()),
    "timestamp": nullable("m", pa.timestamp("us")),
    "timestamptz": nullable("n", pa.timestamp("us", "UTC")),
    "date": nullable("o", pa.date32()),
    "time": nullable("p", pa.time64("us")),
    "interval": nullable("q", pa.duration("us")),
    "uuid": nullable("r", pa.uuid()),
    "inet": nullable("s", TEXT, ip="any"),
    "json": nullable("t", pa.json_()),
    "char(3)": nullable("u", pa.dictionary(pa.int32(), TEXT), labels=("new", 'a"b', "\\N\t")),
    "json ": nullable("v", pa.list_(pa.field("item", TEXT)), element=ITEM),
    "json  ": nullable("w", pa.struct([m.arrow_field for m in MEMBERS]), struct=StructSpec("S", MEMBERS)),
}
SPEC = TableSpec("t", tuple(COLUMNS.values()))


def read(data: bytes, spec: TableSpec) -> pa.Table:
    with open_tsv(io.BytesIO(data), name="server") as stream:
        convert = compile_converter(stream.schema, spec)
        return pa.Table.from_batches([convert(batch) for batch in stream], schema=convert.schema)


async def copy_through(url: str, data: bytes, zone: str) -> bytes:
    """What the server copies out of the table that it copied the data into."""
    connection = await asyncpg.connect(url)
    try:
        columns = ", ".join(f"{column.name} {kind}" for kind, column in COLUMNS.items())
        await connection.execute(f"CREATE TABLE t ({columns})")
        await connection.execute(f"SET TimeZone = '{zone}'")
        await connection.copy_to_table("t", source=io.BytesIO(data), format="text", header=True)
        out = io.BytesIO()
        query = "SELECT * FROM t ORDER BY id"
        await connection.copy_from_query(query, output=out, format="text", header=True)
    finally:
        await connection.close()
    return out.getvalue()


@pytest.mark.parametrize(("zone", "seed"), [("UTC", 1), ("Asia/Kathmandu", 2), ("America/St_Johns", 3)])
def test_the_servers_copy_reads_and_writes_the_same(postgres_url: str, zone: str, seed: int) -> None:
    table = random_batches(SPEC, 3000, seed, nan=True).read_all()
    if zone != "UTC":  # on the last day the server prints the year 10000 there
        table = table.filter(pc.fill_null(pc.less(table["n"], datetime(9999, 12, 31, tzinfo=UTC)), True))
    file = io.BytesIO()
    assert write_tsv(table, file) == table.num_rows
    found = read(asyncio.run(copy_through(postgres_url, file.getvalue(), zone)), SPEC)
    assert found.num_rows == table.num_rows
    for name in table.schema.names:
        assert repr(found[name].to_pylist()) == repr(table[name].to_pylist()), name


LITERALS: list[tuple[str, ColumnSpec, Any]] = [
    ("ARRAY[1, NULL, -3]", nullable("c", pa.list_(pa.int64()), element=nullable("item", pa.int64())), [1, None, -3]),
    ("ARRAY[]::int[]", nullable("c", pa.list_(pa.int64()), element=nullable("item", pa.int64())), []),
    (
        r"""ARRAY['plain', 'two words', '', NULL, 'NULL', 'a"b\c', '{1,2}', E'tab\tand\nline', 'ü,ä']""",
        nullable("c", pa.list_(TEXT), element=ITEM),
        ["plain", "two words", "", None, "NULL", 'a"b\\c', "{1,2}", "tab\tand\nline", "ü,ä"],
    ),
    (
        "ARRAY[ARRAY[1.50, 2], ARRAY[3, NULL]]",
        nullable(
            "c",
            pa.list_(pa.list_(pa.decimal128(9, 2))),
            element=ColumnSpec(
                "item", pa.list_(pa.decimal128(9, 2)), element=nullable("item", pa.decimal128(9, 2)), nullable=True
            ),
        ),
        [[Decimal("1.50"), Decimal("2.00")], [Decimal("3.00"), None]],
    ),
    (
        "ARRAY['2020-01-01 10:00:00.5+02', 'epoch']::timestamptz[]",
        nullable("c", pa.list_(pa.timestamp("us", "UTC")), element=nullable("item", pa.timestamp("us", "UTC"))),
        [datetime(2020, 1, 1, 8, 0, 0, 500000, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)],
    ),
    (
        r"ARRAY['\x00ff', '\x']::bytea[]",
        nullable("c", pa.list_(pa.binary()), element=nullable("item", pa.binary())),
        [b"\x00\xff", b""],
    ),
    ("ARRAY[true, false]", nullable("c", pa.list_(pa.bool_()), element=nullable("item", pa.bool_())), [True, False]),
    (
        """ARRAY['{"a": [1, "x"]}', 'null']::jsonb[]""",
        nullable("c", pa.list_(pa.json_()), element=ColumnSpec("item", pa.json_())),
        ['{"a": [1, "x"]}', "null"],
    ),
    (
        "interval '-1 day 02:03:04.5'",
        nullable("c", pa.duration("us")),
        timedelta(days=-1, hours=2, minutes=3, seconds=4.5),
    ),
    ("interval '0'", nullable("c", pa.duration("us")), timedelta(0)),
    ("interval '49 hours'", nullable("c", pa.duration("us")), timedelta(hours=49)),
    ("interval '-1 day'", nullable("c", pa.duration("us")), timedelta(days=-1)),
    ("time '23:59:59.999999'", nullable("c", pa.time64("us")), time(23, 59, 59, 999999)),
    ("date '0001-01-01'", nullable("c", pa.date32()), date(1, 1, 1)),
    (
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
        nullable("c", pa.uuid()),
        UUID("a0eebc999c0b4ef8bb6d6bb9bd380a11"),
    ),
    ("'::ffff:10.0.0.1'::inet", nullable("c", TEXT, ip="6"), "::ffff:10.0.0.1"),
    ("1e-20::numeric", nullable("c", pa.decimal256(40, 20)), Decimal("1E-20")),
    ("5e-324::float8", nullable("c", pa.float64()), 5e-324),
    (
        "chr(8) || chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(92) || 'N'",
        nullable("c", TEXT),
        "\b\t\n\v\f\r\\N",
    ),
]
REFUSED: list[tuple[str, ColumnSpec, str]] = [
    ("'infinity'::timestamp", nullable("c", pa.timestamp("us")), "not a date and time"),
    ("'-infinity'::date", nullable("c", pa.date32()), "not a date"),
    ("date '0044-03-15 BC'", nullable("c", pa.date32()), "not a date"),
    ("date '10000-01-01'", nullable("c", pa.date32()), "not a date"),
    ("time '24:00'", nullable("c", pa.time64("us")), "not a time of day"),
    ("interval '1 month'", nullable("c", pa.duration("us")), "not a duration"),
    ("interval '1 year 2 mons 3 days'", nullable("c", pa.duration("us")), "not a duration"),
    ("'NaN'::numeric", nullable("c", pa.decimal128(9, 2)), "not a number"),
    ("'10.0.0.0/8'::inet", nullable("c", TEXT, ip="any"), "not an IP address"),
    (
        "'[5:6]={1,2}'::int[]",
        nullable("c", pa.list_(pa.int64()), element=nullable("item", pa.int64())),
        "not valid JSON",
    ),
]


async def copied(url: str, expression: str) -> bytes:
    connection = await asyncpg.connect(url)
    try:
        out = io.BytesIO()
        query = f"SELECT {expression} AS c UNION ALL SELECT NULL"
        await connection.copy_from_query(query, output=out, format="text", header=True)
    finally:
        await connection.close()
    return out.getvalue()


def test_the_servers_spellings_are_read(postgres_url: str) -> None:
    for expression, column, value in LITERALS:
        found = read(asyncio.run(copied(postgres_url, expression)), TableSpec("t", (column,)))
        assert found["c"].to_pylist() == [value, None], expression


def test_what_no_column_holds_is_refused(postgres_url: str) -> None:
    for expression, column, reason in REFUSED:
        data = asyncio.run(copied(postgres_url, expression))
        with pytest.raises(ConversionError, match=reason):
            read(data, TableSpec("t", (column,)))
