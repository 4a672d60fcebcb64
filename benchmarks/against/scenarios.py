"""What is run: scenarios, and who takes part in each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Mode = Literal["insert", "create", "upsert", "resync"]


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to load. `part` of the rows is what it gets to insert, where all would take too long: rows/s are comparable."""

    name: str
    function: str
    ours: bool = False
    part: float = 1.0
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    form: str = "Arrow"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One table of results. The contenders of `fast` run in turns, `rounds` times; those of `slow` once."""

    name: str
    title: str
    dataset: str
    mode: Mode
    fast: tuple[str, ...]
    slow: tuple[str, ...] = ()
    rounds: int = 3
    part: float = 1.0
    """Of the rows of a run, how many this scenario's dataset has."""


OURS, OURS2, OURS_ADBC = "arrowsync", "arrowsync parallel=2", "arrowsync over ADBC"
OURS_TUPLES, OURS_OBJECTS = "arrowsync, tuples", "arrowsync, objects"
PRE, ADBC, PGPQ, POLARS = "pre-encoded bytes", "adbc_ingest", "pgpq", "Polars, adbc"
RECORDS, PANDAS, POLARS_SA = "asyncpg copy_records", "pandas to_sql", "Polars, sqlalchemy"
OURS_TSV, SYNC_TSV = "arrowsync, TSV file", "pysqlsync, TSV file"
SYNC, BULK, DLT = "pysqlsync", "pg-bulk-ingest", "dlt"

CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender(PRE, "direct:pre_encoded", ours=True, form="bytes"),
        Contender(OURS, "ours:over_asyncpg", ours=True),
        Contender(OURS2, "ours:over_asyncpg", ours=True, arguments={"parallel": 2}),
        Contender(OURS_ADBC, "ours:over_adbc", ours=True),
        Contender(OURS_TUPLES, "ours:from_tuples", ours=True, part=0.5, form="tuples"),
        Contender(OURS_OBJECTS, "ours:from_objects", ours=True, part=0.5, form="dataclass"),
        Contender(ADBC, "direct:adbc_ingest"),
        Contender(PGPQ, "direct:pgpq"),
        Contender(POLARS, "direct:polars_adbc", form="Polars"),
        Contender(RECORDS, "objects:asyncpg_records", part=0.25, form="tuples"),
        Contender(PANDAS, "objects:pandas_to_sql", part=0.01, form="pandas"),
        Contender(POLARS_SA, "objects:polars_sqlalchemy", part=0.02, form="Polars"),
        Contender(SYNC, "pipelines:pysqlsync", part=0.25, form="tuples"),
        Contender(BULK, "pipelines:pg_bulk_ingest", part=0.25, form="tuples"),
        Contender(DLT, "pipelines:dlt"),
        Contender(OURS_TSV, "ours:from_tsv", ours=True, part=0.5, form="TSV file"),
        Contender(SYNC_TSV, "pipelines:pysqlsync_tsv", part=0.25, form="TSV file"),
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
            (PRE, OURS, OURS_ADBC, ADBC, PGPQ),
            (POLARS, PANDAS, POLARS_SA, SYNC, BULK, DLT),
            rounds=5,
        ),
        Scenario(
            "events",
            "Insert: an event log with uuid, timestamps, enums, inet and long Unicode text, 11 columns",
            "events",
            "insert",
            (PRE, OURS, ADBC, PGPQ, RECORDS, OURS_TUPLES, OURS_OBJECTS),
            part=0.5,
        ),
        Scenario(
            "wide",
            "Insert: 20 columns of numbers, 8 of them numeric",
            "wide",
            "insert",
            (PRE, OURS, ADBC, PGPQ),
            (RECORDS,),
            part=0.5,
        ),
        Scenario(
            "nulls",
            "Insert: 16 columns, three quarters NULL",
            "nulls",
            "insert",
            (PRE, OURS, ADBC, PGPQ),
            (RECORDS,),
            part=0.5,
        ),
        Scenario(
            "objects",
            "Insert: lineitem from Python objects, into an empty table",
            "lineitem",
            "insert",
            (RECORDS, OURS_TUPLES, OURS_OBJECTS),
            rounds=5,
        ),
        Scenario("tsv", "A TSV file: lineitem, into an empty table", "lineitem", "insert", (PRE, OURS_TSV, SYNC_TSV)),
        Scenario(
            "log",
            "A TSV file: the event log, into an empty table",
            "events",
            "insert",
            (PRE, OURS_TSV, SYNC_TSV),
            part=0.5,
        ),
        Scenario(
            "first",
            "First load: lineitem into a table that is created, without a key",
            "lineitem",
            "create",
            (PRE, OURS, OURS2, ADBC),
            (POLARS, DLT),
            rounds=5,
        ),
        Scenario(
            "keyed",
            "First load: lineitem into a table that is created, with a primary key",
            "keyed",
            "create",
            (PRE, OURS, OURS2),
            (BULK,),
        ),
        Scenario(
            "upsert",
            "Upsert: lineitem by its key into as many rows, a tenth of them changed",
            "keyed",
            "upsert",
            (PRE, OURS),
            (OURS2, OURS_ADBC, BULK, SYNC, DLT),
        ),
        Scenario(
            "resync",
            "The same sync again: upsert of lineitem, nothing changed",
            "keyed",
            "resync",
            (OURS,),
            (OURS_ADBC,),
        ),
    )
}
