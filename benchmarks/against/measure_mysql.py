"""`make bench ARGS=mysql`: the contenders of `mysqlkind` on a private MySQL and a private MariaDB, judged, saved."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet

from against import environment, results
from against.data import DATASETS
from against.measure import HERE, TABLE, WARM, Runs, run_child, without_places
from against.mysqlkind import CONTENDERS, RATIOS, READY, SCENARIOS, address, sql_type
from against.scenarios import Contender, Scenario
from against.targets import Key, Verdict, memory_verdicts, ratio_verdict

_MANY = "the server takes even the ready file less than ten times as fast: executemany sends INSERTs of many rows"
_PARALLEL = "first load with parallel=2, against one connection"
# Two LOAD DATA of a half each, sent by PyMySQL (2026-11-21): 0.91x and 0.94x of the time of one on MySQL, whose threads
# spin for the last page (15 % of their time is in ut_delay), 0.72x and 0.83x on MariaDB.
_SCALES = "the server itself loads two halves at once hardly faster than one after the other"
KNOWN_GAPS: dict[tuple[str, str], str] = {
    ("mysql", "insert, against executemany"): _MANY,
    ("mariadb", "insert, against executemany"): _MANY,
    ("mysql", _PARALLEL): _SCALES,
    ("mariadb", _PARALLEL): "0.79x to 0.93x in different runs; two halves at once take the server 0.72x to 0.83x",
}
"""Targets that are known to be missed, by server and name, and why."""
PRODUCTS = {"mysql": "MySQL", "mariadb": "MariaDB"}
SETTINGS = "version innodb_buffer_pool_size innodb_flush_log_at_trx_commit innodb_flush_method log_bin".split()


def compare(options: argparse.Namespace, save: Path | None) -> bool:
    """All scenarios on both servers; prints, and saves if told where. Whether all is as it is known to be."""
    from servers.mariadb import start_mariadb
    from servers.mysql import start_mysql

    environment.peers_python()
    found: dict[str, dict[Key, Runs]] = {}
    memory: dict[str, dict[int, float]] = {}
    facts: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for product, start in (("mysql", start_mysql), ("mariadb", start_mariadb)):
            with start(private=True) as server:
                bench = Bench(server.create_database("bench"), Path(folder))
                found[product] = {}
                for scenario in SCENARIOS.values():
                    run_scenario(bench, product, scenario, options, found[product])
                lengths = (options.rows, (50 if options.full else 5) * options.rows)
                memory[product] = {rows: peak_memory(bench, rows) for rows in lengths}
                facts[PRODUCTS[product]] = bench.settings()
    verdicts = {product: judge(product, runs, memory[product]) for product, runs in found.items()}
    text = to_markdown(found, {} if options.quick else verdicts, memory, facts, options.rows)
    print("\n" + text)
    if save is not None:
        save.mkdir(parents=True, exist_ok=True)
        (save / "mysql.md").write_text(text + "\n![rows per second](mysql.png)\n")
        draw(found, save / "mysql.png")
    failed = [
        runs for here in found.values() for (_, name), runs in here.items() if CONTENDERS[name].ours and runs.refused
    ]
    expected = [v.met is None or v.met == ((p, v.name) not in KNOWN_GAPS) for p, vs in verdicts.items() for v in vs]
    return not failed and (options.quick or all(expected))


def run_scenario(
    bench: Bench, product: str, scenario: Scenario, options: argparse.Namespace, runs: dict[Key, Runs]
) -> None:
    """All contenders of a scenario, in turns."""
    names = [*scenario.fast, *scenario.slow]
    if options.only:
        names = [name for name in names if any(word in name for word in options.only)]
    for name in names:
        runs[scenario.name, name] = Runs(scenario.name, name)
    for round_ in range(options.rounds or scenario.rounds):
        for name in names:
            found = runs[scenario.name, name]
            if found.refused or (round_ and name in scenario.slow):
                continue
            bench.run(scenario, CONTENDERS[name], options.rows, found)
            said = found.refused or f"{found.rows:>9,} rows {found.seconds[-1]:7.2f} s {found.cpu[-1]:7.2f} s of CPU"
            print(f"{product:7} {scenario.name:7} {name:26} {said}", flush=True)


class Bench:
    """A database of a private server, and a folder with the data."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.made: dict[str, Path] = {}

    def settings(self) -> str:
        """What the server was told that matters to loading."""
        rows = {name: self.query(f"SELECT @@{name}")[0][0] for name in SETTINGS}
        return ", ".join(f"{name} {value}" if name != "version" else str(value) for name, value in rows.items())

    def create_table(self, dataset: str, name: str) -> str:
        """The statement that creates the table of a dataset."""
        return sql_type(DATASETS[dataset].create_table(name))

    def provide(self, name: str, rows: int) -> Path:
        """The dataset as Parquet, and as a table of the right rows, which are loaded from CSV: by none of the contenders."""
        path = self.folder / f"{name}.parquet"
        if not path.exists():
            data = DATASETS[name].make(rows, self.folder)
            pyarrow.parquet.write_table(data, path, row_group_size=200_000)
        if name not in self.made:
            csv = self.folder / f"{name}.csv"
            table = pyarrow.parquet.read_table(path)
            pyarrow.csv.write_csv(table, csv, pyarrow.csv.WriteOptions(include_header=False))
            self.query(self.create_table(name, f"reference_{name}"))
            how = "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY ''"
            self.query(f"LOAD DATA LOCAL INFILE '{csv}' INTO TABLE reference_{name} CHARACTER SET utf8mb4 {how}")
            csv.unlink()
            self.made[name] = path
        return path

    def run(self, scenario: Scenario, contender: Contender, rows: int, runs: Runs) -> None:
        """One run; adds to `runs` what was measured."""
        dataset = DATASETS[scenario.dataset]
        path = self.provide(scenario.dataset, rows)
        for name in (TABLE, WARM):
            self.query(f"DROP TABLE IF EXISTS {name}")
            if scenario.mode != "create":
                self.query(self.create_table(scenario.dataset, name))
        some = max(1, int(rows * contender.part))
        request: dict[str, Any] = {
            "contender": contender.function,
            "url": self.url,
            "table": TABLE,
            "warm_table": WARM,
            "mode": scenario.mode,
            "data": str(path),
            "before": None,
            "rows": some if some < rows else None,
            "columns": {name: sql_type(kind) for name, kind in dataset.columns.items()},
            "key": dataset.key,
            "create": self.create_table(scenario.dataset, TABLE),
            "warm_create": self.create_table(scenario.dataset, WARM),
            "arguments": contender.arguments,
        }
        measured = run_child(contender, request)
        if "refused" in measured:
            runs.refused = without_places(measured["refused"], self.url)
            return
        if wrong := self.wrong(scenario, some):
            runs.refused = wrong
            return
        runs.rows = measured["rows"]
        for name in ("seconds", "cpu", "peak_mb", "data_mb"):
            getattr(runs, name).append(measured[name])

    def wrong(self, scenario: Scenario, rows: int) -> str | None:
        """What is wrong with the table's rows, if anything is."""
        columns = ", ".join(DATASETS[scenario.dataset].columns)
        total = f"SELECT count(*), sum(crc32(concat_ws('|', {columns}))) FROM"
        found = self.query(f"{total} {TABLE}")[0]
        first = (
            f"(SELECT * FROM reference_{scenario.dataset} LIMIT {rows}) AS t"  # by its clustered index: as they came
        )
        wanted = self.query(f"{total} {first}")[0]
        return None if found == wanted else f"wrong rows: {found[0]:,} in the table, and {wanted[0]:,} are right"

    def query(self, statement: str) -> Sequence[Any]:
        """The rows of a statement, on a connection of its own."""
        import pymysql

        opened = pymysql.connect(**address(self.url), local_infile=True, autocommit=True)
        with closing(opened) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            rows: Sequence[Any] = cursor.fetchall()
        return rows


