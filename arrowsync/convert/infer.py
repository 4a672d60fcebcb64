"""What type a column of text could be declared with, told from all of its values.

A `Guess` starts with every type of `CANDIDATES` and loses those that a value doesn't convert to, by the very rules of the
converter: data loads with what is inferred from it. Beyond those rules, text that would not be written back as it stands
stays text ("007", "+1"): it is a code, not a number. To add a type, add its line, before any that takes in its values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from arrowsync.convert.arrays import Column, compute, numbers
from arrowsync.convert.rules import kernel_for
from arrowsync.declare.spec import ColumnSpec

MOST_PLACES = 9
"""Decimal places of what is taken for a decimal; numbers with more are taken for floats."""
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
    """What is known of a column so far: the types that all of its values have, and how many digits they need."""

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
