"""How many bytes a column takes: in a key, in a row as the server counts it, and in a page of InnoDB.

The limits that they are held against were found on the servers (MySQL 9.7, MariaDB 10.11). A new type needs its size in
`_FIXED` or a case in `data_bytes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from arrowsync.catalog import Column, SqlType

MAX_KEY_BYTES = 3072
MAX_ROW_BYTES = 65_535
MAX_PAGE_BYTES = 8125
"""What a row may keep in its page of 16 KiB, which has to hold two of them."""

_FIXED: Mapping[str, int] = {
    "boolean": 1,
    "tinyint": 1,
    "smallint": 2,
    "mediumint": 3,
    "int": 4,
    "bigint": 8,
    "float": 4,
    "double": 8,
    "date": 3,
    "year": 1,
    "uuid": 16,
}
_TEXT_POINTERS: Mapping[str, int] = {"mediumtext": 11, "mediumblob": 11, "longtext": 12, "longblob": 12, "json": 12}
"""What a row holds of a type that is stored apart: the length and a pointer."""
_DECIMAL_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4)
"""Bytes of up to eight digits; nine take four."""


def data_bytes(live: SqlType) -> int | None:
    """The most bytes that a value takes; None for a type without a greatest length that a key could have."""
    if live.labels:
        return 1 if len(live.labels) < 256 else 2
    match live.name, live.args:
        case (("varchar" | "char"), (length,)):
            return 4 * length
        case (("varbinary" | "binary"), (length,)):
            return length
        case "decimal", (precision, scale):
            return sum(digits // 9 * 4 + _DECIMAL_BYTES[digits % 9] for digits in (precision - scale, scale))
        case "datetime", (digits,):
            return 5 + (digits + 1) // 2
        case "time", (digits,):
            return 3 + (digits + 1) // 2
        case name, _:
            return _FIXED.get(name.removesuffix(" unsigned"))


def row_bytes(columns: Sequence[Column]) -> int:
    """The row as the server counts it, with all text of a limited length in it."""
    return _null_bytes(columns) + sum(_in_row(column.type) for column in columns)


def page_bytes(columns: Sequence[Column], *, keyed: bool, short_pointers: bool) -> int:
    """What InnoDB keeps of a row in its page, where it moves as much as it can out of it.

    `keyed` says whether there is a primary key: it adds a hidden one where there is none.
    """
    header = 5 + 13 + (0 if keyed else 6)
    return header + _null_bytes(columns) + sum(_in_page(column.type, short_pointers) for column in columns)


def largest(columns: Iterable[Column]) -> Column:
    """The column that takes most of a row."""
    return max(columns, key=lambda column: _in_row(column.type))


def _null_bytes(columns: Sequence[Column]) -> int:
    return (sum(column.nullable for column in columns) + 7) // 8


def _in_row(live: SqlType) -> int:
    size = data_bytes(live)
    if size is None:
        return _TEXT_POINTERS.get(live.name, 12)
    return size + _length_bytes(live, size)


def _in_page(live: SqlType, short_pointers: bool) -> int:
    size = data_bytes(live)
    varies = size is None or _length_bytes(live, size) > 0
    if varies and short_pointers and (size is None or size > 255):
        return 1 + 20
    if varies and not short_pointers and (size is None or size >= 40):
        return 1 + 40
    assert size is not None, "what has no greatest size varies"
    return size + (1 if varies else 0)


def _length_bytes(live: SqlType, size: int) -> int:
    return (1 if size < 256 else 2) if live.name in ("varchar", "varbinary") else 0
