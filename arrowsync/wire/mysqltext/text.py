"""Kernels of LOAD DATA text for values of any length: text, enums, json, bytes, uuid and addresses.

A tab, a line feed and a backslash in a text get a backslash before them. Bytes are written as hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from arrowsync.catalog.objects import SqlType
from arrowsync.wire.arrays import Column, NoEncoding, Unencodable, bits_of, present_mask, refuse, strings_of, values_of
from arrowsync.wire.inet import parse_addresses
from arrowsync.wire.rows import NARROW_LIMIT, allocate, arrow_buffer, compute

TextKernel = Callable[[Column], Column]

TEXT_BYTES: Mapping[str, int] = {
    "tinytext": 2**8 - 1,
    "text": 2**16 - 1,
    "mediumtext": 2**24 - 1,
    "longtext": 2**32 - 1,
}
BINARY_BYTES: Mapping[str, int] = {name.replace("text", "blob"): size for name, size in TEXT_BYTES.items()}
"""Type without a declared length -> greatest number of bytes."""

SPECIAL = (ord("\t"), ord("\n"), ord("\\"))
DIGITS: npt.NDArray[np.uint16] = np.array([f"{byte:02x}".encode() for byte in range(256)], "S2").view(np.uint16)
"""The two hexadecimal digits of each byte."""

JSON_STRING = r'"(?:[^"\\]|\\.)*"'


def _up_to(bound: str) -> str:
    """A regular expression for the numbers with as many digits as `bound` that aren't greater."""
    least = "1"
    parts = [bound]
    for at, digit in enumerate(bound):
        if digit > least:
            parts.append(f"{bound[:at]}[{least}-{int(digit) - 1}][0-9]{{{len(bound) - at - 1}}}")
        least = "0"
    return "|".join(parts)


JSON_INTEGER = rf"^(?:-?[0-9]{{1,18}}|[0-9]{{19}}|{_up_to(str(2**64 - 1))}|-(?:{_up_to(str(2**63))}))$"
"""Integers that are kept as such."""
JSON_NUMBER = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$"
SUSPECT = r"[1-9](?:\.?[0-9]){15}|[eE][-+]?[0-9]{3}|0{100}"
"""Matches numbers that a double may not hold: it has all numbers of 15 digits, but for the smallest and largest."""
JSON_REASON = "contains a number that the column, which keeps those of JSON as doubles, would change"
TEXT_REASON = "not text that its column's character set {} has"
BEYOND: Mapping[str, str] = {
    "latin1": r"[^\x00-\x7F\x{A0}-\x{FF}]",
    "utf8": r"[\x{10000}-\x{10FFFF}]",
    "utf8mb3": r"[\x{10000}-\x{10FFFF}]",
    "ucs2": r"[\x{10000}-\x{10FFFF}]",
}
"""Character set -> characters that it lacks; in one that isn't named here, all but ASCII are refused."""
COMPLETE = frozenset({"utf8mb4", "utf16", "utf16le", "utf32", "gb18030"})


def text(source: pa.DataType, target: SqlType) -> TextKernel:
    """A string as text of a type's or of a declared length, in bytes or in characters."""
    if target.name in TEXT_BYTES:
        return _text_of_bytes(TEXT_BYTES[target.name])
    most, padded = target.args[0], target.name == "char"

    def encode(array: Column) -> Column:
        strings = strings_of(array)
        if strings.lengths.max() > most:
            characters = values_of(compute.utf8_length(array), strings.lengths.dtype)
            refuse(characters > most, strings.present, f"longer than {most} characters")
        if padded:
            spaced = bits_of(compute.fill_null(compute.ends_with(array, " "), False))
            refuse(spaced, strings.present, f"ends in a space, which {target} doesn't keep")
        return escaped(array)

    return encode


def _text_of_bytes(most: int) -> TextKernel:
    def encode(array: Column) -> Column:
        strings = strings_of(array)
        if strings.lengths.max() > most:
            refuse(strings.lengths > most, strings.present, f"longer than {most} bytes")
        return escaped(array)

    return encode


