"""Settings of DuckDB that change the meaning of rows or text: `REFUSED`.

They belong to the whole database, so other connections would see them change while a call of ours works: they are refused.
To add one, add a line. Left alone, because what is read and written doesn't depend on them: the forms of results in Arrow,
`TimeZone`, `integer_division`, `default_null_order`. `preserve_insertion_order` is put on while rows are inserted.
"""

from __future__ import annotations

from collections.abc import Mapping

from arrowsync.errors import DeclarationError
from arrowsync.sql import Identifier, Literal, join, sql

REFUSED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "default_collation": (("",), "so keys that differ would be taken for one"),
    "default_order": (("ASCENDING", "ASC"), "so columns and rows would come in another order"),
    "errors_as_json": (("false",), "so it can't be told which row or constraint an error is about"),
}
"""Name -> the values that will do, and why no other one does."""

ASKED = sql(
    "SELECT version() AS version, current_schema() AS namespace, {settings}",
    settings=join(
        ", ",
        [sql("current_setting({n})::text AS {c}", n=Literal(name), c=Identifier(name)) for name in REFUSED],
    ),
)
"""The query for the version, the schema of names that have none, and the settings."""


def check_settings(found: Mapping[str, str]) -> None:
    """A DeclarationError for the first setting that doesn't do."""
    for name, (fitting, reason) in REFUSED.items():
        if (found[name] or "") not in fitting:
            raise DeclarationError(
                f"DuckDB's setting {name} is {found[name]!r}, {reason}",
                hint=f"RESET {name}, which holds for the whole database; set it again afterwards",
            )
