"""Numbers that are random and yet a pure function of where they stand: of a seed, the names of table and column, and the row.

No generator with a state runs here: the number of row 17 is the same in any batch, on any machine, and for who needs that
row alone (a foreign key that points at it).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

Numbers: TypeAlias = "npt.NDArray[np.uint64]"
Mask: TypeAlias = "npt.NDArray[np.bool_]"

ALL = 1 << 64
"""The count of 64-bit numbers."""

_CAPACITY = 1 << 32  # of a key: the product of two numbers below it has 64 bits
_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def stream(seed: int, *names: str) -> int:
    """The key of a stream of random numbers of its own, for `mix`."""
    text = "\0".join([str(seed), *names]).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())


def mix(key: int, rows: Numbers) -> Numbers:
    """64 random bits for each row; two rows never have the same (splitmix64 of Steele, Lea and Flood, 2014)."""
    bits = rows * np.uint64(_GOLDEN)
    bits += np.uint64(key)
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(_FIRST)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(_SECOND)
    bits ^= bits >> np.uint64(31)
    return bits


def below(bits: Numbers, size: int) -> Numbers:
    """Random bits as numbers below `size`."""
    return bits if size == ALL else bits % np.uint64(size)


def one_in(count: int, key: int, rows: Numbers) -> Mask:
    """True for one row in `count`."""
    chosen: Mask = mix(key, rows) % np.uint64(count) == 0
    return chosen


def numbered(count: int) -> Numbers:
    """0, 1, 2 ..."""
    return np.arange(count, dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class Supply:
    """The values of a part of a key: `size` different ones, of which the first `awkward` ones are used first."""

    size: int
    awkward: int


Numbering: TypeAlias = Callable[[Numbers], Numbers]


def distinct(supplies: Sequence[Supply], n: int, key: int) -> list[Numbering] | None:
    """A function for each part of a key, from rows to the number of its value, so that the first `n` rows all differ.

    It doesn't depend on `n`, unless there is hardly room for so many. None where there is none.
    """
    for most in (64, _CAPACITY):
        for head in (max(supplies, key=lambda supply: supply.size).awkward, 0):
            found = _Key.of(supplies, most, head, key)
            if n <= found.capacity:
                return [found.numbering(part) for part in range(len(supplies))]
    return None


@dataclass(frozen=True, slots=True)
class _Key:
    """The rows of a key as numbers of mixed radix, a digit for each part, in shuffled order.

    The values of the `widest` part are so many that its awkward ones would hardly turn up: its first `head` values go to the
    first rows, one each, and the other rows share the rest.
    """

    supplies: tuple[Supply, ...]
    radices: tuple[int, ...]
    widest: int
    head: int
    key: int

    @classmethod
    def of(cls, supplies: Sequence[Supply], most: int, head: int, key: int) -> _Key:
        """The parts besides the widest have up to `most` values: they repeat, as those of real composite keys do."""
        widest = max(range(len(supplies)), key=lambda part: supplies[part].size)
        left = _CAPACITY
        radices = [0] * len(supplies)
        for part in sorted(range(len(supplies)), key=lambda part: (part == widest, supplies[part].size)):
            radices[part] = min(supplies[part].size, left if part == widest else min(most, left))
            left //= radices[part]
        return cls(tuple(supplies), tuple(radices), widest, min(head, radices[widest]), key)

    @property
    def shuffled(self) -> int:
        return math.prod(self.radices) // self.radices[self.widest] * (self.radices[self.widest] - self.head)

    @property
    def capacity(self) -> int:
        return self.head + self.shuffled

    def numbering(self, part: int) -> Numbering:
        """The numbers of one part: its awkward values first, then others spread over all that there are."""
        awkward = min(self.supplies[part].awkward, self.radices[part])
        rest = self.radices[part] - awkward
        step = (self.supplies[part].size - awkward) // rest if rest else 1

        def number(rows: Numbers) -> Numbers:
            digits = self._digits(part, rows)
            if step == 1:
                return digits
            spread = (digits - np.uint64(awkward)) * np.uint64(step) + np.uint64(awkward)
            return np.where(digits < np.uint64(awkward), digits, spread)

        return number

    def _digits(self, part: int, rows: Numbers) -> Numbers:
        first = rows < np.uint64(self.head)
        shuffled = self._shuffle(np.where(first, 0, rows - np.uint64(self.head))) if self.shuffled else rows
        divisor = math.prod(radix for other, radix in enumerate(self.radices[:part]) if other != self.widest)
        if part != self.widest:
            own = np.uint64(self.radices[part])
            return np.where(first, mix(self.key + part & ALL - 1, rows) % own, shuffled // np.uint64(divisor) % own)
        divisor = math.prod(self.radices) // self.radices[part]
        return np.where(first, rows, shuffled // np.uint64(divisor) + np.uint64(self.head))

    def _shuffle(self, numbers: Numbers) -> Numbers:
        size = self.shuffled
        # A step near the golden ratio, with no divisor in common with the size, comes to every number once.
        step = int(size * 0.6180339887) + self.key % 1009
        while math.gcd(step, size) != 1:
            step += 1
        return (numbers * np.uint64(step % size) + np.uint64(self.key % size)) % np.uint64(size)
