"""arrowsync, as a user calls it: `sync_table` on an open connection."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import make_dataclass, replace
from typing import Any

import pyarrow as pa

import arrowsync
from against.child import Job, Run
from against.objects import tuples


@contextmanager
def over_asyncpg(job: Job) -> Generator[Run]:
    """Through asyncpg; `arguments` go to `sync_table`."""
    with arrowsync.connect(job.url) as connection:
        yield lambda: synced(job, connection)


@contextmanager
def from_tuples(job: Job) -> Generator[Run]:
    """Rows as tuples."""
    records, names = tuples(job.data), job.data.column_names
    with arrowsync.connect(job.url) as connection:
        yield lambda: synced(replace(job, data=arrowsync.open_source(records, field_names=names)), connection)


@contextmanager
def from_objects(job: Job) -> Generator[Run]:
    """Rows as objects of a dataclass."""
    row = make_dataclass("Row", job.data.column_names)
    objects: Any = [row(*record) for record in tuples(job.data)]
    with arrowsync.connect(job.url) as connection:
        yield lambda: synced(replace(job, data=objects), connection)


@contextmanager
def from_tsv(job: Job) -> Generator[Run]:
    """A TSV file."""
    with tempfile.TemporaryDirectory() as folder, arrowsync.connect(job.url) as connection:
        path, schema = f"{folder}/rows.tsv", job.data.schema
        arrowsync.write_tsv(job.data, path)
        yield lambda: synced(replace(job, data=arrowsync.open_source(path, schema)), connection)


@contextmanager
def over_adbc(job: Job) -> Generator[Run]:
    """Through a connection of ADBC."""
    import adbc_driver_postgresql.dbapi  # type: ignore[import-not-found, unused-ignore]

    with ExitStack() as stack:
        connection: Any = stack.enter_context(adbc_driver_postgresql.dbapi.connect(job.url))

        def run() -> dict[str, Any]:
            more = synced(job, connection)
            connection.commit()
            return more

        yield run


def synced(job: Job, connection: object) -> dict[str, Any]:
    """Load, and hand back what the report says."""
    table: Any = declared(job) if job.mode == "create" else job.table
    mode: Any = "upsert" if job.mode == "upsert" else None
    key = job.key if job.mode == "create" else None
    report = arrowsync.sync_table(job.data, table, connection, mode=mode, key=key, **job.arguments)
    counts = {"inserted": report.inserted, "updated": report.updated, "unchanged": report.unchanged}
    return {"phases": dict(report.phases), **counts}


def declared(job: Job) -> pa.Schema:
    """The columns of the table to be created, with its name."""
    from examples.tpch import LineItem

    fields = [*arrowsync.open_source([], LineItem).schema]
    if job.key:
        fields = [pa.field(job.key, pa.int64(), nullable=False), *fields]
    else:
        fields = [field.with_nullable(True) for field in fields]
    return pa.schema(fields, metadata={"name": job.table})


def streamed(rows: int, batch_rows: int = 50_000) -> pa.RecordBatchReader:
    """A narrow table of any number of rows that is never in memory as a whole."""
    import numpy as np

    schema = pa.schema({"id": pa.int64(), "at": pa.timestamp("us"), "value": pa.float64(), "name": pa.string()})
    make: Any = pa.RecordBatch
    names: Any = pa.array([f"sensor {n}" for n in range(100)])

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, rows, batch_rows):
            ids = np.arange(start, min(start + batch_rows, rows))
            moments = pa.array(1_760_000_000_000_000 + ids * 1_000).cast(pa.timestamp("us"))
            columns = [pa.array(ids), moments, pa.array(ids * 0.25), names.take(pa.array(ids % 100))]
            yield make.from_arrays(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())
