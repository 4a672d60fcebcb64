"""Connections of asyncpg: `connect` opens one to an address. Nothing that is raised or shown here has the password."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from arrowsync.dialects.silence import keep_alive
from arrowsync.dialects.tls import ALIASES, Tls, tls_of
from arrowsync.dialects.url import HINT, split_url
from arrowsync.errors import DatabaseError, DeclarationError

URL_HINT = HINT.format(scheme="postgresql", port=5432)
CONNECT_SECONDS = 30.0

DRIVERS = (
    "passfile",
    "service",
    "sslcrl",
    "sslpassword",
    "sslnegotiation",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "target_session_attrs",
    "krbsrvname",
    "gsslib",
)
"""Parameters that asyncpg understands as libpq does."""
KEEPALIVES: Mapping[str, str] = {
    "keepalives_idle": "TCP_KEEPIDLE",
    "keepalives_interval": "TCP_KEEPINTVL",
    "keepalives_count": "TCP_KEEPCNT",
    "tcp_user_timeout": "TCP_USER_TIMEOUT",
}
"""Parameter -> the option of the socket, in the parameter's unit."""
CHOICES: Mapping[str, tuple[str, ...]] = {
    "channel_binding": ("prefer", "disable"),
    "gssencmode": ("prefer", "disable"),
    "load_balance_hosts": ("disable", "random"),
    "keepalives": ("1", "0"),
    "sslcompression": ("0", "1"),  # which no TLS library has any more
    "client_encoding": ("utf8", "utf-8", "unicode", "auto"),
    "replication": ("false", "off", "no", "0"),
}
"""The values that can be kept: of `require` neither a binding of the channel nor GSS encryption can be."""
PARAMETERS = (
    "host",
    "port",
    "user",
    "password",
    "database",
    "ssl_mode",
    "ssl_ca",
    "ssl_cert",
    "ssl_key",
    "connect_timeout",
    "application_name",
    "fallback_application_name",
    "options",
    *CHOICES,
    *KEEPALIVES,
    *DRIVERS,
)
_ALIASES: Mapping[str, str] = {**ALIASES, "dbname": "database", "program_name": "application_name"}
_TARGETS = ("any", "read-write", "read-only", "primary", "standby", "prefer-standby")


@dataclass(frozen=True, slots=True)
class Address:
    """The hosts in the order in which they are tried, the user, the database, and what else the URL says."""

    hosts: tuple[tuple[str, int | None], ...]
    database: str | None
    user: str | None
    password: str | None = field(repr=False)
    tls: Tls
    timeout: float | None
    application_name: str
    server_options: str | None
    socket_options: Mapping[str, int]
    driver: Mapping[str, str] = field(repr=False)

    @property
    def where(self) -> str:
        """The host and port, or the socket, as messages show them."""
        usual: tuple[tuple[str, int | None], ...] = ((os.environ.get("PGHOST") or "localhost", None),)
        hosts = self.hosts or usual
        return ",".join(_shown(host, port or _usual_port()) for host, port in hosts)


def address_of(url: str) -> Address:
    """The address in a `postgresql://` or `postgres://` URL, whose parts are percent-decoded.

    What it doesn't say comes from libpq's environment variables (PGPASSWORD, PGSSLMODE, ..) and files.
    """
    parts = split_url(url, port=5432, names=PARAMETERS, aliases=_ALIASES)
    options = dict(parts.parameters)
    for name, known in CHOICES.items():
        if name in options and options[name].lower() not in known:
            raise DeclarationError(
                f"the connection URL wants a {name} that can't be kept",
                hint=f"{name} is one of {', '.join(known)}, or left out",
            )
    if options.get("target_session_attrs", "any") not in _TARGETS:
        raise DeclarationError(
            "target_session_attrs in the connection URL isn't known", hint=f"it is one of {', '.join(_TARGETS)}"
        )
    hosts = list(parts.hosts)
    if options.get("load_balance_hosts") == "random":
        random.shuffle(hosts)
    environment: dict[str, str | None] = {
        "ssl_mode": os.environ.get("PGSSLMODE"),
        "ssl_ca": os.environ.get("PGSSLROOTCERT"),
    }
    if "ssl_mode" in options:
        environment["ssl_mode"] = None
        if options["ssl_mode"].lower() in ("disable", "disabled", "allow", "prefer", "preferred"):
            environment["ssl_ca"] = None
    program = options.get("application_name") or os.environ.get("PGAPPNAME") or options.get("fallback_application_name")
    return Address(
        hosts=tuple(hosts),
        database=parts.database or None,
        user=parts.user or None,
        password=parts.password,
        tls=tls_of({**{k: v for k, v in environment.items() if v}, **options}, default_ca=_usual_ca()),
        timeout=_seconds(options.get("connect_timeout")),
        application_name=program or "arrowsync",
        server_options=options.get("options"),
        socket_options=_socket_options(options),
        driver={name: options[name] for name in DRIVERS if name in options},
    )


