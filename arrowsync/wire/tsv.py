r"""Batches of text columns -> lines of tab-separated values, as PostgreSQL's COPY reads them.

NULL is `\N`; a backslash, tab, line end and five more characters are written with a backslash. `sources.tsv` reads it back.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pyarrow as pa

from arrowsync.wire.arrays import Column, strings_of
from arrowsync.wire.rows import compute

NULL = r"\N"
# The backslash comes first, for the others bring new ones in.
_ESCAPES = {"\\": "\\", "\0": "0", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v"}
_NARROW_BYTES = 1 << 28
"""Up to so many bytes a batch is written with 32-bit offsets: escapes double them at most, and separators are few beside."""


def encode_tsv(batch: pa.RecordBatch) -> pa.Buffer:
    """The lines of a batch whose columns are all text, each line with its end."""
    layout = pa.string() if batch.nbytes < _NARROW_BYTES else pa.large_string()
    columns = [_escaped(column.cast(layout)) for column in cast("Any", batch).columns]
    columns[-1] = compute.binary_join_element_wise(
        columns[-1], "", "\n", null_handling="replace", null_replacement=NULL
    )
    lines = compute.binary_join_element_wise(*columns, "\t", null_handling="replace", null_replacement=NULL)
    elements = strings_of(lines).elements
    data: Any = elements.data[int(elements.offsets[0]) : int(elements.offsets[-1])]
    return pa.py_buffer(data)


def encode_header(names: list[str]) -> pa.Buffer:
    """The line that names the columns."""
    columns = {str(index): [name] for index, name in enumerate(names)}
    return encode_tsv(pa.record_batch(cast("Any", columns)))


def _escaped(text: Column) -> Column:
    """The text with escapes; one look at its bytes where nothing has to be escaped."""
    elements = strings_of(text).elements
    data = elements.data[int(elements.offsets[0]) : int(elements.offsets[-1])] if len(text) else elements.data[:0]
    if len(data) and (int(data.min()) <= ord("\r") or bool((data == ord("\\")).any())):
        present = np.bincount(data, minlength=256)
        for character, letter in _ESCAPES.items():
            if present[ord(character)]:
                text = compute.replace_substring(text, character, f"\\{letter}")
    return text
