"""`open_batches`: whatever the user has -> one `BatchStream` of batches of a bounded size, in the types that the data has.

`OPENERS` is the whole story, read top to bottom: the first recogniser that says yes names the opener. Libraries are recognised
by protocol or by the dotted name of a class, never by importing them. Nothing here converts: `convert` does, for all sources
alike; the `spec` only names the columns of tuples and hints at types where Arrow is made out of Python objects.

To add a source: an opener in a file of its own, and its line in `OPENERS`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from itertools import chain, islice
from types import GeneratorType
from typing import Any, TypeAlias, cast

import pyarrow as pa

from arrowsync.declare.spec import TableSpec
from arrowsync.errors import DeclarationError, SourceError
from arrowsync.sources.capsule import open_capsule, open_dataset, open_scanner
from arrowsync.sources.frames import open_lazyframe, open_pandas, open_polars
from arrowsync.sources.parquet import open_parquet
from arrowsync.sources.rows import open_rows, shown
from arrowsync.sources.stream import BatchStream, columns_of

BATCH_ROWS = 65_536
BATCH_BYTES = 32 << 20
SMALL_ROWS, SMALL_BYTES = 8_192, 4 << 20


@dataclass(frozen=True, slots=True)
class _Ask:
    """What the caller of `open_batches` asked for beside the data; `name` is what to call the data in messages."""

    name: str
    spec: TableSpec | None
    format: str | None
    field_names: Sequence[str | None] | None
    batch_rows: int


def open_batches(
    data: object,
    spec: TableSpec | None = None,
    *,
    format: str | None = None,  # noqa: A002 (what a user would call it)
    field_names: Sequence[str | None] | None = None,
    batch_rows: int | None = None,
) -> BatchStream:
    """The data as a one-shot stream of record batches, at most `batch_rows` (65,536) rows and about 32 MiB each.

    `data` is a path (a file, folder or glob of Parquet; a str never is anything else) or a list of paths, a frame or anything
    else that speaks Arrow, or an iterable of frames, tuples, dicts or dataclass objects. `format="parquet"` reads a file whose
    suffix says something else. `field_names` are the columns of tuples, None or "" for one that is left out; without them
    tuples are in the order of the `spec`'s columns. All columns of the data come out, declared or not.

    Raises `SourceError` for what can't be read, now or as the batches come; `ConversionError` for a Python object that no Arrow
    type of its column can hold; whatever the user's own iterator raises comes through as it is.

    >>> with open_batches([(1, "one"), (2, "two")], field_names=["number", "word"]) as stream:
    ...     stream.read_all().to_pydict()
    {'number': [1, 2], 'word': ['one', 'two']}
    """
    if batch_rows is not None and batch_rows < 1:
        raise DeclarationError(f"batch_rows={batch_rows}: a batch has at least one row")
    if format not in (None, "parquet"):
        raise SourceError(f"the format {format!r} can't be read yet", hint="format may be 'parquet'")
    opener = next((opener for recognises, opener in OPENERS if recognises(data)), _refuse)
    if format is not None and opener is not _open_paths:
        raise DeclarationError(
            f"format={format!r} is said of {_name(data)}", hint="leave format out: it is for paths of files"
        )
    if field_names is not None and opener is not _open_iterable:
        raise DeclarationError(
            f"field_names is said of {_name(data)}", hint="leave field_names out: they name the columns of tuples"
        )
    stream = opener(data, _Ask(_name(data), spec, format, field_names, batch_rows or BATCH_ROWS))
    if stream is data and batch_rows is None:
        return stream
    try:
        _check_names(stream)
    except BaseException:
        stream.close()
        raise
    return _bounded(stream, batch_rows or BATCH_ROWS)


# ---- what the user has --------------------------------------------------------------------------------------------------


def _is_a(library: str, name: str) -> Callable[[object], bool]:
    """Whether an object is of the library's class of that name, or of one derived from it."""

    def recognises(data: object) -> bool:
        return any(kind.__name__ == name and kind.__module__.split(".")[0] == library for kind in type(data).__mro__)

    return recognises


def _is_path(data: object) -> bool:
    return isinstance(data, str | os.PathLike)


def _are_paths(data: object) -> bool:
    items = cast("list[object]", data if isinstance(data, list | tuple) else [data])
    return bool(items) and all(map(_is_path, items))


def _is_arrow(data: object) -> bool:
    return not isinstance(data, type) and (hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"))


def _is_many(data: Any) -> bool:
    """Whether it is an iterable, and not one of those that only look like the rows of a table."""
    single = issubclass(type(data), bytes | bytearray | memoryview | Mapping | type) or is_dataclass(data)
    return hasattr(data, "__iter__") and not single and not hasattr(data, "read") and not hasattr(data, "__aiter__")


def _open_paths(data: Any, ask: _Ask) -> BatchStream:
    return open_parquet(data, ask.spec, batch_rows=ask.batch_rows, file_format=ask.format)


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
            chain(first, rows), ask.spec, name=name, field_names=ask.field_names, close=close, row_count=count
        )
    except BaseException:
        if close is not None:
            close()
        raise


