"""Kernels of LOAD DATA text for types that only live tables of MySQL and MariaDB have: no declaration makes a column of them.

`limited` reads what the servers say of numbers that are unsigned or rounded (`decimal(8,2) unsigned`, `double(5,2)`); bits are
written as text of zeros and ones, sets as their labels, geometries and vectors as the server's own bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa

from arrowsync.catalog.objects import SqlType
from arrowsync.wire.arrays import Column, NoEncoding, bits_of, present_mask, refuse, strings_of
from arrowsync.wire.mysqltext.text import binary, cast_bits, escaped
from arrowsync.wire.rows import compute

TextKernel = Callable[[Column], Column]

OPAQUE = re.compile(
    r"(geometry|point|linestring|polygon|multipoint|multilinestring|multipolygon|geometrycollection|geomcollection|vector)\b.*"
)
"""Types whose values are read and written as the server's own bytes."""
_NUMBER = re.compile(r"(decimal|float|double)(?:\((\d+),(\d+)\))?( unsigned)?( zerofill)?")
_LABEL = re.compile(r"'((?:[^'\\]|''|\\.)*)'", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Limited:
    """A type of numbers that holds fewer than `plain`: none below 0, or only so many digits, to which it rounds."""

    plain: SqlType
    unsigned: bool
    digits: tuple[int, int] | None


def limited(live: SqlType) -> Limited | None:
    """The limited type that the live type is; None for other types."""
    found = _NUMBER.fullmatch(live.name)
    if found is None or (live.name == found[1] and not found[4]):
        return None
    digits = (int(found[2]), int(found[3])) if found[2] else None
    if found[1] == "decimal":
        return Limited(SqlType("decimal", digits or (10, 0)), found[4] is not None, None)
    return Limited(SqlType(found[1]), found[4] is not None, digits)


def is_opaque(live: SqlType) -> bool:
    """True if its values are bytes of the server's own."""
    return OPAQUE.fullmatch(live.name) is not None


def labels_of_set(live: SqlType) -> tuple[str, ...] | None:
    """The labels of a set type; None for another type."""
    if not live.name.lower().startswith("set("):
        return None
    return tuple(label.replace("''", "'") for label in _LABEL.findall(live.name))


def number(kernel: TextKernel, target: SqlType, kind: Limited) -> TextKernel:
    """The kernel of the plain type, without the values that the type would refuse or round."""

    def encode(array: Any) -> Column:
        present = present_mask(array)
        zero: Any = cast(Any, pa).scalar(0, array.type)
        if kind.unsigned:
            refuse(
                bits_of(compute.fill_null(compute.less(array, zero), False)), present, f"below 0, which {target} lacks"
            )
        if kind.digits is not None:
            values = compute.fill_null(array, zero).cast(pa.float64()).to_numpy(zero_copy_only=False)
            refuse(_changed(values, kind.plain.name, *kind.digits), present, f"longer or finer than {target} stores")
        return kernel(array)

    return encode


def _changed(values: Any, name: str, digits: int, scale: int) -> Any:
    """A mask of the values with more digits than the server keeps and shows."""
    power = 10.0**scale
    kept = np.rint(values * power) / power
    if name == "float":
        kept = kept.astype(np.float32).astype(np.float64)
    beyond = np.abs(values) > 10.0 ** (digits - scale) - 10.0**-scale
    return (kept != values) | beyond | ~np.isfinite(values)


def bits(source: pa.DataType, target: SqlType) -> TextKernel:
    """Zeros and ones, as many as the type has, as the hexadecimal digits of the bytes that hold them."""
    count = target.args[0] if target.args else 1

    size = -(-count // 8)
    as_hexadecimal = binary(pa.binary(), SqlType("longblob"))

    def encode(array: Column) -> Column:
        good = bits_of(compute.fill_null(compute.match_substring_regex(array, rf"^[01]{{{count}}}$"), True))
        refuse(~good, present_mask(array), f"not {count} zeros and ones")
        elements = strings_of(compute.fill_null(array, "0" * count)).elements
        text = elements.data[int(elements.offsets[0]) : int(elements.offsets[-1])].reshape(len(array), count)
        packed = np.packbits(np.pad(text - np.uint8(ord("0")), ((0, 0), (8 * size - count, 0))), axis=1)
        ends = np.arange(len(array) + 1, dtype=np.int32) * np.int32(size)
        valid = cast_bits(array) if array.null_count else None
        data: Any = [valid, pa.py_buffer(ends.data), pa.py_buffer(np.ascontiguousarray(packed).reshape(-1).data)]
        return as_hexadecimal(pa.Array.from_buffers(pa.binary(), len(array), data))

    return encode


def labels(source: pa.DataType, target: SqlType) -> TextKernel:
    """The labels of a set, with commas between them, each as it is spelled in the type."""
    known = pa.array([*(labels_of_set(target) or ()), ""], pa.large_string())

    def encode(array: Any) -> Column:
        lists: Any = compute.split_pattern(compute.fill_null(array, "").cast(pa.large_string()), ",")
        good = bits_of(compute.is_in(compute.list_flatten(lists), value_set=known))
        bad = np.zeros(len(array), np.bool_)
        bad[np.asarray(compute.list_parent_indices(lists))[~good]] = True
        refuse(bad, present_mask(array), f"not labels of {target}")
        return escaped(array)

    return encode


def plain_text(source: pa.DataType, target: SqlType) -> TextKernel:
    """Text for a type that the server makes of it, or warns of, which fails the load."""
    return escaped


def kernel_of(family: str, source: Any, target: SqlType, plain: Callable[[SqlType], TextKernel | None]) -> TextKernel:
    """The kernel for a type that only a live table has; `plain` gives that of a type in the table of kernels."""
    kind = limited(target)
    if kind is not None and (kernel := plain(kind.plain)) is not None:
        return number(kernel, target, kind)
    if family == "string" and target.name == "bit":
        return bits(source, target)
    if family == "string" and labels_of_set(target) is not None:
        return labels(source, target)
    if family == "string" and target.name in ("inet4", "inet6"):
        return plain_text(source, target)
    raise NoEncoding("there is no such pair of types")
