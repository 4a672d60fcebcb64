"""`BatchStream`: the one shape in which data flows through arrowsync, from any source to any sink.

Beside it stand what is missing from pyarrow's type stubs and more than one opener needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, Literal, Protocol, cast

import pyarrow as pa

from arrowsync.errors import SourceError
from arrowsync.sources.files.trail import Trail

_PLACE_FIELDS: dict[str, Any] = {
    "file": pa.string(),
    "line": pa.int64(),
    "column": pa.string(),
    "value": pa.string(),
    "reason": pa.string(),
}
ROW_ORIGIN: pa.DataType = pa.struct(_PLACE_FIELDS)
"""The origin of a row in text files. A row that can't be read has NULLs in its columns, and the reason here."""


class Divides(Protocol):
    """Splits a batch into the rows that fit, converted, and the others, with reasons."""

    def split(self, batch: pa.RecordBatch, first_row: int) -> tuple[pa.RecordBatch, pa.RecordBatch]: ...


class BatchStream:
    """A one-shot stream of record batches of one schema, read as it is consumed.

    Iterate it, `read_all()` it into a table, or hand it to anything that takes an Arrow stream (`pl.from_arrow(stream)`,
    DuckDB, `pa.table`). It can be consumed once; whoever opened it closes it (it is a context manager, and exhausting it
    closes it too). `name` says where the data comes from, for messages; `row_count` is the number of rows where the source
    knows it beforehand (for a progress bar), else None. `valid_text` says that its text is known to be valid UTF-8: nothing
    checks the bytes of what comes from elsewhere through Arrow's C interface. `guard` is what translates exceptions of
    libraries that read the data. `trail` says where the rows that were read last
    stand in files. Calling `require_keys` makes reading refuse a record that lacks a key which others have; it is None where rows
    aren't records, or all columns are declared. `raw` is the stream that this one converts, and how, for who sets bad rows aside.
    `reopen` gives the text of files once more, from the beginning, where they can be read twice.

    >>> import pyarrow as pa
    >>> batch = pa.record_batch({"x": [1, 2]})
    >>> with BatchStream(batch.schema, iter([batch]), name="example") as stream:
    ...     stream.read_all().num_rows
    2
    """

    def __init__(
        self,
        schema: pa.Schema,
        batches: Iterator[pa.RecordBatch],
        *,
        name: str,
        close: Callable[[], None] | None = None,
        row_count: int | None = None,
        with_origin: Callable[[], Iterator[pa.RecordBatch]] | None = None,
        valid_text: bool = False,
        trail: Trail | None = None,
        require_keys: Callable[[], None] | None = None,
        raw: tuple[BatchStream, Divides] | None = None,
        reopen: Callable[[], BatchStream] | None = None,
    ) -> None:
        self.schema = schema
        self.raw = raw
        self.name = name
        self.row_count = row_count
        self.valid_text = valid_text
        self.trail = trail
        self.reopen = reopen
        self.require_keys = require_keys
        self.guard: Callable[[], AbstractContextManager[None]] = nullcontext
        self._batches = batches
        self._close = close
        self._with_origin = with_origin
        self._state: Literal["ready", "reading", "consumed", "closed"] = "ready"

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        if self._state != "ready":
            raise SourceError(
                f"the stream from {self.name} was {'closed' if self._state == 'closed' else 'consumed'} already",
                source=self.name,
                hint="a stream is read once: open the source again, or keep the table that read_all() gives",
            )
        self._state = "reading"
        return self._drain()

    def _drain(self) -> Iterator[pa.RecordBatch]:
        try:
            with self.guard():
                yield from self._batches
            # `close()` ends the iterator below just as its last batch does: without this, whoever reads while someone
            # else closes would take the rows so far for all of them.
            if self._state == "closed":
                raise SourceError(f"the stream from {self.name} was closed while it was read", source=self.name)
            self._state = "consumed"
        finally:
            self.close()

    @property
    def has_origins(self) -> bool:
        """True if rows stand on lines of text, so that `iter_with_origin` (of the raw stream, if there is one) can tell which."""
        return self._with_origin is not None or (self.raw is not None and self.raw[0].has_origins)

    def iter_with_origin(self) -> Iterator[pa.RecordBatch]:
        """Yield the batches with the row origin as one more column, the last; rows that can't be read are among them."""
        batches = iter(self)
        if self._with_origin is not None:
            self._batches = self._with_origin()
        return batches

    def read_all(self) -> pa.Table:
        """The whole stream as one table, in memory."""
        return pa.Table.from_batches(list(self), schema=self.schema)

    def reader(self) -> pa.RecordBatchReader:
        """The stream as a `pa.RecordBatchReader`."""
        return pa.RecordBatchReader.from_batches(self.schema, iter(self))

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        reader: Any = self.reader()
        return cast("object", reader.__arrow_c_stream__(requested_schema))

    def close(self) -> None:
        """Release the source. Closing twice does nothing."""
        if self._state != "consumed":
            self._state = "closed"
        close, self._close = self._close, None
        # A generator that was never started runs no `finally`: closing it is a no-op, so the callback is called as well.
        closer: Any = getattr(self._batches, "close", None)
        try:
            if closer is not None and not getattr(self._batches, "gi_running", False):
                closer()
        finally:
            if close is not None:
                close()

    def __enter__(self) -> BatchStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<BatchStream from {self.name}: {len(self.schema)} columns, {self._state}>"


def columns_of(schema: pa.Schema) -> dict[str, pa.DataType]:
    """The types of a schema's columns by name, in order; for names that are all different."""
    return dict(zip(schema.names, schema.types, strict=True))


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """A batch of no rows."""
    batches: Any = pa.RecordBatch
    return cast("pa.RecordBatch", batches.from_pylist([], schema=schema))


def to_batch(columns: list[Any], schema: pa.Schema) -> pa.RecordBatch:
    """Arrays as a batch of the schema; their types are the schema's."""
    batches: Any = pa.RecordBatch
    return cast("pa.RecordBatch", batches.from_arrays(columns, schema=schema))
