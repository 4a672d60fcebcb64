"""A docstring becomes the comments of a table and of its columns."""

from __future__ import annotations

from dataclasses import dataclass, field, make_dataclass

import pytest

from arrowsync.declare.dataclasses.fields import parse_docstring
from arrowsync.declare.dataclasses.read import read_dataclass
from arrowsync.errors import DeclarationError


@dataclass
class Account:
    """Accounts of the shop's users.

    One row for each. It's "quoted", 100% `safe`; and \\ too 🎉

    :param id: Number of the account.
    :param owner: Who pays,
        in the end.
    :param int rest: In cents:
        see below.

        Never below zero.
    :param gone: No such field.

    Not for admins.
    """

    id: int
    owner: str
    rest: int
    other: int


def test_text_and_params_are_told_apart() -> None:
    spec = read_dataclass(Account)
    assert spec.comment == (
        "Accounts of the shop's users.\n\nOne row for each. It's \"quoted\", 100% `safe`; and \\ too 🎉\n\nNot for admins."
    )
    assert [column.comment for column in spec.columns] == [
        "Number of the account.",
        "Who pays, in the end.",
        "In cents: see below.\nNever below zero.",
        None,
    ]


@pytest.mark.parametrize(
    ("docstring", "text", "params"),
    [
        ("", "", {}),
        ("One line.", "One line.", {}),
        (":param x: Only that.", "", {"x": "Only that."}),
        (":param x:", "", {"x": ""}),
        ("A.\n\n:param x: One\ntwo\n    three\n:param y: Four", "A.", {"x": "One two three", "y": "Four"}),
        ("A.\n\n:param x: One\n:returns: nothing\n    at all", "A.\n\n:returns: nothing\n    at all", {"x": "One"}),
        (":param x: One\n\nB.\n\n    indented", "B.\n\n    indented", {"x": "One"}),
        ("A: see :param x: there", "A: see :param x: there", {}),
    ],
)
def test_parse(docstring: str, text: str, params: dict[str, str]) -> None:
    parsed = parse_docstring(docstring)
    assert (parsed.text, dict(parsed.params)) == (text, params)


@dataclass
class Generated:
    id: int
    name: str = field(default=") (")


@dataclass(kw_only=True)
class KeywordOnly:
    id: int = 3


@dataclass
class Written:
    """Written(s) of the (system)"""

    id: int


def test_the_signature_that_dataclass_writes_is_no_comment() -> None:
    for table in (Generated, KeywordOnly, make_dataclass("Made", [("x", int, field(init=False))])):
        assert table.__doc__  # it has one, which nobody wrote
        assert read_dataclass(table).comment is None
    assert read_dataclass(Written).comment == "Written(s) of the (system)"


@pytest.mark.parametrize(("docstring", "place"), [("a\0b", "Made"), (":param x: a\0b", "Made.x")])
def test_a_comment_that_no_database_can_store(docstring: str, place: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        read_dataclass(make_dataclass("Made", [("x", int)], namespace={"__doc__": docstring}))
    assert caught.value.message.startswith(f"{place}: ")
