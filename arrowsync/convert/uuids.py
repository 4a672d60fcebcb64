"""Kernels between UUID, text and 16 bytes, on whole matrices of characters.

Text has 32 hexadecimal digits of any case, with hyphens in the four usual places or without any.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from arrowsync.convert.arrays import (
    Column,
    Converted,
    Failure,
    Mask,
    Numbers,
    build,
    fixed_bytes,
    is_valid,
    refuse,
    text_bytes,
    text_offsets,
    validity,
)
from arrowsync.convert.layouts import UUID_STORAGE
from arrowsync.declare.spec import ColumnSpec

_BLOCK = 8192  # rows that stay in the cache from one step to the next
_GROUPS = ((0, 8), (9, 13), (14, 18), (19, 23), (24, 36))
_HYPHENS = (8, 13, 18, 23)
_NO_DIGIT = 0x100


def _pair_values() -> Numbers:
    """For each two characters, read as a little-endian uint16: the byte that they spell, or `_NO_DIGIT`."""
    digit = np.full(256, _NO_DIGIT, np.uint16)
    for value, character in enumerate("0123456789abcdef"):
        digit[[ord(character), ord(character.upper())]] = value
    first, second = digit[None, :], digit[:, None]
    return np.where((first | second) >= _NO_DIGIT, _NO_DIGIT, first * 16 + second).astype(np.uint16).reshape(-1)


def _pair_texts() -> Numbers:
    """For each byte its two hexadecimal digits, as a little-endian uint16."""
    return np.frombuffer(bytes(range(256)).hex().encode(), "<u2")


_PAIR_VALUES, _PAIR_TEXTS = _pair_values(), _pair_texts()


def text_to_uuid(values: Column, column: ColumnSpec) -> Converted:
    data, offsets = text_bytes(values), text_offsets(values)
    starts, lengths = offsets[:-1] - offsets[0], np.diff(offsets)
    valid = is_valid(values)
    result = np.zeros((len(values), 16), np.uint8)
    good = np.zeros(len(values), np.bool_)
    for length in (36, 32):
        rows = np.flatnonzero(valid & (lengths == length))
        for begin in range(0, len(rows), _BLOCK):
            block = rows[begin : begin + _BLOCK]
            result[block], good[block] = _parse(data[starts[block][:, None] + np.arange(length)])
    failure = Failure(valid & ~good, "not a UUID", "write UUIDs as 32 hexadecimal digits, with or without hyphens")
    return refuse(build(result, values, UUID_STORAGE), failure)


def _parse(text: Numbers) -> tuple[Numbers, Mask]:
    """Rows of 32 or 36 characters as rows of 16 bytes, and which of them are well-formed."""
    good = np.ones(len(text), np.bool_)
    if text.shape[1] == 36:
        for position in _HYPHENS:
            good &= text[:, position] == ord("-")
        text = np.concatenate([text[:, start:end] for start, end in _GROUPS], axis=1)
    spelled = _PAIR_VALUES[np.ascontiguousarray(text).view("<u2")]
    good &= (spelled < _NO_DIGIT).all(axis=1)
    return spelled.astype(np.uint8), good


def uuid_to_text(values: Column, column: ColumnSpec) -> Converted:
    """`123e4567-e89b-12d3-a456-426614174000`, in lower case."""
    digits = np.ascontiguousarray(_PAIR_TEXTS[fixed_bytes(values)]).view(np.uint8)
    text = np.full((len(values), 36), ord("-"), np.uint8)
    done = 0
    for start, end in _GROUPS:
        text[:, start:end] = digits[:, done : done + end - start]
        done += end - start
    fixed = build(text, values, pa.binary(36))
    return Converted(fixed.cast(pa.binary()).cast(pa.string()))


def binary_to_uuid(values: Column, column: ColumnSpec) -> Converted:
    lengths = np.diff(text_offsets(values))
    failure = Failure(is_valid(values) & (lengths != 16), "not 16 bytes long", "a UUID is 16 bytes")
    return refuse(values, failure).then(lambda v: Converted(v.cast(UUID_STORAGE)))


def uuid_to_binary(values: Column, column: ColumnSpec) -> Converted:
    return Converted(values.cast(pa.binary()))


def hex_text(values: Column) -> Column:
    r"""Binary as `\x` and its hexadecimal digits, as PostgreSQL writes it."""
    offsets = text_offsets(values).astype(np.int64)
    lengths = np.diff(offsets)
    digits = _PAIR_TEXTS[text_bytes(values)].view(np.uint8)
    ends = np.concatenate([[0], np.cumsum(lengths * 2 + 2)])
    text = np.empty(int(ends[-1]), np.uint8)
    prefix = np.zeros(len(text), np.bool_)
    prefix[ends[:-1]] = prefix[ends[:-1] + 1] = True
    text[ends[:-1]], text[ends[:-1] + 1] = ord("\\"), ord("x")
    text[~prefix] = digits
    return pa.Array.from_buffers(
        pa.string(), len(values), [validity(values), pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(text)]
    )
