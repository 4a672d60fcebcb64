"""What messages may say of where a connection goes: hosts and ports, never a password."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from arrowsync.errors import DeclarationError

URL_HINT = (
    'a URL looks like "postgresql://user:password@host:5432/database"; special characters in a password (@ / # ? :) '
    "have to be percent-encoded"
)


def read_url(url: str) -> tuple[str, dict[str, list[str]]]:
    """The host and port of the URL, for messages, and its parameters. Nothing of what is raised here shows the URL."""
    try:
        parts = urlsplit(url)
        parameters = parse_qs(parts.query)
    except ValueError:
        raise DeclarationError("the connection URL can't be read", hint=URL_HINT) from None
    _login, at, host = parts.netloc.rpartition("@")
    # What comes before a / # or ? would be taken for the host: here it is rather the beginning of a password.
    if parts.netloc and not at and "@" in parts.path + parts.query.partition("=")[0] + parts.fragment:
        raise DeclarationError("the connection URL has an @ after its host", hint=URL_HINT)
    hosts = parameters.get("host", [unquote(host)])[-1] or os.environ.get("PGHOST", "localhost")
    port = parameters.get("port", [""])[-1] or os.environ.get("PGPORT", "5432")
    return (hosts if ":" in hosts or hosts.startswith("/") else f"{hosts}:{port}"), parameters


def address_text(address: Any) -> str:
    """An address of asyncpg: host and port, or the path of a Unix socket."""
    return address if isinstance(address, str) else f"{address[0]}:{address[1]}"
