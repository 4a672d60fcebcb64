"""What DuckDB refuses becomes an error of ours: which one, about what, and what to do."""

from __future__ import annotations

import asyncio
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import pytest

from arrowsync.dialects import open_session
from arrowsync.errors import ConnectionLost, ConstraintViolated, DatabaseError
from arrowsync.sql import sql

HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("CREATE TABLE IF NOT EXISTS t (id BIGINT)")
print("open", flush=True)
sys.stdin.read()
"""


def fails(*statements: LiteralString, url: str = "duckdb://") -> DatabaseError:
    """The error that the last of the statements raises."""

    async def act() -> None:
        session = await open_session(url)
        try:
            for statement in statements[:-1]:
                await session.execute(sql(statement))
            with pytest.raises(DatabaseError) as caught:
                await session.execute(sql(statements[-1]))
        finally:
            await session.close()
        raise caught.value

    with pytest.raises(DatabaseError) as caught:
        asyncio.run(act())
    error = caught.value
    assert error.statement == (re.sub("'.*?'", "'...'", statements[-1].replace("''", "")) if statements else None)
    assert "LINE 1" not in error.message
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
    return error


@contextmanager
def held_by_another_process(path: Path) -> Iterator[int]:
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        yield holder.pid
        holder.stdin.close()


@pytest.mark.parametrize("options", ["", "?read_only=true"])
def test_a_file_that_another_process_holds(options: str, tmp_path: Path) -> None:
    path = tmp_path / "held.duckdb"
    with held_by_another_process(path) as pid:
        error = fails(url=f"duckdb:///{path}{options}")
        assert error.transient
        assert str(path) in error.message
        assert str(pid) in error.message
        assert "close it there" in str(error.hint)
    asyncio.run(_opens(f"duckdb:///{path}"))


async def _opens(url: str) -> None:
    session = await open_session(url)
    await session.close()


def test_files_that_cannot_be_opened_are_named(tmp_path: Path) -> None:
    (tmp_path / "text.duckdb").write_text("no database at all\n" * 1000)
    (tmp_path / "short.duckdb").write_text("hi")
    (tmp_path / "empty.duckdb").touch()
    for name in (
        "no folder/new.duckdb",
        "text.duckdb",
        "short.duckdb",
        "empty.duckdb",
        ".",
        "missing.duckdb?read_only=true",
    ):
        error = fails(url=f"duckdb:///{tmp_path / name}")
        assert str(tmp_path) in error.message, name
        assert error.hint, name
        assert not error.transient, name


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    # Also for root, who may write everywhere else.
    error = fails(url="duckdb:////proc/self/fdinfo/x.duckdb")
    assert "/proc/self/fdinfo/x.duckdb" in error.message
    folder = tmp_path / "read only"
    folder.mkdir(mode=0o500)
    if os.geteuid() != 0:
        assert "read only" in fails(url=f"duckdb:///{folder}/x.duckdb").message


def test_a_database_that_is_opened_read_only(tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path / 'readonly.duckdb'}"
    asyncio.run(_opens(url))
    assert "read-only" in fails("CREATE TABLE t (id BIGINT)", url=f"{url}?read_only=true").message


def test_options_that_duckdb_does_not_know() -> None:
    assert "no_such_option" in fails(url="duckdb://?no_such_option=1").message


CONSTRAINED = (
    'CREATE TABLE "T x" (i INT, j INT, c INT CHECK (c > 0), u VARCHAR UNIQUE, n INT NOT NULL, PRIMARY KEY (i, j))',
    "INSERT INTO \"T x\" VALUES (1, 1, 1, 'a', 1)",
    "CREATE TABLE k (id INTEGER PRIMARY KEY)",
    "CREATE TABLE child (k INTEGER REFERENCES k (id))",
    "INSERT INTO k VALUES (1)",
    "INSERT INTO child VALUES (1)",
)


@pytest.mark.parametrize(
    ("statement", "kind", "table", "column", "words"),
    [
        ("INSERT INTO \"T x\" VALUES (2, 1, -1, 'b', 1)", "check", "T x", None, "(c > 0)"),
        ("INSERT INTO \"T x\" VALUES (2, 1, 1, 'b', NULL)", "not null", "T x", "n", ""),
        ("INSERT INTO \"T x\" VALUES (1, 1, 1, 'b', 1)", "unique", None, None, "i: 1, j: 1"),
        ("INSERT INTO \"T x\" VALUES (2, 1, 1, 'a', 1)", "unique", None, "u", "u: a"),
        ("INSERT INTO \"T x\" VALUES (2, 1, 1, 'b', 1), (2, 1, 1, 'c', 1)", "unique", None, None, "2, 1"),
        ("INSERT INTO \"T x\" VALUES (2, 1, 1, 'b: 1', 1), (3, 1, 1, 'b: 1', 1)", "unique", None, None, "b: 1"),
        ("INSERT INTO child VALUES (9)", "foreign key", None, "id", "9"),
        ("DELETE FROM k", "foreign key", None, "k", "still referenced"),
    ],
)
def test_constraints(statement: LiteralString, kind: str, table: str | None, column: str | None, words: str) -> None:
    error = fails(*CONSTRAINED, statement)
    assert isinstance(error, ConstraintViolated)
    assert (error.kind, error.table, error.column) == (kind, table, column)
    assert words in error.message
    assert error.code == "ConstraintException"
    assert isinstance(error.__cause__, Exception)


@pytest.mark.parametrize(
    ("statements", "code", "words"),
    [
        (["SELECT CAST('x' AS INTEGER)"], "ConversionException", "could not convert string 'x'"),
        (["SELECT * FROM nowhere"], "CatalogException", "nowhere"),
        (["SELEC 1"], "ParserException", "syntax error"),
        (["CREATE TABLE t (id INTEGER)", "SELECT nothing FROM t"], "BinderException", "nothing"),
        (["CREATE TABLE t (id INTEGER)", "CREATE TABLE t (id INTEGER)"], "CatalogException", "already exists"),
        (["SELECT error('it''s broken')"], "InvalidInputException", "it's broken"),
        (
            ["CREATE TABLE t (a INTEGER, b INTEGER); CREATE INDEX i ON t (a)", "ALTER TABLE t DROP COLUMN a"],
            "CatalogException",
            "index depends on it",
        ),
        (
            ["CREATE TABLE t (a INTEGER, b INTEGER); CREATE INDEX i ON t (a)", "ALTER TABLE t ALTER b TYPE BIGINT"],
            "DependencyException",
            "depend on it",
        ),
    ],
)
def test_statements_that_are_refused(statements: Sequence[LiteralString], code: str, words: str) -> None:
    error = fails(*statements)
    assert error.code == code
    assert words in error.message
    assert not error.transient
    assert error.hint or code in ("CatalogException", "ParserException", "BinderException", "InvalidInputException")


def test_too_little_memory() -> None:
    error = fails(
        "SET memory_limit = '20MB'; SET temp_directory = ''",
        "CREATE TABLE t AS SELECT range AS i, random() AS r, uuid() AS u FROM range(10000000) ORDER BY r",
    )
    assert error.code == "OutOfMemoryException"
    assert "memory_limit" in str(error.hint)
    assert "Possible solutions" not in error.message


def test_a_session_whose_connection_was_closed() -> None:
    import duckdb

    connection = duckdb.connect()

    async def act() -> None:
        session = await open_session(connection)
        connection.close()
        try:
            await session.execute(sql("SELECT 1"))
        finally:
            await session.close()

    with pytest.raises(ConnectionLost, match="closed"):
        asyncio.run(act())


def test_the_same_file_with_other_settings(tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path / 'settings.duckdb'}"

    async def act() -> None:
        session = await open_session(url)
        try:
            await _opens(f"{url}?read_only=true")
        finally:
            await session.close()

    with pytest.raises(DatabaseError, match="different configuration") as caught:
        asyncio.run(act())
    assert "same options" in str(caught.value.hint)
