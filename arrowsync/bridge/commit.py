"""`commit`: run the statement that makes changes visible, and know what came of it.

Its answer may be lost with the connection, and a cancellation may come while it runs. A statement that has been sent can't be
taken back, so its answer is waited for; where the answer is lost, the server is asked over another connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from arrowsync.bridge.uninterrupted import uninterrupted
from arrowsync.errors import ConnectionLost, DatabaseError, committed_of, doubt, mark_committed

WAIT_SECONDS = 60.0
"""How long the answer is waited for after a cancellation, before the connection is cut."""


async def commit(
    run: Callable[[], Awaitable[object]],
    look: Callable[[], Awaitable[bool | None]],
    stop: Callable[[], object] | None = None,
) -> None:
    """Return where it has committed, and raise where it hasn't, or where nobody can say.

    `look` finds out whether it has committed where the answer is lost; None where it can't tell. An error of the server means
    that it hasn't. A cancellation is raised when the answer is there, marked with the outcome (`committed_of`); `stop` cuts
    the connection where the answer doesn't come.
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
