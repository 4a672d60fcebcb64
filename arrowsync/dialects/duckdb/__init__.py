"""DuckDB. The driver is imported when a session is opened."""

from __future__ import annotations

from arrowsync.dialects import defaults, merge_sql
from arrowsync.dialects.contract import (
    ByQuery,
    Dialect,
    Language,
    OneConnection,
    SentAsValues,
    Server,
    TransactionalDdl,
)
from arrowsync.dialects.duckdb import locks, merge, types
from arrowsync.dialects.duckdb.discover import discover, list_tables
from arrowsync.dialects.duckdb.driver import unloadable
from arrowsync.dialects.duckdb.errors import violations
from arrowsync.dialects.duckdb.limits import limits
from arrowsync.dialects.duckdb.quoting import quoting
from arrowsync.dialects.duckdb.render import render


class DuckDBLanguage:
    name = "duckdb"
    server = Server("duckdb", (2,), "main")
    quoting = staticmethod(quoting)
    limits = staticmethod(limits)
    to_column = staticmethod(types.to_column)
    to_spec = staticmethod(types.to_spec)
    as_declared = staticmethod(defaults.as_it_is)
    from_stored = staticmethod(defaults.stored_as_declared)
    is_widening = staticmethod(types.is_widening)
    unloadable = staticmethod(unloadable)
    render = staticmethod(render)
    prologue = staticmethod(defaults.no_prologue)


class DuckDBCatalog:
    discover = staticmethod(discover)
    list_tables = staticmethod(list_tables)


class DuckDBMerge:
    create_staging = staticmethod(merge.create_staging)
    drop_staging = staticmethod(defaults.drop_table)
    steps = staticmethod(merge.steps)
    repeated_keys = staticmethod(merge_sql.repeated_keys)
    after_load = staticmethod(merge.after_load)
    row_number_column = staticmethod(defaults.no_row_number_column)
    value_check = staticmethod(defaults.all_storable)


class DuckDBLocks:
    every_load = True
    lock = staticmethod(locks.lock)
    take_turns = staticmethod(locks.take_turns)
    collides = staticmethod(locks.collides)
    turn_key = staticmethod(locks.turn_key)


LANGUAGE: Language = DuckDBLanguage()
DIALECT = Dialect(
    language=LANGUAGE,
    catalog=DuckDBCatalog(),
    merge=DuckDBMerge(),
    locks=DuckDBLocks(),
    audit=defaults.NoInterference(),
    new_tables=TransactionalDdl(OneConnection()),
    row_errors=ByQuery(violations),
    text_values=SentAsValues(),
)
