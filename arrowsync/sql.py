"""SQL as values: `sql("SELECT {column} FROM {table}", column=Identifier("x"), table=Identifier("public", "t"))`.

SQL text exists only as literal templates in `sql("...")`; names enter as `Identifier`, values as `Literal`, and a dialect's
`Quoting` turns the whole into text for one live server. No other formatting touches SQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, LiteralString, assert_never


@dataclass(frozen=True, slots=True)
class Quoting:
    """The quoting rules of one server: `identifier("a")` gives `"a"` with its quotes, `literal(value)` the text of a constant."""

    identifier: Callable[[str], str]
    literal: Callable[[Any], str]


@dataclass(frozen=True, slots=True, init=False)
class Identifier:
    """A name, optionally qualified: `Identifier("public", "users")`. Parts that are None are left out."""

    parts: tuple[str, ...]

    def __init__(self, *parts: str | None) -> None:
        object.__setattr__(self, "parts", tuple(part for part in parts if part is not None))


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant, written as the server's own literal of that Python value."""

    value: Any


@dataclass(frozen=True, slots=True)
class SQL:
    """A statement, or a part of one: literal text with names and values in it. Made by `sql`, `join` and `trusted`."""

    parts: tuple[str | Composable, ...]

    def text(self, quoting: Quoting) -> str:
        """Return the statement as text, quoted for one server."""
        out: list[str] = []
        for part in self.parts:
            match part:
                case str():
                    out.append(part)
                case Identifier():
                    out.append(".".join(quoting.identifier(name) for name in part.parts))
                case Literal():
                    out.append(quoting.literal(part.value))
                case SQL():
                    out.append(part.text(quoting))
                case _:
                    assert_never(part)
        return "".join(out)


Composable = SQL | Identifier | Literal
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def sql(template: LiteralString, /, **parts: Composable) -> SQL:
    """Make a statement from a literal template; each `{name}` in it is replaced by one of `parts`.

    >>> quoting = Quoting(lambda name: f'"{name}"', repr)
    >>> sql("SELECT {c} FROM t", c=Identifier("t", "x")).text(quoting)
    'SELECT "t"."x" FROM t'
    """
    pieces = _PLACEHOLDER.split(template)
    missing = parts.keys() ^ set(pieces[1::2])
    if missing:
        raise TypeError(f"the template and its parts differ in {sorted(missing)}")
    return SQL(tuple(parts[piece] if at % 2 else piece for at, piece in enumerate(pieces) if at % 2 or piece))


def join(separator: LiteralString, parts: Iterable[Composable]) -> SQL:
    """Join the parts with a literal separator."""
    out: list[str | Composable] = []
    for part in parts:
        if out:
            out.append(separator)
        out.append(part)
    return SQL(tuple(out))


def trusted(text: str) -> SQL:
    """Wrap SQL text that the user gave as SQL (`Connection.execute`), or that the server's own catalog gave, unchanged."""
    return SQL((text,))


__all__ = ["SQL", "Composable", "Identifier", "Literal", "Quoting", "join", "sql", "trusted"]
