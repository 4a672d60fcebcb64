"""Iterables of tuples, lists, dicts, NamedTuples and dataclass objects -> `BatchStream`, a chunk of rows at a time.

The first chunk, read when the source is opened, settles the names of the columns and their Arrow types; a later row that is
shaped otherwise is a `SourceError`, a value that doesn't fit a `ConversionError`. Columns are built whole (`values`), never
cell by cell.

To add a kind of row: how it becomes columns, as a `Layout`, and its line in `_layout_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from itertools import chain, islice
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias, cast

import pyarrow as pa

from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.errors import ConversionError, DeclarationError, SourceError, translated
from arrowsync.shown import shown, written
from arrowsync.sources.objects.kinds import Misfit, Values, family_of, is_nan, with_article
from arrowsync.sources.objects.to_arrow import to_array, type_of
from arrowsync.sources.stream import BatchStream, columns_of

CHUNK_ROWS = 8_192
CHUNK_BYTES = 16 << 20

Rows: TypeAlias = Sequence[Any]

REQUIRED_HINT = (
    "give all rows the same keys, None where there is no value; or declare the table, whose defaults are taken then"
)
_DECLARE_HINT = (
    "declare the table (as a dataclass or a pa.Schema): without that, the first rows settle columns and types"
)
_NUMBERED_HINT = "give an Identity in all rows, or in none"
_NAN_HINT = (
    "NaN is a number, not NULL: give None; of a pandas frame load the frame itself, or the records of "
    "df.astype(object).where(df.notna(), None)"
)


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that rows of one kind have, and how a chunk of rows, the first of them row number n, becomes columns."""

    names: tuple[str, ...]
    split: Callable[[Rows, int], Sequence[Values]]
    require_keys: Callable[[], None] | None = None


def open_rows(
    rows: Iterator[object],
    spec: TableSpec | None,
    *,
    name: str,
    field_names: Sequence[str | None] | None = None,
    close: Callable[[], None] | None = None,
    row_count: int | None = None,
) -> BatchStream:
    """The rows as a stream: columns named by `field_names`, by the rows themselves, or (plain tuples) by the `spec`."""
    chunk = _take_chunk(rows)
    if not chunk:
        return BatchStream(_schema_of_nothing(spec, name), iter(()), name=name, close=close, row_count=0)
    layout = _layout_of(chunk[0], chunk, spec, field_names, name)
    columns = layout.split(chunk, 0)
    declared: Mapping[str, ColumnSpec] = {} if spec is None else spec.by_name
    kinds: list[pa.Field[Any]] = []
    for column, values in zip(layout.names, columns, strict=True):
        with _converting(column, 0, name, declared=column in declared):
            kinds.append(pa.field(column, type_of(values, declared[column].type if column in declared else None)))
    schema = pa.schema(kinds)
    return BatchStream(
        schema,
        _read(chunk, rows, layout, schema, declared, name),
        name=name,
        close=close,
        row_count=row_count,
        valid_text=True,
        require_keys=layout.require_keys,
    )


def _schema_of_nothing(spec: TableSpec | None, name: str) -> pa.Schema:
    if spec is None:
        raise SourceError(
            f"{name} holds no rows, and so no columns", source=name, hint="declare the table, or give rows"
        )
    return spec.schema


def _read(
    chunk: list[Any],
    rows: Iterator[object],
    layout: Layout,
    schema: pa.Schema,
    declared: Mapping[str, object],
    name: str,
) -> Iterator[pa.RecordBatch]:
    start = 0
    while chunk:
        arrays: list[Any] = []
        for (column, kind), values in zip(columns_of(schema).items(), layout.split(chunk, start), strict=True):
            with _converting(column, start, name, declared=column in declared):
                arrays.append(to_array(values, kind))
        table = pa.Table.from_arrays(arrays, schema=schema)  # a table, as a column beyond 2 GiB comes in chunks
        start += len(chunk)
        del arrays, chunk
        yield from table.to_batches()
        del table
        chunk = _take_chunk(rows)


def _take_chunk(rows: Iterator[object]) -> list[Any]:
    """The next rows: `CHUNK_ROWS` of them, fewer where they are big, which one in 256 is asked."""
    chunk: list[Any] = []
    while len(chunk) < CHUNK_ROWS:
        more = list(islice(rows, 256))
        chunk += more
        if len(more) < 256 or len(written(more[-1])) * len(chunk) > CHUNK_BYTES:
            break
    return chunk


