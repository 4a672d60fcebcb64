r"""`send_file`: rows into a table with LOAD DATA LOCAL, from a stream that is no file.

The statement names a file, and the server asks for what it likes: a hostile one for any file of this machine. Here nothing is
ever opened. The name is random, made for one statement, and what is sent when it is asked for is the stream of that statement;
any other name is `FileAsked`, and the session cuts the connection.

The protocol has no way to say that a file is not whole: it ends with an empty packet, whatever happened. So a source that
fails leaves the answer pending, and the session kills the statement and rolls back.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

from arrowsync.dialects.dialect import LoadTarget
from arrowsync.dialects.mysql.wire import FileAsked, Reply, Wire
from arrowsync.encode.mysqltext import MySqlTextEncoder
from arrowsync.sql import SQL, Literal, join, sql

REFUSED = frozenset({"1148", "2068", "3948", "3950", "4166"})
"""What a server answers that takes no LOAD DATA LOCAL, from anybody or from a client that hasn't said that it can."""


def file_name() -> str:
    """A name that nobody guesses."""
    return f"arrowsync-{secrets.token_hex(16)}"


def load_statement(target: LoadTarget, encode: MySqlTextEncoder, name: str) -> SQL:
    """The statement that reads the lines of `encode` from the file of that name."""
    statement = sql(
        "LOAD DATA LOCAL INFILE {name} {replace}INTO TABLE {table} CHARACTER SET utf8mb4 "
        "FIELDS TERMINATED BY '\\t' ENCLOSED BY '' ESCAPED BY '\\\\' LINES STARTING BY '' TERMINATED BY '\\n' ({fields})",
        name=Literal(name),
        replace=sql("REPLACE ") if target.replacing else SQL(()),
        table=target.name.identifier,
        fields=join(", ", encode.fields),
    )
    if not encode.assignments:
        return statement
    return sql("{statement} SET {parts}", statement=statement, parts=join(", ", encode.assignments))


def variables(encode: MySqlTextEncoder) -> list[SQL]:
    """The variables of the session in which the statement leaves values of the last row."""
    return [field for field in encode.fields if isinstance(field, SQL)]


async def ask_for_file(wire: Wire, statement: bytes, name: str) -> None:
    """Send the statement, and wait until the server asks for the file; `FileAsked` where it asks for another."""
    await wire.send(statement)
    try:
        await wire.reply()
    except FileAsked as asked:
        if asked.args != (name,):
            raise
        return
    raise ConnectionResetError("it answered LOAD DATA without asking for the data")


async def send_file(wire: Wire, chunks: AsyncIterator[memoryview]) -> Reply:
    """The chunks as the file that was asked for; what the server says of it.

    One chunk is under way at a time, so that a slow server makes the source wait. A server that has given up is heard
    before the source has come to its end.
    """
    async for chunk in chunks:
        if wire.has_answer:
            break
        await wire.upload(chunk)
    wire.end_upload()
    reply = await wire.reply()
    assert isinstance(reply, Reply), "LOAD DATA has no result"
    return reply
