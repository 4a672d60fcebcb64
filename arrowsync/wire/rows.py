"""Rows of bytes out of columns: the mechanism under every binary row format with length-prefixed fields.

A kernel turns a column into a `Field` (or a `Lookup`, where values repeat), which says what each row's bytes are without
writing them. `encode_rows` writes all fields of all rows:

    int32 length | head: parts of fixed width | int32 length | head | tail: bytes of any length | int32 length | head ...
    \\______________________ one block ___________________________/   \\_______ elements ______/   \\____ next block ____

    1. What has the same width in every row is collected into blocks, across columns. A block is a template row, copied
       `count` times, with every varying part put into it by one strided numpy assignment. It ends where a tail begins, so it
       holds the length prefix of that tail too.
    2. Parts that some rows lack (those of a NULL) stand in the block like the others; then one Arrow `filter` over its bytes
       drops them.
    3. Blocks and tails are lists of byte strings, one for each row. They are laid end to end, and one Arrow `take` picks from
       them row by row.

For TPC-H lineitem, 16 columns of which 3 are text of any length, `take` picks 6 strings a row: see
`benchmarks/encode_lineitem.py`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

# pyarrow-stubs has each compute function by the exact classes of its arguments, which are not known here.
compute: Any = pyarrow.compute

Integers = npt.NDArray[np.integer[Any]]
Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

U1, U2, U4, U8 = (np.dtype(f">u{width}") for width in (1, 2, 4, 8))
I2, I4, I8 = (np.dtype(f">i{width}") for width in (2, 4, 8))
F4, F8 = (np.dtype(f">f{width}") for width in (4, 8))

NARROW: tuple[np.dtype[Any], Any] = np.dtype(np.int32), pa.binary()
NARROW_LIMIT = 2**31
WIDE: tuple[np.dtype[Any], Any] = np.dtype(np.int64), pa.large_binary()


@cache
def raw(width: int) -> np.dtype[Any]:
    """The type of `width` bytes that are copied as they are."""
    return np.dtype((np.void, width))


class Values(NamedTuple):
    """A varying part: one value a row, written as the numpy type `wire`."""

    wire: np.dtype[Any]
    values: npt.NDArray[Any]


class Sometimes(NamedTuple):
    """Parts that only the rows under the mask have."""

    rows: Mask
    parts: tuple[bytes | Values, ...]


Part = bytes | Values | Sometimes
"""A part of a head; plain bytes are the same in every row."""


@dataclass(frozen=True, slots=True)
class Elements:
    """Byte strings laid end to end: number i is `data[offsets[i]:offsets[i + 1]]`, as in Arrow's binary layout."""

    offsets: Integers
    data: Bytes

    def __len__(self) -> int:
        return len(self.offsets) - 1


@dataclass(frozen=True, slots=True)
class Field:
    """A column's bytes: per row an int32 length, then the `head`, then the row's element of `tail`.

    `length` is what the prefix says, for all rows or for each; -1 is NULL.
    """

    length: int | Integers
    head: tuple[Part, ...] = ()
    tail: Elements | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """A column's bytes where values repeat: row i is element `pick[i]` of `fields`, a whole field with its prefix."""

    fields: Elements
    pick: Integers


def fixed(present: Mask | None, *parts: bytes | Values) -> Field:
    """The field of a column whose values all have the same width, but for those that are not present: NULL."""
    width = sum([len(part) if isinstance(part, bytes) else part.wire.itemsize for part in parts])
    if present is None:
        return Field(width, parts)
    return Field(length_or_null(np.int32(width), present), sometimes(present, *parts))


def length_or_null(length: Integers | np.int32, present: Mask) -> Integers:
    """Length prefixes: `length` where the value is present, else -1. (`np.where` takes twice as long.)"""
    lengths: Integers = (length + 1) * present - 1
    return lengths


def sometimes(rows: Mask, *parts: bytes | Values) -> tuple[Part, ...]:
    """The parts, in the rows under the mask."""
    return parts if rows.all() else (Sometimes(rows, parts),) if rows.any() else ()


def encode_rows(fields: Iterable[bytes | Field | Lookup], count: int) -> Elements:
    """`count` rows as byte strings: each joins the bytes of its fields, in order; plain bytes are the same in every row."""
    pieces: list[tuple[Elements, Integers | None]] = []
    run: list[Part] = []

    def end_run() -> None:
        if run:
            pieces.append((_write_block(run, count), None))
            run.clear()

    for field in fields:
        if isinstance(field, bytes):
            run.append(field)
            continue
        if isinstance(field, Lookup):
            end_run()
            pieces.append((field.fields, field.pick))
            continue
        run.append(struct.pack(">i", field.length) if isinstance(field.length, int) else Values(I4, field.length))
        run += field.head
        if field.tail is not None:
            end_run()
            pieces.append((field.tail, None))
    end_run()
    if len(pieces) == 1 and pieces[0][1] is None:
        return pieces[0][0]
    return _interleave(pieces, count)


def payloads(field: Field, count: int) -> Elements:
    """The bytes of the field in `count` rows, without its length prefix; empty for NULL."""
    pieces: list[tuple[Elements, Integers | None]] = []
    if field.head or field.tail is None:
        pieces.append((_write_block(field.head, count), None))
    if field.tail is not None:
        pieces.append((field.tail, None))
    return pieces[0][0] if len(pieces) == 1 else _interleave(pieces, count)


