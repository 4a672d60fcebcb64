"""The blocking calls of the ADBC driver, with its errors translated: what a session runs in its worker's thread.

Statements are made with the driver's own statement object, not with a DB-API cursor's `execute`, which would run one at a time
and handle Ctrl-C itself.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import pyarrow as pa

from arrowsync.dialects.dialect import LoadTarget, Server
from arrowsync.dialects.postgres.adbc_feed import Feed
from arrowsync.dialects.postgres.chunks import WIRE_BYTES
from arrowsync.dialects.postgres.faults import translate_adbc
from arrowsync.dialects.postgres.quoting import QUOTING
from arrowsync.errors import ArrowSyncError, ConnectionLost, DatabaseError, DeclarationError
from arrowsync.sql import sql

Status: TypeAlias = Literal["idle", "active", "intrans", "inerror", "unknown"]

AUTOCOMMIT = "adbc.connection.autocommit"
VENDOR = 0
"""The code of the vendor's name, in ADBC's list of what a connection can say about itself."""
FAILED_TRANSACTION = "25P02"
_SERVER = """SELECT current_schema()::text AS namespace, current_setting('server_version_num')::int AS version,
current_setting('client_encoding') AS encoding"""


@dataclass(slots=True)
class Link:
    """The user's DB-API `connection`, and what `read`s the streams that it gives.

    `switched` says that the driver's autocommit was off and is on now, which `give_back` undoes; `stuck` that the user's
    transaction is open in a driver that lets nothing but their rollback() end it once it has failed.
    """

    connection: Any
    read: Callable[[Any], Any]
    switched: bool = False
    stuck: bool = False


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
        row = fetch_native(link, _SERVER).to_pylist()[0]
    if row["encoding"] != "UTF8":
        raise DeclarationError(
            f"the ADBC connection's client_encoding is {row['encoding']}, so the server would take our text for another one",
            hint="SET client_encoding TO 'UTF8', or add client_encoding=utf8 to its URL",
        )
    if row["namespace"] is None:
        raise DeclarationError(
            "no schema of the connection's search_path exists, so tables without a namespace have no place",
            hint="SET search_path to a schema that exists, or ALTER ROLE ... SET search_path",
        )
    return Server("postgresql", divmod(row["version"], 10_000), row["namespace"])


def give_back(link: Link) -> None:
    """Leave the connection as it was found, where it is still alive."""
    with suppress(Exception):
        settle_copy(link)
        if link.switched:
            if status(link) in ("intrans", "inerror"):
                run_statement(link, "ROLLBACK")
            link.connection.adbc_connection.set_autocommit(False)
            link.switched = False


def status(link: Link) -> Status:
    """Whether a transaction is open on the server, as libpq has seen it; "unknown" where the connection is lost."""
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
    """What columns the query gives; their metadata name their types."""
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
    """Send what the feed gives, in one COPY after another; how many rows arrived. What the feed failed with is raised.

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
        found = translate_adbc(error, statement, lost=_is_lost(link), first_row=first_row)
        if found is None:
            raise
        raise found from error


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