@contextmanager
def _converting(column: str, first_row: int, name: str, *, declared: bool) -> Generator[None]:
    """Name the place in errors while a column becomes Arrow: the row of a value without an Arrow type, else the column."""

    def unreadable(error: BaseException) -> SourceError:
        return SourceError(
            f"column {column!r} of {name}, from row {first_row} on, can't be read: {str(error) or type(error).__name__}",
            source=name,
        )

    with translated(unreadable):
        try:
            yield
        except Misfit as misfit:
            raise conversion_error(misfit, column, first_row, declared=declared) from misfit


def conversion_error(misfit: Misfit, column: str, first_row: int, *, declared: bool) -> ConversionError:
    """The misfit as the error of a column, in a chunk that begins with row `first_row`."""
    row, text = first_row + misfit.index, shown(misfit.value)
    plain = family_of(misfit.value) not in ("list", "record", "other")  # what surely pickles
    if is_nan(misfit.value):
        hint = _NAN_HINT
    elif declared:
        hint = "mend the value, or declare the column otherwise"
    else:
        hint = _DECLARE_HINT
    return ConversionError(
        f"column {column!r}, row {row}: {text} is {misfit.reason}",
        column=column,
        reason=misfit.reason,
        rows=(row,),
        sample=(misfit.value if plain else text,),
        hint=hint,
    )


# ---- the kinds of rows --------------------------------------------------------------------------------------------------


def _layout_of(
    first: Any, chunk: Rows, spec: TableSpec | None, field_names: Sequence[str | None] | None, name: str
) -> Layout:
    kind = cast("Any", type(first))
    named = hasattr(kind, "_fields")
    if isinstance(first, tuple | list) and (field_names is not None or not named):
        return _tuples(field_names, spec, name)
    if field_names is not None:
        raise DeclarationError(
            f"field_names are the names of what stands in tuples, but {name} holds no tuples",
            hint="leave field_names out: these rows name their columns themselves",
        )
    if named:
        return _named_tuples(kind, spec, name)
    if _is_keyed(kind):
        return _dicts(chunk, spec, name)
    if is_dataclass(kind):
        return _objects(kind, spec, name)
    raise SourceError(
        f"row 0 of {name} is {shown(cast('object', first))}, no tuple, list, dict or dataclass object",
        source=name,
        row=0,
        hint="for rows of one column, make each a tuple: (value,); arrays and frames are passed as such, not in a list",
    )


def _tuples(field_names: Sequence[str | None] | None, spec: TableSpec | None, name: str) -> Layout:
    if field_names is not None:
        names: list[str | None] = [field or None for field in field_names]
    elif spec is not None:
        names = [column.name for column in spec.columns]
    else:
        raise SourceError(
            f"the tuples in {name} don't say what their columns are called",
            source=name,
            hint="pass field_names=[...] or a declared table",
        )
    # Column by column: zip(*rows) makes an iterator for each row, which took six times as long (0.46 and 0.08 s for a million
    # rows of five, 2026-11-21).
    getters = [itemgetter(place) for place, field in enumerate(names) if field is not None]

    def split(rows: Rows, start: int) -> Sequence[Values]:
        _check(rows, start, lambda kind: issubclass(kind, tuple | list), "a tuple or list", name)
        if set(map(len, rows)) != {len(names)}:
            row = next(index for index, row in enumerate(rows) if len(row) != len(names))
            raise SourceError(
                f"row {start + row} of {name} has {len(rows[row])} members, but there are {len(names)} columns "
                f"({', '.join(field or '(left out)' for field in names)}): {shown(rows[row])}",
                source=name,
                row=start + row,
                hint="each tuple has one member for each name; field_names=[...] says which they are, '' leaves one out",
            )
        return [list(map(get, rows)) for get in getters]

    return Layout(tuple(field for field in names if field is not None), split)


def _named_tuples(kind: Any, spec: TableSpec | None, name: str) -> Layout:
    getters = [itemgetter(place) for place in range(len(kind._fields))]

    def split(rows: Rows, start: int) -> Sequence[Values]:
        _check(rows, start, lambda other: other is kind, with_article(kind.__name__), name)
        return [list(map(get, rows)) for get in getters]

    return Layout(_columns_of(kind._fields, _by_attribute(spec)), split)


def _objects(kind: Any, spec: TableSpec | None, name: str) -> Layout:
    attributes = tuple(field.name for field in fields(kind))
    declared = _by_attribute(spec)
    fills = {each: declared[each].filled if each in declared else _nothing for each in attributes}

    def split(rows: Rows, start: int) -> Sequence[Values]:
        _check(rows, start, lambda other: other is kind, with_article(kind.__name__), name)
        return [_attributes(rows, each, fills[each]) for each in attributes]

    return Layout(_columns_of(attributes, declared), split)


