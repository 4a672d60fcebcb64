"""`Selection`: the columns to read of files, and the filters on the rows of Parquet and Arrow files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, cast

import pyarrow as pa

from arrowsync.declare.spec import TableSpec
from arrowsync.errors import DeclarationError, SourceError
from arrowsync.sources.files.text import placed_schema
from arrowsync.sources.stream import BatchStream, columns_of, to_batch

Columns: TypeAlias = 'Sequence[str] | Literal["declared"]'
Filter: TypeAlias = tuple[str, str, object]

OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "in", "not in")


@dataclass(frozen=True, slots=True)
class Selection:
    """The columns that are wanted, None for all, and what holds for all rows that are, as `pyarrow.parquet` writes it."""

    columns: tuple[str, ...] | None = None
    filters: tuple[Filter, ...] = ()
    lenient: bool = False
    """True if selected columns that a file lacks are left out."""

    @property
    def expression(self) -> Any:
        """The filters as an expression, None where there are none."""
        import pyarrow.parquet as pq

        return cast("Any", pq).filters_to_expression([list(self.filters)]) if self.filters else None

    def wanted(self, names: Collection[str]) -> set[str]:
        """Return the names of selected columns among `names`."""
        return set(names) if self.columns is None else {*self.columns}.intersection(names)

    def needed(self, names: Collection[str]) -> list[str]:
        """Return the columns of a file that are selected, or that a filter needs."""
        if self.columns is None:
            return list(names)
        wanted = {*self.columns, *(name for name, _, _ in self.filters)}
        return [name for name in names if name in wanted]

    def about(self, names: Collection[str]) -> Selection:
        """Return the selection with only the filters on these columns."""
        about = set(names)
        return replace(self, filters=tuple(each for each in self.filters if each[0] in about))

    def check(self, schema: pa.Schema, source: str) -> None:
        """Refuse a selected column that the schema lacks, or a filter that can't be compared with its column."""
        names = dict.fromkeys(schema.names)
        asked = {
            "columns has": () if self.lenient else self.columns or (),
            "filters has": [name for name, _, _ in self.filters],
        }
        for what, wanted in asked.items():
            for name in wanted:
                if name not in names:
                    raise SourceError(
                        f"{what} {name!r}, which {source} doesn't have",
                        source=source,
                        hint=f"its columns are {', '.join(map(repr, names))}",
                    )

        for each in self.filters:
            try:
                cast("Any", schema.empty_table()).filter(replace(self, filters=(each,)).expression)
            except (pa.ArrowException, TypeError) as error:
                raise DeclarationError(
                    f"filters can't compare {each[0]!r}, which is {columns_of(schema)[each[0]]}, with {each[2]!r}",
                    hint="give a value of the type of the column",
                ) from error

    def keeps(self, row: Mapping[str, Any]) -> bool:
        """True if the filters about these columns hold for these values, arrays of one row each."""
        expression = self.about(row.keys()).expression
        return expression is None or cast("Any", pa.table(dict(row))).filter(expression).num_rows > 0


def to_selection(columns: Columns | None, filters: Sequence[Filter] | None, spec: TableSpec | None) -> Selection:
    """Make a selection of a caller's arguments, checked."""
    if columns == "declared":
        if spec is None:
            raise DeclarationError('columns="declared" needs a declared table', hint="pass the table, or names")
        names: tuple[str, ...] | None = tuple(column.name for column in spec.columns)
    elif isinstance(columns, str):
        raise DeclarationError(f"columns={columns!r}", hint='give a list of names, or "declared"')
    else:
        names = None if columns is None else tuple(columns)
    for each in cast("Sequence[object]", filters or ()):
        parts = cast("tuple[object, ...]", each)
        if not (isinstance(each, tuple) and len(parts) == 3 and parts[1] in OPERATORS):
            raise DeclarationError(
                f"filters has {each!r}",
                hint=f'each is (column, operator, value), such as ("day", ">=", date(2026, 1, 1)), with {OPERATORS}',
            )
        _check_value(*parts)
    return Selection(names, tuple(filters or ()), lenient=columns == "declared")


def _check_value(name: object, operator: object, value: object) -> None:
    """Refuse what holds for no row, or for others than it says."""
    problem = hint = None
    if operator in ("in", "not in") and isinstance(value, str | bytes):
        problem, hint = "would look for each of its letters", f"give a list: ({name!r}, {operator!r}, [{value!r}])"
    elif value is None:
        problem = "holds for no row: nothing compares with NULL"
        hint = "leave the filter out, and filter the rows once they are read"
    if problem is not None:
        raise DeclarationError(f"filters has {(name, operator, value)!r}, which {problem}", hint=hint)


def select_columns(stream: BatchStream, selection: Selection) -> BatchStream:
    """The stream with the columns that are wanted only, in the order of the stream."""
    if selection.columns is None:
        return stream
    selection.check(stream.schema, stream.name)
    kept = selection.needed(stream.schema.names)
    at = {name: place for place, name in enumerate(stream.schema.names)}
    places = [at[name] for name in kept]
    kinds = columns_of(stream.schema)
    schema = pa.schema({name: kinds[name] for name in kept})

    def chosen(batches: Iterable[pa.RecordBatch], places: list[int], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield to_batch([batch.column(place) for place in places], schema)

    def with_origin() -> Iterator[pa.RecordBatch]:
        return chosen(stream.iter_with_origin(), [*places, len(stream.schema)], placed_schema(schema))

    return BatchStream(
        schema,
        chosen(stream, places, schema),
        name=stream.name,
        close=stream.close,
        row_count=stream.row_count,
        with_origin=with_origin if stream.has_origins else None,
        valid_text=stream.valid_text,
        trail=stream.trail,
        require_keys=stream.require_keys,
    )
