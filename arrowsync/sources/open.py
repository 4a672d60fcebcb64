"""`open_batches`: whatever the user has -> one `BatchStream` of batches of a bounded size, in the types that the data has.

`OPENERS` is the whole story, read top to bottom: the first recogniser that says yes names the opener. Libraries are recognised
by protocol or by the dotted name of a class, never by importing them. Nothing here converts: `convert` does, for all sources
alike; the `spec` only names the columns of tuples and hints at types where Arrow is made out of Python objects.

To add a source: an opener in a file of its own, and its line in `OPENERS`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from itertools import chain, islice
from types import GeneratorType
from typing import Any, TypeAlias, cast

import pyarrow as pa

from arrowsync.declare.spec import TableSpec
from arrowsync.errors import DeclarationError, SourceError
from arrowsync.options import CsvOptions
from arrowsync.sources.bounded import bounded
from arrowsync.sources.capsule import open_capsule, open_cursor, open_dataset, open_scanner
from arrowsync.sources.duckdb import open_relation
from arrowsync.sources.families import shown
from arrowsync.sources.frames import open_lazyframe, open_pandas, open_polars
from arrowsync.sources.rows import open_rows
from arrowsync.sources.selection import Columns, Filter, to_selection
from arrowsync.sources.stream import BatchStream, columns_of

BATCH_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class Source:
    """Data that isn't open yet, and how it is to be read: for whoever opens it knowing the table. See `open_batches`."""

    data: object
    format: str | None = None
    field_names: Sequence[str | None] | None = None
    has_header: bool = True
    csv: CsvOptions | None = None
    columns: Columns | None = None
    filters: Sequence[Filter] | None = None


@dataclass(frozen=True, slots=True)
class _Ask:
    """What is asked for beside the data; `name` is what to call the data in messages."""

    name: str
    spec: TableSpec | None
    source: Source
    batch_rows: int


def open_batches(
    data: object, spec: TableSpec | None = None, *, batch_rows: int | None = None, **how: Any
) -> BatchStream:
    """The data as a one-shot stream of record batches, at most `batch_rows` (65,536) rows and about 32 MiB each.

    `data` is a path or URL (of a file, folder or glob; a str never is anything else, but for "-", which is standard input) or a
    list of them, the bytes of a file, a file that is open as binary, a frame or anything else that speaks Arrow, or an iterable
    of frames, tuples, dicts or dataclass objects; or a `Source`, which says of any of them how it is
    read; that can be said here as well:

    format          "parquet", "csv", "tsv", "jsonl" or "arrow": what a file is, whatever its suffix
    field_names     the columns of tuples, CSV and TSV, None or "" for one that is left out; without them, and without a
                    header, they are those of the `spec`, in order
    has_header      whether the first line of CSV and TSV names the columns
    csv             how CSV is written
    columns         the columns of files that are read, "declared" for those of the `spec`; others aren't looked at
    filters         what holds for the rows of Parquet and Arrow files that are read: `[("day", ">=", date(2026, 1, 1))]`

    Raises `SourceError` for what can't be read, now or as the batches come; `ConversionError` for a Python object that no Arrow
    type of its column can hold; whatever the user's own iterator raises comes through as it is.

    >>> with open_batches([(1, "one"), (2, "two")], field_names=["number", "word"]) as stream:
    ...     stream.read_all().to_pydict()
    {'number': [1, 2], 'word': ['one', 'two']}
    """
    if batch_rows is not None and batch_rows < 1:
        raise DeclarationError(f"batch_rows={batch_rows}: a batch has at least one row")
    source = data if isinstance(data, Source) else Source(data, **how)
    data = source.data
    opener = next((opener for recognises, opener in OPENERS if recognises(data)), _refuse)
    if opener is not _open_files:
        _check_options(source, _name(data), rows=opener is _open_iterable)
    stream = opener(data, _Ask(_name(data), spec, source, batch_rows or BATCH_ROWS))
    if stream is data and batch_rows is None:
        return stream
    try:
        _check_names(stream)
    except BaseException:
        stream.close()
        raise
    return bounded(stream, batch_rows or BATCH_ROWS)


