"""The user's own ADBC connection: what the driver alone gets wrong, whose transaction it is, and how it is left."""

from __future__ import annotations

import asyncio
import json
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from enum import Enum
from ipaddress import IPv4Address
from random import Random
from typing import Annotated, Any
from uuid import UUID

import pyarrow as pa
import pytest
from adbc_driver_manager import AdbcStatement
from adbc_driver_postgresql import dbapi
from contract.items import Item, item

import arrowsync
from arrowsync import (
    ConversionError,
    DatabaseError,
    DeclarationError,
    JsonType,
    Precision,
    PrimaryKey,
    SourceError,
    TimeZone,
    aio,
    uint64,
)
from arrowsync.catalog import SqlType
from arrowsync.dialects.postgres.adbc_driver import Feed
from arrowsync.wire.pgcopy.encode import compile_pgfields

STATUS = "adbc.postgresql.transaction_status"


@pytest.fixture
def native(postgres_url: str) -> Iterator[dbapi.Connection]:
    with dbapi.connect(postgres_url) as connection:
        yield connection


@pytest.fixture
def observer(postgres_url: str) -> Iterator[arrowsync.Connection]:
    with arrowsync.connect(postgres_url) as connection:
        yield connection


def run(conn: dbapi.Connection, *statements: str) -> None:
    for text in statements:
        with conn.cursor() as cursor:
            cursor.execute(text)


def answer(conn: dbapi.Connection, query: str) -> Any:
    with conn.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def ingest(conn: dbapi.Connection, table: str, data: Any, mode: Any = "append") -> None:
    """What the driver does alone."""
    with conn.cursor() as cursor:
        cursor.adbc_ingest(table, data, mode=mode)


def status(conn: dbapi.Connection) -> str:
    return str(conn.adbc_connection.get_option(STATUS))


def rows_of(conn: arrowsync.Connection, table: Any = Item) -> list[dict[str, Any]]:
    return sorted(arrowsync.read_table(table, conn).to_pylist(), key=lambda row: row["id"])


# ---- what the driver alone gets wrong -----------------------------------------------------------------------------------


def test_uint64_does_not_wrap(native: dbapi.Connection) -> None:
    data = pa.table({"id": [1, 2], "n": pa.array([2**63, 2**64 - 1], pa.uint64())})
    ingest(native, "bare", data, "create")
    assert answer(native, "SELECT n FROM bare ORDER BY id") == [(-(2**63),), (-1,)]
    native.commit()

    @dataclass
    class Big:
        id: PrimaryKey[int]
        n: uint64

    arrowsync.sync_table(data, Big, native)
    assert answer(native, 'SELECT n::text FROM "Big" ORDER BY id') == [(str(2**63),), (str(2**64 - 1),)]
    assert arrowsync.read_table(Big, native).column("n").to_pylist() == [2**63, 2**64 - 1]


@dataclass
class Moment:
    id: PrimaryKey[int]
    at: datetime


@dataclass
class Instant:
    id: PrimaryKey[int]
    at: Annotated[datetime, TimeZone("UTC")]


@dataclass
class Number:
    id: PrimaryKey[int]
    at: int


@pytest.mark.parametrize(
    ("table", "value", "stored"),
    [
        (Moment, pa.scalar(0, pa.int64()), "2000-01-01 00:00:00"),
        (Number, pa.scalar(datetime(2000, 1, 1, 0, 0, 1), pa.timestamp("us")), "1000000"),
        (Instant, pa.scalar(datetime(2000, 1, 1), pa.timestamp("us")), "2000-01-01 05:30:00+05:30"),
    ],
)
def test_a_value_of_another_type_is_not_reinterpreted(
    native: dbapi.Connection, table: type, value: Any, stored: str
) -> None:
    arrowsync.migrate(table, native)
    data = pa.table({"id": [1], "at": pa.array([value.as_py()], value.type)})
    ingest(native, table.__name__, data)
    assert answer(native, f'SELECT at::text FROM "{table.__name__}"') == [(stored,)]
    native.rollback()
    with pytest.raises(ConversionError, match="at"):
        arrowsync.sync_table(data, table, native)
    assert answer(native, f'SELECT count(*) FROM "{table.__name__}"') == [(0,)]


