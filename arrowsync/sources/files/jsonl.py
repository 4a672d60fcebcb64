"""JSON Lines -> `BatchStream`: an object on each line, its keys the names of columns, whose types are settled by all lines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import pyarrow as pa

from arrowsync.declare.arrow import spec_from_schema
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import SourceError
from arrowsync.sources.files.bytes import find_files, open_text, settle_format
from arrowsync.sources.files.formats import HEAD_BYTES, way_to_read
from arrowsync.sources.files.json_values import (
    INFERRED,
    TYPES,
    JsonColumn,
    Kind,
    Members,
    Numbers,
    declared_column,
    inferred_column,
    kinds_of,
    take_apart,
)
from arrowsync.sources.files.text import BinaryFile, Unread, read_blocks, with_places
from arrowsync.sources.files.trail import Trail
from arrowsync.sources.stream import BatchStream, to_batch

BLOCK_BYTES = 4 << 20
MAX_KEYS = 10_000
_BLANKS = b" \t\r"
_LINE_HINT = 'each line is one JSON object: {"name": value, ...}'
_ARRAY_HINT = f'{_LINE_HINT}; "jq -c .[]" makes such lines of an array'
_DECLARE_HINT = "declare the table: without that, the first lines settle columns and types"
_REQUIRED_HINT = (
    "give all lines the same keys, null where there is no value; or declare the table, whose defaults are taken then"
)
_KEYS_HINT = f"give it from the first line on, as null where there is none; or {_DECLARE_HINT}"
_NUMBERED_HINT = "give an Identity in all lines, or in none"


def open_jsonlines(
    file: BinaryFile,
    *,
    name: str,
    spec: TableSpec | None = None,
    batch_rows: int = 65_536,
    block_bytes: int = BLOCK_BYTES,
    trail: Trail | None = None,
) -> BatchStream:
    """A stream of the rows of an open binary file; the file is closed with the stream.

    Its columns are the declared ones, and then all other keys of the first block; an Identity only if a line there has it. Raises
    `SourceError`, now or as the batches come, for the first line that isn't an object.
    """
    try:
        blocks = read_blocks(file, name, block_bytes)
        first = next(blocks, b"")
        keyed = keyed_block(first)
        if keyed is None:  # the lines that can be read tell the columns; whoever reads on gets the error of the others
            keyed = keyed_block(b"\n".join(text for _, text, fault in _judged(first, 1, None) if fault is None))
        if keyed is None or (not keyed.members.row_count and first.strip()):
            raise line_error(first, 1, 0, None, name)
        check_key_count(keyed.places, name)
        columns = _columns(keyed, {} if spec is None else spec.by_name)
        if not columns:
            raise SourceError(
                f"{name} holds no {'keys' if keyed.members.row_count else 'rows'}, and so no columns",
                source=name,
                hint="declare the table, or check whether the file was written to its end",
            )
    except BaseException:
        file.close()
        raise
    required: list[bool] = []
    declared = None if spec is None else spec.by_name.keys()
    reader = _Reader(name, columns, declared, batch_rows, trail, required)
    if trail is not None:
        for column, places in keyed.places.items():
            row = int(keyed.members.rows[places[0]])
            trail.columns.setdefault(column, partial(_place_of_row, name, first, row))
    return BatchStream(
        reader.schema,
        reader.read(first, blocks, with_origin=False),
        name=name,
        close=file.close,
        with_origin=lambda: reader.read(first, blocks, with_origin=True),
        valid_text=True,
        trail=trail,
        require_keys=(lambda: required.append(True)) if spec is None else None,
    )


# ---- the columns --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Keyed:
    """The members of a block's objects, by the name that their key says: the positions of those of each name."""

    members: Members
    places: Mapping[str, Numbers]

    def raw(self, name: str) -> pa.StringArray | None:
        """The values of a column as they stand there, NULL where a row has none; None where a row has two."""
        places = self.places.get(name, np.empty(0, np.int64))
        rows = self.members.rows[places]
        if bool((np.diff(rows) == 0).any()):
            return None
        pieces = np.zeros(self.members.row_count, np.int64)
        missing = np.ones(self.members.row_count, np.bool_)
        pieces[rows] = self.members.keys[places] + 2
        missing[rows] = False
        return self.members.texts(pieces, mask=missing if len(rows) < len(missing) else None)


