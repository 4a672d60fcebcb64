r"""`compile_text`: record batches of any types become batches of text, for formats that hold nothing else.

The rules to text are those of `rules`, except that bytes are `\x` and hexadecimal digits whatever they hold, that NaN and
infinity are `nan` and `inf`, and that text may hold a NUL character. Lists and structs are JSON, in which whatever isn't a
finite number, a boolean or JSON itself is a string. What is written here is read back by the rules from text. To add a
type: its rule to text, or a case in `_text_kernel`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pyarrow as pa
from pyarrow import types

from arrowsync.convert.arrays import (
    Column,
    Converted,
    Kernel,
    compute,
    is_valid,
    mask_array,
    mask_of,
    numbers,
    record_batch,
    text_bytes,
)
from arrowsync.convert.kernels.identifiers import hex_text
from arrowsync.convert.kernels.nested import is_any_list, of_rows
from arrowsync.convert.kernels.numbers import number_to_text
from arrowsync.convert.kernels.text import text_to_text
from arrowsync.convert.layouts import plain_type, through
from arrowsync.convert.rejects import Checked, conversion_error
from arrowsync.convert.rules import RULES, Family, family_of
from arrowsync.declare.spec import ColumnSpec
from arrowsync.errors import ConversionError

_TEXT = ColumnSpec("", pa.string(), nullable=True)
_AS_TEXT = {Family.STRING: text_to_text, Family.FLOAT: number_to_text}
"""The rules in place of those of `rules`: NaN and infinity are written as `nan` and `inf`, which are read back as floats."""
_BARE = {Family.BOOL, Family.INT, Family.DECIMAL, Family.JSON}
"""The families whose values are the same in JSON as in text."""


@dataclass(frozen=True, slots=True)
class TextConverter:
    """A reusable function from a batch of some types to a batch of text columns of the same names."""

    schema: pa.Schema
    _data: pa.Schema = field(repr=False)
    _kernels: tuple[Kernel, ...] = field(repr=False)

    def __call__(self, batch: pa.RecordBatch, first_row: int = 0) -> pa.RecordBatch:
        """`batch` as text, or a `ConversionError`; `first_row` is the position of its first row in the whole input."""
        checked = [
            Checked(ColumnSpec(name, pa.string()), values, kernel(values))
            for name, values, kernel in zip(self.schema.names, cast("Any", batch).columns, self._kernels, strict=True)
        ]
        failed = [each for each in checked if each.outcome.failures]
        if failed:
            raise conversion_error(failed, first_row)
        return record_batch([each.outcome.values for each in checked], self.schema)


def compile_text(schema: pa.Schema, *, source: str = "the data") -> TextConverter:
    """The converter of batches of `schema`; a `ConversionError` for a column whose values have no text."""
    kernels: list[Kernel] = []
    for name, kind in zip(schema.names, cast("Iterable[Any]", schema.types), strict=True):
        kernel = _text_kernel(kind)
        if kernel is None:
            raise ConversionError(
                f"column {name!r} of {source}: {kind} has no form as text",
                column=name,
                reason=f"{kind} has no form as text",
                hint="cast it to another type, or drop the column",
            )
        kernels.append(kernel)
    return TextConverter(pa.schema([(name, pa.string()) for name in schema.names]), schema, tuple(kernels))


def _text_kernel(kind: pa.DataType) -> Kernel | None:
    if types.is_null(kind):
        return lambda values: Converted(pa.nulls(len(values), pa.string()))
    if types.is_nested(kind) and not types.is_run_end_encoded(kind):
        return _list_kernel(kind) if is_any_list(kind) else _struct_kernel(kind) if types.is_struct(kind) else None
    plain = plain_type(kind)
    family = family_of(plain)
    if family is None:
        return None
    if family is Family.BINARY:
        return lambda values: through(lambda plain: Converted(hex_text(plain)), values)
    rule = _AS_TEXT.get(family) or RULES[family, Family.STRING]
    return lambda values: through(lambda plain: rule(plain, _TEXT), values)


def _json_kernel(kind: pa.DataType) -> Kernel | None:
    """The kernel of the values inside of a list or struct; NULL is still NULL."""
    kernel = _text_kernel(kind)
    if kernel is None or (types.is_nested(kind) and not types.is_run_end_encoded(kind)):
        return kernel
    family = family_of(plain_type(kind))
    if family in _BARE:
        return kernel
    spell = _number_or_string if family is Family.FLOAT else _quoted
    return lambda values: kernel(values).then(lambda text: Converted(spell(text)))


def _list_kernel(kind: Any) -> Kernel | None:
    inner = _json_kernel(kind.value_type)
    if inner is None:
        return None

    def convert(values: Column) -> Converted:
        lengths = numbers(compute.fill_null(compute.list_value_length(values), 0).cast(pa.int64()))
        outcome = inner(compute.list_flatten(values))
        ends = np.concatenate([[0], np.cumsum(lengths)])
        lists: Any = pa.ListArray
        items = lists.from_arrays(
            pa.array(ends, pa.int32()), outcome.values.fill_null("null"), mask=mask_array(~is_valid(values))
        )
        text = compute.binary_join_element_wise("[", compute.binary_join(items, ","), "]", "")
        rows = np.repeat(np.arange(len(values)), lengths)
        return Converted(text, tuple(of_rows(each, rows, len(values), "an element") for each in outcome.failures))

    return convert


def _struct_kernel(kind: Any) -> Kernel | None:
    steps: list[tuple[str, Kernel]] = []
    for member in (kind.field(index) for index in range(kind.num_fields)):
        inner = _json_kernel(member.type)
        if inner is None:
            return None
        steps.append((member.name, inner))

    def convert(values: Column) -> Converted:
        rows = np.flatnonzero(is_valid(values))
        whole: Any = values if len(rows) == len(values) else values.filter(values.is_valid())
        parts: list[Any] = []
        failures: list[Any] = []
        for name, kernel in steps:
            outcome = kernel(compute.struct_field(whole, name))
            parts += [
                f"{',' if parts else '{'}{json.dumps(name, ensure_ascii=False)}:",
                outcome.values.fill_null("null"),
            ]
            failures += [of_rows(each, rows, len(values), f"a member {name!r}") for each in outcome.failures]
        if not steps:
            parts = [pa.repeat("{", len(whole))]
        text = compute.binary_join_element_wise(*parts, "}", "")
        if len(rows) < len(values):
            positions = np.cumsum(is_valid(values)) - 1
            text = text.take(pa.array(positions, mask=~is_valid(values)))
        return Converted(text, tuple(failures))

    return convert


def _number_or_string(text: Column) -> Column:
    """A finite float bare, another one as a string."""
    odd = compute.match_substring_regex(text, "[a-z]$")
    return cast("Column", compute.if_else(odd, _quoted(text), text)) if mask_of(odd).any() else text


def _quoted(text: Column) -> Column:
    """Text as a JSON string."""
    present = np.flatnonzero(np.bincount(text_bytes(text), minlength=256))
    for byte in (ord("\\"), *(code for code in map(int, present) if code < ord(" ") or code == ord('"'))):
        if byte in present:
            escaped = json.dumps(chr(byte))[1:-1]
            text = compute.replace_substring(text, chr(byte), escaped)
    return cast("Column", compute.binary_join_element_wise('"', text, '"', ""))
