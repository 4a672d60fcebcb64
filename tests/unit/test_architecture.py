"""The rules of the house, kept true by reading every module's syntax tree: who imports whom, who may do what."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2] / "arrowsync"

# Bottom to top. A room imports from the rows below its own; those of the second row, and errors, options and shown, may also
# import each other. `arrowsync` itself is its __init__: only the command line imports that.
LAYERS = (
    ("errors", "options", "shown", "sql"),
    ("catalog", "bridge", "declare"),
    ("sources", "convert", "wire", "generate", "migration", "testing"),
    ("report", "progress"),
    ("dialects",),
    ("load",),
    ("sync",),
    ("aio",),
    ("blocking",),
    ("arrowsync",),
    ("cli",),
    ("__main__",),
)
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}

PURE = {"sql", "catalog", "declare", "convert", "wire", "generate", "migration"}
NOT_PURE = """
    asyncio concurrent http logging multiprocessing os pathlib queue random secrets select selectors shutil signal socket
    ssl subprocess tempfile threading time urllib pyarrow.csv pyarrow.dataset pyarrow.fs pyarrow.json pyarrow.parquet
""".split()
THREADS = "threading _thread queue concurrent.futures multiprocessing".split()
DRIVERS = "asyncpg duckdb adbc_driver_manager adbc_driver_postgresql psycopg psycopg2 aiomysql asyncmy pymysql MySQLdb".split()
ROW_WISE = {"as_py", "to_pylist", "to_pydict", "iterrows", "itertuples"}
LOOPS = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
MAKES_SAMPLES = {"python_value"}  # besides functions named _sample...
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


def is_any_of(dotted: str, names: Sequence[str]) -> bool:
    return any(dotted == name or dotted.startswith(f"{name}.") for name in names)


def each_import() -> Iterator[tuple[Module, str, str]]:
    for module in MODULES:
        yield from ((module, f"{module.name}:{line}:", dotted) for line, dotted in module.imports())


def each_node() -> Iterator[tuple[Module, ast.AST]]:
    for module in MODULES:
        yield from ((module, node) for node in ast.walk(module.tree))


def fail_on(wrong: list[str]) -> None:
    assert not wrong, "\n" + "\n".join(wrong)


def test_every_room_is_in_the_layers() -> None:
    fail_on([f"say in LAYERS where {module.room} belongs" for module in MODULES if module.room not in RANK])


def test_imports_point_downwards() -> None:
    wrong = []
    for module, place, dotted in each_import():
        top, _, rest = dotted.partition(".")
        if top != "arrowsync":
            continue
        parts = rest.split(".")
        room = parts[0] if parts[0] in RANK else "arrowsync"
        mine, theirs = RANK[module.room], RANK[room]
        if theirs > mine or (theirs == mine and room != module.room and theirs > 1):
            wrong.append(f"{place} {module.room} imports {room}")
        if (
            room == "dialects"
            and module.dialect
            and parts[1] != module.dialect
            and (ROOT / "dialects" / parts[1]).is_dir()
        ):
            wrong.append(f"{place} the dialect {module.dialect} imports another, {parts[1]}")
    fail_on(wrong)


def test_pure_rooms_do_no_io_and_know_no_clock_thread_or_loop() -> None:
    wrong = []
    for module, place, dotted in each_import():
        if module.room in PURE and is_any_of(dotted, NOT_PURE):
            wrong.append(f"{place} {module.room} is pure and imports {dotted}")
    for module, node in each_node():
        if module.room in PURE and isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if called in ("open", "input", "print", "now", "today", "utcnow"):
                wrong.append(f"{module.name}:{node.lineno}: {module.room} is pure and calls {called}()")
    fail_on(wrong)


def test_threads_and_drivers_stay_in_their_rooms() -> None:
    wrong = []
    for module, place, dotted in each_import():
        if module.room != "bridge" and is_any_of(dotted, THREADS):
            wrong.append(f"{place} {dotted} is imported outside bridge/")
        if not module.name.endswith(("session.py", "/connect.py", "/errors.py")) and is_any_of(dotted, DRIVERS):
            wrong.append(f"{place} the driver {dotted} is imported outside *session.py, connect.py and errors.py")
    fail_on(wrong)


def test_no_row_wise_python_in_convert_and_wire() -> None:
    """Only what samples the few offending rows for a message may make Python values; `pc.any(...).as_py()` makes one."""
    wrong = []

    def visit(module: Module, node: ast.AST, *, in_loop: bool) -> None:
        match node:
            case ast.FunctionDef(name=name) if name.startswith("_sample") or name in MAKES_SAMPLES:
                return
            case ast.Attribute(value=ast.Call(), attr="as_py") if not in_loop:
                pass
            case ast.Attribute(attr=attr) if attr in ROW_WISE:
                wrong.append(f"{module.name}:{node.lineno}: .{attr} outside a function named _sample...")
            case ast.For() | ast.comprehension() if "num_rows" in ast.unparse(node.iter):
                wrong.append(f"{module.name}:{node.target.lineno}: a loop over all rows")
            case _:
                pass
        in_loop = in_loop or isinstance(node, LOOPS)
        for child in ast.iter_child_nodes(node):
            visit(module, child, in_loop=in_loop)

    for module in MODULES:
        if module.room in ("convert", "wire"):
            visit(module, module.tree, in_loop=False)
    fail_on(wrong)


def test_sql_is_never_formatted() -> None:
    """No f-string, `%`, `+`, `.format` or `.join` on a string that starts like SQL; a template of `sql()` is literal."""
    wrong = []
    for module, node in each_node():
        match node:
            case ast.JoinedStr(values=[formatted, *_]):
                pass
            case ast.BinOp(left=formatted, op=ast.Mod() | ast.Add()):
                pass
            case ast.Call(func=ast.Attribute(value=formatted, attr="format" | "join" | "replace")):
                pass
            case ast.Call(func=ast.Name(id="sql"), args=[template, *_]):
                if not is_literal(template):
                    wrong.append(f"{module.name}:{node.lineno}: the template of sql() isn't a literal")
                continue
            case _:
                continue
        if isinstance(formatted, ast.Constant) and isinstance(formatted.value, str):
            keyword, space, _ = formatted.value.lstrip().partition(" ")
            if space and keyword in SQL_KEYWORDS:
                wrong.append(f"{module.name}:{formatted.lineno}: formatted SQL: {formatted.value!r}")
    fail_on(wrong)


def is_literal(template: ast.expr) -> bool:
    """A string literal, or one of two: `"max({order})" if last else "min({order})"`."""
    match template:
        case ast.IfExp(body=body, orelse=orelse):
            return is_literal(body) and is_literal(orelse)
        case _:
            return isinstance(template, ast.Constant)


def test_files_stay_short() -> None:
    lengths = {module.name: len(module.path.read_text().splitlines()) for module in MODULES}
    fail_on(
        [
            f"{name} has {lines} lines: what does it do besides its name?"
            for name, lines in lengths.items()
            if lines > 600
        ]
    )


def test_no_pattern_is_possessive() -> None:
    """Python before 3.11.5 matches too much in a possessive or atomic group of alternatives (CPython's issue 106052)."""
    possessive = re.compile(r"(?<!\\)[*+?}]\+|\(\?>")
    for wrong in ("(?:a|b)*+", "[ab]++", "a?+", "a{2}+", "(?>a|b)"):
        assert possessive.search(wrong)
    uses_re = {module.name for module, _, dotted in each_import() if is_any_of(dotted, ["re"])}
    assert uses_re
    fail_on(
        [
            f"{module.name}:{node.lineno}: {text!r} is possessive"
            for module, node in each_node()
            if module.name in uses_re
            and isinstance(node, ast.Constant)
            and isinstance(node.value, str | bytes)
            and possessive.search(text := node.value if isinstance(node.value, str) else node.value.decode("latin-1"))
        ]
    )


def test_import_brings_no_driver_and_no_optional_library() -> None:
    heavy = [*DRIVERS, "polars", "pandas", "rich", "pyarrow.dataset", "pyarrow.parquet", "IPython", "jsonschema"]
    code = "import sys, arrowsync; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "arrowsync" in loaded
    assert sorted(loaded.intersection(heavy)) == []
