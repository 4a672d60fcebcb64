"""The text of Python statements, laid out as `ruff format` and black do with their default of 88 characters a line.

`write` decides the contents of a module, this file the layout. What doesn't fit on a line is broken at its outermost
brackets, with a comma after the last item, so that formatters with longer lines leave it as it is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

WIDTH = 88

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Group:
    """A call, a subscript or (without a head) a tuple: the text before the brackets, the items in them, the text after them."""

    head: str
    items: tuple[Code, ...]
    brackets: Literal["()", "[]"] = "()"
    tail: str = ""


Code: TypeAlias = str | Group
"""A Python expression: the text of one that is never broken, or one in brackets."""


def call(head: str, *items: Code) -> Group:
    """`head(items)`."""
    return Group(head, items)


def subscript(head: str, *items: Code) -> Group:
    """`head[items]`."""
    return Group(head, items, "[]")


def keyword(name: str, value: Code) -> Code:
    """`name=value`, as an argument of a call."""
    return f"{name}={value}" if isinstance(value, str) else replace(value, head=f"{name}={value.head}")


def optional(code: Code) -> Code:
    """`code | None`."""
    return f"{code} | None" if isinstance(code, str) else replace(code, tail=f"{code.tail} | None")


def quoted(text: str) -> str:
    """A string literal: in double quotes, unless there are more of them than of single ones inside."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + "".join(f"\\{char}" if char == quote else _escaped(char) for char in text) + quote


def quoted_bytes(value: bytes) -> str:
    """A bytes literal."""
    quote = "'" if value.count(b'"') > value.count(b"'") else '"'
    chars = (chr(byte) for byte in value)
    return (
        f"b{quote}"
        + "".join(
            f"\\{char}" if char == quote else _escaped(char) if char < "\x7f" else f"\\x{ord(char):02x}"
            for char in chars
        )
        + quote
    )


def flat(code: Code) -> str:
    """An expression on one line."""
    if isinstance(code, str):
        return code
    comma = "," if not code.head and len(code.items) == 1 else ""  # (x,)
    return f"{code.head}{code.brackets[0]}{', '.join(map(flat, code.items))}{comma}{code.brackets[1]}{code.tail}"


def statement(target: str, value: Code | None = None, annotation: Code | None = None, *, indent: int = 4) -> str:
    """`target: annotation = value` on as many lines as it takes."""
    pad = " " * indent
    start = f"{pad}{target}" if annotation is None else f"{pad}{target}: {flat(annotation)}"
    line = start if value is None else f"{start} = {flat(value)}"
    if _width(line) <= WIDTH:
        return line
    broken = annotation is not None and _ends_in_comma(annotation)
    if annotation is not None and broken:
        start = f"{pad}{target}: {_exploded(annotation, indent)}"
        line = start if value is None else f"{start} = {flat(value)}"
        if _width(line.rpartition("\n")[2]) <= WIDTH:
            return line
    if broken and (value is None or not isinstance(value, Group)):
        return line
    opened = _width(f"{start.rpartition(chr(10))[2]} = (") <= WIDTH
    if opened and isinstance(value, Group) and value.items:
        return f"{start} = {_exploded(value, indent)}"
    if opened and value is not None and flat(value)[-1] in "\"'":
        wrapped = f"{pad}    {flat(value)}"
        # Brackets around a string are for making it fit, unless the annotation could be broken instead.
        breakable = annotation is not None and (not isinstance(annotation, str) or _is_union(annotation))
        return f"{start} = (\n{wrapped}\n{pad})" if breakable or _width(wrapped) <= WIDTH else line
    return f"{line}  # fmt: skip"  # there is nothing good to break at


def _is_union(annotation: str) -> bool:
    return " | " in annotation and not annotation.startswith(('"', "'"))


def class_line(name: str, base: str) -> str:
    """`class name(base):`."""
    line = f"class {name}({base}):"
    return line if _width(line) <= WIDTH else f"class {name}(\n    {base}\n):"


def import_from(module: str, names: Iterable[str]) -> str:
    """`from module import names`, which are sorted already."""
    names = list(names)
    line = f"from {module} import {', '.join(names)}"
    if _width(line) <= WIDTH:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"])


def docstring_lines(lines: Sequence[str], *, indent: int = 4, below: bool = False) -> str:
    """A docstring of these lines; `below`, they begin under its quotes rather than behind them."""
    pad = " " * indent
    text = [_docstring_escaped(line) for line in lines]
    start = " " if text[0].startswith('"') and not below else ""
    if len(text) == 1 and not below:
        before = text[0].removesuffix('"')
        escaped = (len(before) - len(before.rstrip("\\"))) % 2 == 1
        end = " " if before != text[0] and not escaped else ""
        return f'{pad}"""{start}{text[0]}{end}"""'
    body = [f"{pad}{line}" if line else "" for line in text]
    first = [f'{pad}"""', body[0]] if below else [f'{pad}"""{start}{text[0]}']
    return "\n".join([*first, *body[1:], f'{pad}"""'])


def wrap(text: str, *, first: int, rest: int) -> Iterator[str]:
    """The lines of `text`, broken where a single blank stands between two words: joined with blanks they are `text` again.

    `first` and `rest` are the characters that stand before the first line, and before the others.
    """
    line, room = "", WIDTH - first
    words = text.split(" ")
    for number, word in enumerate(words):
        if not line and number == 0:
            line = word
            continue
        breakable = line and word and not line[-1].isspace() and not word[0].isspace() and not word[-1].isspace()
        if breakable and _width(f"{line} {word}") > room:
            yield line
            line, room = word, WIDTH - rest
        else:
            line = f"{line} {word}"
    yield line


def _exploded(code: Code, indent: int) -> str:
    """An expression with each item on a line of its own. In a subscript of one item there is no comma: that is broken too."""
    if isinstance(code, str) or not code.items:
        return flat(code)
    pad = " " * (indent + 4)
    if code.brackets == "[]" and len(code.items) == 1:
        lines = [pad + _exploded(code.items[0], indent + 4)]
    else:
        lines = [f"{pad}{_item(item, indent + 4)}," for item in code.items]
    return "\n".join([code.head + code.brackets[0], *lines, " " * indent + code.brackets[1]])


def _item(code: Code, indent: int) -> str:
    text = flat(code)
    if indent + _width(text) + 1 <= WIDTH:
        return text
    if isinstance(code, str) or not code.tail:
        return _exploded(code, indent)
    return f"{_item(replace(code, tail=''), indent)}\n{' ' * indent}{code.tail.strip()}"


def _ends_in_comma(code: Code) -> bool:
    """True if an expression has brackets to break that a formatter leaves broken."""
    if isinstance(code, str) or code.tail:
        return False
    if code.brackets == "[]" and len(code.items) == 1:
        return _ends_in_comma(code.items[0])
    return bool(code.items)


def _width(line: str) -> int:
    if line.isascii():
        return len(line)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _docstring_escaped(line: str) -> str:
    text = "".join(map(_escaped, line)).replace('"""', '\\"\\"\\"')
    # Formatters remove blanks at the ends of lines.
    return text[:-1] + "\\x20" if text.endswith(" ") else text
