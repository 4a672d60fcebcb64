"""What a session is set to, so that statements mean the same whatever the server's or the user's settings are.

They are set when a session begins, and put back when it ends on a connection of the user's. To add one, add it to `settings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from arrowsync.sql import SQL, Literal, join, sql, trusted

SQL_MODE = (
    "STRICT_ALL_TABLES",
    "NO_ZERO_IN_DATE",
    "NO_ZERO_DATE",
    "ERROR_FOR_DIVISION_BY_ZERO",
    "NO_ENGINE_SUBSTITUTION",
    "NO_AUTO_VALUE_ON_ZERO",  # a 0 in a numbered column is a 0
)
"""Without NO_BACKSLASH_ESCAPES and ANSI_QUOTES: `quoting` writes for a session in which backslashes escape."""
WAIT_SECONDS = 86_400
"""How long the server waits for a slow source, a slow reader, and the next statement; it would be 30 and 60 seconds."""
COLLATIONS = {"mysql": "utf8mb4_0900_bin", "mariadb": "utf8mb4_nopad_bin"}

MARIADB: Mapping[str, Any] = {
    "check_constraint_checks": 1,
    "max_error_count": 64,  # the reason of a load that fails; MySQL takes a privilege for it
}


def settings(product: str) -> Mapping[str, Any]:
    """The variables of a session, by name; none that takes a privilege to set."""
    return {
        "time_zone": "+00:00",
        "sql_mode": ",".join(SQL_MODE),
        "character_set_client": "utf8mb4",
        "character_set_results": "utf8mb4",
        "collation_connection": COLLATIONS[product],
        "net_read_timeout": WAIT_SECONDS,
        "net_write_timeout": WAIT_SECONDS,
        "wait_timeout": WAIT_SECONDS,
        "sql_select_limit": 2**64 - 1,
        "sql_notes": 1,  # a note is the only sign that a decimal was rounded
        "sql_safe_updates": 0,
        "sql_big_selects": 1,  # max_join_size is no limit
        "sql_auto_is_null": 0,
        "foreign_key_checks": 1,
        "unique_checks": 1,
        "completion_type": "NO_CHAIN",
        **(MARIADB if product == "mariadb" else {}),
    }


def read_settings(names: Mapping[str, Any]) -> SQL:
    """A query for what they are now."""
    return sql("SELECT {values}", values=join(", ", [_variable(name) for name in names]))


def set_settings(values: Mapping[str, Any], variables: Iterable[SQL] = ()) -> SQL:
    """The statement that sets them, and empties `variables` of the user's kind."""
    parts = [
        sql("{variable} = {value}", variable=_variable(name), value=Literal(value)) for name, value in values.items()
    ]
    parts += [sql("{variable} = NULL", variable=variable) for variable in variables]
    return sql("SET {parts}", parts=join(", ", parts))


def _variable(name: str) -> SQL:
    return sql("@@SESSION.{name}", name=trusted(name))
