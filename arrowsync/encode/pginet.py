"""The kernel of PostgreSQL's inet, from IPv4 and IPv6 addresses as text, with or without a `/24` behind.

On the wire an address is its family, the bits of its network, a 0, its size and its bytes (network_send in
src/backend/utils/adt/network.c). All addresses of a batch are parsed at once, their groups of digits as one column. What
Python's `ipaddress` refuses is refused: missing groups, leading zeros in IPv4, an IPv6 zone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from arrowsync.catalog.types import SqlType
from arrowsync.encode.blocks import NULL, Bytes, Elements, Field, Integers, Mask, Values, fixed
from arrowsync.encode.columns import Kernel, Unencodable, bits_of, null_mask, refuse, strings_of, values_of

REASON = "not an IP address"
BITS = r"^(?P<address>[^/]+)/(?P<bits>0|[1-9][0-9]{0,2})$"
EMBEDDED = r"^(?P<groups>.*:)(?P<ipv4>[0-9.]+)$"
HEX = np.full(256, 0xFF, np.uint8)
"""The value of each hexadecimal digit, 0xFF for other characters."""
HEX[np.frombuffer(b"0123456789abcdef", np.uint8)] = range(16)
HEX[np.frombuffer(b"ABCDEF", np.uint8)] = range(10, 16)


def inet(source: pa.DataType, target: SqlType) -> Kernel:
    def encode(array: pa.Array[Any]) -> Field:
        nulls = null_mask(array)
        text, bits = _split_bits(array if nulls is None else pc.fill_null(array, "0.0.0.0"))
        v6 = _mask(pc.match_substring(text, ":"))
        size = np.where(v6, 16, 4)
        refuse(bits > 8 * size, "with more network bits than an address has")
        addresses = np.zeros((len(array), 16), np.uint8)
        _parse(_ipv4, text, ~v6, addresses)
        _parse(_ipv6, text, v6, addresses)
        head = (
            Values("u1", np.where(v6, 3, 2)),
            Values("u1", np.where(bits < 0, 8 * size, bits)),
            b"\x00",
            Values("u1", size),
        )
        if v6.all() or not v6.any():
            width = int(size[0])
            return fixed(4 + width, (*head, Values(f"V{width}", _void(addresses, width))), nulls)
        if nulls is not None:
            size[nulls] = 0
        tail = Elements(np.concatenate([[0], np.cumsum(size)]), addresses[np.arange(16) < size[:, None]])
        return Field(size + 4, head, tail, instead=() if nulls is None else ((nulls, NULL),))

    return encode


def _split_bits(text: pa.Array[Any]) -> tuple[pa.Array[Any], Integers]:
    """The addresses, and the network bits of each, -1 where it gives none."""
    split = pc.match_substring(text, "/")
    if not pc.any(split).as_py():
        return text, np.full(len(text), -1)
    parts = pc.extract_regex(text, BITS)
    refuse(_mask(split) & _mask(parts.is_null()), REASON)
    address = pc.if_else(split, pc.struct_field(parts, "address"), text)
    return address, values_of(pc.fill_null(pc.struct_field(parts, "bits"), "-1").cast(pa.int64()), np.int64)


def _parse(parse: Any, text: pa.Array[Any], mask: Mask, addresses: Bytes) -> None:
    """Fill in the addresses of the rows under the mask."""
    rows = np.flatnonzero(mask)
    if len(rows):
        try:
            parsed = parse(text if len(rows) == len(text) else text.take(pa.array(rows)))
        except Unencodable as refusal:
            raise Unencodable(rows[refusal.rows], refusal.reason) from None
        addresses[rows, : parsed.shape[1]] = parsed


def _ipv4(text: pa.Array[Any]) -> Bytes:
    """The bytes of dotted addresses, (n, 4)."""
    groups = _Groups.of(text, b".")
    refuse(groups.counts != 4, REASON)
    values, bad = groups.numbers(base=10, most=3)
    leading_zero = (groups.lengths > 1) & (groups.data[groups.starts] == ord("0"))
    bad |= (values > 255) | leading_zero | (groups.lengths == 0)
    refuse(bad.reshape(-1, 4).any(axis=1), REASON)
    return values.reshape(-1, 4).astype(np.uint8)
