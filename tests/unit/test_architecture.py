"""The rules of the house, kept true by reading every module's syntax tree: who imports whom, who may do what."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import arrowsync

ROOT = Path(arrowsync.__file__).parent

# Bottom to top. A room imports from the rows below its own; those of the second row, and errors and options, may also
# import each other. `arrowsync` itself (its __init__) is in the top row: nothing inside imports it.
LAYERS = (
    ("errors", "options", "_version"),
    ("sql", "catalog", "bridge", "declare"),
    ("sources", "convert", "encode", "migrate"),
    ("report",),
    ("dialects",),
    ("sync",),
    ("aio",),
    ("blocking", "cli"),
    ("arrowsync", "__main__"),
)
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}

PURE = {"sql", "catalog", "declare", "convert", "encode", "migrate"}
NOT_PURE = """
    asyncio concurrent http logging multiprocessing os pathlib queue random secrets select selectors shutil signal socket
    ssl subprocess tempfile threading time urllib pyarrow.csv pyarrow.dataset pyarrow.fs pyarrow.json pyarrow.parquet
""".split()
THREADS = "threading _thread queue concurrent.futures multiprocessing".split()
DRIVERS = "asyncpg duckdb adbc_driver_manager adbc_driver_postgresql psycopg psycopg2 aiomysql asyncmy pymysql MySQLdb".split()
ROW_WISE = {"as_py", "to_pylist", "to_pydict", "iterrows", "itertuples"}
SQL_KEYWORDS = """
    ALTER ANALYZE ATTACH BEGIN CALL COMMENT COMMIT COPY CREATE DECLARE DELETE DETACH DROP EXECUTE EXPLAIN FETCH FROM GRANT
    INSERT JOIN LOAD LOCK MERGE ON RELEASE RENAME RETURNING ROLLBACK SAVEPOINT SELECT SET SHOW TRUNCATE UPDATE USE USING
    VALUES WHERE WITH
""".split()


@dataclass(frozen=True, slots=True)
class Module:
    path: Path
    tree: ast.Module

    @property
    def name(self) -> str:
        """Its path below the package: `dialects/postgres/types.py`."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def room(self) -> str:
        first = self.name.split("/")[0].removesuffix(".py")
        return "arrowsync" if first == "__init__" else first

    @property
    def dialect(self) -> str | None:
        parts = self.name.split("/")
        return parts[1] if parts[0] == "dialects" and len(parts) > 2 else None

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and dotted name of everything that it imports, at the top or inside a function, for types or for real."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


MODULES = [Module(path, ast.parse(path.read_text(), path.name)) for path in sorted(ROOT.rglob("*.py"))]
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)


def is_any_of(dotted: str, names: list[str]) -> bool:
    return any(dotted == name or dotted.startswith(f"{name}.") for name in names)


@each_module
def test_imports_point_downwards(module: Module) -> None:
    wrong = []
    for line, dotted in module.imports():
        top, _, rest = dotted.partition(".")
        if top != "arrowsync":
            continue
        parts = rest.split(".")
        room = parts[0] if parts[0] in RANK else "arrowsync"
        mine, theirs = RANK[module.room], RANK[room]
        same_row_is_fine = room == module.room or theirs <= 1
        if theirs > mine or (theirs == mine and not same_row_is_fine):
            wrong.append(f"{module.name}:{line}: {module.room} imports {room}")
        elif (
            room == "dialects"
            and module.dialect not in (None, "shared", parts[1])
            and (ROOT / "dialects" / parts[1]).is_dir()
        ):
            wrong.append(f"{module.name}:{line}: one dialect imports another, {parts[1]}")
    assert not wrong, "\n".join(wrong)


@each_module
def test_io_clocks_threads_and_drivers_stay_in_their_rooms(module: Module) -> None:
    wrong = []
    imports_drivers = module.path.name == "faults.py" or module.path.name.endswith("_session.py")
    for line, dotted in module.imports():
        if module.room in PURE and is_any_of(dotted, NOT_PURE):
            wrong.append(f"{module.name}:{line}: {module.room} is pure and imports {dotted}")
        if module.room != "bridge" and is_any_of(dotted, THREADS):
            wrong.append(f"{module.name}:{line}: {dotted} is imported outside bridge/")
        if not imports_drivers and is_any_of(dotted, DRIVERS):
            wrong.append(f"{module.name}:{line}: the driver {dotted} is imported outside *_session.py and faults.py")
    for node in ast.walk(module.tree):
        if module.room in PURE and isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if called in ("open", "input", "print", "now", "today", "utcnow"):
                wrong.append(f"{module.name}:{node.lineno}: {module.room} is pure and calls {called}()")
    assert not wrong, "\n".join(wrong)


@each_module
def test_no_row_wise_python_in_convert_and_encode(module: Module) -> None:
    """Only a function named `_sample*` may make Python values: of the few offending rows that a message shows."""
    if module.room not in ("convert", "encode"):
        return
    wrong = []

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("_sample"):
            return
        if isinstance(node, ast.Attribute) and node.attr in ROW_WISE:
            wrong.append(f"{module.name}:{node.lineno}: .{node.attr} outside a function named _sample...")
        if isinstance(node, ast.For | ast.comprehension) and getattr(node.target, "id", "") in ("row", "value"):
            wrong.append(f"{module.name}:{node.target.lineno}: a loop over rows")
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(module.tree)
    assert not wrong, "\n".join(wrong)


@each_module
def test_sql_is_never_formatted(module: Module) -> None:
    """No f-string, `%`, `+` or `.format` on a string that starts like SQL, and none as the template of `sql()`."""
    wrong = []
    for node in ast.walk(module.tree):
        match node:
            case ast.JoinedStr(values=[first, *_]):
                formatted: ast.AST | None = first
            case ast.BinOp(left=left, op=ast.Mod() | ast.Add()):
                formatted = left
            case ast.Call(func=ast.Attribute(value=value, attr="format" | "join" | "replace")):
                formatted = value
            case ast.Call(func=ast.Name(id="sql"), args=[template, *_]) if not isinstance(template, ast.Constant):
                wrong.append(f"{module.name}:{node.lineno}: the template of sql() isn't a literal")
                continue
            case _:
                continue
        if isinstance(formatted, ast.Constant) and isinstance(formatted.value, str):
            keyword, space, _ = formatted.value.lstrip().partition(" ")
            if space and keyword in SQL_KEYWORDS:
                wrong.append(f"{module.name}:{formatted.lineno}: formatted SQL: {formatted.value!r}")
    assert not wrong, "\n".join(wrong)


@each_module
def test_files_stay_short(module: Module) -> None:
    lines = len(module.path.read_text().splitlines())
    assert lines < 400, f"{module.name} has {lines} lines: find what it does besides what it is named after"


def test_import_brings_no_driver_and_no_optional_library() -> None:
    heavy = [*DRIVERS, "polars", "pandas", "rich", "pyarrow.dataset", "pyarrow.parquet", "IPython"]
    code = "import sys, arrowsync; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "arrowsync" in loaded
    assert sorted(loaded.intersection(heavy)) == []


def test_every_room_is_in_the_layers() -> None:
    rooms = {module.room for module in MODULES}
    assert rooms <= RANK.keys(), f"say in LAYERS where {sorted(rooms - RANK.keys())} belong"
