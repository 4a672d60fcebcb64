"""`make bench`: the benchmarks, one after the other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Run the memory benchmark and the micro-benchmarks; fail if one does."""
    memory = subprocess.run([sys.executable, HERE / "memory.py"], check=False)
    files = subprocess.run([sys.executable, HERE / "files.py"], check=False)
    kernels = [sys.executable, "-m", "pytest", "-q", *sorted(HERE.glob("test_*.py"))]
    micro = subprocess.run(kernels, check=False)
    return memory.returncode or files.returncode or micro.returncode


if __name__ == "__main__":
    sys.exit(main())