def test_a_decimal_is_not_rounded(native: dbapi.Connection) -> None:
    run(native, "CREATE TABLE price (id bigint PRIMARY KEY, amount numeric(10, 2))")
    data = pa.table({"id": [1], "amount": pa.array([Decimal("1.2350")], pa.decimal128(10, 4))})
    ingest(native, "price", data)
    assert answer(native, "SELECT amount::text FROM price") == [("1.24",)]
    run(native, "DELETE FROM price")
    native.commit()
    with pytest.raises(ConversionError, match="amount"):
        arrowsync.sync_table(data, "price", native)
    assert answer(native, "SELECT count(*) FROM price") == [(0,)]


@dataclass
class Document:
    id: PrimaryKey[int]
    body: JsonType
    who: UUID
    tags: list[str]
    grid: list[list[int]]


DOCUMENT = (1, {"a": [1, None]}, UUID(int=7), ["x", ""], [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("column", "given"),
    [
        ("body", pa.array(['{"a": 1}'])),
        ("who", pa.array([str(UUID(int=7))])),
        ("grid", pa.array([[[1, 2], [3, 4]]], pa.list_(pa.list_(pa.int64())))),
    ],
)
def test_types_that_the_driver_has_no_form_for(native: dbapi.Connection, column: str, given: Any) -> None:
    arrowsync.migrate(Document, native)
    with pytest.raises(dbapi.Error):
        ingest(native, "Document", pa.table({"id": [1], column: given}))
    native.rollback()
    assert arrowsync.sync_table([DOCUMENT], Document, native).inserted == 1
    found = arrowsync.read_table(Document, native).to_pylist()[0]
    assert json.loads(found.pop("body")) == DOCUMENT[1]
    assert tuple(found.values()) == (1, *DOCUMENT[2:])


def test_a_value_that_can_not_be_written_has_its_reason(native: dbapi.Connection) -> None:
    run(native, "CREATE TABLE seen (id bigint PRIMARY KEY, at timestamp)")
    native.commit()
    far = pa.array([0, -(2**63)], pa.timestamp("us"))
    data = pa.table({"id": [1, 2], "at": far})
    with pytest.raises(dbapi.Error, match=r"Error occurred writing COPY data: $|data: \s*$"):
        ingest(native, "seen", data)
    native.rollback()
    with pytest.raises(ConversionError, match="at") as caught:
        arrowsync.sync_table(data, "seen", native)
    assert (caught.value.column, caught.value.rows) == ("at", (1,))
    assert status(native) == "idle"


def test_no_copy_is_left_open(native: dbapi.Connection, observer: arrowsync.Connection) -> None:
    arrowsync.sync_table([item(1)], Item, native)
    open_copies = (
        "SELECT count(*) AS n FROM pg_stat_activity a JOIN pg_locks l USING (pid)"
        " WHERE a.state = 'active' AND a.query LIKE 'COPY%FROM STDIN%' AND l.mode = 'RowExclusiveLock'"
    )

    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"id": pa.array([2], pa.int64()), "name": ["x"]})
        raise ZeroDivisionError

    schema = pa.schema([("id", pa.int64()), ("name", pa.string())])
    with pytest.raises(dbapi.Error):
        ingest(native, "Item", pa.RecordBatchReader.from_batches(schema, batches()))
    assert observer.fetch(open_copies).to_pylist() == [{"n": 1}]
    assert status(native) == "active"
    native.rollback()
    with pytest.raises(ZeroDivisionError):
        arrowsync.sync_table(pa.RecordBatchReader.from_batches(schema, batches()), Item, native)
    assert observer.fetch(open_copies).to_pylist() == [{"n": 0}]
    assert status(native) == "idle"


def test_a_copy_that_the_user_left_open_is_ended(native: dbapi.Connection, postgres_url: str) -> None:
    with dbapi.connect(postgres_url, autocommit=True) as conn:
        arrowsync.sync_table([item(1)], Item, conn)
        bad = pa.table({"id": pa.array([1], pa.int64()), "name": pa.array([1], pa.date64())})
        with pytest.raises(dbapi.Error):
            ingest(conn, "Item", bad)
        assert arrowsync.sync_table([item(2)], Item, conn).inserted == 1


PEAK = """
import sys
import pyarrow as pa
from adbc_driver_postgresql import dbapi
import arrowsync
rows = 3_000_000
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
data = pa.table({"id": pa.Array.from_buffers(pa.int64(), rows, [None, pa.py_buffer(b'1' * 8 * rows)])})
with dbapi.connect(sys.argv[1]) as conn:
    with conn.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS big (id bigint)")
    conn.commit()
    small = data.slice(0, 10)
    def bare(data):
        with conn.cursor() as cursor:
            cursor.adbc_ingest("big", data, mode="append")
        conn.rollback()
    def ours(data):
        arrowsync.sync_table(data, "big", conn)
    load = bare if sys.argv[2] == "bare" else ours
    load(small)
    before = peak()
    load(data)
    print((peak() - before) // 1024)
"""


