"""`open_batches`: any data of the user's -> one `BatchStream` of batches of a bounded size, in the types that the source has."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, is_dataclass
from functools import partial
from itertools import chain, islice
from types import GeneratorType
from typing import Any, TypeAlias, cast

import pyarrow as pa

from arrowsync.declare.extensions import unknown_extensions
from arrowsync.declare.spec import TableSpec
from arrowsync.errors import DeclarationError, SourceError, translated
from arrowsync.options import CsvOptions
from arrowsync.shown import shown
from arrowsync.sources.files.selection import Columns, Filter, to_selection
from arrowsync.sources.foreign import check_foreign
from arrowsync.sources.frames import (
    open_capsule,
    open_cursor,
    open_dataset,
    open_lazyframe,
    open_pandas,
    open_polars,
    open_relation,
    open_scanner,
    unreadable_frame,
)
from arrowsync.sources.layout import decoded_size
from arrowsync.sources.objects.rows import open_rows
from arrowsync.sources.stream import BatchStream, columns_of

BATCH_BYTES = 32 << 20
SMALL_ROWS, SMALL_BYTES = 8_192, 4 << 20


def bounded(stream: BatchStream, batch_rows: int) -> BatchStream:
    """The stream without empty batches, big ones sliced, runs of tiny ones joined, and metadata of the source left out.

    So all that follows (kernels, encoders, queues) meets batches of one order of size, whatever the source does: a 400 MB
    batch costs no sink 400 MB more, 10,000 batches of one row aren't 10,000 times its overhead.
    """

    def pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return (_without_metadata(piece) for piece in _joined(_sliced(batches, batch_rows), batch_rows))

    def with_origin() -> Iterator[pa.RecordBatch]:
        return pieces(stream.iter_with_origin())

    return BatchStream(
        stream.schema.remove_metadata(),
        pieces(stream),
        name=stream.name,
        close=stream.close,
        row_count=stream.row_count,
        with_origin=with_origin if stream.has_origins else None,
        valid_text=stream.valid_text,
        trail=stream.trail,
        require_keys=stream.require_keys,
        reopen=stream.reopen,
    )


def _without_metadata(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.replace_schema_metadata(None) if batch.schema.metadata else batch


def _sliced(batches: Iterable[pa.RecordBatch], batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Zero-copy slices of all batches that have too many rows or bytes."""
    for batch in batches:
        for start in range(0, batch.num_rows, batch_rows):
            yield from _divided(batch if batch_rows >= batch.num_rows else batch.slice(start, batch_rows))


def _divided(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Slices that aren't too big once they are decoded: rows may be of very different sizes."""
    if batch.num_rows <= 1 or (size := _size(batch)) <= BATCH_BYTES:
        yield batch
        return
    rows = max(1, min(batch.num_rows // 2, batch.num_rows * BATCH_BYTES // size))
    for start in range(0, batch.num_rows, rows):
        yield from _divided(batch.slice(start, rows))


def _size(batch: pa.RecordBatch) -> int:
    columns: list[Any] = cast("Any", batch).columns
    return sum(decoded_size(column, BATCH_BYTES) for column in columns)


def _joined(batches: Iterator[pa.RecordBatch], batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Runs of small batches as one, up to the size at which a batch isn't small; the others as they are."""
    small, run, rows, size = min(SMALL_ROWS, batch_rows), list[pa.RecordBatch](), 0, 0
    for batch in batches:
        bytes_of_batch = _size(batch) if batch.num_rows < small else 0
        is_small = batch.num_rows < small and bytes_of_batch < SMALL_BYTES
        if run and (not is_small or rows + batch.num_rows > batch_rows):
            yield from _join(run)
            run, rows, size = [], 0, 0
        if not is_small:
            yield batch
            continue
        run.append(batch)
        rows += batch.num_rows
        size += bytes_of_batch
        if rows >= small or size >= SMALL_BYTES:
            yield from _join(run)
            run, rows, size = [], 0, 0
    if run:
        yield from _join(run)


_concat_batches: Callable[[list[pa.RecordBatch]], pa.RecordBatch] = vars(pa)["concat_batches"]  # not in the stubs


def _join(run: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    if len(run) == 1:
        return run
    try:
        return [_concat_batches(run)]
    except pa.ArrowException:  # a layout that pyarrow can't join, such as dictionaries in some nested types
        return run


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
    """The arguments of opening data: the source's options, the spec, and `name`, the name of the data in messages."""

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
    name = _name(data)
    with translated(partial(unreadable_frame, name)):
        opener = next((opener for recognises, opener in OPENERS if recognises(data)), _refuse)
    if opener is not _open_files:
        _check_options(source, name, rows=opener is _open_iterable)
    # The exceptions of the user's own iterator come as they are.
    with nullcontext() if opener is _open_iterable else translated(partial(unreadable_frame, name)):
        stream = opener(data, _Ask(name, spec, source, batch_rows or BATCH_ROWS))
    if stream is data and batch_rows is None:
        return stream
    try:
        _check_names(stream)
        check_foreign(unknown_extensions(stream.schema), stream.name)
    except BaseException:
        stream.close()
        raise
    return bounded(stream, batch_rows or BATCH_ROWS)


def _check_options(source: Source, name: str, *, rows: bool) -> None:
    """Refuse options of files for data that is no file."""
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
    """Make the test for objects of the library's class of that name, or of one derived from it."""

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
    """True if it is an iterable, and not one of those that only look like the rows of a table."""
    single = issubclass(type(data), bytes | bytearray | memoryview | Mapping | type) or is_dataclass(data)
    return hasattr(data, "__iter__") and not single and not hasattr(data, "read") and not hasattr(data, "__aiter__")


def _is_file(data: object) -> bool:
    """True if it is one or several paths, the bytes of a file, or an open one."""
    return _are_paths(data) or isinstance(data, bytes | bytearray | memoryview) or _is_open_file(data)


def _is_open_file(data: object) -> bool:
    return not isinstance(data, type) and callable(getattr(data, "read", None)) and not hasattr(data, "__aiter__")


def _open_files(data: Any, ask: _Ask) -> BatchStream:
    # A third of what importing arrowsync would cost, for those who have no files.
    from arrowsync.sources.files.open import FileOptions, open_files, to_format

    source = ask.source
    options = FileOptions(
        spec=ask.spec,
        format=to_format(source.format),
        field_names=source.field_names,
        has_header=source.has_header,
        csv=source.csv,
        selection=to_selection(source.columns, source.filters, ask.spec),
        batch_rows=ask.batch_rows,
    )
    return open_files(data, options)


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
    """Return the name of the data in messages: its library and class."""
    kind = type(data)
    library = _library(kind)
    return kind.__name__ if library in ("builtins", "__main__") else f"{library} {kind.__name__}"


def _check_names(stream: BatchStream) -> None:
    names = stream.schema.names
    if not names:
        raise SourceError(f"{stream.name} has no columns", source=stream.name, hint="is it the right input?")
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise SourceError(
            f"{stream.name} has more than one column named {twice[0]!r}",
            source=stream.name,
            hint="rename one: columns are matched by name",
        )
