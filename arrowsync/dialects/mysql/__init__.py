"""MySQL and MariaDB: one language for two products, which differ by features. The driver is imported when a session is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from arrowsync.catalog import ObjectName, Table
from arrowsync.dialects import defaults, merge_sql
from arrowsync.dialects.contract import BySavepoint, CommittingDdl, Dialect, Language, SentAsValues, Server
from arrowsync.dialects.mysql import audit, locks, merge, types
from arrowsync.dialects.mysql.discover import discover, list_tables
from arrowsync.dialects.mysql.hidden_tables import hidden_table
from arrowsync.dialects.mysql.limits import limits
from arrowsync.dialects.mysql.load import value_check
from arrowsync.dialects.mysql.quoting import prologue, quoting
from arrowsync.dialects.mysql.render import Collation, render
from arrowsync.dialects.mysql.server import MARIADB_SERVER, MYSQL_SERVER
from arrowsync.migration.changes import Change
from arrowsync.sql import SQL


@dataclass(frozen=True, slots=True)
class MySqlLanguage:
    name: str
    server: Server
    collation: Collation
    """The collation of text by which texts are equal only if their bytes are."""

    quoting = staticmethod(quoting)
    limits = staticmethod(limits)
    to_column = staticmethod(types.to_column)
    to_spec = staticmethod(types.to_spec)
    as_declared = staticmethod(defaults.as_it_is)
    from_stored = staticmethod(types.from_stored)
    is_widening = staticmethod(types.is_widening)
    unloadable = staticmethod(defaults.all_loadable)
    prologue = staticmethod(prologue)

    def render(self, change: Change) -> tuple[SQL, ...]:
        return render(change, collation=self.collation)


class MySqlCatalog:
    discover = staticmethod(discover)
    list_tables = staticmethod(list_tables)


@dataclass(frozen=True, slots=True)
class MySqlMerge:
    collation: Collation

    drop_staging = staticmethod(merge.drop_staging)
    steps = staticmethod(merge.steps)
    repeated_keys = staticmethod(merge_sql.repeated_keys)
    after_load = staticmethod(
        defaults.nothing_after_load
    )  # a numbered column goes on behind the greatest number brought
    row_number_column = staticmethod(merge.row_number_column)
    value_check = staticmethod(value_check)

    def create_staging(self, target: Table, columns: Sequence[str]) -> tuple[ObjectName, SQL]:
        return merge.create_staging(target, columns, self.collation)


class MySqlLocks:
    every_load = False
    lock = staticmethod(locks.lock)
    take_turns = staticmethod(locks.take_turns)
    collides = staticmethod(locks.collides)
    turn_key = staticmethod(locks.turn_key)


class MySqlAudit:
    drops_rows = False
    interference = staticmethod(audit.interference)
    copy = staticmethod(audit.copy)
    differs = staticmethod(merge.differs)
    written = staticmethod(audit.written)


@dataclass(frozen=True, slots=True)
class MySqlHiddenTables:
    collation: Collation

    of = staticmethod(hidden_table)
    claim = staticmethod(locks.claim)
    identity = staticmethod(locks.identity)
    publish = staticmethod(locks.publish)
    published = staticmethod(locks.published)
    is_repeated_key = staticmethod(locks.is_repeated_key)
    alter = staticmethod(locks.alter)
    clean_up = staticmethod(locks.clean_up)

    def create_staging(self, target: Table, columns: Sequence[str]) -> tuple[ObjectName, SQL]:
        return merge.create_shared_staging(target, columns, self.collation)


def _dialect(language: MySqlLanguage) -> Dialect:
    return Dialect(
        language=language,
        catalog=MySqlCatalog(),
        merge=MySqlMerge(language.collation),
        locks=MySqlLocks(),
        audit=MySqlAudit(),
        new_tables=CommittingDdl(MySqlHiddenTables(language.collation)),
        row_errors=BySavepoint(defaults.none_deferred, "create anew"),
        text_values=SentAsValues(),
    )


_MYSQL = MySqlLanguage("mysql", MYSQL_SERVER, "utf8mb4_0900_bin")
_MARIADB = MySqlLanguage("mariadb", MARIADB_SERVER, "utf8mb4_nopad_bin")
MYSQL: Language = _MYSQL
MARIADB: Language = _MARIADB
DIALECTS = {"mysql": _dialect(_MYSQL), "mariadb": _dialect(_MARIADB)}
"""By the product of the server."""
