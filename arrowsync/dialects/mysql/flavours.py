"""What tells MySQL and MariaDB apart: `features`, the only place where versions are compared.

All else asks a `Server` for a feature by its name. To add one, give it a line here that says what it means.
"""

from __future__ import annotations

from arrowsync.dialects.dialect import Server

NATIVE_UUID = "native_uuid"
"""There is a type `uuid`."""
NATIVE_JSON = "native_json"
"""`json` is a type of its own, and not text with a check; `json_contains` doesn't look into nested arrays."""
EXPRESSION_INDEXES = "expression_indexes"
"""An index can be on an expression."""
LONG_SCALES = "long_scales"
"""A decimal can have 38 digits after the point, and not 30."""
SHORT_POINTERS = "short_pointers"
"""Of a long value InnoDB keeps 20 bytes in the row, and not 40; but only of one that can be longer than 255 bytes."""
NO_BACKSLASH_ESCAPES = "no_backslash_escapes"
"""A backslash in a string is a backslash: the sql_mode of the session says so. No server is like this by itself."""


def features(product: str, version: tuple[int, ...]) -> frozenset[str]:
    """The features of a server, from MySQL 8.0.16 and MariaDB 10.5 on."""
    if product == "mysql":
        return frozenset({NATIVE_JSON, EXPRESSION_INDEXES})
    found = {LONG_SCALES, SHORT_POINTERS}
    return frozenset(found | {NATIVE_UUID} if version >= (10, 7) else found)


MYSQL_SERVER = Server("mysql", (9, 7), "", features("mysql", (9, 7)))
MARIADB_SERVER = Server("mariadb", (10, 11), "", features("mariadb", (10, 11)))
