"""Connections of aiomysql: `connect` opens one to an address, `another` a second one to where a user's own goes.

aiomysql knows nothing of TLS modes: it goes on without encryption where the server has none, and hands the plain password to
any server that asks for it. Both are refused here, before anything secret is sent.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from arrowsync.dialects.mysql.address import Address
from arrowsync.dialects.mysql.faults import translate
from arrowsync.errors import ArrowSyncError, ConnectionLost, DatabaseError, MissingDriver

_SSL = 0x800
_LOCAL_FILES = 0x80
_UNENCRYPTED = frozenset({"mysql_clear_password", "mysql_old_password"})
"""Ways to sign in that show the password to who listens."""


def driver() -> Any:
    """aiomysql, which has no types."""
    try:
        return import_module("aiomysql")
    except ImportError:
        raise MissingDriver("aiomysql", needed_for="MySQL or MariaDB") from None


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
    """Whether the connection has told the server that it answers LOAD DATA LOCAL."""
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
    connection._local_infile = False  # said to the server, and not to aiomysql, which would open any file
    must = address.tls.required if required is None else required
    _guard(connection, address.where, must)
    try:
        async with asyncio.timeout(address.timeout):
            await connection._connect()
    except BaseException as error:
        connection.close()
        if not isinstance(error, Exception) or isinstance(error, ArrowSyncError):
            raise
        raise _unreachable(error, address) from error
    return connection


def _guard(connection: Any, where: str, required: bool) -> None:
    """Look at what the server offers before it is answered."""
    sign_in: Callable[[], Awaitable[None]] = connection._request_authentication
    authenticate: Callable[[bytes, Any], Awaitable[Any]] = connection._process_auth

    def refuse_plain(method: str) -> None:
        if method in _UNENCRYPTED and not (connection._secure or connection._ssl_context):
            raise DatabaseError(
                f"the server at {where} asks for the password itself ({method}), on a connection that isn't encrypted",
                hint="use ssl-mode=require or verify-full, or give the user another authentication",
            )

    async def guarded_sign_in() -> None:
        if connection._ssl_context is not None and not connection.server_capabilities & _SSL:
            if required:
                raise DatabaseError(
                    f"the server at {where} has no TLS, and the URL requires it",
                    hint="set up certificates on the server, or use ssl-mode=prefer if the network is safe",
                )
            connection._ssl_context = None
            connection.client_flag &= ~_SSL
        refuse_plain(connection._server_auth_plugin)
        try:
            await sign_in()
        except BaseException:
            connection._writer.transport.abort()  # aiomysql would say goodbye, with TLS, and not wait for it
            raise

    async def guarded_authenticate(method: bytes, packet: Any) -> Any:
        refuse_plain(method.decode(errors="replace"))
        return await authenticate(method, packet)

    connection._request_authentication = guarded_sign_in
    connection._process_auth = guarded_authenticate


def _unreachable(error: Exception, address: Address) -> ArrowSyncError:
    """What opening a connection failed with."""
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
        return MissingDriver("cryptography", needed_for="a password of MySQL on a connection without TLS")
    found = translate(error, where=where)
    if found is None:
        found = ConnectionLost(
            f"what answers at {where} doesn't speak MySQL's protocol as aiomysql knows it ({type(error).__name__})",
            hint="check host and port",
        )
    return found
