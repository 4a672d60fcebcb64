"""Errors pickle with all their fields, and say what to do."""

from __future__ import annotations

import copy
import pickle

import pytest

from arrowsync import errors

EXAMPLES = [
    errors.ArrowSyncError("it broke", hint="mend it"),
    errors.DeclarationError("bad field", table="T", field="x", hint="drop it"),
    errors.SourceError("no such file", source="a.parquet", row=3),
    errors.ConversionError("out of range", column="x", reason="out of range for int8", rows=(1, 2), sample=(300, 400)),
    errors.RefusedChange("it would drop", changes=("drop column t.x",)),
    errors.UnsupportedChange("no statement for it"),
    errors.DatabaseError("deadlock", statement="UPDATE t", code="40P01", transient=True),
    errors.ConnectionLost("gone", transient=True),
    errors.ConstraintViolated("duplicate", kind="unique", table="t", constraint="t_pkey", column="id", code="23505"),
    errors.MissingDriver("asyncpg", needed_for="PostgreSQL"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_and_copying(error: errors.ArrowSyncError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)


def test_the_hint_is_shown() -> None:
    assert str(errors.ArrowSyncError("it broke", hint="mend it")) == "it broke\nHint: mend it"
    assert "pip install asyncpg" in str(errors.MissingDriver("asyncpg", needed_for="PostgreSQL"))


def test_the_drawn_tree_is_the_real_one() -> None:
    drawn = errors.__doc__ or ""
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.ArrowSyncError):
            assert kind.__name__ in drawn
