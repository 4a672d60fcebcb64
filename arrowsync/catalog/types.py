"""`SqlType`: the canonical type of a column in the SQL space of one dialect."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SqlType:
    """A column type, spelled canonically, so that two equal types compare equal.

    `name` is the dialect's canonical lower-case name without arguments (`"bigint"`, `"varchar"`, `"numeric"`); `args` are
    its integer arguments (length, or precision and scale). An enum has its `labels`, and is called `name` in `namespace`
    where the dialect has named enum types (`name` is `"enum"` where they are inline). An array is `SqlType("array",
    element=...)`; its number of `dimensions` is what was declared and no part of the type, for a dialect in which an array
    of two dimensions isn't one of arrays. A struct has `members`, names and types, and a name and `namespace` of its own
    where the dialect has named struct types (else it is called `"struct"`).
    """

    name: str
    args: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    namespace: str | None = None
    element: SqlType | None = None
    members: tuple[tuple[str, SqlType], ...] = ()
    dimensions: int = field(default=1, compare=False)

    def __str__(self) -> str:
        if self.element is not None:
            return f"{self.element}[]"
        if self.members and self.name == "struct":
            return f"struct({', '.join(f'{name} {member}' for name, member in self.members)})"
        if self.args:
            return f"{self.name}({', '.join(map(str, self.args))})"
        return self.name