def enum(source: pa.DataType, target: SqlType) -> TextKernel:
    """A string as a label."""
    labels = pa.array(target.labels, source)

    def encode(array: Column) -> Column:
        known = bits_of(compute.is_in(array, value_set=labels))
        refuse(~known, present_mask(array), f"not a label of {target}")
        return escaped(array)

    return encode


def json(source: pa.DataType, target: SqlType) -> TextKernel:
    """A string of JSON; the server checks that it is JSON."""
    return escaped


def with_json_numbers(kernel: TextKernel) -> TextKernel:
    """The kernel for a server that keeps the numbers of JSON as doubles: it takes none that a double doesn't say again."""

    def encode(array: Any) -> Column:
        plain: Any = array.storage if isinstance(array.type, pa.BaseExtensionType) else array
        plain = plain.cast(pa.large_string())
        suspects = np.flatnonzero(bits_of(compute.fill_null(compute.match_substring_regex(plain, SUSPECT), False)))
        if len(suspects):
            changed = _changed_numbers(compute.take(plain, pa.array(suspects)))
            if len(changed):
                raise Unencodable(suspects[changed], JSON_REASON)
        return kernel(array)

    return encode


def _changed_numbers(texts: Column) -> npt.NDArray[Any]:
    """A mask of the texts with a number that changes when it is read as a double and written again."""
    outside = compute.replace_substring_regex(texts, JSON_STRING, '""')
    words = compute.ascii_split_whitespace(compute.replace_substring_regex(outside, r"[^0-9eE.+-]+", " "))
    numbers, rows = compute.list_flatten(words), compute.list_parent_indices(words)
    for pattern, wanted in ((SUSPECT, True), (JSON_INTEGER, False), (JSON_NUMBER, True)):
        found = compute.match_substring_regex(numbers, pattern)
        numbers, rows = (compute.filter(of, found if wanted else compute.invert(found)) for of in (numbers, rows))
    shortest = numbers.cast(pa.float64()).cast(pa.large_string())
    other = compute.not_equal(numbers, shortest)
    numbers, rows, shortest = (compute.filter(of, other) for of in (numbers, rows, shortest))
    other = compute.not_equal(_digits(numbers), _digits(shortest))
    numbers, rows = (compute.filter(of, other) for of in (numbers, rows))
    # The shortest form isn't the only one that says which double it is: many programs write 17 digits.
    written = pa.array(np.char.mod("%.16e", np.asarray(numbers.cast(pa.float64()))), pa.large_string())
    return np.unique(np.asarray(compute.filter(rows, compute.not_equal(_digits(numbers), _digits(written)))))


def _digits(numbers: Column) -> Column:
    """The digits that count. Two numbers that are near each other are the same if these are."""
    for pattern in (r"[eE].*", r"[-.]", r"^0+", r"0+$"):
        numbers = compute.replace_substring_regex(numbers, pattern, "")
    return numbers


def binary(source: pa.DataType, target: SqlType) -> TextKernel:
    """Bytes; for `binary(n)` exactly n, since the server pads shorter values."""
    exactly = target.args[0] if target.name == "binary" else None
    most = target.args[0] if target.args else BINARY_BYTES[target.name]

    def encode(array: Column) -> Column:
        if pa.types.is_fixed_size_binary(array.type):
            array = array.cast(pa.binary())
        strings = strings_of(array)
        if exactly is not None:
            refuse(strings.lengths != exactly, strings.present, f"not {exactly} bytes long")
        elif strings.lengths.max() > most:
            refuse(strings.lengths > most, strings.present, f"longer than {most} bytes")
        return _hexadecimal(strings.elements.data, strings.elements.offsets, array)

    return encode


def uuid(source: pa.DataType, target: SqlType) -> TextKernel:
    """16 bytes. MariaDB's own type doesn't take all of them (10.11.19, each pair of these two bytes tried).

    It stores the bytes of a UUID in another order where the version, in byte 6, and the variant, in byte 8, are usual ones, and
    refuses those for which the two orders can't be told apart: byte 6 is 80 or more, and byte 8 is 01 to 80 (hexadecimal).
    """
    own_type = target.name == "uuid"
    if not isinstance(source, pa.FixedSizeBinaryType) or source.byte_width != 16 or target.args not in ((), (16,)):
        raise NoEncoding("a uuid has 16 bytes")

    def encode(array: Column) -> Column:
        data = values_of(array, np.dtype((np.void, 16))).view(np.uint8)
        if own_type:
            octets = data.reshape(-1, 16)
            unknown = (octets[:, 6] >= 0x80) & (octets[:, 8] >= 0x01) & (octets[:, 8] <= 0x80)
            refuse(
                unknown,
                present_mask(array),
                "a UUID that MariaDB's type doesn't take: its version is 8 or more, and its variant none",
            )
        return _hexadecimal(data, np.arange(len(array) + 1) * 16, array)

    return encode


