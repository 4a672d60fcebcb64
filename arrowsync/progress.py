"""A progress bar on a terminal and in a notebook; nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from time import monotonic
from typing import Any, TextIO, cast

from arrowsync.shown import printable, to_html

Progress = Callable[[int, "int | None"], None]
"""A callback `(rows read so far, rows in all or None)`, called from a worker thread."""

_INTERVAL = 0.1  # seconds between two updates of what is shown


@contextmanager
def shown_progress(wanted: bool | Progress | None, title: str) -> Generator[Progress | None]:
    """Yield the callback that a load reports to: the caller's own, one that draws a bar, or None for no display.

    `wanted` is a callback; True or False to have a bar or none; None for a bar on a terminal and in a notebook only.
    """
    if callable(wanted):
        yield wanted
    elif wanted is False:
        yield None
    elif _in_notebook():
        yield _notebook_bar(title)
    elif sys.stderr is not None and (wanted or sys.stderr.isatty()):  # None: closed before Python began
        with _terminal_bar(title) as bar:
            yield bar
    else:
        yield None


def _in_notebook() -> bool:
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


def _throttled(show: Callable[[int, int | None], None]) -> Progress:
    last = 0.0

    def report(rows: int, total: int | None) -> None:
        nonlocal last
        now = monotonic()
        if now - last >= _INTERVAL or rows == total:
            last = now
            show(rows, total)

    return report


def _notebook_bar(title: str) -> Progress:
    display_module: Any = import_module("IPython.display")
    handle: Any = None

    def show(rows: int, total: int | None) -> None:
        nonlocal handle
        bar = f"<progress value={rows} max={total}></progress> " if total else ""
        page = display_module.HTML(f"{bar}{to_html(title)}: {rows:,} rows")
        if handle is None:
            handle = display_module.display(page, display_id=True)
        else:
            handle.update(page)

    return _throttled(show)


@contextmanager
def _terminal_bar(title: str) -> Generator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(file=cast("TextIO", _Forgiving(sys.stderr)))
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(printable(title), total=None)
        yield _throttled(lambda rows, total: bar.update(task, completed=rows, total=total))


class _Forgiving:
    """A stream that ignores errors of writing (closed pipe, encoding): a load doesn't fail because of its progress bar."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            return

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
