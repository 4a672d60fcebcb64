"""The blocking calls of the ADBC driver, with its errors translated, and `Feed`, the stream that it ingests."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import pyarrow as pa

from arrowsync.dialects.contract import LoadTarget, Server
from arrowsync.dialects.nonsense import not_understood
from arrowsync.dialects.postgres.asyncpg_copy import WIRE_BYTES, rows_at_once
from arrowsync.dialects.postgres.commit import FAILED_TRANSACTION
from arrowsync.dialects.postgres.errors import masked, translate_adbc
from arrowsync.dialects.postgres.quoting import QUOTING
from arrowsync.dialects.postgres.settings import ASKED, PINNED, misfits, server_from, set_settings
from arrowsync.errors import ArrowSyncError, ConnectionLost, DatabaseError, DeclarationError
from arrowsync.sql import sql
from arrowsync.wire.pgcopy.encode import PgFields

COPY_BYTES = 1 << 26


class Feed:
    """Batches as the driver gets them. What they fail with is not raised but kept in `error`, and ends the feed.

    `bytes` counts what goes over the wire. `stop` may be called from another thread: it says whether the source is at work, and
    will be left alone after the batch that it is at.
    """

    def __init__(self, encode: PgFields, batches: Iterator[pa.RecordBatch]) -> None:
        self.schema = encode.schema
        self.bytes = 0
        self.error: BaseException | None = None
        self._encode = encode
        self._batches = batches
        self._pieces = self._cut()
        self._pulling = False
        self._stopped = False

    def take(self) -> pa.RecordBatch | None:
        """The next piece; None at the end, whatever it was."""
        piece: pa.RecordBatch | None = None
        if not self._ended:
            self._pulling = True
            try:
                piece = next(self._pieces, None)
            except BaseException as error:
                self.error = error
            finally:
                self._pulling = False
        return None if self._ended else piece

    @property
    def _ended(self) -> bool:
        return self._stopped or self.error is not None

    def one_copy(self, first: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """The pieces of one COPY, from the `first` on."""
        end = self.bytes + COPY_BYTES
        piece: pa.RecordBatch | None = first
        while piece is not None:
            yield piece
            piece = self.take() if self.bytes < end else None

    def stop(self) -> bool:
        """End the feed; True if the source was at work, rather than the server."""
        self._stopped = True
        return self._pulling

    def close(self) -> None:
        """Close the source."""
        self._pieces.close()
        close = getattr(self._batches, "close", None)
        if close is not None:
            close()

    def _cut(self) -> Generator[pa.RecordBatch]:
        row = 0
        for batch in self._batches:
            rows = rows_at_once(batch)
            for start in range(0, batch.num_rows, rows):
                piece, size = self._encode(batch.slice(start, rows), first_row=row + start)
                self.bytes += size
                yield piece
            row += batch.num_rows


Status: TypeAlias = Literal["idle", "active", "intrans", "inerror", "unknown"]

AUTOCOMMIT = "adbc.connection.autocommit"
VENDOR = 0
"""The code of the vendor's name, in ADBC's list of what a connection can say about itself."""


@dataclass(slots=True)
class Link:
    """The user's DB-API `connection`, and what `read`s the streams that it gives.

    `switched` says that the driver's autocommit was off and is on now, which `give_back` undoes, as it does for the settings
    that have been changed, which were `former`; `stuck` that the user's transaction is open in a driver that lets nothing but
    their rollback() end it once it has failed.
    """

    connection: Any
    read: Callable[[Any], Any]
    switched: bool = False
    stuck: bool = False
    former: Mapping[str, str] = field(default_factory=dict[str, str])


def take_over(link: Link) -> Server:
    """Look at the connection, and make it one on which BEGIN, SAVEPOINT and ROLLBACK are statements like any other.

    With autocommit off the driver begins transactions itself, and refuses everything in one that has failed but its own
    rollback: so where no transaction is open, it is put on for as long as the session lasts.
    """
    with translated(link):
        _check_vendor(link)
        if status(link) == "active":  # a result that wasn't read to its end, or the COPY of an ingest that failed
            with suppress(Exception):
                run_statement(link, "SELECT 1")
        check_alive(link)
        if status(link) == "inerror":
            raise DatabaseError(
                "the transaction that is open on the ADBC connection has failed",
                code=FAILED_TRANSACTION,
                hint="roll it back first: conn.rollback()",
            )
        if link.connection.adbc_connection.get_option(AUTOCOMMIT) == "false":
            if status(link) == "idle":
                link.connection.adbc_connection.set_autocommit(True)
                link.switched = True
            else:
                link.stuck = True
        row = fetch_native(link, ASKED.text(QUOTING)).to_pylist()[0]
        server = server_from(row)
        link.former = misfits(row)
        if link.former:
            run_statement(link, set_settings((n, PINNED[n][0]) for n in link.former).text(QUOTING))
    return server


def give_back(link: Link) -> None:
    """Leave the connection as it was found, where it is still alive."""
    with suppress(Exception):
        settle_copy(link)
        if link.switched and status(link) in ("intrans", "inerror"):
            run_statement(link, "ROLLBACK")
        if link.former and status(link) != "inerror":  # else the ROLLBACK undoes what was set within the transaction
            former, link.former = link.former, {}
            run_statement(link, set_settings(former.items()).text(QUOTING))
        if link.switched:
            link.connection.adbc_connection.set_autocommit(False)
            link.switched = False


def status(link: Link) -> Status:
    """The status of the server's transaction, as libpq has seen it; "unknown" if the connection is lost."""
    found: Status = link.connection.adbc_connection.get_option("adbc.postgresql.transaction_status")
    return found


