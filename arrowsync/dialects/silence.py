"""`SilenceWatch`: a server that has fallen silent is told from one that is busy.

Keepalive and the user timeout of a socket notice a network that is gone. They don't notice what takes our bytes and passes
none on: a proxy, a tunnel, a machine that hangs. Nor may a limit on an answer do it, since a merge may compute for an hour. So
while the server is waited for and no byte has moved for a while, it is asked over another, short-lived connection to the same
address what it is doing for this one. The connection is cut where the server says twice that it isn't working on an answer,
or can't be reached twice. As long as it says that it works, it is waited for.

Bytes are those that the kernel counts (TCP_INFO on Linux). Where it doesn't count them, as for a Unix socket, whose other end
can't fall silent on its own, nothing is watched.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from arrowsync.bridge import until_done
from arrowsync.errors import ConnectionLost

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: without a byte before the server is asked, for its answer, and between looks at the socket.

    `cleanup` is how long a rollback, and then the question about it, may go unanswered.
    """

    quiet: float = 15.0
    answer: float = 10.0
    look: float = 5.0
    cleanup: float = 3.0


LIMITS = Limits()

KEEPALIVE_IDLE, KEEPALIVE_EVERY, KEEPALIVE_COUNT = 30, 10, 6
"""Seconds until the first probe and between probes, and how many go unanswered: a dead peer is noticed after 90 seconds."""
USER_TIMEOUT = 90.0
"""Seconds that sent bytes may go unacknowledged, or find no room at a server that doesn't say that it works on."""

_BYTES_MOVED = struct.Struct("@120x2Q")
"""The counts of bytes acknowledged and received, in Linux's tcp_info."""


def keep_alive(transport: Any) -> None:
    """Have the kernel notice a peer that is gone. It does nothing for a Unix socket."""
    its = transport.get_extra_info("socket")
    if its is None or its.family not in (socket.AF_INET, socket.AF_INET6):
        return
    its.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE),
        ("TCP_KEEPALIVE", KEEPALIVE_IDLE),  # its name on macOS
        ("TCP_KEEPINTVL", KEEPALIVE_EVERY),
        ("TCP_KEEPCNT", KEEPALIVE_COUNT),
        ("TCP_USER_TIMEOUT", int(USER_TIMEOUT * 1000)),
    ):
        _set(its, name, value)


def _set(its: Any, name: str, value: int) -> None:
    if (option := getattr(socket, name, None)) is not None:
        with suppress(OSError):
            its.setsockopt(socket.IPPROTO_TCP, option, value)


