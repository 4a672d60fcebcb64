"""Rows into a table, a statement at a time: LOAD DATA LOCAL, or INSERT where that isn't allowed."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa

from arrowsync.bridge import prefetch
from arrowsync.catalog import Column
from arrowsync.dialects.contract import FindUnstorable, LoadTarget, Server
from arrowsync.dialects.mysql.errors import error_of
from arrowsync.dialects.mysql.protocol import REFUSED, Reply, Wire, ask_for_file, file_name, load_statement, send_file
from arrowsync.dialects.mysql.server import NATIVE_JSON
from arrowsync.dialects.row_errors import agree, first_refused, name_row, names_row, refuses_row, searched
from arrowsync.errors import ArrowSyncError, ConstraintViolated, DatabaseError
from arrowsync.sql import SQL, Identifier, join, sql
from arrowsync.wire.mysqltext.encode import MySqlTextEncoder, compile_mysqltext

WIRE_BYTES = 1 << 20
"""The bytes handed to the socket at once: a packet, shorter if the server takes none of that length."""
ROWS_AT_ONCE = 8_192
"""Rows encoded at once; fewer where rows are wide."""
STATEMENT_BYTES = 1 << 23
"""A statement ends behind the block of rows with which it has sent so much, or twice that in memory. A load of 1 million rows
of lineitem takes as long as with one statement for all: 0.91x on MySQL, 0.96x on MariaDB (2026-11-21, medians of 5)."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The end of a statement: the rows that it has sent, and True if more rows follow in another one."""

    batches: list[pa.RecordBatch]
    more: bool

    @property
    def rows(self) -> int:
        return sum(batch.num_rows for batch in self.batches)


@dataclass(slots=True)
class Chunks:
    """The bytes that go over the wire, made from batches on iteration (once, in a worker thread).

    No piece is longer than `most`. With `parted` it ends a statement after every `STATEMENT_BYTES`, else after the last row.
    `rows` and `bytes` count it; `error` is what the batches raised.
    """

    encode: MySqlTextEncoder
    batches: Iterator[pa.RecordBatch]
    most: int = WIRE_BYTES
    parted: bool = True
    rows: int = 0
    bytes: int = 0
    error: BaseException | None = None

    def __iter__(self) -> Iterator[memoryview | Sent]:
        """Yield the lines, cut anywhere, and the end of each statement once another one is known to follow or not."""
        pieces: list[memoryview] = []
        sent: list[pa.RecordBatch] = []
        waiting = wire = memory = 0
        for lines, rows in self.blocks():
            if self.parted and (wire >= STATEMENT_BYTES or memory >= 2 * STATEMENT_BYTES):
                yield from _cut(pieces, self.most)
                yield Sent(sent, more=True)
                pieces, sent = [], []
                waiting = wire = memory = 0
            pieces.append(lines)
            sent.append(rows)
            waiting += len(lines)
            wire += len(lines)
            memory += rows.nbytes
            if waiting >= self.most:
                yield from _cut(pieces, self.most)
                pieces, waiting = [], 0
        yield from _cut(pieces, self.most)
        yield Sent(sent, more=False)

    def blocks(self) -> Iterator[tuple[memoryview, pa.RecordBatch]]:
        """Yield the lines of some rows, with the rows."""
        try:
            for batch in self.batches:
                rows = _rows_at_once(batch)
                for start in range(0, batch.num_rows, rows):
                    part = batch.slice(start, rows)
                    lines = memoryview(self.encode(part, first_row=self.rows))
                    self.rows += part.num_rows
                    self.bytes += len(lines)
                    yield lines, part
        except BaseException as error:
            self.error = error
            raise
        finally:
            close = getattr(self.batches, "close", None)
            if close is not None:
                close()


def _cut(pieces: list[memoryview], most: int) -> Iterator[memoryview]:
    """All the pieces as one, cut where it is too long."""
    whole = pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))
    for start in range(0, len(whole), most):
        yield whole[start : start + most]