def keyed_block(block: bytes) -> Keyed | None:
    """The objects of a block of lines; None where a line is none, or a key no string."""
    try:
        if not block.isascii():
            block.decode()
        members = take_apart(block if block.endswith(b"\n") else block + b"\n")
        if members is None:
            return None
        texts: Any = members.texts(members.keys)
        keys = texts.dictionary_encode()
        names = [json.loads(text) for text in keys.dictionary.to_pylist()]
        if not all(isinstance(name, str) for name in names):
            return None
        "".join(names).encode()  # an unpaired surrogate is no text
    except (ValueError, RecursionError):
        return None
    codes = np.asarray(keys.indices, np.int64)
    order = np.argsort(codes, kind="stable")
    bounds = np.cumsum(np.bincount(codes, minlength=len(names)))[:-1]
    places: dict[str, Numbers] = {}
    for name, found in zip(names, np.split(order, bounds), strict=True) if names else ():
        # A name may be written in several ways.
        places[name] = np.sort(np.concatenate([places[name], found])) if name in places else found
    return Keyed(members, places)


def check_key_count(keys: Collection[str], name: str) -> None:
    """Refuse keys that are data rather than names: no database has so many columns."""
    if len(keys) > MAX_KEYS:
        raise SourceError(
            f"{name} has more than {MAX_KEYS:,} different keys, each of which would be a column",
            source=name,
            hint="write what changes from line to line as a value, not as a key: one object in a column of JSON",
        )


def _columns(keyed: Keyed, declared: Mapping[str, ColumnSpec]) -> tuple[JsonColumn, ...]:
    columns = [
        declared_column(column)
        for column in declared.values()
        if column.name in keyed.places or not keyed.members.row_count or not column.identity
    ]
    for name in keyed.places:
        if name not in declared:
            raw = keyed.raw(name)
            columns.append(inferred_column(name, raw) if raw is not None else JsonColumn(name, "json"))
    return tuple(columns)


# ---- the rows -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reader:
    """A file that is open, before its rows are read. If `required` isn't empty, each line has the keys of all."""

    name: str
    columns: tuple[JsonColumn, ...]
    declared: Collection[str] | None
    batch_rows: int
    trail: Trail | None
    required: Sequence[bool]

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(column.name, TYPES[column.kind]()) for column in self.columns])

    def read(self, first: bytes, blocks: Iterator[bytes], *, with_origin: bool) -> Iterator[pa.RecordBatch]:
        row, line = 0, 1
        block: bytes | None = first
        while block is not None:
            batch = self._parse_placed(block, line, row) if with_origin else self._parse(block, line, row)
            if self.trail is not None and not with_origin:
                self.trail.note(self.name, batch.num_rows, partial(_lines, block, line), len(block))
            row += batch.num_rows
            line += block.count(b"\n")
            for start in range(0, batch.num_rows, self.batch_rows):
                yield batch.slice(start, self.batch_rows)
            del batch
            block = next(blocks, None)

    def _parse(self, block: bytes, line: int, row: int) -> pa.RecordBatch:
        batch = self._rows(block)
        if batch is None:
            raise line_error(block, line, row, self, self.name)
        return batch

    def _parse_placed(self, block: bytes, line: int, row: int) -> pa.RecordBatch:
        """All rows of a block with the lines that they stand on, also those that can't be read."""
        batch = self._rows(block)
        if batch is not None:
            return with_places(batch, self.name, _lines(block, line), {})
        judged = list(_judged(block, line, self))
        unread = {
            position: Unread(fault.column, text, fault.reason)
            for position, (_, text, fault) in enumerate(judged)
            if fault is not None
        }
        batch = self._parse(b"\n".join(text for _, text, fault in judged if fault is None), line, row)
        return with_places(batch, self.name, [number for number, _, _ in judged], unread)

    def _rows(self, block: bytes) -> pa.RecordBatch | None:
        """The rows of a block, None where anything is wrong in it."""
        keyed = keyed_block(block)
        if keyed is None or not keyed.places.keys() <= {column.name for column in self.columns}:
            return None
        arrays: list[Any] = []
        for column in self.columns:
            raw = column.filled(keyed.raw(column.name))
            if raw is not None and self.required and raw.null_count:
                return None
            values = None if raw is None else column.read(raw)
            if values is None:
                return None
            arrays.append(values)
        return to_batch(arrays, self.schema)

    def fault(self, members: Sequence[tuple[str, object]]) -> _Fault | None:
        """Find the fault of an object that is valid JSON."""
        known = {column.name: column for column in self.columns}
        lacking = known.keys() - {key for key, _ in members}
        if self.required and lacking:
            key = next(name for name in known if name in lacking)
            return _Fault(f"the key {key!r} is lacking, which other lines have", _REQUIRED_HINT, key)
        for key, value in members:
            if key not in known:
                if self.declared is None:
                    hint = _KEYS_HINT
                else:
                    hint = _NUMBERED_HINT if key in self.declared else "declare it, or drop it from the data"
                return _Fault(f"the key {key!r} is new", hint, key)
            text, column = _text_of(value), known[key]
            if (
                column.kind not in ("text", "declared json", "json")
                and column.read(cast("Any", pa.array([text]))) is None
            ):
                article = "an" if column.kind == "int" else "a"
                return _Fault(f"{key!r} is {text[:80]}, but {article} {column.kind} before", _DECLARE_HINT, key)
        return None


