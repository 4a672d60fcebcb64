"""`ValueCheck`: with `on_error="reject"`, set aside values that only the Arrow type of a column can hold: NaN in MySQL, say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa

from arrowsync.convert.rejects import REJECTS_SCHEMA, value_texts
from arrowsync.dialects.contract import FindUnstorable, Session
from arrowsync.load.direct import columns_of
from arrowsync.load.plan import LoadPlan
from arrowsync.load.text_columns import as_arriving
from arrowsync.sources.stream import to_batch


@dataclass(frozen=True, slots=True)
class ValueCheck:
    """Splits batches as a converter does; `find` tells of one column at a time."""

    find: FindUnstorable

    def split(self, batch: pa.RecordBatch, first_row: int) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        """The rows that can be stored, and the rejects."""
        good = batch
        kept = np.arange(batch.num_rows, dtype=np.int64)
        parts: list[pa.RecordBatch] = []
        while (found := self.find(good)) is not None:
            name, rows, reason = found
            parts.append(_rejects(good, name, np.array(rows, np.int64), kept[rows] + first_row, reason))
            kept = np.delete(kept, rows)
            good = cast("Any", batch).take(_array(kept))
        if not parts:
            return good, _none()
        rejects = pa.Table.from_batches(parts)
        order = np.argsort(rejects.column(0).to_numpy(), kind="stable")
        return good, rejects.take(_array(order)).combine_chunks().to_batches()[0]


def value_check(plan: LoadPlan, session: Session) -> ValueCheck | None:
    """Compile the check, if bad rows are to be rejected and a column may hold less than its type."""
    if plan.options.on_error == "raise":
        return None
    table = as_arriving(session.dialect, plan.table, plan.schema, rejecting=plan.row_numbers is not None)
    columns = columns_of(table, plan.schema)
    find = session.dialect.merge.value_check(session.server, columns, plan.schema)
    return None if find is None else ValueCheck(find)


_array: Any = pa.array


def _none() -> pa.RecordBatch:
    return to_batch([_array([], kind) for kind in cast("Any", REJECTS_SCHEMA).types], REJECTS_SCHEMA)


def _rejects(batch: pa.RecordBatch, name: str, rows: Any, numbers: Any, reason: str) -> pa.RecordBatch:
    values = value_texts(cast("Any", batch).column(name), rows)
    columns = [_array(numbers), _array([name] * len(rows)), values, _array([reason] * len(rows))]
    return to_batch(columns, REJECTS_SCHEMA)
