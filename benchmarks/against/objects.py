"""Contenders that load Python objects: tuples, or a frame that turns into them."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from against.child import Job, Run


def tuples(table: pa.Table) -> list[tuple[Any, ...]]:
    """The rows as tuples of Python objects."""
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def engine_url(url: str) -> str:
    """The URL for SQLAlchemy with psycopg."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def sqlalchemy_type(text: str) -> Any:
    """A type by its SQL name, in upper case, as pg-bulk-ingest compares them."""
    import sqlalchemy as sa  # type: ignore[import-not-found]

    name, _, parameters = text.removesuffix(")").partition("(")
    kind = getattr(sa, {"double precision": "DOUBLE_PRECISION"}.get(name, name.upper()))
    return kind(*(int(part) for part in parameters.split(",") if part))


@contextmanager
def asyncpg_records(job: Job) -> Generator[Run]:
    """asyncpg, `copy_records_to_table`."""
    import asyncpg

    records = tuples(job.data)
    loop = asyncio.new_event_loop()
    connection: Any = loop.run_until_complete(asyncpg.connect(job.url))
    try:
        yield lambda: loop.run_until_complete(connection.copy_records_to_table(job.table, records=records))
    finally:
        loop.run_until_complete(connection.close())
        loop.close()


@contextmanager
def pandas_to_sql(job: Job) -> Generator[Run]:
    """pandas, `to_sql` with method="multi"."""
    import sqlalchemy  # type: ignore[import-not-found]

    frame = job.data.to_pandas()
    types = {name: sqlalchemy_type(kind) for name, kind in job.columns.items()}  # else decimals are sent as text
    engine = sqlalchemy.create_engine(engine_url(job.url))
    with engine.connect() as connection:

        def run() -> None:
            frame.to_sql(
                job.table, connection, if_exists="append", index=False, dtype=types, method="multi", chunksize=1_000
            )
            connection.commit()

        yield run
    engine.dispose()


@contextmanager
def polars_sqlalchemy(job: Job) -> Generator[Run]:
    """Polars, `write_database` with engine="sqlalchemy"."""
    import polars
    import sqlalchemy  # type: ignore[import-not-found]

    frame: Any = polars.from_arrow(job.data)
    types = {name: sqlalchemy_type(kind) for name, kind in job.columns.items()}  # else decimals are sent as text
    engine = sqlalchemy.create_engine(engine_url(job.url))
    with engine.connect() as connection:

        def run() -> None:
            frame.write_database(
                job.table, connection, if_table_exists="append", engine="sqlalchemy", engine_options={"dtype": types}
            )
            connection.commit()

        yield run
    engine.dispose()