def test_a_large_batch_is_not_buffered_whole(postgres_url: str) -> None:
    """3 million rows of 14 bytes are 42 MB on the wire."""

    def growth(how: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", PEAK, postgres_url, how], capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    assert growth("bare") > 38
    assert growth("ours") < 25


def test_what_the_driver_gets_is_small() -> None:
    schema = pa.schema([("id", pa.int64()), ("text", pa.string())])
    batch = pa.record_batch([pa.array(range(100_000), pa.int64()), pa.array(["x" * 500] * 100_000)], schema=schema)
    feed = Feed(compile_pgfields(schema, [SqlType("bigint"), SqlType("text")]), iter([batch]))
    sizes = []
    while (piece := feed.take()) is not None:
        sizes.append(piece.nbytes)
    assert sum(sizes) > 50_000_000
    assert max(sizes) < 8 << 20


# ---- exactly ------------------------------------------------------------------------------------------------------------


def decimals(precision: int, scale: int, rows: int = 2_000) -> pa.Array[Any]:
    """Decimals of all magnitudes, many with zeros in places where a group of digits may be lost."""
    random = Random(precision * 100 + scale)
    numbers: list[int | None] = [0, None, 10**precision - 1, 1 - 10**precision]
    while len(numbers) < rows:
        digits = random.randint(1, precision)
        number = random.randrange(10**digits)
        if random.random() < 0.5:
            zeros = 10 ** random.randint(0, digits)
            number = number // zeros * zeros
        numbers.append(random.choice((number, -number)))
    arrow = (pa.decimal128 if precision <= 38 else pa.decimal256)(precision, scale)
    with localcontext(prec=100):
        return pa.array([None if n is None else Decimal(n).scaleb(-scale) for n in numbers], arrow)


PRECISIONS = [(38, 9), (38, 0), (38, 38), (76, 30), (76, 0), (18, 4), (5, 5), (10, 2), (20, 1)]


def test_numbers_are_stored_as_through_the_other_driver(postgres_url: str, native: dbapi.Connection) -> None:
    """The driver makes numerics itself, which older versions of it did wrong."""
    arrays = {f"d{p}_{s}": decimals(p, s) for p, s in PRECISIONS}
    arrays["u64"] = pa.array([0, 2**64 - 1, 2**63, *range(1_997)], pa.uint64())
    arrays["i64"] = pa.array([-(2**63), 2**63 - 1, *range(1_998)], pa.int64())
    types = [f"numeric({p}, {s})" for p, s in PRECISIONS] + ["numeric(20, 0)", "numeric(19, 0)"]
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(arrays, types, strict=True))
    run(native, f"CREATE TABLE here (id bigint PRIMARY KEY, {columns})", "CREATE TABLE there (LIKE here)")
    native.commit()
    data = pa.table({"id": range(2_000), **arrays})
    arrowsync.sync_table(data, "here", native)
    arrowsync.sync_table(data, "there", postgres_url, mode="insert")
    assert answer(native, "SELECT count(*) FROM (SELECT h::text FROM here h EXCEPT SELECT t::text FROM there t) x") == [
        (0,)
    ]
    assert answer(native, "SELECT count(*) FROM here") == [(2_000,)]


class Mood(Enum):
    SAD = "sad"
    OK = "o k"


@dataclass
class Place:
    name: str
    at: datetime | None
    cost: Annotated[Decimal, Precision(6, 2)] | None


@dataclass
class Nested:
    id: PrimaryKey[int]
    place: Place | None
    places: list[Place]
    moods: list[Mood]
    mood: Mood
    took: timedelta
    host: IPv4Address
    hosts: list[IPv4Address]
    grid: list[list[int]]
    keys: list[UUID]
    raw: bytes


NESTED = [
    Nested(
        1,
        Place('a "b", (c)', datetime(2026, 1, 2, 3, 4, 5, 6), Decimal("1.50")),
        [Place("", None, None), Place("x", datetime(1, 1, 1), Decimal("-9999.99"))],
        [Mood.OK, Mood.SAD],
        Mood.OK,
        timedelta(days=-3, microseconds=7),
        IPv4Address("192.0.2.1"),
        [IPv4Address("10.0.0.1")],
        [[1, 2], [3, 4]],
        [UUID(int=5)],
        b"\0\xff",
    ),
    Nested(2, None, [], [], Mood.SAD, timedelta(0), IPv4Address("0.0.0.0"), [], [], [], b""),
]


