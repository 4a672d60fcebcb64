r"""Rows as INSERT statements of many rows: what a load does where LOAD DATA LOCAL isn't allowed.

It is made of the same text, `encode.mysqltext`'s, whose escapes (`\\`, and a backslash before a tab or a newline) are those of
a string constant too, in a session where backslashes escape. So both ways store the same, and refuse the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from arrowsync.dialects.dialect import LoadTarget
from arrowsync.dialects.mysql.chunks import WIRE_BYTES, Chunks
from arrowsync.dialects.refused_row import name_row
from arrowsync.errors import DatabaseError
from arrowsync.sql import SQL, Identifier, join, sql

_FIELD = re.compile(rb"((?:[^\\\t\n]+|\\.)*)[\t\n]", re.DOTALL)
_NULL = b"\\N"


@dataclass(frozen=True, slots=True)
class Insert:
    """What follows VALUES in a statement: the rows from `first_row` on, in parentheses each."""

    values: list[bytes]
    first_row: int


def insert_statement(target: LoadTarget) -> SQL:
    """How the statements begin."""
    columns = join(", ", [Identifier(column.name) for column in target.columns])
    verb = sql("REPLACE") if target.replacing else sql("INSERT")
    return sql("{verb} INTO {table} ({columns}) VALUES ", verb=verb, table=target.name.identifier, columns=columns)


def inserts(head: bytes, chunks: Chunks, most_bytes: int) -> Iterator[Insert]:
    """The statements that begin with `head`, of about 1 MiB and never more than `most_bytes`. Iterated in a worker thread."""
    # A field that the list of columns doesn't name is a variable of hexadecimal digits.
    opening = [b"'" if isinstance(field, Identifier) else b"x'" for field in chunks.encode.fields]
    enough = min(WIRE_BYTES, most_bytes)
    rows: list[bytes] = []
    size = len(head)
    first = 0
    for lines, _ in chunks.blocks():
        for row in _rows(bytes(lines), opening):
            if rows and size + len(row) > enough:
                yield Insert(rows, first)
                first, rows, size = first + len(rows), [], len(head)
            if len(head) + len(row) > most_bytes:
                chunks.error = _too_long(len(row), first, most_bytes)
                raise chunks.error
            rows.append(row)
            size += len(row) + 1
    if rows:
        yield Insert(rows, first)


def _rows(lines: bytes, opening: Sequence[bytes]) -> Iterator[bytes]:
    fields = _FIELD.findall(lines)
    for start in range(0, len(fields), len(opening)):
        row = fields[start : start + len(opening)]
        yield b"(" + b",".join([_constant(field, how) for field, how in zip(row, opening, strict=True)]) + b")"


def _constant(field: bytes, opening: bytes) -> bytes:
    return b"NULL" if field == _NULL else opening + field.replace(b"'", b"''") + b"'"


def _too_long(size: int, row: int, most: int) -> DatabaseError:
    error = DatabaseError(
        f"a row takes {size:,} bytes, and the server takes statements of {most:,}",
        hint="raise max_allowed_packet on the server, or allow LOAD DATA LOCAL there (local_infile)",
    )
    name_row(error, row)
    return error
