"""Comments become a docstring that `parse_docstring` reads as the same comments again.

A docstring can't carry every text: it has no tabs, no blanks around it, no several blank lines in a row, only one kind of line
break, and a line that looks like `:param x:` is one. What is left of such a comment is the nearest text that it can carry.
The lines of a column's comment are paragraphs, so that no line of it is blank.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from arrowsync.declare.docstrings import own_docstring, parse_docstring
from arrowsync.declare.source_layout import docstring_lines, wrap

_LOOKS_LIKE_PARAM = re.compile(r"^(?=:param\s)", re.MULTILINE)

_GENERATED = "An enumeration."
"""What an older Python says of an enum without a docstring, so that it is read as none."""


def docstring_code(class_name: str, comment: str | None, params: Mapping[str, str | None]) -> str | None:
    """The lines of the docstring of a class, quotes and all; None where there is nothing to say."""
    text = comment or ""
    said = {name: carried for name, param in params.items() if param and (carried := _carried_param(param))}
    lines = list(_lines(text, said))
    if not lines:
        return None
    # Where all other lines are indented, the margin is theirs, unless the first one stands below the quotes.
    others = [line for line in lines[1:] if line]
    for below in (False, True):
        found = docstring_lines(lines, below=below)
        indented = others and all(line.startswith(" ") for line in others)
        if (below or not indented) and _reads_as(found, class_name, text, said):
            return found
    lines = list(_lines(_carried_text(text), said))
    return docstring_lines(lines, below=True) if lines else None


def _lines(text: str, params: Mapping[str, str]) -> Iterator[str]:
    if text:
        yield from text.split("\n")
    if text and params:
        yield ""
    for name, param in params.items():
        yield from _param_lines(name, param)


def _param_lines(name: str, param: str) -> Iterator[str]:
    first, *others = param.split("\n")
    start, *rest = wrap(first, first=4 + len(f":param {name}: "), rest=8)
    yield f":param {name}: {start}"
    yield from (f"    {line}" for line in rest)
    for paragraph in others:
        yield ""
        yield from (f"    {line}" for line in wrap(paragraph, first=8, rest=8))


def _reads_as(code: str, class_name: str, text: str, params: Mapping[str, str]) -> bool:
    """Whether the class has these comments if its docstring is `code`, which Python may or may not dedent."""
    given: str = ast.literal_eval(code.strip())
    read = parse_docstring(own_docstring(type(class_name, (), {"__doc__": given})))
    return read.text == text and dict(read.params) == dict(params) and given != _GENERATED


def _carried_text(text: str) -> str:
    lines = (line.rstrip() for line in text.replace("\t", "    ").splitlines())
    return _LOOKS_LIKE_PARAM.sub(" ", re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip())


def _carried_param(text: str) -> str:
    lines = (line.strip() for line in text.replace("\t", " ").splitlines())
    return "\n".join(line for line in lines if line)
