"""`Facts`: what a server says of itself and of the connection, asked once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arrowsync.dialects.dialect import Server
from arrowsync.dialects.mysql.flavours import MYSQL_SERVER, features
from arrowsync.errors import DatabaseError
from arrowsync.sql import sql

OLDEST: Mapping[str, tuple[int, ...]] = {"mysql": (8, 0, 17), "mariadb": (10, 5)}

FACTS = sql(
    "SELECT version() AS version, database() AS namespace, connection_id() AS id, @@local_infile AS files, "
    "@@max_allowed_packet AS packet, @@hostname AS host, @@port AS port, @@server_id AS number"
)
"""The query for them."""

_VERSION = re.compile(r"(?:5\.5\.5-)?(\d+)\.(\d+)(?:\.(\d+))?")
"""MariaDB may say a 5.5.5 first, for clients that know no other."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The server, the connection's number on it, and what it takes. `machine` tells servers behind one address apart."""

    server: Server
    id: int
    takes_files: bool
    max_packet: int
    machine: tuple[object, ...]


UNKNOWN = Facts(MYSQL_SERVER, 0, False, 1 << 20, ())
"""Before they are asked."""


def facts_of(row: Mapping[str, Any], where: str) -> Facts:
    """What the row of `FACTS` says; a DatabaseError for a server that is too old."""
    said: str = row["version"]
    found = _VERSION.match(said)
    version = tuple(int(part) for part in found.groups(default="0")) if found else ()
    product = "mariadb" if "mariadb" in said.lower() else "mysql"
    if version < OLDEST[product]:
        raise DatabaseError(
            f"the server at {where} has version {said}, which is too old",
            hint="arrowsync works with MySQL from 8.0.17 on, and with MariaDB from 10.5 on",
        )
    return Facts(
        server=Server(product, version, row["namespace"] or "", features(product, version)),
        id=row["id"],
        takes_files=bool(row["files"]),
        max_packet=int(row["packet"]),
        machine=(row["host"], row["port"], row["number"]),
    )