def test_types_with_parts_come_back_as_they_went(native: dbapi.Connection, postgres_url: str) -> None:
    """All that is in it was created on the connection itself, or before it was opened."""
    arrowsync.sync_table(NESTED, Nested, native)
    found = arrowsync.read_table(Nested, native).sort_by("id")
    assert found.equals(arrowsync.read_table(Nested, postgres_url).sort_by("id"))
    places: Any = found.column("places").to_pylist()[0]
    assert places[1] == asdict(NESTED[0])["places"][1]
    assert arrowsync.sync_table(NESTED, Nested, native).unchanged == 2
    with dbapi.connect(postgres_url) as another:
        assert arrowsync.sync_table(NESTED, Nested, another).unchanged == 2
        assert arrowsync.read_table(Nested, another).sort_by("id").equals(found)
    assert arrowsync.sync_table(NESTED, Nested, postgres_url).unchanged == 2


def test_bits_of_floats_stay(native: dbapi.Connection) -> None:
    bits = [0x7FF8000000000001, 0xFFF8000000000000, 0x8000000000000000, 0x7FF0000000000000, 1]
    given = pa.Array.from_buffers(pa.float64(), 5, [None, pa.py_buffer(struct.pack("<5Q", *bits))])
    arrowsync.sync_table(pa.table({"id": range(5), "x": given}), "floats", native, key="id")
    found = answer(native, "SELECT encode(float8send(x), 'hex') FROM floats ORDER BY id")
    assert [int(text, 16) for (text,) in found] == bits


# ---- whose transaction it is --------------------------------------------------------------------------------------------


def test_where_nothing_is_open_it_is_ours_and_committed(
    native: dbapi.Connection, observer: arrowsync.Connection
) -> None:
    for rows in ([item(1)], [item(2)]):
        arrowsync.sync_table(rows, Item, native)
        assert status(native) == "idle"
        native.rollback()
    assert [row["id"] for row in rows_of(observer)] == [1, 2]


def test_what_the_user_began_is_theirs_to_commit(native: dbapi.Connection, observer: arrowsync.Connection) -> None:
    run(native, "CREATE TABLE other (n int)")
    arrowsync.sync_table([item(1)], Item, native)
    assert status(native) == "intrans"
    assert observer.fetch("SELECT to_regclass('\"Item\"') IS NULL AS missing").to_pylist() == [{"missing": True}]
    assert arrowsync.read_table(Item, native).num_rows == 1
    native.rollback()
    assert observer.fetch("SELECT to_regclass('\"Item\"') IS NULL AS missing").to_pylist() == [{"missing": True}]

    run(native, "SELECT 1")
    arrowsync.sync_table([item(1)], Item, native)
    arrowsync.sync_table([item(2)], Item, native)
    native.commit()
    assert [row["id"] for row in rows_of(observer)] == [1, 2]


def test_with_autocommit_on_it_is_ours_unless_the_user_began(postgres_url: str, observer: arrowsync.Connection) -> None:
    with dbapi.connect(postgres_url, autocommit=True) as conn:
        arrowsync.sync_table([item(1)], Item, conn)
        assert [row["id"] for row in rows_of(observer)] == [1]
        run(conn, "BEGIN")
        arrowsync.sync_table([item(2)], Item, conn)
        assert [row["id"] for row in rows_of(observer)] == [1]
        with pytest.raises(arrowsync.ConstraintViolated):
            arrowsync.sync_table([item(3), item(1)], Item, conn, mode="insert")
        assert status(conn) == "intrans"
        run(conn, "COMMIT")
        assert [row["id"] for row in rows_of(observer)] == [1, 2]


def test_a_source_that_fails_leaves_the_users_transaction_as_it_was(
    native: dbapi.Connection, observer: arrowsync.Connection
) -> None:
    arrowsync.sync_table([item(1)], Item, native)
    run(native, 'DELETE FROM "Item"')

    def rows() -> Iterator[tuple[Any, ...]]:
        yield from (item(n) for n in range(50_000))
        raise ZeroDivisionError

    for mode in ("insert", "upsert"):
        with pytest.raises(ZeroDivisionError):
            arrowsync.sync_table(rows(), Item, native, mode=mode)
        assert status(native) == "intrans"
        assert answer(native, 'SELECT count(*) FROM "Item"') == [(0,)]
    native.commit()
    assert rows_of(observer) == []


