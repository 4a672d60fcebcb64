"""Types as `information_schema` spells them -> canonical `SqlType`s: `from_text`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from arrowsync.catalog import SqlType

_TYPE = re.compile(
    r"(?P<name>[a-z0-9 ]+?)(?:\((?P<args>[0-9, ]+)\))?(?P<unsigned> unsigned)?(?: zerofill)?", re.IGNORECASE
)
_COMPRESSED = re.compile(r" /\*M!\d+ COMPRESSED\*/$")
"""How MariaDB stores the values, and nothing of what they are."""
_LABEL = re.compile(r"'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)|''", re.DOTALL)
_ESCAPED: Mapping[str, str] = {"n": "\n", "r": "\r", "0": "\0", "t": "\t", "Z": "\x1a"}
_WITHOUT_WIDTH = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "year"})
"""Types whose argument says how a program may show them, and nothing of their values."""
_WITH_DIGITS = frozenset({"datetime", "timestamp", "time"})
"""Types of no digits of a second, where none are named."""
LOST = "?"
"""What the server shows for a character of a label that its own tables don't hold."""


def from_text(text: str) -> SqlType:
    """The type; one that arrowsync doesn't know keeps the whole text as its name."""
    if text.lower().startswith("enum("):
        return SqlType("enum", labels=tuple(unescape(label) for label in _LABEL.findall(text)))
    text = _COMPRESSED.sub("", text)
    found = _TYPE.fullmatch(text)
    if found is None:
        return SqlType(text)
    name = found["name"].lower()
    args = tuple(int(arg) for arg in found["args"].split(",")) if found["args"] else ()
    sign = " unsigned" if found["unsigned"] else ""
    if name == "tinyint" and args == (1,) and not sign:
        return SqlType("boolean")
    if name in _WITHOUT_WIDTH:
        return SqlType(name + sign)
    if name in _WITH_DIGITS:
        return SqlType(name, args or (0,))
    if name in ("float", "double"):
        return SqlType(name) if not args and not sign else SqlType(text)  # these round, or refuse what is below 0
    if sign:
        return SqlType(text)
    return SqlType(name, args)


def unescape(text: str) -> str:
    """The text that stands between quotes."""
    return _ESCAPE.sub(lambda found: "'" if found[1] is None else _ESCAPED.get(found[1], found[1]), text)
