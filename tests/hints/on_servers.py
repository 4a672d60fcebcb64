"""How a hint is tried on a server: a call gets it, what it says is done, and then the call, or the one it names, succeeds.

The examples are in the files of `live/`. Each begins with `# hint: ` and the text of the hint, `{}` for a value in it, and has
these steps of Python behind a line with their name:

    # given     what is there before (none, if nothing is)
    # call      gets the hint
    # remedy    what the hint says to do on the server, if anything
    # then      what the hint says to call; left out where the call itself succeeds now
    # after     puts back what is the whole server's

`names` says which names they know.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import arrowsync
from hints.trying import PLAIN

FOLDER = Path(__file__).parent / "live"
_STEPS = ("given", "call", "remedy", "then", "after")


@dataclass(frozen=True)
class Live:
    """A hint of a server, and the steps that try it."""

    hint: str
    call: str
    given: str = ""
    remedy: str = ""
    then: str = ""
    after: str = ""


def read(name: str) -> tuple[Live, ...]:
    """The examples of a file."""
    return tuple(map(_example, re.split(r"^# hint: ", (FOLDER / f"{name}.txt").read_text(), flags=re.MULTILINE)[1:]))


def _example(text: str) -> Live:
    hint, _, rest = text.partition("\n")
    _, *parts = re.split(rf"^# ({'|'.join(_STEPS)})\n", rest, flags=re.MULTILINE)
    return Live(hint, **dict(zip(parts[::2], parts[1::2], strict=True)))


def params(*names: str) -> list[Any]:
    """The examples of some files as parameters of a test."""
    return [pytest.param(case, id=case.hint[:50]) for name in names for case in read(name)]


@contextmanager
def names(code: str, server: Any, url: str) -> Iterator[dict[str, Any]]:
    """The names that an example knows: `conn` and `admin` are connections to `url`, an empty database `db` of `server`.

    `USER` is a user of its own without any privilege, `as_user` the URL with which that one connects.
    """
    parts = urlsplit(url)
    with ExitStack() as stack:
        known: dict[str, Any] = {name: getattr(arrowsync, name) for name in arrowsync.__all__} | PLAIN
        known |= {"asyncio": asyncio, "server": server, "url": url, "db": parts.path[1:], "port": parts.port}
        known |= {"aio": arrowsync.aio, "ROWS": [(1, "a")], "FRAME": known["pa"].table({"id": [1], "name": ["a"]})}
        known["host"] = f"{parts.scheme}://{parts.netloc}"
        known["login"] = parts.netloc.rpartition("@")[0]
        for name in ("conn", "admin"):
            if re.search(rf"\b{name}\b", code):
                known[name] = stack.enter_context(arrowsync.connect(url))
        if re.search(r"{USER}|\bas_user\b", code):
            known |= stack.enter_context(user(server, url))
        yield known


@contextmanager
def user(server: Any, url: str) -> Iterator[dict[str, str]]:
    name, parts = f"hint_{secrets.token_hex(4)}", urlsplit(url)
    with arrowsync.connect(url) as admin:
        if parts.scheme == "postgresql":
            admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'Secret-1'")
            option, shown, gone = "", name, f"DROP OWNED BY {name}; DROP ROLE {name}"
        else:
            admin.execute(f"CREATE USER '{name}'@'%' IDENTIFIED BY 'Secret-1'")
            option, shown = "?ssl-mode=disable&get-server-public-key=true", f"'{name}'@'%'"
            gone = f"DROP USER {shown}"
        login = url.replace(parts.netloc.rpartition("@")[0], f"{name}:Secret-1", 1)
        try:
            yield {"USER": shown, "as_user": login + option, "user_name": name}
        finally:
            admin.execute(gone)


def try_hint(case: Live, server: Any, url: str) -> None:
    steps = (case.given, case.call, case.remedy, case.then or case.call, case.after)
    pattern = ".*".join(re.escape(part) for part in case.hint.split("{}"))
    with names("\n".join(steps), server, url) as scope:
        given, call, remedy, then, after = (compile(step, "example", "exec", dont_inherit=True) for step in steps)
        exec(given, scope)
        try:
            with pytest.raises(arrowsync.ArrowSyncError) as caught:
                exec(call, scope)
            assert re.fullmatch(pattern, caught.value.hint or "", re.DOTALL), caught.value
            exec(remedy, scope)
            exec(then, scope)
        finally:
            exec(after, scope)
