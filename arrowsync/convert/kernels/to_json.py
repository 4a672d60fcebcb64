r"""The kernel from lists, structs and maps to JSON: text that is put together column by column.

A list becomes `[1,2]`, a struct an object of all its members, a map an object of its entries; NULL inside is `null`. Booleans
and numbers stand as they are, whatever else has a text of its own in quotes, as `nested_text` reads it back. To take in another
type, give it a rule to text in `rules`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa
from pyarrow import types

from arrowsync.convert.arrays import Column, Converted, Failure, Kernel, compute, is_valid, mask_of, refuse, text_bytes
from arrowsync.convert.kernels.json import text_to_json
from arrowsync.convert.kernels.nested import KernelFor, is_any_list, of_rows
from arrowsync.convert.kernels.numbers import number_to_text
from arrowsync.convert.layouts import plain_type, through
from arrowsync.declare.spec import ColumnSpec

Writer: TypeAlias = Callable[["Column"], "Converted"]
"""From values of a type to their JSON, NULL where they are."""

_TEXT = ColumnSpec("", pa.string(), nullable=True)
_JSON = ColumnSpec("", pa.json_(), nullable=True)
_NOT_FINITE = "NaN or infinity, which JSON has no number for"
_NOT_FINITE_HINT = "replace it by NULL, or declare the column with members of its own"


def nested_to_json(source: pa.DataType, kernel_for: KernelFor) -> Callable[[Column, ColumnSpec], Converted] | None:
    """The rule from a nested type to JSON; None where there is something in it that has no text."""
    plain = plain_type(source)
    write = _nested_writer(plain, kernel_for)
    if write is None:
        return None
    return lambda values, column: write(values).then(lambda texts: text_to_json(texts, column))


def _writer(source: pa.DataType, kernel_for: KernelFor) -> Writer | None:
    plain = plain_type(source)
    if types.is_nested(plain):
        write = _nested_writer(plain, kernel_for)
        return write and (lambda values: through(write, values))
    if isinstance(plain, pa.JsonType):
        return _from_json(kernel_for(source, _JSON))
    if types.is_floating(plain):
        return lambda values: through(lambda numbers: number_to_text(numbers, _TEXT).then(_finite), values)
    kernel = None if types.is_binary(plain) else kernel_for(source, _TEXT)
    if kernel is None:
        return None
    if types.is_null(plain) or types.is_boolean(plain) or types.is_integer(plain) or types.is_decimal(plain):
        return kernel
    return lambda values: kernel(values).then(lambda texts: Converted(_quoted(texts)))


def _nested_writer(plain: Any, kernel_for: KernelFor) -> Writer | None:
    if types.is_map(plain):
        return _map_writer(plain, kernel_for)
    if is_any_list(plain):
        element = _writer(plain.value_type, kernel_for)
        return element and (lambda values: _joined(values, element, "[]"))
    if types.is_struct(plain):
        return _struct_writer(plain, kernel_for)
    return None


def _from_json(kernel: Kernel | None) -> Writer | None:
    if kernel is None:
        return None

    def write(values: Column) -> Converted:
        outcome = kernel(values)
        return Converted(cast(Any, outcome.values).storage, outcome.failures)

    return write


def _joined(values: Column, element: Writer, brackets: str) -> Converted:
    """Join the elements of lists with commas."""
    lengths = np.asarray(compute.fill_null(compute.list_value_length(values), 0).cast(pa.int64()))
    outcome = element(compute.list_flatten(values))
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    lists = cast(Any, pa.ListArray).from_arrays(offsets, compute.fill_null(outcome.values, "null"))
    whole = compute.binary_join_element_wise(brackets[0], compute.binary_join(lists, ","), brackets[1], "")
    rows = np.repeat(np.arange(len(values)), lengths)
    failures = [of_rows(failure, rows, len(values), "an element") for failure in outcome.failures]
    return refuse(_null_like(whole, values), *failures)


def _struct_writer(plain: Any, kernel_for: KernelFor) -> Writer | None:
    fields: list[Any] = [plain.field(number) for number in range(plain.num_fields)]
    writers = [_writer(field.type, kernel_for) for field in fields]
    names = [field.name for field in fields]
    if len(set(names)) < len(names):
        return None
    keys = [json.dumps(name, ensure_ascii=False) for name in names]
    if any(write is None for write in writers):
        return None

    def write_all(values: Column) -> Converted:
        present = is_valid(values)
        pieces: list[Any] = []
        failures: list[Failure] = []
        for number, (name, key, write) in enumerate(zip(names, keys, writers, strict=True)):
            assert write is not None, "a member without a writer was refused"
            outcome = write(compute.struct_field(values, [number]))
            pieces += [f"{',' if number else '{'}{key}:", compute.fill_null(outcome.values, "null")]
            for failure in outcome.failures:
                inside = Failure(failure.mask & present, failure.reason, failure.hint)
                failures.append(of_rows(inside, np.arange(len(values)), len(values), f"a member {name!r}"))
        whole = compute.binary_join_element_wise(*pieces, "}", "") if pieces else pa.array(["{}"] * len(values))
        return refuse(_null_like(whole, values), *failures)

    return write_all


def _map_writer(plain: Any, kernel_for: KernelFor) -> Writer | None:
    """Keys are text, whatever type they have."""
    key, item = kernel_for(plain.key_type, _TEXT), _writer(plain.item_type, kernel_for)
    if key is None or item is None or types.is_binary(plain_type(plain.key_type)):
        return None

    def write_entry(entries: Column) -> Converted:
        keys, items = key(compute.struct_field(entries, [0])), item(compute.struct_field(entries, [1]))
        texts = compute.fill_null(items.values, "null")
        return Converted(
            compute.binary_join_element_wise(_quoted(keys.values), texts, ":"), keys.failures + items.failures
        )

    entries = pa.list_(pa.struct([("key", plain.key_type), ("value", plain.item_type)]))
    return lambda values: _joined(values.cast(entries), write_entry, "{}")


def _null_like(texts: Column, values: Column) -> Column:
    if not values.null_count:
        return texts
    result: Column = compute.if_else(values.is_valid(), texts, pa.scalar(None, pa.string()))
    return result


def _finite(texts: Column) -> Converted:
    wrong = mask_of(compute.match_substring_regex(texts, "n"))  # nan, inf
    texts = compute.if_else(compute.equal(texts, "-0"), "-0.0", texts)  # -0 is an integer, which has no such zero
    return refuse(texts, Failure(wrong, _NOT_FINITE, _NOT_FINITE_HINT))


def _quoted(texts: Column) -> Column:
    """Text as JSON strings."""
    texts = compute.replace_substring(texts, "\\", "\\\\")
    texts = compute.replace_substring(texts, '"', '\\"')
    data = text_bytes(texts)
    for code in np.unique(data[data < ord(" ")]).tolist():
        texts = compute.replace_substring(texts, chr(code), f"\\u{code:04x}")
    quoted: Column = compute.binary_join_element_wise('"', texts, '"', "")
    return quoted
