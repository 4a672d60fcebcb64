"""PostgreSQL. The driver is imported when a session is opened."""

from __future__ import annotations

from arrowsync.dialects import defaults, merge_sql
from arrowsync.dialects.contract import BySavepoint, Dialect, Language, Server, TransactionalDdl
from arrowsync.dialects.postgres import audit, locks, merge, shared_tables, text_columns, types
from arrowsync.dialects.postgres.discover import discover, list_tables
from arrowsync.dialects.postgres.errors import clear_staging, deferred
from arrowsync.dialects.postgres.limits import limits
from arrowsync.dialects.postgres.oids import value_check
from arrowsync.dialects.postgres.quoting import quoting
from arrowsync.dialects.postgres.render import render


class PostgresLanguage:
    name = "postgresql"
    server = Server("postgresql", (15,), "public")
    quoting = staticmethod(quoting)
    limits = staticmethod(limits)
    to_column = staticmethod(types.to_column)
    to_spec = staticmethod(types.to_spec)
    as_declared = staticmethod(types.as_declared)
    from_stored = staticmethod(defaults.stored_as_declared)
    is_widening = staticmethod(types.is_widening)
    unloadable = staticmethod(text_columns.unloadable)
    render = staticmethod(render)
    prologue = staticmethod(defaults.no_prologue)


class PostgresCatalog:
    discover = staticmethod(discover)
    list_tables = staticmethod(list_tables)


class PostgresMerge:
    create_staging = staticmethod(merge.create_staging)
    drop_staging = staticmethod(defaults.drop_table)
    steps = staticmethod(merge.steps)
    repeated_keys = staticmethod(merge_sql.repeated_keys)
    after_load = staticmethod(merge.after_load)
    row_number_column = staticmethod(defaults.no_row_number_column)
    value_check = staticmethod(value_check)


class PostgresLocks:
    every_load = False
    lock = staticmethod(locks.lock)
    take_turns = staticmethod(locks.take_turns)
    collides = staticmethod(locks.collides)
    turn_key = staticmethod(locks.turn_key)


class PostgresAudit:
    drops_rows = True
    interference = staticmethod(audit.interference)
    copy = staticmethod(audit.copy)
    differs = staticmethod(merge.differs)
    written = staticmethod(audit.written)


class PostgresSharedTables:
    namespace_for = staticmethod(shared_tables.namespace_for)
    claim = staticmethod(shared_tables.claim)
    release = staticmethod(shared_tables.release)
    discard = staticmethod(shared_tables.discard)
    sweep = staticmethod(shared_tables.sweep)
    create_staging = staticmethod(shared_tables.create_staging)
    move_type = staticmethod(shared_tables.move_type)
    move_table = staticmethod(shared_tables.move_table)


class PostgresTextColumns:
    arriving = staticmethod(text_columns.arriving)
    settle = staticmethod(text_columns.settle)
    changed = staticmethod(text_columns.changed)
    misfits = staticmethod(text_columns.misfits)


LANGUAGE: Language = PostgresLanguage()
DIALECT = Dialect(
    language=LANGUAGE,
    catalog=PostgresCatalog(),
    merge=PostgresMerge(),
    locks=PostgresLocks(),
    audit=PostgresAudit(),
    new_tables=TransactionalDdl(PostgresSharedTables()),
    row_errors=BySavepoint(deferred, clear_staging),
    text_values=PostgresTextColumns(),
)
