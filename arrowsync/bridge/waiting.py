"""Waiting for what must not be interrupted: `settle` and `finish`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


async def settle(task: asyncio.Future[Any]) -> None:
    """Wait until the task is done, whatever comes of it; a cancellation meanwhile is raised afterwards."""
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


async def finish(call: Awaitable[T]) -> T:
    """The result of `call`, which is not interrupted: a cancellation is raised after it has ended."""
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await settle(task)
        raise
