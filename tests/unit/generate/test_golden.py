"""The script of every feature (`formation/features.py`) for every dialect, as it stands in `tests/golden`.

The files are there to be read: what a change of the formation does to the SQL is their diff. After such a change,

    ARROWSYNC_WRITE_GOLDEN=1 pytest tests/unit/generate/test_golden.py

writes them anew. A declaration that a database can't hold has a file `<feature>.error` with what the user is told.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from formation.features import FEATURES

from arrowsync.errors import DeclarationError
from arrowsync.sync.ddl import create_sql

GOLDEN = Path(__file__).parents[2] / "golden"
DIALECTS = ("ansi", "postgresql", "mysql", "mariadb", "duckdb", "sqlite")
WRITE = bool(os.environ.get("ARROWSYNC_WRITE_GOLDEN"))


def formed(feature: str, dialect: str) -> tuple[str, str]:
    """The name of the golden file and what should be in it."""
    declared = FEATURES[feature]
    if dialect not in declared.not_in:
        return f"{feature}.sql", create_sql(declared.tables, dialect, declared.options)
    with pytest.raises(DeclarationError) as caught:
        create_sql(declared.tables, dialect, declared.options)
    return f"{feature}.error", f"{caught.value}\n"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("feature", FEATURES)
def test_the_script_is_the_golden_one(feature: str, dialect: str) -> None:
    name, text = formed(feature, dialect)
    file = GOLDEN / dialect / name
    if WRITE:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    assert file.exists(), f"there is no {file.name} for {dialect}: write it, and read it"
    assert text == file.read_bytes().decode()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_file_is_left_of_a_feature_that_went(dialect: str) -> None:
    wanted = {f"{name}.error" if dialect in feature.not_in else f"{name}.sql" for name, feature in FEATURES.items()}
    assert {file.name for file in (GOLDEN / dialect).iterdir()} == wanted


@pytest.mark.parametrize("feature", FEATURES)
def test_databases_that_refuse_a_feature_are_known_and_say_why(feature: str) -> None:
    for dialect, reason in FEATURES[feature].not_in.items():
        assert dialect in DIALECTS
        assert reason
