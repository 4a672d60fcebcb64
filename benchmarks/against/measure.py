"""Runs on a private server: a fresh table, a process that loads it, and a look at what the table holds."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pyarrow.parquet

from against.data import DATASETS, Dataset, changed, write_csv, write_parquet
from against.environment import own_python, peers_python
from against.scenarios import Contender, Scenario

HERE = Path(__file__).parents[1]
TABLE, WARM = "target", "warm"
RUN_SECONDS = 300
"""What takes longer, with preparing, is given up."""
SETTINGS = (
    "server_version fsync synchronous_commit full_page_writes wal_level shared_buffers max_wal_size max_parallel_workers "
    "work_mem maintenance_work_mem"
).split()


@dataclass(slots=True)
class Runs:
    """What was measured of one contender in one scenario; `refused` if it couldn't load the data or loaded it wrongly."""

    scenario: str
    contender: str
    rows: int = 0
    seconds: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])
    peak_mb: list[float] = field(default_factory=list[float])
    data_mb: list[float] = field(default_factory=list[float])
    more: dict[str, Any] = field(default_factory=dict[str, Any])
    refused: str | None = None


@dataclass(slots=True)
class Bench:
    """A database of a private server, and a folder with the data."""

    url: str
    folder: Path
    made: dict[str, Path] = field(default_factory=dict[str, Path])

    def settings(self) -> dict[str, str]:
        """What the server was told that matters to loading."""
        rows = self.query(
            f"SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY('{{{','.join(SETTINGS)}}}')"
        )
        found = {row[0]: row[1] for row in rows}
        return {name: found[name] for name in SETTINGS}

    def provide(self, name: str, rows: int, *, with_changes: bool = False) -> tuple[Path, Path | None]:
        """The dataset's Parquet files: itself, and with changes if asked; each with its reference table."""
        dataset = DATASETS[name]
        if name not in self.made:
            for statement in dataset.before:
                self.execute(statement)
            self.made[name] = write_parquet(name, rows, self.folder)
            self._refer(f"reference_{name}", dataset, self.made[name])
        with_name = f"{name}_changed"
        if with_changes and with_name not in self.made:
            path = self.folder / f"{with_name}.parquet"
            pyarrow.parquet.write_table(
                changed(pyarrow.parquet.read_table(self.made[name])), path, row_group_size=200_000
            )
            self._refer(f"reference_{with_name}", dataset, path)
            self.made[with_name] = path
        return self.made[name], self.made.get(with_name)

    def _refer(self, table: str, dataset: Dataset, parquet: Path) -> None:
        """The right rows, loaded as CSV: by none of the ways that are compared."""
        path = self.folder / f"{table}.csv"
        write_csv(pyarrow.parquet.read_table(parquet), path)
        self.execute(dataset.create_table(table))
        self.execute(f"ALTER TABLE {table} ADD COLUMN row_number bigint")  # a table's own order isn't that of the file

        async def copy() -> None:
            connection = await asyncpg.connect(self.url)
            await connection.copy_to_table(table, source=path, format="csv", header=True)
            await connection.close()

        asyncio.run(copy())
        path.unlink()

    def run(self, scenario: Scenario, contender: Contender, rows: int, runs: Runs) -> None:
        """One run; adds to `runs` what was measured."""
        dataset = DATASETS[scenario.dataset]
        before, after = self.provide(scenario.dataset, rows, with_changes=scenario.mode == "upsert")
        if scenario.mode == "resync":
            after = before
        load = after if scenario.mode in ("upsert", "resync") else before
        some = max(1, int(rows * contender.part)) if scenario.mode not in ("upsert", "resync") else rows
        self._prepare(scenario, dataset)
        written = self._written(scenario)
        request: dict[str, Any] = {
            "contender": contender.function,
            "url": self.url,
            "table": TABLE,
            "warm_table": WARM,
            "mode": "upsert" if scenario.mode == "resync" else scenario.mode,
            "data": str(load),
            "before": str(before) if scenario.mode in ("upsert", "resync") else None,
            "rows": some if some < rows else None,
            "columns": dataset.columns,
            "key": dataset.key,
            "create": dataset.create_table(TABLE),
            "warm_create": dataset.create_table(WARM),
            "arguments": contender.arguments,
        }
        measured = self._child(contender, request, runs)
        if measured is None:
            return
        if wrong := self._wrong(scenario, dataset, measured, first=not runs.seconds):
            runs.refused = wrong
            return
        runs.rows = measured["rows"]
        for name in ("seconds", "cpu", "peak_mb", "data_mb"):
            getattr(runs, name).append(measured[name])
        runs.more = measured["more"]
        if scenario.mode == "resync":
            runs.more["written"] = "nothing" if self._written(scenario) == written else "row versions"

    def _prepare(self, scenario: Scenario, dataset: Dataset) -> None:
        for name in (TABLE, WARM):
            self.execute(f"DROP TABLE IF EXISTS {name}; DROP SCHEMA IF EXISTS dlt_{name} CASCADE")
            self.execute(f"DROP SCHEMA IF EXISTS dlt_{name}_staging CASCADE")
            if scenario.mode != "create":
                self.execute(dataset.create_table(name))
        if scenario.mode in ("upsert", "resync"):
            source = f"SELECT {', '.join(dataset.columns)} FROM reference_{scenario.dataset} ORDER BY row_number"
            self.execute(f"INSERT INTO {TABLE} {source}; INSERT INTO {WARM} {source} LIMIT 1000")
            self.execute(f"VACUUM ANALYZE {TABLE}")
        self.execute("CHECKPOINT")  # what the last run left to write isn't this one's

    def _child(self, contender: Contender, request: dict[str, Any], runs: Runs) -> dict[str, Any] | None:
        measured = run_child(contender, request)
        if "refused" in measured:
            runs.refused = without_places(measured["refused"], self.url)
            return None
        return measured

    def _wrong(self, scenario: Scenario, dataset: Dataset, measured: dict[str, Any], *, first: bool) -> str | None:
        """What is wrong with the table's rows: all of every row in the first run, their number and key's sum in others."""
        changed_ = "_changed" if scenario.mode == "upsert" else ""
        reference = f"(SELECT * FROM reference_{scenario.dataset}{changed_} WHERE row_number < {measured['rows']})"
        table = measured["more"].get("table", TABLE)
        cells = ", ".join(f"{name}::{kind}" for name, kind in dataset.columns.items())
        whole = (
            f"hashtextextended(ROW({cells})::text, 0)" if first else f"hashtext({next(iter(dataset.columns))}::text)"
        )
        found, wanted = (
            tuple(self.query(f"SELECT count(*), sum({whole}) FROM {source} AS t")[0]) for source in (table, reference)
        )
        return None if found == wanted else f"wrong rows: {found[0]:,} in the table, and {wanted[0]:,} are right"

    def _written(self, scenario: Scenario) -> tuple[Any, ...] | None:
        """What tells whether a row version was written: of every row its place and transaction, and the server's counts."""
        if scenario.mode != "resync":
            return None
        others = "datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        for _ in range(50):  # a backend counts what it did when it ends, a moment after its client
            if not self.query(f"SELECT pid FROM pg_stat_activity WHERE {others}"):
                break
            time.sleep(0.1)
        places = self.query(f"SELECT count(*), sum(hashtextextended(ctid::text || xmin::text, 0)) FROM {TABLE}")
        counts = self.query(
            f"SELECT n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables WHERE relname = '{TABLE}'"
        )
        return (*places[0], *counts[0])

    def execute(self, statement: str) -> None:
        """Run one statement, or several, on a connection of its own."""
        asyncio.run(self._run(lambda connection: connection.execute(statement)))

    def query(self, statement: str) -> list[Any]:
        """The rows of a query, on a connection of its own."""
        return asyncio.run(self._run(lambda connection: connection.fetch(statement)))

    async def _run(self, use: Any) -> Any:
        connection = await asyncpg.connect(self.url)
        try:
            return await use(connection)
        finally:
            await connection.close()


def run_child(contender: Contender, request: dict[str, Any]) -> dict[str, Any]:
    """What a process of its own measured, or "refused": why it could not."""
    python = own_python() if contender.ours else peers_python()
    paths = [HERE, HERE.parent, HERE.parent / "docs"] if contender.ours else [HERE]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            [python, "-m", "against.child"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            env=environment,
            check=False,
            timeout=RUN_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return {"refused": f"not done after {RUN_SECONDS} s"}
    if done.returncode:
        return {"refused": (done.stderr.splitlines() or ["it failed"])[-1]}
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def without_places(error: str, url: str) -> str:
    """What an error says, without what is this machine's own: the database's address, paths."""
    return re.sub(r"(/[\w.-]+){2,}", "...", error.replace(url, "..."))[:200]
