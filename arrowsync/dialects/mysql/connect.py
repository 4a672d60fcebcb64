"""Connections of aiomysql: `address_of` reads a URL, `connect` opens one, `another` a second one to the same place.

Nothing that is raised or shown here has the password.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from arrowsync.dialects.mysql.errors import translate
from arrowsync.dialects.tls import ALIASES, Tls, tls_of
from arrowsync.dialects.url import HINT, split_url
from arrowsync.errors import ArrowSyncError, ConnectionLost, DatabaseError, DeclarationError, MissingDriver

URL_HINT = HINT.format(scheme="mysql", port=3306)
CONNECT_SECONDS = 30.0
MAX_PROGRAM_NAME = 100

PARAMETERS = (
    "host",
    "port",
    "user",
    "password",
    "database",
    "unix_socket",
    "ssl_mode",
    "ssl_ca",
    "ssl_cert",
    "ssl_key",
    "connect_timeout",
    "program_name",
    "server_public_key_path",
    "get_server_public_key",
)
_ALIASES: Mapping[str, str] = {
    **ALIASES,
    "socket": "unix_socket",
    "dbname": "database",
    "application_name": "program_name",
}


@dataclass(frozen=True, slots=True)
class Address:
    """Host and port, or a Unix socket, the user and the database.

    `public_key` is that of the server, where it is known; with `asks_public_key` the server is asked for it, and believed.
    """

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    socket: str | None = None
    tls: Tls = field(default_factory=Tls)
    timeout: float = CONNECT_SECONDS
    program_name: str = "arrowsync"
    public_key: bytes | None = None
    asks_public_key: bool = False

    @property
    def where(self) -> str:
        """The host and port, or the socket, as messages show them."""
        return self.socket or (f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}")


def address_of(url: str) -> Address:
    """The address in a `mysql://` or `mariadb://` URL, whose parts are percent-decoded.

    A password that the URL doesn't have comes from MYSQL_PWD.
    """
    parts = split_url(url, port=3306, names=PARAMETERS, aliases=_ALIASES)
    if len(parts.hosts) > 1:
        raise DeclarationError("the connection URL has several hosts", hint="give one")
    options = parts.parameters
    host, port = parts.hosts[0] if parts.hosts else ("", None)
    return Address(
        host=host or "localhost",
        port=3306 if port is None else port,
        database=parts.database,
        user=parts.user,
        password=os.environ.get("MYSQL_PWD", "") if parts.password is None else parts.password,
        socket=options.get("unix_socket") or None,
        tls=tls_of(options),
        timeout=seconds_of(options.get("connect_timeout"), CONNECT_SECONDS),
        program_name=_program_name(options.get("program_name", "arrowsync")),
        public_key=_public_key(options.get("server_public_key_path")),
        asks_public_key=_switch("get-server-public-key", options.get("get_server_public_key", "false")),
    )


def seconds_of(said: str | None, default: float) -> float:
    """A number of seconds."""
    if said is None:
        return default
    try:
        seconds = float(said)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 86_400:
        raise DeclarationError("connect_timeout isn't a number of seconds", hint="for instance connect_timeout=10")
    return seconds


def _public_key(path: str | None) -> bytes | None:
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise DeclarationError(
            f"the file that server-public-key-path names can't be used: {error.strerror}",
            hint="it is public_key.pem in the server's data directory",
        ) from None


def _switch(name: str, said: str) -> bool:
    if said.lower() not in ("", "true", "1", "false", "0"):
        raise DeclarationError(f"{name} is neither true nor false", hint=f"for instance {name}=true")
    return said.lower() in ("", "true", "1")


def _program_name(said: str) -> str:
    if len(said.encode(errors="replace")) > MAX_PROGRAM_NAME:
        raise DeclarationError(
            f"program_name is longer than {MAX_PROGRAM_NAME} bytes",
            hint="shorten it; the server shows it to its admins",
        )
    return said


_SSL = 0x800
_LOCAL_FILES = 0x80
_SESSION_TRACK = 0x800000
_PLUGINS = 0x80000
_CLEAR = frozenset({"mysql_clear_password", "mysql_old_password", "dialog"})
"""Ways to sign in that give the server the password itself, or as good as that."""
_KEY_REQUESTS = (b"\1", b"\2")
"""Packets of sha256_password and caching_sha2_password that ask a server for its RSA key."""


def driver() -> Any:
    """aiomysql, which has no types."""
    try:
        return import_module("aiomysql")
    except ImportError:
        raise MissingDriver("aiomysql", needed_for="MySQL or MariaDB", extra="mysql") from None


async def connect(address: Address) -> Any:
    """A new connection, signed in, whose server may be asked to LOAD DATA LOCAL. aiomysql itself sends it no file."""
    context = address.tls.context() if _uses_tls(address) else None
    return await _opened(
        address,
        context,
        host=address.host,
        port=address.port,
        unix_socket=address.socket,
        user=address.user or None,
        # aiomysql encodes it as latin1, and servers compare bytes that are UTF-8 everywhere else.
        password=address.password.encode().decode("latin1"),
        db=address.database or None,
        program_name=address.program_name,
        server_public_key=address.public_key,
    )


async def another(connection: Any, where: str) -> Any:
    """A second connection to where one of the user's goes, as the same user and as safe."""
    context = connection._ssl_context
    encrypted = bool(connection._secure and context is not None)
    address = Address(connection._host, connection._port, "", "", "", connection._unix_socket, timeout=10)
    return await _opened(
        address,
        context if encrypted else None,
        required=encrypted,
        host=connection._host,
        port=connection._port,
        unix_socket=connection._unix_socket,
        user=connection._user,
        password=connection._password,
        program_name="arrowsync",
    )


