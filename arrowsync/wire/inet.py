"""The kernel of PostgreSQL's inet and cidr, from IPv4 and IPv6 addresses as text, with or without a `/24` behind.

On the wire an address is its family, the bits of its network, a 0, its size and its bytes (network_send in
src/backend/utils/adt/network.c). All addresses of a batch are parsed at once, their groups of digits as one column. What
Python's `ipaddress` refuses is refused: missing groups, leading zeros in IPv4, an IPv6 zone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arrowsync.catalog.objects import SqlType
from arrowsync.wire.arrays import Column, Kernel, Unencodable, bits_of, refuse, strings_of, values_of
from arrowsync.wire.rows import U1, Bytes, Field, Integers, Mask, Values, compute, length_or_null, raw, sometimes

REASON = "not an IP address"
BITS = r"^(?P<address>[^/]+)/(?P<bits>0|[1-9][0-9]{0,2})$"
EMBEDDED = r"^(?P<groups>.*:)(?P<ipv4>[0-9.]+)$"
AT_ONCE = 1_000
END = "\0"
HEX = np.full(256, 0xFF, np.uint8)
"""The value of each hexadecimal digit, 0xFF for other characters."""
HEX[np.frombuffer(b"0123456789abcdef", np.uint8)] = range(16)
HEX[np.frombuffer(b"ABCDEF", np.uint8)] = range(10, 16)


def inet(source: pa.DataType, target: SqlType) -> Kernel:
    """A string as inet, or as cidr: an address with the bits of its network, all of them where it gives none."""
    is_cidr = target.name == "cidr"

    def encode(array: Column) -> Field:
        text, bits = _split_bits(compute.fill_null(array, "0.0.0.0"))
        present = bits_of(array.is_valid())
        addresses, v6 = parse_addresses(text)
        size = np.where(v6, 16, 4)
        bits = np.where(bits < 0, 8 * size, bits)
        refuse(bits > 8 * size, None, "not an IP address, its network has too many bits")
        if is_cidr:
            host_bits = np.unpackbits(addresses, axis=1).view(np.bool_) & (np.arange(128) >= bits[:, None])
            refuse(
                np.logical_or.reduce(host_bits, axis=1), None, "not a network, it has bits set to the right of the mask"
            )
        first, rest = (
            np.ascontiguousarray(part).view(raw(part.shape[1]))[:, 0] for part in np.split(addresses, [4], axis=1)
        )
        head = (
            Values(U1, np.where(v6, 3, 2)),
            Values(U1, bits),
            bytes([is_cidr]),
            Values(U1, size),
            Values(raw(4), first),
        )
        return Field(
            length_or_null(4 + size, present),
            (*sometimes(present, *head), *sometimes(present & v6, Values(raw(12), rest))),
        )

    return encode


def parse_addresses(text: Column) -> tuple[Bytes, Mask]:
    """The bytes of addresses, (n, 16), of which one of IPv4 has the first four; and which are of IPv6."""
    v6 = _contains(text, ":")
    addresses = np.zeros((len(text), 16), np.uint8)
    _parse(_ipv4, text, ~v6, addresses)
    _parse(_ipv6, text, v6, addresses)
    return addresses, v6


def _split_bits(text: Column) -> tuple[Column, Integers]:
    """The addresses, and the network bits of each, -1 where it gives none."""
    split = _contains(text, "/")
    if not split.any():
        return text, np.full(len(text), -1)
    parts = compute.extract_regex(text, BITS)
    refuse(split & bits_of(parts.is_null()), None, REASON)
    address = compute.if_else(pa.array(split), compute.struct_field(parts, "address"), text)
    return address, values_of(compute.fill_null(compute.struct_field(parts, "bits"), "-1").cast(pa.int64()), np.int64)


def _parse(parse: Callable[[Column], Bytes], text: Column, mask: Mask, addresses: Bytes) -> None:
    """Fill in the addresses of the rows under the mask, a few at a time so that intermediate arrays stay in the cache."""
    every = np.flatnonzero(mask)
    for first in range(0, len(every), AT_ONCE):
        rows = every[first : first + AT_ONCE]
        some = text.slice(first, AT_ONCE) if len(every) == len(text) else compute.take(text, pa.array(rows))
        try:
            parsed = parse(some)
        except Unencodable as refusal:
            raise Unencodable(rows[refusal.rows], refusal.reason) from None
        addresses[rows, : parsed.shape[1]] = parsed


def _ipv4(text: Column) -> Bytes:
    """The bytes of dotted addresses, (n, 4)."""
    groups = _split(text, ".")
    refuse(groups.counts != 4, None, REASON)
    values, bad = _numbers(groups, base=10, most=3)
    leading_zero = (groups.lengths > 1) & (groups.text[groups.starts] == ord("0"))
    bad |= (values > 255) | (groups.lengths == 0) | leading_zero
    refuse(bad[0::4] | bad[1::4] | bad[2::4] | bad[3::4], None, REASON)
    return values.reshape(-1, 4).astype(np.uint8)


def _ipv6(text: Column) -> Bytes:
    """The bytes of addresses in groups of four hexadecimal digits, (n, 16); the last two may be an IPv4 address."""
    embedded = _contains(text, ".")
    if embedded.any():
        parts = compute.extract_regex(text, EMBEDDED)
        ipv4 = np.zeros((len(text), 4), np.uint8)
        refuse(embedded & bits_of(parts.is_null()), None, REASON)
        _parse(_ipv4, compute.struct_field(parts, "ipv4"), embedded, ipv4)
        replaced = _append(compute.struct_field(parts, "groups"), "0:0")
        addresses = _ipv6(compute.if_else(pa.array(embedded), replaced, text))
        addresses[embedded, 12:] = ipv4[embedded]
        return addresses

    groups = _split(text, ":")
    values, bad = _numbers(groups, base=16, most=4)
    first = np.cumsum(groups.counts) - groups.counts
    last = first + groups.counts - 1
    row = np.repeat(np.arange(len(text)), groups.counts)
    index = np.arange(len(row))

    # `::` is an empty group between two others; at an end it leaves a second empty group, outside.
    empty = groups.lengths == 0
    gap = empty & (index > first[row]) & (index < last[row])
    gaps = np.add.reduceat(gap, first, dtype=np.int64)
    filled = np.add.reduceat(~empty, first, dtype=np.int64)
    wrong: Mask = np.where(gaps == 0, filled != 8, (gaps > 1) | (filled > 7)) | np.logical_or.reduceat(bad, first)
    wrong |= empty[first] & ~gap[np.minimum(first + 1, last)]
    wrong |= empty[last] & ~gap[np.maximum(last - 1, first)]
    refuse(wrong, None, REASON)

    # Groups before the gap keep their place, those behind it end at the eighth.
    behind = np.cumsum(gap) - (np.cumsum(gaps) - gaps)[row] > 0
    ordinal = np.cumsum(~empty) - (np.cumsum(filled) - filled)[row] - 1
    place = np.where(behind, ordinal + 8 - filled[row], ordinal)
    result = np.zeros((len(text), 8), np.dtype(">u2"))
    result[row[~empty], place[~empty]] = values[~empty]
    return result.view(np.uint8)


@dataclass(frozen=True, slots=True)
class _Groups:
    """Text split at a separator: of each row the number of groups, of each group where it starts in `text`, and its length."""

    text: Bytes
    counts: Integers
    starts: Integers
    lengths: Integers


def _split(text: Column, separator: str) -> _Groups:
    closed = strings_of(_append(text, END)).elements  # so that every group has an end
    data = closed.data[closed.offsets[0] : closed.offsets[-1]]
    ends = np.flatnonzero((data == ord(separator)) | (data == ord(END)))
    last = np.flatnonzero(data[ends] == ord(END))
    if len(last) != len(text):
        refuse(_contains(text, END), None, REASON)
    starts = np.concatenate([[0], ends[:-1] + 1])
    return _Groups(data, np.diff(last, prepend=-1), starts, ends - starts)


def _numbers(groups: _Groups, *, base: int, most: int) -> tuple[npt.NDArray[np.int32], Mask]:
    """The value of each group, and which are no number of at most so many digits."""
    values = np.zeros(len(groups.starts), np.int32)
    bad = groups.lengths > most
    for position in range(most):
        within = groups.lengths > position
        digit = HEX[groups.text.take(groups.starts + position, mode="clip")]
        values = np.where(within, values * base + digit, values)
        bad |= within & (digit >= base)
    return values, bad


def _append(text: Column, suffix: str) -> Column:
    joined: Column = compute.binary_join_element_wise(text, pa.scalar(suffix, text.type), pa.scalar("", text.type))
    return joined


def _contains(text: Column, character: str) -> Mask:
    """A mask of the rows with the character in them; fast if no row has it."""
    strings = strings_of(text).elements
    if not (strings.data[strings.offsets[0] : strings.offsets[-1]] == ord(character)).any():
        return np.zeros(len(text), np.bool_)
    return bits_of(compute.match_substring(text, character))
