"""The virtual environment of the peers, made on first use and again when `peers.txt` changes."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parents[1]
FOLDER = HERE.parent / ".benchmarks" / "peers"
LIST = HERE / "peers.txt"

VERSIONS = """
import importlib.metadata, json, sys
print(json.dumps({name: importlib.metadata.version(name) for name in sys.argv[1:]}))
"""


def peers_python() -> Path:
    """The Python of the environment with the peers, and with them in the versions of `peers.txt`."""
    python, stamp = FOLDER / "bin" / "python", FOLDER / "peers.txt"
    if not python.exists() or not stamp.exists() or stamp.read_text() != LIST.read_text():
        print(f"installing the peers into {FOLDER.relative_to(HERE.parent)}", flush=True)
        venv.create(FOLDER, clear=True, with_pip=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--requirement", LIST],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"the peers can't be installed:\n{done.stderr}")
        stamp.write_text(LIST.read_text())
    return python


def versions() -> dict[str, str]:
    """What is installed there, by name, of what `peers.txt` names."""
    lines = [line for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    names = [line.partition("==")[0].partition("[")[0] for line in lines]
    return json.loads(subprocess.check_output([peers_python(), "-c", VERSIONS, *names], text=True))


def own_python() -> Path:
    """The Python that has arrowsync."""
    return Path(sys.executable)
