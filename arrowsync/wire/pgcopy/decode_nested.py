"""Arrays and composites, to any depth, of the server's binary form of the whole value.

An array is its number of dimensions, a flag, the oid of its elements' type, size and lower bound of each dimension, and then
the elements, each with its length before it (array_send in src/backend/utils/adt/arrayfuncs.c); a composite is its number of
members, and then of each the oid of its type, its length and itself (record_send in rowtypes.c). A length of -1 is NULL. So a
decoder of elements or members gets the places where they stand, and nothing is copied before the innermost values are.

A list counts from its beginning, so an array whose lower bounds aren't 1 is refused: it would be another one when written back.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from arrowsync.catalog import SqlType
from arrowsync.wire.pgcopy.decode import (
    FIXED,
    Array,
    ColumnDecoder,
    Fixed,
    Mask,
    Unreadable,
    bytes_of,
    labelled,
    valid_of,
)
from arrowsync.wire.pgcopy.decode_binary import DECODERS, MARGIN, Decode, Integers, Spans, fixed_values, strings, words

ARRAY_DIGITS = ColumnDecoder("encode(array_send({column}), 'hex')")
COMPOSITE_DIGITS = ColumnDecoder("encode(record_send({column}), 'hex')")
STEPS = 64
"""Rows with at most so many elements are walked through in step; in longer ones, the places are found by doubling."""


def nested_form(live: SqlType) -> ColumnDecoder:
    """Return the decoder of an array or composite type."""
    return replace(
        ARRAY_DIGITS if live.element is not None else COMPOSITE_DIGITS,
        finish=partial(_of_digits, decode=decoder_of(live)),
    )


def text_list_form(live: SqlType) -> ColumnDecoder:
    """Return the decoder of an array type whose elements arrive as text."""
    texts = SqlType("array", element=SqlType("text"), dimensions=live.dimensions)
    return ColumnDecoder("encode(array_send({column}::text[]), 'hex')", nested_form(texts).finish)


def _of_digits(digits: Array, arrow: pa.DataType, *, decode: Decode) -> Array:
    bounds, data = bytes_of(digits)
    valid = valid_of(digits)
    starts = bounds.astype(np.int64)
    spans = Spans(
        data=np.concatenate([data, np.zeros(MARGIN, np.uint8)]),
        starts=starts[:-1],
        lengths=np.diff(starts),
        valid=np.ones(len(digits), np.bool_) if valid is None else valid,
    )
    return decode(spans, arrow)


def decoder_of(live: SqlType) -> Decode:
    """Return the decoder of the binary form of a type; KeyError for an unknown type."""
    if live.element is not None:
        return partial(_arrays, element=live.element, depth=live.dimensions)
    if live.members:
        return partial(_structs, decoders=tuple(decoder_of(member) for _, member in live.members))
    if live.labels:
        return partial(_enums, labels=live.labels)
    if live == SqlType("char"):  # of no fixed length: its blanks are part of the value
        return DECODERS["text"]
    fixed = FIXED.get(live.name)
    return DECODERS[live.name] if fixed is None else partial(_fixed, form=fixed)


def _fixed(spans: Spans, arrow: pa.DataType, *, form: Fixed) -> Array:
    return form.array(fixed_values(spans, form.layout), None if spans.valid.all() else spans.valid, arrow)


def _enums(spans: Spans, arrow: pa.DataType, *, labels: tuple[str, ...]) -> Array:
    return labelled(strings(spans), arrow, labels)


# ---- composites ---------------------------------------------------------------------------------------------------------


def _structs(spans: Spans, arrow: Any, *, decoders: tuple[Decode, ...]) -> Array:
    if (words(spans.data, spans.starts[spans.valid], ">i4") != len(decoders)).any():
        raise Unreadable("the composite type has got other members since it was discovered")
    at = np.where(spans.valid, spans.starts + 4, 0)
    members: list[Array] = []
    for decode, field in zip(decoders, arrow, strict=True):
        lengths = np.where(spans.valid, words(spans.data, at + 4, ">i4"), -1)
        member = Spans(spans.data, at + 8, lengths, lengths >= 0)
        members.append(decode(member, field.type))
        at = np.where(spans.valid, at + 8 + np.maximum(lengths, 0), 0)
    structs: Any = pa.StructArray
    mask = None if spans.valid.all() else pa.array(~spans.valid)
    built: Array = structs.from_arrays(members, fields=list(arrow), mask=mask)
    return built


# ---- arrays -------------------------------------------------------------------------------------------------------------


def _arrays(spans: Spans, arrow: Any, *, element: SqlType, depth: int) -> Array:
    dimensions = np.where(spans.valid, words(spans.data, spans.starts, ">i4"), 0)  # none, where it is empty
    other = (dimensions != 0) & (dimensions != depth)
    if other.any():
        raise Unreadable(f"an array of {dimensions[other][0]} dimensions, and its lists are nested {depth} deep")
    sizes = [
        np.where(dimensions > 0, words(spans.data, spans.starts + 12 + 8 * level, ">i4"), 0) for level in range(depth)
    ]
    for level in range(depth):
        lower = np.where(dimensions > 0, words(spans.data, spans.starts + 16 + 8 * level, ">i4"), 1)
        if (lower != 1).any():
            raise Unreadable(f"an array that begins at {lower[lower != 1][0]}, and a list begins at 1")
    counts = np.prod(sizes, axis=0)
    items = _items(spans, spans.starts + 12 + 8 * depth, counts, FIXED.get(element.name))
    kinds = [arrow]
    for _ in range(depth - 1):
        kinds.append(kinds[-1].value_type)
    values = decoder_of(element)(items, kinds[-1].value_type)
    lists: Any = pa.ListArray
    for level in reversed(range(depth)):
        lengths = np.repeat(sizes[level], np.prod([np.ones_like(counts), *sizes[:level]], axis=0))
        ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        mask = pa.array(~spans.valid) if level == 0 and not spans.valid.all() else None
        values = lists.from_arrays(pa.array(ends), values, type=kinds[level], mask=mask)
    return values


def _items(spans: Spans, first: Integers, counts: Integers, fixed: Fixed | None) -> Spans:
    """The spans of the elements of all rows, from the start of each row's first element."""
    row = np.repeat(np.arange(len(counts)), counts)
    position = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    if fixed is not None:
        size = 4 + fixed.layout.itemsize
        body = np.where(counts > 0, spans.starts + spans.lengths - first, 0)
        if (body == counts * size).all():  # none of them is NULL
            starts = first[row] + size * position + 4
            return Spans(spans.data, starts, np.full(len(row), size - 4), np.ones(len(row), np.bool_))
    if not len(row):
        return Spans(spans.data, row, row, np.ones(0, np.bool_))
    at = (_in_step if counts.max() <= STEPS else _by_doubling)(spans.data, first, counts, row, position)
    lengths = words(spans.data, at, ">i4")
    valid: Mask = lengths >= 0
    return Spans(spans.data, at + 4, lengths, valid)


