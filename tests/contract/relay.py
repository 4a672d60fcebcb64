"""`Relay`: passes bytes on between clients and a server, and does harm when a client sends a given statement."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal
from urllib.parse import urlsplit

Harm = Literal["the statement is lost", "the answer is lost", "the answer waits"]


class Relay:
    """Does `harm` once, when a client sends `at`, after some client has sent `after`.

    `reached` is set when the statement has been sent, and where an answer is held back or lost, when the server has answered:
    what the statement did is done by then. A held answer goes on when `release` is called.
    """

    def __init__(self, server: tuple[str, int], harm: Harm, at: bytes, after: bytes) -> None:
        self._server, self._harm, self._at, self._after = server, harm, at, after
        self._armed = not after
        self._victim: socket.socket | None = None
        self._released = threading.Event()
        self.reached = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._ends: list[socket.socket] = [self._listening]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def release(self) -> None:
        self._released.set()

    def cut(self) -> None:
        """Cut the connection whose answer waits."""
        if self._victim is not None:
            _end(self._victim)
        self._released.set()

    def close(self) -> None:
        self._released.set()
        for end in self._ends:
            _end(end)
        for thread in self._threads:
            thread.join()
        for end in self._ends:
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                upstream = socket.create_connection(self._server)
                self._ends += [client, upstream]
                for pass_on in (self._ask, self._answer):
                    thread = threading.Thread(target=pass_on, args=(client, upstream))
                    self._threads.append(thread)
                    thread.start()

    def _ask(self, client: socket.socket, upstream: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                if self._armed and self._victim is None and self._at in data:
                    self._victim = client
                    if self._harm == "the statement is lost":
                        self.reached.set()
                        break
                elif self._after and self._after in data:
                    self._armed = True
                upstream.sendall(data)
        _end(upstream)
        if self._victim is client and self._harm == "the statement is lost":
            _end(client)

    def _answer(self, client: socket.socket, upstream: socket.socket) -> None:
        with suppress(OSError):
            while data := upstream.recv(1 << 16):
                if self._victim is client and not self.reached.is_set():
                    self.reached.set()
                    if self._harm == "the answer is lost":
                        break
                    self._released.wait()
                client.sendall(data)
        _end(client)


def _end(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


@contextmanager
def relayed(url: str, harm: Harm, at: bytes, after: bytes = b"") -> Iterator[tuple[Relay, str]]:
    """A relay in front of the server of the URL, and the URL that goes through it, without TLS."""
    parts = urlsplit(url)
    postgres = parts.scheme.startswith("postgres")
    relay = Relay((parts.hostname or "", parts.port or (5432 if postgres else 3306)), harm, at, after)
    through = url.replace(f":{parts.port}/", f":{relay.port}/")
    option = "sslmode" if postgres else "ssl-mode"
    try:
        yield relay, f"{through}{'&' if parts.query else '?'}{option}=disable"
    finally:
        relay.close()


def when_reached(relay: Relay, act: Callable[[], None]) -> threading.Thread:
    """A thread that acts when the statement has been sent."""

    def wait() -> None:
        if relay.reached.wait(60):
            act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread
