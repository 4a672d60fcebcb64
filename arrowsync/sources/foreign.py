"""Refusal of columns of unknown Arrow extension types: their storage type isn't their meaning."""

from __future__ import annotations

from collections.abc import Mapping

from arrowsync.declare.extensions import EXTENSION_HINT
from arrowsync.errors import SourceError


def check_foreign(foreign: Mapping[str, str], name: str) -> None:
    """Refuse the columns of `foreign`, which are the extension types by column, as `unknown_extensions` finds them."""
    for column, extension in foreign.items():
        raise SourceError(
            f"column {column!r} of {name} is of the Arrow extension type {extension}, which isn't known: what it is stored "
            "as is not what it means",
            source=name,
            hint=EXTENSION_HINT,
        )
