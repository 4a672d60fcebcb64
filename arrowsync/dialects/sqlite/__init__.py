"""SQLite, by the `sqlite3` of the standard library, which is imported when a session is opened."""

from __future__ import annotations

import secrets

from arrowsync.catalog import ObjectName
from arrowsync.dialects import defaults, merge_sql
from arrowsync.dialects.contract import (
    BySavepoint,
    Dialect,
    Language,
    MergeJob,
    OneConnection,
    SentAsValues,
    Server,
    TransactionalDdl,
)
from arrowsync.dialects.sqlite import locks, merge, types
from arrowsync.dialects.sqlite.discover import discover, interference, list_tables, written
from arrowsync.dialects.sqlite.limits import limits
from arrowsync.dialects.sqlite.load import value_check
from arrowsync.dialects.sqlite.quoting import quoting
from arrowsync.dialects.sqlite.render import render
from arrowsync.sql import SQL, sql


class SqliteLanguage:
    name = "sqlite"
    server = Server("sqlite", (3, 37), "main")
    quoting = staticmethod(quoting)
    limits = staticmethod(limits)
    to_column = staticmethod(types.to_column)
    to_spec = staticmethod(types.to_spec)
    as_declared = staticmethod(types.as_declared)
    from_stored = staticmethod(types.from_stored)
    is_widening = staticmethod(types.is_widening)
    unloadable = staticmethod(types.unloadable)
    render = staticmethod(render)
    prologue = staticmethod(defaults.no_prologue)


class SqliteCatalog:
    discover = staticmethod(discover)
    list_tables = staticmethod(list_tables)


class SqliteMerge:
    create_staging = staticmethod(merge.create_staging)
    drop_staging = staticmethod(defaults.drop_table)
    steps = staticmethod(merge.steps)
    repeated_keys = staticmethod(merge_sql.repeated_keys)
    after_load = staticmethod(defaults.nothing_after_load)  # AUTOINCREMENT goes on behind the greatest number
    row_number_column = staticmethod(defaults.no_row_number_column)
    value_check = staticmethod(value_check)


class SqliteLocks:
    every_load = False  # a transaction that writes has the file for itself from its beginning
    lock = staticmethod(locks.lock)
    take_turns = staticmethod(locks.take_turns)
    collides = staticmethod(locks.collides)
    turn_key = staticmethod(locks.turn_key)


class SqliteAudit:
    drops_rows = True
    interference = staticmethod(interference)
    differs = staticmethod(merge.differs)
    written = staticmethod(written)

    def copy(self, job: MergeJob, query: SQL) -> tuple[ObjectName, SQL]:
        name = ObjectName("temp", f"arrowsync_{secrets.token_hex(8)}")
        return name, sql("CREATE TABLE {name} AS {query}", name=name.identifier, query=query)


def _clear(staging: ObjectName) -> SQL:
    return sql("DELETE FROM {staging}", staging=staging.identifier)


LANGUAGE: Language = SqliteLanguage()
DIALECT = Dialect(
    language=LANGUAGE,
    catalog=SqliteCatalog(),
    merge=SqliteMerge(),
    locks=SqliteLocks(),
    audit=SqliteAudit(),
    new_tables=TransactionalDdl(OneConnection(), keys_wait=False),
    row_errors=BySavepoint(defaults.none_deferred, _clear),
    text_values=SentAsValues(),
)
