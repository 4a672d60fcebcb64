"""Tables that have only a name: a frame of every Arrow type, loaded, loaded again, read and synced back, on every database.

After the first load no DDL is run, no row is written, and the database's own text of each row stays the same. A NULL in a key
column is refused on every database, in every mode, by name and by declaration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any

import pyarrow as pa
import pytest

import arrowsync
from arrowsync import Connection, ConversionError, MaxLength, Unique
from arrowsync.options import Mode

MOMENT = datetime(2026, 11, 30, 10, 0, 0)
whole: Any = pa  # the stubs have arrays by the exact type of their values
array: Any = pa.array


def of(kind: pa.DataType, *values: Any) -> Any:
    return array([*values, None], kind)


ARRAYS: Mapping[str, Any] = {
    "bool": of(pa.bool_(), True),
    **{str(kind): of(kind, 1) for kind in (pa.int8(), pa.int16(), pa.int32(), pa.int64())},
    **{str(kind): of(kind, 1) for kind in (pa.uint8(), pa.uint16(), pa.uint32())},
    "uint64": of(pa.uint64(), 2**64 - 1),
    "float16": array([1.5, None], pa.float16()),
    "float32": of(pa.float32(), -0.0),
    "float64": of(pa.float64(), 0.1),
    "decimal32": of(pa.decimal32(5, 2), Decimal("1.50")),
    "decimal64": of(pa.decimal64(12, 2), Decimal("1.50")),
    "decimal128": of(pa.decimal128(38, 9), Decimal("1.500000000")),
    "negative scale": of(pa.decimal128(5, -2), Decimal("12E+2")),
    "scale above precision": whole.Array.from_buffers(
        pa.decimal128(3, 5), 2, of(pa.decimal128(5, 5), Decimal("0.00123")).buffers()
    ),
    **{f"timestamp {unit}": of(pa.timestamp(unit), MOMENT) for unit in ("s", "ms", "us", "ns")},
    **{f"timestamp {unit} zoned": of(pa.timestamp(unit, "Asia/Kolkata"), MOMENT) for unit in ("s", "ms", "us", "ns")},
    "date32": of(pa.date32(), date(2026, 11, 30)),
    "date64": of(pa.date64(), date(2026, 11, 30)),
    **{f"time {unit}": of(pa.time32(unit), time(23, 59, 59)) for unit in ("s", "ms")},
    **{f"time {unit}": of(pa.time64(unit), time(23, 59, 59, 999_999)) for unit in ("us", "ns")},
    **{f"duration {unit}": of(pa.duration(unit), timedelta(days=2, seconds=1)) for unit in ("s", "ms", "us", "ns")},
    **{str(kind): of(kind, "é\t'") for kind in (pa.string(), pa.large_string(), pa.string_view())},
    **{str(kind): of(kind, b"\0\xff") for kind in (pa.binary(), pa.large_binary(), pa.binary_view())},
    "fixed binary": of(pa.binary(3), b"a\0\0"),
    "dictionary": array(["a", None]).dictionary_encode(),
    "ordered": whole.DictionaryArray.from_arrays(array([0, None]), array(["a"]), ordered=True),
    "run ends": whole.RunEndEncodedArray.from_arrays([1, 2], ["a", None]),
    "bool8": whole.ExtensionArray.from_storage(pa.bool8(), array([1, None], pa.int8())),
    "uuid": whole.ExtensionArray.from_storage(pa.uuid(), array([bytes(range(1, 17)), None], pa.binary(16))),
    "json": whole.ExtensionArray.from_storage(pa.json_(), array(['{"a": 1.5}', None])),
    **{
        str(kind): of(kind, [1, 2, 3])
        for kind in (
            *(pa.list_(pa.int32()), pa.large_list(pa.int32()), pa.list_(pa.int32(), 3)),
            *(pa.list_view(pa.int32()), pa.large_list_view(pa.int32())),
        )
    },
    "lists of lists": of(pa.list_(pa.list_(pa.decimal128(5, 2))), [[Decimal("1.50")], [None]]),
    "struct": of(pa.struct([("a", pa.int32()), ("b", pa.string())]), {"a": 1, "b": "x"}),
    "map": of(pa.map_(pa.string(), pa.int32()), [("a", 1)]),
}
"""An array of two rows for each type, the second one NULL."""


def texts(conn: Connection) -> list[dict[str, Any]]:
    """The rows; of PostgreSQL in its own text, with the version and the place of each."""
    if "postgres" in repr(conn):
        return conn.fetch("SELECT t::text AS row, xmin::text, ctid::text FROM t ORDER BY id").to_pylist()
    return arrowsync.read_table("t", conn).to_pylist()


def test_a_frame_of_every_type_is_loaded_once(database_url: str) -> None:
    with arrowsync.connect(database_url) as conn:
        data = pa.table({"id": pa.array([1, 2]), **ARRAYS})
        if database_url.startswith("sqlite"):
            data = data.drop_columns(["float32"])  # -0.0, which is refused there
        assert arrowsync.sync_table(data, "t", conn, key="id").inserted == 2
        before = texts(conn)
        back = arrowsync.read_table("t", conn)
        modes: tuple[Mode, ...] = ("upsert", "mirror", "replace")
        given: list[tuple[pa.Table, Mode]] = [(data, "upsert"), *((back, mode) for mode in modes)]
        for again, mode in given:
            report = arrowsync.sync_table(again, "t", conn, key="id", mode=mode)
            assert (report.outcomes(), report.changes) == ({"inserted": 0, "updated": 0, "unchanged": 2}, ())
        assert texts(conn) == before
        assert arrowsync.read_table("t", conn).equals(back)


@dataclass
class Contact:
    email: Unique[Annotated[str, MaxLength(50)] | None]
    name: str | None


WAYS: tuple[dict[str, Any], ...] = (
    {"mode": "upsert"},
    {"mode": "mirror"},
    {"mode": "replace"},
    {"mode": "insert"},
    {"mode": "insert", "on_conflict": "skip"},
)


@pytest.mark.parametrize("table", [Contact, "Contact"], ids=["declared", "named"])
def test_null_in_a_key_is_refused(database_url: str, table: Any) -> None:
    rows = [{"email": "a", "name": "x"}, {"email": None, "name": "y"}]
    with arrowsync.connect(database_url) as conn:
        if table is not Contact:  # whose key= is made its primary key
            arrowsync.migrate(Contact, conn)
        for way in WAYS:
            with pytest.raises(ConversionError, match="NULL in a key column") as caught:
                arrowsync.sync_table(rows, table, conn, key="email", **way)
            assert (caught.value.column, caught.value.rows) == ("email", (1,))
        for inserted in (1, 0):
            report = arrowsync.sync_table(rows, table, conn, key="email", on_error="reject")
            assert (report.inserted, report.updated, report.rejected) == (inserted, 0, 1)
            assert arrowsync.read_table(Contact, conn).to_pylist() == rows[:1]
