"""Text for people: no control character, nothing longer than it may be, and the same when it passes twice."""

from __future__ import annotations

import pickle
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrowsync.errors import ArrowSyncError, DatabaseError
from arrowsync.shown import legible, printable, printable_sql, shown, to_html

HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def is_clean(text: str) -> bool:
    return not any(unicodedata.category(character) in HIDDEN for character in text)


@given(st.text(st.characters()))
def test_no_hidden_character_passes_and_nothing_is_escaped_twice(text: str) -> None:
    for show in (printable, legible, shown, lambda text: str(ArrowSyncError(text))):
        assert is_clean(show(text))
    assert is_clean(to_html(text))
    assert is_clean(printable_sql(text).replace("\n", ""))
    assert printable(printable(text)) == printable(text)
    assert legible(legible(text)) == legible(text)


@pytest.mark.parametrize(
    "character", ["\0", "\n", "\r", "\x1b", "\x7f", "\x85", "\x9b", "\u202e", "\u2066", "\u2028", "\ud800"]
)
def test_each_kind_of_hidden_character_is_an_escape(character: str) -> None:
    escape = character.encode("unicode_escape").decode()
    error = ArrowSyncError(f"a{character}b", hint=f"c{character}d")
    assert str(error) == f"a{escape}b\nHint: c{escape}d"
    error.message = f"e{character}f"
    assert error.message == f"e{escape}f"
    assert repr(character)[1:-1] in repr(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_what_is_no_threat_stays() -> None:
    text = "été \\x1b 日本 \N{NO-BREAK SPACE} 'it''s' [bold] 🙂"
    assert printable(text) == text
    assert legible(text) == text


@pytest.mark.parametrize(
    "message",
    [
        "Duplicate entry '{}' for key 't.PRIMARY'",
        'duplicate key value violates unique constraint "t_pkey": Key (s)=({}) already exists.',
        'invalid input syntax for type integer: "{}"',
        'Duplicate key "s: {}" violates primary key constraint',
        "column '{}' isn't known, as it can't be in `t`",
        "no name, no quotes: {}",
    ],
)
@pytest.mark.parametrize("sign", ["x", "é", "\x1b", "\\"])
def test_a_value_in_a_message_is_short(message: str, sign: str) -> None:
    for length in (150, 170, 5_000, 300_000):
        text = str(DatabaseError(message.format(sign * length)))
        assert text.count(sign) <= 161
        assert len(text) <= 2_000
        if length < 10_000:
            assert text.startswith(message.partition("{}")[0])
            assert text.endswith(message.partition("{}")[2])


def test_a_message_of_many_values_is_bounded() -> None:
    text = str(ArrowSyncError(", ".join(f"'name {number}'" for number in range(40_000))))
    assert len(text) <= 2_000


def test_a_value_is_shown_in_160_characters() -> None:
    assert shown("it's") == '"it\'s"'
    for value in ("x" * 10**6, b"\0" * 10**6, "\x1b" * 200, list(range(10_000)), {"a": "b" * 10_000}):
        assert len(shown(value)) == 160


def test_sql_is_shown_on_its_own_lines_and_no_others() -> None:
    statement = "CREATE TABLE \"a\n\x1b\" (\n  `b\nc` text DEFAULT 'd\ne'\n)"
    assert printable_sql(statement) == "CREATE TABLE \"a\\n\\x1b\" (\n  `b\\nc` text DEFAULT 'd\\ne'\n)"
