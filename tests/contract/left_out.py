"""What is demanded of a column whose values no load can write, and of the Python text of any table."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

import arrowsync
from arrowsync import Connection, ConversionError
from arrowsync.declare.dataclasses.read import read_dataclass


def check(conn: Connection) -> None:
    """Try every way to load the table t (id, v, s), of which `v` is such a column, and holds a value in its one row."""
    data = arrowsync.read_table("t", conn)
    assert data.column("v").null_count == 0
    others = data.drop_columns(["v"])
    for given in (data, [{"id": 1, "v": None}]):
        for mode in ("upsert", "mirror", "replace", "insert"):
            with pytest.raises(ConversionError, match="can't be loaded") as caught:
                arrowsync.sync_table(given, "t", conn, mode=mode)
            assert caught.value.column == "v"
            assert caught.value.hint is not None
            assert "drop it from the data" in caught.value.hint
    for mode in ("upsert", "mirror"):
        assert arrowsync.sync_table(others, "t", conn, mode=mode).unchanged == 1
    assert arrowsync.sync_table([{"id": 2, "s": "b"}], "t", conn, mode="insert").inserted == 1
    assert arrowsync.read_table("t", conn).sort_by("id").column("v").to_pylist() == [data["v"][0].as_py(), None]
    conn.execute("DELETE FROM t WHERE id = 2; ALTER TABLE t ALTER COLUMN v SET NOT NULL")
    for mode in ("upsert", "mirror", "replace", "insert"):
        with pytest.raises(ConversionError, match="'v' requires a value") as caught:
            arrowsync.sync_table([{"id": 2, "s": "b"}], "t", conn, mode=mode)
        assert caught.value.column == "v"
    conn.execute("ALTER TABLE t ALTER COLUMN v DROP NOT NULL")
    assert arrowsync.sync_table(others, "t", conn, mode="replace").inserted == 1
    assert arrowsync.read_table("t", conn).column("v").null_count == 1


def described(conn: Connection, name: str) -> list[str]:
    """The columns of the class that is printed for the live table `name`, once the text is a module."""
    module = ModuleType("described")
    sys.modules[module.__name__] = module
    try:
        catalog = arrowsync.discover(conn)
        exec(arrowsync.to_source(catalog), module.__dict__)
        return [column.name for column in read_dataclass(module.__dict__[name]).columns]
    finally:
        del sys.modules[module.__name__]
