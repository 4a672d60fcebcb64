"""Dataclasses map to Arrow schemas, and any data streams into database tables of those schemas, exactly.

    conn = arrowsync.connect("duckdb:///warehouse.duckdb")
    report = arrowsync.sync_table(df, UserTable, conn)

`arrowsync` blocks; `arrowsync.aio` has the same names, async. Markers, options and errors are imported at once, functions on
first use, so that a module of declarations is cheap to import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from arrowsync.declare.markers import (
    ArrowType,
    Check,
    ColumnName,
    ForeignKey,
    Identity,
    Index,
    JsonType,
    MaxLength,
    Precision,
    PrimaryKey,
    Range,
    RenamedFrom,
    TimePrecision,
    TimeZone,
    Unique,
    UniqueKey,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from arrowsync.errors import (
    ArrowSyncError,
    ConnectionLost,
    ConstraintViolated,
    ConversionError,
    DatabaseError,
    DeclarationError,
    MigrationError,
    MissingDriver,
    RefusedChange,
    SourceError,
    UnsupportedChange,
)
from arrowsync.options import ArrayMode, CsvOptions, EnumMode, GeneratorOptions, StructMode

if TYPE_CHECKING:
    from arrowsync import aio
    from arrowsync.blocking import (
        Connection,
        connect,
        discover,
        migrate,
        open_source,
        plan,
        read_batches,
        read_table,
        sync_table,
        write_tsv,
    )
    from arrowsync.declare.json_schema.read import from_json_schema
    from arrowsync.declare.json_schema.write import to_json_schema
    from arrowsync.migration.plan import MigrationPlan
    from arrowsync.report import SyncReport
    from arrowsync.sources.stream import BatchStream
    from arrowsync.sync.ddl import create_sql, to_source

__version__ = "0.1.0"

__all__ = [
    "ArrayMode",
    "ArrowSyncError",
    "ArrowType",
    "BatchStream",
    "Check",
    "ColumnName",
    "Connection",
    "ConnectionLost",
    "ConstraintViolated",
    "ConversionError",
    "CsvOptions",
    "DatabaseError",
    "DeclarationError",
    "EnumMode",
    "ForeignKey",
    "GeneratorOptions",
    "Identity",
    "Index",
    "JsonType",
    "MaxLength",
    "MigrationError",
    "MigrationPlan",
    "MissingDriver",
    "Precision",
    "PrimaryKey",
    "Range",
    "RefusedChange",
    "RenamedFrom",
    "SourceError",
    "StructMode",
    "SyncReport",
    "TimePrecision",
    "TimeZone",
    "Unique",
    "UniqueKey",
    "UnsupportedChange",
    "aio",
    "connect",
    "create_sql",
    "discover",
    "float32",
    "float64",
    "from_json_schema",
    "int8",
    "int16",
    "int32",
    "int64",
    "migrate",
    "open_source",
    "plan",
    "read_batches",
    "read_table",
    "sync_table",
    "to_json_schema",
    "to_source",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "write_tsv",
]


_ON_USE = {
    **dict.fromkeys(
        (
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
        ),
        "arrowsync.blocking",
    ),
    "BatchStream": "arrowsync.sources.stream",
    "MigrationPlan": "arrowsync.migration.plan",
    "SyncReport": "arrowsync.report",
    "create_sql": "arrowsync.sync.ddl",
    "from_json_schema": "arrowsync.declare.json_schema.read",
    "to_json_schema": "arrowsync.declare.json_schema.write",
    "to_source": "arrowsync.sync.ddl",
}


def __getattr__(name: str) -> Any:
    if name == "aio":
        return import_module("arrowsync.aio")
    if name not in _ON_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_ON_USE[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
