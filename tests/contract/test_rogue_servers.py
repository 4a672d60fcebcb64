"""One error tree: whatever a server answers, and whatever a driver makes of it, the error is arrowsync's."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pytest

import arrowsync
from arrowsync import ArrowSyncError, ConnectionLost, DatabaseError
from arrowsync.dialects import silence

# asyncpg's own destructor fails on a connection that was never complete.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
SHORT = silence.Limits(quiet=0.5, answer=2.0, look=0.1, cleanup=0.5)


def pg(kind: bytes, body: bytes, length: int | None = None) -> bytes:
    return kind + struct.pack(">I", (len(body) + 4 if length is None else length) & 0xFFFFFFFF) + body


SIGNED_IN = pg(b"R", struct.pack(">I", 0))
READY = pg(b"Z", b"I")
VERSION = pg(b"S", b"server_version\x0015.0\0")
KEY = pg(b"K", struct.pack(">II", 7, 7))

POSTGRES = {
    "nothing": [b""],
    "HTTP": [b"HTTP/1.1 400 Bad Request\r\n\r\n"],
    "noise": [bytes(range(256))],
    "no version": [b"N", SIGNED_IN + READY],
    "a version of letters": [b"N", SIGNED_IN + pg(b"S", b"server_version\0x.y\0") + KEY + READY],
    "unknown authentication": [b"N", pg(b"R", struct.pack(">I", 99))],
    "an authentication without its number": [b"N", pg(b"R", b"")],
    "a length of 0": [b"N", pg(b"R", b"\0\0\0\0", 0)],
    "a negative length": [b"N", pg(b"R", b"\0\0\0\0", -5)],
    "a huge length": [b"N", pg(b"R", b"\0\0\0\0", 1 << 30)],
    "a setting that is no text": [b"N", SIGNED_IN + pg(b"S", b"\xff\xfe\0\xff\0") + VERSION + KEY + READY],
    "an error without fields": [b"N", pg(b"E", b"")],
    "an error cut off": [b"N", pg(b"E", b"SFATAL\0C")],
    "an error that is no text": [b"N", pg(b"E", b"S\xff\xff\0C\xff\0M\xfe\0\0")],
    "an unknown message": [b"N", pg(b"?", b"abc")],
    "SASL without methods": [b"N", pg(b"R", struct.pack(">I", 10))],
    "rubbish for a query": [b"N", SIGNED_IN + VERSION + KEY + READY, pg(b"T", b"\0\x05abc") + pg(b"D", b"\xff\xff")],
    "an unknown answer": [b"N", SIGNED_IN + VERSION + KEY + READY, pg(b"?", b"") + READY],
    "a description cut off": [b"N", SIGNED_IN + VERSION + KEY + READY, pg(b"1", b"") + pg(b"t", b"\0\x09") + READY],
    "only that it is ready": [b"N", SIGNED_IN + VERSION + KEY + READY, READY, READY, READY],
}


def my(number: int, body: bytes, length: int | None = None) -> bytes:
    return struct.pack("<I", (len(body) if length is None else length) | number << 24) + body


def greeting(plugin: bytes = b"mysql_native_password", version: bytes = b"8.0.36") -> bytes:
    head = b"\x0a" + version + b"\0" + struct.pack("<I", 7) + b"12345678\0" + b"\xff\xf7" + b"\x2d\2\0" + b"\xff\x07"
    return my(0, head + bytes([21]) + bytes(10) + b"abcdefghijkl\0" + plugin + b"\0")


MY_OK = b"\0\0\0\2\0\0\0"
MYSQL = {
    "nothing": [b""],
    "HTTP": [b"HTTP/1.1 400 Bad Request\r\n\r\n"],
    "noise": [bytes(range(256))],
    "an old protocol": [my(0, b"\x09" + b"3.23\0")],
    "a greeting cut off": [my(0, b"\x0a8.0")],
    "an empty greeting": [my(0, b"")],
    "an error without a number": [my(0, b"\xff")],
    "an error that is no text": [my(0, b"\xff\x15\x04#\xff\xff\xff\xff\xff\xfe\xfe")],
    "an unknown plugin": [greeting(b"\xff\xfe\xfd")],
    "another packet than the next": [greeting(), my(77, MY_OK)],
    "an empty answer": [greeting(), my(2, b"")],
    "a switch cut off": [greeting(), my(2, b"\xfe")],
    "a switch to nothing": [greeting(), my(2, b"\xfe\0\0")],
    "an OK cut off": [greeting(), my(2, MY_OK), my(1, b"\0")],
    "an empty answer to a query": [greeting(), my(2, MY_OK), my(1, b"")],
    "columns that are none": [greeting(), my(2, MY_OK), my(1, b"\1") + my(2, b"\3de") + my(3, b"\xfe\0\0\2\0")],
    "a number of columns cut off": [greeting(), my(2, MY_OK), my(1, b"\xfe\1")],
    "an error cut off": [greeting(), my(2, MY_OK), my(1, b"\xff\1")],
    "a file": [greeting(), my(2, MY_OK), my(1, b"\xfb/etc/passwd")],
    "OK for a query": [greeting(), my(2, MY_OK), my(1, MY_OK), my(1, MY_OK)],
}
HANDSHAKES = [
    *(("postgresql", name, answers) for name, answers in POSTGRES.items()),
    *(("mysql", name, answers) for name, answers in MYSQL.items()),
]


@contextmanager
def answering(answers: list[bytes], *, speaks_first: bool) -> Iterator[int]:
    """The port of a server that says these things, one after the other, and then closes."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                with client, suppress(OSError):
                    client.settimeout(2)
                    for number, answer in enumerate(answers):
                        if number or not speaks_first:
                            client.recv(1 << 16)
                        client.sendall(answer)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(1 << 16):
                        pass

    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        listening.close()


