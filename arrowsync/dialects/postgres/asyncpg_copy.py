"""COPY over asyncpg: `Chunks` cuts the stream into pieces of about 1 MiB, `run_copy` sends it so that no failure leaves the
connection hanging.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from arrowsync.bridge import uninterrupted, until_done
from arrowsync.dialects.silence import SilenceWatch
from arrowsync.wire.pgcopy.encode import HEADER, TRAILER, PgCopyEncoder

__all__ = ["STOP_SECONDS", "Wire", "feed", "run_copy", "uninterrupted", "until_done"]

T = TypeVar("T")

STOP_SECONDS = 10.0
"""Seconds that the server gets to end a COPY that is stopped, before the caller goes on regardless."""

_READY = b"Z\0\0\0\5"
"""The beginning of a ReadyForQuery message; nothing else that a server sends during a COPY of text has these bytes in a row."""


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


async def run_copy(connection: Any, copy: Callable[[Wire], Coroutine[Any, Any, T]], watch: SilenceWatch) -> T:
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
        await until_done(task)
        wire.release()
        if not connection.is_closed():
            await uninterrupted(watch.cleaned_up(wire.wait_ended(STOP_SECONDS), STOP_SECONDS))
        raise
    finally:
        wire.release()
        transport.set_protocol(wire.inner)


async def feed(chunks: AsyncIterator[T], wire: Wire) -> AsyncGenerator[T]:
    """Yield the chunks until the server has ended the COPY; then its answer counts, not the source's errors."""
    try:
        async for chunk in chunks:
            if wire.ended:
                return
            yield chunk
    except BaseException:
        if not wire.ended:
            raise


WIRE_BYTES = 1 << 20
"""The bytes handed to the socket at once."""
ROWS_AT_ONCE = 8_192
"""Rows encoded at once, so that they and their bytes stay in the processor's cache; fewer where rows are wide."""


@dataclass(slots=True)
class Chunks:
    """The bytes that go over the wire, made from batches on iteration (once, in a worker thread).

    `bytes` counts it; `error` is what the batches raised.
    """

    encode: PgCopyEncoder
    batches: Iterator[pa.RecordBatch]
    bytes: int = 0
    error: BaseException | None = None

    def __iter__(self) -> Iterator[memoryview]:
        try:
            pieces: list[Any] = [HEADER]
            size = len(HEADER)
            for piece in self._encoded():
                pieces.append(piece)
                size += len(piece)
                if size >= WIRE_BYTES:
                    yield from self._cut(pieces)
                    pieces, size = [], 0
            yield from self._cut([*pieces, TRAILER])
        except BaseException as error:
            self.error = error
            raise
        finally:
            close = getattr(self.batches, "close", None)
            if close is not None:
                close()

    def _encoded(self) -> Iterator[memoryview]:
        row = 0
        for batch in self.batches:
            rows = rows_at_once(batch)
            for start in range(0, batch.num_rows, rows):
                yield memoryview(self.encode(batch.slice(start, rows), first_row=row + start))
            row += batch.num_rows

    def _cut(self, pieces: list[Any]) -> Iterator[memoryview]:
        """All the pieces as one, cut where it is too long."""
        whole = memoryview(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        self.bytes += len(whole)
        for start in range(0, len(whole), WIRE_BYTES):
            yield whole[start : start + WIRE_BYTES]


def rows_at_once(batch: pa.RecordBatch) -> int:
    """The number of rows that take about 4 MiB, but at least one."""
    if batch.nbytes * ROWS_AT_ONCE <= 4 * WIRE_BYTES * batch.num_rows:
        return ROWS_AT_ONCE
    return max(1, 4 * WIRE_BYTES * batch.num_rows // batch.nbytes)
