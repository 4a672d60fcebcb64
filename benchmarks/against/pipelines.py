"""Contenders that look after the table too: pg-bulk-ingest, pysqlsync, dlt."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import ipaddress
import logging
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from against.child import Job, Run
from against.objects import engine_url, sqlalchemy_type, tuples


@contextmanager
def pg_bulk_ingest(job: Job) -> Generator[Run]:
    """pg-bulk-ingest; its table is described to it as it is, so that it has nothing to migrate."""
    import pg_bulk_ingest  # type: ignore[import-not-found]
    import sqlalchemy as sa  # type: ignore[import-not-found]

    metadata = sa.MetaData()
    columns = [
        sa.Column(name, sqlalchemy_type(kind), primary_key=name == job.key, nullable=job.key is None)
        for name, kind in job.columns.items()
    ]
    table = sa.Table(job.table, metadata, *columns, schema="public")
    records = tuples(job.data)

    def batches(high_watermark: object) -> Iterator[Any]:
        yield None, None, ((table, record) for record in records)

    engine = sa.create_engine(engine_url(job.url))
    with engine.connect() as connection:
        yield lambda: pg_bulk_ingest.ingest(connection, metadata, batches)
    engine.dispose()


@contextmanager
def pysqlsync(job: Job) -> Generator[Run]:
    """pysqlsync, `insert_rows` or `upsert_rows` of tuples into the table that its explorer finds."""
    records = tuples(job.data)
    with _pysqlsync(job) as load:
        yield lambda: load(records)


@contextmanager
def pysqlsync_tsv(job: Job) -> Generator[Run]:
    """A TSV file through tsv2py, as pysqlsync's manual has it."""
    from tsv.helper import Parser

    types = tuple(python_type(field.type, job.columns[field.name]) for field in job.data.schema)
    with tempfile.TemporaryDirectory() as folder, _pysqlsync(job) as load:
        path = Path(folder, "rows.tsv")
        lines = ("\t".join(map(_tsv_text, record)) + "\n" for record in tuples(job.data))
        path.write_text("".join(lines), encoding="utf-8")

        def run() -> None:
            with path.open("rb") as file:
                load(Parser(types).parse_file(file))

        yield run


@contextmanager
def _pysqlsync(job: Job) -> Generator[Callable[[Any], object]]:
    """What loads records."""
    from pysqlsync.base import ConnectionParameters, GeneratorOptions  # type: ignore[import-not-found]
    from pysqlsync.factory import get_dialect  # type: ignore[import-not-found]
    from pysqlsync.model.id_types import QualifiedId  # type: ignore[import-not-found]

    logging.disable(logging.WARNING)
    types = tuple(python_type(field.type, job.columns[field.name]) for field in job.data.schema)
    address = urlsplit(job.url)
    engine = get_dialect("postgresql")
    parameters = ConnectionParameters(
        address.hostname, address.port, address.username, address.password, address.path.removeprefix("/")
    )
    loop = asyncio.new_event_loop()
    connection = engine.create_connection(parameters, GeneratorOptions())
    context = loop.run_until_complete(connection.__aenter__())
    explorer = engine.create_explorer(context)
    table = loop.run_until_complete(explorer.get_table(QualifiedId("public", job.table)))
    load = context.upsert_rows if job.mode == "upsert" else context.insert_rows
    names = tuple(job.columns)
    try:
        yield lambda records: loop.run_until_complete(load(table, records, field_types=types, field_names=names))
    finally:
        loop.run_until_complete(connection.__aexit__(None, None, None))
        loop.close()


def python_type(kind: pa.DataType, column: str = "") -> type:
    """What values of a type are in Python, for a column of the table that has the type `column` there."""
    if isinstance(kind, pa.UuidType):
        return uuid.UUID
    if pa.types.is_decimal(kind):
        return decimal.Decimal
    if pa.types.is_timestamp(kind):
        return datetime.datetime
    if pa.types.is_date(kind):
        return datetime.date
    if pa.types.is_boolean(kind):
        return bool
    if column == "inet":
        return ipaddress.IPv4Address
    return int if pa.types.is_integer(kind) else str


def _tsv_text(value: object) -> str:
    """A value as tsv2py reads it."""
    match value:
        case None:
            return "\\N"
        case bool():
            return str(value).lower()
        case datetime.datetime():
            return f"{value.replace(tzinfo=None).isoformat()}Z"
        case _:
            return str(value)


@contextmanager
def dlt(job: Job) -> Generator[Run]:
    """dlt, through Parquet files and ADBC; it makes its table itself, beforehand where it is not to be created."""
    import os

    os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="CRITICAL", DLT_DISABLE_TELEMETRY="1")
    import dlt as library  # type: ignore[import-not-found]

    with tempfile.TemporaryDirectory() as folder:
        pipeline = library.pipeline(
            job.table,
            pipelines_dir=folder,
            destination=library.destinations.postgres(job.url),
            dataset_name=f"dlt_{job.table}",
        )
        merge = {"write_disposition": {"disposition": "merge", "strategy": "upsert"}, "primary_key": job.key}
        how: dict[str, Any] = merge if job.mode == "upsert" else {"write_disposition": "append"}

        def load(data: pa.Table | None) -> None:
            pipeline.run(data, table_name=job.table, loader_file_format="parquet", **how).raise_on_failed_jobs()

        if job.mode == "upsert":
            load(job.before)
        elif job.mode == "insert":
            load(job.data.slice(0, 1))
            with pipeline.sql_client() as client:
                client.execute_sql(f"DELETE FROM {job.table}")

        def run() -> dict[str, Any]:
            load(job.data)
            return {"table": f"dlt_{job.table}.{job.table}"}

        yield run
