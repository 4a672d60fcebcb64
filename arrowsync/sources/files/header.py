"""The names of the columns of CSV and TSV: those of the header, or those that take its place.

A header is read strictly: each name is there, and there once. That isn't asked of the names that nobody wants: `field_names`
take the place of the header's, and of the columns that `columns` leaves out the names aren't looked at.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from arrowsync.declare.spec import TableSpec
from arrowsync.errors import SourceError

MAX_NAMES = 100_000
"""The greatest number of names in a header."""
TOO_MANY = f"it has more than {MAX_NAMES:,} names"
TOO_MANY_HINT = (
    "write a row for each value, with the name of its column as a value beside it; or a Parquet or Arrow file"
)
_SHOWN = 8
# The line that Excel begins a CSV file with to say the delimiter.
_SEPARATOR = re.compile(rb'(?:sep=([^"\r\n\x00\x80-\xff])|"sep=([^"\r\n\x00\x80-\xff])")(?:\r?\n|\Z)')
SEPARATOR_BYTES = 9
"""The most bytes of a `sep=` line."""


@dataclass(frozen=True, slots=True)
class Header:
    """The names in the first line, and the number of that line in the file."""

    names: tuple[str, ...]
    line: int


def column_names(
    header: Header | None,
    field_names: Sequence[str | None] | None,
    wanted: Collection[str] | None,
    spec: TableSpec | None,
    name: str,
) -> tuple[str | None, ...]:
    """A name for each field of a record, None for one that is left out. `wanted` are the columns asked for, None for all."""
    if field_names is not None:
        if header is not None:
            _check_count(field_names, header, name)
        return tuple(field_names)
    if header is None:
        if spec is not None:
            return tuple(column.name for column in spec.columns)
        raise SourceError(
            f"{name} has no header, and nothing else names its columns", source=name, hint="give field_names"
        )
    if wanted is None:
        _check(header, name)
        return header.names
    wanted = frozenset(wanted)
    _check(Header(tuple(each for each in header.names if each in wanted), header.line), name, header)
    return tuple(each if each in wanted else None for each in header.names)


def separator_of(block: bytes) -> tuple[bytes, int] | None:
    """The delimiter that a line `sep=;` at the beginning says, and where the line ends; None where there is none."""
    match = _SEPARATOR.match(block)
    return (match[1] or match[2], match.end()) if match else None


def _check_count(field_names: Sequence[str | None], header: Header, name: str) -> None:
    # Where all records but the header end with a delimiter, the field after it is left out.
    count = len(header.names)
    if len(field_names) < count or any(field_names[count:]):
        raise SourceError(
            f"{name} has {count} {'column' if count == 1 else 'columns'} in its header, "
            f"but {len(field_names)} field_names were given",
            source=name,
            hint="give a name for each, None for one to leave out; or none, and the header names them",
        )


def _check(header: Header, name: str, whole: Header | None = None) -> None:
    whole = whole or header
    seen: set[str] = set()
    for each in header.names:
        if each and each not in seen:
            seen.add(each)
            continue
        index = [i for i, other in enumerate(whole.names) if other == each][1 if each else 0]
        raise SourceError(
            f"{name}, line {header.line}, column {index + 1}: "
            + (f"a second column is named {each!r}" if each else "the column has no name"),
            source=name,
            hint=_hint(whole.names),
        )


def _hint(names: Sequence[str]) -> str:
    """Names that can be given in the place of these."""
    if len(names) > _SHOWN:
        return (
            "give field_names, one for each column in its order, None for one to leave out; "
            "or columns, the names of those to read"
        )
    given: list[str | None] = []
    for name in names:
        number, other = 2, name
        while other in given or (other != name and other in names):
            other, number = f"{name}_{number}", number + 1
        given.append((other or None) if name else None)
    hint = f"field_names={given!r} takes the place of the header"
    once = [name for name in names if name and names.count(name) == 1]
    return f"{hint}, and columns={once!r} reads only these" if once else hint
