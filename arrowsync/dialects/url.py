"""The parts of a server's connection URL: `split_url`. Pure.

A password may hold any sign. One that stands there as it is, and not percent-encoded, is either understood (all before the last
@ is the login) or the URL is refused: no part of a password is ever taken for a host, a port or a parameter, looked up or shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from arrowsync.errors import DeclarationError

HINT = (
    'a URL looks like "{scheme}://user:password@host:{port}/database"; special characters in a password (@ / # ? : %) '
    "have to be percent-encoded"
)
SECRETS = frozenset({"password", "sslpassword"})
"""Parameters whose values are never shown."""
_END = re.compile(r"[/?#]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%\w]+\]|[\w.-]*|/[^:,]*)(?::([0-9]{0,5}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class UrlParts:
    """The parts of a URL, percent-decoded. Each host has its own port; None if none is given."""

    user: str
    password: str | None = field(repr=False)
    hosts: tuple[tuple[str, int | None], ...]
    database: str
    parameters: Mapping[str, str] = field(repr=False)


def split_url(url: str, *, port: int, names: Sequence[str], aliases: Mapping[str, str]) -> UrlParts:
    """The parts of a URL, whose parameters have to be among `names`, or `aliases` of them.

    Names are read without regard to case, and with `-` for `_`.
    """
    scheme, colon, rest = url.partition("://")
    hint = HINT.format(scheme=scheme if scheme.isalnum() else "scheme", port=port)
    if not colon or _CONTROL.search(url):
        raise DeclarationError("the connection URL can't be read", hint=hint)
    end = found.start() if (found := _END.search(rest)) else len(rest)
    authority, tail = rest[:end], rest[end:]
    # What comes before a / # or ? would be taken for the host: here it is rather the beginning of a password.
    if "@" in tail or "#" in tail:
        raise DeclarationError("the connection URL has an @ or # after its host", hint=f"{hint} (%40 and %23)")
    login, _, hosts = authority.rpartition("@")
    path, _, query = tail.partition("?")
    user, colon, password = login.partition(":")
    if "/" in path[1:]:
        raise DeclarationError("the connection URL has more after the name of its database", hint=hint)
    parameters = _parameters(query, names, aliases, hint)
    found_hosts = parameters.get("host", _decoded(hosts, hint))
    return UrlParts(
        user=_decoded(user, hint) or parameters.get("user", ""),
        password=_decoded(password, hint) if colon else parameters.get("password"),
        hosts=_hosts(found_hosts, parameters.get("port", ""), hint),
        database=_decoded(path[1:], hint) or parameters.get("database", ""),
        parameters=parameters,
    )


def _parameters(query: str, names: Sequence[str], aliases: Mapping[str, str], hint: str) -> Mapping[str, str]:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    said = [(name.lower().replace("-", "_"), value) for name, _, value in pairs]
    # Where a password is among them, an unknown name may be the rest of it, behind an & that is not encoded.
    secret = any(name in SECRETS for name, _ in said)
    parameters: dict[str, str] = {}
    for (written, _, _), (folded, value) in zip(pairs, said, strict=True):
        name = aliases.get(folded, folded)
        if name not in names:
            raise DeclarationError(
                f"the connection URL has a parameter{'' if secret else f' {_decoded(written, hint)!r}'} that isn't known",
                hint=f"the parameters are {', '.join(names)}; {hint}",
            )
        parameters[name] = _decoded(value, hint)
    return parameters


def _hosts(text: str, ports: str, hint: str) -> tuple[tuple[str, int | None], ...]:
    if not text and not ports:
        return ()
    found: list[tuple[str, int | None]] = []
    others = ports.split(",") if ports else []
    hosts = text.split(",")
    if len(others) not in (0, 1, len(hosts)):
        raise DeclarationError("the connection URL has another number of ports than of hosts", hint=hint)
    for at, each in enumerate(hosts):
        match = _HOST.fullmatch(each)
        port = match[2] if match and match[2] else others[min(at, len(others) - 1)] if others else ""
        if match is None or not re.fullmatch(r"[0-9]{0,5}", port, re.ASCII) or int(port or 1) not in range(1, 65536):
            raise DeclarationError("the host or port in the connection URL can't be one", hint=hint)
        found.append((match[1].strip("[]"), int(port) if port else None))
    return tuple(found)


def _decoded(text: str, hint: str) -> str:
    try:
        found = unquote(text, errors="strict")
        found.encode()
    except UnicodeError:
        raise DeclarationError("the connection URL holds bytes that are not text", hint=hint) from None
    if "\0" in found:
        raise DeclarationError("the connection URL holds a NUL character", hint=hint)
    return found
