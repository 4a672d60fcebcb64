"""`not_understood`: the error for an answer that no server gives.

A driver that gets one fails somewhere in its own code, with whatever Python raises there: KeyError, struct.error,
UnicodeDecodeError. A session translates what its driver raises on purpose first, and all else with this.
"""

from __future__ import annotations

import pyarrow as pa

from arrowsync.errors import ConnectionLost, DatabaseError

_MOST_SHOWN = 160


def not_understood(error: Exception, where: str, statement: str | None = None) -> DatabaseError:
    """A ConnectionLost, since nobody knows where the next answer begins; a DatabaseError where Arrow can't read a value."""
    said = str(error)
    said = f"{said[:_MOST_SHOWN]}..." if len(said) > _MOST_SHOWN else said
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    if isinstance(error, pa.ArrowException):
        return DatabaseError(
            f"a result of {where} can't be read ({what})",
            statement=statement,
            hint="select fewer columns to find the one, and select it as text",
        )
    return ConnectionLost(
        f"what {where} has answered can't be understood ({what})",
        statement=statement,
        hint="check host and port, and what is between here and the server; what was not committed has been rolled back",
    )
