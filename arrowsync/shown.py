r"""Text for people to read, on a terminal, in a notebook, in a log: made harmless and short.

Names, values and the messages of servers may hold anything: an escape sequence of a terminal, a line break that begins a
forged line, 300 MB. `printable` escapes such characters (`\x1b`), `shown` makes a value at most 160 characters long, `legible`
is for the text of an error, `printable_sql` for a statement, `to_html` for a page. Each leaves its own results unchanged, so a
text may pass through several of them. SQL and source code to be run, and fields that hold data, pass through none.
"""

from __future__ import annotations

import html
import re
import unicodedata

SHOWN_CHARACTERS = 160
"""The greatest length of a value or name in a message."""

MESSAGE_CHARACTERS = 2_000
"""The greatest length of a message."""

_HIDDEN_CATEGORIES = {
    "Cc",
    "Cf",
    "Cs",
    "Zl",
    "Zp",
}  # controls, formats (bidirectional too), surrogates, line separators
_QUOTED = re.compile(
    r"""(?<!\w)b?'(?:[^'\\]|\\.)*'(?!\w)|(?<!\w)b?"(?:[^"\\]|\\.)*"(?!\w)|`[^`]*`|(?<=\)=\().*(?=\) )""", re.DOTALL
)
"""A value or name within a message: as `repr` writes it, as servers do, and PostgreSQL's `Key (id)=(...) already exists`."""
_WORD = re.compile(rf"[^\s'\"`()]{{{SHOWN_CHARACTERS + 1},}}")
"""A word so long that it must be a value: none of ours is."""
_SQL_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`", re.DOTALL)


def printable(text: str, *, lines: bool = False) -> str:
    r"""Escape the characters that a terminal or page acts upon (`\x1b`); with `lines` line breaks stay.

    >>> printable("red: \x1b[31m")
    'red: \\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(character if _harmless(character, lines) else _escaped(character) for character in text)


def _harmless(character: str, lines: bool) -> bool:
    if character.isprintable() or (lines and character == "\n"):
        return True
    return unicodedata.category(character) not in _HIDDEN_CATEGORIES


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def shortened(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """Cut the text to at most `limit` characters, with three dots at the end if any are left out."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def shown(value: object) -> str:
    """Return the repr of a value, printable and at most 160 characters long.

    >>> len(shown("x" * 300_000))
    160
    """
    if isinstance(value, (str, bytes, bytearray)):
        value = value[: SHOWN_CHARACTERS + 1]  # the rest isn't shown, and may be large
    return _shortened_quote(printable(written(value)))


def written(value: object) -> str:
    """Return the repr of a value, or its type if the repr fails, as for ints of more than 4,300 digits."""
    try:
        return repr(value)
    except Exception:  # a __repr__ may be anybody's
        if isinstance(value, int):
            return f"an int of {value.bit_length()} bits"
        return f"a {type(value).__name__} without a repr"


def legible(message: str) -> str:
    """Make the text of an error printable and one line, with a bounded length of the whole and of each quoted value or name."""
    text = printable(message[: 10 * MESSAGE_CHARACTERS])
    if len(text) <= SHOWN_CHARACTERS:
        return text
    text = _QUOTED.sub(lambda found: _shortened_quote(found[0]), text)
    text = _WORD.sub(lambda found: shortened(found[0]), text)
    if len(text) <= MESSAGE_CHARACTERS:
        return text
    half = MESSAGE_CHARACTERS // 2 - 10
    return f"{text[:half]} [...] {text[-half:]}"


def _shortened_quote(text: str) -> str:
    """Cut a quoted text like `shortened`, and keep its closing quote."""
    if len(text) <= SHOWN_CHARACTERS:
        return text
    quote = text[-1] if text[-1] in "'\"`" else ""
    return shortened(text, SHOWN_CHARACTERS - len(quote)) + quote


def printable_sql(statement: str) -> str:
    """Make a statement printable: its own line breaks stay, those within a name or a text constant are escaped."""
    return printable(_SQL_QUOTED.sub(lambda found: printable(found[0]), statement), lines=True)


def to_html(text: str, *, lines: bool = False) -> str:
    """Escape a text for an HTML page."""
    return html.escape(printable(text, lines=lines))
