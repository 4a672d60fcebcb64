"""`Tls`: the encryption of a connection, under the same names on PostgreSQL, MySQL and MariaDB."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from arrowsync.errors import DeclarationError

TlsMode: TypeAlias = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]

ALIASES: Mapping[str, str] = {
    "sslmode": "ssl_mode",
    "sslrootcert": "ssl_ca",
    "sslcert": "ssl_cert",
    "sslkey": "ssl_key",
}
"""libpq's names of the parameters -> those of MySQL's clients."""
SYSTEM = "system"
"""The value in the place of a file that stands for the certificates that the system trusts."""
_MODES: Mapping[str, TlsMode] = {
    "disable": "disable",
    "disabled": "disable",
    "allow": "prefer",
    "prefer": "prefer",
    "preferred": "prefer",
    "require": "require",
    "required": "require",
    "verify-ca": "verify-ca",
    "verify-full": "verify-full",
    "verify-identity": "verify-full",
}
"""Ours, which are PostgreSQL's, and MySQL's own names of them."""


@dataclass(frozen=True, slots=True)
class Tls:
    """The encryption of a connection. `require` and stricter never go on without."""

    mode: TlsMode = "prefer"
    ca: str | None = None
    cert: str | None = None
    key: str | None = field(default=None, repr=False)

    @property
    def required(self) -> bool:
        return self.mode in ("require", "verify-ca", "verify-full")

    @property
    def verifies(self) -> bool:
        """True if the server has to prove who it is."""
        return self.mode in ("verify-ca", "verify-full")

    def context(self) -> ssl.SSLContext | None:
        """The TLS context of the connection; None for `disable`."""
        if self.mode == "disable":
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = self.mode == "verify-full"
        context.verify_mode = ssl.CERT_REQUIRED if self.verifies else ssl.CERT_NONE
        name = "ssl-ca"
        try:
            if self.verifies and self.ca in (None, SYSTEM):
                context.load_default_certs()
            elif self.verifies:
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


def tls_of(options: Mapping[str, str], *, default_ca: str | None = None) -> Tls:
    """Read the parameters `ssl_mode`, `ssl_ca`, `ssl_cert` and `ssl_key`.

    A certificate authority without a mode means `verify-ca`, as it does with `require`; `verify-full` without one trusts those
    that the system does, unless there is a `default_ca`.
    """
    ca = options.get("ssl_ca") or None
    said = options.get("ssl_mode", "verify-full" if ca == SYSTEM else "verify-ca" if ca else "prefer")
    mode = _MODES.get(said.lower().replace("_", "-"))
    if mode is None:
        raise DeclarationError(
            "the ssl-mode in the connection URL isn't known",
            hint="it is one of disable, prefer, require, verify-ca and verify-full",
        )
    if ca is not None and mode == "require":
        mode = "verify-ca"
    if ca is not None and mode not in ("verify-ca", "verify-full"):
        raise DeclarationError(
            f"ssl-ca is given, and ssl-mode={mode} doesn't look at certificates",
            hint="use ssl-mode=verify-full (or verify-ca), or leave ssl-ca out",
        )
    if ca == SYSTEM and mode != "verify-full":
        raise DeclarationError(
            f"ssl-ca=system trusts whoever has a certificate, and ssl-mode={mode} doesn't look at the host's name",
            hint="use ssl-mode=verify-full with it",
        )
    if ca is None and mode in ("verify-ca", "verify-full"):
        ca = default_ca
    if ca is None and mode == "verify-ca":
        raise DeclarationError(
            "ssl-mode=verify-ca needs to know which certificate authority may sign",
            hint="name its certificate with ssl-ca (sslrootcert), or use ssl-mode=verify-full",
        )
    key = options.get("ssl_key") or None
    if key is not None and not options.get("ssl_cert"):
        raise DeclarationError("ssl-key is given without ssl-cert", hint="give both, or neither")
    return Tls(mode, ca, options.get("ssl_cert") or None, key)


def _no_password() -> str:
    """Without this, OpenSSL would ask at the terminal."""
    return ""
