"""`locked`: a lock of this process for several event loops, each in a thread of its own."""

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
    """Hold the lock of `key` and yield True; yield False if it isn't free within `patience` seconds."""
    lock, end = _locks[key], monotonic() + patience
    while not (taken := lock.acquire(blocking=False)) and monotonic() < end:  # noqa: ASYNC110 - other threads release it
        await asyncio.sleep(_PAUSE)
    try:
        yield taken
    finally:
        if taken:
            lock.release()
