"""The `Part`s of a table: columns whose values are drawn together, and the parts that have to be distinct.

A part is a single column, or those of one foreign key. A primary key, a unique key and an identity column are made distinct
in the order of their sizes, so that a key which holds a smaller one is distinct already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from arrowsync.declare.site import Site
from arrowsync.declare.spec import Reference, TableSpec
from arrowsync.testing.draws import Numbering, Supply, distinct, stream


@dataclass(frozen=True, slots=True)
class Part:
    """Columns that are drawn together, and what they refer to, if anything."""

    columns: tuple[str, ...]
    target: Reference | None = None


def parts_of(spec: TableSpec, target: Callable[[Reference, Site], TableSpec]) -> Mapping[str, Part]:
    """The part of each column. `target` finds the table that a reference means."""
    parts: dict[str, Part] = {}
    for key in spec.foreign_keys:
        for name in key.columns:
            if name in parts:
                raise Site(spec.name, name).error(
                    "two foreign keys of several columns share this one, and random rows can't hit both",
                    hint="make the rows of this table yourself",
                )
            parts[name] = Part(key.columns, key.target)
    for column in spec.columns:
        reference = column.references[0] if column.references else None
        part = parts.setdefault(column.name, Part((column.name,), reference))
        if part.target is None or reference is None or len(part.columns) == 1:
            continue
        # The row that the wider key refers to has to be one that refers, in turn, to what this column refers to.
        site = Site(spec.name, column.name)
        wider = target(part.target, site)
        name = part.target.columns[part.columns.index(column.name)]
        reached: list[tuple[str | None, str, tuple[str, ...]]] = [(wider.namespace, wider.name, (name,))]
        reached += [(each.namespace, each.table, each.columns) for each in wider.by_name[name].references]
        if (reference.namespace, reference.table, reference.columns) not in reached:
            raise site.error(
                f"this column refers to {reference.table}, and to {wider.name} with others, which has no such reference",
                hint="make the rows of this table yourself",
            )
    return parts


def keys_of(spec: TableSpec) -> list[tuple[str, ...]]:
    """The columns whose values together are different in each row, the fewest first."""
    names = {column.name for column in spec.columns}
    indexes = [index.parts for index in spec.indexes if index.unique and names.issuperset(index.parts)]
    return sorted({key for key in (spec.key, *spec.unique, *indexes) if key}, key=lambda key: (len(key), key))


def distinct_parts(
    spec: TableSpec, parts: Mapping[str, Part], supply: Callable[[Part], Supply], n: int, seed: int
) -> Mapping[Part, Numbering]:
    """The numbers of values in the first `n` rows, for each part that makes a key distinct."""
    found: dict[Part, Numbering] = {}
    done = [{parts[column.name]} for column in spec.columns if column.identity]
    for key in keys_of(spec):
        inside = dict.fromkeys(parts[name] for name in key if set(parts[name].columns) <= set(key))
        if any(already <= inside.keys() for already in done):
            continue
        free = [part for part in inside if part not in found and {part} not in done]
        site = Site(spec.name, key[0] if len(key) == 1 else None)
        supplies = [supply(part) for part in free]
        if free and not all(each.size for each in supplies):
            raise site.error(
                f"random values of {', '.join(key)} can't be kept distinct", hint="leave lists out of the key"
            )
        numbering = distinct(supplies, n, stream(seed, spec.name, "key", *key)) if free else None
        if numbering is None:
            raise site.error(
                f"{n} rows can't have different values of {', '.join(key)}",
                hint="ask for fewer rows, or declare types and ranges with more values",
            )
        found.update(zip(free, numbering, strict=True))
        done.append(set(free))
    return found
