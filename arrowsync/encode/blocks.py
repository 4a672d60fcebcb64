"""Rows of bytes out of columns: the mechanism under every binary row format with length-prefixed fields.

A kernel turns a column into a `Field` (or a `Lookup`, where values repeat), which says what each row's bytes are without
writing them. `encode_rows` writes all fields of all rows:

    Field        int32 length | head: parts of fixed width | tail: bytes of any length
                 \\______ neighbouring ones become one Block ______/   \\_ one Elements _/

    1. What has the same width in every row is collected into blocks, across columns: a block starts as a template row, copied
       `count` times, and each varying part is one strided numpy assignment into it. A block ends where a tail begins, so it
       holds the length prefix of that tail too.
    2. Blocks and tails are lists of byte strings, one string per row. They are laid end to end, and a single Arrow `take`
       picks row by row from all of them: that is the only place where bytes of varying length are copied.
    3. NULL (and whatever else is shorter than its template) is picked from a few constants instead.

TPC-H lineitem, 16 columns in batches of 8,000 rows, needs 6 picks a row: see `benchmarks/encode_lineitem.py`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Integers = npt.NDArray[np.integer[Any]]
Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

NULL = b"\xff\xff\xff\xff"
"""The whole field of a NULL: length -1, and no byte."""


class Values(NamedTuple):
    """A varying part of a head: one value a row, written as the numpy type `wire` (big-endian, or `V7` for 7 raw bytes)."""

    wire: str
    values: npt.NDArray[Any]


Part = bytes | Values
"""What stands in a head: constant bytes, the same in every row, or `Values`."""


@dataclass(frozen=True, slots=True)
class Elements:
    """Byte strings laid end to end: number i is `data[offsets[i]:offsets[i + 1]]`, as in Arrow's binary layout."""

    offsets: Integers
    data: Bytes

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def size(self) -> int:
        return int(self.offsets[-1] - self.offsets[0])

    @property
    def starts(self) -> Integers:
        return self.offsets[:-1] - self.offsets[0]

    def write(self, out: Bytes) -> None:
        out[:] = self.data[self.offsets[0] : self.offsets[-1]]


@dataclass(frozen=True, slots=True)
class Block:
    """`count` byte strings of one width, each made of the same parts: `Elements` that are not written yet."""

    parts: Sequence[Part]
    count: int

    def __len__(self) -> int:
        return self.count

    @property
    def width(self) -> int:
        return sum(_width(part) for part in self.parts)

    @property
    def size(self) -> int:
        return self.width * self.count

    @property
    def starts(self) -> Integers:
        return np.arange(0, self.size, self.width) if self.width else np.zeros(self.count, np.int64)

    def write(self, out: Bytes) -> None:
        width = self.width
        if width == 0:
            return
        template = b"".join(part if isinstance(part, bytes) else bytes(_width(part)) for part in self.parts)
        row = f"V{width}"
        out.view(row)[:] = np.frombuffer(template, row)
        position = 0
        for part in self.parts:
            if isinstance(part, Values):
                np.ndarray(self.count, part.wire, out, position, (width,))[:] = part.values  # type: ignore[call-overload]
            position += _width(part)


@dataclass(frozen=True, slots=True)
class Field:
    """A column's bytes: per row an int32 length, then the `head`, then the row's element of `tail`.

    `length` is what the prefix says, for all rows or for each; -1 is NULL. `tail` holds one element a row, empty where the row
    has none. `instead` replaces prefix and head of the rows under a mask by constant bytes: `(nulls, NULL)`.
    """

    length: int | Integers
    head: tuple[Part, ...] = ()
    tail: Elements | None = None
    instead: tuple[tuple[Mask, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Lookup:
    """A column's bytes where values repeat: row i is `fields[pick[i]]`, a whole field with its prefix; -1 is NULL."""

    fields: Elements
    pick: Integers


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of every row: element i of `elements`, or number `pick[i]`; under a mask of `instead`, constant bytes."""

    elements: Elements | Block
    pick: Integers | None = None
    instead: tuple[tuple[Mask, bytes], ...] = ()


def fixed(width: int, head: Iterable[Part], nulls: Mask | None) -> Field:
    """The field of a column whose values are all `width` bytes, but for those that are NULL."""
    if nulls is None:
        return Field(width, tuple(head))
    if nulls.all():
        return Field(-1)
    return Field(width, tuple(head), instead=((nulls, NULL),))


def encode_rows(fields: Iterable[Field | Lookup], count: int, *, start: bytes = b"") -> Elements:
    """`count` rows as byte strings: each is `start`, then what the fields say of it, in order."""
    pieces: list[_Piece] = []
    run: list[Part] = [start]

    def end_run() -> None:
        if run:
            pieces.append(_Piece(Block(tuple(run), count)))
            run.clear()

    for field in fields:
        if isinstance(field, Lookup):
            end_run()
            nulls = field.pick < 0
            pieces.append(_Piece(field.fields, field.pick, ((nulls, NULL),) if nulls.any() else ()))
            continue
        length = field.length
        prefix = struct.pack(">i", length) if isinstance(length, int) else Values(">i4", length)
        if field.instead:
            end_run()
            pieces.append(_Piece(Block((prefix, *field.head), count), instead=field.instead))
        else:
            run += (prefix, *field.head)
        if field.tail is not None:
            end_run()
            pieces.append(_Piece(field.tail))
    end_run()
    return _interleave(pieces, count)


def _interleave(pieces: Sequence[_Piece], count: int) -> Elements:
    """One byte string a row: its element of each piece, in order."""
    constants = [value for piece in pieces for _, value in piece.instead]
    sources = [piece.elements for piece in pieces]
    if constants:
        sources.append(_constants(constants))
    size = sum(source.size for source in sources)
    data = np.empty(size, np.uint8)
    offsets = np.empty(sum(map(len, sources)) + 1, np.int64)
    offsets[-1] = size
    firsts: list[int] = []
    first = position = 0
    for source in sources:
        source.write(data[position : position + source.size])
        np.add(source.starts, position, out=offsets[first : first + len(source)])
        firsts.append(first)
        first += len(source)
        position += source.size
    if len(pieces) == 1 and pieces[0].pick is None and not constants:
        return Elements(offsets, data)

    index = np.empty((count, len(pieces)), np.int64)
    rows = np.arange(count)
    replaced = firsts[-1]
    for column, (piece, start) in enumerate(zip(pieces, firsts, strict=False)):
        np.add(rows if piece.pick is None else piece.pick, start, out=index[:, column])
        for mask, _ in piece.instead:
            index[mask, column] = replaced
            replaced += 1
    return _take(offsets, data, index)


def _constants(values: Sequence[bytes]) -> Elements:
    return Elements(np.cumsum([0, *map(len, values)]), np.frombuffer(b"".join(values), np.uint8))


def _take(offsets: Integers, data: Bytes, index: Integers) -> Elements:
    """The elements that each row of `index` names, joined.

    Arrow's `take` of large_binary copies 6 strings a row for 8,000 rows in 0.31 ms; `binary_join_element_wise` needs 0.44 ms
    for the same (2026-11-21).
    """
    count, width = index.shape
    strings = pa.Array.from_buffers(
        pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    taken = strings.take(pa.array(index.ravel()))
    _, positions, joined = taken.buffers()
    ends = np.frombuffer(positions, np.int64, count * width + 1)
    return Elements(ends[::width], np.frombuffer(joined, np.uint8))


def _width(part: Part) -> int:
    return len(part) if isinstance(part, bytes) else np.dtype(part.wire).itemsize
