"""A docstring becomes the comment of a table and of its columns.

\"\"\"Users of the shop.

:param id: Number of the user.
:param name: As written in the passport,
    and nowhere else.
\"\"\"
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass

# `:param name: text`, and Sphinx's `:param type name: text`.
_PARAM = re.compile(r":param\s+(?:[^:]*\s)?\*{0,2}(\w+)\s*:(.*)", re.DOTALL)
_FIELD = re.compile(r":\w[^:]*:")


@dataclass(frozen=True, slots=True)
class DocText:
    """What a docstring says of the class as a whole, and (`params`) of its fields by name."""

    text: str
    params: Mapping[str, str]


def parse_docstring(docstring: str) -> DocText:
    """The text of a docstring without its `:param name:` fields, and these.

    A field goes on over the following lines, up to a blank line or to the next field; paragraphs after a blank line belong
    to it as long as they are indented. Its wrapped lines are joined with a blank, its paragraphs with a newline.
    """
    text: list[str] = []
    params: dict[str, list[list[str]]] = {}
    current: list[list[str]] | None = None
    blank = False
    for line in inspect.cleandoc(docstring).splitlines():
        found = _PARAM.match(line)
        if found:
            current = params.setdefault(found[1], [[]])
            current[:] = [[found[2]]]
        elif not line.strip():
            text.append("")
        elif current is None or _FIELD.match(line) or (blank and not line[0].isspace()):
            current = None
            text.append(line)
        else:
            if blank:
                current.append([])
            current[-1].append(line)
        blank = not line.strip()
    joined = {
        name: "\n".join(" ".join(map(str.strip, lines)).strip() for lines in paragraphs)
        for name, paragraphs in params.items()
    }
    return DocText(re.sub(r"\n{3,}", "\n\n", "\n".join(text)).strip(), joined)


def own_docstring(table: type) -> str:
    """The docstring that the author of a dataclass wrote; empty where there is none.

    `@dataclass` gives a class without one its signature as docstring: `User(id: int, name: str = '')`.
    """
    docstring = table.__doc__ or ""
    generated = re.escape(table.__name__) + r"(\((\*, )?(\w+: .*)?\))?"
    return "" if re.fullmatch(generated, docstring, re.DOTALL) else docstring
