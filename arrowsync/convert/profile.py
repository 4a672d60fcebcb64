"""What the values of a column are like: least and greatest, the longest text, NULLs, and whether they are all different.

A `Profile` is a fold over batches. To tell repeated values it keeps 8 bytes for each row of a column in which none has been
found, until the first one is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arrowsync.convert.arrays import Column, compute, numbers, text_bytes, text_offsets

Hashes: TypeAlias = "npt.NDArray[np.uint64]"

_ODD = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio: Knuth's multiplier for hashing (The Art of Computer Programming 3, 6.4)."""


@dataclass(slots=True)
class Profile:
    """Add all arrays of a column; the rest says what they hold. Two values in 2**64 pass for equal by chance."""

    rows: int = 0
    nulls: int = 0
    least: Any = None
    greatest: Any = None
    longest: int = 0
    distinct: bool = True
    _seen: list[Hashes] = field(default_factory=list["npt.NDArray[np.uint64]"], repr=False)

    def add(self, values: Column) -> None:
        self.rows += len(values)
        self.nulls += values.null_count
        given: Column = values.drop_null()
        if not len(given):
            return
        if pa.types.is_string(given.type):
            self.longest = max(self.longest, compute.max(compute.utf8_length(given)).as_py())
        elif has_order(given.type):
            ends = compute.min_max(given).as_py()
            self.least = ends["min"] if self.least is None else min(self.least, ends["min"])
            self.greatest = ends["max"] if self.greatest is None else max(self.greatest, ends["max"])
        if self.distinct:
            self._look_for_repeats(given)

    def is_key(self) -> bool:
        """Whether there are values, none of them is NULL, and none is there twice."""
        if not self.rows or self.nulls or not self.distinct:
            return False
        hashes = np.sort(np.concatenate(self._seen))
        return not bool((hashes[1:] == hashes[:-1]).any())

    def _look_for_repeats(self, given: Column) -> None:
        hashes = _hashes(given)
        # Sorting twice as many each time finds repeats between batches soon, and costs no more than sorting all of them.
        self._seen.append(hashes if hashes is not None else np.zeros(0, np.uint64))
        while len(self._seen) > 1 and len(self._seen[-2]) <= len(self._seen[-1]):
            last = self._seen.pop()
            self._seen[-1] = np.concatenate([self._seen[-1], last])
        ordered = np.sort(self._seen[-1])
        if hashes is None or bool((ordered[1:] == ordered[:-1]).any()):
            self.distinct = False
            self._seen.clear()


def has_order(kind: pa.DataType) -> bool:
    """Whether the least and the greatest value of the type say something."""
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_temporal)
    return any(test(kind) for test in tests)


def _hashes(values: Any) -> Hashes | None:
    """Eight bytes for each value, or None for a type that makes no key."""
    kind = values.type
    if isinstance(kind, pa.JsonType):  # one value has many texts, and no database makes a key of it
        return None
    if isinstance(kind, pa.BaseExtensionType):
        return _hashes(values.storage)
    if pa.types.is_integer(kind):
        return numbers(values).astype(np.int64).view(np.uint64)
    if pa.types.is_date32(kind):
        return _hashes(values.view(pa.int32()))
    if pa.types.is_fixed_size_binary(kind):
        values = values.cast(pa.binary())
    elif not (pa.types.is_string(kind) or pa.types.is_binary(kind)):
        return None
    starts = text_offsets(values).astype(np.int64)
    starts -= starts[0]
    lengths: npt.NDArray[np.int64] = np.diff(starts)
    powers = np.cumprod(np.full(int(lengths.max()) + 1, _ODD))
    places: npt.NDArray[np.int64] = np.arange(int(starts[-1]), dtype=np.int64) - np.repeat(starts[:-1], lengths)
    # A last term of zero lets an empty text at the end have a first term; what reduceat gives for empty ones is replaced.
    terms = np.append((text_bytes(values).astype(np.uint64) + np.uint64(1)) * powers[places], np.uint64(0))
    sums: Hashes = np.add.reduceat(terms, starts[:-1])
    return np.where(lengths == 0, np.uint64(0), (sums ^ (sums >> np.uint64(32))) * _ODD)
