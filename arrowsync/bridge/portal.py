"""`Portal`: one background event loop for all blocking calls, so that they work anywhere, also inside a running loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, wait
from contextvars import copy_context
from typing import Any, TypeVar

from arrowsync.bridge.owner import keep_for_ever
from arrowsync.errors import ArrowSyncError, committed_of, doubt, mark_committed

R = TypeVar("R")


class Portal:
    """A daemon thread that runs an event loop; it starts with the first call, and anew in a forked child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        # The child has no such thread, and perhaps a lock that was held when it forked.
        self._lock = threading.Lock()
        if self._loop is not None:
            keep_for_ever(self._loop)  # its end would unregister sockets that the parent's loop waits for
        self._loop = None

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                threading.Thread(target=loop.run_forever, name="arrowsync-loop", daemon=True).start()
                self._loop = loop
            return self._loop

    def run(self, call: Callable[[], Awaitable[R]], committed: Callable[[R], str | None] | None = None) -> R:
        """Await the coroutine of `call` in the background loop, and return its result.

        Ctrl-C cancels the call and waits until it has ended (a load has rolled back), then raises the KeyboardInterrupt with the
        outcome of the call. If the call has succeeded nonetheless, `committed(result)` names the work that is committed, or is
        None. A second Ctrl-C doesn't wait.
        """
        loop = self._running_loop()
        if _current_loop() is loop:
            raise RuntimeError(
                "a blocking call was made from inside arrowsync's own event loop: use arrowsync.aio there"
            )
        done: Future[R] = Future()
        tasks: list[asyncio.Task[None]] = []
        context = copy_context()

        def start() -> None:
            tasks.append(loop.create_task(_settle(call, done), context=context))

        def cancel() -> None:
            if tasks:
                tasks[0].cancel()
            else:
                done.cancel()  # interrupted before it was even scheduled

        try:
            loop.call_soon_threadsafe(start)
            _wait(done)
        except KeyboardInterrupt as interrupt:
            loop.call_soon_threadsafe(cancel)
            try:
                _wait(done)
            except KeyboardInterrupt as second:
                doubt(second)
                second.add_note("arrowsync: the call was not waited for: it may or may not have been committed")
                raise
            _tell(interrupt, done, committed)
            raise
        return done.result()


def _wait(done: Future[Any]) -> None:
    """Wait until the call is done, in steps: a signal that arrives just before a wait is handled only after the wait."""
    while not done.done():
        wait([done], timeout=0.5)


def _tell(interrupt: KeyboardInterrupt, done: Future[R], committed: Callable[[R], str | None] | None) -> None:
    """Mark the interruption with the outcome of the call."""
    error = None if done.cancelled() else done.exception()
    if error is not None:
        mark_committed(interrupt, committed_of(error))
        notes: list[str] = getattr(error, "__notes__", [])
        if isinstance(error, ArrowSyncError) and committed_of(error) is None:
            notes = [f"arrowsync: {error}"]
    else:
        what = None if done.cancelled() or committed is None else committed(done.result())
        mark_committed(interrupt, what is not None)
        notes = [] if what is None else [f"arrowsync: {what} was committed"]
    for note in notes:
        interrupt.add_note(note)


async def _settle(call: Callable[[], Awaitable[R]], done: Future[R]) -> None:
    """Await the call and put its result or error into `done`: a KeyboardInterrupt too, which would end the loop's thread."""
    try:
        result = await call()
    except BaseException as error:
        done.set_exception(error)
    else:
        done.set_result(result)


def _current_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
