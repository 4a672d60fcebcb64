"""A server that asks for files of this machine, played by a few lines: it gets nothing, and the connection is cut."""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from arrowsync.catalog import Column, ObjectName, SqlType
from arrowsync.dialects.contract import LoadTarget
from arrowsync.dialects.mysql.session import open_session
from arrowsync.errors import DatabaseError
from arrowsync.sql import trusted

SCHEMA = pa.schema([("id", pa.int64())])
TARGET = LoadTarget(ObjectName(None, "t"), (Column("id", SqlType("bigint")),), SCHEMA)
AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBcDCCARWgAwIBAgIUCb5hRgZeQqu9C9r6YTIOC2y06yQwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBdDAgFw0yNjEyMDEwMDQxMTBaGA8yMTI2MTEwNzAwNDExMFow
DDEKMAgGA1UEAwwBdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABAH8tRdekauf
iUFhyxqqCbcI4tJlKJswiINM+CLvVjwk3lDZJ42Hrk7GpI24jw4VeUjQVvE1lr0P
p8FcpXgExaKjUzBRMB0GA1UdDgQWBBRJMelpwbFTCB7ox26RNyqBR+TAaDAfBgNV
HSMEGDAWgBRJMelpwbFTCB7ox26RNyqBR+TAaDAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0kAMEYCIQC1YyEageJBbWX0CXZYtV7LSuU+FfKJULOuIF4sUD5o
mQIhAPkFZQR2gEyX9mmBBZE1m2nWPARD6Yu8b+RGjU9Ym+6v
-----END CERTIFICATE-----
"""
"""A certificate that nobody has signed anything with."""
OK = b"\0\0\0\2\0\0\0"
PROTOCOL_41, SECURE, PLUGINS, SSL = 0x200, 0x8000, 0x80000, 0x800


def text(value: str) -> bytes:
    return bytes([len(value)]) + value.encode()


BINARY, UTF8 = 63, 45


def result(*, charset: int = UTF8, **row: str) -> list[bytes]:
    """One row of columns of text in a character set, as packets."""
    end = b"\xfe\0\0\2\0"
    columns = [
        text("def") + text("") * 3 + text(name) * 2 + b"\x0c" + struct.pack("<HIBHBxx", charset, 200, 253, 0, 0)
        for name in row
    ]
    return [bytes([len(row)]), *columns, end, b"".join(text(value) for value in row.values()), end]


class FakeServer:
    """Says yes to all that a session asks before it loads; `asks` is the file that it wants of a LOAD DATA, from its name.

    `received` is all that clients sent after they had signed in.
    """

    def __init__(
        self, asks: Callable[[str], str], *, capabilities: int = 0, plugin: str = "mysql_native_password"
    ) -> None:
        self.asks = asks
        self.capabilities = PROTOCOL_41 | SECURE | PLUGINS | capabilities
        self.plugin = plugin
        self.received = b""
        self.greeted = b""
        self.cut = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except asyncio.IncompleteReadError as error:
            self.received += error.partial
        finally:
            self.cut.set()
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        low, high = self.capabilities & 0xFFFF, self.capabilities >> 16
        greeting = b"\n8.4.0\0" + struct.pack("<I8sxHBHHB10x", 7, b"12345678", low, 45, 2, high, 21) + b"123456789012\0"
        self._send(writer, 0, [greeting + self.plugin.encode() + b"\0"])
        number, self.greeted = await self._receive(reader)
        self._send(writer, number + 1, [OK])
        while True:
            number, packet = await self._receive(reader)
            self.received += packet
            self._send(writer, number + 1, self._answer(packet[1:].decode(errors="replace")))

    def _answer(self, statement: str) -> list[bytes]:
        if "version()" in statement:
            row = {
                "version": "8.4.0",
                "namespace": "db",
                "id": "7",
                "files": "1",
                "packet": "1048576",
                "host": "h",
                "port": "1",
            }
            return result(charset=BINARY, **row, number="1")
        if statement.startswith("SHOW CREATE"):
            return result(Table="t", create=") ENGINE=InnoDB")
        if statement.startswith("SHOW FULL"):
            return result(Field="id", Collation="", Null="YES", Default="", Extra="")
        if found := re.search(r"INFILE '([^']*)'", statement):
            return [b"\xfb" + self.asks(found[1]).encode()]
        return [b"\xfb" + self.asks("").encode()] if "gimme" in statement else [OK]

    async def _receive(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        header = await reader.readexactly(4)
        return header[3], await reader.readexactly(int.from_bytes(header[:3], "little"))

    def _send(self, writer: asyncio.StreamWriter, number: int, packets: list[bytes]) -> None:
        for at, packet in enumerate(packets, number):
            writer.write(struct.pack("<I", len(packet) | at % 256 << 24) + packet)


@asynccontextmanager
async def listening(fake: FakeServer) -> AsyncGenerator[str]:
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    try:
        yield f"mysql://me:s3cret@127.0.0.1:{server.sockets[0].getsockname()[1]}/db"
    finally:
        async with asyncio.timeout(5):
            await fake.cut.wait()
        server.close()
        await server.wait_closed()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "id_rsa"
    path.write_text("PRIVATE KEY")
    return path


@pytest.mark.parametrize("prefixed", [True, False])
def test_another_file_than_ours_is_refused(secret: Path, prefixed: bool) -> None:
    async def run() -> None:
        fake = FakeServer(lambda name: f"{name}/../{secret}" if prefixed else str(secret))
        async with listening(fake) as url:
            session = await open_session(url)
            taken = []

            def batches():  # type: ignore[no-untyped-def]
                taken.append(1)
                yield pa.record_batch([pa.array([424242], pa.int64())], schema=SCHEMA)

            with pytest.raises(DatabaseError, match="asked for a file") as caught:
                await session.load(TARGET, batches())
            assert "s3cret" not in repr(vars(caught.value))
            async with asyncio.timeout(5):
                await fake.cut.wait()
            assert b"PRIVATE" not in fake.received
            assert b"424242" not in fake.received
            assert taken == []
            await session.close()

    asyncio.run(run())


def test_a_query_is_not_answered_with_a_file(secret: Path) -> None:
    async def run() -> None:
        fake = FakeServer(lambda _: str(secret))
        async with listening(fake) as url:
            session = await open_session(url)
            for act in (session.execute, session.fetch):
                with pytest.raises(DatabaseError):  # the second one: the connection is cut
                    await act(trusted("SELECT 'gimme'"))
            async with asyncio.timeout(5):
                await fake.cut.wait()
            assert b"PRIVATE" not in fake.received
            await session.close()

    asyncio.run(run())


def test_our_own_file_is_sent() -> None:
    """The same fake server, asking for what the statement names: so what is refused above is refused for its name."""

    async def run() -> None:
        fake = FakeServer(lambda name: name)
        async with listening(fake) as url:
            session = await open_session(url)
            rows = pa.record_batch([pa.array([424242], pa.int64())], schema=SCHEMA)
            with pytest.raises(DatabaseError):  # it stores nothing
                await session.load(TARGET, iter([rows]))
            assert b"424242\n" in fake.received
            await session.close()

    asyncio.run(run())


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_tls_that_is_required_is_not_given_up(mode: str, tmp_path: Path) -> None:
    certificates = tmp_path / "ca.pem"
    certificates.write_text(AUTHORITY)

    async def run() -> None:
        fake = FakeServer(lambda name: name)
        async with listening(fake) as url:
            with pytest.raises(DatabaseError, match="no TLS"):
                await open_session(
                    f"{url}?ssl-mode={mode}" + (f"&ssl-ca={certificates}" if mode == "verify-ca" else "")
                )
            assert fake.greeted == b""

    asyncio.run(run())


def test_the_plain_password_is_not_sent_unencrypted() -> None:
    async def run() -> None:
        fake = FakeServer(lambda name: name, plugin="mysql_clear_password")
        async with listening(fake) as url:
            with pytest.raises(DatabaseError, match="the password itself"):
                await open_session(url)
            assert fake.greeted == b""

    asyncio.run(run())
