"""A connection that is cut where the server doesn't notice: what the load has made is dropped all the same, and soon."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
from contract.mysql.mysql_live import connected, left_behind

import arrowsync
from arrowsync import ConnectionLost
from arrowsync.options import Mode

URLS = {"mysql": "mysql_url", "mariadb": "mariadb_url"}


class Relay:
    """Passes bytes on between clients and a server. `cut` ends the connections of the clients, and none of the server's."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._clients: list[socket.socket] = []
        self._upstream: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self) -> None:
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        ends = [self._listening, *self._clients, *self._upstream]
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in ends:
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                upstream = socket.create_connection(self._server)
                self._clients.append(client)
                self._upstream.append(upstream)
                for pair in ((client, upstream), (upstream, client)):
                    thread = threading.Thread(target=self._pass_on, args=pair)
                    self._threads.append(thread)
                    thread.start()

    def _pass_on(self, source: socket.socket, to: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                to.sendall(data)
        if to in self._clients:  # the server has said goodbye
            with suppress(OSError):
                to.shutdown(socket.SHUT_RDWR)


@contextmanager
def relayed(url: str) -> Iterator[tuple[Relay, str]]:
    parts = urlsplit(url)
    relay = Relay(parts.hostname or "", parts.port or 3306)
    try:
        yield relay, url.replace(f":{parts.port}/", f":{relay.port}/")
    finally:
        relay.close()


@pytest.mark.parametrize("parallel", [1, 2])
@pytest.mark.parametrize("mode", ["insert", "upsert"])
@pytest.mark.parametrize("product", URLS)
def test_a_draft_is_dropped_whose_connection_the_server_holds_on_to(
    request: pytest.FixtureRequest, product: str, mode: Mode, parallel: int
) -> None:
    url = request.getfixturevalue(URLS[product])
    schema = pa.schema({"id": pa.int64(), "note": pa.string()})
    with connected(product, url) as server, relayed(url) as (relay, through):

        def batches() -> Iterator[pa.RecordBatch]:
            for n in range(40):
                if n == 20:
                    relay.cut()
                ids = pa.array(range(n * 1_000, (n + 1) * 1_000), pa.int64())
                yield pa.record_batch([ids, pa.array(["x" * 500] * 1_000)], schema=schema)

        started = time.monotonic()
        with pytest.raises(ConnectionLost):
            arrowsync.sync_table(
                pa.RecordBatchReader.from_batches(schema, batches()),
                "fresh",
                through,
                key=["id"],
                mode=mode,
                parallel=parallel,
            )
        assert time.monotonic() - started < 60
        assert server.query("SHOW TABLES") == []
        assert left_behind(server) == []