def _by_attribute(spec: TableSpec | None) -> Mapping[str, ColumnSpec]:
    """The declared columns by the attributes that objects have them in: the fields of the class, or else the columns' names."""
    if spec is None:
        return {}
    return {**spec.by_name, **{column.attribute: column for column in spec.columns if column.attribute is not None}}


def _columns_of(attributes: Sequence[str], declared: Mapping[str, ColumnSpec]) -> tuple[str, ...]:
    return tuple(declared[each].name if each in declared else each for each in attributes)


def _attributes(rows: Rows, name: str, fill: Callable[[], Any]) -> Values:
    try:
        return list(map(attrgetter(name), rows))
    except AttributeError:  # of a field that `__init__` doesn't set, or that was deleted
        return [getattr(row, name) if hasattr(row, name) else fill() for row in rows]


def _dicts(chunk: Rows, spec: TableSpec | None, name: str) -> Layout:
    """The declared columns, in declared order, and then the other keys of the chunk as they appear.

    A row that lacks a declared key has the default of its field, or else NULL, whatever other rows have; so all declared columns
    are columns of the rows. An Identity is the exception: its database numbers the rows where none of them has it.
    """
    _check(chunk, 0, _is_keyed, "a dict", name)
    keys = dict.fromkeys(chain.from_iterable(row.keys() for row in chunk))
    for key in keys:
        if not isinstance(key, str):
            _refuse_key(chunk, 0, key, f"is no text, but {shown(key)}", "the keys of a row are names of columns", name)
    columns = () if spec is None else spec.columns
    declared = {column.name: column.filled for column in columns if column.name in keys or not column.identity}
    names = tuple(dict.fromkeys([*declared, *keys]))
    fills: Mapping[str, Callable[[], Any]] = {key: declared.get(key, _nothing) for key in names}
    required: list[bool] = []  # not empty once all keys are required

    def split(rows: Rows, start: int) -> Sequence[Values]:
        _check(rows, start, _is_keyed, "a dict", name)
        if set(map(len, rows)) == {len(keys)}:
            try:  # all rows have the same keys: three times as fast as looking for each
                found = {key: list(map(itemgetter(key), rows)) for key in keys}
            except (KeyError, IndexError):
                pass
            else:
                return [found[key] if key in found else [fill() for _ in rows] for key, fill in fills.items()]
        late = dict.fromkeys(chain.from_iterable(row.keys() for row in rows)).keys() - set(names)
        for key in late:
            if spec is None:
                hint = _DECLARE_HINT
            else:
                hint = _NUMBERED_HINT if key in spec.by_name else "declare it, or drop it from the data"
            _refuse_key(rows, start, key, f"is new: {shown(key)}", hint, name)
        if required:
            index, key = next((n, key) for n, row in enumerate(rows) for key in names if key not in row.keys())  # noqa: SIM118
            raise SourceError(
                f"row {start + index} of {name} lacks the key {key!r}, which other rows have",
                source=name,
                row=start + index,
                hint=REQUIRED_HINT,
            )
        return [
            [row[key] if key in row.keys() else fill() for row in rows]  # noqa: SIM118 (of a Record)
            for key, fill in fills.items()
        ]

    return Layout(names, split, (lambda: required.append(True)) if spec is None else None)


def _nothing() -> None:
    """The value of a row that lacks a key of which nothing is declared."""


def _is_keyed(kind: Any) -> bool:
    """True if rows of the class have keys: a mapping, or the row of a database driver (`sqlite3.Row`, `asyncpg.Record`)."""
    return issubclass(kind, Mapping) or (hasattr(kind, "keys") and hasattr(kind, "__getitem__"))


def _refuse_key(rows: Rows, start: int, key: object, what: str, hint: str, name: str) -> None:
    row = start + next(index for index, row in enumerate(rows) if key in row.keys())  # noqa: SIM118 (of a Record)
    raise SourceError(f"a key in row {row} of {name} {what}", source=name, row=row, hint=hint)


def _check(rows: Rows, start: int, fits: Callable[[Any], bool], expected: str, name: str) -> None:
    """All rows are of the kind that the first one is."""
    if not all(map(fits, set(map(type, rows)))):
        index = next(index for index, row in enumerate(rows) if not fits(type(row)))
        raise SourceError(
            f"row {start + index} of {name} is {shown(rows[index])}, not {expected} like the rows before",
            source=name,
            row=start + index,
            hint="all rows of a source are of one kind",
        )
