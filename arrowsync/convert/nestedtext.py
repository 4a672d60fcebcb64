r"""Text of JSON, and what PostgreSQL prints for an array, becomes lists and structs.

The text is taken apart (`items`) into a list or a struct of text, which the kernels of `nested` convert element by element
with the rules for text. In JSON, `[1, 2]` and `{"a": 1}`, whatever isn't a number, a boolean or JSON itself is a string; a float
may be one, for JSON has no NaN. In PostgreSQL's `{1,2,NULL}` anything may be quoted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

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
    compute,
    is_valid,
    mask_array,
    mask_of,
    scatter,
    take,
)
from arrowsync.convert.items import PG_ARRAY, Notation, items_of, trimmed, unquote
from arrowsync.convert.jsontext import text_to_json
from arrowsync.convert.nested import KernelFor, nested_kernel, of_rows
from arrowsync.declare.spec import ColumnSpec

_LIST_HINT = "write lists as JSON, [1, 2], or as PostgreSQL prints arrays, {1,2}"
_STRUCT_HINT = 'write structs as JSON, {"name": 1}'
_BARE_HINT = "numbers and booleans have no quotes in JSON"
_QUOTED_HINT = "text, dates, UUIDs and the like have quotes in JSON"
_STRING = pa.string()

Rule: TypeAlias = Callable[[Column, ColumnSpec], Converted]


def nested_from_text(column: ColumnSpec, kernel_for: KernelFor) -> Kernel | None:
    """The kernel from text to a declared list or struct, or None where no text becomes what is inside."""
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
    """Which of the rows asked for are JSON that begins with this bracket, and what is wrong with the others."""
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
