"""Kernels for PostgreSQL's types of any length: text and its relatives, enums, json, bytea.

On the wire a text is its UTF-8 bytes, an enum its label, jsonb a version byte 1 and then the text.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from arrowsync.catalog.types import SqlType
from arrowsync.encode.blocks import NULL, Elements, Field, Values, fixed
from arrowsync.encode.columns import Kernel, null_mask, refuse, strings_of, values_of

INLINE = 32
"""Up to so many bytes, strings that all have the same length (flags, codes, hashes) go into the block of their neighbours."""
NAME_BYTES = 63


def text(source: pa.DataType, target: SqlType) -> Kernel:
    """A string as text, varchar, char, citext or name.

    What is too long is refused here: the server would cut spaces off to make a varchar fit.
    """
    if target.name == "name":
        return name(source, target)
    if not target.args:
        return lambda array: _field(array, strings_of(array))
    most = target.args[0]

    def encode(array: pa.Array[Any]) -> Field:
        strings = strings_of(array)
        if np.diff(strings.offsets).max() > most:
            characters = pc.utf8_length(array)
            refuse(values_of(characters, strings.offsets.dtype) > most, f"longer than {most} characters")
        return _field(array, strings)

    return encode


def name(source: pa.DataType, target: SqlType) -> Kernel:
    def encode(array: pa.Array[Any]) -> Field:
        strings = strings_of(array)
        refuse(np.diff(strings.offsets) > NAME_BYTES, f"longer than {NAME_BYTES} bytes")
        return _field(array, strings)

    return encode


def enum(source: pa.DataType, target: SqlType) -> Kernel:
    labels = pa.array(target.labels, source)

    def encode(array: pa.Array[Any]) -> Field:
        unknown = bits_of(pc.is_in(array, value_set=labels)) == 0
        nulls = null_mask(array)
        refuse(unknown if nulls is None else unknown & ~nulls, f"not a label of {target}")
        return _field(array, strings_of(array))

    return encode


def json(source: pa.DataType, target: SqlType) -> Kernel:
    version = b"\x01" if target.name == "jsonb" else b""
    return lambda array: _field(array, strings_of(array), version)


def bytea(source: pa.DataType, target: SqlType) -> Kernel:
    if isinstance(source, pa.FixedSizeBinaryType):
        width = source.byte_width
        return lambda array: fixed(width, (Values(f"V{width}", values_of(array, f"V{width}")),), null_mask(array))
    return lambda array: _field(array, strings_of(array))


def _field(array: pa.Array[Any], strings: Elements, start: bytes = b"") -> Field:
    """The field of strings that each have `start` before them."""
    nulls = null_mask(array)
    lengths = np.diff(strings.offsets)
    width = int(lengths[0])
    if width <= INLINE and strings.size == width * len(array) and (lengths == width).all():
        head = Values(f"V{width}", np.frombuffer(strings.data, f"V{width}", len(array), int(strings.offsets[0])))
        return fixed(len(start) + width, (start, head) if width else (start,), nulls)
    if nulls is None:
        return Field(lengths + len(start), (start,), strings)
    if start:
        return Field(lengths + len(start), (start,), strings, instead=((nulls, NULL),))
    return Field(np.where(nulls, -1, lengths), (), strings)
