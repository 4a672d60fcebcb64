"""`Values`: all values of one type, numbered. What has to be distinct takes distinct numbers; what doesn't, random ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute

from arrowsync.testing.draws import ALL, Mask, Numbering, Numbers, Supply, below, mix, one_in, stream

if TYPE_CHECKING:
    import numpy.typing as npt

Column: TypeAlias = "pa.Array[Any]"
# pyarrow-stubs has each compute function by the exact classes of its arguments, which are not known here.
compute: Any = pyarrow.compute

Make: TypeAlias = Callable[[Numbers], Column]


@dataclass(frozen=True, slots=True)
class Values:
    """Values of one type: `nth` gives those with some numbers, none of them NULL.

    Different numbers below `size` are different values, for any engine; 0 is the size of a type that has no such numbers. The
    first ones, so many as `awkward`, are those that most often go wrong. After the last come `twins`, awkward too, which may
    be equal to others (as -0.0 is to 0.0). `random`, where a type has it, makes better values of random bits than `nth`.
    """

    nth: Make
    size: int
    awkward: int = 0
    twins: int = 0
    random: Make | None = None

    @property
    def supply(self) -> Supply:
        return Supply(self.size, self.awkward)

    def maker(self, seed: int, *path: str) -> Make:
        """Random values for rows."""
        if self.random is not None:
            key, random = stream(seed, *path, "value"), self.random
            return lambda rows: random(mix(key, rows))
        picker = self.picker(seed, *path)
        return lambda rows: self.nth(picker(rows))

    def picker(self, seed: int, *path: str) -> Numbering:
        """The numbers of random values for rows, a quarter of them awkward."""
        key, choice = stream(seed, *path, "value"), stream(seed, *path, "awkward")
        awkward = self.awkward + self.twins
        if not awkward:
            return lambda rows: below(mix(key, rows), self.size)

        def pick(rows: Numbers) -> Numbers:
            bits = mix(choice, rows)
            chosen = (bits >> np.uint64(2)) % np.uint64(awkward)
            if self.twins:
                twin = chosen + np.uint64(self.size - self.awkward)
                chosen = np.where(chosen < np.uint64(self.awkward), chosen, twin)
            return np.where(bits & np.uint64(3), below(mix(key, rows), self.size), chosen)

        return pick


def composed(awkward: Column, others: Make, count: int, twins: Column | None = None) -> Values:
    """The values of `awkward`, then `count` `others`, which are numbered from 0, then `twins`."""
    first = len(awkward)
    size = first + count
    pool = awkward if twins is None else pa.concat_arrays([awkward, twins])

    def nth(numbers: Numbers) -> Column:
        special = numbers < np.uint64(first)
        if twins is not None:
            special |= numbers >= np.uint64(size)
        if not special.any():
            return others(numbers - np.uint64(first))
        places = np.where(numbers < np.uint64(first), numbers, numbers - np.uint64(size - first & ALL - 1))
        if special.all():
            return take(pool, places)
        rest = others(np.where(special, 0, numbers - np.uint64(first)))
        result: Column = compute.if_else(pa.array(special), take(pool, np.where(special, places, 0)), rest)
        return result

    return Values(nth, size, first, 0 if twins is None else len(twins))


def whole(low: int, high: int, awkward: Iterable[int], build: Make, twins: Column | None = None) -> Values:
    """Values that `build` makes of 64-bit whole numbers from `low` to `high`; the limits and `awkward` ones come first."""
    first = tuple(dict.fromkeys(number for number in (low, high, *awkward) if low <= number <= high))
    start = np.uint64(low % ALL)
    taken = [np.uint64(number - low) for number in sorted(first)]

    def others(numbers: Numbers) -> Column:
        for site in taken:
            numbers = numbers + (numbers >= site)
        return build(numbers + start)

    count = high - low + 1 - len(first)
    return composed(build(np.array([number % ALL for number in first], np.uint64)), others, count, twins)


def take(pool: Column, numbers: Numbers) -> Column:
    """The values of `pool` at some places."""
    places: Any = pa.array(numbers)
    return pool.take(places)


def array_of(values: Sequence[Any], kind: pa.DataType) -> Column:
    """An array of Python values."""
    array: Any = pa.array
    made: Column = array(values, kind)
    return made


def from_data(data: npt.NDArray[Any], kind: pa.DataType) -> Column:
    """An array of a type of fixed width, from its bytes: a row of `data` is a value."""
    buffer: Any = np.ascontiguousarray(data)
    return pa.Array.from_buffers(kind, len(data), [None, pa.py_buffer(buffer)])


def packed(numbers: Numbers, kind: pa.DataType) -> Column:
    """Whole numbers, as two's complement of 64 bits, in a type of fixed width."""
    if pa.types.is_decimal(kind):
        signs = (numbers.view(np.int64) >> np.int64(63)).view(np.uint64)
        return from_data(np.stack([numbers, *[signs] * (kind.byte_width // 8 - 1)], axis=1), kind)
    return from_data(numbers.astype(f"<u{kind.byte_width}"), kind)


def of_pool(pool: Column) -> Values:
    """The values of an array, all different."""
    return Values(lambda numbers: take(pool, numbers), len(pool))


def with_nulls(make: Make, key: int) -> Make:
    """The values of `make`, one in ten of them NULL."""
    return lambda rows: blank(make(rows), one_in(10, key, rows))


def blank(values: Column, nulls: Mask) -> Column:
    """`values` with NULL where `nulls` is True, whatever their type."""
    if not nulls.any():
        return values
    places: Any = pa.array(np.arange(len(values)), mask=nulls)
    return values.take(places)


def wrapped(values: Values, kind: pa.DataType) -> Values:
    """The values as an extension type, whose storage they are."""

    extension: Any = pa.ExtensionArray
    return Values(
        lambda numbers: extension.from_storage(kind, values.nth(numbers)), values.size, values.awkward, values.twins
    )
