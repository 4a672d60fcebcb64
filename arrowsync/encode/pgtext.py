"""Kernels of PostgreSQL's types of any length: text and its relatives, enums, json, bytea.

On the wire a text is its UTF-8 bytes, an enum its label, jsonb a version byte 1 and then the text.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from arrowsync.catalog.types import SqlType
from arrowsync.encode.blocks import Elements, Field, Mask, Sometimes, Values, fixed, raw
from arrowsync.encode.columns import Column, Kernel, bits_of, compute, null_mask, refuse, strings_of, values_of

NAME_BYTES = 63
INLINE = 32
"""Up to so many bytes, strings that all have the same length (flags, codes, hashes) go into the block of their neighbours."""


def text(source: pa.DataType, target: SqlType) -> Kernel:
    """A string as text, varchar, char or citext.

    What is too long is refused here: the server would cut spaces off to make it fit.
    """
    if not target.args:
        return lambda array: _field(array, strings_of(array))
    most = target.args[0]

    def encode(array: Column) -> Field:
        strings = strings_of(array)
        if np.diff(strings.offsets).max() > most:
            characters = compute.utf8_length(array)
            refuse(values_of(characters, strings.offsets.dtype) > most, f"longer than {most} characters")
        return _field(array, strings)

    return encode


def name(source: pa.DataType, target: SqlType) -> Kernel:
    """A string as a name, the server's type for identifiers."""

    def encode(array: Column) -> Field:
        strings = strings_of(array)
        refuse(np.diff(strings.offsets) > NAME_BYTES, f"longer than {NAME_BYTES} bytes")
        return _field(array, strings)

    return encode


def enum(source: pa.DataType, target: SqlType) -> Kernel:
    """A string as a label of an enum type."""
    labels = pa.array(target.labels, source)

    def encode(array: Column) -> Field:
        unknown = ~bits_of(compute.is_in(array, value_set=labels))
        nulls = null_mask(array)
        refuse(unknown if nulls is None else unknown & ~nulls, f"not a label of {target}")
        return _field(array, strings_of(array))

    return encode


def json(source: pa.DataType, target: SqlType) -> Kernel:
    """A string of JSON as json or jsonb; the server checks that it is JSON."""
    version = b"\x01" if target.name == "jsonb" else b""
    return lambda array: _field(array, strings_of(array), version)


def bytea(source: pa.DataType, target: SqlType) -> Kernel:
    """Bytes as they are."""
    if isinstance(source, pa.FixedSizeBinaryType):
        if source.byte_width == 0:
            return lambda array: fixed(null_mask(array))
        wire = raw(source.byte_width)
        return lambda array: fixed(null_mask(array), Values(wire, values_of(array, wire)))
    return lambda array: _field(array, strings_of(array))


def _field(array: Column, strings: Elements, start: bytes = b"") -> Field:
    """The field of strings that each have `start` before them."""
    nulls = null_mask(array)
    lengths = np.diff(strings.offsets)
    width = int(lengths.max())
    size = int(strings.offsets[-1] - strings.offsets[0])
    if width <= INLINE and size == width * (len(array) - array.null_count):  # so all have the width of the longest
        return fixed(nulls, start, *_same_width(strings, width, nulls))
    if nulls is None:
        return Field(lengths + len(start), (start,), strings)
    return Field(np.where(nulls, -1, lengths + len(start)), (Sometimes(~nulls, (start,)),) if start else (), strings)


def _same_width(strings: Elements, width: int, nulls: Mask | None) -> tuple[Values, ...]:
    if width == 0:
        return ()
    wire = raw(width)
    values = strings.data[strings.offsets[0] : strings.offsets[-1]].view(wire)
    if nulls is not None:
        spread = np.zeros(len(nulls), wire)
        spread[~nulls] = values
        values = spread
    return (Values(wire, values),)
