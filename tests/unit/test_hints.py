"""Hints: each is known here, and what those that are tried say to do, works."""

import re
from pathlib import Path

import pytest
from hints import (
    calls,
    connections,
    convert,
    databases,
    declare,
    duckdb,
    formed,
    on_servers,
    reading,
    sources,
    specs,
    sqlite,
)
from hints.texts import all_hints
from hints.trying import check

from arrowsync.cli.console import in_options
from arrowsync.cli.main import _options_of, _parser

FOLDER = Path(__file__).parents[1] / "hints"
EXAMPLES = (
    *calls.STATEMENTS, *connections.COMMANDS, *connections.CONNECTIONS, *convert.CONVERSIONS, *databases.MIGRATIONS,
    *databases.RANDOM, *declare.SCHEMAS, *declare.TABLES, *duckdb.DATABASE, *duckdb.DECLARED,
    *formed.FORMED, *reading.READ, *sources.FILES, *specs.RANDOM, *specs.WRITTEN, *sqlite.EXAMPLES,
)  # fmt: skip
ON_SERVERS = [case for file in sorted(on_servers.FOLDER.glob("*.txt")) for case in on_servers.read(file.stem)]
"""Tried in `contract/mysql/test_hints.py` and `contract/postgres/test_hints.py`."""
TRIED = {case[0] for case in (*declare.FIELDS, *convert.VALUES, *EXAMPLES)} | {case.hint for case in ON_SERVERS}
UNTRIED = FOLDER / "untried.txt"


@pytest.mark.parametrize(("hint", "refused", "followed"), declare.FIELDS)
def test_a_field_that_follows_its_hint_is_taken(hint: str, refused: str, followed: str) -> None:
    table = "@dataclass\nclass T:\n    id: PrimaryKey[int]\n    {}\ncreate_sql(T, 'ansi')"
    check(hint, table.replace("{}", refused), table.replace("{}", followed))


@pytest.mark.parametrize(("hint", "refused", "followed"), convert.VALUES)
def test_values_that_follow_their_hint_are_loaded(
    hint: str, refused: tuple[str, str], followed: tuple[str, str]
) -> None:
    check(hint, convert.example(refused), convert.example(followed))


@pytest.mark.parametrize(("hint", "refused", "followed"), EXAMPLES)
def test_a_call_that_follows_its_hint_works(hint: str, refused: str, followed: str) -> None:
    check(hint, refused, followed)


def untried() -> dict[str, str]:
    """The hints that no test tries, each with the reason."""
    rows = [line.split("\t") for line in UNTRIED.read_text().splitlines()]
    assert [row for row in rows if len(row) != 2 or not all(row)] == [], "a line is: hint, tab, reason"
    assert rows == sorted(rows), "the lines are sorted"
    return dict(rows)


def test_every_hint_is_known() -> None:
    """A hint that isn't tried is in `untried.txt` with the reason: an example in one of the other files there is better."""
    known = all_hints().keys()
    left = untried().keys()
    assert sorted(known - left - TRIED) == [], "bring an example in a file of tests/hints"
    assert sorted(left - known) == [], "no hint of the code any more: remove it from tests/hints/untried.txt"
    assert sorted(TRIED - known) == [], "no hint of the code any more: remove the example"
    assert sorted(left & TRIED) == [], "tried, so remove it from tests/hints/untried.txt"


def test_each_hint_that_is_not_tried_has_a_reason() -> None:
    """Of what keeps a test from trying it: "not yet" is none."""
    assert [hint for hint, reason in untried().items() if reason == "not yet"] == []


OPTIONS = _options_of(_parser())


def test_hints_of_the_command_line_name_its_options() -> None:
    parameters = {option.removeprefix("--").replace("-", "_") for option in OPTIONS if option.startswith("--")}
    for hint in all_hints():
        shown = in_options(hint, OPTIONS)
        for name in parameters:
            assert not re.search(rf"(?<![\w-]){name}=", shown) or "://" in shown or "ssl" in shown, shown
