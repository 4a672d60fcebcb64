"""Values as they were declared, out of columns that hold them as something else: `restore`.

MySQL has no durations, no timestamps with a zone that would take all of them, and no addresses: `types.column_of` says what
holds them.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute

from arrowsync.declare.spec import ColumnSpec

Array: TypeAlias = "pa.Array[Any]"
compute: Any = pyarrow.compute  # pyarrow-stubs has each function by the exact classes of its arguments


def restore(found: ColumnSpec, declared: ColumnSpec) -> Callable[[Array], Array] | None:
    """What makes the values that a live column gives into those declared; None where they are that already."""
    wanted: Any = declared.type
    if pa.types.is_duration(wanted) and found.type == pa.int64():
        return lambda array: _as(array, wanted)
    if pa.types.is_timestamp(wanted) and wanted.tz is not None and found.type == pa.timestamp(wanted.unit):
        return lambda array: _as(array, wanted)
    if declared.ip is not None and found.type == pa.binary():
        return _addresses
    return None


def _as(array: Any, kind: pa.DataType) -> Array:
    """The same memory as another type of the same width."""
    made: Array = pa.Array.from_buffers(kind, len(array), array.buffers(), array.null_count, array.offset)
    return made


def _addresses(array: Array) -> Array:
    """Each distinct address is written once."""
    encoded: Any = compute.dictionary_encode(array)
    texts = pa.array([str(ip_address(packed)) for packed in encoded.dictionary.to_pylist()], pa.string())
    made: Array = compute.take(texts, encoded.indices)
    return made
