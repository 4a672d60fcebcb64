"""The registry: from a name, a URL or a driver's connection object to a language and a session. All imports are made on use.

A third party adds a database with an entry point in the group `arrowsync.dialects`, named by the URL scheme, that is the path
of an `Entry`: `docs/adding-a-dialect.md`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any, cast

from arrowsync.dialects.contract import Language, Session
from arrowsync.dialects.inherited import refuse_inherited
from arrowsync.errors import DeclarationError


@dataclass(frozen=True, slots=True)
class Entry:
    """A database that arrowsync works with, by dotted paths: nothing of it is imported before it is used.

    names     the names of the dialect, in URLs and wherever a dialect is named; the first is the usual one
    language  the path of its `Language`: "package.module:LANGUAGE"
    session   the module with `async def open_session(url) -> Session`; None if there are only scripts
    drivers   the top-level package of a driver's connection objects -> the module with
              `async def adopt_session(connection) -> Session`
    """

    names: tuple[str, ...]
    language: str
    session: str | None = None
    drivers: Mapping[str, str] = field(default_factory=dict[str, str])


_POSTGRES, _MYSQL, _DUCKDB, _SQLITE = (
    f"arrowsync.dialects.{name}" for name in ("postgres", "mysql", "duckdb", "sqlite")
)
ENTRIES = (
    Entry(("ansi",), "arrowsync.dialects.ansi:LANGUAGE"),
    Entry(
        ("postgresql", "postgres"),
        f"{_POSTGRES}:LANGUAGE",
        f"{_POSTGRES}.session",
        {"asyncpg": f"{_POSTGRES}.session", "adbc_driver_manager": f"{_POSTGRES}.adbc_session"},
    ),
    Entry(("mysql",), f"{_MYSQL}:MYSQL", f"{_MYSQL}.session", {"aiomysql": f"{_MYSQL}.session"}),
    Entry(("mariadb",), f"{_MYSQL}:MARIADB", f"{_MYSQL}.session"),
    Entry(
        ("duckdb",),
        f"{_DUCKDB}:LANGUAGE",
        f"{_DUCKDB}.session",
        dict.fromkeys(("duckdb", "_duckdb"), f"{_DUCKDB}.session"),
    ),
    Entry(("sqlite",), f"{_SQLITE}:LANGUAGE", f"{_SQLITE}.session", {"sqlite3": f"{_SQLITE}.session"}),
)
"""The databases that come with arrowsync."""

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*", re.I)
"""A scheme, and not the beginning of a URL that has none, in which there may be a password."""


@cache
def entries() -> tuple[Entry, ...]:
    """All databases: those that come with arrowsync, and then those of third parties."""
    return (*ENTRIES, *(_load(point) for point in _third_parties()))


def _third_parties() -> EntryPoints:
    return entry_points(group="arrowsync.dialects")


def _load(point: EntryPoint) -> Entry:
    try:
        return cast(Entry, point.load())
    except Exception as error:
        raise DeclarationError(f"the dialect {point.name!r}, {point.value}, can't be imported: {error}") from error


def _find(name: str) -> Entry | None:
    """Find a dialect by its name; only a third party's of that very name is imported."""
    for entry in ENTRIES:
        if name in entry.names:
            return entry
    return next((_load(point) for point in _third_parties() if point.name == name), None)


def _driver_of(package: str, known: Sequence[Entry]) -> str | None:
    return next((entry.drivers[package] for entry in known if package in entry.drivers), None)


def _names(*, with_session: bool = False) -> str:
    names = [name for entry in ENTRIES if entry.session or not with_session for name in entry.names]
    return ", ".join(sorted({*names, *(point.name for point in _third_parties())}))


def language_for(name: str) -> Language:
    """Find the SQL of a kind of database by its name: `"ansi"`, `"postgresql"`, `"mysql"`, ..; DeclarationError if unknown."""
    entry = _find(name)
    if entry is None:
        raise DeclarationError(f"there is no dialect {name!r}", hint=f"a dialect is one of {_names()}")
    module, _, attribute = entry.language.partition(":")
    return cast(Language, getattr(import_module(module), attribute))


def is_database(text: str) -> bool:
    """True for the URL of a database; False for a path, or the URL of a file."""
    scheme, colon, _ = text.partition(":")
    entry = _find(scheme) if colon else None
    return entry is not None and entry.session is not None


async def open_session(connection: object) -> Session:
    """Open a session for a URL, or around a connection that a driver has opened."""
    if isinstance(connection, str):
        opened: Session = await import_module(_session_module(connection)).open_session(connection)
        return opened
    kind = type(connection)
    package = kind.__module__.partition(".")[0]
    module = _driver_of(package, ENTRIES) or _driver_of(package, entries())
    if module is None:
        raise DeclarationError(
            f"{kind.__module__}.{kind.__qualname__} is not a connection that arrowsync knows",
            hint="pass arrowsync.connect(url), a URL, or a connection of duckdb, sqlite3, adbc_driver_postgresql, asyncpg or "
            "aiomysql",
        )
    refuse_inherited(connection)
    adopted: Session = await _driver_module(module).adopt_session(connection)
    return adopted


def _driver_module(path: str) -> Any:
    return import_module(path)


def _session_module(url: str) -> str:
    scheme, colon, _ = url.partition(":")
    if not colon:
        raise DeclarationError(
            "the connection URL has no scheme",
            hint='a URL looks like "postgresql://user@host/database" (or "mysql://..."), "duckdb:///file.duckdb", '
            '"sqlite:///file.db" or "duckdb://" (in memory)',
        )
    entry = _find(scheme)
    if entry is None or entry.session is None:
        shown = f" by the name {scheme!r}" if _SCHEME.fullmatch(scheme) else " by what stands before the first colon"
        raise DeclarationError(f"no database is known{shown}", hint=f"arrowsync knows {_names(with_session=True)}")
    return entry.session
