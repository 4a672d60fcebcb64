"""`locked`: a lock of this process that is waited for in any event loop, by threads that have their own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import defaultdict
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from time import monotonic

_PAUSE = 0.02

_locks: defaultdict[Hashable, threading.Lock] = defaultdict(threading.Lock)
os.register_at_fork(after_in_child=_locks.clear)  # nobody is left in the child who would release them


@asynccontextmanager
async def locked(key: Hashable, patience: float) -> AsyncGenerator[bool]:
    """Hold the lock of that key; False where it isn't to be had within so many seconds."""
    lock, end = _locks[key], monotonic() + patience
    while not (taken := lock.acquire(blocking=False)) and monotonic() < end:  # noqa: ASYNC110 - other threads release it
        await asyncio.sleep(_PAUSE)
    try:
        yield taken
    finally:
        if taken:
            lock.release()
