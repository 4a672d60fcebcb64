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
from typing import Any, get_args

from arrowsync import aio
from arrowsync.errors import (
    ArrowSyncError,
    ConversionError,
    DatabaseError,
    DeclarationError,
    MigrationError,
    MissingDriver,
    SourceError,
)
from arrowsync.options import Dedup, Mode, OnConflict, OnError, SchemaChanges
from arrowsync.report import SyncReport

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
    report = await aio.sync_table(
        options.source,
        _table(options.table),
        options.target,
        mode=options.mode,
        key=options.key,
        on_conflict=options.on_conflict,
        dedup=options.dedup,
        on_error=options.on_error,
        max_rejects=options.max_rejects,
        schema_changes=options.schema_changes,
        progress=False if options.quiet else None,
        dry_run=options.dry_run,
    )
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


def commands() -> list[str]:
    """The names of all commands."""
    return list(_COMMANDS)


def _table(text: str) -> Any:
    """`module:Class` is that class, with the current folder on the path; anything else is the name of a table."""
    module_name, colon, class_name = text.partition(":")
    if not colon:
        return text
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = import_module(module_name)
    except Exception as error:  # whatever the user's module raises
        raise DeclarationError(
            f"the module {module_name!r} of --table {text} can't be imported: {type(error).__name__}: {error}",
            hint="run it from the folder of the module, or install the module",
        ) from error
    table = getattr(module, class_name, None)
    if table is None:
        raise DeclarationError(f"the module {module_name!r} has no {class_name!r}", hint="--table is module:Class")
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
    load.add_argument("source", metavar="SOURCE", help="a Parquet file, folder or glob")
    load.add_argument("target", metavar="TARGET", help="a database URL, such as duckdb:///warehouse.duckdb")
    load.add_argument("--table", required=True, help="the declaration, module:Class, or the name of a table")
    load.add_argument("--key", type=_columns, help="the key columns, separated by commas, where no class declares them")
    load.add_argument("--mode", choices=get_args(Mode), help="upsert where there is a key (default), else insert")
    load.add_argument("--on-conflict", choices=get_args(OnConflict), default="error")
    load.add_argument("--dedup", choices=get_args(Dedup), default="last")
    load.add_argument("--on-error", choices=get_args(OnError), default="raise")
    load.add_argument("--max-rejects", type=int)
    load.add_argument("--dry-run", action="store_true", help="show the changes that would be made, and make none")
    load.add_argument("--quiet", action="store_true", help="print errors only")
    _common(load)

    plan = commands.add_parser("plan", help="show how the live tables differ from their declarations")
    migrate = commands.add_parser("migrate", help="create and alter the live tables to match their declarations")
    for command in (plan, migrate):
        command.add_argument("table", nargs="+", metavar="MODULE:CLASS", help="the declarations")
        command.add_argument("target", metavar="TARGET", help="a database URL")
        _common(command)
    return parser


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--schema-changes", choices=get_args(SchemaChanges), default="safe")
    command.add_argument("--json", action="store_true", help="print the result as JSON")


_COMMANDS: dict[str, Callable[[argparse.Namespace], Coroutine[Any, Any, int]]] = {
    "load": _load,
    "plan": _plan,
    "migrate": _migrate,
}
