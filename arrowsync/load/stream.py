"""The way in: batches of the source, converted to the types of the live columns, counted, with bad rows set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, cast

import pyarrow as pa

from arrowsync.convert.compile import Converter
from arrowsync.errors import ConversionError, SourceError
from arrowsync.load.rejects import (
    FULL_REJECTS,
    FileRuns,
    RowNumbers,
    in_order,
    split,
    split_further,
    split_with_origin,
    with_records,
    with_row_numbers,
)
from arrowsync.options import OnError
from arrowsync.shown import shown
from arrowsync.sources.stream import BatchStream, Divides

Progress = Callable[[int, "int | None"], None]
"""Called with the rows read so far and their number in all, where it is known. From a worker thread."""


@dataclass(slots=True)
class ConvertedStream:
    """Iterates over converted batches, once; afterwards `rows_read`, `rejects` and `seconds` say what passed.

    `to_live` brings declared types to wider live ones, where the table is wider than its declaration. With `row_numbers` every
    row brings its number (and line), because the server may refuse it when it is staged: see `refuse`. `storable` sets aside what
    the columns can't hold. `key` are the columns by which a reject is known, `table` is the name that its reason gives the
    table, whatever it is called while it is filled. The source runs in the `context` in which this was made, whatever thread
    reads it.
    """

    stream: BatchStream
    convert: Converter
    to_live: Converter | None = None
    on_error: OnError = "raise"
    max_rejects: int | None = None
    progress: Progress | None = None
    row_numbers: RowNumbers | None = None
    storable: Divides | None = None
    key: tuple[str, ...] = ()
    table: str = ""
    rows_read: int = 0
    rows_passed: int = 0
    refused: int = 0
    seconds: float = 0.0
    begun: bool = False
    context: Context = field(default_factory=copy_context)
    files: FileRuns = field(default_factory=FileRuns)
    _rejects: list[pa.RecordBatch] = field(default_factory=list[pa.RecordBatch])
    _refused: list[int] = field(default_factory=list[int])

    @property
    def schema(self) -> pa.Schema:
        """The columns of the table that the data brings."""
        return (self.to_live or self.convert).schema

    @property
    def sent(self) -> pa.Schema:
        """The schema of the batches: the columns of `schema`, and those with the row numbers."""
        return self.schema if self.row_numbers is None else self.row_numbers.added_to(self.schema)

    @property
    def rejected(self) -> int:
        """The number of rows that don't fit, or that the server has rejected."""
        return self.rows_read - self.rows_passed + self.refused

    @property
    def rejects(self) -> pa.Table | None:
        if self.on_error == "raise":
            return None
        rejects = pa.Table.from_batches(self._rejects, schema=FULL_REJECTS)
        return in_order(rejects) if self.refused else rejects

    def refuse(self, rejects: pa.RecordBatch) -> None:
        """Set aside rows that were converted but rejected by the server: a record of `FULL_REJECTS` for each."""
        self.refused += rejects.num_rows
        self._rejects.append(rejects)
        self._refused.extend(cast("Any", rejects).column(0).to_pylist())
        self._check_limit(self.rejected)

    def refused_numbers(self) -> list[int]:
        """The numbers of the rows that were passed to `refuse`."""
        return self._refused

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        self.begun = True
        with self.stream:
            for batch in _taken(self._batches(), self.context):
                started = perf_counter()
                good = self._convert(batch)
                self.rows_read += batch.num_rows
                self.rows_passed += good.num_rows
                self.seconds += perf_counter() - started
                if good.num_rows:
                    yield good
                if self.progress is not None:
                    self.context.run(self.progress, self.rows_read, self.stream.row_count)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """The batches of the stream; if bad rows are set aside, those before its own conversion, with row origins if any."""
        if self.on_error == "raise":
            return iter(self.stream)
        first = self.stream if self.stream.raw is None else self.stream.raw[0]
        return first.iter_with_origin() if first.has_origins else iter(first)

    def _convert(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self.on_error == "raise":
            good = self.convert(batch, self.rows_read)
            return self.to_live(good, self.rows_read) if self.to_live else good
        divide = split_with_origin if self.stream.has_origins else split
        steps: list[Divides | None] = [self.convert, self.to_live, self.storable]
        first: Divides = self.convert if self.stream.raw is None else self.stream.raw[1]
        good, bad = divide(first, batch, self.rows_read)
        for step in steps if self.stream.raw is not None else steps[1:]:
            if step is not None:
                good, bad = split_further(step, good, bad, batch, self.rows_read, with_origin=self.stream.has_origins)
        if bad.num_rows:
            with_origin = self.stream.has_origins
            self._rejects.append(with_records(bad, batch, self.rows_read, self.key, with_origin=with_origin))
            self._check_limit(self.rejected + batch.num_rows - good.num_rows)
        if self.row_numbers is None:
            return good
        if self.row_numbers.line is not None:
            self.files.note(batch, self.rows_read)
        return with_row_numbers(good, bad, batch, self.rows_read, self.sent)

    def _check_limit(self, rejected: int) -> None:
        if self.max_rejects is None or rejected <= self.max_rejects:
            return
        first = in_order(pa.Table.from_batches(self._rejects, schema=FULL_REJECTS)).slice(0, 1).to_pylist()[0]
        raise ConversionError(
            f"{rejected:,} rows were rejected, more than max_rejects={self.max_rejects}; the first: {_place(first)}: "
            f"{first['reason']}: {shown(first['value'])}",
            column=first["column"] or "",
            reason=first["reason"],
            rows=(first["row"],),
            sample=(first["value"],),
            hint="no row was changed; mend the data, or allow more rejects",
        )


def _place(reject: dict[str, Any]) -> str:
    """The row, the line of a file, and the column of a reject, as far as known."""
    where = f"row {reject['row']}"
    if reject["file"] is not None:
        where += f" ({reject['file']}, line {reject['line']})"
    return where if reject["column"] is None else f"{where}, column {reject['column']!r}"


class SourceStopped(Exception):
    """The source's exception to stop the program, carried as a plain error until the load has rolled back.

    asyncio takes such an exception for its own: it would stop the event loop, or pass for the closing of a generator.
    """

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


def _taken(batches: Iterator[pa.RecordBatch], context: Context) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            batch = context.run(next, batches, None)
        except (KeyboardInterrupt, SystemExit) as error:
            raise SourceStopped(error) from error
        except GeneratorExit as error:
            raise SourceError(
                "the source raised GeneratorExit", hint="let it return where it has no more rows"
            ) from error
        if batch is None:
            return
        yield batch
