"""Empty databases for the tests of one server: one that a test has left empty is given to the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

GRACE_SECONDS = 30.0


class DatabaseServer(Protocol):
    """What every product's server can do."""

    def create_database(self) -> str: ...
    def drop_database(self, url: str) -> None: ...
    def reset_database(self, url: str) -> bool: ...
    def backends(self, url: str) -> list[str]: ...


class ConnectionsLeft(Exception):
    """Who used the database has left connections to it open."""


class DatabasePool:
    """Databases of one server, lent one at a time. A new one takes far longer than emptying one that is there."""

    def __init__(self, server: DatabaseServer, *, grace: float = GRACE_SECONDS) -> None:
        self.server = server
        self._grace = grace
        self._empty: list[str] = []

    @contextmanager
    def lend(self) -> Iterator[str]:
        """The URL of an empty database; `ConnectionsLeft` at the end where a connection to it is still open."""
        url = self._empty.pop() if self._empty else self.server.create_database()
        yield url
        backends = wait_until_none(lambda: self.server.backends(url), every=0.05, grace=self._grace)
        if not backends and self.server.reset_database(url):
            self._empty.append(url)
        else:
            self.server.drop_database(url)
        if backends:
            raise ConnectionsLeft("\n".join(backends))

    def close(self) -> None:
        while self._empty:
            self.server.drop_database(self._empty.pop())


def wait_until_none(left: Callable[[], list[str]], *, every: float, grace: float = GRACE_SECONDS) -> list[str]:
    """What is left of `left()` after a grace period: a server needs a moment to notice that a client is gone."""
    end = time.monotonic() + grace
    while (found := left()) and time.monotonic() < end:
        time.sleep(every)
    return found