@pytest.mark.parametrize(
    ("scheme", "name", "answers"), HANDSHAKES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_handshake_of_rubbish(scheme: str, name: str, answers: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "LIMITS", SHORT)
    tls = "sslmode" if scheme == "postgresql" else "ssl-mode"
    with (
        answering(answers, speaks_first=scheme == "mysql") as port,
        pytest.raises((ConnectionLost, DatabaseError)) as failed,
    ):
        arrowsync.connect(f"{scheme}://joe:pw@127.0.0.1:{port}/db?{tls}=prefer").close()
    assert failed.value.hint or failed.value.__cause__ is not None


# ---- answers that are changed on the way

URLS = {"postgres": "postgres_url", "mysql": "mysql_url", "mariadb": "mariadb_url"}


class Mutator:
    """Passes bytes on between clients and a server, and changes the server's from a moment on that the seed chooses."""

    def __init__(self, url: str, seed: int) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "", parts.port or 0)
        self._random = random.Random(seed)
        self._bytes = self._random.randrange(1, 6_000)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        tls = "sslmode" if parts.scheme == "postgresql" else "ssl-mode"
        host = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[0]}@{host}{parts.path}?{tls}=disable"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._server)
                self._ends += [client, server]
                for source, to, changes in ((client, server, False), (server, client, True)):
                    thread = threading.Thread(target=self._pump, args=(source, to, changes))
                    self._threads.append(thread)
                    thread.start()

    def _pump(self, source: socket.socket, to: socket.socket, changes: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if changes:
                    self._bytes -= len(data)
                    if self._bytes < 0:
                        data = self._changed(data)
                to.sendall(data)
        for end in (source, to):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _changed(self, data: bytes) -> bytes:
        some = bytearray(data)
        at = self._random.randrange(len(some))
        match self._random.randrange(5):
            case 0:
                some[at] ^= 1 << self._random.randrange(8)
            case 1:
                some[at] = self._random.choice(b"\0\xff\x7f\xfe\xfb")
            case 2:
                del some[at : at + self._random.randrange(1, 9)]
            case 3:
                some[at:at] = self._random.randbytes(self._random.randrange(1, 9))
            case _:
                some[at : at + 4] = self._random.randbytes(4)
        return bytes(some)

    def close(self) -> None:
        for end in (self._listening, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in (self._listening, *self._ends):
            end.close()


def used(url: str) -> None:
    with arrowsync.connect(url) as conn:
        conn.fetch("SELECT 1 AS n, 'text' AS t, 2.5 AS d")
        rows = pa.table({"id": range(50), "t": ["text"] * 50})
        arrowsync.sync_table(rows, "changed", conn, key="id")
        arrowsync.read_table("changed", conn)


def changed(url: str, seed: int) -> None:
    proxy = Mutator(url, seed)
    try:
        with suppress(ArrowSyncError):
            used(proxy.url)
    finally:
        proxy.close()


@pytest.mark.parametrize("product", ["mysql", "mariadb"])  # asyncpg itself crashes on some of them
def test_answers_that_are_changed_on_the_way(
    product: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "LIMITS", SHORT)
    url = request.getfixturevalue(URLS[product])
    for seed in range(6):
        changed(url, seed)


@pytest.mark.soak
@pytest.mark.parametrize("product", ["mysql", "mariadb"])
def test_many_answers_that_are_changed_on_the_way(
    product: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "LIMITS", SHORT)
    url = request.getfixturevalue(URLS[product])
    for seed in range(300):
        changed(url, seed)


# ---- whatever a driver raises

FOREIGN: list[Exception] = [
    AssertionError("no"),
    AttributeError("server_version"),
    IndexError("index out of range"),
    KeyError("x"),
    LookupError(),
    NotImplementedError(),
    OSError("broken"),
    OverflowError("too large"),
    RuntimeError("attached to a different loop"),
    TypeError("an int, not a str"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ValueError("not enough values"),
    asyncio.IncompleteReadError(b"", 4),
    pa.ArrowInvalid("invalid"),
    struct.error("unpack requires 4 bytes"),
]


def _raising(error: Exception) -> Callable[..., Any]:
    async def fails(*args: object, **kwargs: object) -> Any:
        raise error

    return fails


SEAMS: list[tuple[str, str, str, Callable[[arrowsync.Connection], object]]] = [
    ("postgres", "asyncpg.Connection", "execute", lambda conn: conn.execute("SELECT 1")),
    ("postgres", "asyncpg.Connection", "prepare", lambda conn: conn.fetch("SELECT 1 AS n")),
    ("postgres", "asyncpg.Connection", "copy_from_query", lambda conn: conn.fetch("SELECT 1 AS n")),
    ("postgres", "asyncpg.Connection", "copy_to_table", lambda conn: arrowsync.sync_table([{"id": 1}], "t", conn)),
    ("mysql", "asyncio.StreamReader", "read", lambda conn: conn.fetch("SELECT 1 AS n")),
    ("mysql", "asyncio.StreamReader", "read", lambda conn: conn.execute("SELECT 1")),
    ("mysql", "asyncio.StreamWriter", "drain", lambda conn: arrowsync.sync_table([{"id": 1}], "t", conn)),
]
"""Where drivers are called, and what calls them there."""


@pytest.mark.parametrize(
    ("product", "owner", "name", "call"),
    SEAMS,
    ids=[f"{seam[0]}-{seam[2]}-{number}" for number, seam in enumerate(SEAMS)],
)
def test_what_a_driver_raises_is_translated(
    product: str,
    owner: str,
    name: str,
    call: Callable[[arrowsync.Connection], object],
    request: pytest.FixtureRequest,
) -> None:
    url = request.getfixturevalue(URLS[product])
    for error in FOREIGN:
        with arrowsync.connect(url) as conn, pytest.MonkeyPatch.context() as patch:
            patch.setattr(f"{owner}.{name}", _raising(error))
            patch.setattr("arrowsync.dialects.postgres.asyncpg_copy.STOP_SECONDS", 0.1)
            failed: BaseException | None = None
            try:
                call(conn)
            except BaseException as caught:
                failed = caught
        assert failed is None or isinstance(failed, DatabaseError), (error, failed)
        assert failed is None or failed.__cause__ is not None
