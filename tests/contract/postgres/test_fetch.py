"""`fetch(sql)`: the result of any query in Arrow's types, the same over both drivers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from contract.postgres.over_adbc import connected

import arrowsync
from arrowsync.errors import ConversionError


@pytest.fixture(params=["asyncpg", "adbc"])
def conn(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[arrowsync.Connection]:
    with arrowsync.connect(postgres_url) if request.param == "asyncpg" else connected(postgres_url) as connection:
        yield connection


def listed(kind: Any) -> Any:
    return pa.list_(kind)


@pytest.mark.parametrize(
    ("select", "arrow", "values"),
    [
        ("ARRAY[1, NULL]", listed(pa.int32()), [[1, None]]),
        ("'{}'::bigint[]", listed(pa.int64()), [[]]),
        ("NULL::text[]", listed(pa.string()), [None]),
        ("'{a,\"b,c\"}'::varchar(9)[]", listed(pa.string()), [["a", "b,c"]]),
        ("ARRAY['ab'::char(5)]", listed(pa.string()), [["ab"]]),
        ("ARRAY[true, false]", listed(pa.bool_()), [[True, False]]),
        ("ARRAY['\\x00ff'::bytea]", listed(pa.binary()), [[b"\x00\xff"]]),
        ("ARRAY[timestamp '1969-12-31 23:59:59']", listed(pa.timestamp("us")), [[datetime(1969, 12, 31, 23, 59, 59)]]),
        ("ARRAY[interval '1 day']", listed(pa.duration("us")), [[timedelta(days=1)]]),
        ("ARRAY[uuid '00000000-0000-0000-0000-000000000005']", listed(pa.uuid()), [[UUID(int=5)]]),
        ("ARRAY[jsonb '{\"a\": 1}']", listed(pa.json_()), [['{"a": 1}']]),
        ("ARRAY['10.0.0.0/8'::cidr]", listed(pa.string()), [["10.0.0.0/8"]]),
        ("ARRAY[[1, 2], [3, NULL]]", listed(listed(pa.int32())), [[[1, 2], [3, None]]]),
        ("x FROM (VALUES (ARRAY[[1]]), ('{}'), (NULL)) v (x)", listed(listed(pa.int32())), [[[1]], [], None]),
        ("ARRAY[1] WHERE false", listed(pa.int32()), []),
        ("array_agg(i ORDER BY i) FROM generate_series(0, 99999) i", listed(pa.int32()), [[*range(100_000)]]),
        # What has no list of its own comes as text.
        ("ARRAY[1.5, NULL]", pa.string(), ["{1.5,NULL}"]),
        ("ARRAY[5::oid]", pa.string(), ["{5}"]),
        ("'1 2'::int2vector", pa.string(), ["1 2"]),
        ("enum_range(NULL::mood)", pa.string(), ['{sad,"o k"}']),
    ],
)
def test_arrays(conn: arrowsync.Connection, select: str, arrow: pa.DataType, values: list[Any]) -> None:
    conn.execute("CREATE TYPE mood AS ENUM ('sad', 'o k')")
    found = conn.fetch(f"SELECT {select}")
    assert found.schema.types == [arrow]
    assert found.column(0).to_pylist() == values


@pytest.mark.parametrize(
    ("select", "reason"),
    [
        ("x FROM (VALUES (ARRAY[[1]]), (ARRAY[2])) v (x)", "arrays of 1 and of 2 dimensions"),
        ("ARRAY[date 'infinity'] AS x", "infinity"),
        ("ARRAY[interval '1 month'] AS x", "an interval of months"),
    ],
)
def test_arrays_that_are_no_lists(conn: arrowsync.Connection, select: str, reason: str) -> None:
    with pytest.raises(ConversionError, match=reason) as caught:
        conn.fetch(f"SELECT {select}")
    assert caught.value.column == "x"
    assert caught.value.hint == "select it as text"


@pytest.mark.parametrize(
    "query",
    [
        "-- a comment; with a quote '\nSELECT 1.50 AS x",
        "/* SELECT\n*/ (/**/ SELECT 1.50 AS x)",
        "\n  WITH q AS (VALUES (1.50)) /* DELETEd */ SELECT column1 AS x FROM q -- the end",
    ],
)
def test_comments_change_nothing(conn: arrowsync.Connection, query: str) -> None:
    found = conn.fetch(query)
    assert found.schema.equals(pa.schema({"x": pa.decimal128(3, 2)}))
    assert found.to_pylist() == [{"x": Decimal("1.50")}]


def test_a_comment_is_not_taken_for_a_query(conn: arrowsync.Connection) -> None:
    conn.execute("CREATE TABLE t (x int)")
    assert conn.fetch("/* one */ INSERT INTO t /* two */ SELECT 7 RETURNING x").to_pylist() == [{"x": 7}]
    assert conn.fetch("TABLE t").to_pylist() == [{"x": 7}]
