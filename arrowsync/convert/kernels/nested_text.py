"""Text of JSON, and PostgreSQL's text of an array, becomes lists and structs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import pyarrow as pa
from pyarrow import types

from arrowsync.convert.arrays import (
    Column,
    Converted,
    Failure,
    Kernel,
    Mask,
    Numbers,
    blank,
    buffer_of,
    compute,
    is_valid,
    mask_array,
    mask_of,
    scatter,
    take,
    text_bytes,
    text_offsets,
)
from arrowsync.convert.kernels.json import text_to_json
from arrowsync.convert.kernels.nested import KernelFor, nested_kernel, of_rows
from arrowsync.declare.spec import ColumnSpec

Notation: TypeAlias = Literal["json", "postgres"]

_OPEN, _CLOSE, _COMMA, _COLON = 1, 2, 3, 4
_QUOTE, _BACKSLASH = ord('"'), ord("\\")


def _table(characters: Mapping[str, int]) -> Numbers:
    table = np.zeros(256, np.uint8)
    for character, kind in characters.items():
        table[ord(character)] = kind
    return table


_STRUCTURE: Mapping[Notation, Numbers] = {
    "json": _table({"[": _OPEN, "{": _OPEN, "]": _CLOSE, "}": _CLOSE, ",": _COMMA, ":": _COLON}),
    "postgres": _table({"{": _OPEN, "}": _CLOSE, ",": _COMMA}),
}
_BLANKS = _table(dict.fromkeys(" \t\n\r\v\f", 1)).astype(np.bool_)
_MEANINGS = np.arange(256, dtype=np.uint8)
_MEANINGS[[ord(letter) for letter in "bfnrt"]] = list(b"\b\f\n\r\t")
_HEX = _table({letter: int(letter, 16) for letter in "0123456789abcdefABCDEF"}).astype(np.uint32)


def _pg_array(levels: int) -> str:
    scalar = r'"(?:[^"\\]|\\.)*"|[^"{},\\\s]+'
    element, array = scalar, ""
    for _ in range(levels):
        array = rf"\{{(?:(?:{element})(?:,(?:{element}))*)?\}}"
        element = f"{scalar}|{array}"
    return f"(?s)^{array}$"


PG_ARRAY = _pg_array(3)
"""Matches PostgreSQL's text of an array of up to three dimensions."""


@dataclass(frozen=True, slots=True)
class Items:
    """The items of lists or objects, in order: which of the values each is in, its text, and in an object its quoted key.

    Around the text there are the blanks that JSON has there.
    """

    rows: Numbers
    texts: Column
    keys: Column | None = None


def items_of(values: Column, notation: Notation, *, keyed: bool = False) -> Items:
    """The items of values of one notation, none of them NULL, all lists or (`keyed`) all objects."""
    data = text_bytes(values)
    solid = np.concatenate([[0], np.cumsum(~_BLANKS[data])])
    kinds = _STRUCTURE[notation][data]
    places = np.flatnonzero((kinds != 0) & ~_inside_strings(data))
    kinds = kinds[places]
    depth = np.cumsum((kinds == _OPEN).astype(np.int32) - (kinds == _CLOSE))
    edges = ((kinds == _OPEN) | (kinds == _COMMA)) & (depth == 1) | (kinds == _CLOSE) & (depth == 0)
    bounds, sorts = places[edges], kinds[edges]
    # An item is what stands between two neighbouring bounds, the first of which isn't an end; "[]" has none.
    starts, ends = bounds[:-1] + 1, bounds[1:]
    held = (sorts[:-1] != _CLOSE) & ~((sorts[:-1] == _OPEN) & (sorts[1:] == _CLOSE) & (solid[starts] == solid[ends]))
    rows = (np.cumsum(sorts == _OPEN) - 1)[:-1][held]
    starts, ends = starts[held], ends[held]
    if not keyed:
        return Items(rows, _slices(values, starts, ends))
    colons = places[(kinds == _COLON) & (depth == 1)]
    return Items(rows, _slices(values, colons + 1, ends), trimmed(_slices(values, starts, colons)))


