"""How a hint is tried: an example gets it, and the example that follows it works."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import io
import json
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, make_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from types import ModuleType
from typing import Annotated, Any, Literal
from uuid import UUID

import annotated_types
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

import arrowsync
from arrowsync import declare, testing
from arrowsync.catalog import Catalog, Column, ObjectName, SqlType, Table
from arrowsync.cli.main import _COMMANDS, _parsed, _parser
from arrowsync.declare.spec import ColumnSpec, ForeignKeySpec, Reference, TableSpec


@dataclass
class People:
    id: arrowsync.PrimaryKey[int]
    name: Annotated[str, arrowsync.MaxLength(5)]


@dataclass
class Relaxed:
    id: arrowsync.PrimaryKey[int]
    name: str | None


@dataclass
class Numbered:
    id: arrowsync.PrimaryKey[arrowsync.Identity[int]]
    name: str


@dataclass
class Team:
    id: arrowsync.PrimaryKey[int]
    name: str


@dataclass
class Named:
    name: arrowsync.PrimaryKey[str]


@dataclass
class Pair:
    a: arrowsync.PrimaryKey[int]
    b: arrowsync.PrimaryKey[int]


@dataclass
class Point:
    x: int
    y: int


@dataclass
class Optionals:
    x: int | None
    y: int | None


POINT = {"title": "Point", "type": "object", "properties": {"px": {"type": "integer"}}}
USER = {"title": "User", "type": "object", "properties": {"id": {"type": "integer"}}}


def user(defs: Any = None, required: Any = (), **properties: Any) -> Any:
    key = {"id": {"type": "integer", "x-primary-key": True}}
    schema = USER | {"properties": key | properties, "$defs": defs or {}, "required": ["id", *required]}
    return arrowsync.from_json_schema(schema)


ID = ColumnSpec("id", pa.int64())


def spec(*columns: ColumnSpec, name: str = "t", first: ColumnSpec = ID, **more: Any) -> TableSpec:
    """A table as a database may have it, with a key and these columns."""
    return TableSpec(name, (first, *columns), **{"key": ("id",), **more})


SOURCE = ("format", "csv", "field_names", "has_header", "columns", "filters")
"""What `open_source` takes, and `load` of the examples passes on to it."""

PLAIN: dict[str, Any] = {
    "Annotated": Annotated, "Any": Any, "Catalog": Catalog, "ColumnSpec": ColumnSpec, "Decimal": Decimal, "Enum": enum.Enum,
    "ForeignKeySpec": ForeignKeySpec, "Reference": Reference, "asyncio": asyncio, "spec": spec,
    "Column": Column, "Flag": enum.Flag, "ObjectName": ObjectName, "SqlType": SqlType, "Table": Table,
    "IPv4Address": IPv4Address, "Literal": Literal,
    "Named": Named, "Numbered": Numbered, "POINT": POINT, "Pair": Pair, "Path": Path,
    "Optionals": Optionals, "People": People, "Point": Point, "Relaxed": Relaxed,
    "TableSpec": TableSpec, "Team": Team, "USER": USER, "UUID": UUID, "annotated_types": annotated_types,
    "arrowsync": arrowsync, "dataclass": dataclass, "dataclasses": dataclasses, "date": date, "datetime": datetime,
    "declare": declare, "duckdb": duckdb, "field": field, "io": io, "json": json, "make_dataclass": make_dataclass, "np": np,
    "pa": pa, "pd": pd, "pl": pl, "testing": testing, "time": time, "timedelta": timedelta, "user": user,
}  # fmt: skip


@contextmanager
def names(code: str) -> Iterator[dict[str, Any]]:
    """The names that an example knows: `load(data, table=People, **options)` loads into `CONN`, an empty database."""
    with ExitStack() as stack:
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        folder = Path(stack.enter_context(TemporaryDirectory()))
        conn = stack.enter_context(arrowsync.connect("duckdb://")) if re.search(r"\bload\(|CONN", code) else None

        def load(data: Any, table: Any = People, **options: Any) -> Any:
            assert conn is not None, "the example has a load"
            said = {name: options.pop(name) for name in SOURCE if name in options}
            if said:
                data = arrowsync.open_source(data, None if isinstance(table, str) else table, **said)
            return arrowsync.sync_table(data, table, conn, **options)

        def write(name: str, content: bytes) -> Path:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            return path

        def parquet(table: pa.Table, name: str = "a") -> None:
            pq.write_table(table, folder / f"{name}.parquet")

        def serve(content: bytes, status: int = 200, size: int | None = None) -> str:
            """The URL of a server that answers a request so; of `size` bytes it sends the `content` alone."""
            return stack.enter_context(answering(content, status, size))

        public = {name: getattr(arrowsync, name) for name in arrowsync.__all__}
        yield {
            **public, **PLAIN, "CONN": conn, "FOLDER": folder, "load": load, "write": write, "parquet": parquet,
            "patched": patched, "cli": cli, "serve": serve,
            "ROWS": [(1, "a")], "TWICE": [(1, "a"), (1, "b")], "BAD": [("x", "a"), (2, "b")],
            "FRAME": pa.table({"id": [1], "name": ["a"]}),
        }  # fmt: skip


@contextmanager
def answering(content: bytes, status: int, size: int | None) -> Iterator[str]:
    """A server of HTTP that gives one answer, and its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content) if size is None else size))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/a.csv"
        finally:
            thread.join()


def cli(*arguments: object) -> None:
    """A command line, whose error is raised instead of shown."""
    options = _parsed(_parser(), [str(argument) for argument in arguments])
    asyncio.run(_COMMANDS[options.command](options))


def run(code: str) -> None:
    """Run an example as a module of its own, so that names in quotes are found there."""
    module = ModuleType("hints_example")
    sys.modules["hints_example"] = module
    try:
        with names(code) as scope:
            module.__dict__.update(scope)
            exec(compile(code, "example", "exec", dont_inherit=True), module.__dict__)
    finally:
        for value in list(module.__dict__.values()):
            if isinstance(value, sqlite3.Connection):
                value.close()
        del sys.modules["hints_example"]


def check(hint: str, refused: str, followed: str) -> None:
    pattern = ".*".join(re.escape(part) for part in hint.split("{}"))
    with pytest.raises(arrowsync.ArrowSyncError) as caught:
        run(refused)
    assert re.fullmatch(pattern, caught.value.hint or "", re.DOTALL), caught.value
    run(followed)
