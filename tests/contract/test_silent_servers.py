"""Nothing waits for ever: a server that falls silent is given up, one that works for long is not."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from contract.silent_proxy import silenced

import arrowsync
from arrowsync import ConnectionLost
from arrowsync.dialects import silence

URLS = {"postgres": "postgres_url", "mysql": "mysql_url", "mariadb": "mariadb_url"}
NEVER = 10_000.0
SHORT = silence.Limits(quiet=0.5, answer=2.0, look=0.1, cleanup=0.5)
ROWS = pa.table({"id": range(20_000), "text": ["some text that takes room"] * 20_000})


def load(conn: arrowsync.Connection) -> object:
    return arrowsync.sync_table(ROWS, "items", conn, key="id")


def slow_source(conn: arrowsync.Connection) -> object:
    """More than what fits into the buffers on the way, so that it is sending that stops."""
    batch = pa.record_batch({"id": pa.array(range(10_000)), "text": ["x" * 200] * 10_000})
    rows = pa.RecordBatchReader.from_batches(batch.schema, iter([batch] * 30))
    return arrowsync.sync_table(rows, "items", conn, mode="insert")


OPERATIONS: dict[str, tuple[bytes, Callable[[arrowsync.Connection], object]]] = {
    "fetch": (b"hush", lambda conn: conn.fetch("SELECT 'hush' AS word")),
    "execute": (b"hush", lambda conn: conn.execute("CREATE TABLE hush (id int)")),
    "stream": (b"hush", lambda conn: list(conn.stream("SELECT 'hush' AS word"))),
    "discover": (b"information_schema|pg_catalog", arrowsync.discover),
    "load": (b"FROM STDIN|LOAD DATA", load),
    "long load": (b"FROM STDIN|LOAD DATA", slow_source),
    "commit": (b"COMMIT", load),
}
"""Operations, with the word in what is sent at which the server falls silent."""


@pytest.fixture(params=URLS)
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(URLS[request.param])
    return found


def word_for(operation: str, url: str) -> bytes:
    ours, _, other = OPERATIONS[operation][0].partition(b"|")
    if operation == "discover":
        return other if url.startswith("postgresql") else ours
    return ours if url.startswith("postgresql") or not other else other


@pytest.mark.parametrize("others", [True, False], ids=["the whole server", "this connection"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_server_that_falls_silent(url: str, operation: str, others: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if others and operation in ("execute", "stream", "discover", "long load"):
        pytest.skip("never: the same wait as another one")
    if not others and "load" in operation and url.startswith("mysql"):
        pytest.skip("never: the server says that it works until its net_read_timeout of 30 s is over")
    with silenced(url, word_for(operation, url), others=others) as proxy, arrowsync.connect(proxy.url) as conn:
        monkeypatch.setattr(silence, "LIMITS", SHORT)
        if operation == "commit" and not (others and url.startswith("postgresql")):
            load(conn)  # it had been committed: that is found out over another connection, or by the table's name
            assert proxy.silent.is_set()
            assert arrowsync.read_table("items", url).num_rows == ROWS.num_rows
            return
        with pytest.raises(ConnectionLost) as lost:
            OPERATIONS[operation][1](conn)
        assert proxy.silent.is_set()
        assert lost.value.__cause__ is not None
        with pytest.raises(ConnectionLost):
            conn.fetch("SELECT 1 AS n")


def test_rows_that_are_swallowed_on_the_way(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server waits for rows, and we for its answer: that is no work."""
    with (
        silenced(postgres_url, b"FROM STDIN", swallows="everything", others=False) as proxy,
        arrowsync.connect(proxy.url) as conn,
    ):
        monkeypatch.setattr(silence, "LIMITS", SHORT)
        with pytest.raises(ConnectionLost):
            load(conn)


LONG = {
    "postgres": "SELECT 7 AS n FROM pg_sleep(4)",
    "mysql": "SELECT 7 + sleep(4) AS n",
    "mariadb": "SELECT 7 + sleep(4) AS n",
}


@pytest.mark.parametrize("product", URLS)
def test_a_long_statement_is_not_cut(
    product: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says nothing for many times longer than what is silence in a server that doesn't work."""
    monkeypatch.setattr(silence, "LIMITS", silence.Limits(quiet=0.3, answer=20.0, look=0.1))
    with arrowsync.connect(request.getfixturevalue(URLS[product])) as conn:
        assert conn.fetch(LONG[product]).to_pylist() == [{"n": 7}]


def test_waiting_for_a_lock_is_not_cut(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "LIMITS", silence.Limits(quiet=0.3, answer=20.0, look=0.1))
    with arrowsync.connect(postgres_url) as conn, arrowsync.connect(postgres_url) as other:
        conn.execute("CREATE TABLE locked (id int)")
        with other.transaction():
            other.execute("LOCK TABLE locked")
            failed: list[BaseException] = []

            def insert() -> None:
                try:
                    conn.execute("INSERT INTO locked VALUES (1)")
                except BaseException as error:
                    failed.append(error)

            thread = threading.Thread(target=insert)
            thread.start()
            time.sleep(3)
        thread.join()
        assert failed == []


def test_a_slow_source_is_not_a_silent_server(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "LIMITS", silence.Limits(quiet=0.2, answer=20.0, look=0.05))

    def rows() -> Any:
        for number in range(3):
            time.sleep(1)
            yield {"id": number}

    with arrowsync.connect(url) as conn:
        assert arrowsync.sync_table(rows(), "slow", conn, key="id").inserted == 3


@pytest.mark.parametrize("operation", ["load", "fetch"])
def test_ctrl_c_on_a_silent_server(url: str, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends soon, though neither a cancellation nor a rollback is answered."""
    with silenced(url, word_for(operation, url)) as proxy, arrowsync.connect(proxy.url) as conn:
        monkeypatch.setattr(silence, "LIMITS", silence.Limits(quiet=NEVER, cleanup=1.0))

        def interrupt() -> None:
            proxy.silent.wait(60)
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGINT)

        interrupter = threading.Thread(target=interrupt)
        interrupter.start()
        with pytest.raises(KeyboardInterrupt):
            OPERATIONS[operation][1](conn)
        interrupter.join()
        began = time.monotonic()
        conn.close()
        assert time.monotonic() - began < 60


def test_sockets_have_keepalive(url: str) -> None:
    with arrowsync.connect(url) as conn:
        session: Any = conn._async._session
        connection = getattr(session, "connection", None) or session._connection
        transport = getattr(connection, "_transport", None) or connection._writer.transport
        its = transport.get_extra_info("socket")
        assert its.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle, every, count = (
            its.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        assert idle + every * count <= 120
        assert 0 < its.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 120_000
