"""The tables that a module declares, and those that they refer to.

This is where a whole program's declarations are gathered: migrations and scripts begin with it, and a sync of one table doesn't.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any, cast

from arrowsync.declare.dataclasses.fields import table_name
from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.declare.site import Site
from arrowsync.declare.spec import Reference, TableSpec, references_of, structs_of, with_references
from arrowsync.errors import DeclarationError


def declared_tables(
    tables: type | ModuleType | Sequence[type | ModuleType],
    *,
    skip_annotations: tuple[type, ...] = (),
    namespaces: Mapping[str, str | None] | None = None,
) -> tuple[TableSpec, ...]:
    """The specs of one dataclass, of several, or of all that a module defines; then of the tables that they refer to.

    Of a module those classes count that have a field, in the order of their definition. One that has no key, and that another
    uses as the type of a field, is a struct, and no table. `namespaces` says by module which namespace the tables live in,
    where their classes don't say it themselves; other modules have none.
    """
    given: Sequence[object] = (
        [tables] if isinstance(tables, (type, ModuleType)) else list(cast("Sequence[object]", tables))
    )
    specs: dict[type, TableSpec] = {}
    for each in given:
        for table in _dataclasses_of(each) if isinstance(each, ModuleType) else (cast(type, each),):
            specs.setdefault(table, read_dataclass(table, skip_annotations=skip_annotations))
    queue = list(specs.values())
    while queue:
        for target in references_of(queue.pop(0)):
            if target.source is not None and target.source not in specs:
                specs[target.source] = found = read_dataclass(target.source, skip_annotations=skip_annotations)
                queue.append(found)
    used = {struct for table, spec in specs.items() for struct in structs_of(spec) if struct is not table}
    for module in given:
        if isinstance(module, ModuleType):
            used |= set(_enum_members_of(module))
    kept = [spec for table, spec in specs.items() if spec.key or table in given or table not in used]
    if not kept:
        raise DeclarationError("there is no table declared", hint="pass dataclasses, or a module that defines some")
    chosen = tuple(_with_namespaces(spec, namespaces) if namespaces else spec for spec in kept)
    _check_names(chosen)
    return chosen


def _dataclasses_of(module: ModuleType) -> Iterator[type]:
    """The dataclasses that a module defines, and that have a field."""
    for value in cast("Mapping[str, object]", vars(module)).values():
        if not isinstance(value, type) or not dataclasses.is_dataclass(value) or issubclass(value, enum.Enum):
            continue
        if value.__module__ == module.__name__ and dataclasses.fields(cast(Any, value)):
            yield value


def _enum_members_of(module: ModuleType) -> Iterator[type]:
    """The classes of the values of the enums that a module defines: of a dataclass they are rows of a lookup table."""
    for value in cast("Mapping[str, object]", vars(module)).values():
        if isinstance(value, type) and issubclass(value, enum.Enum):
            yield from (type(member.value) for member in value)


def _with_namespaces(spec: TableSpec, namespaces: Mapping[str, str | None]) -> TableSpec:
    def moved(target: Reference) -> Reference:
        return replace(target, namespace=_namespace(target.source, target.namespace, namespaces))

    return replace(with_references(spec, moved), namespace=_namespace(spec.source, spec.namespace, namespaces))


def _namespace(table: type | None, declared: str | None, namespaces: Mapping[str, str | None]) -> str | None:
    if table is None or hasattr(table, "__namespace__"):
        return declared
    namespace = namespaces.get(table.__module__)
    return None if namespace is None else Site(table.__name__).checked_name(namespace, "namespace")


def _check_names(specs: Sequence[TableSpec]) -> None:
    """Refuse two classes that declare one table."""
    seen: dict[tuple[str | None, str], TableSpec] = {}
    for spec in specs:
        before = seen.setdefault((spec.namespace, spec.name), spec)
        if before is not spec and spec.source is not None and before.source is not None:
            one, other = (f"{each.__module__}.{each.__qualname__}" for each in (before.source, spec.source))
            raise Site(spec.source.__name__).error(
                f"{one} and {other} both declare the table {table_name(spec.source)!r}",
                hint="give one of them a __table_name__ or a __namespace__",
            )