def trimmed(texts: Column) -> Column:
    """The texts without blanks at their ends."""
    data = text_bytes(texts)
    if not len(data) or int(data.min()) > ord(" "):
        return texts
    return cast("Column", compute.ascii_trim_whitespace(texts))


def unquote(values: Column, notation: Notation) -> Column:
    """The text that quoted strings mean; for values none of which is NULL, and all of which are quoted."""
    offsets = text_offsets(values) - text_offsets(values)[0]
    plain = _slices(values, offsets[:-1].astype(np.int64) + 1, offsets[1:].astype(np.int64) - 1)
    data = text_bytes(plain)
    leads = _leads(np.flatnonzero(data == _BACKSLASH))
    if not len(leads):
        return plain
    result, keep = data.copy(), np.ones(len(data), np.bool_)
    keep[leads] = False
    if notation == "json":
        result[leads + 1] = _MEANINGS[data[leads + 1]]
        _spell_units(data, leads[data[leads + 1] == ord("u")], result, keep)
    return _kept(plain, result, keep)


def _spell_units(data: Numbers, leads: Numbers, result: Numbers, keep: Mask) -> None:
    """Put the UTF-8 of `\\uXXXX` into the place of these escapes, of two that are a surrogate pair into that of the first."""
    if not len(leads):
        return
    digits = _HEX[data[leads[:, None] + np.arange(2, 6)]]
    points = (digits << np.array([12, 8, 4, 0], np.uint32)).sum(axis=1).astype(np.int64)
    low = (points >> 10) == 0xDC00 >> 10
    first = np.flatnonzero((points >> 10) == 0xD800 >> 10)
    points[first] = 0x10000 + ((points[first] - 0xD800) << 10) + points[first + 1] - 0xDC00
    for place in range(6):
        keep[leads + place] = False
    leads, points = leads[~low], points[~low]
    sizes = 1 + (points >= 0x80) + (points >= 0x800) + (points >= 0x10000)
    for size, mark in ((1, 0), (2, 0xC0), (3, 0xE0), (4, 0xF0)):
        at, left = leads[sizes == size], points[sizes == size]
        for place in range(size):
            bits = left >> 6 * (size - 1 - place)
            result[at + place] = bits | mark if place == 0 else bits & 0x3F | 0x80
            keep[at + place] = True


def _inside_strings(data: Numbers) -> Mask:
    """True from each opening quote to before the closing one."""
    quotes = data == _QUOTE
    quotes[_leads(np.flatnonzero(data == _BACKSLASH)) + 1] = False
    return (np.cumsum(quotes, dtype=np.uint8) & 1).view(np.bool_)


def _leads(marks: Numbers) -> Numbers:
    """The places of backslashes that begin an escape: the first, third and so on of a run."""
    if not len(marks):
        return marks
    position = np.arange(len(marks))
    begins = np.ones(len(marks), np.bool_)
    begins[1:] = np.diff(marks) != 1
    first = np.maximum.accumulate(np.where(begins, position, 0))
    leads: Numbers = marks[(position - first) % 2 == 0]
    return leads


def _kept(values: Column, data: Numbers, keep: Mask) -> Column:
    """`values` with these bytes, without those that aren't to be kept."""
    ends = np.concatenate([[0], np.cumsum(keep)])
    offsets = ends[text_offsets(values) - text_offsets(values)[0]].astype(np.int32)
    kept: Any = pa.array(data).filter(pa.array(keep))
    return pa.Array.from_buffers(pa.string(), len(values), [None, buffer_of(offsets), kept.buffers()[1]])


