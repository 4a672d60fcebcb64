"""What the documents show, works: the README's blocks, the notebook, the demo."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_readme_s_python_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 4
    script = tmp_path / "readme.py"
    script.write_text("\n".join(blocks))
    done = subprocess.run(
        [sys.executable, "-W", "error", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = re.sub(r"in [\d.]+ s \([\d,]+ rows/s\)", "in 0.02 s (110 rows/s)", done.stdout)
    shown = re.search(r"^```text\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert printed.startswith(shown[1])
    for script in re.findall(r"^```sql\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL):
        assert script in done.stdout


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
