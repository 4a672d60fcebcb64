"""Where a connection goes, read from its URL: `address_of`. Nothing that is raised or shown here holds the password.

The parameters of a URL are the keys of `_PARAMETERS`; to add one, add it there and to `Address`.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

from arrowsync.errors import DeclarationError

TlsMode: TypeAlias = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]

URL_HINT = (
    'a URL looks like "mysql://user:password@host:3306/database"; special characters in a password (@ / # ? :) '
    "have to be percent-encoded"
)
CONNECT_SECONDS = 30.0
MAX_PROGRAM_NAME = 100

_MODES: Mapping[str, TlsMode] = {
    "disable": "disable",
    "disabled": "disable",
    "prefer": "prefer",
    "preferred": "prefer",
    "require": "require",
    "required": "require",
    "verify-ca": "verify-ca",
    "verify-full": "verify-full",
    "verify-identity": "verify-full",
}
"""Ours, which are PostgreSQL's, and MySQL's own names of them."""
_PARAMETERS = ("unix_socket", "ssl_mode", "ssl_ca", "ssl_cert", "ssl_key", "connect_timeout", "program_name")


@dataclass(frozen=True, slots=True)
class Tls:
    """Whether and how a connection is encrypted. `require` and stricter never go on without it."""

    mode: TlsMode = "prefer"
    ca: str | None = None
    cert: str | None = None
    key: str | None = field(default=None, repr=False)

    @property
    def required(self) -> bool:
        return self.mode in ("require", "verify-ca", "verify-full")

    def context(self) -> ssl.SSLContext | None:
        """What the connection is encrypted with; None for `disable`."""
        if self.mode == "disable":
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = self.mode == "verify-full"
        verifies = self.mode in ("verify-ca", "verify-full")
        context.verify_mode = ssl.CERT_REQUIRED if verifies else ssl.CERT_NONE
        name = "ssl-ca"
        try:
            if verifies and self.ca is None:
                context.load_default_certs()
            elif verifies:
                context.load_verify_locations(self.ca)
            name = "ssl-cert or ssl-key"
            if self.cert is not None:
                context.load_cert_chain(self.cert, self.key, password=_no_password)
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            raise DeclarationError(
                f"the file that {name} names can't be used: {getattr(error, 'strerror', None) or error}",
                hint="give the path of a PEM file that can be read from here and has no password",
            ) from None
        return context


@dataclass(frozen=True, slots=True)
class Address:
    """Host and port, or a Unix socket, the user and the database."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    socket: str | None = None
    tls: Tls = field(default_factory=Tls)
    timeout: float = CONNECT_SECONDS
    program_name: str = "arrowsync"

    @property
    def where(self) -> str:
        """What messages say of it."""
        return self.socket or (f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}")


def address_of(url: str) -> Address:
    """The address in a `mysql://` or `mariadb://` URL, whose parts are percent-decoded.

    A password that the URL doesn't have comes from MYSQL_PWD.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query), max_num_fields=20)
    except ValueError:
        raise DeclarationError("the connection URL can't be read", hint=URL_HINT) from None
    login, at, _host = parts.netloc.rpartition("@")
    # What comes before a / # or ? would be taken for the host: here it is rather the beginning of a password.
    if (parts.netloc and not at and "@" in parts.path + parts.query.partition("=")[0]) or parts.fragment:
        raise DeclarationError("the connection URL has an @ or # after its host", hint=URL_HINT)
    options = _options(given)
    user, _, password = login.partition(":")
    database = parts.path.removeprefix("/")
    if "/" in database:
        raise DeclarationError("the connection URL has more after the name of its database", hint=URL_HINT)
    return Address(
        host=unquote(parts.hostname or "localhost"),
        port=3306 if port is None else port,
        database=unquote(database),
        user=unquote(user),
        password=unquote(password) if ":" in login else os.environ.get("MYSQL_PWD", ""),
        socket=options.get("unix_socket") or None,
        tls=_tls(options),
        timeout=_seconds(options.get("connect_timeout")),
        program_name=_program_name(options.get("program_name", "arrowsync")),
    )


def _options(given: list[tuple[str, str]]) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, value in given:
        known = name.lower().replace("-", "_")
        if known not in _PARAMETERS:
            names = ", ".join(parameter.replace("ssl_", "ssl-") for parameter in _PARAMETERS)
            raise DeclarationError(
                "the connection URL has a parameter that isn't known", hint=f"the parameters are {names}; {URL_HINT}"
            )
        options[known] = value
    return options


def _tls(options: Mapping[str, str]) -> Tls:
    ca = options.get("ssl_ca") or None
    said = options.get("ssl_mode", "prefer" if ca is None else "verify-ca").lower().replace("_", "-")
    if said not in _MODES:
        raise DeclarationError(
            f"ssl-mode={said!r} isn't known", hint="it is one of disable, prefer, require, verify-ca and verify-full"
        )
    mode = _MODES[said]
    if ca is not None and mode not in ("verify-ca", "verify-full"):
        raise DeclarationError(
            f"ssl-ca is given, and ssl-mode={mode} doesn't look at certificates",
            hint="use ssl-mode=verify-full (or verify-ca), or leave ssl-ca out",
        )
    key = options.get("ssl_key") or None
    if key is not None and not options.get("ssl_cert"):
        raise DeclarationError("ssl-key is given without ssl-cert", hint="give both, or neither")
    return Tls(mode, ca, options.get("ssl_cert") or None, key)


def _seconds(said: str | None) -> float:
    if said is None:
        return CONNECT_SECONDS
    try:
        seconds = float(said)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 86_400:
        raise DeclarationError("connect_timeout isn't a number of seconds", hint="for instance connect_timeout=10")
    return seconds


def _program_name(said: str) -> str:
    if len(said.encode(errors="replace")) > MAX_PROGRAM_NAME:
        raise DeclarationError(
            f"program_name is longer than {MAX_PROGRAM_NAME} bytes",
            hint="shorten it; the server shows it to its admins",
        )
    return said


def _no_password() -> str:
    """Without this, OpenSSL would ask at the terminal."""
    return ""
