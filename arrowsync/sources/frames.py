"""Arrow data, DuckDB relations, and pandas and Polars frames -> `BatchStream`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import pyarrow as pa

from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import SourceError, translated
from arrowsync.shown import shown
from arrowsync.sources.layout import check_layout
from arrowsync.sources.objects.kinds import Misfit
from arrowsync.sources.objects.rows import conversion_error
from arrowsync.sources.objects.to_arrow import to_array, type_of
from arrowsync.sources.stream import BatchStream, to_batch

CURSOR_HINT = "its connection can do nothing else before all of the result is read: load over another connection"


def open_capsule(data: Any, name: str, *, row_count: int | None = None) -> BatchStream:
    """A stream of the batches that an object exports through Arrow's C interface, without copies."""
    with translated(partial(unreadable_frame, name)):
        if isinstance(data, pa.RecordBatchReader):
            reader = data  # read directly, a reader made from a generator raises the generator's own exceptions
        elif isinstance(data, pa.Table | pa.RecordBatch):
            data.validate()  # while the sizes of its buffers are known, which no C interface passes on
            batches = data.to_batches() if isinstance(data, pa.Table) else [data]
            reader = pa.RecordBatchReader.from_batches(data.schema, batches)
        elif hasattr(data, "__arrow_c_stream__"):
            reader = pa.RecordBatchReader.from_stream(data)
        else:
            batch = pa.record_batch(data)
            reader = pa.RecordBatchReader.from_batches(batch.schema, [batch])
    if row_count is None and isinstance(data, pa.Table | pa.RecordBatch):
        row_count = data.num_rows
    return open_reader(reader, name, row_count=row_count)


def open_cursor(cursor: Any, name: str) -> BatchStream:
    """A stream of the result of the query that a cursor has executed, as ADBC's; the cursor stays open."""

    def without_result(error: BaseException) -> SourceError:  # of the driver: there is no telling which
        return SourceError(
            f"{name} has no result to read: {first_line(error)}", source=name, hint="execute a query first"
        )

    with translated(without_result):
        reader: pa.RecordBatchReader = cursor.fetch_record_batch()
    return open_reader(reader, name, hint=CURSOR_HINT)


def open_reader(
    reader: pa.RecordBatchReader, name: str, *, row_count: int | None = None, hint: str | None = None
) -> BatchStream:
    """A stream of a reader's batches, whose errors are `SourceError`s."""
    with translated(partial(unreadable_frame, name)):
        schema = reader.schema
        return BatchStream(
            schema, _drain(reader, schema, name, hint), name=name, close=reader.close, row_count=row_count
        )


def _drain(reader: pa.RecordBatchReader, schema: pa.Schema, name: str, hint: str | None) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except (pa.ArrowException, OSError) as error:
            raise unreadable_frame(name, error, hint) from error
        with translated(partial(unreadable_frame, name)):
            check_layout(batch)
        yield batch if batch.schema.equals(schema) else _with_schema(batch, schema, name)


def _with_schema(batch: pa.RecordBatch, schema: pa.Schema, name: str) -> pa.RecordBatch:
    """The batch with the fields of the schema, from which it may differ in what may be NULL alone."""
    if batch.schema.names != schema.names or batch.schema.types != schema.types:
        raise SourceError(f"{name} has a batch of other columns or types than its schema says", source=name)
    return to_batch(cast("Any", batch).columns, schema)


def unreadable_frame(name: str, error: BaseException, hint: str | None = None) -> SourceError:
    """Make the error of a source from an exception that a library raised about its own data."""
    text = first_line(error)
    if "non-struct type" in text:
        text, hint = "it is one column, not a table", "make it a table: series.to_frame(), or pa.table({'name': array})"
    return SourceError(f"{name} can't be read: {text}", source=name, hint=hint)


def first_line(error: BaseException) -> str:
    """The message of an exception, without the traceback that an exported Python stream appends."""
    lines = str(error).partition(". Detail: Python exception")[0].strip().splitlines()
    return lines[0] if lines else type(error).__name__


def open_dataset(dataset: Any, name: str, batch_rows: int) -> BatchStream:
    """A stream of a pyarrow Dataset, read by one thread with as little read ahead as the scanner can.

    That is 175 MB at the peak where the scanner's defaults need 817 MB, for 1.6 s of CPU instead of 4.0 s (measured as in
    `parquet`, which see). It still decodes a row group whole, which for a file of one row group is the file: give the path
    instead of a Dataset, that streams within row groups.
    """
    import pyarrow.dataset as ds

    options: dict[str, Any] = {}
    if isinstance(getattr(dataset, "format", None), ds.ParquetFileFormat):
        options["fragment_scan_options"] = ds.ParquetFragmentScanOptions(
            use_buffered_stream=True, buffer_size=1 << 20, pre_buffer=False
        )
    with translated(partial(unreadable_frame, name)):
        scanner = dataset.scanner(
            batch_size=batch_rows, batch_readahead=1, fragment_readahead=1, use_threads=False, **options
        )
    return open_scanner(scanner, name)