def _check_options(source: Source, name: str, *, rows: bool) -> None:
    """What is said of files isn't said of other data."""
    asked = {
        "format": source.format,
        "csv": source.csv,
        "columns": source.columns,
        "filters": source.filters,
        "has_header": None if source.has_header else False,
    }
    for option, value in asked.items():
        if value is not None:
            raise DeclarationError(f"{option}={value!r} is said of {name}", hint=f"leave {option} out: it is for files")
    if source.field_names is not None and not rows:
        raise DeclarationError(
            f"field_names is said of {name}",
            hint="leave field_names out: they name the columns of tuples, CSV and TSV",
        )


# ---- what the user has --------------------------------------------------------------------------------------------------


def _library(kind: type) -> str:
    return kind.__module__.split(".")[0].lstrip("_")


def _is_a(library: str, name: str) -> Callable[[object], bool]:
    """Whether an object is of the library's class of that name, or of one derived from it."""

    def recognises(data: object) -> bool:
        return any(kind.__name__ == name and _library(kind) == library for kind in type(data).__mro__)

    return recognises


def _is_path(data: object) -> bool:
    return isinstance(data, str | os.PathLike)


def _are_paths(data: object) -> bool:
    items = cast("list[object]", data if isinstance(data, list | tuple) else [data])
    return bool(items) and all(map(_is_path, items))


