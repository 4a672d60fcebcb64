"""The way in: batches of the source, converted to the types of the live columns, counted, with bad rows set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import pyarrow as pa

from arrowsync.convert.compile import Converter
from arrowsync.convert.rejects import shorten
from arrowsync.errors import ConversionError, SourceError
from arrowsync.options import OnError
from arrowsync.sources.stream import BatchStream
from arrowsync.sync.rejected import PLACED_REJECTS, split, split_placed

Progress = Callable[[int, "int | None"], None]
"""Called with the rows read so far and their number in all, where it is known. From a worker thread."""


@dataclass(slots=True)
class Intake:
    """Iterates over converted batches, once; afterwards `rows_read`, `rejects` and `seconds` say what passed.

    `fit` brings declared types to wider live ones, where the table is wider than its declaration.
    """

    stream: BatchStream
    convert: Converter
    fit: Converter | None = None
    on_error: OnError = "raise"
    max_rejects: int | None = None
    progress: Progress | None = None
    rows_read: int = 0
    rows_passed: int = 0
    seconds: float = 0.0
    _rejects: list[pa.RecordBatch] = field(default_factory=list[pa.RecordBatch])

    @property
    def schema(self) -> pa.Schema:
        return (self.fit or self.convert).schema

    @property
    def rejected(self) -> int:
        return self.rows_read - self.rows_passed

    @property
    def rejects(self) -> pa.Table | None:
        if self.on_error == "raise":
            return None
        return pa.Table.from_batches(self._rejects, schema=PLACED_REJECTS)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        with self.stream:
            placed = self.on_error == "reject" and self.stream.has_places
            for batch in _taken(self.stream.iter_placed() if placed else iter(self.stream)):
                started = perf_counter()
                good = self._convert(batch)
                self.rows_read += batch.num_rows
                self.rows_passed += good.num_rows
                self.seconds += perf_counter() - started
                if good.num_rows:
                    yield good
                if self.progress is not None:
                    self.progress(self.rows_read, self.stream.row_count)

    def _convert(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self.on_error == "raise":
            good = self.convert(batch, self.rows_read)
        else:
            divide = split_placed if self.stream.has_places else split
            good, bad = divide(self.convert, batch, self.rows_read)
            if bad.num_rows:
                self._rejects.append(bad)
                self._check_limit(good, batch)
        return self.fit(good, self.rows_read) if self.fit else good

    def _check_limit(self, good: pa.RecordBatch, batch: pa.RecordBatch) -> None:
        rejected = self.rejected + batch.num_rows - good.num_rows
        if self.max_rejects is None or rejected <= self.max_rejects:
            return
        first = self._rejects[0].slice(0, 1).to_pylist()[0]
        raise ConversionError(
            f"{rejected:,} rows were rejected, more than max_rejects={self.max_rejects}; the first: {_place(first)}: "
            f"{first['reason']}: {shorten(first['value'])}",
            column=first["column"] or "",
            reason=first["reason"],
            rows=(first["row"],),
            sample=(first["value"],),
            hint="nothing was changed; mend the data, or allow more rejects",
        )


def _place(reject: dict[str, Any]) -> str:
    """In which row, on which line of a file, in which column, as far as that is known."""
    where = f"row {reject['row']}"
    if reject["file"] is not None:
        where += f" ({reject['file']}, line {reject['line']})"
    return where if reject["column"] is None else f"{where}, column {reject['column']!r}"


class SourceStopped(Exception):
    """What the source raised to stop the program, carried as a plain error until the load has rolled back.

    asyncio takes such an exception for its own: it would stop the event loop, or pass for the closing of a generator.
    """

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


def _taken(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            batch = next(batches, None)
        except (KeyboardInterrupt, SystemExit) as error:
            raise SourceStopped(error) from error
        except GeneratorExit as error:
            raise SourceError(
                "the source raised GeneratorExit", hint="let it return where it has no more rows"
            ) from error
        if batch is None:
            return
        yield batch
