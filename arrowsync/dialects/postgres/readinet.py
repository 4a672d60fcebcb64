"""IP addresses as the server prints them, of its binary form.

An address of IPv4 is printed as four numbers; one of IPv6 as eight groups of hexadecimal digits, the longest run of two or
more zero groups left out, and the last two as IPv4 where all before are zero, or all but a last `ffff` (inet_net_ntop.c). The
netmask follows for a cidr, and where it isn't the whole address.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arrowsync.dialects.postgres.readforms import Array, Mask, bits, buffer

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
