"""The settings of a session that change the meaning of bytes, text or rows: `PINNED`, and the statements that read and set them.

They are pinned while a call of ours works, and given back at its end: see `AsyncpgSession.pinned`. To add one, add a line.
Deliberately not here, because they are a user's own limits and raise an error where they bind: `statement_timeout`,
`lock_timeout`, `row_security`, `default_transaction_read_only`, `role`. `TimeZone` isn't either: defaults, triggers and
checks of the user's tables may ask for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from arrowsync.dialects.contract import Server
from arrowsync.errors import DeclarationError
from arrowsync.sql import SQL, Identifier, Literal, join, sql

PINNED: Mapping[str, tuple[str, ...]] = {
    "client_encoding": ("UTF8",),  # COPY's text is UTF-8
    "standard_conforming_strings": ("on",),  # a backslash in a constant is a backslash
    "bytea_output": ("hex",),  # expressions of the catalogue hold constants; so for the next ones
    "DateStyle": ("ISO, MDY", "ISO, DMY", "ISO, YMD"),
    "IntervalStyle": ("postgres",),
    "extra_float_digits": ("1", "2", "3"),
    "quote_all_identifiers": ("off",),
    "array_nulls": ("on",),  # else NULL in a constant array is the text 'NULL'
    "xmloption": ("content",),
    "session_replication_role": ("origin",),  # else foreign keys and triggers don't fire
    "transform_null_equals": ("off",),
    "default_transaction_isolation": ("read committed",),  # merges wait for each other, and then see what the other did
}
"""Name -> the values that will do, the first of which is set where another one is found."""

ASKED = sql(
    "SELECT current_schema()::text AS namespace, current_setting('server_version_num')::int AS version, "
    "pg_backend_pid() AS backend, extract(epoch FROM pg_postmaster_start_time())::text AS started, "
    "current_database()::text AS database, {settings}",
    settings=join(", ", [sql("current_setting({n}) AS {c}", n=Literal(name), c=Identifier(name)) for name in PINNED]),
)
"""The query for the namespace, the version, the backend, the time when its server began, the database, and the settings."""


def server_from(found: Mapping[str, Any]) -> Server:
    """Read the row of `ASKED`; a DeclarationError if no schema of the search_path exists."""
    namespace = check_namespace(found["namespace"])
    instance = (found["started"], found["database"])
    return Server("postgresql", divmod(found["version"], 10_000), namespace, instance=instance)


def misfits(found: Mapping[str, str]) -> dict[str, str]:
    """The settings that have to be changed, with their present values."""
    return {name: found[name] for name, fitting in PINNED.items() if found[name] not in fitting}


def set_settings(values: Iterable[tuple[str, str]]) -> SQL:
    """The statement that sets them for the session."""
    return sql(
        "SELECT {calls}",
        calls=join(
            ", ",
            [sql("set_config({n}, {v}, false)", n=Literal(name), v=Literal(value)) for name, value in values],
        ),
    )


def check_namespace(namespace: str | None) -> str:
    """The schema of names that have none; a DeclarationError where there is no such schema."""
    if namespace is None:
        raise DeclarationError(
            "no schema of the connection's search_path exists, so tables without a namespace have no place",
            hint="SET search_path to a schema that exists, or ALTER ROLE ... SET search_path",
        )
    return namespace


SESSION_SETTINGS = sql("""SELECT name, setting FROM pg_catalog.pg_settings WHERE source = 'session'
UNION ALL SELECT 'role', current_setting('role') ORDER BY 1""")
"""The query for the settings that were changed in this session, and its role."""


def set_setting(name: str, value: str) -> SQL:
    """Write the statement that gives a setting its value, for the rest of the session."""
    return sql("SELECT set_config({name}, {value}, false)", name=Literal(name), value=Literal(value))
