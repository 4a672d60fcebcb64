"""Every declared type on MySQL and MariaDB: what it becomes, what it holds, and what it is read back as."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from contract.mysql.mysql_live import Live, assert_is_there, connected

from arrowsync.catalog import DefaultValue, Table
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.dialects import language_for

URLS = {"mysql": "mysql_url", "mariadb": "mariadb_url"}
ENUM = pa.dictionary(pa.int32(), pa.string())
ID = ColumnSpec("id", pa.int64())
NO_VALUE = 1364


@pytest.fixture(params=URLS)
def live(request: pytest.FixtureRequest) -> Iterator[Live]:
    with connected(request.param, request.getfixturevalue(URLS[request.param])) as live:
        yield live


LARGE = Decimal("9" * 35 + "." + "9" * 30)

VALUES: dict[str, tuple[ColumnSpec, Any, Any]] = {
    "bool": (ColumnSpec("", pa.bool_()), False, True),
    "int8": (ColumnSpec("", pa.int8()), -128, 127),
    "int16": (ColumnSpec("", pa.int16()), -32768, 32767),
    "int32": (ColumnSpec("", pa.int32()), -(2**31), 2**31 - 1),
    "int64": (ColumnSpec("", pa.int64()), -(2**63), 2**63 - 1),
    "uint8": (ColumnSpec("", pa.uint8()), 0, 255),
    "uint16": (ColumnSpec("", pa.uint16()), 0, 65535),
    "uint32": (ColumnSpec("", pa.uint32()), 0, 2**32 - 1),
    "uint64": (ColumnSpec("", pa.uint64()), 0, 2**64 - 1),
    "float32": (ColumnSpec("", pa.float32()), -1.5, 2.0**-149),
    "float64": (ColumnSpec("", pa.float64()), -1.7976931348623157e308, 5e-324),
    "odd_float": (ColumnSpec("", pa.float64()), 0.1, 0.30000000000000004),
    "decimal": (ColumnSpec("", pa.decimal128(38, 9)), Decimal("-0.000000001"), Decimal("1e28")),
    "large": (ColumnSpec("", pa.decimal256(65, 30)), Decimal("-1e-30"), LARGE),
    "text": (ColumnSpec("", pa.string()), "", "it's \\ ünï 😀\n"),
    "short_text": (ColumnSpec("", pa.string(), max_length=20), "", " it's\t'\\'😀 "),
    "long_text": (ColumnSpec("", pa.string(), max_length=16_384), "", "x" * 100),
    "longest_text": (ColumnSpec("", pa.string(), max_length=5_000_000), "", "x" * 100),
    "bytes": (ColumnSpec("", pa.binary()), b"", b"\0\xff'\\"),
    "short_bytes": (ColumnSpec("", pa.binary(), max_length=5), b"", b"\0\xff'\\\0"),
    "long_bytes": (ColumnSpec("", pa.binary(), max_length=70_000), b"", b"\0\xff"),
    "longest_bytes": (ColumnSpec("", pa.binary(), max_length=1 << 24), b"", b"\0\xff"),
    "date": (ColumnSpec("", pa.date32()), date(1, 1, 1), date(9999, 12, 31)),
    "time": (ColumnSpec("", pa.time64("us")), time(0), time(23, 59, 59, 999_999)),
    "seconds": (ColumnSpec("", pa.timestamp("s")), datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)),
    "millis": (ColumnSpec("", pa.timestamp("ms")), datetime(1, 1, 1), datetime(2024, 2, 29, 1, 2, 3, 456_000)),
    "micros": (ColumnSpec("", pa.timestamp("us")), datetime(1, 1, 1), datetime.max),
    "instant": (
        ColumnSpec("", pa.timestamp("us", "UTC")),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=UTC),
    ),
    "duration": (
        ColumnSpec("", pa.duration("us")),
        timedelta(microseconds=-(2**63)),
        timedelta(microseconds=2**63 - 1),
    ),
    "uuid": (ColumnSpec("", pa.uuid()), UUID(int=0), UUID("c0ffee00-0000-4000-8000-00000000005c")),
    "json": (ColumnSpec("", pa.json_()), "{}", '{"a": "it\'s \\\\ \\" 😀"}'),
    "ipv4": (ColumnSpec("", pa.string(), ip="4"), "0.0.0.0", "192.0.2.39"),
    "ipv6": (ColumnSpec("", pa.string(), ip="6"), "::", "2001:db8::5c27"),
    "enum": (ColumnSpec("", ENUM, labels=("a", "", "it's \\ 😀", "x,y")), "", "it's \\ 😀"),
}
"""By the name of the column: what is declared, and two defaults."""

MICROSECOND = timedelta(microseconds=1)


def driver_value(name: str, live: Live) -> Any:
    """What the driver gives for the second default: it has other values for some types."""
    value = VALUES[name][2]
    match name:
        case "float32":
            return 1.4013e-45  # it is stored exactly, and shown with six digits
        case "time":
            return datetime.combine(date.min, value) - datetime.min
        case "instant":
            return value.replace(tzinfo=None)
        case "duration":
            return value // MICROSECOND
        case "uuid":
            return value.bytes if live.is_mysql else str(value)
        case "ipv4" | "ipv6":
            return ip_address(value).packed
        case _:
            return value


def test_every_type_keeps_its_extreme_values_as_defaults_and_nullability(live: Live) -> None:
    names = list(VALUES)
    for part in (names[:16], names[16:]):  # a row has to fit into a page
        columns = [ID]
        for name in part:
            spec, low, high = VALUES[name]
            columns += [
                replace(spec, name=f"a_{name}"),
                replace(spec, name=f"{name}_low", default=low),
                replace(spec, name=f"{name}_high", default=high, comment=f"About {name}."),
                replace(spec, name=f"{name}_null", nullable=True),
                replace(spec, name=f"{name}_maybe", nullable=True, default=high),
            ]
        catalog = live.create(TableSpec("t", tuple(columns), ("id",)))
        assert_is_there(live, catalog)
        given = {"id": "1"} | {f"a_{name}": default_of(catalog.tables[0], f"{name}_low", live) for name in part}
        live.query(f"INSERT INTO t ({', '.join(given)}) VALUES ({', '.join(given.values())})")
        for name in part:
            (row,) = live.query(f"SELECT a_{name} = {name}_low AS same, {name}_high, {name}_null, {name}_maybe FROM t")
            assert row["same"] == 1, name
            assert row[f"{name}_high"] == row[f"{name}_maybe"] == driver_value(name, live), name
            assert row[f"{name}_null"] is None
            left_out = {other: value for other, value in given.items() if other != f"a_{name}"} | {"id": "2"}
            text = f"INSERT INTO t ({', '.join(left_out)}) VALUES ({', '.join(left_out.values())})"
            # The servers' own rule: an enum without a default that is left out gets its first label.
            assert live.refusal(text) == (NO_VALUE if name != "enum" else None), name
        live.drop_all()


def default_of(made: Table, name: str, live: Live) -> str:
    """The default of a column, as the script writes it."""
    column = made.column(name)
    assert column is not None
    assert isinstance(column.default, DefaultValue)
    return live.value(column.default.value)


@pytest.mark.parametrize("name", VALUES)
def test_a_live_type_reads_as_the_arrow_type_that_holds_it(name: str) -> None:
    declared = replace(VALUES[name][0], name="c")
    read_as = {pa.duration("us"): pa.int64(), pa.timestamp("us", "UTC"): pa.timestamp("us")}
    for dialect in URLS:
        language = language_for(dialect)
        found = language.to_spec(language.to_column(declared, TableSpec("t", (ID,)), language.server))
        assert found.type == (pa.binary() if declared.ip else read_as.get(declared.type, declared.type))
        assert found.labels == declared.labels