def address_text(address: Any) -> str:
    """An address of asyncpg: host and port, or the path of a Unix socket."""
    return address if isinstance(address, str) else _shown(*address)


def _shown(host: str, port: object) -> str:
    if host.startswith("/"):
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _usual_port() -> str:
    return os.environ.get("PGPORT") or "5432"


def _usual_ca() -> str | None:
    """libpq's own file of certificates, where there is one; else those that the system trusts."""
    try:
        found = Path.home() / ".postgresql" / "root.crt"
    except RuntimeError:
        return None
    return str(found) if found.is_file() else None


def _seconds(said: str | None) -> float | None:
    """libpq waits as long as it takes for 0 and less."""
    if said is None:
        return CONNECT_SECONDS
    try:
        seconds = float(said)
    except ValueError:
        raise DeclarationError(
            "connect_timeout isn't a number of seconds", hint="for instance connect_timeout=10"
        ) from None
    return seconds if seconds > 0 else None


def _socket_options(options: Mapping[str, str]) -> Mapping[str, int]:
    """`keepalives` and the options of the socket, by name; 0 means the system's own value."""
    found = {"keepalives": int(options["keepalives"])} if "keepalives" in options else {}
    for name, option in KEEPALIVES.items():
        said = options.get(name, "0")
        if not said.isdecimal() or len(said) > 9:
            raise DeclarationError(f"{name} in the connection URL is no number", hint=f"for instance {name}=10")
        if int(said):
            found[option] = int(said)
    return found


_AUTHENTICATION = ord("R")
_SUCCESSFUL, _CLEAR_PASSWORD = 0, 3
_MOST = 1 << 16
"""The most bytes that a server sends before a client is signed in."""


async def connect(address: Address) -> Any:
    """A new connection, signed in. Errors are those of asyncpg, but for a DatabaseError where the server wants the password."""
    import asyncpg

    hosts = [host for host, _ in address.hosts if host]
    ports = [port or 5432 for host, port in address.hosts if host]
    settings = {"application_name": address.application_name}
    if address.server_options:
        settings["options"] = address.server_options
    given = {**address.driver, **_tls_files(address)}
    service = given.pop("service", None)
    connection = await asyncio.wait_for(
        _utils()._connect(
            loop=asyncio.get_running_loop(),
            connection_class=asyncpg.Connection,
            record_class=asyncpg.Record,
            dsn=f"postgresql://?{urlencode({**given, **({'service': service} if service else {})})}",
            host=hosts or None,
            port=(ports if any(port for host, port in address.hosts if host) else None) or _only_port(address),
            user=address.user,
            password=address.password,
            passfile=None,
            service=None,
            servicefile=None,
            database=address.database,
            command_timeout=None,
            statement_cache_size=0,  # tables change under cached plans, and poolers don't know them
            max_cached_statement_lifetime=300,
            max_cacheable_statement_size=1024 * 15,
            ssl=_tls(address),
            direct_tls=None,
            server_settings=settings,
            target_session_attrs=None,
            krbsrvname=None,
            gsslib=None,
        ),
        address.timeout,
    )
    keep_alive(connection._transport)
    _set_socket(connection._transport.get_extra_info("socket"), address)
    return connection


async def connect_like(connection: Any) -> Any:
    """A second connection to where one goes, as the same user and as safe. Errors are those of asyncpg."""
    import asyncpg

    return await _utils()._connect_addr(
        addr=connection._addr,
        loop=asyncio.get_running_loop(),
        params=connection._params,
        config=connection._config,
        connection_class=asyncpg.Connection,
        record_class=asyncpg.Record,
    )


