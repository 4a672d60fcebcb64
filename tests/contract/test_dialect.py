"""The checklist of a dialect: every member of the contract, called on every entry of the registry.

A new database is right when its name is in `conftest.DATABASES`, and this file and the rest of the shared suite are green.
A third party's dialect comes by an entry point: here one is installed for the length of a test.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from conftest import DATABASES

import arrowsync
from arrowsync import PrimaryKey, dialects
from arrowsync.catalog import ObjectName
from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.dialects import contract, entries, language_for, open_session
from arrowsync.dialects.contract import (
    ByQuery,
    BySavepoint,
    CommittingDdl,
    Dialect,
    LoadTarget,
    MergeJob,
    OneConnection,
    SentAsValues,
    Session,
    TransactionalDdl,
)
from arrowsync.errors import DatabaseError, DeclarationError
from arrowsync.load.target import target_of
from arrowsync.migration.changes import CreateTable
from arrowsync.sql import Identifier, sql

NAMES = [entry.names[0] for entry in entries()]


@dataclass
class Thing:
    id: PrimaryKey[int]
    name: str | None = None


SPEC = read_dataclass(Thing)


@pytest.fixture(params=sorted(DATABASES))
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(DATABASES[request.param])
    return found


def with_session(url: str, act: Callable[[Session], Awaitable[None]]) -> None:
    async def run() -> None:
        session = await open_session(url)
        try:
            async with session.pinned():
                await act(session)
        finally:
            await session.close()

    asyncio.run(run())


# ---- the language, of which scripts are made without a connection


@pytest.mark.parametrize("name", NAMES)
def test_the_language(name: str) -> None:
    language = language_for(name)
    assert language.name == name
    server = language.server
    quoting = language.quoting(server)
    assert sql("{n}", n=Identifier("a b")).text(quoting)[1:-1] == "a b"
    assert language.limits(server).dialect
    columns = [language.to_column(column, SPEC, server) for column in SPEC.columns]
    for declared, column in zip(SPEC.columns, columns, strict=True):
        there = language.as_declared(column, declared.type)
        stored = language.to_spec(there)
        kernel = language.from_stored(replace(stored, nullable=True), declared)
        assert kernel is None or callable(kernel)
        assert language.unloadable(column) is None
        assert language.is_widening(column.type, column.type)
    (table,) = target_of([SPEC], language, server).tables
    statements = [statement.text(quoting) for statement in language.render(CreateTable(table))]
    assert "Thing" in statements[0]
    assert all(isinstance(line, str) for line in language.prologue(statements))
    assert statements[0] in arrowsync.create_sql(Thing, name)


def test_a_name_finds_one_dialect() -> None:
    names = [name for entry in entries() for name in entry.names]
    assert len(names) == len(set(names))
    for entry in entries():
        assert len({language_for(name).name for name in entry.names}) == 1


# ---- the dialect of a session


def protocols() -> dict[str, type]:
    """Each part of a dialect -> the protocol that it satisfies."""
    return {
        "language": contract.Language,
        "catalog": contract.CatalogReader,
        "merge": contract.Merge,
        "locks": contract.Locks,
        "audit": contract.RowAudit,
    }


def members(protocol: type) -> set[str]:
    return {name for name in vars(protocol) if not name.startswith("_")}


def check_part(part: object, protocol: type) -> None:
    """All members are there, with the parameters that the contract gives them."""
    for name in members(protocol):
        member = getattr(part, name)
        asked = vars(protocol)[name]
        if isinstance(asked, property):
            continue
        wanted = [p for p in inspect.signature(asked).parameters if p != "self"]
        given = inspect.signature(member).parameters
        assert list(given)[: len(wanted)] == wanted, f"{name} of {protocol.__name__}"
        extra = [p for p in list(given.values())[len(wanted) :] if p.default is p.empty]
        assert extra == [], f"{name} of {protocol.__name__}"


def test_each_part_has_the_members_of_its_protocol(url: str) -> None:
    async def act(session: Session) -> None:
        dialect = session.dialect
        assert {field.name for field in fields(Dialect)} == {*protocols(), "new_tables", "row_errors", "text_values"}
        for name, protocol in protocols().items():
            check_part(getattr(dialect, name), protocol)
        check_part(session, contract.Session)
        match dialect.new_tables:
            case TransactionalDdl(shared):
                if not isinstance(shared, OneConnection):
                    check_part(shared, contract.SharedTables)
            case CommittingDdl(hidden):
                check_part(hidden, contract.HiddenTables)
        if not isinstance(dialect.text_values, SentAsValues):
            check_part(dialect.text_values, contract.TextColumns)
        assert isinstance(dialect.row_errors, BySavepoint | ByQuery)

    with_session(url, act)


def test_a_session_knows_its_dialect_and_server(url: str) -> None:
    async def act(session: Session) -> None:
        assert session.dialect.language.name == session.server.product
        assert session.server.version > (0,)

    with_session(url, act)


BATCH = pa.record_batch({"id": pa.array([1, 2, 2], pa.int64()), "name": pa.array(["a", None, "c"])})


async def create(session: Session, *, key: bool = True) -> contract.Table:
    """The table of `Thing`, as the catalog then has it."""
    language = session.dialect.language
    (table,) = target_of([SPEC], language, session.server).tables
    for statement in language.render(CreateTable(table if key else replace(table, key=()))):
        await session.execute(statement)
    found = (await session.dialect.catalog.discover(session, [table.name])).table(table.name)
    assert found is not None
    return found


async def stage(session: Session, table: contract.Table) -> MergeJob:
    name, statement = session.dialect.merge.create_staging(table, ["id", "name"])
    await session.execute(statement)
    result = await session.load(LoadTarget(name, table.columns, BATCH.schema), iter([BATCH]))
    assert result.rows == 3
    assert result.bytes > 0
    return MergeJob(table, name, ("id", "name"), ("id",), "upsert", "error", "last")


def test_the_catalog(url: str) -> None:
    async def act(session: Session) -> None:
        reader = session.dialect.catalog
        assert await reader.list_tables(session, None) == []
        table = await create(session)
        assert [name.name for name in await reader.list_tables(session, None)] == [table.name.name]
        assert [c.name for c in table.columns] == ["id", "name"]
        assert table.key == ("id",)
        lacking = await reader.discover(session, [ObjectName(None, "no_such")])
        assert lacking.table(ObjectName(None, "no_such")) is None

    with_session(url, act)


def test_the_merge(url: str) -> None:
    async def act(session: Session) -> None:
        merge = session.dialect.merge
        table = await create(session)
        async with session.transaction() as own:
            assert own
            await session.dialect.locks.lock(session, table.name, "merge")
            job = await stage(session, table)
            repeated = await session.fetch(merge.repeated_keys(job))
            assert repeated.to_pylist() == [{"id": 2, "copies": 2}]
            counts: dict[str | None, int] = {}
            for step in merge.steps(job):
                rows = await session.execute(step.statement)
                counts[step.outcome] = counts.get(step.outcome, 0) + rows
            assert (counts["duplicates"], counts["inserted"]) == (1, 2)
            await session.execute(merge.drop_staging(job.staging))
            for statement in merge.after_load(table, ["id", "name"]):
                await session.execute(statement)
        query = sql("SELECT id, name FROM {t} ORDER BY id", t=table.name.identifier)
        async with session.stream(query, table.columns) as result:
            rows_read = [row async for batch in result.batches for row in batch.to_pylist()]
        assert rows_read == [{"id": 1, "name": "a"}, {"id": 2, "name": "c"}]

    with_session(url, act)


def test_checks_before_a_load(url: str) -> None:
    async def act(session: Session) -> None:
        merge = session.dialect.merge
        table = await create(session)
        find = merge.value_check(session.server, list(table.columns), BATCH.schema)
        assert find is None or find(BATCH) is None
        name = merge.row_number_column(table)
        assert name is None or table.column(name) is None
        audit = session.dialect.audit
        assert not await audit.interference(session, table)
        written = await audit.written(session, table)
        assert written in (0, None)
        assert audit.drops_rows in (True, False)

    with_session(url, act)


def test_turns(url: str) -> None:
    async def act(session: Session) -> None:
        locks = session.dialect.locks
        for lasting in (False, True):
            async with session.transaction(), locks.take_turns(session, [ObjectName(None, "Thing")], lasting):
                pass
        await create(session)
        with pytest.raises(DatabaseError) as caught:
            await create(session)
        assert locks.collides(caught.value)
        other = DatabaseError("a deadlock", code="1213")
        assert not locks.collides(other)
        assert locks.every_load in (True, False)
        one, other_one = (locks.turn_key(session, ObjectName(None, name)) for name in ("Thing", "Another"))
        shared = session.dialect.language.name == "sqlite"  # one writer at a time, to all tables of a file
        assert one is None or (
            (one == other_one) is shared and one == locks.turn_key(session, ObjectName(None, "Thing"))
        )

    with_session(url, act)


def test_a_rejected_row_is_told_by_its_error(url: str) -> None:
    async def act(session: Session) -> None:
        table = await create(session)
        insert = sql("INSERT INTO {t} (id, name) VALUES (1, 'a')", t=table.name.identifier)
        await session.execute(insert)
        with pytest.raises(DatabaseError) as caught:
            await session.execute(insert)
        assert caught.value.row_refused
        with pytest.raises(DatabaseError) as caught:
            await session.execute(sql("SELECT nonsense FROM nowhere"))
        assert not caught.value.row_refused

    with_session(url, act)


def test_a_transaction_is_all_or_nothing(url: str) -> None:
    async def act(session: Session) -> None:
        table = await create(session)
        insert = sql("INSERT INTO {t} (id) VALUES (1)", t=table.name.identifier)
        count = sql("SELECT count(*) AS n FROM {t}", t=table.name.identifier)

        async def failing() -> None:
            async with session.transaction():
                await session.execute(insert)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await failing()
        assert (await session.fetch(count)).to_pylist() == [{"n": 0}]
        async with session.transaction() as own:
            assert await session.execute(insert) == 1
            async with session.transaction() as inner:
                assert (own, inner) == (True, False)
        assert (await session.fetch(count)).to_pylist() == [{"n": 1}]

    with_session(url, act)


def test_a_statement_without_a_result_is_refused(url: str) -> None:
    async def act(session: Session) -> None:
        table = await create(session)
        drop = sql("DROP TABLE {t}", t=table.name.identifier)
        with pytest.raises(DeclarationError, match="has no result"):
            async with session.stream(drop) as result:
                _ = [batch async for batch in result.batches]

    with_session(url, act)


def test_an_opener_opens_sessions_or_says_why_not(url: str) -> None:
    async def act(session: Session) -> None:
        ddl = session.dialect.new_tables
        if isinstance(ddl, TransactionalDdl) and isinstance(ddl.shared, OneConnection):
            with pytest.raises(DeclarationError, match="over one connection"):
                await session.opener()
            return
        opener = await session.opener()
        another = await opener()
        try:
            assert another.dialect is session.dialect
            assert another.server == session.server
        finally:
            await another.close()

    with_session(url, act)


# ---- a dialect of a third party

THIRD_PARTY = """
import duckdb
from arrowsync.dialects import Entry
from arrowsync.dialects.duckdb import DuckDBLanguage, DIALECT
from arrowsync.dialects.duckdb import session as duck
from dataclasses import replace

