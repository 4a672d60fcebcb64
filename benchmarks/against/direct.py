"""Contenders that send Arrow, or bytes that are there already, over COPY."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from against.child import Job, Run

PIECE = 1 << 20


@contextmanager
def pre_encoded(job: Job) -> Generator[Run]:
    """Bytes of COPY BINARY, made beforehand, over one connection of asyncpg: what the server itself takes.

    For an upsert they go into a temporary table, and from there with INSERT ... ON CONFLICT DO UPDATE, as people write it.
    """
    import asyncpg

    pieces = encoded(job)

    async def source() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def load() -> None:
        async with connection.transaction():
            if job.mode == "create":
                await connection.execute(job.create)
            if job.mode != "upsert":
                await connection.copy_to_table(job.table, source=source(), format="binary")
                return
            await connection.execute(f"CREATE TEMP TABLE staging (LIKE {job.table}) ON COMMIT DROP")
            await connection.copy_to_table("staging", source=source(), format="binary")
            new = ", ".join(f"{name} = excluded.{name}" for name in job.columns if name != job.key)
            await connection.execute(
                f"INSERT INTO {job.table} SELECT * FROM staging ON CONFLICT ({job.key}) DO UPDATE SET {new}"
            )

    loop = asyncio.new_event_loop()
    connection: Any = loop.run_until_complete(asyncpg.connect(job.url))
    try:
        yield lambda: loop.run_until_complete(load())
    finally:
        loop.run_until_complete(connection.close())
        loop.close()


def encoded(job: Job) -> list[bytes]:
    """The data as COPY BINARY, in pieces of 1 MiB."""
    from against.data import KINDS, LEVELS
    from arrowsync.catalog import SqlType
    from arrowsync.wire.pgcopy.encode import HEADER, TRAILER, compile_pgcopy

    labels = {"event_kind": KINDS, "event_level": LEVELS}

    def sql_type(text: str) -> SqlType:
        name, _, parameters = text.removesuffix(")").partition("(")
        numbers = tuple(int(part) for part in parameters.split(",") if part)
        return SqlType(name, labels=labels[name]) if name in labels else SqlType(name, numbers)

    encode = compile_pgcopy(job.data.schema, [sql_type(kind) for kind in job.columns.values()])
    batches = job.data.combine_chunks().to_batches(max_chunksize=8_192)
    whole = memoryview(b"".join([HEADER, *(memoryview(encode(batch)) for batch in batches), TRAILER]))
    return [bytes(whole[start : start + PIECE]) for start in range(0, len(whole), PIECE)]


@contextmanager
def pgpq(job: Job) -> Generator[Run]:
    """pgpq's encoder, and COPY of psycopg."""
    import psycopg  # type: ignore[import-not-found]
    from pgpq import ArrowToPostgresBinaryEncoder  # type: ignore[import-not-found]

    data = simple(job.data)
    with psycopg.connect(job.url) as connection:

        def run() -> None:
            encoder = ArrowToPostgresBinaryEncoder(data.schema)
            statement = f"COPY {job.table} FROM STDIN WITH (FORMAT BINARY)"
            with connection.cursor() as cursor, cursor.copy(statement) as copy:
                copy.write(encoder.write_header())
                for batch in data.to_batches(max_chunksize=8_192):
                    copy.write(encoder.write_batch(batch))
                copy.write(encoder.finish())
            connection.commit()

        yield run


@contextmanager
def adbc_ingest(job: Job) -> Generator[Run]:
    """adbc_driver_postgresql, `adbc_ingest`."""
    import adbc_driver_postgresql.dbapi  # type: ignore[import-not-found, unused-ignore]

    data = simple(job.data)
    mode = "create" if job.mode == "create" else "append"
    with adbc_driver_postgresql.dbapi.connect(job.url) as connection:

        def run() -> None:
            with connection.cursor() as cursor:
                cursor.adbc_ingest(job.table, data, mode=mode)
            connection.commit()

        yield run


@contextmanager
def polars_adbc(job: Job) -> Generator[Run]:
    """Polars, `write_database` with engine="adbc"."""
    import adbc_driver_postgresql.dbapi  # type: ignore[import-not-found, unused-ignore]
    import polars

    frame: Any = polars.from_arrow(simple(job.data))
    present: Any = "fail" if job.mode == "create" else "append"
    with adbc_driver_postgresql.dbapi.connect(job.url) as connection:

        def run() -> None:
            frame.write_database(job.table, connection, if_table_exists=present, engine="adbc")
            connection.commit()

        yield run


def simple(table: pa.Table) -> pa.Table:
    """The table as these encoders need it: enums as text, uuids as their bytes."""
    for at, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(at, field.name, table[at].cast(pa.string()))
        elif isinstance(field.type, pa.UuidType):
            chunks: Any = table[at].chunks
            storage = pa.chunked_array([chunk.storage for chunk in chunks])
            table = table.set_column(at, field.name, storage)
    return table
