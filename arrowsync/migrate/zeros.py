"""The default that a required column gets where the declaration asks for one (`auto_default`): the zero of its type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import pyarrow as pa

from arrowsync.declare.spec import NO_DEFAULT, ColumnSpec

_ZEROS: Mapping[pa.DataType, Any] = {
    pa.bool_(): False,
    pa.float32(): 0.0,
    pa.float64(): 0.0,
    pa.string(): "",
    pa.binary(): b"",
    pa.date32(): date(1, 1, 1),
    pa.time64("us"): time(0),
    pa.duration("us"): timedelta(0),
    pa.uuid(): UUID(int=0),
}


def zero_of(spec: ColumnSpec) -> Any:
    """The value that stands for none: 0, the empty text, the first label; NO_DEFAULT where a type has no such value.

    A value that the column's own check refuses is none: then the least one is taken.
    """
    if spec.labels:
        return spec.labels[0]
    if spec.choices:
        return 0 if 0 in spec.choices else spec.choices[0]
    if spec.ip is not None:
        return NO_DEFAULT
    zero = _zero(spec.type)
    if zero is NO_DEFAULT or (spec.minimum is None and spec.maximum is None):
        return zero
    below = spec.minimum is not None and zero < spec.minimum
    above = spec.maximum is not None and zero > spec.maximum
    return spec.minimum if below else spec.maximum if above else zero


def _zero(arrow: pa.DataType) -> Any:
    if pa.types.is_integer(arrow):
        return 0
    if pa.types.is_decimal(arrow):
        return Decimal(0)
    if pa.types.is_timestamp(arrow):
        zone: str | None = cast(Any, arrow).tz
        return datetime(1, 1, 1, tzinfo=UTC) if zone else datetime(1, 1, 1)
    return _ZEROS.get(arrow, NO_DEFAULT)
