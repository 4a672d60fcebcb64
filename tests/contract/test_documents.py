"""What the documents show, works: the blocks of the README and the guide, the notebook, the demo."""

from __future__ import annotations

import gzip
import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import nbformat
import polars as pl
import pytest
from nbclient import NotebookClient

import arrowsync

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
GUIDE = (ROOT / "docs" / "guide.md").read_text()

ON_MYSQL = {'FROM "User"': "FROM `User`", "FROM sales.customers": "FROM sales__customers"}
"""Lines of the guide that name tables as only the other databases do, and how MySQL and MariaDB want them."""

SHOP = """
from dataclasses import dataclass
from arrowsync import PrimaryKey

@dataclass
class Order:
    number: PrimaryKey[int]
    total: float
"""
SERVERS = {"postgresql://localhost/warehouse": "postgres_url"}
"""A server that the README's command lines name -> the fixture that takes its place."""
COMMAND_LINES = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", README + GUIDE, flags=re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if "arrowsync " in line
]
COMMANDS = {
    "arrowsync load orders/*.parquet duckdb:///warehouse.duckdb --table shop:Order": ["Order", "2 inserted"],
    "arrowsync load users.parquet postgresql://localhost/warehouse --table users --key id --dry-run": ["CREATE TABLE"],
    "zcat users.csv.gz | arrowsync load - postgresql://localhost/warehouse --format csv --delimiter ';' --table users "
    "--rejects bad.parquet": ["1 inserted", "1 rejected"],
    "arrowsync load lineitem.parquet postgresql://localhost/warehouse --table lineitem --parallel 2": ["100 inserted"],
    "arrowsync plan shop:Order postgresql://localhost/warehouse": ['CREATE TABLE "Order"'],
    "arrowsync migrate shop:Order postgresql://localhost/warehouse": ['CREATE TABLE "Order"'],
    "arrowsync ddl shop --dialect mysql --enum-mode check > shop.sql": ["CREATE TABLE `Order`"],
    "arrowsync discover postgresql://localhost/warehouse --namespace sales > sales.py": [
        "class prices",
        "Precision(8, 2)",
    ],
    "arrowsync discover events.csv.gz > events.py": ["class events", "at: PrimaryKey[date]", "what: str"],
}
"""Each command line of the documents -> texts that stand in its output, or in the file that it writes."""


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def printed_by(document: str, folder: Path) -> str:
    """What the Python blocks of the document print, run one after the other as one script."""
    script = folder / "document.py"
    script.write_text("\n".join(blocks(document, "python")))
    done = subprocess.run(
        [sys.executable, "-W", "error", script], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_s_python_runs(tmp_path: Path) -> None:
    assert len(blocks(README, "python")) >= 4
    printed = printed_by(README, tmp_path)
    shown = re.sub(r"in [\d.]+ s \([\d,]+ rows/s\)", "in 0.02 s (110 rows/s)", printed)
    assert shown.startswith(blocks(README, "text")[0])
    for script in blocks(README, "sql"):
        assert script in printed


@pytest.mark.parametrize("fixture", ["duckdb_url", "postgres_url", "mysql_url", "mariadb_url"])
def test_the_guide_s_python_runs_on_every_database(
    request: pytest.FixtureRequest, fixture: str, tmp_path: Path
) -> None:
    shown = 'arrowsync.connect("duckdb:///shop.duckdb")'
    assert GUIDE.count(shown) == 1
    url: str = request.getfixturevalue(fixture)
    script = GUIDE.replace(shown, f"arrowsync.connect({url!r})")
    if url.startswith("mysql"):
        for written, there in ON_MYSQL.items():
            assert written in script
            script = script.replace(written, there)
    printed_by(script, tmp_path)


def test_the_guide_s_warning_of_names_without_quotes_is_true(postgres_url: str) -> None:
    with arrowsync.connect(postgres_url) as conn:
        arrowsync.sync_table([{"id": 1}], "User", conn, key="id")
        assert conn.fetch("SELECT * FROM User").column_names == ["user"]
        assert conn.fetch('SELECT * FROM "User"').column_names == ["id"]


@pytest.mark.parametrize("fixture", ["duckdb_url", "postgres_url", "mysql_url", "mariadb_url"])
def test_no_number_of_an_identity_is_given_twice(request: pytest.FixtureRequest, fixture: str) -> None:
    @dataclass
    class Visit:
        number: arrowsync.Identity[arrowsync.PrimaryKey[int]]
        page: int

    with arrowsync.connect(request.getfixturevalue(fixture)) as conn:
        for pages in (range(1), range(1, 3), range(3, 6), range(6, 20)):
            arrowsync.sync_table([{"page": page} for page in pages], Visit, conn, mode="insert")
        visits = arrowsync.read_table(Visit, conn).to_pylist()
        assert sorted(visit["page"] for visit in visits) == list(range(20))
        numbers = {visit["number"] for visit in visits}
        assert len(numbers) == 20
        if fixture in ("duckdb_url", "postgres_url"):
            assert numbers == set(range(1, 21)), "only MySQL and MariaDB leave gaps"


def prepare(folder: Path) -> None:
    """The files that the README's command lines name."""
    (folder / "shop.py").write_text(SHOP)
    (folder / "orders").mkdir()
    for number in (1, 2):
        pl.DataFrame({"number": [number], "total": [19.5]}).write_parquet(folder / "orders" / f"{number}.parquet")
    users = pl.DataFrame({"id": [1, 2], "name": ["Ada", "Grace"]})
    users.write_parquet(folder / "users.parquet")
    with gzip.open(folder / "users.csv.gz", "wt") as file:
        file.write("id;name\n1;Ada\n2;Grace;too many\n")
    with gzip.open(folder / "events.csv.gz", "wt") as file:
        file.write("at,what\n2026-01-31,login\n")
    pl.DataFrame({"l_orderkey": range(100), "l_comment": ["quickly"] * 100}).write_parquet(folder / "lineitem.parquet")


def test_every_command_line_is_known() -> None:
    assert sorted(COMMANDS) == sorted(COMMAND_LINES)


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_the_readme_s_command_lines_run(line: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    prepare(tmp_path)
    command = line
    for shown, fixture in SERVERS.items():
        if shown in command:
            url: str = request.getfixturevalue(fixture)
            command = command.replace(shown, shlex.quote(url))
            with arrowsync.connect(url) as conn:
                conn.execute("CREATE SCHEMA sales")
                conn.execute("CREATE TABLE sales.prices (article text PRIMARY KEY, euros numeric(8, 2) NOT NULL)")
    done = subprocess.run(
        ["bash", "-ec", f"set -o pipefail; {command}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    assert done.returncode == 0, done.stderr
    _, _, file = command.partition(" > ")
    result = (tmp_path / file).read_text() if file else done.stdout
    for text in COMMANDS[line]:
        assert text in result, result
    if "--rejects" in line:
        assert pl.read_parquet(tmp_path / "bad.parquet").select("line", "value").rows() == [(3, "2;Grace;too many")]


def test_the_readme_names_every_exit_code() -> None:
    from arrowsync.cli.main import EXIT_CODES

    (sentence,) = re.findall(r"The exit code tells what failed: ([^#]*?)\n\n", README)
    assert {int(code) for code in re.findall(r"\b\d+\b", sentence)} >= {*EXIT_CODES.values(), 130, 143}


def test_the_readme_names_extras_that_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = re.findall(r"arrowsync\[([\w-]+)\]", README + GUIDE)
    assert named
    assert set(named) <= set(extras)


def test_links_between_the_documents_lead_somewhere() -> None:
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)[^):]*\)", path.read_text()):
            assert (path.parent / link).exists(), f"{path.name}: {link}"


def test_the_readme_names_every_command_and_public_function() -> None:
    import arrowsync
    from arrowsync.cli.main import commands

    for name in ("connect", "sync_table", "read_table", "open_source", "plan", "migrate"):
        assert name in README
        assert hasattr(arrowsync, name)
    for command in commands():
        assert f"arrowsync {command}" in README, f"the README doesn't show the command {command!r}"


def test_the_readme_s_shell_commands_are_make_targets() -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    for target in re.findall(r"(?:^|`)make (\w+)", README, flags=re.MULTILINE):
        assert target in targets


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_notebook_runs(tmp_path: Path) -> None:
    notebook = nbformat.read(ROOT / "notebooks" / "quickstart.ipynb", as_version=4)
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    html = [
        output["data"].get("text/html", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "data" in output
    ]
    assert any("inserted" in page and "<table>" in page for page in html), "the report shows itself as an HTML table"
    assert any("CREATE TABLE" in page for page in html), "so does the plan"


def test_the_demo_runs() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "examples" / "demo.py"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
    assert done.returncode == 0, done.stderr
    assert "600,572" in done.stdout
    assert "6,006 updated, 594,566 unchanged" in done.stdout
    assert "336,776 inserted" in done.stdout
    assert "336,776 unchanged" in done.stdout
