"""`SyncReport`: what a sync did, as numbers that an independent SQL count agrees with."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from arrowsync.migrate.plan import MigrationPlan


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What `sync_table` did. Every row that was read is in exactly one of the outcomes, so that

        rows_read == inserted + updated + unchanged + skipped + duplicates + rejected

    inserted    rows that are new in the table
    updated     rows that were there and got another value
    unchanged   rows that were there already as they are; they were not written
    skipped     rows that were there already, with on_conflict="skip"
    duplicates  rows whose key another incoming row has too, and that lost against it (see `dedup`)
    rejected    rows that couldn't be read or converted, or that the server refused, with on_error="reject"; `rejects` has them
    deleted     rows that were in the table and are gone (replace, mirror); not rows that were read

    `rejects` is an Arrow table (row, column, value, reason, and of text files file and line), one line for each offending
    value; where a server that refuses a row names no column, the value is the row as JSON. `changes` are the schema changes
    in words, `plan` the same with statements. `bytes_sent` is what went to the database, `seconds` the wall clock time,
    `phases` how it divides. With `dry_run` nothing was loaded: `plan` says what would have been changed. `via` names the way
    that the rows took, where the database has several ("LOAD DATA LOCAL", or "INSERT" where the server forbids it).
    """

    table: str
    mode: str
    rows_read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    duplicates: int = 0
    rejected: int = 0
    deleted: int = 0
    rejects: pa.Table | None = None
    changes: tuple[str, ...] = ()
    bytes_sent: int = 0
    via: str = ""
    seconds: float = 0.0
    phases: Mapping[str, float] = field(default_factory=dict[str, float])
    dry_run: bool = False
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
            "rejected": self.rejected,
            "deleted": self.deleted,
            "rejects": self.rejects.to_pylist() if self.rejects is not None else [],
            "changes": list(self.changes),
            "statements": list(self.plan.statements),
            "bytes_sent": self.bytes_sent,
            "via": self.via,
            "seconds": round(self.seconds, 6),
            "rows_per_second": round(self.rows_per_second),
            "phases": {name: round(seconds, 6) for name, seconds in self.phases.items()},
        }

    def __str__(self) -> str:
        if self.dry_run:
            return f"{self.table}: dry run of {self.mode}, nothing was loaded\n{self.plan}"
        counts = ", ".join(f"{rows:,} {name}" for name, rows in self.outcomes().items())
        via = f", {self.via}" if self.via else ""
        speed = f"{self.seconds:.2f} s ({self.rows_per_second:,.0f} rows/s{via})"
        lines = [f"{self.table}: {self.mode} of {self.rows_read:,} rows in {speed}: {counts}", *self.changes]
        return "\n  ".join(lines)

    def _repr_html_(self) -> str:
        title = f"{self.table}: {'dry run of ' if self.dry_run else ''}{self.mode}"
        rows = [(name, f"{count:,}") for name, count in self.outcomes().items()]
        rows += [("changes", "; ".join(self.changes) or "none")]
        rows += [("seconds", f"{self.seconds:.2f}"), ("rows/s", f"{self.rows_per_second:,.0f}")]
        rows += [("via", self.via)] if self.via else []
        body = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in rows)
        return f"<table><caption>{html.escape(title)}</caption><tbody>{body}</tbody></table>"
