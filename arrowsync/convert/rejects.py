"""Values that can't be stored become one `ConversionError`, or a table of rejects; both from the same failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from arrowsync.convert.arrays import Column, Converted, Failure, Mask, Numbers, any_of, compute, record_batch, take
from arrowsync.convert.kernels.identifiers import hex_text
from arrowsync.convert.kernels.numbers import number_to_text
from arrowsync.convert.kernels.temporal import counts, in_day
from arrowsync.convert.kernels.text import binary_to_text
from arrowsync.convert.layouts import plain_type, to_plain
from arrowsync.convert.rules import RULES, Family, family_of
from arrowsync.declare.spec import ColumnSpec
from arrowsync.errors import ConversionError
from arrowsync.shown import shown

_FIELDS: dict[str, pa.DataType] = {
    "row": pa.int64(),
    "column": pa.string(),
    "value": pa.string(),
    "reason": pa.string(),
}
REJECTS_SCHEMA = pa.schema(_FIELDS)

SHOWN_ROWS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """One column of one batch, before and after conversion."""

    column: ColumnSpec
    given: Column
    outcome: Converted

    @property
    def bad(self) -> Mask:
        return any_of(self.outcome.failures, len(self.given))


def conversion_error(failed: Sequence[Checked], first_row: int) -> ConversionError:
    """The error for the columns of a batch that failed: it tells of the first one, by the failure that hits first."""
    first = failed[0]
    failure = min(first.outcome.failures, key=lambda each: int(np.argmax(each.mask)))
    positions = np.flatnonzero(failure.mask)
    sample = tuple(_sample_value(first.given, int(position)) for position in positions[:SHOWN_ROWS])
    rows = tuple(first_row + int(position) for position in positions[:SHOWN_ROWS])
    message = f"column {first.column.name!r}: {_sentence(failure, rows, sample, len(positions))}"
    others = int(first.bad.sum()) - len(positions)
    if others > 0:
        message += f"; {others} other {'value fails' if others == 1 else 'values fail'} too"
    if len(failed) > 1:
        names = ", ".join(repr(each.column.name) for each in failed[1:])
        message += f"; {len(failed) - 1} more {'column fails' if len(failed) == 2 else 'columns fail'}: {names}"
    return ConversionError(
        message, column=first.column.name, reason=failure.reason, rows=rows, sample=sample, hint=failure.hint
    )


def _sentence(failure: Failure, rows: tuple[int, ...], sample: tuple[Any, ...], count: int) -> str:
    """The message, such as `3 values are out of range for int16 (rows 17, 904, 5512: 40000, 70000, -40000)`."""
    subject = "1 value" if count == 1 else f"{count} values"
    if failure.reason.startswith("contains "):
        phrase = failure.reason if count == 1 else failure.reason.replace("contains", "contain", 1)
    else:
        phrase = f"{'is' if count == 1 else 'are'} {failure.reason}"
    more = ", ..." if count > len(rows) else ""
    where = f"row{'' if count == 1 else 's'} {', '.join(map(str, rows))}{more}"
    values = "" if all(each is None for each in sample) else f": {', '.join(map(shown, sample))}{more}"
    return f"{subject} {phrase} ({where}{values})"


def _sample_value(values: Column, row: int) -> Any:
    """One value as the Python object that it stands for; as bytes or text where Python has no such object."""
    cell = to_plain(values.slice(row, 1))
    # Python has no nanoseconds: pyarrow would drop them, or import pandas for them. A time past midnight it wraps around.
    if getattr(cell.type, "unit", "us") == "ns" or (pa.types.is_time(cell.type) and in_day(cell).failures):
        return value_texts(values.slice(row, 1), np.arange(1))[0].as_py()
    try:
        return values[row].as_py()
    except UnicodeDecodeError:
        return cell.view(pa.binary())[0].as_py() if pa.types.is_string(cell.type) else None
    except (ValueError, OverflowError):
        return value_texts(values.slice(row, 1), np.arange(1))[0].as_py()


def rejects_batch(failed: Sequence[Checked], first_row: int) -> pa.RecordBatch:
    """One record of `REJECTS_SCHEMA` for each row and column that failed, in the order of the rows."""
    if not failed:
        return pa.RecordBatch.from_pylist([], schema=REJECTS_SCHEMA)
    hits = [np.flatnonzero(each.bad) for each in failed]
    columns: list[list[Any]] = [[], [], [], []]
    for each, rows in zip(failed, hits, strict=True):
        columns[0].append(pa.array(rows + first_row, pa.int64()))
        columns[1].append(pa.repeat(pa.scalar(each.column.name), len(rows)))
        columns[2].append(value_texts(each.given, rows))
        columns[3].append(_reasons(each, rows))
    # A stable sort keeps the columns of one row in their declared order.
    order = np.argsort(np.concatenate(hits), kind="stable")
    return record_batch([take(pa.concat_arrays(parts), order) for parts in columns], REJECTS_SCHEMA)


def _reasons(checked: Checked, rows: Numbers) -> Column:
    """The first reason that each of the rows failed for."""
    failures = checked.outcome.failures
    hits = np.stack([failure.mask[rows] for failure in failures])
    return take(pa.array([failure.reason for failure in failures]), hits.argmax(axis=0))


def value_texts(values: Column, rows: Numbers) -> Column:
    r"""The values at some rows as text: as they would be stored in a text column, binary as `\x` and hexadecimal digits."""
    plain = take(to_plain(values), rows)
    family = family_of(plain_type(values.type))
    column = ColumnSpec("", pa.string())
    if family in (Family.STRING, Family.JSON):
        plain = plain.view(pa.binary())
        text = binary_to_text(plain, column).values
    elif family in (None, Family.BINARY, Family.DURATION):
        text = _raw_texts(plain)
    else:
        rule = number_to_text if family is Family.FLOAT else RULES[family, Family.STRING]
        text = rule(plain, column).values
    if text.null_count == plain.null_count:
        return text
    result: Column = compute.coalesce(text, _raw_texts(plain))
    return result


def _raw_texts(plain: Column) -> Column:
    """Return the storage of values without a text: bytes, or the number of a date beyond the calendar."""
    if pa.types.is_binary(plain.type):
        return hex_text(plain)
    if pa.types.is_temporal(plain.type):
        return counts(plain).cast(pa.string())
    return pa.nulls(len(plain), pa.string())
