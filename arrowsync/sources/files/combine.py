"""Several files as one stream: the columns of all of them, each file's rows brought to these, and the values of partitions.

What all formats share; what reads one file of a format makes a `Part` of it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NoReturn, cast

import pyarrow as pa

from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import SourceError
from arrowsync.sources.files.locate import SourceFile, file_errors, partition_types
from arrowsync.sources.files.selection import Selection
from arrowsync.sources.files.text import ROW_ORIGIN_NAME
from arrowsync.sources.files.trail import Trail
from arrowsync.sources.foreign import check_foreign
from arrowsync.sources.stream import ROW_ORIGIN, BatchStream, columns_of, to_batch


@dataclass(frozen=True, slots=True)
class Part:
    """One of the files of a source: its columns, how many rows it has if that is known, and how to read them.

    Of what isn't selected `read` leaves out what it can without reading it. `valid_text` says as in `BatchStream` that text is
    UTF-8 for sure, `foreign` which columns are of unknown extension types.
    """

    file: SourceFile
    columns: Mapping[str, pa.DataType]
    rows: int | None
    read: Callable[[Selection], Generator[pa.RecordBatch]]
    read_placed: Callable[[Selection], Generator[pa.RecordBatch]] | None = None
    valid_text: bool = False
    foreign: Mapping[str, str] = field(default_factory=dict[str, str])


def join_parts(
    parts: Sequence[Part],
    spec: TableSpec | None,
    selection: Selection,
    *,
    name: str,
    close: Callable[[], None] | None = None,
    trail: Trail | None = None,
) -> BatchStream:
    """The rows of all parts, in their order. A column that a file lacks is NULL there; partition columns come last."""
    columns = _common_columns(parts)
    if trail is not None:
        for part in parts:
            for column in part.columns:
                trail.columns.setdefault(column, partial(_in_file, part.file.name))
    keys = {
        key: kind for key, kind in partition_types([part.file for part in parts], spec).items() if key not in columns
    }
    whole = pa.schema({**columns, **keys})
    compared = {key: _compared(kind, None if spec is None else spec.by_name.get(key)) for key, kind in keys.items()}
    selection.check(pa.schema({**columns, **compared}), name)
    kinds = columns_of(whole)
    chosen = selection.wanted(kinds)
    schema = pa.schema({each: kind for each, kind in kinds.items() if each in chosen})
    for part in parts:
        check_foreign({each: kind for each, kind in part.foreign.items() if each in chosen}, part.file.name)
    counts = [part.rows for part in parts if part.rows is not None]
    rows = sum(counts) if len(counts) == len(parts) and not selection.filters else None
    wanted = _Wanted(whole, schema, keys, compared, selection)

    def with_origin() -> Iterator[pa.RecordBatch]:
        return _read([replace(part, read=part.read_placed or part.read) for part in parts], wanted)

    return BatchStream(
        schema,
        _read(parts, wanted),
        name=name,
        close=close,
        row_count=rows,
        with_origin=with_origin if all(part.read_placed for part in parts) else None,
        valid_text=all(part.valid_text for part in parts),
        trail=trail,
    )


def _in_file(name: str) -> tuple[str, int | None]:
    return name, None


def check_names(schema: pa.Schema, name: str) -> None:
    """A file names each of its columns differently."""
    if len(set(schema.names)) < len(schema.names):
        raise SourceError(f"{name!r} has two columns of one name", source=name, hint="rename one")


# ---- one schema for all files -------------------------------------------------------------------------------------------


def _common_columns(parts: Sequence[Part]) -> dict[str, pa.DataType]:
    """The columns of all files, each with a type that holds the values of all of them exactly."""
    common: dict[str, pa.DataType] = {}
    for part in parts:
        for name, kind in part.columns.items():
            known = common.setdefault(name, kind)
            if known != kind:
                common[name] = _promoted(known, kind) or _raise_misfit(part, name, known)
    for part in parts:
        for name, kind in part.columns.items():
            if kind != common[name] and not _casts(kind, common[name]):
                _raise_misfit(part, name, common[name])
    return common


def _promoted(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    schemas = [pa.schema([("x", one)]), pa.schema([("x", other)])]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").types[0]
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None


def _casts(kind: pa.DataType, common: pa.DataType) -> bool:
    """True if pyarrow can cast, and complains of a value that it would change."""
    if pa.types.is_decimal(kind) and pa.types.is_floating(common):
        return False
    nothing: Any = pa.array([], kind)
    try:
        nothing.cast(common)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True


def _raise_misfit(part: Part, name: str, other: pa.DataType) -> NoReturn:
    raise SourceError(
        f"{part.file.name!r} has column {name!r} as {part.columns[name]}, but it is {other} in other files",
        source=part.file.name,
        hint="load files of different schemas one by one",
    )


# ---- batches ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The schemas of several files together: the `whole` has all columns, `schema` the wanted ones."""

    whole: pa.Schema
    schema: pa.Schema
    keys: Mapping[str, pa.DataType]
    compared: Mapping[str, pa.DataType]
    """The types in which filters compare the keys: declared ones too, which their text becomes later."""
    selection: Selection