def _slices(values: Column, starts: Numbers, ends: Numbers) -> Column:
    """Pieces of the bytes of `values`, none of which overlaps the next, as text."""
    if not len(starts):
        return pa.array([], pa.string())
    offsets = np.stack([starts, ends], axis=1).astype(np.int32)
    pieces = [None, buffer_of(offsets), buffer_of(text_bytes(values))]
    both: Column = pa.Array.from_buffers(pa.string(), offsets.size - 1, pieces)
    return take(both, np.arange(0, offsets.size, 2))


_LIST_HINT = "write lists as JSON, [1, 2], or as PostgreSQL prints arrays, {1,2}"
_STRUCT_HINT = 'write structs as JSON, {"name": 1}'
_BARE_HINT = "numbers and booleans have no quotes in JSON"
_QUOTED_HINT = "text, dates, UUIDs and the like have quotes in JSON"
_STRING = pa.string()

Rule: TypeAlias = Callable[[Column, ColumnSpec], Converted]


def nested_from_text(column: ColumnSpec, kernel_for: KernelFor) -> Kernel | None:
    """The kernel from text to a declared list or struct; None if no text becomes the inner type."""
    if column.element is not None:
        convert = nested_kernel(pa.list_(_STRING), column, kernel_for)
        return convert and partial(_parsed, parse=_parse_lists, column=column, convert=convert)
    assert column.struct is not None, "a nested column is a list or a struct"
    convert = nested_kernel(pa.struct([(m.name, _STRING) for m in column.struct.members]), column, kernel_for)
    return convert and partial(_parsed, parse=_parse_structs, column=column, convert=convert)


def _parsed(values: Column, *, parse: Rule, column: ColumnSpec, convert: Kernel) -> Converted:
    return parse(values, column).then(convert)


def _parse_lists(values: Column, column: ColumnSpec) -> Converted:
    """Lists of text."""
    assert column.element is not None, "the column is a list"
    arrays = mask_of(compute.starts_with(values, "{"))
    json, failures = _json_of_kind(values, is_valid(values) & ~arrays, "[", "not a list", _LIST_HINT)
    good = np.flatnonzero(arrays)
    if len(good):
        fits = mask_of(compute.match_substring_regex(take(values, good), PG_ARRAY))
        failures.append(Failure(scatter(good, ~fits, len(values)), "not an array like {1,2}", _LIST_HINT))
        good = good[fits]
    rows: list[Numbers] = []
    texts: list[Column] = []
    parts: tuple[tuple[Numbers, Notation], ...] = ((json, "json"), (good, "postgres"))
    for positions, notation in parts:
        if len(positions):
            items = items_of(take(values, positions), notation)
            decoded = _decoded(items.texts, column.element, notation)
            rows.append(positions[items.rows])
            texts.append(decoded.values)
            failures += [of_rows(failure, rows[-1], len(values), "an element") for failure in decoded.failures]
    row = np.concatenate([np.empty(0, np.int64), *rows])
    elements = pa.concat_arrays([pa.array([], _STRING), *texts])
    if len(texts) > 1:
        order = np.argsort(row, kind="stable")
        row, elements = row[order], take(elements, order)
    ends = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(values)))])
    lists: Any = pa.ListArray
    missing = _but(np.concatenate([json, good]), len(values))
    built: Column = lists.from_arrays(pa.array(ends, pa.int32()), elements, mask=missing)
    return _without_failed(built, failures)


