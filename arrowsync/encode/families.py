"""What encoders of every wire format share: the families of Arrow types that they have kernels for, and their errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from arrowsync.encode.columns import Column, Unencodable
from arrowsync.errors import ConversionError

SAMPLE = 5

FAMILIES: Mapping[str, Callable[[Any], bool]] = {
    "bool": pa.types.is_boolean,
    "integer": pa.types.is_integer,
    "decimal": pa.types.is_decimal,
    "float": pa.types.is_floating,
    "string": lambda source: pa.types.is_string(source) or pa.types.is_large_string(source),
    "binary": lambda source: (
        pa.types.is_binary(source) or pa.types.is_large_binary(source) or pa.types.is_fixed_size_binary(source)
    ),
    "date": pa.types.is_date32,
    "time": pa.types.is_time,
    "timestamp": lambda source: pa.types.is_timestamp(source) and source.tz is None,
    "timestamptz": lambda source: pa.types.is_timestamp(source) and source.tz is not None,
    "duration": pa.types.is_duration,
    "interval": pa.types.is_interval,
}
EXTENSIONS: Mapping[str, str] = {"arrow.uuid": "uuid", "arrow.json": "json"}
"""Extension types that are families of their own; any other is written as what it is stored as."""


def family_of(source: Any) -> str:
    """The family of a plain Arrow type, or "" for one that no kernel takes."""
    return next((name for name, includes in FAMILIES.items() if includes(source)), "")


def conversion_error(name: str, array: Column, refusal: Unencodable, first_row: int) -> ConversionError:
    """The refusal as the error of a column; its rows count from `first_row`, the position of the batch."""
    rows = refusal.rows[:SAMPLE].tolist()
    sample = tuple(_sample(array[row]) for row in rows)
    verb = "" if refusal.reason.startswith(("contains ", "ends ")) else "is "
    others = ", the first of several" if len(refusal.rows) > 1 else ""
    return ConversionError(
        f"column {name!r}, row {first_row + rows[0]}: {sample[0]!r} {verb}{refusal.reason}{others}",
        column=name,
        reason=refusal.reason,
        rows=tuple(first_row + row for row in rows),
        sample=sample,
        hint="mend the value, or declare a type that holds it",
    )


def _sample(value: pa.Scalar[Any]) -> Any:
    try:
        return value.as_py()
    except (ValueError, OverflowError):  # a date or time that Python can't hold: the number that Arrow does
        return getattr(value, "value", None)
