"""DuckDB: `DIALECT`. The driver is imported when a session is opened."""

from __future__ import annotations

from arrowsync.dialects.contract import Dialect, Language, Server, Session
from arrowsync.dialects.duckdb.discover import discover, tables
from arrowsync.dialects.duckdb.driver import unloadable
from arrowsync.dialects.duckdb.errors import refusals
from arrowsync.dialects.duckdb.limits import limits
from arrowsync.dialects.duckdb.locks import TURNS
from arrowsync.dialects.duckdb.merge import after_load, create_staging, duplicates, lock, merge_steps
from arrowsync.dialects.duckdb.quoting import quoting
from arrowsync.dialects.duckdb.render import render
from arrowsync.dialects.duckdb.types import column_of, spec_of, widens


async def _open(url: str) -> Session:
    from arrowsync.dialects.duckdb.session import open_session

    return await open_session(url)


async def _adopt(connection: object) -> Session:
    from arrowsync.dialects.duckdb.session import adopt_session

    return await adopt_session(connection)


LANGUAGE = Language(
    name="duckdb",
    server=Server("duckdb", (2,), "main"),
    quoting=quoting,
    column_of=column_of,
    spec_of=spec_of,
    limits=limits,
    render=render,
)

DIALECT = Dialect(
    language=LANGUAGE,
    open=_open,
    adopt=_adopt,
    widens=widens,
    discover=discover,
    tables=tables,
    create_staging=create_staging,
    merge_steps=merge_steps,
    duplicates=duplicates,
    lock=lock,
    after_load=after_load,
    refusals=refusals,
    turns=TURNS,
    unloadable=unloadable,
)
