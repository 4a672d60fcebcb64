"""`Worker`: one thread in which a blocking driver does all its work, called from the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Worker:
    """A thread that runs blocking calls one at a time; it starts with the first call, and ends with `close`."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"arrowsync-{name}")

    async def run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `call` in the worker's thread, and return its result."""
        return await self.run_interruptible(None, call, *args, **kwargs)

    async def run_interruptible(
        self, interrupt: Callable[[], None] | None, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run `call` in the worker's thread; a cancellation calls `interrupt`, waits until the call has ended, and is raised.

        The call runs in a copy of the caller's context, since it may run code of the user's.
        """
        context = copy_context()
        future = asyncio.get_running_loop().run_in_executor(self._executor, lambda: context.run(call, *args, **kwargs))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if interrupt is not None:
                interrupt()
            while not future.done():
                try:
                    await asyncio.wait([future])
                except asyncio.CancelledError:
                    continue
            if not future.cancelled():
                future.exception()  # retrieved: the cancellation is what the caller sees
            raise

    def close(self) -> None:
        """End the thread, after the call that is still running."""
        self._executor.shutdown(wait=True)
