"""What a declaration demands of values: checks of columns and of tables, and the indexes, as SQL."""

from __future__ import annotations

from collections.abc import Iterator
from string import Formatter

from arrowsync.catalog import Check, Index
from arrowsync.declare.spec import ColumnSpec, TableSpec
from arrowsync.migrate.modes import Forms, Modes, is_joined
from arrowsync.migrate.names import NameMaker
from arrowsync.options import ArrayMode, EnumMode
from arrowsync.sql import SQL, Composable, Identifier, Literal, join, sql, trusted


def expression(text: str) -> SQL:
    """User's SQL with each `{name}` in it made a quoted column; `{{` is a brace."""
    parts: list[Composable] = []
    for plain, name, _, _ in Formatter().parse(text):
        parts.append(trusted(plain))
        if name is not None:
            parts.append(Identifier(name))
    return join("", parts)


def column_checks(spec: ColumnSpec, table: str, forms: Forms, modes: Modes, names: NameMaker) -> Iterator[Check]:
    """The check of a column's values, where its type says less than the declaration."""
    conditions = [condition for condition in (_bounds(spec), _choices(spec), _labels(spec, forms, modes)) if condition]
    if conditions:
        yield Check(join(" AND ", conditions), names.make("ch", table, spec.name))


def table_checks(spec: TableSpec, table: str, names: NameMaker) -> Iterator[Check]:
    """The checks that the declaration spells out."""
    for number, check in enumerate(spec.checks, start=1):
        name = check.name or names.make("ch", table, str(number))
        if check.name:
            names.take(check.name)
        yield Check(expression(check.condition), name)


def declared_indexes(spec: TableSpec, table: str, names: NameMaker) -> tuple[Index, ...]:
    """The indexes of a table: a part is a column, or else an expression if it has braces."""
    found: list[Index] = []
    for number, index in enumerate(spec.indexes, start=1):
        parts = tuple(expression(p) if "{" in p and p not in spec.by_name else p for p in index.parts)
        said = [part if isinstance(part, str) else f"{number}" for part in parts]
        name = index.name or names.make("ix", table, *said)
        found.append(Index(parts, name, index.unique))
    return tuple(found)


def _bounds(spec: ColumnSpec) -> SQL | None:
    column = Identifier(spec.name)
    match spec.minimum, spec.maximum:
        case None, None:
            return None
        case low, None:
            return sql("{column} >= {low}", column=column, low=Literal(low))
        case None, high:
            return sql("{column} <= {high}", column=column, high=Literal(high))
        case low, high:
            return sql("{column} BETWEEN {low} AND {high}", column=column, low=Literal(low), high=Literal(high))


def _choices(spec: ColumnSpec) -> SQL | None:
    return _one_of(spec.name, spec.choices) if spec.choices else None


def _labels(spec: ColumnSpec, forms: Forms, modes: Modes) -> SQL | None:
    if spec.element is None:
        checked = spec.labels and modes.of_enum(spec) is EnumMode.CHECK
        return _one_of(spec.name, spec.labels) if checked else None
    element = spec.element
    if not element.labels or modes.of_enum(element) is not EnumMode.CHECK or is_joined(spec, modes):
        return None
    if forms.only_labels is None or modes.array is ArrayMode.TEXT:
        return None
    labels = (*element.labels, None) if element.nullable else element.labels
    return forms.only_labels(Identifier(spec.name), labels, modes.array)


def _one_of(name: str, values: tuple[object, ...]) -> SQL:
    return sql(
        "{column} IN ({values})", column=Identifier(name), values=join(", ", [Literal(value) for value in values])
    )
