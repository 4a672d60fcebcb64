"""The type that a column of text could be declared with, and the profile of its values: bounds, lengths, NULLs, distinctness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arrowsync.convert.arrays import Column, compute, numbers, text_bytes, text_offsets
from arrowsync.convert.rules import kernel_for
from arrowsync.declare.spec import ColumnSpec

Hashes: TypeAlias = "npt.NDArray[np.uint64]"

_ODD = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio: Knuth's multiplier for hashing (The Art of Computer Programming 3, 6.4)."""


@dataclass(slots=True)
class Profile:
    """The profile of the arrays that were added. Two values in 2**64 pass for equal by chance."""

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
        """True if there are values, none of them NULL, and no two of them equal."""
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
    """True if the least and the greatest value of the type are worth reporting."""
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


MOST_PLACES = 9
"""The most decimal places of a decimal; numbers with more are taken for floats."""
WIDEST = 38

_WHOLE = r"^-?(?:0|[1-9][0-9]*)$"
_POINT = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$"
_NUMBER = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$|^-?(?i:nan|inf|infinity)$"
_WORD = r"^(?i:true|false)$"

CANDIDATES: Mapping[str, tuple[ColumnSpec, str]] = {
    "bool": (ColumnSpec("", pa.bool_()), _WORD),
    "int": (ColumnSpec("", pa.int64()), _WHOLE),
    "uint64": (ColumnSpec("", pa.uint64()), _WHOLE),
    "decimal": (ColumnSpec("", pa.decimal256(76, MOST_PLACES)), _POINT),
    "float": (ColumnSpec("", pa.float64()), _NUMBER),
    "date": (ColumnSpec("", pa.date32()), r"^.{10}$"),
    "time": (ColumnSpec("", pa.time64("us")), ""),
    "naive": (ColumnSpec("", pa.timestamp("us")), r"^.{10}[^Zz+-]*$"),
    "zoned": (ColumnSpec("", pa.timestamp("us", "UTC")), ""),
    "uuid": (ColumnSpec("", pa.uuid()), r"^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$"),
    "ipv4": (ColumnSpec("", pa.string(), ip="4"), ""),
    "ipv6": (ColumnSpec("", pa.string(), ip="6"), ":"),
}
"""The types, narrowest first, and the pattern that their text has beside converting."""


@dataclass(frozen=True, slots=True)
class Guess:
    """The types that all values of a column so far have, and the digits that they need."""

    types: tuple[str, ...] = tuple(CANDIDATES)
    values: int = 0
    whole: int = 0
    places: int = 0

    def after(self, text: Column) -> Guess:
        """The guess once these values are known too."""
        given = text.drop_null()
        if not len(given) or not self.types:
            return replace(self, values=self.values + len(given))
        types = tuple(kind for kind in self.types if _fits(given, kind))
        whole, places = _digits(given) if "decimal" in types else (0, 0)
        return Guess(types, self.values + len(given), max(self.whole, whole), max(self.places, places))

    def column(self, name: str) -> ColumnSpec:
        """The column as it would be declared; one without a single value is text."""
        if not self.values:
            return ColumnSpec(name, pa.string())
        for kind in self.types:
            if kind != "decimal":
                return replace(CANDIDATES[kind][0], name=name)
            if self.whole + self.places <= WIDEST:
                return ColumnSpec(name, pa.decimal128(max(self.whole + self.places, 1), self.places))
        return ColumnSpec(name, pa.string())


def _fits(text: Column, kind: str) -> bool:
    column, pattern = CANDIDATES[kind]
    if pattern and not compute.all(compute.match_substring_regex(text, pattern)).as_py():
        return False
    kernel = kernel_for(text.type, column)
    return kernel is not None and not kernel(text).failures


def _digits(values: Column) -> tuple[int, int]:
    """The most digits before and after the point."""
    parts: Any = compute.extract_regex(values, r"^-?(?P<whole>[0-9]*)(?:\.(?P<places>[0-9]*))?$")
    return _longest(parts.field("whole")), _longest(parts.field("places"))


def _longest(text: Column) -> int:
    return int(numbers(compute.binary_length(text)).max(initial=0))
