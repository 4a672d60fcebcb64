"""Connections of drivers that a forked child has from its parent: `refuse_inherited`.

A connection that was opened by the user's own code doesn't tell in which process. So those that exist are looked for right
before a fork, in the parent, and the child remembers them, weakly. A new driver is one line in `_CONNECTIONS`.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from weakref import ref

from arrowsync.bridge import keep_for_ever, of_another_process

_CONNECTIONS = {
    "adbc_driver_manager.dbapi": "Connection",
    "aiomysql.connection": "Connection",
    "asyncpg.connection": "Connection",
    "duckdb": "DuckDBPyConnection",
    "sqlite3": "Connection",
}
"""Module of a driver -> name of its connection class."""

_found: list[object] = []
_inherited: dict[int, ref[object]] = {}
_files: set[str] = set()


def refuse_inherited(connection: object) -> None:
    """Raise a DeclarationError for a driver's connection that was opened before this process was forked."""
    known = _inherited.get(id(connection))
    if known is None or known() is not connection:
        return
    keep_for_ever(connection)  # the driver would say goodbye to the server when this process ends
    raise of_another_process(f"the {type(connection).__module__.partition('.')[0].strip('_')} connection")


def is_open_in_parent(file: str) -> bool:
    """True if the file was open when this process was forked, and stands open here for that reason."""
    return str(Path(file).resolve()) in _files


def _find() -> None:
    kinds = {
        kind
        for module, name in _CONNECTIONS.items()
        if (kind := getattr(sys.modules.get(module), name, None)) is not None
    }
    if kinds:
        _found.extend(thing for thing in gc.get_objects() if type(thing) in kinds)


def _remember() -> None:
    _inherited.update({id(connection): ref(connection) for connection in _found})
    _found.clear()
    if "duckdb" in sys.modules:
        _files.update(_open_files())


def _open_files() -> set[str]:
    """The paths of the files that this process has open, where the system tells."""
    files: set[str] = set()
    folder = Path("/proc/self/fd")
    if folder.is_dir():
        for number in os.listdir(folder):
            try:
                files.add(os.readlink(folder / number))
            except OSError:  # the one that the folder was read with
                continue
    return files


os.register_at_fork(before=_find, after_in_parent=_found.clear, after_in_child=_remember)
