"""Kernels of PostgreSQL's types of any length: text and its relatives, enums, json, bytea.

On the wire a text is its UTF-8 bytes, an enum its label, jsonb a version byte 1 and then the text.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from arrowsync.catalog.objects import SqlType
from arrowsync.wire.arrays import Column, Kernel, Strings, bits_of, present_mask, refuse, strings_of, values_of
from arrowsync.wire.rows import Elements, Field, Values, compute, fixed, length_or_null, raw, sometimes

NAME_BYTES = 63
INLINE = 32
"""Up to so many bytes, strings that all have the same length (flags, codes, hashes) go into the block of their neighbours."""


def text(source: pa.DataType, target: SqlType) -> Kernel:
    """A string as text, varchar, char or citext.

    What is too long is refused here: the server would cut spaces off to make it fit.
    """
    if not target.args:
        return lambda array: _field(strings_of(array))
    most = target.args[0]

    def encode(array: Column) -> Field:
        strings = strings_of(array)
        if strings.lengths.max() > most:
            characters = values_of(compute.utf8_length(array), strings.lengths.dtype)
            refuse(characters > most, strings.present, f"longer than {most} characters")
        return _field(strings)

    return encode


def name(source: pa.DataType, target: SqlType) -> Kernel:
    """A string as a name, the server's type for identifiers."""

    def encode(array: Column) -> Field:
        strings = strings_of(array)
        refuse(strings.lengths > NAME_BYTES, strings.present, f"longer than {NAME_BYTES} bytes")
        return _field(strings)

    return encode


def enum(source: pa.DataType, target: SqlType) -> Kernel:
    """A string as a label of an enum type."""
    labels = pa.array(target.labels, source)

    def encode(array: Column) -> Field:
        known = bits_of(compute.is_in(array, value_set=labels))
        refuse(~known, present_mask(array), f"not a label of {target}")
        return _field(strings_of(array))

    return encode


def json(source: pa.DataType, target: SqlType) -> Kernel:
    """A string of JSON as json or jsonb; the server checks that it is JSON."""
    version = b"\x01" if target.name == "jsonb" else b""
    return lambda array: _field(strings_of(array), version)


def bytea(source: pa.DataType, target: SqlType) -> Kernel:
    """Bytes as they are."""
    if isinstance(source, pa.FixedSizeBinaryType):
        if source.byte_width == 0:
            return lambda array: fixed(present_mask(array))
        wire = raw(source.byte_width)
        return lambda array: fixed(present_mask(array), Values(wire, values_of(array, wire)))
    return lambda array: _field(strings_of(array))


def _field(strings: Strings, start: bytes = b"") -> Field:
    """The field of strings that each have `start` before them."""
    elements, lengths, present = strings
    width = int(lengths.max())
    if width <= INLINE and (lengths == width if present is None else (lengths == width) | ~present).all():
        return fixed(present, start, *_of_width(elements, width))
    if present is None:
        return Field(lengths + len(start), (start,), elements)
    return Field(length_or_null(lengths + len(start), present), sometimes(present, start) if start else (), elements)


def _of_width(elements: Elements, width: int) -> tuple[Values, ...]:
    """The strings as values of `width` bytes, which all have but those of a NULL."""
    if width == 0:
        return ()
    wire = raw(width)
    windows = np.ndarray(len(elements.data) - width + 1, wire, elements.data, 0, (1,))
    return (Values(wire, windows[np.minimum(elements.offsets[:-1], len(windows) - 1)]),)
