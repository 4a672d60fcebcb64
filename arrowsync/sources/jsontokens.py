"""JSON objects, one on each line, taken apart with numpy: where each key and each value stands. No JSON value is made.

Strings are found by their quotes, of which those behind an odd number of backslashes aren't any; the depth of everything else
by its brackets. What stands at depth one, between the bracket that opens an object, its colons and commas, and the bracket
that closes it, are its keys and values. That is all that is looked at: whether each key is a string and each value is JSON
remains to be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"
Bytes: TypeAlias = "np.ndarray[Any, np.dtype[np.uint8]]"

_OPEN, _CLOSE, _COLON, _COMMA, _LF = 1, 2, 3, 4, 5
_KINDS = np.zeros(256, np.uint8)
_KINDS[[ord(character) for character in "{["]] = _OPEN
_KINDS[[ord(character) for character in "}]"]] = _CLOSE
_KINDS[ord(":")] = _COLON
_KINDS[ord(",")] = _COMMA
_KINDS[ord("\n")] = _LF
_STEPS = np.array([0, 1, -1, 0, 0, 0], np.int8)
# What may come after what, at depth one of an object and between objects.
_FOLLOWS = np.zeros((6, 6), np.bool_)
_FOLLOWS[_OPEN, [_COLON, _CLOSE]] = True
_FOLLOWS[_COLON, [_COMMA, _CLOSE]] = True
_FOLLOWS[_COMMA, _COLON] = True
_FOLLOWS[_CLOSE, _LF] = True
_FOLLOWS[_LF, [_LF, _OPEN]] = True
_BLANKS = " \t\r"
_IS_BLANK = np.zeros(256, np.bool_)
_IS_BLANK[[ord(character) for character in _BLANKS]] = True


@dataclass(frozen=True, slots=True)
class Members:
    """The members of all objects of a block, in order: the row of each, its key and its value as they stand there.

    `pieces` has the text of key number n at `keys[n]`, and of its value at `keys[n] + 2`, without the blanks around it.
    """

    row_count: int
    rows: Numbers
    keys: Numbers
    pieces: pa.StringArray

    def texts(self, numbers: Numbers, *, mask: Any = None) -> pa.StringArray:
        """The text of some pieces; NULL where the mask is set."""
        indices: Any = pa.array(numbers, mask=mask)
        taken: Any = self.pieces.take(indices)
        trim: Any = pc.ascii_trim
        return cast("pa.StringArray", trim(taken, characters=_BLANKS))


def take_apart(block: bytes) -> Members | None:
    """The members of the objects that a block of whole lines holds; None where a line is no object.

    The block is UTF-8 and ends with a line end.
    """
    data = np.frombuffer(block, np.uint8)
    quotes = _quotes(data)
    quoted = (np.cumsum(quotes, dtype=np.uint8) & 1).view(
        np.bool_
    )  # the sum may wrap: what counts is whether it is odd
    if bool((quoted & (data < 32)).any()):
        return None
    kinds = _KINDS[data]
    kinds[quoted] = 0
    places = np.flatnonzero(kinds)
    kinds = kinds[places]
    depth = np.cumsum(_STEPS[kinds], dtype=np.int64)
    if len(depth) and (depth.min() < 0 or bool((depth[kinds == _LF] != 0).any())):
        return None
    keep = ((depth == 1) & (kinds != _CLOSE)) | ((depth == 0) & ((kinds == _CLOSE) | (kinds == _LF)))
    places, kinds = places[keep], kinds[keep]
    before = np.concatenate([[_LF], kinds[:-1]])
    if not bool(_FOLLOWS[before, kinds].all()):
        return None
    brackets = (kinds == _OPEN) | (kinds == _CLOSE)
    if not np.isin(data[places[brackets]], [ord("{"), ord("}")]).all():
        return None
    if not _blank_outside(data, places, kinds, before):
        return None
    row = np.cumsum(kinds == _OPEN) - 1
    colons = np.flatnonzero(kinds == _COLON)
    return Members(int(row[-1]) + 1 if len(row) else 0, row[colons], 2 * colons, _pieces(block, places))


def _quotes(data: Bytes) -> Any:
    """Which bytes are quotes that begin or end a string."""
    quotes = data == ord('"')
    slashes = np.flatnonzero(data == ord("\\"))
    if len(slashes):
        # Of a run of backslashes the last one escapes what follows if they are odd in number.
        first = np.concatenate([[True], np.diff(slashes) != 1])
        starts = np.flatnonzero(first)
        lengths = np.diff(np.concatenate([starts, [len(slashes)]]))
        after = slashes[starts] + lengths
        escaped = after[(lengths % 2 == 1) & (after < len(data))]
        quotes[escaped] = False
    return quotes


def _blank_outside(data: Bytes, places: Numbers, kinds: Bytes, before: Bytes) -> bool:
    """Whether there are but blanks before and after the objects, and in objects without members."""
    outside = (before == _LF) | (before == _CLOSE) | ((before == _OPEN) & (kinds == _CLOSE))
    starts = np.concatenate([[0], places[:-1] + 1])[outside]
    ends = places[outside]
    some = ends > starts
    if not some.any():
        return True
    inked = np.concatenate([[0], np.cumsum(~_IS_BLANK[data], dtype=np.int64)])
    return bool((inked[starts[some]] == inked[ends[some]]).all())


def _pieces(block: bytes, places: Numbers) -> pa.StringArray:
    """The block in pieces: what is before each of the places, and the byte that is there, in turn."""
    offsets: Any = np.empty(2 * len(places) + 1, np.int32)
    offsets[0] = 0
    offsets[1::2] = places
    offsets[2::2] = places + 1
    arrays: Any = pa.StringArray
    return cast("pa.StringArray", arrays.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(block)))