def _is_arrow(data: object) -> bool:
    return not isinstance(data, type) and (hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"))


def _is_cursor(data: object) -> bool:
    return not isinstance(data, type) and callable(getattr(data, "fetch_record_batch", None))


def _is_many(data: Any) -> bool:
    """Whether it is an iterable, and not one of those that only look like the rows of a table."""
    single = issubclass(type(data), bytes | bytearray | memoryview | Mapping | type) or is_dataclass(data)
    return hasattr(data, "__iter__") and not single and not hasattr(data, "read") and not hasattr(data, "__aiter__")


def _is_file(data: object) -> bool:
    """Whether it is one or several paths, the bytes of a file, or an open one."""
    return _are_paths(data) or isinstance(data, bytes | bytearray | memoryview) or _is_open_file(data)


def _is_open_file(data: object) -> bool:
    return not isinstance(data, type) and callable(getattr(data, "read", None)) and not hasattr(data, "__aiter__")


def _open_files(data: Any, ask: _Ask) -> BatchStream:
    # A third of what importing arrowsync would cost, for those who have no files.
    from arrowsync.sources.files import Reading, open_files, to_format

    source = ask.source
    reading = Reading(
        spec=ask.spec,
        format=to_format(source.format),
        field_names=source.field_names,
        has_header=source.has_header,
        csv=source.csv,
        selection=to_selection(source.columns, source.filters, ask.spec),
        batch_rows=ask.batch_rows,
    )
    return open_files(data, reading)


def _open_iterable(data: Any, ask: _Ask) -> BatchStream:
    """Rows or frames, which the first item tells. A generator is closed with the stream, as no one else can go on with it."""
    rows: Any = iter(data)
    close = _closer(rows)
    try:
        first: list[object] = list(islice(rows, 1))
        name = f"{ask.name} of {type(first[0]).__name__}" if first else ask.name
        count = len(data) if hasattr(data, "__len__") else None
        if first and _is_arrow(first[0]):
            return _open_frames(chain(first, rows), ask, name, close)
        return open_rows(
            chain(first, rows), ask.spec, name=name, field_names=ask.source.field_names, close=close, row_count=count
        )
    except BaseException:
        if close is not None:
            close()
        raise


def _closer(rows: object) -> Callable[[], None] | None:
    return rows.close if isinstance(rows, GeneratorType) else None


def _open_frames(frames: Iterator[object], ask: _Ask, name: str, close: Callable[[], None] | None) -> BatchStream:
    if ask.source.field_names is not None:
        raise DeclarationError(
            f"field_names is said of {name}", hint="leave field_names out: frames name their columns"
        )
    first = open_batches(next(frames), ask.spec, batch_rows=ask.batch_rows)

    def read() -> Iterator[pa.RecordBatch]:
        with first:
            yield from first
        for index, frame in enumerate(frames, start=1):
            with open_batches(frame, ask.spec, batch_rows=ask.batch_rows) as stream:
                if not stream.schema.equals(first.schema):
                    raise SourceError(
                        f"item {index} of {name} has other columns or types than the first: "
                        f"{_difference(first.schema, stream.schema)}",
                        source=name,
                        hint="all items of a source have one schema",
                    )
                yield from stream

    def close_all() -> None:
        first.close()
        if close is not None:
            close()

    return BatchStream(first.schema, read(), name=name, close=close_all)


def _difference(one: pa.Schema, other: pa.Schema) -> str:
    before, now = columns_of(one), columns_of(other)
    for name, kind in before.items():
        if name not in now:
            return f"{name!r} is missing"
        if now[name] != kind:
            return f"{name!r} is {now[name]}, not {kind}"
    new = [name for name in now if name not in before]
    return f"{new[0]!r} is new" if new else "another order"


_Opener: TypeAlias = Callable[[Any, _Ask], BatchStream]

OPENERS: tuple[tuple[Callable[[object], bool], _Opener], ...] = (
    (lambda data: isinstance(data, BatchStream), lambda data, ask: data),
    (_are_paths, _open_files),
    (_is_a("pandas", "DataFrame"), lambda data, ask: open_pandas(data, ask.spec, ask.name, ask.batch_rows)),
    (_is_a("polars", "LazyFrame"), lambda data, ask: open_lazyframe(data, ask.name, ask.batch_rows)),
    (_is_a("polars", "DataFrame"), lambda data, ask: open_polars(data, ask.name)),
    (_is_a("pyarrow", "Dataset"), lambda data, ask: open_dataset(data, ask.name, ask.batch_rows)),
    (_is_a("pyarrow", "Scanner"), lambda data, ask: open_scanner(data, ask.name)),
    (_is_a("duckdb", "DuckDBPyRelation"), lambda data, ask: open_relation(data, ask.name)),
    (_is_arrow, lambda data, ask: open_capsule(data, ask.name)),
    (_is_cursor, lambda data, ask: open_cursor(data, ask.name)),
    (_is_file, _open_files),
    (_is_many, _open_iterable),
)


def _refuse(data: object, ask: _Ask) -> BatchStream:
    hint = (
        "paths and URLs of files, open files, Arrow, Polars, pandas and DuckDB frames, and iterables of tuples, dicts or "
        "objects can"
    )
    match data:
        case None:
            what = "there is no data: None was given"
        case type():
            what, hint = f"the class {data.__name__} is no data", "the data comes first, the table second"
        case Mapping():
            what = "a single dict is no table"
            hint = "for one row, [row]; for a dict of columns, pa.table(columns)"
        case _ if is_dataclass(data):
            what, hint = f"a single {type(data).__name__} object is no table", "for one row, [row]"
        case _ if hasattr(data, "__aiter__"):
            what, hint = (
                f"{ask.name} is asynchronous, which only sync_table awaits",
                "collect it: [row async for row in rows]",
            )
        case _:
            what = f"{shown(data)} ({ask.name}) is no data"
    raise SourceError(what, source=ask.name, hint=hint)


def _name(data: object) -> str:
    """What to call the data in a message: its library and class."""
    kind = type(data)
    library = _library(kind)
    return kind.__name__ if library in ("builtins", "__main__") else f"{library} {kind.__name__}"


def _check_names(stream: BatchStream) -> None:
    names = stream.schema.names
    if not names:
        raise SourceError(f"{stream.name} has no columns", source=stream.name)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(
            f"{stream.name} has more than one column named {twice[0]!r}",
            source=stream.name,
            hint="rename one: columns are matched by name",
        )