def check_alive(link: Link) -> None:
    """Raise ConnectionLost where it is lost."""
    if status(link) == "unknown":
        raise ConnectionLost("the ADBC connection that was passed is lost", hint="open a new one")


def run_statement(link: Link, text: str) -> int:
    """Run the statements to their end; the rows that the last one affected."""
    with translated(link, text), _statement(link) as statement:
        statement.set_sql_query(text)
        rows: int = statement.execute_update()
    return max(rows, 0)


def result_schema(link: Link, text: str) -> pa.Schema:
    """The columns of the query's result; their metadata name their types."""
    with translated(link, text), _statement(link) as statement:
        statement.set_sql_query(text)
        return pa.schema(statement.execute_schema())


def fetch_native(link: Link, text: str) -> pa.Table:
    """The whole result of any statement, in the driver's own types."""
    with translated(link, text), _statement(link) as statement:
        statement.set_options(**{"adbc.postgresql.use_copy": "false"})
        statement.set_sql_query(text)
        stream, _ = statement.execute_query()
        reader = link.read(stream)
        try:
            table: pa.Table = reader.read_all()
        finally:
            reader.close()
    return table


class Result:
    """An open result, which `close` ends: nothing else can be done on the connection until then."""

    def __init__(self, link: Link, text: str) -> None:
        self._link = link
        self._text = text
        self._reader: Any = None
        self._cursor: Any = link.connection.cursor()

    def open(self) -> None:
        """Let the server begin."""
        with translated(self._link, self._text):
            statement = self._cursor.adbc_statement
            statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(WIRE_BYTES)})
            statement.set_sql_query(self._text)
            stream, _ = statement.execute_query()
            self._reader = self._link.read(stream)

    def next_batch(self) -> pa.RecordBatch | None:
        """The next batch, None at the end."""
        with translated(self._link, self._text):
            try:
                batch: pa.RecordBatch = self._reader.read_next_batch()
            except StopIteration:
                return None
            return batch

    def close(self) -> None:
        """Free the connection. What was not read is read now and dropped, or cancelled where that undoes nothing."""
        try:
            if self._reader is not None:
                self._reader.close()
        finally:
            self._cursor.close()
        if not self._link.stuck and status(self._link) == "active":
            self._link.connection.adbc_cancel()
        settle_copy(self._link)


def settle_copy(link: Link) -> None:
    """End a COPY that is open, in either direction: the next statement does, and fails if it was a COPY into a table."""
    if status(link) == "active":
        with suppress(ArrowSyncError):
            run_statement(link, "SELECT 1")


def load(link: Link, target: LoadTarget, feed: Feed) -> int:
    """Send the batches of the feed, in one COPY after another; the number of rows that arrived. Raises the feed's error.

    It must be in a transaction: a feed that fails ends its COPY like one that is done, because a COPY that is broken off would
    make the whole transaction fail; rolling back to before it is left to the caller.
    """
    statement = sql("COPY {table} FROM STDIN", table=target.name.identifier).text(QUOTING)
    arrived = 0
    while (first := feed.take()) is not None:
        reader = pa.RecordBatchReader.from_batches(feed.schema, feed.one_copy(first))
        try:
            with translated(link, statement, first_row=arrived):
                arrived += _ingest(link, target, reader)
        except Exception:
            settle_copy(link)
            if feed.error is not None:
                break
            raise
    if feed.error is not None:
        raise feed.error
    return arrived


def _ingest(link: Link, target: LoadTarget, reader: pa.RecordBatchReader) -> int:
    options = {"adbc.ingest.target_table": target.name.name, "adbc.ingest.mode": "adbc.ingest.mode.append"}
    if target.name.namespace is not None:
        options["adbc.ingest.target_db_schema"] = target.name.namespace
    with _statement(link) as statement:
        statement.set_options(**options)
        statement.bind_stream(reader)
        rows: int = statement.execute_update()
    return rows


@contextmanager
def translated(link: Link, statement: str | None = None, *, first_row: int = 0) -> Generator[None]:
    """Raise the driver's errors as ours. Those of a COPY count its rows, of which `first_row` came before."""
    try:
        yield
    except ArrowSyncError:
        raise
    except Exception as error:
        if isinstance(error, MemoryError):
            raise
        found = translate_adbc(error, statement, lost=_is_lost(link), first_row=first_row)
        raise found or not_understood(error, "the server", None if statement is None else masked(statement)) from error


def _is_lost(link: Link) -> bool:
    try:
        return status(link) == "unknown"
    except Exception:  # the connection was closed
        return True


@contextmanager
def _statement(link: Link) -> Generator[Any]:
    cursor = link.connection.cursor()
    try:
        yield cursor.adbc_statement
    finally:
        cursor.close()


def _check_vendor(link: Link) -> None:
    reader = link.read(link.connection.adbc_connection.get_info([VENDOR]))
    try:
        found = [row["info_value"] for row in reader.read_all().to_pylist()]
    finally:
        reader.close()
    if found != ["PostgreSQL"]:
        raise DeclarationError(
            f"the ADBC connection talks to {found[0] if found else 'a database that it does not name'}, not to PostgreSQL",
            hint="pass a connection of adbc_driver_postgresql, or arrowsync.connect(url)",
        )