def _write_block(parts: Iterable[Part], count: int) -> Elements:
    """One byte string a row, made of the parts in order."""
    template = bytearray()
    varying: list[tuple[int, Values]] = []
    gaps: list[tuple[int, int, Mask]] = []
    for part in parts:
        first = len(template)
        for inner in part.parts if isinstance(part, Sometimes) else (part,):
            if isinstance(inner, Values):
                varying.append((len(template), inner))
                template += bytes(inner.wire.itemsize)
            else:
                template += inner
        if isinstance(part, Sometimes):
            gaps.append((first, len(template) - first, part.rows))

    if gaps:  # _without_gaps counts bits of 8 bytes at a time
        gaps.append((len(template), -len(template) % 8, np.zeros(count, np.bool_)))
        template += bytes(-len(template) % 8)
    width = len(template)
    if not width:
        return Elements(np.zeros(count + 1, np.int64), np.zeros(0, np.uint8))
    row = raw(width)
    data = allocate(width * count, np.dtype(np.uint8))
    data.view(row)[:] = np.frombuffer(template, row)
    for position, (wire, values) in varying:
        np.ndarray(count, wire, data, position, (width,))[:] = values
    if gaps:
        return _without_gaps(data, width, gaps)
    return Elements(np.arange(count + 1) * width, data)


def _without_gaps(data: Bytes, width: int, gaps: Sequence[tuple[int, int, Mask]]) -> Elements:
    """Rows of `width` bytes without the gaps (position, width, mask), but in the rows under the mask.

    Arrow's `filter` copies runs of bytes: 1 MB with 11 columns, a tenth of their values NULL, in 0.08 ms, where numpy's
    boolean index takes 0.55 ms and a `take` of as many pieces 0.8 ms (2026-11-21). It wants a bit for each byte: `keep`
    has them 8 at a time, as a column for each 8 bytes of the row. What a row lacks is added up in bytes where they hold it: in
    int64 each gap takes six times as long, and encoding lineitem with a tenth of it NULL 7 % more CPU (2026-11-21).
    """
    count = len(data) // width
    sums = np.dtype(np.uint8 if width < 256 else np.int64)
    missing = np.zeros(count, sums)
    keep = np.full((width // 8, count), 0xFF, np.uint8)
    for first, gap, rows in gaps:
        lacking = rows.view(np.uint8) - np.uint8(1)  # all bits set where the row lacks it
        missing += (lacking if sums == np.uint8 else lacking.view(np.int8)) & sums.type(gap)
        bits = np.zeros(width, np.bool_)
        bits[first : first + gap] = True
        packed = np.packbits(bits, bitorder="little")
        for column in np.flatnonzero(packed):
            keep[column] &= ~(lacking & packed[column])
    by_row = allocate(keep.size, np.dtype(np.uint8))
    by_row.reshape(count, width // 8)[:] = keep.T
    kept: Any = pa.Array.from_buffers(pa.bool_(), len(data), [None, arrow_buffer(by_row)])
    every: Any = pa.Array.from_buffers(pa.uint8(), len(data), [None, arrow_buffer(data)])
    ends = np.zeros(count + 1, np.int64)
    np.cumsum(width - missing.astype(np.int64), out=ends[1:])
    return Elements(ends, np.frombuffer(every.filter(kept).buffers()[1], np.uint8))


def _interleave(pieces: Sequence[tuple[Elements, Integers | None]], count: int) -> Elements:
    """One byte string a row: from each piece the row's own element, or the one that it picks, in order.

    Arrow's `take` copies 6 strings a row for 8,000 rows in 0.31 ms; `binary_join_element_wise` needs 0.44 ms for the same
    (2026-11-21). Positions of 32 bits, where they suffice, save a tenth of it.
    """
    total = sum(len(elements) for elements, _ in pieces)
    sizes = [int(elements.offsets[-1] - elements.offsets[0]) for elements, _ in pieces]
    most = sum(
        size if pick is None else count * int(np.diff(elements.offsets).max())
        for size, (elements, pick) in zip(sizes, pieces, strict=True)
    )
    integer, layout = NARROW if max(total, most, count * len(pieces)) < NARROW_LIMIT else WIDE

    data = allocate(sum(sizes), np.dtype(np.uint8))
    offsets = allocate(total + 1, integer)
    index = allocate(count * len(pieces), integer).reshape(count, len(pieces))
    first = position = 0
    for column, (size, (elements, pick)) in enumerate(zip(sizes, pieces, strict=True)):
        begin = int(elements.offsets[0])
        data[position : position + size] = elements.data[begin : begin + size]
        offsets[first : first + len(elements)] = elements.offsets[:-1] + (position - begin)
        index[:, column] = np.arange(first, first + count) if pick is None else pick + first
        first += len(elements)
        position += size
    offsets[-1] = position

    strings: Any = pa.Array.from_buffers(layout, total, [None, arrow_buffer(offsets), arrow_buffer(data)])
    taken: Any = compute.take(strings, pa.array(index.ravel()), boundscheck=False)
    _, ends, joined = taken.buffers()
    rows: Integers = np.frombuffer(ends, integer, index.size + 1)[:: len(pieces)]
    return Elements(rows, np.frombuffer(joined, np.uint8))


def allocate(count: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """An array to be written to, in memory that Arrow's allocator keeps for the next batch."""
    memory: Any = pa.allocate_buffer(count * dtype.itemsize)
    array: npt.NDArray[Any] = np.frombuffer(memory, dtype)
    return array


def arrow_buffer(values: Any) -> pa.Buffer:
    """The memory of a contiguous numpy array, not copied."""
    return pa.py_buffer(values)