class Language(DuckDBLanguage):
    name = "thirdduck"

LANGUAGE = Language()

class Session(duck.DuckDBSession):
    dialect = replace(DIALECT, language=LANGUAGE)

class Connection:
    "What a driver of a third party would hand out."
    def __init__(self):
        self.native = duckdb.connect()

async def open_session(url):
    session = await duck.open_session(url.replace("thirdduck", "duckdb", 1))
    session.__class__ = Session
    return session

async def adopt_session(connection):
    session = await duck.adopt_session(connection.native)
    session.__class__ = Session
    return session

ENTRY = Entry(("thirdduck",), "third_party_duck:LANGUAGE", "third_party_duck", {"third_party_duck": "third_party_duck"})
"""


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A package with an entry point, as pip leaves it."""
    (tmp_path / "third_party_duck.py").write_text(THIRD_PARTY)
    info = tmp_path / "third_party_duck-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party-duck\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[arrowsync.dialects]\nthirdduck = third_party_duck:ENTRY\n")
    monkeypatch.syspath_prepend(tmp_path)
    dialects.entries.cache_clear()
    yield __import__("third_party_duck")
    dialects.entries.cache_clear()


def test_a_third_party_has_all_that_the_built_in_ones_have(third_party: Any, tmp_path: Path) -> None:
    assert arrowsync.create_sql(Thing, "thirdduck").startswith('CREATE TABLE "Thing"')
    url = f"thirdduck:///{tmp_path / 'third.duckdb'}"
    assert arrowsync.sync_table([Thing(1, "a")], Thing, url).inserted == 1
    with arrowsync.connect(url) as conn:
        assert repr(conn) == "<arrowsync connection to thirdduck>"
        catalog = arrowsync.discover(conn)
        assert catalog.dialect == "thirdduck"
        assert "class Thing:" in arrowsync.to_source(catalog)
        assert arrowsync.read_table(Thing, conn).to_pylist() == [{"id": 1, "name": "a"}]
    native = third_party.Connection()
    assert arrowsync.sync_table([Thing(2, "b")], Thing, native).inserted == 1
    assert native.native.execute("SELECT id, name FROM Thing").fetchall() == [(2, "b")]


