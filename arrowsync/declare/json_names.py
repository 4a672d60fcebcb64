"""Titles and labels of a JSON Schema as the names of Python classes and of the members of enums."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping


def class_name(text: str) -> str:
    """The name of a class for a title: `A customer's order` is `ACustomerSOrder`."""
    text = unicodedata.normalize("NFKC", text)
    if not text.isidentifier():
        text = "".join(word[0].upper() + word[1:] for word in re.findall(r"\w+", text))
    if not text.isidentifier():
        text = f"_{text}" if text else ""
    return f"{text}_" if keyword.iskeyword(text) else text


def member_names(labels: Iterable[str]) -> Mapping[str, str]:
    """A name for the member of each label of an enum."""
    names: dict[str, str] = {}
    for label in labels:
        plain = "_".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", label)))
        first = plain if plain.isidentifier() and not keyword.iskeyword(plain) and plain != "mro" else f"label_{plain}"
        name, n = first, 2
        while name in names:
            name, n = f"{first}_{n}", n + 1
        names[name] = label
    return names
