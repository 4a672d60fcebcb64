"""`Owner`: the process and event loop that a connection belongs to; ends the connection's copy in a forked child.

A fork copies every open connection. Both processes would then send on one socket, and each would read the other's answers, so
a connection is used by the process that opened it alone. In the child each open session is abandoned at once: its copy of the
socket is closed without a word to the server, whose connection to the parent goes on. The session is never finalized there
either, since a destructor would say goodbye in the parent's name.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

from arrowsync.errors import DeclarationError

T = TypeVar("T")


class Abandonable(Protocol):
    """An open connection that can be abandoned: closed in this process with nothing sent to the server."""

    def abandon(self) -> None: ...


class Owner:
    """The process and the event loop that may use a connection: the ones in which this object was made."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._pid = os.getpid()
        self._loop = asyncio.get_running_loop() if loop is None else loop
        _loops.add(self._loop)

    @property
    def is_forked(self) -> bool:
        """True in a process that was forked from the one that opened the connection."""
        return self._pid != os.getpid()

    @property
    def is_gone(self) -> bool:
        """True if the connection can't be used any more: in a forked child, or after the event loop was closed."""
        return self.is_forked or self._loop.is_closed()

    def check(self, connection: str = "the connection") -> None:
        """Raise a DeclarationError in any other process or event loop."""
        if self.is_forked:
            raise of_another_process(connection, f"process {self._pid}")
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is not self._loop:
            raise DeclarationError(
                f"{connection} belongs to another event loop, in which it was opened",
                hint="open a connection in this event loop, with await arrowsync.aio.connect(url), or pass the URL",
            )


def of_another_process(connection: str, opener: str = "its parent process") -> DeclarationError:
    """Return the error of using a connection that was opened before a fork."""
    return DeclarationError(
        f"{connection} was opened in {opener}, and can't be used in this one (process {os.getpid()}), which was forked from it",
        hint="open a connection in this process, after the fork: arrowsync.connect(url)",
    )


class OwnedStream(AsyncGenerator[T, None]):
    """An async generator that checks before each step that it runs in the process and event loop of its owner."""

    def __init__(self, items: AsyncGenerator[T, None], owner: Owner | None = None) -> None:
        self._items = items
        self._owner = owner

    def _check(self) -> None:
        if self._owner is None:
            self._owner = Owner()
        self._owner.check()

    async def asend(self, value: None) -> T:
        self._check()
        return await self._items.asend(value)

    async def athrow(self, *raised: Any) -> T:
        self._check()
        return await self._items.athrow(*raised)

    async def aclose(self) -> None:
        if self._owner is not None and self._owner.is_gone:
            keep_for_ever(self._items)
            return
        self._check()
        await self._items.aclose()


class OwnedScope(AbstractAsyncContextManager[None]):
    """An async context manager that checks that it is left in the process and event loop in which it was entered."""

    def __init__(self, scope: AbstractAsyncContextManager[None], owner: Owner) -> None:
        self._scope = scope
        self._owner = owner

    async def __aenter__(self) -> None:
        self._owner.check()
        await self._scope.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        if error is not None and self._owner.is_gone:
            return None  # there is nothing to be ended here, and the error says more
        self._owner.check()
        return await self._scope.__aexit__(kind, error, traceback)


_open: WeakSet[Any] = WeakSet()
_embedded: WeakSet[Any] = WeakSet()
"""The sessions that this process has opened: `_open` on servers, `_embedded` in itself. Abandoning a closed one does nothing."""


_loops: WeakSet[asyncio.AbstractEventLoop] = WeakSet()
"""Event loops that own connections. Closing a forked copy would unregister the sockets of the parent's loop from epoll."""


def abandon_in_children(session: Abandonable) -> None:
    """Abandon the session in each child that this process forks."""
    _open.add(session)


def keep_in_children(session: object) -> None:
    """Never finalize the session in a child that this process forks; for a database that runs inside the process."""
    _embedded.add(session)


def _let_go() -> None:
    for session in list(_open):
        session.abandon()
        keep_for_ever(session)
    for thing in (*_embedded, *_loops):
        keep_for_ever(thing)
    _open.clear()
    _embedded.clear()


os.register_at_fork(after_in_child=_let_go)


def close_silently(transport: Any) -> None:
    """Close the socket of an asyncio transport in this process, with nothing sent, neither by the transport nor by TLS.

    A socket whose other end is closed takes its place, so that code that still has the transport finds it broken. The event
    loop isn't told: in a forked child its epoll is shared with the parent's loop.
    """
    its = None if transport is None else transport.get_extra_info("socket")
    number = -1 if its is None else its.fileno()
    if number < 0:
        return
    broken, other = socket.socketpair()
    other.close()
    os.dup2(broken.fileno(), number, inheritable=False)
    broken.close()


def keep_for_ever(thing: object) -> None:
    """Keep the object from ever being finalized, even at the end of the interpreter."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
