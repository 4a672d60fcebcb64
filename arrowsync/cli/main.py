"""Arguments -> calls of `arrowsync.aio` -> what the user sees, and the exit code.

A new command is a function in `_COMMANDS` and a parser in `_parser`; a test fails if the README doesn't show it.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, TypeVar, get_args

from arrowsync import aio
from arrowsync.cli.console import complain, forgive_encodings, say, say_json, say_source, warn
from arrowsync.cli.reading import add_reading_options, source_of
from arrowsync.cli.rejects import check_rejects, write_rejects
from arrowsync.dialects import is_database
from arrowsync.errors import (
    ArrowSyncError,
    ConversionError,
    DatabaseError,
    DeclarationError,
    MigrationError,
    MissingDriver,
    SourceError,
    committed_of,
)
from arrowsync.load.infer import infer
from arrowsync.migration.plan import MigrationPlan
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
from arrowsync.shown import legible
from arrowsync.sync.ddl import create_sql, to_source

EXIT_CODES: dict[type[ArrowSyncError], int] = {
    DeclarationError: 2,
    SourceError: 3,
    ConversionError: 4,
    MigrationError: 5,
    DatabaseError: 6,
    MissingDriver: 7,
}
"""The exit code of each branch of the error tree; 2 is also what wrong arguments give.

130 and 143 are Ctrl-C and SIGTERM, where nothing was committed: what is committed ends with 0, whatever came then, and 6 says
that nobody knows.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code."""
    forgive_encodings()
    parser = _parser()
    if not (sys.argv[1:] if arguments is None else arguments):
        warn(parser.format_help())
        return 2
    options = _parsed(parser, arguments)
    try:
        return asyncio.run(_interruptible(_COMMANDS[options.command](options)))
    except ArrowSyncError as error:
        complain(error, _options_of(parser), as_json=getattr(options, "json", False))
        return next(code for branch, code in EXIT_CODES.items() if isinstance(error, branch))
    except KeyboardInterrupt:
        return _ended("interrupted", 130, options)
    except asyncio.CancelledError:
        return _ended("terminated", 143, options)


@contextmanager
def _committing(options: argparse.Namespace, *, commits: bool = True) -> Generator[None]:
    """Remember the outcome of a call that commits: a signal may take the result from the task that has it."""
    options.committed, options.notes = False, []
    try:
        yield
    except BaseException as error:
        options.committed, options.notes = committed_of(error), getattr(error, "__notes__", [])
        raise
    options.committed = commits
    options.notes = [f"arrowsync: the {_WHAT[options.command]} was committed"] if commits else []


_WHAT = {"load": "load", "migrate": "migration"}


def _ended(how: str, code: int, options: argparse.Namespace) -> int:
    """Say what a signal has left, and give the exit code."""
    committed: bool | None = getattr(options, "committed", False)
    notes: list[str] = getattr(options, "notes", [])
    said = "; ".join(note.removeprefix("arrowsync: ") for note in notes) or "nothing was changed"
    warn(f"arrowsync: {how}: {said}")
    return 0 if committed else 6 if committed is None else code


def _parsed(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The arguments; those of `load` that stand between options are sources and its target too."""
    options, more = parser.parse_known_args(arguments)
    if more and (options.command != "load" or any(word.startswith("-") for word in more)):
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    if more:
        paths: list[str] = [*options.source, options.target, *more]
        options.source, options.target = paths[:-1], paths[-1]
    return options


async def _interruptible(command: Coroutine[Any, Any, int]) -> int:
    """SIGTERM cancels as Ctrl-C does, so that the load rolls back."""
    task = asyncio.ensure_future(command)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


async def _load(options: argparse.Namespace) -> int:
    if options.rejects:
        check_rejects(options.rejects)
    with _committing(options, commits=not options.dry_run):
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
    try:
        _show(report, options)
    except Exception as error:  # the rows are there, whatever becomes of the report
        warn(f"arrowsync: the load is done, but its report can't be shown: {type(error).__name__}: {error}")
    return 0