def test_what_the_server_refuses_fails_the_users_transaction_and_says_so(native: dbapi.Connection) -> None:
    arrowsync.sync_table([item(1)], Item, native)
    run(native, 'DELETE FROM "Item" WHERE id = 5')
    with pytest.raises(arrowsync.ConstraintViolated) as caught:
        arrowsync.sync_table([item(2), item(1)], Item, native, mode="insert")
    assert "conn.rollback()" in str(caught.value.hint)
    assert status(native) == "inerror"
    with pytest.raises(DatabaseError, match="has failed") as refused:
        arrowsync.sync_table([item(2)], Item, native)
    assert "conn.rollback()" in str(refused.value.hint)
    native.rollback()
    assert arrowsync.sync_table([item(2)], Item, native).inserted == 1


def test_the_connection_is_left_as_it_was(native: dbapi.Connection) -> None:
    run(native, "SET search_path TO public", "SET statement_timeout TO '1min'")
    native.commit()

    def settings() -> Any:
        found = answer(native, "SELECT name, setting FROM pg_settings WHERE source = 'session' ORDER BY 1")
        native.commit()
        return found

    before = settings()
    arrowsync.sync_table([item(1)], Item, native)
    arrowsync.read_table(Item, native)
    arrowsync.plan(Item, native)
    for batch in arrowsync.read_batches(Item, native):
        assert batch.num_rows == 1
    assert settings() == before
    assert native.adbc_connection.get_option("adbc.connection.autocommit") == "false"
    assert answer(native, "SELECT 1") == [(1,)]
    native.rollback()
    assert status(native) == "idle"


# ---- everywhere a connection does ---------------------------------------------------------------------------------------


def test_all_that_takes_a_connection_takes_it(native: dbapi.Connection) -> None:
    assert arrowsync.plan(Item, native).steps
    arrowsync.migrate(Item, native)
    assert not arrowsync.plan(Item, native).steps
    rows = [item(n, "n", "1.00") for n in range(10)]
    assert arrowsync.sync_table(rows, Item, native, mode="insert").inserted == 10
    report = arrowsync.sync_table([*rows[5:], item(99)], Item, native, mode="mirror")
    assert report.outcomes() == {"inserted": 1, "updated": 0, "unchanged": 5, "deleted": 5}
    report = arrowsync.sync_table([item(99, "new")], Item, native, mode="replace")
    assert report.outcomes() == {"inserted": 0, "updated": 1, "unchanged": 0, "deleted": 5}
    assert arrowsync.sync_table([], Item, native).rows_read == 0
    assert arrowsync.read_table(Item, native).to_pylist() == [{"id": 99, "name": "new", "price": None}]
    assert arrowsync.sync_table([item(1)], Item, native, dry_run=True).dry_run


def test_rows_are_streamed_back_and_can_be_left_early(native: dbapi.Connection) -> None:
    arrowsync.sync_table([item(n) for n in range(200_000)], Item, native)
    batches = list(arrowsync.read_batches(Item, native))
    assert len(batches) > 1
    assert sum(batch.num_rows for batch in batches) == 200_000
    for begun in (False, True):
        if begun:
            run(native, "SELECT 1")
        reading = arrowsync.read_batches(Item, native)
        assert next(reading).num_rows > 0
        reading.close()
        assert status(native) == ("intrans" if begun else "idle")
        assert answer(native, 'SELECT count(*) FROM "Item"') == [(200_000,)]
        native.commit()


def test_names_of_any_kind(native: dbapi.Connection) -> None:
    table = pa.table({'a "b"': [1], "ä; DROP": ["x"], "SELECT": [1.5], "%s": [True]})
    assert arrowsync.sync_table(table, 'odd."s"'.replace('"', ""), native).inserted == 1
    run(native, 'CREATE TABLE "we""ird;" AS SELECT * FROM odd.s WHERE false')
    native.commit()
    assert arrowsync.sync_table(table, 'we"ird;', native).inserted == 1
    assert arrowsync.read_table('we"ird;', native).to_pylist() == table.to_pylist()


def test_the_async_flavour_takes_it_too(native: dbapi.Connection) -> None:
    async def main() -> int:
        await aio.sync_table([item(1)], Item, native)
        return (await aio.read_table(Item, native)).num_rows

    assert asyncio.run(main()) == 1
    assert status(native) == "idle"


