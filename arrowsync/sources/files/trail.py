"""`Trail`: the origins of the rows that were read last from text files, for errors in later steps.

A reader notes each block that it gives rows of, and how to tell their lines, which nobody asks for until a row is refused. Of
the blocks before the last few only the file is known: they aren't held in memory.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from arrowsync.errors import ConversionError

if TYPE_CHECKING:
    from arrowsync.sources.stream import BatchStream

_BLOCKS = 8
_KEPT_BYTES = 16 << 20
Lines = Callable[[], Sequence[int]]


@dataclass(frozen=True, slots=True)
class _Note:
    first_row: int
    file: str
    lines: Lines | None


@dataclass(slots=True)
class Trail:
    """The rows of one stream, in their order; and where the name of each column stands first."""

    rows: int = 0
    columns: dict[str, Callable[[], tuple[str, int | None]]] = field(
        default_factory=dict[str, Callable[[], "tuple[str, int | None]"]]
    )
    _notes: list[_Note] = field(default_factory=list[_Note])

    def note(self, file: str, rows: int, lines: Lines, held: int = 0) -> None:
        """The next rows are of this file; `lines` gives the line of each of them, and holds so many bytes in memory."""
        if not rows:
            return
        if held > _KEPT_BYTES:  # a block of few rows, one of which is large
            found = lines()
            lines = lambda: found  # noqa: E731
        if len(self._notes) >= _BLOCKS:
            old = self._notes[-_BLOCKS]
            self._notes[-_BLOCKS] = _Note(old.first_row, old.file, None)
            if len(self._notes) > _BLOCKS and self._notes[-_BLOCKS - 1].file == old.file:
                del self._notes[-_BLOCKS]
        self._notes.append(_Note(self.rows, file, lines))
        self.rows += rows

    def place(self, row: int) -> tuple[str, int | None] | None:
        """The file and the line of a row, as far as they are known."""
        at = bisect_right(self._notes, row, key=lambda note: note.first_row) - 1
        if at < 0 or row >= self.rows:
            return None
        note = self._notes[at]
        return note.file, None if note.lines is None else int(note.lines()[row - note.first_row])


@contextmanager
def located(stream: BatchStream) -> Generator[None]:
    """A `ConversionError` of the rows or columns of a file of text says the file, and the line where it is known."""
    try:
        yield
    except ConversionError as error:
        place: Any = None
        if error.file is None and stream.trail is not None:
            if error.rows:
                place = stream.trail.place(error.rows[0])
            elif error.column in stream.trail.columns:
                place = stream.trail.columns[error.column]()
        if place is not None:
            error.file, error.line = place
            line = "" if error.line is None else f", line {error.line}"
            error.message = f"{error.file}{line}: {error.message}"
        raise
