"""`SyncReport`: the result of a sync, in numbers that an independent SQL count confirms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from arrowsync.migration.plan import MigrationPlan
from arrowsync.shown import printable, shortened, shown, to_html

SHOWN_REJECTS = 5
"""The number of rejects in a printed report; `SyncReport.rejects` has all."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """The result of `sync_table`. Each row that was read has exactly one outcome:

        rows_read == inserted + updated + unchanged + skipped + duplicates + suppressed + rejected

    inserted    new rows of the table
    updated     rows of the table that got other values
    unchanged   rows that the table has already, with the same values; they were not written
    skipped     rows whose key the table has already, with on_conflict="skip"
    duplicates  rows that lost against another incoming row with the same key (see `dedup`)
    suppressed  rows that the database didn't store although it raised no error: a trigger, rule or policy of the table dropped
                them, or kept the old values
    rejected    rows that couldn't be read or converted, or that the server rejected, with on_error="reject"; see `rejects`

    Rows that were not read, but removed from the table (replace, mirror), are counted as `deleted`. The other fields:

    table       the table as it was given: the name of the class or schema, or the text
    mode        "insert", "upsert", "replace" or "mirror"
    rejects     an Arrow table with one line for each offending value, or None: `row` (from 0), `column`, `value`, `reason`;
                `file` and `line` (from 1) of text files; `key` and `record`, JSON objects of the key's and the whole row's
                values as texts, NULL for a row that can't be read. If the server names no column, `value` is the record
    changes     the schema changes in words, one line each
    plan        the same changes with their statements; of a dry run the changes that would be made
    bytes_sent  bytes of row data sent to the database
    via         the protocol that the rows took, if the database has several ("LOAD DATA LOCAL", "INSERT")
    route       how the rows get into the table, also of a dry run ("straight into the new table", "through a staging table
                into the target")
    seconds     wall clock time
    phases      phase -> seconds
    dry_run     True if nothing was loaded
    inferred    column -> type, if text (CSV, TSV, JSON Lines) made a new table of which only the name was given: the narrowest
                type that all values have, text if in doubt

    >>> report = SyncReport("city", "upsert", rows_read=3, inserted=2, unchanged=1)
    >>> report.rows_read == sum(report.outcomes().values())
    True
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
        """Rows read in a second of wall clock time; 0.0 if no time was measured."""
        return self.rows_read / self.seconds if self.seconds else 0.0

    def outcomes(self) -> dict[str, int]:
        """Outcome -> number of rows: inserted, updated and unchanged always, the others if they occurred; deleted rows too."""
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
        """Return the report as plain values for `json.dumps`, as the command line prints it with --json."""
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
            route = f"; rows would go {self.route}" if self.route else ""
            return f"{title}dry run of {self.mode}, nothing was loaded{route}\n{self.plan}{inferred}"
        counts = ", ".join(f"{rows:,} {name}" for name, rows in self.outcomes().items())
        via = f", {self.via}" if self.via else ""
        speed = f"{self.seconds:.2f} s ({self.rows_per_second:,.0f} rows/s{via})"
        lines = [f"{title}{self.mode} of {self.rows_read:,} rows in {speed}: {counts}"]
        lines += [*map(printable, self.changes), *([self.inferred_line()] if self.inferred else [])]
        return "\n  ".join([*lines, *self.reject_lines()])

    def inferred_line(self) -> str:
        """Return the line of the printed report that names the inferred types."""
        return printable(
            f"types inferred from the data: {', '.join(f'{name} {kind}' for name, kind in self.inferred.items())}"
        )

    def reject_lines(self) -> list[str]:
        """Return the lines of the printed report about rejects: the first five, and the number of the others."""
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
    """Return one reject in words: `row 1 (line 3 of 'bad.csv'), key {"id": "2"}: column 'n': 'x': not an integer`."""
    where = f"row {reject['row']:,}"
    if reject.get("file") is not None:
        where += f" (line {reject['line']:,} of {shown(reject['file'])})"
    if reject.get("key") is not None:
        where += f", key {shortened(reject['key'])}"
    parts = [where, f"column {shown(reject['column'])}" if reject["column"] is not None else ""]
    parts += [shown(reject["value"]) if reject["value"] is not None else "", shortened(reject["reason"])]
    return printable(": ".join(part for part in parts if part))