def _rows_at_once(batch: pa.RecordBatch) -> int:
    """The number of rows that take about 1 MiB, but at least one."""
    if batch.nbytes * ROWS_AT_ONCE <= WIRE_BYTES * batch.num_rows:
        return ROWS_AT_ONCE
    return max(1, WIRE_BYTES * batch.num_rows // batch.nbytes)


Fetch: TypeAlias = "Callable[[SQL], Awaitable[pa.Table]]"

LOAD_DATA = "LOAD DATA LOCAL"
INSERT = "INSERT"

_ENGINE = re.compile(r"^\) ENGINE=(\w+)", re.MULTILINE)
_TRANSACTIONAL = frozenset({"InnoDB", "ROCKSDB", "TokuDB", "ndbcluster"})


async def check_target(fetch: Fetch, target: LoadTarget) -> list[str | None]:
    """The collations of the target's columns; a DatabaseError for a table that keeps rows that are rolled back."""
    table = target.name.identifier
    created = await fetch(sql("SHOW CREATE TABLE {table}", table=table))
    engine = _ENGINE.search(str(created.column(1)[0]))
    if engine is None:
        raise DatabaseError(f"{target.name} is no table, and rows can't be loaded into it", hint="load into a table")
    if engine[1] not in _TRANSACTIONAL:
        raise DatabaseError(
            f"the table {target.name} is kept by {engine[1]}, which has no transactions: a load that fails would stay there "
            "in part",
            hint="ALTER TABLE ... ENGINE=InnoDB first",
        )
    shown = (await fetch(sql("SHOW FULL COLUMNS FROM {table}", table=table))).to_pylist()
    brought = {column.name for column in target.columns}
    for row in shown:
        if row["Null"] == "NO" and row["Default"] is None and not row["Extra"] and row["Field"] not in brought:
            raise ConstraintViolated(  # LOAD DATA would put a zero there, and say nothing
                f"the column {row['Field']!r} of {target.name} takes no NULL and has no default, and the data doesn't have it",
                kind="not null",
                table=target.name.name,
                column=row["Field"],
                hint="bring the column, or give it a default",
            )
    collations = {row["Field"]: row["Collation"] for row in shown}
    return [collations.get(column.name) for column in target.columns]


def value_check(server: Server, columns: Sequence[Column], schema: pa.Schema) -> FindUnstorable:
    """Compile the search for values that the columns can't hold."""
    return encoder(server, columns, schema, [column.collation for column in columns]).refused


def encoder(
    server: Server, columns: Sequence[Column], schema: pa.Schema, collations: Sequence[str | None]
) -> MySqlTextEncoder:
    """The encoder of batches of `schema` for the columns."""
    return compile_mysqltext(
        schema,
        [column.type for column in columns],
        required=[not column.nullable for column in columns],
        collations=collations,
        exact_json=NATIVE_JSON not in server.features,
    )


async def check_stored(fetch: Fetch, reply: Reply, target: LoadTarget, rows: int) -> None:
    """Raise an error unless the statement stored all the rows, without a warning about them.

    A row that replaces another one is counted twice, or once where they are the same.
    """
    if not reply.warnings and (reply.rows == rows or (target.replacing and reply.rows > rows)):
        return
    warnings = (await fetch(sql("SHOW WARNINGS"))).to_pylist() if reply.warnings else []
    if warnings:
        first = warnings[0]
        raise error_of(first["Code"], first["Message"], None, table=target.name.name)
    if reply.warnings:
        raise DatabaseError(
            f"the server has {_warnings(reply.warnings)} about the rows for {target.name}, and doesn't say what",
            hint="nothing was changed; SET SESSION max_error_count = 64 (or GLOBAL, before connecting) to be told",
        )
    raise DatabaseError(
        f"{rows:,} rows were sent to {target.name}, and {reply.rows:,} arrived",
        hint="nothing was changed; a trigger on the table may be at work",
    )


def _warnings(count: int) -> str:
    return f"{count:,} warning{'' if count == 1 else 's'}"


_FIELD = re.compile(rb"((?:[^\\\t\n]+|\\.)*)[\t\n]", re.DOTALL)
_NULL = b"\\N"


@dataclass(frozen=True, slots=True)
class Insert:
    """The text after VALUES in a statement: the rows from `first_row` on, in parentheses each."""

    values: list[bytes]
    first_row: int


def insert_statement(target: LoadTarget) -> SQL:
    """The beginning of each INSERT statement."""
    columns = join(", ", [Identifier(column.name) for column in target.columns])
    verb = sql("REPLACE") if target.replacing else sql("INSERT")
    return sql("{verb} INTO {table} ({columns}) VALUES ", verb=verb, table=target.name.identifier, columns=columns)


def inserts(head: bytes, chunks: Chunks, most_bytes: int) -> Iterator[Insert]:
    """The statements that begin with `head`, of about 1 MiB and never more than `most_bytes`. Iterated in a worker thread."""
    # A field that the list of columns doesn't name is a variable of hexadecimal digits.
    opening = [b"'" if isinstance(field, Identifier) else b"x'" for field in chunks.encode.fields]
    enough = min(WIRE_BYTES, most_bytes)
    rows: list[bytes] = []
    size = len(head)
    first = 0
    for lines, _ in chunks.blocks():
        for row in _rows(bytes(lines), opening):
            if rows and size + len(row) > enough:
                yield Insert(rows, first)
                first, rows, size = first + len(rows), [], len(head)
            if len(head) + len(row) > most_bytes:
                chunks.error = _too_long(len(row), first, most_bytes)
                raise chunks.error
            rows.append(row)
            size += len(row) + 1
    if rows:
        yield Insert(rows, first)


def _rows(lines: bytes, opening: Sequence[bytes]) -> Iterator[bytes]:
    fields = _FIELD.findall(lines)
    for start in range(0, len(fields), len(opening)):
        row = fields[start : start + len(opening)]
        yield b"(" + b",".join([_constant(field, how) for field, how in zip(row, opening, strict=True)]) + b")"


def _constant(field: bytes, opening: bytes) -> bytes:
    return b"NULL" if field == _NULL else opening + field.replace(b"'", b"''") + b"'"


def _too_long(size: int, row: int, most: int) -> DatabaseError:
    error = DatabaseError(
        f"a row takes {size:,} bytes, and the server takes statements of {most:,}",
        hint="raise max_allowed_packet on the server, or allow LOAD DATA LOCAL there (local_infile)",
    )
    name_row(error, row)
    return error


Answered: TypeAlias = "Callable[[SQL, Chunks, LoadTarget], AbstractAsyncContextManager[None]]"
Bring: TypeAlias = "Callable[[int, int], Awaitable[None]]"


@dataclass(frozen=True, slots=True)
class StatementLoad:
    """One load, with functions of its session; `most_bytes` is the most that the server takes at once."""

    target: LoadTarget
    encode: MySqlTextEncoder
    most_bytes: int
    wire: Wire
    text: Callable[[SQL], bytes]
    fetch: Fetch
    transaction: Callable[[], AbstractAsyncContextManager[bool]]
    answered: Answered

    def chunks(self, batches: Iterator[pa.RecordBatch], *, parted: bool = True) -> Chunks:
        """The batches as they are sent."""
        return Chunks(self.encode, batches, min(WIRE_BYTES, self.most_bytes), parted)

    async def by_file(self, chunks: Chunks) -> bool:
        """Load with LOAD DATA LOCAL; False if the server doesn't take it: then no batch was touched."""
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
        """True if the server rejected a row without naming it and the connection still works."""
        return _is_refusal(error) and not names_row(error) and error is not chunks.error and not self.wire.closed

    async def _search(self, error: ArrowSyncError, first_row: int, rows: int, bring: Bring) -> None:
        """Have the error of a statement name the row; if the first bad row is rejected for another reason, raise that error."""

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
    """The file of one statement: the pieces of the source up to one that ends the statement."""

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
        """The end of the statement, after reading on to it if it was cut short."""
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
    """The rows of the statement, as far as the source gives any: an error of the source's isn't the first one."""
    with suppress(Exception):
        return pa.Table.from_batches((await file.rest()).batches, schema)
    return schema.empty_table()


def _is_refusal(error: ArrowSyncError) -> bool:
    """True if the error is about a row: one that the server rejected, or one that `check_stored` has found."""
    return refuses_row(error) or (type(error) is DatabaseError and error.code is None)
