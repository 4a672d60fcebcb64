"""`Wire`: the client-server protocol of MySQL and MariaDB, on the socket of an aiomysql connection, and `send_file`, LOAD DATA
LOCAL from a stream that is no file.
"""

from __future__ import annotations

import asyncio
import secrets
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, TypeVar

from arrowsync.bridge import close_silently
from arrowsync.dialects.contract import LoadTarget
from arrowsync.dialects.silence import SilenceWatch
from arrowsync.sql import SQL, Literal, join, sql
from arrowsync.wire.mysqltext.encode import MySqlTextEncoder

T = TypeVar("T")

MAX_PAYLOAD = 0xFFFFFF
"""Bytes of a packet; a longer message goes on in the next one."""
READ_BYTES = 1 << 18
IN_TRANSACTION, AUTOCOMMIT = 0x1, 0x2
"""Flags of `Wire.status`."""

_MORE_RESULTS = 0x8
_STATE_CHANGED = 0x4000
_QUERY = b"\3"
_OK, _FILE, _EOF, _ERROR = 0x00, 0xFB, 0xFE, 0xFF
_SIZES = {0xFC: 2, 0xFD: 3, 0xFE: 8}
"""The first byte of a number that is larger than itself, and how many bytes follow."""


class ServerError(Exception):
    """An ERR packet: `args` are its number and message, as those of a driver's errors, and its SQLSTATE."""


class FileAsked(Exception):
    """The server asked for a file, by the name in `args`, in answer to a statement that sends none."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The outcome of a statement without a result."""

    rows: int
    warnings: int


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a result, as the server describes it: `charset` 63 is that of bytes, `size` counts bytes."""

    name: str
    kind: int
    charset: int
    size: int
    flags: int
    decimals: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a result as they came: row i is `data[starts[i]:ends[i]]`."""

    data: bytes
    starts: list[int]
    ends: list[int]


