"""arrowsync against other ways into MySQL and MariaDB: how each contender loads, who takes part, and what is to be reached.

`measure_mysql` runs it. The limit is what the server itself takes: LOAD DATA LOCAL of a file that is there already.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from against.child import Job, Run
from against.objects import sqlalchemy_type, tuples
from against.pipelines import python_type
from against.scenarios import OURS, OURS2, PANDAS, POLARS_SA, SYNC, Contender, Scenario
from against.targets import Ratio

READY, MANY = "LOAD DATA of a ready file", "aiomysql executemany"

CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender(READY, "mysqlkind:ready_file", ours=True, form="a file"),
        Contender(OURS, "ours:over_asyncpg", ours=True),
        Contender(OURS2, "ours:over_asyncpg", ours=True, arguments={"parallel": 2}),
        Contender(MANY, "mysqlkind:executemany", part=0.1, form="tuples"),
        Contender(PANDAS, "mysqlkind:pandas_to_sql", part=0.02, form="pandas"),
        Contender(POLARS_SA, "mysqlkind:polars_sqlalchemy", part=0.05, form="Polars"),
        Contender(SYNC, "mysqlkind:pysqlsync", part=0.05, form="tuples"),
    )
}
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "insert",
            "Insert: TPC-H lineitem, 16 columns, into an empty table without a key",
            "lineitem",
            "insert",
            (READY, OURS),
            (MANY, PANDAS, POLARS_SA, SYNC),
            rounds=5,
        ),
        Scenario(
            "first",
            "First load: lineitem into a table that is created, without a key",
            "lineitem",
            "create",
            (READY, OURS, OURS2),
            rounds=5,
        ),
        Scenario(
            "keyed",
            "First load: lineitem into a table that is created, with a primary key",
            "keyed",
            "create",
            (READY, OURS),
        ),
    )
}
RATIOS = (
    Ratio("insert, against LOAD DATA of a ready file", ("insert", OURS), ("insert", READY), 1.15),
    Ratio("insert, against executemany", ("insert", OURS), ("insert", MANY), 0.1),
    Ratio("insert, against pandas to_sql", ("insert", OURS), ("insert", PANDAS), 0.1),
    Ratio("first load with parallel=2, against one connection", ("first", OURS2), ("first", OURS), 0.8),
)


def sql_type(kind: str) -> str:
    """A type of PostgreSQL's as MySQL has it."""
    return kind.replace("numeric", "decimal").replace("integer", "int")


def address(url: str) -> dict[str, Any]:
    """The arguments of a driver for a URL."""
    parts = urlsplit(url)
    where = {"host": parts.hostname, "port": parts.port, "user": parts.username}
    return {**where, "password": unquote(parts.password or ""), "db": parts.path[1:], "charset": "utf8mb4"}


@contextmanager
def ready_file(job: Job) -> Generator[Run]:
    """A file of the lines that LOAD DATA reads, written beforehand, which PyMySQL sends."""
    import pymysql

    from arrowsync.catalog import SqlType
    from arrowsync.wire.mysqltext.encode import compile_mysqltext

    def kind(text: str) -> SqlType:
        name, _, parameters = text.removesuffix(")").partition("(")
        return SqlType(name, tuple(int(part) for part in parameters.split(",") if part))

    encode = compile_mysqltext(job.data.schema, [kind(text) for text in job.columns.values()])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ready.tsv")
        with path.open("wb") as file:
            for batch in job.data.combine_chunks().to_batches(max_chunksize=8_192):
                file.write(memoryview(encode(batch)))
        connection = pymysql.connect(**address(job.url), local_infile=True)
        with connection, connection.cursor() as cursor:

            def run() -> None:
                if job.mode == "create":
                    cursor.execute(job.create)
                cursor.execute(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {job.table} CHARACTER SET utf8mb4")
                connection.commit()

            yield run


@contextmanager
def executemany(job: Job) -> Generator[Run]:
    """aiomysql, `executemany`, which makes INSERT statements of many rows."""
    import aiomysql  # type: ignore[import-untyped, unused-ignore]

    records = tuples(job.data)
    statement = f"INSERT INTO {job.table} VALUES ({', '.join(['%s'] * len(job.columns))})"
    loop = asyncio.new_event_loop()
    connection: Any = loop.run_until_complete(aiomysql.connect(**address(job.url)))

    async def load() -> None:
        async with connection.cursor() as cursor:
            await cursor.executemany(statement, records)
        await connection.commit()

    try:
        yield lambda: loop.run_until_complete(load())
    finally:
        loop.run_until_complete(connection.ensure_closed())
        loop.close()


@contextmanager
def pandas_to_sql(job: Job) -> Generator[Run]:
    """pandas, `to_sql` with method="multi"."""
    import sqlalchemy  # type: ignore[import-not-found]

    frame = job.data.to_pandas()
    types = {name: sqlalchemy_type(kind) for name, kind in job.columns.items()}
    engine = sqlalchemy.create_engine(job.url.replace("mysql://", "mysql+pymysql://", 1))
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
    types = {name: sqlalchemy_type(kind) for name, kind in job.columns.items()}
    engine = sqlalchemy.create_engine(job.url.replace("mysql://", "mysql+pymysql://", 1))
    with engine.connect() as connection:

        def run() -> None:
            frame.write_database(
                job.table, connection, if_table_exists="append", engine="sqlalchemy", engine_options={"dtype": types}
            )
            connection.commit()

        yield run
    engine.dispose()


@contextmanager
def pysqlsync(job: Job) -> Generator[Run]:
    """pysqlsync, `insert_rows` into the table that its explorer finds."""
    from pysqlsync.base import ConnectionParameters, GeneratorOptions  # type: ignore[import-not-found]
    from pysqlsync.factory import get_dialect  # type: ignore[import-not-found]
    from pysqlsync.model.id_types import PrefixedId  # type: ignore[import-not-found]

    logging.disable(logging.WARNING)
    records = tuples(job.data)
    types = tuple(python_type(field.type) for field in job.data.schema)
    where = address(job.url)
    engine = get_dialect("mysql")
    parameters = ConnectionParameters(where["host"], where["port"], where["user"], where["password"], where["db"])
    loop = asyncio.new_event_loop()
    connection = engine.create_connection(parameters, GeneratorOptions())
    context = loop.run_until_complete(connection.__aenter__())
    table = loop.run_until_complete(engine.create_explorer(context).get_table(PrefixedId(None, job.table)))
    names = tuple(job.columns)
    try:
        yield lambda: loop.run_until_complete(context.insert_rows(table, records, field_types=types, field_names=names))
    finally:
        loop.run_until_complete(connection.__aexit__(None, None, None))
        loop.close()
