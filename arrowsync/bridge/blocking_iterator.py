"""`blocking_iterator`: an async iterable as an iterator that a worker thread can read, some items at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Coroutine, Generator
from concurrent.futures import TimeoutError as NotYet
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")

ITEMS = 256
"""The number of items, such as rows, that cross from the loop to the thread at once."""


@asynccontextmanager
async def blocking_iterator(items: AsyncIterable[T]) -> AsyncGenerator[Generator[T]]:
    """Yield a blocking iterator over `items` for use in another thread; this event loop awaits the items as they are asked for.

    The iterator raises the errors of `items`. If the task that entered is cancelled, the iterator raises too, even while it
    waits for an item. On leaving, `items` is awaited no more, and closed if it is an async generator. Items are awaited in
    the context of the thread that asks for them.
    """
    loop, owner = asyncio.get_running_loop(), asyncio.current_task()
    iterator = aiter(items)
    waiting: set[asyncio.Task[Any]] = set()

    async def take() -> tuple[list[T], bool]:
        task = asyncio.current_task()
        assert task is not None, "a coroutine of the loop is a task"
        waiting.add(task)
        try:
            return await _take(iterator)
        finally:
            waiting.discard(task)

    def read() -> Generator[T]:
        while True:
            chunk, more = _result(take(), loop, owner)
            yield from chunk
            if not more:
                return

    try:
        yield read()
    finally:
        tasks = list(waiting)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        close = getattr(iterator, "aclose", None)
        if close is not None:
            await close()


async def _take(iterator: AsyncIterator[T]) -> tuple[list[T], bool]:
    """Return the next items, and True if there may be more. A batch or frame is large, and crosses alone."""
    chunk: list[T] = []
    async for item in iterator:
        chunk.append(item)
        if len(chunk) == ITEMS or hasattr(item, "__arrow_c_array__") or hasattr(item, "__arrow_c_stream__"):
            return chunk, True
    return chunk, False


def _result(call: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop, owner: asyncio.Task[Any] | None) -> T:
    """Run the coroutine in the loop and return its result. A cancelled owner waits meanwhile for this thread."""
    future = asyncio.run_coroutine_threadsafe(call, loop)
    while True:
        try:
            return future.result(timeout=0.1)
        except NotYet:
            if future.done():
                raise  # it is what the items raised
            if owner is not None and owner.cancelling():
                future.cancel()
                raise
