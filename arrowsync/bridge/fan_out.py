"""`fan_out`: one blocking iterator, shared by several consumers, each of which takes the next item when it is free.

A load over several connections reads and converts in one thread, and the worker threads that encode for the connections take
turns. The queue between them is bounded, so a slow server stops the source.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from arrowsync.bridge.uninterrupted import uninterrupted

T = TypeVar("T")


class Stopped(Exception):
    """One consumer has failed, so the others must not take the items that they got for all items."""


@asynccontextmanager
async def fan_out(items: Iterator[T], *, depth: int = 2) -> AsyncGenerator[FanOut[T]]:
    """Yield a `FanOut` of `items`, which a thread of its own reads, at most `depth` items ahead of the consumers.

    On leaving, the thread is told to stop, `items` is closed in the thread that ran it, and the thread has ended.
    """
    fan = FanOut(items, depth, asyncio.get_running_loop())
    fan.thread.start()
    try:
        yield fan
    finally:
        fan.stop()
        await uninterrupted(fan.ended.wait())
        fan.thread.join()


class FanOut(Generic[T]):
    """Items that several threads take turns to take, each through its own `hand`. `failure` is the error of the source."""

    def __init__(self, items: Iterator[T], depth: int, loop: asyncio.AbstractEventLoop) -> None:
        self._items = items
        self._depth = depth
        self._loop = loop
        self._changed = threading.Condition()
        self._ready: deque[T] = deque()
        self._complete = False
        self._stopped = False
        self._error: BaseException | None = None
        self.failure: BaseException | None = None
        self.ended = asyncio.Event()
        self.thread = threading.Thread(target=self._run, name="arrowsync-fan-out", daemon=True)

    def share(self) -> Generator[T]:
        """Iterate over the items that one consumer takes; for use in one thread.

        An error of the source is raised, unchanged, from one of the hands, and ends all of them. A hand that is closed before
        the last item ends all of them too.
        """
        to_the_end = False
        try:
            while taken := self._take():
                yield taken.pop()
            to_the_end = True
        finally:
            if not to_the_end:
                self.stop()

    def stop(self) -> None:
        """End the fan-out: each consumer that waits or asks for an item gets a `Stopped`."""
        with self._changed:
            self._stopped = True
            self._ready.clear()
            self._changed.notify_all()

    def _take(self) -> list[T]:
        """Return the next item in a list, or an empty list after the last one."""
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._complete or self._stopped)
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if self._stopped:
                raise Stopped
            if not self._ready:
                return []
            self._changed.notify_all()
            return [self._ready.popleft()]

    def _run(self) -> None:
        try:
            try:
                for item in self._items:
                    if not self._offer(item):
                        break
                    del item
            finally:
                close = getattr(self._items, "close", None)
                if close is not None:
                    close()
        except BaseException as error:
            with self._changed:
                self.failure = error
                self._error = None if self._stopped else error
            self.stop()
        with self._changed:
            self._complete = True
            self._changed.notify_all()
        self._loop.call_soon_threadsafe(self.ended.set)

    def _offer(self, item: T) -> bool:
        """Queue the item as soon as there is room, and return True; False if the fan-out has ended."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._ready) < self._depth or self._stopped)
            if self._stopped:
                return False
            self._ready.append(item)
            self._changed.notify_all()
            return True
