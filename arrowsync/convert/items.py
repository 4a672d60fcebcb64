r"""Text of lists and objects, taken apart: where each item stands, and the text that a quoted string means.

Two notations: JSON, and the arrays of PostgreSQL (`{1,"a b",NULL}`). Whether text is well-formed was asked before (by
`jsontext`, or with `PG_ARRAY`), so the bytes of a whole column can be looked at as one: quotes come in pairs and brackets are
balanced in each value, hence in all of them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import pyarrow as pa

from arrowsync.convert.arrays import Column, Mask, Numbers, buffer_of, compute, take, text_bytes, text_offsets

Notation: TypeAlias = Literal["json", "postgres"]

_OPEN, _CLOSE, _COMMA, _COLON = 1, 2, 3, 4
_QUOTE, _BACKSLASH = ord('"'), ord("\\")


def _table(characters: Mapping[str, int]) -> Numbers:
    table = np.zeros(256, np.uint8)
    for character, kind in characters.items():
        table[ord(character)] = kind
    return table


_STRUCTURE: Mapping[Notation, Numbers] = {
    "json": _table({"[": _OPEN, "{": _OPEN, "]": _CLOSE, "}": _CLOSE, ",": _COMMA, ":": _COLON}),
    "postgres": _table({"{": _OPEN, "}": _CLOSE, ",": _COMMA}),
}
_BLANKS = _table(dict.fromkeys(" \t\n\r\v\f", 1)).astype(np.bool_)
_MEANINGS = np.arange(256, dtype=np.uint8)
_MEANINGS[[ord(letter) for letter in "bfnrt"]] = list(b"\b\f\n\r\t")
_HEX = _table({letter: int(letter, 16) for letter in "0123456789abcdefABCDEF"}).astype(np.uint32)


def _pg_array(levels: int) -> str:
    scalar = r'"(?:[^"\\]|\\.)*"|[^"{},\\\s]+'
    element, array = scalar, ""
    for _ in range(levels):
        array = rf"\{{(?:(?:{element})(?:,(?:{element}))*)?\}}"
        element = f"{scalar}|{array}"
    return f"(?s)^{array}$"


PG_ARRAY = _pg_array(3)
"""What PostgreSQL prints for an array of up to three dimensions."""


@dataclass(frozen=True, slots=True)
class Items:
    """The items of lists or objects, in order: which of the values each is in, its text, and in an object its quoted key.

    Around the text there are the blanks that JSON has there.
    """

    rows: Numbers
    texts: Column
    keys: Column | None = None


def items_of(values: Column, notation: Notation, *, keyed: bool = False) -> Items:
    """The items of values of one notation, none of them NULL, all lists or (`keyed`) all objects."""
    data = text_bytes(values)
    solid = np.concatenate([[0], np.cumsum(~_BLANKS[data])])
    kinds = _STRUCTURE[notation][data]
    places = np.flatnonzero((kinds != 0) & ~_inside_strings(data))
    kinds = kinds[places]
    depth = np.cumsum((kinds == _OPEN).astype(np.int32) - (kinds == _CLOSE))
    edges = ((kinds == _OPEN) | (kinds == _COMMA)) & (depth == 1) | (kinds == _CLOSE) & (depth == 0)
    bounds, sorts = places[edges], kinds[edges]
    # An item is what stands between two neighbouring bounds, the first of which isn't an end; "[]" has none.
    starts, ends = bounds[:-1] + 1, bounds[1:]
    held = (sorts[:-1] != _CLOSE) & ~((sorts[:-1] == _OPEN) & (sorts[1:] == _CLOSE) & (solid[starts] == solid[ends]))
    rows = (np.cumsum(sorts == _OPEN) - 1)[:-1][held]
    starts, ends = starts[held], ends[held]
    if not keyed:
        return Items(rows, _slices(values, starts, ends))
    colons = places[(kinds == _COLON) & (depth == 1)]
    return Items(rows, _slices(values, colons + 1, ends), trimmed(_slices(values, starts, colons)))


def trimmed(texts: Column) -> Column:
    """The texts without blanks at their ends."""
    data = text_bytes(texts)
    if not len(data) or int(data.min()) > ord(" "):
        return texts
    return cast("Column", compute.ascii_trim_whitespace(texts))


def unquote(values: Column, notation: Notation) -> Column:
    """The text that quoted strings mean; for values none of which is NULL, and all of which are quoted."""
    offsets = text_offsets(values) - text_offsets(values)[0]
    plain = _slices(values, offsets[:-1].astype(np.int64) + 1, offsets[1:].astype(np.int64) - 1)
    data = text_bytes(plain)
    leads = _leads(np.flatnonzero(data == _BACKSLASH))
    if not len(leads):
        return plain
    result, keep = data.copy(), np.ones(len(data), np.bool_)
    keep[leads] = False
    if notation == "json":
        result[leads + 1] = _MEANINGS[data[leads + 1]]
        _spell_units(data, leads[data[leads + 1] == ord("u")], result, keep)
    return _kept(plain, result, keep)


def _spell_units(data: Numbers, leads: Numbers, result: Numbers, keep: Mask) -> None:
    """Put the UTF-8 of `\\uXXXX` into the place of these escapes, of two that are a surrogate pair into that of the first."""
    if not len(leads):
        return
    digits = _HEX[data[leads[:, None] + np.arange(2, 6)]]
    points = (digits << np.array([12, 8, 4, 0], np.uint32)).sum(axis=1).astype(np.int64)
    low = (points >> 10) == 0xDC00 >> 10
    first = np.flatnonzero((points >> 10) == 0xD800 >> 10)
    points[first] = 0x10000 + ((points[first] - 0xD800) << 10) + points[first + 1] - 0xDC00
    for place in range(6):
        keep[leads + place] = False
    leads, points = leads[~low], points[~low]
    sizes = 1 + (points >= 0x80) + (points >= 0x800) + (points >= 0x10000)
    for size, mark in ((1, 0), (2, 0xC0), (3, 0xE0), (4, 0xF0)):
        at, left = leads[sizes == size], points[sizes == size]
        for place in range(size):
            bits = left >> 6 * (size - 1 - place)
            result[at + place] = bits | mark if place == 0 else bits & 0x3F | 0x80
            keep[at + place] = True


def _inside_strings(data: Numbers) -> Mask:
    """True from each opening quote to before the closing one."""
    quotes = data == _QUOTE
    quotes[_leads(np.flatnonzero(data == _BACKSLASH)) + 1] = False
    return (np.cumsum(quotes, dtype=np.uint8) & 1).view(np.bool_)


def _leads(marks: Numbers) -> Numbers:
    """Of the places of backslashes those that begin an escape: of some in a row the first, the third and so on."""
    if not len(marks):
        return marks
    position = np.arange(len(marks))
    begins = np.ones(len(marks), np.bool_)
    begins[1:] = np.diff(marks) != 1
    first = np.maximum.accumulate(np.where(begins, position, 0))
    leads: Numbers = marks[(position - first) % 2 == 0]
    return leads


def _kept(values: Column, data: Numbers, keep: Mask) -> Column:
    """`values` with these bytes, without those that aren't to be kept."""
    ends = np.concatenate([[0], np.cumsum(keep)])
    offsets = ends[text_offsets(values) - text_offsets(values)[0]].astype(np.int32)
    kept: Any = pa.array(data).filter(pa.array(keep))
    return pa.Array.from_buffers(pa.string(), len(values), [None, buffer_of(offsets), kept.buffers()[1]])


def _slices(values: Column, starts: Numbers, ends: Numbers) -> Column:
    """Pieces of the bytes of `values`, none of which overlaps the next, as text."""
    if not len(starts):
        return pa.array([], pa.string())
    offsets = np.stack([starts, ends], axis=1).astype(np.int32)
    pieces = [None, buffer_of(offsets), buffer_of(text_bytes(values))]
    both: Column = pa.Array.from_buffers(pa.string(), offsets.size - 1, pieces)
    return take(both, np.arange(0, offsets.size, 2))
