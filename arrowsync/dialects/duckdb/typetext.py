"""The text of DuckDB's types, both ways: `parse_type` of what `duckdb_columns()` says, `type_sql` for statements.

DuckDB has brought what it says to one spelling. A type that isn't known is called by its text, also where it is the element or
member of one that is. A new type with parameters is a case in `_read` and one in `type_sql`.
"""

from __future__ import annotations

import re

from arrowsync.catalog import SqlType
from arrowsync.dialects.duckdb.types import ARROW_TYPES
from arrowsync.sql import SQL, Identifier, Literal, join, sql, trusted

_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_LABEL = re.compile(r"'((?:[^']|'')*)'")
_NAME = re.compile(r'"((?:[^"]|"")+)"|([^ "]+)')
_SUFFIX = re.compile(r"\[(\d*)\]")
_WORDS = re.compile(r"""(?:[^'"()\[\],]|'(?:[^']|'')*'|"(?:[^"]|"")*")+""")
"""What has none of the signs that part a type from the next one, but inside of quotes."""


def parse_type(text: str) -> SqlType:
    """The canonical type of the text in `duckdb_columns()`. A type that arrowsync doesn't know keeps that text."""
    try:
        live, end = _read(text, 0)
    except ValueError:
        return SqlType(text)
    return live if end == len(text) else SqlType(text)


def type_sql(live: SqlType) -> SQL:
    """The type as statements spell it."""
    if live.element is not None:
        return sql("{element}[]", element=type_sql(live.element))
    if live.members:
        members = [sql("{name} {type}", name=Identifier(name), type=type_sql(kind)) for name, kind in live.members]
        return sql("STRUCT({members})", members=join(", ", members))
    if live.labels:
        return sql("ENUM({labels})", labels=join(", ", [Literal(label) for label in live.labels]))
    if live.name == "decimal":
        return sql("DECIMAL({digits}, {scale})", digits=Literal(live.args[0]), scale=Literal(live.args[1]))
    # One of the names in `types`, or a type of a live table as DuckDB itself spells it.
    return trusted(live.name.upper() if live.name in ARROW_TYPES else live.name)


def _read(text: str, start: int) -> tuple[SqlType, int]:
    """The type that begins at `start`, and where it ends; a ValueError where none does."""
    if text.startswith("STRUCT(", start):
        live, at = _read_struct(text, start + len("STRUCT("))
    elif text.startswith("ENUM(", start):
        live, at = _read_enum(text, start + len("ENUM("))
    else:
        at = _end_of_plain(text, start)
        live = _plain(text[start:at])
    while suffix := _SUFFIX.match(text, at):
        at = suffix.end()
        # An array of a fixed length is a type of its own, and none of ours.
        live = SqlType(text[start:at]) if suffix[1] else SqlType("array", element=live)
    return live, at


def _read_struct(text: str, at: int) -> tuple[SqlType, int]:
    members: list[tuple[str, SqlType]] = []
    while True:
        name = _NAME.match(text, at)
        if name is None or text[name.end() : name.end() + 1] != " ":
            raise ValueError(text)
        kind, at = _read(text, name.end() + 1)
        members.append((name[2] or name[1].replace('""', '"'), kind))
        if text.startswith(")", at):
            return SqlType("struct", members=tuple(members)), at + 1
        at = _after_comma(text, at)


def _read_enum(text: str, at: int) -> tuple[SqlType, int]:
    labels: list[str] = []
    while True:
        label = _LABEL.match(text, at)
        if label is None:
            raise ValueError(text)
        labels.append(label[1].replace("''", "'"))
        at = label.end()
        if text.startswith(")", at):
            return SqlType("enum", labels=tuple(labels)), at + 1
        at = _after_comma(text, at)


def _after_comma(text: str, at: int) -> int:
    if not text.startswith(", ", at):
        raise ValueError(text)
    return at + 2


def _end_of_plain(text: str, at: int) -> int:
    """Where a name with its arguments ends, whatever they are."""
    words = _WORDS.match(text, at)
    if words is None:
        raise ValueError(text)
    at = words.end()
    depth = 0
    while at < len(text) and (depth or text[at] == "("):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        inner = _WORDS.match(text, at)
        at = inner.end() if inner else at + 1
    return at


def _plain(text: str) -> SqlType:
    if decimal := _DECIMAL.fullmatch(text):
        return SqlType("decimal", (int(decimal[1]), int(decimal[2])))
    known = text.lower()
    return SqlType(known if known in ARROW_TYPES else text)
