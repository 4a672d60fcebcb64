"""What a load looks at before and after: whether the target can be rolled back, and whether all was stored as it was sent.

LOAD DATA LOCAL is never strict. A row that repeats a key or breaks a check is left out, and a value that doesn't fit is made to,
all with a warning only: so one warning is enough to fail.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import pyarrow as pa

from arrowsync.catalog import Column
from arrowsync.dialects.dialect import LoadTarget, Server, Unstorable
from arrowsync.dialects.mysql.faults import fault
from arrowsync.dialects.mysql.flavours import NATIVE_JSON
from arrowsync.dialects.mysql.wire import Reply
from arrowsync.encode.mysqltext import MySqlTextEncoder, compile_mysqltext
from arrowsync.errors import ConstraintViolated, DatabaseError
from arrowsync.sql import SQL, sql

Fetch: TypeAlias = "Callable[[SQL], Awaitable[pa.Table]]"

LOAD_DATA = "LOAD DATA LOCAL"
INSERT = "INSERT"

_ENGINE = re.compile(r"^\) ENGINE=(\w+)", re.MULTILINE)
_TRANSACTIONAL = frozenset({"InnoDB", "ROCKSDB", "TokuDB", "ndbcluster"})


async def check_target(fetch: Fetch, target: LoadTarget) -> list[str | None]:
    """The collations of the target's columns; a DatabaseError for a table that keeps rows that are rolled back."""
    table = target.name.identifier
    created = await fetch(sql("SHOW CREATE TABLE {table}", table=table))
    engine = _ENGINE.search(str(created.column(1)[0]))
    if engine is None:
        raise DatabaseError(f"{target.name} is no table, and rows can't be loaded into it", hint="load into a table")
    if engine[1] not in _TRANSACTIONAL:
        raise DatabaseError(
            f"the table {target.name} is kept by {engine[1]}, which has no transactions: a load that fails would stay there "
            "in part",
            hint="ALTER TABLE ... ENGINE=InnoDB first",
        )
    shown = (await fetch(sql("SHOW FULL COLUMNS FROM {table}", table=table))).to_pylist()
    brought = {column.name for column in target.columns}
    for row in shown:
        if row["Null"] == "NO" and row["Default"] is None and not row["Extra"] and row["Field"] not in brought:
            raise ConstraintViolated(  # LOAD DATA would put a zero there, and say nothing
                f"the column {row['Field']!r} of {target.name} takes no NULL and has no default, and the data doesn't have it",
                kind="not null",
                table=target.name.name,
                column=row["Field"],
                hint="bring the column, or give it a default",
            )
    collations = {row["Field"]: row["Collation"] for row in shown}
    return [collations.get(column.name) for column in target.columns]


def unstorable(server: Server, columns: Sequence[Column], schema: pa.Schema) -> Unstorable:
    """What finds values that the columns can't hold."""
    return encoder(server, columns, schema, [column.collation for column in columns]).refused


def encoder(
    server: Server, columns: Sequence[Column], schema: pa.Schema, collations: Sequence[str | None]
) -> MySqlTextEncoder:
    """What writes batches of `schema` for the columns."""
    return compile_mysqltext(
        schema,
        [column.type for column in columns],
        required=[not column.nullable for column in columns],
        collations=collations,
        exact_json=NATIVE_JSON not in server.features,
    )


async def check_stored(fetch: Fetch, reply: Reply, target: LoadTarget, rows: int) -> None:
    """Refuse what the statement did, unless it stored all the rows and has nothing to say about them.

    A row that replaces another one is counted twice, or once where they are the same.
    """
    if not reply.warnings and (reply.rows == rows or (target.replacing and reply.rows > rows)):
        return
    warnings = (await fetch(sql("SHOW WARNINGS"))).to_pylist() if reply.warnings else []
    if warnings:
        first = warnings[0]
        raise fault(first["Code"], first["Message"], None, table=target.name.name)
    if reply.warnings:
        raise DatabaseError(
            f"the server has {_warnings(reply.warnings)} about the rows for {target.name}, and doesn't say what",
            hint="nothing was changed; SET SESSION max_error_count = 64 (or GLOBAL, before connecting) to be told",
        )
    raise DatabaseError(
        f"{rows:,} rows were sent to {target.name}, and {reply.rows:,} arrived",
        hint="nothing was changed; a trigger on the table may be at work",
    )


def _warnings(count: int) -> str:
    return f"{count:,} warning{'' if count == 1 else 's'}"
