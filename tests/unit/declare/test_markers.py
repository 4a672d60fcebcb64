"""The markers check what they are given, and are invisible to type checkers."""

# ruff: noqa: UP045  (users write the older spellings too)

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Optional, assert_type

import pytest

from arrowsync.declare.markers import (
    Identity,
    MaxLength,
    Precision,
    PrimaryKey,
    RenamedFrom,
    TimePrecision,
    TimeZone,
    Unique,
    float32,
    int8,
    uint64,
)
from arrowsync.errors import DeclarationError


@pytest.mark.parametrize(
    "make",
    [
        lambda: MaxLength(0),
        lambda: MaxLength(-1),
        lambda: MaxLength(True),
        lambda: MaxLength("10"),  # type: ignore[arg-type]
        lambda: MaxLength(2.0),  # type: ignore[arg-type]
        lambda: Precision(0),
        lambda: Precision(77),
        lambda: Precision(10, 11),
        lambda: Precision(10, -1),
        lambda: Precision("10"),  # type: ignore[arg-type]
        lambda: Precision(10, 2.0),  # type: ignore[arg-type]
        lambda: TimePrecision(-1),
        lambda: TimePrecision(7),
        lambda: TimePrecision(None),  # type: ignore[arg-type]
        lambda: TimeZone("Europe/Berlin"),
        lambda: TimeZone(""),
        lambda: RenamedFrom(""),
        lambda: RenamedFrom(1),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_argument_is_refused_where_it_is_written_with_the_way_out(make: Callable[[], Any]) -> None:
    with pytest.raises(DeclarationError) as caught:
        make()
    assert caught.value.hint


def test_arguments_at_the_limits() -> None:
    assert MaxLength(1).n == 1
    assert (Precision(1).p, Precision(1).s) == (1, 0)
    assert (Precision(76, 76).p, Precision(76, 76).s) == (76, 76)
    assert TimePrecision(0).n == 0
    assert TimeZone() == TimeZone("UTC")


def test_markers_are_values() -> None:
    assert MaxLength(3) == MaxLength(3) != MaxLength(4)
    assert len({Precision(3, 1), Precision(3, 1), Precision(3, 2)}) == 2
    assert pickle.loads(pickle.dumps(RenamedFrom("old"))) == RenamedFrom("old")
    with pytest.raises(AttributeError):
        MaxLength(3).n = 4  # type: ignore[misc]


@dataclass
class Seen:
    """What a type checker sees of each marker: `assert_type` does nothing at run time, the checker verifies it."""

    key: PrimaryKey[Identity[int]]
    code: PrimaryKey[Annotated[str, MaxLength(10)]]
    mail: Unique[Optional[str]]
    small: int8
    large: uint64
    ratio: float32


def test_type_checkers_see_the_plain_type() -> None:
    seen = Seen(1, "a", None, 2, 3, 0.5)
    assert_type(seen.key, int)
    assert_type(seen.code, str)
    assert_type(seen.mail, Optional[str])
    assert_type(seen.small, int)
    assert_type(seen.large, int)
    assert_type(seen.ratio, float)
