"""`commit`: run the statement that makes changes visible, and find out its outcome.

The answer to a COMMIT may be lost with the connection, and a cancellation may arrive while it runs. A statement that has been
sent can't be taken back, so its answer is awaited; if it is lost, the server is asked over another connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from arrowsync.bridge.uninterrupted import uninterrupted
from arrowsync.errors import ConnectionLost, DatabaseError, committed_of, doubt, mark_committed

WAIT_SECONDS = 60.0
"""Seconds to wait for the answer after a cancellation, before the connection is cut."""


async def commit(
    run: Callable[[], Awaitable[object]],
    look: Callable[[], Awaitable[bool | None]],
    stop: Callable[[], object] | None = None,
) -> None:
    """Commit with `run`: return if it has committed, raise if it hasn't or if the outcome is unknown.

    After a lost answer `look` finds out the outcome: True, False, or None if it can't. An error of the server means that
    nothing was committed. A cancellation is raised after the answer, marked with the outcome (`committed_of`); `stop` cuts the
    connection if no answer comes.
    """
    task = asyncio.ensure_future(_known(run, look))
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            done, _ = await asyncio.wait([task], timeout=None if cancelled is None else WAIT_SECONDS)
        except asyncio.CancelledError as error:
            cancelled = error
            continue
        if not done and stop is not None:
            stop()
    if task.cancelled():  # the loop itself is being ended
        cancelled = cancelled or asyncio.CancelledError()
        mark_committed(cancelled, None)
    elif cancelled is not None:
        failure = task.exception()
        mark_committed(cancelled, True if failure is None else committed_of(failure))
    if cancelled is not None:
        raise cancelled
    task.result()


async def _known(run: Callable[[], Awaitable[object]], look: Callable[[], Awaitable[bool | None]]) -> None:
    try:
        await run()
    except Exception as error:
        if isinstance(error, DatabaseError) and not isinstance(error, ConnectionLost) and error.committed is False:
            raise
        committed = await uninterrupted(look())
        if committed:
            return
        if committed is None:
            doubt(error)
        else:
            mark_committed(error, False)
        raise
