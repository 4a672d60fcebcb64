"""Arguments -> calls of `arrowsync.aio` -> what the user sees, and the exit code.

A new command is a function in `_COMMANDS` and a parser in `_parser`; a test fails if the README doesn't show it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, get_args

from arrowsync import aio
from arrowsync.cli.reading import add_reading_options, check_rejects, source_of, write_rejects
from arrowsync.dialects import dialect_for, is_database
from arrowsync.errors import (
    ArrowSyncError,
    ConversionError,
    DatabaseError,
    DeclarationError,
    MigrationError,
    MissingDriver,
    SourceError,
)
from arrowsync.options import (
    ArrayMode,
    Dedup,
    EnumMode,
    GeneratorOptions,
    Mode,
    OnConflict,
    OnError,
    SchemaChanges,
    StructMode,
)
from arrowsync.report import SyncReport
from arrowsync.sync.described import to_source
from arrowsync.sync.inference import infer
from arrowsync.sync.script import create_sql

EXIT_CODES: dict[type[ArrowSyncError], int] = {
    DeclarationError: 2,
    SourceError: 3,
    ConversionError: 4,
    MigrationError: 5,
    DatabaseError: 6,
    MissingDriver: 7,
}
"""The exit code of each branch of the error tree; 2 is also what wrong arguments give, 130 and 143 are Ctrl-C and SIGTERM."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return asyncio.run(_interruptible(_COMMANDS[options.command](options)))
    except ArrowSyncError as error:
        _complain(error)
        return next(code for branch, code in EXIT_CODES.items() if isinstance(error, branch))
    except KeyboardInterrupt:
        print("interrupted: nothing was changed", file=sys.stderr)
        return 130
    except asyncio.CancelledError:
        print("terminated: nothing was changed", file=sys.stderr)
        return 143


async def _interruptible(command: Coroutine[Any, Any, int]) -> int:
    """SIGTERM cancels as Ctrl-C does, so that the load rolls back."""
    task = asyncio.ensure_future(command)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


async def _load(options: argparse.Namespace) -> int:
    if options.rejects:
        check_rejects(options.rejects)
    report = await aio.sync_table(
        source_of(options),
        _table(options.table),
        options.target,
        mode=options.mode,
        key=options.key,
        on_conflict=options.on_conflict,
        dedup=options.dedup,
        on_error="reject" if options.rejects else options.on_error,
        max_rejects=options.max_rejects,
        schema_changes=options.schema_changes,
        parallel=options.parallel,
        progress=False if options.quiet else None,
        dry_run=options.dry_run,
    )
    if options.rejects and report.rejects is not None:
        write_rejects(report.rejects, options.rejects)
    if options.json:
        print(json.dumps(report.to_dict(), default=str))
    elif not options.quiet:
        _show(report)
    return 0


async def _plan(options: argparse.Namespace) -> int:
    plan = await aio.plan([_table(t) for t in options.table], options.target, schema_changes=options.schema_changes)
    print(json.dumps({"statements": list(plan.statements)}) if options.json else plan)
    return 0


async def _migrate(options: argparse.Namespace) -> int:
    plan = await aio.migrate([_table(t) for t in options.table], options.target, schema_changes=options.schema_changes)
    print(json.dumps({"statements": list(plan.statements)}) if options.json else plan)
    return 0


async def _ddl(options: argparse.Namespace) -> int:
    tables = [_class_or_module(text) for text in options.table]
    modules = {
        table.__name__ if isinstance(table, ModuleType) else getattr(table, "__module__", "") for table in tables
    }
    generator = GeneratorOptions(
        enum_mode=_mode(EnumMode, options.enum_mode),
        struct_mode=_mode(StructMode, options.struct_mode),
        array_mode=_mode(ArrayMode, options.array_mode),
        namespaces=dict.fromkeys(modules, options.namespace) if options.namespace else {},
        foreign_constraints=options.foreign_keys,
        initialize_tables=options.initialize_tables,
        auto_default=options.auto_default,
    )
    print(create_sql(tables, options.dialect, generator), end="")
    return 0


async def _discover(options: argparse.Namespace) -> int:
    if not is_database(options.target):
        print(infer(options.target).source(), end="")
        return 0
    catalog = await aio.discover(options.target, options.namespace)
    dialect = dialect_for(options.target.partition(":")[0])
    print(to_source(catalog, dialect.language.name), end="")
    return 0


def commands() -> list[str]:
    """The names of all commands."""
    return list(_COMMANDS)


def _table(text: str) -> Any:
    """`module:Class` is that class, with the current folder on the path; anything else is the name of a table."""
    module_name, colon, class_name = text.partition(":")
    if not colon:
        return text
    return _class_of(_import(module_name, text), class_name)


def _class_or_module(text: str) -> Any:
    """`module:Class` is that class, `module` all that the module declares; a path, `shop.py`, does for a module's name."""
    name, colon, class_name = text.rpartition(":")
    module = _import(name if colon else text, text)
    return _class_of(module, class_name) if colon else module


