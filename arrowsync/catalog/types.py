"""`SqlType`: the canonical type of a column in the SQL space of one dialect."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SqlType:
    """A column type, spelled canonically, so that two equal types compare equal.

    `name` is the dialect's canonical lower-case name without arguments (`"bigint"`, `"varchar"`, `"numeric"`); `args` are
    its integer arguments (length, or precision and scale). An enum has its `labels`, and is called `name` in `namespace`
    where the dialect has named enum types (`name` is `"enum"` where they are inline). An array is `SqlType("array",
    element=...)`.
    """

    name: str
    args: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    namespace: str | None = None
    element: SqlType | None = None

    def __str__(self) -> str:
        if self.element is not None:
            return f"{self.element}[]"
        if self.args:
            return f"{self.name}({', '.join(map(str, self.args))})"
        return self.name
