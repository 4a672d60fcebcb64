"""The search for the first row that isn't taken."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from arrowsync.dialects.row_errors import agree, first_refused, name_row
from arrowsync.errors import ArrowSyncError, ConstraintViolated, ConversionError, DatabaseError


@given(st.integers(0, 50), st.integers(0, 3_000), st.sets(st.integers(0, 3_000)))
def test_the_first_is_found_and_those_before_it_are_brought_once(low: int, rows: int, bad: set[int]) -> None:
    kept: list[int] = []
    tried = 0

    async def bring(start: int, end: int) -> ArrowSyncError | None:
        nonlocal tried
        assert low <= start < end <= low + rows
        tried += 1
        refused = bad.intersection(range(start, end))
        if refused:
            return DatabaseError(f"refused {min(refused)}")
        kept.extend(range(start, end))
        return None

    found = asyncio.run(first_refused(low, low + rows, bring))
    there = sorted(row for row in bad if low <= row < low + rows)
    # Without a bad row it is the last one that is looked at alone, and taken.
    assert (found.row if found else None) == (there[0] if there else None)
    assert found is None or found.error.message == f"refused {found.row}"
    assert kept == list(range(low, low + rows if found is None else found.row))
    assert tried <= 8 * 5


def test_an_error_that_names_its_row_says_it_everywhere() -> None:
    violated = ConstraintViolated("Duplicate entry 'seat at row 7 ' for key 't.PRIMARY'", kind="unique", hint="look")
    name_row(violated, 3)
    expected = "Duplicate entry 'seat at row 7 ' for key 't.PRIMARY' (row 3 of the load)"
    assert (violated.row, violated.message, str(violated)) == (3, expected, f"{expected}\nHint: look")
    assert repr(violated) == f'ConstraintViolated("{expected}")'
    refused = ConversionError("Data too long for column 'x' at row 1", column="x", reason="too long")
    name_row(refused, 12)
    assert (refused.rows, refused.message) == ((12,), "Data too long for column 'x' (row 12 of the load)")


def test_errors_agree_that_say_the_same_of_the_same_values() -> None:
    def check(message: str, code: str = "3819") -> DatabaseError:
        return ConstraintViolated(message, kind="check", code=code)

    assert agree(check("violated"), check("violated"))
    assert not agree(check("violated"), check("violated", "4025"))
    assert not agree(check("Duplicate entry '1'"), check("Duplicate entry '2'"))
    assert not agree(check("violated"), DatabaseError("violated", code="3819"))
