"""Values in the server's binary form, wherever they stand among other bytes, as Arrow arrays.

`Spans` says where the values of one column, element or member stand; `DECODERS` has what becomes of them, for types whose
width isn't fixed (`readforms.FIXED` has the others).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arrowsync.dialects.postgres.readforms import Array, Mask, Numbers, Unreadable, bits, buffer, compute, json_of
from arrowsync.dialects.postgres.readinet import address_text

Integers: TypeAlias = "npt.NDArray[np.int64]"


@dataclass(frozen=True, slots=True)
class Spans:
    """Where values stand in `data`: each from its start on, so many bytes; NULL where `valid` is False.

    The values that aren't NULL stand in order and don't overlap. After the last of them there are `MARGIN` bytes more.
    """

    data: npt.NDArray[np.uint8]
    starts: Integers
    lengths: Integers
    valid: Mask

    def __len__(self) -> int:
        return len(self.starts)


Decode: TypeAlias = Callable[[Spans, pa.DataType], Array]

MARGIN = 64
"""So many bytes may be looked at from the end of a value on, whether there is anything or not."""


def words(data: npt.NDArray[np.uint8], at: Integers, layout: str) -> Integers:
    """The integers that stand at these places."""
    size = np.dtype(layout).itemsize
    integers: Integers = data[at[:, None] + np.arange(size)].view(layout)[:, 0].astype(np.int64)
    return integers


def fixed_values(spans: Spans, layout: np.dtype[Any]) -> Numbers:
    """Values of fixed width, 0 for NULL."""
    size = layout.itemsize
    if (spans.lengths[spans.valid] != size).any():
        raise Unreadable("the type has changed since it was discovered")
    raw = np.zeros((len(spans), size), np.uint8)
    raw[spans.valid] = spans.data[spans.starts[spans.valid][:, None] + np.arange(size)]
    values: Numbers = raw.reshape(-1).view(layout)
    return values


def strings(spans: Spans, skip: int = 0, kind: pa.DataType | None = None) -> Array:
    """The bytes of the values, without the first few of each, as text (or as binary)."""
    kind = kind or pa.string()
    starts, lengths = spans.starts[spans.valid] + skip, spans.lengths[spans.valid] - skip
    offsets = np.stack([starts, starts + lengths], axis=1).astype(np.int32)
    if (np.diff(offsets.reshape(-1), append=len(spans.data)) < 0).any():
        raise Unreadable("the type has changed since it was discovered")
    pieces: Array = pa.Array.from_buffers(
        pa.binary(), max(offsets.size - 1, 0), [None, buffer(offsets), buffer(spans.data)]
    )
    every_other: Any = pa.array(np.arange(0, offsets.size, 2))
    taken: Any = pieces.take(every_other)
    ends = np.zeros(len(spans) + 1, np.int32)
    np.cumsum(np.where(spans.valid, spans.lengths - skip, 0), out=ends[1:])
    return pa.Array.from_buffers(kind, len(spans), [validity(spans.valid), buffer(ends), taken.buffers()[2]])


def validity(valid: Mask) -> pa.Buffer | None:
    """A validity bitmap, where one is needed."""
    return None if valid.all() else bits(valid)


def _text(spans: Spans, arrow: pa.DataType) -> Array:
    return strings(spans)


def _binary(spans: Spans, arrow: pa.DataType) -> Array:
    return strings(spans, kind=pa.binary())


def _char(spans: Spans, arrow: pa.DataType) -> Array:
    """Without the blanks that fill it up."""
    text: Array = compute.ascii_rtrim(strings(spans), characters=" ")
    return text


def _json(spans: Spans, arrow: pa.DataType) -> Array:
    return json_of(strings(spans), arrow)


def _jsonb(spans: Spans, arrow: pa.DataType) -> Array:
    return json_of(strings(spans, skip=1), arrow)  # after the version of the format


def _inet(spans: Spans, arrow: pa.DataType) -> Array:
    """Addresses: family, bits of the netmask, whether it is a cidr, and the bytes of the address, which these count."""
    raw = np.zeros((len(spans), 20), np.uint8)
    raw[spans.valid] = spans.data[spans.starts[spans.valid][:, None] + np.arange(20)]
    return address_text(raw, spans.valid)


# ---- numeric ------------------------------------------------------------------------------------------------------------

_DIGITS = np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), np.uint8).reshape(-1, 4)
"""Each digit to the base 10000 as four decimal ones."""
_NEGATIVE, _SPECIAL = 0x4000, 0xC000


def _numeric(spans: Spans, arrow: Any) -> Array:
    """Decimals, of their digits to the base 10000 (numeric_send in src/backend/utils/adt/numeric.c).

    They are written as text of one width, with the places that the type has before and after the point.
    """
    count, weight, sign = (np.where(spans.valid, words(spans.data, spans.starts + at, ">i2"), 0) for at in (0, 2, 4))
    if ((sign & _SPECIAL) == _SPECIAL).any():
        raise Unreadable("NaN or infinity")
    before, after = -(-(arrow.precision - arrow.scale) // 4), -(-arrow.scale // 4)
    row = np.repeat(np.arange(len(spans)), count)
    place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    digits = words(spans.data, spans.starts[row] + 8 + 2 * place, ">u2")
    column = before - 1 - weight[row] + place
    stored = (column >= 0) & (column < before + after)
    if digits[~stored].any():
        raise Unreadable(
            f"a number with more digits than {arrow.precision - arrow.scale} before the point or {arrow.scale} after it"
        )
    grid = np.zeros((len(spans), before + after), np.uint16)
    grid[row[stored], column[stored]] = digits[stored]
    figures = _DIGITS[grid].reshape(len(spans), 4 * (before + after))
    width = 2 + 4 * before + arrow.scale
    if (figures[:, 4 * before + arrow.scale :] != ord("0")).any():
        raise Unreadable(f"a number with more than {arrow.scale} digits after the point")
    text = np.empty((len(spans), width), np.uint8)
    text[:, 0] = np.where(sign & _NEGATIVE, ord("-"), ord("0"))
    text[:, 1 : 1 + 4 * before] = figures[:, : 4 * before]
    text[:, 1 + 4 * before] = ord(".")
    text[:, 2 + 4 * before :] = figures[:, 4 * before : 4 * before + arrow.scale]
    ends = np.arange(len(spans) + 1, dtype=np.int32) * np.int32(width)
    written: Any = pa.Array.from_buffers(
        pa.string(), len(spans), [validity(spans.valid), buffer(ends), buffer(text.reshape(-1))]
    )
    decimals: Array = compute.cast(written, arrow)
    return decimals


DECODERS: Mapping[str, Decode] = {
    "text": _text,
    "varchar": _text,
    "char": _char,
    "citext": _text,
    "name": _text,
    "bytea": _binary,
    "json": _json,
    "jsonb": _jsonb,
    "inet": _inet,
    "cidr": _inet,
    "numeric": _numeric,
}
"""Canonical name of a type without a fixed width -> what its binary form means."""
