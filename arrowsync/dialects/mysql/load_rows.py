"""`Loading`: rows into a table, a statement at a time, with LOAD DATA LOCAL or with INSERT.

Each statement stands in a savepoint and is checked before the next. No server says which row it is that breaks a key or a
check, or that a trigger refuses: it is looked for among the rows of the statement, which are kept until then.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa

from arrowsync.bridge import prefetch
from arrowsync.dialects.dialect import LoadTarget
from arrowsync.dialects.mysql.chunks import WIRE_BYTES, Chunks, Sent
from arrowsync.dialects.mysql.faults import refuses_row
from arrowsync.dialects.mysql.insert_rows import insert_statement, inserts
from arrowsync.dialects.mysql.loading import Fetch, check_stored
from arrowsync.dialects.mysql.local_infile import REFUSED, ask_for_file, file_name, load_statement, send_file
from arrowsync.dialects.mysql.wire import Reply, ServerError, Wire
from arrowsync.dialects.refused_row import first_refused, name_row, names_row
from arrowsync.encode.mysqltext import MySqlTextEncoder
from arrowsync.errors import ArrowSyncError
from arrowsync.sql import SQL

Answered: TypeAlias = "Callable[[SQL, Chunks, LoadTarget, int], AbstractAsyncContextManager[None]]"


@dataclass(frozen=True, slots=True)
class Loading:
    """One load, on the session whose functions these are; `most_bytes` is what its server takes at once."""

    target: LoadTarget
    encode: MySqlTextEncoder
    most_bytes: int
    wire: Wire
    text: Callable[[SQL], bytes]
    fetch: Fetch
    transaction: Callable[[], AbstractAsyncContextManager[None]]
    answered: Answered

    def chunks(self, batches: Iterator[pa.RecordBatch]) -> Chunks:
        """The batches as they are sent."""
        return Chunks(self.encode, batches, min(WIRE_BYTES, self.most_bytes))

    async def by_file(self, chunks: Chunks) -> bool:
        """Load with LOAD DATA LOCAL; whether the server takes that. Where it doesn't, no batch was touched."""
        if not await self._takes_file(chunks):
            return False
        first_row, more = 0, True
        async with prefetch(iter(chunks)) as source:
            while more:  # a statement is always under way: one that can be killed, while the source is waited for
                file = _File(source)
                try:
                    await self._send_file(file, chunks, first_row)
                except ArrowSyncError as error:
                    if _is_nameless(error, chunks):
                        rows = pa.Table.from_batches((await file.rest()).batches)
                        await self._name(error, first_row, rows.num_rows, self._bring_file(rows))
                    raise
                sent = await file.rest()
                first_row, more = first_row + sent.rows, sent.rows > 0
        return True

    async def by_inserts(self, chunks: Chunks) -> None:
        """Load with INSERT statements."""
        async with prefetch(inserts(self.text(insert_statement(self.target)), chunks, self.most_bytes)) as source:
            async for insert in source:
                try:
                    await self._insert(insert.values, chunks, insert.first_row)
                except ArrowSyncError as error:
                    if _is_nameless(error, chunks):
                        await self._name(
                            error, insert.first_row, len(insert.values), self._bring_values(insert.values, chunks)
                        )
                    raise

    async def _takes_file(self, chunks: Chunks) -> bool:
        """Whether the server takes an empty one."""
        name = file_name()
        statement = load_statement(self.target, self.encode, name)
        async with self.answered(statement, chunks, self.target, 0):
            try:
                await ask_for_file(self.wire, self.text(statement), name)
            except ServerError as error:
                if error.args[0] in REFUSED:
                    return False
                raise
            self.wire.end_upload()
            await self.wire.reply()
        return True

    async def _send_file(self, file: _File, chunks: Chunks, first_row: int) -> None:
        name = file_name()
        statement = load_statement(self.target, self.encode, name)
        async with self.transaction():
            async with self.answered(statement, chunks, self.target, first_row):
                await ask_for_file(self.wire, self.text(statement), name)
                reply = await send_file(self.wire, file)
            await check_stored(self.fetch, reply, self.target, (await file.rest()).rows, first_row)

    async def _insert(self, values: Sequence[bytes], chunks: Chunks, first_row: int) -> None:
        begin = insert_statement(self.target)
        async with self.transaction():
            async with self.answered(begin, chunks, self.target, first_row):
                await self.wire.send(self.text(begin) + b",".join(values))
                reply = await self.wire.reply()
            assert isinstance(reply, Reply), "INSERT has no result"
            await check_stored(self.fetch, reply, self.target, len(values), first_row)

    def _bring_file(self, rows: pa.Table) -> Callable[[int, int], Awaitable[None]]:
        async def bring(low: int, high: int) -> None:
            chunks = self.chunks(iter(rows.slice(low, high - low).to_batches()))
            async with prefetch(iter(chunks)) as source:
                await self._send_file(_File(source), chunks, low)

        return bring

    def _bring_values(self, values: Sequence[bytes], chunks: Chunks) -> Callable[[int, int], Awaitable[None]]:
        async def bring(low: int, high: int) -> None:
            await self._insert(values[low:high], chunks, low)

        return bring

    async def _name(
        self, error: ArrowSyncError, first_row: int, rows: int, bring: Callable[[int, int], Awaitable[None]]
    ) -> None:
        """Have the error of a statement name the row that is refused, if it can be found."""

        async def is_taken(low: int, high: int) -> bool:
            try:
                await bring(low, high)
            except ArrowSyncError as again:
                if not refuses_row(again):
                    raise
                return False
            return True

        with suppress(ArrowSyncError):  # the connection is lost, say: what came first is what is raised
            row = await first_refused(0, rows, is_taken)
            if row is not None:
                name_row(error, first_row + row)


@dataclass(slots=True)
class _File:
    """What one statement sends: the pieces of the source up to one that ends it."""

    source: AsyncIterator[memoryview | Sent]
    sent: Sent | None = None

    def __aiter__(self) -> _File:
        return self

    async def __anext__(self) -> memoryview:
        if self.sent is None:
            piece = await anext(self.source)
            if isinstance(piece, memoryview):
                return piece
            self.sent = piece
        raise StopAsyncIteration

    async def rest(self) -> Sent:
        """What the statement has sent, or would have."""
        async for _ in self:
            pass
        assert self.sent is not None, "each statement has its end"
        return self.sent


def _is_nameless(error: ArrowSyncError, chunks: Chunks) -> bool:
    """Whether a row is refused, and which isn't known."""
    return refuses_row(error) and not names_row(error) and error is not chunks.error
