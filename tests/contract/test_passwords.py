"""The password itself goes only to a server that has proved who it is, or over a Unix socket; each hint of a refusal signs in."""

from __future__ import annotations

import datetime
import socket
import ssl
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from servers.mysqlkind import MySqlServer
from servers.postgres import PostgresServer

import arrowsync
from arrowsync.errors import DatabaseError

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SALT = b"12345678abcdefghijkl"
PASSWORD = "Tr0ub4dor"
UNPROVED = "has not proved who it is"


def exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := sock.recv(size - len(data))):
        data += more
    return data


def postgres_clear(sock: socket.socket) -> bytes:
    """No TLS, and AuthenticationCleartextPassword, byte by byte."""
    message = exactly(sock, struct.unpack(">I", exactly(sock, 4))[0] - 4)
    if message[:4] == struct.pack(">I", 80877103):  # asks for TLS
        sock.sendall(b"N")
        exactly(sock, struct.unpack(">I", exactly(sock, 4))[0] - 4)
    for byte in b"R" + struct.pack(">II", 8, 3):
        sock.sendall(bytes([byte]))
    return sock.recv(1000)


def mysql(first: bytes, then: bytes, *, tls: bool) -> Callable[[socket.socket], bytes]:
    """A server that greets with one way to sign in and switches to another; its certificate and key are its own."""

    def talk(sock: socket.socket) -> bytes:
        with ExitStack() as stack:
            return talked(sock, stack)

    def talked(sock: socket.socket, stack: ExitStack) -> bytes:
        def send(number: int, body: bytes) -> None:
            sock.sendall(struct.pack("<I", len(body) | number << 24) + body)

        def receive() -> tuple[int, bytes]:
            head = exactly(sock, 4)
            return head[3], exactly(sock, int.from_bytes(head[:3], "little"))

        capabilities = 0x000FF7FF | (0x800 if tls else 0)
        capabilities = capabilities if tls else capabilities & ~0x800
        low, high = struct.pack("<H", capabilities & 0xFFFF), struct.pack("<H", capabilities >> 16)
        tail = SALT[:8] + b"\0" + low + b"\x2d\2\0" + high + bytes([21]) + bytes(10) + SALT[8:] + b"\0" + first + b"\0"
        send(0, b"\x0a8.0.36\0" + struct.pack("<I", 7) + tail)
        number, got = receive()
        if tls:
            sock = stack.enter_context(server_tls().wrap_socket(sock, server_side=True))
            number, got = receive()
        if then != first:
            send(number + 1, b"\xfe" + then + b"\0" + SALT + b"\0")
            number, answer = receive()
            got += answer
        if then == b"caching_sha2_password":
            send(number + 1, b"\x01\x04")  # "full authentication"
            number, answer = receive()
            got += answer
        public = KEY.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        send(number + 1, b"\x01" + public)
        _, answer = receive()
        mixed = KEY.decrypt(answer, padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))
        return got + bytes(byte ^ SALT[i % 20] for i, byte in enumerate(mixed))

    return talk


def server_tls() -> ssl.SSLContext:
    """TLS with a certificate that nobody has signed."""
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rogue")]), datetime.datetime.now(datetime.UTC)
    days = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, KEY.public_key(), 1, now - days, now + days)
    private = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(private + builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        file.flush()
        context.load_cert_chain(file.name)
    return context


METHODS = (b"mysql_clear_password", b"caching_sha2_password", b"sha256_password")
ROGUES = {"postgresql": postgres_clear} | {
    f"mysql {first.decode()} {then.decode()} {'TLS' if tls else 'plain'}": mysql(first, then, tls=tls)
    for first in (b"mysql_native_password", *METHODS)
    for then in METHODS
    for tls in (False, True)
}


@pytest.mark.parametrize("rogue", ROGUES)
def test_a_stranger_gets_no_password(rogue: str) -> None:
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(10)
                try:
                    got.append(ROGUES[rogue](sock))
                except (OSError, ValueError, IndexError, struct.error) as error:
                    got.append(type(error).__name__.encode())

        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        with pytest.raises(DatabaseError, match=UNPROVED) as caught:
            arrowsync.connect(f"{rogue.split()[0]}://joe:{PASSWORD}@127.0.0.1:{port}/db")
        thread.join()
    assert "FILE" in (caught.value.hint or "")
    assert not [each for each in got if PASSWORD.encode() in each]


def signed_in(url: str) -> bool:
    with arrowsync.connect(url) as conn:
        return conn.fetch("SELECT 1 AS one").to_pylist() == [{"one": 1}]


def test_each_hint_of_a_first_login_to_mysql_signs_in(mysql_server: MySqlServer) -> None:
    """caching_sha2_password asks for the password itself until it knows the user."""
    data = mysql_server.folder.path / "data"
    parts = urlsplit(mysql_server.url)
    hints = [
        f"ssl-ca={data / 'ca.pem'}",
        f"sslmode=verify-ca&sslrootcert={data / 'ca.pem'}",
        f"unix_socket={mysql_server.socket}",
        f"ssl-mode=disable&server-public-key-path={data / 'public_key.pem'}",
        "ssl-mode=disable&get-server-public-key=true",
    ]
    for number, hint in enumerate(hints):
        user = f"first_{number}"
        mysql_server.query(f"CREATE USER '{user}'@'%' IDENTIFIED BY '{PASSWORD}'")
        try:
            url = f"mysql://{user}:{PASSWORD}@127.0.0.1:{parts.port}/information_schema"
            for mode in ("prefer", "disable"):
                with pytest.raises(DatabaseError, match=UNPROVED) as caught:
                    arrowsync.connect(f"{url}?ssl-mode={mode}")
                assert "ssl-ca=FILE" in (caught.value.hint or "")
            assert signed_in(f"{url}?{hint}")
            assert signed_in(url), "the server knows the user now"
        finally:
            mysql_server.query(f"DROP USER '{user}'@'%'")


def test_a_password_goes_over_a_unix_socket_of_postgresql(private_postgres: PostgresServer) -> None:
    """And not over the loopback, where anybody may listen, though the server is the same."""
    url = private_postgres.url
    with arrowsync.connect(url) as conn:
        asked = "SELECT current_setting('hba_file') AS f, current_setting('unix_socket_directories') AS d"
        found = conn.fetch(asked).to_pylist()[0]
        Path(found["f"]).write_text("local all all password\nhost all all all password\n")
        conn.execute("SELECT pg_reload_conf()")
    end = time.monotonic() + 30
    while not refused(url):  # the server reads its file when it gets to it
        assert time.monotonic() < end
    parts = urlsplit(url)
    login, folder = parts.netloc.rpartition("@")[0], found["d"].split(",")[0]
    assert signed_in(f"postgresql://{login}@/{parts.path[1:]}?host={folder}&port={parts.port}")


def refused(url: str) -> bool:
    try:
        signed_in(url)
    except DatabaseError as error:
        return UNPROVED in error.message
    return False
