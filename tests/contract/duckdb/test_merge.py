"""Merging in DuckDB: what is in the table afterwards, how it is counted, and that nothing is lost on the way."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, LiteralString, get_args

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arrowsync.catalog import ObjectName, Table
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.dialects import open_session
from arrowsync.dialects.contract import LoadTarget, MergeJob, Server, Session
from arrowsync.dialects.duckdb import DIALECT
from arrowsync.errors import ConstraintViolated, DatabaseError
from arrowsync.generate.catalog import target_catalog
from arrowsync.migration.changes import AddColumn, CreateTable
from arrowsync.options import Dedup, Mode
from arrowsync.sql import Identifier, sql, trusted

Counts = dict[str, int]
T = ObjectName(None, "t")
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
    return f"duckdb:///{tmp_path / 'merge.duckdb'}" if request.param == "file" else "duckdb://"


async def live(session: Session, name: ObjectName = T) -> Table:
    return (await DIALECT.catalog.discover(session, [name])).tables[0]


async def merge(
    session: Session,
    rows: pa.RecordBatch,
    mode: Mode = "upsert",
    key: tuple[str, ...] = ("id",),
    dedup: Dedup = "last",
    skip: bool = False,
) -> Counts:
    """Stage and merge the rows into `t` in one transaction; rows by outcome."""
    counts = {"duplicates": 0, "updated": 0, "inserted": 0, "deleted": 0}
    async with session.transaction():
        target = await live(session)
        name, statement = DIALECT.merge.create_staging(target, rows.schema.names)
        await session.execute(statement)
        columns = tuple(c for c in map(target.column, rows.schema.names) if c is not None)
        half = rows.num_rows // 2
        batches = [rows.slice(0, half), rows.slice(half)]
        await session.load(LoadTarget(name, columns, rows.schema), iter(batches))
        job = MergeJob(target, name, tuple(rows.schema.names), key, mode, "skip" if skip else "error", dedup)
        for step in DIALECT.merge.steps(job):
            affected = await session.execute(step.statement)
            if step.outcome is not None:
                counts[step.outcome] += affected
        for after in DIALECT.merge.after_load(target, rows.schema.names):
            await session.execute(after)
        await session.execute(sql("DROP TABLE {staging}", staging=name.identifier))
    assert (await session.fetch(sql("SELECT * FROM duckdb_tables() WHERE temporary"))).num_rows == 0
    return counts


async def rows_of(session: Session, query: LiteralString = "SELECT * FROM t ORDER BY ALL") -> list[dict[str, Any]]:
    return (await session.fetch(sql(query))).to_pylist()


ROWS = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(0, 6), "a": st.none() | st.integers(0, 2), "b": st.none() | st.sampled_from("xyz")}
    ),
    max_size=12,
)


@settings(max_examples=40)
@given(
    before=ROWS,
    after=ROWS,
    mode=st.sampled_from(get_args(Mode)),
    dedup=st.sampled_from(["last", "first"]),
    skip=st.booleans(),
)
def test_every_mode_does_what_a_dictionary_does(
    before: list[dict[str, Any]], after: list[dict[str, Any]], mode: Mode, dedup: Dedup, skip: bool
) -> None:
    old = {row["id"]: row for row in before}
    new: dict[int, dict[str, Any]] = {}
    for row in after:
        if dedup == "last" or row["id"] not in new:
            new[row["id"]] = row
    schema = pa.schema([("id", pa.int64()), ("a", pa.int32()), ("b", pa.string())])
    batch = pa.RecordBatch.from_pylist(after, schema)
    clash = mode == "insert" and not skip and (len(new) < len(after) or new.keys() & old.keys())

    async def act(session: Session) -> tuple[Counts | None, list[dict[str, Any]]]:
        await session.execute(sql("CREATE TABLE t (id BIGINT PRIMARY KEY, a INTEGER, b VARCHAR)"))
        await merge(session, pa.RecordBatch.from_pylist(list(old.values()), schema))
        try:
            counts = await merge(session, batch, mode, dedup=dedup, skip=skip and mode == "insert")
        except ConstraintViolated:
            counts = None
        return counts, await rows_of(session)

    counts, found = using("duckdb://", act)
    if clash:
        assert counts is None
        expected = old
    else:
        expected = {**new, **old} if mode == "insert" else {**old, **new} if mode == "upsert" else new
        both = old.keys() & new.keys()
        changed = sum(old[key] != new[key] for key in both)
        gone = len(old) - len(both)
        assert counts == {
            "duplicates": len(after) - len(new),
            "updated": 0 if mode == "insert" else changed,
            "inserted": len(new) - len(both),
            "deleted": 0 if mode in ("insert", "upsert") else gone,
        }
    assert found == [expected[key] for key in sorted(expected)]


def test_a_second_merge_of_the_same_rows_writes_nothing(url: str) -> None:
    n = 5_000
    rows = pa.record_batch(
        {
            "id": pa.array(range(n)),
            "f": pa.array([(math.nan, -0.0, 0.0, math.inf)[i % 4] for i in range(n)]),
            "v": pa.array([None if i % 3 == 0 else f"v{i}" for i in range(n)]),
            "u": pa.array([f"u{i}" for i in range(n)]),
            "d": pa.array([timedelta(days=i) for i in range(n)], pa.duration("us")),
        }
    )

    async def act(session: Session) -> list[Counts]:
        await session.execute(
            sql("CREATE TABLE t (id BIGINT PRIMARY KEY, f DOUBLE, v VARCHAR, u VARCHAR UNIQUE, d INTERVAL)")
        )
        return [await merge(session, rows, mode) for mode in ("upsert", "upsert", "mirror", "replace")]

    first, *others = using(url, act)
    assert first["inserted"] == n
    for counts in others:
        assert counts == {"duplicates": 0, "updated": 0, "inserted": 0, "deleted": 0}


@pytest.mark.parametrize(
    ("live_type", "old", "new", "arrow"),
    [
        ("DOUBLE", "0.0", -0.0, pa.float64()),
        ("DOUBLE", "-0.0", 0.0, pa.float64()),
        ("FLOAT", "0.0", -0.0, pa.float32()),
        ("DOUBLE", "1.5", math.nan, pa.float64()),
        ("INTERVAL", "1 month", timedelta(days=30), pa.duration("us")),
        ("INTERVAL", "0 days", timedelta(microseconds=1), pa.duration("us")),
        ("VARCHAR COLLATE NOCASE", "a", "A", pa.string()),
        ("VARCHAR", "e\u0301", "\u00e9", pa.string()),
    ],
)
def test_values_that_duckdb_takes_for_equal_are_changes(live_type: str, old: str, new: Any, arrow: pa.DataType) -> None:
    rows = pa.record_batch(
        {"id": pa.array([1, 2, 3]), "v": pa.array([new, None, new], arrow), "w": pa.array([5, 5, 5])}
    )

    async def act(session: Session) -> tuple[Counts, Counts, list[Any], list[Any]]:
        await session.execute(
            sql("CREATE TABLE t (id BIGINT PRIMARY KEY, v {kind}, w INTEGER)", kind=trusted(live_type))
        )
        await session.execute(sql("INSERT INTO t VALUES (1, {v}, 5), (2, NULL, 5), (3, {v}, 6)", v=trusted(f"'{old}'")))
        counts = await merge(session, rows)
        again = await merge(session, rows)
        table = await live(session)
        async with session.stream(sql("SELECT v FROM t ORDER BY id"), [table.columns[1]]) as batches:
            stored = [value for batch in [b async for b in batches.batches] for value in batch.column(0).to_pylist()]
        text = await rows_of(session, "SELECT CAST(v AS VARCHAR) AS v FROM t ORDER BY id")
        return counts, again, stored, text

    counts, again, stored, text = using("duckdb://", act)
    assert counts["updated"] == 2
    assert again["updated"] == 0
    assert repr(stored) == repr([new, None, new])
    assert len({str(row["v"]) for row in text}) == 2


def test_the_row_that_came_last_wins_over_many_batches_also_without_preserved_order(tmp_path: Path) -> None:
    """DuckDB loads in parallel; what came last must not depend on that, nor on a setting of the connection."""
    copies, keys = 4, 100_000
    whole = pa.record_batch(
        {"id": pa.array([i % keys for i in range(copies * keys)]), "a": pa.array(range(copies * keys))}
    )

    async def act(session: Session) -> None:
        await session.execute(sql("SET threads = 4"))
        await session.execute(sql("CREATE TABLE t (id BIGINT PRIMARY KEY, a BIGINT)"))
        for setting, dedup, offset in (("true", "last", 3), ("false", "last", 3), ("false", "first", 0)):
            await session.execute(sql("SET preserve_insertion_order = {setting}", setting=trusted(setting)))
            await session.execute(sql("DELETE FROM t"))
            counts = await merge(session, whole, dedup=dedup)  # type: ignore[arg-type]
            assert counts == {"duplicates": 3 * keys, "updated": 0, "inserted": keys, "deleted": 0}
            wrong = await session.fetch(
                sql("SELECT * FROM t WHERE a <> id + {offset}", offset=trusted(str(offset * keys)))
            )
            assert wrong.num_rows == 0
            kept = await session.fetch(sql("SELECT CAST(current_setting('preserve_insertion_order') AS VARCHAR) AS s"))
            assert kept.column("s").to_pylist() == [setting]

    using(f"duckdb:///{tmp_path / 'order.duckdb'}", act)


def test_keys_and_unique_values_can_move_between_rows_in_one_merge(url: str) -> None:
    async def act(session: Session) -> list[dict[str, Any]]:
        await session.execute(sql("CREATE TABLE t (id BIGINT PRIMARY KEY, u VARCHAR UNIQUE, v INTEGER)"))
        await session.execute(sql("INSERT INTO t SELECT i, 'u' || i, i FROM range(5000) AS r (i)"))
        keep = range(10, 5000)
        rows = {
            "id": [*keep, 7000],
            "u": ["u3", "u1", *(f"u{i}" for i in range(12, 5000)), "u2"],
            "v": [0] * (len(keep) + 1),
        }
        counts = await merge(session, pa.record_batch({k: pa.array(v) for k, v in rows.items()}), "mirror")
        assert counts == {"duplicates": 0, "updated": 4990, "inserted": 1, "deleted": 10}
        return await rows_of(session, "SELECT * FROM t WHERE u IN ('u1', 'u2', 'u3', 'u12') ORDER BY u")

    found = using(url, act)
    assert [(row["id"], row["u"]) for row in found] == [(11, "u1"), (12, "u12"), (7000, "u2"), (10, "u3")]


def test_the_same_keys_deleted_and_inserted_in_one_transaction(url: str) -> None:
    rows = pa.record_batch({"id": pa.array(range(10_000)), "v": pa.array(range(10_000))})

    async def act(session: Session) -> None:
        await session.execute(sql("CREATE TABLE t (id BIGINT PRIMARY KEY, v INTEGER)"))
        for _ in range(2):
            async with session.transaction():
                await session.execute(sql("DELETE FROM t"))
                assert (await merge(session, rows))["inserted"] == 10_000
                await session.execute(sql("DELETE FROM t WHERE id < 5000"))
                assert (await merge(session, rows))["inserted"] == 5_000
        assert (await rows_of(session, "SELECT count(v) AS n, sum(id) AS s FROM t"))[0]["n"] == 10_000

    using(url, act)


def test_rows_that_others_refer_to_are_updated_in_all_columns_without_an_index(url: str) -> None:
    rows = pa.record_batch(
        {
            "id": pa.array(range(100)),
            "u": pa.array([f"u{i}" for i in range(99)] + ["new"]),
            "v": pa.array([7] * 100),
            "up": pa.array([1] * 100),
            "i": pa.array([5] * 100),
        }
    )

    async def act(session: Session) -> None:
        await session.execute(sql("CREATE TABLE above (id BIGINT PRIMARY KEY)"))
        await session.execute(sql("INSERT INTO above VALUES (1)"))
        await session.execute(
            sql(
                "CREATE TABLE t (id BIGINT PRIMARY KEY, u VARCHAR UNIQUE, v INTEGER, "
                "up BIGINT REFERENCES above (id), i BIGINT)"
            )
        )
        await session.execute(sql("CREATE INDEX by_i ON t (i)"))
        await session.execute(sql("INSERT INTO t SELECT i, 'u' || i, i, 1, 5 FROM range(100) AS r (i)"))
        await session.execute(sql("CREATE TABLE child (t BIGINT REFERENCES t (id))"))
        await session.execute(sql("INSERT INTO child SELECT i FROM range(99) AS r (i)"))
        assert (await merge(session, rows))["updated"] == 99  # all but the one with v = 7 and its own u
        with pytest.raises(ConstraintViolated, match="still referenced") as caught:
            await merge(session, rows.set_column(1, "u", pa.array([f"x{i}" for i in range(100)])))
        assert caught.value.kind == "foreign key"
        assert (await rows_of(session, "SELECT count(*) AS n FROM t WHERE v = 7 AND u = 'u' || id"))[0]["n"] == 99

    rows = rows.set_column(2, "v", pa.array([7] * 100))
    using(url, act)


def test_a_unique_value_of_another_row_is_an_error_and_changes_nothing(url: str) -> None:
    async def act(session: Session) -> None:
        await session.execute(sql("CREATE TABLE t (id BIGINT PRIMARY KEY, u VARCHAR UNIQUE)"))
        await session.execute(sql("INSERT INTO t VALUES (1, 'a'), (2, 'b')"))
        with pytest.raises(ConstraintViolated) as caught:
            await merge(session, pa.record_batch({"id": pa.array([2, 3]), "u": pa.array(["a", "c"])}))
        assert caught.value.kind == "unique"
        assert await rows_of(session) == [{"id": 1, "u": "a"}, {"id": 2, "u": "b"}]

    using(url, act)


def test_columns_that_the_data_lacks_keep_their_values_and_get_defaults() -> None:
    async def act(session: Session) -> list[dict[str, Any]]:
        await session.execute(
            sql("CREATE TABLE t (id BIGINT PRIMARY KEY, a INTEGER DEFAULT 5, g INTEGER AS (a + 1), b VARCHAR)")
        )
        await session.execute(sql("INSERT INTO t (id, a, b) VALUES (1, 1, 'x'), (2, 2, 'y')"))
        await merge(session, pa.record_batch({"b": pa.array(["z", "w"]), "id": pa.array([2, 3])}))
        return await rows_of(session)

    assert using("duckdb://", act) == [
        {"id": 1, "a": 1, "g": 2, "b": "x"},
        {"id": 2, "a": 2, "g": 3, "b": "z"},
        {"id": 3, "a": 5, "g": 6, "b": "w"},
    ]


def test_duplicates_are_listed_with_their_copies() -> None:
    async def act(session: Session) -> list[dict[str, Any]]:
        await session.execute(sql("CREATE TABLE s (a INTEGER, b VARCHAR, v INTEGER)"))
        await session.execute(sql("INSERT INTO s SELECT i % 7, 'k', i FROM range(8) AS r (i)"))
        target = Table(T, ())
        job = MergeJob(target, ObjectName(None, "s"), ("a", "b", "v"), ("b", "a"), "upsert", "error", "error")
        return (await session.fetch(DIALECT.merge.repeated_keys(job))).to_pylist()

    assert using("duckdb://", act) == [{"b": "k", "a": 0, "copies": 2}]


def test_an_identity_column_numbers_rows_and_goes_on_after_those_that_are_loaded(tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path / 'identity.duckdb'}"
    name = ObjectName("it's a schema", 'T "1"')
    spec = TableSpec(
        name.name,
        (ColumnSpec("no", pa.int32(), identity=True), ColumnSpec("v", pa.string(), nullable=True)),
        key=("no",),
        namespace=name.namespace,
    )
    target = target_catalog([spec], lambda column, table: DIALECT.language.to_column(column, table, SERVER)).tables[0]

    async def load(session: Session, rows: dict[str, list[Any]], table: Table) -> None:
        batch = pa.record_batch({k: pa.array(v, pa.int32() if k == "no" else pa.string()) for k, v in rows.items()})
        columns = tuple(c for c in map(table.column, rows) if c is not None)
        async with session.transaction():
            await session.load(LoadTarget(name, columns, batch.schema), iter([batch]))
            for statement in DIALECT.merge.after_load(table, list(rows)):
                await session.execute(statement)

    async def act(session: Session) -> list[Any]:
        await session.execute(sql("CREATE SCHEMA {schema}", schema=Identifier(name.namespace)))
        for statement in DIALECT.language.render(CreateTable(target)):
            await session.execute(statement)
        await load(session, {"v": ["a", "b"]}, target)
        await load(session, {"no": [100, 50], "v": ["c", "d"]}, target)  # as it was declared
        await load(session, {"v": ["e"]}, target)
        found = await live(session, name)
        assert found.columns[0].identity
        assert not found.columns[0].required
        await session.execute(sql("DELETE FROM {table} WHERE no > 50", table=name.identifier))
        await load(session, {"no": [10], "v": ["f"]}, found)  # as it was discovered; it must not go back
        await load(session, {"v": ["g"]}, found)
        await load(session, {"no": [-5], "v": ["h"]}, found)
        numbers = await session.fetch(sql("SELECT no FROM {table} ORDER BY no", table=name.identifier))
        return numbers.column("no").to_pylist()

    assert using(url, act) == [-5, 1, 2, 10, 50, 102]

    async def reopened(session: Session) -> int:
        await load(session, {"v": ["later"]}, await live(session, name))
        numbers = await session.fetch(sql("SELECT max(no) AS n FROM {table}", table=name.identifier))
        return numbers.column("n")[0].as_py()

    assert using(url, reopened) == 103


def test_an_identity_column_added_to_rows_numbers_them() -> None:
    column = DIALECT.language.to_column(
        ColumnSpec("no", pa.int64(), identity=True), TableSpec("t", (ColumnSpec("no", pa.int64()),)), SERVER
    )

    async def act(session: Session) -> list[dict[str, Any]]:
        await session.execute(sql("CREATE TABLE t (v INTEGER)"))
        await session.execute(sql("INSERT INTO t VALUES (7), (8)"))
        for statement in DIALECT.language.render(AddColumn(T, column)):
            await session.execute(statement)
        await session.execute(sql("INSERT INTO t (v) VALUES (9)"))
        return await rows_of(session)

    assert using("duckdb://", act) == [{"v": 7, "no": 1}, {"v": 8, "no": 2}, {"v": 9, "no": 3}]


@pytest.mark.parametrize(
    "create", ["CREATE TABLE t AS SELECT 1::BIGINT AS id, 1::BIGINT AS v WHERE false", "empty load"]
)
@pytest.mark.parametrize("staged", [True, False])
def test_rows_are_all_there_or_duckdb_lost_them_in_an_error(create: str, staged: bool, url: str) -> None:
    """In some versions (2.0.0), after an INSERT of no rows, a table created in the same transaction takes no more."""
    rows = pa.record_batch({"id": pa.array(range(300_000)), "v": pa.array(range(300_000))})

    async def act(session: Session) -> int:
        async with session.transaction():
            if create == "empty load":
                await session.execute(sql("CREATE TABLE t (id BIGINT, v BIGINT)"))
                table = await live(session)
                nothing = await session.load(LoadTarget(T, table.columns, rows.schema), iter([rows.slice(0, 0)]))
                assert nothing.rows == 0
            else:
                await session.execute(trusted(create))
            batches = iter([rows.slice(at, 50_000) for at in range(0, 300_000, 50_000)])
            if staged:
                await merge(session, rows)
            else:
                await session.load(LoadTarget(T, (await live(session)).columns, rows.schema), batches)
        return (await session.fetch(sql("SELECT count(v) AS n FROM t"))).column("n")[0].as_py()

    try:
        outcome = using(url, act)
    except DatabaseError as error:
        outcome = error.message
    if create == "empty load":
        assert outcome == 300_000  # because nothing was inserted
    else:
        assert outcome == 300_000 or "DuckDB lost the rows" in str(outcome)