def _lines(block: bytes, line: int) -> list[int]:
    """The lines of a block that aren't blank."""
    return [number for number, text in enumerate(block.split(b"\n"), line) if text.strip(_BLANKS)]


def _place_of_row(name: str, block: bytes, row: int) -> tuple[str, int | None]:
    lines = _lines(block, 1)
    return name, lines[row] if row < len(lines) else None


# ---- faults -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Fault:
    """A fault of a line: the reason, the hint, and its column if the fault is in one."""

    reason: str
    hint: str
    column: str | None = None


def line_error(block: bytes, line: int, row: int, reader: _Reader | None, name: str) -> SourceError:
    """The first thing wrong in a block that begins on this line, with this row."""
    for row_of_line, (number, text, fault) in enumerate(_judged(block, line, reader), row):
        if fault is not None:
            other = way_to_read(text[:HEAD_BYTES]) if fault.hint == _LINE_HINT and not row_of_line else None
            hint = fault.hint if other is None or text.lstrip().startswith(b"{") else other
            return SourceError(f"{name}, line {number}: {fault.reason}", source=name, row=row_of_line, hint=hint)
    return SourceError(f"{name} can't be read", source=name, row=row, hint="please report this")


def _judged(block: bytes, line: int, reader: _Reader | None) -> Iterator[tuple[int, bytes, _Fault | None]]:
    """The number of each line of a block that isn't blank, the line, and its fault."""
    for number, text in enumerate(block.split(b"\n"), line):
        if text.strip(_BLANKS):
            yield number, text, _line_fault(text, reader)


@dataclass(frozen=True, slots=True)
class _Number:
    """A number as it stands in JSON."""

    digits: str


class _Pairs(list[tuple[str, object]]):
    """The members of an object, in order."""


def _text_of(value: object) -> str:
    """A value as JSON text; for a nested one, only that it is nested."""
    if isinstance(value, _Number):
        return value.digits
    if isinstance(value, list):
        return "{...}" if isinstance(value, _Pairs) else "[...]"
    return json.dumps(value, ensure_ascii=False)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no value of JSON")


def _line_fault(line: bytes, reader: _Reader | None) -> _Fault | None:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        where = f"(byte {error.start + 1} of the line)"
        return _Fault(f"not UTF-8: 0x{line[error.start]:02x} {where}, {error.reason}", "write UTF-8")
    try:
        value: object = json.loads(
            text, object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number, parse_constant=_refuse_constant
        )
        json.dumps(value, default=_text_of, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        return _Fault(f"not JSON: {error.msg} (character {error.pos + 1} of the line)", _LINE_HINT)
    except UnicodeError:
        return _Fault("an unpaired surrogate", r"a character beyond U+FFFF has two: \ud83d\ude00")
    except (ValueError, RecursionError) as error:
        return _Fault(f"not JSON: {error}", _LINE_HINT)
    if not isinstance(value, _Pairs):
        kind = "an array" if isinstance(value, list) else "a single value"
        return _Fault(f"{kind}, not an object", _ARRAY_HINT)
    twice = next((key for key, count in Counter(key for key, _ in value).items() if count > 1), None)
    if twice is not None:
        return _Fault(f"the key {twice!r} is there twice", "which of the values counts? rename or drop one", twice)
    return None if reader is None else reader.fault(value)


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
    """Remove the kinds from `kinds` that can't hold the values in the file."""
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
