"""`infer`: a declaration for data that has none. It reads all the data, two or three times, and says what was found.

The first pass tells the types of text columns, the second converts to them, as a load would, and looks at the values. JSON
Lines, where columns and kinds of values may change in any line, are read for these before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, cast

import pyarrow as pa

from arrowsync.convert.compile import compile_converter
from arrowsync.convert.infer import Guess, Profile
from arrowsync.declare.arrow import spec_from_schema
from arrowsync.declare.python_source.write import to_source
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import SourceError
from arrowsync.options import OnError
from arrowsync.sources.files.bytes import find_files
from arrowsync.sources.files.jsonl import settled_spec
from arrowsync.sources.open import open_batches
from arrowsync.sources.stream import BatchStream


@dataclass(frozen=True, slots=True)
class Inferred:
    """The declaration that fits the data, and what each of its columns holds."""

    spec: TableSpec
    profiles: tuple[Profile, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that could be the key: no NULL, and no value twice."""
        pairs = zip(self.spec.columns, self.profiles, strict=True)
        return tuple(column.name for column, profile in pairs if profile.is_key())

    def source(self) -> str:
        """The dataclass as a Python module, and a comment on each column."""
        pairs = zip(self.spec.columns, self.profiles, strict=True)
        lines = [f"# {column.name}: {_described(column, profile)}" for column, profile in pairs]
        rows = self.profiles[0].rows
        keys = f"could be the key: {', '.join(self.keys)}" if self.keys else "no single column could be the key"
        return "\n".join([to_source([self.spec]), "", f"# {rows:,} rows; {keys}", *lines, ""])


def infer(path: str) -> Inferred:
    """A declaration that all rows of a file convert to, with the first column that could be it as the key.

    Text in CSV, TSV and JSON Lines becomes what it says; the values of other files have types.
    """
    _refuse_once_only(path)
    settled = settled_spec(path)
    with open_batches(path, settled) as stream:
        schema = stream.schema
        spec = spec_from_schema(schema, _name(path))
        if settled is not None:  # text as yet, but for the keys of partitions
            known = settled.by_name
            spec = replace(spec, columns=tuple(known.get(column.name, column) for column in spec.columns))
        guesses = _guesses(stream, stream, spec)
    columns = tuple(
        replace(guess.column(column.name), nullable=True) if guess else replace(column, nullable=True)
        for column, guess in zip(spec.columns, guesses, strict=True)
    )
    profiles = _profiles(path, replace(spec, columns=columns))
    found = Inferred(replace(spec, columns=columns), profiles)
    key = found.keys[:1]
    declared = [_declared(column, profile, key) for column, profile in zip(columns, profiles, strict=True)]
    return Inferred(replace(spec, columns=tuple(declared), key=key), profiles)


def _refuse_once_only(path: str) -> None:
    """SourceError for what can't be read twice, before anything is opened."""
    once = (
        "standard input"
        if path == "-"
        else next((repr(file.name) for file in find_files(path, None) if file.once), None)
    )
    if once is not None:
        raise SourceError(f"{once} can't be read twice", source=path, hint="write it to a file first")


def infer_spec(stream: BatchStream, spec: TableSpec, on_error: OnError) -> TableSpec:
    """The columns of a table that isn't there yet, in the types that all the text of a file has; as it is where it is in doubt.

    The file is read to its end once more for that. With `on_error="reject"` rows that can't be read tell nothing.
    """
    assert stream.reopen is not None, "only what can be read twice is asked"
    with stream.reopen() as again:
        guesses = _guesses(again, again.iter_with_origin() if on_error == "reject" else again, spec)
    pairs = [(column, guess and guess.column(column.name)) for column, guess in zip(spec.columns, guesses, strict=True)]
    return replace(
        spec,
        columns=tuple(replace(column, type=found.type, ip=found.ip) if found else column for column, found in pairs),
    )


def _guesses(stream: BatchStream, batches: Iterable[pa.RecordBatch], spec: TableSpec) -> list[Guess | None]:
    """A guess for each text column of a text file; None for other columns and other files.

    The columns of the batches are those of `spec`, and then perhaps the places of their rows.
    """
    texts = [stream.has_origins and pa.types.is_string(column.type) for column in spec.columns]
    guesses = [Guess() if is_text else None for is_text in texts]
    if any(guesses):
        for batch in batches:
            values = [cast("Any", batch).column(column.name) for column in spec.columns]
            guesses = [guess and guess.after(text) for guess, text in zip(guesses, values, strict=True)]
    return guesses


def _profiles(path: str, spec: TableSpec) -> tuple[Profile, ...]:
    profiles = tuple(Profile() for _ in spec.columns)
    with open_batches(path, spec) as stream:
        convert = compile_converter(stream.schema, spec, source=stream.name, valid_text=stream.valid_text)
        row = 0
        for batch in stream:
            for profile, values in zip(profiles, _columns(convert(batch, row)), strict=True):
                profile.add(values)
            row += batch.num_rows
    return profiles


def _columns(batch: pa.RecordBatch) -> Iterator[pa.Array[Any]]:
    return iter(cast(Any, batch).columns)


def _declared(column: ColumnSpec, profile: Profile, key: tuple[str, ...]) -> ColumnSpec:
    """The column as the values have it. Text of a key gets a length, without which MySQL makes no key."""
    length = profile.longest if column.name in key and pa.types.is_string(column.type) and column.ip is None else None
    return replace(column, nullable=profile.nulls > 0 or not profile.rows, max_length=length or column.max_length)


def _described(column: ColumnSpec, profile: Profile) -> str:
    if profile.rows == profile.nulls:
        return "no values"
    parts: list[str] = []
    if profile.least is not None:
        parts.append(f"{profile.least} to {profile.greatest}")
    elif pa.types.is_string(column.type):
        parts.append(f"at most {profile.longest} characters")
    if profile.nulls:
        parts.append(f"{profile.nulls:,} NULL")
    if profile.is_key():
        parts.append("all different")
    return ", ".join(parts) or str(column.type)


def _name(path: str) -> str:
    stem = PurePath(path).name.split(".")[0]
    return re.sub(r"\W+", "_", stem).strip("_") or "data"