def open_scanner(scanner: Any, name: str) -> BatchStream:
    """A stream of a pyarrow Scanner, as it was set up."""
    with translated(partial(unreadable_frame, name)):
        reader: pa.RecordBatchReader = scanner.to_reader()
    return open_reader(reader, name)


_LOST = {
    "UHUGEINT": "wraps around into negative numbers",
    "TIME WITH TIME ZONE": "loses the zone",
    "BIT": "becomes DuckDB's own bytes",
}
# Names of members come before a type, and are quoted where they hold more than letters, as the labels of enums are.
_TYPE = re.compile(rf"""'(?:[^']|'')*'|"(?:[^"]|"")*"|(?:^|(?<=[ (]))(?P<type>{"|".join(_LOST)})(?=$|[\[,)])""")
CAST_HINT = "cast it in the query: to VARCHAR, or DECIMAL(38, 0) where it is a number that fits"


def open_relation(relation: Any, name: str) -> BatchStream:
    """A stream of the rows of a DuckDB relation, which is run as they are read."""
    if (lost := lost_column(relation.columns, relation.types)) is not None:
        raise SourceError(f"{name}: {lost}", source=name, hint=CAST_HINT)
    return open_capsule(relation, name)


def lost_column(columns: Iterable[str], types: Iterable[object]) -> str | None:
    """The loss in the first column that Arrow doesn't get unchanged; None if all columns arrive unchanged."""
    for column, kind in zip(columns, types, strict=True):
        for found in _TYPE.finditer(str(kind)):
            if (lost := found["type"]) is not None:
                return f"column {column!r} is {kind}: {lost} {_LOST[lost]} on the way to Arrow"
    return None


Column = Any
"""A pandas Series."""


def open_polars(frame: Any, name: str) -> BatchStream:
    """A stream of a Polars DataFrame, without a copy."""
    _check_types(frame.schema, name)
    return open_capsule(frame, name, row_count=frame.height)


def open_lazyframe(frame: Any, name: str, batch_rows: int) -> BatchStream:
    """A stream of a Polars LazyFrame, which runs on the streaming engine as batches are asked for.

    Where one of its threads panics, Polars ends the stream as if it were complete (2.1.0). So a last row is put behind the rows,
    marked in a column of its own: a stream in which it is missing was cut.
    """
    if not hasattr(frame, "collect_batches"):
        raise SourceError(
            f"this Polars can't stream a {name}", source=name, hint="pip install --upgrade polars, or collect() it"
        )
    with translated(partial(unreadable_frame, name)):
        schema = frame.collect_schema()
        _check_types(schema, name)
        import polars as pl

        mark = "end"
        while mark in schema:
            mark = f"_{mark}"
        last = pl.LazyFrame({mark: [True]})
        marked = pl.concat([frame.with_columns(pl.lit(None, pl.Boolean).alias(mark)), last], how="diagonal")
        stream = open_capsule(marked.collect_batches(chunk_size=batch_rows, maintain_order=True, lazy=True), name)
    return BatchStream(
        stream.schema.remove(stream.schema.get_field_index(mark)),
        _until_marked(stream, mark, name),
        name=name,
        close=stream.close,
    )


def _until_marked(batches: Iterable[pa.RecordBatch], mark: str, name: str) -> Iterator[pa.RecordBatch]:
    """The batches without the column `mark`, and without the last row, which it marks."""
    is_whole = False
    for batch in batches:
        is_whole = bool(batch.num_rows) and cast("Any", batch.column(mark))[-1].as_py() is True
        rows = batch.drop_columns([mark])
        yield rows.slice(0, batch.num_rows - 1) if is_whole else rows
    if not is_whole:
        raise SourceError(
            f"{name} was cut: a thread of Polars has failed, as it says on standard error",
            source=name,
            hint="mend the query: collect() raises what it fails with",
        )


def _check_types(schema: Any, name: str) -> None:
    # Polars exports an Object column as 8 bytes a row, the pointers, and 128-bit integers in a format of its own.
    for column, kind in schema.items():
        if any(str(part) in ("Object", "Int128", "UInt128") for part in _with_parts(kind)):
            raise SourceError(
                f"column {column!r} of the {name} is of type {kind}, which Arrow doesn't have",
                source=name,
                hint="cast it first: to pl.Decimal(38, 0), pl.String or a type of its values",
            )