class Wire:
    """The protocol on one connection. `pending` is True until the answer to a statement has ended."""

    def __init__(self, connection: Any, watch: SilenceWatch) -> None:
        self.connection = connection
        self.watch = watch
        self.pending = False
        self.uploading = False
        self.recoded = False
        """Whether a statement has changed a character set of the session: only told with CLIENT_SESSION_TRACK."""
        self._in_rows = False
        self._buffer = bytearray()
        self._at = 0
        self._sequence = 0

    @property
    def closed(self) -> bool:
        writer = self.connection._writer
        return writer is None or writer.transport.is_closing()

    @property
    def status(self) -> int:
        """The server's flags after the last statement."""
        flags: int = self.connection.server_status
        return flags

    def abort(self) -> None:
        """Cut the connection, whatever is under way."""
        self.pending = self.uploading = self._in_rows = False
        if (writer := self.connection._writer) is not None:
            writer.transport.abort()
        self.connection.close()

    def abandon(self) -> None:
        """Close the socket of this process, with nothing sent."""
        if (writer := self.connection._writer) is not None:
            close_silently(writer.transport)

    async def send(self, statement: bytes) -> None:
        """Send a statement; its answer is pending from now on."""
        assert not self.pending, "an answer is read to its end before the next statement"
        if self.closed:
            self.connection.close()
            raise ConnectionResetError(self.watch.reason or "it is closed")
        self._buffer.clear()
        self._at = self._sequence = 0
        self.pending = True
        message = _QUERY + statement
        for start in range(0, len(message) + 1, MAX_PAYLOAD):
            self._write(message[start : start + MAX_PAYLOAD])
        await self._drain()

    # ---- the answer

    async def reply(self) -> Reply | list[Field]:
        """Read the head of the answer: the outcome, or the columns of a result whose rows `rows` gives."""
        begin = self._at
        try:
            packet = await self._packet()
            if packet[0] == _OK:
                return self._done(packet)
            if packet[0] == _FILE:
                self.uploading = True
                raise FileAsked(packet[1:].decode(errors="surrogateescape"))
            count, _ = _number(packet, 0)
            fields = [_field(await self._packet()) for _ in range(count)]
            await self._packet()  # the EOF that ends the columns
        except asyncio.CancelledError:
            self._at = begin  # all of it is read again
            raise
        self._in_rows = True
        return fields

    async def rows(self, most: int) -> Rows | None:
        """About `most` bytes of rows, but at least one, or the last ones; None after them."""
        buffer = self._buffer
        del buffer[: self._at]
        self._at = at = 0
        starts: list[int] = []
        ends: list[int] = []
        while True:
            end = long = False
            size = len(buffer)
            while at + 4 < size:
                length = buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16
                first = buffer[at + 4]
                long = length == MAX_PAYLOAD
                end = first == _ERROR or (first == _EOF and length < 9)
                if at + 4 + length > size or long or end or at >= most:
                    break
                starts.append(at + 4)
                at += 4 + length
                ends.append(at)
            if starts and (long or end or at >= most):
                self._at = at
                with memoryview(buffer) as view:
                    return Rows(bytes(view[:at]), starts, ends)
            if long or end:
                packet = await self._packet()
                if long:
                    return Rows(packet, [0], [len(packet)])
                self._in_rows = False
                self._ended(*struct.unpack_from("<H", packet, 3))
                return None
            await self._fill()

    async def discard(self) -> None:
        """Read the rest of the answer and drop it, errors included."""
        if self.uploading:
            self.end_upload()
        while self.pending:
            try:
                if not self._in_rows:
                    await self.reply()
                elif await self.rows(READ_BYTES) is None:
                    continue
            except FileAsked:
                self.end_upload()
            except ServerError:
                continue

    # ---- a file of ours

    async def upload(self, chunk: memoryview) -> None:
        """A piece of the file that was asked for, shorter than a packet and not empty, which would end the file.

        Whole packets go out, also where this is cancelled.
        """
        self._write(chunk)
        await self._drain()

    def end_upload(self) -> None:
        self.uploading = False
        if not self.closed:
            self._write(b"")

    @property
    def has_answer(self) -> bool:
        """True if the server has said something that was not read, or is gone."""
        reader = self.connection._reader
        return reader is None or bool(reader._buffer) or reader.at_eof() or self.closed

    def _write(self, payload: bytes | memoryview) -> None:
        header = struct.pack("<I", len(payload) | self._sequence << 24)
        self._sequence = (self._sequence + 1) % 256
        self.connection._writer.writelines([header, payload])

    async def _drain(self) -> None:
        """Wait until the socket has room. Errors of a broken socket are left to the next read: the server may have said why."""
        try:
            with self.watch.waiting():
                await self.connection._writer.drain()
        except OSError:
            return

    async def _packet(self) -> bytes:
        """The next message, whole. An error is raised, and ends the answer."""
        at, parts = self._at, bytearray()
        length = MAX_PAYLOAD
        while length == MAX_PAYLOAD:
            while len(self._buffer) < at + 4:
                await self._fill()
            length = int.from_bytes(self._buffer[at : at + 3], "little")
            self._sequence = (self._buffer[at + 3] + 1) % 256
            while len(self._buffer) < at + 4 + length:
                await self._fill()
            parts += self._buffer[at + 4 : at + 4 + length]
            at += 4 + length
        self._at = at
        if parts[0] == _ERROR:
            self.pending = self._in_rows = self.uploading = False
            code: int = struct.unpack_from("<H", parts, 1)[0]
            state, message = (parts[4:9], parts[9:]) if parts[3:].startswith(b"#") else (b"", parts[3:])
            raise ServerError(code, message.decode(errors="replace"), state.decode(errors="replace"))
        return bytes(parts)

    async def _fill(self) -> None:
        reader = self.connection._reader
        if reader is None:
            raise ConnectionResetError(self.watch.reason or "it is closed")
        try:
            with self.watch.waiting():
                arrived: bytes = await reader.read(READ_BYTES)
        except OSError:
            self.abort()
            raise
        if not arrived:
            self.abort()
            raise ConnectionResetError(self.watch.reason or "the server has closed it")
        self._buffer += arrived

    def _done(self, packet: bytes) -> Reply:
        rows, at = _number(packet, 1)
        _, at = _number(packet, at)
        status, warnings = struct.unpack_from("<HH", packet, at)
        if status & _STATE_CHANGED and b"character_set_" in packet[at:]:
            self.recoded = True
        self._ended(status)
        return Reply(rows, warnings)

    def _ended(self, status: int) -> None:
        self.connection.server_status = status
        self.pending = bool(status & _MORE_RESULTS)


def _number(packet: bytes, at: int) -> tuple[int, int]:
    """A number of the protocol, and where it ends."""
    first = packet[at]
    size = _SIZES.get(first, 0)
    if not size:
        return first, at + 1
    return int.from_bytes(packet[at + 1 : at + 1 + size], "little"), at + 1 + size


def _field(packet: bytes) -> Field:
    at = 0
    texts: list[bytes] = []
    for _ in range(6):  # catalog, schema, table, its own table, name, its own name
        length, begin = _number(packet, at)
        at = begin + length
        texts.append(packet[begin:at])
    charset, size, kind, flags, decimals = struct.unpack_from("<HIBHB", packet, at + 1)
    return Field(texts[4].decode(errors="replace"), kind, charset, size, flags, decimals)


REFUSED = frozenset({"1148", "2068", "3948", "3950", "4166"})
"""Errors of a server that refuses LOAD DATA LOCAL, from anybody or from a client without that capability."""


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
    """Send the chunks as the file that was asked for; the server's answer.

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
