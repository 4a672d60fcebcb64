"""DuckDB relations -> `BatchStream`, but for types that DuckDB's own export to Arrow silently makes others of (2.0.0).

`lost_column` knows these by the text of the type, as Arrow's schema doesn't tell them any more. One more gets a line in `_LOST`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from arrowsync.errors import SourceError
from arrowsync.sources.capsule import open_capsule
from arrowsync.sources.stream import BatchStream

_LOST = {
    "UHUGEINT": "wraps around into negative numbers",
    "TIME WITH TIME ZONE": "loses the zone",
    "BIT": "becomes DuckDB's own bytes",
}
# Names of members come before a type, and are quoted where they hold more than letters, as the labels of enums are.
_TYPE = re.compile(rf"""'(?:[^']|'')*'|"(?:[^"]|"")*"|(?:^|(?<=[ (]))(?P<type>{"|".join(_LOST)})(?=$|[\[,)])""")
CAST_HINT = "cast it in the query: to VARCHAR, or DECIMAL(38, 0) where it is a number that fits"


def open_relation(relation: Any, name: str) -> BatchStream:
    """A stream of the rows of a DuckDB relation, which is run as they are read."""
    if (lost := lost_column(relation.columns, relation.types)) is not None:
        raise SourceError(f"{name}: {lost}", source=name, hint=CAST_HINT)
    return open_capsule(relation, name)


def lost_column(columns: Iterable[str], types: Iterable[object]) -> str | None:
    """What is lost of the first column that Arrow doesn't get as it is, None where all of them arrive."""
    for column, kind in zip(columns, types, strict=True):
        for found in _TYPE.finditer(str(kind)):
            if (lost := found["type"]) is not None:
                return f"column {column!r} is {kind}: {lost} {_LOST[lost]} on the way to Arrow"
    return None
