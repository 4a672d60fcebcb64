"""`run_copy`: one COPY of asyncpg, run so that no failure leaves the connection hanging.

What asyncpg (0.32) does alone, each seen to happen: it notices that the server has ended a COPY only when the whole source
is consumed; it waits for ever for a server that is gone while it wants to write; it leaves a COPY running that is cancelled in
the moment in which data arrives; and where the source fails, or the task is cancelled, after the server has already given
up, it waits for an answer that has come before, so that the next statement on the connection never returns. All of it is
avoided by looking, between the transport and asyncpg, for the message that ends a COPY.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from arrowsync.bridge import finish, settle

__all__ = ["STOP_SECONDS", "Wire", "feed", "finish", "run_copy", "settle"]

T = TypeVar("T")

STOP_SECONDS = 10.0
"""How long the server may take to end a COPY that is stopped, before the caller goes on regardless."""

_READY = b"Z\0\0\0\5"
"""How a ReadyForQuery message begins; nothing else that a server sends during a COPY of text has these bytes in a row."""


class Wire(asyncio.Protocol):
    """Passes everything on to asyncpg, and knows whether the server has `ended` the COPY, well or badly.

    While it is held, what the server sends waits here.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self._ended = asyncio.Event()
        self._tail = b""
        self._held: list[bytes] | None = None

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    async def wait_ended(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()

    def hold(self) -> None:
        if self._held is None:
            self._held = []

    def release(self) -> None:
        held, self._held = self._held, None
        for data in held or ():
            self.data_received(data)

    def data_received(self, data: bytes) -> None:
        if self._held is not None:
            self._held.append(data)
            return
        if _READY in data or _READY in self._tail + data[: len(_READY)]:
            self._ended.set()
        self._tail = (self._tail + data)[-len(_READY) :] if len(data) < len(_READY) else data[-len(_READY) :]
        self.inner.data_received(data)

    def eof_received(self) -> bool | None:
        ending: bool | None = self.inner.eof_received()
        return ending

    def connection_lost(self, exc: Exception | None) -> None:
        self.release()
        self._ended.set()
        self.inner.connection_lost(exc)
        self.inner.resume_writing()

    def pause_writing(self) -> None:
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        self.inner.resume_writing()


async def run_copy(connection: Any, copy: Callable[[Wire], Coroutine[Any, Any, T]]) -> T:
    """The result of `copy`, which runs one COPY on the asyncpg connection and ends soon once `wire.ended`.

    When it fails or is cancelled, the server has stopped too before this returns.
    """
    await connection.execute("SELECT 1")  # the answer to what was cancelled before must not be taken for ours
    transport: asyncio.Transport = connection._transport
    wire = Wire(transport.get_protocol())
    transport.set_protocol(wire)
    task = asyncio.create_task(copy(wire))
    try:
        return await asyncio.shield(task)
    except BaseException:
        if not task.done() and not wire.ended:
            # Nothing arrives from now on until the task has stopped; and what has arrived is taken up before it is told to.
            wire.hold()
            asyncio.get_running_loop().call_soon(task.cancel)
        await settle(task)
        wire.release()
        if not connection.is_closed():
            await finish(wire.wait_ended(STOP_SECONDS))
        raise
    finally:
        wire.release()
        transport.set_protocol(wire.inner)


async def feed(chunks: AsyncIterator[T], wire: Wire) -> AsyncGenerator[T]:
    """The chunks, until the server has ended the COPY: then its answer is what counts, not what the source says."""
    try:
        async for chunk in chunks:
            if wire.ended:
                return
            yield chunk
    except BaseException:
        if not wire.ended:
            raise