def test_a_type_that_is_new_on_the_connection(native: dbapi.Connection) -> None:
    """The driver reads the server's types when it connects."""
    run(native, "CREATE TYPE mood AS ENUM ('sad', 'ok')", "CREATE DOMAIN cents AS numeric(10, 2)")
    run(native, "CREATE TABLE felt (id bigint PRIMARY KEY, mood mood, cost cents, all_of mood[])")
    native.commit()
    dictionary = pa.array(["ok", None, "sad"]).dictionary_encode()
    data = pa.table(
        {
            "id": [1, 2, 3],
            "mood": dictionary,
            "cost": pa.array([Decimal("1.25"), None, Decimal("-3.00")], pa.decimal128(10, 2)),
            "all_of": pa.array([["ok"], [], None], pa.list_(pa.string())),
        }
    )
    for _ in range(2):
        arrowsync.sync_table(data, "felt", native)
    assert answer(native, "SELECT t::text FROM felt AS t ORDER BY id") == [
        ("(1,ok,1.25,{ok})",),
        ("(2,,,{})",),
        ("(3,sad,-3.00,)",),
    ]


def test_another_database_is_refused() -> None:
    from adbc_driver_duckdb import dbapi as duckdb_adbc

    with duckdb_adbc.connect() as conn, pytest.raises(DeclarationError, match=r"(?i)duckdb"):
        arrowsync.sync_table([item(1)], Item, conn)


def test_what_is_no_connection_is_refused(native: dbapi.Connection) -> None:
    statement = AdbcStatement(native.adbc_connection)
    try:
        with pytest.raises(DeclarationError, match="AdbcStatement is not an ADBC connection"):
            arrowsync.sync_table([item(1)], Item, statement)
    finally:
        statement.close()


def test_a_closed_connection_says_so(postgres_url: str) -> None:
    conn = dbapi.connect(postgres_url)
    conn.close()
    with pytest.raises(arrowsync.ConnectionLost):
        arrowsync.sync_table([item(1)], Item, conn)


def test_text_in_another_encoding_is_the_same_text(postgres_url: str) -> None:
    """The server would take the bytes of UTF-8 for those of LATIN1, as it does for the driver's own ingest."""
    data = pa.table({"id": [1], "name": ["ä"]})
    with dbapi.connect(f"{postgres_url}?client_encoding=latin1") as conn:
        ingest(conn, "bare", data, "create")
        assert answer(conn, "SELECT length(name) FROM bare") == [(2,)]
        conn.rollback()
        arrowsync.sync_table(data, "t", conn)
        assert status(conn) == "idle"
        assert answer(conn, "SELECT length(name), current_setting('client_encoding') FROM t") == [(1, "LATIN1")]


def test_a_table_that_is_not_free_is_not_waited_for_in_vain(
    native: dbapi.Connection, observer: arrowsync.Connection
) -> None:
    arrowsync.sync_table([item(1)], Item, native)
    run(native, "SELECT 1")
    with observer.transaction():
        observer.execute('LOCK TABLE "Item" IN ROW EXCLUSIVE MODE')
        began = time.monotonic()
        with pytest.raises(DatabaseError, match="lock timeout") as caught:
            arrowsync.sync_table([item(2)], Item, native)
        assert time.monotonic() - began < 10
        assert "conn.rollback()" in str(caught.value.hint)
    native.rollback()
    assert arrowsync.sync_table([item(2)], Item, native).inserted == 1


def test_the_times_come_back(native: dbapi.Connection) -> None:
    @dataclass
    class Row:
        id: PrimaryKey[int]
        at: Annotated[datetime, TimeZone("UTC")]
        cost: Annotated[Decimal, Precision(38, 10)]

    rows = [(1, datetime(1, 1, 1, tzinfo=UTC), Decimal("-1234567890123456789012345678.0123456789"))]
    arrowsync.sync_table(rows, Row, native)
    assert [tuple(row.values()) for row in arrowsync.read_table(Row, native).to_pylist()] == rows
    assert arrowsync.sync_table(rows, Row, native).unchanged == 1


def test_a_cursor_of_the_connection_that_is_loaded_can_not_be_the_source(native: dbapi.Connection) -> None:
    with native.cursor() as cursor:
        cursor.execute("SELECT 1::bigint AS id")
        with pytest.raises(SourceError, match="can't be read") as caught:
            arrowsync.sync_table(cursor, "t", native, key="id")
    assert caught.value.hint is not None
    assert "another connection" in caught.value.hint
    native.rollback()
    assert arrowsync.sync_table(pa.table({"id": [1]}), "t", native, key="id").inserted == 1
