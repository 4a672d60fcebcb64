"""The search for the first row that isn't taken."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from arrowsync.dialects.refused_row import first_refused


@given(st.integers(0, 50), st.integers(0, 3_000), st.sets(st.integers(0, 3_000)))
def test_the_first_is_found_and_those_before_it_are_brought_once(low: int, rows: int, bad: set[int]) -> None:
    kept: list[int] = []
    tried = 0

    async def bring(start: int, end: int) -> bool:
        nonlocal tried
        assert low <= start < end <= low + rows
        tried += 1
        if not bad.isdisjoint(range(start, end)):
            return False
        kept.extend(range(start, end))
        return True

    found = asyncio.run(first_refused(low, low + rows, bring))
    there = sorted(row for row in bad if low <= row < low + rows)
    # Without a bad row it is the last one that is looked at alone, and taken.
    assert found == (there[0] if there else None)
    assert kept == list(range(low, low + rows if found is None else found))
    assert tried <= 8 * 5