def _parse_structs(values: Column, column: ColumnSpec) -> Converted:
    """Structs of text, with the declared members; NULL for one that the text lacks."""
    assert column.struct is not None, "the column is a struct"
    members = column.struct.members
    good, failures = _json_of_kind(values, is_valid(values), "{", "not a JSON object", _STRUCT_HINT)
    items = items_of(take(values, good), "json", keyed=True)
    assert items.keys is not None, "objects have keys"
    rows = good[items.rows]
    found: Any = compute.index_in(unquote(items.keys, "json"), value_set=pa.array([m.name for m in members], _STRING))
    member = np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)
    name = column.struct.name
    failures.append(_among(rows[member < 0], len(values), f"contains a member that {name} doesn't declare"))
    cells, counts = np.unique((rows * len(members) + member)[member >= 0], return_counts=True)
    failures.append(_among(cells[counts > 1] // len(members), len(values), "contains a member twice"))
    columns: list[Column] = []
    for index, each in enumerate(members):
        mine = np.flatnonzero(member == index)
        decoded = _decoded(take(items.texts, mine), each, "json")
        failures += [
            of_rows(failure, rows[mine], len(values), f"a member {each.name!r}") for failure in decoded.failures
        ]
        place = np.full(len(values), -1)
        place[rows[mine]] = np.arange(len(mine))
        positions: Any = pa.array(place, mask=place < 0)
        columns.append(decoded.values.take(positions))
    structs: Any = pa.StructArray
    missing = _but(good, len(values))
    return _without_failed(structs.from_arrays(columns, names=[each.name for each in members], mask=missing), failures)


def _json_of_kind(values: Column, asked: Mask, bracket: str, reason: str, hint: str) -> tuple[Numbers, list[Failure]]:
    """A mask of the rows asked for that are JSON and begin with this bracket, and the fault of the others."""
    rows = np.flatnonzero(asked)
    checked = text_to_json(take(values, rows), ColumnSpec("", _STRING))
    failures = [Failure(scatter(rows, f.mask, len(values)), f.reason, f.hint) for f in checked.failures]
    begins = mask_of(compute.match_substring_regex(checked.values, rf"^[ \t\r\n]*\{bracket}"))
    wrong = is_valid(checked.values) & ~begins
    failures.append(Failure(scatter(rows, wrong, len(values)), reason, hint))
    return rows[begins], failures


def _but(rows: Numbers, length: int) -> pa.BooleanArray:
    """A mask: True but for these rows."""
    return mask_array(~scatter(rows, np.ones(len(rows), np.bool_), length))


def _among(rows: Numbers, length: int, reason: str) -> Failure:
    return Failure(scatter(rows, np.ones(len(rows), np.bool_), length), reason, "mend the text, or the declaration")


def _without_failed(values: Column, failures: list[Failure]) -> Converted:
    """The values, NULL where a failure hits."""
    hits = tuple(failure for failure in failures if failure.mask.any())
    if not hits:
        return Converted(values)
    return Converted(blank(values, np.logical_or.reduce([failure.mask for failure in hits])), hits)


# ---- one item -----------------------------------------------------------------------------------------------------------


def _decoded(texts: Column, column: ColumnSpec, notation: Notation) -> Converted:
    """The text that the rules convert: without quotes, NULL for `null`; a list, struct or JSON inside stays as it is."""
    given, texts = texts, trimmed(texts)
    null = mask_of(compute.equal(texts, "null" if notation == "json" else "NULL"))
    quoted = mask_of(compute.starts_with(texts, '"'))
    failures: list[Failure] = []
    if notation == "json":
        kind = column.type
        if isinstance(kind, pa.JsonType):
            quoted[:] = False
            texts = given
            null &= column.nullable  # elsewhere it is the null of JSON
        elif column.element is not None or column.struct is not None:
            quoted[:] = False
        elif types.is_boolean(kind) or types.is_integer(kind):
            failures.append(Failure(quoted, "a JSON string, where a bare value is expected", _BARE_HINT))
        elif not (types.is_floating(kind) or types.is_decimal(kind)):
            failures.append(Failure(~quoted & ~null, "not a JSON string", _QUOTED_HINT))
    rows = np.flatnonzero(quoted)
    if len(rows):
        plain = unquote(take(texts, rows), notation)
        place = np.arange(len(texts))
        place[rows] = len(texts) + np.arange(len(rows))
        texts = plain if len(rows) == len(texts) else take(pa.concat_arrays([texts, plain]), place)
    return _without_failed(blank(texts, null) if null.any() else texts, failures)
