"""What a table demands of its columns, in `source_code`: on the field where it is of one column, else in `__constraints__`.

Checks and indexes without names get numbers, so that their order is kept: `describe` reads those of
the fields first. To add a constraint: its place in `constraints_of`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from arrowsync.declare.place import Place
from arrowsync.declare.source_fields import Field
from arrowsync.declare.source_layout import Code, call, keyword, quoted
from arrowsync.declare.source_types import PUBLIC, Extras, Scope, foreign_key_code
from arrowsync.declare.spec import CheckSpec, IndexSpec, TableSpec

_COLUMN = re.compile(r"(?<!\{)\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Constraints:
    """What stands on each field, by its first column, and what is left for `__constraints__`."""

    on_fields: Mapping[str, Extras]
    listed: tuple[Code, ...]


def constraints_of(spec: TableSpec, fields: Sequence[Field], scope: Scope) -> Constraints:
    """All that `spec` demands of the columns that `fields` become."""
    imports = scope.names.imports
    alone = [field.column.name for field in fields if field.foreign_key is None]
    unique = [group for group in spec.unique if set(group) != set(spec.key)]  # the key is unique already
    indexes = list(_leading(spec.indexes, alone, _indexed_column))
    checks = list(_leading(spec.checks, alone, _checked_column))
    extras = {
        field.column.name: Extras(
            primary_key=field.column.name in spec.key,
            unique=field.foreign_key is None and (field.column.name,) in unique,
            marks=(
                *(_index(index, scope, ()) for name, index in indexes if name == field.column.name),
                *(_check(check, scope) for name, check in checks if name == field.column.name),
            ),
        )
        for field in fields
    }
    folded = [field.foreign_key for field in fields]
    said = {(name,) for name, extra in extras.items() if extra.unique}
    listed: list[Code] = [
        *(call(imports.name(PUBLIC, "UniqueKey"), *map(quoted, group)) for group in unique if group not in said),
        *(foreign_key_code(key, Place(spec.name), scope) for key in spec.foreign_keys if key not in folded),
        *(_index(index, scope, index.parts) for index in spec.indexes[len(indexes) :]),
        *(_check(check, scope) for check in spec.checks[len(checks) :]),
    ]
    return Constraints(extras, tuple(listed))


T = TypeVar("T")


def _leading(
    given: Sequence[T], columns: Sequence[str], column_of: Callable[[T], str | None]
) -> Iterator[tuple[str, T]]:
    """The first of `given`, as far as each is of one column, and they are in the order of the columns."""
    position = 0
    for each in given:
        name = column_of(each)
        if name is None or name not in columns[position:]:
            return
        position = columns.index(name)
        yield name, each


def _indexed_column(index: IndexSpec) -> str | None:
    return index.parts[0] if len(index.parts) == 1 else None


def _checked_column(check: CheckSpec) -> str | None:
    names = set(_COLUMN.findall(check.condition))
    return names.pop() if len(names) == 1 else None


def _index(index: IndexSpec, scope: Scope, parts: Sequence[str]) -> Code:
    said: list[Code] = [*map(quoted, parts), *(["unique=True"] if index.unique else [])]
    return call(scope.names.imports.name(PUBLIC, "Index"), *said, *_name(index.name))


def _check(check: CheckSpec, scope: Scope) -> Code:
    return call(scope.names.imports.name(PUBLIC, "Check"), quoted(check.condition), *_name(check.name))


def _name(name: str | None) -> Iterator[Code]:
    if name is not None:
        yield keyword("name", quoted(name))
