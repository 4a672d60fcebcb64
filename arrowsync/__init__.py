"""Dataclasses map to Arrow schemas, and any data streams into PostgreSQL and DuckDB tables of those schemas, exactly.

    conn = arrowsync.connect("duckdb:///warehouse.duckdb")
    report = arrowsync.sync_table(df, UserTable, conn)

`arrowsync` blocks; `arrowsync.aio` has the same names, async.
"""

from arrowsync import aio
from arrowsync.blocking import (
    Connection,
    connect,
    migrate,
    open_source,
    plan,
    read_batches,
    read_table,
    sync_table,
)
from arrowsync.declare.markers import (
    Identity,
    JsonType,
    MaxLength,
    Precision,
    PrimaryKey,
    RenamedFrom,
    TimePrecision,
    TimeZone,
    Unique,
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
from arrowsync.migrate.plan import MigrationPlan
from arrowsync.report import SyncReport
from arrowsync.sources.stream import BatchStream

__version__ = "0.1.0"

__all__ = [
    "ArrowSyncError",
    "BatchStream",
    "Connection",
    "ConnectionLost",
    "ConstraintViolated",
    "ConversionError",
    "DatabaseError",
    "DeclarationError",
    "Identity",
    "JsonType",
    "MaxLength",
    "MigrationError",
    "MigrationPlan",
    "MissingDriver",
    "Precision",
    "PrimaryKey",
    "RefusedChange",
    "RenamedFrom",
    "SourceError",
    "SyncReport",
    "TimePrecision",
    "TimeZone",
    "Unique",
    "UnsupportedChange",
    "aio",
    "connect",
    "float32",
    "float64",
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
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]
