"""MySQL and MariaDB: `DIALECT`, and for scripts `MYSQL` and `MARIADB`, one language in two flavours that differ by features.

The driver is imported when a session is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from arrowsync.catalog import ObjectName, Table
from arrowsync.dialects import merge_sql
from arrowsync.dialects.contract import Dialect, HiddenTables, Language, Session
from arrowsync.dialects.mysql.discover import discover, tables
from arrowsync.dialects.mysql.errors import refuses_row
from arrowsync.dialects.mysql.hidden_tables import draft
from arrowsync.dialects.mysql.interference import AUDIT
from arrowsync.dialects.mysql.limits import limits
from arrowsync.dialects.mysql.load import unstorable
from arrowsync.dialects.mysql.locks import TURNS, alter, born, claim, lock, publish, published, tidy
from arrowsync.dialects.mysql.merge import (
    after_load,
    create_shared_staging,
    create_staging,
    drop_staging,
    merge_steps,
    order_of,
)
from arrowsync.dialects.mysql.quoting import prologue, quoting
from arrowsync.dialects.mysql.render import Collation, render
from arrowsync.dialects.mysql.server import MARIADB_SERVER, MYSQL_SERVER
from arrowsync.dialects.mysql.shared_tables import opener, refusal, repeated
from arrowsync.dialects.mysql.types import column_of, restore, spec_of, widens
from arrowsync.sql import SQL

MYSQL = Language(
    name="mysql",
    server=MYSQL_SERVER,
    quoting=quoting,
    column_of=column_of,
    spec_of=spec_of,
    limits=limits,
    render=partial(render, collation="utf8mb4_0900_bin"),
    prologue=prologue,
)

MARIADB = Language(
    name="mariadb",
    server=MARIADB_SERVER,
    quoting=quoting,
    column_of=column_of,
    spec_of=spec_of,
    limits=limits,
    render=partial(render, collation="utf8mb4_nopad_bin"),
    prologue=prologue,
)


async def _open(url: str) -> Session:
    from arrowsync.dialects.mysql.session import open_session

    return await open_session(url)


async def _adopt(connection: object) -> Session:
    from arrowsync.dialects.mysql.session import adopt_session

    return await adopt_session(connection)


def _dialect(language: Language, collation: Collation) -> Dialect:
    def staging(target: Table, columns: Sequence[str]) -> tuple[ObjectName, SQL]:
        return create_staging(target, columns, collation)

    def shared_staging(target: Table, columns: Sequence[str]) -> tuple[ObjectName, SQL]:
        return create_shared_staging(target, columns, collation)

    return Dialect(
        language=language,
        open=_open,
        adopt=_adopt,
        widens=widens,
        discover=discover,
        tables=tables,
        create_staging=staging,
        merge_steps=merge_steps,
        duplicates=merge_sql.duplicates,
        lock=lock,
        after_load=after_load,
        drop_staging=drop_staging,
        flavour=lambda server: DIALECT if server.product == "mysql" else MARIADB_DIALECT,
        restore=restore,
        alter=alter,
        hidden_tables=HiddenTables(draft, claim, born, publish, published, refusal, opener, shared_staging, repeated),
        tidy=tidy,
        refuses_row=refuses_row,
        unstorable=unstorable,
        arrival=order_of,
        turns=TURNS,
        audit=AUDIT,
    )


DIALECT = _dialect(MYSQL, "utf8mb4_0900_bin")
"""That of either server, until it is known which one it is: see `flavour`."""
MARIADB_DIALECT = _dialect(MARIADB, "utf8mb4_nopad_bin")
