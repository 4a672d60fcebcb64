"""`prefetch`: a blocking iterator consumed in a worker thread, a few items ahead of the event loop.

Data flows through it from a source, conversion and encoding (synchronous work that releases the GIL) to a socket. The queue is
bounded, so a slow server stops the source and memory stays flat.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


@asynccontextmanager
async def prefetch(items: Iterator[T], *, depth: int = 2) -> AsyncGenerator[AsyncIterator[T]]:
    """Yield an async iterator over `items`, which a thread of its own reads, at most `depth` items ahead.

    An exception of `items` is raised from the async iterator unchanged. On leaving, the thread is told to stop, `items` is
    closed in the thread that ran it, and the thread has ended.
    """
    feeder = _Feeder(items, depth, asyncio.get_running_loop())
    feeder.thread.start()
    try:
        yield feeder.drain()
    finally:
        await feeder.stop()


class _Feeder(Generic[T]):
    def __init__(self, items: Iterator[T], depth: int, loop: asyncio.AbstractEventLoop) -> None:
        self._items = items
        self._slots = threading.Semaphore(depth)
        self._ready: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._loop = loop
        self._wakeup = asyncio.Event()
        self._stopping = False
        self._finished = asyncio.Event()
        self.thread = threading.Thread(target=self._run, name="arrowsync-prefetch", daemon=True)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            for item in self._items:
                self._slots.acquire()
                if self._stopping:
                    break
                self._put(item)
                del item
        except BaseException as caught:
            error = caught
        finally:
            try:
                close = getattr(self._items, "close", None)
                if close is not None:
                    close()
            except BaseException as caught:
                error = error or caught
            self._put(_End(error))
            self._loop.call_soon_threadsafe(self._finished.set)

    def _put(self, item: Any) -> None:
        self._ready.put(item)
        self._loop.call_soon_threadsafe(self._wakeup.set)

    async def drain(self) -> AsyncIterator[T]:
        while True:
            while self._ready.empty():
                self._wakeup.clear()
                if self._ready.empty():
                    await self._wakeup.wait()
            item = self._ready.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            self._slots.release()
            yield item

    async def stop(self) -> None:
        self._stopping = True
        self._slots.release()
        # Shielded, and waited for again after a cancellation: the source must not be in use when the caller goes on.
        cancelled: asyncio.CancelledError | None = None
        while not self._finished.is_set():
            try:
                await self._finished.wait()
            except asyncio.CancelledError as error:
                cancelled = error
        self.thread.join()
        if cancelled is not None:
            raise cancelled
