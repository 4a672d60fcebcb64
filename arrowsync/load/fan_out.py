"""Rows over several connections: `connections` opens them, and `load_fanned_out` deals the batches out as each gets free.

The stream is read and converted by one thread. `parallel` has the tables that they are loaded into.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from arrowsync.bridge import FanOut, Stopped, fan_out, uninterrupted
from arrowsync.dialects.contract import LoadResult, LoadTarget, Opener, Session
from arrowsync.dialects.row_errors import row_of_load
from arrowsync.errors import ConversionError, DatabaseError
from arrowsync.load.counts import RowCounts
from arrowsync.load.stream import ConvertedStream

Piece = tuple[int, pa.RecordBatch]
"""A batch, and the number of its first row."""


@asynccontextmanager
async def connections(session: Session, opener: Opener, number: int) -> AsyncGenerator[list[Session]]:
    """The session, and as many more as make up the number; these are closed at the end."""
    sessions = [session]

    async def add_one() -> None:
        sessions.append(await opener())

    try:
        while len(sessions) < number:
            await uninterrupted(add_one())  # a driver may leave something behind where its connecting is cancelled
        yield sessions
    finally:
        await uninterrupted(asyncio.gather(*(another.close() for another in sessions[1:])))


@dataclass(slots=True)
class _Share:
    """The batches that one connection takes whenever it is free, with the number of each row if asked for."""

    fan: FanOut[Piece]
    row_number: str | None
    starts: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """The number of each batch's first row, among the rows of this connection and among all."""

    def __iter__(self) -> Generator[pa.RecordBatch]:
        taken = 0
        with closing(self.fan.share()) as share:
            for first, batch in share:
                self.starts.append((taken, first))
                taken += batch.num_rows
                yield batch if self.row_number is None else _numbered(batch, self.row_number, first)

    def correct(self, error: Exception) -> None:
        """Bring the row numbers of an error, counted on this connection, to those of the whole load."""
        match error:
            case ConversionError(rows=(row, *_)):
                error.message = _renumbered(error.message, row, self._number(row))
                error.rows = tuple(map(self._number, error.rows))
            case DatabaseError(row=int(row)):
                error.message = _renumbered(error.message, row, self._number(row))
                error.row = self._number(row)
            case _:
                pass

    def _number(self, row: int) -> int:
        offset = next((first - start for start, first in reversed(self.starts) if start <= row), 0)
        return row + offset


def _renumbered(message: str, row: int, new: int) -> str:
    """The message with another number of the row, which stands at its end, or comes first in it."""
    if message.endswith(row_of_load(row)):
        return message.removesuffix(row_of_load(row)) + row_of_load(new)
    return message.replace(f"row {row}", f"row {new}", 1)


async def load_fanned_out(
    target: LoadTarget, row_number: str | None, sessions: Sequence[Session], converted: ConvertedStream
) -> RowCounts:
    """Deal the rows out to the sessions, with the number of each in a column `row_number` if it is named.

    The first error of any of them ends all.
    """
    failed: list[Exception] = []

    async def load(session: Session) -> LoadResult | None:
        share = _Share(fan, row_number)
        try:
            return await session.load(target, iter(share))
        except Stopped:
            return None  # another one has failed, or is about to
        except Exception as error:
            if error is not fan.failure:
                share.correct(error)
            failed.append(error)
            fan.stop()
            for task in tasks:
                if task is not asyncio.current_task():
                    task.cancel()
            return None

    async with fan_out(_pieces(converted)) as fan, asyncio.TaskGroup() as group:
        tasks = [group.create_task(load(session)) for session in sessions]
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:
            fan.stop()  # or else the threads would go on waiting for items, and the tasks for them
            raise
    if failed:
        raise failed[0]
    results = [result for task in tasks if (result := task.result()) is not None]
    assert len(results) == len(tasks), "a load that stops early has failed"
    loaded, sent = sum(result.rows for result in results), sum(result.bytes for result in results)
    return RowCounts(loaded, sent, via=min(result.via for result in results))  # INSERT, where one of them had to


def _pieces(converted: ConvertedStream) -> Iterator[Piece]:
    first = 0
    for batch in converted:
        yield first, batch
        first += batch.num_rows


def _numbered(batch: pa.RecordBatch, row_number: str, first: int) -> pa.RecordBatch:
    """The batch with the number of each row in a column of its own."""
    numbers = pa.array(np.arange(first, first + batch.num_rows, dtype=np.int64))
    return batch.append_column(pa.field(row_number, pa.int64(), nullable=False), numbers)