def peak_memory(bench: Bench, rows: int) -> float:
    """MB that loading a stream of so many rows takes at its peak."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE, HERE.parent)))}
    command = [sys.executable, "-m", "against.steady", bench.url, str(rows)]
    said: dict[str, float] = json.loads(subprocess.check_output(command, text=True, env=environ))
    print(f"steady  {rows:>12,} rows {said['seconds']:7.2f} s   +{said['peak_mb']:.0f} MB", flush=True)
    return said["peak_mb"]


def judge(product: str, runs: dict[Key, Runs], memory: dict[int, float]) -> list[Verdict]:
    """Every target that these measurements say something about."""
    verdicts = [*(ratio_verdict(ratio, runs) for ratio in RATIOS), *memory_verdicts(memory)]
    return [verdict for verdict in verdicts if verdict.met is not None]


def to_markdown(
    found: dict[str, dict[Key, Runs]],
    verdicts: dict[str, list[Verdict]],
    memory: dict[str, dict[int, float]],
    servers: dict[str, str],
    rows: int,
) -> str:
    """The whole report."""
    facts = results.machine_facts(rows, environment.versions(), ("pyarrow", "numpy", "aiomysql")) | servers
    parts = ["# arrowsync and its peers, into MySQL and MariaDB"]
    parts += [
        "\n".join(f"{name}: {said}  " for name, said in facts.items()),
        results.METHOD.partition(" In upserts")[0],
    ]
    if verdicts:
        lines = ["| | | wanted | found | |", "|---|---|---|---|---|"]
        for product, here in verdicts.items():
            for v in here:
                gap = KNOWN_GAPS.get((product, v.name))
                said = ("met" if v.met else "**missed**") if gap is None else f"missed: {gap}"
                lines.append(f"| {PRODUCTS[product]} | {v.name} | {v.wanted} | {v.found} | {said} |")
        parts += ["## Targets", "\n".join(lines)]
    for product, runs in found.items():
        for name, scenario in SCENARIOS.items():
            measured = [each for (where, _), each in runs.items() if where == name]
            parts += [f"## {PRODUCTS[product]}. {scenario.title}", results.scenario_table(measured, READY, CONTENDERS)]
    lines = ["| | rows | peak |", "|---|--:|--:|"]
    lines += [f"| {PRODUCTS[p]} | {n:,} | {peak:.0f} MB |" for p, here in memory.items() for n, peak in here.items()]
    parts += ["## Memory of a stream of 4 columns, above imports", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def draw(found: dict[str, dict[Key, Runs]], path: Path) -> None:
    """Bars of rows/s, a panel for each scenario and server."""
    panels = {
        f"{PRODUCTS[product]}. {scenario.title}": [each for (where, _), each in runs.items() if where == name]
        for product, runs in found.items()
        for name, scenario in SCENARIOS.items()
    }
    results.draw_panels(panels, "Rows per second into MySQL and MariaDB", path)