async def _plan(options: argparse.Namespace) -> int:
    plan = await aio.plan([_table(t) for t in options.table], options.target, schema_changes=options.schema_changes)
    return 0 if _show_plan(plan, options) else 1


async def _migrate(options: argparse.Namespace) -> int:
    tables = [_table(t) for t in options.table]
    with _committing(options):
        plan = await aio.migrate(tables, options.target, schema_changes=options.schema_changes)
    _show_plan(plan, options)
    return 0


def _show_plan(plan: MigrationPlan, options: argparse.Namespace) -> bool:
    return say_json({"statements": list(plan.statements)}) if options.json else say(str(plan))


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
    return 0 if say_source(create_sql(tables, options.dialect, generator)) else 1


async def _discover(options: argparse.Namespace) -> int:
    if not is_database(options.target):
        return 0 if say_source(infer(options.target).source()) else 1
    catalog = await aio.discover(options.target, options.namespace)
    return 0 if say_source(to_source(catalog)) else 1


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


def _show(report: SyncReport, options: argparse.Namespace) -> None:
    """The report, and where the rejects are or what they are: no row is left out unseen."""
    unwritten = None
    if options.rejects and report.rejects is not None:
        unwritten = write_rejects(report.rejects, options.rejects)
    if options.json:
        say_json(report.to_dict())
    elif not options.quiet:
        say(str(report))
    if unwritten is not None:
        warn(f"arrowsync: the rows were loaded, but the rejects can't be written to {options.rejects!r}: {unwritten}")
    kept = options.json or (options.rejects and unwritten is None)
    if report.rejected and not kept:
        if options.quiet:
            warn("\n".join([f"{report.table}: {report.rejected:,} rows were rejected", *report.reject_lines()]))
        warn("  hint: --rejects FILE keeps all rejects, with their rows")


class _Parser(argparse.ArgumentParser):
    """Wrong arguments are shown like everything else."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.format_usage()}{self.prog}: error: {legible(message)}\n")


def _options_of(parser: Any) -> set[str]:
    """All options of all commands."""
    found: set[str] = set(parser._option_string_actions)
    for action in parser._actions:
        if action.nargs == argparse.PARSER:
            found = found.union(*map(_options_of, action.choices.values()))
    return found


_Mode = TypeVar("_Mode", EnumMode, StructMode, ArrayMode)


def _mode(modes: type[_Mode], word: str | None) -> _Mode | None:
    return None if word is None else modes(word)


def _columns(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="arrowsync",
        description="Load data into database tables that dataclasses declare, exactly and all or nothing.",
    )
    parser.add_argument("--version", action="version", version=f"arrowsync {version('arrowsync')}")
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")

    load = commands.add_parser("load", help="load a source into a table: create or migrate, convert, load, merge")
    load.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="files, or a file, folder, glob or URL of Parquet, CSV, TSV, JSON Lines or Arrow; - for standard input",
    )
    load.add_argument("target", metavar="TARGET", help="a database URL, such as duckdb:///warehouse.duckdb")
    load.add_argument("--table", required=True, help="the declaration, module:Class, or the name of a table")
    load.add_argument("--key", type=_columns, help="the key columns, separated by commas, where no class declares them")
    load.add_argument("--mode", choices=get_args(Mode), help="upsert where there is a key (default), else insert")
    load.add_argument("--on-conflict", choices=get_args(OnConflict), default="error")
    load.add_argument("--dedup", choices=get_args(Dedup), default="last")
    load.add_argument("--on-error", choices=get_args(OnError), default="raise")
    load.add_argument("--max-rejects", type=int)
    load.add_argument(
        "--rejects",
        metavar="FILE",
        help="reject bad rows, and keep them in this file: .csv, .tsv, .jsonl, .parquet, .arrow",
    )
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