def test_a_third_party_is_named_where_a_dialect_is_unknown(third_party: Any) -> None:
    with pytest.raises(DeclarationError, match="there is no dialect") as caught:
        arrowsync.create_sql(Thing, "oracle")
    assert "thirdduck" in (caught.value.hint or "")
    with pytest.raises(DeclarationError, match="no database is known") as caught:
        arrowsync.connect("oracle://x/y")
    assert "thirdduck" in (caught.value.hint or "")


def test_a_third_party_that_is_broken_is_in_nobody_elses_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[arrowsync.dialects]\nbroken = no_such_module:ENTRY\n")
    monkeypatch.syspath_prepend(tmp_path)
    dialects.entries.cache_clear()
    with duckdb.connect() as native:
        assert arrowsync.sync_table([Thing(1, "a")], Thing, native).inserted == 1
    with pytest.raises(DeclarationError, match="no database is known"):
        arrowsync.connect("oracle://x/y")
    with pytest.raises(DeclarationError, match="the dialect 'broken', no_such_module:ENTRY, can't be imported"):
        arrowsync.connect("broken://x/y")
    with pytest.raises(DeclarationError, match="can't be imported"):
        arrowsync.sync_table([Thing(1, "a")], Thing, object())
    dialects.entries.cache_clear()
