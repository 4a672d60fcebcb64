"""Kernels between UUID, text and 16 bytes, between bytes and hexadecimal text, and the check of IP addresses."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from arrowsync.convert.arrays import (
    Column,
    Converted,
    Failure,
    Mask,
    Numbers,
    buffer_of,
    build,
    compute,
    fixed_bytes,
    is_valid,
    mask_of,
    refuse,
    text_bytes,
    text_offsets,
    validity,
)
from arrowsync.convert.layouts import UUID_STORAGE
from arrowsync.declare.spec import ColumnSpec, IpVersion

_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_V4 = rf"(?:{_BYTE}\.){{3}}{_BYTE}"
_H = "[0-9A-Fa-f]{1,4}"

# RFC 4291, 2.2: eight groups; or fewer, with "::" for those left out; the last two may be written as IPv4.
_V6 = "|".join(
    [
        rf"(?:{_H}:){{7}}{_H}",
        rf"(?:{_H}:){{1,7}}:",
        *(rf"(?:{_H}:){{1,{7 - after}}}(?::{_H}){{1,{after}}}" for after in range(1, 7)),
        rf":(?::{_H}){{1,7}}",
        "::",
        rf"(?:{_H}:){{6}}{_V4}",
        *(rf"(?:{_H}:){{{before}}}(?::{_H}){{0,{5 - before}}}:{_V4}" for before in range(1, 6)),
        rf":(?::{_H}){{0,5}}:{_V4}",
    ]
)
_PATTERNS: dict[IpVersion, str] = {"4": f"^(?:{_V4})$", "6": f"^(?:{_V6})$", "any": f"^(?:{_V4}|{_V6})$"}
_NAMES: dict[IpVersion, str] = {"4": "an IPv4 address", "6": "an IPv6 address", "any": "an IP address"}


def check_addresses(outcome: Converted, column: ColumnSpec) -> Converted:
    """The outcome, with a failure for text that is no address of the declared version."""
    if column.ip is None or not len(outcome.values):
        return outcome
    bad = is_valid(outcome.values) & ~mask_of(compute.match_substring_regex(outcome.values, _PATTERNS[column.ip]))
    if not bad.any():
        return outcome
    failure = Failure(bad, f"not {_NAMES[column.ip]}", "declare the column as a str, or mend the values")
    return Converted(outcome.values, (*outcome.failures, failure))


_BLOCK = 8192  # rows that stay in the cache from one step to the next
_HYPHENS = (8, 13, 18, 23)
_GROUPS = ((0, 8), (9, 13), (14, 18), (19, 23), (24, 36))
_DIGITS = [position for position in range(36) if position not in _HYPHENS]
_NO_DIGIT = 0x100


def _pair_values() -> Numbers:
    """Two characters, read as a little-endian uint16 -> the byte that they spell, or `_NO_DIGIT`."""
    digit = np.full(256, _NO_DIGIT, np.uint16)
    for value, character in enumerate("0123456789abcdef"):
        digit[[ord(character), ord(character.upper())]] = value
    first, second = digit[None, :], digit[:, None]
    return np.where((first | second) >= _NO_DIGIT, _NO_DIGIT, first * 16 + second).astype(np.uint16).reshape(-1)


def _pair_texts() -> Numbers:
    """Byte -> its two hexadecimal digits, as a little-endian uint16."""
    return np.frombuffer(bytes(range(256)).hex().encode(), "<u2")


_PAIR_VALUES, _PAIR_TEXTS = _pair_values(), _pair_texts()
_BINARY_HINT = r"write them as \x and hexadecimal digits; for what is UTF-8 or Base64, decode it first, or declare str"


def text_to_uuid(values: Column, column: ColumnSpec) -> Converted:
    """The 16 bytes that the text spells."""
    data, offsets = text_bytes(values), text_offsets(values)
    starts, lengths = offsets[:-1] - offsets[0], np.diff(offsets)
    valid = is_valid(values)
    result = np.zeros((len(values), 16), np.uint8)
    good = np.zeros(len(values), np.bool_)
    for length in (36, 32):
        rows = np.flatnonzero(valid & (lengths == length))
        if len(data) == len(values) * length == len(rows) * length:
            result, good = _parse(data.reshape(-1, length))
        elif len(rows):
            result[rows], good[rows] = _parse(data[starts[rows][:, None] + np.arange(length)])
    failure = Failure(valid & ~good, "not a UUID", "write UUIDs as 32 hexadecimal digits, with or without hyphens")
    return refuse(build(result, values, UUID_STORAGE), failure)


def _parse(text: Numbers) -> tuple[Numbers, Mask]:
    """Rows of 32 or 36 characters as rows of 16 bytes, and which of them are well-formed."""
    result = np.empty((len(text), 16), np.uint8)
    good = np.ones(len(text), np.bool_)
    for begin in range(0, len(text), _BLOCK):
        block = text[begin : begin + _BLOCK]
        right = good[begin : begin + _BLOCK]
        if block.shape[1] == 36:
            for position in _HYPHENS:
                right &= block[:, position] == ord("-")
            block = np.concatenate([block[:, first:last] for first, last in _GROUPS], axis=1)
        # "wrap" only spares the check of the bounds: every uint16 has its place in the table.
        spelled = np.take(_PAIR_VALUES, np.ascontiguousarray(block).view("<u2"), mode="wrap")
        if int(spelled.max()) >= _NO_DIGIT:
            right &= (spelled < _NO_DIGIT).all(axis=1)
        result[begin : begin + _BLOCK] = spelled
    return result, good


def uuid_to_text(values: Column, column: ColumnSpec) -> Converted:
    """`123e4567-e89b-12d3-a456-426614174000`, in lower case."""
    given = fixed_bytes(values)
    text = np.full((len(values), 36), ord("-"), np.uint8)
    for begin in range(0, len(values), _BLOCK):
        spelled = np.take(_PAIR_TEXTS, given[begin : begin + _BLOCK], mode="wrap")
        text[begin : begin + _BLOCK, _DIGITS] = spelled.view(np.uint8)
    return Converted(text_array(text, np.arange(len(values) + 1) * 36, values))


def binary_to_uuid(values: Column, column: ColumnSpec) -> Converted:
    """The UUID whose 16 bytes they are, most significant first (RFC 9562)."""
    lengths = np.diff(text_offsets(values))
    failure = Failure(is_valid(values) & (lengths != 16), "not 16 bytes long", "a UUID is 16 bytes")
    return refuse(values, failure).then(lambda v: Converted(v.cast(UUID_STORAGE)))


def uuid_to_binary(values: Column, column: ColumnSpec) -> Converted:
    """The 16 bytes, most significant first (RFC 9562)."""
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
    return text_array(text, ends, values)


def text_to_binary(values: Column, column: ColumnSpec) -> Converted:
    r"""The bytes that `\x` and hexadecimal digits spell, as PostgreSQL writes them."""
    spelled = mask_of(compute.match_substring_regex(values, r"^\\x(?:[0-9A-Fa-f]{2})*$"))
    bad = Failure(is_valid(values) & ~spelled, r"not bytes like \x6869", _BINARY_HINT)
    return refuse(values, bad).then(lambda v: Converted(_bytes_of(v)))


def _bytes_of(values: Column) -> Column:
    # (pyarrow's binary_slice asks for a negative size where there is many a NULL [26.0.1].)
    digits: Column = compute.replace_substring(values, "\\x", "", max_replacements=1)
    data = np.take(_PAIR_VALUES, text_bytes(digits).view("<u2"), mode="wrap").astype(np.uint8)
    offsets = (text_offsets(digits) - text_offsets(digits)[0]) // 2
    return pa.Array.from_buffers(
        pa.binary(), len(values), [validity(values), buffer_of(offsets.astype(np.int32)), buffer_of(data)]
    )


def text_array(data: Numbers, offsets: Numbers, like: Column) -> Column:
    """A string array of these bytes, NULL where `like` is."""
    ends = pa.array(offsets, pa.int64()).cast(pa.int32())  # refuses what int32 can't count
    return pa.Array.from_buffers(pa.string(), len(like), [validity(like), ends.buffers()[1], buffer_of(data)])
