"""PostgreSQL: `DIALECT`. The driver is imported when a session is opened."""

from __future__ import annotations

from arrowsync.dialects.contract import Dialect, Language, Server, Session, TextColumns
from arrowsync.dialects.postgres import text_columns
from arrowsync.dialects.postgres.discover import discover, tables
from arrowsync.dialects.postgres.errors import clear_staging, deferred, refuses_row
from arrowsync.dialects.postgres.interference import AUDIT
from arrowsync.dialects.postgres.limits import limits
from arrowsync.dialects.postgres.locks import TURNS
from arrowsync.dialects.postgres.merge import after_load, create_staging, duplicates, lock, merge_steps
from arrowsync.dialects.postgres.quoting import quoting
from arrowsync.dialects.postgres.render import render
from arrowsync.dialects.postgres.shared_tables import PARALLEL
from arrowsync.dialects.postgres.types import as_declared, column_of, spec_of, widens


async def _open(url: str) -> Session:
    from arrowsync.dialects.postgres.session import open_session

    return await open_session(url)


async def _adopt(connection: object) -> Session:
    if type(connection).__module__.startswith("adbc_"):
        from arrowsync.dialects.postgres.adbc_session import adopt_session as adopt_adbc

        return await adopt_adbc(connection)
    from arrowsync.dialects.postgres.session import adopt_session

    return await adopt_session(connection)


LANGUAGE = Language(
    name="postgresql",
    server=Server("postgresql", (15,), "public"),
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
    parallel=PARALLEL,
    as_declared=as_declared,
    texts=TextColumns(text_columns.arriving, text_columns.settle, text_columns.changed, text_columns.misfits),
    unloadable=text_columns.unloadable,
    clear_staging=clear_staging,
    refuses_row=refuses_row,
    deferred=deferred,
    turns=TURNS,
    audit=AUDIT,
)
