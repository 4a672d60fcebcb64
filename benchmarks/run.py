"""`make bench`: arrowsync against its peers, then memory and the micro-benchmarks.

make bench                              all; saves benchmarks/results
make bench ARGS=--quick                 a tenth of the rows, fewer rounds, nothing saved or judged
make bench ARGS=--full                  50 million rows for the memory of a long stream
make bench ARGS="upsert resync"         some parts; `--only pgpq arrowsync` some contenders
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
RESULTS = HERE / "results"
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from against import environment, measure_mysql, results  # noqa: E402
from against.measure import Bench, Runs  # noqa: E402
from against.scenarios import CONTENDERS, SCENARIOS, Scenario  # noqa: E402
from against.targets import Key, judge  # noqa: E402

OTHERS = ("encode", "steady", "mysql", "memory", "files", "kernels")
PARTS = (*SCENARIOS, *OTHERS)


def main() -> int:
    """Run what was asked for; 1 if a target is missed that isn't known to be, or met that is, or a benchmark fails."""
    options = arguments()
    parts = options.parts or list(PARTS)
    started = time.perf_counter()
    good = True
    if set(parts) & {*SCENARIOS, "encode", "steady"}:
        good = compare(options, parts)
    if "mysql" in parts:
        whole_run = not options.quick and not options.only and options.rows == 1_000_000
        good &= measure_mysql.compare(options, options.save or (RESULTS if whole_run else None))
    if "memory" in parts:
        scale = "1" if options.full else "0.05" if options.quick else "0.5"
        command = [sys.executable, str(HERE / "memory.py"), "--scale", scale]
        good &= not subprocess.run(command, check=False).returncode
    if "files" in parts:
        size = ["--rows", "300000"] if options.quick else []
        good &= not subprocess.run([sys.executable, str(HERE / "files.py"), *size], check=False).returncode
        good &= not subprocess.run([sys.executable, str(HERE / "tsv_to_arrow.py")], check=False).returncode
    if "kernels" in parts:
        quick = ["--benchmark-disable"] if options.quick else []
        kernels = [sys.executable, "-m", "pytest", "-q", *quick, *map(str, sorted(HERE.glob("test_*.py")))]
        good &= not subprocess.run(kernels, check=False).returncode
    print(f"{(time.perf_counter() - started) / 60:.1f} minutes")
    return 0 if good else 1


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of: {' '.join(PARTS)}")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="WORD", help="contenders whose names contain one of these"
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, fewer rounds")
    parser.add_argument(
        "--full", action="store_true", help="50 million rows, not 5, for the memory of a stream; more of memory.py"
    )
    parser.add_argument("--rows", type=int, help="1,000,000 unless this says otherwise")
    parser.add_argument("--rounds", type=int, help="of the fast contenders, instead of each scenario's own number")
    parser.add_argument("--save", type=Path, help="where the results go; a whole run's go to benchmarks/results")
    options = parser.parse_args()
    if unknown := [part for part in options.parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    options.rows = options.rows or (100_000 if options.quick else 1_000_000)
    options.rounds = options.rounds or (2 if options.quick else None)
    return options


def compare(options: argparse.Namespace, parts: Sequence[str]) -> bool:
    """The scenarios, the encoder and the memory of a stream; prints and saves. Whether all is as it is known to be."""
    from servers.postgres import start_postgres

    environment.peers_python()
    runs: dict[Key, Runs] = {}
    encoder: dict[str, float] = {}
    memory: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder, start_postgres() as server:
        bench = Bench(server.create_database(), Path(folder))
        for part in parts:
            if part in SCENARIOS:
                run_scenario(bench, SCENARIOS[part], options, runs)
        if "encode" in parts:
            encoder = encoder_cpu(server.create_database(), options)
        if "steady" in parts:
            rows = (options.rows, (50 if options.full else 5) * options.rows)
            memory = {each: peak_memory(bench, each) for each in rows}
        whole = set(PARTS) - {"mysql", "memory", "files", "kernels"} <= set(parts) and not options.only
        judged = [] if options.quick else judge(runs, encoder, memory, whole=whole)
        facts = results.facts(options.rows, bench.settings(), environment.versions())
    text = results.to_markdown(runs, judged, encoder, memory, facts)
    print("\n" + text)
    target = options.save or (RESULTS if whole and not options.quick and options.rows == 1_000_000 else None)
    if target is not None:
        target.mkdir(parents=True, exist_ok=True)
        (target / "postgresql.md").write_text(text + "\n![rows per second](postgresql.png)\n")
        results.draw(runs, target / "postgresql.png")
    failed = [found for (_, name), found in runs.items() if CONTENDERS[name].ours and found.refused]
    return not failed and all(verdict.expected for verdict in judged)


def run_scenario(bench: Bench, scenario: Scenario, options: argparse.Namespace, runs: dict[Key, Runs]) -> None:
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
            bench.run(scenario, CONTENDERS[name], int(options.rows * scenario.part), found)
            said = found.refused or f"{found.rows:>9,} rows {found.seconds[-1]:7.2f} s {found.cpu[-1]:7.2f} s of CPU"
            print(f"{scenario.name:7} {name:22} {said}", flush=True)


def encoder_cpu(url: str, options: argparse.Namespace) -> dict[str, float]:
    """CPU seconds of encoding a million rows, by encoder."""
    size = ["--scale", "0.02", "--rounds", "3"] if options.quick else ["--scale", "0.1", "--rounds", "7"]
    command = [str(environment.peers_python()), str(HERE / "encode_lineitem.py"), "--json", "--url", url, *size]
    said: dict[str, float] = json.loads(subprocess.check_output(command, text=True))
    return said


def peak_memory(bench: Bench, rows: int) -> float:
    """MB that loading a stream of so many rows takes at its peak."""
    paths = os.pathsep.join(map(str, (HERE, ROOT)))
    command = [sys.executable, "-m", "against.steady", bench.url, str(rows)]
    environ = {**os.environ, "PYTHONPATH": paths}
    said: dict[str, float] = json.loads(subprocess.check_output(command, text=True, env=environ))
    print(f"steady  {rows:>12,} rows {said['seconds']:7.2f} s   +{said['peak_mb']:.0f} MB", flush=True)
    return said["peak_mb"]


if __name__ == "__main__":
    sys.exit(main())
