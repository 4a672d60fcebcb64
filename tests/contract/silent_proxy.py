"""A proxy in front of a server that falls silent at a word: it still takes bytes, and passes none on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class SilentProxy:
    """Passes bytes on until a client sends `word`; from then on that connection gets no answer, or none does.

    `swallows` is "answers", or "everything": what clients send is lost too, from the word on. `silent` is set at the word.
    """

    def __init__(self, url: str, word: bytes, *, swallows: str = "answers", others: bool = True) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname or "", parts.port or 0)
        self._word, self._swallows, self._others = word, swallows, others
        self.silent = threading.Event()
        self._victims: set[socket.socket] = set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        tls = "sslmode" if parts.scheme == "postgresql" else "ssl-mode"
        host = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[0]}@{host}{parts.path}?{tls}=disable"
        self._threads[0].start()

    def close(self) -> None:
        for end in (self._listening, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in (self._listening, *self._ends):
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._server)
                self._ends += [client, server]
                for pump in (self._ask, self._answer):
                    thread = threading.Thread(target=pump, args=(client, server))
                    self._threads.append(thread)
                    thread.start()

    def _is_silent(self, client: socket.socket) -> bool:
        return self.silent.is_set() and (self._others or client in self._victims)

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                lost = self._swallows == "everything" and self._is_silent(client)
                if self._word in data and not self.silent.is_set():
                    self._victims.add(client)
                    self.silent.set()
                if not lost:
                    server.sendall(data)
        for end in (client, server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                if not self._is_silent(client):
                    client.sendall(data)
        if not self._is_silent(client):
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)


@contextmanager
def silenced(url: str, word: bytes, *, swallows: str = "answers", others: bool = True) -> Iterator[SilentProxy]:
    proxy = SilentProxy(url, word, swallows=swallows, others=others)
    try:
        yield proxy
    finally:
        proxy.close()
