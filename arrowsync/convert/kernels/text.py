"""Kernels to string, binary and enum, and the checks of a text column: UTF-8, no NUL character, length.

The checks look at the whole data buffer first (one pass of numpy at memory speed says "only ASCII, no NUL"); a mask
is made only for a column that fails them.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pyarrow as pa

from arrowsync.convert.arrays import (
    Column,
    Converted,
    Failure,
    compute,
    is_valid,
    mask_of,
    refuse,
    text_bytes,
    text_offsets,
)
from arrowsync.declare.spec import ColumnSpec

# Well-formed UTF-8 byte by byte, for RE2 in its Latin-1 mode (Unicode 15.0, table 3-7).
_UTF8 = (
    r"^(?:[\x00-\x7F]|[\xC2-\xDF][\x80-\xBF]|\xE0[\xA0-\xBF][\x80-\xBF]|[\xE1-\xEC\xEE\xEF][\x80-\xBF]{2}"
    r"|\xED[\x80-\x9F][\x80-\xBF]|\xF0[\x90-\xBF][\x80-\xBF]{2}|[\xF1-\xF3][\x80-\xBF]{3}|\xF4[\x80-\x8F][\x80-\xBF]{2})*$"
)
UTF8_HINT = "decode the text with its own encoding first"
NUL_HINT = "no database stores U+0000 in text: remove it, or declare bytes"


def binary_to_text(values: Column, column: ColumnSpec) -> Converted:
    """Binary as the text that it is in UTF-8."""
    try:
        return Converted(values.cast(pa.string()))
    except pa.ArrowInvalid:
        bad = is_valid(values) & ~mask_of(compute.match_substring_regex(values, _UTF8))
    return refuse(values, Failure(bad, "not valid UTF-8", UTF8_HINT)).then(lambda v: Converted(v.cast(pa.string())))


def text_to_text(values: Column, column: ColumnSpec) -> Converted:
    """Text that is valid UTF-8: nothing checks the bytes that come through the C data interface."""
    data = text_bytes(values)
    if not len(data) or data.view(np.int8).min() >= 0:
        return Converted(values)
    return binary_to_text(values.view(pa.binary()), column)


def check_text(values: Column, column: ColumnSpec) -> Converted:
    """Text without a NUL character, and not longer than the column."""
    failures: list[Failure] = []
    data = text_bytes(values)
    if len(data) and data.min() == 0:
        failures.append(Failure(mask_of(compute.match_substring(values, "\0")), "contains a NUL character", NUL_HINT))
    limit = column.max_length
    # As many bytes are at most as many characters.
    if limit is not None and np.diff(text_offsets(values)).max(initial=0) > limit:
        long = mask_of(compute.greater(compute.utf8_length(values), limit))
        failures.append(Failure(long, f"longer than {limit} characters", "raise MaxLength, or shorten the values"))
    return refuse(values, *failures)


def check_binary(values: Column, column: ColumnSpec) -> Converted:
    """Binary that is not longer than the column."""
    limit = column.max_length
    if limit is None or np.diff(text_offsets(values)).max(initial=0) <= limit:
        return Converted(values)
    long = mask_of(compute.greater(compute.binary_length(values), limit))
    return refuse(values, Failure(long, f"longer than {limit} bytes", "raise MaxLength, or shorten the values"))


def text_to_enum(values: Column, column: ColumnSpec) -> Converted:
    """The labels as a dictionary of exactly the declared ones, in their order."""
    labels = pa.array(column.labels, pa.string())
    found = compute.index_in(values, value_set=labels)
    name = column.enum_name or ", ".join(map(repr, column.labels[:5])) + (", ..." if len(column.labels) > 5 else "")
    unknown = Failure(
        is_valid(values) & ~is_valid(found), f"not a label of {name}", f"its labels are {', '.join(column.labels[:20])}"
    )
    # Text that is no label has no index, so it is NULL already.
    kind: Any = column.type
    result = cast(Any, pa.DictionaryArray).from_arrays(found.cast(kind.index_type), labels, ordered=kind.ordered)
    return Converted(result, (unknown,) if unknown.mask.any() else ())


def has_labels(values: Column, column: ColumnSpec) -> bool:
    """True if a dictionary array of the declared type has the declared labels too, so that no conversion is needed."""
    encoded: Any = values
    return bool(encoded.dictionary.equals(pa.array(column.labels, pa.string())))
