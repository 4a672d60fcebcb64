"""A test that isn't run, or that may fail, says why: a gap is known, named and counted, and an xfail is strict."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

# notimpl: arrowsync can do it and doesn't yet; notyet: it waits for a server, driver or package; never: it makes no sense there.
WORDS = ("notimpl: ", "notyet: ", "never: ")

GAPS = ("skip", "skipif", "xfail")
"""The functions of pytest, and its marks, that leave a test out."""

# A server that can't be had: its reason says where it was looked for, the summary repeats it, and CI fails.
UNCHECKED = {("conftest.py", "pytest.skip(str(error))")}


def gaps(source: str) -> Iterator[ast.Call | ast.Attribute]:
    """Each use of `pytest.skip`, `pytest.xfail` and of the marks of these names."""
    tree = ast.parse(source)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        use = node.func if isinstance(node, ast.Call) else node if id(node) not in called else None
        if isinstance(use, ast.Attribute) and use.attr in GAPS and ast.unparse(use.value) in ("pytest", "pytest.mark"):
            yield node  # pyright: ignore[reportReturnType]


def reason_of(gap: ast.Call | ast.Attribute) -> str:
    """The beginning of the reason of a gap; empty if there is none, or if it isn't text."""
    if isinstance(gap, ast.Attribute):
        return ""
    named = [keyword.value for keyword in gap.keywords if keyword.arg == "reason"]
    first = [] if ast.unparse(gap.func).startswith("pytest.mark.") else gap.args[:1]
    for given in (*named, *first):
        text = given.values[0] if isinstance(given, ast.JoinedStr) else given
        if isinstance(text, ast.Constant):
            return str(text.value)
    return ""


def unexplained(source: str) -> list[str]:
    """The gaps without a reason that begins with one of the words, and xfails that may pass."""
    return [
        ast.unparse(gap)
        for gap in gaps(source)
        if not reason_of(gap).startswith(WORDS) or "strict=False" in ast.unparse(gap)
    ]


@pytest.mark.parametrize(
    ("gap", "fine"),
    [
        ('pytest.skip("never: no such type")', True),
        ('pytest.skip(f"notyet: {name} 5.0")', True),
        ('pytest.mark.xfail(reason="notimpl: arrays")', True),
        ('pytest.mark.skipif(old, reason="notyet: Python 3.15")', True),
        ('pytest.skip("no such type")', False),
        ("pytest.skip(why)", False),
        ("pytest.mark.xfail", False),
        ('pytest.mark.xfail(reason="arrays")', False),
        ('pytest.mark.xfail(strict=False, reason="notimpl: arrays")', False),
    ],
)  # fmt: skip
def test_the_check_of_reasons(gap: str, fine: bool) -> None:
    assert unexplained(gap) == ([] if fine else [gap.replace('"', "'")])


def test_every_gap_says_why() -> None:
    """A reason begins with `notimpl: `, `notyet: ` or `never: `."""
    found = [
        (path.relative_to(TESTS).as_posix(), gap)
        for path in sorted(TESTS.rglob("*.py"))
        for gap in unexplained(path.read_text())
    ]
    assert set(found) == UNCHECKED
