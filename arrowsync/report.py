"""`SyncReport`: what a sync did, as numbers that an independent SQL count agrees with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from arrowsync.migration.plan import MigrationPlan
from arrowsync.shown import printable, shortened, shown, to_html

SHOWN_REJECTS = 5
"""How many rejects a report shows; `rejects` has all."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What `sync_table` did. Every row that was read is in exactly one of the outcomes, so that

        rows_read == inserted + updated + unchanged + skipped + duplicates + suppressed + rejected

    inserted    rows that are new in the table
    updated     rows that were there and got another value
    unchanged   rows that were there already as they are; they were not written
    skipped     rows that were there already, with on_conflict="skip"
    duplicates  rows whose key another incoming row has too, and that lost against it (see `dedup`)
    suppressed  rows that the database didn't store, though it raised no error: a trigger, rule or policy of the table dropped
                them, or kept the old values
    rejected    rows that couldn't be read or converted, or that the server refused, with on_error="reject"; `rejects` has them
    deleted     rows that were in the table and are gone (replace, mirror); not rows that were read

    `rejects` is an Arrow table, one line for each offending value: row, column, value, reason, of text files file and line, key
    and record. The last two are JSON objects of the values that came, as texts, of the key and of the whole row; NULL where the
    row can't be read. Where a server that refuses a row names no column, the value is the record. `changes` are the schema
    changes in words, `plan` the same with statements. `bytes_sent` is what went to the database, `seconds` the wall clock time,
    `phases` how it divides. With `dry_run` nothing was loaded: `plan` says what would have been changed. `via` names the way
    that the rows took, where the database has several ("LOAD DATA LOCAL", or "INSERT" where the server forbids it); `route` is
    how they get into the table, also of a dry run ("straight into the new table", "through a staging table into the target").
    Where text (CSV, TSV, JSON Lines) makes a new table that only has a name, `inferred` are the types of its columns: what all of
    their values are, text where that is in doubt.
    """

    table: str
    mode: str
    rows_read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    duplicates: int = 0
    suppressed: int = 0
    rejected: int = 0
    deleted: int = 0
    rejects: pa.Table | None = None
    changes: tuple[str, ...] = ()
    bytes_sent: int = 0
    via: str = ""
    route: str = ""
    seconds: float = 0.0
    phases: Mapping[str, float] = field(default_factory=dict[str, float])
    dry_run: bool = False
    inferred: Mapping[str, str] = field(default_factory=dict[str, str])
    plan: MigrationPlan = field(default_factory=lambda: MigrationPlan(()), repr=False)

    @property
    def rows_per_second(self) -> float:
        return self.rows_read / self.seconds if self.seconds else 0.0

    def outcomes(self) -> dict[str, int]:
        """The rows by outcome, without those outcomes that did not occur (but always the first three)."""
        always = {"inserted": self.inserted, "updated": self.updated, "unchanged": self.unchanged}
        others = {
            "skipped": self.skipped,
            "duplicates": self.duplicates,
            "suppressed": self.suppressed,
            "rejected": self.rejected,
            "deleted": self.deleted,
        }
        return always | {name: rows for name, rows in others.items() if rows}

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values that `json.dumps` takes (what the command line prints with --json)."""
        return {
            "table": self.table,
            "mode": self.mode,
            "dry_run": self.dry_run,
            "rows_read": self.rows_read,
            "inserted": self.inserted,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "skipped": self.skipped,
            "duplicates": self.duplicates,
            "suppressed": self.suppressed,
            "rejected": self.rejected,
            "deleted": self.deleted,
            "rejects": self.rejects.to_pylist() if self.rejects is not None else [],
            "changes": list(self.changes),
            "inferred": dict(self.inferred),
            "statements": list(self.plan.statements),
            "bytes_sent": self.bytes_sent,
            "via": self.via,
            "route": self.route,
            "seconds": round(self.seconds, 6),
            "rows_per_second": round(self.rows_per_second),
            "phases": {name: round(seconds, 6) for name, seconds in self.phases.items()},
        }

    def __str__(self) -> str:
        title = f"{printable(self.table)}: "
        if self.dry_run:
            inferred = f"\n{self.inferred_line()}" if self.inferred else ""
            return f"{title}dry run of {self.mode}, nothing was loaded\n{self.plan}{inferred}"
        counts = ", ".join(f"{rows:,} {name}" for name, rows in self.outcomes().items())
        via = f", {self.via}" if self.via else ""
        speed = f"{self.seconds:.2f} s ({self.rows_per_second:,.0f} rows/s{via})"
        lines = [f"{title}{self.mode} of {self.rows_read:,} rows in {speed}: {counts}"]
        lines += [*map(printable, self.changes), *([self.inferred_line()] if self.inferred else [])]
        return "\n  ".join([*lines, *self.reject_lines()])

    def inferred_line(self) -> str:
        """The types that were told from the data, in words."""
        return printable(
            f"types inferred from the data: {', '.join(f'{name} {kind}' for name, kind in self.inferred.items())}"
        )

    def reject_lines(self) -> list[str]:
        """The first rejects in words, each with its row, key and reason, and the number of the others."""
        if self.rejects is None or not self.rejects.num_rows:
            return []
        found = self.rejects.slice(0, SHOWN_REJECTS).to_pylist()
        more = self.rejects.num_rows - len(found)
        return [*map(_reject_line, found), *([f"and {more:,} more in the rejects"] if more else [])]

    def _repr_html_(self) -> str:
        title = f"{self.table}: {'dry run of ' if self.dry_run else ''}{self.mode}"
        rows = [(name, f"{count:,}") for name, count in self.outcomes().items()]
        rows += [("rejects", line) for line in self.reject_lines()]
        rows += [("changes", "; ".join(self.changes) or "none")]
        rows += [("seconds", f"{self.seconds:.2f}"), ("rows/s", f"{self.rows_per_second:,.0f}")]
        rows += [("via", self.via)] if self.via else []
        body = "".join(f"<tr><th>{to_html(name)}</th><td>{to_html(value)}</td></tr>" for name, value in rows)
        return f"<table><caption>{to_html(title)}</caption><tbody>{body}</tbody></table>"


def _reject_line(reject: Mapping[str, Any]) -> str:
    """For instance `row 1 (line 3 of 'bad.csv'), key {"id": "2"}: column 'n': 'x': not an integer`."""
    where = f"row {reject['row']:,}"
    if reject.get("file") is not None:
        where += f" (line {reject['line']:,} of {shown(reject['file'])})"
    if reject.get("key") is not None:
        where += f", key {shortened(reject['key'])}"
    parts = [where, f"column {shown(reject['column'])}" if reject["column"] is not None else ""]
    parts += [shown(reject["value"]) if reject["value"] is not None else "", shortened(reject["reason"])]
    return printable(": ".join(part for part in parts if part))