def _in_step(data: Any, first: Integers, counts: Integers, row: Integers, position: Integers) -> Integers:
    """Find the start of each element: the first ones of all rows, then the second ones, and so on."""
    at = np.empty(len(row), np.int64)
    before = np.cumsum(counts) - counts
    rows, here = np.flatnonzero(counts > 0), first[counts > 0]
    for step in range(int(counts.max())):
        at[before[rows] + step] = here
        more = counts[rows] > step + 1
        rows, here = rows[more], here[more]
        here = here + 4 + np.maximum(words(data, here, ">i4"), 0)
    return at


def _by_doubling(data: Any, first: Integers, counts: Integers, row: Integers, position: Integers) -> Integers:
    """Find the start of each element by jumps of 1, 2, 4 ... elements, after the bits of its position.

    The next element is computed for all places at once, also for those at which no element begins.
    """
    last = len(data) - MARGIN
    length = np.zeros(last + 1, np.int64)
    for byte in range(4):
        length = length << 8 | data[byte : byte + last + 1]
    length = length.astype(np.int32).clip(0)
    jump = np.minimum(np.arange(last + 1) + 4 + length, last)
    at = first[row]
    for bit in range(int(counts.max()).bit_length()):
        moved = (position >> bit & 1).astype(np.bool_)
        at[moved] = jump[at[moved]]
        jump = jump[jump]
    return at