def _read(parts: Sequence[Part], wanted: _Wanted) -> Iterator[pa.RecordBatch]:
    kinds = columns_of(wanted.whole)
    # A filter about a key holds for all rows of a file, or for none.
    expression = wanted.selection.about([name for name in kinds if name not in wanted.keys]).expression
    for part in parts:
        if not wanted.selection.keeps({key: _as_compared(part.file, key, wanted) for key in wanted.keys}):
            continue
        own = {name: kind for name, kind in part.columns.items() if name not in wanted.keys}
        # A file that has a column in another type compares it otherwise.
        alike = [name for name, kind in own.items() if kinds[name] == kind]
        narrowed = replace(wanted.selection.about(alike), columns=tuple(wanted.selection.needed(own)))
        with file_errors(part.file.name), closing(part.read(narrowed)) as batches:
            for batch in batches:
                common = _to_common_schema(batch, part.file, wanted)
                if expression is not None:
                    common = cast("Any", common).filter(expression)
                yield _selected(common, wanted.schema)


def _constant(file: SourceFile, key: str, kind: pa.DataType, rows: int) -> Any:
    """Repeat the value of a partition key in the path of a file for each row."""
    value = file.keys.get(key)
    constant: Any = value if value is None or kind != pa.int64() else int(value)
    repeat: Any = pa.repeat
    return repeat(pa.scalar(constant, kind), rows)


def _compared(kind: pa.DataType, column: ColumnSpec | None) -> pa.DataType:
    """The type in which the values of a key are compared."""
    if column is None or not pa.types.is_string(kind):
        return kind
    declared: Any = column.type
    kinds = pa.types
    ordered = kinds.is_date(declared) or kinds.is_time(declared) or kinds.is_timestamp(declared)
    is_number = kinds.is_floating(declared) or kinds.is_decimal(declared) or kinds.is_boolean(declared)
    return column.type if ordered or is_number else kind


def _as_compared(file: SourceFile, key: str, wanted: _Wanted) -> Any:
    constant, kind = _constant(file, key, wanted.keys[key], 1), wanted.compared[key]
    asked = any(name == key for name, _, _ in wanted.selection.filters)
    try:
        return constant.cast(kind) if asked else constant
    except pa.ArrowInvalid as error:
        raise SourceError(
            f"{file.name!r} is in a folder of {key}={file.keys.get(key)}, which is no {kind}, as which it is declared",
            source=file.name,
            hint="rename the folder, declare the column as str, or leave the filter about it out",
        ) from error


def _to_common_schema(batch: pa.RecordBatch, file: SourceFile, wanted: _Wanted) -> pa.RecordBatch:
    """The batch with the columns of all files that are needed: those of its own, NULLs, and the values of its partition."""
    columns: list[Any] = []
    kinds: dict[str, pa.DataType] = {}
    names = set(batch.schema.names)
    needed = set(wanted.selection.needed(wanted.whole.names))
    for name, kind in columns_of(wanted.whole).items():
        if name not in needed:
            continue
        kinds[name] = kind
        if name in names and name not in wanted.keys:
            column = cast("Any", batch.column(name))
            columns.append(column if column.type == kind else _cast(column, kind, name, file))
        elif name in wanted.keys:
            columns.append(_constant(file, name, kind, batch.num_rows))
        else:
            columns.append(cast("Any", pa.nulls)(batch.num_rows, kind))
    if ROW_ORIGIN_NAME in names:
        columns.append(batch.column(ROW_ORIGIN_NAME))
        kinds[ROW_ORIGIN_NAME] = ROW_ORIGIN
    return to_batch(columns, pa.schema(kinds))


def _cast(column: Any, kind: pa.DataType, name: str, file: SourceFile) -> Any:
    """The values in the type that all files have in common."""
    try:
        return column.cast(kind)
    except pa.ArrowInvalid as error:
        raise SourceError(
            f"{file.name!r} has column {name!r} as {column.type}, and with other files it is {kind}: {error}",
            source=file.name,
            hint="load files of different schemas one by one",
        ) from error


def _selected(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch without columns that only the filters needed."""
    names = batch.schema.names
    kept = [*schema.names, ROW_ORIGIN_NAME] if ROW_ORIGIN_NAME in names else schema.names
    return batch if len(kept) == len(names) else cast("pa.RecordBatch", cast("Any", batch).select(kept))