def _with_parts(kind: Any) -> Iterator[Any]:
    """A Polars type, and those of its elements or fields."""
    yield kind
    inner = getattr(kind, "inner", None)
    fields: Any = getattr(kind, "fields", ())
    for part in ([] if inner is None else [inner]) + [field.dtype for field in fields]:
        yield from _with_parts(part)


# ---- pandas -------------------------------------------------------------------------------------------------------------


def open_pandas(frame: Any, spec: TableSpec | None, name: str, batch_rows: int) -> BatchStream:
    """A stream of a pandas DataFrame, `batch_rows` rows at a time."""
    _check_index(frame, name)
    declared: Mapping[str, ColumnSpec] = {} if spec is None else spec.by_name
    columns: list[_PandasColumn] = []
    for place, label in enumerate(frame.columns):
        if isinstance(label, tuple):
            raise SourceError(
                f"the {name} has column labels of several levels: {label!r}",
                source=name,
                hint="flatten them: frame.columns = ['_'.join(label) for label in frame.columns]",
            )
        column = str(label)
        hint = declared[column].type if column in declared else None
        columns.append(_pandas_column(column, frame.iloc[:, place], hint, name))
    schema = pa.schema([(column.name, column.type) for column in columns])
    batches = _pandas_batches(columns, schema, len(frame), batch_rows, name)
    return BatchStream(schema, batches, name=name, row_count=len(frame))


def _check_index(frame: Any, name: str) -> None:
    """Refuse row labels that have a meaning: it isn't known if they are a column."""
    index = frame.index
    names = [str(level) for level in index.names if level is not None]
    if names:
        what = f"an index named {', '.join(names)}"
    elif index.nlevels > 1 or (len(index) and index.dtype.kind not in "iu"):
        what = f"an index of labels ({shown(index[0])}, ...)"
    else:
        return  # numbers without a name: the positions that a filter, sort or concat left
    raise SourceError(
        f"the {name} has {what}, and an index is no column",
        source=name,
        hint="frame.reset_index() makes it one; frame.reset_index(drop=True) leaves it out",
    )


@dataclass(frozen=True, slots=True)
class _PandasColumn:
    """One column; `objects` where it holds Python objects, whose Arrow type is found by looking at them."""

    name: str
    series: Column
    type: pa.DataType
    objects: bool
    declared: bool


def _pandas_column(column: str, series: Column, declared: pa.DataType | None, name: str) -> _PandasColumn:
    objects = bool(series.dtype == object)
    try:
        kind = type_of(_python_values(series), declared) if objects else _arrow_values(series.iloc[:0]).type
    except Misfit as misfit:
        raise SourceError(
            f"column {column!r} of the {name} mixes types: row {misfit.index}: {shown(misfit.value)} is {misfit.reason}",
            source=name,
            row=misfit.index,
            hint="bring the column to one type",
        ) from misfit
    except Exception as error:  # pandas raises whatever its extension types do
        raise _no_arrow(column, name, error) from error
    return _PandasColumn(column, series, kind, objects, declared is not None)


def _pandas_batches(
    columns: list[_PandasColumn], schema: pa.Schema, rows: int, batch_rows: int, name: str
) -> Iterator[pa.RecordBatch]:
    for start in range(0, rows, batch_rows):
        arrays: list[Any] = []
        for column in columns:
            part = column.series.iloc[start : start + batch_rows]
            try:
                arrays.append(to_array(_python_values(part), column.type) if column.objects else _arrow_values(part))
            except Misfit as misfit:
                raise conversion_error(misfit, column.name, start, declared=column.declared) from misfit
            except Exception as error:
                raise _no_arrow(column.name, name, error) from error
        batch = to_batch(arrays, schema)
        with translated(partial(unreadable_frame, name)):
            check_layout(batch)
        yield batch


def _python_values(series: Column) -> list[Any]:
    """The objects of the column, None for what pandas takes for missing."""
    values = np.array(series, dtype=object)
    values[np.asarray(series.isna(), dtype=bool)] = None
    return cast("list[Any]", values.tolist())


def _arrow_values(series: Column) -> Any:
    make: Any = pa.array
    array = make(series, from_pandas=True)
    return array.combine_chunks() if hasattr(array, "chunks") else array  # pandas keeps its strings in chunks


def _no_arrow(column: str, name: str, error: Exception) -> SourceError:
    return SourceError(
        f"column {column!r} of the {name} has no Arrow type: {first_line(error)}",
        source=name,
        hint="convert the column first, with frame.astype(...)",
    )
