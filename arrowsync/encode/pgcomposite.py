"""The kernel of PostgreSQL's composite types, from Arrow structs.

On the wire a composite is its number of members and then, for each in the type's order, the oid of its type and a field
(record_send in src/backend/utils/adt/rowtypes.c). What is inside is encoded as a table of its own, with a row for each struct
that is not NULL; that row is the tail of the struct's field. So structs nest, and a NULL struct is not one of NULLs.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from arrowsync.encode.blocks import Elements, Field, Integers, Lookup, Mask, encode_rows, length_or_null
from arrowsync.encode.columns import Kernel, Unencodable, pick, present_mask


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the type: its name, the oid of its type, which of the Arrow struct's fields it is (None: it has none)."""

    name: str
    oid: int
    index: int | None
    kernel: Kernel


def composite_of(members: Sequence[Member]) -> Kernel:
    """Structs as composites that have these members."""
    start = struct.pack(">i", len(members))
    oids = [struct.pack(">I", member.oid) for member in members]

    def encode(array: Any) -> Field:
        present = present_mask(array)
        rows = None if present is None else np.flatnonzero(present)
        count = len(array) if rows is None else len(rows)
        if count == 0:
            return Field(-1)
        parts: list[bytes | Field | Lookup] = [start]
        for oid, member in zip(oids, members, strict=True):
            parts += [oid, _member(array, member, rows)]
        inside = encode_rows(parts, count)
        return _field(inside, present)

    return encode


def _member(array: Any, member: Member, rows: Integers | None) -> Field | Lookup:
    """The field of a member, of the structs at `rows`: what stands under a NULL struct is arbitrary, and not looked at."""
    if member.index is None:
        return Field(-1)
    values = array.field(member.index)
    try:
        return member.kernel(values if rows is None else pick(values, pa.array(rows)))
    except Unencodable as refusal:
        reason = refusal.reason.removeprefix("contains ")
        verb = "is" if reason == refusal.reason else "contains"
        at = refusal.rows if rows is None else rows[refusal.rows]
        raise Unencodable(at, f"contains a member {member.name!r} that {verb} {reason}") from None


def _field(inside: Elements, present: Mask | None) -> Field:
    """The field of structs that have these bytes, one for each that is present."""
    lengths = np.diff(inside.offsets)
    if present is None:
        return Field(lengths, (), inside)
    ends = inside.offsets[np.concatenate([[0], np.cumsum(present)])]
    return Field(length_or_null(np.diff(ends), present), (), Elements(ends, inside.data))