def address(source: pa.DataType, target: SqlType) -> TextKernel:
    """An address as its 4 or 16 bytes: the only text that goes into a column of bytes."""
    if target.args != (16,):
        raise NoEncoding("an address is held in varbinary(16)")

    def encode(array: Column) -> Column:
        addresses, v6 = parse_addresses(compute.fill_null(array, "0.0.0.0"))
        kept = np.ones(addresses.shape, np.bool_)
        kept[~v6, 4:] = False
        offsets = np.concatenate([[0], np.cumsum(np.where(v6, 16, 4))])
        return _hexadecimal(addresses[kept], offsets, array)

    return encode


def in_character_set(kernel: TextKernel, collation: str | None) -> TextKernel:
    """The kernel for a column that may have another character set than utf8mb4, which the collation names."""
    name = (collation or "utf8mb4").partition("_")[0]
    if name in COMPLETE:
        return kernel
    lacking = BEYOND.get(name, r"[^\x00-\x7F]")

    def encode(array: Column) -> Column:
        written = kernel(array)
        beyond = bits_of(compute.fill_null(compute.match_substring_regex(written, lacking), False))
        refuse(beyond, None, TEXT_REASON.format(name))
        return written

    return encode


def escaped(array: Column) -> Column:
    """Text with a backslash before each character that isn't itself in a field.

    Positions are found and backslashes inserted with numpy: `replace_substring_regex` reads every byte ten times as long.
    """
    elements = strings_of(array).elements
    first, last = int(elements.offsets[0]), int(elements.offsets[-1])
    data = elements.data[first:last]
    special = data == SPECIAL[0]
    for character in SPECIAL[1:]:
        special |= data == character
    positions = np.flatnonzero(special)
    if not len(positions):
        return array
    offsets = elements.offsets - first
    return _strings(np.insert(data, positions, SPECIAL[2]), offsets + np.searchsorted(positions, offsets), array)


def size_of(array: Any) -> int:
    """Return the number of bytes of all strings together."""
    offsets = strings_of(array).elements.offsets
    return int(offsets[-1] - offsets[0])


def data_of(array: Any) -> pa.Buffer:
    """All strings, one behind the other."""
    elements = strings_of(array).elements
    return arrow_buffer(elements.data[int(elements.offsets[0]) : int(elements.offsets[-1])])


def _hexadecimal(data: npt.NDArray[np.uint8], offsets: npt.NDArray[Any], like: Column) -> Column:
    first, last = int(offsets[0]), int(offsets[-1])
    digits = DIGITS[data[first:last]]
    return _strings(digits.view(np.uint8), (offsets - first) * 2, like)


def _strings(data: npt.NDArray[np.uint8], offsets: npt.NDArray[Any], like: Column) -> Column:
    """The strings that begin at `offsets`, NULL where `like` is."""
    narrow = len(data) < NARROW_LIMIT
    ends = allocate(len(offsets), np.dtype(np.int32 if narrow else np.int64))
    ends[:] = offsets
    kind: Any = pa.string() if narrow else pa.large_string()
    buffers: Any = [None, arrow_buffer(ends), arrow_buffer(np.ascontiguousarray(data))]
    if like.null_count:
        buffers[0] = cast_bits(like)
    made: Column = pa.Array.from_buffers(kind, len(like), buffers)
    return made


def cast_bits(array: Any) -> pa.Buffer:
    """The validity bits of the values, from the first on."""
    valid: Any = compute.is_valid(array)
    packed = np.packbits(bits_of(valid), bitorder="little")
    return arrow_buffer(packed)
