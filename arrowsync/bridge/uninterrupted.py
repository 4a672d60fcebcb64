"""`until_done` and `uninterrupted`: await work to its end although the waiting task is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


async def until_done(task: asyncio.Future[Any]) -> None:
    """Wait until the task is done, with a result or an error; a cancellation meanwhile is raised afterwards."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if not task.cancelled():
        task.exception()  # retrieved: what the caller raises is what counts
    if cancelled is not None:
        raise cancelled


async def uninterrupted(call: Awaitable[T]) -> T:
    """Await `call` to its end and return its result; a cancellation meanwhile is raised afterwards."""
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await until_done(task)
        raise
