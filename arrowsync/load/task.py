"""`LoadTask`: everything that a running load carries along."""

from __future__ import annotations

from dataclasses import dataclass

from arrowsync.dialects.contract import Dialect, Session
from arrowsync.load.cleanup import Cleanup
from arrowsync.load.outcome import Outcome
from arrowsync.load.plan import Clock, LoadPlan
from arrowsync.load.stream import ConvertedStream


@dataclass(frozen=True, slots=True)
class LoadTask:
    """One load that runs: its session and plan, its rows, and the records of time, of objects to drop, and of commits."""

    session: Session
    plan: LoadPlan
    rows: ConvertedStream
    clock: Clock
    cleanup: Cleanup
    outcome: Outcome

    @property
    def dialect(self) -> Dialect:
        return self.session.dialect
