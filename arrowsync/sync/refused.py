"""What is told of a row that the server refused: the value of the column that it names, or the whole row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa

from arrowsync.convert.rejects import value_texts
from arrowsync.sources.stream import to_batch
from arrowsync.sync.marks import Marks
from arrowsync.sync.rejected import PLACED_REJECTS, FileRuns

_SHOWN_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is tried again, and its reject."""

    row: int
    record: pa.RecordBatch


def refused_rows(found: pa.Table, marks: Marks, files: FileRuns, column: str | None, reason: str) -> pa.RecordBatch:
    """Rejects (`PLACED_REJECTS`) for staged rows; with no column the value is the row, as a JSON object of texts."""
    rows: list[int] = cast("Any", found).column(marks.row).to_pylist()
    if column is not None:
        values = _texts(found, column)
    else:
        names = [name for name in found.column_names if name not in marks.names]
        texts = [_texts(found, name) for name in names]
        values = [
            json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in zip(*texts, strict=True)
        ]
    placed = marks.line is not None
    columns: list[list[Any]] = [
        rows,
        [column] * len(rows),
        values,
        [_short(reason)] * len(rows),
        [files.at(row) if placed else None for row in rows],
        found.column(marks.line).to_pylist() if marks.line is not None else [None] * len(rows),
    ]
    types: list[pa.DataType] = PLACED_REJECTS.types
    array: Any = pa.array
    return to_batch([array(each, kind) for each, kind in zip(columns, types, strict=True)], PLACED_REJECTS)


def _texts(found: pa.Table, name: str) -> list[str | None]:
    texts: list[str | None] = []
    for chunk in cast("Any", found).column(name).chunks:
        texts += value_texts(chunk, np.arange(len(chunk))).to_pylist()
    return texts


def _short(reason: str) -> str:
    return reason if len(reason) <= _SHOWN_CHARACTERS else reason[: _SHOWN_CHARACTERS - 3] + "..."
