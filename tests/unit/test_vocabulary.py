"""One idea has one name (the glossary of docs/architecture.md): names that were replaced aren't used again, in code or files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "arrowsync"

# Identifier -> the name to use. Not in it: words that mean something else elsewhere (`at`, `fault`, `fit`, `kept`, `made`,
# `ordered`, `place`), which only a reader can tell apart.
REPLACED = {
    "Aim": "TargetTable",
    "Deal": "FanOut",
    "DealStopped": "Stopped",
    "Drafting": "LoadTask",
    "Drafts": "HiddenTable",
    "Facts": "ServerInfo",
    "Form": "Decoder",
    "Forms": "Limits",
    "Hidden": "HiddenTable",
    "Intake": "ConvertedStream",
    "Isolation": "RejectSearch",
    "Job": "LoadPlan",
    "Loading": "LoadTask",
    "PLACE": "ROW_ORIGIN",
    "ParallelForms": "SharedTables",
    "Parts": "TrialTables",
    "Refusal": "ViolationQuery",
    "Splits": "ValueCheck",
    "Storable": "ValueCheck",
    "Traces": "Cleanup",
    "adopt": "adopt_session",
    "aim_at": "resolve_target",
    "arrival": "row_number",
    "arrival_column": "row_number_column",
    "backwards": "reverse",
    "becomes": "becomes_target",
    "deal": "fan",
    "dealt": "fan_out",
    "dialect_for": "Session.dialect",
    "drafts": "hidden_tables",
    "fitted": "ConvertedStream",
    "flavour": "server",
    "flavours": "features",
    "form_of": "decoder_of",
    "forms": "limits",
    "goes_straight": "LoadRoute",
    "hand": "share",
    "held_in": "as_stored",
    "is_new": "LoadRoute",
    "is_plain": "LoadRoute",
    "job_here": "hidden_plan",
    "last_wins": "LoadRoute",
    "live_one": "live",
    "order_of": "row_number",
    "over_several": "load_over_connections",
    "part_up": "split",
    "placed": "with_origin",
    "pulled": "blocking_iterator",
    "refusals": "violations",
    "restore": "from_stored",
    "tidied": "cleanup",
    "tidy": "cleanup",
    "undecided": "retry",
    "unkept": "unknown_attributes",
    "unstorable": "value_check",
    "widens": "is_widening",
    "zero_of": "default_of_type",
}

# Name of a file or folder -> the one to use.
REPLACED_FILES = {
    "aim": "load/plan",
    "converted": "load/stream",
    "dealt": "bridge/fan_out",
    "described": "sync/ddl",
    "families": "sources/objects/kinds",
    "fits": "sources/objects/kinds",
    "forms": "dialects/<database>/limits",
    "hidden": "load/hidden_table",
    "migrated": "sync/migrate",
    "opened": "sources/files/bytes",
    "parting": "load/merge",
    "pulled": "bridge/blocking_iterator",
    "traces": "load/hidden_table",
    "waiting": "dialects/<database>/locks",
}


def identifiers(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Each identifier of a module with its line: names, attributes, arguments, definitions and imports."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name, node.lineno
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, node.lineno
            case ast.keyword(arg=str(name)):
                yield name, node.value.lineno
            case ast.alias(name=name, asname=asname):
                yield from ((part, node.lineno) for part in (*name.split("."), *([asname] if asname else [])))
            case _:
                pass


def replaced_in(source: str) -> list[tuple[str, int]]:
    """The identifiers that were replaced; one with a leading underscore is the same name."""
    return [(name, line) for name, line in identifiers(ast.parse(source)) if name.lstrip("_") in REPLACED]


@pytest.mark.parametrize("name", sorted(REPLACED))
def test_a_replaced_name_is_found(name: str) -> None:
    sources = (f"import a.{name}", f"from a import b as {name}", f"def f(*, {name}): ...", f"f({name}=1)", f"x._{name}")
    assert [len(replaced_in(source)) for source in sources] == [1] * len(sources)


def test_no_replaced_name_is_back() -> None:
    found = [
        f"{path.relative_to(ROOT.parent)}:{line}: {name}, say {REPLACED[name.lstrip('_')]}"
        for path in sorted(ROOT.rglob("*.py"))
        for name, line in replaced_in(path.read_text())
    ]
    assert found == []


def test_no_replaced_file_is_back() -> None:
    files = [path for path in sorted(ROOT.rglob("*")) if path.suffix == ".py" or (path / "__init__.py").exists()]
    found = [path for path in files if path.stem in REPLACED_FILES]
    assert [f"{path.relative_to(ROOT.parent)}: say {REPLACED_FILES[path.stem]}" for path in found] == []
