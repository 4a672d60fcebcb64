"""The public names: `arrowsync` and `arrowsync.aio` offer the same, with the same parameters, and each is documented."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import arrowsync
from arrowsync import aio, blocking, errors

# What users' scripts call. A name that leaves this list breaks them.
OPERATIONS = [
    "Connection",
    "connect",
    "discover",
    "migrate",
    "open_source",
    "plan",
    "read_batches",
    "read_table",
    "sync_table",
    "write_tsv",
]
PURE = ["create_sql", "from_json_schema", "to_json_schema", "to_source"]  # need no connection: the same in both
DECLARING = ["Check", "ForeignKey", "Index", "MaxLength", "Precision", "PrimaryKey", "Range", "Unique", "UniqueKey"]
RESULTS = ["MigrationPlan", "SyncReport"]


def methods_of(owner: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(value)
        for name, value in vars(owner).items()
        if inspect.isfunction(value) and name[0] != "_"
    }


def test_both_flavours_have_the_same_operations() -> None:
    assert sorted(aio.__all__) == sorted(OPERATIONS + PURE)
    assert all(getattr(aio, name) is getattr(arrowsync, name) for name in PURE)
    exported = {name: getattr(arrowsync, name) for name in arrowsync.__all__}
    assert (
        sorted(name for name, value in exported.items() if getattr(value, "__module__", "") == blocking.__name__)
        == OPERATIONS
    )


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "Connection"])
def test_both_flavours_take_the_same_parameters(name: str) -> None:
    ours = inspect.signature(getattr(arrowsync, name)).parameters
    theirs = inspect.signature(getattr(aio, name)).parameters
    assert list(ours.values()) == list(theirs.values())


def test_both_connections_have_the_same_methods() -> None:
    ours, theirs = methods_of(arrowsync.Connection), methods_of(aio.Connection)
    assert {name: signature.parameters for name, signature in ours.items()} == {
        name: signature.parameters for name, signature in theirs.items()
    }
    assert hasattr(arrowsync.Connection, "__enter__")
    assert hasattr(aio.Connection, "__aenter__")


def test_what_a_declaration_needs_and_what_comes_back_is_exported() -> None:
    assert {*DECLARING, *RESULTS, "aio"} - set(arrowsync.__all__) == set()


def test_every_error_is_exported() -> None:
    tree = [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.ArrowSyncError)
    ]
    assert len(tree) >= 11
    assert [name for name in tree if getattr(arrowsync, name, None) is not getattr(errors, name)] == []
    assert set(tree) - set(arrowsync.__all__) == set()


@pytest.mark.parametrize("module", [arrowsync, aio], ids=["arrowsync", "arrowsync.aio"])
def test_every_public_name_exists_and_is_documented(module: object) -> None:
    names: list[str] = module.__all__  # type: ignore[attr-defined]
    assert len(set(names)) == len(names)
    undocumented = []
    for name in names:
        value = getattr(module, name)
        if (inspect.isfunction(value) or inspect.isclass(value)) and not (value.__doc__ or "").strip():
            undocumented.append(name)
    assert undocumented == []


def test_declaring_costs_little() -> None:
    code = "import sys, arrowsync; print(sorted(name for name in sys.modules if name.split('.')[0] in LOADED))"
    loaded = {"asyncpg", "asyncio", "duckdb", "aiomysql", "polars", "pandas", "rich", "fsspec"}
    found = subprocess.run(
        [sys.executable, "-c", code.replace("LOADED", repr(loaded))], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("first", ["arrowsync.migration.plan", "arrowsync.aio", "arrowsync.blocking"])
def test_migrate_is_the_function_whatever_is_imported_first(first: str) -> None:
    code = f"import {first}, arrowsync; from arrowsync import migrate; assert callable(migrate) and arrowsync.migrate is migrate"
    subprocess.run([sys.executable, "-c", code], check=True)
