"""pandas and Polars frames -> `BatchStream`, where their own export to Arrow is not what the user means.

pandas: NaN, NaT and None are NULL, the index never becomes a column by itself, a column of Python objects is built as rows
of Python objects are, and the frame is exported a slice at a time (pandas would copy it whole). Polars: a LazyFrame is
streamed, and columns that would arrive as something else (Python objects as pointers) are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa

from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import SourceError
from arrowsync.sources.capsule import first_line, open_capsule
from arrowsync.sources.families import Misfit, shown
from arrowsync.sources.rows import conversion_error
from arrowsync.sources.stream import BatchStream, to_batch
from arrowsync.sources.values import to_array, type_of

Column = Any
"""A pandas Series."""


def open_polars(frame: Any, name: str) -> BatchStream:
    """A stream of a Polars DataFrame, without a copy."""
    _check_types(frame.schema, name)
    return open_capsule(frame, name, row_count=frame.height)


def open_lazyframe(frame: Any, name: str, batch_rows: int) -> BatchStream:
    """A stream of a Polars LazyFrame, which runs on the streaming engine as batches are asked for."""
    if not hasattr(frame, "collect_batches"):
        raise SourceError(
            f"this Polars can't stream a {name}", source=name, hint="pip install --upgrade polars, or collect() it"
        )
    try:
        schema = frame.collect_schema()
    except Exception as error:  # of Polars, which exports dozens
        raise SourceError(f"{name} can't be read: {first_line(error)}", source=name) from error
    _check_types(schema, name)
    return open_capsule(frame.collect_batches(chunk_size=batch_rows, maintain_order=True, lazy=True), name)


def _check_types(schema: Any, name: str) -> None:
    # Polars exports an Object column as 8 bytes a row, the pointers, and 128-bit integers in a format of its own.
    for column, kind in schema.items():
        if str(kind) in ("Object", "Int128", "UInt128"):
            raise SourceError(
                f"column {column!r} of the {name} is of type {kind}, which Arrow doesn't have",
                source=name,
                hint="cast it first: to pl.Decimal(38, 0), pl.String or a type of its values",
            )


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
    """Row labels that mean something are refused: no one said whether they are a column."""
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
        yield to_batch(arrays, schema)


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
