"""Descriptions in a JSON Schema as the docstring of a class, which `docstrings` reads them back from."""

from __future__ import annotations

import re
from collections.abc import Mapping


def class_docstring(description: str, fields: Mapping[str, str]) -> str | None:
    r"""The docstring of a class, with a `:param name:` for each field that has a comment; None where there is nothing to say.

    >>> print(class_docstring("Users.", {"id": "Number.\nOf the user."}))
    <BLANKLINE>
    Users.
    <BLANKLINE>
    :param id: Number.
    <BLANKLINE>
        Of the user.
    <BLANKLINE>
    """
    # Text that looks like a field is indented, so that it stays text.
    text = re.sub(r"^(?=:param\b)", " ", description.strip("\n"), flags=re.MULTILINE)
    params = [f":param {name}: {_paragraphs(comment)}" for name, comment in fields.items() if comment.strip()]
    parts = [text] * bool(text.strip()) + ["\n".join(params)] * bool(params)
    return "\n" + "\n\n".join(parts) + "\n" if parts else None


def _paragraphs(comment: str) -> str:
    """A comment of several lines: a line that isn't to be joined with the one before is a paragraph, indented."""
    return "\n\n    ".join(line.strip() for line in comment.splitlines() if line.strip())