class SilenceWatch:
    """Watches one connection while its server is `waiting`ed for.

    `transport` gives the transport of the connection, `is_idle` asks over another connection whether the server isn't at work
    for this one (and raises ConnectionLost where it can't be reached), `cut` cuts the connection.
    """

    def __init__(
        self, transport: Callable[[], Any], is_idle: Callable[[], Awaitable[bool]], cut: Callable[[], None]
    ) -> None:
        self.reason: str | None = None
        """Why the connection was cut."""
        self._transport = transport
        self._is_idle = is_idle
        self._cut = cut
        self._waits = 0
        self._pauses = 0
        self._timer: asyncio.TimerHandle | None = None
        self._question: asyncio.Task[None] | None = None
        self._moved: tuple[int, int] | None = None
        self._since = 0.0
        self._began = 0.0
        self._suspicions = 0
        self._usual: int | None = None

    @contextmanager
    def waiting(self) -> Generator[None]:
        """Watch the connection while an answer of the server is awaited, or room for bytes to it."""
        self._waits += 1
        self._start()
        try:
            yield
        finally:
            self._waits -= 1
            self._stop()

    @contextmanager
    def paused(self) -> Generator[None]:
        """Suspend the watch while something other than the server is awaited: a source, or the consumer of the rows."""
        self._pauses += 1
        self._stop()
        try:
            yield
        finally:
            self._pauses -= 1
            self._start()

    async def between(self, items: AsyncIterator[T]) -> AsyncGenerator[T]:
        """The items of a source, which isn't the server."""
        while True:
            with self.paused():
                try:
                    item = await anext(items)
                except StopAsyncIteration:
                    return
            yield item

    async def cleaned_up(self, call: Awaitable[object], seconds: float) -> None:
        """Await a rollback or the end of a statement for so long, but soon cut the connection to a server that is silent."""
        task = asyncio.ensure_future(call)
        try:
            await asyncio.wait([task], timeout=LIMITS.cleanup)
            if not task.done() and self._bytes_moved() is not None and await self._says_idle(LIMITS.cleanup):
                self._end("it doesn't answer")
            await asyncio.wait([task], timeout=seconds)
        finally:
            if not task.done():
                task.cancel()
            await until_done(task)
        if task.cancelled():
            raise TimeoutError
        task.result()

    async def close(self) -> None:
        """End the question that is under way."""
        self._stop()
        if self._question is not None:
            await until_done(self._question)

    def _start(self) -> None:
        if self._waits and not self._pauses and self._timer is None:
            loop = asyncio.get_running_loop()
            self._since = self._began = loop.time()
            self._moved = None
            self._suspicions = 0
            self._timer = loop.call_later(LIMITS.look, self._look)

    def _stop(self) -> None:
        if self._timer is not None and (not self._waits or self._pauses):
            self._timer.cancel()
            self._timer = None
            if self._question is not None:
                self._question.cancel()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        moved = self._bytes_moved()
        if moved is None:
            return
        self._timer = loop.call_later(LIMITS.look, self._look)
        if moved != self._moved:
            if self._usual is not None:
                _set(self._socket(), "TCP_USER_TIMEOUT", self._usual)
                self._usual = None
            self._moved, self._since, self._suspicions = moved, loop.time(), 0
        elif loop.time() - self._since >= LIMITS.quiet and (self._question is None or self._question.done()):
            self._question = loop.create_task(self._ask())

    async def _ask(self) -> None:
        """Ask about the connection: it is cut after the second bad answer in a row, unless a byte has moved meanwhile."""
        loop = asyncio.get_running_loop()
        before = self._moved
        idle = await self._says_idle(LIMITS.answer)
        if before != self._bytes_moved():
            return
        if not idle:
            self._suspicions = 0
            self._since = loop.time()
            # A server that reads nothing for a while, since it is busy, is not to be taken for one that is gone.
            self._extend(loop.time() - self._began)
            return
        self._suspicions += 1
        if self._suspicions > 1:
            self._end(f"it has not answered for {loop.time() - self._since:.0f} s")

    async def _says_idle(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._is_idle()
        except (TimeoutError, ConnectionLost, OSError):
            return True  # it can't be reached
        except Exception:
            return False  # it has answered, if only that it has no room for another connection

    def _end(self, reason: str) -> None:
        self.reason = reason
        self._cut()

    def _socket(self) -> Any:
        """The socket, where it is one of TCP on a system whose kernel counts its bytes."""
        its = None if (transport := self._transport()) is None else transport.get_extra_info("socket")
        counts = its is not None and sys.platform == "linux" and its.family in (socket.AF_INET, socket.AF_INET6)
        return its if counts else None

    def _bytes_moved(self) -> tuple[int, int] | None:
        if (its := self._socket()) is None:
            return None
        try:
            return _BYTES_MOVED.unpack(its.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_MOVED.size))
        except (OSError, struct.error):  # closed meanwhile; an old kernel
            return None

    def _extend(self, seconds: float) -> None:
        """Let the user timeout end so much later, until a byte moves again."""
        with suppress(OSError):
            if (its := self._socket()) is not None:
                if self._usual is None:
                    self._usual = its.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
                if self._usual:  # 0 is none
                    _set(its, "TCP_USER_TIMEOUT", self._usual + int(seconds * 1000))
