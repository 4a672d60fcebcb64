"""DuckDB: `DIALECT`. The driver is imported when a session is opened."""

from __future__ import annotations

from arrowsync.dialects.dialect import Dialect, Session
from arrowsync.dialects.duckdb.discover import discover
from arrowsync.dialects.duckdb.merge import after_load, create_staging, duplicates, lock, merge_steps
from arrowsync.dialects.duckdb.quoting import quoting
from arrowsync.dialects.duckdb.render import render
from arrowsync.dialects.duckdb.types import column_of, spec_of, widens


async def _open(url: str) -> Session:
    from arrowsync.dialects.duckdb.duckdb_session import open_session

    return await open_session(url)


async def _adopt(connection: object) -> Session:
    from arrowsync.dialects.duckdb.duckdb_session import adopt_session

    return await adopt_session(connection)


DIALECT = Dialect(
    name="duckdb",
    open=_open,
    adopt=_adopt,
    quoting=quoting,
    column_of=column_of,
    spec_of=spec_of,
    widens=widens,
    discover=discover,
    render=render,
    create_staging=create_staging,
    merge_steps=merge_steps,
    duplicates=duplicates,
    lock=lock,
    after_load=after_load,
)