async def hang_up(connection: Any, seconds: float) -> None:
    """Say goodbye and close the connection; one that doesn't answer is cut after so many seconds."""
    writer = connection._writer
    if writer is None:
        return
    try:
        async with asyncio.timeout(seconds):
            await connection.ensure_closed()
            await writer.wait_closed()  # with TLS it takes an answer of the server
    except (OSError, TimeoutError):
        writer.transport.abort()
    finally:
        connection.close()


def can_send_files(connection: Any) -> bool:
    """True if the connection has told the server that it answers LOAD DATA LOCAL."""
    return bool(connection.client_flag & _LOCAL_FILES)


def _uses_tls(address: Address) -> bool:
    return address.tls.required or (address.tls.mode == "prefer" and address.socket is None)


async def _opened(
    address: Address, context: ssl.SSLContext | None, required: bool | None = None, **options: Any
) -> Any:
    driver()
    connection = import_module("aiomysql.connection").Connection(
        ssl=context, charset="utf8mb4", autocommit=None, local_infile=True, **options
    )
    connection.client_flag |= _SESSION_TRACK
    connection._local_infile = False  # said to the server, and not to aiomysql, which would open any file
    must = address.tls.required if required is None else required
    _guard(connection, address, must)
    try:
        async with asyncio.timeout(address.timeout):
            await connection._connect()
    except BaseException as error:
        connection.close()
        if not isinstance(error, Exception) or isinstance(error, ArrowSyncError):
            raise
        raise _unreachable(error, address) from error
    return connection


