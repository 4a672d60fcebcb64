"""`RowCounts`: rows by outcome, returned by whoever moved them, and added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from arrowsync.dialects.contract import LoadResult, Outcome


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Rows by outcome; `loaded` are those that have arrived, in the table or in a staging table, in `bytes_sent` by `via`."""

    loaded: int = 0
    bytes_sent: int = 0
    via: str = ""
    rows: Mapping[Outcome, int] = field(default_factory=dict[Outcome, int])

    def __getitem__(self, outcome: Outcome) -> int:
        return self.rows.get(outcome, 0)

    def __add__(self, other: RowCounts) -> RowCounts:
        rows = dict(self.rows)
        for outcome, number in other.rows.items():
            rows[outcome] = rows.get(outcome, 0) + number
        return RowCounts(self.loaded + other.loaded, self.bytes_sent + other.bytes_sent, self.via or other.via, rows)

    def having(self, rows: Mapping[Outcome, int]) -> RowCounts:
        """The counts, with the numbers in `rows` replacing those of the same outcomes."""
        return replace(self, rows={**self.rows, **rows})


def arrived(result: LoadResult) -> RowCounts:
    """The counts of rows that have arrived and have no outcome yet."""
    return RowCounts(result.rows, result.bytes, result.via)
