"""Merging staged rows on PostgreSQL: what counts as a change, staging tables, sequences, and the lock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from servers.postgres import PostgresServer

from arrowsync.catalog import Catalog, Column, ObjectName, SqlType, Table
from arrowsync.dialects import open_session
from arrowsync.dialects.contract import LockPurpose, MergeJob, Session
from arrowsync.dialects.postgres import DIALECT
from arrowsync.dialects.postgres.locks import lock
from arrowsync.dialects.scopes import Patience
from arrowsync.errors import ConstraintViolated, DatabaseError
from arrowsync.options import Dedup, Mode, OnConflict
from arrowsync.sql import Literal, join, sql, trusted

NAME = ObjectName(None, "t")
IMPATIENT = Patience(attempt=0.2, total=0.6)


def using(url: str, act: Callable[[Session], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        session = await open_session(url)
        try:
            return await act(session)
        finally:
            await session.close()

    return asyncio.run(run())


async def table(session: Session) -> Table:
    catalog: Catalog = await DIALECT.catalog.discover(session, [NAME])
    return catalog.tables[0]


async def merge(
    session: Session,
    rows: Sequence[tuple[Any, ...]],
    *,
    columns: Sequence[str],
    mode: Mode = "upsert",
    on_conflict: OnConflict = "error",
    dedup: Dedup = "last",
) -> dict[str, int]:
    """Stage the rows as they are written in SQL, and merge them; rows by outcome."""
    target = await table(session)
    counts: dict[str, int] = {}
    async with session.transaction():
        staging, create = DIALECT.merge.create_staging(target, columns)
        await session.execute(create)
        values = [sql("({row})", row=join(", ", [trusted(value) for value in row])) for row in rows]
        await session.execute(sql("INSERT INTO {s} VALUES {v}", s=staging.identifier, v=join(", ", values)))
        job = MergeJob(target, staging, tuple(columns), target.key, mode, on_conflict, dedup)
        for step in DIALECT.merge.steps(job):
            affected = await session.execute(step.statement)
            if step.outcome is not None:
                counts[step.outcome] = counts.get(step.outcome, 0) + affected
        for statement in DIALECT.merge.after_load(target, columns):
            await session.execute(statement)
    left = await session.fetch(trusted("SELECT count(*) AS n FROM pg_class WHERE relname LIKE 'arrowsync%'"))
    assert left.to_pylist() == [{"n": 0}]
    return counts


async def row_versions(session: Session) -> list[dict[str, Any]]:
    return (await session.fetch(trusted("SELECT id::text, xmin::text, ctid::text FROM t ORDER BY id"))).to_pylist()


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("json", """'{"a":1}'""", """'{"a": 1}'"""),
        ("jsonb", """'{"a":1}'""", """'{"a":2}'"""),
        ("citext", "'Ab'", "'aB'"),
        ("float8", "'0'", "'-0'"),
        ("float8", "'NaN'", "'1'"),
        ("char(4)", "'a'", "'b'"),
        ("bytea", "'\\x00'", "'\\x0000'"),
        ("varchar", "'a'", "'a '"),
        ("bpchar", "'a'", "'b'"),
        ("name", "'a'", "'A'"),
        ("cidr", "'10.0.0.0/8'", "'10.0.0.0/9'"),
        ("timestamp(1)", "'2024-01-01'", "'2024-01-01 00:00:00.1'"),
        ("text", "''", "NULL"),
        ("text", "NULL", "''"),
        ("numeric", "1.5", "1.6"),
        ("inet", "'10.0.0.1'", "'10.0.0.1/31'"),
        ("text", "repeat('x', 100000)", "repeat('x', 100000) || 'y'"),
    ],
)
def test_a_row_is_written_only_if_it_differs(postgres_url: str, kind: str, before: str, after: str) -> None:
    async def run(session: Session) -> None:
        await session.execute(trusted("CREATE EXTENSION IF NOT EXISTS citext"))
        await session.execute(trusted(f"CREATE TABLE t (id int PRIMARY KEY, x {kind}, y int DEFAULT 7)"))
        columns = ["id", "x"]
        assert await merge(session, [("1", before), ("2", "NULL")], columns=columns) == {
            "duplicates": 0,
            "updated": 0,
            "inserted": 2,
        }
        versions = await row_versions(session)
        for mode in ("upsert", "mirror"):
            counts = await merge(session, [("2", "NULL"), ("1", before)], columns=columns, mode=mode)
            assert set(counts.values()) == {0}
        assert await row_versions(session) == versions
        counts = await merge(session, [("1", after), ("2", "NULL")], columns=columns)
        assert (counts["updated"], counts["inserted"]) == (1, 0)
        select = trusted(f"SELECT y, x::text = ({after})::{kind}::text AS same FROM t WHERE id = 1")
        assert (await session.fetch(select)).to_pylist() == [{"y": 7, "same": None if after == "NULL" else True}]

    using(postgres_url, run)


def test_modes_on_a_composite_key(postgres_url: str) -> None:
    columns = ["a", "b", "x"]
    first = [("1", "'x'", "1"), ("1", "'y'", "2"), ("2", "'x'", "3")]
    second = [("1", "'y'", "20"), ("3", "'z'", "30"), ("3", "'z'", "31")]

    async def rows(session: Session) -> list[tuple[Any, ...]]:
        fetched = await session.fetch(trusted("SELECT a, b, x FROM t ORDER BY a, b"))
        return [tuple(row.values()) for row in fetched.to_pylist()]

    async def run(session: Session) -> None:
        await session.execute(trusted("CREATE TABLE t (a int, b text, x int UNIQUE, PRIMARY KEY (a, b))"))
        for mode, dedup, expected in [
            ("upsert", "last", {"duplicates": 1, "updated": 1, "inserted": 1}),
            ("upsert", "first", {"duplicates": 1, "updated": 1, "inserted": 1}),
            ("mirror", "last", {"duplicates": 1, "deleted": 2, "updated": 1, "inserted": 1}),
            ("replace", "last", {"duplicates": 1, "deleted": 2, "updated": 1, "inserted": 1}),
        ]:
            await session.execute(trusted("DELETE FROM t"))
            await merge(session, first, columns=columns)
            assert await merge(session, second, columns=columns, mode=mode, dedup=dedup) == expected  # type: ignore[arg-type]
            new = [(1, "y", 20), (3, "z", 31 if dedup == "last" else 30)]
            old = [(1, "x", 1), (2, "x", 3)] if mode == "upsert" else []
            assert await rows(session) == sorted(old + new)
        await session.execute(trusted("DELETE FROM t"))
        await merge(session, first, columns=columns)
        with pytest.raises(ConstraintViolated):
            await merge(session, [("1", "'x'", "9"), ("9", "'x'", "9")], columns=columns, mode="insert")
        skipped = await merge(
            session, [("1", "'x'", "9"), ("9", "'x'", "9")], columns=columns, mode="insert", on_conflict="skip"
        )
        assert skipped["inserted"] == 1
        target = await table(session)
        async with session.transaction():
            staging, create = DIALECT.merge.create_staging(target, columns)
            await session.execute(create)
            await session.execute(
                sql("INSERT INTO {s} SELECT 1, 'x', 1 FROM generate_series(1, 3)", s=staging.identifier)
            )
            job = MergeJob(target, staging, tuple(columns), target.key, "upsert", "error", "error")
            assert (await session.fetch(DIALECT.merge.repeated_keys(job))).to_pylist() == [
                {"a": 1, "b": "x", "copies": 3}
            ]

    using(postgres_url, run)


def test_staging_has_the_types_of_the_target_and_no_constraints(postgres_url: str) -> None:
    """Also of citext in a schema that is not on the search path, and of a column that the target has yet to get."""

    async def run(session: Session) -> None:
        await session.execute(
            trusted(
                "CREATE SCHEMA far; CREATE EXTENSION citext SCHEMA far;"
                "CREATE TYPE far.mood AS ENUM ('ok'); CREATE DOMAIN price AS numeric(10, 2) CHECK (value > 0);"
                'CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, a varchar(7) COLLATE "C" PRIMARY KEY,'
                " b numeric(5, 2) DEFAULT 1 CHECK (b > 0), c far.mood, d price, e far.citext, f timestamptz(3))"
            )
        )
        target = (await table(session)).with_column(Column("new", SqlType("uuid")))
        wanted = ["new", "f", "e", "d", "c", "b", "a", "id"]
        async with session.transaction():
            name, create = DIALECT.merge.create_staging(target, wanted)
            again, _ = DIALECT.merge.create_staging(target, wanted)
            assert again != name
            await session.execute(create)
            types = sql(
                "SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type, attnotnull OR atthasdef AS more"
                " FROM pg_attribute WHERE attrelid = ({ns} || '.' || {t})::regclass AND attnum > 0 ORDER BY attnum",
                ns=Literal(name.namespace),
                t=Literal(name.name),
            )
            found = (await session.fetch(types)).to_pylist()
        assert [row["name"] for row in found] == wanted
        assert [row["type"] for row in found] == [
            *("uuid", "timestamp(3) with time zone", "far.citext", "numeric(10,2)", "far.mood", "numeric(5,2)"),
            *("character varying(7)", "integer"),
        ]
        assert not any(row["more"] for row in found)
        columns = ["a", "c", "d", "e"]
        assert await merge(session, [("'k'", "'ok'", "1", "'X'")], columns=columns) == {
            "duplicates": 0,
            "updated": 0,
            "inserted": 1,
        }
        counts = await merge(session, [("'k'", "'ok'", "1", "'x'")], columns=columns)
        assert (counts["updated"], counts["inserted"]) == (1, 0)
        with pytest.raises(ConstraintViolated):
            await merge(session, [("'k'", "'ok'", "-1", "'x'")], columns=columns)

    using(postgres_url, run)


@pytest.mark.parametrize(
    "declared",
    [
        "id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
        "id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "id serial PRIMARY KEY",
        "id bigint GENERATED BY DEFAULT AS IDENTITY (START 100 MINVALUE -5) PRIMARY KEY",
    ],
)
def test_a_sequence_is_moved_past_the_values_that_were_brought(postgres_url: str, declared: str) -> None:
    async def run(session: Session) -> None:
        await session.execute(trusted(f'CREATE SCHEMA "A b"; CREATE TABLE "A b".t ({declared}, x int)'))
        await session.execute(trusted('SET search_path = "A b", public'))

    async def sync(session: Session) -> None:
        async def next_id() -> int:
            fetched = await session.fetch(trusted("INSERT INTO t (x) VALUES (0) RETURNING id"))
            return int(fetched.column("id")[0].as_py())

        first = await next_id()
        await merge(session, [("-3", "1"), ("500", "2")], columns=["id", "x"])
        assert await next_id() == 501
        await merge(session, [(str(first), "3"), ("200", "2")], columns=["id", "x"])
        assert await next_id() == 502  # never back
        await merge(session, [("502", "9")], columns=["id", "x"], mode="mirror")
        assert await next_id() == 503

    using(postgres_url, run)
    path = quote(r'-csearch_path="A\ b",public')
    using(f"{postgres_url}?options={path}", sync)


def test_no_sequence_is_touched_without_need(postgres_url: str) -> None:
    async def run(session: Session) -> None:
        await session.execute(trusted("CREATE TABLE t (id serial PRIMARY KEY, x int DEFAULT 5)"))
        target = await table(session)
        assert DIALECT.merge.after_load(target, ["x"]) == ()
        (statement,) = DIALECT.merge.after_load(target, ["id", "x"])
        assert await session.execute(statement) == 0

    using(postgres_url, run)


@asynccontextmanager
async def held(url: str, statement: str) -> AsyncGenerator[asyncpg.Connection[Any]]:
    """Another session, in a transaction in which it ran the statement."""
    other = await asyncpg.connect(url, server_settings={"application_name": "other app"})
    try:
        await other.execute("BEGIN")
        await other.execute(statement)
        yield other
    finally:
        await other.close()


BLOCKERS: list[tuple[LockPurpose, str, bool]] = [
    ("merge", "SELECT 'secret' FROM t", False),
    ("merge", "SELECT 'secret' FROM t FOR UPDATE", False),
    ("merge", "INSERT INTO t VALUES (2)", True),
    ("merge", "LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE", True),
    ("alter", "SELECT 'secret' FROM t", True),
    ("alter", "SELECT 1", False),
]


@pytest.mark.parametrize(("purpose", "statement", "blocks"), BLOCKERS)
def test_the_lock_waits_shortly_and_names_who_blocks(
    postgres_url: str, purpose: LockPurpose, statement: str, blocks: bool
) -> None:
    async def run(session: Session) -> None:
        await session.execute(trusted("CREATE TABLE t (id int)"))
        async with held(postgres_url, statement) as other:
            if not blocks:
                async with session.transaction():
                    await lock(session, NAME, purpose, patience=IMPATIENT)
                return
            async with session.transaction():
                await session.execute(trusted("CREATE TABLE mine (x int)"))
                with pytest.raises(DatabaseError) as caught:
                    await lock(session, NAME, purpose, patience=IMPATIENT)
                error = caught.value
                assert (error.code, error.transient) == ("55P03", True)
                for part in (
                    f"pid {other.get_server_pid()} ",
                    "user arrowsync",
                    "'other app'",
                    "idle in transaction",
                    " UTC",
                ):
                    assert part in error.message
                assert "secret" not in str(error)
                await session.execute(trusted("INSERT INTO mine VALUES (1)"))  # the transaction goes on
        assert (await session.fetch(trusted("SELECT * FROM mine"))).num_rows == 1

    using(postgres_url, run)


def test_the_lock_is_had_as_soon_as_it_is_free_and_readers_get_their_turn(postgres_url: str) -> None:
    async def run(session: Session) -> None:
        await session.execute(trusted("CREATE TABLE t (id int)"))
        async with held(postgres_url, "INSERT INTO t VALUES (1)") as other:
            reader = await asyncpg.connect(postgres_url)
            async with session.transaction():
                waiting = asyncio.create_task(lock(session, NAME, "alter", patience=Patience(attempt=0.3, total=20)))
                await asyncio.sleep(0.1)
                # Queued behind the one that waits, a reader waits no longer than one attempt.
                async with asyncio.timeout(5):
                    assert await reader.fetchval("SELECT count(*) FROM t") == 0
                assert not waiting.done()
                await other.execute("COMMIT")
                async with asyncio.timeout(5):
                    await waiting
            await reader.close()

    using(postgres_url, run)


@pytest.mark.parametrize("before", ["0", "7s", "123ms"])
def test_the_users_lock_timeout_is_as_it_was(postgres_url: str, before: str) -> None:
    async def run(session: Session) -> None:
        show = trusted("SHOW lock_timeout")
        await session.execute(trusted(f"CREATE TABLE t (id int); SET lock_timeout = '{before}'"))
        async with session.transaction():
            await lock(session, NAME, "merge")
            assert (await session.fetch(show)).to_pylist() == [{"lock_timeout": before}]
        async with held(postgres_url, "LOCK TABLE t"), session.transaction():
            with pytest.raises(DatabaseError):
                await lock(session, NAME, "merge", patience=IMPATIENT)
            assert (await session.fetch(show)).to_pylist() == [{"lock_timeout": before}]
        assert (await session.fetch(show)).to_pylist() == [{"lock_timeout": before}]

    using(postgres_url, run)


def test_a_role_that_may_not_lock_is_told_what_it_needs(postgres_server: PostgresServer, postgres_url: str) -> None:
    async def run(session: Session) -> None:
        await session.execute(trusted("CREATE TABLE t (id int)"))
        role = f"reader_of_{postgres_url.rpartition('_')[2]}"
        try:
            await session.execute(trusted(f"CREATE ROLE {role}; GRANT SELECT, INSERT ON t TO {role}; SET ROLE {role}"))
            with pytest.raises(DatabaseError, match="may not lock the table t") as caught:
                async with session.transaction():
                    await lock(session, NAME, "merge")
            assert caught.value.code == "42501"
            assert "GRANT SELECT, INSERT, UPDATE and DELETE" in (caught.value.hint or "")
        finally:
            await session.execute(trusted(f"RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}"))

    using(postgres_url, run)


def test_two_syncs_at_once_dont_insert_the_same_key(postgres_url: str) -> None:
    """Without the lock, both would find the key missing."""

    async def one(session: Session, value: int) -> None:
        async with session.transaction():
            target = await table(session)
            await lock(session, NAME, "merge")
            await asyncio.sleep(0.1)
            staging, create = DIALECT.merge.create_staging(target, ["id", "x"])
            await session.execute(create)
            await session.execute(sql("INSERT INTO {s} VALUES (1, {x})", s=staging.identifier, x=Literal(value)))
            for step in DIALECT.merge.steps(MergeJob(target, staging, ("id", "x"), ("id",), "upsert", "error", "last")):
                await session.execute(step.statement)

    async def run(session: Session) -> None:
        await session.execute(trusted("CREATE TABLE t (id int PRIMARY KEY, x int)"))
        other = await open_session(postgres_url)
        try:
            await asyncio.gather(one(session, 1), one(other, 2))
            assert (await session.fetch(trusted("SELECT count(*) AS n FROM t"))).to_pylist() == [{"n": 1}]
        finally:
            await other.close()

    using(postgres_url, run)
