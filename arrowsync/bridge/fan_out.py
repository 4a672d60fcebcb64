"""`fan_out`: one blocking iterator, shared by several consumers, each of which takes the next item when it is free.

It is how one stream is loaded over several connections: one thread reads and converts, the worker threads that encode for
the connections take turns. The queue between them is bounded, so a slow server stops the source.
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
    """Raised from the other hands when one has failed: what they have taken so far is not all there is."""


@asynccontextmanager
async def fan_out(items: Iterator[T], *, depth: int = 2) -> AsyncGenerator[FanOut[T]]:
    """Yields a `FanOut` of `items`, which a thread of its own reads, at most `depth` items ahead of who takes them.

    On leaving, the thread is told to stop, `items` is closed in the thread that ran it, and the thread has ended.
    """
    deal = FanOut(items, depth, asyncio.get_running_loop())
    deal.thread.start()
    try:
        yield deal
    finally:
        deal.stop()
        await uninterrupted(deal.ended.wait())
        deal.thread.join()


class FanOut(Generic[T]):
    """Items that several threads take turns to take, each through a `hand` of its own. `failure` is what the source raised."""

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
        self.thread = threading.Thread(target=self._run, name="arrowsync-deal", daemon=True)

    def hand(self) -> Generator[T]:
        """An iterator over those items that it takes, for use in one thread.

        An error of the source is raised, as it is, from one of the hands. It ends all of them; so does a hand that is closed
        before the last item.
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
        """No more items: whoever waits for one, or asks for one, gets a `Stopped`."""
        with self._changed:
            self._stopped = True
            self._ready.clear()
            self._changed.notify_all()

    def _take(self) -> list[T]:
        """The next item, or nothing where there is none any more."""
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
        """Whether it is wanted: queued, as soon as there is room."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._ready) < self._depth or self._stopped)
            if self._stopped:
                return False
            self._ready.append(item)
            self._changed.notify_all()
            return True