def _only_port(address: Address) -> int | None:
    return next((port for host, port in address.hosts if not host and port), None)


def _tls(address: Address) -> Any:
    """asyncpg's `ssl` argument: a mode, or a context with the system's own certificates, which asyncpg has no mode for."""
    if address.tls.mode == "verify-full" and address.tls.ca in (None, "system"):
        return address.tls.context()
    if all(host.startswith("/") for host, _ in address.hosts) and address.hosts:
        return None if not address.tls.required else address.tls.mode
    return address.tls.mode if address.hosts or address.tls.mode != "prefer" else None


def _tls_files(address: Address) -> dict[str, str]:
    files = {"sslrootcert": address.tls.ca, "sslcert": address.tls.cert, "sslkey": address.tls.key}
    return {name: file for name, file in files.items() if file and file != "system"}


def _set_socket(sock: Any, address: Address) -> None:
    """The keepalive that the URL asks for, as far as the system has it."""
    if sock is None or sock.family == getattr(socket, "AF_UNIX", None):
        return
    for name, value in address.socket_options.items():
        if name == "keepalives":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, value)
        elif hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


@cache
def _utils() -> Any:
    """A private instance of asyncpg's `connect_utils`, which makes `Guarded` protocols."""
    import asyncpg
    from asyncpg import connect_utils, protocol

    spec = find_spec("asyncpg.connect_utils")
    assert spec is not None, "it was just imported"
    assert spec.loader is not None, "it was just imported"
    module: Any = module_from_spec(spec)
    spec.loader.exec_module(module)
    shared: Any = connect_utils
    module.SSLMode, module.SSLNegotiation = (
        shared.SSLMode,
        shared.SSLNegotiation,
    )  # compared by connections with their own
    inner: Any = protocol.Protocol

    class Guarded(inner):  # type: ignore[misc]
        """asyncpg's protocol, guarded: a server that hasn't proved its identity can't ask for the password itself."""

        def __init__(self, address: Any, connected: Any, *rest: Any) -> None:
            inner.__init__(self, address, connected, *rest)
            self.asked_of = address
            self.connected = connected
            self.said: bytearray | None = bytearray()
            self.link: Any = None

        def connection_made(self, transport: Any) -> None:
            self.link = transport
            inner.connection_made(self, transport)

        def data_received(self, data: bytes) -> None:
            if self.said is not None and not self._may_pass(data):
                self.said = None
                self.link.abort()
                if not self.connected.done():
                    self.connected.set_exception(_not_proved(self.asked_of))
                return
            inner.data_received(self, data)

        def _may_pass(self, data: bytes) -> bool:
            """True if no message that is complete with these bytes asks for the password of somebody who isn't trusted."""
            said = self.said
            assert said is not None, "asked for only until the client is signed in"
            said += data
            while len(said) >= 9:
                kind, length = struct.unpack_from(">BI", said)
                if kind == _AUTHENTICATION:
                    asked: int = struct.unpack_from(">I", said, 5)[0]
                    if asked == _CLEAR_PASSWORD and not self._is_trusted():
                        return False
                    if asked == _SUCCESSFUL:
                        self.said = None
                        return True
                if len(said) < length + 1:
                    break
                del said[: length + 1]
            return len(said) < _MOST

        def _is_trusted(self) -> bool:
            tls = self.link.get_extra_info("ssl_object")
            verified = tls is not None and tls.context.verify_mode == ssl.CERT_REQUIRED
            return isinstance(self.asked_of, str) or verified

    module.protocol = SimpleNamespace(**{**vars(asyncpg.protocol), "Protocol": Guarded})
    return module


def _not_proved(address: Any) -> DatabaseError:
    where = address if isinstance(address, str) else f"{address[0]}:{address[1]}"
    return DatabaseError(
        f"the server at {where} asks for the password itself, and has not proved who it is",
        hint="use sslmode=verify-full or sslrootcert=FILE, or the Unix socket on the server's own machine "
        "(host=/var/run/postgresql), "
        "or have the server use scram-sha-256 in pg_hba.conf",
    )
