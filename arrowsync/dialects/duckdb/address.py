"""What a DuckDB URL says: `address_of`. Pure.

The path is what follows the third slash, as in SQLAlchemy: `duckdb:///data.duckdb` is relative, `duckdb:////srv/data.duckdb`
absolute; `duckdb://` and `duckdb:///:memory:` are a database in memory. Options of the connection follow a question mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from arrowsync.errors import DeclarationError

MEMORY = ":memory:"
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Address:
    """The file (or `:memory:`), whether it may only be read, and settings for the engine."""

    path: str
    read_only: bool = False
    options: tuple[tuple[str, str], ...] = ()

    @property
    def uses_default_memory(self) -> bool:
        """Whether there is a file to write to, and no limit that the user has chosen."""
        return self.path != MEMORY and not {"memory_limit", "max_memory"} & dict(self.options).keys()


def address_of(url: str) -> Address:
    """The parts of a `duckdb:` URL; a DeclarationError where it isn't one."""
    _, _, rest = url.partition(":")
    place, _, query = rest.partition("?")
    if not place.startswith("//"):
        raise _wrong("a DuckDB URL begins with duckdb://")
    host, slash, path = place[2:].partition("/")
    if host:
        raise _wrong(f"a DuckDB URL names no host: {host!r} stands where one would")
    options = dict(parse_qsl(query, keep_blank_values=True))
    read_only = options.pop("read_only", "false").lower()
    if read_only not in _BOOLEANS:
        raise _wrong(f"read_only is {read_only!r}, and has to be true or false")
    return Address(unquote(path) if slash and path else MEMORY, _BOOLEANS[read_only], tuple(options.items()))


def _wrong(problem: str) -> DeclarationError:
    return DeclarationError(
        problem,
        hint="write duckdb:///file.duckdb for a file here, duckdb:////folder/file.duckdb for an absolute path, "
        "or duckdb:// for a database in memory",
    )
