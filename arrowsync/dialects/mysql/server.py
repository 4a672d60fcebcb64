"""`ServerInfo`: a server's product, version and settings, asked once; only `features` compares versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arrowsync.dialects.contract import Server
from arrowsync.errors import DatabaseError
from arrowsync.sql import sql

NATIVE_UUID = "native_uuid"
"""The server has a type `uuid`."""
NATIVE_JSON = "native_json"
"""`json` is a type of its own, and not text with a check; `json_contains` doesn't look into nested arrays."""
EXPRESSION_INDEXES = "expression_indexes"
"""An index can be on an expression."""
LONG_SCALES = "long_scales"
"""A decimal can have 38 digits after the point, and not 30."""
SHORT_POINTERS = "short_pointers"
"""InnoDB keeps 20 bytes of a long value in the row, not 40; but only if it can be longer than 255 bytes."""
NOTE_VERBOSITY = "note_verbosity"
"""A session can choose which notes it gets."""
NO_BACKSLASH_ESCAPES = "no_backslash_escapes"
"""A backslash in a string is a backslash: the sql_mode of the session says so. No server is like this by itself."""


_FIRST: tuple[tuple[int, ...], ...] = ((10, 6, 16), (10, 10, 7), (10, 11, 6), (11, 0, 4), (11, 1, 3), (11, 2, 2))
_NOTES_SINCE: Mapping[tuple[int, ...], tuple[int, ...]] = {version[:2]: version for version in _FIRST}
"""The release of each series of MariaDB that brought `note_verbosity`; series that are newer have it."""


def features(product: str, version: tuple[int, ...]) -> frozenset[str]:
    """The features of a server, from MySQL 8.0.16 and MariaDB 10.5 on."""
    if product == "mysql":
        return frozenset({NATIVE_JSON, EXPRESSION_INDEXES})
    found = {LONG_SCALES, SHORT_POINTERS}
    if version >= (10, 7):
        found.add(NATIVE_UUID)
    since = _NOTES_SINCE.get(version[:2])
    if version >= (11, 3) if since is None else version >= since:
        found.add(NOTE_VERBOSITY)
    return frozenset(found)


MYSQL_SERVER = Server("mysql", (9, 7), "", features("mysql", (9, 7)))
MARIADB_SERVER = Server("mariadb", (10, 11), "", features("mariadb", (10, 11)))


OLDEST: Mapping[str, tuple[int, ...]] = {"mysql": (8, 0, 17), "mariadb": (10, 5)}

FACTS = sql(
    "SELECT CAST(version() AS BINARY) AS version, CAST(database() AS BINARY) AS namespace, connection_id() AS id, "
    "@@local_infile AS files, @@max_allowed_packet AS packet, CAST(@@hostname AS BINARY) AS host, @@port AS port, "
    "@@server_id AS number"
)
"""The query for them. Text comes as bytes, which no character set of the session's changes."""

_VERSION = re.compile(r"(?:5\.5\.5-)?(\d+)\.(\d+)(?:\.(\d+))?")
"""MariaDB may say a 5.5.5 first, for clients that know no other."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """The server, the connection's number, and the server's limits. `machine` tells servers behind one address apart."""

    server: Server
    id: int
    takes_files: bool
    max_packet: int
    machine: tuple[object, ...]


UNKNOWN = ServerInfo(MYSQL_SERVER, 0, False, 1 << 20, ())
"""The facts before the server is asked for them."""


def facts_of(row: Mapping[str, Any], where: str) -> ServerInfo:
    """Read the row of `FACTS`; a DatabaseError for a server that is too old."""
    said: str = row["version"].decode()
    found = _VERSION.match(said)
    version = tuple(int(part) for part in found.groups(default="0")) if found else ()
    product = "mariadb" if "mariadb" in said.lower() else "mysql"
    if version < OLDEST[product]:
        raise DatabaseError(
            f"the server at {where} has version {said}, which is too old",
            hint="arrowsync works with MySQL from 8.0.17 on, and with MariaDB from 10.5 on",
        )
    machine = (row["host"], row["port"], row["number"])
    namespace = (row["namespace"] or b"").decode()
    return ServerInfo(
        server=Server(product, version, namespace, features(product, version), machine),
        id=row["id"],
        takes_files=bool(row["files"]),
        max_packet=int(row["packet"]),
        machine=machine,
    )