def _import(name: str, text: str) -> ModuleType:
    """The module of that name or path, with its folder (the current one for a name) on the path of imports."""
    path = Path(name)
    from_path = path.suffix == ".py"
    folder = str(path.resolve().parent if from_path else Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = import_module(path.stem if from_path else name)
    except (Exception, SystemExit) as error:  # whatever the user's module raises
        raise DeclarationError(
            f"the module {name!r} of {text} can't be imported: {type(error).__name__}: {error}",
            hint="run it from the folder of the module, or install the module",
        ) from error
    if from_path and Path(module.__file__ or "").resolve() != path.resolve():
        raise DeclarationError(
            f"{name} can't be imported: another module is called {path.stem!r}", hint="rename the file"
        )
    return module


def _class_of(module: ModuleType, name: str) -> Any:
    table = getattr(module, name, None)
    if table is None:
        raise DeclarationError(f"the module {module.__name__!r} has no {name!r}", hint="a table is module:Class")
    return table


def _show(report: SyncReport) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if report.dry_run:
        console.print(str(report), markup=False, highlight=False)
        return
    table = Table(title=f"{report.table}: {report.mode}", title_justify="left", show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    for name, rows in report.outcomes().items():
        table.add_row(name, f"{rows:,}")
    table.add_row("seconds", f"{report.seconds:.2f}")
    table.add_row("rows/s", f"{report.rows_per_second:,.0f}")
    console.print(table)
    for change in report.changes:
        console.print(f"  {change}", markup=False, highlight=False)


def _complain(error: ArrowSyncError) -> None:
    print(f"arrowsync: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  hint: {error.hint}", file=sys.stderr)


_Mode = TypeVar("_Mode", EnumMode, StructMode, ArrayMode)


def _mode(modes: type[_Mode], word: str | None) -> _Mode | None:
    return None if word is None else modes(word)


def _columns(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="arrowsync",
        description="Load data into database tables that dataclasses declare, exactly and all or nothing.",
    )
    parser.add_argument("--version", action="version", version=f"arrowsync {version('arrowsync')}")
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")

    load = commands.add_parser("load", help="load a source into a table: create or migrate, convert, load, merge")
    load.add_argument(
        "source",
        metavar="SOURCE",
        help="a file, folder, glob or URL of Parquet, CSV, TSV, JSON Lines or Arrow; - for standard input",
    )
    load.add_argument("target", metavar="TARGET", help="a database URL, such as duckdb:///warehouse.duckdb")
    load.add_argument("--table", required=True, help="the declaration, module:Class, or the name of a table")
    load.add_argument("--key", type=_columns, help="the key columns, separated by commas, where no class declares them")
    load.add_argument("--mode", choices=get_args(Mode), help="upsert where there is a key (default), else insert")
    load.add_argument("--on-conflict", choices=get_args(OnConflict), default="error")
    load.add_argument("--dedup", choices=get_args(Dedup), default="last")
    load.add_argument("--on-error", choices=get_args(OnError), default="raise")
    load.add_argument("--max-rejects", type=int)
    load.add_argument("--rejects", metavar="FILE", help="reject bad rows, and write them to this Parquet file")
    load.add_argument(
        "--parallel", type=int, metavar="N", help="load over N connections at once (a server, not DuckDB)"
    )
    load.add_argument("--dry-run", action="store_true", help="show the changes that would be made, and make none")
    load.add_argument("--quiet", action="store_true", help="print errors only")
    add_reading_options(load)
    _common(load)

    plan = commands.add_parser("plan", help="show how the live tables differ from their declarations")
    migrate = commands.add_parser("migrate", help="create and alter the live tables to match their declarations")
    for command in (plan, migrate):
        command.add_argument("table", nargs="+", metavar="MODULE:CLASS", help="the declarations")
        command.add_argument("target", metavar="TARGET", help="a database URL")
        _common(command)

    ddl = commands.add_parser("ddl", help="print the SQL script that creates declared tables, with no database")
    ddl.add_argument(
        "table", nargs="+", metavar="MODULE[:CLASS]", help="the declarations: one class, or all of a module or .py file"
    )
    ddl.add_argument("--dialect", required=True, help="ansi, postgresql, mysql, mariadb or duckdb")
    for option, modes in (("--enum-mode", EnumMode), ("--struct-mode", StructMode), ("--array-mode", ArrayMode)):
        ddl.add_argument(option, choices=[mode.value for mode in modes], help="what the dialect does best (default)")
    ddl.add_argument("--namespace", help="the namespace of tables whose classes don't name one")
    ddl.add_argument("--no-foreign-keys", dest="foreign_keys", action="store_false", help="leave foreign keys out")
    ddl.add_argument("--initialize-tables", action="store_true", help="fill lookup tables with the labels of enums")
    ddl.add_argument(
        "--auto-default", action="store_true", help="give required columns a default: zero, the empty text"
    )

    discover = commands.add_parser(
        "discover", help="print the tables of a live database, or what a file holds, as dataclasses"
    )
    discover.add_argument("target", metavar="TARGET", help="a database URL, or a file: all of its rows are looked at")
    discover.add_argument(
        "--namespace", help="the namespace of the tables, where it isn't the connection's default one"
    )
    return parser


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--schema-changes", choices=get_args(SchemaChanges), default="safe")
    command.add_argument("--json", action="store_true", help="print the result as JSON")


_COMMANDS: dict[str, Callable[[argparse.Namespace], Coroutine[Any, Any, int]]] = {
    "load": _load,
    "plan": _plan,
    "migrate": _migrate,
    "ddl": _ddl,
    "discover": _discover,
}