def _closer(rows: object) -> Callable[[], None] | None:
    return rows.close if isinstance(rows, GeneratorType) else None


def _open_frames(frames: Iterator[object], ask: _Ask, name: str, close: Callable[[], None] | None) -> BatchStream:
    if ask.field_names is not None:
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
    (_are_paths, _open_paths),
    (_is_a("pandas", "DataFrame"), lambda data, ask: open_pandas(data, ask.spec, ask.name, ask.batch_rows)),
    (_is_a("polars", "LazyFrame"), lambda data, ask: open_lazyframe(data, ask.name, ask.batch_rows)),
    (_is_a("polars", "DataFrame"), lambda data, ask: open_polars(data, ask.name)),
    (_is_a("pyarrow", "Dataset"), lambda data, ask: open_dataset(data, ask.name, ask.batch_rows)),
    (_is_a("pyarrow", "Scanner"), lambda data, ask: open_scanner(data, ask.name)),
    (_is_arrow, lambda data, ask: open_capsule(data, ask.name)),
    (_is_many, _open_iterable),
)


def _refuse(data: object, ask: _Ask) -> BatchStream:
    hint = (
        "paths of Parquet files, Arrow, Polars, pandas and DuckDB frames, and iterables of tuples, dicts or objects can"
    )
    match data:
        case None:
            what = "there is no data: None was given"
        case bytes() | bytearray() | memoryview():
            what, hint = f"{ask.name} can't be read yet", "write it to a file and give its path"
        case type():
            what, hint = f"the class {data.__name__} is no data", "the data comes first, the table second"
        case Mapping():
            what = "a single dict is no table"
            hint = "for one row, [row]; for a dict of columns, pa.table(columns)"
        case _ if is_dataclass(data):
            what, hint = f"a single {type(data).__name__} object is no table", "for one row, [row]"
        case _ if hasattr(data, "__aiter__"):
            what, hint = (
                f"{ask.name} is asynchronous, which can't be read yet",
                "collect it: [row async for row in rows]",
            )
        case _ if hasattr(data, "read"):
            what, hint = f"{ask.name} is an open file, which can't be read yet", "give its path"
        case _:
            what = f"{shown(data)} ({ask.name}) is no data"
    raise SourceError(what, source=ask.name, hint=hint)


def _name(data: object) -> str:
    """What to call the data in a message: its library and class."""
    kind = type(data)
    library = kind.__module__.split(".")[0].lstrip("_")
    return kind.__name__ if library in ("builtins", "__main__") else f"{library} {kind.__name__}"


# ---- batches of a bounded size ------------------------------------------------------------------------------------------


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


def _bounded(stream: BatchStream, batch_rows: int) -> BatchStream:
    """The stream without empty batches, big ones sliced, runs of tiny ones joined, and metadata of the source left out.

    So all that follows (kernels, encoders, queues) meets batches of one order of size, whatever the source does: a 400 MB
    batch costs no sink 400 MB more, 10,000 batches of one row aren't 10,000 times its overhead.
    """
    schema = stream.schema.remove_metadata()
    batches = (_without_metadata(piece) for piece in _joined(_sliced(stream, batch_rows), batch_rows))
    return BatchStream(schema, batches, name=stream.name, close=stream.close, row_count=stream.row_count)


def _without_metadata(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.replace_schema_metadata(None) if batch.schema.metadata else batch


def _sliced(batches: Iterable[pa.RecordBatch], batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Zero-copy slices of all batches that have too many rows or bytes."""
    for batch in batches:
        rows = batch_rows
        if batch.num_rows > 1 and (size := batch.nbytes) > BATCH_BYTES:
            rows = max(1, min(rows, batch.num_rows * BATCH_BYTES // size))
        for start in range(0, batch.num_rows, rows):
            yield batch if rows >= batch.num_rows else batch.slice(start, rows)


def _joined(batches: Iterator[pa.RecordBatch], batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Runs of small batches as one, up to the size at which a batch isn't small; the others as they are."""
    small, run, rows, size = min(SMALL_ROWS, batch_rows), list[pa.RecordBatch](), 0, 0
    for batch in batches:
        is_small = batch.num_rows < small and batch.nbytes < SMALL_BYTES
        if run and (not is_small or rows + batch.num_rows > batch_rows):
            yield from _join(run)
            run, rows, size = [], 0, 0
        if not is_small:
            yield batch
            continue
        run.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
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
