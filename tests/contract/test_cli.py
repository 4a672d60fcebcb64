"""The command line, run as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import arrowsync

SHOP = """
from dataclasses import dataclass
from arrowsync import PrimaryKey, MaxLength
from typing import Annotated

@dataclass
class Item:
    id: PrimaryKey[int]
    name: Annotated[str, MaxLength(5)]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    pl.DataFrame({"id": [1, 2, 3], "name": ["a", "b", "c"]}).write_parquet(tmp_path / "items.parquet")
    return tmp_path


def arrowsync_command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "arrowsync.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_load_with_a_class(shop: Path, database_url: str) -> None:
    done = arrowsync_command(shop, "load", "items.parquet", database_url, "--table", "shop:Item")
    assert (done.returncode, done.stderr) == (0, "")
    assert "inserted" in done.stdout
    assert "3" in done.stdout
    assert arrowsync.read_table("Item", database_url).num_rows == 3


def test_load_with_a_name_and_json(shop: Path, database_url: str) -> None:
    arguments = ("load", "items.parquet", database_url, "--table", "things", "--key", "id", "--json")
    first = json.loads(arrowsync_command(shop, *arguments).stdout)
    assert (first["mode"], first["inserted"], first["changes"]) == ("upsert", 3, ["create table things (2 columns)"])
    second = json.loads(arrowsync_command(shop, *arguments).stdout)
    assert (second["inserted"], second["unchanged"], second["changes"]) == (0, 3, [])
    third = json.loads(arrowsync_command(shop, *arguments, "--mode", "replace").stdout)
    assert third["unchanged"] == 3


def test_a_dry_run_shows_the_statements_and_makes_nothing(shop: Path, database_url: str) -> None:
    done = arrowsync_command(shop, "load", "items.parquet", database_url, "--table", "shop:Item", "--dry-run")
    assert done.returncode == 0
    assert 'CREATE TABLE "Item"' in done.stdout.replace("`", '"')
    with pytest.raises(arrowsync.MigrationError):
        arrowsync.read_table("Item", database_url)


def test_load_text_from_standard_input_and_keep_the_rejects(shop: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "arrowsync.cli",
        "load",
        "-",
        "duckdb:///w.duckdb",
        "--table",
        "shop:Item",
        "--json",
    ]
    options = ["--format", "csv", "--delimiter", ";", "--quote", "'", "--null", "NA", "--no-header"]
    options += ["--field-names", "id,name,", "--rejects", "bad.parquet"]
    text = "1;'a;b';x\n2;c\n3;too long;y\n4;d;z\n"
    done = subprocess.run([*command, *options], cwd=shop, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["rows_read"], report["inserted"], report["rejected"]) == (4, 2, 2)
    rejects = pl.read_parquet(shop / "bad.parquet").select("row", "column", "value", "file", "line").rows()
    assert rejects == [
        (1, None, "2;c", "standard input", 2),
        (2, "name", "too long", "standard input", 3),
    ]


def test_where_rejects_cannot_be_written_nothing_is_loaded(shop: Path) -> None:
    (shop / "items.csv").write_text("id,name\n1,a\nx,b\n")
    command = ("load", "items.csv", "duckdb:///w.duckdb", "--table", "shop:Item")
    for path in ("nowhere/bad.parquet", "."):
        refused = arrowsync_command(shop, *command, "--rejects", path)
        assert (refused.returncode, "nothing was loaded" in refused.stderr) == (3, True)
    assert not (shop / "w.duckdb").exists()
    refused = arrowsync_command(shop, *command, "--max-rejects", "1")
    assert (refused.returncode, "--on-error reject" in refused.stderr) == (2, True)


def test_columns_that_are_not_declared_can_be_left_out(shop: Path) -> None:
    (shop / "items.tsv").write_text("extra\tname\tid\nx\ta\t1\n")
    command = ("load", "items.tsv", "duckdb:///w.duckdb", "--table", "shop:Item")
    refused = arrowsync_command(shop, *command)
    assert (refused.returncode, "doesn't declare: 'extra'" in refused.stderr) == (4, True)
    assert arrowsync_command(shop, *command, "--columns", "declared").returncode == 0
    assert arrowsync_command(shop, *command, "--columns", "id,name").returncode == 0


def test_plan_and_migrate(shop: Path, database_url: str) -> None:
    planned = arrowsync_command(shop, "plan", "shop:Item", database_url)
    assert 'CREATE TABLE "Item"' in planned.stdout.replace("`", '"')
    assert arrowsync_command(shop, "migrate", "shop:Item", database_url).stdout == planned.stdout
    assert arrowsync_command(shop, "plan", "shop:Item", database_url).stdout == "-- nothing to change\n"


def test_each_kind_of_failure_has_its_exit_code(shop: Path) -> None:
    pl.DataFrame({"id": [1], "name": ["too long"]}).write_parquet(shop / "long.parquet")
    url = "duckdb:///w.duckdb"
    cases = {
        2: ("load", "items.parquet", url, "--table", "shop:Nothing"),
        3: ("load", "missing.parquet", url, "--table", "shop:Item"),
        4: ("load", "long.parquet", url, "--table", "shop:Item"),
        5: ("load", "items.parquet", url, "--table", "shop:Item", "--schema-changes", "none"),
        6: ("load", "items.parquet", "duckdb:///missing/w.duckdb", "--table", "shop:Item"),
    }
    for code, arguments in cases.items():
        done = arrowsync_command(shop, *arguments)
        assert done.returncode == code, done.stderr
        assert done.stderr.startswith("arrowsync: ")
        assert "hint: " in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
    wrong = arrowsync_command(shop, "load", "items.parquet")
    assert wrong.returncode == 2


def test_nothing_is_drawn_where_nobody_watches(shop: Path) -> None:
    done = arrowsync_command(shop, "load", "items.parquet", "duckdb://", "--table", "shop:Item", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
