"""The columns of JSON Lines without a declaration, settled by all of their lines.

Who loads a file that isn't declared takes what its first lines tell, and an error where later ones differ. Who writes the
declaration reads all of them before.
"""

from __future__ import annotations

from contextlib import ExitStack, closing

import pyarrow as pa

from arrowsync.declare.arrow import spec_from_schema
from arrowsync.declare.spec import TableSpec
from arrowsync.sources.jsonlines import BLOCK_BYTES, check_key_count, keyed_block, line_error
from arrowsync.sources.jsonvalues import INFERRED, TYPES, Kind, kinds_of
from arrowsync.sources.opened import find_files, open_text, settle_format
from arrowsync.sources.tsv_lines import BinaryFile, read_blocks


def settled_spec(path: str) -> TableSpec | None:
    """The columns of the JSON Lines files at `path`, in types that hold all of their values; None for other formats.

    A column without a value is text. Raises `SourceError` for the first line that isn't an object.
    """
    kinds: dict[str, tuple[Kind, ...]] = {}
    with ExitStack() as opened:
        kind, files = settle_format(find_files(path, None), None, opened)
        if kind != "jsonl":
            return None
        for file in files:
            with closing(open_text(file, kind, asked=False)) as stream:
                _look_at(stream, file.name, kinds)
    types = {name: TYPES["string" if left == INFERRED else left[0]]() for name, left in kinds.items()}
    return spec_from_schema(pa.schema(types), "data") if types else None


def _look_at(file: BinaryFile, name: str, kinds: dict[str, tuple[Kind, ...]]) -> None:
    """Take the kinds from `kinds` that don't hold what is in the file."""
    row, line = 0, 1
    for block in read_blocks(file, name, BLOCK_BYTES):
        keyed = keyed_block(block)
        if keyed is None:
            raise line_error(block, line, row, None, name)
        check_key_count(kinds.keys() | keyed.places.keys(), name)
        for column in keyed.places:
            raw = keyed.raw(column)
            if raw is None:
                raise line_error(block, line, row, None, name)
            fitting = kinds_of(raw)
            kinds[column] = tuple(kind for kind in kinds.get(column, INFERRED) if kind in fitting)
        row += keyed.members.row_count
        line += block.count(b"\n")
