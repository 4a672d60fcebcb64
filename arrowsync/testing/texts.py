r"""Awkward text, bytes, JSON and IP addresses.

Text that is distinct ends in a code of characters which no engine takes for one another, nor drops: different text stays
different where trailing spaces don't count (PAD SPACE), but not where case and accents don't.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pyarrow as pa

from arrowsync.declare.spec import IpVersion
from arrowsync.testing.draws import ALL, Numbers, mix
from arrowsync.testing.values import Column, Values, composed, compute, from_data, take, whole

LONGEST = 4_000
"""The greatest length of values if `max_length` allows more."""

_DIGITS = "0123456789abcdeABCDE'\"`\\%_;,$&<>/{}|~éÉèßœŒıİñÆ\u0301日本語한อאםعي😀🚀\U0001d4b3👍ẞΩω"
_CODE = 6  # digits: 64**6 texts
_SHORT = (
    "",
    "NULL",
    "\\N",
    "null",
    "NaN",
    "0",
    "'",
    "''",
    '"',
    "\\",
    "\\\\",
    "%s",
    "--",
    "a",
    "A",
    "é",
    "e\u0301",
    "😀",
    "שלום",
)
_BEFORE = (
    "",
    "",
    "",
    "",
    "Anna ",
    "O'Brien ",
    " leading",
    "two\nlines ",
    "a\tb",
    "\r\n",
    "\\.\n",
    "مرحبا ",
    "👨‍👩‍👧‍👦",
    '"a","b"',
)
_KEY_FILL = 200  # characters: what the index of every engine takes
_TWINS = (
    " ",
    "   ",
    "a ",
    " a",
    "a\t",
    "\t",
    "\n",
    "\r\n",
    "\\n",
    "\\t",
    "true",
    "1e5",
    "-0",
    "2024-02-30",
    "'; DROP TABLE students; --",
    "$1 %s ? :name {name} ${name}",
    "<b>&amp;</b>",
    '{"a": "b"}',
    "a,b;c|d",
    '"quoted"',
    "back\\slash\\",
    "Ω\u2126K\u212a",
    "ﬁ ﬂ",
    "\u0131 İ i I",
    "\u202eright to left\u202c",
    "مرحبا بالعالم",
    "日本語テキスト",
    "👨‍👩‍👧‍👦🏳️‍🌈",
    "\ufeffbom",
    "\u200b",
    "\u00a0",
    "\u0301 alone",
    "\x01\x1f\x7f\x85",
    "\u2028\u2029",
    "\uffff\U0010ffff",
)


def text_values(limit: int | None) -> Values:
    """Text of at most `limit` characters."""
    room = LONGEST if limit is None else limit
    digits = min(_CODE, room)
    fill = room - digits
    before = [text for text in _BEFORE if len(text) <= fill]
    twins = [text for text in _TWINS if len(text) <= room]
    if limit is not None and limit <= LONGEST:
        before += ["é" * fill] * (fill <= _KEY_FILL)
        twins += ["x" * limit, "😀" * limit, " " * limit]
    else:
        twins += ["x" * LONGEST, "😀" * LONGEST]
    prefixes = pa.array(before, pa.string())

    def others(numbers: Numbers) -> Column:
        start = take(prefixes, mix(1, numbers) % np.uint64(len(before)))
        result: Column = compute.binary_join_element_wise(start, *_spell(numbers, digits), "")
        return result

    # Shorter than the code, so equal to nothing that ends in one.
    short = pa.array([text for text in _SHORT if len(text) < digits], pa.string())
    return composed(short, others, 64**digits, pa.array(twins, pa.string()))


def _spell(numbers: Numbers, digits: int) -> list[Column]:
    """The last digits of numbers to the base of 64, as pieces of text of one or two characters."""
    parts: list[Column] = []
    while digits:
        step = min(digits, 2)
        parts.append(take(_codes(step), numbers % np.uint64(64**step)))
        numbers = numbers // np.uint64(64**step)
        digits -= step
    return parts


@cache
def _codes(length: int) -> Column:
    return pa.array([*_DIGITS] if length == 1 else [a + b for a in _DIGITS for b in _DIGITS], pa.string())


def binary_values(limit: int | None) -> Values:
    """Binary values of at most `limit` bytes. Distinct values end in 8 bytes that differ, or fewer if there is no room."""
    room = LONGEST if limit is None else limit
    code = min(8, room)
    fill = room - code
    before = [each for each in (b"", b"", b"\0", b"\xff\xfe", b"\\x", b"'", b"\x89PNG\r\n\x1a\n") if len(each) <= fill]
    before += [b"\0" * fill] * (limit is not None and fill <= _KEY_FILL)
    twins = [b" ", b"\\", b"\\N", b"\0 ", b"text", b"\xf0\x9f\x98\x80", b"\xff" * 3, bytes(range(256)), b"\0" * 1000]
    twins += [b"\xff" * min(room, LONGEST), b"\0" * min(room, LONGEST)]
    prefixes = pa.array(before, pa.binary())

    def others(numbers: Numbers) -> Column:
        data = mix(2, numbers) if code == 8 else numbers
        cut = data.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :code]
        tail = from_data(cut, pa.binary(code))
        start = take(prefixes, mix(3, numbers) % np.uint64(len(before)))
        result: Column = compute.binary_join_element_wise(start, tail.cast(pa.binary()), b"")
        return result

    short = pa.array([each for each in (b"", b"\0", b"'", b"\0\0", b"NULL") if len(each) < code], pa.binary())
    fitting = [each for each in twins if len(each) <= room]
    return composed(short, others, min(256**code, ALL - 1_000), pa.array(fitting, pa.binary()))


_DOCUMENTS = (
    "{}",
    "[]",
    '""',
    "true",
    "false",
    "-0.5",
    "1e-7",
    "9007199254740993",
    "-9223372036854775808",
    '{"": ""}',
    "[null]",
    '{"a": null}',
    "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]",
    '{"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}}',
    ' [ 1 ,\n\t2.5 , { "b" : [ ] } ] ',
    r'"quote \" backslash \\ slash \/ control \b\f\n\r\t\u0001 é \u00e9"',
    r'"\ud83d\ude00 😀 \u2028"',
    '"\u2028 שלום 日本語"',
    '"NULL"',
    r'"\\N"',
    '"\'; DROP TABLE students; --"',
    '{"z": 1, "a": 2, "A": 3, "é": 4, "key with spaces": 5, "$.path[0]": 6}',
    '[true, false, null, 0, "0", 0.0, {}, []]',
)
_AROUND = (
    ("", ""),
    ("-1", ".25"),
    ('"text ', '"'),
    ("[", "]"),
    ("[null, ", ', {"x": []}]'),
    ('{"id": ', "}"),
    ('{"id": ', ', "name": "O\'Brien \\"B\\" 😀", "tags": ["a", "b\\n"], "nested": {"deep": [1, [2, [3]]]}}'),
    ('{"n": {"x": ', "}}"),
)


def json_values() -> Values:
    """JSON texts of every shape but a lone `null`, which is a NULL."""
    before, after = (pa.array([pair[side] for pair in _AROUND], pa.string()) for side in (0, 1))

    def others(numbers: Numbers) -> Column:
        shape = numbers % np.uint64(len(_AROUND))
        digits = pa.array(numbers // np.uint64(len(_AROUND)) + np.uint64(10)).cast(pa.string())
        result: Column = compute.binary_join_element_wise(take(before, shape), digits, take(after, shape), "")
        return result

    return composed(pa.array(_DOCUMENTS, pa.string()), others, 1 << 40)


_V4 = (0, 0xFFFFFFFF, 0x7F000001, 0x0A000000, 0xC0A80001, 0xE0000001, 0x01020304)
# Written as RFC 5952 says. None in ::/96 or ::ffff:0:0/96, whose spelling differs from engine to engine, but :: and ::1.
_V6 = (
    "::",
    "::1",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "1::",
    "fe80::1",
    "2001:db8::1:0:0:1",
    "2001:db8:0:1:1:1:1:1",
    "0:1:1:1:1:1:1:1",
    "64:ff9b::102:304",
)
_NETWORKS = ("2001:db8:", "fe80:", "ff02:", "2001:db8:1:2:3", "fd00:0:1:0:1", "2a00:1450:4001:80f:1")


def address_values(version: IpVersion) -> Values:
    """IP addresses in their canonical spelling."""
    if version == "4":
        return whole(0, (1 << 32) - 1, _V4, _dotted)
    if version == "6":
        return composed(pa.array(_V6, pa.string()), _colons, 65535**3)
    kinds: Sequence[Values] = (address_values("4"), address_values("6"))

    def either(numbers: Numbers) -> Column:
        halves = [kind.nth(numbers // np.uint64(2)) for kind in kinds]
        result: Column = compute.if_else(pa.array(numbers % np.uint64(2) == 0), *halves)
        return result

    return Values(either, 2 * kinds[0].size, 2 * min(kind.awkward for kind in kinds))


def _dotted(numbers: Numbers) -> Column:
    parts = [take(_decimals(), numbers >> np.uint64(shift) & np.uint64(255)) for shift in (24, 16, 8, 0)]
    result: Column = compute.binary_join_element_wise(*parts, ".")
    return result


def _colons(numbers: Numbers) -> Column:
    """A network, then three groups, none of them 0."""
    network = take(pa.array(_NETWORKS, pa.string()), mix(4, numbers) % np.uint64(len(_NETWORKS)))
    groups = [take(_hexadecimals(), numbers // np.uint64(65535**site) % np.uint64(65535)) for site in range(3)]
    result: Column = compute.binary_join_element_wise(network, *groups, ":")
    return result


@cache
def _decimals() -> Column:
    return pa.array([str(number) for number in range(256)], pa.string())


@cache
def _hexadecimals() -> Column:
    return pa.array([f"{number:x}" for number in range(1, 65536)], pa.string())