def _guard(connection: Any, address: Address, required: bool) -> None:
    """Check the server's offers and requests before they are answered."""
    sign_in: Callable[[], Awaitable[None]] = connection._request_authentication
    authenticate: Callable[[bytes, Any], Awaitable[Any]] = connection._process_auth
    write: Callable[[bytes], None] = connection.write_packet
    where = address.where
    context: ssl.SSLContext | None = connection._ssl_context
    local = address.socket is not None

    def trusted() -> bool:
        """True if the server may have the password itself."""
        verified = connection._ssl_context is not None and connection._ssl_context.verify_mode == ssl.CERT_REQUIRED
        return local or verified

    def refuse_clear(method: str) -> None:
        if method in _CLEAR and not trusted():
            raise DatabaseError(
                f"the server at {where} asks for the password itself ({method}), and has not proved who it is",
                hint="use ssl-mode=verify-full or ssl-ca=FILE, or unix_socket=FILE on the server's own machine, or give the user "
                "another authentication",
            )

    def guarded_write(payload: bytes) -> None:
        """Refuse packets that would send the password in clear, or encrypted for a server that isn't trusted."""
        plain = bool(connection._password) and payload == connection._password.encode("latin1") + b"\0"
        if (plain or payload in _KEY_REQUESTS) and not trusted():
            encrypted = connection._ssl_context is not None
            if encrypted or not address.asks_public_key:
                raise _not_proved(where, encrypted)
        write(payload)

    async def guarded_sign_in() -> None:
        if context is not None and not connection.server_capabilities & _SSL:
            if required:
                raise DatabaseError(
                    f"the server at {where} has no TLS, and the URL requires it",
                    hint="set up certificates on the server, or use ssl-mode=prefer if the network is safe",
                )
            connection._ssl_context = None
            connection.client_flag &= ~_SSL
        refuse_clear(connection._server_auth_plugin)
        refuse_clear("" if connection.server_capabilities & _PLUGINS else "mysql_old_password")
        if connection._server_auth_plugin == "sha256_password" and connection._password and not trusted():
            encrypted = connection._ssl_context is not None
            if encrypted or not (address.asks_public_key or address.public_key):
                raise _not_proved(where, encrypted)
        connection.write_packet = guarded_write
        try:
            await sign_in()
        except BaseException:
            connection._writer.transport.abort()  # aiomysql would say goodbye, with TLS, and not wait for it
            raise
        finally:
            del connection.write_packet

    async def guarded_authenticate(method: bytes, packet: Any) -> Any:
        refuse_clear(method.decode(errors="replace"))
        return await authenticate(method, packet)

    connection._request_authentication = guarded_sign_in
    connection._process_auth = guarded_authenticate


def _not_proved(where: str, encrypted: bool) -> DatabaseError:
    """The server wants the password itself, as caching_sha2_password does at a user's first login after it was started."""
    believed = (
        "ssl-mode=disable&get-server-public-key=true signs in with the RSA key that the server sends, and then it knows the user"
        if encrypted
        else "get-server-public-key=true believes the RSA key that the server sends (server-public-key-path=FILE needs not to)"
    )
    return DatabaseError(
        f"the server at {where} asks for the password itself, and has not proved who it is; MySQL asks for it until it knows "
        "the user, or where the password is another one",
        hint="add ssl-ca=FILE to the URL: the certificate that signed the server's, often ca.pem of its data directory "
        "(SHOW VARIABLES LIKE 'ssl_ca'); or unix_socket=FILE on the server's own machine; where nobody can stand in between, "
        + believed,
    )


def _unreachable(error: Exception, address: Address) -> ArrowSyncError:
    """The error for a connection that couldn't be opened."""
    where = address.where
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return DatabaseError(
            f"the certificate of the server at {where} can't be trusted: {cause.verify_message}",
            hint="ssl-ca in the URL names the certificate of who signed it; ssl-mode=verify-ca doesn't look at the host's name",
        )
    if isinstance(cause, ssl.SSLError):
        return DatabaseError(
            f"no encrypted connection to {where} could be made: {cause.reason or cause}",
            hint="the server may want a client certificate (ssl-cert, ssl-key) or another version of TLS",
        )
    if isinstance(cause, OSError):  # TimeoutError is one
        return ConnectionLost(
            f"can't reach MySQL at {where}: {str(cause) or f'no answer within {address.timeout:g} s'}",
            transient=True,
            hint="check host and port, and that the server runs and is reachable from here",
        )
    if isinstance(error, RuntimeError) and "cryptography" in str(error):
        return MissingDriver(
            "cryptography", needed_for="a password of MySQL on a connection without TLS", extra="mysql"
        )
    found = translate(error, where=where)
    if found is None:
        found = ConnectionLost(
            f"what answers at {where} doesn't speak MySQL's protocol as aiomysql knows it ({type(error).__name__})",
            hint="check host and port",
        )
    return found
