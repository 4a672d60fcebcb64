"""From a URL or a driver's connection object to a dialect and a session; drivers are imported on use.

A third party adds a database with an entry point in the group `arrowsync.dialects`, named by the URL scheme, that is the
path of a module with `DIALECT`.
"""

from __future__ import annotations

import re
from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from arrowsync.dialects.contract import Dialect, Language, Session
from arrowsync.dialects.inherited import refuse_inherited
from arrowsync.errors import DeclarationError

_ALIASES = {"postgres": "postgresql"}
"""Other names of a dialect, in URLs and everywhere else."""
_SCHEMES = {
    "postgresql": "arrowsync.dialects.postgres",
    "mysql": "arrowsync.dialects.mysql",
    "mariadb": "arrowsync.dialects.mysql",
    "duckdb": "arrowsync.dialects.duckdb",
}
_DRIVER_PACKAGES = {
    "asyncpg": "postgresql",
    "adbc_driver_manager": "postgresql",
    "aiomysql": "mysql",
    "duckdb": "duckdb",
    "_duckdb": "duckdb",
}
_NAME = re.compile(r"[a-z][a-z0-9+.-]*", re.I)
"""A scheme, and not the beginning of a URL that has none, in which there may be a password."""

_LANGUAGES = {
    "ansi": "arrowsync.dialects.ansi:LANGUAGE",
    "postgresql": "arrowsync.dialects.postgres:LANGUAGE",
    "mysql": "arrowsync.dialects.mysql:MYSQL",
    "mariadb": "arrowsync.dialects.mysql:MARIADB",
    "duckdb": "arrowsync.dialects.duckdb:LANGUAGE",
}


def language_for(name: str) -> Language:
    """The SQL of a kind of database, by its name: `"ansi"`, `"postgresql"`, `"mysql"`, `"mariadb"` or `"duckdb"`."""
    path = _LANGUAGES.get(_ALIASES.get(name, name))
    if path is None:
        raise DeclarationError(
            f"there is no dialect {name!r}", hint=f"a dialect is one of {', '.join(sorted(_LANGUAGES))}"
        )
    module, _, attribute = path.partition(":")
    return cast(Language, getattr(import_module(module), attribute))


def dialect_for(scheme: str) -> Dialect:
    """The dialect of a URL scheme: `"postgresql"`, `"mysql"`, `"mariadb"` or `"duckdb"`."""
    path = _SCHEMES.get(_ALIASES.get(scheme, scheme))
    if path is None:
        found = [entry.value for entry in entry_points(group="arrowsync.dialects") if entry.name == scheme]
        if not found:
            shown = f" by the name {scheme!r}" if _NAME.fullmatch(scheme) else " by what stands before the first colon"
            raise DeclarationError(
                f"no database is known{shown}", hint=f"arrowsync knows {', '.join(sorted((*_SCHEMES, *_ALIASES)))}"
            )
        path = found[0]
    return cast(Dialect, import_module(path).DIALECT)


def is_database(text: str) -> bool:
    """Whether it is the URL of a database, and not a path or the URL of a file."""
    scheme, colon, _ = text.partition(":")
    return bool(colon) and (
        _ALIASES.get(scheme, scheme) in _SCHEMES
        or any(e.name == scheme for e in entry_points(group="arrowsync.dialects"))
    )


async def open_session(connection: object) -> tuple[Dialect, Session]:
    """A session for a URL, or around a connection that a driver has opened."""
    if isinstance(connection, str):
        scheme, separator, _ = connection.partition(":")
        if not separator:
            raise DeclarationError(
                "the connection URL has no scheme",
                hint='a URL looks like "postgresql://user@host/database" (or "mysql://..."), "duckdb:///file.duckdb" or '
                '"duckdb://" (in memory)',
            )
        dialect = dialect_for(scheme)
        session = await dialect.open(connection)
        return dialect.at(session.server), session
    package = type(connection).__module__.partition(".")[0]
    if package not in _DRIVER_PACKAGES:
        raise DeclarationError(
            f"{type(connection).__module__}.{type(connection).__qualname__} is not a connection that arrowsync knows",
            hint="pass arrowsync.connect(url), a URL, or a connection of duckdb, adbc_driver_postgresql, asyncpg or aiomysql",
        )
    refuse_inherited(connection)
    dialect = dialect_for(_DRIVER_PACKAGES[package])
    session = await dialect.adopt(connection)
    return dialect.at(session.server), session
