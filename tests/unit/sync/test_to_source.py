"""Catalog -> Python module -> the same catalog, for every feature on every engine."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from formation.features import FEATURES

import arrowsync
from arrowsync.catalog import Catalog
from arrowsync.dialects import language_for
from arrowsync.dialects.contract import Language
from arrowsync.errors import DeclarationError
from arrowsync.options import GeneratorOptions
from arrowsync.sync.ddl import form_catalog, script_of

DIALECTS = ["postgresql", "mysql", "mariadb", "duckdb", "sqlite"]


@pytest.fixture
def modules() -> Iterator[list[str]]:
    made: list[str] = []
    yield made
    for name in made:
        sys.modules.pop(name, None)


def imported(text: str, folder: Path, modules: list[str]) -> ModuleType:
    path = folder / "declared_again.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("declared_again", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["declared_again"] = module
    modules.append("declared_again")
    spec.loader.exec_module(module)
    return module


def objects_of(catalog: Catalog, language: Language) -> list[list[str]]:
    """Each object of the catalog as its lines of SQL: the order of objects and of constraints says nothing."""
    alone = [
        *(Catalog((replace(table, foreign_keys=()),)) for table in catalog.tables),
        Catalog((), catalog.enums, catalog.namespaces, catalog.structs),
    ]
    keys = [[f"{table.name} {key}" for key in table.foreign_keys] for table in catalog.tables]
    return sorted(sorted(script_of(part, language).replace(",\n", "\n").splitlines()) for part in alone) + sorted(
        sorted(group) for group in keys
    )


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", FEATURES)
def test_a_catalog_forms_again_from_its_source(name: str, dialect: str, tmp_path: Path, modules: list[str]) -> None:
    feature = FEATURES[name]
    if dialect in feature.not_in:
        return
    language = language_for(dialect)
    catalog = form_catalog(list(feature.tables), language, feature.options)
    catalog = replace(catalog, tables=tuple(replace(table, rows=()) for table in catalog.tables))  # rows are data
    module = imported(arrowsync.to_source(catalog, dialect), tmp_path, modules)
    again = form_catalog(module, language, GeneratorOptions())
    assert objects_of(again, language) == objects_of(catalog, language)


def test_a_catalog_needs_its_dialect() -> None:
    feature = next(iter(FEATURES.values()))
    catalog = form_catalog(list(feature.tables), language_for("duckdb"), feature.options)
    with pytest.raises(DeclarationError, match="one dialect"):
        arrowsync.to_source(catalog)
