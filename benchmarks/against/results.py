"""The measurements as Markdown and as a chart. Nothing in them names this machine: cores, memory, versions and date only."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

from against.measure import Runs
from against.scenarios import CONTENDERS, PRE, SCENARIOS, Contender
from against.targets import Key, Verdict

OWN = ("pyarrow", "numpy", "asyncpg")
METHOD = """\
Every run is a process of its own and starts with data in memory, in the form that the contender needs (its column "from"), and
an open connection, after a thousand rows into another table that aren't counted. Time ends with the commit. Where several
rounds are run, the contenders take turns; time is the median, with the shortest and the longest. CPU is the client's, user and
system, per million rows. Memory is what the run needs at its peak beyond the data, and what the data takes in the form that the
contender needs. After each run the table must hold the right rows, which were loaded from CSV for comparison. Contenders that
would take too long get a part of the rows to insert (their column "rows"). In upserts the pre-encoded bytes go into a temporary
table, and from there with INSERT ... ON CONFLICT DO UPDATE."""


def to_markdown(
    runs: Mapping[Key, Runs],
    verdicts: Sequence[Verdict],
    encoder: Mapping[str, float],
    memory: Mapping[int, float],
    facts: Mapping[str, str],
) -> str:
    """The whole report."""
    parts = [
        "# arrowsync and its peers, into PostgreSQL",
        "\n".join(f"{name}: {said}  " for name, said in facts.items()),
    ]
    parts.append(METHOD)
    if verdicts:
        lines = [f"| {v.name} | {v.wanted} | {v.found} | {v.said} |" for v in verdicts]
        parts += ["## Targets", "\n".join(["| | wanted | found | |", "|---|---|---|---|", *lines])]
    for name, scenario in SCENARIOS.items():
        here = [found for (where, _), found in runs.items() if where == name]
        if here:
            parts += [f"## {scenario.title}", scenario_table(here)]
    if encoder:
        lines = [f"| {name} | {seconds:.3f} s |" for name, seconds in encoder.items()]
        head = ["| | CPU per million rows |", "|---|---|"]
        note = "ADBC's is all that its client does in `adbc_ingest`; the others encode only."
        parts += ["## Encoding lineitem as COPY BINARY", "\n".join(head + lines), note]
    if memory:
        lines = [f"| {rows:,} | {peak:.0f} MB |" for rows, peak in sorted(memory.items())]
        head = ["| rows | peak |", "|---|---|"]
        parts += ["## Memory of a stream of 4 columns, above imports", "\n".join(head + lines)]
    return "\n\n".join(parts) + "\n"


def scenario_table(
    here: Sequence[Runs], limit_name: str = PRE, contenders: Mapping[str, Contender] = CONTENDERS
) -> str:
    """One scenario's results, the fastest first, and what they are of the limit's time."""
    measured = [runs for runs in here if runs.seconds and not runs.refused]
    measured.sort(key=lambda runs: median(runs.seconds) / runs.rows)
    limit = next((median(runs.seconds) / runs.rows for runs in measured if runs.contender == limit_name), None)
    lines = [
        f"| | from | rows | rounds | seconds | rows/s | of the time of {limit_name} | CPU | memory | data |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for runs in measured:
        seconds = median(runs.seconds)
        spread = (
            f"{seconds:.2f} ({min(runs.seconds):.2f} to {max(runs.seconds):.2f})"
            if len(runs.seconds) > 1
            else f"{seconds:.2f}"
        )
        against = f"{seconds / runs.rows / limit:.2f}x" if limit else ""
        name = f"**{runs.contender}**" if runs.contender.startswith("arrowsync") else runs.contender
        lines.append(
            f"| {name} | {contenders[runs.contender].form} | {runs.rows:,} | {len(runs.seconds)} | {spread} "
            f"| {runs.rows / seconds:,.0f} | {against} | {median(runs.cpu) / runs.rows * 1e6:.2f} s "
            f"| {max(0.0, median(runs.peak_mb)):,.0f} MB | {max(0.0, median(runs.data_mb)):,.0f} MB |"
        )
    refused = [f"- {runs.contender}: {runs.refused}" for runs in here if runs.refused]
    return "\n".join([*lines, *(["", "Not measured:", "", *refused] if refused else [])])


def facts(rows: int, settings: Mapping[str, str], peers: Mapping[str, str]) -> dict[str, str]:
    """What the figures hang on."""
    server = ", ".join(f"{name} {value}" for name, value in settings.items() if name != "server_version")
    return {
        **machine_facts(rows, peers, OWN),
        "PostgreSQL": f"{settings['server_version'].split()[0]} on the loopback device; {server}",
    }


def machine_facts(rows: int, peers: Mapping[str, str], own: Sequence[str]) -> dict[str, str]:
    """What they hang on, whatever the server."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kind = f"{platform.system()} {platform.machine()}"
    return {
        "Date": date.today().isoformat(),
        "Machine": f"{os.cpu_count()} cores, {memory:.0f} GB, {kind}; client and server share it",
        "arrowsync": f"{version('arrowsync')}, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in own),
        "Peers": ", ".join(f"{name} {number}" for name, number in peers.items()),
        "Rows": f"{rows:,}",
    }


def draw(runs: Mapping[Key, Runs], path: Path) -> None:
    """Bars of rows/s, a panel for each scenario."""
    panels = {
        scenario.title: [found for (where, _), found in runs.items() if where == name]
        for name, scenario in SCENARIOS.items()
    }
    draw_panels(panels, "Rows per second into PostgreSQL", path)


def draw_panels(panels: Mapping[str, Sequence[Runs]], title: str, path: Path) -> None:
    """A panel for each title whose runs say something."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names = [name for name, runs in panels.items() if any(found.seconds for found in runs)]
    if not names:
        return
    figure, axes = plt.subplots((len(names) + 1) // 2, 2, figsize=(15, 3.4 * ((len(names) + 1) // 2)), squeeze=False)
    for axis in axes.flat[len(names) :]:
        axis.axis("off")
    for axis, name in zip(axes.flat, names, strict=False):
        here = [found for found in panels[name] if found.seconds and not found.refused]
        here.sort(key=lambda found: found.rows / median(found.seconds))
        speeds = [found.rows / median(found.seconds) for found in here]
        colors = ["#c0562f" if found.contender.startswith("arrowsync") else "#a9b4bd" for found in here]
        bars = axis.barh([found.contender for found in here], speeds, color=colors)
        axis.bar_label(bars, [f"{speed:,.0f}" for speed in speeds], padding=3, fontsize=8)
        axis.set_title(name, fontsize=9, loc="left")
        axis.set_xlim(0, max(speeds) * 1.15)
        axis.xaxis.set_visible(False)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right", "bottom"]].set_visible(False)
    figure.suptitle(title, x=0.01, ha="left")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
