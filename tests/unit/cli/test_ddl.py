"""`arrowsync ddl`: the script for declared tables on standard output, and errors as the other commands give them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from arrowsync.cli.main import main

SHOP = '''
from dataclasses import dataclass
from enum import Enum
from typing import Annotated
from arrowsync import MaxLength, PrimaryKey, int32


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Item:
    """What we sell."""

    id: PrimaryKey[int]
    color: Color
    size: int32


@dataclass
class Customer:
    id: PrimaryKey[int]
    name: Annotated[str, MaxLength(80)]
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a module of two tables, whose name no other test has imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "corner_shop", raising=False)
    (tmp_path / "corner_shop.py").write_text(SHOP)
    return tmp_path


def ddl(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["ddl", *arguments]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    return output.out


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["ddl", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    return output.err


def test_a_class_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ddl(capsys, "corner_shop:Customer", "--dialect", "ansi") == (
        'CREATE TABLE "Customer" (\n  "id" bigint NOT NULL,\n  "name" varchar(80) NOT NULL,\n  PRIMARY KEY ("id")\n);\n'
    )


def test_all_that_a_module_declares(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = ddl(capsys, "corner_shop", "--dialect", "ansi")
    assert script.count("CREATE TABLE") == 2
    assert script == ddl(capsys, "corner_shop:Item", "corner_shop:Customer", "--dialect", "ansi")


def test_a_file_from_anywhere(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    assert ddl(capsys, "../corner_shop.py", "--dialect", "ansi").count("CREATE TABLE") == 2
    assert 'CREATE TABLE "Item"' in ddl(capsys, f"{folder / 'corner_shop.py'}:Item", "--dialect", "ansi")


def test_the_dialect_and_its_modes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    item = ("corner_shop:Item", "--dialect", "postgresql")
    assert "CREATE TYPE \"Color\" AS ENUM ('red', 'blue')" in ddl(capsys, *item)
    assert "CHECK (\"color\" IN ('red', 'blue'))" in ddl(capsys, *item, "--enum-mode", "check")
    lookup = ddl(capsys, *item, "--enum-mode", "relation")
    assert 'CREATE TABLE "Color"' in lookup
    assert "INSERT" not in lookup
    assert "('red')" in ddl(capsys, *item, "--enum-mode", "relation", "--initialize-tables")


def test_namespace_and_defaults(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = ddl(capsys, "corner_shop", "--dialect", "ansi", "--namespace", "shop", "--auto-default")
    assert script.startswith('CREATE SCHEMA "shop";\n')
    assert 'CREATE TABLE "shop"."Customer"' in script
    assert '"size" integer DEFAULT 0 NOT NULL' in script


def test_foreign_keys_are_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "corner_shop.py").write_text(
        SHOP + "\n\n@dataclass\nclass Sale:\n    id: PrimaryKey[int]\n    item: Item\n"
    )
    assert "REFERENCES" in ddl(capsys, "corner_shop:Sale", "--dialect", "ansi")
    assert "REFERENCES" not in ddl(capsys, "corner_shop:Sale", "--dialect", "ansi", "--no-foreign-keys")


def test_what_is_wrong_is_said_with_a_hint(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "json.py").write_text(SHOP)
    cases = {
        ("corner_shop:Nothing", "--dialect", "ansi"): "has no 'Nothing'",
        ("cornershop", "--dialect", "ansi"): "ModuleNotFoundError",
        ("json.py", "--dialect", "ansi"): "another module is called 'json'",
        ("corner_shop", "--dialect", "oracle"): "there is no dialect 'oracle'",
        ("corner_shop", "--dialect", "postgresql", "--enum-mode", "inline"): "PostgreSQL has no EnumMode.INLINE",
        ("pathlib", "--dialect", "ansi"): "no table",
    }
    for arguments, problem in cases.items():
        message = refusal(capsys, *arguments)
        assert message.startswith("arrowsync: ")
        assert problem in message
        assert "\n  hint: " in message


def test_the_command_itself(folder: Path) -> None:
    command = [sys.executable, "-m", "arrowsync.cli", "ddl", "corner_shop:Item", "--dialect", "duckdb"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert 'CREATE TABLE "Item"' in done.stdout
    missing = subprocess.run([*command[:4], "corner_shop"], cwd=folder, capture_output=True, text=True, check=False)
    assert missing.returncode == 2
    assert "--dialect" in missing.stderr
