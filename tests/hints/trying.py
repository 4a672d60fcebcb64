"""How a hint is tried: an example gets it, and the example that follows it works."""

from __future__ import annotations

import dataclasses
import enum
import io
import json
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, make_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from tempfile import TemporaryDirectory
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
from arrowsync.catalog import Catalog
from arrowsync.declare.spec import ColumnSpec, TableSpec


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


POINT = {"title": "Point", "type": "object", "properties": {"px": {"type": "integer"}}}
USER = {"title": "User", "type": "object", "properties": {"id": {"type": "integer"}}}


def user(defs: Any = None, required: Any = (), **properties: Any) -> Any:
    key = {"id": {"type": "integer", "x-primary-key": True}}
    schema = USER | {"properties": key | properties, "$defs": defs or {}, "required": ["id", *required]}
    return arrowsync.from_json_schema(schema)


SOURCE = ("format", "csv", "field_names", "has_header", "columns", "filters")
"""What `open_source` takes, and `load` of the examples passes on to it."""

PLAIN: dict[str, Any] = {
    "Annotated": Annotated, "Any": Any, "Catalog": Catalog, "ColumnSpec": ColumnSpec, "Decimal": Decimal, "Enum": enum.Enum,
    "Flag": enum.Flag, "IPv4Address": IPv4Address, "Literal": Literal,
    "Named": Named, "Numbered": Numbered, "POINT": POINT, "Pair": Pair, "Path": Path,
    "People": People, "Point": Point, "Relaxed": Relaxed,
    "TableSpec": TableSpec, "Team": Team, "USER": USER, "UUID": UUID, "annotated_types": annotated_types,
    "arrowsync": arrowsync, "dataclass": dataclass, "dataclasses": dataclasses, "date": date, "datetime": datetime,
    "declare": declare, "duckdb": duckdb, "field": field, "io": io, "json": json, "make_dataclass": make_dataclass, "np": np,
    "pa": pa, "pd": pd, "pl": pl, "testing": testing, "time": time, "timedelta": timedelta, "user": user,
}  # fmt: skip


@contextmanager
def names(code: str) -> Iterator[dict[str, Any]]:
    """The names that an example knows: `load(data, table=People, **options)` loads into `CONN`, an empty database."""
    with ExitStack() as stack:
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

        public = {name: getattr(arrowsync, name) for name in arrowsync.__all__}
        yield {
            **public, **PLAIN, "CONN": conn, "FOLDER": folder, "load": load, "write": write, "parquet": parquet,
            "ROWS": [(1, "a")], "TWICE": [(1, "a"), (1, "b")], "BAD": [("x", "a"), (2, "b")],
            "FRAME": pa.table({"id": [1], "name": ["a"]}),
        }  # fmt: skip


def run(code: str) -> None:
    """Run an example as a module of its own, so that names in quotes are found there."""
    module = ModuleType("hints_example")
    sys.modules["hints_example"] = module
    try:
        with names(code) as scope:
            module.__dict__.update(scope)
            exec(compile(code, "example", "exec", dont_inherit=True), module.__dict__)
    finally:
        del sys.modules["hints_example"]


def check(hint: str, refused: str, followed: str) -> None:
    pattern = ".*".join(re.escape(part) for part in hint.split("{}"))
    with pytest.raises(arrowsync.ArrowSyncError) as caught:
        run(refused)
    assert re.fullmatch(pattern, caught.value.hint or "", re.DOTALL), caught.value
    run(followed)
