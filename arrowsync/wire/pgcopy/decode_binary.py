"""Values in the server's binary form, wherever they stand among other bytes, as Arrow arrays; IP addresses as the server
prints them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arrowsync.wire.pgcopy.decode import Array, Mask, Numbers, Unreadable, bits, buffer, compute, json_of

_Bytes = npt.NDArray[np.uint8]
_Grid = tuple[_Bytes, Mask]
"""Characters, some columns for each address, and which of them are printed."""

_IPV4 = 2
_DECIMAL = np.frombuffer(b"".join(b"%03d" % number for number in range(256)), np.uint8).reshape(-1, 3)
_WRITTEN = np.array([[number >= 100, number >= 10, True] for number in range(256)])
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)


def address_text(raw: _Bytes, valid: Mask) -> Array:
    """The addresses as text; each of `raw` is a family, bits, whether it is a cidr, a size, and 4 or 16 bytes."""
    family, netmask, is_cidr, address = raw[:, 0], raw[:, 1], raw[:, 2] != 0, raw[:, 4:]
    is_v4 = family == _IPV4
    start, length = _longest_zeros(address)
    ffff = (address[:, 10] == 0xFF) & (address[:, 11] == 0xFF)
    embeds = ~is_v4 & (start == 0) & ((length == 6) | (length == 5) & ffff)
    quad = np.where(is_v4[:, None], address[:, :4], address[:, 12:])
    masked = is_cidr | (netmask != np.where(is_v4, 32, 128))
    parts = [*_groups(address, ~is_v4, embeds, start, length), *_numbers(quad, is_v4 | embeds)]
    parts += [_sign("/", masked), (_DECIMAL[netmask], _WRITTEN[netmask] & masked[:, None])]
    characters = np.concatenate([part for part, _ in parts], axis=1)
    printed = np.concatenate([part for _, part in parts], axis=1) & valid[:, None]
    ends = np.zeros(len(raw) + 1, np.int32)
    np.cumsum(printed.sum(axis=1), out=ends[1:])
    validity = None if valid.all() else bits(valid)
    return pa.Array.from_buffers(pa.string(), len(raw), [validity, buffer(ends), buffer(characters[printed])])


def _longest_zeros(address: _Bytes) -> tuple[Any, Any]:
    """The first of the longest runs of zero groups: where it starts, -1 where none has two groups, and how many it has."""
    zero = (address[:, 0::2] == 0) & (address[:, 1::2] == 0)
    runs = np.zeros((len(address), 9), np.int64)
    for group in reversed(range(8)):
        runs[:, group] = np.where(zero[:, group], runs[:, group + 1] + 1, 0)
    start = runs.argmax(axis=1)
    length = runs.max(axis=1)
    return np.where(length > 1, start, -1), np.where(length > 1, length, 0)


def _groups(address: _Bytes, asked: Mask, embeds: Mask, start: Any, length: Any) -> list[_Grid]:
    """The groups of hexadecimal digits, with the colons before them."""
    parts: list[_Grid] = []
    for group in range(8):
        left_out = (start >= 0) & (group >= start) & (group < start + length)
        high, low = address[:, 2 * group], address[:, 2 * group + 1]
        digits = np.stack([high >> 4, high & 15, low >> 4, low & 15], axis=1)
        significant = np.logical_or.accumulate(digits != 0, axis=1)
        significant[:, 3] = True
        shown = asked & ~left_out & ~(embeds & (group > 5))
        colon = asked & ((left_out & (start == group)) | (~left_out & (group > 0) & ~(embeds & (group > 6))))
        parts += [_sign(":", colon), (_HEX[digits], significant & shown[:, None])]
    return [*parts, _sign(":", asked & (start >= 0) & (start + length == 8))]


def _numbers(quad: _Bytes, shown: Mask) -> list[_Grid]:
    """The four numbers of an address of IPv4."""
    parts: list[_Grid] = []
    for place in range(4):
        if place:
            parts.append(_sign(".", shown))
        parts.append((_DECIMAL[quad[:, place]], _WRITTEN[quad[:, place]] & shown[:, None]))
    return parts


def _sign(character: str, shown: Mask) -> _Grid:
    return np.full((len(shown), 1), ord(character), np.uint8), shown[:, None]


Integers: TypeAlias = "npt.NDArray[np.int64]"


@dataclass(frozen=True, slots=True)
class Spans:
    """The spans of values in `data`: start and number of bytes; NULL where `valid` is False.

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
"""Bytes after the end of a value that may be read, used or not."""


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
"""Canonical name of a type without a fixed width -> the decoder of its binary form."""
