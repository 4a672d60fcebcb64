"""Settings of a session under which statements mean the same whatever the server's or the user's settings are: `settings`.

They are set when a session begins. On a connection of the user's they are given back when it ends; where the user's own SQL
may have changed them on one of ours, they are set again for each call: see `AiomysqlSession.pinned`. To add one, add it to
`PINNED`. Deliberately not here are limits of the user's own that raise an error where they bind: `transaction_read_only`,
`max_execution_time`, `max_statement_time`, `innodb_lock_wait_timeout`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from arrowsync.dialects.contract import Server
from arrowsync.dialects.mysql.server import NOTE_VERBOSITY
from arrowsync.sql import SQL, Identifier, Literal, join, sql, trusted

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
"""Seconds that the server waits for a slow source, a slow reader, and the next statement; by default 30 and 60."""
COLLATIONS = {"mysql": "utf8mb4_0900_bin", "mariadb": "utf8mb4_nopad_bin"}

PINNED: Mapping[str, Any] = {
    "time_zone": "+00:00",
    "sql_mode": ",".join(SQL_MODE),
    "character_set_client": "utf8mb4",
    "character_set_results": "utf8mb4",
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
    "lc_messages": "en_US",  # messages are searched for names of columns and keys
}
"""Name -> the value of the session's variable; none that takes a privilege to set. `settings` has the whole list."""
MYSQL: Mapping[str, Any] = {
    "collation_connection": COLLATIONS["mysql"],
    "transaction_isolation": "REPEATABLE-READ",
}
MARIADB: Mapping[str, Any] = {
    "collation_connection": COLLATIONS["mariadb"],
    "tx_isolation": "REPEATABLE-READ",
    "check_constraint_checks": 1,
    "max_error_count": 64,  # the reason of a load that fails; MySQL takes a privilege for it
    "sql_if_exists": 0,
    "system_versioning_asof": "DEFAULT",  # else rows of the past are read
}
NOTES: Mapping[str, Any] = {"note_verbosity": "basic,explain"}
FITTING: Mapping[str, frozenset[str]] = {
    "transaction_isolation": frozenset({"REPEATABLE-READ", "READ-COMMITTED", "SERIALIZABLE"}),
    "tx_isolation": frozenset({"REPEATABLE-READ", "READ-COMMITTED", "SERIALIZABLE"}),
    "note_verbosity": frozenset({"basic", "basic,explain", "basic,unusable_keys", "basic,unusable_keys,explain"}),
}
"""Name -> the values that will do and are left as they are."""
ENCODING = ("character_set_client", "character_set_results", "collation_connection")
"""Settings that belong to the driver, which sends and reads UTF-8; our own connections never take the user's values."""

_SWITCHES = {b"OFF": 0, b"ON": 1}
"""A switch as MariaDB says it as text."""


def settings(server: Server) -> Mapping[str, Any]:
    """The variables of a session on that server, by name."""
    if server.product == "mysql":
        return {**PINNED, **MYSQL}
    return {**PINNED, **MARIADB, **(NOTES if NOTE_VERBOSITY in server.features else {})}


def read_settings(names: Iterable[str]) -> SQL:
    """A query for the present values, and for the database (`namespace`): as bytes, in any character set of results."""
    asked = [sql("CAST({variable} AS BINARY) AS {name}", variable=_variable(n), name=Identifier(n)) for n in names]
    return sql("SELECT CAST(DATABASE() AS BINARY) AS namespace, {asked}", asked=join(", ", asked))


def misfits(row: Mapping[str, bytes | None], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that have to be changed, with their present values, as `set_settings` takes them."""
    found = {name: _value(row[name], value) for name, value in wanted.items()}
    return {name: value for name, value in found.items() if not _fits(name, value, wanted[name])}


def set_settings(values: Mapping[str, Any], variables: Iterable[SQL] = ()) -> SQL:
    """The statements that set them, the time zone first, which others are read in, and empty `variables` of the user's kind."""
    first = [sql("SET {part}", part=_assigned(name, values[name])) for name in ("time_zone",) if name in values]
    parts = [_assigned(name, value) for name, value in values.items() if name != "time_zone"]
    parts += [sql("{variable} = NULL", variable=variable) for variable in variables]
    return join("; ", first + ([sql("SET {parts}", parts=join(", ", parts))] if parts else []))


def _assigned(name: str, value: Any) -> SQL:
    if name == "system_versioning_asof" and value == "DEFAULT":
        return sql("{variable} = DEFAULT", variable=_variable(name))
    return sql("{variable} = {value}", variable=_variable(name), value=Literal(value))


def _value(said: bytes | None, wanted: Any) -> Any:
    if said is None:
        return None
    if not isinstance(wanted, int):
        return said.decode()
    return _SWITCHES[said] if said in _SWITCHES else int(said)


def _fits(name: str, found: Any, wanted: Any) -> bool:
    if name in FITTING:
        return found in FITTING[name]
    if name == "sql_mode":
        return set(str(found).split(",")) == set(wanted.split(","))
    return bool(found == wanted)


def _variable(name: str) -> SQL:
    return sql("@@SESSION.{name}", name=trusted(name))


def set_role(product: str, role: str | None) -> list[SQL]:
    """Write the statement that takes on a role, if there is one. MySQL names several, and quotes them itself."""
    if product == "mysql":
        return [sql("SET ROLE {roles}", roles=trusted(role or "NONE"))]
    return [] if role is None else [sql("SET ROLE {role}", role=Identifier(role))]
