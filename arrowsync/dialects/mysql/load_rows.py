"""`Loading`: rows into a table, a statement at a time, with LOAD DATA LOCAL or with INSERT.

Each statement stands in a savepoint and is checked before the next. Which row it is that breaks a key or a check, or that a
trigger refuses, no message says: it is looked for among the rows of the statement, which are kept until then.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, suppress
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
from arrowsync.dialects.mysql.wire import Reply, Wire
from arrowsync.dialects.refused_row import agree, first_refused, name_row, names_row, searched
from arrowsync.encode.mysqltext import MySqlTextEncoder
from arrowsync.errors import ArrowSyncError, DatabaseError
from arrowsync.sql import SQL

Answered: TypeAlias = "Callable[[SQL, Chunks, LoadTarget], AbstractAsyncContextManager[None]]"
Bring: TypeAlias = "Callable[[int, int], Awaitable[None]]"


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

    def chunks(self, batches: Iterator[pa.RecordBatch], *, parted: bool = True) -> Chunks:
        """The batches as they are sent."""
        return Chunks(self.encode, batches, min(WIRE_BYTES, self.most_bytes), parted)

    async def by_file(self, chunks: Chunks) -> bool:
        """Load with LOAD DATA LOCAL; whether the server takes that. Where it doesn't, no batch was touched."""
        first_row, more = 0, True
        async with aclosing(_ahead(chunks)) as source:
            while more:
                file = _File(source)
                try:
                    await self._send_file(file, chunks)
                except ArrowSyncError as error:
                    if isinstance(error, DatabaseError) and error.code in REFUSED and not chunks.rows:
                        return False
                    if self._is_nameless(error, chunks):
                        rows = await _table(file, self.target.schema)
                        await self._search(error, first_row, rows.num_rows, self._bring_file(rows))
                    raise
                sent = await file.rest()
                first_row, more = first_row + sent.rows, sent.more
        return True

    async def by_inserts(self, chunks: Chunks) -> None:
        """Load with INSERT statements."""
        async with prefetch(inserts(self.text(insert_statement(self.target)), chunks, self.most_bytes)) as source:
            async for insert in source:
                try:
                    await self._insert(insert.values, chunks)
                except ArrowSyncError as error:
                    if self._is_nameless(error, chunks):
                        bring = self._bring_values(insert.values, chunks)
                        await self._search(error, insert.first_row, len(insert.values), bring)
                    raise

    async def _send_file(self, file: _File, chunks: Chunks) -> None:
        name = file_name()
        statement = load_statement(self.target, self.encode, name)
        async with self.transaction():
            async with self.answered(statement, chunks, self.target):
                await ask_for_file(self.wire, self.text(statement), name)
                reply = await send_file(self.wire, file)
            await check_stored(self.fetch, reply, self.target, (await file.rest()).rows)

    async def _insert(self, values: Sequence[bytes], chunks: Chunks) -> None:
        begin = insert_statement(self.target)
        async with self.transaction():
            async with self.answered(begin, chunks, self.target):
                await self.wire.send(self.text(begin) + b",".join(values))
                reply = await self.wire.reply()
            assert isinstance(reply, Reply), "INSERT has no result"
            await check_stored(self.fetch, reply, self.target, len(values))

    def _bring_file(self, rows: pa.Table) -> Bring:
        async def bring(low: int, high: int) -> None:
            chunks = self.chunks(iter(rows.slice(low, high - low).to_batches()), parted=False)
            async with aclosing(_ahead(chunks)) as source:
                await self._send_file(_File(source), chunks)
            assert chunks.rows == high - low, "all of them are sent"

        return bring

    def _bring_values(self, values: Sequence[bytes], chunks: Chunks) -> Bring:
        async def bring(low: int, high: int) -> None:
            await self._insert(values[low:high], chunks)

        return bring

    def _is_nameless(self, error: ArrowSyncError, chunks: Chunks) -> bool:
        """Whether a row is refused, and which isn't known, but can be asked."""
        return _is_refusal(error) and not names_row(error) and error is not chunks.error and not self.wire.closed

    async def _search(self, error: ArrowSyncError, first_row: int, rows: int, bring: Bring) -> None:
        """Have the error of a statement name the row; another one is raised if that is what the first bad row is refused for."""

        async def brought(low: int, high: int) -> ArrowSyncError | None:
            try:
                await bring(low, high)
            except ArrowSyncError as again:
                if not _is_refusal(again):
                    raise
                return again
            return None

        found = await searched(first_refused(0, rows, brought), error)
        if found is None:
            return
        same = agree(error, found.error)
        name_row(error if same else found.error, first_row + found.row)
        if not same:
            raise found.error from error


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


async def _ahead(chunks: Chunks) -> AsyncGenerator[memoryview | Sent]:
    """The chunks, made a little ahead in a thread from the time when the first one is asked for."""
    async with prefetch(iter(chunks)) as source:
        async for piece in source:
            yield piece


async def _table(file: _File, schema: pa.Schema) -> pa.Table:
    """The rows of the statement, as far as there are any: what the source raises isn't what came first."""
    with suppress(Exception):
        return pa.Table.from_batches((await file.rest()).batches, schema)
    return schema.empty_table()


def _is_refusal(error: ArrowSyncError) -> bool:
    """Whether it is about a row: what the server says of one, or what `check_stored` has found."""
    return refuses_row(error) or (type(error) is DatabaseError and error.code is None)
